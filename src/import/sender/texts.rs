//! The texts that senders print.

use super::Meaning;
use crate::observe::verdict::{ErrorText, Symptom, texts};

/// Returns every text with the client that prints it and its meaning: those of the verdicts, and those below.
pub(super) fn known() -> Vec<(&'static str, &'static str, Meaning)> {
    let table = texts().iter().filter_map(|(symptom, known)| {
        let ErrorText { client, text, .. } = *known;
        Some((text, client, meaning(*symptom)?))
    });
    // A text as short as `EOF` is ambiguous by itself, and some texts have several meanings.
    let telling = table.filter(|(text, ..)| {
        text.len() >= 12 && !["certificate invalid", "Server certificate not verified"].contains(text)
    });
    TEXTS.iter().copied().chain(telling).collect()
}

/// Returns the meaning of a symptom; `None` if the verdict already says everything.
const fn meaning(symptom: Symptom) -> Option<Meaning> {
    Some(match symptom {
        Symptom::NotOffered => Meaning::StarttlsNotOffered,
        Symptom::Refused => Meaning::StarttlsRefused,
        Symptom::NameMismatch => Meaning::NameMismatch,
        Symptom::Expired => Meaning::Expired,
        Symptom::SelfSigned | Symptom::UnknownAuthority => Meaning::ChainUntrusted,
        Symptom::WrongPurpose => Meaning::WrongPurpose,
        Symptom::HandshakeFailure | Symptom::ProtocolVersion | Symptom::UnrecognizedName => {
            Meaning::HandshakeFailed
        }
        Symptom::ClearText => Meaning::NotTls,
        Symptom::Closed => Meaning::ConnectionClosed,
        Symptom::Masked => Meaning::Middlebox,
        Symptom::OwnCertificate => Meaning::OwnKey,
        Symptom::NotAttributed => Meaning::CloudAttribution,
        Symptom::TlsDemanded
        | Symptom::NotYetValid
        | Symptom::Revoked
        | Symptom::TooWeak
        | Symptom::BadSignature
        | Symptom::ClientCertificate
        | Symptom::Silent
        | Symptom::ClosedAfterHandshake => return None,
    })
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
