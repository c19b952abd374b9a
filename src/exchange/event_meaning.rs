//! The meaning of each event beside its own words: what happened, what it affects, and what its advice is worth.
//!
//! The statements follow from the texts (their sources stand at [`EventKind`]); that Exchange goes on with an expired
//! certificate, and replaces one that is gone, is observed. Whether an advice helps follows from the selection of
//! certificates.

use super::event::Event;
use super::event_kind::EventKind;

/// The meaning of an event, with `{name}` where a value of the event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventMeaning {
    /// A clause that states what happened.
    pub says: &'static str,
    /// The affected function: STARTTLS, or mail between Exchange servers.
    pub touches: &'static str,
    /// The commands to run.
    pub run: &'static [&'static str],
    /// The value of the event's own advice; empty where there is nothing to say about it.
    pub advice: &'static str,
}

impl EventMeaning {
    /// The sessions that an event affects which is about the internal transport certificate.
    pub const BETWEEN_SERVERS: &'static str =
        "X-ANONYMOUSTLS, mail between Exchange servers; STARTTLS for others is not touched";
    /// The verb that an event affects which is about the certificate for STARTTLS.
    pub const STARTTLS: &'static str = "STARTTLS";

    /// Returns the statement with the values of an event; a value that is not known is left out.
    pub fn statement(&self, value: impl Fn(&str) -> Option<String>) -> String {
        let gaps = [" ({}, {})", " ({})", " for {}", " of {}", " from {}", " at {}", " to {}", " {}"];
        gaps.into_iter().fold(filled(self.says, value), |text, gap| text.replace(gap, ""))
    }

    /// Returns the commands with the values of an event, without those for which a value is missing.
    pub fn commands(&self, value: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let commands = self.run.iter().map(|command| filled(command, &value));
        commands.filter(|command| !command.contains(UNKNOWN)).collect()
    }
}

const UNKNOWN: &str = "{}";

fn filled(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut parts = text.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // A brace that names no value is PowerShell's.
        match part
            .split_once('}')
            .filter(|(name, _)| name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_'))
        {
            Some((name, rest)) => {
                filled.push_str(&value(name).filter(|value| !value.is_empty()).unwrap_or(UNKNOWN.to_owned()));
                filled.push_str(rest);
            }
            None => {
                filled.push('{');
                filled.push_str(part);
            }
        }
    }
    filled
}

impl Event {
    /// Returns the meaning of the event in sentences: what happened, what it affects, and what its advice is worth.
    pub fn means(&self) -> String {
        let meaning = self.kind.meaning();
        let slots = self.kind.slots();
        let value = |name: &str| {
            let at = slots.iter().position(|slot| *slot == name)?;
            self.parameters.get(at).cloned()
        };
        let says = meaning.statement(value);
        let (first, rest) = says.split_at(says.chars().next().map_or(0, char::len_utf8));
        let sentences =
            format!("{}{rest}. This touches {}. {}", first.to_uppercase(), meaning.touches, meaning.advice);
        sentences.trim_end().to_owned()
    }
}

const PUBLISHED: &str = "Get-TransportService | fl Name, InternalTransportCertificateThumbprint";
const LISTED: &str = "Get-ExchangeCertificate {thumbprint} | fl Subject, NotAfter, Services";
const LOOKED_UP: &str = "Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} -MaxEvents 5 | fl";
const LOGONS: &str = "logons; no certificate is at fault";

