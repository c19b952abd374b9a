//! Explanations of failures and anomalies, in a sentence: what was seen, and what it can mean.

use std::fmt;

use super::record::FailedHandshake;
use super::shown::printable;
use crate::session::{Anomaly, Reaction, TlsFailure};

/// Describes how a handshake failed, and what that can mean.
pub(crate) fn tls_failure(handshake: &FailedHandshake) -> String {
    let hello_came = handshake.client_hello.is_some();
    let meaning = match &handshake.failure {
        TlsFailure::AlertReceived { alert } => refusal(alert).to_owned(),
        TlsFailure::AlertSent { reason, .. } => printable(reason.as_bytes()),
        TlsFailure::NotTls { first_octets } => format!(
            "it began with b\"{}\"; a client that goes on in clear after STARTTLS and a device on the way that \
             answers in its place look the same from here",
            printable(first_octets.as_bytes())
        ),
        TlsFailure::Closed if hello_came => {
            "no alert came; a client that does not accept the certificate, one that shares no version or suite, \
             and one that was stopped look the same from here"
                .to_owned()
        }
        TlsFailure::Closed => "no certificate had been presented to it, so none can be the reason".to_owned(),
        TlsFailure::Broken { .. } => {
            "no alert came; a client that fails without one and a firewall that does not let TLS pass on this \
             port look the same from here"
                .to_owned()
        }
        TlsFailure::TimedOut if hello_came => {
            "its ClientHello came and nothing after it for as long as the lab waits".to_owned()
        }
        TlsFailure::TimedOut if handshake.partial_hello > 0 => {
            "nothing came after it for as long as the lab waits; a network that drops longer packets and a client \
             that was stopped look the same from here"
                .to_owned()
        }
        TlsFailure::TimedOut => {
            "no ClientHello came for as long as the lab waits; a client that expects a banner in clear on a \
             port with implicit TLS waits like this"
                .to_owned()
        }
        failure @ TlsFailure::OnPurpose { .. } if failure.legacy_accepted() => {
            "a real server of that kind would have completed it, which the lab cannot".to_owned()
        }
        TlsFailure::OnPurpose { .. } => "a fault asked for it, and nothing is wrong".to_owned(),
        TlsFailure::Unusable { .. } => {
            "nothing is wrong with the client; the certificate or its private key is".to_owned()
        }
    };
    format!("{}: {meaning}", short_tls_failure(handshake))
}

/// Describes a ClientHello that did not come to its end.
pub(crate) fn partial_hello(octets: usize) -> String {
    format!("an incomplete ClientHello of {}", counted(octets as u64, "byte"))
}

/// Describes how a handshake failed, without what it means.
pub(crate) fn short_tls_failure(handshake: &FailedHandshake) -> String {
    let hello_came = handshake.client_hello.is_some();
    let partial = Some(handshake.partial_hello).filter(|octets| *octets > 0).map(partial_hello);
    match &handshake.failure {
        TlsFailure::AlertReceived { alert } => format!("refused by the client with alert {}", safe(alert)),
        TlsFailure::AlertSent { alert, .. } => format!("refused by the lab with alert {}", safe(alert)),
        TlsFailure::NotTls { .. } => "what came after it was no TLS".to_owned(),
        TlsFailure::Closed if hello_came => "the client closed in the middle of the handshake".to_owned(),
        TlsFailure::Closed => match partial {
            Some(partial) => format!("the client closed after {partial}"),
            None => "the client closed before any ClientHello".to_owned(),
        },
        TlsFailure::Broken { reason } => match partial {
            Some(partial) => format!("the connection broke after {partial} ({})", safe(reason)),
            None => format!("the connection broke in the handshake ({})", safe(reason)),
        },
        TlsFailure::TimedOut => match partial {
            Some(partial) => format!("the client fell silent after {partial}"),
            None => "the client fell silent in the handshake".to_owned(),
        },
        TlsFailure::OnPurpose { fault, client } => {
            let client =
                client.as_ref().map_or_else(|| "the client said nothing".to_owned(), Reaction::in_words);
            format!("{}, and {}", safe(&fault.in_words()), safe(&client))
        }
        TlsFailure::Unusable { reason } if reason.is_empty() => {
            "the lab cannot use its certificate".to_owned()
        }
        TlsFailure::Unusable { reason } => format!("the lab cannot use its certificate ({})", safe(reason)),
    }
}

