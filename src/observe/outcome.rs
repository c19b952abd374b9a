//! A session in one line: the security of its mail (encrypted or in clear), and the reason.

use std::fmt;

use bytes::Bytes;

use super::session::SessionSummary;
use crate::journal::explain::{counted, short_tls_failure};
use crate::journal::shown::{Printable, far_end};
use crate::journal::{Ending, attempt_sentence};
use crate::session::TlsVerb;
use crate::smtp::Verb;

/// A client's knowledge of STARTTLS, as learned in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StartTls {
    /// The client did not get as far as EHLO, which is how it asks.
    NotAsked,
    /// The client asked, and STARTTLS was not offered.
    Missing,
    /// The client asked, and STARTTLS was offered.
    Offered,
    /// STARTTLS was offered, the client asked for it, and got no answer.
    Unanswered,
    /// STARTTLS was offered, and was refused to the client that asked for it.
    Refused,
}

impl SessionSummary {
    /// Returns the session in one line: its result and the reason.
    pub fn outcome(&self) -> String {
        self.to_string()
    }

    /// Processes a command line.
    pub(super) fn received(&mut self, line: &[u8]) {
        self.last_verb = Verb::of(line);
        if self.last_verb == Some(Verb::StartTls) && self.starttls == StartTls::Offered {
            self.starttls = StartTls::Unanswered;
        }
    }

    /// Processes a reply.
    pub(super) fn sent(&mut self, reply: &Bytes) {
        if let [b'4' | b'5', ..] = reply[..] {
            self.refusal = Some(reply.clone());
        }
        let asked = self.last_verb == Some(Verb::StartTls) && self.starttls == StartTls::Unanswered;
        if asked && matches!(reply[..], [b'4' | b'5', ..]) {
            self.starttls = StartTls::Refused;
        }
        self.offer(reply);
    }

    /// Records what a reply to EHLO in clear offers.
    fn offer(&mut self, reply: &[u8]) {
        let to_ehlo = self.last_verb.take() == Some(Verb::Ehlo) && reply.starts_with(b"250");
        if !to_ehlo || self.tls.is_some() {
            return;
        }
        let offer = if offers_starttls(reply) { StartTls::Offered } else { StartTls::Missing };
        self.starttls = self.starttls.max(offer);
    }

    fn tell(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(limit) = self.limit {
            return write!(f, "turned away, {limit:?} is reached");
        }
        let mut parts = Parts { f, separator: "" };
        if self.messages_in_clear > 0 {
            let messages = counted(self.messages_in_clear, "message");
            parts.add(format_args!("{messages} in clear ({})", self.in_clear_because()))?;
        }
        if let Some(handshake) = &self.tls {
            let version = handshake.facts.version.as_str();
            let verb = if handshake.verb == TlsVerb::StartTls { "" } else { " by X-ANONYMOUSTLS" };
            match self.messages_over_tls {
                0 => parts.add(format_args!("no message over {version}{verb}"))?,
                count => {
                    parts.add(format_args!("{} over {version}{verb}", counted(count, "message")))?;
                }
            }
        }
        let nothing = parts.separator.is_empty();
        if nothing {
            parts.add(format_args!("no message"))?;
        }
        if self.conduct.has_hello_in_clear() {
            parts.add(format_args!("a TLS ClientHello came in place of a command"))?;
        }
        match &self.tls_failure {
            Some(it) => {
                parts.add(format_args!("{} failed: {}", it.verb.as_str(), short_tls_failure(it)))?;
            }
            None if self.tls.is_some() && !self.conduct.spoke_inside() && self.messages_over_tls == 0 => {
                parts.add(format_args!("{}", self.silent_inside()))?;
            }
            // A client that has not come as far as EHLO has said nothing about STARTTLS.
            None if nothing && self.starttls > StartTls::NotAsked => {
                parts.add(format_args!("{}", self.in_clear_because()))?;
            }
            None => {}
        }
        let delivered = self.messages_in_clear + self.messages_over_tls > 0;
        if let Some(refusal) = self.refusal.as_ref().filter(|_| !delivered) {
            let line = refusal.split(|byte| *byte == b'\n').next().unwrap_or_default();
            parts.add(format_args!("the last refusal was {}", Printable(line.trim_ascii_end())))?;
        }
        if let Some(fault) = self.conduct.on_purpose().filter(|_| !delivered) {
            parts.add(format_args!("on purpose, the lab did this: {}", Printable(fault.as_bytes())))?;
        }
        Ok(())
    }

