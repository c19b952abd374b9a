//! `Get-Queue` and `Retry-Queue`.

use super::bind::Bound;
use super::error::{Wrong, nearest_first};
use super::host::MailQueue;
use super::operator::Operator;
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Column, Layout, like};

/// `Get-Queue`: the submission queue, which every server has, and those in which something waits.
pub(super) fn get(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    Ok(found(run, bound)?.into_iter().map(|(_, shown)| shown).collect())
}

/// `Retry-Queue`.
pub(super) fn retry(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<Value>, Wrong> {
    if bound.get("Identity").is_none() && bound.get("Filter").is_none() {
        return Err(bound.missing(&["Identity"]));
    }
    let queues: Vec<MailQueue> = found(run, bound)?.into_iter().filter_map(|(queue, _)| queue).collect();
    if queues.is_empty() {
        run.warn("no queue with messages fits, so nothing is tried again.");
    }
    for queue in queues {
        if !run.only_trying() && !run.host.retry(&queue) {
            run.warn(format!(
                "{}\\{}: nothing delivers here, so nothing is tried again.",
                queue.computer, queue.next_hop
            ));
        }
    }
    Ok(Vec::new())
}

/// The queues that are asked for; the submission queue is none of the host's.
fn found(run: &mut Run<'_>, bound: &Bound) -> Result<Vec<(Option<MailQueue>, Value)>, Wrong> {
    let identity = bound.text("Identity")?;
    let at = match identity.as_ref().and_then(|identity| identity.split_once('\\')) {
        Some((server, _)) if bound.get("Server").is_none() => run.server(server, bound.place("Identity"))?,
        _ => run.server_of(bound)?,
    };
    let computer = run.computer(at).map(|computer| computer.name.clone()).unwrap_or_default();
    let wanted = identity
        .as_ref()
        .map(|identity| identity.split_once('\\').map_or(identity.as_str(), |(_, queue)| queue).to_owned());
    let mut all = vec![(None, submission(&computer))];
    let waiting = run.queues.iter().filter(|queue| queue.computer.eq_ignore_ascii_case(&computer));
    all.extend(waiting.enumerate().map(|(at, queue)| (Some(queue.clone()), shown(queue, at + 1))));
    if let Some(wanted) = wanted {
        all.retain(|(_, shown)| {
            let Value::Object(object) = shown else { return false };
            let hop = object.property("NextHopDomain").map(ToString::to_string).unwrap_or_default();
            let name = object.identity.split_once('\\').map_or("", |(_, name)| name);
            like(&wanted, name) || (!hop.is_empty() && like(&wanted, &hop))
        });
        if all.is_empty() && !wanted.contains('*') {
            let wrong = format!("The queue '{computer}\\{wanted}' doesn't exist.");
            return Err(Wrong::not_found(bound.place("Identity"), wrong));
        }
    }
    if let Some(filter) = bound.text("Filter")? {
        for (property, operator, value) in comparisons(&filter, bound)? {
            let mut kept = Vec::new();
            for (queue, shown) in all {
                let found = super::member::property(&shown, &property, bound.place("Filter"))?;
                if run.operate(found, operator, value.clone(), bound.place("Filter"))?.is_true() {
                    kept.push((queue, shown));
                }
            }
            all = kept;
        }
    }
    Ok(all)
}

/// `Status -eq 'Retry' -and MessageCount -gt 5`: a filter of the transport cmdlets has names without `$_`.
fn comparisons(filter: &str, bound: &Bound) -> Result<Vec<(String, Operator, Value)>, Wrong> {
    let place = bound.place("Filter");
    let wrong =
        || Wrong::argument(place, format!("-Filter: `{filter}` does not read {{Status -eq 'Retry'}}"));
    let bare = filter.trim().trim_start_matches('{').trim_end_matches('}');
    let mut all = Vec::new();
    for part in bare.split(" -and ") {
        let mut words = part.trim().splitn(3, char::is_whitespace);
        let (Some(property), Some(operator), Some(value)) = (words.next(), words.next(), words.next()) else {
            return Err(wrong());
        };
        let operator = operator.strip_prefix('-').ok_or_else(wrong)?;
        let operator = Operator::named(operator).ok_or_else(|| {
            let known = nearest_first(operator, ["eq", "ne", "gt", "ge", "lt", "le", "like"].into_iter());
            Wrong::unknown(place, format!("there is no operator -{operator} here; there are: {known}"))
        })?;
        let value = value.trim().trim_matches(['\'', '"']);
        all.push((property.trim_start_matches("$_.").to_owned(), operator, Value::text(value)));
    }
    Ok(all)
}

const LAYOUT: Layout = Layout::Table {
    columns: &[
        Column::of("Identity"),
        Column::of("DeliveryType"),
        Column::of("Status"),
        Column::of("MessageCount"),
        Column::of("NextHopDomain"),
    ],
    hidden: &[],
};

fn submission(computer: &str) -> Value {
    let identity = format!("{computer}\\Submission");
    let properties = [
        ("Identity", Value::text(&identity)),
        ("DeliveryType", Value::text("Undefined")),
        ("NextHopDomain", Value::text("Submission")),
        ("Status", Value::text("Ready")),
        ("MessageCount", Value::Integer(0)),
        ("LastError", Value::Null),
        ("NextRetryTime", Value::Null),
    ];
    Object::value(properties, LAYOUT, identity)
}

fn shown(queue: &MailQueue, number: usize) -> Value {
    let identity = format!("{}\\{number}", queue.computer);
    let status = if queue.next_retry.is_some() { "Retry" } else { "Active" };
    let properties = [
        ("Identity", Value::text(&identity)),
        ("DeliveryType", Value::text("DnsConnectorDelivery")),
        ("NextHopDomain", Value::text(&queue.next_hop)),
        ("Status", Value::text(status)),
        ("MessageCount", Value::count(queue.messages)),
        ("LastError", queue.last_error.as_ref().map_or(Value::Null, Value::text)),
        ("NextRetryTime", queue.next_retry.map_or(Value::Null, Value::Date)),
    ];
    Object::value(properties, LAYOUT, identity)
}
