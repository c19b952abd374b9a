//! The fault catalogue as a page: `docs/faults.md`.

use std::fmt::Write;

use crate::scenario::{CatalogueEntry, ENTRIES, EntrySpec, Group, Scenario, ScenarioError};

const HEAD: &str = "\
# The fault catalogue

Every entry is a lab file: `starttls-lab show NAME` prints it, `serve NAME` plays it, `verify NAME` plays it against \
the built-in senders, and `judge` tries a mail client with it. What each class of senders comes to is what `verify` \
sees. The classes: `o1` goes on in clear at once where a handshake fails (Exim, OpenSMTPD), `may` on a later try \
(Postfix), `o3` never (sendmail); `o4` is a library that upgrades where it can and then verifies; `encrypt` demands \
TLS, `verify` TLS with a trusted certificate of the right name. Files may list more of them under their own names.

This page is made by `starttls-lab list --faults --markdown`, and a test compares it. What is out of reach here: \
[out-of-reach.md](out-of-reach.md).
";

/// The whole page.
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
    // A `String` takes whatever is written.
    let _ = write!(page, "\n## {about}\n");
}

fn entry(page: &mut String, entry: &CatalogueEntry, scenario: &Scenario) {
    let name = entry.story.name;
    let _ = write!(page, "\n### {name}\n\n{}.\n", marked(&scenario.title));
    let Some(EntrySpec { aliases, rfc, wire, host, .. }) = &scenario.entry else { return };
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
}

/// A text in which nothing is taken for a tag or a mark.
fn marked(text: &str) -> String {
    text.replace('<', "&lt;").replace('*', "\\*")
}
