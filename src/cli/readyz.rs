//! `readyz`: whether a lab takes connections.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::output::{self, Failure};
use super::ready;
use super::time::some_time;
use crate::exchange::TimeSpan;

/// Arguments of `readyz`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the lab listens
    #[arg(long, env = "STARTTLS_LAB_ADDRESS", default_value = "127.0.0.1:1025", value_name = "HOST:PORT")]
    address: String,
    /// Read where the lab listens from what serve --ready-file wrote
    #[arg(long, env = "STARTTLS_LAB_READY_FILE", conflicts_with = "address", value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Wait until it does, rather than ask once
    #[arg(long, env = "STARTTLS_LAB_WAIT")]
    wait: bool,
    /// How long to wait, such as 30s
    #[arg(long, env = "STARTTLS_LAB_TIMEOUT", default_value = "30s", value_name = "TIME", value_parser = some_time)]
    timeout: TimeSpan,
}

/// How long one attempt may take, and how long to leave between two.
const ATTEMPT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) fn readyz(args: &Args) -> Result<(), Failure> {
    let TimeSpan(longest) = args.timeout;
    let started = Instant::now();
    loop {
        let problem = match answer(args) {
            Ok(banner) => return output::text(&format!("{banner}\n")),
            Err(problem) => problem,
        };
        if !args.wait || started.elapsed() >= longest {
            return Err(Failure::not_ready(problem));
        }
        // A pause without a clock of its own: nobody ever sends.
        let (_keep, never) = mpsc::channel::<()>();
        never.recv_timeout(PAUSE).ok();
    }
}

/// The banner of the lab that was named; its file is read anew each time, because a lab may come or go.
fn answer(args: &Args) -> Result<String, String> {
    let address = match &args.ready_file {
        Some(path) => ready::first_address(path)?.to_string(),
        None => args.address.clone(),
    };
    ask(&address).map_err(|problem| format!("{address} is not ready: {problem}"))
}

/// The banner, where the other side sends one.
fn ask(address: &str) -> Result<String, String> {
    let addresses = address.to_socket_addrs().map_err(|error| format!("{error}; write HOST:PORT"))?;
    let mut problem = "the name has no address".to_owned();
    for address in addresses {
        match banner(address) {
            Ok(banner) if banner.starts_with("220") => return Ok(banner),
            Ok(banner) => problem = format!("it says {banner:?}"),
            Err(error) => problem = error.to_string(),
        }
    }
    Err(problem)
}

fn banner(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ATTEMPT)?;
    stream.set_read_timeout(Some(ATTEMPT))?;
    let mut banner = String::new();
    BufReader::new(stream.try_clone()?).read_line(&mut banner)?;
    stream.write_all(b"QUIT\r\n")?;
    Ok(banner.trim_end().to_owned())
}
