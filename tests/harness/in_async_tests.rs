//! The harness in tests that wait without blocking, and in those that block where they should not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

use std::net::TcpListener;
use std::time::Duration;

use crate::blocking::{Client, send_in_clear};
use lettre::address::Envelope;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};
use starttls_lab::{Answer, AsyncLab, Lab, a_message, a_session};

async fn healthy() -> AsyncLab {
    Lab::connector("localhost").certificate(["localhost"]).start_async().await.unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn a_client_that_blocks_the_only_thread_is_answered() {
    let lab = healthy().await;
    let client = Client::connect(lab.addr());
    let mut client = client.starttls(lab.client_config(), "localhost").unwrap();
    client.send("me@contoso.com", "you@contoso.com", "hello");
    client.quit();
    lab.wait_for_message(a_message().over_tls()).await.unwrap();
    let session = lab.wait_for_session(a_session()).await.unwrap();
    assert_eq!(session.messages_over_tls, 1);
}

#[tokio::test(flavor = "current_thread")]
async fn lettre_without_async_sends_to_a_lab_in_an_async_test() {
    let lab = healthy().await;
    let ca = Certificate::from_pem(lab.ca_pem().as_bytes()).unwrap();
    let tls = TlsParameters::builder("localhost".to_owned()).add_root_certificate(ca).build().unwrap();
    let envelope =
        Envelope::new(Some("me@contoso.com".parse().unwrap()), vec!["you@contoso.com".parse().unwrap()]);
    SmtpTransport::builder_dangerous("127.0.0.1")
        .port(lab.addr().port())
        .tls(Tls::Required(tls))
        .build()
        .send_raw(&envelope.unwrap(), b"Subject: hello\r\n\r\nfrom lettre\r\n")
        .unwrap();
    let message = lab.wait_for_message(a_message().to("you@contoso.com").over_tls()).await.unwrap();
    assert_eq!(message.subject.as_deref(), Some("hello"));
}

#[tokio::test(flavor = "current_thread")]
async fn a_blocking_lab_in_an_async_test_answers_as_well() {
    let lab = Lab::scenario("fqdn-mismatch").start().unwrap();
    send_in_clear(lab.addr(), "me@contoso.com", "you@expta.com", "hello");
    lab.wait_for_message(a_message()).unwrap();
    lab.run("Get-ReceiveConnector").unwrap();
    lab.finish().assert();
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_wait_keeps_the_machines_time_where_the_test_stops_its_own() {
    let lab = healthy().await;
    let address = lab.addr();
    let sender = std::thread::spawn(move || {
        send_in_clear(address, "me@contoso.com", "you@contoso.com", "hello");
    });
    lab.wait_for_message(a_message()).await.unwrap();
    sender.join().unwrap();
}

#[tokio::test]
async fn two_waits_at_once_each_get_their_own() {
    let lab = healthy().await;
    let address = lab.addr();
    let sending = tokio::task::spawn_blocking(move || {
        for to in ["one@contoso.com", "two@contoso.com"] {
            send_in_clear(address, "me@contoso.com", to, "hello");
        }
    });
    let (two, one, sent) = tokio::join!(
        lab.wait_for_message(a_message().to("two@contoso.com")),
        lab.wait_for_message(a_message().to("one@contoso.com")),
        sending,
    );
    sent.unwrap();
    assert_eq!((one.unwrap().message.id, two.unwrap().message.id), (1, 2));
}

#[tokio::test]
async fn a_wait_in_vain_ends_in_time() {
    let lab = Lab::scenario("healthy").patience(Duration::from_millis(20)).start_async().await.unwrap();
    let error = lab.wait_for_event(12014).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no event 12014 within 20ms; there is no event at all, and nobody has connected"
    );
}

#[tokio::test]
async fn a_lab_is_mended_while_it_plays_by_cmdlet_and_by_scenario() {
    let lab = Lab::scenario("fqdn-mismatch").start_async().await.unwrap();
    lab.run("Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com").await.unwrap();
    assert!(lab.connectors()[0].starttls);
    // The scenario knows nothing of what was typed.
    let names = vec!["else.expta.com".to_owned()];
    lab.reconfigure(|scenario| scenario.computer[0].certificate[0].names = names).await.unwrap();
    assert_eq!((lab.connectors()[0].starttls, lab.events().len()), (false, 1));
}

#[tokio::test]
async fn a_question_of_the_shell_is_answered_in_an_async_test() {
    let lab = Lab::scenario("internal-certificate-overwritten").start_async().await.unwrap();
    let enable =
        "Get-ExchangeCertificate -DomainName mail.contoso.com | Enable-ExchangeCertificate -Services SMTP";
    let refused = lab.run_on_answering("EDGE01", enable, &[]).await.unwrap_err().to_string();
    assert!(refused.contains("it asks, and nobody answered"), "{refused}");
    lab.run_on_answering("EDGE01", enable, &[Answer::No]).await.unwrap();
    assert!(lab.connectors().iter().all(|it| it.starttls));
    let one = Lab::scenario("fqdn-mismatch").start_async().await.unwrap();
    one.run_answering("Get-ReceiveConnector", &[]).await.unwrap();
}

#[tokio::test]
async fn a_port_is_free_when_its_lab_is_finished_or_dropped() {
    let (one, two) = (healthy().await, healthy().await);
    let addresses = [one.addr(), two.addr()];
    one.finish().await.assert();
    drop(two);
    for address in addresses {
        TcpListener::bind(address).expect("the port is free again");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_conversation_may_go_to_its_end_while_the_lab_is_finished() {
    let lab = healthy().await;
    let address = lab.addr();
    let mut client = Client::connect(address);
    let mut finishing = Box::pin(lab.finish_within(Duration::from_secs(20)));
    tokio::select! {
        biased;
        _ = &mut finishing => panic!("the conversation had not ended"),
        () = std::future::ready(()) => {}
    }
    while TcpListener::bind(address).is_err() {
        std::thread::yield_now();
    }
    client.send("me@contoso.com", "you@contoso.com", "hello");
    client.quit();
    let report = finishing.await;
    assert!(report.all_ended);
    assert_eq!(report.messages.len(), 1);
}

#[tokio::test]
async fn a_lab_can_be_used_from_a_task_of_its_own() {
    let task = tokio::spawn(async {
        let lab = healthy().await;
        lab.run("Get-ReceiveConnector").await.unwrap();
        lab.reconfigure(|scenario| scenario.title.clear()).await.unwrap();
        lab.wait_for_session_within(Duration::ZERO, a_session()).await.unwrap_err();
        lab.finish().await.is_ok()
    });
    assert!(task.await.unwrap());
}
