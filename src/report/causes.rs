//! The causes behind the connectors that need a fix: connectors that share a cause and a fix are one entry.

use serde::Serialize;

use super::{ConnectorReport, Report, SendConnectorReport, Starttls};
use crate::exchange::{Fix, SendFix, Trial, Typed};
use crate::scenario::Tried;

/// One cause, with the connectors that it breaks and the fix for all of them.
#[derive(Clone, Debug)]
pub struct Cause {
    /// The connectors, in the order of the report.
    pub connectors: Vec<Broken>,
    /// The fix that helps all of them; `None` if there is none.
    pub fix: Option<SharedFix>,
    /// The number of other fixes of the first connector.
    pub others: usize,
}

/// A cause as programs read it.
#[derive(Clone, Debug, Serialize)]
pub struct CauseReport<'a> {
    /// The cause, as a sentence without its full stop.
    pub cause: &'a str,
    /// The identities of the connectors that it breaks.
    pub connectors: Vec<&'a str>,
    /// The fix that helps all of them; `None` if there is none.
    pub fix: Option<&'a SharedFix>,
    /// The number of other fixes of the first connector.
    pub other_fixes: usize,
}

/// A connector that needs a fix, by its place in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A receive connector.
    Receive(usize),
    /// A Send connector.
    Send(usize),
}

/// A fix for several connectors of one computer.
#[derive(Clone, Debug, Serialize)]
pub struct SharedFix {
    /// The fix in one line.
    pub title: String,
    /// The commands for all connectors.
    pub commands: Vec<String>,
    /// The computer in whose Shell they are typed.
    pub on: String,
    /// The commands as they are typed, with the answers to their questions.
    #[serde(skip)]
    pub typed: Typed,
    /// The result of running the first connector's commands in the Shell.
    #[serde(flatten)]
    pub trial: Trial,
    /// True if the lab can show its effect.
    #[serde(skip)]
    pub is_observable: bool,
    /// The effect of all commands, once it was tried.
    pub effect: Option<Tried>,
}

/// Connectors with one cause, while they are being collected.
struct Group<'a> {
    key: Key<'a>,
    connectors: Vec<Broken>,
    /// The fixes of the first connector.
    candidates: Vec<Candidate<'a>>,
    /// Those of its fixes that all the others have as well, by index, each with the sum of its places in their
    /// lists.
    ranks: Vec<(usize, usize)>,
}

/// The key by which connectors are grouped: true for a Send connector, the computer, and the cause.
type Key<'a> = Option<(bool, &'a str, &'a str)>;

/// The part of a fix of either kind of connector that decides whether it can be shared.
struct Candidate<'a> {
    title: &'a str,
    commands: &'a [String],
    on: &'a str,
    typed: &'a Typed,
    trial: &'a Trial,
    is_observable: bool,
}

impl ConnectorReport {
    /// Returns whether there is something to fix.
    pub fn is_wrong(&self) -> bool {
        let fixes = !self.fixes.is_empty() || !self.refused.is_empty();
        self.enabled && (self.starttls != Starttls::Offered || fixes)
    }

    /// Returns the cause, with the names that the store has where the cause is a name that it lacks.
    pub(super) fn cause_with_names(&self) -> String {
        const MOST: usize = 4;
        let by_name = self.cause.starts_with("no certificate in the store carries");
        if !by_name || self.names_in_store.is_empty() {
            return self.cause.clone();
        }
        let first = self.names_in_store.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
        let more = match self.names_in_store.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}; the store has {first}{more}", self.cause)
    }
}

impl SendConnectorReport {
    /// Returns whether there is something to fix.
    pub fn is_wrong(&self) -> bool {
        let fixes = !self.fixes.is_empty() || !self.refused.is_empty();
        self.enabled && (!self.events.is_empty() || fixes)
    }
}

impl Report {
    /// Returns the causes behind the connectors that need a fix. Connectors of one computer share an entry if
    /// their cause is the same and one fix helps them all.
    pub fn causes(&self) -> Vec<Cause> {
        let receiving = (0..self.connectors.len()).map(Broken::Receive);
        let all = receiving.chain((0..self.send_connectors.len()).map(Broken::Send));
        let mut groups: Vec<Group<'_>> = Vec::new();
        for broken in all.filter(|broken| self.is_wrong(*broken)) {
            let (key, candidates) = (self.key(broken), self.candidates(broken));
            let joined = groups.iter_mut().any(|group| group.key == key && group.join(broken, &candidates));
            if !joined {
                let ranks = (0..candidates.len()).map(|at| (at, at)).collect();
                groups.push(Group { key, connectors: vec![broken], candidates, ranks });
            }
        }
        groups.into_iter().map(|group| self.cause(group)).collect()
    }

