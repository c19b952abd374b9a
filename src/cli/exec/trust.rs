//! The files that make a command trust the lab, in a folder that is removed when the command has ended.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::output::Failure;
use crate::cli::recording::file_error;
use crate::clock::Clock;
use crate::pki::{Certificate, trust_store};

/// A new folder with the lab's root certificate.
pub(in crate::cli) struct Trust {
    folder: PathBuf,
    ca_file: PathBuf,
    java_file: PathBuf,
}

/// The number of names that are tried for the folder.
const MOST_FOLDERS: u32 = 1000;

impl Trust {
    /// Creates the folder among the system's temporary files, for this user alone.
    pub(in crate::cli) fn create(root: &Certificate) -> Result<Self, Failure> {
        let above = std::env::temp_dir();
        let folder = fresh(&above).map_err(|error| file_error(&above, &error))?;
        let trust = Self { ca_file: folder.join("ca.pem"), java_file: folder.join("ca.jks"), folder };
        let write =
            |path: &Path, bytes: &[u8]| fs::write(path, bytes).map_err(|error| file_error(path, &error));
        write(&trust.ca_file, root.to_pem().as_bytes())?;
        write(&trust.java_file, &trust_store(root, Clock::system().now()))?;
        Ok(trust)
    }

    /// The path of the root as PEM.
    pub(in crate::cli) fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The path of a Java trust store with the root.
    pub(in crate::cli) fn java_file(&self) -> &Path {
        &self.java_file
    }
}

impl Drop for Trust {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "a temporary folder stays");
        }
    }
}

/// Returns a builder of folders that no other user can read. On Windows the folder for temporary files is the
/// user's own.
#[cfg(unix)]
fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(not(unix))]
fn private() -> DirBuilder {
    DirBuilder::new()
}

/// Creates a folder that did not exist. The command may change its directory, so the path is absolute.
fn fresh(above: &Path) -> io::Result<PathBuf> {
    let above = std::path::absolute(above)?;
    let builder = private();
    for number in 1..=MOST_FOLDERS {
        let folder = above.join(format!("starttls-lab-{}-{number}", std::process::id()));
        match builder.create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
