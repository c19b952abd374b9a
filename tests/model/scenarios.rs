//! The built-in stories: each is listed, each builds, and each does what its documented rules say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use starttls_lab::internal::exchange::{
    Computer, InternalTransport, Precedence, ReceiveConnector, Selection, StoredCertificate, Verdict,
    fqdn_guard, select_for, selection_events, wants_anonymous_tls,
};
use starttls_lab::internal::pki::{KeyAlgorithm, KeyPair};
use starttls_lab::internal::scenario::{Built, Issuer, SCENARIOS, Scenario, ScenarioText, scenario as named};

/// What each connector of each story does, reasoned from the documented rules and written by hand:
/// the label of the certificate that STARTTLS is offered with, the one of X-ANONYMOUSTLS, and the
/// events logged at the start. A row without a connector has the events of the computer itself.
const TOLD: &str = "
fqdn-mismatch             | MAILGATE | Default internal receive connector MAILGATE | -        | mailgate  | 12014
healthy                   | MAILGATE | Default internal receive connector MAILGATE | mailgate | mailgate  |
no-certificate            | EX02     |                                             |          |           | 12013
no-certificate            | EX02     | Default Frontend EX02                       | -        | -         | 12014
no-certificate            | EX02     | Client Frontend EX02                        | -        | -         | 12014
no-certificate            | EX02     | Default EX02                                | -        | -         | 12014
no-certificate            | EX01     | Default Frontend EX01                       | self-EX01 | self-EX01 |
no-certificate            | EX01     | Client Frontend EX01                        | self-EX01 | -         |
no-certificate            | EX01     | Default EX01                                | self-EX01 | self-EX01 |
smtp-not-assigned         | EX01     | Internet EX01                               | -        | -         | 12014
smtp-not-assigned-chosen  | EX01     | Internet EX01                               | mail     | -         |
smtp-not-assigned-pinned  | EX01     | Internet EX01                               | -        | -         | 12014
smtp-not-assigned-outbound | EX01     | Default Frontend EX01                       | default  | default   |
smtp-not-assigned-outbound | MX01     | Default internal receive connector MX01     | mx       | mx        |
private-key-missing       | EDGE01   | Default internal receive connector EDGE01   | -        | default   | 12014
private-key-unreadable    | EX01     | Client Frontend EX01                        | -        | -         | 12014
private-key-outbound      | EX01     | Default Frontend EX01                       | default  | default   |
private-key-outbound      | MX01     | Default internal receive connector MX01     | mx       | mx        |
fqdn-blank                | EDGE01   | Default internal receive connector EDGE01   | -        | default   | 12014
fqdn-blank-matches        | EX01     | Default Frontend EX01                       | default  | default   |
fqdn-guarded              | EX01     | Default Frontend EX01                       | -        | mail      | 12014
fqdn-guarded-2007         | HUB01    |                                             |          |           | 12015
fqdn-guarded-2007         | HUB01    | Default HUB01                               | -        | default   | 12014
tls-not-in-authmechanism  | EX01     | Scanners EX01                               | -        | -         |
tls-not-in-authmechanism-beside-587 | EX01     | Default Frontend EX01                       | -        | default   |
tls-not-in-authmechanism-beside-587 | EX01     | Client Frontend EX01                        | mail     | -         |
expired-withheld          | HUB01    |                                             |          |           | 12015
expired-withheld          | HUB01    | Default HUB01                               | -        | default   | 12014
expired-withheld          | HUB01    | Client HUB01                                | -        | -         | 12014
expired-offered           | EX01     | Client Frontend EX01                        | mail     | -         | 12016
expired-self-signed       | ZOO      | Default Frontend ZOO                        | setup    | mail      | 12016
not-yet-valid             | EDGE01   | Default internal receive connector EDGE01   | -        | default   | 12014
not-yet-valid-offered     | EDGE01   | Default internal receive connector EDGE01   | mail     | default   |
expiring-soon             | EX01     |                                             |          |           | 12017
expiring-soon             | EX01     | Default Frontend EX01                       | default  | default   | 12018
chain-revoked             | EDGE01   | Default internal receive connector EDGE01   | -        | default   | 12014
chain-untrusted-passed-over | EDGE01   | Default internal receive connector EDGE01   | self-signed | default   |
chain-untrusted-withheld  | EDGE01   | Default internal receive connector EDGE01   | -        | default   | 12014
wildcard                  | EDGE01   | Default internal receive connector EDGE01   | wildcard | default   |
wildcard-two-labels       | EDGE01   | Default internal receive connector EDGE01   | -        | default   | 12014
common-name-only          | EDGE01   | Default internal receive connector EDGE01   | mail     | default   |
name-not-first            | EX01     | Client Frontend EX01                        | mail     | -         |
several-candidates        | EX01     | Client Frontend EX01                        | renewed  | -         |
several-candidates-longest | EX01    | Client Frontend EX01                        | long     | -         |
pin-matches               | EX01     | Default Frontend EX01                       | renewed  | default   |
pin-stale                 | EX01     | Default Frontend EX01                       | -        | default   | 12014
pin-stale                 | EX01     | Client Frontend EX01                        | mail     | -         |
pin-stale-outbound        | EX01     | Default Frontend EX01                       | default  | default   |
pin-stale-outbound        | MX01     | Default internal receive connector MX01     | mx       | mx        |
self-signed-presented     | EX01     | Default Frontend EX01                       | default  | default   |
require-tls               | EX01     | Partner EX01                                | mail     | -         |
require-tls-withheld      | EX01     | Partner EX01                                | -        | -         | 12014
two-connectors-one-port   | EX01     | Default Frontend EX01                       | default  | default   |
two-connectors-one-port   | EX01     | Relay EX01                                  | -        | -         | 12014
relay-internal-fqdn       | EX01     | Default Frontend EX01                       | default  | default   |
relay-internal-fqdn       | EX01     | Relay EX01                                  | -        | -         | 12014
submission-beside-25      | EX01     | Default Frontend EX01                       | -        | default   | 12014
submission-beside-25      | EX01     | Client Frontend EX01                        | mail     | -         |
submission-without-tls    | EX01     | Client Frontend EX01                        | -        | -         |
internal-certificate-gone | EX01     |                                             |          |           | 12013
internal-certificate-gone | EX01     | Default Frontend EX01                       | mail     | -         |
internal-certificate-gone | EDGE01   |                                             |          |           | 12024
internal-certificate-gone | EDGE01   | Default internal receive connector EDGE01   | mail     | ephemeral |
edgesync-fqdn-mismatch    | MAILGATE | Default internal receive connector MAILGATE | mailgate | mailgate  |
edgesync-fqdn-mismatch    | HT01     | Default HT01                                | self-HT01 | self-HT01 |
edgesync-hub-name-in-edge-store | MAILGATE | Default internal receive connector MAILGATE | mailgate | mailgate  |
edgesync-hub-name-in-edge-store | HT01     | Default HT01                                | self-HT01 | self-HT01 |
internal-certificate-expired | EX01  |                                             |          |           | 12015
internal-certificate-expired | EX01  | Default Frontend EX01                       | mail     | default   |
internal-certificate-not-published | EX01 |                                        |          |           | 12012
internal-certificate-not-published | EX01 | Default Frontend EX01                  | mail     | -         |
internal-certificate-overwritten | EDGE01 | Default internal receive connector EDGE01 | -    | default   | 12014
internal-certificate-overwritten | EX01 | Default Frontend EX01                    | default  | default   |
";

