//! AUTH LOGIN, and the mechanisms that are advertised and not emulated.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::fact::Fact;
use super::receive::{Next, ReceiveSession, Step};
use super::reply;
use crate::exchange::{AuthMechanism, Event, TimeSpan};
use crate::smtp::Reply;

/// The progress of AUTH LOGIN.
#[derive(Debug)]
pub(super) enum Dialogue {
    /// The user name is due.
    Username,
    /// The password is due.
    Password {
        /// The user whose password it is.
        user: String,
    },
}

const LOGIN: &str = "Login";

impl ReceiveSession {
    pub(super) fn auth(&mut self, mechanism: &str, initial: Option<String>) -> Step {
        if self.hello.is_none() {
            return Step::say(reply::HELLO_FIRST);
        }
        if self.user.is_some() || self.transaction.is_some() {
            return Step::say(reply::BAD_SEQUENCE);
        }
        let basic = self.setting.connector.allows(AuthMechanism::BASIC_AUTH);
        let after_tls = self.setting.connector.allows(AuthMechanism::BASIC_AUTH_REQUIRE_TLS);
        let offered = basic && !(after_tls && self.in_clear());
        if !offered || !mechanism.eq_ignore_ascii_case("LOGIN") {
            return Step::say(reply::UNKNOWN_MECHANISM);
        }
        match initial {
            // RFC 4954 section 4: an initial response of no bytes is written as an equals sign.
            Some(user) if user == "=" => self.answer(Dialogue::Username, b""),
            Some(user) => self.answer(Dialogue::Username, user.as_bytes()),
            None => self.challenge(reply::USERNAME, Dialogue::Username),
        }
    }

    /// Refuses X-EXPS: the authentication behind it (Kerberos, NTLM, EXCHANGEAUTH) is not emulated.
    pub(super) fn x_exps(&mut self) -> Step {
        if self.setting.connector.allows(AuthMechanism::EXCHANGE_SERVER) {
            Step::say(reply::UNKNOWN_MECHANISM)
        } else {
            Step::say(reply::unrecognized(self.profile(), "X-EXPS"))
        }
    }

    /// Takes the answer to a challenge.
    pub(super) fn answer(&mut self, dialogue: Dialogue, text: &[u8]) -> Step {
        if text == b"*" {
            return Step::say(reply::AUTH_CANCELLED);
        }
        let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(decoded) = decoded else {
            return Step::say(reply::AUTH_UNREADABLE);
        };
        match dialogue {
            Dialogue::Username => self.challenge(reply::PASSWORD, Dialogue::Password { user: decoded }),
            Dialogue::Password { user } => self.log_on(user, &decoded),
        }
    }

    fn challenge(&mut self, challenge: Reply, dialogue: Dialogue) -> Step {
        self.dialogue = Some(dialogue);
        Step::say(challenge)
    }

    fn log_on(&mut self, user: String, password: &str) -> Step {
        let users = &self.setting.computer.users;
        let known =
            users.iter().any(|known| known.user.eq_ignore_ascii_case(&user) && known.password == password);
        if !user.is_empty() && (users.is_empty() || known) {
            self.user = Some(user.clone());
            return Step {
                facts: vec![Fact::LoggedOn { user, mechanism: LOGIN }],
                ..Step::say(reply::LOGGED_ON)
            };
        }
        self.logon_failures += 1;
        let connector = &self.setting.connector;
        let peer = self.setting.peer_ip().to_string();
        let mut facts = vec![
            Fact::LogonFailed { user, mechanism: LOGIN },
            Fact::Event(Event::logon_failed("LogonDenied", &connector.name, LOGIN, &peer)),
        ];
        let exceeded = connector.max_logon_failures > 0 && self.logon_failures > connector.max_logon_failures;
        let next = if exceeded { Next::Close } else { Next::Line };
        if exceeded {
            let limit = connector.max_logon_failures;
            facts.push(Fact::Event(Event::too_many_failed_logons(&connector.name, limit, &peer)));
        }
        let TimeSpan(delay) = connector.auth_tarpit_interval;
        let reply = if exceeded { reply::TOO_MANY_ERRORS } else { reply::LOGON_FAILED };
        Step { facts, delay, next, ..Step::say(reply) }
    }
}
