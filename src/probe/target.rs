//! The target of a probe, as a user writes it.

use std::net::IpAddr;

use crate::name::Fqdn;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host name, or the address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The reason why a text is not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no HOST[:PORT]: {problem}; write mail.example.com, mail.example.com:587, 192.0.2.1 or [2001:db8::1]:25"
)]
pub struct TargetError {
    text: String,
    problem: String,
}

impl Target {
    /// Reads `HOST`, `HOST:PORT`, an IPv4 or IPv6 address, or `[ADDRESS]:PORT`; `port` is the default.
    ///
    /// # Errors
    ///
    /// If the text is not a target, the reason.
    pub fn parse(text: &str, port: u16) -> Result<Self, TargetError> {
        let wrong = |problem: &str| TargetError {
            text: text.escape_debug().to_string(),
            problem: problem.to_owned(),
        };
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Self { host: text.to_owned(), port });
        }
        let (host, given) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, behind) =
                    rest.split_once(']').ok_or_else(|| wrong("the bracket is not closed"))?;
                if host.parse::<IpAddr>().is_err() {
                    return Err(wrong("what stands in brackets is no address"));
                }
                match behind.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if behind.is_empty() => (host, None),
                    None => return Err(wrong("behind the bracket only :PORT can stand")),
                }
            }
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match given {
            None => port,
            Some(given) => match given.parse::<u16>() {
                Ok(port) if port != 0 && given.bytes().all(|byte| byte.is_ascii_digit()) => port,
                _ => return Err(wrong("the port is no number from 1 to 65535")),
            },
        };
        if host.parse::<IpAddr>().is_ok() {
            return Ok(Self { host: host.to_owned(), port });
        }
        // The dot at the end is the DNS notation for a full name, and no certificate has it.
        let host = host.strip_suffix('.').unwrap_or(host);
        let name: Fqdn = host.parse().map_err(|error: crate::name::NotAnFqdn| wrong(&error.to_string()))?;
        Ok(Self { host: name.to_string(), port })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_name_or_an_address_with_or_without_a_port() {
        for (text, host, port) in [
            ("mail.example.com", "mail.example.com", 25),
            ("mail.example.com.", "mail.example.com", 25),
            ("mail.example.com:587", "mail.example.com", 587),
            ("MAILGATE", "MAILGATE", 25),
            ("192.0.2.1", "192.0.2.1", 25),
            ("192.0.2.1:2525", "192.0.2.1", 2525),
            ("::1", "::1", 25),
            ("[2001:db8::1]", "2001:db8::1", 25),
            ("[2001:db8::1]:465", "2001:db8::1", 465),
            ("bücher.example", "xn--bcher-kva.example", 25),
        ] {
            let target = Target::parse(text, 25).unwrap();
            assert_eq!((&*target.host, target.port), (host, port), "{text}");
            assert_eq!(Target::parse(&target.to_string(), 1), Ok(target));
        }
    }

    #[test]
    fn what_is_no_target_is_answered_with_the_forms() {
        for text in [
            "",
            ":25",
            "mail.example.com:",
            "mail.example.com:0",
            "mail:99999",
            "[::1",
            "[mail]:25",
            "[::1]25",
            "a b",
            "smtp://mail.example.com",
            "-x",
            "mail:+25",
        ] {
            let error = Target::parse(text, 25).unwrap_err().to_string();
            assert!(error.contains("write mail.example.com"), "{text}: {error}");
        }
    }
}
