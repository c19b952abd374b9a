//! The SmtpReceive protocol log in Exchange's own form.
//!
//! Sources: Microsoft's "Protocol logging" and "Configure protocol logging" pages for fields and meaning, and
//! receive logs of 2013 to 2025 that people have published for the rest. If page and logs disagree (version,
//! session identifier, connector identifier, file name), the logs count. No receive log of 2007 or 2010 was
//! found; they get the rows of 2013.
//!
//! Rows of things that the lab does not do are left out, such as the one of a tarpit or of session
//! permissions. A peer's anomalies have no row in Exchange's log either; the transcript shows them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::protocol_tls;
use super::record::{Ending, Entry, Logon, Record, SECRET, SessionContext, SessionId};
use super::shown::{endpoint, printable, without_secret};
use crate::smtp::Verb;

/// A writer of the rows of a protocol log, entry by entry.
///
/// It remembers a few words of each conversation that is under way and forgets it when it ends.
#[derive(Debug, Default)]
pub struct ProtocolLog {
    sessions: HashMap<SessionId, Session>,
}

/// The state of a conversation that its next row needs.
#[derive(Debug)]
struct Session {
    next: u64,
    began: Timestamp,
    mails: u64,
    mail_is_due: bool,
}

impl ProtocolLog {
    /// Returns a log without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the lines a log file begins with, as observed on 2013 and 2016.
    pub fn header(now: Timestamp) -> String {
        format!(
            "#Software: Microsoft Exchange Server\r\n\
             #Version: 15.0.0.0\r\n\
             #Log-type: SMTP Receive Protocol Log\r\n\
             #Date: {now:.3}\r\n\
             #Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\r\n"
        )
    }

    /// Returns the name of the log file that is begun `now`, such as `RECV2023011116-1.LOG`; observed on
    /// 2016.
    pub fn file_name(now: Timestamp) -> String {
        format!("RECV{}-1.LOG", now.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H"))
    }

    /// Returns the rows that `entry` adds: none for many entries, and none at all where the connector has
    /// `ProtocolLoggingLevel` None.
    pub fn rows(&mut self, entry: &Entry) -> String {
        let Some(place) = &entry.place else {
            return String::new();
        };
        if place.connector.sends() || !place.connector.is_logged() {
            return String::new();
        }
        let session = self.sessions.entry(place.session).or_insert_with(|| Session {
            next: 0,
            began: entry.time,
            mails: 0,
            mail_is_due: false,
        });
        let mut rows = Rows { text: String::new(), time: entry.time, place, session };
        rows.add(&entry.record);
        let text = rows.text;
        if matches!(entry.record, Record::Disconnected(_)) {
            self.sessions.remove(&place.session);
        }
        text
    }
}

/// The rows of one entry.
struct Rows<'a> {
    text: String,
    time: Timestamp,
    place: &'a Arc<SessionContext>,
    session: &'a mut Session,
}

impl Rows<'_> {
    fn add(&mut self, record: &Record) {
        match record {
            Record::Connected => self.row('+', "", ""),
            Record::Sent(octets) => self.sent(octets),
            Record::Received(line) => {
                self.session.mail_is_due = Verb::of(line) == Some(Verb::Mail);
                self.row('<', &String::from_utf8_lossy(&without_secret(line)), "");
            }
            Record::ReceivedSecret => self.row('<', SECRET, ""),
            Record::TlsEstablished(handshake) => {
                let profile = self.place.computer.profile;
                self.information(protocol_tls::sending(profile, &handshake.certificate));
                self.row('*', "", &protocol_tls::established(profile, &handshake.facts.as_ref().into()));
            }
            Record::TlsFailed(handshake) => {
                if let Some(certificate) = &handshake.certificate {
                    self.information(protocol_tls::sending(self.place.computer.profile, certificate));
                }
                let word = protocol_tls::error_word(&handshake.failure);
                self.row('*', "", &format!("TLS negotiation failed with error {word}"));
            }
            Record::Logon(logon) if logon.succeeded => self.row('*', &logon.user, "authenticated"),
            Record::Logon(logon) => {
                let Logon { user, mechanism, .. } = &**logon;
                let mechanism = mechanism.to_ascii_uppercase();
                self.row('*', "", &format!("Inbound AUTH {mechanism} failed because of LogonDenied"));
                self.row('*', "", &format!("User Name: {user}"));
            }
            Record::Disconnected(ending) => self.row('-', "", end(ending)),
            Record::Event(_)
            | Record::Connecting
            | Record::SentSecret
            | Record::Secured(_)
            | Record::NotSecured(_)
            | Record::Attempt(_)
            | Record::Content(_)
            | Record::Fault(_)
            | Record::Anomaly(_)
            | Record::LimitReached(_)
            | Record::Message(_)
            | Record::Tracking(_)
            | Record::NoConnector(_)
            | Record::Changed { .. }
            | Record::ChangeRefused { .. } => {}
        }
    }

    fn sent(&mut self, octets: &[u8]) {
        let text = String::from_utf8_lossy(octets);
        // Observed on 2013, 2016 and 2019: the row stands between MAIL and its reply; in it stand the
        // session, when that began, and the index of the message in the session.
        if std::mem::take(&mut self.session.mail_is_due) && text.starts_with("250") {
            self.session.mails += 1;
            let (began, mails) = (self.session.began, self.session.mails);
            self.row('*', &format!("{};{began:.3};{mails}", self.place.session), "receiving message");
        }
        self.row('>', &in_one_record(&text), "");
    }

    fn information(&mut self, rows: Vec<(String, &str)>) {
        for (data, context) in rows {
            self.row('*', &data, context);
        }
    }

    fn row(&mut self, event: char, data: &str, context: &str) {
        let SessionContext { session, computer, connector, local, remote, .. } = &**self.place;
        let (time, number) = (self.time, self.session.next);
        self.session.next += 1;
        let connector = format!("{}\\{}", computer.name, connector.name());
        let (connector, data, context) = (Field(&connector), Field(data), Field(context));
        let (local, remote) = (endpoint(*local), endpoint(*remote));
        // Writing to a String cannot fail.
        let _ = write!(
            self.text,
            "{time:.3},{connector},{session},{number},{local},{remote},{event},{data},{context}\r\n"
        );
    }
}

