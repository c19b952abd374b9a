//! What is waited for or expected, in words and as a test.

use std::fmt;

use super::observer::Kind;
use super::seen::{EventLogEntry, ReceivedMessage};
use super::session::SessionSummary;

/// What a message, a conversation or an event has to be; all of it has to hold.
///
/// Made by [`a_message`](super::a_message), [`a_session`](super::a_session) and
/// [`an_event`](super::an_event). It says of each candidate how it misses, which is what makes the error of
/// a wait worth reading. `T` is [`ReceivedMessage`], [`SessionSummary`] or [`EventLogEntry`].
#[must_use = "a condition does nothing until something waits for it or expects it"]
pub struct Condition<'a, T> {
    article: &'static str,
    noun: String,
    clauses: Vec<Clause<'a, T>>,
    /// True if one of which more may come is an answer, too.
    pub(super) under_way: bool,
    /// True if what the lab did by itself is an answer, too: a session in which it sends.
    pub(super) own: bool,
    /// The number of the entry behind which an answer has to lie.
    pub(super) after: u64,
}

/// How a candidate misses; `None` where it does not.
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
    /// let two = a_message().that("has two recipients", |message| message.rcpt_to.len() == 2);
    /// assert_eq!(two.to_string(), "a message that has two recipients");
    /// ```
    pub fn that(self, words: impl Into<String>, fits: impl Fn(&T) -> bool + Send + Sync + 'a) -> Self {
        let words = words.into();
        let not = format!("not one that {words}");
        self.and(format!(" that {words}"), move |item| (!fits(item)).then(|| not.clone()))
    }

    /// Only what comes behind the journal entry of this number is an answer: what `seq` of an earlier answer
    /// says, or that of the whole lab at some moment.
    ///
    /// Left away, everything since the lab's start is. What one wait has returned, no later wait for a message,
    /// for a session or for an event returns again in either case.
    pub fn after(mut self, seq: u64) -> Self {
        self.after = seq;
        self
    }

    /// Takes what the lab did by itself for an answer, too.
    #[cfg(feature = "console")]
    pub(crate) fn or_own(mut self) -> Self {
        self.own = true;
        self
    }

    /// Adds a clause; `words` begin with what separates them from those before.
    pub(super) fn and(
        mut self,
        words: impl Into<String>,
        miss: impl Fn(&T) -> Option<String> + Send + Sync + 'a,
    ) -> Self {
        self.clauses.push(Clause { words: words.into(), miss: Box::new(miss) });
        self
    }

    /// Names the thing more closely.
    pub(super) fn called(mut self, noun: String) -> Self {
        self.noun = noun;
        self
    }

    pub(super) fn fits(&self, item: &T) -> bool {
        self.clauses.iter().all(|clause| (clause.miss)(item).is_none())
    }

    /// How `item` misses, in words.
    pub(super) fn misses(&self, item: &T) -> Vec<String> {
        self.clauses.iter().filter_map(|clause| (clause.miss)(item)).collect()
    }

    /// Returns whether words stand behind the noun already.
    pub(super) fn has_words(&self) -> bool {
        self.clauses.iter().any(|clause| !clause.words.is_empty())
    }

    /// The words without an article, as after "no".
    pub(crate) fn bare(&self) -> String {
        let clauses: String = self.clauses.iter().map(|clause| clause.words.as_str()).collect();
        format!("{}{clauses}", self.noun)
    }
}

/// Returns whether `item` is an answer to `condition`.
pub(super) fn counts<T: Kind>(condition: &Condition<'_, T>, item: &T) -> bool {
    is_candidate(condition, item) && (item.is_complete() || condition.under_way) && condition.fits(item)
}

/// Returns whether `item` may be an answer, whatever the clauses say.
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

/// What can be waited for or expected: a [`Condition`], the number of an event, or a closure.
///
/// A closure needs the type of its argument written out, `|message: &ReceivedMessage| ...`, and can say of a
/// candidate only that it does not fit.
pub trait IntoCondition<'a, T> {
    /// The condition.
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
