//! The reason why a client cannot succeed, derived from what it offers. rustls reports the first thing that
//! is missing, which is true but often does not help.

use rustls::crypto::CryptoProvider;
use rustls::{NamedGroup, ProtocolVersion, SignatureAlgorithm, SupportedCipherSuite};

use super::Versions;
use crate::session::{ClientHelloFacts, TLS_1_2, TLS_1_3, group_name, suite_name};

/// Returns the reason why a client that offers `hello` cannot succeed with a key of `algorithm`; `None` if it
/// is something other than versions, suites or groups.
pub(super) fn misfit(
    hello: &ClientHelloFacts,
    provider: &CryptoProvider,
    versions: Versions,
    algorithm: SignatureAlgorithm,
) -> Option<String> {
    if let Some(version) = outdated(hello.highest_version()) {
        return Some(format!(
            "the client offers at most {version}, and nothing below TLS 1.2 is spoken here"
        ));
    }
    let shared = [(TLS_1_2, ProtocolVersion::TLSv1_2), (TLS_1_3, ProtocolVersion::TLSv1_3)];
    let shared: Vec<_> = shared
        .into_iter()
        .filter(|(number, _)| versions.speak(*number) && hello.offers_version(*number))
        .map(|(_, version)| version)
        .collect();
    if shared.is_empty() {
        return None;
    }
    let offered: Vec<u16> = hello.real_suites().collect();
    let speaks = |suite: &&SupportedCipherSuite| {
        shared.contains(&suite.version().version) && offered.contains(&u16::from(suite.suite()))
    };
    let common: Vec<_> = provider.cipher_suites.iter().filter(speaks).collect();
    if common.is_empty() {
        return Some(no_suite(&offered));
    }
    if !common.iter().any(|suite| suite.usable_for_signature_algorithm(algorithm)) {
        return Some(no_suite_for(algorithm));
    }
    no_group(hello, provider)
}

/// Returns the name of a version in which this crate does not complete handshakes.
fn outdated(version: u16) -> Option<&'static str> {
    match version {
        0x0002 => Some("SSL 2.0"),
        0x0300 => Some("SSL 3.0"),
        0x0301 => Some("TLS 1.0"),
        0x0302 => Some("TLS 1.1"),
        _ => None,
    }
}

fn no_suite(offered: &[u16]) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    for kind in offered.iter().map(|suite| kind(&suite_name(*suite))) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    // https://learn.microsoft.com/windows/win32/secauthn/tls-cipher-suites-in-windows-7 and -8-1: with RSA
    // certificates, ECDHE comes with CBC only.
    let schannel = if kinds.contains(&ECDHE_CBC) {
        "; Windows Server 2008 R2 to 2012 R2 offer no other ECDHE for RSA certificates by default"
    } else {
        ""
    };
    format!(
        "of cipher suites the client offers only {}, and none of that is spoken here, where TLS 1.2 is ECDHE with \
         AES-GCM or ChaCha20{schannel}",
        listed(&kinds)
    )
}

fn no_suite_for(algorithm: SignatureAlgorithm) -> String {
    match algorithm {
        SignatureAlgorithm::RSA => {
            "the cipher suites that the client and the lab both speak need an ECDSA certificate, and the \
             certificate's key is RSA; with Windows Server 2008 R2 to 2012 R2 that is so by default, where ECDHE \
             for RSA certificates comes with CBC only"
        }
        _ => {
            "the cipher suites that the client and the lab both speak need an RSA certificate, and the \
             certificate's key is none"
        }
    }
    .to_owned()
}

fn no_group(hello: &ClientHelloFacts, provider: &CryptoProvider) -> Option<String> {
    let spoken = |group: &u16| provider.kx_groups.iter().any(|kx| kx.name() == NamedGroup::from(*group));
    if hello.groups.is_empty() || hello.groups.iter().any(spoken) {
        return None;
    }
    let names: Vec<_> =
        hello.groups.iter().map(|group| group_name(*group)).filter(|name| name != "GREASE").collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    Some(format!("of key exchange groups the client offers only {}, and none is spoken here", listed(&names)))
}