    /// Returns a cause of this report with the names of its connectors.
    pub fn named<'a>(&'a self, cause: &'a Cause) -> CauseReport<'a> {
        let key = |broken: &Broken| match *broken {
            Broken::Receive(at) => {
                self.connectors.get(at).map(|it| (it.identity.as_str(), it.cause.as_str()))
            }
            Broken::Send(at) => {
                self.send_connectors.get(at).map(|it| (it.identity.as_str(), it.cause.as_str()))
            }
        };
        let known: Vec<_> = cause.connectors.iter().filter_map(key).collect();
        CauseReport {
            cause: known.first().map_or("", |(_, cause)| *cause),
            connectors: known.into_iter().map(|(identity, _)| identity).collect(),
            fix: cause.fix.as_ref(),
            other_fixes: cause.others,
        }
    }

    /// Returns the receive connector, if it is one.
    pub fn receiving(&self, broken: Broken) -> Option<&ConnectorReport> {
        match broken {
            Broken::Receive(at) => self.connectors.get(at),
            Broken::Send(_) => None,
        }
    }

    fn cause(&self, group: Group<'_>) -> Cause {
        let fix = self.shared(&group);
        let others = group.candidates.len().saturating_sub(usize::from(fix.is_some()));
        Cause { connectors: group.connectors, fix, others }
    }

    fn is_wrong(&self, broken: Broken) -> bool {
        match broken {
            Broken::Receive(at) => self.connectors.get(at).is_some_and(ConnectorReport::is_wrong),
            Broken::Send(at) => self.send_connectors.get(at).is_some_and(SendConnectorReport::is_wrong),
        }
    }

    fn key(&self, broken: Broken) -> Key<'_> {
        match broken {
            Broken::Receive(at) => {
                self.connectors.get(at).map(|it| (false, computer_of(&it.identity), it.cause.as_str()))
            }
            Broken::Send(at) => {
                self.send_connectors.get(at).map(|it| (true, computer_of(&it.identity), it.cause.as_str()))
            }
        }
    }

    fn candidates(&self, broken: Broken) -> Vec<Candidate<'_>> {
        match broken {
            Broken::Receive(at) => {
                let report = self.connectors.get(at);
                let each = report.into_iter().flat_map(|report| {
                    report.fixes.iter().map(|fix| Candidate::receiving(fix, &report.identity))
                });
                each.collect()
            }
            Broken::Send(at) => {
                let report = self.send_connectors.get(at);
                report.into_iter().flat_map(|report| &report.fixes).map(Candidate::sending).collect()
            }
        }
    }

    /// Returns the fix that all of these connectors have, the one that stands highest in their lists.
    fn shared(&self, group: &Group<'_>) -> Option<SharedFix> {
        let connectors = &group.connectors;
        let (at, _) = group.ranks.iter().min_by_key(|(_, rank)| *rank)?;
        let best = group.candidates.get(*at)?;
        let lists = connectors.iter().map(|it| self.candidates(*it));
        let each: Vec<Candidate<'_>> =
            lists.filter_map(|list| list.into_iter().find(|other| other.is_like(best))).collect();
        let commands: Vec<&[String]> = each.iter().map(|it| it.commands).collect();
        let runs: Vec<Vec<String>> =
            each.iter().map(|it| it.typed.run.lines().map(str::to_owned).collect()).collect();
        let runs: Vec<&[String]> = runs.iter().map(Vec::as_slice).collect();
        let computer = best.on.to_owned();
        Some(SharedFix {
            title: best.title.to_owned(),
            commands: looped(merged(&commands), connectors.len(), &computer),
            on: best.on.to_owned(),
            typed: Typed {
                run: looped(merged(&runs), connectors.len(), &computer).join("\n"),
                answers: best.typed.answers.clone(),
            },
            trial: best.trial.clone(),
            is_observable: best.is_observable,
            effect: None,
        })
    }
}

impl Group<'_> {
    /// Takes in a connector if one of the fixes that the group shares is among its own.
    fn join(&mut self, broken: Broken, candidates: &[Candidate<'_>]) -> bool {
        let ranks = self.ranks.iter().filter_map(|(at, rank)| {
            let shared = self.candidates.get(*at)?;
            let place = candidates.iter().position(|other| other.is_like(shared))?;
            Some((*at, rank + place))
        });
        let ranks: Vec<_> = ranks.collect();
        let joins = !ranks.is_empty();
        if joins {
            self.ranks = ranks;
            self.connectors.push(broken);
        }
        joins
    }
}

