//! What a lab does when the machine or its clients fail it: SIGTERM at every stage of a session, no descriptors left,
//! and clients of every bad kind at once.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::fixture::support::{
    PATIENCE, SOON, Served, Talk, has, journal, output, program, run, signal, text,
};

/// One connector that offers STARTTLS, and holds refusals back for as long as Exchange does.
const LAB: &str = r#"
title = "One connector"

[[computer]]
name = "MX"
fqdn = "mx.example.com"
role = "edge"
profile = "exchange-2019"

[[computer.certificate]]
names = ["mx.example.com"]
services = ["SMTP"]

[[computer.receive_connector]]
name = "In"
bindings = ["0.0.0.0:25"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
tarpit_interval = "5s"
max_inbound_connection_per_source = "unlimited"
"#;

const BEGUN: &str = "EHLO a.test\r\nMAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n";

fn connect(address: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

/// A session that has sent `said`, and has read so many replies.
fn session(address: &str, said: &str, replies: usize) -> BufReader<TcpStream> {
    let mut stream = connect(address);
    stream.get_mut().write_all(said.as_bytes()).unwrap();
    let mut line = String::new();
    for _ in 0..replies {
        while line.as_bytes().get(3) != Some(&b' ') {
            line.clear();
            assert!(stream.read_line(&mut line).unwrap() > 0, "{said:?}");
        }
        line.clear();
    }
    stream
}

fn request(control: &str, head: &str) -> BufReader<TcpStream> {
    let mut stream = connect(control);
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    stream
}

/// What still comes; a connection that is reset has ended as well.
fn rest(mut stream: BufReader<TcpStream>) -> String {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).ok();
    text(&rest)
}

fn control(served: &Served) -> String {
    let ready: Value = serde_json::from_str(&served.line).unwrap();
    ready["control"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned()
}

#[test]
fn a_signal_ends_a_lab_at_every_stage_of_a_session_and_the_journal_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (path, lab) = (dir.path().join("journal.jsonl"), dir.path().join("lab.toml"));
    std::fs::write(&lab, LAB).unwrap();
    let served = Served::start(&[lab.to_str().unwrap(), "--journal", path.to_str().unwrap()]);
    let (address, control) = (served.address(), control(&served));
    let told_to_go = [
        session(&address, "", 1),
        session(&address, "EHLO a.test\r\nNOO", 2),
        session(&address, BEGUN, 4),
        session(&address, &format!("{BEGUN}DATA\r\nhalf a line"), 5),
        session(&address, &format!("{BEGUN}BDAT 1000\r\nhalf a chunk"), 4),
    ];
    // The reply to a wrong command is held back, and a handshake is at no stage where a reply could be sent.
    let cut_off = [
        session(&address, "EHLO a.test\r\nWRONG\r\n", 2),
        session(&address, "EHLO a.test\r\nSTARTTLS\r\n", 3),
        session(&address, "EHLO a.test\r\nSTARTTLS\r\n\u{16}\u{3}\u{1}", 3),
    ];
    let asking = [
        request(&control, "GET /livez HT"),
        request(
            &control,
            &format!("POST /api/v1/cmdlets HTTP/1.1\r\nHost: {control}\r\nContent-Length: 9\r\n\r\n{{"),
        ),
        request(
            &control,
            &format!("GET /api/v1/wait?for=message&ms=60000 HTTP/1.1\r\nHost: {control}\r\n\r\n"),
        ),
        request(
            &control,
            &format!("GET /api/v1/journal HTTP/1.1\r\nHost: {control}\r\nAccept: text/event-stream\r\n\r\n"),
        ),
    ];
    let told = Instant::now();
    signal(served.pid(), "TERM");
    for (index, stream) in told_to_go.into_iter().enumerate() {
        let heard = rest(stream);
        assert!(heard.starts_with("421 4.3.2 "), "{index}: {heard:?}");
    }
    cut_off.into_iter().chain(asking).for_each(|stream| drop(rest(stream)));
    let ended = served.end();
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
    let mut ends: HashMap<String, usize> = HashMap::new();
    for entry in journal(&path) {
        *ends.entry(entry["record"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    assert_eq!((ends.get("connected"), ends.get("disconnected")), (Some(&8), Some(&8)), "{ends:?}");
}

#[test]
fn a_signal_ends_a_lab_that_still_makes_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (ready, lab) = (dir.path().join("ready"), dir.path().join("lab.toml"));
    let certificate = |number| {
        format!("[[computer.certificate]]\nnames = [\"mx{number}.example.com\"]\nkey = \"rsa-4096\"\n\n")
    };
    let certificates: String = (0..200).map(certificate).collect();
    let at = "[[computer.receive_connector]]";
    std::fs::write(&lab, LAB.replace(at, &format!("{certificates}{at}"))).unwrap();
    // A lab takes the signals over before it removes what an earlier one has left there.
    std::fs::write(&ready, "an earlier lab").unwrap();
    let mut command = program();
    command.args(["serve", "--port", "0", "--ready-file"]).args([&ready, &lab]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while ready.exists() {
        std::thread::yield_now();
    }
    let told = Instant::now();
    signal(child.id(), "TERM");
    let ended = output(child);
    assert_eq!((ended.status.code(), text(&ended.stdout).as_str()), (Some(0), ""), "{}", text(&ended.stderr));
    assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
}

#[test]
fn a_control_api_without_descriptors_answers_again_as_soon_as_there_are_some() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" serve --port 0", env!("CARGO_BIN_EXE_starttls-lab")]);
    let mut served = Served::start_as(&mut command);
    let control = control(&served);
    let mut mail = Talk::open(&served.address());
    let crowd: Vec<_> = (0..60).filter_map(|_| TcpStream::connect(&control).ok()).collect();
    let complaint = "the control API cannot take connections for now";
    let said = served.complains(complaint);
    // A session that is open goes on meanwhile.
    mail.message();
    drop(crowd);
    let mut asking =
        request(&control, &format!("GET /livez HTTP/1.1\r\nHost: {control}\r\nConnection: close\r\n\r\n"));
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ok\n"), "{answer}");
    signal(served.pid(), "TERM");
    let ended = served.end();
    let said = said + &text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert_eq!(said.matches(complaint).count(), 1, "{said}");
}

/// Runs the program with 3 GB of address space, in which nothing that has no end can be read.
fn confined(args: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v 3000000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_starttls-lab")])
        .args(args);
    run(&mut command)
}

#[test]
fn a_device_without_an_end_in_the_place_of_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("event.txt");
    std::fs::write(&password, "Event ID: 12014").unwrap();
    // By a link, so that a program which removes what is in its way removes no device of the machine.
    let endless = dir.path().join("zero");
    std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
    let endless = endless.to_str().unwrap();
    for args in [
        &["serve", "--port", "0", "--ready-file", endless][..],
        &["send", "--to", "127.0.0.1:1", "--from", "a@a.test", "--rcpt", "b@b.test", "--ca-file", endless],
        &["probe", "127.0.0.1:1", "--ca-file", endless],
        &["probe", "--inside", endless, "--outside", endless],
        &["renew", "pin-stale", "--certificate", endless],
        &["explain", password.to_str().unwrap(), "--password-file", endless],
        &["shell", "fqdn-mismatch", "--script", endless],
        &["check", endless],
    ] {
        let refused = confined(args);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.contains(endless) && (said.contains("no regular file") || said.contains("longer than")),
            "{said}"
        );
    }
    let refused = confined(&["readyz", "--ready-file", endless]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("no regular file"), "{said}");
}

