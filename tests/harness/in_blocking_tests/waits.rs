//! Waits: that they end when they should, and what they say where they do not.

use std::time::{Duration, Instant};

use starttls_lab::{Lab, ReceivedMessage, SessionSummary, a_message, a_session};

use super::healthy;
use crate::blocking::{Client, send_in_clear, without_ports};

const SHORT: Duration = Duration::from_millis(20);

#[test]
fn a_wait_for_what_is_there_already_takes_no_time_at_all() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    for _ in 0..2 {
        send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
    }
    // The last entry of a conversation comes after the client has seen its last reply.
    lab.wait_for_session(a_session().that("is the second", |session| session.session.0 == 2)).unwrap();
    let now = Duration::ZERO;
    lab.wait_for_event_within(now, 12014).unwrap();
    lab.wait_for_message_within(now, a_message().in_clear().on("mail.expta.com")).unwrap();
    lab.wait_for_session_within(now, a_session().in_clear()).unwrap();
}

#[test]
fn a_wait_ends_when_what_it_is_for_comes() {
    let lab = healthy();
    let address = lab.addr();
    let sender = std::thread::spawn(move || {
        for subject in ["first", "second"] {
            send_in_clear(address, "me@contoso.com", "you@contoso.com", subject);
        }
    });
    let (begin, longest) = (Instant::now(), Duration::from_secs(60));
    let wanted = a_message().subject("second").containing("text");
    let message = lab.wait_for_message_within(longest, wanted).unwrap();
    assert!(begin.elapsed() < longest / 2);
    assert_eq!(message.to_string(), "message 2 from me@contoso.com to you@contoso.com, ESMTP in clear");
    sender.join().unwrap();
}

#[test]
fn a_closure_is_a_condition_and_may_borrow() {
    let lab = healthy();
    for _ in 0..2 {
        send_in_clear(lab.addr(), "me@contoso.com", "you@contoso.com", "hello");
    }
    let subject = String::from("hello");
    lab.wait_for_message(|message: &ReceivedMessage| message.subject.as_deref() == Some(&subject)).unwrap();
    lab.wait_for_session(|session: &SessionSummary| session.messages_in_clear == 1).unwrap();
    let wanted = a_message().that("has that subject", |it| it.subject.as_deref() == Some(&subject));
    lab.wait_for_message(wanted).unwrap();
}

#[test]
fn a_conversation_counts_when_it_has_ended_or_where_that_is_said() {
    let lab = healthy();
    let client = Client::connect(lab.addr());
    let error = lab.wait_for_session_within(SHORT, a_session().in_clear()).unwrap_err();
    assert_eq!(
        without_ports(&error.to_string()),
        "no conversation in clear within 20ms; conversations so far, newest first:\n  \
         session 08D0000000000001 from 127.0.0.1:PORT: has not ended\n    it goes on"
    );
    let session = lab.wait_for_session(a_session().or_under_way()).unwrap();
    assert_eq!(session.ending, None);
    client.quit();
    lab.wait_for_session(a_session().in_clear()).unwrap();
}

#[test]
fn a_wait_in_vain_without_any_client_says_that_nobody_has_connected() {
    let lab = healthy();
    assert_eq!(
        lab.wait_for_message_within(SHORT, a_message().to("you@contoso.com")).unwrap_err().to_string(),
        "no message to you@contoso.com within 20ms; there is no message at all, and nobody has connected"
    );
}

#[test]
fn a_wait_in_vain_for_a_message_shows_the_conversations_that_brought_none() {
    let lab = Lab::scenario("fqdn-mismatch").patience(SHORT).start().unwrap();
    Client::connect(lab.addr()).quit();
    lab.wait_for_session_within(Duration::from_secs(20), a_session()).unwrap();
    let error = lab.wait_for_message(a_message()).unwrap_err();
    assert_eq!(
        without_ports(&error.to_string()),
        "no message within 20ms; there is no message at all. Sessions, newest first:\n  \
         session 08D0000000000001 from 127.0.0.1:PORT: no message; STARTTLS was not offered"
    );
}

