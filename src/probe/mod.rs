//! A reader of SMTP servers, real ones and a lab's: what they show up to the point where mail would be sent.
//!
//! [`probe`] connects to every address of a [`Target`], reads the banner, says EHLO, STARTTLS and EHLO again,
//! and tries one version of TLS after the other. It never says MAIL, RCPT, DATA or AUTH, ends every conversation
//! that is still one with QUIT, and gives each answer a bounded time and a bounded number of bytes. What came of
//! it is a [`Run`], a value that is saved and read again. Everything else is a reading of runs:
//!
//! ```text
//! run        the value: hosts, their members (addresses), what each of them showed; handshake: TLS of it
//! target     HOST[:PORT] as a person writes it
//! talk       one conversation; visit: the connections to one address
//! names      which name of a certificate covers the host, by each rule
//! senders    what each class of senders would come to, by playing its session against what was seen
//! findings   the first line, and what a person should know
//! facets     what was seen, as single values that can be compared; compare, drift and middlebox compare them
//! lab_file   a lab that shows the same
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
