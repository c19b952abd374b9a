//! The configuration that connections are answered by, and how it changes under them.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::calls::Calls;
use super::fault_tls::credentials_by_rule;
use super::network::Network;
use super::prepared::{PreparedConnector, prepare};
use super::recent_events::RecentEvents;
use crate::clock::Clock;
use crate::exchange::cmdlet::CausedEvent;
use crate::exchange::{
    Binding, CertificateFacts, ClientSelection, Computer, EXPIRES_SOON, Event, EventSubject,
    InternalTransport, ReceiveConnector, Selection, SendConnector, Zone, select_for,
};
use crate::journal::{Journal, Logged, Record};
use crate::pki::Certificate;
use crate::session::fault::{FaultRule, FaultSpec, FaultTable};
use crate::session::{Counters, TlsVerb};

/// The computers of a running lab; what changes here counts from the next connection.
#[derive(Debug)]
pub struct LabState {
    clock: Clock,
    network: Network,
    journal: Arc<Journal>,
    message_numbers: Arc<AtomicU64>,
    calls: Arc<Calls>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    computers: Vec<Arc<Computer>>,
    zone: Arc<Zone>,
    counters: HashMap<(String, String), Arc<Counters>>,
    /// The roots that a certificate which a client has to present must chain to.
    roots: Vec<Certificate>,
    /// The fault rules of computers, by name.
    faults: HashMap<String, Vec<FaultRule>>,
    /// The tables of connectors.
    tables: HashMap<(String, String), Arc<FaultTable>>,
    /// The tables that count what the removed connectors of a computer did, by the computer's name.
    removed: HashMap<String, FaultTable>,
    /// By the address of the connector, which its entry keeps in place.
    prepared: HashMap<usize, Prepared>,
    logged: RecentEvents,
}

/// A fault rule, with the number of times it was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeclaredFault {
    /// The computer's name.
    pub computer: String,
    /// The number of the rule among the computer's fault rules, from 1.
    pub row: usize,
    /// The number of times it was done.
    pub done: u64,
    /// True if it need not be done for the lab's expectations to be met.
    pub optional: bool,
    /// The fault rule itself.
    pub fault: FaultSpec,
}

impl fmt::Display for DeclaredFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, actions) = (self.fault.at.as_str(), self.fault.actions.in_words());
        write!(f, "fault {} of {}: at {at}, {actions}", self.row, self.computer)
    }
}

/// A connector that is ready to take connections, until a date in the store is passed.
#[derive(Clone, Debug)]
struct Prepared {
    side: Arc<PreparedConnector>,
    until: Option<Timestamp>,
}

impl LabState {
    /// Returns the state of running computers; it does not listen by itself.
    pub fn new(computers: Vec<Arc<Computer>>, clock: Clock, journal: Arc<Journal>) -> Self {
        let state = Mutex::new(State { computers, ..State::default() });
        let (network, message_numbers, calls) = Default::default();
        Self { clock, network, journal, message_numbers, calls, state }
    }