/// Returns a reply as one record: the receive log folds the lines of an EHLO reply into one, with two spaces
/// after the code (observed on 2016; copies of logs of 2019 show one, as web pages fold spaces).
fn in_one_record(reply: &str) -> String {
    let lines: Vec<&str> = reply.trim_end_matches("\r\n").split("\r\n").collect();
    match lines.as_slice() {
        [line] if line.starts_with("334") => format!("334 {SECRET}"),
        [line] => (*line).to_owned(),
        lines => {
            let code = lines.first().and_then(|line| line.get(..3)).unwrap_or_default();
            let texts: Vec<&str> = lines.iter().map(|line| line.get(4..).unwrap_or_default()).collect();
            format!("{code}  {}", texts.join(" "))
        }
    }
}

/// Returns `Local` or `Remote`, as observed; the word for a broken connection is that of Windows Sockets.
pub(super) fn end(ending: &Ending) -> &'static str {
    match ending {
        Ending::Local => "Local",
        Ending::Remote => "Remote",
        Ending::Broken(reason) if reason.to_ascii_lowercase().starts_with("connection reset") => {
            "Remote(ConnectionReset)"
        }
        Ending::Broken(_) => "Remote(SocketError)",
    }
}

/// A field of RFC 4180.
pub(super) struct Field<'a>(pub(super) &'a str);

