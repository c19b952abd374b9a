//! `verify` as a person and a pipeline meet it: what it prints, what it writes, and its exit code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::fs;

use crate::fixture::support::finished;
use crate::installed::Program;
use crate::verify_scenarios::{SEED, SILENT, seed_with};
use serde_json::Value;
use tempfile::TempDir;

/// Standard output and standard error of something that has to end with this code.
fn ends(args: &[&str], code: i32) -> (String, String) {
    let (ended, stdout, stderr) = finished(&[&["verify"], args].concat());
    assert_eq!(ended, code, "{args:?}\n{stdout}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    (stdout, stderr)
}

fn file(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_story_that_holds_is_a_table_with_the_beginning_beside_every_fix() {
    let dir = tempfile::tempdir().unwrap();
    let (table, said) = ends(&[&file(&dir, "seed.toml", SEED)], 0);
    assert_eq!(said, "");
    for line in [
        "  fix 1  The connector answers with the name that the certificate carries",
        "                    before                  fix 1                      fix 2",
        r"  MAILGATE\Default",
        "    STARTTLS        none                    mailgate                   mail.expta.com",
        "    X-ANONYMOUSTLS  mailgate                mailgate                   mailgate",
        "    events          12014                   none                       none",
        "    may             clear:                  tls                        tls",
        "                    starttls-not-supported",
        "  wrong fix 1: What the event advises, to the letter",
        "  wrong fix 2: A greeting of one's own",
        "    it changes nothing",
        "    why: The banner is a text; the certificate is looked for by Fqdn.",
        "  worse off after fix 1: library: clear -> bounced (certificate-host-mismatch)",
        "  worse off after fix 2: library: clear -> bounced (certificate-not-trusted)",
        "  as the file says: 36 expectations in 5 stages",
    ] {
        assert!(table.lines().any(|found| found == line), "{line:?} is missing in\n{table}");
    }
    assert!(table.contains("it is refused: Cannot process command"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
}

#[test]
fn what_is_otherwise_is_marked_in_the_table_and_listed_below_it() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        seed_with("library = \"bounced: certificate-host-mismatch\"", "library = \"tls-authenticated\"");
    let path = file(&dir, "red.toml", &text);
    let (table, said) = ends(&[&path], 1);
    assert!(table.lines().any(|line| line.starts_with("  ! library")), "{table}");
    assert!(table.contains("EXPECTED"), "{table}");
    let difference =
        "    - library: expected tls-authenticated, observed bounced: certificate-host-mismatch (fix 1)";
    assert!(table.lines().any(|line| line == difference), "{table}");
    assert!(table.contains("  NOT as the file says: 1 of 36 expectations in 5 stages"), "{table}");
    assert!(said.contains("1 expectation not met in") && said.contains("red.toml"), "{said}");
}

#[test]
fn of_several_stories_each_has_a_line_and_only_those_that_differ_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let green = file(&dir, "green.toml", SEED);
    let red = file(&dir, "red.toml", &seed_with("may = \"clear: starttls", "may = \"tls: starttls"));
    let silent = file(&dir, "silent.toml", SILENT);
    let (text, _) = ends(&[&green, &red, &silent, "--jobs", "1"], 1);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with(&green) && lines[0].contains("as the file says"), "{text}");
    assert!(lines[0].ends_with("; 2 worse off"), "{text}");
    assert!(lines[1].starts_with(&red) && lines[1].contains("NOT as the file says: "), "{text}");
    assert!(lines[2].starts_with(&silent) && lines[2].ends_with("nothing expected"), "{text}");
    assert!(!text.contains(&format!("{green}: The seed")), "{text}");
    assert!(text.contains(&format!("{red}: The seed")), "{text}");
    assert!(text.ends_with("3 scenarios: 1 as the file says, 1 NOT, 1 with nothing expected\n"), "{text}");
    let (all, _) = ends(&[&green, &silent, "--verbose"], 0);
    assert!(
        all.contains(&format!("{green}: The seed")) && all.contains(&format!("{silent}: Nothing")),
        "{all}"
    );
}

#[test]
fn nothing_expected_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let (text, said) = ends(&[&file(&dir, "silent.toml", SILENT)], 2);
    assert!(text.contains("  nothing expected\n"), "{text}");
    assert!(said.contains("nothing is expected of") && said.contains("[before.receive_connector."), "{said}");
}

