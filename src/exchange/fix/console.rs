//! The way through the management consoles, page by page.

use crate::exchange::{Computer, Profile, ReceiveConnector, Role};

/// A setting on a receive connector's pages.
#[derive(Clone, Copy)]
pub(super) enum Page {
    /// The FQDN.
    Fqdn,
    /// The boxes of AuthMechanism.
    Authentication,
}

/// The way to a page of `connector`, and what to do there.
///
/// Sources: the seed (Edge, 2010) and the receive connector pages of 2007 to 2019.
pub(super) fn connector(
    computer: &Computer,
    connector: &ReceiveConnector,
    page: Page,
    what: &str,
) -> Vec<String> {
    let (name, server) = (&connector.name, &computer.name);
    if let Some(none) = no_console(computer) {
        return vec![none];
    }
    if computer.profile >= Profile::Exchange2013 {
        let section = match page {
            Page::Fqdn => format!("scoping, FQDN: {what}"),
            Page::Authentication => format!("security, Authentication: {what}"),
        };
        return vec![
            format!("Exchange admin center: mail flow, receive connectors, server {server}"),
            format!("{name}: Edit"),
            section,
        ];
    }
    let node = match computer.role {
        Role::Edge => format!("Edge Transport, {server}"),
        Role::HubTransport | Role::Mailbox => format!("Server Configuration, Hub Transport, {server}"),
    };
    let tab = match page {
        Page::Fqdn => format!(
            "General tab: \"Specify the FQDN this connector will provide in response to HELO or EHLO\": {what}"
        ),
        Page::Authentication => format!("Authentication tab: {what}"),
    };
    vec![
        format!("Exchange Management Console: {node}"),
        format!("Receive Connectors tab: {name}, Properties"),
        tab,
    ]
}

/// The way to make a connector beside `connector`.
pub(super) fn new_connector(computer: &Computer) -> Vec<String> {
    if let Some(none) = no_console(computer) {
        return vec![none];
    }
    let server = &computer.name;
    if computer.profile >= Profile::Exchange2013 {
        return vec![
            format!("Exchange admin center: mail flow, receive connectors, server {server}"),
            "New (+): name, role, type Custom, then the bindings and the senders' addresses".to_owned(),
            "afterwards Edit: scoping, FQDN; security, Authentication".to_owned(),
        ];
    }
    vec![
        format!("Exchange Management Console: Server Configuration, Hub Transport, {server}"),
        "Receive Connectors tab, New Receive Connector: Custom, with FQDN, bindings and the senders' addresses"
            .to_owned(),
    ]
}

/// The way to the certificates, and what to do there.
///
/// That the console of an Edge 2010 shows no certificates is inferred: it has no Server Configuration
/// node. Exchange 2007 manages certificates in the Shell only.
pub(super) fn certificates(computer: &Computer, in_2010: &str, in_admin_center: &str) -> Vec<String> {
    if let Some(none) = no_console(computer) {
        return vec![none];
    }
    let server = &computer.name;
    match (computer.profile, computer.role) {
        (Profile::Exchange2007, _) => {
            vec!["only the Shell: the console of Exchange 2007 does not manage certificates".to_owned()]
        }
        (_, Role::Edge) => {
            vec!["only the Shell: the console of an Edge does not manage certificates".to_owned()]
        }
        (Profile::Exchange2010, _) => vec![
            format!("Exchange Management Console: Server Configuration, {server}, Exchange Certificates tab"),
            in_2010.to_owned(),
        ],
        (Profile::Exchange2013 | Profile::Exchange2019, _) => vec![
            format!("Exchange admin center: servers, certificates, server {server}"),
            in_admin_center.to_owned(),
        ],
    }
}

/// The way to RequireTLS, which is on no page.
pub(super) fn require_tls(computer: &Computer, connector: &ReceiveConnector) -> Vec<String> {
    let none = || format!("only the Shell: no page of {} shows RequireTLS", connector.name);
    vec![no_console(computer).unwrap_or_else(none)]
}

/// TlsCertificateName is on no page.
pub(super) fn pin(computer: &Computer) -> Vec<String> {
    let none = || "only the Shell: the admin center does not show TlsCertificateName".to_owned();
    vec![no_console(computer).unwrap_or_else(none)]
}

/// The way to a certificate in Windows, which is the same on every server.
pub(super) fn windows(store: &str, what: &str) -> Vec<String> {
    vec![format!("mmc, Add/Remove Snap-in, Certificates, Computer account: {store}"), what.to_owned()]
}

fn no_console(computer: &Computer) -> Option<String> {
    let bare = computer.role == Role::Edge && computer.profile >= Profile::Exchange2013;
    bare.then(|| "only the Shell: an Edge Transport server of 2013 and later has no admin center".to_owned())
}
