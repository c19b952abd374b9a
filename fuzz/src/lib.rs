//! The bodies of the fuzz targets, which the tests of the main package run as well.

#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;

pub use targets::*;
