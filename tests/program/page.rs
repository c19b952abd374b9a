//! The page, in a real browser: `tests/program/page` drives Chromium by playwright-core, against the program of
//! this build.
//!
//! What is not installed is skipped and said to be; `.ci/run` installs it, and with
//! `STARTTLS_LAB_REQUIRE_CLIENTS=1` its absence is a failure.

#![cfg(all(feature = "cli", unix))]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::installed::{Program, is_there};

const LAB: &str = env!("CARGO_BIN_EXE_starttls-lab");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/page")
}

/// Runs a file of tests, which prints what failed.
fn run(file: &str) {
    let (Some(node), Some(chromium)) =
        (Program::find("node", "nodejs"), Program::find("chromium", "chromium"))
    else {
        return;
    };
    if Program::find("swaks", "swaks").is_none() {
        return;
    }
    let modules = folder().join("node_modules");
    let modules = ["playwright-core", "axe-core"].map(|name| modules.join(name).join("package.json"));
    if !modules.iter().all(|module| is_there(module, "npm ci --prefix tests/program/page")) {
        return;
    }
    let mut tests: Command = node.command();
    tests.args(["--test", "--test-reporter=tap", "--test-timeout=300000", file]).current_dir(folder());
    let ran = tests.env("STARTTLS_LAB", LAB).env("CHROMIUM", chromium.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    for line in said.lines().filter(|line| line.contains("connectors, ")) {
        // Not by `println!`, which the test harness swallows when the test passes.
        let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
    }
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("# fail 0") && !said.contains("# pass 0"), "{said}");
}

#[test]
fn the_seed_story_by_clicks_alone_and_what_else_the_views_do() {
    run("story.test.js");
}

#[test]
fn no_hostile_mail_name_or_site_gets_through() {
    run("attack.test.js");
}

#[test]
fn a_hostile_mail_does_nothing_and_fetches_nothing() {
    run("hostile.test.js");
}

#[test]
fn messages_are_read_marked_found_and_removed() {
    run("messages.test.js");
}

#[test]
fn a_send_connector_is_edited_as_a_receive_connector_is() {
    run("send-connector.test.js");
}

#[test]
fn tabs_keys_addresses_and_what_axe_finds() {
    run("tabs.test.js");
}

#[test]
fn answers_that_come_late_or_overtake_each_other_do_no_harm() {
    run("order.test.js");
}

#[test]
fn a_hundred_connectors_and_ten_thousand_messages_stay_usable() {
    run("many.test.js");
}

/// Ways to make markup of a text, which no file of the page may use: what a peer says is text.
const MARKUP: [&str; 6] =
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc", "createContextualFragment"];

#[test]
fn no_file_of_the_page_makes_markup_of_text_or_names_another_host() {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/page")).unwrap();
    for file in files {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for word in MARKUP.into_iter().chain(["eval(", "new Function", "style=\"", "https://"]) {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
        let elsewhere = text.matches("http://").count() - text.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(elsewhere, 0, "{} names another host", path.display());
        assert!(text.lines().count() < 400, "{} is long", path.display());
    }
}
