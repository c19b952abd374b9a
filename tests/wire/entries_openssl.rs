//! The certificates of the fault catalogue with the eyes of OpenSSL: each is what its entry says, and is refused
//! for that and for nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "in a test, that is how to fail"
)]
#![cfg(feature = "aws-lc-rs")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::installed::Program;
use starttls_lab::internal::exchange::{Material, StoredCertificate};
use starttls_lab::internal::lab::Plan;
use starttls_lab::internal::pki::Certificate;
use starttls_lab::internal::scenario::{ENTRIES, Group, ScenarioText, entry};

/// Entry, label, what `openssl x509 -text` shows of the certificate (`!` for what it must not show), and what
/// `openssl verify` says at security level 2, for the host that clients dial.
const SEEN: &str = "
exchange-12014                  | mx1     | DNS:mail.lab.test             | hostname mismatch
exchange-selection-wins-wrong   | renewed | DNS:mx1.lab.test              | hostname mismatch
exchange-selection-wins-wrong   | old     | DNS:mail.lab.test             | OK
exchange-smtp-service-not-enabled | mx1   | DNS:mx1.lab.test              | OK
exchange-expired-still-offered  | mx1     | DNS:mx1.lab.test              | certificate has expired
exchange-tlscertificatename-stale | mx1   | DNS:mx1.lab.test              | OK
exchange-authmechanism-no-tls   | mx1     | DNS:mx1.lab.test              | OK
name-san-only                   | mx1     | Alternative Name: critical    | OK
name-cn-only                    | mx1     | !Alternative Name             | OK
name-cn-only-mismatch           | mx1     | !Alternative Name             | hostname mismatch
name-mismatch                   | mx1     | DNS:other.lab.test            | hostname mismatch
name-cn-match-san-mismatch      | mx1     | DNS:other.lab.test            | hostname mismatch
name-cn-match-san-iponly        | mx1     | IP Address:192.0.2.1          | OK
name-cn-match-san-emailonly     | mx1     | email:postmaster@lab.test     | OK
name-san-list-last              | mx1     | DNS:host40.lab.test, DNS:mx1.lab.test | OK
name-multi-cn-first             | mx1     | !Alternative Name             | OK
name-multi-cn-last              | mx1     | !Alternative Name             | OK
name-wildcard                   | mx1     | DNS:*.lab.test                | OK
name-cn-wildcard                | mx1     | !Alternative Name             | OK
name-wildcard-apex              | mx1     | DNS:*.lab.test                | hostname mismatch
name-wildcard-two-labels        | mx1     | DNS:*.lab.test                | hostname mismatch
name-wildcard-tld               | mx1     | DNS:*.test                    | hostname mismatch
name-wildcard-partial           | mx1     | DNS:mx*.lab.test              | OK
name-wildcard-partial-end       | mx1     | DNS:*1.lab.test               | OK
name-wildcard-middle            | mx1     | DNS:mx1.*.test                | hostname mismatch
name-wildcard-bare              | mx1     | DNS:*                         | hostname mismatch
name-case-upper                 | mx1     | DNS:MX1.LAB.TEST              | OK
name-trailing-dot               | mx1     | DNS:mx1.lab.test.             | hostname mismatch
name-ip-san                     | mx1     | IP Address:127.0.0.1          | OK
name-ip-as-dns                  | mx1     | DNS:127.0.0.1                 | IP address mismatch
name-ip-cn                      | mx1     | !Alternative Name             | IP address mismatch
name-internal-local             | mx1     | DNS:EXCH01.corp.local         | hostname mismatch
name-apex-only                  | mx1     | DNS:lab.test                  | hostname mismatch
name-idn-a                      | mx1     | DNS:xn--bcher-kva.lab.test    | OK
name-idn-u                      | mx1     | cher.lab.test                 | hostname mismatch
name-uri-san                    | mx1     | URI:smtp://mx1.lab.test/      | hostname mismatch
name-leading-dot                | mx1     | DNS:.lab.test                 | hostname mismatch
name-srv                        | mx1     | _submission.lab.test          | hostname mismatch
name-nul-byte                   | mx1     | .evil.test                    | hostname mismatch
name-ehlo-mismatch              | mx1     | DNS:mx1.lab.test              | OK
sni-select                      | mail    | DNS:mail.lab.test             | OK
sni-select                      | mx1     | DNS:mx1.lab.test              | hostname mismatch
sni-default                     | default | DNS:hosting.test              | hostname mismatch
sni-default                     | mx1     | DNS:mx1.lab.test              | OK
sni-unknown                     | mx1     | DNS:mx1.lab.test              | OK
trust-expired                   | mx1     | DNS:mx1.lab.test              | certificate has expired
trust-notyet                    | mx1     | DNS:mx1.lab.test              | certificate is not yet valid
trust-selfsigned                | mx1     | CA:FALSE                      | self-signed certificate
trust-selfsigned-ca             | mx1     | CA:TRUE                       | self-signed certificate
trust-untrusted                 | mx1     | DNS:mx1.lab.test              | error 20 at 1 depth
trust-untrusted-fullchain       | mx1     | DNS:mx1.lab.test              | self-signed certificate in certificate chain
trust-missing-int               | mx1     | DNS:mx1.lab.test              | unable to get local issuer certificate
trust-chain-with-root           | mx1     | DNS:mx1.lab.test              | OK
trust-chain-wrong-order         | mx1     | DNS:mx1.lab.test              | OK
trust-expired-int               | mx1     | Contoso Issuing CA G1         | error 10 at 1 depth
trust-eku-client                | mx1     | !TLS Web Server               | unsuitable certificate purpose
trust-eku-codesign              | mx1     | Code Signing                  | unsuitable certificate purpose
trust-eku-none                  | mx1     | !Extended Key Usage           | OK
trust-eku-server-only-on-client | mx1     | TLS Web Client                | OK
trust-ku-certsign-only          | mx1     | !Digital Signature            | unsuitable certificate purpose
trust-revoked                   | mx1     | URI:http://crl.lab.test/issuing.crl | OK
trust-rsa1024                   | mx1     | (1024 bit)                    | EE certificate key too weak
trust-sha1                      | mx1     | sha1WithRSAEncryption         | digest algorithm too weak
trust-md5                       | mx1     | md5WithRSAEncryption          | digest algorithm too weak
trust-p256                      | mx1     | P-256                         | OK
trust-p384                      | mx1     | P-384                         | OK
trust-p521                      | mx1     | P-521                         | OK
trust-ed25519                   | mx1     | ED25519                       | OK
trust-rsa4096                   | mx1     | (4096 bit)                    | OK
trust-multi-cert                | ecdsa   | P-256                         | OK
trust-multi-cert                | rsa     | (2048 bit)                    | OK
trust-deep-chain                | mx1     | DNS:mx1.lab.test              | OK
trust-huge-cert                 | mx1     | DNS:filler-01500.             | OK
trust-nc-violation              | mx1     | Contoso Issuing CA G1         | permitted subtree violation
trust-pathlen-violation         | mx1     | Contoso Department CA         | path length constraint exceeded
trust-v1                        | v1      | Version: 1 (0x0)              | OK
trust-no-aki                    | mx1     | !Authority Key Identifier     | OK
trust-key-mismatch              | mx1     | DNS:mx1.lab.test              | OK
trust-validity-too-long         | mx1     | DNS:mx1.lab.test              | OK
";

