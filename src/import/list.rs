//! `Format-List` text, even if it was wrapped, respaced or damaged in transit.
//!
//! PowerShell pads the names of an object's properties to one column, and continues a long value in the
//! column behind the colon: by words for some cultures, in the middle of a word for the others. Mail programs
//! and web forms wrap again, put blank lines between the rows, or remove the padding.

use super::names::{go_together, known_name};
use super::record::{Field, Kind, Record};

/// A row: the name as it was written, the column of its colon, and the text that follows.
struct Row<'a> {
    name: &'a str,
    colon: usize,
    value: &'a str,
}

/// The value of a row with its continuation lines.
struct Open {
    name: String,
    lines: Vec<String>,
    /// The width of the row's first line as a whole, and of its continuations.
    widths: Vec<usize>,
}

/// Reads every object in `text`.
pub(super) fn read(text: &str) -> Vec<Record> {
    let records = read_lines(&unfold(text));
    if !records.is_empty() || text.matches(':').count() < 3 {
        return records;
    }
    // If a window was narrower than the names, even they are broken; then only their order identifies them.
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let longest = lines.iter().map(|line| width(line)).max().unwrap_or(0);
    let mut flow = String::with_capacity(text.len());
    for line in lines {
        flow.push_str(line);
        flow.push_str(if width(line) < longest || longest > 60 { " " } else { "" });
    }
    read_lines(&unfold(&super::text::folded(&flow)))
}

fn read_lines(text: &str) -> Vec<Record> {
    let lines: Vec<&str> = text.lines().collect();
    let mut reader = Reader { width: width_of(&lines), ..Reader::default() };
    for (at, line) in lines.iter().enumerate() {
        reader.line(line, lines.get(at + 1).copied());
    }
    reader.finish();
    reader.records
}

#[derive(Default)]
struct Reader {
    records: Vec<Record>,
    record: Record,
    open: Option<Open>,
    /// The column of the colons of the current object, if they stand in one column.
    column: Option<usize>,
    /// True if a blank line came since the last row.
    gap: bool,
    hint: Option<Kind>,
    width: usize,
}

impl Reader {
    fn line(&mut self, line: &str, next: Option<&str>) {
        if line.trim().is_empty() {
            self.gap = true;
            return;
        }
        if let Some(hint) = hint_of(line) {
            self.end_record();
            self.hint = Some(hint);
            return;
        }
        match row_of(line).filter(|row| self.is_row(row, line)) {
            Some(row) => self.row(&row, line),
            None => self.continuation(line, next),
        }
        self.gap = false;
    }

    fn is_row(&self, row: &Row<'_>, line: &str) -> bool {
        let indent = line.len() - line.trim_start().len();
        if known_name(row.name).is_some() {
            // The value of a wrapped name may itself look like a row; it stands in the column of the values.
            return self.column.is_none_or(|column| indent < column.max(2));
        }
        // An unknown property is a row where its colon stands under the others.
        indent <= 2 && (self.column == Some(row.colon) || row.colon > row.name.len() + indent + 1)
    }

    fn row(&mut self, row: &Row<'_>, line: &str) {
        let name = known_name(row.name).map_or_else(|| row.name.to_owned(), str::to_owned);
        let moved = self.gap
            && self.column.is_some_and(|column| {
                let padded = row.colon > row.name.len() + 1;
                padded && column.abs_diff(row.colon) > 3
            });
        let pending = self.open.as_ref().is_some_and(|open| open.name.eq_ignore_ascii_case(&name));
        if moved || pending || self.record.get(&name).is_some() || !go_together(&self.record, &name) {
            self.end_record();
        }
        self.end_row();
        if self.column.is_none() && row.colon > row.name.len() + 1 {
            self.column = Some(row.colon);
        }
        let value = row.value.trim().to_owned();
        self.open = Some(Open { name, lines: vec![value], widths: vec![width(line)] });
    }

    fn continuation(&mut self, line: &str, next: Option<&str>) {
        let indented = line.starts_with([' ', '\t']);
        let wanted = self.open.as_ref().is_some_and(|open| {
            let unclosed = open.lines.first().is_some_and(|first| first.starts_with('{'))
                && !open.lines.last().is_some_and(|last| last.ends_with('}'));
            let listed = open.lines.last().is_some_and(|last| last.ends_with(','));
            indented || unclosed || listed || !self.gap
        });
        let cut_short = next.is_none() && line.chars().all(|c| c.is_ascii_alphanumeric());
        match &mut self.open {
            Some(_) if cut_short && !indented => {
                self.end_row();
                self.record.cut = true;
            }
            Some(open) if wanted && !is_rule(line) => {
                // PowerShell continues in the column of the values; text that is indented further began with
                // a space.
                let further = self
                    .column
                    .is_some_and(|column| line.len() - line.trim_start_matches(' ').len() > column + 2);
                open.lines.push(format!("{}{}", if further { " " } else { "" }, line.trim()));
                open.widths.push(width(line));
            }
            Some(_) => self.end_record(),
            None => {}
        }
    }

