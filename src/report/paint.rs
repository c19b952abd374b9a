//! Colors of a terminal. The words are the same without them.

/// The style of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The subject of what follows.
    Heading,
    /// A state or a change for the better.
    Good,
    /// A state or a change for the worse.
    Bad,
    /// Something to be copied.
    Command,
    /// The name of a row, or a hint.
    Faint,
}

/// Writes styles as ANSI escape sequences (ECMA-48 SGR), or leaves them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// With escape sequences, for a terminal.
    Ansi,
    /// Text alone.
    None,
}

impl Colors {
    /// Returns `text` in a style.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Heading => "1",
            Style::Good => "32",
            Style::Bad => "1;31",
            Style::Command => "36",
            Style::Faint => "2",
        };
        match self {
            Self::Ansi if !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Ansi | Self::None => text.to_owned(),
        }
    }
}
