//! SMTP protocol logs and message tracking of Exchange.

use serde::Serialize;

use super::dialogue::{self, Dialogue};
use super::text::folded;

/// The findings in a protocol log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProtocolExcerpt {
    /// The direction, `receive` or `send`.
    pub direction: &'static str,
    /// The connector, as the log names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// True if the header of the log was copied.
    pub header: bool,
    /// True if copying has joined several rows.
    pub joined: bool,
    /// The certificate that this computer presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presented_subject: Option<String>,
    /// Its issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presented_issuer: Option<String>,
    /// Its alternative names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub presented_san: Vec<String>,
    /// Its thumbprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbprint: Option<String>,
    /// True if issuer and subject are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_signed: Option<bool>,
    /// The TLS failure, in the log's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The meaning of that word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// True if STARTTLS was offered; `None` if the reply to EHLO is not in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls: Option<bool>,
    /// True if X-ANONYMOUSTLS was offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_anonymoustls: Option<bool>,
    /// True if the other side hung up when it had seen the certificate, before TLS was done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub left_at_certificate: bool,
    /// Notes on anomalies of the copy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The session in which a certificate was presented, until TLS is done.
    #[serde(skip)]
    presenting: Option<String>,
    /// True within a reply to EHLO that has a row for each of its lines.
    #[serde(skip)]
    within_reply: bool,
}

/// Message tracking, or a queue's last error: codes and the fields in braces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrackingExcerpt {
    /// The codes, the outermost of each line.
    pub codes: Vec<String>,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// `MSG`, or the message within the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `FQDN`: the host that was dialled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// `IP`: its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// A row: `date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context`.
struct Row {
    connector: String,
    session: String,
    event: String,
    data: String,
    context: String,
}

/// Finds the protocol log in `text`; each connector and direction is one excerpt.
pub(super) fn find(text: &str) -> Vec<ProtocolExcerpt> {
    let header = text.contains("#Fields:") && text.contains("connector-id");
    let sends = text.contains("Send Protocol Log");
    let receives = text.contains("Receive Protocol Log");
    let mut all: Vec<ProtocolExcerpt> = Vec::new();
    for line in text.lines() {
        let Some(row) = row(line) else { continue };
        let direction = if receives || (!sends && row.connector.contains('\\')) { "receive" } else { "send" };
        let same = all.iter().position(|it| {
            it.direction == direction && it.connector.as_deref() == Some(row.connector.as_str())
        });
        let at = same.unwrap_or_else(|| {
            let connector = Some(row.connector.clone());
            all.push(ProtocolExcerpt { direction, connector, header, ..ProtocolExcerpt::default() });
            all.len() - 1
        });
        if let Some(excerpt) = all.get_mut(at) {
            take(excerpt, &row);
        }
    }
    for excerpt in &mut all {
        let names = excerpt.presented_subject.as_ref().zip(excerpt.presented_issuer.as_ref());
        excerpt.self_signed = names.map(|(subject, issuer)| subject == issuer);
    }
    all
}

