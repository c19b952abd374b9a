//! The outcome for each class of senders at a server, found by running its session against the recorded
//! answers.
//!
//! The prober never says MAIL, so the rest of a delivery is assumed: the server takes the message.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use super::handshake::{Established, Handshake};
use super::run::{Heard, Host, Visit};
use crate::journal::attempt_sentence;
use crate::scenario::{Ending, next_attempt};
use crate::session::send::{
    Assessment, Attempt, BUILT_IN, Check, Credentials, Delivery, Expect, NextAttempt, Outgoing, Said,
    Secured, SendInput, SendNext, SendSession, SenderPolicy, Task, Trust, Use, name_problem, purpose_problem,
};
use crate::session::{TlsFailure, TlsVersion};
use crate::smtp::{Address, HelloName, Reply, ReversePath};

/// The outcome for a class of senders.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SenderOutcome {
    /// The class, by its name in `send --policy`.
    pub sender: &'static str,
    /// The class's behavior, in a line.
    pub about: &'static str,
    /// The outcome, as lab files write it.
    pub ending: Ending,
    /// The outcome as a sentence.
    pub sentence: String,
    /// True if it would deliver over TLS.
    pub over_tls: bool,
    /// True if it counts: a sender that never uses TLS, that reads only the first name, or that looks for the
    /// recipient's domain in the certificate, says nothing about the server.
    pub counts: bool,
}

/// The limit of steps; no session of one message has more.
const MOST_STEPS: usize = 64;

/// Returns the outcome for each built-in class with one message on its way through this host, as `visit`
/// found it at `now`. Without the domain of the mail, a class that looks for it in the certificate is left
/// out.
pub fn outcomes(host: &Host, visit: &Visit, now: Timestamp) -> Vec<SenderOutcome> {
    let classes = BUILT_IN.iter().filter(|class| host.domain.is_some() || !looks_for_domain(&class.policy));
    let each = classes.filter_map(|class| {
        let task = task(&class.policy, host)?;
        let (delivery, last) = deliver(&task, host, visit, now)?;
        Some(SenderOutcome {
            sender: class.policy.name,
            about: class.about,
            ending: Ending::of(&last),
            sentence: attempt_sentence(&last, &host.name),
            over_tls: matches!(delivery.outcome(), crate::session::send::Outcome::DeliveredOverTls { .. }),
            counts: counts(&class.policy),
        })
    });
    each.collect()
}

fn looks_for_domain(policy: &SenderPolicy) -> bool {
    matches!(policy.trust, Trust::Name(Expect::TlsDomain(None)))
}

fn counts(policy: &SenderPolicy) -> bool {
    let first_only = policy.names == crate::session::send::NamesRead::First;
    policy.tls != Use::Never && !first_only && !looks_for_domain(policy)
}

fn task(policy: &SenderPolicy, host: &Host) -> Option<Task> {
    let helo: HelloName = "sender.example".parse().ok()?;
    let next_hop = host.domain.as_deref().unwrap_or(&host.name).to_owned();
    let literal = next_hop.parse::<std::net::IpAddr>().is_ok();
    let domain = if literal { "recipient.example" } else { next_hop.as_str() };
    let to: Address = format!("postmaster@{domain}").parse().ok()?;
    Some(Task {
        policy: policy.clone(),
        in_clear: false,
        helo,
        host: host.name.clone(),
        next_hop,
        connector: None,
        credentials: Credentials::Usable,
        message: Arc::new(Outgoing {
            from: ReversePath::Null,
            to: vec![to],
            content: Bytes::from_static(b"\r\n"),
        }),
    })
}

/// Runs the attempts of one message, for as long as another attempt changes anything.
fn deliver(task: &Task, host: &Host, visit: &Visit, start: Timestamp) -> Option<(Delivery, Attempt)> {
    let mut delivery = Delivery::new(task.policy.clone(), start);
    let mut now = start;
    loop {
        match next_attempt(&delivery) {
            NextAttempt::Never => break,
            NextAttempt::Now => {}
            NextAttempt::At(time) => now = time,
        }
        let task = Task { in_clear: delivery.in_clear(now), ..task.clone() };
        delivery.note(now, attempt(Arc::new(task), host.implicit_tls, visit));
    }
    let last = delivery.attempts().last()?.attempt.clone();
    Some((delivery, last))
}

