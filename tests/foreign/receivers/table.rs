//! How every sender's story ends at every face of a server, written down from what its class is
//! known to do: `session::send::BUILT_IN` says it in a line each.

use starttls_lab::internal::session::send::{Outcome, ResultType};

use super::Face;

/// After so many attempts a message that is still deferred counts as one that stays so: whoever falls
/// back has done it by then.
pub(super) const ATTEMPTS: usize = 3;

/// The ends of one sender's stories, by face.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    good: End,
    other_host: End,
    other_domain: End,
    self_signed: End,
    expired: End,
    not_offered: End,
    old_tls: End,
    refused: End,
}

/// How a story ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Over TLS, the certificate proved.
    Proved,
    /// Over TLS, the certificate not asked for proof.
    Encrypted,
    /// In clear, because the sender knows nothing else.
    Plain,
    /// In clear within the same conversation, for want of TLS.
    Clear,
    /// In clear on a second connection at once.
    ClearAtOnce,
    /// In clear at the second attempt, five minutes later.
    ClearLater,
    /// Deferred as often as it was tried.
    Deferred,
    /// Given up at the first attempt.
    Bounced,
}

use End::{Bounced, Clear, ClearAtOnce, ClearLater, Deferred, Encrypted, Plain, Proved};

/// A certificate that proves nothing is no obstacle to whoever asks for no proof; STARTTLS that is not
/// offered or refused with 454 is none to whoever does not insist; a handshake that fails is where the
/// three opportunistic classes part.
const OPPORTUNISTIC: Ends = Ends {
    good: Encrypted,
    other_host: Encrypted,
    other_domain: Encrypted,
    self_signed: Encrypted,
    expired: Encrypted,
    not_offered: Clear,
    old_tls: Deferred,
    refused: Clear,
};

/// The same, without the clear text.
const MANDATORY: Ends = Ends { not_offered: Deferred, refused: Deferred, ..OPPORTUNISTIC };

/// Nothing but a certificate that proves everything will do.
const VERIFYING: Ends = Ends {
    good: Proved,
    other_host: Deferred,
    other_domain: Deferred,
    self_signed: Deferred,
    expired: Deferred,
    ..MANDATORY
};

/// A library has no queue: what fails, fails for good. It sends in clear where TLS is not offered.
const LIBRARY: Ends = Ends {
    good: Proved,
    other_host: Bounced,
    other_domain: Bounced,
    self_signed: Bounced,
    expired: Bounced,
    not_offered: Clear,
    old_tls: Bounced,
    refused: Bounced,
};

/// The host is mx.lab.test, and the next hop and the recipients' domain lab.test.
pub(super) const TABLE: [(&str, Ends); 13] = [
    (
        "plain-only",
        Ends {
            good: Plain,
            other_host: Plain,
            other_domain: Plain,
            self_signed: Plain,
            expired: Plain,
            not_offered: Plain,
            old_tls: Plain,
            refused: Plain,
        },
    ),
    ("opportunistic-clear-at-once", Ends { old_tls: ClearAtOnce, ..OPPORTUNISTIC }),
    ("opportunistic-clear-later", Ends { old_tls: ClearLater, ..OPPORTUNISTIC }),
    ("opportunistic", OPPORTUNISTIC),
    ("upgrade-then-verify", LIBRARY),
    // The host is the first name of the good certificate.
    ("first-name-only", LIBRARY),
    ("mandatory", MANDATORY),
    ("mandatory-verified", VERIFYING),
    // other.lab.test lies below the next hop, which is all that Postfix's `secure` asks of a name.
    ("name-verified", Ends { other_host: Proved, ..VERIFYING }),
    ("exchange", OPPORTUNISTIC),
    ("exchange-encryption-only", MANDATORY),
    // CertificateValidation looks at the chain and at no name.
    ("exchange-certificate-validation", Ends { other_host: Proved, other_domain: Proved, ..VERIFYING }),
    // DomainValidation wants the recipients' domain, which only the good certificate names.
    ("exchange-domain-validation", VERIFYING),
];

/// An attempt of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// So long after the message had come into the queue.
    pub(super) minutes: i64,
    /// How it ended.
    pub(super) outcome: Outcome,
    /// The word of RFC 8460 for what was wrong with TLS.
    pub(super) word: Option<ResultType>,
}

/// The attempts that a sender with these ends makes at this face.
pub(super) fn story(ends: Ends, face: Face) -> Vec<Made> {
    let end = ends.at(face);
    let proved = Outcome::DeliveredOverTls { authenticated: true };
    let encrypted = Outcome::DeliveredOverTls { authenticated: false };
    let attempts = match end {
        Proved => vec![(0, proved)],
        Encrypted => vec![(0, encrypted)],
        Plain | Clear => vec![(0, Outcome::DeliveredInClear)],
        ClearAtOnce => vec![(0, Outcome::Deferred), (0, Outcome::DeliveredInClear)],
        ClearLater => vec![(0, Outcome::Deferred), (5, Outcome::DeliveredInClear)],
        Deferred => vec![(0, Outcome::Deferred), (5, Outcome::Deferred), (10, Outcome::Deferred)],
        Bounced => vec![(0, Outcome::Bounced)],
    };
    // What came through TLS has nothing to report, nor has who wanted none; the rest has the face's word.
    let word = if matches!(end, Proved | Encrypted | Plain) { None } else { face.word() };
    attempts.into_iter().map(|(minutes, outcome)| Made { minutes, outcome, word }).collect()
}

impl Ends {
    const fn at(&self, face: Face) -> End {
        match face {
            Face::Good => self.good,
            Face::OtherHost => self.other_host,
            Face::OtherDomain => self.other_domain,
            Face::SelfSigned => self.self_signed,
            Face::Expired => self.expired,
            Face::NotOffered => self.not_offered,
            Face::OldTls => self.old_tls,
            Face::Refused => self.refused,
        }
    }
}

impl Face {
    /// RFC 8460 section 4.3.
    const fn word(self) -> Option<ResultType> {
        match self {
            Self::Good => None,
            Self::OtherHost | Self::OtherDomain => Some(ResultType::CertificateHostMismatch),
            Self::SelfSigned => Some(ResultType::CertificateNotTrusted),
            Self::Expired => Some(ResultType::CertificateExpired),
            Self::NotOffered | Self::Refused => Some(ResultType::StarttlsNotSupported),
            Self::OldTls => Some(ResultType::ValidationFailure),
        }
    }
}
