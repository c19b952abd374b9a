//! The output of `serve` for people.

use std::fmt::Write as _;

use crate::journal::shown::printable_lines;
use crate::journal::{Entry, Record, event_block, write_session, write_transcript_lines};
use crate::lab::Listening;
use crate::observe::Observer;

/// Returns the text before the first entry: the connectors with their addresses, and what to do next. `word`
/// is the argument that named the lab, where `check` accepts it too, and `page` the page's address.
pub(super) fn introduction(
    title: &str,
    connectors: &[Listening],
    word: Option<&str>,
    page: Option<&str>,
    list: bool,
) -> String {
    let mut text = format!("\n{title}\n\n");
    for connector in connectors {
        text.push_str(&if list { listed(connector) } else { told(connector) });
    }
    if let Some(Listening { addr, .. }) = connectors.first() {
        // Writing to a String cannot fail. Windows has no swaks.
        let _ = if cfg!(windows) {
            let (from, to) = ("me@example.com", "somebody@example.com");
            writeln!(text, "\nTry   starttls-lab send --to {addr} --from {from} --rcpt {to}")
        } else {
            writeln!(text, "\nTry   swaks --server {addr} --tls-optional --to somebody@example.com")
        };
    }
    if let Some(word) = word {
        let _ = writeln!(text, "Why   starttls-lab check {word}");
    }
    if let Some(page) = page {
        let _ = writeln!(text, "Page  {page}");
    }
    text.push_str("Stop  Ctrl-C\n\n");
    text
}

/// Returns a connector with its addresses and its offer.
pub(super) fn told(connector: &Listening) -> String {
    let Listening { computer, name, fqdn, addrs, starttls, .. } = connector;
    let addresses: Vec<_> = addrs.iter().map(ToString::to_string).collect();
    let offer = if *starttls { "offers STARTTLS" } else { "does NOT offer STARTTLS" };
    format!("{}  {computer}\\{name}\n  says it is {fqdn}, {offer}\n", addresses.join(", "))
}

/// Returns a connector as `Format-List` would show it.
fn listed(connector: &Listening) -> String {
    let Listening { computer, name, fqdn, addrs, starttls, .. } = connector;
    let addresses: Vec<_> = addrs.iter().map(ToString::to_string).collect();
    let starttls = if *starttls { "True" } else { "False" };
    format!(
        "Identity  : {computer}\\{name}\nFqdn      : {fqdn}\nListening : {{{}}}\nStartTls  : {starttls}\n\n",
        addresses.join(", ")
    )
}

/// Adds an entry to `text` as it is printed for a terminal; a session that ends with it is summed up.
pub(super) fn print(entry: &Entry, observer: &Observer, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = match &entry.record {
        Record::Event(logged) => writeln!(text, "{}\n", event_block(entry.time, logged)),
        Record::Changed { what } => {
            writeln!(text, "-- changed, from the next connection on: {}", printable_lines(what))
        }
        Record::ChangeRefused { why } => writeln!(text, "-- NOT changed:\n{}", printable_lines(why)),
        _ if is_told_by_the_other_end(entry) => Ok(()),
        _ => {
            write_transcript_lines(entry, text);
            match observer.ended_with(entry) {
                Some(ended) => {
                    write_session(entry, text);
                    writeln!(text, "=> {ended}\n")
                }
                None => Ok(()),
            }
        }
    };
}

/// Returns whether the entry belongs to the sending side of a session between two computers of the lab. The
/// receiving side shows the same session, and once is enough for a person.
fn is_told_by_the_other_end(entry: &Entry) -> bool {
    let inside = entry.place.as_ref().is_some_and(|place| place.connector.sends() && place.peer.is_some());
    inside && matches!(entry.record, Record::Sent(_) | Record::Received(_) | Record::Content(_))
}
