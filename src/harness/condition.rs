//! What is waited for or expected, in words and as a test.

use std::fmt;

use super::seen::{EventLogEntry, ReceivedMessage, SessionSummary};

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
    pub(super) under_way: bool,
}

/// How a candidate misses; `None` where it does not.
type Miss<'a, T> = Box<dyn Fn(&T) -> Option<String> + Send + Sync + 'a>;

struct Clause<'a, T> {
    words: String,
    miss: Miss<'a, T>,
}

impl<'a, T> Condition<'a, T> {
    pub(super) fn new(article: &'static str, noun: impl Into<String>) -> Self {
        Self { article, noun: noun.into(), clauses: Vec::new(), under_way: false }
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

    /// Adds a clause; `words` begin with what separates them from those before.
    pub(super) fn and(
        mut self,
        words: impl Into<String>,
        miss: impl Fn(&T) -> Option<String> + Send + Sync + 'a,
    ) -> Self {
        self.clauses.push(Clause { words: words.into(), miss: Box::new(miss) });
        self
    }

    pub(super) fn fits(&self, item: &T) -> bool {
        self.clauses.iter().all(|clause| (clause.miss)(item).is_none())
    }

    /// How `item` misses, in words.
    pub(super) fn misses(&self, item: &T) -> Vec<String> {
        self.clauses.iter().filter_map(|clause| (clause.miss)(item)).collect()
    }

    /// Whether words stand behind the noun already.
    pub(super) fn has_words(&self) -> bool {
        self.clauses.iter().any(|clause| !clause.words.is_empty())
    }

    /// The words without an article, as after "no".
    pub(super) fn bare(&self) -> String {
        let clauses: String = self.clauses.iter().map(|clause| clause.words.as_str()).collect();
        format!("{}{clauses}", self.noun)
    }
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
