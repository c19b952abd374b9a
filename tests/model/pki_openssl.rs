//! The description of a certificate beside that of `openssl x509`: of certificates with any content, of damaged ones
//! that both read, and of the committed inputs of the fuzz target `certificate`.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use starttls_lab::internal::pki::{
    Certificate, ExtendedKeyUsage, KeyAlgorithm, KeyPair, KeyUsage, Template, self_signed,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::installed::Program;

/// The number of certificates that are made, and of those, the part that is damaged then.
const CERTIFICATES: usize = 60;
const DAMAGED: f64 = 0.5;

/// What both say of a certificate.
#[derive(Debug, PartialEq)]
struct Said {
    version: u8,
    serial_number: String,
    thumbprint: String,
    subject: String,
    issuer: String,
    not_before: Timestamp,
    not_after: Timestamp,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    other_names: bool,
    /// False if the whole list of names cannot be read, or one cannot be printed.
    names_are_read: bool,
    ca: bool,
    path_length: Option<u32>,
    may_be_used_in_handshakes: bool,
    is_for_servers: bool,
    outdated_signature: bool,
    bits: usize,
}

fn ours(certificate: &Certificate) -> Said {
    Said {
        version: certificate.version(),
        serial_number: certificate.serial_number().trim_start_matches('0').to_owned(),
        thumbprint: certificate.thumbprint().to_string(),
        subject: certificate.subject().to_owned(),
        issuer: certificate.issuer().to_owned(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        dns_names: certificate.dns_names().to_vec(),
        ip_addresses: certificate.ip_addresses().to_vec(),
        other_names: certificate.other_san(),
        names_are_read: true,
        ca: certificate.is_ca(),
        path_length: certificate.path_length(),
        may_be_used_in_handshakes: certificate.may_be_used_in_handshakes(),
        is_for_servers: certificate.is_for_servers(),
        outdated_signature: certificate.has_outdated_signature(),
        bits: certificate.public_key().bits,
    }
}

/// What `openssl x509` prints of a certificate; `None` if it does not read it.
fn printed(openssl: &Program, file: &Path) -> Option<String> {
    let output = openssl
        .command()
        .args(["x509", "-inform", "DER", "-noout", "-text", "-certopt", "no_sigdump"])
        .args(["-serial", "-fingerprint", "-startdate", "-enddate", "-dateopt", "iso_8601"])
        .args(["-nameopt", "sep_multiline,oid,utf8,esc_ctrl,dump_nostr,dump_der", "-in"])
        .arg(file)
        .output()
        .unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn theirs(text: &str) -> Said {
    let value =
        |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap_or_default().trim();
    let extension = |name: &str| {
        let mut lines = text.lines().skip_while(|line| !line.contains(&format!("X509v3 {name}:")));
        lines.nth(1).map(str::trim)
    };
    let names = extension("Subject Alternative Name").unwrap_or_default();
    let names: Vec<_> = names.split(", ").filter(|name| !name.is_empty()).collect();
    let of_kind = |kind: &'static str| names.iter().filter_map(move |name| name.strip_prefix(kind));
    let is_other = |name: &&str| {
        let address = name.strip_prefix("IP Address:");
        !name.starts_with("DNS:") && address.is_none_or(|it| it.parse::<IpAddr>().is_err())
    };
    let constraints = extension("Basic Constraints").unwrap_or_default();
    let usage = extension("Key Usage");
    let handshakes = ["Digital Signature", "Key Encipherment", "Key Agreement"];
    let algorithm = value("Signature Algorithm:");
    Said {
        version: version(value("Version:")),
        serial_number: unsigned(value("serial=")).trim_start_matches('0').to_owned(),
        thumbprint: value("SHA1 Fingerprint=").replace(':', ""),
        subject: windows_form(text, "Subject:"),
        issuer: windows_form(text, "Issuer:"),
        not_before: time(value("notBefore=")),
        not_after: time(value("notAfter=")),
        dns_names: of_kind("DNS:").map(str::to_owned).collect(),
        ip_addresses: of_kind("IP Address:").filter_map(|address| address.parse().ok()).collect(),
        other_names: names.iter().any(is_other),
        names_are_read: names.iter().all(|name| is_printed(name)),
        ca: constraints.contains("CA:TRUE"),
        path_length: constraints.split_once("pathlen:").and_then(|(_, length)| length.parse().ok()),
        may_be_used_in_handshakes: usage
            .is_none_or(|usage| handshakes.iter().any(|use_| usage.contains(use_))),
        is_for_servers: extension("Extended Key Usage")
            .is_none_or(|it| it.contains("TLS Web Server Authentication")),
        outdated_signature: algorithm.starts_with("md5") || algorithm.to_ascii_lowercase().contains("sha1"),
        bits: bits(text),
    }
}

/// Of `3 (0x2)`, or `Unknown (75)`, which counts from 0.
fn version(text: &str) -> u8 {
    match text.strip_prefix("Unknown (").and_then(|rest| rest.strip_suffix(')')) {
        Some(number) => number.parse::<u8>().unwrap().saturating_add(1),
        None => text.split(' ').next().unwrap().parse().unwrap(),
    }
}

/// The bytes of a number in hexadecimal, which OpenSSL writes with a minus sign if the first bit is set.
fn unsigned(hexadecimal: &str) -> String {
    let Some(absolute) = hexadecimal.strip_prefix('-') else { return hexadecimal.to_owned() };
    let mut carry = true;
    let digits: Vec<u8> = absolute
        .bytes()
        .rev()
        .map(|digit| {
            let digit = char::from(digit).to_digit(16).unwrap() as u8;
            let negated = (15 - digit) + u8::from(carry);
            carry = negated == 16;
            negated % 16
        })
        .collect();
    digits.iter().rev().map(|digit| format!("{digit:X}")).collect()
}

fn is_printed(name: &str) -> bool {
    let kinds = ["DNS:", "IP Address:", "email:", "URI:", "othername:", "DirName:", "Registered ID:"];
    kinds.iter().any(|kind| name.starts_with(kind)) && !name.contains('\u{fffd}')
}

fn time(text: &str) -> Timestamp {
    let local: DateTime =
        text.trim_end_matches('Z').parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    local.to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// The length of the key, of the kinds that the lab knows.
fn bits(text: &str) -> usize {
    let known = ["rsaEncryption", "prime256v1", "secp384r1", "secp521r1"];
    if text.contains("ED25519 Public-Key:") {
        return 256;
    }
    let bits = text.split_once("Public-Key: (").and_then(|(_, behind)| behind.split_once(" bit)"));
    bits.filter(|_| known.iter().any(|name| text.contains(name))).map_or(0, |(bits, _)| bits.parse().unwrap())
}

/// A name of which each attribute stands on its own line, as Windows writes it (`CertNameToStr`, wincrypt.h).
fn windows_form(text: &str, heading: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.trim_start().starts_with(heading)).skip(1);
    let attributes = lines.take_while(|line| line.starts_with("            ") && !line.trim().is_empty());
    let written = attributes.map(|line| {
        let (oid, value) = line.trim_start().split_once('=').unwrap_or_else(|| panic!("{line}"));
        let known = WINDOWS.iter().find(|(known, _)| *known == oid);
        let kind = known.map_or_else(|| format!("OID.{oid}"), |(_, kind)| (*kind).to_owned());
        // What is no text is written as its DER.
        let der = value.strip_prefix('#').filter(|der| der.len() >= 4);
        if der.is_some_and(|der| der.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            return format!("{kind}={value}");
        }
        let value = unescaped(value);
        let quoted = value.is_empty()
            || value.trim() != value
            || value.contains(['+', '=', '"', '\n', '<', '>', '#', ';', ',']);
        let value = if quoted { format!("\"{}\"", value.replace('"', "\"\"")) } else { value };
        format!("{kind}={value}")
    });
    let mut written: Vec<_> = written.collect();
    written.reverse();
    written.join(", ")
}

/// A value without its escapes: `\\`, and `\1B` of a control character.
fn unescaped(value: &str) -> String {
    let mut plain = String::new();
    let mut rest = value;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = escape.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(code.map_or('\\', char::from));
        rest = &escape[if code.is_some() { 2 } else { 1 }..];
    }
    plain + rest
}

const WINDOWS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "S"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "T"),
    ("2.5.4.13", "Description"),
    ("2.5.4.17", "PostalCode"),
    ("2.5.4.42", "G"),
    ("2.5.4.43", "I"),
    ("2.5.4.46", "dnQualifier"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "E"),
];

