//! A certificate as a lab file describes it.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::spec::is_default;
use super::time_spec::TimeSpec;
use crate::exchange::{ChainStatus, PrivateKey, Services};
use crate::pki::{
    DistinguishedName, ExtendedKeyUsage, KeyAlgorithm, KeyUsage, PkiError, SignatureHash, Thumbprint,
};

/// One certificate, issued when the lab starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateSpec {
    /// The name of the certificate in the lab; if omitted, the common name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The thumbprint that it has in the Shell, in events and in reports, such as the one of your own
    /// certificate; if omitted, that of the certificate that is issued here and seen in handshakes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub thumbprint: Option<Thumbprint>,
    /// The subject as Windows writes it, `CN=mail.contoso.com, O=Contoso`; if omitted, the first name. It may
    /// be empty, and may hold several common names, of which the last one comes first in the encoding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The DNS names among the subject alternative names; none for a certificate with a common name only.
    /// Any ASCII is written as it stands, and what is not ASCII in its A-label form (RFC 5890).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Further DNS names, written in UTF-8 as they stand, which RFC 5280 section 4.2.1.6 forbids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raw_names: Vec<String>,
    /// The number of made-up names after the DNS names, each about sixty bytes long.
    #[serde(default, skip_serializing_if = "is_default")]
    pub filler_names: u16,
    /// The IP addresses among the subject alternative names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_addresses: Vec<IpAddr>,
    /// The mail addresses among the subject alternative names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub email_addresses: Vec<String>,
    /// The URIs among the subject alternative names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uris: Vec<String>,
    /// The names of services among the subject alternative names, such as `_submission.lab.test` (RFC 4985).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub srv_names: Vec<String>,
    /// `lab` for the lab's own authority, `self` for a self-signed certificate, or the subject of an
    /// authority that the lab makes for the purpose.
    #[serde(default = "lab", skip_serializing_if = "is_lab")]
    pub issuer: String,
    /// The root at the top of its chain.
    #[serde(default, skip_serializing_if = "is_default")]
    pub root: RootSpec,
    /// The authorities between the root and the certificate, where they differ from the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intermediate: Option<IntermediateSpec>,
    /// The other certificates that are sent in the handshake with this one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub chain_sent: ChainSent,
    /// The services that it is enabled for.
    #[serde(default)]
    pub services: Services,
    /// The state of the private key for the transport service.
    #[serde(default, skip_serializing_if = "is_default")]
    pub private_key: PrivateKey,
    /// The status that Windows finds when it builds the chain.
    #[serde(default, skip_serializing_if = "is_default")]
    pub chain: ChainStatus,
    /// True if its authority has revoked it, whatever Windows on the server knows of that; `certs --dir`
    /// writes the list.
    #[serde(default, skip_serializing_if = "is_default")]
    pub revoked: bool,
    /// Valid from, such as `-30d` or `2010-01-01`.
    #[serde(default = "thirty_days_ago")]
    pub not_before: TimeSpec,
    /// Valid to, such as `+335d` or `-2d`.
    #[serde(default = "eleven_months_ahead")]
    pub not_after: TimeSpec,
    /// The kind of key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub key: KeyAlgorithm,
    /// True if the handshake is signed with another key than the certificate's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub key_mismatch: bool,
    /// The digest in its authority's signature; for `sha1` and `md5` the authority has an RSA key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub signature: SignatureHash,
    /// The version of X.509: 3, or 1, which has no extensions and so no alternative names.
    #[serde(default = "version_3", skip_serializing_if = "is_version_3")]
    #[schemars(range(min = 1, max = 3))]
    pub version: u8,
    /// True if its basicConstraints say that it is an authority's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ca: bool,
    /// Its keyUsage; if omitted, the usages that the key has in TLS; if empty, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_usage: Option<Vec<KeyUsage>>,
    /// Its extendedKeyUsage; if omitted, serverAuth, and clientAuth unless it is self-signed; if empty, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_key_usage: Option<Vec<ExtendedKeyUsage>>,
    /// True if it has an authorityKeyIdentifier; a self-signed one has none.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub authority_key_identifier: bool,
    /// The URLs of its authority's revocation list; on loopback, or below `.test`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crl_distribution_points: Vec<String>,
}

/// The root at the top of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RootSpec {
    /// The lab's own, which clients are given to trust.
    #[default]
    Lab,
    /// A private root of another organization: the server trusts it, and no client does.
    Private,
}

/// The authorities between a root and a certificate. Dates, constraints and lengths are those of the uppermost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IntermediateSpec {
    /// The number of authorities, one below the other.
    #[serde(skip_serializing_if = "is_one")]
    #[schemars(range(max = 20))]
    pub count: u8,
    /// Valid from; if omitted, twenty years ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<TimeSpec>,
    /// Valid to; if omitted, in twenty years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<TimeSpec>,
    /// The maximum number of authorities below it (RFC 5280 section 4.2.1.9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<u8>,
    /// The domains for which it may issue (RFC 5280 section 4.2.1.10).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permitted_names: Vec<String>,
    /// The domains for which it may not issue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_names: Vec<String>,
}

/// The other certificates that a server sends with its own (RFC 8446 section 4.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChainSent {
    /// Every authority below the root, the nearest first.
    #[default]
    Full,
    /// Nothing.
    Leaf,
    /// Every authority, and the root as well.
    WithRoot,
    /// Every authority below the root, the nearest last.
    Reversed,
}

