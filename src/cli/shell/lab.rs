//! The lab that a Shell works on: its own, or a running one that is reached by its control API.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::cli::client::{Client, Reply};
use crate::cli::output::Failure;
use crate::exchange::cmdlet::{Nameable, NameableCertificate};
use crate::exchange::{Profile, Services};
use crate::lab::{ConnectorChange, Ending, Engine, Entered, Listening};
use crate::scenario::AnswerSpec;

/// The lab that a Shell works on.
pub(super) enum Lab {
    /// A lab that lives as long as the Shell.
    Own(Runtime, Arc<Engine>),
    /// A running lab.
    Attached(Client),
}

/// The outcome of what was typed.
pub(super) struct Ran {
    pub(super) screen: String,
    pub(super) changed: bool,
    pub(super) changes: Vec<ConnectorChange>,
    pub(super) ending: End,
}

impl Ran {
    fn refused(why: String) -> Self {
        Self { screen: String::new(), changed: false, changes: Vec::new(), ending: End::Refused(why) }
    }
}

/// The endings of what was typed.
pub(super) enum End {
    /// All of it was done.
    Done,
    /// It was refused, with these words.
    Refused(String),
    /// A question has no answer yet, and nothing has changed.
    Asks(String),
}

/// A server of the lab.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) fqdn: String,
    pub(super) profile: Profile,
    #[serde(default)]
    receive_connectors: Vec<String>,
    #[serde(default)]
    send_connectors: Vec<String>,
}

/// The time that conversations may take after the end of the Shell.
const GRACE: Duration = Duration::from_millis(500);

impl Lab {
    /// Returns the servers, in the order of the lab file.
    pub(super) fn servers(&self) -> Result<Vec<Server>, Failure> {
        match self {
            Self::Own(_, engine) => {
                let computers = engine.computers();
                let each = computers.iter().map(|computer| Server {
                    name: computer.name.clone(),
                    fqdn: computer.fqdn.to_string(),
                    profile: computer.profile,
                    receive_connectors: Vec::new(),
                    send_connectors: Vec::new(),
                });
                Ok(each.collect())
            }
            Self::Attached(client) => get(client, "/api/v1/computers"),
        }
    }

    /// Returns the connectors that listen.
    pub(super) fn connectors(&self) -> Result<Vec<Listening>, Failure> {
        match self {
            Self::Own(_, engine) => Ok(engine.connectors()),
            Self::Attached(client) => {
                let all: Vec<ConnectorAnswer> = get(client, "/api/v1/connectors")?;
                Ok(all.into_iter().filter_map(ConnectorAnswer::listening).collect())
            }
        }
    }

    /// Runs what was typed at the prompt of a server.
    pub(super) fn enter(&self, on: &str, typed: &str, answers: &[AnswerSpec]) -> Result<Ran, Failure> {
        match self {
            Self::Own(runtime, engine) => {
                let entered = runtime.block_on(engine.enter(on, typed, answers));
                let Entered { screen, changed, changes, ending } = match entered {
                    Ok(entered) => entered,
                    // Nothing has changed, and the next input may be a better one.
                    Err(error) => return Ok(Ran::refused(format!("{error}\n"))),
                };
                let ending = match ending {
                    Ending::Done => End::Done,
                    Ending::Refused(error) => End::Refused(error.at_prompt()),
                    Ending::Asks(prompt) => End::Asks(prompt.text),
                    Ending::Unasked(why) => End::Refused(format!("{why}\n")),
                };
                Ok(Ran { screen, changed, changes, ending })
            }
            Self::Attached(client) => {
                let body = json!({ "line": typed, "computer": on, "answers": answers, "ask": true });
                let reply = client.ask("POST", "/api/v1/cmdlets", &body.to_string());
                let reply = reply.map_err(|error| Failure::not_ready(error.to_string()))?;
                if !matches!(reply.status, 200 | 409 | 422) {
                    return Err(problem(client, &reply));
                }
                let answer: CmdletAnswer = read(client, &reply)?;
                let detail = || answer.detail.map(|detail| format!("{detail}\n"));
                let ending = match (reply.status, answer.question) {
                    (200, _) => End::Done,
                    (_, Some(question)) => End::Asks(question),
                    (_, None) => End::Refused(answer.shown.or_else(detail).unwrap_or_default()),
                };
                let CmdletAnswer { output, changed, changes, .. } = answer;
                Ok(Ran { screen: output, changed, changes, ending })
            }
        }
    }

