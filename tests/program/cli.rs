//! The program as a person meets it: what it prints, where, and with which exit code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::support::{Served, program, run, seed_that_stands, signal, text};
use crate::refusing::Refusing;

/// Runs something that has to fail, and returns what it said.
fn fails(args: &[&str], code: i32) -> String {
    let output = run(program().args(args));
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?} said {said:?}");
    assert_eq!(text(&output.stdout), "", "{args:?}: a failure leaves standard output alone");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn succeeds(args: &[&str]) -> String {
    let output = run(program().args(args));
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn file(dir: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn seed() -> String {
    succeeds(&["show", "fqdn-mismatch"])
}

#[test]
fn list_names_every_story_and_show_prints_a_file_that_check_accepts() {
    let dir = tempfile::tempdir().unwrap();
    let list = succeeds(&["list"]);
    assert!(list.starts_with("fqdn-mismatch "), "the seed comes first: {list}");
    for line in list.lines() {
        let name = line.split_whitespace().next().unwrap();
        let path = file(&dir, &format!("{name}.toml"), &succeeds(&["show", name]));
        succeeds(&["check", &path]);
    }
    let json: Value = serde_json::from_str(&succeeds(&["list", "--output", "json"])).unwrap();
    assert_eq!(json.as_array().unwrap().len(), list.lines().count());
    assert!(succeeds(&["list", "--output", "list"]).starts_with("Name    : fqdn-mismatch\n"));
}

#[test]
fn the_first_line_of_serve_is_the_ready_line_and_the_event_follows_word_for_word() {
    let mut served = Served::start(&[]);
    let ready = served.ready();
    let connector = &ready["connectors"][0];
    assert_eq!(ready["event"], "ready");
    assert_eq!(connector["fqdn"], "mail.expta.com");
    assert_eq!(connector["starttls"], false);
    assert_eq!(ready["pid"], served.pid());
    let said = served.until("access to the certificate key.");
    let block = said.split("Log Name:").nth(1).unwrap();
    for line in [
        "      Application\n",
        "Source:        MSExchangeTransport\n",
        "Event ID:      12014\n",
        "Task Category: TransportService\n",
        "Level:         Error\n",
        "Keywords:      Classic\n",
        "User:          N/A\n",
        "Computer:      mailgate\n",
        "Description:\n",
        "Microsoft Exchange could not find a certificate that contains the domain name mail.expta.com in the \
         personal store on the local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the \
         connector Default internal receive connector MAILGATE with a FQDN parameter of mail.expta.com.",
    ] {
        assert!(block.contains(line), "{line:?} is missing in {block}");
    }
}

#[test]
fn serve_without_a_file_plays_the_connector_of_the_command_line() {
    let served = Served::start(&["--fqdn", "mail.example.com", "--certificate", "mailgate.example.com"]);
    assert_eq!(served.ready()["connectors"][0]["starttls"], false);
    let served =
        Served::start(&["--fqdn", "mail.example.com", "--certificate", "a.example.com,MAIL.example.com"]);
    assert_eq!(served.ready()["connectors"][0]["starttls"], true);
    let served = Served::start(&["--certificate", "mail.example.com"]);
    assert_eq!(served.ready()["connectors"][0]["fqdn"], "mail.example.com");
}

#[test]
fn an_environment_variable_stands_for_its_flag() {
    let child =
        program().args(["serve", "healthy"]).env("STARTTLS_LAB_PORT", "0").stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert!(!ready["connectors"][0]["addr"].as_str().unwrap().ends_with(":1025"));
}

#[test]
fn a_saved_change_is_told_and_a_wrong_one_is_shown_with_line_and_caret() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "lab.toml", &seed());
    let mut served = Served::start(&[&path]);
    fs::write(&path, seed().replace("fqdn = \"mail.expta.com\"", "fqnd = \"mail.expta.com\"")).unwrap();
    let said = served.until("^^^^");
    assert!(said.contains("NOT changed") && said.contains("did you mean `fqdn`?"), "{said}");
    fs::write(&path, seed().replace("fqdn = \"mail.expta.com\"", "fqdn = \"mailgate.expta.com\"")).unwrap();
    let said = served.until("STARTTLS with CN=mailgate.expta.com");
    assert!(said.contains("-- changed"), "{said}");
}

