//! The kinds of senders: every difference between senders that shows at STARTTLS, as data.

use jiff::SignedDuration;

use super::check::{Check, CommonName, LibraryRules, NamesRead, Proof, Reference};
use crate::exchange::{
    PSCredential, Profile, SendConnector, SmartHostAuthMechanism, TlsAuthLevel, TlsDomain,
};
use crate::session::TlsVerb;

/// A sender's use of TLS, and its behavior if there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderPolicy {
    /// Its name in reports.
    pub name: &'static str,
    /// The cases in which it uses TLS.
    pub tls: Use,
    /// The verb that it uses to start TLS.
    pub verb: TlsVerb,
    /// True if it says HELO in place of EHLO.
    pub helo: bool,
    /// The replies to STARTTLS that it takes as permission to go ahead.
    pub go_ahead: GoAhead,
    /// True if it sends HELO after EHLO was refused inside TLS (RFC 5321 section 3.2).
    pub helo_inside: bool,
    /// Its behavior if STARTTLS is refused and TLS is not required.
    pub refused: AfterRefusal,
    /// Its behavior if the handshake fails and TLS is not required.
    pub handshake_failed: AfterHandshakeFailure,
    /// The proof that it demands of the certificate.
    pub trust: Trust,
    /// The cases in which a common name counts.
    pub common_name: CommonName,
    /// The alternative names that count.
    pub names: NamesRead,
    /// The rules of a TLS library by which it checks certificates, beyond those of the RFCs.
    pub library_rules: LibraryRules,
    /// True if the certificate is judged within the handshake (see [`Check::within_handshake`]).
    pub within_handshake: bool,
    /// True if a refusal of STARTTLS other than 4yz bounces the message when TLS is required, as in Postfix.
    pub bounces_refusal: bool,
    /// The kind of queue that keeps the message between attempts.
    pub queue: Queue,
    /// The logon that it does before it sends anything, if it does one.
    pub logon: Option<Logon>,
}

/// A logon by `AUTH LOGIN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logon {
    /// The user name and password.
    pub credential: PSCredential,
    /// True if the password is sent inside TLS only.
    pub requires_tls: bool,
}

/// The cases in which a sender uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It never sends STARTTLS.
    Never,
    /// It uses TLS if it is offered.
    IfOffered,
    /// It sends no mail without TLS.
    Required,
}

/// The replies to STARTTLS that a sender takes as permission to go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoAhead {
    /// The 220 of RFC 3207 section 4.
    Code220,
    /// Any 2yz: the first digit decides (RFC 5321 section 4.2.1).
    Any2yz,
}

/// The behavior of an opportunistic sender if STARTTLS is answered with 4yz or 5yz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRefusal {
    /// It goes on in clear in the same conversation.
    GoesOnInClear,
    /// It gives up.
    GivesUp,
}

/// The behavior of an opportunistic sender if the handshake fails after the 220.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterHandshakeFailure {
    /// It connects again at once and sends in clear.
    ClearAtOnce,
    /// It defers, and sends in clear once the message has been in the queue for so long. It also does so if
    /// the connection is lost after the handshake, as in Postfix.
    ClearAfter(SignedDuration),
    /// It never falls back to clear text.
    NeverClear,
}

/// The proof that is demanded of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing: any certificate will do.
    Nothing,
    /// A chain that ends in a trusted root.
    Chain,
    /// Such a chain, and a name.
    Name(Expect),
}

/// The name that is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The host that was connected to.
    Host,
    /// The next hop or a name below it: Postfix's `nexthop, dot-nexthop`.
    NextHop,
    /// Exchange's TlsDomain, or else the recipient's domain.
    TlsDomain(Option<TlsDomain>),
}

/// The kind of queue that keeps the message between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// No queue: a failed call is returned to the caller, so nothing is ever deferred.
    Nobody,
    /// A mail server.
    Server,
    /// Exchange, which has its own texts for failures.
    Exchange(Profile),
}

impl GoAhead {
    /// Returns whether a reply with this code is permission to go ahead.
    pub const fn is_said_by(self, code: u16) -> bool {
        match self {
            Self::Code220 => code == 220,
            Self::Any2yz => code / 100 == 2,
        }
    }
}

