//! The cmdlets that a Shell has, with their parameters.

mod exchange;
mod powershell;

use super::signature::{Cmdlet, Parameter};

/// Returns all cmdlets, those of Exchange first.
pub(super) fn all() -> impl Iterator<Item = &'static Cmdlet> {
    exchange::CMDLETS.iter().chain(powershell::CMDLETS)
}

const fn value(name: &'static str) -> Parameter {
    Parameter::value(name)
}

const fn switch(name: &'static str) -> Parameter {
    Parameter::switch(name)
}

const fn idle(name: &'static str) -> Parameter {
    Parameter::idle(name)
}

/// The parameters of every cmdlet that changes something.
const CHANGES: &[Parameter] = &[switch("Confirm"), switch("WhatIf")];
