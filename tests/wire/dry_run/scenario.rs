//! An Edge and its Hub from before to after, with Send connectors among the senders.

use super::{ending, events, played, seen};
use starttls_lab::internal::scenario::{Aspect, NONE};

const LAB: &str = edge_and_hub! {
    domain: "contoso.com",
    head: r#"
title = "An Edge and its Hub"
hosts."mail.contoso.com" = ["EDGE"]
hosts."mx.partner.test" = ["PARTNER1", "PARTNER2"]
mx."partner.test" = ["mx.partner.test"]
"#,
    edge: r#"
organization = "contoso"

[[computer.certificate]]
label = "edge"
names = ["edge.contoso.com"]
services = ["SMTP"]
issuer = "self"

[[computer.certificate]]
label = "keyless"
names = ["keyless.contoso.com"]
services = ["SMTP"]
private_key = "missing"

[[computer.receive_connector]]
name = "Default internal"
fqdn = "mail.contoso.com"
bindings = ["0.0.0.0:25"]

[[computer.send_connector]]
name = "EdgeSync - Inbound to Site"
usage = "EdgeSyncInbound"
fqdn = "ht01.contoso.com"

[[computer.send_connector]]
name = "To Internet"
"#,
    hub: r#"
organization = "contoso"
internal_transport_certificate = "hub"

[[computer.certificate]]
label = "hub"
names = ["hub.contoso.com"]
issuer = "self"

[[computer.receive_connector]]
name = "Default HUB"
permission_groups = ["AnonymousUsers", "ExchangeServers"]
bindings = ["0.0.0.0:25"]
"#,
    rest: r#"
[[computer]]
name = "PARTNER1"
fqdn = "p1.partner.test"
role = "edge"
profile = "exchange-2010"
address = "127.0.0.4"
organization = "partner"

[[computer.receive_connector]]
name = "In"
bindings = ["0.0.0.0:25"]
enabled = false

[[computer]]
name = "PARTNER2"
fqdn = "p2.partner.test"
role = "edge"
profile = "exchange-2010"
address = "127.0.0.5"
organization = "partner"

[[computer.receive_connector]]
name = "In"
bindings = ["0.0.0.0:25"]

[[sender]]
policy = "may"
to = 'EDGE\Default internal'

[[sender]]
policy = "library"
to = 'EDGE\Default internal'

[[sender]]
connector = 'EDGE\EdgeSync - Inbound to Site'
rcpt_to = "user@contoso.com"

[[sender]]
name = "outward"
connector = 'EDGE\To Internet'
rcpt_to = "user@partner.test"

[before.receive_connector.'EDGE\Default internal']
starttls = "none"
events = [12014]

[before.sender]
may = "clear"
library = "clear"

[after.receive_connector.'EDGE\Default internal']
starttls = "edge"
events = []

[after.sender]
may = "tls"
library = "bounced: certificate-not-trusted"

[[fix]]
title = "The name that the certificate carries"
on = "EDGE"
run = "Set-ReceiveConnector 'EDGE\\Default internal' -Fqdn edge.contoso.com"

[[wrong_fix]]
title = "What the event advises"
on = "EDGE"
run = "Get-ExchangeCertificate | Where-Object { $_.Subject -eq 'CN=edge.contoso.com' } | Enable-ExchangeCertificate -Services SMTP"
"#,
};

const EDGE_SYNC: &str = "EdgeSync - Inbound to Site";

fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(LAB.to_owned(), |lab, (from, to)| {
        assert!(lab.contains(from), "{from}");
        lab.replacen(from, to, 1)
    })
}

/// The lab with one more fix, which stands after the others.
fn after(fix: &str) -> String {
    format!("{LAB}\n[[fix]]\ntitle = \"x\"\non = \"EDGE\"\nrun = '''{fix}'''\n")
}

