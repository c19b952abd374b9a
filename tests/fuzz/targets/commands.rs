//! Ordinary commands, made of any bytes, mean the same here and to `smtp-proto`.

use super::meaning::{ours, theirs};
use super::source::Source;

/// Letters of names. What both sides take differently (quotes, literals, xtext) is no part of the grammar below;
/// `tests/model/smtp_oracle.rs` has a table of it.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCXYZ0123456789";
const ATOM: &[u8] = b"abcdxyzABC019!#$%&'*+-/=?^_`{|}~";

/// Makes one command of the bytes, and compares what both parsers make of it.
pub fn commands(data: &[u8]) {
    let source = &mut Source::new(data);
    let line = command(source);
    let (ours, theirs) = (ours(&line), theirs(&line));
    assert!(ours.is_some(), "refused here: {line}");
    assert_eq!(ours, theirs, "{line}");
}

fn command(source: &mut Source<'_>) -> String {
    let verb = source.byte() % 13;
    let case = source.byte();
    let spelled = |verb: &str| -> String {
        let letters = verb.chars().enumerate();
        let spelled =
            letters.map(|(at, it)| if (case >> (at % 8)) & 1 == 1 { it.to_ascii_lowercase() } else { it });
        spelled.collect()
    };
    match verb {
        0 => format!("{} {}", spelled("EHLO"), host(source)),
        1 => format!("{} {}", spelled("HELO"), host(source)),
        2 => {
            let path = if source.byte() == 0 { String::new() } else { address(source) };
            format!("{}<{path}>{}", spelled("MAIL FROM:"), mail_parameters(source))
        }
        3 => format!("{}<{}>{}", spelled("RCPT TO:"), address(source), rcpt_parameters(source)),
        4 => {
            let size = u32::from(source.byte()) << (source.byte() % 24);
            format!(
                "{} {size}{}",
                spelled("BDAT"),
                if source.byte().is_multiple_of(2) { "" } else { " LAST" }
            )
        }
        5 => spelled("NOOP"),
        6 => spelled("RSET"),
        7 => spelled("QUIT"),
        8 => spelled("DATA"),
        9 => spelled("STARTTLS"),
        10 => format!("{} {}", spelled("VRFY"), word(source, LETTERS)),
        11 => format!("{} {}", spelled("EXPN"), word(source, LETTERS)),
        _ => spelled("HELP"),
    }
}

fn word(source: &mut Source<'_>, of: &'static [u8]) -> String {
    let length = usize::from(source.byte() % 12) + 1;
    (0..length).map(|_| char::from(of[usize::from(source.byte()) % of.len()])).collect()
}

/// A host name of one to four labels; a label is made of letters, with a hyphen inside.
fn host(source: &mut Source<'_>) -> String {
    let labels = usize::from(source.byte() % 4) + 1;
    let mut labels: Vec<_> = (0..labels)
        .map(|_| match source.byte() % 3 {
            0 => format!("{}-{}", word(source, LETTERS), word(source, LETTERS)),
            _ => word(source, LETTERS),
        })
        .collect();
    // A last label of digits alone would be an address without brackets.
    labels.push("test".to_owned());
    labels.join(".")
}

fn address(source: &mut Source<'_>) -> String {
    let atoms = usize::from(source.byte() % 3) + 1;
    let local: Vec<_> = (0..atoms).map(|_| word(source, ATOM)).collect();
    format!("{}@{}", local.join("."), host(source))
}

fn mail_parameters(source: &mut Source<'_>) -> String {
    let mut text = String::new();
    let which = source.byte();
    if which & 1 != 0 {
        text.push_str(&format!(" SIZE={}", u32::from(source.byte()) << (source.byte() % 24)));
    }
    if which & 2 != 0 {
        text.push_str(" BODY=");
        text.push_str(source.pick::<&str>(&["7BIT", "8BITMIME", "BINARYMIME", "8bitmime"]));
    }
    if which & 4 != 0 {
        text.push_str(" SMTPUTF8");
    }
    if which & 8 != 0 {
        text.push_str(if source.byte().is_multiple_of(2) { " RET=FULL" } else { " ret=HDRS" });
    }
    if which & 16 != 0 {
        text.push_str(&format!(" ENVID={}", word(source, LETTERS)));
    }
    text
}

fn rcpt_parameters(source: &mut Source<'_>) -> String {
    match source.byte() % 6 {
        1 => " NOTIFY=NEVER".to_owned(),
        2 => " NOTIFY=SUCCESS".to_owned(),
        3 => " notify=FAILURE,DELAY".to_owned(),
        4 => " NOTIFY=SUCCESS,FAILURE,DELAY".to_owned(),
        _ => String::new(),
    }
}
