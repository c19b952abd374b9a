//! The meanings of senders' errors: the side that is at fault, and what to do.

use serde::Serialize;

/// The meaning of a sender's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// STARTTLS is not offered to the sender.
    StarttlsNotOffered,
    /// STARTTLS is offered, and refused when the sender sends it.
    StarttlsRefused,
    /// The certificate does not carry the name that the sender connected to.
    NameMismatch,
    /// The chain does not end in an authority that the sender trusts.
    ChainUntrusted,
    /// The certificate has expired.
    Expired,
    /// STARTTLS is offered or not, and the sender sends mail without TLS where TLS is required.
    TlsDemanded,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate was not issued for servers.
    WrongPurpose,
    /// The certificate was revoked, or its revocation status cannot be found out.
    Revoked,
    /// The key or the signature of the certificate is too weak for the sender.
    TooWeak,
    /// The handshake is signed with a key that is not the certificate's.
    BadSignature,
    /// The certificate is refused, and the text does not say for which reason.
    NameOrChain,
    /// The handshake fails before any certificate is judged.
    HandshakeFailed,
    /// The server does not know the name that the sender asked for (SNI).
    NameUnknown,
    /// One side ends the handshake for a reason that is about neither the certificate nor the versions.
    HandshakeEnded,
    /// The server demands a client certificate.
    ClientCertificateDemanded,
    /// TLS fails, and the text does not say why.
    TlsFailed,
    /// The answer after STARTTLS is not TLS.
    NotTls,
    /// The server stops answering.
    NoAnswer,
    /// The connection is closed after the handshake.
    ClosedAfterHandshake,
    /// The connection is closed in the handshake.
    ConnectionClosed,
    /// The connection is closed, and the text does not say at which step.
    ConnectionLost,
    /// The server's view: the sender left after it had seen the certificate.
    ClientLeft,
    /// The sender's own certificate has no usable private key.
    OwnKey,
    /// The sender's own certificate is not enabled for SMTP.
    OwnService,
    /// The Send connector pins a certificate that is not there.
    OwnPin,
    /// A queue reports a failed connection, but the cause may have been TLS.
    QueueMisleads,
    /// The cloud does not recognize the sender as the tenant's own server.
    CloudAttribution,
    /// A middlebox changes the session.
    Middlebox,
    /// The cause is permission and not TLS.
    NotTlsAtAll,
    /// The sender's own settings leave it no version of TLS.
    OwnVersions,
    /// The server lacks secure renegotiation (RFC 5746).
    LegacyRenegotiation,
    /// The certificate has its name in the subject only.
    CommonNameOnly,
    /// The TLSA records of DANE, or the signatures of DNSSEC, do not fit.
    DnsPolicy,
    /// The server cannot use the private key of its certificate.
    ServerKey,
    /// TLS was used whatever the certificate was.
    Unverified,
}

/// The side that is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The server that the sender connected to.
    Receiver,
    /// The sender.
    Sender,
    /// The network path between them.
    Path,
    /// Either side; the text does not tell which.
    Either,
    /// Neither side: the text reports no fault.
    Neither,
}

impl Meaning {
    /// Returns the side that is at fault.
    pub const fn side(self) -> Side {
        match self {
            Self::StarttlsNotOffered
            | Self::StarttlsRefused
            | Self::Expired
            | Self::WrongPurpose
            | Self::LegacyRenegotiation
            | Self::CommonNameOnly
            | Self::DnsPolicy
            | Self::ServerKey
            | Self::BadSignature => Side::Receiver,
            Self::TlsDemanded
            | Self::ClientCertificateDemanded
            | Self::OwnVersions
            | Self::OwnKey
            | Self::OwnService
            | Self::OwnPin
            | Self::CloudAttribution => Side::Sender,
            Self::Middlebox => Side::Path,
            Self::NameMismatch
            | Self::ChainUntrusted
            | Self::NameOrChain
            | Self::NotYetValid
            | Self::Revoked
            | Self::TooWeak
            | Self::HandshakeFailed
            | Self::NameUnknown
            | Self::HandshakeEnded
            | Self::TlsFailed
            | Self::NotTls
            | Self::NoAnswer
            | Self::ClosedAfterHandshake
            | Self::ConnectionClosed
            | Self::ConnectionLost
            | Self::ClientLeft
            | Self::QueueMisleads
            | Self::NotTlsAtAll => Side::Either,
            Self::Unverified => Side::Neither,
        }
    }

