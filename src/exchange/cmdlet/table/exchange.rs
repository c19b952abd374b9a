//! The cmdlets of Exchange.
//!
//! Parameters are those of the Exchange PowerShell reference and of the 2007 and 2010 help.

use super::super::parameters::{SETTINGS, UNMODELLED};
use super::super::signature::{Cmdlet, Parameter, Verb};
use super::super::{
    certificate, client_access, connector, edgesync, enable, export, issue, queue, send, send_parameters,
    server, subscribe,
};
use super::{CHANGES, idle, switch, value};
use crate::exchange::Profile::{Exchange2010, Exchange2013};

/// `-Server` of the certificate cmdlets came with 2010: in 2007 they worked where they were run.
const SERVER: Parameter = value("Server").since(Exchange2010);
/// The certificate cmdlets take `SERVER\Thumbprint` since 2013.
const CERTIFICATE: &[Parameter] = &[value("Thumbprint").at(0), value("Identity").since(Exchange2013), SERVER];
const IDENTITY: &[Parameter] = &[value("Identity").at(0)];
const INTERNAL: &[Parameter] = &[
    value("Identity").at(0),
    value("InternalTransportCertificateThumbprint"),
    idle("ConnectivityLogEnabled"),
    idle("ExternalDNSServers"),
    idle("InternalDNSServers"),
    idle("MaxConcurrentMailboxDeliveries"),
    idle("MaxOutboundConnections"),
    idle("MaxPerDomainOutboundConnections"),
    idle("MessageExpirationTimeout"),
    idle("MessageRetryInterval"),
    idle("OutboundConnectionFailureRetryInterval"),
    idle("ReceiveProtocolLogPath"),
    idle("SendProtocolLogPath"),
    idle("TransientFailureRetryCount"),
    idle("TransientFailureRetryInterval"),
    idle("UseDowngradedExchangeServerAuth"),
];

/// The parameters of the services for mail clients: one that a lab has, and some that guides set with it.
const CLIENT_SETTINGS: &[Parameter] = &[
    value("Server"),
    value("X509CertificateName"),
    idle("Banner"),
    idle("ExternalConnectionSettings"),
    idle("InternalConnectionSettings"),
    idle("LoginType"),
    idle("ProtocolLogEnabled"),
    idle("SSLBindings"),
    idle("UnencryptedOrTLSBindings"),
];

