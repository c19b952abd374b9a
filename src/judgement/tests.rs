//! Every policy against every kind of certificate, outcome and leak; and the classes of simulated clients.

use super::*;
use crate::observe::verdict::{Said, Turn};
use crate::scenario::{Acceptance, ServerTrust};

mod made;

use made::{Made, trial};

const WORTHS: [ServerTrust; 6] = [
    ServerTrust::Good,
    ServerTrust::WrongName,
    ServerTrust::Untrusted,
    ServerTrust::Disputed,
    ServerTrust::Fragile,
    ServerTrust::None,
];

fn marks(policy: Policy, made: &Made) -> Vec<Mark> {
    WORTHS.iter().map(|worth| judge(policy, &made.clone().worth(*worth).trial()).mark).collect()
}

use Mark::{Right, Stricter, Untried, Wrong};

#[test]
fn none_demands_nothing_but_that_the_client_goes_on() {
    for made in [Made::over_tls(), Made::in_clear(), Made::refused(), Made::waits()] {
        assert_eq!(marks(Policy::None, &made), [Right; 6], "{made:?}");
    }
    assert_eq!(marks(Policy::None, &Made::hung()), [Wrong; 6]);
}

#[test]
fn may_allows_clear_text_only_where_no_handshake_could_succeed() {
    //                                                   good   name   chain  disputed fragile none
    assert_eq!(marks(Policy::May, &Made::over_tls()), [Right, Right, Right, Right, Right, Right]);
    assert_eq!(marks(Policy::May, &Made::in_clear()), [Wrong, Wrong, Wrong, Right, Right, Right]);
    let turned_away = Made::in_clear().refusing();
    assert_eq!(marks(Policy::May, &turned_away), [Wrong, Wrong, Wrong, Wrong, Right, Right]);
    assert_eq!(marks(Policy::May, &Made::refused()), [Stricter, Stricter, Stricter, Stricter, Right, Right]);
    let told = Made::refused().leaking(&[Said::Envelope]);
    assert_eq!(marks(Policy::May, &told), [Wrong, Wrong, Wrong, Stricter, Right, Right]);
    assert_eq!(marks(Policy::May, &Made::waits()), [Right; 6]);
    assert_eq!(marks(Policy::May, &Made::hung()), [Wrong; 6]);
}

#[test]
fn encrypt_forbids_clear_text_and_asks_for_no_proof() {
    assert_eq!(marks(Policy::Encrypt, &Made::over_tls()), [Right; 6]);
    assert_eq!(marks(Policy::Encrypt, &Made::in_clear()), [Wrong; 6]);
    assert_eq!(
        marks(Policy::Encrypt, &Made::refused()),
        [Stricter, Stricter, Stricter, Stricter, Right, Right]
    );
    for said in Said::ALL {
        assert_eq!(marks(Policy::Encrypt, &Made::refused().leaking(&[said])), [Wrong; 6], "{said:?}");
        assert_eq!(marks(Policy::Encrypt, &Made::over_tls().leaking(&[said])), [Wrong; 6], "{said:?}");
        assert_eq!(marks(Policy::Encrypt, &Made::waits().leaking(&[said])), [Wrong; 6], "{said:?}");
    }
    assert_eq!(marks(Policy::Encrypt, &Made::waits()), [Right; 6]);
}

#[test]
fn verify_and_secure_demand_proof_as_well() {
    for policy in [Policy::Verify, Policy::Secure] {
        assert_eq!(marks(policy, &Made::over_tls()), [Right, Wrong, Wrong, Right, Right, Right]);
        assert_eq!(marks(policy, &Made::in_clear()), [Wrong; 6]);
        assert_eq!(marks(policy, &Made::refused()), [Stricter, Right, Right, Right, Right, Right]);
        let told = Made::refused().telling(&[Said::Credentials]);
        assert_eq!(marks(policy, &told), [Stricter, Wrong, Wrong, Right, Right, Right]);
    }
}

#[test]
fn mail_that_nobody_takes_need_not_be_delivered() {
    for mail in [Acceptance::Never, Acceptance::Later, Acceptance::Disputed] {
        for policy in Policy::ALL {
            assert_eq!(marks(policy, &Made::refused().mail(mail)), [Right; 6], "{mail:?} {policy}");
        }
    }
    let over_tls = Made::refused().mail(Acceptance::OverTls);
    assert_eq!(marks(Policy::May, &over_tls), [Stricter, Stricter, Stricter, Stricter, Right, Right]);
}

#[test]
fn what_was_not_run_is_not_judged() {
    for policy in Policy::ALL {
        assert_eq!(marks(policy, &Made::not_run()), [Untried; 6]);
    }
}