#[test]
fn the_wrong_fix_leaves_everything_and_the_fix_mends_what_the_file_says() {
    let proof = played(LAB);
    let differences: Vec<_> = proof.differences().map(|(stage, row)| (&stage.title, row)).collect();
    assert!(proof.holds(), "{differences:#?}");
    let [before, wrong, fixed] = &proof.stages[..] else { panic!("{}", proof.stages.len()) };
    let rows = |stage: &starttls_lab::internal::scenario::ProvedStage| {
        let observed = stage.rows.iter().filter(|row| row.aspect != Aspect::Refusal);
        observed.map(|row| row.observed.clone()).collect::<Vec<_>>()
    };
    assert_eq!(rows(before), rows(wrong));
    assert_ne!(rows(before), rows(fixed));
    assert_eq!(wrong.refused, None);
}

#[test]
fn a_sender_for_whom_the_mending_is_none_is_a_regression() {
    let proof = played(LAB);
    let [before, wrong, fixed] = &proof.stages[..] else { panic!("{}", proof.stages.len()) };
    assert!(before.regressions.is_empty() && wrong.regressions.is_empty());
    let worse: Vec<_> = fixed.regressions.iter().map(|worse| worse.sender.as_str()).collect();
    assert_eq!(worse, ["library"]);
}

#[test]
fn rows_stand_in_the_order_of_the_lab_file_and_senders_last() {
    let proof = played(LAB);
    let rows = proof.stages[0].rows.iter().map(|row| format!("{} {}", row.subject, row.aspect.as_str()));
    let rows: Vec<_> = rows.collect();
    assert_eq!(
        rows[..9],
        [
            "EDGE events",
            "EDGE\\Default internal STARTTLS",
            "EDGE\\Default internal X-ANONYMOUSTLS",
            "EDGE\\Default internal events",
            "EDGE\\EdgeSync - Inbound to Site presents",
            "EDGE\\EdgeSync - Inbound to Site events",
            "EDGE\\To Internet presents",
            "EDGE\\To Internet events",
            "HUB events",
        ]
    );
    assert_eq!(
        rows[rows.len() - 4..],
        ["may message", "library message", "EdgeSync - Inbound to Site message", "outward message"]
    );
}

#[test]
fn edgesync_goes_by_the_internal_transport_certificate_and_survives_12014_on_both_sides() {
    let proof = played(LAB);
    let before = &proof.stages[0];
    assert_eq!(seen(before, "HUB\\Default HUB", Aspect::Starttls).as_deref(), Some(NONE));
    assert_eq!(seen(before, "HUB\\Default HUB", Aspect::AnonymousTls).as_deref(), Some("hub"));
    assert_eq!(events(before, "HUB\\Default HUB"), "12014");
    assert_eq!(seen(before, "EDGE\\EdgeSync - Inbound to Site", Aspect::Presents).as_deref(), Some(NONE));
    assert_eq!(events(before, "EDGE\\EdgeSync - Inbound to Site"), "12014");
    assert_eq!(ending(before, EDGE_SYNC), "tls");
    assert_eq!((events(before, "EDGE"), events(before, "HUB")), ("none".into(), "none".into()));
}

#[test]
fn without_an_internal_transport_certificate_on_either_side_edgesync_mail_waits() {
    let unpublished = "internal_transport_certificate = \"\"\n";
    let hub = played(&with(&[("internal_transport_certificate = \"hub\"\n", unpublished)]));
    let before = &hub.stages[0];
    assert_eq!(ending(before, EDGE_SYNC), "deferred: starttls-not-supported");
    assert_eq!((events(before, "EDGE"), events(before, "HUB")), ("none".into(), "12012".into()));
    let own = format!("subscribed_to = \"HUB\"\n{unpublished}");
    let edge = played(&with(&[("subscribed_to = \"HUB\"\n", &own)]));
    let before = &edge.stages[0];
    assert_eq!(ending(before, EDGE_SYNC), "deferred: validation-failure");
    assert_eq!((events(before, "EDGE"), events(before, "HUB")), ("12012".into(), "none".into()));
}

