//! `serve --fqdn X --certificate Y`: a lab without a file.

use std::net::{IpAddr, Ipv4Addr};

use super::output::Failure;
use crate::exchange::{
    AuthMechanism, ChainStatus, Nullable, PermissionGroups, PrivateKey, Profile, ProtocolLoggingLevel,
    ReceiveConnectorParameters, Role, Services, TimeSpan,
};
use crate::name::Fqdn;
use crate::nearest::nearest;
use crate::scenario::{CertificateSpec, ComputerSpec, Scenario, ScenarioText, TimeSpec};

/// The arguments that describe a connector and its certificates.
#[derive(Debug, clap::Args)]
pub(super) struct QuickArgs {
    /// Run a connector of this FQDN rather than a file
    #[arg(long, env = "STARTTLS_LAB_FQDN", value_name = "NAME")]
    fqdn: Option<String>,
    /// Its certificate: names, with commas between them, IP addresses among them as such, and states such as
    /// `expired`, `no-key`, `no-smtp` or `self-signed`; may be given for several certificates
    #[arg(
        long,
        env = "STARTTLS_LAB_CERTIFICATE",
        conflicts_with = "scenario",
        value_name = "NAME[,NAME...]"
    )]
    certificate: Vec<String>,
    /// The Exchange version that is run
    #[arg(long, env = "STARTTLS_LAB_PROFILE", value_name = "PROFILE")]
    profile: Option<String>,
}

impl QuickArgs {
    /// Returns the lab that these arguments describe; `None` where there are none. `file` is the lab file
    /// that was named beside them.
    pub(super) fn scenario(&self, file: Option<&str>) -> Result<Option<ScenarioText>, Failure> {
        if self.fqdn.is_none() && self.certificate.is_empty() && self.profile.is_none() {
            return Ok(None);
        }
        if let Some(file) = file {
            return Err(Failure::usage(format!(
                "`{file}` describes a lab, and so do --fqdn, --certificate and --profile (or STARTTLS_LAB_FQDN, \
                 STARTTLS_LAB_CERTIFICATE and STARTTLS_LAB_PROFILE in the environment); use one or the other"
            )));
        }
        let fqdn = self.fqdn.as_deref().map(|fqdn| name("--fqdn", fqdn)).transpose()?;
        let profile = profile(self.profile.as_deref().unwrap_or("exchange-2019"))?;
        let certificates = self.certificate.iter().map(|words| certificate(words, fqdn.as_ref()));
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        let scenario = lab(fqdn, certificates, profile)?;
        Ok(Some(ScenarioText::without_text(scenario, "the command line")))
    }
}

/// Returns a lab with one connector and these certificates. The computer has its first certificate's name, as
/// after setup, or else the connector's.
pub(super) fn lab(
    fqdn: Option<Fqdn>,
    certificates: Vec<CertificateSpec>,
    profile: Profile,
) -> Result<Scenario, Failure> {
    let own = certificates.iter().flat_map(|spec| &spec.names).find_map(|name| name.parse::<Fqdn>().ok());
    let own = own.or_else(|| fqdn.clone());
    let own = own.ok_or_else(|| Failure::usage("--fqdn or a --certificate with a host name is needed"))?;
    let computer = ComputerSpec {
        name: "LAB".to_owned(),
        fqdn: own,
        role: Role::Edge,
        profile,
        address: Ipv4Addr::LOCALHOST.into(),
        internal_transport_certificate: None,
        imap_settings: Default::default(),
        pop_settings: Default::default(),
        accepted_domains: Vec::new(),
        users: Default::default(),
        rules: Default::default(),
        certificate: certificates,
        receive_connector: vec![connector(fqdn, "LAB")],
        fault: Vec::new(),
        send_connector: Vec::new(),
        organization: String::new(),
        subscribed_to: None,
    };
    Ok(Scenario {
        title: "A connector from the command line".to_owned(),
        computer: vec![computer],
        ..Scenario::default()
    })
}

pub(super) fn name(option: &str, text: &str) -> Result<Fqdn, Failure> {
    text.parse().map_err(|error| Failure::usage(format!("{option}: {error}")))
}

