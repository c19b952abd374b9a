//! A running lab in the hands of whoever steers it: looked up, edited and set back.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Engine, LabError};
use crate::exchange::Computer;
use crate::exchange::cmdlet::Memory;
use crate::pki::KeyPair;
use crate::scenario::{Built, Keys, ScenarioText, Sender, Workshop};

impl Engine {
    /// The lab file that was put in place last; cmdlets and edits are not in it.
    pub fn text(&self) -> ScenarioText {
        self.desk().text.clone()
    }

    /// The senders of the lab file that was put in place last, as they were when it was.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn senders(&self) -> Result<Vec<Sender>, LabError> {
        let text = self.text();
        let built = text.build(&mut self.desk().workshop, &mut KeyPair::generate)?;
        Ok(text.senders(&built)?)
    }

    /// Lets `edit` change the computers; what it makes of them counts from the next connection. It is called
    /// several times, because the keys that it asks for are made aside; what it makes of the last one counts.
    ///
    /// The answer says what changed for whom, a line for each connector.
    ///
    /// # Errors
    ///
    /// What `edit` says, or a socket that could not be bound. Nothing has changed then.
    pub async fn edit<E: From<LabError>>(
        &self,
        mut edit: impl FnMut(&mut Vec<Arc<Computer>>, &mut Workshop, Keys<'_>) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let _changing = self.changing.lock().await;
        let mut computers = self.computers();
        let on_trial = computers.clone();
        let trial =
            |workshop: &mut Workshop, keys: Keys<'_>| drop(edit(&mut on_trial.clone(), workshop, keys));
        let mut keys = self.keys_for(trial).await;
        let zone = {
            let mut desk = self.desk();
            edit(&mut computers, &mut desk.workshop, &mut |algorithm| keys.next(algorithm))?;
            desk.text.zone()
        };
        let home = |name: &str| zone.addresses.get(name).copied().unwrap_or(Ipv4Addr::LOCALHOST.into());
        let mut faults = self.live.faults();
        let built = computers.into_iter().map(|computer| Built {
            address: home(&computer.name),
            faults: faults.remove(&computer.name).unwrap_or_default(),
            computer,
        });
        let built = built.collect();
        Ok(self.put_in_place(built, zone).await?)
    }

    /// Puts `text` in place, forgets what cmdlets have left behind, and logs what the transport service logs
    /// when it starts. `meanwhile` is called before the log begins anew.
    ///
    /// # Errors
    ///
    /// What is wrong, or what could not be bound. Nothing has changed then.
    pub async fn reset(
        &self,
        text: &ScenarioText,
        meanwhile: impl FnOnce(),
    ) -> Result<Vec<String>, LabError> {
        let what = self.change(text).await?;
        self.desk().memory = Memory::default();
        meanwhile();
        self.log_start().await;
        Ok(what)
    }
}
