//! What the pages promise to list, they list.

use std::process::Command;

use super::{pages, root};

#[test]
fn every_verb_of_the_program_is_on_the_page_of_commands() {
    let help = Command::new(env!("CARGO_BIN_EXE_starttls-lab")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs = verbs.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let verbs: Vec<_> =
        verbs.filter_map(|line| line.split_whitespace().next()).filter(|it| *it != "help").collect();
    let page = std::fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let missing: Vec<_> = verbs.iter().filter(|verb| !page.contains(&format!("| `{verb}"))).collect();
    assert!(verbs.len() > 10 && missing.is_empty(), "docs/commands.md lacks {missing:?} of {verbs:?}");
}

#[test]
fn every_page_is_in_the_table_of_contents_and_every_link_between_pages_leads_somewhere() {
    let contents = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let mut wrong = Vec::new();
    for path in pages() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let in_docs = path.parent().is_some_and(|folder| folder.ends_with("docs"));
        if in_docs && name != "SUMMARY.md" && !contents.contains(&format!("({name})")) {
            wrong.push(format!("{name} is not in docs/SUMMARY.md"));
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let outside = file.is_empty() || file.contains("://") || file.contains(char::is_whitespace);
            if !outside && !path.parent().unwrap().join(file).exists() {
                wrong.push(format!("{name}: {link} leads nowhere"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