fn attempt(task: Arc<Task>, implicit_tls: bool, visit: &Visit) -> Attempt {
    let gone = SendSession::no_connection(&task, "the session did not end".to_owned());
    let check = task.check();
    let uses_tls = task.policy.tls != Use::Never && !task.in_clear;
    let (mut session, mut step) = SendSession::open(task);
    let mut inside = false;
    if implicit_tls {
        let secured = visit.handshake.as_ref().filter(|_| uses_tls).map(|it| secured(it, &check));
        match (secured, visit.banner.as_ref().and_then(Heard::code)) {
            // A sender that waits for a banner in clear receives none.
            (None, _) => step = session.handle(SendInput::TimedOut),
            (Some(Err(input)), _) => step = session.handle(input),
            (Some(Ok(tls)), Some(220)) => {
                inside = true;
                (session, step) = session.secure(tls);
            }
            (Some(Ok(_)), _) => step = session.handle(heard(visit.banner.as_ref())),
        }
    }
    for _ in 0..MOST_STEPS {
        let input = match step.next {
            SendNext::Done(attempt) => return *attempt,
            SendNext::Handshake(handshake) => {
                let done = visit.handshake.as_ref().map(|it| secured(it, &handshake.check));
                match done.unwrap_or(Err(SendInput::Closed)) {
                    Ok(tls) => {
                        inside = true;
                        (session, step) = session.secure(tls);
                        continue;
                    }
                    Err(input) => input,
                }
            }
            SendNext::Reply => answer(step.say.as_ref(), visit, inside),
        };
        step = session.handle(input);
    }
    gone
}

/// Returns the server's answer to a sender's command: the recorded one, and consent to a command that was
/// never sent.
fn answer(said: Option<&Said>, visit: &Visit, inside: bool) -> SendInput {
    let command = match said {
        None => return heard(visit.banner.as_ref()),
        Some(Said::Content(_) | Said::Secret(_)) => return consent(250),
        Some(Said::Command(line)) => String::from_utf8_lossy(line).to_ascii_uppercase(),
    };
    match command.split_whitespace().next() {
        Some("EHLO") => heard(if inside { visit.ehlo_inside.as_ref() } else { visit.ehlo.as_ref() }),
        Some("HELO") => heard(if inside { visit.helo_inside.as_ref() } else { visit.helo.as_ref() }),
        Some("STARTTLS") => heard(visit.starttls.as_ref()),
        Some("DATA") => consent(354),
        Some("QUIT") => consent(221),
        _ => consent(250),
    }
}

fn consent(code: u16) -> SendInput {
    SendInput::Reply(Reply::line(code, ""))
}

fn heard(heard: Option<&Heard>) -> SendInput {
    match heard {
        None | Some(Heard::Closed) => SendInput::Closed,
        Some(Heard::TimedOut | Heard::TooMuch) => SendInput::TimedOut,
        Some(Heard::Broken(why)) => SendInput::Broken(why.clone()),
        Some(Heard::NotSmtp(_)) => SendInput::NotSmtp,
        Some(reply @ Heard::Reply(_)) => reply.reply().map_or(SendInput::NotSmtp, SendInput::Reply),
    }
}

