//! The report as PowerShell's `Format-List` shows objects.

use super::layout::{WIDTH, wrap};
use super::{CertificateReport, ConnectorReport, EventReport, SendConnectorReport};
use crate::exchange::Trial;

pub(super) fn render(report: &ConnectorReport) -> String {
    laid_out(&properties(report))
}

/// Returns a Send connector in the layout of `Format-List`.
pub(super) fn render_send(report: &SendConnectorReport) -> String {
    let text = |text: &str| Value::Text(text.to_owned());
    let certificates = report.certificates.iter().map(|certificate| {
        format!("{} ({}): {}", certificate.label, certificate.thumbprints(), certificate.words)
    });
    let mut properties: Vec<(String, Value)> = [
        ("Identity", text(&report.identity)),
        ("Verdict", text(&report.verdict)),
        ("Cause", text(&report.cause)),
        ("Enabled", text(if report.enabled { "True" } else { "False" })),
        ("EffectiveFqdn", text(&report.fqdn)),
        ("Sends", text(&report.way)),
        ("Demands", text(&report.demands)),
        ("EditedOn", text(&report.edited_on)),
        ("SearchKey", text(&report.search_key)),
        ("SearchKeyOrigin", text(report.search_key_origin)),
        ("NamesInStore", braced(report.names_in_store.iter().cloned())),
        ("Certificates", braced(certificates)),
        ("Events", braced(report.events.iter().map(of_event))),
        ("Notes", braced(report.notes.iter().cloned())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for (at, fix) in report.fixes.iter().enumerate() {
        let number = at + 1;
        properties.push((format!("Fix{number}"), text(&format!("{} (on {})", fix.title, fix.on))));
        if let Some(warning) = &fix.warning {
            properties.push((format!("Fix{number}Warning"), text(warning)));
        }
        properties.push((format!("Fix{number}Commands"), Value::Lines(fix.commands.clone())));
    }
    laid_out(&properties)
}

fn of_event(event: &EventReport) -> String {
    format!("{} {:?}: {}", event.event_id, event.level, event.message)
}

fn laid_out(properties: &[(String, Value)]) -> String {
    let width = properties.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in properties {
        let mut head = format!("{name:width$} : ");
        let hanging = " ".repeat(head.len());
        let lines = match value {
            Value::Text(value) => wrap(value, WIDTH.saturating_sub(head.len())),
            Value::Lines(lines) => lines.clone(),
        };
        if lines.is_empty() {
            text.push_str(head.trim_end());
            text.push('\n');
        }
        for line in lines {
            text.push_str(&head);
            text.push_str(&line);
            text.push('\n');
            head.clone_from(&hanging);
        }
    }
    text
}

enum Value {
    /// A value that is broken where it is too long.
    Text(String),
    /// A value that is kept unbroken: commands, and what is sent on the network.
    Lines(Vec<String>),
}

fn properties(report: &ConnectorReport) -> Vec<(String, Value)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let chosen: Vec<String> = report
        .certificates
        .iter()
        .filter(|certificate| certificate.verdict == crate::exchange::Verdict::Chosen)
        .map(CertificateReport::thumbprints)
        .collect();
    let certificates = report.certificates.iter().map(|certificate| {
        format!("{} ({}): {}", certificate.label, certificate.thumbprints(), certificate.words)
    });
    let rules = report.rules.iter().map(|applied| {
        let rule = &applied.rule;
        format!("{} = {} ({}; {})", rule.rule, rule.answer, applied.settled_by, rule.source)
    });
    let events = report.events.iter().map(of_event);
    let senders = report.senders.iter().map(|opinion| format!("{}: {}", opinion.case, opinion.words));
    let useless = report.useless.iter().map(|useless| useless.advice.clone());
    let mut properties = vec![
        ("Identity", text(&report.identity)),
        ("Verdict", text(&report.verdict)),
        ("Cause", text(&report.cause)),
        ("Enabled", text(if report.enabled { "True" } else { "False" })),
        ("Bindings", braced(report.bindings.iter().cloned())),
        ("Role", text(report.role.as_str())),
        ("Profile", text(report.profile.as_str())),
        ("SearchKey", text(&report.search_key)),
        ("SearchKeyOrigin", text(report.search_key_origin)),
        ("NamesInStore", braced(report.names_in_store.iter().cloned())),
        ("Certificate", Value::Lines(chosen)),
        ("Certificates", braced(certificates)),
        ("RulesApplied", braced(rules)),
        ("Events", braced(events)),
        ("EhloReply", Value::Lines(report.ehlo.clone())),
        ("EhloReplyInsideTls", Value::Lines(report.ehlo_inside_tls.clone())),
        ("XAnonymousTls", text(if report.anonymous_tls.offered { "True" } else { "False" })),
        ("XAnonymousTlsBecause", text(&report.anonymous_tls.because)),
        ("Senders", braced(senders)),
        ("Notes", braced(report.notes.iter().cloned())),
        ("UselessAdvice", braced(useless)),
    ];
    if let Some(silence) = &report.silence {
        properties.insert(14, ("Silence", text(silence)));
    }
    let mut properties: Vec<(String, Value)> =
        properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (at, fix) in report.fixes.iter().enumerate() {
        let number = at + 1;
        properties.push((format!("Fix{number}"), text(&fix.title)));
        if let Trial::Untried(why) = &fix.trial {
            properties.push((format!("Fix{number}Untried"), text(why)));
        }
        properties.push((format!("Fix{number}Commands"), Value::Lines(fix.commands.clone())));
    }
    for (at, fix) in report.refused.iter().enumerate() {
        let number = at + 1;
        properties.push((format!("Refused{number}"), text(&fix.title)));
        properties.push((format!("Refused{number}Commands"), Value::Lines(fix.commands.clone())));
        if let Some(refused) = &fix.refused {
            properties.push((format!("Refused{number}Refusal"), text(refused)));
        }
    }
    if let Some(fix) = &report.without_tls {
        properties.push(("WithoutTls".to_owned(), text(&fix.title)));
        properties.push(("WithoutTlsCommands".to_owned(), Value::Lines(fix.commands.clone())));
    }
    properties
}

/// Returns several values as `Format-List` writes them.
fn braced(values: impl Iterator<Item = String>) -> Value {
    Value::Text(format!("{{{}}}", values.collect::<Vec<_>>().join(", ")))
}
