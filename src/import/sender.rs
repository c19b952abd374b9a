//! What sending programs say when TLS does not come about, and what that means for the server they say it of.

use serde::Serialize;

use super::text::folded;
use crate::journal::verdict::{ErrorText, Symptom};

/// What a sender's words mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// STARTTLS is not offered to the sender.
    StarttlsNotOffered,
    /// STARTTLS is offered, and refused when it is asked for.
    StarttlsRefused,
    /// The certificate does not carry the name that was dialled.
    NameMismatch,
    /// The chain does not end in an authority that the sender trusts.
    ChainUntrusted,
    /// The certificate has expired.
    Expired,
    /// The certificate was not issued for servers.
    WrongPurpose,
    /// The certificate is refused, and the words do not say for which reason.
    NameOrChain,
    /// The handshake fails before any certificate is judged.
    HandshakeFailed,
    /// What answers after STARTTLS is no TLS.
    NotTls,
    /// The connection is closed in the handshake.
    ConnectionClosed,
    /// The server's view: the sender left after it had seen the certificate.
    ClientLeft,
    /// The sender's own certificate has no usable private key.
    OwnKey,
    /// The sender's own certificate is not enabled for SMTP.
    OwnService,
    /// The Send connector pins a certificate that is not there.
    OwnPin,
    /// A queue says that the connection failed, where it may have been TLS.
    QueueMisleads,
    /// The cloud does not take the sender for the tenant's own server.
    CloudAttribution,
    /// Something between the two changes what they say.
    Middlebox,
    /// It is about permission and not about TLS.
    NotTlsAtAll,
}

/// On whose side the fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Of the server that was dialled.
    Receiver,
    /// Of the one that dials.
    Sender,
    /// Of what lies between them.
    Path,
    /// Of either; the words do not tell.
    Either,
}

/// A sender's words, recognized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SenderError {
    /// What it means.
    pub meaning: Meaning,
    /// Who says it.
    pub sender: String,
    /// The part of the text by which it was recognized.
    pub text: String,
    /// On whose side the fault is.
    pub side: Side,
    /// Entries of the fault catalogue and scenarios that produce these words.
    pub entries: Vec<&'static str>,
    /// The name that was asked for, where the words tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<String>,
    /// Whom the certificate names, where the words tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presented: Option<String>,
    #[serde(skip)]
    from: usize,
    #[serde(skip)]
    to: usize,
}

/// So often one text is looked for; a log repeats itself.
const MOST_OF_ONE: usize = 20;

/// Everything in `text` that a sender is known to say, the most telling first.
///
/// This is the one place that looks words up; the table of the verdicts is one of its sources.
pub(super) fn look_up(text: &str) -> Vec<SenderError> {
    let flat = folded(text);
    let lower = flat.to_ascii_lowercase();
    let mut found: Vec<SenderError> = Vec::new();
    for (pattern, client, meaning) in known() {
        let pattern = pattern.to_ascii_lowercase();
        let mut from = 0;
        for _ in 0..MOST_OF_ONE {
            let Some((start, end)) = span(&lower, &pattern, from) else { break };
            found.push(error(&flat, start, end, client, meaning));
            from = end.max(from + 1);
        }
    }
    // A longer text says more than a shorter one within it.
    let spans: Vec<(usize, usize)> = found.iter().map(|it| (it.from, it.to)).collect();
    let inside = |it: &SenderError| {
        spans.iter().any(|(from, to)| *from <= it.from && it.to <= *to && to - from > it.to - it.from)
    };
    found.retain(|it| !inside(it));
    found.sort_by_key(|it| it.from);
    // One text may stand for several things; the first table that has it decides.
    found.dedup_by_key(|it| (it.from, it.to));
    let mut once: Vec<SenderError> = Vec::new();
    for it in found {
        if !once.iter().any(|known| known.meaning == it.meaning) {
            once.push(it);
        }
    }
    // Words that do not say which of several things it was give way to words that do.
    let tells = |it: &SenderError| {
        matches!(it.meaning, Meaning::NameMismatch | Meaning::ChainUntrusted | Meaning::Expired)
    };
    if once.iter().any(tells) {
        once.retain(|it| it.meaning != Meaning::NameOrChain);
    }
    let specific =
        once.iter().any(|it| !matches!(it.meaning, Meaning::QueueMisleads | Meaning::HandshakeFailed));
    if specific {
        once.retain(|it| it.meaning != Meaning::QueueMisleads);
    }
    once
}

