//! Content on its way out: line ends, dots, and the dot that ends it.

use bytes::Bytes;

/// Content as it follows a 354: every line ends with CRLF, a dot at the start of a line is doubled (RFC
/// 5321 section 4.5.2), and CRLF dot CRLF ends it. Bare CR and LF become CRLF (section 2.3.8).
pub fn transparent(content: &[u8]) -> Bytes {
    let mut wire = Vec::with_capacity(content.len() + 64);
    let mut rest = content;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, ending) = rest.split_at(end);
        if line.first() == Some(&b'.') {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
        let taken = if ending.starts_with(b"\r\n") { 2 } else { 1 };
        rest = ending.get(taken..).unwrap_or_default();
    }
    wire.extend_from_slice(b".\r\n");
    wire.into()
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::super::{DataDecoder, DataProgress};
    use super::*;

    #[test]
    fn dots_are_doubled_and_lines_end_in_both() {
        assert_eq!(&transparent(b"a\n.b\r\n..\rc")[..], b"a\r\n..b\r\n...\r\nc\r\n.\r\n");
        assert_eq!(&transparent(b"")[..], b".\r\n");
    }

    proptest! {
        #[test]
        fn what_goes_out_is_read_back_line_by_line(lines in prop::collection::vec("[a.]{0,4}", 0..8)) {
            let content: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let mut input = BytesMut::from(&transparent(content.as_bytes())[..]);
            let mut decoder = DataDecoder::new(1 << 20);
            prop_assert_eq!(decoder.decode(&mut input), DataProgress::Done);
            let read: Vec<u8> = decoder.finish().body.chunks().flat_map(<[u8]>::to_vec).collect();
            prop_assert_eq!(String::from_utf8(read).unwrap(), content);
        }
    }
}
