//! A running lab in the hands of whoever steers it: looked up, edited and set back.

use std::sync::Arc;

use super::{Engine, LabError};
use crate::exchange::Computer;
use crate::exchange::cmdlet::Memory;
use crate::pki::KeyPair;
use crate::scenario::{Keys, ScenarioText, Workshop};

impl Engine {
    /// The lab file that was put in place last; cmdlets and edits are not in it.
    pub fn text(&self) -> ScenarioText {
        self.desk().text.clone()
    }

    /// Lets `edit` change the computers; what it makes of them counts from the next connection.
    ///
    /// The answer says what changed for whom, a line for each connector.
    ///
    /// # Errors
    ///
    /// What `edit` says, or a socket that could not be bound. Nothing has changed then.
    pub async fn edit<E: From<LabError>>(
        &self,
        edit: impl FnOnce(&mut Vec<Arc<Computer>>, &mut Workshop, Keys<'_>) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let _changing = self.changing.lock().await;
        let mut computers = self.computers();
        let zone = {
            let mut desk = self.desk();
            edit(&mut computers, &mut desk.workshop, &mut KeyPair::generate)?;
            desk.text.zone()
        };
        let built = self.as_built(computers, &zone);
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
