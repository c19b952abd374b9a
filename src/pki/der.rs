//! The little DER (X.690) that names, key wrapping and re-assembly of a certificate need.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const IA5_STRING: u8 = 0x16;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// One element as it stands in its surroundings.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// The content of the element.
    pub(super) content: &'a [u8],
    /// Tag, length and content.
    pub(super) whole: &'a [u8],
}

/// The first element of `input` and what follows it; `None` where that is no DER.
pub(super) fn read(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().try_fold(0usize, |n, &o| n.checked_mul(256)?.checked_add(o.into()))?, rest)
        }
        // Indefinite length, which DER does not have, or more than 4 GiB.
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = input.get(..input.len() - after.len())?;
    Some((Element { tag, content, whole }, after))
}

/// All elements of `input`, up to the first byte that is no DER.
pub(super) fn elements(mut input: &[u8]) -> impl Iterator<Item = Element<'_>> {
    std::iter::from_fn(move || {
        let (element, rest) = read(input)?;
        input = rest;
        Some(element)
    })
}

/// An element of `tag` that holds the concatenation of `parts`.
pub(super) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let significant = bytes.iter().skip_while(|byte| **byte == 0);
        out.push(0x80 | significant.clone().count() as u8);
        out.extend(significant);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A positive INTEGER of these bytes, the most significant first.
pub(super) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    // A zero byte where the first bit would be taken for a sign, and where there is nothing else.
    let sign: &[u8] = if bytes.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    write(INTEGER, &[sign, bytes])
}

/// The content of an OBJECT IDENTIFIER from its dotted form.
pub(super) fn oid_from_text(text: &str) -> Option<Vec<u8>> {
    let mut arcs = text.split('.').map(|arc| arc.parse::<u64>().ok());
    let (first, second) = (arcs.next()??, arcs.next()??);
    if first > 2 || (first < 2 && second > 39) {
        return None;
    }
    let mut out = Vec::new();
    push_arc(&mut out, second.checked_add(first * 40)?);
    for arc in arcs {
        push_arc(&mut out, arc?);
    }
    Some(out)
}

/// The dotted form of an OBJECT IDENTIFIER's content; an arc beyond 64 bits is shown saturated.
pub(super) fn oid_to_text(content: &[u8]) -> String {
    let mut text = String::new();
    let mut arc = 0u64;
    for &byte in content {
        arc = arc.saturating_mul(128).saturating_add(u64::from(byte & 0x7f));
        if byte & 0x80 == 0 {
            if text.is_empty() {
                let first = (arc / 40).min(2);
                text = format!("{first}.{}", arc - first * 40);
            } else {
                text.push('.');
                text.push_str(&arc.to_string());
            }
            arc = 0;
        }
    }
    text
}

/// Returns whether this is the content of an OBJECT IDENTIFIER: arcs that end, in as few bytes as they need (X.690
/// section 8.19.2).
pub(super) fn is_oid(content: &[u8]) -> bool {
    let ends_an_arc = |byte: &u8| byte & 0x80 == 0;
    let mut arcs = content.split_inclusive(ends_an_arc);
    !content.is_empty() && arcs.all(|arc| arc[0] != 0x80 && arc.last().is_some_and(ends_an_arc))
}

fn push_arc(out: &mut Vec<u8>, arc: u64) {
    let septets = (64 - arc.leading_zeros()).div_ceil(7).max(1);
    for i in (0..septets).rev() {
        let septet = (arc >> (7 * i)) as u8 & 0x7f;
        out.push(if i == 0 { septet } else { septet | 0x80 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_every_length_form_are_read_as_they_were_written() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let written = write(SEQUENCE, &[&content, &[1]]);
            let (element, rest) = read(&written).unwrap();
            assert_eq!((element.tag, element.content.len(), rest.len()), (SEQUENCE, length + 1, 0));
            assert_eq!(element.whole, written);
            assert!((0..written.len()).all(|cut| read(&written[..cut]).is_none()), "{length}");
        }
    }

    #[test]
    fn object_identifiers_survive_both_directions() {
        for text in ["2.5.4.3", "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25", "2.999.1"] {
            assert_eq!(oid_to_text(&oid_from_text(text).unwrap()), text);
        }
        assert_eq!(oid_from_text("2.5.4.3").unwrap(), [0x55, 4, 3]);
        for wrong in ["", "1", "3.1", "1.40", "1.2.", "1.2.x", "2.18446744073709551615"] {
            assert_eq!(oid_from_text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_object_identifier_ends_with_its_last_arc_and_pads_none() {
        for content in [&[0x55, 4, 3][..], &[0x2a, 0x86, 0x48], &[0x88, 0x37, 1]] {
            assert!(is_oid(content), "{content:x?}");
        }
        for content in [&[][..], &[0x86], &[0x55, 0x1d, 0x25, 0x86], &[0x55, 0x80, 1], &[0x80]] {
            assert!(!is_oid(content), "{content:x?}");
        }
    }
}
