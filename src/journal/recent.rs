//! Texts that recur, kept once.

use std::ops::Deref;

/// The newest different texts of entries. Most of what is said has been said before: replies are few, and clients
/// repeat themselves. Such a text takes memory once, whatever the number of entries that it is in.
#[derive(Debug)]
pub(super) struct RecentTexts<T>(Box<[T]>);

/// The number of texts that are remembered, a power of two.
const REMEMBERED: usize = 128;
/// The length in bytes of the longest text that is remembered.
const LONGEST: usize = 1024;

impl<T: Deref<Target = [u8]> + Clone> RecentTexts<T> {
    /// Puts an equal text that is kept already in the place of `text`.
    pub(super) fn share(&mut self, text: &mut T) {
        if text.is_empty() || text.len() > LONGEST {
            return;
        }
        let Some(known) = self.0.get_mut(hash(text) % REMEMBERED) else { return };
        if **known != **text {
            known.clone_from(text);
        } else if known.as_ptr() != text.as_ptr() {
            text.clone_from(known);
        }
    }
}

impl<T: Clone + Default> Default for RecentTexts<T> {
    fn default() -> Self {
        Self(vec![T::default(); REMEMBERED].into())
    }
}

/// Returns a hash of the length and of three bytes: quick rather than good, as texts of the same hash are only kept
/// more than once.
fn hash(text: &[u8]) -> usize {
    let quarter = text.len() / 4;
    let byte = |at: usize| text.get(at).copied().map_or(0, usize::from);
    text.len() + 31 * byte(quarter) + 37 * byte(2 * quarter) + 41 * byte(3 * quarter)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn shared(recent: &mut RecentTexts<Bytes>, text: &str) -> Bytes {
        let mut text = Bytes::copy_from_slice(text.as_bytes());
        recent.share(&mut text);
        text
    }

    #[test]
    fn a_text_that_recurs_is_kept_once() {
        let mut recent = RecentTexts::default();
        let first = shared(&mut recent, "250 2.1.0 Sender OK\r\n");
        let other = shared(&mut recent, "250 2.1.5 Recipient OK\r\n");
        let again = shared(&mut recent, "250 2.1.0 Sender OK\r\n");
        assert_eq!(
            (&first[..], &other[..]),
            (&b"250 2.1.0 Sender OK\r\n"[..], &b"250 2.1.5 Recipient OK\r\n"[..])
        );
        assert_eq!((again.as_ptr(), &again), (first.as_ptr(), &first));
    }

    #[test]
    fn any_texts_stay_what_they_are() {
        let mut recent = RecentTexts::default();
        for round in 0..3 {
            for number in 0..1000 {
                let text =
                    format!("RCPT TO:<{}@example.com>", "x".repeat(number) + &(number + round).to_string());
                assert_eq!(shared(&mut recent, &text), text);
            }
        }
        assert!(shared(&mut recent, "").is_empty());
        assert!(recent.0.iter().all(|text| text.len() <= LONGEST));
    }
}
