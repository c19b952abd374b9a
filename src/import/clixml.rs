//! `Export-Clixml` files (MS-PSRP section 2.2.5): objects with typed properties and shared references.

use std::borrow::Cow;
use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::record::{Field, Kind, Record};
use super::text::unescape;

/// The deepest nesting that is read. An export of connectors and certificates has neither deeper nesting nor
/// more elements than these limits.
const DEEPEST: usize = 48;
const MOST_ELEMENTS: usize = 400_000;

/// An element: its tag, the property name it carries, its text, and what is in it.
#[derive(Debug, Default)]
struct Node {
    tag: String,
    name: String,
    id: Option<String>,
    text: String,
    children: Vec<Node>,
}

/// The objects that were read, and what stopped the reading.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) records: Vec<Record>,
    pub(super) problem: Option<String>,
}

/// Splits a text into the exports in it and the text around them, in which an event may stand.
pub(super) fn split(text: &str) -> (Vec<&str>, Cow<'_, str>) {
    const END: &str = "</Objs>";
    let Some(first) = text.find("<Objs") else { return (Vec::new(), text.into()) };
    let (mut exports, mut around) = (Vec::new(), String::new());
    let mut rest = text;
    let mut next = Some(first);
    while let Some(start) = next {
        let (before, export) = rest.split_at(start);
        around.push_str(before);
        let end = export.find(END).map_or(export.len(), |end| end + END.len());
        let (export, after) = export.split_at(end);
        exports.push(export);
        rest = after;
        next = rest.find("<Objs");
    }
    around.push_str(rest);
    (exports, around.into())
}

/// Reads every recognizable object in the export that begins in `text`.
pub(super) fn read(text: &str) -> Read {
    let Some(at) = text.find("<Objs") else {
        return Read::default();
    };
    let (root, problem) = tree(&text[at..]);
    let mut known = HashMap::new();
    index(&root, &mut known);
    let mut records = Vec::new();
    collect(&root, &known, &mut records);
    Read { records, problem }
}

fn tree(text: &str) -> (Node, Option<String>) {
    let mut reader = Reader::from_str(text);
    let mut stack = vec![Node::default()];
    let mut count = 0;
    let problem = loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => break Some(error.to_string()),
        };
        match event {
            Event::Start(start) => {
                count += 1;
                if stack.len() > DEEPEST || count > MOST_ELEMENTS {
                    break Some("it is nested too deeply or too long".to_owned());
                }
                stack.push(node(&start));
            }
            Event::Empty(start) => {
                count += 1;
                if count > MOST_ELEMENTS {
                    break Some("it is too long".to_owned());
                }
                close(&mut stack, node(&start));
            }
            Event::End(_) => {
                let Some(node) = (stack.len() > 1).then(|| stack.pop()).flatten() else { break None };
                close(&mut stack, node);
                if stack.len() == 1 {
                    break None;
                }
            }
            Event::Text(text) => push_text(&mut stack, &text),
            Event::CData(text) => push_text(&mut stack, &text),
            Event::GeneralRef(name) => push_text(&mut stack, &format!("&{};", &*name)),
            Event::Eof => break Some("it ends in the middle of an object".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    };
    // An element that was open where the text ended is as good as a closed one.
    while stack.len() > 1 {
        if let Some(node) = stack.pop() {
            close(&mut stack, node);
        }
    }
    (stack.pop().unwrap_or_default(), problem)
}

fn node(start: &quick_xml::events::BytesStart<'_>) -> Node {
    let mut node = Node { tag: start.local_name().as_ref().to_owned(), ..Node::default() };
    for attribute in start.attributes().with_checks(false).flatten() {
        let value = plain(&attribute.value);
        match attribute.key.local_name().as_ref() {
            "N" => node.name = value,
            "RefId" => node.id = Some(value),
            _ => {}
        }
    }
    node
}

fn push_text(stack: &mut [Node], text: &str) {
    if let Some(node) = stack.last_mut() {
        node.text.push_str(text);
    }
}

fn close(stack: &mut [Node], mut node: Node) {
    node.text = if node.children.is_empty() { plain(&node.text) } else { String::new() };
    if let Some(parent) = stack.last_mut() {
        parent.children.push(node);
    }
}

