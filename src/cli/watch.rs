//! Watches a lab file: a saved change counts from the next connection.

use std::path::Path;
use std::time::Duration;

use super::load;
use crate::lab::Engine;
use crate::scenario::ScenarioText;

/// How often the file is looked at. A change counts once it has looked the same twice, so that a file
/// that is being written is not taken for a file that is wrong.
const PERIOD: Duration = Duration::from_millis(100);

/// Looks at `path` for ever; `text` is what the lab was started with.
pub(super) async fn watch(lab: &Engine, path: &Path, mut text: String) {
    let mut seen = text.clone();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // An editor may take the file away for a moment while it saves.
        let Ok(now) = load::read(path) else { continue };
        let settled = now == seen;
        seen = now;
        if settled && seen != text {
            text.clone_from(&seen);
            change(lab, path, &text).await;
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
