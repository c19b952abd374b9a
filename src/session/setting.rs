//! The surroundings of one conversation, and the counters that it shares with its connector's other
//! conversations.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::panic::RefUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::exchange::{Computer, MessageRateSource, ReceiveConnector, Stage, Unlimited};
use crate::smtp::Reply;

/// The surroundings of a session: all that it knows beside its input. They do not change while the session
/// lasts.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The computer, as it was when the connection came in.
    pub computer: Arc<Computer>,
    /// The connector, as it was when the connection came in.
    pub connector: Arc<ReceiveConnector>,
    /// The address the peer connected to.
    pub local: SocketAddr,
    /// The peer.
    pub peer: SocketAddr,
    /// True if a certificate was selected for STARTTLS.
    pub starttls: bool,
    /// True if there is a certificate for X-ANONYMOUSTLS, and the connector wants to offer it.
    pub anonymous_tls: bool,
    /// Counters that outlive the session.
    pub counters: Arc<Counters>,
}

// A `Setting` is never changed, and its counters are behind locks, so it is intact after a caught panic. The compiler
// cannot know this because of the keys of certificates, which are behind `dyn`.
impl RefUnwindSafe for Setting {}

impl Setting {
    /// Returns the FQDN in banner, EHLO reply and `Received:`.
    pub fn fqdn(&self) -> &str {
        self.computer.fqdn_of(&self.connector).as_str()
    }

    /// Returns the peer's address as Exchange writes it in its greeting.
    pub fn peer_ip(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }
}

/// Counters of one connector, shared by its sessions.
#[derive(Debug, Default)]
pub struct Counters {
    messages: Arc<AtomicU64>,
    rates: Mutex<HashMap<String, VecDeque<Timestamp>>>,
    open: Mutex<Open>,
    /// The newest replies to EHLO: in clear, and inside TLS.
    hellos: Mutex<[Option<HelloReply>; 2]>,
}

/// A reply to EHLO, and what it depends on.
#[derive(Debug)]
struct HelloReply {
    computer: Arc<Computer>,
    connector: Arc<ReceiveConnector>,
    stage: Stage,
    peer: IpAddr,
    reply: Reply,
}

/// The connections that are open, by their peers and all together.
#[derive(Debug, Default)]
struct Open {
    peers: HashMap<IpAddr, u32>,
    all: u64,
}

/// The number of different submitters that the rate limit remembers. The least recent are forgotten first.
const MOST_SUBMITTERS: usize = 1024;

impl Counters {
    /// Creates counters that number messages together with the other connectors of a lab.
    pub fn new(messages: Arc<AtomicU64>) -> Self {
        Self { messages, ..Self::default() }
    }

    /// Returns the number of the next message, from 1.
    pub fn next_message(&self) -> u64 {
        self.messages.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Returns the reply to EHLO at `stage`. One client after the other gets the same, which is composed once.
    pub(super) fn hello(&self, setting: &Setting, stage: Stage, compose: impl FnOnce() -> Reply) -> Reply {
        let Setting { computer, connector, .. } = setting;
        let peer = setting.peer_ip();
        let mut hellos = self.hellos.lock().unwrap_or_else(PoisonError::into_inner);
        let [clear, secured] = &mut *hellos;
        let newest = if matches!(stage, Stage::Clear { .. }) { clear } else { secured };
        let same = |known: &&HelloReply| {
            Arc::ptr_eq(&known.computer, computer)
                && Arc::ptr_eq(&known.connector, connector)
                && (known.stage, known.peer) == (stage, peer)
        };
        if let Some(known) = newest.as_ref().filter(same) {
            return known.reply.clone();
        }
        let reply = compose().ready();
        let (computer, connector) = (Arc::clone(computer), Arc::clone(connector));
        *newest = Some(HelloReply { computer, connector, stage, peer, reply: reply.clone() });
        reply
    }

    /// Counts one message from `peer` and `user`. Returns false if MessageRateLimit is exceeded.
    ///
    /// The limit counts the messages of the last minute (message rate limits page).
    pub fn may_submit(
        &self,
        connector: &ReceiveConnector,
        peer: IpAddr,
        user: Option<&str>,
        now: Timestamp,
    ) -> bool {
        let Unlimited::Limited(limit) = connector.message_rate_limit else {
            return true;
        };
        let peer = peer.to_string();
        let user = user.map(|user| format!("user {user}"));
        let who = match connector.message_rate_source {
            MessageRateSource::None => return true,
            MessageRateSource::IPAddress => vec![peer],
            MessageRateSource::User => vec![user.unwrap_or(peer)],
            MessageRateSource::All => [Some(peer), user].into_iter().flatten().collect(),
        };
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let a_minute_ago = now.checked_sub(SignedDuration::from_mins(1)).unwrap_or(Timestamp::MIN);
        who.into_iter().all(|who| {
            if rates.len() >= MOST_SUBMITTERS && !rates.contains_key(&who) {
                make_room(&mut rates, a_minute_ago);
            }
            let times = rates.entry(who).or_default();
            while times.front().is_some_and(|first| *first <= a_minute_ago) {
                times.pop_front();
            }
            times.push_back(now);
            // More than the limit need not be remembered to know that it is exceeded.
            times.truncate(limit as usize + 1);
            times.len() <= limit as usize
        })
    }

    /// Counts a connection from `peer` until the returned value is dropped.
    ///
    /// # Errors
    ///
    /// The limit that is exceeded.
    pub fn connect(
        self: &Arc<Self>,
        connector: &ReceiveConnector,
        peer: IpAddr,
    ) -> Result<Connected, LimitReached> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all = open.all;
        if connector.max_inbound_connection.is_exceeded_by(all + 1) {
            return Err(LimitReached::MaxInboundConnection);
        }
        let mine = u64::from(open.peers.get(&peer).copied().unwrap_or(0)) + 1;
        if connector.max_inbound_connection_per_source.is_exceeded_by(mine) {
            return Err(LimitReached::MaxInboundConnectionPerSource);
        }
        if let Some(most) = connector.max_inbound_connection.limit() {
            let free = u64::from(most).saturating_sub(all - (mine - 1));
            let share = free * u64::from(connector.max_inbound_connection_percentage_per_source) / 100;
            if mine > share.max(1) {
                return Err(LimitReached::MaxInboundConnectionPercentagePerSource);
            }
        }
        open.all += 1;
        *open.peers.entry(peer).or_default() += 1;
        Ok(Connected { counters: Arc::clone(self), peer })
    }
}

