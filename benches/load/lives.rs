//! The life of a lab with nothing in it: what a test pays for one of its own, from its start to its end.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use starttls_lab::Lab;
use starttls_lab::internal::http::{self, ControlApi};
use starttls_lab::internal::lab::{Engine, Options};
use starttls_lab::internal::scenario::{ScenarioText, scenario};
use starttls_lab::internal::wire::Ports;

/// How a lab lives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    /// `Lab`, as a Rust test has it, on a thread of its own.
    Harness,
    /// The engine on this thread, without or with the control API.
    Engine(Control),
    /// The program, from its start to the ready line, and from the end of its standard input to its own.
    Program(Control),
}

/// Whether the control API is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    Closed,
    Open,
}

/// What is played.
const SCENARIO: &str = "healthy";

/// How long what does not end by itself may take to end.
const GRACE: Duration = Duration::from_millis(1500);

impl Life {
    pub(crate) const ALL: [Self; 5] = [
        Self::Harness,
        Self::Engine(Control::Closed),
        Self::Engine(Control::Open),
        Self::Program(Control::Closed),
        Self::Program(Control::Open),
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Harness => "Lab of a Rust test",
            Self::Engine(Control::Closed) => "engine, control API closed",
            Self::Engine(Control::Open) => "engine, control API open",
            Self::Program(Control::Closed) => "serve --no-control",
            Self::Program(Control::Open) => "serve, control API open",
        }
    }

    /// How long the start took, and the end.
    pub(crate) async fn live(self) -> io::Result<(Duration, Duration)> {
        match self {
            Self::Harness => harness(),
            Self::Engine(control) => engine(control).await,
            Self::Program(control) => program(control),
        }
    }
}

/// The labs of a hundred tests that run at once, each on a thread: the time of all, and the most that one took.
pub(crate) fn a_hundred() -> io::Result<(Duration, Duration)> {
    let begin = Instant::now();
    let labs: Vec<_> = (0..100).map(|_| std::thread::spawn(harness)).collect();
    let mut longest = Duration::ZERO;
    for lab in labs {
        let (start, end) = lab.join().map_err(|_| io::Error::other("a lab has panicked"))??;
        longest = longest.max(start + end);
    }
    Ok((begin.elapsed(), longest))
}

fn harness() -> io::Result<(Duration, Duration)> {
    let begin = Instant::now();
    let lab = Lab::scenario(SCENARIO).start().map_err(io::Error::other)?;
    let started = begin.elapsed();
    all_ended(lab.finish().all_ended)?;
    Ok((started, begin.elapsed() - started))
}

async fn engine(control: Control) -> io::Result<(Duration, Duration)> {
    let begin = Instant::now();
    let text = scenario(SCENARIO).ok_or(io::ErrorKind::NotFound)?.text;
    let text = ScenarioText::parse(text, SCENARIO).map_err(io::Error::other)?;
    let options = Options { ports: Ports::Free, ..Options::default() };
    let lab = Arc::new(Engine::start(&text, options).await.map_err(io::Error::other)?);
    let console = match control {
        Control::Closed => None,
        Control::Open => {
            let console = ControlApi::open(Arc::clone(&lab), http::Options::default()).await;
            Some(console.map_err(io::Error::other)?)
        }
    };
    let started = begin.elapsed();
    if let Some(console) = console {
        console.close(GRACE).await;
    }
    all_ended(lab.finish(GRACE).await)?;
    Ok((started, begin.elapsed() - started))
}

fn program(control: Control) -> io::Result<(Duration, Duration)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_starttls-lab"));
    command.args(["serve", SCENARIO, "--port", "0", "--exit-on-stdin-eof"]);
    command.env("STARTTLS_LAB_NO_CONTROL", (control == Control::Closed).to_string());
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdout = BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
    let mut ready = String::new();
    stdout.read_line(&mut ready)?;
    let started = begin.elapsed();
    let closed = ready.contains("\"control\":null");
    drop(child.stdin.take());
    io::copy(&mut stdout.by_ref(), &mut io::sink())?;
    all_ended(child.wait()?.success() && closed == (control == Control::Closed))?;
    Ok((started, begin.elapsed() - started))
}

fn all_ended(well: bool) -> io::Result<()> {
    if well { Ok(()) } else { Err(io::Error::other("the lab did not live as it should")) }
}
