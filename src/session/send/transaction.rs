//! One message after another: MAIL, RCPT, DATA, and the RSET between two messages.

use std::fmt::Write as _;

use super::outcome::{Outcome, Reason, SendStage};
use super::policy::Trust;
use super::session::SendSession;
use super::step::{Said, SendFact, SendStep};
use crate::smtp::{Reply, transparent};

impl SendSession {
    /// Begins the message whose turn it is.
    pub(super) fn mail(&mut self) -> SendStep {
        let mut line = format!("MAIL FROM:<{}>", self.task.message.from);
        if self.size_offered {
            // Writing to a String cannot fail.
            let _ = write!(line, " SIZE={}", self.task.message.content.len());
        }
        self.command(SendStage::Mail, &line)
    }

    pub(super) fn rcpt(&mut self) -> SendStep {
        match self.task.message.to.get(self.recipient) {
            Some(to) => {
                let line = format!("RCPT TO:<{to}>");
                self.command(SendStage::Rcpt, &line)
            }
            None => self.command(SendStage::Data, "DATA"),
        }
    }

    pub(super) fn recipient_answered(&mut self, reply: Reply) -> SendStep {
        let all = self.task.message.to.len();
        if !matches!(reply.code(), 250..=252)
            && let Some(to) = self.task.message.to.get(self.recipient)
        {
            self.refused.push((to.clone(), reply.clone()));
        }
        self.recipient += 1;
        if self.recipient == all && self.refused.len() == all {
            return self.message_refused(SendStage::Rcpt, reply);
        }
        self.rcpt()
    }

    pub(super) fn content(&mut self) -> SendStep {
        let content = transparent(&self.task.message.content);
        self.say(SendStage::Content, Said::Content(content))
    }

    pub(super) fn delivered(&mut self, reply: Reply) -> SendStep {
        let outcome = match &self.tls {
            None => Outcome::DeliveredInClear,
            Some(_) => Outcome::DeliveredOverTls { authenticated: self.task.policy.trust != Trust::Nothing },
        };
        self.message_ended(outcome, SendStage::Content, reply)
    }

    /// Ends the attempt of a message that the server refuses, and goes on with the next message.
    pub(super) fn message_refused(&mut self, at: SendStage, reply: Reply) -> SendStep {
        let outcome = self.outcome_of(&reply);
        self.message_ended(outcome, at, reply)
    }

    fn message_ended(&mut self, outcome: Outcome, at: SendStage, reply: Reply) -> SendStep {
        let attempt = Box::new(self.attempt(outcome, Reason::Reply { at, reply }, self.downgrade));
        let full = self.most.is_some_and(|most| self.message >= most.get());
        let next = if full { None } else { self.waiting.pop_front() };
        let Some(task) = next else {
            self.end = Some(attempt);
            return self.command(SendStage::Quit, "QUIT");
        };
        self.task = task;
        self.message = self.message.saturating_add(1);
        self.recipient = 0;
        self.refused.clear();
        let step = match at {
            // The reply to the content clears the transaction, whatever it is (RFC 5321 section 4.1.1.4).
            SendStage::Content => self.mail(),
            _ => self.command(SendStage::Rset, "RSET"),
        };
        SendStep { facts: vec![SendFact::Attempt(attempt)], ..step }
    }
}
