//! The logon without a socket.

use starttls_lab::internal::exchange::{Profile, SmartHostAuthMechanism};
use starttls_lab::internal::session::TlsVerb;
use starttls_lab::internal::session::send::{
    Outcome, Reason, ResultType, SendFact, SendStage, SenderPolicy, last_error,
};

use super::played::{ENCODED, PASSWORD, Played, logging_on, play, task};

const OFFERED: &str = "250-smart\n250-SIZE\n250 auth NTLM login";
const PLAIN_ONLY: &str = "250-smart\n250-AUTH=LOGIN\n250 AUTH PLAIN XLOGIN";
const STARTTLS: &str = "250-smart\n250-STARTTLS\n250 AUTH LOGIN";

fn played(mechanism: SmartHostAuthMechanism, answers: &[&str]) -> Played {
    play(&[task(logging_on(mechanism), "b@example.test")], 0, answers)
}

fn basic(answers: &[&str]) -> Played {
    played(SmartHostAuthMechanism::BasicAuth, answers)
}

fn inside_tls(answers: &[&str]) -> Played {
    played(SmartHostAuthMechanism::BasicAuthRequireTLS, answers)
}

fn queue(profile: Profile, played: &Played) -> String {
    let now = "2018-08-20T00:39:00Z".parse().unwrap();
    last_error(profile, &played.attempts[0], "smart", &"192.0.2.1:25", now).unwrap()
}

#[test]
fn name_and_password_answer_the_two_challenges_of_auth_login() {
    let played = basic(&[
        "220 x",
        OFFERED,
        "334 VXNlcm5hbWU6",
        "334 UGFzc3dvcmQ6",
        "235 2.7.0 ok",
        "250 ok",
        "250 ok",
        "354 go",
        "250 queued",
        "221 bye",
    ]);
    assert_eq!(
        played.said,
        [
            "EHLO sender.test",
            "AUTH LOGIN",
            "(secret)",
            "(secret)",
            "MAIL FROM:<a@sender.test> SIZE=17",
            "RCPT TO:<b@example.test>",
            "DATA",
            "(content)",
            "QUIT"
        ]
    );
    assert_eq!(played.secrets, ["YW5uYQ==\r\n", &format!("{ENCODED}\r\n")]);
    assert_eq!(played.attempts[0].outcome, Outcome::DeliveredInClear);
    let [SendFact::Logon { user, mechanism: "Login", succeeded: true }] = &played.facts[..] else {
        panic!("{:?}", played.facts)
    };
    assert_eq!(user, "anna");
}

#[test]
fn a_refused_logon_is_event_2017_and_holds_the_mail_however_lasting_it_sounds() {
    for refused in [
        &["504 5.7.4 Unrecognized authentication type"][..],
        &["334 x", "535 5.7.3 Authentication unsuccessful"],
        &["334 x", "334 y", "535 5.7.3 Authentication unsuccessful"],
        &["334 x", "334 y", "454 4.7.0 Temporary authentication failure"],
        &["334 x", "334 y", "334 z"],
    ] {
        let answers = [&["220 x", OFFERED], refused, &["221 bye"]].concat();
        let played = basic(&answers);
        let reply = refused.last().unwrap().parse().unwrap();
        assert_eq!(played.attempts[0].reason, Reason::LogonRefused { reply }, "{refused:?}");
        assert_eq!(played.attempts[0].outcome, Outcome::Deferred);
        assert_eq!(played.said.last().unwrap(), "QUIT");
        let strings = ["LogonDenied", "To Smart Host", "Login", "smart.example.test"].map(str::to_owned);
        assert_eq!(played.events(), [(2017, strings.to_vec())]);
        assert!(matches!(played.facts[0], SendFact::Logon { succeeded: false, .. }));
        let error = queue(Profile::Exchange2010, &played);
        assert!(error.contains(&format!("responded with \"{}\"", refused.last().unwrap())), "{error}");
    }
}

