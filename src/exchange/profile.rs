//! The emulated Exchange version, and how it settles what the sources contradict.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An Exchange version, by the differences a peer can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Profile {
    /// Exchange 2007.
    #[serde(rename = "exchange-2007")]
    Exchange2007,
    /// Exchange 2010.
    #[serde(rename = "exchange-2010")]
    Exchange2010,
    /// Exchange 2013 and, on the wire, early 2016.
    #[serde(rename = "exchange-2013")]
    Exchange2013,
    /// Exchange 2016 with late updates, 2019 and the Subscription Edition.
    #[serde(rename = "exchange-2019", alias = "exchange-2016", alias = "exchange-se")]
    Exchange2019,
}

impl Profile {
    /// All profiles, oldest first.
    pub const ALL: [Self; 4] =
        [Self::Exchange2007, Self::Exchange2010, Self::Exchange2013, Self::Exchange2019];

    /// The profile of this name; 2016 and the Subscription Edition behave as 2019 does.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "exchange-2016" | "exchange-se" => Some(Self::Exchange2019),
            name => Self::ALL.into_iter().find(|profile| profile.as_str() == name),
        }
    }

    /// The name used in lab files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exchange2007 => "exchange-2007",
            Self::Exchange2010 => "exchange-2010",
            Self::Exchange2013 => "exchange-2013",
            Self::Exchange2019 => "exchange-2019",
        }
    }

    /// Returns the rules by which this version settles what the sources contradict.
    pub const fn rules(self) -> Rules {
        let before_2013 = matches!(self, Self::Exchange2007 | Self::Exchange2010);
        Rules {
            expired: if before_2013 { Dates::Withheld } else { Dates::Offered },
            not_yet_valid: if before_2013 { Dates::Withheld } else { Dates::Offered },
            smtp_not_assigned: SmtpNotAssigned::Withheld,
            several_match: SeveralMatch::NewestValidFrom,
            chain_not_valid: ChainNotValid::PassedOver,
            internal_certificate_gone: match self {
                Self::Exchange2007 | Self::Exchange2019 => InternalCertificateGone::Withheld,
                Self::Exchange2010 | Self::Exchange2013 => InternalCertificateGone::FallsBack,
            },
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The rules on which the sources contradict each other; each answer says where it is documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// The treatment of a certificate whose Valid-to has passed.
    pub expired: Dates,
    /// The treatment of a certificate whose Valid-from is still to come.
    pub not_yet_valid: Dates,
    /// The treatment of a certificate that fits but is not enabled for SMTP.
    pub smtp_not_assigned: SmtpNotAssigned,
    /// The choice between several certificates that fit.
    pub several_match: SeveralMatch,
    /// The effect of an authority's certificate whose chain is not valid on a self-signed one behind it.
    pub chain_not_valid: ChainNotValid,
    /// The treatment of X-ANONYMOUSTLS when its certificate is not in the store.
    pub internal_certificate_gone: InternalCertificateGone,
}

/// The effect of a date outside the validity period on a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// It is not eligible: no STARTTLS, event 12014.
    Withheld,
    /// It is used all the same: STARTTLS is offered (with event 12016 where it has expired).
    Offered,
}

/// The effect of a missing SMTP service on a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpNotAssigned {
    /// It is not eligible: no STARTTLS, event 12014.
    Withheld,
    /// It is chosen, STARTTLS is offered, and the handshake fails.
    HandshakeFails,
    /// It is not eligible by a name, and as good as any where `TlsCertificateName` names it.
    PinSuffices,
}

/// The choice between several certificates that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeveralMatch {
    /// The one with the most recent Valid-from.
    NewestValidFrom,
    /// The one with the latest Valid-to.
    LatestValidTo,
}

/// The effect of an authority's certificate that fits, but whose chain is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChainNotValid {
    /// It is passed over: another valid one is used, failing that a self-signed one.
    PassedOver,
    /// No self-signed one stands in for it: without another valid one there is no STARTTLS, event 12014.
    Withheld,
}

/// The effect of a missing internal transport certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InternalCertificateGone {
    /// X-ANONYMOUSTLS is not offered, event 12013.
    Withheld,
    /// Another certificate stands in, event 12023, or an ephemeral one, event 12024.
    FallsBack,
}

const INBOUND: &str = "learn.microsoft.com, inbound STARTTLS certificates selection (2025)";

