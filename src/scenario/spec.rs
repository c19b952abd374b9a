//! The lab file as it is written: TOML by hand, JSON over the wire, the same keys in both.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::EntrySpec;
use super::expect::Expectations;
use super::moment::Moment;
use super::repair::{RepairSpec, SenderSpec};
use crate::exchange::{
    ChainStatus, PrivateKey, Profile, ReceiveConnectorParameters, Role, RuleOverrides,
    SendConnectorParameters, Services,
};
use crate::name::Fqdn;
use crate::pki::{DistinguishedName, KeyAlgorithm};
use crate::session::fault::Fault;

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
    pub fault: Vec<Fault>,
    /// The Send connectors that run on this computer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub send_connector: Vec<SendConnectorParameters>,
}

/// One certificate, issued when the lab starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateSpec {
    /// What the lab calls it; the common name if left away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The subject as Windows writes it, `CN=mail.contoso.com, O=Contoso`; the first name if left away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The DNS names among the subject alternative names; none for a certificate with a common name only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// `lab` for the lab's own authority, `self` for a self-signed certificate, or the subject of an
    /// authority that the lab makes for the purpose.
    #[serde(default = "lab", skip_serializing_if = "is_lab")]
    pub issuer: String,
    /// What it is enabled for.
    #[serde(default)]
    pub services: Services,
    /// Whether the transport service can use the private key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub private_key: PrivateKey,
    /// What Windows finds when it builds the chain.
    #[serde(default, skip_serializing_if = "is_default")]
    pub chain: ChainStatus,
    /// Valid from, such as `-30d` or `2010-01-01`.
    #[serde(default = "thirty_days_ago")]
    pub not_before: Moment,
    /// Valid to, such as `+335d` or `-2d`.
    #[serde(default = "eleven_months_ahead")]
    pub not_after: Moment,
    /// The kind of key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub key: KeyAlgorithm,
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
    /// The file of this path, letter case aside as Windows has it.
    pub fn certificate_file(&self, path: &str) -> Option<&CertificateFileSpec> {
        self.certificate_file.iter().find(|file| file.path.eq_ignore_ascii_case(path))
    }
}

impl ComputerSpec {
    /// The certificate of this label.
    pub fn certificate_called(&self, label: &str) -> Option<&CertificateSpec> {
        self.certificate.iter().find(|certificate| certificate.is_called(label))
    }
}

impl CertificateSpec {
    /// A certificate of the lab's own authority for these names, enabled for SMTP; all else as a lab file
    /// has it that says no more.
    pub fn naming(names: Vec<String>) -> Self {
        Self {
            label: Some(names.join(",")),
            subject: None,
            names,
            issuer: lab(),
            services: Services::SMTP,
            private_key: PrivateKey::default(),
            chain: ChainStatus::default(),
            not_before: thirty_days_ago(),
            not_after: eleven_months_ahead(),
            key: KeyAlgorithm::default(),
        }
    }

    fn is_called(&self, label: &str) -> bool {
        match (&self.label, &self.subject, self.names.first()) {
            (Some(own), ..) => own == label,
            (None, Some(subject), _) => {
                let subject = subject.parse::<DistinguishedName>().ok();
                subject.is_some_and(|it| it.common_names().next() == Some(label))
            }
            (None, None, Some(name)) => name == label,
            (None, None, None) => false,
        }
    }
}

fn loopback() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

fn lab() -> String {
    "lab".to_owned()
}

fn is_lab(issuer: &str) -> bool {
    issuer == "lab"
}

fn thirty_days_ago() -> Moment {
    Moment::in_days(-30)
}

fn eleven_months_ahead() -> Moment {
    Moment::in_days(335)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
