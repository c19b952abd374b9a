//! What is waited for: a message, a conversation or an event, in the words of the test harness.

use serde_json::{Value, json};

use super::input::Query;
use super::problem::Problem;
use super::seen::{Security, Seen, line};
use crate::journal::{Entry, Record, recipients_in_words, sender_in_words};

/// What kind of thing is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message that was taken.
    Message,
    /// A conversation that has ended.
    Session,
    /// An event in an Application log.
    Event,
}

/// What it has to be; all of it has to hold.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) kind: Kind,
    clauses: Vec<Clause>,
}

#[derive(Debug)]
enum Clause {
    From(String),
    To(String),
    Over(Security),
    On(String),
    EventId(u64),
}

/// Something that may be what is waited for.
pub(super) struct Candidate {
    pub(super) seq: u64,
    pub(super) json: Value,
    /// What it is, in a line.
    pub(super) line: String,
    /// Whether nothing more can come of it.
    complete: bool,
    from: Option<String>,
    to: Vec<String>,
    security: Result<Security, &'static str>,
    names: [String; 3],
    event_id: Option<u16>,
}

impl Condition {
    /// Reads what a query says beside `for`.
    pub(super) fn read(kind: Kind, query: &Query) -> Result<Self, Problem> {
        let mut clauses = Vec::new();
        let mut only_for = |name: &'static str, kinds: &[Kind], clause: Option<Clause>| match clause {
            Some(_) if !kinds.contains(&kind) => {
                Err(Problem::refused(format!("`{name}` says nothing of a {}", kind.name())))
            }
            clause => {
                clauses.extend(clause);
                Ok(())
            }
        };
        let text = |name: &str| query.get(name).map(str::to_owned);
        only_for("from", &[Kind::Message], text("from").map(Clause::From))?;
        only_for("to", &[Kind::Message], text("to").map(Clause::To))?;
        let security = match query.get("security") {
            None => None,
            Some("tls") => Some(Clause::Over(Security::Tls)),
            Some("clear") => Some(Clause::Over(Security::Clear)),
            Some(other) => return Err(Problem::bad(format!("security=`{other}` is neither tls nor clear"))),
        };
        only_for("security", &[Kind::Message, Kind::Session], security)?;
        only_for(
            "connector",
            &[Kind::Message, Kind::Session, Kind::Event],
            text("connector").map(Clause::On),
        )?;
        let event_id = query.number("event_id", u64::from(u16::MAX))?.map(Clause::EventId);
        only_for("event_id", &[Kind::Event], event_id)?;
        Ok(Self { kind, clauses })
    }

    /// Whether the candidate is what is waited for.
    pub(super) fn fits(&self, candidate: &Candidate) -> bool {
        candidate.complete && self.clauses.iter().all(|clause| clause.miss(candidate).is_none())
    }

    /// How the candidate misses, in words.
    pub(super) fn misses(&self, candidate: &Candidate) -> Vec<String> {
        let mut misses: Vec<_> = self.clauses.iter().filter_map(|clause| clause.miss(candidate)).collect();
        if !candidate.complete {
            misses.insert(0, "it goes on".to_owned());
        }
        misses
    }

    /// What is waited for, as after "no".
    pub(super) fn words(&self) -> String {
        let clauses: Vec<_> = self.clauses.iter().map(Clause::words).collect();
        let separator = if clauses.is_empty() { "" } else { " " };
        format!("{}{separator}{}", self.kind.name(), clauses.join(", "))
    }
}

impl Clause {
    fn words(&self) -> String {
        match self {
            Self::From(from) => format!("from {}", sender_in_words(from)),
            Self::To(to) => format!("to {to}"),
            Self::Over(Security::Tls) => "over TLS".to_owned(),
            Self::Over(Security::Clear) => "in clear".to_owned(),
            Self::On(connector) => format!("on {connector}"),
            Self::EventId(id) => format!("{id}"),
        }
    }

