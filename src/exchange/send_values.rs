//! Types that only the parameters of a Send connector use.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address::text_in_files;
use super::{AddressSpaceProblem, ValueError};
use crate::name::{Fqdn, covers, is_below};

/// One of a connector's `AddressSpaces`: `SMTP:contoso.com;1`, of which type and cost may be left away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressSpace {
    /// The domains.
    pub domains: Domains,
    /// 1 to 100; of several connectors the cheapest takes the mail.
    pub cost: u8,
}

/// The domains of an address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domains {
    /// `*`.
    All,
    /// `--`, on an Edge only: the accepted domains of the organization.
    Accepted,
    /// `*.contoso.com`: the domain and everything below it.
    WithSubdomains(Fqdn),
    /// `contoso.com`.
    One(Fqdn),
}

/// One of a connector's `SmartHosts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SmartHost {
    /// A host name.
    Name(Fqdn),
    /// `[10.0.0.25]`.
    Address(IpAddr),
    /// `--`: the Mailbox servers of the subscribed site, as EdgeSync writes it.
    Subscribed,
}

/// `TlsDomain`: the name that the certificate of the next hop has to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsDomain {
    /// `mail.contoso.com`.
    Host(Fqdn),
    /// `*.contoso.com`; that any name in it will do is inferred from the parameter's type.
    WithSubdomains(Fqdn),
}

/// `TlsAuthLevel`: what TLS has to prove before mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsAuthLevel {
    /// Nothing: the channel is encrypted, and nobody is authenticated.
    EncryptionOnly,
    /// The chain of the certificate, and that nobody has revoked it.
    CertificateValidation,
    /// That, and the name: TlsDomain, or else the recipient's domain.
    DomainValidation,
}

/// `SmartHostAuthMechanism`; the values exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SmartHostAuthMechanism {
    /// The connector does not log on.
    None,
    /// `AUTH LOGIN`.
    BasicAuth,
    /// `AUTH LOGIN` only inside TLS.
    BasicAuthRequireTLS,
    /// X-ANONYMOUSTLS, and X-EXPS inside it.
    ExchangeServer,
    /// The network vouches for the peer.
    ExternalAuthoritative,
}

/// `AuthenticationCredential`: the user that the connector logs on as; the empty string in a lab file is
/// `$null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationCredential(pub Option<PSCredential>);

/// A user with a password. What PowerShell shows of one is its type, and the password is shown nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PSCredential {
    /// The name to log on with.
    pub user: String,
    /// The password, in clear.
    pub password: String,
}

impl SmartHostAuthMechanism {
    /// Returns whether the mechanism is `AUTH LOGIN`, which needs a credential.
    pub const fn is_basic(self) -> bool {
        matches!(self, Self::BasicAuth | Self::BasicAuthRequireTLS)
    }
}

impl AddressSpace {
    /// Returns how well the space fits a recipient's domain; a greater value is more specific. `None` if it
    /// does not fit.
    pub fn fit(&self, domain: &str, accepted: &[Fqdn]) -> Option<usize> {
        match &self.domains {
            Domains::One(own) => (*own == *domain).then_some(usize::MAX),
            Domains::Accepted => {
                (accepted.is_empty() || accepted.iter().any(|own| *own == *domain)).then_some(usize::MAX - 1)
            }
            Domains::WithSubdomains(own) => {
                (*own == *domain || is_below(domain, own.as_str())).then_some(own.as_str().len())
            }
            Domains::All => Some(0),
        }
    }
}

impl TlsDomain {
    /// Returns whether a name in a certificate is the expected one.
    pub fn is_named_by(&self, presented: &str) -> bool {
        match self {
            Self::Host(host) => covers(presented, host.as_str()).is_some(),
            Self::WithSubdomains(domain) => {
                presented.strip_prefix("*.").is_some_and(|parent| *domain == *parent)
                    || is_below(presented, domain.as_str())
            }
        }
    }
}

impl FromStr for AddressSpace {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = |problem| ValueError::AddressSpace { text: text.to_owned(), problem };
        let (space, cost) = text.rsplit_once(';').unwrap_or((text, "1"));
        let cost = cost.trim().parse().ok().filter(|cost| (1..=100).contains(cost));
        let cost = cost.ok_or_else(|| wrong(AddressSpaceProblem::Cost))?;
        let domains = match space.split_once(':') {
            None => space,
            Some((kind, domains)) if kind.eq_ignore_ascii_case("SMTP") => domains,
            Some((kind, _)) => return Err(wrong(AddressSpaceProblem::Type(kind.to_owned()))),
        };
        let fqdn = |name: &str| name.parse::<Fqdn>().map_err(|error| wrong(error.into()));
        let domains = match domains.trim() {
            "*" => Domains::All,
            "--" => Domains::Accepted,
            name => match name.strip_prefix("*.") {
                Some(parent) => Domains::WithSubdomains(fqdn(parent)?),
                None => Domains::One(fqdn(name)?),
            },
        };
        Ok(Self { domains, cost })
    }
}

impl fmt::Display for AddressSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.domains {
            Domains::All => f.write_str("SMTP:*")?,
            Domains::Accepted => f.write_str("SMTP:--")?,
            Domains::WithSubdomains(domain) => write!(f, "SMTP:*.{domain}")?,
            Domains::One(domain) => write!(f, "SMTP:{domain}")?,
        }
        write!(f, ";{}", self.cost)
    }
}

