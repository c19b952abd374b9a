//! Several clients of a running lab, their acts in any order: bytes cut anywhere, TLS, time-outs, disconnects, fault
//! rules, changes of the configuration and jumps of the clock, over pipes in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in a test, that is how to fail")]

mod legal;

use std::time::Duration;

use jiff::SignedDuration;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use starttls_lab::internal::clock::DryRun;
use starttls_lab::internal::journal::{Bounds, Entry, Journal, Record};
use starttls_lab::internal::lab::{Engine, Options, Plan};
use starttls_lab::internal::scenario::{CommandsSpec, ENTRIES, ScenarioText, scenario};
use starttls_lab::internal::session::fault::FaultSpec;
use starttls_lab::internal::tls::{ClientTls, Versions};
use starttls_lab::internal::wire::{Memory, Network};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The number of clients of a lab.
const CLIENTS: usize = 3;

/// The number of bytes of content that all conversations together may have under way.
const CONTENT: u64 = 20_000;

/// The time for which a client reads or writes before it does something else: less than the lab waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// An act of a client, or of the lab's user.
#[derive(Clone, Debug)]
enum Act {
    /// Adds a piece to what the client has to say, and says it up to a cut; the rest goes before its next piece.
    Say {
        client: usize,
        piece: Vec<u8>,
        cut: Option<Index>,
    },
    /// EHLO, STARTTLS and a handshake, if the lab goes along.
    StartTls {
        client: usize,
    },
    Read {
        client: usize,
    },
    HalfClose {
        client: usize,
    },
    Leave {
        client: usize,
    },
    Wait {
        seconds: u64,
    },
    Advance {
        minutes: i64,
    },
    Faults(Vec<Index>),
    Change(&'static str),
}

fn act(faults: bool) -> impl Strategy<Value = Act> {
    let client = || 0..CLIENTS;
    let cut = || option::weighted(0.25, any::<Index>());
    prop_oneof![
        14 => (client(), piece(), cut()).prop_map(|(client, piece, cut)| Act::Say { client, piece, cut }),
        2 => client().prop_map(|client| Act::StartTls { client }),
        4 => client().prop_map(|client| Act::Read { client }),
        1 => client().prop_map(|client| Act::HalfClose { client }),
        1 => client().prop_map(|client| Act::Leave { client }),
        3 => prop_oneof![Just(0), 1_u64..20, 200_u64..1000].prop_map(|seconds| Act::Wait { seconds }),
        1 => (0_i64..20).prop_map(|minutes| Act::Advance { minutes }),
        if faults { 2 } else { 0 } => prop::collection::vec(any::<Index>(), 0..3).prop_map(Act::Faults),
        2 => select(CHANGES).prop_map(Act::Change),
    ]
}

/// Pieces of conversations, whole ones most of the time, so that random sequences get somewhere.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let bytes = |text: &&str| text.as_bytes().to_vec();
    prop_oneof![
        8 => select(PIECES).prop_map(move |text| bytes(&text)),
        8 => select(TRANSACTIONS).prop_map(move |text| bytes(&text)),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(|mut line| {
            line.extend_from_slice(b"\r\n");
            line
        }),
        1 => Just(vec![b'A'; 15_000]),
        1 => select(&["DATA", "BDAT 3000", "BDAT 5000"]).prop_map(|verb| {
            let envelope = "EHLO a.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n";
            format!("{envelope}{verb}\r\n{}", "x".repeat(3000)).into_bytes()
        }),
    ]
}

const TRANSACTIONS: &[&str] = &[
    "EHLO a.example\r\nMAIL FROM:<a@example.com>\r\n",
    "RCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\n",
    "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n",
    "EHLO a.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n",
    "EHLO a.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nx\r\n.\r\n",
    "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nBDAT 3\r\nx\r\nBDAT 3 LAST\r\ny\r\n",
];

