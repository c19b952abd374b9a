//! Certificates that are wrong on purpose, read back by x509-parser: each says what its template said.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use jiff::Timestamp;
use starttls_lab::internal::pki::{
    Authority, AuthorityTemplate, Certificate, DistinguishedName, ExtendedKeyUsage, KeyAlgorithm, KeyPair,
    KeyUsage, PkiError, SignatureHash, Template, self_signed,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn key() -> KeyPair {
    KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn template(subject: &str, names: &[&str]) -> Template {
    Template {
        subject: subject.parse().unwrap(),
        dns_names: names.iter().map(|&name| name.to_owned()).collect(),
        not_before: at("2026-03-01T00:00:00Z"),
        not_after: at("2027-03-01T00:00:00Z"),
        serial_number: vec![7],
        ..Template::default()
    }
}

fn root_with(key: KeyPair) -> Authority {
    let subject: DistinguishedName = "CN=Lab Root, O=starttls-lab".parse().unwrap();
    Authority::root(key, &subject, at("2026-01-01T00:00:00Z"), at("2036-01-01T00:00:00Z"), &[1]).unwrap()
}

fn issued(template: &Template) -> Certificate {
    root_with(key()).issue(template, &key()).unwrap()
}

/// What `look` finds in `certificate`.
fn read<T>(certificate: &Certificate, look: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
    let (rest, x509) = X509Certificate::from_der(certificate.der()).unwrap();
    assert!(rest.is_empty());
    look(&x509)
}

/// The alternative names in the words of the parser, and whether the extension is critical.
fn names(certificate: &Certificate) -> (Vec<String>, bool) {
    read(certificate, |x509| {
        let san = x509.subject_alternative_name().unwrap().unwrap();
        (san.value.general_names.iter().map(ToString::to_string).collect(), san.critical)
    })
}

/// The dotted identifiers of the extensions, in their order.
fn extensions(certificate: &Certificate) -> Vec<String> {
    read(certificate, |x509| x509.extensions().iter().map(|it| it.oid.to_id_string()).collect())
}

#[test]
fn names_of_every_kind_stand_where_they_belong() {
    let mut template = template("CN=Mail relay", &["mx1.lab.test.", ".lab.test", "a.test\0.evil.test", "*"]);
    template.ip_addresses = vec!["127.0.0.1".parse().unwrap()];
    template.email_addresses = vec!["postmaster@lab.test".to_owned()];
    template.uris = vec!["smtp://mx1.lab.test/".to_owned()];
    let (written, critical) = names(&issued(&template));
    assert!(!critical);
    assert_eq!(written.len(), 7);
    assert_eq!(written[2], "DNSName(a.test\0.evil.test)");
    for (name, part) in written.iter().skip(4).zip(["7f:00:00:01", "postmaster@lab.test", "smtp://mx1"]) {
        assert!(name.contains(part), "{name}");
    }
    // With a name that has to be written by hand the others keep their order.
    template.srv_names = vec!["_submission.lab.test".to_owned()];
    template.subject = DistinguishedName::default();
    let certificate = issued(&template);
    let (by_hand, critical) = names(&certificate);
    assert_eq!(by_hand[..7], written);
    assert!(critical, "the subject is empty");
    let service = read(&certificate, |x509| {
        let san = x509.subject_alternative_name().unwrap().unwrap();
        match &san.value.general_names[7] {
            GeneralName::OtherName(kind, value) => (kind.to_id_string(), value.to_vec()),
            other => (other.to_string(), Vec::new()),
        }
    });
    assert_eq!(service.0, "1.3.6.1.5.5.7.8.7");
    // [0] EXPLICIT IA5String (RFC 4985 section 2)
    assert!(service.1.ends_with(b"\x16\x14_submission.lab.test"), "{:?}", service.1);
}

#[test]
fn a_raw_name_stands_in_utf_8_as_it_was_given() {
    let mut template = template("CN=Mail relay", &["b\u{fc}cher.test"]);
    template.raw_dns_names = vec!["b\u{fc}cher.lab.test".to_owned()];
    let der = issued(&template).der().to_vec();
    let holds = |bytes: &[u8]| der.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(b"\x82\x10b\xc3\xbccher.lab.test"));
    assert!(holds(b"\x82\x12xn--bcher-kva.test"), "only the raw name is left alone");
}

#[test]
fn purposes_are_those_that_were_asked_for_or_none() {
    let mut template = template("CN=a", &["a.test"]);
    let usual = issued(&template);
    assert_eq!(
        extensions(&usual),
        ["2.5.29.35", "2.5.29.17", "2.5.29.15", "2.5.29.37", "2.5.29.14", "2.5.29.19"]
    );
    template.key_usages = Some(vec![KeyUsage::KeyCertSign, KeyUsage::CrlSign]);
    template.extended_key_usages = Some(vec![ExtendedKeyUsage::CodeSigning]);
    template.ca = true;
    read(&issued(&template), |x509| {
        let usage = x509.key_usage().unwrap().unwrap().value;
        assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
        let purposes = x509.extended_key_usage().unwrap().unwrap().value;
        assert!(purposes.code_signing && !purposes.server_auth && !purposes.client_auth);
        assert!(x509.is_ca());
    });
    (template.key_usages, template.extended_key_usages) = (Some(Vec::new()), Some(Vec::new()));
    (template.ca, template.no_authority_key_identifier) = (false, true);
    assert_eq!(extensions(&issued(&template)), ["2.5.29.17", "2.5.29.14", "2.5.29.19"]);
}

#[test]
fn purposes_that_cannot_be_read_allow_nothing() {
    let whole = issued(&Template {
        extended_key_usages: Some(vec![ExtendedKeyUsage::ServerAuth]),
        ..template("CN=a", &["a.test"])
    });
    assert!(whole.may_be_used_in_handshakes() && whole.is_for_servers());
    // keyUsage and extendedKeyUsage; the last byte of each pattern is the tag of the value.
    let critical = [0x55, 0x1d, 0x0f, 1, 1, 0xff, 4, 4, 3];
    let purposes = [0x55, 0x1d, 0x25, 4, 12, 0x30];
    let damaged = |pattern: &[u8]| {
        let mut der = whole.der().to_vec();
        let at = der.windows(pattern.len()).position(|window| window == pattern).unwrap();
        der[at + pattern.len() - 1] = 0x66;
        Certificate::from_der(der).unwrap()
    };
    let (usage, purpose) = (damaged(&critical), damaged(&purposes));
    assert!(!usage.may_be_used_in_handshakes() && usage.is_for_servers());
    assert!(purpose.may_be_used_in_handshakes() && !purpose.is_for_servers());
}

#[test]
fn a_list_of_what_was_revoked_is_looked_for_where_the_template_says() {
    let mut template = template("CN=a", &["a.test"]);
    template.crl_distribution_points = vec!["http://crl.lab.test/a.crl".to_owned()];
    let points = read(&issued(&template), |x509| {
        x509.extensions().iter().any(|extension| {
            matches!(extension.parsed_extension(), ParsedExtension::CRLDistributionPoints(points) if points.points.len() == 1)
        })
    });
    assert!(points);
}

#[test]
fn an_authority_says_how_far_and_for_whom_it_may_issue() {
    let template = AuthorityTemplate {
        subject: "CN=Bound".parse().unwrap(),
        not_before: at("2026-03-01T00:00:00Z"),
        not_after: at("2027-03-01T00:00:00Z"),
        serial_number: vec![3],
        path_length: Some(0),
        permitted_names: vec!["contoso.com".to_owned()],
        excluded_names: vec!["lab.test".to_owned()],
    };
    let root = root_with(key());
    let bound = root.authority(key(), &template).unwrap();
    read(bound.certificate(), |x509| {
        assert_eq!(x509.basic_constraints().unwrap().unwrap().value.path_len_constraint, Some(0));
        let constraints = x509.name_constraints().unwrap().unwrap();
        assert!(constraints.critical);
        let trees = (&constraints.value.permitted_subtrees, &constraints.value.excluded_subtrees);
        assert_eq!((trees.0.as_ref().unwrap().len(), trees.1.as_ref().unwrap().len()), (1, 1));
    });
    assert_eq!(bound.root_certificate(), root.certificate());
    assert_eq!(root.root_certificate(), root.certificate());
    assert!(bound.issue(&self::template("CN=a", &["a.test"]), &key()).is_ok(), "nothing is corrected");
}

#[test]
fn a_certificate_of_version_1_has_no_extensions_and_holds_its_signature() {
    let root = root_with(key());
    let template = Template { v1: true, ..template("CN=mx1.lab.test", &["mx1.lab.test"]) };
    let leaf = root.issue(&template, &key()).unwrap();
    assert_eq!(
        (leaf.version(), leaf.common_names(), leaf.dns_names().len()),
        (1, &["mx1.lab.test".to_owned()][..], 0)
    );
    assert_eq!(extensions(&leaf), [""; 0]);
    signed_by(&leaf, &root);
    let own = self_signed(&template, &key()).unwrap();
    assert!(own.is_self_signed() && own.version() == 1);
}

fn signed_by(leaf: &Certificate, authority: &Authority) {
    let (_, issuer) = X509Certificate::from_der(authority.certificate().der()).unwrap();
    read(leaf, |x509| x509.verify_signature(Some(issuer.public_key())).unwrap());
}

#[test]
fn a_key_of_1024_bits_survives_pem_and_signs() {
    let key = KeyPair::generate(KeyAlgorithm::Rsa1024).unwrap();
    let again = KeyPair::from_pem(&key.to_pem()).unwrap();
    assert_eq!((again.algorithm(), again.pkcs8_der()), (KeyAlgorithm::Rsa1024, key.pkcs8_der()));
    assert!(KeyPair::generate(KeyAlgorithm::Rsa1024).unwrap().pkcs8_der() != key.pkcs8_der());
    assert_eq!(format!("{key:?}"), "KeyPair(Rsa1024, secret)");
    let leaf = self_signed(&template("CN=a", &["a.test"]), &key).unwrap();
    assert_eq!(leaf.public_key().to_string(), "RSA 1024");
    assert!(leaf.public_key_matches(&key));
}

/// x509-parser checks SHA-1, and MD5 no more; `tests/wire/entries_openssl.rs` looks at that one.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn an_rsa_authority_signs_over_sha_1_and_md5_and_no_other_does() {
    let mut template = template("CN=a", &["a.test"]);
    let root = root_with(KeyPair::generate(KeyAlgorithm::Rsa2048).unwrap());
    for (hash, identifier) in [
        (SignatureHash::Usual, "1.2.840.113549.1.1.11"),
        (SignatureHash::Sha1, "1.2.840.113549.1.1.5"),
        (SignatureHash::Md5, "1.2.840.113549.1.1.4"),
    ] {
        template.signature = hash;
        let leaf = root.issue(&template, &key()).unwrap();
        read(&leaf, |x509| {
            assert_eq!(x509.signature_algorithm.algorithm.to_id_string(), identifier);
            assert_eq!(x509.tbs_certificate.signature, x509.signature_algorithm);
        });
        assert_eq!(leaf.dns_names(), ["a.test"]);
    }
    let error = root_with(key()).issue(&template, &key()).unwrap_err();
    assert!(matches!(&error, PkiError::Key { problem } if problem.contains("RSA")), "{error}");
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_key_on_p_521_survives_pem() {
    let key = KeyPair::generate(KeyAlgorithm::EcdsaP521).unwrap();
    assert_eq!(KeyPair::from_pem(&key.to_pem()).unwrap().algorithm(), KeyAlgorithm::EcdsaP521);
    assert_eq!(self_signed(&template("CN=a", &[]), &key).unwrap().public_key().to_string(), "ECDSA 521");
}

#[test]
fn a_key_that_cannot_be_served_is_refused_with_the_reason() {
    let read = |text: &str| serde_json::from_str::<KeyAlgorithm>(&format!("{text:?}"));
    for (name, algorithm) in KeyAlgorithm::ALL {
        assert_eq!(read(name).unwrap(), algorithm);
        assert_eq!(serde_json::to_string(&algorithm).unwrap(), format!("{name:?}"));
    }
    for (name, reason) in [
        ("dsa-1024", "RFC 8446 section 4.2.3"),
        ("ed448", "none of P-256"),
        ("secp256k1", "none of P-256"),
        ("rsa-512", "take rsa-1024"),
        ("rsa-16384", "take rsa-4096"),
        ("rsa", "unknown variant"),
    ] {
        let error = read(name).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
}
