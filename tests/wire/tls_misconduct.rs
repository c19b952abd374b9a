//! Handshakes that go wrong on purpose, over a pipe in memory: what leaves, byte by byte, what is written
//! down of it, and what the client did then.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use serde_json::json;
use starttls_lab::internal::clock::Clock;
use starttls_lab::internal::exchange::Material;
use starttls_lab::internal::pki::{Authority, KeyAlgorithm, KeyPair, Template};
use starttls_lab::internal::session::fault::{ClientCertificate, CutAfter, LegacyVersion, Then, UnknownName};
use starttls_lab::internal::session::send::{Check, CommonName, NamesRead, Proof};
use starttls_lab::internal::session::{InjectedFault, Reaction, TlsFacts, TlsFailure, TlsVersion};
use starttls_lab::internal::tls::{
    ClientTls, HandshakeFault, HandshakeTrace, SenderTls, ServerTls, Setup, Versions,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::handshake_fault::handshake_fault;

const NAME: &str = "mail.contoso.com";

struct Lab {
    root: Authority,
    clock: Clock,
}

impl Lab {
    fn new() -> Self {
        Self::called("CN=Lab Root")
    }

    fn called(root: &str) -> Self {
        let key = KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let (from, until) =
            ("2010-01-01T00:00:00Z".parse().unwrap(), "2011-01-01T00:00:00Z".parse().unwrap());
        let root = Authority::root(key, &root.parse().unwrap(), from, until, &[1]).unwrap();
        Self { root, clock: Clock::pinned("2010-09-28T09:35:58Z".parse().unwrap()) }
    }

    fn material(&self, name: &str, algorithm: KeyAlgorithm) -> Material {
        let template = Template {
            subject: format!("CN={name}").parse().unwrap(),
            dns_names: vec![name.to_owned()],
            not_before: "2010-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2011-01-01T00:00:00Z".parse().unwrap(),
            serial_number: vec![3],
            ..Template::default()
        };
        let key = KeyPair::generate(algorithm).unwrap();
        let certificate = self.root.issue(&template, &key).unwrap();
        Material { certificate, intermediates: Vec::new(), key }
    }

    fn server(&self, algorithm: KeyAlgorithm) -> ServerTls {
        let Material { certificate, key, .. } = self.material(NAME, algorithm);
        ServerTls::new(&[certificate], &key, Versions::Both).unwrap()
    }

    fn setup<'a>(
        &'a self,
        roots: &'a [starttls_lab::internal::pki::Certificate],
        usual: &'a Material,
    ) -> Setup<'a> {
        Setup {
            versions: Versions::Both,
            certificates: vec![usual],
            by_name: Vec::new(),
            unknown_name: None,
            client_certificate: None,
            roots,
            tickets: None,
            ticket_size: None,
            clock: &self.clock,
        }
    }

    fn anything(&self, versions: Versions) -> ClientTls {
        ClientTls::trusting_anything(&self.clock, versions).unwrap()
    }
}

/// What came of a handshake on the lab's side.
struct Outcome {
    result: Result<TlsFacts, TlsFailure>,
    then: Option<Then>,
    trace: HandshakeTrace,
}

impl Outcome {
    fn on_purpose(&self) -> (&InjectedFault, Option<&Reaction>) {
        match &self.result {
            Err(TlsFailure::OnPurpose { fault, client }) => (fault, client.as_ref()),
            other => panic!("{other:?}"),
        }
    }
}

/// The lab's side of a connection on which the client does `conduct`, and what came of both.
async fn meet<T>(
    server: &ServerTls,
    plan: &HandshakeFault,
    conduct: impl AsyncFnOnce(DuplexStream) -> T,
) -> (Outcome, T) {
    let (here, there) = duplex(64 * 1024);
    let serve = async {
        let mut trace = HandshakeTrace::default();
        match server.accept_as(plan, here, &mut trace).await {
            Ok((mut stream, facts)) => {
                let _ = stream.write_all(b"220 hello\r\n").await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
                Outcome { result: Ok(facts), then: None, trace }
            }
            Err(mut refused) => {
                refused.watch().await;
                Outcome { result: Err(refused.failure), then: refused.then, trace }
            }
        }
    };
    tokio::join!(serve, conduct(there))
}