impl Rules {
    /// Each rule by name, the answer in force, and where that answer is documented.
    pub fn explained(&self) -> [RuleInForce; 6] {
        let rule = |rule, answer, source| RuleInForce { rule, answer, source };
        [
            match self.expired {
                Dates::Withheld => rule(
                    "expired",
                    "withheld",
                    "Essential Business Server team blog (2010): STARTTLS unavailable, 12014; observed on an Exchange 2010",
                ),
                Dates::Offered => {
                    rule("expired", "offered", "the same article, step 9: event 12016, still advertised")
                }
            },
            match self.not_yet_valid {
                Dates::Withheld => {
                    rule("not_yet_valid", "withheld", "inferred: dates count as for an expired one")
                }
                Dates::Offered => rule(
                    "not_yet_valid",
                    "offered",
                    "inferred: the article's only check of dates is the one of Valid to (step 9)",
                ),
            },
            match self.smtp_not_assigned {
                SmtpNotAssigned::Withheld => rule(
                    "smtp_not_assigned",
                    "withheld",
                    "TechNet bb510128 and the list in step 7 of the article: not eligible, 12014",
                ),
                SmtpNotAssigned::HandshakeFails => rule(
                    "smtp_not_assigned",
                    "handshake-fails",
                    "the note under step 7 of the article: still chosen, TLS fails at a later stage",
                ),
                SmtpNotAssigned::PinSuffices => rule(
                    "smtp_not_assigned",
                    "pin-suffices",
                    "Exchange Team: the service is not checked where TlsCertificateName names the certificate",
                ),
            },
            match self.several_match {
                SeveralMatch::NewestValidFrom => rule("several_match", "newest-valid-from", INBOUND),
                SeveralMatch::LatestValidTo => {
                    rule("several_match", "latest-valid-to", "CSS-Exchange issue 1165")
                }
            },
            match self.chain_not_valid {
                ChainNotValid::PassedOver => rule(
                    "chain_not_valid",
                    "passed-over",
                    "the same article, step 9: without a valid one of an authority the first self-signed one",
                ),
                ChainNotValid::Withheld => rule(
                    "chain_not_valid",
                    "withheld",
                    "Exchange Team blog (2025): no STARTTLS where the chain is not valid",
                ),
            },
            match self.internal_certificate_gone {
                InternalCertificateGone::Withheld => rule(
                    "internal_certificate_gone",
                    "withheld",
                    "learn.microsoft.com, inbound anonymous TLS certificates selection: not advertised, 12013",
                ),
                InternalCertificateGone::FallsBack => rule(
                    "internal_certificate_gone",
                    "falls-back",
                    "TechNet event 12024 (Exchange 2010): an ephemeral certificate is being used",
                ),
            },
        ]
    }

    /// The rule called `name`, as [`Rules::explained`] lists it.
    pub fn explain(&self, name: &str) -> Option<RuleInForce> {
        self.explained().into_iter().find(|rule| rule.rule == name)
    }
}

/// A rule that the sources contradict each other on, as it is settled here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RuleInForce {
    /// The key under `[computer.rules]`.
    pub rule: &'static str,
    /// The value under that key.
    pub answer: &'static str,
    /// The documentation of this answer.
    pub source: &'static str,
}

/// The rules of a profile that a lab file overrides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleOverrides {
    /// The treatment of a certificate whose Valid-to has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired: Option<Dates>,
    /// The treatment of a certificate whose Valid-from is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_yet_valid: Option<Dates>,
    /// The treatment of a certificate that fits but is not enabled for SMTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_not_assigned: Option<SmtpNotAssigned>,
    /// The choice between several certificates that fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub several_match: Option<SeveralMatch>,
    /// The effect of an authority's certificate whose chain is not valid on a self-signed one behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_not_valid: Option<ChainNotValid>,
    /// The treatment of X-ANONYMOUSTLS when its certificate is not in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_certificate_gone: Option<InternalCertificateGone>,
}

impl RuleOverrides {
    /// The rules of `profile` with these put over them.
    pub fn over(&self, profile: Profile) -> Rules {
        let rules = profile.rules();
        Rules {
            expired: self.expired.unwrap_or(rules.expired),
            not_yet_valid: self.not_yet_valid.unwrap_or(rules.not_yet_valid),
            smtp_not_assigned: self.smtp_not_assigned.unwrap_or(rules.smtp_not_assigned),
            several_match: self.several_match.unwrap_or(rules.several_match),
            chain_not_valid: self.chain_not_valid.unwrap_or(rules.chain_not_valid),
            internal_certificate_gone: self
                .internal_certificate_gone
                .unwrap_or(rules.internal_certificate_gone),
        }
    }
}
