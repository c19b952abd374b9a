//! The refusals, warnings and questions of cmdlets, as they are pasted.

use serde::Serialize;

use super::text::{dense, folded};

/// A recognized message of a cmdlet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// One of `cmdlet-refusal`, `cmdlet-warning` and `cmdlet-question`.
    pub kind: &'static str,
    /// The rule behind the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<&'static str>,
    /// The accepted values; `null` for `$null`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Option<String>>,
    /// The reason that the message gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbprint: Option<String>,
    /// The service that the message mentions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The certificate's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The connectors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connectors: Vec<String>,
    /// The subject of the message, as a sentence.
    #[serde(skip)]
    pub says: String,
    /// The commands or steps that help.
    #[serde(skip)]
    pub advice: Vec<String>,
}

/// Finds every refusal in `text`. White space is ignored, so line breaks do not matter.
pub(super) fn find(text: &str) -> Vec<Refusal> {
    let text = Said { flat: folded(text), dense: dense(text) };
    let readers = [guard, invalid, wildcard, tagged, internal, overwrite, pin_form, other_shell];
    readers.into_iter().filter_map(|read| read(&text)).collect()
}

/// A text with its white space folded, and one without any.
struct Said {
    flat: String,
    dense: String,
}

impl Said {
    fn says(&self, words: &str) -> bool {
        self.dense.to_ascii_lowercase().contains(&dense(words).to_ascii_lowercase())
    }

    /// Returns the text between two marks, which is one word.
    fn word(&self, from: &str, to: &str) -> Option<String> {
        between(&self.dense, &dense(from), &dense(to)).map(str::to_owned)
    }
}

/// Returns the text between two marks, ignoring letter case.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let start = lower.find(&from.to_ascii_lowercase())? + from.len();
    let end = lower.get(start..)?.find(&to.to_ascii_lowercase()).map_or(text.len(), |end| end + start);
    text.get(start..end).map(str::trim)
}

/// Recognizes the rule for the FQDN of a connector with ExchangeServer in AuthMechanism (setup of 2007, admin
/// center of 2013).
fn guard(text: &Said) -> Option<Refusal> {
    if !text.says("you must set the fqdn parameter on the receive connector") {
        return None;
    }
    let quoted = |mark: &str| text.word(mark, ",").map(|name| name.trim_matches(['"', '\'']).to_owned());
    let (fqdn, name) =
        (quoted("the FQDN of the transport server "), quoted("NetBIOS name of the transport server "));
    let server = name.clone().unwrap_or_else(|| "SERVER".to_owned());
    let connector = format!("\"{server}\\<connector>\"");
    Some(Refusal {
        kind: "cmdlet-refusal",
        guard: Some("fqdn-with-exchangeserver"),
        allowed: [fqdn, name].into_iter().flatten().map(Some).chain([None]).collect(),
        says: "The FQDN of this connector is guarded: while its AuthMechanism contains ExchangeServer, only the server's own names are taken".to_owned(),
        advice: vec![
            format!("Pin the certificate and leave the FQDN as it is: $c = Get-ExchangeCertificate <thumbprint>; Set-ReceiveConnector {connector} -TlsCertificateName \"<I>$($c.Issuer)<S>$($c.Subject)\""),
            "Or make a connector of its own for these senders (New-ReceiveConnector -Usage Custom -AuthMechanism Tls ...), whose FQDN is free.".to_owned(),
            "Taking ExchangeServer out of AuthMechanism lets the name through, and breaks mail between servers where there are several.".to_owned(),
        ],
        ..Refusal::default()
    })
}

fn invalid(text: &Said) -> Option<Refusal> {
    if !text.says("was found but is not valid for use with exchange server") {
        return None;
    }
    let reason = text.word("(reason:", ")")?;
    let thumbprint = text.word("with thumbprint", " was found");
    let why = match reason.as_str() {
        "PrivateKeyMissing" => "it was imported without its private key",
        "PrivateKeyNotAccessible" => "its private key cannot be read by the transport service",
        "KeyAlgorithmUnsupported" => {
            "its key is of a kind that Exchange does not take, such as one of a CNG provider"
        }
        _ => "Exchange cannot use it",
    };
    Some(Refusal {
        kind: "cmdlet-refusal",
        guard: Some("certificate-invalid"),
        says: format!("The certificate is in Windows' store and Exchange does not take it: {why}"),
        advice: vec![
            "Import the PFX with its key: Import-ExchangeCertificate -FileData ([IO.File]::ReadAllBytes('\\\\server\\share\\mail.pfx')) -Password (Read-Host -AsSecureString)".to_owned(),
            "Where the request was made on this server, the key may still be there: certutil -repairstore my <thumbprint>".to_owned(),
        ],
        reason: Some(reason),
        thumbprint,
        ..Refusal::default()
    })
}

