//! A probe that asks a receive connector for TLS and returns the certificate that it presents.

use std::sync::Arc;

use super::label;
use super::outsider::outsider;
use super::records::Records;
use super::target::ConnectorTarget;
use crate::exchange::{Computer, Profile, ReceiveConnector};
use crate::journal::Record;
use crate::lab::{Engine, LabError};
use crate::scenario::NONE;
use crate::session::TlsVerb;
use crate::session::send::{Attempt, Outgoing, Reason, SenderPolicy, Task};
use crate::smtp::ReversePath;

/// Returns the label of the certificate behind `verb`, or `none` if it is not offered. A connector without a
/// target, which answers no address that the network has, cannot be asked, and the result is what the lab is
/// ready to offer.
///
/// If it is offered and the handshake fails, no certificate was presented, and the lab's own record says with
/// which certificate it would have gone on.
pub(super) async fn offered(
    lab: &Engine,
    records: &Records,
    computer: &Arc<Computer>,
    connector: &Arc<ReceiveConnector>,
    target: Option<ConnectorTarget>,
    verb: TlsVerb,
) -> Result<String, LabError> {
    let Some(ConnectorTarget { address, from }) = target else {
        let offered = connector.enabled.then(|| lab.live.offered(computer, connector, verb)).flatten();
        return Ok(offered.map_or(NONE.to_owned(), |facts| label(computer, facts.thumbprint)));
    };
    let sender = outsider(lab, "verify", from, &[])?;
    // The probe sends no server name, because it connects to an address (RFC 6066 section 3), as most mail
    // servers do.
    let task = Task {
        policy: SenderPolicy { verb, ..SenderPolicy::of(sender.connector(), Profile::Exchange2019) },
        in_clear: false,
        helo: (&sender.computer().fqdn).into(),
        host: address.ip().to_string(),
        next_hop: String::new(),
        connector: None,
        credentials: sender.credentials(),
        message: Arc::new(Outgoing { from: ReversePath::Null, to: Vec::new(), content: Vec::new().into() }),
    };
    let since = records.next();
    let attempt = sender.attempt(address, &Arc::new(task)).await;
    let entries = records.after(since, &sender).await?;
    let shown = attempt.tls.as_ref().and_then(|tls| tls.presented.first());
    if let Some(shown) = shown {
        return Ok(label(computer, shown.thumbprint()));
    }
    match &attempt.reason {
        Reason::NotOffered { .. } | Reason::Reply { .. } => Ok(NONE.to_owned()),
        Reason::Handshake(_) => {
            let certificate = entries.into_iter().find_map(|entry| match entry.record {
                Record::TlsFailed(handshake) => handshake.certificate.clone(),
                _ => None,
            });
            Ok(certificate.map_or(NONE.to_owned(), |facts| label(computer, facts.thumbprint)))
        }
        _ => Err(unseen(&attempt, computer, connector, verb)),
    }
}

fn unseen(attempt: &Attempt, computer: &Computer, connector: &ReceiveConnector, verb: TlsVerb) -> LabError {
    LabError::Unobserved(format!(
        "{}\\{} could not be asked for {}: {}",
        computer.name,
        connector.name,
        verb.as_str(),
        crate::journal::attempt_sentence(attempt, "it")
    ))
}