/// A certificate, and how it is damaged: by changing a byte that does not depend on chance, as keys and signatures do.
fn certificate() -> impl Strategy<Value = (Template, usize, Option<(Index, u8)>)> {
    let damage = prop::option::weighted(DAMAGED, (any::<Index>(), 1..=u8::MAX));
    (template(), 0..KEYS.len(), damage)
}

const KEYS: [KeyAlgorithm; 4] =
    [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519, KeyAlgorithm::Rsa1024];

fn template() -> impl Strategy<Value = Template> {
    let attribute = (select(WINDOWS), "[A-Za-z0-9 ,+=\"<>#;.@/üß-]{0,12}");
    let subject = prop::collection::vec(attribute, 0..6).prop_map(|attributes| {
        let written =
            attributes.iter().map(|((_, kind), value)| format!("{kind}=\"{}\"", value.replace('"', "\"\"")));
        written.collect::<Vec<_>>().join(", ").parse().unwrap()
    });
    let names = (
        prop::collection::vec("[A-Za-z0-9*_.-]{0,16}", 0..4),
        prop::collection::vec(any::<IpAddr>(), 0..3),
        prop::collection::vec("[a-z]{1,5}@[a-z]{1,5}", 0..2),
        prop::collection::vec("https://[a-z]{1,5}", 0..2),
        prop::collection::vec("_[a-z]{1,5}", 0..2),
    );
    // From 1950, where UTCTime begins, to the end of 9999, where GeneralizedTime ends.
    let time = || {
        let seconds = prop_oneof![-631_152_000_i64..2_524_608_000, 2_524_608_000_i64..253_402_300_800];
        seconds.prop_map(|second| Timestamp::from_second(second).unwrap())
    };
    let usages = prop::option::of(subsequence(USAGES, 0..=USAGES.len()));
    let purposes = prop::option::of(subsequence(PURPOSES, 0..=PURPOSES.len()));
    let serial_number = prop::collection::vec(any::<u8>(), 1..20);
    let flags = (any::<bool>(), prop::bool::weighted(0.1));
    (subject, names, time(), time(), usages, purposes, serial_number, flags).prop_map(
        |(subject, names, not_before, not_after, usages, purposes, serial_number, (ca, v1))| Template {
            subject,
            dns_names: names.0,
            ip_addresses: names.1,
            email_addresses: names.2,
            uris: names.3,
            srv_names: names.4,
            not_before,
            not_after,
            serial_number,
            ca,
            key_usages: usages,
            extended_key_usages: purposes,
            v1,
            ..Template::default()
        },
    )
}

