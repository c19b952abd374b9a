//! `TlsCertificateName`: a connector's certificate named by its issuer and subject.

use std::fmt;
use std::str::FromStr;

use super::{PinProblem, ValueError};

/// `<I>issuer<S>subject`, as `Set-ReceiveConnector -TlsCertificateName` takes it.
///
/// It holds names and no thumbprint, so a renewed certificate of the same issuer and subject is found
/// by the same pin; there is no fall-back to the FQDN (KB 2989382).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsCertificateName {
    /// The issuer's distinguished name as Windows writes it.
    pub issuer: Box<str>,
    /// The subject's distinguished name as Windows writes it.
    pub subject: Box<str>,
}

impl TlsCertificateName {
    /// Returns whether both names are equal to those of a certificate.
    pub fn names(&self, issuer: &str, subject: &str) -> bool {
        *self.issuer == *issuer && *self.subject == *subject
    }
}

impl FromStr for TlsCertificateName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = |problem| ValueError::TlsCertificateName { text: text.to_owned(), problem };
        // The tags are ASCII, so offsets in the lower-cased copy are offsets in the text itself.
        let lower = text.to_ascii_lowercase();
        if !lower.starts_with("<i>") {
            return Err(wrong(PinProblem::NoIssuer));
        }
        let at = lower.find("<s>").ok_or_else(|| wrong(PinProblem::NoSubject))?;
        if lower.contains("</i>") || lower.contains("</s>") {
            return Err(wrong(PinProblem::ClosingTag));
        }
        let (issuer, subject) = (text[3..at].trim(), text[at + 3..].trim());
        if issuer.is_empty() || subject.is_empty() {
            return Err(wrong(PinProblem::Empty));
        }
        Ok(Self { issuer: issuer.into(), subject: subject.into() })
    }
}

impl fmt::Display for TlsCertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<I>{}<S>{}", self.issuer, self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_are_read_in_either_case() {
        let pin: TlsCertificateName = "<i>CN=Issuing CA G2, C=US<s>CN=mail.contoso.com".parse().unwrap();
        assert_eq!(pin.to_string(), "<I>CN=Issuing CA G2, C=US<S>CN=mail.contoso.com");
    }

    #[test]
    fn names_keep_angle_brackets_of_their_own() {
        let pin: TlsCertificateName =
            "<I>OU=<CertificateIssuer>, C=US<S>CN=mail.contoso.com".parse().unwrap();
        assert_eq!(&*pin.issuer, "OU=<CertificateIssuer>, C=US");
    }

    #[test]
    fn a_malformed_pin_is_answered_with_the_form() {
        for (text, hint) in [
            ("CN=mail.contoso.com", "start with <I>"),
            ("<I>CN=CA", "subject are missing"),
            ("<I>CN=CA</I><S>CN=x</S>", "closing"),
            ("<I><S>CN=x", "empty"),
        ] {
            let error = text.parse::<TlsCertificateName>().unwrap_err().to_string();
            assert!(error.contains(hint) && error.contains("<I>CN=issuer"), "{error}");
        }
    }
}
