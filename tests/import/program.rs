//! The verbs as a person meets them.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::samples::{CERTIFICATES, CONNECTOR, EVENT};

fn run(args: &[&str], stdin: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_starttls-lab"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STARTTLS_LAB_")) {
        command.env_remove(name);
    }
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who reads no standard input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn explain_takes_a_file_standard_input_and_the_text_itself() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("event.txt");
    std::fs::write(&file, EVENT).unwrap();
    let (_, from_file, _) = said(&run(&["explain", file.to_str().unwrap()], ""));
    let (_, from_stdin, _) = said(&run(&["explain"], EVENT));
    let (_, from_text, _) = said(&run(&["explain", EVENT], ""));
    assert!(
        from_file
            .starts_with("Event 12014 on HERON.wetland.test: Partner relay on HERON finds no certificate"),
        "{from_file}"
    );
    // The commands at the end name the file where there is one.
    let without = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("  starttls-lab "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(
        from_file.contains(&format!("  starttls-lab import {} > lab.toml", file.display())),
        "{from_file}"
    );
    assert_eq!(from_stdin, from_text);
    assert_eq!(without(&from_stdin), without(&from_file));
    let (code, out, error) = said(&run(&["explain", "-"], "nothing of the kind"));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("Known are events"), "{error}");
}

#[test]
fn import_prints_a_lab_that_the_other_verbs_take() {
    let dir = tempfile::tempdir().unwrap();
    let paste = format!(
        "{EVENT}\n[PS] C:\\>Get-ExchangeCertificate | fl\n{CERTIFICATES}\n[PS] C:\\>Get-ReceiveConnector | fl\n{CONNECTOR}"
    );
    let (code, toml, error) = said(&run(&["import", "-"], &paste));
    assert_eq!(code, Some(0), "{error}");
    let lab = dir.path().join("lab.toml");
    std::fs::write(&lab, &toml).unwrap();
    let (code, _, error) = said(&run(&["verify", lab.to_str().unwrap()], ""));
    assert_eq!(code, Some(0), "{error}\n{toml}");
    let (code, _, error) = said(&run(&["import", "--answer", "date=mdy", "-"], &paste));
    assert_eq!(code, Some(2));
    assert!(error.contains("no question is called `date`"), "{error}");
    let (_, json, _) = said(&run(&["import", "--output", "json", "-"], &paste));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["originals"][0]["thumbprint"], "00112233445566778899AABBCCDDEEFF00112233");
}

#[test]
fn collect_prints_one_line() {
    let (code, line, _) = said(&run(&["import", "--collect"], ""));
    assert_eq!((code, line.lines().count()), (Some(0), 1));
    assert!(line.contains("Get-ReceiveConnector") && line.contains("starttls-lab.json"), "{line}");
}

#[test]
fn check_takes_what_an_administrator_has_and_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (event, certificates, connector) =
        (write("event.txt", EVENT), write("c.txt", CERTIFICATES), write("r.txt", CONNECTOR));
    let (code, out, error) = said(&run(&["check", &event, &certificates, &connector], ""));
    assert_eq!(code, Some(0), "{error}\n{out}");
    // The sentence takes as many lines as the folder's name makes it take.
    let first: Vec<_> = out.split("\n\n").next().unwrap().split_whitespace().collect();
    let first = first.join(" ");
    assert!(first.contains("event.txt: event 12014") && first.contains("c.txt: 2 certificates"), "{first}");
    // Commands are for the real server, and name its certificates.
    assert!(
        out.contains("Enable-ExchangeCertificate -Thumbprint 00112233445566778899AABBCCDDEEFF00112233")
            || out.contains("Enable-ExchangeCertificate 00112233445566778899AABBCCDDEEFF00112233"),
        "{out}"
    );
    let (code, out, _) = said(&run(&["check", &event], ""));
    assert_eq!(code, Some(0));
    assert!(out.contains("To be sure, paste beside it"), "{out}");
    let (code, _, error) = said(&run(&["check", "-"], "nothing of the kind"));
    assert_eq!(code, Some(2), "{error}");
    let (code, out, _) =
        said(&run(&["check", "-"], starttls_lab::internal::scenario::scenario("healthy").unwrap().text));
    assert_eq!(code, Some(0), "{out}");
}

/// The properties that people choose, without RemoteIPRanges.
const CHOSEN: &str = r"
Identity : EX01\Default Frontend EX01
Fqdn     : EX01.contoso.test
Bindings : {0.0.0.0:25}

Identity : EX01\Relay
Fqdn     : mail.contoso.test
Bindings : {10.0.0.1:25}
";

