//! The handshake of a conversation: the usual one, or one that a fault rule changes.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

use super::connection::Connection;
use super::prepared::Credentials;
use super::stream::Stream;
use crate::exchange::CertificateFacts;
use crate::journal::{Ending, FailedHandshake, Handshake, Record, pipelined};
use crate::session::fault::{Conversation, Fired, HandshakeAction, StepActions, Then};
use crate::session::{Step, TlsFacts, TlsFailure, TlsVerb};
use crate::tls::{HandshakeFault, HandshakeTrace, Refused, ServerStream};

/// The result of a handshake that succeeds: the stream, the conversation, and the step that is sent unasked.
pub(super) type Secured<IO> = (Box<ServerStream<IO>>, (Conversation, Step));

/// The time for which a client is watched after the lab has closed the connection.
const LAST_LOOK: Duration = Duration::from_secs(1);

impl<'a> Connection<'a> {
    pub(super) async fn handshake<IO: Stream>(
        &mut self,
        io: IO,
        session: Conversation,
        verb: TlsVerb,
        actions: Option<Box<StepActions>>,
    ) -> Result<Secured<IO>, Ending> {
        let behind = std::mem::take(&mut self.input);
        let implicit = session.begins_with_tls();
        if !behind.is_empty() && !implicit {
            self.write_down(Record::Anomaly(pipelined(&behind, self.keep_input)));
        }
        let mut credentials = self.side.credentials(verb);
        let mut fault = HandshakeFault::default();
        if let Some(fired) = actions.and_then(|actions| actions.next) {
            credentials = self.begin_fault(&fired, &mut fault).await.or(credentials);
        }
        if implicit {
            fault.early = behind.to_vec();
        }
        let mut trace = HandshakeTrace::default();
        let failure = match (self.shake_hands(io, credentials, &fault, &mut trace).await?, credentials) {
            (Ok((stream, facts)), Some(credentials)) => {
                let facts = Arc::new(facts);
                let certificate = self.presented(&facts, credentials);
                let record = Handshake { verb, facts: Arc::clone(&facts), certificate };
                self.write_down(Record::TlsEstablished(Arc::new(record)));
                self.input = if self.keep_input { behind } else { BytesMut::new() };
                return Ok((Box::new(stream), session.secure(verb, facts, self.is_server(verb))));
            }
            (Err(failure), _) => failure,
            // Unreachable: without credentials there is no handshake.
            (Ok(_), None) => return Err(Ending::Local),
        };
        let ending = match &failure {
            TlsFailure::Closed => Ending::Remote,
            TlsFailure::Broken { reason } => Ending::Broken(reason.clone()),
            _ => Ending::Local,
        };
        self.write_down(Record::TlsFailed(Arc::new(FailedHandshake {
            verb,
            failure,
            certificate: credentials.map(|credentials| Arc::clone(&credentials.certificate)),
            client_hello: trace.client_hello,
            partial_hello: trace.partial_hello,
        })));
        Err(ending)
    }

    /// Returns the stream after the handshake, or the reason why there is none; an ending if the lab ends
    /// meanwhile.
    async fn shake_hands<IO: Stream>(
        &mut self,
        mut io: IO,
        credentials: Option<&Credentials>,
        fault: &HandshakeFault,
        trace: &mut HandshakeTrace,
    ) -> Result<Result<(ServerStream<IO>, TlsFacts), TlsFailure>, Ending> {
        let (shutdown, patience) = (&self.shared.shutdown, self.patience());
        let tls = match credentials.map(|credentials| &credentials.tls) {
            Some(Ok(tls)) => tls,
            unusable => {
                let reason = unusable.and_then(|tls| tls.as_ref().err().cloned());
                self.read_more(&mut io).await.ok();
                return Ok(Err(TlsFailure::Unusable { reason: reason.unwrap_or_default() }));
            }
        };
        let accepting = pin!(tls.accept_as(fault, io, trace));
        let accepting = self.clock().timeout(patience, accepting);
        match shutdown.run_until_cancelled(accepting).await {
            Some(Ok(Ok(secured))) => Ok(Ok(secured)),
            Some(Ok(Err(refused))) => Ok(Err(self.take_leave(*refused).await)),
            Some(Err(_)) => Ok(Err(TlsFailure::TimedOut)),
            None => Err(Ending::Local),
        }
    }

    /// Ends a connection whose handshake has failed. Watches what the client does then, if the failure was on
    /// purpose.
    async fn take_leave<IO: Stream>(&self, mut refused: Refused<IO>) -> TlsFailure {
        let longest = match refused.then {
            Some(Then::Close | Then::Fin) => LAST_LOOK,
            Some(Then::Reset | Then::Silence) | None => self.patience(),
        };
        {
            let watching = pin!(refused.watch());
            let watching = self.clock().timeout(longest, watching);
            self.shared.shutdown.run_until_cancelled(watching).await;
        }
        if refused.then == Some(Then::Reset) {
            refused.io.reset_when_dropped();
        }
        refused.failure
    }

    /// Records a fault rule in the journal and carries out the part of it that comes before the ClientHello.
    /// The rest of it is added to `fault`. Returns the credentials that TLS is offered with, if the rule
    /// configures them.
    async fn begin_fault(&self, fired: &Fired, fault: &mut HandshakeFault) -> Option<&'a Credentials> {
        self.write_down(Record::Fault(Box::new(fired.clone())));
        fault.then = fired.rule.then();
        let mut credentials = None;
        for action in fired.handshake() {
            match action {
                HandshakeAction::Delay(delay) => {
                    self.shared.shutdown.run_until_cancelled(self.clock().sleep(*delay)).await;
                }
                HandshakeAction::Tls(_) => credentials = self.side.fault_tls.get(&fired.row),
                HandshakeAction::Flight(action) => fault.actions.push(action.clone()),
            }
        }
        credentials
    }

    /// Returns the certificate that was shown.
    fn presented(&self, facts: &TlsFacts, credentials: &Credentials) -> Arc<CertificateFacts> {
        let usual = &credentials.certificate;
        let other =
            (facts.presented != usual.thumbprint).then(|| self.side.computer.store.find(facts.presented));
        // A certificate that is not in the store is the ephemeral one.
        other.flatten().map_or_else(|| Arc::clone(usual), |stored| Arc::new(stored.facts.clone()))
    }
}
