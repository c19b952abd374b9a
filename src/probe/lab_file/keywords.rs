//! The connector's parameters that make the EHLO reply, and the keywords that they cannot make.

use super::{CONNECTOR, File, list};
use crate::probe::run::Heard;

/// A keyword with its parameters.
type Keyword = (String, String);

/// The keywords that have a parameter of their own, in the order of the reply.
const SWITCHES: [(&str, &str); 9] = [
    ("PIPELINING", "pipelining_enabled"),
    ("DSN", "delivery_status_notification_enabled"),
    ("ENHANCEDSTATUSCODES", "enhanced_status_codes_enabled"),
    ("8BITMIME", "eight_bit_mime_enabled"),
    ("BINARYMIME", "binary_mime_enabled"),
    ("CHUNKING", "chunking_enabled"),
    ("SMTPUTF8", "smtp_utf8_enabled"),
    ("XLONGADDR", "long_addresses_enabled"),
    ("XORAR", "orar_enabled"),
];

impl File<'_> {
    /// Writes the parameters, by the reply in clear or, with implicit TLS, inside.
    pub(super) fn keywords(&mut self) {
        let starttls = self.does_starttls();
        let listed = self.listed();
        let has = |keyword: &str| listed.iter().any(|(it, rest)| it == keyword && rest.is_empty());
        let logon = self.logs_on();
        let flags = match (starttls, logon) {
            (true, true) => list(["Tls", "BasicAuth"]),
            (true, false) => list(["Tls"]),
            (false, true) => list(["BasicAuth"]),
            (false, false) => list(["None"]),
        };
        let (size_mode, size) = size(&listed);
        let switches: Vec<String> = SWITCHES
            .iter()
            .map(|(keyword, parameter)| format!("{parameter} = {}", on(keyword, &has)))
            .collect();
        self.line(&format!("auth_mechanism = {flags}"));
        self.line(&format!("size_enabled = \"{size_mode}\""));
        if let Some(size) = size {
            self.line(&format!("max_message_size = {size}"));
        }
        switches.iter().for_each(|line| self.line(line));
    }

    /// Writes fault rules for what the parameters cannot make: one for the reply in clear, one for that
    /// inside TLS.
    pub(super) fn capabilities(&mut self) {
        let visit = &self.member.visit;
        let replies = [(false, visit.ehlo.clone()), (true, visit.ehlo_inside.clone())];
        for (inside, reply) in replies {
            let Some(reply) = reply.filter(|reply| reply.code() == Some(250)) else { continue };
            let (made, seen) = (self.made(inside), reply.keywords());
            let without: Vec<&str> =
                made.iter().filter(|it| !seen.contains(it)).map(|(keyword, _)| keyword.as_str()).collect();
            let with: Vec<String> = seen.iter().filter(|it| !made.contains(it)).map(written).collect();
            if without.is_empty() && with.is_empty() {
                continue;
            }
            self.fault("ehlo");
            self.line(&format!(
                "do = {{ capabilities = {{ without = {}, with = {} }} }}",
                list(without),
                list(with.iter().map(String::as_str))
            ));
            self.line(&format!("when = {{ tls = {inside} }}"));
            self.line("optional = true");
            self.line("");
        }
    }

    /// Begins a fault rule of the connector.
    pub(super) fn fault(&mut self, at: &str) {
        self.line("[[computer.fault]]");
        self.key("connector", CONNECTOR);
        self.key("at", at);
    }

    /// Returns the keywords that the connector of this file lists.
    fn made(&self, inside: bool) -> Vec<Keyword> {
        let listed = self.listed();
        let has = |keyword: &str| listed.iter().any(|(it, rest)| it == keyword && rest.is_empty());
        let plain = |keyword: &str| (keyword.to_owned(), String::new());
        let mut made: Vec<Keyword> = SWITCHES
            .iter()
            .filter(|(keyword, _)| on(keyword, &has))
            .map(|(keyword, _)| plain(keyword))
            .collect();
        match size(&listed) {
            ("Enabled", Some(size)) => made.push(("SIZE".to_owned(), size.to_string())),
            ("EnabledWithoutValue", _) => made.push(plain("SIZE")),
            _ => {}
        }
        if self.does_starttls() && !inside {
            made.push(plain("STARTTLS"));
        }
        if self.logs_on() {
            made.push(("AUTH".to_owned(), "LOGIN".to_owned()));
        }
        made
    }

    fn listed(&self) -> Vec<Keyword> {
        let visit = &self.member.visit;
        let reply = visit.ehlo.as_ref().or(visit.ehlo_inside.as_ref());
        reply.map(Heard::keywords).unwrap_or_default()
    }

    /// Returns whether AUTH LOGIN is listed anywhere.
    fn logs_on(&self) -> bool {
        let visit = &self.member.visit;
        let all = [visit.ehlo.as_ref(), visit.ehlo_inside.as_ref()];
        all.into_iter().flatten().flat_map(Heard::keywords).any(|(keyword, rest)| {
            keyword == "AUTH" && rest.split(' ').any(|mechanism| mechanism.eq_ignore_ascii_case("LOGIN"))
        })
    }
}

/// Returns whether a keyword's parameter is switched on; BINARYMIME needs CHUNKING (RFC 3030 section 3).
fn on(keyword: &str, has: &impl Fn(&str) -> bool) -> bool {
    has(keyword) && (keyword != "BINARYMIME" || has("CHUNKING"))
}

/// Returns SizeEnabled and MaxMessageSize, within Exchange's limits.
fn size(listed: &[Keyword]) -> (&'static str, Option<u64>) {
    let Some((_, rest)) = listed.iter().find(|(keyword, _)| keyword == "SIZE") else {
        return ("Disabled", None);
    };
    match rest.parse() {
        Ok(size @ 65_536..=2_147_483_647) if rest.bytes().all(|byte| byte.is_ascii_digit()) => {
            ("Enabled", Some(size))
        }
        _ if rest.is_empty() => ("EnabledWithoutValue", None),
        _ => ("Disabled", None),
    }
}

fn written((keyword, rest): &Keyword) -> String {
    if rest.is_empty() { keyword.clone() } else { format!("{keyword} {rest}") }
}