    /// Sets the network, in place of the machine's.
    pub fn with_network(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// Sets the name service, by which mail finds its way from one computer to another.
    pub fn with_zone(self, zone: Zone) -> Self {
        self.lock().zone = Arc::new(zone);
        self
    }

    /// Sets the roots. Where a client certificate is required, only one that chains to them is accepted.
    pub fn with_roots(self, roots: Vec<Certificate>) -> Self {
        self.lock().roots = roots;
        self
    }

    /// Sets the fault rules of computers, by name.
    pub fn with_faults(self, faults: HashMap<String, Vec<FaultRule>>) -> Self {
        self.put_faults(faults);
        self
    }

    /// Returns the fault rules of computers, by name, as the next connection finds them.
    pub fn faults(&self) -> HashMap<String, Vec<FaultRule>> {
        self.lock().faults.clone()
    }

    /// Replaces the fault rules. The counters of those that stay go on.
    pub fn put_faults(&self, faults: HashMap<String, Vec<FaultRule>>) {
        let mut state = self.lock();
        let State { faults: before, tables, removed, prepared, .. } = &mut *state;
        let changed = |computer: &String| {
            let rules = faults.get(computer);
            (before.get(computer) != rules).then(|| rules.map(Vec::as_slice).unwrap_or_default())
        };
        for ((computer, connector), table) in tables {
            if let Some(rules) = changed(computer) {
                *table = Arc::new(FaultTable::of(rules, connector).going_on_from(table));
            }
        }
        for (computer, table) in removed {
            if let Some(rules) = changed(computer) {
                *table = FaultTable::of_all(rules).going_on_from(table);
            }
        }
        *before = faults;
        prepared.clear();
    }

    /// Returns every fault rule, with the number of times it was done.
    pub fn declared_faults(&self) -> Vec<DeclaredFault> {
        let state = self.lock();
        let done = |computer: &String, row: usize| {
            let tables = state.tables.iter().filter(|((known, _), _)| known == computer);
            let tables = tables.map(|(_, table)| &**table).chain(state.removed.get(computer));
            let fired = tables.flat_map(FaultTable::fired);
            fired.filter(|(number, _)| *number == row).map(|(_, times)| u64::from(times)).sum()
        };
        let mut rows = Vec::new();
        for (computer, faults) in &state.faults {
            rows.extend(faults.iter().enumerate().map(|(index, fault)| DeclaredFault {
                computer: computer.clone(),
                row: index + 1,
                done: done(computer, index + 1),
                optional: fault.spec().optional,
                fault: fault.spec().clone(),
            }));
        }
        rows.sort_by(|one, other| (&one.computer, one.row).cmp(&(&other.computer, other.row)));
        rows
    }

    /// Returns the lab's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the network that it listens and connects on.
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the lab's journal.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Returns the computers as the next connection finds them.
    pub fn computers(&self) -> Vec<Arc<Computer>> {
        self.lock().computers.clone()
    }

    /// Returns the computers and the name service as the next message finds them.
    pub(super) fn map(&self) -> (Vec<Arc<Computer>>, Arc<Zone>) {
        let state = self.lock();
        (state.computers.clone(), Arc::clone(&state.zone))
    }

    /// Returns whether there is a single computer, without a Send connector.
    pub(super) fn sends_nothing(&self) -> bool {
        matches!(&self.lock().computers[..], [only] if only.send_connectors.is_empty())
    }

    /// Returns the lab's own computers by the sockets that they call from.
    pub(super) fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    /// Puts other computers in their place, and the name service that goes with them. Connections that are
    /// open keep what they began with, and an event that was logged is logged anew if its cause is still
    /// there. Of removed connectors nothing is kept but how often their fault rules were done.
    pub fn replace(&self, computers: Vec<Arc<Computer>>, zone: Zone) {
        let mut state = self.lock();
        let State { tables, removed, counters, faults, .. } = &mut *state;
        let computer = |name: &str| computers.iter().find(|computer| computer.name == name);
        let is_there = |(on, connector): &(String, String)| {
            computer(on).is_some_and(|it| it.receive_connectors.iter().any(|it| it.name == *connector))
        };
        counters.retain(|key, _| is_there(key));
        for ((on, _), table) in tables.extract_if(|key, _| !is_there(key)) {
            let rules = faults.get(&on).map(Vec::as_slice).unwrap_or_default();
            removed.entry(on).or_insert_with(|| FaultTable::of_all(rules)).count_in(&table);
        }
        removed.retain(|on, _| computer(on).is_some());
        state.computers = computers;
        state.zone = Arc::new(zone);
        state.prepared.clear();
        state.logged = RecentEvents::default();
    }

    /// Forgets what was logged a moment ago, so that it is logged again if its cause is still there.
    pub fn forget_logged(&self) {
        self.lock().logged = RecentEvents::default();
    }

    /// Logs what the transport service logs when it starts: every certificate that cannot be loaded.
    pub fn log_start(&self) {
        for computer in self.computers() {
            for connector in computer.receive_connectors.iter().filter(|connector| connector.enabled) {
                let side = self.side(&computer, connector);
                self.log_events(&side);
            }
            for connector in computer.send_connectors.iter().filter(|connector| connector.enabled) {
                let selection = ClientSelection::of(connector, &computer, self.clock.now());
                self.log_sending(&selection, &computer, connector);
            }
        }
    }

    /// Logs what loading its certificates makes a Send connector log: event 12014 where it finds none to
    /// present, and the faults of the internal transport certificate if it speaks X-ANONYMOUSTLS.
    pub(super) fn log_sending(
        &self,
        selection: &ClientSelection,
        computer: &Computer,
        connector: &SendConnector,
    ) {
        let source = computer.event_source(None);
        if let Some(event) = selection.event(connector) {
            self.log_on(computer, source, event, Some(connector.name.clone()));
        }
        let internal = connector.uses_anonymous_tls().then(|| InternalTransport::of(computer));
        if let Some(event) = internal.and_then(|internal| internal.event(self.clock.now())) {
            self.log_on(computer, source, event, None);
        }
    }

    /// Returns the certificate with which `connector` offers `verb` to the next connection.
    pub(crate) fn offered(
        &self,
        computer: &Arc<Computer>,
        connector: &Arc<ReceiveConnector>,
        verb: TlsVerb,
    ) -> Option<Arc<CertificateFacts>> {
        self.side(computer, connector).credentials(verb).map(|offered| Arc::clone(&offered.certificate))
    }

    /// Returns the certificate that `connector` would use now, and the reasons against the others.
    pub fn selection(&self, computer: &Computer, connector: &ReceiveConnector) -> Selection {
        select_for(connector, computer, self.clock.now())
    }

    /// Returns the connector of `computer` that takes a connection to `binding` from `peer`.
    pub(super) fn side_for(
        &self,
        computer: &str,
        binding: Binding,
        peer: IpAddr,
    ) -> Option<Arc<PreparedConnector>> {
        let computer = self.lock().computers.iter().find(|known| known.name == computer).cloned()?;
        let connector = computer.connector_for(binding.0, peer)?;
        Some(self.side(&computer, connector))
    }

    /// Logs what loading its certificates makes a session log.
    pub(super) fn log_events(&self, side: &PreparedConnector) {
        for event in &side.events {
            let about =
                (event.kind.subject() == EventSubject::Connector).then(|| side.connector.name.clone());
            self.log(side, event.clone(), about);
        }
    }

    /// Writes an event to the log of a connector's computer, unless it has been logged there already.
    pub(super) fn log(&self, side: &PreparedConnector, event: Event, connector: Option<String>) {
        let source = side.computer.event_source(connector.is_some().then_some(&*side.connector));
        self.log_on(&side.computer, source, event, connector);
    }

    /// Writes an event of a service other than transport, such as EdgeSync.
    pub fn log_caused(&self, caused: CausedEvent) {
        let computers = self.computers();
        if let Some(computer) = computers.iter().find(|computer| computer.name == caused.computer) {
            let source = caused.event.source(computer, None);
            self.log_on(computer, source, caused.event, None);
        }
    }

    /// Writes an event to the log of a computer, unless it has been logged there already.
    pub(super) fn log_on(
        &self,
        computer: &Computer,
        source: &'static str,
        event: Event,
        connector: Option<String>,
    ) {
        let now = self.clock.now();
        if !self.lock().logged.is_due(&computer.name, connector.as_deref(), &event, now) {
            return;
        }
        let shown = computer.event_log_name().to_owned();
        let logged = Logged { event, server: computer.name.clone(), computer: shown, source, connector };
        self.journal.append(now, None, Record::Event(Arc::new(logged)));
    }

    fn side(&self, computer: &Arc<Computer>, connector: &Arc<ReceiveConnector>) -> Arc<PreparedConnector> {
        let now = self.clock.now();
        let mut state = self.lock();
        let fresh = |prepared: &&Prepared| {
            Arc::ptr_eq(&prepared.side.computer, computer) && prepared.until.is_none_or(|until| now < until)
        };
        let place = Arc::as_ptr(connector).addr();
        if let Some(prepared) = state.prepared.get(&place).filter(fresh) {
            return Arc::clone(&prepared.side);
        }
        let key = (computer.name.clone(), connector.name.clone());
        let counters = state.counters.entry(key.clone());
        let counters = counters.or_insert_with(|| Arc::new(Counters::new(Arc::clone(&self.message_numbers))));
        let counters = Arc::clone(counters);
        let State { faults, tables, roots, .. } = &mut *state;
        let rows = faults.get(&computer.name).map(Vec::as_slice).unwrap_or_default();
        let table = tables.entry(key);
        let table = table.or_insert_with(|| Arc::new(FaultTable::of(rows, &connector.name)));
        let mut side = prepare(computer, connector, counters, now);
        if !table.is_empty() {
            let usual = side.starttls.as_ref().map(|usual| usual.certificate.thumbprint);
            side.fault_tls = credentials_by_rule(table, computer, usual, roots, &self.clock);
            side.faults = Some(Arc::clone(table));
        }
        let side = Arc::new(side);
        let until = computer.store.next_change(now, EXPIRES_SOON);
        state.prepared.insert(place, Prepared { side: Arc::clone(&side), until });
        side
    }

    // Nothing is left half changed under this lock, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
