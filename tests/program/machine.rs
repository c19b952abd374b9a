//! What a lab does when the machine fails it: an address goes away, a disk is full. Each test runs in namespaces of its
//! own, which unshare(1) makes, so that nothing of the machine changes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::fixture::support::{
    EDGE_AND_HUB, PATIENCE, SOON, Served, Talk, ask, has, journal, run, signal, text,
};
use crate::installed::{Program, missing};

/// Set in the process that runs a test inside of its namespaces.
const INSIDE: &str = "STARTTLS_LAB_TEST_INSIDE";

/// The ways to get a network and mounts of one's own: as root, or as somebody who is root in there.
const WAYS: [&[&str]; 2] = [&["--net", "--mount"], &["--user", "--map-root-user", "--net", "--mount"]];

/// Runs this test once more, in a network and with mounts of its own. Returns true there, where the test goes on.
fn alone(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let Some(unshare) = Program::find("unshare", "util-linux") else { return false };
    if !has("ip") {
        return false;
    }
    let works = |way: &&&[&str]| run(unshare.command().args(**way).arg("true")).status.success();
    let Some(way) = WAYS.iter().find(works) else {
        missing("unshare", "may make no namespaces here");
        return false;
    };
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut again = unshare.command();
    again.args(*way).arg(env::current_exe().unwrap()).args(["--exact", &format!("{module}::{test}")]);
    let ended = run(again.arg("--nocapture").env(INSIDE, "1"));
    let said = text(&ended.stdout) + &text(&ended.stderr);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
    false
}

fn must(command: &str) {
    let words: Vec<_> = command.split(' ').collect();
    let ended = run(Command::new(words[0]).args(&words[1..]));
    assert!(ended.status.success(), "{command}: {}", text(&ended.stderr));
}

/// Gives the loopback interface these addresses and no others.
fn loopback_of(addresses: &[&str]) {
    must("ip link set lo up");
    must("ip addr flush dev lo");
    addresses.iter().for_each(|address| must(&format!("ip addr add {address}/32 dev lo")));
}

