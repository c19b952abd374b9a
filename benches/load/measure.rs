//! What is done to a server, and what it takes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::{Client, Tls, Transport, Verb};
use crate::server::{Kind, Server};

/// Connections that all do the same.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) transport: Transport,
    /// How many connections are open at a time.
    pub(crate) parallel: usize,
    /// How many there are in a round.
    pub(crate) connections: usize,
    /// How many messages each of them brings.
    pub(crate) messages: usize,
}

/// What one round took.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) connections_per_second: f64,
    pub(crate) cpu_microseconds: f64,
    /// The processor's time, to that of the first server in the same round.
    pub(crate) to_first: f64,
}

/// Servers that take turns under the same load.
pub(crate) struct Contest {
    load: Load,
    rivals: Vec<(Server, Tls)>,
}

impl Contest {
    pub(crate) fn new(load: Load, kinds: &[Kind]) -> io::Result<Self> {
        let rivals = kinds.iter().map(|kind| {
            let server = Server::start(*kind)?;
            let tls = Tls::new(load.transport, &server.root)?;
            Ok((server, tls))
        });
        Ok(Self { load, rivals: rivals.collect::<io::Result<_>>()? })
    }

    /// One round for warming, then `rounds` that count; of each server the medians.
    pub(crate) async fn run(&self, rounds: usize) -> io::Result<Vec<Took>> {
        let mut took = vec![Vec::new(); self.rivals.len()];
        for round in 0..=rounds {
            let mut first = None;
            for ((server, tls), took) in self.rivals.iter().zip(&mut took) {
                let mut result = self.round(server, tls).await?;
                result.to_first = result.cpu_microseconds / *first.get_or_insert(result.cpu_microseconds);
                if round > 0 {
                    took.push(result);
                }
            }
        }
        let medians = took.iter().map(|rounds| Took {
            connections_per_second: median(rounds.iter().map(|took| took.connections_per_second)),
            cpu_microseconds: median(rounds.iter().map(|took| took.cpu_microseconds)),
            to_first: median(rounds.iter().map(|took| took.to_first)),
        });
        Ok(medians.collect())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of connections are small")]
    async fn round(&self, server: &Server, tls: &Tls) -> io::Result<Took> {
        let Load { transport, parallel, connections, messages } = self.load;
        let left = Arc::new(AtomicUsize::new(connections));
        let content: Arc<[u8]> = content(1024).into();
        let (cpu, start) = (server.cpu()?, Instant::now());
        let mut clients = JoinSet::new();
        for _ in 0..parallel {
            let (address, tls) = (server.address, tls.clone());
            let (left, content) = (Arc::clone(&left), Arc::clone(&content));
            clients.spawn(async move {
                let take = |left: usize| left.checked_sub(1);
                let mut full = 0;
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                    let client = Client::connect(address).await?;
                    if transport == Transport::Clear {
                        let mut client = client;
                        client.send(messages, &content).await?;
                        client.quit().await?;
                    } else {
                        let mut client = client.start_tls(&tls).await?;
                        full += usize::from(!client.resumed());
                        client.send(messages, &content).await?;
                        client.quit().await?;
                    }
                }
                io::Result::Ok(full)
            });
        }
        let mut full = 0;
        while let Some(client) = clients.join_next().await {
            full += client.map_err(io::Error::other)??;
        }
        let elapsed = start.elapsed();
        // A ticket serves once, so only a client's first connection may do without.
        if transport == Transport::Resumed && full > parallel.max(connections / 10) {
            return Err(io::Error::other(format!("{full} of {connections} were not resumed")));
        }
        let cpu = server.cpu()?.saturating_sub(cpu);
        Ok(Took {
            connections_per_second: connections as f64 / elapsed.as_secs_f64(),
            cpu_microseconds: cpu.as_secs_f64() * 1e6 / connections as f64,
            to_first: 1.0,
        })
    }
}

/// One message of `mebibytes` MiB to a server that has seen nothing else: how long, and its peak memory.
pub(crate) async fn big(kind: Kind, verb: Verb, mebibytes: usize) -> io::Result<(Duration, u64)> {
    let server = Server::start(kind)?;
    let mut client = Client::connect(server.address).await?;
    let block = content(1 << 20);
    let start = Instant::now();
    client.send_big(verb, &block, mebibytes).await?;
    let elapsed = start.elapsed();
    client.quit().await?;
    Ok((elapsed, server.memory("VmHWM")?))
}

/// By how much `count` open connections that have said EHLO raise a server's memory, each.
pub(crate) async fn idle(kind: Kind, transport: Transport, count: usize) -> io::Result<u64> {
    /// So many at once, as the queue of a listening socket is short.
    const AT_ONCE: usize = 100;
    let server = Server::start(kind)?;
    let tls = Tls::new(transport, &server.root)?;
    let open = |many: usize| {
        let mut opening = JoinSet::new();
        for _ in 0..many {
            let (address, tls) = (server.address, tls.clone());
            opening.spawn(async move {
                let client = Client::connect(address).await?;
                Ok::<_, io::Error>(match transport {
                    Transport::Clear => (Some(client), None),
                    _ => (None, Some(client.start_tls(&tls).await?)),
                })
            });
        }
        opening
    };
    let mut clients = Vec::with_capacity(count + AT_ONCE);
    // What the first connections cost, the code and tables that they touch, is not theirs.
    let mut before = 0;
    while clients.len() < count + AT_ONCE {
        let mut opening = open(AT_ONCE.min(count + AT_ONCE - clients.len()));
        while let Some(client) = opening.join_next().await {
            clients.push(client.map_err(io::Error::other)??);
        }
        if clients.len() == AT_ONCE {
            before = server.memory("VmRSS")?;
        }
    }
    Ok(server.memory("VmRSS")?.saturating_sub(before) / count as u64)
}

/// From the start of the process to the reply to EHLO, and to the one behind a handshake.
pub(crate) async fn cold_start(kind: Kind) -> io::Result<(Duration, Duration)> {
    let start = Instant::now();
    let server = Server::start(kind)?;
    let client = Client::connect(server.address).await?;
    let hello = start.elapsed();
    // Making the client's own side ready is not the server's doing.
    let tls = Tls::new(Transport::Tls13, &server.root)?;
    let again = Instant::now();
    let client = client.start_tls(&tls).await?;
    let secured = hello + again.elapsed();
    client.quit().await?;
    Ok((hello, secured))
}

/// The one in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A message of exactly `size` bytes in lines of 64.
fn content(size: usize) -> Vec<u8> {
    const LINE: &[u8] = b"the quick brown fox jumps over the lazy dog, and then once more\r\n";
    let mut content = b"Subject: load\r\nFrom: <sender@example.com>\r\n\r\n".to_vec();
    while content.len() + LINE.len() < size {
        content.extend_from_slice(LINE);
    }
    content.resize(size - 2, b'x');
    content.extend_from_slice(b"\r\n");
    content
}
