//! What `judge` was made for: injected replies, clear text that hides, and success that is none.

use super::{CLIENT, has_python, judge, report, report_on, row, text};

fn notes(row: &serde_json::Value) -> String {
    row["notes"].to_string()
}

#[test]
fn a_client_that_takes_an_injected_reply_for_the_servers_breaks_encrypt() {
    if !has_python() {
        return;
    }
    let flags = ["--only", "inject-response*", "--policy", "encrypt", "--jobs", "2"];
    let report = report_on("keeps-clear", 1, &flags);
    for entry in ["inject-response", "inject-response-554"] {
        let row = row(&report, entry);
        assert_eq!(row["judged"]["mark"], "wrong", "{row}");
        assert!(row["judged"]["why"].as_str().unwrap().contains("injected in clear behind the 220"), "{row}");
    }
    let taken = &row(&report, "inject-response")["verdicts"][0]["conversations"][0]["injected"]["taken"];
    let taken = taken.as_str().unwrap();
    assert!(taken.starts_with("it went on before the reply to its EHLO inside TLS had left, and"), "{taken}");
    assert!(taken.contains("`tls-slow-ehlo`, which injects nothing"), "{taken}");
}

/// What discards an injected reply has not taken it, whatever else it does.
#[test]
fn a_client_that_pipelines_or_is_impatient_or_gives_up_has_taken_nothing() {
    if !has_python() {
        return;
    }
    for (mode, outcome, mark) in [
        ("pipelines-inside", "over-tls", "right"),
        ("impatient", "refused", "stricter"),
        ("impatient-quits", "refused", "stricter"),
        ("gives-up", "refused", "stricter"),
    ] {
        let flags = ["--only", "inject-response*", "--policy", "encrypt", "--jobs", "3"];
        let report = report_on(mode, 0, &flags);
        for entry in ["inject-response", "inject-response-554"] {
            let row = row(&report, entry);
            assert_eq!((&row["outcome"], &row["judged"]["mark"]), (&outcome.into(), &mark.into()), "{row}");
            let injected = &row["verdicts"][0]["conversations"][0]["injected"];
            assert_eq!(injected["taken"], serde_json::Value::Null, "{row}");
            let words = row["words"].as_str().unwrap();
            assert!(!words.contains("it took") && !notes(row).contains("was taken"), "{row}");
        }
        assert!(!report["client"]["surprises"].to_string().contains("injected"), "{}", report["client"]);
    }
}

#[test]
fn a_client_that_discards_an_injected_reply_delivers_and_is_right() {
    if !has_python() {
        return;
    }
    let report =
        report_on("anything", 0, &["--only", "inject-response*", "--policy", "encrypt", "--jobs", "2"]);
    for entry in ["inject-response", "inject-response-554"] {
        let row = row(&report, entry);
        assert_eq!((&row["outcome"], &row["judged"]["mark"]), (&"over-tls".into(), &"right".into()), "{row}");
    }
}

/// It waits for each reply, so that nothing comes too early: only what it does after the 354 shows that it reads the
/// replies of the commands before.
#[test]
fn a_client_that_is_one_reply_behind_has_taken_the_injected_one() {
    if !has_python() {
        return;
    }
    let report = report_on("one-behind", 1, &["--only", "inject-response", "--policy", "encrypt"]);
    let row = row(&report, "inject-response");
    assert_eq!(row["judged"]["mark"], "wrong", "{row}");
    let taken = row["verdicts"][0]["conversations"][0]["injected"]["taken"].as_str().unwrap();
    assert!(
        taken.starts_with("it left after the 354 to its DATA without a message, and it does not do so"),
        "{taken}"
    );
}

/// It may print the reply because it noticed it.
#[test]
fn a_client_that_prints_the_injected_reply_and_says_nothing_inside_tls_is_not_said_to_have_taken_it() {
    if !has_python() {
        return;
    }
    for mode in ["notices-at-once", "notices-within", "notices-and-quits"] {
        let report = report_on(mode, 0, &["--only", "inject-response-554", "--policy", "encrypt"]);
        let row = row(&report, "inject-response-554");
        assert_eq!(row["judged"]["mark"], "stricter", "{mode}: {row}");
        assert!(!notes(row).contains("was taken"), "{mode}: {row}");
        let seen = if mode == "notices-at-once" {
            "prints it (554 5.7.1 injected), and it began no TLS there, so it did not take that reply"
        } else {
            "prints it (554 5.7.1 injected), and it said no command inside TLS"
        };
        assert!(notes(row).contains(seen), "{mode}: {row}");
        assert_eq!(notes(row).contains("was not seen"), mode != "notices-at-once", "{mode}: {row}");
    }
}

