//! The table of the clients' verbs names what is in the code of every package, and all of it.

use std::collections::BTreeSet;
use std::path::Path;

use super::root;

/// A column of the table: its heading, the files of its code, and how a line of them declares a public verb.
struct Client {
    name: &'static str,
    files: &'static [&'static str],
    declared: fn(&str) -> Option<&str>,
    /// Public in the code, and no verb.
    beside: &'static [&'static str],
}

const CLIENTS: [Client; 5] = [
    Client {
        name: "Rust",
        files: &[
            "src/lib.rs",
            "src/harness/builder.rs",
            "src/harness/lab.rs",
            "src/harness/async_lab.rs",
            "src/harness/running.rs",
            "src/harness/verdicts.rs",
            "src/harness/report.rs",
        ],
        declared: |line| word(line.strip_prefix("    pub fn ")?),
        beside: &[],
    },
    Client {
        name: "Python",
        files: &["packages/python/starttls_lab/_lab.py", "packages/python/starttls_lab/pytest_plugin.py"],
        declared: |line| word(line.strip_prefix("    def ")?).filter(|name| !name.starts_with('_')),
        beside: &["identity", "version", "unmet"],
    },
    Client {
        name: "Node",
        files: &["packages/node/index.d.ts", "packages/node/node-test.d.ts", "packages/node/vitest.d.ts"],
        declared: |line| {
            let line = line.strip_prefix("    ").or_else(|| line.strip_prefix("export function "))?;
            word(line).filter(|name| line[name.len()..].starts_with('('))
        },
        beside: &[
            "constructor",
            "findProgram",
            "assertNothingInClear",
            "assertOffersStarttls",
            "assertReceived",
            "toHaveNothingInClear",
            "toHaveReceived",
            "toOfferStarttls",
        ],
    },
    Client {
        name: "Java",
        files: &[
            "packages/java/src/starttlslab/Lab.java",
            "packages/java/src/starttlslab/Connector.java",
            "packages/java/src/starttlslab/Report.java",
            "packages/java/src/starttlslab/StarttlsLab.java",
            "packages/java/src/starttlslab/Want.java",
        ],
        declared: |line| {
            let (head, _) = line.strip_prefix("    public ")?.split_once('(')?;
            head.rsplit_once(' ').map(|(_, name)| name)
        },
        beside: &[
            "identity", "version", "computer", "name", "lab", "Checked", "toString", "any", "to", "from",
            "after", "overTls", "inClear",
        ],
    },
    Client {
        name: "Go",
        files: &[
            "packages/go/lab.go",
            "packages/go/connector.go",
            "packages/go/values.go",
            "packages/go/program.go",
        ],
        declared: |line| {
            let line = line.strip_prefix("func ")?;
            let line = match line.strip_prefix('(') {
                Some(method) if method.contains(" *Lab) ") || method.contains(" *Connector) ") => {
                    method.split_once(") ")?.1
                }
                Some(_) => return None,
                None => line,
            };
            word(line).filter(|name| name.starts_with(char::is_uppercase))
        },
        beside: &["Identity", "FindProgram", "Reply"],
    },
];

/// The word that a text begins with.
fn word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}

/// The verbs of a cell: of each code the words that are called, or else its last word.
fn verbs(cell: &str) -> Vec<&str> {
    let mut verbs = Vec::new();
    for code in cell.split('`').skip(1).step_by(2) {
        let names = code.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_');
        let called = names.filter_map(|piece| piece.strip_suffix(['(', '{'])).filter(|name| !name.is_empty());
        let before = verbs.len();
        verbs.extend(called);
        if verbs.len() == before {
            let code = code.trim_end_matches("=...");
            verbs.extend(
                code.rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .filter(|name| !name.is_empty()),
            );
        }
    }
    verbs
}

#[test]
fn the_table_of_verbs_is_what_the_packages_have() {
    let page = std::fs::read_to_string(root().join("docs/verbs.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let mut wrong = Vec::new();
    for client in CLIENTS {
        let column = rows[0].iter().position(|cell| cell.starts_with(&format!("[{}]", client.name))).unwrap();
        let named: BTreeSet<_> = rows[2..].iter().flat_map(|row| verbs(row[column])).collect();
        let code: String = client.files.iter().map(|file| read(&root().join(file))).collect();
        let known: BTreeSet<_> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        wrong.extend(named.difference(&known).map(|verb| format!("{}: there is no {verb}", client.name)));
        let declared: BTreeSet<_> = code.lines().filter_map(client.declared).collect();
        assert!(declared.len() > 30, "{}: only {declared:?}", client.name);
        let missing = declared.difference(&named).filter(|verb| !client.beside.contains(verb));
        wrong.extend(missing.map(|verb| format!("{}: {verb} is not in the table", client.name)));
    }
    assert!(wrong.is_empty(), "docs/verbs.md\n{}", wrong.join("\n"));
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_verbs_of_a_cell_are_what_is_called_in_it() {
    assert_eq!(verbs("`Start(t, Fqdn(fqdn, names...))`, `TryStart`"), ["Start", "Fqdn", "TryStart"]);
    assert_eq!(verbs("`addr`, `patience=...`; fixture `lab` of Vitest"), ["addr", "patience", "lab"]);
    assert_eq!(
        verbs("`@StarttlsLab`, `Lab::text(toml)`, `Set(Parameters{...})`"),
        ["StarttlsLab", "text", "Set", "Parameters"]
    );
    assert_eq!(verbs("`startLab({ scenario })`, or `with`"), ["startLab", "with"]);
}
