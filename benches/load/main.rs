//! What a lab costs, beside what the stack under it costs: `cargo bench --bench load`.
//!
//! Every server is a process of its own on one thread; this process is its client. Servers take turns,
//! round by round, so that a noisy machine is noisy for all of them. Names of groups select them:
//! `cargo bench --bench load -- idle cold`. Linux only, for it reads `/proc`.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod bare;
mod client;
mod growth;
mod lives;
mod measure;
mod peer;
mod server;

use std::io;
use std::path::Path;

use client::{Transport, Verb};
use growth::Axis;
use lives::Life;
use measure::{Contest, Load, Round, median, spread};
use peer::Peer;
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
    if wants("load") || wanted.iter().any(|word| word.contains('-')) {
        loads(effort, wanted).await?;
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
    if wants("growth") {
        growth(effort).await?;
    }
    Ok(())
}

async fn loads(effort: Effort, wanted: &[String]) -> io::Result<()> {
    const KIB: usize = 1024;
    const LOADS: [(&str, Load); 17] = [
        ("clear-1", load(Transport::Clear, 1, 500, 1, KIB)),
        ("clear-10", load(Transport::Clear, 10, 1000, 1, KIB)),
        ("clear-100", load(Transport::Clear, 100, 1000, 1, KIB)),
        ("clear-10-x100", load(Transport::Clear, 10, 30, 100, KIB)),
        ("clear-10-100k", load(Transport::Clear, 10, 300, 1, 100 * KIB)),
        ("clear-10-100k-x100", load(Transport::Clear, 10, 10, 100, 100 * KIB)),
        ("tls13-1", load(Transport::Tls13, 1, 200, 1, KIB)),
        ("tls13-10", load(Transport::Tls13, 10, 400, 1, KIB)),
        ("tls13-100", load(Transport::Tls13, 100, 400, 1, KIB)),
        ("tls13-10-x100", load(Transport::Tls13, 10, 20, 100, KIB)),
        ("tls13-10-handshake", load(Transport::Tls13, 10, 400, 0, KIB)),
        ("resumed-1", load(Transport::Resumed, 1, 200, 1, KIB)),
        ("resumed-10", load(Transport::Resumed, 10, 400, 1, KIB)),
        ("resumed-10-handshake", load(Transport::Resumed, 10, 400, 0, KIB)),
        ("tls12-1", load(Transport::Tls12, 1, 200, 1, KIB)),
        ("tls12-10", load(Transport::Tls12, 10, 400, 1, KIB)),
        ("tls12-10-handshake", load(Transport::Tls12, 10, 400, 0, KIB)),
    ];
    println!(
        "\nconnections/s; the server's CPU in us a connection: median, least to most; the median of its ratios in"
    );
    println!("single rounds to bare and to the best of the others; p99/p50 of a connection's time");
    for (name, load) in LOADS {
        if !wanted.is_empty() && !wanted.iter().any(|word| name == word || word == "load") {
            continue;
        }
        let load = Load { connections: (load.connections / effort.less).max(1), ..load };
        let peers = peers().filter(|peer| load.transport == Transport::Clear || peer.speaks_tls());
        let kinds: Vec<Kind> = ALL.into_iter().chain(peers.map(Kind::Peer)).collect();
        let took = Contest::new(load, &kinds)?.run(effort.rounds).await?;
        contest(name, &kinds, &took);
    }
    Ok(())
}

const fn load(
    transport: Transport,
    parallel: usize,
    connections: usize,
    messages: usize,
    bytes: usize,
) -> Load {
    Load { transport, parallel, connections, messages, bytes }
}

/// The peers that are installed.
fn peers() -> impl Iterator<Item = Peer> {
    Peer::ALL.into_iter().filter(|peer| peer.is_installed())
}