impl<'a> Candidate<'a> {
    fn receiving(fix: &'a Fix, identity: &'a str) -> Self {
        let Fix { title, commands, typed, trial, .. } = fix;
        Self { title, commands, on: computer_of(identity), typed, trial, is_observable: true }
    }

    fn sending(fix: &'a SendFix) -> Self {
        let SendFix { title, commands, typed, trial, on, is_observable, .. } = fix;
        Self { title, commands, on, typed, trial, is_observable: *is_observable }
    }

    /// Returns whether the two are the same fix for two connectors. A fix that asks questions is shared only
    /// if it is the same to the letter, so that its answers are.
    fn is_like(&self, other: &Self) -> bool {
        self.title == other.title
            && self.on == other.on
            && (self.typed.answers.is_empty() && other.typed.answers.is_empty()
                || self.commands == other.commands)
    }
}

/// The fewest connectors for which a loop is shorter than a command for each.
const FEWEST_IN_A_LOOP: usize = 3;

/// Returns commands with one loop in place of lines that differ only in the connector of this computer, one for each of
/// `count` connectors.
fn looped(commands: Vec<String>, count: usize, computer: &str) -> Vec<String> {
    let start = format!("Set-ReceiveConnector \"{computer}\\");
    let parted = |line: &String| {
        let (name, rest) = line.strip_prefix(&start)?.split_once('"')?;
        let plain = !name.contains(['$', '`']);
        plain.then(|| (name.to_owned(), rest.to_owned()))
    };
    let each: Vec<(usize, (String, String))> =
        commands.iter().enumerate().filter_map(|(at, line)| Some((at, parted(line)?))).collect();
    let Some((first, (_, rest))) = each.first() else { return commands };
    let together = each.iter().zip(*first..).all(|((at, (_, its)), place)| *at == place && its == rest);
    if count < FEWEST_IN_A_LOOP || each.len() != count || !together {
        return commands;
    }
    let names: Vec<String> = each.iter().map(|(_, (name, _))| format!("\"{name}\"")).collect();
    let line = format!("{} | ForEach-Object {{ {start}$_\"{rest} }}", names.join(", "));
    let head = commands.iter().take(*first).cloned();
    head.chain([line]).chain(commands.iter().skip(first + count).cloned()).collect()
}

fn computer_of(identity: &str) -> &str {
    identity.split_once('\\').map_or(identity, |(computer, _)| computer)
}

/// Merges scripts: the lines that all begin with and those that all end with once, and between them the
/// others of each script.
fn merged(scripts: &[&[String]]) -> Vec<String> {
    let Some((first, others)) = scripts.split_first() else { return Vec::new() };
    let shortest = scripts.iter().map(|script| script.len()).min().unwrap_or(0);
    let alike = |at: &usize| others.iter().all(|other| other.get(*at) == first.get(*at));
    let head = (0..shortest).take_while(alike).count();
    let from_end = |script: &[String], back: usize| script.iter().rev().nth(back).cloned();
    let alike = |back: &usize| others.iter().all(|other| from_end(other, *back) == from_end(first, *back));
    let tail = (0..shortest - head).take_while(alike).count();
    let middle = |script: &&[String]| script.get(head..script.len() - tail).unwrap_or_default().to_vec();
    let mut all: Vec<String> = first.iter().take(head).cloned().collect();
    all.extend(scripts.iter().flat_map(middle));
    all.extend(first.iter().skip(first.len() - tail).cloned());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_merged_between_what_they_begin_and_end_with() {
        let script = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let (one, two) = (script(&["a", "b 1", "c"]), script(&["a", "b 2", "b 3", "c"]));
        assert_eq!(merged(&[&one, &two]), ["a", "b 1", "b 2", "b 3", "c"]);
        assert_eq!(merged(&[&one, &one]), one);
        assert_eq!(merged(&[&one]), one);
        assert!(merged(&[]).is_empty());
    }

    #[test]
    fn the_same_for_three_connectors_is_a_loop() {
        let set = |name: &str| format!("Set-ReceiveConnector \"EX01\\{name}\" -TlsCertificateName $name");
        let script = |names: &[&str]| {
            let lines = names.iter().map(|name| set(name));
            ["$name = 1".to_owned()].into_iter().chain(lines).collect::<Vec<_>>()
        };
        assert_eq!(
            looped(script(&["A", "B b", "C"]), 3, "EX01"),
            [
                "$name = 1",
                "\"A\", \"B b\", \"C\" | ForEach-Object { Set-ReceiveConnector \"EX01\\$_\" -TlsCertificateName $name }"
            ]
        );
        for odd in [script(&["A", "B"]), script(&["A", "B", "$C"])] {
            assert_eq!(looped(odd.clone(), odd.len() - 1, "EX01"), odd);
        }
    }
}
