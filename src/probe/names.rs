//! The name of a certificate that covers a host, by each rule that is in use.

use serde::Serialize;

use crate::exchange::CertificateFacts;
use crate::name::covers;
use crate::pki::Certificate;
use crate::session::send::{Check, CommonName, LibraryRules, NamesRead, Proof, Reference, name_problem};

/// A rule by which a host is looked for in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameRule {
    /// Exchange's selection of a certificate for a connector: subject and alternative names alike.
    ExchangeSelection,
    /// RFC 9525: the alternative names only.
    Rfc9525,
    /// RFC 6125 section 6.4.4: a common name if there is no dNSName.
    CommonNameFallback,
}

/// The result of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameMatch {
    /// The rule.
    pub rule: NameRule,
    /// The name of the certificate that covers the host; `None` where no name does.
    pub by: Option<String>,
}

impl NameRule {
    /// All rules.
    pub const ALL: [Self; 3] = [Self::ExchangeSelection, Self::Rfc9525, Self::CommonNameFallback];

    /// Returns the rule in a few words.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::ExchangeSelection => "Exchange's selection",
            Self::Rfc9525 => "RFC 9525",
            Self::CommonNameFallback => "common-name fallback",
        }
    }
}

/// Returns the result of each rule for `host`, a host name or an address, in `leaf`.
pub fn names(leaf: &Certificate, host: &str) -> Vec<NameMatch> {
    NameRule::ALL.map(|rule| NameMatch { rule, by: covering(leaf, host, rule) }).to_vec()
}

fn covering(leaf: &Certificate, host: &str, rule: NameRule) -> Option<String> {
    let common_name = match rule {
        NameRule::ExchangeSelection => {
            let facts = CertificateFacts::from(leaf);
            let found = facts.names().into_iter().filter_map(|name| Some((covers(name, host)?, name)));
            return found.min_by_key(|(coverage, _)| *coverage).map(|(_, name)| name.to_owned());
        }
        NameRule::Rfc9525 => CommonName::Never,
        NameRule::CommonNameFallback => CommonName::WithoutDnsName,
    };
    let check = check(host, common_name, LibraryRules::None);
    if name_problem(leaf, &check).is_some() {
        return None;
    }
    let names = leaf.dns_names().iter().chain(leaf.common_names());
    let best =
        names.filter_map(|name| Some((covers(name, host)?, name))).min_by_key(|(coverage, _)| *coverage);
    // A host that is not a name is an address, which the certificate has among its own.
    Some(best.map_or_else(|| host.to_owned(), |(_, name)| name.clone()))
}

/// The check of a sender that looks for `host`.
pub(super) fn check(host: &str, common_name: CommonName, library_rules: LibraryRules) -> Check {
    Check {
        proof: Proof::ChainAndName,
        references: vec![Reference::Host(host.to_owned())],
        common_name,
        names: NamesRead::All,
        library_rules,
        within_handshake: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{KeyPair, Template, self_signed};

    fn found(subject: &str, dns: &[&str], host: &str) -> Vec<Option<String>> {
        let template = Template {
            subject: subject.parse().unwrap(),
            dns_names: dns.iter().map(|name| (*name).to_owned()).collect(),
            ip_addresses: vec!["192.0.2.1".parse().unwrap()],
            serial_number: vec![1],
            ..Template::default()
        };
        let key = KeyPair::generate(Default::default()).unwrap();
        let leaf = self_signed(&template, &key).unwrap();
        names(&leaf, host).into_iter().map(|it| it.by).collect()
    }

    #[test]
    fn each_rule_reads_other_names() {
        let some = |name: &str| Some(name.to_owned());
        let mx = "mx1.lab.test";
        assert_eq!(found("CN=mx1.lab.test", &[], mx), [some(mx), None, some(mx)]);
        assert_eq!(found("CN=mx1.lab.test", &["other.lab.test"], mx), [some(mx), None, None]);
        let wildcard = found("CN=any", &["*.lab.test", "MX1.lab.test"], mx);
        assert_eq!(wildcard, vec![some("MX1.lab.test"); 3]);
        assert_eq!(found("CN=192.0.2.1", &[], "192.0.2.1"), vec![some("192.0.2.1"); 3]);
        assert_eq!(found("CN=a", &["b"], "192.0.2.2"), [None, None, None]);
    }
}
