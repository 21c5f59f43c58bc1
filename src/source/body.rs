//! The content of a log file on its way to the parser: compression is undone here.
//!
//! What a content is shows in its first bytes. Names are not asked: S3 delivers plain text, people
//! compress it with or without a `.gz` in the name, and some servers decompress on the way.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

/// Bytes read at a time.
const BUFFER: usize = 128 << 10;
/// First bytes that tell what a content is.
const HEAD: usize = 16;

/// The content of a log file, compressed or not.
pub enum Body {
    /// All of it in memory.
    Bytes(Vec<u8>),
    /// A file on the disk, too large for that.
    File(File),
    /// To be read bit by bit, once: endless content perhaps.
    Reader(Box<dyn Read + Send>),
}

impl Body {
    /// A reader of the plain content: gzip (also several members) and Zstandard (also several frames, skippable
    /// ones too) are undone. As `gzip` does it, zeros behind a member are passed over, and what is no member ends the
    /// content.
    ///
    /// # Errors
    /// If the first bytes cannot be read. Damage of compressed content shows while reading, often behind much that can
    /// be read: see [`is_damage`].
    pub fn into_reader(self) -> io::Result<Box<dyn BufRead>> {
        match self {
            Body::Bytes(content) => decode(Cursor::new(content)),
            Body::File(file) => decode(BufReader::with_capacity(BUFFER, file)),
            Body::Reader(reader) => decode(BufReader::with_capacity(BUFFER, reader)),
        }
    }
}

/// A reader of plain content, as [`Body::into_reader`] gives it, of what may be a part of something else.
///
/// # Errors
/// If the first bytes cannot be read.
pub fn unpacked<'c>(content: impl Read + 'c) -> io::Result<Box<dyn BufRead + 'c>> {
    decode(BufReader::with_capacity(BUFFER, content))
}

/// Whether an error of a reader that [`Body::into_reader`] gave says that the content is damaged: compressed data that
/// is none, or that differs from its checksum ([`io::ErrorKind::InvalidData`]). What was read before cannot be trusted
/// then. Data that ends too early ([`io::ErrorKind::UnexpectedEof`]) is good up to there. All other errors are of those
/// who gave the content: a disk, a pipe.
pub fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

fn decode<'c>(mut packed: impl BufRead + 'c) -> io::Result<Box<dyn BufRead + 'c>> {
    let head = first_bytes(&mut packed).map_err(of_source)?;
    match Packing::of(&head.bytes[..head.length]) {
        Some(_) => {
            let packed = Packed { head, rest: packed, has_failed: false };
            Ok(Box::new(BufReader::with_capacity(BUFFER, Members { at: At::Begin(packed), is_first: true })))
        }
        None => Ok(Box::new(Unread { head, rest: packed })),
    }
}

#[derive(Clone, Copy)]
enum Packing {
    Gzip,
    Zstandard,
}

impl Packing {
    fn of(first: &[u8]) -> Option<Packing> {
        match first {
            [0x1f, 0x8b, ..] => Some(Packing::Gzip),
            // A frame, or a skippable frame as some packers put first (RFC 8878).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Packing::Zstandard),
            _ => None,
        }
    }

    /// Whether these last bytes of a content are the first of one that is cut off.
    fn is_begun(last: &[u8]) -> bool {
        match last {
            [0x1f] | [0x28] | [0x28, 0xb5] | [0x28, 0xb5, 0x2f] => true,
            [0x50..=0x5f, rest @ ..] => matches!(rest, [0x2a] | [0x2a, 0x4d]),
            _ => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstandard => "zstd",
        }
    }

    /// What an error of a decoder means for the user. (That of zstd has no kind but for a missing end.)
    fn damage(self, error: &io::Error) -> io::Error {
        let (name, kind) = (self.name(), error.kind());
        match kind {
            io::ErrorKind::UnexpectedEof => io::Error::new(
                kind,
                format!("{name} data ends too early: the file is not whole; get it again"),
            ),
            _ => io::Error::new(io::ErrorKind::InvalidData, format!("{name} data is damaged: {error}")),
        }
    }
}

/// Whether a content that begins with these bytes is compressed.
pub fn begins_compressed(content: &[u8]) -> bool {
    Packing::of(&content[..content.len().min(HEAD)]).is_some()
}

/// The first bytes of a content, taken out to look at them.
struct Head {
    bytes: [u8; HEAD],
    length: usize,
    taken: usize,
}

/// A pipe may give them one at a time, so the reader's own buffer is not enough to see them.
fn first_bytes(reader: &mut impl Read) -> io::Result<Head> {
    let mut head = Head { bytes: [0; HEAD], length: 0, taken: 0 };
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

/// A reader with its first bytes put back.
struct Unread<R> {
    head: Head,
    rest: R,
}

impl<R: BufRead> Read for Unread<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let head = &self.head.bytes[self.head.taken..self.head.length];
        if head.is_empty() {
            return self.rest.read(buffer).map_err(of_source);
        }
        let length = head.len().min(buffer.len());
        buffer[..length].copy_from_slice(&head[..length]);
        self.head.taken += length;
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Unread<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.head.taken < self.head.length {
            true => Ok(&self.head.bytes[self.head.taken..self.head.length]),
            false => self.rest.fill_buf().map_err(of_source),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self.head.taken < self.head.length {
            true => self.head.taken += amount,
            false => self.rest.consume(amount),
        }
    }
}