/// What a keyword that was overwritten on the way means.
pub(super) fn middlebox() -> Vec<SenderError> {
    vec![error("250 XXXXXXXA", 0, 12, "what lies in the path, such as a Cisco ASA", Meaning::Middlebox)]
}

fn error(flat: &str, from: usize, to: usize, client: &str, meaning: Meaning) -> SenderError {
    let text = flat.get(from..to).unwrap_or_default().to_owned();
    let around = flat.get(from..).unwrap_or_default();
    SenderError {
        meaning,
        sender: client.to_owned(),
        text,
        side: meaning.side(),
        entries: meaning.entries().to_vec(),
        asked_for: asked_for(around, flat),
        presented: presented(around, flat),
        from,
        to,
    }
}

/// The name that the sender measured the certificate by.
fn asked_for(around: &str, flat: &str) -> Option<String> {
    let behind = |text: &str, mark: &str| {
        let (_, rest) = text.split_once(mark)?;
        let end = rest.find([' ', ',', '\'', '"', ']', '}', ')']).unwrap_or(rest.len());
        let name = rest.get(..end)?.trim_end_matches(['.', ':', ';']);
        (!name.is_empty()).then(|| name.to_owned())
    };
    let marks =
        ["Expected Subject: ", "matching IP address ", "IP: ", "Host: ", "identity of server ", "{FQDN="];
    let go = around.contains("certificate is valid for").then(|| behind(around, ", not ")).flatten();
    go.or_else(|| marks.into_iter().find_map(|mark| behind(flat, mark)))
}

/// Whom the certificate names, in the words of the sender.
fn presented(around: &str, flat: &str) -> Option<String> {
    if let Some((_, rest)) = flat.split_once("Presented Subject: ") {
        return rest.split(". ").next().map(|name| name.trim().to_owned());
    }
    let (_, rest) = around.split_once("certificate is valid for ")?;
    rest.split(", not ").next().map(|names| names.trim().to_owned())
}

/// Where a pattern stands, in which `*` stands for up to two hundred letters.
fn span(text: &str, pattern: &str, from: usize) -> Option<(usize, usize)> {
    let (first, others) = match pattern.split_once('*') {
        Some((first, others)) => (first, Some(others)),
        None => (pattern, None),
    };
    let mut from = from;
    loop {
        let start = text.get(from..)?.find(first)? + from;
        let end = start + first.len();
        // A text that begins with a letter or digit is a word of its own.
        let before = text.get(..start)?.chars().next_back();
        let joined =
            before.is_some_and(char::is_alphanumeric) && first.starts_with(|c: char| c.is_alphanumeric());
        let rest = match others {
            None => Some(end),
            Some(others) => behind(text, others, end),
        };
        match rest {
            Some(end) if !joined => return Some((start, end)),
            _ => from = end,
        }
    }
}

/// Where the other parts of a pattern end, each near the one before.
fn behind(text: &str, others: &str, from: usize) -> Option<usize> {
    let mut end = from;
    for part in others.split('*') {
        let rest = text.get(end..text.floor_char_boundary(end + 200 + part.len()))?;
        end += rest.find(part)? + part.len();
    }
    Some(end)
}

/// Every text with whose it is and what it means: those of the verdicts, and those below.
fn known() -> Vec<(&'static str, &'static str, Meaning)> {
    let symptoms = [
        (Symptom::NameMismatch, Meaning::NameMismatch),
        (Symptom::Expired, Meaning::Expired),
        (Symptom::UnknownAuthority, Meaning::ChainUntrusted),
        (Symptom::WrongPurpose, Meaning::WrongPurpose),
        (Symptom::NotOffered, Meaning::StarttlsNotOffered),
        (Symptom::Refused, Meaning::StarttlsRefused),
        (Symptom::HandshakeFailure, Meaning::HandshakeFailed),
        (Symptom::ClearText, Meaning::NotTls),
        (Symptom::Closed, Meaning::ConnectionClosed),
    ];
    let table = symptoms.into_iter().flat_map(|(symptom, meaning)| {
        symptom.error_texts().iter().map(move |ErrorText { client, text }| (*text, *client, meaning))
    });
    // A word as short as `EOF` says nothing by itself, and some texts stand for several things.
    let telling = table.filter(|(text, ..)| {
        text.len() >= 12 && !["certificate invalid", "Server certificate not verified"].contains(text)
    });
    TEXTS.iter().copied().chain(telling).collect()
}