/// More than any input may have.
const HUGE: u64 = 100 << 20;

#[test]
fn a_file_of_a_hundred_megabytes_is_refused_with_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let huge = dir.path().join("huge.toml");
    // It takes no room on the disk.
    std::fs::File::create(&huge).unwrap().set_len(HUGE).unwrap();
    let huge = huge.to_str().unwrap();
    for (args, limit) in [
        (&["check", huge][..], "longer than 4 MiB"),
        (&["verify", huge], "longer than 4 MiB"),
        (&["serve", "--port", "0", huge], "longer than 4 MiB"),
        (&["exec", huge, "--", "true"], "longer than 4 MiB"),
        (&["shell", huge], "longer than 4 MiB"),
        (&["shell", "--script", huge], "longer than 1 MiB"),
        (&["explain", huge], "longer than 16 MiB"),
        (&["import", huge], "longer than 16 MiB"),
        (&["check", "--fqdn", "a.test", "--certificate", huge], "longer than 16 MiB"),
        (&["probe", "--inside", huge, "--outside", huge], "longer than 65536 KiB"),
    ] {
        let refused = confined(args);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(limit) && said.len() < 1000, "{args:?}: {said}");
    }
    let refused = confined(&["readyz", "--ready-file", huge]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("longer than 1024 KiB"), "{said}");
}

