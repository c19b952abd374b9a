//! The pages of reference that are made from the code are what the code says.
//!
//! `STARTTLS_LAB_WRITE_REFERENCE=1 cargo test --test program reference` writes them anew.

mod keys;

use std::fmt::Write;
use std::process::Command;

use serde_json::Value;

use super::root;

/// A page, or writes it where that is asked for.
fn is_kept(name: &str, text: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("STARTTLS_LAB_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let line = kept.lines().zip(text.lines()).position(|(kept, made)| kept != made);
    assert!(
        kept == text,
        "docs/{name} is not what the code says (from line {:?} on); run STARTTLS_LAB_WRITE_REFERENCE=1 cargo test \
         --test program reference",
        line.map(|line| line + 1),
    );
}

fn lab(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_starttls-lab"))
        .args(arguments)
        // What the machine has in its environment is no part of the help.
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_page_of_keys_is_the_schema() {
    let schema: Value = serde_json::from_str(&lab(&["schema"])).unwrap();
    is_kept("reference-lab-file.md", &keys::page(&schema));
}

#[test]
fn the_page_of_options_is_the_help() {
    let mut page =
        String::from("# Every option of every command\n\nThis page is made from the program's own help.\n");
    let help = lab(&["--help"]);
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs = verbs.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    for verb in verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help") {
        let help = lab(&[verb, "--help"]);
        let help: Vec<_> = help.lines().map(str::trim_end).collect();
        write!(page, "\n## {verb}\n\n```text\n{}\n```\n", help.join("\n").trim_end()).unwrap();
    }
    is_kept("reference-options.md", &page);
}

#[test]
fn the_page_of_paths_is_the_openapi_document() {
    let text = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut page = String::from(
        "# The control API\n\nThis page is made from [openapi.json](openapi.json), which `GET /openapi.json` of a \
         running lab\nanswers as well; it has the shapes of all requests and answers. What goes wrong is told as a \
         problem document\n(RFC 9457).\n",
    );
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            of_operation(&mut page, &method.to_uppercase(), path, operation);
        }
    }
    is_kept("reference-api.md", &page);
}

fn of_operation(page: &mut String, method: &str, path: &str, operation: &Value) {
    write!(page, "\n## {method} {path}\n\n{}.\n", sentence(&operation["summary"])).unwrap();
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    if !parameters.is_empty() {
        page.push_str("\n| parameter | in | what |\n|---|---|---|\n");
    }
    for parameter in parameters {
        let of = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
        writeln!(page, "| `{}` | {} | {} |", of("name"), of("in"), cell(&of("description"))).unwrap();
    }
    if let Some(example) = operation.pointer("/requestBody/content/application~1json/example") {
        let example = serde_json::to_string_pretty(example).unwrap();
        write!(page, "\n```json\n{example}\n```\n").unwrap();
    }
}

fn sentence(text: &Value) -> String {
    cell(text.as_str().unwrap_or_default()).trim_end_matches('.').to_owned()
}

/// Text on one line, as it stands in a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
