//! The observations of servers, as they are saved and read again.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::handshake::{Handshake, Offer, Trial};
use crate::smtp::Reply;

/// The version of the saved form.
pub const FORMAT: u32 = 1;

/// The observations of one run of the prober.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The version of the form, [`FORMAT`].
    pub probe_run: u32,
    /// The time at which it began.
    pub taken: Timestamp,
    /// The hosts, in the order in which they were asked for.
    pub hosts: Vec<Host>,
}

/// The reason why a saved run cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It is not a saved run.
    #[error("it is no run that `probe --save-run` has written: {0}")]
    NotARun(String),
    /// It was saved by another version.
    #[error("it has the form {found}, and this program reads {FORMAT}")]
    Version {
        /// The form that it has.
        found: u32,
    },
}

/// One host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// The host and the port, as they were asked for.
    pub target: String,
    /// True if TLS comes first, without STARTTLS (RFC 8314 section 3).
    pub implicit_tls: bool,
    /// The name that was asked for by SNI and looked for in the certificate; or an address.
    pub name: String,
    /// The domain whose mail would be on its way, if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The reason why the name has no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unresolved: Option<String>,
    /// Its addresses, as the resolver ordered them.
    pub members: Vec<Member>,
}

/// One address of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The address and the port.
    pub address: SocketAddr,
    /// The reason why there is no connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<String>,
    /// The first connection, as a sender would have it.
    pub visit: Visit,
    /// The connections after it, each with one thing changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<Trial>,
}

/// One session, as far as it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Visit {
    /// The banner; with implicit TLS it comes inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<Heard>,
    /// The answer to EHLO in clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ehlo: Option<Heard>,
    /// The answer to HELO, if EHLO was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helo: Option<Heard>,
    /// The answer to STARTTLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls: Option<Heard>,
    /// The number of bytes that had come in clear behind the answer to STARTTLS.
    #[serde(skip_serializing_if = "is_zero")]
    pub behind_starttls: usize,
    /// The handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Handshake>,
    /// The answer to EHLO inside TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ehlo_inside: Option<Heard>,
    /// The answer to HELO inside TLS, if EHLO was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helo_inside: Option<Heard>,
}

/// The answer that came when a reply was due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heard {
    /// A reply, line by line with its codes.
    Reply(Vec<String>),
    /// An answer that is not an SMTP reply; its first line.
    NotSmtp(String),
    /// More data than any reply has.
    TooMuch,
    /// The end of the connection.
    Closed,
    /// No answer, or no end of it, within the time-out.
    TimedOut,
    /// The connection broke, in the operating system's words.
    Broken(String),
}

impl Run {
    /// Reads a saved run.
    ///
    /// # Errors
    ///
    /// If the text is not a saved run, or is one of another version.
    pub fn from_json(text: &str) -> Result<Self, RunError> {
        #[derive(Deserialize)]
        struct Form {
            probe_run: u32,
        }
        let wrong = |error: serde_json::Error| RunError::NotARun(error.to_string());
        let Form { probe_run } = serde_json::from_str(text).map_err(wrong)?;
        if probe_run != FORMAT {
            return Err(RunError::Version { found: probe_run });
        }
        serde_json::from_str(text).map_err(wrong)
    }

    /// Returns every member of every host.
    pub fn members(&self) -> impl Iterator<Item = (&Host, &Member)> {
        self.hosts.iter().flat_map(|host| host.members.iter().map(move |member| (host, member)))
    }
}

impl Host {
    /// Returns whether none of its addresses takes a connection.
    pub fn is_unreachable(&self) -> bool {
        self.members.iter().all(|member| member.unreachable.is_some())
    }

    /// Returns the display name of a member: the target, with the address if that adds information.
    pub fn called(&self, member: &Member) -> String {
        let address = member.address.to_string();
        if self.target == address { address } else { format!("{} ({})", self.target, member.address.ip()) }
    }
}

impl Member {
    /// Returns a member that has shown nothing yet.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, unreachable: None, visit: Visit::default(), trials: Vec::new() }
    }

    /// Returns whether a handshake was refused for lack of a client certificate (RFC 8446 section 6.2).
    pub fn wants_client_certificate(&self) -> bool {
        let trials = self.trials.iter().map(|trial| &trial.result);
        self.visit.handshake.iter().chain(trials).any(|handshake| match handshake {
            Handshake::Failed(failed) => failed.detail == "certificate_required",
            Handshake::Established(_) | Handshake::Answered(_) | Handshake::NotReached { .. } => false,
        })
    }

    /// Returns the outcome of the connection on which this was changed.
    pub fn trial(&self, offer: Offer) -> Option<&Handshake> {
        self.trials.iter().find(|trial| trial.offer == offer).map(|trial| &trial.result)
    }
}

