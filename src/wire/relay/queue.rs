//! The contents of a lab's queues, and the order of their next hops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

/// The maximum number of messages in all queues of a lab, each counted once for every domain it is for.
pub(super) const MOST_MESSAGES: usize = 1000;

/// The maximum number of bytes of content in all queues of a lab.
pub(super) const MOST_OCTETS: u64 = 256 << 20;

/// The maximum number of connections that a computer opens to one next hop at a time.
///
/// MaxPerDomainOutboundConnections of the `Set-TransportService` page is 20, and so is the default of
/// MaxInboundConnectionPerSource; a lab stays below, because a connection that is still closing on the other
/// side would otherwise cause the next one to be rejected.
const CONNECTIONS: usize = 5;

/// The number of next hops beyond which those that nobody connects to are forgotten. Connectors may come and go.
const MOST_NEXT_HOPS: usize = 4096;

/// The queues of a lab.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    messages: usize,
    bytes: u64,
    next_hops: HashMap<NextHop, Turns>,
}

/// A next hop of a computer: one that the lab knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NextHop {
    pub(super) computer: String,
    pub(super) connector: String,
    /// The domain, where the connector goes by MX records; smart hosts are one next hop together.
    pub(super) domain: Option<String>,
}

#[derive(Debug)]
struct Turns {
    next: usize,
    connections: Arc<Semaphore>,
}

/// A place in a queue; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    queues: Arc<Queues>,
    bytes: u64,
}

impl Queues {
    /// Takes a place for a message of `bytes` bytes. Returns `None` if there is none.
    pub(super) fn room(self: &Arc<Self>, bytes: u64) -> Option<Room> {
        let mut state = self.lock();
        let after = state.bytes.checked_add(bytes).filter(|after| *after <= MOST_OCTETS)?;
        if state.messages >= MOST_MESSAGES {
            return None;
        }
        state.bytes = after;
        state.messages += 1;
        Some(Room { queues: Arc::clone(self), bytes })
    }

    /// Returns the index of the pool's member that begins this time, counted on
    /// without regard to the pool's size, and the semaphore of the connections to the next hop.
    pub(super) fn turn(&self, next_hop: NextHop) -> (usize, Arc<Semaphore>) {
        let mut state = self.lock();
        if state.next_hops.len() >= MOST_NEXT_HOPS && !state.next_hops.contains_key(&next_hop) {
            state.next_hops.retain(|_, turns| Arc::strong_count(&turns.connections) > 1);
        }
        let turns = state.next_hops.entry(next_hop);
        let turns =
            turns.or_insert_with(|| Turns { next: 0, connections: Arc::new(Semaphore::new(CONNECTIONS)) });
        let turn = turns.next;
        turns.next = turn.wrapping_add(1);
        (turn, Arc::clone(&turns.connections))
    }

    // Nothing is left half changed under this lock, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut state = self.queues.lock();
        state.messages = state.messages.saturating_sub(1);
        state.bytes = state.bytes.saturating_sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_until_it_is_dropped() {
        let queues = Arc::new(Queues::default());
        let all = queues.room(MOST_OCTETS).unwrap();
        assert!(queues.room(1).is_none());
        drop(all);
        let many: Vec<_> = (0..MOST_MESSAGES).map(|_| queues.room(1).unwrap()).collect();
        assert!(queues.room(1).is_none());
        drop(many);
        assert!(queues.room(MOST_OCTETS).is_some());
    }

    #[test]
    fn every_next_hop_counts_its_own_turns() {
        let queues = Queues::default();
        let turn = |domain: &str| {
            let (computer, connector) = ("EDGE".to_owned(), "To Internet".to_owned());
            queues.turn(NextHop { computer, connector, domain: Some(domain.to_owned()) }).0
        };
        assert_eq!([turn("a.test"), turn("b.test"), turn("a.test")], [0, 0, 1]);
    }

    #[test]
    fn next_hops_that_nobody_connects_to_are_forgotten_beyond_a_bound() {
        let queues = Queues::default();
        let hop = |number: usize| NextHop {
            computer: "EDGE".to_owned(),
            connector: format!("To {number}"),
            domain: None,
        };
        let held = queues.turn(hop(0));
        (1..10 * MOST_NEXT_HOPS).for_each(|number| drop(queues.turn(hop(number))));
        assert!(queues.lock().next_hops.len() <= MOST_NEXT_HOPS);
        assert_eq!(queues.turn(hop(0)).0, 1, "it is connected to");
        drop(held);
    }
}
