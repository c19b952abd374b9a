//! The structure of a message (RFC 2045 and 2046), for readers who want to know what is in it. Nothing
//! depends on it, and a part that it cannot parse is left whole.

use bytes::Bytes;
use encoding_rs::{Encoding, WINDOWS_1252};
use mailparse::{
    MailHeader, MailHeaderMap, ParsedContentType, ParsedMail, parse_content_disposition, parse_content_type,
    parse_headers, parse_mail,
};
use schemars::JsonSchema;
use serde::Serialize;

/// A field of a header, unfolded.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Field {
    /// Its name as it was written.
    name: String,
    /// Its value, encoded words decoded, bytes that are no text replaced.
    value: String,
}

/// A message, or a part of one.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Part {
    /// The numbers that lead to it, such as `1.2` for the second part of the first; `0` for the whole.
    path: String,
    /// The media type, in lower case; `text/plain` where none is given.
    content_type: String,
    /// The transfer encoding, as it was written.
    encoding: Option<String>,
    /// The name of the file that it is.
    filename: Option<String>,
    /// The name by which HTML of the same message refers to it (`cid:`), without its angle brackets.
    content_id: Option<String>,
    /// The size in bytes, still encoded and without the header.
    size: usize,
    /// The parts of a multipart.
    parts: Vec<Part>,
}

/// The maximum number of fields and parts that are shown, and the maximum depth of nested parts.
const MOST_FIELDS: usize = 1000;
const MOST_PARTS: usize = 100;
const DEEPEST: usize = 8;
/// The number of bytes of a message in which its header is searched.
const LONGEST_HEADER: usize = 1 << 20;

/// Returns the fields of the header that `content` begins with, encoded words (RFC 2047) decoded.
pub(super) fn fields(content: &[u8]) -> Vec<Field> {
    let (headers, _) = split(content);
    let fields = headers.iter().take(MOST_FIELDS);
    fields
        .map(|field| Field { name: field.get_key().trim_end().to_owned(), value: field.get_value() })
        .collect()
}

/// Returns the structure of `content`. It is bounded here, and not left to `mailparse::parse_mail`, whose
/// parts are not.
pub(super) fn structure(content: &[u8]) -> Part {
    let mut left = MOST_PARTS;
    part(content, "0", DEEPEST, &mut left)
}

/// A part that was found by its path.
pub(super) struct Found<'a> {
    /// The part with its header.
    content: &'a [u8],
    /// The media type, in small letters.
    pub(super) content_type: String,
    /// The name of the file that it is.
    pub(super) filename: Option<String>,
}

/// Returns the part of `content` that `path` leads to.
pub(super) fn find<'a>(content: &'a [u8], path: &str) -> Option<Found<'a>> {
    let mut content = content;
    if path != "0" {
        for (depth, number) in path.split('.').enumerate() {
            let number: usize =
                number.parse().ok().filter(|number| depth < DEEPEST && *number <= MOST_PARTS)?;
            content = *Description::of(content).pieces(MOST_PARTS).get(number.checked_sub(1)?)?;
        }
    }
    let Description { content_type, filename, .. } = Description::of(content);
    Some(Found { content, content_type, filename })
}

impl Found<'_> {
    /// Returns the part without its transfer encoding; as it is, where that cannot be undone.
    pub(super) fn bytes(&self) -> Bytes {
        let decoded = self.parsed().and_then(|parsed| parsed.get_body_raw().ok());
        decoded.unwrap_or_else(|| split(self.content).1.to_vec()).into()
    }

    /// Returns the part as text; what is no text in its character set is replaced.
    pub(super) fn text(&self) -> String {
        let decoded = self.parsed().and_then(|parsed| parsed.get_body().ok());
        decoded.unwrap_or_else(|| String::from_utf8_lossy(&self.bytes()).into_owned())
    }

    /// Parses it, unless it has parts itself, of which the parser would read any number.
    fn parsed(&self) -> Option<ParsedMail<'_>> {
        let is_bounded = !self.content_type.starts_with("multipart/") && !split(self.content).0.is_empty();
        if is_bounded { parse_mail(self.content).ok() } else { None }
    }
}

