//! What a lab does wrong on purpose: it has to be done, and it can be changed while the lab runs.

use starttls_lab::{FaultSpec, Lab, a_message};

use crate::blocking::{Client, send_in_clear};

fn row(json: &str) -> FaultSpec {
    serde_json::from_str(json).unwrap()
}

fn lab(fault: FaultSpec) -> Lab {
    Lab::connector("mail.contoso.com").certificate(["mail.contoso.com"]).fault(fault).start().unwrap()
}

const REFUSED: &str = r#"{"at": "starttls", "do": {"reply": "454 4.7.0 TLS not available"}}"#;

#[test]
fn a_fault_that_was_declared_and_never_done_fails_the_report() {
    let lab = lab(row(REFUSED));
    send_in_clear(lab.addr(), "me@contoso.com", "you@contoso.com", "hello");
    let report = lab.finish();
    assert!(!report.is_ok());
    assert_eq!(
        report.to_string(),
        "NOT as expected: fault 1 of LAB: at starttls, reply \"454 4.7.0 TLS not available\"; \
         it was never done\n"
    );
}

#[test]
fn a_fault_that_may_stay_undone_fails_nothing() {
    let fault = FaultSpec { optional: true, ..row(REFUSED) };
    assert!(lab(fault).finish().is_ok());
}

#[test]
fn a_fault_that_was_done_is_in_the_report_and_in_the_transcript() {
    let lab = lab(row(REFUSED));
    let mut client = Client::connect(lab.addr());
    assert_eq!(client.ask("STARTTLS"), "454 4.7.0 TLS not available");
    client.quit();
    let report = lab.finish();
    assert!(report.is_ok(), "{report}");
    let transcript = report.transcript();
    assert!(transcript.contains("~~ on purpose (row 1): at starttls, reply"), "{transcript}");
}

#[test]
fn rows_are_changed_while_the_lab_runs_and_a_wrong_one_changes_nothing() {
    let lab = lab(row(REFUSED));
    let wrong = row(r#"{"at": "starttls", "do": "execute-pipelined"}"#);
    let error = lab.set_faults("LAB", vec![wrong]).unwrap_err().to_string();
    assert!(error.contains("vulnerable = true"), "{error}");
    let client = |answer: &str| {
        let mut client = Client::connect(lab.addr());
        assert_eq!(client.ask("STARTTLS"), answer);
    };
    client("454 4.7.0 TLS not available");
    lab.set_faults("lab", vec![row(r#"{"at": "starttls", "do": {"reply": "501 no"}}"#)]).unwrap();
    client("501 no");
    lab.set_faults("LAB", Vec::new()).unwrap();
    let client = Client::connect(lab.addr()).starttls(lab.client_config(), "mail.contoso.com").unwrap();
    client.quit();
    lab.finish().assert();
}

#[test]
fn a_peers_connections_are_counted_from_one() {
    let fault = row(r#"{"at": "mail", "do": {"reply": "451 4.3.0 later"}, "when": {"connection": "first"}}"#);
    let lab = lab(fault);
    let mut first = Client::connect(lab.addr());
    assert_eq!(first.ask("MAIL FROM:<a@b.example>"), "451 4.3.0 later");
    send_in_clear(lab.addr(), "me@contoso.com", "you@contoso.com", "hello");
    lab.wait_for_message(a_message().in_clear()).unwrap();
    lab.finish().assert();
}
