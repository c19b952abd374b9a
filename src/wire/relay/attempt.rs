//! One attempt to bring a message to its next hop: over the hops in turn, until one can be spoken to.

use std::sync::Arc;

use super::queue::NextHop;
use super::way::{between, in_turn};
use super::{Queued, Relay};
use crate::exchange::{Computer, Hop, InternalTransport, SendConnector, Zone};
use crate::journal::{TrackingEvent, attempt_sentence};
use crate::session::send::{
    Attempt, Delivery, NextAttempt, Outcome, Outgoing, Queue, Reason, SendSession, SendStage, SenderPolicy,
    Task, last_error,
};
use crate::smtp::Address;
use crate::tls::TlsSetupError;
use crate::wire::Sender;

/// The queue's error if a server of the organization is not recognized as one (NDR table of the
/// documentation).
const NO_SERVER_AUTHENTICATION: &str = "451 5.7.3 Cannot achieve Exchange Server authentication";

/// The computers, the connector and the name service by which a message goes on.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) computer: &'a Arc<Computer>,
    pub(super) computers: &'a [Arc<Computer>],
    pub(super) zone: &'a Zone,
    pub(super) connector: &'a Arc<SendConnector>,
}

/// The end of an attempt, and its last destination.
struct Ended {
    attempt: Attempt,
    hop: Hop,
    endpoint: String,
}

impl Relay {
    /// Makes an attempt, and records what it means for the message.
    pub(super) async fn send(&self, queued: &mut Queued, way: Way<'_>, hops: Vec<Hop>) -> NextAttempt {
        let queue = Queue::Exchange(way.computer.profile);
        let hops = match way.trusted(hops) {
            Ok(hops) => hops,
            Err(why) => return self.hold(queued, Some(way.connector), why, queue),
        };
        let domain = way.connector.dns_routing_enabled.then(|| queued.domain.clone());
        let (computer, connector) = (way.computer.name.clone(), way.connector.name.clone());
        let (turn, connections) = self.queues.turn(NextHop { computer, connector, domain });
        // The semaphore is never closed.
        let _connection = connections.acquire().await.ok();
        let policy = SenderPolicy::of(way.connector, way.computer.profile);
        let delivery = queued.delivery.take().filter(|delivery| *delivery.policy() == policy);
        let mut delivery = delivery.unwrap_or_else(|| Delivery::new(policy, queued.entered));
        let began = self.live.clock().now();
        let task = way.task(queued, &delivery, began);
        let ended = match self.attempt(way, &task, in_turn(way.connector, hops, turn)).await {
            Ok(Some(ended)) => ended,
            Ok(None) => {
                return self.hold(queued, Some(way.connector), NO_SERVER_AUTHENTICATION.into(), queue);
            }
            Err(error) => return self.hold(queued, Some(way.connector), error.to_string(), queue),
        };
        delivery.note(began, ended.attempt.clone());
        let next = self.settle(queued, way, &delivery, ended);
        queued.delivery = Some(delivery);
        next
    }

    /// Tries one hop after the other until one can be spoken to. Returns `None` if a server has no
    /// certificate for X-ANONYMOUSTLS, and so does not ask for it.
    async fn attempt(
        &self,
        way: Way<'_>,
        task: &Task,
        hops: Vec<Hop>,
    ) -> Result<Option<Ended>, TlsSetupError> {
        let mut ended = None;
        for hop in hops {
            let (live, sessions) = (Arc::clone(&self.live), Arc::clone(&self.sessions));
            let (computer, connector) = (Arc::clone(way.computer), Arc::clone(way.connector));
            let sender = Sender::selecting(live, sessions, computer, connector, &self.roots)?;
            if way.is_server() && InternalTransport::of(way.computer).certificate().is_none() {
                return Ok(None);
            }
            let task = Task {
                host: hop.host.trim_matches(['[', ']']).to_owned(),
                next_hop: hop.next_hop.clone(),
                credentials: sender.credentials(),
                ..task.clone()
            };
            let to = way.computers.iter().find(|known| known.name == hop.computer);
            let sockets =
                to.and_then(|to| between(way.computer, to, way.connector.port, way.zone, &self.listening));
            let (attempt, endpoint) = match sockets {
                Some(sockets) => {
                    let sender = sender.inside(sockets.from, hop.computer.clone());
                    (sender.attempt(sockets.to, &Arc::new(task)).await, sockets.to.to_string())
                }
                None => {
                    let port = way.connector.port;
                    let why = format!("{} listens for nothing on port {port}", hop.computer);
                    (SendSession::no_connection(&task, why), format!("{}:{port}", task.host))
                }
            };
            let reached = was_reached(&attempt);
            ended = Some(Ended { attempt, hop, endpoint });
            if reached {
                break;
            }
        }
        Ok(ended)
    }