/// Returns the text without entities and without the `_x000D_` of PowerShell.
fn plain(text: &str) -> String {
    let text = unescape(text);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find("_x") {
        let (before, code) = rest.split_at(at);
        plain.push_str(before);
        let unit = code.get(2..6).filter(|_| code.get(6..7) == Some("_"));
        match unit.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                plain.push(c);
                rest = &code[7..];
            }
            None => {
                plain.push_str("_x");
                rest = &code[2..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Indexes the objects by their reference identifiers.
fn index<'a>(node: &'a Node, known: &mut HashMap<&'a str, &'a Node>) {
    if node.tag == "Obj"
        && let Some(id) = &node.id
    {
        known.entry(id.as_str()).or_insert(node);
    }
    node.children.iter().for_each(|child| index(child, known));
}

fn collect(node: &Node, known: &HashMap<&str, &Node>, records: &mut Vec<Record>) {
    if node.tag == "Obj" {
        let record = record(node, known);
        if record.kind().is_some() && record.fields.len() > 1 {
            records.push(record);
            return;
        }
    }
    node.children.iter().for_each(|child| collect(child, known, records));
}

fn record(object: &Node, known: &HashMap<&str, &Node>) -> Record {
    let mut record = Record::default();
    for part in object.children.iter().filter(|part| part.tag == "Props" || part.tag == "MS") {
        for property in part.children.iter().filter(|property| !property.name.is_empty()) {
            record.set(&property.name, field(property, known));
        }
    }
    let types = object.children.iter().find(|child| child.tag == "TN");
    let certificate =
        types.is_some_and(|types| types.children.iter().any(|it| it.text.ends_with("X509Certificate2")));
    if certificate {
        record.hint = Some(Kind::Certificate);
    }
    record
}

fn field(property: &Node, known: &HashMap<&str, &Node>) -> Field {
    match property.tag.as_str() {
        "Nil" => Field::Null,
        "Ref" => {
            let target = property.id.as_deref().and_then(|id| known.get(id));
            target.map_or(Field::Lost, |target| of_object(target))
        }
        "Obj" => of_object(property),
        "B" => Field::text(if property.text == "true" { "True" } else { "False" }),
        _ => Field::text(property.text.trim()),
    }
}

/// Returns the text of `<ToString>`, which is what `Format-List` shows; a list as its items.
fn of_object(object: &Node) -> Field {
    let child = |tag: &str| object.children.iter().find(|child| child.tag == tag);
    let items = ["LST", "IE", "QUE", "STK"].into_iter().find_map(child);
    if let Some(items) = items {
        let items = items.children.iter().filter_map(|item| match item.tag.as_str() {
            "Obj" => of_object(item).as_text(),
            "Nil" => None,
            _ => Some(item.text.clone()),
        });
        return Field::List { items: items.collect(), cut: false };
    }
    match child("ToString") {
        Some(text) => Field::text(text.text.trim()),
        None => {
            let simple =
                object.children.iter().find(|child| child.children.is_empty() && child.tag != "TNRef");
            simple.map_or(Field::Lost, |simple| Field::text(simple.text.trim()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: &str = r#"<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
  <Obj RefId="0"><TN RefId="0"><T>x.ReceiveConnector</T></TN><ToString>EX01\A</ToString><Props>
    <Obj N="AuthMechanism" RefId="1"><ToString>Tls, ExchangeServer</ToString><I32>17</I32></Obj>
    <Obj N="Bindings" RefId="2"><LST><Obj RefId="3"><ToString>0.0.0.0:25</ToString></Obj><S>[::]:25</S></LST></Obj>
    <Obj N="Identity" RefId="9"><ToString>EX01\A</ToString></Obj><Ref N="Id" RefId="9" />
    <S N="Banner">220 a_x000D__x000A_b &lt;I&gt;</S><Nil N="TlsCertificateName" /><B N="RequireTLS">true</B>
  </Props><MS><S N="PSComputerName">ex01.contoso.com</S></MS></Obj></Objs>"#;

    #[test]
    fn properties_lists_references_and_escapes_are_read() {
        let read = read(EXPORT);
        assert_eq!((read.records.len(), read.problem), (1, None));
        let record = &read.records[0];
        assert_eq!(record.get("Bindings").unwrap().items(), ["0.0.0.0:25", "[::]:25"]);
        assert_eq!(record.text(&["Id"]).unwrap(), "EX01\\A");
        assert_eq!(record.text(&["AuthMechanism"]).unwrap(), "Tls, ExchangeServer");
        assert_eq!(record.text(&["Banner"]).unwrap(), "220 a\r\nb <I>");
        assert_eq!(record.get("TlsCertificateName"), Some(&Field::Null));
        assert_eq!(record.get("RequireTLS").unwrap().as_bool(), Some(true));
    }

    #[test]
    fn half_an_export_gives_what_is_in_it_and_says_that_it_is_half() {
        let half = read(&EXPORT[..EXPORT.len() - 120]);
        assert!(half.problem.is_some());
        let deep = format!("<Objs>{}", "<Obj>".repeat(100_000));
        assert!(read(&deep).problem.unwrap().contains("too"));
    }
}
