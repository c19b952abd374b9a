//! Host names, and which certificate name covers which host name.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A host name as a connector, a computer or a domain carries it.
///
/// Kept as it was written and compared without regard to case (RFC 4343). Names outside ASCII are
/// kept in their A-label form (RFC 5890). A single label is allowed, because Exchange accepts the
/// NetBIOS name of the server as a connector's FQDN.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fqdn(Box<str>);

/// Why a text is not a host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not an FQDN: {problem}")]
pub struct NotAnFqdn {
    name: String,
    problem: &'static str,
}

impl Fqdn {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first label, `mailgate` of `mailgate.expta.com`.
    pub fn host_label(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl FromStr for Fqdn {
    type Err = NotAnFqdn;

    fn from_str(text: &str) -> Result<Self, NotAnFqdn> {
        let wrong = |problem| NotAnFqdn { name: text.escape_debug().to_string(), problem };
        let ascii = if text.is_ascii() {
            text.to_owned()
        } else {
            idna::domain_to_ascii(text).map_err(|_| wrong("it has no form that DNS can carry (RFC 5890)"))?
        };
        match problem_of(&ascii) {
            Some(problem) => Err(wrong(problem)),
            None => Ok(Self(ascii.into_boxed_str())),
        }
    }
}

fn problem_of(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Some("it is an IP address; a connector is known by a host name such as mail.example.com");
    }
    if name.ends_with('.') {
        return Some("leave the dot at the end away");
    }
    if name.contains('*') {
        return Some("a wildcard belongs in a certificate; a connector has one name of its own");
    }
    if name.len() > 255 {
        return Some("it is longer than 255 characters (RFC 1035 section 2.3.4)");
    }
    name.split('.').find_map(problem_of_label)
}

fn problem_of_label(label: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if label.is_empty() {
        Some("two dots follow each other, or it starts with a dot")
    } else if label.len() > 63 {
        Some("one of its labels is longer than 63 characters (RFC 1035 section 2.3.4)")
    } else if !label.chars().all(allowed) {
        Some("only letters, digits, hyphens and dots can stand in it")
    } else if label.starts_with('-') || label.ends_with('-') {
        Some("a label can neither start nor end with a hyphen (RFC 1123 section 2.1)")
    } else {
        None
    }
}

impl fmt::Display for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Fqdn {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Fqdn {}

impl PartialOrd for Fqdn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fqdn {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |name: &Self| name.0.to_ascii_lowercase();
        lower(self).cmp(&lower(other))
    }
}

impl PartialEq<str> for Fqdn {
    fn eq(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl TryFrom<String> for Fqdn {
    type Error = NotAnFqdn;

    fn try_from(text: String) -> Result<Self, NotAnFqdn> {
        text.parse()
    }
}

impl From<Fqdn> for String {
    fn from(name: Fqdn) -> Self {
        name.0.into()
    }
}

impl schemars::JsonSchema for Fqdn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fqdn".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "A host name such as mail.example.com" })
    }
}

/// The way in which a name in a certificate covers a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Both names are equal, ignoring case.
    Exact,
    /// `*.example.com` covers `mail.example.com`: one label and no more (RFC 9525 section 6.3).
    Wildcard,
}

/// Returns whether `presented`, a name out of a certificate, covers `host`.
///
/// A wildcard counts only as the whole left-most label; `m*.example.com` covers nothing.
pub fn covers(presented: &str, host: &str) -> Option<Coverage> {
    if !presented.is_empty() && presented.eq_ignore_ascii_case(host) {
        return Some(Coverage::Exact);
    }
    let parent = presented.strip_prefix("*.").filter(|parent| !parent.is_empty())?;
    let (label, rest) = host.split_once('.')?;
    (!label.is_empty() && rest.eq_ignore_ascii_case(parent)).then_some(Coverage::Wildcard)
}

/// Returns whether `name` lies below `domain`, by one label or several.
pub fn is_below(name: &str, domain: &str) -> bool {
    let at = name.len().checked_sub(domain.len()).and_then(|at| name.split_at_checked(at));
    at.is_some_and(|(labels, parent)| {
        labels.len() > 1 && labels.ends_with('.') && parent.eq_ignore_ascii_case(domain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_shown_as_written() {
        let name: Fqdn = "Mail.Contoso.COM".parse().unwrap();
        assert_eq!(name, "mail.contoso.com".parse::<Fqdn>().unwrap());
        assert_eq!(name.to_string(), "Mail.Contoso.COM");
    }

    #[test]
    fn a_name_outside_ascii_becomes_its_a_label() {
        assert_eq!("bücher.example".parse::<Fqdn>().unwrap().as_str(), "xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_host_name_is_refused_with_what_would_be_right() {
        for (text, hint) in [
            ("", "empty"),
            ("10.0.0.25", "IP address"),
            ("[::1]", "IP address"),
            ("mail.example.com.", "dot at the end"),
            ("*.example.com", "wildcard"),
            ("mail example.com", "only letters"),
            ("mail..example.com", "two dots"),
            (".example.com", "starts with a dot"),
            ("-mail.example.com", "hyphen"),
            (&format!("{}.example.com", "a".repeat(64)), "63"),
            (&vec!["a".repeat(63); 5].join("."), "255"),
        ] {
            let error = text.parse::<Fqdn>().unwrap_err().to_string();
            assert!(error.contains(hint), "{text:?} gave {error:?}");
        }
    }

    #[test]
    fn a_wildcard_covers_one_label_and_only_as_the_whole_left_most_one() {
        assert_eq!(covers("*.lab.test", "mx1.lab.test"), Some(Coverage::Wildcard));
        assert_eq!(covers("*.LAB.test", "xn--bcher-kva.lab.test"), Some(Coverage::Wildcard));
        for (presented, host) in [
            ("*.lab.test", "lab.test"),
            ("*.lab.test", "a.mx1.lab.test"),
            ("*.*.lab.test", "a.b.lab.test"),
            ("mx*.lab.test", "mx1.lab.test"),
            ("mx1.*.test", "mx1.lab.test"),
            ("*", "mx1"),
            ("*.", "mx1."),
            (".lab.test", "mx1.lab.test"),
            ("mx1.lab.test\0.evil.test", "mx1.lab.test"),
        ] {
            assert_eq!(covers(presented, host), None, "{presented} {host}");
        }
    }

    #[test]
    fn an_exact_name_is_better_than_a_wildcard() {
        assert_eq!(covers("MX1.lab.test", "mx1.LAB.test"), Some(Coverage::Exact));
        assert!(Coverage::Exact < Coverage::Wildcard);
    }

    #[test]
    fn below_a_domain_is_everything_but_the_domain_itself() {
        assert!(is_below("mx.eu.Contoso.com", "contoso.com"));
        for name in ["contoso.com", "notcontoso.com", ".contoso.com", "mx.contoso.com.", ""] {
            assert!(!is_below(name, "contoso.com"), "{name}");
        }
    }
}
