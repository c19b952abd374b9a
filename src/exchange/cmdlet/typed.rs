//! The values of Exchange's own types: flags, enumerations, sizes, limits, names and addresses.

use std::fmt;
use std::str::FromStr;

use super::setting::parsed;
use crate::exchange::{
    AddressSpace, AuthMechanism, Binding, ByteSize, IpRange, PermissionGroups, Services, SmartHost,
    TlsCertificateName, TlsDomain, Unlimited,
};
use crate::name::Fqdn;

/// A value of one of Exchange's own types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    kind: Kind,
    /// The value as it is shown.
    text: Box<str>,
    /// Its number, where the type has an order.
    number: Option<u64>,
}

/// One of Exchange's own types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Services,
    AuthMechanism,
    PermissionGroups,
    /// An enumeration, by its type and its names with their numbers.
    Enumeration(&'static str, &'static [(&'static str, u64)]),
    ByteSize,
    Unlimited,
    Fqdn,
    Binding,
    IpRange,
    AddressSpace,
    SmartHost,
    TlsCertificateName,
    TlsDomain,
}

/// `Status` of a certificate, in the order of the cmdlet's page, where `Valid` is 1 in real exports.
pub(super) const CERTIFICATE_STATUS: Kind = Kind::Enumeration(
    "CertificateStatus",
    &[
        ("Unknown", 0),
        ("Valid", 1),
        ("Revoked", 2),
        ("DateInvalid", 3),
        ("Untrusted", 4),
        ("Invalid", 5),
        ("RevocationCheckFailure", 6),
        ("PendingRequest", 7),
    ],
);

/// `RootCAType` of a certificate; the numbers of None and Registry were seen, the others follow their order.
pub(super) const ROOT_CA_TYPE: Kind = Kind::Enumeration(
    "CertificateAuthorityType",
    &[("None", 0), ("ThirdParty", 1), ("Enterprise", 2), ("Registry", 3), ("GroupPolicy", 4), ("Unknown", 5)],
);

/// `EntryType` of an entry of an event log.
pub(super) const ENTRY_TYPE: Kind =
    Kind::Enumeration("EventLogEntryType", &[("Error", 1), ("Warning", 2), ("Information", 4)]);

pub(super) const SIZE_MODE: Kind =
    Kind::Enumeration("SizeMode", &[("Disabled", 0), ("Enabled", 1), ("EnabledWithoutValue", 2)]);
pub(super) const MESSAGE_RATE_SOURCE: Kind =
    Kind::Enumeration("MessageRateSourceFlags", &[("None", 0), ("IPAddress", 1), ("User", 2), ("All", 3)]);
pub(super) const PROTOCOL_LOGGING_LEVEL: Kind =
    Kind::Enumeration("ProtocolLoggingLevel", &[("None", 0), ("Verbose", 1)]);
pub(super) const TRANSPORT_ROLE: Kind =
    Kind::Enumeration("ServerRole", &[("HubTransport", 32), ("FrontendTransport", 16384)]);
pub(super) const TLS_AUTH_LEVEL: Kind = Kind::Enumeration(
    "TlsAuthLevel",
    &[("EncryptionOnly", 1), ("CertificateValidation", 2), ("DomainValidation", 3)],
);
pub(super) const SMART_HOST_AUTH_MECHANISM: Kind = Kind::Enumeration(
    "SmtpSendConnectorConfigAuthMechanisms",
    &[
        ("None", 0),
        ("BasicAuth", 1),
        ("BasicAuthRequireTLS", 2),
        ("ExchangeServer", 3),
        ("ExternalAuthoritative", 4),
    ],
);

impl Kind {
    /// The value that a text stands for.
    ///
    /// # Errors
    ///
    /// Why it stands for none.
    pub(super) fn read(self, text: &str) -> Result<Typed, String> {
        let flags = |bits: u8, text: String| (text, Some(u64::from(bits)));
        let (text, number) = match self {
            Self::Services => parsed::<Services>(text).map(|it| flags(it.bits(), it.to_string()))?,
            Self::AuthMechanism => {
                parsed::<AuthMechanism>(text).map(|it| flags(it.bits(), it.to_string()))?
            }
            Self::PermissionGroups => {
                parsed::<PermissionGroups>(text).map(|it| flags(it.bits(), it.to_string()))?
            }
            Self::Enumeration(_, names) => {
                let known = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
                let known = known.ok_or_else(|| {
                    let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
                    format!("`{text}` is not one of {}", names.join(", "))
                })?;
                (known.0.to_owned(), Some(known.1))
            }
            Self::ByteSize => parsed::<ByteSize>(text).map(|it| (it.to_string(), Some(it.0)))?,
            Self::Unlimited => parsed::<Unlimited>(text)
                .map(|it| (it.to_string(), Some(it.limit().map_or(u64::MAX, u64::from))))?,
            Self::Fqdn => unordered::<Fqdn>(text)?,
            Self::Binding => unordered::<Binding>(text)?,
            Self::IpRange => unordered::<IpRange>(text)?,
            Self::AddressSpace => unordered::<AddressSpace>(text)?,
            Self::SmartHost => unordered::<SmartHost>(text)?,
            Self::TlsCertificateName => unordered::<TlsCertificateName>(text)?,
            Self::TlsDomain => unordered::<TlsDomain>(text)?,
        };
        Ok(Typed { kind: self, text: text.into(), number })
    }

    /// The value that a number stands for.
    ///
    /// # Errors
    ///
    /// Why it stands for none.
    pub(super) fn of_number(self, number: i64) -> Result<Typed, String> {
        let wrong = || format!("{number} is no {}", self.name());
        let number = u64::try_from(number).map_err(|_| wrong())?;
        match self {
            Self::ByteSize | Self::Unlimited => self.read(&number.to_string()),
            Self::Enumeration(_, names) => {
                let known = names.iter().find(|(_, of)| *of == number).ok_or_else(wrong)?;
                self.read(known.0)
            }
            Self::Services | Self::AuthMechanism | Self::PermissionGroups => {
                Ok(Typed { kind: self, text: number.to_string().into(), number: Some(number) })
            }
            Self::Fqdn
            | Self::Binding
            | Self::IpRange
            | Self::AddressSpace
            | Self::SmartHost
            | Self::TlsCertificateName
            | Self::TlsDomain => Err(wrong()),
        }
    }

    /// The name of the type without its namespace.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Services => "AllowedServices",
            Self::AuthMechanism => "AuthMechanisms",
            Self::PermissionGroups => "PermissionGroups",
            Self::Enumeration(name, _) => name,
            Self::ByteSize => "ByteQuantifiedSize",
            Self::Unlimited => "Unlimited",
            Self::Fqdn => "Fqdn",
            Self::Binding => "IPBinding",
            Self::IpRange => "IPRange",
            Self::AddressSpace => "AddressSpace",
            Self::SmartHost => "SmartHost",
            Self::TlsCertificateName => "SmtpX509Identifier",
            Self::TlsDomain => "SmtpDomainWithSubdomains",
        }
    }

    pub(super) const fn type_name(self) -> &'static str {
        self.name()
    }
}

fn unordered<T: FromStr<Err: fmt::Display> + fmt::Display>(
    text: &str,
) -> Result<(String, Option<u64>), String> {
    let read: T = parsed(text.trim())?;
    Ok((read.to_string(), None))
}

impl Typed {
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The number that the value is kept as, where its type has an order.
    pub(super) const fn number(&self) -> Option<u64> {
        self.number
    }

    /// Returns whether the number is 0, which counts as false.
    pub(super) fn is_zero(&self) -> bool {
        self.number == Some(0)
    }

    /// Returns whether both are equal and of the same type.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.kind == other.kind
            && match (self.number, other.number) {
                (Some(one), Some(two)) => one == two,
                _ if self.kind == Kind::TlsCertificateName => self.text == other.text,
                _ => self.text.eq_ignore_ascii_case(&other.text),
            }
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
