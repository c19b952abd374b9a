//! An entry as JSON, which is how it serializes.

use std::io;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::record::{Ending, Entry, Record, SECRET};
use super::shown::{plain, safe_json, without_secret};

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("time", &format_args!("{:.3}", self.time))?;
        if let Some(place) = &self.place {
            map.serialize_entry("computer", &place.computer.name)?;
            map.serialize_entry("connector", place.connector.name())?;
            map.serialize_entry("session", &format_args!("{}", place.session))?;
            map.serialize_entry("local", &place.local)?;
            map.serialize_entry("remote", &place.remote)?;
            if let Some(peer) = &place.peer {
                map.serialize_entry("peer", peer)?;
            }
        }
        map.serialize_entry("record", self.record.name())?;
        match &self.record {
            Record::Connecting | Record::Connected => {}
            Record::Event(logged) => {
                map.serialize_entry("event_id", &logged.event.event_id)?;
                map.serialize_entry("level", &logged.event.level)?;
                map.serialize_entry("source", logged.source)?;
                map.serialize_entry("category", &logged.event.category)?;
                map.serialize_entry("event_computer", &logged.computer)?;
                map.serialize_entry("event_connector", &logged.connector)?;
                map.serialize_entry("parameters", &logged.event.parameters)?;
                map.serialize_entry("message", &logged.event.message())?;
            }
            Record::Sent(octets) => {
                // A line that the lab sends as a client may be a secret, too.
                let sends = self.place.as_ref().is_some_and(|place| place.connector.sends());
                let said = if sends { without_secret(octets) } else { octets[..].into() };
                map.serialize_entry("text", lossy(&said).trim_end_matches("\r\n"))?;
            }
            Record::Received(octets) => map.serialize_entry("text", &lossy(octets))?,
            Record::ReceivedSecret | Record::SentSecret => map.serialize_entry("text", SECRET)?,
            Record::Content(octets) => map.serialize_entry("octets", octets)?,
            Record::TlsEstablished(handshake) => {
                map.serialize_entry("outcome", "established")?;
                map.serialize_entry("verb", handshake.verb.as_str())?;
                map.serialize_entry("tls", &*handshake.facts)?;
                map.serialize_entry("certificate", &handshake.certificate)?;
                map.serialize_entry("client_hello", &handshake.facts.client_hello)?;
            }
            Record::TlsFailed(handshake) => {
                map.serialize_entry("outcome", "failed")?;
                map.serialize_entry("verb", handshake.verb.as_str())?;
                map.serialize_entry("failure", &handshake.failure)?;
                map.serialize_entry("certificate", &handshake.certificate)?;
                map.serialize_entry("client_hello", &handshake.client_hello)?;
                if handshake.partial_hello > 0 {
                    map.serialize_entry("partial_hello", &handshake.partial_hello)?;
                }
            }
            Record::Secured(tls) => {
                map.serialize_entry("outcome", "established")?;
                map.serialize_entry("verb", tls.verb.as_str())?;
                map.serialize_entry("tls", &*tls.facts)?;
                map.serialize_entry("own_certificate", &tls.own)?;
            }
            Record::NotSecured(tls) => {
                map.serialize_entry("outcome", "failed")?;
                map.serialize_entry("verb", tls.verb.as_str())?;
                map.serialize_entry("failure", &tls.why)?;
                map.serialize_entry("presented", &tls.presented)?;
                map.serialize_entry("own_certificate", &tls.own)?;
            }
            Record::Attempt(attempt) => map.serialize_entry("detail", attempt)?,
            Record::Fault(fired) => map.serialize_entry("detail", fired)?,
            Record::Anomaly(oddity) => map.serialize_entry("detail", oddity)?,
            Record::Logon(logon) => {
                map.serialize_entry("user", &logon.user)?;
                map.serialize_entry("mechanism", logon.mechanism)?;
                map.serialize_entry("succeeded", &logon.succeeded)?;
            }
            Record::LimitReached(limit) => map.serialize_entry("limit", limit)?,
            Record::Message(message) => {
                map.serialize_entry("id", &message.id)?;
                map.serialize_entry("helo", message.helo.as_str())?;
                map.serialize_entry("mail_from", message.mail_from())?;
                map.serialize_entry("rcpt_to", &message.rcpt_to().collect::<Vec<_>>())?;
                map.serialize_entry("protocol", message.protocol)?;
                map.serialize_entry("tls", &message.tls.as_deref())?;
                map.serialize_entry("user", &message.user)?;
                map.serialize_entry("size", &message.size)?;
                map.serialize_entry("subject", &message.subject)?;
                map.serialize_entry("message_id", &message.message_id)?;
                map.serialize_entry("requiretls", &message.requiretls())?;
                map.serialize_entry("tls_required", &message.tls_required)?;
            }
            Record::Tracking(tracking) => map.serialize_entry("detail", tracking)?,
            Record::Disconnected(ending) => {
                let (by, reason) = match ending {
                    Ending::Local => ("local", None),
                    Ending::Remote => ("remote", None),
                    Ending::Broken(reason) => ("remote", Some(reason)),
                };
                map.serialize_entry("by", by)?;
                map.serialize_entry("reason", &reason)?;
            }
            Record::NoConnector(stranger) => {
                map.serialize_entry("local", &stranger.local)?;
                map.serialize_entry("remote", &stranger.remote)?;
            }
            Record::Changed { what } => map.serialize_entry("what", what)?,
            Record::ChangeRefused { why } => map.serialize_entry("why", why)?,
        }
        map.end()
    }
}

impl Entry {
    /// Returns the entry as one line of JSON, without the line end and without control characters for a
    /// terminal.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    /// Adds the line of [`to_json`](Self::to_json) to `text`, without a string of its own.
    pub(crate) fn write_json(&self, text: &mut String) {
        let begin = text.len();
        // A value in memory serializes.
        if serde_json::to_writer(Text(text), self).is_err() {
            text.truncate(begin);
        }
        if plain(&text.as_bytes()[begin..]).is_none() {
            let line = safe_json(text.split_off(begin));
            text.push_str(&line);
        }
    }
}

/// A string that bytes are written to; what comes at once is whole characters.
struct Text<'a>(&'a mut String);

impl io::Write for Text<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.push_str(str::from_utf8(octets).map_err(io::Error::other)?);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lossy(octets: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(octets)
}
