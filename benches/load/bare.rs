//! What the stack gives for nothing: a sink on tokio and rustls that has no journal, no limits, no time-outs.
//!
//! It answers everything with fixed texts and keeps the newest messages, as a lab does. What the lab
//! takes more than this, it takes for being a lab.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::client::SERVER_NAME;

const EHLO: &[u8] = b"250-bare\r\n250-SIZE\r\n250-STARTTLS\r\n250-CHUNKING\r\n250 8BITMIME\r\n";
/// As many messages as a lab keeps.
const KEPT: usize = 10_000;

#[derive(Default)]
struct Kept(Mutex<VecDeque<Bytes>>);

impl Kept {
    fn push(&self, message: Bytes) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(message);
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }
}

/// Takes connections for ever; its certificate goes to `ca_file`.
pub(crate) async fn play(ca_file: &Path) -> io::Result<()> {
    let certified = rcgen::generate_simple_self_signed([SERVER_NAME.to_owned()]).map_err(io::Error::other)?;
    std::fs::write(ca_file, certified.cert.pem())?;
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(io::Error::other)?.with_no_client_auth();
    let config = config.with_single_cert(vec![certified.cert.into()], key);
    let tls = TlsAcceptor::from(Arc::new(config.map_err(io::Error::other)?));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    crate::server::announce(listener.local_addr()?)?;
    let kept = Arc::new(Kept::default());
    loop {
        let (stream, _) = listener.accept().await?;
        let (tls, kept) = (tls.clone(), Arc::clone(&kept));
        // A peer that leaves is no affair of a sink.
        tokio::spawn(async move { hold(stream, &tls, &kept).await.ok() });
    }
}

async fn hold(mut stream: TcpStream, tls: &TlsAcceptor, kept: &Kept) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 bare\r\n").await?;
    if converse(&mut stream, kept).await? {
        converse(&mut tls.accept(stream).await?, kept).await?;
    }
    Ok(())
}

/// Answers until QUIT, or until STARTTLS, which is true.
async fn converse<IO: AsyncRead + AsyncWrite + Unpin>(io: &mut IO, kept: &Kept) -> io::Result<bool> {
    let mut input = BytesMut::new();
    loop {
        let Some(end) = memchr::memchr(b'\n', &input) else {
            read(io, &mut input, 512).await?;
            continue;
        };
        let line = input.split_to(end + 1);
        if input.is_empty() {
            input = BytesMut::new();
        }
        let reply = match line.get(..4).unwrap_or_default() {
            b"EHLO" => EHLO,
            b"STAR" => &b"220 go\r\n"[..],
            b"DATA" => {
                io.write_all(b"354 go\r\n").await?;
                kept.push(data(io, &mut input).await?);
                b"250 kept\r\n"
            }
            b"BDAT" => {
                kept.push(chunk(io, &mut input, &line).await?);
                b"250 kept\r\n"
            }
            b"QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        io.write_all(reply).await?;
        io.flush().await?;
        match reply.get(..3) {
            Some(b"221") => return io.shutdown().await.map(|()| false),
            Some(b"220") => return Ok(true),
            _ => {}
        }
    }
}

async fn data<IO: AsyncRead + Unpin>(io: &mut IO, input: &mut BytesMut) -> io::Result<Bytes> {
    const END: &[u8] = b"\r\n.\r\n";
    let mut seen = 0;
    loop {
        if let Some(found) = memchr::memmem::find(&input[seen..], END) {
            let message = input.split_to(seen + found + 2).freeze();
            input.advance(END.len() - 2);
            return Ok(message);
        }
        seen = input.len().saturating_sub(END.len() - 1);
        read(io, input, 64 * 1024).await?;
    }
}

async fn chunk<IO: AsyncRead + Unpin>(io: &mut IO, input: &mut BytesMut, line: &[u8]) -> io::Result<Bytes> {
    let words = str::from_utf8(line).map_err(io::Error::other)?;
    let size = words.split_whitespace().nth(1).unwrap_or_default().parse().map_err(io::Error::other)?;
    input.reserve(usize::saturating_sub(size, input.len()));
    while input.len() < size {
        read(io, input, 64 * 1024).await?;
    }
    Ok(input.split_to(size).freeze())
}

async fn read<IO: AsyncRead + Unpin>(io: &mut IO, input: &mut BytesMut, room: usize) -> io::Result<()> {
    input.reserve(room);
    match io.read_buf(input).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
