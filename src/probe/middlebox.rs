//! Changes made by a middlebox: compares a run from inside with a run from outside of the same servers.

use serde::Serialize;

use super::facets::{Difference, FacetKind, IN_CLEAR, differences, facets};
use super::findings::called;
use super::handshake::{Handshake, Offer};
use super::run::{Heard, Host, Member, Run};

/// The differences between a server as seen from inside and as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Middlebox {
    /// The server's name in the run from inside.
    pub inside: String,
    /// The server's name in the run from outside.
    pub outside: String,
    /// The differences; `one` is inside, `other` is outside.
    pub differences: Vec<Difference>,
    /// The conclusions. Each is inferred: a different server at the other end looks the same.
    pub conclusions: Vec<String>,
}

/// Compares every server that was seen from outside with the one in the same place of the run from inside, or
/// with the first one if there are fewer.
pub fn middlebox(inside: &Run, outside: &Run) -> Vec<Middlebox> {
    let known: Vec<(&Host, &Member)> = inside.members().collect();
    let each = outside.members().enumerate().filter_map(|(at, (host, member))| {
        let (own_host, own) = known.get(at).or_else(|| known.first())?;
        let differences = differences(&facets(own), &facets(member), &[]);
        let conclusions = conclusions(own, member, &differences);
        let (inside, outside) = (own_host.called(own), host.called(member));
        Some(Middlebox { inside, outside, differences, conclusions })
    });
    each.collect()
}

/// Returns whether `keyword` may be the remainder of `of` after a middlebox has overwritten it: Cisco's
/// inspection leaves as many letters X, and a last letter.
pub(super) fn masked(keyword: &str, of: &str) -> bool {
    let Some((last, first)) = keyword.as_bytes().split_last() else { return false };
    keyword.len() == of.len() && first.iter().all(|byte| *byte == b'X') && last.is_ascii_uppercase()
}

fn conclusions(inside: &Member, outside: &Member, differences: &[Difference]) -> Vec<String> {
    match (&inside.unreachable, &outside.unreachable) {
        (None, Some(why)) => {
            return vec![format!(
                "the port is open inside, and outside there is no connection ({why}): something on the way closes it"
            )];
        }
        (Some(why), None) => {
            return vec![format!("there was no connection inside ({why}), so nothing can be compared")];
        }
        (Some(_), Some(_)) => return vec!["there was a connection neither inside nor outside".to_owned()],
        (None, None) => {}
    }
    let mut found = Vec::new();
    found.extend(overwritten_banner(inside, outside));
    found.extend(keywords(inside, outside));
    found.extend(certificate(inside, outside));
    let versions: Vec<String> = differences
        .iter()
        .filter(|it| it.about.starts_with("TLSv"))
        .filter_map(|it| {
            Some(format!("{} is {} inside and {} outside", it.about, it.one.as_ref()?, it.other.as_ref()?))
        })
        .collect();
    if !versions.is_empty() {
        found.push(format!("{}: TLS is ended by something else", versions.join(", ")));
    }
    let kinds = facets(outside);
    let own_names = |about: &str| kinds.iter().any(|it| it.about == about && it.kind == FacetKind::Identity);
    if differences.iter().any(|it| own_names(&it.about)) && found.is_empty() {
        found.push("the server outside calls itself otherwise: it may be another one".to_owned());
    }
    if found.is_empty() {
        found.push(if differences.is_empty() {
            "nothing is changed on the way".to_owned()
        } else {
            "something differs, and nothing of it is what middleboxes are known to change".to_owned()
        });
    }
    found
}

fn overwritten_banner(inside: &Member, outside: &Member) -> Option<String> {
    let stars = |member: &Member| {
        let banner = member.visit.banner.iter().flat_map(Heard::lines);
        banner.into_iter().any(|line| line.contains("*****"))
    };
    (stars(outside) && !stars(inside))
        .then(|| "the banner is written over with asterisks, as Cisco's SMTP inspection does".to_owned())
}