fn profile(text: &str) -> Result<Profile, Failure> {
    Profile::named(text).ok_or_else(|| {
        let all = Profile::ALL.map(Profile::as_str).join(", ");
        Failure::usage(format!("--profile: there is no profile `{text}`; there are {all}"))
    })
}

/// Returns the certificate that words with commas between them describe: names, IP addresses, and states such as
/// `expired`. Without a name it carries that of the connector.
pub(super) fn certificate(words: &str, connector: Option<&Fqdn>) -> Result<CertificateSpec, Failure> {
    let wrong = |problem: String| Failure::usage(format!("--certificate {words}: {problem}"));
    let mut spec = CertificateSpec { services: Services::SMTP, ..CertificateSpec::naming(Vec::new()) };
    for word in words.split(',').map(str::trim) {
        if let Some(state) = State::named(word) {
            state.apply_to(&mut spec);
        } else if let Ok(address) = word.parse::<IpAddr>() {
            spec.ip_addresses.push(address);
        } else if let (false, Some(meant)) =
            (word.contains('.'), nearest(word, State::ALL.iter().map(|it| it.0)))
        {
            return Err(wrong(format!("`{word}` is neither a name nor a state; did you mean `{meant}`?")));
        } else {
            spec.names.push(word.to_owned());
        }
    }
    if spec.names.is_empty() && spec.ip_addresses.is_empty() {
        let Some(fqdn) = connector else {
            return Err(wrong(
                "it has no name; add one, such as mail.example.com,expired, or give --fqdn".into(),
            ));
        };
        spec.names.push(fqdn.to_string());
    }
    spec.label = Some(words.to_owned());
    Ok(spec)
}

/// A state of a certificate that `--certificate` knows by a word.
#[derive(Clone, Copy)]
enum State {
    Expired,
    NotYetValid,
    NoKey,
    UnreadableKey,
    NoSmtp,
    SelfSigned,
    Untrusted,
    Revoked,
}

impl State {
    const ALL: [(&'static str, Self); 8] = [
        ("expired", Self::Expired),
        ("not-yet-valid", Self::NotYetValid),
        ("no-key", Self::NoKey),
        ("unreadable-key", Self::UnreadableKey),
        ("no-smtp", Self::NoSmtp),
        ("self-signed", Self::SelfSigned),
        ("untrusted", Self::Untrusted),
        ("revoked", Self::Revoked),
    ];

    fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, state)| *state)
    }

    fn apply_to(self, spec: &mut CertificateSpec) {
        match self {
            Self::Expired => {
                (spec.not_before, spec.not_after) = (TimeSpec::in_days(-400), TimeSpec::in_days(-2));
            }
            Self::NotYetValid => {
                (spec.not_before, spec.not_after) = (TimeSpec::in_days(2), TimeSpec::in_days(367));
            }
            Self::NoKey => spec.private_key = PrivateKey::Missing,
            Self::UnreadableKey => spec.private_key = PrivateKey::Unreadable,
            Self::NoSmtp => spec.services = Services::NONE,
            Self::SelfSigned => "self".clone_into(&mut spec.issuer),
            Self::Untrusted => spec.chain = ChainStatus::Untrusted,
            Self::Revoked => {
                spec.chain = ChainStatus::Revoked;
                spec.revoked = true;
            }
        }
    }
}

/// Returns the connector of a computer, with Tls alone: X-ANONYMOUSTLS and its events would be about another
/// certificate.
pub(super) fn connector(fqdn: Option<Fqdn>, computer: &str) -> ReceiveConnectorParameters {
    ReceiveConnectorParameters {
        name: Some(format!("Default internal receive connector {computer}")),
        fqdn: Some(Nullable(fqdn)),
        auth_mechanism: Some(AuthMechanism::TLS),
        permission_groups: Some(PermissionGroups::ANONYMOUS_USERS),
        protocol_logging_level: Some(ProtocolLoggingLevel::Verbose),
        tarpit_interval: Some(TimeSpan(std::time::Duration::ZERO)),
        ..Default::default()
    }
}
