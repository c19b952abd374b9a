//! Cmdlets that work on the values of a pipeline: formatting, selecting, sorting, measuring.

use std::cmp::Ordering;

use super::bind::{Bound, Given};
use super::column::{Chosen, chosen, columns};
use super::convert::{equal, order, to_number};
use super::error::{Wrong, nearest_first};
use super::execute::Piped;
use super::number;
use super::run::Run;
use super::value::{Object, Value};
use super::view::{Layout, View, asked};

/// `Format-List`.
pub(super) fn format_list(run: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    Ok(match chosen(run, bound, input.values)? {
        Chosen::Named(values, patterns) => Piped { values, view: View::List(patterns) },
        Chosen::Made(values) => Piped { values, view: View::List(Vec::new()) },
    })
}

/// `Format-Table`.
pub(super) fn format_table(run: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    Ok(match chosen(run, bound, input.values)? {
        Chosen::Named(values, patterns) => Piped { values, view: View::Table(patterns) },
        Chosen::Made(values) => Piped { values, view: View::Table(Vec::new()) },
    })
}

/// `Select-Object`.
pub(super) fn select_object(run: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let mut values = input.values;
    let count = |name| Ok(bound.number(name)?.map(|count| usize::try_from(count).unwrap_or(usize::MAX)));
    if let Some(skipped) = count("Skip")? {
        values.drain(..skipped.min(values.len()));
    }
    match (count("First")?, count("Last")?) {
        (None, None) => {}
        (Some(first), None) => values.truncate(first),
        (None, Some(last)) => {
            values.drain(..values.len().saturating_sub(last));
        }
        (Some(first), Some(last)) => {
            let end = values.len().saturating_sub(last);
            let kept = values.into_iter().enumerate().filter(|(at, _)| *at < first || *at >= end);
            values = kept.map(|(_, value)| value).collect();
        }
    }
    if let Some(name) = bound.text("ExpandProperty")? {
        let mut expanded = Vec::new();
        for value in values {
            let found = match &value {
                Value::Object(object) => object.property(&name).cloned().ok_or_else(|| {
                    let known = object.properties.iter().map(|(name, _)| name.as_str());
                    let known = nearest_first(&name, known);
                    let wrong = format!("Property \"{name}\" cannot be found. There are: {known}");
                    Wrong::unknown(bound.place("ExpandProperty"), wrong)
                })?,
                other => super::member::property(other, &name, bound.place("ExpandProperty"))?,
            };
            expanded.extend(found.each());
        }
        values = expanded;
    } else {
        values = match chosen(run, bound, values)? {
            Chosen::Named(values, patterns) if patterns.is_empty() => values,
            Chosen::Named(values, patterns) => {
                let select = |value: Value| match &value {
                    Value::Object(object) => {
                        let chosen = asked(object, &patterns);
                        let chosen = chosen.into_iter().map(|(name, value)| (name, value.clone()));
                        Object::value(chosen, Layout::Plain, object.identity.clone())
                    }
                    _ => value,
                };
                values.into_iter().map(select).collect()
            }
            Chosen::Made(values) => values,
        };
    }
    if bound.switch("Unique") {
        let mut unique: Vec<Value> = Vec::new();
        for value in values {
            run.step(unique.len() / 8 + 1, bound.span)?;
            if !unique.contains(&value) {
                unique.push(value);
            }
        }
        values = unique;
    }
    Ok(values.into())
}

