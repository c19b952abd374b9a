//! protocol_log
