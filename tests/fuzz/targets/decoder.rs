//! Lines, commands, content and replies out of any bytes in any pieces.

use bytes::{Bytes, BytesMut};
use starttls_lab::internal::smtp::{
    Address, ChunkDecoder, Command, DataDecoder, DataProgress, HeaderScan, Line, LineDecoder, LooseDecoder,
    Received, ReplyLines, Verb, transparent,
};

use super::source::Source;

/// Whatever the cuts are, the decoders give the same; what was made transparent comes back as it was.
pub fn decoder(data: &[u8]) {
    let mut source = Source::new(data);
    let limit = usize::from(source.byte()) * 8;
    let size = usize::from(source.byte() % 64) + 1;
    let rest = source.rest();
    let whole = lines(limit, [rest]);
    assert_eq!(whole, lines(limit, rest.chunks(size)));
    let mut reply = ReplyLines::default();
    for line in &whole {
        assert!(line.text.len() <= limit);
        let _ = (Command::parse(&line.text), Verb::of(&line.text));
        if let Some(Ok(reply)) = reply.push(&line.text) {
            is_a_reply(&reply.to_bytes());
        }
        if let Ok(address) = String::from_utf8_lossy(&line.text).parse::<Address>() {
            assert_eq!(address.to_string().parse::<Address>().as_ref(), Ok(&address));
        }
    }
    content(limit as u64, rest, size);
}

/// Panics unless `bytes` are one reply: lines that end in CRLF, with no other CR or LF in them, and the same code
/// in front of each (RFC 5321 section 4.2).
pub(super) fn is_a_reply(bytes: &[u8]) {
    let text = bytes.strip_suffix(b"\r\n").expect("a reply ends in CRLF");
    let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    let code = text.get(..3).expect("a reply begins with a code");
    assert!(code.iter().all(u8::is_ascii_digit), "{bytes:?}");
    for (index, line) in lines.iter().enumerate() {
        let last = index + 1 == lines.len();
        let line = if last { *line } else { line.strip_suffix(b"\r").expect("a line ends in CRLF") };
        assert!(!line.contains(&b'\r'), "{bytes:?}");
        assert_eq!(line.get(..3), Some(code), "{bytes:?}");
        let behind = line.get(3).copied();
        assert!(if last { matches!(behind, Some(b' ') | None) } else { behind == Some(b'-') }, "{bytes:?}");
    }
}

fn lines<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Line> {
    let (mut decoder, mut input, mut lines) = (LineDecoder::new(limit), BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(line) = decoder.decode(&mut input) {
            lines.push(line);
        }
        assert!(input.len() < limit.max(1), "{} bytes are held", input.len());
    }
    lines
}

fn content(limit: u64, rest: &[u8], size: usize) {
    let data = || {
        let mut decoder = DataDecoder::new(limit);
        move |input: &mut BytesMut| {
            (decoder.decode(input) == DataProgress::Done).then(|| decoder_taken(&mut decoder, limit))
        }
    };
    let whole = fed(data(), [rest]);
    assert_eq!(whole, fed(data(), rest.chunks(size)));
    let ends = || vec![Bytes::from_static(b"\n.\n"), Bytes::from_static(b"\r.\r")];
    let loose = |ends: Vec<Bytes>| {
        let mut decoder = Some(LooseDecoder::new(limit, ends));
        move |input: &mut BytesMut| {
            let done = decoder.as_mut().is_some_and(|decoder| decoder.decode(input) == DataProgress::Done);
            if done { decoder.take().map(LooseDecoder::finish) } else { None }
        }
    };
    assert_eq!(fed(loose(ends()), [rest]), fed(loose(ends()), rest.chunks(size)));
    // Without further ends it is the decoder of the standard.
    assert_eq!(fed(loose(Vec::new()), [rest]), whole);
    if let Some((received, _)) = &whole {
        assert!(received.body.len() <= limit);
        let _ = HeaderScan::of(&received.body);
    }
    let mut chunks = ChunkDecoder::new(limit);
    chunks.begin(rest.len() as u64);
    let mut input = BytesMut::from(rest);
    assert_eq!(chunks.decode(&mut input), DataProgress::Done);
    let raw = chunks.finish();
    assert_eq!(raw.bytes, rest.len() as u64);
    if !raw.too_big {
        let mut sent = BytesMut::from(&transparent(rest)[..]);
        let mut decoder = DataDecoder::new(u64::MAX);
        assert_eq!(decoder.decode(&mut sent), DataProgress::Done, "{rest:?}");
        assert!(sent.is_empty());
    }
}

fn decoder_taken(decoder: &mut DataDecoder, limit: u64) -> Received {
    std::mem::replace(decoder, DataDecoder::new(limit)).finish()
}

/// Feeds pieces until the content is complete; returns it with what came behind it.
fn fed<'a>(
    mut decode: impl FnMut(&mut BytesMut) -> Option<Received>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Option<(Received, BytesMut)> {
    let (mut input, mut done) = (BytesMut::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        if done.is_none() {
            done = decode(&mut input);
        }
    }
    done.map(|received| (received, input))
}
