//! What the lab issues, judged by strangers: rustls-webpki, and OpenSSL where it is installed.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use crate::installed::Program;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use starttls_lab::internal::pki::{
    Authority, Certificate, DistinguishedName, KeyAlgorithm, KeyPair, PkiError, Template, self_signed,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

const SPRING: &str = "2026-03-01T00:00:00Z";
const SUMMER: &str = "2026-06-01T00:00:00Z";
const NEXT_SPRING: &str = "2027-03-01T00:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn dn(text: &str) -> DistinguishedName {
    text.parse().unwrap()
}

fn key() -> KeyPair {
    KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn template(subject: &str, dns_names: &[&str]) -> Template {
    Template {
        subject: dn(subject),
        dns_names: dns_names.iter().map(|&name| name.to_owned()).collect(),
        not_before: at(SPRING),
        not_after: at(NEXT_SPRING),
        serial_number: vec![7],
        ..Template::default()
    }
}

fn root() -> Authority {
    let subject = dn("CN=Lab Root, O=starttls-lab");
    Authority::root(key(), &subject, at(SPRING), at(NEXT_SPRING), &[1]).unwrap()
}

fn issuing(root: &Authority) -> Authority {
    root.intermediate(key(), &dn("CN=Lab Issuing"), at(SPRING), at(NEXT_SPRING), &[2]).unwrap()
}

/// What rustls-webpki says about `leaf` for `name`, or for no name at all.
fn webpki(
    root: &Authority,
    chain: &[Certificate],
    leaf: &Certificate,
    name: Option<&str>,
) -> Result<(), webpki::Error> {
    let leaf = CertificateDer::from(leaf.der());
    let root = CertificateDer::from(root.certificate().der());
    let chain: Vec<_> = chain.iter().map(|c| CertificateDer::from(c.der())).collect();
    let leaf = EndEntityCert::try_from(&leaf)?;
    let summer = UnixTime::since_unix_epoch(Duration::from_secs(at(SUMMER).as_second().try_into().unwrap()));
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor_from_trusted_cert(&root)?],
        &chain,
        summer,
        KeyUsage::server_auth(),
        None,
        None,
    )?;
    name.map_or(Ok(()), |name| leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap()))
}

#[test]
fn an_issued_leaf_is_valid_for_its_names_and_for_no_others() {
    let root = root();
    let issuing = issuing(&root);
    let mut template = template("CN=mail.contoso.com", &["mail.contoso.com", "*.lab.test"]);
    template.ip_addresses = vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    let leaf = issuing.issue(&template, &key()).unwrap();
    for name in ["mail.contoso.com", "MX1.Lab.Test", "192.0.2.1", "2001:db8::1"] {
        assert_eq!(webpki(&root, issuing.chain(), &leaf, Some(name)), Ok(()), "{name}");
    }
    for name in ["contoso.com", "a.b.lab.test", "192.0.2.2"] {
        assert!(webpki(&root, issuing.chain(), &leaf, Some(name)).is_err(), "{name}");
    }
    assert_eq!(webpki(&root, &[], &leaf, None), Err(webpki::Error::UnknownIssuer));
    assert!(root.chain().is_empty());
}

#[test]
fn a_chain_of_several_authorities_holds() {
    let root = root();
    let first = issuing(&root);
    let second = first.intermediate(key(), &dn("CN=Lab Second"), at(SPRING), at(NEXT_SPRING), &[3]).unwrap();
    let leaf = second.issue(&template("CN=a", &["a.test"]), &key()).unwrap();
    assert_eq!(second.chain().len(), 2);
    assert_eq!(webpki(&root, second.chain(), &leaf, Some("a.test")), Ok(()));
    assert_eq!(leaf.issuer(), second.certificate().subject());
    assert!(second.certificate().is_ca() && !second.certificate().is_self_signed());
}

#[test]
fn a_certificate_says_what_its_template_said() {
    let root = root();
    let key = key();
    let subject =
        "CN=mail.contoso.com, CN=alias, OU=\"IT, Mail\", OU=x, O=Contoso, DC=contoso, DC=local, C=US";
    let mut template = template(subject, &["b\u{fc}cher.test", "*.b\u{fc}cher.test", "mx_1.test.", ""]);
    template.ip_addresses = vec![IpAddr::from([192, 0, 2, 1])];
    template.serial_number = vec![0xb5, 0, 1];
    let leaf = root.issue(&template, &key).unwrap();
    assert_eq!(leaf.subject(), subject);
    assert_eq!(leaf.issuer(), "CN=Lab Root, O=starttls-lab");
    assert_eq!(leaf.common_names(), ["mail.contoso.com", "alias"]);
    assert_eq!(leaf.dns_names(), ["xn--bcher-kva.test", "*.xn--bcher-kva.test", "mx_1.test.", ""]);
    assert_eq!(leaf.ip_addresses(), template.ip_addresses);
    assert_eq!(leaf.serial_number(), "00B50001");
    assert_eq!((leaf.not_before(), leaf.not_after()), (at(SPRING), at(NEXT_SPRING)));
    assert_eq!(
        (leaf.version(), leaf.is_ca(), leaf.is_self_signed(), leaf.other_san()),
        (3, false, false, false)
    );
    assert_eq!(leaf.public_key().to_string(), "ECDSA 256");
    assert!(leaf.public_key_matches(&key) && !leaf.public_key_matches(&self::key()));
    assert_eq!(Certificate::from_pem(&leaf.to_pem()), Ok(leaf.clone()));
    assert_eq!(
        Certificate::all_from_pem(&(leaf.to_pem() + &root.certificate().to_pem())).map(|all| all.len()),
        Ok(2)
    );
}

