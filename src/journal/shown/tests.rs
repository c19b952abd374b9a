use proptest::prelude::*;

use super::*;

fn masked(line: &str) -> String {
    String::from_utf8(without_secret(line.as_bytes()).into_owned()).unwrap()
}

proptest! {
    #[test]
    fn an_endpoint_is_written_as_its_address_is(ip in any::<u32>(), short in any::<[u8; 4]>(), port in any::<u16>()) {
        let short = short.map(|part| part % 12);
        for ip in [Ipv4Addr::from_bits(ip), Ipv4Addr::from(short)] {
            for port in [port, port % 100] {
                let address = SocketAddr::new(ip.into(), port);
                prop_assert_eq!(endpoint(address).to_string(), address.to_string());
                let mapped = SocketAddr::new(ip.to_ipv6_mapped().into(), port);
                prop_assert_eq!(endpoint(mapped).to_string(), address.to_string());
            }
        }
    }

    #[test]
    fn what_is_plain_is_ascii_without_controls(bytes in prop::collection::vec(prop_oneof![8 => b' '..=b'~', 1 => any::<u8>()], 0..80)) {
        let shown = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        prop_assert_eq!(plain(&bytes).map(str::as_bytes), shown.then_some(&bytes[..]));
    }
}

#[test]
fn the_initial_response_of_auth_is_not_shown() {
    assert_eq!(masked("AUTH PLAIN AGEAYg=="), "AUTH PLAIN <authentication response>");
    assert_eq!(masked("auth  login\tYQ=="), "auth  login <authentication response>");
    assert_eq!(masked("X-EXPS NTLM TlRMTVNTUA=="), "X-EXPS NTLM <authentication response>");
    assert_eq!(masked("AUTH PLAIN\0a\0b"), "AUTH PLAIN <authentication response>");
}

#[test]
fn what_is_too_long_for_a_mechanism_may_be_a_secret() {
    assert_eq!(masked("AUTH AGFsaWNlAHNlY3JldHNlY3JldA"), "AUTH <authentication response>");
    assert_eq!(masked("AUTH SCRAM-SHA-256"), "AUTH SCRAM-SHA-256");
}

#[test]
fn a_spelling_that_is_wrong_hides_no_less() {
    for (line, shown) in [
        (" AUTH LOGIN YQ==", " AUTH LOGIN <authentication response>"),
        ("AUTH=PLAIN AGEAYg==", "AUTH=PLAIN <authentication response>"),
        ("AUTH:LOGIN=YQ==", "AUTH:LOGIN <authentication response>"),
        ("AUTHENTICATE PLAIN AGEAYg==", "AUTHENTICATE PLAIN <authentication response>"),
        ("AUTH AGEAYg==", "AUTH <authentication response>"),
        ("AUTH YWxpY2U=", "AUTH <authentication response>"),
        ("\tX-EXPS\tNTLM TlRM", "\tX-EXPS\tNTLM <authentication response>"),
        ("XAUTH PLAIN AGEAYg==", "XAUTH PLAIN <authentication response>"),
        ("X-AUTH AGEAYg==", "X-AUTH <authentication response>"),
        ("\"AUTH\" PLAIN AGEAYg==", "\"AUTH\" PLAIN <authentication response>"),
        ("'auth' 'login' YQ==", "'auth' 'login <authentication response>"),
        ("NOOP AUTH PLAIN AGEAYg==", "NOOP AUTH PLAIN <authentication response>"),
        ("ESMTPAUTH PLAIN AGEAYg==", "ESMTPAUTH PLAIN <authentication response>"),
        ("RSET; AUTH LOGIN YQ==", "RSET; AUTH LOGIN <authentication response>"),
        ("XEXPS LOGIN YQ==", "XEXPS LOGIN <authentication response>"),
        ("A\0UTH PLAIN AGEAYg==", "AUTH PLAIN <authentication response>"),
        ("AUTH\0PLAIN AGEAYg==", "AUTH PLAIN <authentication response>"),
        ("PASS hunter2", "PASS <authentication response>"),
        ("a1 LOGIN anna hunter2", "a1 LOGIN <authentication response>"),
        ("Proxy-Authorization: Basic YQ==", "Proxy-Authorization: <authentication response>"),
    ] {
        assert_eq!(masked(line), shown);
    }
}

