//! A part of a long list: filtered, searched and paged, so that no client has to read all of it.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue};
use memchr::memchr2_iter;
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

/// Texts in which a word is searched, each with the name by which a search may ask for it alone.
pub(super) type Texts<'a> = Vec<(&'static str, Cow<'a, [u8]>)>;

/// A word to search for, or to leave out what it is in.
struct Word {
    pattern: Pattern,
    wanted: bool,
    /// The name of the texts that it is searched in, and the pattern of what stands behind it: `from:contoso`.
    named: Option<(String, Pattern)>,
}

/// A text to search for, letter case aside.
enum Pattern {
    /// One of ASCII, in lower case and not empty: it is compared byte by byte, which is fast.
    Ascii(Vec<u8>),
    /// Any other.
    Unicode(Regex),
}

impl Pattern {
    fn new(text: &str) -> Result<Self, Problem> {
        if text.is_ascii() {
            return Ok(Self::Ascii(text.to_ascii_lowercase().into_bytes()));
        }
        let regex = RegexBuilder::new(&regex::escape(text)).case_insensitive(true).build();
        let long = |_| Problem::bad(format!("q has a word that is too long: `{text}`"));
        regex.map(Self::Unicode).map_err(long)
    }

    fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Ascii(word) => {
                let first = word.first().copied().unwrap_or_default();
                memchr2_iter(first, first.to_ascii_uppercase(), text).any(|at| {
                    text.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
                })
            }
            Self::Unicode(regex) => regex.is_match(text),
        }
    }
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
            let is_in = |(name, text): &(&str, Cow<'_, [u8]>)| match &word.named {
                Some((wanted, value)) if wanted == name => value.is_in(text),
                Some(_) | None => word.pattern.is_in(text),
            };
            texts.iter().any(|texts| texts().iter().any(is_in)) == word.wanted
        })
    }

    /// Answers with the part of `items`, which are those that fit, in the order of their numbers; each is shown
    /// as `show` returns it.
    pub(super) fn answer<T, S: Serialize>(
        &self,
        items: Vec<T>,
        number: impl Fn(&T) -> u64,
        show: impl Fn(T) -> S,
    ) -> Answer {
        let total = items.len();
        let part = items.into_iter().filter(|item| number(item) < self.before);
        let part: Vec<S> = if self.newest_first {
            part.rev().take(self.limit).map(show).collect()
        } else {
            part.take(self.limit).map(show).collect()
        };
        let mut response = json(&part)?;
        response.headers_mut().insert(TOTAL, HeaderValue::from(total));
        Ok(response)
    }
}

/// Returns the words of a search, letter case aside: several words in quotation marks are one; one behind a hyphen
/// is to be left out; one behind a name and a colon is searched in the texts of that name, and as it stands in
/// the others.
fn words(text: &str) -> Result<Vec<Word>, Problem> {
    let words = split(text);
    if words.len() > MOST_WORDS {
        return Err(Problem::bad(format!("q has {} words, and {MOST_WORDS} are the most", words.len())));
    }
    let word = |word: &String| {
        let (word, wanted) = match word.strip_prefix('-') {
            Some(word) if !word.is_empty() => (word, false),
            _ => (&**word, true),
        };
        let named = match word.split_once(':') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                Some((name.to_ascii_lowercase(), Pattern::new(value)?))
            }
            _ => None,
        };
        Ok(Word { pattern: Pattern::new(word)?, wanted, named })
    };
    words.iter().map(word).collect()
}

/// Splits a search at its blanks, except at those in quotation marks, which are left out.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            c if c.is_whitespace() && !is_quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_to_be_there_and_none_behind_a_hyphen() {
        let found = |query: &str, text: &'static str| {
            let listing =
                Listing { after: 0, before: 1, limit: 1, newest_first: false, words: words(query).unwrap() };
            listing.finds(&[&|| vec![("what", text.as_bytes().into())]])
        };
        assert!(found("", "anything") && found("THING any", "anything") && found("-x -z", "anything"));
        assert!(!found("any x", "anything") && !found("-any", "anything") && !found(".", "anything"));
        assert!(found("\u{dc}BER", "etwas \u{fc}ber") && !found("\u{fc}", "u") && !found("thing", "thin"));
        assert!(words(&"a ".repeat(11)).is_err());
        // Several words in quotation marks stand together, and a name asks for the texts of that name.
        assert!(found("\"one two\"", "one two") && !found("\"one two\"", "two one") && found("\"", "x"));
        assert!(found("What:one -what:three", "one two") && !found("-what:one", "one two"));
        assert!(!found("from:one", "one two") && found("from:one", "from:one") && found("12:30", "at 12:30"));
    }
}
