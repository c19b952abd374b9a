//! The thumbprint by which Windows names a certificate.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::{Digest, Sha1};

/// The SHA-1 of a certificate's DER, by which Windows and Exchange name certificates
/// (`Get-ExchangeCertificate -Thumbprint`).
///
/// Shown as 40 upper-case hexadecimal digits; read with spaces, colons and lower case as people
/// paste it, and with the invisible mark that the Windows certificate dialog puts in front.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 20]);

impl Thumbprint {
    /// Of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        Self(Sha1::digest(der).into())
    }

    /// The digest itself.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

/// Text that is no thumbprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseThumbprintError {
    /// A character that is neither a hexadecimal digit nor a separator.
    #[error("`{0}` is no hexadecimal digit; a thumbprint is 40 of them")]
    Character(char),
    /// Too few or too many digits.
    #[error("a thumbprint is 40 hexadecimal digits (SHA-1), not {0}")]
    Length(usize),
}

impl FromStr for Thumbprint {
    type Err = ParseThumbprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 20];
        let mut digits = 0;
        for c in text.chars() {
            // U+200E is what copying from the certificate dialog of Windows brings along.
            if c.is_whitespace() || matches!(c, ':' | '\u{200e}') {
                continue;
            }
            let digit = c.to_digit(16).ok_or(ParseThumbprintError::Character(c))?;
            if let Some(byte) = bytes.get_mut(digits / 2) {
                *byte = (*byte << 4) | digit as u8;
            }
            digits += 1;
        }
        if digits == 40 { Ok(Self(bytes)) } else { Err(ParseThumbprintError::Length(digits)) }
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_NOTHING: &str = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709";

    #[test]
    fn a_thumbprint_is_the_sha_1_in_upper_case_hexadecimal() {
        assert_eq!(Thumbprint::of(b"").to_string(), OF_NOTHING);
        assert_eq!(serde_json::to_string(&Thumbprint::of(b"")).unwrap(), format!("\"{OF_NOTHING}\""));
    }

    #[test]
    fn a_thumbprint_is_read_in_every_way_people_paste_it() {
        for pasted in [
            OF_NOTHING.to_lowercase(),
            format!("\u{200e}{OF_NOTHING}"),
            "da 39 a3 ee 5e 6b 4b 0d 32 55 bf ef 95 60 18 90 af d8 07 09".to_owned(),
            "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09".to_owned(),
        ] {
            assert_eq!(pasted.parse(), Ok(Thumbprint::of(b"")), "{pasted}");
        }
    }

    #[test]
    fn what_is_no_thumbprint_is_refused_with_the_reason() {
        assert_eq!("".parse::<Thumbprint>(), Err(ParseThumbprintError::Length(0)));
        assert_eq!("AB".repeat(32).parse::<Thumbprint>(), Err(ParseThumbprintError::Length(64)));
        assert_eq!("xyz".parse::<Thumbprint>(), Err(ParseThumbprintError::Character('x')));
    }
}
