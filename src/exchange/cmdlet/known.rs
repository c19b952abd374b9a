//! The cmdlets that are spoken here.
//!
//! Parameters are those of the Exchange PowerShell reference and of the 2007 and 2010 help.

use super::error::{Span, Wrong, nearest_first};
use super::parameters::{SETTINGS, UNMODELLED};
use super::signature::{Cmdlet, Parameter, Verb};
use super::{
    certificate, connector, edgesync, enable, issue, log, send, send_parameters, server, shape, subscribe,
    windows,
};
use crate::exchange::Profile;

/// The cmdlet called `name`, by whatever letter case or alias, on an Exchange of this version.
pub(super) fn cmdlet(name: &str, span: Span, profile: Profile) -> Result<&'static Cmdlet, Wrong> {
    let bare = name.strip_suffix(".exe").unwrap_or(name);
    let called = |cmdlet: &&Cmdlet| {
        std::iter::once(&cmdlet.name).chain(cmdlet.aliases).any(|known| known.eq_ignore_ascii_case(bare))
    };
    let there = |cmdlet: &&Cmdlet| (cmdlet.exists.0..=cmdlet.exists.1).contains(&profile);
    if let Some(found) = CMDLETS.iter().find(|cmdlet| called(cmdlet) && there(cmdlet)) {
        return Ok(found);
    }
    let hint = match CMDLETS.iter().find(called) {
        Some(other) => format!("{} came with {}; this is {profile}. ", other.name, other.exists.0),
        None => String::new(),
    };
    let names = CMDLETS.iter().filter(there).map(|cmdlet| cmdlet.name);
    let wrong = format!(
        "The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. {hint}A lab knows: {}",
        nearest_first(name, names)
    );
    Err(Wrong::unknown(span, wrong))
}

const ALWAYS: (Profile, Profile) = (Profile::Exchange2007, Profile::Exchange2019);
const SINCE_2013: (Profile, Profile) = (Profile::Exchange2013, Profile::Exchange2019);

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
const SERVER: Parameter = value("Server").since(Profile::Exchange2010);
const CHANGES: &[Parameter] = &[switch("Confirm"), switch("WhatIf")];
/// The certificate cmdlets take `SERVER\Thumbprint` since 2013.
const CERTIFICATE: &[Parameter] =
    &[value("Thumbprint").at(0), value("Identity").since(Profile::Exchange2013), SERVER];

