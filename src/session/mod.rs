//! session

pub mod tls;
pub use tls::*;
