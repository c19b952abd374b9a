//! `Export-ExchangeCertificate`, and certificates as Windows has them: `Get-ChildItem Cert:\`,
//! `Import-PfxCertificate`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bind::Bound;
use super::certificate::{find, not_valid, required};
use super::error::Wrong;
use super::host::{CertificateRequest, CertificateSource};
use super::issue::{ask_host, file};
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Column, Layout};
use crate::exchange::{Computer, PrivateKey, StoredCertificate};
use crate::pki::Thumbprint;

/// The certificates that were exported, by the thumbprint that stands in their files.
#[derive(Clone, Debug, Default)]
pub(super) struct Exported(BTreeMap<Thumbprint, Arc<StoredCertificate>>);

impl PartialEq for Exported {
    fn eq(&self, other: &Self) -> bool {
        self.0.keys().eq(other.0.keys())
    }
}

/// The property of an exported file's object that holds the certificate's thumbprint.
const BYTES: &str = "ExportedCertificate";

impl Exported {
    /// The certificate in a file that was written here, with its key where a password came along.
    pub(super) fn read(&self, file: &Value) -> Option<StoredCertificate> {
        let Value::Object(file) = file else { return None };
        let inner = match file.property("FileData") {
            Some(Value::Object(inner)) => inner,
            _ => file,
        };
        let thumbprint = inner.property(BYTES)?.to_string().parse().ok()?;
        let mut stored = StoredCertificate::clone(self.0.get(&thumbprint)?);
        if inner.property("WithKey") != Some(&Value::Bool(true)) {
            stored.private_key = PrivateKey::Missing;
        }
        Some(stored)
    }
}

/// `Export-ExchangeCertificate`: what is exported can be imported on another computer of the lab.
pub(super) fn export(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let (at, thumbprint, span) = required(run, bound)?;
    let stored = find(run, at, thumbprint, span)?.clone();
    if stored.private_key == PrivateKey::Missing {
        return Err(not_valid(thumbprint, span));
    }
    let with_key = bound.get("Password").is_some();
    let exported = [(BYTES, Value::text(thumbprint.to_string())), ("WithKey", Value::Bool(with_key))];
    let bytes = Object::value(exported, Layout::List, format!("(the bytes of certificate {thumbprint})"));
    run.state.exported.0.insert(thumbprint, Arc::new(stored));
    if !with_key {
        run.warn("without -Password the private key is not exported.");
    }
    let path = match bound.text("FileName")? {
        Some(path) => Some(path),
        None => bound.text("Path")?,
    };
    if let Some(path) = path {
        run.write_file(&path, bytes, bound.span)?;
        return Ok(Vec::new());
    }
    let properties = [("FileData", bytes), ("Identity", Value::text(thumbprint.to_string()))];
    Ok(vec![Object::value(properties, Layout::List, "BinaryFileDataObject")])
}

/// `Get-ChildItem Cert:\LocalMachine\My`: the store as Windows shows it, certificates without key included.
pub(super) fn get_child_item(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let path = match bound.text("Path")? {
        Some(path) => Some(path),
        None => bound.text("LiteralPath")?,
    };
    let path = path.ok_or_else(|| bound.missing(&["Path"]))?;
    let place = bound.place("Path");
    let parts: Vec<&str> = path.split(['\\', '/']).filter(|part| !part.is_empty()).collect();
    let is = |at: usize, name: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(name));
    if !is(0, "cert:") || !is(1, "LocalMachine") || !is(2, "My") || parts.len() > 4 {
        let wrong = format!("`{path}`: of all drives only Cert:\\LocalMachine\\My is here");
        return Err(Wrong::not_found(place, wrong));
    }
    let Some(computer) = run.computer(run.here) else {
        return Ok(Vec::new());
    };
    let Some(thumbprint) = parts.get(3).filter(|part| **part != "*") else {
        return Ok(computer.store.iter().map(|stored| in_windows(computer, stored)).collect());
    };
    let parsed: Result<Thumbprint, _> = thumbprint.parse();
    let found = parsed.ok().and_then(|thumbprint| computer.store.find(thumbprint));
    found.map(|stored| vec![in_windows(computer, stored)]).ok_or_else(|| {
        Wrong::not_found(place, format!("Cannot find path '{path}' because it does not exist."))
    })
}

fn in_windows(computer: &Computer, stored: &StoredCertificate) -> Value {
    const LAYOUT: Layout = Layout::Table {
        columns: &[Column::of("Thumbprint").width(41), Column::of("Subject")],
        hidden: &["PSComputerName"],
    };
    let facts = &stored.facts;
    let names = facts.names().into_iter().map(Value::text).collect();
    let properties = [
        ("Subject", Value::text(&facts.subject)),
        ("Issuer", Value::text(&facts.issuer)),
        ("Thumbprint", Value::text(facts.thumbprint.to_string())),
        ("FriendlyName", Value::text(&stored.label)),
        ("NotBefore", Value::Date(facts.not_before)),
        ("NotAfter", Value::Date(facts.not_after)),
        ("HasPrivateKey", Value::Bool(stored.private_key != PrivateKey::Missing)),
        ("SerialNumber", Value::text(&facts.serial_number)),
        ("DnsNameList", Value::List(names)),
        ("Version", Value::Integer(facts.version.into())),
        ("PSComputerName", Value::text(&computer.name)),
    ];
    Object::value(properties, LAYOUT, facts.thumbprint.to_string())
}

/// `Import-PfxCertificate` into the store of the computer. Windows gives the key to SYSTEM and the
/// administrators; the transport service reads it once the certificate is enabled for SMTP.
pub(super) fn import_pfx(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    bound.need(&["FilePath"])?;
    let path = bound.text("FilePath")?.unwrap_or_default();
    let store = bound.text("CertStoreLocation")?.unwrap_or_else(|| "Cert:\\CurrentUser\\My".to_owned());
    let store = store.trim_end_matches(['\\', '/']).replace('/', "\\");
    if !store.eq_ignore_ascii_case("Cert:\\LocalMachine\\My") {
        run.warn(format!(
            "{store} is not the store that Exchange looks into: that is Cert:\\LocalMachine\\My."
        ));
        return Ok(Vec::new());
    }
    if run.only_trying() {
        return Ok(Vec::new());
    }
    let here = run.here;
    let computer = run.computer(here).map(|computer| computer.name.clone()).unwrap_or_default();
    let written = run.file(&path);
    let stored = match run.state.exported.read(&written) {
        Some(stored) => stored,
        None => {
            let password = bound.get("Password").is_some();
            let source = CertificateSource::File { file: path, password };
            ask_host(run, bound, &CertificateRequest { computer, source })?
        }
    };
    let private_key = match stored.private_key {
        PrivateKey::Present | PrivateKey::Unreadable => PrivateKey::Unreadable,
        PrivateKey::Missing => PrivateKey::Missing,
    };
    let thumbprint = stored.facts.thumbprint;
    let known = run.computer(here).is_some_and(|computer| computer.store.find(thumbprint).is_some());
    file(run, here, StoredCertificate { private_key, ..stored });
    if known {
        run.change(here, |computer| {
            let of_thumbprint =
                computer.store.iter_mut().filter(|stored| stored.facts.thumbprint == thumbprint);
            of_thumbprint.filter(|stored| stored.private_key == PrivateKey::Missing).for_each(|stored| {
                stored.private_key = private_key;
            });
        });
    }
    let shown = run
        .computer(here)
        .and_then(|computer| computer.store.find(thumbprint).map(|stored| in_windows(computer, stored)));
    Ok(shown.into_iter().collect())
}
