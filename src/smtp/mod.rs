//! SMTP as values.

mod address;
mod arguments;
mod body;
mod command;
mod data;
mod decoder;
mod hello;
mod parameters;
mod received;
mod verb;

pub use address::{Address, AddressError, ReversePath};
pub use body::{Body, BodyReader};
pub use command::{Command, Mail, Rcpt};
pub use data::{ChunkDecoder, DataDecoder, DataProgress};
pub use decoder::{Ending, Line, LineDecoder};
pub use hello::{HelloName, HelloNameError};
pub use parameters::{BodyType, MailParameters, Notify, Parameter, RcptParameters, Ret};
pub use received::{Oddities, Received};
pub use verb::{CommandError, Verb};
