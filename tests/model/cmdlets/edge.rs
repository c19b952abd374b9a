//! An Edge, the servers it is subscribed to, and a partner of another organisation.

use starttls_lab::internal::exchange::cmdlet::{Answer, ErrorKind, LoggedEvent, Outcome, Value};
use starttls_lab::internal::exchange::{AddressSpace, SendConnector};

use super::world::{Screen as _, World, built, now};

/// Two Hubs and their Edge, and a partner. The Edge is subscribed to HUB01.
pub(crate) const PERIMETER: &str = r#"
title = "An Edge, its organisation and a partner"
story = "Nothing is wrong."
cure = "None."

[[computer]]
name = "HUB01"
fqdn = "hub01.contoso.test"
role = "hub-transport"
profile = "exchange-2010"
organization = "contoso"
[[computer.certificate]]
label = "hub"
subject = "CN=HUB01"
names = ["HUB01", "hub01.contoso.test"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "Default HUB01"
fqdn = "hub01.contoso.test"
bindings = ["0.0.0.0:25"]

[[computer]]
name = "HUB02"
fqdn = "hub02.contoso.test"
role = "hub-transport"
profile = "exchange-2010"
address = "127.0.0.2"
organization = "contoso"
[[computer.send_connector]]
name = "To branch"
address_spaces = ["SMTP:branch.contoso.test;5"]
smart_hosts = ["relay.contoso.test"]

[[computer]]
name = "EDGE01"
fqdn = "edge01.perimeter.test"
role = "edge"
profile = "exchange-2010"
address = "127.0.0.3"
organization = "contoso"
subscribed_to = "HUB01"
[[computer.certificate]]
label = "edge"
subject = "CN=EDGE01"
names = ["EDGE01", "edge01.perimeter.test"]
services = ["SMTP"]
[[computer.certificate]]
label = "bought"
subject = "CN=mail.contoso.test"
names = ["mail.contoso.test"]
[[computer.receive_connector]]
name = "Default internal receive connector EDGE01"
fqdn = "mail.contoso.test"
bindings = ["0.0.0.0:25"]
auth_mechanism = ["Tls", "ExchangeServer"]
permission_groups = ["AnonymousUsers", "ExchangeServers"]
[[computer.send_connector]]
name = "EdgeSync - Inbound to Main"
usage = "EdgeSyncInbound"
[[computer.send_connector]]
name = "EdgeSync - Main to Internet"
usage = "EdgeSyncToInternet"

[[computer]]
name = "PARTNER"
fqdn = "mx.fabrikam.test"
role = "edge"
profile = "exchange-2013"
address = "127.0.0.4"
organization = "fabrikam"
[[computer.certificate]]
label = "partner"
subject = "CN=mx.fabrikam.test"
names = ["mx.fabrikam.test"]
services = ["SMTP"]
[[computer.receive_connector]]
name = "Default internal receive connector PARTNER"
bindings = ["0.0.0.0:25"]
[[computer.send_connector]]
name = "To Internet"
"#;

const INBOUND: &str = "EdgeSync - Inbound to Main";

pub(crate) fn perimeter(here: &str) -> World {
    let mut world = World::on(built(PERIMETER, "perimeter"), 0);
    world.moved_to(here);
    world
}

/// What runs on the Edge.
fn running<'a>(world: &'a World, name: &str) -> Option<&'a SendConnector> {
    world.called("EDGE01").send_connector(name).map(|connector| &**connector)
}

fn property(outcome: &Outcome, name: &str) -> String {
    let Value::Object(object) = &outcome.output()[0].values[0] else { panic!("{}", outcome.screen()) };
    object.property(name).unwrap_or_else(|| panic!("{name}")).to_string()
}

/// How many connectors came, went, and changed.
fn counts(outcome: &Outcome) -> [String; 3] {
    ["Added", "Deleted", "Updated"].map(|name| property(outcome, name))
}

