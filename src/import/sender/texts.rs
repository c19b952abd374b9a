//! The texts that senders print, with their meanings.

use super::Meaning;
use crate::observe::verdict::{Symptom, texts};

/// The length below which a text without a digit is ambiguous by itself, such as `EOF`.
const SHORTEST: usize = 10;

/// Returns every text of the table with the client that prints it and its meaning; `*` stands for what differs.
/// Where a text has several meanings, the one that counts comes first.
pub(super) fn known() -> Vec<(String, &'static str, Meaning)> {
    let tells = |text: &str| text.len() >= SHORTEST || text.contains(|it: char| it.is_ascii_digit());
    let telling = texts().iter().filter(|(_, known)| tells(known.text));
    telling.map(|(symptom, known)| (pattern(known.text), known.client, meaning(*symptom))).collect()
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
    }
}

#[cfg(test)]
mod tests {
    use super::super::look_up;
    use super::*;

    #[test]
    fn every_text_of_the_table_is_found_with_the_meaning_of_the_first_section_that_it_stands_in() {
        for (pattern, client, _) in known() {
            // What differs is some word.
            let text = pattern.replace('*', " x ");
            let first = known().into_iter().find(|(known, ..)| known.eq_ignore_ascii_case(&pattern));
            let found = look_up(&text);
            assert!(
                found.iter().any(|it| Some(it.meaning) == first.as_ref().map(|(.., meaning)| *meaning)),
                "{client}: {text}: {found:?}"
            );
        }
    }
}
