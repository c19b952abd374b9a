//! The certificates of the lab file: stand-ins with the properties that were seen.

use jiff::Timestamp;

use super::{File, Presenting, SHOWN, STAND_IN, WITHOUT_SNI, keeps, list, quoted};
use crate::pki::{Certificate, KeyAlgorithm};
use crate::probe::handshake::{FailureKind, Handshake, Offer, Presented};
use crate::session::send::CertificateProblem;

/// The bound of rustls on a handshake message.
const LONGEST_MESSAGE: usize = 0xffff;

impl File<'_> {
    pub(super) fn certificates(&mut self, taken: Timestamp) {
        let chain = self.member.chain().to_vec();
        let needs_one = self.does_starttls();
        match chain.split_first() {
            None if needs_one => {
                self.comment("No certificate was seen; STARTTLS is offered with one that carries the name.");
                self.stand_in();
            }
            None => self.comment("No certificate was seen. An Exchange whose store holds none that carries the FQDN looks the same."),
            Some((leaf, above)) => {
                if self.presented == Presenting::InPlace {
                    self.comment("STARTTLS is offered with this one, and the next one is presented in its place.");
                    self.stand_in();
                }
                let trusted = self.trust();
                self.certificate(SHOWN, &leaf.0, above, trusted.as_ref(), taken);
            }
        }
        let other = self.other_without_sni().map(<[_]>::to_vec).unwrap_or_default();
        if let Some((leaf, above)) = other.split_first() {
            self.comment("Presented to a client that asks for no name (SNI).");
            let trusted = self.trust();
            self.certificate(WITHOUT_SNI, &leaf.0, above, trusted.as_ref(), taken);
        }
    }

    /// Returns the problem of the chain; `None` if no handshake was completed.
    fn trust(&self) -> Option<CertificateProblem> {
        match &self.member.visit.handshake {
            Some(Handshake::Established(established)) => established.chain_problem.clone(),
            Some(Handshake::Answered(_) | Handshake::Failed(_) | Handshake::NotReached { .. }) | None => None,
        }
    }

    /// Returns the chain that a client without SNI is shown, if it is another one.
    pub(super) fn other_without_sni(&self) -> Option<&[Presented]> {
        let other = self.member.trial(Offer::NoName)?.chain();
        (!other.is_empty() && other.first() != self.member.chain().first()).then_some(other)
    }

    /// Returns whether the handshake was signed with a key that is not the certificate's, as far as a client
    /// can tell.
    fn signs_with_another_key(&self) -> bool {
        !self.is_refused_for_itself()
            && matches!(&self.member.visit.handshake, Some(Handshake::Failed(failed))
                if failed.how == FailureKind::NotAccepted && failed.detail.contains("BadSignature"))
    }

    /// Returns whether the certificate is one with which no handshake is completed here.
    pub(super) fn is_refused_for_itself(&self) -> bool {
        self.leaf.is_some_and(|leaf| {
            let weak = leaf.public_key().algorithm == "RSA" && leaf.public_key().bits < 2048;
            leaf.version() != 3 || weak || leaf.der().len() > LONGEST_MESSAGE
        })
    }

    fn stand_in(&mut self) {
        let fqdn = self.fqdn.clone();
        self.line("[[computer.certificate]]");
        self.key("label", STAND_IN);
        self.line(&format!("names = {}", list([fqdn.as_str()])));
        self.line("services = [\"SMTP\"]");
        self.line("");
    }

    fn certificate(
        &mut self,
        label: &str,
        leaf: &Certificate,
        above: &[Presented],
        trust: Option<&CertificateProblem>,
        taken: Timestamp,
    ) {
        self.line("[[computer.certificate]]");
        self.key("label", label);
        let subject = leaf.subject();
        if keeps(subject) {
            self.key("subject", subject);
        } else {
            self.comment(&format!("The subject was {subject}, which cannot be written in a lab file."));
            let first = leaf.dns_names().first().map_or("unreadable", String::as_str);
            self.key("subject", &format!("CN={}", quoted(first)));
        }
        self.names(leaf);
        self.line("services = [\"SMTP\"]");
        if leaf.is_self_signed() {
            self.key("issuer", "self");
        } else {
            self.issuer(leaf, above, trust);
        }
        self.key("not_before", &leaf.not_before().to_string());
        self.key("not_after", &leaf.not_after().to_string());
        match key_of(leaf) {
            Ok("ecdsa-p256") => {}
            Ok(key) => self.key("key", key),
            Err(key) => {
                self.comment(&format!("The key was {}; this is the nearest.", leaf.public_key()));
                self.key("key", key);
            }
        }
        if leaf.version() != 3 {
            self.line("version = 1");
        }
        if label == SHOWN && self.signs_with_another_key() {
            self.line("key_mismatch = true");
        }
        if leaf.is_ca() {
            self.line("ca = true");
        }
        if !leaf.is_for_servers() {
            self.line("extended_key_usage = [\"clientAuth\"]");
        }
        if !leaf.may_be_used_in_handshakes() {
            self.line("key_usage = [\"keyCertSign\"]");
        }
        if leaf.has_outdated_signature() && !leaf.is_self_signed() {
            self.line("signature = \"sha1\"");
        }
        if trust == Some(&CertificateProblem::Revoked) {
            self.line("revoked = true");
        }
        if leaf.other_san() {
            self.comment("It has alternative names of other kinds as well, or some that cannot be read.");
        }
        if taken.as_second() > leaf.not_after().as_second() {
            self.comment("It had expired when it was seen.");
        }
        self.line("");
    }

    fn names(&mut self, leaf: &Certificate) {
        let (plain, raw): (Vec<&String>, Vec<&String>) =
            leaf.dns_names().iter().partition(|name| name.is_ascii());
        if !plain.is_empty() {
            self.line(&format!("names = {}", list(plain.into_iter().map(String::as_str))));
        }
        if !raw.is_empty() {
            self.line(&format!("raw_names = {}", list(raw.into_iter().map(String::as_str))));
        }
        if !leaf.ip_addresses().is_empty() {
            let addresses: Vec<String> = leaf.ip_addresses().iter().map(ToString::to_string).collect();
            self.line(&format!("ip_addresses = {}", list(addresses.iter().map(String::as_str))));
        }
    }

    /// Writes the issuer, the part of the chain that is sent, and whether it leads to the lab's root.
    fn issuer(&mut self, leaf: &Certificate, above: &[Presented], trust: Option<&CertificateProblem>) {
        if keeps(leaf.issuer()) {
            self.key("issuer", leaf.issuer());
        } else {
            self.comment(&format!(
                "The issuer was {}, which cannot be written in a lab file.",
                leaf.issuer()
            ));
        }
        let (roots, between): (Vec<&Presented>, Vec<&Presented>) =
            above.iter().partition(|presented| presented.0.is_self_signed());
        let reversed = between.len() > 1
            && between.first().is_some_and(|first| first.0.subject() != leaf.issuer())
            && between.last().is_some_and(|last| last.0.subject() == leaf.issuer());
        let unknown = trust == Some(&CertificateProblem::UnknownIssuer);
        if unknown && !between.is_empty() {
            self.key("root", "private");
        }
        if let Some(CertificateProblem::Invalid { reason }) = trust {
            self.comment(&format!("Its chain is not valid: {reason}. The lab's is."));
        }
        // Of several intermediates, the names of the upper ones are the lab's own.
        let dates = between.last().filter(|_| !reversed).map(|it| (it.0.not_before(), it.0.not_after()));
        let dated = dates.filter(|_| trust == Some(&CertificateProblem::Expired));
        match (between.len(), dated) {
            (0 | 1, None) => {}
            (count, None) => self.line(&format!("intermediate = {{ count = {} }}", count.min(20))),
            (count, Some((from, to))) => self.line(&format!(
                "intermediate = {{ count = {}, not_before = \"{from}\", not_after = \"{to}\" }}",
                count.clamp(1, 20)
            )),
        }
        let sent = match (between.is_empty(), roots.is_empty()) {
            _ if reversed => Some("reversed"),
            (false, false) => Some("with-root"),
            (true, _) if unknown => Some("leaf"),
            (true, _) => {
                self.comment(
                    "It was sent alone and is trusted all the same; here an authority is sent with it.",
                );
                None
            }
            (false, true) => None,
        };
        if let Some(sent) = sent {
            self.key("chain_sent", sent);
        }
    }
}

