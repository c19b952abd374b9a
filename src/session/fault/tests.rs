//! Each action at the stages that it belongs to: text into the session without I/O, and text out of it.

mod rows;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

use super::{Conversation, FaultSpec, FaultStage, FaultTable, StepAction, Then};
use crate::exchange::{Computer, Profile, ReceiveConnector, Role, TimeSpan, Usage};
use crate::pki::{Certificate, Thumbprint};
use crate::session::{Anomaly, Counters, Fact, Input, Next, Setting, Step, TlsFacts, TlsVerb, TlsVersion};
use crate::smtp::{ChunkDecoder, DataDecoder, Ending, Line};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Opens a conversation with these fault rules, and returns its banner too.
fn open(rows: &str, early: usize) -> (Conversation, Step) {
    let rows: Vec<FaultSpec> = serde_json::from_str(rows).unwrap();
    let rules: Vec<_> = rows.iter().map(|row| row.resolve().unwrap()).collect();
    let table = Arc::new(FaultTable::of(&rules, "Default"));
    let profile = Profile::Exchange2019;
    let mut connector = ReceiveConnector::new("Default".to_owned(), Usage::Default, Role::Edge, profile);
    connector.tarpit_interval = TimeSpan(Duration::ZERO);
    let computer = Computer::new("MX1", "mx1.lab.test".parse().unwrap(), Role::Edge, profile);
    let setting = Setting {
        computer: Arc::new(computer),
        connector: Arc::new(connector),
        local: (PEER, 25).into(),
        peer: (PEER, 50_000).into(),
        starttls: true,
        anonymous_tls: false,
        counters: Arc::new(Counters::default()),
    };
    Conversation::open(Arc::new(setting), Some(table.connect(PEER)), early, NOW)
}

fn say(conversation: &mut Conversation, text: &str) -> Step {
    let line = Line { text: text.as_bytes().into(), ending: Ending::CrLf, overlong: false, has_nul: false };
    conversation.handle(Input::Line(line), NOW)
}

fn content(conversation: &mut Conversation, text: &str) -> Step {
    let mut decoder = DataDecoder::new(1 << 20);
    decoder.decode(&mut BytesMut::from(format!("{text}\r\n.\r\n").as_bytes()));
    conversation.handle(Input::Content(decoder.finish()), NOW)
}

fn last_chunk(conversation: &mut Conversation) -> Step {
    conversation.handle(Input::Content(ChunkDecoder::new(0).finish()), NOW)
}

/// Returns the facts of a successful handshake in which the client has shown `certificate`, if it has one.
pub(super) fn tls_facts(certificate: Option<(Certificate, Option<String>)>) -> Arc<TlsFacts> {
    let (client_certificate, client_certificate_error) = certificate.unzip();
    Arc::new(TlsFacts {
        version: TlsVersion::Tls13,
        cipher_suite: "TLS_AES_256_GCM_SHA384",
        key_exchange: None,
        server_name: None,
        presented: Thumbprint::of(b""),
        client_certificate,
        client_certificate_error: client_certificate_error.flatten(),
        client_hello: None,
    })
}

fn secure(conversation: Conversation) -> (Conversation, Step) {
    conversation.secure(TlsVerb::StartTls, tls_facts(None), false)
}

fn actions(step: &Step) -> &[StepAction] {
    step.actions.as_ref().map_or(&[], |actions| &actions.now)
}

/// Returns the bytes that a step sends, as text.
fn sent(step: &Step) -> String {
    let mut all = step.reply.as_ref().map(crate::smtp::Reply::to_bytes).unwrap_or_default().to_vec();
    for action in actions(step) {
        match action {
            StepAction::Send(bytes) | StepAction::Trickle { bytes, .. } => all.extend_from_slice(bytes),
            StepAction::SendBeneath(_) | StepAction::KeepInput | StepAction::End(_) => {}
        }
    }
    all.escape_ascii().to_string()
}

/// Returns how the connection ends with a step, if it does.
fn then(step: &Step) -> Option<Then> {
    actions(step).iter().find_map(|action| match action {
        StepAction::End(then) => Some(*then),
        _ => None,
    })
}

/// Returns the stage of the rule about what comes next.
fn next(step: &Step) -> Option<FaultStage> {
    step.actions.as_ref()?.next.as_ref().map(|fired| fired.rule.spec().at)
}

fn took_a_message(step: &Step) -> bool {
    step.facts.iter().any(|fact| matches!(fact, Fact::Message(_)))
}

