//! RSA keys that several certificates share, because they take a tenth of a second and more to make.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use super::{KeyAlgorithm, KeyPair, PkiError};

/// RSA keys for labs that are closed again when they have been observed. The first certificates of each such lab have
/// different keys, and the same keys come again in further certificates and in the next lab. Keys of other algorithms
/// are made within microseconds, so each certificate has its own.
#[derive(Clone, Debug, Default)]
pub struct SharedKeys(Arc<Mutex<HashMap<Which, Slot>>>);

/// The algorithm of a key, and its index among those of that algorithm.
type Which = (KeyAlgorithm, usize);
/// A key, once it has been made.
type Slot = Arc<Mutex<Option<KeyPair>>>;

/// The number of different keys of one algorithm. The key of a certificate, of the authority above it, and the wrong
/// key that a handshake is signed with have to differ.
const DIFFERENT: usize = 3;

impl SharedKeys {
    /// Begins to make a key of this algorithm, on a thread that ends with the process at the latest.
    pub fn make_ahead(&self, algorithm: KeyAlgorithm) {
        let keys = self.clone();
        // Without a thread the key is made where it is asked for, and an error is reported there.
        Builder::new().spawn(move || keys.key((algorithm, 0)).map(drop)).ok();
    }

    /// Returns a function that makes the keys of one lab.
    pub fn of_a_lab(&self) -> impl FnMut(KeyAlgorithm) -> Result<KeyPair, PkiError> {
        let mut asked = HashMap::<KeyAlgorithm, usize>::new();
        move |algorithm| {
            if !algorithm.is_rsa() {
                return KeyPair::generate(algorithm);
            }
            let asked = asked.entry(algorithm).or_default();
            *asked += 1;
            self.key((algorithm, (*asked - 1) % DIFFERENT))
        }
    }

    /// Returns a key, and waits for it where another thread is making it.
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
    fn labs_share_rsa_keys_and_those_of_three_certificates_differ() {
        use KeyAlgorithm::{EcdsaP256, Rsa1024};
        let keys = SharedKeys::default();
        let of_a_lab = || {
            let mut make = keys.of_a_lab();
            [Rsa1024, Rsa1024, EcdsaP256, Rsa1024, Rsa1024]
                .map(|algorithm| make(algorithm).unwrap().pkcs8_der().to_vec())
        };
        let [one, two, own, three, four] = of_a_lab();
        assert!(one != two && two != three && three != one);
        assert_eq!(four, one);
        let [again, _, other, ..] = of_a_lab();
        assert_eq!(again, one);
        assert_ne!(other, own);
    }

    #[test]
    fn keys_are_made_ahead() {
        let keys = SharedKeys::default();
        keys.make_ahead(KeyAlgorithm::Rsa1024);
        while !lock(&keys.0).contains_key(&(KeyAlgorithm::Rsa1024, 0)) {
            std::thread::yield_now();
        }
        assert!(keys.of_a_lab()(KeyAlgorithm::Rsa1024).is_ok());
    }
}
