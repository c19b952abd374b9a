//! The check of a server's certificate, and the problems that it can find.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::outcome::ResultType;
use crate::exchange::TlsDomain;
use crate::name::{covers, is_below};
use crate::pki::Certificate;

/// A sender's check of a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The proof that is demanded.
    pub proof: Proof,
    /// The names of which the certificate has to carry one.
    pub references: Vec<Reference>,
    /// The cases in which a common name counts.
    pub common_name: CommonName,
    /// The alternative names that count.
    pub names: NamesRead,
    /// The rules of a TLS library that count beyond those of the RFCs.
    pub library_rules: LibraryRules,
    /// True if a certificate that does not prove it ends the handshake with an alert, as in programs that
    /// leave it to their TLS library; mail servers finish the handshake, look, and leave.
    pub within_handshake: bool,
}

/// The proof that is demanded before mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Nothing.
    Nothing,
    /// A chain that ends in a trusted root.
    Chain,
    /// Such a chain, and the name.
    ChainAndName,
}

/// A name that is expected in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// This host (RFC 9525 section 6.3), or this address.
    Host(String),
    /// Any name below this domain: Postfix's `dot-nexthop`.
    Below(String),
    /// Exchange's TlsDomain.
    TlsDomain(TlsDomain),
}

/// The cases in which a common name of the subject counts as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonName {
    /// Never (RFC 9525).
    Never,
    /// Where there is no dNSName (RFC 6125 section 6.4.4), as in OpenSSL.
    WithoutDnsName,
    /// Beside the dNSNames, as in Exchange.
    Always,
}

/// The rules of a TLS library by which a sender checks certificates, beyond those of the RFCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryRules {
    /// None: names are compared by RFC 9525 section 6.3 alone, and any keyUsage will do.
    None,
    /// Those of OpenSSL, as most clients of `docs/clients.md` have them: two labels have to follow the star of a
    /// wildcard (X509_check_host(3)), and a keyUsage without digitalSignature, keyEncipherment and keyAgreement is
    /// not a server's (X509_check_purpose(3)).
    OpenSsl,
}

/// The dNSNames of a certificate that a sender reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamesRead {
    /// All of them (RFC 9525 section 6.3).
    All,
    /// The first alone, as some clients were found to do. Any other name is ignored.
    First,
}

/// A problem with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum CertificateProblem {
    /// It carries none of the names that were expected.
    HostMismatch {
        /// The names that were expected.
        expected: Vec<String>,
        /// The names that were read in it.
        presented: Vec<String>,
        /// The names in it that the check does not count.
        #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
        uncounted: Box<[String]>,
    },
    /// It, or one above it, has expired.
    Expired,
    /// It, or one above it, is not valid yet.
    NotYetValid,
    /// It was signed with its own key, and it is not trusted.
    SelfSigned,
    /// Its chain does not end in a trusted root.
    UnknownIssuer,
    /// It was revoked.
    Revoked,
    /// It was not issued for servers.
    WrongPurpose,
    /// Anything else, in the words of the TLS library.
    Invalid {
        /// The library's text.
        reason: String,
    },
}

/// The findings about a certificate, whether or not they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// The problem with the chain.
    pub chain: Option<CertificateProblem>,
    /// The problem with the name; `None` also if no name was expected.
    pub name: Option<CertificateProblem>,
}

impl Assessment {
    /// Returns the problem that stands in the way of `proof`. A name proves nothing if the chain is not
    /// trusted.
    pub fn problem(&self, proof: Proof) -> Option<&CertificateProblem> {
        let chain = self.chain.as_ref().filter(|_| proof >= Proof::Chain);
        chain.or_else(|| self.name.as_ref().filter(|_| proof == Proof::ChainAndName))
    }
}

/// Returns the problem with the name of `leaf`, as `check` demands it.
pub fn name_problem(leaf: &Certificate, check: &Check) -> Option<CertificateProblem> {
    let read = match check.names {
        NamesRead::All => usize::MAX,
        NamesRead::First => 1,
    };
    let mut names: Vec<&str> = leaf.dns_names().iter().take(read).map(String::as_str).collect();
    let common = match check.common_name {
        CommonName::Never => false,
        CommonName::WithoutDnsName => names.is_empty(),
        CommonName::Always => true,
    };
    if common {
        names.extend(leaf.common_names().iter().map(String::as_str));
    }
    match check.library_rules {
        LibraryRules::None => {}
        LibraryRules::OpenSsl => names.retain(|name| !is_wildcard_of_top_level(name)),
    }
    let named = |reference: &Reference| reference.is_among(&names, leaf.ip_addresses());
    if check.references.is_empty() || check.references.iter().any(named) {
        return None;
    }
    names.dedup();
    let is_counted = |name: &&String| names.contains(&name.as_str());
    let mut uncounted: Vec<String> =
        leaf.dns_names().iter().filter(|name| !is_counted(name)).cloned().collect();
    if names.is_empty() && uncounted.is_empty() {
        uncounted.extend(leaf.common_names().iter().cloned());
    }
    Some(CertificateProblem::HostMismatch {
        expected: check.references.iter().map(ToString::to_string).collect(),
        presented: names.iter().map(|name| (*name).to_owned()).collect(),
        uncounted: uncounted.into(),
    })
}

