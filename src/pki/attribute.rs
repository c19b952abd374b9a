//! The attributes of a distinguished name: what Windows calls them and how they are encoded.

use std::fmt;

use super::der;

/// The type of an attribute, by the content bytes of its object identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct AttributeType(Vec<u8>);

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Text(String),
    /// A value that is not a string, as DER; Windows shows it as `#` and hexadecimal digits.
    Other(Vec<u8>),
}

pub(super) const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// The name that Windows writes, other names that it reads, the object identifier, and the string type of the value.
struct Row(&'static str, &'static [&'static str], &'static [u8], u8);

/// The names are those of `CertNameToStr` with `CERT_X500_NAME_STR` (wincrypt.h). String types:
/// RFC 5280 appendix A.1 allows only these for C, serialNumber, dnQualifier, DC and E.
const TABLE: &[Row] = &[
    Row("CN", &["COMMONNAME"], COMMON_NAME, der::UTF8_STRING),
    Row("SN", &["SURNAME"], &[0x55, 4, 4], der::UTF8_STRING),
    Row("SERIALNUMBER", &[], &[0x55, 4, 5], der::PRINTABLE_STRING),
    Row("C", &["COUNTRYNAME"], &[0x55, 4, 6], der::PRINTABLE_STRING),
    Row("L", &["LOCALITYNAME"], &[0x55, 4, 7], der::UTF8_STRING),
    Row("S", &["ST", "STATEORPROVINCENAME"], &[0x55, 4, 8], der::UTF8_STRING),
    Row("STREET", &["STREETADDRESS"], &[0x55, 4, 9], der::UTF8_STRING),
    Row("O", &["ORGANIZATIONNAME"], &[0x55, 4, 10], der::UTF8_STRING),
    Row("OU", &["ORGANIZATIONALUNITNAME"], &[0x55, 4, 11], der::UTF8_STRING),
    Row("T", &["TITLE"], &[0x55, 4, 12], der::UTF8_STRING),
    Row("Description", &[], &[0x55, 4, 13], der::UTF8_STRING),
    Row("PostalCode", &[], &[0x55, 4, 17], der::UTF8_STRING),
    Row("G", &["GN", "GIVENNAME"], &[0x55, 4, 42], der::UTF8_STRING),
    Row("I", &["INITIALS"], &[0x55, 4, 43], der::UTF8_STRING),
    Row("dnQualifier", &[], &[0x55, 4, 46], der::PRINTABLE_STRING),
    Row(
        "DC",
        &["DOMAINCOMPONENT"],
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
        der::IA5_STRING,
    ),
    Row("E", &["EMAIL", "EMAILADDRESS"], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], der::IA5_STRING),
];

impl AttributeType {
    pub(super) fn from_oid(content: &[u8]) -> Self {
        Self(content.to_vec())
    }

    /// A name from the table in any case, or an identifier as `OID.1.2.3` or `1.2.3`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        if let Some(row) = TABLE.iter().find(|row| is(row.0) || row.1.iter().any(|known| is(known))) {
            return Some(Self(row.2.to_vec()));
        }
        let dotted = match name.split_at_checked(4) {
            Some((prefix, dotted)) if prefix.eq_ignore_ascii_case("OID.") => dotted,
            _ => name,
        };
        der::oid_from_text(dotted).map(Self)
    }

    pub(super) fn is_common_name(&self) -> bool {
        self.0 == COMMON_NAME
    }

    /// `SET { SEQUENCE { type, value } }`: a relative distinguished name of this one attribute.
    pub(super) fn to_rdn(&self, value: &str) -> Vec<u8> {
        let wanted = self.row().map_or(der::UTF8_STRING, |row| row.3);
        let fits = match wanted {
            der::PRINTABLE_STRING => value.bytes().all(is_printable),
            der::IA5_STRING => value.is_ascii(),
            _ => true,
        };
        // A value that its proper type cannot hold is a fault somebody wants to see served.
        let tag = if fits { wanted } else { der::UTF8_STRING };
        let pair = [der::write(der::OID, &[&self.0]), der::write(tag, &[value.as_bytes()])];
        der::write(der::SET, &[&der::write(der::SEQUENCE, &[&pair[0], &pair[1]])])
    }

    fn row(&self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.2 == self.0)
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some(row) => f.write_str(row.0),
            None => write!(f, "OID.{}", der::oid_to_text(&self.0)),
        }
    }
}

