//! A message as the lab accepted it: envelope, security, and every byte.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use jiff::Timestamp;

use super::setting::Setting;
use super::tls::{TlsFacts, TlsVersion};
use crate::smtp::{Body, HelloName, Mail, MailDate, Rcpt};

/// A message that was answered with 250; it dereferences to its [`MessageFacts`].
#[derive(Clone, Debug)]
pub struct Message {
    /// Its envelope, its security, and what its header says.
    pub facts: Arc<MessageFacts>,
    /// The connection that it came by, of which the `Received:` field tells.
    pub(super) setting: Arc<Setting>,
    /// The content, exactly as it was sent, less the dots of RFC 5321 section 4.5.2.
    pub body: Body,
}

/// The facts of a message, which the journal keeps longer than the message itself.
#[derive(Clone, Debug)]
pub struct MessageFacts {
    /// Its number in the lab, which is the `InternalId` of the reply.
    pub id: u64,
    /// The time at which it was accepted.
    pub time: Timestamp,
    /// The name that the client gave in EHLO or HELO.
    pub helo: HelloName,
    /// The protocol by which it came, by the registered names of RFC 3848 and RFC 6531 section 4.3.
    pub protocol: &'static str,
    /// The sender and the parameters of MAIL.
    pub mail: Mail,
    /// The recipients with the parameters of RCPT.
    pub recipients: Box<[Rcpt]>,
    /// The TLS it came through; `None` if it came in clear.
    pub tls: Option<Arc<TlsFacts>>,
    /// The user that had logged on.
    pub user: Option<Box<str>>,
    /// Bytes of content.
    pub size: u64,
    /// The subject.
    pub subject: Option<Box<str>>,
    /// The Message-ID it carries.
    pub message_id: Option<Box<str>>,
    /// The value of its `TLS-Required` field (RFC 8689 section 3).
    pub tls_required: Option<Box<str>>,
    /// The message itself, as long as the journal keeps it.
    pub message: Weak<Message>,
}

impl MessageFacts {
    /// Returns the sender; empty for the null path.
    pub fn mail_from(&self) -> &str {
        self.mail.reverse_path.as_str()
    }

    /// Returns the recipients.
    pub fn rcpt_to(&self) -> impl ExactSizeIterator<Item = &str> {
        self.recipients.iter().map(|rcpt| rcpt.forward_path.as_str())
    }

    /// Returns whether MAIL asked for REQUIRETLS (RFC 8689 section 2).
    pub fn requiretls(&self) -> bool {
        self.mail.parameters.requiretls
    }

    /// Returns the approximate number of bytes that the facts keep on the heap, without the message itself.
    pub(crate) fn weight(&self) -> usize {
        let recipients: usize = self.rcpt_to().map(|to| to.len() + 24).sum();
        let others = [&self.user, &self.subject, &self.message_id, &self.tls_required];
        let others: usize = others.into_iter().flatten().map(|text| text.len()).sum();
        256 + self.helo.as_str().len() + self.mail_from().len() + recipients + others
    }
}

impl Deref for Message {
    type Target = MessageFacts;

    fn deref(&self) -> &MessageFacts {
        &self.facts
    }
}

impl Message {
    /// Returns the size of the content in bytes, without the lab's own `Received:`.
    pub fn size(&self) -> u64 {
        self.body.len()
    }

    /// Returns the `Received:` field that the connector put before it (RFC 5321 section 4.4), with its final CRLF.
    /// It states the TLS that was in fact used.
    pub fn received(&self) -> String {
        let Self { setting, facts, .. } = self;
        let MessageFacts { helo, protocol, .. } = &**facts;
        let mut field = format!(
            "Received: from {helo} ([{}])\r\n by {} ([{}]) with {protocol}",
            setting.peer_ip(),
            setting.fqdn(),
            setting.local.ip().to_canonical(),
        );
        // Writing to a String cannot fail.
        if let Some(tls) = &self.tls {
            let version = match tls.version {
                TlsVersion::Tls12 => "TLS1_2",
                TlsVersion::Tls13 => "TLS1_3",
            };
            let _ = write!(field, "\r\n (version={version}, cipher={})", tls.cipher_suite);
        }
        let _ = write!(field, " id {};\r\n {}\r\n", self.id, MailDate(self.time));
        field
    }

    /// Returns the whole message: the lab's `Received:` and the content.
    pub fn raw(&self) -> Bytes {
        let received = self.received();
        let mut raw = Vec::with_capacity(received.len() + usize::try_from(self.body.len()).unwrap_or(0));
        raw.extend_from_slice(received.as_bytes());
        self.body.chunks().for_each(|chunk| raw.extend_from_slice(chunk));
        raw.into()
    }

    /// Returns the Message-ID, or the one the lab made up for a message that has none.
    pub fn message_id(&self, fqdn: &str) -> Cow<'_, str> {
        if let Some(known) = &self.message_id {
            return Cow::Borrowed(known);
        }
        let mut made_up = String::with_capacity(fqdn.len() + "<@>".len() + 20);
        // Writing to a String cannot fail.
        let _ = write!(made_up, "<{}@{fqdn}>", self.id);
        Cow::Owned(made_up)
    }
}

/// Returns the `with` word of a `Received:` field.
pub(super) fn protocol(extended: bool, utf8: bool, tls: bool, authenticated: bool) -> &'static str {
    match (utf8, tls, authenticated) {
        (true, false, false) => "UTF8SMTP",
        (true, false, true) => "UTF8SMTPA",
        (true, true, false) => "UTF8SMTPS",
        (true, true, true) => "UTF8SMTPSA",
        (false, true, true) => "ESMTPSA",
        (false, true, false) => "ESMTPS",
        (false, false, true) => "ESMTPA",
        (false, false, false) if extended => "ESMTP",
        (false, false, false) => "SMTP",
    }
}