/// Prints how the servers did under one load.
fn contest(name: &str, kinds: &[Kind], took: &[Vec<Round>]) {
    let cpu = |rounds: &[Round]| median(rounds.iter().map(|round| round.cpu_microseconds));
    let rivals = kinds.iter().zip(took).filter(|(kind, _)| matches!(kind, Kind::Peer(_)));
    let best =
        rivals.min_by(|(_, one), (_, other)| cpu(one).total_cmp(&cpu(other))).map(|(_, rounds)| rounds);
    let bare = took.first();
    println!("{name}");
    for (kind, rounds) in kinds.iter().zip(took) {
        let rate = median(rounds.iter().map(|round| round.connections_per_second));
        let (least, middle, most) = spread(rounds.iter().map(|round| round.cpu_microseconds));
        let tail = median(rounds.iter().map(|round| round.tail));
        let ratio = |to: Option<&Vec<Round>>| {
            let pairs = rounds.iter().zip(to.into_iter().flatten());
            median(pairs.map(|(own, other)| own.cpu_microseconds / other.cpu_microseconds))
        };
        let cells = [
            format!("{rate:.0}/s"),
            format!("{middle:.0} us ({least:.0} to {most:.0})"),
            format!("{:.2} of bare", ratio(bare)),
            best.map_or(String::new(), |best| format!("{:.2} of best", ratio(Some(best)))),
            format!("p99/p50 {tail:.2}"),
            if rounds.iter().any(|round| round.lacks_resumption) {
                "NOT resumed".to_owned()
            } else {
                String::new()
            },
        ];
        row(&format!("  {}", kind.name()), cells.into_iter());
    }
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
    const KINDS: [Kind; 4] = [Kind::Bare, Kind::Lab, Kind::Forgetful, Kind::Serve];
    println!(
        "\nmemory of an idle connection after EHLO, KiB, and what is left of all of them when they are closed, MB"
    );
    println!("(forgetful: a lab whose journal keeps nothing)");
    for (name, transport) in [("in clear", Transport::Clear), ("after STARTTLS", Transport::Tls13)] {
        let peers = peers().filter(|peer| transport == Transport::Clear || peer.speaks_tls());
        let kinds: Vec<Kind> = KINDS.into_iter().chain(peers.map(Kind::Peer)).collect();
        for count in [1_000, 10_000].map(|count| count / effort.less) {
            println!("{count} open, {name}");
            if open_files().is_some_and(|most| most < count + 200) {
                println!("  left out: the limit of open files is too low");
                continue;
            }
            for kind in &kinds {
                let cell = match measure::idle(*kind, transport, count).await {
                    Ok((open, left)) => format!("{:.1}, {:.1}", kibibytes(open), megabytes(left)),
                    Err(error) => format!("failed: {error}"),
                };
                row(&format!("  {}", kind.name()), [cell].into_iter());
            }
        }
    }
    let messages = 10_000 / effort.less;
    println!("memory with {messages} messages of 10 KiB, MB");
    for kind in KINDS.into_iter().chain(peers().map(Kind::Peer)) {
        let cell = format!("{:.1}", megabytes(measure::kept(kind, messages, 10 * 1024).await?));
        row(&format!("  {}", kind.name()), [cell].into_iter());
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

/// How the cost of a session grows; in full, the picture in the documentation is made anew.
async fn growth(effort: Effort) -> io::Result<()> {
    println!("\nCPU of serve, us a session with a message of 1 KiB, against what there is");
    let mut curves = Vec::new();
    for axis in Axis::ALL {
        let curve = axis.measure(effort.rounds, effort.less).await?;
        row(axis.name(), curve.iter().map(|(count, cpu)| format!("{count}: {cpu:.0}")));
        curves.push((axis, curve));
    }
    if effort.less == 1 {
        growth::draw(&curves, &Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images/growth.svg"))?;
    }
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
    let (all, longest) = lives::a_hundred()?;
    let cell =
        format!("{:.1} a lab, {:.1} the longest", all.as_secs_f64() * 10.0, longest.as_secs_f64() * 1e3);
    row("100 labs of Rust tests at once", [cell].into_iter());
    Ok(())
}

fn heading(kinds: &[Kind]) {
    row("", kinds.iter().map(|kind| kind.name().to_owned()));
}

fn row(name: &str, cells: impl Iterator<Item = String>) {
    let cells: String = cells.map(|cell| format!("{cell:>26}")).collect();
    println!("{name:<34}{cells}");
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn kibibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
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