#[test]
fn a_server_that_does_not_offer_login_is_told_nothing() {
    for offer in [PLAIN_ONLY, "250 smart"] {
        let played = basic(&["220 x", offer, "221 bye"]);
        assert_eq!(played.said, ["EHLO sender.test", "QUIT"], "{offer}");
        assert_eq!(played.attempts[0].reason, Reason::LogonNotOffered);
        assert_eq!(played.attempts[0].outcome, Outcome::Deferred);
        assert!(played.facts.is_empty(), "{:?}", played.facts);
        assert_eq!(
            queue(Profile::Exchange2010, &played),
            "451 4.4.0 Primary target IP address responded with \"451 5.7.3 Require basic authentication.\" \
             Attempted failover to alternate host, but that did not succeed. Either there are no alternate \
             hosts, or delivery failed to all alternate hosts. The last endpoint attempted was 192.0.2.1:25"
        );
        assert!(queue(Profile::Exchange2019, &played).contains("[Message=451 5.7.3 Require basic auth"));
    }
}

#[test]
fn helo_leaves_no_way_to_log_on() {
    let played = basic(&["220 x", "502 what", "250 smart", "221 bye"]);
    assert_eq!(played.said, ["EHLO sender.test", "HELO sender.test", "QUIT"]);
    assert_eq!(played.attempts[0].reason, Reason::LogonNotOffered);
}

#[test]
fn basic_auth_uses_the_tls_there_is_and_logs_on_inside() {
    let played = basic(&["220 x", STARTTLS, "220 go", OFFERED]);
    assert_eq!(played.said, ["EHLO sender.test", "STARTTLS", "EHLO sender.test", "AUTH LOGIN"]);
    assert_eq!(played.attempts[0].reason, Reason::Closed { at: SendStage::Auth });
    // What was offered in clear does not count inside.
    let played = basic(&["220 x", STARTTLS, "220 go", PLAIN_ONLY, "221 bye"]);
    assert_eq!(played.attempts[0].reason, Reason::LogonNotOffered);
}

#[test]
fn basic_auth_require_tls_says_no_password_in_clear() {
    let missing = inside_tls(&["220 x", OFFERED, "221 bye"]);
    assert_eq!(missing.said, ["EHLO sender.test", "QUIT"]);
    assert_eq!(missing.attempts[0].reason, Reason::NotOffered { verb: TlsVerb::StartTls });
    assert_eq!(missing.attempts[0].outcome, Outcome::Deferred);
    assert_eq!(missing.attempts[0].result_type, Some(ResultType::StarttlsNotSupported));
    assert_eq!(missing.events()[0].0, 2015);
    let refused = inside_tls(&["220 x", STARTTLS, "454 not now", "221 bye"]);
    assert_eq!(refused.said, ["EHLO sender.test", "STARTTLS", "QUIT"]);
    let inside = inside_tls(&["220 x", STARTTLS, "220 go", OFFERED, "334 x", "334 y"]);
    assert_eq!(inside.said.last().unwrap(), "(secret)");
    assert_eq!(inside.attempts[0].reason, Reason::Closed { at: SendStage::Password });
}

#[test]
fn basic_auth_require_tls_says_no_password_in_clear_after_a_failed_handshake_either() {
    let policy = logging_on(SmartHostAuthMechanism::BasicAuthRequireTLS);
    let mut in_clear = task(policy, "b@example.test");
    std::sync::Arc::make_mut(&mut in_clear).in_clear = true;
    let played = play(&[in_clear], 0, &["220 x", OFFERED, "221 bye"]);
    assert_eq!(played.said, ["EHLO sender.test", "QUIT"]);
}

#[test]
fn who_has_no_credential_to_use_does_not_log_on() {
    for mechanism in [SmartHostAuthMechanism::None, SmartHostAuthMechanism::ExternalAuthoritative] {
        let played = played(mechanism, &["220 x", OFFERED]);
        assert_eq!(played.said, ["EHLO sender.test", "MAIL FROM:<a@sender.test> SIZE=17"]);
    }
    assert!(SenderPolicy::named("exchange").unwrap().logon.is_none());
}

#[test]
fn a_policy_does_not_show_its_password() {
    let shown = format!("{:?}", logging_on(SmartHostAuthMechanism::BasicAuth));
    assert!(shown.contains("anna") && !shown.contains(PASSWORD), "{shown}");
}
