//! Conditions to wait for or to expect, in words and as a test.

use std::fmt;

use super::observer::Kind;
use super::seen::{EventLogEntry, ReceivedMessage};
use super::session::SessionSummary;

/// A condition on a message, a session or an event; all of its clauses have to hold.
///
/// Made by [`a_message`](super::a_message), [`a_session`](super::a_session) and
/// [`an_event`](super::an_event). It reports why a candidate does not match, and the error of a wait shows
/// that. `T` is [`ReceivedMessage`], [`SessionSummary`] or [`EventLogEntry`].
#[must_use = "a condition does nothing until something waits for it or expects it"]
pub struct Condition<'a, T> {
    article: &'static str,
    noun: String,
    clauses: Vec<Clause<'a, T>>,
    /// True if a candidate that is still under way is also an answer.
    pub(super) under_way: bool,
    /// True if an action of the lab itself is also an answer: a session in which the lab sends.
    pub(super) own: bool,
    /// The number of the journal entry after which an answer has to come.
    pub(super) after: u64,
}

/// A function that tells why a candidate does not match; `None` if it matches.
type Miss<'a, T> = Box<dyn Fn(&T) -> Option<String> + Send + Sync + 'a>;

struct Clause<'a, T> {
    words: String,
    miss: Miss<'a, T>,
}

impl<'a, T> Condition<'a, T> {
    pub(super) fn new(article: &'static str, noun: impl Into<String>) -> Self {
        Self { article, noun: noun.into(), clauses: Vec::new(), under_way: false, own: false, after: 0 }
    }

    /// Adds a condition of your own; `words` complete the sentence "a message that ...".
    ///
    /// ```
    /// # use starttls_lab::a_message;
    /// let two = a_message().that("has two recipients", |message| message.rcpt_to().len() == 2);
    /// assert_eq!(two.to_string(), "a message that has two recipients");
    /// ```
    pub fn that(self, words: impl Into<String>, fits: impl Fn(&T) -> bool + Send + Sync + 'a) -> Self {
        let words = words.into();
        let not = format!("not one that {words}");
        self.and(format!(" that {words}"), move |item| (!fits(item)).then(|| not.clone()))
    }

    /// Restricts the answers to those after the journal entry of this number. The number is the `seq` of an
    /// earlier answer, or that of the whole lab at some moment.
    ///
    /// Without it, everything since the lab's start is an answer. In either case, a wait for a message, a
    /// session or an event does not return what an earlier wait has returned.
    pub fn after(mut self, seq: u64) -> Self {
        self.after = seq;
        self
    }

    /// Also accepts actions of the lab itself as answers.
    #[cfg(feature = "http")]
    pub(crate) fn or_own(mut self) -> Self {
        self.own = true;
        self
    }

    /// Adds a clause; `words` begin with their separator from the clauses before.
    pub(super) fn and(
        mut self,
        words: impl Into<String>,
        miss: impl Fn(&T) -> Option<String> + Send + Sync + 'a,
    ) -> Self {
        self.clauses.push(Clause { words: words.into(), miss: Box::new(miss) });
        self
    }

    /// Replaces the noun by a more specific one.
    pub(super) fn called(mut self, noun: String) -> Self {
        self.noun = noun;
        self
    }

    pub(super) fn fits(&self, item: &T) -> bool {
        self.clauses.iter().all(|clause| (clause.miss)(item).is_none())
    }

    /// Returns why `item` does not match, in words.
    pub(super) fn misses(&self, item: &T) -> Vec<String> {
        self.clauses.iter().filter_map(|clause| (clause.miss)(item)).collect()
    }

    /// Returns whether the noun is already followed by words.
    pub(super) fn has_words(&self) -> bool {
        self.clauses.iter().any(|clause| !clause.words.is_empty())
    }

    /// Returns the words without an article, as after "no".
    pub(crate) fn bare(&self) -> String {
        let clauses: String = self.clauses.iter().map(|clause| clause.words.as_str()).collect();
        format!("{}{clauses}", self.noun)
    }
}

/// Returns whether `item` is an answer to `condition`.
pub(super) fn counts<T: Kind>(condition: &Condition<'_, T>, item: &T) -> bool {
    is_candidate(condition, item) && (item.is_complete() || condition.under_way) && condition.fits(item)
}

/// Returns whether `item` may be an answer, regardless of the clauses.
pub(super) fn is_candidate<T: Kind>(condition: &Condition<'_, T>, item: &T) -> bool {
    item.seq() > condition.after && (condition.own || !item.is_own())
}

impl<T> fmt::Display for Condition<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.article, self.bare())
    }
}

impl<T> fmt::Debug for Condition<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.to_string()).finish()
    }
}

/// A value that can be waited for or expected: a [`Condition`], the number of an event, or a closure.
///
/// A closure needs the type of its argument written out, `|message: &ReceivedMessage| ...`. About a candidate
/// it can only report that it does not match.
pub trait IntoCondition<'a, T> {
    /// Converts the value into a condition.
    fn into_condition(self) -> Condition<'a, T>;
}

impl<'a, T> IntoCondition<'a, T> for Condition<'a, T> {
    fn into_condition(self) -> Condition<'a, T> {
        self
    }
}

impl<'a> IntoCondition<'a, EventLogEntry> for u16 {
    fn into_condition(self) -> Condition<'a, EventLogEntry> {
        super::an_event(self)
    }
}

macro_rules! closures {
    ($($seen:ty, $article:literal, $noun:literal;)*) => {$(
        impl<'a, F> IntoCondition<'a, $seen> for F
        where
            F: Fn(&$seen) -> bool + Send + Sync + 'a,
        {
            fn into_condition(self) -> Condition<'a, $seen> {
                Condition::new($article, $noun).that("fits the closure of the test", self)
            }
        }
    )*};
}

closures! {
    ReceivedMessage, "a ", "message";
    SessionSummary, "a ", "conversation";
    EventLogEntry, "an ", "event";
}