pub(super) static CMDLETS: &[Cmdlet] = &[
    Cmdlet::new("Get-ReceiveConnector", "Lists Receive connectors.", Verb::Model(connector::get, None))
        .with(&[IDENTITY, &[value("Server")]]),
    Cmdlet::new(
        "Set-ReceiveConnector",
        "Changes a Receive connector.",
        Verb::Model(connector::set, Some(("Identity", "Identity"))),
    )
    .with(&[IDENTITY, &[value("Name")], SETTINGS, UNMODELLED, CHANGES]),
    Cmdlet::new("New-ReceiveConnector", "Makes a Receive connector.", Verb::Model(connector::new, None))
        .with(&[
            &[
                value("Name").at(0),
                value("Server"),
                value("Usage"),
                switch("Client"),
                switch("Custom"),
                switch("Internal"),
                switch("Internet"),
                switch("Partner"),
            ],
            SETTINGS,
            UNMODELLED,
            CHANGES,
        ]),
    Cmdlet::new(
        "Remove-ReceiveConnector",
        "Removes a Receive connector.",
        Verb::Model(connector::remove, Some(("Identity", "Identity"))),
    )
    .with(&[IDENTITY, CHANGES]),
    Cmdlet::new("Get-SendConnector", "Lists Send connectors.", Verb::Model(send::get, None))
        .with(&[IDENTITY]),
    Cmdlet::new(
        "Set-SendConnector",
        "Changes a Send connector.",
        Verb::Model(send::set, Some(("Identity", "Identity"))),
    )
    .with(&[
        &[value("Identity").at(0), value("Name")],
        send_parameters::SETTINGS,
        &[value("SourceTransportServers")],
        send_parameters::UNMODELLED,
        CHANGES,
    ]),
    Cmdlet::new("New-SendConnector", "Makes a Send connector.", Verb::Model(send::new, None)).with(&[
        &[value("Name").at(0)],
        send_parameters::SETTINGS,
        &[value("SourceTransportServers")],
        send_parameters::USAGE,
        send_parameters::UNMODELLED,
        CHANGES,
    ]),
    Cmdlet::new(
        "Remove-SendConnector",
        "Removes a Send connector.",
        Verb::Model(send::remove, Some(("Identity", "Identity"))),
    )
    .with(&[IDENTITY, CHANGES]),
    Cmdlet::new(
        "Start-EdgeSynchronization",
        "Brings to an Edge what the organization keeps for it.",
        Verb::Model(edgesync::start, None),
    )
    .with(&[
        &[value("Server"), value("TargetServer")],
        &[switch("ForceFullSync"), switch("ForceUpdateCookie")],
        CHANGES,
    ]),
    Cmdlet::new(
        "Test-EdgeSynchronization",
        "Says whether the Edges have what the organization keeps for them.",
        Verb::Model(edgesync::test, None),
    )
    .with(&[&[
        value("TargetServer"),
        idle("MaxReportSize"),
        idle("MonitoringContext"),
        idle("VerifyRecipient"),
        switch("FullCompareMode"),
        switch("ExcludeRecipientTest"),
    ]]),
    Cmdlet::new("Get-EdgeSubscription", "Lists Edge subscriptions.", Verb::Model(subscribe::get, None))
        .with(&[IDENTITY]),
    Cmdlet::new(
        "New-EdgeSubscription",
        "On an Edge writes a subscription file, inside reads one.",
        Verb::Model(subscribe::new, None),
    )
    .with(&[
        &[
            value("FileData").since(Exchange2010),
            value("FileName"),
            value("Site"),
            value("CreateInboundSendConnector"),
            value("CreateInternetSendConnector"),
            idle("AccountExpiryDuration"),
            switch("Force"),
        ],
        CHANGES,
    ]),
    Cmdlet::new("Get-ExchangeCertificate", "Lists certificates.", Verb::Model(certificate::get, None))
        .with(&[CERTIFICATE, &[value("DomainName")]]),
    Cmdlet::new(
        "Enable-ExchangeCertificate",
        "Enables a certificate for services such as SMTP.",
        Verb::Model(enable::enable, Some(("Identity", "Identity"))),
    )
    .with(&[
        CERTIFICATE,
        &[value("Services"), switch("Force"), switch("NetworkServiceAllowed"), switch("DoNotRequireSsl")],
        CHANGES,
    ]),
    Cmdlet::new(
        "Get-ImapSettings",
        "Shows the settings of the IMAP4 service.",
        Verb::Model(client_access::get, None),
    )
    .with(&[&[value("Server").at(0)]]),
    Cmdlet::new(
        "Set-ImapSettings",
        "Sets the name by which the IMAP4 service finds its certificate.",
        Verb::Model(client_access::set, None),
    )
    .with(&[CLIENT_SETTINGS, CHANGES]),
    Cmdlet::new(
        "Get-PopSettings",
        "Shows the settings of the POP3 service.",
        Verb::Model(client_access::get, None),
    )
    .with(&[&[value("Server").at(0)]]),
    Cmdlet::new(
        "Set-PopSettings",
        "Sets the name by which the POP3 service finds its certificate.",
        Verb::Model(client_access::set, None),
    )
    .with(&[CLIENT_SETTINGS, CHANGES]),
    Cmdlet::new(
        "New-ExchangeCertificate",
        "Makes a self-signed certificate, a certificate request, or renews a certificate.",
        Verb::Model(issue::new, Some(("Instance", ""))),
    )
    .with(&[
        &[
            value("SubjectName"),
            value("DomainName"),
            value("Services"),
            value("FriendlyName"),
            value("KeySize"),
            value("Path"),
            value("RequestFile"),
            value("Instance"),
            SERVER,
            idle("PrivateKeyExportable"),
            idle("SubjectKeyIdentifier"),
            switch("BinaryEncoded"),
            switch("Force"),
            switch("GenerateRequest"),
            switch("IncludeAcceptedDomains"),
            switch("IncludeServerFQDN").since(Exchange2013),
            switch("IncludeServerNetBIOSName").since(Exchange2013),
        ],
        CHANGES,
    ]),
    Cmdlet::new(
        "Import-ExchangeCertificate",
        "Imports a certificate, or the answer to a request.",
        Verb::Model(issue::import, None),
    )
    .with(&[
        &[
            value("FileData").since(Exchange2010),
            value("FileName").since(Exchange2013),
            value("Path"),
            value("Password"),
            value("FriendlyName"),
            SERVER,
            idle("PrivateKeyExportable"),
        ],
        CHANGES,
    ]),
    Cmdlet::new(
        "Export-ExchangeCertificate",
        "Exports a certificate, with a password its private key as well.",
        Verb::Model(export::export, Some(("Identity", "Identity"))),
    )
    .with(&[
        CERTIFICATE,
        &[value("FileName").since(Exchange2013), value("Path"), value("Password"), switch("BinaryEncoded")],
        CHANGES,
    ]),
    Cmdlet::new(
        "Remove-ExchangeCertificate",
        "Removes a certificate.",
        Verb::Model(certificate::remove, Some(("Identity", "Identity"))),
    )
    .with(&[CERTIFICATE, CHANGES]),
    Cmdlet::new("Get-TransportService", "Lists transport services.", Verb::Model(server::get, None))
        .with(&[IDENTITY])
        .since(Exchange2013),
    Cmdlet::new("Get-TransportServer", "Lists transport servers.", Verb::Model(server::get, None))
        .with(&[IDENTITY]),
    Cmdlet::new(
        "Set-TransportService",
        "Changes a transport service.",
        Verb::Model(server::set, Some(("Identity", "Identity"))),
    )
    .with(&[INTERNAL, CHANGES])
    .since(Exchange2013),
    Cmdlet::new(
        "Set-TransportServer",
        "Changes a transport server.",
        Verb::Model(server::set, Some(("Identity", "Identity"))),
    )
    .with(&[INTERNAL, CHANGES]),
    Cmdlet::new("Get-MailboxServer", "Lists Mailbox servers.", Verb::Model(server::mailbox, None))
        .with(&[IDENTITY, &[switch("Status")]]),
    Cmdlet::new("Get-ExchangeServer", "Lists Exchange servers.", Verb::Model(server::exchange, None))
        .with(&[IDENTITY, &[switch("Status")]]),
    Cmdlet::new("Get-Queue", "Lists the queues of a server.", Verb::Model(queue::get, None)).with(&[
        IDENTITY,
        &[value("Server"), value("Filter"), idle("ResultSize"), idle("SortOrder"), value("Include")],
    ]),
    Cmdlet::new(
        "Retry-Queue",
        "Tries the messages of a queue again at once.",
        Verb::Model(queue::retry, Some(("Identity", "Identity"))),
    )
    .with(&[IDENTITY, &[value("Server"), value("Filter"), idle("Resubmit")], CHANGES]),
];
