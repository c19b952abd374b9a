//! The servers of others that the lab is measured beside, as far as they are installed: `benches/peers/setup`.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::SERVER_NAME;

/// A server that is not ours. Each keeps its newest messages, but for smtp-sink, which keeps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Postfix's sink in C, which speaks no TLS.
    SmtpSink,
    /// aiosmtpd, in Python.
    Aiosmtpd,
    /// nodemailer's smtp-server.
    SmtpServer,
    /// go-smtp.
    GoSmtp,
    /// mailcrab's library, which speaks implicit TLS only.
    Mailcrab,
}

/// The time that a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

impl Peer {
    pub(crate) const ALL: [Self; 5] =
        [Self::SmtpSink, Self::Aiosmtpd, Self::SmtpServer, Self::GoSmtp, Self::Mailcrab];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SmtpSink => "smtp-sink",
            Self::Aiosmtpd => "aiosmtpd",
            Self::SmtpServer => "smtp-server",
            Self::GoSmtp => "go-smtp",
            Self::Mailcrab => "mailcrab",
        }
    }

    pub(crate) const fn speaks_tls(self) -> bool {
        match self {
            Self::SmtpSink => false,
            Self::Aiosmtpd | Self::SmtpServer | Self::GoSmtp | Self::Mailcrab => true,
        }
    }

    /// Returns whether a client of TLS begins with it, in place of STARTTLS.
    pub(crate) const fn is_implicit(self) -> bool {
        match self {
            Self::SmtpSink | Self::Aiosmtpd | Self::SmtpServer | Self::GoSmtp => false,
            Self::Mailcrab => true,
        }
    }

    pub(crate) fn is_installed(self) -> bool {
        let library = target("node/node_modules/smtp-server");
        self.program().is_file() && (self != Self::SmtpServer || library.is_dir())
    }

    /// Returns the command that starts the server on a free port, its address, and the certificate that a client
    /// has to trust. With `implicit` it speaks TLS from the start, if it cannot do so otherwise.
    pub(crate) fn command(self, dir: &Path, implicit: bool) -> io::Result<(Command, SocketAddr, String)> {
        let certified =
            rcgen::generate_simple_self_signed([SERVER_NAME.to_owned()]).map_err(io::Error::other)?;
        let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        std::fs::write(&certificate, certified.cert.pem())?;
        std::fs::write(&key, certified.signing_key.serialize_pem())?;
        // Free a moment ago, and probably still.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut command = Command::new(self.program());
        match self {
            Self::SmtpSink => {
                // It refuses to go on as root.
                if std::fs::metadata("/proc/self")?.uid() == 0 {
                    command.args(["-u", "nobody"]);
                }
                command.args([&format!("inet:{address}"), "1024"]);
            }
            Self::Aiosmtpd | Self::SmtpServer | Self::GoSmtp => {
                command.args(self.script()).arg(address.port().to_string()).args([certificate, key]);
            }
            Self::Mailcrab => {
                let port = address.port().to_string();
                command.current_dir(dir).args([port.as_str(), if implicit { "tls" } else { "clear" }]);
            }
        }
        command.env("NODE_PATH", target("node/node_modules"));
        Ok((command, address, certified.cert.pem()))
    }

    fn program(self) -> PathBuf {
        match self {
            Self::SmtpSink => "/usr/sbin/smtp-sink".into(),
            Self::Aiosmtpd => target("aiosmtpd/bin/python3"),
            Self::SmtpServer => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                let found = std::env::split_paths(&path).map(|folder| folder.join("node"));
                found.into_iter().find(|node| node.is_file()).unwrap_or_default()
            }
            Self::GoSmtp => target("go-smtp"),
            Self::Mailcrab => target("mailcrab"),
        }
    }

    fn script(self) -> Option<PathBuf> {
        let script = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name);
        match self {
            Self::SmtpSink | Self::GoSmtp | Self::Mailcrab => None,
            Self::Aiosmtpd => Some(script("aiosmtpd-sink.py")),
            Self::SmtpServer => Some(script("smtp-server.js")),
        }
    }
}

/// A place in what `benches/peers/setup` makes.
fn target(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(place)
}

/// Waits until a server takes connections.
#[expect(clippy::disallowed_methods, reason = "a peer does not say when it is ready")]
pub(crate) fn await_listening(address: SocketAddr) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match TcpStream::connect(address) {
            Ok(_) => return Ok(()),
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
