//! Distinguished names as Windows writes and compares them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::attribute::{AttributeType, COMMON_NAME, Value, is_space};
use super::{PkiError, der};

/// A subject as Windows writes it: `CN=mail.contoso.com, O="Contoso, Inc.", C=US`.
///
/// The most specific attribute comes first, which is the reverse of the encoded order; a value
/// with a comma, quotation mark, plus or the like stands in quotation marks, and a quotation mark
/// within is doubled (`CertNameToStr`, `CertStrToName`). An attribute may occur several times.
/// Several attributes in one RDN are not written, only shown ([`Certificate::subject`]).
///
/// [`Certificate::subject`]: super::Certificate::subject
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DistinguishedName(Vec<(AttributeType, String)>);

impl DistinguishedName {
    /// `CN=name` and nothing else.
    pub fn common_name(name: impl Into<String>) -> Self {
        Self(vec![(AttributeType::from_oid(COMMON_NAME), name.into())])
    }

    /// Returns whether there is no attribute at all, as in a certificate that only has a SAN.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values of all CN attributes, most specific first.
    pub fn common_names(&self) -> impl Iterator<Item = &str> {
        let all = self.0.iter().filter(|(kind, _)| kind.is_common_name());
        all.map(|(_, value)| value.as_str())
    }

    /// The `Name` of RFC 5280 section 4.1.2.4, least specific first.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let rdns: Vec<_> = self.0.iter().rev().map(|(kind, value)| kind.to_rdn(value)).collect();
        der::write(der::SEQUENCE, &rdns.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

/// A name out of a certificate in the Windows form, whatever it holds: `rdns` in encoded order.
pub(super) fn windows_form(rdns: &[Vec<(AttributeType, Value)>]) -> String {
    let rdn = |attributes: &Vec<(AttributeType, Value)>| {
        let pairs = attributes.iter().map(|(kind, value)| format!("{kind}={value}"));
        pairs.collect::<Vec<_>>().join(" + ")
    };
    rdns.iter().rev().map(rdn).collect::<Vec<_>>().join(", ")
}

impl FromStr for DistinguishedName {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let mut parser = Parser { text, rest: text.trim_start_matches(is_space) };
        let mut attributes = Vec::new();
        while !parser.rest.is_empty() {
            let kind = parser.kind()?;
            let value = parser.value()?;
            attributes.push((kind, value));
            parser.separator()?;
        }
        Ok(Self(attributes))
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (kind, value)) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{kind}={}", Value::Text(value.clone()))?;
        }
        Ok(())
    }
}

