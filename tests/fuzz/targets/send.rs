//! A send session against any server.

use std::sync::Arc;

use bytes::BytesMut;
use starttls_lab::internal::session::send::{
    Assessment, BUILT_IN, CertificateProblem, Credentials, Outcome, Outgoing, Proof, Said, Secured, SendFact,
    SendInput, SendNext, SendSession, SendStep, SenderPolicy, Task, Use,
};
use starttls_lab::internal::session::{TlsFailure, TlsVersion};
use starttls_lab::internal::smtp::{LineDecoder, ReplyLines, ReversePath};

use super::source::Source;

/// The longest line of a reply, as the sender's driver has it.
const REPLY_LINE: usize = 4096;
/// More commands than any conversation about three messages has.
const MOST_STEPS: usize = 200;

/// Whatever a server says: commands are lines, content follows a 354, nothing goes in clear where the sender
/// demands TLS, and the conversation ends with one attempt for each message.
pub fn send(data: &[u8]) {
    let mut source = Source::new(data);
    let policy = source.pick(&BUILT_IN).policy.clone();
    let in_clear = policy.tls == Use::IfOffered && source.byte().is_multiple_of(8);
    let messages = usize::from(source.byte() % 3) + 1;
    let mut tasks = (0..messages).map(|index| Arc::new(task(&policy, in_clear, index)));
    let first = tasks.next().expect("a task");
    let most = std::num::NonZeroU32::new(u32::from(source.byte() % 4));
    let (session, step) = SendSession::open_for(first, tasks.collect(), most);
    run(session, step, &policy, messages, &mut source);
}

fn run(
    mut session: SendSession,
    mut step: SendStep,
    policy: &SenderPolicy,
    messages: usize,
    source: &mut Source<'_>,
) {
    let (mut lines, mut replies, mut input) =
        (LineDecoder::new(REPLY_LINE), ReplyLines::default(), BytesMut::new());
    let (mut attempts, mut encrypted, mut code) = (0, false, 0);
    for _ in 0..MOST_STEPS {
        attempts += step.facts.iter().filter(|fact| matches!(fact, SendFact::Attempt(_))).count();
        match &step.say {
            Some(Said::Command(bytes)) => {
                let line = bytes.strip_suffix(b"\r\n").expect("a command is a line");
                assert!(!line.contains(&b'\r') && !line.contains(&b'\n'), "{bytes:?}");
                assert!(encrypted || policy.tls != Use::Required || !line.starts_with(b"MAIL"), "{bytes:?}");
            }
            Some(Said::Content(bytes)) => {
                assert!(bytes.ends_with(b".\r\n"));
                assert_eq!(code, 354, "content without a 354");
            }
            Some(Said::Secret(_)) | None => {}
        }
        step = match step.next {
            SendNext::Done(attempt) => {
                let delivered = matches!(attempt.outcome, Outcome::DeliveredOverTls { .. });
                assert!(!delivered || (attempt.tls.is_some() && encrypted));
                attempts += 1;
                assert!((1..=messages).contains(&attempts), "{attempts} attempts for {messages} messages");
                return;
            }
            SendNext::Handshake(handshake) => {
                assert!(!encrypted, "TLS within TLS");
                input.clear();
                if source.byte().is_multiple_of(4) {
                    let failure = TlsFailure::AlertReceived { alert: "handshake_failure".to_owned() };
                    session.handle(SendInput::HandshakeFailed { failure, problem: None })
                } else {
                    encrypted = true;
                    let bad = handshake.check.proof != Proof::Nothing && source.byte().is_multiple_of(4);
                    (session, step) = session.secure(Arc::new(secured(bad)));
                    step
                }
            }
            SendNext::Reply => {
                let heard = listen(&mut lines, &mut replies, &mut input, source);
                if let SendInput::Reply(reply) = &heard {
                    code = reply.code();
                }
                session.handle(heard)
            }
        };
    }
    panic!("the conversation does not end");
}

fn listen(
    lines: &mut LineDecoder,
    replies: &mut ReplyLines,
    input: &mut BytesMut,
    source: &mut Source<'_>,
) -> SendInput {
    loop {
        while let Some(line) = lines.decode(input) {
            match replies.push(&line.text) {
                Some(Ok(reply)) => return SendInput::Reply(reply),
                Some(Err(_)) => return SendInput::NotSmtp,
                None => {}
            }
        }
        if source.is_empty() {
            return SendInput::Closed;
        }
        match source.byte() {
            length @ 0..=0xdf => input.extend_from_slice(source.take(usize::from(length) + 1)),
            0xe0 => return SendInput::TimedOut,
            0xe1 => return SendInput::Broken("connection reset".to_owned()),
            0xe2 => input.extend_from_slice(&[b'2'; 5000]),
            _ => input.extend_from_slice(source.pick::<&[u8]>(REPLIES)),
        }
    }
}

const REPLIES: &[&[u8]] = &[
    b"220 mx.example.test\r\n",
    b"250-mx.example.test\r\n250-SIZE 1000\r\n250-AUTH LOGIN PLAIN\r\n250 STARTTLS\r\n",
    b"250-mx.example.test\r\n250 SIZE\r\n",
    b"250 2.0.0 OK\r\n",
    b"354 go ahead\r\n",
    b"221 bye\r\n",
    b"334 VXNlcm5hbWU6\r\n",
    b"235 ok\r\n",
    b"421 4.3.2 no\r\n",
    b"454 4.7.0 later\r\n",
    b"502 no\r\n",
    b"550-5.7.1 never\r\n550 5.7.1 ever\r\n",
];

fn task(policy: &SenderPolicy, in_clear: bool, index: usize) -> Task {
    Task {
        policy: policy.clone(),
        in_clear,
        helo: "sender.test".parse().expect("a name"),
        host: "mx.example.test".to_owned(),
        next_hop: "example.test".to_owned(),
        connector: Some("To Internet".to_owned()),
        credentials: Credentials::Usable,
        message: Arc::new(Outgoing {
            from: if index == 1 {
                ReversePath::Null
            } else {
                ReversePath::Address("a@sender.test".parse().expect("an address"))
            },
            to: (0..=index).map(|at| format!("b{at}@example.test").parse().expect("an address")).collect(),
            content: "Subject: x\r\n\r\n.\r\n".into(),
        }),
    }
}

fn secured(bad: bool) -> Secured {
    Secured {
        version: TlsVersion::Tls12,
        cipher_suite: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        key_exchange: None,
        server_name: None,
        presented: Vec::new(),
        assessment: Assessment { chain: bad.then_some(CertificateProblem::UnknownIssuer), name: None },
        own: None,
    }
}
