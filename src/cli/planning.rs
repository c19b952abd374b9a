//! A lab planned while signals are heard.

use std::ops::ControlFlow;
use std::panic::resume_unwind;

use super::output::Failure;
use super::signals::{Asked, Signals};
use crate::lab::Plan;
use crate::scenario::ScenarioText;

/// Plans a lab on another thread: an RSA key takes up to a second, and a signal does not wait for all of them. Breaks
/// with the signal if one comes first.
pub(super) async fn plan(
    text: &ScenarioText,
    signals: &mut Signals,
) -> Result<ControlFlow<Asked, Plan>, Failure> {
    let text = text.clone();
    tokio::select! {
        biased;
        planned = tokio::task::spawn_blocking(move || Plan::listening(&text)) => {
            Ok(ControlFlow::Continue(planned.unwrap_or_else(|panic| resume_unwind(panic.into_panic()))?))
        }
        asked = signals.next() => Ok(ControlFlow::Break(asked)),
    }
}
