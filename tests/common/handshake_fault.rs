//! A fault of a handshake, written as in a lab file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::sync::Arc;

use serde_json::{Value, json};
use starttls_lab::internal::session::fault::{FaultSpec, Fired, HandshakeAction, Then};
use starttls_lab::internal::tls::HandshakeFault;

/// The fault of a rule at the stage `handshake` that does `action`.
pub(crate) fn handshake_fault(action: impl Into<Value>, then: Option<Then>) -> HandshakeFault {
    let row: FaultSpec =
        serde_json::from_value(json!({"at": "handshake", "do": action.into(), "then": then})).unwrap();
    let rule = row.resolve().unwrap();
    let fired = Fired { row: 1, rule: Arc::new(rule) };
    let actions = fired.handshake().iter().map(|action| match action {
        HandshakeAction::Flight(action) => action.clone(),
        HandshakeAction::Delay(_) | HandshakeAction::Tls(_) => {
            panic!("{action:?} is nothing that is done to a flight")
        }
    });
    HandshakeFault { actions: actions.collect(), then: fired.rule.then(), early: Vec::new() }
}