impl EventKind {
    /// The names of the insertion strings, in the order of `%1`, `%2` and so on.
    pub const fn slots(self) -> &'static [&'static str] {
        match self {
            Self::TooManyFailedLogons => &["connector", "limit", "peer"],
            Self::TlsRequiredButNotAvailable | Self::InternalCertificateNotPublished => &[],
            Self::LogonFailed => &["error", "connector", "mechanism", "peer"],
            Self::SendTlsRequired => &["connector", "domain", "server"],
            Self::OutboundAuthenticationFailed => &["error", "connector", "mechanism", "target"],
            Self::EdgeCertificateNotMatched => &["server"],
            Self::InternalCertificateGone | Self::InternalCertificateExpired => &["thumbprint"],
            Self::NoCertificateForStarttls => &["domain_name", "connector", "fqdn"],
            Self::StarttlsCertificateExpired => &["fqdn"],
            Self::InternalCertificateExpiresSoon => &["thumbprint", "hours"],
            Self::StarttlsCertificateExpiresSoon => &["subject", "thumbprint", "hours"],
            Self::RemoteInternalCertificateExpired => &["subject"],
            Self::InternalCertificateReplaced => &["thumbprint", "replacement_thumbprint"],
            Self::InternalCertificateEphemeral => &["thumbprint", "ephemeral_thumbprint"],
        }
    }

    /// The meaning of the event.
    pub const fn meaning(self) -> EventMeaning {
        match self {
            Self::NoCertificateForStarttls => EventMeaning {
                says: "no certificate in the computer's store may be used for the name that {connector} looks for: a receive connector does not offer STARTTLS then, so that senders deliver in clear unless they insist on TLS, and a Send connector presents no certificate",
                touches: EventMeaning::STARTTLS,
                run: &[LOOKED_UP],
                advice: "",
            },
            Self::StarttlsCertificateExpired => EventMeaning {
                says: "the certificate for {fqdn} has expired; later versions still offer STARTTLS with it, and senders that verify refuse it",
                touches: EventMeaning::STARTTLS,
                run: &[
                    "Get-ExchangeCertificate -DomainName {fqdn} | fl Subject, NotAfter, Services, Thumbprint",
                ],
                advice: "New-ExchangeCertificate makes a self-signed one, which outside senders that verify refuse as well; renew the one of the authority, enable it for SMTP, and mind connectors that pin the old one.",
            },
            Self::StarttlsCertificateExpiresSoon => EventMeaning {
                says: "the certificate of {subject} expires in {hours} hours",
                touches: EventMeaning::STARTTLS,
                run: &[
                    LISTED,
                    "Get-ReceiveConnector | ? TlsCertificateName | fl Identity, TlsCertificateName",
                ],
                advice: "Renew it at its authority rather than with New-ExchangeCertificate; a pin survives only where issuer and subject stay the same.",
            },
            Self::InternalCertificateNotPublished => EventMeaning {
                says: "no internal transport certificate is published for this server, so that Exchange servers do not find X-ANONYMOUSTLS here",
                touches: EventMeaning::BETWEEN_SERVERS,
                run: &[PUBLISHED, "Get-ExchangeCertificate | fl Thumbprint, Subject, Services, NotAfter"],
                advice: "The advice is right: Enable-ExchangeCertificate <thumbprint> -Services SMTP publishes one (here answer Yes), else New-ExchangeCertificate.",
            },
            Self::InternalCertificateGone => EventMeaning {
                says: "the internal transport certificate {thumbprint} is not in this server's store",
                touches: EventMeaning::BETWEEN_SERVERS,
                run: &[PUBLISHED, LISTED],
                advice: "The advice is right: import it again, or New-ExchangeCertificate; an Edge subscription has to be made anew afterwards.",
            },
            Self::InternalCertificateExpired => EventMeaning {
                says: "the internal transport certificate {thumbprint} has expired",
                touches: EventMeaning::BETWEEN_SERVERS,
                run: &[PUBLISHED, LISTED],
                advice: "It is still used. New-ExchangeCertificate without parameters makes a new one (answer Yes); an Edge has to be subscribed anew.",
            },
            Self::InternalCertificateExpiresSoon => EventMeaning {
                says: "the internal transport certificate {thumbprint} expires in {hours} hours",
                touches: EventMeaning::BETWEEN_SERVERS,
                run: &[PUBLISHED, LISTED],
                advice: "New-ExchangeCertificate without parameters makes a new one (answer Yes); an Edge has to be subscribed anew.",
            },
            Self::RemoteInternalCertificateExpired => EventMeaning {
                says: "another server's internal transport certificate ({subject}) has expired",
                touches: EventMeaning::BETWEEN_SERVERS,
                run: &[],
                advice: "It is replaced on that server.",
            },
            Self::InternalCertificateReplaced => EventMeaning {
                says: "the internal transport certificate {thumbprint} is not in this server's store; another one stands in for it",
                touches: EventMeaning::BETWEEN_SERVERS,
                run: &[PUBLISHED, LISTED],
                advice: "The advice is right: import it again, or New-ExchangeCertificate.",
            },
            Self::InternalCertificateEphemeral => EventMeaning {
                says: "the internal transport certificate {thumbprint} is not in this server's store; one that was made on the spot stands in for it, and no other server trusts that one",
                touches: EventMeaning::BETWEEN_SERVERS,
                run: &[PUBLISHED, LISTED],
                advice: "The advice is right: import it again, or New-ExchangeCertificate.",
            },
            Self::EdgeCertificateNotMatched => EventMeaning {
                says: "EdgeSync met another certificate on {server} than the one it was subscribed with",
                touches: EventMeaning::BETWEEN_SERVERS,
                run: &[
                    "Test-EdgeSynchronization",
                    "New-EdgeSubscription (on the Edge), then import the file on the Hub",
                ],
                advice: "The default certificate of the Edge was replaced after the subscription; subscribe it anew.",
            },
            Self::TooManyFailedLogons => EventMeaning {
                says: "{peer} failed to log on at {connector} too often, and was disconnected",
                touches: LOGONS,
                run: &[],
                advice: "",
            },
            Self::TlsRequiredButNotAvailable => EventMeaning {
                says: "a receive connector requires TLS and cannot offer it, so that nobody can send there",
                touches: EventMeaning::STARTTLS,
                run: &[
                    "Get-ReceiveConnector | ? RequireTLS | fl Identity, AuthMechanism, Fqdn, TlsCertificateName",
                    LOOKED_UP,
                ],
                advice: "The event speaks of the authentication setting; where Tls is in AuthMechanism already, look for event 12014.",
            },
            Self::LogonFailed => EventMeaning {
                says: "a logon from {peer} failed at {connector} ({mechanism}, {error})",
                touches: LOGONS,
                run: &[],
                advice: "",
            },
            Self::SendTlsRequired => EventMeaning {
                says: "the Send connector {connector} requires TLS and got none from {server} for {domain}, so that the mail stays in the queue",
                touches: "sending; the fault is the other side's, or this connector's demand",
                run: &[
                    "Get-SendConnector \"{connector}\" | fl RequireTLS, TlsAuthLevel, TlsDomain, IgnoreSTARTTLS, Fqdn, TlsCertificateName",
                    "telnet {server} 25, then EHLO: is STARTTLS in the reply?",
                ],
                advice: "",
            },
            Self::OutboundAuthenticationFailed => EventMeaning {
                says: "the Send connector {connector} could not log on at {target} ({mechanism}, {error}), so that the mail stays in the queue",
                touches: LOGONS,
                run: &[],
                advice: "",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meaning_names_only_values_that_its_event_has() {
        for kind in EventKind::ALL {
            let meaning = kind.meaning();
            for text in meaning.run.iter().chain([&meaning.says]) {
                filled(text, |name| {
                    assert!(kind.slots().contains(&name), "{kind:?}: {name}");
                    None
                });
            }
        }
    }

    #[test]
    fn an_event_says_its_values_in_sentences() {
        let event = Event::logon_failed("LogonDenied", "Default EX01", "Login", "192.0.2.1");
        assert_eq!(
            event.means(),
            "A logon from 192.0.2.1 failed at Default EX01 (Login, LogonDenied). This touches logons; no certificate is \
             at fault."
        );
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let unknown = |_: &str| None;
        let remote = EventKind::RemoteInternalCertificateExpired.meaning();
        assert_eq!(remote.statement(unknown), "another server's internal transport certificate has expired");
        let gone = EventKind::InternalCertificateGone.meaning();
        assert_eq!(
            gone.statement(unknown),
            "the internal transport certificate is not in this server's store"
        );
        assert_eq!(gone.commands(unknown), [PUBLISHED]);
        let filter = EventKind::TlsRequiredButNotAvailable.meaning().commands(unknown);
        assert!(filter[1].contains("@{LogName='Application'; Id=12014}"), "{filter:?}");
    }
}
