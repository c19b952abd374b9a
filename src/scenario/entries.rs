//! The fault catalogue: the files of the folders below `lab/`.

use super::catalogue::BuiltIn;
use crate::nearest::nearest;

/// The topic of an entry of the fault catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Comparison of names: which name is compared with which.
    Names,
    /// Validity, chain, key and signature of the certificate.
    Trust,
    /// The transition from clear text to TLS.
    Starttls,
    /// Requirements on TLS.
    Policy,
    /// SMTP itself.
    Smtp,
}

/// An entry of the fault catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The entry's topic, which is the folder of its file.
    pub group: Group,
    /// The entry's name and lab file.
    pub story: BuiltIn,
}

macro_rules! entries {
    ($($group:ident $folder:literal { $($name:literal),* $(,)? })*) => {
        /// Every entry of the fault catalogue, group by group.
        pub const ENTRIES: &[CatalogueEntry] = &[
            $($(CatalogueEntry {
                group: Group::$group,
                story: BuiltIn {
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
        "baseline",
        "inject-command",
        "inject-command-vulnerable",
        "inject-preauth-banner",
        "inject-response",
        "inject-response-554",
        "starttls-absent",
        "starttls-absent-but-accepted",
        "starttls-cmd-close",
        "starttls-cmd-hang",
        "starttls-ehlo-rejected",
        "starttls-intermittent",
        "starttls-lowercase",
        "starttls-reply-250",
        "starttls-reply-334",
        "starttls-reply-354",
        "starttls-reply-421",
        "starttls-reply-451",
        "starttls-reply-454",
        "starttls-reply-500",
        "starttls-reply-501",
        "starttls-reply-502",
        "starttls-reply-503",
        "starttls-reply-530",
        "starttls-reply-550",
        "starttls-reply-554",
        "starttls-reply-delay3",
        "starttls-reply-lfonly",
        "starttls-reply-multiline",
        "starttls-stripped-xxx",
        "starttls-with-param",
        "tls-220-close",
        "tls-220-garbage-220",
        "tls-220-garbage-http",
        "tls-220-garbage-random",
        "tls-220-garbage-smtp",
        "tls-220-hang",
        "tls-220-rst",
        "tls-421-after-handshake",
        "tls-alert-access_denied",
        "tls-alert-after-handshake",
        "tls-alert-certificate_unknown",
        "tls-alert-close_notify",
        "tls-alert-decode_error",
        "tls-alert-handshake_failure",
        "tls-alert-illegal_parameter",
        "tls-alert-insufficient_security",
        "tls-alert-internal_error",
        "tls-alert-no_application_protocol",
        "tls-alert-protocol_version",
        "tls-alert-unrecognized_name",
        "tls-alert-user_canceled",
        "tls-anon-only",
        "tls-banner-after-handshake",
        "tls-clientcert-request",
        "tls-clientcert-require",
        "tls-close-after-dot",
        "tls-close-mid-data",
        "tls-corrupt-serverhello",
        "tls-cut-after-handshake",
        "tls-cut-clienthello",
        "tls-cut-serverhello",
        "tls-dhe1024-only",
        "tls-ehlo-500-after",
        "tls-ehlo-554-after",
        "tls-hang-after-handshake",
        "tls-hang-serverhello",
        "tls-implicit",
        "tls-no-close-notify",
        "tls-no-shared-cipher",
        "tls-only-SSLv3",
        "tls-only-TLSv1",
        "tls-only-TLSv1_1",
        "tls-only-TLSv1_2",
        "tls-only-TLSv1_3",
        "tls-readvertise",
        "tls-rsa-kx-only",
        "tls-rst-clienthello",
        "tls-second-starttls",
        "tls-state-not-reset",
        "tls-warn-unrecognized_name",
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

/// Returns the entry called `name`.
pub fn entry(name: &str) -> Option<&'static CatalogueEntry> {
    ENTRIES.iter().find(|entry| entry.story.name == name)
}

/// Returns the name of the entry that `name` is probably meant to be.
pub fn suggest_entry(name: &str) -> Option<&'static str> {
    nearest(name, ENTRIES.iter().map(|entry| entry.story.name))
}
