//! The lab file as it is written: TOML by hand, JSON over the wire, the same keys in both.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::certificate_spec::CertificateSpec;
use super::entry::EntrySpec;
use super::expect::Expectations;
use super::repair::{RepairSpec, SenderSpec};
use crate::exchange::{Profile, ReceiveConnectorParameters, Role, RuleOverrides, SendConnectorParameters};
use crate::name::Fqdn;
use crate::session::fault::FaultSpec;

/// A lab file: the computers of a lab, their connectors and certificates, and what is expected of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The scenario, in one line.
    pub title: String,
    /// The problem as an administrator meets it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub story: String,
    /// The fix, in prose.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cure: String,
    /// The sources that document the scenario and its rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The section that makes this file an entry of the fault catalogue, which `judge` tries a mail client
    /// with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntrySpec>,
    /// Pins the lab's clock to an instant such as 2010-09-28T09:35:58Z; without it the lab follows the machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub now: Option<Timestamp>,
    /// Host names and the computers that they resolve to; several computers are a pool. The FQDN and the name
    /// of a computer resolve to it without being listed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<Fqdn, Vec<String>>,
    /// Domains and the host names of their mail exchangers, the preferred first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mx: BTreeMap<Fqdn, Vec<Fqdn>>,
    /// The computers of the lab.
    pub computer: Vec<ComputerSpec>,
    /// The files that `Import-ExchangeCertificate` finds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate_file: Vec<CertificateFileSpec>,
    /// The senders, each of which sends a message at every stage when the scenario is verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sender: Vec<SenderSpec>,
    /// The expectations before anything is changed.
    #[serde(default, skip_serializing_if = "Expectations::is_empty")]
    pub before: Expectations,
    /// The fixes. Each is tried on its own copy of the lab.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fix: Vec<RepairSpec>,
    /// The expectations after any of the fixes, where they differ from `before`.
    #[serde(default, skip_serializing_if = "Expectations::is_empty")]
    pub after: Expectations,
    /// The wrong fixes: changes that people try and that do not help. Each is tried on its own copy of the
    /// lab.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong_fix: Vec<RepairSpec>,
}

/// A computer of the lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComputerSpec {
    /// The NetBIOS name.
    pub name: String,
    /// The physical FQDN.
    pub fqdn: Fqdn,
    /// The server role.
    pub role: Role,
    /// The Exchange version that it runs.
    pub profile: Profile,
    /// The loopback address its connectors listen on.
    #[serde(default = "loopback")]
    pub address: IpAddr,
    /// The label of the internal transport certificate, or a thumbprint that may be missing from the store.
    /// If omitted, it is the first certificate with the SMTP service that carries the computer's FQDN; the
    /// empty string means that none is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_transport_certificate: Option<String>,
    /// The settings of its IMAP4 service, as in `Get-ImapSettings`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub imap_settings: ClientSettingsSpec,
    /// The settings of its POP3 service, as in `Get-PopSettings`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pop_settings: ClientSettingsSpec,
    /// The domains anonymous peers may send to; none given means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_domains: Vec<Fqdn>,
    /// The users that may log on, with their passwords; if there are none, any user may log on with any
    /// password.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, String>,
    /// The organization it belongs to, where there are several in the lab.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub organization: String,
    /// For an Edge: the server inside the organization that it is subscribed to. Its Send connectors are
    /// edited there and reach the Edge with `Start-EdgeSynchronization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribed_to: Option<String>,
    /// The rules that differ from those of the profile.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rules: RuleOverrides,
    /// The certificates in the computer's *Personal* store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate: Vec<CertificateSpec>,
    /// The receive connectors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receive_connector: Vec<ReceiveConnectorParameters>,
    /// The fault rules of its receive connectors; the first rule that matches applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault: Vec<FaultSpec>,
    /// The Send connectors that run on this computer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub send_connector: Vec<SendConnectorParameters>,
}

/// The settings of a service for mail clients beside SMTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientSettingsSpec {
    /// The name by which the service finds its certificate; if omitted, that of the certificate which was enabled for it
    /// last. No connector reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x509_certificate_name: Option<String>,
}

/// A file with a certificate, on the disk of every computer of the lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateFileSpec {
    /// The path by which commands name it, such as `C:\certificates\mail.pfx`.
    pub path: String,
    /// The label of a certificate that the computer has already: the file holds it with its private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// A certificate that no computer has yet, in place of `of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateSpec>,
}

impl Scenario {
    /// Returns the file of this path, letter case aside as on Windows.
    pub fn certificate_file(&self, path: &str) -> Option<&CertificateFileSpec> {
        self.certificate_file.iter().find(|file| file.path.eq_ignore_ascii_case(path))
    }
}

impl ComputerSpec {
    /// Returns the certificate of this label.
    pub fn certificate_called(&self, label: &str) -> Option<&CertificateSpec> {
        self.certificate.iter().find(|certificate| certificate.is_called(label))
    }
}

fn loopback() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