impl std::fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A record is one line, without control characters for a terminal.
        let shown = printable(self.0.as_bytes());
        if self.0.contains([',', '"', '\r', '\n']) {
            write!(f, "\"{}\"", shown.replace('"', "\"\""))
        } else {
            f.write_str(&shown)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, SampleSession, at};
    use super::*;
    use crate::exchange::{Profile, ProtocolLoggingLevel};
    use crate::session::{Anomaly, TlsFailure, TlsVerb};

    /// Returns the fields event, data and context of the rows, one row a line.
    fn short(told: &SampleSession) -> Vec<String> {
        let mut log = ProtocolLog::new();
        let rows: String = told.entries.iter().map(|entry| log.rows(entry)).collect();
        rows.lines().map(|row| row.splitn(7, ',').nth(6).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_file_begins_with_five_lines_and_is_named_by_the_hour() {
        let header = ProtocolLog::header(at("2024-02-03T04:05:06.0789Z"));
        assert_eq!(header.matches("\r\n").count(), 5);
        assert!(header.contains("#Date: 2024-02-03T04:05:06.078Z\r\n#Fields: date-time,connector-id,"));
        assert_eq!(ProtocolLog::file_name(at("2024-02-03T04:05:06Z")), "RECV2024020304-1.LOG");
    }

    #[test]
    fn a_row_has_nine_fields_and_counts_from_zero() {
        let mut told = SampleSession::on(Profile::Exchange2019);
        told.tell(Record::Connected).sent("220 mx.example ready\r\n");
        let mut log = ProtocolLog::new();
        let rows: Vec<String> = told.entries.iter().map(|entry| log.rows(entry)).collect();
        let place = "GATE\\Default Frontend GATE,08D0000000000001";
        let ends = "192.0.2.1:25,192.0.2.9:4242";
        assert_eq!(
            rows,
            [
                format!("2024-02-03T04:05:00.000Z,{place},0,{ends},+,,\r\n"),
                format!("2024-02-03T04:05:01.000Z,{place},1,{ends},>,220 mx.example ready,\r\n")
            ]
        );
    }

    #[test]
    fn the_lines_of_one_reply_are_one_record_with_two_spaces() {
        let mut told = SampleSession::on(Profile::Exchange2010);
        told.received("EHLO a").sent("250-mx Hello [192.0.2.9]\r\n250-SIZE 100\r\n250 STARTTLS\r\n");
        assert_eq!(short(&told), ["<,EHLO a,", ">,250  mx Hello [192.0.2.9] SIZE 100 STARTTLS,"]);
    }

    #[test]
    fn fields_with_commas_quotes_and_line_ends_are_quoted_and_controls_are_escaped() {
        let mut told = SampleSession::on(Profile::Exchange2019);
        told.received("NOOP a,\"b\"\rc").received("NOOP a b");
        let mut log = ProtocolLog::new();
        assert!(log.rows(&told.entries[0]).ends_with(",<,\"NOOP a,\"\"b\"\"\\rc\",\r\n"));
        assert!(log.rows(&told.entries[1]).ends_with(",<,NOOP a b,\r\n"));
    }

    #[test]
    fn no_secret_of_a_logon_is_written() {
        let mut told = SampleSession::on(Profile::Exchange2019);
        told.received("AUTH LOGIN YW5uYQ==").sent("334 UGFzc3dvcmQ6\r\n").tell(Record::ReceivedSecret);
        told.logon(false).sent("535 5.7.3 Authentication unsuccessful\r\n").logon(true);
        assert_eq!(
            short(&told),
            [
                "<,AUTH LOGIN <authentication response>,",
                ">,334 <authentication response>,",
                "<,<authentication response>,",
                "*,,Inbound AUTH LOGIN failed because of LogonDenied",
                "*,,User Name: anna",
                ">,535 5.7.3 Authentication unsuccessful,",
                "*,anna,authenticated"
            ]
        );
    }

    #[test]
    fn each_mail_that_is_accepted_is_announced_before_its_reply() {
        let mut told = SampleSession::on(Profile::Exchange2019);
        told.tell(Record::Connected);
        told.received("MAIL FROM:<a@example>").sent("501 5.1.7 Invalid address\r\n");
        for _ in 0..2 {
            told.received("mail from:<a@example.com>").sent("250 2.1.0 Sender OK\r\n");
            told.received("RCPT TO:<b@example.com>").sent("250 2.1.5 Recipient OK\r\n");
        }
        let rows = short(&told);
        assert_eq!(rows.iter().filter(|row| row.ends_with("receiving message")).count(), 2);
        assert_eq!(
            rows[3..6],
            [
                "<,mail from:<a@example.com>,",
                "*,08D0000000000001;2024-02-03T04:05:00.000Z;1,receiving message",
                ">,250 2.1.0 Sender OK,"
            ]
        );
        assert_eq!(rows[9], "*,08D0000000000001;2024-02-03T04:05:00.000Z;2,receiving message");
    }

    #[test]
    fn a_handshake_shows_the_certificate_and_how_it_went() {
        let mut told = SampleSession::on(Profile::Exchange2019);
        told.established(TlsVerb::StartTls).failed(TlsFailure::Closed);
        let rows = short(&told);
        assert!(rows[0].contains("Sending certificate Subject Issuer name"), "{}", rows[0]);
        assert!(rows[1].starts_with("*,,\"TLS protocol SP_PROT_TLS1_3_SERVER negotiation"), "{}", rows[1]);
        assert_eq!(rows[3], "*,,TLS negotiation failed with error SocketError");
    }

    #[test]
    fn who_ended_a_conversation_is_said_and_the_conversation_forgotten() {
        let mut told = SampleSession::on(Profile::Exchange2019);
        let endings = [Ending::Local, Ending::Remote].into_iter().chain(
            ["Connection reset by peer (os error 104)", "broken pipe"]
                .map(|word| Ending::Broken(word.to_owned())),
        );
        endings.for_each(|ending| {
            told.tell(Record::Connected).tell(Record::Disconnected(ending));
        });
        let mut log = ProtocolLog::new();
        let rows: String = told.entries.iter().map(|entry| log.rows(entry)).collect();
        assert!(log.sessions.is_empty());
        let ends: Vec<&str> = rows.lines().skip(1).step_by(2).collect();
        for (row, end) in
            ends.iter().zip(["Local", "Remote", "Remote(ConnectionReset)", "Remote(SocketError)"])
        {
            assert!(row.contains(",1,192.0.2.1:25,") && row.ends_with(&format!(",-,,{end}")), "{row}");
        }
    }

    #[test]
    fn what_exchange_does_not_log_has_no_row() {
        let mut told = SampleSession::on(Profile::Exchange2019);
        told.tell(Record::Anomaly(Anomaly::NulInCommand)).tell(Record::Content(3)).message(None);
        assert_eq!(short(&told), [""; 0]);
    }

    #[test]
    fn a_connector_without_protocol_logging_has_no_rows() {
        let mut told = SampleSession::at(sample::place(Profile::Exchange2010, ProtocolLoggingLevel::None));
        told.tell(Record::Connected).received("EHLO a");
        told.entries.push(Entry { place: None, ..told.entries[0].clone() });
        assert_eq!(short(&told), [""; 0]);
    }
}
