//! The conversion of a fault rule as it was written to one that can be followed.

use std::time::Duration;

use bytes::Bytes;

use super::action::{Action, AfterTlsAction, ConnectAction, Kind, StageActions};
use super::error::{ActionError, FaultError};
use super::payload::{Alert, Capabilities, Corruption, Cut, LegacyVersion, Octets, TlsSettings};
use super::spec::{FaultSpec, Then};
use super::stage::FaultStage;
use crate::exchange::TimeSpan;
use crate::smtp::Reply;

/// A fault rule: the actions at a stage. Every action belongs to the stage, and each can be done.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    spec: FaultSpec,
    actions: StageActions,
    then: Option<Then>,
}

impl FaultRule {
    /// Returns the rule as it was written.
    pub const fn spec(&self) -> &FaultSpec {
        &self.spec
    }

    /// Returns the actions.
    pub const fn actions(&self) -> &StageActions {
        &self.actions
    }

    /// Returns how the connection ends with the rule, if it does.
    pub const fn then(&self) -> Option<Then> {
        self.then
    }

    /// Returns whether the rule may keep a client waiting for the lab.
    pub fn takes_time(&self) -> bool {
        let slows = |action: &Action| action.kind() == Kind::Slows;
        self.then == Some(Then::Silence) || self.spec.actions.0.iter().any(slows)
    }

    /// Returns whether a client may wait for the lab in vain: the lab is silent, or waits for TLS itself.
    pub fn keeps_waiting(&self) -> bool {
        self.then == Some(Then::Silence) || self.begins_with_tls()
    }

    /// Returns whether the command is not carried out: something replaces the reply, or nothing is sent at
    /// all.
    pub(super) fn replaces_command(&self) -> bool {
        let mut kinds = self.spec.actions.0.iter().map(Action::kind);
        kinds.clone().all(|kind| matches!(kind, Kind::Ending(_))) || kinds.any(|kind| kind == Kind::Replaces)
    }

    /// Returns whether the handshake comes before the banner.
    pub(super) fn begins_with_tls(&self) -> bool {
        let StageActions::Connect(list) = &self.actions else { return false };
        list.contains(&ConnectAction::ImplicitTls)
    }

    /// Returns whether the session inside TLS keeps the state from before TLS.
    pub(super) fn keeps_state(&self) -> bool {
        let StageActions::AfterTls(list) = &self.actions else { return false };
        list.contains(&AfterTlsAction::KeepState)
    }
}

impl FaultSpec {
    /// Makes a rule that can be followed.
    ///
    /// # Errors
    ///
    /// The rule is wrong by itself, whatever lab it is in.
    pub fn resolve(&self) -> Result<FaultRule, FaultError> {
        let (list, then) = self.ending()?;
        compatible(list)?;
        let actions = StageActions::at(self.at, list).map_err(|(index, error)| match error {
            ActionError::Elsewhere(action) => FaultError::Elsewhere { places: places(&list[index]), action },
            error => {
                let index = (self.actions.0.len() > 1).then_some(index);
                FaultError::Action { index, error }
            }
        })?;
        self.holes(list)?;
        self.can_be_true()?;
        if self.at == FaultStage::Handshake && then.is_some() {
            let goes_on = list.iter().find(|it| matches!(it, Action::Tls(_) | Action::Corrupt(_)));
            if let Some(action) = goes_on {
                return Err(FaultError::EndsAHandshakeThatGoesOn(action.name()));
            }
        }
        Ok(FaultRule { spec: self.clone(), actions, then })
    }

    /// Returns the actions without the one that ends the connection, and how the connection ends.
    fn ending(&self) -> Result<(&[Action], Option<Then>), FaultError> {
        let list = &self.actions.0[..];
        let Some((last, before)) = list.split_last() else { return Err(FaultError::NothingToDo) };
        let ends = |action: &&Action| matches!(action.kind(), Kind::Ending(_));
        if let Some(action) = before.iter().find(ends) {
            return Err(FaultError::BehindTheEnd(action.name()));
        }
        match (last.kind(), self.then) {
            (Kind::Ending(ending), then) if then.is_none_or(|then| then == ending) => {
                Ok((before, Some(ending)))
            }
            (Kind::Ending(_), _) => Err(FaultError::EndsTwice { action: last.name() }),
            (Kind::Replaces | Kind::Says | Kind::Slows | Kind::Hole | Kind::Once | Kind::Repeats, then) => {
                Ok((list, then))
            }
        }
    }

    fn holes(&self, list: &[Action]) -> Result<(), FaultError> {
        let hole = list.iter().find(|action| action.kind() == Kind::Hole);
        match (hole, self.vulnerable) {
            (Some(action), false) => Err(FaultError::Hole(action.name())),
            (None, true) => Err(FaultError::NoHole),
            (Some(_), true) | (None, false) => Ok(()),
        }
    }

