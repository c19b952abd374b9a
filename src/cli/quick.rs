//! `serve --fqdn X --certificate Y`: a lab without a file.

use std::net::{IpAddr, Ipv4Addr};

use super::output::Failure;
use crate::exchange::{
    AuthMechanism, Nullable, PermissionGroups, Profile, ProtocolLoggingLevel, ReceiveConnectorParameters,
    Role, TimeSpan,
};
use crate::name::Fqdn;
use crate::scenario::{CertificateSpec, ComputerSpec, Scenario, ScenarioText};

/// The arguments that describe a connector and its certificates.
#[derive(Debug, clap::Args)]
pub(super) struct QuickArgs {
    /// Run a connector of this FQDN rather than a file
    #[arg(long, env = "STARTTLS_LAB_FQDN", value_name = "NAME")]
    fqdn: Option<String>,
    /// Its certificate's names, with commas between them, IP addresses among them as such; may be given for
    /// several certificates
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
        let certificates: Vec<_> = self.certificate.iter().map(|names| certificate(names)).collect();
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

/// Returns a certificate with these names, IP addresses among them as such.
pub(super) fn certificate(names: &str) -> CertificateSpec {
    let label = Some(names.to_owned());
    let (addresses, names): (Vec<_>, Vec<_>) =
        names.split(',').map(str::trim).partition(|name| name.parse::<IpAddr>().is_ok());
    let ip_addresses = addresses.into_iter().filter_map(|address| address.parse().ok()).collect();
    let names = names.into_iter().map(str::to_owned).collect();
    CertificateSpec { label, ip_addresses, ..CertificateSpec::naming(names) }
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
