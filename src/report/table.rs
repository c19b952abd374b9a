//! The report for people.

use super::layout::{Page, columns};
use super::words::day;
use super::{CertificateReport, ConnectorReport, Starttls};
use crate::exchange::{Fix, Trial};
use crate::name::Coverage;

pub(super) fn render(report: &ConnectorReport) -> String {
    let mut page = Page::default();
    page.text(0, "", &format!("{}: {}", report.identity, report.verdict));
    page.text(2, "looked for ", &searched(report));
    page.text(2, "cause      ", &report.cause);
    if let Some(fix) = report.fixes.first() {
        page.text(2, "fix        ", &fix.title);
    }
    page.text(
        2,
        "listens on ",
        &format!("{} ({}, {})", report.bindings.join(", "), report.role, report.profile),
    );
    certificates(&mut page, &report.certificates, report.pinned);
    if !report.notes.is_empty() {
        page.section("Notes");
        report.notes.iter().for_each(|note| page.text(4, "", note));
    }
    page.section("Senders");
    for opinion in &report.senders {
        page.text(4, &format!("{}: ", opinion.case), &opinion.words);
    }
    fixes(&mut page, report);
    rules(&mut page, report);
    events(&mut page, report);
    ehlo(&mut page, report);
    page.finish()
}

fn searched(report: &ConnectorReport) -> String {
    if report.starttls == Starttls::Silent {
        return "nothing".to_owned();
    }
    if let Some((issuer, subject)) = report.search_key.get(3..).and_then(|pin| pin.split_once("<S>"))
        && report.pinned
    {
        let one =
            |certificate: &CertificateReport| format!("{} by {}", certificate.subject, certificate.issuer);
        let store: Vec<String> = report.certificates.iter().map(one).collect();
        return format!("{subject} by {issuer}; the store has: {}", or_nothing(&store, "; "));
    }
    format!("{}; the store has: {}", report.search_key, or_nothing(&report.names_in_store, ", "))
}

fn or_nothing(items: &[String], between: &str) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join(between) }
}

/// Writes the certificates of a store, each with the verdict on it.
pub(super) fn certificates(page: &mut Page, certificates: &[CertificateReport], pinned: bool) {
    page.section("Certificates");
    if certificates.is_empty() {
        page.text(4, "", "none in the store");
        return;
    }
    let heads = ["Certificate", "Name", "Fits", "Services", "Valid to"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<Vec<String>>> =
        certificates.iter().map(|certificate| name_rows(certificate, pinned)).collect();
    let all: Vec<Vec<String>> = [heads].into_iter().chain(rows.iter().flatten().cloned()).collect();
    let mut lines = columns(&all).into_iter();
    page.line(4, &lines.next().unwrap_or_default());
    for (certificate, rows) in certificates.iter().zip(&rows) {
        lines.by_ref().take(rows.len()).for_each(|line| page.line(4, &line));
        page.text(6, "", &certificate.words);
        let from =
            if certificate.self_signed { "self-signed".to_owned() } else { certificate.issuer.clone() };
        page.text(6, "", &format!("{}, from {from}", certificate.subject).replace(", from self", ", self"));
        page.line(6, &format!("thumbprint {}", certificate.thumbprints()));
    }
}

/// Writes one row for each name; what belongs to the whole certificate stands in the first row. A pin
/// searches for no name.
fn name_rows(certificate: &CertificateReport, pinned: bool) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = certificate
        .names
        .iter()
        .map(|name| {
            let fits = match name.covers {
                _ if pinned => "-",
                Some(Coverage::Exact) => "yes",
                Some(Coverage::Wildcard) => "by wildcard",
                None => "no",
            };
            let place = if name.in_san { "" } else { " (subject only)" };
            vec![String::new(), format!("{}{place}", name.name), fits.to_owned()]
        })
        .collect();
    if rows.is_empty() {
        rows.push(vec![String::new(), "(none)".to_owned(), "no".to_owned()]);
    }
    if let Some(first) = rows.first_mut() {
        first[0].clone_from(&certificate.label);
        first.push(certificate.services.clone());
        first.push(day(certificate.not_after));
    }
    rows
}

fn rules(page: &mut Page, report: &ConnectorReport) {
    if report.rules.is_empty() {
        return;
    }
    page.section("Rules that the sources contradict each other on, as settled here");
    for applied in &report.rules {
        let rule = &applied.rule;
        page.text(4, "", &format!("{} = {}, by {}", rule.rule, rule.answer, applied.settled_by));
        page.text(6, "", &format!("source: {}", rule.source));
    }
}