    /// Decides what an attempt means for the message.
    fn settle(&self, queued: &mut Queued, way: Way<'_>, delivery: &Delivery, ended: Ended) -> NextAttempt {
        let Ended { attempt, hop, endpoint } = ended;
        let (connector, queue) = (Some(&**way.connector), delivery.policy().queue);
        match delivery.outcome() {
            Outcome::Deferred => {
                let now = self.live.clock().now();
                let error = last_error(way.computer.profile, &attempt, &hop.host, &endpoint, now);
                let error = error.unwrap_or_else(|| attempt_sentence(&attempt, &hop.computer));
                self.hold(queued, connector, error, queue)
            }
            Outcome::Bounced => {
                let last = delivery.attempts().last().map_or(&attempt, |made| &made.attempt);
                self.give_up(queued, connector, attempt_sentence(last, &hop.computer))
            }
            Outcome::DeliveredOverTls { .. } | Outcome::DeliveredInClear => {
                self.delivered(queued, way, &attempt, hop.computer)
            }
        }
    }

    /// Records that the next hop has the message, for those recipients that it did not refuse.
    fn delivered(&self, queued: &mut Queued, way: Way<'_>, attempt: &Attempt, to: String) -> NextAttempt {
        let refused = |recipient: &Address| attempt.refused.iter().any(|(known, _)| known == recipient);
        let taken: Vec<_> = queued.recipients.iter().filter(|to| !refused(to)).cloned().collect();
        let connector = way.connector.name.clone();
        let event = TrackingEvent::Send { connector, to };
        self.track(&queued.computer, &queued.message, &taken, event);
        let mut next = NextAttempt::Never;
        for permanent in [true, false] {
            let of_kind =
                attempt.refused.iter().filter(|(_, reply)| reply.is_permanent_failure() == permanent);
            let (recipients, replies): (Vec<_>, Vec<_>) = of_kind.cloned().unzip();
            let Some(reply) = replies.last().map(|reply| reply.to_string().replace('\n', " ")) else {
                continue;
            };
            queued.recipients = recipients;
            next = if permanent {
                self.give_up(queued, Some(way.connector), format!("they were refused with {reply}."))
            } else {
                self.hold(queued, Some(way.connector), reply, Queue::Exchange(way.computer.profile))
            };
        }
        next
    }
}

impl Way<'_> {
    /// Returns whether the connector speaks as one server of the organization to another.
    fn is_server(self) -> bool {
        self.connector.uses_anonymous_tls()
    }

    /// Returns the hops that may be spoken to, or the queue's error if there is none. A server asks only
    /// servers of its own organization for X-ANONYMOUSTLS.
    fn trusted(self, mut hops: Vec<Hop>) -> Result<Vec<Hop>, String> {
        if !self.is_server() {
            return Ok(hops);
        }
        let own = |hop: &Hop| {
            let mut computers = self.computers.iter();
            let found = computers.find(|known| known.name == hop.computer);
            found.is_some_and(|found| found.organization == self.computer.organization)
        };
        let strangers: Vec<_> = hops.extract_if(.., |hop| !own(hop)).map(|hop| hop.computer).collect();
        if hops.is_empty() {
            Err(format!(
                "{NO_SERVER_AUTHENTICATION} ({} belongs to another organization)",
                strangers.join(", ")
            ))
        } else {
            Ok(hops)
        }
    }

    /// Returns the task for every hop.
    fn task(self, queued: &Queued, delivery: &Delivery, now: jiff::Timestamp) -> Task {
        Task {
            policy: delivery.policy().clone(),
            in_clear: delivery.in_clear(now),
            helo: self.computer.send_fqdn_of(self.connector).into(),
            host: String::new(),
            next_hop: String::new(),
            connector: Some(self.connector.name.clone()),
            credentials: Default::default(),
            message: Arc::new(Outgoing {
                from: queued.message.mail.reverse_path.clone(),
                to: queued.recipients.clone(),
                content: queued.message.raw(),
            }),
        }
    }
}

/// Returns whether there was a server that could be spoken to. If there was not, the next hop is tried (RFC
/// 5321 section 5.1).
fn was_reached(attempt: &Attempt) -> bool {
    let banner = SendStage::Banner;
    !match &attempt.reason {
        Reason::NoConnection { .. } => true,
        Reason::Reply { at, .. }
        | Reason::Closed { at }
        | Reason::TimedOut { at }
        | Reason::Broken { at, .. }
        | Reason::NotSmtp { at } => *at == banner,
        _ => false,
    }
}
