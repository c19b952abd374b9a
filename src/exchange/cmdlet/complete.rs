//! Completion of what is typed at a prompt: cmdlets, parameters, and the names of what there is.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::known::{CmdletHelp, ParameterHelp, cmdlets};
use super::reach;
use super::scan::{Frame, Scan, Word};
use super::state::ShellState;
use super::word::{is_dash, is_single_quote};
use crate::exchange::{AuthMechanism, Computer, PermissionGroups, Profile, Services};

/// The objects that a Shell on one of the computers can name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nameable {
    /// The version of Exchange, which decides about cmdlets and parameters.
    pub profile: Option<Profile>,
    /// The names of the servers, the one of the Shell first.
    pub servers: Vec<String>,
    /// The identities of the Receive connectors, such as `EX01\Default EX01`.
    pub receive_connectors: Vec<String>,
    /// The names of the Send connectors.
    pub send_connectors: Vec<String>,
    /// The certificates in the stores.
    pub certificates: Vec<NameableCertificate>,
    /// The variables that have been set, without their `$`.
    pub variables: Vec<String>,
}

/// A certificate that can be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameableCertificate {
    /// The computer in whose store it is.
    pub computer: String,
    /// The thumbprint.
    pub thumbprint: String,
    /// The name of the certificate in the lab.
    pub label: String,
    /// The subject.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// The host names that it carries.
    pub names: Vec<String>,
    /// The services that it is enabled for.
    pub services: String,
    /// True if the thumbprint is that of a real certificate, which this one stands for.
    pub declared: bool,
}

/// The possible completions of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Completion {
    /// The position, in bytes, of what is replaced; it reaches to the cursor.
    pub start: usize,
    /// The suggestions, in the order in which they are shown.
    pub suggestions: Vec<Suggestion>,
}

/// One way to complete an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Suggestion {
    /// The text that is put in.
    pub text: String,
    /// A description, where the text alone does not tell; else empty.
    pub about: String,
}

impl Nameable {
    /// Returns what a Shell on the computer `here` can name.
    pub fn of(computers: &[Arc<Computer>], here: &str, state: &ShellState) -> Self {
        let Some(own) = computers.iter().find(|it| it.name.eq_ignore_ascii_case(here)) else {
            return Self::default();
        };
        let others = computers.iter().filter(|it| it.name != own.name && reach::is_reached(own, it));
        let mut known = Self {
            profile: Some(own.profile),
            variables: state.variables().map(str::to_owned).collect(),
            ..Self::default()
        };
        for computer in std::iter::once(own).chain(others) {
            let name = &computer.name;
            known.servers.push(name.clone());
            let identities = computer.receive_connectors.iter().map(|it| format!("{name}\\{}", it.name));
            known.receive_connectors.extend(identities);
            known.send_connectors.extend(computer.send_connectors.iter().map(|it| it.name.clone()));
            known.certificates.extend(computer.store.iter().map(|stored| NameableCertificate {
                computer: name.clone(),
                thumbprint: stored.facts.thumbprint.to_string(),
                label: stored.label.clone(),
                subject: stored.facts.subject.clone(),
                issuer: stored.facts.issuer.clone(),
                names: stored.facts.names().into_iter().map(str::to_owned).collect(),
                services: stored.services.to_string(),
                declared: stored.handshake_thumbprint().is_some(),
            }));
        }
        known
    }
}

/// Completes `input` at `cursor`, a position in bytes.
pub fn complete(input: &str, cursor: usize, known: &Nameable) -> Completion {
    let cursor = (0..=cursor.min(input.len())).rev().find(|at| input.is_char_boundary(*at)).unwrap_or(0);
    let frame = Scan::of(&input[..cursor]).innermost();
    let word = frame.current.clone().unwrap_or(Word { start: cursor, ..Word::default() });
    let all = cmdlets(known.profile.unwrap_or(Profile::Exchange2019));
    let suggestions = if let (None, Some(begun)) = (word.quote, word.text.strip_prefix('$')) {
        variables(begun, known)
    } else if frame.words.is_empty() && word.quote.is_none() {
        cmdlet_names(&word.text, &all)
    } else {
        let cmdlet = frame.words.first().and_then(|first| called(&first.text, &all));
        cmdlet.map(|cmdlet| argument(&frame, &word, cmdlet, &all, known)).unwrap_or_default()
    };
    Completion { start: word.start, suggestions }
}

