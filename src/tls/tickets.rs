//! Session tickets of a size that somebody wants.

use std::sync::Arc;

use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions};

use super::provider;

/// How many bytes of a ticket tell it from the others; what is behind them is padding.
const ID: usize = 32;
/// How long a ticket may be used, in seconds: a day, as rustls has it for sessions that it remembers.
const LIFETIME: u32 = 24 * 60 * 60;

/// Tickets of one size, which name a session that is remembered here (RFC 8446 section 4.6.1).
#[derive(Debug)]
pub(super) struct Tickets {
    size: usize,
    sessions: Arc<ServerSessionMemoryCache>,
}

impl Tickets {
    /// Tickets of `size` bytes, for at most `remembered` sessions.
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
