//! The certificates in the stores of the computers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, created, json};
use super::connectors::{change, take_computer};
use super::input;
use super::problem::Problem;
use super::resources::find;
use crate::exchange::{ChainStatus, Computer, PrivateKey, Services, StoredCertificate};
use crate::scenario::{CertificateSpec, Issuer, Keys, issue};

/// A certificate in a store.
#[derive(Serialize, JsonSchema)]
pub(super) struct CertificateView {
    /// The computer's name.
    computer: String,
    /// What the lab calls it.
    label: String,
    /// SHA-1 of the DER, or what the lab file declares in its place.
    thumbprint: String,
    /// SHA-1 of the DER, where the lab file declares another thumbprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    handshake_thumbprint: Option<String>,
    /// The subject as Windows writes it.
    subject: String,
    /// The issuer as Windows writes it.
    issuer: String,
    /// Upper-case hexadecimal.
    serial_number: String,
    /// Every name that it carries.
    names: Vec<String>,
    /// Valid from.
    not_before: String,
    /// Valid to.
    not_after: String,
    /// True if it was signed with its own key.
    self_signed: bool,
    /// What it is enabled for.
    services: Services,
    /// True if the transport service can use the private key.
    private_key: PrivateKey,
    /// What Windows finds when it builds the chain.
    chain: ChainStatus,
    /// True if it is the internal transport certificate.
    internal_transport: bool,
}

/// A certificate as it is issued: the keys of a lab file's `certificate`, and the computer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape of a body, for the document")]
pub(super) struct NewCertificate {
    /// The computer's name.
    computer: String,
    /// What it is to be.
    #[serde(flatten)]
    certificate: CertificateSpec,
}

impl CertificateView {
    fn of(computer: &Computer, stored: &StoredCertificate) -> Self {
        let facts = &stored.facts;
        Self {
            computer: computer.name.clone(),
            label: stored.label.clone(),
            thumbprint: facts.thumbprint.to_string(),
            handshake_thumbprint: stored.handshake_thumbprint().map(|seen| seen.to_string()),
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            serial_number: facts.serial_number.clone(),
            names: facts.names().into_iter().map(str::to_owned).collect(),
            not_before: facts.not_before.to_string(),
            not_after: facts.not_after.to_string(),
            self_signed: facts.self_signed,
            services: stored.services,
            private_key: stored.private_key,
            chain: stored.chain,
            internal_transport: computer.internal_transport_certificate == Some(facts.thumbprint),
        }
    }
}

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Answer {
    let computers = shared.lab.computers();
    let views = computers
        .iter()
        .flat_map(|computer| computer.store.iter().map(|stored| CertificateView::of(computer, stored)));
    json(&views.collect::<Vec<_>>())
}

pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let mut value: serde_json::Value = input::json(body).await?;
    let name = take_computer(&mut value)?;
    let certificate: CertificateSpec = input::fits(value)?;
    let name = find(&shared.lab.computers(), &name)?.name.clone();
    let mut view = None;
    let edit = |computers: &mut Vec<Arc<Computer>>, issuer: &mut Issuer, keys: Keys<'_>| {
        change(computers, &name, |computer| {
            let stored = issue(&computer.name, &certificate, issuer, keys);
            let stored = stored.map_err(|error| Problem::refused(error.message()))?;
            if computer.store.iter().any(|other| other.label == stored.label) {
                let (label, computer) = (&stored.label, &computer.name);
                return Err(Problem::conflict(format!("{computer} has a certificate `{label}` already")));
            }
            view = Some(CertificateView::of(computer, &stored));
            computer.store.add(stored);
            Ok(())
        })
    };
    shared.lab.edit(edit).await?;
    match view {
        Some(view) => created(&view, "/api/v1/certificates"),
        None => Err(Problem::refused("no certificate came of it")),
    }
}
