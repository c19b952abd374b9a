//! Differences between the members of a pool.

use std::collections::BTreeSet;

use serde::Serialize;

use super::facets::{Facet, FacetKind, facets, may_have};
use super::run::Run;

/// A value that differs between members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The subject of the value.
    pub about: String,
    /// The values, the most frequent first, each with the members that have it.
    pub values: Vec<Shared>,
    /// The difference as a sentence.
    pub sentence: String,
}

/// A value with the members that have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shared {
    /// The value; `None` where there is none.
    pub value: Option<String>,
    /// The members.
    pub members: Vec<String>,
}

/// Returns every value that is not the same at all members of all hosts of a run. A member's own values, such
/// as its name in the banner, do not count. A value that could not be seen at a member, such as a certificate
/// without STARTTLS, is not compared.
pub fn drift(run: &Run) -> Vec<Drift> {
    let members: Vec<(String, Vec<Facet>)> =
        run.members().map(|(host, member)| (host.called(member), facets(member))).collect();
    let mut seen = BTreeSet::new();
    let all = members.iter().flat_map(|(_, facets)| facets);
    let counting = all.filter(|facet| facet.kind != FacetKind::Identity);
    let about = counting.map(|facet| facet.about.as_str()).filter(|about| seen.insert(*about));
    about.filter_map(|about| of(about, &members)).collect()
}

fn of(about: &str, members: &[(String, Vec<Facet>)]) -> Option<Drift> {
    let mut values: Vec<Shared> = Vec::new();
    let mut total = 0;
    for (name, facets) in members.iter().filter(|(_, facets)| may_have(facets, about)) {
        total += 1;
        let value = facets.iter().find(|facet| facet.about == about).map(|facet| facet.value.clone());
        match values.iter_mut().find(|shared| shared.value == value) {
            Some(shared) => shared.members.push(name.clone()),
            None => values.push(Shared { value, members: vec![name.clone()] }),
        }
    }
    if values.len() < 2 {
        return None;
    }
    values.sort_by_key(|shared| std::cmp::Reverse(shared.members.len()));
    let mut parts = Vec::with_capacity(values.len());
    for (at, Shared { value, members }) in values.iter().enumerate() {
        let value = value.as_deref().unwrap_or("missing");
        // For the largest group its size is enough.
        let many = at == 0 && members.len() > 1;
        parts.push(if many {
            format!("{value} at {} of {total} members", members.len())
        } else {
            format!("{value} at {}", members.join(", "))
        });
    }
    Some(Drift { about: about.to_owned(), sentence: format!("{about}: {}", parts.join("; ")), values })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::probe::{FORMAT, Heard, Host, Member};

    fn run(replies: &[Option<&[&str]>]) -> Run {
        let members = replies.iter().zip(1..).map(|(lines, last)| {
            let mut member = Member::new(([192, 0, 2, last], 25).into());
            match lines {
                Some(lines) => {
                    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
                    member.visit.ehlo = Some(Heard::Reply(lines));
                }
                None => member.unreachable = Some("connection refused".to_owned()),
            }
            member
        });
        let host = Host {
            target: "mail.lab.test:25".to_owned(),
            implicit_tls: false,
            name: "mail.lab.test".to_owned(),
            domain: None,
            unresolved: None,
            members: members.collect(),
        };
        Run { probe_run: FORMAT, taken: Timestamp::UNIX_EPOCH, hosts: vec![host] }
    }

    fn sentences(replies: &[Option<&[&str]>]) -> Vec<String> {
        drift(&run(replies)).into_iter().map(|it| it.sentence).collect()
    }

    #[test]
    fn the_one_that_lists_less_is_named_and_the_others_are_counted() {
        let full: Option<&[&str]> = Some(&["250-mx", "250-SIZE 1", "250 STARTTLS"]);
        assert!(sentences(&[full, full]).is_empty());
        assert_eq!(
            sentences(&[full, full, Some(&["250-other", "250 SIZE 2"])]),
            [
                "EHLO in clear: SIZE: 1 at 2 of 3 members; 2 at mail.lab.test:25 (192.0.2.3)",
                "EHLO in clear: STARTTLS: listed at 2 of 3 members; missing at mail.lab.test:25 (192.0.2.3)",
            ]
        );
    }

    #[test]
    fn of_a_member_that_is_not_reached_nothing_else_is_missed() {
        assert_eq!(
            sentences(&[Some(&["250-mx", "250 STARTTLS"]), None]),
            [
                "connection: made at mail.lab.test:25 (192.0.2.1); none: connection refused at mail.lab.test:25 (192.0.2.2)"
            ]
        );
    }
}
