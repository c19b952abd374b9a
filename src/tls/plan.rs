use crate::session::fault::{Conduct, Corruption, Cut, LegacyVersion, Then};

/// What is done to one handshake on purpose; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(super) act: Act,
    pub(super) then: Option<Then>,
    pub(super) early: Vec<u8>,
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
    /// The same where these octets of the handshake have been read already.
    #[must_use]
    pub fn after(self, early: &[u8]) -> Self {
        Self { early: early.to_vec(), ..self }
    }

    /// What a row at `handshake` asks for, with what follows. Where nothing is said to follow, an alert and a
    /// cut close the connection, and after octets and a flight of yesterday it is the client's turn.
    ///
    /// `None` for conduct that is none of a handshake's own, such as a reply, and for [`Conduct::Tls`], which
    /// needs a [`ServerTls`](super::ServerTls) of its own.
    ///
    /// # Errors
    ///
    /// An alert that there is not, or octets that are none.
    pub fn of(conduct: &Conduct, then: Option<Then>) -> Result<Option<Self>, String> {
        let (act, then) = match conduct {
            Conduct::Silence => (Act::Silence, Some(Then::Silence)),
            Conduct::Close => (Act::End, Some(Then::Close)),
            Conduct::Reset => (Act::End, Some(Then::Reset)),
            Conduct::Alert(alert) => (Act::Alert(alert.number()?), then.or(Some(Then::Close))),
            Conduct::Warning(alert) => (Act::Warning(alert.number()?), None),
            Conduct::Raw(octets) => (Act::Octets(octets.octets()?), then),
            Conduct::Cut(cut) => (Act::Cut(*cut), then.or(Some(Then::Close))),
            Conduct::Corrupt(corruption) => (Act::Corrupt(*corruption), None),
            Conduct::Legacy(server) => (Act::Legacy(*server), then),
            _ => return Ok(None),
        };
        Ok(Some(Self { act, then, early: Vec::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(conduct: serde_json::Value, then: Option<Then>) -> Result<Option<Plan>, String> {
        Plan::of(&serde_json::from_value(conduct).unwrap(), then)
    }

    #[test]
    fn what_follows_is_what_the_row_says_or_what_goes_without_saying() {
        use serde_json::json;
        let then = |conduct, then| plan(conduct, then).unwrap().unwrap().then;
        assert_eq!(then(json!({"alert": 40}), None), Some(Then::Close));
        assert_eq!(then(json!({"alert": 40}), Some(Then::Silence)), Some(Then::Silence));
        assert_eq!(then(json!({"cut": {"after": "server-hello"}}), Some(Then::Reset)), Some(Then::Reset));
        assert_eq!(then(json!({"raw": "500 no"}), None), None);
        assert_eq!(then(json!({"legacy": "SSLv3"}), None), None);
        assert_eq!(then(json!("reset"), Some(Then::Close)), Some(Then::Reset));
    }

    #[test]
    fn what_is_no_handshakes_own_is_no_plan_and_what_is_not_there_is_an_error() {
        use serde_json::json;
        assert_eq!(plan(json!({"reply": "500 no"}), None), Ok(None));
        assert_eq!(plan(json!({"tls": {"version": "TLSv1.2"}}), None), Ok(None));
        assert!(plan(json!({"alert": "handshake_failed"}), None).unwrap_err().contains("handshake_failure"));
        assert!(plan(json!({"raw": "hex:0"}), None).is_err());
    }
}
