//! The transport service of a lab: mail that one computer has accepted goes on to the next.
//!
//! [`exchange::route`](crate::exchange::route) decides where a message goes, domain by domain. This module
//! delivers it, by the Send connector of the computer it is on, to the socket where the next computer listens
//! for the connector's port. The relay connects to sockets of the lab and to nothing else.
//!
//! A message that cannot be delivered stays in a queue of the computer until the lab's clock has reached the
//! next attempt. It is routed anew then, so a change of the lab counts for it. Queues are bounded; a message
//! without a place in them is given up with a record.
//!
//! # What is not emulated
//!
//! - The authentication inside X-ANONYMOUSTLS: neither X-EXPS with EXCHANGEAUTH nor direct trust between Edge
//!   and Hub takes place. A server knows another one of its organization by the socket that it calls from,
//!   and grants it what the permission group ExchangeServers has, once X-ANONYMOUSTLS has succeeded. Servers
//!   of another organization are not asked for X-ANONYMOUSTLS.
//! - Non-delivery reports and delivery status notifications: what is given up leaves a record.
//! - Shadow redundancy, and the front end that proxies to the service behind it: a message belongs to the
//!   computer that accepted it. Hub Transport servers do not hand mail to each other.
//! - The parameters of MAIL and RCPT (BODY, SMTPUTF8, RET, ENVID, NOTIFY, ORCPT), which are not handed on.
//! - Transport rules, size limits of Send connectors, the shorter intervals of the first retries, and the
//!   protocol log of the implicit connector (IntraOrgConnectorProtocolLoggingLevel).

mod attempt;
mod queue;
mod way;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Listening;
use super::state::LabState;
use crate::exchange::{Computer, Route, SendConnector, route};
use crate::journal::{Record, Tracking, TrackingEvent};
use crate::pki::Certificate;
use crate::session::Message;
use crate::session::send::{Delivery, NextAttempt, Queue};
use crate::smtp::Address;
use queue::{MOST_MESSAGES, MOST_OCTETS, Queues, Room};

/// The time for which an attempt that is under way may go on when the lab ends.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// Brings messages from one computer of a lab to the next.
pub(super) struct Relay {
    live: Arc<LabState>,
    sessions: Arc<AtomicU64>,
    listening: Arc<Listening>,
    roots: Vec<Certificate>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    queues: Arc<Queues>,
}

/// A message in a queue, for its recipients in one domain.
struct Queued {
    /// The computer that has it.
    computer: String,
    domain: String,
    recipients: Vec<Address>,
    message: Arc<Message>,
    entered: Timestamp,
    /// The attempts so far, by the connector as it was at the last of them.
    delivery: Option<Delivery>,
    _room: Room,
}

impl Relay {
    /// Returns a relay between the sockets in `listening`, whose senders trust `roots`. Every message that
    /// waits is a task of `tasks`, and ends with `shutdown`.
    pub(super) fn new(
        live: Arc<LabState>,
        sessions: Arc<AtomicU64>,
        listening: Arc<Listening>,
        roots: Vec<Certificate>,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self { live, sessions, listening, roots, tasks, shutdown, queues: Arc::default() }
    }

    /// Takes over a message that `computer` has accepted and the journal holds. It returns at once; a message
    /// that stays on this computer is in the journal by then.
    pub(super) fn accept(self: &Arc<Self>, computer: &Computer, message: &Arc<Message>) {
        // For a single computer that sends nothing, there is nothing to relay and nothing more to record.
        if self.live.sends_nothing() {
            return;
        }
        let (computers, zone) = self.live.map();
        let Some(computer) = computers.iter().find(|known| known.name == computer.name) else { return };
        for (domain, recipients) in by_domain(message) {
            // `RCPT TO:<postmaster>` is for the server that is asked (RFC 5321 section 4.5.1).
            let here = domain.is_empty() || route(computer, &domain, &computers, &zone) == Route::Here;
            if here {
                self.track(&computer.name, message, &recipients, TrackingEvent::Deliver);
                continue;
            }
            let Some(room) = self.queues.room(message.size()) else {
                let why = format!(
                    "the queues of the lab are full ({MOST_MESSAGES} messages, {MOST_OCTETS} bytes)."
                );
                self.track(
                    &computer.name,
                    message,
                    &recipients,
                    TrackingEvent::Fail { connector: None, why },
                );
                continue;
            };
            let queued = Queued {
                computer: computer.name.clone(),
                domain,
                recipients,
                message: Arc::clone(message),
                entered: self.live.clock().now(),
                delivery: None,
                _room: room,
            };
            let relay = Arc::clone(self);
            self.tasks.spawn(async move { relay.keep(queued).await });
        }
    }

