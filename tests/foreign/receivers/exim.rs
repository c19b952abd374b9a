//! Exim (GnuTLS). There is no daemon: each connection is given to an `exim -bs`, as inetd would.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use super::Face;
use super::lab::{DOMAIN, HOST, SendingLab};
use crate::support::{Program, missing, run};

/// Where `.ci/run` unpacks it: Debian's package cannot be installed beside Postfix.
const UNPACKED: &str = "target/exim/usr/sbin/exim4";
/// As whom Debian's Exim runs.
const USER: &str = "Debian-exim";

const FACES: [Face; 6] =
    [Face::Good, Face::OtherHost, Face::OtherDomain, Face::SelfSigned, Face::Expired, Face::NotOffered];

/// A listener for every face.
pub(super) struct Exim {
    addresses: Vec<SocketAddr>,
    _directory: TempDir,
}

impl Exim {
    pub(super) fn start(lab: &SendingLab) -> Option<Self> {
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join(UNPACKED);
        let exim = Program::at(unpacked).or_else(|| Program::find("exim4", "exim4-daemon-light"))?;
        let directory = tempfile::tempdir().unwrap();
        if fs::metadata(directory.path()).unwrap().uid() != 0 {
            missing("Exim", "is reserved for the superuser");
            return None;
        }
        if !run(Command::new("id").arg(USER), "").status.success() {
            missing("Exim", &format!("has no user {USER} to run as (.ci/run makes it)"));
            return None;
        }
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let addresses = FACES.map(|face| serve(&exim, lab, face, directory.path())).to_vec();
        Some(Self { addresses, _directory: directory })
    }

    pub(super) fn faces() -> [Face; 6] {
        FACES
    }

    pub(super) fn address(&self, face: Face) -> SocketAddr {
        self.addresses[FACES.iter().position(|known| *known == face).unwrap()]
    }
}

/// Listens for as long as the test process lives.
fn serve(exim: &Program, lab: &SendingLab, face: Face, directory: &Path) -> SocketAddr {
    let home = directory.join(format!("{face:?}"));
    fs::create_dir_all(home.join("spool")).unwrap();
    // Whatever the umask: Exim's user has to get there.
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    let tls = match face.certificate() {
        None => "tls_advertise_hosts =\n".to_owned(),
        Some(label) => {
            let (chain, key) = lab.write_pem(label, &home);
            format!(
                "tls_advertise_hosts = *\ntls_certificate = {}\ntls_privatekey = {}\n",
                chain.display(),
                key.display()
            )
        }
    };
    let config = home.join("exim.conf");
    fs::write(&config, settings(&home) + &tls + ACLS).unwrap();
    run(Command::new("chown").args(["-R", USER]).arg(home.join("spool")), "").succeeded();
    for key in fs::read_dir(&home)
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "pem"))
    {
        run(Command::new("chown").arg(USER).arg(key), "").succeeded();
    }
    // Exim reads no file that somebody else could have written.
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let program = exim.path().to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (one, other) = (OwnedFd::from(stream.try_clone().unwrap()), OwnedFd::from(stream));
            let mut command = Command::new(&program);
            let command = command.arg("-bs").arg("-C").arg(&config);
            let child =
                command.stdin(Stdio::from(one)).stdout(Stdio::from(other)).stderr(Stdio::null()).spawn();
            // Whoever is gone before Exim has started is no concern of the test.
            if let Ok(mut child) = child {
                thread::spawn(move || child.wait());
            }
        }
    });
    address
}

fn settings(home: &Path) -> String {
    format!(
        "\
primary_hostname = {HOST}
domainlist local_domains = {DOMAIN}
spool_directory = {spool}
log_file_path = {spool}/%slog
exim_user = {USER}
exim_group = {USER}
host_lookup =
smtp_receive_timeout = 30s
acl_smtp_rcpt = check_rcpt
",
        spool = home.join("spool").display()
    )
}

const ACLS: &str = "
begin acl
check_rcpt:
  accept domains = +local_domains
  deny
";
