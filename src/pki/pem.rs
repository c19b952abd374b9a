//! PEM (RFC 7468) as far as certificates and keys need it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::PkiError;

/// One block: the label of its `BEGIN` line and its content.
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    pub(super) der: Vec<u8>,
}

/// Every block in `text`; what stands around the blocks (as OpenSSL and browsers write it) is no part of them.
pub(super) fn decode(text: &str) -> Result<Vec<Block<'_>>, PkiError> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, after) = after
            .split_once("-----")
            .ok_or_else(|| problem("a BEGIN line is not finished with five dashes"))?;
        let (body, after) = after
            .split_once(&format!("-----END {label}-----"))
            .ok_or_else(|| problem(format!("`-----END {label}-----` is missing")))?;
        let base64: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der =
            STANDARD.decode(base64).map_err(|error| problem(format!("the {label} is no base64: {error}")))?;
        blocks.push(Block { label, der });
        rest = after;
    }
    Ok(blocks)
}

/// One block, in lines of 64 as RFC 7468 section 2 asks of generators.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let base64 = STANDARD.encode(der);
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

fn problem(problem: impl Into<String>) -> PkiError {
    PkiError::Pem { problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_survive_the_way_out_and_back_whatever_stands_around_them() {
        let text = format!("Bag Attributes\r\n{}junk\n{}", encode("A", &[7; 100]), encode("B C", &[]));
        let text = text.replace('\n', "\r\n");
        let blocks = decode(&text).unwrap();
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].label, blocks[0].der.as_slice()), ("A", [7; 100].as_slice()));
        assert_eq!((blocks[1].label, blocks[1].der.as_slice()), ("B C", [].as_slice()));
        assert!(text.lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn half_a_block_is_an_error() {
        for half in ["-----BEGIN X", "-----BEGIN X-----\nAAAA", "-----BEGIN X-----\n*\n-----END X-----"] {
            assert!(decode(half).is_err(), "{half}");
        }
        assert!(decode("no pem at all").unwrap().is_empty());
    }
}
