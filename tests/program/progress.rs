//! The progress of long work: on a terminal, where it leaves nothing behind, and nowhere else.

#![cfg(all(feature = "cli", unix))]

use crate::fixture::support::finished;
use crate::shell::Terminal;

const LAB: &str = env!("CARGO_BIN_EXE_starttls-lab");

/// A command that delivers to the entry over STARTTLS, as far as it can.
const SENDER: &[&str] =
    &["--", LAB, "send", "--to", "{host}:{port}", "--from", "a@a.example", "--rcpt", "b@b.example"];

fn judge() -> Vec<&'static str> {
    [&["judge", "--only", "baseline,starttls-absent"], SENDER].concat()
}

/// What the program prints on standard output where no terminal is; nothing is on standard error.
fn elsewhere(arguments: &[&str]) -> String {
    let (_, said, complaint) = finished(arguments);
    assert_eq!(complaint, "", "{arguments:?}");
    said
}

/// Runs the program on a terminal, and returns all bytes that it wrote, and what is on the screen at the end.
fn on_a_terminal(environment: &[&str], arguments: &[&str]) -> Option<(String, String)> {
    let terminal = Terminal::recorded(environment, arguments)?;
    let screen = terminal.shows("the end", |screen| screen.contains("ended with "));
    Some((terminal.recording("ended with "), screen))
}

#[test]
fn a_terminal_shows_progress_and_keeps_only_the_result() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("connectors.txt");
    let connectors: String = (0..200).map(|at| {
        format!("Identity : SERVER\\Connector {at}\nName : Connector {at}\nServer : SERVER\nBindings : {{0.0.0.0:{at}}}\nRemoteIPRanges : {{0.0.0.0-255.255.255.255}}\nFqdn : mail.example\nAuthMechanism : Tls\n\n", at = at + 1000)
    }).collect();
    std::fs::write(&path, connectors).unwrap();
    let export = path.display().to_string();
    for (arguments, unit) in [
        (vec!["verify", "fqdn-mismatch"], "/5 stages"),
        (judge(), "/2 entries"),
        (vec!["import", "--output", "json", &export], "KiB"),
    ] {
        let printed = elsewhere(&arguments);
        let Some((written, screen)) = on_a_terminal(&[], &arguments) else { return };
        assert!(written.contains(unit), "{arguments:?} showed no progress:\n{written}");
        let last = printed.lines().last().unwrap();
        assert!(screen.contains(&format!("{last}\nended with ")), "{arguments:?} left something:\n{screen}");
        assert!(!screen.contains("] 0/"), "{screen}");
    }
}

#[test]
fn a_dumb_terminal_shows_none_and_no_color_is_obeyed() {
    let arguments = ["verify", "fqdn-mismatch"];
    let Some((written, _)) = on_a_terminal(&["TERM=dumb"], &arguments) else { return };
    assert!(!written.contains("/5 stages"), "{written}");
    let Some((written, _)) = on_a_terminal(&["NO_COLOR=1"], &arguments) else { return };
    assert!(written.contains("/5 stages") && !written.contains("\u{1b}[3"), "{written}");
}

#[test]
fn a_diagnostic_does_not_stand_in_the_bar() {
    let arguments = ["--log", "debug", "verify", "fqdn-mismatch"];
    let Some((written, screen)) = on_a_terminal(&[], &arguments) else { return };
    assert!(written.contains("/5 stages"), "{written}");
    let lines = screen.lines().filter(|line| line.contains("DEBUG"));
    let mut count = 0;
    for line in lines {
        assert!(!line.contains("/5 stages"), "{line}");
        count += 1;
    }
    assert!(count > 0, "there were no diagnostics:\n{screen}");
}
