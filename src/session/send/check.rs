//! What a server's certificate is measured by, and what can be wrong with it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::outcome::ResultType;
use crate::exchange::TlsDomain;
use crate::name::{covers, is_below};
use crate::pki::Certificate;

/// How a sender looks at the certificate of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What has to be proved.
    pub proof: Proof,
    /// Of which the certificate has to name one.
    pub references: Vec<Reference>,
    /// Whether a common name counts.
    pub common_name: CommonName,
    /// Which of the alternative names count.
    pub names: NamesRead,
    /// Whose rules count beyond those of the RFCs.
    pub tls_library: TlsLibrary,
    /// Whether a certificate that does not prove it ends the handshake with an alert, as in programs that
    /// leave it to their TLS library; mail servers finish the handshake, look, and leave.
    pub within_handshake: bool,
}

/// What has to be proved before mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Nothing.
    Nothing,
    /// That the chain ends in a trusted root.
    Chain,
    /// That, and the name.
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

/// Whether a common name of the subject counts as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonName {
    /// Never (RFC 9525).
    Never,
    /// Where there is no dNSName (RFC 6125 section 6.4.4), as in OpenSSL.
    WithoutDnsName,
    /// Beside the dNSNames, as in Exchange.
    Always,
}

/// Whose rules a sender measures certificates by, beyond those of the RFCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsLibrary {
    /// OpenSSL, as most clients of `docs/clients.md` have it: two labels have to follow the star of a wildcard
    /// (X509_check_host(3)), and a keyUsage without digitalSignature, keyEncipherment and keyAgreement is not a
    /// server's (X509_check_purpose(3)).
    OpenSsl,
    /// rustls, with which the lab's own senders speak TLS: neither of the two.
    Rustls,
}

/// Which of a certificate's dNSNames a sender reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamesRead {
    /// All of them (RFC 9525 section 6.3).
    All,
    /// The first alone, as clients were found to do: any other name might as well be missing.
    First,
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum CertificateProblem {
    /// It carries none of the names that were expected.
    HostMismatch {
        /// The names that were expected.
        expected: Vec<String>,
        /// The names that were read in it.
        presented: Vec<String>,
    },
    /// It, or one above it, has expired.
    Expired,
    /// It, or one above it, is not valid yet.
    NotYetValid,
    /// It was signed with its own key, and nobody trusts it.
    SelfSigned,
    /// Its chain does not end in a trusted root.
    UnknownIssuer,
    /// It was revoked.
    Revoked,
    /// It was not issued for servers.
    WrongPurpose,
    /// Anything else, in the words of the TLS library.
    Invalid {
        /// What it said.
        reason: String,
    },
}

/// What was found out about a certificate, whether or not it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// What is wrong with the chain.
    pub chain: Option<CertificateProblem>,
    /// What is wrong with the name; `None` also where no name was expected.
    pub name: Option<CertificateProblem>,
}

impl Assessment {
    /// What stands in the way of `proof`; a name proves nothing where the chain does not hold.
    pub fn problem(&self, proof: Proof) -> Option<&CertificateProblem> {
        let chain = self.chain.as_ref().filter(|_| proof >= Proof::Chain);
        chain.or_else(|| self.name.as_ref().filter(|_| proof == Proof::ChainAndName))
    }
}

/// What is wrong with the name of `leaf`, measured by `check`.
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
    match check.tls_library {
        TlsLibrary::OpenSsl => names.retain(|name| !is_wildcard_of_top_level(name)),
        TlsLibrary::Rustls => {}
    }
    let named = |reference: &Reference| reference.is_among(&names, leaf.ip_addresses());
    if check.references.is_empty() || check.references.iter().any(named) {
        return None;
    }
    names.dedup();
    Some(CertificateProblem::HostMismatch {
        expected: check.references.iter().map(ToString::to_string).collect(),
        presented: names.into_iter().map(str::to_owned).collect(),
    })
}

/// `*.test`.
fn is_wildcard_of_top_level(name: &str) -> bool {
    name.strip_prefix("*.").is_some_and(|rest| !rest.trim_end_matches('.').contains('.'))
}

/// What is wrong with the purpose of `leaf` by the library's rules, where its chain holds.
pub fn purpose_problem(leaf: &Certificate, check: &Check) -> Option<CertificateProblem> {
    let refuses = match check.tls_library {
        TlsLibrary::OpenSsl => !leaf.may_be_used_in_handshakes(),
        TlsLibrary::Rustls => false,
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
    /// The word of RFC 8460 section 4.3 for it.
    pub const fn result_type(&self) -> ResultType {
        match self {
            Self::HostMismatch { .. } => ResultType::CertificateHostMismatch,
            Self::Expired => ResultType::CertificateExpired,
            _ => ResultType::CertificateNotTrusted,
        }
    }

    /// The problem as the end of a sentence that starts with the certificate.
    pub fn in_words(&self) -> String {
        match self {
            Self::HostMismatch { expected, presented } if presented.is_empty() => {
                format!("carries no name, where {} was expected", expected.join(" or "))
            }
            Self::HostMismatch { expected, presented } => {
                format!("carries {}, where {} was expected", presented.join(", "), expected.join(" or "))
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

    #[test]
    fn a_name_is_no_proof_where_the_chain_does_not_hold() {
        let assessment = Assessment {
            chain: Some(CertificateProblem::SelfSigned),
            name: Some(CertificateProblem::HostMismatch { expected: Vec::new(), presented: Vec::new() }),
        };
        assert_eq!(assessment.problem(Proof::Nothing), None);
        for proof in [Proof::Chain, Proof::ChainAndName] {
            assert_eq!(assessment.problem(proof), Some(&CertificateProblem::SelfSigned));
        }
    }
}
