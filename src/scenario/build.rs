//! From paper to computers: checks what the types cannot, and files the certificates.

use std::net::IpAddr;
use std::sync::Arc;

use super::certificate_spec::CertificateSpec;
use super::check::{check_expectations, check_files, check_zone, subscribe};
use super::expect::{ABSENT, NONE};
use super::faults::fault_rules;
use super::locate::Step;
use super::senders::senders;
use super::spec::{ComputerSpec, Scenario};
use super::workshop::{Keys, Workshop};
use super::zone;
use crate::exchange::{
    AuthMechanism, CertificateStore, Computer, PSCredential, Profile, ReceiveConnector,
    ReceiveConnectorParameters, Role, SendConnector, SendConnectorParameters, SendUsage, Services,
    StoredCertificate, TransportRole, Usage,
};
use crate::name::covers;
use crate::pki::Thumbprint;
use crate::session::fault::FaultRule;

/// A computer that is ready to run, and the loopback address it runs on.
#[derive(Clone, Debug)]
pub struct Built {
    /// The computer.
    pub computer: Arc<Computer>,
    /// Where its connectors listen.
    pub address: IpAddr,
    /// What they do wrong on purpose.
    pub faults: Vec<FaultRule>,
}

/// What is wrong, and the way to it through the file.
pub(super) struct Wrong {
    pub(super) path: Vec<Step>,
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into() }
    }

    pub(super) fn at(key: &'static str, message: impl Into<String>) -> Self {
        Self { path: vec![Step::Key(key)], message: message.into() }
    }

    pub(super) fn in_item(mut self, list: &'static str, index: usize) -> Self {
        self.path.splice(0..0, [Step::Key(list), Step::Index(index)]);
        self
    }
}

/// Builds every computer of a scenario.
pub(super) fn build(
    scenario: &Scenario,
    workshop: &mut Workshop,
    keys: Keys<'_>,
) -> Result<Vec<Built>, Wrong> {
    if scenario.computer.is_empty() {
        return Err(Wrong::new("a lab needs at least one [[computer]]"));
    }
    let mut built: Vec<Built> = Vec::new();
    for (index, spec) in scenario.computer.iter().enumerate() {
        let done = build_computer(spec, workshop, keys).map_err(|wrong| wrong.in_item("computer", index))?;
        if built.iter().any(|other| other.computer.name.eq_ignore_ascii_case(&spec.name)) {
            let wrong = Wrong::at("name", format!("another computer is called {} already", spec.name));
            return Err(wrong.in_item("computer", index));
        }
        built.push(done);
    }
    subscribe(scenario, &mut built)?;
    if built.iter().all(|built| built.computer.receive_connectors.is_empty()) {
        return Err(Wrong::new("nothing would listen: no computer has a [[computer.receive_connector]]"));
    }
    check_zone(scenario, &built)?;
    check_files(scenario)?;
    let senders = senders(scenario, &built, &zone(scenario))?;
    check_expectations(scenario, &built, &senders)?;
    Ok(built)
}

fn build_computer(spec: &ComputerSpec, workshop: &mut Workshop, keys: Keys<'_>) -> Result<Built, Wrong> {
    check_role(spec)?;
    let mut store = CertificateStore::default();
    for (index, certificate) in spec.certificate.iter().enumerate() {
        let stored = file(spec, certificate, &store, workshop, keys);
        store.add(stored.map_err(|wrong| wrong.in_item("certificate", index))?);
    }
    let mut computer = Computer {
        rules: spec.rules.over(spec.profile),
        internal_transport_certificate: internal_certificate(spec, &store)?,
        store,
        accepted_domains: spec.accepted_domains.clone(),
        users: spec.users.iter().map(|(user, password)| credential(user, password)).collect(),
        organization: spec.organization.clone(),
        subscribed_to: spec.subscribed_to.clone(),
        ..Computer::new(&spec.name, spec.fqdn.clone(), spec.role, spec.profile)
    };
    let loads =
        |thumbprint| computer.store.find(thumbprint).is_some_and(|stored| stored.private_key.is_usable());
    if computer.internal_transport_certificate.is_some_and(|thumbprint| !loads(thumbprint)) {
        let made = workshop.ephemeral(&spec.name, spec.fqdn.as_str(), keys);
        let (facts, material) = made.map_err(|error| Wrong::new(error.to_string()))?;
        computer.ephemeral = Some(Arc::new(StoredCertificate {
            label: "ephemeral".to_owned(),
            facts,
            services: Services::SMTP,
            private_key: Default::default(),
            chain: Default::default(),
            material: Some(material),
        }));
    }
    for (index, parameters) in spec.receive_connector.iter().enumerate() {
        let connector = receive_connector(spec, parameters, &computer);
        let connector = connector.map_err(|wrong| wrong.in_item("receive_connector", index))?;
        computer.receive_connectors.push(Arc::new(connector));
    }
    for (index, parameters) in spec.send_connector.iter().enumerate() {
        let connector = send_connector(parameters, &computer);
        let connector = connector.map_err(|wrong| wrong.in_item("send_connector", index))?;
        computer.send_connectors.push(Arc::new(connector));
    }
    let faults = fault_rules(&spec.fault, &computer)?;
    Ok(Built { computer: Arc::new(computer), address: spec.address, faults })
}

