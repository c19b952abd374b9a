//! Everything that can be seen of a lab at one stage.

use std::sync::Arc;

use jiff::Timestamp;

use super::delivery::Post;
use super::events::{self, Log, receive_subject, send_subject};
use super::side::{Offer, Side};
use crate::exchange::cmdlet::CausedEvent;
use crate::exchange::{ClientCertificate, ClientSelection, Computer, ReceiveConnector, SendConnector, Zone};
use crate::scenario::{Aspect, Ending, NONE, Observation, Sender, Subject, Value};

/// What is offered, presented and logged, and what becomes of every sender's message, from `now` on.
///
/// In the order of the lab file: each computer with its receive and its Send connectors, then the senders.
/// A sender that is a Send connector which is gone has no row.
pub fn observe(computers: &[Arc<Computer>], senders: &[Sender], zone: &Zone, now: Timestamp) -> Observation {
    observe_after(&[], computers, senders, zone, now)
}

/// The same, where commands made services log something before.
pub(super) fn observe_after(
    caused: &[CausedEvent],
    computers: &[Arc<Computer>],
    senders: &[Sender],
    zone: &Zone,
    now: Timestamp,
) -> Observation {
    let mut log = events::of_start(computers, now);
    caused.iter().for_each(|caused| log.caused(caused, computers));
    let mut post = Post::new(computers, zone, log);
    let endings: Vec<_> = senders
        .iter()
        .filter_map(|sender| {
            let ending = Ending::of(&post.deliver(sender, now)?);
            Some((Subject::Sender(sender.name.clone()), Aspect::Ending, Value::Ending(ending)))
        })
        .collect();
    let log = post.into_log();
    let mut rows = Rows { log: &log, now, seen: Vec::new() };
    computers.iter().for_each(|computer| rows.computer(computer));
    rows.seen.extend(endings);
    Observation(rows.seen)
}

struct Rows<'a> {
    log: &'a Log,
    now: Timestamp,
    seen: Vec<(Subject, Aspect, Value)>,
}

impl Rows<'_> {
    fn computer(&mut self, computer: &Arc<Computer>) {
        self.events(Subject::Computer(computer.name.clone()));
        for connector in &computer.receive_connectors {
            self.receive_connector(computer, connector);
        }
        for connector in &computer.send_connectors {
            self.send_connector(computer, connector);
        }
    }

    fn receive_connector(&mut self, computer: &Arc<Computer>, connector: &Arc<ReceiveConnector>) {
        let side = connector.enabled.then(|| Side::of(computer, connector, self.now));
        let label = |offer: Option<Offer<'_>>| {
            Value::Certificate(offer.map_or(NONE, |offer| offer.stored.label.as_str()).to_owned())
        };
        let subject = receive_subject(computer, connector);
        let starttls = label(side.and_then(|side| side.starttls));
        let anonymous_tls = label(side.and_then(|side| side.anonymous_tls));
        self.seen.push((subject.clone(), Aspect::Starttls, starttls));
        self.seen.push((subject.clone(), Aspect::AnonymousTls, anonymous_tls));
        self.events(subject);
    }

    fn send_connector(&mut self, computer: &Computer, connector: &SendConnector) {
        let subject = send_subject(computer, connector);
        let presents = match connector.enabled {
            true => presented(&ClientSelection::of(connector, computer, self.now), computer),
            false => NONE.to_owned(),
        };
        self.seen.push((subject.clone(), Aspect::Presents, Value::Certificate(presents)));
        self.events(subject);
    }

    fn events(&mut self, subject: Subject) {
        let events = self.log.about(&subject);
        self.seen.push((subject, Aspect::Events, events));
    }
}

fn presented(selection: &ClientSelection, computer: &Computer) -> String {
    let word = match selection.certificate {
        ClientCertificate::Presented(_) => {
            selection.chosen(computer).map_or(NONE, |stored| stored.label.as_str())
        }
        ClientCertificate::NoCredentials(_) => "NoCredentials",
        ClientCertificate::UnknownCredentials(_) => "UnknownCredentials",
        ClientCertificate::PinNotFound | ClientCertificate::NotFound => NONE,
    };
    word.to_owned()
}
