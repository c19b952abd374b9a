//! The endpoints of receive connectors: reading, creating, changing and removing them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, created, json, segment};
use super::input;
use super::problem::Problem;
use super::resources::find;
use crate::exchange::{
    Binding, Computer, EventKind, Outcome, ReceiveConnector, ReceiveConnectorParameters, SetConnector,
    StoredCertificate, fqdn_guard, select_for,
};
use crate::lab::{Engine, Listening};
use crate::scenario::{Issuer, Keys, receive_connector};

/// A receive connector.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConnectorView {
    /// The computer's name.
    computer: String,
    /// The connector's name.
    name: String,
    /// The name it answers with.
    fqdn: String,
    /// True if it accepts connections.
    enabled: bool,
    /// The addresses that it really listens on.
    addrs: Vec<SocketAddr>,
    /// The offer of STARTTLS, and the reason.
    starttls: Offer,
    /// Every parameter by its name in the Shell, as `Format-List` shows it.
    parameters: BTreeMap<&'static str, String>,
    /// Every parameter by its key in a lab file, as a change of it is given.
    settings: ReceiveConnectorParameters,
}

/// The cmdlet that is equivalent to a change.
#[derive(Serialize, JsonSchema)]
pub(super) struct CmdletView {
    /// The cmdlet, as it is typed in the Shell; nothing where nothing would change.
    cmdlet: Option<String>,
    /// The parameters that it sets, by their keys in a lab file.
    changed: Vec<&'static str>,
    /// The computer in whose Shell it is typed.
    on: String,
}

impl From<SetConnector> for CmdletView {
    fn from(SetConnector { cmdlet, changed, on }: SetConnector) -> Self {
        Self { cmdlet, changed, on }
    }
}

/// The result of the certificate selection.
#[derive(Serialize, JsonSchema)]
pub(super) struct Offer {
    /// True if STARTTLS is offered.
    offered: bool,
    /// The reason, in a sentence.
    because: String,
    /// The name that was searched for.
    key: String,
    /// The certificate's label.
    label: Option<String>,
    /// The certificate's thumbprint: SHA-1 of the DER, or what the lab file declares in its place.
    thumbprint: Option<String>,
    /// SHA-1 of the DER, where the lab file declares another thumbprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    handshake_thumbprint: Option<String>,
}

/// A connector to be made: the keys of a lab file's `receive_connector`, and the computer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape of a body, for the document")]
pub(super) struct NewConnector {
    /// The computer's name.
    computer: String,
    /// The parameters. Where no bindings are given, the connector listens on a free port.
    #[serde(flatten)]
    parameters: ReceiveConnectorParameters,
}

impl ConnectorView {
    /// Shows a connector. `listening` are those of the lab that listen.
    fn of(lab: &Engine, listening: &[Listening], computer: &Computer, connector: &ReceiveConnector) -> Self {
        let here = listening.iter().find(|it| it.computer == computer.name && it.name == connector.name);
        Self {
            computer: computer.name.clone(),
            name: connector.name.clone(),
            fqdn: computer.fqdn_of(connector).to_string(),
            enabled: connector.enabled,
            addrs: here.map(|here| here.addrs.clone()).unwrap_or_default(),
            starttls: Offer::of(lab, computer, connector),
            parameters: connector.properties().into_iter().collect(),
            settings: connector.to_parameters(),
        }
    }
}

