//! A receive session: any bytes in any pieces, any fault rules of the catalogue, time-outs and handshakes.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::BytesMut;
use starttls_lab::internal::pki::Thumbprint;
use starttls_lab::internal::scenario::{ScenarioText, scenario};
use starttls_lab::internal::session::fault::{Conversation, FaultRule, FaultTable, StepAction};
use starttls_lab::internal::session::{Counters, Fact, Input, Next, Setting, Step, TlsFacts, TlsVersion};
use starttls_lab::internal::smtp::{ChunkDecoder, DataDecoder, DataProgress, LineDecoder};

use super::decoder::is_a_reply;
use super::source::Source;
use super::world::{fault_rules, issuer, key, now};

/// The longest line that a session waits for (RFC 4954 section 4).
const LONGEST_LINE: usize = 12_288;

struct World {
    settings: Vec<Setting>,
    rules: Vec<FaultRule>,
}

fn world() -> World {
    let connectors = ["fqdn-mismatch", "submission-beside-25", "require-tls", "healthy"].map(|name| {
        let text = ScenarioText::parse(scenario(name).expect("a story").text, name).expect("a lab file");
        let built = text.build(&mut issuer(), &mut key).expect("a lab");
        let computer = built.into_iter().next().expect("a computer").computer;
        let settings = computer.receive_connectors.iter().map(|connector| Setting {
            computer: Arc::clone(&computer),
            connector: Arc::clone(connector),
            local: ([127, 0, 0, 1], 1025).into(),
            peer: ([127, 0, 0, 1], 40_000).into(),
            starttls: true,
            anonymous_tls: false,
            counters: Arc::default(),
        });
        settings.collect::<Vec<_>>()
    });
    World { settings: connectors.into_iter().flatten().collect(), rules: fault_rules() }
}

/// Each command has one reply, whatever comes; and the session takes no more steps than it got inputs.
pub fn receive(data: &[u8]) {
    thread_local!(static WORLD: OnceCell<World> = const { OnceCell::new() });
    WORLD.with(|made| run(made.get_or_init(world), data));
}

fn run(world: &World, data: &[u8]) {
    let mut source = Source::new(data);
    let what = source.byte();
    let mut setting = world.settings[usize::from(what) % world.settings.len()].clone();
    setting.starttls = what & 0x80 == 0;
    setting.anonymous_tls = what & 0x40 != 0;
    setting.counters = Arc::new(Counters::default());
    let faults = usize::from(source.byte() % 4);
    let rules: Vec<_> = (0..faults).map(|_| world.rules[source.below(world.rules.len())].clone()).collect();
    let table = Arc::new(FaultTable::of(&rules, &setting.connector.name));
    let faults = (!table.is_empty()).then(|| table.connect(setting.peer.ip()));
    let faulty = faults.is_some();
    let early = usize::from(source.byte() % 4);
    let (session, step) = Conversation::open(Arc::new(setting), faults, early, now());
    let mut driver = Driver {
        lines: LineDecoder::new(session.session().line_limit()),
        session: Some(session),
        input: BytesMut::new(),
        chunks: None,
        faulty,
    };
    driver.run(step, &mut source);
}

struct Driver {
    session: Option<Conversation>,
    lines: LineDecoder,
    input: BytesMut,
    chunks: Option<ChunkDecoder>,
    faulty: bool,
}

impl Driver {
    fn run(&mut self, mut step: Step, source: &mut Source<'_>) {
        let (mut steps, mut inputs) = (0, 1);
        loop {
            steps += 1;
            assert!(steps <= inputs, "a step without an input");
            self.check(&step);
            if step.ends() || step.next == Next::Close {
                return;
            }
            let input = match step.next {
                Next::Handshake(verb) => {
                    // What stands in clear behind STARTTLS is not carried over.
                    self.input.clear();
                    if source.is_empty() || source.byte().is_multiple_of(4) {
                        return;
                    }
                    let session = self.session.take().expect("a session");
                    let (session, next) = session.secure(verb, secured(), source.byte().is_multiple_of(4));
                    assert!(!session.begins_with_tls());
                    self.session = Some(session);
                    step = next;
                    inputs += 1;
                    if step.next == Next::Line && step.reply.is_none() && step.actions.is_none() {
                        self.read(Next::Line, source)
                    } else {
                        continue;
                    }
                }
                next => self.read(next, source),
            };
            let Some(input) = input else { return };
            inputs += 1;
            let is_line = matches!(input, Input::Line(_));
            let is_content = matches!(input, Input::Content(_));
            step = self.session.as_mut().expect("a session").handle(input, now());
            if !self.faulty {
                assert!(step.actions.is_none());
                let in_chunk = matches!(step.next, Next::Chunk { .. });
                assert_eq!(step.reply.is_none(), in_chunk, "one reply a command: {step:?}");
                assert!(is_line || !in_chunk);
                let delivered = step.facts.iter().any(|fact| matches!(fact, Fact::Message(_)));
                assert!(is_content || !delivered, "a message without content: {step:?}");
            }
        }
    }

