//! The fault catalogue: the files of the folders below `lab/`.

use super::catalogue::Story;
use crate::nearest::nearest;

/// What an entry of the fault catalogue is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Which name is compared with which.
    Names,
    /// Validity, chain, key and signature of the certificate.
    Trust,
    /// The way from clear text to TLS.
    Starttls,
    /// What is demanded of TLS.
    Policy,
    /// SMTP itself.
    Smtp,
}

/// An entry of the fault catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// What it is about; the folder of its file.
    pub group: Group,
    /// Its name and its lab file.
    pub story: Story,
}

macro_rules! entries {
    ($($group:ident $folder:literal { $($name:literal),* $(,)? })*) => {
        /// Every entry of the fault catalogue, group by group.
        pub const ENTRIES: &[CatalogueEntry] = &[
            $($(CatalogueEntry {
                group: Group::$group,
                story: Story {
                    name: $name,
                    text: include_str!(concat!("../../lab/", $folder, "/", $name, ".toml")),
                },
            },)*)*
        ];
    };
}

entries! {
    Names "names" {
    }
    Trust "trust" {
        "trust-expired",
    }
    Starttls "starttls" {
        "baseline",
    }
    Policy "policy" {
    }
    Smtp "smtp" {
    }
}

/// The entry called `name`.
pub fn entry(name: &str) -> Option<&'static CatalogueEntry> {
    ENTRIES.iter().find(|entry| entry.story.name == name)
}

/// The entry whose name `name` is probably meant to be.
pub fn suggest_entry(name: &str) -> Option<&'static str> {
    nearest(name, ENTRIES.iter().map(|entry| entry.story.name))
}
