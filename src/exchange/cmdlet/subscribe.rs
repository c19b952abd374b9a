//! `Get-EdgeSubscription` and `New-EdgeSubscription`.

use std::sync::Arc;

use super::bind::Bound;
use super::edgesync::inside;
use super::error::Wrong;
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Column, Layout};
use crate::exchange::{EdgeSubscription, SendConnector, SendUsage};
use crate::pki::Thumbprint;

/// `Get-EdgeSubscription`, inside.
pub(super) fn get(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    inside(run, bound)?;
    let reachable = run.reachable().into_iter().filter_map(|at| run.computer(at));
    let all: Vec<&EdgeSubscription> = reachable.flat_map(|computer| &computer.edge_subscriptions).collect();
    let Some(identity) = bound.text("Identity")? else {
        return Ok(all.into_iter().map(|subscription| shown(run, subscription)).collect());
    };
    let edge = run.edge(&identity).and_then(|at| run.computer(at));
    let called = |of: &&&EdgeSubscription| edge.is_some_and(|edge| edge.name == of.edge);
    match all.iter().find(called) {
        Some(subscription) => Ok(vec![shown(run, subscription)]),
        None => {
            let names: Vec<&str> = all.iter().map(|subscription| subscription.edge.as_str()).collect();
            let wrong = format!(
                "The operation couldn't be performed because object '{identity}' couldn't be found. There are: {}",
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            );
            Err(Wrong::not_found(bound.place("Identity"), wrong))
        }
    }
}

/// `New-EdgeSubscription`: on the Edge it writes a file, inside it reads one.
///
/// The certificate in the file is what the Edge is trusted by from then on, so after it was replaced the
/// subscription is made again; one that is there already is overwritten and keeps its connectors (Edge
/// Subscriptions page).
pub(super) fn new(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    if run.on_edge() { write(run, bound) } else { read(run, bound) }
}

/// Writes the parts of the real file that a lab uses: the name of the Edge, and the certificate.
fn write(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    bound.need(&["FileName"])?;
    let path = bound.text("FileName")?.unwrap_or_default();
    let Some(edge) = run.computer(run.here) else {
        return Ok(Vec::new());
    };
    let certificate = edge.internal_transport_certificate;
    let properties = [
        (NAME, Value::text(&edge.name)),
        ("EdgeServerFQDN", Value::text(edge.fqdn.as_str())),
        (CERTIFICATE, certificate.map_or(Value::Null, |of| Value::Text(of.to_string()))),
    ];
    let identity = format!("(the Edge subscription file of {})", edge.name);
    let file = Object::value(properties, Layout::List, identity);
    run.write_file(&path, file, bound.span)?;
    Ok(Vec::new())
}

fn read(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let given = ["FileData", "FileName"].iter().find_map(|name| bound.get(name));
    let Some(given) = given else {
        return Err(bound.missing(&["FileData", "Site"]));
    };
    bound.need(&["Site"])?;
    let site = bound.text("Site")?.unwrap_or_default();
    let file = match &given.value {
        Value::Text(path) if given.parameter.name == "FileName" => run.file(path),
        value => value.clone(),
    };
    let (name, certificate) = contents(&file).ok_or_else(|| {
        let wrong = format!(
            "-{}: `{file}` was not written by New-EdgeSubscription -FileName on an Edge of this lab",
            given.parameter.name
        );
        Wrong::argument(given.span, wrong)
    })?;
    let Some((at, edge)) = run.edge(&name).and_then(|at| Some((at, run.computer(at)?))) else {
        let wrong = format!("'{name}' is no Edge of this organization");
        return Err(Wrong::refused(given.span, wrong));
    };
    let edge = edge.name.clone();
    let known = run.reachable().into_iter().find(|at| {
        run.computer(*at).is_some_and(|it| it.edge_subscriptions.iter().any(|of| of.edge == edge))
    });
    let server = known.unwrap_or(run.here);
    let connectors = connectors(bound, &site)?;
    run.change(server, |computer| match computer.edge_subscriptions.iter_mut().find(|of| of.edge == edge) {
        Some(subscription) => subscription.edge_certificate = certificate,
        None => computer.edge_subscriptions.push(EdgeSubscription {
            edge: edge.clone(),
            send_connectors: connectors,
            edge_certificate: certificate,
        }),
    });
    let server = run.computer(server).map(|computer| computer.name.clone());
    if run.computer(at).is_some_and(|edge| edge.subscribed_to != server) {
        run.change(at, |edge| edge.subscribed_to = server);
    }
    run.warn("The Edge gets its Send connectors with Start-EdgeSynchronization.");
    Ok(Vec::new())
}

/// Returns the connectors that a subscription begins with by default (Edge Subscriptions page).
fn connectors(bound: &Bound, site: &str) -> Result<Vec<Arc<SendConnector>>, Wrong> {
    let mut made = Vec::new();
    for (parameter, name, usage) in [
        ("CreateInboundSendConnector", format!("{INBOUND}{site}"), SendUsage::EdgeSyncInbound),
        (
            "CreateInternetSendConnector",
            format!("EdgeSync - {site} to Internet"),
            SendUsage::EdgeSyncToInternet,
        ),
    ] {
        match bound.get(parameter).map(|given| (&given.value, given.span)) {
            None | Some((Value::Bool(true), _)) => made.push(Arc::new(SendConnector::new(name, usage))),
            Some((Value::Bool(false), _)) => {}
            Some((other, span)) => {
                let wrong = format!("-{parameter} is $true or $false, not `{other}`");
                return Err(Wrong::argument(span, wrong));
            }
        }
    }
    Ok(made)
}

const NAME: &str = "EdgeServerName";
const CERTIFICATE: &str = "EdgeCertificateThumbprint";
const INBOUND: &str = "EdgeSync - Inbound to ";

fn contents(file: &Value) -> Option<(String, Option<Thumbprint>)> {
    let Value::Object(file) = file else {
        return None;
    };
    let name = file.property(NAME)?.to_string();
    match file.property(CERTIFICATE)? {
        Value::Null => Some((name, None)),
        thumbprint => Some((name, Some(thumbprint.to_string().parse().ok()?))),
    }
}

/// The site is known from the connector that EdgeSync names after it, the domain from the Edge's FQDN.
fn shown(run: &Run<'_>, subscription: &EdgeSubscription) -> Value {
    let names = subscription.send_connectors.iter().map(|connector| connector.name.as_str());
    let site = names.filter_map(|name| name.strip_prefix(INBOUND)).next();
    let edge = run.edge(&subscription.edge).and_then(|at| run.computer(at));
    let domain = edge.and_then(|edge| Some(edge.fqdn.as_str().split_once('.')?.1));
    let optional = |text: Option<&str>| text.map_or(Value::Null, Value::text);
    let properties = [
        ("Name", Value::text(&subscription.edge)),
        ("Site", optional(site)),
        ("Domain", optional(domain)),
        ("Identity", Value::text(&subscription.edge)),
    ];
    Object::value(properties, LAYOUT, &subscription.edge)
}

const LAYOUT: Layout =
    Layout::Table { columns: &[Column::of("Name"), Column::of("Site"), Column::of("Domain")], hidden: &[] };
