//! Connections to servers outside the lab, for commands that were given an address.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// Returns the addresses of `host`, in the order of the system's resolver; an address stands for itself.
///
/// # Errors
///
/// The resolver's error, or a time-out.
pub async fn resolve(host: &str, port: u16, patience: Duration) -> io::Result<Vec<SocketAddr>> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in timeout(patience, lookup_host((host, port))).await?? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Connects to `address`, which need not be on loopback.
///
/// # Errors
///
/// The operating system's error, or a time-out.
pub async fn reach(
    address: SocketAddr,
    patience: Duration,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send> {
    let stream = timeout(patience, TcpStream::connect(address)).await??;
    stream.set_nodelay(true).ok();
    Ok(stream)
}
