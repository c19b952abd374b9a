//! The sending side of a conversation as a value, and the attempts to deliver one message.
//!
//! A [`SendSession`] is opened with a [`Task`], is handed [`SendInput`]s and answers each with exactly one
//! [`SendStep`]. The kind of sender that it emulates is data, a [`SenderPolicy`]. A handshake that succeeds
//! makes a *new* session ([`SendSession::secure`]), so nothing the server said in clear survives it (RFC 3207
//! section 4.2). One conversation may carry several messages. Every attempt ends in an [`Attempt`]; a
//! [`Delivery`] keeps them in order and states when the next one is due; its caller does the waiting.

mod check;
mod delivery;
mod logon;
mod outcome;
mod policy;
mod profiles;
mod queue;
mod session;
mod step;
mod task;
mod transaction;

pub use check::{
    Assessment, CertificateProblem, Check, CommonName, LibraryRules, NamesRead, Proof, Reference,
    name_problem, purpose_problem,
};
pub use delivery::{Delivery, Made, NextAttempt};
pub use outcome::{Attempt, Outcome, Reason, ResultType, SendStage};
pub use policy::{
    AfterHandshakeFailure, AfterRefusal, Expect, GoAhead, Logon, Queue, SenderPolicy, Trust, Use,
};
pub use profiles::{BUILT_IN, BuiltIn, UnknownSender};
pub use queue::last_error;
pub use session::SendSession;
pub use step::{Handshake, Said, Secret, SendFact, SendInput, SendNext, SendStep};
pub use task::{Credentials, Outgoing, Secured, Task};
