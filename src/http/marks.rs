//! The marks that readers put on messages: read, and removed. They belong to the views; the journal has neither.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The marks on messages, by the messages' numbers.
#[derive(Debug, Default)]
pub(super) struct Marks(Mutex<Sets>);

#[derive(Debug, Default)]
struct Sets {
    read: BTreeSet<u64>,
    removed: BTreeSet<u64>,
    /// The number of changes so far.
    changes: u64,
}

impl Marks {
    /// Returns whether a message was read.
    pub(super) fn is_read(&self, message: u64) -> bool {
        self.lock().read.contains(&message)
    }

    /// Returns whether a message was removed.
    pub(super) fn is_removed(&self, message: u64) -> bool {
        self.lock().removed.contains(&message)
    }

    /// Keeps the messages that were not removed, by their numbers.
    pub(super) fn retain<T>(&self, messages: &mut Vec<T>, number: impl Fn(&T) -> u64) {
        let sets = self.lock();
        if !sets.removed.is_empty() {
            messages.retain(|message| !sets.removed.contains(&number(message)));
        }
    }

    /// Keeps the messages that were read, or those that were not.
    pub(super) fn retain_read<T>(&self, read: bool, messages: &mut Vec<T>, number: impl Fn(&T) -> u64) {
        let sets = self.lock();
        messages.retain(|message| sets.read.contains(&number(message)) == read);
    }

    /// Marks messages as read, or as unread. Those before `oldest` are gone, and forgotten.
    pub(super) fn set_read(&self, read: bool, messages: impl Iterator<Item = u64>, oldest: u64) {
        self.change(oldest, |sets| {
            if read {
                sets.read.extend(messages);
            } else {
                for message in messages {
                    sets.read.remove(&message);
                }
            }
        });
    }

    /// Marks messages as removed. Those before `oldest` are gone, and forgotten.
    pub(super) fn remove(&self, messages: impl Iterator<Item = u64>, oldest: u64) {
        self.change(oldest, |sets| sets.removed.extend(messages));
    }

    /// Returns the number of changes so far, by which a reader notices that lists have changed.
    pub(super) fn changes(&self) -> u64 {
        self.lock().changes
    }

    fn change(&self, oldest: u64, change: impl FnOnce(&mut Sets)) {
        let mut sets = self.lock();
        change(&mut sets);
        sets.read = sets.read.split_off(&oldest);
        sets.removed = sets.removed.split_off(&oldest);
        sets.changes += 1;
    }

    // The sets are whole after a panic, too.
    fn lock(&self) -> MutexGuard<'_, Sets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_forgotten_and_every_change_counts() {
        let marks = Marks::default();
        marks.set_read(true, [1, 2, 3].into_iter(), 0);
        marks.remove([2].into_iter(), 0);
        let mut kept = vec![1, 2, 3];
        marks.retain(&mut kept, |it| *it);
        assert_eq!(kept, [1, 3]);
        marks.set_read(false, [3].into_iter(), 2);
        assert!(!marks.is_read(1) && marks.is_read(2) && !marks.is_read(3));
        let mut read = vec![1, 2, 3];
        marks.retain_read(true, &mut read, |it| *it);
        assert_eq!((read, marks.changes()), (vec![2], 3));
    }
}
