//! The script for production: what was typed in the lab and succeeded, and its twin that only tries.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::output::Failure;
use crate::cli::recording::file_error;
use crate::exchange::cmdlet::{NameableCertificate, TypedStatement};

/// The script that is written, and rewritten after each statement.
pub(super) struct Save {
    path: PathBuf,
    what_if: PathBuf,
    steps: Vec<Step>,
    stand_ins: Vec<NameableCertificate>,
}

/// A part of the script.
struct Step {
    server: String,
    comments: Vec<String>,
    /// The statement; `None` for a comment alone.
    text: Option<String>,
    /// The statement that only tries; `None` where it cannot be only tried.
    what_if: Option<String>,
}

impl Save {
    /// Begins a script in files that do not exist yet.
    pub(super) fn new(path: &Path) -> Result<Self, Failure> {
        let what_if = path.with_extension("whatif.ps1");
        let save = Self { path: path.to_owned(), what_if, steps: Vec::new(), stand_ins: Vec::new() };
        for path in [&save.path, &save.what_if] {
            let made = OpenOptions::new().write(true).create_new(true).open(path);
            made.map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Failure::usage(format!(
                    "--save {}: the file exists already, and is not overwritten",
                    path.display()
                )),
                _ => file_error(path, &error),
            })?;
        }
        save.write()?;
        Ok(save)
    }

    /// Takes a statement that succeeded in the Shell of `server`. `certificates` are those of the lab before and
    /// after it, `answers` the questions with their answers.
    pub(super) fn take(
        &mut self,
        server: &str,
        statement: &TypedStatement,
        answers: &[(String, &str)],
        certificates: &[NameableCertificate],
    ) -> Result<(), Failure> {
        let (text, left) = self.with_variables(&statement.text, certificates);
        let what_if = statement.what_if.as_ref().map(|it| self.with_variables(it, certificates).0);
        let mut comments: Vec<String> = answers
            .iter()
            .map(|(question, answer)| format!("It asks \"{question}\"; in the lab the answer was {answer}."))
            .collect();
        if left {
            comments.push("CHECK: this line has a thumbprint that only the lab knows.".to_owned());
        }
        let lower = text.to_ascii_lowercase();
        if ["import-exchangecertificate", "import-pfxcertificate", "readallbytes"]
            .iter()
            .any(|it| lower.contains(it))
        {
            comments.push("CHECK: in the lab another certificate stood for this file.".to_owned());
        }
        if lower.contains("<i>") {
            comments.push("CHECK: issuer and subject as the server's own certificate has them.".to_owned());
        }
        self.steps.push(Step { server: server.to_owned(), comments, text: Some(text), what_if });
        self.write()
    }

    /// Notes a statement that was refused after a part of it had taken effect.
    pub(super) fn note_partial(&mut self, server: &str, statement: &TypedStatement) -> Result<(), Failure> {
        let lines = statement.text.lines().map(|line| format!("  {line}"));
        let mut comments =
            vec!["CHECK: this was refused after a part of it had taken effect in the lab:".to_owned()];
        comments.extend(lines);
        self.steps.push(Step { server: server.to_owned(), comments, text: None, what_if: None });
        self.write()
    }

    /// Replaces thumbprints that only the lab knows by variables. Returns whether one could not be replaced.
    fn with_variables(&mut self, text: &str, certificates: &[NameableCertificate]) -> (String, bool) {
        let (mut made, mut rest, mut left) = (String::new(), text, false);
        while let Some((at, certificate)) = first_thumbprint(rest, certificates) {
            let (before, found) = rest.split_at(at);
            let behind = &found[certificate.thumbprint.len()..];
            let variable = format!("${{thumbprint{}}}", self.number(certificate));
            if let (Some(before), Some(behind)) = (before.strip_suffix('\''), behind.strip_prefix('\'')) {
                made.push_str(before);
                made.push_str(&variable);
                rest = behind;
            } else if in_single_quotes(&format!("{made}{before}")) {
                made.push_str(before);
                made.push_str(&certificate.thumbprint);
                (rest, left) = (behind, true);
            } else {
                made.push_str(before);
                made.push_str(&variable);
                rest = behind;
            }
        }
        made.push_str(rest);
        (made, left)
    }

    /// Returns the number of the variable for a certificate of the lab.
    fn number(&mut self, certificate: &NameableCertificate) -> usize {
        let known = self.stand_ins.iter().position(|it| it.thumbprint == certificate.thumbprint);
        known.unwrap_or_else(|| {
            self.stand_ins.push(certificate.clone());
            self.stand_ins.len() - 1
        }) + 1
    }

    fn write(&self) -> Result<(), Failure> {
        for (path, tries) in [(&self.path, false), (&self.what_if, true)] {
            let file = fs::File::create(path);
            let written = file.and_then(|mut file| file.write_all(self.script(tries).as_bytes()));
            written.map_err(|error| file_error(path, &error))?;
        }
        Ok(())
    }

    fn script(&self, tries: bool) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let mut text =
            format!("# Typed in the Shell of a lab (starttls-lab {version}), and accepted there.\n");
        text.push_str(if tries {
            "# This only tries: every cmdlet that changes something has -WhatIf. What a later line takes from an earlier one\n\
             # is not there then.\n"
        } else {
            "# Its twin ends in .whatif.ps1 and only tries; run that first.\n"
        });
        text.push_str("$ErrorActionPreference = 'Stop'\n");
        for (number, certificate) in (1..).zip(&self.stand_ins) {
            let NameableCertificate { computer, thumbprint, label, subject, names, .. } = certificate;
            text.push_str(&format!(
                "\n# FILL IN the thumbprint of the server's own certificate (Get-ExchangeCertificate | fl Thumbprint, Subject).\n\
                 # In the lab: {thumbprint} on {computer}, {}, {}, names {}\n$thumbprint{number} = ''\n",
                one_line(label),
                one_line(subject),
                one_line(&names.join(", "))
            ));
        }
        let mut server = "";
        for step in &self.steps {
            if step.server != server {
                server = &step.server;
                text.push_str(&format!("\n# In the Shell of {server}\n"));
            }
            step.comments.iter().for_each(|comment| text.push_str(&format!("# {}\n", one_line(comment))));
            match (&step.text, &step.what_if) {
                (None, _) => {}
                (Some(statement), _) if !tries => text.push_str(&format!("{statement}\n")),
                (Some(_), Some(statement)) => text.push_str(&format!("{statement}\n")),
                (Some(statement), None) => {
                    text.push_str("# It cannot be only tried:\n");
                    statement.lines().for_each(|line| text.push_str(&format!("#   {line}\n")));
                }
            }
        }
        text
    }
}

