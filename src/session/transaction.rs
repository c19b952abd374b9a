//! MAIL, RCPT, DATA and BDAT: one message on its way in.

use std::sync::{Arc, Weak};

use jiff::Timestamp;

use super::fact::{Anomaly, Fact};
use super::message::{Message, MessageFacts, protocol};
use super::receive::{Next, ReceiveSession, Step};
use super::reply;
use crate::exchange::{AuthMechanism, Event, PermissionGroups, SizeMode};
use crate::smtp::{Address, BodyType, HeaderScan, Mail, Oddities, Rcpt, Received, Reply, ReversePath};

/// A mail transaction, from MAIL to the end of its content.
#[derive(Debug)]
pub(super) struct Transaction {
    mail: Mail,
    recipients: Vec<Rcpt>,
    pub(super) chunks: bool,
}

/// The longest address without LongAddressesEnabled, and with it.
const ADDRESS_LIMITS: (usize, usize) = (571, 1860);

impl ReceiveSession {
    pub(super) fn mail(&mut self, mail: Mail, now: Timestamp) -> Step {
        let connector = &self.setting.connector;
        if self.hello.is_none() {
            return Step::say(reply::HELLO_FIRST);
        }
        if self.transaction.is_some() {
            return Step::say(reply::SENDER_ALREADY);
        }
        if connector.require_tls && self.in_clear() {
            let event = Fact::Event(Event::tls_required_but_not_available());
            let facts = if self.setting.starttls { Vec::new() } else { vec![event] };
            return Step { facts, ..Step::say(reply::must_start_tls(self.profile())) };
        }
        if let Some(refusal) = self.may_not_submit() {
            return Step::say(refusal);
        }
        let parameters = &mail.parameters;
        if parameters.size.is_some_and(|size| size > connector.max_message_size.0) {
            return Step::say(reply::MESSAGE_TOO_BIG);
        }
        if parameters.size.is_some() && connector.size_enabled == SizeMode::Disabled {
            return Step::say(reply::INVALID_ARGUMENTS);
        }
        let not_offered = match parameters.body {
            Some(BodyType::BinaryMime) => !(connector.binary_mime_enabled && connector.chunking_enabled),
            Some(BodyType::SevenBit | BodyType::EightBitMime) => !connector.eight_bit_mime_enabled,
            None => false,
        };
        let notifications = parameters.ret.is_some() || parameters.envid.is_some();
        let utf8 = parameters.smtputf8 && !connector.smtp_utf8_enabled;
        let requiretls = parameters.requiretls && !self.requiretls;
        if not_offered
            || utf8
            || requiretls
            || (notifications && !connector.delivery_status_notification_enabled)
        {
            return Step::say(reply::INVALID_ARGUMENTS);
        }
        if let ReversePath::Address(address) = &mail.reverse_path
            && self.is_not_taken(address, parameters.smtputf8)
        {
            return Step::say(reply::INVALID_SENDER);
        }
        let user = self.user.as_deref();
        if !self.setting.counters.may_submit(connector, self.setting.peer_ip(), user, now) {
            return Step::last(reply::RATE_EXCEEDED);
        }
        self.transaction = Some(Box::new(Transaction { mail, recipients: Vec::new(), chunks: false }));
        Step::say(reply::SENDER_OK)
    }

    /// Returns the reply that refuses a peer that may not submit here, by PermissionGroups.
    fn may_not_submit(&self) -> Option<Reply> {
        let connector = &self.setting.connector;
        let group = |group| connector.permission_groups.contains(group);
        let trusted = connector.allows(AuthMechanism::EXTERNAL_AUTHORITATIVE);
        let anonymous = group(PermissionGroups::ANONYMOUS_USERS) || trusted;
        match &self.user {
            _ if anonymous || self.is_exchange_server() => None,
            Some(_) if group(PermissionGroups::EXCHANGE_USERS) => None,
            Some(_) => Some(reply::NO_PERMISSION),
            None => Some(reply::not_authenticated(self.profile())),
        }
    }

    fn is_not_taken(&self, address: &Address, utf8: bool) -> bool {
        let limit =
            if self.setting.connector.long_addresses_enabled { ADDRESS_LIMITS.1 } else { ADDRESS_LIMITS.0 };
        address.as_str().len() > limit || (address.is_internationalized() && !utf8)
    }

    pub(super) fn rcpt(&mut self, rcpt: Rcpt) -> Step {
        let connector = &self.setting.connector;
        let Some(transaction) = &self.transaction else {
            return Step::say(reply::NEED_MAIL);
        };
        if transaction.chunks {
            return Step::say(reply::BAD_SEQUENCE);
        }
        let notifications = !rcpt.parameters.notify.is_empty() || rcpt.parameters.orcpt.is_some();
        if notifications && !connector.delivery_status_notification_enabled {
            return Step::say(reply::INVALID_ARGUMENTS);
        }
        if self.is_not_taken(&rcpt.forward_path, transaction.mail.parameters.smtputf8) {
            return Step::say(reply::INVALID_RECIPIENT);
        }
        if transaction.recipients.len() >= connector.max_recipients_per_message as usize {
            return Step::say(reply::TOO_MANY_RECIPIENTS);
        }
        let trusted = self.user.is_some() || self.is_exchange_server();
        if !trusted && !self.accepts_domain_of(&rcpt.forward_path) {
            return Step::say(reply::unable_to_relay(self.profile()));
        }
        if let Some(transaction) = &mut self.transaction {
            // Most messages have one recipient, and a list that grows by itself begins with room for four.
            if transaction.recipients.is_empty() {
                transaction.recipients.reserve_exact(1);
            }
            transaction.recipients.push(rcpt);
        }
        Step::say(reply::RECIPIENT_OK)
    }

