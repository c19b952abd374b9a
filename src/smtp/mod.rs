//! SMTP as values.

mod body;
mod data;
mod decoder;
mod received;

pub use body::{Body, BodyReader};
pub use data::{ChunkDecoder, DataDecoder, DataProgress};
pub use decoder::{Ending, Line, LineDecoder};
pub use received::{Oddities, Received};
