//! Every console example in README and docs is run as it is typed, in the order in which a reader meets it, and
//! prints what the page says it prints.
//!
//! How a page is read:
//!
//! - A block of `console` is run, in a folder that belongs to the page. `$ ` begins a command, and a backslash at
//!   the end of a line continues it; what follows is its output. A line `...` stands for any lines, `...` in a line
//!   for anything in it.
//! - `serve` stays in the background until `^C` in its output, the next `serve`, or the end of the page.
//! - A comment before a block changes that: `<!-- file: NAME -->` writes the block into a file, `<!-- append: NAME
//!   -->` adds it to one, `<!-- serve prints -->` compares it with what `serve` has printed since, and
//!   `<!-- not run: REASON -->` leaves it out.
//!
//! Examples say 127.0.0.1. They are run on a loopback address that belongs to the page and this process alone, so
//! the ports that a reader sees are never taken.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod complete;
mod page;
mod reference;
mod run;
mod verbs;

use std::path::{Path, PathBuf};

use page::Page;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page that a reader may meet.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    pages.sort();
    pages
}

#[test]
fn every_console_example_prints_what_its_page_says() {
    let mut wrong = Vec::new();
    let mut commands = 0;
    for (number, path) in (1u8..).zip(pages()) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let page = Page::parse(&std::fs::read_to_string(&path).unwrap());
        match run::page(&page, number) {
            Ok(run) => commands += run,
            Err(error) => wrong.push(format!("{name}:{error}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
    assert!(commands > 0, "no page has an example");
}

/// A lab file that is shown whole can be read; one that is shown in part is marked by `...` or is no `[[computer]]`.
#[test]
fn every_lab_file_that_is_shown_whole_can_be_read() {
    let mut read = 0;
    for path in pages() {
        let page = Page::parse(&std::fs::read_to_string(&path).unwrap());
        for block in page.blocks.iter().filter(|block| block.language == "toml") {
            let text = block.text();
            if !text.contains("[[computer]]") || text.contains("...") {
                continue;
            }
            let origin = format!("{}:{}", path.display(), block.line);
            let built = starttls_lab::Lab::text(text).start();
            assert!(built.is_ok(), "{origin}: {}", built.unwrap_err());
            read += 1;
        }
    }
    assert!(read > 0, "no page shows a lab file");
}
