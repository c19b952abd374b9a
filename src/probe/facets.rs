//! The observations of a member, as single values that can be compared with those of another.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::findings::day;
use super::handshake::{FailureKind, Handshake, Offer};
use super::run::{Heard, Member, Visit};
use crate::session::TlsVersion;
use crate::session::send::CertificateProblem;

/// One value that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facet {
    /// The subject of the value, such as `TLSv1.2` or `EHLO in clear: SIZE`.
    pub about: String,
    /// The value.
    pub value: String,
    /// The kind of the value.
    #[serde(skip)]
    pub kind: FacetKind,
}

/// The origin of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FacetKind {
    /// The configuration of the server.
    Configuration,
    /// The member of the pool.
    Identity,
    /// The key of a certificate, which no stand-in can have.
    Key,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The subject of the value.
    pub about: String,
    /// The one value; `None` where there is none.
    pub one: Option<String>,
    /// The other value.
    pub other: Option<String>,
}

/// The name of an EHLO reply in clear.
pub(super) const IN_CLEAR: &str = "EHLO in clear";
/// The name of an EHLO reply inside TLS.
pub(super) const INSIDE: &str = "EHLO inside TLS";
/// The value of a keyword with nothing behind it.
pub(super) const LISTED: &str = "listed";

/// Returns the values that were seen of `member`, in the order of the session.
pub fn facets(member: &Member) -> Vec<Facet> {
    let mut found = Facets(Vec::new());
    if let Some(why) = &member.unreachable {
        found.add("connection", format!("none: {why}"));
        return found.0;
    }
    found.add("connection", "made".to_owned());
    let Visit { banner, ehlo, helo, starttls, behind_starttls, handshake, ehlo_inside, helo_inside } =
        &member.visit;
    if let Some(banner) = banner {
        found.of("banner: name", banner.name(), FacetKind::Identity);
        found.add("banner", without_name_and_date(banner));
    }
    found.ehlo(IN_CLEAR, ehlo.as_ref(), helo.as_ref());
    found.of("STARTTLS", starttls.as_ref().map(answered), FacetKind::Configuration);
    if *behind_starttls > 0 {
        found.add("in clear behind the answer to STARTTLS", format!("{behind_starttls} bytes"));
    }
    if let Some(handshake) = handshake {
        found.add("handshake", comparable(handshake));
        found.certificates(handshake);
    }
    for offer in [Offer::Tls13, Offer::Tls12, Offer::Tls11, Offer::Tls10] {
        found.of(version_of(offer), accepts(member, offer), FacetKind::Configuration);
    }
    if let Some(result) = member.trial(Offer::OldSuites) {
        found.add("TLSv1.2 with outdated suites", comparable(result));
    }
    if let Some(result) = member.trial(Offer::NoName) {
        found.add("without SNI", without_name(handshake.as_ref(), result));
    }
    if let Some(result) = member.trial(Offer::Unlisted) {
        let works = if result.is_taken() { "works" } else { "does not work" };
        found.add("STARTTLS although it is not listed", works.to_owned());
    }
    found.ehlo(INSIDE, ehlo_inside.as_ref(), helo_inside.as_ref());
    found.0
}

/// Returns the values in which `one` and `other` differ, except those of the `ignored` kinds.
pub fn differences(one: &[Facet], other: &[Facet], ignored: &[FacetKind]) -> Vec<Difference> {
    let mut seen = BTreeSet::new();
    let all = one.iter().chain(other).filter(|facet| !ignored.contains(&facet.kind));
    let about = all.map(|facet| facet.about.as_str()).filter(|about| seen.insert(*about));
    let value = |facets: &[Facet], about: &str| {
        facets.iter().find(|facet| facet.about == about).map(|facet| facet.value.clone())
    };
    let both = about.filter(|about| may_have(one, about) && may_have(other, about));
    let pairs = both.map(|about| (about, value(one, about), value(other, about)));
    let differing = pairs.filter(|(_, one, other)| one != other);
    differing.map(|(about, one, other)| Difference { about: about.to_owned(), one, other }).collect()
}

/// Returns whether a member with these facets could have shown one about this subject. Facets that depend on
/// STARTTLS are not reported as missing if STARTTLS itself is.
pub(super) fn may_have(facets: &[Facet], about: &str) -> bool {
    let has = |about: &str| facets.iter().any(|facet| facet.about == about);
    let in_reply = |place: &str| about.strip_prefix(place).is_some_and(|rest| rest.starts_with(": "));
    if about == "connection" || has(about) {
        true
    } else if in_reply(IN_CLEAR) {
        has(&format!("{IN_CLEAR}: name"))
    } else if in_reply(INSIDE) {
        has(&format!("{INSIDE}: name"))
    } else {
        false
    }
}

