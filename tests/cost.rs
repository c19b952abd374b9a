//! Bounds on what a lab, a session and a message cost, in allocations and in instructions. These numbers are the same
//! on every machine, however busy it is; time is not, and is not asked for.
//!
//! A figure that has grown is a reason to look for the cause, and to raise its bound where the cause is worth it; see
//! `docs/performance.md`. Nothing else is in this binary, or its allocations would be counted.
#![allow(clippy::unwrap_used, reason = "in a test, that is how to fail")]
#![cfg(target_os = "linux")]

#[path = "common/installed.rs"]
mod installed;

use std::alloc::System;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use installed::Program;

use starttls_lab::Lab;
#[cfg(feature = "http")]
use starttls_lab::internal::{
    lab::Plan,
    report,
    scenario::{CommandsSpec, ScenarioText},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CONTENT: &[u8] = b"Subject: a bound\r\nFrom: <sender@example.com>\r\n\r\nOne line of text.\r\n.\r\n";

/// The most allocations of a session that brings no message, and of each message in it. They were 27 and 20 when
/// this was written.
const BOUNDS: (usize, usize) = (30, 22);

/// The most bytes on the heap that an idle connection keeps after EHLO, its entries in the journal included, and that a
/// message keeps, without its content. They were 3,571 and 811 when this was written.
const KEPT: (usize, usize) = (3_750, 860);

/// The most instructions that `serve` takes for a session that brings one message, and for each further message in it,
/// printing included. A debug build is measured, whose figures mean little in themselves; they were 632,660 and
/// 299,610 when this was written. The margin is for other versions of the compiler.
#[cfg(all(feature = "cli", target_arch = "x86_64"))]
const INSTRUCTIONS: (u64, u64) = (730_000, 345_000);

/// The most instructions that a lab takes from its start to its end, without a client. They were 4,375,379 when this
/// was written.
#[cfg(target_arch = "x86_64")]
const LAB: u64 = 5_000_000;

/// The most allocations of `check` for each connector that needs a fix of its own, which is tried in a lab. They were
/// 10,034 when this was written, in a lab of 40 connectors.
#[cfg(feature = "http")]
const CHECK: usize = 11_500;

/// Only one of the tests runs at a time.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn a_session_and_a_message_allocate_no_more_than_their_bounds() {
    const SESSIONS: usize = 200;
    let _turn = TURN.lock();
    let lab = Lab::connector("load.example.com").start().unwrap();
    // What the first sessions set up is not theirs.
    sessions(lab.addr(), 20, 2);
    let count = |messages| {
        let region = Region::new(ALLOCATOR);
        sessions(lab.addr(), SESSIONS, messages);
        region.change().allocations / SESSIONS
    };
    let (session, with_ten) = (count(0), count(10));
    let message = with_ten.saturating_sub(session) / 10;
    assert!(
        session <= BOUNDS.0 && message <= BOUNDS.1,
        "{session} allocations a session and {message} a message, which are to be at most {BOUNDS:?}"
    );
}

