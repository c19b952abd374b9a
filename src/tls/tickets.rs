//! Session tickets of a configurable size.

use std::sync::Arc;

use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions};

use super::provider;

/// The number of bytes that tell a ticket from the others. The bytes behind them are padding.
const ID: usize = 32;
/// The lifetime of a ticket in seconds: a day, as rustls has it for sessions that it remembers.
const LIFETIME: u32 = 24 * 60 * 60;

/// Tickets of one size, which name a session that is remembered here (RFC 8446 section 4.6.1).
#[derive(Debug)]
pub(super) struct Tickets {
    size: usize,
    sessions: Arc<ServerSessionMemoryCache>,
}

impl Tickets {
    /// Creates tickets of `size` bytes, for at most `remembered` sessions.
    pub(super) fn of(size: u16, remembered: usize) -> Self {
        Self { size: usize::from(size).max(ID), sessions: ServerSessionMemoryCache::new(remembered) }
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        let mut ticket = vec![0; self.size];
        let id = ticket.get_mut(..ID)?;
        provider().secure_random.fill(id).ok()?;
        self.sessions.put(id.to_vec(), session.to_vec()).then_some(ticket)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        if ticket.len() != self.size {
            return None;
        }
        self.sessions.take(ticket.get(..ID)?)
    }
}
