//! The kinds of events that transport writes to the Application log: number, level, category and text, word for word.
//!
//! Texts come from the TechNet event pages, the seed and observed logs. A text that was not found in a
//! source is not written: 12020 to 12022 and 12025 onwards are never logged.

use serde::Serialize;

/// An event that transport or EdgeSync logs. Its number, level, category and text stand here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// No certificate for STARTTLS. Source: the seed; for a pin Black Marble (2016).
    NoCertificateForStarttls,
    /// The certificate for STARTTLS has expired. Source: TechNet ff983405.
    StarttlsCertificateExpired,
    /// The certificate for STARTTLS expires soon. Source: TechNet ff982351.
    StarttlsCertificateExpiresSoon,
    /// No internal transport certificate is published. Source: TechNet ff984391.
    InternalCertificateNotPublished,
    /// The internal transport certificate is not in the store. Source: TechNet ff985435.
    InternalCertificateGone,
    /// The internal transport certificate has expired. Source: TechNet ff981561.
    InternalCertificateExpired,
    /// The internal transport certificate expires soon. Source: TechNet ff985092.
    InternalCertificateExpiresSoon,
    /// The peer's internal transport certificate has expired. Source: TechNet ff980723.
    RemoteInternalCertificateExpired,
    /// Another certificate stands in for the internal one.
    InternalCertificateReplaced,
    /// An ephemeral certificate stands in for the internal one. Source: TechNet ff983190.
    InternalCertificateEphemeral,
    /// The Edge presents another certificate than it was subscribed with. Source: TechNet ff985467.
    EdgeCertificateNotMatched,
    /// Too many failed logons. Source: TechNet hh994900.
    TooManyFailedLogons,
    /// TLS is demanded before MAIL, and there is none to be had. Source: TechNet bb217382.
    TlsRequiredButNotAvailable,
    /// A failed logon. Source: an observed log of 2016.
    LogonFailed,
    /// TLS is required by a Send connector and not to be had. Source: TechNet ff982694.
    SendTlsRequired,
    /// The logon at the next hop failed. Source: TechNet ff982082.
    OutboundAuthenticationFailed,
}

/// The subject of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSubject {
    /// A connector, whose name is among the insertion strings.
    Connector,
    /// The computer as a whole.
    Computer,
}

impl EventKind {
    /// Every event, by ascending number.
    pub const ALL: [Self; 16] = [
        Self::TooManyFailedLogons,
        Self::TlsRequiredButNotAvailable,
        Self::LogonFailed,
        Self::SendTlsRequired,
        Self::OutboundAuthenticationFailed,
        Self::EdgeCertificateNotMatched,
        Self::InternalCertificateNotPublished,
        Self::InternalCertificateGone,
        Self::NoCertificateForStarttls,
        Self::InternalCertificateExpired,
        Self::StarttlsCertificateExpired,
        Self::InternalCertificateExpiresSoon,
        Self::StarttlsCertificateExpiresSoon,
        Self::RemoteInternalCertificateExpired,
        Self::InternalCertificateReplaced,
        Self::InternalCertificateEphemeral,
    ];

    /// The number, the level and the text; `%1` and so on stand for the insertion strings.
    const fn row(self) -> (u16, Level, &'static str) {
        match self {
            Self::NoCertificateForStarttls => (12014, Level::Error, NO_CERTIFICATE_FOR_STARTTLS),
            Self::StarttlsCertificateExpired => (12016, Level::Error, STARTTLS_CERTIFICATE_EXPIRED),
            Self::StarttlsCertificateExpiresSoon => {
                (12018, Level::Warning, STARTTLS_CERTIFICATE_EXPIRES_SOON)
            }
            Self::InternalCertificateNotPublished => {
                (12012, Level::Error, INTERNAL_CERTIFICATE_NOT_PUBLISHED)
            }
            Self::InternalCertificateGone => (12013, Level::Error, INTERNAL_CERTIFICATE_GONE),
            Self::InternalCertificateExpired => (12015, Level::Warning, INTERNAL_CERTIFICATE_EXPIRED),
            Self::InternalCertificateExpiresSoon => {
                (12017, Level::Warning, INTERNAL_CERTIFICATE_EXPIRES_SOON)
            }
            Self::RemoteInternalCertificateExpired => {
                (12019, Level::Information, REMOTE_INTERNAL_CERTIFICATE_EXPIRED)
            }
            Self::InternalCertificateReplaced => (12023, Level::Warning, INTERNAL_CERTIFICATE_REPLACED),
            Self::InternalCertificateEphemeral => (12024, Level::Information, INTERNAL_CERTIFICATE_EPHEMERAL),
            Self::EdgeCertificateNotMatched => (10104, Level::Warning, EDGE_CERTIFICATE_NOT_MATCHED),
            Self::TooManyFailedLogons => (1012, Level::Warning, TOO_MANY_FAILED_LOGONS),
            Self::TlsRequiredButNotAvailable => (1032, Level::Error, TLS_REQUIRED_BUT_NOT_AVAILABLE),
            Self::LogonFailed => (1035, Level::Warning, LOGON_FAILED),
            Self::SendTlsRequired => (2015, Level::Error, SEND_TLS_REQUIRED),
            Self::OutboundAuthenticationFailed => (2017, Level::Error, OUTBOUND_AUTHENTICATION_FAILED),
        }
    }

