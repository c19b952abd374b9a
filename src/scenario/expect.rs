//! The expectations of a lab at one stage of its scenario, the observations, and the differences between
//! them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::ending::Ending;

/// The expectations of a lab file at one stage. What is omitted is not checked; a later stage inherits the
/// expectations of an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expectations {
    /// The expectations of computers, by the computer's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub computer: BTreeMap<String, ExpectedComputer>,
    /// The expectations of receive connectors, by `SERVER\Name`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub receive_connector: BTreeMap<String, ExpectedReceiveConnector>,
    /// The expectations of Send connectors, by `SERVER\Name`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub send_connector: BTreeMap<String, ExpectedSendConnector>,
    /// The final result of each sender's message, by the sender's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sender: BTreeMap<String, Ending>,
}

/// The expectations of a computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedComputer {
    /// The events it logs that concern no single connector, such as 12013.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<u16>>,
}

/// The expectations of a receive connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedReceiveConnector {
    /// The label of the certificate that STARTTLS is offered with, or `none`; `absent` for no such connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls: Option<String>,
    /// The label of the certificate that X-ANONYMOUSTLS is offered with, or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_tls: Option<String>,
    /// The events that are logged about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<u16>>,
}

/// The expectations of a Send connector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedSendConnector {
    /// The label of the certificate it would present, or `none`; for one that it names and cannot use,
    /// the error that follows: `NoCredentials` or `UnknownCredentials`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presents: Option<String>,
    /// The events that are logged about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<u16>>,
}

/// The subject of an expectation or an observation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Subject {
    /// The commands of the stage themselves.
    Commands,
    /// A computer by its name.
    Computer(String),
    /// A receive connector as `SERVER\Name`.
    ReceiveConnector(String),
    /// A Send connector as `SERVER\Name`.
    SendConnector(String),
    /// A sender by its name.
    Sender(String),
}

/// Which side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The Shell's refusal.
    Refusal,
    /// The certificate behind STARTTLS.
    Starttls,
    /// The certificate behind X-ANONYMOUSTLS.
    AnonymousTls,
    /// The certificate a Send connector presents.
    Presents,
    /// The events that are logged.
    Events,
    /// The result of the message.
    Ending,
    /// Fault rules that were declared and never done.
    NeverDone,
}

/// A value that was expected or observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A certificate's label, or a word that stands in for one.
    Certificate(String),
    /// Events by their numbers, ascending.
    Events(Vec<u16>),
    /// The result of a message.
    Ending(Ending),
    /// The Shell's words; an expectation is met by whatever contains it.
    Said(String),
}

/// The observations of a lab at one stage, in the order of the lab file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation(pub Vec<(Subject, Aspect, Value)>);

/// The value where nothing is offered, presented or refused.
pub const NONE: &str = "none";
/// The value for a connector that does not exist.
pub const ABSENT: &str = "absent";

impl Expectations {
    /// Returns these expectations, completed by those of `earlier` where these have none.
    #[must_use]
    pub fn over(&self, earlier: &Self) -> Self {
        let mut all = earlier.clone();
        for (name, given) in &self.computer {
            let known = of(&mut all.computer, name);
            known.events = given.events.clone().or(known.events.take());
        }
        for (name, given) in &self.receive_connector {
            let known = of(&mut all.receive_connector, name);
            known.starttls = given.starttls.clone().or(known.starttls.take());
            known.anonymous_tls = given.anonymous_tls.clone().or(known.anonymous_tls.take());
            known.events = given.events.clone().or(known.events.take());
        }
        for (name, given) in &self.send_connector {
            let known = of(&mut all.send_connector, name);
            known.presents = given.presents.clone().or(known.presents.take());
            known.events = given.events.clone().or(known.events.take());
        }
        for (name, ending) in &self.sender {
            all.sender.retain(|known, _| !known.eq_ignore_ascii_case(name));
            all.sender.insert(name.clone(), *ending);
        }
        all
    }

    /// Returns all expectations, one by one.
    pub fn each(&self) -> Vec<(Subject, Aspect, Value)> {
        let mut all = Vec::new();
        let mut push = |subject: &Subject, aspect, value: Option<Value>| {
            all.extend(value.map(|value| (subject.clone(), aspect, value)));
        };
        let certificate = |label: &Option<String>| label.clone().map(Value::Certificate);
        for (name, it) in &self.computer {
            push(&Subject::Computer(name.clone()), Aspect::Events, it.events.as_deref().map(Value::events));
        }
        for (name, it) in &self.receive_connector {
            let subject = Subject::ReceiveConnector(name.clone());
            push(&subject, Aspect::Starttls, certificate(&it.starttls));
            push(&subject, Aspect::AnonymousTls, certificate(&it.anonymous_tls));
            push(&subject, Aspect::Events, it.events.as_deref().map(Value::events));
        }
        for (name, it) in &self.send_connector {
            let subject = Subject::SendConnector(name.clone());
            push(&subject, Aspect::Presents, certificate(&it.presents));
            push(&subject, Aspect::Events, it.events.as_deref().map(Value::events));
        }
        for (name, ending) in &self.sender {
            push(&Subject::Sender(name.clone()), Aspect::Ending, Some(Value::Ending(*ending)));
        }
        all
    }

