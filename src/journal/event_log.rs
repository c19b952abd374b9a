//! The event log views.
use super::record::{Entry, Logged};
/// x
pub fn event_block(_t: jiff::Timestamp, l: &Logged) -> String { format!("Event ID: {} {}", l.event.event_id, l.event.message()) }
/// x
pub fn event_xml(_e: &Entry, _l: &Logged) -> String { String::new() }
