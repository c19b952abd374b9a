//! What lies on the side of senders and between them and a lab: a fix there, a pool, a sender without a queue, a
//! TlsDomain. What is observed in memory is what is observed over sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use crate::both::verified;
use crate::client::Client;
use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::journal::transcript_line;
use starttls_lab::internal::lab::{Engine, Options, Plan};
use starttls_lab::internal::report;
use starttls_lab::internal::scenario::{Aspect, Proof, ScenarioText, Stage, Subject};
use starttls_lab::internal::tls::{ClientTls, Versions};
use starttls_lab::internal::wire::Ports;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// Two computers, each with a certificate of its own name; what follows them.
fn lab(rest: &str) -> String {
    let computer = |name: &str, address: &str| {
        format!(
            r#"
[[computer]]
name = "{name}"
fqdn = "{name}.contoso.com"
role = "mailbox"
profile = "exchange-2019"
address = "{address}"
accepted_domains = ["contoso.com"]

[[computer.certificate]]
label = "{name}"
names = ["{name}.contoso.com"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "Internet"
fqdn = "{name}.contoso.com"
bindings = ["0.0.0.0:25"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
tarpit_interval = "0s"
"#
        )
    };
    let (one, two) = (computer("ex01", "127.0.0.4"), computer("ex02", "127.0.0.5"));
    format!(
        "title = \"Two of them\"\nnow = \"2026-03-01T12:00:00Z\"\n\
         hosts.\"mail.contoso.com\" = [\"ex01\", \"ex02\"]\n{one}{two}{rest}"
    )
}

fn parsed(text: &str) -> ScenarioText {
    ScenarioText::parse(text, "lab.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// What became of a sender's message at a stage.
fn ending(proof: &Proof, stage: Stage, sender: &str) -> String {
    let stage = proof.stages.iter().find(|it| it.stage == stage).unwrap();
    let is = |subject: &Subject| matches!(subject, Subject::Sender(name) if name == sender);
    let row = stage.rows.iter().find(|row| is(&row.subject) && row.aspect == Aspect::Ending);
    row.unwrap().observed.as_ref().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fix_may_lie_on_the_senders_side_another_name_or_a_root_that_is_trusted() {
    let text = parsed(&lab(r#"
[[sender]]
policy = "verify"
to = 'ex01\Internet'
dials = "mail.contoso.com"
trusts_lab = false

[[fix]]
title = "Trust the root, and dial the name that the certificate carries"
sender.verify = { dials = "ex01.contoso.com", trusts_lab = true }
[fix.after.sender]
verify = "tls-authenticated"

[[wrong_fix]]
title = "Trust the root"
sender.verify = { trusts_lab = true }
"#));
    let proof = verified(&text, "sides").await;
    assert!(proof.holds());
    assert_eq!(ending(&proof, Stage::Before, "verify"), "deferred: certificate-not-trusted");
    assert_eq!(ending(&proof, Stage::WrongFix(0), "verify"), "deferred: certificate-host-mismatch");
    assert_eq!(ending(&proof, Stage::Fix(0), "verify"), "tls-authenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fix_may_take_a_middlebox_away() {
    let fault = "[[computer.fault]]\nat = \"ehlo\"\ndo = { capabilities = { without = [\"STARTTLS\"] } }\n\n[[computer.receive_connector]]";
    let rest = r#"
[[sender]]
policy = "may"
to = 'ex01\Internet'

[before.sender]
may = "clear"

[[fix]]
title = "Turn ESMTP inspection off"
faults_off = ["EX01"]
[fix.after.sender]
may = "tls"
"#;
    let text = lab(rest).replacen("[[computer.receive_connector]]", fault, 1);
    let proof = verified(&parsed(&text), "middlebox").await;
    assert!(proof.holds(), "{:#?}", proof.differences().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_built_in_sender_goes_to_the_first_computer_of_a_pool_that_answers() {
    let rest = r#"
[[sender]]
policy = "verify"
to = "mail.contoso.com"

[before.sender]
verify = "deferred: certificate-host-mismatch"

[[fix]]
title = "A certificate of the second with the name of the pool; the first is out of service"
on = "ex01"
run = "Set-ReceiveConnector 'ex01\\Internet' -Enabled $false"
[fix.after.sender]
verify = "tls-authenticated"
"#;
    let text = lab(rest)
        .replace("names = [\"ex02.contoso.com\"]", "names = [\"ex02.contoso.com\", \"mail.contoso.com\"]");
    let proof = verified(&parsed(&text), "pool").await;
    assert!(proof.holds(), "{:#?}", proof.differences().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_without_a_queue_returns_what_another_one_defers_and_a_tls_domain_is_compared() {
    let text = parsed(&lab(r#"
[[sender]]
policy = "verify"
to = 'ex01\Internet'
dials = "mail.contoso.com"

[[sender]]
name = "program"
policy = "verify"
queue = false
to = 'ex01\Internet'
dials = "mail.contoso.com"

[[sender]]
name = "exchange"
policy = "exchange-domain-validation"
tls_domain = "*.contoso.com"
to = 'ex01\Internet'

[[sender]]
name = "exchange of another domain"
policy = "exchange-domain-validation"
tls_domain = "fabrikam.com"
to = 'ex01\Internet'

[before.sender]
verify = "deferred: certificate-host-mismatch"
program = "bounced: certificate-host-mismatch"
exchange = "tls-authenticated"
"exchange of another domain" = "deferred: certificate-host-mismatch"
"#));
    let proof = verified(&text, "queues").await;
    assert!(proof.holds(), "{:#?}", proof.differences().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_may_have_send_connectors_only() {
    let text = parsed(
        r#"
title = "It only sends"
now = "2026-03-01T12:00:00Z"

[[computer]]
name = "EX01"
fqdn = "ex01.contoso.com"
role = "mailbox"
profile = "exchange-2019"

[[computer.certificate]]
label = "own"
names = ["ex01.contoso.com"]
services = ["SMTP"]

[[computer.send_connector]]
name = "To Internet"
fqdn = "ex01.contoso.com"

[[sender]]
connector = 'EX01\To Internet'
rcpt_to = "user@fabrikam.com"

[before.send_connector.'EX01\To Internet']
presents = "own"
events = []

[before.sender]
"To Internet" = "deferred"
"#,
    );
    let proof = verified(&text, "send only").await;
    assert!(proof.holds(), "{:#?}", proof.differences().collect::<Vec<_>>());
    let started = Engine::start(&text, Options::default()).await;
    let error = started.unwrap_err().to_string();
    assert!(error.contains("lab.toml: nothing would listen"), "{error}");
}

#[tokio::test]
async fn a_declared_thumbprint_stands_beside_that_of_the_handshake_wherever_one_is_printed() {
    const DECLARED: &str = "0011223344556677889900112233445566778899";
    let text =
        lab("").replacen("label = \"ex01\"", &format!("label = \"ex01\"\nthumbprint = \"{DECLARED}\""), 1);
    let text = parsed(&text);
    let plan = Plan::new(&text).unwrap();
    let report = report::check(&plan.computers, plan.clock.now());
    let lab = Engine::start_plan(plan, Options { ports: Ports::Free, ..Options::default() }).await.unwrap();
    let (mut peer, _) = Client::connect_from("127.0.0.1".parse().unwrap(), lab.connectors()[0].addr).await;
    peer.ask("EHLO client.example").await;
    assert!(peer.ask("STARTTLS").await.starts_with("220"));
    let tls = ClientTls::trusting_anything(&Clock::system(), Versions::Both).unwrap();
    let (stream, facts) = tls.connect("ex01.contoso.com", peer.into_stream()).await.unwrap();
    // The handshake is recorded before anything inside TLS is answered.
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"NOOP\r\n").await.unwrap();
    let mut reply = String::new();
    stream.read_line(&mut reply).await.unwrap();
    let both = format!("{DECLARED} (in the handshake {})", facts.peer_chain[0].thumbprint());
    let transcript = || lab.journal().entries(1).iter().map(transcript_line).collect::<Vec<_>>().join("\n");
    assert!(report.table().contains(&both), "{}", report.table());
    let unwrapped = report.list().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped.contains(&both), "{unwrapped}");
    assert!(transcript().contains(&both), "{}", transcript());
}

/// A store that is restored from a backup between two fixes: no cmdlet reaches that state.
#[tokio::test(flavor = "multi_thread")]
async fn a_fix_may_begin_with_what_no_cmdlet_does_to_a_certificate() {
    let rest = r#"
[[wrong_fix]]
title = "The store is restored from a backup, without the permissions of the keys"
certificate.'ex01\ex01' = { private_key = "unreadable" }
after.receive_connector.'ex01\Internet'.starttls = "none"

[[wrong_fix]]
title = "The certificate is removed with the certificates snap-in"
certificate.'ex01\ex01' = { in_store = false }
after.receive_connector.'ex01\Internet'.starttls = "none"

[[fix]]
title = "Enable it again after the restore"
on = "ex01"
run = "Get-ExchangeCertificate | Enable-ExchangeCertificate -Services SMTP -Force"
certificate.'ex01\ex01' = { private_key = "unreadable", services = [] }
after.receive_connector.'ex01\Internet'.starttls = "ex01"

[[fix]]
title = "Removed, then restored from the backup, then enabled"
on = "ex01"
run = "if (Get-ExchangeCertificate) { Remove-ReceiveConnector 'ex01\\Internet' }"
certificate.'ex01\ex01' = { in_store = false }
after.receive_connector.'ex01\Internet'.starttls = "ex01"
[[fix.then]]
on = "ex01"
run = "Get-ExchangeCertificate | Enable-ExchangeCertificate -Services SMTP -Force"
certificate.'ex01\ex01' = { in_store = true, private_key = "unreadable" }
"#;
    let text = parsed(&lab(rest));
    let proof = verified(&text, "between").await;
    assert!(proof.holds(), "{:#?}", proof.differences().collect::<Vec<_>>());
}