/// Returns whether `name` is a wildcard directly below a top-level domain, such as `*.test`.
fn is_wildcard_of_top_level(name: &str) -> bool {
    name.strip_prefix("*.").is_some_and(|rest| !rest.trim_end_matches('.').contains('.'))
}

/// Returns the problem with the purpose of `leaf` by the library's rules, if its chain is trusted.
pub fn purpose_problem(leaf: &Certificate, check: &Check) -> Option<CertificateProblem> {
    let refuses = match check.library_rules {
        LibraryRules::None => false,
        LibraryRules::OpenSsl => !leaf.may_be_used_in_handshakes(),
    };
    refuses.then_some(CertificateProblem::WrongPurpose)
}

impl Reference {
    fn is_among(&self, names: &[&str], addresses: &[IpAddr]) -> bool {
        match self {
            Self::Host(host) => match host.trim_matches(['[', ']']).parse::<IpAddr>() {
                Ok(address) => addresses.contains(&address),
                Err(_) => names.iter().any(|name| covers(name, host).is_some()),
            },
            Self::Below(domain) => names.iter().any(|name| is_below(name, domain)),
            Self::TlsDomain(domain) => names.iter().any(|name| domain.is_named_by(name)),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Below(domain) => write!(f, ".{domain}"),
            Self::TlsDomain(domain) => domain.fmt(f),
        }
    }
}

impl CertificateProblem {
    /// Returns the result type of RFC 8460 section 4.3 for the problem.
    pub const fn result_type(&self) -> ResultType {
        match self {
            Self::HostMismatch { .. } => ResultType::CertificateHostMismatch,
            Self::Expired => ResultType::CertificateExpired,
            _ => ResultType::CertificateNotTrusted,
        }
    }

    /// Returns the problem as the end of a sentence that starts with the certificate.
    pub fn in_words(&self) -> String {
        match self {
            Self::HostMismatch { expected, presented, uncounted } => {
                let carried = match (&presented[..], &uncounted[..]) {
                    ([], []) => "no DNS name".to_owned(),
                    ([], uncounted) => format!("only {}, which is not counted", uncounted.join(", ")),
                    (presented, []) => presented.join(", "),
                    (presented, uncounted) => {
                        format!(
                            "{} (and {}, which is not counted)",
                            presented.join(", "),
                            uncounted.join(", ")
                        )
                    }
                };
                format!("carries {carried}, where {} was expected", expected.join(" or "))
            }
            Self::Expired => "has expired, or one above it has".to_owned(),
            Self::NotYetValid => "is not valid yet, or one above it is not".to_owned(),
            Self::SelfSigned => "is self-signed and not trusted".to_owned(),
            Self::UnknownIssuer => "has a chain that ends in no trusted root".to_owned(),
            Self::Revoked => "was revoked".to_owned(),
            Self::WrongPurpose => "was not issued for servers".to_owned(),
            Self::Invalid { reason } => format!("is not valid: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(reference: &Reference, names: &[&str]) -> bool {
        reference.is_among(names, &["192.0.2.1".parse().unwrap()])
    }

    #[test]
    fn a_host_is_covered_as_rfc_9525_says_and_an_address_by_an_address_only() {
        let host = |name: &str| Reference::Host(name.to_owned());
        assert!(among(&host("MX1.lab.test"), &["*.lab.test"]));
        assert!(!among(&host("a.mx1.lab.test"), &["*.lab.test"]));
        assert!(among(&host("192.0.2.1"), &[]));
        assert!(!among(&host("192.0.2.2"), &["192.0.2.2"]));
    }

    fn mismatch(presented: &[&str], uncounted: &[&str]) -> CertificateProblem {
        let owned = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        CertificateProblem::HostMismatch {
            expected: vec!["mx1.test".to_owned()],
            presented: owned(presented),
            uncounted: owned(uncounted).into(),
        }
    }

    #[test]
    fn a_name_that_is_not_counted_is_carried_all_the_same() {
        for (presented, uncounted, words) in [
            (&[][..], &[][..], "carries no DNS name, where mx1.test was expected"),
            (&[], &["*.test"], "carries only *.test, which is not counted, where mx1.test was expected"),
            (&["a.test"], &[], "carries a.test, where mx1.test was expected"),
            (
                &["a.test"],
                &["*.test"],
                "carries a.test (and *.test, which is not counted), where mx1.test was expected",
            ),
        ] {
            assert_eq!(mismatch(presented, uncounted).in_words(), words);
        }
    }

    #[test]
    fn a_name_is_no_proof_where_the_chain_does_not_hold() {
        let assessment =
            Assessment { chain: Some(CertificateProblem::SelfSigned), name: Some(mismatch(&[], &[])) };
        assert_eq!(assessment.problem(Proof::Nothing), None);
        for proof in [Proof::Chain, Proof::ChainAndName] {
            assert_eq!(assessment.problem(proof), Some(&CertificateProblem::SelfSigned));
        }
    }
}
