//! A lab of several computers that hand mail to each other, while everything in it is changed: over pipes in memory,
//! on a clock that jumps.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::SignedDuration;
use starttls_lab::internal::clock::DryRun;
use starttls_lab::internal::exchange::Computer;
use starttls_lab::internal::journal::{Entry, Record, TrackingEvent};
use starttls_lab::internal::lab::{Engine, Options, Plan};
use starttls_lab::internal::scenario::{CommandsSpec, SCENARIOS, ScenarioText};
use starttls_lab::internal::session::fault::FaultSpec;
use starttls_lab::internal::wire::{Memory, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::{BOUNDS, Stream, check};
use super::source::Source;
use super::world::{fault_rules, now};

struct World {
    plans: Vec<Plan>,
    faults: Vec<FaultSpec>,
}

/// Every built-in lab with a Send connector and a computer to send to, planned once.
fn world() -> World {
    let several = SCENARIOS.iter().filter(|story| {
        story.text.matches("[[computer]]").count() > 1 && story.text.contains("send_connector")
    });
    let plans = several.filter_map(|story| {
        let text = ScenarioText::parse(story.text, story.name).expect("a built-in lab");
        let clock = DryRun::default().clock(text.scenario.now.unwrap_or_else(now));
        Plan::at(&text, clock).ok()
    });
    let plans: Vec<_> = plans.collect();
    assert!(plans.len() > 3, "{} labs", plans.len());
    World { plans, faults: fault_rules().iter().map(|rule| rule.spec().clone()).collect() }
}

/// Whatever is sent, changed, broken on purpose and waited for: every conversation ends, those in which the lab
/// sends included, every message has one fate at each computer, and the journal has all of it, in order, within its
/// bounds.
pub fn relay(data: &[u8]) {
    thread_local!(static WORLD: OnceCell<World> = const { OnceCell::new() });
    WORLD.with(|made| {
        let world = made.get_or_init(world);
        let mut source = Source::new(data);
        let mut plan = world.plans[source.below(world.plans.len())].clone();
        let dry = DryRun::default();
        plan.clock = dry.clock(plan.clock.now());
        let done = dry.run(run(plan, &world.faults, &mut source));
        assert!(done.is_ok(), "{done:?}");
    });
}

/// The number of decisions that are read; each takes some conversations.
const MOST_STEPS: usize = 24;

async fn run(plan: Plan, faults: &[FaultSpec], source: &mut Source<'_>) {
    let memory = Memory::default();
    let network = Network::Memory(memory.clone());
    let options = Options { network, bounds: BOUNDS, content_under_way: 200_000, ..Options::default() };
    let lab = Engine::start_plan(plan, options).await.expect("a lab");
    let mut held = Vec::new();
    for _ in 0..MOST_STEPS {
        if source.is_empty() {
            break;
        }
        match source.byte() {
            0..=0x6f => submit(&lab, &memory, source).await,
            0x70..=0x8f => lab.clock().advance(SignedDuration::from_mins(i64::from(source.byte()))),
            0x90..=0x9f => lab.clock().sleep(Duration::from_secs(u64::from(source.byte()))).await,
            0xa0..=0xdf => change(&lab, source).await,
            0xe0..=0xef => {
                let computers = lab.computers();
                let rules = (0..source.byte() % 3).map(|_| source.pick(faults).clone()).collect();
                // A rule that does not fit the computer is refused.
                lab.set_faults(&source.pick(&computers).name, rules).await.ok();
            }
            0xf0..=0xf7 => held.extend(connect(&lab, &memory, source)),
            _ => held.clear(),
        }
    }
    drop(held);
    // What is under way comes to its end, in time or cut off.
    if source.byte().is_multiple_of(2) {
        lab.clock().sleep(Duration::from_secs(7200)).await;
    }
    assert!(lab.finish(Duration::from_secs(3600)).await, "a conversation does not end");
    check(lab.journal());
    if lab.journal().dropped().0 == 0 {
        complete(&lab.journal().entries(1));
    }
}

fn connect(lab: &Engine, memory: &Memory, source: &mut Source<'_>) -> Option<Box<dyn Stream>> {
    let connectors = lab.connectors();
    if connectors.is_empty() {
        return None;
    }
    // A connector may be gone again, and with it its listener.
    let stream = memory.connect(source.pick(&connectors).addr).ok()?;
    Some(Box::new(stream))
}

/// Hands a message for one of the lab's domains, or for none of them, to some connector.
async fn submit(lab: &Engine, memory: &Memory, source: &mut Source<'_>) {
    let Some(mut stream) = connect(lab, memory, source) else { return };
    let computers = lab.computers();
    let domains = domains(&computers);
    let mut mail = b"EHLO client.example\r\nMAIL FROM:<a@client.example>\r\n".to_vec();
    for number in 0..=source.byte() % 3 {
        mail.extend(format!("RCPT TO:<b{number}@{}>\r\n", source.pick(&domains)).bytes());
    }
    mail.extend_from_slice(b"DATA\r\nSubject: x\r\n\r\ny\r\n.\r\nQUIT\r\n");
    if stream.write_all(&mail).await.is_err() || source.byte().is_multiple_of(8) {
        return;
    }
    let mut rest = Vec::new();
    let reading = std::pin::pin!(stream.read_to_end(&mut rest));
    lab.clock().timeout(Duration::from_secs(600), reading).await.ok();
}

fn domains(computers: &[std::sync::Arc<Computer>]) -> Vec<String> {
    let accepted = computers.iter().flat_map(|computer| &computer.accepted_domains).map(ToString::to_string);
    accepted.chain(["fabrikam.com".to_owned(), "nowhere.example".to_owned()]).collect()
}

/// Changes a computer of the running lab by a cmdlet.
async fn change(lab: &Engine, source: &mut Source<'_>) {
    let run = *source.pick(&[
        "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mx.example.test",
        "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn $null",
        "Get-ReceiveConnector | Set-ReceiveConnector -AuthMechanism None",
        "Get-ReceiveConnector | Set-ReceiveConnector -Enabled $false",
        "Get-ReceiveConnector | Set-ReceiveConnector -Enabled $true",
        "Get-ReceiveConnector | Set-ReceiveConnector -Bindings 0.0.0.0:2525",
        "Get-ReceiveConnector | Set-ReceiveConnector -Bindings 0.0.0.0:25",
        "Get-SendConnector | Set-SendConnector -Fqdn mx.example.test",
        "Get-SendConnector | Set-SendConnector -RequireTLS $true",
        "Get-SendConnector | Set-SendConnector -RequireTLS $false",
        "Get-SendConnector | Set-SendConnector -TlsAuthLevel DomainValidation -TlsDomain mx.example.test",
        "Get-SendConnector | Set-SendConnector -IgnoreSTARTTLS $true",
        "Get-SendConnector | Set-SendConnector -Enabled $false",
        "Get-SendConnector | Set-SendConnector -Enabled $true",
        "Get-SendConnector | Set-SendConnector -Port 2525",
        "Get-SendConnector | Remove-SendConnector -Confirm:$false",
        "Get-ExchangeCertificate | Remove-ExchangeCertificate -Confirm:$false",
        "Restart-Service MSExchangeTransport",
        "Retry-Queue -Filter {Status -eq 'Retry'}",
    ]);
    let on = source.pick(&lab.computers()).name.clone();
    let commands = [CommandsSpec::new(on, run)];
    // A change that is refused is as good as another.
    drop(lab.run(&commands).await);
}

/// Panics unless every attempt to send has a result, every conversation in which the lab sends an end, and every
/// message at most one fate for each recipient.
fn complete(entries: &[Entry]) {
    let (mut calling, mut open) = (HashMap::<u64, bool>::new(), HashSet::new());
    let mut settled = HashSet::new();
    for entry in entries {
        if let Record::Tracking(tracking) = &entry.record
            && !matches!(tracking.event, TrackingEvent::Defer { .. })
        {
            for to in &tracking.recipients {
                let fate = (tracking.computer.clone(), tracking.message, to.clone());
                assert!(settled.insert(fate), "two fates: {tracking:?}");
            }
        }
        let Some(place) = entry.place.as_ref().filter(|place| place.connector.sends()) else { continue };
        let session = place.session.0;
        match &entry.record {
            Record::Connecting => assert!(calling.insert(session, false).is_none(), "{entry:?}"),
            Record::Attempt(_) => {
                assert_eq!(calling.insert(session, true), Some(false), "{entry:?}");
                assert!(!open.contains(&session), "a result before the end: {entry:?}");
            }
            Record::Connected => assert!(calling.contains_key(&session) && open.insert(session), "{entry:?}"),
            Record::Disconnected(_) => assert!(open.remove(&session), "{entry:?}"),
            _ => assert!(open.contains(&session), "{entry:?}"),
        }
    }
    assert!(open.is_empty(), "conversations without an end: {open:?}");
    assert!(calling.values().all(|ended| *ended), "attempts without a result: {calling:?}");
}
