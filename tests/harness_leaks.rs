//! A lab leaves nothing behind in its process. The only test in its binary, or others would be counted.
#![allow(clippy::unwrap_used, reason = "in a test, that is how to fail")]
#![cfg(target_os = "linux")]

#[path = "common/blocking.rs"]
mod blocking;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use blocking::{Client, send_in_clear};
use starttls_lab::Lab;

/// The threads and the open files of this process.
fn possessions() -> Vec<String> {
    let threads = entries("/proc/self/task").into_iter().filter_map(|path| {
        Some(format!("{} {}", path.display(), fs::read_to_string(path.join("comm")).ok()?))
    });
    let files = entries("/proc/self/fd")
        .into_iter()
        .filter_map(|path| Some(format!("{} {}", path.display(), fs::read_link(&path).ok()?.display())));
    threads.chain(files).collect()
}

/// The same when it is `as_wanted`, or after a while: the kernel may list a thread for a moment after it was
/// joined.
fn settled(as_wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let now = possessions();
        if as_wanted(&now) || begin.elapsed() > Duration::from_secs(10) {
            return now;
        }
        std::thread::yield_now();
    }
}

fn entries(directory: &str) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn finish_one() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
    assert!(lab.finish().is_ok());
}

fn drop_one_under_a_client() {
    let lab = Lab::scenario("healthy").start().unwrap();
    let client = Client::connect(lab.addr());
    drop(lab);
    drop(client);
}

fn fail_to_start_one() {
    Lab::scenario("healthy").edit(|scenario| scenario.computer[0].name.clear()).start().unwrap_err();
}

fn give_up_on_one_that_starts() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        tokio::select! {
            biased;
            lab = Lab::scenario("healthy").start_async() => drop(lab.unwrap()),
            () = std::future::ready(()) => {}
        }
    });
}

#[test]
fn labs_that_are_finished_dropped_or_given_up_leave_no_thread_and_no_file_behind() {
    let is_thread = |it: &&String| it.starts_with("/proc/self/task/");
    let at_first = possessions();
    // tokio and the cryptographic library keep a few files for the process from their first use on, and no thread.
    finish_one();
    give_up_on_one_that_starts();
    let before = settled(|now| now.iter().filter(is_thread).eq(at_first.iter().filter(is_thread)));
    for _ in 0..5 {
        finish_one();
        drop_one_under_a_client();
        fail_to_start_one();
        give_up_on_one_that_starts();
    }
    assert_eq!(settled(|now| now == before), before);
}