/// Forgets the submitters that have sent nothing for a minute. If there are none, it forgets the one that has
/// sent nothing for longest.
fn make_room(rates: &mut HashMap<String, VecDeque<Timestamp>>, a_minute_ago: Timestamp) {
    rates.retain(|_, times| times.back().is_some_and(|last| *last > a_minute_ago));
    if rates.len() >= MOST_SUBMITTERS {
        let longest_ago = rates.iter().min_by_key(|(_, times)| times.back().copied());
        if let Some(who) = longest_ago.map(|(who, _)| who.clone()) {
            rates.remove(&who);
        }
    }
}

/// A connection that counts; it stops counting when this is dropped.
#[derive(Debug)]
pub struct Connected {
    counters: Arc<Counters>,
    peer: IpAddr,
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut open = self.counters.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.peers.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.peers.remove(&self.peer);
            }
            open.all -= 1;
        }
    }
}

/// The connection limit that was reached, by its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum LimitReached {
    /// All connections to the connector.
    MaxInboundConnection,
    /// Connections from one address.
    MaxInboundConnectionPerSource,
    /// The share of what is free that one address may take.
    MaxInboundConnectionPercentagePerSource,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Profile, Role, Usage};

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn connector() -> ReceiveConnector {
        ReceiveConnector::new("Default".to_owned(), Usage::Default, Role::Edge, Profile::Exchange2010)
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let mut connector = connector();
        connector.max_inbound_connection_per_source = Unlimited::Limited(1);
        let counters = Arc::new(Counters::default());
        let first = counters.connect(&connector, PEER).unwrap();
        let second = counters.connect(&connector, PEER).unwrap_err();
        assert_eq!(second, LimitReached::MaxInboundConnectionPerSource);
        drop(first);
        assert!(counters.connect(&connector, PEER).is_ok());
    }

    #[test]
    fn one_address_gets_its_percentage_of_what_is_free_and_at_least_one() {
        let mut connector = connector();
        connector.max_inbound_connection = Unlimited::Limited(10);
        connector.max_inbound_connection_percentage_per_source = 20;
        let counters = Arc::new(Counters::default());
        let held: Vec<_> = (0..2).map(|_| counters.connect(&connector, PEER).unwrap()).collect();
        let third = counters.connect(&connector, PEER).unwrap_err();
        assert_eq!(third, LimitReached::MaxInboundConnectionPercentagePerSource);
        assert_eq!(held.len(), 2);
        connector.max_inbound_connection = Unlimited::Limited(3);
        assert!(counters.connect(&connector, "192.0.2.2".parse().unwrap()).is_ok());
    }

    #[test]
    fn no_more_submitters_than_so_many_are_remembered() {
        let mut connector = connector();
        connector.message_rate_limit = Unlimited::Limited(1);
        let counters = Counters::default();
        let start: Timestamp = "2010-09-28T09:35:58Z".parse().unwrap();
        for number in 0..3000_u32 {
            let peer = IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0A00_0000 + number));
            let now = start + SignedDuration::from_millis(number.into());
            assert!(counters.may_submit(&connector, peer, None, now));
        }
        assert_eq!(counters.rates.lock().unwrap().len(), MOST_SUBMITTERS);
        let last = IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0A00_0000 + 2999));
        let soon = start + SignedDuration::from_secs(4);
        assert!(!counters.may_submit(&connector, last, None, soon), "the newest is remembered");
    }

    #[test]
    fn messages_count_for_a_minute() {
        let mut connector = connector();
        connector.message_rate_limit = Unlimited::Limited(2);
        let counters = Counters::default();
        let start: Timestamp = "2010-09-28T09:35:58Z".parse().unwrap();
        let may =
            |seconds| counters.may_submit(&connector, PEER, None, start + SignedDuration::from_secs(seconds));
        assert!(may(0) && may(1));
        assert!(!may(2));
        assert!(may(63));
    }
}