#[test]
fn wrong_usage_is_said_before_anything_is_played() {
    let dir = tempfile::tempdir().unwrap();
    let seed = file(&dir, "seed.toml", SEED);
    let broken = file(&dir, "broken.toml", &seed_with("policy = \"encrypt\"", "policy = \"encrpt\""));
    let (out, said) = ends(&[&seed, "no-such-story"], 2);
    assert!(out.is_empty() && said.contains("no-such-story"), "{out}{said}");
    for args in [vec![], vec!["--all", &seed], vec![&seed, "--jobs", "0"]] {
        let (out, _) = ends(&args, 2);
        assert_eq!(out, "", "{args:?}");
    }
    let (_, said) = ends(&[&broken], 2);
    assert!(said.contains("there is no sender `encrpt`"), "{said}");
}

#[test]
fn json_is_the_proofs() {
    let dir = tempfile::tempdir().unwrap();
    let (json, _) = ends(&[&file(&dir, "seed.toml", SEED), "--output", "json"], 0);
    let proofs: Value = serde_json::from_str(&json).unwrap();
    let stages = proofs[0]["stages"].as_array().unwrap();
    assert_eq!(proofs.as_array().unwrap().len(), 1);
    assert_eq!(stages.len(), 5);
    assert_eq!(stages[3]["stage"], "fix");
    assert_eq!(stages[3]["regressions"][0]["now"], "bounced: certificate-host-mismatch");
    let rows = stages[0]["rows"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["met"] == true), "{rows:#?}");
}

#[test]
fn a_list_has_an_object_for_each_row() {
    let dir = tempfile::tempdir().unwrap();
    let (list, _) = ends(&[&file(&dir, "seed.toml", SEED), "--output", "list"], 0);
    let rows: Vec<_> = list.split("\n\n").filter(|row| !row.is_empty()).collect();
    let row = "Stage    : fix 1\nSubject  : MAILGATE\\Default\nAspect   : STARTTLS\nExpected : mailgate\n\
               Observed : mailgate\nMet      : True";
    assert!(rows.iter().any(|found| found.ends_with(row)), "{list}");
}

/// Reads XML with Python where there is one, and prints what a pipeline would make of it.
const READ: &str = "
import sys, xml.etree.ElementTree as tree
for suite in tree.parse(sys.argv[1]).getroot():
    kinds = [[kind.tag for kind in case] for case in suite]
    assert int(suite.get('tests')) == len(kinds), 'tests'
    for name, tag in ('failures', 'failure'), ('errors', 'error'), ('skipped', 'skipped'):
        assert int(suite.get(name)) == sum(tag in kind for kind in kinds), name
    for case in suite:
        for failure in case.iter('failure'):
            print(case.get('classname').rsplit('/', 1)[-1], '|', case.get('name'), '|', failure.get('message'))
";

#[test]
fn the_junit_report_has_a_case_for_each_row_and_survives_whatever_stands_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let text = seed_with("name = \"library\"", "name = \"<l&\\\"\\u001B>\"");
    let text = text
        .replace("\nlibrary = \"", "\n'<l&\"\u{1b}>' = \"")
        .replace("'<l&\"\u{1b}>'", "\"<l&\\\"\\u001B>\"");
    let text = text.replace(".library =", ".\"<l&\\\"\\u001B>\" =");
    let text = text.replace("= \"clear\"", "= \"tls\"");
    let path = file(&dir, "red.toml", &text);
    let silent = file(&dir, "silent.toml", SILENT);
    let report = dir.path().join("report.xml").display().to_string();
    ends(&[&path, &silent, "--junit", &report], 1);
    let xml = fs::read_to_string(&report).unwrap();
    assert_eq!(xml.matches("<testsuite ").count(), 2, "{xml}");
    assert_eq!(xml.matches("<testcase ").count(), 4 * 8 + 7 + 4, "{xml}");
    assert!(xml.contains("name=\"&lt;l&amp;&quot;&gt;\""), "{xml}");
    assert!(xml.contains("<skipped message=\"nothing expected\"/>"), "{xml}");
    assert!(!xml.contains('\u{1b}'), "{xml}");
    let Some(python) = Program::find("python3", "python3") else { return };
    let read = python.command().args(["-c", READ, &report]).output().unwrap();
    let (printed, said) = (String::from_utf8(read.stdout).unwrap(), String::from_utf8(read.stderr).unwrap());
    assert!(read.status.success(), "{said}");
    let failure = "red.toml.before | <l&\"> | expected tls, observed clear: starttls-not-supported";
    assert!(printed.lines().any(|line| line == failure), "{printed}");
}

#[test]
fn a_report_that_cannot_be_written_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("no/such/directory.xml").display().to_string();
    let (_, said) = ends(&[&file(&dir, "seed.toml", SEED), "--junit", &nowhere], 2);
    assert!(said.contains("--junit") && said.contains(&nowhere), "{said}");
}
