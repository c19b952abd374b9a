//! Proofs as a page: for each scenario a table of its rows by its stages.

use std::fmt::Write as _;

use super::Verified;
use crate::cli::html::{escaped, page};
use crate::report::proof::{
    Key, both, counted, group_of, is_judged, keys, label, regressions, row_of, stage_words, verdict,
};
use crate::scenario::{Aspect, Proof, ProvedStage, Row, Stage, Subject};

/// Returns the page on these scenarios; a scenario that could not be run has the reason.
pub(super) fn html(scenarios: &[Verified]) -> String {
    let mut body = "<header>\n<h1>starttls-lab verify</h1>\n</header>\n<main>\n".to_owned();
    if scenarios.len() > 1 {
        contents(&mut body, scenarios);
    }
    for (index, (name, proof)) in scenarios.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(body, "<section id=\"scenario-{index}\">\n<h2>{}</h2>", escaped(name));
        match proof {
            Ok(proof) => scenario(&mut body, proof),
            Err(why) => {
                let _ =
                    writeln!(body, "<p class=\"bad\">could NOT be run: {}</p>", escaped(&why.to_string()));
            }
        }
        body.push_str("</section>\n");
    }
    body.push_str("</main>\n");
    let title = match scenarios {
        [(name, _)] => format!("starttls-lab verify {name}"),
        _ => format!("starttls-lab verify: {}", counted(scenarios.len(), "scenario")),
    };
    page(&title, &body, None)
}

fn contents(body: &mut String, scenarios: &[Verified]) {
    body.push_str(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Results\" tabindex=\"0\">\n<table>\n<caption>Every scenario and its result</caption>\n<thead>\n\
         <tr><th scope=\"col\">Scenario</th><th scope=\"col\">Result</th><th scope=\"col\">Regressions</th></tr>\n\
         </thead>\n<tbody>\n",
    );
    for (index, (name, proof)) in scenarios.iter().enumerate() {
        let (class, words, worse) = match proof {
            Ok(proof) => (if proof.holds() { "" } else { "wrong" }, verdict(proof), regressions(proof).len()),
            Err(_) => ("wrong", "could NOT be run".to_owned(), 0),
        };
        let _ = writeln!(
            body,
            "<tr class=\"{class}\"><th scope=\"row\"><a href=\"#scenario-{index}\">{}</a></th><td>{}</td>\
             <td>{worse}</td></tr>",
            escaped(name),
            escaped(&words),
        );
    }
    body.push_str("</tbody>\n</table>\n</div>\n");
}

fn scenario(body: &mut String, proof: &Proof) {
    let class = if proof.holds() { "good" } else { "bad" };
    let _ = writeln!(
        body,
        "<p>{}</p>\n<p class=\"{class}\">{}</p>",
        escaped(&proof.title),
        escaped(&verdict(proof))
    );
    let worse = regressions(proof);
    if !worse.is_empty() {
        body.push_str("<ul>\n");
        for line in worse {
            let _ = writeln!(body, "<li class=\"warn\">{}</li>", escaped(&line));
        }
        body.push_str("</ul>\n");
    }
    // What helps stands beside the initial state, and what does not help behind it.
    let (wrong, mut stages): (Vec<_>, Vec<_>) =
        proof.stages.iter().partition(|stage| matches!(stage.stage, Stage::WrongFix(_)));
    stages.extend(wrong);
    matrix(body, &stages);
    stages.iter().filter(|stage| stage.stage != Stage::Before).for_each(|stage| commands(body, stage));
}

