//! The error texts of senders, by symptom. The verdict and `docs/faults.md` use one table, and so does the
//! reverse lookup from a text to its cause.
//!
//! The table is the file `texts.txt` beside this one.

use std::sync::LazyLock;

use serde::Serialize;

use super::symptom::Symptom;

/// An error text that a program prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorText {
    /// The program, or the library below it.
    pub client: &'static str,
    /// The text that it prints, or the part of it that stays constant; `...` stands for what differs.
    pub text: &'static str,
    /// The source of the text.
    pub known: Known,
}

/// The source of an error text: how it is known that a program prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// The program was run against a server with the fault, on loopback in November 2026.
    Observed,
    /// The program's maker documents the text, or its source code contains it.
    Documented,
    /// Administrators have quoted the text in public.
    Reported,
}

impl Known {
    const ALL: [Self; 3] = [Self::Observed, Self::Documented, Self::Reported];

    /// Returns the source in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Documented => "documented",
            Self::Reported => "reported",
        }
    }
}

/// The table as it is written.
const WRITTEN: &str = include_str!("texts.txt");

/// The table. A line that does not parse is left out; a test sees to it that there is none.
static TEXTS: LazyLock<Vec<(Symptom, ErrorText)>> = LazyLock::new(|| {
    let mut symptom = None;
    let mut texts = Vec::new();
    for line in WRITTEN.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            symptom = Symptom::ALL.into_iter().find(|symptom| symptom.as_str() == name);
        } else if let (Some(symptom), Some(text)) = (symptom, text(line)) {
            texts.push((symptom, text));
        }
    }
    texts
});

/// Parses a line of the table: the source, the program and the text.
fn text(line: &'static str) -> Option<ErrorText> {
    let (known, rest) = line.split_once(' ')?;
    let (client, text) = rest.split_once(" | ")?;
    let known = Known::ALL.into_iter().find(|it| it.as_str() == known)?;
    Some(ErrorText { client, text, known })
}

/// Returns every text of the table with its symptom, in the table's order.
pub fn texts() -> &'static [(Symptom, ErrorText)] {
    &TEXTS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_stands_there_once() {
        let written = WRITTEN.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '[']));
        assert_eq!(texts().len(), written.count());
        let once: BTreeSet<_> = texts().iter().map(|(symptom, it)| (*symptom, it.client, it.text)).collect();
        assert_eq!(once.len(), texts().len());
    }

    #[test]
    fn every_symptom_has_texts_and_every_program_that_people_ask_about_is_among_them() {
        for symptom in Symptom::ALL {
            assert!(!symptom.error_texts().is_empty(), "{symptom:?}");
        }
        let clients: BTreeSet<_> = texts().iter().map(|(_, text)| text.client).collect();
        for client in [
            "Postfix",
            "Exim",
            "sendmail",
            "OpenSMTPD",
            "Exchange",
            "Microsoft 365",
            "MailKit",
            ".NET",
            "JavaMail",
            "Go",
            "Node",
            "Python",
            "PHP",
            "Ruby",
            "curl",
            "OpenSSL",
            "GnuTLS",
            "Schannel",
            "rustls",
        ] {
            assert!(clients.contains(client), "{client}");
        }
    }

    #[test]
    fn symptoms_are_all_listed() {
        let listed: BTreeSet<_> = Symptom::ALL.into_iter().collect();
        assert_eq!(listed.len(), Symptom::ALL.len());
    }
}