    /// Returns what can be named at the prompt of a server; nothing where the lab does not answer.
    pub(super) fn nameable(&self, on: &str) -> Nameable {
        match self {
            Self::Own(_, engine) => engine.nameable(on),
            Self::Attached(client) => attached(client, on).unwrap_or_default(),
        }
    }

    /// Ends a lab of the Shell's own; a running one goes on.
    pub(super) fn close(self) {
        match self {
            Self::Own(runtime, engine) => {
                runtime.block_on(engine.finish(GRACE));
                runtime.shutdown_background();
            }
            Self::Attached(_) => {}
        }
    }
}

/// A connector, as far as it is read.
#[derive(Deserialize)]
struct ConnectorAnswer {
    computer: String,
    name: String,
    fqdn: String,
    addrs: Vec<SocketAddr>,
    starttls: OfferAnswer,
}

#[derive(Deserialize)]
struct OfferAnswer {
    offered: bool,
}

impl ConnectorAnswer {
    fn listening(self) -> Option<Listening> {
        let Self { computer, name, fqdn, addrs, starttls } = self;
        let addr = *addrs.first()?;
        Some(Listening { computer, name, fqdn, addr, addrs, starttls: starttls.offered })
    }
}

/// The answer to cmdlets: what stands on the screen, or the problem.
#[derive(Deserialize)]
struct CmdletAnswer {
    #[serde(default)]
    output: String,
    #[serde(default)]
    changed: bool,
    #[serde(default)]
    changes: Vec<ConnectorChange>,
    question: Option<String>,
    shown: Option<String>,
    detail: Option<String>,
}

/// A certificate, as far as it is read.
#[derive(Deserialize)]
struct CertificateAnswer {
    computer: String,
    thumbprint: String,
    label: String,
    subject: String,
    issuer: String,
    names: Vec<String>,
    services: Services,
    /// The thumbprint in handshakes, where `thumbprint` is that of a real certificate which this one stands for.
    #[serde(default)]
    handshake_thumbprint: Option<String>,
}

fn attached(client: &Client, on: &str) -> Result<Nameable, Failure> {
    let mut servers: Vec<Server> = get(client, "/api/v1/computers")?;
    // The server of the Shell stands first.
    servers.sort_by_key(|server| !server.name.eq_ignore_ascii_case(on));
    let certificates: Vec<CertificateAnswer> = get(client, "/api/v1/certificates")?;
    let mut known = Nameable { profile: servers.first().map(|it| it.profile), ..Nameable::default() };
    for server in servers {
        let identity = |it: &String| format!("{}\\{it}", server.name);
        known.receive_connectors.extend(server.receive_connectors.iter().map(identity));
        known.send_connectors.extend(server.send_connectors);
        known.servers.push(server.name);
    }
    known.certificates.extend(certificates.into_iter().map(|it| NameableCertificate {
        computer: it.computer,
        thumbprint: it.thumbprint,
        label: it.label,
        subject: it.subject,
        issuer: it.issuer,
        names: it.names,
        services: it.services.to_string(),
        declared: it.handshake_thumbprint.is_some(),
    }));
    Ok(known)
}

fn get<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, Failure> {
    let reply = client.ask("GET", path, "").map_err(|error| Failure::not_ready(error.to_string()))?;
    if reply.status != 200 {
        return Err(problem(client, &reply));
    }
    read(client, &reply)
}

fn read<T: DeserializeOwned>(client: &Client, reply: &Reply) -> Result<T, Failure> {
    serde_json::from_slice(&reply.body).map_err(|error| {
        let at = client.authority();
        Failure::not_ready(format!("the control API at {at} answers something else than expected: {error}"))
    })
}

/// Returns the failure for an answer that is a problem.
fn problem(client: &Client, reply: &Reply) -> Failure {
    let at = client.authority();
    if reply.status == 401 {
        return Failure::usage(format!("the control API at {at} wants a token: --control-token"));
    }
    let value: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let detail = value["detail"].as_str().unwrap_or_default();
    Failure::not_ready(format!("the control API at {at} answers {}: {detail}", reply.status))
}