/// Returns the issuer's name in the lab.
pub(super) fn issuer_of(leaf: &Certificate) -> &str {
    if leaf.is_self_signed() { leaf.subject() } else { leaf.issuer() }
}

/// Returns the kind of key in a lab file's word; an error holds the nearest one if there is none of that
/// length.
fn key_of(leaf: &Certificate) -> Result<&'static str, &'static str> {
    let key = leaf.public_key();
    let exact = match (key.algorithm.as_str(), key.bits) {
        ("ECDSA", 256) => Some(KeyAlgorithm::EcdsaP256),
        ("ECDSA", 384) => Some(KeyAlgorithm::EcdsaP384),
        ("ECDSA", 521) => Some(KeyAlgorithm::EcdsaP521),
        ("Ed25519", _) => Some(KeyAlgorithm::Ed25519),
        ("RSA", 1024) => Some(KeyAlgorithm::Rsa1024),
        ("RSA", 2048) => Some(KeyAlgorithm::Rsa2048),
        ("RSA", 3072) => Some(KeyAlgorithm::Rsa3072),
        ("RSA", 4096) => Some(KeyAlgorithm::Rsa4096),
        _ => None,
    };
    let word = |wanted: KeyAlgorithm| {
        KeyAlgorithm::ALL.iter().find(|(_, known)| *known == wanted).map_or("ecdsa-p256", |(name, _)| name)
    };
    match (exact, key.algorithm.as_str(), key.bits) {
        (Some(exact), ..) => Ok(word(exact)),
        (None, "RSA", ..=1024) => Err("rsa-1024"),
        (None, "RSA", 1025..2560) => Err("rsa-2048"),
        (None, "RSA", 2560..3584) => Err("rsa-3072"),
        (None, "RSA", _) => Err("rsa-4096"),
        (None, ..) => Err("ecdsa-p256"),
    }
}
