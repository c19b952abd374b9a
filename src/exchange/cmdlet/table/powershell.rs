//! The cmdlets of PowerShell and programs of Windows that guides use beside those of Exchange.

use super::super::signature::{Cmdlet, Verb};
use super::super::{command, export, filter, log, shape, time, windows};
use super::{CHANGES, idle, switch, value};

pub(super) static CMDLETS: &[Cmdlet] = &[
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
