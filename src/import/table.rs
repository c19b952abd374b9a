//! `Format-Table` text: columns under a line of dashes, and the rows of certificates without a head.

use super::certificate::services;
use super::names::known_name;
use super::record::{Field, Kind, Record};

/// Reads every row of every table in `text`.
pub(super) fn read(text: &str) -> Vec<Record> {
    let lines = without_gaps(text);
    let mut records: Vec<Record> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let head = at.checked_sub(1).and_then(|head| lines.get(head));
        at += 1;
        if let (Some(columns), Some(head)) = (columns(line), head)
            && let Some(names) = names(head, &columns)
        {
            while let Some(row) = lines.get(at).filter(|row| !row.trim().is_empty()) {
                match cells(row, &columns) {
                    Some(cells) => records.push(record(&names, cells)),
                    None => goes_on(records.last_mut(), &names, row, &columns),
                }
                at += 1;
            }
        }
    }
    // Half of a thumbprint is one that a wrapped table cut off.
    let whole = |record: &Record| {
        record.text(&["Thumbprint"]).is_none_or(|it| it.contains("...") || is_thumbprint(&it))
    };
    // Lines of something else below a head that has lost its first column are no certificates.
    let told = |record: &Record| {
        let named = ["Thumbprint", "Subject", "CertificateDomains"];
        record.text(&["Thumbprint"]).is_some()
            || record.kind() != Some(Kind::Certificate)
            || record.text(&named).is_some()
                && record.text(&["Services"]).is_none_or(|it| services(&it).is_some())
    };
    records.retain(|record| record.kind().is_some() && whole(record) && told(record));
    for row in certificate_rows(text) {
        let own = row.text(&["Thumbprint"]);
        match records.iter_mut().find(|record| record.text(&["Thumbprint"]) == own) {
            Some(record) => {
                // A cell that wrapping has emptied is unknown.
                record.fields.retain(|(_, field)| *field != Field::Null);
                row.fields.into_iter().for_each(|(name, field)| record.set(&name, field));
            }
            None => records.push(row),
        }
    }
    records
}

/// Returns whether the text holds a table that was wrapped, so that its columns cannot be recognized.
pub(super) fn is_broken(text: &str) -> bool {
    let head = ["Identity", "Bindings", "Thumbprint", "TlsCertificateName", "AddressSpaces", "Services"];
    let words = text.split_whitespace().filter(|word| head.contains(word)).count();
    words > 0 && text.contains("------") && read(text).is_empty()
}

/// Returns the lines, without the blank ones if a web form has put one behind each line.
fn without_gaps(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let filled = lines.iter().filter(|line| !line.trim().is_empty()).count();
    let gaps =
        lines.windows(2).filter(|pair| !pair[0].trim().is_empty() && pair[1].trim().is_empty()).count();
    if filled > 2 && gaps + 1 >= filled {
        return lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
    }
    lines
}

/// Returns the start of each column, in characters, if the line is one of dashes.
fn columns(line: &str) -> Option<Vec<usize>> {
    let dashes = line.chars().all(|c| c == '-' || c == ' ') && line.contains("--");
    let mut starts = Vec::new();
    let mut before = ' ';
    for (at, c) in line.chars().enumerate() {
        if c == '-' && before == ' ' {
            starts.push(at);
        }
        before = c;
    }
    (dashes && starts.len() > 1).then_some(starts)
}

fn names(head: &str, columns: &[usize]) -> Option<Vec<String>> {
    let words: Vec<&str> = head.split_whitespace().collect();
    if words.len() != columns.len() || !words.iter().any(|word| known_name(word).is_some()) {
        return None;
    }
    let name = |word: &&str| known_name(word).map_or_else(|| (*word).to_owned(), str::to_owned);
    Some(words.iter().map(name).collect())
}

