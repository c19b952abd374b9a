//! A lab as a whole: starts it, changes it while it runs, and ends it.

mod changes;
mod connector_change;
mod edit;
mod faults;
mod plan;
mod prompt;
mod test_delivery;
mod verify;
mod work;

pub use connector_change::{ConnectorChange, ConnectorState, Purpose};
pub use plan::Plan;
pub use prompt::{Ending, Entered};
pub use test_delivery::{TestDelivery, TestMessage, TestReport};
pub use verify::{Trials, dry_run, verify};

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use changes::changes;
use faults::faults;

use crate::clock::{Clock, DryRunError};
use crate::exchange::cmdlet::ShellState;
use crate::exchange::{Computer, EventKind, Outcome, ReceiveConnector, Zone};
use crate::journal::{Bounds, Journal, Record};
use crate::observe::Observer;
use crate::pki::{Certificate, KeyPair, PkiError};
use crate::scenario::{self, Built, Issuer, MadeCertificates, Resolved, ScenarioError, ScenarioText};
use crate::tls::TlsSetupError;
use crate::wire::{BindError, LabState, Network, Ports, PortsError, Sender, Server, Wanted, wanted};

/// The options of a running lab.
#[derive(Clone, Debug)]
pub struct Options {
    /// The mapping of the bindings' ports to ports of this machine.
    pub ports: Ports,
    /// An address to listen on in place of loopback.
    pub bind: Option<IpAddr>,
    /// The bounds of the journal.
    pub bounds: Bounds,
    /// The maximum number of bytes of content under way in all conversations together.
    pub content_under_way: u64,
    /// True if mail goes on from one computer to the next, by Send connectors and never out of the lab.
    pub relay: bool,
    /// The network that it listens and connects on.
    pub network: Network,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: Ports::default(),
            bind: None,
            bounds: Bounds::default(),
            content_under_way: 1 << 30,
            relay: true,
            network: Network::default(),
        }
    }
}

/// The reason why a lab could not be started or changed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The scenario is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A certificate or key could not be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The lab has no receive connector, so that nobody could connect to it.
    #[error(
        "{0}: nothing would listen: no computer has a [[computer.receive_connector]]; `check` and `verify` take such a lab"
    )]
    NothingListens(String),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// A socket could not be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The ports that were asked for do not fit the lab.
    #[error(transparent)]
    Ports(#[from] PortsError),
    /// Something could not be observed, or two records of it contradict each other.
    #[error("{0}")]
    Unobserved(String),
    /// A dry run did not come to its end.
    #[error(transparent)]
    DryRun(#[from] DryRunError),
}

/// The engine of a running lab; tests hold a `harness::Lab`.
#[derive(Debug)]
pub struct Engine {
    live: Arc<LabState>,
    observer: Arc<Observer>,
    server: Server,
    options: Options,
    desk: Mutex<EditState>,
    /// Held while a change is made, so that the next one begins where it ended.
    changing: Arc<tokio::sync::Mutex<()>>,
    root: Certificate,
}

/// The state that is needed to change a running lab.
#[derive(Debug)]
struct EditState {
    text: ScenarioText,
    senders: Vec<scenario::Sender>,
    issuer: Issuer,
    state: ShellState,
    /// Commands that stopped at a question, with the certificates that were made for them.
    asked: Option<(String, MadeCertificates)>,
}

/// A connector that listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listening {
    /// The computer's name.
    pub computer: String,
    /// The connector's name.
    pub name: String,
    /// The name it answers with.
    pub fqdn: String,
    /// The address that it listens on; of several the first.
    pub addr: SocketAddr,
    /// All addresses that it listens on.
    pub addrs: Vec<SocketAddr>,
    /// True if STARTTLS is offered now.
    pub starttls: bool,
}

impl Engine {
    /// Logs what the transport service logs at its start, then binds everything and takes connections.
    ///
    /// # Errors
    ///
    /// An error in the scenario, or the socket that could not be bound. Nothing listens then.
    pub async fn start(text: &ScenarioText, options: Options) -> Result<Self, LabError> {
        Self::start_plan(Plan::listening(text)?, options).await
    }

