//! A real connection to a running lab: over a pipe in memory, with real TLS, on a clock that jumps.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;
use std::time::Duration;

use starttls_lab::internal::clock::DryRun;
use starttls_lab::internal::journal::{Bounds, Entry, Journal, Record, transcript_line};
use starttls_lab::internal::lab::{Engine, Options, Plan};
use starttls_lab::internal::scenario::{CommandsSpec, ENTRIES, SCENARIOS, ScenarioText};
use starttls_lab::internal::tls::{ClientTls, Versions};
use starttls_lab::internal::wire::{Memory, Network};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::receive::COMMANDS;
use super::source::Source;
use super::world::now;

/// Labs with one computer each, planned once: a copy of a plan has the same certificates.
struct World {
    plans: Vec<Plan>,
}

/// Every lab that listens, with and without faults. Labs with RSA keys are left out: making one takes longer than
/// a thousand connections.
fn world() -> World {
    let texts = SCENARIOS.iter().chain(ENTRIES.iter().map(|entry| &entry.scenario));
    let small =
        texts.filter(|story| !story.text.contains("rsa") && story.text.matches("[[computer]]").count() == 1);
    // The provider `ring` cannot make every key.
    let plans = small.step_by(4).filter_map(|story| {
        let text = ScenarioText::parse(story.text, story.name).expect("a built-in lab");
        let clock = DryRun::default().clock(text.scenario.now.unwrap_or_else(now));
        Plan::at(&text, clock).ok()
    });
    let plans: Vec<_> = plans.collect();
    assert!(plans.len() > 20, "{} labs", plans.len());
    World { plans }
}

/// The bounds that the journal of the lab has to stay within.
pub(super) const BOUNDS: Bounds =
    Bounds { entries: 400, entry_octets: 200_000, messages: 4, message_octets: 100_000 };

/// Whatever a client does and whatever is changed meanwhile: every conversation ends, and the journal has all of
/// it, in order, within its bounds.
pub fn connection(data: &[u8]) {
    thread_local!(static WORLD: OnceCell<World> = const { OnceCell::new() });
    WORLD.with(|made| {
        let plans = &made.get_or_init(world).plans;
        let mut source = Source::new(data);
        let mut plan = plans[source.below(plans.len())].clone();
        let dry = DryRun::default();
        plan.clock = dry.clock(plan.clock.now());
        let done = dry.run(run(plan, &mut source));
        assert!(done.is_ok(), "{done:?}");
    });
}

async fn run(plan: Plan, source: &mut Source<'_>) {
    let memory = Memory::default();
    let network = Network::Memory(memory.clone());
    let options = Options { network, bounds: BOUNDS, content_under_way: 200_000, ..Options::default() };
    let lab = Engine::start_plan(plan, options).await.expect("a lab");
    for _ in 0..3 {
        let connectors = lab.connectors();
        let Some(connector) =
            connectors.get(usize::from(source.byte()).checked_rem(connectors.len()).unwrap_or(0))
        else {
            break;
        };
        let stream = memory.connect(connector.addr).expect("a connection");
        talk(&lab, Box::new(stream), &connector.fqdn, source, true).await;
        if source.is_empty() {
            break;
        }
    }
    assert!(lab.finish(Duration::from_secs(3600)).await, "a conversation does not end");
    check(lab.journal());
}

/// A connection in clear or over TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Stream for IO {}

