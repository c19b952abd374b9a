//! The table of several connectors: STARTTLS, and the cause by its number.

use super::block::Block;
use super::rows::Rows;
use crate::report::Starttls;
use crate::report::causes::{Broken, Cause};
use crate::report::paint::Style;

/// The width of the first column.
const STATE: usize = 10;
/// The maximum width of the second column.
const NAME: usize = 42;

/// Writes the table.
pub(super) fn table(rows: &mut Rows, blocks: &[Block<'_>], causes: &[Cause]) {
    let names: Vec<String> = names(blocks);
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(NAME);
    let faint = Some(Style::Faint);
    rows.cells(&[
        ("STARTTLS", STATE, faint),
        ("connector", width, faint),
        ("", 2, None),
        ("cause", usize::MAX, faint),
    ]);
    let receiving = blocks.iter().filter(|block| matches!(block, Block::Receive(_))).count();
    for (at, (block, name)) in blocks.iter().zip(&names).enumerate() {
        let broken = at.checked_sub(receiving).map_or_else(|| Broken::Receive(at), Broken::Send);
        let (state, cause) = match block {
            Block::Receive(report) => {
                let state = match report.starttls {
                    _ if !report.enabled => "disabled",
                    Starttls::Offered => "offered",
                    Starttls::OfferedInTrouble => "trouble",
                    Starttls::Withheld | Starttls::Silent => "NONE",
                };
                (state, report.cause_in_brief.as_str())
            }
            Block::Send(report) if !report.enabled => ("disabled", ""),
            Block::Send(report) if block.is_wrong() => ("(sends)", report.verdict.as_str()),
            Block::Send(_) => ("(sends)", ""),
        };
        let number = causes.iter().position(|cause| cause.connectors.contains(&broken));
        let cause = match number {
            Some(number) => format!("{}  {cause}", number + 1),
            None => cause.to_owned(),
        };
        let style = if block.is_wrong() { Style::Bad } else { Style::Good };
        rows.cells(&[
            (state, STATE, Some(style)),
            (name, width, None),
            ("", 2, None),
            (&cause, usize::MAX, None),
        ]);
    }
}

/// Returns the names of the connectors, with their computers if there are several.
fn names(blocks: &[Block<'_>]) -> Vec<String> {
    let computer =
        |block: &Block<'_>| block.identity().split_once('\\').map(|(computer, _)| computer.to_owned());
    let first = blocks.first().and_then(computer);
    let one = blocks.iter().all(|block| computer(block) == first);
    let name = |block: &Block<'_>| match block.identity().split_once('\\') {
        Some((_, name)) if one => name.to_owned(),
        Some(_) | None => block.identity().to_owned(),
    };
    blocks.iter().map(name).collect()
}
