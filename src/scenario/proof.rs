//! A scenario with the results of each of its stages, compared with the expectations of its lab file.

use serde::Serialize;

use super::expect::{ABSENT, Aspect, Expectations, NONE, Observation, Subject, Value};
use super::repair::{CommandsSpec, Stage};
use super::senders::Sender;
use super::spec::Scenario;

/// The result of one stage.
#[derive(Clone, Debug)]
pub struct Played {
    /// The stage.
    pub stage: Stage,
    /// The output on the screens after the commands.
    pub screen: String,
    /// The Shell's refusal; the lines before the one that was refused have taken effect.
    pub refused: Option<String>,
    /// The observations after the commands.
    pub observed: Observation,
}

/// A scenario with everything that was expected and observed.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// The name of the scenario or of its file.
    pub name: String,
    /// The scenario in one line.
    pub title: String,
    /// The stages: before, every wrong fix, every fix.
    pub stages: Vec<ProvedStage>,
}

/// A stage with everything that was expected and observed.
#[derive(Clone, Debug, Serialize)]
pub struct ProvedStage {
    /// The stage.
    #[serde(flatten)]
    pub stage: Stage,
    /// The stage's actions, in one line.
    pub title: String,
    /// For a wrong fix, the reason why it fixes nothing or what it breaks.
    pub why: Option<String>,
    /// The commands that were typed, and their computers.
    pub commands: Vec<CommandsSpec>,
    /// The output on the screens.
    pub screen: String,
    /// The Shell's refusal.
    pub refused: Option<String>,
    /// One row for everything that was expected or observed, in the order of the lab file.
    pub rows: Vec<Row>,
    /// The senders that were better off before.
    pub regressions: Vec<Regression>,
}

/// One thing that was expected or observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The subject of the row.
    pub subject: Subject,
    /// The aspect of the subject.
    pub aspect: Aspect,
    /// The value that the file expects; `None` where it has no expectation.
    pub expected: Option<Value>,
    /// The value that was observed; `None` where there was nothing to observe.
    pub observed: Option<Value>,
    /// True if the observed value meets the expected one, or if the file expects nothing.
    pub met: bool,
}

/// A sender whose message has a worse result than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Regression {
    /// The sender.
    pub sender: String,
    /// The result of its message before.
    pub before: Value,
    /// The result of its message now.
    pub now: Value,
}

impl Scenario {
    /// Returns the stages of the scenario in the order in which they are proved: before, wrong fixes, fixes.
    pub fn stages(&self) -> Vec<Stage> {
        let wrong = (0..self.wrong_fix.len()).map(Stage::WrongFix);
        let right = (0..self.fix.len()).map(Stage::Fix);
        std::iter::once(Stage::Before).chain(wrong).chain(right).collect()
    }

    /// Returns the commands that lead from the beginning to a stage.
    pub fn commands(&self, stage: Stage) -> Vec<CommandsSpec> {
        let only = self.computer.first().map_or("", |computer| computer.name.as_str());
        self.repair(stage).map(|repair| repair.commands(only)).unwrap_or_default()
    }

    /// Returns the senders at a stage: a fix may change what they dial and trust.
    pub fn senders_at(&self, stage: Stage, senders: &[Sender]) -> Vec<Sender> {
        let mut senders = senders.to_vec();
        let changes = self.repair(stage).into_iter().flat_map(|repair| &repair.sender);
        for (name, change) in changes {
            let named = senders.iter_mut().filter(|sender| sender.name.eq_ignore_ascii_case(name));
            named.for_each(|sender| sender.change(change));
        }
        senders
    }

    /// Returns whether the faults of a computer go on at a stage.
    pub fn has_faults_at(&self, stage: Stage, computer: &str) -> bool {
        let over = self.repair(stage).into_iter().flat_map(|repair| &repair.faults_off);
        over.into_iter().all(|name| !name.eq_ignore_ascii_case(computer))
    }

    /// Returns the file's expectations of a stage.
    pub fn expected(&self, stage: Stage) -> Expectations {
        match (stage, self.repair(stage)) {
            (Stage::Fix(_), Some(fix)) => fix.after.over(&self.after.over(&self.before)),
            (_, Some(wrong)) => wrong.after.over(&self.before),
            (_, None) => self.before.clone(),
        }
    }

    fn repair(&self, stage: Stage) -> Option<&super::RepairSpec> {
        match stage {
            Stage::Before => None,
            Stage::WrongFix(at) => self.wrong_fix.get(at),
            Stage::Fix(at) => self.fix.get(at),
        }
    }
}

