//! The stories that are built in: the files of `lab/`.

/// A built-in story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its name, which is its file's without the ending.
    pub name: &'static str,
    /// Its lab file.
    pub text: &'static str,
}

macro_rules! stories {
    ($($name:literal),* $(,)?) => {
        /// Every built-in story, the seed first.
        pub const STORIES: &[Story] = &[
            $(Story { name: $name, text: include_str!(concat!("../../lab/", $name, ".toml")) }),*
        ];
    };
}

stories! {
    "fqdn-mismatch",
    "healthy",
}

/// The story called `name`.
pub fn story(name: &str) -> Option<&'static Story> {
    STORIES.iter().find(|story| story.name == name)
}

/// The story whose name `name` is probably meant to be.
pub fn suggest(name: &str) -> Option<&'static str> {
    super::locate::nearest(name, STORIES.iter().map(|story| story.name))
}
