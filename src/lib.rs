//! A lab in which SMTP fails to become TLS on purpose, so that the failure can be reproduced,
//! explained, mended, and kept mended by a test.
//!
//! Microsoft Exchange *selects* the certificate for STARTTLS out of the computer's store by the
//! connector's FQDN. Where nothing in the store fits, it logs event 12014, stops offering STARTTLS,
//! and mail goes in clear. This crate holds that rule as one pure function, the receive connector
//! around it as a session without I/O, and a server that plays it over real sockets with real TLS.
//!
//! # The house
//!
//! Imports go down only: a module may name modules of a lower floor and of its own, and nothing
//! else. `tests/model/map.rs` reads the table below and fails on an import that goes up or sideways.
//!
//! ```text
//! floor 9  cli         words in, facts out, an exit code; a file a verb
//! floor 8  harness     a lab inside anybody's tests: start, talk to it, wait, finish
//!          console     the same over HTTP, for whoever is outside of the process (only here: axum)
//! floor 7  lab         the engine: a lab as a whole, started, changed and ended; check and verify are two runs of it
//!          probe       what a server shows to a reader that sends no mail; runs compared, saved, made into a lab
//! floor 6  judgement   a client's conduct measured by its policy, and the class that it belongs to
//!          wire        the server and the sender: drive sessions over sockets or in memory (only here: tokio's net)
//!          import      what administrators paste: events, errors, exports and certificates, and labs out of them
//! floor 5  tls         certificates -> rustls; rustls's failures -> our words (only here: rustls)
//!          observe     what was seen: sessions, messages, events, verdicts; conditions and expectations
//!          renewal     a certificate exchanged on the model: what each connector does, step by step and day by day
//! floor 4  scenario    a whole lab on paper: TOML, JSON, the built-in stories, the fault catalogue
//!          journal     what happened, in order, once; every log is a view of it
//! floor 3  session     one conversation, receiving or sending, without I/O; faults as rules
//! floor 2  exchange    computer, certificate store, connectors, the selection rule, events, fixes, cmdlets
//! floor 1  pki         issuing and describing certificates (only here: rcgen)
//!          smtp        SMTP as values: decoder, command, reply, message
//! floor 0  name        host names, and which certificate name covers which
//!          clock       the lab's clock: the only one that anything asks for the time, or waits by
//!          bounded     a list with a bound that says what it dropped
//!          nearest     the word that was probably meant
//! ```
//!
//! Floors 0 to 4, `renewal` and `judgement` decide (as does `observe`, which waits besides): they never await, never read a clock (the clock apart) and never
//! draw randomness; they are handed the time and the keys. (The one function that makes a key,
//! [`pki::KeyPair::generate`], is called from floor 7.) `tls` and floor 6 move bytes. Floors 7 to 9 are
//! for people.
//!
//! # A byte's journey
//!
//! A [`scenario::Scenario`] is read and built into [`exchange::Computer`]s whose stores hold
//! certificates issued on the spot. For each connector [`exchange::select`] is asked which
//! certificate it would use; a refusal becomes event 12014 in the [`journal::Journal`] before
//! anything listens. [`wire`] binds and accepts; bytes become lines, lines become
//! [`smtp::Command`]s, and [`session::ReceiveSession`] answers each with exactly one
//! [`session::Step`]. Where a connector has fault rules ([`session::fault`]), they are asked first,
//! and what they decide the session never hears of. The step is written down first and sent afterwards, so
//! whoever has read the 250 finds the message in the journal; [`observe::verdict`] reads out of it what a
//! client's conduct amounts to.
//!
//! The other way round, a [`session::send::SendSession`] plays one of the senders that
//! [`session::send::BUILT_IN`] describes or that the parameters of a Send connector amount to, and
//! [`wire::Sender`] takes it to an address that it was handed. What a computer has accepted for another one
//! goes on like this, where [`exchange::route`] says, to sockets of the same lab and to nothing else.

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("starttls-lab needs one cryptographic provider: feature `aws-lc-rs` (default) or `ring`");

pub mod bounded;
pub mod clock;
#[cfg(feature = "console")]
pub mod console;
pub mod exchange;
pub mod harness;
pub mod import;
pub mod journal;
pub mod judgement;
pub mod lab;
pub mod name;
mod nearest;
pub mod observe;
pub mod pki;
pub mod probe;
pub mod renewal;
pub mod scenario;
pub mod session;
pub mod smtp;
pub mod tls;
pub mod wire;

#[cfg(feature = "cli")]
pub mod cli;

pub use harness::{
    Answer, AsyncLab, CmdletRefused, Condition, EventLogEntry, Lab, LabBuilder, LabError, ReceivedMessage,
    Report, SessionSummary, WaitError, a_message, a_session, an_event,
};
pub use session::fault::{
    AfterTls, Auth, Bdat, Body, Capabilities, ClientCertificate, Close, Connect, Data, Ehlo, EndOfData,
    Fault, FaultSpec, Handshake, Helo, LegacyVersion, Mail, Nth, Other, Presented, Quit, Rcpt, Rset,
    ShownCertificate, StartTls, TlsSettings,
};
