//! Resolves a lab file: looks up every name once, and reports every contradiction with its line. Only the
//! certificates are still missing then. They are issued when the lab is built.

use std::sync::Arc;

use super::ScenarioText;
use super::certificate_spec::CertificateSpec;
use super::check;
use super::expect::{ABSENT, NONE};
use super::faults::{Certificate, fault_rules};
use super::locate::{ScenarioError, Step};
use super::senders::{Sender, senders};
use super::spec::{ClientSettingsSpec, ComputerSpec, Scenario};
use crate::exchange::{
    AuthMechanism, ClientCertificateNames, Computer, PSCredential, Profile, ReceiveConnector,
    ReceiveConnectorParameters, Role, SendConnector, SendConnectorParameters, SendUsage, TransportRole,
    Usage, Zone,
};
use crate::pki::Thumbprint;
use crate::session::fault::FaultRule;

/// A scenario in which every name leads somewhere and nothing contradicts anything else.
#[derive(Debug)]
pub struct Resolved<'a> {
    pub(super) text: &'a ScenarioText,
    /// The computers without certificates.
    pub(super) computers: Vec<Arc<Computer>>,
    /// The future contents of their stores, in the order of the computers.
    pub(super) stores: Vec<Store>,
    /// The subscribed Edges, each with the server that it is subscribed to, by their indexes.
    pub(super) subscriptions: Vec<(usize, usize)>,
    /// The lab's name service.
    pub zone: Zone,
    /// The senders to the computers.
    pub senders: Vec<Sender>,
}

/// The future contents of a computer's certificate store.
#[derive(Debug)]
pub(super) struct Store {
    /// The labels of its certificates, in order.
    pub(super) labels: Vec<String>,
    pub(super) internal: Internal,
    /// The faults that its receive connectors produce on purpose.
    pub(super) faults: Vec<FaultRule>,
}

/// The certificate that the directory holds for a computer.
#[derive(Debug)]
pub(super) enum Internal {
    /// The certificate that `Enable-ExchangeCertificate -Services SMTP` would have published: the first
    /// certificate with the SMTP service that carries the computer's FQDN.
    Usual,
    /// No certificate is published.
    Unpublished,
    /// The certificate of this label.
    Labelled(String),
    /// A certificate that may be missing from the store.
    Thumbprint(Thumbprint),
}

/// The label of a certificate that transport makes on demand (event 12023).
pub(super) const EPHEMERAL: &str = "ephemeral";

/// An error, and the path to its position in the file.
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

/// Resolves a scenario.
pub(super) fn resolve(text: &ScenarioText) -> Result<Resolved<'_>, Wrong> {
    let scenario = &text.scenario;
    if scenario.computer.is_empty() {
        return Err(Wrong::new("a lab needs at least one [[computer]]"));
    }
    let (mut computers, mut stores) = (Vec::<Arc<Computer>>::new(), Vec::new());
    for (index, spec) in scenario.computer.iter().enumerate() {
        let (found, store) = computer(spec).map_err(|wrong| wrong.in_item("computer", index))?;
        if computers.iter().any(|other| other.name.eq_ignore_ascii_case(&spec.name)) {
            let wrong = Wrong::at("name", format!("another computer is called {} already", spec.name));
            return Err(wrong.in_item("computer", index));
        }
        computers.push(Arc::new(found));
        stores.push(store);
    }
    let subscriptions = check::across(scenario, &computers)?;
    let zone = zone(scenario);
    let senders = senders(scenario, &computers, &zone)?;
    check::expectations(scenario, &computers, &senders)?;
    // A program that edits a scenario may take a certificate away, whatever the file expected of it.
    if text.has_text() {
        check::labels(scenario, &computers, &stores)?;
    }
    Ok(Resolved { text, computers, stores, subscriptions, zone, senders })
}