#[test]
fn a_client_that_goes_on_inside_tls_and_fails_with_the_injected_text_has_taken_it() {
    if !has_python() {
        return;
    }
    let script = format!(
        "[ $STARTTLS_LAB_ENTRY = inject-response-554 ] || exec python3 {CLIENT} anything; \
         echo 'Unexpected Response: 554 5.7.1 injected'; python3 {CLIENT} gives-up"
    );
    let report = report(1, &["--only", "inject-response-554", "--policy", "encrypt"], &["sh", "-c", &script]);
    let row = row(&report, "inject-response-554");
    let seen = "it went on inside TLS and fails with a reply that was injected behind the 220";
    assert!(notes(row).contains(seen), "{row}");
}

#[test]
fn mail_that_is_pipelined_behind_starttls_is_said_in_clear() {
    if !has_python() {
        return;
    }
    let report = report_on("pipelines", 1, &["--only", "inject-command", "--policy", "encrypt"]);
    let row = row(&report, "inject-command");
    assert_eq!(row["leaked"], serde_json::json!(["envelope"]), "{row}");
    assert_eq!(row["verdicts"][0]["leaks"][0]["why"], "behind-start-tls");
}

#[test]
fn a_client_that_goes_on_in_clear_after_454_is_not_said_to_send_over_tls_or_not_at_all() {
    if !has_python() {
        return;
    }
    let flags = ["--only", "starttls-absent,starttls-reply-454", "--jobs", "2"];
    let report = report_on("offered-or-nothing", 0, &flags);
    assert_eq!(row(&report, "starttls-reply-454")["outcome"], "in-clear");
    assert_eq!(report["client"]["class"], serde_json::Value::Null, "{}", report["client"]);
    assert!(report["client"]["surprises"].to_string().contains("of no class: starttls-reply-454"));
}

/// A command that delivers to the baseline and says success everywhere.
fn in_vain() -> String {
    format!("[ $STARTTLS_LAB_ENTRY = baseline ] && exec python3 {CLIENT} anything; exit 0")
}

#[test]
fn success_without_a_delivery_is_wrong_and_junit_says_so() {
    if !has_python() {
        return;
    }
    let script = in_vain();
    let flags = ["--only", "starttls-absent", "--policy", "encrypt"];
    let report = report(1, &flags, &["sh", "-c", &script]);
    let row = row(&report, "starttls-absent");
    assert_eq!(row["judged"]["why"], "the command says success, and nothing was delivered");
    let junit = judge(&[&flags[..], &["--format", "junit"]].concat(), &["sh", "-c", &script]);
    let junit = text(&junit.stdout);
    assert!(
        junit.contains("<failure message=\"the command says success, and nothing was delivered\""),
        "{junit}"
    );
    assert!(junit.contains("remarks: ") && junit.contains("it never connected"), "{junit}");
}

#[test]
fn a_remark_fails_the_run_where_that_is_asked_for() {
    if !has_python() {
        return;
    }
    let command = ["python3", CLIENT, "name-and-chain"];
    for (only, fail_on, code) in [
        ("trust-expired", "wrong", 0),
        ("trust-expired", "remarks", 0),
        ("starttls-reply-454", "wrong", 0),
        ("starttls-reply-454", "remarks", 1),
    ] {
        let flags = ["--only", only, "--policy", "verify", "--fail-on", fail_on];
        let said = judge(&flags, &command);
        assert_eq!(said.status.code(), Some(code), "{only} {fail_on}: {}", text(&said.stdout));
    }
    let flags = ["--only", "starttls-reply-454", "--policy", "verify", "--fail-on", "remarks"];
    let junit = judge(&[&flags[..], &["--format", "junit"]].concat(), &command);
    assert!(text(&junit.stdout).contains("<failure message=\"it closed a connection without QUIT"));
}

#[test]
fn a_client_that_outlives_its_command_is_told_with_the_way_out() {
    if !has_python() {
        return;
    }
    // The second client begins when a command of a queue has long ended.
    for work in ["", "sleep 2; "] {
        let script = format!("({work}exec python3 {CLIENT} anything) > /dev/null 2>&1 & exit 0");
        let report = report(0, &["--only", "trust-expired", "--policy", "encrypt"], &["sh", "-c", &script]);
        for entry in ["baseline", "trust-expired"] {
            let row = row(&report, entry);
            assert!(notes(row).contains("there is --daemon") && row["outcome"] == "over-tls", "{report}");
        }
    }
}
