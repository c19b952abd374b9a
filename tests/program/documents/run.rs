//! Runs the examples of a page.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::page::{self, Page, Role, is_as_expected};
use crate::installed::{PROXIES, Program};

/// How long a command may take, and how long a line of `serve` is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Programs that an example may need, with their Debian packages.
const FOREIGN: [(&str, &str); 4] =
    [("swaks", "swaks"), ("openssl", "openssl"), ("curl", "curl"), ("python3", "python3")];

/// Runs a page's examples and returns the number of commands.
///
/// # Errors
///
/// The line of the first example that prints something else, with both texts.
pub(super) fn page(page: &Page, number: u8) -> Result<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running { folder: folder.path(), home: home(number), serve: None };
    let mut commands = 0;
    for block in &page.blocks {
        match &block.role {
            Role::Left => {}
            Role::File(name) => {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, block.text()).unwrap();
            }
            Role::Append(name) => {
                let path = folder.path().join(name);
                let before =
                    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", block.line))?;
                std::fs::write(path, before + &block.text()).unwrap();
            }
            Role::ServePrints => running.serve_prints(block.line, &block.lines)?,
            Role::Usual if block.language == "console" => {
                for command in block.commands() {
                    if !running.run(&command)? {
                        return Ok(commands);
                    }
                    commands += 1;
                }
            }
            Role::Usual => {}
        }
    }
    Ok(commands)
}

/// A loopback address for this page of this process.
fn home(number: u8) -> String {
    let process = std::process::id();
    format!("127.{}.{}.{number}", 100 + (process >> 8) % 100, process % 256)
}

struct Running<'a> {
    folder: &'a Path,
    home: String,
    serve: Option<Serve>,
}

impl Running<'_> {
    /// Runs a command; false where a program that it needs is not installed, which has been said.
    fn run(&mut self, command: &page::Command) -> Result<bool, String> {
        let words =
            || command.text.split(|letter: char| letter.is_whitespace() || "();|&'\"".contains(letter));
        for (name, package) in FOREIGN {
            if words().any(|word| word == name) && Program::find(name, package).is_none() {
                return Ok(false);
            }
        }
        if command.text.starts_with("starttls-lab serve") {
            // Its ports are free before the next one takes them.
            drop(self.serve.take());
            let text = command.text.trim_end_matches(['&', ' ']);
            let mut serve = Serve::start(self.shell(&format!("exec {text}")), &self.home);
            let interrupted = command.output.last().is_some_and(|line| line == "^C");
            let expected = command.output.strip_suffix(&["^C".to_owned()]).unwrap_or(&command.output);
            if !text.contains('>') {
                serve.has_begun(command.line)?;
            }
            serve.prints(command.line, expected)?;
            self.serve = (!interrupted).then_some(serve);
            return Ok(true);
        }
        let said = self.output(&command.text)?;
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        if is_as_expected(&command.output, &lines) {
            return Ok(true);
        }
        let (text, output) = (&command.text, command.output.join("\n"));
        Err(format!("{}: $ {text}\n--- the page says\n{output}\n--- it printed\n{said}", command.line))
    }

    fn serve_prints(&mut self, line: usize, expected: &[String]) -> Result<(), String> {
        let serve = self.serve.as_mut().ok_or_else(|| format!("{line}: nothing is served"))?;
        let expected: Vec<String> = ["...".to_owned()].iter().chain(expected).cloned().collect();
        serve.prints(line, &expected)
    }

    /// A shell command in the page's folder, with the program of this build first on the `PATH`.
    fn shell(&self, text: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_starttls-lab"));
        let old = env::var_os("PATH").unwrap_or_default();
        let path = [program.parent().unwrap().to_owned()].into_iter().chain(env::split_paths(&old));
        let mut shell = Command::new("sh");
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("STARTTLS_LAB_")) {
            shell.env_remove(name);
        }
        for name in PROXIES {
            shell.env_remove(name);
        }
        // `2>&1` for the order of the two streams.
        shell.arg("-c").arg(format!("exec 2>&1\n{}", text.replace("127.0.0.1", &self.home)));
        shell.current_dir(self.folder).env("PATH", env::join_paths(path).unwrap()).env("NO_COLOR", "1");
        // Perl complains of a locale that is not installed.
        shell.env("LC_ALL", "C.UTF-8");
        shell.env("STARTTLS_LAB_BIND", &self.home);
        shell.stdin(Stdio::null()).stdout(Stdio::piped());
        shell
    }

    fn output(&self, text: &str) -> Result<String, String> {
        let mut child = self.shell(text).spawn().unwrap();
        let (done, finished) = channel();
        let mut stdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            let mut said = Vec::new();
            stdout.read_to_end(&mut said).ok();
            done.send(said).ok();
        });
        let said = finished.recv_timeout(PATIENCE);
        if said.is_err() {
            child.kill().ok();
        }
        child.wait().unwrap();
        let said = said.map_err(|_| format!("`{text}` does not end"))?;
        Ok(String::from_utf8_lossy(&said).replace(&self.home, "127.0.0.1"))
    }
}

/// A `serve` in the background. It ends with the value.
struct Serve {
    child: Child,
    arriving: Receiver<String>,
    /// The lines that no example has compared yet.
    lines: Vec<String>,
}

impl Serve {
    fn start(mut command: Command, home: &str) -> Self {
        let mut child = command.spawn().unwrap();
        let (sender, arriving) = channel();
        let (stdout, home) = (child.stdout.take().unwrap(), home.to_owned());
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                if sender.send(line.replace(&home, "127.0.0.1")).is_err() {
                    break;
                }
            }
        });
        Self { child, arriving, lines: Vec::new() }
    }

    /// Waits for its first line, from which on it takes connections.
    fn has_begun(&mut self, line: usize) -> Result<(), String> {
        let first =
            self.arriving.recv_timeout(PATIENCE).map_err(|_| format!("{line}: serve prints nothing"))?;
        self.lines.push(first);
        Ok(())
    }

    /// Waits until what it has printed since is as expected.
    fn prints(&mut self, line: usize, expected: &[String]) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if expected.is_empty() || is_as_expected(expected, &self.lines) {
                self.lines.clear();
                return Ok(());
            }
            match self.arriving.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(next) => self.lines.push(next),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let (page, said) = (expected.join("\n"), self.lines.join("\n"));
                    return Err(format!(
                        "{line}: --- the page says that serve prints\n{page}\n--- it printed\n{said}"
                    ));
                }
            }
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