fn keywords(inside: &Member, outside: &Member) -> Vec<String> {
    let (own, other) = (inside.visit.keywords(), outside.visit.keywords());
    if outside.visit.ehlo.as_ref().and_then(Heard::code) != Some(250) {
        let heard = outside.visit.ehlo.as_ref().map(Heard::in_words);
        return heard
            .filter(|_| !own.is_empty())
            .map(|heard| format!("{IN_CLEAR} is answered inside, and outside the server {heard}"))
            .into_iter()
            .collect();
    }
    let lists = |keywords: &[(String, String)], keyword: &str| keywords.iter().any(|(it, _)| it == keyword);
    let mut lost: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let mut masks: Vec<&str> = other.iter().map(|(keyword, _)| keyword.as_str()).collect();
    masks.retain(|keyword| !lists(&own, keyword));
    // CHUNKING is as long as STARTTLS; a mask stands for one keyword, and for the one that is masked most.
    let mut missing: Vec<&str> = own.iter().map(|(keyword, _)| keyword.as_str()).collect();
    missing.retain(|keyword| !lists(&other, keyword));
    missing.sort_by_key(|keyword| *keyword != "STARTTLS");
    for keyword in missing {
        match masks.iter().position(|mask| masked(mask, keyword)) {
            Some(at) => {
                let mask = masks.remove(at);
                found.push(format!(
                    "{keyword} comes out as {mask}: it is masked on the way, as Cisco's SMTP inspection does"
                ));
            }
            None => lost.push(keyword),
        }
    }
    if let Some(at) = lost.iter().position(|keyword| *keyword == "STARTTLS") {
        lost.remove(at);
        let works = outside.trial(Offer::Unlisted).is_some_and(Handshake::is_taken);
        found.push(if works {
            "STARTTLS is stripped from the list on the way, and works outside where it is said all the same"
                .to_owned()
        } else {
            "STARTTLS is stripped on the way: it is listed inside and not outside".to_owned()
        });
    }
    if !lost.is_empty() {
        found.push(format!("these keywords are lost on the way: {}", lost.join(", ")));
    }
    let masks = |keyword: &str| own.iter().any(|(it, _)| masked(keyword, it));
    let added: Vec<&str> = other
        .iter()
        .map(|(keyword, _)| keyword.as_str())
        .filter(|keyword| !lists(&own, keyword) && !masks(keyword))
        .collect();
    if !added.is_empty() {
        found.push(format!("these keywords are listed outside only: {}", added.join(", ")));
    }
    found
}

fn certificate(inside: &Member, outside: &Member) -> Option<String> {
    let leaf = |member: &Member| member.visit.handshake.as_ref()?.chain().first().map(|it| it.0.clone());
    match (leaf(inside), leaf(outside)) {
        (Some(own), Some(other)) if own != other => {
            let issuer = if other.is_self_signed() { "itself" } else { other.issuer() };
            Some(format!(
                "another certificate is shown outside: {}, issued by {issuer}, where {} is shown inside: TLS is ended on the way",
                called(&other),
                called(&own)
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(banner: &str, ehlo: &[&str]) -> Member {
        let mut member = Member::new("192.0.2.1:25".parse().unwrap());
        member.visit.banner = Some(Heard::Reply(vec![banner.to_owned()]));
        member.visit.ehlo = Some(Heard::Reply(ehlo.iter().map(|it| (*it).to_owned()).collect()));
        member
    }

    fn concluded(inside: &Member, outside: &Member) -> Vec<String> {
        conclusions(inside, outside, &differences(&facets(inside), &facets(outside), &[]))
    }

    #[test]
    fn a_masked_keyword_is_told_from_one_that_is_gone() {
        let inside = member("220 mx", &["250-mx", "250-CHUNKING", "250-PIPELINING", "250 STARTTLS"]);
        let masked = member("220 *********", &["250-mx", "250-PIPELINING", "250 XXXXXXXA"]);
        assert_eq!(
            concluded(&inside, &masked),
            [
                "the banner is written over with asterisks, as Cisco's SMTP inspection does",
                "STARTTLS comes out as XXXXXXXA: it is masked on the way, as Cisco's SMTP inspection does",
                "these keywords are lost on the way: CHUNKING",
            ]
        );
        let stripped = member("220 mx", &["250-mx", "250-CHUNKING", "250 PIPELINING"]);
        let said = concluded(&inside, &stripped);
        assert_eq!(said, ["STARTTLS is stripped on the way: it is listed inside and not outside"]);
        assert_eq!(concluded(&inside, &inside), ["nothing is changed on the way"]);
    }

    #[test]
    fn a_port_that_is_closed_on_the_way_is_one_sentence() {
        let inside = member("220 mx", &["250 mx"]);
        let mut outside = Member::new("192.0.2.1:25".parse().unwrap());
        outside.unreachable = Some("connection refused".to_owned());
        assert_eq!(concluded(&inside, &outside).len(), 1);
    }
}
