//! A lab inside your tests: start, talk to it, wait, finish.
//!
//! Three lines to a connector that withholds STARTTLS:
//!
//! ```
//! use starttls_lab::Lab;
//!
//! let lab = Lab::scenario("fqdn-mismatch").start()?;
//! let address = lab.addr(); // point your program here
//! # let _ = std::net::TcpStream::connect(address)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Wait for what your program should have done; if it did not, the error shows what it did instead:
//!
//! ```
//! use starttls_lab::{Lab, a_message};
//! # fn send_by_my_program(_: std::net::SocketAddr) {}
//!
//! # fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let lab = Lab::connector("mail.contoso.com").certificate(["mail.contoso.com"]).start()?;
//! send_by_my_program(lab.addr());
//! let message = lab.wait_for_message(a_message().to("you@contoso.com").over_tls())?;
//! assert_eq!(message.subject.as_deref(), Some("hello"));
//! # Ok(())
//! # }
//! ```
//!
//! Or say beforehand what has to hold at the end:
//!
//! ```
//! # use starttls_lab::Lab;
//! let lab = Lab::scenario("fqdn-mismatch").expect_event(12014).expect_nothing_in_clear().start()?;
//! // ... your program tries to send ...
//! lab.finish().assert();
//! # Ok::<(), starttls_lab::LabError>(())
//! ```
//!
//! [`Lab`] blocks, for `#[test]`; [`AsyncLab`] waits, for `#[tokio::test]` or any other executor. In both
//! cases the lab has a thread and a runtime of its own, so a client that blocks the runtime of the test does
//! not keep the lab from answering. Ports are free ones on loopback. Nothing that the process shares is
//! touched, and two labs never meet. A test that panics prints the transcript of its lab to standard error.

mod async_lab;
mod builder;
mod error;
mod lab;
mod report;
mod running;
mod thread;
mod transcript;
mod verdicts;

pub use async_lab::AsyncLab;
pub use builder::LabBuilder;
pub use error::{CmdletRefused, LabError, UnknownConnector, WaitError};
pub use lab::Lab;
pub use report::Report;
pub use running::Running;

pub use crate::exchange::cmdlet::Answer;
pub use crate::observe::verdict::Said;
pub use crate::observe::{
    Checked, Condition, EventLogEntry, IntoCondition, ReceivedMessage, SessionSummary, a_message, a_session,
    an_event,
};
