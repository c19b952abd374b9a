//! A handshake that failed, and what the client still sends.

use std::fmt;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{failure, hello};
use crate::session::fault::Then;
use crate::session::{Reaction, TlsFailure, alert_name};

/// A handshake that failed, with its stream, which the caller may end in any way.
pub struct Refused<IO> {
    /// The failure. If the lab broke the handshake on purpose, [`Self::watch`] adds the client's reaction.
    pub failure: TlsFailure,
    /// The way in which the stream is to end. [`Then::Close`] and [`Then::Fin`] have been done for this side
    /// already. [`Then::Reset`] is left to the caller. With [`Then::Silence`] the caller waits until the
    /// client ends the stream. With `None` the connection is over as soon as the client has done something.
    pub then: Option<Then>,
    /// The stream.
    pub io: IO,
    pub(super) heard: Vec<u8>,
}

/// A handshake that failed, before the end of its stream is decided.
pub(super) struct Broken {
    pub(super) failure: TlsFailure,
    pub(super) then: Option<Then>,
    /// The bytes that came behind the ClientHello.
    pub(super) heard: Vec<u8>,
}

impl From<TlsFailure> for Broken {
    fn from(failure: TlsFailure) -> Self {
        Self { failure, then: None, heard: Vec::new() }
    }
}

/// The number of bytes that are examined of what a client sends after a fault.
const LOOKED_AT: usize = 1024;

impl<IO: AsyncRead + Unpin> Refused<IO> {
    /// Reads what the client does after the lab broke the handshake on purpose and notes it in `failure`:
    /// up to its first reaction, or, with [`Then::Silence`], to the end of the stream. For a failure that was
    /// not on purpose, and for [`Then::Reset`], there is nothing to watch.
    ///
    /// It takes as long as the client does; the future may be dropped at any time, and what was seen until
    /// then is noted.
    pub async fn watch(&mut self) {
        let TlsFailure::OnPurpose { client, .. } = &mut self.failure else {
            return;
        };
        let silent = match self.then {
            Some(Then::Reset) => return,
            then => then == Some(Then::Silence),
        };
        loop {
            if client.is_none() {
                *client = reaction(&self.heard);
            }
            if client.is_some() && !silent {
                return;
            }
            let room = LOOKED_AT.saturating_sub(self.heard.len());
            let mut bytes = [0; LOOKED_AT];
            let end = match self.io.read(&mut bytes).await {
                Ok(0) => Reaction::Closed,
                Ok(read) => {
                    self.heard.extend(bytes.iter().take(read.min(room)));
                    continue;
                }
                Err(error) => match failure::broken(&error) {
                    TlsFailure::Broken { reason } => Reaction::Broken { reason },
                    _ => Reaction::Closed,
                },
            };
            client.get_or_insert(end);
            return;
        }
    }
}

impl<IO> fmt::Debug for Refused<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("failure", &self.failure).field("then", &self.then).finish()
    }
}

/// Returns a client's reaction, by the records that it sent (RFC 8446 section 5.1); `None` as long as they do
/// not show one.
fn reaction(mut bytes: &[u8]) -> Option<Reaction> {
    loop {
        let (length, payload) = match *bytes {
            [] => return None,
            _ if hello::is_ssl2(bytes) => return Some(Reaction::WentOn),
            [kind, ..] if !(20..=24).contains(&kind) => return Some(clear_text(bytes)),
            [_, major, ..] if major != 3 => return Some(clear_text(bytes)),
            [_, _, _, high, low, ref payload @ ..] => (usize::from(u16::from_be_bytes([high, low])), payload),
            _ => return None,
        };
        match (bytes.first(), length, payload) {
            // A change_cipher_spec may stand before any other record (RFC 8446 appendix D.4).
            (Some(20), ..) => bytes = payload.get(length..)?,
            (Some(21), 2, [_, alert, ..]) => {
                return Some(Reaction::Alert { alert: alert_name(*alert).into() });
            }
            (Some(21), 2, _) => return None,
            // Level, description, type and tag: nothing else of TLS 1.3 is so short.
            (Some(21), ..) | (Some(23), ..=19, _) => return Some(Reaction::EncryptedAlert),
            _ => return Some(Reaction::WentOn),
        }
    }
}

fn clear_text(bytes: &[u8]) -> Reaction {
    let first = bytes.get(..32).unwrap_or(bytes);
    Reaction::ClearText { first_octets: first.escape_ascii().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_does_is_read_off_its_records() {
        let alert = |name: &str| Some(Reaction::Alert { alert: name.to_owned() });
        assert_eq!(reaction(&[21, 3, 1, 0, 2, 2, 70]), alert("protocol_version"));
        assert_eq!(reaction(&[20, 3, 3, 0, 1, 1, 21, 3, 3, 0, 2, 2, 50]), alert("decode_error"));
        assert_eq!(reaction(&[22, 3, 1, 0, 70, 16]), Some(Reaction::WentOn));
        assert_eq!(reaction(&[23, 3, 3, 0, 53, 9]), Some(Reaction::WentOn));
        assert_eq!(reaction(&[23, 3, 3, 0, 19, 9]), Some(Reaction::EncryptedAlert));
        assert_eq!(reaction(&[21, 3, 3, 0, 26, 9]), Some(Reaction::EncryptedAlert));
        assert_eq!(
            reaction(b"\x80\x2e\x01\x03\x01\0\x15"),
            Some(Reaction::WentOn),
            "in the format of SSL 2.0"
        );
        let quit = Reaction::ClearText { first_octets: "QUIT\\r\\n".to_owned() };
        assert_eq!(reaction(b"QUIT\r\n"), Some(quit));
        for nothing in [&[][..], &[21], &[21, 3, 3, 0, 2], &[21, 3, 3, 0, 2, 2], &[20, 3, 3, 0, 1, 1]] {
            assert_eq!(reaction(nothing), None, "{nothing:?}");
        }
    }
}
