//! Keys for a change of a running lab, made on another thread: an RSA key takes up to a second, and
//! connections are answered meanwhile.

use std::collections::HashMap;
use std::num::NonZero;

use super::Engine;
use crate::pki::{KeyAlgorithm, KeyPair, PkiError};
use crate::scenario::{Issuer, Keys};
use crate::wire::Network;

/// Keys that are made already.
#[derive(Debug, Default)]
pub(super) struct Pool(HashMap<KeyAlgorithm, Vec<KeyPair>>);

impl Pool {
    /// Returns a key of the pool, or a new one.
    pub(super) fn next(&mut self, algorithm: KeyAlgorithm) -> Result<KeyPair, PkiError> {
        match self.0.get_mut(&algorithm).and_then(Vec::pop) {
            Some(key) => Ok(key),
            None => KeyPair::generate(algorithm),
        }
    }
}

impl Engine {
    /// Makes the keys that a change asks for. `change` is tried on a copy of the issuer with one stand-in for
    /// all keys of an algorithm; the result is discarded. A lab in memory makes its keys where they are used:
    /// no client waits for it meanwhile, and the time of a dry run jumps when its only thread has nothing to
    /// do.
    pub(super) async fn keys_for(&self, mut change: impl FnMut(&mut Issuer, Keys<'_>)) -> Pool {
        match self.options.network {
            Network::Sockets => {}
            Network::Memory(_) => return Pool::default(),
        }
        let mut stand_ins: HashMap<KeyAlgorithm, KeyPair> = HashMap::new();
        loop {
            let (mut asked, mut missing) = (Vec::new(), None);
            let mut issuer = self.desk().issuer.clone();
            change(&mut issuer, &mut |algorithm| {
                asked.push(algorithm);
                stand_ins.get(&algorithm).cloned().ok_or_else(|| {
                    missing = Some(algorithm);
                    PkiError::Key { problem: "it has not been made yet".to_owned() }
                })
            });
            let Some(algorithm) = missing else { return make(asked).await };
            let Some(stand_in) = make(vec![algorithm]).await.0.remove(&algorithm).and_then(|mut it| it.pop())
            else {
                // A key that cannot be made here cannot be made during the change, either, and the change
                // reports the error.
                return Pool::default();
            };
            stand_ins.insert(algorithm, stand_in);
        }
    }
}

/// Makes keys on blocking threads, on no more of them than there are processors.
async fn make(algorithms: Vec<KeyAlgorithm>) -> Pool {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = algorithms.len().div_ceil(threads).max(1);
    let tasks = algorithms.chunks(share).map(|share| {
        let share = share.to_vec();
        tokio::task::spawn_blocking(move || {
            let made =
                share.into_iter().map(|algorithm| Some((algorithm, KeyPair::generate(algorithm).ok()?)));
            made.flatten().collect::<Vec<_>>()
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut pool = Pool::default();
    for task in tasks {
        for (algorithm, key) in task.await.unwrap_or_default() {
            pool.0.entry(algorithm).or_default().push(key);
        }
    }
    pool
}