const PIECES: &[&str] = &[
    "EHLO a.example\r\n",
    "HELO [127.0.0.1]\r\n",
    "MAIL FROM:<a@example.com> SIZE=10 BODY=8BITMIME\r\n",
    "MAIL FROM:<>\r\n",
    "MAIL FROM:<a@example.com> BODY=BINARYMIME\r\n",
    "RCPT TO:<b@example.com> NOTIFY=NEVER\r\n",
    "RCPT TO:<postmaster>\r\n",
    "DATA\r\n",
    "DATA\r\nSubject: x\r\n\r\ny\r\n.\r\n",
    "Subject: x\n\ny\r\n.\r\n",
    "\r\n.\r\n",
    "BDAT 5\r\nhello",
    "BDAT 5 LAST\r\nhello",
    "BDAT 0 LAST\r\n",
    "BDAT 18000\r\n",
    "BDAT 18446744073709551615\r\n",
    "AUTH LOGIN\r\n",
    "AUTH PLAIN AHVzZXIAcGFzcw==\r\n",
    "dXNlcg==\r\n",
    "*\r\n",
    "STARTTLS\r\n",
    "X-ANONYMOUSTLS\r\n",
    "X-EXPS NTLM\r\n",
    "\x16\x03\x01\x02\x00\x01",
    "RSET\r\n",
    "NOOP\r\n",
    "NOOP\n",
    "QUIT\r\n",
    "VRFY x\r\n",
    "X\r\n",
];

const CHANGES: &[&str] = &[
    "Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mx.example.test",
    "Get-ReceiveConnector | Set-ReceiveConnector -AuthMechanism Tls",
    "Get-ReceiveConnector | Set-ReceiveConnector -AuthMechanism None",
    "Get-ReceiveConnector | Set-ReceiveConnector -Enabled $false",
    "Get-ReceiveConnector | Set-ReceiveConnector -Enabled $true",
    "Get-ReceiveConnector | Set-ReceiveConnector -MaxMessageSize 1KB",
    "Get-ReceiveConnector | Set-ReceiveConnector -MaxProtocolErrors 1",
    "Get-ReceiveConnector | Set-ReceiveConnector -TarpitInterval 00:00:05",
    "Get-ReceiveConnector | Set-ReceiveConnector -ChunkingEnabled $false",
    "Get-ReceiveConnector | Set-ReceiveConnector -MaxRecipientsPerMessage 1",
    "Get-ReceiveConnector | Set-ReceiveConnector -ConnectionTimeout 00:05:00 -ConnectionInactivityTimeout 00:00:10",
    "Get-ExchangeCertificate | Remove-ExchangeCertificate -Confirm:$false",
    "Restart-Service MSExchangeTransport",
];

/// What undoes the changes above, as far as a message in clear is concerned.
const USUAL: &str = "Get-ReceiveConnector | Set-ReceiveConnector -Enabled $true -MaxMessageSize 10MB \
     -TarpitInterval 00:00:00 -ConnectionTimeout 00:10:00 -ConnectionInactivityTimeout 00:05:00";

/// Bounds that hold every entry, and bounds that most runs reach.
const WIDE: Bounds =
    Bounds { entries: 20_000, entry_octets: 20 << 20, messages: 1000, message_octets: 20 << 20 };
const NARROW: Bounds = Bounds { entries: 30, entry_octets: 3000, messages: 2, message_octets: 20_000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_leaves_sessions_legal_and_the_journal_complete(
        lab in 0..LABS.len(), acts in prop::collection::vec(act(false), 0..60)
    ) {
        run(lab, WIDE, &acts);
    }

    #[test]
    fn any_interleaving_with_faults_leaves_a_lab_that_works_and_keeps_its_bounds(
        lab in 0..LABS.len(), wide in any::<bool>(), acts in prop::collection::vec(act(true), 0..60)
    ) {
        run(lab, if wide { WIDE } else { NARROW }, &acts);
    }
}

const LABS: [&str; 3] = ["healthy", "submission-beside-25", "fqdn-mismatch"];

/// The labs, planned once, because making keys takes longer than everything else.
fn plan(lab: usize) -> Plan {
    thread_local!(static PLANS: Vec<Plan> = LABS.map(|name| {
        let text = ScenarioText::parse(scenario(name).unwrap().text, name).unwrap();
        Plan::at(&text, DryRun::default().clock("2026-11-30T12:00:00Z".parse().unwrap())).unwrap()
    }).into());
    PLANS.with(|plans| plans[lab].clone())
}

/// The rules of the fault catalogue.
fn faults() -> Vec<FaultSpec> {
    let texts = ENTRIES.iter().map(|entry| &entry.scenario);
    let labs = texts.map(|scenario| ScenarioText::parse(scenario.text, scenario.name).unwrap());
    labs.flat_map(|lab| lab.scenario.computer).flat_map(|computer| computer.fault).collect()
}

