//! One connector on the first screen.

use super::rows::Rows;
use super::{HEAD, effect};
use crate::exchange::Trial;
use crate::report::paint::{Colors, Style};
use crate::report::{ConnectorReport, Report, SendConnectorReport, Starttls};

/// A connector with what the first screen says about it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Block<'a> {
    /// A receive connector.
    Receive(&'a ConnectorReport),
    /// A Send connector.
    Send(&'a SendConnectorReport),
}

/// The amount of detail, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// Everything.
    Whole,
    /// Without the titles of the other fixes.
    Short,
    /// Without senders that nothing changes for, and with one reason and one note.
    Shorter,
}

impl Detail {
    const ALL: [Self; 3] = [Self::Whole, Self::Short, Self::Shorter];
}

impl<'a> Block<'a> {
    /// Returns the connectors of a report.
    pub(super) fn all(report: &'a Report) -> Vec<Self> {
        let receiving = report.connectors.iter().map(Self::Receive);
        receiving.chain(report.send_connectors.iter().map(Self::Send)).collect()
    }

    /// Returns whether there is something to fix.
    pub(super) fn is_wrong(&self) -> bool {
        match self {
            Self::Receive(report) => report.enabled && (report.starttls != Starttls::Offered || self.has_fix()),
            Self::Send(report) => report.enabled && (!report.events.is_empty() || self.has_fix()),
        }
    }

    fn has_fix(&self) -> bool {
        match self {
            Self::Receive(report) => !report.fixes.is_empty() || !report.refused.is_empty(),
            Self::Send(report) => !report.fixes.is_empty() || !report.refused.is_empty(),
        }
    }

    pub(super) fn identity(&self) -> &'a str {
        match self {
            Self::Receive(report) => &report.identity,
            Self::Send(report) => &report.identity,
        }
    }

    fn verdict(&self) -> &'a str {
        match self {
            Self::Receive(report) => &report.verdict,
            Self::Send(report) => &report.verdict,
        }
    }

    /// Returns the titles and the commands of the fixes.
    pub(super) fn fixes(&self) -> Vec<(&'a str, &'a [String])> {
        match self {
            Self::Receive(report) => {
                report.fixes.iter().map(|fix| (fix.title.as_str(), fix.commands.as_slice())).collect()
            }
            Self::Send(report) => {
                report.fixes.iter().map(|fix| (fix.title.as_str(), fix.commands.as_slice())).collect()
            }
        }
    }

    /// Returns whether the first fix of both is the same.
    pub(super) fn has_the_fix_of(&self, other: &Self) -> bool {
        let (own, its) = (self.fixes(), other.fixes());
        own.first().is_some() && own.first() == its.first()
    }

    /// Writes that the first fix of another connector is the fix of this one as well.
    pub(super) fn refer_to(&self, other: &Self, rows: &mut Rows) {
        rows.text("", 0, Some(Style::Heading), self.identity());
        rows.text("fix 1", HEAD, None, &format!("that of {}", other.identity()));
    }

    /// Returns the rows with as much detail as fits, from `most` on.
    pub(super) fn fitting(&self, most: Detail, lines: usize, colors: Colors) -> Rows {
        let mut rows = Rows::new(colors);
        for detail in Detail::ALL.into_iter().filter(|detail| *detail >= most) {
            rows = Rows::new(colors);
            self.write(detail, &mut rows);
            if rows.height() <= lines {
                break;
            }
        }
        rows
    }

    fn write(&self, detail: Detail, rows: &mut Rows) {
        rows.text("", 0, Some(Style::Heading), self.identity());
        let style = if self.is_wrong() { Style::Bad } else { Style::Good };
        rows.text("", 0, Some(style), self.verdict());
        match self {
            Self::Receive(report) => receive(report, detail, rows),
            Self::Send(report) => send(report, detail, rows),
        }
    }

    /// Writes the first fix with its effect, and the titles of the others.
    fn write_fixes(&self, detail: Detail, rows: &mut Rows) {
        let fixes = self.fixes();
        let (effects, trial) = match self {
            Self::Receive(report) => (&report.effects, report.fixes.first().map(|fix| &fix.trial)),
            Self::Send(report) => (&report.effects, report.fixes.first().map(|fix| &fix.trial)),
        };
        let Some(((title, commands), others)) = fixes.split_first() else { return };
        rows.gap();
        let on = match self {
            Self::Receive(_) => String::new(),
            Self::Send(report) => report.fixes.first().map(|fix| format!(" (on {})", fix.on)).unwrap_or_default(),
        };
        rows.text("fix 1", HEAD, None, &format!("{title}{on}"));
        commands.iter().for_each(|command| rows.command(command));
        if let Some(Trial::Untried(why)) = trial {
            rows.text("untried", HEAD, None, why);
        }
        if let Some(tried) = effects.first() {
            effect::effect(rows, tried, self.identity(), detail < Detail::Shorter);
        }
        match (detail, others) {
            (_, []) => {}
            (Detail::Whole, others) => {
                for (at, (title, _)) in others.iter().enumerate() {
                    rows.text(&format!("fix {}", at + 2), HEAD, None, title);
                }
            }
            (Detail::Short | Detail::Shorter, [(title, _)]) => rows.cells(&[
                ("fix 2", HEAD, Some(Style::Faint)),
                (title, usize::MAX, None),
            ]),
            (Detail::Short | Detail::Shorter, others) => {
                let last = others.len() + 1;
                rows.text(&format!("fix 2-{last}"), HEAD, None, "other ways: --full");
            }
        }
    }
}

