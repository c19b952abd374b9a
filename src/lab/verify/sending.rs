//! The senders of a stage while it runs, and the fate of their messages.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jiff::Timestamp;

use super::outsider::outsider;
use super::records::Records;
use crate::exchange::{Computer, Zone};
use crate::journal::{Entry, Record};
use crate::lab::{Engine, LabError};
use crate::scenario::{Answering, Aspect, DeliveryRoute, Destination, Round, Sender, Subject, Value};
use crate::session::send::{Attempt, SendSession, SenderPolicy, Task};
use crate::wire::{self, Network};

/// All senders, with what the lab's name service tells them.
pub(super) struct Senders {
    senders: Vec<Sender>,
    zone: Zone,
    /// The computers that they know of: those of the whole lab, where only a part of it runs.
    computers: Vec<Arc<Computer>>,
}

/// An attempt with everything that it needs.
struct DeliveryAttempt<'a> {
    lab: &'a Engine,
    records: &'a Records,
    sender: &'a Sender,
    wire: wire::Sender,
    destinations: Vec<Destination>,
}

impl Senders {
    pub(super) fn new(senders: Vec<Sender>, zone: Zone, computers: Vec<Arc<Computer>>) -> Self {
        Self { senders, zone, computers }
    }

    /// Returns the computers of the whole lab.
    pub(super) fn computers(&self) -> &[Arc<Computer>] {
        &self.computers
    }

    /// Returns the identities of the connectors that answer these senders at `now`.
    pub(super) fn answering(&self, now: Timestamp) -> impl Iterator<Item = String> {
        let ways = self.senders.iter().filter_map(move |it| it.journey(&self.computers, &self.zone, now));
        let answering = ways.flat_map(|way| way.destinations).filter_map(|it| it.answering.ok());
        answering.map(|it| format!("{}\\{}", it.computer.name, it.connector.name))
    }

    /// Lets every sender send one message, and retry until it has arrived or was returned, or until a retry
    /// changes nothing any more. No sender waits: the lab's clock is set to the time of the next attempt. A
    /// sender whose Send connector is gone has no result.
    pub(super) async fn send(
        &self,
        lab: &Engine,
        records: &Records,
    ) -> Result<Vec<(Subject, Aspect, Value)>, LabError> {
        let clock = lab.clock();
        let mut round = Round::new(self.senders.len(), clock.now());
        while let Some((index, due)) = round.next() {
            clock.advance(due.duration_since(clock.now()));
            let errand = match self.senders.get(index) {
                Some(sender) => self.errand(lab, records, sender)?,
                None => None,
            };
            let Some(errand) = errand else {
                round.is_gone(index);
                continue;
            };
            let (policy, attempt) = errand.attempt(round.in_clear(index, due)).await?;
            round.note(index, due, &policy, attempt);
        }
        let rows = self.senders.iter().zip(round.endings()).filter_map(|(sender, ending)| {
            Some((Subject::Sender(sender.name.clone()), Aspect::Ending, Value::Ending(ending?)))
        });
        Ok(rows.collect())
    }

    /// Returns the address that an outside sender connects from. Fault rules count the connections of each
    /// peer, so a sender for which the file gives no address has one of its own if the machine has enough of
    /// them.
    fn home(&self, lab: &Engine, sender: &Sender) -> IpAddr {
        let index = self.senders.iter().position(|other| other.name == sender.name);
        let own = index.and_then(|index| u8::try_from(index + 1).ok());
        match own {
            Some(own)
                if (cfg!(target_os = "linux") || matches!(lab.options.network, Network::Memory(_)))
                    && sender.from == Ipv4Addr::LOCALHOST
                    && !lab.live.faults().is_empty() =>
            {
                Ipv4Addr::new(127, 0, 1, own).into()
            }
            _ => sender.from,
        }
    }

