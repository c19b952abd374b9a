//! A Postfix instance of its own in a directory of its own, which takes nothing from and leaves
//! nothing to the one the machine may be running.
//!
//! Its `master` runs in the foreground under our handle and logs to its stdout, so the log is read
//! as it is written; and it leads a process group, so every daemon it started ends with it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{Lines, Program, missing, run};

/// A running Postfix. It ends, daemons and all, with the value.
pub(crate) struct PostfixInstance {
    master: Child,
    log: Lines,
    commands: PathBuf,
    sendmail: PathBuf,
    directory: TempDir,
}

impl PostfixInstance {
    /// Starts the services of `master_cf` under `settings`, lines of `main.cf`. `None` means that the
    /// test has to return: it is skipped, and that has been said.
    pub(crate) fn start(master_cf: &str, settings: &str) -> Option<Self> {
        let postfix = Program::find("postfix", "postfix")?;
        let postconf = Program::find("postconf", "postfix")?;
        let directory = tempfile::tempdir().unwrap();
        if fs::metadata(directory.path()).unwrap().uid() != 0 {
            missing("Postfix", "is reserved for the superuser");
            return None;
        }

        let daemons = default_of(&postconf, "daemon_directory");
        let commands = default_of(&postconf, "command_directory");
        lay_out(directory.path(), &default_of(&postconf, "mail_owner"));
        let config = directory.path().join("etc");
        let main_cf = main_cf(directory.path(), &daemons, &commands) + settings;
        fs::write(config.join("main.cf"), main_cf).unwrap();
        fs::write(config.join("master.cf"), master_cf).unwrap();
        // Creates the queue's directories, with their owners.
        run(postfix.command().arg("-c").arg(&config).arg("check"), "").succeeded();

        let mut master = Command::new(Path::new(&daemons).join("master"))
            .arg("-c")
            .arg(&config)
            .arg("-s")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let log = Lines::of(master.stdout.take().unwrap());
        let (commands, sendmail) = (commands.into(), default_of(&postconf, "sendmail_path").into());
        let mut instance = Self { master, log, commands, sendmail, directory };
        instance.says("daemon started");
        Some(instance)
    }

    /// A command of Postfix, such as `postqueue`, for this instance.
    pub(crate) fn command(&self, name: &str) -> Command {
        self.with_config(&self.commands.join(name), "-c")
    }

    /// What submits a message to this instance.
    pub(crate) fn sendmail(&self) -> Command {
        self.with_config(&self.sendmail, "-C")
    }

    fn with_config(&self, program: &Path, option: &str) -> Command {
        let mut command = Command::new(program);
        command.arg(option).arg(self.directory.path().join("etc"));
        command
    }

    /// The directory of a queue, such as `hold`.
    pub(crate) fn queue(&self, name: &str) -> PathBuf {
        self.directory.path().join("queue").join(name)
    }

    /// Waits for a line of the log with `words` in it.
    pub(crate) fn says(&mut self, words: &str) -> String {
        self.log.wait_for(words, |line| line.contains(words))
    }

    fn signal(&self, signal: &str, whom: &str) {
        // The shell's own `kill` is there on every system.
        let _ = run(Command::new("sh").args(["-c", "kill -s \"$0\" -- \"$1\"", signal, whom]), "");
    }
}

impl Drop for PostfixInstance {
    fn drop(&mut self) {
        let master = self.master.id();
        // On TERM, `master` takes its daemons with it; KILL is for whoever did not listen.
        self.signal("TERM", &master.to_string());
        let _ = self.master.wait();
        self.signal("KILL", &format!("-{master}"));
        if std::thread::panicking() {
            eprintln!("-- Postfix --\n{}", self.log.so_far());
        }
    }
}

/// The value of a parameter where `main.cf` says nothing.
fn default_of(postconf: &Program, parameter: &str) -> String {
    let asked = run(postconf.command().args(["-d", "-h", parameter]), "");
    asked.succeeded();
    asked.stdout
}

/// Directories as Postfix wants them: the data its own, the rest open to its daemons.
fn lay_out(directory: &Path, owner: &str) {
    for inner in ["etc", "queue", "data"] {
        fs::create_dir(directory.join(inner)).unwrap();
    }
    for open in ["", "etc", "queue"] {
        fs::set_permissions(directory.join(open), fs::Permissions::from_mode(0o755)).unwrap();
    }
    run(Command::new("chown").arg(owner).arg(directory.join("data")), "").succeeded();
}

fn main_cf(directory: &Path, daemons: &str, commands: &str) -> String {
    let directory = directory.display();
    format!(
        "\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
daemon_directory = {daemons}
command_directory = {commands}
maillog_file = /dev/stdout
alias_maps =
alias_database =
inet_interfaces = loopback-only
inet_protocols = ipv4
"
    )
}