/// Returns a message as text: in UTF-8 if it is that, else in the character set of its first part that names one,
/// else in Windows-1252, in which every byte is a character.
pub(super) fn source(content: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(content) {
        return text.to_owned();
    }
    let declared = charset(content, DEEPEST);
    let encoding = declared.and_then(|label| Encoding::for_label(label.as_bytes())).unwrap_or(WINDOWS_1252);
    // In UTF-16 the header, which is ASCII, would not be legible.
    let encoding = if encoding.is_ascii_compatible() { encoding } else { WINDOWS_1252 };
    encoding.decode_without_bom_handling(content).0.into_owned()
}

/// Returns the character set that a message or the first of its parts with one names.
fn charset(content: &[u8], deepest: usize) -> Option<String> {
    let description = Description::of(content);
    let pieces = if deepest > 0 { description.pieces(MOST_PARTS) } else { Vec::new() };
    // A multipart names a boundary and no character set; the bound on the depth is one on the work, too.
    description.charset.or_else(|| pieces.first().and_then(|piece| charset(piece, deepest - 1)))
}

/// Returns the parts without parts of their own that HTML of the message can refer to, by their names.
pub(super) fn named_parts(content: &[u8]) -> Vec<(String, Found<'_>)> {
    fn collect<'a>(content: &'a [u8], deepest: usize, left: &mut usize, into: &mut Vec<(String, Found<'a>)>) {
        let description = Description::of(content);
        let pieces = if deepest > 0 { description.pieces(*left) } else { Vec::new() };
        for piece in &pieces {
            if *left == 0 {
                return;
            }
            *left -= 1;
            collect(piece, deepest - 1, left, into);
        }
        if let (true, Description { content_id: Some(id), content_type, filename, .. }) =
            (pieces.is_empty(), description)
        {
            into.push((id, Found { content, content_type, filename }));
        }
    }
    let (mut left, mut found) = (MOST_PARTS, Vec::new());
    collect(content, DEEPEST, &mut left, &mut found);
    found
}

/// The header of a part, as far as it describes the body.
struct Description<'a> {
    content_type: String,
    encoding: Option<String>,
    filename: Option<String>,
    content_id: Option<String>,
    /// The character set of a text, as it was written.
    charset: Option<String>,
    /// The boundary of a multipart.
    boundary: Option<String>,
    body: &'a [u8],
}

impl<'a> Description<'a> {
    fn of(content: &'a [u8]) -> Self {
        let (headers, body) = split(content);
        let declared = headers.get_first_value("Content-Type").unwrap_or_else(|| "text/plain".to_owned());
        let ParsedContentType { mimetype, mut params, .. } = parse_content_type(&declared);
        let disposition = headers.get_first_value("Content-Disposition");
        let mut disposition =
            disposition.map(|value| parse_content_disposition(&value).params).unwrap_or_default();
        let id = headers.get_first_value("Content-ID");
        let boundary = params.remove("boundary").filter(|boundary| !boundary.is_empty());
        Self {
            boundary: boundary.filter(|_| mimetype.starts_with("multipart/")),
            content_id: id.map(|id| id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()),
            charset: params.remove("charset"),
            filename: disposition.remove("filename").or_else(|| params.remove("name")),
            encoding: headers
                .get_first_value("Content-Transfer-Encoding")
                .map(|value| value.trim().to_owned()),
            content_type: mimetype,
            body,
        }
    }

    /// Returns the parts of a multipart, at most `most` of them.
    fn pieces(&self, most: usize) -> Vec<&'a [u8]> {
        self.boundary.as_deref().map(|boundary| pieces(self.body, boundary, most)).unwrap_or_default()
    }
}

fn part(content: &[u8], path: &str, deepest: usize, left: &mut usize) -> Part {
    let description = Description::of(content);
    let mut parts = Vec::new();
    let pieces = if deepest > 0 { description.pieces(*left) } else { Vec::new() };
    for (number, piece) in (1..).zip(pieces) {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let path = if path == "0" { number.to_string() } else { format!("{path}.{number}") };
        parts.push(part(piece, &path, deepest - 1, left));
    }
    Part {
        path: path.to_owned(),
        filename: description.filename,
        content_id: description.content_id,
        encoding: description.encoding,
        content_type: description.content_type,
        size: description.body.len(),
        parts,
    }
}

