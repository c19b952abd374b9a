//! Files that are there as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file so that a reader who finds it finds all of it: it is written beside its place and moved there. What
/// could not be written (a full disk) leaves nothing behind.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    whole(path, &mut File::options(), |file| file.write_all(content))
}

/// Writes a file as [`write_whole`] does, for its owner alone. It takes the place of an older file, whose readers do
/// not see it.
pub(super) fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    whole(path, &mut options, |file| file.write_all(content))
}

fn whole(
    path: &Path,
    options: &mut OpenOptions,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not the name of a file"));
    };
    let mut beside = name.to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(beside);
    // The name can be known before. What an earlier process has left there goes; a link is not followed.
    fs::remove_file(&beside).ok();
    let file = options.write(true).create_new(true).open(&beside);
    let written = file.and_then(|mut file| write(&mut file)).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        fs::remove_file(&beside).ok();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_leaves_no_part_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("000001.eml");
        let full = |file: &mut File| {
            file.write_all(b"Subj")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        assert_eq!(whole(&path, &mut File::options(), full).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        write_whole(&path, b"Subject: x\r\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"Subject: x\r\n");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }

    #[test]
    fn what_an_earlier_process_has_left_does_not_stand_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join(format!("ready.json.{}.tmp", std::process::id()));
        fs::write(left, "half a li").unwrap();
        write_whole(&dir.path().join("ready.json"), b"{}\n").unwrap();
        assert_eq!(fs::read(dir.path().join("ready.json")).unwrap(), b"{}\n");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }
}
