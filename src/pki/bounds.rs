//! The uses that a certificate allows itself.

use x509_parser::certificate::{BasicExtension, X509Certificate};
use x509_parser::extensions::{GeneralName, GeneralSubtree};

pub(super) struct Bounds {
    pub(super) for_servers: bool,
    pub(super) for_handshakes: bool,
    pub(super) outdated_signature: bool,
    pub(super) path_length: Option<u32>,
    permitted: Vec<String>,
    excluded: Vec<String>,
}

impl Bounds {
    pub(super) fn of(x509: &X509Certificate<'_>) -> Self {
        let constraints = x509.name_constraints().ok().flatten();
        let trees = |trees: Option<&Vec<GeneralSubtree<'_>>>| {
            let names = trees.into_iter().flatten().filter_map(|tree| match tree.base {
                GeneralName::DNSName(name) => Some(name.to_owned()),
                _ => None,
            });
            names.collect()
        };
        let authority = x509.basic_constraints().ok().flatten();
        // RFC 8017 appendix C and RFC 5758: signatures over MD5 and SHA-1.
        let outdated = ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];
        Self {
            // An extension that cannot be read or occurs twice allows nothing: OpenSSL refuses the certificate.
            for_servers: x509
                .extended_key_usage()
                .is_ok_and(|purposes| purposes.is_none_or(|purposes| purposes.value.server_auth)),
            for_handshakes: x509.key_usage().is_ok_and(|usage| {
                usage.is_none_or(|BasicExtension { value, .. }| {
                    value.digital_signature() || value.key_encipherment() || value.key_agreement()
                })
            }),
            outdated_signature: outdated.contains(&&*x509.signature_algorithm.algorithm.to_id_string()),
            path_length: authority.and_then(|authority| authority.value.path_len_constraint),
            permitted: trees(constraints.as_ref().and_then(|it| it.value.permitted_subtrees.as_ref())),
            excluded: trees(constraints.as_ref().and_then(|it| it.value.excluded_subtrees.as_ref())),
        }
    }

    pub(super) fn permits(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let below = |domain: &String| {
            let domain = domain.to_ascii_lowercase();
            let labels = name.strip_suffix(&domain);
            labels.is_some_and(|labels| labels.is_empty() || labels.ends_with('.') || domain.starts_with('.'))
        };
        (self.permitted.is_empty() || self.permitted.iter().any(below)) && !self.excluded.iter().any(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_that_is_permitted_includes_what_lies_below_it_and_no_namesake() {
        let bounds = |permitted: &[&str], excluded: &[&str]| Bounds {
            for_servers: true,
            for_handshakes: true,
            outdated_signature: false,
            path_length: None,
            permitted: permitted.iter().map(|&it| it.to_owned()).collect(),
            excluded: excluded.iter().map(|&it| it.to_owned()).collect(),
        };
        let contoso = bounds(&["Contoso.com"], &["hr.contoso.com"]);
        assert!(contoso.permits("contoso.com") && contoso.permits("MAIL.contoso.com"));
        for name in ["notcontoso.com", "lab.test", "hr.contoso.com", "mx.hr.contoso.com"] {
            assert!(!contoso.permits(name), "{name}");
        }
        assert!(bounds(&[], &[]).permits("lab.test"));
        assert!(bounds(&[".contoso.com"], &[]).permits("mail.contoso.com"));
    }
}