/// Returns a lab's name service.
pub(super) fn zone(scenario: &Scenario) -> Zone {
    let addresses = scenario.computer.iter().map(|computer| (computer.name.clone(), computer.address));
    // A computer is found by its name in any letter case, and shown in the case of the lab file.
    let own = |name: &String| {
        let found = scenario.computer.iter().find(|computer| computer.name.eq_ignore_ascii_case(name));
        found.map_or_else(|| name.clone(), |computer| computer.name.clone())
    };
    let hosts = scenario.hosts.iter().map(|(host, pool)| (host.clone(), pool.iter().map(own).collect()));
    Zone { hosts: hosts.collect(), mx: scenario.mx.clone(), addresses: addresses.collect() }
}

/// Returns a computer with its connectors, and the future contents of its store.
fn computer(spec: &ComputerSpec) -> Result<(Computer, Store), Wrong> {
    check_role(spec)?;
    let labels = labels(spec)?;
    let mut computer = Computer {
        rules: spec.rules.over(spec.profile),
        client_certificate_names: ClientCertificateNames {
            imap: spec.imap_settings.x509_certificate_name.clone(),
            pop: spec.pop_settings.x509_certificate_name.clone(),
        },
        accepted_domains: spec.accepted_domains.clone(),
        users: spec.users.iter().map(|(user, password)| credential(user, password)).collect(),
        organization: spec.organization.clone(),
        subscribed_to: spec.subscribed_to.clone(),
        ..Computer::new(&spec.name, spec.fqdn.clone(), spec.role, spec.profile)
    };
    let internal = internal(spec, &labels)?;
    for (index, parameters) in spec.receive_connector.iter().enumerate() {
        let connector = receive(parameters, &computer);
        let connector = connector.map_err(|wrong| wrong.in_item("receive_connector", index))?;
        computer.receive_connectors.push(Arc::new(connector));
    }
    for (index, parameters) in spec.send_connector.iter().enumerate() {
        let connector = send(parameters, &computer);
        let connector = connector.map_err(|wrong| wrong.in_item("send_connector", index))?;
        computer.send_connectors.push(Arc::new(connector));
    }
    let certificates = labels
        .iter()
        .zip(&spec.certificate)
        .map(|(label, certificate)| Certificate { label, has_key: certificate.private_key.is_usable() });
    let faults = fault_rules(&spec.fault, &computer, &certificates.collect::<Vec<_>>())?;
    Ok((computer, Store { labels, internal, faults }))
}

fn credential(user: &str, password: &str) -> PSCredential {
    PSCredential { user: user.to_owned(), password: password.to_owned() }
}