    fn end_row(&mut self) {
        if let Some(open) = self.open.take() {
            let (text, wrapped) = joined(&open.lines, &open.widths, self.width);
            self.record.set(&open.name, Field::shown(&text, wrapped));
        }
    }

    fn end_record(&mut self) {
        self.end_row();
        let mut record = std::mem::take(&mut self.record);
        self.column = None;
        if !record.fields.is_empty() {
            record.hint = self.hint;
            self.records.push(record);
        }
    }

    fn finish(&mut self) {
        self.end_record();
        // One or two unknown rows are not an object; a row of a chat or a config file looks alike.
        self.records.retain(|record| record.fields.len() > 1 && record.kind().is_some());
    }
}

fn row_of(line: &str) -> Option<Row<'_>> {
    let start = line.len() - line.trim_start_matches(' ').len();
    let rest = line.get(start..)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, after) = rest.split_at(end);
    let spaces = after.len() - after.trim_start_matches(' ').len();
    let value = after.trim_start_matches(' ').strip_prefix(':')?;
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let separate = value.is_empty() || value.starts_with([' ', '\t']);
    (starts && separate).then_some(Row { name, colon: start + end + spaces, value })
}

/// Puts every known row on a line of its own, if wrapping has joined them.
fn unfold(text: &str) -> String {
    let starts = |line: &str| row_of(line).is_some_and(|row| known_name(row.name).is_some());
    let mut inner = 0;
    let mut unfolded = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        let mut from = 0;
        // A row within a line: a known name, a colon, and a blank or the end behind it.
        while let Some(at) = rest.get(from..).and_then(|rest| rest.find(" :")).map(|at| at + from) {
            let (before, after) = rest.split_at(at);
            let trimmed = before.trim_end();
            let name = trimmed.rsplit([' ', '\n']).next().unwrap_or_default();
            let start = trimmed.len() - name.len();
            let known = name.len() > 1 && known_name(name).is_some_and(|known| known.len() == name.len());
            let separate = after.get(2..3).is_none_or(|next| next == " " || next == "\n");
            if known
                && separate
                && rest.get(..start).is_some_and(|head| starts(head) || inner > 1 && !head.trim().is_empty())
            {
                inner += 1;
                unfolded.push_str(rest[..start].trim_end());
                unfolded.push('\n');
                rest = &rest[start..];
                from = trimmed.len() - start + 2;
            } else {
                from = at + 2;
            }
        }
        unfolded.push_str(rest);
    }
    if inner < 2 { text.to_owned() } else { unfolded }
}

/// Returns whether a line consists of dashes, as under the heads of a table or between two outputs.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() > 2 && line.chars().all(|c| matches!(c, '-' | '=' | '_' | '*' | ' '))
}

/// Returns the kind of object that a prompt with a command announces: its output comes next.
fn hint_of(line: &str) -> Option<Kind> {
    let lower = line.to_ascii_lowercase();
    let kinds = [
        ("get-receiveconnector", Kind::ReceiveConnector),
        ("get-sendconnector", Kind::SendConnector),
        ("get-exchangecertificate", Kind::Certificate),
        ("get-transportserv", Kind::Server),
        ("get-exchangeserver", Kind::Server),
        ("get-imapsettings", Kind::ClientSettings),
        ("get-popsettings", Kind::ClientSettings),
        ("get-accepteddomain", Kind::AcceptedDomain),
        ("get-winevent", Kind::Event),
        ("get-eventlog", Kind::Event),
    ];
    kinds.into_iter().find(|(cmdlet, _)| lower.contains(cmdlet)).map(|(_, kind)| kind)
}

fn width(line: &str) -> usize {
    line.trim_end().chars().count()
}

/// Returns the width of the window: the longest line that continues in the next one.
fn width_of(lines: &[&str]) -> usize {
    let wrapped = lines.windows(2).filter(|pair| {
        let goes_on = pair[1].starts_with("    ") && row_of(pair[1]).is_none();
        goes_on && !pair[0].trim().is_empty()
    });
    wrapped.map(|pair| width(pair[0])).max().unwrap_or(0)
}

