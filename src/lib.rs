//! A lab in which SMTP fails to become TLS on purpose, so that the failure can be reproduced, explained, fixed, and kept
//! fixed by a test.
//!
//! Microsoft Exchange selects the certificate for STARTTLS from the computer's store by the connector's FQDN. Where no
//! certificate fits, it logs event 12014, stops offering STARTTLS, and mail goes in clear. A lab runs such connectors, with
//! real sockets, real TLS and certificates issued on the spot, inside your test:
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//!
//! use starttls_lab::{Lab, a_session};
//!
//! let lab = Lab::scenario("fqdn-mismatch").expect_event(12014).expect_nothing_in_clear().start()?;
//!
//! // Your program goes here. This one asks for STARTTLS, is not offered it, and leaves.
//! let mut client = BufReader::new(TcpStream::connect(lab.addr())?);
//! client.get_mut().write_all(b"EHLO client.example\r\nQUIT\r\n")?;
//! let replies: Vec<String> = client.lines().collect::<Result<_, _>>()?;
//! assert!(!replies.iter().any(|line| line.contains("STARTTLS")));
//!
//! lab.wait_for_session(a_session().with_messages(0))?;
//! lab.run("Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com")?;
//! assert!(lab.connectors()[0].starttls);
//! lab.finish().assert();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Lab`] blocks, for `#[test]`; [`AsyncLab`] is for any executor. [`LabBuilder`] says what the lab is.
//! - [`a_message`], [`a_session`] and [`an_event`] begin a [`Condition`], to wait for or to expect.
//! - [`Fault`] builds a fault rule: what a connector does wrong on purpose, at which stage, to which client.
//! - [`Report`] is what a finished lab says; [`Verdict`] what one client's conduct amounts to.
//! - [`Scenario`] is a whole lab as a value: a lab file, read.
//!
//! `ARCHITECTURE.md` has the map of the modules, which are private.

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
compile_error!("starttls-lab needs one cryptographic provider: feature `aws-lc-rs` (default) or `ring`");

mod bounded;
#[cfg(feature = "cli")]
mod cli;
mod clock;
mod exchange;
mod harness;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "cli")]
mod import;
mod journal;
mod judgement;
mod lab;
mod name;
mod nearest;
mod observe;
mod pki;
#[cfg(feature = "cli")]
mod probe;
#[cfg(feature = "cli")]
mod renewal;
#[cfg(feature = "http")]
mod report;
mod scenario;
mod session;
mod smtp;
mod tls;
mod wire;

pub use clock::Clock;
pub use exchange::{Profile, Role};
pub use harness::{
    Answer, AsyncLab, Checked, CmdletRefused, Condition, EventLogEntry, IntoCondition, Lab, LabBuilder,
    LabError, ReceivedMessage, Report, Running, Said, SessionSummary, UnknownConnector, WaitError, a_message,
    a_session, an_event,
};
pub use observe::verdict::Verdict;
pub use scenario::Scenario;
pub use session::fault::{
    AfterTls, Auth, Bdat, Body, Capabilities, ClientCertificate, Close, Connect, Data, Ehlo, EndOfData,
    Fault, FaultSpec, Handshake, Helo, LegacyVersion, Mail, Nth, NthError, Other, Presented, Quit, Rcpt,
    Rset, ShownCertificate, StartTls, TlsSettings,
};
pub use session::{TlsFailure, TlsVersion};

/// The parts of a [`Scenario`]: what a lab file says, as values.
pub mod lab_file {
    pub use crate::exchange::{
        AddressSpaceProblem, Binding, IpRange, PinProblem, PrivateKey, ReceiveConnectorParameters,
        RuleOverrides, SendConnectorParameters, SendUsage, Services, Usage, ValueError,
    };
    pub use crate::name::Fqdn;
    pub use crate::scenario::{
        CertificateSpec, CommandsSpec, ComputerSpec, Expectations, LogonSpec, RepairSpec, ScenarioError,
        SenderChange, SenderSpec, TimeSpec, TimeSpecError,
    };
}

/// The interior, for this project's own program, tests and benchmarks. It changes without notice; nothing of it belongs
/// to the public interface.
#[doc(hidden)]
#[allow(missing_docs, reason = "each module says what it is where it stands")]
pub mod internal {
    pub mod bounded {
        pub use crate::bounded::*;
    }
    #[cfg(feature = "cli")]
    pub mod cli {
        pub use crate::cli::*;
    }
    pub mod clock {
        pub use crate::clock::*;
    }
    #[cfg(feature = "http")]
    pub mod http {
        pub use crate::http::*;
    }
    pub mod exchange {
        pub use crate::exchange::*;
    }
    pub mod harness {
        pub use crate::harness::*;
    }
    #[cfg(feature = "cli")]
    pub mod import {
        pub use crate::import::*;
    }
    pub mod journal {
        pub use crate::journal::*;
    }
    pub mod judgement {
        pub use crate::judgement::*;
    }
    pub mod lab {
        pub use crate::lab::*;
    }
    pub mod name {
        pub use crate::name::*;
    }
    pub mod observe {
        pub use crate::observe::*;
    }
    pub mod pki {
        pub use crate::pki::*;
    }
    #[cfg(feature = "cli")]
    pub mod probe {
        pub use crate::probe::*;
    }
    #[cfg(feature = "cli")]
    pub mod renewal {
        pub use crate::renewal::*;
    }
    #[cfg(feature = "http")]
    pub mod report {
        pub use crate::report::*;
    }
    pub mod scenario {
        pub use crate::scenario::*;
    }
    pub mod session {
        pub use crate::session::*;
    }
    pub mod smtp {
        pub use crate::smtp::*;
    }
    pub mod tls {
        pub use crate::tls::*;
    }
    pub mod wire {
        pub use crate::wire::*;
    }
}
