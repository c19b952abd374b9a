//! Lookup of built-in files by name: scenarios, and entries of the fault catalogue, also by alias.

use super::ScenarioText;
use super::catalogue::{BuiltIn, SCENARIOS, scenario};
use super::entries::{CatalogueEntry, ENTRIES, Group, entry};
use super::entry::EntrySpec;
use crate::nearest::nearest;
use crate::session::fault::is_like;

/// Returns the scenario or entry called `name`, or the entry that has it as an alias.
pub fn built_in(name: &str) -> Option<&'static BuiltIn> {
    let entry = || entry(name).or_else(|| entry_with_alias(name));
    scenario(name).or_else(|| entry().map(|entry| &entry.scenario))
}

/// Returns the name of the built-in file that `name` is probably meant to be.
pub fn suggest_built_in(name: &str) -> Option<&'static str> {
    let scenarios = SCENARIOS.iter().map(|scenario| scenario.name);
    nearest(name, scenarios.chain(ENTRIES.iter().map(|entry| entry.scenario.name)))
}

/// No entry of the catalogue fits a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no entry of the catalogue is called `{pattern}`; {}", hint(.meant.as_deref()))]
pub struct NoSuchEntry {
    /// The pattern.
    pub pattern: String,
    /// The name that was probably meant.
    pub meant: Option<String>,
}

/// Returns the entries of the catalogue that the patterns name, in the order of the catalogue. A pattern is
/// the name of an entry, an alias or the name of a group, with `*` for any characters. Without patterns,
/// returns every entry.
///
/// # Errors
///
/// Returns the first pattern that matches nothing.
pub fn chosen(patterns: &[String]) -> Result<Vec<&'static CatalogueEntry>, NoSuchEntry> {
    if patterns.is_empty() {
        return Ok(ENTRIES.iter().collect());
    }
    let known: Vec<(&CatalogueEntry, Vec<String>)> =
        ENTRIES.iter().map(|entry| (entry, names_of(entry))).collect();
    let fits = |pattern: &str, names: &[String]| names.iter().any(|name| is_like(pattern, name));
    for pattern in patterns {
        if !known.iter().any(|(_, names)| fits(pattern, names)) {
            let all = known.iter().flat_map(|(_, names)| names).map(String::as_str);
            let meant = nearest(pattern, all).map(str::to_owned);
            return Err(NoSuchEntry { pattern: pattern.clone(), meant });
        }
    }
    let wanted = known.into_iter().filter(|(_, names)| patterns.iter().any(|pattern| fits(pattern, names)));
    Ok(wanted.map(|(entry, _)| entry).collect())
}

impl CatalogueEntry {
    /// Reads the lab file.
    ///
    /// # Errors
    ///
    /// Describes what is wrong with it. In a released program this does not happen.
    pub fn read(&self) -> Result<ScenarioText, super::ScenarioError> {
        ScenarioText::parse(self.scenario.text, &format!("entry {}", self.scenario.name))
    }

    /// Returns the file's section for the fault catalogue.
    pub fn spec(&self) -> Option<EntrySpec> {
        self.read().ok()?.scenario.entry
    }
}

impl Group {
    /// Returns the name of the group's folder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Trust => "trust",
            Self::Starttls => "starttls",
            Self::Policy => "policy",
            Self::Smtp => "smtp",
        }
    }
}

fn hint(meant: Option<&str>) -> String {
    match meant {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`starttls-lab list --faults` shows them all".to_owned(),
    }
}

fn names_of(entry: &CatalogueEntry) -> Vec<String> {
    let mut names = vec![entry.scenario.name.to_owned(), entry.group.as_str().to_owned()];
    names.extend(entry.spec().map(|spec| spec.aliases).unwrap_or_default());
    names
}

fn entry_with_alias(name: &str) -> Option<&'static CatalogueEntry> {
    // Reading a file costs more than looking for the word in it.
    let may = ENTRIES.iter().filter(|entry| entry.scenario.text.contains(name));
    may.into_iter().find(|entry| {
        entry.spec().is_some_and(|spec| spec.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(patterns: &[&str]) -> Result<Vec<&'static str>, NoSuchEntry> {
        let patterns: Vec<String> = patterns.iter().map(|it| (*it).to_owned()).collect();
        chosen(&patterns).map(|found| found.into_iter().map(|entry| entry.scenario.name).collect())
    }

    #[test]
    fn an_entry_is_found_by_its_name_an_alias_and_its_group() {
        for pattern in ["trust-expired", "expired", "trust", "TRUST-EXP*"] {
            assert!(names(&[pattern]).unwrap().contains(&"trust-expired"), "{pattern}");
        }
        assert_eq!(names(&["expired", "trust-expired"]).unwrap(), ["trust-expired"]);
        assert_eq!(names(&[]).unwrap().len(), ENTRIES.len());
        assert_eq!(built_in("expired").unwrap().name, "trust-expired");
        assert_eq!(built_in("healthy").unwrap().name, "healthy");
        assert_eq!(built_in("nothing"), None);
    }

    #[test]
    fn a_pattern_that_names_nothing_is_told_with_what_was_probably_meant() {
        let wrong = names(&["trust-*", "trust-expird"]).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "no entry of the catalogue is called `trust-expird`; did you mean `trust-expired`?"
        );
        assert!(names(&["zzzzzzzz*"]).unwrap_err().to_string().contains("list --faults"));
        assert_eq!(suggest_built_in("trust-expird"), Some("trust-expired"));
    }
}
