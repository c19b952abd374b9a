//! The fault rules of a connection: the actions that its steps carry, and faults in the content and at the
//! end of the connection.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;

use super::connection::Connection;
use super::reading::{LINE_READ, Stop};
use super::stream::Stream;
use crate::journal::{Ending, Record};
use crate::session::fault::{BodyAction, CloseAction, Fired, StepAction, Then};
use crate::session::{Anomaly, Fact, Step};

impl Connection<'_> {
    /// Waits where the banner is late, and records a client that talks meanwhile (RFC 5321 section 3.1).
    pub(super) async fn hold_banner_back<IO: Stream>(&mut self, io: &mut IO, first: &mut Step) {
        self.take(&std::mem::take(&mut first.facts), self.now());
        let clock = self.clock();
        let (until, early) = (clock.after(std::mem::take(&mut first.delay)), self.input.len());
        let listening = async {
            // Input beyond that is noise, and its first line is known by then.
            while self.input.len() < LINE_READ && self.read_more(io).await.is_ok() {}
        };
        clock.timeout_at(until, pin!(listening)).await.ok();
        self.shared.shutdown.run_until_cancelled(clock.sleep_until(until)).await;
        let octets = self.input.len();
        if early == 0 && octets > 0 {
            first.facts.push(Fact::Anomaly(Anomaly::TalkedBeforeBanner { octets }));
        }
    }

    /// Waits where the reply to EHLO is late, and records a client that does not wait (RFC 2920 section 3.1).
    pub(super) async fn hold_ehlo_reply_back<IO: Stream>(&mut self, io: &mut IO, step: &mut Step) {
        self.take(&std::mem::take(&mut step.facts), self.now());
        let clock = self.clock();
        let until = clock.after(std::mem::take(&mut step.delay));
        let mut closed = self.flush(io).await.is_err();
        let listening = async {
            while !closed && self.input.len() < LINE_READ {
                match self.read_more(io).await {
                    Ok(()) => {}
                    Err(Stop::Closed | Stop::Io(_)) => closed = true,
                    Err(Stop::TimedOut | Stop::ShuttingDown) => break,
                }
            }
        };
        clock.timeout_at(until, pin!(listening)).await.ok();
        let octets = self.input.len();
        if closed || octets > 0 {
            step.facts.push(Fact::Anomaly(Anomaly::DidNotAwaitEhloReply { octets }));
        }
        if !closed {
            self.shared.shutdown.run_until_cancelled(clock.sleep_until(until)).await;
        }
    }

    /// Carries out the actions of a step, once its reply has been sent. Returns how the connection ends if
    /// they end it.
    pub(super) async fn act<IO: Stream>(
        &mut self,
        io: &mut IO,
        actions: &[StepAction],
    ) -> io::Result<Option<Ending>> {
        for action in actions {
            match action {
                StepAction::Send(bytes) => self.put(bytes.clone()),
                StepAction::Trickle { bytes, pace } => {
                    // Replies that were sent before do not trickle.
                    self.flush(io).await?;
                    let record = self.secrets.sent(bytes.clone());
                    self.write_down(record);
                    self.trickle(io, bytes, *pace).await?;
                }
                StepAction::SendBeneath(bytes) => {
                    self.flush(io).await?;
                    io.beneath().write_all(bytes).await?;
                    io.beneath().flush().await?;
                }
                StepAction::KeepInput => self.keep_input = true,
                StepAction::End(then) => {
                    self.flush(io).await?;
                    return Ok(Some(self.end(io, *then).await));
                }
            }
        }
        Ok(None)
    }

    /// Ends the connection in one of the ways that a fault rule can ask for.
    pub(super) async fn end<IO: Stream>(&mut self, io: &mut IO, then: Then) -> Ending {
        match then {
            Then::Close => self.close(io).await,
            Then::Reset => {
                io.reset_when_dropped();
                Ending::Local
            }
            Then::Silence => self.be_silent(io).await,
            Then::Fin => {
                self.end_beneath(io).await;
                self.close(io).await
            }
        }
    }

    /// Reads what comes and answers nothing, until the peer is gone, ConnectionTimeout has passed or the lab
    /// ends.
    async fn be_silent<IO: Stream>(&mut self, io: &mut IO) -> Ending {
        let (shutdown, clock, deadline) = (&self.shared.shutdown, self.clock(), self.deadline);
        let mut thrown_away = BytesMut::with_capacity(LINE_READ);
        let reading = async {
            loop {
                thrown_away.clear();
                match tokio::io::AsyncReadExt::read_buf(io, &mut thrown_away).await {
                    Ok(0) => return Ending::Remote,
                    Ok(_) => {}
                    Err(error) => return super::connection::ending_of(&error),
                }
            }
        };
        match shutdown.run_until_cancelled(clock.timeout_at(deadline, pin!(reading))).await {
            Some(Ok(ending)) => ending,
            Some(Err(_)) | None => Ending::Local,
        }
    }

    async fn trickle<IO: Stream>(&mut self, io: &mut IO, bytes: &[u8], pace: Duration) -> io::Result<()> {
        for byte in bytes {
            let waited = self.shared.shutdown.run_until_cancelled(self.clock().sleep(pace)).await;
            if waited.is_none() || self.clock().has_passed(self.deadline) {
                return Ok(());
            }
            io.write_all(&[*byte]).await?;
            io.flush().await?;
        }
        Ok(())
    }

    /// Carries out a fault rule while content comes. Returns how the connection ends if the rule ends it.
    pub(super) async fn body<IO: Stream>(&mut self, io: &mut IO, fired: &Fired) -> Option<Ending> {
        self.write_down(Record::Fault(Box::new(fired.clone())));
        for action in fired.body() {
            match action {
                BodyAction::Delay(delay) => {
                    self.shared.shutdown.run_until_cancelled(self.clock().sleep(*delay)).await;
                }
                // The decoder does this; see `ends`.
                BodyAction::EndOfData(_) => {}
            }
        }
        let then = fired.rule.then()?;
        // In the middle of the content, so some of it has to be there.
        if self.input.is_empty() && self.read_more(io).await.is_err() {
            return Some(Ending::Remote);
        }
        let octets = self.input.split().len() as u64;
        self.write_down(Record::Content(octets));
        Some(self.end(io, then).await)
    }

    /// Carries out a fault rule where the lab ends the connection. Returns how it ends if the rule specifies
    /// that.
    pub(super) async fn closing<IO: Stream>(&mut self, io: &mut IO, fired: &Fired) -> Option<Ending> {
        self.write_down(Record::Fault(Box::new(fired.clone())));
        for action in fired.closing() {
            match action {
                CloseAction::NoCloseNotify => self.end_beneath(io).await,
            }
        }
        let then = fired.rule.then()?;
        Some(self.end(io, then).await)
    }

    /// Ends the stream without a close_notify inside TLS.
    async fn end_beneath<IO: Stream>(&mut self, io: &mut IO) {
        io.beneath().shutdown().await.ok();
    }
}

/// Returns the further ends of content that a fault rule adds.
pub(super) fn ends(fired: Option<&Fired>) -> Vec<Bytes> {
    let actions = fired.map(Fired::body).unwrap_or_default();
    let ends = actions.iter().filter_map(|action| match action {
        BodyAction::EndOfData(ends) => Some(ends),
        BodyAction::Delay(_) => None,
    });
    ends.flatten().cloned().collect()
}
