//! A scenario with every expectation and observation, for people.

use super::layout::{Page, WIDTH, wrap};
use crate::exchange::cmdlet::KEPT;
use crate::scenario::{ABSENT, Achieved, Aspect, NONE, Proof, ProvedStage, Row, Stage, Subject, Value};

/// The maximum width of a column.
const CELL: usize = 25;
/// The maximum width of row names.
const LABEL: usize = 30;
/// The indentation of the rows; the mark of a difference stands before them.
const INDENT: usize = 4;

/// The number of a file's expectations, and the number of those that were not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The number of expectations.
    pub expected: usize,
    /// The number of expectations that were not met.
    pub unmet: usize,
}

impl Count {
    /// Counts the expectations in `proof`. A file need not say that a fix is accepted, so a fix counts only
    /// where it is refused.
    pub fn of(proof: &Proof) -> Self {
        let rows = || proof.stages.iter().flat_map(|stage| &stage.rows);
        let unmet = rows().filter(|row| !row.met).count();
        Self { expected: rows().filter(|row| is_judged(row)).count(), unmet }
    }

    /// Returns whether there are no expectations, so that nothing is proved.
    pub const fn is_silent(self) -> bool {
        self.expected == 0
    }
}

/// Returns whether the file has an expectation for a row.
pub fn is_judged(row: &Row) -> bool {
    match (&row.subject, &row.expected) {
        (_, None) => false,
        (Subject::Commands, Some(Value::Said(said))) => !row.met || said != NONE,
        (_, Some(_)) => true,
    }
}

/// Returns a stage in a word or two.
pub fn stage_words(stage: Stage) -> String {
    match stage {
        Stage::Before => "before".to_owned(),
        Stage::WrongFix(index) => format!("wrong fix {}", index + 1),
        Stage::Fix(index) => format!("fix {}", index + 1),
    }
}

/// Returns the subject of a row in a few words.
pub fn row_words(row: &Row) -> String {
    match (&row.subject, row.aspect) {
        (Subject::Commands, Aspect::NeverDone) => "fault rules".to_owned(),
        (Subject::Commands | Subject::Sender(_), _) => row.subject.to_string(),
        _ => format!("{} {}", row.subject, row.aspect.as_str()),
    }
}

/// Returns a row's expected and observed values, each on one line.
pub fn both(row: &Row) -> (String, String) {
    let words = |value: &Option<Value>, otherwise: &str| {
        let words = value.as_ref().map_or_else(|| otherwise.to_owned(), one_line);
        match (&row.subject, row.aspect) {
            (Subject::Commands, Aspect::NeverDone) if words == NONE => "each to be applied".to_owned(),
            (Subject::Commands, _) if words == NONE => "no refusal".to_owned(),
            _ => words,
        }
    };
    (words(&row.expected, "nothing"), words(&row.observed, ABSENT))
}

/// Returns every difference from the file, a line each.
pub fn differences(proof: &Proof) -> Vec<String> {
    let line = |(stage, row): (&ProvedStage, &Row)| {
        let (expected, observed) = both(row);
        format!("{}: expected {expected}, observed {observed} ({})", row_words(row), stage_words(stage.stage))
    };
    proof.differences().map(line).collect()
}

/// Returns the verdict in one line.
pub fn verdict(proof: &Proof) -> String {
    let Count { expected, unmet } = Count::of(proof);
    let stages = counted(proof.stages.len(), "stage");
    match (expected, unmet) {
        (0, _) => "nothing expected".to_owned(),
        (_, 0) => format!("as the file says: {} in {stages}", counted(expected, "expectation")),
        _ => format!("NOT as the file says: {unmet} of {} in {stages}", counted(expected, "expectation")),
    }
}

/// Returns a number of things in words.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Returns the whole proof as a table: the initial state beside every fix, then the commands that do not
/// help, the senders that are worse off, and the verdict.
pub fn table(proof: &Proof) -> String {
    let mut page = Page::default();
    page.text(0, "", &format!("{}: {}", proof.name, proof.title));
    page.line(0, "");
    let (wrong, columns): (Vec<_>, Vec<_>) =
        proof.stages.iter().partition(|stage| matches!(stage.stage, Stage::WrongFix(_)));
    legend(&mut page, &columns);
    grid(&mut page, &columns);
    let before = proof.stages.iter().find(|stage| stage.stage == Stage::Before);
    for stage in wrong {
        wrong_fix(&mut page, stage, before);
    }
    let regressions = regressions(proof);
    if !regressions.is_empty() {
        page.line(0, "");
    }
    regressions.iter().for_each(|line| page.text(2, "", line));
    page.line(0, "");
    page.text(2, "", &verdict(proof));
    differences(proof).iter().for_each(|line| page.text(4, "- ", line));
    page.finish()
}

