//! The algorithms of keys, by their names in a lab file.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The algorithm and size of a certificate's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256: quick to make, accepted everywhere.
    #[default]
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// ECDSA on P-384.
    #[serde(rename = "ecdsa-p384")]
    EcdsaP384,
    /// ECDSA on P-521, which rustls with ring and some browsers do not speak.
    #[serde(rename = "ecdsa-p521")]
    EcdsaP521,
    /// Ed25519, which Windows Server before 2022 does not speak.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// RSA with 1024 bits, which nobody should take any more.
    #[serde(rename = "rsa-1024")]
    Rsa1024,
    /// RSA with 2048 bits, as Exchange itself makes them.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA with 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA with 4096 bits; takes more than half a second to make.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
}

impl KeyAlgorithm {
    /// Every kind, as lab files write them.
    pub const ALL: [(&'static str, Self); 8] = [
        ("ecdsa-p256", Self::EcdsaP256),
        ("ecdsa-p384", Self::EcdsaP384),
        ("ecdsa-p521", Self::EcdsaP521),
        ("ed25519", Self::Ed25519),
        ("rsa-1024", Self::Rsa1024),
        ("rsa-2048", Self::Rsa2048),
        ("rsa-3072", Self::Rsa3072),
        ("rsa-4096", Self::Rsa4096),
    ];

    const NAMES: [&'static str; Self::ALL.len()] = {
        let (mut names, mut at) = ([""; Self::ALL.len()], 0);
        while at < names.len() {
            names[at] = Self::ALL[at].0;
            at += 1;
        }
        names
    };

    /// Returns whether it is RSA of any length.
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa1024 | Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }
}

impl<'de> Deserialize<'de> for KeyAlgorithm {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = Cow::<str>::deserialize(from)?;
        if let Some((_, known)) = Self::ALL.iter().find(|(name, _)| *name == text) {
            return Ok(*known);
        }
        match out_of_reach(&text) {
            Some(why) => Err(D::Error::custom(format!("no certificate can be served with `{text}`: {why}"))),
            None => Err(D::Error::unknown_variant(&text, &Self::NAMES)),
        }
    }
}

/// Why there is no such key, where it is one that exists elsewhere.
fn out_of_reach(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let begins = |with: &[&str]| with.iter().any(|with| name.starts_with(with));
    if begins(&["dsa", "dss"]) {
        Some(
            "TLS 1.3 has no signature for DSA keys (RFC 8446 section 4.2.3), and no suite of TLS 1.2 here does",
        )
    } else if begins(&["dh", "gost", "sm2"]) {
        Some("no version of TLS that is spoken here signs with such a key")
    } else if begins(&["ed448", "ecdsa-p192", "ecdsa-p224", "ecdsa-brainpool", "secp", "brainpool"]) {
        Some("the curve is none of P-256, P-384, P-521 and Ed25519")
    } else if begins(&["rsa-512"]) {
        Some("so few bits hold no signature of TLS 1.3 (RFC 8017 section 9.1.1); take rsa-1024")
    } else if begins(&["rsa-8192", "rsa-16384"]) {
        Some("such a key takes minutes to make; take rsa-4096")
    } else {
        None
    }
}