#[test]
fn a_wait_in_vain_for_a_message_shows_the_others_and_how_they_miss() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
    send_in_clear(lab.addr(), "", "me@expta.com", "hello");
    let wanted = a_message().from("me@contoso.com").to("you@expta.com").subject("hello").over_tls();
    assert_eq!(
        lab.wait_for_message_within(SHORT, wanted).unwrap_err().to_string(),
        "no message from me@contoso.com, to you@expta.com, about \"hello\", over TLS within 20ms; \
         messages so far, newest first:\n  \
         message 2 from <> to me@expta.com, ESMTP in clear\n    \
         from <>, not me@contoso.com; to me@expta.com, not you@expta.com; in clear\n  \
         message 1 from me@contoso.com to you@expta.com, ESMTP in clear\n    in clear"
    );
}

#[test]
fn a_wait_in_vain_for_an_event_shows_those_that_were_logged() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    assert_eq!(
        lab.wait_for_event_within(SHORT, 12016).unwrap_err().to_string(),
        "no event 12016 within 20ms; events so far, newest first:\n  event 12014 on mailgate, Error: \
         Microsoft Exchange could not find a certificate that contains the domain name mail.expta.com in the \
         personal store on the local computer\n    it is event 12014"
    );
}

#[test]
fn a_wait_in_vain_shows_the_newest_ten_and_counts_the_rest() {
    let lab = healthy();
    let mut client = Client::connect(lab.addr());
    (1..=12).for_each(|n| client.send("me@contoso.com", &format!("{n}@contoso.com"), "hello"));
    let error = lab.wait_for_message_within(SHORT, a_message().over_tls()).unwrap_err().to_string();
    assert!(error.contains("  message 12 from") && error.contains("  message 3 from"), "{error}");
    assert!(!error.contains("  message 2 from") && error.ends_with("\n  and 2 more"), "{error}");
}

#[test]
fn a_peer_whom_no_connector_answers_is_shown_where_nothing_came() {
    let lab = Lab::connector("mail.contoso.com").edit(|scenario| {
        let ranges = vec!["192.0.2.0/24".parse().unwrap()];
        scenario.computer[0].receive_connector[0].remote_ip_ranges = Some(ranges);
    });
    let lab = lab.start().unwrap();
    let mut client = std::net::TcpStream::connect(lab.addr()).unwrap();
    std::io::copy(&mut client, &mut std::io::sink()).unwrap();
    let error = lab.wait_for_message_within(SHORT, a_message()).unwrap_err().to_string();
    assert!(error.contains("it is in no connector's RemoteIPRanges"), "{error}");
}

#[test]
fn an_error_reads_the_same_where_it_is_unwrapped() {
    let lab = healthy();
    let error = lab.wait_for_message_within(SHORT, a_message()).unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
    let error = Lab::text("titel = 1").start().unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn what_one_wait_returned_no_later_wait_of_its_kind_returns() {
    let lab = healthy();
    for subject in ["first", "second"] {
        send_in_clear(lab.addr(), "me@contoso.com", "you@contoso.com", subject);
    }
    let subjects = [(); 2].map(|()| lab.wait_for_message(a_message()).unwrap().subject.clone().unwrap());
    assert_eq!(subjects, ["first", "second"].map(Box::from));
    lab.wait_for_session(a_session()).unwrap();
    lab.wait_for_session(a_session().with_messages(1)).unwrap();
    let error = lab.wait_for_message_within(SHORT, a_message().subject("second")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no message about \"second\" within 20ms; messages so far, newest first:\n  \
         message 2 from me@contoso.com to you@contoso.com, ESMTP in clear\n    \
         an earlier wait has returned it\n  \
         message 1 from me@contoso.com to you@contoso.com, ESMTP in clear\n    \
         about \"first\", not \"second\""
    );
    assert_eq!(lab.messages().len(), 2, "they are still there to be looked at");
}

#[test]
fn a_wait_can_begin_at_a_point() {
    let lab = healthy();
    send_in_clear(lab.addr(), "me@contoso.com", "you@contoso.com", "before");
    lab.wait_for_session(a_session().that("is not the answer", |_| true)).unwrap();
    let here = lab.seq();
    let error = lab.wait_for_message_within(SHORT, a_message().after(here)).unwrap_err();
    assert_eq!(
        error.instead,
        format!("there is no other message behind entry {here}, and nobody has connected since")
    );
    send_in_clear(lab.addr(), "me@contoso.com", "you@contoso.com", "behind");
    let message = lab.wait_for_message(a_message().after(here)).unwrap();
    assert_eq!(message.subject.as_deref(), Some("behind"));
    assert!(message.seq > here);
}