impl Offer {
    fn of(lab: &Engine, computer: &Computer, connector: &ReceiveConnector) -> Self {
        let selection = select_for(connector, computer, lab.clock().now());
        let key = selection.key.to_string();
        let stored = selection.offered().and_then(|offered| computer.store.find(offered.thumbprint));
        let because = match &selection.outcome {
            _ if !connector.enabled => "the connector is disabled".to_owned(),
            Outcome::NotConfigured => "Tls is not in AuthMechanism".to_owned(),
            Outcome::Withheld => format!(
                "nothing in the store fits {key} (event {})",
                EventKind::NoCertificateForStarttls.id()
            ),
            Outcome::Offered(_) => format!("a certificate fits {key}"),
        };
        Self {
            offered: connector.enabled && stored.is_some(),
            because,
            key,
            label: stored.map(|stored| stored.label.clone()),
            thumbprint: stored.map(|stored| stored.facts.thumbprint.to_string()),
            handshake_thumbprint: stored
                .and_then(StoredCertificate::handshake_thumbprint)
                .map(|seen| seen.to_string()),
        }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Answer {
    let (computers, listening) = (shared.lab.computers(), shared.lab.connectors());
    let views = computers.iter().flat_map(|computer| {
        let view = |it: &Arc<ReceiveConnector>| ConnectorView::of(&shared.lab, &listening, computer, it);
        computer.receive_connectors.iter().map(view)
    });
    json(&views.collect::<Vec<_>>())
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((computer, name)): Path<(String, String)>,
) -> Answer {
    json(&view(&shared.lab, &computer, &name)?)
}

pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let mut value: serde_json::Value = input::json(body).await?;
    let computer = take_computer(&mut value)?;
    let parameters: ReceiveConnectorParameters = input::fits(value)?;
    let Some(name) = parameters.name.clone() else {
        return Err(Problem::refused("a connector needs a name"));
    };
    let computer = find(&shared.lab.computers(), &computer)?.name.clone();
    add(&shared, &computer, parameters).await?;
    made(&shared, &computer, &name)
}

/// Sets the parameters that are given, as `Set-ReceiveConnector` does, or makes the connector.
pub(super) async fn set(
    State(shared): State<Arc<Shared>>,
    Path((computer, name)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let mut parameters: ReceiveConnectorParameters = input::json(body).await?;
    if parameters.name.as_ref().is_some_and(|given| !given.eq_ignore_ascii_case(&name)) {
        return Err(Problem::refused(format!(
            "the path says `{name}`, and the body names another connector"
        )));
    }
    let computers = shared.lab.computers();
    let found = find(&computers, &computer)?;
    let computer = found.name.clone();
    if found.receive_connector(&name).is_none() {
        parameters.name = Some(name.clone());
        add(&shared, &computer, parameters).await?;
        return made(&shared, &computer, &name);
    }
    let (on, called) = (computer.clone(), name.clone());
    let edit = move |computers: &mut Vec<Arc<Computer>>, _: &mut Issuer, _: Keys<'_>| {
        change(computers, &on, |computer| {
            let others =
                computer.receive_connectors.iter().filter(|it| !it.name.eq_ignore_ascii_case(&called));
            let others: Vec<_> = others.cloned().collect();
            let place =
                computer.receive_connectors.iter_mut().find(|it| it.name.eq_ignore_ascii_case(&called));
            let place = place.ok_or_else(|| Problem::unknown(format!("there is no `{called}` any more")))?;
            let mut connector = ReceiveConnector::clone(place);
            parameters.apply_to(&mut connector);
            *place = Arc::new(connector.clone());
            check(&connector, computer, &others)
        })
    };
    shared.lab.edit(edit).await?;
    json(&view(&shared.lab, &computer, &name)?)
}

/// Answers with the cmdlet that a change amounts to. Nothing is changed and nothing is checked.
pub(super) async fn cmdlet(
    State(shared): State<Arc<Shared>>,
    Path((computer, name)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let parameters: ReceiveConnectorParameters = input::json(body).await?;
    let computers = shared.lab.computers();
    let (computer, connector) = locate(&computers, &computer, &name)?;
    json(&CmdletView::from(SetConnector::receive(computer, connector, &parameters)))
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path((computer, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    view(&shared.lab, &computer, &name)?;
    let edit = move |computers: &mut Vec<Arc<Computer>>, _: &mut Issuer, _: Keys<'_>| {
        change(computers, &computer, |computer| {
            computer.receive_connectors.retain(|it| !it.name.eq_ignore_ascii_case(&name));
            Ok(())
        })
    };
    shared.lab.edit::<_, Problem>(edit).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn made(shared: &Shared, computer: &str, name: &str) -> Answer {
    let location = format!("/api/v1/connectors/{}/{}", segment(computer), segment(name));
    created(&view(&shared.lab, computer, name)?, &location)
}

fn view(lab: &Engine, computer: &str, name: &str) -> Result<ConnectorView, Problem> {
    let computers = lab.computers();
    let (computer, connector) = locate(&computers, computer, name)?;
    Ok(ConnectorView::of(lab, &lab.connectors(), computer, connector))
}

/// Returns a computer and its receive connector of this name.
fn locate<'a>(
    computers: &'a [Arc<Computer>],
    computer: &str,
    name: &str,
) -> Result<(&'a Computer, &'a ReceiveConnector), Problem> {
    let computer = find(computers, computer)?;
    let found = computer.receive_connector(name).ok_or_else(|| {
        let known: Vec<_> = computer.receive_connectors.iter().map(|it| it.name.as_str()).collect();
        let (computer, known) = (&computer.name, known.join(", "));
        Problem::unknown(format!("{computer} has no receive connector `{name}`; it has: {known}"))
    })?;
    Ok((computer, found))
}

/// Makes a connector.
async fn add(
    shared: &Shared,
    computer: &str,
    mut parameters: ReceiveConnectorParameters,
) -> Result<(), Problem> {
    if parameters.bindings.is_none() {
        parameters.bindings = Some(vec![free_binding()?]);
    }
    let computer = computer.to_owned();
    let edit = move |computers: &mut Vec<Arc<Computer>>, _: &mut Issuer, _: Keys<'_>| {
        change(computers, &computer, |computer| {
            let alone = Computer { receive_connectors: Vec::new(), ..computer.clone() };
            let made = receive_connector(&parameters, &alone);
            let made = made.map_err(|error| Problem::refused(error.message()))?;
            if computer.receive_connector(&made.name).is_some() {
                let (name, computer) = (&made.name, &computer.name);
                return Err(Problem::conflict(format!(
                    "{computer} has a receive connector `{name}` already"
                )));
            }
            check(&made, computer, &computer.receive_connectors)?;
            computer.receive_connectors.push(Arc::new(made));
            Ok(())
        })
    };
    shared.lab.edit(edit).await
}

/// Checks a connector by Exchange's rules, by itself and beside its neighbors.
fn check(
    connector: &ReceiveConnector,
    computer: &Computer,
    others: &[Arc<ReceiveConnector>],
) -> Result<(), Problem> {
    let conflict = || others.iter().find_map(|other| connector.conflict_with(other, &computer.name));
    if let Some(refusal) = connector.refusal(computer.profile).or_else(conflict) {
        return Err(Problem::refused(refusal.message).with("key", refusal.key));
    }
    match fqdn_guard(connector, computer) {
        Some(why) => Err(Problem::refused(why).with("key", "fqdn")),
        None => Ok(()),
    }
}

/// Changes one of the computers.
pub(super) fn change<T>(
    computers: &mut [Arc<Computer>],
    name: &str,
    change: impl FnOnce(&mut Computer) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let place = computers.iter_mut().find(|computer| computer.name.eq_ignore_ascii_case(name));
    let place = place.ok_or_else(|| Problem::unknown(format!("there is no computer `{name}` any more")))?;
    let mut computer = Computer::clone(place);
    let changed = change(&mut computer)?;
    *place = Arc::new(computer);
    Ok(changed)
}

/// Takes the name of the computer out of a body.
pub(super) fn take_computer(value: &mut serde_json::Value) -> Result<String, Problem> {
    let taken = value.as_object_mut().and_then(|body| body.remove("computer"));
    match taken {
        Some(serde_json::Value::String(name)) => Ok(name),
        _ => Err(Problem::refused("the body has to name the `computer`")),
    }
}

/// Returns a binding on a free port.
fn free_binding() -> Result<Binding, Problem> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let free = free.map_err(|error| Problem::refused(format!("there is no free port: {error}")))?;
    Ok(Binding((Ipv4Addr::UNSPECIFIED, free.port()).into()))
}
