//! RSA keys, which take so long to make that the labs of several entries share them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::pki::{KeyAlgorithm, KeyPair, PkiError};
use crate::scenario::CatalogueEntry;

/// The RSA keys of a run. The certificates of one lab have different keys, as in every lab; those of different labs
/// may have the same. Other keys are made within microseconds, for each lab anew.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedKeys(Arc<Mutex<HashMap<Which, Slot>>>);

/// The algorithm of a key, and its index among those of one lab.
type Which = (KeyAlgorithm, usize);
/// A key, once it has been made.
type Slot = Arc<Mutex<Option<KeyPair>>>;

impl SharedKeys {
    /// Returns the keys of a run with these entries, and begins to make those that the entries need on another thread.
    pub(super) fn of(entries: &[&'static CatalogueEntry]) -> Self {
        let keys = Self::default();
        let algorithms: Vec<_> = KeyAlgorithm::ALL
            .into_iter()
            .filter(|(name, algorithm)| {
                let name = format!("\"{name}\"");
                algorithm.is_rsa() && entries.iter().any(|entry| entry.scenario.text.contains(&name))
            })
            .map(|(_, algorithm)| algorithm)
            .collect();
        let making = keys.clone();
        // An error is met again by the entry that needs the key. The thread ends with the process.
        std::thread::spawn(move || algorithms.into_iter().try_for_each(|it| making.key((it, 0)).map(drop)));
        keys
    }

    /// Returns a function that makes the keys of one lab.
    pub(super) fn of_a_lab(&self) -> impl FnMut(KeyAlgorithm) -> Result<KeyPair, PkiError> {
        let mut asked = HashMap::<KeyAlgorithm, usize>::new();
        move |algorithm| {
            if !algorithm.is_rsa() {
                return KeyPair::generate(algorithm);
            }
            let asked = asked.entry(algorithm).or_default();
            *asked += 1;
            self.key((algorithm, *asked - 1))
        }
    }

    /// Returns a key; whoever asks while it is being made waits for it.
    fn key(&self, which: Which) -> Result<KeyPair, PkiError> {
        let slot = Arc::clone(lock(&self.0).entry(which).or_default());
        let mut slot = lock(&slot);
        if let Some(key) = &*slot {
            return Ok(key.clone());
        }
        let key = KeyPair::generate(which.0)?;
        Ok(slot.insert(key).clone())
    }
}

// A panic leaves nothing half made behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labs_share_keys_and_the_certificates_of_one_lab_do_not() {
        let keys = SharedKeys::default();
        let of_a_lab = |keys: &SharedKeys| {
            let mut make = keys.of_a_lab();
            [KeyAlgorithm::Rsa1024, KeyAlgorithm::Rsa1024, KeyAlgorithm::EcdsaP256]
                .map(|algorithm| make(algorithm).unwrap().pkcs8_der().to_vec())
        };
        let (one, other) = (of_a_lab(&keys), of_a_lab(&keys));
        assert_eq!(one[..2], other[..2]);
        assert_ne!(one[0], one[1]);
        assert_ne!(one[2], other[2]);
    }

    #[test]
    fn the_keys_that_entries_name_are_made_ahead() {
        let entries: Vec<_> = crate::scenario::chosen(&["trust-rsa1024".to_owned()]).unwrap();
        let keys = SharedKeys::of(&entries);
        let is_begun = || lock(&keys.0).contains_key(&(KeyAlgorithm::Rsa1024, 0));
        while !is_begun() {
            std::thread::yield_now();
        }
        assert!(!lock(&keys.0).contains_key(&(KeyAlgorithm::Rsa4096, 0)));
    }
}
