//! The event log views.
use super::record::Logged;
/// x
pub fn event_block(_l: &Logged) -> String {
    String::new()
}
/// x
pub fn event_xml(_l: &Logged) -> String {
    String::new()
}
