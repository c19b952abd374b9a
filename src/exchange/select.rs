//! The central rule: which certificate a connector uses for STARTTLS, and why no other.

use std::cmp::Reverse;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::computer::Computer;
use super::flags::{AuthMechanism, Services};
use super::pin::TlsCertificateName;
use super::profile::{ChainNotValid, Dates, RuleInForce, Rules, SeveralMatch, SmtpNotAssigned};
use super::receive_connector::ReceiveConnector;
use super::store::{CertificateStore, ChainStatus, PrivateKey, StoredCertificate};
use crate::name::{Coverage, Fqdn};
use crate::pki::Thumbprint;

/// The key that the store is searched for, and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchKey {
    /// The connector's `TlsCertificateName`; there is no fall-back from it.
    Pin(TlsCertificateName),
    /// The connector's `Fqdn`.
    ConnectorFqdn(Fqdn),
    /// The computer's physical FQDN, because the connector's is blank.
    ComputerFqdn(Fqdn),
}

impl SearchKey {
    /// Returns the key that a connector on `computer` searches for.
    ///
    /// Source: inbound STARTTLS certificates selection, steps 3 to 5. The pin arrived with 2013.
    pub fn of(connector: &ReceiveConnector, computer: &Computer) -> Self {
        Self::first_of(connector.tls_certificate_name.0.as_ref(), connector.fqdn.0.as_ref(), computer)
    }

    pub(super) fn first_of(
        pin: Option<&TlsCertificateName>,
        fqdn: Option<&Fqdn>,
        computer: &Computer,
    ) -> Self {
        match (pin, fqdn) {
            (Some(pin), _) => Self::Pin(pin.clone()),
            (None, Some(fqdn)) => Self::ConnectorFqdn(fqdn.clone()),
            (None, None) => Self::ComputerFqdn(computer.fqdn.clone()),
        }
    }

    /// Returns the origin of the key, in the words of the cmdlets.
    pub fn origin(&self) -> &'static str {
        match self {
            Self::Pin(_) => "TlsCertificateName of the connector",
            Self::ConnectorFqdn(_) => "Fqdn of the connector",
            Self::ComputerFqdn(_) => "FQDN of the computer (the connector's Fqdn is blank)",
        }
    }
}

impl fmt::Display for SearchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin(pin) => pin.fmt(f),
            Self::ConnectorFqdn(fqdn) | Self::ComputerFqdn(fqdn) => fqdn.fmt(f),
        }
    }
}

/// The result of the selection: one value from which everything else is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The key that was searched for.
    pub key: SearchKey,
    /// The outcome of the selection.
    pub outcome: Outcome,
    /// Every certificate in the store with the verdict on it, in the store's order.
    pub candidates: Vec<Candidate>,
    /// The contradicted rules that decided something here, with their sources.
    pub rules: Vec<RuleInForce>,
}

/// The outcomes of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `Tls` is not in AuthMechanism: nothing is searched, STARTTLS is not offered, nothing is logged.
    NotConfigured,
    /// No certificate is eligible: STARTTLS is not offered, event 12014.
    Withheld,
    /// STARTTLS is offered with this certificate.
    Offered(Offered),
}

/// The certificate that STARTTLS is offered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The certificate.
    pub thumbprint: Thumbprint,
    /// It has expired and is offered all the same: event 12016.
    pub expired: bool,
    /// The key cannot be used, so the handshake will fail.
    pub handshake_fails: bool,
}

/// One certificate and the verdict on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The certificate's name in the lab.
    pub label: String,
    /// The certificate.
    pub thumbprint: Thumbprint,
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// The verdict on one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It is the one.
    Chosen,
    /// It would have done, but another goes before it.
    Beaten {
        /// The label of the chosen one.
        by: String,
        /// Why the other goes first.
        because: Precedence,
    },
    /// It cannot be used; every reason is named.
    NotEligible {
        /// Why not.
        reasons: Vec<Reason>,
    },
    /// Nothing was searched, because `Tls` is not in AuthMechanism.
    NotLookedAt,
}

/// Why a certificate cannot be used (inbound STARTTLS certificates selection, step 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Neither subject nor subject alternative names carry the name.
    NameDiffers,
    /// The pin names another issuer.
    IssuerDiffers,
    /// The pin names another subject.
    SubjectDiffers,
    /// The SMTP service is not assigned to it.
    SmtpNotAssigned,
    /// It was imported without its private key.
    PrivateKeyMissing,
    /// The transport service cannot read its private key.
    PrivateKeyUnreadable,
    /// Valid-to has passed.
    Expired,
    /// Valid-from is still to come.
    NotYetValid,
    /// It is older than X.509 version 3.
    NotVersion3,
    /// Its chain does not end in a trusted root.
    ChainUntrusted,
    /// It was revoked.
    Revoked,
    /// It is self-signed, and a certificate of an authority lacks nothing but a valid chain.
    StandsInForNone,
}

