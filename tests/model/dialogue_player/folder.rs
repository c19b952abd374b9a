//! A folder of dialogues, all of them played.

use std::path::Path;

use super::{Bare, Cut, Dialogue, Difference, Socket, Stage, play};

/// A folder of dialogues, below the repository's root.
pub(crate) struct Folder(pub(crate) &'static str);

impl Folder {
    /// Every dialogue there is, in the order of their names.
    pub(crate) fn dialogues(&self) -> Vec<Dialogue> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(self.0);
        let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "smtp"));
        files.sort();
        let read = |file: &std::path::PathBuf| {
            let name = file.file_name().unwrap().to_string_lossy();
            Dialogue::parse(&name, &std::fs::read_to_string(file).unwrap())
        };
        files.iter().map(read).collect()
    }

    /// Plays every dialogue with the cuts that `cuts` wants, and says of each what went otherwise.
    pub(crate) fn play_all(&self, cuts: impl Fn(&Dialogue) -> Vec<Cut>) {
        let mut failures = Vec::new();
        for dialogue in self.dialogues() {
            let stage = Stage::new(&dialogue.setup);
            let failed = cuts(&dialogue).into_iter().find_map(|cut| {
                let played = play(&dialogue, &mut Bare::connect(&stage, dialogue.early(), cut));
                let Difference { line, what } = played.err()?;
                Some(format!("{}/{}:{line}: {what} (cut: {cut:?})", self.0, dialogue.name))
            });
            failures.extend(failed);
        }
        assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    }

    /// Plays dialogues of this folder over sockets, and in the bare session, whose journal has to be the same.
    pub(crate) fn play_over_sockets(&self, dialogues: &[Dialogue], cut: impl Fn(&Dialogue) -> Cut) {
        let failed = |dialogue: &Dialogue| {
            let what = over_a_socket(dialogue, cut(dialogue)).err()?;
            Some(format!("{}/{}:{what}", self.0, dialogue.name))
        };
        let failures: Vec<_> = dialogues.iter().filter_map(failed).collect();
        assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    }
}

/// Plays a dialogue over a socket, and returns what was written down.
///
/// # Errors
///
/// What went otherwise than it is written, or than it goes in the bare session.
pub(crate) fn over_a_socket(dialogue: &Dialogue, cut: Cut) -> Result<Vec<String>, String> {
    let lab = dialogue.setup.paper();
    let stage = Stage::in_lab(&dialogue.setup, &lab);
    let mut bare = Bare::connect(&stage, dialogue.early(), Cut::Nowhere);
    let mut socket = Socket::connect(lab, &stage, dialogue, cut);
    for played in [play(dialogue, &mut socket), play(dialogue, &mut bare)] {
        played.map_err(|Difference { line, what }| format!("{line}: {what}"))?;
    }
    let (there, here) = (socket.account().lines(), bare.account().lines());
    match (0..there.len().max(here.len())).find(|&at| there.get(at) != here.get(at)) {
        Some(at) => {
            Err(format!(" the journal has {:?} where the session has {:?}", there.get(at), here.get(at)))
        }
        None => Ok(there.to_vec()),
    }
}
