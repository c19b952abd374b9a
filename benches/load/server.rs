//! The servers that are measured, each in a process of its own, so that the system counts for it.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use starttls_lab::internal::journal::Bounds;
use starttls_lab::internal::lab::{Engine, Options};
use starttls_lab::internal::scenario::ScenarioText;
use starttls_lab::internal::wire::Ports;
use tempfile::TempDir;

use crate::client::Transport;
use crate::peer::{self, Peer};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A sink on tokio and rustls, without a journal.
    Bare,
    /// The library: a lab that nobody reads along with.
    Lab,
    /// The same with a journal that keeps nothing.
    Forgetful,
    /// The program `starttls-lab serve`, which prints what happens.
    Serve,
    /// A server of others.
    Peer(Peer),
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Lab => "lab",
            Self::Forgetful => "forgetful",
            Self::Serve => "serve",
            Self::Peer(peer) => peer.name(),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Bare, Self::Lab, Self::Forgetful].into_iter().find(|kind| kind.name() == name)
    }

    fn command(self, ca_file: &Path) -> io::Result<Command> {
        if self == Self::Serve {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/load/lab.toml");
            return Ok(program(Path::new(file), ca_file));
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.args([PLAY, self.name()]).arg(ca_file);
        Ok(command)
    }
}

/// The program with a lab file; one is named to measure another build of it.
fn program(file: &Path, ca_file: &Path) -> Command {
    let other = std::env::var_os("STARTTLS_LAB");
    let mut command = Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_starttls-lab").into()));
    command.arg("serve").arg(file).args(["--port", "0", "--ca-file"]).arg(ca_file);
    command
}

/// The argument that makes this program a server.
pub(crate) const PLAY: &str = "--play";

/// A server at work; it ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What a client has to trust, as PEM.
    pub(crate) root: String,
    /// Whether it speaks TLS from the start.
    pub(crate) implicit: bool,
}

impl Server {
    pub(crate) fn start(kind: Kind, transport: Transport) -> io::Result<Self> {
        let dir = TempDir::new()?;
        if let Kind::Peer(peer) = kind {
            let implicit = peer.is_implicit() && transport != Transport::Clear;
            let (mut command, address, root) = peer.command(dir.path(), implicit)?;
            let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
            let server = Self { child, address, root, implicit };
            peer::await_listening(address)?;
            return Ok(server);
        }
        let ca_file = dir.path().join("ca.pem");
        Self::announced(kind.command(&ca_file)?, &ca_file, kind == Kind::Serve)
    }

    /// Starts the program with a lab file of this text.
    pub(crate) fn serve(lab: &str) -> io::Result<Self> {
        let dir = TempDir::new()?;
        let (file, ca_file) = (dir.path().join("lab.toml"), dir.path().join("ca.pem"));
        std::fs::write(&file, lab)?;
        Self::announced(program(&file, &ca_file), &ca_file, true)
    }

    /// Starts a server that says on its first line where it listens; `goes_on` where more follows.
    fn announced(mut command: Command, ca_file: &Path, goes_on: bool) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        // From here on the child ends with the value.
        let mut server =
            Self { child, address: ([0, 0, 0, 0], 0).into(), root: String::new(), implicit: false };
        let mut stdout = BufReader::new(stdout.ok_or(io::ErrorKind::BrokenPipe)?);
        let mut ready = String::new();
        stdout.read_line(&mut ready)?;
        let ready: Value = serde_json::from_str(&ready)?;
        let address = ready["connectors"][0]["addr"].as_str().unwrap_or_default();
        server.address = address.parse().map_err(io::Error::other)?;
        server.root = std::fs::read_to_string(ca_file)?;
        if goes_on {
            // Somebody has to read what the program prints, or it stops at a full pipe.
            std::thread::spawn(move || io::copy(&mut stdout, &mut io::sink()));
        }
        Ok(server)
    }

    /// The time that its threads were on a processor.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let mut sum = Duration::ZERO;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // Nanoseconds; `stat` next to it counts hundredths of a second.
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split_whitespace().next().unwrap_or_default();
            sum += Duration::from_nanos(first.parse().map_err(io::Error::other)?);
        }
        Ok(sum)
    }

    /// A line of its `status` in bytes: `VmRSS` for the memory in use, `VmHWM` for the most ever.
    pub(crate) fn memory(&self, key: &str) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
        number.parse().map(|kib: u64| kib * 1024).map_err(io::Error::other)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A child that has ended by itself is what was wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What the process of a server does: plays until whoever started it has gone.
pub(crate) fn play(kind: &str, ca_file: &Path) -> io::Result<()> {
    let kind = Kind::from_name(kind).ok_or_else(|| io::Error::other("no such server"))?;
    std::thread::spawn(|| {
        io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(0);
    });
    // One thread, as the program has.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match kind {
        Kind::Bare => runtime.block_on(crate::bare::play(ca_file)),
        _ => runtime.block_on(play_lab(kind == Kind::Lab, ca_file)),
    }
}

async fn play_lab(remembers: bool, ca_file: &Path) -> io::Result<()> {
    let text = ScenarioText::parse(include_str!("lab.toml"), "lab.toml").map_err(io::Error::other)?;
    let nothing = Bounds { entries: 1, entry_octets: 0, messages: 1, message_octets: 0 };
    let bounds = if remembers { Bounds::default() } else { nothing };
    let options = Options { ports: Ports::Free, bounds, ..Options::default() };
    let lab = Engine::start(&text, options).await.map_err(io::Error::other)?;
    std::fs::write(ca_file, lab.root().to_pem())?;
    let connectors = lab.connectors();
    announce(connectors.first().ok_or_else(|| io::Error::other("the lab has no connector"))?.addr)?;
    std::future::pending().await
}

/// Says where a server listens, as the program does.
#[expect(clippy::print_stdout, reason = "the first line of a server's standard output is an interface")]
pub(crate) fn announce(address: SocketAddr) -> io::Result<()> {
    println!("{}", json!({ "connectors": [{ "addr": address }] }));
    io::Write::flush(&mut io::stdout())
}
