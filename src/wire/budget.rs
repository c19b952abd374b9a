//! The memory that content under way may take, shared by all conversations of a lab.

use std::sync::atomic::{AtomicU64, Ordering};

/// The memory that content under way may take, in bytes.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicU64,
    most: u64,
}

impl Budget {
    pub(super) fn new(most: u64) -> Self {
        Self { used: AtomicU64::new(0), most }
    }

    /// Returns an empty share, which can grow.
    pub(super) fn share(&self) -> Share<'_> {
        Share { budget: self, bytes: 0 }
    }
}

/// A share of the budget; given back when it is dropped.
pub(super) struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Share<'_> {
    /// Grows the share to `bytes`. Returns false if the budget does not hold that many bytes.
    pub(super) fn grow(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        self.bytes += more;
        self.budget.used.fetch_add(more, Ordering::Relaxed) + more <= self.budget.most
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