/// `ForEach-Object { ... }`, or with the name of a property or method.
pub(super) fn for_each_object(run: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let mut made = Vec::new();
    let named = match (bound.get("MemberName"), bound.get("Process")) {
        (Some(named), _) => Some(named),
        (None, process) => process,
    };
    let Some(given) = named else {
        return Err(bound.missing(&["Process"]));
    };
    let once = |run: &mut Run<'_>, name: &str| match bound.get(name) {
        Some(Given { value: Value::Block(block), span, .. }) => run.block(block, Value::Null, *span),
        _ => Ok(Vec::new()),
    };
    made.extend(once(run, "Begin")?);
    for value in input.values {
        match &given.value {
            Value::Block(block) => made.extend(run.block(block, value, given.span)?),
            name => {
                run.step(1, given.span)?;
                let name = name.in_text();
                let is_property = match &value {
                    Value::Object(object) => object.property(&name).is_some(),
                    other => super::member::property(other, &name, given.span).is_ok(),
                };
                made.extend(
                    if is_property {
                        super::member::property(&value, &name, given.span)?
                    } else {
                        super::member::method(run, &value, &name, &[], given.span).map_err(|_| {
                            let known = match &value {
                                Value::Object(object) => nearest_first(
                                    &name,
                                    object.properties.iter().map(|(name, _)| name.as_str()),
                                ),
                                _ => String::new(),
                            };
                            let wrong = format!("there is no property {name}; there are: {known}");
                            Wrong::unknown(given.span, wrong)
                        })?
                    }
                    .each(),
                );
            }
        }
        run.held(&Value::count(made.len()), given.span)?;
        run.step(1, given.span)?;
    }
    made.extend(once(run, "End")?);
    Ok(made.into())
}

/// `Sort-Object`.
pub(super) fn sort_object(run: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let columns = columns(bound)?;
    let mut keyed = Vec::new();
    for value in input.values {
        let keys = if columns.is_empty() {
            vec![value.clone()]
        } else {
            let keys: Result<Vec<Value>, Wrong> =
                columns.iter().map(|column| column.of(run, &value, bound.place("Property"))).collect();
            keys?
        };
        keyed.push((keys, value));
    }
    let work = keyed.len().checked_ilog2().map_or(0, |log| (log as usize + 1) * keyed.len());
    run.step(work, bound.span)?;
    let terms = run.terms(false);
    let compare = |(one, _): &(Vec<Value>, Value), (other, _): &(Vec<Value>, Value)| {
        one.iter().zip(other).zip(columns.iter().map(|column| column.descending).chain([false])).fold(
            Ordering::Equal,
            |so_far, ((one, other), descending)| {
                so_far.then_with(|| {
                    // Values of different types stand in the order of their texts.
                    let texts = || one.in_text().to_lowercase().cmp(&other.in_text().to_lowercase());
                    let found = if std::mem::discriminant(one) == std::mem::discriminant(other) {
                        order(one, other, terms).unwrap_or_else(|_| texts())
                    } else {
                        texts()
                    };
                    if descending { found.reverse() } else { found }
                })
            },
        )
    };
    keyed.sort_by(compare);
    if bound.switch("Descending") {
        keyed.reverse();
    }
    if bound.switch("Unique") {
        keyed.dedup_by(|one, other| compare(one, other).is_eq());
    }
    Ok(keyed.into_iter().map(|(_, value)| value).collect::<Vec<_>>().into())
}

/// `Group-Object`.
pub(super) fn group_object(run: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let columns = columns(bound)?;
    let terms = run.terms(false);
    let mut groups: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
    for value in input.values {
        run.step(groups.len() + 1, bound.span)?;
        let keys: Result<Vec<Value>, Wrong> = if columns.is_empty() {
            Ok(vec![value.clone()])
        } else {
            columns.iter().map(|column| column.of(run, &value, bound.place("Property"))).collect()
        };
        let keys = keys?;
        let same = |known: &&mut (Vec<Value>, Vec<Value>)| {
            known.0.iter().zip(&keys).all(|(one, other)| equal(one, other, terms) == Ok(true) || one == other)
        };
        match groups.iter_mut().find(same) {
            Some((_, values)) => values.push(value),
            None => groups.push((keys, vec![value])),
        }
    }
    let shown = groups.into_iter().map(|(keys, values)| {
        let name = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let properties = [
            ("Count", Value::count(values.len())),
            ("Name", Value::text(&name)),
            ("Group", Value::List(values)),
        ];
        Object::value(properties, Layout::Plain, name)
    });
    Ok(shown.collect::<Vec<_>>().into())
}

