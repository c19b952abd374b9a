//! From bytes to plain text: encodings, line ends, mail quoting, and markup in a copy.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decodes the text of `bytes`, in any encoding that Windows writes; `None` if they are not text.
///
/// PowerShell 5 redirects into UTF-16, Event Viewer exports UTF-8 or UTF-16, and old tools write the code
/// page of the machine, of which Windows-1252 is the usual one.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Some(encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned());
    }
    if let Some(encoding) = wide_without_mark(bytes) {
        return Some(encoding.decode_without_bom_handling(bytes).0.into_owned());
    }
    if let Some(text) = UTF_8.decode_without_bom_handling_and_without_replacement(bytes) {
        return (!looks_binary(bytes)).then(|| text.into_owned());
    }
    (!looks_binary(bytes)).then(|| WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned())
}

/// Detects UTF-16 without a byte order mark: every other byte is zero.
fn wide_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    if half < 2 {
        None
    } else if odd * 10 > half * 7 && even * 10 < half {
        Some(UTF_16LE)
    } else if even * 10 > half * 7 && odd * 10 < half {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn looks_binary(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(4096)];
    let odd = |byte: &&u8| **byte < 9 || (14..27).contains(*byte) || (28..32).contains(*byte);
    let odd = sample.iter().filter(odd).count();
    sample.contains(&0) || odd * 20 > sample.len()
}

/// Removes what a copy, a mail program or a web page has put around the text.
pub(super) fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = without_escapes(&text);
    let text = quoted_printable(&text);
    let text = unquote(&text);
    let text = without_markup(&text);
    let text = unescape(&text);
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => plain.push(' '),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' => {}
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' => plain.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => plain.push('"'),
            '\u{2026}' => plain.push_str("..."),
            '\u{2010}' | '\u{2011}' => plain.push('-'),
            '\u{2013}' | '\u{2014}' => plain.push('-'),
            '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' | '\u{c}' => plain.push('\n'),
            '\t' | '\n' => plain.push(c),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Removes the color codes of a terminal (ECMA-48).
fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if rest.next_if_eq(&'[').is_some() {
            while rest.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {}
        }
    }
    plain.into()
}

/// Decodes quoted-printable (RFC 2045 section 6.7), if the text is a mail's source.
fn quoted_printable(text: &str) -> Cow<'_, str> {
    if !text.contains("=\n") || !(text.contains("=3D") || text.contains("=20") || text.contains("=C3")) {
        return text.into();
    }
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'=' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// Removes the `> ` or `| ` of a quoted mail, if most lines have it, and the mark of a list that all lines have.
fn unquote(text: &str) -> Cow<'_, str> {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let listed = |mark: &str| lines().count() > 1 && lines().all(|line| line.trim_start().starts_with(mark));
    if let Some(mark) = ["* ", "- ", "\u{2022} "].into_iter().find(|mark| listed(mark)) {
        let plain = |line: &str| line.trim_start().strip_prefix(mark).unwrap_or_default().to_owned();
        return text.lines().map(plain).collect::<Vec<_>>().join("\n").into();
    }
    let marked = lines().filter(|line| is_quoted(line)).count();
    if marked * 10 < lines().count() * 6 || marked == 0 {
        return text.into();
    }
    let plain = |line: &str| {
        let mut line = line;
        while is_quoted(line) {
            line = line.trim_start();
            line = line.strip_prefix(['>', '|']).unwrap_or(line);
            line = line.strip_prefix(' ').unwrap_or(line);
        }
        line.to_owned()
    };
    text.lines().map(plain).collect::<Vec<_>>().join("\n").into()
}

fn is_quoted(line: &str) -> bool {
    let line = line.trim_start();
    // The reply of a server in a dialogue and a table in Markdown begin alike.
    line.starts_with('>') || (line.starts_with("| ") && line.matches('|').count() == 1)
}

/// The tags of a web page's layout; `<I>` and `<S>` are not among them, because they are marks of a pin.
const TAGS: [&str; 22] = [
    "p",
    "br",
    "div",
    "span",
    "td",
    "tr",
    "th",
    "table",
    "tbody",
    "thead",
    "b",
    "strong",
    "em",
    "pre",
    "code",
    "font",
    "a",
    "li",
    "ul",
    "html",
    "body",
    "blockquote",
];

