//! A conversation in one line: whether mail came encrypted or in clear, and why.

use std::collections::HashMap;

use super::explain::{counted, short_tls_failure};
use super::record::{Ending, Entry, Place, Record, SessionId};
use super::shown::{far_end, printable};
use crate::session::{LimitReached, Oddity, TlsFailure, TlsVerb, TlsVersion};
use crate::smtp::Verb;

/// The conversation `session` in one line, as far as `entries` tell of it; `None` where they do not.
pub fn summary(entries: &[Entry], session: SessionId) -> Option<String> {
    let mut story = None;
    for entry in entries {
        if let Some(place) = entry.place.as_ref().filter(|place| place.session == session) {
            story.get_or_insert_with(|| Story::of(place)).note(&entry.record);
        }
    }
    story.map(|story| story.tell(session))
}

/// Sums up conversations as they end, entry by entry.
///
/// It remembers a few words of each conversation that is under way and forgets it when it ends.
#[derive(Debug, Default)]
pub struct Summaries(HashMap<SessionId, Story>);

impl Summaries {
    /// Before the first entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next entry; the line of the conversation that ends with it.
    pub fn note(&mut self, entry: &Entry) -> Option<String> {
        let place = entry.place.as_ref().filter(|place| !place.connector.sends())?;
        self.0.entry(place.session).or_insert_with(|| Story::of(place)).note(&entry.record);
        if !matches!(entry.record, Record::Disconnected(_)) {
            return None;
        }
        self.0.remove(&place.session).map(|story| story.tell(place.session))
    }
}

/// What has to be known of a conversation at its end.
#[derive(Debug)]
struct Story {
    peer: String,
    last_verb: Option<Verb>,
    /// What was learnt of STARTTLS in clear, the most that was.
    starttls: StartTls,
    tls: Option<Secured>,
    /// Whether the client said anything inside TLS.
    spoke_inside: bool,
    failure: Option<(TlsVerb, TlsFailure)>,
    /// Whether a ClientHello came in the handshake that failed.
    hello_came: bool,
    /// Whether a ClientHello came in place of a command.
    hello_in_clear: bool,
    /// How many lines are still to be executed that stood in clear behind STARTTLS.
    from_clear: usize,
    /// What the lab did wrong on purpose, the last of it.
    on_purpose: Option<String>,
    /// What it did so after the handshake, before the client had said anything.
    cut_short: bool,
    ending: Option<Ending>,
    turned_away: Option<LimitReached>,
    /// The first line of the last reply that refused something.
    refusal: Option<String>,
    in_clear: u64,
    encrypted: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum StartTls {
    /// The client did not get as far as EHLO, which is how it asks.
    NotAsked,
    /// It asked, and STARTTLS was not there.
    Missing,
    /// It asked, and STARTTLS was there.
    Offered,
    /// It was there, the client asked for it, and nothing was answered.
    Unanswered,
    /// It was there, and was refused to the client that asked for it.
    Refused,
}

#[derive(Clone, Copy, Debug)]
struct Secured {
    verb: TlsVerb,
    version: TlsVersion,
}

impl Story {
    fn of(place: &Place) -> Self {
        Self {
            peer: far_end(place),
            last_verb: None,
            starttls: StartTls::NotAsked,
            tls: None,
            spoke_inside: false,
            failure: None,
            hello_came: false,
            hello_in_clear: false,
            from_clear: 0,
            on_purpose: None,
            cut_short: false,
            ending: None,
            turned_away: None,
            refusal: None,
            in_clear: 0,
            encrypted: 0,
        }
    }

    fn note(&mut self, record: &Record) {
        match record {
            Record::Received(line) => self.received(line),
            Record::Sent(octets) => self.sent(octets),
            Record::TlsEstablished(handshake) => {
                self.tls = Some(Secured { verb: handshake.verb, version: handshake.facts.version });
            }
            Record::TlsFailed(handshake) => {
                self.failure = Some((handshake.verb, handshake.failure.clone()));
                self.hello_came = handshake.client_hello.is_some();
            }
            Record::Oddity(Oddity::PipelinedBehindStartTls { lines, executed: true, .. }) => {
                self.from_clear = lines.len();
            }
            Record::Oddity(Oddity::ClientHelloInClear) => self.hello_in_clear = true,
            Record::Misconduct(misconduct) => {
                self.cut_short |= self.tls.is_some() && !self.spoke_inside;
                self.on_purpose = Some(printable(misconduct.to_string().as_bytes()));
            }
            Record::Disconnected(ending) => self.ending = Some(ending.clone()),
            Record::LimitReached(limit) => self.turned_away = Some(*limit),
            Record::Message(message) if message.tls.is_some() => self.encrypted += 1,
            Record::Message(_) => self.in_clear += 1,
            _ => {}
        }
    }

    fn received(&mut self, line: &[u8]) {
        self.last_verb = Verb::of(line);
        if self.last_verb == Some(Verb::StartTls) && self.starttls == StartTls::Offered {
            self.starttls = StartTls::Unanswered;
        }
        if self.tls.is_some() && self.from_clear > 0 {
            self.from_clear -= 1;
        } else {
            self.spoke_inside |= self.tls.is_some();
        }
    }

