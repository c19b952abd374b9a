//! Send connectors: looked at, changed, made, removed, and refused.

use std::sync::Arc;

use starttls_lab::internal::exchange::cmdlet::ErrorKind::{self, Argument, NotFound, Refused, UnknownName};
use starttls_lab::internal::exchange::cmdlet::{Answer, Value};
use starttls_lab::internal::exchange::{Nullable, SendConnector, SendUsage};

use super::world::{Screen as _, World, built};

/// A Mailbox server of 2019 with a connector that goes by DNS and one with a smart host, and a second server.
const SERVERS: &str = r#"
title = "Two servers"
story = "Nothing is wrong."
cure = "None."

[[computer]]
name = "EX01"
fqdn = "ex01.contoso.test"
role = "mailbox"
profile = "exchange-2019"
[[computer.certificate]]
label = "default"
subject = "CN=EX01"
names = ["EX01", "ex01.contoso.test"]
services = ["SMTP"]
[[computer.certificate]]
label = "mail"
subject = "CN=mail.contoso.test"
names = ["mail.contoso.test"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "Default Frontend EX01"
usage = "DefaultFrontend"
bindings = ["0.0.0.0:25"]
[[computer.send_connector]]
name = "To Internet"
[[computer.send_connector]]
name = "To smart host"
address_spaces = ["SMTP:fabrikam.test;5", "SMTP:*.fabrikam.test;5"]
smart_hosts = ["relay.fabrikam.test", "10.0.0.25"]

[[computer]]
name = "EX02"
fqdn = "ex02.contoso.test"
role = "mailbox"
profile = "exchange-2019"
address = "127.0.0.2"
[[computer.send_connector]]
name = "To Internet"
"#;

fn servers() -> World {
    World::on(built(SERVERS, "servers"), 0)
}

fn connector<'a>(world: &'a World, name: &str) -> &'a SendConnector {
    world.computer().send_connector(name).unwrap()
}

#[test]
fn a_connector_is_a_list_in_the_order_of_the_cmdlet() {
    assert_eq!(
        servers().screen("Get-SendConnector 'to smart host' | Format-List"),
        "
DNSRoutingEnabled            : False
TlsDomain                    :
TlsAuthLevel                 :
SmartHosts                   : {relay.fabrikam.test, [10.0.0.25]}
Port                         : 25
ConnectionInactivityTimeOut  : 00:10:00
ForceHELO                    : False
IgnoreSTARTTLS               : False
Fqdn                         :
TlsCertificateName           :
RequireTLS                   : False
Enabled                      : True
ProtocolLoggingLevel         : None
SmartHostAuthMechanism       : None
AuthenticationCredential     :
DomainSecureEnabled          : False
SmtpMaxMessagesPerConnection : 20
SmartHostsString             : relay.fabrikam.test,[10.0.0.25]
AddressSpaces                : {SMTP:fabrikam.test;5, SMTP:*.fabrikam.test;5}
SourceTransportServers       : {EX01}
Name                         : To smart host
Identity                     : To smart host

"
    );
}

#[test]
fn what_two_servers_have_alike_is_one_connector_with_two_sources() {
    let mut world = servers();
    assert_eq!(
        world.screen("Get-SendConnector"),
        "
Identity      AddressSpaces                                  Enabled
--------      -------------                                  -------
To Internet   {SMTP:*;1}                                     True
To smart host {SMTP:fabrikam.test;5, SMTP:*.fabrikam.test;5} True

"
    );
    assert_eq!(world.screen("(Get-SendConnector *internet).SourceTransportServers"), "EX01\nEX02\n");
    let outcome = world.run("Set-SendConnector 'To Internet' -Fqdn mail.contoso.test").unwrap();
    assert_eq!(outcome.changed, ["EX01", "EX02"], "it changes wherever it runs");
}

#[test]
fn a_name_that_means_two_connectors_is_refused() {
    let mut world = servers();
    let other = Arc::make_mut(&mut world.computers[1]);
    Arc::make_mut(&mut other.send_connectors[0]).port = 2525;
    let error = world.refusal("Set-SendConnector 'To Internet' -Enabled $false");
    assert!(
        error.message.contains("'To Internet' matches multiple entries: one on EX01, one on EX02"),
        "{error}"
    );
    assert_eq!(world.screen("Get-SendConnector 'To Int*'").matches("To Internet").count(), 2);
}

