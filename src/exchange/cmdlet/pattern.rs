//! Patterns: wildcards of `-like` (about_Wildcards), and regular expressions of `-match`, `-replace` and
//! `-split` (about_Regular_Expressions).

use regex::{Regex, RegexBuilder};

/// A wildcard pattern, piece by piece.
pub(super) struct Wildcard {
    pieces: Vec<Piece>,
    case: bool,
}

enum Piece {
    /// `*`: anything.
    Any,
    /// `?`: one character.
    One,
    /// One of these, each from one character to another: `[a-c]`.
    Of(Vec<(char, char)>),
    /// This character.
    Char(char),
}

impl Wildcard {
    /// Reads a pattern; with `case`, letter case counts.
    ///
    /// # Errors
    ///
    /// That a bracket is not closed.
    pub(super) fn new(pattern: &str, case: bool) -> Result<Self, String> {
        let wrong = || {
            format!(
                "The specified wildcard character pattern is not valid: {pattern}. A bracket of its own is written `["
            )
        };
        let folded = if case { pattern.to_owned() } else { pattern.to_lowercase() };
        let mut pieces = Vec::new();
        let mut chars = folded.chars();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '*' => Piece::Any,
                '?' => Piece::One,
                '`' => Piece::Char(chars.next().unwrap_or('`')),
                '[' => {
                    let mut ranges: Vec<(char, char)> = Vec::new();
                    loop {
                        match chars.next().ok_or_else(wrong)? {
                            ']' if !ranges.is_empty() => break,
                            '-' if !ranges.is_empty() => match chars.next().ok_or_else(wrong)? {
                                ']' => {
                                    ranges.push(('-', '-'));
                                    break;
                                }
                                to => {
                                    if let Some(last) = ranges.last_mut() {
                                        last.1 = to;
                                    }
                                }
                            },
                            '`' => {
                                let c = chars.next().ok_or_else(wrong)?;
                                ranges.push((c, c));
                            }
                            c => ranges.push((c, c)),
                        }
                    }
                    Piece::Of(ranges)
                }
                c => Piece::Char(c),
            });
        }
        Ok(Self { pieces, case })
    }

    /// Returns whether the pattern fits the whole of `text`.
    pub(super) fn fits(&self, text: &str) -> bool {
        let text: Vec<char> =
            if self.case { text.chars().collect() } else { text.to_lowercase().chars().collect() };
        let (mut p, mut t) = (0, 0);
        // Where the last `*` stood, and how much of the text it has taken so far.
        let mut star = None;
        while t < text.len() {
            let fits = match self.pieces.get(p) {
                Some(Piece::Any) => {
                    star = Some((p, t));
                    p += 1;
                    continue;
                }
                Some(Piece::One) => true,
                Some(Piece::Char(c)) => *c == text[t],
                Some(Piece::Of(ranges)) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&text[t])),
                None => false,
            };
            match (fits, star) {
                (true, _) => (p, t) = (p + 1, t + 1),
                (false, Some((at, taken))) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                (false, None) => return false,
            }
        }
        self.pieces[p..].iter().all(|piece| matches!(piece, Piece::Any))
    }
}

/// The longest regular expression that is read, in bytes.
const LONGEST: usize = 4096;

/// Reads a regular expression. It is matched in time that grows with the text alone, so what needs more,
/// such as looking ahead or back, is refused.
///
/// # Errors
///
/// Fails if the pattern is invalid or not supported.
pub(super) fn regex(pattern: &str, case: bool) -> Result<Regex, String> {
    if pattern.len() > LONGEST {
        return Err(format!(
            "a regular expression has at most {LONGEST} bytes here, this one {}",
            pattern.len()
        ));
    }
    let built = RegexBuilder::new(&dotnet(pattern))
        .case_insensitive(!case)
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 20)
        .nest_limit(50)
        .build();
    built.map_err(|error| {
        let why = match &error {
            regex::Error::Syntax(text) => text.lines().last().unwrap_or_default().trim_start_matches("error: "),
            _ => "it is too large",
        };
        format!("`{pattern}` is not a regular expression that is supported here: {why}. Where it is to be found as it stands, write [regex]::Escape('...') or use -like")
    })
}

/// The pattern where .NET writes it otherwise: a group's name, `\Z`, and an escape of what needs none.
fn dotnet(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Z') => text.push_str("\\n?\\z"),
                // .NET takes an escape of any character that is no letter or digit for the character itself.
                Some(c) if !c.is_alphanumeric() && !c.is_ascii() => text.push(c),
                Some(' ') => text.push(' '),
                Some(c) => {
                    text.push('\\');
                    text.push(c);
                }
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    text
}

/// Converts a replacement of `-replace` to the syntax of the regex crate: `$1` stands for the group, and
/// letters behind the number do not belong to it.
pub(super) fn replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            out.push_str(&format!("${{{}}}", &rest[..digits]));
            rest = &rest[digits..];
        } else if let Some(after) = rest.strip_prefix('&') {
            out.push_str("${0}");
            rest = after;
        } else if rest.starts_with('{') || rest.starts_with('$') {
            out.push('$');
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        } else {
            out.push_str("$$");
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_whole_texts() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("mail*", "MAIL.contoso.com", true),
            ("*contoso*", "mail.contoso.com", true),
            ("contoso", "mail.contoso.com", false),
            ("EX0[1-3]", "ex02", true),
            ("EX0[1-3]", "ex04", false),
            ("EX0[13]", "EX03", true),
            ("a[]]b", "a]b", true),
            ("`[a`]", "[a]", true),
            ("a?c", "abc", true),
            ("*a*b*c", "xxaxxbxxc", true),
        ] {
            assert_eq!(Wildcard::new(pattern, false).unwrap().fits(text), fits, "{pattern} {text}");
        }
        assert!(!Wildcard::new("Mail", true).unwrap().fits("mail"));
        assert!(Wildcard::new("[a", false).err().unwrap().contains("not valid: [a"));
    }

    #[test]
    fn expressions_that_are_out_of_reach_are_refused() {
        assert!(regex("^CN=mail\\.", false).unwrap().is_match("cn=MAIL.contoso.com"));
        for pattern in ["(", "(?=a)", "(a)\\1", "[", &"(".repeat(2000), &"a".repeat(5000)] {
            assert!(regex(pattern, false).is_err(), "{pattern}");
        }
        assert_eq!(replacement("$1a $$ ${n} $& $"), "${1}a $$ ${n} ${0} $$");
    }
}
