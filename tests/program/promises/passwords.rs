//! Passwords of clients, in everything that a lab writes and prints.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use crate::fixture::support::{Served, Talk, program, run, signal, text};

/// A connector on which a client may log on, also in clear.
const LAB: &str = r#"
title = "A connector with a logon"

[[computer]]
name = "MX"
fqdn = "mx.example.com"
role = "edge"
profile = "exchange-2019"
users = { anna = "hunter2" }

[[computer.receive_connector]]
name = "In"
bindings = ["0.0.0.0:25"]
auth_mechanism = ["BasicAuth"]
permission_groups = ["AnonymousUsers", "ExchangeUsers"]
tarpit_interval = "0s"
auth_tarpit_interval = "0s"
"#;

/// `hunter2` and `anna\0anna\0hunter2` in base 64, and the password itself.
const SECRETS: [&str; 3] = ["aHVudGVyMg", "YW5uYQBhbm5hAGh1bnRlcjI", "hunter2"];

/// Returns the files of a folder and below it that contain one of `secrets`.
fn holding(folder: &Path, secrets: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, secrets));
        } else {
            let content = text(&fs::read(&path).unwrap());
            if secrets.iter().any(|secret| content.contains(secret)) {
                found.push(format!("{}: {content}", path.display()));
            }
        }
    }
    found
}

#[test]
fn a_clients_password_is_in_no_file_and_no_output_at_any_level() {
    let (dir, lab) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = lab.path().join("lab.toml");
    fs::write(&file, LAB).unwrap();
    for output in ["table", "json"] {
        let mut serve = program();
        serve.args(["serve", "--port", "0", "--log", "trace", "--output", output, "--journal"]);
        serve.arg(dir.path().join("journal.jsonl")).arg("--log-dir").arg(dir.path().join("logs")).arg(&file);
        let mut served = Served::start_as(&mut serve);
        let said = |lines: &[(&str, &str)]| {
            let mut talk = Talk::open(&served.address());
            talk.say("EHLO client.test", "250");
            lines.iter().for_each(|(line, code)| talk.say(line, code));
            talk.say("QUIT", "221");
        };
        let (user, password, both) = ("YW5uYQ==", "aHVudGVyMg==", "YW5uYQBhbm5hAGh1bnRlcjI=");
        said(&[("AUTH LOGIN", "334"), (user, "334"), (password, "235")]);
        said(&[("AUTH LOGIN", "334"), ("Ym9i", "334"), (password, "535")]);
        said(&[(&format!("AUTH PLAIN {both}"), "504"), (both, "500")]);
        said(&[(&format!("AUTH=PLAIN {both}"), "5"), (&format!("XAUTH PLAIN {both}"), "5")]);
        said(&[(&format!("NOOP AUTH PLAIN {both}"), "250"), ("PASS hunter2", "500")]);
        said(&[("a1 LOGIN anna hunter2", "500"), (&format!("Proxy-Authorization: Basic {both}"), "500")]);
        signal(served.pid(), "TERM");
        let mut stdout = String::new();
        served.stdout.read_to_string(&mut stdout).unwrap();
        let ended = served.end();
        let said = format!("{stdout}{}", text(&ended.stderr));
        assert_eq!(ended.status.code(), Some(0), "{said}");
        assert!(said.contains("<authentication response>"), "{said}");
        assert!(!SECRETS.iter().any(|secret| said.contains(secret)), "{said}");
        assert_eq!(holding(dir.path(), &SECRETS), [""; 0]);
    }
}

