//! The effect of commands: a dry run with them beside a dry run without them.

use super::usual::Usual;
use super::{Transport, play_commands};
use crate::clock::DryRun;
use crate::exchange::{Fix, PrivateKey, SendFix, Typed};
use crate::lab::{Engine, LabError, Plan};
use crate::scenario::{CertificateFileSpec, CommandsSpec, Tried};

impl Plan {
    /// Runs commands on a copy of this lab in memory, and compares what is observed before and after. It
    /// opens no socket and blocks until it is done.
    ///
    /// The senders are those of the lab. If none of them comes to `connector` (`SERVER\Name`), the usual ones
    /// are added: one that uses TLS if it is offered, one that requires it, and one that verifies the name it
    /// dials, once for each name that the connector answers with before or after.
    ///
    /// # Errors
    ///
    /// As for [`dry_run`](super::dry_run). A refusal by the Shell is no error.
    pub fn try_commands(
        &self,
        commands: &[CommandsSpec],
        connector: Option<&str>,
    ) -> Result<Tried, LabError> {
        let mut all = self.try_each(&[commands.to_vec()], connector)?;
        all.pop().ok_or_else(|| LabError::Unobserved("nothing was tried".to_owned()))
    }

    /// Like [`Plan::try_commands`], with the commands of each fix of a receive connector (`SERVER\Name`). A
    /// file that the commands import holds the certificate whose private key is missing.
    ///
    /// # Errors
    ///
    /// As for [`Plan::try_commands`].
    pub fn try_fixes<'a>(
        &self,
        connector: &str,
        fixes: impl IntoIterator<Item = &'a Fix>,
    ) -> Result<Vec<Tried>, LabError> {
        let on = connector.split_once('\\').map_or(connector, |(computer, _)| computer);
        let each: Vec<_> = fixes.into_iter().map(|fix| vec![CommandsSpec::typed(on, &fix.typed)]).collect();
        self.try_each(&each, Some(connector))
    }

    /// Like [`Plan::try_fixes`], for a Send connector.
    ///
    /// # Errors
    ///
    /// As for [`Plan::try_commands`].
    pub fn try_send_fix(&self, fix: &SendFix) -> Result<Tried, LabError> {
        self.try_commands(&[CommandsSpec::typed(&fix.on, &fix.typed)], None)
    }

    fn try_each(
        &self,
        scripts: &[Vec<CommandsSpec>],
        connector: Option<&str>,
    ) -> Result<Vec<Tried>, LabError> {
        if scripts.is_empty() {
            return Ok(Vec::new());
        }
        let mut plan = self.clone();
        plan.file_stand_ins();
        let now = plan.clock.now();
        let dry = DryRun::default();
        let transport = Transport::Memory(dry.clone());
        dry.run(async {
            let mut usual = connector.map(Usual::new).unwrap_or_default();
            let mut after = Vec::new();
            for commands in scripts {
                let played = play_commands(&plan, now, Some(commands), &mut usual, &transport).await?;
                after.push(played);
            }
            let before = play_commands(&plan, now, None, &mut usual, &transport).await?.observed;
            let compare = |played| {
                let mut tried = Tried::new(&before, played);
                // The usual senders are those of all scripts, and came after some scripts had run.
                tried.senders.retain(|it| it.after.is_some() || !usual.adds(&it.subject.to_string()));
                tried
            };
            Ok(after.into_iter().map(compare).collect())
        })?
    }

    /// Adds the files that fixes import, which no lab file has to name.
    fn file_stand_ins(&mut self) {
        for built in &self.computers {
            let keyless =
                built.computer.store.iter().find(|stored| stored.private_key == PrivateKey::Missing);
            let known = self.text.scenario.certificate_file(Typed::PFX).is_some();
            if let (Some(stored), false) = (keyless, known) {
                self.text.scenario.certificate_file.push(CertificateFileSpec {
                    path: Typed::PFX.to_owned(),
                    of: Some(stored.label.clone()),
                    certificate: None,
                });
            }
        }
    }
}

impl Engine {
    /// Returns the lab as it is now, to be run on copies.
    pub fn plan(&self) -> Plan {
        let (text, senders, issuer) = {
            let desk = self.desk();
            (desk.text.clone(), desk.senders.clone(), desk.issuer.clone())
        };
        let (clock, zone) = (self.clock().clone(), text.zone());
        Plan { computers: self.as_built(self.computers(), &zone), clock, zone, senders, text, issuer }
    }
}
