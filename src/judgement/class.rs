//! The class of a client, inferred from its trials.

use serde::Serialize;

use super::trial::{Outcome, Trial};
use crate::observe::verdict::{FallBack, Verdict};
use crate::scenario::{Acceptance, ServerTrust};

/// A class of mail clients, by what they do where TLS fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Class {
    /// It never upgrades.
    #[serde(rename = "plain-only")]
    PlainOnly,
    /// Opportunistic, with an immediate fallback to clear text on the next connection.
    O1,
    /// Opportunistic, with a fallback to clear text on a later try.
    O2,
    /// Opportunistic, without a fallback once the server has said 220.
    O3,
    /// Upgrades if STARTTLS is offered, and verifies the certificate then.
    O4,
    /// TLS or no mail, with any certificate.
    M1,
    /// TLS or no mail, with a certificate that is verified.
    M2,
}

/// The checks that a client makes on a certificate; `None` where no trial has shown it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verifies {
    /// True if it requires a chain that ends in a trusted root, with every certificate within its dates.
    pub chain: Option<bool>,
    /// True if it requires that the certificate names the host.
    pub name: Option<bool>,
}

/// The class of a client, with the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Classified {
    /// The class; `None` where the trials do not show it.
    pub class: Option<Class>,
    /// The checks that it makes on a certificate.
    pub verifies: Verifies,
    /// The evidence for the class, in sentences.
    pub evidence: Vec<String>,
    /// The results that are unexpected for the class, in sentences.
    pub surprises: Vec<String>,
}

impl Class {
    /// Describes the class in a few words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::PlainOnly => "plain-only: it never upgrades",
            Self::O1 => "O1: opportunistic, falls back to clear text at once",
            Self::O2 => "O2: opportunistic, falls back to clear text on a later try",
            Self::O3 => "O3: opportunistic, does not fall back after the 220",
            Self::O4 => "O4: upgrades if that is offered, and verifies then",
            Self::M1 => "M1: TLS or no mail, whoever the server is",
            Self::M2 => "M2: TLS or no mail, and the certificate has to prove something",
        }
    }
}

impl Verifies {
    /// Describes the checks in a few words.
    pub const fn in_words(self) -> &'static str {
        match (self.chain, self.name) {
            (Some(true), Some(true)) => "verifies chain and name",
            (Some(true), Some(false)) => "verifies the chain and not the name",
            (Some(false), Some(true)) => "verifies the name and not the chain",
            (Some(false), Some(false)) => "verifies nothing",
            (Some(true), None) => "verifies the chain; of the name nothing is known",
            (Some(false), None) => "does not verify the chain; of the name nothing is known",
            (None, Some(true)) => "verifies the name; of the chain nothing is known",
            (None, Some(false)) => "does not verify the name; of the chain nothing is known",
            (None, None) => "nothing shows whether it verifies anything",
        }
    }
}

/// The trials of one kind.
struct Kind<'a>(Vec<&'a Trial>);

impl<'a> Kind<'a> {
    fn of(trials: &'a [Trial], holds: impl Fn(&Trial) -> bool) -> Self {
        let tried = trials.iter().filter(|trial| !matches!(trial.outcome(), Outcome::NotRun));
        Self(tried.filter(|trial| trial.conversations().next().is_some() && holds(trial)).collect())
    }

    fn with(&self, outcome: Outcome) -> Vec<&'a Trial> {
        self.0.iter().copied().filter(|trial| trial.outcome() == outcome).collect()
    }

    /// Returns whether the majority of the trials had the outcome `outcome`; `None` where there are no
    /// trials.
    fn mostly(&self, outcome: Outcome) -> Option<bool> {
        (!self.0.is_empty()).then(|| self.with(outcome).len() * 2 > self.0.len())
    }

    /// Returns a summary such as `where so: over TLS 2 times (baseline, names-wildcard)`.
    fn evidence(&self, so: &str) -> Option<String> {
        let counts = Outcome::ALL.into_iter().filter_map(|outcome| {
            let trials = self.with(outcome);
            let names: Vec<_> = trials.iter().take(SHOWN).map(|trial| trial.entry.as_str()).collect();
            let more = if trials.len() > SHOWN { ", ..." } else { "" };
            (!trials.is_empty()).then(|| {
                format!("{} {} times ({}{more})", outcome.as_words(), trials.len(), names.join(", "))
            })
        });
        let counts: Vec<_> = counts.collect();
        (!counts.is_empty()).then(|| format!("{so}: {}", counts.join("; ").replace(" 1 times", " once")))
    }
}

/// The number of entries that are named in one sentence.
const SHOWN: usize = 3;

