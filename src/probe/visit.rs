//! The connections to one address: the first as a sender would have it, then each with one thing changed.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::handshake::{FailedHandshake, FailureKind, Handshake, Offer, Trial};
use super::run::{FORMAT, Heard, Host, Member, Run, Visit};
use super::talk::{Talk, in_words};
use super::target::Target;
use crate::clock::Clock;
use crate::name::Fqdn;
use crate::pki::Certificate;
use crate::session::TlsFailure;
use crate::session::send::{Check, CommonName, LibraryRules, NamesRead, Proof};
use crate::tls::{ClientStream, OldVersion, SenderTls, TlsSetupError, Versions, first_flight};
use crate::wire;

/// The options of a prober.
#[derive(Clone, Debug)]
pub struct Options {
    /// The argument of EHLO.
    pub helo: Fqdn,
    /// The name to ask for and to look for in certificates; the target's host if `None`.
    pub name: Option<String>,
    /// The domain whose mail would be on its way, for senders that look for it.
    pub domain: Option<String>,
    /// True if TLS comes first, without STARTTLS.
    pub implicit_tls: bool,
    /// The time-out for each connection, answer and handshake.
    pub patience: Duration,
    /// True if the first connection is the only one.
    pub once: bool,
}

/// The reason why nothing can be probed at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
}

/// A prober of servers with the roots that it trusts. Clones share it.
#[derive(Clone, Debug)]
pub struct Prober(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    clock: Clock,
    both: SenderTls,
    only_12: SenderTls,
    only_13: SenderTls,
}

/// The finding for STARTTLS that is listed on a connection that was made because it was not.
pub(super) const LISTED_NOW: &str = "lists STARTTLS on this connection";

/// The maximum number of addresses of one name that are probed.
const MOST_MEMBERS: usize = 32;
/// The number of addresses that are probed at a time.
const AT_A_TIME: usize = 8;

impl Prober {
    /// Creates a prober that checks chains against `roots` at the time of `clock`, and completes handshakes
    /// with any chain.
    ///
    /// # Errors
    ///
    /// If a root cannot be used.
    pub fn new(options: Options, roots: &[Certificate], clock: &Clock) -> Result<Self, ProbeError> {
        let tls = |versions| SenderTls::new(roots, None, clock, versions);
        Ok(Self(Arc::new(Inner {
            options,
            clock: clock.clone(),
            both: tls(Versions::Both)?,
            only_12: tls(Versions::Only12)?,
            only_13: tls(Versions::Only13)?,
        })))
    }

    /// Probes every address of every target. It takes as long as the servers do, and no longer than about
    /// fifty times `patience`.
    pub async fn probe(&self, targets: &[Target]) -> Run {
        let taken = self.0.clock.now();
        let mut hosts = Vec::with_capacity(targets.len());
        for target in targets {
            hosts.push(self.host(target).await);
        }
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        let mut probing = JoinSet::new();
        for (at, host) in hosts.iter().enumerate() {
            for (place, member) in host.members.iter().enumerate() {
                let (prober, places) = (self.clone(), Arc::clone(&places));
                let (address, name) = (member.address, host.name.clone());
                probing.spawn(async move {
                    // The semaphore is never closed, so every task gets a permit in the end.
                    let _place = places.acquire_owned().await;
                    (at, place, prober.0.member(address, &name).await)
                });
            }
        }
        while let Some(done) = probing.join_next().await {
            // A task that was lost leaves the member as it was: nothing was seen of it.
            let Ok((at, place, member)) = done else { continue };
            if let Some(slot) = hosts.get_mut(at).and_then(|host| host.members.get_mut(place)) {
                *slot = member;
            }
        }
        Run { probe_run: FORMAT, taken, hosts }
    }

