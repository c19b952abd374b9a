//! The picture of who sends to whom: computers, connectors and peers, and on each way how mail went last.
//!
//! What it says of a way was seen by the lab. Whether a client that is no part of it has verified a certificate,
//! the lab cannot see, so only its own senders are ever drawn as verifying.

mod drawing;
mod names;
mod senders;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, json, typed};
use super::input::Query;
use super::problem::Problem;
use crate::exchange::{Computer, Outcome, ReceiveConnector, select_for};
use crate::lab::Listening;
use crate::observe::SessionSummary;
use crate::session::send;
use names::{NameView, names};

/// The maximum number of peers that are drawn, those that came last.
const MOST_PEERS: usize = 50;

/// The picture of who sends to whom.
#[derive(Serialize, JsonSchema)]
pub(super) struct PictureView {
    /// Computers, connectors and peers.
    nodes: Vec<Node>,
    /// The ways that mail went or tried to go, the newest last.
    edges: Vec<Edge>,
    /// The five names of one connector: the one that is asked for, else the first that withholds STARTTLS, else
    /// the first.
    names: Vec<NameView>,
    /// The connector that the names are of, as `SERVER\Name`.
    names_of: Option<String>,
    /// The number of peers that are left out, because others came later.
    left_out: usize,
    /// The number of the journal's newest entry.
    seq: u64,
    /// The drawing as SVG, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawing: Option<String>,
}

/// A computer, a connector or a peer.
#[derive(Serialize, JsonSchema)]
pub(super) struct Node {
    /// The identifier that edges use.
    id: String,
    /// The kind of node.
    kind: NodeKind,
    /// Its name.
    label: String,
    /// A second line: the FQDN, or the peer's name in EHLO or HELO.
    detail: String,
    /// The computer of a connector.
    computer: Option<String>,
    /// The state of STARTTLS on a receive connector: `offered`, `withheld`, `off` (Tls is not in
    /// AuthMechanism) or `disabled`.
    state: Option<&'static str>,
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NodeKind {
    /// A computer of the lab.
    Computer,
    /// A receive connector.
    ReceiveConnector,
    /// A Send connector.
    SendConnector,
    /// A sender of the lab file.
    Sender,
    /// A peer that sent to the lab, or that the lab sent to.
    Peer,
}

/// A way that mail went or tried to go.
#[derive(Serialize, JsonSchema)]
pub(super) struct Edge {
    /// The node that sends.
    from: String,
    /// The node that receives.
    to: String,
    /// The result of the last attempt.
    state: EdgeState,
    /// The result of the last attempt, in words.
    words: String,
    /// True if it was seen in a dry run on a copy of the lab, and nobody has sent this way yet.
    tried: bool,
    /// The newest session on it, unless it was only tried.
    session: Option<String>,
    /// The number of messages that went this way.
    messages: u64,
    /// The number of the newest entry about it.
    seq: u64,
}

/// The result of an attempt to send mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EdgeState {
    /// Over TLS, and the sender, which is one of the lab's, has verified the certificate.
    Verified,
    /// Over TLS.
    Tls,
    /// In clear, and nobody wanted TLS.
    Clear,
    /// In clear, although the connector is to offer TLS or the client asked for it.
    ClearWanted,
    /// Not at all: one side refused.
    Refused,
    /// Not at all: STARTTLS is withheld.
    Withheld,
    /// Not at all, for no reason that was seen.
    None,
}

impl EdgeState {
    /// Returns the name that the JSON and the classes of the drawing have.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Tls => "tls",
            Self::Clear => "clear",
            Self::ClearWanted => "clear_wanted",
            Self::Refused => "refused",
            Self::Withheld => "withheld",
            Self::None => "none",
        }
    }

    /// Returns a word or two, for the drawing.
    const fn as_label(self) -> &'static str {
        match self {
            Self::Verified => "TLS, verified",
            Self::Tls => "TLS",
            Self::Clear | Self::ClearWanted => "in clear",
            Self::Refused => "refused",
            Self::Withheld => "withheld",
            Self::None => "no mail",
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Verified => "over TLS, verified by the sender",
            Self::Tls => "over TLS",
            Self::Clear => "in clear",
            Self::ClearWanted => "in clear, although TLS was wanted",
            Self::Refused => "refused",
            Self::Withheld => "no mail: STARTTLS is withheld",
            Self::None => "no mail yet",
        }
    }
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::read(query.as_deref(), &[&PARAMETERS[..], &["drawing"]].concat())?;
    let mut view = picture(&shared, &query).await?;
    // Both in one answer, because they stand for one dry run.
    view.drawing = query.flag("drawing")?.unwrap_or(false).then(|| drawing::draw(&view));
    json(&view)
}

