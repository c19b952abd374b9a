//! A probe's results for people: the verdict first, a table where there are several members, then the
//! details.

use super::text::safe;
use super::{Probed, Reading};
use crate::probe::{
    Difference, Handshake, Heard, NameMatch, Offer, Presented, SenderOutcome, Severity, facets,
};
use crate::report::layout::{Page, columns};

/// The width of the heads of a member's lines.
const HEAD: usize = 14;

/// Returns the whole page. `verbose` shows each of several members in full.
pub(super) fn page(probed: &Probed<'_>, verbose: bool) -> String {
    let mut page = Page::default();
    for host in probed.run.hosts.iter().filter(|host| host.unresolved.is_some()) {
        let why = host.unresolved.as_deref().unwrap_or_default();
        page.text(0, "", &safe(&format!("{}: no address ({why})", host.target)));
    }
    let several = probed.readings.len() > 1;
    for reading in &probed.readings {
        verdict(&mut page, reading);
    }
    if !probed.on_the_way.is_empty() {
        on_the_way(&mut page, probed);
        return page.finish();
    }
    if let Some(compared) = &probed.compared {
        page.section(&format!("{} and {}", compared.server, compared.lab));
        difference_rows(&mut page, &compared.differences, ["", "server", "lab"]);
    }
    if several {
        table(&mut page, probed);
        drift(&mut page, probed);
    }
    if !several || verbose {
        probed.readings.iter().for_each(|reading| member(&mut page, reading, several));
    }
    page.finish()
}

fn verdict(page: &mut Page, reading: &Reading<'_>) {
    let called = reading.host.called(reading.member);
    let sentence = reading.findings.first().map(|it| it.sentence.as_str()).unwrap_or_default();
    page.text(0, "", &safe(&format!("{called}: {sentence}.")));
}

