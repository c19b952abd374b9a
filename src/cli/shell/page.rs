//! The output of a Shell apart from that of the cmdlets.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use crate::cli::understands_colors;
use crate::lab::{ConnectorChange, ConnectorState};

/// The prompt of the Exchange Management Shell.
pub(super) const PROMPT: &str = "[PS] C:\\Windows\\system32>";

/// The prompt of a line that goes on.
pub(super) const CONTINUED: &str = ">> ";

/// The hint before the first prompt.
pub(super) const BEGINNING: &str = "\nhelp shows how to begin, Tab completes, exit leaves.\n\n";

/// True if standard output shows colors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colors(bool);

impl Colors {
    /// Returns colors for a terminal, unless `NO_COLOR` is set.
    pub(super) fn of_standard_output() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self(wanted && io::stdout().is_terminal() && understands_colors())
    }

    /// Returns an error in the color of the Shell, with an empty line behind it.
    pub(super) fn error(self, text: &str) -> String {
        format!("{}\n", self.painted(text, "91"))
    }

    /// Returns a screen with its warnings in the color of the Shell.
    pub(super) fn screen(self, screen: &str) -> String {
        let line = |line: &str| {
            if line.starts_with("WARNING: ") { self.painted(line, "93") } else { line.to_owned() }
        };
        screen.split_inclusive('\n').map(line).collect()
    }

    fn painted(self, text: &str, color: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        // The line end stays outside, so that the color does not run into the next line.
        let body = text.trim_end_matches('\n');
        format!("\u{1b}[{color}m{body}\u{1b}[0m{}", &text[body.len()..])
    }
}

/// Returns the effect of a change on each connector.
pub(super) fn changes(changes: &[ConnectorChange], colors: Colors) -> String {
    if changes.is_empty() {
        return "  No connector offers or presents anything else than before.\n\n".to_owned();
    }
    let mut text = String::new();
    for ConnectorChange { connector, purpose, before, after } in changes {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {} on {connector}", purpose.as_str());
        let was = before.as_ref().map_or_else(|| "no such connector".to_owned(), in_words);
        let _ = writeln!(text, "    before  {was}");
        let Some(after) = after else {
            let _ = writeln!(text, "    now     no such connector");
            continue;
        };
        let color = if after.offered { "92" } else { "91" };
        let _ = writeln!(text, "    now     {}", colors.painted(&in_words(after), color));
        if !after.senders.is_empty() {
            let _ = writeln!(text, "            {}", after.senders);
        }
    }
    text.push('\n');
    text
}

fn in_words(state: &ConnectorState) -> String {
    let events: Vec<String> = state.events.iter().map(|event| format!(", event {event}")).collect();
    format!("{}{}", state.words, events.concat())
}

/// Returns the help for a person who asks without naming a cmdlet.
pub(super) fn help() -> String {
    let lines = [
        ("Get-Command", "lists the cmdlets that a lab has"),
        ("Get-Help Set-ReceiveConnector", "lists the parameters of one of them"),
        ("Get-ReceiveConnector | fl Identity, Fqdn, TlsCertificateName, AuthMechanism", ""),
        ("Get-ExchangeCertificate | fl Thumbprint, CertificateDomains, Services, NotAfter", ""),
        ("Get-EventLog Application -Newest 5 | fl TimeGenerated, Message", ""),
        ("Set-ReceiveConnector ... -WhatIf", "tries a change and takes it back"),
        ("Connect-ExchangeServer NAME", "goes on in the Shell of another server of the lab"),
        ("Get-History, Clear-Host, exit", ""),
    ];
    let mut text = "\nWhat is typed here changes the lab and nothing else. Tab completes cmdlets, parameters, connectors\n\
        and certificates; after each change stands what it did to each connector.\n\n"
        .to_owned();
    for (command, about) in lines {
        let _ = writeln!(text, "{}", format!("  {command:<34} {about}").trim_end());
    }
    text.push('\n');
    text
}
