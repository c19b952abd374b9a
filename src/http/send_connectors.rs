//! The endpoints of Send connectors: reading them, and the cmdlet that a change of one amounts to.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, json};
use super::connectors::CmdletView;
use super::input;
use super::problem::Problem;
use super::resources::find;
use crate::exchange::{Computer, SendConnector, SendConnectorParameters, SetConnector};

/// A Send connector.
#[derive(Serialize, JsonSchema)]
pub(super) struct SendConnectorView {
    /// The computer's name.
    computer: String,
    /// The connector's name.
    name: String,
    /// The name in EHLO.
    fqdn: String,
    /// True if it sends.
    enabled: bool,
    /// Every parameter by its name in the Shell, as `Format-List` shows it.
    parameters: BTreeMap<&'static str, String>,
    /// Every parameter by its key in a lab file, as a change of it is given; never the password.
    settings: SendConnectorParameters,
}

impl SendConnectorView {
    fn of(computer: &Computer, connector: &SendConnector) -> Self {
        Self {
            computer: computer.name.clone(),
            name: connector.name.clone(),
            fqdn: computer.send_fqdn_of(connector).to_string(),
            enabled: connector.enabled,
            parameters: connector.properties().into_iter().collect(),
            settings: SendConnectorParameters {
                authentication_credential: None,
                ..connector.to_parameters()
            },
        }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Answer {
    let computers = shared.lab.computers();
    let views = computers.iter().flat_map(|computer| {
        computer.send_connectors.iter().map(|connector| SendConnectorView::of(computer, connector))
    });
    json(&views.collect::<Vec<_>>())
}

/// Answers with the cmdlet that a change amounts to. Nothing is changed and nothing is checked.
pub(super) async fn cmdlet(
    State(shared): State<Arc<Shared>>,
    Path((computer, name)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let parameters: SendConnectorParameters = input::json(body).await?;
    let computers = shared.lab.computers();
    let computer = find(&computers, &computer)?;
    let connector = computer.send_connector(&name).ok_or_else(|| {
        let known: Vec<_> = computer.send_connectors.iter().map(|it| it.name.as_str()).collect();
        let (computer, known) = (&computer.name, known.join(", "));
        Problem::unknown(format!("{computer} has no Send connector `{name}`; it has: {known}"))
    })?;
    json(&CmdletView::from(SetConnector::send(computer, connector, &parameters)))
}
