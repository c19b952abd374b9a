//! The fuzz targets on the stable toolchain: every committed input, and a fixed number of changed ones of each
//! target, always the same. `make fuzz` looks further, and so does `FUZZ_TIMES=100` without nightly Rust: so many times
//! as many changed inputs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod corpus;
#[allow(unreachable_pub, reason = "the package of the fuzz targets uses them as well")]
mod targets;

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};

use corpus::{Mutations, inputs};

/// The number of panics in this process, those on other threads and those that a runtime has caught included.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Runs a target on the committed inputs and on `changed` changed ones.
fn replay(name: &str, target: fn(&[u8]), changed: usize) {
    count_panics();
    let inputs = inputs(name);
    assert!(!inputs.is_empty(), "there are no inputs for {name}");
    let before = PANICS.load(Ordering::SeqCst);
    let times = std::env::var("FUZZ_TIMES").map_or(1, |times| times.parse().expect("FUZZ_TIMES is a number"));
    let changed = changed * times;
    let mut mutations = Mutations::of(&inputs);
    let changed = (0..changed).map(|_| mutations.next_input());
    for input in inputs.iter().cloned().chain(changed) {
        let done = panic::catch_unwind(|| target(&input));
        let panicked = PANICS.load(Ordering::SeqCst) > before;
        assert!(done.is_ok() && !panicked, "{name} fails on b\"{}\"", input.escape_ascii());
    }
}

fn count_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            usual(panic);
        }));
    });
}

macro_rules! replays {
    ($($name:ident $changed:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name), targets::$name, $changed);
        })*

        #[test]
        fn every_target_is_run_by_fuzz_and_make_fuzz() {
            let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            let names = [$(stringify!($name)),*];
            let makefile = std::fs::read_to_string(here.join("Makefile")).unwrap();
            let listed = makefile.lines().find_map(|line| line.strip_prefix("FUZZ_TARGETS = ")).unwrap();
            assert_eq!(listed.split_whitespace().collect::<Vec<_>>(), names);
            // What is published has no `fuzz`.
            if let Ok(manifest) = std::fs::read_to_string(here.join("fuzz/Cargo.toml")) {
                for name in names {
                    assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
                    assert!(here.join(format!("fuzz/fuzz_targets/{name}.rs")).exists(), "{name}");
                }
            }
        }
    };
}

replays! {
    decoder 1500,
    commands 2000,
    receive 800,
    send 1500,
    connection 60,
    relay 60,
    client_hello 800,
    server_flight 800,
    lab_file 200,
    shell 400,
    paste 60,
    http 60,
    certificate 800,
    names 1500,
}
