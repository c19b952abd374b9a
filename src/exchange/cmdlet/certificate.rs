//! `Get-ExchangeCertificate` and `Remove-ExchangeCertificate`.

use jiff::Timestamp;

use super::bind::Bound;
use super::connector::confirmed;
use super::error::{Span, Wrong};
use super::run::Run;
use super::typed::{CERTIFICATE_STATUS, Kind, ROOT_CA_TYPE};
use super::value::{Object, Value};
use super::view::{Column, Layout};
use crate::exchange::{
    CertificateStore, ChainStatus, Computer, PrivateKey, SearchKey, StoredCertificate, select,
};
use crate::name::{Fqdn, covers};
use crate::pki::Thumbprint;

/// `Get-ExchangeCertificate`.
///
/// With `-DomainName` the certificate that Exchange would select stands first (fourth example on the
/// cmdlet's page), and after it the others that carry the name.
pub(super) fn get(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    if let Some(wanted) = bound.thumbprint()? {
        let (at, thumbprint, span) = named(run, bound, wanted)?;
        let stored = find(run, at, thumbprint, span)?;
        if stored.private_key == PrivateKey::Missing {
            return Err(not_valid(thumbprint, span));
        }
        let shown = run.computer(at).map(|computer| shown(computer, stored, run.now));
        return Ok(shown.into_iter().collect());
    }
    let at = run.server_of(bound)?;
    let names = bound.texts("DomainName");
    let Some(computer) = run.computer(at) else {
        return Ok(Vec::new());
    };
    let carries = |stored: &&StoredCertificate| {
        let names_of = stored.facts.names();
        names.iter().all(|name| names_of.iter().any(|presented| covers(presented, name).is_some()))
    };
    let mut found: Vec<&StoredCertificate> = computer.store.iter().filter(carries).collect();
    if let Some(selected) = names.first().and_then(|name| selected(computer, name, run.now)) {
        found.sort_by_key(|stored| stored.facts.thumbprint != selected);
    }
    let (keyless, found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|stored| stored.private_key == PrivateKey::Missing);
    let all: Vec<Value> = found.into_iter().map(|stored| shown(computer, stored, run.now)).collect();
    // The cmdlet lists only certificates with a private key (KB 4495258), which is how one that the
    // certificate snap-in shows seems to be missing.
    let hidden: Vec<Thumbprint> = keyless.iter().map(|stored| stored.facts.thumbprint).collect();
    for thumbprint in hidden {
        run.warn(format!("{thumbprint} is in the store and is not listed: it has no private key."));
    }
    Ok(all)
}

/// `Remove-ExchangeCertificate`, which asks before it does.
pub(super) fn remove(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let (at, thumbprint, span) = required(run, bound)?;
    let stored = find(run, at, thumbprint, span)?;
    if let Some(computer) = run.computer(at) {
        in_use(computer, stored, span)?;
    }
    let text = format!(
        "Confirm\nAre you sure you want to perform this action?\nRemove certificate with thumbprint {thumbprint} from the computer's certificate store?"
    );
    if confirmed(run, bound, text)? {
        run.change(at, |computer| {
            let mut store = CertificateStore::default();
            let kept = computer.store.iter().filter(|stored| stored.facts.thumbprint != thumbprint);
            kept.cloned().for_each(|stored| store.add(stored));
            computer.store = store;
        });
    }
    Ok(Vec::new())
}

/// Refuses to remove what is used: the internal transport certificate, and whatever a pin names, even
/// where another certificate of the same issuer and subject is there.
///
/// Sources: practical365.com on 2013 for the first; learn.microsoft.com, "Can't remove a certificate
/// that's installed in Exchange Server", for the second. That speaks of Send connectors; for Receive
/// connectors the same is inferred.
fn in_use(computer: &Computer, stored: &StoredCertificate, span: Span) -> Result<(), Wrong> {
    let server = &computer.name;
    if computer.internal_transport_certificate == Some(stored.facts.thumbprint) {
        let wrong = format!(
            "A special Rpc error occurs on server {server}: The internal transport certificate cannot be removed because that would cause the Microsoft Exchange Transport service to stop. To replace the internal transport certificate, create a new certificate. The new certificate will automatically become the internal transport certificate. You can then remove the existing certificate."
        );
        return Err(Wrong::refused(span, wrong));
    }
    let sending: Vec<String> =
        computer.send_pinned_to(&stored.facts).map(|connector| connector.name.clone()).collect();
    let receiving: Vec<String> =
        computer.pinned_to(&stored.facts).map(|connector| format!("{server}\\{}", connector.name)).collect();
    for (kind, pins) in [("Send", sending), ("Receive", receiving)] {
        if !pins.is_empty() {
            let wrong = format!(
                "A special Rpc error occurs on server {server}: These certificates are tagged with following {kind} Connectors : {}. Removing and replacing certificates from {kind} Connector would break the mail flow. If you still want to proceed then replace or remove these certificates from {kind} Connector and then try this command.",
                pins.join(", ")
            );
            return Err(Wrong::refused(span, wrong));
        }
    }
    Ok(())
}

/// The server and the thumbprint that a cmdlet cannot do without.
pub(super) fn required(run: &Run<'_>, bound: &Bound) -> Result<(usize, Thumbprint, Span), Wrong> {
    match bound.thumbprint()? {
        Some(wanted) => named(run, bound, wanted),
        None => Err(bound.missing(&["Thumbprint"])),
    }
}