    /// Returns whether it names the defect that the sender finds in the certificate.
    pub(super) const fn is_about_certificate(self) -> bool {
        matches!(
            self,
            Self::NameMismatch
                | Self::CommonNameOnly
                | Self::ChainUntrusted
                | Self::Expired
                | Self::NotYetValid
                | Self::WrongPurpose
                | Self::Revoked
                | Self::TooWeak
                | Self::BadSignature
        )
    }

    /// Returns the entries and scenarios of the lab that produce this error.
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
            Self::TlsDemanded => &["mail-530", "mandatory", "require-tls"],
            Self::NotYetValid => &["trust-notyet", "not-yet-valid-offered"],
            Self::Revoked => &["trust-revoked"],
            Self::TooWeak => &["trust-rsa1024", "trust-sha1", "tls-dhe1024-only"],
            Self::BadSignature => &["trust-key-mismatch"],
            Self::NameUnknown => &["sni-unknown", "tls-alert-unrecognized_name"],
            Self::HandshakeEnded => &["tls-alert-internal_error", "tls-corrupt-serverhello"],
            Self::ClientCertificateDemanded => &["tls-clientcert-require"],
            Self::TlsFailed => &["tls-alert-handshake_failure", "tls-220-close", "trust-untrusted"],
            Self::NoAnswer => &["tls-220-hang", "tls-hang-serverhello"],
            Self::ClosedAfterHandshake => &["tls-cut-after-handshake", "tls-421-after-handshake"],
            Self::NameOrChain => &["name-mismatch", "trust-selfsigned", "trust-missing-int"],
            Self::HandshakeFailed => &["tls-alert-handshake_failure", "tls-no-shared-cipher"],
            Self::NotTls => &["tls-220-garbage-smtp", "starttls-stripped-xxx"],
            Self::ConnectionClosed => &["tls-220-close", "tls-cut-serverhello"],
            Self::ConnectionLost => &["starttls-cmd-close", "tls-220-close", "tls-cut-after-handshake"],
            Self::ClientLeft => &["name-mismatch", "trust-selfsigned"],
            Self::OwnKey => &["private-key-outbound"],
            Self::OwnService => &["smtp-not-assigned-outbound"],
            Self::OwnPin => &["pin-stale-outbound"],
            Self::QueueMisleads => &["private-key-outbound", "smtp-not-assigned-outbound"],
            Self::OwnVersions | Self::LegacyRenegotiation | Self::DnsPolicy => &[],
            Self::CommonNameOnly => &["name-cn-only"],
            Self::ServerKey => &["private-key-unreadable", "private-key-missing"],
            Self::Unverified => &["self-signed-presented", "trust-selfsigned"],
            Self::CloudAttribution | Self::NotTlsAtAll => &[],
            Self::Middlebox => &["starttls-stripped-xxx"],
        }
    }

    /// Returns a sentence that states what happened.
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::StarttlsNotOffered => "The server does not offer STARTTLS to this sender",
            Self::StarttlsRefused => "The server offers STARTTLS and cannot do it",
            Self::NameMismatch => "The server's certificate does not carry the name that the sender dialled",
            Self::ChainUntrusted => "The sender does not trust whoever issued the server's certificate",
            Self::Expired => "The server's certificate has expired, by the sender's clock",
            Self::WrongPurpose => "The server's certificate was not issued for servers",
            Self::TlsDemanded => "The server takes mail over TLS only, and the sender did not start TLS",
            Self::NotYetValid => "The server's certificate is not valid yet, by the sender's clock",
            Self::Revoked => {
                "The server's certificate was revoked, or the sender could not find out whether it was"
            }
            Self::TooWeak => "A key or a signature is too weak for what the sender allows",
            Self::BadSignature => "The server signs the handshake with a key that is not its certificate's",
            Self::NameUnknown => "The server does not know the name that the sender asked for",
            Self::HandshakeEnded => {
                "The handshake ended for a reason that is about neither the certificate nor the versions"
            }
            Self::ClientCertificateDemanded => {
                "The server demands a client certificate, and the sender presented none that it takes"
            }
            Self::TlsFailed => "TLS could not be started, and this text does not say why",
            Self::NoAnswer => "The server stopped answering",
            Self::ClosedAfterHandshake => "The connection was closed after the handshake",
            Self::NameOrChain => {
                "The sender refuses the server's certificate, for its name or for its issuer"
            }
            Self::HandshakeFailed => "Both sides found no version or cipher of TLS in common",
            Self::NotTls => "What came where TLS should begin was no TLS",
            Self::ConnectionClosed => "The connection was closed during the handshake",
            Self::ConnectionLost => "The connection ended, and this text does not say at which step",
            Self::ClientLeft => "The sender hung up when it had seen the server's certificate",
            Self::OwnKey => "The sending server cannot use the private key of its own certificate",
            Self::OwnService => "The sending server's own certificate is not enabled for SMTP",
            Self::OwnPin => {
                "The Send connector names a certificate that is not in the sending server's store"
            }
            Self::QueueMisleads => "The queue says that the connection failed; often it was TLS that failed",
            Self::CloudAttribution => {
                "Exchange Online does not take the sending server for one of this tenant"
            }
            Self::Middlebox => "Something between the two changes what they say",
            Self::NotTlsAtAll => "This is about permission and not about TLS",
            Self::OwnVersions => "The sender's own settings leave it no version of TLS to offer",
            Self::LegacyRenegotiation => {
                "The server lacks secure renegotiation (RFC 5746), and the sender refuses TLS without it"
            }
            Self::CommonNameOnly => {
                "The server's certificate has no name but that in its subject, which the sender does not read"
            }
            Self::DnsPolicy => "What DNS says about the recipient's domain (DANE, DNSSEC) does not hold",
            Self::ServerKey => "The server cannot use the private key of its certificate",
            Self::Unverified => "TLS was used, and this sender does not insist on the server's certificate",
        }
    }

    /// Returns the usual fault, and the commands that confirm it.
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
            Self::TlsDemanded => (
                "The sender is set not to use TLS, or STARTTLS is not offered to it: then no certificate fits the connector (event 12014), or something in between strips STARTTLS.",
                &["Get-ReceiveConnector | fl Identity, RequireTLS, AuthMechanism, Fqdn, TlsCertificateName"],
            ),
            Self::NotYetValid => (
                "Compare both clocks before the certificate: one of them is usually wrong.",
                &["Get-ExchangeCertificate | fl Subject, NotBefore, Services"],
            ),
            Self::Revoked => (
                "Where the text says offline or unknown, the sender cannot reach the list (CRL) or the responder (OCSP) of the authority; else get a new certificate.",
                &["Get-ExchangeCertificate | fl Subject, Issuer, Status"],
            ),
            Self::TooWeak => (
                "Usually an RSA key of 1024 bits, a signature over SHA-1 or MD5, or Diffie-Hellman of 1024 bits; the sender's security level (OpenSSL's SECLEVEL) decides.",
                &["Get-ExchangeCertificate | fl Subject, PublicKeySize, Services"],
            ),
            Self::BadSignature => (
                "The certificate and the private key were not made for one another; import the PFX again.",
                &["Get-ExchangeCertificate | fl Thumbprint, Subject, HasPrivateKey"],
            ),
            Self::NameUnknown => (
                "The name that the sender dials leads to a server that serves other names; look at DNS and at what lies before the server.",
                &[],
            ),
            Self::HandshakeEnded => (
                "The alert names the side that gave up; that side's own log says more. A record that cannot be decrypted was changed on the way.",
                &[],
            ),
            Self::ClientCertificateDemanded => (
                "Mail servers rarely present one to a server that they do not know. Either the server should not demand it, or the sender has to be given a certificate that the server trusts.",
                &["Get-SendConnector | fl Name, TlsCertificateName"],
            ),
            Self::TlsFailed => (
                "Look for the cause in the lines around it: an alert, a reason in brackets, a nested exception. Without one, look at the server's protocol log of the same minute.",
                &[],
            ),
            Self::NoAnswer => (
                "Something in between drops the handshake (a firewall, an MTU that is too large), or the server is overloaded.",
                &[],
            ),
            Self::ClosedAfterHandshake => (
                "TLS itself worked. Read the server's protocol log of the same minute: a limit, a policy, or a client certificate that is demanded (in TLS 1.3 that refusal comes only now).",
                &[],
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
                "Where the sender begins with TLS (as for port 465; `secure: true`, SMTP_SSL), it dials a port that begins in clear, such as 25 or 587: let it use STARTTLS there. Where it used STARTTLS, something on the way answers in the server's place: a firewall that inspects SMTP.",
                &[],
            ),
            Self::ConnectionLost => (
                "The lines before it name the last command, and whether TLS had begun; the server's protocol log of the same minute tells who closed.",
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
                "Receiving may work with the same certificate. Import it again with its private key, or repair the key (certutil -repairstore my <thumbprint>).",
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
            Self::OwnVersions => (
                "It sent nothing to the server. Look at its lowest and highest version: Postfix's smtp_tls_protocols, OpenSSL's MinProtocol and MaxProtocol, Java's jdk.tls.disabledAlgorithms and mail.smtp.ssl.protocols. A program that asks for TLS 1.0 or 1.1 finds them disabled by the system.",
                &[],
            ),
            Self::LegacyRenegotiation => (
                "An old or unpatched server, or something before it that ends TLS; OpenSSL 3 refuses such a server by default. Update the server; OpenSSL's UnsafeLegacyServerConnect on the sender is a stopgap.",
                &[],
            ),
            Self::CommonNameOnly => (
                "Get a certificate with the name among its subject alternative names. Exchange takes the subject alone, and Go since 1.15 does not (nor does RFC 9525).",
                &["Get-ExchangeCertificate | fl Subject, CertificateDomains, Thumbprint"],
            ),
            Self::DnsPolicy => (
                "The certificate may be a good one. After a renewal the TLSA records have to match the new certificate (publish both before); with dnssec-invalid the zone's signatures are broken or have expired. The owner of the recipient's domain repairs that in DNS.",
                &["Resolve-DnsName -Type TLSA _25._tcp.<the MX host>"],
            ),
            Self::ServerKey => (
                "The account of the service may not read the key, or the key is gone; STARTTLS is offered and the handshake ends at once. Let NETWORK SERVICE read it (certlm.msc, All Tasks, Manage Private Keys), or import the PFX again.",
                &["Get-ExchangeCertificate | fl Thumbprint, Subject, HasPrivateKey, Services"],
            ),
            Self::Unverified => (
                "Nothing failed here: a sender of this policy (Postfix's may and encrypt) delivers over TLS with any certificate. A sender that verifies may refuse the same one; starttls-lab probe says why.",
                &["starttls-lab probe <the server>"],
            ),
            Self::NotTlsAtAll => (
                "Look at PermissionGroups and at the accepted domains of the connector that answers for this address.",
                &["Get-ReceiveConnector | fl Identity, RemoteIPRanges, PermissionGroups"],
            ),
        }
    }
}