    /// Returns whether there are no expectations.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Returns the expectations for a name, letter case aside.
fn of<'a, T: Default>(all: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    let known = all.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
    all.entry(known.unwrap_or_else(|| name.to_owned())).or_default()
}

impl Value {
    /// Returns event numbers as a value, in the order in which they are compared.
    pub fn events(events: &[u16]) -> Self {
        let mut events = events.to_vec();
        events.sort_unstable();
        events.dedup();
        Self::Events(events)
    }

    /// Returns whether `observed` meets this expectation.
    pub fn is_met_by(&self, observed: &Self) -> bool {
        match (self, observed) {
            (Self::Ending(expected), Self::Ending(observed)) => {
                let word = expected.result_type.is_none_or(|word| observed.result_type == Some(word));
                expected.achieved == observed.achieved && word
            }
            (Self::Said(expected), Self::Said(observed)) if expected != NONE => observed.contains(expected),
            (Self::Certificate(expected), Self::Certificate(observed)) => {
                expected.eq_ignore_ascii_case(observed)
            }
            _ => self == observed,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(text) | Self::Said(text) => f.write_str(text),
            Self::Events(events) if events.is_empty() => f.write_str(NONE),
            Self::Events(events) => {
                let events: Vec<_> = events.iter().map(u16::to_string).collect();
                f.write_str(&events.join(" "))
            }
            Self::Ending(ending) => ending.fmt(f),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commands => f.write_str("commands"),
            Self::Computer(name)
            | Self::ReceiveConnector(name)
            | Self::SendConnector(name)
            | Self::Sender(name) => f.write_str(name),
        }
    }
}

impl Aspect {
    /// Returns the aspect as a column heading.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refusal => "refused",
            Self::Starttls => "STARTTLS",
            Self::AnonymousTls => "X-ANONYMOUSTLS",
            Self::Presents => "presents",
            Self::Events => "events",
            Self::Ending => "message",
            Self::NeverDone => "never done",
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Events(events) => events.serialize(to),
            _ => to.collect_str(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_without_a_word_is_met_with_any_and_one_with_a_word_by_no_other() {
        let value = |text: &str| Value::Ending(text.parse().unwrap());
        assert!(value("deferred").is_met_by(&value("deferred: starttls-not-supported")));
        assert!(!value("deferred: certificate-expired").is_met_by(&value("deferred")));
        assert!(!value("clear").is_met_by(&value("tls")));
        assert!(Value::events(&[2015, 12014, 2015]).is_met_by(&Value::Events(vec![2015, 12014])));
        assert!(Value::Said("guarded".into()).is_met_by(&Value::Said("it is guarded here".into())));
        assert!(!Value::Said(NONE.into()).is_met_by(&Value::Said("none of these".into())));
    }

    #[test]
    fn a_later_stage_may_write_a_name_in_other_letters() {
        let stage = |computer: &str, sender: &str, event: u16, ending: &str| {
            let computer = [(computer.to_owned(), ExpectedComputer { events: Some(vec![event]) })].into();
            let sender = [(sender.to_owned(), ending.parse().unwrap())].into();
            Expectations { computer, sender, ..Expectations::default() }
        };
        let both = stage("edge", "MAY", 2, "tls").over(&stage("EDGE", "may", 1, "clear"));
        assert_eq!(both, stage("EDGE", "MAY", 2, "tls"));
    }

    #[test]
    fn a_later_stage_says_only_what_is_different() {
        let connector = |starttls: Option<&str>, events: Option<Vec<u16>>| ExpectedReceiveConnector {
            starttls: starttls.map(str::to_owned),
            events,
            ..ExpectedReceiveConnector::default()
        };
        let stage = |it| Expectations {
            receive_connector: BTreeMap::from([("A\\B".to_owned(), it)]),
            ..Expectations::default()
        };
        let before = stage(connector(Some("none"), Some(vec![12014])));
        let after = stage(connector(Some("mail"), None));
        assert_eq!(after.over(&before), stage(connector(Some("mail"), Some(vec![12014]))));
    }
}
