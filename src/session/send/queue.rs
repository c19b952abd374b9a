//! The text of Exchange's queue viewer for a deferred message. It names a consequence of the failure, often a
//! misleading one.

use std::fmt::Display;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::check::CertificateProblem;
use super::outcome::{Attempt, Outcome, Reason};
use super::task::Credentials;
use crate::exchange::Profile;
use crate::session::TlsVerb;

/// Returns `LastError` of a queue after an attempt to reach `host` at `endpoint`; `None` if there is none.
///
/// Through 2013 it is one sentence that attributes the local failure to the next hop (KB 2989382); since 2016
/// it is a record with LED, MSG, FQDN, IP and LRT (observed in 2018). Texts that were not found for a failure
/// are not made up: such a failure has the text of the nearest one that has a known text.
pub fn last_error(
    profile: Profile,
    attempt: &Attempt,
    host: &str,
    endpoint: &impl Display,
    now: Timestamp,
) -> Option<String> {
    if attempt.outcome != Outcome::Deferred {
        return None;
    }
    let (inner, kind) = inner(&attempt.reason)?;
    if profile < Profile::Exchange2019 {
        return Some(format!(
            "451 4.4.0 Primary target IP address responded with \"{inner}\" Attempted failover to alternate \
             host, but that did not succeed. Either there are no alternate hosts, or delivery failed to all \
             alternate hosts. The last endpoint attempted was {endpoint}"
        ));
    }
    let inner = inner.trim_end_matches('.');
    let led = match kind {
        Kind::Refused => inner.to_owned(),
        Kind::Connecting => format!("450 4.4.317 Cannot connect to remote server [Message={inner}]"),
        Kind::Dropped => format!("451 4.4.397 Error communicating with target host. -> {inner}"),
    };
    let time = now.to_zoned(TimeZone::UTC).strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string();
    Some(format!("[{{LED={led}}};{{MSG=}};{{FQDN={host}}};{{IP={endpoint}}};{{LRT={time}}}]"))
}

/// The newer code that a failure goes under.
enum Kind {
    Refused,
    Connecting,
    Dropped,
}

/// Returns the reply that is attributed to the next hop, which most of the time it did not give.
fn inner(reason: &Reason) -> Option<(String, Kind)> {
    let word = |text: &str, kind| (text.to_owned(), kind);
    Some(match reason {
        Reason::Reply { reply, .. } | Reason::LogonRefused { reply } => {
            (reply.to_string().replace('\n', " "), Kind::Refused)
        }
        Reason::NotOffered { verb: TlsVerb::StartTls } => {
            word("451 5.7.3 STARTTLS is required to send mail.", Kind::Connecting)
        }
        Reason::NotOffered { verb: TlsVerb::XAnonymousTls } => {
            word("451 5.7.3 Cannot achieve Exchange Server authentication.", Kind::Connecting)
        }
        // Seen on a 2010 whose smart host offered AUTH PLAIN alone.
        Reason::LogonNotOffered => word("451 5.7.3 Require basic authentication.", Kind::Connecting),
        Reason::OwnCertificate(Credentials::PinNotFound) => word(
            "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be found.",
            Kind::Refused,
        ),
        // Nothing timed out: this is how the queue shows a key that cannot be used.
        Reason::OwnCertificate(_) => word("421 4.4.1 Connection timed out.", Kind::Dropped),
        Reason::Certificate(CertificateProblem::HostMismatch { .. }) => {
            word("450 4.7.320 Certificate validation failed [Message=SubjectMismatch]", Kind::Refused)
        }
        Reason::Certificate(_) => word("450 4.7.320 Certificate validation failed", Kind::Refused),
        Reason::TimedOut { .. } => word("421 4.4.2 Connection dropped due to TimedOut.", Kind::Dropped),
        Reason::NoConnection { .. } => word("421 4.2.1 Unable to connect.", Kind::Connecting),
        // An expired message is in no queue any more.
        Reason::Expired => return None,
        Reason::Handshake(_) | Reason::Closed { .. } | Reason::Broken { .. } | Reason::NotSmtp { .. } => {
            word("421 4.4.2 Connection dropped due to SocketError.", Kind::Dropped)
        }
    })
}
