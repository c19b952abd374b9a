//! Operations on a running lab: reading, editing and resetting it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Engine, LabError};
use crate::exchange::cmdlet::ShellState;
use crate::exchange::{Computer, Zone};
use crate::journal::Record;
use crate::pki::KeyPair;
use crate::scenario::{Built, Issuer, Keys, ScenarioText};

impl Engine {
    /// Returns the lab file that was put in place last; cmdlets and edits are not in it.
    pub fn text(&self) -> ScenarioText {
        self.desk().text.clone()
    }

    /// Lets `edit` change the computers, on another thread; the change counts from the next connection. Returns
    /// the result of `edit`.
    ///
    /// # Errors
    ///
    /// The error of `edit`, or a socket that could not be bound. Nothing has changed then.
    pub async fn edit<T: Send + 'static, E: From<LabError> + Send + 'static>(
        &self,
        edit: impl FnOnce(&mut Vec<Arc<Computer>>, &mut Issuer, Keys<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let changing = Arc::clone(&self.changing).lock_owned().await;
        let mut computers = self.computers();
        let edit = move |issuer: &mut Issuer| {
            let result = edit(&mut computers, issuer, &mut KeyPair::generate)?;
            Ok::<_, E>((computers, result))
        };
        let (_changing, edited) = self.work(changing, edit).await;
        let (computers, result) = edited?;
        let zone = self.text().zone();
        let built = self.as_built(computers, &zone);
        self.put_in_place(built, zone).await?;
        Ok(result)
    }

    /// Moves the lab's clock forward: certificates age, queues retry, and every wait that `by` passes is over.
    /// Returns the time in the lab then.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let record = Record::Changed { what: format!("the clock is advanced by {by}") };
        self.live.journal().append(self.clock().now(), None, record);
        self.clock().advance(by);
        self.clock().now()
    }

    /// Returns the computers as the next connection finds them, with their addresses and fault rules.
    pub fn built(&self) -> Vec<Built> {
        self.as_built(self.computers(), &self.text().zone())
    }

    /// Returns these computers with their addresses and fault rules.
    pub(super) fn as_built(&self, computers: Vec<Arc<Computer>>, zone: &Zone) -> Vec<Built> {
        let mut faults = self.live.faults();
        let built = computers.into_iter().map(|computer| Built {
            faults: faults.remove(&computer.name).unwrap_or_default(),
            address: zone.addresses.get(&computer.name).copied().unwrap_or(Ipv4Addr::LOCALHOST.into()),
            computer,
        });
        built.collect()
    }

    /// Puts `text` in place, forgets what cmdlets have left behind, and logs what the transport service logs
    /// when it starts. `meanwhile` is called before the log begins anew.
    ///
    /// # Errors
    ///
    /// An error in `text`, or a socket that could not be bound. Nothing has changed then.
    pub async fn reset(
        &self,
        text: &ScenarioText,
        meanwhile: impl FnOnce(),
    ) -> Result<Vec<String>, LabError> {
        let what = self.change(text).await?;
        self.desk().state = ShellState::default();
        meanwhile();
        self.log_start().await;
        Ok(what)
    }
}