fn wildcard(text: &Said) -> Option<Refusal> {
    if !text.says("ssl/tls connections because the subject is not a fully qualified") {
        return None;
    }
    let service = text.word("used for ", " SSL/TLS")?;
    let subject = text.word("and subject '", "'");
    let cmdlet = if service == "POP" { "Set-PopSettings" } else { "Set-ImapSettings" };
    Some(Refusal {
        kind: "cmdlet-warning",
        thumbprint: text.word("with thumbprint", " and subject"),
        says: format!("{service} cannot derive its host name from a wildcard; SMTP is not touched by this"),
        advice: vec![format!(
            "{cmdlet} -X509CertificateName <the name that {service} clients dial>, then restart the {service} service"
        )],
        service: Some(service),
        subject,
        ..Refusal::default()
    })
}

fn tagged(text: &Said) -> Option<Refusal> {
    if !text.says("these certificates are tagged with following send connectors") {
        return None;
    }
    let names = between(&text.flat, "following Send Connectors :", ". Removing");
    let names =
        names.or_else(|| between(&text.dense, "followingSendConnectors:", ".Removing")).unwrap_or_default();
    let connectors: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    let first = connectors.first().cloned().unwrap_or_default();
    Some(Refusal {
        kind: "cmdlet-refusal",
        guard: Some("certificate-pinned"),
        says: format!("The certificate cannot be removed while a Send connector names it: {names}"),
        advice: vec![
            format!("Point the connector elsewhere first: Set-SendConnector \"{first}\" -TlsCertificateName \"<I>...<S>...\" of the new certificate, or $null"),
            "A certificate of the same issuer and subject is named by the same pin: setting it anew changes nothing; set it to $null, remove the old one, and set it again.".to_owned(),
        ],
        connectors,
        ..Refusal::default()
    })
}

fn internal(text: &Said) -> Option<Refusal> {
    text.says("the internal transport certificate cannot be removed").then(|| Refusal {
        kind: "cmdlet-refusal",
        guard: Some("internal-transport-certificate"),
        says: "The certificate is the internal transport certificate, for mail between Exchange servers".to_owned(),
        advice: vec!["New-ExchangeCertificate without parameters makes a new one and publishes it; then the old one can go.".to_owned()],
        ..Refusal::default()
    })
}

/// Recognizes that a value is no `TlsCertificateName`, whose type is `SmtpX509Identifier` (Set-ReceiveConnector).
fn pin_form(text: &Said) -> Option<Refusal> {
    let refused = text.says("cannot convert value") && text.says("SmtpX509Identifier");
    refused.then(|| Refusal {
        kind: "cmdlet-refusal",
        guard: Some("tls-certificate-name"),
        says: "TlsCertificateName is neither a name nor a thumbprint: it is the certificate's issuer and subject, as <I>issuer<S>subject".to_owned(),
        advice: vec!["Let PowerShell write it: $c = Get-ExchangeCertificate <thumbprint>; Set-ReceiveConnector \"<SERVER>\\<connector>\" -TlsCertificateName \"<I>$($c.Issuer)<S>$($c.Subject)\"".to_owned()],
        ..Refusal::default()
    })
}

/// Recognizes a cmdlet of Exchange in a PowerShell that does not know it.
fn other_shell(text: &Said) -> Option<Refusal> {
    let cmdlet = text.word("The term '", "'")?;
    let of_exchange =
        ["ExchangeCertificate", "ReceiveConnector", "SendConnector", "TransportService", "TransportServer"]
            .iter()
            .any(|noun| cmdlet.to_ascii_lowercase().ends_with(&format!("-{}", noun.to_ascii_lowercase())));
    (of_exchange && text.says("is not recognized as the name of a cmdlet")).then(|| Refusal {
        kind: "cmdlet-refusal",
        guard: Some("other-shell"),
        says: format!("This PowerShell does not know {cmdlet}: it is not the Exchange Management Shell"),
        advice: vec![
            "Run it in the Exchange Management Shell on an Exchange server; on an Edge in the one of the Edge itself.".to_owned(),
        ],
        ..Refusal::default()
    })
}

fn overwrite(text: &Said) -> Option<Refusal> {
    if !text.says("overwrite the existing default smtp certificate") {
        return None;
    }
    Some(Refusal {
        kind: "cmdlet-question",
        guard: Some("overwrite-default-certificate"),
        thumbprint: text.word("Replace it with certificate: '", "'"),
        says: "Answer No: for STARTTLS the new certificate needs nothing more, and Yes also makes it the internal transport certificate".to_owned(),
        advice: vec!["Yes changes the certificate of X-ANONYMOUSTLS between the servers, and an Edge subscription has to be made anew (KB 2989382).".to_owned()],
        ..Refusal::default()
    })
}
