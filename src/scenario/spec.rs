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

/// A whole lab on paper.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What happens, in one line.
    pub title: String,
    /// How an administrator meets it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub story: String,
    /// What mends it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cure: String,
    /// Where the story and its rules are documented.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// What makes this file an entry of the fault catalogue, that a mail client can be judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntrySpec>,
    /// Pins the lab's clock to an instant such as 2010-09-28T09:35:58Z; without it the lab follows the machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub now: Option<Timestamp>,
    /// Host names and the computers they lead to, a pool with several. The FQDN and the name of a computer
    /// lead to it without being listed.
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
    /// Who sends to them when the story is verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sender: Vec<SenderSpec>,
    /// What is seen before anything is changed.
    #[serde(default, skip_serializing_if = "Expectations::is_empty")]
    pub before: Expectations,
    /// What mends it. Each fix is tried on a copy of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fix: Vec<RepairSpec>,
    /// What is different from before after any of the fixes.
    #[serde(default, skip_serializing_if = "Expectations::is_empty")]
    pub after: Expectations,
    /// What people try, and what does not mend it. Each is tried on a copy of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong_fix: Vec<RepairSpec>,
}

/// One computer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComputerSpec {
    /// The NetBIOS name.
    pub name: String,
    /// The physical FQDN.
    pub fqdn: Fqdn,
    /// What it does.
    pub role: Role,
    /// Which Exchange it runs.
    pub profile: Profile,
    /// The loopback address its connectors listen on.
    #[serde(default = "loopback")]
    pub address: IpAddr,
    /// The label of the internal transport certificate, or a thumbprint that may be missing from the
    /// store. Left away, it is the first certificate with the SMTP service that carries the computer's
    /// FQDN; the empty string means that none is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_transport_certificate: Option<String>,
    /// The domains anonymous peers may send to; none given means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_domains: Vec<Fqdn>,
    /// Who may log on with which password; none given means anybody with any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, String>,
    /// The organisation it belongs to, where there are several in the lab.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub organization: String,
    /// Of an Edge: the server inside the organisation that it is subscribed to. Its Send connectors are
    /// edited there and reach the Edge with `Start-EdgeSynchronization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribed_to: Option<String>,
    /// Single rules that differ from those of the profile.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rules: RuleOverrides,
    /// The certificates in the computer's *Personal* store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate: Vec<CertificateSpec>,
    /// The receive connectors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receive_connector: Vec<ReceiveConnectorParameters>,
    /// What its receive connectors do wrong on purpose; the first row that fits decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault: Vec<FaultSpec>,
    /// The Send connectors that run on this computer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub send_connector: Vec<SendConnectorParameters>,
}

/// A file with a certificate, on the disk of every computer of the lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateFileSpec {
    /// What it is called in commands, such as `C:\certificates\mail.pfx`.
    pub path: String,
    /// The label of a certificate that the computer has already: the file holds it with its private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Or a certificate that nobody has yet.
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
