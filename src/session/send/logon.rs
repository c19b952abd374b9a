//! The logon at a smart host by AUTH LOGIN (RFC 4954 section 4): two challenges, name and password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::outcome::{Reason, SendStage};
use super::policy::Logon;
use super::session::SendSession;
use super::step::{Said, Secret, SendFact, SendStep};
use crate::exchange::{Event, PSCredential};
use crate::smtp::Reply;

/// The mechanism's name in events and in the journal.
const LOGIN: &str = "Login";

/// Returns whether the reply to EHLO offers AUTH with LOGIN among its mechanisms (RFC 4954 section 3).
pub(super) fn offers_login(reply: &Reply) -> bool {
    reply.lines().iter().skip(1).any(|line| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|keyword| keyword.eq_ignore_ascii_case("AUTH"))
            && words.any(|mechanism| mechanism.eq_ignore_ascii_case("LOGIN"))
    })
}

impl SendSession {
    /// Logs on if the connector does, then sends. TLS is in force by now if there is to be any.
    pub(super) fn log_on(&mut self) -> SendStep {
        match &self.task.policy.logon {
            None => self.mail(),
            Some(Logon { requires_tls: true, .. }) if self.tls.is_none() => self.tls_missing(),
            // The one send log of this that was found, of a 2010, goes from EHLO to QUIT without a remark.
            Some(_) if !self.login_offered => {
                self.leave(Vec::new(), self.gives_up(), Reason::LogonNotOffered, self.downgrade)
            }
            Some(_) => self.command(SendStage::Auth, "AUTH LOGIN"),
        }
    }

    /// Handles the reply to AUTH LOGIN, or to what was sent after it.
    pub(super) fn challenged(&mut self, at: SendStage, reply: Reply) -> SendStep {
        match (at, reply.code()) {
            // The text of a challenge is not read: name and password follow in this order.
            (SendStage::Auth, 334) => self.answer(SendStage::Username, |credential| &credential.user),
            (SendStage::Username, 334) => self.answer(SendStage::Password, |credential| &credential.password),
            (SendStage::Password, 235) => {
                let fact = self.logon_fact(true);
                let mut step = self.mail();
                step.facts.insert(0, fact);
                step
            }
            _ => self.logon_failed(Reason::LogonRefused { reply }),
        }
    }

    fn answer(&mut self, stage: SendStage, part: impl Fn(&PSCredential) -> &String) -> SendStep {
        let logon = self.task.policy.logon.as_ref();
        let text = logon.map(|logon| STANDARD.encode(part(&logon.credential))).unwrap_or_default();
        self.say(stage, Said::Secret(Secret(format!("{text}\r\n").into())))
    }

    /// Ends the attempt: without a logon nothing is sent. The mail stays in the queue even if the refusal is
    /// permanent.
    fn logon_failed(&mut self, reason: Reason) -> SendStep {
        let mut facts = vec![self.logon_fact(false)];
        let connector = self.task.connector.as_ref();
        facts.extend(connector.map(|connector| {
            let event =
                Event::outbound_authentication_failed("LogonDenied", connector, LOGIN, &self.task.host);
            SendFact::Event(event)
        }));
        self.leave(facts, self.gives_up(), reason, self.downgrade)
    }

    fn logon_fact(&self, succeeded: bool) -> SendFact {
        let logon = self.task.policy.logon.as_ref();
        let user = logon.map(|logon| logon.credential.user.clone()).unwrap_or_default();
        SendFact::Logon { user, mechanism: LOGIN, succeeded }
    }
}
