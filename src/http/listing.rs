//! A part of a long list: filtered, searched and paged, so that no client has to read all of it.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue};
use regex::bytes::{Regex, RegexBuilder};
use serde::Serialize;

use super::Shared;
use super::answer::{Answer, json};
use super::input::Query;
use super::problem::Problem;

/// The default and the maximum number of items in a list.
pub(super) const USUAL: u64 = 1000;
pub(super) const MOST: u64 = 10_000;
/// The maximum number of words to search for.
const MOST_WORDS: usize = 10;

/// The parameters that every list takes.
pub(super) const PARAMETERS: [&str; 5] = ["after", "before", "limit", "order", "q"];

/// The header with the number of items that fit, listed or not.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// The part of a list that is asked for: the items between the numbers `after` and `before`, never those
/// before a reset, at most `limit`, with certain words in them.
pub(super) struct Listing {
    pub(super) after: u64,
    before: u64,
    limit: usize,
    newest_first: bool,
    words: Vec<Word>,
}

/// Texts in which a word is searched.
pub(super) type Texts<'a> = Vec<Cow<'a, [u8]>>;

/// A word to search for, or to leave out what it is in.
struct Word {
    pattern: Regex,
    wanted: bool,
}

impl Listing {
    /// Reads a query that may also have the parameters `more`.
    pub(super) fn read(
        shared: &Shared,
        query: Option<&str>,
        more: &[&str],
    ) -> Result<(Self, Query), Problem> {
        let query = Query::read(query, &[&PARAMETERS[..], more].concat())?;
        let newest_first = match query.get("order") {
            None | Some("oldest") => false,
            Some("newest") => true,
            Some(other) => return Err(Problem::bad(format!("order=`{other}` is neither oldest nor newest"))),
        };
        let listing = Self {
            after: query.number("after", u64::MAX)?.unwrap_or(0).max(shared.mark()),
            before: query.number("before", u64::MAX)?.unwrap_or(u64::MAX),
            limit: usize::try_from(query.number("limit", MOST)?.unwrap_or(USUAL)).unwrap_or(usize::MAX),
            newest_first,
            words: words(query.get("q").unwrap_or_default())?,
        };
        Ok((listing, query))
    }

    /// Returns whether an item holds every word, each in one of its texts, and none that is to be left out.
    /// `texts` are asked for one after another, so that a long one is read last.
    pub(super) fn finds<'a>(&self, texts: &[&dyn Fn() -> Texts<'a>]) -> bool {
        self.words.iter().all(|word| {
            let is_in = |text: &[u8]| word.pattern.is_match(text);
            texts.iter().any(|texts| texts().iter().any(|text| is_in(text))) == word.wanted
        })
    }

    /// Answers with the part of `items`, which are those that fit, in the order of their numbers.
    pub(super) fn answer<T: Serialize>(&self, items: Vec<T>, number: impl Fn(&T) -> u64) -> Answer {
        let total = items.len();
        let part = items.into_iter().filter(|item| number(item) < self.before);
        let part: Vec<T> = if self.newest_first {
            part.rev().take(self.limit).collect()
        } else {
            part.take(self.limit).collect()
        };
        let mut response = json(&part)?;
        response.headers_mut().insert(TOTAL, HeaderValue::from(total));
        Ok(response)
    }
}

/// Returns the words of a search, letter case aside; one behind a hyphen is to be left out.
fn words(text: &str) -> Result<Vec<Word>, Problem> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() > MOST_WORDS {
        return Err(Problem::bad(format!("q has {} words, and {MOST_WORDS} are the most", words.len())));
    }
    let word = |word: &str| {
        let (word, wanted) = match word.strip_prefix('-') {
            Some(word) if !word.is_empty() => (word, false),
            _ => (word, true),
        };
        let pattern = RegexBuilder::new(&regex::escape(word)).case_insensitive(true).build();
        let pattern =
            pattern.map_err(|_| Problem::bad(format!("q has a word that is too long: `{word}`")))?;
        Ok(Word { pattern, wanted })
    };
    words.into_iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_to_be_there_and_none_behind_a_hyphen() {
        let found = |query: &str, text: &'static str| {
            let listing =
                Listing { after: 0, before: 1, limit: 1, newest_first: false, words: words(query).unwrap() };
            listing.finds(&[&|| vec![text.as_bytes().into()]])
        };
        assert!(found("", "anything") && found("THING any", "anything") && found("-x -z", "anything"));
        assert!(!found("any x", "anything") && !found("-any", "anything") && !found(".", "anything"));
        assert!(words(&"a ".repeat(11)).is_err());
    }
}