/// Writes a table with one row for each member.
fn table(page: &mut Page, probed: &Probed<'_>) {
    let mut rows = vec![
        ["server", "STARTTLS", "TLS", "certificate", "valid to", "name", "verified senders"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for reading in &probed.readings {
        let visit = &reading.member.visit;
        let leaf = visit.handshake.as_ref().and_then(|it| it.chain().first());
        let offered = match (&reading.member.unreachable, reading.host.implicit_tls) {
            (Some(_), _) => "-",
            (None, true) => "implicit",
            (None, false) if visit.offers_starttls() => "yes",
            (None, false) => "NO",
        };
        let version = match &visit.handshake {
            Some(Handshake::Established(it)) => it.version.as_str(),
            Some(_) => "fails",
            None => "-",
        };
        let named = match (leaf, reading.names.iter().any(|it| it.by.is_some())) {
            (None, _) => "-",
            (Some(_), true) => "yes",
            (Some(_), false) => "NO",
        };
        let verified = reading.senders.iter().find(|it| it.sender == "mandatory-verified");
        rows.push(vec![
            reading.host.called(reading.member),
            offered.to_owned(),
            version.to_owned(),
            leaf.map_or("-".to_owned(), called),
            leaf.map_or("-".to_owned(), |leaf| day(&leaf.0.not_after().to_string())),
            named.to_owned(),
            verified.map_or("-".to_owned(), |it| it.ending.to_string()),
        ]);
    }
    page.line(0, "");
    columns(&rows).iter().for_each(|line| page.line(2, &safe(line)));
}

fn drift(page: &mut Page, probed: &Probed<'_>) {
    if probed.drift.is_empty() {
        page.section("All of them show the same.");
        return;
    }
    page.section("They are not alike");
    for drift in &probed.drift {
        page.text(4, "", &safe(&drift.sentence));
    }
}

fn on_the_way(page: &mut Page, probed: &Probed<'_>) {
    for middlebox in &probed.on_the_way {
        page.section(&safe(&format!(
            "Inside {}, outside {} (inferred)",
            middlebox.inside, middlebox.outside
        )));
        middlebox.conclusions.iter().for_each(|it| page.text(4, "- ", &safe(it)));
        if !middlebox.differences.is_empty() {
            page.line(0, "");
            difference_rows(page, &middlebox.differences, ["", "inside", "outside"]);
        }
    }
}

fn difference_rows(page: &mut Page, differences: &[Difference], heads: [&str; 3]) {
    if differences.is_empty() {
        page.text(4, "", "No difference in anything that can be compared.");
        return;
    }
    // A value may be a long list. Its lines are broken, so there are no columns.
    for difference in differences {
        page.line(4, &safe(&difference.about));
        let [_, one, other] = heads;
        let width = one.len().max(other.len());
        for (head, value) in [(one, &difference.one), (other, &difference.other)] {
            let value = value.as_deref().unwrap_or("(nothing)");
            page.text(6, &format!("{head:width$}  "), &safe(value));
        }
    }
}

/// Writes everything about one member.
fn member(page: &mut Page, reading: &Reading<'_>, several: bool) {
    if several {
        page.section(&safe(&reading.host.called(reading.member)));
    }
    for finding in reading.findings.iter().skip(1) {
        let mark = match finding.severity {
            Severity::Good | Severity::Note => "note: ",
            Severity::Problem => "problem: ",
        };
        page.text(2, mark, &safe(&finding.sentence));
    }
    if reading.member.unreachable.is_some() {
        return;
    }
    page.line(0, "");
    let visit = &reading.member.visit;
    replies(page, "Banner", visit.banner.as_ref());
    replies(page, "EHLO", visit.ehlo.as_ref());
    replies(page, "HELO", visit.helo.as_ref());
    replies(page, "STARTTLS", visit.starttls.as_ref());
    versions(page, reading);
    replies(page, "EHLO in TLS", visit.ehlo_inside.as_ref());
    replies(page, "HELO in TLS", visit.helo_inside.as_ref());
    if let Some(handshake) = &visit.handshake {
        certificates(page, handshake.chain());
        trust(page, handshake);
    }
    names(page, &reading.names, &reading.host.name);
    senders(page, &reading.senders);
}

fn line(page: &mut Page, head: &str, text: &str) {
    page.text(2, &format!("{head:HEAD$}"), &safe(text));
}

fn replies(page: &mut Page, head: &str, heard: Option<&Heard>) {
    match heard {
        None => {}
        Some(Heard::Reply(lines)) if lines.len() > 1 => {
            // Capabilities are mostly one word each, so name and words stand on one line each.
            let first = lines.first().map(String::as_str).unwrap_or_default();
            line(page, head, first);
            let rest: Vec<&str> = lines.iter().skip(1).map(|it| it.get(4..).unwrap_or(it)).collect();
            line(page, "", &rest.join(", "));
        }
        Some(Heard::Reply(lines)) => line(page, head, lines.first().map(String::as_str).unwrap_or_default()),
        Some(other) => line(page, head, &format!("the server {}", other.in_words())),
    }
}

fn versions(page: &mut Page, reading: &Reading<'_>) {
    let mut head = "TLS";
    let found = facets(reading.member);
    let about = [
        "handshake",
        "TLSv1.3",
        "TLSv1.2",
        "TLSv1.2 with outdated suites",
        "TLSv1.1",
        "TLSv1.0",
        "without SNI",
    ];
    for about in about {
        let Some(facet) = found.iter().find(|facet| facet.about == about) else { continue };
        let value = match (&reading.member.visit.handshake, about) {
            (Some(Handshake::Established(it)), "handshake") => {
                let group = it.key_exchange.as_deref().map(|group| format!(", {group}")).unwrap_or_default();
                format!("{}, {}{group}", it.version.as_str(), it.cipher_suite)
            }
            (_, "handshake") => format!("the server {}", facet.value),
            _ => format!("{about}: {}", facet.value),
        };
        line(page, head, &value);
        head = "";
    }
    if let Some(result) = reading.member.trial(Offer::Unlisted) {
        let taken = if result.is_taken() {
            "is said all the same, and works"
        } else {
            "was said all the same, and does not work"
        };
        line(page, "", &format!("STARTTLS {taken}"));
    }
}

fn certificates(page: &mut Page, chain: &[Presented]) {
    for (at, presented) in chain.iter().enumerate() {
        let certificate = &presented.0;
        let head = if at == 0 { "Certificate" } else { "" };
        line(page, head, &called(presented));
        let addresses = certificate.ip_addresses().iter().map(ToString::to_string);
        let names: Vec<String> = certificate.dns_names().iter().cloned().chain(addresses).collect();
        if at == 0 {
            line(
                page,
                "",
                &format!("names {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") }),
            );
        }
        let (from, to) = (certificate.not_before().to_string(), certificate.not_after().to_string());
        let issuer = if certificate.is_self_signed() { "itself" } else { certificate.issuer() };
        line(
            page,
            "",
            &format!(
                "valid {} to {}, {}, issued by {issuer}",
                day(&from),
                day(&to),
                certificate.public_key()
            ),
        );
        if at == 0 {
            line(page, "", &format!("thumbprint {}", certificate.thumbprint()));
        }
    }
}

fn trust(page: &mut Page, handshake: &Handshake) {
    if let Handshake::Established(established) = handshake {
        let words = match &established.chain_problem {
            None => "leads to a trusted root".to_owned(),
            Some(problem) => format!("the certificate {}", problem.in_words()),
        };
        line(page, "Chain", &words);
    }
}

fn names(page: &mut Page, names: &[NameMatch], host: &str) {
    let mut head = "Name";
    for found in names {
        let words = match &found.by {
            Some(by) if by.eq_ignore_ascii_case(host) => {
                format!("{host} is found by {}", found.rule.as_words())
            }
            Some(by) => format!("{host} is found by {}, as {by}", found.rule.as_words()),
            None => format!("{host} is NOT found by {}", found.rule.as_words()),
        };
        line(page, head, &words);
        head = "";
    }
}

/// Writes a line for each class of sender, with a sentence where its mail does not go over TLS.
fn senders(page: &mut Page, senders: &[SenderOutcome]) {
    page.line(0, "");
    line(page, "Senders", "what each class would come to; that the server takes the message was not tried");
    let rows: Vec<Vec<String>> =
        senders.iter().map(|it| vec![it.sender.to_owned(), it.ending.to_string()]).collect();
    columns(&rows).iter().for_each(|row| page.line(2 + HEAD, row));
}

fn called(presented: &Presented) -> String {
    let certificate = &presented.0;
    match certificate.subject() {
        "" => certificate.dns_names().first().cloned().unwrap_or_else(|| "(without a subject)".to_owned()),
        subject => subject.to_owned(),
    }
}

/// Returns the date of a written-out instant.
fn day(instant: &str) -> String {
    instant.chars().take(10).collect()
}
