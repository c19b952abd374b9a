//! The senders of the lab file in the picture: where each sends to, and what a dry run says of its message.

use std::sync::Arc;

use super::{Edge, EdgeState, Node, NodeKind, receiving, sending};
use crate::exchange::Computer;
use crate::http::Shared;
use crate::http::problem::Problem;
use crate::http::resources::ending as lab_ends;
use crate::lab::{LabError, Plan};
use crate::scenario::{Achieved, Aspect, Ending, Observation, Sender, Subject, Value};

/// Returns the lab file's senders, and their ways as a dry run on a copy of the lab finds them.
pub(super) async fn tried(shared: &Shared, plan: &Plan) -> Result<(Vec<Node>, Vec<Edge>), Problem> {
    if plan.senders.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    // Several tabs that show the picture wait for each other. The semaphore is never closed.
    let place = Arc::clone(&shared.trials).acquire_owned().await.map_err(|_| lab_ends())?;
    let lab = Arc::clone(&shared.lab);
    let observing = tokio::task::spawn_blocking(move || {
        let observed = lab.observe();
        drop(place);
        observed
    });
    let observed = observing.await.map_err(|error| LabError::Unobserved(error.to_string()))??;
    let computers: Vec<_> = plan.computers.iter().map(|built| Arc::clone(&built.computer)).collect();
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for sender in &plan.senders {
        let Some((from, to)) = way(sender, plan, &computers) else { continue };
        if from.starts_with("sender:") {
            nodes.push(node(sender));
        }
        if let (Some(to), Some(ending)) = (to, ending(&observed, &sender.name)) {
            let withheld = super::offer_of(&computers, plan.clock.now(), &to) == Some("withheld");
            let state = state_of(&ending, withheld);
            edges.push(Edge {
                from,
                to,
                state,
                words: format!("{}: {ending}", sender.name),
                tried: true,
                session: None,
                messages: 0,
                seq: 0,
            });
        }
    }
    Ok((nodes, edges))
}

fn node(sender: &Sender) -> Node {
    Node {
        id: format!("sender:{}", sender.name),
        kind: NodeKind::Sender,
        label: sender.name.clone(),
        detail: sender.dials.as_ref().map(|host| format!("dials {host}")).unwrap_or_default(),
        computer: None,
        state: None,
    }
}

/// Returns the nodes between which a sender's message goes; nothing where its Send connector is gone.
fn way(sender: &Sender, plan: &Plan, computers: &[Arc<Computer>]) -> Option<(String, Option<String>)> {
    let route = sender.journey(computers, &plan.zone, plan.clock.now())?;
    let from = match &route.connector {
        Some((computer, connector)) => sending(&computer.name, &connector.name),
        None => format!("sender:{}", sender.name),
    };
    let there = route.destinations.iter().find_map(|destination| destination.answering.as_ref().ok());
    Some((from, there.map(|there| receiving(&there.computer.name, &there.connector.name))))
}

fn ending(observed: &Observation, sender: &str) -> Option<Ending> {
    observed.0.iter().find_map(|(subject, aspect, value)| match (subject, aspect, value) {
        (Subject::Sender(name), Aspect::Ending, Value::Ending(ending)) if name == sender => Some(*ending),
        _ => None,
    })
}

fn state_of(ending: &Ending, withheld: bool) -> EdgeState {
    match ending.achieved {
        Achieved::TlsAuthenticated => EdgeState::Verified,
        Achieved::Tls => EdgeState::Tls,
        Achieved::Clear if ending.result_type.is_some() => EdgeState::ClearWanted,
        Achieved::Clear => EdgeState::Clear,
        Achieved::Deferred | Achieved::Bounced if withheld => EdgeState::Withheld,
        Achieved::Deferred | Achieved::Bounced => EdgeState::Refused,
    }
}
