//! The readable transcript of a conversation: what was said, and between the lines what it means.
//!
//! The beginning of a line shows its kind: `S:` and `C:` what the server and the client said, `--` what
//! happened beside it, `~~` what the lab does wrong on purpose, `==` TLS, `!!` an anomaly, `**` an event of
//! the Application log, `++` a message, `>>` its fate, `=>` how an attempt of the lab's own to send ended.
//! Everything that came over the wire is escaped, so that a peer cannot control the operator's terminal.

use std::fmt::{self, Write as _};

use super::explain;
use super::record::{Ending, Entry, FailedHandshake, Handshake, Logged, Record, SECRET, SessionId};
use super::sending::{self, NoTls, Tls, WhyNoTls, attempt_sentence};
use super::shown::{Printable, endpoint, far_end, plain, sender_in_words, without_secret};
use crate::exchange::{StoredCertificate, thumbprints};
use crate::session::{Anomaly, MessageFacts};

/// Returns one conversation, a line each, as [`transcript_line`] writes them. Events have no conversation and
/// are not in it.
pub fn transcript(entries: &[Entry], session: SessionId) -> String {
    let of_session = |entry: &&Entry| entry.place.as_ref().is_some_and(|place| place.session == session);
    entries.iter().filter(of_session).map(|entry| transcript_line(entry) + "\n").collect()
}

/// Returns the lines that `entry` adds to a transcript: one line, or one for each line of a reply; no line
/// end at the end.
pub fn transcript_line(entry: &Entry) -> String {
    let mut line = String::new();
    write_line(entry, |_| {}, &mut line);
    line
}

/// Adds the lines of [`transcript_line`] to `text`, each behind the number of its session and with a line end.
pub(crate) fn write_transcript_lines(entry: &Entry, text: &mut String) {
    write_session(entry, text);
    write_line(entry, |text| write_session(entry, text), text);
    text.push('\n');
}

/// Adds the number of the entry's session in brackets and a blank, or nothing if it belongs to none.
pub(crate) fn write_session(entry: &Entry, text: &mut String) {
    if let Some(place) = &entry.place {
        text.push('[');
        write_number(place.session.0, text);
        text.push_str("] ");
    }
}