/// Splits a row into cells: by the columns if they fit, else by gaps of two spaces.
fn cells(row: &str, columns: &[usize]) -> Option<Vec<String>> {
    let chars: Vec<char> = row.chars().collect();
    let holds = columns.iter().skip(1).all(|start| chars.get(start - 1).is_none_or(|c| *c == ' '));
    if holds {
        let ends = columns.iter().skip(1).copied().chain([chars.len()]);
        let cells = columns.iter().zip(ends).map(|(start, end)| {
            let cell = chars.get(*start..end.min(chars.len())).unwrap_or_default();
            cell.iter().collect::<String>().trim().to_owned()
        });
        let cells: Vec<String> = cells.collect();
        return cells.first().is_some_and(|first| !first.is_empty()).then_some(cells);
    }
    let mut parts: Vec<String> = Vec::new();
    for part in row.split("  ").map(str::trim).filter(|part| !part.is_empty()) {
        parts.push(part.to_owned());
    }
    (parts.len() == columns.len()).then_some(parts)
}

/// Adds the continuation line of a row from `Format-Table -Wrap`.
fn goes_on(record: Option<&mut Record>, names: &[String], row: &str, columns: &[usize]) {
    let Some(record) = record else { return };
    let chars: Vec<char> = row.chars().collect();
    for (at, name) in names.iter().enumerate() {
        let start = columns.get(at).copied().unwrap_or(0);
        let end = columns.get(at + 1).copied().unwrap_or(chars.len()).min(chars.len());
        let more: String = chars.get(start..end).unwrap_or_default().iter().collect();
        let known = record.fields.iter_mut().find(|(known, _)| known == name);
        if let (Some((_, field)), false) = (known, more.trim().is_empty()) {
            let before = field.as_text().unwrap_or_default();
            *field = Field::shown(&format!("{before} {}", more.trim()), true);
        }
    }
}

fn record(names: &[String], cells: Vec<String>) -> Record {
    let fields = names.iter().zip(cells).map(|(name, cell)| (name.clone(), Field::shown(&cell, false)));
    let mut record = Record { fields: fields.collect(), ..Record::default() };
    let services = record.get("Services").and_then(Field::as_text).and_then(|text| letters(&text));
    if let Some(services) = services {
        record.fields.retain(|(name, _)| name != "Services");
        record.set("Services", services);
    }
    record
}

/// Reads `IP.WS..`, the services of a certificate; the column grew over the years.
fn letters(text: &str) -> Option<Field> {
    let known = [
        ('I', "IMAP"),
        ('P', "POP"),
        ('U', "UM"),
        ('W', "IIS"),
        ('S', "SMTP"),
        ('F', "Federation"),
        ('C', "UMCallRouter"),
    ];
    let fits =
        (5..=8).contains(&text.len()) && text.chars().all(|c| c == '.' || known.iter().any(|(l, _)| *l == c));
    let plain = text.chars().any(|c| c == '.') || text == "IPUWSFC";
    if !fits || !plain {
        return None;
    }
    let names: Vec<&str> =
        known.iter().filter(|(letter, _)| text.contains(*letter)).map(|(_, name)| *name).collect();
    Some(Field::text(if names.is_empty() { "None".to_owned() } else { names.join(", ") }))
}

