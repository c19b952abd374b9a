//! The certificates in the stores of the computers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, attachment, created, json, typed};
use super::connectors::{change, take_computer};
use super::input;
use super::problem::Problem;
use super::resources::find;
use crate::exchange::{ChainStatus, Computer, PrivateKey, Services, StoredCertificate, select_for};
use crate::pki::{Certificate, PublicKey, Thumbprint};
use crate::scenario::{CertificateSpec, Issuer, Keys, issue};

/// A certificate in a store.
#[derive(Serialize, JsonSchema)]
pub(super) struct CertificateView {
    /// The computer's name.
    computer: String,
    /// The name of the certificate in the lab.
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
    /// The services that it is enabled for.
    services: Services,
    /// The state of the private key for the transport service.
    private_key: PrivateKey,
    /// The status that Windows finds when it builds the chain.
    chain: ChainStatus,
    /// True if it is the internal transport certificate.
    internal_transport: bool,
}

/// A certificate in full. Its key is never shown.
#[derive(Serialize, JsonSchema)]
pub(super) struct CertificateDetails {
    /// The certificate.
    #[serde(flatten)]
    certificate: CertificateView,
    /// The kind and length of its public key, such as `RSA 2048`.
    public_key: Option<String>,
    /// The version of X.509.
    version: u8,
    /// The thumbprint that peers see, where it differs.
    handshake_thumbprint: Option<String>,
    /// The intermediates that are sent with it, nearest first.
    chain_sent: Vec<Intermediate>,
    /// The receive connectors that present it now, as `SERVER\\Name`.
    connectors: Vec<String>,
    /// The certificate as PEM.
    pem: Option<String>,
}

/// An intermediate certificate.
#[derive(Serialize, JsonSchema)]
pub(super) struct Intermediate {
    /// The subject as Windows writes it.
    subject: String,
    /// The issuer as Windows writes it.
    issuer: String,
    /// SHA-1 of the DER.
    thumbprint: String,
    /// Valid from.
    not_before: String,
    /// Valid to.
    not_after: String,
}

impl Intermediate {
    fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().to_owned(),
            issuer: certificate.issuer().to_owned(),
            thumbprint: certificate.thumbprint().to_string(),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
        }
    }
}

/// A certificate to be issued: the keys of a lab file's `certificate`, and the computer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape of a body, for the document")]
pub(super) struct NewCertificate {
    /// The computer's name.
    computer: String,
    /// The certificate.
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

/// Returns the certificate of this thumbprint and its computer.
fn find_in<'a>(
    computers: &'a [Arc<Computer>],
    thumbprint: &str,
) -> Result<(&'a Arc<Computer>, &'a StoredCertificate), Problem> {
    let wanted: Option<Thumbprint> = thumbprint.parse().ok();
    let found = wanted.and_then(|wanted| {
        computers.iter().find_map(|computer| Some((computer, computer.store.find(wanted)?)))
    });
    found.ok_or_else(|| {
        let detail = format!("no store holds a certificate `{thumbprint}`; /api/v1/certificates lists them");
        Problem::unknown(detail)
    })
}

pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(thumbprint): Path<String>) -> Answer {
    let (computers, now) = (shared.lab.computers(), shared.lab.clock().now());
    let (computer, stored) = find_in(&computers, &thumbprint)?;
    let material = stored.material.as_ref();
    let presenting = computer.receive_connectors.iter().filter(|connector| {
        let selection = select_for(connector, computer, now);
        connector.enabled && selection.offered().is_some_and(|it| it.thumbprint == stored.facts.thumbprint)
    });
    let key = |certificate: &Certificate| match certificate.public_key() {
        PublicKey { algorithm, bits: 0 } => algorithm.clone(),
        PublicKey { algorithm, bits } => format!("{algorithm} {bits}"),
    };
    json(&CertificateDetails {
        certificate: CertificateView::of(computer, stored),
        public_key: material.map(|material| key(&material.certificate)),
        version: stored.facts.version,
        handshake_thumbprint: stored.handshake_thumbprint().map(|it| it.to_string()),
        chain_sent: material.iter().flat_map(|it| &it.intermediates).map(Intermediate::of).collect(),
        connectors: presenting.map(|connector| format!("{}\\{}", computer.name, connector.name)).collect(),
        pem: material.map(|material| material.certificate.to_pem()),
    })
}

/// Answers with the certificate as a file.
pub(super) async fn pem(
    State(shared): State<Arc<Shared>>,
    Path(thumbprint): Path<String>,
) -> Result<Response, Problem> {
    let computers = shared.lab.computers();
    let (_, stored) = find_in(&computers, &thumbprint)?;
    let Some(material) = &stored.material else {
        return Err(Problem::unknown(format!(
            "the lab has the facts of {thumbprint} only, not the certificate"
        )));
    };
    let file = typed("application/x-pem-file", material.certificate.to_pem());
    Ok(attachment(file, &format!("{}.pem", stored.label)))
}

pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Body) -> Answer {
    let mut value: serde_json::Value = input::json(body).await?;
    let name = take_computer(&mut value)?;
    let certificate: CertificateSpec = input::fits(value)?;
    let name = find(&shared.lab.computers(), &name)?.name.clone();
    let edit = move |computers: &mut Vec<Arc<Computer>>, issuer: &mut Issuer, keys: Keys<'_>| {
        change(computers, &name, |computer| {
            let stored = issue(&computer.name, &certificate, issuer, keys);
            let stored = stored.map_err(|error| Problem::refused(error.message()))?;
            if computer.store.iter().any(|other| other.label == stored.label) {
                let (label, computer) = (&stored.label, &computer.name);
                return Err(Problem::conflict(format!("{computer} has a certificate `{label}` already")));
            }
            let view = CertificateView::of(computer, &stored);
            computer.store.add(stored);
            Ok(view)
        })
    };
    created(&shared.lab.edit(edit).await?, "/api/v1/certificates")
}
