//! `judge --daemon`: every entry at once.

use super::support::{output, program, text};
use super::{CLIENT, has_python};

use serde_json::Value;

/// A command that submits: a mail to every entry, by the environment of a judge that it was told.
const SUBMIT: &str = r#"
import json, os, subprocess, sys
ready = json.loads(sys.stdin.readline())
for target in ready["entries"]:
    environment = dict(os.environ, SMTP_HOST=target["host"], SMTP_PORT=str(target["port"]),
        STARTTLS_LAB_CA_FILE=ready["ca_file"], STARTTLS_LAB_NAME=target["name"], STARTTLS_LAB_ENTRY=target["entry"])
    subprocess.run([sys.executable, sys.argv[1], "name-and-chain"], env=environment, stderr=subprocess.DEVNULL)
"#;

#[test]
fn what_a_queue_delivers_is_collected_until_it_is_quiet_and_judged_by_entry() {
    if !has_python() {
        return;
    }
    let mut child = program()
        .args([
            "judge",
            "--daemon",
            "--only",
            "trust-expired,starttls-absent,tls-only-TLSv1_2",
            "--policy",
            "verify",
        ])
        .args(["--format", "json", "--quiet", "500ms", "--timeout", "20s"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let entries = ready["entries"].as_array().unwrap();
    assert_eq!(entries[0]["entry"], "baseline");
    let pinned = entries.iter().find(|entry| entry["entry"] == "tls-only-TLSv1_2").unwrap();
    assert_eq!(pinned["recipient"], "judge@tls-only-tlsv1-2.lab.test");
    let at = format!("[{}]:{}", pinned["host"].as_str().unwrap(), pinned["port"]);
    assert_eq!(pinned["transport"], format!("tls-only-tlsv1-2.lab.test smtp:{at}"));
    assert_eq!(pinned["tls_policy"], format!("{at} verify match=mx1.lab.test"));

    let mut submit = std::process::Command::new("python3");
    let mut submitting =
        submit.args(["-c", SUBMIT, CLIENT]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut submitting.stdin.take().unwrap(), line.as_bytes()).unwrap();
    assert!(submitting.wait().unwrap().success());

    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
    let said = output(child);
    assert_eq!(said.status.code(), Some(0), "{rest}\n{}", text(&said.stderr));
    let report: Value = serde_json::from_str(&rest).unwrap();
    let rows = super::rows(&report, &["baseline", "tls-only-TLSv1_2", "starttls-absent", "trust-expired"]);
    assert_eq!(rows, ["over-tls right", "over-tls right", "refused right", "refused right"]);
}