    /// Describes the result of a handshake after which the client said nothing.
    fn silent_inside(&self) -> &'static str {
        match &self.ending {
            _ if self.conduct.is_cut_short() => {
                "the client completed the handshake, and the lab let it say nothing more"
            }
            Some(Ending::Local) => {
                "the client completed the handshake and said nothing until the lab closed the connection"
            }
            Some(Ending::Remote | Ending::Broken(_)) => {
                "the client completed the handshake and left without a word, as clients do that look at the \
                 certificate afterwards and refuse it, and as probes do that want no more"
            }
            None => "the client completed the handshake and has said nothing yet",
        }
    }

    fn in_clear_because(&self) -> &'static str {
        match self.starttls {
            _ if self.tls.is_some() || self.tls_failure.is_some() => "before TLS",
            StartTls::NotAsked => "STARTTLS was not offered, because nobody asked by EHLO",
            StartTls::Missing => "STARTTLS was not offered",
            StartTls::Offered => "STARTTLS was offered and not used",
            StartTls::Unanswered => "STARTTLS was offered, asked for and not answered",
            StartTls::Refused => "STARTTLS was offered and refused",
        }
    }
}

impl fmt::Display for SessionSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, place, .. } = self;
        match (&self.attempt, &self.ending) {
            (Some(attempt), _) if self.sends() => {
                f.write_str(&attempt_sentence(attempt, &place.remote.to_string()))
            }
            (None, _) if self.sends() => write!(f, "session {session} with {}: has not ended", place.remote),
            (_, Some(_)) => {
                write!(f, "session {session} from {}: ", far_end(place))?;
                self.tell(f)
            }
            (_, None) => write!(f, "session {session} from {}: has not ended", place.remote),
        }
    }
}

/// The parts of a sentence, with semicolons between them.
struct Parts<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    separator: &'static str,
}

impl Parts<'_, '_> {
    fn add(&mut self, part: fmt::Arguments<'_>) -> fmt::Result {
        self.f.write_str(std::mem::replace(&mut self.separator, "; "))?;
        self.f.write_fmt(part)
    }
}

/// Returns whether a reply to EHLO has STARTTLS (RFC 3207 section 3: the keyword stands alone).
pub(super) fn offers_starttls(reply: &[u8]) -> bool {
    let lines = memchr::memchr_iter(b'\n', reply).map(|end| reply.get(end + 1..).unwrap_or_default());
    lines.filter_map(|lines| lines.get(4..)).any(|keyword| {
        // Only a line that begins like the keyword is looked at to its end.
        keyword.first().is_some_and(|first| first.is_ascii_whitespace() || first.eq_ignore_ascii_case(&b'S'))
            && {
                let line = keyword.split(|byte| *byte == b'\n').next().unwrap_or_default();
                line.trim_ascii().eq_ignore_ascii_case(b"STARTTLS")
            }
    })
}

#[cfg(test)]
mod tests {
    use super::super::session::Sessions;
    use crate::exchange::Profile;
    use crate::journal::sample::{self, SampleSession};
    use crate::journal::{Ending, Record};
    use crate::session::{Anomaly, LimitReached, TlsFailure, TlsVerb};

    const OFFERED: &str = "250-mx Hello\r\n250-STARTTLS\r\n250 DSN\r\n";
    const MISSING: &str = "250-mx STARTTLS\r\n250-X-STARTTLS\r\n250 DSN\r\n";

