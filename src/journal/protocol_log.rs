//! x
/// x
pub struct ProtocolLog;
