//! A list with a bound that says what it dropped.

use std::collections::VecDeque;

/// Keeps the newest items within a number and a weight, and counts what fell out.
#[derive(Debug)]
pub struct Bounded<T> {
    items: VecDeque<(T, usize)>,
    weight: usize,
    dropped: u64,
    most: usize,
    heaviest: usize,
}

impl<T> Bounded<T> {
    /// Keeps at most `most` items that together weigh at most `heaviest` bytes.
    pub fn new(most: usize, heaviest: usize) -> Self {
        Self { items: VecDeque::new(), weight: 0, dropped: 0, most, heaviest }
    }

    /// Adds an item that weighs `weight` bytes and drops the oldest until the bounds hold again.
    ///
    /// The newest item always stays, however heavy: whoever just caused it wants to see it.
    pub fn push(&mut self, item: T, weight: usize) {
        self.items.push_back((item, weight));
        self.weight = self.weight.saturating_add(weight);
        while self.items.len() > 1 && (self.items.len() > self.most || self.weight > self.heaviest) {
            if let Some((_, freed)) = self.items.pop_front() {
                self.weight = self.weight.saturating_sub(freed);
                self.dropped += 1;
            }
        }
    }

    /// The items that are still here, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.iter().map(|(item, _)| item)
    }

    /// The items from `index` on, counted from the oldest that is still here; the ones before it cost nothing.
    pub fn skip(&self, index: usize) -> impl ExactSizeIterator<Item = &T> {
        self.items.range(index.min(self.items.len())..).map(|(item, _)| item)
    }

    /// Returns the item for which `key`, which grows from item to item, is `wanted`.
    pub fn find_by_key(&self, wanted: u64, key: impl Fn(&T) -> u64) -> Option<&T> {
        let index = self.items.binary_search_by_key(&wanted, |(item, _)| key(item)).ok()?;
        self.get(index)
    }

    /// The item at `index`, counted from the oldest that is still here.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.items.get(index).map(|(item, _)| item)
    }

    /// Returns the number of items that are still here.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether nothing is here.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the number of items dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(list: &Bounded<u32>) -> Vec<u32> {
        list.iter().copied().collect()
    }

    #[test]
    fn the_oldest_fall_out_by_number_and_are_counted() {
        let mut list = Bounded::new(2, 100);
        for item in 1..=5 {
            list.push(item, 1);
        }
        assert_eq!((kept(&list), list.dropped()), (vec![4, 5], 3));
    }

    #[test]
    fn what_is_left_is_found_by_its_place_and_by_its_key() {
        let mut list = Bounded::new(3, 100);
        for item in 1..=5_u32 {
            list.push(item, 1);
        }
        let from = |index| list.skip(index).copied().collect::<Vec<_>>();
        assert_eq!((from(0), from(2), from(3), from(9)), (vec![3, 4, 5], vec![5], vec![], vec![]));
        let find = |wanted| list.find_by_key(wanted, |item| u64::from(*item) * 10).copied();
        assert_eq!((find(20), find(30), find(45), find(50)), (None, Some(3), None, Some(5)));
    }

    #[test]
    fn the_oldest_fall_out_by_weight() {
        let mut list = Bounded::new(100, 10);
        list.push(1, 6);
        list.push(2, 6);
        assert_eq!((kept(&list), list.dropped()), (vec![2], 1));
    }

    #[test]
    fn the_newest_stays_however_heavy() {
        let mut list = Bounded::new(100, 10);
        list.push(1, 1);
        list.push(2, 1000);
        assert_eq!(kept(&list), vec![2]);
        list.push(3, 1);
        assert_eq!((kept(&list), list.dropped()), (vec![3], 2));
    }
}