    fn check(&self, step: &Step) {
        if let Some(reply) = &step.reply {
            is_a_reply(&reply.to_bytes());
            if !self.faulty && matches!(step.next, Next::Data { .. }) {
                assert_eq!(reply.code(), 354);
            }
        }
        for action in step.actions.iter().flat_map(|actions| &actions.now) {
            match action {
                StepAction::Send(bytes) | StepAction::SendBeneath(bytes) => assert!(bytes.len() < 1 << 20),
                StepAction::Trickle { .. } | StepAction::KeepInput | StepAction::End(_) => {}
            }
        }
        let session = self.session.as_ref().expect("a session").session();
        assert!(session.line_limit() <= LONGEST_LINE);
    }

    /// The next input of the kind that is due; `None` at the end of the data.
    fn read(&mut self, next: Next, source: &mut Source<'_>) -> Option<Input> {
        let session = self.session.as_ref()?.session();
        self.lines.set_limit(session.line_limit());
        if !session.in_chunks() && next == Next::Line {
            self.chunks = None;
        }
        let mut content = match next {
            Next::Data { limit } => Some(DataDecoder::new(limit)),
            _ => None,
        };
        let mut begun = false;
        loop {
            match next {
                Next::Line => {
                    if let Some(line) = self.lines.decode(&mut self.input) {
                        return Some(Input::Line(line));
                    }
                    assert!(self.input.len() < LONGEST_LINE);
                }
                Next::Data { .. } => {
                    let decoder = content.as_mut()?;
                    if decoder.decode(&mut self.input) == DataProgress::Done {
                        return content.map(|decoder| Input::Content(decoder.finish()));
                    }
                }
                Next::Chunk { size, last, limit } => {
                    let decoder = self.chunks.get_or_insert_with(|| ChunkDecoder::new(limit));
                    if !begun {
                        decoder.begin(size);
                        begun = true;
                    }
                    match (decoder.decode(&mut self.input) == DataProgress::Done, last) {
                        (false, _) => {}
                        (true, true) => return Some(Input::Content(self.chunks.take()?.finish())),
                        (true, false) => return Some(Input::Chunk(size)),
                    }
                }
                Next::Handshake(_) | Next::Close => return None,
            }
            if source.is_empty() {
                return None;
            }
            match source.byte() {
                // Bytes, as many as the number says.
                length @ 0..=0xef => self.input.extend_from_slice(source.take(usize::from(length) + 1)),
                0xf0 if next == Next::Line => return Some(Input::ClientHello),
                0xf1 if next != Next::Line => return Some(Input::NoMemory),
                0xf2 => return Some(Input::TimedOut),
                0xf3 => return Some(Input::ShuttingDown),
                // A long line, or much content.
                0xf4 => self.input.extend_from_slice(&[b'A'; 5000]),
                0xf5 => self.input.extend_from_slice(b"\r\n"),
                0xf6 => self.input.extend_from_slice(b"\r\n.\r\n"),
                _ => self.input.extend_from_slice(COMMANDS[source.below(COMMANDS.len())]),
            }
        }
    }
}

fn secured() -> Arc<TlsFacts> {
    Arc::new(TlsFacts {
        version: TlsVersion::Tls13,
        cipher_suite: "TLS_AES_256_GCM_SHA384",
        key_exchange: Some("x25519"),
        server_name: None,
        presented: Thumbprint::of(b"certificate"),
        client_certificate: None,
        client_certificate_error: None,
        client_hello: None,
    })
}

/// Commands that lead further, so that few bytes do.
pub(super) const COMMANDS: &[&[u8]] = &[
    b"EHLO a.example\r\n",
    b"HELO [127.0.0.1]\r\n",
    b"MAIL FROM:<a@example.com> SIZE=10 BODY=8BITMIME\r\n",
    b"MAIL FROM:<>\r\n",
    b"RCPT TO:<b@example.com> NOTIFY=NEVER\r\n",
    b"RCPT TO:<you@expta.com>\r\n",
    b"DATA\r\n",
    b"Subject: x\r\nReceived: from y\r\n\r\nz\r\n.\r\n",
    b"BDAT 5\r\nhello",
    b"BDAT 0 LAST\r\n",
    b"BDAT 18446744073709551615\r\n",
    b"AUTH LOGIN\r\n",
    b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n",
    b"dXNlcg==\r\n",
    b"*\r\n",
    b"STARTTLS\r\n",
    b"X-ANONYMOUSTLS\r\n",
    b"X-EXPS NTLM\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"QUIT\r\n",
    b"VRFY x\r\n",
];
