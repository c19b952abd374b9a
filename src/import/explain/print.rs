//! The answer for a reader at a terminal of 24 lines: the first line is enough to act on.
//!
//! Prose is wrapped; a command never is, because it is copied.

use std::fmt;

use super::{EventItem, Explanation, Item, SenderItem, key_words};
use crate::import::dialogue::Dialogue;
use crate::import::protocol::{ProtocolExcerpt, TrackingExcerpt};
use crate::import::refusal::Refusal;

/// Prints the short answer; with `{:#}` every cause is shown in full.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let merged = self.items.len() > 1 && self.items.iter().any(|item| matches!(item, Item::Sender(_)));
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            match item {
                Item::Event(item) => event(f, item)?,
                Item::Cmdlet(refusal) => cmdlet(f, refusal)?,
                Item::Sender(item) => sender(f, item)?,
                Item::Protocol(log) => protocol(f, log)?,
                Item::Tracking(found) => tracking(f, found)?,
                Item::Dialogue(found) => dialogue(f, found, merged)?,
            }
        }
        if !self.missing.is_empty() {
            wrapped(f, "To be sure, paste beside it: ", "  ", &self.missing.join("; "))?;
        }
        for next in &self.next {
            let line = format!("  {:<43} # {}", next.command, next.purpose);
            let fits = line.chars().count() <= WIDTH;
            writeln!(f, "{}", if fits { line } else { format!("  {}", next.command) })?;
        }
        for question in &self.questions {
            wrapped(f, "open: ", "  ", &format!("{} (assumed: {})", question.text, question.assumed))?;
            writeln!(f, "  --answer \"{}=...\"", question.id)?;
        }
        self.notes.iter().try_for_each(|note| wrapped(f, "note: ", "  ", note))
    }
}

/// The maximum length of a line that can be broken.
const WIDTH: usize = 79;

/// Writes a row with its name in a column.
fn row(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    let head = format!("  {name:<11} ");
    let verbs = ["Get-", "Set-", "New-", "Enable-", "Import-", "Start-", "Test-", "telnet ", "starttls-lab "];
    if verbs.iter().any(|verb| value.starts_with(verb)) {
        return writeln!(f, "{head}{value}");
    }
    wrapped(f, &head, "              ", value)
}

/// Writes prose, broken at spaces, with a prefix for its first line and one for the others.
fn wrapped(f: &mut fmt::Formatter<'_>, first: &str, next: &str, text: &str) -> fmt::Result {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + word.chars().count() + 1 > WIDTH {
            writeln!(f, "{}", line.trim_end())?;
            line = next.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(f, "{}", line.trim_end())
}

