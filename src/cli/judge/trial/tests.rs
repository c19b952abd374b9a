use std::num::NonZeroUsize;

use tokio::time::Instant;

use super::*;
use crate::cli::judge::turns::{Turns, try_in_turn};
use crate::exchange::{Profile, ProtocolLoggingLevel};
use crate::journal::{Bounds, Ending, SessionContext, SessionId, sample};

/// The journal of an entry's lab, as the lab writes it.
#[derive(Clone)]
struct Written {
    journal: Arc<Journal>,
    observer: Arc<Observer>,
}

impl Written {
    fn new() -> Self {
        let journal = Arc::new(Journal::new(Bounds::default()));
        let observer = Observer::of(&journal, Bounds::default());
        Self { journal, observer }
    }

    fn append(&self, session: u64, record: Record) {
        let place = sample::place(Profile::Exchange2019, ProtocolLoggingLevel::None);
        let place = Arc::new(SessionContext { session: SessionId(session), ..place });
        self.journal.append(Timestamp::UNIX_EPOCH, Some(&place), record);
    }

    fn session(&self, number: u64) {
        self.append(number, Record::Connected);
        self.append(number, Record::Received(b"EHLO client.example"[..].into()));
        self.append(number, Record::Disconnected(Ending::Remote));
    }

    /// Watches what follows the end of a command, which is now.
    async fn watch(self, mut turn: Turn) -> bool {
        let end = CommandEnd { time: Timestamp::UNIX_EPOCH, newest: self.observer.newest() };
        end.watch(&self.journal, &self.observer, &mut turn).await
    }
}

/// Lets all other tasks go as far as they can without time passing.
async fn let_others_go_on() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_on_while_the_next_command_runs_is_seen_in_its_own_lab() {
    let turns = Turns::new(NonZeroUsize::MIN, false);
    let begun = Instant::now();
    let (first, second) = (Written::new(), Written::new());
    first.session(1);
    let watched = tokio::spawn(first.clone().watch(turns.next().await));
    // No time passes until the next command runs.
    let turn = turns.next().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    first.session(2);
    second.session(1);
    let_others_go_on().await;
    let next = tokio::spawn(second.watch(turn));
    // From now on a command waits for the labs before it.
    let_others_go_on().await;
    let third = turns.next().await;
    assert!(watched.is_finished() && next.is_finished());
    assert!(watched.await.unwrap());
    assert!(!next.await.unwrap());
    drop(third);
}

#[tokio::test(start_paused = true)]
async fn the_next_command_waits_while_a_session_is_open() {
    let turns = Turns::new(NonZeroUsize::MIN, false);
    let lab = Written::new();
    lab.append(1, Record::Connected);
    let watched = tokio::spawn(lab.clone().watch(turns.next().await));
    let next = tokio::spawn(async move { turns.next().await });
    let_others_go_on().await;
    assert!(!next.is_finished());
    lab.append(1, Record::Disconnected(Ending::Remote));
    let_others_go_on().await;
    assert!(next.is_finished());
    assert!(!watched.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_stays_open_holds_the_next_command_back_until_the_lab_is_closed() {
    let turns = Turns::new(NonZeroUsize::MIN, false);
    let lab = Written::new();
    lab.append(1, Record::Connected);
    let (mut turn, begun) = (turns.next().await, Instant::now());
    let end = CommandEnd { time: Timestamp::UNIX_EPOCH, newest: lab.observer.newest() };
    assert!(!end.watch(&lab.journal, &lab.observer, &mut turn).await);
    assert_eq!(begun.elapsed(), DRAIN_TIMEOUT);
    assert!(timeout(DRAIN_TIMEOUT, turns.next()).await.is_err());
    drop(turn);
    turns.next().await;
}

#[tokio::test(start_paused = true)]
async fn the_waits_behind_several_commands_take_no_longer_than_one() {
    let run = async |entries: usize| {
        let begun = Instant::now();
        let attempt = |number: usize, turn| async move {
            let lab = Written::new();
            lab.session(1);
            assert!(!lab.watch(turn).await);
            Ok(number)
        };
        let turns = Turns::new(NonZeroUsize::MIN, false);
        let done = try_in_turn(&turns, 0..entries, attempt, |_| {}, &CancellationToken::new()).await.unwrap();
        assert_eq!(done, (0..entries).collect::<Vec<_>>());
        begun.elapsed()
    };
    let one = run(1).await;
    assert!(one > Duration::ZERO);
    assert_eq!(run(20).await, one);
}
