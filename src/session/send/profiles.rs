//! The built-in senders: the classes of real senders, each named after a member of the class.
//!
//! The behavior was observed with Postfix, Exim, OpenSMTPD, sendmail and the libraries named. Exchange's
//! behavior is documented or was seen in logs.

use std::str::FromStr;

use jiff::SignedDuration;

use super::check::{CommonName, LibraryRules, NamesRead};
use super::policy::{AfterHandshakeFailure, AfterRefusal, Expect, GoAhead, Queue, SenderPolicy, Trust, Use};
use crate::exchange::Profile;
use crate::session::TlsVerb;

/// A sender with its names.
#[derive(Clone, Debug)]
pub struct BuiltIn {
    /// Other names it is known by, those of Postfix's security levels among them.
    pub aliases: &'static [&'static str],
    /// A description of its behavior, in one line.
    pub about: &'static str,
    /// Its behavior as a policy.
    pub policy: SenderPolicy,
}

/// The policy of an opportunistic sender, as most mail servers are. The others differ from it in a field or
/// two.
const OPPORTUNISTIC: SenderPolicy = SenderPolicy {
    name: "opportunistic",
    tls: Use::IfOffered,
    verb: TlsVerb::StartTls,
    helo: false,
    go_ahead: GoAhead::Any2yz,
    helo_inside: true,
    refused: AfterRefusal::GoesOnInClear,
    handshake_failed: AfterHandshakeFailure::NeverClear,
    trust: Trust::Nothing,
    common_name: CommonName::WithoutDnsName,
    names: NamesRead::All,
    library_rules: LibraryRules::OpenSsl,
    within_handshake: false,
    bounces_refusal: false,
    queue: Queue::Server,
    logon: None,
};

/// Postfix under a mandatory level: a 5yz, or a 3yz, to STARTTLS bounces.
const MANDATORY: SenderPolicy =
    SenderPolicy { name: "mandatory", tls: Use::Required, bounces_refusal: true, ..OPPORTUNISTIC };

/// A client library: it takes STARTTLS where it is offered, and its TLS layer insists on the certificate.
const LIBRARY: SenderPolicy = SenderPolicy {
    name: "upgrade-then-verify",
    go_ahead: GoAhead::Code220,
    helo_inside: false,
    refused: AfterRefusal::GivesUp,
    trust: Trust::Name(Expect::Host),
    common_name: CommonName::Never,
    within_handshake: true,
    queue: Queue::Nobody,
    ..OPPORTUNISTIC
};

const EXCHANGE: SenderPolicy = SenderPolicy {
    name: "exchange",
    go_ahead: GoAhead::Code220,
    common_name: CommonName::Always,
    library_rules: LibraryRules::None,
    queue: Queue::Exchange(Profile::Exchange2019),
    ..OPPORTUNISTIC
};

/// `minimal_backoff_time` of Postfix: a message that is younger stays deferred.
const POSTFIX_BACKOFF: SignedDuration = SignedDuration::from_secs(300);

