//! A receive connector that is ready to take connections, with the certificates that it offers TLS with.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::exchange::{
    CertificateFacts, Computer, Event, InternalTransport, Outcome, ReceiveConnector, StoredCertificate,
    select_for, selection_events, wants_anonymous_tls,
};
use crate::session::fault::FaultTable;
use crate::session::{Counters, TlsVerb};
use crate::tls::{ServerTls, Versions};

/// The parts of a connector that a connection needs.
#[derive(Debug)]
pub(super) struct PreparedConnector {
    pub(super) computer: Arc<Computer>,
    pub(super) connector: Arc<ReceiveConnector>,
    pub(super) counters: Arc<Counters>,
    pub(super) starttls: Option<Credentials>,
    pub(super) anonymous_tls: Option<Credentials>,
    /// The connector's fault rules, if there are any.
    pub(super) faults: Option<Arc<FaultTable>>,
    /// The credentials that TLS is offered with where a fault rule configures them, by the number of the
    /// rule.
    pub(super) fault_tls: HashMap<usize, Credentials>,
    /// The events that loading its certificates makes a session log.
    pub(super) events: Vec<Event>,
}

/// A certificate that TLS is offered with.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) certificate: Arc<CertificateFacts>,
    /// The TLS configuration, or the reason why a handshake with the certificate cannot succeed.
    pub(super) tls: Result<ServerTls, String>,
}

impl PreparedConnector {
    pub(super) fn credentials(&self, verb: TlsVerb) -> Option<&Credentials> {
        match verb {
            TlsVerb::StartTls => self.starttls.as_ref(),
            TlsVerb::XAnonymousTls => self.anonymous_tls.as_ref(),
        }
    }
}

/// Returns `connector` as it is at `now`, without its fault rules.
pub(super) fn prepare(
    computer: &Arc<Computer>,
    connector: &Arc<ReceiveConnector>,
    counters: Arc<Counters>,
    now: Timestamp,
) -> PreparedConnector {
    let selection = select_for(connector, computer, now);
    let mut events = selection_events(&selection, connector, computer, now);
    let starttls = match selection.outcome {
        Outcome::Offered(offered) => computer.store.find(offered.thumbprint).map(|stored| {
            let unusable = "the certificate is not enabled for the SMTP service";
            credentials(stored, offered.handshake_fails.then_some(unusable))
        }),
        Outcome::NotConfigured | Outcome::Withheld => None,
    };
    let anonymous_tls =
        wants_anonymous_tls(connector).then(|| InternalTransport::of(computer)).and_then(|internal| {
            events.extend(internal.event(now));
            internal.certificate().map(|stored| credentials(stored, None))
        });
    PreparedConnector {
        computer: Arc::clone(computer),
        connector: Arc::clone(connector),
        counters,
        starttls,
        anonymous_tls,
        faults: None,
        fault_tls: HashMap::new(),
        events,
    }
}

fn credentials(stored: &StoredCertificate, unusable: Option<&str>) -> Credentials {
    let tls = match (unusable, stored.presentable()) {
        (Some(reason), _) => Err(reason.to_owned()),
        (None, None) => Err("the private key of the certificate is not there".to_owned()),
        (None, Some(material)) => {
            let mut chain = vec![material.certificate.clone()];
            chain.extend_from_slice(&material.intermediates);
            ServerTls::new(&chain, &material.key, Versions::Both).map_err(|error| error.to_string())
        }
    };
    Credentials { certificate: Arc::new(stored.facts.clone()), tls }
}
