//! Which computers the cmdlets reach from where the Shell runs.

use super::bind::Bound;
use super::error::{Span, Wrong};
use super::run::Run;
use crate::exchange::{Computer, Role};

impl Run<'_> {
    /// The computers that the cmdlets reach from here, the one of the Shell first.
    pub(super) fn reachable(&self) -> Vec<usize> {
        let inside = |at: &usize| {
            let (here, there) = (self.computer(self.here), self.computer(*at));
            here.zip(there).is_some_and(|(here, there)| is_reached(here, there))
        };
        let others = (0..self.computers.len()).filter(|at| *at != self.here).filter(inside);
        std::iter::once(self.here).chain(others).collect()
    }

    /// The computer of this name or FQDN.
    pub(super) fn server(&self, name: &str, span: Span) -> Result<usize, Wrong> {
        if let Some(found) = self.reachable().into_iter().find(|at| self.is_called(*at, name)) {
            return Ok(found);
        }
        let there = (0..self.computers.len()).find(|at| self.is_called(*at, name));
        let hint = match there.and_then(|at| self.computer(at)).zip(self.computer(self.here)) {
            Some((there, here)) if !same_organization(there, here) => {
                let organization = match there.organization.as_str() {
                    "" => "none".to_owned(),
                    organization => format!("'{organization}'"),
                };
                format!(
                    " It belongs to another organization ({organization}), which no cmdlet reaches from '{}': run the Shell on it.",
                    here.name
                )
            }
            Some(_) => " An Edge stands outside the organization: run the Shell on it.".to_owned(),
            None => {
                let names = self.reachable().into_iter().filter_map(|at| self.computer(at));
                let names: Vec<&str> = names.map(|computer| computer.name.as_str()).collect();
                format!(" From here these can be reached: {}.", names.join(", "))
            }
        };
        Err(Wrong::not_found(span, format!("The server '{name}' couldn't be found.{hint}")))
    }

    /// The computer that `-Server` names, or the one of the Shell.
    pub(super) fn server_of(&self, bound: &Bound) -> Result<usize, Wrong> {
        match bound.text("Server")? {
            Some(name) => self.server(&name, bound.place("Server")),
            None => Ok(self.here),
        }
    }

    /// The Edge of this name or FQDN, of the organization of the Shell's computer.
    pub(super) fn edge(&self, name: &str) -> Option<usize> {
        let here = self.computer(self.here)?;
        (0..self.computers.len()).find(|at| {
            self.is_called(*at, name)
                && self.computer(*at).is_some_and(|it| it.role == Role::Edge && same_organization(it, here))
        })
    }

    /// Returns whether the Shell runs on an Edge.
    pub(super) fn on_edge(&self) -> bool {
        self.computer(self.here).is_some_and(|computer| computer.role == Role::Edge)
    }

    fn is_called(&self, at: usize, name: &str) -> bool {
        self.computer(at)
            .is_some_and(|computer| computer.name.eq_ignore_ascii_case(name) || computer.fqdn == *name)
    }
}

/// Returns whether cmdlets on `here` reach the computer `there`, another one.
pub(super) fn is_reached(here: &Computer, there: &Computer) -> bool {
    here.role != Role::Edge && there.role != Role::Edge && same_organization(here, there)
}

fn same_organization(one: &Computer, other: &Computer) -> bool {
    one.organization == other.organization
}