/// Texts of senders that no verdict is about; each is quoted as it is published or was seen.
const TEXTS: &[(&str, &str, Meaning)] = &[
    ("STARTTLS is required to send mail", "Exchange", Meaning::StarttlsNotOffered),
    ("STARTTLS required but not advertised", "Symantec.cloud", Meaning::StarttlsNotOffered),
    ("TLS is required, but was not offered by host", "Postfix", Meaning::StarttlsNotOffered),
    ("TLS is required, but our TLS engine is unavailable", "Postfix", Meaning::OwnKey),
    ("STARTTLS is required but host does not support STARTTLS", "JavaMail", Meaning::StarttlsNotOffered),
    ("STARTTLS extension not supported by server", "Python smtplib", Meaning::StarttlsNotOffered),
    ("The SMTP server does not support the STARTTLS extension", "MailKit", Meaning::StarttlsNotOffered),
    ("Server does not support secure connections", "System.Net.Mail", Meaning::StarttlsNotOffered),
    ("does not advertise STARTTLS", "a sender", Meaning::StarttlsNotOffered),
    ("smtp: server doesn't support STARTTLS", "Go", Meaning::StarttlsNotOffered),
    ("Must issue a STARTTLS command first", "a server that requires TLS", Meaning::StarttlsNotOffered),
    ("STARTTLS command failed", "PHPMailer", Meaning::StarttlsNotOffered),
    ("Certificate validation failed*SubjectMismatch", "Exchange Online", Meaning::NameMismatch),
    ("Message=SubjectMismatch", "Exchange Online", Meaning::NameMismatch),
    ("450 4.7.320 Certificate validation failed", "Exchange Online", Meaning::NameOrChain),
    ("is not in the cert's list", "Node TLS", Meaning::NameMismatch),
    ("does not match certificate's altnames", "Node TLS", Meaning::NameMismatch),
    ("ERR_TLS_CERT_ALTNAME_INVALID", "Node TLS", Meaning::NameMismatch),
    ("x509: certificate is valid for", "Go", Meaning::NameMismatch),
    ("x509: certificate relies on legacy Common Name field", "Go 1.15 and later", Meaning::NameMismatch),
    ("x509: certificate is not valid for any names", "Go 1.15 and later", Meaning::NameMismatch),
    (
        "x509: cannot validate certificate for*because it doesn't contain any IP SANs",
        "Go",
        Meaning::NameMismatch,
    ),
    ("No subject alternative names matching IP address", "Java", Meaning::NameMismatch),
    ("No subject alternative DNS name matching", "Java", Meaning::NameMismatch),
    ("No name matching", "Java", Meaning::NameMismatch),
    ("hostname verification failed", "Perl Net::SMTP", Meaning::NameMismatch),
    ("CERTIFICATE_VERIFY_FAILED*Hostname mismatch", "Python", Meaning::NameMismatch),
    ("CERTIFICATE_VERIFY_FAILED*IP address mismatch", "Python", Meaning::NameMismatch),
    ("RemoteCertificateNameMismatch", ".NET", Meaning::NameMismatch),
    ("certificate subject name*does not match target host name", "curl", Meaning::NameMismatch),
    ("did not match expected CN", "PHP", Meaning::NameMismatch),
    ("The remote certificate is invalid according to the validation procedure", ".NET", Meaning::NameOrChain),
    ("Server certificate not verified", "Postfix", Meaning::NameOrChain),
    ("Server certificate not trusted", "Postfix", Meaning::ChainUntrusted),
    ("tls_process_server_certificate: certificate verify failed", "OpenSSL", Meaning::NameOrChain),
    ("tls_process_server_certificate:certificate verify failed", "OpenSSL", Meaning::NameOrChain),
    ("Could not convert socket to TLS", "JavaMail", Meaning::NameOrChain),
    ("CERTIFICATE_VERIFY_FAILED*self signed certificate", "Python", Meaning::ChainUntrusted),
    ("CERTIFICATE_VERIFY_FAILED*self-signed certificate", "Python", Meaning::ChainUntrusted),
    ("CERTIFICATE_VERIFY_FAILED*unable to get local issuer", "Python", Meaning::ChainUntrusted),
    ("self signed certificate", "OpenSSL", Meaning::ChainUntrusted),
    ("self-signed certificate", "OpenSSL", Meaning::ChainUntrusted),
    ("DEPTH_ZERO_SELF_SIGNED_CERT", "Node TLS", Meaning::ChainUntrusted),
    ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "Node TLS", Meaning::ChainUntrusted),
    ("PKIX path building failed", "Java", Meaning::ChainUntrusted),
    ("RemoteCertificateChainErrors", ".NET", Meaning::ChainUntrusted),
    ("x509: certificate signed by unknown authority", "Go", Meaning::ChainUntrusted),
    ("450 4.7.325 Certificate*expired", "Exchange Online", Meaning::Expired),
    ("CERTIFICATE_VERIFY_FAILED*certificate has expired", "Python", Meaning::Expired),
    ("TLS not available due to local problem", "Postfix as the server", Meaning::StarttlsRefused),
    ("454 4.7.0 TLS not available", "a server", Meaning::StarttlsRefused),
    ("Cannot start TLS: handshake failure", "Postfix", Meaning::HandshakeFailed),
    ("no shared cipher", "OpenSSL", Meaning::HandshakeFailed),
    ("unsupported protocol", "OpenSSL", Meaning::HandshakeFailed),
    (
        "TLS negotiation failed with error AlgorithmMismatch",
        "Exchange SmtpSend log",
        Meaning::HandshakeFailed,
    ),
    ("TLS negotiation failed with error InvalidToken", "Exchange", Meaning::NotTls),
    ("wrong version number", "OpenSSL", Meaning::NotTls),
    ("lost connection after STARTTLS", "Postfix as the server", Meaning::ClientLeft),
    ("SSL_accept error from", "Postfix as the server", Meaning::ClientLeft),
    ("TLS negotiation failed with error NoCredentials", "Exchange SmtpSend log", Meaning::OwnKey),
    ("TLS negotiation failed with error UnknownCredentials", "Exchange SmtpSend log", Meaning::OwnService),
    (
        "The certificate specified in TlsCertificateName of the SendConnector could not be found",
        "Exchange",
        Meaning::OwnPin,
    ),
    ("421 4.4.1 Connection timed out", "Exchange queue", Meaning::QueueMisleads),
    ("421 4.2.1 Unable to connect", "Exchange queue", Meaning::QueueMisleads),
    (
        "451 4.4.0 Primary target IP address responded with*Unable to connect",
        "Exchange queue",
        Meaning::QueueMisleads,
    ),
    ("Relay Access Denied ATTR", "Exchange Online", Meaning::CloudAttribution),
    ("550 5.7.51 TenantInboundAttribution", "Exchange Online", Meaning::CloudAttribution),
    ("5.7.51 TenantInboundAttribution", "Exchange Online", Meaning::CloudAttribution),
    ("550 5.7.54 SMTP; Unable to relay", "Exchange", Meaning::NotTlsAtAll),
    ("Unable to relay recipient in non-accepted domain", "Exchange", Meaning::NotTlsAtAll),
    ("Client does not have permissions", "Exchange", Meaning::NotTlsAtAll),
    ("550 5.7.1 Unable to relay", "Exchange", Meaning::NotTlsAtAll),
    ("Client was not authenticated", "Exchange", Meaning::NotTlsAtAll),
];