#[test]
fn the_next_of_a_pool_is_tried_where_the_first_does_not_answer() {
    let proof = played(LAB);
    assert_eq!(ending(&proof.stages[0], "outward"), "clear: starttls-not-supported");
    let silent = with(&[(
        "name = \"In\"\nbindings = [\"0.0.0.0:25\"]\n\n[[sender]]",
        "name = \"In\"\nbindings = [\"0.0.0.0:25\"]\nenabled = false\n\n[[sender]]",
    )]);
    assert_eq!(ending(&played(&silent).stages[0], "outward"), "deferred");
}

#[test]
fn tls_that_is_required_and_not_offered_is_event_2015_of_the_send_connector() {
    let proof = played(&with(&[("name = \"To Internet\"", "name = \"To Internet\"\nrequire_tls = true")]));
    let before = &proof.stages[0];
    assert_eq!(ending(before, "outward"), "deferred: starttls-not-supported");
    assert_eq!(events(before, "EDGE\\To Internet"), "2015");
    assert_eq!(events(before, "PARTNER2\\In"), "12014");
}

#[test]
fn tls_that_a_receive_connector_requires_and_cannot_offer_is_event_1032() {
    let fqdn = "fqdn = \"mail.contoso.com\"\nbindings";
    let proof = played(&with(&[(fqdn, &format!("require_tls = true\n{fqdn}"))]));
    assert_eq!(events(&proof.stages[0], "EDGE\\Default internal"), "1032 12014");
    // Exchange 2010 answers MAIL with 451 then.
    assert_eq!(ending(&proof.stages[0], "may"), "deferred: starttls-not-supported");
}

#[test]
fn a_certificate_of_ones_own_that_cannot_be_used_defers_and_names_its_error() {
    let partner = "[[computer.receive_connector]]\nname = \"In\"\nbindings = [\"0.0.0.0:25\"]\n\n[[sender]]";
    let good = format!(
        "[[computer.certificate]]\nlabel = \"mx\"\nnames = [\"p2.partner.test\"]\nservices = [\"SMTP\"]\n\n{partner}"
    );
    let name = "name = \"To Internet\"";
    let keyless = format!("{name}\nfqdn = \"keyless.contoso.com\"");
    let proof = played(&with(&[(partner, &good), (name, &keyless)]));
    let presents = |proof: &starttls_lab::internal::scenario::Proof| {
        seen(&proof.stages[0], "EDGE\\To Internet", Aspect::Presents).unwrap()
    };
    assert_eq!(presents(&proof), "NoCredentials");
    assert_eq!(ending(&proof.stages[0], "outward"), "deferred: validation-failure");
    assert_eq!(events(&proof.stages[0], "EDGE\\To Internet"), "none");
    // Without a key at fault, the same mail goes over TLS.
    let healthy = played(&with(&[(partner, &good)]));
    assert_eq!((presents(&healthy), ending(&healthy.stages[0], "outward")), ("edge".into(), "tls".into()));
}

#[test]
fn what_is_switched_off_or_removed_sends_and_takes_nothing() {
    let disabled = played(&after("Set-ReceiveConnector 'EDGE\\Default internal' -Enabled $false"));
    let last = disabled.stages.last().unwrap();
    assert_eq!(last.refused, None);
    assert_eq!(seen(last, "EDGE\\Default internal", Aspect::Starttls).as_deref(), Some(NONE));
    assert_eq!(events(last, "EDGE\\Default internal"), "none");
    assert_eq!((ending(last, "may"), ending(last, "library")), ("deferred".into(), "bounced".into()));
    let gone = played(&after("Remove-ReceiveConnector 'EDGE\\Default internal' -Confirm:$false"));
    let last = gone.stages.last().unwrap();
    assert_eq!(last.refused, None);
    assert_eq!(seen(last, "EDGE\\Default internal", Aspect::Starttls), None);
    assert_eq!(ending(last, "may"), "deferred");
}