fn receive(report: &ConnectorReport, detail: Detail, rows: &mut Rows) {
    let searched = matches!(report.starttls, Starttls::Withheld) && !report.pinned;
    let store = match report.names_in_store.as_slice() {
        [] => String::new(),
        names if searched => format!("; the store has {}", few(names)),
        _ => String::new(),
    };
    rows.text("cause", HEAD, None, &format!("{}{store}", report.cause));
    if let Some(silence) = &report.silence {
        rows.text("event", HEAD, None, silence.trim_start_matches("silence: "));
    }
    let faults = report.notes.iter().filter(|note| note.starts_with("fault "));
    let notes = report.notes.iter().filter(|note| !note.starts_with("fault "));
    let most = if detail < Detail::Shorter { usize::MAX } else { 1 };
    for note in faults.chain(notes).take(most) {
        rows.text("note", HEAD, None, note);
    }
    Block::Receive(report).write_fixes(detail, rows);
    for fix in report.refused.iter().take(if report.fixes.is_empty() { 2 } else { 1 }) {
        if detail == Detail::Whole || report.fixes.is_empty() {
            let words = fix.refused.as_deref().unwrap_or_default();
            rows.text("refused", HEAD, None, &format!("{}: {words}", fix.title));
        }
    }
    if report.fixes.is_empty() {
        for opinion in report.senders.iter().filter(|opinion| opinion.case != "dialled-name") {
            rows.text("senders", HEAD, None, &format!("{}: {}", opinion.case, opinion.words));
        }
    }
    advice(report, detail, rows);
}

/// Writes what the event advises, and whether that helps.
fn advice(report: &ConnectorReport, detail: Detail, rows: &mut Rows) {
    for useless in &report.useless {
        rows.gap();
        let why = if detail < Detail::Shorter { useless.why.join("; ") } else {
            match useless.why.as_slice() {
                [] => String::new(),
                [one] => one.clone(),
                [first, others @ ..] => format!("{first}; likewise {} others", others.len()),
            }
        };
        rows.text("advice", HEAD, None, &format!("{}, changes nothing here: {why}", useless.advice));
    }
    let enables = |commands: &[String]| commands.iter().any(|it| it.starts_with("Enable-ExchangeCertificate"));
    let at = report.fixes.iter().position(|fix| enables(&fix.commands));
    if let (Starttls::Withheld, true, Some(at)) = (report.starttls, report.useless.is_empty(), at) {
        rows.gap();
        rows.text(
            "advice",
            HEAD,
            None,
            &format!(
                "event 12014 advises Enable-ExchangeCertificate -Services SMTP; here that helps, as fix {} has it",
                at + 1
            ),
        );
    }
}

fn send(report: &SendConnectorReport, detail: Detail, rows: &mut Rows) {
    rows.text("cause", HEAD, None, &report.cause);
    rows.text("sends", HEAD, None, &report.way);
    rows.text("demands", HEAD, None, &report.demands);
    rows.text("edited", HEAD, None, &format!("on {}", report.edited_on));
    let most = if detail < Detail::Shorter { usize::MAX } else { 1 };
    report.notes.iter().take(most).for_each(|note| rows.text("note", HEAD, None, note));
    Block::Send(report).write_fixes(detail, rows);
}

/// Returns the first names, and the number of the others.
fn few(names: &[String]) -> String {
    const MOST: usize = 4;
    let first = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{first} and {more} more"),
        Some(_) | None => first,
    }
}
