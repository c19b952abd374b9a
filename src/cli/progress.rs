//! The progress of long work, on standard error: shown where that is a terminal, and nowhere else.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// The bar that is shown. What else is written to standard error meanwhile has to know of it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// The time between two drawings while nothing happens, which show that the program is at work.
const TICK: Duration = Duration::from_millis(120);

/// A bar, which is gone without a trace when this value is dropped. It has no colors.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins to count up to `total` of `unit`, such as `stages`.
    pub(super) fn of(total: usize, unit: &str) -> Self {
        Self::begin(total as u64, &format!("{{spinner}} [{{bar:30}}] {{pos}}/{{len}} {unit}  {{wide_msg}}"))
    }

    /// Begins to count bytes up to `total`.
    pub(super) fn of_bytes(total: usize) -> Self {
        Self::begin(total as u64, "{spinner} [{bar:30}] {bytes}/{total_bytes}  {wide_msg}")
    }

    fn begin(total: u64, template: &str) -> Self {
        // A template of this file is valid, which the test below shows.
        let (Some(target), Ok(style)) = (target(), style(template)) else {
            return Self(ProgressBar::hidden());
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_style(style);
        let bar = bar.with_finish(ProgressFinish::AndClear);
        bar.enable_steady_tick(TICK);
        *shown() = Some(bar.clone());
        Self(bar)
    }

    /// Counts `by` more; `what` is what is done, or under way.
    pub(super) fn advance(&self, by: usize, what: &str) {
        self.0.set_message(printable(what));
        self.0.inc(by as u64);
    }

    /// Sets the count.
    pub(super) fn set(&self, position: usize) {
        self.0.set_position(position as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        *shown() = None;
        self.0.finish_and_clear();
    }
}

/// Writes to standard error while no bar stands there.
pub(super) fn beside<T>(write: impl FnOnce() -> T) -> T {
    let bar = shown().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

// A bar is whole after a panic, too.
fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns standard error if it is a terminal on which a line can be drawn anew.
fn target() -> Option<ProgressDrawTarget> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    (io::stderr().is_terminal() && !is_dumb).then(ProgressDrawTarget::stderr)
}

fn style(template: &str) -> Result<ProgressStyle, indicatif::style::TemplateError> {
    let style = ProgressStyle::with_template(template)?;
    Ok(style.tick_chars("|/-\\ ").progress_chars("=> "))
}

/// Returns a text of which nothing moves the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid_and_no_control_character_gets_through() {
        assert!(style("{spinner} [{bar:30}] {bytes}/{total_bytes}  {wide_msg}").is_ok());
        assert!(style("{spinner} [{bar:30}] {pos}/{len} stages  {wide_msg}").is_ok());
        assert_eq!(printable("a\u{1b}[2J\nb"), "a [2J b");
    }

    #[test]
    fn what_is_written_beside_a_bar_is_written_once() {
        // Standard error of a test is none of a terminal, or the bar stands aside.
        let progress = Progress::of(2, "steps");
        let mut written = 0;
        beside(|| written += 1);
        progress.advance(1, "one");
        assert_eq!(written, 1);
    }
}
