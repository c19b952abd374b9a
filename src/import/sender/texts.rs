//! The texts that senders print, with their meanings.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Meaning;
use crate::observe::verdict::{Symptom, texts};

/// The length below which a text without a digit is ambiguous by itself, such as `EOF`.
const SHORTEST: usize = 10;

/// A text of the table as it is searched for.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The text in small letters; `*` stands for what differs.
    pub(super) pattern: String,
    /// The programs that print it, such as `Postfix, OpenSSL or Node`.
    pub(super) clients: String,
    /// The meaning: that of the first section in which it stands.
    pub(super) meaning: Meaning,
}

impl Known {
    /// Returns whether the text is an exit code in brackets, such as curl's `(35)`, which anything may contain.
    pub(super) fn is_exit_code(&self) -> bool {
        let code = self.pattern.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        code.is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// Every text of the table, each once.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let tells = |text: &str| text.len() >= SHORTEST || text.contains(|it: char| it.is_ascii_digit());
    let mut order: Vec<(String, Meaning, Vec<&'static str>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (symptom, known) in texts().iter().filter(|(_, known)| tells(known.text)) {
        for text in std::iter::once(known.text).chain(name_of_code(known.text)) {
            let pattern = pattern(text).to_ascii_lowercase();
            let place = *places.entry(pattern.clone()).or_insert_with(|| {
                order.push((pattern, meaning(*symptom), Vec::new()));
                order.len() - 1
            });
            if let Some((.., clients)) = order.get_mut(place)
                && !clients.contains(&known.client)
            {
                clients.push(known.client);
            }
        }
    }
    let known = |(pattern, meaning, clients): (String, Meaning, Vec<&str>)| {
        let clients = match clients.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => clients.concat(),
        };
        Known { pattern, clients, meaning }
    };
    order.into_iter().map(known).collect()
});

/// Returns every text of the table, each once, in the table's order.
pub(super) fn known() -> &'static [Known] {
    &KNOWN
}

/// Returns the name in a text such as `SEC_E_INTERNAL_ERROR (0x80090304)`, which is printed without its number as well.
fn name_of_code(text: &str) -> Option<&str> {
    let (name, number) = text.split_once(" (0x")?;
    (number.ends_with(')') && !name.contains(' ')).then_some(name)
}

/// Returns a text as it is searched for. Whoever pastes a sentence may have left its full stop away.
fn pattern(text: &str) -> String {
    text.replace("...", "*").trim_end_matches('.').to_owned()
}

const fn meaning(symptom: Symptom) -> Meaning {
    match symptom {
        Symptom::NotOffered => Meaning::StarttlsNotOffered,
        Symptom::Refused => Meaning::StarttlsRefused,
        Symptom::TlsDemanded => Meaning::TlsDemanded,
        Symptom::NameMismatch => Meaning::NameMismatch,
        Symptom::Expired => Meaning::Expired,
        Symptom::NotYetValid => Meaning::NotYetValid,
        Symptom::SelfSigned | Symptom::UnknownAuthority => Meaning::ChainUntrusted,
        Symptom::WrongPurpose => Meaning::WrongPurpose,
        Symptom::Revoked => Meaning::Revoked,
        Symptom::TooWeak => Meaning::TooWeak,
        Symptom::BadSignature => Meaning::BadSignature,
        Symptom::CertificateRefused => Meaning::NameOrChain,
        Symptom::HandshakeFailure | Symptom::ProtocolVersion => Meaning::HandshakeFailed,
        Symptom::UnrecognizedName => Meaning::NameUnknown,
        Symptom::OtherAlert => Meaning::HandshakeEnded,
        Symptom::ClientCertificate => Meaning::ClientCertificateDemanded,
        Symptom::ClearText => Meaning::NotTls,
        Symptom::ConnectionLost => Meaning::ConnectionLost,
        Symptom::Closed => Meaning::ConnectionClosed,
        Symptom::Silent => Meaning::NoAnswer,
        Symptom::ClosedAfterHandshake => Meaning::ClosedAfterHandshake,
        Symptom::RefusedByClient => Meaning::ClientLeft,
        Symptom::Masked => Meaning::Middlebox,
        Symptom::TlsFailed => Meaning::TlsFailed,
        Symptom::OwnCertificate => Meaning::OwnKey,
        Symptom::OwnService => Meaning::OwnService,
        Symptom::OwnPin => Meaning::OwnPin,
        Symptom::QueueMisleads => Meaning::QueueMisleads,
        Symptom::NotAttributed => Meaning::CloudAttribution,
        Symptom::Permission => Meaning::NotTlsAtAll,
        Symptom::OwnVersions => Meaning::OwnVersions,
        Symptom::LegacyRenegotiation => Meaning::LegacyRenegotiation,
        Symptom::CommonNameOnly => Meaning::CommonNameOnly,
        Symptom::DnsPolicy => Meaning::DnsPolicy,
        Symptom::ServerKey => Meaning::ServerKey,
        Symptom::Unverified => Meaning::Unverified,
    }
}

#[cfg(test)]
mod tests {
    use super::super::look_up;
    use super::*;

    #[test]
    fn every_text_of_the_table_is_found_with_the_meaning_of_the_first_section_that_it_stands_in() {
        for Known { pattern, clients, meaning } in known() {
            // What differs is some word.
            let text = pattern.replace('*', " x ");
            let found = look_up(&text);
            assert!(found.iter().any(|it| it.meaning == *meaning), "{clients}: {text}: {found:?}");
        }
    }

    #[test]
    fn a_text_that_several_programs_print_is_attributed_to_all_of_them() {
        let said_by = |text: &str| look_up(text).first().map(|it| it.sender.clone()).unwrap_or_default();
        assert_eq!(said_by("certificate has expired"), "Postfix, OpenSSL or Node");
        assert_eq!(said_by("The TLS connection was non-properly terminated."), "Exim or GnuTLS");
        assert_eq!(said_by("curl: (60) SSL certificate problem: certificate has expired"), "curl");
    }

    #[test]
    fn an_exit_code_in_brackets_counts_alone_and_behind_the_word_that_announces_it() {
        let meaning = |text: &str| look_up(text).first().map(|it| it.meaning);
        for text in ["(35)", " (35) ", "curl (35)", "curl: (35) something", "exit code (35)", "cURL error 35"]
        {
            assert_eq!(meaning(text), Some(Meaning::TlsFailed), "{text}");
        }
        for text in ["main.c(35): warning", "after 12 (35) tries", "line (60)"] {
            assert_eq!(meaning(text), None, "{text}");
        }
    }
}
