//! Simulated trials.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::judgement::{Exit, Trial};
use crate::observe::verdict::{
    CloseReason, Conversation, FallBack, HandshakeAudit, Injected, Leak, Presented, Reaction, Said, StartTls,
    Turn, Verdict, Why,
};
use crate::scenario::{Acceptance, ServerTrust};

/// The properties of a simulated trial.
#[derive(Clone, Debug)]
pub(super) struct Made {
    tls: ServerTrust,
    mail: Acceptance,
    over_tls: u64,
    in_clear: u64,
    exit: Exit,
    pub(super) turn: Turn,
    offered: bool,
    asked: bool,
    broken: bool,
    refuses: bool,
    leaks: Vec<Said>,
    told: BTreeSet<Said>,
    falls_back: Option<(usize, SignedDuration)>,
    injected: Option<Injected>,
    unexplained: Vec<String>,
    answers_454: bool,
    silent_inside: bool,
}

impl Made {
    fn nothing(exit: Exit) -> Self {
        Self {
            tls: ServerTrust::Good,
            mail: Acceptance::Always,
            over_tls: 0,
            in_clear: 0,
            exit,
            turn: Turn::Client,
            offered: true,
            asked: true,
            broken: false,
            refuses: false,
            leaks: Vec::new(),
            told: BTreeSet::new(),
            falls_back: None,
            injected: None,
            unexplained: Vec::new(),
            answers_454: false,
            silent_inside: false,
        }
    }

    pub(super) fn over_tls() -> Self {
        Self { over_tls: 1, ..Self::nothing(Exit::Code(0)) }
    }

    pub(super) fn in_clear() -> Self {
        Self { in_clear: 1, ..Self::nothing(Exit::Code(0)) }
    }

    pub(super) fn refused() -> Self {
        Self::nothing(Exit::Code(1))
    }

    pub(super) fn waits() -> Self {
        Self { turn: Turn::Lab, ..Self::nothing(Exit::Killed) }
    }

    pub(super) fn hung() -> Self {
        Self::nothing(Exit::Killed)
    }

    pub(super) fn not_run() -> Self {
        Self::nothing(Exit::NotRun("no such file".to_owned()))
    }

    pub(super) fn worth(self, tls: ServerTrust) -> Self {
        Self { tls, ..self }
    }

    pub(super) fn mail(self, mail: Acceptance) -> Self {
        Self { mail, ..self }
    }

    pub(super) fn leaking(self, leaks: &[Said]) -> Self {
        Self { leaks: leaks.to_vec(), ..self }
    }

    pub(super) fn telling(self, told: &[Said]) -> Self {
        Self { told: told.iter().copied().collect(), ..self }
    }

    pub(super) fn not_offered(self) -> Self {
        Self { offered: false, asked: false, ..self }
    }

    pub(super) fn never_asking(self) -> Self {
        Self { asked: false, ..self }
    }

    pub(super) fn broken(self) -> Self {
        Self { broken: true, ..self }
    }

    /// The client looks at the certificate that is presented, and refuses it.
    pub(super) fn refusing(self) -> Self {
        Self { refuses: true, ..self }
    }

    pub(super) fn falling_back(self, connections_later: usize) -> Self {
        Self { falls_back: Some((connections_later, SignedDuration::from_millis(3))), ..self }
    }

    pub(super) fn falling_back_after(self, seconds: i64) -> Self {
        Self { falls_back: Some((1, SignedDuration::from_secs(seconds))), ..self }
    }

    /// A reply was injected behind the 220, and the client accepted it or did not.
    pub(super) fn injected(self, taken: bool) -> Self {
        let taken = taken.then(|| "it said HELO".to_owned());
        let injected = Injected { lines: vec!["554 no".to_owned()], distinct: true, taken, effect: None };
        Self { injected: Some(injected), ..self }
    }

    /// The client does this inside TLS, which no reply there explains.
    pub(super) fn doing(self, unexplained: &str) -> Self {
        Self { unexplained: vec![unexplained.to_owned()], ..self }
    }

    /// The client says nothing inside TLS, or QUIT alone.
    pub(super) fn silent_inside(self) -> Self {
        Self { silent_inside: true, ..self }
    }

    /// STARTTLS is answered with 454.
    pub(super) fn answered_454(self) -> Self {
        Self { answers_454: true, ..self }
    }

    pub(super) fn exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    pub(super) fn trial(&self) -> Trial {
        trial("made-up", self.clone())
    }

    fn conversation(&self) -> Conversation {
        let answer = if self.answers_454 { "454 4.7.0 not now" } else { "220 2.0.0 ready" };
        let answer = self.asked.then(|| answer.to_owned());
        let (reaction, presented) = match (self.broken, self.refuses) {
            (true, _) => (Reaction::ClosedDuring, None),
            (false, true) => (Reaction::Refused { alert: "unknown_ca".to_owned() }, Some(presented())),
            (false, false) => (Reaction::Accepted, None),
        };
        let handshake = HandshakeAudit {
            verb: "STARTTLS",
            version: None,
            server_name: None,
            client_hello: Some(Arc::default()),
            partial_hello: 0,
            presented,
            certificate_sent: true,
            reaction,
        };
        Conversation {
            session: "1".to_owned(),
            began: Timestamp::UNIX_EPOCH,
            ended: None,
            starttls: StartTls { offered: Some(self.offered), asked: self.asked, answer },
            handshake: (self.asked && !self.answers_454).then(|| Box::new(handshake)),
            leaks: Vec::new(),
            said_over_tls: self.told.clone(),
            messages_in_clear: self.in_clear,
            messages_over_tls: self.over_tls,
            parting: CloseReason::Quit,
            turn: self.turn,
            oddities: Vec::new(),
            faults: Vec::new(),
            client_hello_in_clear: false,
            clear_text_after_go_ahead: false,
            injected: self.injected.clone(),
            unexplained: self.unexplained.clone(),
            went_on_inside: self.asked && !self.answers_454 && !self.broken && !self.silent_inside,
            stale_capabilities: None,
        }
    }
}

pub(super) fn trial(entry: &str, made: Made) -> Trial {
    let leak = |what: &Said| Leak {
        what: *what,
        why: Why::NotOffered,
        session: "1".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    };
    let fall_back = made.falls_back.map(|(connections_later, seconds_later)| FallBack {
        from: "1".to_owned(),
        to: "2".to_owned(),
        connections_later,
        seconds_later,
        said: BTreeSet::new(),
    });
    let verdict = Verdict {
        peer: [127, 0, 0, 1].into(),
        computer: "MX1".to_owned(),
        connector: "Internet MX1".to_owned(),
        messages_over_tls: made.over_tls,
        messages_in_clear: made.in_clear,
        leaks: made.leaks.iter().map(leak).collect(),
        fall_back,
        result_type: None,
        symptom: None,
        inferred: None,
        error_texts: Vec::new(),
        words: String::new(),
        conversations: vec![made.conversation()],
    };
    Trial {
        entry: entry.to_owned(),
        tls: made.tls,
        mail: made.mail,
        exit: made.exit,
        outlived: false,
        repeated: None,
        verdicts: vec![verdict],
    }
}

fn presented() -> Presented {
    let certificate = crate::journal::sample::certificate();
    Presented {
        certificate,
        handshake_thumbprint: None,
        expected_name: "mx.example".to_owned(),
        problems: Vec::new(),
        notes: Vec::new(),
    }
}
