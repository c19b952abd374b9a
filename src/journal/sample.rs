//! Sample entries of a conversation, for the tests of the views.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::record::{Connector, Entry, FailedHandshake, Handshake, Logon, Record, SessionContext, SessionId};
use crate::exchange::{
    CertificateFacts, Computer, Profile, ProtocolLoggingLevel, ReceiveConnector, Role, Usage,
};
use crate::session::fault::{FaultSpec, FaultTable};
use crate::session::{MessageFacts, TlsFacts, TlsFailure, TlsVerb, TlsVersion};
use crate::smtp::{Mail, Rcpt, ReversePath, Sparse};

/// The entries of one conversation; each is a second after the one before.
pub(crate) struct SampleSession {
    pub(crate) entries: Vec<Entry>,
    place: Arc<SessionContext>,
}

impl SampleSession {
    pub(crate) fn on(profile: Profile) -> Self {
        Self::at(place(profile, ProtocolLoggingLevel::Verbose))
    }

    pub(crate) fn at(place: SessionContext) -> Self {
        Self { entries: Vec::new(), place: Arc::new(place) }
    }

    pub(crate) fn tell(&mut self, record: Record) -> &mut Self {
        let seconds = self.entries.len();
        let time = at("2024-02-03T04:05:00Z") + SignedDuration::from_secs(i64::try_from(seconds).unwrap());
        let seq = seconds as u64 + 1;
        self.entries.push(Entry { seq, time, place: Some(Arc::clone(&self.place)), record });
        self
    }

    pub(crate) fn received(&mut self, line: &str) -> &mut Self {
        self.tell(Record::Received(line.as_bytes().into()))
    }

    pub(crate) fn sent(&mut self, reply: &str) -> &mut Self {
        self.tell(Record::Sent(Bytes::copy_from_slice(reply.as_bytes())))
    }

    pub(crate) fn logon(&mut self, succeeded: bool) -> &mut Self {
        self.tell(Record::Logon(Logon { user: "anna".to_owned(), mechanism: "Login", succeeded }.into()))
    }

    pub(crate) fn established(&mut self, verb: TlsVerb) -> &mut Self {
        let (facts, certificate) = (Arc::new(facts()), Arc::new(certificate()));
        self.tell(Record::TlsEstablished(Arc::new(Handshake { verb, facts, certificate })))
    }

    /// Adds the entry of a fault; `row` is the fault rule as JSON.
    pub(crate) fn on_purpose(&mut self, row: &str) -> &mut Self {
        let row: FaultSpec = serde_json::from_str(row).unwrap();
        let table = Arc::new(FaultTable::of(&[row.resolve().unwrap()], ""));
        let fired = table.connect([127, 0, 0, 1].into()).at(row.at).unwrap();
        self.tell(Record::Fault(Box::new(fired)))
    }

    pub(crate) fn failed(&mut self, failure: TlsFailure) -> &mut Self {
        let (verb, certificate, client_hello) =
            (TlsVerb::StartTls, Some(Arc::new(certificate())), Some(Arc::default()));
        let failed = FailedHandshake { verb, failure, certificate, client_hello, partial_hello: 0 };
        self.tell(Record::TlsFailed(Arc::new(failed)))
    }

    pub(crate) fn failed_before_hello(&mut self, failure: TlsFailure) -> &mut Self {
        self.failed_in_hello(failure, 0)
    }

    /// The handshake fails after so many bytes of a ClientHello.
    pub(crate) fn failed_in_hello(&mut self, failure: TlsFailure, partial_hello: usize) -> &mut Self {
        let (verb, certificate, client_hello) = (TlsVerb::StartTls, Some(Arc::new(certificate())), None);
        let failed = FailedHandshake { verb, failure, certificate, client_hello, partial_hello };
        self.tell(Record::TlsFailed(Arc::new(failed)))
    }

    pub(crate) fn message(&mut self, tls: Option<TlsFacts>) -> &mut Self {
        self.tell(Record::Message(Arc::new(MessageFacts {
            id: 1,
            time: Timestamp::UNIX_EPOCH,
            helo: "client.example".parse().unwrap(),
            mail: Mail {
                reverse_path: ReversePath::Address("a@example.com".parse().unwrap()),
                parameters: Sparse::default(),
            },
            recipients: [recipient("b@example.com")].into(),
            protocol: if tls.is_some() { "ESMTPS" } else { "ESMTP" },
            tls: tls.map(Arc::new),
            user: None,
            size: 12,
            subject: None,
            message_id: None,
            tls_required: None,
            message: std::sync::Weak::new(),
        })))
    }
}

pub(crate) fn recipient(address: &str) -> Rcpt {
    Rcpt { forward_path: address.parse().unwrap(), parameters: Sparse::default() }
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

pub(crate) fn place(profile: Profile, level: ProtocolLoggingLevel) -> SessionContext {
    let name = "Default Frontend GATE".to_owned();
    let mut connector = ReceiveConnector::new(name, Usage::DefaultFrontend, Role::Mailbox, profile);
    connector.protocol_logging_level = level;
    let computer = Computer::new("GATE", "gate.example.com".parse().unwrap(), Role::Mailbox, profile);
    SessionContext {
        session: SessionId(1),
        computer: Arc::new(computer),
        connector: Connector::Receive(Arc::new(connector)),
        local: "[::ffff:192.0.2.1]:25".parse().unwrap(),
        remote: "192.0.2.9:4242".parse().unwrap(),
        peer: None,
    }
}

pub(crate) fn certificate() -> CertificateFacts {
    CertificateFacts {
        thumbprint: "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709".parse().unwrap(),
        subject: "CN=mx.example".to_owned(),
        issuer: "CN=Example CA, O=\"Example, Inc.\"".to_owned(),
        serial_number: "0A0B".to_owned(),
        common_names: vec!["mx.example".to_owned()],
        dns_names: vec!["mx.example".to_owned(), "smtp.example".to_owned()],
        not_before: at("2024-01-01T00:00:00Z"),
        not_after: at("2025-01-01T00:00:00Z"),
        version: 3,
        self_signed: false,
    }
}

pub(crate) fn facts() -> TlsFacts {
    TlsFacts {
        version: TlsVersion::Tls13,
        cipher_suite: "TLS_AES_256_GCM_SHA384",
        key_exchange: Some("x25519"),
        server_name: Some("mail.example.com".to_owned()),
        presented: certificate().thumbprint,
        client_certificate: None,
        client_certificate_error: None,
        client_hello: None,
    }
}
