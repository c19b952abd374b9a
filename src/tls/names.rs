//! The IANA names of the things that rustls has its own names for.

use rustls::{AlertDescription, CipherSuite, NamedGroup, ProtocolVersion};

use crate::session::{TlsVersion, alert_name};

/// Looks up the registry "TLS Alerts" (<https://www.iana.org/assignments/tls-parameters>).
pub(super) fn alert(alert: AlertDescription) -> String {
    alert_name(u8::from(alert)).into_owned()
}

/// Looks up the registry "TLS Cipher Suites". rustls marks those of TLS 1.3 with `TLS13_`.
pub(super) fn cipher_suite(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        suite => suite.as_str().unwrap_or("unassigned"),
    }
}

/// Looks up the registry "TLS Supported Groups".
pub(super) fn group(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519 => "x25519",
        NamedGroup::X448 => "x448",
        group => group.as_str().unwrap_or("unassigned"),
    }
}

/// Returns the version, if it is one in which this crate completes handshakes.
pub(super) fn version(version: ProtocolVersion) -> Option<TlsVersion> {
    match version {
        ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
        ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_the_provider_speaks_has_its_iana_name() {
        let provider = crate::tls::provider();
        for suite in &provider.cipher_suites {
            let name = cipher_suite(suite.suite());
            assert!(name.starts_with("TLS_") && name.contains("_SHA"), "{name}");
        }
        let groups: Vec<_> = provider.kx_groups.iter().map(|kx| group(kx.name())).collect();
        assert!(groups.contains(&"x25519") && groups.contains(&"secp256r1"), "{groups:?}");
        assert!(groups.iter().all(|name| *name != "unassigned"));
    }

    #[test]
    fn an_alert_that_nobody_registered_is_shown_by_its_number() {
        assert_eq!(alert(AlertDescription::UnrecognisedName), "unrecognized_name");
        assert_eq!(alert(AlertDescription::from(200)), "unassigned_200");
    }
}
