//! Which name covers which.

use rustls::pki_types::{CertificateDer, ServerName};
use starttls_lab::internal::name::{Coverage, covers};
use starttls_lab::internal::pki::{KeyAlgorithm, KeyPair, Template, self_signed};
use webpki::EndEntityCert;

use super::world::{connector_fqdn, fitting, in_hours, now, selected};

/// What Exchange is known to do with these names: the FQDN that is searched for, the common name,
/// the DNS names, and whether the certificate is found. Situations whose outcome no source tells are
/// left out, with the exception of those below.
#[rustfmt::skip]
const KNOWN: &[(&str, &str, &str, &[&str], bool)] = &[
    ("the name among the DNS names",          "mx1.lab.test",        "mx1.lab.test",       &["mx1.lab.test"], true),
    ("a common name only, as before 2017",    "mx1.lab.test",        "mx1.lab.test",       &[], true),
    ("another common name only",              "mx1.lab.test",        "other.lab.test",     &[], false),
    ("another common name, the DNS name",     "mx1.lab.test",        "other.lab.test",     &["mx1.lab.test"], true),
    ("the DNS name in second place",          "mx1.lab.test",        "x",                  &["other.lab.test", "mx1.lab.test"], true),
    ("the common name, another DNS name",     "mx1.lab.test",        "mx1.lab.test",       &["other.lab.test"], true),
    ("neither",                               "mx1.lab.test",        "other.lab.test",     &["other.lab.test"], false),
    ("the seed, after its cure",              "mailgate.expta.com",  "mailgate.expta.com", &["mailgate.expta.com", "mailgate"], true),
    ("the seed",                              "mail.expta.com",      "mailgate.expta.com", &["mailgate.expta.com", "mailgate"], false),
    ("capitals in the FQDN",                  "MX1.Lab.Test",        "x",                  &["mx1.lab.test"], true),
    ("capitals in the common name",           "mx1.lab.test",        "MX1.LAB.TEST",       &[], true),
    ("a wildcard, one label",                 "mx1.lab.test",        "x",                  &["*.lab.test"], true),
    ("a wildcard and its own parent",         "lab.test",            "x",                  &["*.lab.test"], false),
    ("a star alone",                          "mx1",                 "x",                  &["*"], false),
    ("a wildcard and an A-label",             "xn--bcher-kva.lab.test", "x",               &["*.lab.test"], true),
    ("the names of setup",                    "exch01.corp.local",   "EXCH01",             &["EXCH01", "EXCH01.corp.local"], true),
    ("the short name alone",                  "exch01.corp.local",   "EXCH01",             &["EXCH01"], false),
    ("the domain for the host",               "mx1.lab.test",        "lab.test",           &["lab.test"], false),
    ("a NUL in the name (CVE-2009-2408)",     "mx1.lab.test",        "x",                  &["mx1.lab.test\0.evil.test"], false),
    ("no name at all",                        "lab.test",            "x",                  &[], false),
];

#[test]
fn a_certificate_is_found_by_the_names_that_exchange_is_known_to_find_it_by() {
    for (about, fqdn, common_name, dns_names, is_found) in KNOWN {
        let mut certificate = fitting("mail");
        certificate.facts.common_names = vec![(*common_name).to_owned()];
        certificate.facts.dns_names = dns_names.iter().map(ToString::to_string).collect();
        let rules = starttls_lab::internal::exchange::Profile::Exchange2019.rules();
        let (found, _) = selected(&[certificate], &connector_fqdn(fqdn), &rules, now());
        assert_eq!(found.chosen.is_some(), *is_found, "{about}");
    }
}

/// No source says what Exchange does here; RFC 9525 section 6.3 does, and it is followed.
#[test]
fn where_nothing_is_known_of_exchange_the_rfc_is_followed() {
    for (presented, host, coverage) in [
        ("*.test", "lab.test", Some(Coverage::Wildcard)),
        ("*.lab.test", "a.mx1.lab.test", None),
        ("mx*.lab.test", "mx1.lab.test", None),
        ("*1.lab.test", "mx1.lab.test", None),
        ("mx1.*.test", "mx1.lab.test", None),
        ("*.*.lab.test", "a.b.lab.test", None),
        ("xn--b*.lab.test", "xn--bcher-kva.lab.test", None),
        (".lab.test", "mx1.lab.test", None),
        (" mx1.lab.test ", "mx1.lab.test", None),
        ("mx_1.lab.test", "mx_1.lab.test", Some(Coverage::Exact)),
    ] {
        assert_eq!(covers(presented, host), coverage, "{presented} for {host}");
    }
}

const PRESENTED: [&str; 18] = [
    "mx1.lab.test",
    "MX1.LAB.TEST",
    "other.lab.test",
    "lab.test",
    "mx1",
    "mx_1.lab.test",
    "*.lab.test",
    "*.LAB.test",
    "*.test",
    "*",
    "*.*.lab.test",
    "mx*.lab.test",
    "*1.lab.test",
    "mx1.*.test",
    "xn--b*.lab.test",
    "xn--bcher-kva.lab.test",
    ".lab.test",
    "mx1.lab.test\0.evil.test",
];

const HOSTS: [&str; 9] = [
    "mx1.lab.test",
    "Mx1.Lab.Test",
    "other.lab.test",
    "lab.test",
    "test",
    "mx1",
    "a.mx1.lab.test",
    "mx_1.lab.test",
    "xn--bcher-kva.lab.test",
];

/// webpki is stricter in one point: it wants two labels behind the star. RFC 9525 does not.
const STRICTER: [(&str, &str); 1] = [("*.test", "lab.test")];

#[test]
fn webpki_agrees_on_every_dns_name_but_for_a_star_before_a_single_label() {
    let key = KeyPair::generate(KeyAlgorithm::default()).unwrap();
    let (mut differences, mut covered) = (Vec::new(), 0);
    for presented in PRESENTED {
        let template = Template {
            subject: "CN=x".parse().unwrap(),
            dns_names: vec![presented.to_owned()],
            not_before: in_hours(-1),
            not_after: in_hours(1),
            serial_number: vec![1],
            ..Template::default()
        };
        let certificate = self_signed(&template, &key).unwrap();
        let der = CertificateDer::from(certificate.der());
        let leaf = EndEntityCert::try_from(&der).unwrap();
        for host in HOSTS {
            let name = ServerName::try_from(host).unwrap();
            let ours = covers(presented, host).is_some();
            covered += usize::from(ours);
            if ours != leaf.verify_is_valid_for_subject_name(&name).is_ok() {
                differences.push((presented, host));
            }
        }
    }
    assert_eq!(differences, STRICTER);
    assert!(covered > 10, "only {covered} pairs are covered at all");
}
