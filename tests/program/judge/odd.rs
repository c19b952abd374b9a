//! Whatever a client does, the run goes on and says so.

use std::process::Stdio;

use super::{CLIENT, has_python, judge, report, report_on, row, text};
use crate::fixture::support::{has, output, program, signal};

const ENTRIES: &str = "trust-expired,starttls-absent";

fn notes(row: &serde_json::Value) -> String {
    row["notes"].to_string()
}

/// A command that delivers to the baseline; elsewhere it waits for the reply to EHLO, and then does `then`. The time of a
/// command includes its start, which takes Python seconds on a busy machine, and bash next to none.
fn after_ehlo(then: &str) -> [String; 3] {
    let script = format!(
        "[ $STARTTLS_LAB_ENTRY = baseline ] && exec python3 {CLIENT} anything\n\
         exec 3<>/dev/tcp/$SMTP_HOST/$SMTP_PORT; read -r line <&3; printf 'EHLO client.lab.test\\r\\n' >&3\n\
         while read -r line <&3 && [ \"${{line:3:1}}\" = - ]; do :; done; {then}"
    );
    ["bash".to_owned(), "-c".to_owned(), script]
}

#[test]
fn a_client_that_hangs_is_killed_and_the_run_goes_on() {
    if !has_python() || !has("bash") {
        return;
    }
    let flags = ["--only", ENTRIES, "--policy", "may", "--timeout", "3s", "--jobs", "2"];
    let report = report(1, &flags, &after_ehlo("exec sleep 3600").each_ref().map(String::as_str));
    for entry in ["trust-expired", "starttls-absent"] {
        let row = row(&report, entry);
        assert_eq!((&row["outcome"], &row["exit"]), (&"hung".into(), &"killed".into()), "{row}");
        assert_eq!(row["judged"]["why"], "it does not go on although it is its turn");
    }
}

#[test]
fn a_client_that_waits_for_a_silent_server_does_not_hang() {
    if !has_python() || !has("bash") {
        return;
    }
    let flags = ["--only", "starttls-cmd-hang", "--policy", "encrypt", "--timeout", "3s"];
    let waits = after_ehlo("printf 'STARTTLS\\r\\n' >&3; read -r line <&3");
    let report = report(0, &flags, &waits.each_ref().map(String::as_str));
    let row = row(&report, "starttls-cmd-hang");
    assert_eq!((&row["outcome"], &row["judged"]["mark"]), (&"waits".into(), &"right".into()), "{row}");
}

/// The end of a run is the end of the command as well, and says nothing about it.
#[test]
fn a_run_that_is_interrupted_judges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (begun, script) = (folder.path().join("begun"), "mkfifo \"$0\" && : > \"$0\"; sleep 600");
    let mut command = program();
    command.args(["judge", "--only", "trust-expired", "--", "sh", "-c", script]).arg(&begun);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Opening the pipe waits for the command, which waits for the reader.
    while std::fs::File::open(&begun).is_err() {
        std::thread::yield_now();
    }
    signal(child.id(), "TERM");
    let said = output(child);
    assert_eq!(said.status.code(), Some(130), "{}", text(&said.stderr));
    assert_eq!(text(&said.stderr), "starttls-lab: interrupted\n");
    assert!(said.stdout.is_empty());
}

#[test]
fn a_client_that_dies_by_a_signal_has_not_delivered() {
    if !has_python() {
        return;
    }
    let report = report_on("die", 0, &["--only", ENTRIES, "--policy", "encrypt"]);
    let row = row(&report, "trust-expired");
    assert_eq!((&row["outcome"], &row["exit"]["signal"]), (&"refused".into(), &13.into()), "{row}");
    assert!(notes(row).contains("died by signal 13 (SIGPIPE)"), "{row}");
    assert_eq!(report["sum"]["died_by_a_signal"], 2);
}

#[test]
fn a_client_that_opens_a_hundred_connections_is_counted() {
    if !has_python() {
        return;
    }
    let report = report_on("hundred", 0, &["--only", "trust-expired"]);
    let row = row(&report, "trust-expired");
    assert_eq!(row["outcome"], "over-tls");
    assert!(notes(row).contains("it opened 101 connections"), "{}", row["notes"]);
}

#[test]
fn a_client_hello_in_place_of_a_command_is_named() {
    if !has_python() {
        return;
    }
    let report = report_on("hello-at-once", 0, &["--only", "trust-expired"]);
    let row = row(&report, "trust-expired");
    assert_eq!(row["outcome"], "refused");
    assert!(notes(row).contains("a TLS ClientHello came in place of a command"), "{}", row["notes"]);
}

