//! The sets of names that Exchange keeps as flags: services, authentication, permission groups.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ValueError;
use crate::nearest::nearest;

macro_rules! flags {
    ($(#[$about:meta])* $set:ident { $($(#[$doc:meta])* $flag:ident = $bits:literal, $text:literal;)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $set(u8);

        impl $set {
            /// The empty set, which Exchange writes as `None`.
            pub const NONE: Self = Self(0);
            $($(#[$doc])* pub const $flag: Self = Self($bits);)*

            pub(super) const NAMES: &'static [(Self, &'static str)] = &[$((Self::$flag, $text)),*];

            /// Both sets together.
            pub const fn and(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// This set without what is in `other`.
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// Returns whether everything in `other` is in this set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Returns whether the set is empty.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The number Exchange stores for this set.
            pub const fn bits(self) -> u8 {
                self.0
            }

            fn of_name(text: &str) -> Result<Self, ValueError> {
                let known = Self::NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
                if let Some((flag, _)) = known {
                    return Ok(*flag);
                }
                let known: Vec<_> = Self::NAMES.iter().map(|(_, name)| *name).collect();
                let meant = nearest(text, known.iter().copied());
                Err(ValueError::UnknownFlag { text: text.to_owned(), known, meant })
            }

            fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, ValueError> {
                let (mut all, mut none) = (Self::NONE, false);
                for name in names {
                    if name.eq_ignore_ascii_case("None") {
                        none = true;
                    } else {
                        all = all.and(Self::of_name(name)?);
                    }
                }
                if none && !all.is_empty() {
                    return Err(ValueError::NoneBeside(all.to_string()));
                }
                Ok(all)
            }
        }

        impl fmt::Display for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.is_empty() {
                    return f.write_str("None");
                }
                let names = Self::NAMES.iter().filter(|(flag, _)| self.contains(*flag));
                f.write_str(&names.map(|(_, name)| *name).collect::<Vec<_>>().join(", "))
            }
        }

        impl FromStr for $set {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                Self::of_names(text.split(',').map(str::trim).filter(|name| !name.is_empty()))
            }
        }

        impl Serialize for $set {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_seq(Self::NAMES.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| name))
            }
        }

        impl<'de> Deserialize<'de> for $set {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                match NameOrNames::deserialize(from)? {
                    NameOrNames::One(names) => names.parse(),
                    NameOrNames::Many(names) => Self::of_names(names.iter().map(String::as_str)),
                }
                .map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $set {
            fn schema_name() -> Cow<'static, str> {
                stringify!($set).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let names: Vec<_> = ["None"].into_iter().chain(Self::NAMES.iter().map(|(_, name)| *name)).collect();
                json_schema!({ "anyOf": [
                    { "type": "array", "items": { "type": "string", "enum": names } },
                    { "type": "string", "description": "The names as one text, with commas between them" }
                ]})
            }
        }
    };
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a list of names, or one text with commas between the names")]
enum NameOrNames {
    One(String),
    Many(Vec<String>),
}

flags! {
    /// The services that a certificate is enabled for (`Enable-ExchangeCertificate -Services`); numbers as
    /// observed.
    Services {
        /// IMAP4.
        IMAP = 1, "IMAP";
        /// POP3.
        POP = 2, "POP";
        /// Unified Messaging.
        UM = 4, "UM";
        /// Outlook on the web and the other virtual directories.
        IIS = 8, "IIS";
        /// Transport: without it a certificate is not eligible for STARTTLS.
        SMTP = 16, "SMTP";
        /// Federated sharing.
        FEDERATION = 32, "Federation";
        /// The Unified Messaging call router.
        UM_CALL_ROUTER = 64, "UMCallRouter";
    }
}

impl Services {
    /// The column of `Get-ExchangeCertificate`'s table, such as `IP.WS..`.
    pub fn letters(self) -> String {
        let letters = [
            (Self::IMAP, 'I'),
            (Self::POP, 'P'),
            (Self::UM, 'U'),
            (Self::IIS, 'W'),
            (Self::SMTP, 'S'),
            (Self::FEDERATION, 'F'),
            (Self::UM_CALL_ROUTER, 'C'),
        ];
        letters.map(|(flag, letter)| if self.contains(flag) { letter } else { '.' }).iter().collect()
    }
}

flags! {
    /// `AuthMechanism` of a connector; which of them go together is the connector's business.
    AuthMechanism {
        /// STARTTLS may be offered.
        TLS = 1, "Tls";
        /// `AUTH NTLM` and, with `EnableAuthGSSAPI`, `AUTH GSSAPI`.
        INTEGRATED = 2, "Integrated";
        /// `AUTH LOGIN`.
        BASIC_AUTH = 4, "BasicAuth";
        /// `AUTH LOGIN` only inside TLS.
        BASIC_AUTH_REQUIRE_TLS = 8, "BasicAuthRequireTLS";
        /// `X-ANONYMOUSTLS` and `X-EXPS`.
        EXCHANGE_SERVER = 16, "ExchangeServer";
        /// The network vouches for the peer.
        EXTERNAL_AUTHORITATIVE = 32, "ExternalAuthoritative";
    }
}

flags! {
    /// `PermissionGroups` of a receive connector: who may submit.
    PermissionGroups {
        /// Any client.
        ANONYMOUS_USERS = 1, "AnonymousUsers";
        /// Any client that has logged on.
        EXCHANGE_USERS = 2, "ExchangeUsers";
        /// Exchange servers, and with `ExternalAuthoritative` any client.
        EXCHANGE_SERVERS = 4, "ExchangeServers";
        /// Exchange 2003.
        EXCHANGE_LEGACY_SERVERS = 8, "ExchangeLegacyServers";
        /// Domain-secured partners.
        PARTNERS = 16, "Partners";
        /// Rights that were granted one by one.
        CUSTOM = 32, "Custom";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_written_in_the_order_exchange_uses() {
        let all = "ExchangeServer, tls,BasicAuth".parse::<AuthMechanism>().unwrap();
        assert_eq!(all.to_string(), "Tls, BasicAuth, ExchangeServer");
        assert_eq!((all.bits(), AuthMechanism::NONE.to_string()), (21, "None".to_owned()));
        assert_eq!("None".parse(), Ok(AuthMechanism::NONE));
    }

    #[test]
    fn services_show_as_the_letters_of_the_table() {
        let default = "IMAP, POP, IIS, SMTP".parse::<Services>().unwrap();
        assert_eq!((default.bits(), default.letters()), (27, "IP.WS..".to_owned()));
        assert_eq!(Services::NONE.letters(), ".......");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "STARTTLS".parse::<AuthMechanism>().unwrap_err().to_string();
        assert!(error.contains("Tls, Integrated"), "{error}");
    }

    #[test]
    fn none_stands_alone() {
        let error = "None, Tls".parse::<AuthMechanism>().unwrap_err().to_string();
        assert!(error.contains("only stand alone"), "{error}");
    }
}
