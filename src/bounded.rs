//! A list with a bound that says what it dropped.

use std::collections::VecDeque;
use std::sync::Arc;

/// Something that takes memory.
pub trait Weigh {
    /// Returns the approximate number of bytes that it keeps, which never changes.
    fn weight(&self) -> usize;
}

impl<T: Weigh> Weigh for Arc<T> {
    fn weight(&self) -> usize {
        T::weight(self)
    }
}

/// Keeps the newest items within a number and a weight, and counts what fell out.
///
/// The items are in blocks, so that a long list grows without a copy of itself and takes no more than it holds.
#[derive(Debug)]
pub struct Bounded<T> {
    /// None is empty, and each is full: but the first, whose oldest items may have fallen out, and the last.
    blocks: VecDeque<VecDeque<T>>,
    length: usize,
    weight: usize,
    dropped: u64,
    most: usize,
    heaviest: usize,
}

/// The number of items in a full block.
const BLOCK: usize = 128;

impl<T: Weigh> Bounded<T> {
    /// Keeps at most `most` items that together weigh at most `heaviest` bytes.
    pub fn new(most: usize, heaviest: usize) -> Self {
        Self { blocks: VecDeque::new(), length: 0, weight: 0, dropped: 0, most, heaviest }
    }

    /// Adds an item and drops the oldest until the bounds hold again.
    ///
    /// The newest item always stays, however heavy: whoever just caused it wants to see it.
    pub fn push(&mut self, item: T) {
        self.length += 1;
        self.weight = self.weight.saturating_add(item.weight());
        match self.blocks.back_mut().filter(|block| block.len() < BLOCK) {
            Some(block) => block.push_back(item),
            None => {
                let mut block = VecDeque::with_capacity(BLOCK);
                block.push_back(item);
                self.blocks.push_back(block);
            }
        }
        while self.length > 1 && (self.length > self.most || self.weight > self.heaviest) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(first) = self.blocks.front_mut() else { return };
        if let Some(oldest) = first.pop_front() {
            self.length -= 1;
            self.weight = self.weight.saturating_sub(oldest.weight());
            self.dropped += 1;
        }
        if first.is_empty() {
            self.blocks.pop_front();
        }
    }

    /// The items that are still here, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.blocks.iter().flatten()
    }

    /// Returns copies of at most `most` items from `index` on, counted from the oldest that is still here; the ones
    /// before it cost nothing.
    pub fn stretch(&self, index: usize, most: usize) -> Vec<T>
    where
        T: Clone,
    {
        let wanted = most.min(self.length.saturating_sub(index));
        let mut items = Vec::with_capacity(wanted);
        let (mut block, mut within) = self.place(index);
        while items.len() < wanted
            && let Some(from) = self.blocks.get(block)
        {
            let left = wanted - items.len();
            items.extend(from.range(within.min(from.len())..).take(left).cloned());
            (block, within) = (block + 1, 0);
        }
        items
    }

    /// Returns the item for which `key`, which grows from item to item, is `wanted`.
    pub fn find_by_key(&self, wanted: u64, key: impl Fn(&T) -> u64) -> Option<&T> {
        let begins_before = |block: &VecDeque<T>| block.front().is_some_and(|first| key(first) <= wanted);
        let block = self.blocks.get(self.blocks.partition_point(begins_before).checked_sub(1)?)?;
        block.get(block.binary_search_by_key(&wanted, key).ok()?)
    }

    /// The item at `index`, counted from the oldest that is still here.
    pub fn get(&self, index: usize) -> Option<&T> {
        let (block, within) = self.place(index);
        self.blocks.get(block)?.get(within)
    }

    /// Returns the block of an item, and its index there.
    fn place(&self, index: usize) -> (usize, usize) {
        let first = self.blocks.front().map_or(0, VecDeque::len);
        match index.checked_sub(first) {
            None => (0, index),
            Some(behind) => (1 + behind / BLOCK, behind % BLOCK),
        }
    }

    /// Returns the number of items that are still here.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether nothing is here.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns the number of items dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number and its weight.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Item(u64, usize);

    impl Weigh for Item {
        fn weight(&self) -> usize {
            self.1
        }
    }

    fn kept(list: &Bounded<Item>) -> Vec<u64> {
        list.iter().map(|item| item.0).collect()
    }

    #[test]
    fn the_oldest_fall_out_by_number_and_are_counted() {
        let mut list = Bounded::new(2, 100);
        for item in 1..=5 {
            list.push(Item(item, 1));
        }
        assert_eq!((kept(&list), list.dropped()), (vec![4, 5], 3));
    }

    #[test]
    fn what_is_left_is_found_by_its_place_and_by_its_key() {
        let mut list = Bounded::new(3, 100);
        for item in 1..=5 {
            list.push(Item(item, 1));
        }
        let from = |index, most| list.stretch(index, most).iter().map(|item| item.0).collect::<Vec<_>>();
        assert_eq!(
            (from(0, 9), from(1, 1), from(3, 9), from(9, 9)),
            (vec![3, 4, 5], vec![4], vec![], vec![])
        );
        let find = |wanted| list.find_by_key(wanted, |item| item.0 * 10).map(|item| item.0);
        assert_eq!((find(20), find(30), find(45), find(50)), (None, Some(3), None, Some(5)));
    }

    #[test]
    fn items_are_found_wherever_their_block_begins() {
        let mut list = Bounded::new(2 * BLOCK + 7, usize::MAX);
        for newest in 0..5 * BLOCK as u64 {
            list.push(Item(newest, 1));
            assert_eq!(kept(&list), (list.dropped()..=newest).collect::<Vec<_>>());
            for index in [0, list.len() / 2, list.len() - 1] {
                let wanted = list.dropped() + index as u64;
                let found = list.find_by_key(wanted, |item| item.0);
                assert_eq!((list.get(index), found), (Some(&Item(wanted, 1)), Some(&Item(wanted, 1))));
                assert!(list.stretch(index, usize::MAX).iter().map(|item| item.0).eq(wanted..=newest));
            }
            assert_eq!((list.get(list.len()), list.stretch(list.len(), 1)), (None, vec![]));
            assert_eq!(list.find_by_key(newest + 1, |item| item.0), None);
            assert!(list.iter().rev().map(|item| item.0).eq((list.dropped()..=newest).rev()));
        }
        assert_eq!((list.len(), list.dropped()), (2 * BLOCK + 7, 3 * BLOCK as u64 - 7));
    }

    #[test]
    fn the_oldest_fall_out_by_weight() {
        let mut list = Bounded::new(100, 10);
        list.push(Item(1, 6));
        list.push(Item(2, 6));
        assert_eq!((kept(&list), list.dropped()), (vec![2], 1));
    }

    #[test]
    fn the_newest_stays_however_heavy() {
        let mut list = Bounded::new(100, 10);
        list.push(Item(1, 1));
        list.push(Item(2, 1000));
        assert_eq!(kept(&list), vec![2]);
        list.push(Item(3, 1));
        assert_eq!((kept(&list), list.dropped()), (vec![3], 2));
    }
}
