//! The parts of a session that were sent in clear, readable by anybody on the network path.

use jiff::Timestamp;
use serde::Serialize;

/// A part of a client's mail session, in the order of its value to an eavesdropper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Said {
    /// MAIL or RCPT: the sender and the recipients (RFC 5321 section 4.1.1).
    Envelope,
    /// Content, whether or not it was accepted.
    Body,
    /// The answer to an AUTH challenge, or an initial response (RFC 4954 section 4).
    Credentials,
}

impl Said {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Envelope, Self::Body, Self::Credentials];

    /// Returns the part in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Body => "body",
            Self::Credentials => "credentials",
        }
    }
}

/// The reason why a part was said in clear, as far as the server is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// STARTTLS was not offered, or the client did not ask by EHLO.
    NotOffered,
    /// STARTTLS was offered, and not asked for before.
    OfferedAndNotUsed,
    /// STARTTLS was asked for and not granted.
    Refused,
    /// The part followed STARTTLS in clear, before the handshake.
    BehindStartTls,
    /// In an earlier conversation the same client had asked for TLS and delivered nothing.
    AfterFailure,
}

impl Why {
    /// Returns the reason as a part of a sentence.
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

/// A part that was said in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// The part.
    pub what: Said,
    /// The reason.
    pub why: Why,
    /// The conversation in which it was said.
    pub session: String,
    /// The time at which it was first said there, by the lab's clock.
    pub at: Timestamp,
}