const ECDHE_CBC: &str = "ECDHE with CBC";

/// Returns the kind of a suite by its IANA name.
fn kind(name: &str) -> &'static str {
    match name {
        _ if name.contains("_anon_") => "anonymous key exchange",
        _ if name.contains("PSK") || name.contains("SRP") || name.contains("KRB5") => {
            "keys shared beforehand"
        }
        _ if name.contains("EXPORT") => "export ciphers",
        _ if name.starts_with("TLS_RSA_") => "RSA key exchange",
        _ if name.starts_with("TLS_DHE_") => "DHE",
        _ if name.starts_with("TLS_ECDH_") || name.starts_with("TLS_DH_") => "static Diffie-Hellman",
        _ if !name.starts_with("TLS_ECDHE_") => "suites that are unknown here or of a version not shared",
        _ if name.contains("RC4") || name.contains("_NULL_") => "ECDHE with RC4 or no encryption",
        _ if name.contains("CBC") => ECDHE_CBC,
        _ => "ECDHE with rare ciphers",
    }
}

/// Joins words as `a`, `a and b`, `a, b and c`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(suites: &[u16], groups: &[u16], algorithm: SignatureAlgorithm) -> Option<String> {
        let hello = ClientHelloFacts {
            legacy_version: TLS_1_2,
            cipher_suites: suites.into(),
            groups: groups.into(),
            ..ClientHelloFacts::default()
        };
        misfit(&hello, &crate::tls::provider(), Versions::Both, algorithm)
    }

    #[test]
    fn what_can_succeed_has_no_misfit() {
        assert_eq!(why(&[0xc02f], &[29], SignatureAlgorithm::RSA), None);
        assert_eq!(why(&[0xc02b, 0x00ff], &[], SignatureAlgorithm::ECDSA), None);
    }

    #[test]
    fn every_kind_that_cannot_is_named() {
        for (suites, named) in [
            (&[0xc028, 0xc014][..], "only ECDHE with CBC, and"),
            (&[0x009c, 0x002f, 0x00ff], "only RSA key exchange, and"),
            (&[0x009e, 0x0033], "only DHE, and"),
            (&[0x0034, 0x00a6], "only anonymous key exchange, and"),
            (&[0xc027, 0x009f, 0x0035], "only ECDHE with CBC, DHE and RSA key exchange, and"),
            (&[0x0003], "only export ciphers, and"),
            (&[0xc011], "only ECDHE with RC4 or no encryption, and"),
        ] {
            let sentence = why(suites, &[29], SignatureAlgorithm::RSA).unwrap();
            assert!(sentence.contains(named), "{sentence}");
            assert_eq!(sentence.contains("Windows Server 2008 R2"), named.contains("CBC"), "{sentence}");
        }
        let sentence = why(&[0xc02f], &[25, 0x1a1a, 30], SignatureAlgorithm::RSA).unwrap();
        assert!(sentence.contains("only secp521r1 and x448, and none is spoken here"), "{sentence}");
    }

    #[test]
    fn the_defaults_of_windows_server_2012_r2_fail_with_an_rsa_key_and_succeed_with_ecdsa() {
        let suites = [0xc028, 0xc027, 0xc014, 0xc013, 0x009f, 0x009d, 0x003d, 0xc02c, 0xc02b, 0xc024, 0x000a];
        let sentence = why(&suites, &[23, 24], SignatureAlgorithm::RSA).unwrap();
        assert!(sentence.contains("Windows Server 2008 R2 to 2012 R2"), "{sentence}");
        assert_eq!(why(&suites, &[23, 24], SignatureAlgorithm::ECDSA), None);
    }

    #[test]
    fn a_version_that_is_too_old_is_named_before_anything_else() {
        let old = ClientHelloFacts { legacy_version: 0x0301, ..ClientHelloFacts::default() };
        let sentence =
            misfit(&old, &crate::tls::provider(), Versions::Both, SignatureAlgorithm::RSA).unwrap();
        assert_eq!(sentence, "the client offers at most TLS 1.0, and nothing below TLS 1.2 is spoken here");
    }
}