fn events(page: &mut Page, report: &ConnectorReport) {
    page.section("Events");
    if report.events.is_empty() {
        let none = report.silence.as_deref().map_or("none".to_owned(), |silence| format!("none: {silence}"));
        page.text(4, "", &none);
    }
    for event in &report.events {
        page.line(4, &format!("{} {:?}, {}", event.event_id, event.level, event.source));
        page.text(6, "", &event.message);
    }
    if let (Some(silence), false) = (&report.silence, report.events.is_empty()) {
        page.text(4, "", &format!("none about STARTTLS: {silence}"));
    }
}

fn ehlo(page: &mut Page, report: &ConnectorReport) {
    page.section("EHLO");
    report.ehlo.iter().for_each(|line| page.line(4, line));
    if !report.ehlo_inside_tls.is_empty() {
        page.section("EHLO after STARTTLS");
        report.ehlo_inside_tls.iter().for_each(|line| page.line(4, line));
    }
    page.section("Which keyword hangs on which certificate");
    let starttls = match report.starttls {
        Starttls::Offered | Starttls::OfferedInTrouble => "offered",
        Starttls::Withheld | Starttls::Silent => "NOT offered",
    };
    page.text(
        4,
        "STARTTLS        ",
        &format!("{starttls}; the certificate is found by name or by pin, for everybody"),
    );
    let anonymous = if report.anonymous_tls.offered { "offered" } else { "NOT offered" };
    page.text(
        4,
        "X-ANONYMOUSTLS  ",
        &format!(
            "{anonymous}: {}; found by thumbprint, for Exchange servers only",
            report.anonymous_tls.because
        ),
    );
}

fn fixes(page: &mut Page, report: &ConnectorReport) {
    for useless in &report.useless {
        page.section(&format!("Would change nothing: {}", useless.advice));
        useless.why.iter().for_each(|why| page.text(4, "", why));
    }
    // Problems that no fix removes are listed once, not with every fix.
    let in_all = |line: &&String| report.fixes.iter().all(|fix| fix.leaves.contains(line));
    let common: Vec<&String> = match report.fixes.as_slice() {
        [] | [_] => Vec::new(),
        [first, ..] => first.leaves.iter().filter(in_all).collect(),
    };
    for (at, fix) in report.fixes.iter().enumerate() {
        one_fix(page, at + 1, fix, &common);
    }
    for fix in &report.refused {
        refused(page, &fix.title, &fix.commands, &fix.trial);
    }
    if let Some(fix) = &report.without_tls {
        page.section(&format!("Where senders without STARTTLS have to get in: {}", fix.title));
        fix.commands.iter().for_each(|command| page.line(4, &format!("shell     {command}")));
        untried(page, &fix.trial);
        fix.clicks.iter().for_each(|line| page.text(4, "console   ", line));
        if let Trial::Refused(words) = &fix.trial {
            page.text(4, "refusal   ", words);
        }
    }
    if !common.is_empty() {
        page.section("Every fix leaves as they are");
        common.iter().for_each(|line| page.text(4, "", line));
    }
    if !report.fixes.is_empty() {
        page.section(
            "A change counts from the next session on: the certificate is looked up when a session starts. Should it not, restart MSExchangeTransport (and MSExchangeFrontEndTransport), as many administrators do.",
        );
    }
}

fn one_fix(page: &mut Page, number: usize, fix: &Fix, common: &[&String]) {
    page.section(&format!("Fix {number}: {}", fix.title));
    // Commands are meant to be copied, so they are not broken.
    for (at, command) in fix.commands.iter().enumerate() {
        page.line(4, &format!("{}{command}", if at == 0 { "shell     " } else { NOTHING }));
    }
    untried(page, &fix.trial);
    let leaves: Vec<String> = fix.leaves.iter().filter(|line| !common.contains(line)).cloned().collect();
    let prose = [("console   ", &fix.clicks), ("changes   ", &fix.changes), ("leaves    ", &leaves)];
    for (head, lines) in prose {
        for (at, line) in lines.iter().enumerate() {
            page.text(4, if at == 0 { head } else { NOTHING }, line);
        }
    }
}

/// Reports that commands could not be tried, and why.
pub(super) fn untried(page: &mut Page, trial: &Trial) {
    if let Trial::Untried(why) = trial {
        page.text(4, "untried   ", why);
    }
}

/// Writes the commands that would help but that the Shell refuses, with the refusal.
pub(super) fn refused(page: &mut Page, title: &str, commands: &[String], trial: &Trial) {
    page.section(&format!("The Shell refuses: {title}"));
    for (at, command) in commands.iter().enumerate() {
        page.line(4, &format!("{}{command}", if at == 0 { "shell     " } else { NOTHING }));
    }
    if let Trial::Refused(words) = trial {
        page.text(4, "refusal   ", words);
    }
}

/// Spaces as wide as the heads before the parts of a fix.
const NOTHING: &str = "          ";
