//! One cause on the first screen of several connectors: the fix for all of them and its effect.

use super::HEAD;
use super::block::advice_in_brief;
use super::effect::{Senders, effect};
use super::rows::Rows;
use crate::exchange::Trial;
use crate::report::causes::{Broken, Cause, SharedFix};
use crate::report::paint::{Colors, Style};
use crate::report::{ConnectorReport, Report};

/// The amount of detail, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// Everything.
    Whole,
    /// Without the senders that are neither better nor worse off, and without the other fixes.
    Short,
    /// Without notes and advice.
    Close,
    /// With cause and title cut to a line, and of senders only those that are worse off.
    Tight,
    /// Without the commands.
    Title,
}

impl Depth {
    pub(super) const ALL: [Self; 5] = [Self::Whole, Self::Short, Self::Close, Self::Tight, Self::Title];
}

/// Returns the rows of the cause of this number; `above` are the causes that stand above it.
pub(super) fn rows(report: &Report, causes: &[Cause], at: usize, depth: Depth, colors: Colors) -> Rows {
    let mut rows = Rows::tight(colors);
    let (above, [cause, ..]) = causes.split_at(at) else { return rows };
    let Some(first) = cause.connectors.first() else { return rows };
    let head = format!("cause {}", at + 1);
    let words = words(report, *first);
    if depth >= Depth::Tight {
        rows.cells(&[(&head, HEAD, Some(Style::Faint)), (&words, usize::MAX, Some(Style::Bad))]);
    } else {
        rows.text("", 0, Some(Style::Bad), verdict(report, *first));
        rows.text(&head, HEAD, None, &words);
    }
    if depth <= Depth::Short {
        notes(report, *first, depth, &mut rows);
    }
    match &cause.fix {
        Some(fix) => {
            let known = above.iter().position(|it| it.fix.as_ref().is_some_and(|it| it.begins(fix)));
            write_fix(report, *first, fix, known.map(|at| (at, causes)), depth, &mut rows);
        }
        None => refused(report, *first, depth, &mut rows),
    }
    if depth == Depth::Whole && cause.others > 0 {
        let ways = if cause.others == 1 { "1 other way" } else { &format!("{} other ways", cause.others) };
        rows.text("or", HEAD, None, &format!("{ways}: --full"));
    }
    if depth <= Depth::Short
        && let Some(receiving) = report.receiving(*first)
    {
        advice_in_brief(receiving, &mut rows);
    }
    rows
}

impl SharedFix {
    /// Returns whether `longer` begins with the commands of this fix.
    fn begins(&self, longer: &Self) -> bool {
        self.on == longer.on && longer.commands.starts_with(&self.commands)
    }
}

fn write_fix(
    report: &Report,
    first: Broken,
    fix: &SharedFix,
    known: Option<(usize, &[Cause])>,
    depth: Depth,
    rows: &mut Rows,
) {
    let on = match first {
        Broken::Receive(_) => String::new(),
        Broken::Send(_) => format!(" (on {})", fix.on),
    };
    let done = known.and_then(|(at, causes)| causes.get(at)?.fix.as_ref()).map_or(0, |it| it.commands.len());
    let title = match known {
        None => format!("{}{on}", fix.title),
        Some((at, _)) if done == fix.commands.len() => format!("as for cause {}", at + 1),
        Some((at, _)) => format!("as for cause {}, and then{on}:", at + 1),
    };
    if depth >= Depth::Tight {
        rows.cells(&[("fix", HEAD, Some(Style::Faint)), (&title, usize::MAX, Some(Style::Heading))]);
    } else {
        rows.text("fix", HEAD, Some(Style::Heading), &title);
    }
    if depth < Depth::Title {
        fix.commands.iter().skip(done).for_each(|command| rows.command(command));
    }
    if let (Trial::Untried(why), true) = (&fix.trial, depth <= Depth::Short) {
        rows.text("untried", HEAD, None, why);
    }
    let senders = match depth {
        Depth::Whole => Senders::Changed,
        Depth::Short | Depth::Close => Senders::After,
        Depth::Tight | Depth::Title => Senders::Worse,
    };
    if let Some(tried) = &fix.effect {
        effect(rows, tried, identity(report, first), senders);
    }
}

/// Writes the fixes that the cmdlet refuses, where there is no other.
fn refused(report: &Report, first: Broken, depth: Depth, rows: &mut Rows) {
    let Some(receiving) = report.receiving(first).filter(|_| depth <= Depth::Close) else { return };
    for fix in receiving.refused.iter().take(1) {
        let words = fix.refused.as_deref().unwrap_or_default();
        rows.text("refused", HEAD, None, &format!("{}: {words}", fix.title));
    }
}

fn notes(report: &Report, first: Broken, depth: Depth, rows: &mut Rows) {
    let (silence, notes) = match first {
        Broken::Receive(at) => {
            report.connectors.get(at).map_or((None, &[][..]), |it| (it.silence.as_ref(), it.notes.as_slice()))
        }
        Broken::Send(at) => (None, report.send_connectors.get(at).map_or(&[][..], |it| it.notes.as_slice())),
    };
    if let Some(silence) = silence {
        rows.text("event", HEAD, None, &silence.replace("silence: ", "none: "));
    }
    for note in notes.iter().take(1) {
        let first = note.split_once(". ").map_or(note.as_str(), |(first, _)| first);
        rows.text("note", HEAD, None, if depth == Depth::Whole { note } else { first });
    }
}

fn words(report: &Report, broken: Broken) -> String {
    match broken {
        Broken::Receive(at) => report.connectors.get(at).map(ConnectorReport::cause_with_names),
        Broken::Send(at) => report.send_connectors.get(at).map(|it| it.cause.clone()),
    }
    .unwrap_or_default()
}

fn verdict(report: &Report, broken: Broken) -> &str {
    match broken {
        Broken::Receive(at) => report.connectors.get(at).map(|it| it.verdict.as_str()),
        Broken::Send(at) => report.send_connectors.get(at).map(|it| it.verdict.as_str()),
    }
    .unwrap_or_default()
}

fn identity(report: &Report, broken: Broken) -> &str {
    match broken {
        Broken::Receive(at) => report.connectors.get(at).map(|it| it.identity.as_str()),
        Broken::Send(at) => report.send_connectors.get(at).map(|it| it.identity.as_str()),
    }
    .unwrap_or_default()
}
