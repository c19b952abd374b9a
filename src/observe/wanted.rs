//! The conditions that come with words: messages, sessions and events.

use std::collections::BTreeSet;

use super::condition::Condition;
use super::seen::{EventLogEntry, ReceivedMessage};
use super::session::SessionSummary;
use super::verdict::Said;
use crate::journal::{recipients_in_words, sender_in_words};

/// Matches any message; narrow it down with the methods of [`Condition`].
///
/// ```
/// # use starttls_lab::a_message;
/// let wanted = a_message().from("me@contoso.com").to("you@expta.com").in_clear();
/// assert_eq!(wanted.to_string(), "a message from me@contoso.com, to you@expta.com, in clear");
/// ```
pub fn a_message<'a>() -> Condition<'a, ReceivedMessage> {
    Condition::new("a ", "message")
}

/// Matches any session that has ended.
pub fn a_session<'a>() -> Condition<'a, SessionSummary> {
    Condition::new("a ", "conversation")
}

/// Matches an event of this number, such as 12014.
pub fn an_event<'a>(id: u16) -> Condition<'a, EventLogEntry> {
    Condition::new("", "event").numbered(id)
}

/// Matches any event.
pub fn any_event<'a>() -> Condition<'a, EventLogEntry> {
    Condition::new("an ", "event")
}

impl Condition<'_, ReceivedMessage> {
    /// Requires this MAIL FROM, letter case aside; empty for the null path.
    pub fn from(self, sender: &str) -> Self {
        let (wanted, shown) = (sender.to_owned(), sender_in_words(sender).to_owned());
        self.listed(format!("from {shown}"), move |message| {
            let it = || format!("from {}, not {shown}", sender_in_words(message.mail_from()));
            (!message.mail_from().eq_ignore_ascii_case(&wanted)).then(it)
        })
    }

    /// Requires this recipient among others, letter case aside.
    pub fn to(self, recipient: &str) -> Self {
        let wanted = recipient.to_owned();
        self.listed(format!("to {wanted}"), move |message| {
            let fits = message.rcpt_to().any(|to| to.eq_ignore_ascii_case(&wanted));
            (!fits).then(|| format!("to {}, not {wanted}", recipients_in_words(message.rcpt_to())))
        })
    }

    /// Requires this whole subject.
    pub fn subject(self, subject: &str) -> Self {
        let wanted = subject.to_owned();
        self.listed(format!("about {wanted:?}"), move |message| match message.subject.as_deref() {
            Some(subject) if subject == wanted => None,
            Some(subject) => Some(format!("about {subject:?}, not {wanted:?}")),
            None => Some("without subject".to_owned()),
        })
    }

    /// Requires these bytes somewhere in the content, as they are sent.
    pub fn containing(self, text: &str) -> Self {
        let wanted = text.to_owned();
        self.listed(format!("with {wanted:?} in it"), move |message| {
            let found = memchr::memmem::find(&message.content(), wanted.as_bytes()).is_some();
            (!found).then(|| format!("without {wanted:?} in it"))
        })
    }

    /// Requires that it came through TLS.
    pub fn over_tls(self) -> Self {
        self.listed("over TLS", |message| message.tls.is_none().then(|| "in clear".to_owned()))
    }

    /// Requires that it came in clear.
    pub fn in_clear(self) -> Self {
        self.listed("in clear", |message| {
            message.tls.as_ref().map(|tls| format!("over {}", tls.version.as_str()))
        })
    }

    /// Requires the connector that accepted it, by its name, `SERVER\Name` or FQDN.
    pub fn on(self, connector: &str) -> Self {
        let wanted = connector.to_owned();
        self.listed(format!("on {wanted}"), move |message| {
            elsewhere(&wanted, [message.computer(), message.connector(), message.fqdn()])
        })
    }
}

