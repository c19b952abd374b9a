//! Computers on paper: facts instead of certificates, so that every date and thumbprint is known.

use std::sync::Arc;

use jiff::Timestamp;
use starttls_lab::internal::exchange::{
    CertificateFacts, CertificateStore, ChainStatus, Computer, Nullable, PrivateKey, Profile,
    ReceiveConnector, Role, Services, StoredCertificate, Usage,
};
use starttls_lab::internal::pki::Thumbprint;

pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A healthy certificate of an authority; its subject is its first name.
pub(crate) fn certificate(label: &str, names: &[&str]) -> StoredCertificate {
    StoredCertificate {
        label: label.to_owned(),
        facts: CertificateFacts {
            thumbprint: Thumbprint::of(label.as_bytes()),
            subject: format!("CN={}", names[0]),
            issuer: "CN=Issuing CA G1, O=Contoso".to_owned(),
            serial_number: "5A01".to_owned(),
            common_names: vec![names[0].to_owned()],
            dns_names: names.iter().map(|name| (*name).to_owned()).collect(),
            not_before: "2025-10-01T00:00:00Z".parse().unwrap(),
            not_after: "2026-10-01T00:00:00Z".parse().unwrap(),
            version: 3,
            self_signed: false,
        },
        services: Services::SMTP,
        private_key: PrivateKey::Present,
        chain: ChainStatus::Valid,
        material: None,
    }
}

pub(crate) fn changed(
    mut certificate: StoredCertificate,
    change: impl FnOnce(&mut StoredCertificate),
) -> StoredCertificate {
    change(&mut certificate);
    certificate
}

/// A computer with one connector that answers as `fqdn`, on port 25.
pub(crate) fn computer(role: Role, profile: Profile, fqdn: &str, store: Vec<StoredCertificate>) -> Computer {
    let (name, host, connector_name) = match role {
        Role::Edge => ("MAILGATE", "mailgate.expta.com", "Default internal receive connector MAILGATE"),
        Role::HubTransport => ("EX01", "ex01.contoso.local", "Default EX01"),
        Role::Mailbox => ("EX01", "ex01.contoso.local", "Default Frontend EX01"),
        _ => unreachable!("no other role"),
    };
    let mut connector = ReceiveConnector::new(connector_name.to_owned(), Usage::of_role(role), role, profile);
    connector.fqdn = Nullable((!fqdn.is_empty()).then(|| fqdn.parse().unwrap()));
    let mut certificates = CertificateStore::default();
    store.into_iter().for_each(|stored| certificates.add(stored));
    Computer {
        store: certificates,
        receive_connectors: vec![Arc::new(connector)],
        ..Computer::new(name, host.parse().unwrap(), role, profile)
    }
}

/// The computer with its first connector changed.
pub(crate) fn with_connector(mut computer: Computer, change: impl FnOnce(&mut ReceiveConnector)) -> Computer {
    change(Arc::make_mut(&mut computer.receive_connectors[0]));
    computer
}