    async fn host(&self, target: &Target) -> Host {
        let Options { name, domain, implicit_tls, patience, .. } = &self.0.options;
        let resolved = wire::resolve(&target.host, target.port, *patience).await;
        let (addresses, unresolved) = match resolved {
            Ok(addresses) if addresses.is_empty() => (addresses, Some("it has no address".to_owned())),
            Ok(addresses) => (addresses, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Host {
            target: target.to_string(),
            implicit_tls: *implicit_tls,
            name: name.clone().unwrap_or_else(|| target.host.clone()),
            domain: domain.clone(),
            unresolved,
            members: addresses.into_iter().take(MOST_MEMBERS).map(Member::new).collect(),
        }
    }
}

impl Inner {
    async fn member(&self, address: SocketAddr, name: &str) -> Member {
        let mut member = Member::new(address);
        match self.first(address, name).await {
            Ok(visit) => member.visit = visit,
            Err(why) => {
                member.unreachable = Some(why);
                return member;
            }
        }
        if !self.options.once {
            for offer in self.worth_trying(&member.visit, name) {
                let result = self.trial(address, name, offer).await;
                member.trials.push(Trial { offer, result });
            }
        }
        member
    }

    /// Makes the connection as a sender would.
    async fn first(&self, address: SocketAddr, name: &str) -> Result<Visit, String> {
        let patience = self.options.patience;
        let io = wire::reach(address, patience).await.map_err(|error| in_words(&error))?;
        let mut visit = Visit::default();
        if self.options.implicit_tls {
            let (handshake, stream) = self.handshake(&self.both, name, io).await;
            visit.handshake = Some(handshake);
            if let Some(stream) = stream {
                let mut talk = Talk::new(stream, patience);
                visit.banner = Some(talk.listen().await);
                if visit.banner.as_ref().and_then(Heard::code) == Some(220) {
                    (visit.ehlo_inside, visit.helo_inside) = self.greet(&mut talk).await;
                }
                talk.quit().await;
            }
            return Ok(visit);
        }
        let mut talk = Talk::new(io, patience);
        visit.banner = Some(talk.listen().await);
        if visit.banner.as_ref().and_then(Heard::code) == Some(220) {
            (visit.ehlo, visit.helo) = self.greet(&mut talk).await;
        }
        if !visit.offers_starttls() {
            talk.quit().await;
            return Ok(visit);
        }
        let answer = talk.ask("STARTTLS").await;
        let goes_ahead = is_go_ahead(&answer);
        visit.starttls = Some(answer);
        if !goes_ahead {
            talk.quit().await;
            return Ok(visit);
        }
        let (io, behind) = talk.into_stream();
        visit.behind_starttls = behind;
        let (handshake, stream) = self.handshake(&self.both, name, io).await;
        visit.handshake = Some(handshake);
        if let Some(stream) = stream {
            let mut talk = Talk::new(stream, patience);
            (visit.ehlo_inside, visit.helo_inside) = self.greet(&mut talk).await;
            talk.quit().await;
        }
        Ok(visit)
    }

    /// Sends EHLO, and HELO if that is permanently refused (RFC 5321 section 3.2).
    async fn greet<IO>(&self, talk: &mut Talk<IO>) -> (Option<Heard>, Option<Heard>)
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let ehlo = talk.ask(&format!("EHLO {}", self.options.helo)).await;
        let helo = match ehlo.code() {
            Some(500..=599) => Some(talk.ask(&format!("HELO {}", self.options.helo)).await),
            _ => None,
        };
        (Some(ehlo), helo)
    }

    async fn handshake<IO>(
        &self,
        tls: &SenderTls,
        name: &str,
        io: IO,
    ) -> (Handshake, Option<ClientStream<IO>>)
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match timeout(self.options.patience, tls.connect(name, &any_certificate(), io)).await {
            Ok(Ok((stream, secured))) => (Handshake::Established(secured.into()), Some(stream)),
            Ok(Err(failed)) => (Handshake::Failed((*failed).into()), None),
            Err(_) => (Handshake::Failed(TlsFailure::TimedOut.into()), None),
        }
    }

    /// Returns the trials that are still worth a connection after the first one.
    fn worth_trying(&self, visit: &Visit, name: &str) -> Vec<Offer> {
        let old = [Offer::Tls11, Offer::Tls10];
        match &visit.handshake {
            Some(Handshake::Established(established)) => {
                // A server that supports TLS 1.3 chooses it if it is offered (RFC 8446 section 4.1.3).
                let both = established.version == crate::session::TlsVersion::Tls13;
                let named = name.parse::<std::net::IpAddr>().is_err();
                let newer = both.then_some(Offer::Tls12);
                newer.into_iter().chain(old).chain(named.then_some(Offer::NoName)).collect()
            }
            Some(Handshake::Failed(FailedHandshake { how: FailureKind::TimedOut, .. })) => {
                // A silent server is asked once more, in a way that old servers and middleboxes know.
                vec![Offer::OldSuites]
            }
            Some(Handshake::Failed(_)) => {
                [Offer::Tls13, Offer::Tls12, Offer::OldSuites].into_iter().chain(old).collect()
            }
            Some(Handshake::Answered(_) | Handshake::NotReached { .. }) => Vec::new(),
            // A reply to EHLO that lists no STARTTLS need not be the server's own.
            None if visit.ehlo.as_ref().and_then(Heard::code) == Some(250) && visit.starttls.is_none() => {
                vec![Offer::Unlisted]
            }
            None => Vec::new(),
        }
    }