#[test]
fn what_follows_a_refused_auth_is_not_kept_until_a_command_comes() {
    let mut secrets = Secrets::default();
    let mut said = |line: &str| match secrets.received(&line.as_bytes().into(), false) {
        Record::Received(line) => String::from_utf8(line.to_vec()).unwrap(),
        Record::ReceivedSecret => "?".to_owned(),
        other => panic!("{other:?}"),
    };
    let lines = ["xyzzy", "AUTH LOGIN", "dXNlcg==", "c2VjcmV0", "RSET", "xyzzy"].map(&mut said);
    assert_eq!(lines, ["xyzzy", "AUTH LOGIN", "?", "?", "RSET", "xyzzy"]);
}

#[test]
fn a_reply_does_not_repeat_what_was_not_kept() {
    let mut secrets = Secrets::default();
    let mut reply = |line: &str, reply: &'static str| {
        secrets.received(&line.as_bytes().into(), false);
        match secrets.sent(Bytes::from_static(reply.as_bytes())) {
            Record::Sent(octets) => String::from_utf8(octets.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(reply("xyzzy", "500 Unrecognized command 'xyzzy'"), "500 Unrecognized command 'xyzzy'");
    reply("AUTH LOGIN", "504 no");
    assert_eq!(
        reply("c2VjcmV0", "500 Unrecognized command 'c2VjcmV0'"),
        "500 Unrecognized command '<authentication response>'"
    );
    assert_eq!(
        reply("AUTH=PLAIN=AGEAYg== x", "500 Unrecognized command 'AUTH=PLAIN=AGEA'"),
        "500 Unrecognized command '<authentication response>'"
    );
    assert_eq!(reply("XAUTH PLAIN AGEAYg==", "500 no 'XAUTH'"), "500 no 'XAUTH'", "it is no secret");
}

#[test]
fn a_line_that_was_masked_is_not_masked_again() {
    let once = masked("AUTH PLAIN AGEAYg==");
    assert_eq!(masked(&once), once);
}

#[test]
fn other_commands_are_shown_whole() {
    for line in [
        "AUTH",
        "AUTH LOGIN",
        "AUTH LOGIN ",
        "MAIL FROM:<a@example.com> AUTH=<>",
        "EHLO auth x",
        "",
        "NOOP AUTH PLAIN",
        "VRFY author plain",
    ] {
        assert_eq!(masked(line), line);
    }
}

#[test]
fn json_hides_nothing_and_reads_back_as_the_same() {
    let value = serde_json::json!({ "text": "a\u{7f}\u{9b}\u{202e}\u{e0041}\u{feff}\u{1b}\n\u{e9}" });
    let json = safe_json(serde_json::to_string_pretty(&value).unwrap());
    assert!(
        json.contains(
            r"a\u007f\u009b\u202e\udb40\udc41\ufeff\u001b\n\u{e9}".replace(r"\u{e9}", "\u{e9}").as_str()
        ),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
}

#[test]
fn nothing_from_the_wire_reaches_the_terminal_raw() {
    assert_eq!(printable(b"\x1b[2J\r\n\0\x7fk\xc3\xb6ln"), "\\x1b[2J\\r\\n\\x00\\x7fköln");
    assert_eq!(printable(b"a\xffb\xc3"), "a\\xffb\\xc3");
    assert_eq!(printable("\u{9b}31m\u{202e}\u{200b}".as_bytes()), "\\u{9b}31m\\u{202e}\\u{200b}");
    assert_eq!(printable("CONTOSO\\anna 用户".as_bytes()), "CONTOSO\\anna 用户");
}