#[test]
fn an_idle_connection_and_a_message_keep_no_more_than_their_bounds() {
    const CONNECTIONS: usize = 400;
    const MESSAGES: usize = 1000;
    let _turn = TURN.lock();
    // It has no limits of connections.
    let lab = Lab::file(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/load/lab.toml")).start().unwrap();
    sessions(lab.addr(), 20, 2);
    let mut open = Vec::with_capacity(CONNECTIONS);
    let region = Region::new(ALLOCATOR);
    open.extend(std::iter::repeat_with(|| connect(lab.addr())).take(CONNECTIONS));
    let connection = kept(&region) / CONNECTIONS;
    let region = Region::new(ALLOCATOR);
    sessions(lab.addr(), 1, MESSAGES);
    let message = (kept(&region) / MESSAGES).saturating_sub(CONTENT.len());
    assert!(
        connection <= KEPT.0 && message <= KEPT.1,
        "{connection} bytes a connection and {message} a message, which are to be at most {KEPT:?}"
    );
}

/// `check` runs each fix on a copy of the lab. A copy of the whole lab would make its cost grow with the square of the
/// connectors.
#[test]
#[cfg(feature = "http")]
fn check_allocates_for_each_connector_no_more_than_its_bound() {
    let _turn = TURN.lock();
    // What the first one sets up is not its own.
    of_check(1);
    let (ten, twenty, forty) = (of_check(10), of_check(20), of_check(40));
    let (early, late) = ((twenty - ten) / 10, (forty - twenty) / 20);
    assert!(
        late <= CHECK && late <= early + early / 2,
        "{early} allocations for each connector from 10 to 20 and {late} from 20 to 40, which are to be at most {CHECK}, \
         and half as many again as before"
    );
}

/// Returns the allocations of a diagnosis of so many connectors without a certificate, and of a trial of each fix.
#[cfg(feature = "http")]
fn of_check(connectors: usize) -> usize {
    let connector = |at: usize| {
        format!(
            "[[computer.receive_connector]]\nname = \"C{at}\"\nfqdn = \"m{at}.example.com\"\nbindings = [\"0.0.0.0:{}\"]\n",
            2500 + at
        )
    };
    let each: String = (0..connectors).map(connector).collect();
    let file = format!(
        "title = \"No certificate\"\n[[computer]]\nname = \"EX01\"\nfqdn = \"ex01.example.com\"\nrole = \"mailbox\"\n\
         profile = \"exchange-2019\"\n{each}"
    );
    let plan = Plan::new(&ScenarioText::parse(&file, "test").unwrap()).unwrap();
    let region = Region::new(ALLOCATOR);
    let report = report::check(&plan.computers, plan.clock.now());
    let mut trials = plan.trials().unwrap();
    let causes = report.causes();
    assert_eq!(causes.len(), connectors, "each needs a certificate with its own name");
    for cause in &causes {
        let fix = cause.fix.as_ref().unwrap();
        let connector = report.receiving(cause.connectors[0]).unwrap();
        let commands = [CommandsSpec::typed(&fix.on, &fix.typed)];
        let tried = trials.commands(&commands, Some(&connector.identity)).unwrap();
        assert_eq!(tried.refused, None);
    }
    region.change().allocations
}

/// Returns the bytes that were allocated since `region` began, and not given back.
fn kept(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

#[test]
#[cfg(all(feature = "cli", target_arch = "x86_64"))]
fn a_session_and_a_message_take_no_more_instructions_than_their_bounds() {
    let _turn = TURN.lock();
    let Some(valgrind) = Program::find("valgrind", "valgrind") else { return };
    let few = of_serve(&valgrind, 5, 1);
    let session = of_serve(&valgrind, 25, 1).saturating_sub(few) / 20;
    let message = of_serve(&valgrind, 5, 21).saturating_sub(few) / 100;
    assert!(
        session <= INSTRUCTIONS.0 && message <= INSTRUCTIONS.1,
        "{session} instructions a session and {message} a message, which are to be at most {INSTRUCTIONS:?}"
    );
}

/// Returns the instructions of `serve` from its start to its end, with so many sessions between them.
#[cfg(all(feature = "cli", target_arch = "x86_64"))]
fn of_serve(valgrind: &Program, count: usize, messages: usize) -> u64 {
    instructions(valgrind, env!("CARGO_BIN_EXE_starttls-lab"), |command| {
        command.args(["serve", "--fqdn", "load.example.com", "--port", "0"]);
        command.args(["--no-control", "--exit-on-stdin-eof"]);
        let mut serve = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(serve.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let address = ready["connectors"][0]["addr"].as_str().unwrap().parse().unwrap();
        sessions(address, count, messages);
        drop(serve.stdin.take());
        stdout.read_to_end(&mut Vec::new()).unwrap();
        assert!(serve.wait().unwrap().success());
    })
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_lab_takes_no_more_instructions_than_its_bound() {
    let _turn = TURN.lock();
    let Some(valgrind) = Program::find("valgrind", "valgrind") else { return };
    let of_labs = |count: u64| {
        instructions(&valgrind, std::env::current_exe().unwrap(), |command| {
            command.args(["--ignored", "--exact", "labs"]).env(LABS, count.to_string());
            assert!(command.stdout(Stdio::null()).status().unwrap().success());
        })
    };
    let lab = of_labs(11).saturating_sub(of_labs(1)) / 10;
    assert!(lab <= LAB, "{lab} instructions a lab, which are to be at most {LAB}");
}

/// The variable that tells `labs` how many there are.
const LABS: &str = "STARTTLS_LAB_COST_LABS";

/// Starts labs and ends them.
#[test]
#[ignore = "runs under callgrind, by the test of a lab's instructions"]
fn labs() {
    let count: usize = std::env::var(LABS).map_or(1, |count| count.parse().unwrap());
    for _ in 0..count {
        assert!(Lab::scenario("healthy").start().unwrap().finish().all_ended);
    }
}

/// Returns the instructions of a program, which `run` runs from its start to its end.
#[cfg(target_arch = "x86_64")]
fn instructions(valgrind: &Program, program: impl AsRef<OsStr>, run: impl FnOnce(&mut Command)) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("callgrind.out");
    let mut option = OsString::from("--callgrind-out-file=");
    option.push(&out);
    let mut command = valgrind.command();
    command.args(["--quiet", "--tool=callgrind"]).arg(option).arg(program);
    run(&mut command);
    let profile = std::fs::read_to_string(out).unwrap();
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
    total.trim().parse().unwrap()
}

/// Holds sessions one after the other, and allocates nothing.
fn sessions(address: SocketAddr, count: usize, messages: usize) {
    for _ in 0..count {
        let mut stream = connect(address);
        for _ in 0..messages {
            say(&mut stream, b"MAIL FROM:<sender@example.com>\r\n", b"250");
            say(&mut stream, b"RCPT TO:<recipient@example.com>\r\n", b"250");
            say(&mut stream, b"DATA\r\n", b"354");
            say(&mut stream, CONTENT, b"250");
        }
        say(&mut stream, b"QUIT\r\n", b"221");
        // The lab closes first, so that its work on the session is done when this returns.
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
}

/// Returns a connection that has said EHLO.
fn connect(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    expect(&mut stream, b"220");
    say(&mut stream, b"EHLO client.example.com\r\n", b"250");
    stream
}

fn say(stream: &mut TcpStream, bytes: &[u8], code: &[u8]) {
    stream.write_all(bytes).unwrap();
    expect(stream, code);
}

/// Reads one reply, whose last line has a blank behind its code.
fn expect(stream: &mut TcpStream, code: &[u8]) {
    let mut reply = [0; 4096];
    let mut length = 0;
    loop {
        let read = stream.read(&mut reply[length..]).unwrap();
        assert!(read > 0, "the lab has closed");
        length += read;
        let Some(lines) = reply[..length].strip_suffix(b"\r\n") else { continue };
        let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap();
        if last.get(3) == Some(&b' ') {
            assert!(last.starts_with(code), "{}", last.escape_ascii());
            return;
        }
    }
}
