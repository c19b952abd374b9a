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
        "exchange-12014",
        "exchange-selection-wins-wrong",
        "exchange-smtp-service-not-enabled",
        "exchange-expired-still-offered",
        "exchange-tlscertificatename-stale",
        "exchange-authmechanism-no-tls",
        "name-san-only",
        "name-cn-only",
        "name-cn-only-mismatch",
        "name-mismatch",
        "name-cn-match-san-mismatch",
        "name-cn-match-san-iponly",
        "name-cn-match-san-emailonly",
        "name-san-list-last",
        "name-multi-cn-first",
        "name-multi-cn-last",
        "name-wildcard",
        "name-cn-wildcard",
        "name-wildcard-apex",
        "name-wildcard-two-labels",
        "name-wildcard-tld",
        "name-wildcard-partial",
        "name-wildcard-partial-end",
        "name-wildcard-middle",
        "name-wildcard-bare",
        "name-case-upper",
        "name-trailing-dot",
        "name-ip-san",
        "name-ip-as-dns",
        "name-ip-cn",
        "name-internal-local",
        "name-apex-only",
        "name-idn-a",
        "name-idn-u",
        "name-uri-san",
        "name-leading-dot",
        "name-srv",
        "name-nul-byte",
        "name-ehlo-mismatch",
        "sni-select",
        "sni-default",
        "sni-unknown",
    }
    Trust "trust" {
        "trust-expired",
        "trust-notyet",
        "trust-selfsigned",
        "trust-selfsigned-ca",
        "trust-untrusted",
        "trust-untrusted-fullchain",
        "trust-missing-int",
        "trust-chain-with-root",
        "trust-chain-wrong-order",
        "trust-expired-int",
        "trust-eku-client",
        "trust-eku-codesign",
        "trust-eku-none",
        "trust-eku-server-only-on-client",
        "trust-ku-certsign-only",
        "trust-revoked",
        "trust-rsa1024",
        "trust-sha1",
        "trust-md5",
        "trust-p256",
        "trust-p384",
        "trust-p521",
        "trust-ed25519",
        "trust-rsa4096",
        "trust-multi-cert",
        "trust-deep-chain",
        "trust-huge-cert",
        "trust-nc-violation",
        "trust-pathlen-violation",
        "trust-v1",
        "trust-no-aki",
        "trust-key-mismatch",
        "trust-validity-too-long",
    }
    Starttls "starttls" {
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