/// Joins the lines of a value: a full line continues in the middle of a word, the others at a space.
fn joined(lines: &[String], widths: &[usize], full: usize) -> (String, bool) {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| Some((lines.get(before)?, widths.get(before)?)));
        if let Some((before, width)) = before {
            let ends = before.ends_with([',', ';', '}']);
            let tight = full > 0 && *width >= full && !ends;
            if !tight && !text.is_empty() && !line.starts_with(' ') {
                text.push(' ');
            }
        }
        text.push_str(line);
    }
    (text, lines.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECTOR: &str = "\
Fqdn                 : EX01.contoso.com
TlsCertificateName   : <I>CN=Example Issuing CA G2, O=Example Trust, C=US<S>CN=mail.contoso.com, O=Contoso
RemoteIPRanges       : {::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, 0.0.0.0-255.255.255.255}
AuthMechanism        : Tls, Integrated, ExchangeServer
Name                 : Default Frontend EX01
Banner               :
";

    fn text(record: &Record, name: &str) -> String {
        record.get(name).unwrap().as_text().unwrap_or_default()
    }

    fn only(text: &str) -> Record {
        let mut records = read(text);
        assert_eq!(records.len(), 1, "{records:#?}");
        records.remove(0)
    }

    /// Wraps text as PowerShell does: the value continues in its own column.
    fn wrapped(text: &str, width: usize, by_words: bool) -> String {
        let mut lines = Vec::new();
        for line in text.lines() {
            let (head, mut value) = line.split_at(line.find(" : ").map_or(line.len(), |at| at + 3));
            let (mut prefix, room) = (head.to_owned(), width - head.len().min(width - 10));
            loop {
                let mut cut = value.char_indices().nth(room).map_or(value.len(), |(at, _)| at);
                if by_words && cut < value.len() {
                    cut = value[..cut].rfind(' ').map_or(cut, |at| at + 1);
                }
                lines.push(format!("{prefix}{}", &value[..cut]).trim_end().to_owned());
                value = &value[cut..];
                if value.is_empty() {
                    break;
                }
                prefix = " ".repeat(head.len());
            }
        }
        lines.join("\n")
    }

    #[test]
    fn a_list_reads_the_same_at_every_width_by_words_and_by_columns() {
        let whole = only(CONNECTOR);
        assert_eq!(whole.get("Banner"), Some(&Field::Null));
        for width in 36..120 {
            for by_words in [true, false] {
                let record = only(&wrapped(CONNECTOR, width, by_words));
                for (name, field) in &whole.fields {
                    let dense =
                        |field: &Field| super::super::text::dense(&field.as_text().unwrap_or_default());
                    assert_eq!(
                        dense(record.get(name).unwrap()),
                        dense(field),
                        "{name} at {width} {by_words}"
                    );
                }
            }
        }
    }

    #[test]
    fn blank_lines_between_rows_and_padding_that_is_gone_change_nothing() {
        let whole = only(CONNECTOR);
        let spaced = CONNECTOR.replace('\n', "  \n  \n");
        let bare: String = CONNECTOR
            .lines()
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                format!("{} : {}\n", name.trim(), value.trim())
            })
            .collect();
        for text in [spaced, bare.clone(), bare.replace('\n', " "), bare.replace('\n', "\n\n")] {
            assert_eq!(only(&text).fields, whole.fields, "{text}");
        }
    }

    #[test]
    fn objects_are_told_apart_by_a_name_that_comes_again_or_does_not_belong() {
        let two = format!("{CONNECTOR}\n\n{CONNECTOR}");
        assert_eq!(read(&two).len(), 2);
        let mixed = format!("{CONNECTOR}\nThumbprint : 0011\nSubject    : CN=a\n");
        let kinds: Vec<_> = read(&mixed).iter().map(Record::kind).collect();
        assert_eq!(kinds, [Some(Kind::ReceiveConnector), Some(Kind::Certificate)]);
    }

    #[test]
    fn lost_first_letters_and_a_lost_end_are_noticed() {
        let record = only(
            "uthMechanism         : Tls\nqdn                 : a.test\nBindings            : {0.0.0.0:25}\nDomainSecureEnabl",
        );
        assert_eq!(text(&record, "AuthMechanism"), "Tls");
        assert!(record.cut && record.get("DomainSecureEnabled").is_none(), "{record:?}");
    }

    #[test]
    fn a_list_that_was_cut_says_so() {
        let record =
            only("Thumbprint         : AA\nCertificateDomains : {a.test, b.test...}\nSubject : CN=x");
        let field = record.get("CertificateDomains").unwrap();
        assert!(field.is_cut() && field.items() == ["a.test", "b.test"], "{field:?}");
    }
}
