//! `renew`: a dry run of a certificate renewal on the model, step by step and day by day.

mod page;
mod planned;

use std::path::PathBuf;

use serde::Serialize;

use super::output::{self, Failure};
use super::{Output, inputs, load};
use crate::exchange::Services;
use crate::lab::Plan;
use crate::pki::SharedKeys;
use crate::renewal::{Renewal, Renewed, renewed};
use crate::scenario::TimeSpec;

/// Arguments of `renew`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct Args {
    /// A lab file, or the name of a scenario
    #[arg(value_name = "FILE|NAME")]
    scenario: String,
    /// The new certificate, as PEM, DER or PKCS#12 (.pfx); if omitted, one like the old, with the changes of the options
    /// below
    #[arg(long, value_name = "FILE", conflicts_with_all = ["names", "subject", "issuer", "not_before", "not_after"])]
    certificate: Option<PathBuf>,
    #[command(flatten)]
    password: inputs::PasswordArgs,
    /// The names of the new certificate, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    names: Vec<String>,
    /// Its subject, such as "CN=mail.contoso.com, O=Contoso"
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Its issuer's subject, or `self`
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
    /// The start of its validity, such as -1d or 2026-12-01
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    not_before: Option<TimeSpec>,
    /// The end of its validity, such as +1y or 2027-12-01
    #[arg(long, value_name = "TIME")]
    not_after: Option<TimeSpec>,
    /// The label or the thumbprint of the certificate that it replaces; if omitted, the one that most
    /// connectors use
    #[arg(long, value_name = "LABEL")]
    replaces: Option<String>,
    /// The computer, where there are several
    #[arg(long, value_name = "NAME")]
    computer: Option<String>,
    /// The services that the new certificate will be enabled for, such as SMTP,IIS; if omitted, those of the
    /// old one
    #[arg(long, value_name = "SERVICES")]
    services: Option<Services>,
    /// Answer Yes to "Overwrite the existing default SMTP certificate?"
    #[arg(long)]
    overwrite_default: bool,
    /// The format of standard output
    #[arg(long, env = "STARTTLS_LAB_OUTPUT", value_enum, default_value_t)]
    output: Output,
}

const HELP: &str = "\
Exit codes: 0 where the renewal loses nothing; 1 where a connector does worse after it, a step is refused, a \
TlsCertificateName goes stale, a service is lost or an Edge subscription breaks; 2 for wrong usage or file. That the \
new certificate comes with its private key and has a trusted chain is assumed.";

/// The result, for programs.
#[derive(Serialize)]
struct Report<'a> {
    computer: &'a str,
    smooth: bool,
    breaks_without_action: Option<String>,
    breaks_again: Option<String>,
    #[serde(flatten)]
    renewed: &'a Renewed,
}

pub(super) fn renew(args: &Args) -> Result<(), Failure> {
    let text = load::load(&args.scenario)?.text;
    let keys = SharedKeys::default();
    let plan = Plan::with_keys(&text, &mut keys.of_a_lab())?;
    let (computer, old) = planned::old(args, &plan)?;
    let new = planned::new(args, &text, &computer, &old, &keys)?;
    let now = plan.clock.now();
    let computers: Vec<_> = plan.computers.iter().map(|built| built.computer.clone()).collect();
    let renewal = Renewal {
        computers: &computers,
        on: &computer.name,
        old: old.facts.thumbprint,
        new,
        services: args.services.unwrap_or(old.services),
        overwrite: args.overwrite_default,
        now,
    };
    let renewed = renewed(&renewal).map_err(|error| Failure::usage(error.to_string()))?;
    match args.output {
        Output::Json => output::json(&Report {
            computer: &computer.name,
            smooth: renewed.is_smooth(),
            breaks_without_action: renewed.breaks().map(|it| it.at.to_string()),
            breaks_again: renewed.breaks_again().map(|it| it.at.to_string()),
            renewed: &renewed,
        })?,
        Output::Table | Output::List => output::text(&page::page(&renewed, &old.label, now))?,
    }
    if renewed.is_smooth() {
        return Ok(());
    }
    let losses = page::losses(&renewed).join(", ");
    Err(Failure::unmet(format!("with a new certificate in place of {}, {losses}", old.label)))
}
