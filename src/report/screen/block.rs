//! One connector on the first screen.

use super::HEAD;
use super::effect::{Senders, effect};
use super::rows::Rows;
use crate::exchange::Trial;
use crate::report::paint::{Colors, Style};
use crate::report::{ConnectorReport, Report, SendConnectorReport, Starttls};
use crate::scenario::{ChangeKind, Tried};

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
enum Detail {
    /// Everything.
    Whole,
    /// Without the titles of the other fixes.
    Short,
    /// Without senders that nothing changes for, and with one reason and the first sentence of one note.
    Shorter,
    /// Without empty lines, and with the advice in fewer words.
    Close,
    /// With titles cut, and of senders only what becomes of their messages afterwards.
    Tight,
}

impl Detail {
    const ALL: [Self; 5] = [Self::Whole, Self::Short, Self::Shorter, Self::Close, Self::Tight];
}

/// One way to fix a connector.
struct Way<'a> {
    title: String,
    commands: &'a [String],
    trial: &'a Trial,
    effect: Option<&'a Tried>,
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
            Self::Receive(report) => report.is_wrong(),
            Self::Send(report) => report.is_wrong(),
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

    fn ways(&self) -> Vec<Way<'a>> {
        let effect = |effects: &'a [Option<Tried>], at: usize| effects.get(at).and_then(Option::as_ref);
        match *self {
            Self::Receive(report) => {
                let each = report.fixes.iter().enumerate().map(|(at, fix)| Way {
                    title: fix.title.clone(),
                    commands: &fix.commands,
                    trial: &fix.trial,
                    effect: effect(&report.effects, at),
                });
                each.collect()
            }
            Self::Send(report) => {
                let each = report.fixes.iter().enumerate().map(|(at, fix)| Way {
                    title: format!("{} (on {})", fix.title, fix.on),
                    commands: &fix.commands,
                    trial: &fix.trial,
                    effect: effect(&report.effects, at),
                });
                each.collect()
            }
        }
    }

    /// Returns the rows with as much detail as fits into this number of lines.
    pub(super) fn fitting(&self, lines: usize, colors: Colors) -> Rows {
        let mut rows = Rows::new(colors);
        for detail in Detail::ALL {
            rows = if detail >= Detail::Close { Rows::tight(colors) } else { Rows::new(colors) };
            self.write(detail, &mut rows);
            if rows.height() <= lines {
                break;
            }
        }
        rows
    }

    fn write(&self, detail: Detail, rows: &mut Rows) {
        let computer = match self {
            Self::Receive(report) => format!(" ({}, {})", report.role, report.profile),
            Self::Send(_) => String::new(),
        };
        rows.text("", 0, Some(Style::Heading), &format!("{}{computer}", self.identity()));
        let style = if self.is_wrong() { Style::Bad } else { Style::Good };
        rows.text("", 0, Some(style), self.verdict());
        match self {
            Self::Receive(report) => self.write_receiving(report, detail, rows),
            Self::Send(report) => self.write_sending(report, detail, rows),
        }
    }

    fn write_receiving(&self, report: &ConnectorReport, detail: Detail, rows: &mut Rows) {
        rows.text("cause", HEAD, None, &report.cause_with_names());
        if let Some(silence) = &report.silence {
            rows.text("event", HEAD, None, &silence.replace("silence: ", "none: "));
        }
        report
            .about_the_internal_certificate()
            .iter()
            .for_each(|event| rows.text("event", HEAD, None, event));
        notes(&report.notes, detail, rows);
        if report.starttls == Starttls::Offered && !report.fixes.is_empty() {
            // Nothing is wrong in Exchange's eyes, so it is senders that the fix is for.
            let opinions = report.senders.iter().filter(|opinion| subject_of(opinion.case) == "trust");
            opinions.for_each(|opinion| rows.text("trust", HEAD, None, &opinion.words));
        }
        self.write_fixes(detail, rows);
        if detail == Detail::Whole || report.fixes.is_empty() {
            for fix in &report.refused {
                let words = fix.refused.as_deref().unwrap_or_default();
                rows.text("refused", HEAD, None, &format!("{}: {words}", fix.title));
            }
        }
        if report.fixes.is_empty() {
            let opinions = report.senders.iter().filter(|opinion| opinion.case != "dialled-name");
            opinions.for_each(|opinion| rows.text(subject_of(opinion.case), HEAD, None, &opinion.words));
        }
        advice(report, detail, rows);
    }

    fn write_sending(&self, report: &SendConnectorReport, detail: Detail, rows: &mut Rows) {
        rows.text("cause", HEAD, None, &report.cause);
        rows.text("sends", HEAD, None, &report.way);
        rows.text("demands", HEAD, None, &report.demands);
        rows.text("edited", HEAD, None, &format!("on {}", report.edited_on));
        notes(&report.notes, detail, rows);
        self.write_fixes(detail, rows);
    }

    /// Writes the first fix with its effect, and the titles of the others.
    fn write_fixes(&self, detail: Detail, rows: &mut Rows) {
        let ways = self.ways();
        let Some((first, others)) = ways.split_first() else { return };
        rows.gap();
        let heading = Some(Style::Heading);
        if detail == Detail::Tight {
            rows.cells(&[("fix 1", HEAD, Some(Style::Faint)), (&first.title, usize::MAX, heading)]);
        } else {
            rows.text("fix 1", HEAD, heading, &first.title);
        }
        first.commands.iter().for_each(|command| rows.command(command));
        if let Trial::Untried(why) = first.trial {
            rows.text("untried", HEAD, None, why);
        }
        if let Some(tried) = first.effect {
            let senders = match detail {
                Detail::Whole | Detail::Short => Senders::All,
                Detail::Shorter | Detail::Close => Senders::Changed,
                Detail::Tight => Senders::After,
            };
            effect(rows, tried, self.identity(), senders);
        }
        match (detail, others) {
            (_, []) => {}
            (Detail::Whole, others) => {
                for (at, way) in others.iter().enumerate() {
                    rows.text(
                        &format!("fix {}", at + 2),
                        HEAD,
                        None,
                        &format!("{}{}", way.title, way.harm()),
                    );
                }
            }
            (Detail::Short | Detail::Shorter | Detail::Close | Detail::Tight, others) => {
                let harmless = others.iter().position(Way::is_harmless);
                let harmless = harmless.filter(|_| !first.is_harmless());
                let words = match harmless {
                    Some(at) => format!("other ways; fix {} makes no sender worse off", at + 2),
                    None => "other ways".to_owned(),
                };
                let last = others.len() + 1;
                let name = if last == 2 { "fix 2".to_owned() } else { format!("fix 2-{last}") };
                rows.text(&name, HEAD, None, &format!("{words}: --full"));
            }
        }
    }
}

