//! The order in which entries are tried: the command of one runs while the lab watches for what earlier commands do
//! after their end.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::output::Failure;

/// The turns that entries take.
#[derive(Debug)]
pub(super) struct Turns {
    jobs: usize,
    taken: watch::Sender<Taken>,
}

/// The turns that are taken.
#[derive(Debug, Default)]
struct Taken {
    /// Entries whose command runs.
    running: usize,
    /// Entries whose command has ended, and whose lab is open.
    watched: usize,
    /// True if the next command waits until the labs of earlier ones are closed.
    one_by_one: bool,
}

/// The turn of one entry, which ends when this value is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    is_running: bool,
}

impl Turns {
    /// Returns turns of which `jobs` are taken at a time. `one_by_one` is true if labs cannot be open side by side.
    pub(super) fn new(jobs: NonZeroUsize, one_by_one: bool) -> Arc<Self> {
        let taken = Taken { one_by_one, ..Taken::default() };
        Arc::new(Self { jobs: jobs.get(), taken: watch::Sender::new(taken) })
    }

    /// Waits for a turn.
    pub(super) async fn next(self: &Arc<Self>) -> Turn {
        let mut changes = self.taken.subscribe();
        while !self.taken.send_if_modified(|taken| taken.take(self.jobs)) {
            // The sender is this value's own.
            changes.changed().await.ok();
        }
        Turn { turns: Arc::clone(self), is_running: true }
    }
}

impl Taken {
    /// Takes a turn if there is one.
    fn take(&mut self, jobs: usize) -> bool {
        let before = self.running + if self.one_by_one { self.watched } else { 0 };
        let is_free = before < jobs;
        self.running += usize::from(is_free);
        is_free
    }
}

impl Turn {
    /// Lets the next command run, while the lab of this entry stays open.
    pub(super) fn command_has_ended(&mut self) {
        if std::mem::replace(&mut self.is_running, false) {
            self.turns.taken.send_modify(|taken| {
                taken.running -= 1;
                taken.watched += 1;
            });
        }
    }

    /// Notes that the client goes on after its command has ended. From now on the next command waits until the labs
    /// of earlier ones are closed, so that the client does not meet itself.
    pub(super) fn client_goes_on(&self) {
        self.turns.taken.send_modify(|taken| taken.one_by_one = true);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.taken.send_modify(|taken| {
            *if self.is_running { &mut taken.running } else { &mut taken.watched } -= 1;
        });
    }
}

/// Tries entries, each in its turn, and returns the results in the order of the entries. `ended` is called with each
/// result as it comes. After a failure the others are stopped, and waited for.
pub(super) async fn try_in_turn<E, T: Send + 'static, F>(
    turns: &Arc<Turns>,
    entries: impl IntoIterator<Item = E>,
    attempt: impl Fn(E, Turn) -> F,
    mut ended: impl FnMut(&T),
    stop: &CancellationToken,
) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut entries = entries.into_iter().enumerate().peekable();
    let mut under_way = JoinSet::new();
    let (mut results, mut failed) = (BTreeMap::new(), None);
    loop {
        let next = entries.peek().is_some() && failed.is_none();
        tokio::select! {
            biased;
            Some(done) = under_way.join_next() => {
                let done: Result<(usize, Result<T, Failure>), _> = done;
                match done.map_err(|error| Failure::not_ready(error.to_string())) {
                    Ok((number, Ok(result))) => {
                        ended(&result);
                        results.insert(number, result);
                    }
                    Ok((_, Err(failure))) | Err(failure) => {
                        failed.get_or_insert(failure);
                        stop.cancel();
                    }
                }
            }
            turn = turns.next(), if next => {
                if let Some((number, entry)) = entries.next() {
                    let attempt = attempt(entry, turn);
                    under_way.spawn(async move { (number, attempt.await) });
                }
            }
            else => break,
        }
    }
    failed.map_or_else(|| Ok(results.into_values().collect()), Err)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::Mutex;
    use std::task::Poll;

    use super::*;

    fn jobs(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).unwrap()
    }

    /// Returns a turn if there is one now.
    async fn now(turns: &Arc<Turns>) -> Option<Turn> {
        let mut next = pin!(turns.next());
        poll_fn(|context| match next.as_mut().poll(context) {
            Poll::Ready(turn) => Poll::Ready(Some(turn)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[tokio::test]
    async fn a_turn_passes_on_at_the_end_of_the_command() {
        let turns = Turns::new(jobs(2), false);
        let (mut one, _other) = (turns.next().await, turns.next().await);
        assert!(now(&turns).await.is_none());
        one.command_has_ended();
        one.command_has_ended();
        let third = now(&turns).await.unwrap();
        assert!(now(&turns).await.is_none());
        drop(one);
        assert!(now(&turns).await.is_none(), "its turn has passed on already");
        drop(third);
        assert!(now(&turns).await.is_some());
    }

    #[tokio::test]
    async fn once_a_client_has_gone_on_a_turn_passes_on_when_the_lab_is_closed() {
        let turns = Turns::new(jobs(1), false);
        let mut first = turns.next().await;
        first.command_has_ended();
        let mut second = now(&turns).await.unwrap();
        first.client_goes_on();
        second.command_has_ended();
        assert!(now(&turns).await.is_none());
        drop(second);
        assert!(now(&turns).await.is_none(), "the lab of the first is open");
        drop(first);
        let mut third = now(&turns).await.unwrap();
        third.command_has_ended();
        assert!(now(&turns).await.is_none());
    }

    #[tokio::test]
    async fn labs_that_cannot_be_open_side_by_side_are_not() {
        let turns = Turns::new(jobs(1), true);
        let mut first = turns.next().await;
        first.command_has_ended();
        assert!(now(&turns).await.is_none());
        drop(first);
        assert!(now(&turns).await.is_some());
    }

    #[tokio::test]
    async fn results_are_in_the_order_of_the_entries_and_told_as_they_come() {
        let turns = Turns::new(jobs(3), false);
        let told = Mutex::new(Vec::new());
        // The first ends when the second has, and that when the third has.
        let ends: Arc<Vec<_>> = Arc::new((0..4).map(|_| CancellationToken::new()).collect());
        ends[3].cancel();
        let attempt = |number: usize, turn| {
            let ends = Arc::clone(&ends);
            async move {
                ends[number + 1].cancelled().await;
                ends[number].cancel();
                drop::<Turn>(turn);
                Ok(number)
            }
        };
        let tell = |number: &usize| told.lock().unwrap().push(*number);
        let results = try_in_turn(&turns, 0..3, attempt, tell, &CancellationToken::new()).await;
        assert_eq!(results.unwrap(), [0, 1, 2]);
        assert_eq!(*told.lock().unwrap(), [2, 1, 0]);
    }

    #[tokio::test]
    async fn after_a_failure_the_others_are_stopped_and_waited_for() {
        let turns = Turns::new(jobs(2), false);
        let (stop, ended) = (CancellationToken::new(), Arc::new(Mutex::new(Vec::new())));
        let attempt = |number: usize, turn| {
            let (stop, ended) = (stop.clone(), Arc::clone(&ended));
            async move {
                if number == 0 {
                    stop.cancelled().await;
                }
                ended.lock().unwrap().push(number);
                drop::<Turn>(turn);
                if number == 1 { Err(Failure::usage("it is wrong")) } else { Ok(number) }
            }
        };
        assert!(try_in_turn(&turns, 0..9, attempt, |_| {}, &stop).await.is_err());
        assert_eq!(*ended.lock().unwrap(), [1, 0]);
    }
}
