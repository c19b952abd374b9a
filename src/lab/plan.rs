//! A lab that is read, resolved and built, and not yet started.

use super::{LabError, check_listens};
use crate::clock::Clock;
use crate::exchange::Zone;
use crate::pki::{Certificate, KeyPair};
use crate::scenario::{Built, Issuer, Keys, Resolved, RevocationList, ScenarioText, Sender};

/// A lab that can be started: its computers with their certificates, its senders, and its clock. A copy has the
/// same certificates.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The lab's clock.
    pub clock: Clock,
    /// The computers.
    pub computers: Vec<Built>,
    /// The name service: the host names that lead to each computer.
    pub zone: Zone,
    /// The senders of the scenario's run.
    pub senders: Vec<Sender>,
    pub(super) text: ScenarioText,
    pub(super) issuer: Issuer,
}

impl Plan {
    /// Resolves and builds a scenario, at the time that it names or else the machine's.
    ///
    /// # Errors
    ///
    /// An error in the scenario; a key that could not be made.
    pub fn new(text: &ScenarioText) -> Result<Self, LabError> {
        Self::with_keys(text, &mut KeyPair::generate)
    }

    /// Like [`Plan::new`], with keys from `keys`.
    ///
    /// # Errors
    ///
    /// An error in the scenario; a key that could not be made.
    pub fn with_keys(text: &ScenarioText, keys: Keys<'_>) -> Result<Self, LabError> {
        Self::build(text, text.scenario.now.map_or_else(Clock::system, Clock::pinned), keys)
    }

    /// Like [`Plan::new`], with an explicit clock.
    ///
    /// # Errors
    ///
    /// An error in the scenario; a key that could not be made.
    pub fn at(text: &ScenarioText, clock: Clock) -> Result<Self, LabError> {
        Self::build(text, clock, &mut KeyPair::generate)
    }

    fn build(text: &ScenarioText, clock: Clock, keys: Keys<'_>) -> Result<Self, LabError> {
        let mut issuer = Issuer::open(clock.now(), keys)?;
        let resolved = text.resolve()?;
        let computers = resolved.build(&mut issuer, keys)?;
        let Resolved { zone, senders, .. } = resolved;
        Ok(Self { clock, computers, zone, senders, text: text.clone(), issuer })
    }

    /// Like [`Plan::new`], for a lab that somebody can connect to.
    ///
    /// # Errors
    ///
    /// An error in the scenario; a key that could not be made; a lab without a receive connector.
    pub fn listening(text: &ScenarioText) -> Result<Self, LabError> {
        let plan = Self::new(text)?;
        check_listens(&plan.computers, text)?;
        Ok(plan)
    }

    /// Returns the root that a client of this lab has to trust.
    pub fn root(&self) -> &Certificate {
        self.issuer.root()
    }

    /// Returns the revocation list of each authority of the lab.
    ///
    /// # Errors
    ///
    /// A list could not be signed.
    pub fn revocation_lists(&self) -> Result<Vec<RevocationList>, LabError> {
        Ok(self.issuer.revocation_lists()?)
    }
}
