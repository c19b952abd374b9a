//! A map with a bound, for what can be made again.

use std::collections::HashMap;
use std::hash::Hash;

/// The number of values that are surely kept: many times those of a lab. Lab files and certificates may be put in
/// place over the control API for ever.
const KEPT: usize = 4096;

/// A map that keeps the values that were asked for last, and at most twice [`KEPT`].
#[derive(Clone, Debug)]
pub(super) struct Recent<K, V> {
    recent: HashMap<K, V>,
    /// Those that were not asked for since `recent` began.
    older: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub(super) fn new() -> Self {
        Self { recent: HashMap::new(), older: HashMap::new() }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        if let Some((key, value)) = self.older.remove_entry(key) {
            self.insert(key, value);
        }
        self.recent.get(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.recent.len() >= KEPT {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten_beyond_a_bound() {
        let mut map = Recent::new();
        for number in 0..10 * KEPT {
            map.insert(number, number);
            assert_eq!(map.get(&0), Some(&0));
        }
        assert!(map.recent.len() + map.older.len() <= 2 * KEPT);
        assert_eq!(map.get(&1), None);
        assert_eq!(map.get(&(10 * KEPT - 1)), Some(&(10 * KEPT - 1)));
    }
}