/// Returns whether `member` accepts a version, in a word or two; `None` if that was not tried and does not
/// follow.
pub(super) fn accepts(member: &Member, offer: Offer) -> Option<String> {
    let chosen = member.visit.handshake.as_ref().and_then(Handshake::established).map(|it| it.version);
    match (offer, chosen, member.trial(offer)) {
        (Offer::Tls13, Some(TlsVersion::Tls13), _) | (Offer::Tls12, Some(TlsVersion::Tls12), _) => {
            Some("accepted".to_owned())
        }
        (Offer::Tls13, Some(TlsVersion::Tls12), _) => {
            Some("not accepted: TLSv1.2 was chosen where both were offered".to_owned())
        }
        (_, _, Some(Handshake::Answered(answered))) if answered.version != version_of(offer) => {
            Some(format!("not accepted: {} was chosen", answered.version))
        }
        (_, _, Some(result)) if result.is_taken() => Some("accepted".to_owned()),
        (_, _, Some(result)) => Some(format!("not accepted: {}", comparable(result))),
        (_, _, None) => None,
    }
}

pub(super) const fn version_of(offer: Offer) -> &'static str {
    match offer {
        Offer::Tls13 => "TLSv1.3",
        Offer::Tls12 | Offer::OldSuites => "TLSv1.2",
        Offer::Tls11 => "TLSv1.1",
        Offer::Tls10 => "TLSv1.0",
        Offer::NoName | Offer::Unlisted => "TLS",
    }
}

/// Returns the outcome of a handshake, as the predicate of a sentence that starts with the server.
pub(super) fn outcome(handshake: &Handshake) -> String {
    match handshake {
        Handshake::Established(it) => format!("completes the handshake with {}", it.version.as_str()),
        Handshake::Answered(it) => format!("chooses {} with {}", it.version, it.cipher_suite),
        Handshake::Failed(it) => it.in_words(),
        Handshake::NotReached { why } => why.clone(),
    }
}

/// Describes the problem of a chain, or states that there is none.
pub(super) fn trust(problem: Option<&CertificateProblem>) -> String {
    match problem {
        None => "trusted".to_owned(),
        Some(CertificateProblem::Invalid { reason }) => format!("is not valid: {}", brief(reason)),
        Some(problem) => problem.in_words(),
    }
}

/// Returns the message of a TLS library, without the values that it prints behind it.
fn brief(reason: &str) -> &str {
    let inner = reason.rsplit_once("OtherError(").map_or(reason, |(_, inner)| inner.trim_end_matches(')'));
    inner.split(" {").next().unwrap_or(inner)
}

struct Facets(Vec<Facet>);

impl Facets {
    fn add(&mut self, about: &str, value: String) {
        self.of(about, Some(value), FacetKind::Configuration);
    }

    fn of(&mut self, about: &str, value: Option<String>, kind: FacetKind) {
        self.0.extend(value.map(|value| Facet { about: about.to_owned(), value, kind }));
    }

    fn ehlo(&mut self, place: &str, ehlo: Option<&Heard>, helo: Option<&Heard>) {
        let Some(ehlo) = ehlo else { return };
        if ehlo.code() != Some(250) {
            self.add(place, comparable_answer(ehlo));
            self.of(&format!("HELO where {place} fails"), helo.map(answered), FacetKind::Configuration);
            return;
        }
        self.add(place, answered(ehlo));
        self.of(&format!("{place}: name"), ehlo.name(), FacetKind::Identity);
        for (keyword, rest) in ehlo.keywords() {
            let value = if rest.is_empty() { LISTED.to_owned() } else { rest };
            self.add(&format!("{place}: {keyword}"), value);
        }
    }

    fn certificates(&mut self, handshake: &Handshake) {
        let Some(leaf) = handshake.chain().first().map(|presented| &presented.0) else { return };
        let addresses = leaf.ip_addresses().iter().map(ToString::to_string);
        let names: Vec<String> = leaf.dns_names().iter().cloned().chain(addresses).collect();
        self.add("certificate: subject", leaf.subject().to_owned());
        self.add("certificate: names", names.join(", "));
        let issuer = if leaf.is_self_signed() { "itself" } else { leaf.issuer() };
        self.add("certificate: issuer", issuer.to_owned());
        // A lab's dates count from its start, to the second.
        self.add("certificate: valid from", day(leaf.not_before()));
        self.add("certificate: valid to", day(leaf.not_after()));
        self.add("certificate: key", leaf.public_key().to_string());
        self.of("certificate: thumbprint", Some(leaf.thumbprint().to_string()), FacetKind::Key);
        self.add("certificates sent", handshake.chain().len().to_string());
        if let Handshake::Established(established) = handshake {
            self.add("chain", trust(established.chain_problem.as_ref()));
        }
    }
}