/// Returns the proof as PowerShell's `Format-List` shows objects, one for each row.
pub fn list(proof: &Proof) -> String {
    let mut text = String::new();
    for stage in &proof.stages {
        for row in &stage.rows {
            let (expected, observed) = both(row);
            let expected = if row.expected.is_some() { expected } else { String::new() };
            let properties = [
                ("BuiltIn", proof.name.clone()),
                ("Stage", stage_words(stage.stage)),
                ("Subject", row.subject.to_string()),
                ("Aspect", row.aspect.as_str().to_owned()),
                ("Expected", expected),
                ("Observed", observed),
                ("Met", if row.met { "True" } else { "False" }.to_owned()),
            ];
            for (name, value) in properties {
                text.push_str(format!("{name:8} : {value}").trim_end());
                text.push('\n');
            }
            text.push('\n');
        }
    }
    text
}

/// Returns the senders that are worse off and the commands that cause it, a line each.
pub fn regressions(proof: &Proof) -> Vec<String> {
    let lines = proof.stages.iter().flat_map(|stage| {
        stage.regressions.iter().map(|worse| {
            let (before, now) = (achieved(&worse.before), &worse.now);
            let now = match now {
                Value::Ending(ending) => match ending.result_type {
                    Some(word) => format!("{} ({})", ending.achieved.as_str(), word.as_str()),
                    None => ending.achieved.as_str().to_owned(),
                },
                now => now.to_string(),
            };
            format!("worse off after {}: {}: {before} -> {now}", stage_words(stage.stage), worse.sender)
        })
    });
    lines.collect()
}

fn achieved(value: &Value) -> String {
    match value {
        Value::Ending(ending) => Achieved::as_str(ending.achieved).to_owned(),
        value => value.to_string(),
    }
}

fn legend(page: &mut Page, columns: &[&ProvedStage]) {
    for stage in columns.iter().filter(|stage| stage.stage != Stage::Before) {
        let head = format!("{}  ", stage_words(stage.stage));
        page.text(2, &head, &stage.title);
        if let Some(refused) = &stage.refused {
            page.text(4, "the Shell refuses it: ", &said(refused));
        }
    }
    if columns.len() > 1 {
        page.line(0, "");
    }
}

/// A row of the table, over all stages.
pub(crate) type Key<'a> = (&'a Subject, Aspect);

/// Returns all rows in their order; a row that only a fix adds stands behind the row that it follows.
pub(crate) fn keys<'a>(columns: &[&'a ProvedStage]) -> Vec<Key<'a>> {
    let mut keys: Vec<Key<'a>> = Vec::new();
    for stage in columns {
        let mut next = 0;
        for row in stage.rows.iter().filter(|row| row.subject != Subject::Commands) {
            let key = (&row.subject, row.aspect);
            match keys.iter().position(|known| *known == key) {
                Some(at) => next = at + 1,
                None => {
                    keys.insert(next.min(keys.len()), key);
                    next += 1;
                }
            }
        }
    }
    keys
}

/// Returns the words of a row within its group.
pub(crate) fn label(key: Key<'_>) -> String {
    match key {
        (Subject::Sender(name), _) => name.clone(),
        (_, aspect) => aspect.as_str().to_owned(),
    }
}

/// Returns the row of a stage with this key.
pub(crate) fn row_of<'a>(stage: &'a ProvedStage, key: Key<'_>) -> Option<&'a Row> {
    stage.rows.iter().find(|row| (&row.subject, row.aspect) == key)
}

fn grid(page: &mut Page, columns: &[&ProvedStage]) {
    let keys = keys(columns);
    let labels: Vec<Vec<String>> = keys.iter().map(|key| folded(&label(*key), LABEL)).collect();
    let margin = widest(labels.iter().flatten());
    let widths: Vec<usize> = columns
        .iter()
        .map(|stage| {
            let cells = keys.iter().flat_map(|key| cell(row_of(stage, *key)));
            widest(cells.chain([stage_words(stage.stage)]).collect::<Vec<_>>().iter())
        })
        .collect();
    let mut from = 1;
    loop {
        // A table that is too wide is split; every part repeats the initial state beside what is compared
        // with it.
        let mut shown: Vec<usize> = (0..columns.len().min(1)).collect();
        let mut taken = INDENT + margin + widths.first().map_or(0, |width| width + 2);
        while let Some(width) = widths.get(from).filter(|width| shown.len() < 2 || taken + 2 + *width < WIDTH)
        {
            taken += 2 + width;
            shown.push(from);
            from += 1;
        }
        part(page, columns, &keys, &labels, margin, &widths, &shown);
        if from >= columns.len() {
            return;
        }
        page.line(0, "");
    }
}