fn without_markup(text: &str) -> Cow<'_, str> {
    let closes = ["</p>", "</div>", "</span>", "</td>", "</pre>", "<br", "</code>", "</li>"];
    let lower = text.to_ascii_lowercase();
    if !closes.iter().any(|tag| lower.contains(tag)) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        plain.push_str(before);
        let end = tag.find('>');
        let name = tag[1..].trim_start_matches('/');
        let name: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        match end {
            Some(end) if TAGS.contains(&name.as_str()) => {
                let breaks = ["p", "br", "div", "tr", "li", "pre", "table"].contains(&name.as_str());
                plain.push_str(if breaks { "\n" } else { "" });
                rest = &tag[end + 1..];
            }
            _ => {
                plain.push('<');
                rest = &tag[1..];
            }
        }
    }
    plain.push_str(rest);
    plain.into()
}

/// Decodes the entities that a copy from HTML or XML leaves behind; doubly escaped text is decoded twice.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    let mut text: Cow<'_, str> = text.into();
    for _ in 0..3 {
        let escaped = ["&lt;", "&gt;", "&amp;", "&quot;", "&apos;", "&nbsp;", "&#"];
        if !escaped.iter().any(|entity| text.contains(entity)) {
            break;
        }
        let once = unescape_once(&text);
        if once == text {
            break;
        }
        text = once.into();
    }
    text
}

fn unescape_once(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        plain.push_str(before);
        let named = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&amp;", "&"),
            ("&quot;", "\""),
            ("&apos;", "'"),
            ("&nbsp;", " "),
        ];
        let found = named.into_iter().find(|(name, _)| entity.starts_with(name));
        let numbered = entity.get(..entity.len().min(10)).and_then(numeric);
        if let Some((name, value)) = found {
            plain.push_str(value);
            rest = &entity[name.len()..];
        } else if let Some((c, length)) = numbered {
            plain.push(c);
            rest = &entity[length..];
        } else {
            plain.push('&');
            rest = &entity[1..];
        }
    }
    plain.push_str(rest);
    plain
}

/// Reads `&#39;` or `&#x27;`: the character, and the length of the entity.
fn numeric(entity: &str) -> Option<(char, usize)> {
    let (digits, _) = entity.strip_prefix("&#")?.split_once(';')?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some((char::from_u32(number)?, digits.len() + 3))
}

/// Returns the text with every run of white space as one space.
pub(super) fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the text without any white space, to compare wrapped texts.
pub(super) fn dense(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_that_windows_writes_is_read() {
        let text = "Fqdn : büro.contoso.com\r\n";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            marked(b"\xef\xbb\xbf", text.as_bytes()),
            marked(b"\xff\xfe", &wide),
            marked(b"\xfe\xff", &big),
            wide,
            big,
            b"Fqdn : b\xfcro.contoso.com\r\n".to_vec(),
        ] {
            assert_eq!(decode(&bytes).unwrap(), text);
        }
        assert_eq!(decode(b"\x30\x82\x01\x00\x00\x02"), None);
    }

    #[test]
    fn quoting_markup_and_entities_go_away_and_the_marks_of_a_pin_stay() {
        assert_eq!(clean("> > a\r\n> > b\r\n>\r\n"), "a\nb\n");
        assert_eq!(clean("<p>the name &lt;I&gt;CN=a&lt;S&gt;CN=b</p>").trim(), "the name <I>CN=a<S>CN=b");
        assert_eq!(clean("&amp;lt;I&amp;gt;CN=&quot;Smith &amp; Co&quot;"), "<I>CN=\"Smith & Co\"");
        assert_eq!(
            clean("the connector\u{2019}s\u{a0}FQDN &#39;x&#x27; \u{1b}[31mred"),
            "the connector's FQDN 'x' red"
        );
        assert_eq!(clean("domain name =\nmail.contoso.com =3D x"), "domain name mail.contoso.com = x");
        assert_eq!(unescape("AT&T &#bad; &"), "AT&T &#bad; &");
    }
}
