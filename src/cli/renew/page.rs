//! A renewal for people: the day and the result, then the steps and the dates.

use jiff::Timestamp;

use crate::renewal::{Change, Renewed};
use crate::report::layout::{Page, columns};

pub(super) fn page(renewed: &Renewed, old: &str, now: Timestamp) -> String {
    let mut page = Page::default();
    page.text(0, "", &without_action(renewed, old, now));
    page.text(0, "", &with_action(renewed, now));
    problems(&mut page, renewed, old);
    steps(&mut page, renewed);
    dates(&mut page, "Dates without action", &renewed.without_action);
    dates(&mut page, "Dates after the exchange", &renewed.afterwards);
    page.finish()
}

fn without_action(renewed: &Renewed, old: &str, now: Timestamp) -> String {
    match renewed.breaks() {
        Some(change) => {
            let same_day = renewed.without_action.iter().filter(|it| {
                it.is_worse() && it.at == change.at && it.after.connector != change.after.connector
            });
            let others = match same_day.count() {
                0 => String::new(),
                1 => ", and so does another connector".to_owned(),
                more => format!(", and so do {more} other connectors"),
            };
            format!(
                "Without action {} breaks on {} ({}): {} in place of {}{others}.",
                change.after.connector,
                day(change.at),
                in_days(change.at, now),
                change.after.words,
                change.before.words
            )
        }
        None => {
            let end = renewed.old.not_after;
            format!(
                "Without action no connector does worse than today; {old} ends on {} ({}).",
                day(end),
                in_days(end, now)
            )
        }
    }
}

fn with_action(renewed: &Renewed, now: Timestamp) -> String {
    let until = match renewed.breaks_again() {
        Some(change) => format!("the next one is due by {} ({})", day(change.at), in_days(change.at, now)),
        None => "nothing breaks after it".to_owned(),
    };
    if renewed.is_smooth() {
        return format!("With the new certificate every connector goes on, and {until}.");
    }
    format!("With the new certificate {}; {until}.", losses(renewed).join(", "))
}

/// Returns what the exchange loses, and the steps that are refused, as parts of a sentence.
pub(super) fn losses(renewed: &Renewed) -> Vec<String> {
    let worse = renewed.worse();
    let count = |number: usize, one: &str, more: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {more}")),
    };
    let services = !renewed.services_lost.is_empty();
    [
        count(worse.len(), "connector does worse", "connectors do worse"),
        count(renewed.stale_pins.len(), "pin goes stale", "pins go stale"),
        count(renewed.refused().count(), "step is refused", "steps are refused"),
        services.then(|| format!("{} loses its certificate", renewed.services_lost)),
        count(renewed.subscriptions_broken.len(), "Edge subscription breaks", "Edge subscriptions break"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn problems(page: &mut Page, renewed: &Renewed, old: &str) {
    for offer in renewed.broken_already() {
        let last = renewed.after(&offer.connector);
        let then = last.map_or("", |it| it.words.as_str());
        let words = &offer.words;
        page.section(&if then == words {
            format!("{} is broken already, and the exchange does not change that: {words}", offer.connector)
        } else {
            format!("{} is broken already: {words}; after the exchange: {then}", offer.connector)
        });
    }
    for offer in renewed.worse() {
        let done = renewed.after(&offer.connector).is_some_and(|it| it.words == offer.words);
        let when = if done { "after the exchange" } else { "once the old one is gone all the same" };
        page.section(&format!("{} does worse {when}: {}", offer.connector, offer.words));
    }
    for pin in &renewed.stale_pins {
        page.section(&format!(
            "{} is pinned to {}, which the new certificate does not carry",
            pin.connector, pin.pinned_to
        ));
        page.line(4, &pin.command);
    }
    for step in renewed.refused() {
        page.section(&format!("Refused, {}", step.title));
        if let Some(command) = &step.command {
            page.line(4, command);
        }
        let why = step.refused.as_deref().unwrap_or_default();
        page.text(4, "", why);
        if why.contains("internal transport certificate") {
            page.text(
                4,
                "",
                "Only an answer of Yes to \"Overwrite the existing default SMTP certificate?\" makes another one that certificate; try it with --overwrite-default.",
            );
        }
    }
    if !renewed.services_lost.is_empty() {
        page.section(&format!(
            "{old} is enabled for {} as well, and the new one will not be: give --services, or keep {old}",
            renewed.services_lost
        ));
    }
    if !renewed.names_lost.is_empty() {
        page.section(&format!("Only {old} carries {}", renewed.names_lost.join(", ")));
    }
    for edge in &renewed.subscriptions_broken {
        page.section(&format!(
            "The Edge subscription of {edge} was made with another internal transport certificate: subscribe it again (event 10104)"
        ));
    }
}

fn steps(page: &mut Page, renewed: &Renewed) {
    page.section("Step by step");
    let heads = renewed.steps.iter().map(|step| step.title.to_owned());
    let mut rows = vec![[String::new()].into_iter().chain(heads).collect::<Vec<_>>()];
    for offer in renewed.steps.first().map(|step| step.offers.as_slice()).unwrap_or_default() {
        let cells = renewed.steps.iter().map(|step| {
            let same = step.offers.iter().find(|it| it.connector == offer.connector);
            same.map(|it| it.words.clone()).unwrap_or_default()
        });
        rows.push([offer.connector.to_string()].into_iter().chain(cells).collect());
    }
    columns(&rows).iter().for_each(|line| page.line(4, line));
    let commands = renewed.steps.iter().filter_map(|step| step.command.as_ref());
    page.section("The commands");
    commands.for_each(|command| page.line(4, command));
}

fn dates(page: &mut Page, title: &str, changes: &[Change]) {
    page.section(title);
    if changes.is_empty() {
        page.text(4, "", "Nothing changes.");
    }
    for change in changes {
        page.text(
            4,
            &format!("{}  ", day(change.at)),
            &format!("{}: {} (before: {})", change.after.connector, change.after.words, change.before.words),
        );
    }
}

/// Returns the distance between two days of the calendar, in UTC as they are printed.
fn in_days(at: Timestamp, now: Timestamp) -> String {
    let date = |instant: Timestamp| instant.to_zoned(jiff::tz::TimeZone::UTC).date();
    match date(at).duration_since(date(now)).as_hours() / 24 {
        0 => "today".to_owned(),
        1 => "in 1 day".to_owned(),
        -1 => "1 day ago".to_owned(),
        days @ ..0 => format!("{} days ago", -days),
        days => format!("in {days} days"),
    }
}

fn day(instant: Timestamp) -> String {
    instant.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        for (at, words) in [
            ("2026-06-01T00:00:00Z", "today"),
            ("2026-06-01T23:59:59Z", "today"),
            ("2026-05-31T23:59:59Z", "1 day ago"),
            ("2026-06-02T00:00:00Z", "in 1 day"),
            ("2027-06-01T11:59:59Z", "in 365 days"),
            ("2026-05-01T13:00:00Z", "31 days ago"),
        ] {
            assert_eq!(in_days(at.parse().unwrap(), now), words, "{at}");
        }
    }
}