fn synchronized(world: &mut World) -> Outcome {
    world.moved_to("HUB01").run("Start-EdgeSynchronization").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_connectors_of_an_edge_are_seen_from_every_server_inside() {
    for here in ["HUB01", "HUB02"] {
        let shown =
            perimeter(here).screen("Get-SendConnector | ft Name, SourceTransportServers, AddressSpaces");
        assert_eq!(
            shown,
            "
Name                        SourceTransportServers AddressSpaces
----                        ---------------------- -------------
To branch                   {HUB02}                {SMTP:branch.contoso.test;5}
EdgeSync - Inbound to Main  {EDGE01}               {SMTP:--;1}
EdgeSync - Main to Internet {EDGE01}               {SMTP:*;100}

"
        );
    }
    let on_edge = perimeter("EDGE01").screen("(Get-SendConnector).SourceTransportServers");
    assert_eq!(on_edge, "EDGE01\nEDGE01\n", "the Edge sees its own");
}

#[test]
fn what_is_changed_inside_reaches_the_edge_with_the_next_synchronisation_and_not_before() {
    let mut world = perimeter("HUB02");
    let outcome = world.run(&format!("Set-SendConnector '{INBOUND}' -Fqdn mail.contoso.test")).unwrap();
    assert_eq!(outcome.changed, ["HUB01"]);
    assert!(world.screen(&format!("(Get-SendConnector '{INBOUND}').Fqdn")).contains("mail.contoso.test"));
    assert_eq!(running(&world, INBOUND).unwrap().fqdn.0, None, "the Edge goes on with what it has");

    let outcome = synchronized(&mut world);
    assert_eq!(counts(&outcome), ["0", "0", "1"]);
    assert_eq!((outcome.changed, outcome.logged.len()), (vec!["EDGE01".to_owned()], 0));
    assert_eq!(running(&world, INBOUND).unwrap().fqdn.0.as_ref().unwrap(), "mail.contoso.test");

    let again = synchronized(&mut world);
    assert_eq!((counts(&again), again.changed.len()), (["0", "0", "0"].map(str::to_owned), 0));
}

#[test]
fn synchronisation_prints_the_object_of_the_real_cmdlet() {
    assert_eq!(
        perimeter("HUB02").screen(
            "Start-EdgeSynchronization -Server HUB01 -TargetServer edge01.perimeter.test -ForceFullSync"
        ),
        "
Result         : Success
Type           : Configuration
Name           : EDGE01
FailureDetails :
StartUTC       : 9/28/2010 9:35:58 AM
EndUTC         : 9/28/2010 9:35:58 AM
Added          : 0
Deleted        : 0
Updated        : 0
Scanned        : 2
TargetScanned  : 2

"
    );
}

#[test]
fn connectors_come_to_an_edge_and_go_from_it() {
    let mut world = perimeter("HUB01");
    world.screen(
        "New-SendConnector 'To fabrikam' -AddressSpaces fabrikam.test -SourceTransportServers EDGE01\n\
         Remove-SendConnector 'EdgeSync - Main to Internet' -Confirm:$false",
    );
    assert!(running(&world, "To fabrikam").is_none());
    assert_eq!(counts(&synchronized(&mut world)), ["1", "1", "0"]);
    assert!(running(&world, "To fabrikam").is_some());
    assert!(running(&world, "EdgeSync - Main to Internet").is_none());
}

#[test]
fn an_edge_with_another_certificate_is_not_trusted_until_it_is_subscribed_again() {
    let mut world = perimeter("HUB01");
    world.screen(&format!("Set-SendConnector '{INBOUND}' -Fqdn mail.contoso.test"));
    world.moved_to("EDGE01").overwrite = Some(Answer::Yes);
    let bought = world.thumbprint("bought");
    world.screen(&format!("Enable-ExchangeCertificate {bought} -Services SMTP"));

    let outcome = synchronized(&mut world);
    assert_eq!(property(&outcome, "Result"), "CouldNotConnect");
    assert_eq!(running(&world, INBOUND).unwrap().fqdn.0, None, "nothing was copied");
    assert!(outcome.changed.is_empty());
    let [logged] = outcome.logged.as_slice() else { panic!("{:?}", outcome.logged) };
    let source = logged.event.source(world.called("HUB01"), None);
    assert_eq!((logged.computer.as_str(), source), ("HUB01", "MSExchange EdgeSync"));
    assert_eq!(
        logged.event.message(),
        "Microsoft Exchange couldn't match certificate when contacting EDGE01. The connection was stopped."
    );
    assert_eq!(
        (logged.event.event_id, logged.event.level.as_str(), logged.event.category.as_str()),
        (10104, "Warning", "Synchronization")
    );

    world.events.push(LoggedEvent {
        index: 1,
        time: now(),
        computer: world.called("HUB01").event_log_name().to_owned(),
        source: source.to_owned(),
        event: logged.event.clone(),
    });
    let read = world.screen("(Get-EventLog Application -Source 'MSExchange EdgeSync').EventID");
    assert_eq!(read, "10104\n", "it is read by its source once it was written down");

    world.moved_to("EDGE01").screen("New-EdgeSubscription -FileName C:\\edge.xml");
    assert_eq!(property(&synchronized(&mut world), "Result"), "CouldNotConnect", "it has to be read inside");
    world.screen(
        "New-EdgeSubscription -FileData ([byte[]]$(Get-Content -Path 'C:\\Edge.xml' -Encoding Byte -ReadCount 0)) -Site Main",
    );
    let outcome = synchronized(&mut world);
    assert_eq!((property(&outcome, "Result").as_str(), outcome.logged.len()), ("Success", 0));
    assert!(running(&world, INBOUND).unwrap().fqdn.0.is_some(), "the changed copy was kept");
}

#[test]
fn an_edge_that_has_lost_its_certificate_is_not_trusted_either() {
    let mut world = perimeter("HUB01");
    let edge = world.computers.iter_mut().find(|computer| computer.name == "EDGE01").unwrap();
    std::sync::Arc::make_mut(edge).store = Default::default();
    assert_eq!(property(&synchronized(&mut world), "Result"), "CouldNotConnect");
}

#[test]
fn what_is_only_tried_is_not_logged() {
    let mut world = perimeter("HUB01");
    let edge = world.computers.iter_mut().find(|computer| computer.name == "EDGE01").unwrap();
    std::sync::Arc::make_mut(edge).internal_transport_certificate = None;
    let outcome = world.run("Start-EdgeSynchronization -WhatIf").unwrap();
    assert!(outcome.logged.is_empty() && outcome.changed.is_empty());
}

#[test]
fn on_a_subscribed_edge_send_connectors_are_looked_at_and_receive_connectors_are_changed() {
    let mut world = perimeter("EDGE01");
    for script in [
        "Set-SendConnector 'EdgeSync - Inbound to Main' -Fqdn mail.contoso.test",
        "New-SendConnector x -AddressSpaces x.test",
        "Get-SendConnector | Remove-SendConnector",
    ] {
        let error = world.refusal(script);
        assert_eq!(error.kind, ErrorKind::Refused, "{error}");
        assert!(error.message.contains("is disabled on 'EDGE01'"), "{error}");
        assert!(error.message.contains("Run it on 'HUB01', and then Start-EdgeSynchronization"), "{error}");
    }
    let outcome =
        world.run("Get-ReceiveConnector | Set-ReceiveConnector -Fqdn edge01.perimeter.test").unwrap();
    assert_eq!(outcome.changed, ["EDGE01"]);
}

#[test]
fn an_edge_that_is_not_subscribed_has_its_send_connectors_to_itself() {
    let mut world = perimeter("PARTNER");
    world.screen("Set-SendConnector 'To Internet' -Fqdn mx.fabrikam.test -AddressSpaces --, '*'");
    let connector = world.computer().send_connector("to internet").unwrap();
    assert_eq!(connector.fqdn.0.as_ref().unwrap(), "mx.fabrikam.test");
    assert_eq!(connector.address_spaces, ["--", "*"].map(|space| space.parse::<AddressSpace>().unwrap()));
    world.screen("New-SendConnector Second -AddressSpaces contoso.test -Internet; Get-SendConnector Second | Remove-SendConnector");
    assert_eq!(world.computer().send_connectors.len(), 1);
}

#[test]
fn another_organisation_is_out_of_reach_and_that_is_said() {
    let mut world = perimeter("HUB01");
    for script in ["Get-ReceiveConnector -Server PARTNER", "Get-ExchangeCertificate -Server mx.fabrikam.test"]
    {
        let error = world.refusal(script);
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(error.message.contains("belongs to another organization ('fabrikam')"), "{error}");
    }
    let mut inside = PERIMETER.replace("organization = \"fabrikam\"", "");
    inside = inside.replace(
        "role = \"edge\"\nprofile = \"exchange-2013\"",
        "role = \"mailbox\"\nprofile = \"exchange-2013\"",
    );
    let mut world = World::on(built(&inside, "perimeter"), 0);
    assert!(!world.screen("Get-TransportServer").contains("PARTNER"));
    assert!(!world.screen("Get-SendConnector").contains("To Internet"));
    assert!(world.refusal("Get-TransportServer PARTNER").message.contains("another organization (none)"));
    assert_eq!(
        world.moved_to("PARTNER").screen("(Get-TransportServer).Name").lines().next_back(),
        Some("PARTNER")
    );
}

#[test]
fn synchronisation_is_started_inside_and_where_an_edge_is_subscribed() {
    for (here, script, kind, words) in [
        ("EDGE01", "Start-EdgeSynchronization", ErrorKind::Refused, "such as 'HUB01'"),
        ("PARTNER", "Start-EdgeSynchronization", ErrorKind::Refused, "inside the Exchange organization"),
        ("EDGE01", "Get-EdgeSubscription", ErrorKind::Refused, "inside the Exchange organization"),
        ("HUB02", "Start-EdgeSynchronization", ErrorKind::NotFound, "write -Server HUB01"),
        (
            "HUB01",
            "Start-EdgeSynchronization -TargetServer PARTNER",
            ErrorKind::NotFound,
            "no Edge 'PARTNER'",
        ),
        ("HUB01", "Start-EdgeSynchronization -Server EDGE01", ErrorKind::NotFound, "run the Shell on it"),
    ] {
        let error = perimeter(here).refusal(script);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn subscriptions_are_a_table_with_site_and_domain() {
    let table = "
Name   Site Domain
----   ---- ------
EDGE01 Main perimeter.test

";
    assert_eq!(perimeter("HUB02").screen("Get-EdgeSubscription"), table);
    assert_eq!(perimeter("HUB02").screen("Get-EdgeSubscription EDGE01"), table);
    let error = perimeter("HUB01").refusal("Get-EdgeSubscription PARTNER");
    assert!(error.message.contains("couldn't be found. There are: EDGE01"), "{error}");
}

#[test]
fn an_edge_is_subscribed_and_gets_the_connectors_of_its_site() {
    let mut world = World::on(built(&PERIMETER.replace("subscribed_to = \"HUB01\"", ""), "perimeter"), 0);
    assert_eq!(world.refusal("Start-EdgeSynchronization").kind, ErrorKind::NotFound);
    world.moved_to("EDGE01").screen("New-EdgeSubscription -FileName C:\\edge.xml -Force");
    world.moved_to("HUB02").screen(
        "New-EdgeSubscription -FileData ([System.IO.File]::ReadAllBytes('C:\\edge.xml')) -Site 'North' -CreateInternetSendConnector:$false",
    );
    assert_eq!(world.called("EDGE01").subscribed_to.as_deref(), Some("HUB02"));
    let outcome = world.run("Start-EdgeSynchronization").unwrap();
    assert_eq!(counts(&outcome), ["1", "2", "0"]);
    assert!(running(&world, "EdgeSync - Inbound to North").is_some());
}

#[test]
fn a_subscription_file_comes_from_an_edge_of_the_organisation() {
    let mut world = perimeter("PARTNER");
    world.screen("New-EdgeSubscription -FileName C:\\partner.xml");
    world.moved_to("HUB01");
    for (script, kind, words) in [
        (
            "New-EdgeSubscription -FileData ([System.IO.File]::ReadAllBytes('C:\\partner.xml')) -Site Main",
            ErrorKind::Refused,
            "'PARTNER' is no Edge of this organization",
        ),
        (
            "New-EdgeSubscription -FileName C:\\other.xml -Site Main",
            ErrorKind::Argument,
            "was not written by New-EdgeSubscription -FileName",
        ),
        ("New-EdgeSubscription -Site Main", ErrorKind::Argument, "FileData Site"),
        ("New-EdgeSubscription -FileName C:\\partner.xml", ErrorKind::Argument, "parameters: Site."),
    ] {
        let error = world.refusal(script);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
    assert_eq!(world.moved_to("EDGE01").refusal("New-EdgeSubscription").kind, ErrorKind::Argument);
}
