//! x
use super::record::Entry;
/// x
pub fn transcript_line(e: &Entry) -> Option<String> { Some(serde_json::to_string(e).unwrap_or_default()) }
