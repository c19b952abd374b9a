//! One session of the prober: bounded in time and in bytes, whatever the server does.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::run::Heard;
use crate::smtp::{LineDecoder, ReplyLines};

/// The longest line of a reply that is kept; RFC 5321 section 4.5.3.1.5 asks for 512.
const LONGEST_LINE: usize = 4096;
/// The maximum size of one reply in bytes, whatever its lines are.
const LONGEST_REPLY: usize = 128 * 1024;
/// The number of bytes that are read at once.
const READ: usize = 4096;
/// The time-out for the answer to QUIT; nothing depends on the answer.
const GOODBYE: Duration = Duration::from_secs(2);

/// A session over a stream.
pub(super) struct Talk<IO> {
    io: IO,
    input: BytesMut,
    lines: LineDecoder,
    patience: Duration,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Talk<IO> {
    pub(super) fn new(io: IO, patience: Duration) -> Self {
        Self { io, input: BytesMut::new(), lines: LineDecoder::new(LONGEST_LINE), patience }
    }

    /// Sends a line and waits for the answer.
    pub(super) async fn ask(&mut self, line: &str) -> Heard {
        match self.say(line).await {
            Ok(()) => self.listen().await,
            Err(heard) => heard,
        }
    }

    /// Waits for one reply. All of it has to come within the time-out, `patience`.
    pub(super) async fn listen(&mut self) -> Heard {
        let patience = self.patience;
        timeout(patience, self.hear()).await.unwrap_or(Heard::TimedOut)
    }

    /// Sends QUIT, waits a moment for the answer, and closes.
    pub(super) async fn quit(mut self) {
        self.patience = self.patience.min(GOODBYE);
        self.ask("QUIT").await;
        timeout(self.patience, self.io.shutdown()).await.ok();
    }

    /// Returns the stream, and the number of bytes that had come unasked.
    pub(super) fn into_stream(self) -> (IO, usize) {
        (self.io, self.input.len())
    }

    async fn say(&mut self, line: &str) -> Result<(), Heard> {
        let line = format!("{line}\r\n");
        let writing = async {
            self.io.write_all(line.as_bytes()).await?;
            self.io.flush().await
        };
        match timeout(self.patience, writing).await {
            Ok(Ok(())) => Ok(()),
            // An answer that a server sent before it closed can still be read.
            Ok(Err(error)) if is_closed(&error) => Ok(()),
            Ok(Err(error)) => Err(Heard::Broken(in_words(&error))),
            Err(_) => Err(Heard::TimedOut),
        }
    }

    async fn hear(&mut self) -> Heard {
        let (mut texts, mut reply, mut read) = (Vec::new(), ReplyLines::default(), self.input.len());
        loop {
            while let Some(line) = self.lines.decode(&mut self.input) {
                texts.push(String::from_utf8_lossy(&line.text).into_owned());
                match reply.push(&line.text) {
                    Some(Ok(_)) => return Heard::Reply(texts),
                    Some(Err(_)) => return no_reply(texts),
                    None => {}
                }
            }
            if read > LONGEST_REPLY {
                return Heard::TooMuch;
            }
            self.input.reserve(READ);
            match self.io.read_buf(&mut self.input).await {
                Ok(0) => return Heard::Closed,
                Ok(more) => read += more,
                Err(error) if is_closed(&error) => return Heard::Closed,
                Err(error) => return Heard::Broken(in_words(&error)),
            }
        }
    }
}

/// Returns what came instead of a reply: its last line is the one that does not fit.
fn no_reply(mut lines: Vec<String>) -> Heard {
    // The reply parser gives up after a number of lines that no regular reply has.
    let goes_on = lines.last().is_some_and(|line| line.as_bytes().get(3) == Some(&b'-'));
    if goes_on && lines.len() > 1 {
        return Heard::TooMuch;
    }
    Heard::NotSmtp(lines.pop().map(|line| line.chars().take(200).collect()).unwrap_or_default())
}

/// Returns whether the server closed the connection: TLS without close_notify is treated like any other end
/// here.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe)
}

/// Returns an error in the operating system's words, without its number.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::Other | io::ErrorKind::InvalidData => error.to_string(),
        io::ErrorKind::TimedOut => "no answer in time".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn heard(said: &[u8]) -> Heard {
        let (ours, mut theirs) = duplex(1 << 20);
        theirs.write_all(said).await.unwrap();
        drop(theirs);
        Talk::new(ours, PATIENCE).listen().await
    }

    #[tokio::test]
    async fn a_reply_is_kept_as_it_came_and_anything_else_is_called_what_it_is() {
        let lines = |lines: &[&str]| Heard::Reply(lines.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(heard(b"250-a\r\n250 b\r\n250 c\r\n").await, lines(&["250-a", "250 b"]));
        assert_eq!(heard(b"220 a\n").await, lines(&["220 a"]));
        assert_eq!(heard(b"HTTP/1.1 400\r\n").await, Heard::NotSmtp("HTTP/1.1 400".to_owned()));
        assert_eq!(heard(b"250-a\r\n251 b\r\n").await, Heard::NotSmtp("251 b".to_owned()));
        assert_eq!(heard(b"220 without end").await, Heard::Closed);
        assert_eq!(heard(b"").await, Heard::Closed);
    }

    #[tokio::test]
    async fn what_has_no_end_is_given_up() {
        assert_eq!(heard(&b"250-x\r\n".repeat(100_000)).await, Heard::TooMuch);
        assert_eq!(heard(&vec![b'x'; 1 << 20]).await, Heard::TooMuch);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_trickles_is_out_of_time_as_one_that_is_silent() {
        let (ours, mut theirs) = duplex(64);
        let trickling = tokio::spawn(async move {
            while theirs.write_all(b"2").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(Talk::new(ours, PATIENCE).listen().await, Heard::TimedOut);
        trickling.await.unwrap();
    }
}
