//! A sender that sends to the lab and is no part of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::exchange::{Computer, Nullable, Profile, Role, SendConnector, SendUsage, TimeSpan, TlsAuthLevel};
use crate::lab::{Engine, LabError};
use crate::name::NotAnFqdn;
use crate::pki::Certificate;
use crate::session::fault::FaultRule;
use crate::wire::Sender;

/// The time for which an outsider waits for a reply: longer than the longest usual tarpit.
const PATIENCE: Duration = Duration::from_secs(60);
/// The time for which an outsider waits if the lab is silent on purpose, and waiting longer would show
/// nothing more.
const SHORT: Duration = Duration::from_secs(1);

/// Returns a sender of this name, without a certificate, that trusts `roots` and connects from `from`.
pub(super) fn outsider(
    lab: &Engine,
    name: &str,
    from: IpAddr,
    roots: &[Certificate],
) -> Result<Sender, LabError> {
    let computer = computer("sender.example").map_err(|error| LabError::Unobserved(error.to_string()))?;
    let patience = if is_silent_on_purpose(lab) { SHORT } else { PATIENCE };
    let connector = Arc::new(connector(name, patience));
    let sender = Sender::new(Arc::clone(&lab.live), Arc::new(computer), connector, roots)?;
    Ok(sender.coming_from(from, lab.server.sessions()))
}

/// Returns a connector that demands a trusted chain, so that a sender without roots leaves as soon as it has
/// seen the certificate.
fn connector(name: &str, patience: Duration) -> SendConnector {
    let mut connector = SendConnector::new(name.to_owned(), SendUsage::Custom);
    connector.connection_inactivity_time_out = TimeSpan(patience);
    connector.require_tls = true;
    connector.tls_auth_level = Nullable(Some(TlsAuthLevel::CertificateValidation));
    connector
}

fn is_silent_on_purpose(lab: &Engine) -> bool {
    let rows = lab.live.faults();
    rows.values().flatten().any(FaultRule::keeps_waiting)
}

fn computer(fqdn: &str) -> Result<Computer, NotAnFqdn> {
    Ok(Computer::new("SENDER", fqdn.parse()?, Role::Edge, Profile::Exchange2019))
}