/// Splits a message into header and body. A message whose header cannot be read, or does not end where it is looked
/// for, is all body.
fn split(content: &[u8]) -> (Vec<MailHeader<'_>>, &[u8]) {
    let begin = content.get(..LONGEST_HEADER).unwrap_or(content);
    match parse_headers(begin) {
        Ok((headers, at)) if at < begin.len() || begin.len() == content.len() => {
            (headers, content.get(at..).unwrap_or_default())
        }
        Ok(_) | Err(_) => (Vec::new(), content),
    }
}

/// Returns the parts between the delimiter lines of a multipart, at most `most` of them.
fn pieces<'a>(body: &'a [u8], boundary: &str, most: usize) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut pieces = Vec::new();
    let (mut at, mut begun) = (0, None);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
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
        assert_eq!((whole.path.as_str(), text.path.as_str(), image.path.as_str()), ("0", "1", "2"));
        assert_eq!(find(content, "1").unwrap().text(), "hi");
        assert_eq!(find(content, "2").unwrap().bytes().as_ref(), [0, 0, 0]);
        assert!(find(content, "0").unwrap().text().contains("--b"));
        for wrong in ["", "3", "1.1", "-1", "x", "1.", "0.1"] {
            assert!(find(content, wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_part_is_decoded_by_its_encoding_and_character_set() {
        let content =
            b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ngr=FC=DFe\r\n";
        assert_eq!(find(content, "0").unwrap().text(), "gr\u{fc}\u{df}e\r\n");
        let content =
            b"Content-Type: text/html; charset=nonsense\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n";
        assert_eq!(find(content, "0").unwrap().text().trim(), "!!!");
    }

    #[test]
    fn encoded_words_and_continued_parameters_are_decoded() {
        let content = b"Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename*0*=utf-8''na%C3%AFve; filename*1=.txt\r\n\r\nhi";
        assert_eq!(fields(content)[0], Field { name: "Subject".into(), value: "gr\u{fc}\u{df}e".into() });
        assert_eq!(structure(content).filename.as_deref(), Some("na\u{ef}ve.txt"));
    }

    #[test]
    fn the_source_is_read_in_the_character_set_that_it_names() {
        assert_eq!(source("Subject: gr\u{fc}n\r\n\r\n".as_bytes()), "Subject: gr\u{fc}n\r\n\r\n");
        let greek = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-7\r\n\r\n\xe1\xe2\r\n--b--\r\n";
        assert!(source(greek).contains("\u{3b1}\u{3b2}"));
        for unknown in
            ["", "Content-Type: text/plain; charset=nonsense", "Content-Type: text/plain; charset=utf-16"]
        {
            let content = [unknown.as_bytes(), b"\r\n\r\n\xe1 \x80"].concat();
            assert!(source(&content).ends_with("\u{e1} \u{20ac}"), "{unknown}");
        }
    }

    #[test]
    fn a_header_without_an_end_hides_no_multipart() {
        let filler = format!("X: {}\r\n", "y".repeat(900)).repeat(1200);
        let content =
            format!("{filler}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b--\r\n");
        assert!(content.len() > LONGEST_HEADER);
        let whole = find(content.as_bytes(), "0").unwrap();
        assert_eq!(whole.content_type, "text/plain");
        assert!(whole.parsed().is_none() && fields(content.as_bytes()).is_empty());
        assert_eq!(whole.bytes().len(), content.len());
    }

    #[test]
    fn a_multipart_in_itself_ends() {
        let content = b"Content-Type: multipart/mixed; boundary=b\n\n".iter().chain(b"--b\n").copied();
        let content: Vec<u8> = content.collect::<Vec<_>>().repeat(2000);
        assert!(structure(&content).parts.len() <= MOST_PARTS);
        assert!(named_parts(&content).is_empty() && !source(&content).is_empty());
        for content in
            [&b""[..], b"\n", b"\r\n", b":", b"Content-Type: multipart/x; boundary=\"", b"\xff\xff: \n\n"]
        {
            structure(content);
            named_parts(content);
            source(content);
        }
    }
}
