//! The cmdlets that a Shell has, with their parameters.
//!
//! Parameters are those of the Exchange PowerShell reference and of the 2007 and 2010 help.

use super::parameters::{SETTINGS, UNMODELLED};
use super::signature::{Cmdlet, Parameter, Verb};
use super::{
    certificate, client_access, command, connector, edgesync, enable, export, filter, issue, log, queue,
    send, send_parameters, server, shape, subscribe, time, windows,
};
use crate::exchange::Profile::{Exchange2010, Exchange2013};

const fn value(name: &'static str) -> Parameter {
    Parameter::value(name)
}

const fn switch(name: &'static str) -> Parameter {
    Parameter::switch(name)
}

const fn idle(name: &'static str) -> Parameter {
    Parameter::idle(name)
}

/// `-Server` of the certificate cmdlets came with 2010: in 2007 they worked where they were run.
const SERVER: Parameter = value("Server").since(Exchange2010);
const CHANGES: &[Parameter] = &[switch("Confirm"), switch("WhatIf")];
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
    Cmdlet::new(
        "Get-EventLog",
        "Lists entries of the Application log.",
        Verb::Model(log::get_event_log, None),
    )
    .with(&[&[
        value("LogName").at(0),
        value("InstanceId").at(1),
        value("After"),
        value("Before"),
        value("ComputerName"),
        value("EntryType"),
        value("Index"),
        value("Message"),
        value("Newest"),
        value("Source"),
    ]]),
    Cmdlet::new(
        "Get-WinEvent",
        "Lists entries of the Application log.",
        Verb::Model(log::get_win_event, None),
    )
    .with(&[&[
        value("LogName").at(0),
        value("ComputerName"),
        value("FilterHashtable"),
        value("MaxEvents"),
        value("ProviderName"),
        switch("Oldest"),
    ]]),
    Cmdlet::new(
        "Format-List",
        "Shows objects as lists of their properties.",
        Verb::Shape(shape::format_list),
    )
    .called(&["fl"])
    .with(&[&[value("Property").at(0), switch("Force")]]),
    Cmdlet::new("Format-Table", "Shows objects as a table.", Verb::Shape(shape::format_table))
        .called(&["ft"])
        .with(&[&[
            value("Property").at(0),
            switch("AutoSize"),
            switch("Wrap"),
            switch("HideTableHeaders"),
            switch("Force"),
        ]]),
    Cmdlet::new("Select-Object", "Selects objects and properties.", Verb::Shape(shape::select_object))
        .called(&["select"])
        .with(&[&[
            value("Property").at(0),
            value("ExpandProperty"),
            value("First"),
            value("Last"),
            value("Skip"),
            switch("Unique"),
        ]]),
    Cmdlet::new(
        "Where-Object",
        "Keeps the objects for which a comparison holds.",
        Verb::Raw(filter::where_object),
    )
    .called(&["where", "?"]),
    Cmdlet::new("ForEach-Object", "Does something for each object.", Verb::Shape(shape::for_each_object))
        .called(&["foreach", "%"])
        .with(&[&[value("Process").at(0), value("MemberName"), value("Begin"), value("End")]]),
    Cmdlet::new("Sort-Object", "Sorts objects.", Verb::Shape(shape::sort_object))
        .called(&["sort"])
        .with(&[&[value("Property").at(0), switch("Descending"), switch("Unique"), switch("CaseSensitive")]]),
    Cmdlet::new("Group-Object", "Groups objects by their properties.", Verb::Shape(shape::group_object))
        .called(&["group"])
        .with(&[&[value("Property").at(0), switch("NoElement")]]),
    Cmdlet::new("Measure-Object", "Counts objects and adds them up.", Verb::Shape(shape::measure_object))
        .called(&["measure"])
        .with(&[&[
            value("Property").at(0),
            switch("Sum"),
            switch("Average"),
            switch("Maximum"),
            switch("Minimum"),
            switch("Line"),
        ]]),
    Cmdlet::new("Get-Member", "Lists the properties of objects.", Verb::Shape(shape::get_member))
        .called(&["gm"])
        .with(&[&[value("Name").at(0), value("MemberType")]]),
    Cmdlet::new("Out-Null", "Drops what comes.", Verb::Shape(shape::nothing)),
    Cmdlet::new("Out-Host", "Shows what comes.", Verb::Shape(shape::as_it_is)).called(&["oh"]),
    Cmdlet::new("Out-Default", "Shows what comes.", Verb::Shape(shape::as_it_is)),
    Cmdlet::new("Out-String", "Makes a text of what would be shown.", Verb::Shape(shape::out_string))
        .with(&[&[idle("Width"), switch("Stream")]]),
    Cmdlet::new("Write-Output", "Hands values on.", Verb::Shape(shape::write_output))
        .called(&["echo", "write"])
        .with(&[&[value("InputObject").at(0)]]),
    Cmdlet::new("Write-Host", "Shows a text.", Verb::Shape(shape::write_host)).with(&[&[
        value("Object").at(0),
        idle("ForegroundColor"),
        idle("BackgroundColor"),
        switch("NoNewline"),
    ]]),
    Cmdlet::new("Write-Warning", "Shows a warning.", Verb::Shape(shape::write_host))
        .with(&[&[value("Message").at(0)]]),
    Cmdlet::new("Write-Verbose", "Shows nothing here.", Verb::Shape(shape::write_host))
        .with(&[&[value("Message").at(0)]]),
    Cmdlet::new("Get-Date", "Says what time it is in the lab.", Verb::Model(time::get_date, None)).with(&[
        &[
            value("Date").at(0),
            value("Format"),
            value("Year"),
            value("Month"),
            value("Day"),
            value("Hour"),
            value("Minute"),
            value("Second"),
        ],
    ]),
    Cmdlet::new("New-TimeSpan", "Makes a time span.", Verb::Model(time::new_time_span, None)).with(&[&[
        value("Start").at(0),
        value("End").at(1),
        value("Days"),
        value("Hours"),
        value("Minutes"),
        value("Seconds"),
    ]]),
    Cmdlet::new("Get-Command", "Lists the cmdlets of a lab.", Verb::Model(command::get_command, None))
        .called(&["gcm"])
        .with(&[&[value("Name").at(0), idle("Module"), idle("CommandType")]]),
    Cmdlet::new("Get-Help", "Lists the parameters of a cmdlet.", Verb::Model(command::get_help, None))
        .called(&["help", "man"])
        .with(&[&[value("Name").at(0), switch("Full"), switch("Detailed"), switch("Examples")]]),
    Cmdlet::new(
        "Get-ChildItem",
        "Lists the certificates below Cert:\\LocalMachine\\My.",
        Verb::Model(export::get_child_item, None),
    )
    .called(&["gci", "dir", "ls", "Get-Item", "gi"])
    .with(&[&[value("Path").at(0), value("LiteralPath"), switch("Recurse"), switch("Force")]]),
    Cmdlet::new(
        "Import-PfxCertificate",
        "Imports a certificate with its key into a store of Windows.",
        Verb::Model(export::import_pfx, None),
    )
    .with(&[
        &[value("FilePath").at(0), value("CertStoreLocation").at(1), value("Password"), switch("Exportable")],
        CHANGES,
    ]),
    Cmdlet::new("Get-Content", "Reads a file.", Verb::Model(windows::get_content, None))
        .called(&["gc", "cat", "type"])
        .with(&[&[
            value("Path").at(0),
            value("LiteralPath"),
            value("Encoding"),
            value("ReadCount"),
            switch("AsByteStream"),
            switch("Raw"),
        ]]),
    Cmdlet::new(
        "Set-Content",
        "Writes a file, which is kept in the lab's memory.",
        Verb::Model(windows::set_content, Some(("Value", ""))),
    )
    .called(&["Out-File", "sc"])
    .with(&[
        &[
            value("Path").at(0),
            value("Value").at(1),
            value("FilePath"),
            value("Encoding"),
            switch("AsByteStream"),
            switch("Force"),
        ],
        CHANGES,
    ]),
    Cmdlet::new("Get-Credential", "Makes a credential.", Verb::Model(windows::get_credential, None))
        .with(&[&[value("Credential").at(0), value("Message"), value("UserName")]]),
    Cmdlet::new("ConvertTo-SecureString", "Makes a password.", Verb::Model(windows::secret, None))
        .with(&[&[value("String").at(0), switch("AsPlainText"), switch("Force")]]),
    Cmdlet::new(
        "Read-Host",
        "Asks for a password, which nobody looks at.",
        Verb::Model(windows::secret, None),
    )
    .with(&[&[value("Prompt").at(0), switch("AsSecureString")]]),
    Cmdlet::new(
        "Restart-Service",
        "Changes nothing: each session loads its certificate anew.",
        Verb::Model(windows::restart_service, None),
    )
    .with(&[&[value("Name").at(0), switch("Force")], CHANGES]),
    Cmdlet::new(
        "certutil",
        "Repairs the key of a certificate, or trusts an authority.",
        Verb::Raw(windows::certutil),
    ),
];
