//! The paths a Rust file names: enough of the language's lexing to know code from comments and
//! strings, and enough of its grammar to follow `use` trees, `super` and inline modules.

/// A path as its file means it, and the line it begins on. What `super` reaches is spelled from
/// `crate`; a glob ends the path it stands in.
#[derive(Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// Every path that `text`, the file of `module`, names.
pub(crate) fn named_paths(text: &str, module: &[String]) -> Vec<Named> {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0, found: Vec::new() };
    // The inline modules around the reader, each with the depth of braces it was opened at.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    while let Some(token) = tokens.get(reader.at) {
        let start = reader.found.len();
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inline.pop_if(|(_, opened)| *opened == depth);
            }
            "mod" if reader.peek(2) == "{" => inline.push((reader.peek(1).to_owned(), depth)),
            "use" => {
                reader.at += 1;
                reader.tree(&[]);
            }
            // How far something is visible names nothing, and neither does `crate` in `extern crate`.
            "pub" if reader.peek(1) == "(" && reader.peek(3) == ")" => reader.at += 3,
            "extern" if reader.peek(1) == "crate" => reader.at += 1,
            // A field or a method, whatever it is called.
            "." => reader.at += 1,
            _ if is_word(&token.text) => reader.tree(&[]),
            _ => {}
        }
        if reader.found.len() == start {
            reader.at += 1;
        }
        let here: Vec<_> =
            module.iter().cloned().chain(inline.iter().map(|(name, _)| name.clone())).collect();
        for named in &mut reader.found[start..] {
            resolve(&mut named.path, &here);
        }
    }
    reader.found
}

/// Spells a path that begins with `self` or `super` from `crate`.
fn resolve(path: &mut Vec<String>, module: &[String]) {
    let up = path.iter().take_while(|name| *name == "self" || *name == "super");
    let (words, supers) = (up.clone().count(), up.filter(|name| *name == "super").count());
    if words > 0 && (supers > 0 || path.len() > 1) {
        let base = &module[..module.len().saturating_sub(supers)];
        path.splice(..words, std::iter::once("crate".to_owned()).chain(base.iter().cloned()));
    }
}

struct Token {
    text: String,
    line: usize,
}

struct Reader<'tokens> {
    tokens: &'tokens [Token],
    at: usize,
    found: Vec<Named>,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    /// Reads the `use` tree (every path is one) that begins here, under `prefix`.
    fn tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        if self.peek(0) == "::" {
            self.at += 1;
        }
        loop {
            match self.peek(0) {
                "{" => return self.group(&path),
                "*" => self.at += 1,
                // `a::{self}` is `a`.
                "self" if !path.is_empty() && self.peek(1) != "::" => self.at += 1,
                word if is_word(word) => {
                    path.push(word.to_owned());
                    self.at += 1;
                    let goes_on = is_word(self.peek(1)) || matches!(self.peek(1), "{" | "*");
                    if self.peek(0) == "::" && goes_on {
                        self.at += 1;
                        continue;
                    }
                }
                _ => {}
            }
            break;
        }
        if !path.is_empty() {
            self.found.push(Named { path, line });
        }
    }

    fn group(&mut self, prefix: &[String]) {
        self.at += 1;
        while !matches!(self.peek(0), "}" | "") {
            let before = self.at;
            self.tree(prefix);
            if self.peek(0) == "as" {
                self.at += 2;
            }
            // A comma, or something that is no `use` tree at all.
            if self.peek(0) == "," || self.at == before {
                self.at += 1;
            }
        }
        self.at += 1;
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first == '_' || first.is_alphabetic())
}

/// The words and signs of `text`, without its comments, strings, characters and lifetimes.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        let (length, token) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (block_comment(rest), None)
        } else if let Some(length) = string(rest) {
            (length, None)
        } else if first == '\'' {
            (character(rest), None)
        } else if let Some(raw) = rest.strip_prefix("r#").filter(|raw| is_word(raw)) {
            let word = raw.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(raw.len());
            (2 + word, Some(&raw[..word]))
        } else if rest.starts_with("::") {
            (2, Some("::"))
        } else if word > 0 {
            (word, Some(&rest[..word]))
        } else {
            let length = first.len_utf8();
            (length, Some(&rest[..length]).filter(|_| !first.is_whitespace()))
        };
        tokens.extend(token.map(|text| Token { text: text.to_owned(), line }));
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The length of the comment that begins here, with the comments in it.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let (step, by) = match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth += by;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of the string literal that begins here, if one does.
fn string(text: &str) -> Option<usize> {
    let unprefixed = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - unprefixed.len();
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inside = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
        return Some(prefix + 1 + hashes + 1 + length);
    }
    let inside = unprefixed.strip_prefix('"')?;
    let mut escaped = false;
    let closing = inside.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    Some(prefix + 1 + closing.map_or(inside.len(), |at| at + 1))
}

/// The length of the character literal, or of the mark of the lifetime, that begins here.
fn character(text: &str) -> usize {
    let mut inside = text[1..].chars();
    match (inside.next(), inside.next()) {
        (Some('\\'), Some(escaped)) => {
            let from = 2 + escaped.len_utf8();
            text[from..].find('\'').map_or(text.len(), |at| from + at + 1)
        }
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        // A lifetime: its name is a word of no consequence, except that `'static` names nothing.
        _ => 1,
    }
}