fn now() -> Timestamp {
    "2010-09-28T09:35:58Z".parse().unwrap()
}

fn built(name: &str) -> Vec<Built> {
    let key = KeyPair::generate(KeyAlgorithm::default()).unwrap();
    // What the key is makes no difference to any rule; one for all is quick.
    let mut keys = move |_| Ok(key.clone());
    let mut issuer = Issuer::open(now(), &mut keys).unwrap();
    let text = ScenarioText::parse(named(name).unwrap().text, name).unwrap();
    text.build(&mut issuer, &mut keys).unwrap_or_else(|error| panic!("{error}"))
}

fn scenario(text: &str) -> Scenario {
    ScenarioText::parse(text, "a built-in story").unwrap().scenario
}

fn only(name: &str) -> (Arc<Computer>, Arc<ReceiveConnector>) {
    let computer = built(name).remove(0).computer;
    let connector = Arc::clone(&computer.receive_connectors[0]);
    (computer, connector)
}

fn selection(name: &str) -> Selection {
    let (computer, connector) = only(name);
    select_for(&connector, &computer, now())
}

fn events(computer: &Computer, connector: &ReceiveConnector) -> Vec<u16> {
    let selection = select_for(connector, computer, now());
    let events = selection_events(&selection, connector, computer, now());
    events.iter().map(|event| event.event_id).collect()
}