#[test]
fn a_wrong_says_what_leaked() {
    let made = Made::in_clear().leaking(&[Said::Credentials, Said::Envelope, Said::Body]);
    let judged = judge(Policy::Encrypt, &made.worth(ServerTrust::None).trial());
    assert_eq!(judged.why, "delivered in clear (envelope, body and credentials in clear)");
}

#[test]
fn silence_of_the_lab_is_told_from_a_client_that_hangs() {
    let killed = |turn| {
        let mut made = Made::hung();
        made.turn = turn;
        made.trial().outcome()
    };
    assert_eq!(killed(Turn::Lab), Outcome::Waits);
    assert_eq!(killed(Turn::Client), Outcome::Hung);
    assert_eq!(killed(Turn::Handshake), Outcome::Hung);
}

#[test]
fn what_the_process_says_is_compared_with_what_was_taken() {
    let notes = |made: Made, exit| {
        let mut trial = made.trial();
        trial.exit = exit;
        trial.notes().join("; ")
    };
    assert_eq!(notes(Made::over_tls(), Exit::Code(0)), "");
    assert_eq!(notes(Made::refused(), Exit::Code(1)), "");
    assert!(notes(Made::refused(), Exit::Code(0)).contains("says success, and nothing was delivered"));
    assert!(notes(Made::in_clear(), Exit::Code(1)).contains("may be sent twice"));
    assert_eq!(notes(Made::refused(), Exit::Signal(13)), "the command died by signal 13 (SIGPIPE)");
    assert!(notes(Made::over_tls(), Exit::Killed).contains("did not end"));
    let mut never = Made::refused().trial();
    never.verdicts.clear();
    assert!(never.notes().contains(&"it never connected".to_owned()));
    let mut often = Made::refused().trial();
    let one = often.verdicts[0].conversations[0].clone();
    often.verdicts[0].conversations = vec![one; 100];
    assert!(often.notes().contains(&"it opened 100 connections".to_owned()));
}

/// Returns the catalogue entries that the classes depend on.
fn trials(good: &Made, absent: &Made, broken: &Made, untrusted: &Made, wrong_name: &Made) -> Vec<Trial> {
    vec![
        trial("baseline", good.clone().worth(ServerTrust::Good)),
        trial("starttls-absent", absent.clone().worth(ServerTrust::None).not_offered()),
        trial("tls-220-close", broken.clone().worth(ServerTrust::None).broken()),
        trial("trust-selfsigned", untrusted.clone().worth(ServerTrust::Untrusted)),
        trial("name-mismatch", wrong_name.clone().worth(ServerTrust::WrongName)),
    ]
}

#[test]
fn the_classes_are_told_apart() {
    let (tls, clear, no) = (Made::over_tls(), Made::in_clear(), Made::refused());
    let (at_once, later) = (Made::in_clear().falling_back(1), Made::in_clear().falling_back(2));
    let plain = Made::in_clear().never_asking();
    for (trials, class, words) in [
        (trials(&plain, &plain, &plain, &plain, &plain), Class::PlainOnly, "nothing shows"),
        (trials(&tls, &clear, &at_once, &tls, &tls), Class::O1, "verifies nothing"),
        (trials(&tls, &clear, &later, &tls, &tls), Class::O2, "verifies nothing"),
        (trials(&tls, &clear, &no, &tls, &tls), Class::O3, "verifies nothing"),
        (trials(&tls, &clear, &no, &no, &no), Class::O4, "verifies chain and name"),
        (trials(&tls, &no, &no, &tls, &tls), Class::M1, "verifies nothing"),
        (trials(&tls, &no, &no, &no, &no), Class::M2, "verifies chain and name"),
        (trials(&tls, &no, &no, &no, &tls), Class::M2, "verifies the chain and not the name"),
        (trials(&tls, &no, &no, &tls, &no), Class::M2, "verifies the name and not the chain"),
    ] {
        let found = classify(&trials);
        assert_eq!(found.class, Some(class), "{found:#?}");
        assert!(found.verifies.in_words().starts_with(words), "{found:#?}");
    }
}

/// Some clients send STARTTLS without looking at what is offered. A refusal then counts as STARTTLS not
/// offered.
#[test]
fn a_client_that_asks_unasked_has_a_class_like_any_other() {
    let (tls, no) = (Made::over_tls(), Made::refused());
    let mut trials = trials(&tls, &no, &no, &no, &no);
    let starttls = &mut trials[1].verdicts[0].conversations[0].starttls;
    (starttls.asked, starttls.answer) = (true, Some("502 5.5.1 Command not implemented".to_owned()));
    assert_eq!(classify(&trials).class, Some(Class::M2));
}