#[test]
fn a_watched_file_that_cannot_be_read_any_more_is_told_once_and_watched_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "lab.toml", &seed());
    let mut served = Served::start(&[&path]);
    fs::write(&path, b"title = \"\xff\"\n").unwrap();
    let said = served.until("line 1 is not UTF-8");
    assert!(said.contains("NOT changed"), "{said}");
    fs::write(&path, seed() + &"#".repeat(4 << 20)).unwrap();
    let said = served.until("longer than 4 MiB");
    assert_eq!(said.matches("NOT changed").count(), 1, "{said}");
    fs::write(&path, seed().replace("fqdn = \"mail.expta.com\"", "fqdn = \"mailgate.expta.com\"")).unwrap();
    let said = served.until("STARTTLS with CN=mailgate.expta.com");
    assert!(said.contains("-- changed") && !said.contains("NOT changed"), "{said}");
}

#[test]
fn the_journal_is_lines_of_json_numbered_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal.jsonl");
    let logs = dir.path().join("logs");
    let lab = seed_that_stands();
    let lab = lab.path().to_str().unwrap();
    let (journal_place, logs_place) = (journal.to_str().unwrap(), logs.to_str().unwrap());
    let mut served = Served::start(&[lab, "--journal", journal_place, "--log-dir", logs_place]);
    let address = served.address();
    succeeds(&["readyz", "--address", &address, "--wait"]);
    served.until("=> session");
    let lines: Vec<Value> = fs::read_to_string(&journal)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.iter().enumerate().all(|(index, line)| line["seq"] == index + 1));
    assert_eq!(lines[0]["record"], "event");
    assert_eq!(lines[0]["event_id"], 12014);
    let protocol = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path());
    let protocol: Vec<PathBuf> =
        protocol.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("RECV")).collect();
    let log = fs::read_to_string(&protocol[0]).unwrap();
    assert!(log.starts_with("#Software: Microsoft Exchange Server\r\n"), "{log}");
    assert!(
        log.contains("MAILGATE\\Default internal receive connector MAILGATE,08D0000000000001,0,"),
        "{log}"
    );
    assert!(fs::read_to_string(logs.join("Application.xml")).unwrap().contains(">12014</EventID>"));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_serve_in_good_order() {
    let served = Served::start(&[]);
    signal(served.pid(), "TERM");
    assert_eq!(served.end().status.code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_lab() {
    let mut child = program().args(["serve", "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    let ready: Value = serde_json::from_str(&line).unwrap();
    let address = ready["connectors"][0]["addr"].as_str().unwrap();
    for _ in 0..3 {
        assert!(succeeds(&["readyz", "--address", address]).starts_with("220 mail.expta.com"));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn readyz_says_3_where_nobody_answers_or_somebody_else_does() {
    let nobody = Refusing::new();
    let free = nobody.address().to_string();
    assert!(fails(&["readyz", "--address", &free], 3).contains("not ready"));
    assert!(fails(&["readyz", "--address", &free, "--wait", "--timeout", "100ms"], 3).contains("not ready"));
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let answer = std::thread::spawn(move || {
        let (mut peer, _) = other.accept().unwrap();
        peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        peer.read_to_end(&mut Vec::new()).ok();
    });
    assert!(fails(&["readyz", "--address", &address], 3).contains("HTTP/1.1 400"));
    answer.join().unwrap();
}

#[test]
fn a_port_in_use_is_3_and_names_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = fails(&["serve", "--port", &port], 3);
    assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("--port 0"), "{said}");
}

#[test]
fn whatever_is_wrong_in_a_file_is_2_with_file_line_and_what_would_be_right() {
    let dir = tempfile::tempdir().unwrap();
    let with = |old: &str, new: &str| {
        assert!(seed().contains(old), "{old}");
        seed().replacen(old, new, 1)
    };
    let fqdn = "fqdn = \"mail.expta.com\"";
    let auth = "auth_mechanism = [\"Tls\", \"ExchangeServer\"]";
    for (name, text, hints) in [
        ("key", with(fqdn, "fqnd = \"x.example\""), &["did you mean `fqdn`?", "^"][..]),
        ("name", with(fqdn, "fqdn = \"10.0.0.25\""), &["IP address", "^"]),
        ("wildcard", with(fqdn, "fqdn = \"*.expta.com\""), &["wildcard"]),
        ("type", with(fqdn, "fqdn = true"), &["^"]),
        ("auth", with(auth, "auth_mechanism = [\"None\", \"Tls\"]"), &["`None` can only stand alone", "^"]),
        (
            "basic",
            with(auth, "auth_mechanism = [\"BasicAuthRequireTLS\", \"Tls\"]"),
            &["needs BasicAuth and Tls", "^"],
        ),
        (
            "external",
            with(auth, "auth_mechanism = [\"ExternalAuthoritative\", \"Integrated\"]"),
            &["only with Tls"],
        ),
        ("unknown", with(auth, "auth_mechanism = [\"STARTTLS\"]"), &["not one of None, Tls"]),
        (
            "require",
            with(auth, "require_tls = true\nauth_mechanism = [\"None\"]"),
            &["needs Tls in auth_mechanism"],
        ),
        (
            "profile",
            with("exchange-2010", "exchange-2011"),
            &["did you mean `exchange-2010`?", "exchange-2013", "^"],
        ),
        (
            "self",
            with("services = [\"SMTP\"]", "services = [\"SMTP\"]\nissuer = \"self\"\nchain = \"revoked\""),
            &["leave chain away", "^"],
        ),
        ("flag", with(auth, "auth_mechanism = [\"Tsl\"]"), &["did you mean `Tls`?"]),
        ("role", with("\"edge\"", "\"mailbox\""), &["hub-transport"]),
        ("pin", with(fqdn, "tls_certificate_name = \"<I>CN=a<S>CN=b\""), &["came with Exchange 2013"]),
        ("pinform", with(fqdn, "tls_certificate_name = \"CN=b\""), &["<I>CN=issuer"]),
        ("size", with(fqdn, "max_message_size = \"36 elephants\""), &["10MB"]),
        ("span", with("\"0s\"", "\"five\""), &["00:05:00", "^"]),
        ("date", with("services = [\"SMTP\"]", "services = [\"SMTP\"]\nnot_after = \"soon\""), &["-2d"]),
        ("service", with("services = [\"SMTP\"]", "services = [\"SNTP\"]"), &["SMTP"]),
        ("binding", with("0.0.0.0:25", "0.0.0.0"), &["0.0.0.0:25"]),
        ("range", with(fqdn, "remote_ip_ranges = [\"10.0.0.9-10.0.0.1\"]"), &["10.0.0.1-10.0.0.9"]),
        ("banner", with(fqdn, "banner = \"hello\""), &["starts with `220 `"]),
        ("nonetbios", with("\"MAILGATE\"", "\"MAIL GATE\""), &["NetBIOS"]),
        ("syntax", with(fqdn, "fqdn = "), &["^"]),
        ("empty", String::new(), &["title"]),
        ("no-computer", "title = \"x\"\ncomputer = []\n".to_owned(), &["[[computer]]"]),
        ("twice", with(fqdn, &format!("{fqdn}\nbindings = [\"0.0.0.0:25\"]")), &["^"]),
    ] {
        let path = file(&dir, &format!("{name}.toml"), &text);
        for verb in ["check", "serve"] {
            let said = fails(&[verb, &path], 2);
            assert!(said.contains(&path), "{name}: the file is not named: {said}");
            for hint in hints {
                assert!(said.contains(hint), "{name}: {hint:?} is missing in: {said}");
            }
        }
    }
}

#[test]
fn a_lab_file_may_be_json_with_the_same_keys() {
    let dir = tempfile::tempdir().unwrap();
    let value: Value = toml::from_str(&seed()).unwrap();
    let path = file(&dir, "lab.json", &serde_json::to_string_pretty(&value).unwrap());
    succeeds(&["check", &path]);
    let wrong = serde_json::to_string_pretty(&value).unwrap().replacen("\"role\"", "\"rôle\"", 1);
    let said = fails(&["check", &file(&dir, "wrong.json", &wrong)], 2);
    assert!(said.contains("unknown key `rôle`; did you mean `role`?") && said.contains('^'), "{said}");
}

#[test]
fn files_that_cannot_be_lab_files_are_refused_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let binary = dir.path().join("binary.toml");
    fs::write(&binary, b"title = \"x\"\n\xff\xfe").unwrap();
    assert!(fails(&["check", binary.to_str().unwrap()], 2).contains("line 2 is not UTF-8"));
    fails(&["check", dir.path().to_str().unwrap()], 2);
    let said = fails(&["check", "fqdn-mismach"], 2);
    assert!(said.contains("did you mean `fqdn-mismatch`?"), "{said}");
    assert!(fails(&["serve", "nothing-like-it-at-all"], 2).contains("the scenarios are: fqdn-mismatch"));
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        &["serve", "--fqdn", "10.0.0.1", "--certificate", "x.example"][..],
        &["serve", "--fqdn", "not a name"],
        &["serve", "--certificate", "*.example.com"],
        &["serve", "--profile", "exchange-1999", "--fqdn", "x.example"],
        &["serve", "--fqdn", "x.example", "healthy"],
        &["serve", "--port", "99999"],
        &["frobnicate"],
        &["check"],
        &["readyz", "--timeout", "soon"],
        &["list", "--output", "xml"],
        &["list", "--log", "=nonsense=["],
    ] {
        fails(args, 2);
    }
}

#[test]
fn a_file_and_a_connector_in_the_environment_exclude_each_other_by_name() {
    let output = program().args(["serve", "healthy"]).env("STARTTLS_LAB_FQDN", "a.example").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("STARTTLS_LAB_FQDN"), "{}", text(&output.stderr));
}

#[test]
fn exchange_2016_is_played_as_2019() {
    let dir = tempfile::tempdir().unwrap();
    let lab = seed().replace("exchange-2010", "exchange-2016");
    assert!(succeeds(&["check", &file(&dir, "lab.toml", &lab)]).contains("exchange-2019"));
}

#[test]
fn what_an_earlier_lab_has_written_is_set_aside_and_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let messages = dir.path().join("messages");
    fs::create_dir(&messages).unwrap();
    fs::write(messages.join("000007.eml"), "old").unwrap();
    fs::write(messages.join("mine.eml"), "kept").unwrap();
    fs::write(dir.path().join("Application.txt"), "old events").unwrap();
    fs::write(dir.path().join("RECV2026010100-1.LOG"), "old log").unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    fs::create_dir(dir.path().join("earlier-1")).unwrap();
    let _served = Served::start(&["--log-dir", dir.path().to_str().unwrap()]).until("Stop  Ctrl-C");
    let left: Vec<_> = fs::read_dir(&messages).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["mine.eml"]);
    let read = |path: &str| fs::read_to_string(dir.path().join(path)).unwrap();
    assert_eq!(read("earlier-2/messages/000007.eml"), "old");
    assert_eq!(read("earlier-2/Application.txt"), "old events");
    assert_eq!(read("earlier-2/RECV2026010100-1.LOG"), "old log");
    assert_eq!(read("notes.txt"), "mine");
    assert!(read("Application.txt").contains("12014"));
}