    fn errand<'a>(
        &self,
        lab: &'a Engine,
        records: &'a Records,
        sender: &'a Sender,
    ) -> Result<Option<DeliveryAttempt<'a>>, LabError> {
        let journey = sender.journey(&self.computers, &self.zone, lab.clock().now());
        let Some(DeliveryRoute { connector, destinations }) = journey else { return Ok(None) };
        let roots = if sender.trusts_lab { std::slice::from_ref(lab.root()) } else { &[] };
        let wire = match connector {
            None => outsider(lab, &sender.name, self.home(lab, sender), roots)?,
            Some((computer, connector)) => {
                let wire = lab.sender_who_trusts(roots, &computer.name, &connector.name)?;
                let Some(wire) = wire else { return Ok(None) };
                wire.coming_from(sender.from, lab.server.sessions())
            }
        };
        Ok(Some(DeliveryAttempt { lab, records, sender, wire, destinations }))
    }
}

impl DeliveryAttempt<'_> {
    /// Makes one attempt, at the first destination that answers.
    async fn attempt(self, in_clear: bool) -> Result<(SenderPolicy, Attempt), LabError> {
        let answers = |destination: &&Destination| destination.answering.is_ok();
        let destination = self.destinations.iter().find(answers).or_else(|| self.destinations.last());
        let destination = destination.ok_or_else(|| self.unobserved("there is no way for its message"))?;
        let credentials = self.wire.credentials();
        let task = Arc::new(Task { in_clear, credentials, ..destination.task.clone() });
        let policy = task.policy.clone();
        let answering = match &destination.answering {
            Ok(answering) => answering,
            Err(why) => return Ok((policy, SendSession::no_connection(&task, why.to_string()))),
        };
        let endpoints = self.lab.server.endpoints();
        let there = endpoints.iter().find(|endpoint| {
            endpoint.computer == answering.computer.name && endpoint.binding == answering.binding
        });
        let Some(there) = there else {
            let why = format!("nobody listens at {} of {}", answering.binding, answering.computer.name);
            return Ok((policy, SendSession::no_connection(&task, why)));
        };
        let since = self.records.next();
        let attempt = self.wire.attempt(there.address, &task).await;
        let entries = self.records.after(since, &self.wire).await?;
        // A lab with faults may have accepted a message without taking it.
        if attempt.outcome.is_delivered() && self.lab.live.faults().is_empty() {
            self.has_arrived(&attempt, &entries, answering)?;
        }
        Ok((policy, attempt))
    }

    /// Checks that a message which the sender takes for delivered is in the lab, as secure as the sender
    /// believes.
    fn has_arrived(&self, attempt: &Attempt, entries: &[Entry], there: &Answering) -> Result<(), LabError> {
        let (computer, connector) = (&there.computer.name, &there.connector.name);
        let taken = entries.iter().find_map(|entry| match (&entry.record, &entry.place) {
            (Record::Message(facts), Some(place))
                if place.computer.name == *computer && place.connector.name() == connector =>
            {
                Some(facts)
            }
            _ => None,
        });
        let Some(taken) = taken else {
            return Err(
                self.unobserved(&format!("delivered, it says, but {computer}\\{connector} has nothing"))
            );
        };
        let sent = attempt.tls.as_ref().map(|tls| (tls.version, tls.cipher_suite, shown(tls)));
        let came = taken.tls.as_ref().map(|tls| (tls.version, tls.cipher_suite, Some(tls.presented)));
        if sent != came {
            let message =
                format!("sent with TLS {sent:?}, taken by {computer}\\{connector} with TLS {came:?}");
            return Err(self.unobserved(&message));
        }
        Ok(())
    }

    fn unobserved(&self, why: &str) -> LabError {
        LabError::Unobserved(format!("sender {}: {why}", self.sender.name))
    }
}

fn shown(tls: &crate::session::send::Secured) -> Option<crate::pki::Thumbprint> {
    tls.presented.first().map(crate::pki::Certificate::thumbprint)
}