fn is_fault(step: &Step) -> bool {
    step.facts.iter().filter(|fact| matches!(fact, Fact::Fault(_))).count() == 1
}

/// The stages that have a command of their own, each with the command and the connector's own reply, in an
/// order in which all commands are answered.
const COMMANDS: [(&str, &str, &str); 9] = [
    ("helo", "HELO a.test", "250 mx1.lab.test Hello [127.0.0.1]\\r\\n"),
    ("other", "NOOP", "250 2.0.0 OK\\r\\n"),
    ("auth", "AUTH NTLM", "504 5.7.4 Unrecognized authentication type\\r\\n"),
    ("mail", "MAIL FROM:<>", "250 2.1.0 Sender OK\\r\\n"),
    ("rcpt", "RCPT TO:<b@lab.test>", "250 2.1.5 Recipient OK\\r\\n"),
    ("data", "DATA", "354 Start mail input; end with <CRLF>.<CRLF>\\r\\n"),
    ("rset", "RSET", "250 2.0.0 Resetting\\r\\n"),
    ("starttls", "STARTTLS", "220 2.0.0 SMTP server ready\\r\\n"),
    ("quit", "QUIT", "221 2.0.0 Service closing transmission channel\\r\\n"),
];

/// Returns the answer at each stage of [`COMMANDS`] where a fault rule does `conduct`. The commands before it
/// are answered as usual.
fn at_each_stage(conduct: &str) -> Vec<(&'static str, &'static str, Step)> {
    let each = COMMANDS.iter().map(|(stage, command, reply)| {
        let (mut conversation, _) = open(&format!(r#"[{{"at": "{stage}", "do": {conduct}}}]"#), 0);
        let before = COMMANDS.iter().take_while(|(other, ..)| other != stage);
        for (_, command, reply) in before {
            assert_eq!(sent(&say(&mut conversation, command)), *reply);
            if *command == "DATA" {
                content(&mut conversation, "x");
            }
        }
        let step = say(&mut conversation, command);
        assert!(is_fault(&step), "{stage}");
        (*stage, *reply, step)
    });
    each.collect()
}

#[test]
fn a_connection_ends_at_any_stage_in_each_of_three_ways_and_nothing_is_said() {
    for (conduct, end) in [("close", Then::Close), ("reset", Then::Reset), ("silence", Then::Silence)] {
        for (stage, _, step) in at_each_stage(&format!("\"{conduct}\"")) {
            assert_eq!((sent(&step).as_str(), then(&step)), ("", Some(end)), "{conduct} at {stage}");
        }
        let (_, banner) = open(&format!(r#"[{{"at": "connect", "do": "{conduct}"}}]"#), 0);
        assert_eq!((sent(&banner).as_str(), then(&banner)), ("", Some(end)));
    }
}

#[test]
fn a_reply_stands_in_for_the_connectors_and_the_command_is_not_carried_out() {
    for (stage, _, step) in at_each_stage(r#"{"reply": "450-4.0.0 not\n450 4.0.0 now"}"#) {
        assert_eq!(sent(&step), "450-4.0.0 not\\r\\n450 4.0.0 now\\r\\n", "{stage}");
        assert_eq!((step.next, then(&step)), (Next::Line, None), "{stage}");
    }
    let rows = r#"[{"at": "mail", "do": {"reply": "250 2.1.0 fine"}}]"#;
    let (mut conversation, _) = open(rows, 0);
    say(&mut conversation, "HELO a.test");
    say(&mut conversation, "MAIL FROM:<>");
    assert_eq!(sent(&say(&mut conversation, "RCPT TO:<b@lab.test>")), "503 5.5.2 Need mail command\\r\\n");
}

#[test]
fn raw_bytes_are_said_as_they_are_and_the_command_is_not_carried_out() {
    for (stage, _, step) in at_each_stage(r#"{"raw": "hex:00 ff 0A"}"#) {
        assert_eq!(sent(&step), "\\x00\\xff\\n", "{stage}");
        assert_eq!(step.next, Next::Line, "{stage}");
    }
    let (_, banner) = open(r#"[{"at": "connect", "do": {"raw": "HTTP/1.0 400\r\n"}}]"#, 0);
    assert_eq!(sent(&banner), "HTTP/1.0 400\\r\\n");
}

#[test]
fn what_is_said_instead_is_said_while_the_command_is_carried_out() {
    for (stage, _, step) in at_each_stage(r#"{"say": "250 yes\n"}"#) {
        assert_eq!(sent(&step), "250 yes\\n", "{stage}");
        let next = match stage {
            "data" => Next::Data { limit: 36 << 20 },
            "starttls" => Next::Handshake(TlsVerb::StartTls),
            "quit" => Next::Close,
            _ => Next::Line,
        };
        assert_eq!(step.next, next, "{stage}");
    }
}

#[test]
fn bytes_stand_in_front_of_a_reply_or_behind_it() {
    for (stage, reply, step) in at_each_stage(r#"{"append": "250 more\r\n"}"#) {
        assert_eq!(sent(&step), format!("{reply}250 more\\r\\n"), "{stage}");
    }
    for (stage, reply, step) in at_each_stage(r#"{"prepend": "250-less\r\n"}"#) {
        assert_eq!(sent(&step), format!("250-less\\r\\n{reply}"), "{stage}");
    }
}

#[test]
fn a_reply_is_late_slow_or_without_carriage_returns_and_is_otherwise_what_it_is() {
    for (stage, reply, step) in at_each_stage(r#"{"delay": "3s"}"#) {
        assert_eq!((sent(&step).as_str(), step.delay), (reply, Duration::from_secs(3)), "{stage}");
    }
    for (stage, reply, step) in at_each_stage(r#"{"trickle": "50ms"}"#) {
        let is_slow = |action: &StepAction| matches!(action, StepAction::Trickle { pace, .. } if *pace == Duration::from_millis(50));
        assert_eq!(sent(&step), reply, "{stage}");
        assert!(actions(&step).iter().any(is_slow), "{stage}");
    }
    for (stage, reply, step) in at_each_stage("\"line-feeds\"") {
        assert_eq!(sent(&step), reply.replace("\\r", ""), "{stage}");
    }
}

#[test]
fn whoever_talks_before_a_banner_is_noted_whatever_the_banner_is() {
    for conduct in [r#""close""#, r#"{"reply": "554 5.3.2 no"}"#, r#"{"delay": "1s"}"#] {
        let (_, banner) = open(&format!(r#"[{{"at": "connect", "do": {conduct}}}]"#), 7);
        let early = |fact: &Fact| matches!(fact, Fact::Anomaly(Anomaly::TalkedBeforeBanner { octets: 7 }));
        assert!(is_fault(&banner) && banner.facts.iter().any(early), "{conduct}");
    }
}

#[test]
fn capabilities_are_left_away_masked_spelled_otherwise_and_added() {
    let rows = r#"[{"at": "ehlo", "do": {"capabilities": {"without": ["size"], "masked": ["STARTTLS"],
        "spelled": {"8BITMIME": "8bitmime"}, "with": ["AUTH=LOGIN", "X-Y z"]}}}]"#;
    let (mut conversation, _) = open(rows, 0);
    let lines = sent(&say(&mut conversation, "EHLO a.test"));
    let lines: Vec<_> = lines.split("\\r\\n").collect();
    assert_eq!(lines[..3], ["250-mx1.lab.test Hello [127.0.0.1]", "250-PIPELINING", "250-DSN"]);
    assert!(lines.contains(&"250-XXXXXXXA") && lines.contains(&"250-8bitmime"), "{lines:?}");
    assert!(lines.ends_with(&["250-AUTH=LOGIN", "250 X-Y z", ""]), "{lines:?}");
}

#[test]
fn requiretls_is_taken_where_it_was_advertised() {
    let with = r#"[{"at": "ehlo", "do": {"capabilities": {"with": ["REQUIRETLS"]}}, "when": {"visit": 2}}]"#;
    let (mut conversation, _) = open(with, 0);
    for reply in ["501 5.5.4 Invalid arguments\\r\\n", "250 2.1.0 Sender OK\\r\\n"] {
        say(&mut conversation, "EHLO a.test");
        assert_eq!(sent(&say(&mut conversation, "MAIL FROM:<> REQUIRETLS")), reply);
    }
}

fn up_to_data(conversation: &mut Conversation) {
    for command in ["HELO a.test", "MAIL FROM:<>", "RCPT TO:<b@lab.test>", "DATA"] {
        say(conversation, command);
    }
}

#[test]
fn content_is_taken_behind_what_is_said_and_not_behind_what_is_replied() {
    for (conduct, said, taken) in [
        (r#"{"reply": "250 2.0.0 fine"}"#, "250 2.0.0 fine\\r\\n", false),
        (r#"{"raw": "hello there\r\n"}"#, "hello there\\r\\n", false),
        (r#""close""#, "", false),
        (r#"{"say": "451 4.3.0 no\r\n"}"#, "451 4.3.0 no\\r\\n", true),
    ] {
        let (mut conversation, _) = open(&format!(r#"[{{"at": "end-of-data", "do": {conduct}}}]"#), 0);
        up_to_data(&mut conversation);
        let step = content(&mut conversation, "x");
        assert_eq!((sent(&step).as_str(), took_a_message(&step)), (said, taken), "{conduct}");
        let next = sent(&say(&mut conversation, "MAIL FROM:<>"));
        assert_eq!(next, "250 2.1.0 Sender OK\\r\\n", "the transaction is over: {conduct}");
    }
}

#[test]
fn a_chunk_is_refused_where_its_reply_is_due_and_the_last_one_is_the_end_of_the_content_too() {
    let rows = r#"[{"at": "bdat", "do": {"reply": "452 4.3.1 full"}, "when": {"visit": 2}},
        {"at": "end-of-data", "do": {"reply": "554 5.6.0 bad"}}]"#;
    let (mut conversation, _) = open(rows, 0);
    up_to_bdat(&mut conversation);
    assert_eq!(say(&mut conversation, "BDAT 3").next, Next::Chunk { size: 3, last: false, limit: 36 << 20 });
    assert_eq!(
        sent(&conversation.handle(Input::Chunk(3), NOW)),
        "250 2.6.0 CHUNK received OK, 3 octets\\r\\n"
    );
    say(&mut conversation, "BDAT 0 LAST");
    assert_eq!(sent(&last_chunk(&mut conversation)), "452 4.3.1 full\\r\\n");
    assert!(!conversation.session().in_chunks());
    say(&mut conversation, "MAIL FROM:<>");
    say(&mut conversation, "RCPT TO:<b@lab.test>");
    say(&mut conversation, "BDAT 0 LAST");
    assert_eq!(sent(&last_chunk(&mut conversation)), "554 5.6.0 bad\\r\\n");
}

fn up_to_bdat(conversation: &mut Conversation) {
    for command in ["HELO a.test", "MAIL FROM:<>", "RCPT TO:<b@lab.test>"] {
        say(conversation, command);
    }
}

#[test]
fn what_is_done_while_content_comes_is_told_once_and_not_for_a_chunk_of_nothing() {
    let rows = r#"[{"at": "body", "do": {"end-of-data": ["\n.\n"]}, "vulnerable": true}]"#;
    let (mut conversation, _) = open(rows, 0);
    for command in ["HELO a.test", "MAIL FROM:<>", "RCPT TO:<b@lab.test>"] {
        assert_eq!(next(&say(&mut conversation, command)), None);
    }
    assert_eq!(next(&say(&mut conversation, "DATA")), Some(FaultStage::Body));
    assert_eq!(next(&content(&mut conversation, "x")), None);
    up_to_bdat(&mut conversation);
    assert_eq!(next(&say(&mut conversation, "BDAT 0")), None);
    conversation.handle(Input::Chunk(0), NOW);
    assert_eq!(next(&say(&mut conversation, "BDAT 3")), Some(FaultStage::Body));
}

#[test]
fn a_row_asks_for_the_longest_line_of_the_content_and_for_that_of_a_command() {
    let rows = r#"[{"at": "end-of-data", "do": {"reply": "554 5.6.0 long"}, "when": {"longer_than": 5}},
        {"at": "other", "do": {"reply": "500 5.5.2 long"}, "when": {"longer_than": 5, "line": "noop*"}}]"#;
    let (mut conversation, _) = open(rows, 0);
    for (text, code) in [("12345\r\n1234", "250"), ("1234\r\n123456", "554")] {
        up_to_data(&mut conversation);
        assert!(sent(&content(&mut conversation, text)).starts_with(code), "{text}");
    }
    for (line, code) in [("NOOP", "250"), ("NOOP x", "500"), ("VRFY x", "252")] {
        assert!(sent(&say(&mut conversation, line)).starts_with(code), "{line}");
    }
}

#[test]
fn what_is_pipelined_behind_starttls_is_kept_where_a_row_wants_it() {
    let rows = r#"[{"at": "starttls", "do": "execute-pipelined", "vulnerable": true}]"#;
    let (mut conversation, _) = open(rows, 0);
    say(&mut conversation, "EHLO a.test");
    let step = say(&mut conversation, "STARTTLS");
    assert_eq!(step.next, Next::Handshake(TlsVerb::StartTls));
    assert_eq!(actions(&step), [StepAction::KeepInput]);
}

#[test]
fn inside_tls_state_is_kept_an_alert_is_said_beneath_or_words_are_said_unasked() {
    let inside = |conduct: &str| {
        let (mut conversation, _) = open(&format!(r#"[{{"at": "after-tls", "do": {conduct}}}]"#), 0);
        up_to_bdat(&mut conversation);
        say(&mut conversation, "STARTTLS");
        secure(conversation)
    };
    let (mut kept, step) = inside("\"keep-state\"");
    assert_eq!(sent(&step), "");
    assert_eq!(say(&mut kept, "DATA").next, Next::Data { limit: 36 << 20 });
    let (mut fresh, step) = inside(r#"{"alert": "internal_error"}"#);
    assert_eq!(actions(&step), [StepAction::SendBeneath(Bytes::from_static(&[21, 3, 3, 0, 2, 2, 80]))]);
    assert!(sent(&say(&mut fresh, "DATA")).starts_with("503"));
    assert_eq!(sent(&inside(r#"{"reply": "220 again"}"#).1), "220 again\\r\\n");
    assert_eq!(then(&inside("\"reset\"").1), Some(Then::Reset));
}

#[test]
fn the_step_before_the_handshake_and_before_the_end_carries_the_rule_about_it() {
    let rows = r#"[{"at": "handshake", "do": {"alert": 40}}, {"at": "close", "do": "no-close-notify"}]"#;
    let (mut conversation, banner) = open(rows, 0);
    assert_eq!(next(&banner), None);
    assert_eq!(next(&say(&mut conversation, "EHLO a.test")), None);
    assert_eq!(next(&say(&mut conversation, "STARTTLS")), Some(FaultStage::Handshake));
    assert_eq!(next(&say(&mut conversation, "QUIT")), Some(FaultStage::Close));
}

#[test]
fn where_a_connection_ends_no_rule_about_what_would_have_come_counts_as_done() {
    let rows = r#"[{"at": "data", "do": {"say": "354 go\r\n"}, "then": "reset"}, {"at": "body", "do": "close"},
        {"at": "starttls", "do": "close"}, {"at": "handshake", "do": "close"}]"#;
    let (mut conversation, _) = open(rows, 0);
    up_to_bdat(&mut conversation);
    let step = say(&mut conversation, "DATA");
    assert_eq!((next(&step), then(&step)), (None, Some(Then::Reset)));
    let step = say(&mut conversation, "STARTTLS");
    assert_eq!((next(&step), then(&step)), (None, Some(Then::Close)));
}

#[test]
fn several_actions_are_done_in_their_order() {
    for (list, said, late) in [
        (r#"[{"say": "250 no\r\n"}, {"append": "250 more\r\n"}]"#, "250 no\\r\\n250 more\\r\\n", 0),
        (r#"[{"reply": "451 4.3.0 no"}, "line-feeds", {"delay": "2s"}]"#, "451 4.3.0 no\\n", 2),
        (r#"[{"prepend": "a"}, {"prepend": "b"}, {"trickle": "1ms"}]"#, "ba250 2.0.0 OK\\r\\n", 0),
    ] {
        let (mut conversation, _) = open(&format!(r#"[{{"at": "other", "do": {list}}}]"#), 0);
        let step = say(&mut conversation, "NOOP");
        assert_eq!((sent(&step).as_str(), step.delay.as_secs()), (said, late), "{list}");
    }
    let rows = r#"[{"at": "connect", "do": ["implicit-tls", "line-feeds"]},
        {"at": "ehlo", "do": [{"capabilities": {"with": ["X-Y"]}}, {"append": "!"}, "reset"]}]"#;
    let (conversation, step) = open(rows, 0);
    assert_eq!((sent(&step).as_str(), step.next), ("", Next::Handshake(TlsVerb::StartTls)));
    let (mut conversation, banner) = secure(conversation);
    assert!(sent(&banner).ends_with("\\n") && !sent(&banner).contains("\\r"));
    let step = say(&mut conversation, "EHLO a.test");
    assert!(sent(&step).ends_with("250 X-Y\\r\\n!"), "{}", sent(&step));
    assert_eq!(then(&step), Some(Then::Reset));
}
