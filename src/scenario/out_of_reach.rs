//! Features that a lab cannot provide, with the reason; `docs/out-of-reach.md` says more.

/// A feature that the lab cannot provide.
struct OutOfReach {
    /// Its heading in `docs/out-of-reach.md`.
    slug: &'static str,
    /// The words by which users ask for it, in lower case and with hyphens.
    words: &'static [&'static str],
    /// The reason and the alternative, as the end of a sentence.
    because: &'static str,
}

const OUT_OF_REACH: &[OutOfReach] = &[
    OutOfReach {
        slug: "legacy-versions",
        words: &["sslv2", "sslv3", "ssl2", "ssl3", "tlsv1", "tlsv1.0", "tlsv1.1", "tls1.0", "tls1.1"],
        because: "nothing below TLS 1.2 can be completed; `legacy` sends the first flight of such a server, with \
                  SSLv3, TLSv1 and TLSv1.1",
    },
    OutOfReach {
        slug: "legacy-ciphers",
        words: &["rc4", "des", "3des", "cbc", "export", "rsa", "dhe", "adh", "anon", "null-cipher"],
        because: "no session with RC4, 3DES, CBC, DHE, anonymous or RSA key exchange can be completed; `legacy` \
                  plays the first flight of rsa-kx, dhe-1024 and anonymous",
    },
    OutOfReach {
        slug: "renegotiation",
        words: &["renegotiate", "renegotiation", "tls-renegotiation", "hello-request"],
        because: "rustls cannot renegotiate, and TLS 1.3 has done away with it",
    },
    OutOfReach {
        slug: "compression",
        words: &["compress", "compression", "tls-compression", "deflate", "crime"],
        because: "rustls has no TLS compression; whether a client offers it, the journal says",
    },
    OutOfReach {
        slug: "heartbeat",
        words: &["heartbeat", "heartbleed", "tls-heartbeat"],
        because: "rustls has no Heartbeat extension; whether a client offers it, the journal says",
    },
    OutOfReach {
        slug: "ticket-reuse",
        words: &["ticket", "tickets", "ticket-reuse", "session-ticket", "session-tickets"],
        because: "tickets are rustls's own and cannot be made wrong",
    },
    OutOfReach {
        slug: "encrypted-alerts",
        words: &["encrypted-alert", "alert-encrypted"],
        because: "inside TLS rustls sends no alert on demand but close_notify; `alert` at `after-tls` writes one in \
                  clear",
    },
    OutOfReach {
        slug: "schannel",
        words: &["schannel", "schannel-alerts", "cipher-order"],
        because: "TLS here is rustls's, not Windows's; `alert` sends whichever alert Exchange was seen to send",
    },
    OutOfReach { slug: "dnssec", words: &["dnssec", "dane", "tlsa"], because: "the lab signs no zones" },
    OutOfReach {
        slug: "x-anonymoustls",
        words: &["x-anonymoustls-real", "x-anonymoustls", "anonymoustls"],
        because: "what Exchange does behind X-ANONYMOUSTLS is not published; here it is TLS with the internal \
                  certificate",
    },
];

/// Returns the reason why the lab cannot do what `word` asks for, if it is known to be out of reach.
pub(super) fn out_of_reach(word: &str) -> Option<String> {
    let plain = word.to_ascii_lowercase().replace('_', "-");
    let found = OUT_OF_REACH.iter().find(|it| it.words.contains(&plain.as_str()))?;
    let OutOfReach { slug, because, .. } = found;
    Some(format!("`{word}` is out of reach here: {because} (docs/out-of-reach.md, {slug})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::ScenarioText;

    #[test]
    fn what_is_out_of_reach_is_said_to_be_where_it_stands() {
        for (conduct, word, because) in [
            ("\"renegotiate\"", "renegotiate", "rustls cannot renegotiate"),
            ("{ legacy = \"rc4\" }", "rc4", "no session with RC4"),
            ("{ legacy = \"SSLv2\" }", "SSLv2", "nothing below TLS 1.2 can be completed"),
            ("{ tls = { version = \"TLSv1\" } }", "TLSv1", "nothing below TLS 1.2 can be completed"),
            ("{ tls = { compression = true } }", "compression", "rustls has no TLS compression"),
            ("{ Heart_Beat = 1 }", "Heart_Beat", ""),
            ("\"heartbeat\"", "heartbeat", "rustls has no Heartbeat"),
            ("\"x-anonymoustls-real\"", "x-anonymoustls-real", "is not published"),
        ] {
            let text = format!(
                "[[computer]]\nname = \"A\"\n[[computer.fault]]\nat = \"handshake\"\ndo = {conduct}\n"
            );
            let error = ScenarioText::parse(&text, "lab.toml").unwrap_err().to_string();
            assert!(error.contains(&format!("`{word}`")), "{error}");
            assert_eq!(error.contains("is out of reach here: "), !because.is_empty(), "{error}");
            assert!(error.contains(because) && error.contains("lab.toml:5:"), "{error}");
        }
    }

    #[test]
    fn every_one_of_them_is_explained_in_the_documentation() {
        let text = include_str!("../../docs/out-of-reach.md");
        for OutOfReach { slug, words, .. } in OUT_OF_REACH {
            assert!(text.contains(&format!("\n## `{slug}`\n")), "{slug}");
            assert!(words.iter().all(|word| word.to_ascii_lowercase() == **word), "{words:?}");
        }
        assert_eq!(text.matches("\n## `").count(), OUT_OF_REACH.len());
    }
}
