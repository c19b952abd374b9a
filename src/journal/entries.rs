//! The entries that a journal keeps.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::Bounds;
use super::record::{Entry, Record, SessionContext};
use super::recurring::{Recurring, SLOTS};

/// The newest entries within a number and a weight.
///
/// They are in blocks, each of which keeps a record that recurs and a session once. An entry takes 16 bytes there,
/// beside what is new in it, and becomes an [`Entry`] when it is read.
pub(super) struct Entries {
    /// None is empty, and each but the last is full.
    blocks: VecDeque<Block>,
    /// The number of the first entry of the first block, which may have fallen out.
    begin: u64,
    /// The number of the oldest entry that is kept.
    oldest: u64,
    /// The number of the next entry.
    next: u64,
    weight: usize,
    most: usize,
    heaviest: usize,
    recurring: Recurring,
    /// The index in the last block of the record that is in a slot of `recurring`, where it is in that block.
    known: [u8; SLOTS],
}

/// The number of entries in a full block; an index of one fits into a byte.
const BLOCK: usize = 128;

/// The number of sessions of a block, counted from its end, among which that of a new entry is looked for.
const NEAREST: usize = 16;

/// Consecutive entries.
struct Block {
    entries: Vec<Kept>,
    places: Vec<Arc<SessionContext>>,
    records: Vec<Record>,
}

/// An entry in its block: the parts of its time, and the indexes of its session and its record.
struct Kept {
    second: i64,
    nanosecond: i32,
    place: Option<u8>,
    record: u8,
}

impl Entries {
    /// Returns an empty list.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            blocks: VecDeque::new(),
            begin: 1,
            oldest: 1,
            next: 1,
            weight: 0,
            most: bounds.entries,
            heaviest: bounds.entry_octets,
            recurring: Recurring::default(),
            known: [0; SLOTS],
        }
    }

    /// Adds an entry, which gets the next number, and drops the oldest until the bounds hold again. `look` sees the
    /// entry first.
    ///
    /// The newest entry always stays, however heavy.
    pub(super) fn push(
        &mut self,
        time: Timestamp,
        place: Option<Arc<SessionContext>>,
        mut record: Record,
        look: impl FnOnce(&Entry),
    ) {
        let slot = self.recurring.share(&mut record);
        let entry = Entry { seq: self.next, time, place, record };
        look(&entry);
        self.next += 1;
        self.weight = self.weight.saturating_add(entry.record.weight());
        self.keep(entry, slot);
        while self.len() > 1 && (self.len() > self.most || self.weight > self.heaviest) {
            self.drop_oldest();
        }
    }

    /// Returns at most `most` entries from number `from` on; the ones before it cost nothing.
    pub(super) fn stretch(&self, from: u64, most: usize) -> Vec<Entry> {
        let from = from.clamp(self.oldest, self.next);
        let wanted = usize::try_from(self.next - from).map_or(most, |left| left.min(most));
        let mut entries = Vec::with_capacity(wanted);
        let (first, mut within) = self.find(from);
        for block in self.blocks.iter().skip(first) {
            let numbers = from + entries.len() as u64..;
            let kept = block.entries.get(within..).unwrap_or_default();
            let kept = kept.iter().take(wanted - entries.len());
            entries.extend(numbers.zip(kept).map(|(number, kept)| block.read(number, kept)));
            if entries.len() == wanted {
                break;
            }
            within = 0;
        }
        entries
    }

    /// Returns the number of entries that are here.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.next - self.oldest).unwrap_or(usize::MAX)
    }

    /// Returns the number of the oldest entry that is here, or of the next where there is none. All before it were
    /// dropped.
    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Returns the number of the next entry.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Returns the index of the block of an entry that is not before the first, and the entry's index there.
    fn find(&self, number: u64) -> (usize, usize) {
        let behind = usize::try_from(number - self.begin).unwrap_or(usize::MAX);
        (behind / BLOCK, behind % BLOCK)
    }

    fn keep(&mut self, entry: Entry, slot: Option<usize>) {
        if self.blocks.back().is_none_or(|block| block.entries.len() == BLOCK) {
            self.blocks.push_back(Block::new());
        }
        if let Some(block) = self.blocks.back_mut() {
            block.keep(entry, slot.and_then(|slot| self.known.get_mut(slot)));
        }
    }

    fn drop_oldest(&mut self) {
        let (block, within) = self.find(self.oldest);
        let record = self.blocks.get(block).and_then(|block| {
            let kept = block.entries.get(within)?;
            block.records.get(usize::from(kept.record))
        });
        self.weight = self.weight.saturating_sub(record.map_or(0, Record::weight));
        self.oldest += 1;
        if self.oldest - self.begin == BLOCK as u64 {
            self.blocks.pop_front();
            self.begin = self.oldest;
        }
    }
}

impl Block {
    fn new() -> Self {
        Self { entries: Vec::with_capacity(BLOCK), places: Vec::new(), records: Vec::new() }
    }

    /// Keeps an entry; `known` is where a record that recurs has its index.
    fn keep(&mut self, entry: Entry, known: Option<&mut u8>) {
        let Entry { time, place, record, .. } = entry;
        let place = place.map(|place| self.place(place));
        let record = match known {
            Some(known) => {
                let again =
                    self.records.get(usize::from(*known)).is_some_and(|it| Recurring::is_same(it, &record));
                if !again {
                    *known = add(&mut self.records, record);
                }
                *known
            }
            None => add(&mut self.records, record),
        };
        self.entries.push(Kept {
            second: time.as_second(),
            nanosecond: time.subsec_nanosecond(),
            place,
            record,
        });
        if self.entries.len() == BLOCK {
            self.places.shrink_to_fit();
            self.records.shrink_to_fit();
        }
    }

