//! Records that recur, kept once.

use super::record::Record;

/// The newest different records that are likely to recur. Most of what is said has been said before: replies are few,
/// and clients repeat themselves. Such a text takes memory once, whatever the number of entries that it is in.
pub(super) struct Recurring(Box<[Record]>);

/// The number of records that are remembered, a power of two.
pub(super) const SLOTS: usize = 128;
/// The length in bytes of the longest text that is remembered.
const LONGEST: usize = 1024;

impl Recurring {
    /// Puts an equal record that is kept already in the place of `record`, and returns its slot; `None` if records like
    /// it are not remembered.
    pub(super) fn share(&mut self, record: &mut Record) -> Option<usize> {
        let slot = hash(record)? % SLOTS;
        let known = self.0.get_mut(slot)?;
        if !is_equal(known, record) {
            known.clone_from(record);
        } else if !Self::is_same(known, record) {
            record.clone_from(known);
        }
        Some(slot)
    }

    /// Returns whether two records, which may be in one slot, are equal; a text is compared by its place in memory.
    pub(super) fn is_same(known: &Record, record: &Record) -> bool {
        match (known, record) {
            (Record::Sent(known), Record::Sent(reply)) => {
                known.as_ptr() == reply.as_ptr() && known.len() == reply.len()
            }
            (Record::Received(known), Record::Received(line)) => {
                known.as_ptr() == line.as_ptr() && known.len() == line.len()
            }
            _ => is_equal(known, record),
        }
    }
}

impl Default for Recurring {
    fn default() -> Self {
        Self(vec![Record::Connecting; SLOTS].into())
    }
}

fn is_equal(known: &Record, record: &Record) -> bool {
    match (known, record) {
        (Record::Sent(known), Record::Sent(reply)) => known == reply,
        (Record::Received(known), Record::Received(line)) => known == line,
        (Record::Content(known), Record::Content(length)) => known == length,
        (Record::Connected, Record::Connected) => true,
        (Record::Disconnected(known), Record::Disconnected(ending)) => known == ending,
        _ => false,
    }
}

/// Returns a hash of a record that is likely to recur.
fn hash(record: &Record) -> Option<usize> {
    match record {
        Record::Sent(reply) => text(reply),
        Record::Received(line) => text(line),
        Record::Content(length) => usize::try_from(*length).ok(),
        Record::Connected => Some(0),
        Record::Disconnected(_) => Some(1),
        Record::Event(_)
        | Record::Connecting
        | Record::ReceivedSecret
        | Record::SentSecret
        | Record::TlsEstablished(_)
        | Record::TlsFailed(_)
        | Record::Secured(_)
        | Record::NotSecured(_)
        | Record::Attempt(_)
        | Record::Fault(_)
        | Record::Anomaly(_)
        | Record::Logon(_)
        | Record::LimitReached(_)
        | Record::Message(_)
        | Record::Tracking(_)
        | Record::NoConnector(_)
        | Record::Changed { .. }
        | Record::ChangeRefused { .. } => None,
    }
}

/// Returns a hash of the length and of three bytes: quick rather than good, as texts of the same hash are only kept
/// more than once.
fn text(text: &[u8]) -> Option<usize> {
    let quarter = text.len() / 4;
    let byte = |at: usize| text.get(at).copied().map_or(0, usize::from);
    let hash = text.len() + 31 * byte(quarter) + 37 * byte(2 * quarter) + 41 * byte(3 * quarter);
    (text.len() <= LONGEST).then_some(hash)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn shared(recurring: &mut Recurring, text: &str) -> Bytes {
        let mut record = Record::Sent(Bytes::copy_from_slice(text.as_bytes()));
        recurring.share(&mut record);
        match record {
            Record::Sent(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_that_recurs_is_kept_once() {
        let mut recurring = Recurring::default();
        let first = shared(&mut recurring, "250 2.1.0 Sender OK\r\n");
        let other = shared(&mut recurring, "250 2.1.5 Recipient OK\r\n");
        let again = shared(&mut recurring, "250 2.1.0 Sender OK\r\n");
        assert_eq!(
            (&first[..], &other[..]),
            (&b"250 2.1.0 Sender OK\r\n"[..], &b"250 2.1.5 Recipient OK\r\n"[..])
        );
        assert_eq!((again.as_ptr(), &again), (first.as_ptr(), &first));
    }

    #[test]
    fn any_texts_stay_what_they_are() {
        let mut recurring = Recurring::default();
        for round in 0..3 {
            for number in 0..1000 {
                let text =
                    format!("RCPT TO:<{}@example.com>", "x".repeat(number) + &(number + round).to_string());
                assert_eq!(shared(&mut recurring, &text), text);
            }
        }
        assert!(shared(&mut recurring, "").is_empty());
        let short = |record: &Record| !matches!(record, Record::Sent(text) if text.len() > LONGEST);
        assert!(recurring.0.iter().all(short));
    }
}
