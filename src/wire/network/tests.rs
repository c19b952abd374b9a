//! Tests of what both networks have in common, and of what only the one in memory promises.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::memory::{BACKLOG, FIRST_FREE_PORT};
use super::pipe::CAPACITY;
use super::*;

/// Returns both ends of a pipe between these addresses, the caller's first.
pub(in super::super) fn pair(from: &str, to: &str) -> (NetStream, NetStream) {
    let memory = Memory::default();
    let port = memory.port(from.parse().unwrap());
    let (here, there) = Pipe::pair(port, to.parse().unwrap());
    (NetStream::pipe(here), NetStream::pipe(there))
}

/// Returns both ends of a connection from `from`, the caller's first.
async fn connection(network: &Network, from: &str, to: &str) -> (NetStream, NetStream) {
    let mut listener = network.bind(to.parse().unwrap()).await.unwrap();
    let to = listener.local_addr().unwrap();
    let socket = network.socket(Some(from.parse().unwrap()), to).unwrap();
    let (here, there) = tokio::join!(socket.connect(to), listener.accept());
    let (there, from) = there.unwrap();
    assert_eq!(from, there.peer_addr().unwrap());
    (here.unwrap(), there)
}

async fn on_both(test: impl AsyncFn(&Network)) {
    for network in [Network::Sockets, Network::in_memory()] {
        test(&network).await;
    }
}

async fn local(network: &Network) -> (NetStream, NetStream) {
    connection(network, "127.0.0.1", "127.0.0.1:0").await
}

