//! Finds an event's fixed text in any copy of it, and the values that were filled in.
//!
//! Letters are compared without white space and letter case, so line breaks do not matter. Only the beginning
//! and the end of a fixed part are searched for, so a part may be damaged or left out in the middle.

use super::template::Template;

/// A text without white space, with the offsets of its letters in the original.
pub(super) struct Dense {
    letters: String,
    /// For each byte of the letters, the offset of its letter in the text; the last item is the text's
    /// length.
    at: Vec<usize>,
}

/// The text of an event, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) template: Template,
    /// The offset at which it begins in the text; it ends at `to`.
    pub(super) from: usize,
    pub(super) to: usize,
    /// The ranges of the values in the text, by the number of the slot, in the order of appearance; `None` if
    /// the text ends before.
    pub(super) values: Vec<(usize, Option<(usize, usize)>)>,
    /// True if the text ends early.
    pub(super) truncated: bool,
    /// True if every fixed part that is there is as long as it should be.
    exact: bool,
}

/// The parts of a template.
enum Part {
    Fixed(String),
    Slot(usize),
}

/// The number of letters of a fixed part that have to be present.
const HEAD: usize = 18;

impl Dense {
    pub(super) fn new(text: &str) -> Self {
        let mut dense =
            Self { letters: String::with_capacity(text.len()), at: Vec::with_capacity(text.len()) };
        for (at, c) in text.char_indices() {
            if !c.is_whitespace() {
                dense.letters.push(c.to_ascii_lowercase());
                dense.at.extend(std::iter::repeat_n(at, c.len_utf8()));
            }
        }
        dense.at.push(text.len());
        dense
    }

    /// Returns the first position of `wanted` between two positions.
    fn find(&self, wanted: &str, from: usize, to: usize) -> Option<usize> {
        let from = self.place(from);
        let hay = self.letters.get(from..self.place(to))?;
        if wanted.is_empty() { None } else { hay.find(wanted).map(|at| at + from) }
    }

    fn find_last(&self, wanted: &str, from: usize, to: usize) -> Option<usize> {
        let from = self.place(from);
        let hay = self.letters.get(from..self.place(to))?;
        if wanted.is_empty() { None } else { hay.rfind(wanted).map(|at| at + from) }
    }

    /// Returns the position itself, or the start of the letter that it lies in.
    fn place(&self, at: usize) -> usize {
        self.letters.floor_char_boundary(at)
    }

