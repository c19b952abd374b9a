//! What administrators paste: each line does what PowerShell would make of it, or is refused.

use starttls_lab::internal::exchange::PrivateKey;
use starttls_lab::internal::exchange::cmdlet::{
    Answer, CertificateSource, ErrorKind, MailQueue, Nobody, Shell, ShellState, cmdlets,
};

use super::world::{Screen as _, World, built, computers, now, on_paper};

/// A server with a certificate of its own, one that is about to end, and one that is not; the names of the
/// two are many.
const LAB: &str = r#"
title = "what is pasted"
[[computer]]
name = "EX01"
fqdn = "EX01.contoso.com"
role = "mailbox"
profile = "exchange-2019"
[[computer.certificate]]
label = "default"
subject = "CN=EX01"
names = ["EX01", "EX01.contoso.com"]
issuer = "self"
services = ["IMAP", "POP", "IIS", "SMTP"]
not_before = "2009-01-01"
not_after = "2015-01-01"
[[computer.certificate]]
label = "old"
subject = "CN=mail.contoso.com, O=Contoso"
names = ["mail.contoso.com", "autodiscover.contoso.com"]
issuer = "CN=Contoso CA, O=Contoso"
services = ["IIS", "SMTP"]
not_before = "2009-01-01"
not_after = "2010-10-10"
[[computer.certificate]]
label = "new"
subject = "CN=mail.contoso.com, O=Contoso"
names = ["mail.contoso.com"]
issuer = "CN=Contoso CA, O=Contoso"
services = ["IIS"]
not_before = "2010-09-01"
not_after = "2011-12-10"
[[computer.receive_connector]]
name = "Internet EX01"
usage = "Custom"
fqdn = "mail.contoso.com"
bindings = ["0.0.0.0:25", "[::]:25"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
"#;

fn world() -> World {
    World::on(built(LAB, "pasted"), 0)
}

/// The labels of the certificates that a pipeline ends with, in their order.
fn labels(world: &mut World, script: &str) -> String {
    world.screen(&format!("({script}) | % {{ $_.FriendlyName }}")).lines().collect::<Vec<_>>().join(" ")
}

#[test]
fn certificates_are_filtered_by_what_their_properties_are() {
    for (filter, expected) in [
        ("where {$_.NotAfter -lt '12/31/2010'}", "old"),
        ("where {$_.NotAfter -lt '12/31/2010' -and $_.IsSelfSigned -eq $false}", "old"),
        ("where {$_.NotAfter -gt (Get-Date).AddDays(30)}", "default new"),
        ("where {$_.NotAfter -lt (Get-Date).AddDays(30)}", "old"),
        ("? NotAfter -lt (Get-Date '12/31/2010')", "old"),
        ("? NotAfter -lt 12/31/2010", "old"),
        ("where {$_.NotAfter -lt [datetime]'2010-12-31'}", "old"),
        ("where {($_.NotAfter - (Get-Date)).TotalDays -lt 30}", "old"),
        ("where {($_.NotAfter - [datetime]::Now).Days -gt 1000}", "default"),
        ("where {$_.Services -match 'SMTP'}", "default old"),
        ("where {$_.Services -notmatch 'SMTP'}", "new"),
        ("where {$_.Services -like '*SMTP*' -and -not $_.IsSelfSigned}", "old"),
        ("where {!$_.IsSelfSigned}", "old new"),
        ("where {!($_.IsSelfSigned) -or $_.Subject -eq 'cn=ex01'}", "default old new"),
        ("? IsSelfSigned", "default"),
        ("? -Not IsSelfSigned", "old new"),
        ("? Subject -like 'CN=[a-m]*'", "default old new"),
        ("? Subject -clike 'CN=[a-z]*'", "old new"),
        ("? Status -eq Valid", "default old new"),
        ("? Status -in 'Valid','DateInvalid'", "default old new"),
        ("where {$_.CertificateDomains -contains 'autodiscover.contoso.com'}", "old"),
        ("where {$_.CertificateDomains -eq 'autodiscover.contoso.com'}", "old"),
        ("where {$_.CertificateDomains -like '*ex01*'}", "default"),
        ("where {'mail.contoso.com' -in $_.CertificateDomains}", "old new"),
        ("where {$_.Services -eq 'SMTP,IIS'}", "old"),
        ("where {$null -eq $_.FriendlyName}", ""),
        ("where {$null -ne $_.FriendlyName}", "default old new"),
        ("where {$_.PublicKeySize -ge 256}", "default old new"),
        ("sort NotAfter", "old new default"),
        ("sort NotAfter -Descending | select -First 1", "default"),
        (
            "Sort-Object @{e={$_.NotBefore}; Descending=$true}, Subject | select -Last 2 -Skip 0",
            "default old",
        ),
        ("select -First 1 -Last 1", "default new"),
        ("where {$_.Subject -match '^CN=mail\\.(?<zone>\\w+)' -and $Matches.zone -eq 'contoso'}", "old new"),
    ] {
        assert_eq!(
            labels(&mut world(), &format!("Get-ExchangeCertificate | {filter}")),
            expected,
            "{filter}"
        );
    }
}

#[test]
fn what_is_calculated_is_what_powershell_calculates() {
    for (script, expected) in [
        ("1 + 2 * 3", "7"),
        ("'1' + 2", "12"),
        ("1 + '2'", "3"),
        ("7 / 2", "3.5"),
        ("10MB / 1KB", "10240"),
        ("'{0} of {1:N0}' -f 'a', 12345", "a of 12,345"),
        ("\"{0:yyyy-MM-dd}\" -f (Get-Date '12/31/2010')", "2010-12-31"),
        ("'a,b' -split ','", "a\nb"),
        ("'a','b' -join '; '", "a; b"),
        ("'mail.contoso.com' -replace '^(\\w+)\\..*', '$1!'", "mail!"),
        ("'9' -lt 10", "False"),
        ("9 -lt '10'", "True"),
        ("$true -eq 'anything'", "True"),
        ("@('a','b','A') -eq 'a'", "a\nA"),
        ("@('a','b','A') -ceq 'a'", "a"),
        ("(1,2,3)[-1]", "3"),
        ("@{a=1; b='x'}.b", "x"),
        ("$x = 1,2; $x += 3; $x.Count", "3"),
        ("$x = @(); $x.Count", "0"),
        ("(1..4 | measure -Sum).Sum", "10"),
        ("1..3 | ForEach-Object { $_ * 2 }", "2\n4\n6"),
        ("if ((Get-Date).Year -eq 2010) { 'then' } else { 'now' }", "then"),
        ("foreach ($c in Get-ReceiveConnector) { $c.Name.ToUpper() }", "INTERNET EX01"),
        ("\"today: $(Get-Date -Format yyyy-MM-dd)\"", "today: 2010-09-28"),
        ("\"$(Get-Date '1/2/2026 13:05')\"", "01/02/2026 13:05:00"),
        ("(Get-Date '1/2/2026 13:05').ToString()", "1/2/2026 1:05:00 PM"),
        ("(New-TimeSpan -Days 2).TotalHours", "48"),
        ("'12/31/2010' -as [datetime]", "12/31/2010 12:00:00 AM"),
        ("('x' -as [int]) -eq $null", "True"),
        ("5 -is [int]", "True"),
        ("'Tls' -in 'tls','ExchangeServer'", "True"),
        ("\u{201c}a\u{201d} + \u{2018}b\u{2019}", "ab"),
        ("('a' + `\n  'b')  # continued", "ab"),
        ("[string]::IsNullOrEmpty('')", "True"),
        ("(Get-ReceiveConnector).Bindings -eq '[::]:25'", "[::]:25"),
        ("(Get-ReceiveConnector).Bindings.Count", "2"),
        ("(Get-ReceiveConnector).MaxMessageSize -gt 10MB", "True"),
        ("(Get-ReceiveConnector).MaxMessageSize.ToMB()", "36"),
        ("(Get-ReceiveConnector).TarpitInterval -eq '00:00:05'", "True"),
        ("(Get-ReceiveConnector).AuthMechanism -eq 'TLS'", "True"),
        ("(Get-ReceiveConnector).TlsCertificateName -eq $null", "True"),
        ("(Get-ReceiveConnector).MaxHopCount + 1", "61"),
    ] {
        assert_eq!(world().screen(script).trim_end(), expected, "{script}");
    }
}

#[test]
fn what_cannot_be_answered_rightly_is_refused_with_the_reason() {
    for (script, kind, words) in [
        (
            "Get-ExchangeCertificate | ? {$_.NotAfter -lt '31/12/2026'}",
            ErrorKind::Argument,
            "not a valid DateTime",
        ),
        ("Get-ExchangeCertificate | ? {$_.NotAfter -lt 30}", ErrorKind::Argument, "ticks"),
        ("Get-ExchangeCertificate | ? {$_.Status -eq 'Vald'}", ErrorKind::Argument, "not one of"),
        ("Get-ExchangeCertificate | ? {$_.NotAftr -lt 5}", ErrorKind::UnknownName, "NotAfter"),
        ("Get-ExchangeCertificate | ? NotAftr -lt 5", ErrorKind::UnknownName, "NotAfter"),
        ("Get-ExchangeCertificate | ? {$_.Subject -match '('}", ErrorKind::Argument, "regular expression"),
        ("Get-ExchangeCertificate | ? {$_.Subject -like '[a'}", ErrorKind::Argument, "not valid: [a"),
        ("Get-ExchangeCertificate | ? {$_ -eq 'x'}", ErrorKind::Argument, "$_.Name"),
        ("$_", ErrorKind::UnknownName, "pipeline"),
        ("(Get-Date).AddDays('x')", ErrorKind::Argument, "not a number"),
        ("'abc'.Foo()", ErrorKind::UnknownName, ".Foo()"),
        ("[xml]'<a/>'", ErrorKind::Syntax, "[xml]"),
        ("[math]::Pow(2,3)", ErrorKind::Syntax, "not supported"),
        ("'{1}' -f 'a'", ErrorKind::Argument, "asks for {1}"),
        ("1 / 0", ErrorKind::Argument, "divide by zero"),
        ("'x' * 100000000", ErrorKind::Argument, "too long"),
        ("1..50000 | % { 1..50000 }", ErrorKind::Argument, "more than"),
        ("1..1000 | % { 'x' * 1000000 }", ErrorKind::Argument, "more than"),
        ("$a = 1..40000; $a | % { $a }", ErrorKind::Argument, "more than"),
        ("$a = 'x' * 900000; 1..5000 | % { $a }", ErrorKind::Argument, "more than"),
        ("foreach ($a in 1..50000) { foreach ($b in 1..50000) { $b } }", ErrorKind::Argument, "more than"),
        ("$p = @{Thumbprint='x'}; Get-ExchangeCertificate @p", ErrorKind::Syntax, "splatting"),
        ("$p.x = 5", ErrorKind::Syntax, "only a variable"),
    ] {
        let error = world().refusal(script);
        assert!(error.kind == kind && error.message.contains(words), "{script}\n{error}");
    }
}

#[test]
fn a_text_that_says_false_is_true_and_a_warning_says_so() {
    let mut world = world();
    let outcome = world.run("Get-ExchangeCertificate | ? {$_.IsSelfSigned -eq 'False'}").unwrap();
    assert_eq!(outcome.output()[0].values.len(), 1);
    assert_eq!(outcome.warnings().len(), 1);
    assert!(outcome.warnings()[0].contains("write $false"), "{:?}", outcome.warnings());
}

#[test]
fn a_pin_is_built_of_issuer_and_subject_in_every_way_that_guides_have() {
    for build in [
        "('<I>'+$cert.Issuer+'<S>'+$cert.Subject)",
        "(\u{2018}<I>\u{2019}+$cert.Issuer+\u{201c}<S>\u{201d}+$cert.Subject)",
        "\"<I>$($cert.Issuer)<S>$($cert.Subject)\"",
        "(\"<I>{0}<S>{1}\" -f $cert.Issuer,$cert.Subject)",
        "$name",
    ] {
        let mut world = world();
        let new = world.thumbprint("new");
        world.screen(&format!(
            "$cert = Get-ExchangeCertificate -Thumbprint {new}\n$name = '<I>' + $cert.Issuer + '<S>' + $cert.Subject"
        ));
        world.screen(&format!("Set-ReceiveConnector 'EX01\\Internet EX01' -TlsCertificateName {build}"));
        let pin = world.connector().tls_certificate_name.to_string();
        assert_eq!(pin, "<I>CN=Contoso CA, O=Contoso<S>CN=mail.contoso.com, O=Contoso", "{build}");
    }
}

#[test]
fn the_certificate_that_ends_is_removed_and_no_other() {
    let mut world = world();
    world.screen(
        "Get-ExchangeCertificate | where {$_.NotAfter -lt '12/31/2010' -and $_.IsSelfSigned -eq $false} | Remove-ExchangeCertificate -Confirm:$false",
    );
    assert_eq!(labels(&mut world, "Get-ExchangeCertificate"), "default new");
}

#[test]
fn a_certificate_is_renewed_with_its_subject_its_names_and_its_services() {
    let mut world = world();
    world.overwrite = Some(Answer::No);
    let old = world.thumbprint("old");
    world.certificate = Some(on_paper("CN=renewed", "CN=renewed", &["renewed".to_owned()]));
    world.screen(&format!("Get-ExchangeCertificate -Thumbprint {old} | New-ExchangeCertificate"));
    let CertificateSource::SelfSigned(wanted) = &world.requests[0].source else { panic!() };
    assert_eq!(wanted.subject, "CN=mail.contoso.com, O=Contoso");
    assert_eq!(wanted.names, ["mail.contoso.com", "autodiscover.contoso.com"]);
    assert_eq!(wanted.services.to_string(), "IIS, SMTP");
    world.screen(&format!(
        "$req = Get-ExchangeCertificate {old} | New-ExchangeCertificate -GenerateRequest -PrivateKeyExportable $true"
    ));
    assert!(world.screen("$req").contains("mail.contoso.com, autodiscover.contoso.com"));
}

#[test]
fn a_certificate_is_exported_with_its_key_and_imported_elsewhere() {
    let mut world = World::on(computers("internal-certificate-gone"), 0);
    let label = world.computer().store.iter().next().unwrap().label.clone();
    let thumbprint = world.thumbprint(&label);
    world.screen(&format!(
        "$file = Export-ExchangeCertificate -Thumbprint {thumbprint} -BinaryEncoded -Password (Read-Host -AsSecureString)\n[System.IO.File]::WriteAllBytes('C:\\out.pfx', $file.FileData)"
    ));
    world.moved_to("EDGE01");
    let import = "Import-ExchangeCertificate -FileData ([System.IO.File]::ReadAllBytes('C:\\out.pfx'))";
    assert!(world.refusal(import).message.contains("-Password"));
    world.screen(&format!("{import} -Password (Read-Host -AsSecureString)"));
    assert_eq!(world.computer().store.find(thumbprint).unwrap().private_key, PrivateKey::Present);
}

#[test]
fn a_pfx_that_windows_imports_is_readable_for_transport_once_it_is_enabled() {
    let mut world = world();
    world.overwrite = Some(Answer::No);
    let thumbprint = world.thumbprint("old");
    world.screen(&format!(
        "Export-ExchangeCertificate {thumbprint} -FileName C:\\old.pfx -Password (Read-Host)\nRemove-ExchangeCertificate {thumbprint} -Confirm:$false"
    ));
    let import = "Import-PfxCertificate -FilePath C:\\old.pfx -Password (Read-Host -AsSecureString)";
    let outcome = world.run(import).unwrap();
    assert!(outcome.warnings()[0].contains("not the store that Exchange looks into"));
    world.screen(&format!("{import} -CertStoreLocation Cert:\\LocalMachine\\My"));
    let key = |world: &World| world.computer().store.find(thumbprint).unwrap().private_key;
    assert_eq!(key(&world), PrivateKey::Unreadable);
    world.screen(&format!("Enable-ExchangeCertificate {thumbprint} -Services SMTP"));
    assert_eq!(key(&world), PrivateKey::Present);
}

#[test]
fn a_certificate_without_key_is_listed_by_windows_and_repaired_by_serial_thumbprint_or_name() {
    let listed =
        "Get-ChildItem Cert:\\LocalMachine\\My | ? {-not $_.HasPrivateKey} | select -Expand Thumbprint";
    for nth in 0..5 {
        let mut world = World::of("private-key-missing");
        let thumbprint = world.thumbprint("mail").to_string();
        assert_eq!(world.screen(listed).trim(), thumbprint);
        let serial = world.stored("mail").facts.serial_number.clone();
        let names = [&serial, &serial.to_lowercase(), &thumbprint, &thumbprint.to_lowercase(), "\"mail\""];
        let name = names[nth];
        assert!(world.screen("certutil -store my").contains("No key provider information"));
        world.screen(&format!("certutil -repairstore my {name}"));
        assert_eq!(world.stored("mail").private_key, PrivateKey::Present, "{name}");
    }
    let error = World::of("private-key-missing").refusal("certutil -repairstore my nobody");
    assert!(error.message.contains("nobody"), "{error}");
}

#[test]
fn the_internal_transport_certificate_is_set_by_its_thumbprint() {
    let mut world = world();
    let new = world.thumbprint("new");
    world.screen(&format!("Set-TransportService EX01 -InternalTransportCertificateThumbprint {new}"));
    assert_eq!(world.computer().internal_transport_certificate, Some(new));
    let gone = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709";
    let said = world.screen(&format!(
        "Get-TransportService | Set-TransportService -InternalTransportCertificateThumbprint {gone}"
    ));
    assert!(said.contains("12013"), "{said}");
    assert!(world.screen("Get-TransportService | fl").contains(gone));
}

#[test]
fn queues_are_listed_filtered_and_tried_again() {
    let computers = built(LAB, "pasted");
    let queues = [MailQueue {
        computer: "EX01".to_owned(),
        next_hop: "fabrikam.com".to_owned(),
        messages: 2,
        next_retry: Some(now()),
        last_error: Some("451 4.4.0".to_owned()),
    }];
    let state = ShellState::default();
    let shell =
        Shell { computers: &computers, here: "EX01", now: now(), events: &[], queues: &queues, state };
    let screen = |script: &str| {
        let outcome = shell.run(script, &mut Nobody);
        assert_eq!(outcome.error, None, "{script}");
        outcome.screen()
    };
    let all = screen("Get-Queue");
    assert!(all.contains("EX01\\Submission") && all.contains("EX01\\1"), "{all}");
    for filter in [
        "Get-Queue | ? Status -eq Retry",
        "Get-Queue -Filter \"Status -eq 'Retry' -and MessageCount -gt 1\"",
        "Get-Queue 'EX01\\1'",
    ] {
        let found = screen(&format!("({filter}).NextHopDomain"));
        assert_eq!(found.trim(), "fabrikam.com", "{filter}");
    }
    assert!(screen("Retry-Queue -Filter \"Status -eq 'Retry'\"").contains("nothing delivers here"));
    assert!(shell.run("Get-Queue EX01\\7", &mut Nobody).error.is_some());
}

#[test]
fn servers_and_edges_are_listed() {
    let mut world = world();
    assert!(world.screen("Get-MailboxServer").contains("EX01.contoso.com"));
    let loops =
        "Get-MailboxServer | % { Get-ExchangeCertificate -Server $_.Name } | measure | select -Expand Count";
    assert_eq!(world.screen(loops).trim(), "3");
    let mut inside = World::on(computers("internal-certificate-gone"), 0);
    let tested = inside.screen("Test-EdgeSynchronization | fl Name, SyncStatus");
    let subscribed = !inside.computer().edge_subscriptions.is_empty();
    assert_eq!(tested.contains("SyncStatus"), subscribed, "{tested}");
}

#[test]
fn all_cmdlets_are_listed_on_request_and_each_has_its_help() {
    let mut world = world();
    let all = world.screen("Get-Command");
    for cmdlet in cmdlets(starttls_lab::internal::exchange::Profile::Exchange2019) {
        assert!(all.contains(cmdlet.name), "{}", cmdlet.name);
        let help = world.screen(&format!("Get-Help {}", cmdlet.name));
        assert!(help.contains(cmdlet.synopsis), "{help}");
    }
    let queues = world.screen("Get-Command *-Queue | % Name");
    assert_eq!(queues.trim(), "Get-Queue\nRetry-Queue");
    let error = world.refusal("Get-Qeue");
    assert!(error.message.contains("Near it: Get-Queue. "), "{error}");
    let error = world.refusal("Invoke-Frobnication");
    assert!(!error.message.contains("Near it"), "{error}");
}

#[test]
fn calculated_properties_are_columns() {
    let script = "Get-ExchangeCertificate | select FriendlyName, @{n='Days'; e={($_.NotAfter - $_.NotBefore).Days}} | ? Days -lt 500 | ft -AutoSize";
    assert_eq!(world().screen(script), "\nFriendlyName Days\n------------ ----\nnew          465\n\n");
    let list = world()
        .screen("Get-ReceiveConnector | fl Name, @{Name='Tls'; Expression={$_.AuthMechanism -match 'Tls'}}");
    assert_eq!(list, "\nName : Internet EX01\nTls  : True\n\n");
}