    async fn trial(&self, address: SocketAddr, name: &str, offer: Offer) -> Handshake {
        match wire::reach(address, self.options.patience).await {
            Ok(io) => self.changed(io, address, name, offer).await,
            Err(error) => not_reached(format!("does not take another connection ({})", in_words(&error))),
        }
    }

    async fn changed<IO>(&self, io: IO, address: SocketAddr, name: &str, offer: Offer) -> Handshake
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut io = match self.up_to_the_handshake(io, offer).await {
            Ok(io) => io,
            Err(why) => return not_reached(why),
        };
        let sni = Some(name).filter(|name| name.parse::<std::net::IpAddr>().is_err());
        let old = |version| (version, sni);
        // If the name to connect to is an address, no name is asked for.
        let unnamed = address.ip().to_string();
        let (version, sni) = match offer {
            Offer::Tls13 => return self.completed(&self.only_13, name, io).await,
            Offer::Tls12 => return self.completed(&self.only_12, name, io).await,
            Offer::Unlisted => return self.completed(&self.both, name, io).await,
            Offer::NoName => return self.completed(&self.both, &unnamed, io).await,
            Offer::Tls11 => old(OldVersion::Tls11),
            Offer::Tls10 => old(OldVersion::Tls10),
            Offer::OldSuites => old(OldVersion::Tls12),
        };
        let flight = in_time(self.options.patience, first_flight(version, sni, &mut io)).await;
        match flight {
            Ok(flight) => Handshake::Answered(flight.into()),
            Err(failure) => Handshake::Failed(failure.into()),
        }
    }

    /// Completes a handshake, and ends the session with QUIT.
    async fn completed<IO>(&self, tls: &SenderTls, name: &str, io: IO) -> Handshake
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let (handshake, stream) = self.handshake(tls, name, io).await;
        if let Some(stream) = stream {
            Talk::new(stream, self.options.patience).quit().await;
        }
        handshake
    }

    /// Returns the stream once the server waits for a ClientHello, or the predicate of a sentence that says
    /// why it does not.
    async fn up_to_the_handshake<IO>(&self, io: IO, offer: Offer) -> Result<IO, String>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        if self.options.implicit_tls {
            return Ok(io);
        }
        let mut talk = Talk::new(io, self.options.patience);
        for line in [None, Some(format!("EHLO {}", self.options.helo)), Some("STARTTLS".to_owned())] {
            let (heard, at) = match &line {
                None => (talk.listen().await, "the connection"),
                Some(line) => (talk.ask(line).await, line.split(' ').next().unwrap_or_default()),
            };
            if !is_go_ahead(&heard) {
                talk.quit().await;
                return Err(format!("{}, to {at}", heard.in_words()));
            }
            let listed = heard.keywords().iter().any(|(keyword, _)| keyword == "STARTTLS");
            if offer == Offer::Unlisted && listed {
                talk.quit().await;
                return Err(LISTED_NOW.to_owned());
            }
        }
        Ok(talk.into_stream().0)
    }
}

/// Returns whether the answer is a 2yz, which some senders take as permission to go ahead, whatever the code
/// is.
fn is_go_ahead(heard: &Heard) -> bool {
    matches!(heard.code(), Some(200..=299))
}

fn not_reached(why: String) -> Handshake {
    Handshake::NotReached { why }
}

async fn in_time<T>(
    patience: Duration,
    doing: impl Future<Output = Result<T, TlsFailure>>,
) -> Result<T, TlsFailure> {
    timeout(patience, doing).await.unwrap_or(Err(TlsFailure::TimedOut))
}

/// Returns a check that accepts any certificate: whatever is presented is examined afterwards.
fn any_certificate() -> Check {
    Check {
        proof: Proof::Nothing,
        references: Vec::new(),
        common_name: CommonName::Never,
        names: NamesRead::All,
        library_rules: LibraryRules::None,
        within_handshake: false,
    }
}