fn matrix(body: &mut String, stages: &[&ProvedStage]) {
    body.push_str(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Rows by stages\" tabindex=\"0\">\n<table>\n<caption>What was observed at each stage. \u{2713}: as the file expects. \
         Bold: differs from before.</caption>\n<thead>\n<tr><td></td>",
    );
    for stage in stages {
        let words = stage_words(stage.stage);
        let title = if stage.stage == Stage::Before { "" } else { stage.title.as_str() };
        let title =
            if title.is_empty() { String::new() } else { format!("<small>{}</small>", escaped(title)) };
        let _ = write!(body, "<th scope=\"col\">{words}{title}</th>");
    }
    body.push_str("</tr>\n</thead>\n");
    let mut keys = keys(stages);
    if stages.iter().any(|stage| row_of(stage, COMMANDS).is_some()) {
        keys.push(COMMANDS);
    }
    let mut group = None;
    for key in keys {
        let of = group_of(key.0);
        if group.as_ref() != Some(&of) {
            body.push_str(if group.is_some() { "</tbody>\n<tbody>\n" } else { "<tbody>\n" });
            let _ = writeln!(
                body,
                "<tr><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>",
                stages.len() + 1,
                escaped(&of)
            );
            group = Some(of);
        }
        let _ = write!(body, "<tr><th scope=\"row\">{}</th>", escaped(&label(key)));
        let before = stages.iter().find(|stage| stage.stage == Stage::Before);
        let before = before.and_then(|stage| row_of(stage, key));
        stages.iter().for_each(|stage| cell(body, stage, key, before));
        body.push_str("</tr>\n");
    }
    if group.is_some() {
        body.push_str("</tbody>\n");
    }
    body.push_str("</table>\n</div>\n");
}

/// The row of what the Shell says to a stage's commands.
const COMMANDS: Key<'static> = (&Subject::Commands, Aspect::Refusal);

fn cell(body: &mut String, stage: &ProvedStage, key: Key<'_>, before: Option<&Row>) {
    let Some(row) = row_of(stage, key) else {
        body.push_str("<td class=\"muted\">-</td>");
        return;
    };
    let (expected, observed) = both(row);
    let is_worse = matches!(&row.subject, Subject::Sender(name)
        if stage.regressions.iter().any(|worse| worse.sender == *name));
    let is_changed = before.is_some_and(|before| before.observed != row.observed);
    let mut classes = Vec::new();
    classes.extend((!row.met).then_some("unmet"));
    classes.extend(is_worse.then_some("worse"));
    classes.extend(is_changed.then_some("changed"));
    let _ = write!(body, "<td class=\"{}\">{}", classes.join(" "), escaped(&observed));
    if !row.met {
        let _ = write!(body, "<small class=\"bad\">EXPECTED {}</small>", escaped(&expected));
    } else if !is_judged(row) {
        if row.expected.is_none() {
            body.push_str("<small>nothing expected</small>");
        }
    } else if expected == observed {
        body.push_str("\u{a0}<span class=\"good\" title=\"as expected\">\u{2713}</span>");
    } else {
        let _ = write!(
            body,
            "\u{a0}<span class=\"good\" title=\"as expected\">\u{2713}</span><small>expected {}</small>",
            escaped(&expected)
        );
    }
    if is_worse {
        body.push_str("<small class=\"warn\">worse off than before</small>");
    }
    body.push_str("</td>");
}

/// Writes the commands of a stage, with their output and what is said of them.
fn commands(body: &mut String, stage: &ProvedStage) {
    let _ = writeln!(
        body,
        "<details>\n<summary>{}: {}</summary>",
        stage_words(stage.stage),
        escaped(&stage.title)
    );
    for typed in &stage.commands {
        let _ = writeln!(
            body,
            "<p class=\"muted\">on {}:</p>\n<pre>{}</pre>",
            escaped(&typed.on),
            escaped(typed.run.trim_end())
        );
    }
    if !stage.screen.trim().is_empty() {
        let _ = writeln!(
            body,
            "<p class=\"muted\">output:</p>\n<pre>{}</pre>",
            escaped(stage.screen.trim_matches('\n').trim_end())
        );
    }
    if let Some(refused) = &stage.refused {
        let _ = writeln!(body, "<p>the Shell refuses it:</p>\n<pre>{}</pre>", escaped(refused));
    }
    if let Some(why) = &stage.why {
        let _ = writeln!(body, "<p>why: {}</p>", escaped(&why.to_string()));
    }
    body.push_str("</details>\n");
}
