//! What a fix tells the person who has to carry it out, and that the ones he needs are there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here is a failed test")]

use crate::computers::{certificate, changed, computer, now, with_connector};
use starttls_lab::internal::exchange::{
    AuthMechanism, Computer, Fix, InternalTransport, PermissionGroups, PrivateKey, Profile, ReceiveConnector,
    Role, Services, Usage, fixes, useless_advice,
};
use starttls_lab::internal::pki::Thumbprint;

const WANTED: &str = "mail.expta.com";

fn fixes_of(computer: &Computer) -> Vec<Fix> {
    fixes(computer, &computer.receive_connectors[0], now())
}

fn titled<'a>(fixes: &'a [Fix], part: &str) -> &'a Fix {
    let titles: Vec<_> = fixes.iter().map(|fix| &fix.title).collect();
    fixes.iter().find(|fix| fix.title.contains(part)).unwrap_or_else(|| panic!("no `{part}` in {titles:#?}"))
}

#[test]
fn where_nothing_is_wrong_there_is_nothing_to_fix() {
    let computer = computer(Role::Edge, Profile::Exchange2010, WANTED, vec![certificate("mail", &[WANTED])]);
    assert!(fixes_of(&computer).is_empty());
    assert!(useless_advice(&computer, &computer.receive_connectors[0], now()).is_empty());
}

#[test]
fn the_seeds_remedy_comes_first_with_its_words_in_the_console() {
    let store = vec![certificate("mailgate", &["mailgate.expta.com", "mailgate"])];
    let computer = computer(Role::Edge, Profile::Exchange2010, WANTED, store);
    let fixes = fixes_of(&computer);
    assert_eq!(
        fixes[0].commands,
        [
            r#"Set-ReceiveConnector "MAILGATE\Default internal receive connector MAILGATE" -Fqdn mailgate.expta.com"#
        ]
    );
    assert!(fixes[0].clicks[2].contains(
        "\"Specify the FQDN this connector will provide in response to HELO or EHLO\": mailgate.expta.com"
    ));
    let says = "banner, EHLO reply and Received: say mailgate.expta.com instead of mail.expta.com";
    assert!(fixes[0].changes.iter().any(|line| line == says), "{:#?}", fixes[0].changes);
    let useless = useless_advice(&computer, &computer.receive_connectors[0], now());
    assert_eq!(
        useless[0].why,
        ["CN=mailgate.expta.com (mailgate) is enabled for SMTP already, and still does not carry the name"]
    );
}

#[test]
fn an_edge_of_2013_and_later_has_only_the_shell() {
    let store = vec![certificate("mailgate", &["mailgate.expta.com"])];
    let computer = computer(Role::Edge, Profile::Exchange2019, WANTED, store);
    for fix in fixes_of(&computer) {
        assert!(fix.clicks.iter().all(|click| click.contains("only the Shell")), "{:#?}", fix.clicks);
    }
}

#[test]
fn the_guard_leads_round_the_name_and_says_why() {
    let store = vec![certificate("public", &["mail.contoso.com", "autodiscover.contoso.com"])];
    let computer = computer(Role::Mailbox, Profile::Exchange2019, WANTED, store);
    let fixes = fixes_of(&computer);
    assert!(fixes[0].title.starts_with("Pin the connector"), "{}", fixes[0].title);
    assert_eq!(
        fixes[0].commands[1..],
        [
            r#"$name = "<I>$($cert.Issuer)<S>$($cert.Subject)""#,
            r#"Set-ReceiveConnector "EX01\Default Frontend EX01" -TlsCertificateName $name -Fqdn ex01.contoso.local"#
        ]
    );
    let refused = fixes.last().unwrap();
    assert!(refused.refused.as_ref().is_some_and(|words| words.contains("ex01.contoso.local")));
    let alone = titled(&fixes, "only Exchange server");
    assert!(alone.changes.iter().any(|line| line.contains("Cannot achieve Exchange Server authentication")));
    let beside = titled(&fixes, "connector of its own");
    assert_eq!(beside.connector, "STARTTLS EX01");
    assert!(beside.leaves.iter().any(|line| line.contains("the other connector, Default Frontend EX01")));
}

