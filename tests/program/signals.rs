//! Signals where a lab is at work: making keys for `exec`, answering the control API, handing mail on.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Instant;

use crate::fixture::support::{
    EDGE_AND_HUB, PATIENCE, SOON, Served, Talk, ask, asking, journal, output, program, signal, text,
};

/// Waits until a program hears SIGTERM: signal 15, and the bit below that of the mask in /proc.
fn until_it_hears_signals(pid: u32) {
    let hears = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << 14 != 0
    };
    while !hears() {
        std::thread::yield_now();
    }
}

#[test]
fn a_signal_ends_a_program_that_runs_no_lab_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let lab = dir.path().join("lab.toml");
    fs::write(&lab, with_slow_keys()).unwrap();
    for verb in ["check", "verify", "certs"] {
        let mut command = program();
        command.arg(verb).arg(&lab).current_dir(&dir);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let told = Instant::now();
        signal(child.id(), "TERM");
        let ended = output(child);
        assert_eq!(ended.status.signal(), Some(15), "{verb}: {}", text(&ended.stderr));
        assert!(told.elapsed() < SOON, "{verb}: {:?}", told.elapsed());
    }
}

/// Returns the processor time of a program, in hundredths of a second.
fn processor_time(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, behind_the_name) = stat.rsplit_once(')').unwrap();
    behind_the_name.split_whitespace().skip(11).take(2).map(|it| it.parse::<u64>().unwrap()).sum()
}

/// A lab with two hundred keys that take a second each.
fn with_slow_keys() -> String {
    let certificate = |number| {
        format!("[[computer.certificate]]\nnames = [\"mx{number}.contoso.test\"]\nkey = \"rsa-4096\"\n")
    };
    let certificates: String = (0..200).map(certificate).collect();
    let at = "[[computer.receive_connector]]";
    EDGE_AND_HUB.replacen(at, &format!("{certificates}{at}"), 1)
}

#[test]
fn a_signal_ends_exec_while_it_makes_its_keys_and_the_command_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let (ran, lab) = (dir.path().join("ran"), dir.path().join("lab.toml"));
    fs::write(&lab, with_slow_keys()).unwrap();
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let mut command = program();
        command.arg("exec").arg(&lab).args(["--", "touch"]).arg(&ran);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until_it_hears_signals(child.id());
        let told = Instant::now();
        signal(child.id(), name);
        let ended = output(child);
        assert_eq!(ended.status.code(), Some(code), "{}", text(&ended.stderr));
        assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
        assert!(!ran.exists());
    }
}

#[track_caller]
fn ends_soon(served: Served) {
    let told = Instant::now();
    signal(served.pid(), "TERM");
    let ended = served.end();
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
}

#[test]
fn a_signal_ends_a_lab_whose_control_api_is_at_work() {
    let served = Served::start(&[]);
    let control = served.control();
    let before = processor_time(served.pid());
    // Together they take longer than there is time.
    let long = "$a = 1;".repeat(100_000);
    let requests = [
        ("POST /api/v1/cmdlets", format!(r#"{{"line": "{long}"}}"#)),
        (
            "POST /api/v1/cmdlets",
            r#"{"line": "foreach ($a in 1..50000) { Get-ReceiveConnector }"}"#.to_owned(),
        ),
        ("POST /api/v1/try", format!(r#"{{"line": "{long}"}}"#)),
        ("POST /api/v1/run", r#"{"name": "fqdn-mismatch"}"#.to_owned()),
        ("POST /api/v1/send", r#"{"policy": "may", "to": ["b@expta.com"]}"#.to_owned()),
        ("GET /api/v1/check", String::new()),
    ];
    let _open: Vec<_> = requests.iter().map(|(what, body)| asking(&control, what, body)).collect();
    // It has begun with them.
    let begun = Instant::now();
    while processor_time(served.pid()) < before + 30 {
        assert!(begun.elapsed() < PATIENCE, "the lab does nothing");
        std::thread::yield_now();
    }
    ends_soon(served);
}

#[test]
fn a_signal_ends_a_lab_that_hands_mail_to_a_server_which_is_silent_or_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (path, lab) = (dir.path().join("journal.jsonl"), dir.path().join("lab.toml"));
    let silent = "\n[[computer.fault]]\nat = \"connect\"\ndo = { delay = \"1h\" }\n";
    for (rest, waits_for) in [(silent, "connecting"), ("enabled = false\n", "tracking")] {
        fs::write(&lab, format!("{EDGE_AND_HUB}{rest}")).unwrap();
        let served = Served::start(&[lab.to_str().unwrap(), "--journal", path.to_str().unwrap()]);
        let mut talk = Talk::open(&served.address());
        talk.message_to("b@contoso.test", "hello", 1);
        talk.say("QUIT", "221");
        let begun = Instant::now();
        let entries = || ask(&served.control(), "GET /api/v1/journal?after=0&limit=1000", "");
        while !entries().contains(&format!("\"record\":\"{waits_for}\"")) {
            assert!(begun.elapsed() < PATIENCE, "{}", entries());
        }
        ends_soon(served);
        let entries = journal(&path);
        let count = |record: &str| entries.iter().filter(|it| it["record"] == record).count();
        assert_eq!(count("connected"), count("disconnected"), "{rest}");
        assert_eq!(count("message"), 1);
    }
}