fn event(f: &mut fmt::Formatter<'_>, item: &EventItem) -> fmt::Result {
    let event = &item.event;
    let on = item.about.as_ref().and_then(|about| about.on.clone()).or_else(|| event.computer.clone());
    let on = on.map(|on| format!(" on {on}")).unwrap_or_default();
    if let Some(sibling) = &item.sibling {
        wrapped(f, "", "  ", &format!("Event {}{on}: {}.", event.event_id, sibling.says))?;
        row(f, "touches", sibling.touches)?;
        sibling.run.iter().try_for_each(|command| row(f, "run", command))?;
        if !sibling.worth.is_empty() {
            row(f, "advice", sibling.worth)?;
        }
        return Ok(());
    }
    let connector = event
        .value("connector")
        .filter(|name| !name.is_empty())
        .unwrap_or("a connector that the text does not name");
    let sends = item.about.as_ref().is_some_and(|about| about.connector_kind == "send");
    let follows = if sends { "it presents none and may send in clear" } else { "STARTTLS is not offered" };
    match item.causes.first().filter(|cause| cause.certain) {
        Some(cause) => wrapped(
            f,
            "",
            "  ",
            &format!("Event 12014{on}: {connector} finds no certificate, for {}; {follows}.", cause.what),
        )?,
        None => {
            wrapped(f, "", "  ", &format!("Event 12014{on}: {connector} finds no certificate; {follows}."))?;
        }
    }
    let key = event.value("domain_name").filter(|key| !key.is_empty()).or(event.value("fqdn"));
    if let Some(about) = &item.about {
        row(f, "connector", &about.connector_words)?;
        row(
            f,
            "looked for",
            &format!(
                "{}, {}",
                key.filter(|key| !key.is_empty()).unwrap_or("(lost)"),
                key_words(event.selection_key)
            ),
        )?;
        if event.fields_agree == Some(false) && event.value("fqdn") != Some("") {
            let pair = format!(
                "the text names `{}` and `{}`; in a genuine event both are the same",
                event.value("domain_name").unwrap_or_default(),
                event.value("fqdn").unwrap_or_default()
            );
            row(f, "disagree", &pair)?;
        }
        // The command in it is copied, so it is not broken. A fix that edits the connector there names it as well.
        let edits = |fix: &str| fix.contains("Set-SendConnector") || fix.contains("Set-ReceiveConnector");
        let named = item.causes.first().is_some_and(|cause| !cause.certain && edits(&cause.fix));
        if f.alternate() || !named {
            writeln!(f, "  {:<11} {}", "edited", about.edited)?;
        }
    }
    item.inferred.iter().try_for_each(|what| row(f, "inferred", what))?;
    let settled = item.evidence.as_ref().filter(|evidence| evidence.decided);
    match (&item.evidence, settled) {
        (_, Some(evidence)) => {
            for seen in evidence.certificates.iter().take(6) {
                let why =
                    if seen.reasons.is_empty() { "would do".to_owned() } else { seen.reasons.join(", ") };
                row(f, "certificate", &format!("{}: {why}", seen.label))?;
            }
            if !evidence.commands.is_empty() {
                writeln!(f, "What fixes it:")?;
                evidence.commands.iter().try_for_each(|command| writeln!(f, "  {command}"))?;
                evidence.changes.iter().take(3).try_for_each(|change| row(f, "changes", change))?;
            }
        }
        (Some(evidence), None) => {
            let unknown =
                evidence.certificates.iter().filter(|seen| seen.unknown).map(|seen| seen.label.as_str());
            let unknown: Vec<&str> = unknown.collect();
            if let Some(contradiction) = &evidence.contradiction {
                let text = format!(
                    "{contradiction}. They may be of another computer or time; and they do not show whether the service may read the private key."
                );
                wrapped(f, "The exports do not explain it: ", "  ", &text)?;
            }
            if !unknown.is_empty() {
                wrapped(
                    f,
                    "Not known: ",
                    "  ",
                    &format!("{} may carry the name; not all of its names are shown.", unknown.join(", ")),
                )?;
            }
            if evidence.contradiction.is_none() {
                list(f, item)?;
            }
        }
        (None, _) => list(f, item)?,
    }
    if !item.advice.is_empty() {
        wrapped(f, "", "  ", &item.advice)?;
    }
    Ok(())
}

/// Writes the causes, each with what one command shows of it: the likeliest two with their fix, the others in a
/// line, unless all is asked for.
fn list(f: &mut fmt::Formatter<'_>, item: &EventItem) -> fmt::Result {
    if item.causes.is_empty() {
        return Ok(());
    }
    writeln!(f, "Causes by what Get-ExchangeCertificate | fl shows, likeliest first (inferred):")?;
    for (at, cause) in item.causes.iter().enumerate() {
        let head = format!("  {}. ", at + 1);
        if f.alternate() {
            wrapped(f, &head, "     ", &format!("{}.", cause.what))?;
            writeln!(f, "     shows  {}", cause.shows)?;
            writeln!(f, "     see    {}", cause.check)?;
        } else {
            wrapped(f, &head, "     ", &format!("{}: {}.", cause.short, cause.shows))?;
        }
        if f.alternate() || at < SHOWN {
            for line in cause.fix.lines() {
                let (head, line) = line.strip_prefix("or ").map_or(("fix", line), |other| ("or ", other));
                writeln!(f, "     {head} {line}")?;
            }
        }
    }
    Ok(())
}