    /// Keeps a message until it is delivered or given up, or the lab ends.
    async fn keep(&self, mut queued: Queued) {
        while !self.shutdown.is_cancelled() {
            let next = tokio::select! {
                next = self.turn(&mut queued) => next,
                () = self.cut_off() => return,
            };
            match next {
                NextAttempt::Now => {}
                NextAttempt::At(time) => {
                    self.shutdown.run_until_cancelled(self.live.clock().until(time)).await;
                }
                NextAttempt::Never => return,
            }
        }
    }

    async fn cut_off(&self) {
        self.shutdown.cancelled().await;
        self.live.clock().sleep(DRAIN_TIMEOUT).await;
    }

    /// Routes a message by the lab's present configuration, and makes an attempt if there is a way.
    async fn turn(&self, queued: &mut Queued) -> NextAttempt {
        let (computers, zone) = self.live.map();
        let Some(computer) = computers.iter().find(|known| known.name == queued.computer) else {
            let why = format!("{} is not in the lab any more.", queued.computer);
            return self.give_up(queued, None, why);
        };
        match route(computer, &queued.domain, &computers, &zone) {
            Route::Here => {
                let (name, message) = (&queued.computer, &queued.message);
                self.track(name, message, &queued.recipients, TrackingEvent::Deliver);
                NextAttempt::Never
            }
            Route::Nowhere { connector, why } => {
                self.hold(queued, connector.as_deref(), why, Queue::Exchange(computer.profile))
            }
            Route::Over { connector, hops } => {
                let way =
                    attempt::Way { computer, computers: &computers, zone: &zone, connector: &connector };
                self.send(queued, way, hops).await
            }
        }
    }

    /// Keeps a message for another attempt, unless it has been kept for too long.
    fn hold(
        &self,
        queued: &Queued,
        connector: Option<&SendConnector>,
        last_error: String,
        queue: Queue,
    ) -> NextAttempt {
        let now = self.live.clock().now();
        let Ok(retry) = now.checked_add(queue.retry_after()) else { return NextAttempt::Never };
        if now.duration_since(queued.entered) >= queue.keeps_for() {
            return self.give_up(queued, connector, "it was in the queue for too long.".to_owned());
        }
        let connector = connector.map(|connector| connector.name.clone());
        let event = TrackingEvent::Defer { connector, last_error, retry };
        self.track(&queued.computer, &queued.message, &queued.recipients, event);
        NextAttempt::At(retry)
    }

    fn give_up(&self, queued: &Queued, connector: Option<&SendConnector>, why: String) -> NextAttempt {
        let connector = connector.map(|connector| connector.name.clone());
        let event = TrackingEvent::Fail { connector, why };
        self.track(&queued.computer, &queued.message, &queued.recipients, event);
        NextAttempt::Never
    }

    fn track(&self, computer: &str, message: &Message, recipients: &[Address], event: TrackingEvent) {
        let tracking = Tracking {
            event,
            computer: computer.to_owned(),
            message: message.id,
            recipients: recipients.iter().map(ToString::to_string).collect(),
        };
        self.live.journal().append(self.live.clock().now(), None, Record::Tracking(Box::new(tracking)));
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relay")
    }
}

/// Returns the recipients of a message by domain, in the order in which the domains come up.
fn by_domain(message: &Message) -> Vec<(String, Vec<Address>)> {
    let mut domains: Vec<(String, Vec<Address>)> = Vec::new();
    for recipient in &message.recipients {
        let address = &recipient.forward_path;
        let domain = address.domain().unwrap_or_default().to_lowercase();
        match domains.iter_mut().find(|(known, _)| *known == domain) {
            Some((_, recipients)) => recipients.push(address.clone()),
            None => domains.push((domain, vec![address.clone()])),
        }
    }
    domains
}
