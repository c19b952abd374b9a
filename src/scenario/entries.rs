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
    }
    Policy "policy" {
        "opportunistic",
        "mandatory",
        "requiretls",
        "requiretls-refused",
        "require-tls-451",
        "mail-530",
        "mail-530-noadv",
        "auth-only-tls",
    }
    Smtp "smtp" {
        "e-banner-421",
        "e-banner-554",
        "e-banner-close",
        "e-banner-delay",
        "e-banner-multiline",
        "e-banner-noesmtp",
        "e-banner-longline",
        "e-slow-ehlo",
        "e-slow-reply",
        "e-tarpit",
        "e-mail-421",
        "e-mail-452",
        "e-mail-552",
        "e-rcpt-450",
        "e-rcpt-451",
        "e-rcpt-452",
        "e-rcpt-550",
        "e-rcpt-551",
        "e-rcpt-552",
        "e-rcpt-421",
        "e-rcpt-nocode",
        "e-data-421",
        "e-data-451",
        "e-data-554",
        "e-eod-421",
        "e-eod-451",
        "e-eod-452",
        "e-eod-550",
        "e-eod-552",
        "e-eod-close",
        "e-eod-nocode",
        "e-eod-999",
        "e-quit-close",
        "e-size",
        "e-chunking",
        "e-8bitmime-absent",
        "e-smtputf8",
        "e-smtputf8-absent",
        "e-nopipelining",
        "e-dsn",
        "e-binarymime",
        "e-longline",
        "e-header-size",
        "e-hopcount",
        "e-bare-lf",
        "e-smuggling-lf-dot-lf",
        "e-smuggling-crlf-dot-lf",
        "e-smuggling-lf-dot-crlf",
        "e-smuggling-cr-dot-cr",
        "e-smuggling-refused",
        "e-enhanced-codes",
        "e-enhanced-codes-absent",
        "e-pregreet",
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
