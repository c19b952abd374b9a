//! What stands on the screen.

use starttls_lab::internal::exchange::cmdlet::{LoggedEvent, Value};
use starttls_lab::internal::exchange::{ChainStatus, Event, PrivateKey, Services, Verdict};

use super::world::{Screen as _, World, now, on_paper};

#[test]
fn a_certificate_is_a_list_in_the_shape_of_the_cmdlet() {
    let mut world = World::of("fqdn-mismatch");
    let mut certificate = on_paper("CN=a.b", "CN=Authority", &["a.b".to_owned(), "c.d".to_owned()]);
    certificate.services = "IMAP, SMTP".parse().unwrap();
    let thumbprint = certificate.facts.thumbprint;
    std::sync::Arc::make_mut(&mut world.computers[0]).store.add(certificate);
    let rule = "System.Security.AccessControl.CryptoKeyAccessRule";
    assert_eq!(
        world.screen(&format!("Get-ExchangeCertificate {thumbprint} | Format-List")),
        format!(
            "
AccessRules        : {{{rule}, {rule}, {rule}}}
CertificateDomains : {{a.b, c.d}}
HasPrivateKey      : True
IsSelfSigned       : False
Issuer             : CN=Authority
NotAfter           : 9/28/2011 9:35:58 AM
NotBefore          : 9/28/2010 9:35:58 AM
PublicKeySize      :
RootCAType         : Registry
SerialNumber       : 0A0B
Services           : IMAP, SMTP
Status             : Valid
Subject            : CN=a.b
Thumbprint         : {thumbprint}

"
        )
    );
    let all = world.screen(&format!("Get-ExchangeCertificate {thumbprint} | fl *form, S*t, Identity"));
    assert_eq!(
        all,
        format!(
            "\nServicesStringForm : I...S..\nSubject            : CN=a.b\nIdentity           : mailgate.expta.com\\{thumbprint}\n\n"
        )
    );
}

#[test]
fn certificates_are_a_table_with_their_letters() {
    let mut world = World::of("pin-matches");
    let [default, old, renewed] = ["default", "old", "renewed"].map(|label| world.thumbprint(label));
    assert_eq!(
        world.screen("Get-ExchangeCertificate"),
        format!(
            "
Thumbprint                                Services   Subject
----------                                --------   -------
{default}  IP.WS..    CN=EX01
{old}  ...WS..    CN=mail.contoso.com, O=Contoso, C=US
{renewed}  ...WS..    CN=mail.contoso.com, O=Contoso, C=US

"
        )
    );
}

#[test]
fn connectors_are_a_table_of_what_listens_where() {
    let mut world = World::of("two-connectors-one-port");
    assert_eq!(
        world.screen("Get-ReceiveConnector -Server EX01"),
        "
Identity                   Bindings     Enabled
--------                   --------     -------
EX01\\Default Frontend EX01 {0.0.0.0:25} True
EX01\\Relay EX01            {0.0.0.0:25} True

"
    );
    assert_eq!(
        world.screen("Get-ReceiveConnector relay* | select Name,Fqdn,Re*"),
        "
Name              : Relay EX01
Fqdn              : relay.contoso.local
RemoteIPRanges    : {127.0.0.2}
RequireEHLODomain : False
RequireTLS        : False

"
    );
    assert_eq!(
        world.screen("Get-ReceiveConnector | Select-Object -First 1 -Property Name, Tls*"),
        "\nName                  TlsCertificateName\n----                  ------------------\nDefault Frontend EX01\n\n"
    );
    assert_eq!(world.screen("(Get-ReceiveConnector).Fqdn"), "EX01.contoso.com\nrelay.contoso.local\n");
    assert_eq!(world.screen("(Get-ReceiveConnector)[-1].Fqdn"), "relay.contoso.local\n");
    assert_eq!(
        world.screen("Get-ReceiveConnector | select -ExpandProperty Bindings"),
        "0.0.0.0:25\n0.0.0.0:25\n"
    );
}

#[test]
fn a_list_of_many_items_is_not_cut() {
    let mut world = World::of("fqdn-mismatch");
    let names: Vec<String> = (0..30).map(|n| format!("d{n}.contoso.com")).collect();
    world.certificate = Some(on_paper("CN=d0.contoso.com", "CN=d0.contoso.com", &names));
    let shown = world.screen("New-ExchangeCertificate -Force | fl CertificateDomains");
    assert_eq!(shown.trim(), format!("CertificateDomains : {{{}}}", names.join(", ")));
}