fn answered(heard: &Heard) -> String {
    match heard.reply() {
        Some(reply) => format!("answered {}", reply.code()),
        None => comparable_answer(heard),
    }
}

/// Returns the outcome of a handshake, without the details that differ from one time to the next. Whether a
/// server that gives up closes the connection or resets it depends on what it had not read by then.
fn comparable(handshake: &Handshake) -> String {
    match handshake {
        Handshake::Failed(failed) if matches!(failed.how, FailureKind::Closed | FailureKind::Broken) => {
            "ends the connection during the handshake".to_owned()
        }
        Handshake::Established(_)
        | Handshake::Answered(_)
        | Handshake::Failed(_)
        | Handshake::NotReached { .. } => outcome(handshake),
    }
}

/// Returns an answer without the details that differ from one time to the next.
fn comparable_answer(heard: &Heard) -> String {
    match heard {
        Heard::Closed | Heard::Broken(_) => "ends the connection".to_owned(),
        Heard::Reply(_) | Heard::NotSmtp(_) | Heard::TooMuch | Heard::TimedOut => heard.in_words(),
    }
}

fn without_name(named: Option<&Handshake>, unnamed: &Handshake) -> String {
    match (named.and_then(|it| it.chain().first()), unnamed.chain().first()) {
        (Some(one), Some(other)) if one == other => "the same certificate".to_owned(),
        (_, Some(other)) => format!("another certificate, {}", other.0.subject()),
        (_, None) => comparable(unnamed),
    }
}

/// Returns a banner without the parts that differ from server to server and from second to second.
fn without_name_and_date(banner: &Heard) -> String {
    let Heard::Reply(lines) = banner else { return comparable_answer(banner) };
    let name = banner.name().unwrap_or_default();
    let text = lines.join(" / ");
    let named = if name.is_empty() { text } else { text.replacen(&name, "NAME", 1) };
    let mut words: Vec<&str> = Vec::new();
    for word in named.split_whitespace() {
        // The day of the week begins a date (RFC 5322 section 3.3), as Exchange, Exim and sendmail write it.
        if ["Mon,", "Tue,", "Wed,", "Thu,", "Fri,", "Sat,", "Sun,"].contains(&word) {
            words.push("DATE");
            break;
        }
        words.push(word);
    }
    words.join(" ")
}

/// Returns how long a certificate is still valid, in whole days; negative if it has expired.
pub(super) fn days_left(not_after: Timestamp, now: Timestamp) -> i64 {
    not_after.duration_since(now).as_hours().div_euclid(24)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(lines: &[&str]) -> Member {
        let mut member = Member::new("192.0.2.1:25".parse().unwrap());
        let reply = |lines: &[&str]| Heard::Reply(lines.iter().map(|it| (*it).to_owned()).collect());
        member.visit.banner =
            Some(reply(&["220 mx1.lab.test ESMTP ready at Mon, 30 Nov 2026 07:00:00 +0000"]));
        member.visit.ehlo = Some(reply(lines));
        member
    }

    #[test]
    fn two_members_differ_in_keywords_and_in_what_stands_behind_them() {
        let one = facets(&member(&["250-mx1.lab.test", "250-SIZE 100", "250 STARTTLS"]));
        let other = facets(&member(&["250-mx2.lab.test", "250 SIZE 200"]));
        let differing = differences(&one, &other, &[FacetKind::Identity]);
        let about: Vec<_> = differing.iter().map(|it| it.about.as_str()).collect();
        assert_eq!(about, ["EHLO in clear: SIZE", "EHLO in clear: STARTTLS"]);
        assert_eq!(differing[1].one.as_deref(), Some(LISTED));
        assert_eq!(differing[1].other, None);
        assert_eq!(differences(&one, &one, &[]), []);
    }

    #[test]
    fn a_server_that_closes_and_one_that_resets_are_configured_alike() {
        let failed = |how| {
            let mut member = member(&["250-mx1.lab.test", "250 STARTTLS"]);
            let failure = crate::session::TlsFailure::Closed;
            let failed = crate::probe::FailedHandshake { how, ..failure.into() };
            member.visit.handshake = Some(Handshake::Failed(failed));
            facets(&member)
        };
        let (closed, reset) = (failed(FailureKind::Closed), failed(FailureKind::Broken));
        assert_eq!(differences(&closed, &reset, &[]), []);
    }

    #[test]
    fn name_and_date_of_a_banner_are_no_configuration() {
        let banner =
            Heard::Reply(vec!["220 mx1.lab.test ESMTP ready at Mon, 30 Nov 2026 07:00:00 +0000".to_owned()]);
        assert_eq!(without_name_and_date(&banner), "220 NAME ESMTP ready at DATE");
    }
}
