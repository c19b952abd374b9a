//! The rows of the protocol log about a handshake.

use crate::exchange::{CertificateFacts, Profile};
use crate::session::send::Secured;
use crate::session::{Reaction, TlsFacts, TlsFailure, TlsVersion};

/// Returns the rows that show which certificate is presented: data and context of each.
///
/// One joined row with late updates of 2016 and after (observed in 2023, the blank at the front
/// included; the order is that of Microsoft's "Can't remove installed certificate"), one row an attribute
/// before (KB 4495258, and a receive log of a 2013 published in 2017).
pub(super) fn sending(profile: Profile, certificate: &CertificateFacts) -> Vec<(String, &'static str)> {
    let CertificateFacts { subject, issuer, serial_number, thumbprint, not_before, not_after, .. } =
        certificate;
    let names = certificate.names().join(";");
    if profile >= Profile::Exchange2019 {
        let data = format!(
            " {subject} {issuer} {serial_number} {thumbprint} {not_before:.3} {not_after:.3} {names}"
        );
        return vec![(data, JOINED)];
    }
    vec![
        (String::new(), "Sending certificate"),
        (subject.clone(), "Certificate subject"),
        (issuer.clone(), "Certificate issuer name"),
        (serial_number.clone(), "Certificate serial number"),
        (thumbprint.to_string(), "Certificate thumbprint"),
        (names, "Certificate alternate names"),
    ]
}

const JOINED: &str = "Sending certificate Subject Issuer name Serial number Thumbprint Not before Not after Subject alternate names";

/// The parts of the row about a negotiation.
pub(super) struct Negotiated<'a> {
    version: TlsVersion,
    suite: &'a str,
    group: Option<&'a str>,
    role: &'static str,
}

impl<'a> From<&'a TlsFacts> for Negotiated<'a> {
    fn from(facts: &'a TlsFacts) -> Self {
        let (suite, group) = (facts.cipher_suite, facts.key_exchange);
        Self { version: facts.version, suite, group, role: "SERVER" }
    }
}

impl<'a> From<&'a Secured> for Negotiated<'a> {
    fn from(facts: &'a Secured) -> Self {
        let (suite, group) = (facts.cipher_suite, facts.key_exchange);
        Self { version: facts.version, suite, group, role: "CLIENT" }
    }
}

/// Returns what was negotiated, in the names of Schannel.
///
/// Observed are TLS 1.2 with AES-128-GCM on a 2016, and `CALG_ECDHE` in the send log of an older server.
/// No row of TLS 1.3 was found; it is written in the same words.
pub(super) fn established(profile: Profile, facts: &Negotiated<'_>) -> String {
    let Negotiated { version, suite, group, role } = facts;
    let protocol = match version {
        TlsVersion::Tls12 => "SP_PROT_TLS1_2",
        TlsVersion::Tls13 => "SP_PROT_TLS1_3",
    };
    let (cipher, bits) = if suite.contains("AES_128") {
        ("CALG_AES_128", 128)
    } else if suite.contains("AES_256") {
        ("CALG_AES_256", 256)
    } else {
        // wincrypt.h has no number for it, and so no name that begins with CALG.
        ("CHACHA20_POLY1305", 256)
    };
    let hash = if suite.ends_with("SHA384") { "CALG_SHA_384" } else { "CALG_SHA_256" };
    let exchange = if profile >= Profile::Exchange2019 { "CALG_ECDH_EPHEM" } else { "CALG_ECDHE" };
    let strength = group.map_or(0, group_bits);
    // The suites of today authenticate without a MAC of their own, hence the strength of 0 bits.
    format!(
        "TLS protocol {protocol}_{role} negotiation succeeded using bulk encryption algorithm {cipher} with \
         strength {bits} bits, MAC hash algorithm {hash} with strength 0 bits and key exchange algorithm \
         {exchange} with strength {strength} bits"
    )
}

