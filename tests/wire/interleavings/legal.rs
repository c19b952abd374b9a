//! What RFC 5321, RFC 3030 and RFC 3207 allow in a session, checked by what the journal has of it.

use std::collections::BTreeMap;

use starttls_lab::internal::journal::{Connector, Ending, Entry, Record};
use starttls_lab::internal::session::Anomaly;
use starttls_lab::internal::smtp::Verb;

/// A session as the journal tells it.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The messages that were taken.
    pub(super) messages: u64,
    /// Everything that the lab said.
    pub(super) sent: Vec<u8>,
    state: State,
}

/// Returns the sessions in which the lab receives. Panics unless each has a beginning, then an end, and, where no
/// fault rule has a part in it, exactly one reply for each command and no reply that the session's state forbids.
pub(super) fn sessions(entries: &[Entry]) -> BTreeMap<u64, Session> {
    let in_sessions = || {
        entries.iter().filter_map(|entry| {
            let place = entry.place.as_ref()?;
            let Connector::Receive(connector) = &place.connector else { return None };
            Some((place.session.0, connector, &entry.record))
        })
    };
    let faulty: Vec<_> =
        in_sessions().filter(|(.., record)| matches!(record, Record::Fault(_))).map(|(id, ..)| id).collect();
    let mut sessions = BTreeMap::<u64, Session>::new();
    for (id, connector, record) in in_sessions() {
        if matches!(record, Record::Connected) {
            assert!(sessions.insert(id, Session::default()).is_none(), "session {id} begins twice");
            continue;
        }
        let session =
            sessions.get_mut(&id).unwrap_or_else(|| panic!("session {id} does not begin: {record:?}"));
        assert!(session.state.phase != Phase::Ended, "session {id} goes on behind its end: {record:?}");
        match record {
            Record::Message(_) => session.messages += 1,
            Record::Sent(bytes) => session.sent.extend_from_slice(bytes),
            _ => {}
        }
        if faulty.contains(&id) {
            if matches!(record, Record::Disconnected(_)) {
                session.state.phase = Phase::Ended;
            }
            continue;
        }
        let before = format!("{:?}", session.state);
        if let Err(why) = session.state.take(record, connector.chunking_enabled, connector.require_tls) {
            panic!("session {id}: {why}: {record:?} in {before}\n{}", told(entries, id));
        }
    }
    for (id, session) in &sessions {
        assert!(session.state.phase == Phase::Ended, "session {id} does not end");
    }
    sessions
}

fn told(entries: &[Entry], id: u64) -> String {
    let its = entries.iter().filter(|entry| entry.place.as_ref().is_some_and(|place| place.session.0 == id));
    its.map(|entry| format!("{} {:?}\n", entry.seq, entry.record)).collect()
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Phase {
    /// The banner is due.
    #[default]
    Begun,
    Open,
    /// The 220 to STARTTLS or X-ANONYMOUSTLS has been sent.
    Handshake,
    /// The last reply has been sent, or TLS has failed: only the end of the connection may follow.
    Last,
    Ended,
}

/// What came and has no reply yet.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    Line(Option<Verb>),
    /// A BDAT of which the chunk has not come.
    Bdat {
        last: bool,
    },
    Chunk {
        last: bool,
    },
    Content,
}

/// The state of a session, by the commands that were accepted.
#[derive(Debug, Default)]
struct State {
    phase: Phase,
    encrypted: bool,
    hello: bool,
    /// MAIL was accepted.
    mail: bool,
    recipients: usize,
    chunks: bool,
    /// 354 was sent, and the content has not come.
    data: bool,
    due: Option<Due>,
    /// The content became a message, and the reply is still due.
    accepted: bool,
}