/// Does what the input says until it says that the connection ends.
async fn talk(lab: &Engine, mut stream: Box<dyn Stream>, fqdn: &str, source: &mut Source<'_>, clear: bool) {
    while !source.is_empty() {
        let written = match source.byte() {
            length @ 0..=0x9f => stream.write_all(source.take(usize::from(length) + 1)).await,
            0xa0..=0xcf => stream.write_all(COMMANDS[source.below(COMMANDS.len())]).await,
            0xd0..=0xdf => read(lab, &mut stream).await,
            0xe0..=0xe3 => {
                lab.clock().sleep(Duration::from_secs(u64::from(source.byte()) * 4)).await;
                Ok(())
            }
            0xe4 | 0xe5 => {
                lab.clock().advance(jiff::SignedDuration::from_mins(i64::from(source.byte())));
                Ok(())
            }
            0xe6 | 0xe7 => {
                change(lab, source).await;
                Ok(())
            }
            0xe8 => stream.shutdown().await,
            0xe9..=0xf3 if clear => {
                // To where a handshake begins, if the lab goes along.
                stream.write_all(b"EHLO a.example\r\nSTARTTLS\r\n").await.ok();
                if read(lab, &mut stream).await.is_err() {
                    return;
                }
                let versions = *source.pick(&[Versions::Both, Versions::Only12, Versions::Only13]);
                let tls = ClientTls::trusting_anything(lab.clock(), versions).expect("a client");
                let mut connecting = std::pin::pin!(tls.connect(fqdn, stream));
                let connected = lab.clock().timeout(Duration::from_secs(60), connecting.as_mut()).await;
                if let Ok(Ok((stream, _))) = connected {
                    Box::pin(talk(lab, Box::new(stream), fqdn, source, false)).await;
                }
                return;
            }
            // The connection is dropped, with whatever is unread.
            0xf4 => return,
            _ => stream.write_all(&[b'x'; 3000]).await,
        };
        if written.is_err() {
            return;
        }
    }
}

/// Reads until the lab has been silent for a minute, or has closed.
async fn read<IO: AsyncRead + Unpin>(lab: &Engine, stream: &mut IO) -> io::Result<()> {
    let mut bytes = [0; 4096];
    for _ in 0..64 {
        let reading = std::pin::pin!(stream.read(&mut bytes));
        match lab.clock().timeout(Duration::from_secs(60), reading).await {
            Err(_) => return Ok(()),
            Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Changes the running lab by a cmdlet.
async fn change(lab: &Engine, source: &mut Source<'_>) {
    let run = *source.pick(&[
        "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mx.example.test",
        "Get-ReceiveConnector | Set-ReceiveConnector -AuthMechanism Tls",
        "Get-ReceiveConnector | Set-ReceiveConnector -AuthMechanism None",
        "Get-ReceiveConnector | Set-ReceiveConnector -Enabled $false",
        "Get-ReceiveConnector | Set-ReceiveConnector -Enabled $true",
        "Get-ReceiveConnector | Set-ReceiveConnector -Bindings 0.0.0.0:2525",
        "Get-ExchangeCertificate | Remove-ExchangeCertificate -Confirm:$false",
        "Restart-Service MSExchangeTransport",
    ]);
    let on = lab.computers()[0].name.clone();
    let commands = [CommandsSpec::new(on, run)];
    // A change that is refused is as good as another.
    drop(lab.run(&commands).await);
}

/// Panics unless the journal is in order, within its bounds, and complete.
pub(super) fn check(journal: &Journal) {
    let entries = journal.entries(1);
    let (dropped, lost) = journal.dropped();
    assert!(entries.len() <= BOUNDS.entries && journal.messages().len() <= BOUNDS.messages);
    assert_eq!(dropped + entries.len() as u64, journal.newest());
    for pair in entries.windows(2) {
        assert_eq!(pair[0].seq + 1, pair[1].seq);
        assert!(pair[0].time <= pair[1].time, "{pair:?}");
    }
    if dropped == 0 {
        complete(&entries, journal.messages().len() as u64 + lost);
    }
    for entry in &entries {
        let line = transcript_line(entry);
        assert!(line.chars().all(|c| c == '\n' || !c.is_control()), "{line:?}");
        let json: serde_json::Value = serde_json::from_str(&entry.to_json()).expect("JSON");
        assert_eq!(json["seq"], entry.seq);
    }
}

/// Panics unless each conversation has a beginning, then an end, and nothing behind it.
fn complete(entries: &[Entry], messages: u64) {
    let mut open: HashMap<u64, bool> = HashMap::new();
    let mut accepted = 0;
    for entry in entries {
        let Some(place) = &entry.place else { continue };
        accepted += u64::from(matches!(entry.record, Record::Message(_)));
        if place.connector.sends() {
            continue;
        }
        match &entry.record {
            Record::Connected => assert!(open.insert(place.session.0, true).is_none(), "{entry:?}"),
            Record::Disconnected(_) => {
                assert_eq!(open.insert(place.session.0, false), Some(true), "{entry:?}");
            }
            _ => assert_eq!(open.get(&place.session.0), Some(&true), "{entry:?}"),
        }
    }
    assert!(open.values().all(|open| !open), "a conversation has no end: {open:?}");
    assert_eq!(accepted, messages);
}
