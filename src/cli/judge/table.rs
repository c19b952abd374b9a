//! The report for people, and as Markdown.

use std::fmt::Write as _;

use super::FailOn;
use super::report::{Report, Row};
use crate::judgement::Class;
use crate::report::layout::columns;
use crate::scenario::ServerTrust;

/// The number of lines of a command's output that are shown by default.
const LAST_LINES: usize = 6;

/// Returns the table, the command's output where it was wrong (or everywhere), and the totals.
pub(super) fn table(report: &Report, verbose: bool) -> String {
    let heads: Vec<String> = heads(report).into_iter().map(str::to_owned).collect();
    let rows = report.entries.iter().map(|row| cells(row, report.policy.is_some()));
    let mut text: String = columns(&[heads].into_iter().chain(rows).collect::<Vec<_>>())
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    for row in report.entries.iter().filter(|row| verbose || row.is_wrong()) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{}: {}\n  the lab saw: {}", row.entry, row.title, row.words);
        let said: Vec<&str> = row.output.trim_end().lines().collect();
        let skipped = if verbose { 0 } else { said.len().saturating_sub(LAST_LINES) };
        if skipped > 0 {
            let _ = writeln!(text, "  | ... ({skipped} lines before this; --verbose shows them)");
        }
        for line in said.iter().skip(skipped) {
            let _ = writeln!(text, "  | {}", safe(line));
        }
    }
    text.push('\n');
    sum(report).iter().for_each(|line| {
        let _ = writeln!(text, "{line}");
    });
    text
}

/// Returns the report as a Markdown document.
pub(super) fn markdown(report: &Report) -> String {
    let heads = heads(report);
    let mut text = format!("`{}`\n\n", report.command.join(" ").replace('`', "'"));
    sum(report).iter().for_each(|line| {
        let _ = writeln!(text, "- {}", cell(line));
    });
    let _ = writeln!(text, "\n| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for row in &report.entries {
        let cells: Vec<_> = cells(row, report.policy.is_some()).iter().map(|it| cell(it)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// Returns the column headings.
pub(super) fn heads(report: &Report) -> Vec<&'static str> {
    let mut heads = vec!["Entry", "TLS there", "Delivered", "Said in clear", "Exit"];
    if report.policy.is_some() {
        heads.push("Judged");
    }
    heads.push("Remarks");
    heads
}

/// Returns the cells of an entry, one for each heading.
pub(super) fn cells(row: &Row, judged: bool) -> Vec<String> {
    let mut cells = vec![
        row.entry.clone(),
        worth(row.tls).to_owned(),
        row.outcome.as_words().to_owned(),
        row.leaked_words(),
        row.exit_words(),
    ];
    if judged {
        cells.push(row.mark().map_or("-", |mark| mark.as_str()).to_owned());
    }
    cells.push(row.remark());
    cells
}

const fn worth(tls: ServerTrust) -> &'static str {
    match tls {
        ServerTrust::Good => "good",
        ServerTrust::WrongName => "wrong name",
        ServerTrust::Untrusted => "untrusted",
        ServerTrust::Disputed => "disputed",
        ServerTrust::Fragile => "fragile",
        ServerTrust::None => "none",
    }
}

/// Returns the totals in lines.
pub(super) fn sum(report: &Report) -> Vec<String> {
    let sum = &report.sum;
    let outcomes = sum.outcomes.iter().map(|(outcome, count)| format!("{count} {}", outcome.as_words()));
    let mut lines = vec![format!("{} entries: {}", sum.entries, outcomes.collect::<Vec<_>>().join(", "))];
    let mut more = Vec::new();
    let leaked = sum.leaked.iter().map(|(said, count)| format!("{} {count}", said.as_str()));
    let leaked = leaked.collect::<Vec<_>>().join(", ");
    if !leaked.is_empty() {
        more.push(format!("said in clear: {leaked}"));
    }
    if sum.fell_back > 0 {
        more.push(format!("came back in clear after TLS had come to nothing: {}", sum.fell_back));
    }
    if sum.died_by_a_signal > 0 {
        more.push(format!("died by a signal: {}", sum.died_by_a_signal));
    }
    lines.extend((!more.is_empty()).then(|| more.join("; ")));
    if let Some(policy) = report.policy {
        let marks = sum.marks.iter().map(|(mark, count)| format!("{count} {}", mark.as_str()));
        let verdict = if report.broken { "BROKEN" } else { "kept" };
        lines.push(format!("policy {policy}: {verdict} ({})", marks.collect::<Vec<_>>().join(", ")));
    }
    let fails = report.failing();
    if report.fail_on != FailOn::Wrong {
        let names: Vec<_> = fails.iter().map(|row| row.entry.as_str()).collect();
        let names = if names.is_empty() { "no entry".to_owned() } else { names.join(", ") };
        lines.push(format!("--fail-on {}: {names}", report.fail_on.as_str()));
    }
    let class = report.client.class.map_or("these entries do not put it into one class", Class::in_words);
    lines.push(format!("client: {class}; {}", report.client.verifies.in_words()));
    lines.extend(report.client.evidence.iter().map(|line| format!("  {line}")));
    lines.extend(report.client.surprises.iter().map(|line| format!("  surprising: {line}")));
    lines
}

/// Escapes a command's output, so that it cannot control a terminal.
fn safe(line: &str) -> String {
    line.chars().map(|it| if it.is_control() && it != '\t' { '?' } else { it }).collect()
}

fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('\n', " ")
}
