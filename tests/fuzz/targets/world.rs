//! What several targets need of a lab: a time, keys that are made once, and every fault rule of the catalogue.

use std::cell::RefCell;

use jiff::Timestamp;
use starttls_lab::internal::pki::{KeyAlgorithm, KeyPair, PkiError};
use starttls_lab::internal::scenario::{ENTRIES, Issuer, ScenarioText};
use starttls_lab::internal::session::fault::FaultRule;

pub(super) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1_285_666_558)
}

/// One key for each family of algorithms, made at the first use: a target issues thousands of certificates a
/// second, and none of them is looked at for its key.
pub(super) fn key(algorithm: KeyAlgorithm) -> Result<KeyPair, PkiError> {
    thread_local!(static KEYS: RefCell<[Option<KeyPair>; 2]> = const { RefCell::new([None, None]) });
    let (slot, made) = match algorithm {
        KeyAlgorithm::Rsa1024 | KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            (0, KeyAlgorithm::Rsa1024)
        }
        _ => (1, KeyAlgorithm::EcdsaP256),
    };
    KEYS.with_borrow_mut(|keys| match &keys[slot] {
        Some(key) => Ok(key.clone()),
        None => KeyPair::generate(made).inspect(|key| keys[slot] = Some(key.clone())),
    })
}

pub(super) fn issuer() -> Issuer {
    Issuer::open(now(), &mut key).expect("an issuer")
}

/// Every fault rule of the catalogue that stands on its own.
pub(super) fn fault_rules() -> Vec<FaultRule> {
    let texts = ENTRIES.iter().map(|entry| &entry.scenario);
    let labs = texts.map(|story| ScenarioText::parse(story.text, story.name).expect("a built-in lab"));
    let specs = labs.flat_map(|lab| lab.scenario.computer).flat_map(|computer| computer.fault);
    specs.filter_map(|spec| spec.resolve().ok()).collect()
}
