//! The conversion of rustls's errors to this crate's failures.

use std::io;

use rustls::{AlertDescription, Error, PeerIncompatible};

use super::{hello, names};
use crate::session::TlsFailure;

/// The first bytes that a peer sent. They tell TLS from anything else and a new client from an old one.
#[derive(Default)]
pub(super) struct FirstBytes {
    bytes: [u8; 32],
    length: usize,
}

impl FirstBytes {
    pub(super) fn note(&mut self, received: &[u8]) {
        for (slot, byte) in self.bytes.iter_mut().skip(self.length).zip(received) {
            *slot = *byte;
            self.length += 1;
        }
    }

    /// Returns whether they can be the beginning of a record (RFC 8446 section 5.1): a content type and
    /// major version 3.
    pub(super) fn may_be_tls(&self) -> bool {
        match *self.seen() {
            [] => true,
            [kind] => (20..=24).contains(&kind),
            [kind, major, ..] => (20..=24).contains(&kind) && major == 3,
        }
    }

    pub(super) fn not_tls(&self) -> TlsFailure {
        TlsFailure::NotTls { first_octets: self.seen().escape_ascii().to_string() }
    }

    fn seen(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Returns the failure of a handshake that rustls ended with `error`; `flight` is what rustls sent last.
pub(super) fn of(error: &Error, flight: &[u8], first: &FirstBytes) -> TlsFailure {
    match error {
        Error::AlertReceived(alert) => TlsFailure::AlertReceived { alert: names::alert(*alert) },
        _ if !first.may_be_tls() => match alert_at_end(flight).filter(|_| hello::is_ssl2(first.seen())) {
            Some(alert) => TlsFailure::AlertSent { alert: names::alert(alert), reason: SSL2.to_owned() },
            None => first.not_tls(),
        },
        error => match alert_at_end(flight).or_else(|| implied_alert(error)) {
            Some(alert) => TlsFailure::AlertSent { alert: names::alert(alert), reason: reason(error) },
            None => TlsFailure::Unusable { reason: error.to_string() },
        },
    }
}

const SSL2: &str = "the client begins with a hello of SSL 2.0 (RFC 5246 appendix E.2), whatever else it speaks, \
                    and such a hello is not read here";

/// Returns the failure for an I/O error of the operating system.
pub(super) fn broken(error: &io::Error) -> TlsFailure {
    let reason = match error.kind() {
        io::ErrorKind::Other => error.to_string(),
        kind => kind.to_string(),
    };
    TlsFailure::Broken { reason }
}

/// Returns the alert that ends `flight`, if it went out in clear: type 21, two bytes (RFC 8446 section 6).
fn alert_at_end(flight: &[u8]) -> Option<AlertDescription> {
    match flight.last_chunk::<7>()? {
        [21, 3, _, 0, 2, _, description] => Some(AlertDescription::from(*description)),
        _ => None,
    }
}

/// Returns the alert that went out encrypted, by what rustls sends for such an error; `None` for an error
/// that is not the peer's.
fn implied_alert(error: &Error) -> Option<AlertDescription> {
    match error {
        Error::InvalidMessage(error) => Some((*error).into()),
        Error::InvalidCertificate(error) => Some(error.clone().into()),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            Some(AlertDescription::UnexpectedMessage)
        }
        Error::DecryptError => Some(AlertDescription::DecryptError),
        Error::PeerMisbehaved(_) => Some(AlertDescription::IllegalParameter),
        Error::PeerIncompatible(_) => Some(AlertDescription::HandshakeFailure),
        Error::PeerSentOversizedRecord => Some(AlertDescription::RecordOverflow),
        Error::NoCertificatesPresented => Some(AlertDescription::CertificateRequired),
        _ => None,
    }
}

fn reason(error: &Error) -> String {
    let Error::PeerIncompatible(what) = error else {
        return error.to_string();
    };
    use PeerIncompatible as P;
    let sentence = match what {
        P::Tls12NotOffered
        | P::Tls12NotOfferedOrEnabled
        | P::SupportedVersionsExtensionRequired
        | P::ServerTlsVersionIsDisabledByOurConfig
        | P::ServerDoesNotSupportTls12Or13 => "no version of TLS is spoken on both sides",
        P::NoCipherSuitesInCommon => {
            "no cipher suite is spoken on both sides: here it is those of TLS 1.3, and in TLS 1.2 \
             ECDHE with AES-GCM or ChaCha20 that fits the certificate's key"
        }
        P::NoKxGroupsInCommon => "no key exchange group is spoken on both sides",
        P::NoSignatureSchemesInCommon => {
            "the client accepts no signature that the certificate's key can make"
        }
        _ => return error.to_string(),
    };
    sentence.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8]) -> FirstBytes {
        let mut first = FirstBytes::default();
        bytes.chunks(3).for_each(|chunk| first.note(chunk));
        first
    }

    #[test]
    fn a_record_is_told_from_everything_else_by_its_first_two_bytes() {
        for tls in [&b""[..], b"\x16", b"\x16\x03\x01", b"\x15\x03\x03\x00\x02"] {
            assert!(first(tls).may_be_tls(), "{tls:?}");
        }
        for other in [&b"E"[..], b"EHLO x\r\n", b"\x16\x02", b"\x80\x2e\x01"] {
            assert!(!first(other).may_be_tls(), "{other:?}");
        }
    }

    #[test]
    fn the_first_bytes_are_shown_escaped_and_no_more_than_32_of_them() {
        let failure = first(&[b"\x00\"EHLO\r\n".as_slice(), &[b'x'; 100]].concat()).not_tls();
        let first_octets = format!("\\x00\\\"EHLO\\r\\n{}", "x".repeat(24));
        assert_eq!(failure, TlsFailure::NotTls { first_octets });
    }

    #[test]
    fn an_alert_is_read_off_the_wire_only_where_it_went_out_in_clear() {
        let clear = [21, 3, 3, 0, 2, 2, 70];
        assert_eq!(alert_at_end(&[&[9; 40], &clear[..]].concat()), Some(AlertDescription::ProtocolVersion));
        assert_eq!(alert_at_end(&[23; 40]), None);
        assert_eq!(alert_at_end(&[]), None);
    }

    #[test]
    fn a_fault_of_our_own_is_not_blamed_on_the_peer() {
        let failure = of(&Error::General("signing failed".to_owned()), &[], &first(b"\x16\x03\x01"));
        assert!(matches!(failure, TlsFailure::Unusable { reason } if reason.contains("signing")));
    }
}
