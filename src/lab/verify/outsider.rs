//! Somebody who sends to the lab and is no part of it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::exchange::{Computer, Nullable, Profile, Role, SendConnector, SendUsage, TimeSpan, TlsAuthLevel};
use crate::lab::{Engine, LabError};
use crate::name::NotAnFqdn;
use crate::pki::Certificate;
use crate::wire::Sender;

/// How long an outsider waits for a reply, in seconds: longer than the longest tarpit of habit.
const PATIENCE: u64 = 60;

/// A sender of this name, without a certificate, who trusts `roots` and comes from `from`.
pub(super) fn outsider(
    lab: &Engine,
    name: &str,
    from: IpAddr,
    roots: &[Certificate],
) -> Result<Sender, LabError> {
    let computer = computer("sender.example").map_err(|error| LabError::Unobserved(error.to_string()))?;
    let sender = Sender::new(Arc::clone(&lab.live), Arc::new(computer), Arc::new(connector(name)), roots)?;
    Ok(sender.coming_from(from, lab.server.sessions()))
}

/// Demands a trusted chain, so that one who trusts nobody leaves as soon as the certificate was seen.
fn connector(name: &str) -> SendConnector {
    let mut connector = SendConnector::new(name.to_owned(), SendUsage::Custom);
    connector.connection_inactivity_time_out = TimeSpan(std::time::Duration::from_secs(PATIENCE));
    connector.require_tls = true;
    connector.tls_auth_level = Nullable(Some(TlsAuthLevel::CertificateValidation));
    connector
}

fn computer(fqdn: &str) -> Result<Computer, NotAnFqdn> {
    Ok(Computer::new("SENDER", fqdn.parse()?, Role::Edge, Profile::Exchange2019))
}
