//! The members of a zip archive that share a name with a later member. The library keeps only the last member of a name,
//! so these are found in the directory of the archive and read here.
//!
//! The format is described in APPNOTE.TXT of PKWARE, sections 4.3.7 (local header), 4.3.12 (directory) and 4.5.3 (zip64).

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use crate::source::body::damaged;

const DIRECTORY_SIGNATURE: &[u8] = b"PK\x01\x02";
const LOCAL_SIGNATURE: &[u8] = b"PK\x03\x04";
const LOCAL_HEADER_BYTES: usize = 30;

/// A member as the directory describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    /// Bytes of its content.
    pub(super) size: u64,
    compressed_size: u64,
    header_start: u64,
    method: u16,
    checksum: u32,
    is_encrypted: bool,
    /// Whether it is a file, not a folder or a symbolic link.
    pub(super) is_file: bool,
}

/// The members whose name a later member has too, in the order of the directory, which begins at `start`. `distinct` is
/// the number of different names, and `offset` the number of bytes before the archive.
/// Fails if the directory cannot be read, or has another number of names.
pub(super) fn hidden_members<R: Read + Seek>(
    reader: &mut R,
    start: u64,
    offset: u64,
    distinct: usize,
) -> io::Result<Vec<Entry>> {
    if Directory::open(&mut *reader, start)?.count()? == distinct {
        return Ok(Vec::new());
    }
    let mut directory = Directory::open(reader, start)?;
    let mut entries = Vec::new();
    let mut last = HashMap::new();
    while let Some(entry) = directory.entry(offset)? {
        last.insert(entry.name.clone(), entries.len());
        entries.push(entry);
    }
    if last.len() != distinct {
        return Err(damaged(
            "the zip archive is damaged: its end states another number of members than its directory has; get it \
             again"
                .to_owned(),
        ));
    }
    let hidden = entries.into_iter().enumerate().filter(|(at, entry)| last.get(&entry.name) != Some(at));
    Ok(hidden.map(|(_, entry)| entry).collect())
}

struct Directory<R> {
    reader: BufReader<R>,
}

impl<R: Read + Seek> Directory<R> {
    fn open(reader: R, start: u64) -> io::Result<Directory<R>> {
        let mut reader = BufReader::new(reader);
        reader.seek(SeekFrom::Start(start))?;
        Ok(Directory { reader })
    }

    /// The fixed part of the next entry; `None` after the last one.
    fn header(&mut self) -> io::Result<Option<[u8; 46]>> {
        let mut header = [0; 46];
        match self.reader.read_exact(&mut header) {
            Ok(()) => Ok(header.starts_with(DIRECTORY_SIGNATURE).then_some(header)),
            // The end of the directory is shorter than an entry.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number of entries.
    fn count(mut self) -> io::Result<usize> {
        let mut count = 0;
        while let Some(header) = self.header()? {
            let rest = [28, 30, 32].map(|at| i64::from(u16_at(&header, at)));
            self.reader.seek_relative(rest.iter().sum())?;
            count += 1;
        }
        Ok(count)
    }

    fn entry(&mut self, offset: u64) -> io::Result<Option<Entry>> {
        let Some(header) = self.header()? else { return Ok(None) };
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(&header, at)));
        let mut rest = vec![0; name + extra + comment];
        self.reader.read_exact(&mut rest)?;
        let mut numbers = [24, 20, 42].map(|at| u64::from(u32_at(&header, at)));
        read_zip64(rest.get(name..name + extra).unwrap_or_default(), &mut numbers);
        let [size, compressed_size, header_start] = numbers;
        rest.truncate(name);
        const UNIX_TYPE: u32 = 0o170_000 << 16;
        const UNIX_LINK: u32 = 0o120_000 << 16;
        let is_file = !rest.ends_with(b"/") && u32_at(&header, 38) & UNIX_TYPE != UNIX_LINK;
        Ok(Some(Entry {
            name: rest,
            size,
            compressed_size,
            header_start: header_start.saturating_add(offset),
            method: u16_at(&header, 10),
            checksum: u32_at(&header, 16),
            is_encrypted: u16_at(&header, 8) & 1 != 0,
            is_file,
        }))
    }
}

/// Replaces the numbers that do not fit into 32 bits by those of the zip64 field.
fn read_zip64(mut extra: &[u8], numbers: &mut [u64; 3]) {
    const ZIP64: u16 = 1;
    while extra.len() >= 4 {
        let (kind, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let field = extra.get(4..4 + length).unwrap_or_default();
        if kind == ZIP64 {
            let mut stored = field.chunks_exact(8).map(|bytes| u64::from_le_bytes(array_at(bytes, 0)));
            for number in numbers.iter_mut().filter(|number| **number == u64::from(u32::MAX)) {
                *number = stored.next().unwrap_or(*number);
            }
            return;
        }
        extra = extra.get(4 + length..).unwrap_or_default();
    }
}

impl Entry {
    /// The decompressed content. Reading fails at the end if the checksum is wrong.
    /// Fails if the member is encrypted, compressed in an unknown way, or not where the directory says.
    pub(super) fn content<'r, R: Read + Seek>(&self, reader: &'r mut R) -> io::Result<Content<'r>> {
        if self.is_encrypted {
            return Err(io::Error::other(super::zip::ENCRYPTED));
        }
        let mut header = [0; LOCAL_HEADER_BYTES];
        reader.seek(SeekFrom::Start(self.header_start))?;
        reader.read_exact(&mut header)?;
        if !header.starts_with(LOCAL_SIGNATURE) {
            return Err(damaged(
                "the member of the zip archive is damaged: it has no valid header".to_owned(),
            ));
        }
        let skipped = i64::from(u16_at(&header, 26)) + i64::from(u16_at(&header, 28));
        reader.seek(SeekFrom::Current(skipped))?;
        let compressed = reader.take(self.compressed_size);
        const STORED: u16 = 0;
        const DEFLATED: u16 = 8;
        let inner: Box<dyn Read + 'r> = match self.method {
            STORED => Box::new(compressed),
            DEFLATED => Box::new(DeflateDecoder::new(compressed)),
            method => return Err(super::zip::unknown_method(method)),
        };
        Ok(Content { inner, expected: self.checksum, hasher: crc32fast::Hasher::new() })
    }
}

/// The decompressed content of a member.
pub(super) struct Content<'r> {
    inner: Box<dyn Read + 'r>,
    expected: u32,
    hasher: crc32fast::Hasher,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        if read == 0 && !buffer.is_empty() && self.hasher.clone().finalize() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "Invalid checksum"));
        }
        Ok(read)
    }
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk().copied()).unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}
