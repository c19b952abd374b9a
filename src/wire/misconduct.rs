//! What a connection does wrong on purpose.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::connection::Connection;
use super::reading::{LINE_READ, Stop};
use super::stream::Stream;
use crate::journal::{Ending, Record};
use crate::session::fault::{Conduct, Misconduct, Then, Twist};
use crate::session::{Fact, Oddity, Step};

impl Connection<'_> {
    /// Waits where the banner is late, and notes who talks meanwhile (RFC 5321 section 3.1).
    pub(super) async fn hold_banner_back<IO: Stream>(&mut self, io: &mut IO, first: &mut Step) {
        self.take(&std::mem::take(&mut first.facts));
        let (until, early) = (Instant::now() + std::mem::take(&mut first.delay), self.input.len());
        let listening = async {
            // Beyond that it is noise, and a line that begins it is known by then.
            while self.input.len() < LINE_READ && self.read::<LINE_READ, _>(io).await.is_ok() {}
        };
        timeout_at(until, listening).await.ok();
        self.shared.shutdown.run_until_cancelled(sleep_until(until)).await;
        let octets = self.input.len();
        if early == 0 && octets > 0 {
            first.facts.push(Fact::Oddity(Oddity::TalkedBeforeBanner { octets }));
        }
    }

    /// Waits where the reply to EHLO is late, and notes a client that does not (RFC 2920 section 3.1).
    pub(super) async fn hold_ehlo_reply_back<IO: Stream>(&mut self, io: &mut IO, step: &mut Step) {
        self.take(&std::mem::take(&mut step.facts));
        let until = Instant::now() + std::mem::take(&mut step.delay);
        let mut closed = self.flush(io).await.is_err();
        let listening = async {
            while !closed && self.input.len() < LINE_READ {
                match self.read::<LINE_READ, _>(io).await {
                    Ok(()) => {}
                    Err(Stop::Closed | Stop::Io(_)) => closed = true,
                    Err(Stop::TimedOut | Stop::ShuttingDown) => break,
                }
            }
        };
        timeout_at(until, listening).await.ok();
        let octets = self.input.len();
        if closed || octets > 0 {
            step.facts.push(Fact::Oddity(Oddity::DidNotAwaitEhloReply { octets }));
        }
        if !closed {
            self.shared.shutdown.run_until_cancelled(sleep_until(until)).await;
        }
    }

    /// Says what a row says in place of the reply, which has been written down; how the connection ends
    /// with it, if it does.
    pub(super) async fn twist<IO: Stream>(
        &mut self,
        io: &mut IO,
        twist: &Twist,
    ) -> io::Result<Option<Ending>> {
        if let Some(octets) = &twist.beneath {
            self.flush(io).await?;
            io.beneath().write_all(octets).await?;
            io.beneath().flush().await?;
        }
        if let Some(pace) = twist.pace {
            self.trickle(io, pace).await?;
        }
        let Some(then) = twist.then else { return Ok(None) };
        self.flush(io).await?;
        Ok(Some(self.end(io, then).await))
    }

    /// Ends the connection in one of the ways that a row can ask for.
    pub(super) async fn end<IO: Stream>(&mut self, io: &mut IO, then: Then) -> Ending {
        match then {
            Then::Close => self.close(io).await,
            Then::Reset => {
                io.reset_when_dropped();
                Ending::Local
            }
            Then::Silence => self.be_silent(io).await,
        }
    }

    /// Reads what comes and answers nothing, until the peer is gone, ConnectionTimeout has passed or the lab
    /// ends.
    async fn be_silent<IO: Stream>(&mut self, io: &mut IO) -> Ending {
        let (shutdown, deadline) = (&self.shared.shutdown, self.deadline);
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
        match shutdown.run_until_cancelled(timeout_at(deadline, reading)).await {
            Some(Ok(ending)) => ending,
            Some(Err(_)) | None => Ending::Local,
        }
    }

    async fn trickle<IO: Stream>(&mut self, io: &mut IO, pace: Duration) -> io::Result<()> {
        let octets = self.take_output();
        for octet in octets {
            let waited = self.shared.shutdown.run_until_cancelled(sleep(pace)).await;
            if waited.is_none() || Instant::now() >= self.deadline {
                return Ok(());
            }
            io.write_all(&[octet]).await?;
            io.flush().await?;
        }
        Ok(())
    }

    /// Writes down what is done while content comes; the time to wait before it is read.
    pub(super) async fn body<IO: Stream>(&mut self, io: &mut IO, misconduct: &Misconduct) -> Option<Ending> {
        self.write_down(Record::Misconduct(Box::new(misconduct.clone())));
        if let Conduct::Delay(crate::exchange::TimeSpan(delay)) = misconduct.conduct() {
            self.shared.shutdown.run_until_cancelled(sleep(*delay)).await;
        }
        let then = misconduct.then()?;
        // In the middle of the content, so some of it has to be there.
        if self.input.is_empty() && self.read::<LINE_READ, _>(io).await.is_err() {
            return Some(Ending::Remote);
        }
        let octets = self.input.split().len() as u64;
        self.write_down(Record::Content(octets));
        Some(self.end(io, then).await)
    }

    /// Ends the stream without saying so inside TLS.
    pub(super) async fn end_beneath<IO: Stream>(&mut self, io: &mut IO) {
        io.beneath().shutdown().await.ok();
    }
}

/// The ends of content that a row adds.
pub(super) fn ends(misconduct: Option<&Misconduct>) -> Vec<Bytes> {
    match misconduct.map(Misconduct::conduct) {
        Some(Conduct::EndOfData(ends)) => ends.iter().map(|end| Bytes::from(end.clone())).collect(),
        _ => Vec::new(),
    }
}