/// Returns the handshake as a sender with this check would have it.
fn secured(handshake: &Handshake, check: &Check) -> Result<Arc<Secured>, SendInput> {
    let failed = |failure, problem| SendInput::HandshakeFailed { failure, problem };
    let Established { version, chain, chain_problem, .. } = match handshake {
        Handshake::Established(established) => established,
        Handshake::Failed(failure) => return Err(failed(failure.to_failure(), None)),
        Handshake::Answered(_) | Handshake::NotReached { .. } => return Err(SendInput::Closed),
    };
    let leaf = chain.first().map(|presented| &presented.0);
    let assessment = Assessment {
        chain: chain_problem.clone().or_else(|| leaf.and_then(|leaf| purpose_problem(leaf, check))),
        name: leaf.and_then(|leaf| name_problem(leaf, check)),
    };
    if let Some(problem) = assessment.problem(check.proof).filter(|_| check.within_handshake) {
        let failure =
            TlsFailure::AlertSent { alert: "bad_certificate".to_owned(), reason: problem.in_words() };
        return Err(failed(failure, Some(problem.clone())));
    }
    Ok(Arc::new(Secured {
        version: *version,
        cipher_suite: match version {
            TlsVersion::Tls12 => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            TlsVersion::Tls13 => "TLS_AES_256_GCM_SHA384",
        },
        key_exchange: None,
        server_name: None,
        presented: chain.iter().map(|presented| presented.0.clone()).collect(),
        assessment,
        own: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{KeyPair, KeyUsage, Template, self_signed};
    use crate::probe::handshake::Presented;

    fn reply(lines: &[&str]) -> Option<Heard> {
        Some(Heard::Reply(lines.iter().map(|line| (*line).to_owned()).collect()))
    }

    fn host() -> Host {
        Host {
            target: "mx1.lab.test:25".to_owned(),
            implicit_tls: false,
            name: "mx1.lab.test".to_owned(),
            domain: None,
            unresolved: None,
            members: Vec::new(),
        }
    }

    fn endings(visit: &Visit) -> Vec<(&'static str, String)> {
        let found = outcomes(&host(), visit, Timestamp::UNIX_EPOCH);
        found.into_iter().map(|it| (it.sender, it.ending.to_string())).collect()
    }

    fn ending(visit: &Visit, sender: &str) -> String {
        endings(visit).into_iter().find(|(name, _)| *name == sender).unwrap().1
    }

    #[test]
    fn without_starttls_opportunistic_senders_send_in_clear_and_mandatory_ones_defer() {
        let visit = Visit {
            banner: reply(&["220 mx1.lab.test"]),
            ehlo: reply(&["250-mx1.lab.test", "250 SIZE"]),
            ..Visit::default()
        };
        assert_eq!(ending(&visit, "opportunistic"), "clear: starttls-not-supported");
        assert_eq!(ending(&visit, "mandatory"), "deferred: starttls-not-supported");
        assert_eq!(ending(&visit, "plain-only"), "clear");
        assert!(!endings(&visit).iter().any(|(name, _)| *name == "exchange-domain-validation"));
    }

    #[test]
    fn a_failed_handshake_is_followed_by_what_each_class_does_then() {
        let visit = Visit {
            banner: reply(&["220 mx1.lab.test"]),
            ehlo: reply(&["250-mx1.lab.test", "250 STARTTLS"]),
            starttls: reply(&["220 go"]),
            handshake: Some(Handshake::Failed(TlsFailure::Closed.into())),
            ..Visit::default()
        };
        assert_eq!(ending(&visit, "opportunistic-clear-at-once"), "clear: validation-failure");
        assert_eq!(ending(&visit, "opportunistic-clear-later"), "clear: validation-failure");
        assert_eq!(ending(&visit, "opportunistic"), "deferred: validation-failure");
    }

    #[test]
    fn a_key_that_may_not_sign_handshakes_is_refused_where_openssl_measures_it() {
        let template = Template {
            subject: "CN=mx1.lab.test".parse().unwrap(),
            dns_names: vec!["mx1.lab.test".to_owned()],
            key_usages: Some(vec![KeyUsage::KeyCertSign]),
            serial_number: vec![1],
            ..Template::default()
        };
        let leaf = self_signed(&template, &KeyPair::generate(Default::default()).unwrap()).unwrap();
        let handshake = Handshake::Established(Established {
            version: TlsVersion::Tls13,
            cipher_suite: String::new(),
            key_exchange: None,
            chain: vec![Presented(leaf)],
            chain_problem: None,
        });
        let visit = Visit {
            banner: reply(&["220 mx1.lab.test"]),
            ehlo: reply(&["250-mx1.lab.test", "250 STARTTLS"]),
            starttls: reply(&["220 go"]),
            handshake: Some(handshake),
            ehlo_inside: reply(&["250 mx1.lab.test"]),
            ..Visit::default()
        };
        assert_eq!(ending(&visit, "mandatory-verified"), "deferred: certificate-not-trusted");
        assert_eq!(ending(&visit, "exchange-certificate-validation"), "tls-authenticated");
    }

    #[test]
    fn no_class_delivers_where_there_is_no_greeting() {
        let turned_away = Visit { banner: reply(&["554 go away"]), ..Visit::default() };
        assert_eq!(ending(&turned_away, "opportunistic"), "bounced");
        let silent = Visit { banner: Some(Heard::TimedOut), ..Visit::default() };
        assert_eq!(ending(&silent, "opportunistic"), "deferred");
        assert_eq!(ending(&Visit::default(), "upgrade-then-verify"), "bounced");
    }
}
