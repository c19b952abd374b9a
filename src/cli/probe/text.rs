//! What servers say, made safe for a terminal.

/// The text with every control character escaped: a server must not control the terminal of the reader.
pub(super) fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        // The marks that turn the direction of writing are none of `char::is_control`.
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