#[test]
fn the_properties_of_an_older_exchange_are_fewer() {
    let shown = World::of("fqdn-mismatch").screen("Get-ReceiveConnector | fl");
    assert!(!shown.contains("TlsCertificateName") && !shown.contains("SmtpUtf8Enabled"), "{shown}");
    let shown = World::of("pin-stale").screen("Get-ReceiveConnector | fl");
    assert!(
        shown.contains("TlsCertificateName                      : <I>CN=Contoso Issuing CA G1"),
        "{shown}"
    );
    assert!(shown.starts_with("\nAuthMechanism "), "{shown}");
}

#[test]
fn for_a_name_the_certificate_that_is_selected_stands_first() {
    let mut world = World::of("several-candidates");
    let outcome = world.run("Get-ExchangeCertificate -DomainName mail.contoso.com").unwrap();
    let listed: Vec<String> = outcome.output()[0].values.iter().map(ToString::to_string).collect();
    let expected = ["renewed", "long", "wildcard", "self-signed"];
    assert_eq!(listed, expected.map(|label| world.thumbprint(label).to_string()));
    let chosen = world.selection().candidates.into_iter().find(|one| one.verdict == Verdict::Chosen).unwrap();
    assert_eq!(listed[0], chosen.thumbprint.to_string());
    assert_eq!(world.screen("Get-ExchangeCertificate -DomainName no.contoso.org"), "");
    assert!(world.screen("Get-ExchangeCertificate -DomainName EX01, EX01.contoso.com").contains("CN=EX01"));
}

#[test]
fn a_certificate_without_key_is_not_listed_and_that_is_said() {
    let mut world = World::of("private-key-missing");
    let outcome = world.run("Get-ExchangeCertificate").unwrap();
    assert_eq!(outcome.output()[0].values.len(), 1);
    assert!(
        outcome.warnings()[0].contains(&world.thumbprint("mail").to_string()),
        "{:?}",
        outcome.warnings()
    );
}

#[test]
fn the_status_says_what_ails_a_certificate() {
    for (story, label, status) in [
        ("expired-withheld", "default", "DateInvalid"),
        ("not-yet-valid", "mail", "DateInvalid"),
        ("chain-revoked", "mail", "Revoked"),
        ("healthy", "mailgate", "Valid"),
    ] {
        let mut world = World::of(story);
        let thumbprint = world.thumbprint(label);
        let shown = world.screen(&format!("(Get-ExchangeCertificate {thumbprint}).Status"));
        assert_eq!(shown.trim(), status, "{story}");
    }
    let mut world = World::of("healthy");
    let mut lost = on_paper("CN=a", "CN=b", &[]);
    (lost.chain, lost.private_key) = (ChainStatus::Untrusted, PrivateKey::Unreadable);
    std::sync::Arc::make_mut(&mut world.computers[0]).store.add(lost);
    let script = "Get-ExchangeCertificate | ? Subject -eq CN=a | fl Status, RootCAType";
    assert_eq!(world.screen(script), "\nStatus     : Untrusted\nRootCAType : Unknown\n\n");
    world.screen("certutil -addstore Root C:\\root.cer; certutil -addstore CA C:\\ca.cer");
    assert_eq!(world.screen(script), "\nStatus     : Valid\nRootCAType : Registry\n\n");
}

#[test]
fn the_internal_transport_certificate_is_shown_under_both_names_of_the_cmdlet() {
    for (story, script) in [
        ("healthy", "Get-TransportServer | FL Name, Internal*"),
        ("pin-stale", "Get-TransportService EX01 | FL Name, InternalTransportCertificateThumbprint"),
    ] {
        let mut world = World::of(story);
        let (name, internal) = (world.here.clone(), world.computer().internal_transport_certificate.unwrap());
        let expected = format!(
            "\nName                                   : {name}\nInternalTransportCertificateThumbprint : {internal}\n\n"
        );
        assert_eq!(world.screen(script), expected);
    }
}

#[test]
fn a_property_that_does_not_exist_stays_empty_and_is_named() {
    let outcome = World::of("healthy").run("Get-ReceiveConnector | fl Nme").unwrap();
    assert_eq!(outcome.output()[0].to_string(), "\nNme :\n\n");
    assert!(
        outcome.warnings()[0].contains("no property Nme here; there are: Name"),
        "{:?}",
        outcome.warnings()
    );
}

