//! The blocks of a Markdown page, and whether an output is what a page says.

/// The blocks of one page, in order.
pub(super) struct Page {
    pub(super) blocks: Vec<Block>,
}

/// A fenced block.
pub(super) struct Block {
    /// The line of its fence, from 1.
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) role: Role,
    pub(super) lines: Vec<String>,
}

/// What a comment before a block makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Run where it is `console`, shown where it is something else.
    Usual,
    /// Not run.
    Left,
    /// Written into a file.
    File(String),
    /// Added to a file.
    Append(String),
    /// Printed by the `serve` in the background.
    ServePrints,
}

/// A command of a `console` block with the output that stands behind it.
pub(super) struct Command {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) output: Vec<String>,
}

impl Page {
    pub(super) fn parse(text: &str) -> Self {
        let (mut blocks, mut role): (Vec<Block>, _) = (Vec::new(), Role::Usual);
        let mut open: Option<Block> = None;
        for (line, number) in text.lines().zip(1..) {
            if let Some(block) = &mut open {
                if line.trim_end() == "```" {
                    blocks.extend(open.take());
                } else {
                    block.lines.push(line.to_owned());
                }
            } else if let Some(language) = line.strip_prefix("```") {
                let (language, role) =
                    (language.trim().to_owned(), std::mem::replace(&mut role, Role::Usual));
                open = Some(Block { line: number, language, role, lines: Vec::new() });
            } else if !line.trim().is_empty() {
                role = comment(line);
            }
        }
        assert!(open.is_none(), "a block stays open at the end of the page");
        Self { blocks }
    }
}

fn comment(line: &str) -> Role {
    let words = line.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")).map(str::trim);
    let Some(words) = words else { return Role::Usual };
    match words.split_once(": ") {
        Some(("file", name)) => Role::File(name.to_owned()),
        Some(("append", name)) => Role::Append(name.to_owned()),
        Some(("not run", _)) => Role::Left,
        _ if words == "serve prints" => Role::ServePrints,
        _ => Role::Usual,
    }
}

impl Block {
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The commands of a `console` block.
    pub(super) fn commands(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        let mut continued = false;
        for (line, number) in self.lines.iter().zip(self.line + 1..) {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (_, Some(last)) if continued => {
                    last.text.push('\n');
                    last.text.push_str(line);
                }
                (Some(text), _) => {
                    commands.push(Command { line: number, text: text.to_owned(), output: Vec::new() });
                }
                (None, Some(last)) => last.output.push(line.clone()),
                (None, None) => panic!("line {number}: a console block begins with a command"),
            }
            continued = line.ends_with('\\') && commands.last().is_some_and(|last| last.output.is_empty());
        }
        commands
    }
}

/// Whether `lines` are what `expected` says.
pub(super) fn is_as_expected(expected: &[String], lines: &[String]) -> bool {
    match (expected.split_first(), lines.split_first()) {
        (None, first) => first.is_none(),
        (Some((any, rest)), first) if any.trim() == "..." => {
            is_as_expected(rest, lines) || first.is_some_and(|(_, behind)| is_as_expected(expected, behind))
        }
        (Some(_), None) => false,
        (Some((wanted, rest)), Some((line, behind))) => {
            is_line(wanted.trim_end(), line.trim_end()) && is_as_expected(rest, behind)
        }
    }
}

/// Whether a line is as expected, with `...` for anything.
fn is_line(wanted: &str, line: &str) -> bool {
    let mut pieces = wanted.split("...");
    let Some(mut rest) = pieces.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let pieces: Vec<_> = pieces.collect();
    let Some((last, between)) = pieces.split_last() else { return rest.is_empty() };
    for piece in between {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn an_output_is_compared_line_by_line_with_gaps_where_the_page_has_them() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let fits = |expected: &str, said: &str| is_as_expected(&lines(expected), &lines(said));
    assert!(fits("a\nb", "a\nb") && !fits("a\nb", "a\nc") && !fits("a", "a\nb") && !fits("a\nb", "a"));
    assert!(fits("a\n...\nd", "a\nb\nc\nd") && fits("...\nd", "d") && !fits("a\n...\nd", "a\nb"));
    assert!(fits("port ... on ...", "port 25 on EDGE") && !fits("port ... on", "port 25 on EDGE"));
}

#[test]
fn a_comment_before_a_block_says_what_becomes_of_it() {
    let page = Page::parse(
        "text\n\n<!-- file: a.toml -->\n```toml\nx = 1\n```\n\n<!-- not run: it installs -->\n\n```console\n$ a \\\n    b\nout\n$ c\n```\n",
    );
    let [file, left] = page.blocks.as_slice() else { panic!("two blocks") };
    assert_eq!((&file.role, file.text().as_str()), (&Role::File("a.toml".into()), "x = 1\n"));
    assert_eq!(left.role, Role::Left);
    let commands = left.commands();
    assert_eq!(commands[0].text, "a \\\n    b");
    assert_eq!((commands[0].output.as_slice(), commands[1].line), (["out".to_owned()].as_slice(), 14));
}
