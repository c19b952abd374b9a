//! Fault rules of lab files and those that Rust builds: the ones that can be followed, and the errors of the
//! rest.

use std::time::Duration;

use crate::session::fault::{
    AfterTls, Body, Capabilities, Close, Connect, Ehlo, Fault, FaultSpec, Handshake, LegacyVersion, Mail,
    Nth, StartTls, Then, TlsSettings,
};

#[test]
fn what_is_wrong_with_a_row_is_said_with_the_key_that_is_wrong() {
    for (row, place, why) in [
        (
            r#"{"at": "starttls", "do": {"reply": "TLS not available"}}"#,
            ("do", None),
            "code between 200 and 599",
        ),
        (r#"{"at": "mail", "do": "implicit-tls"}"#, ("at", None), "to be done at connect"),
        (
            r#"{"at": "handshake", "do": {"reply": "454 no"}}"#,
            ("at", None),
            "any stage but handshake, body and close",
        ),
        (r#"{"at": "mail", "do": {"alert": 40}}"#, ("at", None), "to be done at handshake or after-tls"),
        (r#"{"at": "mail", "do": [{"delay": "1s"}, {"raw": "hex:0"}]}"#, ("do", Some(1)), "hexadecimal"),
        (r#"{"at": "mail", "do": []}"#, ("do", None), "names no action"),
        (r#"{"at": "mail", "do": ["close", {"delay": "1s"}]}"#, ("do", None), "nothing can follow `close`"),
        (r#"{"at": "mail", "do": "close", "then": "reset"}"#, ("then", None), "leave `then` away"),
        (r#"{"at": "mail", "do": [{"reply": "250 a"}, {"say": "b"}]}"#, ("do", None), "`reply` and `say`"),
        (r#"{"at": "mail", "do": [{"delay": "1s"}, {"delay": "2s"}]}"#, ("do", None), "`delay` and `delay`"),
        (
            r#"{"at": "handshake", "do": {"corrupt": {"octet": 1}}, "then": "close"}"#,
            ("then", None),
            "after-tls",
        ),
        (r#"{"at": "handshake", "do": {"alert": "handshake_failed"}}"#, ("do", None), "`handshake_failure`"),
        (r#"{"at": "handshake", "do": {"tls": {"tickets": 17}}}"#, ("do", None), "at most 16"),
        (r#"{"at": "handshake", "do": {"tls": {"ticket_size": 31}}}"#, ("do", None), "at least 32"),
        (r#"{"at": "body", "do": {"end-of-data": ["x"]}}"#, ("do", None), "vulnerable = true"),
        (r#"{"at": "body", "do": "close", "vulnerable": true}"#, ("vulnerable", None), "no hole"),
        (r#"{"at": "body", "do": "close", "when": {"line": "x"}}"#, ("when", None), "`line`"),
        (r#"{"at": "body", "do": "close", "when": {"longer_than": 1}}"#, ("when", None), "`longer_than`"),
        (
            r#"{"at": "connect", "do": "close", "when": {"client_certificate": "absent"}}"#,
            ("when", None),
            "connect",
        ),
    ] {
        let spec: FaultSpec = serde_json::from_str(row).unwrap();
        let error = spec.resolve().unwrap_err();
        assert!(error.to_string().contains(why), "{row}: {error}");
        assert_eq!(error.place(), place, "{row}");
    }
}

#[test]
fn what_rust_builds_is_what_a_lab_file_says() {
    let built =
        Fault::at(StartTls).reply("454 4.7.0 no").close().on_connection(2).in_clear().times(3).optional();
    let row = r#"{"at": "starttls", "do": {"reply": "454 4.7.0 no"}, "then": "close", "times": 3, "optional": true,
        "when": {"connection": 2, "tls": false}}"#;
    assert_eq!(FaultSpec::from(built), serde_json::from_str::<FaultSpec>(row).unwrap());
    let alone = FaultSpec::from(Fault::at(StartTls).fin().on_connections(Nth::Odd));
    let row = r#"{"at": "starttls", "do": "fin", "when": {"connection": "odd"}}"#;
    assert_eq!(alone, serde_json::from_str::<FaultSpec>(row).unwrap());
    assert_eq!(alone.resolve().unwrap().then(), Some(Then::Fin));
}

#[test]
fn whatever_rust_can_build_can_be_done() {
    let (second, reply) = (Duration::from_secs(1), "250 2.0.0 fine");
    let all: [FaultSpec; 25] = [
        Fault::at(Mail)
            .reply(reply)
            .append("a")
            .prepend("b")
            .delay(second)
            .trickle(second)
            .line_feeds()
            .into(),
        Fault::at(Mail).say("a").into(),
        Fault::at(Mail).raw([0xff]).into(),
        Fault::at(Mail).silence().into(),
        Fault::at(Connect).implicit_tls().into(),
        Fault::at(Ehlo).capabilities(Capabilities::default()).into(),
        Fault::at(Ehlo).without_capability("STARTTLS").into(),
        Fault::at(StartTls).execute_pipelined().into(),
        Fault::at(Handshake).warning("close_notify").alert("internal_error").delay(second).into(),
        Fault::at(Handshake).raw("a").into(),
        Fault::at(Handshake).cut_after_client_hello().into(),
        Fault::at(Handshake).cut_after_server_hello().reset().into(),
        Fault::at(Handshake).cut_after_bytes(3).into(),
        Fault::at(Handshake).corrupt(3).into(),
        Fault::at(Handshake).legacy(LegacyVersion::Tls10).into(),
        Fault::at(Handshake).tls(TlsSettings::default()).into(),
        Fault::at(AfterTls).reply(reply).keep_state().delay(second).into(),
        Fault::at(AfterTls).raw("a").into(),
        Fault::at(AfterTls).alert("internal_error").fin().into(),
        Fault::at(Body).delay(second).end_of_data(["\n.\n"]).into(),
        Fault::at(Close).no_close_notify().into(),
        Fault::at(Close).reset().into(),
        Fault::at(Body).close().into(),
        Fault::at(AfterTls).reset().into(),
        Fault::at(Handshake).fin().into(),
    ];
    for spec in all {
        assert!(spec.resolve().is_ok(), "{spec:?}: {:?}", spec.resolve());
        let written = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<FaultSpec>(&written).unwrap(), spec);
    }
}
