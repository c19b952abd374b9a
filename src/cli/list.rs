//! `list` and `show`: what is built in.

use serde::Serialize;

use super::output::{self, Failure};
use super::{Output, load};
use crate::scenario::{STORIES, Scenario, story};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How the list is laid out
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The story
    name: String,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    title: String,
    profiles: Vec<String>,
}

pub(super) fn list(args: &Args) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for story in STORIES {
        let Scenario { title, computer, .. } = load::load(story.name)?.text.scenario;
        let profiles = computer.iter().map(|computer| computer.profile.to_string()).collect();
        rows.push(Row { name: story.name, title, profiles });
    }
    match args.output {
        Output::Json => output::json(&rows),
        Output::List => {
            let each = rows.iter().map(|row| {
                format!(
                    "Name    : {}\nTitle   : {}\nProfile : {}\n\n",
                    row.name,
                    row.title,
                    row.profiles.join(", ")
                )
            });
            output::text(&each.collect::<String>())
        }
        Output::Table => {
            let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
            let each = rows.iter().map(|row| format!("{:width$}  {}\n", row.name, row.title));
            output::text(&each.collect::<String>())
        }
    }
}

pub(super) fn show(args: &ShowArgs) -> Result<(), Failure> {
    match story(&args.name) {
        Some(story) => output::text(story.text),
        None => {
            let loaded = load::load(&args.name)?;
            // A file is shown only after it was read as a lab file.
            output::text(&loaded.file.map(|(_, text)| text).unwrap_or_default())
        }
    }
}
