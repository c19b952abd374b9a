//! Findings about a member: the verdict first, then everything else that was noticed.

use jiff::Timestamp;
use serde::Serialize;

use super::facets::{accepts, days_left, outcome, trust};
use super::handshake::{Established, Handshake, Offer};
use super::middlebox::masked;
use super::names::{NameRule, check, names};
use super::run::{Heard, Host, Member, Visit};
use super::visit::LISTED_NOW;
use crate::exchange::EXPIRES_SOON;
use crate::name::covers;
use crate::pki::Certificate;
use crate::session::send::{CommonName, LibraryRules, name_problem, purpose_problem};

/// An observation, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The severity of the finding.
    pub severity: Severity,
    /// The sentence, without the name of the server.
    pub sentence: String,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// All is well.
    Good,
    /// Worth knowing.
    Note,
    /// Some senders fail because of it.
    Problem,
}

/// Returns the findings about `member` at `now`; the first is the verdict.
pub fn findings(host: &Host, member: &Member, now: Timestamp) -> Vec<Finding> {
    let mut found = vec![verdict(host, member)];
    let mut note = |sentence: String| found.push(Finding { severity: Severity::Note, sentence });
    let visit = &member.visit;
    if visit.behind_starttls > 0 {
        note(format!(
            "{} bytes came in clear behind the answer to STARTTLS; a client that does not discard them takes them for a part of the encrypted conversation (RFC 3207 section 4.2)",
            visit.behind_starttls
        ));
    }
    if visit.ehlo_inside.iter().flat_map(Heard::keywords).any(|(keyword, _)| keyword == "STARTTLS") {
        note("STARTTLS is listed inside TLS as well, which RFC 3207 section 4.2 forbids".to_owned());
    }
    if !host.implicit_tls && visit.banner == Some(Heard::TimedOut) {
        note(
            "a server that waits for the client to speak first may begin with TLS, as on port 465: --implicit-tls tries that"
                .to_owned(),
        );
    }
    withheld_by_exchange(member).into_iter().for_each(&mut note);
    if member.wants_client_certificate() {
        note("it demands a certificate of the client; mail servers that have none do not get in".to_owned());
    }
    for offer in [Offer::Tls11, Offer::Tls10] {
        if accepts(member, offer).as_deref() == Some("accepted") {
            let version = super::facets::version_of(offer);
            note(format!("{version} is accepted, which RFC 8996 deprecates"));
        }
    }
    if let (Some(named), Some(unnamed)) = (&visit.handshake, member.trial(Offer::NoName))
        && named.chain().first() != unnamed.chain().first()
    {
        note(match unnamed.chain().first() {
            Some(other) => format!(
                "senders that ask for no name (SNI), as many mail servers do, are shown another certificate: {}",
                called(&other.0)
            ),
            None => format!("without a name to ask for (SNI) the server {}", outcome(unnamed)),
        });
    }
    if let Some(leaf) = visit.handshake.as_ref().and_then(|it| it.chain().first()) {
        about_certificate(host, visit, &leaf.0, now).into_iter().for_each(&mut note);
    }
    found
}

/// Returns what keeps an Exchange server from offering STARTTLS, if the member is one that does not offer it.
fn withheld_by_exchange(member: &Member) -> Option<String> {
    let visit = &member.visit;
    let exchange = visit.keywords().iter().any(|(keyword, _)| {
        matches!(
            keyword.as_str(),
            "X-ANONYMOUSTLS" | "X-EXPS" | "XEXCH50" | "XRDST" | "XSHADOW" | "XSHADOWREQUEST"
        )
    }) || matches!(&visit.banner, Some(Heard::Reply(lines)) if lines.iter().any(|line| line.contains("Microsoft ESMTP MAIL")));
    let answers = visit.ehlo.as_ref().filter(|ehlo| ehlo.code() == Some(250))?;
    let name = answers.name().unwrap_or_default();
    (exchange && !visit.offers_starttls()).then(|| {
        format!(
            "it looks like an Exchange (inferred), which withholds STARTTLS where no certificate enabled for SMTP carries the connector's FQDN, here {name} (event 12014), or where Tls is not in AuthMechanism (no event); Get-ReceiveConnector and Get-ExchangeCertificate tell which"
        )
    })
}

