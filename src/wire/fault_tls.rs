//! TLS with a configuration that differs from the connector's.

use std::collections::HashMap;
use std::sync::Arc;

use super::prepared::Credentials;
use crate::clock::Clock;
use crate::exchange::{Computer, Material, StoredCertificate};
use crate::pki::{Certificate, Thumbprint};
use crate::session::TlsVersion;
use crate::session::fault::{FaultTable, HandshakeAction, Presented, StageActions, TlsSettings};
use crate::tls::{ServerTls, Setup, Versions};

/// Returns the credentials of each fault rule that configures TLS, by the number of the rule. `usual` is the
/// certificate that was selected.
pub(super) fn credentials_by_rule(
    table: &FaultTable,
    computer: &Computer,
    usual: Option<Thumbprint>,
    roots: &[Certificate],
    clock: &Clock,
) -> HashMap<usize, Credentials> {
    let usual = usual.and_then(|usual| computer.store.find(usual));
    let rules = table.rules().filter_map(|(row, rule)| {
        let StageActions::Handshake(actions) = rule.actions() else { return None };
        let settings = actions.iter().find_map(|action| match action {
            HandshakeAction::Tls(settings) => Some(settings),
            HandshakeAction::Delay(_) | HandshakeAction::Flight(_) => None,
        })?;
        Some((row, credentials(settings, computer, usual, roots, clock)?))
    });
    rules.collect()
}

/// Returns the credentials of one rule; `None` if there is no certificate to present.
fn credentials(
    settings: &TlsSettings,
    computer: &Computer,
    usual: Option<&StoredCertificate>,
    roots: &[Certificate],
    clock: &Clock,
) -> Option<Credentials> {
    let Presented { labels, by_name, unknown_name } = settings.present.clone().unwrap_or_default();
    let labelled = |label: &String| computer.store.iter().find(|stored| stored.label == *label);
    let certificates: Vec<_> = if labels.is_empty() {
        usual.into_iter().collect()
    } else {
        labels.iter().filter_map(labelled).collect()
    };
    let first = *certificates.first()?;
    let by_name: Vec<_> = by_name
        .iter()
        .filter_map(|(name, label)| Some((name.as_str(), material(labelled(label)?)?)))
        .collect();
    let setup = Setup {
        versions: match settings.version {
            None => Versions::Both,
            Some(TlsVersion::Tls12) => Versions::Only12,
            Some(TlsVersion::Tls13) => Versions::Only13,
        },
        certificates: certificates.into_iter().filter_map(material).collect(),
        by_name,
        unknown_name,
        client_certificate: settings.client_certificate,
        roots,
        tickets: settings.tickets,
        ticket_size: settings.ticket_size,
        clock,
    };
    let tls = ServerTls::with(&setup).map_err(|error| error.to_string());
    Some(Credentials { certificate: Arc::new(first.facts.clone()), tls })
}

fn material(stored: &StoredCertificate) -> Option<&Material> {
    stored.presentable()
}
