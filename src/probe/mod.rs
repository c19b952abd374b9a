//! A prober of SMTP servers, real ones and a lab's: it records their answers up to the point where mail would
//! be sent.
//!
//! [`probe`] connects to every address of a [`Target`], reads the banner, sends EHLO, STARTTLS and EHLO
//! again, and tries one version of TLS after the other. It never sends MAIL, RCPT, DATA or AUTH. It ends
//! every session that is still open with QUIT, and gives each answer a bounded time and a bounded number of
//! bytes. The result is a [`Run`], a value that is saved and read again. Everything else evaluates runs:
//!
//! ```text
//! run        the value: hosts, their members (addresses), the answers of each; handshake: the TLS part of it
//! target     HOST[:PORT] as a user writes it
//! talk       one session; visit: the connections to one address
//! names      which name of a certificate covers the host, by each rule
//! senders    the outcome for each class of senders, by running its session against the recorded answers
//! findings   the verdict in the first line, and everything else that was noticed
//! facets     what was seen, as single values that can be compared; compare, drift and middlebox compare them
//! lab_file   a lab whose connector shows what was seen
//! ```

mod drift;
mod facets;
mod findings;
mod handshake;
mod lab_file;
mod middlebox;
mod names;
mod run;
mod senders;
mod talk;
mod target;
mod visit;

pub use drift::{Drift, Shared, drift};
pub use facets::{Difference, Facet, FacetKind, differences, facets};
pub use findings::{Finding, Severity, findings};
pub use handshake::{
    Answered, Established, FailedHandshake, FailureKind, Handshake, Offer, Presented, Trial,
};
pub use lab_file::{NothingSeen, lab_file};
pub use middlebox::{Middlebox, middlebox};
pub use names::{NameMatch, NameRule, names};
pub use run::{FORMAT, Heard, Host, Member, Run, RunError, Visit};
pub use senders::{SenderOutcome, outcomes};
pub use target::{Target, TargetError};
pub use visit::{Options, ProbeError, Prober};