/// Why one eligible certificate goes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Precedence {
    /// It carries the name itself, the other a wildcard.
    ExactBeforeWildcard,
    /// It was issued by an authority, the other is self-signed.
    PkiBeforeSelfSigned,
    /// Its Valid-from is more recent.
    NewerValidFrom,
    /// Its Valid-to is later.
    LaterValidTo,
    /// They are equal in everything that counts, and it was filed first.
    FiledFirst,
}

/// Which certificate `connector` uses on `computer` at `now`.
pub fn select_for(connector: &ReceiveConnector, computer: &Computer, now: Timestamp) -> Selection {
    let key = SearchKey::of(connector, computer);
    if connector.allows(AuthMechanism::TLS) {
        return select(&computer.store, key, &computer.rules, now);
    }
    let unseen = |stored: &StoredCertificate| Candidate {
        label: stored.label.clone(),
        thumbprint: stored.facts.thumbprint,
        verdict: Verdict::NotLookedAt,
    };
    let candidates = computer.store.iter().map(unseen).collect();
    Selection { key, outcome: Outcome::NotConfigured, candidates, rules: Vec::new() }
}

/// Which certificate of `store` answers to `key` at `now`.
///
/// Source: inbound STARTTLS certificates selection, steps 6 to 9: eligible are the certificates of
/// X.509 version 3 that carry the name, have a private key and the SMTP service; the first valid one
/// of an authority by most recent Valid-from is used, failing that the first self-signed one. An
/// exact name goes before a wildcard (community sources; the article does not speak of it).
pub fn select(store: &CertificateStore, key: SearchKey, rules: &Rules, now: Timestamp) -> Selection {
    let mut judged: Vec<Judged<'_>> =
        store.iter().map(|stored| Judged::new(stored, &key, rules, now)).collect();
    if rules.chain_not_valid == ChainNotValid::Withheld && judged.iter().any(Judged::lacks_only_its_chain) {
        let self_signed = |judged: &&mut Judged<'_>| judged.stored.facts.self_signed;
        judged.iter_mut().filter(self_signed).for_each(|it| it.reasons.push(Reason::StandsInForNone));
    }
    let eligible = || judged.iter().enumerate().filter(|(_, judged)| judged.reasons.is_empty());
    let chosen = eligible().min_by_key(|(at, judged)| (judged.rank(rules), *at)).map(|(at, _)| at);

    let verdict = |at: usize, judged: &Judged<'_>, best: Option<&Judged<'_>>| match best {
        _ if !judged.reasons.is_empty() => Verdict::NotEligible { reasons: judged.reasons.clone() },
        Some(best) if chosen != Some(at) => {
            Verdict::Beaten { by: best.stored.label.clone(), because: best.goes_before(judged, rules) }
        }
        _ => Verdict::Chosen,
    };
    let best = chosen.and_then(|at| judged.get(at));
    let candidates = judged.iter().enumerate().map(|(at, judged)| Candidate {
        label: judged.stored.label.clone(),
        thumbprint: judged.stored.facts.thumbprint,
        verdict: verdict(at, judged, best),
    });
    let candidates = candidates.collect();
    let outcome = best.map_or(Outcome::Withheld, |best| {
        Outcome::Offered(Offered {
            thumbprint: best.stored.facts.thumbprint,
            expired: best.stored.facts.has_expired(now),
            handshake_fails: rules.smtp_not_assigned == SmtpNotAssigned::HandshakeFails
                && !best.stored.services.contains(Services::SMTP),
        })
    });
    let rules = rules_that_mattered(&judged, rules, now);
    Selection { key, outcome, candidates, rules }
}

/// A certificate on its way through the rule.
struct Judged<'a> {
    stored: &'a StoredCertificate,
    coverage: Option<Coverage>,
    reasons: Vec<Reason>,
}

impl<'a> Judged<'a> {
    fn new(stored: &'a StoredCertificate, key: &SearchKey, rules: &Rules, now: Timestamp) -> Self {
        let facts = &stored.facts;
        let mut reasons = Vec::new();
        let coverage = match key {
            SearchKey::Pin(pin) => {
                if *pin.issuer != *facts.issuer {
                    reasons.push(Reason::IssuerDiffers);
                }
                if *pin.subject != *facts.subject {
                    reasons.push(Reason::SubjectDiffers);
                }
                reasons.is_empty().then_some(Coverage::Exact)
            }
            SearchKey::ConnectorFqdn(fqdn) | SearchKey::ComputerFqdn(fqdn) => {
                let coverage = facts.covers(fqdn.as_str());
                if coverage.is_none() {
                    reasons.push(Reason::NameDiffers);
                }
                coverage
            }
        };
        let mut reason = |reason, applies: bool| {
            if applies {
                reasons.push(reason);
            }
        };
        let needs_smtp = match rules.smtp_not_assigned {
            SmtpNotAssigned::Withheld => true,
            SmtpNotAssigned::HandshakeFails => false,
            SmtpNotAssigned::PinSuffices => !matches!(key, SearchKey::Pin(_)),
        };
        reason(Reason::SmtpNotAssigned, needs_smtp && !stored.services.contains(Services::SMTP));
        reason(Reason::PrivateKeyMissing, stored.private_key == PrivateKey::Missing);
        reason(Reason::PrivateKeyUnreadable, stored.private_key == PrivateKey::Unreadable);
        reason(Reason::Expired, rules.expired == Dates::Withheld && facts.has_expired(now));
        reason(Reason::NotYetValid, rules.not_yet_valid == Dates::Withheld && facts.is_not_yet_valid(now));
        reason(Reason::NotVersion3, facts.version < 3);
        reason(Reason::ChainUntrusted, !facts.self_signed && stored.chain == ChainStatus::Untrusted);
        reason(Reason::Revoked, !facts.self_signed && stored.chain == ChainStatus::Revoked);
        Self { stored, coverage, reasons }
    }

