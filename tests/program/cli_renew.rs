//! `renew` as a person meets it: the day on which it would break, the steps, and what goes stale.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::fs;

use serde_json::Value;

use crate::fixture::support::finished;

/// A server whose clock stands still, with a connector by name, one that is pinned, and one that sends.
const LAB: &str = r#"
title = "A server before its renewal"
now = "2026-11-30T09:00:00Z"

[[computer]]
name = "EX1"
fqdn = "ex1.contoso.com"
role = "mailbox"
profile = "exchange-2019"
rules = { expired = "withheld" }

[[computer.certificate]]
label = "own"
names = ["ex1.contoso.com"]
issuer = "self"
not_after = "+4y"
services = ["SMTP"]

[[computer.certificate]]
label = "mail-2026"
subject = "CN=mail.contoso.com, O=Contoso"
names = ["mail.contoso.com", "autodiscover.contoso.com"]
issuer = "CN=Issuing CA G1, O=DigiTrust"
not_before = "2025-12-15"
not_after = "2026-12-15"
services = ["SMTP", "IIS"]

[[computer.receive_connector]]
name = "Internet"
usage = "Custom"
fqdn = "mail.contoso.com"
bindings = ["0.0.0.0:25"]
permission_groups = ["AnonymousUsers"]

[[computer.receive_connector]]
name = "Partner"
usage = "Custom"
fqdn = "partner.contoso.com"
tls_certificate_name = "<I>CN=Issuing CA G1, O=DigiTrust<S>CN=mail.contoso.com, O=Contoso"
bindings = ["0.0.0.0:2525"]
permission_groups = ["AnonymousUsers"]

[[computer.send_connector]]
name = "To Internet"
address_spaces = ["*"]
fqdn = "mail.contoso.com"
"#;

fn renew(args: &[&str]) -> (i32, String, String) {
    renew_in(LAB, args)
}

fn renew_in(lab: &str, args: &[&str]) -> (i32, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lab.toml");
    fs::write(&file, lab).unwrap();
    finished(&[&["renew", file.to_str().unwrap()], args].concat())
}

