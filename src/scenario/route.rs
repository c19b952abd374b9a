//! The route of a sender's message at one stage, the connectors that it meets, and the end of its retries.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::ending::Ending;
use super::no_answer::NoAnswer;
use super::senders::{Sender, SenderKind};
use crate::exchange::{
    Binding, ClientCertificate, ClientSelection, Computer, PSCredential, ReceiveConnector, Route,
    SendConnector, Zone, in_family_of, over,
};
use crate::session::TlsVerb;
use crate::session::send::{
    AfterHandshakeFailure, Attempt, Credentials, Delivery, Logon, NextAttempt, Outcome, Outgoing,
    SenderPolicy, Task,
};
use crate::smtp::HelloName;

/// The route of a sender's message at one stage.
#[derive(Clone, Debug)]
pub struct DeliveryRoute {
    /// The Send connector that the sender is, with its computer.
    pub connector: Option<(Arc<Computer>, Arc<SendConnector>)>,
    /// The destinations, at least one, in order; the sender tries the next if it gets no connection to the
    /// one before.
    pub destinations: Vec<Destination>,
}

/// A destination that a sender tries.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The task of the sender there.
    pub task: Task,
    /// The connector that answers there, or the reason why there is no connection.
    pub answering: Result<Answering, NoAnswer>,
}

/// A receive connector that answers.
#[derive(Clone, Debug)]
pub struct Answering {
    /// The computer it runs on.
    pub computer: Arc<Computer>,
    /// The connector.
    pub connector: Arc<ReceiveConnector>,
    /// The binding of the connector that the sender connects to.
    pub binding: Binding,
    /// The address and port that are dialed, as the lab file has them. The machine may listen elsewhere for
    /// them.
    pub address: SocketAddr,
}

impl Sender {
    /// Returns the route of the sender's message at `now`; `None` if the sender is a Send connector that does
    /// not exist.
    ///
    /// A peer meets any connector that answers at the binding of its intended connector.
    pub fn journey(&self, computers: &[Arc<Computer>], zone: &Zone, now: Timestamp) -> Option<DeliveryRoute> {
        let (policy, connector) = match &self.kind {
            SenderKind::Policy(policy) => {
                let logon = self.logon.as_ref().map(|logon| Logon {
                    credential: PSCredential { user: logon.user.clone(), password: logon.password.clone() },
                    requires_tls: false,
                });
                (SenderPolicy { logon, ..(**policy).clone() }, None)
            }
            SenderKind::Connector { computer, connector } => {
                let home = called(computers, computer)?;
                let connector = home.send_connector(connector)?;
                let policy = SenderPolicy::of(connector, home.profile);
                (policy, Some((Arc::clone(home), Arc::clone(connector))))
            }
        };
        let setting_out = SettingOut { sender: self, policy, home: connector.as_ref(), now };
        let destinations = setting_out.destinations(computers, zone);
        Some(DeliveryRoute { connector, destinations })
    }
}

/// The port at which mail servers receive (RFC 5321 section 4.5.4.2).
const SMTP_PORT: u16 = 25;

/// A sender whose route is not known yet.
struct SettingOut<'a> {
    sender: &'a Sender,
    policy: SenderPolicy,
    home: Option<&'a (Arc<Computer>, Arc<SendConnector>)>,
    now: Timestamp,
}

