//! What no entry may do unasked: nothing that came in clear counts inside TLS, nobody is given TLS that was not
//! offered, and where a handshake fails, nothing is said or taken in clear any more.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use starttls_lab::internal::journal::Record;
use starttls_lab::internal::session::Anomaly;
use starttls_lab::internal::tls::Versions::Only13;
use starttls_lab::{Lab, a_session};

use super::client::Step::*;
use super::client::{Client, Step};
use super::table::GO_AHEAD;
use super::{lab, scripts};

/// What somebody on the way would like to have carried out.
const PROBES: [&[u8]; 7] = [
    b"NOOP\r\n",
    b"RSET\r\n",
    b"EHLO attacker.example\r\n",
    b"MAIL FROM:<attacker@attacker.example>\r\n",
    b"EHLO attacker.example\r\nMAIL FROM:<attacker@attacker.example>\r\nRCPT TO:<victim@lab.test>\r\nDATA\r\n",
    b"STARTTLS\r\n",
    b"NOO",
];

/// Lines that came and sounded like commands, and how much was thrown away, of all conversations.
fn heard(lab: &Lab) -> (Vec<String>, usize) {
    let (mut lines, mut thrown_away) = (Vec::new(), 0);
    for entry in lab.journal().entries(1) {
        match entry.record {
            Record::Received(line) => lines.push(String::from_utf8_lossy(&line).into_owned()),
            Record::Anomaly(Anomaly::PipelinedBehindStartTls { octets, .. }) => thrown_away += octets,
            _ => {}
        }
    }
    (lines, thrown_away)
}

/// Plays `begin`, the probe behind STARTTLS in one segment, and then what shows that it did not count.
#[track_caller]
fn is_thrown_away(name: &str, probe: &[u8]) {
    let lab = lab(name);
    let mut client = Client::connect(&lab);
    let said: &'static [u8] = [b"STARTTLS\r\n", probe].concat().leak();
    client.go(&[Greeted, Lists("STARTTLS"), Say(said), Hear(GO_AHEAD), Secure]);
    // The next reply is the next command's, and knows of no transaction.
    client.go(&[Ask("RCPT TO:<you@lab.test>", b"503 5.5.2 Need mail command\r\n"), Send]);
    let (lines, thrown_away) = heard(&lab);
    assert_eq!(
        lines.iter().filter(|line| line.contains("attacker") || *line == "NOOP" || *line == "RSET").count(),
        0
    );
    assert_eq!(lines.iter().filter(|line| *line == "STARTTLS").count(), 1);
    assert_eq!(thrown_away, probe.len());
    assert_eq!(lab.messages().len(), 1);
}

#[test]
fn nothing_that_is_pipelined_behind_starttls_is_ever_carried_out() {
    for probe in PROBES {
        is_thrown_away("inject-command", probe);
    }
}

#[test]
fn no_entry_but_the_one_that_is_vulnerable_carries_out_what_is_pipelined() {
    // Every entry that grants TLS in a script has this done to it.
    for name in
        ["starttls-lowercase", "starttls-with-param", "starttls-absent-but-accepted", "tls-readvertise"]
    {
        let lab = lab(name);
        let mut client = Client::connect(&lab);
        client.go(&[Greeted, Say(b"EHLO client.example\r\n")]);
        client.skip_reply();
        client.go(&[
            Say(b"STARTTLS\r\nNOOP\r\nMAIL FROM:<attacker@attacker.example>\r\n"),
            Hear(GO_AHEAD),
            Secure,
        ]);
        client.go(&[Ask("RCPT TO:<you@lab.test>", b"503 5.5.2 Need mail command\r\n")]);
    }
}

#[test]
fn the_vulnerable_entry_does_what_the_safe_one_does_not() {
    let lab = lab("inject-command-vulnerable");
    let mut client = Client::connect(&lab);
    client.go(&[Greeted, Lists("STARTTLS"), Say(b"STARTTLS\r\nNOOP\r\n"), Hear(GO_AHEAD), Secure]);
    client.go(&[Hear(b"250 2.0.0 OK\r\n")]);
    assert!(heard(&lab).0.iter().any(|line| line == "NOOP"));
}

#[test]
fn a_command_in_a_segment_of_its_own_behind_the_220_ends_the_handshake() {
    for probe in [&b"NOOP\r\n"[..], b"EHLO attacker.example\r\n", b"MAIL FROM:<>\r\n"] {
        let lab = lab("inject-command");
        let mut client = Client::connect(&lab);
        client.go(&[Greeted, Lists("STARTTLS"), Ask("STARTTLS", GO_AHEAD), Say(probe)]);
        client.go(&[Hear(&[21, 3, 3, 0, 2, 2, 50]), Fin]);
        lab.wait_for_session(a_session()).unwrap();
        assert_eq!(heard(&lab).0, ["EHLO client.example", "STARTTLS"]);
    }
}

#[test]
fn a_client_hello_in_the_segment_of_starttls_is_thrown_away_as_well() {
    let lab = lab("inject-command");
    for in_front in ["", "NOOP\r\n"] {
        let mut client = Client::connect(&lab);
        let hello = client.hello();
        let said: &'static [u8] = [b"STARTTLS\r\n", in_front.as_bytes(), &hello].concat().leak();
        client.go(&[Greeted, Lists("STARTTLS"), Say(said), Hear(GO_AHEAD), Silent, Secure, Send]);
    }
    assert!(!heard(&lab).0.iter().any(|line| line == "NOOP"));
}