#[tokio::test]
async fn each_end_knows_its_own_address_and_that_of_the_other() {
    on_both(async |network| {
        let to = "127.0.0.3:0";
        let (here, there) = connection(network, "127.0.0.2", to).await;
        assert_eq!(here.local_addr().unwrap().ip().to_string(), "127.0.0.2");
        assert_eq!(there.local_addr().unwrap().ip().to_string(), "127.0.0.3");
        assert_eq!(here.local_addr().unwrap(), there.peer_addr().unwrap());
        assert_eq!(here.peer_addr().unwrap(), there.local_addr().unwrap());
        assert_ne!(here.local_addr().unwrap().port(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_socket_knows_where_it_will_call_from() {
    on_both(async |network| {
        let mut listener = network.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let to = listener.local_addr().unwrap();
        let socket = network.socket(Some("127.0.0.5".parse().unwrap()), to).unwrap();
        let from = socket.local_addr().unwrap();
        let (here, there) = tokio::join!(socket.connect(to), listener.accept());
        assert_eq!(there.unwrap().1, from);
        drop(here);
    })
    .await;
}

#[tokio::test]
async fn one_direction_is_closed_and_the_other_goes_on() {
    on_both(async |network| {
        let (mut here, mut there) = local(network).await;
        here.write_all(b"last words").await.unwrap();
        here.shutdown().await.unwrap();
        let mut heard = String::new();
        there.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "last words");
        there.write_all(b"answer").await.unwrap();
        drop(there);
        heard.clear();
        here.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "answer");
        assert_eq!(here.write(b"more").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    })
    .await;
}

#[tokio::test]
async fn a_reset_is_an_error_for_who_reads_and_for_who_writes() {
    on_both(async |network| {
        let (mut here, mut there) = local(network).await;
        there.reset_when_dropped();
        drop(there);
        let error = here.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(here.write_all(b"x").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn an_end_that_is_dropped_with_unread_bytes_resets_the_connection() {
    on_both(async |network| {
        let (mut here, there) = local(network).await;
        here.write_all(b"unread").await.unwrap();
        if let NetStream::Tcp(stream) = &there {
            stream.readable().await.unwrap();
        }
        drop(there);
        let error = here.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    })
    .await;
}

#[tokio::test]
async fn what_was_said_before_the_end_is_still_heard() {
    on_both(async |network| {
        let (here, mut there) = local(network).await;
        there.write_all(b"250 bye").await.unwrap();
        drop(there);
        let (mut heard, mut here) = (String::new(), here);
        here.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "250 bye");
    })
    .await;
}

#[tokio::test]
async fn who_writes_to_somebody_who_is_gone_finds_out() {
    on_both(async |network| {
        let (mut here, there) = local(network).await;
        drop(there);
        let error = loop {
            if let Err(error) = here.write_all(b"hello?\r\n").await {
                break error;
            }
            tokio::task::yield_now().await;
        };
        assert!(
            matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_the_peer_has_said_already_is_read_without_waiting() {
    on_both(async |network| {
        let (mut here, there) = local(network).await;
        let mut buffer = [0; 16];
        assert_eq!(there.read_now(&mut buffer), 0);
        here.write_all(b"early").await.unwrap();
        if let NetStream::Tcp(stream) = &there {
            stream.readable().await.unwrap();
        }
        let read = there.read_now(&mut buffer);
        assert_eq!(&buffer[..read], b"early");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_reached_where_nobody_listens() {
    on_both(async |network| {
        let listener = network.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let to = listener.local_addr().unwrap();
        drop(listener);
        let refused = network.socket(None, to).unwrap().connect(to).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    })
    .await;
}

#[tokio::test]
async fn one_address_is_listened_on_once() {
    on_both(async |network| {
        let first = network.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = first.local_addr().unwrap();
        assert_eq!(network.bind(address).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let other = SocketAddr::new("127.0.0.2".parse().unwrap(), address.port());
        network.bind(other).await.unwrap();
        drop(first);
        network.bind(address).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_listens_on_all_addresses_hears_every_one_of_its_family() {
    on_both(async |network| {
        let mut listener = network.bind("0.0.0.0:0".parse().unwrap()).await.unwrap();
        let to = SocketAddr::new("127.0.0.9".parse().unwrap(), listener.local_addr().unwrap().port());
        let socket = network.socket(None, to).unwrap();
        let (here, there) = tokio::join!(socket.connect(to), listener.accept());
        assert_eq!(there.unwrap().0.local_addr().unwrap(), to);
        drop(here);
    })
    .await;
}

#[tokio::test]
async fn a_writer_waits_for_its_reader_and_for_no_longer() {
    let (mut here, mut there) = local(&Network::in_memory()).await;
    let all = vec![b'x'; 3 * CAPACITY];
    let sent = all.clone();
    let writing = tokio::spawn(async move {
        here.write_all(&sent).await.unwrap();
        here.shutdown().await.unwrap();
    });
    tokio::task::yield_now().await;
    assert!(!writing.is_finished(), "the pipe holds no more than its capacity");
    let mut heard = Vec::new();
    there.read_to_end(&mut heard).await.unwrap();
    writing.await.unwrap();
    assert!(heard == all);

    let (mut here, mut there) = local(&Network::in_memory()).await;
    let writing = tokio::spawn(async move { here.write_all(&vec![0; 2 * CAPACITY]).await });
    tokio::task::yield_now().await;
    there.reset_when_dropped();
    drop(there);
    assert_eq!(writing.await.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn in_memory_one_may_come_from_any_address() {
    let network = Network::in_memory();
    for (from, to) in
        [("203.0.113.7", "10.0.0.1:25"), ("2001:db8::1", "[::1]:25"), ("127.0.1.9", "127.0.0.1:26")]
    {
        let (here, there) = connection(&network, from, to).await;
        assert_eq!(there.peer_addr().unwrap().ip().to_string(), from);
        assert_eq!(there.local_addr().unwrap().to_string(), to);
        drop(here);
    }
    let wrong = network.socket(Some("::1".parse().unwrap()), "127.0.0.1:25".parse().unwrap());
    assert_eq!(wrong.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn ports_in_memory_are_given_away_in_order_and_none_twice() {
    let ports = async || {
        let network = Network::in_memory();
        let listener = network.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let to = listener.local_addr().unwrap();
        let calls: Vec<_> = (0..3).map(|_| network.socket(None, to).unwrap()).collect();
        let from = calls.iter().map(|call| call.local_addr().unwrap().port());
        [to.port()].into_iter().chain(from).collect::<Vec<_>>()
    };
    let first = FIRST_FREE_PORT;
    assert_eq!(ports().await, [first, first + 1, first + 2, first + 3]);
    assert_eq!(ports().await, ports().await);

    // Once around, past the port that is still in use.
    let network = Network::in_memory();
    let to = "127.0.0.1:25".parse().unwrap();
    let kept = network.socket(None, to).unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..=u16::MAX - FIRST_FREE_PORT {
        let port = network.socket(None, to).unwrap().local_addr().unwrap().port();
        assert_ne!(port, kept.local_addr().unwrap().port());
        seen.insert(port);
    }
    assert_eq!(seen.len(), usize::from(u16::MAX - FIRST_FREE_PORT));
}

#[tokio::test]
async fn a_connection_that_nobody_accepts_is_reset_when_listening_ends_and_too_many_are_refused() {
    let network = Network::in_memory();
    let to: SocketAddr = "127.0.0.1:25".parse().unwrap();
    let listener = network.bind(to).await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..BACKLOG {
        waiting.push(network.socket(None, to).unwrap().connect(to).await.unwrap());
    }
    let refused = network.socket(None, to).unwrap().connect(to).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    drop(listener);
    let error = waiting[0].read_u8().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_caller_is_woken_when_its_peer_speaks() {
    let (here, there) = local(&Network::in_memory()).await;
    let here = Arc::new(tokio::sync::Mutex::new(here));
    let reading = Arc::clone(&here);
    let reading = tokio::spawn(async move { reading.lock().await.read_u8().await });
    tokio::task::yield_now().await;
    let mut there = there;
    there.write_all(b"!").await.unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), b'!');
}