/// Returns the word for a failure. Four words have been seen in logs, and no other is used here:
/// `SocketError` (Microsoft, "TLS negotiation failed with error SocketError"), `NoCredentials` (KB 4495258:
/// the private key cannot be used), `UnknownCredentials` (KB 4051498) and `InvalidToken` (the peer sent
/// something that is no TLS). Which word a 2013 or a 2019 has for a given alert was not found: an alert is a
/// message that ends the handshake, so it is `InvalidToken` too.
pub(super) fn error_word(failure: &TlsFailure) -> &'static str {
    match failure {
        TlsFailure::Closed | TlsFailure::Broken { .. } | TlsFailure::TimedOut => "SocketError",
        TlsFailure::OnPurpose { client, .. } => match client {
            None | Some(Reaction::Closed | Reaction::Broken { .. }) => "SocketError",
            Some(_) => "InvalidToken",
        },
        TlsFailure::NotTls { .. } | TlsFailure::AlertReceived { .. } | TlsFailure::AlertSent { .. } => {
            "InvalidToken"
        }
        TlsFailure::Unusable { .. } => "NoCredentials",
    }
}

/// Returns the size of a group's field; of a hybrid the classic half.
fn group_bits(group: &str) -> u32 {
    let group = group.to_ascii_lowercase();
    let sizes = [("x25519", 255), ("secp256r1", 256), ("secp384r1", 384), ("secp521r1", 521), ("x448", 448)];
    sizes.into_iter().find(|(name, _)| group.starts_with(name)).map_or(0, |(_, bits)| bits)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn late_updates_join_the_certificate_into_one_row() {
        let rows = sending(Profile::Exchange2019, &sample::certificate());
        assert_eq!(
            rows,
            [(
                " CN=mx.example CN=Example CA, O=\"Example, Inc.\" 0A0B DA39A3EE5E6B4B0D3255BFEF95601890AFD80709 \
                 2024-01-01T00:00:00.000Z 2025-01-01T00:00:00.000Z mx.example;smtp.example"
                    .to_owned(),
                "Sending certificate Subject Issuer name Serial number Thumbprint Not before Not after Subject alternate names"
            )]
        );
    }

    #[test]
    fn older_versions_give_each_attribute_a_row() {
        let rows = sending(Profile::Exchange2013, &sample::certificate());
        let contexts: Vec<_> = rows.iter().map(|(_, context)| *context).collect();
        assert_eq!(
            contexts,
            [
                "Sending certificate",
                "Certificate subject",
                "Certificate issuer name",
                "Certificate serial number",
                "Certificate thumbprint",
                "Certificate alternate names"
            ]
        );
        assert_eq!((rows[0].0.as_str(), rows[5].0.as_str()), ("", "mx.example;smtp.example"));
    }

    #[test]
    fn a_negotiation_is_told_in_the_names_of_schannel() {
        let facts = TlsFacts {
            version: TlsVersion::Tls12,
            cipher_suite: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            key_exchange: Some("secp256r1"),
            ..sample::facts()
        };
        assert_eq!(
            established(Profile::Exchange2019, &(&facts).into()),
            "TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded using bulk encryption algorithm \
             CALG_AES_128 with strength 128 bits, MAC hash algorithm CALG_SHA_256 with strength 0 bits and \
             key exchange algorithm CALG_ECDH_EPHEM with strength 256 bits"
        );
        let facts = TlsFacts {
            cipher_suite: "TLS_CHACHA20_POLY1305_SHA256",
            key_exchange: Some("X25519MLKEM768"),
            ..sample::facts()
        };
        let text = established(Profile::Exchange2013, &(&facts).into());
        assert!(text.contains(" CHACHA20_POLY1305 with strength 256 bits, MAC hash algorithm CALG_SHA_256 "));
        assert!(text.ends_with("CALG_ECDHE with strength 255 bits"), "{text}");
    }

    #[test]
    fn a_failure_is_told_in_a_word_that_has_been_seen() {
        assert_eq!(error_word(&TlsFailure::TimedOut), "SocketError");
        assert_eq!(error_word(&TlsFailure::NotTls { first_octets: "EHLO".to_owned() }), "InvalidToken");
        assert_eq!(error_word(&TlsFailure::AlertReceived { alert: "unknown_ca".to_owned() }), "InvalidToken");
        assert_eq!(error_word(&TlsFailure::Unusable { reason: "no key".to_owned() }), "NoCredentials");
    }
}
