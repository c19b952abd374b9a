//! The possible causes of event 12014, in the order of their likelihood.
//!
//! The order follows public cases. In most cases that show the event, a name is in no certificate or a pin
//! outlived a renewal. A certificate that was removed, a missing SMTP service, expiry and a broken chain
//! follow.

use serde::Serialize;

use super::About;
use super::evidence::Evidence;
use crate::import::event::{FoundEvent, SelectionKey};

/// A possible cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The identifier of the cause, for programs.
    pub id: &'static str,
    /// The problem, in a few words.
    pub short: &'static str,
    /// The problem, as a sentence.
    pub what: String,
    /// The lines of `Get-ExchangeCertificate | fl` if the cause applies.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shows: String,
    /// The command that shows whether the cause applies, and its expected output.
    pub check: String,
    /// The fix.
    pub fix: String,
    /// True if the exports confirm it.
    pub certain: bool,
}

fn cause(
    id: &'static str,
    what: impl Into<String>,
    shows: impl Into<String>,
    check: impl Into<String>,
    fix: impl Into<String>,
) -> Cause {
    let (what, shows, check, fix) = (what.into(), shows.into(), check.into(), fix.into());
    Cause { id, short: short(id), what, shows, check, fix, certain: false }
}

fn short(id: &str) -> &'static str {
    match id {
        "name-in-no-certificate" => "no certificate with that name",
        "certificate-gone" => "the certificate is gone",
        "pin-stale" => "the pin is stale",
        "smtp-not-enabled" => "not enabled for SMTP",
        "private-key" => "private key missing or unreadable",
        "expired" => "expired (up to Exchange 2010)",
        _ => "chain not trusted, or revoked",
    }
}

/// Returns the causes that the event leaves possible; with exports, only those that they confirm.
pub(super) fn causes(event: &FoundEvent, about: &About, evidence: Option<&Evidence>) -> Vec<Cause> {
    if let Some(evidence) = evidence.filter(|evidence| evidence.decided) {
        return vec![Cause {
            id: evidence.cause_id,
            short: short(evidence.cause_id),
            what: evidence.cause.clone(),
            shows: String::new(),
            check: String::new(),
            fix: evidence.commands.join("\n"),
            certain: true,
        }];
    }
    let key = event.value("domain_name").filter(|key| !key.is_empty()).or(event.value("fqdn"));
    let key = key.filter(|key| !key.is_empty()).unwrap_or("<the name in the event>");
    match event.selection_key {
        Some(SelectionKey::TlsCertificateName) => pinned(event, about, key),
        Some(SelectionKey::Fqdn | SelectionKey::ComputerFqdn) => named(event, about, key),
        // Behind the lost value stands a name or a pin.
        None => named(event, about, key)
            .into_iter()
            .chain(pinned(event, about, key).into_iter().take(1))
            .collect(),
    }
}

/// The commands that change this connector.
struct Commands {
    set: String,
    on: String,
    send: bool,
    edge_sync: bool,
}

impl Commands {
    fn of(event: &FoundEvent, about: &About) -> Self {
        let name = event.value("connector").filter(|name| !name.is_empty()).unwrap_or("<connector>");
        let on = about.on.clone().unwrap_or_else(|| "this computer".to_owned());
        let server = on.split('.').next().unwrap_or_default().to_owned();
        let send = about.connector_kind == "send";
        let edge_sync = name.starts_with("EdgeSync - ");
        let set = match about.connector_kind {
            "send" => format!("Set-SendConnector \"{name}\""),
            _ if about.on.is_some() => format!("Set-ReceiveConnector \"{server}\\{name}\""),
            _ => format!("Set-ReceiveConnector \"<SERVER>\\{name}\""),
        };
        Self { set, on, send, edge_sync }
    }

    fn pin(&self) -> String {
        format!(
            "$c = Get-ExchangeCertificate <thumbprint>; {} -TlsCertificateName \"<I>$($c.Issuer)<S>$($c.Subject)\"",
            self.set
        )
    }
}

/// The listing of a certificate whose private key is missing or cannot be read.
const KEYLESS: &str = "HasPrivateKey False, or not listed";

