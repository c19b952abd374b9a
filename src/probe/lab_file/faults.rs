//! Behavior that a conforming connector does not show, as fault rules.

use super::{File, Presenting, SHOWN, WITHOUT_SNI, list, quoted};
use crate::probe::facets::accepts;
use crate::probe::handshake::{Answered, FailedHandshake, FailureKind, Handshake, Offer};
use crate::probe::run::Heard;
use crate::session::{TlsVersion, alert_number};

impl File<'_> {
    pub(super) fn faults(&mut self) {
        let visit = self.member.visit.clone();
        if self.host.implicit_tls {
            self.row("connect", "\"implicit-tls\"", None);
        } else if self.banner().is_none()
            && let Some(banner) = &visit.banner
            && !is_of_exchange(banner)
        {
            self.heard("connect", banner, "");
        }
        for (at, inside, heard) in [
            ("ehlo", false, &visit.ehlo),
            ("helo", false, &visit.helo),
            ("ehlo", true, &visit.ehlo_inside),
            ("helo", true, &visit.helo_inside),
        ] {
            // A client that is refused for lack of a certificate learns of it when EHLO is due.
            let refused = inside && self.member.wants_client_certificate();
            if let Some(heard) = heard.as_ref().filter(|heard| heard.code() != Some(250) && !refused) {
                self.heard(
                    at,
                    heard,
                    if inside { "when = { tls = true }" } else { "when = { tls = false }" },
                );
            }
        }
        self.capabilities();
        if let Some(answer) = visit.starttls.as_ref().filter(|answer| answer.code() != Some(220)) {
            self.heard("starttls", answer, "");
        }
        if visit.behind_starttls > 0 {
            self.comment(&format!(
                "{} bytes came in clear behind the answer to STARTTLS.",
                visit.behind_starttls
            ));
        }
        self.handshake();
    }

    fn handshake(&mut self) {
        for offer in [Offer::Tls11, Offer::Tls10] {
            if accepts(self.member, offer).as_deref() == Some("accepted") {
                let version = crate::probe::facets::version_of(offer);
                self.comment(&format!(
                    "{version} was accepted as well, which a lab cannot do beside newer ones."
                ));
            }
        }
        match &self.member.visit.handshake {
            Some(Handshake::Failed(failed)) => self.failed(failed),
            Some(Handshake::Established(established)) => {
                let other = self.member.trial(Offer::Tls12);
                let version = match established.version {
                    TlsVersion::Tls12 => Some("TLSv1.2"),
                    TlsVersion::Tls13 => other.filter(|it| refuses_the_version(it)).map(|_| "TLSv1.3"),
                };
                let version = version.map(|version| format!("version = \"{version}\""));
                let demands = self.member.wants_client_certificate();
                let demands = demands.then(|| "client_certificate = \"require\"".to_owned());
                let posture: Vec<String> =
                    version.into_iter().chain(demands).chain(self.presents()).collect();
                if !posture.is_empty() {
                    self.row("handshake", &format!("{{ tls = {{ {} }} }}", posture.join(", ")), None);
                }
            }
            Some(Handshake::Answered(_) | Handshake::NotReached { .. }) | None => {}
        }
    }

    /// Returns what is presented in place of the certificate that was selected.
    fn presents(&self) -> Option<String> {
        if self.other_without_sni().is_some() {
            let default = list([WITHOUT_SNI]);
            let name = quoted(&self.host.name);
            return Some(format!("present = {{ labels = {default}, by_name = {{ {name} = \"{SHOWN}\" }} }}"));
        }
        (self.presented == Presenting::InPlace && self.leaf.is_some())
            .then(|| format!("present = {{ labels = {} }}", list([SHOWN])))
    }

    fn failed(&mut self, failed: &FailedHandshake) {
        if let Some(Handshake::Answered(answered)) = self.member.trial(Offer::OldSuites)
            && let Some(server) = legacy(answered)
        {
            return self.row("handshake", &format!("{{ legacy = \"{server}\" }}"), None);
        }
        if let Some((taken, _)) = [(Offer::Tls13, "TLSv1.3"), (Offer::Tls12, "TLSv1.2")]
            .into_iter()
            .find(|(offer, _)| self.member.trial(*offer).is_some_and(Handshake::is_taken))
        {
            let version = crate::probe::facets::version_of(taken);
            return self.comment(&format!("{version} alone was accepted, and both together were not."));
        }
        match failed.how {
            FailureKind::AlertReceived => match alert_number(&failed.detail) {
                Some(number) => self.row("handshake", &format!("{{ alert = {number} }}"), None),
                None => self.comment(&format!("The handshake was refused with the alert {}.", failed.detail)),
            },
            // A server that refuses an old version and closes otherwise had read the ClientHello.
            FailureKind::Closed if self.member.trial(Offer::Tls11).is_some_and(refuses_the_version) => {
                self.row("handshake", "{ cut = { after = \"server-hello\" } }", None);
            }
            FailureKind::Closed => self.row("handshake", "\"close\"", None),
            FailureKind::Broken => self.row("handshake", "\"reset\"", None),
            FailureKind::TimedOut => self.row("handshake", "\"silence\"", None),
            FailureKind::NotTls => {
                let bytes = unescaped(&failed.detail);
                self.row("handshake", &format!("{{ raw = \"hex:{bytes}\" }}"), Some("close"));
            }
            // The certificate already has this effect.
            FailureKind::NotAccepted if self.is_refused_for_itself() => {
                if let Some(presents) = self.presents() {
                    self.row("handshake", &format!("{{ tls = {{ {presents} }} }}"), None);
                }
            }
            FailureKind::NotAccepted if failed.detail.contains("BadSignature") => {}
            FailureKind::NotAccepted | FailureKind::Unusable => {
                self.comment(&format!("The handshake failed: {}", failed.in_words()));
                self.row("handshake", "{ corrupt = { octet = 5 } }", None);
            }
        }
    }

    /// Adds a fault rule that lets the client receive this answer at a stage.
    fn heard(&mut self, at: &str, heard: &Heard, when: &str) {
        let conduct = match heard {
            // After a 2yz that is not 220, some clients begin the handshake.
            Heard::Reply(lines) if at == "starttls" && matches!(heard.code(), Some(200..=299)) => {
                format!("{{ say = {} }}", quoted(&format!("{}\r\n", lines.join("\r\n"))))
            }
            Heard::Reply(lines) => format!("{{ reply = {} }}", quoted(&lines.join("\n"))),
            Heard::NotSmtp(line) => format!("{{ raw = {} }}", quoted(&format!("{line}\r\n"))),
            Heard::Closed => "\"close\"".to_owned(),
            Heard::Broken(_) => "\"reset\"".to_owned(),
            Heard::TimedOut => "\"silence\"".to_owned(),
            Heard::TooMuch => {
                self.comment(&format!("At {at} more came than any reply has; here the lab is silent."));
                "\"silence\"".to_owned()
            }
        };
        self.fault(at);
        self.line(&format!("do = {conduct}"));
        if !when.is_empty() {
            self.line(when);
        }
        self.line("optional = true");
        self.line("");
    }

    fn row(&mut self, at: &str, conduct: &str, then: Option<&str>) {
        self.fault(at);
        self.line(&format!("do = {conduct}"));
        if let Some(then) = then {
            self.key("then", then);
        }
        self.line("optional = true");
        self.line("");
    }
}

