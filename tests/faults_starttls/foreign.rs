//! The same entries, met by TLS libraries that this crate has no part in.
