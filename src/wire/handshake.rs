//! The handshake of a conversation: as it goes, or as a row of misconduct has it.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::live::Credentials;
use super::reading::LINE_READ;
use super::stream::Stream;
use crate::exchange::{CertificateFacts, TimeSpan};
use crate::journal::{Ending, FailedHandshake, Handshake, Record};
use crate::session::fault::{Conduct, Conversation, Misconduct, Then};
use crate::session::{Oddity, Step, TlsFacts, TlsFailure, TlsVerb};
use crate::tls::{Plan, Refused, ServerStream, Witness};

/// What a handshake comes to that succeeds: the stream, the conversation, and what is said unasked.
pub(super) type Secured<IO> = (Box<ServerStream<IO>>, (Conversation, Step));

/// How long a client is watched that the lab has closed the connection to.
const LAST_LOOK: Duration = Duration::from_secs(1);

impl<'a> Connection<'a> {
    pub(super) async fn handshake<IO: Stream>(
        &mut self,
        io: IO,
        mut session: Conversation,
        verb: TlsVerb,
    ) -> Result<Secured<IO>, Ending> {
        let behind = std::mem::take(&mut self.input);
        let implicit = session.begins_with_tls();
        if !behind.is_empty() && !implicit {
            self.write_down(Record::Oddity(Oddity::PipelinedBehindStartTls { octets: behind.len() }));
        }
        let misconduct = session.handshake();
        let plan = self.plan(misconduct.as_ref()).await;
        let plan = if implicit { plan.after(&behind) } else { plan };
        let credentials = self.credentials(verb, misconduct.as_ref());
        let mut witness = Witness::default();
        let failure = match (self.shake_hands(io, credentials, &plan, &mut witness).await?, credentials) {
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
            certificate: credentials.map(|credentials| credentials.certificate.clone()),
            client_hello: witness.client_hello,
        })));
        Err(ending)
    }

    /// The stream after the handshake, or why there is none; an ending where the lab ends meanwhile.
    async fn shake_hands<IO: Stream>(
        &mut self,
        mut io: IO,
        credentials: Option<&Credentials>,
        plan: &Plan,
        witness: &mut Witness,
    ) -> Result<Result<(ServerStream<IO>, TlsFacts), TlsFailure>, Ending> {
        let (shutdown, patience) = (&self.shared.shutdown, self.patience());
        let tls = match credentials.map(|credentials| &credentials.tls) {
            Some(Ok(tls)) => tls,
            unusable => {
                let reason = unusable.and_then(|tls| tls.as_ref().err().cloned());
                self.read::<LINE_READ, _>(&mut io).await.ok();
                return Ok(Err(TlsFailure::Unusable { reason: reason.unwrap_or_default() }));
            }
        };
        let accepting = timeout(patience, tls.accept_as(plan, io, witness));
        match shutdown.run_until_cancelled(accepting).await {
            Some(Ok(Ok(secured))) => Ok(Ok(secured)),
            Some(Ok(Err(refused))) => Ok(Err(self.take_leave(*refused).await)),
            Some(Err(_)) => Ok(Err(TlsFailure::TimedOut)),
            None => Err(Ending::Local),
        }
    }

    /// Ends a connection whose handshake has failed, and sees what the client does where that was on purpose.
    async fn take_leave<IO: Stream>(&self, mut refused: Refused<IO>) -> TlsFailure {
        let longest = match refused.then {
            Some(Then::Close) => LAST_LOOK,
            _ => self.patience(),
        };
        let watching = timeout(longest, refused.watch());
        self.shared.shutdown.run_until_cancelled(watching).await;
        if refused.then == Some(Then::Reset) {
            refused.io.reset_when_dropped();
        }
        refused.failure
    }

    /// What is done to the handshake on purpose, once it has been written down.
    async fn plan(&self, misconduct: Option<&Misconduct>) -> Plan {
        let Some(misconduct) = misconduct else { return Plan::default() };
        self.write_down(Record::Misconduct(Box::new(misconduct.clone())));
        if let Conduct::Delay(TimeSpan(delay)) = misconduct.conduct() {
            self.shared.shutdown.run_until_cancelled(sleep(*delay)).await;
        }
        // What is no plan was refused when the row was read, or needs no more than another configuration.
        Plan::of(misconduct.conduct(), misconduct.then()).ok().flatten().unwrap_or_default()
    }

    /// What TLS is offered with: the connector's own, or what a row presents.
    fn credentials(&self, verb: TlsVerb, misconduct: Option<&Misconduct>) -> Option<&'a Credentials> {
        let posture = misconduct.and_then(|misconduct| self.side.postures.get(&misconduct.row));
        posture.or_else(|| self.side.credentials(verb))
    }

    /// The certificate that was shown.
    fn presented(&self, facts: &TlsFacts, credentials: &Credentials) -> CertificateFacts {
        let stored = self.side.computer.store.find(facts.presented).map(|stored| stored.facts.clone());
        // What is not in the store is the ephemeral certificate.
        stored.unwrap_or_else(|| credentials.certificate.clone())
    }
}