fn row(line: &str) -> Option<Row> {
    let line = line.trim();
    // A row has at least a time, a connector, a session, a number, and an event of one character.
    if line.starts_with('#') || line.matches(',').count() < 7 {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let cells = reader.records().next()?.ok()?;
    let cell = |at: usize| cells.get(at).unwrap_or_default().trim().to_owned();
    let event = cell(6);
    let dated = cell(0).contains('T') || cell(0).contains("Date/Time");
    let numbered = cell(3).parse::<u32>().is_ok();
    let known = matches!(event.as_str(), "+" | "-" | ">" | "<" | "*");
    if !(dated && numbered && known) {
        return None;
    }
    // A lost comma joins data and context.
    let rest: Vec<String> = (7..cells.len()).map(cell).collect();
    let (data, context) = match rest.as_slice() {
        [] => (String::new(), String::new()),
        [only] => split_context(only),
        [data, context] => (data.clone(), context.clone()),
        [data @ .., context] => (data.join(", "), context.clone()),
    };
    Some(Row { connector: cell(1), session: cell(2), event, data, context })
}

/// The texts of the last column.
const CONTEXTS: [&str; 6] = [
    "Sending certificate",
    "Certificate subject",
    "Certificate issuer name",
    "Certificate serial number",
    "Certificate thumbprint",
    "Certificate alternate names",
];

fn split_context(text: &str) -> (String, String) {
    for word in
        ["Certificate alternate names", "alternate names", "Certificate subject", "Certificate thumbprint"]
    {
        if let Some(data) = text.strip_suffix(word) {
            return (data.trim().to_owned(), word.to_owned());
        }
    }
    (text.to_owned(), String::new())
}

fn take(excerpt: &mut ProtocolExcerpt, row: &Row) {
    let contexts = CONTEXTS.iter().filter(|context| row.context.contains(**context)).count();
    if contexts > 1 {
        joined(excerpt, row);
    }
    if let Some(error) = row.context.split("TLS negotiation failed with error ").nth(1) {
        let word = error.split_whitespace().next().unwrap_or_default().to_owned();
        excerpt.cause = match word.as_str() {
            "NoCredentials" => Some("private key missing"),
            "UnknownCredentials" => Some("certificate not enabled for SMTP"),
            "AlgorithmMismatch" => Some("no version or cipher in common"),
            "InvalidToken" => Some("what came was no TLS"),
            "CertExpired" => Some("certificate expired"),
            "UntrustedRoot" | "CertUnknown" => Some("certificate not trusted by the other side"),
            _ => None,
        };
        excerpt.failure = Some(word);
    }
    follow(excerpt, row);
    if contexts == 1 && row.context.starts_with(ONE_ROW) {
        in_one_row(excerpt, &row.data);
    } else if contexts == 1 && row.event == "*" {
        let data = row.data.clone();
        match row.context.as_str() {
            "Certificate subject" => {
                excerpt.presented_subject = excerpt.presented_subject.take().or(Some(data));
            }
            "Certificate issuer name" => {
                excerpt.presented_issuer = excerpt.presented_issuer.take().or(Some(data));
            }
            "Certificate thumbprint" => {
                if data.len() != 40 && !data.contains("xx") {
                    excerpt
                        .notes
                        .push(format!("the thumbprint in the log has {} digits, not 40", data.len()));
                }
                excerpt.thumbprint = excerpt.thumbprint.take().or(Some(data));
            }
            "Certificate alternate names" if excerpt.presented_san.is_empty() => {
                excerpt.presented_san = data.split(';').map(|name| name.trim().to_owned()).collect();
            }
            _ => {}
        }
    } else if row.context == "alternate names" {
        excerpt.presented_san = row.data.split(';').map(|name| name.trim().to_owned()).collect();
        excerpt.notes.push("a row lacks a comma".to_owned());
    }
    // The Send log has a row for each line of a reply, the Receive log one for all of them.
    let ends = excerpt.within_reply && row.data.starts_with("250 ");
    excerpt.within_reply = row.event == "<" && row.data.starts_with("250-");
    if row.data.starts_with("250")
        && let Some(reply) = reply(&row.data)
    {
        excerpt.starttls = excerpt.starttls.or(Some(reply.starttls));
        excerpt.x_anonymoustls = excerpt.x_anonymoustls.or(Some(reply.x_anonymoustls));
    } else if let Some(keyword) = row.data.strip_prefix("250-") {
        let one = |word: &str| keyword.eq_ignore_ascii_case(word);
        if one("STARTTLS") {
            excerpt.starttls = Some(true);
        } else if one("X-ANONYMOUSTLS") {
            excerpt.x_anonymoustls = Some(true);
        }
    } else if ends && row.event == "<" {
        let last = row.data.get(4..).unwrap_or_default();
        excerpt.starttls = excerpt.starttls.or(Some(last.eq_ignore_ascii_case("STARTTLS")));
    }
}

/// Notices a session that ends between the certificate and the end of the handshake.
fn follow(excerpt: &mut ProtocolExcerpt, row: &Row) {
    let same = excerpt.presenting.as_deref() == Some(row.session.as_str());
    if row.context.starts_with("Sending certificate") {
        excerpt.presenting = Some(row.session.clone());
    } else if same && row.event == "-" && row.context.contains("Remote") {
        excerpt.left_at_certificate = true;
        excerpt.presenting = None;
    } else if same && (row.context.contains("TLS protocol") || row.context.contains("TLS negotiation")) {
        excerpt.presenting = None;
    }
}

/// The text of the row that holds all of a certificate, which later versions write.
const ONE_ROW: &str = "Sending certificate Subject Issuer name";

/// Reads `<subject> <issuer> <serial number> <thumbprint> <not before> <not after> <names>`.
fn in_one_row(excerpt: &mut ProtocolExcerpt, data: &str) {
    let data = data.trim();
    let words: Vec<&str> = data.split_whitespace().collect();
    let Some(at) = words.iter().position(|word| super::table::is_thumbprint(word)) else { return };
    let names = words.get(..at.saturating_sub(1)).unwrap_or_default().join(" ");
    let second = names.match_indices("CN=").nth(1).map_or(names.len(), |(at, _)| at);
    let (subject, issuer) = names.split_at(second);
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    excerpt.presented_subject = excerpt.presented_subject.take().or(some(subject));
    excerpt.presented_issuer = excerpt.presented_issuer.take().or(some(issuer));
    excerpt.thumbprint = excerpt.thumbprint.take().or(words.get(at).map(|word| (*word).to_owned()));
    if let (true, Some(san)) = (excerpt.presented_san.is_empty(), words.get(at + 3)) {
        excerpt.presented_san = san.split(';').map(str::to_owned).collect();
    }
}

/// Returns the reply to EHLO that the log has in one row.
fn reply(data: &str) -> Option<Dialogue> {
    let words = data.get(3..)?.trim_start_matches(['-', ' ']);
    dialogue::of_words(words)
}

/// Reads what is still recognizable in rows that copying has joined.
fn joined(excerpt: &mut ProtocolExcerpt, row: &Row) {
    excerpt.joined = true;
    let data = folded(&row.data.replace(['"', '\u{201d}'], " "));
    let second = data.match_indices("CN=").nth(1).map_or(data.len(), |(at, _)| at);
    let subject = data.get(..second).unwrap_or_default().trim().trim_end_matches(',').to_owned();
    if subject.starts_with("CN=") {
        excerpt.presented_subject = Some(subject);
    }
    let thumbprint = data.split_whitespace().find(|word| super::table::is_thumbprint(word));
    excerpt.thumbprint = thumbprint.map(str::to_owned);
    excerpt.notes.push("rows of the log were run together; what belongs to which is inferred".to_owned());
}

/// Reads `{LED=...};{MSG=...};{FQDN=...}`, and errors of queues.
pub(super) fn tracking(text: &str) -> Option<TrackingExcerpt> {
    let mut found = TrackingExcerpt::default();
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("{{{name}="))?;
        let value = rest.split('}').next()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    for line in text.lines() {
        let start = line.split_once("LED=").map_or(line.trim(), |(_, rest)| rest.trim());
        found.codes.extend(code(start));
    }
    found.code = found.codes.first().cloned();
    let nested = || {
        let (_, rest) = text.split_once("Message=")?;
        let end = rest.find([']', ' ']).unwrap_or(rest.len());
        rest.get(..end).map(str::to_owned)
    };
    found.message = field("MSG").or_else(nested);
    (found.fqdn, found.ip) = (field("FQDN"), field("IP"));
    let braces = ["{LED=", "{MSG=", "{FQDN=", "{LRT="].iter().any(|mark| text.contains(mark));
    (braces && !found.codes.is_empty()).then_some(found)
}

/// Reads a code such as `450 4.7.320`.
fn code(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let (reply, enhanced) = (words.next()?, words.next()?);
    let number =
        reply.len() == 3 && reply.starts_with(['4', '5']) && reply.bytes().all(|b| b.is_ascii_digit());
    let parts = enhanced.split('.').collect::<Vec<_>>();
    let dotted = parts.len() == 3 && parts.iter().all(|part| part.parse::<u16>().is_ok());
    (number && dotted).then(|| format!("{reply} {enhanced}"))
}