#[test]
fn a_command_that_does_not_work_is_not_tried_any_further() {
    let said = judge(&[], &["sh", "-c", "echo no such luck; exit 3"]);
    assert_eq!(said.status.code(), Some(2));
    let stderr = text(&said.stderr);
    assert!(stderr.contains("delivers nothing to `baseline`") && stderr.contains("no such luck"), "{stderr}");
    let said = judge(&[], &["/nowhere/to/be/found"]);
    assert_eq!(said.status.code(), Some(2));
    assert!(text(&said.stderr).contains("could not be run"), "{}", text(&said.stderr));
}

#[test]
fn what_a_command_started_is_killed_with_it() {
    if !has_python() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let script = format!(
        "if [ \"$STARTTLS_LAB_ENTRY\" = baseline ]; then exec python3 {} anything; fi; \
         sleep 3600 & echo $! > {}; wait",
        CLIENT,
        file.display()
    );
    let report = report(0, &["--only", "trust-expired", "--timeout", "3s"], &["sh", "-c", &script]);
    assert_eq!(row(&report, "trust-expired")["outcome"], "hung");
    let pid = std::fs::read_to_string(file).unwrap();
    let alive = std::process::Command::new("kill").args(["-0", pid.trim()]).output().unwrap();
    // One that was killed may still wait to be buried, by whoever has become its parent.
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(!alive.status.success() || state.contains(") Z "), "it lives on: {state}");
}

#[test]
fn wrong_usage_is_2() {
    for (flags, hint) in [
        (&["--only", "trust-expird"][..], "did you mean `trust-expired`?"),
        (&["--policy", "mandatory"], "there are none, may, encrypt, verify and secure"),
        (&["--timeout", "soon"], "soon"),
        (&["--timeout", "0s"], "too short"),
        (&["--timeout", "0"], "too short"),
        (&["--fail-on", "everything"], "remarks"),
        (&["--format", "yaml"], "yaml"),
        (&["--quiet", "1s"], "--daemon"),
    ] {
        let said = judge(flags, &["true"]);
        assert_eq!(said.status.code(), Some(2), "{flags:?}");
        assert!(text(&said.stderr).contains(hint), "{flags:?}: {}", text(&said.stderr));
    }
    let said = super::run(program().arg("judge"));
    assert_eq!(said.status.code(), Some(2));
}

#[test]
fn an_address_that_is_taken_is_3() {
    let Ok(taken) = std::net::TcpListener::bind("127.77.0.1:0") else { return };
    let port = taken.local_addr().unwrap().port().to_string();
    let said = judge(&["--port", &port], &["true"]);
    assert_eq!(said.status.code(), Some(3), "{}", text(&said.stderr));
}

/// The lab of the entry is still watched when the next command runs.
#[test]
fn what_a_client_does_after_its_command_is_told_of_its_own_entry() {
    if !has_python() {
        return;
    }
    let script = format!(
        "[ $STARTTLS_LAB_ENTRY = trust-expired ] || exec python3 {CLIENT} no-fall-back; \
         (exec python3 {CLIENT} no-fall-back) > /dev/null 2>&1 & exit 0"
    );
    let only = "trust-expired,trust-selfsigned,starttls-absent";
    let report = report(0, &["--only", only], &["sh", "-c", &script]);
    let entries = ["baseline", "trust-expired", "trust-selfsigned", "starttls-absent"];
    let told = entries.map(|entry| notes(row(&report, entry)).contains("there is --daemon"));
    assert_eq!(told, [false, true, false, false], "{report}");
    let messages = entries
        .map(|entry| (row(&report, entry)["over_tls"].as_u64(), row(&report, entry)["in_clear"].as_u64()));
    let (over_tls, in_clear) = ((Some(1), Some(0)), (Some(0), Some(1)));
    assert_eq!(messages, [over_tls, over_tls, over_tls, in_clear], "{report}");
}

#[test]
fn entries_are_told_in_their_order_whichever_ends_first() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // The first of the two ends when the second has delivered.
    let script = format!(
        "case $STARTTLS_LAB_ENTRY in baseline) mkfifo \"$0\";; trust-expired) read line < \"$0\";; esac; \
         python3 {CLIENT} anything && {{ [ $STARTTLS_LAB_ENTRY != trust-selfsigned ] || echo > \"$0\"; }}"
    );
    let pipe = folder.path().join("pipe");
    let flags = ["--only", "trust-selfsigned,trust-expired", "--jobs", "2"];
    let report = report(0, &flags, &["sh", "-c", &script, pipe.to_str().unwrap()]);
    let order: Vec<_> = report["entries"].as_array().unwrap().iter().map(|row| &row["entry"]).collect();
    assert_eq!(order, ["baseline", "trust-expired", "trust-selfsigned"]);
    for entry in order {
        assert_eq!(row(&report, entry.as_str().unwrap())["outcome"], "over-tls", "{report}");
    }
}