impl Visit {
    /// Returns the keywords of the EHLO reply in clear, each with its parameters.
    pub fn keywords(&self) -> Vec<(String, String)> {
        self.ehlo.as_ref().map(Heard::keywords).unwrap_or_default()
    }

    /// Returns whether STARTTLS is listed in clear, ignoring letter case.
    pub fn offers_starttls(&self) -> bool {
        self.keywords().iter().any(|(keyword, _)| keyword == "STARTTLS")
    }
}

impl Heard {
    /// Returns the reply, if the answer is one.
    pub fn reply(&self) -> Option<Reply> {
        match self {
            Self::Reply(lines) => lines.join("\n").parse().ok(),
            Self::NotSmtp(_) | Self::TooMuch | Self::Closed | Self::TimedOut | Self::Broken(_) => None,
        }
    }

    /// Returns the lines of the reply with their codes; none if the answer is not a reply.
    pub fn lines(&self) -> &[String] {
        match self {
            Self::Reply(lines) => lines,
            Self::NotSmtp(_) | Self::TooMuch | Self::Closed | Self::TimedOut | Self::Broken(_) => &[],
        }
    }

    /// Returns the code of the reply.
    pub fn code(&self) -> Option<u16> {
        self.reply().map(|reply| reply.code())
    }

    /// Returns the first word behind the code: the name by which the server introduces itself in banner and
    /// EHLO reply.
    pub fn name(&self) -> Option<String> {
        let reply = self.reply().filter(Reply::is_positive)?;
        let word = reply.lines().first()?.split_whitespace().next()?.to_owned();
        Some(word)
    }

    /// Returns the keywords of an EHLO reply in capital letters, each with its parameters; none if the code
    /// is not 250.
    pub fn keywords(&self) -> Vec<(String, String)> {
        let reply = self.reply().filter(|reply| reply.code() == 250);
        let lines =
            reply.as_ref().map(|reply| reply.lines().get(1..).unwrap_or_default()).unwrap_or_default();
        let split = lines.iter().filter_map(|line| {
            let mut words = line.split_whitespace();
            let keyword = words.next()?.to_ascii_uppercase();
            Some((keyword, words.collect::<Vec<_>>().join(" ")))
        });
        split.collect()
    }

    /// Returns the predicate of a sentence that starts with the server.
    pub fn in_words(&self) -> String {
        match self {
            Self::Reply(lines) => format!("answers `{}`", lines.join(" / ")),
            Self::NotSmtp(line) if line.is_empty() => {
                "answers with an empty line, which is no SMTP".to_owned()
            }
            Self::NotSmtp(line) => format!("answers `{line}`, which is no SMTP"),
            Self::TooMuch => "sends more than any reply has, and does not come to an end".to_owned(),
            Self::Closed => "closes the connection".to_owned(),
            Self::TimedOut => "does not answer in time".to_owned(),
            Self::Broken(why) => format!("breaks the connection ({why})"),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(lines: &[&str]) -> Heard {
        Heard::Reply(lines.iter().map(|line| (*line).to_owned()).collect())
    }

    #[test]
    fn keywords_are_in_capital_letters_and_keep_what_stands_behind_them() {
        let ehlo = reply(&["250-mx1.lab.test Hello", "250-size 100", "250-", "250 StartTLS"]);
        let keyword = |keyword: &str, value: &str| (keyword.to_owned(), value.to_owned());
        assert_eq!(ehlo.keywords(), [keyword("SIZE", "100"), keyword("STARTTLS", "")]);
        assert_eq!(ehlo.name().as_deref(), Some("mx1.lab.test"));
        assert_eq!(reply(&["502 unknown", "STARTTLS"]).keywords(), []);
    }

    #[test]
    fn a_run_of_another_form_is_told_from_what_is_no_run() {
        let run = Run { probe_run: FORMAT, taken: Timestamp::UNIX_EPOCH, hosts: Vec::new() };
        let text = serde_json::to_string(&run).unwrap();
        assert_eq!(Run::from_json(&text).unwrap(), run);
        let newer = text.replace("\"probe_run\":1", "\"probe_run\":9");
        assert!(matches!(Run::from_json(&newer), Err(RunError::Version { found: 9 })));
        for text in ["", "{}", "[]", "{\"probe_run\":1}", "\u{0}"] {
            assert!(matches!(Run::from_json(text), Err(RunError::NotARun(_))), "{text}");
        }
    }
}