/// The number of causes that are shown with their fix.
const SHOWN: usize = 2;

fn cmdlet(f: &mut fmt::Formatter<'_>, refusal: &Refusal) -> fmt::Result {
    wrapped(f, "", "  ", &format!("{}.", refusal.says))?;
    let allowed: Vec<&str> = refusal.allowed.iter().map(|name| name.as_deref().unwrap_or("$null")).collect();
    if !allowed.is_empty() {
        row(f, "allowed", &allowed.join(", "))?;
    }
    if let Some(thumbprint) = &refusal.thumbprint {
        row(f, "certificate", thumbprint)?;
    }
    for advice in &refusal.advice {
        // A sentence with a command behind a colon: the command gets its own line.
        match advice.split_once(": ").filter(|(_, command)| command.starts_with(['$', 'S', 'N', 'I', 'c'])) {
            Some((words, command)) => {
                row(f, "do", &format!("{words}:"))?;
                writeln!(f, "              {command}")?;
            }
            None => row(f, "do", advice)?,
        }
    }
    Ok(())
}

fn sender(f: &mut fmt::Formatter<'_>, item: &SenderItem) -> fmt::Result {
    use crate::import::sender::Side;
    let error = &item.error;
    let side = match error.side {
        Side::Receiver => "; the fault is the receiving server's",
        Side::Sender => "; the fault is the sending server's",
        Side::Path => "; the fault is in between",
        Side::Either => "; it may be either side's",
        Side::Neither => "",
    };
    wrapped(f, "", "  ", &format!("{}{side}.", item.says))?;
    row(f, "said by", &format!("{}: \"{}\"", error.sender, error.text))?;
    if let Some(name) = &error.asked_for {
        row(f, "asked for", name)?;
    }
    if let Some(name) = &error.presented {
        row(f, "presented", name)?;
    }
    row(f, "usually", item.usually)?;
    item.run.iter().try_for_each(|command| row(f, "run", command))?;
    if let Some((first, others)) = error.entries.split_first() {
        let others = if others.is_empty() { String::new() } else { format!(" (also {})", others.join(", ")) };
        row(f, "in the lab", &format!("starttls-lab serve {first}{others}"))?;
    }
    Ok(())
}

fn protocol(f: &mut fmt::Formatter<'_>, log: &ProtocolExcerpt) -> fmt::Result {
    let connector = log.connector.as_deref().unwrap_or("a connector");
    let kind = if log.direction == "send" { "SmtpSend" } else { "SmtpReceive" };
    let subject = log.presented_subject.as_deref().unwrap_or_default();
    let itself = if log.self_signed == Some(true) { ", which is self-signed" } else { "" };
    match (&log.failure, log.starttls) {
        (Some(failure), _) => {
            let cause = log.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            let presented =
                if subject.is_empty() { String::new() } else { format!("; this server presented {subject}") };
            writeln!(f, "{kind} log of {connector}: TLS failed with {failure}{cause}{presented}.")?;
        }
        (None, Some(false)) => {
            writeln!(f, "{kind} log of {connector}: STARTTLS is not in the reply to EHLO.")?;
        }
        (None, _) if log.left_at_certificate => wrapped(
            f,
            "",
            "  ",
            &format!(
                "{kind} log of {connector}: TLS was offered, {subject} was presented{itself}, and the other side hung up then, before TLS was done: it refuses the certificate (inferred)."
            ),
        )?,
        (None, _) if log.presented_subject.is_some() => {
            writeln!(f, "{kind} log of {connector}: TLS was offered, and {subject} was presented{itself}.")?;
        }
        (None, Some(true)) => writeln!(f, "{kind} log of {connector}: STARTTLS is in the reply to EHLO.")?,
        (None, None) => writeln!(
            f,
            "{kind} log of {connector}: what was copied shows neither a reply to EHLO nor a certificate."
        )?,
    }
    if !log.presented_san.is_empty() {
        row(f, "its names", &log.presented_san.join(", "))?;
    }
    if let Some(thumbprint) = &log.thumbprint {
        row(f, "thumbprint", thumbprint)?;
    }
    if log.starttls == Some(false) && log.x_anonymoustls == Some(true) {
        row(
            f,
            "but",
            "X-ANONYMOUSTLS is there: the internal transport certificate is fine, the one for STARTTLS is missing (event 12014)",
        )?;
    }
    if log.presented_subject.is_some() && log.direction == "receive" {
        row(
            f,
            "means",
            "a sender that verifies compares its dialled name with these names; where it differs, another certificate was meant",
        )?;
    }
    log.notes.iter().try_for_each(|note| row(f, "note", note))
}