    /// Checks that the rule's conditions can be met at its stage.
    fn can_be_true(&self) -> Result<(), FaultError> {
        use FaultStage as S;
        let has_line = match self.at {
            S::Connect | S::Handshake | S::AfterTls | S::Body | S::EndOfData | S::Bdat | S::Close => false,
            S::Ehlo
            | S::Helo
            | S::StartTls
            | S::Auth
            | S::Mail
            | S::Rcpt
            | S::Data
            | S::Rset
            | S::Other
            | S::Quit => true,
        };
        if self.when.line.is_some() && !has_line {
            return Err(FaultError::NoLine);
        }
        if self.when.longer_than.is_some() && !(has_line || self.at == S::EndOfData) {
            return Err(FaultError::NoLength);
        }
        if self.when.client_certificate.is_some() && matches!(self.at, S::Connect | S::Handshake) {
            return Err(FaultError::NoCertificateYet(self.at));
        }
        Ok(())
    }
}

/// Checks that the actions of one list can all be done.
fn compatible(list: &[Action]) -> Result<(), FaultError> {
    for (index, second) in list.iter().enumerate() {
        let clashes = |first: &&Action| match second.kind() {
            Kind::Replaces | Kind::Says => matches!(first.kind(), Kind::Replaces | Kind::Says),
            Kind::Repeats => false,
            Kind::Slows | Kind::Hole | Kind::Once | Kind::Ending(_) => first.name() == second.name(),
        };
        if let Some(first) = list[..index].iter().find(clashes) {
            return Err(FaultError::Both { first: first.name(), second: second.name() });
        }
    }
    Ok(())
}

/// Returns the stages that an action belongs to, in words.
fn places(action: &Action) -> String {
    let list = std::slice::from_ref(action);
    let is_elsewhere =
        |stage: &FaultStage| matches!(StageActions::at(*stage, list), Err((_, ActionError::Elsewhere(_))));
    let (others, places): (Vec<_>, Vec<_>) = FaultStage::ALL.iter().partition(|stage| is_elsewhere(stage));
    let named = |stages: &[FaultStage], last: &str| {
        let names: Vec<_> = stages.iter().map(|stage| stage.as_str()).collect();
        match &names[..] {
            [] => String::new(),
            [one] => (*one).to_owned(),
            [before @ .., end] => format!("{} {last} {end}", before.join(", ")),
        }
    };
    if others.len() < places.len() {
        format!("any stage but {}", named(&others, "and"))
    } else {
        named(&places, "or")
    }
}

/// The conversion from a value as it was written to the value that it stands for.
pub(super) trait Resolve<T> {
    fn resolve(self) -> Result<T, ActionError>;
}

/// Implements [`Resolve`] for types that stand for themselves.
macro_rules! as_written {
    ($($type:ty),*) => {$(
        impl Resolve<$type> for $type {
            fn resolve(self) -> Result<$type, ActionError> {
                Ok(self)
            }
        }
    )*};
}

as_written!(Capabilities, Corruption, Cut, LegacyVersion);

impl Resolve<Reply> for String {
    fn resolve(self) -> Result<Reply, ActionError> {
        self.parse().map_err(|error| ActionError::NoReply { text: self, error })
    }
}

impl Resolve<Bytes> for String {
    fn resolve(self) -> Result<Bytes, ActionError> {
        Ok(self.into())
    }
}

impl Resolve<Bytes> for Octets {
    fn resolve(self) -> Result<Bytes, ActionError> {
        self.bytes().map(Bytes::from)
    }
}

impl Resolve<u8> for Alert {
    fn resolve(self) -> Result<u8, ActionError> {
        self.number()
    }
}

impl Resolve<Duration> for TimeSpan {
    fn resolve(self) -> Result<Duration, ActionError> {
        Ok(self.0)
    }
}

impl Resolve<Vec<Bytes>> for Vec<String> {
    fn resolve(self) -> Result<Vec<Bytes>, ActionError> {
        if self.iter().all(String::is_empty) {
            return Err(ActionError::NoEnds);
        }
        Ok(self.into_iter().map(Bytes::from).collect())
    }
}

impl Resolve<TlsSettings> for TlsSettings {
    fn resolve(self) -> Result<TlsSettings, ActionError> {
        match (self.tickets, self.ticket_size) {
            (Some(count @ 17..), _) => Err(ActionError::TooManyTickets(count)),
            (_, Some(size @ ..32)) => Err(ActionError::TicketTooShort(size)),
            (Some(..17) | None, Some(32..) | None) => Ok(self),
        }
    }
}
