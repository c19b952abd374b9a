//! The opinions of verifying senders on the certificate that is presented.
//!
//! Exchange takes a name from the subject or from the alternative names; RFC 9525 section 6.3 takes it from
//! the alternative names only. This difference explains most certificates that "work in Exchange and nowhere
//! else".

use jiff::Timestamp;

use super::Opinion;
use super::words::{day, named};
use crate::exchange::{Computer, ReceiveConnector, Selection, StoredCertificate};
use crate::name::{Coverage, covers};

/// Returns the senders' opinions on `selection`'s outcome, when they dial the name that the connector answers
/// with.
pub(super) fn of_senders(
    selection: &Selection,
    connector: &ReceiveConnector,
    computer: &Computer,
    now: Timestamp,
) -> Vec<Opinion> {
    let presented = selection.offered().and_then(|offered| computer.store.find(offered.thumbprint));
    let Some(presented) = presented else {
        return vec![
            opinion("opportunistic", "sends in clear, and tells nobody (policy may)"),
            opinion("tls-required", "does not deliver at all (policies encrypt, verify, secure)"),
        ];
    };
    let host = computer.fqdn_of(connector).as_str();
    let mut opinions = vec![by_name(presented, host)];
    if presented.facts.self_signed {
        opinions.push(opinion(
            "self-signed",
            "refused by every sender that verifies, unless it was told to trust this very certificate",
        ));
    } else {
        opinions.push(opinion(
            "authority",
            format!("accepted by senders that verify only if they trust {}", presented.facts.issuer),
        ));
    }
    let certificate = presented.material.as_ref().map(|material| &material.certificate);
    if certificate.is_some_and(|certificate| !certificate.is_for_servers()) {
        opinions.push(opinion(
            "wrong-purpose",
            "its extendedKeyUsage lacks serverAuth: refused by most senders that verify",
        ));
    }
    if presented.facts.has_expired(now) {
        opinions.push(opinion("expired", format!("refused since {}", day(presented.facts.not_after))));
    }
    if presented.facts.is_not_yet_valid(now) {
        opinions.push(opinion("not-yet-valid", format!("refused until {}", day(presented.facts.not_before))));
    }
    opinions.push(opinion(
        "dialled-name",
        format!(
            "a sender compares with the name it dials (MX or next hop); whether that is {host} stands in DNS, not here"
        ),
    ));
    opinions
}

fn by_name(presented: &StoredCertificate, host: &str) -> Opinion {
    let best = |names: &[String]| names.iter().filter_map(|name| covers(name, host)).min();
    let (facts, certificate) = (&presented.facts, named(presented));
    match (best(&facts.dns_names), best(&facts.common_names)) {
        (Some(Coverage::Exact), _) => {
            opinion("exact-san", format!("{certificate} names {host} among its alternative names"))
        }
        (Some(Coverage::Wildcard), _) => opinion(
            "wildcard-one-label",
            format!("{certificate} covers {host} by a wildcard, which stands for one label"),
        ),
        (None, Some(_)) if facts.dns_names.is_empty() => opinion(
            "cn-only",
            format!(
                "{certificate} carries {host} in the subject only: OpenSSL, Python and Java take that, RFC 9525 does not, nor do Go since 1.15 and rustls"
            ),
        ),
        (None, Some(_)) => opinion(
            "cn-match-san-mismatch",
            format!(
                "{certificate} carries {host} in the subject, and other names as alternatives: Exchange takes that, senders that verify do not"
            ),
        ),
        (None, None) => opinion(
            "both-mismatch",
            format!(
                "{certificate} does not carry {host}: a sender that dials that name and verifies refuses it"
            ),
        ),
    }
}

fn opinion(case: &'static str, words: impl Into<String>) -> Opinion {
    Opinion { case, words: words.into() }
}
