//! The content of a log file, and its decompression.
//!
//! The first bytes show whether a content is compressed. The name does not: log files are compressed with or without
//! `.gz` in the name, and some servers decompress during the transfer.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 128 << 10;
/// First bytes that show the compression of a content.
const HEAD_BYTES: usize = 16;

/// The content of a log file, compressed or not.
pub enum Body {
    /// The whole content.
    Bytes(Vec<u8>),
    /// A file that is too large for memory.
    File(File),
    /// A stream that can be read once and may never end.
    Reader(Box<dyn Read + Send>),
}

impl Body {
    /// A reader of the decompressed content. Supports gzip with several members and Zstandard with several frames, also
    /// skippable ones. As with `gzip`, zeros after a member are skipped, and other data after a member ends the content.
    ///
    /// # Errors
    /// If the first bytes cannot be read. Damage of compressed content is an error of a later read: see
    /// [`is_damage`].
    pub fn into_reader(self) -> io::Result<Box<dyn BufRead>> {
        match self {
            Body::Bytes(content) => decode(Cursor::new(content)),
            Body::File(file) => decode(BufReader::with_capacity(BUFFER_BYTES, file)),
            Body::Reader(reader) => decode(BufReader::with_capacity(BUFFER_BYTES, reader)),
        }
    }
}

/// Like [`Body::into_reader`], for content that is borrowed, such as a member of an archive.
pub fn decompress<'c>(content: impl Read + 'c) -> io::Result<Box<dyn BufRead + 'c>> {
    decode(BufReader::with_capacity(BUFFER_BYTES, content))
}

/// Whether an error of a reader from [`Body::into_reader`] means that the content is damaged: compressed data is invalid
/// or does not match its checksum ([`io::ErrorKind::InvalidData`]). Then what was read before is not trusted either.
/// Data that ends too early ([`io::ErrorKind::UnexpectedEof`]) is valid up to its end. All other errors are those of the
/// disk or pipe.
pub fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// The reason why a content is damaged that an archive or another container found.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Damage(String);

/// An error for which [`is_damage`] is true, also when it comes from the content that a decompressor reads.
pub(crate) fn damaged(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Damage(message))
}

fn decode<'c>(mut compressed: impl BufRead + 'c) -> io::Result<Box<dyn BufRead + 'c>> {
    let head = first_bytes(&mut compressed).map_err(source_error)?;
    match Compression::of(&head.bytes[..head.length]) {
        Some(_) => {
            let compressed = CompressedInput { head, rest: compressed, has_failed: false };
            let plain = Decompressor { state: State::Begin(compressed), is_first: true };
            Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, plain)))
        }
        None => Ok(Box::new(PlainInput { head, rest: compressed })),
    }
}

#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Zstandard,
}

impl Compression {
    fn of(first: &[u8]) -> Option<Compression> {
        match first {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            // A frame, or a skippable frame, which some programs write first (RFC 8878).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Some(Compression::Zstandard)
            }
            _ => None,
        }
    }

    /// Whether the last bytes of a content are the beginning of a member that was cut off.
    fn is_cut_off(last: &[u8]) -> bool {
        match last {
            [0x1f] | [0x28] | [0x28, 0xb5] | [0x28, 0xb5, 0x2f] => true,
            [0x50..=0x5f, rest @ ..] => matches!(rest, [0x2a] | [0x2a, 0x4d]),
            _ => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstandard => "zstd",
        }
    }

    /// The error to return for an error of the decoder. Errors of zstd have no kind, except for a missing end.
    fn decoder_error(self, error: &io::Error) -> io::Error {
        let (name, kind) = (self.name(), error.kind());
        match kind {
            io::ErrorKind::UnexpectedEof => io::Error::new(
                kind,
                format!("{name} data ends too early: the file is incomplete; get it again"),
            ),
            _ => io::Error::new(io::ErrorKind::InvalidData, format!("{name} data is damaged: {error}")),
        }
    }
}

/// Whether a content is compressed, by its first bytes.
pub fn begins_compressed(content: &[u8]) -> bool {
    Compression::of(&content[..content.len().min(HEAD_BYTES)]).is_some()
}

/// Bytes of a content that were read ahead.
struct Head {
    bytes: [u8; HEAD_BYTES],
    length: usize,
    consumed: usize,
}