#[test]
fn certs_writes_keys_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("certs");
    succeeds(&["certs", "fqdn-mismatch", "--dir", to.to_str().unwrap()]);
    let names = |dir: &PathBuf| {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&to), ["MAILGATE-mailgate.pem", "ca.pem"]);
    succeeds(&["certs", "fqdn-mismatch", "--dir", to.to_str().unwrap(), "--keys"]);
    assert_eq!(names(&to), ["MAILGATE-mailgate.key", "MAILGATE-mailgate.pem", "ca.pem"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = to.join("MAILGATE-mailgate.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        succeeds(&["certs", "fqdn-mismatch", "--dir", to.to_str().unwrap(), "--keys"]);
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(fails(&["certs", "fqdn-mismatch", "--keys"], 2).contains("--dir"));
    let printed = succeeds(&["certs", "fqdn-mismatch"]);
    assert!(printed.contains("BEGIN CERTIFICATE") && !printed.contains("PRIVATE KEY"));
}

#[test]
fn the_schema_names_every_key_of_the_seed() {
    let schema = succeeds(&["schema"]);
    let parsed: Value = serde_json::from_str(&schema).unwrap();
    assert!(parsed["properties"]["computer"].is_object());
    let mut names_of_senders = false;
    for line in seed().lines() {
        if line.starts_with('[') {
            names_of_senders = line.ends_with(".sender]");
        }
        let Some((key, _)) = line.split_once(" = ").filter(|_| !names_of_senders) else { continue };
        let word = key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(!word || schema.contains(&format!("\"{key}\"")), "{key} is not in the schema");
    }
}

#[test]
fn completions_are_printed_for_the_common_shells() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(succeeds(&["completions", shell]).contains("starttls-lab"), "{shell}");
    }
}

#[test]
#[cfg(unix)]
fn bash_completes_commands_and_their_options() {
    let script = succeeds(&["completions", "bash"]);
    let complete = |words: &str, number: usize, word: &str| {
        let asked = format!(
            "COMP_WORDS=({words}); COMP_CWORD={number}; _starttls__lab starttls-lab {word} x; echo ${{COMPREPLY[@]}}"
        );
        let bash = Command::new("bash").args(["-c", &format!("{script}\n{asked}")]).output().unwrap();
        text(&bash.stdout)
    };
    assert_eq!(complete("starttls-lab ver", 1, "ver"), "verify\n");
    assert_eq!(complete("starttls-lab serve --ready", 2, "--ready"), "--ready-file\n");
}
