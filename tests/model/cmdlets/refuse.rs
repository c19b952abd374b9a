//! What the cmdlets refuse, and in which words.

use std::sync::Arc;

use starttls_lab::internal::exchange::cmdlet::ErrorKind::{self, Argument, NotFound, Refused, UnknownName};
use starttls_lab::internal::exchange::{Nullable, Profile, Role};

use super::world::World;

/// Each script on its story: the kind of error, what the caret stands under, and words of the message.
/// `{label}` is the thumbprint of the certificate with that label.
const TABLE: &[(&str, &str, ErrorKind, &str, &str)] = &[
    // The FQDN guard, while ExchangeServer is in AuthMechanism.
    (
        "two-connectors-one-port",
        "Set-ReceiveConnector 'Default Frontend EX01' -Fqdn mail.contoso.com",
        Refused,
        "mail.contoso.com",
        "If the AuthMechanism attribute on a Receive connector contains the value ExchangeServer, you must set the FQDN parameter on the Receive connector to one of the following values: the FQDN of the transport server \"EX01.contoso.com\", the NetBIOS name of the transport server \"EX01\", or $null.",
    ),
    (
        "two-connectors-one-port",
        "Set-ReceiveConnector 'Relay EX01' -AuthMechanism Tls, ExchangeServer",
        Refused,
        "Tls, ExchangeServer",
        "the NetBIOS name of the transport server",
    ),
    // What depends on what.
    (
        "tls-not-in-authmechanism",
        "Set-ReceiveConnector 'Scanners EX01' -RequireTLS $true",
        Refused,
        "$true",
        "RequireTLS $true needs Tls in AuthMechanism",
    ),
    (
        "fqdn-mismatch",
        "Get-ReceiveConnector | Set-ReceiveConnector -AuthMechanism BasicAuthRequireTLS",
        Refused,
        "BasicAuthRequireTLS",
        "needs BasicAuth and Tls",
    ),
    (
        "fqdn-mismatch",
        "Get-ReceiveConnector | Set-ReceiveConnector -ConnectionInactivityTimeout 00:10:00",
        Refused,
        "00:10:00",
        "ConnectionInactivityTimeout (00:10:00) has to be shorter than ConnectionTimeout (00:05:00)",
    ),
    (
        "fqdn-mismatch",
        "Get-ReceiveConnector | Set-ReceiveConnector -TransportRole FrontendTransport",
        UnknownName,
        "-TransportRole",
        "It came with exchange-2013; this is exchange-2010.",
    ),
    (
        "healthy",
        "New-ReceiveConnector Client -Usage Client -RemoteIPRanges 192.0.2.1",
        Refused,
        "New-ReceiveConnector",
        "does not exist on an Edge",
    ),
    // Bindings and ranges.
    (
        "two-connectors-one-port",
        "New-ReceiveConnector Third -TransportRole FrontendTransport -Bindings 0.0.0.0:25 -RemoteIPRanges 127.0.0.2",
        Refused,
        "0.0.0.0:25",
        "conflict with the settings on Receive connector \"EX01\\Relay EX01\".",
    ),
    (
        "two-connectors-one-port",
        "New-ReceiveConnector Third -Bindings 0.0.0.0:25 -RemoteIPRanges 192.0.2.1",
        Refused,
        "0.0.0.0:25",
        "Receive connectors assigned to different Transport roles on a single server must listen on unique",
    ),
    (
        "two-connectors-one-port",
        "Set-ReceiveConnector 'Relay EX01' -Name 'default frontend ex01'",
        Refused,
        "'default frontend ex01'",
        "is called 'default frontend ex01' already",
    ),
    // Certificates.
    (
        "private-key-missing",
        "Enable-ExchangeCertificate {mail} -Services SMTP",
        Refused,
        "{mail}",
        "The certificate with thumbprint {mail} was found but is not valid for use with Exchange Server (reason: PrivateKeyMissing).",
    ),
    (
        "private-key-missing",
        "Get-ExchangeCertificate {mail}",
        Refused,
        "{mail}",
        "(reason: PrivateKeyMissing)",
    ),
    (
        "pin-matches",
        "Remove-ExchangeCertificate -Thumbprint {old}",
        Refused,
        "{old}",
        "tagged with following Receive Connectors : EX01\\Default Frontend EX01.",
    ),
    (
        "healthy",
        "Remove-ExchangeCertificate {mailgate}",
        Refused,
        "{mailgate}",
        "A special Rpc error occurs on server MAILGATE: The internal transport certificate cannot be removed because that would cause the Microsoft Exchange Transport service to stop.",
    ),
    (
        "healthy",
        "Enable-ExchangeCertificate DA39A3EE5E6B4B0D3255BFEF95601890AFD80709 -Services SMTP",
        NotFound,
        "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        "was not found on MAILGATE",
    ),
    (
        "healthy",
        "Enable-ExchangeCertificate {mailgate}",
        Argument,
        "Enable-ExchangeCertificate",
        "mandatory parameters: Services.",
    ),
    (
        "healthy",
        "Enable-ExchangeCertificate -Services SMTP",
        Argument,
        "Enable-ExchangeCertificate",
        "mandatory parameters: Thumbprint.",
    ),
    ("healthy", "Enable-ExchangeCertificate {mailgate} -Services MAIL", Argument, "MAIL", "IMAP, POP"),
    ("healthy", "Enable-ExchangeCertificate abc -Services SMTP", Argument, "abc", "40 hexadecimal digits"),
    ("healthy", "Import-ExchangeCertificate -FileData 'C:\\a.cer'", Argument, "'C:\\a.cer'", "ReadAllBytes"),
    (
        "healthy",
        "Import-ExchangeCertificate",
        Argument,
        "Import-ExchangeCertificate",
        "parameters: FileData.",
    ),
    ("healthy", "New-ExchangeCertificate -SubjectName mail", Argument, "mail", "-SubjectName: "),
    ("healthy", "New-ExchangeCertificate -KeySize 512", Argument, "512", "2048"),
    // Names that do not exist.
    (
        "fqdn-mismatch",
        "Set-ReceiveConnector x -TlsCertificateName $null",
        UnknownName,
        "-TlsCertificateName",
        "A parameter cannot be found that matches parameter name 'TlsCertificateName'. It came with exchange-2013",
    ),
    (
        "healthy",
        "Set-ReceiveConnector x -Fdqn y",
        UnknownName,
        "-Fdqn",
        "matches parameter name 'Fdqn'. Set-ReceiveConnector has: Fqdn, ",
    ),
    (
        "healthy",
        "Set-ReceiveConector x",
        UnknownName,
        "Set-ReceiveConector",
        "is not recognized as the name of a cmdlet, function, script file, or operable program. Near it: Set-ReceiveConnector, Get-ReceiveConnector, New-ReceiveConnector. Get-Command lists all",
    ),
    (
        "healthy",
        "Get-TransportService",
        UnknownName,
        "Get-TransportService",
        "Get-TransportService came with exchange-2013; this is exchange-2010. Near it: Get-TransportServer",
    ),
    (
        "healthy",
        "Set-ReceiveConnector x -Re y",
        UnknownName,
        "-Re",
        "is ambiguous. Possible matches include: -RemoteIPRanges -RequireTLS -RequireEHLODomain.",
    ),
    ("healthy", "\"$cert\"", UnknownName, "$cert", "$cert has not been set"),
    ("healthy", "(Get-ReceiveConnector).Fdqn", UnknownName, "(Get-ReceiveConnector).Fdqn", "there are: Fqdn"),
    (
        "healthy",
        "Get-ReceiveConnector 'MAILGATE\\Default'",
        NotFound,
        "'MAILGATE\\Default'",
        "object 'MAILGATE\\Default' couldn't be found on 'MAILGATE'. It has: 'Default internal receive connector MAILGATE'",
    ),
    (
        "healthy",
        "Get-ReceiveConnector -Server EX9",
        NotFound,
        "EX9",
        "From here these can be reached: MAILGATE.",
    ),
    // Arguments.
    (
        "healthy",
        "Get-ReceiveConnector Default internal",
        Argument,
        "internal",
        "accepts argument 'internal'. A text with blanks needs quotes: \"Default internal\".",
    ),
    ("healthy", "Set-ReceiveConnector -Fqdn a.b", Argument, "Set-ReceiveConnector", "parameters: Identity."),
    (
        "healthy",
        "Set-ReceiveConnector x -Fqdn",
        Argument,
        "-Fqdn",
        "Missing an argument for parameter 'Fqdn'.",
    ),
    ("healthy", "Set-ReceiveConnector x -Fqdn a -FQDN b", Argument, "b", "specified more than once"),
    (
        "healthy",
        "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn 10.0.0.1",
        Argument,
        "10.0.0.1",
        "-Fqdn: `10.0.0.1` is not an FQDN",
    ),
    (
        "healthy",
        "Get-ReceiveConnector | Set-ReceiveConnector -Enabled yes",
        Argument,
        "yes",
        "$True, $False, 1 or 0",
    ),
    (
        "healthy",
        "Get-ReceiveConnector | Set-ReceiveConnector -MaxHopCount $null",
        Argument,
        "$null",
        "cannot be $null",
    ),
    (
        "healthy",
        "Get-ReceiveConnector | Set-ReceiveConnector -Bindings @{Plus='[::]:25'}",
        Argument,
        "@{Plus='[::]:25'}",
        "not Add or Remove",
    ),
    (
        "pin-stale",
        "Get-ReceiveConnector | Set-ReceiveConnector -TlsCertificateName '<I>CN=a<S>CN=b</S>'",
        Argument,
        "'<I>CN=a<S>CN=b</S>'",
        "no closing tags",
    ),
    (
        "healthy",
        "New-ReceiveConnector x -Internet",
        Argument,
        "New-ReceiveConnector",
        "parameters: Bindings.",
    ),
    (
        "healthy",
        "New-ReceiveConnector x -Usage Default -Bindings 0.0.0.0:26",
        Argument,
        "Default",
        "Client, Custom",
    ),
    ("healthy", "Get-ReceiveConnector | fl | fl", Argument, "fl", "nothing can follow"),
    ("healthy", "'a' | Get-ReceiveConnector", Argument, "Get-ReceiveConnector", "nothing from a pipeline"),
    ("healthy", "Get-ReceiveConnector | ? Name -matches a", UnknownName, "-matches", "no operator -matches"),
    ("healthy", "certutil -delstore my 00", Argument, "certutil", "-repairstore my"),
    ("healthy", "Get-EventLog System", NotFound, "System", "matches \"System\""),
    ("healthy", "Get-EventLog Application", NotFound, "Get-EventLog", "No matches found"),
];

