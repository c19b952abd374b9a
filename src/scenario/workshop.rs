//! Where a lab's certificates are made: one fresh authority a lab, and one key a certificate.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sha1::{Digest, Sha1};

use super::spec::CertificateSpec;
use crate::exchange::cmdlet::Wanted;
use crate::exchange::{CertificateFacts, ChainStatus, Material};
use crate::pki::{
    Authority, Certificate, DistinguishedName, KeyAlgorithm, KeyPair, PkiError, Template, self_signed,
};

/// Makes keys; the one who calls down to this floor has the randomness.
pub type Keys<'a> = &'a mut dyn FnMut(KeyAlgorithm) -> Result<KeyPair, PkiError>;

/// Subject of the root; whoever meets it in a trust store shall know what it is.
pub const ROOT_SUBJECT: &str = "CN=starttls-lab Root CA, O=TEST LAB - trust nothing signed by this";
const ISSUING_SUBJECT: &str = "CN=starttls-lab Issuing CA, O=TEST LAB - trust nothing signed by this";
const UNTRUSTED_SUBJECT: &str =
    "CN=starttls-lab Untrusted Root CA, O=TEST LAB - trust nothing signed by this";

/// The lab's authorities and every certificate they have issued.
///
/// A certificate is issued once for each description: a lab file that is saved again keeps the
/// certificates of all lines that did not change.
#[derive(Debug)]
pub struct Workshop {
    start: Timestamp,
    root: Authority,
    issuing: Authority,
    others: HashMap<String, Authority>,
    issued: HashMap<(String, String), (CertificateFacts, Material)>,
    ephemeral: HashMap<String, (CertificateFacts, Material)>,
    /// How many certificates cmdlets have asked for.
    made: u32,
}

impl Workshop {
    /// Opens a workshop whose relative dates count from `start`.
    ///
    /// # Errors
    ///
    /// Where no key could be made.
    pub fn open(start: Timestamp, keys: Keys<'_>) -> Result<Self, PkiError> {
        let root = root(ROOT_SUBJECT, start, keys)?;
        let issuing = intermediate(&root, ISSUING_SUBJECT, start, keys)?;
        let (others, issued, ephemeral) = (HashMap::new(), HashMap::new(), HashMap::new());
        Ok(Self { start, root, issuing, others, issued, ephemeral, made: 0 })
    }

    /// When the lab began.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The root that a client of this lab has to trust.
    pub fn root(&self) -> &Certificate {
        self.root.certificate()
    }

    /// The certificate that `spec` describes, for the store of `computer`.
    pub(super) fn certificate(
        &mut self,
        computer: &str,
        spec: &CertificateSpec,
        keys: Keys<'_>,
    ) -> Result<(CertificateFacts, Material), String> {
        let description = serde_json::to_string(spec).map_err(|error| error.to_string())?;
        let known = (computer.to_owned(), description);
        if let Some(issued) = self.issued.get(&known) {
            return Ok(issued.clone());
        }
        let template = self.template(&known.0, &known.1, spec)?;
        let key = keys(spec.key).map_err(|error| error.to_string())?;
        let issued = self.issue(&template, spec, key, keys).map_err(|error| error.to_string())?;
        self.issued.insert(known, issued.clone());
        Ok(issued)
    }

    /// A certificate that a cmdlet asks for, valid from `now`: five years where the server signs it itself,
    /// as Exchange 2010 and later do, else one. Each is another one, however often it is asked for.
    pub(super) fn wanted(
        &mut self,
        computer: &str,
        wanted: &Wanted,
        by_itself: bool,
        now: Timestamp,
        keys: Keys<'_>,
    ) -> Result<(CertificateFacts, Material), String> {
        self.made += 1;
        let subject = wanted.subject.parse::<DistinguishedName>().map_err(|error| error.to_string())?;
        let template = Template {
            subject,
            dns_names: wanted.names.clone(),
            ip_addresses: Vec::new(),
            not_before: later(now, 0),
            not_after: later(now, if by_itself { 5 * 365 } else { 365 }),
            serial_number: serial(&[computer, &wanted.subject, &self.made.to_string()]),
        };
        let key = keys(KeyAlgorithm::default()).map_err(|error| error.to_string())?;
        let issued = match by_itself {
            true => self_signed(&template, &key).map(|it| (it, Vec::new())),
            false => self.issuing.issue(&template, &key).map(|it| (it, self.issuing.chain().to_vec())),
        };
        let (certificate, chain) = issued.map_err(|error| error.to_string())?;
        Ok(filed(certificate, chain, key))
    }