fn plain(text: impl Into<String>) -> Suggestion {
    Suggestion { text: text.into(), about: String::new() }
}

fn begins(text: &str, typed: &str) -> bool {
    text.get(..typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed))
}

fn contains(text: &str, typed: &str) -> bool {
    text.to_lowercase().contains(&typed.to_lowercase())
}

fn variables(begun: &str, known: &Nameable) -> Vec<Suggestion> {
    let set = known.variables.iter().map(String::as_str);
    let all = set.chain(["true", "false", "null"]).filter(|name| begins(name, begun));
    all.map(|name| plain(format!("${name}"))).collect()
}

fn cmdlet_names(typed: &str, all: &[CmdletHelp]) -> Vec<Suggestion> {
    let found = all.iter().filter(|cmdlet| begins(cmdlet.name, typed));
    found
        .map(|cmdlet| Suggestion { text: cmdlet.name.to_owned(), about: cmdlet.synopsis.to_owned() })
        .collect()
}

fn called<'a>(name: &str, all: &'a [CmdletHelp]) -> Option<&'a CmdletHelp> {
    let names = |cmdlet: &CmdletHelp| {
        std::iter::once(&cmdlet.name).chain(cmdlet.aliases).any(|known| known.eq_ignore_ascii_case(name))
    };
    all.iter().find(|cmdlet| names(cmdlet))
}

/// The parameter that `typed`, without its hyphen, begins.
fn parameter<'a>(typed: &str, cmdlet: &'a CmdletHelp) -> Option<&'a ParameterHelp> {
    let exact = cmdlet.parameters.iter().find(|it| it.name.eq_ignore_ascii_case(typed));
    exact.or_else(|| cmdlet.parameters.iter().find(|it| begins(it.name, typed)))
}

fn switch_of(word: &Word) -> Option<&str> {
    word.text.strip_prefix(is_dash).filter(|_| word.quote.is_none() && !word.listed)
}

/// Suggestions for an argument of a cmdlet: a parameter's name, or the value of one.
fn argument(
    frame: &Frame,
    word: &Word,
    cmdlet: &CmdletHelp,
    all: &[CmdletHelp],
    known: &Nameable,
) -> Vec<Suggestion> {
    let positional = |at: i32| cmdlet.parameters.iter().find(|it| it.position.map(i32::from) == Some(at));
    let (mut given, mut position) = (Vec::new(), 0);
    // The parameter whose value is next, and the one that the last value belongs to.
    let (mut waits, mut last) = (None, None);
    for before in frame.words.iter().skip(1) {
        if let Some(name) = switch_of(before) {
            let found = parameter(name, cmdlet);
            given.extend(found.map(|it| it.name));
            (waits, last) = (found.filter(|it| it.takes_value), None);
        } else if !before.listed {
            last = waits.take();
            if last.is_none() {
                last = positional(position);
                position += 1;
            }
        }
    }
    if let Some(begun) = switch_of(word) {
        let open = cmdlet.parameters.iter().filter(|it| !given.contains(&it.name) && begins(it.name, begun));
        return open.map(|it| Suggestion { text: format!("-{}", it.name), about: idle(it) }).collect();
    }
    let of = if word.listed || frame.comma { last } else { waits.or_else(|| positional(position)) };
    let Some(of) = of else { return Vec::new() };
    let mut values = values(cmdlet.name, of.name, &word.text, all, known);
    values.iter_mut().for_each(|value| value.text = quoted(&value.text, word.quote));
    values
}

fn idle(parameter: &ParameterHelp) -> String {
    if parameter.matters { String::new() } else { "makes no difference in a lab".to_owned() }
}