#[test]
fn every_refusal_has_its_words_and_its_place() {
    for (story, script, kind, under, words) in TABLE {
        let mut world = World::of(story);
        let fill = |text: &str| {
            let certificates = world.computer().store.iter();
            certificates.fold(text.to_owned(), |text, stored| {
                text.replace(&format!("{{{}}}", stored.label), &stored.facts.thumbprint.to_string())
            })
        };
        let (script, under, words) = (fill(script), fill(under), fill(words));
        let error = world.refusal(&script);
        assert_eq!(error.kind, *kind, "{error}");
        assert!(error.message.contains(&words), "{words}\n{error}");
        let shown = error.to_string();
        let carets = shown.rsplit('\n').next().unwrap().matches('^').count();
        let place: String = script.chars().skip(error.column - 1).take(carets).collect();
        assert_eq!(place, under, "{error}");
    }
}

#[test]
fn the_fqdn_guard_has_other_words_in_2007_and_none_on_an_edge() {
    let script = "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com";
    let mut world = World::of("fqdn-mismatch");
    let hub = Arc::make_mut(&mut world.computers[0]);
    (hub.role, hub.profile) = (Role::HubTransport, Profile::Exchange2007);
    (hub.fqdn, hub.name) = ("hub.expta.com".parse().unwrap(), "HUB".to_owned());
    Arc::make_mut(&mut hub.receive_connectors[0]).fqdn = Nullable::NULL;
    world.here = "HUB".to_owned();
    let error = world.refusal(script);
    assert_eq!(
        error.message,
        "When the AuthMechanism parameter on a Receive connector is set to the value ExchangeServer, you must set the FQDN parameter on the Receive connector to one of the following values: the FQDN of the transport server \"hub.expta.com\", the NetBios name of the transport server \"HUB\", or $null."
    );
    World::of("fqdn-mismatch").screen(script);
}
