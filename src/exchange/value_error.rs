//! The errors in the text of a parameter, whoever wrote it: a lab file, a cmdlet or an option.

use crate::name::NotAnFqdn;

/// The form of a `TlsCertificateName`.
pub const PIN_FORM: &str = "<I>CN=issuer, O=...<S>CN=subject, O=...";

/// The reason why a text is not the value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// No time span.
    #[error("`{0}` is not a time span; write 00:05:00 (hh:mm:ss), 5m, 90s or 250ms")]
    TimeSpan(String),
    /// No size.
    #[error("`{0}` is not a size; write 10485760, 10240KB or 10MB")]
    ByteSize(String),
    /// Neither a number nor `unlimited`.
    #[error("`{0}` is neither a number nor `unlimited`")]
    Unlimited(String),
    /// No address with a port.
    #[error("`{0}` is not a binding; write 0.0.0.0:25, [::]:25 or 192.168.1.5:587")]
    Binding(String),
    /// A binding with port 0.
    #[error("`{0}` has no port; write 0.0.0.0:25 or [::]:25")]
    NoPort(String),
    /// No range of addresses.
    #[error(
        "`{0}` is not a range of addresses; write 192.168.1.75, 192.168.1.0-192.168.1.255 or 192.168.1.0/24"
    )]
    IpRange(String),
    /// A range from one address family to the other.
    #[error("`{0}` starts in one address family and ends in the other")]
    TwoFamilies(String),
    /// A range that ends before it starts.
    #[error("`{text}` ends before it starts; write {turned}")]
    TurnedRange {
        /// The text.
        text: String,
        /// The range with its ends exchanged.
        turned: String,
    },
    /// No `TlsCertificateName`.
    #[error("`{text}` is not a TlsCertificateName: {problem}; write {}", PIN_FORM)]
    TlsCertificateName {
        /// The text.
        text: String,
        /// The problem with it.
        problem: PinProblem,
    },
    /// Not a name of the set.
    #[error("`{text}` is not one of None, {}{}", .known.join(", "), hint(*.meant))]
    UnknownFlag {
        /// The text.
        text: String,
        /// The names of the set.
        known: Vec<&'static str>,
        /// The name that was probably meant.
        meant: Option<&'static str>,
    },
    /// `None` and other names.
    #[error("`None` can only stand alone, here it stands beside {0}")]
    NoneBeside(String),
    /// No address space.
    #[error("`{text}` is not an address space: {problem}; write SMTP:contoso.com;1")]
    AddressSpace {
        /// The text.
        text: String,
        /// The problem with it.
        problem: AddressSpaceProblem,
    },
    /// Neither a host name nor an address.
    #[error("{0}; write mail.contoso.com or [10.0.0.25]")]
    SmartHost(NotAnFqdn),
    /// No domain.
    #[error("{0}")]
    TlsDomain(NotAnFqdn),
    /// No `TlsAuthLevel`.
    #[error("`{0}` is not one of EncryptionOnly, CertificateValidation, DomainValidation")]
    TlsAuthLevel(String),
}

/// A problem with a `TlsCertificateName`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinProblem {
    /// `<I>` is missing.
    #[error("it does not start with <I>")]
    NoIssuer,
    /// `<S>` is missing.
    #[error("<S> and the subject are missing")]
    NoSubject,
    /// There is a closing tag.
    #[error("<I> and <S> have no closing tags")]
    ClosingTag,
    /// There is nothing behind a tag.
    #[error("issuer or subject is empty")]
    Empty,
}

/// A problem with an address space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressSpaceProblem {
    /// The cost is no number from 1 to 100.
    #[error("its cost lies between 1 and 100")]
    Cost,
    /// A type other than SMTP.
    #[error("the lab speaks SMTP and no {0}")]
    Type(String),
    /// The domain is none.
    #[error("{0}")]
    Domain(#[from] NotAnFqdn),
}

fn hint(meant: Option<&str>) -> String {
    meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