#[test]
fn every_parameter_is_set_by_the_words_that_show_it() {
    let mut world = servers();
    let script =
        "Get-SendConnector 'To smart host' | Set-SendConnector -Enabled $false -Fqdn out.contoso.test `
        -AddressSpaces 'SMTP:*;1','SMTP:contoso.com;5' -SmartHosts @{Remove='[10.0.0.25]'} -Port 2525 `
        -SmartHostAuthMechanism externalauthoritative -RequireTLS $true -TlsAuthLevel DomainValidation `
        -TlsDomain '*.fabrikam.test' -TlsCertificateName '<I>CN=CA<S>CN=mail' -ForceHELO $true `
        -ConnectionInactivityTimeOut 00:05:00 -SmtpMaxMessages 5 -ProtocolLoggingLevel Verbose -Name Out `
        -MaxMessageSize 35MB -Force";
    let outcome = world.run(script).unwrap();
    assert_eq!(outcome.warnings(), ["-MaxMessageSize makes no difference in a lab."]);
    let shown = world.screen("Get-SendConnector Out | fl");
    for row in [
        "TlsDomain                    : *.fabrikam.test",
        "TlsAuthLevel                 : DomainValidation",
        "SmartHosts                   : {relay.fabrikam.test}",
        "Port                         : 2525",
        "ConnectionInactivityTimeOut  : 00:05:00",
        "ForceHELO                    : True",
        "Fqdn                         : out.contoso.test",
        "TlsCertificateName           : <I>CN=CA<S>CN=mail",
        "RequireTLS                   : True",
        "Enabled                      : False",
        "ProtocolLoggingLevel         : Verbose",
        "SmartHostAuthMechanism       : ExternalAuthoritative",
        "SmtpMaxMessagesPerConnection : 5",
        "AddressSpaces                : {SMTP:*;1, SMTP:contoso.com;5}",
    ] {
        assert!(shown.lines().any(|line| line == row), "{row}\n{shown}");
    }
    world.screen(
        "Set-SendConnector Out -TlsDomain $null -TlsAuthLevel $null -Fqdn $null -TlsCertificateName:$null",
    );
    let connector = connector(&world, "out");
    assert_eq!((&connector.fqdn, &connector.tls_auth_level), (&Nullable::NULL, &Nullable::NULL));
}

#[test]
fn smart_hosts_and_dns_give_way_to_each_other() {
    let mut world = servers();
    world.screen("Set-SendConnector 'To Internet' -SmartHosts relay.contoso.test");
    assert!(!connector(&world, "To Internet").dns_routing_enabled);
    world.screen("Set-SendConnector 'To Internet' -DNSRoutingEnabled $true");
    assert!(connector(&world, "To Internet").smart_hosts.is_empty());
}

#[test]
fn setting_what_is_set_already_changes_nothing_and_says_so() {
    let outcome = servers().run("Set-SendConnector 'To Internet' -Port 25").unwrap();
    assert!(outcome.changed.is_empty());
    assert!(outcome.warnings()[0].contains("no settings of 'To Internet' have been modified"));
}

#[test]
fn a_connector_runs_on_the_servers_that_it_names() {
    let mut world = servers();
    world.screen("Set-SendConnector 'To smart host' -SourceTransportServers EX02");
    assert!(world.computer().send_connector("To smart host").is_none());
    assert!(world.called("EX02").send_connector("To smart host").is_some());
    let outcome =
        world.run("Set-SendConnector 'To smart host' -SourceTransportServers @('EX02','ex01.contoso.test')");
    assert_eq!(outcome.unwrap().changed, ["EX01"]);
    assert!(world.computer().send_connector("To smart host").is_some());
}