/// What stands in expectations where there is no certificate, and so is no label.
const WORDS: [&str; 4] = [NONE, ABSENT, "NoCredentials", "UnknownCredentials"];

fn credential(user: &str, password: &str) -> PSCredential {
    PSCredential { user: user.to_owned(), password: password.to_owned() }
}

fn check_role(spec: &ComputerSpec) -> Result<(), Wrong> {
    let name = spec.name.as_str();
    let fits = (1..=15).contains(&name.len())
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_');
    if !fits {
        let message =
            format!("`{name}` is no NetBIOS name: 1 to 15 letters, digits, - or _, such as MAILGATE");
        return Err(Wrong::at("name", message));
    }
    if !spec.address.is_loopback() {
        let message =
            format!("{} is no loopback address; a lab lives on 127.0.0.1 or its neighbours", spec.address);
        return Err(Wrong::at("address", message));
    }
    match (spec.role, spec.profile >= Profile::Exchange2013) {
        (Role::HubTransport, true) => Err(Wrong::at(
            "role",
            format!("Hub Transport ended with Exchange 2010; for {} write role = \"mailbox\"", spec.profile),
        )),
        (Role::Mailbox, false) => Err(Wrong::at(
            "role",
            format!(
                "before 2013 Mailbox servers spoke no SMTP; for {} write role = \"hub-transport\"",
                spec.profile
            ),
        )),
        _ => Ok(()),
    }
}

fn file(
    computer: &ComputerSpec,
    spec: &CertificateSpec,
    store: &CertificateStore,
    workshop: &mut Workshop,
    keys: Keys<'_>,
) -> Result<StoredCertificate, Wrong> {
    let (facts, material) = workshop
        .certificate(&computer.name, spec, keys)
        .map_err(|refused| Wrong::at(refused.key, refused.message))?;
    let label = spec.label.clone().or_else(|| facts.common_names.first().cloned());
    let label = label.unwrap_or_else(|| facts.subject.clone());
    if let Some(word) = WORDS.into_iter().find(|word| label.eq_ignore_ascii_case(word)) {
        let message =
            format!("`{word}` is what expectations say where there is no certificate; choose another label");
        return Err(Wrong::at("label", message));
    }
    if label.is_empty() || label.chars().any(char::is_control) {
        return Err(Wrong::at("label", "a label is a short name such as \"mail\", without line ends"));
    }
    if store.iter().any(|other| other.label == label) {
        let message = format!("another certificate of {} is called `{label}` already", computer.name);
        return Err(Wrong::at("label", message));
    }
    Ok(StoredCertificate {
        label,
        facts,
        services: spec.services,
        private_key: spec.private_key,
        chain: spec.chain,
        material: Some(material),
    })
}

/// The certificate whose thumbprint the directory holds.
///
/// Where the file does not say, it is what `Enable-ExchangeCertificate -Services SMTP` would have
/// published: the first certificate with the SMTP service that carries the computer's FQDN.
fn internal_certificate(spec: &ComputerSpec, store: &CertificateStore) -> Result<Option<Thumbprint>, Wrong> {
    let Some(wanted) = &spec.internal_transport_certificate else {
        let fits = |stored: &&StoredCertificate| {
            let named = stored.facts.names().iter().any(|name| covers(name, spec.fqdn.as_str()).is_some());
            named && stored.services.contains(Services::SMTP)
        };
        return Ok(store.iter().find(fits).map(|stored| stored.facts.thumbprint));
    };
    if wanted.is_empty() {
        return Ok(None);
    }
    if let Some(stored) = store.iter().find(|stored| stored.label == *wanted) {
        return Ok(Some(stored.facts.thumbprint));
    }
    wanted.parse().map(Some).map_err(|_| {
        let labels: Vec<_> = store.iter().map(|stored| stored.label.as_str()).collect();
        let message = format!(
            "`{wanted}` is neither the label of a certificate of {} ({}) nor a thumbprint of 40 hexadecimal digits",
            spec.name,
            if labels.is_empty() { "it has none".to_owned() } else { labels.join(", ") }
        );
        Wrong::at("internal_transport_certificate", message)
    })
}

