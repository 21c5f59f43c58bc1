//! The content of a log file on its way to the parser: compression is undone here.
//!
//! What a content is shows in its first bytes. Names are not asked: S3 delivers plain text, people
//! compress it with or without a `.gz` in the name, and some servers decompress on the way.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};

use flate2::bufread::MultiGzDecoder;

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
    /// A reader of the plain content: gzip (also several members) and Zstandard (also several frames)
    /// are undone. [`looks_like_log`] can be asked about its [`fill_buf`](BufRead::fill_buf) before
    /// anything is read: of plain content that gives 16 bytes or more, if there are as many.
    ///
    /// # Errors
    /// If the first bytes cannot be read. Damage further on shows while reading: the message of the
    /// [`io::Error`] then says so ([`io::ErrorKind::InvalidData`], or
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the end is missing).
    pub fn into_reader(self) -> io::Result<Box<dyn BufRead + Send>> {
        match self {
            Body::Bytes(content) => decode(Cursor::new(content)),
            Body::File(file) => decode(BufReader::with_capacity(BUFFER, file)),
            Body::Reader(reader) => decode(BufReader::with_capacity(BUFFER, reader)),
        }
    }
}

fn decode(mut packed: impl BufRead + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    let head = first_bytes(&mut packed)?;
    match Packing::of(&head.bytes[..head.length]) {
        Some(packing @ Packing::Gzip) => {
            let plain = MultiGzDecoder::new(Unread { head, rest: packed });
            Ok(Box::new(BufReader::with_capacity(BUFFER, Unpacked { packing, plain })))
        }
        Some(packing @ Packing::Zstandard) => {
            let plain = zstd::stream::read::Decoder::with_buffer(Unread { head, rest: packed })?;
            Ok(Box::new(BufReader::with_capacity(BUFFER, Unpacked { packing, plain })))
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

    fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstandard => "zstd",
        }
    }
}

/// Whether the content of a file is compressed. It is to be read from its beginning, before and after.
pub fn is_compressed(file: &mut File) -> io::Result<bool> {
    let head = first_bytes(file)?;
    file.rewind()?;
    Ok(Packing::of(&head.bytes[..head.length]).is_some())
}

/// Whether a content that begins with these bytes is compressed.
pub fn begins_compressed(content: &[u8]) -> bool {
    Packing::of(&content[..content.len().min(HEAD)]).is_some()
}

/// Whether reading failed because the content is not what was compressed: then what was read of it may be wrong too.
/// A content that ends too early is not damaged in this sense.
pub fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
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
            return self.rest.read(buffer);
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
            false => self.rest.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self.head.taken < self.head.length {
            true => self.head.taken += amount,
            false => self.rest.consume(amount),
        }
    }
}

/// A decoder whose errors say what they mean for the user.
struct Unpacked<R> {
    packing: Packing,
    plain: R,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.plain.read(buffer).map_err(|error| {
            let name = self.packing.name();
            match error.kind() {
                io::ErrorKind::UnexpectedEof => io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("{name} data ends too early: the file is not whole; get it again"),
                ),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    io::Error::new(io::ErrorKind::InvalidData, format!("{name} data is damaged: {error}"))
                }
                // The zstd library has no kinds of errors; those of the system have a number.
                _ if error.raw_os_error().is_none() && matches!(self.packing, Packing::Zstandard) => {
                    io::Error::new(io::ErrorKind::InvalidData, format!("{name} data is damaged: {error}"))
                }
                _ => error,
            }
        })
    }
}

/// Whether a content may be a log, by its first bytes (of the plain content; 16 are enough).
///
/// Lenient: real logs have NUL bytes and broken UTF-8 in them, so only what is known to be something
/// else is refused: images, archives, Parquet, PDF, programs, databases. Empty content may be a log.
pub fn looks_like_log(first: &[u8]) -> bool {
    const OTHERS: [&[u8]; 21] = [
        b"\x89PNG\r\n",
        b"\xff\xd8\xff",
        b"GIF8",
        b"RIFF",
        b"PAR1",
        b"Obj\x01",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x7fELF",
        b"\xcf\xfa\xed\xfe",
        b"MZ\x90\x00",
        b"SQLite format 3\0",
        b"%PDF-",
        b"BZh",
        b"\xfd7zXZ\0",
        b"7z\xbc\xaf\x27\x1c",
        b"\x04\x22\x4d\x18",
        b"Rar!",
        b"wOF2",
        // What file managers leave behind in folders.
        b"\0\0\0\x01Bud1",
        // Still packed after unpacking once.
        b"\x1f\x8b",
    ];
    !OTHERS.iter().any(|magic| first.starts_with(magic))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

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

    #[test]
    fn what_may_be_a_log() {
        assert!(looks_like_log(b""));
        assert!(looks_like_log(b"79a59df900b949e5 acme [06/Feb/2019:00:00:38 +0000]"));
        assert!(looks_like_log(b"\0\0\0 79a59df900b949e5"));
        assert!(looks_like_log(b"\xff\xfe\xc3\x28"));
        for other in
            [&b"\x89PNG\r\n\x1a\n"[..], b"PAR1\x15\x04", b"PK\x03\x04\x14", b"\x7fELF\x02", b"%PDF-1.7"]
        {
            assert!(!looks_like_log(other), "{other:?}");
        }
    }
}
