//! The frame of a report as HTML: one file that loads nothing and works from a disk.

use std::fmt::Write as _;
use std::path::Path;

use super::output::Failure;
use super::whole_file::write_whole;
use crate::journal::shown::is_unsafe;

/// The style of every report.
const STYLE: &str = include_str!("html/page.css");

/// The script behind a report's filter; it reads the text of the table and hides rows.
pub(super) const FILTER: &str = include_str!("html/filter.js");

/// Returns a page with a title in plain text, a body in HTML, and a script where one is needed.
///
/// The page is well-formed XML as well, so that a mistake in its markup is found by a parser. Its policy forbids
/// loading anything.
pub(super) fn page(title: &str, body: &str, script: Option<&str>) -> String {
    let script = script.map_or(String::new(), |script| format!("<script>\n{script}</script>\n"));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\
         <footer>starttls-lab {}</footer>\n{script}</body>\n</html>\n",
        escaped(title),
        env!("CARGO_PKG_VERSION"),
    )
}

/// Writes a page for `--html`, whole or not at all.
pub(super) fn write(path: &Path, page: &str) -> Result<(), Failure> {
    write_whole(path, page.as_bytes())
        .map_err(|error| Failure::usage(format!("--html {}: {error}", path.display())))
}

/// Escapes text for an element or for a quoted attribute. A character that a browser would obey, hide or reject
/// (a control, one that reorders text) is written as its code point, such as `\u{202e}`.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            character if is_unsafe(character) || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "{}", character.escape_unicode());
            }
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_what_a_browser_would_obey_is_shown() {
        assert_eq!(
            escaped("</td><script>&\"'\r\n\t\u{1b}[0m\u{0}\u{9b}\u{202e}\u{ffff}\u{e4}"),
            "&lt;/td&gt;&lt;script&gt;&amp;&quot;&#39;\n\t\\u{1b}[0m\\u{0}\\u{9b}\\u{202e}\\u{ffff}\u{e4}"
        );
    }

    #[test]
    fn a_page_forbids_all_loading_and_escapes_its_title() {
        let page = page("a <b>", "<p>text</p>\n", None);
        assert!(page.contains("<title>a &lt;b&gt;</title>"), "{page}");
        assert!(page.contains("content=\"default-src 'none';"), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }
}
