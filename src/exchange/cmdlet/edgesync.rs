//! `Start-EdgeSynchronization`, which brings to an Edge what the organization keeps for it, and
//! `Test-EdgeSynchronization`.

use std::sync::Arc;

use super::bind::Bound;
use super::error::Wrong;
use super::run::Run;
use super::value::{Object, Value};
use super::view::Layout;
use crate::exchange::{Computer, EdgeSubscription, Event, SendConnector};

/// `Start-EdgeSynchronization`, on the server of the Shell or on `-Server` (the cmdlet's page).
pub(super) fn start(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    inside(run, bound)?;
    let at = run.server_of(bound)?;
    let target = bound.text("TargetServer")?;
    let server = run.computer(at).map(|computer| computer.name.clone()).unwrap_or_default();
    let mut subscriptions =
        run.computer(at).map(|computer| computer.edge_subscriptions.clone()).unwrap_or_default();
    if subscriptions.is_empty() {
        return Err(Wrong::not_found(bound.place("Server"), nothing_subscribed(run, &server)));
    }
    if let Some(target) = &target {
        let edge = run.edge(target).and_then(|at| run.computer(at)).map(|edge| edge.name.clone());
        subscriptions.retain(|subscription| Some(&subscription.edge) == edge.as_ref());
        if subscriptions.is_empty() {
            let wrong = format!("no Edge '{target}' is subscribed to '{server}'; see Get-EdgeSubscription");
            return Err(Wrong::not_found(bound.place("TargetServer"), wrong));
        }
    }
    Ok(subscriptions.iter().map(|subscription| synchronize(run, at, subscription)).collect())
}

/// Refuses on an Edge, where none of the cmdlets of EdgeSync is; these words are inferred.
pub(super) fn inside(run: &Run<'_>, bound: &Bound) -> Result<(), Wrong> {
    if !run.on_edge() {
        return Ok(());
    }
    let server = run.computer(run.here).and_then(|edge| edge.subscribed_to.as_ref());
    let hint = server.map(|server| format!(", such as '{server}'")).unwrap_or_default();
    let wrong = format!("{} runs on a server inside the Exchange organization{hint}", bound.cmdlet);
    Err(Wrong::refused(bound.span, wrong))
}

/// The counts of a synchronization, in Send connectors: nothing else of what EdgeSync carries is in a lab.
#[derive(Default)]
struct Counts {
    added: usize,
    deleted: usize,
    updated: usize,
    scanned: usize,
    target_scanned: usize,
}

/// One Edge. It is trusted by the certificate that it had when it was subscribed; with another one
/// nothing is brought over, event 10104.
fn synchronize(run: &mut Run<'_>, at: usize, subscription: &EdgeSubscription) -> Value {
    let found = run.edge(&subscription.edge);
    let trusted = found.filter(|at| run.computer(*at).is_some_and(|edge| matches(edge, subscription)));
    let Some(edge) = trusted else {
        let event = Event::edge_certificate_not_matched(&subscription.edge);
        let details = match found {
            Some(_) => event.message(),
            None => format!("{} is not in this lab.", subscription.edge),
        };
        if found.is_some() {
            run.log(at, event);
        }
        return result(run, subscription, "CouldNotConnect", details, &Counts::default());
    };
    let old = run.computer(edge).map(|edge| edge.send_connectors.clone()).unwrap_or_default();
    let counts = compare(&old, &subscription.send_connectors);
    if old != subscription.send_connectors {
        run.change(edge, |edge| edge.send_connectors.clone_from(&subscription.send_connectors));
    }
    result(run, subscription, "Success", String::new(), &counts)
}

/// Returns whether the Edge can present the certificate that it was subscribed with.
fn matches(edge: &Computer, subscription: &EdgeSubscription) -> bool {
    let recorded = subscription.edge_certificate;
    edge.internal_transport_certificate == recorded
        && recorded.is_none_or(|thumbprint| edge.store.find(thumbprint).is_some())
}

fn compare(old: &[Arc<SendConnector>], new: &[Arc<SendConnector>]) -> Counts {
    let mut counts = Counts { scanned: new.len(), target_scanned: old.len(), ..Counts::default() };
    for connector in new {
        match old.iter().find(|known| known.name == connector.name) {
            None => counts.added += 1,
            Some(known) if known != connector => counts.updated += 1,
            Some(_) => {}
        }
    }
    let gone = |known: &&Arc<SendConnector>| !new.iter().any(|connector| connector.name == known.name);
    counts.deleted = old.iter().filter(gone).count();
    counts
}

