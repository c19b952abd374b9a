use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Returns a ClientHello in records of `length` bytes each.
fn in_records(message: &[u8], length: usize) -> Vec<u8> {
    let record = |part: &[u8]| [&[22, 3, 1], &(part.len() as u16).to_be_bytes()[..], part].concat();
    message.chunks(length).flat_map(record).collect()
}

fn message(body: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = (body.len() as u32).to_be_bytes();
    [&[1, high, middle, low], body].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(content.len() as u16).to_be_bytes(), content].concat()
}

/// Returns a ClientHello with `extensions`, or one that ends before them.
fn hello(extensions: Option<&[u8]>) -> Vec<u8> {
    let mut body = [&[3, 3][..], &[7; 32], &[0, 0, 6, 0x13, 0x01, 0xc0, 0x2f, 0, 0xff, 1, 0]].concat();
    if let Some(extensions) = extensions {
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
    }
    message(&body)
}

/// Reads bytes that arrive in pieces of `length`.
fn heard(bytes: &[u8], length: usize) -> (Progress, Hello) {
    let mut hello = Hello::default();
    for piece in bytes.chunks(length) {
        hello.bytes.extend_from_slice(piece);
        match hello.scan() {
            Progress::More => {}
            done => {
                hello.bytes = bytes.to_vec();
                return (done, hello);
            }
        }
    }
    (Progress::More, hello)
}

fn of_rustls() -> Vec<u8> {
    let clock = crate::clock::Clock::pinned("2010-09-28T09:35:58Z".parse().unwrap());
    let config =
        crate::tls::ClientTls::trusting_anything(&clock, crate::tls::Versions::Both).unwrap().config();
    let name = "mail.contoso.com".try_into().unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_a_client_of_today_offers_is_read() {
    let (progress, hello) = heard(&of_rustls(), usize::MAX);
    let facts = hello.facts().unwrap();
    assert_eq!((progress, hello.behind()), (Progress::Complete, &[][..]));
    assert_eq!((facts.record_version, facts.legacy_version), (0x0301, 0x0303));
    assert_eq!(*facts.supported_versions, [0x0304, 0x0303]);
    assert!(facts.cipher_suites.contains(&0x1301) && facts.cipher_suites.contains(&0xc02f), "{facts:?}");
    assert!(facts.groups.contains(&23) && facts.signature_algorithms.contains(&0x0804), "{facts:?}");
    assert_eq!(facts.server_name.as_deref(), Some("mail.contoso.com"));
    assert!(!facts.offers_psk && !facts.offers_ticket && facts.alpn.is_empty(), "{facts:?}");
    assert_eq!(*facts.compression_methods, [0]);
}

#[test]
fn every_extension_that_is_kept_is_read() {
    let extensions = [
        extension(0, &[0, 9, 7, 0, 0, 0, 0, 3, b'a', b'.', b'b']),
        extension(0, &[0, 6, 0, 0, 3, b'a', b'.', b'b']),
        extension(0x8a8a, &[]),
        extension(16, &[0, 8, 2, b'h', b'2', 4, b's', b'm', b't', b'p']),
        extension(35, &[1, 2, 3]),
        extension(43, &[4, 3, 4, 3, 3]),
        extension(41, &[0]),
    ];
    let (_, hello) = heard(&in_records(&hello(Some(&extensions.concat())), 1000), 1000);
    let facts = hello.facts().unwrap();
    assert_eq!(facts.server_name.as_deref(), Some("a.b"));
    assert_eq!(*facts.extensions, [0, 0, 0x8a8a, 16, 35, 43, 41]);
    assert_eq!(facts.alpn.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["h2", "smtp"]);
    assert!(facts.offers_psk && facts.offers_ticket);
    assert_eq!(*facts.supported_versions, [0x0304, 0x0303]);
}

#[test]
fn a_client_of_ssl_3_sends_no_extensions() {
    let (progress, hello) = heard(&in_records(&hello(None), 1000), 1000);
    assert_eq!(progress, Progress::Complete);
    let facts = hello.facts().unwrap();
    assert_eq!((&*facts.cipher_suites, facts.extensions.len()), (&[0x1301, 0xc02f, 0xff][..], 0));
    assert_eq!(hello.random(), [7; 32]);
}

#[test]
fn what_comes_behind_a_client_hello_is_kept_apart() {
    let bytes = [&in_records(&hello(None), 1000)[..], b"\x14\x03\x03\x00\x01\x01"].concat();
    let (progress, hello) = heard(&bytes, usize::MAX);
    assert_eq!((progress, hello.behind()), (Progress::Complete, &b"\x14\x03\x03\x00\x01\x01"[..]));
}

#[test]
fn what_is_no_client_hello_is_known_as_early_as_it_can_be() {
    for bytes in [
        &b"E"[..],
        b"\x16\x02",
        b"\x15",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x50\x00",
        b"\x16\x03\x01\x00\x05\x02",
        b"\x16\x03\x01\x00\x05\x01\x01\x00\x00",
        b"\x80\x2e\x01\x03\x01",
    ] {
        let (progress, hello) = heard(bytes, 1);
        assert_eq!((progress, hello.facts()), (Progress::NoHello, None), "{bytes:?}");
        let (progress, _) = heard(bytes.split_last().unwrap().1, 1);
        assert_eq!(progress, Progress::More, "{bytes:?}");
    }
    assert!(is_ssl2(b"\x80\x2e\x01\x03\x01") && is_ssl2(b"\x80\x2e\x01\x00\x02"));
    assert!(!is_ssl2(b"\x16\x03\x01\x00\x2e") && !is_ssl2(b"\x80\x2e"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_looked_at_without_a_panic(bytes in vec(any::<u8>(), 0..600), length in 1usize..40) {
        let _ = heard(&bytes, length).1.facts();
    }

    #[test]
    fn any_bytes_in_the_place_of_a_body_are_looked_at_without_a_panic(
        body in vec(any::<u8>(), 0..600),
        length in 1usize..40,
    ) {
        let bytes = in_records(&message(&body), length);
        let (progress, hello) = heard(&bytes, length);
        prop_assert_eq!(progress, Progress::Complete);
        let _ = hello.facts();
    }

    #[test]
    fn any_extensions_are_looked_at_without_a_panic(kind in 0u16..52, content in vec(any::<u8>(), 0..80)) {
        let bytes = in_records(&hello(Some(&extension(kind, &content))), 1000);
        let facts = heard(&bytes, 1000).1.facts().unwrap();
        prop_assert_eq!(&*facts.extensions, &[kind][..]);
    }

    #[test]
    fn a_client_hello_says_the_same_however_it_is_cut(record in 1usize..2000, segment in 1usize..2000) {
        let bytes = of_rustls();
        let whole = heard(&bytes, usize::MAX).1;
        let cut = in_records(bytes.get(5..).unwrap(), record);
        let (progress, hello) = heard(&cut, segment);
        prop_assert_eq!(progress, Progress::Complete);
        prop_assert_eq!(hello.facts(), whole.facts());
    }

    #[test]
    fn any_part_of_a_client_hello_asks_for_more(record in 1usize..2000, part in 0.0..1.0f64) {
        let bytes = in_records(&hello(Some(&extension(43, &[2, 3, 4]))), record);
        let part = (bytes.len() as f64 * part) as usize;
        let (progress, hello) = heard(bytes.get(..part).unwrap(), usize::MAX);
        prop_assert_eq!((progress, hello.facts()), (Progress::More, None));
    }
}
