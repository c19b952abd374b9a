//! Everything that can be seen of a lab at one stage.

use std::sync::Arc;

use jiff::Timestamp;

use super::delivery::Post;
use super::events::{self, Log, receive_subject, send_subject};
use super::side::Side;
use crate::exchange::cmdlet::CausedEvent;
use crate::exchange::{ClientCertificate, ClientSelection, Computer, ReceiveConnector, SendConnector, Zone};
use crate::scenario::{Aspect, NONE, Observation, Sender, Subject, Value};
use crate::session::TlsVerb;

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
    let endings = post.deliver(senders, now);
    let endings = senders.iter().zip(endings).filter_map(|(sender, ending)| {
        Some((Subject::Sender(sender.name.clone()), Aspect::Ending, Value::Ending(ending?)))
    });
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
        let subject = receive_subject(computer, connector);
        for (aspect, verb) in
            [(Aspect::Starttls, TlsVerb::StartTls), (Aspect::AnonymousTls, TlsVerb::XAnonymousTls)]
        {
            let offered = Value::Certificate(offered(computer, connector, verb, self.now));
            self.seen.push((subject.clone(), aspect, offered));
        }
        self.events(subject);
    }

    fn send_connector(&mut self, computer: &Computer, connector: &SendConnector) {
        let subject = send_subject(computer, connector);
        let presented = Value::Certificate(presented(computer, connector, self.now));
        self.seen.push((subject.clone(), Aspect::Presents, presented));
        self.events(subject);
    }

    fn events(&mut self, subject: Subject) {
        let events = self.log.about(&subject);
        self.seen.push((subject, Aspect::Events, events));
    }
}

/// The label of the certificate that a connector offers `verb` with at `now` to whoever it answers, or `none`.
pub fn offered(
    computer: &Arc<Computer>,
    connector: &Arc<ReceiveConnector>,
    verb: TlsVerb,
    now: Timestamp,
) -> String {
    let side = connector.enabled.then(|| Side::of(computer, connector, now));
    let offer = side.and_then(|side| side.offer(verb));
    offer.map_or(NONE, |offer| offer.stored.label.as_str()).to_owned()
}

/// The label of the certificate that a Send connector presents at `now` to whoever asks for one, or `none`; the
/// error that follows where it names one that cannot be used.
pub fn presented(computer: &Computer, connector: &SendConnector, now: Timestamp) -> String {
    if !connector.enabled {
        return NONE.to_owned();
    }
    let selection = ClientSelection::of(connector, computer, now);
    let word = match selection.certificate {
        ClientCertificate::Presented(_) => {
            selection.chosen(computer).map_or(NONE, |stored| stored.label.as_str())
        }
        ClientCertificate::NoCredentials(_) => "NoCredentials",
        ClientCertificate::UnknownCredentials(_) => "UnknownCredentials",
        ClientCertificate::PinNotFound | ClientCertificate::PinExpired(_) | ClientCertificate::NotFound => {
            NONE
        }
    };
    word.to_owned()
}