/// Returns the class that the trials show.
pub fn classify(trials: &[Trial]) -> Classified {
    let absent = Kind::of(trials, is_not_offered);
    let refused = Kind::of(trials, |trial| trial.tls == ServerTrust::None && is_refused(trial));
    let broken = Kind::of(trials, |trial| trial.tls == ServerTrust::None && is_broken(trial));
    let untrusted = Kind::of(trials, |trial| trial.tls == ServerTrust::Untrusted && takes(trial));
    let wrong_name = Kind::of(trials, |trial| trial.tls == ServerTrust::WrongName && takes(trial));
    let good = Kind::of(trials, |trial| trial.tls == ServerTrust::Good && takes(trial));

    let upgrades = trials.iter().flat_map(Trial::conversations).any(|it| it.starttls.asked);
    let verifies = if upgrades {
        Verifies {
            chain: untrusted.mostly(Outcome::OverTls).map(|accepted| !accepted),
            name: wrong_name.mostly(Outcome::OverTls).map(|accepted| !accepted),
        }
    } else {
        Verifies::default()
    };
    let proves = verifies.chain == Some(true) || verifies.name == Some(true);
    let goes_in_clear = absent.mostly(Outcome::InClear);
    let bad = || untrusted.0.iter().chain(&wrong_name.0).copied();
    let bad_in_clear: Vec<&Trial> = bad().filter(|trial| trial.outcome() == Outcome::InClear).collect();
    let broken_speed = Speed::of(broken.0.iter().copied());
    let spoke_in_clear: Vec<&Trial> = trials.iter().filter(|trial| !trial.leaked().is_empty()).collect();
    let class = match goes_in_clear {
        _ if !upgrades => good.mostly(Outcome::InClear).filter(|clear| *clear).map(|_| Class::PlainOnly),
        // A client that says anything in clear in any trial is not one that sends over TLS or not at all.
        Some(false) if !spoke_in_clear.is_empty() => None,
        Some(false) if proves => Some(Class::M2),
        Some(false) => Some(Class::M1),
        // A client that verifies and then comes back in clear gains no protection from verifying.
        _ if !bad_in_clear.is_empty() => Speed::of(bad_in_clear.iter().copied()).class(),
        Some(true) if proves => Some(Class::O4),
        None if proves => None,
        _ if broken_speed.class().is_some() => broken_speed.class(),
        None => None,
        _ => (!broken.0.is_empty()).then_some(Class::O3),
    };
    let fell_back = Speed::of(broken.0.iter().copied().chain(bad()));
    let evidence = [
        good.evidence("with a good certificate"),
        absent.evidence("STARTTLS not offered"),
        refused.evidence("STARTTLS refused"),
        broken.evidence("handshake broken by the server"),
        untrusted.evidence("certificate not to be trusted"),
        wrong_name.evidence("certificate for another name"),
        fell_back.evidence(),
    ];
    let evidence = evidence.into_iter().flatten().collect();
    let mut surprises = surprises(trials, upgrades, &bad_in_clear);
    if goes_in_clear == Some(false) && upgrades {
        surprises.extend(named(
            &spoke_in_clear,
            "nothing in clear where STARTTLS is not offered, and yet in clear where it is offered and fails, so it \
             is of no class",
        ));
    }
    Classified { class, verifies, evidence, surprises }
}

/// The time until a client came back in clear after TLS had failed, for each time that it did.
struct Speed<'a>(Vec<(&'a str, &'a FallBack)>);

impl<'a> Speed<'a> {
    fn of(trials: impl Iterator<Item = &'a Trial>) -> Self {
        let each = trials.flat_map(|trial| {
            let fall_backs = trial.verdicts.iter().filter_map(|verdict| verdict.fall_back.as_ref());
            fall_backs.map(|fall_back| (trial.entry.as_str(), fall_back))
        });
        Self(each.collect())
    }

    fn at_once(&self) -> usize {
        self.0.iter().filter(|(_, fall_back)| fall_back.is_at_once()).count()
    }

    /// Returns O1 where it mostly came back at once, O2 where it mostly did not; `None` where it never did.
    fn class(&self) -> Option<Class> {
        match (self.at_once(), self.0.len()) {
            (_, 0) => None,
            (at_once, all) if at_once * 2 >= all => Some(Class::O1),
            _ => Some(Class::O2),
        }
    }

