//! A server's first flight, requested in versions and suites in which this crate does not complete a
//! handshake.
//!
//! Up to TLS 1.2 everything before the server's Finished is in clear, the certificates included. A ClientHello
//! is written by hand, and the answer is read as far as ServerHelloDone; then the connection is given up with
//! `user_canceled` (RFC 8446 section 6.1), so no key is ever agreed on.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::failure::{self, FirstBytes};
use super::legacy::vector16;
use super::provider;
use crate::pki::Certificate;
use crate::session::{TlsFailure, alert_name, suite_name, version_name};

/// The highest version that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldVersion {
    /// TLS 1.0 (RFC 2246).
    Tls10,
    /// TLS 1.1 (RFC 4346).
    Tls11,
    /// TLS 1.2 (RFC 5246), with suites and key exchanges that are not completed here as well.
    Tls12,
}

/// A server's answer to a ClientHello, up to ServerHelloDone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstFlight {
    /// The version that it chose, such as `TLSv1.1`.
    pub version: String,
    /// The suite that it chose, by its IANA name.
    pub cipher_suite: String,
    /// The certificates that it presented, leaf first. An item that could not be read as a certificate is
    /// left out.
    pub chain: Vec<Certificate>,
    /// True if it asked for a certificate of the client.
    pub asks_for_certificate: bool,
}

/// The longest flight that is read, in bytes. No honest flight is longer.
const LONGEST_FLIGHT: usize = 256 * 1024;
/// The number of certificates that are read at most, which is more than any chain has.
const MOST_CERTIFICATES: usize = 64;

/// The suites of RFC 5246 and before that servers still in service choose, the better ones first; anonymous ones
/// come last, to tell a server that has nothing else.
const SUITES: [u16; 34] = [
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009e, 0x009f, 0xc023, 0xc027, 0xc024, 0xc028, 0xc009,
    0xc013, 0xc00a, 0xc014, 0x0067, 0x006b, 0x0033, 0x0039, 0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035,
    0xc008, 0xc012, 0x0016, 0x000a, 0x0005, 0x006c, 0x0034, 0x00ff,
];

/// The signature algorithms of RFC 8446 section 4.2.3 and RFC 5246 section 7.4.1.4.1, those of SHA-1
/// included.
const SIGNATURES: [u16; 12] =
    [0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201];

/// The key exchange groups: x25519, P-256, P-384, P-521.
const GROUPS: [u16; 4] = [29, 23, 24, 25];

/// Offers at most `version` and returns what the server answers; `server_name` is asked for (SNI) unless it is
/// `None`. The connection cannot be used for anything afterwards.
///
/// # Errors
///
/// The failure that came in place of the answer.
pub async fn first_flight<IO>(
    version: OldVersion,
    server_name: Option<&str>,
    io: &mut IO,
) -> Result<FirstFlight, TlsFailure>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut random = [0; 32];
    let drawn = provider().secure_random.fill(&mut random);
    drawn.map_err(|_| TlsFailure::Unusable { reason: "there is no randomness to be had".to_owned() })?;
    let hello = client_hello(version, server_name, &random);
    let written = async {
        io.write_all(&hello).await?;
        io.flush().await
    };
    written.await.map_err(|error| failure::broken(&error))?;
    let mut reading = Reading::default();
    loop {
        if let Some(flight) = reading.flight()? {
            let [major, minor] = version.on_the_wire().to_be_bytes();
            // If the server is gone already, the alert is not needed.
            io.write_all(&[21, major, minor, 0, 2, 1, 90, 21, major, minor, 0, 2, 1, 0]).await.ok();
            io.shutdown().await.ok();
            return Ok(flight);
        }
        let mut bytes = [0; 4096];
        match io.read(&mut bytes).await {
            Ok(0) => return Err(TlsFailure::Closed),
            Ok(read) => reading.take(bytes.get(..read).unwrap_or_default()),
            Err(error) => return Err(failure::broken(&error)),
        }
    }
}

impl OldVersion {
    const fn on_the_wire(self) -> u16 {
        match self {
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
        }
    }
}

