//! The decision whether results are colored.

use std::io::{self, IsTerminal};

use super::understands_colors;
use crate::report::Colors;

/// Returns whether standard output is colored: where it is a terminal that shows colors, unless `NO_COLOR` is set
/// (no-color.org) or `CLICOLOR` is 0; `CLICOLOR_FORCE` colors other outputs as well (bixense.com/clicolors).
pub(super) fn of_standard_output() -> Colors {
    let asked = anstyle_query::clicolor();
    let wanted = if anstyle_query::no_color() {
        false
    } else if anstyle_query::clicolor_force() {
        true
    } else {
        asked != Some(false)
            && io::stdout().is_terminal()
            && (anstyle_query::term_supports_color() || asked == Some(true))
    };
    if wanted && understands_colors() { Colors::Ansi } else { Colors::None }
}