    /// The number.
    pub const fn id(self) -> u16 {
        self.row().0
    }

    /// The level; where the sources disagree, the observed one.
    pub const fn level(self) -> Level {
        self.row().1
    }

    /// Its text, with `%1`, `%2` and so on where the insertion strings go.
    pub const fn template(self) -> &'static str {
        self.row().2
    }

    /// The task category.
    pub const fn category(self) -> Category {
        match self {
            Self::TooManyFailedLogons | Self::TlsRequiredButNotAvailable | Self::LogonFailed => {
                Category::SmtpReceive
            }
            Self::SendTlsRequired | Self::OutboundAuthenticationFailed => Category::SmtpSend,
            Self::EdgeCertificateNotMatched => Category::Synchronization,
            Self::NoCertificateForStarttls
            | Self::StarttlsCertificateExpired
            | Self::StarttlsCertificateExpiresSoon
            | Self::InternalCertificateNotPublished
            | Self::InternalCertificateGone
            | Self::InternalCertificateExpired
            | Self::InternalCertificateExpiresSoon
            | Self::RemoteInternalCertificateExpired
            | Self::InternalCertificateReplaced
            | Self::InternalCertificateEphemeral => Category::TransportService,
        }
    }

    /// Returns the subject of the event.
    pub const fn subject(self) -> EventSubject {
        match self {
            Self::NoCertificateForStarttls
            | Self::StarttlsCertificateExpired
            | Self::StarttlsCertificateExpiresSoon
            | Self::TooManyFailedLogons
            | Self::TlsRequiredButNotAvailable
            | Self::LogonFailed
            | Self::SendTlsRequired
            | Self::OutboundAuthenticationFailed => EventSubject::Connector,
            Self::InternalCertificateNotPublished
            | Self::InternalCertificateGone
            | Self::InternalCertificateExpired
            | Self::InternalCertificateExpiresSoon
            | Self::RemoteInternalCertificateExpired
            | Self::InternalCertificateReplaced
            | Self::InternalCertificateEphemeral
            | Self::EdgeCertificateNotMatched => EventSubject::Computer,
        }
    }

    /// The qualifiers of the number, where they are known: those of 12014 are derived, the others were not found.
    pub const fn qualifiers(self) -> Option<u16> {
        match self {
            Self::NoCertificateForStarttls => Some(0xC004),
            Self::StarttlsCertificateExpired
            | Self::StarttlsCertificateExpiresSoon
            | Self::InternalCertificateNotPublished
            | Self::InternalCertificateGone
            | Self::InternalCertificateExpired
            | Self::InternalCertificateExpiresSoon
            | Self::RemoteInternalCertificateExpired
            | Self::InternalCertificateReplaced
            | Self::InternalCertificateEphemeral
            | Self::EdgeCertificateNotMatched
            | Self::TooManyFailedLogons
            | Self::TlsRequiredButNotAvailable
            | Self::LogonFailed
            | Self::SendTlsRequired
            | Self::OutboundAuthenticationFailed => None,
        }
    }

    /// The instance number, of the qualifiers and the number.
    pub fn instance_id(self) -> Option<u32> {
        self.qualifiers().map(|qualifiers| u32::from(qualifiers) << 16 | u32::from(self.id()))
    }
}

/// The level of an event; where the sources disagree, the observed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Level {
    /// 2 in the event XML.
    Error,
    /// 3 in the event XML.
    Warning,
    /// 4 in the event XML.
    Information,
}

/// The task category of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Category {
    /// Task 1.
    SmtpReceive,
    /// Task 2; its number follows from its place in the list of categories and was not seen.
    SmtpSend,
    /// Task 12.
    TransportService,
    /// Of the source `MSExchange EdgeSync`; its number was not seen, and 1 is inferred.
    Synchronization,
}

impl Level {
    /// The number in the event XML.
    pub const fn number(self) -> u8 {
        match self {
            Self::Error => 2,
            Self::Warning => 3,
            Self::Information => 4,
        }
    }

    /// The word in Event Viewer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Information => "Information",
        }
    }
}

impl Category {
    /// The number of the task in the event XML.
    pub const fn task(self) -> u8 {
        match self {
            Self::SmtpReceive => 1,
            Self::SmtpSend => 2,
            Self::TransportService => 12,
            Self::Synchronization => 1,
        }
    }

