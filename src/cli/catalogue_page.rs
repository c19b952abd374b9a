//! The fault catalogue as a page: `docs/faults.md`.

use std::fmt::Write;

use crate::observe::verdict::{ErrorText, Symptom};
use crate::scenario::{CatalogueEntry, ENTRIES, EntrySpec, Group, Scenario, ScenarioError};

const HEAD: &str = "\
# The fault catalogue

Every entry is a lab file: `starttls-lab show NAME` prints it, `serve NAME` runs it, `verify NAME` runs it against \
the built-in senders, and `judge` tries a mail client with it. What each class of senders comes to is what `verify` \
sees. The classes: `o1` goes on in clear at once where a handshake fails (Exim, OpenSMTPD), `may` on a later try \
(Postfix), `o3` never (sendmail); `o4` is a library that upgrades where it can and then verifies; `encrypt` demands \
TLS, `verify` TLS with a trusted certificate of the right name. Files may list more of them under their own names.

This page is made by `starttls-lab list --faults --markdown`, and a test compares it. What is out of reach here: \
[out-of-reach.md](out-of-reach.md).
";

const TEXTS_HEAD: &str = "
## Texts to search by

What programs and libraries print, by what they met. Names, addresses and thumbprints are left out, and `...` stands \
for what differs. *Observed*: run \
against a server with the fault, on loopback in November 2026. *Documented*: by its maker, or in its source. \
*Reported*: quoted in public by administrators. `starttls-lab explain` looks a text up in this table and says whose fault it is. A running lab finds the texts for what \
a client of its own met (`error_texts` in `GET /api/v1/verdicts`).
";

/// Returns the whole page.
pub(super) fn page() -> Result<String, ScenarioError> {
    let mut page = HEAD.to_owned();
    let mut group = None;
    for entry in ENTRIES {
        if group != Some(entry.group) {
            group = Some(entry.group);
            heading(&mut page, entry.group);
        }
        self::entry(&mut page, entry, &entry.read()?.scenario);
    }
    texts(&mut page);
    Ok(page)
}

fn heading(page: &mut String, group: Group) {
    let about = match group {
        Group::Names => "Names: which one is compared with which",
        Group::Trust => "Trust: validity, chain, key and signature of the certificate",
        Group::Starttls => "STARTTLS: the way from clear text to TLS",
        Group::Policy => "Policy: what is demanded of TLS",
        Group::Smtp => "SMTP itself",
    };
    // Writing to a `String` cannot fail.
    let _ = write!(page, "\n## {about}\n");
}

fn entry(page: &mut String, entry: &CatalogueEntry, scenario: &Scenario) {
    let name = entry.scenario.name;
    let _ = write!(page, "\n### {name}\n\n{}.\n", marked(&scenario.title));
    let Some(EntrySpec { aliases, rfc, wire, host, symptoms, differ, .. }) = &scenario.entry else { return };
    let _ = write!(page, "\n- On the wire: {}\n", marked(wire));
    let code = |words: &[String]| words.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    if !rfc.is_empty() {
        let _ = writeln!(page, "- See: {}", rfc.join(", "));
    }
    if let Some(host) = host {
        let _ = writeln!(page, "- The client knows the server as `{host}`");
    }
    if !aliases.is_empty() {
        let _ = writeln!(page, "- Also called: {}", code(aliases));
    }
    let endings = scenario.before.sender.iter().map(|(sender, ending)| format!("{sender} {ending}"));
    let endings: Vec<_> = endings.collect();
    if !endings.is_empty() {
        let _ = writeln!(page, "- Senders: {}", endings.join("; "));
    }
    if !differ.is_empty() {
        let _ = writeln!(page, "- Measured otherwise ([clients.md](clients.md)): {}", differ.join("; "));
    }
    let known = symptoms.iter().filter_map(|name| symptom(name));
    let links: Vec<_> = known.map(|it| format!("[{}](#{})", it.in_words(), it.as_str())).collect();
    if !links.is_empty() {
        let _ = writeln!(page, "- What senders print: {}", links.join("; "));
    }
}

/// Returns the symptom of this name.
fn symptom(name: &str) -> Option<Symptom> {
    Symptom::ALL.into_iter().find(|symptom| symptom.as_str() == name)
}

/// Writes the senders' messages, grouped by their cause.
fn texts(page: &mut String) {
    page.push_str(TEXTS_HEAD);
    for symptom in Symptom::ALL {
        let _ = write!(
            page,
            "\n<a id=\"{}\"></a>\n### {}\n\n| Who | Text | Known |\n| --- | --- | --- |\n",
            symptom.as_str(),
            symptom.in_words()
        );
        for ErrorText { client, text, known } in symptom.error_texts() {
            let _ = writeln!(page, "| {client} | `{}` | {} |", text.replace('|', "\\|"), known.as_str());
        }
    }
}

/// Escapes a text so that nothing in it is taken for a tag or for markup.
fn marked(text: &str) -> String {
    text.replace('<', "&lt;").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_entries_say_a_client_meets_is_in_the_table_and_every_wrong_certificate_says_so() {
        let mut named = BTreeSet::new();
        for entry in ENTRIES {
            let name = entry.scenario.name;
            let spec = entry.read().unwrap().scenario.entry.unwrap();
            for met in &spec.symptoms {
                named.insert(symptom(met).unwrap_or_else(|| panic!("{name}: no symptom is called {met}")));
            }
            let wrong = matches!(
                spec.tls,
                crate::scenario::ServerTrust::WrongName | crate::scenario::ServerTrust::Untrusted
            );
            assert!(!wrong || !spec.symptoms.is_empty(), "{name} does not say what a client meets");
        }
        for symptom in Symptom::ALL {
            // No entry emulates what is on the sender's own side, in DNS or in the server's own log, or a server without
            // RFC 5746, and none is about a text that says nothing or reports no fault.
            let without = matches!(
                symptom,
                Symptom::OwnCertificate
                    | Symptom::OwnService
                    | Symptom::OwnPin
                    | Symptom::OwnVersions
                    | Symptom::LegacyRenegotiation
                    | Symptom::DnsPolicy
                    | Symptom::ServerKey
                    | Symptom::Unverified
                    | Symptom::NotAttributed
                    | Symptom::TlsFailed
                    | Symptom::ConnectionLost
                    | Symptom::CertificateRefused
                    | Symptom::RefusedByClient
                    | Symptom::QueueMisleads
                    | Symptom::Permission
            );
            assert!(without || named.contains(&symptom), "no entry plays {symptom:?}");
        }
    }
}
