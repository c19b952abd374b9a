//! Input at a prompt that may not be finished yet: its words up to the cursor, and what is still open.

use super::cursor::{is_blank, is_line_end};
use super::word::{is_double_quote, is_single_quote};

/// The part of an input before the cursor.
pub(super) struct Scan {
    /// The blocks and parentheses that are open, the innermost last; the first is the input itself.
    frames: Vec<Frame>,
    /// True after a backtick at the end.
    continued: bool,
    /// True in a block comment.
    in_comment: bool,
    /// The separator that the input ends with, blanks and line ends aside.
    trailing: Option<char>,
}

/// The words of a command that is being typed, in one block.
#[derive(Default)]
pub(super) struct Frame {
    /// The words before the one at the cursor.
    pub(super) words: Vec<Word>,
    /// The word at the cursor.
    pub(super) current: Option<Word>,
    /// The quote that is open.
    pub(super) quote: Option<char>,
    /// True after a comma: the next word belongs to the list before it.
    pub(super) comma: bool,
}

/// A word of a command.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    /// The position of its first character, a quote among them.
    pub(super) start: usize,
    /// The word without its quotes.
    pub(super) text: String,
    /// The quote that it begins with.
    pub(super) quote: Option<char>,
    /// True for a further item of a list.
    pub(super) listed: bool,
}

/// Returns whether more lines belong to `input`: a quote, bracket or comment is open, or it ends with a pipe, a
/// comma or a backtick.
pub fn is_unfinished(input: &str) -> bool {
    let scan = Scan::of(input);
    scan.frames.len() > 1
        || scan.frames.iter().any(|frame| frame.quote.is_some())
        || scan.continued
        || scan.in_comment
        || matches!(scan.trailing, Some('|' | ','))
}

impl Scan {
    /// Reads `input`, whatever it is.
    pub(super) fn of(input: &str) -> Self {
        let mut scan =
            Self { frames: vec![Frame::default()], continued: false, in_comment: false, trailing: None };
        let mut rest = input.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            let next = rest.peek().map(|(_, next)| *next);
            let Some(frame) = scan.frames.last_mut() else { break };
            if let Some(quote) = frame.quote {
                let closes = if is_single_quote(quote) { is_single_quote(c) } else { is_double_quote(c) };
                match next {
                    Some(again) if closes && is_closing(quote, again) => {
                        frame.push(at, again);
                        rest.next();
                    }
                    _ if closes => frame.quote = None,
                    Some(escaped) if c == '`' && is_double_quote(quote) => {
                        frame.push(at, escaped);
                        rest.next();
                    }
                    Some('(') if c == '$' && is_double_quote(quote) => {
                        rest.next();
                        scan.frames.push(Frame::default());
                    }
                    _ => frame.push(at, c),
                }
                continue;
            }
            match c {
                '`' => match next {
                    None => scan.continued = true,
                    Some(end) if is_line_end(end) => {
                        frame.end_word();
                        rest.next();
                    }
                    Some(escaped) => {
                        frame.push(at, escaped);
                        rest.next();
                    }
                },
                '<' if next == Some('#') => {
                    rest.next();
                    scan.in_comment = true;
                    while let Some((_, c)) = rest.next() {
                        if c == '#' && rest.next_if(|(_, c)| *c == '>').is_some() {
                            scan.in_comment = false;
                            break;
                        }
                    }
                    continue;
                }
                '#' if frame.current.is_none() => {
                    while rest.next_if(|(_, c)| !is_line_end(*c)).is_some() {}
                    continue;
                }
                c if is_blank(c) => {
                    frame.end_word();
                    continue;
                }
                c if is_line_end(c) => {
                    if scan.trailing != Some(',') {
                        frame.end_command();
                    }
                    continue;
                }
                '|' | ';' | '&' => frame.end_command(),
                ',' => {
                    frame.end_word();
                    frame.comma = true;
                }
                '=' if frame.is_assignment() => frame.end_command(),
                '(' | '{' => {
                    frame.begin(at);
                    scan.frames.push(Frame::default());
                }
                ')' | '}' => {
                    if scan.frames.len() > 1 {
                        scan.frames.pop();
                    }
                }
                c if is_single_quote(c) || is_double_quote(c) => {
                    let begins = frame.current.is_none();
                    let word = frame.begin(at);
                    if begins {
                        word.quote = Some(c);
                    }
                    frame.quote = Some(c);
                }
                c => frame.push(at, c),
            }
            scan.trailing = matches!(c, '|' | ',').then_some(c);
        }
        scan
    }

    /// The innermost block.
    pub(super) fn innermost(self) -> Frame {
        self.frames.into_iter().next_back().unwrap_or_default()
    }
}

fn is_closing(quote: char, c: char) -> bool {
    if is_single_quote(quote) { is_single_quote(c) } else { is_double_quote(c) }
}

impl Frame {
    /// The word at the cursor, which begins at `at` where there is none.
    fn begin(&mut self, at: usize) -> &mut Word {
        let listed = std::mem::take(&mut self.comma);
        self.current.get_or_insert_with(|| Word { start: at, listed, ..Word::default() })
    }

    fn push(&mut self, at: usize, c: char) {
        self.begin(at).text.push(c);
    }

    fn end_word(&mut self) {
        self.words.extend(self.current.take());
    }

    fn end_command(&mut self) {
        self.words.clear();
        self.current = None;
        self.comma = false;
    }

    /// Returns whether `=` after these words sets a variable, so that a command follows it.
    fn is_assignment(&self) -> bool {
        let mut words = self.words.iter().chain(&self.current).filter(|word| word.text != "+");
        let first = words.next().is_some_and(|word| word.text.starts_with('$'));
        first && words.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_goes_on_in_the_next_line() {
        for unfinished in [
            "Get-ReceiveConnector |",
            "Get-ReceiveConnector |  \r\n",
            "Get-ReceiveConnector `",
            "Get-ReceiveConnector | ? { $_.Name",
            "(Get-ReceiveConnector",
            "$a = @{ Name = 'x'",
            "\"$(Get-Date",
            "Set-ReceiveConnector 'MAIL",
            "Set-ReceiveConnector \"MAIL`\"",
            "Set-ReceiveConnector \u{201c}MAIL",
            "Set-ReceiveConnector x -Bindings 0.0.0.0:25,",
            "<# why",
        ] {
            assert!(is_unfinished(unfinished), "{unfinished}");
        }
        for finished in [
            "",
            "Get-ReceiveConnector",
            "Get-ReceiveConnector | fl # |",
            "Get-ReceiveConnector |\nfl",
            "'it''s'",
            "\"a `\" b\"",
            "\"$(Get-Date)\"",
            "{ ( ) }",
            ") }",
            "<# why #> Get-Date",
            "Get-ReceiveConnector `\n| fl",
        ] {
            assert!(!is_unfinished(finished), "{finished}");
        }
    }

    #[test]
    fn whatever_is_typed_is_read() {
        for odd in
            ["\"$($($(", "`", "''''", "\u{2019}\u{201d}", "\u{fc}`", "<#", "<#\u{fc}#", "@@{}}}", "=,|=;"]
        {
            for at in odd.char_indices().map(|(at, _)| at).chain([odd.len()]) {
                Scan::of(&odd[..at]).innermost();
            }
        }
    }
}