    fn sent(&mut self, octets: &[u8]) {
        if let [b'4' | b'5', ..] = octets {
            let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
            self.refusal = Some(printable(line.trim_ascii_end()));
        }
        let asked = self.last_verb == Some(Verb::StartTls) && self.starttls == StartTls::Unanswered;
        if asked && matches!(octets, [b'4' | b'5', ..]) {
            self.starttls = StartTls::Refused;
        }
        self.offer(octets);
    }

    /// What a reply to EHLO in clear offers.
    fn offer(&mut self, octets: &[u8]) {
        let to_ehlo = self.last_verb.take() == Some(Verb::Ehlo) && octets.starts_with(b"250");
        if !to_ehlo || self.tls.is_some() {
            return;
        }
        let offer = if offers_starttls(octets) { StartTls::Offered } else { StartTls::Missing };
        self.starttls = self.starttls.max(offer);
    }

    fn tell(&self, session: SessionId) -> String {
        format!("session {session} from {}: {}", self.peer, self.outcome())
    }

    fn outcome(&self) -> String {
        if let Some(limit) = self.turned_away {
            return format!("turned away, {limit:?} is reached");
        }
        let mut parts = Vec::new();
        if self.in_clear > 0 {
            parts.push(format!(
                "{} in clear ({})",
                counted(self.in_clear, "message"),
                self.in_clear_because()
            ));
        }
        if let Some(Secured { verb, version }) = self.tls {
            let messages = match self.encrypted {
                0 => "no message".to_owned(),
                count => counted(count, "message"),
            };
            let verb = if verb == TlsVerb::StartTls { "" } else { " by X-ANONYMOUSTLS" };
            parts.push(format!("{messages} over {}{verb}", version.as_str()));
        }
        let nothing = parts.is_empty();
        if nothing {
            parts.push("no message".to_owned());
        }
        if self.hello_in_clear {
            parts.push("a TLS ClientHello came in place of a command".to_owned());
        }
        match &self.failure {
            Some((verb, failure)) => {
                parts.push(format!(
                    "{} failed: {}",
                    verb.as_str(),
                    short_tls_failure(failure, self.hello_came)
                ));
            }
            None if self.tls.is_some() && !self.spoke_inside && self.encrypted == 0 => {
                parts.push(self.silent_inside().to_owned());
            }
            // Who has not come as far as EHLO has said nothing about STARTTLS.
            None if nothing && self.starttls > StartTls::NotAsked => {
                parts.push(self.in_clear_because().to_owned());
            }
            None => {}
        }
        if let Some(refusal) = self.refusal.as_ref().filter(|_| self.in_clear + self.encrypted == 0) {
            parts.push(format!("the last refusal was {refusal}"));
        }
        if let Some(deed) = self.on_purpose.as_ref().filter(|_| self.in_clear + self.encrypted == 0) {
            parts.push(format!("on purpose, the lab did this: {deed}"));
        }
        parts.join("; ")
    }

    /// What a handshake came to after which the client said nothing.
    fn silent_inside(&self) -> &'static str {
        match &self.ending {
            _ if self.cut_short => "the client completed the handshake, and the lab let it say nothing more",
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
            _ if self.tls.is_some() || self.failure.is_some() => "before TLS",
            StartTls::NotAsked => "STARTTLS was not offered, because nobody asked by EHLO",
            StartTls::Missing => "STARTTLS was not offered",
            StartTls::Offered => "STARTTLS was offered and not used",
            StartTls::Unanswered => "STARTTLS was offered, asked for and not answered",
            StartTls::Refused => "STARTTLS was offered and refused",
        }
    }
}

/// Whether a reply to EHLO has STARTTLS (RFC 3207 section 3: the keyword stands alone).
pub(super) fn offers_starttls(reply: &[u8]) -> bool {
    let mut keywords = reply.split(|octet| *octet == b'\n').skip(1).filter_map(|line| line.get(4..));
    keywords.any(|keyword| keyword.trim_ascii().eq_ignore_ascii_case(b"STARTTLS"))
}

#[cfg(test)]
mod tests {
    use super::super::record::Ending;
    use super::super::sample::{self, Told};
    use super::*;
    use crate::exchange::Profile;

    const OFFERED: &str = "250-mx Hello\r\n250-STARTTLS\r\n250 DSN\r\n";
    const MISSING: &str = "250-mx STARTTLS\r\n250-X-STARTTLS\r\n250 DSN\r\n";

    fn told(tell: impl FnOnce(&mut Told)) -> String {
        let mut told = Told::on(Profile::Exchange2019);
        told.tell(Record::Connected);
        tell(&mut told);
        told.tell(Record::Disconnected(Ending::Remote));
        let line = summary(&told.entries, SessionId(1)).unwrap();
        let mut summaries = Summaries::new();
        let lines: Vec<_> = told.entries.iter().filter_map(|entry| summaries.note(entry)).collect();
        assert_eq!((lines.as_slice(), summaries.0.len()), (&[line.clone()][..], 0));
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
            told.tell(Record::Oddity(Oddity::ClientHelloInClear)).sent("500 5.3.3 Unrecognized command\r\n");
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
            told.tell(Record::Oddity(super::super::pipelined(b"NOOP\r\n", true)));
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
        let refused = |told: &mut Told| {
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

    #[test]
    fn a_conversation_that_nobody_noted_has_no_summary() {
        let mut told = Told::on(Profile::Exchange2019);
        told.tell(Record::Connected);
        assert_eq!(summary(&told.entries, SessionId(2)), None);
    }
}
