//! A lab leaves nothing behind in its process. The only test in its binary, or others would be counted.
#![allow(clippy::unwrap_used, reason = "in a test, that is how to fail")]
#![cfg(target_os = "linux")]

mod blocking;

use std::fs;
use std::time::Duration;

use blocking::{Client, send_in_clear};
use starttls_lab::Lab;

/// How many threads and open files this process has.
fn possessions() -> (usize, usize) {
    let count = |directory: &str| fs::read_dir(directory).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = async {
        tokio::time::timeout(Duration::ZERO, Lab::scenario("healthy").start_async()).await.unwrap_err();
    };
    runtime.block_on(start);
}

#[test]
fn labs_that_are_finished_dropped_or_given_up_leave_no_thread_and_no_file_behind() {
    // tokio and the cryptographic library keep a few files for the process from their first use on.
    finish_one();
    give_up_on_one_that_starts();
    let before = possessions();
    for _ in 0..5 {
        finish_one();
        drop_one_under_a_client();
        fail_to_start_one();
        give_up_on_one_that_starts();
    }
    assert_eq!(possessions(), before);
}
