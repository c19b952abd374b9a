//! The effect of a change, found by applying it to a copy and comparing every connector.

use std::borrow::Cow;

use super::change::{Change, Overwrite, apply_all};
use super::propose::{Case, target};
use super::state::{State, anonymous_tls, called};
use crate::exchange::{
    AuthMechanism, Computer, Outcome, ReceiveConnector, Services, Stage, StoredCertificate, keywords,
};

/// The differences after a change, and what stays as it is.
#[derive(Default)]
pub(super) struct Effect {
    pub(super) changes: Vec<String>,
    pub(super) leaves: Vec<String>,
}

impl Effect {
    pub(super) fn of(case: &Case<'_>, steps: &[Change]) -> Self {
        let after = apply_all(steps, case.computer);
        let mut effect = Self::default();
        let target = target(steps, case.connector);
        if let Some(connector) = after.receive_connector(target) {
            effect.on_target(case, connector, &after);
        }
        effect.on_others(case, steps, target, &after);
        effect.on_anonymous_tls(case, steps, &after);
        effect.of_overwriting(case, steps, &after);
        effect.on_services(case, &after);
        effect.leaves.push(
            "senders that verify look for the name they dial (MX or next hop), not for the connector's FQDN"
                .to_owned(),
        );
        effect
    }

    fn on_target(&mut self, case: &Case<'_>, connector: &ReceiveConnector, after: &Computer) {
        let now = State::of(connector, after, case.now);
        let before = case.computer.receive_connector(&connector.name);
        let Some(before) = before else {
            self.changes.push(format!(
                "STARTTLS on the new connector {}: {}; it answers as {}",
                connector.name,
                now.in_words(),
                after.fqdn_of(connector)
            ));
            self.warnings(None, &now, after.fqdn_of(connector).as_str());
            return;
        };
        let old = State::of(before, case.computer, case.now);
        self.changes.push(starttls(&connector.name, &old.in_words(), &now.in_words()));
        let (fqdn_before, fqdn) = (case.computer.fqdn_of(before), after.fqdn_of(connector));
        let places = match connector.banner.0 {
            Some(_) => "the EHLO reply and Received:",
            None => "banner, EHLO reply and Received:",
        };
        if fqdn.as_str() == fqdn_before.as_str() {
            self.leaves.push(format!("{places} go on saying {fqdn}"));
        } else {
            self.changes.push(format!("{places} say {fqdn} instead of {fqdn_before}"));
        }
        self.on_keywords((before, case.computer, &old), (connector, after, &now));
        self.warnings(Some(&old), &now, fqdn.as_str());
    }

