//! The tables of `docs/shell.md` are the cmdlets and operators that the Shell has.

use std::fs;

use starttls_lab::internal::exchange::Profile;
use starttls_lab::internal::exchange::cmdlet::{cmdlets, operators};

/// The table of all cmdlets, those of older versions among them.
fn table() -> String {
    let mut rows = String::from("| cmdlet | what it does |\n|---|---|\n");
    for cmdlet in cmdlets(Profile::Exchange2019) {
        let aliases: Vec<String> = cmdlet.aliases.iter().map(|alias| format!(", `{alias}`")).collect();
        rows.push_str(&format!("| `{}`{} | {} |\n", cmdlet.name, aliases.concat(), cmdlet.synopsis));
    }
    rows
}

#[test]
fn the_page_of_the_shell_lists_its_cmdlets_and_operators() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/shell.md")).unwrap();
    let table = table();
    assert!(page.contains(&table), "docs/shell.md needs this table:\n{table}");
    let all: Vec<String> = operators().map(|operator| format!("`-{operator}`")).collect();
    let line = all.join(" ");
    assert!(page.contains(&line), "docs/shell.md needs these operators:\n{line}");
}
