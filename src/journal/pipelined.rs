//! The commands that stood in clear where TLS had to begin, in a form that may be shown.

use super::record::SECRET;
use super::shown::{is_auth, printable, without_secret};
use crate::session::Anomaly;
use crate::smtp::Verb;

/// The maximum number of lines that are kept, and of bytes of each.
const LINES: usize = 32;
const LINE: usize = 512;

/// The placeholder for message content, which the journal does not keep.
pub(crate) const CONTENT: &str = "<content>";

/// The placeholder for a TLS record.
const CLIENT_HELLO: &str = "<TLS ClientHello>";

/// Returns the anomaly that `octets` stood in clear behind STARTTLS or behind the 220 to it. `executed` is
/// true if the lab carries them out inside TLS.
pub fn pipelined(octets: &[u8], executed: bool) -> Anomaly {
    Anomaly::PipelinedBehindStartTls { octets: octets.len(), lines: lines(octets), executed }
}

/// The lines, without secrets and without content. A line that follows AUTH and is no command may be a
/// secret.
fn lines(octets: &[u8]) -> Vec<String> {
    if let [22, 3, ..] = octets {
        return vec![CLIENT_HELLO.to_owned()];
    }
    let mut shown = Vec::new();
    let (mut secret, mut content) = (false, false);
    let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
    for line in octets.split(|byte| *byte == b'\n').take(LINES) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if content {
            content = line != b".";
            if shown.last().is_none_or(|last| last != CONTENT) {
                shown.push(CONTENT.to_owned());
            }
            continue;
        }
        let verb = Verb::of(line);
        shown.push(if secret && verb.is_none() {
            SECRET.to_owned()
        } else {
            let whole = without_secret(line);
            printable(whole.get(..LINE).unwrap_or(&whole))
        });
        secret |= is_auth(line);
        content = verb == Some(Verb::Data);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_and_secrets_and_content_are_not() {
        assert_eq!(
            lines(b"EHLO x\r\nMAIL FROM:<a@b>\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n"),
            ["EHLO x", "MAIL FROM:<a@b>", "DATA", CONTENT, "QUIT"]
        );
        assert_eq!(
            lines(b"AUTH PLAIN AGEAYg==\r\nAUTH LOGIN\r\nYQ==\r\nYg==\r\nQUIT"),
            [
                format!("AUTH PLAIN {SECRET}"),
                "AUTH LOGIN".to_owned(),
                SECRET.to_owned(),
                SECRET.to_owned(),
                "QUIT".to_owned()
            ]
        );
        assert_eq!(lines(&[22, 3, 1, 2, 0, 1]), [CLIENT_HELLO]);
    }

    #[test]
    fn what_is_shown_is_bounded_and_safe() {
        let shown = lines(&[&b"\x1b[2J\n".repeat(100)[..], &[b'x'; 4096]].concat());
        assert_eq!((shown.len(), shown[0].as_str()), (LINES, "\\x1b[2J"));
        assert_eq!(lines(&[b'x'; 4096])[0].len(), LINE);
    }
}
