//! What `probe` sees of servers that are not the lab's: Postfix (OpenSSL), Exim (GnuTLS) and aiosmtpd (Python),
//! with good certificates and bad ones, and with none.

use std::net::SocketAddr;

use starttls_lab::internal::probe::{
    FacetKind, Run, Target, differences, drift, facets, findings, lab_file, outcomes,
};
use starttls_lab::internal::scenario::ScenarioText;

use super::aiosmtpd::Aiosmtpd;
use super::exim::Exim;
use super::lab::SendingLab;
use super::postfix::Postfix;
use super::{Face, Receiver};

/// How the first line goes on for each face.
fn verdict(face: Face) -> &'static str {
    match face {
        Face::Good => {
            "STARTTLS is offered and works (TLSv1.3); its certificate is trusted and names mx.lab.test"
        }
        Face::OtherHost => {
            "STARTTLS is offered and works (TLSv1.3), but its certificate carries other.lab.test, where mx.lab.test was looked for"
        }
        Face::OtherDomain => {
            "STARTTLS is offered and works (TLSv1.3), but its certificate carries mx.other.test, where mx.lab.test was looked for"
        }
        Face::SelfSigned => {
            "STARTTLS is offered and works (TLSv1.3), but its certificate is self-signed and not trusted"
        }
        Face::Expired => "STARTTLS is offered and works (TLSv1.3), but its certificate has expired",
        Face::NotOffered => "STARTTLS is NOT offered: mail goes in clear",
        Face::OldTls => "STARTTLS is offered, and the server ",
        Face::Refused => "STARTTLS is offered, and then the server answers `454 ",
    }
}

/// What verifying senders come to.
fn verified(face: Face) -> &'static str {
    match face {
        Face::Good => "tls-authenticated",
        Face::OtherHost | Face::OtherDomain => "deferred: certificate-host-mismatch",
        Face::SelfSigned => "deferred: certificate-not-trusted",
        Face::Expired => "deferred: certificate-expired",
        Face::NotOffered | Face::Refused => "deferred: starttls-not-supported",
        Face::OldTls => "deferred: validation-failure",
    }
}

async fn seen(lab: &SendingLab, addresses: &[SocketAddr]) -> Run {
    let targets: Vec<Target> =
        addresses.iter().map(|it| Target { host: it.ip().to_string(), port: it.port() }).collect();
    lab.prober().probe(&targets).await
}

/// Every face is called what it is, by the first line and by what senders would come to; and what was seen can
/// be made into a lab file that is one.
async fn is_called_what_it_is(lab: &SendingLab, faces: &[Face], address: impl Fn(Face) -> SocketAddr) {
    let addresses: Vec<SocketAddr> = faces.iter().map(|face| address(*face)).collect();
    let run = seen(lab, &addresses).await;
    for (face, (host, member)) in faces.iter().zip(run.members()) {
        let found = findings(host, member, run.taken);
        assert!(found[0].sentence.starts_with(verdict(*face)), "{face:?}: {found:?}\n{member:?}");
        let senders = outcomes(host, &member.visit, run.taken);
        let ending = senders.iter().find(|it| it.sender == "mandatory-verified").unwrap().ending;
        assert_eq!(ending.to_string(), verified(*face), "{face:?}");
        let text = lab_file(host, member, run.taken).unwrap();
        ScenarioText::parse(&text, "seen.toml").unwrap_or_else(|error| panic!("{face:?}: {error}\n{text}"));
        // The same server once more shows the same.
        let again = seen(lab, &[member.address]).await;
        let (_, twin) = again.members().next().unwrap();
        assert_eq!(differences(&facets(member), &facets(twin), &[]), [], "{face:?}");
    }
    // One of them lists no STARTTLS, and is the one that is named.
    let lacking = faces.iter().position(|face| *face == Face::NotOffered).map(|at| addresses[at].to_string());
    let starttls = drift(&run).into_iter().find(|it| it.about == "EHLO in clear: STARTTLS").unwrap();
    assert_eq!(starttls.values[1].members, Vec::from_iter(lacking), "{starttls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_is_seen_as_it_is() {
    let lab = SendingLab::start().await;
    let Some(postfix) = Postfix::start(&lab) else { return };
    is_called_what_it_is(&lab, &postfix.faces(), |face| postfix.address(face)).await;
    let run = seen(&lab, &[postfix.address(Face::OldTls)]).await;
    let (_, member) = run.members().next().unwrap();
    let facets = facets(member);
    let of = |about: &str| facets.iter().find(|it| it.about == about).map(|it| it.value.as_str());
    assert!(of("TLSv1.3").unwrap().starts_with("not accepted"), "{facets:?}");
    assert!(of("TLSv1.2").unwrap().starts_with("not accepted"), "{facets:?}");
    assert!(facets.iter().all(|it| it.kind != FacetKind::Key), "no certificate was completed: {facets:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_is_seen_as_it_is() {
    let lab = SendingLab::start().await;
    let Some(exim) = Exim::start(&lab) else { return };
    is_called_what_it_is(&lab, &Exim::faces(), |face| exim.address(face)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aiosmtpd_is_seen_as_it_is() {
    let lab = SendingLab::start().await;
    let Some(aiosmtpd) = Aiosmtpd::start(&lab) else { return };
    is_called_what_it_is(&lab, &aiosmtpd.faces(), |face| aiosmtpd.address(face)).await;
}
