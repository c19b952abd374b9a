//! Commands as they are typed in the Exchange Management Shell.
//!
//! Forms are those of the cmdlet pages: `Import-ExchangeCertificate` takes a path in 2007 and bytes since,
//! and `-Server` came with 2010.

use crate::exchange::{Computer, Profile, ReceiveConnector, Role};
use crate::pki::Thumbprint;

/// A text in double quotes, with what PowerShell reads inside them escaped (about_Quoting_Rules).
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '$' | '`') {
            quoted.push('`');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// `Set-ReceiveConnector` with one parameter.
pub(super) fn set(
    computer: &Computer,
    connector: &ReceiveConnector,
    parameter: &str,
    value: impl std::fmt::Display,
) -> String {
    let identity = quoted(&format!("{}\\{}", computer.name, connector.name));
    format!("Set-ReceiveConnector {identity} -{parameter} {value}")
}

/// `New-ReceiveConnector` for the senders at certain addresses.
pub(super) fn new_connector(computer: &Computer, connector: &ReceiveConnector) -> Vec<String> {
    let list = |items: Vec<String>| items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ");
    let role = if computer.profile >= Profile::Exchange2013 && computer.role != Role::Edge {
        format!(" -TransportRole {:?}", connector.transport_role)
    } else {
        String::new()
    };
    let fqdn = computer.fqdn_of(connector);
    let ranges = list(connector.remote_ip_ranges.iter().map(ToString::to_string).collect());
    vec![
        format!("# in place of {ranges}: the addresses that those senders come from"),
        format!(
            "New-ReceiveConnector -Name {} -Server {} -Usage Custom{role} -Bindings {} -RemoteIPRanges {ranges} -Fqdn {fqdn} -AuthMechanism {} -PermissionGroups {}",
            quoted(&connector.name),
            computer.name,
            list(connector.bindings.iter().map(ToString::to_string).collect()),
            connector.auth_mechanism,
            connector.permission_groups,
        ),
    ]
}

/// `Enable-ExchangeCertificate -Services SMTP`; `thumbprint` may be an expression.
pub(super) fn enable(computer: &Computer, thumbprint: impl std::fmt::Display) -> String {
    format!("Enable-ExchangeCertificate -Thumbprint {thumbprint} -Services SMTP{}", server(computer))
}

/// Returns the answer to give when a cmdlet asks about the default SMTP certificate.
pub(super) fn answer(yes: bool) -> String {
    let answer = if yes { "Y" } else { "N" };
    format!("# where it asks \"Overwrite the existing default SMTP certificate?\", answer {answer}")
}

/// `New-ExchangeCertificate`, self-signed, into `$cert`.
pub(super) fn self_signed(computer: &Computer, subject: &str, names: &[String]) -> String {
    format!(
        "$cert = New-ExchangeCertificate -SubjectName {} -DomainName {} -Services SMTP -PrivateKeyExportable $true{}",
        quoted(subject),
        names_of(names),
        server(computer)
    )
}

/// A request to an authority and the import of its answer, into `$cert`.
pub(super) fn request(computer: &Computer, subject: &str, names: &[String]) -> Vec<String> {
    let request = format!(
        "New-ExchangeCertificate -GenerateRequest -SubjectName {} -DomainName {} -PrivateKeyExportable $true",
        quoted(subject),
        names_of(names)
    );
    let mut commands = match computer.profile {
        Profile::Exchange2007 => vec![format!("{request} -Path C:\\request.req")],
        _ => vec![
            format!("$request = {request}{}", server(computer)),
            "Set-Content -Path C:\\request.req -Value $request".to_owned(),
        ],
    };
    commands.push("# send C:\\request.req to the authority; it answers with C:\\answer.cer".to_owned());
    commands.push(import(computer, "C:\\answer.cer", false));
    commands.push(enable(computer, "$cert.Thumbprint"));
    commands
}

/// `Import-ExchangeCertificate`, into `$cert`; a PFX asks for its password.
pub(super) fn import(computer: &Computer, file: &str, pfx: bool) -> String {
    let password = if pfx { " -Password (Get-Credential).Password" } else { "" };
    match computer.profile {
        Profile::Exchange2007 => format!("$cert = Import-ExchangeCertificate -Path {file}{password}"),
        _ => format!(
            "$cert = Import-ExchangeCertificate -FileData ([Byte[]]$(Get-Content -Path {file} -Encoding Byte -ReadCount 0)){password}{}",
            server(computer)
        ),
    }
}

/// The lines that put the name of a certificate into `$name`; `None` for the certificate in `$cert`.
pub(super) fn pin_name(computer: &Computer, thumbprint: Option<Thumbprint>) -> Vec<String> {
    let get = thumbprint.map(|thumbprint| {
        format!("$cert = Get-ExchangeCertificate -Thumbprint {thumbprint}{}", server(computer))
    });
    let name = "$name = \"<I>$($cert.Issuer)<S>$($cert.Subject)\"".to_owned();
    get.into_iter().chain([name]).collect()
}

/// `Remove-ExchangeCertificate`.
pub(super) fn remove(computer: &Computer, thumbprint: Thumbprint) -> String {
    format!("Remove-ExchangeCertificate -Thumbprint {thumbprint}{}", server(computer))
}

/// The server, where it need not be the one the Shell is connected to; on an Edge there is no other.
fn server(computer: &Computer) -> String {
    if computer.profile >= Profile::Exchange2010 && computer.role != Role::Edge {
        format!(" -Server {}", computer.name)
    } else {
        String::new()
    }
}

fn names_of(names: &[String]) -> String {
    // A wildcard needs no quotes to be read, but a person expects them.
    let name = |name: &String| if name.contains('*') { quoted(name) } else { name.clone() };
    names.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_powershell_would_read_inside_quotes_is_escaped() {
        assert_eq!(quoted(r"MAILGATE\Default x"), r#""MAILGATE\Default x""#);
        assert_eq!(quoted("a \"b\" $c `d"), "\"a `\"b`\" `$c ``d\"");
    }
}