/// Compressed content: its next bytes can be looked at, and its own errors are told from those of what is made of it.
struct Packed<R> {
    head: Head,
    rest: R,
    has_failed: bool,
}

impl<R: BufRead> Packed<R> {
    /// The next bytes, without taking them; fewer at the end only.
    fn next(&mut self) -> io::Result<&[u8]> {
        let Head { bytes, length, taken } = &mut self.head;
        bytes.copy_within(*taken..*length, 0);
        (*length, *taken) = (*length - *taken, 0);
        while *length < HEAD {
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

    /// Passes over zeros, as tapes and disks fill up what is written to them.
    fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.fill_buf()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let is_over = zeros < bytes.len() || bytes.is_empty();
            self.consume(zeros);
            if is_over {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Packed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.head.taken < self.head.length {
            true => Ok(&self.head.bytes[self.head.taken..self.head.length]),
            // (Not mapped: what is borrowed from it lives on.)
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
        match self.head.taken < self.head.length {
            true => self.head.taken += amount,
            false => self.rest.consume(amount),
        }
    }
}

/// The content of members (so gzip calls them; zstd has frames), one behind the other, each made by itself.
struct Members<R> {
    at: At<R>,
    is_first: bool,
}

enum At<R> {
    /// Where a member may begin.
    Begin(Packed<R>),
    Gzip(Box<GzDecoder<Packed<R>>>),
    Zstandard(Box<ZstdDecoder<'static, Packed<R>>>),
    /// Behind the last one, or an error.
    End,
}

impl<R: BufRead> Members<R> {
    /// Begins the next member, or finds that there is none.
    fn begin(&mut self, mut packed: Packed<R>) -> io::Result<At<R>> {
        if !std::mem::take(&mut self.is_first) {
            packed.skip_zeros().map_err(of_source)?;
        }
        let next = packed.next().map_err(of_source)?;
        Ok(match Packing::of(next) {
            Some(Packing::Gzip) => At::Gzip(Box::new(GzDecoder::new(packed))),
            Some(Packing::Zstandard) => {
                At::Zstandard(Box::new(ZstdDecoder::with_buffer(packed)?.single_frame()))
            }
            None if Packing::is_begun(next) => {
                let message = "compressed data ends too early: the file is not whole; get it again";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            None => At::End,
        })
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let (read, packing, has_failed) = match &mut self.at {
                At::Gzip(plain) => {
                    let read = plain.read(buffer);
                    (read, Packing::Gzip, plain.get_ref().has_failed)
                }
                At::Zstandard(plain) => {
                    let read = plain.read(buffer);
                    (read, Packing::Zstandard, plain.get_ref().has_failed)
                }
                At::Begin(_) | At::End => match std::mem::replace(&mut self.at, At::End) {
                    At::Begin(packed) => {
                        self.at = self.begin(packed)?;
                        continue;
                    }
                    _ => return Ok(0),
                },
            };
            match read {
                Ok(0) => {
                    self.at = match std::mem::replace(&mut self.at, At::End) {
                        At::Gzip(plain) => At::Begin(plain.into_inner()),
                        At::Zstandard(plain) => At::Begin(plain.finish()),
                        other => other,
                    };
                }
                Ok(read) => return Ok(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) if has_failed => return Err(of_source(error)),
                Err(error) => return Err(packing.damage(&error)),
            }
        }
    }
}

/// An error of what gives a content: whatever it says, it is not that the content is damaged.
fn of_source(error: io::Error) -> io::Error {
    match error.kind() {
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

    /// Gives a byte at a time, as a slow pipe does.
    struct Drip(Cursor<Vec<u8>>);
    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    #[test]
    fn plain_content_stays_as_it_is() {
        for content in ["", "a", "abc", "abcd", "a line\nand another"] {
            assert_eq!(read(Body::Bytes(content.into())).unwrap(), content.as_bytes());
            let drip = Drip(Cursor::new(content.into()));
            assert_eq!(read(Body::Reader(Box::new(drip))).unwrap(), content.as_bytes());
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
        let packed = [gzip(b"first\n"), gzip(b""), gzip(b"second\n")].concat();
        assert_eq!(read(Body::Bytes(packed.clone())).unwrap(), b"first\nsecond\n");
        assert_eq!(read(Body::Reader(Box::new(Drip(Cursor::new(packed))))).unwrap(), b"first\nsecond\n");
    }

    #[test]
    fn zstandard_of_several_frames() {
        let skippable = b"\x50\x2a\x4d\x18\x04\0\0\0skip".to_vec();
        let frame = |content: &[u8]| zstd::encode_all(content, 3).unwrap();
        let packed = [skippable, frame(b"first\n"), frame(b"second\n")].concat();
        assert_eq!(read(Body::Bytes(packed)).unwrap(), b"first\nsecond\n");
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
    fn zeros_and_garbage_behind_the_last_member_lose_nothing_in_front_of_them() {
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
        for packed in [gzip(&lines), zstandard(&lines), [&zstandard(&lines), SKIPPABLE].concat()] {
            for tail in tails {
                let all = [&packed, tail].concat();
                assert_eq!(read(Body::Bytes(all.clone())).unwrap(), lines, "{tail:?}");
                if tail.len() < 100 {
                    assert_eq!(read(Body::Reader(Box::new(Drip(Cursor::new(all))))).unwrap(), lines);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn members_of_any_kind_and_size_come_one_behind_the_other(
            members in prop::collection::vec((0..5usize, "[a-z\n]{0,40}", 0..2000usize), 1..8),
            drips: bool,
        ) {
            let (mut packed, mut content) = (Vec::new(), Vec::new());
            for (kind, text, times) in members {
                // The content as a whole begins with a member.
                let kind = if packed.is_empty() { kind.min(2) } else { kind };
                let plain = text.repeat(times % 7 * times / 7).into_bytes();
                match kind {
                    0 => packed.extend(gzip(&plain)),
                    1 => packed.extend(zstandard(&plain)),
                    2 => packed.extend(SKIPPABLE),
                    3 => packed.extend(vec![0; times]),
                    _ => packed.extend([gzip(b""), zstandard(b"")].concat()),
                }
                if kind < 2 {
                    content.extend(plain);
                }
            }
            let body = match drips {
                true => Body::Reader(Box::new(Drip(Cursor::new(packed)))),
                false => Body::Bytes(packed),
            };
            prop_assert_eq!(read(body).unwrap(), content);
        }
    }

    #[test]
    fn damage_is_told_from_what_a_disk_or_a_pipe_says() {
        /// Says no after some bytes.
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
        for packed in [gzip(&lines), zstandard(&lines)] {
            // Cut off; a checksum that does not fit; a member of which only the first bytes are there.
            let mut flipped = packed.clone();
            let last = flipped.len() - 1;
            flipped[last] ^= 1;
            let second = [packed.as_slice(), &packed[..3]].concat();
            let begun = [packed.as_slice(), &packed[..1]].concat();
            assert!(is_damage(&read(Body::Bytes(flipped)).unwrap_err()));
            for cut_off in [packed[..last].to_vec(), second, begun] {
                let error = read(Body::Bytes(cut_off)).unwrap_err();
                assert!(!is_damage(&error) && error.kind() == io::ErrorKind::UnexpectedEof, "{error}");
            }
            let mut plain = lines.clone();
            plain.truncate(100);
            for kind in [io::ErrorKind::Other, io::ErrorKind::UnexpectedEof] {
                let failing = Failing(Cursor::new(plain.clone()), kind);
                let error = read(Body::Reader(Box::new(failing))).unwrap_err();
                assert!(!is_damage(&error), "nothing of a plain file is damage: {error:?}");
            }
            for kind in [io::ErrorKind::Other, io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidData] {
                for length in [packed.len() / 2, packed.len() - 1, packed.len()] {
                    let failing = Failing(Cursor::new(packed[..length].to_vec()), kind);
                    let error = read(Body::Reader(Box::new(failing))).unwrap_err();
                    assert!(!is_damage(&error), "{kind:?} {length}: {error:?}");
                    assert_eq!(error.to_string(), "the disk is gone");
                }
            }
        }
    }

    #[test]
    fn missing_ends_are_told() {
        let lines: Vec<u8> = (0..5000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        for (name, packed) in [("gzip", gzip(&lines)), ("zstd", zstd::encode_all(&lines[..], 3).unwrap())] {
            for length in [5, 12, packed.len() / 2, packed.len() - 1] {
                let error = read(Body::Bytes(packed[..length].to_vec())).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{name} {length}: {error}");
                assert!(error.to_string().starts_with(&format!("{name} data ends too early")), "{error}");
            }
        }
    }

    #[test]
    fn damage_is_told() {
        let lines: Vec<u8> = (0..5000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let mut zstandard = zstd::Encoder::new(Vec::new(), 3).unwrap();
        zstandard.include_checksum(true).unwrap();
        zstandard.write_all(&lines).unwrap();
        for (name, mut packed) in [("gzip", gzip(&lines)), ("zstd", zstandard.finish().unwrap())] {
            let middle = packed.len() / 2;
            packed[middle..middle + 64].fill(0xff);
            let error = read(Body::Bytes(packed)).map(|content| content.len()).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name} data is damaged: ")), "{error}");
        }
    }
}