#[test]
fn a_line_without_end_in_a_lab_file_is_not_printed_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let lab = dir.path().join("lab.toml");
    // Long enough for that, and read in no time by a debug build on a busy machine as well.
    let long = "x".repeat(1 << 18);
    for text_of_lab in [long.clone(), LAB.replace("mx.example.com", &long)] {
        std::fs::write(&lab, text_of_lab).unwrap();
        let refused = confined(&["check", lab.to_str().unwrap()]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{}", said.len());
        assert!(said.len() < 10_000 && said.contains("lab.toml:"), "{}", said.len());
    }
}

#[test]
fn a_request_of_a_hundred_megabytes_is_refused_with_the_limit() {
    let served = Served::start(&[]);
    let control = served.control();
    let mut line = request(&control, "GET /");
    let mut body = request(
        &control,
        &format!("PUT /api/v1/scenario HTTP/1.1\r\nHost: {control}\r\nContent-Length: {HUGE}\r\n\r\n"),
    );
    let piece = vec![b'x'; 1 << 16];
    for stream in [&mut line, &mut body] {
        // The lab closes before it has read all of it.
        let refused = (0..HUGE >> 16).find_map(|_| stream.get_mut().write_all(&piece).err());
        assert!(refused.is_some());
    }
    drop((line, body));
    Talk::open(&served.address()).message();
    let mut body = request(
        &control,
        &format!("PUT /api/v1/scenario HTTP/1.1\r\nHost: {control}\r\nContent-Length: {HUGE}\r\n\r\n"),
    );
    body.get_mut().write_all(&vec![b'x'; (1 << 20) + 1]).unwrap();
    let answer = rest(body);
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("1 MiB at most"), "{answer}");
}

#[test]
fn a_server_whose_answer_does_not_end_is_left() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";
    for unit in ["x", "220-x\r\n", "HTTP/1.1 200 OK\r\n", HEAD] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let piece = unit.repeat((1 << 16) / unit.len()).into_bytes();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, piece) = (stream.unwrap(), piece.clone());
                std::thread::spawn(move || while stream.write_all(&piece).is_ok() {});
            }
        });
        for (args, limit) in [
            (&["send", "--to", &address, "--from", "a@a.test", "--rcpt", "b@b.test"][..], ""),
            (&["probe", &address], if unit == "x" { "sends more than any reply has" } else { "" }),
            (
                &["readyz", "--address", &address],
                if unit == "x" { "more than 4 KiB without the end of a line" } else { "" },
            ),
            (&["readyz", "--control", &address], "answers with more than 16 MiB"),
            (&["shell", "--attach", &address], "answers with more than 16 MiB"),
        ] {
            let ended = confined(args);
            let (said, printed) = (text(&ended.stderr), text(&ended.stdout));
            // A banner of many lines is a banner.
            let ready = args[1] == "--address" && unit == "220-x\r\n";
            assert_eq!(ended.status.success(), ready, "{args:?}: {said}");
            assert!(said.len() < 10_000 && printed.len() < 100_000, "{args:?}: {said}");
            assert!(said.contains(limit) || printed.contains(limit), "{args:?}: {said}{printed}");
        }
    }
}

#[test]
fn a_lab_file_that_is_a_pipe_is_read_once_and_the_lab_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("lab.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, LAB).unwrap()
    });
    let served = Served::start(&[pipe.to_str().unwrap()]);
    writer.join().unwrap();
    Talk::open(&served.address()).message();
    signal(served.pid(), "TERM");
    assert_eq!(served.end().status.code(), Some(0));
}

/// A small round of a part of `make soak`.
fn soak(parts: &str) {
    if !has("python3") {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/soak.py");
    let mut command = Command::new("python3");
    command.args([script, env!("CARGO_BIN_EXE_starttls-lab"), "--quick", "--parts", parts]);
    let ended = run(&mut command);
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
}

#[test]
fn clients_of_every_bad_kind_leave_no_descriptor_and_no_thread_behind_and_every_message_is_counted() {
    soak("short,connects,idle,slow,flood,changes");
}

#[test]
fn a_queue_that_is_retried_for_days_leaves_no_descriptor_and_no_thread_behind_and_is_empty_in_the_end() {
    soak("day");
}
