//! The structure of a message (RFC 2045 and 2046), for people who want to know what is in it. It decides
//! nothing, and what it cannot make out it leaves whole.

use memchr::memmem;
use schemars::JsonSchema;
use serde::Serialize;

/// A field of a header, unfolded.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Field {
    /// Its name as it was written.
    name: String,
    /// Its value, octets that are no UTF-8 replaced.
    value: String,
}

/// A message, or a part of one.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Part {
    /// The media type, in small letters; `text/plain` where none is given.
    content_type: String,
    /// The transfer encoding, as it was written.
    encoding: Option<String>,
    /// The name of the file that it is.
    filename: Option<String>,
    /// Octets, still encoded, without the header.
    size: usize,
    /// The parts of a multipart.
    parts: Vec<Part>,
}

/// How many fields and parts are shown, and how deep parts may lie in each other.
const MOST_FIELDS: usize = 1000;
const MOST_PARTS: usize = 100;
const DEEPEST: usize = 8;

/// The fields of the header that `content` begins with.
pub(super) fn fields(content: &[u8]) -> Vec<Field> {
    let (header, _) = split(content);
    let mut fields: Vec<Field> = Vec::new();
    for line in header.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(line);
        match (line.first(), fields.last_mut()) {
            (Some(b' ' | b'\t'), Some(last)) => last.value.push_str(&text),
            _ => {
                let Some((name, value)) = text.split_once(':') else { continue };
                if fields.len() == MOST_FIELDS {
                    break;
                }
                fields.push(Field { name: name.trim_end().to_owned(), value: value.trim_start().to_owned() });
            }
        }
    }
    fields
}

/// The structure of `content`.
pub(super) fn structure(content: &[u8]) -> Part {
    let mut left = MOST_PARTS;
    part(content, DEEPEST, &mut left)
}

fn part(content: &[u8], deepest: usize, left: &mut usize) -> Part {
    let fields = fields(content);
    let get = |name: &str| {
        fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.as_str())
    };
    let (_, body) = split(content);
    let declared = get("Content-Type").unwrap_or("text/plain");
    let kind = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let boundary = parameter(declared, "boundary").filter(|_| kind.starts_with("multipart/"));
    let disposition = get("Content-Disposition").and_then(|value| parameter(value, "filename"));
    let mut parts = Vec::new();
    if let Some(boundary) = boundary.filter(|boundary| !boundary.is_empty() && deepest > 0) {
        for piece in pieces(body, &boundary, *left) {
            if *left == 0 {
                break;
            }
            *left -= 1;
            parts.push(part(piece, deepest - 1, left));
        }
    }
    Part {
        filename: disposition.or_else(|| parameter(declared, "name")),
        encoding: get("Content-Transfer-Encoding").map(|value| value.trim().to_owned()),
        content_type: kind,
        size: body.len(),
        parts,
    }
}

/// Header and body, at the first empty line.
fn split(content: &[u8]) -> (&[u8], &[u8]) {
    if content.starts_with(b"\r\n") || content.starts_with(b"\n") {
        let end = if content.first() == Some(&b'\r') { 2 } else { 1 };
        return (&[], content.get(end..).unwrap_or_default());
    }
    let ends = [(memmem::find(content, b"\r\n\r\n"), 4), (memmem::find(content, b"\n\n"), 2)];
    let first = ends.into_iter().filter_map(|(at, length)| Some((at?, length))).min();
    match first {
        Some((at, length)) => {
            let (header, rest) = content.split_at(at);
            (header, rest.get(length..).unwrap_or_default())
        }
        None => (content, &[]),
    }
}

/// The value of a parameter behind a semicolon.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|value| value.split('"').next()).unwrap_or(value);
        name.trim().eq_ignore_ascii_case(wanted).then(|| bare.to_owned())
    })
}

/// What stands between the delimiter lines of a multipart, at most `most` of them.
fn pieces<'a>(body: &'a [u8], boundary: &str, most: usize) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut pieces = Vec::new();
    let (mut at, mut begun) = (0, None);
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        if let Some(behind) = line.strip_prefix(delimiter) {
            if let Some(piece) = begun.and_then(|begun| body.get(begun..at)) {
                // The line end before a delimiter belongs to it.
                let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
                pieces.push(piece.strip_suffix(b"\r").unwrap_or(piece));
            }
            begun = Some(at + line.len());
            if behind.starts_with(b"--") || pieces.len() == most {
                return pieces;
            }
        }
        at += line.len();
    }
    pieces.extend(begun.and_then(|begun| body.get(begun..)));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multipart_is_shown_with_its_parts() {
        let content = b"Subject: a\r\n folded\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\nthis\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: image/PNG; name=x.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n";
        let whole = structure(content);
        assert_eq!(whole.content_type, "multipart/mixed");
        let [text, image] = whole.parts.as_slice() else { panic!("{whole:?}") };
        assert_eq!((text.content_type.as_str(), text.size), ("text/plain", 2));
        assert_eq!((image.content_type.as_str(), image.filename.as_deref()), ("image/png", Some("x.png")));
        assert_eq!(fields(content)[0], Field { name: "Subject".into(), value: "a folded".into() });
    }

    #[test]
    fn a_multipart_in_itself_ends() {
        let content = b"Content-Type: multipart/mixed; boundary=b\n\n".iter().chain(b"--b\n").copied();
        let content: Vec<u8> = content.collect::<Vec<_>>().repeat(2000);
        assert!(structure(&content).parts.len() <= MOST_PARTS);
        for content in
            [&b""[..], b"\n", b"\r\n", b":", b"Content-Type: multipart/x; boundary=\"", b"\xff\xff: \n\n"]
        {
            structure(content);
        }
    }
}