/// `-Identity SERVER\Thumbprint` names the server as well.
fn named(
    run: &Run<'_>,
    bound: &Bound,
    (thumbprint, span): (Thumbprint, Span),
) -> Result<(usize, Thumbprint, Span), Wrong> {
    let identity = ["Thumbprint", "Identity"].iter().find_map(|name| bound.get(name));
    let server = identity.and_then(|given| match &given.value {
        Value::Text(text) => text.split_once('\\').map(|(server, _)| server.to_owned()),
        Value::Object(object) => {
            let identity = object.property("Identity")?.to_string();
            identity.split_once('\\').map(|(server, _)| server.to_owned())
        }
        _ => None,
    });
    let at = match server {
        Some(server) if bound.get("Server").is_none() => run.server(&server, span)?,
        _ => run.server_of(bound)?,
    };
    Ok((at, thumbprint, span))
}

/// The certificate of this thumbprint.
pub(super) fn find<'a>(
    run: &'a Run<'_>,
    at: usize,
    thumbprint: Thumbprint,
    span: Span,
) -> Result<&'a StoredCertificate, Wrong> {
    let computer = run.computer(at);
    computer.and_then(|computer| computer.store.find(thumbprint)).ok_or_else(|| {
        let server = computer.map_or("", |computer| &computer.name);
        Wrong::not_found(
            span,
            format!("The certificate with thumbprint {thumbprint} was not found on {server}."),
        )
    })
}

/// Returns the cmdlets' error for a certificate without its private key.
pub(super) fn not_valid(thumbprint: Thumbprint, span: Span) -> Wrong {
    let wrong = format!(
        "The certificate with thumbprint {thumbprint} was found but is not valid for use with Exchange Server (reason: PrivateKeyMissing)."
    );
    Wrong::refused(span, wrong)
}

fn selected(computer: &Computer, name: &str, now: Timestamp) -> Option<Thumbprint> {
    let fqdn: Fqdn = name.parse().ok()?;
    let selection = select(&computer.store, SearchKey::ConnectorFqdn(fqdn), &computer.rules, now);
    selection.offered().map(|offered| offered.thumbprint)
}

/// Widths of the columns in real tables; `Services` has as many letters as there are services.
const LAYOUT: Layout = Layout::Table {
    columns: &[
        Column::of("Thumbprint").width(41),
        Column::of("ServicesStringForm").titled("Services").width(10),
        Column::of("Subject"),
    ],
    hidden: &["FriendlyName", "Identity", "ServicesStringForm", "Version"],
};

/// A certificate as the cmdlet hands it on.
pub(super) fn shown(computer: &Computer, stored: &StoredCertificate, now: Timestamp) -> Value {
    let facts = &stored.facts;
    let texts = |items: Vec<&str>| Value::List(items.into_iter().map(Value::text).collect());
    // SYSTEM and the administrators, and NETWORK SERVICE where the transport service can read the key.
    let rule = "System.Security.AccessControl.CryptoKeyAccessRule";
    let rules = match stored.private_key {
        PrivateKey::Present => texts(vec![rule; 3]),
        PrivateKey::Unreadable => texts(vec![rule; 2]),
        PrivateKey::Missing => Value::Null,
    };
    let bits = stored.material.as_ref().map(|material| material.certificate.public_key().bits);
    let bits = bits.and_then(|bits| i64::try_from(bits).ok());
    let properties = [
        ("AccessRules", rules),
        ("CertificateDomains", texts(facts.names())),
        ("HasPrivateKey", Value::Bool(stored.private_key != PrivateKey::Missing)),
        ("IsSelfSigned", Value::Bool(facts.self_signed)),
        ("Issuer", Value::text(&facts.issuer)),
        ("NotAfter", Value::Date(facts.not_after)),
        ("NotBefore", Value::Date(facts.not_before)),
        ("PublicKeySize", bits.map_or(Value::Null, Value::Integer)),
        ("RootCAType", of_kind(ROOT_CA_TYPE, root_ca_type(stored))),
        ("SerialNumber", Value::text(&facts.serial_number)),
        ("Services", of_kind(Kind::Services, &stored.services.to_string())),
        ("Status", of_kind(CERTIFICATE_STATUS, status(stored, now))),
        ("Subject", Value::text(&facts.subject)),
        ("Thumbprint", Value::text(facts.thumbprint.to_string())),
        ("FriendlyName", Value::text(&stored.label)),
        ("Identity", Value::text(format!("{}\\{}", computer.fqdn, facts.thumbprint))),
        ("ServicesStringForm", Value::text(stored.services.letters())),
        ("Version", Value::Integer(facts.version.into())),
    ];
    Object::value(properties, LAYOUT, facts.thumbprint.to_string())
}

/// A value of one of Exchange's own types; what cannot be read as one stays a text.
pub(super) fn of_kind(kind: Kind, text: &str) -> Value {
    kind.read(text).map_or_else(|_| Value::text(text), Value::Typed)
}

/// The values of the cmdlet's page; which of several that apply is shown is inferred.
fn status(stored: &StoredCertificate, now: Timestamp) -> &'static str {
    match stored.chain {
        _ if stored.private_key == PrivateKey::Missing => "Invalid",
        ChainStatus::Revoked => "Revoked",
        _ if stored.facts.has_expired(now) || stored.facts.is_not_yet_valid(now) => "DateInvalid",
        ChainStatus::Untrusted => "Untrusted",
        ChainStatus::Valid => "Valid",
    }
}

/// A lab's authority is in the store of trusted roots, which shows as `Registry` (KB 2879262).
fn root_ca_type(stored: &StoredCertificate) -> &'static str {
    match stored.chain {
        _ if stored.facts.self_signed => "None",
        ChainStatus::Untrusted => "Unknown",
        ChainStatus::Valid | ChainStatus::Revoked => "Registry",
    }
}
