//! The fault table of one connector, and one conversation's view of it.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::action::{BodyAction, CloseAction, HandshakeAction, StageActions};
use super::resolve::FaultRule;
use super::spec::{FaultSpec, ShownCertificate};
use super::stage::FaultStage;
use crate::session::TlsFacts;

/// The rules that apply to one connector, with how often each was done. The connector's conversations share
/// them.
#[derive(Debug, Default)]
pub struct FaultTable {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    number: usize,
    rule: Arc<FaultRule>,
    fired: AtomicU32,
    /// The number of connections from each peer, from the time on at which the rule was declared.
    connections: Mutex<HashMap<IpAddr, u64>>,
}

/// The input at a stage, as far as a fault rule's conditions can refer to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Came<'a> {
    /// The command.
    pub(super) line: Option<&'a str>,
    /// The length in bytes of its longest line, or of the content's.
    pub(super) longest: usize,
}

/// A rule that is being followed: a fault that is done on purpose.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// The number of the rule in its computer, from 1.
    pub row: usize,
    /// The rule.
    pub rule: Arc<FaultRule>,
}

impl FaultTable {
    /// Creates the table of `connector` from the rules of its computer.
    pub fn of(rules: &[FaultRule], connector: &str) -> Self {
        Self::with(rules.iter().enumerate().filter(|(_, rule)| rule.spec().is_for(connector)))
    }

    /// Creates a table of all rules of a computer, to [count](Self::count_in) what connectors did that are removed.
    pub fn of_all(rules: &[FaultRule]) -> Self {
        Self::with(rules.iter().enumerate())
    }

    fn with<'a>(numbered: impl Iterator<Item = (usize, &'a FaultRule)>) -> Self {
        let rows = numbered.map(|(index, rule)| Row {
            number: index + 1,
            rule: Arc::new(rule.clone()),
            fired: AtomicU32::new(0),
            connections: Mutex::default(),
        });
        Self { rows: rows.collect() }
    }

    /// Takes the counters of `before`, which this table replaces, over for the rules that stay.
    #[must_use]
    pub fn going_on_from(mut self, before: &Self) -> Self {
        let mut before: Vec<&Row> = before.rows.iter().collect();
        for row in &mut self.rows {
            if let Some(at) = before.iter().position(|old| old.rule == row.rule) {
                let old = before.remove(at);
                row.fired = AtomicU32::new(old.fired.load(Ordering::SeqCst));
                row.connections = Mutex::new(old.connections().clone());
            }
        }
        self
    }

    /// Adds the number of times that each rule was done by another table of the same computer.
    pub fn count_in(&self, other: &Self) {
        for (number, times) in other.fired() {
            if let Some(row) = self.rows.iter().find(|row| row.number == number) {
                row.fired.fetch_add(times, Ordering::SeqCst);
            }
        }
    }

    /// Returns whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the number of each rule in its computer, with how often it was done.
    pub fn fired(&self) -> Vec<(usize, u32)> {
        self.rows.iter().map(|row| (row.number, row.fired.load(Ordering::SeqCst))).collect()
    }

    /// Returns each rule with its number in its computer.
    pub fn rules(&self) -> impl Iterator<Item = (usize, &FaultRule)> {
        self.rows.iter().map(|row| (row.number, &*row.rule))
    }

    /// Counts a connection from `peer`, and returns its conversation's view of the table.
    pub fn connect(self: &Arc<Self>, peer: IpAddr) -> Faults {
        let (table, peer) = (Arc::clone(self), peer.to_canonical());
        let connections = self.rows.iter().map(|row| row.count(peer)).collect();
        Faults { table, connections, peer, hello: None, tls: None, visits: [0; STAGES] }
    }
}

/// The number of peers whose connections are counted. Beyond it, the counts of all peers start again.
const MOST_PEERS: usize = 4096;

const STAGES: usize = FaultStage::Close as usize + 1;

/// One conversation's view of its connector's table.
#[derive(Debug)]
pub struct Faults {
    table: Arc<FaultTable>,
    /// The number of the connection among those of its peer, for each row.
    connections: Vec<u64>,
    peer: IpAddr,
    hello: Option<String>,
    tls: Option<Arc<TlsFacts>>,
    visits: [u32; STAGES],
}