fn tracking(f: &mut fmt::Formatter<'_>, found: &TrackingExcerpt) -> fmt::Result {
    let code = found.code.as_deref().unwrap_or("no code");
    let message = found.message.as_deref().map(|message| format!(", {message}")).unwrap_or_default();
    let host = found.fqdn.as_deref().map(|host| format!(" at {host}")).unwrap_or_default();
    writeln!(f, "Message tracking: delivery failed{host} with {code}{message}.")
}

fn dialogue(f: &mut fmt::Formatter<'_>, found: &Dialogue, merged: bool) -> fmt::Result {
    let host = found.host.as_deref().unwrap_or("The server");
    if found.middlebox {
        let masked = if found.masked_keyword.is_empty() {
            "its banner".to_owned()
        } else {
            found.masked_keyword.join(", ")
        };
        writeln!(f, "{host}: something on the way masks what the server says ({masked}).")?;
        let length = found.masked_keyword.iter().any(|word| word.len() == "STARTTLS".len());
        if length && !found.starttls {
            row(f, "inferred", "as many letters as STARTTLS: that is what stood there")?;
        }
    } else if found.starttls {
        writeln!(f, "{host} offers STARTTLS.")?;
    } else if found.inside_tls {
        writeln!(
            f,
            "{host}: this is the EHLO inside TLS (inferred: AUTH LOGIN is there, STARTTLS is not); nothing is wrong."
        )?;
    } else {
        writeln!(f, "{host} does not offer STARTTLS.")?;
    }
    row(f, "keywords", &found.keywords.join(", "))?;
    if let Some(reply) = &found.starttls_reply {
        row(f, "STARTTLS", reply)?;
    }
    let words = match (found.starttls, found.x_anonymoustls) {
        _ if found.inside_tls || found.middlebox || merged => return Ok(()),
        (false, true) => {
            "X-ANONYMOUSTLS is there: AuthMechanism holds ExchangeServer and the internal transport certificate is fine; no certificate fits the connector's FQDN or pin (look for event 12014), or Tls is not in AuthMechanism"
        }
        (false, false) => {
            "either no certificate fits (event 12014), or Tls is not in AuthMechanism (no event), or another connector answers for this address, or something strips it on the way"
        }
        (true, true) => {
            "both certificates are found: the one for everybody, and the internal transport certificate"
        }
        (true, false) => {
            "ExchangeServer is not in AuthMechanism, as on connectors for clients, or the internal transport certificate is missing (12012, 12013)"
        }
    };
    row(f, "means", words)?;
    if !found.starttls {
        row(
            f,
            "run",
            "Get-ReceiveConnector | fl Identity, Bindings, RemoteIPRanges, AuthMechanism, Fqdn, TlsCertificateName",
        )?;
    }
    Ok(())
}
