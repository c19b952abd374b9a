//! Cmdlets that change something, on the stories that need it.

use starttls_lab::internal::exchange::cmdlet::{
    Answer, CertificateSource, ErrorKind, Nobody, Question, Shell, ShellState, Value,
};
use starttls_lab::internal::exchange::{
    InternalTransport, Nullable, Outcome, PrivateKey, Profile, ReceiveConnector, Services, TransportRole,
};

use super::world::{Screen as _, World, computers, now, on_paper};

const SEED: &str = "fqdn-mismatch";
const SEED_CONNECTOR: &str = "'MAILGATE\\Default internal receive connector MAILGATE'";

#[test]
fn the_seed_is_mended_by_the_fqdn_of_the_certificate() {
    let mut world = World::of(SEED);
    assert_eq!(world.selection().outcome, Outcome::Withheld);
    world.screen(&format!("Set-ReceiveConnector {SEED_CONNECTOR} -Fqdn mailgate.expta.com"));
    assert_eq!(world.offered().as_deref(), Some("mailgate"));
}

#[test]
fn the_seed_is_mended_by_a_certificate_that_the_server_signs_itself() {
    let mut world = World::of(SEED);
    world.overwrite = Some(Answer::No);
    world.screen("New-ExchangeCertificate -DomainName mail.expta.com, mailgate.expta.com -Services SMTP");
    assert_eq!(world.offered().as_deref(), Some("new"));
    let CertificateSource::SelfSigned(wanted) = &world.requests[0].source else { panic!() };
    assert_eq!((wanted.subject.as_str(), wanted.key_size), ("CN=mail.expta.com", 2048));
    assert_eq!(wanted.names, ["mail.expta.com", "mailgate.expta.com"]);
    assert_eq!(world.stored("new").services, Services::SMTP);
}

#[test]
fn the_seed_is_mended_by_a_request_to_an_authority_and_its_answer() {
    let mut world = World::of(SEED);
    world.overwrite = Some(Answer::No);
    world.screen("$req = New-ExchangeCertificate -GenerateRequest -SubjectName 'CN=mail.expta.com, O=Expta'");
    world.screen("Set-Content -Path C:\\req.txt -Value $req");
    assert!(world.screen("Get-Content C:\\req.txt").contains("mail.expta.com"));
    assert!(world.requests.is_empty() && world.selection().outcome == Outcome::Withheld);
    world
        .screen("$cert = Import-ExchangeCertificate -FileData ([System.IO.File]::ReadAllBytes('C:\\a.cer'))");
    let CertificateSource::Authority { wanted, file } = &world.requests[0].source else { panic!() };
    assert_eq!((wanted.names.join(" "), file.as_str()), ("mail.expta.com".to_owned(), "C:\\a.cer"));
    assert_eq!(world.selection().outcome, Outcome::Withheld, "imported is not enabled");
    world.screen("Enable-ExchangeCertificate $cert.Thumbprint -Services SMTP");
    assert_eq!(world.offered().as_deref(), Some("new"));
}

#[test]
fn what_the_event_advises_changes_nothing_where_the_name_is_the_problem() {
    let mut world = World::of(SEED);
    let (before, thumbprint) = (world.selection(), world.thumbprint("mailgate"));
    world.screen(&format!("Enable-ExchangeCertificate -Thumbprint {thumbprint} -Services SMTP"));
    assert_eq!((before.outcome.clone(), world.selection()), (Outcome::Withheld, before));
}

#[test]
fn enabling_asks_with_both_certificates_and_the_answer_decides_on_the_internal_one() {
    let script = |world: &World| {
        format!("Enable-ExchangeCertificate -Thumbprint {} -Services SMTP", world.thumbprint("mail"))
    };
    for (answer, moves) in [(Answer::No, false), (Answer::Yes, true)] {
        let mut world = World::of("smtp-not-assigned");
        let (mail, default) = (world.thumbprint("mail"), world.thumbprint("default"));
        world.overwrite = Some(answer);
        let outcome = world.run(&script(&world)).unwrap();
        let (prompt, given) = outcome.answered()[0];
        assert_eq!((prompt.question, given), (Question::OverwriteDefaultSmtpCertificate, answer));
        let text = &prompt.text;
        assert!(text.starts_with("Confirm\nOverwrite the existing default SMTP certificate?\n\nCurrent"));
        assert!(text.contains(&format!("Current certificate: '{default}' (expires 9/27/2014 9:35:58 AM)")));
        assert!(
            text.contains(&format!("Replace it with certificate: '{mail}' (expires 8/29/2011 9:35:58 AM)"))
        );
        let internal = InternalTransport::of(world.computer()).certificate().unwrap();
        assert_eq!(internal.label, if moves { "mail" } else { "default" });
        assert_eq!(world.offered().as_deref(), Some("mail"), "for STARTTLS both answers do");
        assert_eq!(world.stored("mail").services, Services::IIS.and(Services::SMTP), "services are added");
    }
    let mut world = World::of("smtp-not-assigned");
    let error = world.refusal(&script(&world));
    assert!(matches!(error.kind, ErrorKind::Asked(_)), "{error}");
    let forced = world.run(&format!("{} -Force", script(&world))).unwrap();
    assert!(forced.answered().is_empty());
    let internal = world.computer().internal_transport_certificate;
    assert_eq!(internal, Some(world.thumbprint("mail")));
}

