//! Servers' replies, made safe for a terminal.

/// Escapes every control character in the text: a server must not control the reader's terminal.
pub(super) fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        // `char::is_control` does not cover the marks that change the direction of writing.
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_move_the_cursor() {
        assert_eq!(safe("220 \u{1b}[2J\u{9b}1mhi\r\n"), "220 \\u{1b}[2J\\u{9b}1mhi\\r\\n");
        assert_eq!(safe("a\u{202e}b ünïcode"), "a\\u{202e}b ünïcode");
    }
}
