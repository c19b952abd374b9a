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
pub(super) async fn watch(lab: &Engine, path: &Path, mut text: String) {
    let mut seen = text.clone();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A pipe in its place would be waited for until it has a writer.
        if !path.is_file() {
            continue;
        }
        // An editor may remove the file for a moment while it saves.
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