#[test]
fn a_server_takes_its_own_name_in_spite_of_the_guard() {
    let store = vec![certificate("own", &["mail.contoso.com", "ex01.contoso.local"])];
    let computer = computer(Role::Mailbox, Profile::Exchange2019, WANTED, store);
    let fixes = fixes_of(&computer);
    assert!(fixes[0].commands[0].ends_with("-Fqdn ex01.contoso.local"), "{:?}", fixes[0].commands);
    assert!(fixes.iter().all(|fix| fix.refused.is_none()));
}

#[test]
fn the_answer_to_the_prompt_is_no_and_what_yes_would_do_is_said() {
    let mut own = certificate("own", &["mailgate.expta.com"]);
    own.facts.self_signed = true;
    let new = changed(certificate("mail", &[WANTED]), |stored| stored.services = Services::IIS);
    let mut computer = computer(Role::Edge, Profile::Exchange2010, WANTED, vec![own, new]);
    computer.internal_transport_certificate = Some(Thumbprint::of(b"own"));
    let fixes = fixes_of(&computer);
    let enable = &fixes[0];
    assert!(enable.title.starts_with("Enable CN=mail.expta.com (mail) for SMTP"), "{}", enable.title);
    assert!(enable.commands[1].ends_with("answer N"), "{:?}", enable.commands);
    assert!(enable.leaves.iter().any(|line| line.contains("Yes would")), "{:#?}", enable.leaves);
    let after = enable.apply(&computer);
    assert!(
        matches!(InternalTransport::of(&after), InternalTransport::Found(stored) if stored.label == "own")
    );
    assert!(useless_advice(&computer, &computer.receive_connectors[0], now()).is_empty());
}

#[test]
fn no_certificate_of_an_authority_is_proposed_where_only_exchange_servers_connect() {
    let own = changed(certificate("own", &["EX01", "ex01.contoso.local"]), |stored| {
        stored.facts.self_signed = true;
    });
    let store = vec![own, certificate("mail", &["mail.contoso.com"])];
    let server = computer(Role::Mailbox, Profile::Exchange2019, "", store);
    let proposed = |usage: Usage| {
        let connector = ReceiveConnector::new("any".to_owned(), usage, Role::Mailbox, Profile::Exchange2019);
        !fixes(&server, &connector, now()).is_empty()
    };
    for usage in [Usage::Default, Usage::ClientProxy, Usage::OutboundProxyFrontend] {
        assert!(!proposed(usage), "{usage:?}");
    }
    for usage in [Usage::DefaultFrontend, Usage::ClientFrontend, Usage::Internet, Usage::Client] {
        assert!(proposed(usage), "{usage:?}");
    }
    // What an administrator opens for others is for others, whatever its role.
    let mut opened =
        ReceiveConnector::new("relay".to_owned(), Usage::Default, Role::Mailbox, Profile::Exchange2019);
    opened.permission_groups = opened.permission_groups.and(PermissionGroups::ANONYMOUS_USERS);
    assert!(!fixes(&server, &opened, now()).is_empty());
}

#[test]
fn a_default_certificate_that_ends_is_replaced_with_yes() {
    let own = changed(certificate("own", &["mailgate.expta.com", "MAILGATE"]), |stored| {
        stored.facts.self_signed = true;
        stored.facts.not_after = "2026-03-10T00:00:00Z".parse().unwrap();
    });
    let mut computer = computer(Role::Edge, Profile::Exchange2010, "", vec![own]);
    computer.internal_transport_certificate = Some(Thumbprint::of(b"own"));
    let fixes = fixes_of(&computer);
    let new = titled(&fixes, "self-signed");
    assert!(new.commands.iter().any(|line| line.ends_with("answer Y")), "{:?}", new.commands);
    assert!(new.changes.iter().any(|line| line.contains("Edge subscription")), "{:#?}", new.changes);
}