fn run(lab: usize, bounds: Bounds, acts: &[Act]) {
    thread_local!(static FAULTS: Vec<FaultSpec> = faults());
    FAULTS.with(|faults| {
        let dry = DryRun::default();
        let mut plan = plan(lab);
        plan.clock = dry.clock(plan.clock.now());
        dry.run(play(plan, bounds, faults, acts)).expect("everything comes to an end");
    });
}

async fn play(plan: Plan, bounds: Bounds, faults: &[FaultSpec], acts: &[Act]) {
    let memory = Memory::default();
    let network = Network::Memory(memory.clone());
    let options = Options { network, bounds, content_under_way: CONTENT, ..Options::default() };
    let lab = Engine::start_plan(plan, options).await.unwrap();
    let mut clients: [Client; CLIENTS] = Default::default();
    let mut heard = Vec::new();
    for act in acts {
        match act {
            Act::Say { client, piece, cut } => {
                let client = &mut clients[*client];
                client.unsaid.extend_from_slice(piece);
                let end = cut.map_or(client.unsaid.len(), |cut| cut.index(client.unsaid.len() + 1));
                let bytes = client.unsaid.drain(..end).collect::<Vec<_>>();
                client.say(&lab, &memory, &bytes).await;
            }
            Act::StartTls { client } => clients[*client].start_tls(&lab, &memory).await,
            Act::Read { client } => clients[*client].read(&lab).await,
            Act::HalfClose { client } => {
                if let Some(stream) = &mut clients[*client].stream {
                    lab.clock().timeout(PATIENCE, std::pin::pin!(stream.shutdown())).await.ok();
                }
            }
            Act::Leave { client } => heard.push(std::mem::take(&mut clients[*client]).heard),
            Act::Wait { seconds } => lab.clock().sleep(Duration::from_secs(*seconds)).await,
            Act::Advance { minutes } => lab.clock().advance(SignedDuration::from_mins(*minutes)),
            Act::Faults(rules) => {
                let rules = rules.iter().map(|rule| rule.get(faults).clone()).collect();
                // A rule that does not fit the computer is refused.
                lab.set_faults(&lab.computers()[0].name, rules).await.ok();
            }
            Act::Change(what) => change(&lab, what).await,
        }
    }
    heard.extend(clients.map(|client| client.heard));
    let faulty = acts.iter().any(|act| matches!(act, Act::Faults(_)));
    works(&lab, &memory).await;
    assert!(lab.finish(Duration::from_secs(3600)).await, "a session does not end");
    check(lab.journal(), bounds, &heard, faulty);
}

async fn change(lab: &Engine, what: &str) {
    let commands = [CommandsSpec::new(lab.computers()[0].name.clone(), what)];
    // A change that is refused is as good as another.
    drop(lab.run(&commands).await);
}

/// A connection in clear or over TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Stream for IO {}

#[derive(Default)]
struct Client {
    stream: Option<Box<dyn Stream>>,
    encrypted: bool,
    unsaid: Vec<u8>,
    /// Everything that the lab has said, in clear and inside TLS.
    heard: Vec<u8>,
}

impl Client {
    /// Says something, on a new connection if there is none.
    async fn say(&mut self, lab: &Engine, memory: &Memory, bytes: &[u8]) {
        if self.stream.is_none() {
            // A connector that is disabled has no listener.
            let stream = lab.connectors().first().and_then(|connector| memory.connect(connector.addr).ok());
            self.stream = stream.map(|stream| Box::new(stream) as Box<dyn Stream>);
        }
        if let Some(stream) = &mut self.stream {
            let writing = async {
                stream.write_all(bytes).await.ok();
                stream.flush().await.ok();
            };
            lab.clock().timeout(PATIENCE, std::pin::pin!(writing)).await.ok();
        }
    }

    /// Reads until the lab has been silent for a while, or has closed.
    async fn read(&mut self, lab: &Engine) {
        let Some(stream) = &mut self.stream else { return };
        let mut bytes = [0; 4096];
        loop {
            let reading = std::pin::pin!(stream.read(&mut bytes));
            match lab.clock().timeout(PATIENCE, reading).await {
                Ok(Ok(length)) if length > 0 => self.heard.extend_from_slice(&bytes[..length]),
                _ => return,
            }
        }
    }

