//! A lab on paper, ready to be started.

use super::LabError;
use crate::clock::Clock;
use crate::exchange::Zone;
use crate::pki::{Certificate, KeyPair};
use crate::scenario::{Built, RevocationList, ScenarioText, Workshop};

/// A lab that nothing listens for: computers with their certificates, and the time it is there.
#[derive(Debug)]
pub struct Paper {
    /// The lab's clock.
    pub clock: Clock,
    /// The computers.
    pub computers: Vec<Built>,
    /// Which host names lead to which of them.
    pub zone: Zone,
    pub(super) text: ScenarioText,
    pub(super) workshop: Workshop,
}

impl Paper {
    /// Issues the certificates and files them.
    ///
    /// # Errors
    ///
    /// What is wrong with the scenario; a key that could not be made.
    pub fn new(text: &ScenarioText) -> Result<Self, LabError> {
        Self::at(text, text.scenario.now.map_or_else(Clock::system, Clock::pinned))
    }

    /// The same at the time of a clock of one's own.
    ///
    /// # Errors
    ///
    /// What is wrong with the scenario; a key that could not be made.
    pub fn at(text: &ScenarioText, clock: Clock) -> Result<Self, LabError> {
        let mut workshop = Workshop::open(clock.now(), &mut KeyPair::generate)?;
        let computers = text.build(&mut workshop, &mut KeyPair::generate)?;
        let (zone, text) = (text.zone(), text.clone());
        Ok(Self { clock, computers, zone, text, workshop })
    }

    /// The root that a client of this lab has to trust.
    pub fn root(&self) -> &Certificate {
        self.workshop.root()
    }

    /// What each authority of the lab has revoked.
    ///
    /// # Errors
    ///
    /// Where a list could not be signed.
    pub fn revocation_lists(&self) -> Result<Vec<RevocationList>, LabError> {
        Ok(self.workshop.revocation_lists()?)
    }
}