    /// Starts a lab that has been planned.
    ///
    /// # Errors
    ///
    /// The socket that could not be bound. Nothing listens then.
    pub async fn start_plan(plan: Plan, options: Options) -> Result<Self, LabError> {
        let Plan { clock, computers, zone, senders, text, issuer } = plan;
        let root = issuer.root().clone();
        let wanted = sockets(&computers, &options)?;
        let journal = Arc::new(Journal::new(options.bounds));
        let observer = Observer::of(&journal, options.bounds);
        let faults = faults(&computers);
        let computers = computers.into_iter().map(|built| built.computer).collect();
        let live = Arc::new(
            LabState::new(computers, clock, journal)
                .with_network(options.network.clone())
                .with_zone(zone)
                .with_roots(vec![root.clone()])
                .with_faults(faults),
        );
        let content = options.content_under_way;
        let server = if options.relay {
            Server::relaying(Arc::clone(&live), content, vec![root.clone()])
        } else {
            Server::new(Arc::clone(&live), content)
        };
        live.log_start();
        let bound = server.bind(&wanted).await?;
        server.serve(bound);
        let desk = Mutex::new(EditState { text, senders, issuer, state: ShellState::default(), asked: None });
        Ok(Self { live, observer, server, options, desk, changing: Arc::default(), root })
    }

    /// Puts another scenario in place of the running one; it counts from the next connection.
    ///
    /// Certificates whose description did not change stay the same. Returns what changed for which clients, a
    /// line for each connector.
    ///
    /// # Errors
    ///
    /// An error in the scenario, or a socket that could not be bound. Nothing has changed then.
    pub async fn change(&self, text: &ScenarioText) -> Result<Vec<String>, LabError> {
        let changing = Arc::clone(&self.changing).lock_owned().await;
        let wanted = text.clone();
        let build = move |issuer: &mut Issuer| {
            let resolved = wanted.resolve()?;
            let computers = resolved.build(issuer, &mut KeyPair::generate)?;
            check_listens(&computers, &wanted)?;
            let Resolved { zone, senders, .. } = resolved;
            Ok::<_, LabError>((computers, zone, senders))
        };
        let (_changing, built) = self.work(changing, build).await;
        let (computers, zone, senders) = built?;
        let what = self.put_in_place(computers, zone).await?;
        let mut desk = self.desk();
        desk.text = text.clone();
        desk.senders = senders;
        Ok(what)
    }

    /// Logs what the transport service logs when it starts, as after a restart of it, including events that
    /// were logged a moment ago. Open conversations go on.
    pub async fn log_start(&self) {
        let _changing = self.changing.lock().await;
        self.live.forget_logged();
        self.live.log_start();
    }

    /// Binds what is new, and lets the next connection meet these computers.
    async fn put_in_place(&self, computers: Vec<Built>, zone: Zone) -> Result<Vec<String>, LabError> {
        let wanted = sockets(&computers, &self.options)?;
        let bound = self.server.bind(&wanted).await?;
        let before = self.offers();
        self.live.put_faults(faults(&computers));
        self.live.replace(computers.into_iter().map(|built| built.computer).collect(), zone);
        self.server.keep_only(&wanted);
        self.server.serve(bound);
        let what = changes(&before, &self.offers());
        let record = Record::Changed { what: what.join("; ") };
        self.live.journal().append(self.live.clock().now(), None, record);
        Ok(what)
    }

    // Nothing is left half changed under this lock, so a panic elsewhere does not spoil it.
    fn desk(&self) -> MutexGuard<'_, EditState> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes in the journal that a change was refused.
    pub fn refuse_change(&self, why: &str) {
        let record = Record::ChangeRefused { why: why.to_owned() };
        self.live.journal().append(self.live.clock().now(), None, record);
    }

    /// Returns the journal of everything that happened.
    pub fn journal(&self) -> &Arc<Journal> {
        self.live.journal()
    }

    /// Returns the observer, which derives sessions, messages, events, verdicts and their numbers from the
    /// journal.
    pub fn observer(&self) -> &Arc<Observer> {
        &self.observer
    }

    /// Returns the lab's clock.
    pub fn clock(&self) -> &Clock {
        self.live.clock()
    }

    /// Returns the root that a client of this lab has to trust.
    pub fn root(&self) -> &Certificate {
        &self.root
    }

    /// Returns the computers as the next connection finds them.
    pub fn computers(&self) -> Vec<Arc<Computer>> {
        self.live.computers()
    }

