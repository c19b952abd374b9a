//! Issues a lab's certificates: one fresh authority per lab, and one key per certificate.

use jiff::{SignedDuration, Timestamp};
use sha1::{Digest, Sha1};

use super::authorities::Authorities;
use super::certificate_spec::{CertificateSpec, ChainSent};
use super::recent::Recent;
use crate::exchange::cmdlet::Wanted;
use crate::exchange::{CertificateFacts, ChainStatus, Material};
use crate::pki::{
    Authority, Certificate, DistinguishedName, KeyAlgorithm, KeyPair, PkiError, Template, self_signed,
};

/// A function that makes keys; the caller of this layer provides the randomness.
pub type Keys<'a> = &'a mut dyn FnMut(KeyAlgorithm) -> Result<KeyPair, PkiError>;

/// The subject of the root. It tells anybody who finds the root in a trust store what it is.
pub const ROOT_SUBJECT: &str = "CN=starttls-lab Root CA, O=TEST LAB - trust nothing signed by this";

/// The lab's authorities and every certificate they have issued.
///
/// A certificate is issued once for each description: a lab file that is saved again keeps the
/// certificates of all lines that did not change. Of thousands of descriptions the oldest are forgotten.
#[derive(Clone, Debug)]
pub struct Issuer {
    start: Timestamp,
    authorities: Authorities,
    issued: Recent<(String, String), (CertificateFacts, Material)>,
    ephemeral: Recent<String, (CertificateFacts, Material)>,
    /// The revoked certificates, by their authority.
    revoked: Vec<(Authority, Vec<u8>)>,
    /// The number of certificates that cmdlets have asked for.
    made: u32,
}

/// The maximum number of revoked certificates that are remembered.
const MOST_REVOKED: usize = 4096;

/// The reason why a certificate cannot be issued, with the key of its description that is to blame.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) key: &'static str,
    pub(super) message: String,
}

/// The list of certificates that an authority has revoked (RFC 5280 section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// The authority's name.
    pub issuer: String,
    /// The list in PEM (RFC 7468 section 7).
    pub pem: String,
}

impl Issuer {
    /// Opens an issuer whose relative dates count from `start`.
    ///
    /// # Errors
    ///
    /// Fails if no key could be made.
    pub fn open(start: Timestamp, keys: Keys<'_>) -> Result<Self, PkiError> {
        let authorities = Authorities::open(start, keys)?;
        let (issued, ephemeral, revoked) = (Recent::new(), Recent::new(), Vec::new());
        Ok(Self { start, authorities, issued, ephemeral, revoked, made: 0 })
    }

    /// Returns the time at which the lab began.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// Returns the root that a client of this lab has to trust.
    pub fn root(&self) -> &Certificate {
        self.authorities.root().certificate()
    }

    /// Returns the revocation list of each authority, as of the start and valid for thirty days.
    ///
    /// # Errors
    ///
    /// Fails if a list could not be signed.
    pub fn revocation_lists(&self) -> Result<Vec<RevocationList>, PkiError> {
        let mut lists: Vec<(&Authority, Vec<_>)> = Vec::new();
        for (authority, serial_number) in &self.revoked {
            let entry = (serial_number.clone(), later(self.start, -1));
            let same =
                |(other, _): &&mut (&Authority, Vec<_>)| other.certificate() == authority.certificate();
            match lists.iter_mut().find(same) {
                Some((_, entries)) => entries.push(entry),
                None => lists.push((authority, vec![entry])),
            }
        }
        let signed = lists.into_iter().map(|(authority, entries)| {
            let pem = authority.revocation_list(&entries, later(self.start, -1), later(self.start, 30))?;
            Ok(RevocationList { issuer: authority.certificate().subject().to_owned(), pem })
        });
        signed.collect()
    }

    /// Returns the certificate that `spec` describes, for the store of `computer`.
    pub(super) fn certificate(
        &mut self,
        computer: &str,
        spec: &CertificateSpec,
        keys: Keys<'_>,
    ) -> Result<(CertificateFacts, Material), Refused> {
        let description = serde_json::to_string(spec).map_err(|error| Refused::new("names", &error))?;
        let known = (computer.to_owned(), description);
        if let Some(issued) = self.issued.get(&known) {
            return Ok(issued.clone());
        }
        if let Some((key, message)) = spec.contradiction() {
            return Err(Refused { key, message });
        }
        let template = self.template(&known.0, &known.1, spec)?;
        let key = keys(spec.key).map_err(|error| Refused::new("key", &error))?;
        let (mut facts, material) = self.issue(&template, spec, key, keys)?;
        facts.thumbprint = spec.thumbprint.unwrap_or(facts.thumbprint);
        let issued = (facts, material);
        self.issued.insert(known, issued.clone());
        Ok(issued)
    }

    /// Issues a certificate that a cmdlet asks for, valid from `now`. It is valid for five years if the
    /// server signs it itself, as in Exchange 2010 and later, else for one year. Every call returns a
    /// different certificate.
    pub(super) fn wanted(
        &mut self,
        computer: &str,
        wanted: &Wanted,
        by_itself: bool,
        now: Timestamp,
        keys: Keys<'_>,
    ) -> Result<(CertificateFacts, Material), PkiError> {
        self.made += 1;
        let subject = wanted.subject.parse::<DistinguishedName>()?;
        let template = Template {
            subject,
            dns_names: wanted.names.clone(),
            not_before: later(now, 0),
            not_after: later(now, if by_itself { 5 * 365 } else { 365 }),
            serial_number: serial(&[computer, &wanted.subject, &self.made.to_string()]),
            ..Template::default()
        };
        let key = keys(KeyAlgorithm::default())?;
        let issued = if by_itself {
            self_signed(&template, &key).map(|it| (it, Vec::new()))
        } else {
            let issuing = self.authorities.issuing();
            issuing.issue(&template, &key).map(|it| (it, issuing.chain().to_vec()))
        };
        let (certificate, chain) = issued?;
        Ok(filed(certificate, chain, key))
    }

