//! Stores on paper: what a certificate says is plain data, so nothing has to be issued.

use jiff::{SignedDuration, Timestamp};
use starttls_lab::internal::exchange::{
    CertificateFacts, CertificateStore, ChainStatus, Outcome, PrivateKey, Rules, SearchKey, Selection,
    Services, StoredCertificate, Verdict, select,
};
use starttls_lab::internal::pki::Thumbprint;

pub(crate) const FQDN: &str = "mail.contoso.com";
pub(crate) const SUBJECT: &str = "CN=mail.contoso.com, O=Contoso";
pub(crate) const ISSUER: &str = "CN=Contoso Issuing CA G2, O=Contoso";

pub(crate) fn now() -> Timestamp {
    "2010-09-28T09:35:58Z".parse().unwrap()
}

pub(crate) fn in_hours(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

/// A certificate that is right in everything: the tests say what is wrong.
pub(crate) fn fitting(label: &str) -> StoredCertificate {
    StoredCertificate {
        label: label.to_owned(),
        facts: CertificateFacts {
            thumbprint: Thumbprint::of(label.as_bytes()),
            subject: SUBJECT.to_owned(),
            issuer: ISSUER.to_owned(),
            serial_number: "01".to_owned(),
            common_names: vec![FQDN.to_owned()],
            dns_names: vec![FQDN.to_owned()],
            not_before: in_hours(-24 * 30),
            not_after: in_hours(24 * 335),
            version: 3,
            self_signed: false,
        },
        services: Services::SMTP,
        private_key: PrivateKey::Present,
        chain: ChainStatus::Valid,
        material: None,
    }
}

pub(crate) fn connector_fqdn(name: &str) -> SearchKey {
    SearchKey::ConnectorFqdn(name.parse().unwrap())
}

pub(crate) fn pin(issuer: &str, subject: &str) -> SearchKey {
    SearchKey::Pin(format!("<I>{issuer}<S>{subject}").parse().unwrap())
}

/// What of a selection decides what happens: the certificate, and what is wrong with it all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) chosen: Option<String>,
    pub(crate) expired: bool,
    pub(crate) handshake_fails: bool,
    /// The labels of those that cannot be used.
    pub(crate) not_eligible: Vec<String>,
}

pub(crate) fn selected(
    certificates: &[StoredCertificate],
    key: &SearchKey,
    rules: &Rules,
    now: Timestamp,
) -> (Found, Selection) {
    let mut store = CertificateStore::default();
    certificates.iter().cloned().for_each(|certificate| store.add(certificate));
    let selection = select(&store, key.clone(), rules, now);
    (found(&selection), selection)
}

/// Reads the verdicts, and holds them against the outcome: the two must tell the same.
fn found(selection: &Selection) -> Found {
    let labels = |of: fn(&Verdict) -> bool| -> Vec<String> {
        let those = selection.candidates.iter().filter(|candidate| of(&candidate.verdict));
        those.map(|candidate| candidate.label.clone()).collect()
    };
    let chosen = labels(|verdict| matches!(verdict, Verdict::Chosen));
    assert!(chosen.len() < 2, "{chosen:?} cannot all be chosen");
    let offered = match selection.outcome {
        Outcome::Offered(offered) => Some(offered),
        Outcome::Withheld => None,
        Outcome::NotConfigured => panic!("`select` searches whenever it is asked"),
    };
    let by_label = chosen.first().map(|label| Thumbprint::of(label.as_bytes()));
    assert_eq!(offered.map(|offered| offered.thumbprint), by_label);
    for candidate in &selection.candidates {
        match &candidate.verdict {
            Verdict::Beaten { by, .. } => assert_eq!(Some(by), chosen.first()),
            Verdict::NotEligible { reasons } => assert!(!reasons.is_empty()),
            Verdict::Chosen => {}
            Verdict::NotLookedAt => panic!("everything in the store is looked at"),
        }
    }
    Found {
        chosen: chosen.first().cloned(),
        expired: offered.is_some_and(|offered| offered.expired),
        handshake_fails: offered.is_some_and(|offered| offered.handshake_fails),
        not_eligible: labels(|verdict| matches!(verdict, Verdict::NotEligible { .. })),
    }
}