    async fn start_tls(&mut self, lab: &Engine, memory: &Memory) {
        self.say(lab, memory, b"\r\nEHLO a.example\r\n").await;
        self.read(lab).await;
        let before = self.heard.len();
        self.say(lab, memory, b"STARTTLS\r\n").await;
        self.read(lab).await;
        if self.encrypted || !self.heard[before..].starts_with(b"220 ") {
            return;
        }
        let tls = ClientTls::trusting_anything(lab.clock(), Versions::Both).unwrap();
        let Some(stream) = self.stream.take() else { return };
        let connecting = std::pin::pin!(tls.connect("mx.example.test", stream));
        if let Ok(Ok((stream, _))) = lab.clock().timeout(PATIENCE, connecting).await {
            self.stream = Some(Box::new(stream));
            self.encrypted = true;
        }
    }
}

/// Panics unless a client of the usual kind can deliver a message that needs nearly all of the memory for content:
/// what other sessions took of it has been given back.
async fn works(lab: &Engine, memory: &Memory) {
    // Every time-out passes.
    lab.clock().sleep(Duration::from_secs(7200)).await;
    lab.set_faults(&lab.computers()[0].name, Vec::new()).await.unwrap();
    change(lab, USUAL).await;
    let domain =
        lab.computers()[0].accepted_domains.first().map_or("example.com".to_owned(), ToString::to_string);
    let mut last = Client::default();
    let message = "x".repeat(usize::try_from(CONTENT).unwrap() - 1000);
    let mail = format!(
        "EHLO a.example\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@{domain}>\r\nDATA\r\n{message}\r\n.\r\nQUIT\r\n"
    );
    last.say(lab, memory, mail.as_bytes()).await;
    last.read(lab).await;
    let heard = String::from_utf8_lossy(&last.heard);
    let codes: Vec<_> =
        heard.lines().filter(|line| line.as_bytes().get(3) == Some(&b' ')).map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "250", "250", "250", "354", "250", "221"], "{heard}");
}

fn check(journal: &Journal, bounds: Bounds, heard: &[Vec<u8>], faulty: bool) {
    let entries = journal.entries(1);
    let messages = journal.messages();
    let (dropped, lost) = journal.dropped();
    assert!(entries.len() <= bounds.entries && messages.len() <= bounds.messages);
    let said = |entry: &Entry| match &entry.record {
        Record::Sent(bytes) => bytes.len(),
        Record::Received(line) => line.len(),
        _ => 0,
    };
    assert!(entries.iter().map(said).sum::<usize>() <= bounds.entry_octets);
    assert!(messages.iter().map(|message| message.size()).sum::<u64>() <= bounds.message_octets as u64);
    assert_eq!(dropped + entries.len() as u64, journal.newest(), "entries are numbered without gaps");
    for pair in entries.windows(2) {
        assert_eq!(pair[0].seq + 1, pair[1].seq, "entries are numbered without gaps");
        assert!(pair[0].time <= pair[1].time, "the time of the journal goes back: {pair:?}");
    }
    if dropped > 0 {
        return;
    }
    let sessions = legal::sessions(&entries);
    assert_eq!(sessions.values().map(|session| session.messages).sum::<u64>(), messages.len() as u64 + lost);
    if !faulty {
        // What a client has read is in the journal, to the byte.
        for heard in heard {
            // A ClientHello that is none is answered by an alert, which is no reply.
            let alert = heard.windows(2).position(|bytes| bytes == [21, 3]).unwrap_or(heard.len());
            let heard = plain(&heard[..alert]);
            // A peer for which no connector listens is told so, and has no session.
            let refused = |entry: &Entry| matches!(entry.record, Record::NoConnector(_));
            let is_journaled = sessions.values().any(|session| plain(&session.sent).starts_with(&heard))
                || (heard == "421 4.3.2 Service not active\r\n" && entries.iter().any(refused));
            assert!(is_journaled, "not in the journal: {heard:?}");
        }
    }
}

/// What was said, without words of the client's, which the journal leaves out where they may be a secret.
fn plain(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines = text.split_inclusive('\n').map(|line| match line.split_once("Unrecognized command '") {
        Some((before, _)) => before,
        None => line,
    });
    lines.collect()
}
