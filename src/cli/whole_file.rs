//! Files that are there as a whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

/// Writes a file so that a reader who finds it finds all of it: it is written beside its place and moved there. What
/// could not be written (a full disk) leaves nothing behind.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not the name of a file"));
    };
    let mut beside = name.to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = fs::write(&beside, content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        fs::remove_file(&beside).ok();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_no_part_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("000001.eml");
        // /dev/full has no space for anything.
        let beside = dir.path().join(format!("000001.eml.{}.tmp", std::process::id()));
        std::os::unix::fs::symlink("/dev/full", &beside).unwrap();
        let error = write_whole(&path, b"Subject: x\r\n").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        write_whole(&path, b"Subject: x\r\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"Subject: x\r\n");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }
}
