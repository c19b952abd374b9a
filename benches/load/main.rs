//! What a lab costs, beside what the stack under it costs: `cargo bench --bench load`.
//!
//! Every server is a process of its own on one thread; this process is its client. Servers take turns,
//! round by round, so that a noisy machine is noisy for all of them. Names of groups select them:
//! `cargo bench --bench load -- idle cold`. Linux only, for it reads `/proc`.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod bare;
mod client;
mod lives;
mod measure;
mod server;

use std::io;
use std::path::Path;

use client::{Transport, Verb};
use lives::Life;
use measure::{Contest, Load, Took, median};
use server::Kind;

/// How much is done: enough for medians, or once so that it is known to work.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    /// What counts of connections are divided by.
    less: usize,
}

const FULL: Effort = Effort { rounds: 7, less: 1 };
const TINY: Effort = Effort { rounds: 1, less: 100 };

const ALL: [Kind; 3] = [Kind::Bare, Kind::Lab, Kind::Serve];

#[tokio::main(flavor = "current_thread")]
async fn measure(effort: Effort, wanted: &[String]) -> io::Result<()> {
    let wants = |group: &str| wanted.is_empty() || wanted.iter().any(|word| word == group);
    println!("{}, {}", processor(), profile());
    println!("bare: a sink on tokio and rustls, no journal; lab: the library; serve: the program, printing");
    if wants("load") {
        loads(effort).await?;
    }
    if wants("big") {
        big(effort).await?;
    }
    if wants("idle") {
        idle(effort).await?;
    }
    if wants("cold") {
        cold(effort).await?;
    }
    if wants("harness") {
        lives(effort).await?;
    }
    Ok(())
}

async fn loads(effort: Effort) -> io::Result<()> {
    const LOADS: [(&str, Transport, usize, usize, usize); 11] = [
        ("clear, 1 message, 1 parallel", Transport::Clear, 1, 500, 1),
        ("clear, 1 message, 10 parallel", Transport::Clear, 10, 1000, 1),
        ("clear, 1 message, 100 parallel", Transport::Clear, 100, 1000, 1),
        ("clear, 100 messages, 10 parallel", Transport::Clear, 10, 30, 100),
        ("TLS 1.3, 1 message, 1 parallel", Transport::Tls13, 1, 200, 1),
        ("TLS 1.3, 1 message, 10 parallel", Transport::Tls13, 10, 400, 1),
        ("TLS 1.3, 1 message, 100 parallel", Transport::Tls13, 100, 400, 1),
        ("TLS 1.3, 100 messages, 10 parallel", Transport::Tls13, 10, 20, 100),
        ("TLS 1.3 resumed, 1 message, 1 parallel", Transport::Resumed, 1, 200, 1),
        ("TLS 1.2, 1 message, 1 parallel", Transport::Tls12, 1, 200, 1),
        ("TLS 1.2, 1 message, 10 parallel", Transport::Tls12, 10, 400, 1),
    ];
    println!("\nmessages of 1 KiB: connections/s, and the server's CPU in us a connection (to bare)");
    heading(&ALL);
    for (name, transport, parallel, connections, messages) in LOADS {
        let connections = (connections / effort.less).max(1);
        let load = Load { transport, parallel, connections, messages };
        let took = Contest::new(load, &ALL)?.run(effort.rounds).await?;
        row(
            name,
            took.iter().map(|took| {
                let Took { connections_per_second: rate, cpu_microseconds: cpu, to_first } = took;
                format!("{rate:.0}, {cpu:.0} ({to_first:.2})")
            }),
        );
    }
    Ok(())
}

async fn big(effort: Effort) -> io::Result<()> {
    let mebibytes = (100 / effort.less).max(1);
    println!("\none message of {mebibytes} MiB in clear: MB/s, and the server's peak memory in MB");
    heading(&ALL);
    for (name, verb) in [("DATA", Verb::Data), ("BDAT", Verb::Bdat)] {
        let mut cells = [const { (Vec::new(), Vec::new()) }; ALL.len()];
        for _ in 0..effort.rounds {
            for (kind, (rates, peaks)) in ALL.iter().zip(&mut cells) {
                let (elapsed, peak) = measure::big(*kind, verb, mebibytes).await?;
                rates.push(megabytes((mebibytes as u64) << 20) / elapsed.as_secs_f64());
                peaks.push(megabytes(peak));
            }
        }
        row(
            name,
            cells.into_iter().map(|(rates, peaks)| {
                format!("{:.0}, {:.0}", median(rates.into_iter()), median(peaks.into_iter()))
            }),
        );
    }
    Ok(())
}