impl Way<'_> {
    /// Returns whether it was tried, and no sender is worse off after it.
    fn is_harmless(&self) -> bool {
        self.effect.is_some_and(|tried| {
            tried.refused.is_none() && tried.senders.iter().all(|it| it.change != ChangeKind::Worse)
        })
    }

    /// Returns the senders that are worse off after it, as the end of a line.
    fn harm(&self) -> String {
        let Some(tried) = self.effect.filter(|tried| !tried.senders.is_empty()) else { return String::new() };
        let worse = tried.senders.iter().filter(|it| it.change == ChangeKind::Worse);
        let worse: Vec<String> = worse.map(|it| it.subject.to_string()).collect();
        if worse.is_empty() { String::new() } else { format!("; WORSE: {}", worse.join(", ")) }
    }
}

/// Returns what a sender that verifies looks at in this case.
fn subject_of(case: &str) -> &'static str {
    match case {
        "self-signed" | "authority" | "wrong-purpose" => "trust",
        "expired" | "not-yet-valid" => "validity",
        "opportunistic" | "tls-required" => "senders",
        _ => "name",
    }
}

/// Writes notes, those about faults first.
fn notes(notes: &[String], detail: Detail, rows: &mut Rows) {
    let is_fault = |note: &&String| note.starts_with("fault ");
    let faults = notes.iter().filter(is_fault);
    let others = notes.iter().filter(|note| !is_fault(note));
    let most = if detail < Detail::Shorter { usize::MAX } else { 1 };
    for note in faults.chain(others).take(most) {
        let first = note.split_once(". ").map_or(note.as_str(), |(first, _)| first);
        rows.text("note", HEAD, None, if detail < Detail::Shorter { note } else { first });
    }
}

/// Like [`advice`], in few words.
pub(super) fn advice_in_brief(report: &ConnectorReport, rows: &mut Rows) {
    advice(report, Detail::Close, rows);
}

/// Writes what the event advises, and whether that helps.
fn advice(report: &ConnectorReport, detail: Detail, rows: &mut Rows) {
    for useless in &report.useless {
        let why = match useless.why.as_slice() {
            [first, others @ ..] if detail >= Detail::Shorter && !others.is_empty() => {
                format!("{first}; and so on for {} more", others.len())
            }
            why => why.join("; "),
        };
        let words = match useless.advice.split_once(", as event ") {
            Some((advice, _)) if detail >= Detail::Close => format!("{advice} changes nothing here: {why}"),
            Some(_) | None => format!("{}, changes nothing here: {why}", useless.advice),
        };
        rows.gap();
        rows.text("advice", HEAD, None, &words);
    }
    // A fix that brings a certificate first, or its key, is more than the event advises.
    let enables =
        |commands: &[String]| commands.first().is_some_and(|it| it.starts_with("Enable-ExchangeCertificate"));
    let at = report.fixes.iter().position(|fix| enables(&fix.commands));
    if let (Starttls::Withheld, true, Some(at)) = (report.starttls, report.useless.is_empty(), at) {
        let number = at + 1;
        rows.gap();
        rows.text(
            "advice",
            HEAD,
            None,
            &format!("event 12014 advises Enable-ExchangeCertificate -Services SMTP: here that helps (fix {number})"),
        );
    }
}
