//! Watches a lab file: a saved change counts from the next connection.

use std::path::Path;
use std::time::Duration;

use super::load;
use crate::lab::Engine;
use crate::scenario::ScenarioText;

/// The interval at which the file is read. A change counts once two readings are equal, so that a
/// half-written file is not taken for a wrong one.
const PERIOD: Duration = Duration::from_millis(100);

/// Watches `path` forever; `text` is the text that the lab was started with.
pub(super) async fn watch(lab: &Engine, path: &Path, text: String) {
    // A text, or why there is none.
    let mut told = Ok(text);
    let mut seen = told.clone();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // An editor may remove the file for a moment while it saves, and a pipe in its place would be waited for until it
        // has a writer.
        if !path.is_file() {
            continue;
        }
        let now = load::read(path).map_err(|error| error.to_string());
        let settled = now == seen;
        seen = now;
        if settled && seen != told {
            told.clone_from(&seen);
            match &told {
                Ok(text) => change(lab, path, text).await,
                Err(why) => lab.refuse_change(why),
            }
        }
    }
}

async fn change(lab: &Engine, path: &Path, text: &str) {
    let origin = path.display().to_string();
    let changed = match ScenarioText::parse(text, &origin) {
        Ok(scenario) => lab.change(&scenario).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(why) = changed {
        lab.refuse_change(&why);
    }
}
