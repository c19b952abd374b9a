//! x
use super::record::Entry;
/// x
pub struct ProtocolLog;
#[allow(missing_docs)]
impl ProtocolLog { pub fn new() -> Self { Self } pub fn rows(&mut self, _: &Entry) -> String { String::new() } pub fn header(&self, _: jiff::Timestamp) -> String { String::new() } pub fn file_name(&self, _: jiff::Timestamp) -> String { "x".into() } }