fn check_role(spec: &ComputerSpec) -> Result<(), Wrong> {
    let services = [("imap_settings", &spec.imap_settings), ("pop_settings", &spec.pop_settings)];
    if let (Role::Edge, Some((key, _))) =
        (spec.role, services.into_iter().find(|(_, settings)| **settings != ClientSettingsSpec::default()))
    {
        return Err(Wrong::at(
            key,
            "an Edge has neither IMAP nor POP; it belongs on a server inside the organization",
        ));
    }
    let name = spec.name.as_str();
    let fits = (1..=15).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
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

/// The words that expectations use where there is no certificate. None of them can be a label.
const WORDS: [&str; 4] = [NONE, ABSENT, "NoCredentials", "UnknownCredentials"];

/// Returns the labels of a computer's certificates.
fn labels(spec: &ComputerSpec) -> Result<Vec<String>, Wrong> {
    let mut labels = Vec::new();
    for (index, certificate) in spec.certificate.iter().enumerate() {
        let label = label(certificate, &labels, &spec.name);
        labels.push(label.map_err(|wrong| wrong.in_item("certificate", index))?);
    }
    Ok(labels)
}

/// Returns the label of a certificate that stands beside these others.
pub(super) fn label(spec: &CertificateSpec, others: &[String], computer: &str) -> Result<String, Wrong> {
    if let Some((key, message)) = spec.contradiction() {
        return Err(Wrong::at(key, message));
    }
    let label = spec.called().map_err(|(key, message)| Wrong::at(key, message))?;
    if let Some(word) = WORDS.into_iter().find(|word| label.eq_ignore_ascii_case(word)) {
        let message =
            format!("`{word}` is what expectations say where there is no certificate; choose another label");
        return Err(Wrong::at("label", message));
    }
    if label.is_empty() || label.chars().any(char::is_control) {
        return Err(Wrong::at("label", "a label is a short name such as \"mail\", without line ends"));
    }
    if others.contains(&label) {
        let message = format!("another certificate of {computer} is called `{label}` already");
        return Err(Wrong::at("label", message));
    }
    Ok(label)
}

fn internal(spec: &ComputerSpec, labels: &[String]) -> Result<Internal, Wrong> {
    let Some(wanted) = &spec.internal_transport_certificate else { return Ok(Internal::Usual) };
    if wanted.is_empty() {
        return Ok(Internal::Unpublished);
    }
    if labels.contains(wanted) {
        return Ok(Internal::Labelled(wanted.clone()));
    }
    wanted.parse().map(Internal::Thumbprint).map_err(|_| {
        let message = format!(
            "`{wanted}` is neither the label of a certificate of {} ({}) nor a thumbprint of 40 hexadecimal digits",
            spec.name,
            if labels.is_empty() { "it has none".to_owned() } else { labels.join(", ") }
        );
        Wrong::at("internal_transport_certificate", message)
    })
}

/// Returns the receive connector that these parameters create on `computer`, beside those that it has.
///
/// # Errors
///
/// Describes what Exchange refuses.
pub fn receive_connector(
    parameters: &ReceiveConnectorParameters,
    computer: &Computer,
) -> Result<ReceiveConnector, ScenarioError> {
    receive(parameters, computer).map_err(|wrong| ScenarioError::whole("the connector", wrong.message))
}

fn receive(parameters: &ReceiveConnectorParameters, computer: &Computer) -> Result<ReceiveConnector, Wrong> {
    let Some(name) = parameters.name.clone() else {
        return Err(Wrong::new("this connector has no name; write name = \"Default ...\""));
    };
    let usage = parameters.usage.unwrap_or(Usage::of_role(computer.role));
    let of_2013 = matches!(
        usage,
        Usage::DefaultFrontend | Usage::ClientFrontend | Usage::ClientProxy | Usage::OutboundProxyFrontend
    );
    if of_2013 && computer.role != Role::Mailbox {
        let message = format!("{usage:?} exists on Mailbox servers of 2013 and later only");
        return Err(Wrong::at("usage", message));
    }
    if parameters.transport_role == Some(TransportRole::FrontendTransport) && computer.role != Role::Mailbox {
        let message = "FrontendTransport exists on Mailbox servers of 2013 and later only";
        return Err(Wrong::at("transport_role", message));
    }
    let mut connector = ReceiveConnector::new(name, usage, computer.role, computer.profile);
    parameters.apply_to(&mut connector);
    settle_what_follows(parameters, &mut connector);
    if let Some(refusal) = connector.refusal(computer.profile) {
        return Err(Wrong::at(refusal.key, refusal.message));
    }
    if computer.receive_connector(&connector.name).is_some() {
        let message =
            format!("another connector of {} is called `{}` already", computer.name, connector.name);
        return Err(Wrong::at("name", message));
    }
    let conflict = |other: &Arc<ReceiveConnector>| connector.conflict_with(other, &computer.name);
    if let Some(refusal) = computer.receive_connectors.iter().find_map(conflict) {
        return Err(Wrong::at(refusal.key, refusal.message));
    }
    Ok(connector)
}

fn send(parameters: &SendConnectorParameters, computer: &Computer) -> Result<SendConnector, Wrong> {
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

/// Drops a default that another parameter rules out. A value that the file itself sets stays and is refused
/// later.
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
