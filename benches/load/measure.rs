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
    /// The size of a message.
    pub(crate) bytes: usize,
}

/// What one round took, for a connection.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) connections_per_second: f64,
    pub(crate) cpu_microseconds: f64,
    /// How much longer the slowest of a hundred connections takes than the one in the middle.
    pub(crate) tail: f64,
    /// Whether fewer connections were resumed than could have been.
    pub(crate) lacks_resumption: bool,
}

/// Servers that take turns under the same load.
pub(crate) struct Contest {
    load: Load,
    /// With what TLS needs of each of the parallel clients: tickets that they shared would be too few.
    rivals: Vec<(Server, Vec<Tls>)>,
}

impl Contest {
    pub(crate) fn new(load: Load, kinds: &[Kind]) -> io::Result<Self> {
        let rivals = kinds.iter().map(|kind| {
            let server = Server::start(*kind, load.transport)?;
            let tls = (0..load.parallel).map(|_| Tls::new(load.transport, &server.root));
            let tls = tls.collect::<io::Result<_>>()?;
            Ok((server, tls))
        });
        Ok(Self { load, rivals: rivals.collect::<io::Result<_>>()? })
    }

    /// One round for warming, then `rounds` that count, of each server.
    pub(crate) async fn run(&self, rounds: usize) -> io::Result<Vec<Vec<Round>>> {
        let mut took = vec![Vec::new(); self.rivals.len()];
        for turn in 0..=rounds {
            for ((server, tls), took) in self.rivals.iter().zip(&mut took) {
                let result = round(self.load, server, tls).await?;
                if turn > 0 {
                    took.push(result);
                }
            }
        }
        Ok(took)
    }
}

/// The time after which a round begins no further connection: some peers hold every one up for 100 ms.
const LONGEST: Duration = Duration::from_secs(2);

/// One round of a load against one server; a client without `tls` is in clear.
#[expect(clippy::cast_precision_loss, reason = "counts of connections are small")]
pub(crate) async fn round(load: Load, server: &Server, tls: &[Tls]) -> io::Result<Round> {
    let Load { transport, parallel, connections, messages, bytes } = load;
    let left = Arc::new(AtomicUsize::new(connections));
    let content: Arc<[u8]> = content(bytes).into();
    let (cpu, start) = (server.cpu()?, Instant::now());
    let mut clients = JoinSet::new();
    for client in 0..parallel {
        let (address, implicit, tls) = (server.address, server.implicit, tls.get(client).cloned());
        let (left, content) = (Arc::clone(&left), Arc::clone(&content));
        clients.spawn(async move {
            let take = |left: usize| left.checked_sub(1);
            let (mut full, mut times) = (0, Vec::new());
            while start.elapsed() < LONGEST
                && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
            {
                let begin = Instant::now();
                if let Some(tls) = tls.as_ref().filter(|_| transport != Transport::Clear) {
                    let mut client = Client::secured(address, implicit, tls).await?;
                    full += usize::from(!client.resumed());
                    client.send(messages, &content).await?;
                    client.quit().await?;
                } else {
                    let mut client = Client::connect(address).await?;
                    client.send(messages, &content).await?;
                    client.quit().await?;
                }
                times.push(begin.elapsed());
            }
            io::Result::Ok((full, times))
        });
    }
    let (mut full, mut times) = (0, Vec::with_capacity(connections));
    while let Some(client) = clients.join_next().await {
        let (its_full, its_times) = client.map_err(io::Error::other)??;
        full += its_full;
        times.extend(its_times);
    }
    let elapsed = start.elapsed();
    times.sort();
    let connections = times.len().max(1);
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let cpu = server.cpu()?.saturating_sub(cpu);
    Ok(Round {
        connections_per_second: connections as f64 / elapsed.as_secs_f64(),
        cpu_microseconds: cpu.as_secs_f64() * 1e6 / connections as f64,
        tail: at(99).as_secs_f64() / at(50).as_secs_f64(),
        // A ticket serves once, so only a client's first connection may do without.
        lacks_resumption: transport == Transport::Resumed && full > parallel.max(connections / 10),
    })
}

/// One message of `mebibytes` MiB to a server that has seen nothing else: how long, and its peak memory.
pub(crate) async fn big(kind: Kind, verb: Verb, mebibytes: usize) -> io::Result<(Duration, u64)> {
    let server = Server::start(kind, Transport::Clear)?;
    let mut client = Client::connect(server.address).await?;
    let block = content(1 << 20);
    let start = Instant::now();
    client.send_big(verb, &block, mebibytes).await?;
    let elapsed = start.elapsed();
    client.quit().await?;
    Ok((elapsed, server.memory("VmHWM")?))
}

/// Returns the memory that each of `count` open connections takes after its EHLO, and the memory that all of them
/// leave behind once they are closed.
pub(crate) async fn idle(kind: Kind, transport: Transport, count: usize) -> io::Result<(u64, u64)> {
    /// So many at once, as the queue of a listening socket is short.
    const AT_ONCE: usize = 100;
    let server = Server::start(kind, transport)?;
    let tls = Tls::new(transport, &server.root)?;
    let open = |many: usize| {
        let mut opening = JoinSet::new();
        for _ in 0..many {
            let (address, implicit, tls) = (server.address, server.implicit, tls.clone());
            opening.spawn(async move {
                Ok::<_, io::Error>(match transport {
                    Transport::Clear => (Some(Client::connect(address).await?), None),
                    _ => (None, Some(Client::secured(address, implicit, &tls).await?)),
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
    let open = server.memory("VmRSS")?.saturating_sub(before);
    drop(clients);
    // No server says when it has seen the last of them leave.
    tokio::time::sleep(SETTLED).await;
    Ok((open / count as u64, server.memory("VmRSS")?.saturating_sub(before)))
}

/// The time after which a server has noticed that its clients are gone.
const SETTLED: Duration = Duration::from_secs(3);

/// Returns a server's memory after `messages` messages of so many bytes, ten on a connection.
pub(crate) async fn kept(kind: Kind, messages: usize, bytes: usize) -> io::Result<u64> {
    let server = Server::start(kind, Transport::Clear)?;
    let content = content(bytes);
    for _ in 0..messages.div_ceil(10) {
        let mut client = Client::connect(server.address).await?;
        client.send(10, &content).await?;
        client.quit().await?;
    }
    server.memory("VmRSS")
}

/// From the start of the process to the reply to EHLO, and to the one behind a handshake.
pub(crate) async fn cold_start(kind: Kind) -> io::Result<(Duration, Duration)> {
    let start = Instant::now();
    let server = Server::start(kind, Transport::Tls13)?;
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

/// The least, the one in the middle, and the most.
pub(crate) fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(values.len() / 2), at(values.len().saturating_sub(1)))
}

/// The one in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    spread(values).1
}

/// A message of exactly `size` bytes in lines of 64.
pub(crate) fn content(size: usize) -> Vec<u8> {
    const LINE: &[u8] = b"the quick brown fox jumps over the lazy dog, and then once more\r\n";
    let mut content = b"Subject: load\r\nFrom: <sender@example.com>\r\n\r\n".to_vec();
    while content.len() + LINE.len() < size {
        content.extend_from_slice(LINE);
    }
    content.resize(size - 2, b'x');
    content.extend_from_slice(b"\r\n");
    content
}
