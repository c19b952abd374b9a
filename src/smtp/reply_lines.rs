//! Replies out of the lines a server sends.

use super::reply::{Reply, ReplyError};

/// Puts the lines of one reply after the other together (RFC 5321 section 4.2.1).
#[derive(Debug, Default)]
pub struct ReplyLines {
    text: String,
    lines: usize,
}

/// No honest reply has more lines; the longest ones are those to EHLO and HELP.
const MOST_LINES: usize = 500;

impl ReplyLines {
    /// Takes the next line without its ending; the reply that is complete with it, or what is no reply.
    pub fn push(&mut self, line: &[u8]) -> Option<Result<Reply, ReplyError>> {
        if self.lines > 0 {
            self.text.push('\n');
        }
        self.lines += 1;
        self.text.push_str(&String::from_utf8_lossy(line));
        // A hyphen behind anything else than a code, as in `SSH-2.0`, promises no further line.
        let goes_on =
            matches!(line, [a, b, c, b'-', ..] if [a, b, c].iter().all(|digit| digit.is_ascii_digit()));
        if goes_on && self.lines < MOST_LINES {
            return None;
        }
        let text = std::mem::take(self).text;
        Some(text.parse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(lines: &[&str]) -> Vec<Result<String, ReplyError>> {
        let mut reader = ReplyLines::default();
        let replies = lines.iter().filter_map(|line| reader.push(line.as_bytes()));
        replies.map(|reply| reply.map(|reply| reply.to_string())).collect()
    }

    #[test]
    fn a_reply_ends_with_the_line_that_has_no_hyphen() {
        assert_eq!(
            replies(&["250-mx Hello", "250-SIZE", "250 STARTTLS", "220"]),
            [Ok("250-mx Hello\n250-SIZE\n250 STARTTLS".to_owned()), Ok("220 ".to_owned())]
        );
    }

    #[test]
    fn what_is_no_reply_is_said_and_the_next_one_read() {
        assert_eq!(
            replies(&["<html>", "250-a", "251 b", "250 ok"]),
            [Err(ReplyError::NoCode), Err(ReplyError::CodesDiffer), Ok("250 ok".to_owned())]
        );
        assert_eq!(replies(&["SSH-2.0-x", "220 mx"]), [Err(ReplyError::NoCode), Ok("220 mx".to_owned())]);
    }

    #[test]
    fn a_reply_without_end_is_given_up() {
        let endless = vec!["250-x"; MOST_LINES];
        assert_eq!(replies(&endless), [Err(ReplyError::WrongSeparator)]);
    }
}
