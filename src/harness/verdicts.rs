//! The verdict on each client of a lab.

use super::running::Running;
use crate::observe::verdict::{Measure, Verdict};
use crate::scenario::ROOT_SUBJECT;

impl Running {
    /// Returns the verdict on each client so far: what it was offered and presented, what it did then, what
    /// it said in clear, and whether it came back in clear after TLS had failed.
    pub fn verdicts(&self) -> Vec<Verdict> {
        self.audit(None)
    }

    /// Like `verdicts`, if clients had to expect a certificate for `host`.
    pub fn verdicts_for(&self, host: &str) -> Vec<Verdict> {
        self.audit(Some(host))
    }

    fn audit(&self, host: Option<&str>) -> Vec<Verdict> {
        self.observer().verdicts(0, Measure { host, root: Some(ROOT_SUBJECT) })
    }
}