impl Meaning {
    /// On whose side the fault is.
    pub const fn side(self) -> Side {
        match self {
            Self::StarttlsNotOffered | Self::StarttlsRefused | Self::Expired | Self::WrongPurpose => {
                Side::Receiver
            }
            Self::OwnKey | Self::OwnService | Self::OwnPin | Self::CloudAttribution => Side::Sender,
            Self::Middlebox => Side::Path,
            Self::NameMismatch
            | Self::ChainUntrusted
            | Self::NameOrChain
            | Self::HandshakeFailed
            | Self::NotTls
            | Self::ConnectionClosed
            | Self::ClientLeft
            | Self::QueueMisleads
            | Self::NotTlsAtAll => Side::Either,
        }
    }

    /// What of the lab's produces these words.
    pub const fn entries(self) -> &'static [&'static str] {
        match self {
            Self::StarttlsNotOffered => &[
                "starttls-absent",
                "exchange-12014",
                "fqdn-mismatch",
                "tls-not-in-authmechanism",
                "pin-stale",
            ],
            Self::StarttlsRefused => &["starttls-reply-454"],
            Self::NameMismatch => &["name-mismatch", "self-signed-presented", "name-cn-only"],
            Self::ChainUntrusted => &["trust-selfsigned", "trust-untrusted", "trust-missing-int"],
            Self::Expired => &["trust-expired", "expired-offered"],
            Self::WrongPurpose => &["trust-eku-client"],
            Self::NameOrChain => &["name-mismatch", "trust-selfsigned", "trust-missing-int"],
            Self::HandshakeFailed => &["tls-alert-handshake_failure", "tls-no-shared-cipher"],
            Self::NotTls => &["tls-220-garbage-smtp", "starttls-stripped-xxx"],
            Self::ConnectionClosed => &["tls-220-close", "tls-cut-serverhello"],
            Self::ClientLeft => &["name-mismatch", "trust-selfsigned"],
            Self::OwnKey => &["private-key-outbound"],
            Self::OwnService => &["smtp-not-assigned-outbound"],
            Self::OwnPin => &["pin-stale-outbound"],
            Self::QueueMisleads => &["private-key-outbound", "smtp-not-assigned-outbound"],
            Self::CloudAttribution | Self::NotTlsAtAll => &[],
            Self::Middlebox => &["starttls-stripped-xxx"],
        }
    }

    /// What happened, as a sentence.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::StarttlsNotOffered => "The server does not offer STARTTLS to this sender",
            Self::StarttlsRefused => "The server offers STARTTLS and cannot do it",
            Self::NameMismatch => "The server's certificate does not carry the name that the sender dialled",
            Self::ChainUntrusted => "The sender does not trust whoever issued the server's certificate",
            Self::Expired => "The server's certificate has expired, by the sender's clock",
            Self::WrongPurpose => "The server's certificate was not issued for servers",
            Self::NameOrChain => {
                "The sender refuses the server's certificate, for its name or for its issuer"
            }
            Self::HandshakeFailed => "Both sides found no version or cipher of TLS in common",
            Self::NotTls => "What came after STARTTLS was no TLS",
            Self::ConnectionClosed => "The connection was closed during the handshake",
            Self::ClientLeft => "The sender hung up when it had seen the server's certificate",
            Self::OwnKey => "The sending server cannot use the private key of its own certificate",
            Self::OwnService => "The sending server's own certificate is not enabled for SMTP",
            Self::OwnPin => {
                "The Send connector names a certificate that is not in the sending server's store"
            }
            Self::QueueMisleads => "The queue says that it could not connect; often it was TLS that failed",
            Self::CloudAttribution => {
                "Exchange Online does not take the sending server for one of this tenant"
            }
            Self::Middlebox => "Something between the two changes what they say",
            Self::NotTlsAtAll => "This is about permission and not about TLS",
        }
    }

    /// What the fault usually is, and what to run to be sure.
    pub const fn advice(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::StarttlsNotOffered => (
                "Either no certificate fits the connector (then event 12014 says so), Tls is not in its AuthMechanism (then nothing is logged), another connector answers for this sender's address, or something in between strips STARTTLS.",
                &[
                    "Get-WinEvent -FilterHashtable @{LogName='Application'; Id=12014} -MaxEvents 5 | fl",
                    "Get-ReceiveConnector | fl Identity, Bindings, RemoteIPRanges, AuthMechanism, Fqdn, TlsCertificateName",
                ],
            ),
            Self::StarttlsRefused => (
                "Its certificate or private key cannot be used, or its TLS is set up wrongly.",
                &["Get-ExchangeCertificate | fl Thumbprint, HasPrivateKey, Services, Status"],
            ),
            Self::NameMismatch => (
                "Either the connector presents another certificate than it should (often the default self-signed one), or the sender dials a name, short name or address that is in no certificate. Nothing is logged on the server.",
                &[
                    "Get-ExchangeCertificate -DomainName <the connector's FQDN> | fl CertificateDomains, Services",
                    "Get-ReceiveConnector | fl Identity, Fqdn, TlsCertificateName",
                ],
            ),
            Self::ChainUntrusted => (
                "Either a self-signed certificate is presented, an intermediate certificate is not sent, or the root is a private one that the sender was not given.",
                &["Get-ExchangeCertificate | fl Subject, Issuer, IsSelfSigned, RootCAType, Status, Services"],
            ),
            Self::Expired => (
                "Renew it, enable the new one for SMTP, and change TlsCertificateName where it pins the old one's issuer.",
                &["Get-ExchangeCertificate | fl Subject, NotAfter, Services, Thumbprint"],
            ),
            Self::WrongPurpose => (
                "Its extended key usage lacks server authentication; a certificate for clients or for signing was enabled for SMTP.",
                &["Get-ExchangeCertificate | fl Subject, EnhancedKeyUsageList, Services"],
            ),
            Self::NameOrChain => (
                "Which of the two stands elsewhere in the log: in a nested cause, or in the certificate itself.",
                &["Get-ExchangeCertificate | fl Subject, Issuer, IsSelfSigned, CertificateDomains, Services"],
            ),
            Self::HandshakeFailed => (
                "Compare the versions and ciphers that both are allowed to use; a server with TLS 1.0 only, or a sender with TLS 1.3 only, are the usual ones.",
                &[],
            ),
            Self::NotTls => (
                "Something on the way answers in the server's place, or lets STARTTLS pass and not the handshake: a firewall that inspects SMTP.",
                &[],
            ),
            Self::ConnectionClosed => (
                "Read the server's protocol log of the same minute; it tells who closed, and after which step.",
                &[],
            ),
            Self::ClientLeft => (
                "A sender that verifies does so when the name or the issuer does not suit it; its own log says which.",
                &[],
            ),
            Self::OwnKey => (
                "Receiving may work with the same certificate. Import it again with its private key, or repair the key (certutil -repairstore my <serial number>).",
                &["Get-ExchangeCertificate | fl Thumbprint, Subject, HasPrivateKey, Services"],
            ),
            Self::OwnService => (
                "Enable it: Enable-ExchangeCertificate <thumbprint> -Services SMTP, and answer No to overwriting the default certificate.",
                &["Get-ExchangeCertificate | fl Thumbprint, Subject, Services"],
            ),
            Self::OwnPin => (
                "The certificate was renewed with another issuer or subject, or removed. Set TlsCertificateName to the names of the new one, or to $null.",
                &[
                    "Get-SendConnector | fl Name, TlsCertificateName",
                    "Get-ExchangeCertificate | fl Issuer, Subject, Services",
                ],
            ),
            Self::QueueMisleads => (
                "Before the firewall is searched, read the SmtpSend protocol log of that minute: `TLS negotiation failed with error` tells NoCredentials (private key) or UnknownCredentials (SMTP service).",
                &["Get-SendConnector | fl Name, TlsCertificateName, ProtocolLoggingLevel"],
            ),
            Self::CloudAttribution => (
                "The certificate that the Send connector presents, or the address that it sends from, is not the one that the inbound connector of the tenant expects (TlsSenderCertificateName), or its domain is no accepted domain.",
                &["Get-SendConnector | fl Name, TlsCertificateName, CloudServicesMailEnabled"],
            ),
            Self::Middlebox => (
                "A firewall that inspects SMTP masks what it does not know with X, letter for letter. Turn ESMTP inspection off for this path, and compare the EHLO reply from inside and from outside.",
                &[],
            ),
            Self::NotTlsAtAll => (
                "Look at PermissionGroups and at the accepted domains of the connector that answers for this address.",
                &["Get-ReceiveConnector | fl Identity, RemoteIPRanges, PermissionGroups"],
            ),
        }
    }
}