    /// The self-signed certificate that stands in for a missing internal transport certificate (event 12024).
    pub(super) fn ephemeral(
        &mut self,
        computer: &str,
        fqdn: &str,
        keys: Keys<'_>,
    ) -> Result<(CertificateFacts, Material), PkiError> {
        if let Some(issued) = self.ephemeral.get(computer) {
            return Ok(issued.clone());
        }
        let template = Template {
            subject: format!("CN={computer}").parse()?,
            dns_names: vec![computer.to_owned(), fqdn.to_owned()],
            ip_addresses: Vec::new(),
            not_before: self.start,
            not_after: later(self.start, 365),
            serial_number: serial(&["ephemeral", computer]),
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
    ) -> Result<Template, String> {
        let subject = match (&spec.subject, spec.names.first()) {
            (Some(subject), _) => subject.parse::<DistinguishedName>().map_err(|error| error.to_string())?,
            (None, Some(name)) => {
                format!("CN={name}").parse().map_err(|error: PkiError| error.to_string())?
            }
            (None, None) => return Err("a certificate needs a subject or names".to_owned()),
        };
        Ok(Template {
            subject,
            dns_names: spec.names.clone(),
            ip_addresses: Vec::new(),
            not_before: spec.not_before.from_start(self.start)?,
            not_after: spec.not_after.from_start(self.start)?,
            serial_number: serial(&[computer, description]),
        })
    }

    fn issue(
        &mut self,
        template: &Template,
        spec: &CertificateSpec,
        key: KeyPair,
        keys: Keys<'_>,
    ) -> Result<(CertificateFacts, Material), PkiError> {
        if spec.issuer == "self" {
            return Ok(filed(self_signed(template, &key)?, Vec::new(), key));
        }
        let authority = match (spec.issuer.as_str(), spec.chain) {
            ("lab", ChainStatus::Valid | ChainStatus::Revoked) => &self.issuing,
            ("lab", ChainStatus::Untrusted) => self.other(UNTRUSTED_SUBJECT, true, keys)?,
            (issuer, chain) => self.other(issuer, chain == ChainStatus::Untrusted, keys)?,
        };
        let certificate = authority.issue(template, &key)?;
        Ok(filed(certificate, authority.chain().to_vec(), key))
    }

    /// The authority of this subject: below the lab's root, or a root of its own that nobody trusts.
    fn other(&mut self, subject: &str, untrusted: bool, keys: Keys<'_>) -> Result<&Authority, PkiError> {
        let name = format!("{untrusted} {subject}");
        if !self.others.contains_key(&name) {
            let authority = match untrusted {
                true => root(subject, self.start, keys)?,
                false => intermediate(&self.root, subject, self.start, keys)?,
            };
            self.others.insert(name.clone(), authority);
        }
        Ok(&self.others[&name])
    }
}

fn filed(
    certificate: Certificate,
    intermediates: Vec<Certificate>,
    key: KeyPair,
) -> (CertificateFacts, Material) {
    (CertificateFacts::from(&certificate), Material { certificate, intermediates, key })
}

fn root(subject: &str, start: Timestamp, keys: Keys<'_>) -> Result<Authority, PkiError> {
    let key = keys(KeyAlgorithm::default())?;
    let (from, to) = (later(start, -20 * 365), later(start, 20 * 365));
    Authority::root(key, &subject.parse()?, from, to, &serial(&["root", subject]))
}

fn intermediate(
    root: &Authority,
    subject: &str,
    start: Timestamp,
    keys: Keys<'_>,
) -> Result<Authority, PkiError> {
    let key = keys(KeyAlgorithm::default())?;
    let (from, to) = (later(start, -20 * 365), later(start, 20 * 365));
    root.intermediate(key, &subject.parse()?, from, to, &serial(&["intermediate", subject]))
}

fn later(start: Timestamp, days: i64) -> Timestamp {
    let whole = Timestamp::from_second(start.as_second()).unwrap_or(start);
    whole.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(whole)
}

/// A serial number that is the same in every run: sixteen octets, positive (RFC 5280 section 4.1.2.2).
fn serial(of: &[&str]) -> Vec<u8> {
    let mut digest = Sha1::new();
    for part in of {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let mut serial = digest.finalize()[..16].to_vec();
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}
