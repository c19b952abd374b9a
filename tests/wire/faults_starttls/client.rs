//! A client that says what a script tells it, and holds what comes against what the script says.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use starttls_lab::Lab;
use starttls_lab::internal::pki::Certificate;
use starttls_lab::internal::tls::{ClientTls, Versions};

/// The name of every entry's server.
pub(crate) const NAME: &str = "mx1.lab.test";
/// How long anything may take that is to happen.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to listen to somebody who is to say nothing.
const SILENCE: Duration = Duration::from_millis(150);

/// What is done or seen next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The lab greets, as it always does.
    Greeted,
    /// EHLO is answered by 250 with this line among the others.
    Lists(&'static str),
    /// EHLO is answered by 250 without this word, in any letter case.
    Misses(&'static str),
    /// This line is said, and these bytes are the answer.
    Ask(&'static str, &'static [u8]),
    /// These bytes are said.
    Say(&'static [u8]),
    /// These bytes come next.
    Hear(&'static [u8]),
    /// What comes next takes so many seconds at least.
    Later(u64),
    /// A ClientHello is sent.
    ClientHello,
    /// The same of a client that speaks TLS 1.2 only.
    ClientHello12,
    /// The same of a client of yesterday, which offers whatever there was.
    OldHello,
    /// What comes are the handshake messages of these types, in records that begin with this version.
    Flight([u8; 2], &'static [u8]),
    /// The ServerHello of such a flight names this version, and a suite among these.
    Chose([u8; 2], &'static [u16]),
    /// A handshake succeeds with a certificate that is trusted for the name.
    Secure,
    /// The same for a client that speaks this version only.
    SecureAs(Versions),
    /// The handshake fails with an error that has this in it.
    Fails(Versions, &'static str),
    /// A message is sent and taken.
    Send,
    /// What is read next inside TLS is an error that has this in it.
    Gets(&'static str),
    /// Beneath TLS, these bytes came.
    Beneath(&'static [u8]),
    /// The lab ends the stream inside TLS by close_notify.
    CloseNotify,
    /// The lab ends the stream inside TLS without close_notify.
    Truncated,
    /// The lab closes the connection.
    Fin,
    /// The lab resets the connection.
    Rst,
    /// The lab says nothing, and the connection stays open.
    Silent,
}

/// A socket whose incoming bytes are remembered.
struct Tap {
    tcp: TcpStream,
    came: Rc<RefCell<Vec<u8>>>,
}

impl Read for Tap {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.tcp.read(bytes)?;
        self.came.borrow_mut().extend_from_slice(&bytes[..read]);
        Ok(read)
    }
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

enum Layer {
    Clear(BufReader<Tap>),
    Tls(Box<BufReader<StreamOwned<ClientConnection, Tap>>>),
}

pub(crate) struct Client {
    layer: Option<Layer>,
    tcp: TcpStream,
    came: Rc<RefCell<Vec<u8>>>,
    configs: [ClientConfig; 3],
    flight: Vec<u8>,
    /// Whether EHLO or HELO was said in this layer.
    introduced: bool,
    /// When the last step began.
    began: Instant,
}

impl Client {
    pub(crate) fn connect(lab: &Lab) -> Self {
        Self::trusting(lab, lab)
    }

    /// Connects to `lab` and trusts the root of `trusted`.
    pub(crate) fn trusting(trusted: &Lab, lab: &Lab) -> Self {
        let tcp = TcpStream::connect(lab.addr()).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let came = Rc::default();
        let tap = Tap { tcp: tcp.try_clone().unwrap(), came: Rc::clone(&came) };
        let root = Certificate::from_pem(&trusted.ca_pem()).unwrap();
        let config = |versions| {
            ClientTls::trusting(std::slice::from_ref(&root), lab.clock(), versions).unwrap().config()
        };
        let configs = [Versions::Both, Versions::Only12, Versions::Only13].map(config);
        Self {
            layer: Some(Layer::Clear(BufReader::new(tap))),
            tcp,
            came,
            configs,
            flight: Vec::new(),
            introduced: false,
            began: Instant::now(),
        }
    }

    pub(crate) fn play(mut self, steps: &[Step]) {
        self.go(steps);
    }

    /// Plays some steps, and stays.
    #[track_caller]
    pub(crate) fn go(&mut self, steps: &[Step]) {
        for (number, step) in (1..).zip(steps) {
            let done = self.step(step);
            assert_eq!(done, Ok(()), "step {number}, {step:?}");
        }
    }

    /// Reads a reply, whatever it is.
    pub(crate) fn skip_reply(&mut self) {
        self.reply().unwrap();
    }

    /// Everything that still comes in this layer.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.reader().read_to_end(&mut rest).unwrap();
        rest
    }

    /// A ClientHello.
    pub(crate) fn hello(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.connection(Versions::Both).write_tls(&mut bytes).unwrap();
        bytes
    }

    /// The socket, beneath whatever TLS there is.
    pub(crate) fn into_socket(self) -> TcpStream {
        self.tcp
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        // The lab begins to wait when it hears the step before, which is not before that step begins.
        let since = std::mem::replace(&mut self.began, Instant::now());
        match *step {
            Step::Greeted => {
                let line = self.reply()?;
                wanted(line.starts_with("220 mx1.lab.test Microsoft ESMTP MAIL Service ready at "), line)
            }
            Step::Lists(line) => {
                let reply = self.ehlo()?;
                wanted(reply.lines().any(|it| it.get(4..) == Some(line)), reply)
            }
            Step::Misses(word) => {
                let reply = self.ehlo()?;
                wanted(!reply.to_ascii_uppercase().contains(word), reply)
            }
            Step::Ask(line, answer) => {
                self.introduced |= answer.starts_with(b"250") && line.contains("LO ");
                self.say(format!("{line}\r\n").as_bytes())?;
                self.hear(answer)
            }
            Step::Say(bytes) => self.say(bytes),
            Step::Hear(bytes) => self.hear(bytes),
            Step::Later(seconds) => {
                let filled = self.peek().map_err(|error| error.to_string())?;
                let waited = since.elapsed();
                wanted(filled && waited >= Duration::from_secs(seconds), format!("after {waited:?}"))
            }
            Step::ClientHello => self.client_hello(Versions::Both),
            Step::ClientHello12 => self.client_hello(Versions::Only12),
            Step::OldHello => self.say(&old_hello()),
            Step::Flight(version, types) => self.flight(version, types),
            Step::Chose(version, suites) => {
                // Type and length, version, random, session id, suite (RFC 5246 section 7.4.1.3).
                let session_id = usize::from(self.flight[38]);
                let suite = [self.flight[39 + session_id], self.flight[40 + session_id]];
                let chosen = self.flight[4..6] == version && suites.contains(&u16::from_be_bytes(suite));
                wanted(chosen, format!("{:?}, suite {suite:x?}", &self.flight[4..6]))
            }
            Step::Secure => self.secure(Versions::Both),
            Step::SecureAs(versions) => self.secure(versions),
            Step::Fails(versions, words) => match self.secure(versions) {
                Ok(()) => Err("the handshake succeeded".to_owned()),
                Err(error) => wanted(error.contains(words), error),
            },
            Step::Send => self.send(),
            Step::Gets(words) => match self.peek() {
                Ok(more) => Err(format!("no error; more: {more}")),
                Err(error) => wanted(error.to_string().contains(words), error),
            },
            Step::Beneath(bytes) => {
                let came = self.came.borrow();
                wanted(came.windows(bytes.len()).any(|it| it == bytes), came.escape_ascii())
            }
            Step::CloseNotify | Step::Fin => match self.peek() {
                Ok(false) => Ok(()),
                other => Err(format!("{other:?}")),
            },
            Step::Truncated => match self.peek() {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
                other => Err(format!("{other:?}")),
            },
            Step::Rst => match self.peek() {
                Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
                other => Err(format!("{other:?}")),
            },
            Step::Silent => {
                self.tcp.set_read_timeout(Some(SILENCE)).unwrap();
                let silence = self.peek();
                self.tcp.set_read_timeout(Some(PATIENCE)).unwrap();
                match silence {
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                        Ok(())
                    }
                    other => Err(format!("{other:?}")),
                }
            }
        }
    }

    fn reader(&mut self) -> &mut dyn BufRead {
        match self.layer.as_mut().unwrap() {
            Layer::Clear(reader) => reader,
            Layer::Tls(reader) => &mut **reader,
        }
    }

    fn writer(&mut self) -> &mut dyn Stream {
        match self.layer.as_mut().unwrap() {
            Layer::Clear(reader) => reader.get_mut(),
            Layer::Tls(reader) => reader.get_mut(),
        }
    }

    /// Whether there is something more to read, and not the end.
    fn peek(&mut self) -> io::Result<bool> {
        self.reader().fill_buf().map(|bytes| !bytes.is_empty())
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        let writer = self.writer();
        writer.write_all(bytes).and_then(|()| writer.flush()).map_err(|error| error.to_string())
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut came = vec![0; bytes.len()];
        let mut filled = 0;
        while filled < came.len() {
            match self.reader().read(&mut came[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) => {
                    return Err(format!("{:?}, then {error}", came[..filled].escape_ascii().to_string()));
                }
            }
            if came[..filled] != bytes[..filled] {
                break;
            }
        }
        wanted(came == bytes, came[..filled].escape_ascii())
    }

    fn reply(&mut self) -> Result<String, String> {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            let read =
                self.reader().read_line(&mut line).map_err(|error| format!("{reply:?}, then {error}"))?;
            if read == 0 || !line.ends_with("\r\n") {
                return Err(format!("{reply:?}, then {line:?}"));
            }
            reply.push_str(line.trim_end());
            if line.as_bytes().get(3) == Some(&b' ') {
                return Ok(reply);
            }
            reply.push('\n');
        }
    }

    fn ask(&mut self, line: &str, code: &str) -> Result<String, String> {
        self.say(format!("{line}\r\n").as_bytes())?;
        let reply = self.reply()?;
        wanted(reply.starts_with(code), format!("{line}: {reply}")).map(|()| reply)
    }

    fn ehlo(&mut self) -> Result<String, String> {
        self.introduced = true;
        self.ask("EHLO client.example", "250")
    }

    fn send(&mut self) -> Result<(), String> {
        if !self.introduced {
            self.ehlo()?;
        }
        self.ask("MAIL FROM:<me@client.example>", "250 2.1.0")?;
        self.ask("RCPT TO:<you@lab.test>", "250 2.1.5")?;
        self.ask("DATA", "354")?;
        self.ask("Subject: hello\r\n\r\ntext\r\n.", "250 2.6.0").map(drop)
    }

    fn connection(&self, versions: Versions) -> ClientConnection {
        let config = match versions {
            Versions::Both => &self.configs[0],
            Versions::Only12 => &self.configs[1],
            Versions::Only13 => &self.configs[2],
        };
        ClientConnection::new(Arc::new(config.clone()), ServerName::try_from(NAME).unwrap()).unwrap()
    }

    fn client_hello(&mut self, versions: Versions) -> Result<(), String> {
        let mut bytes = Vec::new();
        self.connection(versions).write_tls(&mut bytes).unwrap();
        self.say(&bytes)
    }

    /// Nothing that was said in clear may be left unread: a client that keeps it is what attackers wait for.
    fn secure(&mut self, versions: Versions) -> Result<(), String> {
        let Some(Layer::Clear(reader)) = self.layer.take() else { panic!("there is TLS already") };
        let left = reader.buffer().escape_ascii().to_string();
        let mut tap = reader.into_inner();
        let mut connection = self.connection(versions);
        let mut done = wanted(left.is_empty(), left);
        while done.is_ok() && connection.is_handshaking() {
            done = match connection.complete_io(&mut tap) {
                Ok(_) => Ok(()),
                // The lab may have said why before it stopped listening.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    let read = connection.read_tls(&mut tap);
                    let word = connection.process_new_packets().map(|_| format!("{error}; {read:?}"));
                    Err(word.unwrap_or_else(|error| error.to_string()))
                }
                Err(error) => Err(error.to_string()),
            };
        }
        self.introduced = false;
        self.layer = Some(Layer::Tls(Box::new(BufReader::new(StreamOwned::new(connection, tap)))));
        done
    }

    /// Reads whole records of handshake messages until all of `types` are there, and nothing is left over.
    fn flight(&mut self, version: [u8; 2], types: &[u8]) -> Result<(), String> {
        let mut flight = Vec::new();
        loop {
            let found = message_types(&flight);
            if found.as_deref() == Some(types) {
                self.flight = flight;
                return Ok(());
            }
            let mut header = [0; 5];
            let read = self.reader().read_exact(&mut header);
            read.map_err(|error| format!("messages {found:?}, then {error}"))?;
            wanted(header[..3] == [22, version[0], version[1]], format!("{header:x?} after {found:?}"))?;
            let mut payload = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            self.reader().read_exact(&mut payload).map_err(|error| error.to_string())?;
            flight.extend(payload);
        }
    }
}

/// A ClientHello of TLS 1.2 with the suites and the signatures of its time and before.
fn old_hello() -> Vec<u8> {
    let with_length = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let words =
        |words: &[u16]| with_length(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>());
    let extension = |kind: u8, content: &[u8]| [&[0, kind][..], &with_length(content)].concat();
    let suites = words(&[0xc02b, 0xc013, 0xc009, 0x009e, 0x009c, 0x0033, 0x002f, 0x000a, 0x00a6, 0x0034]);
    let groups = extension(10, &words(&[0x0017]));
    let signatures = extension(13, &words(&[0x0401, 0x0403, 0x0201, 0x0203]));
    let extensions = with_length(&[groups, extension(11, &[1, 0]), signatures].concat());
    // Version, random, no session id; no compression.
    let body = [&[3, 3][..], &[7; 32], &[0], &suites, &[1, 0], &extensions].concat();
    let message = [&[1, 0][..], &with_length(&body)].concat();
    [&[22, 3, 1][..], &with_length(&message)].concat()
}

/// The types of the handshake messages in `flight`; `None` while the last is not complete.
fn message_types(mut flight: &[u8]) -> Option<Vec<u8>> {
    let mut types = Vec::new();
    while let [kind, high, middle, low, rest @ ..] = flight {
        let length = usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).unwrap();
        flight = rest.get(length..)?;
        types.push(*kind);
    }
    flight.is_empty().then_some(types)
}

fn wanted(is: bool, instead: impl std::fmt::Display) -> Result<(), String> {
    if is { Ok(()) } else { Err(instead.to_string()) }
}