/// A client that sends `hello`, then `word` once it has read `answer` bytes, and says what all it has read.
async fn client(mut io: DuplexStream, hello: &[u8], answer: usize, word: &[u8]) -> Vec<u8> {
    io.write_all(hello).await.unwrap();
    let mut read = vec![0; answer];
    io.read_exact(&mut read).await.unwrap();
    let _ = io.write_all(word).await;
    if word.is_empty() {
        io.read_to_end(&mut read).await.unwrap();
    }
    read
}

/// A ClientHello of `version` with `suites` and the algorithms that every key here can sign with.
fn hello(version: u16, suites: &[u16]) -> Vec<u8> {
    let vector = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let numbers =
        |numbers: &[u16]| vector(&numbers.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<_>>());
    let schemes = numbers(&[0x0401, 0x0403, 0x0804]);
    let groups = numbers(&[23, 29]);
    let extensions = [&[0, 13], &vector(&schemes)[..], &[0, 10], &vector(&groups)].concat();
    let extensions = if version > 0x0300 { vector(&extensions) } else { Vec::new() };
    let body = [&version.to_be_bytes()[..], &[7; 32], &[0], &numbers(suites), &[1, 0], &extensions].concat();
    let message = [&[1, 0], &vector(&body)[..]].concat();
    [&[22, 3, 1], &vector(&message)[..]].concat()
}

fn modern() -> Vec<u8> {
    hello(0x0303, &[0xc02b, 0xc02f, 0x002f, 0x009c, 0x0033, 0x0034, 0xc009, 0x00ff])
}

