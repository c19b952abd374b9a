use crate::session::fault::{Conduct, Corruption, Cut, LegacyVersion, Then};

/// What is done to one handshake on purpose; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(super) act: Act,
    pub(super) then: Option<Then>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Act {
    /// The handshake goes as it goes.
    #[default]
    Nothing,
    /// Once the ClientHello is there, nothing is answered.
    Silence,
    /// The connection ends before the client has said anything.
    End,
    /// A fatal alert in place of the ServerHello.
    Alert(u8),
    /// A warning, then the handshake.
    Warning(u8),
    /// Octets in place of the ServerHello.
    Octets(Vec<u8>),
    Cut(Cut),
    Corrupt(Corruption),
    Legacy(LegacyVersion),
}

impl Plan {
    /// What a row at `handshake` asks for, with what follows; `None` for conduct that is none of a
    /// handshake's own, such as a reply, and for [`Conduct::Tls`], which needs a
    /// [`ServerTls`](super::ServerTls) of its own.
    ///
    /// # Errors
    ///
    /// An alert that there is not, or octets that are none.
    pub fn of(conduct: &Conduct, then: Option<Then>) -> Result<Option<Self>, String> {
        let (act, otherwise) = match conduct {
            Conduct::Silence => (Act::Silence, Then::Silence),
            Conduct::Close => (Act::End, Then::Close),
            Conduct::Reset => (Act::End, Then::Reset),
            Conduct::Alert(alert) => (Act::Alert(alert.number()?), Then::Close),
            Conduct::Warning(alert) => {
                return Ok(Some(Self { act: Act::Warning(alert.number()?), then: None }));
            }
            Conduct::Raw(octets) => return Ok(Some(Self { act: Act::Octets(octets.octets()?), then })),
            Conduct::Cut(cut) => (Act::Cut(*cut), Then::Close),
            Conduct::Corrupt(corruption) => {
                return Ok(Some(Self { act: Act::Corrupt(*corruption), then: None }));
            }
            Conduct::Legacy(server) => return Ok(Some(Self { act: Act::Legacy(*server), then })),
            _ => return Ok(None),
        };
        let then = match conduct.ends() {
            Some(end) => end,
            None => then.unwrap_or(otherwise),
        };
        Ok(Some(Self { act, then: Some(then) }))
    }
}