/// Reads the first bytes. A pipe may return them one at a time, so the buffer of the reader is not enough.
fn first_bytes(reader: &mut impl Read) -> io::Result<Head> {
    let mut head = Head { bytes: [0; HEAD_BYTES], length: 0, consumed: 0 };
    while head.length < head.bytes.len() {
        match reader.read(&mut head.bytes[head.length..]) {
            Ok(0) => break,
            Ok(length) => head.length += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

/// An uncompressed content, with its first bytes.
struct PlainInput<R> {
    head: Head,
    rest: R,
}

impl<R: BufRead> Read for PlainInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = &self.head.bytes[self.head.consumed..self.head.length];
        if head.is_empty() {
            return self.rest.read(buffer).map_err(source_error);
        }
        let length = head.len().min(buffer.len());
        buffer[..length].copy_from_slice(&head[..length]);
        self.head.consumed += length;
        Ok(length)
    }
}

impl<R: BufRead> BufRead for PlainInput<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.head.consumed < self.head.length {
            true => Ok(&self.head.bytes[self.head.consumed..self.head.length]),
            false => self.rest.fill_buf().map_err(source_error),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self.head.consumed < self.head.length {
            true => self.head.consumed += amount,
            false => self.rest.consume(amount),
        }
    }
}

/// A compressed content. It returns its next bytes without consuming them, and remembers whether reading it failed, to
/// distinguish its errors from those of the decoder.
struct CompressedInput<R> {
    head: Head,
    rest: R,
    has_failed: bool,
}

impl<R: BufRead> CompressedInput<R> {
    /// The next [`HEAD_BYTES`] bytes without consuming them, or fewer at the end.
    fn peek(&mut self) -> io::Result<&[u8]> {
        let Head { bytes, length, consumed } = &mut self.head;
        bytes.copy_within(*consumed..*length, 0);
        (*length, *consumed) = (*length - *consumed, 0);
        while *length < HEAD_BYTES {
            match self.rest.read(&mut bytes[*length..]) {
                Ok(0) => break,
                Ok(read) => *length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.has_failed = true;
                    return Err(error);
                }
            }
        }
        Ok(&bytes[..*length])
    }

    /// Skips zeros: tapes and disks pad files with them.
    fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.fill_buf()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let is_done = zeros < bytes.len() || bytes.is_empty();
            self.consume(zeros);
            if is_done {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Read for CompressedInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for CompressedInput<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.head.consumed < self.head.length {
            true => Ok(&self.head.bytes[self.head.consumed..self.head.length]),
            // No `map_err`: the borrow of the returned slice would not allow it.
            false => match self.rest.fill_buf() {
                Err(error) => {
                    self.has_failed |= error.kind() != io::ErrorKind::Interrupted;
                    Err(error)
                }
                filled => filled,
            },
        }
    }

    fn consume(&mut self, amount: usize) {
        match self.head.consumed < self.head.length {
            true => self.head.consumed += amount,
            false => self.rest.consume(amount),
        }
    }
}

/// Decompresses consecutive members: gzip members and zstd frames.
struct Decompressor<R> {
    state: State<R>,
    is_first: bool,
}

enum State<R> {
    /// At the beginning of a member, or at the end of the content.
    Begin(CompressedInput<R>),
    Gzip(Box<GzDecoder<CompressedInput<R>>>),
    Zstandard(Box<ZstdDecoder<'static, CompressedInput<R>>>),
    /// After the last member, or after an error.
    End,
}

impl<R: BufRead> Decompressor<R> {
    /// The state at the next member, or at the end.
    fn next_member(&mut self, mut compressed: CompressedInput<R>) -> io::Result<State<R>> {
        if !std::mem::take(&mut self.is_first) {
            compressed.skip_zeros().map_err(source_error)?;
        }
        let next = compressed.peek().map_err(source_error)?;
        Ok(match Compression::of(next) {
            Some(Compression::Gzip) => State::Gzip(Box::new(GzDecoder::new(compressed))),
            Some(Compression::Zstandard) => {
                State::Zstandard(Box::new(ZstdDecoder::with_buffer(compressed)?.single_frame()))
            }
            None if Compression::is_cut_off(next) => {
                let message = "compressed data ends too early: the file is incomplete; get it again";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            None => State::End,
        })
    }
}

impl<R: BufRead> Read for Decompressor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let (read, compression, has_failed) = match &mut self.state {
                State::Gzip(plain) => (plain.read(buffer), Compression::Gzip, plain.get_ref().has_failed),
                State::Zstandard(plain) => {
                    (plain.read(buffer), Compression::Zstandard, plain.get_ref().has_failed)
                }
                State::Begin(_) | State::End => match std::mem::replace(&mut self.state, State::End) {
                    State::Begin(compressed) => {
                        self.state = self.next_member(compressed)?;
                        continue;
                    }
                    _ => return Ok(0),
                },
            };
            match read {
                Ok(0) => {
                    self.state = match std::mem::replace(&mut self.state, State::End) {
                        State::Gzip(plain) => State::Begin(plain.into_inner()),
                        State::Zstandard(plain) => State::Begin(plain.finish()),
                        other => other,
                    };
                }
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) if has_failed => return Err(source_error(error)),
                Err(error) => return Err(compression.decoder_error(&error)),
            }
        }
    }
}

