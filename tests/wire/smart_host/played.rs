//! A sending session that is answered from a list.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use starttls_lab::internal::exchange::{
    AuthenticationCredential, PSCredential, Profile, SendConnector, SendUsage, SmartHostAuthMechanism,
};
use starttls_lab::internal::session::TlsVersion;
use starttls_lab::internal::session::send::{
    Assessment, Attempt, Credentials, Outgoing, Said, Secured, SendFact, SendInput, SendNext, SendSession,
    SenderPolicy, Task,
};
use starttls_lab::internal::smtp::ReversePath;

pub(crate) const PASSWORD: &str = "a secret, and more";
/// The same as it goes over the wire.
pub(crate) const ENCODED: &str = "YSBzZWNyZXQsIGFuZCBtb3Jl";

/// What a connector amounts to that logs on as anna.
pub(crate) fn logging_on(mechanism: SmartHostAuthMechanism) -> SenderPolicy {
    let mut connector = SendConnector::new("To Smart Host".to_owned(), SendUsage::Custom);
    connector.smart_host_auth_mechanism = mechanism;
    let credential = PSCredential { user: "anna".to_owned(), password: PASSWORD.to_owned() };
    connector.authentication_credential = AuthenticationCredential(Some(credential));
    SenderPolicy::of(&connector, Profile::Exchange2010)
}

/// A message to `to`.
pub(crate) fn task(policy: SenderPolicy, to: &str) -> Arc<Task> {
    Arc::new(Task {
        policy,
        in_clear: false,
        helo: "sender.test".parse().unwrap(),
        host: "smart.example.test".to_owned(),
        next_hop: "smart.example.test".to_owned(),
        connector: Some("To Smart Host".to_owned()),
        credentials: Credentials::Usable,
        message: Arc::new(Outgoing {
            from: ReversePath::Address("a@sender.test".parse().unwrap()),
            to: vec![to.parse().unwrap()],
            content: "Subject: x\r\n\r\nx\r\n".into(),
        }),
    })
}

/// What happened in a conversation.
#[derive(Default)]
pub(crate) struct Played {
    /// The commands; a secret as `(secret)`, content as `(content)`.
    pub(crate) said: Vec<String>,
    /// The secrets.
    pub(crate) secrets: Vec<String>,
    /// The facts that are no attempts.
    pub(crate) facts: Vec<SendFact>,
    /// The attempts.
    pub(crate) attempts: Vec<Attempt>,
}

impl Played {
    fn note(&mut self, facts: Vec<SendFact>) {
        for fact in facts {
            match fact {
                SendFact::Attempt(attempt) => self.attempts.push(*attempt),
                fact => self.facts.push(fact),
            }
        }
    }

    /// The events with their insertion strings.
    pub(crate) fn events(&self) -> Vec<(u16, Vec<String>)> {
        let events = self.facts.iter().filter_map(|fact| match fact {
            SendFact::Event(event) => Some((event.event_id, event.parameters.clone())),
            _ => None,
        });
        events.collect()
    }
}

/// Plays a conversation for `tasks` with a server that gives these answers; where they end, it hangs up.
pub(crate) fn play(tasks: &[Arc<Task>], most: u32, answers: &[&str]) -> Played {
    let then: VecDeque<_> = tasks[1..].iter().cloned().collect();
    let (mut session, mut step) = SendSession::open_for(Arc::clone(&tasks[0]), then, NonZeroU32::new(most));
    let (mut played, mut answers) = (Played::default(), answers.iter());
    loop {
        played.note(step.facts);
        match step.say {
            Some(Said::Command(bytes)) => {
                played.said.push(String::from_utf8(bytes.to_vec()).unwrap().trim_end().to_owned());
            }
            Some(Said::Content(_)) => played.said.push("(content)".to_owned()),
            Some(Said::Secret(secret)) => {
                assert!(!format!("{secret:?}").contains(ENCODED));
                played.said.push("(secret)".to_owned());
                played.secrets.push(String::from_utf8(secret.0.to_vec()).unwrap());
            }
            None => {}
        }
        step = match step.next {
            SendNext::Reply => session.handle(match answers.next() {
                Some(answer) => SendInput::Reply(answer.parse().unwrap()),
                None => SendInput::Closed,
            }),
            SendNext::Handshake(_) => {
                let (secure, step) = session.secure(Arc::new(secured()));
                session = secure;
                step
            }
            SendNext::Done(attempt) => {
                played.attempts.push(*attempt);
                return played;
            }
        };
    }
}

fn secured() -> Secured {
    Secured {
        version: TlsVersion::Tls13,
        cipher_suite: "TLS_AES_256_GCM_SHA384",
        key_exchange: Some("x25519"),
        server_name: None,
        presented: Vec::new(),
        assessment: Assessment::default(),
        own: None,
    }
}