fn verdict(host: &Host, member: &Member) -> Finding {
    let problem = |sentence: String| Finding { severity: Severity::Problem, sentence };
    let visit = &member.visit;
    if let Some(why) = &member.unreachable {
        return problem(format!("no connection ({why})"));
    }
    if host.implicit_tls {
        return over_tls(host, visit, "TLS comes first");
    }
    match &visit.banner {
        None => return problem("nothing was seen of it".to_owned()),
        Some(banner) if banner.code() != Some(220) => {
            return problem(format!("it does not greet: it {}", banner.in_words()));
        }
        Some(_) => {}
    }
    let ehlo = visit.ehlo.as_ref();
    match ehlo.map(|ehlo| (ehlo.code(), ehlo)) {
        Some((Some(250), _)) => {}
        Some((_, ehlo)) => {
            let helo = match visit.helo.as_ref().and_then(Heard::code) {
                Some(250) => ", and takes HELO, which knows no STARTTLS",
                _ => "",
            };
            return problem(format!("it {} to EHLO{helo}", ehlo.in_words()));
        }
        None => return problem("it was not asked for its capabilities".to_owned()),
    }
    if !visit.offers_starttls() {
        return problem(not_offered(member));
    }
    match &visit.starttls {
        Some(answer) if !matches!(answer.code(), Some(200..=299)) => problem(format!(
            "STARTTLS is offered, and then the server {}: there is no TLS",
            answer.in_words()
        )),
        Some(answer) if answer.code() != Some(220) && is_taken(visit) => problem(format!(
            "STARTTLS is offered, and the server {} where RFC 3207 has a 220: TLS works after it, and senders that wait for the 220 do not get there",
            answer.in_words()
        )),
        _ => over_tls(host, visit, "STARTTLS is offered"),
    }
}

fn is_taken(visit: &Visit) -> bool {
    visit.handshake.as_ref().is_some_and(Handshake::is_taken)
}

fn not_offered(member: &Member) -> String {
    let keywords = member.visit.keywords();
    let mask = keywords.iter().map(|(keyword, _)| keyword).find(|keyword| masked(keyword, "STARTTLS"));
    let what = match mask {
        Some(mask) => format!(
            "STARTTLS is NOT offered: {mask} stands where it might be, as Cisco's SMTP inspection masks it on the way"
        ),
        None => {
            "STARTTLS is NOT offered: mail goes in clear, and senders that require TLS keep theirs".to_owned()
        }
    };
    match member.trial(Offer::Unlisted) {
        Some(result) if result.is_taken() => {
            format!("{what}. It works all the same where it is said: only the list was changed")
        }
        Some(Handshake::NotReached { why }) if why == LISTED_NOW => {
            "STARTTLS is NOT offered, and a moment later, on another connection, it is: it comes and goes, or the servers behind this address are not alike".to_owned()
        }
        Some(Handshake::Failed(failed)) => {
            format!("{what}. Where it is said all the same, the server goes ahead and {}", failed.in_words())
        }
        Some(Handshake::Established(_) | Handshake::Answered(_) | Handshake::NotReached { .. }) | None => what,
    }
}

/// Returns the finding about a handshake that was begun.
fn over_tls(host: &Host, visit: &Visit, offered: &str) -> Finding {
    let problem = |sentence: String| Finding { severity: Severity::Problem, sentence };
    let established = match &visit.handshake {
        Some(Handshake::Established(established)) => established,
        Some(other) => return problem(format!("{offered}, and the server {}", outcome(other))),
        None => return problem(format!("{offered}, and there was no handshake")),
    };
    let version = established.version.as_str();
    let works = format!("{offered} and works ({version})");
    if host.implicit_tls && visit.banner.as_ref().and_then(Heard::code) != Some(220) {
        let heard = visit.banner.as_ref().map_or("says nothing".to_owned(), Heard::in_words);
        return problem(format!("{works}, and inside TLS it does not greet: it {heard}"));
    }
    if let Some(inside) = visit.ehlo_inside.as_ref().filter(|inside| inside.code() != Some(250)) {
        return problem(format!("{works}, and inside TLS the server {} to EHLO", inside.in_words()));
    }
    let Some(leaf) = established.chain.first().map(|presented| &presented.0) else {
        return problem(format!("{works}, without a certificate that can be read"));
    };
    let doubts = doubts(established, leaf, &host.name);
    if doubts.is_empty() {
        if let Some(doubt) = openssl_doubt(leaf, &host.name) {
            return problem(format!(
                "{works}, but its certificate {doubt}: senders that verify with OpenSSL do not deliver"
            ));
        }
        let sentence = format!("{works}; its certificate is trusted and names {}", host.name);
        return Finding { severity: Severity::Good, sentence };
    }
    problem(format!(
        "{works}, but its certificate {}: senders that verify do not deliver",
        doubts.join(", and ")
    ))
}

