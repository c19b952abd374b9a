//! x
/// x
pub fn transcript() {}
