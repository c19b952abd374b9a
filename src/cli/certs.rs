//! `certs`: a lab's certificates, to read or to pass to another program.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::load;
use super::output::{self, Failure};
use super::whole_file;
use crate::exchange::{Material, StoredCertificate};
use crate::lab::Plan;

/// Arguments of `certs`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A lab file, or the name of a scenario
    #[arg(value_name = "FILE|NAME")]
    scenario: String,
    /// Write ca.pem, a file for each certificate and a list of what was revoked into this directory instead of
    /// printing them
    #[arg(long, env = "STARTTLS_LAB_DIR", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Write the private keys too
    #[arg(long, env = "STARTTLS_LAB_KEYS", requires = "dir")]
    keys: bool,
}

pub(super) fn certs(args: &Args) -> Result<(), Failure> {
    let plan = Plan::new(&load::load(&args.scenario)?.text)?;
    let stored = plan.computers.iter().flat_map(|built| {
        let computer = &built.computer;
        computer.store.iter().map(move |stored| (computer.name.as_str(), stored))
    });
    let Some(dir) = &args.dir else {
        let mut text = format!(
            "# {} (the lab's root, new in every run)\n{}",
            plan.root().subject(),
            plan.root().to_pem()
        );
        for (computer, stored) in stored {
            let StoredCertificate { label, facts, .. } = stored;
            let thumbprints = stored.thumbprints();
            // Writing to a String cannot fail.
            let _ =
                write!(text, "\n# {computer}: {label}, {}, {thumbprints}\n{}", facts.subject, chain(stored));
        }
        return output::text(&text);
    };
    fs::create_dir_all(dir).map_err(|error| Failure::usage(format!("{}: {error}", dir.display())))?;
    let mut written = vec![write(dir, "ca.pem", &plan.root().to_pem())?];
    let mut names = BTreeSet::new();
    for (computer, stored) in stored {
        let name = own_name(&mut names, file_name(computer, &stored.label));
        written.push(write(dir, &format!("{name}.pem"), &chain(stored))?);
        if let (true, Some(Material { key, .. })) = (args.keys, &stored.material) {
            written.push(write_secret(dir, &format!("{name}.key"), &key.to_pem())?);
        }
    }
    for list in plan.revocation_lists()? {
        let name = own_name(&mut names, file_name("revoked", &list.issuer));
        written.push(write(dir, &format!("{name}.crl"), &list.pem)?);
    }
    output::text(&written.iter().map(|path| format!("{}\n", path.display())).collect::<String>())
}

fn chain(stored: &StoredCertificate) -> String {
    let Some(material) = &stored.material else { return String::new() };
    let intermediates = material.intermediates.iter().map(crate::pki::Certificate::to_pem);
    std::iter::once(material.certificate.to_pem()).chain(intermediates).collect()
}

/// Makes a file name out of a label. A label may hold anything; a file name holds letters, digits, dots and
/// hyphens.
fn file_name(computer: &str, label: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    format!("{computer}-{label}").chars().map(plain).collect()
}

/// Returns a name that no file has yet: of several labels with the same file name the second ends in `_2`,
/// and so on. Names that differ in letter case only count as the same, because some file systems do not tell
/// them apart.
fn own_name(names: &mut BTreeSet<String>, name: String) -> String {
    let numbered = (2..).map(|number: u32| format!("{name}_{number}"));
    let own = std::iter::once(name.clone()).chain(numbered).find(|it| !names.contains(&it.to_lowercase()));
    let own = own.unwrap_or(name);
    names.insert(own.to_lowercase());
    own
}

fn write(dir: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = dir.join(name);
    fs::write(&path, text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(path)
}

/// Writes a file that only its owner can read.
fn write_secret(dir: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = dir.join(name);
    let written = whole_file::write_secret(&path, text.as_bytes());
    written.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(path)
}