#[test]
fn nothing_is_asked_where_the_certificate_is_the_internal_one_or_none_is() {
    let mut world = World::of(SEED);
    let thumbprint = world.thumbprint("mailgate");
    world.screen(&format!("Enable-ExchangeCertificate {thumbprint} -Services SMTP"));
    for computer in &mut world.computers {
        std::sync::Arc::make_mut(computer).internal_transport_certificate = None;
    }
    world.screen(&format!("Enable-ExchangeCertificate {thumbprint} -Services SMTP"));
    // It carries the server's FQDN, so it is published (the remedy of event 12012).
    assert_eq!(world.computer().internal_transport_certificate, Some(thumbprint));
}

#[test]
fn an_unreadable_key_is_made_readable_by_smtp_or_by_network_service_allowed_alone() {
    for parameters in ["-Services SMTP", "-NetworkServiceAllowed"] {
        let mut world = World::of("private-key-unreadable");
        world.overwrite = Some(Answer::No);
        let thumbprint = world.thumbprint("mail");
        world.screen(&format!("Enable-ExchangeCertificate {thumbprint} {parameters}"));
        assert_eq!(world.stored("mail").private_key, PrivateKey::Present, "{parameters}");
        assert_eq!(world.offered().as_deref(), Some("mail"), "{parameters}");
    }
    let mut world = World::of("private-key-unreadable");
    let thumbprint = world.thumbprint("mail");
    world.screen(&format!("Enable-ExchangeCertificate {thumbprint} -Services IIS"));
    assert_eq!(world.stored("mail").private_key, PrivateKey::Unreadable);
}

#[test]
fn a_missing_key_comes_with_a_pfx_or_from_the_computer() {
    for script in [
        "Import-ExchangeCertificate -FileName '\\\\files\\mail.pfx' -Password (Get-Credential).Password",
        "certutil -repairstore my \"$($serial)\"",
    ] {
        let mut world = World::of("private-key-missing");
        let mut with_key = world.stored("mail").clone();
        with_key.private_key = PrivateKey::Present;
        assert!(world.state.set_variable("serial", Value::Text(with_key.facts.serial_number.to_lowercase())));
        world.certificate = Some(with_key);
        world.screen(script);
        assert_eq!(world.stored("mail").services, Services::SMTP, "what it was enabled for stays");
        assert_eq!(world.offered().as_deref(), Some("mail"), "{script}");
    }
}

#[test]
fn a_pin_is_set_as_every_guide_sets_it() {
    let mut world = World::of("pin-stale");
    let thumbprint = world.thumbprint("mail");
    world.screen(&format!(
        "$TLSCert = Get-ExchangeCertificate -Thumbprint {thumbprint}\n\
         $TLSCertName = \"<I>$($TLSCert.Issuer)<S>$($TLSCert.Subject)\"\n\
         Set-ReceiveConnector \"$env:COMPUTERNAME\\Default Frontend $env:COMPUTERNAME\" -TlsCert $TLSCertName"
    ));
    assert_eq!(world.offered().as_deref(), Some("mail"));
    world.screen("Set-ReceiveConnector 'Default Frontend EX01' -TlsCertificateName:$null");
    assert_eq!(world.connector().tls_certificate_name, Nullable::NULL);
    assert_eq!(world.offered().as_deref(), Some("default"));
}