impl SettingOut<'_> {
    fn destinations(&self, computers: &[Arc<Computer>], zone: &Zone) -> Vec<Destination> {
        let Sender { to, dials, rcpt_to, .. } = self.sender;
        let domain = rcpt_to.domain().unwrap_or_default();
        let nobody = |why| vec![Destination { task: self.task(domain, domain), answering: Err(why) }];
        if let Some((_, connector)) = self.home.filter(|(_, connector)| !connector.enabled) {
            return nobody(NoAnswer::Disabled(connector.name.clone()));
        }
        if let Some((computer, connector)) = to {
            let host = dials.as_deref().unwrap_or_default();
            let next_hop = match self.home {
                Some((_, connector)) if !connector.dns_routing_enabled => host,
                _ => domain,
            };
            let answering = self.at_connector(computer, connector, computers, zone);
            return vec![Destination { task: self.task(host, next_hop), answering }];
        }
        let Some((home, connector)) = self.home else {
            let host = dials.as_deref().unwrap_or_default();
            let pool = zone.resolve(host, computers).into_iter().map(|computer| Destination {
                task: self.task(host, domain),
                answering: self.at_port(&computer, SMTP_PORT, computers, zone),
            });
            let pool: Vec<_> = pool.collect();
            return if pool.is_empty() { nobody(NoAnswer::NoDestination) } else { pool };
        };
        match over(connector, home, domain, computers, zone) {
            Route::Over { hops, .. } => hops
                .into_iter()
                .map(|hop| Destination {
                    task: self.task(&hop.host, &hop.next_hop),
                    answering: self.at_port(&hop.computer, connector.port, computers, zone),
                })
                .collect(),
            Route::Nowhere { why, .. } => nobody(NoAnswer::Nowhere(why)),
            Route::Here => nobody(NoAnswer::StaysHere),
        }
    }

    /// Returns the destination that answers at the binding of this connector.
    fn at_connector(
        &self,
        computer: &str,
        connector: &str,
        computers: &[Arc<Computer>],
        zone: &Zone,
    ) -> Result<Answering, NoAnswer> {
        let gone =
            || NoAnswer::NoConnector { computer: computer.to_owned(), connector: connector.to_owned() };
        let found = called(computers, computer).ok_or_else(gone)?;
        let wanted = found.receive_connector(connector).ok_or_else(gone)?;
        let from = self.sender.from;
        let binding = wanted.loopback_binding(from);
        let binding =
            binding.ok_or_else(|| NoAnswer::OutOfReach { connector: connector.to_owned(), from })?;
        match binding.0.ip() {
            any if any.is_unspecified() => self.at_port(computer, binding.0.port(), computers, zone),
            _ => self.at(found, binding.0),
        }
    }

    /// Returns the destination that answers at this port of a computer, at the computer's address or at the
    /// loopback address of the family that the sender calls from.
    fn at_port(
        &self,
        computer: &str,
        port: u16,
        computers: &[Arc<Computer>],
        zone: &Zone,
    ) -> Result<Answering, NoAnswer> {
        let nowhere = || NoAnswer::NoAddress(computer.to_owned());
        let found = called(computers, computer).ok_or_else(nowhere)?;
        let address = zone.addresses.get(&found.name).ok_or_else(nowhere)?;
        self.at(found, SocketAddr::new(in_family_of(self.sender.from, *address), port))
    }

    fn at(&self, computer: &Arc<Computer>, address: SocketAddr) -> Result<Answering, NoAnswer> {
        let from = self.sender.from;
        let answering = computer.connector_for(address, from).and_then(|connector| {
            let binding = connector.bindings.iter().find(|binding| binding.overlaps(Binding(address)))?;
            Some(Answering {
                computer: Arc::clone(computer),
                connector: Arc::clone(connector),
                binding: *binding,
                address,
            })
        });
        answering.ok_or_else(|| NoAnswer::Nobody { from, address, computer: computer.name.clone() })
    }

    fn task(&self, host: &str, next_hop: &str) -> Task {
        let Sender { name, rcpt_to, mail_from, .. } = self.sender;
        let bare = |host: &str| host.trim_matches(['[', ']']).to_owned();
        let helo = self.helo();
        let message =
            Outgoing::test(mail_from.clone(), vec![rcpt_to.clone()], &helo, "starttls-lab", name, self.now);
        Task {
            policy: self.policy.clone(),
            credentials: self.credentials(),
            in_clear: false,
            helo,
            host: bare(host),
            next_hop: bare(next_hop),
            connector: self.home.map(|(_, connector)| connector.name.clone()),
            message: Arc::new(message),
        }
    }

    fn helo(&self) -> HelloName {
        let own = self.home.map(|(computer, connector)| computer.send_fqdn_of(connector));
        own.map(HelloName::from).unwrap_or_else(|| self.sender.helo.clone())
    }

    /// Returns the state of the sender's own certificate for STARTTLS. X-ANONYMOUSTLS uses a different
    /// certificate.
    fn credentials(&self) -> Credentials {
        let by_name = self.policy.verb == TlsVerb::StartTls;
        let Some((computer, connector)) = self.home.filter(|_| by_name) else {
            return Credentials::Usable;
        };
        match ClientSelection::of(connector, computer, self.now).certificate {
            ClientCertificate::Presented(_) | ClientCertificate::NotFound => Credentials::Usable,
            ClientCertificate::NoCredentials(_) => Credentials::NoCredentials,
            ClientCertificate::UnknownCredentials(_) => Credentials::UnknownCredentials,
            ClientCertificate::PinNotFound | ClientCertificate::PinExpired(_) => Credentials::PinNotFound,
        }
    }
}

fn called<'a>(computers: &'a [Arc<Computer>], name: &str) -> Option<&'a Arc<Computer>> {
    computers.iter().find(|computer| computer.name.eq_ignore_ascii_case(name))
}

/// The highest number of attempts for a message when a scenario is run.
pub const MOST_ATTEMPTS: usize = 5;

/// The messages of all senders at one stage, and the order of their attempts. All senders begin at one
/// instant. Attempts are made in the order of their times, so no sender is delayed because another one
/// waited.
#[derive(Debug)]
pub struct Round {
    start: Timestamp,
    turns: Vec<Turn>,
}

#[derive(Debug)]
struct Turn {
    delivery: Option<Delivery>,
    /// The time of the next attempt; `None` if there is none.
    due: Option<Timestamp>,
}

impl Round {
    /// Creates a round of this many senders, which begin at `start`.
    pub fn new(senders: usize, start: Timestamp) -> Self {
        let turns = (0..senders).map(|_| Turn { delivery: None, due: Some(start) });
        Self { start, turns: turns.collect() }
    }

