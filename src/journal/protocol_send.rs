//! The SmtpSend protocol log in Exchange's own form.
//!
//! Sources: send logs of 2013 to 2017 that people have published, KB 4495258 and KB 4051498. It differs
//! from the receive log in the connector's identifier, which is the bare name, and in that each line that
//! is received is a row of its own. The name of the file was not found; it is formed as that of the
//! receive log.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::protocol_log::{Field, end};
use super::protocol_tls;
use super::record::{Entry, Record, SECRET, SessionContext, SessionId};
use super::sending::{NoTls, WhyNoTls};
use super::shown::{endpoint, without_secret};
use crate::session::send::{Credentials, Reason};

/// A writer of the rows of a send log, entry by entry.
///
/// It remembers the row number of each conversation that is under way and forgets it when it ends.
#[derive(Debug, Default)]
pub struct SendProtocolLog {
    next: HashMap<SessionId, u64>,
}

impl SendProtocolLog {
    /// Returns a log without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the lines a log file begins with, as observed on a 2013.
    pub fn header(now: Timestamp) -> String {
        format!(
            "#Software: Microsoft Exchange Server\r\n\
             #Version: 15.0.0.0\r\n\
             #Log-type: SMTP Send Protocol Log\r\n\
             #Date: {now:.3}\r\n\
             #Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\r\n"
        )
    }

    /// Returns the name of the log file that is begun `now`, such as `SEND2023011116-1.LOG`.
    pub fn file_name(now: Timestamp) -> String {
        format!("SEND{}-1.LOG", now.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H"))
    }

    /// Returns the rows that `entry` adds: none if it does not belong to a logged conversation of a Send
    /// connector.
    pub fn rows(&mut self, entry: &Entry) -> String {
        let Some(place) = entry.place.as_deref().filter(|place| place.connector.sends()) else {
            return String::new();
        };
        if !place.connector.is_logged() {
            return String::new();
        }
        if let Record::Attempt(attempt) = &entry.record {
            // Most attempts are followed or preceded by a disconnection; one that found no connection is not.
            if matches!(attempt.reason, Reason::NoConnection { .. }) {
                self.next.remove(&place.session);
            }
            return String::new();
        }
        let next = self.next.entry(place.session).or_default();
        let mut rows = Rows { text: String::new(), time: entry.time, place, next };
        rows.add(&entry.record);
        let text = rows.text;
        if matches!(entry.record, Record::Disconnected(_)) {
            self.next.remove(&place.session);
        }
        text
    }
}

/// The rows of one entry.
struct Rows<'a> {
    text: String,
    time: Timestamp,
    place: &'a SessionContext,
    next: &'a mut u64,
}

impl Rows<'_> {
    fn add(&mut self, record: &Record) {
        let profile = self.place.computer.profile;
        match record {
            Record::Connecting => self.row('*', "", "attempting to connect"),
            Record::Connected => self.row('+', "", ""),
            Record::Sent(octets) => {
                let line = octets.strip_suffix(b"\r\n").unwrap_or(octets);
                self.row('>', &String::from_utf8_lossy(&without_secret(line)), "");
            }
            Record::SentSecret => self.row('>', SECRET, ""),
            // A challenge is hidden too, as in the receive log.
            Record::Received(line) if line.starts_with(b"334") => self.row('<', &format!("334 {SECRET}"), ""),
            Record::Received(line) => self.row('<', &String::from_utf8_lossy(line), ""),
            Record::Logon(logon) if !logon.succeeded => {
                self.row('*', "", "Outbound Authentication failed with LogonDenied");
            }
            Record::Secured(tls) => {
                if let Some(own) = tls.own.as_ref().filter(|own| Some(own.thumbprint) == tls.facts.own) {
                    self.information(protocol_tls::sending(profile, own));
                }
                self.row('*', "", &protocol_tls::established(profile, &tls.facts.as_ref().into()));
                if let Some(leaf) = tls.facts.presented.first() {
                    self.row('*', "", "Received certificate");
                    self.row('*', &leaf.thumbprint().to_string(), "Certificate thumbprint");
                }
            }
            Record::NotSecured(tls) => self.not_secured(tls),
            Record::Disconnected(ending) => self.row('-', "", end(ending)),
            _ => {}
        }
    }

    fn not_secured(&mut self, tls: &NoTls) {
        let word = match &tls.why {
            WhyNoTls::OwnCertificate(Credentials::PinNotFound) => {
                return self.row(
                    '*',
                    "",
                    "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be found.",
                );
            }
            WhyNoTls::OwnCertificate(Credentials::UnknownCredentials) => "UnknownCredentials",
            WhyNoTls::OwnCertificate(_) => "NoCredentials",
            WhyNoTls::Handshake(failure) => protocol_tls::error_word(failure),
        };
        if let (WhyNoTls::OwnCertificate(_), Some(own)) = (&tls.why, &tls.own) {
            self.information(protocol_tls::sending(self.place.computer.profile, own));
        }
        self.row('*', "", &format!("TLS negotiation failed with error {word}"));
    }

    fn information(&mut self, rows: Vec<(String, &str)>) {
        for (data, context) in rows {
            self.row('*', &data, context);
        }
    }

    fn row(&mut self, event: char, data: &str, context: &str) {
        let SessionContext { session, connector, local, remote, .. } = self.place;
        let (time, number) = (self.time, *self.next);
        *self.next += 1;
        // A connection that is only being attempted has no local end yet.
        let local = if local.port() == 0 { String::new() } else { endpoint(*local).to_string() };
        let (connector, data, context) = (Field(connector.name()), Field(data), Field(context));
        let remote = endpoint(*remote);
        // Writing to a String cannot fail.
        let _ = write!(
            self.text,
            "{time:.3},{connector},{session},{number},{local},{remote},{event},{data},{context}\r\n"
        );
    }
}
