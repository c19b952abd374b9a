//! Revocation lists (RFC 5280 section 5).

use jiff::Timestamp;
use rcgen::{CertificateParams, Issuer, KeyIdMethod, SigningKey};

use super::signing::{Unsigned, failed, sealed};
use super::{KeyPair, PkiError, der};

/// The certificate revocation list of `subject`, signed by its key.
pub(super) fn revocation_list(
    subject: &[u8],
    key: &KeyPair,
    revoked: &[(Vec<u8>, Timestamp)],
    this_update: Timestamp,
    next_update: Timestamp,
) -> Result<Vec<u8>, PkiError> {
    let algorithm = signature_algorithm(key)?;
    let revoked: Vec<_> = revoked
        .iter()
        .map(|(serial, since)| der::write(der::SEQUENCE, &[&der::unsigned(serial), &time(*since)]))
        .collect();
    let revoked: Vec<_> = revoked.iter().map(Vec::as_slice).collect();
    let list = der::write(der::SEQUENCE, &revoked);
    // `revokedCertificates` is left away where there are none (section 5.1.2.6).
    let list: &[u8] = if revoked.is_empty() { &[] } else { &list };
    let number = extension(CRL_NUMBER, &der::unsigned(&this_update.as_second().max(0).to_be_bytes()));
    let identifier = der::write(0x80, &[&key_identifier(key)]);
    let authority = extension(AUTHORITY_KEY_IDENTIFIER, &der::write(der::SEQUENCE, &[&identifier]));
    let extensions = der::write(0xa0, &[&der::write(der::SEQUENCE, &[&authority, &number])]);
    let version = der::write(der::INTEGER, &[&[1]]);
    let tbs = der::write(
        der::SEQUENCE,
        &[&version, &algorithm, subject, &time(this_update), &time(next_update), list, &extensions],
    );
    let signature = key.signer().sign(&tbs).map_err(failed)?;
    Ok(sealed(&tbs, &algorithm, &signature))
}

/// 2.5.29.20 (section 5.2.3).
const CRL_NUMBER: &[u8] = &[0x55, 29, 20];
/// 2.5.29.35 (section 5.2.1).
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 29, 35];

fn extension(identifier: &[u8], content: &[u8]) -> Vec<u8> {
    let identifier = der::write(der::OID, &[identifier]);
    der::write(der::SEQUENCE, &[&identifier, &der::write(der::OCTET_STRING, &[content])])
}

/// As the certificates of the authority have it.
fn key_identifier(key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.key_identifier_method = KeyIdMethod::Sha256;
    params.key_identifier(key.signer())
}

/// The AlgorithmIdentifier of a signature with this key, read off a certificate that rcgen drafts for it.
fn signature_algorithm(key: &KeyPair) -> Result<Vec<u8>, PkiError> {
    let issuer = Issuer::new(CertificateParams::default(), Unsigned(key.signer()));
    let draft = CertificateParams::default().signed_by(key.signer(), &issuer).map_err(failed)?;
    let algorithm = der::read(draft.der())
        .and_then(|(certificate, _)| der::elements(certificate.content).nth(1))
        .map(|algorithm| algorithm.whole.to_vec());
    algorithm.ok_or_else(|| failed("the draft of a certificate has an unexpected shape"))
}

/// UTCTime up to 2049, GeneralizedTime from 2050 on (section 5.1.2.4).
fn time(time: Timestamp) -> Vec<u8> {
    let time = time.to_zoned(jiff::tz::TimeZone::UTC);
    let rest = time.strftime("%m%d%H%M%SZ");
    match time.year() {
        1950..2050 => der::write(der::UTC_TIME, &[format!("{:02}{rest}", time.year() % 100).as_bytes()]),
        year => der::write(der::GENERALIZED_TIME, &[format!("{year:04}{rest}").as_bytes()]),
    }
}
