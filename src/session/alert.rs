//! The registry "TLS Alerts" (<https://www.iana.org/assignments/tls-parameters>).

use std::borrow::Cow;

#[rustfmt::skip]
const ALERTS: &[(u8, &str)] = &[
    (0, "close_notify"), (10, "unexpected_message"), (20, "bad_record_mac"), (21, "decryption_failed"),
    (22, "record_overflow"), (30, "decompression_failure"), (40, "handshake_failure"),
    (41, "no_certificate"), (42, "bad_certificate"), (43, "unsupported_certificate"),
    (44, "certificate_revoked"), (45, "certificate_expired"), (46, "certificate_unknown"),
    (47, "illegal_parameter"), (48, "unknown_ca"), (49, "access_denied"), (50, "decode_error"),
    (51, "decrypt_error"), (52, "too_many_cids_requested"), (60, "export_restriction"),
    (70, "protocol_version"), (71, "insufficient_security"), (80, "internal_error"),
    (86, "inappropriate_fallback"), (90, "user_canceled"), (100, "no_renegotiation"),
    (109, "missing_extension"), (110, "unsupported_extension"), (111, "certificate_unobtainable"),
    (112, "unrecognized_name"), (113, "bad_certificate_status_response"),
    (114, "bad_certificate_hash_value"), (115, "unknown_psk_identity"), (116, "certificate_required"),
    (117, "general_error"), (120, "no_application_protocol"), (121, "ech_required"),
];

/// Returns the IANA name of an alert, or one such as `unassigned_200`.
pub fn alert_name(number: u8) -> Cow<'static, str> {
    match ALERTS.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => Cow::Borrowed(name),
        None => format!("unassigned_{number}").into(),
    }
}

/// Returns the number of the alert with this IANA name.
pub fn alert_number(name: &str) -> Option<u8> {
    ALERTS.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}

/// Returns the names of all alerts.
pub fn alert_names() -> impl Iterator<Item = &'static str> {
    ALERTS.iter().map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_has_one_name_and_one_number() {
        for name in alert_names() {
            assert_eq!(alert_number(name).map(alert_name).as_deref(), Some(name));
        }
        assert_eq!(alert_name(112), "unrecognized_name");
        assert_eq!((alert_name(200).as_ref(), alert_number("unassigned_200")), ("unassigned_200", None));
    }
}
