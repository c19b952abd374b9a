//! Handshakes over a pipe in memory: what succeeds is described, what fails is named.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use jiff::Timestamp;
use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::pki::{
    Authority, Certificate, DistinguishedName, KeyAlgorithm, KeyPair, Template, self_signed,
};
use starttls_lab::internal::session::{TlsFacts, TlsFailure, TlsVersion};
use starttls_lab::internal::tls::{
    ClientStream, ClientTls, ConnectFailure, ServerStream, ServerTls, TlsSetupError, Versions,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const NAME: &str = "mail.contoso.com";

struct Lab {
    root: Authority,
    chain: Vec<Certificate>,
    key: KeyPair,
    clock: Clock,
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn dn(text: &str) -> DistinguishedName {
    text.parse().unwrap()
}

fn template() -> Template {
    Template {
        subject: dn("CN=mail.contoso.com"),
        dns_names: vec![NAME.to_owned()],
        ip_addresses: vec!["192.0.2.1".parse().unwrap()],
        not_before: at("2010-01-01T00:00:00Z"),
        not_after: at("2011-01-01T00:00:00Z"),
        serial_number: vec![3],
        ..Template::default()
    }
}

fn lab_with(algorithm: KeyAlgorithm) -> Lab {
    let make = || KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let (from, until) = (at("2010-01-01T00:00:00Z"), at("2011-01-01T00:00:00Z"));
    let root = Authority::root(make(), &dn("CN=Lab Root"), from, until, &[1]).unwrap();
    let issuing = root.intermediate(make(), &dn("CN=Lab Issuing"), from, until, &[2]).unwrap();
    let key = KeyPair::generate(algorithm).unwrap();
    let mut chain = vec![issuing.issue(&template(), &key).unwrap()];
    chain.extend_from_slice(issuing.chain());
    Lab { root, chain, key, clock: Clock::pinned(at("2010-09-28T09:35:58Z")) }
}

fn lab() -> Lab {
    lab_with(KeyAlgorithm::default())
}

impl Lab {
    fn server(&self, versions: Versions) -> ServerTls {
        ServerTls::new(&self.chain, &self.key, versions).unwrap()
    }

    fn client(&self, versions: Versions) -> ClientTls {
        let roots = [self.root.certificate().clone()];
        ClientTls::trusting(&roots, &self.clock, versions).unwrap()
    }
}

/// The server's end of a connection on which the client does `conduct`, and what came of both.
async fn meet<T>(
    server: &ServerTls,
    conduct: impl AsyncFnOnce(DuplexStream) -> T,
) -> (Result<TlsFacts, TlsFailure>, T) {
    let (here, there) = duplex(64 * 1024);
    let serve = async {
        let (mut stream, facts) = server.accept(here).await?;
        // A ticket of TLS 1.3 is only read along with data, so a client that wants it stays for
        // the greeting; one that does not may be gone by now.
        let _ = stream.write_all(b"220 hello\r\n").await;
        let _ = stream.flush().await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        Ok(facts)
    };
    tokio::join!(serve, conduct(there))
}

async fn greeted(
    client: &ClientTls,
    io: DuplexStream,
) -> Result<starttls_lab::internal::tls::ClientFacts, ConnectFailure> {
    let (mut stream, facts) = client.connect(NAME, io).await?;
    let mut greeting = [0; 11];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220 hello\r\n");
    stream.shutdown().await.unwrap();
    Ok(facts)
}

/// A ClientHello as a client of TLS 1.0 sends it: no extensions, one suite.
fn hello_of_tls_1_0() -> Vec<u8> {
    let mut hello = b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x01".to_vec();
    hello.extend([7; 32]);
    hello.extend(b"\x00\x00\x02\x00\x2f\x01\x00");
    hello
}

#[tokio::test]
async fn both_versions_succeed_and_both_sides_tell_the_same_story() {
    let lab = lab();
    for (versions, version, suite) in [
        (Versions::Only13, TlsVersion::Tls13, "TLS_AES_256_GCM_SHA384"),
        (Versions::Only12, TlsVersion::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ] {
        let server = lab.server(Versions::Both);
        let client = lab.client(versions);
        let (facts, seen) = meet(&server, async |io| greeted(&client, io).await).await;
        let (facts, seen) = (facts.unwrap(), seen.unwrap());
        assert_eq!((facts.version, facts.cipher_suite), (version, suite));
        assert_eq!((seen.version, seen.cipher_suite), (version, suite));
        assert!(matches!(facts.key_exchange, Some("x25519" | "X25519MLKEM768")), "{facts:?}");
        assert_eq!(facts.server_name.as_deref(), Some(NAME));
        assert_eq!((facts.presented, facts.client_certificate), (lab.chain[0].thumbprint(), None));
        assert_eq!(seen.peer_chain, lab.chain);
    }
}

#[tokio::test]
async fn every_kind_of_key_serves() {
    for algorithm in [KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
        let lab = lab_with(algorithm);
        let client = lab.client(Versions::Both);
        let (facts, _) = meet(&lab.server(Versions::Both), async |io| greeted(&client, io).await).await;
        assert!(facts.is_ok(), "{algorithm:?}: {facts:?}");
    }
}

#[tokio::test]
async fn a_client_that_comes_back_resumes() {
    let lab = lab();
    for versions in [Versions::Only13, Versions::Only12] {
        let (server, client) = (lab.server(Versions::Both), lab.client(versions));
        let mut resumed = Vec::new();
        for _ in 0..3 {
            let (facts, seen) = meet(&server, async |io| greeted(&client, io).await).await;
            assert_eq!(facts.unwrap().presented, lab.chain[0].thumbprint());
            resumed.push(seen.unwrap().resumed);
        }
        assert_eq!(resumed, [false, true, true], "{versions:?}");
    }
}

#[tokio::test]
async fn what_follows_the_handshake_in_the_same_segment_is_not_lost() {
    let lab = lab();
    let (here, there) = duplex(64 * 1024);
    let client = lab.client(Versions::Both);
    let server = lab.server(Versions::Both);
    let serve = async {
        let (mut stream, _) = server.accept(here).await.unwrap();
        let mut line = [0; 8];
        stream.read_exact(&mut line).await.unwrap();
        line
    };
    let talk = async {
        let (mut stream, _) = client.connect(NAME, there).await.unwrap();
        stream.write_all(b"EHLO x\r\n").await.unwrap();
        stream.flush().await.unwrap();
        stream
    };
    let (line, _stream) = tokio::join!(serve, talk);
    assert_eq!(&line, b"EHLO x\r\n");
}

#[tokio::test]
async fn plaintext_instead_of_a_client_hello_is_named_with_its_first_bytes() {
    let lab = lab();
    for (sent, shown) in [("EHLO x\r\n", "EHLO x\\r\\n"), ("Q", "Q")] {
        let (failure, answer) = meet(&lab.server(Versions::Both), async |mut io| {
            io.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            io.read_to_end(&mut answer).await.unwrap();
            answer
        })
        .await;
        assert_eq!(failure, Err(TlsFailure::NotTls { first_octets: shown.to_owned() }));
        assert!(answer.is_empty() || answer.starts_with(b"\x15\x03"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_lab_says_unknown_ca() {
    let lab = lab();
    for versions in [Versions::Only13, Versions::Only12] {
        let distrustful = ClientTls::trusting(&[], &lab.clock, versions).unwrap();
        let (failure, seen) =
            meet(&lab.server(Versions::Both), async |io| greeted(&distrustful, io).await).await;
        assert_eq!(failure, Err(TlsFailure::AlertReceived { alert: "unknown_ca".to_owned() }));
        let seen = seen.unwrap_err();
        assert!(
            matches!(&seen, ConnectFailure::Handshake(TlsFailure::AlertSent { alert, .. }) if alert == "unknown_ca"),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn a_client_in_another_year_says_that_the_certificate_has_expired() {
    let lab = lab();
    let late = Clock::pinned(at("2031-01-01T00:00:00Z"));
    let roots = [lab.root.certificate().clone()];
    let client = ClientTls::trusting(&roots, &late, Versions::Both).unwrap();
    let (failure, _) = meet(&lab.server(Versions::Both), async |io| greeted(&client, io).await).await;
    assert_eq!(failure, Err(TlsFailure::AlertReceived { alert: "certificate_expired".to_owned() }));
}

#[tokio::test]
async fn an_expired_certificate_is_served_to_whoever_takes_anything() {
    let lab = lab();
    let late = Clock::pinned(at("2031-01-01T00:00:00Z"));
    let client = ClientTls::trusting_anything(&late, Versions::Both).unwrap();
    let (facts, _) = meet(&lab.server(Versions::Both), async |io| greeted(&client, io).await).await;
    assert!(facts.is_ok(), "{facts:?}");
}

#[tokio::test]
async fn a_connection_that_ends_in_the_middle_is_closed_wherever_it_ends() {
    let lab = lab();
    let hello = hello_of_tls_1_0();
    for sent in [0, 1, 5, 20, hello.len() - 1] {
        let (failure, ()) = meet(&lab.server(Versions::Both), async |mut io| {
            io.write_all(&hello[..sent]).await.unwrap();
        })
        .await;
        assert_eq!(failure, Err(TlsFailure::Closed), "after {sent} bytes");
    }
}

#[tokio::test]
async fn a_client_of_tls_1_0_gets_an_alert_and_the_journal_a_plain_reason() {
    let lab = lab();
    let (failure, answer) = meet(&lab.server(Versions::Both), async |mut io| {
        io.write_all(&hello_of_tls_1_0()).await.unwrap();
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        answer
    })
    .await;
    let reason = "the client offers at most TLS 1.0, and nothing below TLS 1.2 is spoken here".to_owned();
    assert_eq!(failure, Err(TlsFailure::AlertSent { alert: "handshake_failure".to_owned(), reason }));
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 40]);
}

#[tokio::test]
async fn versions_that_do_not_meet_end_in_protocol_version_on_both_sides() {
    let lab = lab();
    for (here, there) in [(Versions::Only13, Versions::Only12), (Versions::Only12, Versions::Only13)] {
        let client = lab.client(there);
        let (failure, seen) = meet(&lab.server(here), async |io| greeted(&client, io).await).await;
        match failure {
            Err(TlsFailure::AlertSent { alert, reason }) => {
                assert_eq!(alert, "protocol_version");
                assert_eq!(reason, "no version of TLS is spoken on both sides");
            }
            other => panic!("{other:?}"),
        }
        let alert = "protocol_version".to_owned();
        assert_eq!(seen.unwrap_err(), ConnectFailure::Handshake(TlsFailure::AlertReceived { alert }));
    }
}

#[tokio::test]
async fn the_alert_arrives_even_through_a_pipe_that_takes_one_byte_at_a_time() {
    let lab = lab();
    let server = lab.server(Versions::Both);
    let (here, mut there) = duplex(1);
    let talk = async {
        there.write_all(&hello_of_tls_1_0()).await.unwrap();
        let mut answer = Vec::new();
        there.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let (failure, answer) = tokio::join!(server.accept(here), talk);
    assert!(matches!(failure, Err(TlsFailure::AlertSent { .. })));
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 40]);
}

#[tokio::test]
async fn a_key_that_is_not_the_certificates_is_served_and_the_client_notices() {
    let lab = lab();
    let foreign = KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let server = ServerTls::new(&lab.chain, &foreign, Versions::Both).unwrap();
    let anything = ClientTls::trusting_anything(&lab.clock, Versions::Both).unwrap();
    let (failure, _) = meet(&server, async |io| greeted(&anything, io).await).await;
    assert_eq!(failure, Err(TlsFailure::AlertReceived { alert: "decrypt_error".to_owned() }));
}

#[tokio::test]
async fn a_self_signed_certificate_serves_and_an_ip_address_sends_no_sni() {
    let lab = lab();
    let leaf = self_signed(&template(), &lab.key).unwrap();
    let server = ServerTls::new(std::slice::from_ref(&leaf), &lab.key, Versions::Both).unwrap();
    let anything = ClientTls::trusting_anything(&lab.clock, Versions::Both).unwrap();
    let (facts, _) = meet(&server, async |io| {
        let (mut stream, _) = anything.connect("192.0.2.1", io).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    let facts = facts.unwrap();
    assert_eq!((facts.server_name, facts.presented), (None, leaf.thumbprint()));
}

#[tokio::test]
async fn what_cannot_be_configured_or_connected_to_is_an_error_that_says_why() {
    let lab = lab();
    let nothing = ServerTls::new(&[], &lab.key, Versions::Both).unwrap_err();
    assert_eq!(nothing, TlsSetupError::NoCertificate);
    let (io, _there) = duplex(64);
    let failure = lab.client(Versions::Both).connect("not a name", io).await.unwrap_err();
    assert_eq!(failure, ConnectFailure::ServerName("not a name".to_owned()));
}

/// A pipe through which little fits, with both ends inside TLS.
async fn secured(
    versions: Versions,
    fits: usize,
) -> (ServerStream<DuplexStream>, ClientStream<DuplexStream>) {
    let lab = lab();
    let (server, client) = (lab.server(versions), lab.client(versions));
    let (here, there) = duplex(fits);
    let (server, client) = tokio::join!(server.accept(here), client.connect(NAME, there));
    (server.unwrap().0, client.unwrap().0)
}

#[tokio::test]
async fn what_is_said_inside_tls_arrives_whatever_the_pieces_are() {
    let long: Vec<u8> = (0..400_000_u32).flat_map(u32::to_le_bytes).collect();
    for versions in [Versions::Only13, Versions::Only12] {
        for fits in [1000, 16_384, 1 << 20] {
            let (server, client) = secured(versions, fits).await;
            let ((mut hear, mut speak), (mut listen, mut tell)) =
                (tokio::io::split(server), tokio::io::split(client));
            let (mut there, mut back) = (vec![0; long.len()], vec![0; long.len()]);
            let (told, _, spoken, _) = tokio::join!(
                async {
                    tell.write_all(&long).await?;
                    tell.flush().await
                },
                async { hear.read_exact(&mut there).await.unwrap() },
                async {
                    // What is not flushed leaves with the flush.
                    for piece in long.chunks(100_001) {
                        speak.write_all(piece).await?;
                    }
                    speak.flush().await
                },
                async { listen.read_exact(&mut back).await.unwrap() },
            );
            assert!(told.is_ok() && spoken.is_ok() && there == long && back == long, "{versions:?}, {fits}");
        }
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_told_from_the_end_of_its_connection() {
    for versions in [Versions::Only13, Versions::Only12] {
        let (mut server, mut client) = secured(versions, 1 << 16).await;
        client.write_all(b"QUIT\r\n").await.unwrap();
        client.shutdown().await.unwrap();
        let mut all = Vec::new();
        server.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"QUIT\r\n");
        // The other direction is still open, and closed in order.
        server.write_all(b"221 bye\r\n").await.unwrap();
        server.shutdown().await.unwrap();
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"221 bye\r\n");

        let (mut server, mut client) = secured(versions, 1 << 16).await;
        client.write_all(b"QUIT\r\n").await.unwrap();
        client.flush().await.unwrap();
        drop(client);
        let mut all = Vec::new();
        let error = server.read_to_end(&mut all).await.unwrap_err();
        assert_eq!((&all[..], error.kind()), (&b"QUIT\r\n"[..], std::io::ErrorKind::UnexpectedEof));
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_ends_the_session_behind_what_came_before_it() {
    for versions in [Versions::Only13, Versions::Only12] {
        let (mut server, client) = secured(versions, 1 << 16).await;
        let (mut io, mut session) = client.into_inner();
        std::io::Write::write_all(&mut session.writer(), b"NOOP\r\n").unwrap();
        let mut bytes = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut bytes).unwrap();
        }
        // A record of that length whose content is not encrypted with any key.
        bytes.extend(b"\x17\x03\x03\x00\x20");
        bytes.extend([7; 32]);
        bytes.extend(b"\x17\x03\x03\x00\x20");
        io.write_all(&bytes).await.unwrap();
        let mut line = [0; 6];
        server.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"NOOP\r\n");
        let error = server.read(&mut line).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
        assert!(server.read(&mut line).await.is_err() && server.write(b"250\r\n").await.is_err());
        server.shutdown().await.unwrap();
        let mut answer = Vec::new();
        io.read_to_end(&mut answer).await.unwrap();
        session.read_tls(&mut &answer[..]).unwrap();
        let error = session.process_new_packets().unwrap_err();
        assert!(error.to_string().contains("BadRecordMac"), "{error}");
    }
}