#[test]
fn a_new_connector_runs_here_unless_told_otherwise_and_can_be_removed() {
    let mut world = servers();
    let made =
        world.run("New-SendConnector -Name 'Partner' -AddressSpaces 'SMTP:partner.test' -Partner").unwrap();
    assert_eq!(made.warnings(), ["-Partner makes no difference in a lab."]);
    assert!(matches!(made.output()[0].values[0], Value::Object(_)));
    let mut plain = SendConnector::new("Partner".to_owned(), SendUsage::Custom);
    plain.address_spaces = vec!["partner.test".parse().unwrap()];
    assert_eq!(*connector(&world, "partner"), plain);
    world.screen("New-SendConnector Elsewhere -AddressSpaces elsewhere.test -SmartHosts 10.0.0.9 -SourceTransportServers EX02");
    assert!(world.computer().send_connector("Elsewhere").is_none());
    assert!(!world.called("EX02").send_connector("Elsewhere").unwrap().dns_routing_enabled);

    world.remove = Some(Answer::No);
    world.screen("Remove-SendConnector Partner");
    assert!(world.computer().send_connector("Partner").is_some());
    world.screen("Remove-SendConnector Partner -Confirm:$false");
    assert!(world.computer().send_connector("Partner").is_none());
}

/// Each script: the kind of error, what the caret stands under, and words of the message.
const REFUSED: &[(&str, ErrorKind, &str, &str)] = &[
    (
        "Set-SendConnector 'To Internet' -TlsDomain mail.contoso.test",
        Refused,
        "mail.contoso.test",
        "The TLSDomain parameter can only be set if the TLSAuthLevel parameter is set to DomainValidation.",
    ),
    (
        "Set-SendConnector 'To Internet' -RequireTLS $true -IgnoreSTARTTLS $true",
        Refused,
        "$true",
        "IgnoreSTARTTLS has to be false while RequireTLS is true",
    ),
    (
        "Set-SendConnector 'To Internet' -TlsAuthLevel EncryptionOnly",
        Refused,
        "EncryptionOnly",
        "TlsAuthLevel needs RequireTLS $true and IgnoreSTARTTLS $false",
    ),
    (
        "Set-SendConnector 'To smart host' -DomainSecureEnabled $true",
        Refused,
        "$true",
        "DomainSecureEnabled $true needs DNSRoutingEnabled $true",
    ),
    (
        "Set-SendConnector 'To Internet' -DNSRoutingEnabled $false",
        Refused,
        "Set-SendConnector",
        "or to SmartHosts",
    ),
    ("Set-SendConnector 'To Internet' -AddressSpaces '--'", Refused, "'--'", "on an Edge only"),
    ("Set-SendConnector 'To Internet' -AddressSpaces $null", Refused, "$null", "needs an address space"),
    ("Set-SendConnector 'To Internet' -Port 0", Refused, "0", "between 1 and 65535"),
    (
        "Set-SendConnector 'To Internet' -Name 'to smart host'",
        Refused,
        "'to smart host'",
        "is called 'to smart host' already",
    ),
    (
        "New-SendConnector 'to internet' -AddressSpaces a.test -SourceTransportServers EX02",
        Refused,
        "'to internet'",
        "already",
    ),
    (
        "Get-SendConnector 'EX01\\To Internet'",
        NotFound,
        "'EX01\\To Internet'",
        "couldn't be found on 'EX01'. It belongs to the organization and goes by its name alone, without a server. There are: 'To Internet', 'To smart host'",
    ),
    ("New-SendConnector x", Argument, "New-SendConnector", "parameters: AddressSpaces."),
    ("Set-SendConnector -Port 25", Argument, "Set-SendConnector", "parameters: Identity."),
    ("Set-SendConnector 'To Internet' -Port 70000", Argument, "70000", "70000 is too great a number"),
    ("Set-SendConnector 'To Internet' -Port smtp", Argument, "smtp", "not a whole number"),
    ("Set-SendConnector 'To Internet' -AddressSpaces '*;200'", Argument, "'*;200'", "between 1 and 100"),
    (
        "Set-SendConnector 'To Internet' -SmartHostAuthMechanism Ntlm",
        Argument,
        "Ntlm",
        "None, BasicAuth, BasicAuthRequireTLS",
    ),
    (
        "Set-SendConnector 'To Internet' -SourceTransportServers EX09",
        NotFound,
        "EX09",
        "From here these can be reached: EX01, EX02.",
    ),
    (
        "Set-SendConnector 'To Internet' -SourceTransportServers $null",
        Argument,
        "$null",
        "at least one server",
    ),
    (
        "Set-SendConnector 'To Internet' -Bindings 0.0.0.0:25",
        UnknownName,
        "-Bindings",
        "Set-SendConnector has: ",
    ),
];

