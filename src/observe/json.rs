//! Sessions, messages and events as the control API shows them.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::seen::{EventLogEntry, ReceivedMessage};
use super::session::SessionSummary;
use crate::journal::{Ending, FailedHandshake, Handshake, NoTls, Tls};

/// The encryption of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Security {
    /// Through TLS.
    Tls,
    /// In clear.
    Clear,
}

/// A session.
#[derive(Serialize, JsonSchema)]
struct Session<'a> {
    /// Its number, as in Exchange's protocol log.
    session: String,
    /// The number of the newest entry about it.
    seq: u64,
    /// The time at which it began.
    began: String,
    /// The computer's name.
    computer: &'a str,
    /// The connector's name.
    connector: &'a str,
    /// The name the connector answers or introduces itself with.
    fqdn: &'a str,
    /// True if the lab is the one that sends.
    sends: bool,
    /// The lab's end.
    local: SocketAddr,
    /// The peer's end.
    remote: SocketAddr,
    /// The peer's name, where it is a computer of this lab.
    peer: Option<&'a str>,
    /// The TLS that was established: the verb, what was negotiated, and the certificate that the lab
    /// presented.
    tls: Option<Value>,
    /// The failed TLS handshake, and the reason.
    tls_failure: Option<Value>,
    /// The number of messages in clear.
    messages_in_clear: u64,
    /// The number of messages over TLS.
    messages_over_tls: u64,
    /// The side that ended it: `local`, `remote` or `broken`; nothing while it goes on.
    ending: Option<&'a str>,
    /// The result and the reason, in a line.
    outcome: String,
}

/// A message that was accepted.
#[derive(Serialize, JsonSchema)]
struct Taken<'a> {
    /// Its number in the lab.
    id: u64,
    /// The number of the entry about it.
    seq: u64,
    /// The time at which it was accepted.
    time: String,
    /// The name of the computer that accepted it.
    computer: &'a str,
    /// The name of the connector that accepted it.
    connector: &'a str,
    /// The name that connector answered with.
    fqdn: &'a str,
    /// The session in which it was sent.
    session: String,
    /// The sending machine's address.
    remote: IpAddr,
    /// The client's name in EHLO or HELO.
    helo: &'a str,
    /// The sender by MAIL FROM; empty for the null path.
    mail_from: &'a str,
    /// The recipients by RCPT TO.
    rcpt_to: Vec<&'a str>,
    /// The encryption of the connection on which it was sent.
    security: Security,
    /// The TLS over which it was sent.
    tls: Option<Value>,
    /// The protocol, by the registered names of RFC 3848.
    protocol: &'a str,
    /// The user that had logged on.
    user: Option<&'a str>,
    /// The size of the content in bytes.
    size: u64,
    /// The subject.
    subject: Option<&'a str>,
    /// The Message-ID it carries.
    message_id: Option<&'a str>,
    /// True if MAIL asked for REQUIRETLS (RFC 8689 section 2).
    requiretls: bool,
    /// The value of its `TLS-Required` field (RFC 8689 section 3).
    tls_required: Option<&'a str>,
}

impl<'a> From<&'a SessionSummary> for Session<'a> {
    fn from(it: &'a SessionSummary) -> Self {
        let own =
            |tls: &Tls| json!({ "verb": tls.verb.as_str(), "facts": &*tls.facts, "certificate": tls.own });
        let received = |tls: &Handshake| json!({ "verb": tls.verb.as_str(), "facts": &*tls.facts, "certificate": tls.certificate });
        let refused = |tls: &FailedHandshake| json!({ "verb": tls.verb.as_str(), "failure": tls.failure, "certificate": tls.certificate });
        let not_sent =
            |tls: &NoTls| json!({ "verb": tls.verb.as_str(), "failure": tls.why, "certificate": tls.own });
        Self {
            session: it.session.to_string(),
            seq: it.seq,
            began: format!("{:.3}", it.began),
            computer: it.computer(),
            connector: it.connector(),
            fqdn: it.fqdn(),
            sends: it.sends(),
            local: it.place.local,
            remote: it.place.remote,
            peer: it.place.peer.as_deref(),
            tls: it.tls.as_deref().map(received).or_else(|| it.sent_tls.as_deref().map(own)),
            tls_failure: (it.tls_failure.as_deref().map(refused))
                .or_else(|| it.sent_tls_failure.as_deref().map(not_sent)),
            messages_in_clear: it.messages_in_clear,
            messages_over_tls: it.messages_over_tls,
            ending: it.ending.as_ref().map(|ending| match ending {
                Ending::Local => "local",
                Ending::Remote => "remote",
                Ending::Broken(_) => "broken",
            }),
            outcome: it.outcome(),
        }
    }
}

impl<'a> From<&'a ReceivedMessage> for Taken<'a> {
    fn from(it: &'a ReceivedMessage) -> Self {
        let facts = &*it.message.facts;
        Self {
            id: facts.id,
            seq: it.seq,
            time: format!("{:.3}", it.time),
            computer: it.computer(),
            connector: it.connector(),
            fqdn: it.fqdn(),
            session: it.session().to_string(),
            remote: it.place.remote.ip().to_canonical(),
            helo: facts.helo.as_str(),
            mail_from: facts.mail_from(),
            rcpt_to: facts.rcpt_to().collect(),
            security: if facts.tls.is_some() { Security::Tls } else { Security::Clear },
            tls: facts.tls.as_deref().map(|tls| json!(tls)),
            protocol: facts.protocol,
            user: facts.user.as_deref(),
            size: facts.size,
            subject: facts.subject.as_deref(),
            message_id: facts.message_id.as_deref(),
            requiretls: facts.requiretls(),
            tls_required: facts.tls_required.as_deref(),
        }
    }
}

impl Serialize for EventLogEntry {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.entry().serialize(to)
    }
}

/// Makes a value serialize in the shape that the control API shows.
macro_rules! shown_as {
    ($($value:ty => $shape:ident;)*) => {$(
        impl Serialize for $value {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $shape::from(self).serialize(to)
            }
        }

        impl JsonSchema for $value {
            fn schema_name() -> Cow<'static, str> {
                $shape::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                $shape::json_schema(generator)
            }
        }
    )*};
}

shown_as! {
    SessionSummary => Session;
    ReceivedMessage => Taken;
}