impl State {
    fn take(&mut self, record: &Record, chunking: bool, require_tls: bool) -> Result<(), &'static str> {
        let is = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        match record {
            Record::Received(line) => {
                is(self.phase == Phase::Open, "a command where none can come")?;
                is(self.due.is_none(), "a command before the reply to the last one")?;
                is(!self.data, "a command within content")?;
                let verb = Verb::of(line);
                let last = line.to_ascii_uppercase().trim_ascii_end().ends_with(b" LAST");
                self.due = Some(if verb == Some(Verb::Bdat) { Due::Bdat { last } } else { Due::Line(verb) });
                Ok(())
            }
            Record::ReceivedSecret => {
                is(self.phase == Phase::Open && self.due.is_none() && !self.data, "a secret out of turn")?;
                self.due = Some(Due::Line(None));
                Ok(())
            }
            Record::Anomaly(Anomaly::ClientHelloInClear) => {
                is(self.due.is_none(), "a ClientHello before the reply to the last command")?;
                self.due = Some(Due::Line(None));
                Ok(())
            }
            Record::Content(_) => {
                self.due = Some(match self.due {
                    None if self.data => Due::Content,
                    Some(Due::Bdat { last }) => Due::Chunk { last },
                    _ => return Err("content that nobody has asked for"),
                });
                self.data = false;
                Ok(())
            }
            Record::Message(message) => {
                let complete = matches!(self.due, Some(Due::Content | Due::Chunk { last: true }));
                is(complete && !self.accepted, "a message without content")?;
                is(self.hello && self.mail && self.recipients > 0, "a message without an envelope")?;
                is(message.rcpt_to().len() == self.recipients, "a message with other recipients")?;
                self.accepted = true;
                Ok(())
            }
            Record::Sent(reply) => self.reply(code(reply), chunking, require_tls),
            Record::TlsEstablished(_) => {
                is(self.phase == Phase::Handshake, "TLS that nobody has asked for")?;
                *self = Self { phase: Phase::Open, encrypted: true, ..Self::default() };
                Ok(())
            }
            Record::TlsFailed(_) => {
                is(self.phase == Phase::Handshake, "TLS that nobody has asked for")?;
                self.phase = Phase::Last;
                Ok(())
            }
            Record::Disconnected(ending) => {
                let cut_off = match self.due {
                    None | Some(Due::Bdat { .. }) => true,
                    Some(Due::Line(_) | Due::Chunk { .. } | Due::Content) => {
                        matches!(ending, Ending::Broken(_))
                    }
                };
                is(cut_off, "a command without a reply")?;
                self.phase = Phase::Ended;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn reply(&mut self, code: u16, chunking: bool, require_tls: bool) -> Result<(), &'static str> {
        let is = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        match self.phase {
            Phase::Begun => {
                self.phase = if code == 220 { Phase::Open } else { Phase::Last };
                return is(matches!(code, 220 | 421 | 554), "no banner");
            }
            Phase::Open => {}
            Phase::Handshake | Phase::Last | Phase::Ended => return Err("a reply behind the last one"),
        }
        let due = self.due.take();
        is(
            std::mem::take(&mut self.accepted) == (code == 250 && self.completes(due)),
            "a 250 without a message, or a message without a 250",
        )?;
        if code == 421 {
            self.phase = Phase::Last;
            return Ok(());
        }
        match due {
            // Content that finds no memory is refused in the middle, and the connection is closed.
            None | Some(Due::Bdat { .. }) if code == 452 => {
                self.phase = Phase::Last;
                is(due.is_some() || self.data, "a reply to nothing")
            }
            None => Err("a reply to nothing"),
            Some(Due::Bdat { .. }) => is(matches!(code, 500..=504), "a reply to BDAT before its chunk"),
            Some(Due::Line(verb)) => self.command(verb, code, require_tls),
            Some(Due::Chunk { last }) => {
                is(
                    code != 250 || (self.mail && self.recipients > 0 && chunking),
                    "a chunk is taken out of turn",
                )?;
                self.chunks |= code == 250;
                if last && chunking && self.recipients > 0 {
                    self.forget();
                }
                Ok(())
            }
            Some(Due::Content) => {
                self.forget();
                Ok(())
            }
        }
    }

    /// The reply to anything but BDAT.
    fn command(&mut self, verb: Option<Verb>, code: u16, require_tls: bool) -> Result<(), &'static str> {
        let is = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        match (verb, code) {
            (Some(Verb::Ehlo | Verb::Helo), 250) => {
                self.forget();
                self.hello = true;
            }
            (Some(Verb::Mail), 250) => {
                is(self.hello, "MAIL before EHLO")?;
                is(!self.mail, "MAIL within a transaction")?;
                is(self.encrypted || !require_tls, "MAIL in clear where TLS is required")?;
                self.mail = true;
            }
            (Some(Verb::Rcpt), 250) => {
                is(self.mail && !self.chunks, "RCPT out of turn")?;
                self.recipients += 1;
            }
            (Some(Verb::Data), 354) => {
                is(self.mail && self.recipients > 0 && !self.chunks, "DATA out of turn")?;
                self.data = true;
            }
            (Some(Verb::Rset), 250) => self.forget(),
            (Some(Verb::StartTls | Verb::XAnonymousTls), 220) => {
                is(self.hello && !self.encrypted, "STARTTLS out of turn")?;
                self.phase = Phase::Handshake;
            }
            (Some(Verb::Quit), 221) => self.phase = Phase::Last,
            (_, 220 | 221 | 354) => return Err("a reply to another command"),
            _ => {}
        }
        Ok(())
    }

    /// Returns whether a 250 to this means that a message was taken.
    fn completes(&self, due: Option<Due>) -> bool {
        matches!(due, Some(Due::Content | Due::Chunk { last: true }))
    }

    fn forget(&mut self) {
        (self.mail, self.recipients, self.chunks) = (false, 0, false);
    }
}

/// The code of a reply. Panics unless it is one reply, whole lines with the same code.
fn code(reply: &[u8]) -> u16 {
    let text = std::str::from_utf8(reply).expect("a reply is text");
    let text = text.strip_suffix("\r\n").expect("a reply ends in CRLF");
    let lines: Vec<_> = text.split("\r\n").collect();
    let code = &text[..3];
    for (index, line) in lines.iter().enumerate() {
        let separator = if index + 1 == lines.len() { ' ' } else { '-' };
        assert!(line.starts_with(code) && line[3..].starts_with(separator), "{text:?}");
    }
    code.parse().expect("a code")
}