impl Faults {
    /// Notes the name that the client has given in EHLO or HELO.
    pub fn introduced(&mut self, name: String) {
        self.hello = Some(name);
    }

    /// Notes that TLS is in force from now on, with what was negotiated.
    pub fn secured(&mut self, tls: Arc<TlsFacts>) {
        self.tls = Some(tls);
    }

    /// Comes to a stage, and returns the first rule that fits. The rule counts as done with it.
    pub fn at(&mut self, stage: FaultStage) -> Option<Fired> {
        self.at_which(stage, Came::default())
    }

    /// Like [`at`](Self::at), with input that the conditions of fault rules can refer to.
    pub(super) fn at_which(&mut self, stage: FaultStage, came: Came<'_>) -> Option<Fired> {
        let visit = self.visits.get_mut(stage as usize)?;
        *visit = visit.saturating_add(1);
        let visit = u64::from(*visit);
        let fits = |(row, connection): &(&Row, &u64)| {
            let spec = row.rule.spec();
            spec.at == stage && self.fits(spec, **connection, visit, came) && row.take()
        };
        let (row, _) = self.table.rows.iter().zip(&self.connections).find(fits)?;
        Some(Fired { row: row.number, rule: Arc::clone(&row.rule) })
    }

    fn fits(&self, spec: &FaultSpec, connection: u64, visit: u64, came: Came<'_>) -> bool {
        let when = &spec.when;
        let named = |pattern: &str| self.hello.as_deref().is_some_and(|name| is_like(pattern, name));
        when.connection.is_none_or(|nth| nth.holds(connection))
            && when.visit.is_none_or(|nth| nth.holds(visit))
            && when.peer.is_none_or(|range| range.contains(self.peer))
            && when.ehlo.as_deref().is_none_or(named)
            && when.tls.is_none_or(|tls| tls == self.tls.is_some())
            && when.client_certificate.as_ref().is_none_or(|shown| self.has_shown(shown))
            && when.line.as_deref().is_none_or(|pattern| came.line.is_some_and(|line| is_like(pattern, line)))
            && when.longer_than.is_none_or(|limit| came.longest > limit as usize)
    }

    fn has_shown(&self, shown: &ShownCertificate) -> bool {
        let tls = self.tls.as_deref();
        let certificate = tls.and_then(|tls| tls.client_certificate.as_ref());
        let named = |pattern: &str| {
            certificate.map(|certificate| {
                let mut names = certificate.dns_names().iter().chain(certificate.common_names());
                names.any(|name| is_like(pattern, name))
            })
        };
        match shown {
            ShownCertificate::Absent => certificate.is_none(),
            ShownCertificate::Untrusted => tls.is_some_and(|tls| tls.client_certificate_error.is_some()),
            ShownCertificate::Name(pattern) => named(pattern) == Some(true),
            ShownCertificate::OtherName(pattern) => named(pattern) == Some(false),
        }
    }
}

impl Row {
    /// Counts a connection from `peer`, and returns its number.
    fn count(&self, peer: IpAddr) -> u64 {
        let mut connections = self.connections();
        if connections.len() >= MOST_PEERS && !connections.contains_key(&peer) {
            connections.clear();
        }
        let count = connections.entry(peer).or_default();
        *count += 1;
        *count
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<IpAddr, u64>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the rule as done once more. Returns false if it was done often enough already.
    fn take(&self) -> bool {
        let most = self.rule.spec().times.map_or(u32::MAX, std::num::NonZero::get);
        let more = |fired: u32| (fired < most).then(|| fired.saturating_add(1));
        self.fired.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok() || most == u32::MAX
    }
}

impl Fired {
    /// Returns the actions on the handshake that comes next; none if the rule is about something else.
    pub fn handshake(&self) -> &[HandshakeAction] {
        let StageActions::Handshake(actions) = self.rule.actions() else { return &[] };
        actions
    }