fn receive_connector(
    spec: &ComputerSpec,
    parameters: &ReceiveConnectorParameters,
    computer: &Computer,
) -> Result<ReceiveConnector, Wrong> {
    let Some(name) = parameters.name.clone() else {
        return Err(Wrong::new("this connector has no name; write name = \"Default ...\""));
    };
    let usage = parameters.usage.unwrap_or(Usage::of_role(spec.role));
    let of_2013 = matches!(
        usage,
        Usage::DefaultFrontend | Usage::ClientFrontend | Usage::ClientProxy | Usage::OutboundProxyFrontend
    );
    if of_2013 && spec.role != Role::Mailbox {
        let message = format!("{usage:?} exists on Mailbox servers of 2013 and later only");
        return Err(Wrong::at("usage", message));
    }
    if parameters.transport_role == Some(TransportRole::FrontendTransport) && spec.role != Role::Mailbox {
        let message = "FrontendTransport exists on Mailbox servers of 2013 and later only";
        return Err(Wrong::at("transport_role", message));
    }
    let mut connector = ReceiveConnector::new(name, usage, spec.role, spec.profile);
    parameters.apply_to(&mut connector);
    settle_what_follows(parameters, &mut connector);
    if let Some(refusal) = connector.refusal(spec.profile) {
        return Err(Wrong::at(refusal.key, refusal.message));
    }
    if computer.receive_connector(&connector.name).is_some() {
        let message = format!("another connector of {} is called `{}` already", spec.name, connector.name);
        return Err(Wrong::at("name", message));
    }
    let conflict = |other: &Arc<ReceiveConnector>| connector.conflict_with(other, &spec.name);
    if let Some(refusal) = computer.receive_connectors.iter().find_map(conflict) {
        return Err(Wrong::at(refusal.key, refusal.message));
    }
    Ok(connector)
}

fn send_connector(parameters: &SendConnectorParameters, computer: &Computer) -> Result<SendConnector, Wrong> {
    let Some(name) = parameters.name.clone() else {
        return Err(Wrong::new("this connector has no name; write name = \"To Internet\""));
    };
    let usage = parameters.usage.unwrap_or_default();
    if usage != SendUsage::Custom && computer.role != Role::Edge {
        let message = format!("{usage:?} runs on an Edge; this computer is {}", computer.role);
        return Err(Wrong::at("usage", message));
    }
    let mut connector = SendConnector::new(name, usage);
    parameters.apply_to(&mut connector);
    parameters.settle(&mut connector);
    if let Some(refusal) = connector.refusal(computer.role, computer.profile) {
        return Err(Wrong::at(refusal.key, refusal.message));
    }
    if computer.send_connector(&connector.name).is_some() {
        let message =
            format!("another Send connector of {} is called `{}` already", computer.name, connector.name);
        return Err(Wrong::at("name", message));
    }
    Ok(connector)
}

/// A default that another parameter rules out gives way; what the file itself says is left to be refused.
fn settle_what_follows(parameters: &ReceiveConnectorParameters, connector: &mut ReceiveConnector) {
    if parameters.domain_secure_enabled.is_none() {
        connector.domain_secure_enabled &=
            connector.allows(AuthMechanism::TLS) && !connector.allows(AuthMechanism::EXTERNAL_AUTHORITATIVE);
    }
    if parameters.binary_mime_enabled.is_none() {
        connector.binary_mime_enabled &= connector.chunking_enabled;
    }
    if parameters.connection_inactivity_timeout.is_none()
        && connector.connection_inactivity_timeout >= connector.connection_timeout
    {
        connector.connection_inactivity_timeout.0 = connector.connection_timeout.0 / 2;
    }
}