/// A text in a comment of one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns the first thumbprint in `text` that is one of the lab's alone.
fn first_thumbprint<'a>(
    text: &str,
    certificates: &'a [NameableCertificate],
) -> Option<(usize, &'a NameableCertificate)> {
    let upper = text.to_ascii_uppercase();
    let made_up = certificates.iter().filter(|it| !it.declared && !it.thumbprint.is_empty());
    made_up.filter_map(|it| Some((upper.find(&it.thumbprint)?, it))).min_by_key(|(at, _)| *at)
}

/// Returns whether a text in single quotes is open at the end of `text`.
fn in_single_quotes(text: &str) -> bool {
    let mut open = None;
    for c in text.chars() {
        match open {
            None if c == '\'' || c == '"' => open = Some(c),
            Some(quote) if c == quote => open = None,
            None | Some(_) => {}
        }
    }
    open == Some('\'')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what fails in a test is a failed test")]
mod tests {
    use super::*;
    use crate::exchange::Profile;
    use crate::exchange::cmdlet::statements;

    fn certificate(byte: &str, declared: bool) -> NameableCertificate {
        let (computer, label) = ("EX01".to_owned(), "mail\n$(evil)".to_owned());
        NameableCertificate { computer, label, thumbprint: byte.repeat(20), declared, ..Default::default() }
    }

    fn saved(script: &str) -> (String, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fix.ps1");
        let mut save = Save::new(&path).unwrap();
        let certificates = [certificate("AB", false), certificate("CD", true)];
        for statement in statements(script, Profile::Exchange2019).0 {
            save.take("EX01", &statement, &[("Overwrite?".to_owned(), "No")], &certificates).unwrap();
        }
        assert!(Save::new(&path).err().unwrap().to_string().contains("is not overwritten"));
        let twin = fs::read_to_string(directory.path().join("fix.whatif.ps1")).unwrap();
        (fs::read_to_string(path).unwrap(), twin)
    }

    #[test]
    fn thumbprints_of_the_lab_become_variables_to_fill_in_and_real_ones_stay() {
        let (lab, real) = ("ab".repeat(20), "CD".repeat(20));
        let (script, _) = saved(&format!(
            "Enable-ExchangeCertificate {lab} -Services SMTP\nRemove-ExchangeCertificate '{lab}'\n\
             Remove-ExchangeCertificate -Identity \"EX01\\{lab}\"\nRemove-ExchangeCertificate {real}\n\
             Set-ReceiveConnector 'x {lab}'"
        ));
        assert!(script.contains("\nEnable-ExchangeCertificate ${thumbprint1} -Services SMTP\n"), "{script}");
        assert!(script.contains("\nRemove-ExchangeCertificate ${thumbprint1}\n"), "{script}");
        assert!(script.contains("-Identity \"EX01\\${thumbprint1}\"\n"), "{script}");
        assert!(script.contains(&format!("\nRemove-ExchangeCertificate {real}\n")), "{script}");
        assert!(
            script.contains("# CHECK: this line has a thumbprint that only the lab knows.\n"),
            "{script}"
        );
        assert!(script.contains("$thumbprint1 = ''\n") && script.contains("mail $(evil)"), "{script}");
        assert!(script.contains("# It asks \"Overwrite?\"; in the lab the answer was No.\n"), "{script}");
    }

    #[test]
    fn the_twin_only_tries() {
        let (script, twin) = saved("Remove-ReceiveConnector x; certutil -repairstore my 00");
        assert!(script.contains("\ncertutil -repairstore my 00\n"), "{script}");
        assert!(twin.contains("\nRemove-ReceiveConnector -WhatIf x\n"), "{twin}");
        assert!(twin.contains("\n#   certutil -repairstore my 00\n"), "{twin}");
    }
}
