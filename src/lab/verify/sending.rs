//! Who sends to a lab while a stage is played, and what becomes of the messages.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::door::sockets;
use super::outsider::outsider;
use super::records::Records;
use crate::exchange::{Binding, Computer, Hop, PSCredential, Route, Zone, over};
use crate::journal::{Entry, Record};
use crate::lab::{Lab, LabError, Paper};
use crate::name::Fqdn;
use crate::scenario::{Aspect, Ending, LogonSpec, ScenarioText, Sender, SenderKind, Subject, Value};
use crate::session::send::{
    AfterHandshakeFailure, Attempt, Delivery, Logon, Made, NextAttempt, Outgoing, SendSession, SenderPolicy,
    Task,
};
use crate::smtp::HelloName;
use crate::wire;

/// After so many attempts of one message nothing new is expected.
const MOST_ATTEMPTS: usize = 5;

/// Everybody who sends, with what the lab's name service tells them.
pub(super) struct Senders {
    senders: Vec<Sender>,
    zone: Zone,
}

/// A place to take a message to.
struct Way {
    host: String,
    next_hop: String,
    /// Who answers there, or why there is no connection.
    there: Result<There, String>,
}

/// A receive connector that answers.
struct There {
    address: SocketAddr,
    computer: String,
    connector: String,
}

/// A message with everything that an attempt needs.
struct Errand<'a> {
    lab: &'a Lab,
    records: &'a Records,
    sender: &'a Sender,
    wire: wire::Sender,
    policy: SenderPolicy,
    /// The name of the Send connector, for its events.
    connector: Option<String>,
    ways: Vec<Way>,
    message_id: String,
}

impl Senders {
    pub(super) fn new(text: &ScenarioText, paper: &Paper) -> Result<Self, LabError> {
        Ok(Self { senders: text.senders(&paper.computers)?, zone: paper.zone.clone() })
    }

    /// Lets everybody send one message, one after the other. Who is a Send connector that is gone has no
    /// row.
    pub(super) async fn send(
        &self,
        lab: &Lab,
        records: &Records,
    ) -> Result<Vec<(Subject, Aspect, Value)>, LabError> {
        let mut rows = Vec::new();
        for (number, sender) in self.senders.iter().enumerate() {
            let message_id = format!("<{}@verify.starttls-lab.test>", number + 1);
            let Some(errand) = self.errand(lab, records, sender, message_id)? else { continue };
            let ending = errand.run().await?;
            rows.push((Subject::Sender(sender.name.clone()), Aspect::Ending, Value::Ending(ending)));
        }
        Ok(rows)
    }

    fn errand<'a>(
        &self,
        lab: &'a Lab,
        records: &'a Records,
        sender: &'a Sender,
        message_id: String,
    ) -> Result<Option<Errand<'a>>, LabError> {
        let roots = if sender.trusts_lab { std::slice::from_ref(lab.root()) } else { &[] };
        let (wire, mut policy, connector) = match &sender.kind {
            SenderKind::Policy(policy) => {
                (outsider(lab, &sender.name, sender.from, roots)?, (**policy).clone(), None)
            }
            SenderKind::Connector { computer, connector } => {
                let Some(wire) = lab.sender_who_trusts(roots, computer, connector)? else { return Ok(None) };
                let policy = SenderPolicy::of(wire.connector(), wire.computer().profile);
                let name = wire.connector().name.clone();
                (wire.coming_from(sender.from, lab.server.sessions()), policy, Some(name))
            }
        };
        if let Some(LogonSpec { user, password }) = sender.logon.clone() {
            policy.logon = Some(Logon { credential: PSCredential { user, password }, requires_tls: false });
        }
        let ways = self.ways(lab, sender, &wire, connector.is_some());
        Ok(Some(Errand { lab, records, sender, wire, policy, connector, ways, message_id }))
    }

    /// Where the message is taken to, in this order.
    fn ways(&self, lab: &Lab, sender: &Sender, wire: &wire::Sender, is_connector: bool) -> Vec<Way> {
        let domain = sender.rcpt_to.domain().unwrap_or_default();
        let nowhere = |why: String| {
            let host = sender.dials.clone().unwrap_or_else(|| domain.to_owned());
            vec![Way { host, next_hop: domain.to_owned(), there: Err(why) }]
        };
        if is_connector && !wire.connector().enabled {
            return nowhere(format!("{} is disabled", wire.connector().name));
        }
        let computers = lab.computers();
        if let Some((computer, connector)) = &sender.to {
            let host = sender.dials.clone().unwrap_or_default();
            let there = target(lab, &computers, computer, connector, sender.from);
            return vec![Way { host, next_hop: domain.to_owned(), there }];
        }
        match over(wire.connector(), wire.computer(), domain, &computers, &self.zone) {
            Route::Over { hops, .. } => {
                let port = wire.connector().port;
                let way = |Hop { computer, host, next_hop }| {
                    let found = computers.iter().find(|known| known.name == computer);
                    let there = found.ok_or_else(|| format!("there is no {computer}")).and_then(|found| {
                        answering(lab, found, Binding((any(sender.from), port).into()), sender.from)
                    });
                    Way { host, next_hop, there }
                };
                hops.into_iter().map(way).collect()
            }
            Route::Nowhere { why, .. } => nowhere(why),
            Route::Here => nowhere("it is delivered where it is".to_owned()),
        }
    }
}

/// Whoever answers where a receive connector listens.
fn target(
    lab: &Lab,
    computers: &[Arc<Computer>],
    computer: &str,
    name: &str,
    from: IpAddr,
) -> Result<There, String> {
    let gone = || format!("{computer} has no receive connector {name}");
    let found = computers.iter().find(|known| known.name == computer).ok_or_else(gone)?;
    let binding = found.receive_connector(name).ok_or_else(gone)?.loopback_binding(from);
    let binding = binding.ok_or_else(|| format!("{name} has no binding that {from} could reach"))?;
    answering(lab, found, binding, from)
}