impl Serialize for DistinguishedName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DistinguishedName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// An attribute's name and its `=`.
    fn kind(&mut self) -> Result<AttributeType, PkiError> {
        let name_ends = self.rest.find(['=', ',']).unwrap_or(self.rest.len());
        let (name, after) = self.rest.split_at(name_ends);
        let Some(after) = after.strip_prefix('=') else {
            return Err(self.error("an attribute was expected here, such as `CN=mail.contoso.com`"));
        };
        let kind = AttributeType::from_name(name.trim_end_matches(is_space)).ok_or_else(|| {
            self.error(
                "no attribute has this name; known are CN, OU, O, L, S, C, DC, E and others, or `OID.1.2.3=`",
            )
        })?;
        self.rest = after.trim_start_matches(is_space);
        Ok(kind)
    }

    fn value(&mut self) -> Result<String, PkiError> {
        match self.rest.strip_prefix('"') {
            Some(quoted) => self.quoted(quoted),
            None => self.plain(),
        }
    }

    fn quoted(&mut self, mut quoted: &'a str) -> Result<String, PkiError> {
        let mut value = String::new();
        loop {
            let Some((part, after)) = quoted.split_once('"') else {
                return Err(self.error("the quotation mark that begins here is never closed"));
            };
            value.push_str(part);
            match after.strip_prefix('"') {
                Some(after) => {
                    value.push('"');
                    quoted = after;
                }
                None => {
                    self.rest = after.trim_start_matches(is_space);
                    return Ok(value);
                }
            }
        }
    }

    fn plain(&mut self) -> Result<String, PkiError> {
        let (value, after) = self.rest.split_at(self.rest.find(',').unwrap_or(self.rest.len()));
        if let Some(at) = value.find(['+', '=', '"', '\n', '<', '>', '#', ';']) {
            self.rest = &self.rest[at..];
            return Err(
                self.error("a value with this character stands in quotation marks, as in `O=\"a+b\"`")
            );
        }
        if value.ends_with('\\') && !after.is_empty() {
            self.rest = after;
            return Err(self.error("Windows knows no backslash before a comma; the value stands in quotation marks, as in `O=\"Contoso, Inc.\"`"));
        }
        let value = value.trim_end_matches(is_space);
        if value.is_empty() {
            return Err(self.error("a value was expected here; an empty one is written `\"\"`"));
        }
        self.rest = after;
        Ok(value.to_owned())
    }

    /// The comma between two attributes, or the end.
    fn separator(&mut self) -> Result<(), PkiError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let Some(after) = self.rest.strip_prefix(',') else {
            return Err(self.error(
                "a comma or the end was expected here; a quotation mark within quotation marks is doubled",
            ));
        };
        self.rest = after.trim_start_matches(is_space);
        if self.rest.is_empty() {
            return Err(self.error("another attribute was expected after the comma"));
        }
        Ok(())
    }

    fn error(&self, problem: &str) -> PkiError {
        let before = self.text.len() - self.rest.len();
        let column = self.text.get(..before).map_or(0, |before| before.chars().count()) + 1;
        PkiError::DistinguishedName { text: self.text.to_owned(), column, problem: problem.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> DistinguishedName {
        text.parse().unwrap()
    }

    #[test]
    fn what_windows_writes_is_read_and_written_again_to_the_letter() {
        for text in [
            "",
            "CN=mail.contoso.com, OU=IT, O=\"Contoso, Inc.\", L=City, S=State, C=US",
            "CN=a, CN=b",
            "E=admin@contoso.com, CN=\" x \", O=\"say \"\"hi\"\"\", OU=\"\", OU=\"a+b\", OU=\"a=b\"",
            "CN=EXCH01, DC=contoso, DC=local, OID.1.2.3.4=x, SERIALNUMBER=1",
            "CN=Bücher\\x",
        ] {
            assert_eq!(dn(text).to_string(), text);
        }
    }

    #[test]
    fn other_spellings_of_the_same_name_are_equal_and_other_values_are_not() {
        assert_eq!(dn(" cn = a ,st=b,emailAddress=c "), dn("CN=a, S=b, E=c"));
        assert_eq!(dn("2.5.4.3=a"), dn("CN=\"a\""));
        assert_ne!(dn("CN=a"), dn("CN=A"));
        assert_ne!(dn("CN=a, CN=b"), dn("CN=b, CN=a"));
        assert_eq!(DistinguishedName::common_name("a"), dn("CN=a"));
        assert_eq!(dn("CN=a, O=x, CN=b").common_names().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_column() {
        for (text, column, word) in [
            ("mail.contoso.com", 1, "expected"),
            ("CN=a, XX=b", 7, "known are"),
            ("CN=", 4, "empty"),
            ("CN=a,", 6, "another"),
            ("CN=a,, O=b", 6, "expected"),
            ("CN=ü, O=\"b", 9, "never closed"),
            ("O=a+b", 4, "quotation"),
            ("CN=a O=b", 7, "quotation"),
            ("O=Contoso\\, Inc.", 11, "backslash"),
            ("O=\"a\"b", 6, "doubled"),
            ("OID.1.99=b", 1, "known are"),
        ] {
            match text.parse::<DistinguishedName>() {
                Err(PkiError::DistinguishedName { column: at, problem, .. }) => {
                    assert!(at == column && problem.contains(word), "{text}: {at} {problem}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_encoded_order_is_the_reverse_of_the_shown_one() {
        let der = dn("CN=a, C=US").to_der();
        let at = |needle: &[u8]| der.windows(needle.len()).position(|w| w == needle);
        assert!(at(b"US") < at(&[0x0c, 1, b'a']));
    }
}
