//! What is written down of a conversation, in the words of a dialogue.

use starttls_lab::internal::exchange::Event;
use starttls_lab::internal::journal::{Ending, Record, SECRET};
use starttls_lab::internal::session::fault::Fired;
use starttls_lab::internal::session::{Anomaly, Fact, LimitReached, Message, TlsVerb};

/// Commands, contents, replies and notes, in their order. Whoever keeps it, it reads the same.
#[derive(Debug, Default)]
pub(crate) struct Account {
    lines: Vec<String>,
    told: usize,
}

/// Whether a line of a dialogue is neither said nor done by anybody, but written down beside it.
pub(super) fn is_note(line: &str) -> bool {
    ["!! ", "** ", "++ "].iter().any(|mark| line.starts_with(mark))
}

impl Account {
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The next note that this was not asked for yet.
    pub(super) fn note(&mut self) -> Option<String> {
        let note = self.lines.iter().skip(self.told).position(|line| is_note(line));
        self.told = note.map_or(self.lines.len(), |note| self.told + note + 1);
        note.and_then(|_| self.lines.get(self.told - 1).cloned())
    }

    /// What a session noticed.
    pub(super) fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Event(event) => self.event(event),
            Fact::Fault(fired) => self.fault(fired),
            Fact::Anomaly(oddity) => self.oddity(oddity),
            Fact::LoggedOn { user, mechanism } => self.logon(user, mechanism, true),
            Fact::LogonFailed { user, mechanism } => self.logon(user, mechanism, false),
            Fact::LimitReached(limit) => self.limit(*limit),
            Fact::Message(message) => self.message(message),
        }
    }

    /// What stands in a journal.
    pub(super) fn record(&mut self, record: &Record) {
        match record {
            Record::Connected => {}
            Record::Event(logged) => self.event(&logged.event),
            Record::Sent(reply) => self.said(reply),
            Record::Received(line) => self.heard(line),
            Record::ReceivedSecret => self.heard_secret(),
            Record::Content(bytes) => self.took(*bytes),
            Record::TlsEstablished(handshake) => self.secured(handshake.verb),
            Record::Fault(fired) => self.fault(fired),
            Record::Anomaly(oddity) => self.oddity(oddity),
            Record::Logon(logon) => self.logon(&logon.user, logon.mechanism, logon.succeeded),
            Record::LimitReached(limit) => self.limit(*limit),
            Record::Message(facts) => self.message(&facts.message.upgrade().unwrap()),
            Record::Disconnected(Ending::Local) => self.closed(),
            Record::Disconnected(ending) => self.lines.push(format!("== ended by the client: {ending:?}")),
            other => self.lines.push(format!("== {}: {other:?}", other.name())),
        }
    }

    pub(super) fn said(&mut self, reply: &[u8]) {
        let Some(lines) = reply.strip_suffix(b"\r\n") else {
            self.lines.push(format!("S= {}", reply.escape_ascii()));
            return;
        };
        let lines = String::from_utf8_lossy(lines);
        self.lines.extend(lines.split("\r\n").map(|line| format!("S: {line}")));
    }

    /// What a row of the fault table does.
    pub(super) fn fault(&mut self, fired: &Fired) {
        self.lines.push(format!("++ row {}: {fired}", fired.row));
    }

    pub(super) fn heard(&mut self, line: &[u8]) {
        self.lines.push(format!("C: {}", line.escape_ascii()));
    }

    pub(super) fn heard_secret(&mut self) {
        self.heard(SECRET.as_bytes());
    }

    pub(super) fn took(&mut self, bytes: u64) {
        self.lines.push(format!("C| {bytes} bytes of content"));
    }

    pub(super) fn secured(&mut self, verb: TlsVerb) {
        let verb = if verb == TlsVerb::StartTls { "" } else { " by X-ANONYMOUSTLS" };
        self.lines.push(format!("++ secured{verb}"));
    }

    pub(super) fn closed(&mut self) {
        self.lines.push("== closed".to_owned());
    }

    fn event(&mut self, event: &Event) {
        self.lines.push(format!("** {} {}", event.event_id, event.parameters.join(" | ")));
    }

    /// `NulInCommand` as `!! nul-in-command`, fields behind it as `name=value`.
    fn oddity(&mut self, oddity: &Anomaly) {
        let serde_json::Value::Object(fields) = serde_json::to_value(oddity).unwrap() else {
            panic!("{oddity:?} has a name")
        };
        let mut note = format!("!! {}", fields["oddity"].as_str().unwrap().replace('_', "-"));
        for (name, value) in fields.iter().filter(|(name, _)| *name != "oddity") {
            note.push_str(&format!(" {name}={value}"));
        }
        self.lines.push(note);
    }

    fn logon(&mut self, user: &str, mechanism: &str, succeeded: bool) {
        let how = if succeeded { "logged on" } else { "could not log on" };
        self.lines.push(format!("++ {user} {how} by {mechanism}"));
    }

    fn limit(&mut self, limit: LimitReached) {
        self.lines.push(format!("++ {limit:?} is reached"));
    }

    fn message(&mut self, message: &Message) {
        let recipients: Vec<String> = message
            .recipients
            .iter()
            .map(|rcpt| format!("<{}>{}", rcpt.forward_path, parameters(&rcpt.parameters)))
            .collect();
        self.lines.push(format!(
            "++ message {} with {} from <{}>{} to {}: {}",
            message.id,
            message.protocol,
            message.mail.reverse_path,
            parameters(&message.mail.parameters),
            recipients.join(" "),
            shortened(&message.body.to_bytes().escape_ascii().to_string()),
        ));
    }
}

fn parameters(parameters: &impl serde::Serialize) -> String {
    match serde_json::to_string(parameters).unwrap().as_str() {
        "{}" => String::new(),
        fields => format!(" {fields}"),
    }
}

/// Enough of a content to know it by.
fn shortened(content: &str) -> String {
    match content.get(..200) {
        Some(start) => format!("\"{start}\" and so on, {} characters", content.len()),
        None => format!("\"{content}\""),
    }
}