/// Describes what followed the 220 in clear if the lab is the client.
pub(crate) fn behind_go_ahead(octets: usize, lines: &[String]) -> String {
    format!(
        "{}{} came behind the 220 to STARTTLS in clear; the lab discards them, because they are not under TLS's \
         protection (RFC 3207 section 4.2)",
        counted(octets as u64, "byte"),
        in_brackets(lines)
    )
}

/// Describes an anomaly, with the rule that it violates.
pub(crate) fn oddity(oddity: &Anomaly) -> String {
    match oddity {
        Anomaly::TalkedBeforeBanner { octets } => format!(
            "the client talked before the banner ({}); it has to wait for it (RFC 5321 section 3.1)",
            counted(*octets as u64, "byte")
        ),
        Anomaly::BareLineFeedAfterCommand => {
            "a command ended in LF alone; only CRLF ends a line (RFC 5321 section 2.3.8)".to_owned()
        }
        Anomaly::NulInCommand => {
            "a command held NUL, for which its grammar has no place (RFC 5321 section 4.1.2)".to_owned()
        }
        Anomaly::OverlongCommand { limit } => format!(
            "a command was longer than the {limit} bytes that are taken here; a client may count on 512 \
             (RFC 5321 section 4.5.3.1.4)"
        ),
        Anomaly::PipelinedBehindStartTls { octets, lines, executed: true } => format!(
            "{}{} stood behind STARTTLS in clear, and the lab executes them inside TLS, as its fault asks \
             (RFC 3207 section 4.2 forbids it)",
            counted(*octets as u64, "byte"),
            in_brackets(lines)
        ),
        Anomaly::PipelinedBehindStartTls { octets, lines, executed: false } => format!(
            "{}{} stood behind STARTTLS in clear and the lab discards them, or they would pass for encrypted \
             (RFC 3207 section 4.2)",
            counted(*octets as u64, "byte"),
            in_brackets(lines)
        ),
        Anomaly::DidNotAwaitEhloReply { octets: 0 } => {
            "the client closed the connection before the reply to its EHLO had left (RFC 2920 section 3.1: EHLO \
             is the last command of a group)"
                .to_owned()
        }
        Anomaly::DidNotAwaitEhloReply { octets } => format!(
            "the client went on ({}) before the reply to its EHLO had left (RFC 2920 section 3.1: EHLO is the \
             last command of a group)",
            counted(*octets as u64, "byte")
        ),
        Anomaly::ClientHelloInClear => {
            "a TLS ClientHello came in place of a command; a client that takes this port for implicit TLS (RFC \
             8314 section 3.3) does so, and one that does not look at the answer to STARTTLS (RFC 3207 section 4)"
                .to_owned()
        }
        Anomaly::BareLineFeedInContent { count } => format!(
            "the content held {} without carriage return (RFC 5321 section 2.3.8)",
            counted(*count, "line feed")
        ),
        Anomaly::BareCarriageReturnInContent { count } => format!(
            "the content held {} without line feed (RFC 5321 section 2.3.8)",
            counted(*count, "carriage return")
        ),
        Anomaly::NulInContent { count } => {
            format!("the content held {} (RFC 2045 section 2.7)", counted(*count, "NUL"))
        }
        Anomaly::OverlongLineInContent { octets } => {
            format!("the content held a line of {octets} bytes; 998 are the most (RFC 5322 section 2.1.1)")
        }
        Anomaly::UnannouncedEightBitContent => {
            "the content was not 7-bit, and neither BODY (RFC 6152) nor SMTPUTF8 (RFC 6531) announced it"
                .to_owned()
        }
    }
}

/// Returns a count with its unit, in the singular or the plural: `1 octet`, `2 octets`.
pub(crate) fn counted(count: u64, thing: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{count} {thing}{}", if count == 1 { "" } else { "s" }))
}

/// Returns the lines in brackets, such as ` (EHLO x; MAIL FROM:<a@example.com>)`, or nothing.
fn in_brackets(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().filter(|line| !line.is_empty()).map(|line| safe(line)).collect();
    if lines.is_empty() { String::new() } else { format!(" ({})", lines.join("; ")) }
}

