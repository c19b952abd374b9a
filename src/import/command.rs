//! Commands that configure a connector: a log of the Hybrid Configuration Wizard, a script, a history.

use super::record::{Field, Kind, Record};

/// Reads an object for each command in `text` that creates or changes a connector, with the parameters it
/// sets.
pub(super) fn read(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for (kind, parameters) in commands(text) {
        let parameters = self::parameters(&parameters);
        // A command that is only mentioned has no parameters of its own.
        if parameters.len() < 2 {
            continue;
        }
        let mut record = Record { hint: Some(kind), ..Record::default() };
        for (name, field) in parameters {
            record.set(&name, field);
        }
        records.push(record);
    }
    records
}

/// Returns every command with the text behind its verb, up to the next command or a blank line.
fn commands(text: &str) -> Vec<(Kind, String)> {
    let verbs = [
        ("set-receiveconnector", Kind::ReceiveConnector),
        ("new-receiveconnector", Kind::ReceiveConnector),
        ("set-sendconnector", Kind::SendConnector),
        ("new-sendconnector", Kind::SendConnector),
    ];
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<(usize, usize, Kind)> = Vec::new();
    for (verb, kind) in verbs {
        found.extend(lower.match_indices(verb).map(|(at, _)| (at, at + verb.len(), kind)));
    }
    found.sort_unstable_by_key(|(at, ..)| *at);
    let each = found.iter().enumerate().map(|(at, (_, from, kind))| {
        let to = found.get(at + 1).map_or(text.len(), |(next, ..)| *next);
        let body = text.get(*from..to).unwrap_or_default();
        // The text before the next verb in its own line is a prompt, a date, or a sentence.
        let body = match body.rsplit_once('\n') {
            Some((lines, last)) if to < text.len() && !last.contains(" -") => lines,
            _ => body,
        };
        let body = body.split("\n\n").next().unwrap_or_default();
        (*kind, in_one_line(text, *from, body))
    });
    each.collect()
}

/// Joins a command into one line: a backtick continues it, a full line continues within a word, the others at
/// a space.
fn in_one_line(text: &str, from: usize, body: &str) -> String {
    let before = text.get(..from).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
    let width =
        |at: usize, line: &str| line.chars().count() + if at == 0 { before.chars().count() } else { 0 };
    let lines: Vec<&str> = body.lines().map(str::trim_end).collect();
    let (_, broken) = lines.split_last().unwrap_or((&"", &[]));
    let longest = broken.iter().enumerate().map(|(at, line)| width(at, line)).max().unwrap_or(0);
    let full = broken.iter().enumerate().filter(|(at, line)| width(*at, line) == longest).count();
    let mut whole = String::new();
    for (at, line) in lines.iter().enumerate() {
        // A command without line breaks ends with its line.
        let begins = line.trim_start().starts_with(['-', '\'', '"', '$']) || at == 0;
        let prose =
            !line.contains(['\'', '"', '$']) && !line.contains(" -") && line.split_whitespace().count() > 2;
        if at > 0 && !begins && (prose || !whole.contains(" -")) {
            break;
        }
        whole.push_str(line.strip_suffix('`').unwrap_or(line));
        let tight = full > 1 && width(at, line) == longest && !line.ends_with([',', '`']);
        whole.push_str(if tight { "" } else { " " });
    }
    whole
}

fn parameters(text: &str) -> Vec<(String, Field)> {
    let mut found: Vec<(String, Vec<String>, bool)> = Vec::new();
    let mut rest = text.trim_start();
    // A first value without a name is the identity.
    if !rest.starts_with('-') && !rest.is_empty() {
        found.push(("Identity".to_owned(), Vec::new(), false));
    }
    while let Some(first) = rest.chars().next() {
        let named =
            rest.strip_prefix('-').filter(|after| after.starts_with(|c: char| c.is_ascii_alphabetic()));
        if matches!(first, '|' | ';' | '#' | ')' | '}') {
            break;
        } else if let Some(after) = named {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
            found.push((after[..end].to_owned(), Vec::new(), false));
            rest = after[end..].trim_start_matches([':', ' ', '\t']);
        } else if first == ',' {
            rest = rest[1..].trim_start();
        } else {
            let (value, after, variable) = value(rest);
            if let Some((_, values, unknown)) = found.last_mut() {
                values.push(value);
                *unknown |= variable;
            }
            rest = after.trim_start();
        }
    }
    let fields = found.into_iter().map(|(name, values, unknown)| {
        let field = match values.as_slice() {
            _ if unknown => Field::Lost,
            // A switch by itself is true.
            [] => Field::text("True"),
            [one] => Field::text(one.trim_start_matches('$')),
            many => Field::List { items: many.to_vec(), cut: false },
        };
        let null = matches!(&field, Field::Text { text, .. } if text == "null");
        (name, if null { Field::Null } else { field })
    });
    fields.collect()
}

/// Returns a value, the text that follows it, and whether it is a variable with unknown contents.
fn value(text: &str) -> (String, &str, bool) {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote) {
            let (body, after) = inner.split_once(quote).unwrap_or((inner, ""));
            let variable = quote == '"' && body.contains("$(");
            return (body.to_owned(), after, variable);
        }
    }
    let end = text.find([' ', ',', '\t', ';', '|']).unwrap_or(text.len());
    let (word, after) = text.split_at(end.max(1).min(text.len()));
    let known = ["$null", "$true", "$false"].iter().any(|known| known.eq_ignore_ascii_case(word));
    let word_lower = if known { word.to_ascii_lowercase() } else { word.to_owned() };
    (word_lower, after, word.starts_with('$') && !known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_command_tells_what_the_connector_was_given() {
        let text = "2021 INFO Set-ReceiveConnector -AuthMechanism 'Tls, ExchangeServer' -Bindings '[::]:25','0.0.0.0:25' \
            -RequireTLS:$false -TLSCertificateName '<I>CN=Example CA, C=US<S>CN=mail.contoso.com' `\n  -Fqdn $null -Identity 'EX01\\Default Frontend EX01'\n\
            New-SendConnector -Name x -TLSCertificateName $TLSCertName -RequireTLS\nUse Set-ReceiveConnector for this.";
        let records = read(text);
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].kind(), Some(Kind::ReceiveConnector));
        assert_eq!(
            records[0].text(&["TlsCertificateName"]).unwrap(),
            "<I>CN=Example CA, C=US<S>CN=mail.contoso.com"
        );
        assert_eq!(records[0].get("Bindings").unwrap().items(), ["[::]:25", "0.0.0.0:25"]);
        assert_eq!(records[0].get("RequireTLS").unwrap().as_bool(), Some(false));
        assert_eq!(records[0].get("Fqdn"), Some(&Field::Null));
        assert_eq!(records[1].get("TLSCertificateName"), Some(&Field::Lost));
        assert_eq!(records[1].get("RequireTLS").unwrap().as_bool(), Some(true));
    }
}
