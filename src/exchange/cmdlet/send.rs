//! `Get-`, `Set-`, `New-` and `Remove-SendConnector`.
//!
//! A Send connector belongs to the organization and names the servers that it runs on. What runs on a
//! subscribed Edge is kept inside and edited there; the Edge goes on with what it was last given until
//! `Start-EdgeSynchronization` (Edge Subscriptions page).

use std::sync::Arc;

use super::bind::Bound;
use super::connector::confirmed;
use super::error::Wrong;
use super::parameters::{in_cmdlet_words, parameter_of};
use super::run::Run;
use super::send_object::{Found, Kept};
use super::send_parameters::{USAGE, settings};
use super::value::Value;
use super::view::like;
use crate::exchange::{Refusal, Role, SendConnector, SendUsage};

/// `Get-SendConnector`.
pub(super) fn get(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    let identity = bound.text("Identity")?;
    let found = match identity.as_deref() {
        Some(name) if !name.contains('*') => vec![run.send_connector(name, bound.place("Identity"))?],
        pattern => {
            let mut all = run.send_connectors();
            all.retain(|found| pattern.is_none_or(|pattern| like(pattern, &found.connector.name)));
            all
        }
    };
    Ok(found.iter().map(|found| run.shown(found)).collect())
}

/// `Set-SendConnector`.
pub(super) fn set(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    not_on_a_subscribed_edge(run, bound)?;
    bound.need(&["Identity"])?;
    let old = named(run, bound)?;
    let mut parameters = settings(bound, &old.connector)?;
    parameters.name = bound.text("Name")?;
    let mut new = SendConnector::clone(&old.connector);
    parameters.apply_to(&mut new);
    // A new smart host turns DNS routing off; Domain Security is not turned off unasked, but refused.
    let domain_secure = new.domain_secure_enabled;
    parameters.settle(&mut new);
    new.domain_secure_enabled = domain_secure;
    let sources = match bound.get("SourceTransportServers") {
        Some(given) => run.sources(&bound.texts("SourceTransportServers"), given.span)?,
        None => old.kept.clone(),
    };
    check(run, bound, &new, &sources, Some(&old))?;
    let dropped: Vec<Kept> = old.kept.iter().copied().filter(|kept| !sources.contains(kept)).collect();
    let same_servers = dropped.is_empty() && sources.len() == old.kept.len();
    if new == *old.connector && same_servers {
        run.warn(format!(
            "The command completed successfully but no settings of '{}' have been modified.",
            new.name
        ));
        return Ok(Vec::new());
    }
    let unchanged = |kept: &Kept| new == *old.connector && old.kept.contains(kept);
    let sources: Vec<Kept> = sources.into_iter().filter(|kept| !unchanged(kept)).collect();
    let new = Arc::new(new);
    for kept in dropped {
        run.change_kept(kept, |connectors| connectors.retain(|known| known.name != old.connector.name));
    }
    for kept in sources {
        run.change_kept(kept, |connectors| {
            match connectors.iter_mut().find(|known| known.name == old.connector.name) {
                Some(known) => *known = Arc::clone(&new),
                None => connectors.push(Arc::clone(&new)),
            }
        });
    }
    Ok(Vec::new())
}

/// `New-SendConnector`.
pub(super) fn new(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    not_on_a_subscribed_edge(run, bound)?;
    bound.need(&["Name", "AddressSpaces"])?;
    let name = bound.text("Name")?.unwrap_or_default();
    let mut made = SendConnector::new(name, SendUsage::Custom);
    let parameters = settings(bound, &made)?;
    parameters.apply_to(&mut made);
    parameters.settle(&mut made);
    let kept = match bound.get("SourceTransportServers") {
        Some(given) => run.sources(&bound.texts("SourceTransportServers"), given.span)?,
        None => vec![Kept::On(run.here)],
    };
    check(run, bound, &made, &kept, None)?;
    for usage in USAGE.iter().filter(|usage| usage.name != "Usage" && bound.switch(usage.name)) {
        run.warn(format!("-{} makes no difference in a lab.", usage.name));
    }
    let found = Found { connector: Arc::new(made), kept };
    for kept in &found.kept {
        run.change_kept(*kept, |connectors| connectors.push(Arc::clone(&found.connector)));
    }
    Ok(vec![run.shown(&found)])
}

/// `Remove-SendConnector`, which asks before it does.
pub(super) fn remove(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    not_on_a_subscribed_edge(run, bound)?;
    bound.need(&["Identity"])?;
    let found = named(run, bound)?;
    let name = &found.connector.name;
    let text = format!(
        "Confirm\nAre you sure you want to perform this action?\nRemoving Send connector \"{name}\"."
    );
    if confirmed(run, bound, text)? {
        for kept in &found.kept {
            run.change_kept(*kept, |connectors| connectors.retain(|known| known.name != *name));
        }
    }
    Ok(Vec::new())
}

fn named(run: &Run<'_>, bound: &Bound) -> Result<Found, Wrong> {
    let identity = bound.text("Identity")?.unwrap_or_default();
    run.send_connector(&identity, bound.place("Identity"))
}

/// After subscription these cmdlets are disabled on the Edge (Edge Subscriptions page); the cmdlets' own
/// words were not found, these are inferred.
fn not_on_a_subscribed_edge(run: &Run<'_>, bound: &Bound) -> Result<(), Wrong> {
    let here = run.computer(run.here).filter(|computer| computer.role == Role::Edge);
    let Some((edge, server)) = here.and_then(|edge| Some((edge, edge.subscribed_to.as_ref()?))) else {
        return Ok(());
    };
    let wrong = format!(
        "{} is disabled on '{}' because this Edge Transport server is subscribed to the Exchange organization. Run it on '{server}', and then Start-EdgeSynchronization, which brings the change here.",
        bound.cmdlet, edge.name
    );
    Err(Wrong::refused(bound.span, wrong))
}

/// Refuses what Exchange refuses, in its words where they are known; `old` is what the connector was before.
fn check(
    run: &Run<'_>,
    bound: &Bound,
    connector: &SendConnector,
    sources: &[Kept],
    old: Option<&Found>,
) -> Result<(), Wrong> {
    let runs = sources.iter().filter_map(|source| run.runs(*source));
    let refusals = runs.filter_map(|(role, profile)| connector.refusal(role, profile));
    if let Some(Refusal { key, message }) = refusals.into_iter().next() {
        let place = parameter_of(SendConnector::PARAMETERS, key).map_or(bound.span, |name| bound.place(name));
        return Err(Wrong::refused(place, in_cmdlet_words(SendConnector::PARAMETERS, &message)));
    }
    let is_old = |found: &Found| old.is_some_and(|old| old.connector.name == found.connector.name);
    let same = |found: &Found| found.connector.name.eq_ignore_ascii_case(&connector.name);
    if run.send_connectors().iter().any(|found| !is_old(found) && same(found)) {
        let wrong = format!("a Send connector is called '{}' already", connector.name);
        return Err(Wrong::refused(bound.place("Name"), wrong));
    }
    Ok(())
}