/// `Measure-Object`.
pub(super) fn measure_object(run: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let span = bound.place("Property");
    let name = bound.text("Property")?;
    let mut values = Vec::new();
    for value in input.values {
        values.push(match &name {
            Some(name) => super::member::property(&value, name, span)?,
            None => value,
        });
    }
    values.retain(|value| *value != Value::Null);
    let sums = bound.switch("Sum") || bound.switch("Average");
    let mut sum = 0.0;
    if sums {
        for value in &values {
            sum += match to_number(value).map_err(|why| Wrong::argument(span, why))? {
                Value::Integer(number) => number::real(number),
                Value::Real(number) => number,
                _ => 0.0,
            };
        }
    }
    let terms = run.terms(false);
    let extreme = |wanted: Ordering| -> Result<Value, Wrong> {
        let mut found = Value::Null;
        for value in &values {
            let better = order(value, &found, terms).map_err(|why| Wrong::argument(span, why))?;
            if found == Value::Null || better == wanted {
                found = value.clone();
            }
        }
        Ok(found)
    };
    let asked_for = |name: &str, value: Value| if bound.switch(name) { value } else { Value::Null };
    let average =
        if values.is_empty() { Value::Null } else { Value::Real(sum / number::real(values.len() as i64)) };
    let properties = [
        ("Count", Value::count(values.len())),
        ("Average", asked_for("Average", average)),
        ("Sum", asked_for("Sum", Value::Real(sum))),
        ("Maximum", if bound.switch("Maximum") { extreme(Ordering::Greater)? } else { Value::Null }),
        ("Minimum", if bound.switch("Minimum") { extreme(Ordering::Less)? } else { Value::Null }),
        ("Property", name.map_or(Value::Null, Value::Text)),
    ];
    let measured = "Microsoft.PowerShell.Commands.GenericMeasureInfo";
    Ok(vec![Object::value(properties, Layout::Plain, measured)].into())
}

/// `Get-Member`: the names of the properties and their types.
#[expect(clippy::needless_pass_by_value, reason = "every cmdlet on a pipeline takes what comes")]
pub(super) fn get_member(_: &mut Run<'_>, _: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let Some(Value::Object(object)) = input.values.iter().find(|value| matches!(value, Value::Object(_)))
    else {
        return Ok(Piped::default());
    };
    let mut members: Vec<(&String, &Value)> =
        object.properties.iter().map(|(name, value)| (name, value)).collect();
    members.sort_by_key(|(name, _)| name.to_lowercase());
    let shown = members.into_iter().map(|(name, value)| {
        let definition = format!("{} {name}", value.type_name());
        let properties = [
            ("Name", Value::text(name)),
            ("MemberType", Value::text("Property")),
            ("Definition", Value::Text(definition)),
        ];
        Object::value(properties, Layout::Plain, name.clone())
    });
    Ok(shown.collect::<Vec<_>>().into())
}

/// `Out-Null`.
pub(super) fn nothing(_: &mut Run<'_>, _: &Bound, _: Piped) -> Result<Piped, Wrong> {
    Ok(Piped::default())
}

/// `Out-Host` and `Out-Default`: what comes is shown as it would be anyway.
pub(super) fn as_it_is(_: &mut Run<'_>, _: &Bound, input: Piped) -> Result<Piped, Wrong> {
    Ok(input)
}

/// `Out-String`: what stands on the screen, as a text.
pub(super) fn out_string(_: &mut Run<'_>, _: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let text = super::view::Output { values: input.values, view: input.view }.to_string();
    Ok(vec![Value::Text(text)].into())
}

/// `Write-Output`.
pub(super) fn write_output(_: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let given = bound.get("InputObject").map(|given| given.value.clone().each());
    Ok(given.unwrap_or(input.values).into())
}

/// `Write-Host`, `Write-Warning` and `Write-Verbose`: the text stands on the screen and goes nowhere else.
pub(super) fn write_host(run: &mut Run<'_>, bound: &Bound, input: Piped) -> Result<Piped, Wrong> {
    let given = ["Object", "Message"].iter().find_map(|name| bound.get(name));
    let values = given.map(|given| given.value.clone().each()).unwrap_or(input.values);
    let text = values.iter().map(super::text::cultural).collect::<Vec<_>>().join(" ");
    match bound.cmdlet {
        "Write-Warning" => run.warn(text),
        "Write-Verbose" => {}
        _ => run.say(text),
    }
    Ok(Piped::default())
}