#[test]
fn a_self_signed_certificate_is_its_own_issuer_and_no_authority() {
    let key = key();
    let leaf = self_signed(&template("CN=EXCH01", &["EXCH01", "EXCH01.corp.local"]), &key).unwrap();
    assert!(leaf.is_self_signed() && !leaf.is_ca());
    assert_eq!(leaf.subject(), leaf.issuer());
    // Same name, another signer: not self-signed, although it looks so.
    let impostor = Authority::root(self::key(), &dn("CN=EXCH01"), at(SPRING), at(NEXT_SPRING), &[1]).unwrap();
    assert!(!impostor.issue(&template("CN=EXCH01", &[]), &key).unwrap().is_self_signed());
    assert!(impostor.certificate().is_self_signed());
}

#[test]
fn odd_dates_serials_and_names_are_issued_as_they_were_asked_for() {
    let root = root();
    for (from, until) in [
        ("0000-01-01T00:00:00Z", "9999-12-30T22:00:00Z"),
        ("1601-01-01T00:00:00Z", "1949-12-31T23:59:59Z"),
        ("2060-01-01T00:00:00Z", "1950-01-01T00:00:00Z"),
    ] {
        let mut template = template("", &["a.test"]);
        (template.not_before, template.not_after) = (at(from), at(until));
        template.serial_number = if from.starts_with('0') { Vec::new() } else { vec![0xff; 40] };
        let leaf = root.issue(&template, &key()).unwrap();
        assert_eq!((leaf.not_before(), leaf.not_after()), (at(from), at(until)));
        assert_eq!(leaf.subject(), "");
    }
    let long = format!("CN={}", "x".repeat(200));
    assert_eq!(root.issue(&template(&long, &[]), &key()).unwrap().subject(), long);
}

#[test]
fn dates_and_names_that_x509_cannot_hold_are_errors_that_say_so() {
    let root = root();
    let mut before_christ = template("CN=a", &[]);
    before_christ.not_before = Timestamp::MIN;
    let error = root.issue(&before_christ, &key()).unwrap_err();
    assert!(matches!(error, PkiError::Date { field: "not_before", .. }), "{error}");
    let error = root.issue(&template("CN=a", &["\u{ff0e}\u{ad}\u{378}"]), &key()).unwrap_err();
    assert!(matches!(&error, PkiError::DnsName { name, .. } if name.contains('\u{378}')), "{error}");
}

#[test]
fn what_is_no_certificate_is_an_error_and_no_panic() {
    let der = root().certificate().der().to_vec();
    assert!(Certificate::from_der(&[][..]).is_err());
    assert!((0..der.len()).all(|cut| Certificate::from_der(&der[..cut]).is_err()));
    for at in 0..der.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut odd = der.clone();
            odd[at] ^= flip;
            let _ = Certificate::from_der(odd);
        }
    }
    let error = Certificate::from_der([der.as_slice(), b"xx"].concat()).unwrap_err();
    assert!(error.to_string().contains("2 bytes"), "{error}");
    assert!(Certificate::from_pem("hello").unwrap_err().to_string().contains("BEGIN CERTIFICATE"));
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn an_rsa_certificate_of_a_self_installed_exchange_is_described_as_such() {
    let key = KeyPair::generate(KeyAlgorithm::Rsa2048).unwrap();
    let leaf = self_signed(&template("CN=EXCH01", &["EXCH01"]), &key).unwrap();
    assert_eq!(leaf.public_key().to_string(), "RSA 2048");
    assert!(leaf.is_self_signed() && leaf.public_key_matches(&key));
}

#[test]
fn openssl_in_its_strict_mood_accepts_an_issued_chain() {
    let Some(openssl) = Program::find("openssl", "openssl") else { return };
    let root = root();
    let issuing = issuing(&root);
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let ca = write("root.pem", &root.certificate().to_pem());
    let chain = write("chain.pem", &issuing.certificate().to_pem());
    for (i, template) in [
        template("CN=mail.contoso.com, CN=x, DC=contoso, DC=local, C=US", &["mail.contoso.com"]),
        template("", &["mail.contoso.com"]),
    ]
    .iter()
    .enumerate()
    {
        let leaf = issuing.issue(template, &key()).unwrap();
        let leaf = write(&format!("leaf{i}.pem"), &leaf.to_pem());
        let output = openssl
            .command()
            .args(["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "mail.contoso.com"])
            .args(["-attime", &at(SUMMER).as_second().to_string()])
            .arg("-CAfile")
            .arg(&ca)
            .arg("-untrusted")
            .arg(&chain)
            .arg(leaf)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
