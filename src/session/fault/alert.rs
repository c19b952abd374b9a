//! Alerts by their names (RFC 8446 section 6, and the IANA registry of TLS alerts).

use bytes::Bytes;

use super::conduct::{Alert, Word};

/// Every alert that has a name, those of earlier versions among them.
pub const ALERTS: [(u8, &str); 34] = [
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed"),
    (22, "record_overflow"),
    (30, "decompression_failure"),
    (40, "handshake_failure"),
    (41, "no_certificate"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (60, "export_restriction"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (114, "bad_certificate_hash_value"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
];

impl Alert {
    /// Its number; `None` where no alert has that name.
    pub fn number(&self) -> Option<u8> {
        match &self.0 {
            Word::Number(number) => Some(*number),
            Word::Name(name) => ALERTS.iter().find(|(_, known)| known == name).map(|(number, _)| *number),
        }
    }

    /// It as a fatal alert in clear, in one record.
    pub fn fatal(&self) -> Option<Bytes> {
        self.record(2)
    }

    /// It as a warning in clear, in one record.
    pub fn warning(&self) -> Option<Bytes> {
        self.record(1)
    }

    fn record(&self, level: u8) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(&[21, 3, 3, 0, 2, level, self.number()?]))
    }
}
