//! The page of a lab file's keys: from the schema, with an example of each key out of the built-in files.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value};

use super::super::root;
use super::cell;

/// The shortest value of each key in the files under `lab`, by the name of the definition and the key.
type Examples = BTreeMap<(String, String), String>;

/// No example is longer, in columns.
const WIDEST: usize = 76;

/// A table of the lab file: where it stands, as TOML has it, and its definition.
struct Table {
    headings: Vec<String>,
    definition: String,
}

pub(super) fn page(schema: &Value) -> String {
    let mut examples = Examples::new();
    for_each_file(&root().join("lab"), &mut |text| {
        let file: toml::Table = text.parse().unwrap();
        collect(schema, schema, "", &serde_json::to_value(file).unwrap(), &mut examples);
    });
    let mut page = String::from(
        "# Every key of a lab file\n\nThis page is made from the schema that `starttls-lab schema` prints. The \
         examples are out of the built-in scenarios\nand the fault catalogue (`starttls-lab show NAME`). [The lab \
         file](lab-file.md) shows a whole one. A key in **bold**\nhas to be there.\n",
    );
    for Table { headings, definition } in tables(schema) {
        let node = if definition.is_empty() { schema } else { &schema["$defs"][&definition] };
        let headings = headings.join(", ");
        write!(page, "\n## {headings}\n\n{}\n\n| key | value | what |\n|---|---|---|\n", text(node)).unwrap();
        for (key, property) in properties(node) {
            row(&mut page, schema, &definition, node, key, property, &examples);
        }
    }
    page
}

/// Every table, from the top down.
fn tables(schema: &Value) -> Vec<Table> {
    let mut tables = vec![Table { headings: vec!["The file".to_owned()], definition: String::new() }];
    let mut open = VecDeque::from([(String::new(), String::new())]);
    while let Some((path, definition)) = open.pop_front() {
        let node = if definition.is_empty() { schema } else { &schema["$defs"][&definition] };
        for (key, property) in properties(node) {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let Some((definition, held)) = inner_table(schema, property) else { continue };
            let (heading, path) = match held {
                Held::One => (format!("`[{inner}]`"), inner),
                Held::List => (format!("`[[{inner}]]`"), inner),
                Held::ByName => (format!("`[{inner}.NAME]`"), format!("{inner}.NAME")),
            };
            if let Some(known) = tables.iter_mut().find(|table| table.definition == definition) {
                known.headings.push(heading);
            } else {
                tables.push(Table { headings: vec![heading], definition: definition.clone() });
                open.push_back((path, definition));
            }
        }
    }
    tables
}

fn row(
    page: &mut String,
    schema: &Value,
    definition: &str,
    node: &Value,
    key: &str,
    property: &Value,
    examples: &Examples,
) {
    let required = node["required"].as_array().is_some_and(|keys| keys.iter().any(|it| it == key));
    let name = if required { format!("**`{key}`**") } else { format!("`{key}`") };
    let mut what = cell(&text(property));
    if let Some(default) = property.get("default").filter(|value| !value.is_null()) {
        write!(what, " Left out: `{}`.", toml_value(default)).unwrap();
    }
    if let Some(example) = examples.get(&(definition.to_owned(), key.to_owned())) {
        write!(what, "<br>`{}`", cell(example)).unwrap();
    }
    writeln!(page, "| {name} | {} | {what} |", kind(schema, property)).unwrap();
}

fn text(node: &Value) -> String {
    let text = node["description"].as_str().unwrap_or_default();
    // Links to items of the code lead nowhere on a page.
    text.replace("[`", "`").replace("`]", "`")
}

fn properties(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node["properties"].as_object().into_iter().flat_map(Map::iter)
}

/// The node itself, or what it refers to, without the alternative that it is left out.
fn resolved<'a>(schema: &'a Value, node: &'a Value) -> (Option<&'a str>, &'a Value) {
    if let Some(name) = node["$ref"].as_str().and_then(|link| link.strip_prefix("#/$defs/")) {
        return (Some(name), &schema["$defs"][name]);
    }
    let alternatives = node["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    match alternatives {
        [one, null] if null["type"] == "null" => resolved(schema, one),
        _ => (None, node),
    }
}

/// How a key holds tables.
enum Held {
    One,
    List,
    /// Each by a name of its own.
    ByName,
}

/// The definition of the table that a key holds, and how it holds it.
fn inner_table(schema: &Value, property: &Value) -> Option<(String, Held)> {
    let (name, node) = resolved(schema, property);
    if let Some(name) = name.filter(|_| node.get("properties").is_some()) {
        return Some((name.to_owned(), Held::One));
    }
    let held = if node.get("items").is_some() { Held::List } else { Held::ByName };
    let (name, node) = resolved(schema, node.get("items").or_else(|| node.get("additionalProperties"))?);
    name.filter(|_| node.get("properties").is_some()).map(|name| (name.to_owned(), held))
}