async fn idle(effort: Effort) -> io::Result<()> {
    const KINDS: [Kind; 3] = [Kind::Bare, Kind::Lab, Kind::Forgetful];
    println!("\nmemory of an idle connection after EHLO, KiB; forgetful: a lab whose journal keeps nothing");
    heading(&KINDS);
    for (name, transport) in [("in clear", Transport::Clear), ("after STARTTLS", Transport::Tls13)] {
        for count in [1_000, 10_000].map(|count| count / effort.less) {
            let name = format!("{count} open, {name}");
            if open_files().is_some_and(|most| most < count + 200) {
                println!("{name:<40} left out: the limit of open files is too low");
                continue;
            }
            let mut cells = Vec::new();
            for kind in KINDS {
                let octets = measure::idle(kind, transport, count).await?;
                cells.push(format!("{:.1}", megabytes(octets) * 1e6 / 1024.0));
            }
            row(&name, cells.into_iter());
        }
    }
    Ok(())
}

async fn cold(effort: Effort) -> io::Result<()> {
    println!("\nfrom the start of the process, ms: to the reply to EHLO, to the end of a handshake");
    heading(&ALL);
    let mut cells = [const { (Vec::new(), Vec::new()) }; ALL.len()];
    for _ in 0..(20 / effort.less).max(1) {
        for (kind, (hellos, handshakes)) in ALL.iter().zip(&mut cells) {
            let (hello, handshake) = measure::cold_start(*kind).await?;
            hellos.push(hello.as_secs_f64() * 1e3);
            handshakes.push(handshake.as_secs_f64() * 1e3);
        }
    }
    row(
        "cold start",
        cells.into_iter().map(|(hellos, handshakes)| {
            format!("{:.1}, {:.1}", median(hellos.into_iter()), median(handshakes.into_iter()))
        }),
    );
    Ok(())
}

/// What a test pays for a lab of its own, once the process is warm.
async fn lives(effort: Effort) -> io::Result<()> {
    println!("\na lab of a test, ms: to its start, to its end");
    let mut took = [const { (Vec::new(), Vec::new()) }; Life::ALL.len()];
    for round in 0..=(200 / effort.less).max(1) {
        for turn in 0..Life::ALL.len() {
            // Who comes behind whom tells in a cache, so every second round goes the other way.
            let turn = if round % 2 == 0 { turn } else { Life::ALL.len() - 1 - turn };
            let (start, end) = Life::ALL[turn].live().await?;
            let (starts, ends) = &mut took[turn];
            if round > 0 {
                starts.push(start.as_secs_f64() * 1e3);
                ends.push(end.as_secs_f64() * 1e3);
            }
        }
    }
    for (life, (starts, ends)) in Life::ALL.iter().zip(took) {
        let cell = format!("{:.2}, {:.2}", median(starts.into_iter()), median(ends.into_iter()));
        row(life.name(), [cell].into_iter());
    }
    Ok(())
}

fn heading(kinds: &[Kind]) {
    row("", kinds.iter().map(|kind| kind.name().to_owned()));
}

fn row(name: &str, cells: impl Iterator<Item = String>) {
    let cells: String = cells.map(|cell| format!("{cell:>22}")).collect();
    println!("{name:<40}{cells}");
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn megabytes(octets: u64) -> f64 {
    octets as f64 / 1e6
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores", model.map_or("unknown processor", |(_, name)| name))
}

const fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug build: the figures mean nothing" } else { "optimised build" }
}

fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [play, kind, ca_file] if play == server::PLAY => server::play(kind, Path::new(ca_file)),
        _ => {
            // `cargo bench` passes `--bench`; a test run wants to know only that it works.
            let full = arguments.iter().any(|argument| argument == "--bench");
            let test = arguments.iter().any(|argument| argument == "--test");
            let groups: Vec<_> =
                arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect();
            measure(if full && !test { FULL } else { TINY }, &groups)
        }
    }
}
