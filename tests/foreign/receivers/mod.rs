//! The lab as a sender to servers it shares no code with: Postfix, aiosmtpd, OpenSSL's `s_server`, and
//! thirty lines of Python.
//!
//! Each server listens once for every [`Face`] it can show, with certificates of the lab's own
//! authority. Every built-in sender tries every face until its story is told: the waiting is done by
//! the lab's clock. How the stories end stands in [`table`], and what the server has in its hands
//! after each attempt is read back from the server itself.

mod aiosmtpd;
mod exim;
mod lab;
mod postfix;
mod probe;
mod python;
mod s_server;
mod table;

use std::net::SocketAddr;

use starttls_lab::internal::session::send::{BUILT_IN, Outcome};

use crate::support::MAIL_FROM;
use lab::{RECIPIENT, SendingLab};
use table::{TABLE, story};

/// What is right or wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    /// Its certificate is trusted and names both the host and the domain.
    Good,
    /// Its certificate names another host of the domain.
    OtherHost,
    /// Its certificate names a host of another domain.
    OtherDomain,
    /// Its certificate has the right names, and nobody's signature but its own.
    SelfSigned,
    /// Its certificate was good until two days ago.
    Expired,
    /// It does not offer STARTTLS.
    NotOffered,
    /// It speaks no version of TLS after 1.1, so that no handshake succeeds.
    OldTls,
    /// It offers STARTTLS, and answers it with 454.
    Refused,
}

impl Face {
    /// The label of its certificate in the lab; `None` where there is none to be seen.
    const fn certificate(self) -> Option<&'static str> {
        match self {
            Self::Good | Self::OldTls => Some("good"),
            Self::OtherHost => Some("other-host"),
            Self::OtherDomain => Some("other-domain"),
            Self::SelfSigned => Some("self-signed"),
            Self::Expired => Some("expired"),
            Self::NotOffered | Self::Refused => None,
        }
    }
}

/// A message in the hands of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mail {
    from: String,
    to: String,
    subject: String,
    /// Whether it came through TLS, as the server saw it.
    encrypted: bool,
}

/// A server under test.
trait Receiver {
    /// The faces it shows.
    fn faces(&self) -> Vec<Face>;

    /// Where it shows this one.
    fn address(&self, face: Face) -> SocketAddr;

    /// What has arrived there since it was asked last. It is asked after each conversation.
    fn arrived(&mut self, face: Face) -> Vec<Mail>;
}

/// Every built-in sender against every face of `receiver`.
async fn every_sender_ends_as_its_class_says(lab: &SendingLab, receiver: &mut impl Receiver) {
    let senders = BUILT_IN.iter().map(|built_in| built_in.policy.name);
    assert!(TABLE.iter().map(|row| row.0).eq(senders), "the table leaves a sender out");
    for (sender, ends) in TABLE {
        for face in receiver.faces() {
            let expected = story(ends, face);
            let subject = format!("{sender} at {face:?}");
            let mut arrived = Vec::new();
            let address = receiver.address(face);
            let after_each = || arrived.push(receiver.arrived(face));
            let told = lab.deliver(sender, &subject, address, after_each).await;
            assert_eq!(told, expected, "{subject}");

            let brought = |outcome: Outcome| {
                let mail = Mail {
                    from: MAIL_FROM.to_owned(),
                    to: RECIPIENT.to_owned(),
                    subject: subject.clone(),
                    encrypted: outcome != Outcome::DeliveredInClear,
                };
                Vec::from_iter(outcome.is_delivered().then_some(mail))
            };
            let brought: Vec<_> = expected.iter().map(|made| brought(made.outcome)).collect();
            assert_eq!(arrived, brought, "{subject}: what the server has after each attempt");
        }
    }
}