pub(super) async fn drawing(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &PARAMETERS)?;
    Ok(typed("image/svg+xml", drawing::draw(&picture(&shared, &query).await?)))
}

/// The parameters of the picture in both forms.
const PARAMETERS: [&str; 3] = ["computer", "connector", "senders"];

async fn picture(shared: &Shared, query: &Query) -> Result<PictureView, Problem> {
    let with_senders = query.flag("senders")?.unwrap_or(false);
    let seq = shared.observer().newest();
    let (computers, listening) = (shared.lab.computers(), shared.lab.connectors());
    let now = shared.lab.clock().now();
    let state = |computer: &Computer, connector: &ReceiveConnector| offer(computer, connector, now);
    let mut nodes = Vec::new();
    for computer in &computers {
        nodes.push(Node {
            id: format!("computer:{}", computer.name),
            kind: NodeKind::Computer,
            label: computer.name.clone(),
            detail: computer.fqdn.to_string(),
            computer: None,
            state: None,
        });
        nodes.extend(computer.receive_connectors.iter().map(|connector| Node {
            id: receiving(&computer.name, &connector.name),
            kind: NodeKind::ReceiveConnector,
            label: connector.name.clone(),
            detail: computer.fqdn_of(connector).to_string(),
            computer: Some(computer.name.clone()),
            state: Some(state(computer, connector)),
        }));
        nodes.extend(computer.send_connectors.iter().map(|connector| Node {
            id: sending(&computer.name, &connector.name),
            kind: NodeKind::SendConnector,
            label: connector.name.clone(),
            detail: computer.send_fqdn_of(connector).to_string(),
            computer: Some(computer.name.clone()),
            state: None,
        }));
    }
    let states: HashMap<String, &str> =
        nodes.iter().filter_map(|node| Some((node.id.clone(), node.state?))).collect();
    let sessions = shared.observer().sessions(shared.mark());
    let plan = shared.lab.plan();
    let (mut edges, left_out) = edges(&sessions, &states, &listening);
    if with_senders {
        let (senders, ways) = senders::tried(shared, &plan).await?;
        nodes.extend(senders);
        edges.splice(0..0, ways);
    }
    nodes.extend(peers(&edges, &nodes));
    let asked = |computer: &Computer, connector: &ReceiveConnector| {
        query.get("computer").is_none_or(|name| name.eq_ignore_ascii_case(&computer.name))
            && query.get("connector").is_none_or(|name| name.eq_ignore_ascii_case(&connector.name))
    };
    let all =
        || computers.iter().flat_map(|it| it.receive_connectors.iter().map(move |connector| (it, connector)));
    let all = || all().filter(|(computer, connector)| asked(computer, connector));
    let chosen =
        all().find(|(computer, connector)| state(computer, connector) == "withheld").or_else(|| all().next());
    Ok(PictureView {
        nodes,
        edges,
        names: chosen.map(|(on, connector)| names(&plan, on, connector, &sessions)).unwrap_or_default(),
        names_of: chosen.map(|(computer, connector)| format!("{}\\{}", computer.name, connector.name)),
        left_out,
        seq,
        drawing: None,
    })
}

/// Returns what a receive connector offers.
fn offer(computer: &Computer, connector: &ReceiveConnector, now: Timestamp) -> &'static str {
    if !connector.enabled {
        return "disabled";
    }
    match select_for(connector, computer, now).outcome {
        Outcome::NotConfigured => "off",
        Outcome::Withheld => "withheld",
        Outcome::Offered(_) => "offered",
    }
}

/// Returns what the receive connector with this node offers.
fn offer_of(computers: &[Arc<Computer>], now: Timestamp, node: &str) -> Option<&'static str> {
    computers.iter().find_map(|computer| {
        let mut connectors = computer.receive_connectors.iter();
        let connector = connectors.find(|connector| receiving(&computer.name, &connector.name) == node)?;
        Some(offer(computer, connector, now))
    })
}