/// Whoever answers at a binding of a computer.
fn answering(lab: &Lab, computer: &Computer, binding: Binding, from: IpAddr) -> Result<There, String> {
    let endpoints = lab.server.endpoints();
    let there = sockets(computer, binding, &endpoints).find_map(|endpoint| {
        let connector = computer.connector_for(endpoint.binding.0, from)?;
        let (computer, connector) = (computer.name.clone(), connector.name.clone());
        Some(There { address: endpoint.address, computer, connector })
    });
    there.ok_or_else(|| format!("nobody answers {from} at {binding} of {}", computer.name))
}

fn any(family: IpAddr) -> IpAddr {
    match family {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

impl Errand<'_> {
    /// Tries until the message has arrived or gone back, or until trying changes nothing any more. Nobody
    /// waits: the lab's clock is set to the time of the next attempt.
    async fn run(self) -> Result<Ending, LabError> {
        let clock = self.lab.clock();
        let mut delivery = Delivery::new(self.policy.clone(), clock.now());
        loop {
            let now = clock.now();
            let attempt = self.attempt(delivery.in_clear(now), now).await?;
            delivery.note(now, attempt);
            match delivery.next() {
                NextAttempt::Never => break,
                _ if delivery.attempts().len() >= MOST_ATTEMPTS || repeats_itself(&delivery) => break,
                NextAttempt::Now => {}
                NextAttempt::At(time) => {
                    clock.advance(time.duration_since(clock.now()));
                }
            }
        }
        let last = delivery.attempts().last().map(|made| Ending::of(&made.attempt));
        last.ok_or_else(|| self.unobserved("no attempt was made"))
    }

    /// One attempt, at the first way at whose end somebody answers.
    async fn attempt(&self, in_clear: bool, now: Timestamp) -> Result<Attempt, LabError> {
        let way = self.ways.iter().find(|way| way.there.is_ok()).or_else(|| self.ways.last());
        let way = way.ok_or_else(|| self.unobserved("there is no way for its message"))?;
        let task = Arc::new(self.task(way, in_clear, now)?);
        let there = match &way.there {
            Ok(there) => there,
            Err(why) => return Ok(SendSession::no_connection(&task, why.clone())),
        };
        let since = self.records.next();
        let attempt = self.wire.attempt(there.address, &task).await;
        let entries = self.records.after(since, &self.wire).await?;
        if attempt.outcome.is_delivered() {
            self.has_arrived(&attempt, &entries, there)?;
        }
        Ok(attempt)
    }

    fn task(&self, way: &Way, in_clear: bool, now: Timestamp) -> Result<Task, LabError> {
        let Sender { mail_from, rcpt_to, .. } = self.sender;
        let helo = match self.connector {
            Some(_) => self.wire.computer().send_fqdn_of(self.wire.connector()),
            None => &self.wire.computer().fqdn,
        };
        Ok(Task {
            policy: self.policy.clone(),
            in_clear,
            helo: hello(helo)?,
            host: way.host.trim_matches(['[', ']']).to_owned(),
            next_hop: way.next_hop.clone(),
            connector: self.connector.clone(),
            credentials: self.wire.credentials(),
            message: Arc::new(Outgoing {
                from: mail_from.clone(),
                to: vec![rcpt_to.clone()],
                content: self.content(now),
            }),
        })
    }

    fn content(&self, now: Timestamp) -> Bytes {
        let Sender { name, mail_from, rcpt_to, .. } = self.sender;
        let from = mail_from.address().map_or("postmaster@sender.example", |address| address.as_str());
        let date = now.to_zoned(TimeZone::UTC).strftime("%a, %-d %b %Y %H:%M:%S +0000");
        format!(
            "From: <{from}>\r\nTo: <{rcpt_to}>\r\nSubject: starttls-lab verify\r\nDate: {date}\r\n\
             Message-ID: {}\r\n\r\nSent by starttls-lab as sender {}.\r\n",
            self.message_id,
            name.escape_default()
        )
        .into()
    }

    /// What the sender takes for delivered has to be in the lab, as secure as the sender believes.
    fn has_arrived(&self, attempt: &Attempt, entries: &[Entry], there: &There) -> Result<(), LabError> {
        let There { computer, connector, .. } = there;
        let taken = entries.iter().find_map(|entry| match (&entry.record, &entry.place) {
            (Record::Message(facts), Some(place))
                if facts.message_id.as_deref() == Some(&self.message_id)
                    && place.computer.name == *computer
                    && place.connector.name() == connector =>
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

/// Whether the last attempt was deferred just as the one before it, and no patience is left that could
/// make the next one different.
fn repeats_itself(delivery: &Delivery) -> bool {
    let [.., before, last] = delivery.attempts() else { return false };
    let came_to = |made: &Made| (made.attempt.outcome, made.attempt.result_type);
    let first = delivery.attempts().first().map_or(last.at, |made| made.at);
    let patience_is_over = match delivery.policy().handshake_failed {
        AfterHandshakeFailure::ClearAfter(patience) => last.at.duration_since(first) >= patience,
        AfterHandshakeFailure::ClearAtOnce | AfterHandshakeFailure::NeverClear => true,
    };
    before.at < last.at && came_to(before) == came_to(last) && patience_is_over
}

/// What a computer of this name introduces itself with.
pub(super) fn hello(fqdn: &Fqdn) -> Result<HelloName, LabError> {
    fqdn.as_str().parse().map_err(|error| LabError::Unobserved(format!("{fqdn} in EHLO: {error}")))
}