fn part(
    page: &mut Page,
    columns: &[&ProvedStage],
    keys: &[Key<'_>],
    labels: &[Vec<String>],
    margin: usize,
    widths: &[usize],
    shown: &[usize],
) {
    let columns: Vec<(&ProvedStage, usize)> =
        shown.iter().filter_map(|at| Some((*columns.get(*at)?, *widths.get(*at)?))).collect();
    let line = |mark: &str, label: &str, cells: Vec<&str>| {
        let mut line = format!("{mark:INDENT$}{label:margin$}");
        for (cell, (_, width)) in cells.into_iter().zip(&columns) {
            line.push_str(&format!("  {cell:width$}"));
        }
        line.trim_end().to_owned()
    };
    let heads: Vec<String> = columns.iter().map(|(stage, _)| stage_words(stage.stage)).collect();
    page.line(0, &line("", "", heads.iter().map(String::as_str).collect()));
    let mut group = None;
    for (key, label) in keys.iter().zip(labels) {
        let of = group_of(key.0);
        if group.as_ref() != Some(&of) {
            page.text(2, "", &of);
            group = Some(of);
        }
        let rows: Vec<Option<&Row>> = columns.iter().map(|(stage, _)| row_of(stage, *key)).collect();
        let mark = if rows.iter().flatten().any(|row| !row.met) { "  !" } else { "" };
        let cells: Vec<Vec<String>> = rows.into_iter().map(cell).collect();
        let height = cells.iter().chain([label]).map(Vec::len).max().unwrap_or(1);
        for at in 0..height {
            let text = |lines: &Vec<String>| lines.get(at).cloned().unwrap_or_default();
            let texts: Vec<String> = cells.iter().map(text).collect();
            let mark = if at == 0 { mark } else { "" };
            page.line(0, &line(mark, &text(label), texts.iter().map(String::as_str).collect()));
        }
    }
}

/// Returns the heading of the rows of a subject.
pub(crate) fn group_of(subject: &Subject) -> String {
    match subject {
        Subject::Sender(_) => "what becomes of the message of".to_owned(),
        subject => subject.to_string(),
    }
}

/// Returns the lines of a cell: the observed value, and the expected one where it differs.
fn cell(row: Option<&Row>) -> Vec<String> {
    let Some(row) = row else { return vec!["-".to_owned()] };
    let (expected, observed) = both(row);
    let mut lines = folded(&observed, CELL);
    if !row.met {
        lines.extend(folded(&format!("EXPECTED {expected}"), CELL));
    }
    lines
}

fn wrong_fix(page: &mut Page, stage: &ProvedStage, before: Option<&ProvedStage>) {
    page.section(&format!("{}: {}", stage_words(stage.stage), stage.title));
    let mark = if stage.rows.iter().all(|row| row.met) { "" } else { "NOT AS EXPECTED: " };
    let changes = changes(stage, before);
    match (&stage.refused, changes.as_slice()) {
        (Some(refused), _) => page.text(4, mark, &format!("it is refused: {}", said(refused))),
        (None, []) => page.text(4, mark, "it changes nothing"),
        (None, changes) => page.text(4, &format!("{mark}it changes "), &changes.join("; ")),
    }
    if let Some(why) = &stage.why {
        page.text(4, "why: ", why);
    }
}

/// Returns the differences from the previous stage, in the words of rows.
fn changes(stage: &ProvedStage, before: Option<&ProvedStage>) -> Vec<String> {
    let rows = stage.rows.iter().filter(|row| row.subject != Subject::Commands);
    let changed = rows.filter_map(|row| {
        let then = before.and_then(|before| row_of(before, (&row.subject, row.aspect)));
        let then = then.and_then(|row| row.observed.as_ref());
        (then != row.observed.as_ref()).then(|| {
            let words = |value: Option<&Value>| value.map_or(ABSENT.to_owned(), one_line);
            format!("{}: {} -> {}", row_words(row), words(then), words(row.observed.as_ref()))
        })
    });
    let mut changed: Vec<String> = changed.collect();
    let gone = before
        .iter()
        .flat_map(|before| &before.rows)
        .filter(|row| row.observed.is_some() && row_of(stage, (&row.subject, row.aspect)).is_none());
    changed.extend(gone.map(|row| format!("{}: gone", row_words(row))));
    changed
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Said(words) => said(words),
        value => value.to_string(),
    }
}

/// Returns the Shell's output on one line, without the place in the script and the quoted line below it.
fn said(words: &str) -> String {
    let lines = words.lines().take_while(|line| line.trim() != "|");
    // After the line and its caret comes what happened to the lines before it.
    let kept = words.lines().rev().take_while(|line| !line.trim_end().ends_with('^'));
    let kept = kept.filter(|line| line.starts_with(KEPT)).map(|line| format!("; {line}"));
    let line = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    let line = line + &kept.collect::<String>();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match line.splitn(3, ':').collect::<Vec<_>>().as_slice() {
        [row, column, message] if number(row) && number(column) => message.trim().to_owned(),
        _ => line,
    }
}

/// Breaks text into lines of at most `width` characters; a longer word is broken where necessary.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in wrap(text, width) {
        let characters: Vec<char> = line.chars().collect();
        lines.extend(characters.chunks(width).map(|piece| piece.iter().collect::<String>()));
    }
    lines
}

fn widest<'a>(lines: impl Iterator<Item = &'a String>) -> usize {
    lines.map(|line| line.chars().count()).max().unwrap_or(0)
}
