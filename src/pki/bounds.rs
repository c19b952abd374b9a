//! The uses that a certificate allows itself.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, GeneralSubtree};

use super::der;

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
            for_servers: allows(x509, EXTENDED_KEY_USAGE, is_for_servers),
            for_handshakes: allows(x509, KEY_USAGE, is_for_handshakes),
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

/// 2.5.29.15 and 2.5.29.37 (RFC 5280 sections 4.2.1.3 and 4.2.1.12).
const KEY_USAGE: &[u8] = &[0x55, 29, 15];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 29, 37];

/// Returns whether the extension `kind` allows a use, or there is none. One that cannot be read or occurs twice allows
/// nothing: OpenSSL refuses the certificate.
fn allows(x509: &X509Certificate<'_>, kind: &[u8], use_: impl Fn(&[u8]) -> Option<bool>) -> bool {
    let mut extensions = x509.extensions().iter().filter(|extension| extension.oid.as_bytes() == kind);
    match (extensions.next(), extensions.next()) {
        (None, _) => true,
        (Some(extension), None) => use_(extension.value).unwrap_or(false),
        (Some(_), Some(_)) => false,
    }
}

/// Returns whether id-kp-serverAuth is among the purposes; `None` if they cannot be read.
///
/// x509-parser takes anything for a purpose, and drops what follows one that it cannot read.
fn is_for_servers(extended_key_usage: &[u8]) -> Option<bool> {
    const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    let mut purposes = whole(extended_key_usage, der::SEQUENCE)?;
    let mut found = false;
    while !purposes.is_empty() {
        let (purpose, rest) = der::read(purposes)?;
        if purpose.tag != der::OID || !der::is_oid(purpose.content) {
            return None;
        }
        found |= purpose.content == SERVER_AUTH;
        purposes = rest;
    }
    Some(found)
}

/// Returns whether digitalSignature, keyEncipherment or keyAgreement is among the uses; `None` if they cannot be read.
fn is_for_handshakes(key_usage: &[u8]) -> Option<bool> {
    // The first bit is the most significant one.
    const HANDSHAKES: u8 = 0b1010_1000;
    let (&unused, bits) = whole(key_usage, der::BIT_STRING)?.split_first()?;
    // DER wants the unused bits to be zero, and x509-parser insists on it. OpenSSL passes over them.
    let meant = match bits {
        [] => 0,
        [last] => last & 0xff_u8.checked_shl(unused.into())?,
        [first, ..] => *first,
    };
    (unused < 8).then_some(meant & HANDSHAKES != 0)
}

/// The content of an element of `tag` that nothing follows.
fn whole(value: &[u8], tag: u8) -> Option<&[u8]> {
    let (element, rest) = der::read(value)?;
    (element.tag == tag && rest.is_empty()).then_some(element.content)
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

    #[test]
    fn a_server_is_whom_purposes_say_that_can_be_read() {
        let purposes = |content: &[u8]| der::write(der::SEQUENCE, &[content]);
        let server = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1][..];
        let client = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2][..];
        assert_eq!(is_for_servers(&purposes(&[client, server].concat())), Some(true));
        assert_eq!(is_for_servers(&purposes(client)), Some(false));
        assert_eq!(is_for_servers(&purposes(&[])), Some(false));
        // An identifier whose last arc does not end, another tag, half an element, what is behind the list.
        for broken in [&[6, 4, 0x55, 0x1d, 0x25, 0x86][..], &[0x1b, 1, 1], &[6, 3, 1]] {
            assert_eq!(is_for_servers(&purposes(&[server, broken].concat())), None, "{broken:x?}");
        }
        assert_eq!(is_for_servers(&[&*purposes(server), &[0]].concat()), None);
        assert_eq!(is_for_servers(server), None);
    }

    #[test]
    fn the_uses_in_a_handshake_are_read_as_openssl_reads_them() {
        for (bits, expected) in [
            (&[5, 0xa0][..], Some(true)),
            (&[3, 0x08], Some(true)),
            (&[6, 0x40], Some(false)),
            (&[0, 0x40, 0x80], Some(false)),
            (&[7, 0xd7], Some(true)),
            // keyEncipherment stands among the unused bits.
            (&[6, 0x60], Some(false)),
            (&[0], Some(false)),
            (&[8, 0x80], None),
            (&[], None),
        ] {
            assert_eq!(is_for_handshakes(&der::write(der::BIT_STRING, &[bits])), expected, "{bits:x?}");
        }
        assert_eq!(is_for_handshakes(&[der::OCTET_STRING, 2, 5, 0xa0]), None);
    }
}
