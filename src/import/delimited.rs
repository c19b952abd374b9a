//! `Export-Csv` output, and the CSV that Event Viewer saves.

use super::names::known_name;
use super::record::{Field, Record};

/// Reads every recognizable row of `text`, if it is CSV.
pub(super) fn read(text: &str) -> Vec<Record> {
    let body = match text.trim_start().strip_prefix("#TYPE") {
        Some(rest) => rest.split_once('\n').map_or("", |(_, body)| body),
        None => text,
    };
    let Some(head) = body.lines().find(|line| !line.trim().is_empty()) else {
        return Vec::new();
    };
    let Some(delimiter) = [b',', b';', b'\t'].into_iter().find(|delimiter| is_head(head, *delimiter)) else {
        return Vec::new();
    };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(body.as_bytes());
    let Ok(names) = reader.headers().cloned() else {
        return Vec::new();
    };
    let mut records = Vec::new();
    for row in reader.records() {
        let Ok(row) = row else { break };
        let mut record = Record::default();
        for (at, cell) in row.iter().enumerate() {
            // Event Viewer writes the description behind the last named column.
            let name = names.get(at).map(str::trim).filter(|name| !name.is_empty()).unwrap_or("Message");
            let name = known_name(name).unwrap_or(name);
            record.set(name, self::cell(cell));
        }
        if record.kind().is_some() {
            records.push(record);
        }
    }
    records
}

fn is_head(line: &str, delimiter: u8) -> bool {
    let names: Vec<&str> =
        line.split(char::from(delimiter)).map(|name| name.trim().trim_matches('"')).collect();
    // A prompt and its pipeline name properties with commas between them, too.
    if line.contains(['|', '>', '\\']) {
        return false;
    }
    let known =
        names.iter().filter(|name| known_name(name).is_some_and(|known| known.len() == name.len())).count();
    let event = names.contains(&"Event ID") && names.contains(&"Source");
    names.len() > 1 && (known > 1 || event)
}

/// Reads a cell; `Export-Csv` writes the type of a list in place of its items.
fn cell(text: &str) -> Field {
    let text = text.trim();
    let lost = text.starts_with("Microsoft.Exchange.") || text.starts_with("System.");
    if lost { Field::Lost } else { Field::shown(text, false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_were_joined_are_read_and_types_in_their_place_are_lost() {
        let text = "#TYPE Selected.X\n\"Identity\";\"Bindings\";\"RemoteIPRanges\"\n\"EX01\\A\";\"[::]:25,0.0.0.0:25\";\"System.String[]\"\n";
        let records = read(text);
        assert_eq!(records[0].get("Bindings").unwrap().items(), ["[::]:25", "0.0.0.0:25"]);
        assert_eq!(records[0].get("RemoteIPRanges"), Some(&Field::Lost));
    }

    #[test]
    fn what_event_viewer_saves_has_its_description_in_a_column_without_a_name() {
        let text = "Level,Date and Time,Source,Event ID,Task Category\nError,9/28/2010 9:35:58 AM,MSExchangeTransport,12014,TransportService,\"Microsoft, two\nlines\"\n";
        let records = read(text);
        assert_eq!(records[0].text(&["Message"]).unwrap(), "Microsoft, two\nlines");
        assert!(read("a,b\nc,d\n").is_empty());
        let prompt =
            "[PS] C:\\>Get-ReceiveConnector | fl Identity,Fqdn,AuthMechanism\n\nIdentity : EX01\\A, B, C\n";
        assert!(read(prompt).is_empty());
    }
}