/// A row of the table.
fn rows() -> impl Iterator<Item = [&'static str; 4]> {
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
    SEEN.lines().filter(|line| !line.is_empty()).map(move |line| cells(line).try_into().expect("four cells"))
}

/// What the program says on both channels.
fn openssl(arguments: &[&str], directory: &Path) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn paper(name: &str) -> Plan {
    let text = ScenarioText::parse(entry(name).unwrap().scenario.text, name).unwrap();
    Plan::new(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The certificate of this label on the first computer.
fn material<'a>(paper: &'a Plan, label: &str) -> &'a Material {
    let fits = |stored: &&StoredCertificate| stored.label == label;
    paper.computers[0].computer.store.iter().find(fits).unwrap().material.as_ref().unwrap()
}

/// The host that clients dial.
fn host(name: &str) -> String {
    let scenario = ScenarioText::parse(entry(name).unwrap().scenario.text, name).unwrap().scenario;
    let connector = scenario.computer[0].receive_connector[0].fqdn.clone();
    let known = scenario.entry.unwrap().host;
    known.unwrap_or_else(|| connector.unwrap().0.unwrap().to_string())
}

#[test]
fn every_entry_of_names_and_trust_is_looked_at() {
    let looked_at: BTreeSet<_> = rows().map(|row| row[0]).collect();
    let of_certificates = ENTRIES.iter().filter(|it| matches!(it.group, Group::Names | Group::Trust));
    let entries: BTreeSet<_> = of_certificates.map(|it| it.scenario.name).collect();
    assert_eq!(looked_at, entries);
}