impl Value {
    /// Of an attribute in a certificate: `tag` is the string type's number, `content` its bytes.
    pub(super) fn from_der(tag: u32, content: &[u8], whole: &[u8]) -> Self {
        let wide = |size: usize, to_char: fn(&[u8]) -> Option<char>| {
            let exact = content.len().is_multiple_of(size);
            exact.then(|| content.chunks_exact(size).map(to_char).collect::<Option<String>>())?
        };
        let text = match tag {
            12 | 18 | 19 | 22 | 26 => Some(match str::from_utf8(content) {
                Ok(text) => text.to_owned(),
                Err(_) => latin_1(content),
            }),
            // TeletexString: everybody, Windows included, reads it as Latin-1 (or UTF-8, wrongly written).
            20 => Some(latin_1(content)),
            28 => wide(4, |c| char::from_u32(u32::from_be_bytes(c.try_into().ok()?))),
            30 if content.len().is_multiple_of(2) => {
                let units = content.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]]));
                char::decode_utf16(units).collect::<Result<_, _>>().ok()
            }
            _ => None,
        };
        text.map_or_else(|| Self::Other(whole.to_vec()), Self::Text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if needs_quotes(text) => {
                write!(f, "\"{}\"", text.replace('"', "\"\""))
            }
            Self::Text(text) => f.write_str(text),
            Self::Other(der) => {
                f.write_str("#")?;
                der.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        }
    }
}

/// The conditions of `CertNameToStr`; they make what is written readable again without loss.
fn needs_quotes(text: &str) -> bool {
    text.is_empty()
        || text.starts_with(is_space)
        || text.ends_with(is_space)
        || text.contains([',', '+', '=', '"', '\n', '<', '>', '#', ';'])
}

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// RFC 5280 appendix A.1 by way of X.680: the alphabet of PrintableString.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

fn latin_1(content: &[u8]) -> String {
    content.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_readable_in_every_string_type_a_certificate_may_use() {
        let text = |tag, content: &[u8]| match Value::from_der(tag, content, content) {
            Value::Text(text) => text,
            Value::Other(_) => "other".to_owned(),
        };
        assert_eq!(text(12, "Bücher".as_bytes()), "Bücher");
        assert_eq!(text(20, b"B\xfccher"), "Bücher");
        assert_eq!(text(19, b"B\xfccher"), "Bücher");
        assert_eq!(text(30, &[0, b'B', 0, 0xfc]), "Bü");
        assert_eq!(text(28, &[0, 0, 0, b'B', 0, 0, 0, 0xfc]), "Bü");
        assert_eq!(text(30, &[0xd8, 0]), "other");
        assert_eq!(text(30, &[0]), "other");
        assert_eq!(text(28, &[0, 0x11, 0, 0]), "other");
        assert_eq!(text(28, &[0]), "other");
        assert_eq!(Value::from_der(2, &[7], &[2, 1, 7]).to_string(), "#020107");
    }

    #[test]
    fn the_proper_string_type_is_used_where_it_can_hold_the_value() {
        let tag = |name, value| AttributeType::from_name(name).unwrap().to_rdn(value);
        assert!(tag("c", "DE").ends_with(&[der::PRINTABLE_STRING, 2, b'D', b'E']));
        assert!(tag("C", "D_").ends_with(&[der::UTF8_STRING, 2, b'D', b'_']));
        assert!(tag("dc", "a@").ends_with(&[der::IA5_STRING, 2, b'a', b'@']));
    }
}