/// Returns a ClientHello (RFC 5246 section 7.4.1.2).
fn client_hello(version: OldVersion, server_name: Option<&str>, random: &[u8; 32]) -> Vec<u8> {
    let numbers = |numbers: &[u16]| numbers.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<u8>>();
    let mut extensions = Vec::new();
    let mut extension = |kind: u16, body: &[u8]| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(vector16(body));
    };
    if let Some(name) = server_name.filter(|name| name.is_ascii() && name.len() < 256) {
        extension(0, &vector16(&[&[0], &vector16(name.as_bytes())[..]].concat()));
    }
    extension(10, &vector16(&numbers(&GROUPS)));
    extension(11, &[1, 0]);
    if version == OldVersion::Tls12 {
        extension(13, &vector16(&numbers(&SIGNATURES)));
    }
    let no_session = [0];
    let no_compression = [1, 0];
    let body = [
        &version.on_the_wire().to_be_bytes()[..],
        random,
        &no_session,
        &vector16(&numbers(&SUITES)),
        &no_compression,
        &vector16(&extensions),
    ]
    .concat();
    let [_, high, middle, low] = (body.len() as u32).to_be_bytes();
    let message = [&[1, high, middle, low], &body[..]].concat();
    // The record's version is the lowest, whatever the hello offers (RFC 5246 appendix E.1).
    [&[22, 3, 1], &vector16(&message)[..]].concat()
}

/// The input that has come so far.
#[derive(Default)]
struct Reading {
    first: FirstBytes,
    /// The records that are not complete.
    records: Vec<u8>,
    /// The handshake messages that are not complete (RFC 5246 section 7.4).
    messages: Vec<u8>,
    hello: Option<(u16, u16)>,
    chain: Vec<Certificate>,
    asks_for_certificate: bool,
    read: usize,
    done: bool,
}

impl Reading {
    fn take(&mut self, bytes: &[u8]) {
        self.first.note(bytes);
        self.read += bytes.len();
        self.records.extend_from_slice(bytes);
    }

    /// Returns the flight once it is complete.
    fn flight(&mut self) -> Result<Option<FirstFlight>, TlsFailure> {
        if !self.first.may_be_tls() {
            return Err(self.first.not_tls());
        }
        if self.read > LONGEST_FLIGHT {
            return Err(unreadable("it is longer than any first flight"));
        }
        while let Some((kind, payload)) = self.record() {
            match (kind, payload.as_slice()) {
                (22, _) => self.messages.extend(payload),
                // close_notify is an end like any other (RFC 8446 section 6.1).
                (21, [_, 0]) => return Err(TlsFailure::Closed),
                // Any other warning is no answer yet.
                (21, [1, _]) => {}
                (21, [_, alert]) => {
                    return Err(TlsFailure::AlertReceived { alert: alert_name(*alert).into_owned() });
                }
                _ => return Err(unreadable("it holds a record that no first flight has")),
            }
        }
        while let Some((kind, body)) = self.message() {
            self.note(kind, &body)?;
        }
        let Some((version, suite)) = self.hello.filter(|_| self.done) else { return Ok(None) };
        Ok(Some(FirstFlight {
            version: version_name(version).into_owned(),
            cipher_suite: suite_name(suite).into_owned(),
            chain: std::mem::take(&mut self.chain),
            asks_for_certificate: self.asks_for_certificate,
        }))
    }

    fn record(&mut self) -> Option<(u8, Vec<u8>)> {
        let [kind, _, _, high, low, ..] = *self.records else { return None };
        let end = 5 + usize::from(u16::from_be_bytes([high, low]));
        let payload = self.records.get(5..end)?.to_vec();
        self.records.drain(..end);
        Some((kind, payload))
    }

    fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let [kind, high, middle, low, ..] = *self.messages else { return None };
        let end = 4 + length24(high, middle, low);
        let body = self.messages.get(4..end)?.to_vec();
        self.messages.drain(..end);
        Some((kind, body))
    }

    fn note(&mut self, kind: u8, body: &[u8]) -> Result<(), TlsFailure> {
        match kind {
            2 => {
                let read = server_hello(body);
                self.hello = Some(read.ok_or_else(|| unreadable("its ServerHello cannot be read"))?);
            }
            11 => self.chain = certificates(body),
            13 => self.asks_for_certificate = true,
            14 => self.done = true,
            // HelloRequest, ServerKeyExchange, CertificateStatus.
            0 | 12 | 22 => {}
            _ => return Err(unreadable("it holds a message that no first flight has")),
        }
        Ok(())
    }
}

/// Returns version and suite of a ServerHello (RFC 5246 section 7.4.1.3).
fn server_hello(body: &[u8]) -> Option<(u16, u16)> {
    let version = u16::from_be_bytes([*body.first()?, *body.get(1)?]);
    let suite = 35 + usize::from(*body.get(34)?);
    Some((version, u16::from_be_bytes([*body.get(suite)?, *body.get(suite + 1)?])))
}

