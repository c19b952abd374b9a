//! The formats of a report.

use std::fmt::Write as _;

use super::report::{Report, Row};
use super::{Format, table};
use crate::cli::junit::escaped;
use crate::cli::output::Failure;
use crate::journal::safe_json;
use crate::judgement::{Mark, Outcome};

/// Returns the report as text.
pub(super) fn laid_out(report: &Report, format: Format, verbose: bool) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(table::table(report, verbose)),
        Format::Markdown => Ok(table::markdown(report)),
        Format::Junit => Ok(junit(report)),
        Format::Json => {
            let json = serde_json::to_string_pretty(report);
            json.map(|json| format!("{}\n", safe_json(json)))
                .map_err(|error| Failure::usage(error.to_string()))
        }
    }
}

/// Returns a suite for the run, with a case for each entry. Without a policy, a client that hangs fails, too.
fn junit(report: &Report) -> String {
    let hangs = |row: &Row| report.policy.is_none() && row.outcome == Outcome::Hung;
    let is_failed = |row: &Row| row.fails(report.fail_on) || hangs(row);
    let failures = report.entries.iter().filter(|row| is_failed(row)).count();
    let skipped = report.entries.iter().filter(|row| is_skipped(row)).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"starttls-lab judge\">\n  \
         <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n",
        escaped(&report.command.join(" ")),
        report.entries.len()
    );
    for row in &report.entries {
        // Writing to a String cannot fail.
        let _ = write!(
            xml,
            "    <testcase classname=\"{}\" name=\"{}\">",
            escaped(row.group),
            escaped(&row.entry)
        );
        if is_failed(row) {
            let remark = row.remark();
            let why = match &row.judged {
                Some(judged) if row.is_wrong() => judged.why.as_str(),
                _ if hangs(row) => "it hangs",
                _ => remark.as_str(),
            };
            let _ = write!(
                xml,
                "<failure message=\"{}\" type=\"{}\">{}</failure>",
                escaped(why),
                escaped(row.outcome.as_words()),
                escaped(&format!("{}\n{}", row.words, row.output))
            );
        } else if is_skipped(row) {
            let _ = write!(xml, "<skipped message=\"{}\"/>", escaped(&row.notes.join("; ")));
        }
        let remark = row.remark();
        let remark = if remark.is_empty() { remark } else { format!("\nremarks: {remark}") };
        let words = format!("{}: {}{remark}", row.outcome.as_words(), row.words);
        let _ = writeln!(xml, "<system-out>{}</system-out></testcase>", escaped(&words));
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn is_skipped(row: &Row) -> bool {
    row.mark() == Some(Mark::Untried) || row.outcome == Outcome::NotRun
}
