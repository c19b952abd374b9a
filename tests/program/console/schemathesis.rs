//! Schemathesis reads the document of the control API and asks what it allows and what it forbids, some
//! thousand times; every check of its has to hold.
//!
//! It comes from PyPI and is looked for in `target/schemathesis`, where `.ci/run` puts it; where it is not there,
//! that is said. The journal as a stream, which has no end to wait for, is tested in `past.rs`.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::console::support::World;
use crate::installed::{PROXIES, is_there};

/// How long it may take before it is called hung. It needs less than a minute, on a machine that does nothing else.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn schemathesis_finds_nothing_that_is_not_as_the_document_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/schemathesis/bin/python3");
    if !is_there(&python, ".ci/run installs it") {
        return;
    }
    let world = World::seed().await;
    world.mail("you@expta.com").await;
    world.get("/api/v1/wait?for=session").await.ok();
    let mut command = Command::new(python);
    for name in PROXIES {
        command.env_remove(name);
    }
    command.args(["-m", "schemathesis.cli", "--config-file"]);
    command.arg(root.join("tests/program/console/schemathesis.toml"));
    // How long an answer takes is no part of the document: a key of 4,096 bits takes seconds on a busy machine.
    command.args(["run", "--checks", "all", "--max-response-time", "300", "--request-timeout", "300"]);
    command.arg("--generation-deterministic");
    command.args(["--no-color", "--warnings", "off"]).arg(format!("{}/openapi.json", world.console.url()));
    // Nothing is left behind beside the sources.
    let folder = tempfile::tempdir().unwrap();
    command.current_dir(&folder);
    let asking = tokio::task::spawn_blocking(move || run(&mut command));
    let (well, said) = asking.await.unwrap();
    assert!(well, "{said}");
    assert!(said.contains(" passed"), "{said}");
}

/// Whether it ended well, and all that it said; it is killed when it takes too long.
fn run(command: &mut Command) -> (bool, String) {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Asking(piped.spawn().unwrap());
    let (said, listening) = channel();
    let readers: [Box<dyn Read + Send>; 2] =
        [Box::new(child.0.stdout.take().unwrap()), Box::new(child.0.stderr.take().unwrap())];
    for mut reader in readers {
        let said = said.clone();
        thread::spawn(move || {
            let mut text = Vec::new();
            reader.read_to_end(&mut text).ok();
            said.send(String::from_utf8_lossy(&text).into_owned())
        });
    }
    let all: String =
        (0..2).map(|_| listening.recv_timeout(PATIENCE).expect("schemathesis does not end")).collect();
    (child.0.wait().unwrap().success(), all)
}

/// A child that goes with the test.
struct Asking(Child);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
