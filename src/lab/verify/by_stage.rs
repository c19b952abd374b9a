//! A dry run that tells of each stage as it begins and ends.

use std::ops::ControlFlow;

use super::{Transport, play};
use crate::clock::DryRun;
use crate::lab::{LabError, Plan};
use crate::scenario::{Proof, ProvedStage, Stage};

impl Plan {
    /// Runs the scenario as [`Plan::dry_run`] does, one stage after another. `begins` is called before each,
    /// and `ended` with its result; either can end the run, which then proves nothing.
    ///
    /// # Errors
    ///
    /// As for [`Plan::dry_run`].
    pub fn dry_run_by_stage(
        &self,
        name: &str,
        begins: impl Fn(Stage) -> ControlFlow<()>,
        ended: impl Fn(&ProvedStage) -> ControlFlow<()>,
    ) -> Result<Option<Proof>, LabError> {
        let (now, scenario) = (self.issuer.start(), &self.text.scenario);
        let mut played = Vec::new();
        for stage in scenario.stages() {
            if begins(stage).is_break() {
                return Ok(None);
            }
            let dry = DryRun::default();
            played.push(dry.run(play(self, now, stage, &Transport::Memory(dry.clone())))??);
            // A stage is judged beside the one before all fixes, which is the first.
            let proof = Proof::new(name, scenario, played.clone());
            if proof.stages.last().is_some_and(|proved| ended(proved).is_break()) {
                return Ok(None);
            }
        }
        Ok(Some(Proof::new(name, scenario, played)))
    }
}