#[test]
fn an_address_that_goes_away_is_listened_on_again_when_it_is_back() {
    if !alone("an_address_that_goes_away_is_listened_on_again_when_it_is_back") {
        return;
    }
    loopback_of(&["127.0.0.1", "10.77.0.1"]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.jsonl");
    let served = Served::start(&["--bind", "10.77.0.1", "--journal", path.to_str().unwrap()]);
    let (address, control) = (served.address(), served.control());
    let mut open = Talk::open(&address);
    open.say("EHLO client.test", "250");
    must("ip addr del 10.77.0.1/32 dev lo");
    TcpStream::connect(&address).unwrap_err();
    ask(&control, "GET /readyz", "");
    must("ip addr add 10.77.0.1/32 dev lo");
    Talk::open(&address).message();
    open.say("NOOP", "250");
    // A client that cannot be told of the end holds nothing up.
    must("ip addr del 10.77.0.1/32 dev lo");
    signal(served.pid(), "TERM");
    let ended = served.end();
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let entries = journal(&path);
    let count = |record: &str| entries.iter().filter(|it| it["record"] == record).count();
    assert_eq!((count("connected"), count("disconnected"), count("message")), (2, 2, 1));
}

#[test]
fn mail_for_a_computer_whose_address_is_gone_waits_in_the_queue_until_it_is_back() {
    if !alone("mail_for_a_computer_whose_address_is_gone_waits_in_the_queue_until_it_is_back") {
        return;
    }
    loopback_of(&["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    let dir = tempfile::tempdir().unwrap();
    let lab = dir.path().join("lab.toml");
    fs::write(&lab, EDGE_AND_HUB).unwrap();
    let served = Served::start(&[lab.to_str().unwrap()]);
    let control = served.control();
    must("ip addr del 127.0.0.3/32 dev lo");
    let mut talk = Talk::open(&served.address());
    talk.message_to("b@contoso.test", "hello", 1);
    ask(&control, "GET /api/v1/wait?for=quiet&ms=1&timeout_ms=20000", "");
    let tried = ask(&control, "GET /api/v1/journal?after=0&limit=1000", "");
    assert!(tried.contains("\"record\":\"attempt\"") && tried.contains("unreachable"), "{tried}");
    must("ip addr add 127.0.0.3/32 dev lo");
    ask(&control, "POST /api/v1/clock", r#"{"advance": "PT15M"}"#);
    ask(&control, "GET /api/v1/wait?for=message&connector=Default%20HUB&timeout_ms=20000", "");
}

#[test]
fn a_disk_that_is_full_for_a_while_costs_no_entry_and_no_message() {
    if !alone("a_disk_that_is_full_for_a_while_costs_no_entry_and_no_message") {
        return;
    }
    loopback_of(&["127.0.0.1"]);
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().to_str().unwrap();
    must(&format!("mount -t tmpfs -o size=256k tmpfs {disk}"));
    // Room that there is again later.
    let (reserve, filling) = (dir.path().join("reserve"), dir.path().join("filling"));
    fs::write(&reserve, [0; 128 << 10]).unwrap();
    let (path, logs) = (dir.path().join("journal.jsonl"), dir.path().join("logs"));
    let served = Served::start(&["--journal", path.to_str().unwrap(), "--log-dir", logs.to_str().unwrap()]);
    let mut talk = Talk::open(&served.address());
    let kept = || fs::read_dir(logs.join("messages")).unwrap().count();
    let mut sent = 0;
    while kept() == sent {
        talk.message_of(&"x".repeat(60), 500);
        sent += 1;
        assert!(sent < 100, "the disk is not full");
    }
    // A message that has no room leaves some for lines. Now there is none.
    let mut rest = fs::File::create(&filling).unwrap();
    while rest.write_all(&[0]).is_ok() {}
    drop(rest);
    let length = || fs::metadata(&path).unwrap().len();
    let (mut before, mut stays) = (length(), 0);
    while stays < 10 {
        talk.say("NOOP", "250");
        stays = if length() == before { stays + 1 } else { 0 };
        before = length();
    }
    // The journal has no half lines meanwhile.
    let whole = fs::read_to_string(&path).unwrap();
    assert!(whole.ends_with('\n'), "{whole}");
    [reserve, filling].iter().for_each(|file| fs::remove_file(file).unwrap());
    talk.message_of("hello", 1);
    sent += 1;
    talk.say("QUIT", "221");
    signal(served.pid(), "TERM");
    let ended = served.end();
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert_eq!(said.matches("cannot be written for now").count(), 1, "{said}");
    assert_eq!(kept(), sent);
    let entries = journal(&path);
    assert!(entries.iter().enumerate().all(|(index, entry)| entry["seq"] == index + 1));
    assert_eq!(entries.iter().filter(|it| it["record"] == "message").count(), sent);
}

#[test]
fn a_lab_file_that_is_replaced_by_a_pipe_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (lab, pipe) = (dir.path().join("lab.toml"), dir.path().join("pipe"));
    fs::write(&lab, EDGE_AND_HUB).unwrap();
    let served = Served::start(&[lab.to_str().unwrap()]);
    let control = served.control();
    must(&format!("mkfifo {}", pipe.display()));
    // A lab that answers watches its file already.
    ask(&control, "GET /livez", "");
    fs::rename(&pipe, &lab).unwrap();
    // The file is looked at every tenth of a second.
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        ask(&control, "GET /livez", "");
    }
    // Saved again, it counts again.
    let saved = dir.path().join("saved");
    fs::write(&saved, EDGE_AND_HUB.replace("edge.contoso.test", "other.contoso.test")).unwrap();
    fs::rename(&saved, &lab).unwrap();
    let since = Instant::now();
    while !ask(&control, "GET /api/v1/connectors", "").contains("other.contoso.test") {
        assert!(since.elapsed() < PATIENCE, "the saved file does not count");
    }
}

#[test]
fn a_journal_pipe_whose_reader_stops_and_goes_away_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("journal");
    must(&format!("mkfifo {}", pipe.display()));
    // Whoever opens a pipe waits for its other end.
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || BufReader::new(fs::File::open(pipe).unwrap())
    });
    let served = Served::start(&["--journal", pipe.to_str().unwrap()]);
    let mut reader = reader.join().unwrap();
    let mut line = String::new();
    let mut talk = Talk::open(&served.address());
    (0..2000).for_each(|_| talk.say("NOOP", "250"));
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"seq\":1,"), "{line}");
    drop(reader);
    talk.message();
    talk.say("QUIT", "221");
    drop(talk);
    let told = Instant::now();
    signal(served.pid(), "TERM");
    let ended = served.end();
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
}