/// The rows of the table that a story makes true.
fn rows_of(name: &str) -> Vec<[String; 6]> {
    let mut rows = Vec::new();
    for Built { computer, .. } in built(name) {
        let internal = InternalTransport::of(&computer);
        let row = |connector: &str, tls: &str, anonymous: &str, events: &[u16]| {
            let events = events.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
            [name, &computer.name, connector, tls, anonymous, &events].map(str::to_owned)
        };
        if let Some(event) = internal.event(now()) {
            rows.push(row("", "", "", &[event.event_id]));
        }
        for connector in &computer.receive_connectors {
            let selection = select_for(connector, &computer, now());
            let offered = selection.offered().and_then(|offered| computer.store.find(offered.thumbprint));
            let anonymous = internal.certificate().filter(|_| wants_anonymous_tls(connector));
            let label = |stored: Option<&StoredCertificate>| {
                stored.map_or("-".to_owned(), |stored| stored.label.clone())
            };
            let events = events(&computer, connector);
            rows.push(row(&connector.name, &label(offered), &label(anonymous), &events));
        }
    }
    rows
}

fn told() -> Vec<[String; 6]> {
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = TOLD.lines().filter(|line| !line.is_empty());
    rows.map(|line| cells(line).try_into().unwrap_or_else(|_| panic!("six cells: {line}"))).collect()
}

#[test]
fn every_story_does_what_the_table_says() {
    let told = told();
    for built_in in SCENARIOS {
        let expected: Vec<_> = told.iter().filter(|row| row[0] == built_in.name).cloned().collect();
        assert_eq!(rows_of(built_in.name), expected, "{}", built_in.name);
    }
    let strangers: Vec<_> = told.iter().filter(|row| named(&row[0]).is_none()).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

#[test]
fn every_lab_file_is_in_the_catalogue_and_every_entry_is_a_lab_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab");
    let files: BTreeSet<_> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    let listed: BTreeSet<_> =
        SCENARIOS.iter().map(|it| folder.join(it.name).with_extension("toml")).collect();
    assert_eq!(files, listed);
    assert_eq!(listed.len(), SCENARIOS.len(), "a story is listed twice");
    for built_in in SCENARIOS {
        let file = folder.join(built_in.name).with_extension("toml");
        assert_eq!(built_in.text, std::fs::read_to_string(&file).unwrap(), "{}", file.display());
    }
}

#[test]
fn the_seed_comes_first() {
    assert_eq!(SCENARIOS[0].name, "fqdn-mismatch");
}

#[test]
fn every_story_says_what_happens_how_to_mend_it_and_who_says_so() {
    let mut titles = BTreeSet::new();
    for built_in in SCENARIOS {
        let Scenario { title, story: tale, cure, sources, now, .. } = scenario(built_in.text);
        assert!((20..=100).contains(&title.len()) && !title.contains('\n'), "{}: {title}", built_in.name);
        assert!(!title.ends_with('.') && titles.insert(title), "{}", built_in.name);
        assert!(tale.len() > 100 && cure.len() > 20, "{}", built_in.name);
        assert!(!sources.is_empty() && sources.iter().all(|source| !source.is_empty()), "{}", built_in.name);
        assert!(now.is_none(), "{}: a pinned clock would rot", built_in.name);
    }
}