#[test]
fn a_stale_pin_is_moved_to_the_renewed_certificate_or_taken_away() {
    let computer = computer(
        Role::Mailbox,
        Profile::Exchange2019,
        "ex01.contoso.local",
        vec![
            certificate("own", &["ex01.contoso.local"]),
            certificate("mail", &["mail.contoso.com"]),
            certificate("other", &["www.fabrikam.com"]),
        ],
    );
    let computer = with_connector(computer, |connector| {
        connector.tls_certificate_name =
            "<I>CN=Issuing CA G0, O=Contoso<S>CN=mail.contoso.com".parse().unwrap();
    });
    let fixes = fixes_of(&computer);
    let to_mail = titled(&fixes, "Move the pin (TlsCertificateName) to CN=mail.contoso.com");
    assert!(to_mail.commands[0].contains(&Thumbprint::of(b"mail").to_string()));
    let cleared = titled(&fixes, "Take the pin away");
    assert_eq!(
        cleared.commands,
        [r#"Set-ReceiveConnector "EX01\Default Frontend EX01" -TlsCertificateName $null"#]
    );
    assert!(cleared.changes[0].contains("offered with CN=ex01.contoso.local (own)"), "{:?}", cleared.changes);
    assert!(fixes.iter().all(|fix| !fix.title.contains("fabrikam")));
    let useless = useless_advice(&computer, &computer.receive_connectors[0], now());
    assert!(useless[0].why[1].contains("another issuer than the pin"), "{useless:?}");
}

#[test]
fn a_pin_moves_to_the_renewed_certificate_once_that_is_mended() {
    let renewed =
        changed(certificate("mail", &["mail.contoso.com"]), |stored| stored.services = Services::IIS);
    let computer = computer(Role::Mailbox, Profile::Exchange2019, "", vec![renewed]);
    let computer = with_connector(computer, |connector| {
        connector.tls_certificate_name =
            "<I>CN=Issuing CA G0, O=Contoso<S>CN=mail.contoso.com".parse().unwrap();
    });
    let fixes = fixes_of(&computer);
    assert_eq!(
        fixes[0].title,
        "Enable CN=mail.contoso.com (mail) for SMTP; then move the pin (TlsCertificateName) to CN=mail.contoso.com (mail)"
    );
    assert!(fixes[0].commands.last().unwrap().ends_with("-TlsCertificateName $name"));
}

#[test]
fn nobody_is_sent_to_another_certificate_by_a_pin_while_the_right_one_can_be_mended() {
    let right = changed(certificate("mail", &[WANTED]), |stored| stored.private_key = PrivateKey::Missing);
    // The serial number of a stand-in is not that of the original, whose thumbprint is known.
    let thumbprint = right.facts.thumbprint;
    let other = certificate("other", &["www.fabrikam.com"]);
    let computer = computer(Role::Mailbox, Profile::Exchange2019, WANTED, vec![other, right]);
    let fixes = fixes_of(&computer);
    assert!(fixes[0].title.starts_with("Import CN=mail.expta.com (mail) again"), "{}", fixes[0].title);
    assert!(fixes[0].commands.contains(&format!("certutil -repairstore my {thumbprint}")));
    assert!(fixes.iter().all(|fix| !fix.title.starts_with("Pin")));
}

#[test]
fn a_certificate_that_does_not_carry_the_answered_name_comes_with_a_warning() {
    let store = vec![certificate("public", &["mail.contoso.com"])];
    let computer = computer(Role::Mailbox, Profile::Exchange2019, WANTED, store);
    let pin = &fixes_of(&computer)[0];
    // The cmdlet insists on the server's own name, so that is what the connector answers with then.
    let warning = "warning: CN=mail.contoso.com (public) does not carry ex01.contoso.local";
    assert!(pin.changes.iter().any(|line| line.starts_with(warning)), "{:#?}", pin.changes);
}

#[test]
fn tls_is_added_to_the_flags_that_are_there() {
    let silent = with_connector(
        computer(Role::Edge, Profile::Exchange2010, WANTED, vec![certificate("mail", &[WANTED])]),
        |connector| connector.auth_mechanism = AuthMechanism::EXCHANGE_SERVER,
    );
    let fixes = fixes_of(&silent);
    assert_eq!(fixes.len(), 1);
    assert!(fixes[0].commands[0].ends_with("-AuthMechanism Tls, ExchangeServer"), "{:?}", fixes[0].commands);
    assert!(useless_advice(&silent, &silent.receive_connectors[0], now()).is_empty());
}

#[test]
fn a_self_signed_certificate_is_no_remedy_for_an_expired_one_of_an_authority() {
    let expired = changed(certificate("mail", &[WANTED]), |stored| {
        stored.facts.not_after = "2026-02-01T00:00:00Z".parse().unwrap();
    });
    let computer = computer(Role::Edge, Profile::Exchange2019, WANTED, vec![expired]);
    let fixes = fixes_of(&computer);
    assert!(fixes.iter().all(|fix| !fix.title.contains("self-signed")));
    let useless = useless_advice(&computer, &computer.receive_connectors[0], now());
    assert!(useless[0].advice.contains("12016"), "{useless:?}");
}

#[test]
fn a_fix_says_what_it_does_to_the_other_connectors() {
    let old = certificate("old", &[WANTED]);
    let computer = computer(
        Role::Edge,
        Profile::Exchange2019,
        WANTED,
        vec![changed(old, |stored| {
            stored.facts.not_after = "2026-02-01T00:00:00Z".parse().unwrap();
        })],
    );
    let mut computer = computer;
    let mut second = (*computer.receive_connectors[0]).clone();
    second.name = "Second".to_owned();
    computer.receive_connectors.push(second.into());
    let fixes = fixes_of(&computer);
    let renewed = titled(&fixes, "Renew");
    assert!(
        renewed
            .changes
            .iter()
            .any(|line| line.starts_with("STARTTLS on Second: offered with CN=mail.expta.com (new)")),
        "{:#?}",
        renewed.changes
    );
}

#[test]
fn a_new_certificate_is_asked_for_as_each_version_does() {
    for (profile, role, request, import) in [
        (Profile::Exchange2007, Role::HubTransport, "-Path C:\\request.req", "-Path C:\\answer.cer"),
        (Profile::Exchange2010, Role::HubTransport, "-Server EX01", "-FileData ([Byte[]]$(Get-Content"),
        (Profile::Exchange2019, Role::Edge, "-PrivateKeyExportable $true", "-FileData"),
    ] {
        let computer = computer(role, profile, WANTED, Vec::new());
        let fixes = fixes_of(&computer);
        let commands = &titled(&fixes, "of an authority").commands;
        assert!(commands[0].ends_with(request), "{commands:#?}");
        assert!(commands.iter().any(|line| line.contains(import)), "{commands:#?}");
        let server = commands.iter().any(|line| line.contains("-Server"));
        assert_eq!(server, profile == Profile::Exchange2010, "{commands:#?}");
    }
}

#[test]
fn a_submission_connector_gains_the_logon_that_only_tls_allows() {
    let mut computer =
        computer(Role::Mailbox, Profile::Exchange2019, "", vec![certificate("x", &["x.test"])]);
    let name = "Client Frontend EX01".to_owned();
    let client = ReceiveConnector::new(name, Usage::ClientFrontend, Role::Mailbox, Profile::Exchange2019);
    computer.receive_connectors = vec![client.into()];
    let fixes = fixes_of(&computer);
    let words = "inside TLS clients find AUTH GSSAPI NTLM LOGIN";
    assert!(fixes[0].changes.iter().any(|line| line == words), "{:#?}", fixes[0].changes);
}