fn with_events() -> World {
    let mut world = World::of("fqdn-mismatch");
    let logged = |index: u64, minutes: i64, computer: &str, event: Event| LoggedEvent {
        index,
        time: now() + jiff::SignedDuration::from_mins(minutes),
        computer: computer.to_owned(),
        source: "MSExchangeTransport".to_owned(),
        event,
    };
    let thumbprint = world.thumbprint("mailgate");
    world.events = vec![
        logged(1, 0, "mailgate", Event::no_certificate_for_starttls("mail.expta.com", "Inbound")),
        logged(2, 1, "mailgate", Event::internal_certificate_expires_soon(thumbprint, 5)),
        logged(3, 2, "elsewhere", Event::no_certificate_for_starttls("x.y", "Other")),
        logged(4, 3, "mailgate", Event::no_certificate_for_starttls("mail.expta.com", "Inbound")),
    ];
    world
}

#[test]
fn the_log_is_read_by_every_line_that_guides_give() {
    for (script, found) in [
        ("Get-EventLog Application -Source MSExchangeTransport | ? EventID -eq 12014", "4 1"),
        (
            "Get-EventLog -LogName Application | where {$_.EventID -eq 12014 -and $_.Message -like '*mail.expta*'}",
            "4 1",
        ),
        ("Get-EventLog Application -Newest 2", "4 2"),
        ("Get-EventLog Application -EntryType Error, Warning -After '9/28/2010 9:36 AM'", "4 2"),
        ("Get-EventLog Application 3221499630", "4 1"),
        ("Get-EventLog Application -Message '*hours remaining*'", "2"),
        ("Get-EventLog Application -After '9/28/2010 9:35:58 AM' -Before 2010-09-28T09:38:00Z", "2"),
        (
            "Get-WinEvent -FilterHashtable @{LogName='Application'; ProviderName='MSExchangeTransport'; Id=12014,12017}",
            "4 2 1",
        ),
        ("Get-WinEvent Application -MaxEvents 1 -Oldest", "1"),
        (
            "Get-WinEvent -FilterHashtable @{LogName='Application'; Level=2; StartTime='9/28/2010 9:37 AM'}",
            "4",
        ),
        ("Get-WinEvent -ProviderName MSExchangeTransport | ? LevelDisplayName -ne Error", "2"),
    ] {
        let mut world = with_events();
        let outcome = world.run(script).unwrap_or_else(|error| panic!("{error}"));
        let numbers: Vec<String> =
            outcome.output().iter().flat_map(|output| &output.values).map(number).collect();
        assert_eq!(numbers.join(" "), found, "{script}");
    }
}

fn number(value: &Value) -> String {
    let Value::Object(object) = value else { panic!("{value}") };
    object.property("Index").or(object.property("RecordId")).unwrap().to_string()
}

#[test]
fn an_event_is_shown_with_its_text_whole_in_a_list_and_cut_in_a_table() {
    let mut world = with_events();
    let table = world.screen("Get-WinEvent Application -MaxEvents 1");
    assert_eq!(
        table,
        "
TimeCreated          Id    LevelDisplayName Message
-----------          --    ---------------- -------
9/28/2010 9:38:58 AM 12014 Error            Microsoft Exchange could not find a certifica...

"
    );
    let list = world.screen("Get-EventLog Application -Newest 1 | fl Message, ReplacementStrings");
    assert!(list.contains("has access to the certificate key.\n"), "{list}");
    assert!(list.ends_with("ReplacementStrings : {mail.expta.com, Inbound, mail.expta.com}\n\n"), "{list}");
}

#[test]
fn objects_are_json_with_the_names_of_their_properties() {
    let outcome = World::of("healthy").run("Get-ReceiveConnector | select Name, Bindings, Enabled").unwrap();
    assert_eq!(
        serde_json::to_string(&outcome.output()[0].values).unwrap(),
        r#"[{"Name":"Default internal receive connector MAILGATE","Bindings":["0.0.0.0:25"],"Enabled":true}]"#
    );
}

#[test]
fn services_that_were_assigned_are_listed() {
    let mut world = World::of("healthy");
    let thumbprint = world.thumbprint("mailgate");
    world.screen(&format!("Enable-ExchangeCertificate {thumbprint} -Services 'POP,IMAP',IIS"));
    let services = Services::SMTP.and("IMAP, POP, IIS".parse().unwrap());
    assert_eq!(
        world.screen(&format!("Get-ExchangeCertificate -Thumbprint {thumbprint} | fl Services")).trim(),
        format!("Services : {services}")
    );
}