/// Adds a decimal number; every line of a transcript has one.
fn write_number(number: u64, text: &mut String) {
    if number >= 10 {
        write_number(number / 10, text);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// Adds what [`transcript_line`] returns to `text`, with what `margin` adds before every line but the first.
fn write_line(entry: &Entry, margin: impl Fn(&mut String), text: &mut String) {
    let sends = entry.place.as_ref().is_some_and(|place| place.connector.sends());
    // Writing to a String cannot fail.
    let _ = match &entry.record {
        Record::Connecting => match &entry.place {
            Some(place) => write!(text, "-- connecting to {}", far_end(place)),
            None => text.write_str("-- connecting"),
        },
        Record::Connected => match &entry.place {
            Some(place) if sends => write!(
                text,
                "-- connected from {} to {}, {}\\{}",
                endpoint(place.local),
                far_end(place),
                place.computer.name,
                safe(place.connector.name())
            ),
            Some(place) => write!(
                text,
                "-- {} connected to {}, {}\\{}",
                far_end(place),
                endpoint(place.local),
                place.computer.name,
                safe(place.connector.name())
            ),
            None => text.write_str("-- connected"),
        },
        Record::Sent(octets) if sends => {
            let line = octets.strip_suffix(b"\r\n").unwrap_or(octets);
            said("C: ", &without_secret(line), text)
        }
        Record::Sent(octets) => sent(octets, margin, text),
        Record::Received(line) if sends => said("S: ", line, text),
        Record::Received(line) => said("C: ", &without_secret(line), text),
        Record::ReceivedSecret | Record::SentSecret => text.write_str("C: ").and(text.write_str(SECRET)),
        Record::Content(bytes) => {
            text.push_str("-- ");
            write_number(*bytes, text);
            text.write_str(if *bytes == 1 { " byte of content" } else { " bytes of content" })
        }
        Record::TlsEstablished(handshake) => established(handshake, text),
        Record::TlsFailed(handshake) => text.write_str(&failed(handshake, entry)),
        Record::Secured(tls) => text.write_str(&secured(tls)),
        Record::NotSecured(tls) => text.write_str(&not_secured(tls, entry)),
        Record::Attempt(attempt) => {
            let sentence = attempt_sentence(attempt, &remote(entry));
            match attempt.message {
                ..=1 => write!(text, "=> {sentence}"),
                message => write!(text, "=> message {message}: {sentence}"),
            }
        }
        Record::Fault(it) => write!(text, "~~ on purpose (row {}): {}", it.row, safe(&it.to_string())),
        Record::Anomaly(Anomaly::PipelinedBehindStartTls { octets, lines, .. }) if sends => {
            write!(text, "!! {}", explain::behind_go_ahead(*octets, lines))
        }
        Record::Anomaly(oddity) => write!(text, "!! {}", explain::oddity(oddity)),
        Record::Logon(logon) => {
            let how = if logon.succeeded { "logged on" } else { "failed to log on" };
            write!(text, "-- {} {how} by AUTH {}", safe(&logon.user), logon.mechanism)
        }
        Record::LimitReached(limit) => write!(text, "-- turned away: {limit:?} is reached"),
        Record::Message(message) => accepted(message, text),
        Record::Tracking(tracking) => text.write_str(&tracking.line()),
        Record::Disconnected(Ending::Local) => text.write_str("-- closed by the lab"),
        Record::Disconnected(Ending::Remote) if sends => text.write_str("-- closed by the server"),
        Record::Disconnected(Ending::Remote) => text.write_str("-- closed by the client"),
        Record::Disconnected(Ending::Broken(reason)) => write!(text, "-- broken: {}", safe(reason)),
        Record::NoConnector(stranger) => write!(
            text,
            "-- {} turned away from {}: it is in no connector's RemoteIPRanges",
            endpoint(stranger.remote),
            endpoint(stranger.local)
        ),
        Record::Event(logged) => text.write_str(&event(logged)),
        Record::Changed { what } => {
            write!(text, "-- changed, from the next connection on: {}", safe(what))
        }
        Record::ChangeRefused { why } => write!(text, "-- change refused: {}", safe(why)),
    };
}

/// Adds what one side said, behind what tells who it was. Nearly everything in a transcript is of this kind, so it is not formatted.
fn said(who: &str, line: &[u8], text: &mut String) -> fmt::Result {
    text.push_str(who);
    match plain(line) {
        Some(plain) => {
            text.push_str(plain);
            Ok(())
        }
        None => write!(text, "{}", Printable(line)),
    }
}

fn sent(octets: &[u8], margin: impl Fn(&mut String), text: &mut String) -> fmt::Result {
    let octets = octets.strip_suffix(b"\r\n").unwrap_or(octets);
    // Only the lines of a reply end in LF; a fault rule may end them in LF alone.
    let mut lines = octets.split(|octet| *octet == b'\n');
    let mut next = lines.next();
    while let Some(line) = next {
        said("S: ", line.strip_suffix(b"\r").unwrap_or(line), text)?;
        next = lines.next();
        if next.is_some() {
            text.push('\n');
            margin(text);
        }
    }
    Ok(())
}

fn established(handshake: &Handshake, text: &mut String) -> fmt::Result {
    let Handshake { verb, facts, certificate } = handshake;
    write!(text, "== {}: {} {}", verb.as_str(), facts.version.as_str(), facts.cipher_suite)?;
    if let Some(group) = facts.key_exchange {
        write!(text, ", {group}")?;
    }
    match &facts.server_name {
        Some(name) => write!(text, ", SNI {}", safe(name))?,
        None => text.push_str(", no SNI"),
    }
    let other = Some(facts.presented).filter(|presented| *presented != certificate.thumbprint);
    let thumbprints = thumbprints(certificate.thumbprint, other);
    write!(text, ", presented {} ({thumbprints})", safe(&certificate.subject))?;
    if let Some(client) = &facts.client_certificate {
        write!(text, ", from {}", safe(client.subject()))?;
    }
    Ok(())
}

fn failed(handshake: &FailedHandshake, entry: &Entry) -> String {
    let FailedHandshake { verb, certificate, .. } = handshake;
    let presented = certificate.as_ref().map(|certificate| {
        let sent = if handshake.certificate_was_sent() { "was" } else { "to present was" };
        let store = entry.place.as_ref().map(|place| &place.computer.store);
        let stored = store.and_then(|store| store.find(certificate.thumbprint));
        let in_handshake = stored.and_then(StoredCertificate::handshake_thumbprint);
        let thumbprints = thumbprints(certificate.thumbprint, in_handshake);
        format!("; the certificate {sent} {} ({thumbprints})", safe(&certificate.subject))
    });
    format!(
        "== {} failed: {}{}",
        verb.as_str(),
        explain::tls_failure(handshake),
        presented.unwrap_or_default()
    )
}

fn secured(tls: &Tls) -> String {
    let Tls { verb, facts, .. } = tls;
    let group = facts.key_exchange.map(|group| format!(", {group}")).unwrap_or_default();
    let name = match &facts.server_name {
        Some(name) => format!("SNI {}", safe(name)),
        None => "no SNI".to_owned(),
    };
    let shown = match facts.presented.first() {
        Some(leaf) => format!("was shown {} ({})", safe(leaf.subject()), leaf.thumbprint()),
        None => "was shown no certificate that can be read".to_owned(),
    };
    let doubts = [&facts.assessment.chain, &facts.assessment.name].into_iter().flatten();
    let doubts: Vec<_> = doubts.map(|doubt| format!("; it {}", safe(&doubt.in_words()))).collect();
    format!(
        "== {}: {} {}{group}, {name}, {shown}{}",
        verb.as_str(),
        facts.version.as_str(),
        facts.cipher_suite,
        doubts.concat()
    )
}

fn not_secured(tls: &NoTls, entry: &Entry) -> String {
    let why = match &tls.why {
        WhyNoTls::Handshake(failure) => sending::handshake(failure, &remote(entry)),
        WhyNoTls::OwnCertificate(credentials) => sending::own_certificate(*credentials).to_owned(),
    };
    let shown = tls.presented.first();
    let shown = shown.map(|leaf| format!("; was shown {} ({})", safe(&leaf.subject), leaf.thumbprint));
    format!("== {} failed: {why}{}", tls.verb.as_str(), shown.unwrap_or_default())
}

/// Returns the name of the other end for a line that has to name it.
fn remote(entry: &Entry) -> String {
    entry.place.as_ref().map_or_else(|| "the server".to_owned(), |place| far_end(place).to_string())
}

fn event(logged: &Logged) -> String {
    let Logged { event, computer, .. } = logged;
    let sentence = event.first_sentence();
    format!("** event {} on {computer}, {:?}: {}", event.event_id, event.level, safe(&sentence))
}

fn accepted(message: &MessageFacts, text: &mut String) -> fmt::Result {
    /// A message may have thousands of recipients; a line has room for a few.
    const SHOWN: usize = 3;

    let sender = sender_in_words(message.mail_from());
    text.push_str("++ message ");
    write_number(message.id, text);
    said(" from ", sender.as_bytes(), text)?;
    for (index, to) in message.rcpt_to().take(SHOWN).enumerate() {
        said(if index > 0 { ", " } else { " to " }, to.as_bytes(), text)?;
    }
    if let Some(more @ 1..) = message.rcpt_to().len().checked_sub(SHOWN) {
        write!(text, ", {more} more")?;
    }
    text.extend([", ", message.protocol]);
    match &message.tls {
        Some(tls) => text.extend([" over ", tls.version.as_str()]),
        None => text.push_str(" in clear"),
    }
    Ok(())
}

fn safe(text: &str) -> Printable<'_> {
    Printable(text.as_bytes())
}

#[cfg(test)]
mod tests;
