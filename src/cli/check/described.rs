//! A connector from the command line: `check --fqdn NAME --certificate FILE`.

use std::path::Path;

use crate::cli::output::Failure;
use crate::cli::quick;
use crate::exchange::Profile;
use crate::import::Recognized;
use crate::name::Fqdn;
use crate::scenario::{CertificateSpec, Scenario};

/// Returns whether `--certificate` names a file rather than the names of a certificate.
pub(super) fn is_file(word: &str) -> bool {
    Path::new(word).is_file()
}

/// Checks that there is a certificate in what was read of a file.
pub(super) fn has_certificate(found: &Recognized) -> Result<(), Failure> {
    match &found.imported {
        Some(Ok(_)) if found.has_exports => Ok(()),
        Some(Err(error)) => Err(Failure::usage(format!("--certificate: {error}"))),
        Some(Ok(_)) | None => Err(Failure::usage(format!("--certificate {}", found.first_line_and_notes()))),
    }
}

/// Returns the lab with the connector and the certificates. Exports that were read beside them stay in it.
pub(super) fn scenario(
    fqdn: Option<&str>,
    certificates: &[String],
    found: &Recognized,
) -> Result<Scenario, Failure> {
    if !found.labs.is_empty() || found.lab_error.is_some() {
        return Err(Failure::usage(format!(
            "{}: a lab file has its connectors and certificates; leave --fqdn and --certificate away",
            found.first_line()
        )));
    }
    let fqdn = fqdn.map(|fqdn| quick::name("--fqdn", fqdn)).transpose()?;
    let named =
        certificates.iter().filter(|word| !is_file(word)).map(|word| certificate(word, fqdn.as_ref()));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let imported = match &found.imported {
        Some(Ok(imported)) if found.has_exports => Some(imported),
        Some(Err(error)) if found.has_exports => return Err(Failure::usage(error.to_string())),
        Some(Ok(_) | Err(_)) | None => None,
    };
    let Some(imported) = imported else { return quick::lab(fqdn, named, Profile::Exchange2019) };
    let mut scenario = imported.with_original_thumbprints();
    let Some(computer) = scenario.computer.first_mut() else {
        return Err(Failure::usage(format!("{}: there is no computer in it", found.first_line())));
    };
    computer.certificate.extend(named);
    if fqdn.is_some() || computer.receive_connector.is_empty() {
        let connector = quick::connector(fqdn, &computer.name);
        computer.receive_connector = vec![connector];
    }
    Ok(scenario)
}

/// Returns the certificate that a word describes. Words that look like a file were meant as one.
fn certificate(word: &str, fqdn: Option<&Fqdn>) -> Result<CertificateSpec, Failure> {
    let extension = Path::new(word).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let of_files = ["pem", "crt", "cer", "der", "pfx", "p12"];
    if word.contains(['/', '\\']) || of_files.iter().any(|known| extension.eq_ignore_ascii_case(known)) {
        return Err(Failure::usage(format!(
            "--certificate {word}: there is no such file; without one, give its names and states, such as \
             mail.example.com,expired"
        )));
    }
    quick::certificate(word, fqdn)
}

/// Returns the description of the input in one line.
pub(super) fn words(fqdn: Option<&str>, certificates: &[String], found: &Recognized) -> String {
    let mut parts: Vec<String> = fqdn.map(|fqdn| format!("a connector {fqdn}")).into_iter().collect();
    let named = certificates.iter().filter(|word| !is_file(word));
    parts.extend(named.map(|names| format!("a certificate {names}")));
    parts.extend(found.described.iter().cloned());
    parts.join("; ")
}
