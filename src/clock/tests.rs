use super::*;

const START: &str = "2010-09-28T09:35:58Z";

fn start() -> Timestamp {
    START.parse().unwrap()
}

#[test]
fn a_pinned_clock_stands_still_and_its_clones_move_together() {
    let clock = Clock::pinned(start());
    let twin = clock.clone();
    assert_eq!(clock.now(), start());
    clock.advance(SignedDuration::from_mins(5));
    assert_eq!(twin.now(), start() + SignedDuration::from_mins(5));
    clock.advance(SignedDuration::from_mins(-5));
    assert_eq!(twin.now(), start() + SignedDuration::from_mins(5), "no clock goes back");
}

#[test]
fn the_system_clock_is_advanced_by_an_offset_and_runs_on() {
    let (clock, other) = (Clock::system(), Clock::system());
    clock.advance(SignedDuration::from_hours(1));
    let ahead = clock.now().duration_since(other.now());
    assert!(ahead >= SignedDuration::from_mins(59), "{ahead}");
    let before = clock.now();
    while clock.now() == before {}
}

#[tokio::test]
async fn whoever_waits_for_a_pinned_clock_is_woken_by_the_advance_that_gets_there() {
    let clock = Clock::pinned(start());
    clock.until(start()).await;
    let waiting = clock.clone();
    let due = start() + SignedDuration::from_mins(5);
    let waiting = tokio::spawn(async move { waiting.until(due).await });
    tokio::task::yield_now().await;
    clock.advance(SignedDuration::from_mins(4));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    clock.advance(SignedDuration::from_mins(1));
    waiting.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_system_clock_is_waited_for_by_the_machines_timer_or_an_advance() {
    let clock = Clock::system();
    clock.until(clock.now()).await;
    let hour = clock.now() + SignedDuration::from_hours(1);
    assert_eq!(
        clock.timeout(Duration::from_millis(1), std::pin::pin!(clock.until(hour))).await,
        Err(Elapsed)
    );
    clock.advance(SignedDuration::from_hours(1));
    clock.until(hour).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_after_the_machines_time_also_where_the_clock_is_pinned() {
    let clock = Clock::pinned(start());
    let since = Instant::now();
    clock.sleep(Duration::from_secs(5)).await;
    assert_eq!((since.elapsed().as_secs(), clock.now()), (5, start()));
}

#[tokio::test(start_paused = true)]
async fn an_advance_shortens_every_wait_by_as_much() {
    let clock = Clock::pinned(start());
    let (since, other) = (Instant::now(), clock.clone());
    let waiting = tokio::spawn(async move { other.sleep(Duration::from_secs(100)).await });
    tokio::task::yield_now().await;
    clock.advance(SignedDuration::from_secs(60));
    tokio::time::sleep(Duration::from_secs(39)).await;
    assert!(!waiting.is_finished());
    waiting.await.unwrap();
    assert_eq!(since.elapsed().as_secs(), 40);

    let (since, other) = (Instant::now(), clock.clone());
    let waiting = tokio::spawn(async move { other.sleep(Duration::from_secs(100)).await });
    tokio::task::yield_now().await;
    clock.advance(SignedDuration::from_secs(100));
    waiting.await.unwrap();
    assert_eq!(since.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stopwatch_is_not_moved_by_an_advance() {
    let clock = Clock::pinned(start());
    let watch = clock.stopwatch();
    let deadline = watch.after(Duration::from_secs(1));
    clock.advance(SignedDuration::from_hours(1));
    assert!(!watch.has_passed(deadline));
    watch.sleep_until(deadline).await;
    assert!(watch.has_passed(deadline));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_any_more_is_forgotten() {
    let clock = Clock::pinned(start());
    for _ in 0..3 {
        clock.timeout(Duration::from_secs(1), std::pin::pin!(clock.until(Timestamp::MAX))).await.unwrap_err();
        clock.timeout(Duration::from_secs(1), std::future::pending::<()>()).await.unwrap_err();
    }
    let state = clock.0.lock();
    assert!(state.sleeping.is_empty() && state.until.is_empty());
}

#[test]
fn in_a_dry_run_waits_take_no_time_and_end_in_their_order() {
    let dry = DryRun::default();
    let clock = dry.clock(start());
    let ended = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ended);
    let real = std::time::Instant::now();
    let run = dry.run(async {
        let tasks: Vec<_> = [3600, 5, 60, 5]
            .map(|seconds| {
                let (clock, ended) = (clock.clone(), Arc::clone(&ended));
                tokio::spawn(async move {
                    clock.sleep(Duration::from_secs(seconds)).await;
                    ended.lock().unwrap().push((seconds, clock.elapsed().as_secs()));
                })
            })
            .into();
        for task in tasks {
            task.await.unwrap();
        }
    });
    run.unwrap();
    assert_eq!(*seen.lock().unwrap(), [(5, 5), (5, 5), (60, 60), (3600, 3600)]);
    assert_eq!(clock.now(), start(), "waits do not move the time in the lab");
    assert!(real.elapsed() < Duration::from_secs(60));
}

#[test]
fn in_a_dry_run_the_time_in_the_lab_moves_on_where_nothing_else_is_waited_for() {
    let dry = DryRun::default();
    let clock = dry.clock(start());
    let due = start() + SignedDuration::from_hours(48);
    let ended = dry.run(async {
        let other = clock.clone();
        let queue = tokio::spawn(async move { other.until(due).await });
        clock.sleep(Duration::from_secs(60)).await;
        let now = clock.now();
        queue.await.unwrap();
        now
    });
    assert_eq!((ended.unwrap(), clock.now()), (start(), due));
}

#[test]
fn an_advance_in_a_dry_run_brings_its_deadlines_nearer_and_not_those_of_a_stopwatch() {
    let dry = DryRun::default();
    let clock = dry.clock(start());
    let watch = clock.stopwatch();
    let first = dry.run(async {
        let by_lab = clock.after(Duration::from_secs(100));
        let by_machine = watch.after(Duration::from_secs(50));
        clock.advance(SignedDuration::from_secs(60));
        tokio::select! {
            () = clock.sleep_until(by_lab) => "the lab's",
            () = watch.sleep_until(by_machine) => "the machine's",
        }
    });
    assert_eq!(first.unwrap(), "the lab's");
}

#[test]
fn a_dry_run_in_which_nothing_can_happen_any_more_ends() {
    let dry = DryRun::default();
    let stuck = dry.run(std::future::pending::<()>());
    assert!(matches!(stuck, Err(DryRunError::Stuck)));
}

#[test]
fn work_on_another_thread_is_waited_for_before_time_jumps() {
    let dry = DryRun::default();
    let clock = dry.clock(start());
    let first = dry.run(async {
        let working = dry.working();
        let work = tokio::task::spawn_blocking(move || {
            // Long enough for the runtime to have nothing else to do.
            let begin = std::time::Instant::now();
            while begin.elapsed() < Duration::from_millis(20) {}
            drop(working);
        });
        tokio::select! {
            done = work => done.map(|()| "the work").unwrap(),
            () = clock.sleep(Duration::from_secs(1)) => "the wait",
        }
    });
    assert_eq!(first.unwrap(), "the work");
}