/// The values that a parameter can have here, as far as they begin like `typed`.
fn values(
    cmdlet: &str,
    parameter: &str,
    typed: &str,
    all: &[CmdletHelp],
    known: &Nameable,
) -> Vec<Suggestion> {
    let some = |names: &mut dyn Iterator<Item = &str>| -> Vec<Suggestion> {
        names.filter(|name| begins(name, typed)).map(plain).collect()
    };
    let noun = cmdlet.split_once('-').map_or(cmdlet, |(_, noun)| noun);
    match (noun, parameter) {
        ("Help" | "Command", "Name") => cmdlet_names(typed, all),
        ("ReceiveConnector", "Identity") => {
            // The name alone finds it as well, as it does for the cmdlet.
            let fits = |it: &&String| {
                begins(it, typed) || it.split_once('\\').is_some_and(|(_, it)| begins(it, typed))
            };
            known.receive_connectors.iter().filter(fits).map(plain).collect()
        }
        ("SendConnector", "Identity") => some(&mut known.send_connectors.iter().map(String::as_str)),
        ("ExchangeCertificate", "Identity") => {
            certificates(known.certificates.iter(), typed, |it| format!("{}\\{}", it.computer, it.thumbprint))
        }
        (_, "Thumbprint" | "InternalTransportCertificateThumbprint") => {
            let here = known.certificates.iter().filter(|it| Some(&it.computer) == known.servers.first());
            certificates(here, typed, |it| it.thumbprint.clone())
        }
        (_, "TlsCertificateName") => {
            certificates(known.certificates.iter(), typed, |it| format!("<I>{}<S>{}", it.issuer, it.subject))
        }
        (_, "Fqdn" | "DomainName") => {
            let mut names: Vec<&str> =
                known.certificates.iter().flat_map(|it| &it.names).map(String::as_str).collect();
            let mut seen = std::collections::HashSet::new();
            names.retain(|name| seen.insert(*name) && (parameter != "Fqdn" || !name.contains('*')));
            some(&mut names.into_iter())
        }
        ("TransportService" | "TransportServer" | "MailboxServer" | "ExchangeServer", "Identity")
        | (_, "Server" | "ComputerName" | "SourceTransportServers" | "TargetServer") => {
            some(&mut known.servers.iter().map(String::as_str))
        }
        (_, "Services") => some(&mut Services::NAMES.iter().map(|(_, name)| *name)),
        (_, "AuthMechanism") => some(&mut AuthMechanism::NAMES.iter().map(|(_, name)| *name)),
        (_, "PermissionGroups") => some(&mut PermissionGroups::NAMES.iter().map(|(_, name)| *name)),
        (_, "ProtocolLoggingLevel") => some(&mut ["None", "Verbose"].into_iter()),
        (_, "TlsAuthLevel") => {
            some(&mut ["EncryptionOnly", "CertificateValidation", "DomainValidation"].into_iter())
        }
        ("EventLog" | "WinEvent", "LogName") => some(&mut ["Application"].into_iter()),
        (_, name) if is_truth(name) => some(&mut ["$true", "$false"].into_iter()),
        _ => Vec::new(),
    }
}

/// Returns whether the parameters of this name are true or false.
fn is_truth(name: &str) -> bool {
    name.ends_with("Enabled")
        || ["Require", "Suppress", "Enable", "Ignore", "Force"].iter().any(|it| name.starts_with(it))
}

/// Certificates by what `text` makes of them; a word of the label, the subject or a name finds them, too.
fn certificates<'a>(
    all: impl Iterator<Item = &'a NameableCertificate>,
    typed: &str,
    text: impl Fn(&NameableCertificate) -> String,
) -> Vec<Suggestion> {
    let found = all.filter_map(|it| {
        let text = text(it);
        let fits = begins(&text, typed)
            || [&it.label, &it.subject].into_iter().chain(&it.names).any(|word| contains(word, typed));
        let label = if it.subject.strip_prefix("CN=") == Some(&it.label) {
            String::new()
        } else {
            format!(" ({})", it.label)
        };
        fits.then(|| Suggestion { about: format!("{}{label}, {}", it.subject, it.services), text })
    });
    found.collect()
}

/// Returns `value` as an argument, in the quotes that were begun, or else in those that it needs.
fn quoted(value: &str, begun: Option<char>) -> String {
    let bare = |c: char| c.is_alphanumeric() || ".-_\\:/$".contains(c);
    match begun {
        None if value.chars().all(bare) => value.to_owned(),
        Some(quote) if is_single_quote(quote) => format!("'{}'", value.replace('\'', "''")),
        None if value.contains(['$', '`', '"']) => format!("'{}'", value.replace('\'', "''")),
        Some(_) | None => {
            let escaped = value.replace('`', "``").replace('$', "`$").replace('"', "`\"");
            format!("\"{escaped}\"")
        }
    }
}

#[cfg(test)]
mod tests;
