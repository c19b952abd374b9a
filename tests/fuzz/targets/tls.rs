//! The first bytes of handshakes: a ClientHello, and a server's first flight.

use std::cell::OnceCell;
use std::future::Future;

use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::pki::{DistinguishedName, KeyAlgorithm, Template, self_signed};
use starttls_lab::internal::tls::{
    ClientTls, HandshakeFault, HandshakeTrace, OldVersion, ServerTls, Versions, first_flight,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};

use super::source::Source;
use super::world::{key, now};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().build().expect("a runtime");
    static SERVER: OnceCell<ServerTls> = const { OnceCell::new() };
}

/// Any bytes where a ClientHello is due are answered or refused, in whatever pieces they come.
pub fn client_hello(data: &[u8]) {
    let mut source = Source::new(data);
    let size = usize::from(source.byte()) + 1;
    let early = source.byte();
    SERVER.with(|made| {
        let server = made.get_or_init(server);
        let fault = HandshakeFault {
            early: source.take(usize::from(early % 16)).to_vec(),
            ..HandshakeFault::default()
        };
        let mut trace = HandshakeTrace::default();
        against(source.rest(), size, async |io| match server.accept_as(&fault, io, &mut trace).await {
            Ok(_) => panic!("a handshake without keys"),
            Err(refused) => assert!(!format!("{:?}", refused.failure).is_empty()),
        });
        if let Some(hello) = &trace.client_hello {
            assert!(serde_json::to_string(&**hello).is_ok());
        }
    });
}

/// Any bytes where a server's first flight is due are read or refused.
pub fn server_flight(data: &[u8]) {
    let mut source = Source::new(data);
    let size = usize::from(source.byte()) + 1;
    let how = source.byte();
    let rest = source.rest();
    match how % 4 {
        0 => {
            let client =
                ClientTls::trusting_anything(&Clock::pinned(now()), Versions::Both).expect("a client");
            against(rest, size, async |io| assert!(client.connect("mx.example.test", io).await.is_err()));
        }
        version => {
            let version = [OldVersion::Tls10, OldVersion::Tls11, OldVersion::Tls12][usize::from(version) - 1];
            against(rest, size, async |mut io| {
                if let Ok(flight) = first_flight(version, Some("mx.example.test"), &mut io).await {
                    // A server may answer with a version that does not exist, and that is what is shown.
                    assert!(!flight.version.is_empty() && flight.chain.len() <= 64, "{flight:?}");
                }
            });
        }
    }
}

fn server() -> ServerTls {
    let key = key(KeyAlgorithm::EcdsaP256).expect("a key");
    let template = Template {
        subject: DistinguishedName::common_name("mx.example.test"),
        not_before: now(),
        not_after: now(),
        serial_number: vec![7],
        ..Template::default()
    };
    let certificate = self_signed(&template, &key).expect("a certificate");
    ServerTls::new(&[certificate], &key, Versions::Both).expect("a server")
}

/// Runs one side of a handshake against a peer that says `bytes` in pieces of `size`, and then closes.
fn against<F: Future<Output = ()>>(bytes: &[u8], size: usize, side: impl FnOnce(DuplexStream) -> F) {
    let (here, mut there) = duplex(1 << 20);
    let peer = async {
        for piece in bytes.chunks(size) {
            if there.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        there.shutdown().await.ok();
        there.read_to_end(&mut Vec::new()).await.ok();
    };
    RUNTIME.with(|runtime| runtime.block_on(async { tokio::join!(side(here), peer) }));
}
