//! `readyz`: asks whether a lab accepts connections.
//!
//! `readyz` asks a lab over its control API or, where that is closed, through its ready file, so that the
//! question is not a session of the lab. Only where neither is named does it read the lab's banner, which is
//! a session.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::client::{Client, ClientError, Reply};
use super::output::{self, Failure};
use super::ready::Announced;
use super::time::some_time;
use crate::exchange::TimeSpan;

/// Arguments of `readyz`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address on which the lab accepts mail: its banner is read, which is a session of the lab and
    /// counts as one. 127.0.0.1:1025 where neither this nor a file nor a control API is named
    #[arg(long, env = "STARTTLS_LAB_ADDRESS", value_name = "HOST:PORT")]
    address: Option<String>,
    /// Ask the lab that has written this file by serve --ready-file
    #[arg(long, env = "STARTTLS_LAB_READY_FILE", conflicts_with = "address", value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Ask the control API here: a port of 127.0.0.1, or ADDRESS:PORT, as serve --control has it. A file and an
    /// address come first
    #[arg(long, env = "STARTTLS_LAB_CONTROL", value_name = "PORT|ADDRESS:PORT")]
    control: Option<String>,
    /// The token that the control API requires
    #[arg(long, env = "STARTTLS_LAB_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    control_token: Option<String>,
    /// Wait until the lab accepts connections, rather than ask once
    #[arg(long, env = "STARTTLS_LAB_WAIT")]
    wait: bool,
    /// The maximum time to wait, such as 30s
    #[arg(long, env = "STARTTLS_LAB_TIMEOUT", default_value = "30s", value_name = "TIME", value_parser = some_time)]
    timeout: TimeSpan,
}

/// The time-out of one attempt, and the pause between two attempts.
const ATTEMPT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);
/// The answer where no banner was read.
const READY: &str = "ready";
/// The maximum length of a banner's line; RFC 5321 section 4.5.3.1.5 asks for 512.
const LONGEST: u64 = 4096;

pub(super) fn readyz(args: &Args) -> Result<(), Failure> {
    let TimeSpan(longest) = args.timeout;
    let started = Instant::now();
    loop {
        let problem = match answer(args) {
            Ok(said) => return output::text(&format!("{said}\n")),
            Err(problem) => problem,
        };
        if !args.wait || started.elapsed() >= longest {
            return Err(problem);
        }
        // A pause without a clock of its own: the channel never receives anything.
        let (_keep, never) = mpsc::channel::<()>();
        never.recv_timeout(PAUSE).ok();
    }
}

/// Asks the named lab. Its ready file is read again each time, because a lab may start or stop.
fn answer(args: &Args) -> Result<String, Failure> {
    if let Some(path) = &args.ready_file {
        by_file(path, args.control_token.as_deref())?;
        return Ok(READY.to_owned());
    }
    let control = match (&args.address, &args.control) {
        (None, Some(control)) => control,
        (address, _) => {
            let address = address.as_deref().unwrap_or("127.0.0.1:1025");
            return ask(address);
        }
    };
    by_control(control, args.control_token.as_deref())?;
    Ok(READY.to_owned())
}

/// Asks the lab that has written `path`.
fn by_file(path: &Path, token: Option<&str>) -> Result<(), Failure> {
    let announced = Announced::read(path).map_err(|error| Failure::not_ready(error.to_string()))?;
    match announced.control() {
        Some(url) => by_control(url, token)?,
        None if announced.has_process() => {}
        None => {
            let problem = format!("{}: the lab that has written it is gone", path.display());
            return Err(Failure::not_ready(problem));
        }
    }
    Ok(())
}

/// Asks `/readyz` of a control API.
fn by_control(control: &str, token: Option<&str>) -> Result<(), Failure> {
    let client = Client::new(control, token.map(str::to_owned)).within(ATTEMPT);
    let wrong = |problem: String| {
        Failure::not_ready(format!("the control API at {} is not ready: {problem}", client.authority()))
    };
    match client.ask("GET", "/readyz", "") {
        Ok(Reply { status: 200, .. }) => Ok(()),
        Ok(Reply { status, .. }) => Err(wrong(format!("it answers with status {status}"))),
        Err(ClientError::Io(_, error)) => Err(wrong(error.to_string())),
        Err(error) => Err(Failure::not_ready(error.to_string())),
    }
}

/// Reads the banner, where the server sends one.
fn ask(address: &str) -> Result<String, Failure> {
    let wrong = |problem: String| Failure::not_ready(format!("{address} is not ready: {problem}"));
    let addresses = address.to_socket_addrs().map_err(|error| wrong(format!("{error}; write HOST:PORT")))?;
    let mut problem = "the name has no address".to_owned();
    for address in addresses {
        match banner(address) {
            Ok(banner) if banner.starts_with("220") => return Ok(banner),
            Ok(banner) => problem = format!("it says {banner:?}"),
            Err(error) => problem = error.to_string(),
        }
    }
    Err(wrong(problem))
}

fn banner(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ATTEMPT)?;
    stream.set_read_timeout(Some(ATTEMPT))?;
    let mut banner = String::new();
    BufReader::new(stream.try_clone()?.take(LONGEST)).read_line(&mut banner)?;
    if !banner.ends_with('\n') && banner.len() as u64 >= LONGEST {
        return Err(std::io::Error::other("it sends more than 4 KiB without the end of a line"));
    }
    stream.write_all(b"QUIT\r\n")?;
    Ok(banner.trim_end().to_owned())
}
