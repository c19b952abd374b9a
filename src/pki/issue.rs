//! Issues certificates from templates.

use std::sync::Arc;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, DnType, IsCa, KeyUsagePurpose, SerialNumber,
};
use time::OffsetDateTime;

use super::signing::{Version, sign};
use super::template::{AuthorityTemplate, ExtendedKeyUsage, KeyUsage, Template};
use super::{Certificate, DistinguishedName, KeyPair, PkiError, crl, pem, san};

/// A certificate authority of a lab: a root, or an intermediate under one. Clones share it.
#[derive(Clone, Debug)]
pub struct Authority(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: KeyPair,
    subject: Vec<u8>,
    certificate: Certificate,
    /// From this authority's certificate up to, but without, the root's.
    chain: Vec<Certificate>,
    /// The root's certificate, where it is not this one.
    root: Option<Certificate>,
}

impl Authority {
    /// A root, signed by itself.
    pub fn root(
        key: KeyPair,
        subject: &DistinguishedName,
        not_before: Timestamp,
        not_after: Timestamp,
        serial_number: &[u8],
    ) -> Result<Self, PkiError> {
        let template = AuthorityTemplate::new(subject, not_before, not_after, serial_number);
        let params = authority_params(&template)?;
        let subject = subject.to_der();
        let certificate = sign(&params, (&subject, &key), (&subject, &key), Version::default())?;
        Ok(Self(Arc::new(Inner { key, subject, certificate, chain: Vec::new(), root: None })))
    }

    /// An authority below this one.
    pub fn intermediate(
        &self,
        key: KeyPair,
        subject: &DistinguishedName,
        not_before: Timestamp,
        not_after: Timestamp,
        serial_number: &[u8],
    ) -> Result<Self, PkiError> {
        self.authority(key, &AuthorityTemplate::new(subject, not_before, not_after, serial_number))
    }

    /// An authority below this one that says more, or other things than it should.
    pub fn authority(&self, key: KeyPair, template: &AuthorityTemplate) -> Result<Self, PkiError> {
        let mut params = authority_params(template)?;
        params.use_authority_key_identifier_extension = true;
        let subject = template.subject.to_der();
        let certificate = sign(&params, (&subject, &key), self.name_and_key(), Version::default())?;
        let chain = std::iter::once(&certificate).chain(&self.0.chain).cloned().collect();
        let root = Some(self.root_certificate().clone());
        Ok(Self(Arc::new(Inner { key, subject, certificate, chain, root })))
    }

    /// A server certificate for `key`, fit for TLS on both sides (mail servers are clients too) unless the
    /// template says otherwise.
    pub fn issue(&self, template: &Template, key: &KeyPair) -> Result<Certificate, PkiError> {
        let purposes = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
        let mut params = leaf_params(template, key, &purposes)?;
        // Python from 3.13 and `openssl verify -x509_strict` refuse a leaf without it.
        params.use_authority_key_identifier_extension = !template.no_authority_key_identifier;
        sign(&params, (&template.subject.to_der(), key), self.name_and_key(), template.version())
    }

    /// A list of what was revoked (RFC 5280 section 5), in PEM: serial numbers, and since when.
    pub fn revocation_list(
        &self,
        revoked: &[(Vec<u8>, Timestamp)],
        this_update: Timestamp,
        next_update: Timestamp,
    ) -> Result<String, PkiError> {
        let list = crl::revocation_list(&self.0.subject, &self.0.key, revoked, this_update, next_update)?;
        Ok(pem::encode("X509 CRL", &list))
    }

    /// The authority's own certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// Returns the chain that a server sends after its leaf: the intermediates, nearest first, without the root.
    pub fn chain(&self) -> &[Certificate] {
        &self.0.chain
    }

    /// The certificate at the top of the chain.
    pub fn root_certificate(&self) -> &Certificate {
        self.0.root.as_ref().unwrap_or(&self.0.certificate)
    }

    fn name_and_key(&self) -> (&[u8], &KeyPair) {
        (&self.0.subject, &self.0.key)
    }
}

/// A server certificate signed by its own key, with the extensions of those that Exchange makes at
/// installation: no CA, EKU serverAuth only.
pub fn self_signed(template: &Template, key: &KeyPair) -> Result<Certificate, PkiError> {
    let params = leaf_params(template, key, &[ExtendedKeyUsage::ServerAuth])?;
    let subject = template.subject.to_der();
    sign(&params, (&subject, key), (&subject, key), template.version())
}

fn authority_params(template: &AuthorityTemplate) -> Result<CertificateParams, PkiError> {
    let AuthorityTemplate { not_before, not_after, serial_number, .. } = template;
    let mut params = CertificateParams::default();
    set_frame(&mut params, *not_before, *not_after, serial_number)?;
    params.is_ca =
        IsCa::Ca(template.path_length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    params.key_usages =
        vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = template.name_constraints();
    Ok(params)
}

fn leaf_params(
    template: &Template,
    key: &KeyPair,
    purposes: &[ExtendedKeyUsage],
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    set_frame(&mut params, template.not_before, template.not_after, &template.serial_number)?;
    if template.subject.is_empty() {
        // Tells rcgen to mark the SAN as critical; the name itself is put in by `sign`.
        params.distinguished_name = rcgen::DistinguishedName::new();
    }
    san::put_into(&mut params, template)?;
    // `CA:FALSE` in so many words, and with it the subject key identifier.
    params.is_ca = if template.ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    let usual: &[KeyUsage] = if key.algorithm().is_rsa() {
        &[KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment]
    } else {
        &[KeyUsage::DigitalSignature]
    };
    let usages = template.key_usages.as_deref().unwrap_or(usual);
    params.key_usages = usages.iter().map(|usage| usage.purpose()).collect();
    let purposes = template.extended_key_usages.as_deref().unwrap_or(purposes);
    params.extended_key_usages = purposes.iter().map(|purpose| purpose.purpose()).collect();
    if !template.crl_distribution_points.is_empty() {
        let uris = template.crl_distribution_points.clone();
        params.crl_distribution_points = vec![CrlDistributionPoint { uris }];
    }
    Ok(params)
}

fn set_frame(
    params: &mut CertificateParams,
    not_before: Timestamp,
    not_after: Timestamp,
    serial_number: &[u8],
) -> Result<(), PkiError> {
    params.not_before = date("not_before", not_before)?;
    params.not_after = date("not_after", not_after)?;
    params.serial_number = Some(SerialNumber::from_slice(serial_number));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "");
    Ok(())
}

fn date(field: &'static str, value: Timestamp) -> Result<OffsetDateTime, PkiError> {
    OffsetDateTime::from_unix_timestamp(value.as_second())
        .ok()
        .filter(|date| (0..=9999).contains(&date.year()))
        .ok_or(PkiError::Date { field, value })
}