static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "Get-ReceiveConnector",
        aliases: &[],
        verb: Verb::Model(connector::get, None),
        parameters: &[&[value("Identity").at(0), value("Server")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Set-ReceiveConnector",
        aliases: &[],
        verb: Verb::Model(connector::set, Some(("Identity", "Identity"))),
        parameters: &[&[value("Identity").at(0), value("Name")], SETTINGS, UNMODELLED, CHANGES],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "New-ReceiveConnector",
        aliases: &[],
        verb: Verb::Model(connector::new, None),
        parameters: &[
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
        ],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Remove-ReceiveConnector",
        aliases: &[],
        verb: Verb::Model(connector::remove, Some(("Identity", "Identity"))),
        parameters: &[&[value("Identity").at(0)], CHANGES],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Get-SendConnector",
        aliases: &[],
        verb: Verb::Model(send::get, None),
        parameters: &[&[value("Identity").at(0)]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Set-SendConnector",
        aliases: &[],
        verb: Verb::Model(send::set, Some(("Identity", "Identity"))),
        parameters: &[
            &[value("Identity").at(0), value("Name")],
            send_parameters::SETTINGS,
            &[value("SourceTransportServers")],
            send_parameters::UNMODELLED,
            CHANGES,
        ],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "New-SendConnector",
        aliases: &[],
        verb: Verb::Model(send::new, None),
        parameters: &[
            &[value("Name").at(0)],
            send_parameters::SETTINGS,
            &[value("SourceTransportServers")],
            send_parameters::USAGE,
            send_parameters::UNMODELLED,
            CHANGES,
        ],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Remove-SendConnector",
        aliases: &[],
        verb: Verb::Model(send::remove, Some(("Identity", "Identity"))),
        parameters: &[&[value("Identity").at(0)], CHANGES],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Start-EdgeSynchronization",
        aliases: &[],
        verb: Verb::Model(edgesync::start, None),
        parameters: &[
            &[value("Server"), value("TargetServer")],
            &[switch("ForceFullSync"), switch("ForceUpdateCookie")],
            CHANGES,
        ],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Get-EdgeSubscription",
        aliases: &[],
        verb: Verb::Model(subscribe::get, None),
        parameters: &[&[value("Identity").at(0)]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "New-EdgeSubscription",
        aliases: &[],
        verb: Verb::Model(subscribe::new, None),
        parameters: &[
            &[
                value("FileData").since(Profile::Exchange2010),
                value("FileName"),
                value("Site"),
                value("CreateInboundSendConnector"),
                value("CreateInternetSendConnector"),
                idle("AccountExpiryDuration"),
                switch("Force"),
            ],
            CHANGES,
        ],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Get-ExchangeCertificate",
        aliases: &[],
        verb: Verb::Model(certificate::get, None),
        parameters: &[CERTIFICATE, &[value("DomainName")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Enable-ExchangeCertificate",
        aliases: &[],
        verb: Verb::Model(enable::enable, Some(("Identity", "Identity"))),
        parameters: &[
            CERTIFICATE,
            &[value("Services"), switch("Force"), switch("NetworkServiceAllowed"), switch("DoNotRequireSsl")],
            CHANGES,
        ],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "New-ExchangeCertificate",
        aliases: &[],
        verb: Verb::Model(issue::new, None),
        parameters: &[
            &[
                value("SubjectName"),
                value("DomainName"),
                value("Services"),
                value("FriendlyName"),
                value("KeySize"),
                value("Path"),
                value("RequestFile"),
                SERVER,
                idle("PrivateKeyExportable"),
                idle("SubjectKeyIdentifier"),
                switch("BinaryEncoded"),
                switch("Force"),
                switch("GenerateRequest"),
                switch("IncludeAcceptedDomains"),
                switch("IncludeServerFQDN").since(Profile::Exchange2013),
                switch("IncludeServerNetBIOSName").since(Profile::Exchange2013),
            ],
            CHANGES,
        ],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Import-ExchangeCertificate",
        aliases: &[],
        verb: Verb::Model(issue::import, None),
        parameters: &[
            &[
                value("FileData").since(Profile::Exchange2010),
                value("FileName").since(Profile::Exchange2013),
                value("Path"),
                value("Password"),
                value("FriendlyName"),
                SERVER,
                idle("PrivateKeyExportable"),
            ],
            CHANGES,
        ],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Remove-ExchangeCertificate",
        aliases: &[],
        verb: Verb::Model(certificate::remove, Some(("Identity", "Identity"))),
        parameters: &[CERTIFICATE, CHANGES],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Get-TransportService",
        aliases: &[],
        verb: Verb::Model(server::get, None),
        parameters: &[&[value("Identity").at(0)]],
        exists: SINCE_2013,
    },
    Cmdlet {
        name: "Get-TransportServer",
        aliases: &[],
        verb: Verb::Model(server::get, None),
        parameters: &[&[value("Identity").at(0)]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Get-EventLog",
        aliases: &[],
        verb: Verb::Model(log::get_event_log, None),
        parameters: &[&[
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
        ]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Get-WinEvent",
        aliases: &[],
        verb: Verb::Model(log::get_win_event, None),
        parameters: &[&[
            value("LogName").at(0),
            value("ComputerName"),
            value("FilterHashtable"),
            value("MaxEvents"),
            value("ProviderName"),
            switch("Oldest"),
        ]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Format-List",
        aliases: &["fl"],
        verb: Verb::Shape(shape::format_list),
        parameters: &[&[value("Property").at(0)]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Format-Table",
        aliases: &["ft"],
        verb: Verb::Shape(shape::format_table),
        parameters: &[&[value("Property").at(0), switch("AutoSize"), switch("Wrap")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Select-Object",
        aliases: &["select"],
        verb: Verb::Shape(shape::select_object),
        parameters: &[&[value("Property").at(0), value("ExpandProperty"), value("First"), value("Last")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Where-Object",
        aliases: &["where", "?"],
        verb: Verb::Raw(shape::where_object),
        parameters: &[],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Get-Content",
        aliases: &["gc", "cat", "type"],
        verb: Verb::Model(windows::get_content, None),
        parameters: &[&[
            value("Path").at(0),
            value("LiteralPath"),
            value("Encoding"),
            value("ReadCount"),
            switch("AsByteStream"),
            switch("Raw"),
        ]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Set-Content",
        aliases: &[],
        verb: Verb::Model(windows::set_content, Some(("Value", ""))),
        parameters: &[&[value("Path").at(0), value("Value").at(1), value("Encoding")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Get-Credential",
        aliases: &[],
        verb: Verb::Model(windows::get_credential, None),
        parameters: &[&[value("Credential").at(0), value("Message"), value("UserName")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "ConvertTo-SecureString",
        aliases: &[],
        verb: Verb::Model(windows::secret, None),
        parameters: &[&[value("String").at(0), switch("AsPlainText"), switch("Force")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Read-Host",
        aliases: &[],
        verb: Verb::Model(windows::secret, None),
        parameters: &[&[value("Prompt").at(0), switch("AsSecureString")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "Restart-Service",
        aliases: &[],
        verb: Verb::Model(windows::restart_service, None),
        parameters: &[&[value("Name").at(0), switch("Force")]],
        exists: ALWAYS,
    },
    Cmdlet {
        name: "certutil",
        aliases: &[],
        verb: Verb::Raw(windows::certutil),
        parameters: &[],
        exists: ALWAYS,
    },
];