impl Proof {
    /// Compares the results of a run with the expectations of `scenario`.
    pub fn new(name: &str, scenario: &Scenario, played: Vec<Played>) -> Self {
        let before = played.iter().find(|played| played.stage == Stage::Before);
        let before = before.map(|played| played.observed.clone()).unwrap_or_default();
        let stages = played.into_iter().map(|played| ProvedStage::new(scenario, played, &before));
        Self { name: name.to_owned(), title: scenario.title.clone(), stages: stages.collect() }
    }

    /// Returns whether everything is as the file expects.
    pub fn holds(&self) -> bool {
        self.differences().next().is_none()
    }

    /// Returns every row in which something is not as the file expects, with its stage.
    pub fn differences(&self) -> impl Iterator<Item = (&ProvedStage, &Row)> {
        self.stages
            .iter()
            .flat_map(|stage| stage.rows.iter().filter(|row| !row.met).map(move |row| (stage, row)))
    }
}

impl ProvedStage {
    fn new(scenario: &Scenario, played: Played, before: &Observation) -> Self {
        let Played { stage, screen, refused, observed } = played;
        let repair = scenario.repair(stage);
        let mut rows = Vec::new();
        if let Some(repair) = repair {
            let expected = Value::Said(repair.refused.clone().unwrap_or_else(|| NONE.to_owned()));
            let said = Value::Said(refused.clone().unwrap_or_else(|| NONE.to_owned()));
            rows.push(Row::new(Subject::Commands, Aspect::Refusal, Some(expected), Some(said)));
        }
        rows.extend(observed.compare(&scenario.expected(stage)).into_iter().map(|row| match row.aspect {
            // A file expects every fault rule that it declares to be applied.
            Aspect::NeverDone => {
                Row::new(row.subject, row.aspect, Some(Value::Said(NONE.to_owned())), row.observed)
            }
            _ => row,
        }));
        Self {
            stage,
            title: repair.map_or_else(|| "before".to_owned(), |repair| repair.title.clone()),
            why: repair.and_then(|repair| repair.why.clone()),
            commands: scenario.commands(stage),
            screen,
            refused,
            rows,
            regressions: regressions(before, &observed),
        }
    }
}

impl Observation {
    /// Compares it with what is expected. Returns a row for everything that was observed, and then one for every
    /// expectation of something that does not exist.
    pub fn compare(&self, expected: &Expectations) -> Vec<Row> {
        let mut expected = expected.each();
        let mut rows = Vec::new();
        for (subject, aspect, value) in &self.0 {
            let same = |it: &(Subject, Aspect, Value)| it.1 == *aspect && it.0.is_same(subject);
            let wanted = expected.iter().position(same).map(|at| expected.remove(at).2);
            rows.push(Row::new(subject.clone(), *aspect, wanted, Some(value.clone())));
        }
        rows.extend(expected.into_iter().map(|(subject, aspect, value)| {
            let met = value.is_met_by(&Value::Certificate(ABSENT.to_owned()));
            Row { subject, aspect, expected: Some(value), observed: None, met }
        }));
        rows
    }
}

impl Row {
    fn new(subject: Subject, aspect: Aspect, expected: Option<Value>, observed: Option<Value>) -> Self {
        let met = match (&expected, &observed) {
            (Some(expected), Some(observed)) => expected.is_met_by(observed),
            (Some(_), None) => false,
            (None, _) => true,
        };
        Self { subject, aspect, expected, observed, met }
    }
}

impl Subject {
    /// Returns whether both are about one thing; Exchange's names ignore letter case.
    fn is_same(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.to_string().eq_ignore_ascii_case(&other.to_string())
    }
}

fn regressions(before: &Observation, now: &Observation) -> Vec<Regression> {
    let endings = |all: &Observation, sender: &str| {
        all.0.iter().find_map(|(subject, _, value)| match (subject, value) {
            (Subject::Sender(name), Value::Ending(ending)) if name == sender => Some(*ending),
            _ => None,
        })
    };
    let mut worse = Vec::new();
    for (subject, _, _) in &before.0 {
        let Subject::Sender(sender) = subject else { continue };
        if let (Some(then), Some(now)) = (endings(before, sender), endings(now, sender))
            && now.achieved < then.achieved
        {
            let (before, now) = (Value::Ending(then), Value::Ending(now));
            worse.push(Regression { sender: sender.clone(), before, now });
        }
    }
    worse
}