    /// Returns the entry of this number, which is kept as `kept`.
    fn read(&self, number: u64, kept: &Kept) -> Entry {
        // Every record and place that an entry names is in its block.
        let record = self.records.get(usize::from(kept.record)).cloned().unwrap_or(Record::Connecting);
        let place = kept.place.and_then(|at| self.places.get(usize::from(at)).cloned());
        Entry { seq: number, time: kept.time(), place, record }
    }

    fn place(&mut self, place: Arc<SessionContext>) -> u8 {
        let nearest = self.places.iter().enumerate().rev().take(NEAREST);
        let known = nearest.into_iter().find(|(_, known)| Arc::ptr_eq(known, &place));
        match known {
            // A block has no more than BLOCK of them.
            Some((at, _)) => u8::try_from(at).unwrap_or(u8::MAX),
            None => add(&mut self.places, place),
        }
    }
}

impl Kept {
    fn time(&self) -> Timestamp {
        // They are the parts of a time, so that they make one.
        Timestamp::new(self.second, self.nanosecond).unwrap_or_default()
    }
}

/// Adds an item to a list of a block, and returns its index.
fn add<T>(list: &mut Vec<T>, item: T) -> u8 {
    let at = u8::try_from(list.len()).unwrap_or(u8::MAX);
    list.push(item);
    at
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::exchange::{Profile, ProtocolLoggingLevel};

    fn entries(most: usize, heaviest: usize) -> Entries {
        Entries::new(Bounds { entries: most, entry_octets: heaviest, ..Bounds::default() })
    }

    fn time(number: u64) -> Timestamp {
        Timestamp::new(i64::try_from(number).unwrap() - 300, 999_999_999).unwrap()
    }

    fn line(text: &str) -> Record {
        Record::Received(text.as_bytes().into())
    }

    fn numbers(entries: &Entries, from: u64, most: usize) -> Vec<u64> {
        entries.stretch(from, most).iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let place = |_| Arc::new(sample::place(Profile::Exchange2019, ProtocolLoggingLevel::None));
        let places: Vec<_> = (0..40).map(place).collect();
        let mut entries = entries(3 * BLOCK - 7, usize::MAX);
        let mut written = Vec::new();
        for number in 1..=6 * BLOCK as u64 {
            let at = usize::try_from(number * 7 % 41).unwrap();
            let record = match number % 5 {
                0 => Record::Content(number % 3),
                1 => line("RSET"),
                2 => line(&format!("NOOP {number}")),
                3 => Record::Sent(bytes::Bytes::from_static(b"250 2.0.0 OK\r\n")),
                _ => Record::Changed { what: number.to_string() },
            };
            entries.push(time(number), places.get(at).cloned(), record, |entry| written.push(entry.clone()));
            let kept = entries.stretch(0, usize::MAX);
            let oldest = usize::try_from(entries.oldest()).unwrap() - 1;
            assert_eq!(format!("{kept:?}"), format!("{:?}", &written[oldest..]));
            let same = |(left, right): (&Entry, &Entry)| match (&left.place, &right.place) {
                (Some(left), Some(right)) => Arc::ptr_eq(left, right),
                (left, right) => left.is_none() && right.is_none(),
            };
            assert!(kept.iter().zip(&written[oldest..]).all(same));
        }
        assert_eq!(
            (entries.len(), entries.oldest(), entries.next()),
            (3 * BLOCK - 7, 3 * BLOCK as u64 + 8, 769)
        );
    }

    #[test]
    fn what_recurs_is_in_a_block_once() {
        let place = Arc::new(sample::place(Profile::Exchange2019, ProtocolLoggingLevel::None));
        let mut entries = entries(usize::MAX, usize::MAX);
        for number in 0..2 * BLOCK {
            let record = match number % 4 {
                0 => line("NOOP"),
                1 => Record::Sent(bytes::Bytes::from(b"250 2.0.0 OK\r\n".to_vec())),
                2 => Record::Content(7),
                _ => Record::Connected,
            };
            entries.push(time(1), Some(Arc::clone(&place)), record, |_| ());
        }
        let kept: Vec<_> =
            entries.blocks.iter().map(|block| (block.records.len(), block.places.len())).collect();
        assert_eq!(kept, [(4, 1), (4, 1)]);
    }

    #[test]
    fn any_stretch_is_read() {
        let mut entries = entries(3, usize::MAX);
        assert!(numbers(&entries, 0, 9).is_empty());
        (1..=5).for_each(|number| entries.push(time(number), None, line("NOOP"), |_| ()));
        assert_eq!((numbers(&entries, 0, 9), numbers(&entries, 4, 1)), (vec![3, 4, 5], vec![4]));
        assert_eq!((numbers(&entries, 6, 9), numbers(&entries, u64::MAX, 9)), (vec![], vec![]));
    }

    #[test]
    fn the_oldest_fall_out_by_weight_and_the_newest_stays_however_heavy() {
        let mut entries = entries(100, 10);
        for text in ["123456", "123456", "12345678901234567890", "1"] {
            entries.push(time(1), None, line(text), |_| ());
            assert_eq!(entries.len(), 1, "{text}");
        }
        entries.push(time(1), None, line("123456789"), |_| ());
        assert_eq!((numbers(&entries, 1, 9), entries.weight), (vec![4, 5], 10));
    }

    #[test]
    fn an_entry_takes_sixteen_bytes() {
        assert_eq!(size_of::<Kept>(), 16);
    }
}