#[test]
fn a_client_that_answers_a_bad_certificate_with_clear_text_is_a_surprise() {
    let (tls, clear) = (Made::over_tls(), Made::in_clear().falling_back(1));
    let found = classify(&trials(&tls, &Made::in_clear(), &Made::refused(), &clear, &clear));
    assert_eq!(found.class, Some(Class::O1));
    assert!(found.surprises[0].contains("is a downgrade"), "{found:#?}");
}

#[test]
fn a_class_that_nothing_shows_is_not_guessed() {
    let found = classify(&[trial("baseline", Made::over_tls())]);
    assert_eq!(found.class, None);
    assert_eq!(found.evidence, ["with a good certificate: over TLS once (baseline)"]);
    let found = classify(&[
        trial("baseline", Made::over_tls()),
        trial("trust", Made::refused().worth(ServerTrust::Untrusted)),
    ]);
    assert_eq!(found.class, None);
    assert_eq!(found.verifies.in_words(), "verifies the chain; of the name nothing is known");
}

#[test]
fn policies_are_read_in_any_letters() {
    assert_eq!("Encrypt".parse(), Ok(Policy::Encrypt));
    assert!("mandatory".parse::<Policy>().unwrap_err().to_string().contains("secure"));
}

#[test]
fn success_that_is_claimed_where_nothing_was_delivered_is_right_for_no_policy() {
    for mail in [Acceptance::Always, Acceptance::Never, Acceptance::Later, Acceptance::Disputed] {
        for policy in Policy::ALL {
            let made = Made::refused().exit(Exit::Code(0)).mail(mail);
            assert_eq!(marks(policy, &made), [Wrong; 6], "{mail:?} {policy}");
        }
    }
    let mut elsewhere = Made::refused().exit(Exit::Code(0)).trial();
    elsewhere.outlived = true;
    assert_eq!(judge(Policy::Encrypt, &elsewhere).mark, Stricter, "somebody else is still at work");
    assert!(elsewhere.notes()[0].contains("there is --daemon"), "{:?}", elsewhere.notes());
}

#[test]
fn an_injected_reply_that_was_taken_breaks_encrypt_and_above() {
    let taken = Made::refused().injected(true);
    let discarded = Made::over_tls().injected(false);
    for policy in [Policy::Encrypt, Policy::Verify, Policy::Secure] {
        assert_eq!(judge(policy, &taken.trial()).mark, Wrong, "{policy}");
        assert_eq!(judge(policy, &discarded.trial()).mark, Right, "{policy}");
        assert_eq!(judge(policy, &Made::over_tls().injected(true).trial()).mark, Wrong, "{policy}");
    }
    assert_eq!(judge(Policy::May, &taken.trial()).mark, Stricter);
    assert!(taken.trial().notes().iter().any(|note| note.contains("injected behind the 220")));
    assert!(judge(Policy::Encrypt, &taken.trial()).why.contains("for the server's"));
}

const EARLY: &str = "it went on before the reply to its EHLO inside TLS had left";

/// Whether `made` at an injected reply, compared with `control`, has taken it.
fn takes(made: &Made, repeated: bool, control: &Made) -> bool {
    let mut trial = made.clone().injected(false).trial();
    trial.repeated = repeated.then(|| "554 5.7.1 injected".to_owned());
    find_taken_replies(&mut trial, &control.trial());
    trial.took_injected()
}

#[test]
fn going_on_without_the_reply_is_proof_only_where_the_client_does_not_always_do_so() {
    let (patient, early) = (Made::over_tls(), Made::over_tls().doing(EARLY));
    assert!(takes(&early, false, &patient));
    assert!(!takes(&early, false, &early), "it pipelines everywhere");
    assert!(!takes(&Made::refused(), false, &patient), "closing is no proof");
    let gone = Made::refused().broken();
    assert!(!takes(&early, false, &gone), "what it does inside TLS at the control is not known");
    assert!(takes(&early, false, &Made::refused()), "it gave up in time at the control, and did not go on");
}

#[test]
fn failing_with_the_injected_text_is_proof_where_the_client_delivers_without_it() {
    let (delivers, fails) = (Made::over_tls(), Made::refused());
    assert!(takes(&fails, true, &delivers));
    assert!(!takes(&fails, true, &fails), "it fails without it as well");
    assert!(!takes(&delivers, true, &delivers), "it shows what came, and goes on without it");
    assert!(!takes(&fails.clone().answered_454(), true, &delivers), "it noticed, and began no TLS");
    assert!(
        !takes(&fails.silent_inside(), true, &delivers),
        "it may have noticed, and began TLS before it failed"
    );
}