    /// Returns a summary such as
    /// `came back in clear: at once 2 times, later once (tls-220-close, 1 connection and 6.0 s later)`.
    fn evidence(&self) -> Option<String> {
        let later: Vec<_> = self.0.iter().filter(|(_, fall_back)| !fall_back.is_at_once()).collect();
        let shown: Vec<_> = later
            .iter()
            .take(SHOWN)
            .map(|(entry, fall_back)| {
                let connections = fall_back.connections_later;
                let seconds = fall_back.seconds_later.as_secs_f64();
                format!("{entry}, {connections} connections and {seconds:.1} s later")
            })
            .collect();
        let more = if later.len() > SHOWN { "; ..." } else { "" };
        let mut counts = Vec::new();
        if self.at_once() > 0 {
            counts.push(format!("at once {} times", self.at_once()));
        }
        if !later.is_empty() {
            counts.push(format!("later {} times ({}{more})", later.len(), shown.join("; ")));
        }
        let counts =
            counts.join(", ").replace(" 1 times", " once").replace(" 1 connections", " 1 connection");
        (!counts.is_empty()).then(|| format!("came back in clear: {counts}"))
    }
}

/// Returns `words: entry, entry`; `None` where there are no trials.
fn named(found: &[&Trial], words: &str) -> Option<String> {
    let names: Vec<_> = found.iter().map(|trial| trial.entry.as_str()).collect();
    (!names.is_empty()).then(|| format!("{words}: {}", names.join(", ")))
}

fn surprises(trials: &[Trial], upgrades: bool, bad_in_clear: &[&Trial]) -> Vec<String> {
    let mut surprises = Vec::new();
    if upgrades && !bad_in_clear.is_empty() {
        surprises.push(
            "a certificate that it does not accept makes it deliver in clear; verification without a demand \
             for TLS is a downgrade"
                .to_owned(),
        );
    }
    let all = |holds: &dyn Fn(&Trial) -> bool| -> Vec<&Trial> {
        trials.iter().filter(|trial| holds(trial)).collect()
    };
    if upgrades {
        let good_in_clear =
            |trial: &Trial| trial.tls == ServerTrust::Good && trial.outcome() == Outcome::InClear;
        surprises.extend(named(&all(&good_in_clear), "in clear where TLS was to be had"));
    }
    surprises.extend(named(&all(&Trial::claims_success), "exit code 0 and nothing delivered"));
    surprises.extend(named(
        &all(&Trial::took_injected),
        "takes a reply that was injected in clear behind the 220 for the server's",
    ));
    surprises.extend(named(
        &all(&Trial::is_stopped_by_injected),
        "fails where a reply is injected in clear behind the 220, and it was not seen whether it noticed that reply \
         or took it for the server's",
    ));
    let twice = |trial: &Trial| {
        matches!(trial.exit, super::Exit::Code(1..)) && trial.over_tls() + trial.in_clear() > 0
    };
    surprises.extend(named(&all(&twice), "a failure reported after the mail was taken"));
    let legacy = |trial: &Trial| {
        let mut handshakes = trial.conversations().filter_map(|it| it.handshake.as_ref());
        handshakes.any(|handshake| handshake.reaction.accepted_legacy())
    };
    surprises.extend(named(&all(&legacy), "goes on with what is outdated (legacy-accepted-by-client)"));
    surprises.extend(named(&all(&|trial| trial.outcome() == Outcome::Hung), "hung"));
    let died = |trial: &Trial| matches!(trial.exit, super::Exit::Signal(_));
    surprises.extend(named(&all(&died), "died by a signal"));
    surprises
}

fn takes(trial: &Trial) -> bool {
    matches!(trial.mail, Acceptance::Always | Acceptance::OverTls)
}

fn is_not_offered(trial: &Trial) -> bool {
    let never = |verdict: &Verdict| {
        verdict.conversations.iter().all(|it| it.starttls.offered != Some(true) && !it.starttls.is_granted())
    };
    trial.tls == ServerTrust::None
        && trial.mail == Acceptance::Always
        && trial.verdicts.iter().all(never)
        && trial.conversations().any(|it| it.starttls.offered == Some(false))
        && !trial.conversations().any(|it| it.client_hello_in_clear)
}

fn is_refused(trial: &Trial) -> bool {
    trial
        .conversations()
        .any(|it| it.starttls.asked && !it.starttls.is_granted() && it.starttls.answer.is_some())
}

/// Returns whether the server said 220 and its certificate holds nothing that a client could have refused.
fn is_broken(trial: &Trial) -> bool {
    let blameless = |presented: &crate::observe::verdict::Presented| presented.problem().is_none();
    trial.conversations().any(|it| {
        let presented = it.handshake.as_ref().and_then(|handshake| handshake.presented.as_ref());
        it.starttls.is_granted() && it.tls_failed() && presented.is_none_or(blameless)
    })
}