    /// The EHLO reply apart from STARTTLS and X-ANONYMOUSTLS, which have lines of their own.
    fn on_keywords(
        &mut self,
        before: (&ReceiveConnector, &Computer, &State<'_>),
        after: (&ReceiveConnector, &Computer, &State<'_>),
    ) {
        let clear = |(connector, computer, _): (&ReceiveConnector, &Computer, &State<'_>)| {
            keywords(connector, computer, Stage::Clear { starttls: false, anonymous_tls: false })
        };
        let (old, new) = (clear(before), clear(after));
        let not_in = |some: &[Cow<'static, str>], others: &[Cow<'static, str>]| {
            let missing: Vec<&str> =
                some.iter().filter(|one| !others.contains(one)).map(AsRef::as_ref).collect();
            missing.join(", ")
        };
        let (gone, come) = (not_in(&old, &new), not_in(&new, &old));
        if !gone.is_empty() {
            self.changes.push(format!("the EHLO reply loses {gone}"));
        }
        if !come.is_empty() {
            self.changes.push(format!("the EHLO reply gains {come}"));
        }
        let offered = |state: &State<'_>| matches!(state.outcome, Outcome::Offered(_));
        if !offered(before.2) && offered(after.2) {
            let inside = keywords(after.0, after.1, Stage::Tls);
            let auth = inside.iter().find(|keyword| keyword.starts_with("AUTH ") && !new.contains(keyword));
            self.changes.extend(auth.map(|auth| format!("inside TLS clients find {auth}")));
        }
        if before.0.allows(AuthMechanism::EXCHANGE_SERVER) && !after.0.allows(AuthMechanism::EXCHANGE_SERVER)
        {
            self.changes.push(
                "warning: other Exchange servers that deliver here fail: 451 5.7.3 Cannot achieve Exchange Server authentication"
                    .to_owned(),
            );
        }
    }

    /// Adds the warnings about senders that see the certificate for the first time now.
    fn warnings(&mut self, before: Option<&State<'_>>, now: &State<'_>, fqdn: &str) {
        let was = before.and_then(|state| state.presented).map(|stored| stored.facts.thumbprint);
        let Some(presented) = now.presented.filter(|stored| was != Some(stored.facts.thumbprint)) else {
            return;
        };
        let mut doubts = doubts_of_senders(presented);
        if presented.facts.covers(fqdn).is_none() {
            doubts.push(format!(
                "{} does not carry {fqdn}: senders that dial that name and verify refuse it",
                called(presented)
            ));
        }
        self.changes.extend(doubts.iter().map(|doubt| format!("warning: {doubt}")));
        if was.is_none() && before.is_some() {
            // Offering TLS has broken senders that were content in clear.
            let then = if doubts.is_empty() {
                "from then on they check its name and its authority"
            } else {
                "from then on they refuse"
            };
            self.changes.push(format!(
                "warning: senders that start TLS by themselves and verify deliver in clear today; {then}"
            ));
        }
        if !presented.facts.self_signed {
            self.leaves.push(format!("a sender that verifies still has to trust {}", presented.facts.issuer));
        }
    }

    fn on_others(&mut self, case: &Case<'_>, steps: &[Change], target: &str, after: &Computer) {
        let mut unchanged = Vec::new();
        for (before, old) in case.standings() {
            if before.name.eq_ignore_ascii_case(target) {
                continue;
            }
            if !steps.iter().any(|step| step.affects(&before.name)) {
                unchanged.push(before.name.as_str());
                continue;
            }
            let connector = after.receive_connector(&before.name).map_or(before, |connector| connector);
            let new = State::of(connector, after, case.now);
            let words = new.in_words();
            if old.starttls == words {
                unchanged.push(before.name.as_str());
                continue;
            }
            self.changes.push(starttls(&before.name, &old.starttls, &words));
            if new.health < old.health {
                self.changes.push(format!("warning: {} is worse off than before", before.name));
            }
        }
        match unchanged.as_slice() {
            [] => {}
            [one] => self.leaves.push(format!("STARTTLS on the other connector, {one}")),
            some => self.leaves.push(format!("STARTTLS on the {} other connectors", some.len())),
        }
    }

    fn on_anonymous_tls(&mut self, case: &Case<'_>, steps: &[Change], after: &Computer) {
        let mut words = Vec::new();
        for (before, standing) in case.standings() {
            let is_own = before.name == case.connector.name;
            if !is_own && !steps.iter().any(|step| step.affects(&before.name)) {
                continue;
            }
            let connector = after.receive_connector(&before.name).map_or(before, |connector| connector);
            let old = &standing.anonymous_tls;
            let new = anonymous_tls(connector, after, case.now);
            if *old != new {
                self.changes.push(format!("X-ANONYMOUSTLS on {}: {new} (before: {old})", before.name));
            } else if is_own {
                words.push(format!("X-ANONYMOUSTLS: {new}"));
            }
        }
        self.leaves.extend(words);
    }

    /// Adds the effect of the other answer to the prompt.
    fn of_overwriting(&mut self, case: &Case<'_>, steps: &[Change], after: &Computer) {
        if case.computer.internal_transport_certificate.is_none() {
            return;
        }
        let other: Vec<Change> = steps.iter().map(overwriting).collect();
        let otherwise = apply_all(&other, case.computer);
        let internal = after.internal_transport_certificate;
        let subscription = "an Edge subscription then has to be made again";
        if internal != case.computer.internal_transport_certificate {
            self.changes.push(format!("warning: the default SMTP certificate is another; {subscription}"));
        } else if otherwise.internal_transport_certificate != internal {
            self.leaves.push(format!(
                "the default SMTP certificate, because the answer is No: Yes would make X-ANONYMOUSTLS present the new one, and {subscription} (KB 2989382)"
            ));
        }
    }

    /// Services besides SMTP go with a certificate that is removed.
    fn on_services(&mut self, case: &Case<'_>, after: &Computer) {
        for stored in case.computer.store.iter() {
            let services = stored.services.without(Services::SMTP);
            if after.store.find(stored.facts.thumbprint).is_none() && !services.is_empty() {
                self.changes.push(format!(
                    "warning: {} is enabled for {services} as well; those need another certificate first",
                    called(stored)
                ));
            }
        }
    }
}

/// Why senders that verify would refuse a certificate, whatever name they look for.
fn doubts_of_senders(stored: &StoredCertificate) -> Vec<String> {
    let mut doubts = Vec::new();
    if stored.facts.self_signed {
        doubts.push(format!("{} is self-signed: senders that verify refuse it", called(stored)));
    }
    if stored.facts.dns_names.is_empty() {
        doubts.push(format!(
            "{} carries its name in the subject only: Exchange takes that, senders that keep to RFC 9525 do not",
            called(stored)
        ));
    }
    doubts
}

fn starttls(connector: &str, before: &str, after: &str) -> String {
    format!("STARTTLS on {connector}: {after} (before: {before})")
}

fn overwriting(step: &Change) -> Change {
    match step.clone() {
        Change::FileCertificate { certificate, .. } => {
            Change::FileCertificate { certificate, overwrite: Overwrite::Yes }
        }
        Change::EnableForSmtp { thumbprint, .. } => {
            Change::EnableForSmtp { thumbprint, overwrite: Overwrite::Yes }
        }
        step => step,
    }
}