    /// How the candidate misses; `None` where it does not.
    fn miss(&self, candidate: &Candidate) -> Option<String> {
        match self {
            Self::From(wanted) => {
                let from = candidate.from.as_deref().unwrap_or_default();
                let miss = || format!("from {}, not {}", sender_in_words(from), sender_in_words(wanted));
                (!from.eq_ignore_ascii_case(wanted)).then(miss)
            }
            Self::To(wanted) => {
                let fits = candidate.to.iter().any(|to| to.eq_ignore_ascii_case(wanted));
                (!fits).then(|| format!("to {}, not {wanted}", recipients_in_words(&candidate.to)))
            }
            Self::Over(wanted) => match candidate.security {
                Ok(security) if security == *wanted => None,
                Ok(Security::Tls) => Some("over TLS".to_owned()),
                Ok(Security::Clear) => Some("in clear".to_owned()),
                Err(why) => Some(why.to_owned()),
            },
            Self::On(wanted) => {
                let [computer, connector, fqdn] = &candidate.names;
                let whole = format!("{computer}\\{connector}");
                let fits = [connector, fqdn, &whole].iter().any(|name| name.eq_ignore_ascii_case(wanted));
                (!fits).then(|| format!("on {whole} ({fqdn})"))
            }
            Self::EventId(wanted) => {
                let id = candidate.event_id.unwrap_or_default();
                (u64::from(id) != *wanted).then(|| format!("it is event {id}"))
            }
        }
    }
}

impl Kind {
    /// What one of them is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Session => "conversation",
            Self::Event => "event",
        }
    }

    /// What several of them are called.
    pub(super) const fn names(self) -> &'static str {
        match self {
            Self::Message => "messages",
            Self::Session => "conversations",
            Self::Event => "events",
        }
    }
}

/// What was seen of a kind behind the entry of number `after` and cannot change any more, oldest first.
pub(super) fn settled(seen: &Seen, kind: Kind, after: u64) -> Vec<Candidate> {
    let mut settled: Vec<Candidate> = match kind {
        Kind::Message => {
            let fresh = seen.messages.iter().rev().take_while(|it| it.seq > after);
            fresh
                .map(|taken| Candidate {
                    seq: taken.seq,
                    json: json!(taken),
                    line: taken.line.clone(),
                    complete: true,
                    from: Some(taken.mail_from.clone()),
                    to: taken.rcpt_to.clone(),
                    security: Ok(taken.security),
                    names: [taken.computer.clone(), taken.connector.clone(), taken.fqdn.clone()],
                    event_id: None,
                })
                .collect()
        }
        Kind::Session => {
            seen.ended.iter().rev().take_while(|it| it.seq > after).map(session_candidate).collect()
        }
        Kind::Event => {
            seen.events.iter().rev().take_while(|it| it.seq > after).map(event_candidate).collect()
        }
    };
    settled.reverse();
    settled
}

/// The conversations that go on, which come near.
pub(super) fn under_way(seen: &Seen, kind: Kind) -> Vec<Candidate> {
    match kind {
        Kind::Session => seen.under_way().map(session_candidate).collect(),
        Kind::Message | Kind::Event => Vec::new(),
    }
}

fn session_candidate(session: &super::seen::Session) -> Candidate {
    let security = match (&session.tls, &session.tls_failure) {
        (Some(_), _) => Ok(Security::Tls),
        (None, Some(_)) => Err("the handshake failed"),
        (None, None) => Ok(Security::Clear),
    };
    Candidate {
        seq: session.seq,
        json: json!(session),
        line: session.outcome.clone(),
        complete: session.ending.is_some(),
        from: None,
        to: Vec::new(),
        security,
        names: [session.computer.clone(), session.connector.clone(), session.fqdn.clone()],
        event_id: None,
    }
}

fn event_candidate(entry: &Entry) -> Candidate {
    let (computer, connector, event_id) = match &entry.record {
        Record::Event(logged) => {
            let connector = logged.connector.clone().unwrap_or_default();
            (logged.computer.clone(), connector, Some(logged.event.event_id))
        }
        _ => Default::default(),
    };
    Candidate {
        seq: entry.seq,
        json: json!(entry),
        line: line(entry),
        complete: true,
        from: None,
        to: Vec::new(),
        security: Ok(Security::Clear),
        names: [computer.clone(), connector, computer],
        event_id,
    }
}