    /// Returns the part of the text between two positions, without white space at its ends.
    fn range(&self, text: &str, from: usize, to: usize) -> (usize, usize) {
        let start = self.at.get(from).copied().unwrap_or(text.len());
        let last = to.checked_sub(1).and_then(|last| self.at.get(last)).copied().unwrap_or(0);
        let end = last + text.get(last..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        if to > from { (start, end) } else { (start, start) }
    }
}

/// Finds every event in `text`, in the order of the text.
pub(super) fn find(text: &str, templates: &[Template]) -> Vec<Match> {
    let dense = Dense::new(text);
    let mut starts: Vec<(usize, usize)> = Vec::new();
    for (number, template) in templates.iter().enumerate() {
        let mut parts = parts(template.text).into_iter();
        let first = parts.next();
        // Two words such as `Send connector` begin many sentences; then the text that follows has to be
        // present as well.
        let second =
            parts.find_map(|part| if let Part::Fixed(letters) = part { Some(letters) } else { None });
        for beginning in beginnings(first) {
            let mut from = 0;
            while let Some(at) = dense.find(&beginning, from, dense.letters.len()) {
                from = at + beginning.len();
                let near = (from + 300).min(dense.letters.len());
                let sure = beginning.len() >= 2 * HEAD
                    || second
                        .as_ref()
                        .is_none_or(|second| second.is_empty() || head(&dense, second, from, near).is_some());
                if sure {
                    starts.push((at, number));
                }
            }
        }
    }
    starts.sort_unstable();
    let mut found: Vec<Match> = Vec::new();
    let mut at = 0;
    while let Some((from, _)) = starts.get(at).copied() {
        let same: Vec<usize> =
            starts[at..].iter().take_while(|(other, _)| *other == from).map(|(_, it)| *it).collect();
        at += same.len();
        let end = starts.get(at).map_or(dense.letters.len(), |(next, _)| *next);
        let matches = same.iter().filter_map(|number| of(text, &dense, templates.get(*number)?, from, end));
        // Of texts that begin alike, the one that is present as a whole is meant, and of those the longest.
        let best =
            matches.max_by_key(|found| (!found.truncated, found.exact, !found.template.alias, found.to));
        found.extend(best);
    }
    found
}

/// Returns the ways in which a template may begin: as it is written, and with `couldn't` for `could not`.
fn beginnings(first: Option<Part>) -> Vec<String> {
    let Some(Part::Fixed(text)) = first else { return Vec::new() };
    let mut all = vec![text.clone()];
    all.push(text.replace("couldnot", "couldn't"));
    all.dedup();
    all.into_iter().map(|text| text.chars().take(60).collect()).collect()
}

fn parts(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut fixed = String::new();
    let mut letters = template.chars().peekable();
    while let Some(c) = letters.next() {
        let digit = letters.peek().and_then(|next| next.to_digit(10)).filter(|_| c == '%');
        if let Some(digit) = digit {
            letters.next();
            parts.push(Part::Fixed(std::mem::take(&mut fixed)));
            parts.push(Part::Slot(usize::try_from(digit).unwrap_or(1).saturating_sub(1)));
        } else if !c.is_whitespace() {
            fixed.push(c.to_ascii_lowercase());
        }
    }
    parts.push(Part::Fixed(fixed));
    parts
}

fn of(text: &str, dense: &Dense, template: &Template, from: usize, end: usize) -> Option<Match> {
    let parts = parts(template.text);
    let fixed: Vec<&String> = parts
        .iter()
        .filter_map(|part| if let Part::Fixed(letters) = part { Some(letters) } else { None })
        .collect();
    let slots: Vec<usize> = parts
        .iter()
        .filter_map(|part| if let Part::Slot(slot) = part { Some(*slot) } else { None })
        .collect();
    let first_end = ends(dense, fixed.first()?, from, end)?;
    // Forward pass: find which fixed parts are present at all.
    let mut places: Vec<(usize, usize, bool)> = vec![(from, first_end.0, first_end.1)];
    for letters in fixed.iter().skip(1) {
        let Some((_, at, whole)) = places.last().copied() else { break };
        if !whole || letters.is_empty() {
            break;
        }
        let Some(start) = head(dense, letters, at, end) else { break };
        let (stop, whole) = ends(dense, letters, start, end).unwrap_or((start, false));
        places.push((start, stop, whole));
    }
    // Backward pass: of a part that occurs several times, the last one before the next part is meant.
    for index in (1..places.len().saturating_sub(1)).rev() {
        let (Some(next), Some(before), Some(letters)) =
            (places.get(index + 1), places.get(index - 1), fixed.get(index))
        else {
            continue;
        };
        if letters.len() <= HEAD * 2
            && let Some(last) = dense.find_last(letters, before.1, next.0)
            && let Some(place) = places.get_mut(index)
        {
            *place = (last, last + letters.len(), true);
        }
    }
    let exact =
        places.iter().zip(&fixed).all(|((from, to, _), letters)| (to - from).abs_diff(letters.len()) <= 2);
    let mut values = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        let start = places.get(index).filter(|(.., whole)| *whole).map(|(_, stop, _)| *stop);
        let stop = places.get(index + 1).map(|(start, ..)| *start);
        let open = fixed.get(index + 1).is_some_and(|letters| letters.is_empty());
        let value = start.map(|start| {
            let stop = stop.unwrap_or_else(|| {
                if open {
                    open_end(text, dense, start, end)
                } else {
                    without_half(text, dense, fixed.get(index + 1), start, end)
                }
            });
            dense.range(text, start, stop.max(start))
        });
        values.push((*slot, value));
    }
    let trailing = fixed.last().is_some_and(|letters| letters.is_empty());
    let wanted = if trailing { fixed.len() - 1 } else { fixed.len() };
    let whole = places.len() >= wanted && places.last().is_some_and(|(.., whole)| *whole);
    let to = places.last().map_or(end, |(_, stop, _)| *stop);
    let to = if trailing && places.len() == wanted { open_end(text, dense, to, end) } else { to };
    Some(Match {
        template: *template,
        from: dense.at.get(from).copied().unwrap_or(0),
        to: if whole {
            dense.at.get(to).copied().unwrap_or(text.len())
        } else {
            dense.at.get(end).copied().unwrap_or(text.len())
        },
        values,
        truncated: !whole,
        exact,
    })
}

