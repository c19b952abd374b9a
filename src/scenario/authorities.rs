//! The authorities of a lab. Each is created when a certificate first asks for it.

use jiff::Timestamp;

use super::certificate_spec::{CertificateSpec, IntermediateSpec, RootSpec};
use super::issuer::{Keys, ROOT_SUBJECT, Refused, later, serial};
use super::recent::Recent;
use super::time_spec::TimeSpecError;
use crate::exchange::ChainStatus;
use crate::pki::{Authority, AuthorityTemplate, KeyAlgorithm, PkiError, SignatureHash};

const ISSUING_SUBJECT: &str = "CN=starttls-lab Issuing CA, O=TEST LAB - trust nothing signed by this";
const UNTRUSTED_SUBJECT: &str =
    "CN=starttls-lab Untrusted Root CA, O=TEST LAB - trust nothing signed by this";
const PRIVATE_SUBJECT: &str = "CN=starttls-lab Private Root CA, O=TEST LAB - trust nothing signed by this";

/// The lab's root, its issuing authority, and further authorities by their descriptions.
#[derive(Clone, Debug)]
pub(super) struct Authorities {
    start: Timestamp,
    root: Authority,
    issuing: Authority,
    others: Recent<String, Authority>,
}

impl Authorities {
    pub(super) fn open(start: Timestamp, keys: Keys<'_>) -> Result<Self, PkiError> {
        let root = root(ROOT_SUBJECT, start, keys)?;
        let issuing = intermediate(&root, ISSUING_SUBJECT, start, keys)?;
        Ok(Self { start, root, issuing, others: Recent::new() })
    }

    pub(super) fn root(&self) -> &Authority {
        &self.root
    }

    pub(super) fn issuing(&self) -> &Authority {
        &self.issuing
    }

    /// Returns the authority that issues the certificate that `spec` describes.
    pub(super) fn of(&mut self, spec: &CertificateSpec, keys: Keys<'_>) -> Result<Authority, Refused> {
        let odd = spec.intermediate.is_some()
            || spec.root != RootSpec::Lab
            || spec.signature != SignatureHash::Usual;
        let untrusted = spec.chain == ChainStatus::Untrusted;
        let authority = match (spec.issuer.as_str(), untrusted) {
            _ if odd => return self.odd(spec, keys),
            ("lab", false) => return Ok(self.issuing.clone()),
            ("lab", true) => self.root_called(UNTRUSTED_SUBJECT, keys),
            (issuer, true) => self.root_called(issuer, keys),
            (issuer, false) => {
                let made = |authorities: &Self, keys: Keys<'_>| {
                    intermediate(&authorities.root, issuer, authorities.start, keys)
                };
                self.once(format!("intermediate {issuer}"), keys, made)
            }
        };
        authority.map_err(|error| Refused::new("issuer", &error))
    }

    fn root_called(&mut self, subject: &str, keys: Keys<'_>) -> Result<Authority, PkiError> {
        let made = |authorities: &Self, keys: Keys<'_>| root(subject, authorities.start, keys);
        self.once(format!("root {subject}"), keys, made)
    }

    /// Creates an authority below a chain in which one authority has an unusual or invalid property.
    fn odd(&mut self, spec: &CertificateSpec, keys: Keys<'_>) -> Result<Authority, Refused> {
        let above = if spec.root == RootSpec::Private || spec.chain == ChainStatus::Untrusted {
            self.root_called(PRIVATE_SUBJECT, keys).map_err(|error| Refused::new("root", &error))?
        } else {
            self.root.clone()
        };
        let described = (above.certificate().subject(), &spec.issuer, &spec.intermediate, spec.signature);
        let described = serde_json::to_string(&described).map_err(|error| Refused::new("issuer", &error))?;
        if let Some(known) = self.others.get(&described) {
            return Ok(known.clone());
        }
        let usual = IntermediateSpec::default();
        let odd = spec.intermediate.as_ref().unwrap_or(&usual);
        let mut authority = above;
        for number in 1..=odd.count {
            let lowest = number == odd.count;
            let subject = match (lowest, spec.issuer.as_str()) {
                (true, "lab") => ISSUING_SUBJECT.to_owned(),
                (true, issuer) => issuer.to_owned(),
                (false, _) => format!(
                    "CN=starttls-lab Intermediate CA {number}, O=TEST LAB - trust nothing signed by this"
                ),
            };
            let serial_number = serial(&["odd", &described, &subject]);
            let mut template = template(&subject, self.start, serial_number)
                .map_err(|error| Refused::new("issuer", &error))?;
            if number == 1 {
                odd.say(&mut template, self.start).map_err(|error| Refused::new("intermediate", &error))?;
            }
            let algorithm = if lowest && spec.signature != SignatureHash::Usual {
                KeyAlgorithm::Rsa2048
            } else {
                KeyAlgorithm::default()
            };
            let key = keys(algorithm).map_err(|error| Refused::new("signature", &error))?;
            authority =
                authority.authority(key, &template).map_err(|error| Refused::new("intermediate", &error))?;
        }
        self.others.insert(described, authority.clone());
        Ok(authority)
    }

    fn once(
        &mut self,
        name: String,
        keys: Keys<'_>,
        make: impl FnOnce(&Self, Keys<'_>) -> Result<Authority, PkiError>,
    ) -> Result<Authority, PkiError> {
        if let Some(known) = self.others.get(&name) {
            return Ok(known.clone());
        }
        let made = make(self, keys)?;
        self.others.insert(name, made.clone());
        Ok(made)
    }
}

impl IntermediateSpec {
    fn say(&self, template: &mut AuthorityTemplate, start: Timestamp) -> Result<(), TimeSpecError> {
        if let Some(moment) = &self.not_before {
            template.not_before = moment.from_start(start)?;
        }
        if let Some(moment) = &self.not_after {
            template.not_after = moment.from_start(start)?;
        }
        template.path_length = self.path_length;
        template.permitted_names.clone_from(&self.permitted_names);
        template.excluded_names.clone_from(&self.excluded_names);
        Ok(())
    }
}

fn template(subject: &str, start: Timestamp, serial_number: Vec<u8>) -> Result<AuthorityTemplate, PkiError> {
    let (not_before, not_after) = (later(start, -20 * 365), later(start, 20 * 365));
    Ok(AuthorityTemplate {
        subject: subject.parse()?,
        not_before,
        not_after,
        serial_number,
        ..AuthorityTemplate::default()
    })
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
    root.authority(key, &template(subject, start, serial(&["intermediate", subject]))?)
}
