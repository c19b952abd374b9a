//! SMTP as values: what the bytes of a conversation mean, and the bytes an answer is.
//!
//! Nothing here waits, reads a clock or does I/O. Bytes come in a [`bytes::BytesMut`] that the
//! server fills, in whatever pieces the network makes of them, and every decoder here gives the same
//! for every cut:
//!
//! - [`LineDecoder`] takes [`Line`]s off its front, and [`Command::parse`] reads one; what is wrong
//!   with it is a [`CommandError`], a value that a session answers with the words of its server.
//! - After DATA a [`DataDecoder`], after BDAT a [`ChunkDecoder`] takes the content, and both end in
//!   [`Received`]: a [`Body`], and the [`Oddities`] that were seen in it.
//! - On the sending side [`ReplyLines`] makes replies of lines, and [`transparent`] content for DATA.
//! - A [`Reply`] is the way back, and [`HeaderScan`] says which message it was.
//!
//! The syntax of a line is decided here (RFC 5321, and what real clients send and real servers take);
//! what is offered, allowed and too long is decided by a session.

mod address;
mod arguments;
mod body;
mod command;
mod data;
mod date;
mod decoder;
mod enhanced;
mod headers;
mod hello;
mod loose;
mod parameters;
mod received;
mod reply;
mod reply_lines;
mod transparency;
mod verb;

pub use address::{Address, AddressError, ReversePath};
pub use body::{Body, BodyReader};
pub use command::{Command, Mail, Rcpt};
pub use data::{ChunkDecoder, DataDecoder, DataProgress};
pub use date::MailDate;
pub use decoder::{Ending, Line, LineDecoder};
pub use enhanced::{EnhancedCode, EnhancedCodeError};
pub use headers::{HeaderEnd, HeaderScan};
pub use hello::{HelloName, HelloNameError};
pub use loose::LooseDecoder;
pub use parameters::{BodyType, MailParameters, Notify, Parameter, RcptParameters, Ret, Sparse};
pub use received::{Oddities, Received};
pub(crate) use reply::{FixedReply, fixed_reply};
pub use reply::{Reply, ReplyError};
pub use reply_lines::ReplyLines;
pub use transparency::transparent;
pub use verb::{CommandError, Verb, tells_address};