/// Returns the meaning of an alert (RFC 8446 section 6.2), and the other meanings that were observed with
/// clients: OpenSSL, GnuTLS, Go, rustls, Java and Schannel.
fn refusal(alert: &str) -> &'static str {
    match alert {
        "unknown_ca" => {
            "it says that it does not trust the authority that issued the certificate, or was not sent an \
             intermediate that it needs"
        }
        "bad_certificate" => {
            "it says that it does not accept the certificate; some clients say this for a name that is not the \
             one they asked for, others whatever is wrong"
        }
        "certificate_unknown" => {
            "it says that it does not accept the certificate, and not why: trust, name and dates are all possible"
        }
        "certificate_expired" => {
            "it says that by its clock the certificate, or one above it, has expired or is not valid yet"
        }
        "certificate_revoked" => "it says that the certificate has been revoked",
        "unsupported_certificate" => {
            "it says that it cannot use a certificate like this: its purpose is not a server's, or its key or \
             signature is of a kind that it does not take"
        }
        "handshake_failure" | "insufficient_security" => {
            "it says that nothing it is willing to speak is spoken here: suites, groups or signatures; some \
             clients say so where a check of their own refuses the certificate"
        }
        "protocol_version" => "it says that it does not speak the version of TLS that was chosen",
        "decrypt_error" => {
            "it says that a signature does not hold; a private key that does not belong to the certificate does that"
        }
        "access_denied" => {
            "it says that it could read the certificate and its policy forbids it, as a pin or DANE record does"
        }
        "illegal_parameter"
        | "decode_error"
        | "unexpected_message"
        | "bad_record_mac"
        | "record_overflow"
        | "unsupported_extension"
        | "missing_extension" => {
            "it says that it cannot make sense of the handshake; a device on the way that changed it does that"
        }
        "close_notify" | "user_canceled" => "it gave up and blames nothing",
        "internal_error" => "it says that it failed by itself; its own log may know why",
        _ => "RFC 8446 section 6.2 says what this alert means",
    }
}