/// The built-in senders, from the least strict to the strictest, then Exchange's.
pub const BUILT_IN: [BuiltIn; 13] = [
    BuiltIn {
        aliases: &["none", "plain"],
        about: "never uses TLS",
        policy: SenderPolicy { name: "plain-only", tls: Use::Never, ..OPPORTUNISTIC },
    },
    BuiltIn {
        aliases: &["o1", "exim", "opensmtpd"],
        about: "uses TLS if offered; a failed handshake is followed by clear text on a new connection at once",
        policy: SenderPolicy {
            name: "opportunistic-clear-at-once",
            handshake_failed: AfterHandshakeFailure::ClearAtOnce,
            ..OPPORTUNISTIC
        },
    },
    BuiltIn {
        aliases: &["may", "o2", "postfix"],
        about: "uses TLS if offered; a failed handshake defers, and a later attempt goes in clear",
        policy: SenderPolicy {
            name: "opportunistic-clear-later",
            handshake_failed: AfterHandshakeFailure::ClearAfter(POSTFIX_BACKOFF),
            ..OPPORTUNISTIC
        },
    },
    BuiltIn {
        aliases: &["o3", "sendmail"],
        about: "uses TLS if offered; a failed handshake defers for ever",
        policy: OPPORTUNISTIC,
    },
    BuiltIn {
        aliases: &["o4", "library"],
        about: "uses TLS if offered, and then insists on a good certificate; has no queue",
        policy: LIBRARY,
    },
    BuiltIn {
        aliases: &["first-san"],
        about: "as upgrade-then-verify, and reads only the first alternative name of the certificate",
        policy: SenderPolicy { name: "first-name-only", names: NamesRead::First, ..LIBRARY },
    },
    BuiltIn {
        aliases: &["encrypt", "m1"],
        about: "sends over TLS or not at all; any certificate will do",
        policy: MANDATORY,
    },
    BuiltIn {
        aliases: &["verify", "m2"],
        about: "sends over TLS or not at all; the certificate has to be trusted and name the host",
        policy: SenderPolicy { name: "mandatory-verified", trust: Trust::Name(Expect::Host), ..MANDATORY },
    },
    BuiltIn {
        aliases: &["secure"],
        about: "sends over TLS or not at all; the certificate has to be trusted and name the next hop or lie below it",
        policy: SenderPolicy { name: "name-verified", trust: Trust::Name(Expect::NextHop), ..MANDATORY },
    },
    BuiltIn {
        aliases: &["exchange-default"],
        about: "Exchange without RequireTLS: TLS if offered, any certificate; a failed handshake defers for ever",
        policy: EXCHANGE,
    },
    BuiltIn {
        aliases: &["exchange-require-tls", "EncryptionOnly"],
        about: "Exchange with RequireTLS and EncryptionOnly: TLS or nothing, any certificate",
        policy: SenderPolicy { name: "exchange-encryption-only", tls: Use::Required, ..EXCHANGE },
    },
    BuiltIn {
        aliases: &["CertificateValidation"],
        about: "Exchange with CertificateValidation: TLS or nothing, the chain has to be trusted",
        policy: SenderPolicy {
            name: "exchange-certificate-validation",
            tls: Use::Required,
            trust: Trust::Chain,
            ..EXCHANGE
        },
    },
    BuiltIn {
        aliases: &["DomainValidation"],
        about: "Exchange with DomainValidation: that, and the certificate names TlsDomain or else the recipient's domain",
        policy: SenderPolicy {
            name: "exchange-domain-validation",
            tls: Use::Required,
            trust: Trust::Name(Expect::TlsDomain(None)),
            ..EXCHANGE
        },
    },
];

impl SenderPolicy {
    /// Returns the built-in sender of this name or alias, letter case aside.
    pub fn named(name: &str) -> Option<Self> {
        let known = |built_in: &&BuiltIn| {
            built_in.policy.name.eq_ignore_ascii_case(name)
                || built_in.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
        };
        BUILT_IN.iter().find(known).map(|built_in| built_in.policy.clone())
    }
}

/// A name that no built-in sender has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no sender `{0}`; there are {names}", names = BUILT_IN.map(|it| it.policy.name).join(", "))]
pub struct UnknownSender(String);

impl FromStr for SenderPolicy {
    type Err = UnknownSender;

    fn from_str(name: &str) -> Result<Self, UnknownSender> {
        Self::named(name).ok_or_else(|| UnknownSender(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_senders_share_a_name() {
        let names = |built_in: &BuiltIn| [&[built_in.policy.name], built_in.aliases].concat();
        let mut all: Vec<_> = BUILT_IN.iter().flat_map(names).map(str::to_ascii_lowercase).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn the_security_levels_of_postfix_are_names() {
        for (level, name) in [
            ("none", "plain-only"),
            ("may", "opportunistic-clear-later"),
            ("encrypt", "mandatory"),
            ("verify", "mandatory-verified"),
            ("SECURE", "name-verified"),
        ] {
            assert_eq!(SenderPolicy::named(level).unwrap().name, name);
        }
        assert!(SenderPolicy::named("dane").is_none());
    }
}