fn named(event: &FoundEvent, about: &About, key: &str) -> Vec<Cause> {
    let commands = Commands::of(event, about);
    let (on, set) = (&commands.on, &commands.set);
    let own = about.on.as_deref().is_some_and(|on| {
        let label = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        label(on) == label(key)
    });
    let internal = !key.contains('.')
        || [
            ".local",
            ".lan",
            ".internal",
            ".corp",
            ".intra",
            ".home",
            ".dom",
            ".test",
            ".localdomain",
            ".ad",
        ]
        .iter()
        .any(|end| key.to_ascii_lowercase().ends_with(end));
    let list = format!("Get-ExchangeCertificate -DomainName {key}");
    let smtp = cause(
        "smtp-not-enabled",
        format!("A certificate carries {key}, and is not enabled for SMTP"),
        "the name is there, and Services lacks SMTP",
        format!("{list} | fl Thumbprint, Services: Services lacks SMTP"),
        "Enable-ExchangeCertificate <thumbprint> -Services SMTP (answer N)",
    );
    let private = cause(
        "private-key",
        "The certificate is there without a private key, or the service cannot read the key",
        KEYLESS,
        "Get-ExchangeCertificate does not list it, the certificate snap-in (certlm.msc) does",
        "import the PFX with its key (Import-ExchangeCertificate), or certutil -repairstore my <thumbprint>",
    );
    let chain = cause(
        "chain",
        "The certificate's chain is not trusted on this server, or it was revoked",
        "Status is not Valid",
        format!("{list} | fl Status, RootCAType: Status is not Valid"),
        "install the intermediate and root certificates, or a new certificate",
    );
    let name = if commands.edge_sync {
        cause(
            "name-in-no-certificate",
            format!("No certificate in the store of the Edge carries {key}; the name was set on the Hub"),
            format!("no CertificateDomains of the Edge has {key}"),
            format!("on the Edge: {list}: it lists nothing"),
            format!("on the Hub: {set} -Fqdn <a name in the Edge's certificate>; Start-EdgeSynchronization"),
        )
    } else if own {
        cause(
            "certificate-gone",
            format!(
                "The certificate with the server's own name {key} was removed or has expired; setup makes it, self-signed"
            ),
            format!("no CertificateDomains has {key}, or an expired one"),
            format!("{list} | fl NotAfter, Services: it lists nothing, or one that has expired"),
            "New-ExchangeCertificate, without parameters, makes it anew",
        )
    } else {
        let why = if internal { "; public authorities issue none for such names" } else { "" };
        let name = event.value("connector").unwrap_or_default();
        let edge = name.starts_with("Default internal receive connector");
        let guarded =
            crate::import::organization::receives(name) && !edge && !name.starts_with("Client Frontend");
        let fix = if commands.send || edge {
            format!("{set} -Fqdn <a name in a certificate>\nor a new certificate that carries {key}")
        } else if guarded {
            // The FQDN of a connector with ExchangeServer in AuthMechanism cannot be chosen.
            commands.pin()
        } else {
            format!("{set} -Fqdn <a name in a certificate>; where that is refused:\n{}", commands.pin())
        };
        cause(
            "name-in-no-certificate",
            format!("No certificate on {on} carries {key}{why}"),
            format!("no CertificateDomains has {key}"),
            format!("{list}: it lists nothing"),
            fix,
        )
    };
    let before_2013 = event.provider.as_deref() != Some("MSExchangeFrontEndTransport");
    let expired = cause(
        "expired",
        format!(
            "The only certificate that carries {key} has expired (up to Exchange 2010; later ones log 12016)"
        ),
        "Status is DateInvalid",
        format!("{list} | fl NotAfter"),
        "renew it, and enable the new one for SMTP",
    );
    let mut all = vec![name, smtp, private, chain];
    if before_2013 && !own {
        all.push(expired);
    }
    all
}

fn pinned(event: &FoundEvent, about: &About, key: &str) -> Vec<Cause> {
    let commands = Commands::of(event, about);
    let (issuer, subject) = (event.value("issuer"), event.value("subject"));
    let select = "Get-ExchangeCertificate | fl Subject, Issuer, Services, NotAfter, Thumbprint";
    let looked = match (issuer, subject) {
        (Some(_), Some(_)) => String::new(),
        _ if event.selection_key.is_none() => String::new(),
        _ => format!(" (the marks <I> and <S> were lost in copying: `{key}`)"),
    };
    vec![
        cause(
            "pin-stale",
            format!(
                "The certificate was renewed with another issuer or subject, and the pin still names the old one{looked}; there is no fall-back to the FQDN"
            ),
            "no certificate has this Issuer and this Subject; one may have one of the two",
            format!("{select}: no certificate has exactly this issuer and this subject"),
            format!("{}, or -TlsCertificateName $null to go back to the FQDN", commands.pin()),
        ),
        cause(
            "certificate-gone",
            "The pinned certificate was removed, or is on another server only",
            "neither the Issuer nor the Subject is there",
            format!("{select}, on each server"),
            "import it here with its key, or pin one that is here",
        ),
        cause(
            "private-key",
            "It is here without a private key, or the service cannot read the key",
            KEYLESS,
            "Get-ExchangeCertificate does not list it, the certificate snap-in (certlm.msc) does",
            "import the PFX with its key, or certutil -repairstore my <thumbprint>",
        ),
        cause(
            "smtp-not-enabled",
            "It is here and not enabled for SMTP (sources disagree whether a pin needs that)",
            "both are there, and Services lacks SMTP",
            "Get-ExchangeCertificate | fl Subject, Services",
            "Enable-ExchangeCertificate <thumbprint> -Services SMTP (answer N)",
        ),
    ]
}

/// Returns what the event's own advice would and would not fix.
pub(super) fn advice(event: &FoundEvent, evidence: Option<&Evidence>) -> String {
    let advised = "The event advises Enable-ExchangeCertificate -Services SMTP";
    if evidence.is_some_and(|evidence| evidence.contradiction.is_some()) {
        return String::new();
    }
    match evidence.filter(|evidence| evidence.decided) {
        Some(evidence) if evidence.cause_id == "smtp-not-enabled" => {
            format!("{advised}, and here that is right; answer No to overwriting the default certificate.")
        }
        Some(evidence) => {
            let why = evidence
                .advice_fails
                .first()
                .map(|why| format!(": {}", why.trim_end_matches('.')))
                .unwrap_or_default();
            format!("{advised}, which changes nothing here{why}.")
        }
        None => match event.selection_key {
            Some(SelectionKey::TlsCertificateName) => {
                "Its advice (Enable-ExchangeCertificate -Services SMTP) helps in case 4 only.".to_owned()
            }
            Some(SelectionKey::Fqdn | SelectionKey::ComputerFqdn) | None => {
                "Its advice (Enable-ExchangeCertificate -Services SMTP) helps in case 2 only.".to_owned()
            }
        },
    }
}
