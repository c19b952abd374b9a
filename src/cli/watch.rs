//! Watches a lab file: a saved change counts from the next connection.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::load;
use crate::lab::Engine;
use crate::scenario::ScenarioText;

/// The interval at which the file's metadata is looked at. A notification of the operating system would not do in its
/// place: it does not come for changes that another computer makes on a network drive, nor for those that a host
/// makes in a folder of a container.
const PERIOD: Duration = Duration::from_millis(100);

/// The coarsest grain of a modification time, which is that of FAT. Changes within it may leave the same time.
const GRAIN: Duration = Duration::from_secs(2);

/// Watches `path` forever; `text` is the text that the lab was started with.
pub(super) async fn watch(lab: &Engine, path: &Path, text: String) {
    let mut watched = Watched::new(path, text);
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match watched.look() {
            Look::Changed(Ok(text)) => change(lab, path, &text).await,
            Look::Changed(Err(why)) => lab.refuse_change(&why),
            Look::Read | Look::Unread => {}
        }
    }
}

async fn change(lab: &Engine, path: &Path, text: &str) {
    let origin = path.display().to_string();
    let changed = match ScenarioText::parse(text, &origin) {
        Ok(scenario) => lab.change(&scenario).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(why) = changed {
        lab.refuse_change(&why);
    }
}

/// A text, or the reason why there is none.
type Content = Result<String, String>;

/// A file that is watched.
struct Watched<'a> {
    path: &'a Path,
    /// The content that was told last.
    told: Content,
    /// The content that was read last.
    seen: Content,
    stamp: Option<Stamp>,
    /// The time at which the stamp was seen first.
    since: Instant,
    /// True if the content stays as it is while the stamp does.
    is_final: bool,
}

/// The result of a look at a file.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// Nothing has changed, by its metadata.
    Unread,
    /// It was read, and there is nothing to tell.
    Read,
    /// It has other content.
    Changed(Content),
}

/// The metadata of a file that tell a change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Device and inode, which differ where another file was moved here, and the time of the last change of content
    /// or metadata, which nobody can set back.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
    #[cfg(not(unix))]
    created: Option<SystemTime>,
}

impl<'a> Watched<'a> {
    fn new(path: &'a Path, text: String) -> Self {
        let (told, seen) = (Ok(text.clone()), Ok(text));
        Self { path, told, seen, stamp: None, since: Instant::now(), is_final: false }
    }

    /// Looks at the metadata, and reads the file where they or the content may have changed. A change counts once two
    /// readings are equal, so that a half-written file is not taken for a wrong one.
    fn look(&mut self) -> Look {
        // An editor may remove the file for a moment while it saves, and a pipe in its place would be waited for until it
        // has a writer.
        if !self.path.is_file() {
            return Look::Unread;
        }
        // What NFS knows of a file is fresh when it is opened.
        let file = open_at_once(self.path);
        let metadata = file.as_ref().ok().and_then(|file| file.metadata().ok());
        // Something else may have taken its place since.
        if metadata.as_ref().is_some_and(|metadata| !metadata.is_file()) {
            return Look::Unread;
        }
        let stamp = metadata.as_ref().map(Stamp::of);
        if stamp != self.stamp || stamp.is_none() {
            (self.stamp, self.since, self.is_final) = (stamp, Instant::now(), false);
        }
        if self.is_final {
            return Look::Unread;
        }
        let is_old = self.since.elapsed() >= GRAIN;
        let now = load::read_from(file, self.path).map_err(|error| error.to_string());
        let settled = now == self.seen;
        self.seen = now;
        self.is_final = settled && is_old;
        if !settled || self.seen == self.told {
            return Look::Read;
        }
        self.told.clone_from(&self.seen);
        Look::Changed(self.told.clone())
    }
}

/// Opens a file; of a pipe, it does not wait for the writer.
fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.read(true).open(path)
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
            },
            #[cfg(not(unix))]
            created: metadata.created().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::advance;

    use super::*;

    /// Looks until the file is not read any more, and returns what there was to tell and how often it was read.
    async fn looked(watched: &mut Watched<'_>) -> (Vec<Content>, u32) {
        let (mut told, mut read) = (Vec::new(), 0);
        loop {
            advance(PERIOD).await;
            match watched.look() {
                Look::Unread => return (told, read),
                Look::Read => read += 1,
                Look::Changed(content) => {
                    read += 1;
                    told.push(content);
                }
            }
        }
    }

    /// As where a pipe takes a file's place after the file has been looked for.
    #[cfg(unix)]
    #[test]
    fn a_pipe_is_opened_without_its_writer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab.toml");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(!open_at_once(&path).unwrap().metadata().unwrap().is_file());
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_does_not_change_is_not_read_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab.toml");
        fs::write(&path, "one").unwrap();
        let mut watched = Watched::new(&path, "one".to_owned());
        let (told, read) = looked(&mut watched).await;
        assert!(told.is_empty());
        assert!(Duration::from_millis(100) * read >= GRAIN && read < 30, "{read}");
        for _ in 0..1000 {
            advance(PERIOD).await;
            assert_eq!(watched.look(), Look::Unread);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_the_same_size_and_time_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab.toml");
        fs::write(&path, "one").unwrap();
        let mut watched = Watched::new(&path, "one".to_owned());
        assert_eq!(watched.look(), Look::Read);
        fs::write(&path, "two").unwrap();
        assert_eq!(watched.look(), Look::Read);
        assert_eq!(watched.look(), Look::Changed(Ok("two".to_owned())));
        // The grain of a time hides the next change: the metadata are those of the last one.
        fs::write(&path, "six").unwrap();
        watched.stamp = Some(Stamp::of(&fs::metadata(&path).unwrap()));
        assert_eq!(looked(&mut watched).await.0, [Ok("six".to_owned())]);
        // Later the time was set back, which shows in the time of the last change.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "ten").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        if cfg!(unix) {
            assert_eq!(looked(&mut watched).await.0, [Ok("ten".to_owned())]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_file_that_is_moved_there_is_seen_and_so_is_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("lab.toml"), dir.path().join("other.toml"));
        fs::write(&other, "two").unwrap();
        File::options().write(true).open(&other).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        fs::write(&path, "one").unwrap();
        let mut watched = Watched::new(&path, "one".to_owned());
        looked(&mut watched).await;
        fs::rename(&other, &path).unwrap();
        assert_eq!(looked(&mut watched).await.0, [Ok("two".to_owned())]);
        fs::remove_file(&path).unwrap();
        assert_eq!(looked(&mut watched).await, (Vec::new(), 0));
        fs::write(&path, [0xFF]).unwrap();
        let (told, _) = looked(&mut watched).await;
        assert!(matches!(told.as_slice(), [Err(why)] if why.contains("line 1 is not UTF-8")), "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_half_written_file_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab.toml");
        fs::write(&path, "one").unwrap();
        let mut watched = Watched::new(&path, "one".to_owned());
        looked(&mut watched).await;
        fs::write(&path, "t").unwrap();
        assert_eq!(watched.look(), Look::Read);
        fs::write(&path, "two").unwrap();
        assert_eq!(watched.look(), Look::Read);
        assert_eq!(watched.look(), Look::Changed(Ok("two".to_owned())));
        assert_eq!(watched.look(), Look::Read);
    }
}
