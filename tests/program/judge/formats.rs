//! The report in its formats.

use super::{CLIENT, has_python, judge, text};

fn said(format: &str, policy: &[&str]) -> String {
    let flags = [&["--only", "trust-expired,starttls-absent", "--format", format][..], policy].concat();
    text(&judge(&flags, &["python3", CLIENT, "at-once"]).stdout)
}

#[test]
fn the_table_says_each_entry_and_the_sum() {
    if !has_python() {
        return;
    }
    let table = said("table", &["--policy", "encrypt"]);
    let line = |start: &str| {
        let found = table.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("{start}: {table}")).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("Entry"), "Entry TLS there Delivered Said in clear Exit Judged Remarks");
    assert_eq!(line("baseline"), "baseline good over TLS - 0 right");
    assert_eq!(
        line("starttls-absent  "),
        "starttls-absent none in clear envelope, body 0 wrong delivered in clear (envelope and body in clear)"
    );
    assert_eq!(line("3 entries"), "3 entries: 2 over TLS, 1 in clear");
    assert_eq!(line("policy"), "policy encrypt: BROKEN (2 right, 1 wrong)");
    assert!(table.contains("\nstarttls-absent: ") && table.contains("the lab saw: 1 connection;"), "{table}");
}

#[test]
fn without_a_policy_nothing_is_judged() {
    if !has_python() {
        return;
    }
    let table = said("table", &[]);
    assert!(!table.contains("Judged") && !table.contains("policy"), "{table}");
    assert!(table.contains("client: "), "{table}");
}

#[test]
fn markdown_is_a_table_and_junit_has_a_case_for_each_entry() {
    if !has_python() {
        return;
    }
    let markdown = said("markdown", &["--policy", "encrypt"]);
    assert!(markdown.contains("\n| Entry | TLS there | Delivered |"), "{markdown}");
    assert!(markdown.contains("\n| baseline | good | over TLS | - | 0 | right |"), "{markdown}");
    let junit = said("junit", &["--policy", "encrypt"]);
    assert!(junit.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"0\""), "{junit}");
    assert!(
        junit.contains(
            "<testcase classname=\"starttls\" name=\"starttls-absent\"><failure message=\"delivered in clear"
        ),
        "{junit}"
    );
}

#[test]
fn what_is_replaced_in_the_command_stands_in_the_environment_as_well() {
    if !has_python() {
        return;
    }
    let script = format!(
        "[ {{host}}:{{port}} = $SMTP_HOST:$SMTP_PORT ] && [ {{ca}} = $STARTTLS_LAB_CA_FILE ] && [ -s {{ca}} ] && \
         [ {{name}} = $STARTTLS_LAB_NAME ] && [ {{entry}} = $STARTTLS_LAB_ENTRY ] && exec python3 {CLIENT} never"
    );
    let said = judge(&["--only", "trust-expired", "--jobs", "2"], &["sh", "-c", &script]);
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
    assert!(text(&said.stdout).contains("2 entries: 2 in clear"), "{}", text(&said.stdout));
}

#[test]
fn the_catalogue_is_listed_shown_and_played_by_name_and_alias() {
    let run = |args: &[&str]| {
        let said = super::run(super::program().args(args));
        assert!(said.status.success(), "{args:?}: {}", text(&said.stderr));
        text(&said.stdout)
    };
    assert!(run(&["list", "--faults"]).contains("\ntrust:\n"));
    assert!(run(&["list", "--faults", "--output", "json"]).contains("\"group\": \"trust\""));
    assert!(!run(&["list"]).contains("trust-expired"));
    assert_eq!(run(&["show", "expired"]), run(&["show", "trust-expired"]));
    assert!(run(&["check", "expired"]).contains("expired"));
    assert!(run(&["exec", "expired", "--", "sh", "-c", "echo $SMTP_HOST"]).starts_with("127.0.0.1"));
}