/// Returns the reasons why a verifying sender refuses it, each as the predicate of a sentence.
fn doubts(established: &Established, leaf: &Certificate, host: &str) -> Vec<String> {
    let chain = established.chain_problem.as_ref().map(|problem| trust(Some(problem)));
    let named = names(leaf, host).into_iter().any(|it| it.rule == NameRule::Rfc9525 && it.by.is_some());
    let name = (!named).then(|| {
        let carried: Vec<&str> = leaf.dns_names().iter().map(String::as_str).take(5).collect();
        let more = leaf.dns_names().len().saturating_sub(carried.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        if !carried.is_empty() {
            format!("carries {}{more}, where {host} was looked for", carried.join(", "))
        } else if leaf.common_names().iter().any(|name| covers(name, host).is_some()) {
            format!("carries {host} in its subject only, which RFC 9525 does not read")
        } else {
            format!("carries no DNS name, where {host} was looked for")
        }
    });
    chain.into_iter().chain(name).collect()
}

/// Why OpenSSL refuses a certificate that the RFCs allow, as the predicate of a sentence.
fn openssl_doubt(leaf: &Certificate, host: &str) -> Option<&'static str> {
    let check = check(host, CommonName::Never, LibraryRules::OpenSsl);
    if purpose_problem(leaf, &check).is_some() {
        return Some("has a keyUsage that allows nothing of what a server's key does in a handshake");
    }
    name_problem(leaf, &check).map(|_| "carries the name only as a wildcard of a top-level domain")
}

fn about_certificate(host: &Host, visit: &Visit, leaf: &Certificate, now: Timestamp) -> Vec<String> {
    let mut notes = Vec::new();
    let left = days_left(leaf.not_after(), now);
    if (0..=EXPIRES_SOON.as_hours() / 24).contains(&left) {
        notes.push(format!("the certificate expires in {left} days, on {}", day(leaf.not_after())));
    }
    if leaf.public_key().algorithm == "RSA" && (1..2048).contains(&leaf.public_key().bits) {
        notes.push(format!("its key is {}, which many TLS libraries refuse", leaf.public_key()));
    }
    if leaf.has_outdated_signature() && !leaf.is_self_signed() {
        notes.push("it is signed over SHA-1 or MD5, which few clients accept".to_owned());
    }
    let names_host = |rule| names(leaf, &host.name).iter().any(|it| it.rule == rule && it.by.is_some());
    if names_host(NameRule::CommonNameFallback) && !names_host(NameRule::Rfc9525) {
        notes.push(format!(
            "{} stands in the subject only: Exchange and OpenSSL find it there, those who keep to RFC 9525 do not",
            host.name
        ));
    }
    // Exchange looks in its store for the name that it answers with.
    let greets = [visit.banner.as_ref(), visit.ehlo.as_ref().or(visit.ehlo_inside.as_ref())];
    let greets: Vec<String> = greets.into_iter().flatten().filter_map(Heard::name).collect();
    let own = greets.last().filter(|own| !own.eq_ignore_ascii_case(&host.name));
    if let Some(own) = own.filter(|own| own.parse::<crate::name::Fqdn>().is_ok()) {
        let carried =
            names(leaf, own).iter().any(|it| it.rule == NameRule::ExchangeSelection && it.by.is_some());
        notes.push(if carried {
            format!("it calls itself {own}, which the certificate carries; senders look for the name that they dial")
        } else {
            format!(
                "it calls itself {own}, which the certificate does not carry; an Exchange without TlsCertificateName would not offer STARTTLS like this"
            )
        });
    }
    notes
}

/// Returns the name of a certificate: its subject or, if that is empty, its first name.
pub(super) fn called(certificate: &Certificate) -> String {
    if !certificate.subject().is_empty() {
        return certificate.subject().to_owned();
    }
    certificate.dns_names().first().cloned().unwrap_or_else(|| certificate.thumbprint().to_string())
}

/// Returns the day of an instant, in UTC.
pub(super) fn day(instant: Timestamp) -> String {
    instant.to_string().chars().take(10).collect()
}