#[test]
fn every_refusal_has_its_words_and_its_place() {
    for (script, kind, under, words) in REFUSED {
        let error = servers().refusal(script);
        assert_eq!(error.kind, *kind, "{error}");
        assert!(error.message.contains(words), "{words}\n{error}");
        let shown = error.to_string();
        let carets = shown.rsplit('\n').next().unwrap().matches('^').count();
        let place: String = script.chars().skip(error.column - 1).take(carets).collect();
        assert_eq!(place, *under, "{error}");
    }
}

#[test]
fn domain_security_is_refused_a_smart_host_rather_than_turned_off() {
    let mut world = servers();
    world.screen("Set-SendConnector 'To Internet' -DomainSecureEnabled $true");
    let error = world.refusal("Set-SendConnector 'To Internet' -SmartHosts relay.contoso.test");
    assert!(error.message.contains("DomainSecureEnabled $true needs DNSRoutingEnabled $true"), "{error}");
}

#[test]
fn a_credential_is_kept_or_taken_away_and_no_password_is_made_up() {
    let text = SERVERS.replace(
        "smart_hosts = [",
        "smart_host_auth_mechanism = \"BasicAuth\"\nauthentication_credential = { user = \"anna\", password = \"hidden\" }\nsmart_hosts = [",
    );
    let mut world = World::on(built(&text, "servers"), 0);
    let shown = world.screen("Get-SendConnector 'To smart host' | fl");
    assert!(shown.contains("AuthenticationCredential     : System.Management.Automation.PSCredential"));
    assert!(!shown.contains("hidden"), "{shown}");
    let given = "Set-SendConnector 'To smart host' -AuthenticationCredential";
    world.screen(&format!("{given} (Get-Credential anna) -SmartHostAuthMechanism BasicAuthRequireTLS"));
    for (credential, kind, words) in [
        ("(Get-Credential bob)", Argument, "no password of 'bob' is known here"),
        ("anna", Argument, "`anna` is no credential"),
        ("$null", Refused, "BasicAuthRequireTLS needs AuthenticationCredential"),
    ] {
        let error = world.refusal(&format!("{given} {credential}"));
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
    world.screen(&format!("{given} $null -SmartHostAuthMechanism None"));
    assert_eq!(connector(&world, "To smart host").authentication_credential.0, None);
}

#[test]
fn an_older_exchange_has_fewer_parameters() {
    for (profile, parameter, since) in [
        ("exchange-2010", "-TlsCertificateName $null", "It came with exchange-2013; this is exchange-2010."),
        (
            "exchange-2007",
            "-TlsAuthLevel EncryptionOnly",
            "It came with exchange-2010; this is exchange-2007.",
        ),
    ] {
        let text = super::edge::PERIMETER.replace("exchange-2010", profile);
        let mut world = World::on(built(&text, "perimeter"), 1);
        let error = world.refusal(&format!("Set-SendConnector 'To branch' {parameter}"));
        assert_eq!(error.kind, UnknownName);
        assert!(error.message.contains(since), "{error}");
        let name = parameter.split(' ').next().unwrap().trim_start_matches('-');
        assert!(!world.screen("Get-SendConnector 'To branch' | fl").contains(name));
    }
}

#[test]
fn a_certificate_that_a_send_connector_names_is_not_removed() {
    let mut world = servers();
    let (mail, issuer) = (world.thumbprint("mail"), world.stored("mail").facts.issuer.clone());
    world.screen(&format!(
        "Get-SendConnector | Set-SendConnector -TlsCertificateName '<I>{issuer}<S>CN=mail.contoso.test'"
    ));
    assert!(world.computer().is_in_use(&world.stored("mail").facts));
    let error = world.refusal(&format!("Remove-ExchangeCertificate {mail}"));
    assert_eq!(
        error.message,
        "A special Rpc error occurs on server EX01: These certificates are tagged with following Send Connectors : To Internet, To smart host. Removing and replacing certificates from Send Connector would break the mail flow. If you still want to proceed then replace or remove these certificates from Send Connector and then try this command."
    );
    world.screen(&format!(
        "Get-SendConnector | Set-SendConnector -TlsCertificateName $null; Remove-ExchangeCertificate {mail}"
    ));
    assert!(world.computer().store.find(mail).is_none());
}
