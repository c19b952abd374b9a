//! What was said in clear for everybody on the way to read.

use jiff::Timestamp;
use serde::Serialize;

/// A part of what a mail client has to say, in the order of its worth to whoever listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// MAIL or RCPT: who writes to whom (RFC 5321 section 4.1.1).
    Envelope,
    /// Content, whether or not it was taken.
    Body,
    /// The answer to an AUTH challenge, or an initial response (RFC 4954 section 4).
    Credentials,
}

impl Said {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Envelope, Self::Body, Self::Credentials];

    /// The part in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Body => "body",
            Self::Credentials => "credentials",
        }
    }
}

/// Why it was said in clear, as far as the server has to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// STARTTLS was not offered, or nobody asked by EHLO.
    NotOffered,
    /// STARTTLS was offered, and not asked for before.
    OfferedAndNotUsed,
    /// STARTTLS was asked for and not granted.
    Refused,
    /// It stood behind STARTTLS, in clear, before the handshake.
    BehindStartTls,
    /// In an earlier conversation the same client had asked for TLS and delivered nothing.
    AfterFailure,
}

impl Why {
    /// The reason as a part of a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NotOffered => "where STARTTLS was not offered",
            Self::OfferedAndNotUsed => "although STARTTLS was offered",
            Self::Refused => "after STARTTLS was refused",
            Self::BehindStartTls => "behind STARTTLS, before the handshake",
            Self::AfterFailure => "after a conversation in which it had asked for TLS and delivered nothing",
        }
    }
}

/// Something that was said in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// What.
    pub what: Said,
    /// Why.
    pub why: Why,
    /// In which conversation.
    pub session: String,
    /// When it was said for the first time there, by the lab's clock.
    pub at: Timestamp,
}