    /// Returns the actions on the content that comes next; none if the rule is about something else.
    pub fn body(&self) -> &[BodyAction] {
        let StageActions::Body(actions) = self.rule.actions() else { return &[] };
        actions
    }

    /// Returns the actions at the end of the connection that comes next; none if the rule is about something
    /// else.
    pub fn closing(&self) -> &[CloseAction] {
        let StageActions::Close(actions) = self.rule.actions() else { return &[] };
        actions
    }
}

impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FaultSpec { at, actions, then, .. } = self.rule.spec();
        write!(f, "at {}, {}", at.as_str(), actions.in_words())?;
        match then {
            Some(then) => write!(f, ", then {}", then.as_str()),
            None => Ok(()),
        }
    }
}

impl Serialize for Fired {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let FaultSpec { at, actions, then, .. } = self.rule.spec();
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("row", &self.row)?;
        map.serialize_entry("at", at)?;
        map.serialize_entry("do", actions)?;
        map.serialize_entry("then", then)?;
        map.end()
    }
}

/// Returns whether `name` matches `pattern`, letter case aside. In the pattern, `*` stands for anything.
pub(crate) fn is_like(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Certificate;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn table(rows: &str) -> Arc<FaultTable> {
        let rows: Vec<FaultSpec> = serde_json::from_str(rows).unwrap();
        let rules: Vec<_> = rows.iter().map(|row| row.resolve().unwrap()).collect();
        Arc::new(FaultTable::of(&rules, "Default"))
    }

    fn rows(faults: &mut Faults, stages: &[FaultStage]) -> Vec<usize> {
        stages.iter().map(|stage| faults.at(*stage).map_or(0, |it| it.row)).collect()
    }

    #[test]
    fn the_first_row_that_fits_decides() {
        let table = table(
            r#"[{"connector": "Other", "at": "mail", "do": "close"},
                {"at": "mail", "do": "close", "when": {"tls": true}},
                {"at": "mail", "do": "reset"},
                {"at": "rcpt", "do": "silence"}]"#,
        );
        let mut faults = table.connect(PEER);
        assert_eq!(rows(&mut faults, &[FaultStage::Mail, FaultStage::Rcpt, FaultStage::Data]), [3, 4, 0]);
        faults.secured(crate::session::fault::tests::tls_facts(None));
        assert_eq!(rows(&mut faults, &[FaultStage::Mail]), [2]);
        assert_eq!(table.fired(), [(2, 1), (3, 1), (4, 1)]);
    }

    #[test]
    fn a_row_counts_connections_visits_and_times() {
        let table = table(
            r#"[{"at": "mail", "do": "close", "when": {"connection": "even", "visit": 2}},
                {"at": "mail", "do": "reset", "times": 2}]"#,
        );
        let mails = [FaultStage::Mail; 3];
        assert_eq!(rows(&mut table.connect(PEER), &mails), [2, 2, 0]);
        let other = "127.0.0.2".parse().unwrap();
        assert_eq!(rows(&mut table.connect(other), &mails), [0, 0, 0]);
        assert_eq!(rows(&mut table.connect(PEER), &mails), [0, 1, 0]);
        assert_eq!(table.fired(), [(1, 1), (2, 2)]);
    }

    #[test]
    fn a_rule_that_stays_goes_on_counting_and_a_new_one_begins() {
        let rules = |rows: &str| -> Vec<FaultRule> {
            let rows: Vec<FaultSpec> = serde_json::from_str(rows).unwrap();
            rows.iter().map(|row| row.resolve().unwrap()).collect()
        };
        const STAYS: &str = r#"{"at": "mail", "do": "close", "when": {"connection": 2}}"#;
        const ONCE: &str = r#"{"at": "rcpt", "do": "close", "times": 1}"#;
        let before = Arc::new(FaultTable::of(&rules(&format!("[{STAYS}, {ONCE}]")), "Default"));
        assert_eq!(rows(&mut before.connect(PEER), &[FaultStage::Mail, FaultStage::Rcpt]), [0, 2]);
        let new = r#"{"at": "data", "do": "reset", "when": {"connection": "first"}}"#;
        let after =
            FaultTable::of(&rules(&format!("[{new}, {ONCE}, {STAYS}]")), "Default").going_on_from(&before);
        let mut second = Arc::new(after).connect(PEER);
        let stages = [FaultStage::Mail, FaultStage::Rcpt, FaultStage::Data];
        assert_eq!(rows(&mut second, &stages), [3, 0, 1]);
        assert_eq!(second.table.fired(), [(1, 1), (2, 1), (3, 1)]);
    }

    #[test]
    fn a_row_is_for_peers_and_for_names() {
        let table = table(
            r#"[{"at": "mail", "do": "close", "when": {"peer": "127.0.0.2", "ehlo": "*"}},
                {"at": "mail", "do": "reset", "when": {"ehlo": "*.contoso.com"}}]"#,
        );
        let mut faults = table.connect(PEER);
        assert_eq!(rows(&mut faults, &[FaultStage::Mail]), [0]);
        faults.introduced("MX.Contoso.com".to_owned());
        assert_eq!(rows(&mut faults, &[FaultStage::Mail]), [2]);
        let mut other = table.connect("::ffff:127.0.0.2".parse().unwrap());
        other.introduced("x".to_owned());
        assert_eq!(rows(&mut other, &[FaultStage::Mail]), [1]);
    }

    #[test]
    fn a_row_is_for_what_a_command_says_and_for_how_long_it_is() {
        let table = table(
            r#"[{"at": "rcpt", "do": "close", "when": {"line": "rcpt to:<nobody@*"}},
                {"at": "rcpt", "do": "reset", "when": {"longer_than": 20}}]"#,
        );
        let mut faults = table.connect(PEER);
        let mut row = |line: &str| {
            let came = Came { line: Some(line), longest: line.len() };
            faults.at_which(FaultStage::Rcpt, came).map_or(0, |it| it.row)
        };
        let lines = ["RCPT TO:<nobody@b.test>", "RCPT TO:<somebody@b>", "RCPT TO:<somebody@bc>"];
        assert_eq!(lines.map(&mut row), [1, 0, 2]);
        assert!(faults.at(FaultStage::Rcpt).is_none());
    }

    #[test]
    fn a_row_is_for_what_a_client_has_shown_of_a_certificate() {
        let table = table(
            r#"[{"at": "rcpt", "do": "close", "when": {"client_certificate": "absent"}},
                {"at": "rcpt", "do": "reset", "when": {"client_certificate": "untrusted"}},
                {"at": "rcpt", "do": "fin", "when": {"client_certificate": {"other-name": "*.CONTOSO.com"}}},
                {"at": "rcpt", "do": "silence", "when": {"client_certificate": {"name": "mail.contoso.com"}}}]"#,
        );
        let certificate = |name: &str| {
            let key = crate::pki::KeyPair::generate(crate::pki::KeyAlgorithm::default()).unwrap();
            let (from, until) = (jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::MAX);
            let name = format!("CN={name}").parse().unwrap();
            crate::pki::Authority::root(key, &name, from, until, &[1]).unwrap().certificate().clone()
        };
        let row = |certificate: Option<(Certificate, Option<String>)>| {
            let mut faults = table.connect(PEER);
            faults.secured(crate::session::fault::tests::tls_facts(certificate));
            rows(&mut faults, &[FaultStage::Rcpt])[0]
        };
        let (ours, theirs) = (certificate("mail.contoso.com"), certificate("mail.fabrikam.com"));
        let unknown = Some("UnknownIssuer".to_owned());
        assert_eq!(rows(&mut table.connect(PEER), &[FaultStage::Rcpt]), [1], "in clear");
        assert_eq!(row(None), 1);
        assert_eq!(row(Some((ours.clone(), unknown))), 2);
        assert_eq!(row(Some((theirs, None))), 3);
        assert_eq!(row(Some((ours, None))), 4);
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name) in [("*", ""), ("a*c", "abc"), ("a*c", "ac"), ("*b*", "abc"), ("MX", "mx")] {
            assert!(is_like(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("a*", "b"), ("a*a", "a"), ("*x*", "abc"), ("mx", "mx1")] {
            assert!(!is_like(pattern, name), "{pattern} {name}");
        }
    }
}