#[test]
fn the_token_of_the_control_api_is_in_no_file_and_no_output_at_any_level() {
    const TOKEN: &str = "t0ken-of-this-test";
    let dir = tempfile::tempdir().unwrap();
    let mut serve = program();
    serve
        .args(["serve", "--port", "0", "--log", "trace", "--control", "127.0.0.1:0"])
        .current_dir(dir.path());
    serve.args(["--journal", "journal.jsonl", "--log-dir", "logs", "--ready-file", "ready.json"]);
    let mut served = Served::start_as(serve.env("STARTTLS_LAB_CONTROL_TOKEN", TOKEN));
    let ready: serde_json::Value = serde_json::from_str(&served.line).unwrap();
    let control = ready["control"].as_str().unwrap().strip_prefix("http://").unwrap();
    let asked = |what: &str, header: &str, body: &str| {
        let mut stream = std::net::TcpStream::connect(control).unwrap();
        let length = body.len();
        write!(
            stream,
            "{what} HTTP/1.1\r\nHost: {control}\r\nConnection: close\r\nContent-Length: {length}\r\n"
        )
        .unwrap();
        write!(stream, "{header}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let answers = [
        asked("POST /api/v1/sign-in", "X: x", &format!("{{\"token\":\"{TOKEN}\"}}")),
        asked("GET /api/v1/lab", &bearer, ""),
        asked("GET /api/v1/ca?format=json", &bearer, ""),
        asked("GET /api/v1/lab", "Authorization: Bearer no", ""),
    ];
    signal(served.pid(), "TERM");
    let mut said = format!("{}{}", served.line, answers.concat());
    served.stdout.read_to_string(&mut said).unwrap();
    said += &text(&served.end().stderr);
    assert!(
        said.contains("HTTP/1.1 204") && said.contains("HTTP/1.1 200") && said.contains("HTTP/1.1 401"),
        "{said}"
    );
    assert!(!said.contains(TOKEN), "{said}");
    assert_eq!(holding(dir.path(), &[TOKEN]), [""; 0]);
}

/// The password of `mail.pfx` and every form in which its key could be shown.
fn of_the_pfx(bytes: &[u8]) -> Vec<String> {
    use base64::Engine as _;
    use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};

    let store = KeyStore::from_pkcs12(bytes, "secret", Pkcs12ImportPolicy::Relaxed).unwrap();
    let mut forms = vec!["secret".to_owned(), "PRIVATE KEY".to_owned()];
    for (_, entry) in store.entries() {
        if let KeyStoreEntry::PrivateKeyChain(chain) = entry {
            // What stands at the end is the key itself, or a part of it.
            let end = &chain.key().as_der()[chain.key().as_der().len() - 24..];
            forms.push(end.iter().map(|byte| format!("{byte:02x}")).collect());
            forms.push(end.iter().map(|byte| format!("{byte:02X}")).collect());
            for skip in 0..3 {
                let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&end[skip..21 + skip]);
                forms.push(encoded);
            }
        }
    }
    assert!(forms.len() > 3, "there is no key in it");
    forms
}

#[test]
fn the_password_and_the_key_of_a_pfx_are_in_no_file_and_no_output_at_any_level() {
    let pfx = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/fixture/mail.pfx");
    let given = tempfile::tempdir().unwrap();
    let secrets = of_the_pfx(&fs::read(pfx).unwrap());
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    let wrong = given.path().join("wrong");
    let right = given.path().join("right");
    let script = given.path().join("script.ps1");
    fs::write(&script, "Get-ExchangeCertificate | Format-List *\n").unwrap();
    fs::write(&right, "secret\n").unwrap();
    fs::write(&wrong, "not-this-secret\n").unwrap();
    for arguments in [
        &["check", "--fqdn", "mail.contoso.com", "--certificate", pfx][..],
        &["check", "--full", pfx],
        &["check", "--output", "json", pfx],
        &["explain", pfx],
        &["explain", "--output", "json", pfx],
        &["import", pfx],
        &["import", "--output", "json", pfx],
        &["renew", "pin-stale", "--certificate", pfx],
        &["shell", pfx, "--history", "history", "--save", "save.ps1", "--script", script.to_str().unwrap()],
    ] {
        for password in [&right, &wrong] {
            let dir = tempfile::tempdir().unwrap();
            let mut command = program();
            command.current_dir(dir.path()).args(arguments).args(["--log", "trace", "--password-file"]);
            let output = run(command.arg(password));
            let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
            assert!(!said.is_empty(), "{arguments:?}");
            for secret in &secrets {
                assert!(!said.contains(secret), "{arguments:?} with {}: {said}", password.display());
            }
            assert_eq!(holding(dir.path(), &secrets), [""; 0]);
        }
    }
}