/// The object of the real cmdlet; that `Name` is the Edge's name, and what stands in `FailureDetails`, is
/// inferred.
fn result(
    run: &Run<'_>,
    subscription: &EdgeSubscription,
    result: &str,
    details: String,
    counts: &Counts,
) -> Value {
    let properties = [
        ("Result", Value::text(result)),
        ("Type", Value::text("Configuration")),
        ("Name", Value::text(&subscription.edge)),
        ("FailureDetails", Value::Text(details)),
        ("StartUTC", Value::Date(run.now)),
        ("EndUTC", Value::Date(run.now)),
        ("Added", Value::count(counts.added)),
        ("Deleted", Value::count(counts.deleted)),
        ("Updated", Value::count(counts.updated)),
        ("Scanned", Value::count(counts.scanned)),
        ("TargetScanned", Value::count(counts.target_scanned)),
    ];
    Object::value(properties, Layout::List, &subscription.edge)
}

/// `Test-EdgeSynchronization`: what is on each Edge, beside what is kept for it. Of what the real cmdlet
/// compares a lab has the Send connectors; the values are those of its page.
pub(super) fn test(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    inside(run, bound)?;
    let target = bound.text("TargetServer")?;
    let mut results = Vec::new();
    for at in run.reachable() {
        let kept =
            run.computer(at).map(|computer| (computer.name.clone(), computer.edge_subscriptions.clone()));
        let Some((holder, subscriptions)) = kept else { continue };
        for subscription in subscriptions {
            let edge = run.edge(&subscription.edge);
            if target.as_ref().is_some_and(|target| edge.is_none() || run.edge(target) != edge) {
                continue;
            }
            results.push(tested(run, &holder, edge, &subscription));
        }
    }
    if let (true, Some(target)) = (results.is_empty(), &target) {
        let wrong = format!("no Edge '{target}' is subscribed; see Get-EdgeSubscription");
        return Err(Wrong::not_found(bound.place("TargetServer"), wrong));
    }
    Ok(results)
}

fn tested(run: &Run<'_>, holder: &str, edge: Option<usize>, subscription: &EdgeSubscription) -> Value {
    let computer = edge.and_then(|at| run.computer(at));
    let trusted = computer.is_some_and(|edge| matches(edge, subscription));
    let same = computer.is_some_and(|edge| edge.send_connectors == subscription.send_connectors);
    let failure = match computer {
        None => format!("{} is not in this lab.", subscription.edge),
        Some(_) if !trusted => Event::edge_certificate_not_matched(&subscription.edge).message(),
        Some(_) => String::new(),
    };
    let connectors = match (trusted, same) {
        (false, _) => "Unknown",
        (true, true) => "Synchronized",
        (true, false) => "NotSynchronized",
    };
    let properties = [
        ("SyncStatus", Value::text(if trusted { "Normal" } else { "Failed" })),
        ("UtcNow", Value::Date(run.now)),
        ("Name", Value::text(&subscription.edge)),
        ("LeaseHolder", Value::text(holder)),
        ("FailureDetail", Value::Text(failure)),
        ("CredentialStatus", Value::text(if trusted { "Synchronized" } else { "Unknown" })),
        ("TransportServerStatus", Value::text("Skipped")),
        ("TransportConfigStatus", Value::text("Skipped")),
        ("AcceptedDomainStatus", Value::text("Skipped")),
        ("SendConnectorStatus", Value::text(connectors)),
        ("RecipientStatus", Value::text("NotTested")),
    ];
    Object::value(properties, Layout::List, &subscription.edge)
}

fn nothing_subscribed(run: &Run<'_>, server: &str) -> String {
    let others = run.reachable().into_iter().filter_map(|at| run.computer(at));
    let others = others.filter(|computer| !computer.edge_subscriptions.is_empty());
    let names: Vec<String> = others.map(|computer| format!("-Server {}", computer.name)).collect();
    let hint = if names.is_empty() {
        "no Edge is subscribed to any server that is reached from here".to_owned()
    } else {
        format!("write {}", names.join(" or "))
    };
    format!("no Edge is subscribed to '{server}'; {hint}")
}
