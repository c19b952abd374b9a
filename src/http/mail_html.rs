//! HTML of a message, made ready for the frame that shows it, which may fetch nothing: the images that it refers to
//! by `cid:` (RFC 2392) are put into the text, and the elements that would load another document are none any more:
//! the policy of the frame blocks what they load, but browsers connect to its host all the same (`preconnect` of a
//! `link`, the address of an `iframe`).
//!
//! No sanitizer such as `ammonia` (which brings some twenty crates): it would take away the `body` and the `style`
//! elements that make a mail look as it does, while the frame's policy already stops every script, and nothing is
//! parsed and written anew here, so that no markup can come to mean something else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use regex::{Captures, Regex};

use super::input::percent_decoded;
use super::mime::named_parts;

/// The media types of images that hold pixels and nothing else.
const IMAGES: [&str; 7] =
    ["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/bmp", "image/avif"];

/// The maximum number of bytes of images in all, each as often as it is referred to.
const MOST_BYTES: usize = 16 << 20;

/// A reference where a URL can be: behind a quotation mark, a parenthesis, an equals sign or a comma.
static REFERENCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)(["'(=,]\s*)cid:([^"'\s<>(),]{1,998})"#).ok());

/// The beginnings of elements that refer to another document. A name of an element is written as it is, never as a
/// character reference.
static LOADING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("(?i)<(link|iframe|frame|object|embed|portal|fencedframe|base|meta)").ok());

/// Returns HTML of `content` as a frame may show it.
pub(super) fn prepared(html: &str, content: &[u8]) -> String {
    match LOADING.as_ref() {
        Some(loading) => with_images(&loading.replace_all(html, "<x-$1"), content),
        // The expression is valid, which the tests show; without it nothing is shown.
        None => String::new(),
    }
}

/// Returns HTML with the images of `content` in the place of the references to them.
fn with_images(html: &str, content: &[u8]) -> String {
    let images = images(content);
    let Some(reference) = REFERENCE.as_ref().filter(|_| !images.is_empty()) else { return html.to_owned() };
    let mut left = MOST_BYTES;
    let replaced = reference.replace_all(html, |found: &Captures<'_>| {
        let (before, id) = (&found[1], &found[2]);
        let name = percent_decoded(id).map_or(Cow::Borrowed(id), Cow::Owned);
        match images.get(&*name) {
            Some((media_type, bytes)) if bytes.len() <= left => {
                left -= bytes.len();
                let mut text = String::new();
                // Writing to a String cannot fail.
                let _ =
                    write!(text, "{before}data:{media_type};base64,{}", Base64Display::new(bytes, &STANDARD));
                text
            }
            Some(_) | None => found[0].to_owned(),
        }
    });
    replaced.into_owned()
}

/// Returns the images of a message by their names, with their media types.
fn images(content: &[u8]) -> BTreeMap<String, (&'static str, Bytes)> {
    let mut images = BTreeMap::new();
    for (id, part) in named_parts(content) {
        if let Some(media_type) = IMAGES.into_iter().find(|known| *known == part.content_type) {
            images.entry(id).or_insert_with(|| (media_type, part.bytes()));
        }
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(media_type: &str, id: &str) -> Vec<u8> {
        format!(
            "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b\r\n\
             Content-Type: {media_type}\r\nContent-ID: {id}\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn an_image_of_the_message_takes_the_place_of_its_reference() {
        let content = message("image/png", "<one+two@mail.example>");
        for (html, shown) in [
            ("<img src=\"cid:one+two@mail.example\">", "<img src=\"data:image/png;base64,AAAA\">"),
            ("<img src=CID:one%2Btwo%40mail.example>", "<img src=data:image/png;base64,AAAA>"),
            ("url( cid:one+two@mail.example)", "url( data:image/png;base64,AAAA)"),
            ("it says cid:one+two@mail.example", "it says cid:one+two@mail.example"),
            ("<img src='cid:three'>", "<img src='cid:three'>"),
        ] {
            assert_eq!(with_images(html, &content), shown);
        }
    }

    #[test]
    fn what_loads_another_document_is_none_any_more() {
        for (html, shown) in [
            ("<link rel=preconnect href=x>", "<x-link rel=preconnect href=x>"),
            ("<LiNk/rel=preconnect>", "<x-LiNk/rel=preconnect>"),
            ("<svg><link\n><<link>", "<svg><x-link\n><<x-link>"),
            ("<iframe src=x></iframe><frameset>", "<x-iframe src=x></iframe><x-frameset>"),
            // What is text to one parser, and an element to another.
            (
                "<svg></p><style><a id=\"</style><link href=x>\">",
                "<svg></p><style><a id=\"</style><x-link href=x>\">",
            ),
            ("<noscript><p title=\"</noscript><meta>\">", "<noscript><p title=\"</noscript><x-meta>\">"),
            ("<!--><base href=x>-->", "<!--><x-base href=x>-->"),
            ("<p>a < b</p>", "<p>a < b</p>"),
        ] {
            assert_eq!(prepared(html, b""), shown);
        }
    }

    #[test]
    fn what_is_no_picture_is_left_out() {
        for media_type in ["image/svg+xml", "text/html", "image/png; name=x\r\nX: y", "text/css"] {
            let content = message(media_type, "<a>");
            let html = with_images("<img src='cid:a'>", &content);
            assert_eq!(
                html.contains("image/png"),
                media_type.starts_with("image/png"),
                "{media_type}: {html}"
            );
            assert!(!html.contains("svg") && !html.contains("css"), "{html}");
        }
    }

    #[test]
    fn many_references_to_a_large_image_end() {
        let large = "A".repeat(8 << 20);
        let content = format!(
            "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: image/png\nContent-ID: <a>\n\n{large}\n--b--\n"
        );
        let html = "<img src='cid:a'>".repeat(1000);
        let shown = with_images(&html, content.as_bytes());
        assert!(shown.len() < 3 * MOST_BYTES, "{}", shown.len());
        assert_eq!(shown.matches("data:").count(), 2);
    }
}