    /// Issues the self-signed certificate that stands in for a missing internal transport certificate (event
    /// 12024).
    pub(super) fn ephemeral(
        &mut self,
        computer: &str,
        fqdn: &str,
        keys: Keys<'_>,
    ) -> Result<(CertificateFacts, Material), PkiError> {
        if let Some(issued) = self.ephemeral.get(&computer.to_owned()) {
            return Ok(issued.clone());
        }
        let template = Template {
            subject: format!("CN={computer}").parse()?,
            dns_names: vec![computer.to_owned(), fqdn.to_owned()],
            not_before: self.start,
            not_after: later(self.start, 365),
            serial_number: serial(&["ephemeral", computer]),
            ..Template::default()
        };
        let key = keys(KeyAlgorithm::default())?;
        let issued = filed(self_signed(&template, &key)?, Vec::new(), key);
        self.ephemeral.insert(computer.to_owned(), issued.clone());
        Ok(issued)
    }

    fn template(
        &self,
        computer: &str,
        description: &str,
        spec: &CertificateSpec,
    ) -> Result<Template, Refused> {
        let filler = (1..=spec.filler_names).map(filler_name);
        Ok(Template {
            subject: spec.distinguished_name().map_err(|(key, message)| Refused { key, message })?,
            dns_names: spec.names.iter().cloned().chain(filler).collect(),
            raw_dns_names: spec.raw_names.clone(),
            ip_addresses: spec.ip_addresses.clone(),
            email_addresses: spec.email_addresses.clone(),
            uris: spec.uris.clone(),
            srv_names: spec.srv_names.clone(),
            not_before: spec
                .not_before
                .from_start(self.start)
                .map_err(|it| Refused::new("not_before", &it))?,
            not_after: spec.not_after.from_start(self.start).map_err(|it| Refused::new("not_after", &it))?,
            serial_number: serial(&[computer, description]),
            ca: spec.ca,
            key_usages: spec.key_usage.clone(),
            extended_key_usages: spec.extended_key_usage.clone(),
            no_authority_key_identifier: !spec.authority_key_identifier,
            crl_distribution_points: spec.crl_distribution_points.clone(),
            v1: spec.version == 1,
            signature: spec.signature,
        })
    }

    fn issue(
        &mut self,
        template: &Template,
        spec: &CertificateSpec,
        key: KeyPair,
        keys: Keys<'_>,
    ) -> Result<(CertificateFacts, Material), Refused> {
        let refused =
            |error: PkiError| Refused::new(if spec.subject.is_some() { "subject" } else { "names" }, &error);
        let (certificate, chain) = if spec.issuer == "self" {
            (self_signed(template, &key).map_err(refused)?, Vec::new())
        } else {
            let authority = self.authorities.of(spec, keys)?;
            let certificate = authority.issue(template, &key).map_err(refused)?;
            if spec.revoked || spec.chain == ChainStatus::Revoked {
                if self.revoked.len() >= MOST_REVOKED {
                    self.revoked.remove(0);
                }
                self.revoked.push((authority.clone(), template.serial_number.clone()));
            }
            (certificate, sent(&authority, spec.chain_sent))
        };
        let key = if spec.key_mismatch {
            keys(spec.key).map_err(|error| Refused::new("key", &error))?
        } else {
            key
        };
        Ok(filed(certificate, chain, key))
    }
}

impl Refused {
    pub(super) fn new(key: &'static str, why: &dyn std::fmt::Display) -> Self {
        Self { key, message: why.to_string() }
    }
}

/// Returns the certificates that are sent after a certificate of this authority.
fn sent(authority: &Authority, wanted: ChainSent) -> Vec<Certificate> {
    let chain = authority.chain().iter().cloned();
    match wanted {
        ChainSent::Full => chain.collect(),
        ChainSent::Leaf => Vec::new(),
        ChainSent::WithRoot => chain.chain([authority.root_certificate().clone()]).collect(),
        ChainSent::Reversed => chain.rev().collect(),
    }
}

/// Returns a DNS name of about sixty bytes, a different one for each number.
fn filler_name(number: u16) -> String {
    format!("filler-{number:05}.{}.lab.test", "long".repeat(9))
}

fn filed(
    certificate: Certificate,
    intermediates: Vec<Certificate>,
    key: KeyPair,
) -> (CertificateFacts, Material) {
    (CertificateFacts::from(&certificate), Material { certificate, intermediates, key })
}

pub(super) fn later(start: Timestamp, days: i64) -> Timestamp {
    let whole = Timestamp::from_second(start.as_second()).unwrap_or(start);
    whole.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(whole)
}

/// Returns a serial number that is the same in every run: sixteen bytes, positive (RFC 5280 section 4.1.2.2).
pub(super) fn serial(of: &[&str]) -> Vec<u8> {
    let mut digest = Sha1::new();
    for part in of {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let mut serial = digest.finalize()[..16].to_vec();
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}
