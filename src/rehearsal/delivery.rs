//! The attempts of one message, with waits that take no time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;

use super::conversation::{Conversation, Receiver, converse};
use super::events::Log;
use super::handshake::{BothSides, predict};
use super::side::Side;
use crate::exchange::{Computer, InternalTransport, Zone};
use crate::scenario::{Answering, Destination, Ending, Journey, Round, Sender};
use crate::session::send::{Attempt, Handshake, SendInput, SendSession, Task};
use crate::session::{Counters, ReceiveSession, Setting, TlsFailure, TlsVerb};

/// Brings messages through one lab.
pub(super) struct Post<'a> {
    computers: &'a [Arc<Computer>],
    zone: &'a Zone,
    log: Log,
    messages: Arc<AtomicU64>,
    counters: HashMap<(String, String), Arc<Counters>>,
}

impl<'a> Post<'a> {
    pub(super) fn new(computers: &'a [Arc<Computer>], zone: &'a Zone, log: Log) -> Self {
        Self { computers, zone, log, messages: Arc::default(), counters: HashMap::new() }
    }

    /// Everything that was logged.
    pub(super) fn into_log(self) -> Log {
        self.log
    }

    /// What the message of each sender comes to, who begins at `start`; `None` where the sender is gone.
    pub(super) fn deliver(&mut self, senders: &[Sender], start: Timestamp) -> Vec<Option<Ending>> {
        let mut round = Round::new(senders.len(), start);
        while let Some((index, now)) = round.next() {
            let made = senders.get(index).and_then(|sender| {
                let journey = sender.journey(self.computers, self.zone, now)?;
                let policy = journey.destinations.first()?.task.policy.clone();
                Some((policy, self.attempt(sender, journey, round.in_clear(index, now), now)?))
            });
            match made {
                Some((policy, attempt)) => round.note(index, now, &policy, attempt),
                None => round.is_gone(index),
            }
        }
        round.endings().collect()
    }

    /// One attempt at the first destination where somebody answers.
    fn attempt(
        &mut self,
        sender: &Sender,
        journey: Journey,
        in_clear: bool,
        now: Timestamp,
    ) -> Option<Attempt> {
        let Journey { connector, destinations } = journey;
        if let Some((computer, connector)) = connector.as_ref().filter(|(_, connector)| connector.enabled) {
            self.log.load_sending(computer, connector, now);
        }
        let mut last = None;
        for Destination { task, answering } in destinations {
            let task = Arc::new(Task { in_clear, ..task });
            let why = match answering {
                Ok(answering) => {
                    let home = connector.as_ref().map(|(computer, _)| &**computer);
                    let Conversation { attempt, sent, received } =
                        self.converse(sender, home, &task, &answering, now);
                    if let Some((computer, connector)) = &connector {
                        self.log.sending(computer, connector, sent);
                    }
                    self.log.receiving(&answering.computer, &answering.connector, received);
                    return Some(attempt);
                }
                Err(why) => why,
            };
            last = Some(SendSession::no_connection(&task, why));
        }
        last
    }

    fn converse(
        &mut self,
        sender: &Sender,
        home: Option<&Computer>,
        task: &Arc<Task>,
        answering: &Answering,
        now: Timestamp,
    ) -> Conversation {
        let Answering { computer, connector, address, .. } = answering;
        let side = Side::of(computer, connector, now);
        self.log.load_receiving(&side, now);
        let counters = self.counters(answering);
        let connected = counters.connect(connector, sender.from);
        let receiver = match &connected {
            Err(limit) => Receiver::turn_away(ReceiveSession::turn_away(connector, *limit), now),
            Ok(_) => {
                let setting = Setting {
                    computer: Arc::clone(computer),
                    connector: Arc::clone(connector),
                    local: *address,
                    peer: SocketAddr::new(sender.from, 0),
                    starttls: side.starttls.is_some(),
                    anonymous_tls: side.anonymous_tls.is_some(),
                    counters: Arc::clone(&counters),
                };
                let server = home.is_some_and(|home| home.organization == computer.organization);
                Receiver::open(Arc::new(setting), server, now)
            }
        };
        let handshake = |wanted: &Handshake| -> Result<BothSides, SendInput> {
            has_its_own(wanted.verb, home)?;
            predict(wanted, side.offer(wanted.verb), sender.trusts_lab, now)
        };
        converse(Arc::clone(task), receiver, handshake)
    }

    fn counters(&mut self, answering: &Answering) -> Arc<Counters> {
        let Answering { computer, connector, .. } = answering;
        let numbers = &self.messages;
        let of = self.counters.entry((computer.name.clone(), connector.name.clone()));
        Arc::clone(of.or_insert_with(|| Arc::new(Counters::new(Arc::clone(numbers)))))
    }
}

/// A server without an internal transport certificate of its own does not use X-ANONYMOUSTLS (outbound
/// anonymous TLS certificates selection); that its mail then waits is inferred.
fn has_its_own(verb: TlsVerb, home: Option<&Computer>) -> Result<(), SendInput> {
    let missing = home
        .filter(|_| verb == TlsVerb::XAnonymousTls)
        .is_some_and(|home| InternalTransport::of(home).certificate().is_none());
    if missing {
        let reason = "there is no internal transport certificate to present".to_owned();
        let failure = TlsFailure::Unusable { reason };
        return Err(SendInput::HandshakeFailed { failure, problem: None });
    }
    Ok(())
}
