//! The lab file of a built-in story, and the changes an administrator would make to it.

use std::process::Command;

use starttls_lab::internal::scenario::entry;
use toml::{Table, Value};

use super::run;

/// A lab on paper, as `starttls-lab show` prints it.
pub(crate) struct LabFile(Table);

/// The repairs for event 12014.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fix {
    /// The connector takes the name that is in the certificate.
    ConnectorFqdn,
    /// The certificate is replaced by one with the name of the connector.
    CertificateNames,
    /// The certificate that fits is assigned to SMTP.
    SmtpAssigned,
}

impl LabFile {
    pub(crate) fn of_story(name: &str) -> Self {
        let shown = run(Command::new(env!("CARGO_BIN_EXE_starttls-lab")).args(["show", name]), "");
        shown.succeeded();
        Self(shown.stdout.parse().unwrap_or_else(|error| panic!("{error}\n{}", shown.stdout)))
    }

    pub(crate) fn of_entry(name: &str) -> Self {
        let entry = entry(name).unwrap_or_else(|| panic!("the catalogue has no {name}"));
        Self(entry.scenario.text.parse().unwrap_or_else(|error| panic!("{name}: {error}")))
    }

    /// The name the connector claims, which is the one it needs a certificate for.
    pub(crate) fn connector_fqdn(&mut self) -> String {
        self.connector()["fqdn"].as_str().expect("the story's connector has an fqdn").to_owned()
    }

    pub(crate) fn apply(&mut self, fix: Fix) {
        match fix {
            Fix::ConnectorFqdn => {
                let name = self.certificate()["names"][0].clone();
                self.connector().insert("fqdn".to_owned(), name);
            }
            Fix::CertificateNames => {
                let name = self.connector_fqdn();
                let certificate = self.certificate();
                certificate.insert("subject".to_owned(), format!("CN={name}").into());
                certificate.insert("names".to_owned(), vec![name].into());
            }
            Fix::SmtpAssigned => {
                self.certificate().insert("services".to_owned(), vec!["SMTP"].into());
            }
        }
    }

    fn computer(&mut self) -> &mut Table {
        first(&mut self.0, "computer")
    }

    fn connector(&mut self) -> &mut Table {
        first(self.computer(), "receive_connector")
    }

    fn certificate(&mut self) -> &mut Table {
        first(self.computer(), "certificate")
    }
}

impl std::fmt::Display for LabFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn first<'table>(table: &'table mut Table, key: &str) -> &'table mut Table {
    table
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .and_then(|tables| tables.first_mut())
        .and_then(Value::as_table_mut)
        .unwrap_or_else(|| panic!("the story has no [[{key}]]"))
}