impl Condition<'_, SessionSummary> {
    /// Requires the connector that held it, by its name, `SERVER\Name` or FQDN.
    pub fn on(self, connector: &str) -> Self {
        let wanted = connector.to_owned();
        self.listed(format!("on {wanted}"), move |session| {
            elsewhere(&wanted, [session.computer(), session.connector(), session.fqdn()])
        })
    }

    /// Requires that a TLS handshake succeeded in it.
    pub fn over_tls(self) -> Self {
        self.listed("over TLS", |session| match (&session.tls, &session.tls_failure) {
            (Some(_), _) => None,
            (None, Some(_)) => Some("the handshake failed".to_owned()),
            (None, None) => Some("in clear".to_owned()),
        })
    }

    /// Requires that no TLS handshake was begun in it.
    pub fn in_clear(self) -> Self {
        self.listed("in clear", |session| match (&session.tls, &session.tls_failure) {
            (None, None) => None,
            (Some(tls), _) => Some(format!("over {}", tls.facts.version.as_str())),
            (None, Some(_)) => Some("with a handshake that failed".to_owned()),
        })
    }

    /// Requires that a TLS handshake failed in it.
    pub fn with_failed_tls(self) -> Self {
        self.listed("with a handshake that fails", |session| match (&session.tls_failure, &session.tls) {
            (Some(_), _) => None,
            (None, Some(_)) => Some("the handshake succeeded".to_owned()),
            (None, None) => Some("without handshake".to_owned()),
        })
    }

    /// Requires that something was said in clear in it: credentials, envelope or content.
    pub fn leaking(self, parts: impl IntoIterator<Item = Said>) -> Self {
        let parts: BTreeSet<Said> = parts.into_iter().collect();
        let words: Vec<_> = parts.iter().rev().map(|part| part.as_str()).collect();
        self.listed(format!("with {} in clear", words.join(" or ")), move |session| {
            let leaked = session.leaks().iter().any(|leak| parts.contains(&leak.what));
            (!leaked).then(|| "without that in clear".to_owned())
        })
    }

    /// Requires this many messages in it, encrypted or not.
    pub fn with_messages(self, count: u64) -> Self {
        self.listed(format!("with messages: {count}"), move |session| {
            let there = session.messages_in_clear + session.messages_over_tls;
            (there != count).then(|| format!("with messages: {there}"))
        })
    }

    /// Also accepts a session that is still under way. Without this, a session counts only when it has ended,
    /// because it may still change before that.
    pub fn or_under_way(mut self) -> Self {
        self.under_way = true;
        self
    }
}

impl Condition<'_, EventLogEntry> {
    /// Requires this event number.
    pub fn numbered(self, id: u16) -> Self {
        let miss =
            move |entry: &EventLogEntry| (entry.id() != id).then(|| format!("it is event {}", entry.id()));
        self.called(format!("event {id}")).and("", miss)
    }

    /// Requires the computer that logged it, by its name in the lab or as its log shows it, or the connector that
    /// it is about, by its name or as `SERVER\\Name`.
    pub fn on(self, place: &str) -> Self {
        let wanted = place.to_owned();
        self.listed(format!("on {wanted}"), move |entry| {
            let connector = entry.connector.as_deref().unwrap_or_default();
            let names = [&entry.server, &entry.computer];
            let fits = names.into_iter().any(|name| is_called(&wanted, [name, connector, name]));
            (!fits).then(|| format!("on {}", entry.computer))
        })
    }

    /// Requires this part of its text.
    pub fn mentioning(self, text: &str) -> Self {
        let wanted = text.to_owned();
        self.listed(format!("with {wanted:?} in its text"), move |entry| {
            (!entry.event.message().contains(&wanted)).then(|| format!("without {wanted:?} in its text"))
        })
    }
}

impl<'a, T> Condition<'a, T> {
    /// Adds a clause after a comma, or after the noun if it is the first.
    fn listed(self, words: impl AsRef<str>, miss: impl Fn(&T) -> Option<String> + Send + Sync + 'a) -> Self {
        let separator = if self.has_words() { ", " } else { " " };
        let words = format!("{separator}{}", words.as_ref());
        self.and(words, miss)
    }
}

/// Returns whether `wanted` names the connector that is called `[computer, connector, fqdn]`.
pub(crate) fn is_called(wanted: &str, [computer, connector, fqdn]: [&str; 3]) -> bool {
    let with_server = || wanted.eq_ignore_ascii_case(&format!("{computer}\\{connector}"));
    wanted.eq_ignore_ascii_case(connector) || wanted.eq_ignore_ascii_case(fqdn) || with_server()
}

fn elsewhere(wanted: &str, [computer, connector, fqdn]: [&str; 3]) -> Option<String> {
    let fits = is_called(wanted, [computer, connector, fqdn]);
    (!fits).then(|| format!("on {computer}\\{connector} ({fqdn})"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::exchange::Event;
    use crate::journal::Logged;

    #[test]
    fn an_event_is_found_by_each_name_of_its_computer() {
        let event = Event::logon_failed("LogonDenied", "In", "Login", "192.0.2.1");
        let logged = Logged {
            event,
            server: "mx1.lab.test".to_owned(),
            computer: "mx1".to_owned(),
            source: "MSExchangeTransport",
            connector: Some("In".to_owned()),
        };
        let entry = EventLogEntry { seq: 1, time: jiff::Timestamp::UNIX_EPOCH, logged: Arc::new(logged) };
        for name in ["mx1.lab.test\\In", "MX1\\in", "In", "mx1.lab.test", "mx1"] {
            assert!(any_event().on(name).fits(&entry), "{name}");
        }
        for name in ["mx2\\In", "mx1\\Out", "lab.test", ""] {
            assert!(!any_event().on(name).fits(&entry), "{name}");
        }
    }
}
