//! A terminal with the program in it: tmux, told which keys are pressed and asked what is on the screen.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::fixture::support::PATIENCE;
use crate::installed::Program;

/// A terminal of its own tmux, which ends with it.
pub(crate) struct Terminal {
    tmux: Program,
    directory: TempDir,
}

impl Terminal {
    /// A shell of the system in a terminal of 24 lines, in an empty directory, with the program on its path; `None`
    /// where there is no tmux. Its prompt is `$ `.
    pub(crate) fn of_system() -> Option<Self> {
        let tmux = Program::find("tmux", "tmux")?;
        let terminal = Self { tmux, directory: tempfile::tempdir().unwrap() };
        let mut command = terminal.command(&["new-session", "-d", "-x", "80", "-y", "24", "-c"]);
        command.arg(terminal.directory.path()).arg("--");
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_starttls-lab"));
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("PATH={}:{path}", program.parent().unwrap().display());
        command.args(["env", &path, "PS1=$ ", "ENV=", "sh", "-i"]);
        assert!(command.status().unwrap().success());
        Some(terminal)
    }

    /// Runs the program in a terminal; `None` where there is no tmux.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let tmux = Program::find("tmux", "tmux")?;
        let terminal = Self { tmux, directory: tempfile::tempdir().unwrap() };
        let mut command = terminal.command(&["new-session", "-d", "-x", "200", "-y", "50", "--"]);
        // Says how the program ended, and keeps the screen until this terminal ends.
        command.args(["sh", "-c", "\"$0\" \"$@\"; echo \"ended with $?\"; read -r _"]);
        command.arg(env!("CARGO_BIN_EXE_starttls-lab")).args(arguments);
        assert!(command.status().unwrap().success());
        Some(terminal)
    }

    /// Like [`Self::start`], but keeps every byte that the program writes; `environment` are variables of its own,
    /// such as `TERM=dumb`.
    pub(crate) fn recorded(environment: &[&str], arguments: &[&str]) -> Option<Self> {
        let tmux = Program::find("tmux", "tmux")?;
        let terminal = Self { tmux, directory: tempfile::tempdir().unwrap() };
        let mut command = terminal.command(&["new-session", "-d", "-x", "200", "-y", "50", "--"]);
        // Begins once the recording has begun.
        command.args(["sh", "-c", "read -r _; env \"$@\"; echo \"ended with $?\"; read -r _", "sh"]);
        command.args(environment).arg(env!("CARGO_BIN_EXE_starttls-lab")).args(arguments);
        assert!(command.status().unwrap().success());
        let pipe = format!("cat >'{}'", terminal.directory.path().join("recording").display());
        assert!(terminal.command(&["pipe-pane", "-o", &pipe]).status().unwrap().success());
        terminal.presses("Enter");
        Some(terminal)
    }

    /// Returns what was recorded, as soon as `end` is in it.
    #[track_caller]
    pub(crate) fn recording(&self, end: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let bytes = fs::read(self.directory.path().join("recording")).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if text.contains(end) {
                return text;
            }
            assert!(Instant::now() < deadline, "waited in vain for {end}:\n{text}");
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.tmux.command();
        command.arg("-S").arg(self.directory.path().join("socket")).args(["-f", "/dev/null"]).args(arguments);
        command.env_remove("TMUX").env_remove("NO_COLOR").stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STARTTLS_LAB_")) {
            command.env_remove(name);
        }
        command
    }

    /// Types a text.
    pub(crate) fn types(&self, text: &str) {
        assert!(self.command(&["send-keys", "-l", "--", text]).status().unwrap().success());
    }

    /// Presses a key, by the name that tmux has for it.
    pub(crate) fn presses(&self, key: &str) {
        assert!(self.command(&["send-keys", key]).status().unwrap().success());
    }

    /// Types a line and presses Enter.
    pub(crate) fn enters(&self, line: &str) {
        self.types(line);
        self.presses("Enter");
    }

    /// All that was shown, wrapped lines joined.
    pub(crate) fn screen(&self) -> String {
        let shown = self.command(&["capture-pane", "-p", "-J", "-S", "-"]).output().unwrap();
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// Looks at the screen until it is as `wanted`, and returns it.
    #[track_caller]
    pub(crate) fn shows(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}:\n{screen}");
        }
    }

    /// Waits until the last line of the screen is this.
    #[track_caller]
    pub(crate) fn ends_with(&self, line: &str) -> String {
        self.shows(line, |screen| screen.lines().last() == Some(line))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.command(&["kill-server"]).stderr(Stdio::null()).status().ok();
    }
}