impl SenderPolicy {
    /// Returns the policy that the parameters of a Send connector amount to.
    ///
    /// Source: the `Set-SendConnector` page; that a failed handshake defers and never falls back is how
    /// the observed logs end. That a 5yz to STARTTLS defers, that nothing but a 220 counts, and that HELO
    /// follows where EHLO is refused inside TLS, is inferred.
    pub fn of(connector: &SendConnector, profile: Profile) -> Self {
        let mechanism = connector.smart_host_auth_mechanism;
        let server = connector.uses_anonymous_tls();
        let logs_on_inside = mechanism == SmartHostAuthMechanism::BasicAuthRequireTLS;
        let credential = connector.authentication_credential.0.clone().filter(|_| mechanism.is_basic());
        let (name, trust) = match (connector.require_tls, connector.tls_auth_level.0) {
            (false, _) => ("exchange", Trust::Nothing),
            (true, None) => ("exchange-require-tls", Trust::Nothing),
            (true, Some(TlsAuthLevel::EncryptionOnly)) => ("exchange-encryption-only", Trust::Nothing),
            (true, Some(TlsAuthLevel::CertificateValidation)) => {
                ("exchange-certificate-validation", Trust::Chain)
            }
            (true, Some(TlsAuthLevel::DomainValidation)) => {
                ("exchange-domain-validation", Trust::Name(Expect::TlsDomain(connector.tls_domain.0.clone())))
            }
        };
        Self {
            name,
            tls: match connector {
                _ if server || logs_on_inside => Use::Required,
                SendConnector { ignore_starttls: true, .. } => Use::Never,
                SendConnector { require_tls: true, .. } => Use::Required,
                _ => Use::IfOffered,
            },
            verb: if server { TlsVerb::XAnonymousTls } else { TlsVerb::StartTls },
            helo: connector.force_helo,
            go_ahead: GoAhead::Code220,
            helo_inside: true,
            refused: AfterRefusal::GoesOnInClear,
            handshake_failed: AfterHandshakeFailure::NeverClear,
            trust,
            common_name: CommonName::Always,
            names: NamesRead::All,
            library_rules: LibraryRules::None,
            within_handshake: false,
            bounces_refusal: false,
            queue: Queue::Exchange(profile),
            logon: credential.map(|credential| Logon { credential, requires_tls: logs_on_inside }),
        }
    }

    /// Returns the check of the certificate of `host`, on the way to `next_hop` with mail for `domain`.
    pub fn check(&self, host: &str, next_hop: &str, domain: &str) -> Check {
        let host_alone = || vec![Reference::Host(host.to_owned())];
        let (proof, references) = match &self.trust {
            Trust::Nothing => (Proof::Nothing, host_alone()),
            Trust::Chain => (Proof::Chain, host_alone()),
            Trust::Name(expect) => (
                Proof::ChainAndName,
                match expect {
                    Expect::Host => host_alone(),
                    Expect::NextHop => {
                        vec![Reference::Host(next_hop.to_owned()), Reference::Below(next_hop.to_owned())]
                    }
                    Expect::TlsDomain(Some(expected)) => vec![Reference::TlsDomain(expected.clone())],
                    Expect::TlsDomain(None) => vec![Reference::Host(domain.to_owned())],
                },
            ),
        };
        Check {
            proof,
            references,
            common_name: self.common_name,
            names: self.names,
            library_rules: self.library_rules,
            within_handshake: self.within_handshake && proof != Proof::Nothing,
        }
    }
}

impl Queue {
    /// Returns the time until the next attempt: five minutes, the first interval of Postfix
    /// (`queue_run_delay`) and of Exchange (TransientFailureRetryInterval) alike.
    pub const fn retry_after(self) -> SignedDuration {
        SignedDuration::from_mins(5)
    }

    /// Returns how long a message is kept: five days in Postfix (`maximal_queue_lifetime`), two in Exchange
    /// (MessageExpirationTimeout).
    pub const fn keeps_for(self) -> SignedDuration {
        match self {
            Self::Nobody => SignedDuration::ZERO,
            Self::Server => SignedDuration::from_hours(5 * 24),
            Self::Exchange(_) => SignedDuration::from_hours(2 * 24),
        }
    }
}
