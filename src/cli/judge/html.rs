//! The report as a page: the table with a filter, and behind each entry what the lab saw.

use std::fmt::Write as _;

use super::report::{Report, Row};
use super::table::{cells, heads, sum};
use crate::cli::html::{FILTER, escaped, page};
use crate::judgement::Mark;

/// Returns the page on a run.
pub(super) fn html(report: &Report) -> String {
    let command = report.command.join(" ");
    let mut body = "<header>\n<h1>starttls-lab judge</h1>\n".to_owned();
    // Writing to a String cannot fail.
    if !command.is_empty() {
        let _ = writeln!(body, "<p><code>{}</code></p>", escaped(&command));
    }
    body.push_str("<ul>\n");
    for line in sum(report) {
        let _ = writeln!(body, "<li>{}</li>", escaped(line.trim_start()));
    }
    body.push_str("</ul>\n</header>\n<main>\n");
    controls(&mut body, report.policy.is_some());
    body.push_str(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Entries\" tabindex=\"0\">\n<table>\n<caption>Every entry of the fault catalogue that was tried, and what the \
         client did</caption>\n<thead>\n<tr>",
    );
    for head in heads(report) {
        let _ = write!(body, "<th scope=\"col\">{head}</th>");
    }
    body.push_str("</tr>\n</thead>\n<tbody>\n");
    report.entries.iter().for_each(|row| entry(&mut body, row, report.policy.is_some()));
    body.push_str("</tbody>\n</table>\n</div>\n</main>\n");
    let title = if command.is_empty() { "starttls-lab judge".to_owned() } else { format!("judge {command}") };
    page(&title, &body, Some(FILTER))
}

/// Writes the filter. It is hidden until the script runs, because it does nothing without it.
fn controls(body: &mut String, is_judged: bool) {
    body.push_str(
        "<div role=\"search\" hidden=\"hidden\">\n<label>Filter <input type=\"search\" id=\"filter\" \
         placeholder=\"words of an entry\"/></label>\n",
    );
    if is_judged {
        body.push_str("<label><input type=\"checkbox\" id=\"wrong\"/> Wrong only</label>\n");
    }
    body.push_str("<output id=\"shown\"></output>\n</div>\n");
}

fn entry(body: &mut String, row: &Row, is_judged: bool) {
    let class = match row.mark() {
        Some(Mark::Wrong) => "wrong",
        Some(Mark::Stricter) => "stricter",
        Some(Mark::Right | Mark::Untried) | None => "",
    };
    let _ = write!(body, "<tr class=\"{class}\">");
    let cells = cells(row, is_judged);
    for (column, cell) in cells.iter().enumerate() {
        if column == 0 {
            let title = format!("{}: {}", row.group, row.title);
            let _ =
                write!(body, "<th scope=\"row\">{}<small>{}</small></th>", escaped(cell), escaped(&title));
        } else if column + 1 == cells.len() {
            let _ = write!(body, "<td>{}", escaped(cell));
            details(body, row);
            body.push_str("</td>");
        } else {
            let _ = write!(body, "<td>{}</td>", escaped(cell));
        }
    }
    body.push_str("</tr>\n");
}

/// Writes the reason of the judgement, what the lab saw, and the command's output.
fn details(body: &mut String, row: &Row) {
    body.push_str("<details><summary>Details</summary>");
    if let Some(judged) = &row.judged {
        let _ = write!(body, "<p>{}: {}</p>", judged.mark.as_str(), escaped(&judged.why));
    }
    for verdict in &row.verdicts {
        let _ = write!(body, "<p>the lab saw: {}</p>", escaped(&verdict.words));
    }
    let output = row.output.trim_end();
    if !output.is_empty() {
        let _ = write!(body, "<p>the end of the command&#39;s output:</p><pre>{}</pre>", escaped(output));
    }
    body.push_str("</details>");
}