/// The records of a flight in clear: version and payload of each.
fn records(mut flight: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut records = Vec::new();
    while let [22, major, minor, high, low, rest @ ..] = flight {
        let (payload, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        records.push((u16::from_be_bytes([*major, *minor]), payload.to_vec()));
        flight = rest;
    }
    assert!(flight.is_empty(), "{flight:?}");
    records
}

#[tokio::test]
async fn an_alert_in_place_of_the_server_hello_is_seven_bytes_and_the_end() {
    let server = Lab::new().server(KeyAlgorithm::EcdsaP256);
    for alert in [40, 46, 47, 49, 50, 70, 71, 80, 90, 112, 120, 0] {
        let plan = handshake_fault(json!({ "alert": alert }), None);
        let (outcome, read) = meet(&server, &plan, async |io| client(io, &modern(), 0, &[]).await).await;
        assert_eq!(read, [21, 3, 3, 0, 2, 2, alert]);
        assert_eq!(outcome.on_purpose(), (&InjectedFault::Alert { alert }, Some(&Reaction::Closed)));
        assert_eq!(outcome.then, Some(Then::Close));
        let hello = outcome.trace.client_hello.unwrap();
        assert_eq!((hello.legacy_version, hello.cipher_suites.len()), (0x0303, 8));
    }
}

#[tokio::test]
async fn after_an_alert_the_connection_can_be_kept_or_given_back_to_be_reset() {
    let server = Lab::new().server(KeyAlgorithm::EcdsaP256);
    // It is not closed: a client that would wait for the end here would wait for ever.
    let silent = handshake_fault(json!({ "alert": 40 }), Some(Then::Silence));
    let talks = async |io| client(io, &modern(), 7, b"\x15\x03\x03\x00\x02\x01\x00").await;
    let (outcome, _) = meet(&server, &silent, talks).await;
    let close_notify = Reaction::Alert { alert: "close_notify".to_owned() };
    assert_eq!(outcome.on_purpose().1, Some(&close_notify));

    let (here, mut there) = duplex(4096);
    there.write_all(&modern()).await.unwrap();
    let reset = handshake_fault(json!({ "alert": 40 }), Some(Then::Reset));
    let mut refused = server.accept_as(&reset, here, &mut HandshakeTrace::default()).await.unwrap_err();
    refused.watch().await;
    assert_eq!(refused.then, Some(Then::Reset));
    // The stream is whole: what becomes of it is for whoever has it.
    refused.io.write_all(b"x").await.unwrap();
    let mut read = [0; 8];
    there.read_exact(&mut read).await.unwrap();
    assert_eq!(read, [21, 3, 3, 0, 2, 2, 40, b'x']);
}

#[tokio::test]
async fn a_warning_leaves_first_and_the_handshake_goes_on() {
    let lab = Lab::new();
    let server = lab.server(KeyAlgorithm::EcdsaP256);
    let warning = handshake_fault(json!({ "warning": "unrecognized_name" }), None);
    let (_, read) = meet(&server, &warning, async |io| client(io, &modern(), 12, b"x").await).await;
    assert_eq!(read[..10], [21, 3, 3, 0, 2, 1, 112, 22, 3, 3]);
    for versions in [Versions::Only12, Versions::Only13] {
        let anything = lab.anything(versions);
        let (outcome, seen) =
            meet(&server, &warning, async |io| anything.connect(NAME, io).await.is_ok()).await;
        assert!(seen && outcome.result.is_ok());
        assert_eq!(outcome.trace.injected, [InjectedFault::Warning { alert: 112 }]);
    }
}

#[tokio::test]
async fn what_is_no_tls_leaves_as_it_stands_and_the_answer_in_clear_is_shown() {
    let server = Lab::new().server(KeyAlgorithm::EcdsaP256);
    let raw = handshake_fault(json!({ "raw": "500 no TLS\r\n" }), None);
    let (outcome, read) = meet(&server, &raw, async |io| client(io, &modern(), 12, b"QUIT\r\n").await).await;
    assert_eq!(read, b"500 no TLS\r\n");
    let quit = Reaction::ClearText { first_octets: "QUIT\\r\\n".to_owned() };
    assert_eq!(outcome.on_purpose(), (&InjectedFault::Octets { octets: 12 }, Some(&quit)));

    let raw = handshake_fault(json!({ "raw": "hex:00ff" }), Some(Then::Close));
    let (outcome, read) = meet(&server, &raw, async |io| client(io, &modern(), 0, &[]).await).await;
    assert_eq!((read, outcome.on_purpose().1), (vec![0, 255], Some(&Reaction::Closed)));
}

#[tokio::test]
async fn a_connection_is_closed_before_and_after_the_client_hello() {
    let server = Lab::new().server(KeyAlgorithm::EcdsaP256);
    // Nothing is waited for: this client says nothing.
    let (outcome, read) =
        meet(&server, &handshake_fault(json!("close"), None), async |io| client(io, &[], 0, &[]).await).await;
    assert_eq!((read, outcome.on_purpose()), (Vec::new(), (&InjectedFault::Close, Some(&Reaction::Closed))));
    assert_eq!(outcome.trace.client_hello, None);

    let cut = handshake_fault(json!({ "cut": { "after": "client-hello" } }), None);
    let (outcome, read) = meet(&server, &cut, async |io| client(io, &modern(), 0, &[]).await).await;
    let deed = InjectedFault::Cut { after: CutAfter::ClientHello, octets: 0 };
    assert_eq!((read, outcome.on_purpose()), (Vec::new(), (&deed, Some(&Reaction::Closed))));
    assert!(outcome.trace.client_hello.is_some());
}

#[tokio::test(start_paused = true)]
async fn silence_lasts_until_the_caller_has_had_enough() {
    let server = Lab::new().server(KeyAlgorithm::EcdsaP256);
    for conduct in [json!("silence"), json!({ "cut": { "after": "server-hello" } })] {
        let (here, mut there) = duplex(4096);
        there.write_all(&modern()).await.unwrap();
        let silent = handshake_fault(conduct, Some(Then::Silence));
        let mut refused = server.accept_as(&silent, here, &mut HandshakeTrace::default()).await.unwrap_err();
        let patience = std::time::Duration::from_secs(600);
        assert!(tokio::time::timeout(patience, refused.watch()).await.is_err());
        assert!(matches!(refused.failure, TlsFailure::OnPurpose { client: None, .. }), "{refused:?}");
        // What it did is noted as it happens, so the time that ran out does not lose it.
        there.write_all(b"\x15\x03\x03\x00\x02\x02\x0a").await.unwrap();
        assert!(tokio::time::timeout(patience, refused.watch()).await.is_err());
        let alert = Reaction::Alert { alert: "unexpected_message".to_owned() };
        assert!(
            matches!(&refused.failure, TlsFailure::OnPurpose { client: Some(seen), .. } if *seen == alert),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_flight_is_cut_after_its_server_hello_or_anywhere() {
    let server = Lab::new().server(KeyAlgorithm::EcdsaP256);
    let cut = |octets: Option<u32>| {
        handshake_fault(json!({ "cut": { "after": "server-hello", "octets": octets } }), None)
    };
    let (_, whole) =
        meet(&server, &cut(Some(u32::MAX)), async |io| client(io, &modern(), 0, &[]).await).await;
    assert!(records(&whole).len() > 1 || whole.len() > 300, "{whole:?}");
    for octets in [0, 1, 5, 100] {
        let (outcome, read) =
            meet(&server, &cut(Some(octets)), async |io| client(io, &modern(), 0, &[]).await).await;
        let octets = octets as usize;
        assert_eq!((read.len(), read.starts_with(&whole[..octets.min(3)])), (octets, true));
        let deed = InjectedFault::Cut { after: CutAfter::ServerHello, octets };
        assert_eq!(outcome.on_purpose(), (&deed, Some(&Reaction::Closed)));
    }
    let (_, read) = meet(&server, &cut(None), async |io| client(io, &modern(), 0, &[]).await).await;
    let flight = records(&read);
    // A ServerHello, and nothing but.
    let [_, high, middle, low] = flight[0].1[..4] else { panic!("{flight:?}") };
    assert_eq!((flight.len(), flight[0].1[0], [high, middle]), (1, 2, [0, 0]));
    assert_eq!(flight[0].1.len(), 4 + usize::from(low));
}

#[tokio::test]
async fn one_byte_of_a_flight_is_flipped_and_the_rest_is_what_it_was() {
    let lab = Lab::new();
    let server = lab.server(KeyAlgorithm::EcdsaP256);
    let corrupt = |octet: u32| handshake_fault(json!({ "corrupt": { "octet": octet } }), None);
    let (outcome, read) = meet(&server, &corrupt(5), async |io| client(io, &modern(), 9, b"x").await).await;
    // The type of the message: 2 is ServerHello.
    assert_eq!((&read[..3], read[5], read[6]), (&[22, 3, 3][..], !2, 0));
    assert_eq!(outcome.trace.injected, [InjectedFault::Corrupted { octet: 5 }]);
    let last = meet(&server, &corrupt(u32::MAX), async |io| client(io, &modern(), 300, b"x").await).await;
    assert!(matches!(last.0.trace.injected[..], [InjectedFault::Corrupted { octet: 300.. }]));

    for (versions, octet) in [(Versions::Only12, 60), (Versions::Only13, 200)] {
        let anything = lab.anything(versions);
        let connect = async |io| anything.connect(NAME, io).await.map(drop).unwrap_err();
        let (outcome, _) = meet(&server, &corrupt(octet), connect).await;
        let failure = outcome.result.unwrap_err();
        assert!(
            matches!(failure, TlsFailure::AlertReceived { .. } | TlsFailure::AlertSent { .. }),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn a_server_of_yesterday_says_its_version_and_ends_with_server_hello_done() {
    let lab = Lab::new();
    let (rsa, ecdsa) = (lab.server(KeyAlgorithm::Rsa2048), lab.server(KeyAlgorithm::EcdsaP256));
    let refusal = b"\x15\x03\x01\x00\x02\x02\x46";
    for (server, legacy, version, suite, kinds) in [
        (&rsa, "SSLv3", 0x0300, 0x002f, &[2, 11, 14][..]),
        (&rsa, "TLSv1", 0x0301, 0x002f, &[2, 11, 14]),
        (&rsa, "TLSv1.1", 0x0302, 0x002f, &[2, 11, 14]),
        (&ecdsa, "TLSv1", 0x0301, 0xc009, &[2, 11, 12, 14]),
        (&rsa, "rsa-kx", 0x0303, 0x009c, &[2, 11, 14]),
        (&rsa, "dhe-1024", 0x0303, 0x0033, &[2, 11, 12, 14]),
        (&ecdsa, "anonymous", 0x0303, 0x0034, &[2, 12, 14]),
    ] {
        let legacy = handshake_fault(json!({ "legacy": legacy }), None);
        let read_and_refuse = async |mut io: DuplexStream| {
            io.write_all(&modern()).await.unwrap();
            let mut flight = Vec::new();
            while !flight.ends_with(&[14, 0, 0, 0]) {
                io.read_buf(&mut flight).await.unwrap();
            }
            io.write_all(refusal).await.unwrap();
            flight
        };
        let (outcome, flight) = meet(server, &legacy, read_and_refuse).await;
        let flight = records(&flight);
        assert!(flight.iter().all(|(written, _)| *written == version));
        assert_eq!(flight.iter().map(|(_, message)| message[0]).collect::<Vec<_>>(), kinds);
        let server_hello = &flight[0].1;
        let renegotiation_info = [0, 5, 0xff, 1, 0, 1, 0];
        let [high, low] = u16::to_be_bytes(suite);
        assert_eq!(server_hello[4..6], u16::to_be_bytes(version));
        assert_eq!(server_hello[38..], [&[0, high, low, 0][..], &renegotiation_info].concat());
        let (deed, client) = outcome.on_purpose();
        assert!(
            matches!(deed, InjectedFault::Legacy { version: v, cipher_suite: s, .. } if (*v, *s) == (version, suite))
        );
        assert_eq!(client, Some(&Reaction::Alert { alert: "protocol_version".to_owned() }));
        assert!(!outcome.result.unwrap_err().legacy_accepted());
    }
}

#[tokio::test]
async fn a_client_that_goes_on_with_a_server_of_yesterday_has_accepted_it() {
    let server = Lab::new().server(KeyAlgorithm::Rsa2048);
    let legacy = handshake_fault(json!({ "legacy": "TLSv1" }), None);
    let key_exchange = b"\x16\x03\x01\x00\x86\x10\x00\x00\x82";
    let (outcome, _) =
        meet(&server, &legacy, async |io| client(io, &modern(), 100, key_exchange).await).await;
    assert!(outcome.result.unwrap_err().legacy_accepted());
}

#[tokio::test]
async fn a_server_of_yesterday_refuses_what_it_would_refuse() {
    let lab = Lab::new();
    let rsa = lab.server(KeyAlgorithm::Rsa2048);
    for (server, hello, answer, why) in [
        ("TLSv1.1", hello(0x0301, &[0x002f]), [21, 3, 2, 0, 2, 2, 70], "at most TLSv1.0, and the lab plays"),
        ("TLSv1", hello(0x0300, &[0x002f]), [21, 3, 1, 0, 2, 2, 70], "at most SSLv3, and the lab plays"),
        ("rsa-kx", hello(0x0303, &[0xc02f]), [21, 3, 3, 0, 2, 2, 40], "no suite of the server of yesterday"),
        ("SSLv3", hello(0x0303, &[0xc013]), [21, 3, 0, 0, 2, 2, 40], "no suite of the server of yesterday"),
    ] {
        let legacy = handshake_fault(json!({ "legacy": server }), None);
        let (outcome, read) = meet(&rsa, &legacy, async |io| client(io, &hello, 0, &[]).await).await;
        assert_eq!(read, answer);
        let failure = outcome.result.unwrap_err();
        assert!(
            matches!(&failure, TlsFailure::AlertSent { reason, .. } if reason.contains(why)),
            "{failure:?}"
        );
    }
    let ecdsa = lab.server(KeyAlgorithm::EcdsaP256);
    for server in [LegacyVersion::RsaKeyExchange, LegacyVersion::Dhe1024] {
        let legacy = handshake_fault(json!({ "legacy": server }), None);
        let (outcome, _) = meet(&ecdsa, &legacy, async |io| client(io, &modern(), 0, b"x").await).await;
        let failure = outcome.result.unwrap_err();
        assert!(matches!(&failure, TlsFailure::Unusable { reason } if reason.contains("RSA")), "{failure:?}");
    }
}

#[tokio::test]
async fn what_an_old_client_offered_is_known_although_it_is_refused() {
    let server = Lab::new().server(KeyAlgorithm::Rsa2048);
    let suites = [0xc028, 0xc014, 0x009d, 0x003d, 0x000a];
    for (hello, why) in [
        (hello(0x0300, &[0x000a]), "the client offers at most SSL 3.0"),
        (hello(0x0302, &[0xc014]), "the client offers at most TLS 1.1"),
        (hello(0x0303, &suites), "Windows Server 2008 R2 to 2012 R2"),
        (hello(0x0303, &[0xc02b]), "need an ECDSA certificate, and the certificate's key is RSA"),
    ] {
        let read = async |io| client(io, &hello, 0, &[]).await;
        let (outcome, answer) = meet(&server, &HandshakeFault::default(), read).await;
        assert_eq!(answer[..6], [21, 3, 3, 0, 2, 2]);
        assert!(outcome.trace.client_hello.is_some());
        let failure = outcome.result.unwrap_err();
        assert!(
            matches!(&failure, TlsFailure::AlertSent { reason, .. } if reason.contains(why)),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn of_two_certificates_the_one_is_shown_that_goes_with_the_suites() {
    let lab = Lab::new();
    let ecdsa = lab.material(NAME, KeyAlgorithm::EcdsaP256);
    let rsa = lab.material(NAME, KeyAlgorithm::Rsa2048);
    let setup = Setup { certificates: vec![&ecdsa, &rsa], ..lab.setup(&[], &ecdsa) };
    let server = ServerTls::with(&setup).unwrap();
    // ECDHE-RSA-AES256-GCM-SHA384 alone, and beside ECDHE-ECDSA; all of them can check either signature.
    for (suites, shown) in [(&[0xc030][..], &rsa), (&[0xc030, 0xc02c], &ecdsa), (&[0xc02c], &ecdsa)] {
        let hello = hello(0x0303, suites);
        let shows = |flight: &[u8], material: &Material| {
            let der = material.certificate.der();
            flight.windows(der.len()).any(|window| window == der)
        };
        let read = async |mut io: DuplexStream| {
            io.write_all(&hello).await.unwrap();
            let mut flight = Vec::new();
            while !shows(&flight, &rsa) && !shows(&flight, &ecdsa) {
                assert!(io.read_buf(&mut flight).await.unwrap() > 0, "no certificate came for {suites:x?}");
            }
            flight
        };
        let (_, flight) = meet(&server, &HandshakeFault::default(), read).await;
        assert!(shows(&flight, shown), "{suites:x?}");
    }
}

#[tokio::test]
async fn a_hello_of_ssl_2_is_called_by_its_name() {
    let server = Lab::new().server(KeyAlgorithm::EcdsaP256);
    let hello = [&b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10"[..], &[5; 37]].concat();
    // It comes in pieces, and is not taken for anything else before it can be known.
    let conduct = async |mut io: DuplexStream| {
        for byte in hello {
            if io.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        let _ = io.shutdown().await;
    };
    let (outcome, ()) = meet(&server, &HandshakeFault::default(), conduct).await;
    let failure = outcome.result.unwrap_err();
    assert!(
        matches!(&failure, TlsFailure::AlertSent { reason, .. } if reason.contains("SSL 2.0")),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_client_is_asked_for_a_certificate_and_may_have_none() {
    let lab = Lab::new();
    let roots = [lab.root.certificate().clone()];
    let usual = lab.material(NAME, KeyAlgorithm::EcdsaP256);
    let own = lab.material("client.contoso.com", KeyAlgorithm::EcdsaP256);
    let setup = Setup { client_certificate: Some(ClientCertificate::Request), ..lab.setup(&roots, &usual) };
    let server = ServerTls::with(&setup).unwrap();
    for versions in [Versions::Only12, Versions::Only13] {
        for own in [None, Some(&own)] {
            let sender = SenderTls::new(&[], own, &lab.clock, versions).unwrap();
            let (outcome, ()) =
                meet(&server, &HandshakeFault::default(), async |io| greeted(&sender, io).await).await;
            let shown = outcome.result.unwrap().client_certificate;
            assert_eq!(shown.as_ref(), own.map(|own| &own.certificate), "{versions:?}");
        }
    }
}

#[tokio::test]
async fn of_a_certificate_that_is_requested_it_is_known_whether_the_labs_root_vouches_for_it() {
    let lab = Lab::new();
    let roots = [lab.root.certificate().clone()];
    let usual = lab.material(NAME, KeyAlgorithm::EcdsaP256);
    let own = lab.material("client.contoso.com", KeyAlgorithm::EcdsaP256);
    let strange = Lab::called("CN=Other Root").material("client.contoso.com", KeyAlgorithm::EcdsaP256);
    for (roots, own, trusted) in [(&roots[..], &own, true), (&roots, &strange, false), (&[], &own, false)] {
        let setup =
            Setup { client_certificate: Some(ClientCertificate::Request), ..lab.setup(roots, &usual) };
        let server = ServerTls::with(&setup).unwrap();
        let sender = SenderTls::new(&[], Some(own), &lab.clock, Versions::Both).unwrap();
        let (outcome, ()) =
            meet(&server, &HandshakeFault::default(), async |io| greeted(&sender, io).await).await;
        let error = outcome.result.unwrap().client_certificate_error;
        assert_eq!(error.is_none(), trusted, "{error:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_required_has_to_come_from_the_labs_root() {
    let lab = Lab::new();
    let roots = [lab.root.certificate().clone()];
    let usual = lab.material(NAME, KeyAlgorithm::EcdsaP256);
    let setup = Setup { client_certificate: Some(ClientCertificate::Require), ..lab.setup(&roots, &usual) };
    let server = ServerTls::with(&setup).unwrap();
    let (trusted, stranger) = (
        lab.material("client.contoso.com", KeyAlgorithm::EcdsaP256),
        Lab::called("CN=Other Root").material("client.contoso.com", KeyAlgorithm::EcdsaP256),
    );
    for versions in [Versions::Only12, Versions::Only13] {
        for (own, alert) in [
            (None, Some("certificate_required")),
            (Some(&stranger), Some("unknown_ca")),
            (Some(&trusted), None),
        ] {
            let sender = SenderTls::new(&[], own, &lab.clock, versions).unwrap();
            let (outcome, ()) =
                meet(&server, &HandshakeFault::default(), async |io| greeted(&sender, io).await).await;
            match (&outcome.result, alert) {
                (Ok(facts), None) => {
                    assert_eq!(facts.client_certificate.as_ref(), own.map(|own| &own.certificate));
                }
                (Err(TlsFailure::AlertSent { alert: sent, .. }), Some(alert)) => assert_eq!(sent, alert),
                other => panic!("{versions:?}: {other:?}"),
            }
        }
    }
}

/// A sender that takes any certificate, and listens for the greeting where it gets so far.
async fn greeted(sender: &SenderTls, io: DuplexStream) {
    let check = Check {
        proof: Proof::Nothing,
        references: Vec::new(),
        common_name: CommonName::Never,
        names: NamesRead::All,
        library_rules: starttls_lab::internal::session::send::LibraryRules::None,
        within_handshake: false,
    };
    if let Ok((mut stream, _)) = sender.connect(NAME, &check, io).await {
        let _ = stream.read(&mut [0; 64]).await;
        let _ = stream.shutdown().await;
    }
}

#[tokio::test]
async fn the_certificate_is_chosen_by_name_and_an_unknown_name_is_answered_as_asked() {
    let lab = Lab::new();
    let usual = lab.material(NAME, KeyAlgorithm::EcdsaP256);
    let other = lab.material("other.contoso.com", KeyAlgorithm::EcdsaP256);
    let presented = async |unknown_name, name: &str| {
        let setup =
            Setup { by_name: vec![("Other.contoso.com", &other)], unknown_name, ..lab.setup(&[], &usual) };
        let server = ServerTls::with(&setup).unwrap();
        let anything = lab.anything(Versions::Both);
        let (outcome, chain) = meet(&server, &HandshakeFault::default(), async |io| {
            anything.connect(name, io).await.map(|(_, facts)| facts.peer_chain)
        })
        .await;
        if let (Ok(facts), Ok(chain)) = (&outcome.result, chain) {
            assert_eq!(
                chain.first().map(starttls_lab::internal::pki::Certificate::thumbprint),
                Some(facts.presented)
            );
        }
        (outcome.result.map(|facts| facts.presented), outcome.trace.injected)
    };
    let (usual, other) = (Ok(usual.certificate.thumbprint()), Ok(other.certificate.thumbprint()));
    for unknown_name in [None, Some(UnknownName::Warn), Some(UnknownName::Refuse)] {
        assert_eq!(presented(unknown_name, "OTHER.contoso.com").await, (other.clone(), Vec::new()));
        // An address is not sent as a name, and no name is not an unknown one.
        assert_eq!(presented(unknown_name, "192.0.2.1").await, (usual.clone(), Vec::new()));
    }
    assert_eq!(presented(None, NAME).await, (usual.clone(), Vec::new()));
    assert_eq!(
        presented(Some(UnknownName::Warn), NAME).await,
        (usual, vec![InjectedFault::Warning { alert: 112 }])
    );
    let (refused, deeds) = presented(Some(UnknownName::Refuse), NAME).await;
    assert!(
        matches!(&refused, Err(TlsFailure::AlertSent { alert, reason })
            if alert == "unrecognized_name" && reason.contains("`mail.contoso.com`")),
        "{refused:?}"
    );
    assert_eq!(deeds, []);
}

#[tokio::test]
async fn of_several_certificates_the_first_is_presented_whose_key_the_client_can_check() {
    let lab = Lab::new();
    let rsa = lab.material(NAME, KeyAlgorithm::Rsa2048);
    let ed25519 = lab.material(NAME, KeyAlgorithm::Ed25519);
    let setup = Setup { certificates: vec![&ed25519, &rsa], ..lab.setup(&[], &rsa) };
    let server = ServerTls::with(&setup).unwrap();
    // `hello` offers RSA and ECDSA; a client of the lab offers Ed25519 as well.
    let (_, flight) = meet(&server, &HandshakeFault::default(), async |mut io: DuplexStream| {
        io.write_all(&hello(0x0303, &[0xc02f])).await.unwrap();
        let mut flight = Vec::new();
        while !flight.ends_with(&[14, 0, 0, 0]) {
            io.read_buf(&mut flight).await.unwrap();
        }
        flight
    })
    .await;
    assert!(flight.windows(rsa.certificate.der().len()).any(|part| part == rsa.certificate.der()));
    let anything = lab.anything(Versions::Both);
    let (outcome, _) =
        meet(&server, &HandshakeFault::default(), async |io| anything.connect(NAME, io).await.is_ok()).await;
    assert_eq!(outcome.result.unwrap().presented, ed25519.certificate.thumbprint());
}

#[tokio::test]
async fn one_version_can_be_all_that_is_spoken() {
    let lab = Lab::new();
    let usual = lab.material(NAME, KeyAlgorithm::EcdsaP256);
    for (versions, version) in [(Versions::Only12, TlsVersion::Tls12), (Versions::Only13, TlsVersion::Tls13)]
    {
        let server = ServerTls::with(&Setup { versions, ..lab.setup(&[], &usual) }).unwrap();
        let anything = lab.anything(Versions::Both);
        let (outcome, _) =
            meet(&server, &HandshakeFault::default(), async |io| anything.connect(NAME, io).await.is_ok())
                .await;
        assert_eq!(outcome.result.unwrap().version, version);
    }
}

#[tokio::test]
async fn a_client_that_says_no_tls_is_not_misbehaved_to() {
    let server = Lab::new().server(KeyAlgorithm::EcdsaP256);
    let alert = handshake_fault(json!({ "alert": 40 }), None);
    let (outcome, _) = meet(&server, &alert, async |io| client(io, b"EHLO x\r\n", 0, &[]).await).await;
    let first_octets = "EHLO x\\r\\n".to_owned();
    assert_eq!(outcome.result, Err(TlsFailure::NotTls { first_octets }));
    assert_eq!(outcome.trace, HandshakeTrace::default());
    let (outcome, ()) = meet(&server, &alert, async |mut io: DuplexStream| {
        io.write_all(&modern()[..40]).await.unwrap();
    })
    .await;
    assert_eq!(outcome.result, Err(TlsFailure::Closed));
}

#[tokio::test]
async fn what_a_client_offered_goes_with_what_was_negotiated() {
    let lab = Lab::new();
    let anything = lab.anything(Versions::Only12);
    let server = lab.server(KeyAlgorithm::EcdsaP256);
    let (outcome, _) =
        meet(&server, &HandshakeFault::default(), async |io| anything.connect(NAME, io).await.is_ok()).await;
    let facts = outcome.result.unwrap();
    let hello: Arc<_> = facts.client_hello.clone().unwrap();
    assert_eq!(hello.server_name.as_deref(), Some(NAME));
    assert_eq!(Some(hello), outcome.trace.client_hello);
    // The journal shows it once, beside the facts.
    assert_eq!(serde_json::to_value(&facts).unwrap().get("client_hello"), None);
}
