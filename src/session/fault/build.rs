//! Faults as Rust builds them.

use std::marker::PhantomData;
use std::num::NonZeroU32;

use super::action::Action;
use super::list::Actions;
use super::nth::Nth;
use super::spec::{FaultSpec, ShownCertificate, Then, When};
use super::stage::Stage;
use crate::exchange::IpRange;

/// Something that receive connectors do wrong on purpose, at one stage of a session.
///
/// The actions depend on the stage, and an action that cannot be done there does not compile. Actions are
/// done in the order in which they are named.
///
/// ```
/// use std::time::Duration;
/// use starttls_lab::{EndOfData, Fault, Handshake, Lab, StartTls};
///
/// let lab = Lab::connector("mx.lab.test")
///     .certificate(["mx.lab.test"])
///     .fault(Fault::at(StartTls).reply("454 4.7.0 TLS not available").on_connection(1))
///     .fault(Fault::at(Handshake).cut_after_server_hello().reset().on_connection(2).optional())
///     .fault(Fault::at(EndOfData).delay(Duration::from_secs(3)).append("250 2.0.0 and more\r\n").optional())
///     .start()?;
/// # assert!(!lab.finish().is_ok(), "nobody has said STARTTLS");
/// # Ok::<(), starttls_lab::LabError>(())
/// ```
///
/// A reply has no place in a TLS handshake:
///
/// ```compile_fail,E0599
/// # use starttls_lab::{Fault, Handshake};
/// Fault::at(Handshake).reply("454 4.7.0 TLS not available");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until a lab is given it"]
pub struct Fault<S> {
    spec: FaultSpec,
    stage: PhantomData<S>,
}

impl<S: Stage> Fault<S> {
    /// Creates a fault at `stage` without any action.
    pub fn at(stage: S) -> Self {
        let _ = stage;
        let spec = FaultSpec {
            connector: None,
            at: S::STAGE,
            actions: Actions::default(),
            then: None,
            times: None,
            when: When::default(),
            vulnerable: false,
            optional: false,
        };
        Self { spec, stage: PhantomData }
    }

    /// Adds an action.
    pub(super) fn and(mut self, action: Action) -> Self {
        self.spec.vulnerable |= action.kind() == super::action::Kind::Hole;
        self.spec.actions.0.push(action);
        self
    }

    /// Closes the connection in order: FIN, and inside TLS close_notify first. Without an action before it,
    /// nothing is sent.
    pub fn close(self) -> Self {
        self.end(Then::Close, Action::Close)
    }

    /// Resets the connection.
    pub fn reset(self) -> Self {
        self.end(Then::Reset, Action::Reset)
    }

    /// Sends nothing any more, and reads and discards what comes.
    pub fn silence(self) -> Self {
        self.end(Then::Silence, Action::Silence)
    }

    /// Ends the TCP connection without close_notify.
    pub fn fin(self) -> Self {
        self.end(Then::Fin, Action::Fin)
    }

    fn end(mut self, then: Then, alone: Action) -> Self {
        if self.spec.actions.0.is_empty() {
            return self.and(alone);
        }
        self.spec.then = Some(then);
        self
    }

    /// Restricts the fault to the receive connector of this name; the computer's other connectors do not have
    /// it.
    pub fn on_connector(mut self, name: &str) -> Self {
        self.spec.connector = Some(name.to_owned());
        self
    }

    /// Restricts the fault to this connection of a peer, counted from 1.
    pub fn on_connection(self, number: u64) -> Self {
        self.on_connections(Nth::Range(number, Some(number)))
    }

    /// Restricts the fault to these connections of a peer.
    pub fn on_connections(mut self, which: Nth) -> Self {
        self.spec.when.connection = Some(which);
        self
    }

    /// Restricts the fault to these visits of a connection to the stage, counted from 1.
    pub fn on_visit(mut self, which: Nth) -> Self {
        self.spec.when.visit = Some(which);
        self
    }

    /// Restricts the fault to peers with these addresses.
    pub fn to_peer(mut self, range: IpRange) -> Self {
        self.spec.when.peer = Some(range);
        self
    }

    /// Restricts the fault to clients that give this name in EHLO or HELO; `*` stands for anything.
    pub fn to_client(mut self, name: &str) -> Self {
        self.spec.when.ehlo = Some(name.to_owned());
        self
    }

    /// Restricts the fault to clients that have shown such a certificate.
    pub fn to_certificate(mut self, shown: ShownCertificate) -> Self {
        self.spec.when.client_certificate = Some(shown);
        self
    }

    /// Restricts the fault to sessions inside TLS.
    pub fn inside_tls(mut self) -> Self {
        self.spec.when.tls = Some(true);
        self
    }

    /// Restricts the fault to sessions in clear.
    pub fn in_clear(mut self) -> Self {
        self.spec.when.tls = Some(false);
        self
    }

    /// Restricts the fault to commands that match this pattern, letter case aside; `*` stands for anything.
    pub fn on_line(mut self, line: &str) -> Self {
        self.spec.when.line = Some(line.to_owned());
        self
    }

    /// Restricts the fault to commands, or content with a line, longer than `bytes`.
    pub fn longer_than(mut self, bytes: u32) -> Self {
        self.spec.when.longer_than = Some(bytes);
        self
    }

    /// Limits how often the fault is done in all; 0 counts as 1.
    pub fn times(mut self, times: u32) -> Self {
        self.spec.times = Some(NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN));
        self
    }

    /// Lets the run succeed even if the fault was never done.
    pub fn optional(mut self) -> Self {
        self.spec.optional = true;
        self
    }
}

impl<S> From<Fault<S>> for FaultSpec {
    fn from(fault: Fault<S>) -> Self {
        fault.spec
    }
}