#[test]
fn a_connector_whose_ranges_are_not_shown_is_checked_beside_the_one_that_is_there_before_it() {
    let (_, table, _) = said(&run(&["check", "-"], CHOSEN));
    assert!(table.contains("\"remoteipranges:Relay=192.0.2.2\""), "{table}");
    assert!(table.contains("\nRelay "), "{table}");
    let (_, json, _) = said(&run(&["check", "-", "--output", "json"], CHOSEN));
    let checked: serde_json::Value = serde_json::from_str(&json).unwrap();
    let identities: Vec<_> =
        checked["connectors"].as_array().unwrap().iter().map(|it| it["identity"].clone()).collect();
    assert_eq!(identities, ["EX01\\Default Frontend EX01", "EX01\\Relay"]);
    let answer = "remoteipranges:Relay=10.1.0.0/16, 10.2.0.7";
    let (code, toml, error) = said(&run(&["import", "-", "--answer", answer], CHOSEN));
    assert_eq!(code, Some(0), "{error}");
    assert!(toml.contains(r#"remote_ip_ranges = ["10.1.0.0-10.1.255.255", "10.2.0.7"]"#), "{toml}");
    let (code, _, error) = said(&run(&["import", "-", "--answer", "remoteipranges:Relay=all"], CHOSEN));
    assert_eq!(code, Some(2));
    assert!(error.contains("all"), "{error}");
}

#[test]
fn check_says_what_of_the_exports_is_not_in_the_lab() {
    let ranges = "RemoteIPRanges : {0.0.0.0-255.255.255.255}\n";
    let text = CHOSEN.replace(":25}\n", &format!(":25}}\n{ranges}"));
    let left_out =
        "Relay is left out: The values that you specified for the Bindings and RemoteIPRanges parameters";
    for args in [&["check", "-"][..], &["check", "-", "--full"], &["check", "-", "--output", "json"]] {
        let (_, out, _) = said(&run(args, &text));
        let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(left_out), "{args:?}: {out}");
    }
}

#[test]
fn check_does_not_claim_that_a_name_is_in_no_certificate_whose_names_were_cut() {
    let connector = "Identity : EX01\\Internet\nFqdn : mail.contoso.test\nBindings : {0.0.0.0:25}\nAuthMechanism : Tls\n\
                     RemoteIPRanges : {0.0.0.0-255.255.255.255}\nTlsCertificateName :\n\n";
    let shown = "CertificateDomains : {owa.contoso.test, a.contoso.test...}\nSubject : CN=owa.contoso.test\n\
                 Issuer : CN=Example CA\nHasPrivateKey : True\nServices : IIS, SMTP\nStatus : Valid\n\
                 Thumbprint : 00112233445566778899AABBCCDDEEFF00112233\n";
    let (_, out, _) = said(&run(&["check", "-"], &format!("{connector}{shown}")));
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("STARTTLS is NOT offered (event 12014), by the names that are shown"), "{out}");
    assert!(
        words.contains(
            "Not certain: mail.contoso.test may be among the names of owa.contoso.test that are not shown"
        ) && words.contains(
            "(Get-ExchangeCertificate 00112233445566778899AABBCCDDEEFF00112233).CertificateDomains"
        ),
        "{out}"
    );
    let whole = shown.replace("...}", "}");
    let (_, out, _) = said(&run(&["check", "-"], &format!("{connector}{whole}")));
    assert!(!out.contains("Not certain") && out.contains("NOT offered (event 12014)\n"), "{out}");
}

#[test]
fn the_sender_that_a_pin_is_for_is_among_those_that_are_better_off() {
    let connector = "Identity : EX01\\Default Frontend EX01\nFqdn : EX01.contoso.test\nBindings : {0.0.0.0:25}\n\
                     AuthMechanism : Tls, ExchangeServer\nPermissionGroups : AnonymousUsers, ExchangeServers\n\
                     RemoteIPRanges : {0.0.0.0-255.255.255.255}\nTlsCertificateName :\nTransportRole : FrontendTransport\n\n";
    let shown = |name: &str, names: &str, issuer: &str, thumbprint: u8| {
        format!(
            "CertificateDomains : {{{names}}}\nSubject : CN={name}\nIssuer : {issuer}\nHasPrivateKey : True\n\
             IsSelfSigned : {}\nServices : IIS, SMTP\nStatus : Valid\nThumbprint : {}\n\n",
            issuer == format!("CN={name}"),
            format!("{thumbprint:02X}").repeat(20)
        )
    };
    let own = shown("EX01", "EX01, EX01.contoso.test", "CN=EX01", 1);
    let public = shown("mail.contoso.example", "mail.contoso.example", "CN=Example CA", 2);
    let (code, out, error) = said(&run(&["check", "-"], &format!("{connector}{own}{public}")));
    assert_eq!(code, Some(0), "{error}");
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("trust refused by every sender that verifies"), "{out}");
    assert!(
        words.contains("fix 1 Pin the connector (TlsCertificateName) to CN=mail.contoso.example"),
        "{out}"
    );
    assert!(words.contains("better verifies mail.contoso.example (deferred -> tls-authenticated)"), "{out}");
}

#[test]
fn an_empty_file_is_called_empty() {
    let (code, _, error) = said(&run(&["explain", "-"], " \n"));
    assert_eq!(code, Some(2));
    assert!(error.contains("it is empty"), "{error}");
}

#[test]
fn an_advice_that_would_enable_an_expired_certificate_is_not_said_to_help() {
    let helps = |certificates: &str| {
        let (_, out, _) = said(&run(&["check", "-"], &format!("{EVENT}{certificates}{CONNECTOR}")));
        assert!(out.contains("NOT offered (event 12014)"), "{out}");
        out.contains("here\n         that helps")
    };
    assert!(helps(CERTIFICATES));
    assert!(!helps(&CERTIFICATES.replace("11/30/2099", "1/31/2026")));
}