fn kind(schema: &Value, property: &Value) -> String {
    let (name, node) = resolved(schema, property);
    if node.get("properties").is_some() {
        return "table".to_owned();
    }
    if let Some(items) = node.get("items") {
        return match kind(schema, items).as_str() {
            "table" => "tables".to_owned(),
            kind => several("list", kind),
        };
    }
    if let Some(words) = words(node) {
        return words;
    }
    if let Some(values) = node.get("additionalProperties").filter(|values| values.is_object()) {
        return several("table", &kind(schema, values));
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(alternatives) = node[alternatives].as_array() {
            let mut kinds: Vec<_> = alternatives.iter().map(|node| alternative(schema, node)).collect();
            kinds.dedup();
            return kinds.join(" or ");
        }
    }
    let scalar = match &node["type"] {
        Value::Array(types) => types.iter().find(|it| *it != "null").and_then(Value::as_str),
        other => other.as_str(),
    };
    match (name, node["description"].as_str(), scalar) {
        (Some(_), Some(text), Some("string")) => lower(&cell(text.trim_end_matches('.'))),
        (_, _, Some("boolean")) => "`true` or `false`".to_owned(),
        (_, _, scalar) => scalar.unwrap_or("any").to_owned(),
    }
}

fn several(what: &str, kind: &str) -> String {
    if kind.starts_with("a ") || kind.starts_with("an ") {
        format!("{what}, each {kind}")
    } else {
        format!("{what} of {kind}")
    }
}

/// A sentence as it goes on in the middle of another one.
fn lower(sentence: &str) -> String {
    match sentence.split_once(' ') {
        Some((first @ ("A" | "An" | "The"), rest)) => format!("{} {rest}", first.to_lowercase()),
        _ => sentence.to_owned(),
    }
}

/// One of several forms of a value: a word, or a table with a key of its own.
fn alternative(schema: &Value, node: &Value) -> String {
    let of = |(key, value): (&String, &Value)| format!("{key} = {}", kind(schema, value).replace('`', ""));
    let keys: Vec<_> = properties(node).map(of).collect();
    if keys.is_empty() { kind(schema, node) } else { format!("`{{ {} }}`", keys.join(", ")) }
}

/// The words that a value can be.
fn words(node: &Value) -> Option<String> {
    let quoted = |word: &Value| word.as_str().map(|word| format!("`{word}`"));
    let words: Option<Vec<_>> = match (node.get("enum"), node.get("const"), node.get("oneOf")) {
        (Some(words), ..) => words.as_array()?.iter().filter(|word| !word.is_null()).map(quoted).collect(),
        (_, Some(word), _) => Some(vec![quoted(word)?]),
        (.., Some(forms)) => {
            forms.as_array()?.iter().map(|form| form.get("const").and_then(quoted)).collect()
        }
        _ => None,
    };
    Some(words?.join(", "))
}

/// Keeps the shortest value of each key of `value`, which `node` describes.
fn collect(schema: &Value, node: &Value, definition: &str, value: &Value, examples: &mut Examples) {
    let Some(values) = value.as_object() else { return };
    for (key, property) in properties(node) {
        let Some(value) = values.get(key) else { continue };
        if let Some((inner, _)) = inner_table(schema, property) {
            let node = &schema["$defs"][&inner];
            let several: Vec<_> = match value {
                Value::Array(values) => values.iter().collect(),
                Value::Object(values) if resolved(schema, property).1.get("properties").is_none() => {
                    values.values().collect()
                }
                one => vec![one],
            };
            several.into_iter().for_each(|value| collect(schema, node, &inner, value, examples));
            continue;
        }
        let example = format!("{key} = {}", toml_value(value));
        let place = (definition.to_owned(), key.clone());
        let is_shorter = examples.get(&place).is_none_or(|kept| example.len() < kept.len());
        if example.len() <= WIDEST && !example.contains('\n') && !example.contains('`') && is_shorter {
            examples.insert(place, example);
        }
    }
}

/// A value as TOML has it, on one line.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Object(values) => {
            let pairs: Vec<_> = values
                .iter()
                .map(|(key, value)| format!("{} = {}", toml_key(key), toml_value(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// A key, in quotes where it would be several of them, or none.
fn toml_key(key: &str) -> String {
    let is_bare = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { format!("{key:?}") }
}

fn for_each_file(folder: &Path, act: &mut impl FnMut(&str)) {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            for_each_file(&path, act);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            act(&std::fs::read_to_string(path).unwrap());
        }
    }
}