    fn accepts_domain_of(&self, address: &Address) -> bool {
        let accepted = &self.setting.computer.accepted_domains;
        let trusted = self.setting.connector.allows(AuthMechanism::EXTERNAL_AUTHORITATIVE);
        // `RCPT TO:<postmaster>` is accepted everywhere (RFC 5321 section 4.5.1).
        address.domain().is_none_or(|domain| {
            accepted.is_empty() || trusted || accepted.iter().any(|known| *known == *domain)
        })
    }

    pub(super) fn data(&mut self) -> Step {
        match &self.transaction {
            None => Step::say(reply::NEED_MAIL),
            Some(transaction) if transaction.recipients.is_empty() => Step::say(reply::NEED_RCPT),
            // RFC 3030 section 3: neither after BDAT, nor for BINARYMIME.
            Some(transaction) if transaction.chunks || transaction.is_binary() => {
                Step::say(reply::BAD_SEQUENCE)
            }
            Some(_) => {
                let limit = self.setting.connector.max_message_size.0;
                Step { next: Next::Data { limit }, ..Step::say(reply::START_MAIL_INPUT) }
            }
        }
    }

    /// Answers BDAT. The chunk follows its command at once, so it is read even if the command is refused (RFC
    /// 3030 section 4).
    pub(super) fn bdat(&mut self, size: u64, last: bool) -> Step {
        let limit = self.setting.connector.max_message_size.0;
        let refusal = match &self.transaction {
            _ if !self.setting.connector.chunking_enabled => {
                Some(reply::unrecognized(self.profile(), "BDAT"))
            }
            None => Some(reply::NEED_MAIL),
            Some(transaction) if transaction.recipients.is_empty() => Some(reply::NEED_RCPT),
            Some(_) => None,
        };
        let limit = if refusal.is_some() { 0 } else { limit };
        if let (Some(transaction), None) = (&mut self.transaction, &refusal) {
            transaction.chunks = true;
        }
        self.refused_chunk = refusal;
        Step::silent(Next::Chunk { size, last, limit })
    }

    pub(super) fn chunk(&mut self, size: u64) -> Step {
        match self.refused_chunk.take() {
            Some(refusal) => Step::say(refusal),
            None => Step::say(reply::chunk_received(size)),
        }
    }

    /// Accepts or refuses the message whose content is complete, and ends the transaction.
    pub(super) fn content(&mut self, received: Received, now: Timestamp) -> Step {
        if let Some(refusal) = self.refused_chunk.take() {
            return Step::say(refusal);
        }
        let (Some(transaction), Some(hello)) = (self.transaction.take(), &self.hello) else {
            return Step::say(reply::NEED_MAIL);
        };
        let mut facts = oddities(&received.oddities, &transaction);
        let header = HeaderScan::of(&received.body);
        let connector = &self.setting.connector;
        let refusal = if received.too_big || received.bytes > connector.max_message_size.0 {
            Some(reply::MESSAGE_TOO_BIG)
        } else if header.length > connector.max_header_size.0 {
            Some(reply::HEADER_TOO_BIG)
        } else if header.received > connector.max_hop_count as usize {
            Some(reply::TOO_MANY_HOPS)
        } else if connector.bare_linefeed_rejection_enabled && received.oddities.bare_lf > 0 {
            Some(reply::BARE_LINE_FEEDS)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return Step { facts, ..Step::say(refusal) };
        }
        let Transaction { mail, recipients, .. } = *transaction;
        let id = self.setting.counters.next_message();
        let utf8 = mail.parameters.smtputf8;
        let protocol = protocol(hello.extended, utf8, self.tls.is_some(), self.user.is_some());
        let tls = self.tls.clone();
        let HeaderScan { subject, message_id, tls_required, .. } = header;
        let message = Arc::new_cyclic(|message| Message {
            setting: Arc::clone(&self.setting),
            facts: Arc::new(MessageFacts {
                id,
                time: now,
                helo: hello.name.clone(),
                protocol,
                mail,
                recipients: recipients.into(),
                tls,
                user: self.user.as_deref().map(Box::from),
                size: received.body.len(),
                subject: subject.map(String::into_boxed_str),
                message_id: message_id.map(String::into_boxed_str),
                tls_required: tls_required.map(String::into_boxed_str),
                message: Weak::clone(message),
            }),
            body: received.body,
        });
        let message_id = message.message_id(self.setting.fqdn());
        let reply = reply::queued(&self.setting, &message_id, id);
        facts.push(Fact::Message(message));
        Step { facts, ..Step::say(reply) }
    }
}

impl Transaction {
    fn is_binary(&self) -> bool {
        self.mail.parameters.body == Some(BodyType::BinaryMime)
    }
}

/// Returns the anomalies of content, without those that its envelope announced.
fn oddities(seen: &Oddities, transaction: &Transaction) -> Vec<Fact> {
    let parameters = &transaction.mail.parameters;
    let announced =
        parameters.smtputf8 || matches!(parameters.body, Some(BodyType::EightBitMime | BodyType::BinaryMime));
    let binary = transaction.is_binary();
    [
        (seen.bare_lf > 0 && !binary, Anomaly::BareLineFeedInContent { count: seen.bare_lf }),
        (seen.bare_cr > 0 && !binary, Anomaly::BareCarriageReturnInContent { count: seen.bare_cr }),
        (seen.nul > 0 && !binary, Anomaly::NulInContent { count: seen.nul }),
        (seen.longest_line > 998 && !binary, Anomaly::OverlongLineInContent { octets: seen.longest_line }),
        (seen.eight_bit && !announced, Anomaly::UnannouncedEightBitContent),
    ]
    .into_iter()
    .filter(|(odd, _)| *odd)
    .map(|(_, oddity)| Fact::Anomaly(oddity))
    .collect()
}