/// An error of what is read: of the disk or pipe, or of an archive that found its member damaged ([`damaged`]). The kind of
/// the former is changed if it would mean that the content is damaged.
fn source_error(error: io::Error) -> io::Error {
    match error.kind() {
        _ if error.get_ref().is_some_and(|inner| inner.is::<Damage>()) => error,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => io::Error::other(error),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn read(body: Body) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        body.into_reader()?.read_to_end(&mut content)?;
        Ok(content)
    }

    /// Returns a byte at a time, as a slow pipe does.
    struct OneByte(Cursor<Vec<u8>>);
    impl Read for OneByte {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    #[test]
    fn plain_content_is_unchanged() {
        for content in ["", "a", "abc", "abcd", "a line\nand another"] {
            assert_eq!(read(Body::Bytes(content.into())).unwrap(), content.as_bytes());
            let one_byte = OneByte(Cursor::new(content.into()));
            assert_eq!(read(Body::Reader(Box::new(one_byte))).unwrap(), content.as_bytes());
        }
    }

    #[test]
    fn lines_can_be_read_across_the_first_bytes() {
        let lines: Vec<String> =
            Body::Bytes(b"ab\ncdef\ng".to_vec()).into_reader().unwrap().lines().map(Result::unwrap).collect();
        assert_eq!(lines, ["ab", "cdef", "g"]);
    }

    #[test]
    fn gzip_of_several_members() {
        let compressed = [gzip(b"first\n"), gzip(b""), gzip(b"second\n")].concat();
        assert_eq!(read(Body::Bytes(compressed.clone())).unwrap(), b"first\nsecond\n");
        assert_eq!(
            read(Body::Reader(Box::new(OneByte(Cursor::new(compressed))))).unwrap(),
            b"first\nsecond\n"
        );
    }

    #[test]
    fn zstandard_of_several_frames() {
        let skippable = b"\x50\x2a\x4d\x18\x04\0\0\0skip".to_vec();
        let frame = |content: &[u8]| zstd::encode_all(content, 3).unwrap();
        let compressed = [skippable, frame(b"first\n"), frame(b"second\n")].concat();
        assert_eq!(read(Body::Bytes(compressed)).unwrap(), b"first\nsecond\n");
    }

    /// A frame of Zstandard with a checksum.
    fn zstandard(content: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    const SKIPPABLE: &[u8] = b"\x50\x2a\x4d\x18\x04\0\0\0skip";

    #[test]
    fn zeros_and_garbage_after_the_last_member_do_not_affect_it() {
        let lines: Vec<u8> = (0..5000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let zeros = vec![0; 200_000];
        let tails: [&[u8]; 10] = [
            b"",
            b"\0",
            &[0; 7],
            &zeros,
            b"garbage",
            b"\0\0\0garbage",
            b"g",
            b"\x1f\x8a and more that is no member",
            b"\xff\xff\xff\xff",
            &[&zeros[..], b"garbage"].concat(),
        ];
        for compressed in [gzip(&lines), zstandard(&lines), [&zstandard(&lines), SKIPPABLE].concat()] {
            for tail in tails {
                let all = [&compressed, tail].concat();
                assert_eq!(read(Body::Bytes(all.clone())).unwrap(), lines, "{tail:?}");
                if tail.len() < 100 {
                    assert_eq!(read(Body::Reader(Box::new(OneByte(Cursor::new(all))))).unwrap(), lines);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn consecutive_members_of_any_kind_and_size_are_decompressed(
            members in prop::collection::vec((0..5usize, "[a-z\n]{0,40}", 0..2000usize), 1..8),
            one_byte: bool,
        ) {
            let (mut compressed, mut content) = (Vec::new(), Vec::new());
            for (kind, text, times) in members {
                // A compressed content begins with a member.
                let kind = if compressed.is_empty() { kind.min(2) } else { kind };
                let plain = text.repeat(times % 7 * times / 7).into_bytes();
                match kind {
                    0 => compressed.extend(gzip(&plain)),
                    1 => compressed.extend(zstandard(&plain)),
                    2 => compressed.extend(SKIPPABLE),
                    3 => compressed.extend(vec![0; times]),
                    _ => compressed.extend([gzip(b""), zstandard(b"")].concat()),
                }
                if kind < 2 {
                    content.extend(plain);
                }
            }
            let body = match one_byte {
                true => Body::Reader(Box::new(OneByte(Cursor::new(compressed)))),
                false => Body::Bytes(compressed),
            };
            prop_assert_eq!(read(body).unwrap(), content);
        }
    }

    #[test]
    fn damage_is_distinguished_from_errors_of_a_disk_or_pipe() {
        /// Fails after some bytes.
        struct Failing(Cursor<Vec<u8>>, io::ErrorKind);
        impl Read for Failing {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                match self.0.read(buffer)? {
                    0 => Err(io::Error::new(self.1, "the disk is gone")),
                    read => Ok(read),
                }
            }
        }
        let lines: Vec<u8> = (0..5000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        for compressed in [gzip(&lines), zstandard(&lines)] {
            // Cut off; a wrong checksum; a second member that is cut off after its first bytes.
            let mut flipped = compressed.clone();
            let last = flipped.len() - 1;
            flipped[last] ^= 1;
            let second = [compressed.as_slice(), &compressed[..3]].concat();
            let begun = [compressed.as_slice(), &compressed[..1]].concat();
            assert!(is_damage(&read(Body::Bytes(flipped)).unwrap_err()));
            for cut_off in [compressed[..last].to_vec(), second, begun] {
                let error = read(Body::Bytes(cut_off)).unwrap_err();
                assert!(!is_damage(&error) && error.kind() == io::ErrorKind::UnexpectedEof, "{error}");
            }
            let mut plain = lines.clone();
            plain.truncate(100);
            for kind in [io::ErrorKind::Other, io::ErrorKind::UnexpectedEof] {
                let failing = Failing(Cursor::new(plain.clone()), kind);
                let error = read(Body::Reader(Box::new(failing))).unwrap_err();
                assert!(!is_damage(&error), "a plain file cannot be damaged: {error:?}");
            }
            for kind in [io::ErrorKind::Other, io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidData] {
                for length in [compressed.len() / 2, compressed.len() - 1, compressed.len()] {
                    let failing = Failing(Cursor::new(compressed[..length].to_vec()), kind);
                    let error = read(Body::Reader(Box::new(failing))).unwrap_err();
                    assert!(!is_damage(&error), "{kind:?} {length}: {error:?}");
                    assert_eq!(error.to_string(), "the disk is gone");
                }
            }
        }
    }

    #[test]
    fn missing_ends_are_errors() {
        let lines: Vec<u8> = (0..5000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        for (name, compressed) in [("gzip", gzip(&lines)), ("zstd", zstd::encode_all(&lines[..], 3).unwrap())]
        {
            for length in [5, 12, compressed.len() / 2, compressed.len() - 1] {
                let error = read(Body::Bytes(compressed[..length].to_vec())).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{name} {length}: {error}");
                assert!(error.to_string().starts_with(&format!("{name} data ends too early")), "{error}");
            }
        }
    }

    #[test]
    fn damage_is_an_error() {
        let lines: Vec<u8> = (0..5000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let mut zstandard = zstd::Encoder::new(Vec::new(), 3).unwrap();
        zstandard.include_checksum(true).unwrap();
        zstandard.write_all(&lines).unwrap();
        for (name, mut compressed) in [("gzip", gzip(&lines)), ("zstd", zstandard.finish().unwrap())] {
            let middle = compressed.len() / 2;
            compressed[middle..middle + 64].fill(0xff);
            let error = read(Body::Bytes(compressed)).map(|content| content.len()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name} data is damaged: ")), "{error}");
        }
    }
}
