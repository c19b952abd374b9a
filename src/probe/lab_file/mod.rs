//! Writes a lab file whose connector shows what a server showed.
//!
//! It is written as text, with the keys of a file that was written by hand. Certificates are stand-ins: the
//! names, dates, issuer and kind of key are those that were seen, the keys are new. A comment in the file
//! states what a lab file cannot express.

mod certificate;
mod faults;
mod keywords;

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::Timestamp;

use super::handshake::{Handshake, Offer};
use super::names::{NameRule, names};
use super::run::{Heard, Host, Member};
use super::senders::outcomes;
use crate::name::Fqdn;
use crate::pki::{Certificate, DistinguishedName};

/// Writes a lab file that shows what `member` of `host` showed at `taken`.
///
/// # Errors
///
/// If there is nothing to show, the reason.
pub fn lab_file(host: &Host, member: &Member, taken: Timestamp) -> Result<String, NothingSeen> {
    if let Some(why) = &member.unreachable {
        return Err(NothingSeen { server: host.called(member), why: format!("no connection ({why})") });
    }
    let mut file = File::new(host, member);
    file.head(taken);
    file.computer();
    file.certificates(taken);
    file.connector();
    file.faults();
    file.senders(taken);
    Ok(file.text)
}

/// There is nothing that a lab could show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing was seen of {server}: {why}")]
pub struct NothingSeen {
    server: String,
    why: String,
}

/// A lab file that is being written.
struct File<'a> {
    host: &'a Host,
    member: &'a Member,
    /// The name that the server answers with.
    fqdn: String,
    /// The certificate that it presented.
    leaf: Option<&'a Certificate>,
    /// The way in which the lab comes to present it.
    presented: Presenting,
    text: String,
}

/// The way in which a connector comes to present a certificate.
#[derive(Clone, Copy, PartialEq)]
enum Presenting {
    /// It is found by the connector's FQDN.
    ByName,
    /// The connector is pinned to it.
    Pinned,
    /// Another one is found by name, and the handshake presents this one in its place.
    InPlace,
}

const CONNECTOR: &str = "Probed";
/// The labels of the certificates.
const SHOWN: &str = "shown";
const WITHOUT_SNI: &str = "without-sni";
const STAND_IN: &str = "stand-in";

impl<'a> File<'a> {
    fn new(host: &'a Host, member: &'a Member) -> Self {
        let visit = &member.visit;
        let greeted = [visit.ehlo.as_ref(), visit.ehlo_inside.as_ref(), visit.banner.as_ref()];
        let own = greeted.into_iter().flatten().filter_map(Heard::name);
        let fqdn = own.chain([host.name.clone()]).find(|name| is_fqdn(name));
        let fqdn = fqdn.unwrap_or_else(|| "probed.lab.test".to_owned());
        let leaf = member.chain().first().map(|presented| &presented.0);
        let presented = leaf.map_or(Presenting::ByName, |leaf| presenting(leaf, &fqdn));
        Self { host, member, fqdn, leaf, presented, text: String::new() }
    }

