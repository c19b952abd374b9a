//! Puts the settings of the services for mail clients on the computers.

use super::Material;
use super::computers::Server;
use crate::import::question::Questions;
use crate::import::record::Record;
use crate::scenario::ClientSettingsSpec;

/// Returns the server that settings belong to.
pub(super) fn server(record: &Record) -> Option<String> {
    let identity = || Some(record.text(&["Identity"])?.split_once('\\')?.0.to_owned());
    record.text(&["Server"]).or_else(identity)
}

/// Puts the settings of IMAP4 and POP3 on their computers.
pub(super) fn place(material: &Material, servers: &mut [Server], desk: &mut Questions) {
    for record in &material.client_settings {
        let Some(name) = record.text(&["X509CertificateName"]) else { continue };
        let known = server(record).and_then(|own| servers.iter().position(|server| server.is(&own)));
        // Settings without a server are those of the only one.
        let at = known.or_else(|| (servers.len() == 1).then_some(0));
        let Some(spec) = at.and_then(|at| servers.get_mut(at)).map(|server| &mut server.spec) else {
            desk.leave_out(format!(
                "X509CertificateName {name} belongs to no server that is known; it is left out"
            ));
            continue;
        };
        let settings = ClientSettingsSpec { x509_certificate_name: Some(name.clone()) };
        let protocol = record.text(&["ProtocolName"]).unwrap_or_default().to_ascii_uppercase();
        match protocol.get(..3) {
            Some("IMA") => spec.imap_settings = settings,
            Some("POP") => spec.pop_settings = settings,
            Some(_) | None => desk.leave_out(format!(
                "X509CertificateName {name} of {} is without its ProtocolName; it is left out",
                spec.name
            )),
        }
    }
}