impl CertificateSpec {
    /// Returns a certificate of the lab's own authority for these names, enabled for SMTP. Everything else
    /// has the default of a lab file.
    pub fn naming(names: Vec<String>) -> Self {
        Self {
            label: Some(names.join(",")),
            thumbprint: None,
            subject: None,
            names,
            raw_names: Vec::new(),
            filler_names: 0,
            ip_addresses: Vec::new(),
            email_addresses: Vec::new(),
            uris: Vec::new(),
            srv_names: Vec::new(),
            issuer: lab(),
            root: RootSpec::default(),
            intermediate: None,
            chain_sent: ChainSent::default(),
            services: Services::SMTP,
            private_key: PrivateKey::default(),
            chain: ChainStatus::default(),
            revoked: false,
            not_before: thirty_days_ago(),
            not_after: eleven_months_ahead(),
            key: KeyAlgorithm::default(),
            key_mismatch: false,
            signature: SignatureHash::default(),
            version: version_3(),
            ca: false,
            key_usage: None,
            extended_key_usage: None,
            authority_key_identifier: true,
            crl_distribution_points: Vec::new(),
        }
    }

    /// Returns whether this certificate has the label `label`.
    pub fn is_called(&self, label: &str) -> bool {
        self.called().is_ok_and(|own| own == label)
    }

    /// Returns the label: the given one, or else the common name of the subject.
    ///
    /// # Errors
    ///
    /// Returns the key that is to blame, and what is wrong.
    pub(super) fn called(&self) -> Result<String, (&'static str, String)> {
        if let Some(label) = &self.label {
            return Ok(label.clone());
        }
        let subject = self.distinguished_name()?;
        Ok(subject.common_names().next().map_or_else(|| subject.to_string(), str::to_owned))
    }

    /// Returns the subject: the given one, or else the first name.
    ///
    /// # Errors
    ///
    /// Returns the key that is to blame, and what is wrong.
    pub(super) fn distinguished_name(&self) -> Result<DistinguishedName, (&'static str, String)> {
        let (key, subject) = match (&self.subject, self.names.first()) {
            (Some(subject), _) => ("subject", subject.parse()),
            (None, Some(name)) => ("names", format!("CN={name}").parse()),
            (None, None) => return Err(("names", "a certificate needs a subject or names".to_owned())),
        };
        subject.map_err(|error: PkiError| (key, error.to_string()))
    }

    /// Returns the key of the first setting that contradicts another one or is out of reach, and what is
    /// wrong.
    pub(super) fn contradiction(&self) -> Option<(&'static str, String)> {
        let of_self =
            "a self-signed certificate has no authority above it; leave this away, or name an issuer";
        let of_no_chain =
            "a self-signed certificate has no chain that could be untrusted or revoked; leave chain away";
        let public = self.crl_distribution_points.iter().find(|url| !is_of_the_lab(url));
        let count = self.intermediate.as_ref().map_or(1, |intermediate| intermediate.count);
        let wrong = [
            (self.chain != ChainStatus::Valid, "chain", of_no_chain),
            (self.root != RootSpec::Lab, "root", of_self),
            (self.intermediate.is_some(), "intermediate", of_self),
            (self.chain_sent != ChainSent::Full, "chain_sent", of_self),
            (self.revoked, "revoked", of_self),
        ];
        let wrong = wrong.into_iter().find(|(applies, ..)| self.issuer == "self" && *applies);
        if let Some((_, key, message)) = wrong {
            return Some((key, message.to_owned()));
        }
        if !matches!(self.version, 1 | 3) {
            return Some(("version", format!("X.509 has the versions 1 and 3, not {}", self.version)));
        }
        if count > 20 {
            return Some(("intermediate", format!("{count} authorities are too many; 20 are made at most")));
        }
        public.map(|url| {
            let message = format!(
                "`{url}` leads out of the lab; a list of what was revoked is looked for on loopback, or below .test where nothing is"
            );
            ("crl_distribution_points", message)
        })
    }
}

impl Default for IntermediateSpec {
    fn default() -> Self {
        Self {
            count: 1,
            not_before: None,
            not_after: None,
            path_length: None,
            permitted_names: Vec::new(),
            excluded_names: Vec::new(),
        }
    }
}

/// Returns whether a URL leads to loopback, or to a name that never resolves (RFC 6761).
fn is_of_the_lab(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.to_ascii_lowercase();
    let reserved = [".test", ".invalid", ".localhost"].iter().any(|suffix| host.ends_with(suffix));
    let loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    !authority.contains('@') && (reserved || loopback || host == "localhost")
}

fn lab() -> String {
    "lab".to_owned()
}

fn is_lab(issuer: &str) -> bool {
    issuer == "lab"
}

fn thirty_days_ago() -> TimeSpec {
    TimeSpec::in_days(-30)
}

fn eleven_months_ahead() -> TimeSpec {
    TimeSpec::in_days(335)
}

const fn version_3() -> u8 {
    3
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_version_3(version: &u8) -> bool {
    *version == 3
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_yes(yes: &bool) -> bool {
    *yes
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_one(count: &u8) -> bool {
    *count == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_says_nothing_odd_is_described_as_it_always_was() {
        let spec = CertificateSpec::naming(vec!["mail.contoso.com".to_owned()]);
        let described = r#"{"label":"mail.contoso.com","names":["mail.contoso.com"],"services":["SMTP"],"not_before":"-30d","not_after":"+335d"}"#;
        assert_eq!(serde_json::to_string(&spec).unwrap(), described);
    }

    #[test]
    fn a_list_of_what_was_revoked_is_not_looked_for_outside() {
        for url in ["http://127.0.0.1:8080/a", "http://[::1]/a", "http://crl.lab.test/a", "http://LOCALHOST"]
        {
            assert!(is_of_the_lab(url), "{url}");
        }
        for url in ["http://crl.contoso.com/", "http://10.0.0.1/", "http://a.test@evil.com", "crl.lab.test"] {
            assert!(!is_of_the_lab(url), "{url}");
        }
    }
}