#[test]
fn connectors_go_through_a_pipeline_and_lists_are_added_to() {
    let mut world = World::of("two-connectors-one-port");
    let script = "Get-ReceiveConnector | ? {$_.AuthMechanism -eq 'Tls'} | Set-ReceiveConnector -RemoteIPRanges @{Add='127.0.0.4','127.0.0.9'; Remove=\"127.0.0.2\"}";
    let outcome = world.run(script).unwrap();
    assert_eq!(outcome.changed, ["EX01"]);
    let ranges: Vec<_> = world.computer().receive_connectors[1].remote_ip_ranges.iter().collect();
    assert_eq!(ranges.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.4", "127.0.0.9"]);
    assert_eq!(world.connector().remote_ip_ranges.len(), 2, "the other connector stays as it was");
}

#[test]
fn every_parameter_is_set_by_the_words_that_show_it() {
    let mut world = World::of(SEED);
    let script = "Set-ReceiveConnector -Identity 'Default internal receive connector MAILGATE' `
        -AuthMechanism 'Tls, BasicAuth',BasicAuthRequireTLS -PermissionGroups AnonymousUsers `
        -MaxMessageSize 20MB -ConnectionTimeout 00:20:00 -MessageRateLimit unlimited -Banner $null `
        -ProtocolLoggingLevel none -SizeEnabled EnabledWithoutValue -Chunking $false -BinaryMime 0 `
        -Bindings '0.0.0.0:25','[::]:25' -MaxHopCount 5 -Name 'Inbound' -Comment 'no more'";
    let outcome = world.run(script).unwrap();
    assert_eq!(outcome.warnings(), ["-Comment makes no difference in a lab."]);
    let shown = world.screen("Get-ReceiveConnector Inbound | fl");
    for row in [
        "AuthMechanism                           : Tls, BasicAuth, BasicAuthRequireTLS",
        "Banner                                  :",
        "Bindings                                : {0.0.0.0:25, [::]:25}",
        "ChunkingEnabled                         : False",
        "ConnectionTimeout                       : 00:20:00",
        "MaxMessageSize                          : 20 MB (20,971,520 bytes)",
        "MessageRateLimit                        : Unlimited",
        "PermissionGroups                        : AnonymousUsers",
        "SizeEnabled                             : EnabledWithoutValue",
        "Identity                                : MAILGATE\\Inbound",
    ] {
        assert!(shown.lines().any(|line| line == row), "{row}\n{shown}");
    }
}

#[test]
fn a_new_connector_has_the_values_of_its_usage_type_and_can_be_removed() {
    let mut world = World::of("submission-beside-25");
    let script = "New-ReceiveConnector -Name 'Relay' -Custom -TransportRole FrontendTransport -Bindings 0.0.0.0:25 -RemoteIPRanges 192.0.2.0/24 -Fqdn relay.contoso.com";
    assert!(world.screen(script).contains("EX01\\Relay"));
    let made = world.computer().receive_connector("Relay").unwrap();
    let computer = world.computer();
    let usage = starttls_lab::internal::exchange::Usage::Custom;
    let plain = ReceiveConnector::new("Relay".to_owned(), usage, computer.role, computer.profile);
    assert_eq!(
        (made.permission_groups, made.auth_mechanism),
        (plain.permission_groups, plain.auth_mechanism)
    );
    assert_eq!(made.transport_role, TransportRole::FrontendTransport);

    world.remove = Some(Answer::No);
    world.screen("Remove-ReceiveConnector Relay");
    assert!(world.computer().receive_connector("Relay").is_some());
    world.screen("Remove-ReceiveConnector Relay -Confirm:$false");
    assert!(world.computer().receive_connector("relay").is_none());
}

#[test]
fn a_certificate_is_removed_once_another_has_taken_its_place() {
    let mut world = World::of("smtp-not-assigned");
    let (mail, default) = (world.thumbprint("mail"), world.thumbprint("default"));
    let remove = format!("Remove-ExchangeCertificate {default}");
    let error = world.refusal(&remove);
    assert!(
        error.message.contains("The internal transport certificate cannot be removed because"),
        "{error}"
    );
    world.screen(&format!("Enable-ExchangeCertificate {mail} -Services SMTP -Force; {remove}"));
    assert!(world.computer().store.find(default).is_none());
}

#[test]
fn what_if_changes_nothing_and_says_what_would_be_refused() {
    let mut world = World::of(SEED);
    let before = world.computers.clone();
    let outcome = world.run(&format!("Set-ReceiveConnector {SEED_CONNECTOR} -Fqdn a.b -WhatIf")).unwrap();
    assert!(outcome.changed.is_empty() && outcome.screen().starts_with("What if: "));
    world.screen("New-ExchangeCertificate -WhatIf; Import-ExchangeCertificate -FileData (gc a) -WhatIf");
    assert!(world.requests.is_empty() && std::sync::Arc::ptr_eq(&before[0], &world.computers[0]));
    let error = world.refusal(&format!("Set-ReceiveConnector {SEED_CONNECTOR} -MaxHopCount 0 -WhatIf"));
    assert_eq!(error.kind, ErrorKind::Refused);
}

#[test]
fn what_stands_before_a_line_that_fails_is_done_and_what_stands_behind_it_is_not() {
    let set = |fqdn: &str| format!("Set-ReceiveConnector {SEED_CONNECTOR} -Fqdn {fqdn}");
    let (first, last) = (set("mailgate.expta.com"), set("a.b"));
    for (failing, kind) in [
        ("Get-ReceiveConnector No", ErrorKind::NotFound),
        ("Get-ReceiveConnector \"a\"b", ErrorKind::Syntax),
        ("Get-ReceiveConnector; Get-ReceiveConnector | while", ErrorKind::UnknownName),
    ] {
        let mut world = World::of(SEED);
        let error = world.run(&format!("$a = 'x'\n{first}\n{failing}\n{last}")).map(|_| ()).unwrap_err();
        assert_eq!((error.kind, error.line, error.kept), (kind, 3, true), "{failing}");
        assert_eq!(world.connector().fqdn.to_string(), "mailgate.expta.com", "{failing}");
        assert_eq!(world.state.variable("a"), Some(&Value::Text("x".to_owned())));
    }
    let mut world = World::of(SEED);
    let on_one_line = format!("{first}; Get-ReceiveConnector 'No");
    assert!(!world.refusal(&on_one_line).kept, "a line is read as a whole before any of it is done");
    assert_eq!(world.state, ShellState::default());
}

#[test]
fn a_variable_cannot_grow_without_bound() {
    for doubling in ["$a = \"$a$a\"\n", "$a = $a, $a\n", "$a = @($a; $a)\n"] {
        let error = World::of(SEED).refusal(&format!("$a = 'xx'\n{}", doubling.repeat(60)));
        let bounded =
            ["would hold more than", "calculates more than"].iter().any(|it| error.message.contains(it));
        assert!(bounded && error.line < 30, "{error}");
    }
}

#[test]
fn a_loop_over_cmdlets_comes_to_an_end() {
    // 45 bytes that made fifty thousand objects of a hundred properties each.
    let error = World::of(SEED).refusal("foreach ($a in 1..50000) { Get-ReceiveConnector }");
    assert!(error.message.contains("calculates more than"), "{error}");
    assert!(World::of(SEED).run("foreach ($a in 1..500) { Get-ReceiveConnector | Format-List }").is_ok());
}

#[test]
fn setting_what_is_set_already_changes_nothing_and_says_so() {
    let mut world = World::of(SEED);
    let outcome = world.run(&format!("Set-ReceiveConnector {SEED_CONNECTOR} -Fqdn mail.expta.com")).unwrap();
    assert!(outcome.changed.is_empty());
    assert!(outcome.warnings()[0].contains("no settings of"), "{:?}", outcome.warnings());
}

#[test]
fn an_edge_is_reached_from_nowhere_and_reaches_nobody() {
    let computers = computers("internal-certificate-gone");
    let mut server = World::on(computers.clone(), 0);
    let error = server.refusal("Get-ReceiveConnector -Server EDGE01");
    assert!(error.message.contains("run the Shell on it"), "{error}");
    let mut edge = World::on(computers, 1);
    assert!(!edge.screen("Get-ReceiveConnector").contains("EX01"));
    assert_eq!(edge.refusal("Get-TransportServer EX01").kind, ErrorKind::NotFound);
}

#[test]
fn whoever_only_looks_needs_no_outside() {
    let (computers, state) = (computers("healthy"), ShellState::default());
    let shell =
        Shell { computers: &computers, here: "mailgate", now: now(), events: &[], queues: &[], state };
    let read = shell.run("Get-ReceiveConnector", &mut Nobody);
    assert!(read.error.is_none() && read.changed.is_empty(), "{:?}", read.error);
    let error = shell.run("New-ExchangeCertificate", &mut Nobody).error.unwrap();
    assert!(error.message.contains("no certificates are issued here"), "{error}");
    let nowhere = Shell { here: "GATE", ..shell }.run("Get-ReceiveConnector", &mut Nobody).error.unwrap();
    assert!(nowhere.message.contains("MAILGATE"), "{nowhere}");
}

#[test]
fn a_certificate_for_the_server_has_its_names_and_three_services() {
    for (profile, extra, names) in [
        (Profile::Exchange2010, "", "MAILGATE mailgate.expta.com"),
        (Profile::Exchange2019, "-DomainName a.b -IncludeServerFQDN", "a.b mailgate.expta.com"),
    ] {
        let mut world = World::of(SEED);
        std::sync::Arc::make_mut(&mut world.computers[0]).profile = profile;
        world.certificate = Some(on_paper("CN=x", "CN=x", &["x".to_owned()]));
        world.screen(&format!("New-ExchangeCertificate -Force {extra}"));
        let CertificateSource::SelfSigned(wanted) = &world.requests[0].source else { panic!() };
        assert_eq!(wanted.names.join(" "), names);
        assert_eq!(world.stored("new").services.letters(), "IP..S..");
        assert_eq!(world.computer().internal_transport_certificate, Some(world.thumbprint("new")));
    }
}