/// A story that Exchange would not let anybody configure teaches nothing.
#[test]
fn no_connector_has_an_fqdn_that_the_cmdlet_refuses() {
    for built_in in SCENARIOS {
        for Built { computer, .. } in built(built_in.name) {
            for connector in &computer.receive_connectors {
                assert_eq!(fqdn_guard(connector, &computer), None, "{}", built_in.name);
            }
        }
    }
}

#[test]
fn a_stale_pin_is_printed_in_the_event_where_it_speaks_of_a_name() {
    let (computer, connector) = only("pin-stale");
    let selection = select_for(&connector, &computer, now());
    let pin = "<I>CN=Contoso Issuing CA G1, O=Contoso, C=US<S>CN=mail.contoso.com, O=Contoso, C=US";
    let event = &selection_events(&selection, &connector, &computer, now())[0];
    assert_eq!(event.parameters, [pin, "Default Frontend EX01", pin]);
    assert!(event.message().contains(&format!("contains the domain name {pin} in the personal store")));
    assert!(event.message().contains(&format!("with a FQDN parameter of {pin}.")));
}

#[test]
fn the_blank_fqdn_of_a_connector_is_the_computers_in_the_event() {
    let (computer, connector) = only("fqdn-blank");
    let selection = select_for(&connector, &computer, now());
    let event = &selection_events(&selection, &connector, &computer, now())[0];
    assert_eq!(event.parameters[0], "edge01.contoso.com");
    assert_eq!(event.parameters[2], "edge01.contoso.com");
}

#[test]
fn an_expiring_certificate_counts_its_hours() {
    let (computer, connector) = only("expiring-soon");
    let selection = select_for(&connector, &computer, now());
    let event = &selection_events(&selection, &connector, &computer, now())[0];
    assert_eq!((event.parameters[0].as_str(), event.parameters[2].as_str()), ("EX01", "240"));
}

#[test]
fn of_several_candidates_each_learns_why_another_goes_first() {
    let verdicts: Vec<_> = selection("several-candidates")
        .candidates
        .into_iter()
        .filter_map(|candidate| match candidate.verdict {
            Verdict::Beaten { by, because } => Some((candidate.label, by, because)),
            _ => None,
        })
        .collect();
    let beaten = |label: &str, because| (label.to_owned(), "renewed".to_owned(), because);
    let expected = [
        beaten("long", Precedence::NewerValidFrom),
        beaten("wildcard", Precedence::ExactBeforeWildcard),
        beaten("self-signed", Precedence::PkiBeforeSelfSigned),
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn a_pin_that_matches_takes_the_newer_of_both_and_no_other() {
    let eligible: Vec<_> = selection("pin-matches")
        .candidates
        .into_iter()
        .filter(|candidate| !matches!(candidate.verdict, Verdict::NotEligible { .. }))
        .map(|candidate| candidate.label)
        .collect();
    assert_eq!(eligible, ["old", "renewed"]);
}

#[test]
fn one_port_answers_the_relays_address_without_starttls_and_all_others_with_it() {
    let computer = built("two-connectors-one-port").remove(0).computer;
    for (peer, name) in [("127.0.0.2", "Relay EX01"), ("127.0.0.1", "Default Frontend EX01")] {
        let connector = computer.connector_for("0.0.0.0:25".parse().unwrap(), peer.parse().unwrap());
        assert_eq!(connector.unwrap().name, name, "{peer}");
    }
}

#[test]
fn computers_of_one_story_have_addresses_of_their_own() {
    for built_in in SCENARIOS {
        let built = built(built_in.name);
        let addresses: BTreeSet<_> = built.iter().map(|built| built.address).collect();
        assert_eq!(addresses.len(), built.len(), "{}", built_in.name);
    }
}

#[test]
fn nobody_waits_for_a_tarpit() {
    for built_in in SCENARIOS {
        for Built { computer, .. } in built(built_in.name) {
            for connector in &computer.receive_connectors {
                assert!(connector.tarpit_interval.0.is_zero(), "{}: {}", built_in.name, connector.name);
            }
        }
    }
}