    /// The word in Event Viewer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SmtpReceive => "SmtpReceive",
            Self::SmtpSend => "SmtpSend",
            Self::TransportService => "TransportService",
            Self::Synchronization => "Synchronization",
        }
    }
}

const INTERNAL_CERTIFICATE_EXPIRED: &str = "An internal transport certificate expired. Thumbprint:%1";

const INTERNAL_CERTIFICATE_EXPIRES_SOON: &str =
    "An internal transport certificate will expire soon. Thumbprint:%1, hours remaining: %2";

const REMOTE_INTERNAL_CERTIFICATE_EXPIRED: &str =
    "The remote internal transport certificate expired. Certificate subject: %1.";

const EDGE_CERTIFICATE_NOT_MATCHED: &str =
    "Microsoft Exchange couldn't match certificate when contacting %1. The connection was stopped.";

const NO_CERTIFICATE_FOR_STARTTLS: &str = "Microsoft Exchange could not find a certificate that contains the domain name %1 in the personal store on the local computer. Therefore, it is unable to support the STARTTLS SMTP verb for the connector %2 with a FQDN parameter of %3. If the connector's FQDN is not specified, the computer's FQDN is used. Verify the connector configuration and the installed certificates to make sure that there is a certificate with a domain name for that FQDN. If this certificate exists, run Enable-ExchangeCertificate -Services SMTP to make sure that the Microsoft Exchange Transport service has access to the certificate key.";

const STARTTLS_CERTIFICATE_EXPIRED: &str = "There is no valid SMTP Transport Layer Security (TLS) certificate for the FQDN of %1. The existing certificate for that FQDN has expired. The continued use of that FQDN will cause mail flow problems. A new certificate that contains the FQDN of %1 should be installed on this server as soon as possible. You can create a new certificate by using the New-ExchangeCertificate task.";

const STARTTLS_CERTIFICATE_EXPIRES_SOON: &str = "The STARTTLS certificate will expire soon: subject: %1, thumbprint: %2, hours remaining: %3. Run the New-ExchangeCertificate cmdlet to create a new certificate.";

const INTERNAL_CERTIFICATE_NOT_PUBLISHED: &str = "The internal transport certificate that is used for SMTP authentication by Microsoft Exchange could not be read from Active Directory. The certificate may be missing. If an existing certificate that matches the fully qualified domain name (FQDN) of the server is already installed, run the Enable-ExchangeCertificate cmdlet to publish this certificate to Active Directory. If a certificate for the FQDN of the server is not installed, create a certificate by running the New-ExchangeCertificate cmdlet for the FQDN of the server.";

/// 12013, 12023 and 12024 begin alike; `services` is how the option is spelled.
macro_rules! not_loaded {
    ($services:literal, $meanwhile:literal) => {
        concat!(
            "Microsoft Exchange could not load the certificate with thumbprint of %1 from the personal store on the local computer. This certificate was configured for authentication with other Exchange servers. Mail flow to other Exchange servers could be affected by this error. If the certificate with this thumbprint still exists in the personal store, run Enable-ExchangeCertificate %1 ",
            $services,
            " SMTP to resolve the issue. If the certificate does not exist in the personal store, restore it from backup by using the Import-ExchangeCertificate cmdlet, or create a new certificate for the FQDN or the server enabled for SMTP by running the following command: New-ExchangeCertificate -DomainName serverfqdn -Services SMTP.",
            $meanwhile
        )
    };
}

const INTERNAL_CERTIFICATE_GONE: &str = not_loaded!("-Services", "");

const INTERNAL_CERTIFICATE_REPLACED: &str =
    not_loaded!("-Services", " Meanwhile, the certificate with thumbprint %2 is being used.");

const INTERNAL_CERTIFICATE_EPHEMERAL: &str = not_loaded!(
    "-services",
    " Meanwhile, an ephemeral, self-signed certificate with thumbprint %2 is being used."
);

const TOO_MANY_FAILED_LOGONS: &str = "Receive connector %1: Authentication failures have exceeded the maximum of %2 for the connection from %3. Disconnecting.";

const TLS_REQUIRED_BUT_NOT_AVAILABLE: &str = "The Receive connector requires TLS before the MailFrom command can be run. However, the connector is not configured to accept TLS. Check the authentication setting of this connector.";

const LOGON_FAILED: &str = "Inbound authentication failed with error %1 for Receive connector %2. The authentication mechanism is %3. The source IP address of the client who tried to authenticate to Microsoft Exchange is [%4].";

const SEND_TLS_REQUIRED: &str = "Send connector %1 couldn't connect to remote domain %2. The send connector requires Transport Layer Security (TLS) authentication, but is unable to establish TLS with the receiving server for the remote domain. Check this connector's authentication setting and the EHLO response from the remote server %3.";

const OUTBOUND_AUTHENTICATION_FAILED: &str = "Outbound authentication failed with error %1 for Send connector %2. The authentication mechanism is %3. The target is %4.";
