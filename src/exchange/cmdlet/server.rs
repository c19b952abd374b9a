//! `Get-TransportService`, and `Get-TransportServer` of 2007 and 2010.

use std::sync::Arc;

use super::bind::Bound;
use super::error::Wrong;
use super::run::Run;
use super::value::{Object, Value};
use super::view::Layout;
use crate::exchange::{Computer, Profile};

/// Both cmdlets; since 2013 the older one says that it is on its way out.
pub(super) fn get(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    if bound.cmdlet == "Get-TransportServer" && run.profile() >= Profile::Exchange2013 {
        run.warn("Get-TransportServer is there for older scripts only; use Get-TransportService.");
    }
    let computers = match bound.text("Identity")? {
        Some(name) => vec![run.server(&name, bound.place("Identity"))?],
        None => run.reachable(),
    };
    Ok(computers.into_iter().filter_map(|at| run.computer(at)).map(shown).collect())
}

fn shown(computer: &Computer) -> Value {
    let internal = computer.internal_transport_certificate;
    let properties = [
        ("Name", Value::text(&computer.name)),
        (
            "InternalTransportCertificateThumbprint",
            internal.map_or(Value::Null, |of| Value::text(of.to_string())),
        ),
        ("Identity", Value::text(&computer.name)),
    ];
    let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Value::Object(Arc::new(Object { properties, layout: Layout::List, identity: computer.name.clone() }))
}
