//! A story with what came of every stage of it, measured by what its lab file says.

use serde::Serialize;

use super::expect::{ABSENT, Aspect, Expectations, NONE, Observation, Subject, Value};
use super::repair::{CommandsSpec, Stage};
use super::spec::Scenario;

/// What came of one stage.
#[derive(Clone, Debug)]
pub struct Played {
    /// Which stage.
    pub stage: Stage,
    /// What stands on the screens after the commands.
    pub screen: String,
    /// With what the Shell refused; what stands before the line that was refused is done.
    pub refused: Option<String>,
    /// What was observed afterwards.
    pub observed: Observation,
}

/// A story with everything that was expected and observed.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// The story's name or the file's.
    pub name: String,
    /// What happens, in one line.
    pub title: String,
    /// Its stages: before, every wrong fix, every fix.
    pub stages: Vec<ProvedStage>,
}

/// A stage with everything that was expected and observed.
#[derive(Clone, Debug, Serialize)]
pub struct ProvedStage {
    /// Which stage.
    #[serde(flatten)]
    pub stage: Stage,
    /// What was done, in one line.
    pub title: String,
    /// Of a wrong fix, why it mends nothing or what it breaks.
    pub why: Option<String>,
    /// What was typed, and where.
    pub commands: Vec<CommandsSpec>,
    /// What stood on the screens.
    pub screen: String,
    /// With what the Shell refused.
    pub refused: Option<String>,
    /// One row for everything that was expected or observed, in the order of the lab file.
    pub rows: Vec<Row>,
    /// The senders that were better off before.
    pub regressions: Vec<Regression>,
}

/// One thing that was expected or observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is about.
    pub subject: Subject,
    /// Which side of it.
    pub aspect: Aspect,
    /// What the file says; nothing where it is silent.
    pub expected: Option<Value>,
    /// What was observed; nothing where there was nothing to observe.
    pub observed: Option<Value>,
    /// Whether the one meets the other; true where the file is silent.
    pub met: bool,
}

/// A sender whose message came to a worse end than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Regression {
    /// The sender.
    pub sender: String,
    /// What its message came to before.
    pub before: Value,
    /// What it comes to now.
    pub now: Value,
}

impl Scenario {
    /// The stages of the story in the order in which they are proved: before, wrong fixes, fixes.
    pub fn stages(&self) -> Vec<Stage> {
        let wrong = (0..self.wrong_fix.len()).map(Stage::WrongFix);
        let right = (0..self.fix.len()).map(Stage::Fix);
        std::iter::once(Stage::Before).chain(wrong).chain(right).collect()
    }

    /// The commands that lead from the beginning to a stage.
    pub fn commands(&self, stage: Stage) -> Vec<CommandsSpec> {
        let only = self.computer.first().map_or("", |computer| computer.name.as_str());
        self.repair(stage).map(|repair| repair.commands(only)).unwrap_or_default()
    }

    /// What the file expects of a stage.
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
    /// Measures what was played by what `scenario` says.
    pub fn new(name: &str, scenario: &Scenario, played: Vec<Played>) -> Self {
        let before = played.iter().find(|played| played.stage == Stage::Before);
        let before = before.map(|played| played.observed.clone()).unwrap_or_default();
        let stages = played.into_iter().map(|played| ProvedStage::new(scenario, played, &before));
        Self { name: name.to_owned(), title: scenario.title.clone(), stages: stages.collect() }
    }

    /// Whether everything is as the file says.
    pub fn holds(&self) -> bool {
        self.differences().next().is_none()
    }

    /// Every row in which something is not as the file says, with its stage.
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
        let mut expected = scenario.expected(stage).each();
        for (subject, aspect, value) in &observed.0 {
            let same = |it: &(Subject, Aspect, Value)| it.1 == *aspect && it.0.is_same(subject);
            let said = expected.iter().position(same).map(|at| expected.remove(at).2);
            // A file expects of whatever it declares that it is done.
            let said = said.or_else(|| (*aspect == Aspect::NeverDone).then(|| Value::Said(NONE.to_owned())));
            rows.push(Row::new(subject.clone(), *aspect, said, Some(value.clone())));
        }
        // Whatever is left was expected of something that is not there.
        rows.extend(expected.into_iter().map(|(subject, aspect, value)| {
            let absent = Value::Certificate(ABSENT.to_owned());
            let met = value.is_met_by(&absent);
            Row { subject, aspect, expected: Some(value), observed: None, met }
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
    /// Whether both are about the same thing; Exchange's names do not heed letter case.
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