/// Reads `0011...  IP.WS.  CN=mail.contoso.com`, which is unambiguous, whatever the line breaks.
fn certificate_rows(text: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut subject: Vec<&str> = Vec::new();
    // A blank line ends the row before it.
    let marked = text.lines().map(|line| if line.trim().is_empty() { BREAK } else { line });
    let marked = marked.collect::<Vec<_>>().join("\n");
    let mut words = marked.split_whitespace().peekable();
    let close = |subject: &mut Vec<&str>, records: &mut Vec<Record>| {
        let whole = subject.join(" ");
        if let Some(record) = records.last_mut() {
            record.set("Subject", Field::text(whole.trim_end_matches("...")));
        }
        subject.clear();
    };
    while let Some(word) = words.next() {
        let services = words.peek().filter(|_| is_thumbprint(word)).and_then(|next| letters(next));
        if let Some(services) = services {
            words.next();
            close(&mut subject, &mut records);
            let mut record = Record { hint: Some(Kind::Certificate), ..Record::default() };
            record.set("Thumbprint", Field::text(word));
            record.set("Services", services);
            records.push(record);
        } else if !records.is_empty() {
            // A subject is attributes with commas between them; any other word ends it.
            let begins = subject.is_empty()
                && word.starts_with(|c: char| c.is_ascii_uppercase())
                && word.contains('=');
            let goes_on =
                subject.last().is_some_and(|last| last.ends_with(',') || !word.contains(['=', ':', '\\']))
                    && subject.len() < 40
                    && !word.starts_with(['[', '-', '#'])
                    && word != BREAK;
            if begins || goes_on {
                subject.push(word);
            } else {
                break_off(&mut subject, &mut records);
            }
        }
    }
    close(&mut subject, &mut records);
    records
}

/// A mark for a blank line; no word of a paste equals it, because control characters are removed.
const BREAK: &str = "\u{1}";

/// Ends a subject at a word that belongs to something else; later words are not added to it.
fn break_off(subject: &mut Vec<&str>, records: &mut [Record]) {
    if let Some(record) = records.last_mut().filter(|_| !subject.is_empty()) {
        record.set("Subject", Field::text(subject.join(" ")));
    }
    subject.clear();
}

/// Returns whether a word is forty hexadecimal digits.
pub(super) fn is_thumbprint(word: &str) -> bool {
    word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "
Thumbprint                                Services   Subject
----------                                --------   -------
00112233445566778899AABBCCDDEEFF00112233  IP.WS..    CN=mail.contoso.com, O=Contoso
FF112233445566778899AABBCCDDEEFF00112233  .......    CN=EX01
";

    #[test]
    fn a_table_of_certificates_is_read_with_and_without_its_head_and_spaces() {
        let whole = read(TABLE);
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0].text(&["Services"]).unwrap(), "IMAP, POP, IIS, SMTP");
        assert_eq!(whole[1].text(&["Services"]).unwrap(), "None");
        assert_eq!(whole[0].kind(), Some(Kind::Certificate));
        let rows: String =
            TABLE.lines().skip(3).map(|line| format!("{}\n", super::super::text::folded(line))).collect();
        assert_eq!(read(&rows).len(), 2);
    }

    #[test]
    fn lines_below_a_head_without_its_first_column_are_certificates_only_with_services() {
        let head = "XThumbprint                                Services   Subject
-----------                                --------   -------
";
        let row = "00112233445566778899AABBCCDDEEFF00112233   IP.WS..    CN=mail.contoso.com\n";
        let other =
            "    \"keywords\": [\"SIZE 37748736\", \"PIPELINING\", \"DSN\", \"ENHANCEDSTATUSCODES\"],\n";
        assert_eq!(read(&format!("{head}{row}{other}{other}")).len(), 1);
    }

    #[test]
    fn a_table_of_connectors_holds_lists_and_names_with_spaces() {
        let text = "
Identity                   Bindings                 Enabled
--------                   --------                 -------
EX01\\Default Frontend EX01 {[::]:25, 0.0.0.0:25}    True
EX01\\Client Frontend EX01  {[::]:587, 0.0.0.0:587}  True
";
        let records = read(text);
        assert_eq!(records.len(), 2);
        assert_eq!(records[1].text(&["Identity"]).unwrap(), "EX01\\Client Frontend EX01");
        assert_eq!(records[0].get("Bindings").unwrap().items(), ["[::]:25", "0.0.0.0:25"]);
        assert_eq!(records[0].kind(), Some(Kind::ReceiveConnector));
    }

    #[test]
    fn text_that_only_looks_like_a_table_is_none() {
        assert_eq!(read("a b\n-- --\nc d\n").len(), 0);
        assert_eq!(read("----\n----  ----\nüü\n").len(), 0);
    }
}