    /// Returns the next sender and its time; the first of those that are due at one time.
    pub fn next(&self) -> Option<(usize, Timestamp)> {
        let due = self.turns.iter().enumerate().filter_map(|(index, turn)| Some((index, turn.due?)));
        due.min_by_key(|(_, due)| *due)
    }

    /// Returns whether this sender sends without TLS at `now`.
    pub fn in_clear(&self, sender: usize, now: Timestamp) -> bool {
        let delivery = self.turns.get(sender).and_then(|turn| turn.delivery.as_ref());
        delivery.is_some_and(|delivery| delivery.in_clear(now))
    }

    /// Records an attempt at `now` under the sender's policy. The policy of the first attempt applies to all
    /// later ones.
    pub fn note(&mut self, sender: usize, now: Timestamp, policy: &SenderPolicy, attempt: Attempt) {
        let start = self.start;
        let Some(turn) = self.turns.get_mut(sender) else { return };
        let delivery = turn.delivery.get_or_insert_with(|| Delivery::new(policy.clone(), start));
        delivery.note(now, attempt);
        turn.due = match next_attempt(delivery) {
            NextAttempt::Never => None,
            NextAttempt::Now => Some(now),
            NextAttempt::At(time) => Some(time),
        };
    }

    /// Removes a sender that is a Send connector which does not exist.
    pub fn is_gone(&mut self, sender: usize) {
        if let Some(turn) = self.turns.get_mut(sender) {
            turn.due = None;
        }
    }

    /// Returns the result of each sender's message; `None` if no attempt was made.
    pub fn endings(&self) -> impl Iterator<Item = Option<Ending>> {
        self.turns.iter().map(|turn| {
            let last = turn.delivery.as_ref()?.attempts().last()?;
            Some(Ending::of(&last.attempt))
        })
    }
}

/// Returns when a scenario tries again, which is less often than a queue does. It does not try again once two
/// attempts with a wait between them had one result and the sender's time-out for TLS, after which it would
/// send in clear, has passed.
pub fn next_attempt(delivery: &Delivery) -> NextAttempt {
    let made = delivery.attempts();
    if made.len() >= MOST_ATTEMPTS {
        return NextAttempt::Never;
    }
    if let [first, .., before, last] | [first @ before, last] = made {
        let same = Ending::of(&before.attempt) == Ending::of(&last.attempt)
            && last.attempt.outcome == Outcome::Deferred;
        let patient = match delivery.policy().handshake_failed {
            AfterHandshakeFailure::ClearAfter(patience) => last.at.duration_since(first.at) < patience,
            AfterHandshakeFailure::ClearAtOnce | AfterHandshakeFailure::NeverClear => false,
        };
        if same && last.at > before.at && !patient {
            return NextAttempt::Never;
        }
    }
    delivery.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::send::{ResultType, SendSession};
    use crate::smtp::ReversePath;

    fn deferred(result_type: Option<ResultType>) -> Attempt {
        let task = Task {
            policy: SenderPolicy::named("sendmail").unwrap(),
            in_clear: false,
            helo: "sender.test".parse().unwrap(),
            host: "mx.test".to_owned(),
            next_hop: "test".to_owned(),
            connector: None,
            credentials: Credentials::Usable,
            message: Arc::new(Outgoing {
                from: ReversePath::Null,
                to: Vec::new(),
                content: Vec::new().into(),
            }),
        };
        Attempt { result_type, ..SendSession::no_connection(&task, "gone".to_owned()) }
    }

    /// Returns the number of attempts after which a scenario gives up, given these results in a cycle.
    fn tries(policy: &str, ends: &[Option<ResultType>]) -> usize {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut delivery = Delivery::new(SenderPolicy::named(policy).unwrap(), start);
        let mut now = start;
        for end in ends.iter().cycle() {
            match next_attempt(&delivery) {
                NextAttempt::Never => break,
                NextAttempt::Now => {}
                NextAttempt::At(time) => now = time,
            }
            delivery.note(now, deferred(*end));
        }
        delivery.attempts().len()
    }

    #[test]
    fn what_comes_to_the_same_twice_is_not_tried_again() {
        assert_eq!(tries("sendmail", &[None]), 2);
        assert_eq!(tries("may", &[None]), 2);
        let expired = Some(ResultType::CertificateExpired);
        assert_eq!(tries("verify", &[None, expired, expired]), 3);
    }

    #[test]
    fn everybody_begins_at_once_and_whoever_waits_comes_after_those_who_do_not() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let policy = SenderPolicy::named("encrypt").unwrap();
        let mut round = Round::new(3, start);
        round.is_gone(1);
        let mut turns = Vec::new();
        while let Some((sender, now)) = round.next() {
            turns.push((sender, now == start));
            round.note(sender, now, &policy, deferred(None));
        }
        assert_eq!(turns, [(0, true), (2, true), (0, false), (2, false)]);
        assert_eq!(round.endings().map(|ending| ending.is_some()).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn what_is_different_each_time_is_tried_five_times() {
        assert_eq!(tries("verify", &[None, Some(ResultType::CertificateExpired)]), MOST_ATTEMPTS);
    }
}
