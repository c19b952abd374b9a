//! The contents of a client's ClientHello.
//!
//! The numbers are kept as they came, which is cheap. They are turned into names when they are shown.

mod names;
mod suites;

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The contents of a ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2).
///
/// A ClientHello may have 64 KiB. Of a list, the first [`KEPT_NUMBERS`](Self::KEPT_NUMBERS) or
/// [`KEPT_PROTOCOLS`](Self::KEPT_PROTOCOLS) members are kept, and of a name the first
/// [`KEPT_NAME`](Self::KEPT_NAME) bytes: more than any real client sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHelloFacts {
    /// The version in the header of its first record.
    pub record_version: u16,
    /// `legacy_version`, up to TLS 1.2 the highest that the client speaks.
    pub legacy_version: u16,
    /// The extension supported_versions; empty where it is missing, as before TLS 1.3.
    pub supported_versions: Box<[u16]>,
    /// The cipher suites, in the client's order.
    pub cipher_suites: Box<[u16]>,
    /// The compression methods; anything but 0 has been a hole since CRIME (RFC 7525 section 3.3).
    pub compression_methods: Box<[u8]>,
    /// The extensions, in the client's order.
    pub extensions: Box<[u16]>,
    /// The key exchange groups, in the client's order.
    pub groups: Box<[u16]>,
    /// The signature algorithms, in the client's order; empty where the extension is missing.
    pub signature_algorithms: Box<[u16]>,
    /// The name the client asked for (SNI, RFC 6066 section 3), byte by byte as the client wrote it.
    pub server_name: Option<Box<str>>,
    /// The protocols that it offers by ALPN (RFC 7301).
    pub alpn: Box<[Box<str>]>,
    /// True if it offers to resume a session of TLS 1.3 (RFC 8446 section 4.2.11).
    pub offers_psk: bool,
    /// True if it offers to resume a session of TLS 1.2 by a ticket (RFC 5077 section 3.2).
    pub offers_ticket: bool,
}

/// TLS 1.2 on the wire.
pub const TLS_1_2: u16 = 0x0303;
/// TLS 1.3 on the wire.
pub const TLS_1_3: u16 = 0x0304;

impl ClientHelloFacts {
    /// The number of members that are kept of a list of numbers; IANA knows fewer cipher suites.
    pub const KEPT_NUMBERS: usize = 512;
    /// The number of protocols that are kept.
    pub const KEPT_PROTOCOLS: usize = 64;
    /// The number of bytes that are kept of the name that is asked for; a host name has 253 at most.
    pub const KEPT_NAME: usize = 512;

    /// Returns the approximate number of bytes that the facts keep on the heap.
    pub fn weight(&self) -> usize {
        let lists = [
            &self.supported_versions,
            &self.cipher_suites,
            &self.extensions,
            &self.groups,
            &self.signature_algorithms,
        ];
        let numbers: usize = lists.into_iter().map(|list| size_of_val(&**list)).sum();
        let protocols: usize = self.alpn.iter().map(|name| size_of_val(name) + name.len()).sum();
        let name = self.server_name.as_ref().map_or(0, |name| name.len());
        size_of::<Self>() + numbers + self.compression_methods.len() + protocols + name
    }

    /// Returns the highest version that the client offers, as it stands on the wire.
    pub fn highest_version(&self) -> u16 {
        let versions = self.supported_versions.iter().copied();
        let known = versions.filter(|version| !names::is_grease(*version));
        known.max().unwrap_or(self.legacy_version)
    }

    /// Returns whether the client offers this version.
    pub fn offers_version(&self, version: u16) -> bool {
        match self.supported_versions.is_empty() {
            // A client that offers a version up to 1.2 states with it that it speaks all below as well.
            true => version <= self.legacy_version,
            false => self.supported_versions.contains(&version),
        }
    }

    /// Returns the cipher suites that stand for a cipher, without signaling values (RFC 5746, RFC 7507) and
    /// reserved values that mean nothing (RFC 8701).
    pub fn real_suites(&self) -> impl Iterator<Item = u16> {
        let signals = |suite: u16| matches!(suite, 0x00ff | 0x5600) || names::is_grease(suite);
        self.cipher_suites.iter().copied().filter(move |suite| !signals(*suite))
    }
}

/// Returns the IANA name of a cipher suite, or its number.
pub fn suite_name(suite: u16) -> Cow<'static, str> {
    names::suite(suite)
}

/// Returns the name of a version, such as `TLSv1.2` or `SSLv3`, or its number.
pub fn version_name(version: u16) -> Cow<'static, str> {
    names::version(version)
}

/// Returns the IANA name of a key exchange group, or its number.
pub fn group_name(group: u16) -> Cow<'static, str> {
    names::group(group)
}

impl Serialize for ClientHelloFacts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let named = |numbers: &[u16], name: fn(u16) -> Cow<'static, str>| -> Vec<_> {
            numbers.iter().copied().map(name).collect()
        };
        let compression: Vec<_> = self.compression_methods.iter().copied().map(names::compression).collect();
        let mut map = to.serialize_struct("ClientHelloFacts", 12)?;
        map.serialize_field("record_version", &names::version(self.record_version))?;
        map.serialize_field("legacy_version", &names::version(self.legacy_version))?;
        map.serialize_field("supported_versions", &named(&self.supported_versions, names::version))?;
        map.serialize_field("cipher_suites", &named(&self.cipher_suites, names::suite))?;
        map.serialize_field("compression_methods", &compression)?;
        map.serialize_field("extensions", &named(&self.extensions, names::extension))?;
        map.serialize_field("groups", &named(&self.groups, names::group))?;
        map.serialize_field("signature_algorithms", &named(&self.signature_algorithms, names::scheme))?;
        map.serialize_field("server_name", &self.server_name)?;
        map.serialize_field("alpn", &self.alpn)?;
        map.serialize_field("offers_psk", &self.offers_psk)?;
        map.serialize_field("offers_ticket", &self.offers_ticket)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_is_the_one_that_counts() {
        let old = ClientHelloFacts { legacy_version: 0x0301, ..ClientHelloFacts::default() };
        assert_eq!(old.highest_version(), 0x0301);
        assert!(old.offers_version(0x0300) && !old.offers_version(0x0302));
        let versions = [0x7a7a, 0x0304, 0x0303].into();
        let new = ClientHelloFacts { legacy_version: 0x0303, supported_versions: versions, ..old };
        assert_eq!(new.highest_version(), 0x0304);
        assert!(new.offers_version(0x0303) && !new.offers_version(0x0301));
    }

    #[test]
    fn names_are_made_when_somebody_looks() {
        let facts = ClientHelloFacts {
            record_version: 0x0301,
            legacy_version: 0x0303,
            cipher_suites: [0x1301, 0x00ff, 0xfefe].into(),
            compression_methods: [0, 1].into(),
            ..ClientHelloFacts::default()
        };
        let json = serde_json::to_value(&facts).unwrap();
        let suites = ["TLS_AES_128_GCM_SHA256", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "0xfefe"];
        assert_eq!(json["cipher_suites"], serde_json::json!(suites));
        assert_eq!(json["record_version"], "TLSv1.0");
        assert_eq!(json["compression_methods"], serde_json::json!(["null", "DEFLATE"]));
        assert_eq!(facts.real_suites().collect::<Vec<_>>(), [0x1301, 0xfefe]);
    }
}