const USAGES: &[KeyUsage] = &[
    KeyUsage::DigitalSignature,
    KeyUsage::NonRepudiation,
    KeyUsage::KeyEncipherment,
    KeyUsage::DataEncipherment,
    KeyUsage::KeyAgreement,
    KeyUsage::KeyCertSign,
    KeyUsage::CrlSign,
];

const PURPOSES: &[ExtendedKeyUsage] = &[
    ExtendedKeyUsage::ServerAuth,
    ExtendedKeyUsage::ClientAuth,
    ExtendedKeyUsage::CodeSigning,
    ExtendedKeyUsage::EmailProtection,
    ExtendedKeyUsage::TimeStamping,
    ExtendedKeyUsage::OcspSigning,
    ExtendedKeyUsage::AnyExtendedKeyUsage,
];

/// The places of a certificate's bytes but for its public key and its signature.
fn outside_of_keys(der: &[u8]) -> Vec<usize> {
    let (_, certificate) = X509Certificate::from_der(der).unwrap();
    let signed = certificate.tbs_certificate.as_ref();
    let key = &*certificate.public_key().subject_public_key.data;
    let place = |part: &[u8]| der.windows(part.len()).position(|it| it == part).unwrap();
    let (signed, key) = (place(signed)..place(signed) + signed.len(), place(key)..place(key) + key.len());
    signed.filter(|at| !key.contains(at)).collect()
}

/// Compares what is said of the certificates that both read, and returns their number.
fn compare(openssl: &Program, ders: &[Vec<u8>]) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("certificate");
    let mut compared = 0;
    for der in ders {
        let Ok(read) = Certificate::from_der(der.clone()) else { continue };
        fs::write(&file, der).unwrap();
        let Some(text) = printed(openssl, &file) else { continue };
        let (ours, mut theirs) = (ours(&read), theirs(&text));
        if text.contains("Unable to load Public Key") {
            // A point that is not on its curve, for one.
            theirs.bits = ours.bits;
        }
        if !theirs.names_are_read {
            ours.dns_names.clone_into(&mut theirs.dns_names);
            ours.ip_addresses.clone_into(&mut theirs.ip_addresses);
            theirs.other_names = ours.other_names;
        }
        theirs.names_are_read = true;
        assert_eq!(ours, theirs, "of {}\n{text}", read.to_pem());
        compared += 1;
    }
    compared
}

#[test]
fn openssl_says_the_same_of_certificates_with_any_content() {
    let Some(openssl) = Program::find("openssl", "openssl") else { return };
    let keys = KEYS.map(|algorithm| KeyPair::generate(algorithm).unwrap());
    let mut runner = TestRunner::deterministic();
    let (mut whole, mut damaged) = (Vec::new(), Vec::new());
    for _ in 0..CERTIFICATES {
        let (template, key, damage) = certificate().new_tree(&mut runner).unwrap().current();
        let mut der = self_signed(&template, &keys[key]).unwrap().der().to_vec();
        match damage {
            None => whole.push(der),
            Some((at, by)) => {
                let at = *at.get(&outside_of_keys(&der));
                der[at] ^= by;
                damaged.push(der);
            }
        }
    }
    assert_eq!(compare(&openssl, &whole), whole.len());
    assert!(compare(&openssl, &damaged) > 0);
}

#[test]
fn openssl_says_the_same_of_the_inputs_of_the_fuzz_target() {
    let Some(openssl) = Program::find("openssl", "openssl") else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/certificate");
    let inputs = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let ders = inputs.flat_map(|input| {
        let text = String::from_utf8_lossy(&input);
        let in_pem = Certificate::all_from_pem(&text).unwrap_or_default();
        in_pem.iter().map(|it| it.der().to_vec()).chain([input.clone()]).collect::<Vec<_>>()
    });
    assert!(compare(&openssl, &ders.collect::<Vec<_>>()) > 2);
}