#[test]
fn starttls_that_is_not_offered_is_refused_and_no_handshake_follows() {
    let withheld = || Lab::connector("mx1.lab.test").certificate(["other.lab.test"]).quiet().start().unwrap();
    let refusal = b"500 5.3.3 Unrecognized command 'STARTTLS'\r\n";
    let lab = withheld();
    let mut client = Client::connect(&lab);
    client.go(&[Greeted, Misses("STARTTLS"), Ask("STARTTLS", refusal), ClientHello]);
    let said = client.rest();
    assert!(said.starts_with(b"500 5.3.3 Unrecognized command"), "{}", said.escape_ascii());
    let lab = withheld();
    Client::connect(&lab).play(&[Greeted, Ask("STARTTLS", refusal)]);
    // Before EHLO nothing has been offered either.
    let lab = self::lab("inject-command");
    Client::connect(&lab).play(&[Greeted, Ask("STARTTLS", b"503 5.5.2 Send hello first\r\n")]);
}

#[test]
fn starttls_is_refused_inside_tls() {
    let lab = lab("inject-command");
    let again = Ask("STARTTLS", b"500 5.3.3 Unrecognized command 'STARTTLS'\r\n");
    Client::connect(&lab).play(&[Greeted, Lists("STARTTLS"), Ask("STARTTLS", GO_AHEAD), Secure, again, Send]);
}

/// What somebody says who thinks that clear text will do now.
const IN_CLEAR: &[u8] =
    b"EHLO client.example\r\nMAIL FROM:<me@client.example>\r\nRCPT TO:<you@lab.test>\r\nDATA\r\n\
    Subject: in clear\r\n\r\n.\r\nAUTH LOGIN\r\n*\r\nQUIT\r\n";

/// Goes on in clear where a handshake has failed, and sees that nothing comes of it.
#[track_caller]
fn is_deaf(name: &str, lab: &Lab, client: Client) {
    let before = heard(lab).0.len();
    let mut tcp = client.into_socket();
    // The connection may be gone already, which is as good.
    let said = tcp.write_all(IN_CLEAR).and_then(|()| tcp.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    let read = tcp.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    let smtp = text
        .lines()
        .any(|line| line.starts_with("250") || line.starts_with("354") || line.starts_with("334"));
    assert!(!smtp, "{name}: {said:?} {read:?} {text:?}");
    lab.wait_for_session(a_session()).unwrap();
    assert_eq!(heard(lab).0[before..], [""; 0], "{name}");
    assert!(lab.messages().is_empty(), "{name}");
}

#[test]
fn no_clear_text_follows_a_handshake_that_an_entry_breaks() {
    // What comes in clear after a script's last step, where that step is a failure.
    let fails =
        |step: Option<&Step>| matches!(step, Some(Fin | Rst | Silent | Fails(..) | Gets(_) | CloseNotify));
    let broken = scripts().filter(|(name, steps)| {
        (name.starts_with("tls-") || *name == "starttls-reply-250")
            && fails(steps.last())
            && !name.contains("implicit")
            && !name.contains("close-")
    });
    let mut tried = 0;
    for (name, steps) in broken {
        let lab = lab(name);
        let mut client = Client::connect(&lab);
        client.go(steps);
        is_deaf(name, &lab, client);
        tried += 1;
    }
    assert!(tried >= 30, "{tried}");
}

#[test]
fn no_clear_text_follows_a_handshake_that_the_client_breaks() {
    let conducts: [(&str, &[Step]); 6] = [
        ("no TLS", &[Say(b"hello\r\n")]),
        ("an alert", &[Say(&[21, 3, 1, 0, 2, 2, 40])]),
        ("an empty record", &[Say(&[22, 3, 1, 0, 0])]),
        ("half a ClientHello", &[Say(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])]),
        ("a hello of SSLv2", &[Say(&[0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10])]),
        ("a ClientHello and no more of the handshake", &[ClientHello]),
    ];
    for (conduct, steps) in conducts {
        let lab = lab("inject-command");
        let mut client = Client::connect(&lab);
        client.go(&[Greeted, Lists("STARTTLS"), Ask("STARTTLS", GO_AHEAD)]);
        client.go(steps);
        is_deaf(conduct, &lab, client);
    }
    // A client that does not trust the certificate says so and leaves.
    let (lab, other) = (lab("inject-command"), lab("inject-command"));
    let mut client = Client::trusting(&other, &lab);
    client.go(&[
        Greeted,
        Lists("STARTTLS"),
        Ask("STARTTLS", GO_AHEAD),
        Fails(Only13, "invalid peer certificate"),
    ]);
    is_deaf("a certificate that is not trusted", &lab, client);
}

#[test]
fn clear_text_is_taken_where_there_was_no_handshake() {
    // That the probe of the two tests above can be answered at all.
    let lab = lab("starttls-absent");
    let mut tcp = TcpStream::connect(lab.addr()).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    tcp.write_all(IN_CLEAR).unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\r\n354 ") && lab.messages().len() == 1, "{answer}");
}