    /// Returns whether the lab has to accept STARTTLS, listed or not.
    fn does_starttls(&self) -> bool {
        let unlisted = self.member.trial(Offer::Unlisted).is_some_and(Handshake::is_taken);
        self.member.visit.offers_starttls() || self.host.implicit_tls || unlisted
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn key(&mut self, key: &str, value: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{key} = {}", quoted(value));
    }

    fn comment(&mut self, text: &str) {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.line(&format!("# {text}"));
    }

    fn head(&mut self, taken: Timestamp) {
        let called = self.host.called(self.member);
        self.comment(&format!("What {called} showed at {taken:.0}, as `starttls-lab probe` saw it."));
        self.comment("Certificates are stand-ins with new keys; what a lab file cannot say is a comment.");
        self.key("title", &format!("What {called} shows"));
        self.line("");
    }

    fn computer(&mut self) {
        self.line("[[computer]]");
        let name = netbios(&self.fqdn);
        self.key("name", &name);
        let fqdn = self.fqdn.clone();
        self.key("fqdn", &fqdn);
        self.key("role", "edge");
        self.key("profile", "exchange-2019");
        // The server offered what was seen, whatever the dates of the certificate say.
        self.line("rules = { expired = \"offered\", not_yet_valid = \"offered\" }");
        self.line("");
    }

    fn connector(&mut self) {
        self.line("[[computer.receive_connector]]");
        self.key("name", CONNECTOR);
        let fqdn = self.fqdn.clone();
        self.key("fqdn", &fqdn);
        let port = match self.member.address.port() {
            port @ (25 | 465 | 587 | 2525) => port,
            _ => 25,
        };
        self.line(&format!("bindings = [\"0.0.0.0:{port}\"]"));
        if let Some(banner) = self.banner() {
            self.key("banner", &banner);
        }
        self.keywords();
        if let (Presenting::Pinned, Some(leaf)) = (self.presented, self.leaf) {
            let pin = format!("<I>{}<S>{}", certificate::issuer_of(leaf), leaf.subject());
            self.key("tls_certificate_name", &pin);
        }
        self.line("permission_groups = [\"AnonymousUsers\", \"ExchangeUsers\"]");
        self.line("protocol_logging_level = \"Verbose\"");
        self.line("tarpit_interval = \"0s\"");
        self.line("message_rate_limit = \"unlimited\"");
        self.line("");
    }

    /// Returns the banner if it is one that a connector can be given.
    fn banner(&self) -> Option<String> {
        let Some(Heard::Reply(lines)) = &self.member.visit.banner else { return None };
        let [line] = lines.as_slice() else { return None };
        let fits = line.len() <= 510 && !line.chars().any(char::is_control);
        let exchange = line.starts_with(&format!("220 {} Microsoft ESMTP MAIL Service ready at ", self.fqdn));
        (fits && (line == "220" || line.starts_with("220 ")) && !exchange).then(|| line.clone())
    }

    /// Writes the outcome of each class of senders, so that `verify` runs it.
    fn senders(&mut self, taken: Timestamp) {
        if self.host.implicit_tls || !is_host(&self.host.name) {
            return;
        }
        let domain = self.host.domain.as_deref().unwrap_or(&self.host.name);
        let literal = domain.parse::<IpAddr>().is_ok();
        let recipient = format!("postmaster@{}", if literal { "recipient.example" } else { domain });
        let outcomes = outcomes(self.host, &self.member.visit, taken);
        for outcome in &outcomes {
            self.line("[[sender]]");
            self.key("policy", outcome.sender);
            let dials = self.host.name.clone();
            self.key("dials", &dials);
            self.key("rcpt_to", &recipient);
            self.line("");
        }
        self.comment("That the server takes the message was not tried: a probe never says MAIL.");
        self.line("[before.sender]");
        for outcome in &outcomes {
            self.key(outcome.sender, &outcome.ending.to_string());
        }
    }
}

impl Member {
    /// Returns the certificates that were presented, on the first connection on which any were.
    fn chain(&self) -> &[super::handshake::Presented] {
        let first = self.visit.handshake.iter();
        let trials = self.trials.iter().filter(|trial| trial.offer != Offer::NoName);
        let all = first.chain(trials.map(|trial| &trial.result));
        all.map(Handshake::chain).find(|chain| !chain.is_empty()).unwrap_or_default()
    }
}

fn presenting(leaf: &Certificate, fqdn: &str) -> Presenting {
    let by_name =
        names(leaf, fqdn).iter().any(|it| it.rule == NameRule::ExchangeSelection && it.by.is_some());
    // The selection accepts X.509 version 3 only.
    if leaf.version() != 3 {
        return Presenting::InPlace;
    }
    let pin = format!("<I>{}<S>{}", certificate::issuer_of(leaf), leaf.subject());
    let pinned = pin.parse::<crate::exchange::TlsCertificateName>().is_ok() && keeps(leaf.subject());
    if by_name {
        Presenting::ByName
    } else if pinned {
        Presenting::Pinned
    } else {
        Presenting::InPlace
    }
}

/// Returns whether a name is the same once it has been read and written.
fn keeps(name: &str) -> bool {
    name.parse::<DistinguishedName>().is_ok_and(|read| read.to_string() == name)
}

fn is_fqdn(name: &str) -> bool {
    name.parse::<Fqdn>().is_ok()
}

fn is_host(name: &str) -> bool {
    is_fqdn(name) || name.parse::<IpAddr>().is_ok()
}

/// Returns a NetBIOS name for a computer of this FQDN.
fn netbios(fqdn: &str) -> String {
    let label = fqdn.split('.').next().unwrap_or_default();
    let name: String = label
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(15)
        .collect::<String>()
        .to_ascii_uppercase();
    if name.is_empty() { "PROBED".to_owned() } else { name }
}

/// Returns a text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Returns texts as TOML writes a list of them.
fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", texts.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
}