    /// Returns whether the certificate would be eligible if its chain were valid.
    fn lacks_only_its_chain(&self) -> bool {
        let of_chain = |reason: &Reason| matches!(reason, Reason::ChainUntrusted | Reason::Revoked);
        !self.reasons.is_empty() && self.reasons.iter().all(of_chain)
    }

    /// Returns whether the certificate is self-signed and would be eligible if it did not have to stand in
    /// for another.
    fn might_stand_in(&self) -> bool {
        let other = |reason: &Reason| *reason != Reason::StandsInForNone;
        self.stored.facts.self_signed && !self.reasons.iter().any(other)
    }

    /// The smaller, the earlier it is taken.
    fn rank(&self, rules: &Rules) -> (Option<Coverage>, bool, Reverse<Timestamp>) {
        (self.coverage, self.stored.facts.self_signed, Reverse(self.newest_by(rules)))
    }

    fn newest_by(&self, rules: &Rules) -> Timestamp {
        match rules.several_match {
            SeveralMatch::NewestValidFrom => self.stored.facts.not_before,
            SeveralMatch::LatestValidTo => self.stored.facts.not_after,
        }
    }

    fn goes_before(&self, other: &Self, rules: &Rules) -> Precedence {
        if self.coverage != other.coverage {
            Precedence::ExactBeforeWildcard
        } else if self.stored.facts.self_signed != other.stored.facts.self_signed {
            Precedence::PkiBeforeSelfSigned
        } else if self.newest_by(rules) == other.newest_by(rules) {
            Precedence::FiledFirst
        } else {
            match rules.several_match {
                SeveralMatch::NewestValidFrom => Precedence::NewerValidFrom,
                SeveralMatch::LatestValidTo => Precedence::LaterValidTo,
            }
        }
    }
}

/// The contradicted rules that a certificate carrying the name met.
fn rules_that_mattered(judged: &[Judged<'_>], rules: &Rules, now: Timestamp) -> Vec<RuleInForce> {
    let named = || judged.iter().filter(|judged| judged.coverage.is_some());
    let met = [
        ("expired", named().any(|judged| judged.stored.facts.has_expired(now))),
        ("not_yet_valid", named().any(|judged| judged.stored.facts.is_not_yet_valid(now))),
        ("smtp_not_assigned", named().any(|judged| !judged.stored.services.contains(Services::SMTP))),
        ("several_match", named().filter(|judged| judged.reasons.is_empty()).count() > 1),
        ("chain_not_valid", named().any(Judged::lacks_only_its_chain) && named().any(Judged::might_stand_in)),
    ];
    met.into_iter().filter(|(_, met)| *met).filter_map(|(name, _)| rules.explain(name)).collect()
}

impl Selection {
    /// The certificate STARTTLS is offered with.
    pub fn offered(&self) -> Option<Offered> {
        match self.outcome {
            Outcome::Offered(offered) => Some(offered),
            Outcome::NotConfigured | Outcome::Withheld => None,
        }
    }
}

impl Reason {
    /// The reason as the end of a sentence that starts with the certificate.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::NameDiffers => "does not carry the name",
            Self::IssuerDiffers => "has another issuer than the pin",
            Self::SubjectDiffers => "has another subject than the pin",
            Self::SmtpNotAssigned => "is not enabled for the SMTP service",
            Self::PrivateKeyMissing => "has no private key",
            Self::PrivateKeyUnreadable => "has a private key that the transport service cannot read",
            Self::Expired => "has expired",
            Self::NotYetValid => "is not yet valid",
            Self::NotVersion3 => "is older than X.509 version 3",
            Self::ChainUntrusted => "has a chain that ends in no trusted root",
            Self::Revoked => "was revoked",
            Self::StandsInForNone => "is self-signed and stands in for none whose chain is not valid",
        }
    }
}

impl Precedence {
    /// The precedence as the end of a sentence that starts with the chosen certificate.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::ExactBeforeWildcard => "carries the name itself, this one a wildcard",
            Self::PkiBeforeSelfSigned => "was issued by an authority, this one is self-signed",
            Self::NewerValidFrom => "has the more recent Valid-from",
            Self::LaterValidTo => "has the later Valid-to",
            Self::FiledFirst => "is equal in all that counts and was filed first",
        }
    }
}