#[test]
fn openssl_sees_in_each_certificate_what_its_entry_says() {
    if Program::find("openssl", "openssl").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    let mut wrong = Vec::new();
    for [name, label, shown, verdict] in rows() {
        let paper = paper(name);
        let material = material(&paper, label);
        write("root.pem", &paper.root().to_pem());
        write("leaf.pem", &material.certificate.to_pem());
        write("chain.pem", &material.intermediates.iter().map(Certificate::to_pem).collect::<String>());
        let text = openssl(&["x509", "-in", "leaf.pem", "-noout", "-text"], directory.path());
        let as_wanted = match shown.strip_prefix('!') {
            None => text.contains(shown),
            // The purposes of an authority stand in no certificate of a server.
            Some(absent) => !text.contains(absent),
        };
        if !as_wanted {
            wrong.push(format!("{name}: {shown}: {text}"));
        }
        let host = host(name);
        let by = if host.parse::<std::net::IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
        let mut arguments = vec!["verify", "-purpose", "sslserver", "-auth_level", "2", by, &host];
        arguments.extend(["-CAfile", "root.pem"]);
        if !material.intermediates.is_empty() {
            arguments.extend(["-untrusted", "chain.pem"]);
        }
        arguments.push("leaf.pem");
        let said = openssl(&arguments, directory.path());
        if !said.contains(verdict) {
            wrong.push(format!("{name}: {label}: expected {verdict}, and openssl says {said}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn openssl_finds_a_revoked_certificate_on_the_list_of_its_authority() {
    if Program::find("openssl", "openssl").is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    let paper = paper("trust-revoked");
    let material = material(&paper, "mx1");
    let lists = paper.revocation_lists().unwrap();
    assert_eq!(lists.len(), 1);
    assert_eq!(lists[0].issuer, material.certificate.issuer());
    write("root.pem", &paper.root().to_pem());
    write("leaf.pem", &material.certificate.to_pem());
    write("chain.pem", &material.intermediates.iter().map(Certificate::to_pem).collect::<String>());
    write("list.crl", &lists[0].pem);
    let arguments = ["verify", "-crl_check", "-CRLfile", "list.crl", "-CAfile", "root.pem"];
    let said =
        openssl(&[&arguments[..], &["-untrusted", "chain.pem", "leaf.pem"]].concat(), directory.path());
    assert!(said.contains("certificate revoked"), "{said}");
    let text = openssl(&["crl", "-in", "list.crl", "-noout", "-text"], directory.path());
    assert!(text.contains("X509v3 CRL Number") && text.contains("Authority Key Identifier"), "{text}");
}

#[test]
fn a_key_of_another_certificate_is_served_where_that_is_the_story() {
    for (name, own) in [("trust-key-mismatch", false), ("trust-expired", true), ("trust-rsa1024", true)] {
        let paper = paper(name);
        let Material { certificate, key, .. } = material(&paper, "mx1");
        assert_eq!(certificate.public_key_matches(key), own, "{name}");
    }
    let paper = paper("trust-huge-cert");
    let length = material(&paper, "mx1").certificate.der().len();
    // More than rustls takes and less than OpenSSL does, which counts the whole chain.
    assert!((65_536..100 * 1024 - 1000).contains(&length), "{length}");
}