/// Returns the position of a fixed part by its first letters.
fn head(dense: &Dense, letters: &str, from: usize, end: usize) -> Option<usize> {
    variants(letters)
        .into_iter()
        .filter_map(|letters| {
            let head = letters.get(..letters.len().min(HEAD))?;
            dense.find(head, from, end)
        })
        .min()
}

/// Returns the end of the fixed part that begins at `from`, and whether the part is complete.
fn ends(dense: &Dense, letters: &str, from: usize, end: usize) -> Option<(usize, bool)> {
    let length = letters.len();
    let tail = variants(letters).into_iter().filter_map(|letters| {
        let tail = letters.get(letters.len().saturating_sub(HEAD)..)?;
        let start = from + letters.len().saturating_sub(HEAD * 2 + 8);
        let at = dense.find(tail, start.max(from), end.min(from + letters.len() + 120))?;
        Some(at + tail.len())
    });
    match tail.min() {
        Some(stop) => Some((stop, true)),
        None => Some(((from + length).min(end), false)),
    }
}

/// Returns the spellings of copies and of older versions.
fn variants(letters: &str) -> Vec<String> {
    let text = letters.to_owned();
    let mut all = vec![text.clone()];
    for (written, other) in [("couldnot", "couldn't"), ("couldn't", "couldnot"), ("withafqdn", "withanfqdn")]
    {
        if text.contains(written) {
            all.push(text.replace(written, other));
        }
    }
    all
}

/// Returns the end of a value that nothing follows: after forty hexadecimal digits, whatever the line breaks,
/// else at the end of the line.
fn open_end(text: &str, dense: &Dense, from: usize, end: usize) -> usize {
    let rest = dense.letters.get(from..end).unwrap_or_default();
    let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    if digits == 40 { from + digits } else { line_end(text, dense, from, end) }
}

/// Returns the end of the line of the text in which the letter at `from` stands, as the index of a letter.
fn line_end(text: &str, dense: &Dense, from: usize, end: usize) -> usize {
    let start = dense.at.get(from).copied().unwrap_or(text.len());
    let stop = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| at + start);
    (from..end)
        .take_while(|at| dense.at.get(*at).is_some_and(|at| *at < stop))
        .last()
        .map_or(from, |at| at + 1)
}

/// Returns the end, without the first half of the fixed part that should come next.
fn without_half(text: &str, dense: &Dense, next: Option<&&String>, from: usize, end: usize) -> usize {
    let Some(next) = next else { return end };
    // A table that was cut ends in an ellipsis.
    let cut = dense.letters.get(from..end).is_some_and(|rest| rest.ends_with(ELLIPSIS));
    let last = if cut { end - ELLIPSIS.len() } else { end };
    let longest = next.len().min(last - from.min(last));
    let half = (1..=longest).rev().find(|length| {
        let half = next.get(..*length);
        let is_a_word = dense
            .at
            .get(last - length)
            .and_then(|at| text.get(..*at))
            .is_some_and(|before| before.ends_with(char::is_whitespace));
        // One or two letters may well be the value's own; a full stop and what follows it are not, nor is a word.
        let is_told = *length > 2
            || is_a_word
            || half.is_some_and(|half| half.starts_with(|it: char| it.is_ascii_punctuation()));
        is_told && half.is_some() && dense.letters.get(last - length..last) == half
    });
    half.map_or(end, |half| last - half)
}

/// The end of a value or a text that was cut.
const ELLIPSIS: &str = "...";
