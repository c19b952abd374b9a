//! The bodies of the fuzz targets: functions that take any bytes and panic where a promise is broken.
//!
//! `fuzz/` runs them under libFuzzer, and this test binary replays the committed inputs with some changes to each.

mod certificate;
mod commands;
mod connection;
mod decoder;
mod files;
mod http;
mod meaning;
mod receive;
mod relay;
mod send;
mod source;
mod tls;
mod world;

pub use certificate::{certificate, names};
pub use commands::commands;
pub use connection::connection;
pub use decoder::decoder;
pub use files::{lab_file, paste, shell};
pub use http::http;
pub use receive::receive;
pub use relay::relay;
pub use send::send;
pub use tls::{client_hello, server_flight};