/// Returns the certificates of a Certificate message (RFC 5246 section 7.4.2).
fn certificates(body: &[u8]) -> Vec<Certificate> {
    let mut rest = body.get(3..).unwrap_or_default();
    let mut chain = Vec::new();
    while let [high, middle, low, ..] = *rest {
        let end = 3 + length24(high, middle, low);
        let Some(der) = rest.get(3..end) else { break };
        chain.extend(Certificate::from_der(der.to_vec()).ok());
        rest = rest.get(end..).unwrap_or_default();
        if chain.len() == MOST_CERTIFICATES {
            break;
        }
    }
    chain
}

fn length24(high: u8, middle: u8, low: u8) -> usize {
    usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
}

fn unreadable(what: &str) -> TlsFailure {
    TlsFailure::Unusable { reason: format!("the server's first flight cannot be read: {what}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<FirstFlight>, TlsFailure> {
        let mut reading = Reading::default();
        reading.take(bytes);
        reading.flight()
    }

    /// Returns a ServerHello of TLS 1.1 with TLS_RSA_WITH_AES_128_CBC_SHA, and ServerHelloDone, in one
    /// record.
    fn flight() -> Vec<u8> {
        let mut hello = vec![2, 0, 0, 38, 3, 2];
        hello.extend([7; 32]);
        hello.extend([0, 0x00, 0x2f, 0]);
        hello.extend([14, 0, 0, 0]);
        [&[22, 3, 2], &vector16(&hello)[..]].concat()
    }

    #[test]
    fn version_and_suite_are_read_off_the_first_flight() {
        let flight = read(&flight()).unwrap().unwrap();
        assert_eq!((&*flight.version, &*flight.cipher_suite), ("TLSv1.1", "TLS_RSA_WITH_AES_128_CBC_SHA"));
        assert!(flight.chain.is_empty() && !flight.asks_for_certificate);
    }

    #[test]
    fn an_alert_a_greeting_and_a_flight_of_another_kind_are_told_apart() {
        let refused = TlsFailure::AlertReceived { alert: "protocol_version".to_owned() };
        assert_eq!(read(&[21, 3, 1, 0, 2, 2, 70]), Err(refused));
        assert_eq!(read(&[21, 3, 1, 0, 2, 1, 112]), Ok(None), "a warning");
        assert_eq!(read(&[21, 3, 1, 0, 2, 1, 0]), Err(TlsFailure::Closed));
        assert!(matches!(read(b"500 what?"), Err(TlsFailure::NotTls { .. })));
        assert!(matches!(read(&[23, 3, 3, 0, 1, 0]), Err(TlsFailure::Unusable { .. })));
    }

    #[test]
    fn a_flight_without_end_is_given_up() {
        let record = [&[22, 3, 3], &vector16(&[0; 16000])[..]].concat();
        let endless: Vec<u8> = record.iter().copied().cycle().take(LONGEST_FLIGHT + 1).collect();
        assert!(matches!(read(&endless), Err(TlsFailure::Unusable { .. })));
    }

    #[tokio::test]
    async fn the_hello_is_one_that_this_crate_reads() {
        let (mut client, mut server) = tokio::io::duplex(4096);
        let asking =
            async { first_flight(OldVersion::Tls12, Some("mx1.lab.test"), &mut client).await.unwrap_err() };
        let answering = async {
            let hello = crate::tls::hello::Hello::listen(&mut server, &[], &mut 0).await.unwrap();
            server.write_all(&[21, 3, 3, 0, 2, 2, 40]).await.unwrap();
            hello.facts().unwrap()
        };
        let (refused, hello) = tokio::join!(asking, answering);
        assert_eq!(refused, TlsFailure::AlertReceived { alert: "handshake_failure".to_owned() });
        assert_eq!(hello.server_name.as_deref(), Some("mx1.lab.test"));
        assert_eq!(hello.legacy_version, 0x0303);
        assert!(hello.cipher_suites.contains(&0x002f) && hello.signature_algorithms.contains(&0x0201));
    }

    proptest! {
        #[test]
        fn no_bytes_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..60_usize) {
            read(&bytes).ok();
            let mut damaged = flight();
            let at = at % damaged.len();
            damaged.splice(at..at, bytes);
            read(&damaged).ok();
        }
    }
}
