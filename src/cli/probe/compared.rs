//! A server compared with a lab that is started for the purpose.

use serde::Serialize;

use super::super::output::Failure;
use super::{Args, options};
use crate::lab::{Engine, Listening, Options as LabOptions};
use crate::pki::Certificate;
use crate::probe::{Difference, FacetKind, Options, Prober, Run, Target, differences, facets};
use crate::scenario::ScenarioText;
use crate::wire::Ports;

/// The differences between a server and a lab.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Compared {
    /// The server.
    pub(super) server: String,
    /// The lab's connector.
    pub(super) lab: String,
    /// The differences; `one` is the server's value, `other` the lab's.
    pub(super) differences: Vec<Difference>,
}

/// The time that a lab may take to end its conversations.
const GRACE: std::time::Duration = std::time::Duration::from_secs(1);

/// Starts the lab on loopback, probes it as the server was probed, and compares the two.
pub(super) async fn compare(
    args: &Args,
    run: &Run,
    text: &ScenarioText,
    roots: &[Certificate],
) -> Result<Compared, Failure> {
    let reached = run.members().find(|(_, member)| member.unreachable.is_none());
    let Some((host, member)) = reached else {
        return Err(Failure::not_ready(
            "--compare: no connection could be made, so there is nothing to compare",
        ));
    };
    let lab = Engine::start(text, LabOptions { ports: Ports::Free, ..LabOptions::default() }).await?;
    let connector = connector(args, &lab.connectors(), &host.name)?;
    let trusted: Vec<Certificate> = roots.iter().cloned().chain([lab.root().clone()]).collect();
    // The lab is probed as the server was: for the same name.
    let options = Options { name: Some(host.name.clone()), ..options(args) };
    let prober = Prober::new(options, &trusted, lab.clock());
    let prober = prober.map_err(|error| Failure::usage(error.to_string()))?;
    let target = Target { host: connector.addr.ip().to_string(), port: connector.addr.port() };
    let seen = prober.probe(&[target]).await;
    lab.finish(GRACE).await;
    let twin = seen.members().next().map(|(_, twin)| facets(twin)).unwrap_or_default();
    Ok(Compared {
        server: host.called(member),
        lab: format!("{}\\{} of {}", connector.computer, connector.name, text.origin()),
        // A stand-in certificate has another key.
        differences: differences(&facets(member), &twin, &[FacetKind::Key]),
    })
}

/// Returns the connector to compare with: the named one, or the one that answers as the host, or the first.
fn connector(args: &Args, listening: &[Listening], host: &str) -> Result<Listening, Failure> {
    let found = match &args.connector {
        Some(name) => {
            let named = |it: &&Listening| {
                it.name.eq_ignore_ascii_case(name)
                    || format!("{}\\{}", it.computer, it.name).eq_ignore_ascii_case(name)
            };
            let known: Vec<String> =
                listening.iter().map(|it| format!("'{}\\{}'", it.computer, it.name)).collect();
            return listening.iter().find(named).cloned().ok_or_else(|| {
                Failure::usage(format!(
                    "--connector: no receive connector `{name}` listens in this lab; there are {}",
                    known.join(", ")
                ))
            });
        }
        None => listening.iter().find(|it| it.fqdn.eq_ignore_ascii_case(host)).or_else(|| listening.first()),
    };
    found.cloned().ok_or_else(|| Failure::usage("--compare: no receive connector of this lab listens"))
}