fn safe(text: &str) -> String {
    printable(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::fault::LegacyVersion;
    use crate::session::{ClientHelloFacts, InjectedFault, TlsVerb};

    fn tls_failure(failure: &TlsFailure) -> String {
        told(failure, true)
    }

    fn told(failure: &TlsFailure, hello_came: bool) -> String {
        super::tls_failure(&failed(failure, hello_came, 0))
    }

    fn failed(failure: &TlsFailure, hello_came: bool, partial_hello: usize) -> FailedHandshake {
        FailedHandshake {
            verb: TlsVerb::StartTls,
            failure: failure.clone(),
            certificate: None,
            client_hello: hello_came.then(|| Arc::new(ClientHelloFacts::default())),
            partial_hello,
        }
    }

    #[test]
    fn a_part_of_a_client_hello_is_no_absence_of_one() {
        let broken = TlsFailure::Broken { reason: "connection reset".to_owned() };
        for (failure, expected) in [
            (TlsFailure::Closed, "the client closed after an incomplete ClientHello of 11 bytes"),
            (TlsFailure::TimedOut, "the client fell silent after an incomplete ClientHello of 11 bytes"),
            (broken, "the connection broke after an incomplete ClientHello of 11 bytes (connection reset)"),
        ] {
            let handshake = failed(&failure, false, 11);
            assert_eq!(short_tls_failure(&handshake), expected);
            let whole = super::tls_failure(&handshake);
            assert!(whole.starts_with(expected) && !whole.contains("no ClientHello"), "{whole}");
        }
    }

    #[test]
    fn a_client_that_closed_before_its_hello_cannot_have_refused_a_certificate() {
        assert_eq!(
            told(&TlsFailure::Closed, false),
            "the client closed before any ClientHello: no certificate had been presented to it, so none can be \
             the reason"
        );
        assert!(told(&TlsFailure::Closed, true).contains("the certificate, one that shares no version"));
        assert!(told(&TlsFailure::TimedOut, false).contains("no ClientHello came"));
    }

    #[test]
    fn what_stood_behind_starttls_was_executed_or_discarded_and_is_shown() {
        let said = |executed| {
            let lines = vec!["MAIL FROM:<a@example.com>".to_owned(), String::new()];
            oddity(&Anomaly::PipelinedBehindStartTls { octets: 29, lines, executed })
        };
        assert!(
            said(false).starts_with("29 bytes (MAIL FROM:<a@example.com>) stood behind STARTTLS in clear")
        );
        assert!(said(false).contains("discards") && !said(false).contains("executes"));
        assert!(said(true).contains("the lab executes them inside TLS") && !said(true).contains("discards"));
    }

    #[test]
    fn an_alert_is_named_and_explained() {
        let failure = TlsFailure::AlertReceived { alert: "unknown_ca".to_owned() };
        assert_eq!(
            tls_failure(&failure),
            "refused by the client with alert unknown_ca: it says that it does not trust the authority that issued \
             the certificate, or was not sent an intermediate that it needs"
        );
        let failure = TlsFailure::AlertReceived { alert: "unassigned_200".to_owned() };
        assert!(
            tls_failure(&failure)
                .ends_with("alert unassigned_200: RFC 8446 section 6.2 says what this alert means")
        );
    }

    #[test]
    fn what_was_done_on_purpose_is_said_to_be_and_an_outdated_server_that_was_accepted_is_no_failure() {
        let told = |fault, client| tls_failure(&TlsFailure::OnPurpose { fault, client });
        assert_eq!(
            told(InjectedFault::Alert { alert: 40 }, Some(Reaction::Closed)),
            "the lab sent the alert handshake_failure, and the client closed the connection: a fault asked for \
             it, and nothing is wrong"
        );
        let legacy =
            InjectedFault::Legacy { server: LegacyVersion::Tls10, version: 0x0301, cipher_suite: 0x002f };
        assert_eq!(
            told(legacy, Some(Reaction::WentOn)),
            "the lab answered as a server that speaks only TLSv1.0 with TLS_RSA_WITH_AES_128_CBC_SHA, and the \
             client went on with the handshake: a real server of that kind would have completed it, which the \
             lab cannot"
        );
    }

    #[test]
    fn a_refusal_of_the_lab_says_its_own_reason() {
        let (alert, reason) = ("protocol_version".to_owned(), "the client offers at most TLS 1.0".to_owned());
        assert_eq!(
            tls_failure(&TlsFailure::AlertSent { alert, reason }),
            "refused by the lab with alert protocol_version: the client offers at most TLS 1.0"
        );
    }

    #[test]
    fn whatever_failed_is_explained_in_one_line_without_controls() {
        let word = || "a\u{1b}\nb".to_owned();
        for failure in [
            TlsFailure::AlertReceived { alert: word() },
            TlsFailure::AlertSent { alert: word(), reason: word() },
            TlsFailure::NotTls { first_octets: word() },
            TlsFailure::Closed,
            TlsFailure::Broken { reason: word() },
            TlsFailure::TimedOut,
            TlsFailure::Unusable { reason: word() },
            TlsFailure::OnPurpose { fault: InjectedFault::Alert { alert: 40 }, client: None },
            TlsFailure::OnPurpose {
                fault: InjectedFault::Legacy {
                    server: LegacyVersion::Tls10,
                    version: 0x0301,
                    cipher_suite: 0x002f,
                },
                client: Some(Reaction::ClearText { first_octets: word() }),
            },
        ] {
            let text = tls_failure(&failure);
            assert!(text.contains(": ") && !text.contains(char::is_control), "{text:?}");
        }
    }

    #[test]
    fn every_oddity_names_its_rule() {
        for odd in [
            Anomaly::TalkedBeforeBanner { octets: 1 },
            Anomaly::BareLineFeedAfterCommand,
            Anomaly::NulInCommand,
            Anomaly::OverlongCommand { limit: 4096 },
            Anomaly::PipelinedBehindStartTls { octets: 2, lines: Vec::new(), executed: false },
            Anomaly::DidNotAwaitEhloReply { octets: 2 },
            Anomaly::ClientHelloInClear,
            Anomaly::BareLineFeedInContent { count: 1 },
            Anomaly::BareCarriageReturnInContent { count: 2 },
            Anomaly::NulInContent { count: 1 },
            Anomaly::OverlongLineInContent { octets: 999 },
            Anomaly::UnannouncedEightBitContent,
        ] {
            assert!(oddity(&odd).contains("(RFC "), "{odd:?}");
        }
    }

    #[test]
    fn one_is_counted_in_the_singular() {
        assert!(oddity(&Anomaly::TalkedBeforeBanner { octets: 1 }).contains("(1 byte)"));
        assert!(oddity(&Anomaly::BareLineFeedInContent { count: 2 }).contains("2 line feeds "));
    }
}