/// Returns whether a version was refused as such, and not for anything else.
fn refuses_the_version(handshake: &Handshake) -> bool {
    matches!(handshake, Handshake::Failed(failed) if failed.how == FailureKind::AlertReceived
        && matches!(failed.detail.as_str(), "protocol_version" | "handshake_failure" | "insufficient_security"))
}

/// Returns whether it is the banner that a connector sends by default.
fn is_of_exchange(banner: &Heard) -> bool {
    matches!(banner, Heard::Reply(lines) if lines.len() == 1 && banner.code() == Some(220)
        && lines.iter().any(|line| line.contains(" Microsoft ESMTP MAIL Service ready at ")))
}

/// Returns the outdated server that answers like this.
fn legacy(answered: &Answered) -> Option<&'static str> {
    let Answered { version, cipher_suite, .. } = answered;
    match version.as_str() {
        "SSLv3" => Some("SSLv3"),
        "TLSv1.0" => Some("TLSv1"),
        "TLSv1.1" => Some("TLSv1.1"),
        "TLSv1.2" if cipher_suite.contains("_anon_") => Some("anonymous"),
        "TLSv1.2" if cipher_suite.starts_with("TLS_DHE_") => Some("dhe-1024"),
        "TLSv1.2" if cipher_suite.starts_with("TLS_RSA_") => Some("rsa-kx"),
        _ => None,
    }
}

/// Converts bytes that were escaped as in a Rust byte string to hexadecimal digits.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'x') => {
                    let digits: Vec<u8> = rest.by_ref().take(2).collect();
                    let digits = std::str::from_utf8(&digits).unwrap_or_default();
                    u8::from_str_radix(digits, 16).unwrap_or_default()
                }
                Some(other) => other,
                None => break,
            },
            byte => byte,
        });
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_comes_back_as_it_was() {
        let bytes = b"HTTP/1.0 \"a\\b\"\r\n\x00\xff'";
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(unescaped(&bytes.escape_ascii().to_string()), digits);
    }
}
