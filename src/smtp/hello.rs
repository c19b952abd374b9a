//! The name in HELO and EHLO.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::name::Fqdn;

/// The name that a client gave in HELO or EHLO, as it was written (RFC 5321 section 4.1.1.1).
///
/// A domain name or an address literal. Real clients give host names without a domain, names with
/// underscores and addresses without brackets, and real servers let them. Each message of a session has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HelloName(Arc<str>);

/// The name is neither a domain name nor an address literal (RFC 5321 section 4.1.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("neither a domain name nor an address literal")]
pub struct HelloNameError;

impl HelloName {
    /// The name as it was written (RFC 5321 section 4.1.1.1).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is an address in brackets (RFC 5321 section 4.1.3).
    pub fn is_address_literal(&self) -> bool {
        self.0.starts_with('[')
    }
}

impl FromStr for HelloName {
    type Err = HelloNameError;

    fn from_str(name: &str) -> Result<Self, HelloNameError> {
        let known = name.len() <= MAX_DOMAIN
            && (is_domain(name) || is_literal(name) || name.parse::<Ipv6Addr>().is_ok());
        if known { Ok(Self(name.into())) } else { Err(HelloNameError) }
    }
}

impl From<&Fqdn> for HelloName {
    /// Every host name is a domain name of RFC 5321.
    fn from(name: &Fqdn) -> Self {
        Self(name.as_str().into())
    }
}

impl fmt::Display for HelloName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for HelloName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// RFC 5321 section 4.5.3.1.2.
const MAX_DOMAIN: usize = 255;

/// Letters, digits, hyphens and underscores between single dots; a dot at the end is let pass, and
/// IPv4 addresses look like that too. Names beyond ASCII have to come as A-labels (RFC 6531 section
/// 3.7.1).
fn is_domain(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}

/// Anything printable in brackets: clients forget the `IPv6:` of RFC 5321 section 4.1.3.
fn is_literal(name: &str) -> bool {
    let inside = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    inside.is_some_and(|inside| {
        !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_graphic() && !b"[]\\".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_real_clients_give_are_taken_as_written() {
        for name in [
            "mail.example.com",
            "Mail.Example.COM.",
            "DESKTOP-1",
            "my_pc.local",
            "127.0.0.1",
            "::1",
            "[127.0.0.1]",
            "[IPv6:::1]",
            "[::1]",
            "xn--mller-kva.example",
        ] {
            assert_eq!(name.parse::<HelloName>().unwrap().to_string(), name);
        }
        assert!("[::1]".parse::<HelloName>().unwrap().is_address_literal());
    }

    #[test]
    fn every_host_name_is_a_name_to_greet_with() {
        let longest = format!("{}.test", [&*"a".repeat(62); 3].join("."));
        for name in ["mail.example.com", "EX01", "my_pc.local", "müller.example", &longest] {
            let fqdn: Fqdn = name.parse().unwrap();
            assert_eq!(fqdn.as_str().parse(), Ok(HelloName::from(&fqdn)), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(256);
        for name in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "my pc",
            "a\tb",
            "müller.example",
            "a\0",
            "[",
            "[]",
            "[a b]",
            "[[a]]",
            "<a>",
            "a@b",
            "a,b",
            "::g",
            &long,
        ] {
            assert_eq!(name.parse::<HelloName>(), Err(HelloNameError), "{name}");
        }
    }
}