fn receiving(computer: &str, connector: &str) -> String {
    format!("receive:{computer}\\{connector}")
}

fn sending(computer: &str, connector: &str) -> String {
    format!("send:{computer}\\{connector}")
}

/// Returns the ways that the sessions took, and the number of those that are left out. A session that the lab
/// holds with itself is drawn once, from its Send connector.
fn edges(
    sessions: &[Arc<SessionSummary>],
    states: &HashMap<String, &str>,
    listening: &[Listening],
) -> (Vec<Edge>, usize) {
    let mut edges: HashMap<(String, String), Edge> = HashMap::new();
    for session in sessions {
        let (from, to) = if session.sends() {
            let there = listening.iter().find(|it| it.addrs.contains(&session.place.remote));
            let peer = format!("peer:{}", session.peer().ip());
            let to = there.map_or(peer, |it| receiving(&it.computer, &it.name));
            (sending(session.computer(), session.connector()), to)
        } else if session.place.peer.is_some() {
            continue;
        } else {
            let to = receiving(session.computer(), session.connector());
            (format!("peer:{}", session.peer().ip()), to)
        };
        // A connector that is gone is not drawn.
        if !session.sends() && !states.contains_key(&to) {
            continue;
        }
        let state = state_of(session, states.get(&to).copied());
        let before = edges.remove(&(from.clone(), to.clone()));
        let messages = before.map_or(0, |edge| edge.messages) + messages(session);
        let edge = Edge {
            from: from.clone(),
            to: to.clone(),
            state,
            words: state.in_words().to_owned(),
            tried: false,
            session: Some(session.session.to_string()),
            messages,
            seq: session.seq,
        };
        edges.insert((from, to), edge);
    }
    let mut edges: Vec<_> = edges.into_values().collect();
    edges.sort_by_key(|edge| edge.seq);
    let left_out = edges.len().saturating_sub(MOST_PEERS);
    (edges.split_off(left_out), left_out)
}

fn messages(session: &SessionSummary) -> u64 {
    match session.attempt() {
        Some(attempt) => attempt.outcome.is_delivered().into(),
        None => session.messages_in_clear + session.messages_over_tls,
    }
}

/// Returns how mail went in a session with a connector that offers what `offer` says.
fn state_of(session: &SessionSummary, offer: Option<&str>) -> EdgeState {
    if let Some(attempt) = session.attempt() {
        return match attempt.outcome {
            send::Outcome::DeliveredOverTls { authenticated: true } => EdgeState::Verified,
            send::Outcome::DeliveredOverTls { authenticated: false } => EdgeState::Tls,
            send::Outcome::DeliveredInClear if offer == Some("off") => EdgeState::Clear,
            send::Outcome::DeliveredInClear => EdgeState::ClearWanted,
            send::Outcome::Deferred | send::Outcome::Bounced if offer == Some("withheld") => {
                EdgeState::Withheld
            }
            send::Outcome::Deferred | send::Outcome::Bounced => EdgeState::Refused,
        };
    }
    let failed = session.tls_failure.is_some() || session.limit.is_some() || session.was_refused();
    match (session.messages_over_tls, session.messages_in_clear) {
        (1.., _) => EdgeState::Tls,
        (0, 1..) if offer == Some("off") => EdgeState::Clear,
        (0, 1..) => EdgeState::ClearWanted,
        (0, 0) if failed => EdgeState::Refused,
        (0, 0) if session.tls.is_none() && offer == Some("withheld") => EdgeState::Withheld,
        (0, 0) => EdgeState::None,
    }
}

/// Returns the peers at the ends of the edges.
fn peers(edges: &[Edge], known: &[Node]) -> Vec<Node> {
    let mut ids: Vec<&str> = edges.iter().flat_map(|edge| [edge.from.as_str(), edge.to.as_str()]).collect();
    ids.sort_unstable();
    ids.dedup();
    let new = ids.into_iter().filter(|id| !known.iter().any(|node| node.id == *id));
    new.map(|id| {
        let (_, label) = id.split_once(':').unwrap_or(("", id));
        Node {
            id: id.to_owned(),
            kind: if id.starts_with("peer:") { NodeKind::Peer } else { NodeKind::SendConnector },
            label: label.to_owned(),
            detail: String::new(),
            computer: None,
            state: None,
        }
    })
    .collect()
}
