//! Whatever was done to a paste on its way, the answer is the same or says what is missing; and no bytes at all make
//! anything panic.

use proptest::prelude::*;
use starttls_lab::internal::import::{Answers, Input, import, recognize};

use super::export::{Culture, clixml, csv_of, format_list, json_of, objects};
use super::samples::{CERTIFICATES, CONNECTOR, EVENT, PINNED};
use super::{now, recognized};

/// The text in lines of at most `width` characters, by words or in the middle of them.
fn wrapped(text: &str, width: usize, words: bool) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut rest: Vec<char> = line.chars().collect();
        while rest.len() > width {
            let cut = if words {
                rest[..width].iter().rposition(|c| *c == ' ').map_or(width, |at| at + 1)
            } else {
                width
            };
            lines.push(rest.drain(..cut).collect::<String>().trim_end().to_owned());
        }
        lines.push(rest.into_iter().collect());
    }
    lines.join("\n")
}

fn encoded(text: &str, how: u8) -> Vec<u8> {
    match how % 4 {
        0 => text.as_bytes().to_vec(),
        1 => [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
        2 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn an_event_is_read_through_wrapping_quoting_escaping_and_encoding(
        width in 24usize..140,
        words in any::<bool>(),
        marks in 0usize..3,
        html in any::<bool>(),
        crlf in any::<bool>(),
        how in any::<u8>(),
    ) {
        let mut text = wrapped(EVENT, width, words);
        if html {
            text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;");
        }
        let mark = "> ".repeat(marks);
        text = text.lines().map(|line| format!("{mark}{line}{}", if crlf { "\r\n" } else { "\n" })).collect();
        let inputs = [Input { name: "paste".to_owned(), bytes: encoded(&text, how) }];
        let found = recognize(&inputs, &Answers::new(), None, now()).explanation.to_json();
        prop_assert_eq!(&found["event_id"], 12014, "{}", text);
        prop_assert_eq!(&found["domain_name"], "post.wetland.test", "{}", text);
        prop_assert_eq!(&found["fqdn"], "post.wetland.test", "{}", text);
        let connector = found["connector"].as_str().unwrap().replace(' ', "");
        prop_assert_eq!(connector, "PartnerrelayonHERON", "{}", text);
        if words {
            prop_assert_eq!(&found["connector"], "Partner relay on HERON", "{}", text);
        }
    }

    #[test]
    fn a_pin_is_read_through_wrapping(width in 24usize..140, words in any::<bool>()) {
        let found = recognized(&[&wrapped(PINNED, width, words)]).explanation.to_json();
        prop_assert_eq!(&found["selection_key"], "tls_certificate_name");
        let dense = |text: &str| text.replace(' ', "");
        let issuer = dense(found["issuer"].as_str().unwrap());
        prop_assert_eq!(issuer, dense("CN=Reed Issuing CA 3, O=Reed Trust, C=NL"));
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let inputs = [Input { name: "bytes".to_owned(), bytes }];
        let found = recognize(&inputs, &Answers::new(), Some("x"), now());
        let _ = found.explanation.to_string();
        let _ = import(&inputs, &Answers::new(), None, now());
    }

    #[test]
    fn damaged_pastes_are_answered(
        which in 0usize..9,
        cuts in proptest::collection::vec((0usize..60_000, 0usize..40, any::<u8>()), 1..6),
    ) {
        let mut bytes = samples().swap_remove(which).into_bytes();
        for (at, length, byte) in cuts {
            let at = at % bytes.len().max(1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, (length % 3 == 0).then_some(byte));
        }
        let inputs = [Input { name: "damaged".to_owned(), bytes }];
        let found = recognize(&inputs, &Answers::new(), None, now());
        let _ = (found.explanation.to_string(), found.explanation.to_json(), found.first_line());
        if let Ok(made) = import(&inputs, &Answers::new(), None, now()) {
            // What is made of a damaged paste is a lab file all the same.
            let toml = made.to_toml();
            let read = starttls_lab::internal::scenario::ScenarioText::parse(&toml, "imported");
            prop_assert!(read.is_ok(), "{}\n{}", read.unwrap_err(), toml);
            let _ = made.anonymized().to_toml();
        }
    }
}

/// A paste of each kind and format.
fn samples() -> Vec<String> {
    use std::sync::OnceLock;
    static SAMPLES: OnceLock<Vec<String>> = OnceLock::new();
    let made = SAMPLES.get_or_init(|| {
        let text = starttls_lab::internal::scenario::scenario("pin-stale").unwrap().text;
        let text = starttls_lab::internal::scenario::ScenarioText::parse(text, "pin-stale").unwrap();
        let clock = starttls_lab::internal::clock::Clock::pinned(now());
        let paper = starttls_lab::internal::lab::Plan::at(&text, clock).unwrap();
        let all = objects(&paper.computers[0].computer, Culture::American);
        let pem = paper.root().to_pem();
        vec![
            EVENT.to_owned(),
            PINNED.to_owned(),
            format!("{CERTIFICATES}\n{CONNECTOR}\n{EVENT}"),
            format_list(&all, Some((80, true))),
            json_of(&all, 2),
            csv_of(&all).swap_remove(1),
            clixml(&all),
            format!(
                "{pem}\n220 a\nEHLO b\n250-SIZE\n250 XXXXXXXA\nx509: certificate is valid for a, not b\n"
            ),
            "2026-03-04T09:15:00.000Z,A\\B,08D0,1,1.2.3.4:25,1.2.3.4:25,*,CN=a,Certificate subject\n"
                .repeat(3),
        ]
    });
    made.clone()
}

#[test]
fn nested_brackets_and_endless_lists_come_to_an_end() {
    let deep = [
        "[".repeat(40_000),
        "{\"a\":".repeat(20_000),
        format!("<Objs>{}", "<Obj><Props>".repeat(10_000)),
        "<Event>".repeat(10_000),
    ];
    let long = ["Name : x\n".repeat(20_000), "a : ".repeat(40_000), "%1 ".repeat(40_000), EVENT.repeat(300)];
    for text in deep.iter().chain(&long) {
        let found = recognized(&[text]);
        let _ = found.first_line();
    }
}