fn json(args: &[&str]) -> (i32, Value) {
    let (code, said, complaint) = renew(&[args, &["--output", "json"]].concat());
    (code, serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{complaint}")))
}

/// What a connector does at each step.
fn steps(report: &Value, name: &str, kind: &str) -> Vec<String> {
    let of = |step: &Value| {
        let offers = step["offers"].as_array().unwrap();
        let found =
            offers.iter().find(|it| it["connector"]["name"] == name && it["connector"]["kind"] == kind);
        found.unwrap_or_else(|| panic!("{step}"))["words"].as_str().unwrap().to_owned()
    };
    report["steps"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn the_first_line_is_the_day_on_which_it_would_break() {
    let (code, said, _) = renew(&[]);
    let first = "Without action EX1\\Internet breaks on 2026-12-15 (in 15 days): no STARTTLS (12014) in place of mail-2026, ends soon";
    let joined = said.lines().take(3).collect::<Vec<_>>().join(" ");
    assert!(joined.starts_with(first), "{said}");
    assert_eq!(code, 1, "the old one cannot be removed while a connector is pinned to it: {said}");
}

#[test]
fn each_connector_is_followed_through_every_step() {
    let (_, report) = json(&["--issuer", "CN=Issuing CA G2, O=DigiTrust"]);
    assert_eq!(report["computer"], "EX1");
    assert_eq!(report["breaks_without_action"], "2026-12-15T00:00:01Z");
    let internet = steps(&report, "Internet", "receive");
    assert_eq!(internet[..2], [internet[0].clone(), internet[0].clone()], "not enabled, so not used");
    assert!(internet[0].starts_with("mail-2026, ends soon ("), "{internet:?}");
    assert_eq!(internet[2..], ["new", "new", "new"]);
    let partner = steps(&report, "Partner", "receive");
    assert!(partner[..4].iter().all(|it| it.starts_with("mail-2026, ends soon (")), "{partner:?}");
    assert_eq!(partner[4], "no STARTTLS (12014)", "the Shell refuses to remove it; the day does not ask");
    assert_eq!(steps(&report, "To Internet", "send")[2], "new");
    let pin = &report["stale_pins"][0];
    assert_eq!(pin["connector"]["name"], "Partner");
    assert!(
        pin["command"]
            .as_str()
            .unwrap()
            .contains("Set-ReceiveConnector \"EX1\\Partner\" -TlsCertificateName")
    );
    let removed = &report["steps"][3];
    assert!(
        removed["refused"].as_str().unwrap().contains("tagged with following Receive Connectors"),
        "{removed}"
    );
}

#[test]
fn services_and_names_that_only_the_old_one_has_are_told() {
    let (code, report) = json(&["--names", "mail.contoso.com", "--services", "SMTP"]);
    assert_eq!(code, 1);
    assert_eq!(report["services_lost"], serde_json::json!(["IIS"]));
    assert_eq!(report["names_lost"], serde_json::json!(["autodiscover.contoso.com"]));
}

#[test]
fn a_certificate_of_the_same_names_and_issuer_keeps_every_pin() {
    let (_, report) = json(&["--not-after", "+2y"]);
    assert_eq!(report["stale_pins"], serde_json::json!([]));
    assert_eq!(steps(&report, "Partner", "receive")[2], "new");
    assert_eq!(report["breaks_again"], "2028-11-29T09:00:01Z");
}

#[test]
fn a_new_certificate_that_misses_the_name_withholds_starttls_once_the_old_one_is_gone() {
    let (code, report) = json(&["--replaces", "own", "--names", "ex2.contoso.com"]);
    assert_eq!(code, 1);
    let removed = &report["steps"][3];
    assert!(removed["refused"].as_str().unwrap().contains("internal transport certificate"), "{removed}");
}

#[test]
fn the_new_certificate_may_be_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let (_, written, _) = finished(&["certs", "healthy", "--dir", directory.path().to_str().unwrap()]);
    let pem = written.lines().find(|line| line.ends_with(".pem") && !line.ends_with("ca.pem")).unwrap();
    let (code, said, _) = renew(&["--certificate", pem]);
    assert_eq!(code, 1, "{said}");
    let (_, report) = json(&["--certificate", pem]);
    assert_eq!(report["new"]["self_signed"], false);
    let other = directory.path().join("text.pem");
    fs::write(&other, "no certificate").unwrap();
    let (code, said, complaint) = renew(&["--certificate", other.to_str().unwrap()]);
    assert_eq!((code, said.as_str()), (2, ""));
    assert!(complaint.contains("BEGIN CERTIFICATE"), "{complaint}");
}

#[test]
fn wrong_words_are_answered_with_what_there_is() {
    for (args, hint) in [
        (&["--replaces", "nothing"][..], "there are: own of EX1, mail-2026 of EX1"),
        (&["--computer", "EX9"], "there are EX1"),
        (&["--not-after", "tomorrow"], "is not a date"),
        (&["--issuer", "nonsense"], "attribute"),
        (&["--services", "SMPT"], "did you mean `SMTP`"),
    ] {
        let (code, said, complaint) = renew(args);
        assert_eq!((code, said.as_str()), (2, ""), "{args:?}");
        assert!(complaint.contains(hint), "{args:?}: {complaint}");
    }
}

#[test]
fn an_exchange_that_loses_nothing_is_zero() {
    let pinned = LAB.find("[[computer.receive_connector]]\nname = \"Partner\"").unwrap();
    let sends = LAB.find("[[computer.send_connector]]").unwrap();
    let lab = format!("{}{}", &LAB[..pinned], &LAB[sends..]);
    let (code, said, complaint) = renew_in(&lab, &[]);
    assert_eq!((code, complaint.as_str()), (0, ""), "{said}");
    let joined = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let second = "With the new certificate every connector goes on, and the next one is due by 2027-11-30 (in 365 days).";
    assert!(joined.contains(second), "{said}");
}

#[test]
fn an_edge_that_overwrites_its_default_certificate_has_to_be_subscribed_again() {
    let edge = |overwrite: &[&str]| {
        let args = ["renew", "edgesync-fqdn-mismatch", "--output", "json"];
        let (_, said, _) = finished(&[&args, overwrite].concat());
        serde_json::from_str::<Value>(&said).unwrap()
    };
    let computer = edge(&[])["computer"].as_str().unwrap().to_owned();
    assert_eq!(edge(&[])["subscriptions_broken"], serde_json::json!([]));
    assert_eq!(edge(&["--overwrite-default"])["subscriptions_broken"], serde_json::json!([computer]));
}

/// A lab whose only connector is pinned to a certificate with this validity.
fn pinned(not_before: &str, not_after: &str) -> String {
    format!(
        r#"
title = "A Send connector is pinned to a certificate"
now = "2026-11-30T09:00:00Z"
[[computer]]
name = "EX1"
fqdn = "ex1.contoso.com"
role = "mailbox"
profile = "exchange-2019"
[[computer.certificate]]
label = "mail"
subject = "CN=mail.contoso.com"
names = ["mail.contoso.com"]
issuer = "CN=G1"
not_before = "{not_before}"
not_after = "{not_after}"
services = ["SMTP"]
[[computer.send_connector]]
name = "Out"
tls_certificate_name = "<I>CN=G1<S>CN=mail.contoso.com"
"#
    )
}

/// The removal is refused, so the connector goes on with the old one.
#[test]
fn what_would_be_after_a_refused_removal_is_not_said_to_be_so_after_the_exchange() {
    let lab = pinned("+5d", "+50d");
    let (code, told, ends) = renew_in(&lab, &[]);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("is broken already, and the exchange does not change that: mail, not yet valid"),
        "{told}"
    );
    assert!(
        ends.contains("in place of mail, 1 step is refused") && !ends.contains("loses something"),
        "{ends}"
    );
}

/// On the day on which a pinned certificate expires the mail of the connector stays in the queue.
#[test]
fn the_day_on_which_a_pinned_certificate_expires_is_the_day_on_which_its_connector_breaks() {
    let lab = pinned("2025-12-15", "2026-12-15");
    let (_, told, _) = renew_in(&lab, &[]);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let breaks =
        r"Without action EX1\Out (sending) breaks on 2026-12-15 (in 15 days): mail, EXPIRED, and nothing is";
    assert!(told.starts_with(breaks), "{told}");
}