#[test]
fn what_an_injected_reply_did_is_told_where_nothing_shows_that_it_was_taken() {
    let told = |made: Made, repeated: bool, control: &Made| {
        let mut trial = made.injected(false).trial();
        trial.repeated = repeated.then(|| "554 5.7.1 injected".to_owned());
        find_taken_replies(&mut trial, &control.trial());
        (trial.is_stopped_by_injected(), trial.notes().join("\n"))
    };
    let (delivers, fails) = (Made::over_tls(), Made::refused());
    let (stopped, notes) = told(fails.clone().silent_inside(), true, &delivers);
    assert!(
        stopped && notes.contains("prints it (554 5.7.1 injected), and it said no command inside TLS"),
        "{notes}"
    );
    assert!(notes.contains("which of them this is was not seen") && !notes.contains("was taken"), "{notes}");
    let (stopped, notes) = told(fails.clone(), false, &delivers);
    assert!(stopped && notes.contains("it fails where a reply is injected behind the 220; at"), "{notes}");
    let (stopped, notes) = told(fails.clone().answered_454(), false, &delivers);
    assert!(!stopped && notes.contains("it began no TLS there, so it did not take that reply"), "{notes}");
    assert!(!notes.contains("was not seen"), "{notes}");
    for (made, repeated, control) in [
        (fails.clone(), true, &delivers),
        (fails.clone(), false, &fails),
        (delivers.clone(), false, &delivers),
    ] {
        let (stopped, notes) = told(made, repeated, control);
        assert!(!stopped && !notes.contains("not seen"), "{notes}");
    }
}

#[test]
fn tls_or_no_mail_is_said_of_nobody_who_goes_in_clear_anywhere() {
    let (tls, no) = (Made::over_tls(), Made::refused());
    let mut tried = trials(&tls, &no, &no, &no, &no);
    let in_clear =
        Made::in_clear().answered_454().leaking(&[Said::Envelope, Said::Body]).worth(ServerTrust::None);
    tried.push(trial("starttls-reply-454", in_clear));
    let found = classify(&tried);
    assert_eq!(found.class, None, "{found:#?}");
    let surprise = found.surprises.last().unwrap();
    assert!(surprise.contains("of no class") && surprise.ends_with(": starttls-reply-454"), "{surprise}");

    let bad = Made::in_clear().leaking(&[Said::Envelope]).falling_back(1);
    let mut tried = trials(&tls, &no, &no, &bad, &bad);
    assert_eq!(classify(&tried).class, None, "in clear after bad certificates");
    tried.remove(1);
    assert_eq!(classify(&tried).class, Some(Class::O1), "nothing is known of a server without STARTTLS");
}

#[test]
fn at_once_is_not_said_of_six_seconds() {
    let tls = Made::over_tls();
    let slow = Made::in_clear().falling_back_after(6);
    for tried in [
        trials(&tls, &Made::in_clear(), &slow, &tls, &tls),
        trials(&tls, &Made::in_clear(), &Made::refused(), &slow, &slow),
    ] {
        let found = classify(&tried);
        assert_eq!(found.class, Some(Class::O2), "{found:#?}");
        let evidence = found.evidence.last().unwrap();
        assert!(evidence.starts_with("came back in clear: later"), "{evidence}");
        assert!(evidence.contains("1 connection and 6.0 s later"), "{evidence}");
    }
    let quick = Made::in_clear().falling_back_after(5);
    assert_eq!(classify(&trials(&tls, &Made::in_clear(), &quick, &tls, &tls)).class, Some(Class::O1));
}

#[test]
fn a_client_that_closes_without_quit_is_told_and_one_that_was_stopped_or_failed_at_tls_is_not() {
    let told = |made: Made, change: &dyn Fn(&mut Trial)| {
        let mut trial = made.trial();
        trial.verdicts[0].conversations[0].parting = crate::observe::verdict::CloseReason::Vanished;
        change(&mut trial);
        trial.notes().iter().any(|note| note.contains("without QUIT"))
    };
    assert!(told(Made::over_tls(), &|_| {}));
    assert!(told(Made::refused().answered_454(), &|_| {}));
    assert!(!told(Made::over_tls(), &|trial| trial.exit = Exit::Killed));
    assert!(!told(Made::over_tls(), &|trial| trial.verdicts[0].conversations[0].turn = Turn::Lab));
    assert!(!told(Made::refused().refusing(), &|_| {}));
    assert!(!told(Made::refused().broken(), &|_| {}));
}