impl FromStr for SmartHost {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "--" {
            return Ok(Self::Subscribed);
        }
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = inner.parse() {
            return Ok(Self::Address(address));
        }
        text.parse().map(Self::Name).map_err(ValueError::SmartHost)
    }
}

impl fmt::Display for SmartHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(address) => write!(f, "[{address}]"),
            Self::Subscribed => f.write_str("--"),
        }
    }
}

impl FromStr for TlsDomain {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let fqdn = |name: &str| name.parse::<Fqdn>().map_err(ValueError::TlsDomain);
        match text.strip_prefix("*.") {
            Some(parent) => fqdn(parent).map(Self::WithSubdomains),
            None => fqdn(text).map(Self::Host),
        }
    }
}

impl fmt::Display for TlsDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => host.fmt(f),
            Self::WithSubdomains(domain) => write!(f, "*.{domain}"),
        }
    }
}

impl TlsAuthLevel {
    const ALL: [Self; 3] = [Self::EncryptionOnly, Self::CertificateValidation, Self::DomainValidation];
}

impl FromStr for TlsAuthLevel {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let known = Self::ALL.into_iter().find(|level| level.to_string().eq_ignore_ascii_case(text));
        known.ok_or_else(|| ValueError::TlsAuthLevel(text.to_owned()))
    }
}

impl fmt::Display for TlsAuthLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for PSCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("System.Management.Automation.PSCredential")
    }
}

impl fmt::Debug for PSCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PSCredential").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Serialize for AuthenticationCredential {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(credential) => credential.serialize(to),
            None => to.serialize_str(""),
        }
    }
}

impl<'de> Deserialize<'de> for AuthenticationCredential {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TableOrBlank;

        impl<'de> Visitor<'de> for TableOrBlank {
            type Value = AuthenticationCredential;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table { user = \"...\", password = \"...\" }, or the empty string for $null")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                match text {
                    "" | "$null" => Ok(AuthenticationCredential(None)),
                    // What stands here may be a password: it is not repeated.
                    _ => Err(E::invalid_type(serde::de::Unexpected::Other("text"), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let credential = PSCredential::deserialize(MapAccessDeserializer::new(map))?;
                Ok(AuthenticationCredential(Some(credential)))
            }
        }

        from.deserialize_any(TableOrBlank)
    }
}

impl JsonSchema for AuthenticationCredential {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AuthenticationCredential".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let credential = generator.subschema_for::<PSCredential>();
        json_schema!({ "anyOf": [credential, { "type": "string", "const": "" }] })
    }
}

text_in_files! {
    AddressSpace, "SMTP:contoso.com;1, of which type and cost may be omitted; * for every domain";
    SmartHost, "A host name, an address in brackets, or --";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(text: &str) -> AddressSpace {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_space_is_shown_with_type_and_cost() {
        for (written, shown) in [
            ("*", "SMTP:*;1"),
            ("smtp:--;1", "SMTP:--;1"),
            ("*.contoso.com;10", "SMTP:*.contoso.com;10"),
            ("SMTP:contoso.com", "SMTP:contoso.com;1"),
        ] {
            assert_eq!(space(written).to_string(), shown);
        }
        for (wrong, hint) in [("X400:c=us", "no X400"), ("*;101", "1 and 100"), ("a b", "only letters")] {
            assert!(wrong.parse::<AddressSpace>().unwrap_err().to_string().contains(hint), "{wrong}");
        }
    }

    #[test]
    fn the_closer_space_fits_better() {
        let fit = |text: &str, domain: &str| space(text).fit(domain, &[]);
        assert!(fit("eu.contoso.com", "eu.contoso.com") > fit("*.contoso.com", "eu.contoso.com"));
        assert!(fit("*.contoso.com", "CONTOSO.com") > fit("*", "contoso.com"));
        assert_eq!(fit("*.contoso.com", "notcontoso.com"), None);
        assert_eq!(fit("contoso.com", "eu.contoso.com"), None);
        assert_eq!(space("--").fit("other.test", &["contoso.com".parse().unwrap()]), None);
    }

    #[test]
    fn a_credential_is_written_as_it_is_read() {
        for json in [r#"{"user":"anna","password":"x"}"#, r#""""#] {
            let credential: AuthenticationCredential = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&credential).unwrap(), json);
        }
        let error = serde_json::from_str::<AuthenticationCredential>(r#""anna:hidden""#).unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
    }

    #[test]
    fn a_smart_host_is_a_name_or_an_address() {
        for (written, shown) in [("mail.contoso.com", "mail.contoso.com"), ("10.0.0.25", "[10.0.0.25]")] {
            assert_eq!(written.parse::<SmartHost>().unwrap().to_string(), shown);
        }
        assert_eq!("[::1]".parse(), Ok(SmartHost::Address(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST))));
        assert!("a,b".parse::<SmartHost>().unwrap_err().to_string().contains("[10.0.0.25]"));
    }

    #[test]
    fn a_tls_domain_is_named_by_itself_by_a_wildcard_or_by_what_lies_below() {
        let named = |domain: &str, name: &str| domain.parse::<TlsDomain>().unwrap().is_named_by(name);
        assert!(named("mail.contoso.com", "mail.contoso.com"));
        assert!(named("mail.contoso.com", "*.contoso.com"));
        assert!(named("*.contoso.com", "mail.contoso.com"));
        assert!(named("*.contoso.com", "*.contoso.com"));
        assert!(!named("*.contoso.com", "contoso.com"));
        assert!(!named("mail.contoso.com", "EXCH01.corp.local"));
    }
}
