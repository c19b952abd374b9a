//! The conditions that end `serve`: a signal, the end of standard input, enough messages, or the time.

use std::io::{self, Read};
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use tokio::sync::oneshot;

use super::output::Failure;
use super::signals::Signals;
use super::time::some_time;
use crate::exchange::TimeSpan;
use crate::observe::{Counts, Observer};

/// Arguments of `serve` that say when it ends.
#[derive(Debug, clap::Args)]
pub(super) struct EndingArgs {
    /// End when standard input ends, so that the lab does not outlive the program that started it
    #[arg(long, env = "STARTTLS_LAB_EXIT_ON_STDIN_EOF")]
    exit_on_stdin_eof: bool,
    /// End after this many messages or sessions, such as "3 messages"; whichever limit is reached first
    #[arg(long, env = "STARTTLS_LAB_EXIT_AFTER", value_name = "N messages|sessions")]
    exit_after: Option<Quota>,
    /// Equivalent to --exit-after "N messages"
    #[arg(long, env = "STARTTLS_LAB_EXIT_AFTER_MESSAGES", value_name = "N")]
    exit_after_messages: Option<NonZeroU64>,
    /// Equivalent to --exit-after "N sessions". A session counts when it has ended
    #[arg(long, env = "STARTTLS_LAB_EXIT_AFTER_SESSIONS", value_name = "N")]
    exit_after_sessions: Option<NonZeroU64>,
    /// End after this time, such as 30s; with exit code 1 if --exit-after was given and is not reached
    #[arg(long, env = "STARTTLS_LAB_SERVE_TIMEOUT", value_name = "TIME", value_parser = some_time)]
    timeout: Option<TimeSpan>,
}

/// The number of messages or sessions that ends the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quota {
    Messages(NonZeroU64),
    Sessions(NonZeroU64),
}

/// The time that open conversations may take once the quota is reached.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(1500);

impl EndingArgs {
    /// Waits until the lab has to end; fails where it ends before the quota is reached.
    pub(super) async fn wait(&self, signals: &mut Signals, observer: &Observer) -> Result<(), Failure> {
        let quotas = self.quotas();
        let enough = |counts: &Counts| quotas.iter().any(|quota| quota.is_reached(counts));
        let reached = async {
            // The wait for a quota is woken by every entry of the journal.
            if quotas.is_empty() {
                return std::future::pending().await;
            }
            observer.until(enough).await;
        };
        let time = async {
            match self.timeout {
                Some(TimeSpan(longest)) => tokio::time::sleep(longest).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = signals.next() => return Ok(()),
            () = self.end_of_stdin() => return Ok(()),
            () = reached => {}
            () = time => return match quotas.first().filter(|_| !observer.count(enough)) {
                None => Ok(()),
                Some(_) => Err(self.too_late(&quotas, &observer.counts())),
            },
        }
        // The client that sent the last message waits for the reply to QUIT, too.
        tokio::select! {
            _ = signals.next() => {}
            () = observer.quiet(DRAIN_TIMEOUT) => {}
        }
        Ok(())
    }

    fn quotas(&self) -> Vec<Quota> {
        let messages = self.exit_after_messages.map(Quota::Messages);
        let sessions = self.exit_after_sessions.map(Quota::Sessions);
        [self.exit_after, messages, sessions].into_iter().flatten().collect()
    }

    fn too_late(&self, quotas: &[Quota], counts: &Counts) -> Failure {
        let short: Vec<_> = quotas.iter().map(|quota| quota.progress(counts)).collect();
        let time = self.timeout.map(|time| time.to_string()).unwrap_or_default();
        Failure::unmet(format!("after {time} there had been {}", short.join(" and ")))
    }

    /// Returns when standard input has ended, if that matters.
    async fn end_of_stdin(&self) {
        if !self.exit_on_stdin_eof {
            return std::future::pending().await;
        }
        // A read cannot be canceled, so it has a thread of its own, which ends with the program.
        let (ended, end) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                match io::stdin().lock().read(&mut bytes) {
                    Ok(1..) => {}
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => break,
                }
            }
            drop(ended);
        });
        end.await.ok();
    }
}

impl Quota {
    fn is_reached(self, counts: &Counts) -> bool {
        match self {
            Self::Messages(wanted) => counts.messages() >= wanted.get(),
            Self::Sessions(wanted) => counts.ended >= wanted.get(),
        }
    }

    fn progress(self, counts: &Counts) -> String {
        match self {
            Self::Messages(wanted) => format!("{} of {wanted} messages", counts.messages()),
            Self::Sessions(wanted) => format!("{} of {wanted} sessions", counts.ended),
        }
    }
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an amount; write \"3 messages\" or \"1 session\"");
        let text = text.trim();
        let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(at);
        let number = number.parse().map_err(|_| wrong())?;
        match unit.trim() {
            "message" | "messages" => Ok(Self::Messages(number)),
            "session" | "sessions" => Ok(Self::Sessions(number)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_and_what_is_counted() {
        let of = |number| NonZeroU64::new(number).unwrap();
        assert_eq!("3 messages".parse(), Ok(Quota::Messages(of(3))));
        assert_eq!("1message".parse(), Ok(Quota::Messages(of(1))));
        assert_eq!(" 12  sessions ".parse(), Ok(Quota::Sessions(of(12))));
        for wrong in ["3", "0 messages", "messages", "-1 messages", "3 mails", "", "1m"] {
            assert!(wrong.parse::<Quota>().unwrap_err().contains("3 messages"), "{wrong}");
        }
    }

    #[test]
    fn a_session_counts_when_it_has_ended() {
        let quota: Quota = "1 session".parse().unwrap();
        assert!(!quota.is_reached(&Counts { begun: 1, in_clear: 1, ..Counts::default() }));
        assert!(quota.is_reached(&Counts { begun: 1, ended: 1, ..Counts::default() }));
    }
}
