//! Reads what administrators paste: events, errors, exports, certificates.
//!
//! [`recognize`] identifies inputs and explains their meaning, and [`import`] makes a lab from exports.
//! Everything works on text and bytes; nothing is executed, and no key or password is kept.

mod anonymize;
mod certificate;
mod clixml;
mod collect;
mod command;
mod connector;
mod date;
mod delimited;
mod dialogue;
mod event;
mod explain;
mod json;
mod list;
mod material;
mod names;
mod nrbf;
mod organization;
mod protocol;
mod question;
mod read;
mod recognize;
mod record;
mod refusal;
mod sender;
mod table;
mod text;
mod write;

pub use collect::COLLECT;
pub use dialogue::Dialogue;
pub use event::{FoundEvent, SelectionKey};
pub use explain::{
    About, Cause, CertificateSeen, EventItem, Evidence, Explanation, Item, Next, SenderItem, Sibling,
};
pub use material::{Pkcs12Error, certificate_in_pkcs12};
pub use organization::{ImportError, Imported, Original};
pub use protocol::{ProtocolExcerpt, TrackingExcerpt};
pub use question::{AnswerError, Answers, Question, answer};
pub use read::{Input, LONGEST_INPUT};
pub use recognize::{Recognized, recognize};
pub use record::Kind;
pub use refusal::Refusal;
pub use sender::{Meaning, SenderError, Side, is_known_error};

use jiff::Timestamp;

/// Makes a lab from exports.
///
/// # Errors
///
/// If there is neither a connector nor a certificate, or if an answer cannot be used.
pub fn import(
    inputs: &[Input],
    answers: &Answers,
    password: Option<&str>,
    now: Timestamp,
) -> Result<Imported, ImportError> {
    import_by_input(inputs, answers, password, now, |_| {})
}

/// Like [`import`]; `reads` is called with each input before it is read, which may take a while.
///
/// # Errors
///
/// As for [`import`].
pub fn import_by_input(
    inputs: &[Input],
    answers: &Answers,
    password: Option<&str>,
    now: Timestamp,
    mut reads: impl FnMut(&Input),
) -> Result<Imported, ImportError> {
    let pieces = inputs.iter().map(|input| {
        reads(input);
        read::read(input, password, false)
    });
    organization::assemble(&pieces.collect::<Vec<_>>(), answers, now)
}
