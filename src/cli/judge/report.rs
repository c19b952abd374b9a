//! The results of a run, entry by entry and in total.

use std::collections::BTreeMap;

use serde::Serialize;

use super::trial::Tried;
use super::{Args, CONTROL, FailOn};
use crate::judgement::{
    Classified, Exit, Judged, Mark, Outcome, Policy, Trial, classify, find_taken_replies, judge,
};
use crate::observe::verdict::{FallBack, Said, Verdict};
use crate::scenario::{Acceptance, ServerTrust};
use crate::session::send::ResultType;

/// A run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// This program's version.
    pub(super) version: &'static str,
    /// The command as it was given.
    pub(super) command: Vec<String>,
    /// The policy that the client was meant to follow.
    pub(super) policy: Option<Policy>,
    /// True if that policy was violated.
    pub(super) broken: bool,
    /// The remarks that make the run fail.
    pub(super) fail_on: FailOn,
    /// True if every entry had an address of its own.
    pub(super) own_addresses: bool,
    /// The class of the client.
    pub(super) client: Classified,
    /// The number of entries for each result.
    pub(super) sum: Sum,
    /// The entries.
    pub(super) entries: Vec<Row>,
}

/// The number of entries for each result.
#[derive(Debug, Default, Serialize)]
pub(super) struct Sum {
    pub(super) entries: usize,
    pub(super) outcomes: BTreeMap<Outcome, usize>,
    /// The entries for each mark; only with a policy.
    pub(super) marks: BTreeMap<Mark, usize>,
    pub(super) died_by_a_signal: usize,
    /// The number of entries in which something was said in clear.
    pub(super) leaked: BTreeMap<Said, usize>,
    /// The number of entries in which the client came back in clear after TLS had failed.
    pub(super) fell_back: usize,
}

/// One entry.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) entry: String,
    pub(super) group: &'static str,
    pub(super) title: String,
    pub(super) tls: ServerTrust,
    pub(super) mail: Acceptance,
    pub(super) outcome: Outcome,
    pub(super) judged: Option<Judged>,
    pub(super) exit: Exit,
    pub(super) over_tls: u64,
    pub(super) in_clear: u64,
    pub(super) leaked: Vec<Said>,
    pub(super) fall_back: Option<FallBack>,
    pub(super) result_type: Option<ResultType>,
    pub(super) notes: Vec<String>,
    pub(super) words: String,
    /// The end of the command's output.
    pub(super) output: String,
    pub(super) verdicts: Vec<Verdict>,
}

impl Report {
    pub(super) fn of(args: &Args, own_addresses: bool, mut tried: Vec<Tried>) -> Self {
        let Args { policy, fail_on, command, .. } = args;
        let (policy, fail_on) = (*policy, *fail_on);
        let control = tried.iter().map(|tried| &tried.trial).find(|trial| trial.entry == CONTROL).cloned();
        if let Some(control) = control {
            tried.iter_mut().for_each(|tried| find_taken_replies(&mut tried.trial, &control));
        }
        let trials: Vec<Trial> = tried.iter().map(|tried| tried.trial.clone()).collect();
        let entries: Vec<Row> = tried.into_iter().map(|tried| Row::of(policy, tried)).collect();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            command: command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            policy,
            broken: entries.iter().any(Row::is_wrong),
            fail_on,
            own_addresses,
            client: classify(&trials),
            sum: Sum::of(&entries),
            entries,
        }
    }
}

impl Report {
    /// Returns the entries that make the run fail.
    pub(super) fn failing(&self) -> Vec<&Row> {
        self.entries.iter().filter(|row| row.fails(self.fail_on)).collect()
    }
}

impl Sum {
    fn of(rows: &[Row]) -> Self {
        let mut sum = Self { entries: rows.len(), ..Self::default() };
        for row in rows {
            *sum.outcomes.entry(row.outcome).or_default() += 1;
            if let Some(judged) = &row.judged {
                *sum.marks.entry(judged.mark).or_default() += 1;
            }
            for said in &row.leaked {
                *sum.leaked.entry(*said).or_default() += 1;
            }
            sum.died_by_a_signal += usize::from(matches!(row.exit, Exit::Signal(_)));
            sum.fell_back += usize::from(row.fall_back.is_some());
        }
        sum
    }
}

impl Row {
    fn of(policy: Option<Policy>, tried: Tried) -> Self {
        let Tried { group, title, trial, output, .. } = tried;
        let words: Vec<_> = trial.verdicts.iter().map(|verdict| verdict.words.as_str()).collect();
        Self {
            group,
            title,
            outcome: trial.outcome(),
            judged: policy.map(|policy| judge(policy, &trial)),
            over_tls: trial.over_tls(),
            in_clear: trial.in_clear(),
            leaked: trial.leaked().into_iter().collect(),
            fall_back: trial.verdicts.iter().find_map(|verdict| verdict.fall_back.clone()),
            result_type: trial.verdicts.iter().find_map(|verdict| verdict.result_type),
            notes: trial.notes(),
            words: words.join(" | "),
            output,
            entry: trial.entry,
            tls: trial.tls,
            mail: trial.mail,
            exit: trial.exit,
            verdicts: trial.verdicts,
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.mark() == Some(Mark::Wrong)
    }

    /// Returns whether the entry makes the run fail.
    pub(super) fn fails(&self, on: FailOn) -> bool {
        match on {
            FailOn::Wrong => self.is_wrong(),
            FailOn::Stricter => matches!(self.mark(), Some(Mark::Wrong | Mark::Stricter)),
            FailOn::Remarks => !self.remark().is_empty(),
        }
    }

    pub(super) fn mark(&self) -> Option<Mark> {
        self.judged.as_ref().map(|judged| judged.mark)
    }

    /// Returns a list such as `envelope, body`, or a dash.
    pub(super) fn leaked_words(&self) -> String {
        let words: Vec<_> = self.leaked.iter().map(|said| said.as_str()).collect();
        if words.is_empty() { "-".to_owned() } else { words.join(", ") }
    }

    /// Returns the way in which the process ended, in a word or two.
    pub(super) fn exit_words(&self) -> String {
        match &self.exit {
            Exit::Code(code) => code.to_string(),
            Exit::Signal(signal) => format!("signal {signal}"),
            Exit::Killed => "killed".to_owned(),
            Exit::NotRun(_) => "not run".to_owned(),
            Exit::Unknown => "-".to_owned(),
        }
    }

    /// Returns what is worth saying beside the columns.
    pub(super) fn remark(&self) -> String {
        let why = self.judged.iter().filter(|judged| judged.mark >= Mark::Stricter).map(|it| it.why.clone());
        let fall_back = self.fall_back.iter().map(FallBack::in_words);
        let mut remarks: Vec<String> = Vec::new();
        for remark in why.chain(fall_back).chain(self.notes.iter().cloned()) {
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
        remarks.join("; ")
    }
}
