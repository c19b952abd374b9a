//! The examples in other languages, each run as its head says against the program of this build.
//!
//! An interpreter that is not installed is skipped and said to be; with `STARTTLS_LAB_REQUIRE_CLIENTS=1`
//! its absence is a failure. What is not from Debian, `.ci/run` puts where it is looked for here. The example
//! in shell is run by `tests/program/fixture`.

#![cfg(all(feature = "cli", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails in the support of a test is a failed test"
)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::installed::{Program, is_there};

const LAB: &str = env!("CARGO_BIN_EXE_starttls-lab");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How long an example may take before it is called hung. Go compiles its library the first time.
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn pytest_sees_a_scenario_from_mail_in_clear_to_mail_over_tls() {
    let python = Path::new(ROOT).join("target/pytest/bin/python3");
    if !is_there(&python, "examples/README.md says how") {
        return;
    }
    let mut pytest = Command::new(python);
    // Nothing is left behind beside the sources. The plugin is not installed here, so it is named.
    pytest.args([
        "-B",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "starttls_lab.pytest_plugin",
        ".",
    ]);
    pytest.env("PYTHONPATH", Path::new(ROOT).join("packages/python"));
    let said = run(pytest.current_dir(example("python")).env("STARTTLS_LAB", LAB));
    assert!(said.contains("4 passed") && !said.contains("skipped"), "{said}");
}

#[test]
fn node_fixes_the_lab_and_nodemailer_sends_over_tls() {
    let Some(npm) = Program::find("npm", "npm") else { return };
    if Program::find("node", "nodejs").is_none() {
        return;
    }
    let modules = example("node").join("node_modules");
    let modules = ["nodemailer", "starttls-lab"].map(|name| modules.join(name).join("package.json"));
    if !modules.iter().all(|module| is_there(module, "examples/README.md says how")) {
        return;
    }
    let mut tests = npm.command();
    tests.args(["test", "--silent"]).current_dir(example("node")).env("STARTTLS_LAB", LAB);
    let said = run(&mut tests);
    assert!(said.contains("# pass 2") && said.contains("# fail 0"), "{said}");
}

#[test]
fn java_refuses_the_wrong_name_and_takes_the_right_one_after_the_second_fix() {
    let Some(java) = Program::find("java", "default-jdk-headless") else { return };
    let Some(javac) = Program::find("javac", "default-jdk-headless") else { return };
    // The client without its extension, which needs JUnit; dist/jar makes both.
    let classes = Path::new(ROOT).join("target/java-client");
    let sources = fs::read_dir(Path::new(ROOT).join("packages/java/src/starttlslab")).unwrap();
    let sources = sources.map(|source| source.unwrap().path());
    let needs_junit = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("StarttlsLab");
    let sources: Vec<_> =
        sources.filter(|path| !needs_junit(path) && !path.ends_with("package-info.java")).collect();
    run(javac.command().arg("-d").arg(&classes).args(sources));
    let mut client = java.command();
    client.arg("-cp").arg(&classes).arg(example("java").join("Client.java")).env("STARTTLS_LAB", LAB);
    let said = run(&mut client);
    assert!(said.contains("before: STARTTLS is not offered"), "{said}");
    assert!(said.contains("after fix 1: No subject alternative DNS name matching mail.expta.com"), "{said}");
    assert!(said.contains("after fix 2: sent over TLSv1.3"), "{said}");
}

#[test]
fn go_refuses_the_wrong_name_and_takes_the_right_one_after_the_second_fix() {
    let Some(go) = Program::find("go", "golang-go") else { return };
    let mut scenario = go.command();
    scenario.args(["test", "-count=1", "."]).current_dir(example("go")).env("STARTTLS_LAB", LAB);
    let said = run(scenario.env("GOCACHE", Path::new(ROOT).join("target/go-build")));
    assert!(said.contains("ok  \tscenario"), "{said}");
}

/// Nothing here runs containers; what they would tell the program is told it on loopback.
#[test]
fn the_program_takes_the_arguments_that_containers_give_it() {
    let (mut files, mut played) = (Vec::new(), 0);
    for name in ["compose/compose.yaml", "kubernetes/lab.yaml"] {
        files.push(fs::read_to_string(example(name)).unwrap());
    }
    files.push(fs::read_to_string(Path::new(ROOT).join("Dockerfile")).unwrap());
    for line in files.iter().flat_map(|text| text.lines()) {
        let (key, rest) = line.trim().split_once(' ').unwrap_or_default();
        if !["command:", "args:", "CMD"].contains(&key) || !rest.starts_with('[') {
            continue;
        }
        let arguments: Vec<String> = serde_json::from_str(rest).unwrap_or_else(|_| panic!("{line}"));
        if arguments.first().is_none_or(|first| first != "serve") {
            continue;
        }
        let mut lab = Command::new(LAB);
        lab.args(&arguments).args(["--bind", "127.0.0.1", "--port", "0", "--exit-on-stdin-eof"]);
        let said = run(&mut lab);
        assert!(said.contains(r#""event":"ready""#), "{line}: {said}");
        played += 1;
    }
    assert_eq!(played, 4, "an Edge, a Hub, a pod, and what the image does by itself");
}

fn example(name: &str) -> PathBuf {
    Path::new(ROOT).join("examples").join(name)
}

/// Runs an example to its good end, and returns all that it said; kills it when it takes too long.
fn run(command: &mut Command) -> String {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let (said, listening) = channel();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let readers: [Box<dyn Read + Send>; 2] = [Box::new(stdout), Box::new(stderr)];
    for mut reader in readers {
        let said = said.clone();
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = reader.read_to_end(&mut text);
            said.send(String::from_utf8_lossy(&text).into_owned())
        });
    }
    let mut all = String::new();
    for _ in 0..2 {
        let Ok(text) = listening.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{command:?} hung; it said:\n{all}");
        };
        all.push_str(&text);
    }
    let status = child.wait().unwrap();
    assert!(status.success(), "{command:?}: {status}\n{all}");
    all
}