    fn told(tell: impl FnOnce(&mut SampleSession)) -> String {
        let mut told = SampleSession::on(Profile::Exchange2019);
        told.tell(Record::Connected);
        tell(&mut told);
        told.tell(Record::Disconnected(Ending::Remote));
        let mut sessions = Sessions::default();
        let ended: Vec<_> = told.entries.iter().filter_map(|entry| sessions.note(entry)).collect();
        assert_eq!((ended.len(), sessions.iter().count()), (1, 0));
        let line = ended[0].outcome();
        let outcome = line.strip_prefix("session 08D0000000000001 from 192.0.2.9:4242: ");
        outcome.unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    #[test]
    fn mail_in_clear_says_why_it_was_not_encrypted() {
        let mail = |greeting: &'static str, reply: &'static str| {
            told(move |told| {
                told.received(greeting).sent(reply).message(None);
            })
        };
        assert_eq!(mail("EHLO a", MISSING), "1 message in clear (STARTTLS was not offered)");
        assert_eq!(mail("ehlo a", OFFERED), "1 message in clear (STARTTLS was offered and not used)");
        assert_eq!(
            mail("HELO a", "250 mx Hello\r\n"),
            "1 message in clear (STARTTLS was not offered, because nobody asked by EHLO)"
        );
    }

    #[test]
    fn mail_in_clear_after_a_refusal_of_starttls_says_so() {
        let outcome = told(|told| {
            told.received("EHLO a")
                .sent(OFFERED)
                .received("STARTTLS")
                .sent("454 4.7.0 later\r\n")
                .message(None);
        });
        assert_eq!(outcome, "1 message in clear (STARTTLS was offered and refused)");
    }

    #[test]
    fn mail_over_tls_says_which() {
        let outcome = told(|told| {
            told.received("EHLO a").sent(OFFERED).established(TlsVerb::StartTls);
            told.received("EHLO a")
                .sent(MISSING)
                .message(Some(sample::facts()))
                .message(Some(sample::facts()));
        });
        assert_eq!(outcome, "2 messages over TLSv1.3");
        let outcome = told(|told| {
            told.established(TlsVerb::XAnonymousTls).message(Some(sample::facts()));
        });
        assert_eq!(outcome, "1 message over TLSv1.3 by X-ANONYMOUSTLS");
    }

    #[test]
    fn what_came_before_tls_is_told_apart() {
        let outcome = told(|told| {
            told.received("EHLO a")
                .sent(OFFERED)
                .message(None)
                .established(TlsVerb::StartTls)
                .received("QUIT");
        });
        assert_eq!(outcome, "1 message in clear (before TLS); no message over TLSv1.3");
    }

    #[test]
    fn a_client_that_leaves_after_the_handshake_without_a_word_has_not_been_seen_to_refuse_anything() {
        let outcome = told(|told| {
            told.received("EHLO a").sent(OFFERED).established(TlsVerb::StartTls);
        });
        assert!(
            outcome.starts_with(
                "no message over TLSv1.3; the client completed the handshake and left without a"
            )
        );
        assert!(outcome.contains("and as probes do") && !outcome.contains("probably"), "{outcome}");
    }

    #[test]
    fn what_the_lab_did_is_told_as_its_own_deed() {
        let outcome = told(|told| {
            told.received("EHLO a").sent(OFFERED).established(TlsVerb::StartTls);
            told.on_purpose(r#"{"at": "after-tls", "do": "close"}"#);
        });
        assert_eq!(
            outcome,
            "no message over TLSv1.3; the client completed the handshake, and the lab let it say nothing more; \
             on purpose, the lab did this: at after-tls, close"
        );
        let outcome = told(|told| {
            told.received("EHLO a").sent(OFFERED).received("STARTTLS");
            told.on_purpose(r#"{"at": "starttls", "do": "close"}"#);
        });
        assert_eq!(
            outcome,
            "no message; STARTTLS was offered, asked for and not answered; on purpose, the lab did this: at \
             starttls, close"
        );
    }

    #[test]
    fn a_client_hello_in_place_of_a_command_is_told() {
        let outcome = told(|told| {
            told.tell(Record::Anomaly(Anomaly::ClientHelloInClear))
                .sent("500 5.3.3 Unrecognized command\r\n");
        });
        assert_eq!(
            outcome,
            "no message; a TLS ClientHello came in place of a command; the last refusal was 500 5.3.3 \
             Unrecognized command"
        );
    }

    #[test]
    fn commands_that_stood_in_clear_behind_starttls_are_not_the_clients_word_inside_tls() {
        let outcome = told(|told| {
            told.received("EHLO a").sent(OFFERED).received("STARTTLS").sent("220 go\r\n");
            told.tell(Record::Anomaly(crate::journal::pipelined(b"NOOP\r\n", true)));
            told.established(TlsVerb::StartTls).received("NOOP").sent("250 ok\r\n");
        });
        assert!(outcome.contains("left without a word"), "{outcome}");
    }

    #[test]
    fn a_failed_handshake_is_the_reason_for_no_message() {
        let outcome = told(|told| {
            told.received("EHLO a").sent(OFFERED);
            told.failed(TlsFailure::AlertReceived { alert: "unknown_ca".to_owned() });
        });
        assert_eq!(outcome, "no message; STARTTLS failed: refused by the client with alert unknown_ca");
    }

    #[test]
    fn a_client_that_only_looks_learns_what_there_is() {
        let look = |reply: &'static str| {
            told(move |told| {
                told.received("EHLO a").sent(reply);
            })
        };
        assert_eq!(look(MISSING), "no message; STARTTLS was not offered");
        assert_eq!(look(OFFERED), "no message; STARTTLS was offered and not used");
        assert_eq!(look("250 mx Hello\r\n"), "no message; STARTTLS was not offered");
        assert_eq!(told(|_| {}), "no message");
    }

    #[test]
    fn where_no_mail_came_the_last_refusal_is_told() {
        let refused = |told: &mut SampleSession| {
            told.received("EHLO a").sent(OFFERED).received("MAIL FROM:<a@example.com>");
            told.sent("451 5.7.3 STARTTLS is required\u{1b}\r\n");
        };
        assert_eq!(
            told(refused),
            "no message; STARTTLS was offered and not used; \
             the last refusal was 451 5.7.3 STARTTLS is required\\x1b"
        );
        let outcome = told(|told| {
            refused(told);
            told.established(TlsVerb::StartTls).message(Some(sample::facts()));
        });
        assert_eq!(outcome, "1 message over TLSv1.3");
    }

    #[test]
    fn help_offers_nothing() {
        let outcome = told(|told| {
            told.received("EHLO a").sent(MISSING).received("HELP").sent("214-These:\r\n214 STARTTLS\r\n");
        });
        assert_eq!(outcome, "no message; STARTTLS was not offered");
    }

    #[test]
    fn who_was_turned_away_reads_by_which_limit() {
        let outcome = told(|told| {
            told.tell(Record::LimitReached(LimitReached::MaxInboundConnection));
        });
        assert_eq!(outcome, "turned away, MaxInboundConnection is reached");
    }
}
