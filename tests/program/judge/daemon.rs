//! `judge --daemon`: every entry at once.

use super::{CLIENT, has_python};
use crate::fixture::support::{program, run, text};

use serde_json::Value;

/// A command that submits: a mail to every entry, one after the other.
const SUBMIT: &str = r#"
import json, os, subprocess, sys
ready = json.load(open(os.environ["STARTTLS_LAB_TARGETS"]))
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
    let said = run(program()
        .args(["judge", "--daemon", "--only", "trust-expired,starttls-absent,tls-only-TLSv1_2"])
        .args(["--policy", "verify", "--format", "json", "--quiet", "100ms", "--timeout", "100s"])
        .args(["--", "python3", "-c", SUBMIT, CLIENT]));
    let stdout = text(&said.stdout);
    assert_eq!(said.status.code(), Some(0), "{stdout}\n{}", text(&said.stderr));
    let (ready, report) = stdout.split_once('\n').unwrap();
    let ready: Value = serde_json::from_str(ready).unwrap();
    let entries = ready["entries"].as_array().unwrap();
    assert_eq!(entries[0]["entry"], "baseline");
    let pinned = entries.iter().find(|entry| entry["entry"] == "tls-only-TLSv1_2").unwrap();
    assert_eq!(pinned["recipient"], "judge@tls-only-tlsv1-2.lab.test");
    let at = format!("[{}]:{}", pinned["host"].as_str().unwrap(), pinned["port"]);
    assert_eq!(pinned["transport"], format!("tls-only-tlsv1-2.lab.test smtp:{at}"));
    assert_eq!(pinned["tls_policy"], format!("{at} verify match=mx1.lab.test"));
    let report: Value = serde_json::from_str(report).unwrap();
    let rows = super::rows(&report, &["baseline", "tls-only-TLSv1_2", "starttls-absent", "trust-expired"]);
    assert_eq!(rows, ["over-tls right", "over-tls right", "refused right", "refused right"]);
}
