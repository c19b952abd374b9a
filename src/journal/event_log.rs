//! The Application log as Event Viewer shows it.
//!
//! Sources: an event 12014 of an Exchange 2010 Edge as its owner copied it out of Event Viewer (expta.com,
//! 2010), an event 1035 of 2016 read as XML, and the public Windows event schema
//! (`http://schemas.microsoft.com/win/2004/08/events/event`).

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::record::Logged;
use super::shown::{is_unsafe, printable_lines};

/// Returns the event as Event Viewer copies it to the clipboard as text, the time in UTC; no line end at the
/// end.
///
/// The source is the copied event 12014 of 2010.
pub fn event_block(time: Timestamp, logged: &Logged) -> String {
    let Logged { event, computer, source, .. } = logged;
    let date = time.to_zoned(TimeZone::UTC).strftime("%-m/%-d/%Y %-I:%M:%S %p");
    format!(
        "Log Name:      Application\n\
         Source:        {source}\n\
         Date:          {date}\n\
         Event ID:      {}\n\
         Task Category: {}\n\
         Level:         {}\n\
         Keywords:      Classic\n\
         User:          N/A\n\
         Computer:      {computer}\n\
         Description:\n{}",
        event.event_id,
        event.category.as_str(),
        event.level.as_str(),
        printable_lines(&event.message()),
    )
}

/// Returns the event as XML on one line, with the journal's number `seq` as its `EventRecordID`.
///
/// The source is the public schema; plain `Data` elements and the values of `Level`, `Task` and
/// `Keywords` are those of the event 1035 of 2016.
pub fn event_xml(seq: u64, time: Timestamp, logged: &Logged) -> String {
    let Logged { event, computer, source, .. } = logged;
    // No published 12014 as XML was found: its qualifiers (0xC004: error, facility 4) and its task are
    // derived. The other events have none, because they would be a guess.
    let qualifiers = event.kind.qualifiers().map(|of| format!(" Qualifiers=\"{of}\"")).unwrap_or_default();
    let mut xml = format!(
        "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System>\
         <Provider Name=\"{source}\"/><EventID{qualifiers}>{}</EventID><Level>{}</Level><Task>{}</Task>\
         <Keywords>0x80000000000000</Keywords><TimeCreated SystemTime=\"{time:.9}\"/>\
         <EventRecordID>{seq}</EventRecordID><Channel>Application</Channel><Computer>",
        event.event_id,
        event.level.number(),
        event.category.task(),
    );
    escape(computer, &mut xml);
    xml.push_str("</Computer><Security/></System><EventData>");
    for parameter in &event.parameters {
        xml.push_str("<Data>");
        escape(parameter, &mut xml);
        xml.push_str("</Data>");
    }
    xml.push_str("</EventData></Event>");
    xml
}

fn escape(text: &str, xml: &mut String) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}' => {
                // Writing to a String cannot fail.
                let _ = write!(xml, "&#{};", u32::from(character));
            }
            // Characters that reorder or hide text are made visible in the file.
            _ if u32::from(character) > 0x9f && is_unsafe(character) => {
                let _ = write!(xml, "&#{};", u32::from(character));
            }
            // Characters that XML 1.0 (section 2.2) cannot represent, not even as a reference, are spelled
            // out.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.extend(character.escape_unicode()),
            character => xml.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Event;

    fn logged(event: Event) -> Logged {
        Logged {
            event,
            server: "GATE".to_owned(),
            computer: "gate".to_owned(),
            source: "MSExchangeTransport",
            connector: Some("Inbound".to_owned()),
        }
    }

    fn morning() -> Timestamp {
        "2010-09-28T09:35:58.25Z".parse().unwrap()
    }

    #[test]
    fn a_block_stands_in_the_columns_of_event_viewer() {
        let block =
            event_block(morning(), &logged(Event::no_certificate_for_starttls("mx.example", "Inbound")));
        let (head, text) = block.split_once("Description:\n").unwrap();
        assert_eq!(
            head,
            "Log Name:      Application\nSource:        MSExchangeTransport\nDate:          9/28/2010 9:35:58 AM\n\
             Event ID:      12014\nTask Category: TransportService\nLevel:         Error\nKeywords:      Classic\n\
             User:          N/A\nComputer:      gate\n"
        );
        assert!(text.starts_with(
            "Microsoft Exchange could not find a certificate that contains the domain name mx.example in"
        ));
        assert!(text.ends_with("certificate key."));
    }

    #[test]
    fn the_clock_of_a_block_has_twelve_hours() {
        let at = |time: &str| {
            let block =
                event_block(time.parse().unwrap(), &logged(Event::internal_certificate_not_published()));
            block.lines().nth(2).unwrap().to_owned()
        };
        assert_eq!(at("2024-01-05T00:00:00Z"), "Date:          1/5/2024 12:00:00 AM");
        assert_eq!(at("2024-11-15T23:09:01.999Z"), "Date:          11/15/2024 11:09:01 PM");
    }

    #[test]
    fn an_event_is_one_line_of_xml_in_the_windows_schema() {
        let event = Event::logon_failed("LogonDenied", "Client", "Login", "192.0.2.7");
        let xml = event_xml(7, morning(), &logged(event));
        assert_eq!(
            xml,
            "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System>\
             <Provider Name=\"MSExchangeTransport\"/><EventID>1035</EventID><Level>3</Level><Task>1</Task>\
             <Keywords>0x80000000000000</Keywords><TimeCreated SystemTime=\"2010-09-28T09:35:58.250000000Z\"/>\
             <EventRecordID>7</EventRecordID><Channel>Application</Channel><Computer>gate</Computer><Security/>\
             </System><EventData><Data>LogonDenied</Data><Data>Client</Data><Data>Login</Data>\
             <Data>192.0.2.7</Data></EventData></Event>"
        );
    }

    #[test]
    fn only_12014_has_qualifiers() {
        let xml = |event| event_xml(1, morning(), &logged(event));
        let missing = xml(Event::no_certificate_for_starttls("mx.example", "Inbound"));
        assert!(
            missing.contains("<EventID Qualifiers=\"49156\">12014</EventID><Level>2</Level><Task>12</Task>")
        );
        assert!(xml(Event::starttls_certificate_expired("mx.example")).contains("<EventID>12016</EventID>"));
    }

    #[test]
    fn a_pin_and_control_characters_stay_text_in_xml() {
        let event =
            Event::no_certificate_for_starttls("<I>CN=A & \"B\"<S>CN='c'", "a\nb\u{1b}\u{85}\u{ffff}");
        let xml = event_xml(1, morning(), &logged(event));
        assert!(xml.contains("<Data>&lt;I&gt;CN=A &amp; &quot;B&quot;&lt;S&gt;CN=&apos;c&apos;</Data>"));
        assert!(xml.contains("<Data>a&#10;b\\u{1b}&#133;\\u{ffff}</Data>"));
        assert_eq!(xml.lines().count(), 1);
    }
}