    /// Returns the connectors that listen, with their addresses.
    pub fn connectors(&self) -> Vec<Listening> {
        let endpoints = self.server.endpoints();
        let mut listening = Vec::new();
        for computer in self.computers() {
            for connector in computer.receive_connectors.iter().filter(|connector| connector.enabled) {
                let here = endpoints.iter().filter(|endpoint| {
                    endpoint.computer == computer.name && connector.bindings.contains(&endpoint.binding)
                });
                let mut addrs: Vec<_> = here.map(|endpoint| endpoint.address).collect();
                addrs.sort_by_key(SocketAddr::is_ipv6);
                let Some(addr) = addrs.first().copied() else { continue };
                listening.push(Listening {
                    computer: computer.name.clone(),
                    name: connector.name.clone(),
                    fqdn: computer.fqdn_of(connector).to_string(),
                    addr,
                    addrs,
                    starttls: self.live.selection(&computer, connector).offered().is_some(),
                });
            }
        }
        listening
    }

    /// Returns a Send connector of a computer, ready to send, with the certificate that the selection picks;
    /// it trusts the lab's root. Returns `None` if there is no such connector.
    ///
    /// # Errors
    ///
    /// TLS that cannot be set up.
    pub fn sender(&self, computer: &str, connector: &str) -> Result<Option<Sender>, LabError> {
        self.sender_who_trusts(std::slice::from_ref(&self.root), computer, connector)
    }

    fn sender_who_trusts(
        &self,
        roots: &[Certificate],
        computer: &str,
        connector: &str,
    ) -> Result<Option<Sender>, LabError> {
        let computers = self.computers();
        let computer = computers.iter().find(|known| known.name.eq_ignore_ascii_case(computer));
        let found = computer.and_then(|it| Some((Arc::clone(it), Arc::clone(it.send_connector(connector)?))));
        let Some((computer, connector)) = found else {
            return Ok(None);
        };
        let live = Arc::clone(&self.live);
        let sender = Sender::selecting(live, self.server.sessions(), computer, connector, roots);
        Ok(Some(sender?))
    }

    /// Stops listening, sends every peer a 421 reply, and waits at most `grace` for conversations to end.
    /// Mail that waits in a queue is not sent any more.
    ///
    /// Returns whether all have ended. Ports are free afterwards in any case.
    pub async fn finish(&self, grace: Duration) -> bool {
        self.server.finish(grace).await
    }

    /// Stops listening, and waits at most `patience` for conversations to end by themselves.
    ///
    /// Returns whether all have ended.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.server.drain(patience).await
    }

    fn offers(&self) -> Vec<(String, String)> {
        let computers = self.computers();
        let each = computers.iter().flat_map(|computer| {
            computer.receive_connectors.iter().map(move |connector| (computer, connector))
        });
        each.map(|(computer, connector)| {
            (format!("{}\\{}", computer.name, connector.name), self.offer(computer, connector))
        })
        .collect()
    }

    fn offer(&self, computer: &Computer, connector: &ReceiveConnector) -> String {
        if !connector.enabled {
            return "disabled".to_owned();
        }
        let fqdn = computer.fqdn_of(connector);
        let selection = self.live.selection(computer, connector);
        let starttls = match selection.outcome {
            Outcome::NotConfigured => "no STARTTLS (Tls is not in AuthMechanism)".to_owned(),
            Outcome::Withheld => format!(
                "no STARTTLS (event {}: nothing fits {})",
                EventKind::NoCertificateForStarttls.id(),
                selection.key
            ),
            Outcome::Offered(offered) => match computer.store.find(offered.thumbprint) {
                Some(stored) => format!("STARTTLS with {} {}", stored.facts.subject, stored.thumbprints()),
                None => "STARTTLS".to_owned(),
            },
        };
        format!("{fqdn}, {starttls}")
    }
}

/// Checks that somebody could connect to a lab of these computers.
fn check_listens(computers: &[Built], text: &ScenarioText) -> Result<(), LabError> {
    if computers.iter().all(|built| built.computer.receive_connectors.is_empty()) {
        return Err(LabError::NothingListens(text.origin().to_owned()));
    }
    Ok(())
}

fn sockets(computers: &[Built], options: &Options) -> Result<Vec<Wanted>, LabError> {
    let each = computers.iter().map(|built| (&*built.computer, options.bind.unwrap_or(built.address)));
    Ok(wanted(each, options.ports)?)
}
