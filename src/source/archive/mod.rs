//! Archives of log files: tar, whatever compressed it, and zip. Their members are handed over one after another.
//!
//! Nothing is unpacked to the disk, so the names of members are only names. Everything that an archive says of itself
//! is limited: how many members it has, how long their names are, how much it unpacks to.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Cursor, Read, Seek};
use std::rc::Rc;

use tar::Header;

/// Members that an archive may have.
pub const MOST_MEMBERS: u64 = 250_000;
/// Bytes of the longest name of a member.
const LONGEST_NAME: usize = 4 << 10;
/// Bytes of all names of an archive.
const NAMES_BYTES: usize = 32 << 20;
/// Bytes of what a tar archive says of one member besides its content.
const LONGEST_EXTENSION: u64 = 64 << 10;
/// How many times larger than an archive its content may be. Deflate packs to a 1,032nd at best.
const MOST_TIMES: u64 = 2000;
/// Bytes that any archive may unpack to.
const ALWAYS: u64 = 128 << 20;

/// Bytes of a block of a tar archive: headers have one, contents are filled up to whole ones.
pub const BLOCK: usize = 512;

/// What takes the members of an archive.
pub trait Visitor {
    /// Reads a member of this name and size. `false`: no others are wanted.
    ///
    /// # Errors
    /// If the member cannot be read. The next one may be good.
    fn member(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<bool>;

    /// Notes a member that cannot be read, and why.
    fn failed(&mut self, name: &str, error: &io::Error);
}

/// How many bytes an archive may still unpack to.
#[derive(Clone, Debug)]
pub struct Limit(Rc<Cell<u64>>);

impl Limit {
    /// Of an archive of this size. One of unknown size comes through a pipe and ends when that does.
    pub fn of(size: Option<u64>) -> Limit {
        Limit(Rc::new(Cell::new(
            size.map_or(u64::MAX, |size| size.saturating_mul(MOST_TIMES).saturating_add(ALWAYS)),
        )))
    }

    fn take(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.get().checked_sub(bytes as u64);
        self.0.set(left.unwrap_or(0));
        left.map(drop).ok_or_else(|| {
            io::Error::other(format!(
                "the archive unpacks to more than {MOST_TIMES} times its size; unpack it yourself if that is right"
            ))
        })
    }

    fn is_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

/// A reader of what a [`Limit`] allows.
pub struct Limited<R> {
    inner: R,
    limit: Limit,
}

impl<R: Read> Limited<R> {
    /// Of what `inner` gives.
    pub fn new(inner: R, limit: &Limit) -> Limited<R> {
        Limited { inner, limit: limit.clone() }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.limit.take(read)?;
        Ok(read)
    }
}

/// A reader whose beginning was looked at.
pub struct Begun<R> {
    head: Cursor<Vec<u8>>,
    error: Option<io::Error>,
    rest: R,
}

impl<R: Read> Begun<R> {
    /// Looks at the beginning: a block, unless a line ends before. (Then it is no tar archive, and what gives the
    /// lines may be a pipe whose next line comes much later.)
    pub fn new(mut reader: R) -> Begun<R> {
        let mut head = vec![0; BLOCK];
        let (mut length, mut error) = (0, None);
        while length < BLOCK {
            match reader.read(&mut head[length..]) {
                Ok(0) => break,
                Ok(read) => {
                    let has_line = head[length..length + read].contains(&b'\n');
                    length += read;
                    if has_line && !is_tar(&head[..length]) {
                        break;
                    }
                }
                Err(interrupted) if interrupted.kind() == io::ErrorKind::Interrupted => {}
                Err(other) => {
                    error = Some(other);
                    break;
                }
            }
        }
        head.truncate(length);
        Begun { head: Cursor::new(head), error, rest: reader }
    }

    /// The beginning.
    pub fn head(&self) -> &[u8] {
        self.head.get_ref()
    }
}

impl<R: Read> Read for Begun<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match (self.head.read(buffer)?, self.error.take()) {
            (0, Some(error)) => Err(error),
            (0, None) => self.rest.read(buffer),
            (read, error) => {
                self.error = error;
                Ok(read)
            }
        }
    }
}

/// Whether a content that begins with these bytes is a tar archive: its first block is a header with a right sum.
pub fn is_tar(first: &[u8]) -> bool {
    first.first_chunk().is_some_and(is_header)
}

/// Whether a content that begins with these bytes is a zip archive.
pub fn is_zip(first: &[u8]) -> bool {
    first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06")
}

fn is_header(block: &[u8; BLOCK]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let of_sum: u32 = block[SUM].iter().map(|byte| u32::from(*byte)).sum();
    block[0] != 0 && Header::from_byte_slice(block).cksum().is_ok_and(|told| told == sum - of_sum + 8 * 32)
}

fn damaged(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn too_early() -> io::Error {
    let what = "the tar archive ends too early: the file is not whole; get it again";
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}

fn too_many() -> io::Error {
    io::Error::other(format!(
        "the archive has more than {MOST_MEMBERS} members; unpack it and name the folder"
    ))
}

/// The names of the members of an archive, which are all different.
#[derive(Default)]
struct Names {
    taken: HashSet<String>,
    bytes: usize,
}

impl Names {
    /// The name that a member goes by: a relative path.
    ///
    /// # Errors
    /// What is wrong with its name; outside, if there are too many.
    fn take(&mut self, name: &[u8]) -> io::Result<Result<String, String>> {
        if name.len() > LONGEST_NAME {
            return Ok(Err(format!("its name is longer than {LONGEST_NAME} bytes")));
        }
        let text = String::from_utf8_lossy(name);
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Ok(Err("its name leads out of the archive; rename it there".to_owned()));
        }
        if parts.is_empty() {
            return Ok(Err("it has no name".to_owned()));
        }
        let path = parts.join("/");
        // A tar archive may have several members of a name: `tar -r` adds what has changed.
        let mut name = path.clone();
        let mut number = 1;
        while self.taken.contains(&name) {
            number += 1;
            if number > 1000 {
                return Ok(Err("more than 1000 members have this name".to_owned()));
            }
            name = format!("{path} ({number})");
        }
        self.bytes += name.len();
        if self.bytes > NAMES_BYTES {
            return Err(too_many());
        }
        self.taken.insert(name.clone());
        Ok(Ok(name))
    }
}

/// A tar archive, and what went wrong with reading it, as opposed to one of its members.
struct Tar<R> {
    inner: Limited<R>,
    broken: Option<(io::ErrorKind, String)>,
}

impl<R: Read> Tar<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.broken = Some((error.kind(), error.to_string()));
                    return Err(error);
                }
                read => return read,
            }
        }
    }

    /// The next block; `None` at the end.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut length = 0;
        while length < BLOCK {
            match self.read(&mut block[length..])? {
                0 if length == 0 => return Ok(None),
                0 => return Err(too_early()),
                read => length += read,
            }
        }
        Ok(Some(block))
    }

    fn skip(&mut self, mut bytes: u64) -> io::Result<()> {
        let mut buffer = [0; 8 << 10];
        while bytes > 0 {
            let most = buffer.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
            match self.read(&mut buffer[..most])? {
                0 => return Err(too_early()),
                read => bytes -= read as u64,
            }
        }
        Ok(())
    }

    /// What a member of this size says of the next one.
    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > LONGEST_EXTENSION {
            return Err(damaged(format!(
                "the tar archive is damaged: what it says of a member has {size} bytes"
            )));
        }
        let mut bytes = Vec::new();
        Content { tar: self, left: size }.read_to_end(&mut bytes)?;
        self.skip(padding(size))?;
        Ok(bytes)
    }
}

/// Bytes that fill up a content of this size.
fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

/// The content of a member.
struct Content<'t, R> {
    tar: &'t mut Tar<R>,
    left: u64,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let read = self.tar.read(&mut buffer[..most])?;
        if read == 0 {
            let error = too_early();
            self.tar.broken = Some((error.kind(), error.to_string()));
            return Err(error);
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// What the members before it say of the next member.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

impl Extensions {
    /// As `pax` writes it.
    fn add(&mut self, pax: &[u8]) {
        for extension in tar::PaxExtensions::new(pax).flatten() {
            match extension.key_bytes() {
                b"path" => self.name = Some(extension.value_bytes().to_vec()),
                b"size" => self.size = extension.value().ok().and_then(|size| size.parse().ok()),
                key => self.is_sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
    }
}

/// Hands over the members of a tar archive.
///
/// # Errors
/// If the archive cannot be read to its end. What came before stays good, unless it is damaged
/// ([`is_damage`](super::super::body::is_damage)).
pub fn walk_tar(reader: impl Read, limit: &Limit, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut tar = Tar { inner: Limited::new(reader, limit), broken: None };
    let mut names = Names::default();
    let mut extensions = Extensions::default();
    let (mut headers, mut has_ended) = (0, false);
    while let Some(block) = tar.block()? {
        if block.iter().all(|byte| *byte == 0) {
            // Another archive may follow, as `cat` puts them together.
            has_ended = true;
            continue;
        }
        if !is_header(&block) {
            if has_ended {
                // Read to its end, where the sum of what is compressed stands.
                while tar.read(&mut [0; 8 << 10])? > 0 {}
                return Ok(());
            }
            return Err(damaged("the tar archive is damaged: a member has no right header".to_owned()));
        }
        has_ended = false;
        headers += 1;
        if headers > MOST_MEMBERS {
            return Err(too_many());
        }
        let header = Header::from_byte_slice(&block);
        let told =
            header.entry_size().map_err(|error| damaged(format!("the tar archive is damaged: {error}")));
        let kind = header.entry_type();
        if kind.is_gnu_longname() {
            let mut name = tar.extension(told?)?;
            name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
            extensions.name = Some(name);
            continue;
        }
        if kind.is_pax_local_extensions() {
            let pax = tar.extension(told?)?;
            extensions.add(&pax);
            continue;
        }
        if kind.is_gnu_longlink() || kind.is_pax_global_extensions() {
            let size = told?;
            tar.skip(size)?;
            tar.skip(padding(size))?;
            continue;
        }
        let Extensions { name, size, is_sparse } = std::mem::take(&mut extensions);
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let size = size.map_or(told, Ok)?;
        if i64::try_from(size).is_err() {
            return Err(damaged("the tar archive is damaged: a member has an impossible size".to_owned()));
        }
        let is_file = (kind.is_file() || kind.is_contiguous()) && !name.ends_with(b"/");
        let mut left = size;
        if kind.is_gnu_sparse() || is_sparse {
            // Its map may go on after its header.
            let mut goes_on = kind.is_gnu_sparse() && block[482] == 1;
            while goes_on {
                goes_on = tar.block()?.ok_or_else(too_early)?[504] == 1;
            }
            let reason = io::Error::other("it is a sparse file, which is not read; unpack it");
            visitor.failed(&String::from_utf8_lossy(&name), &reason);
        } else if is_file {
            match names.take(&name)? {
                Err(reason) => visitor.failed(&String::from_utf8_lossy(&name), &io::Error::other(reason)),
                Ok(name) => {
                    let mut content = Content { tar: &mut tar, left: size };
                    let read = visitor.member(&name, size, &mut content);
                    left = content.left;
                    match (read, &tar.broken) {
                        (Ok(true), _) => {}
                        (Ok(false), _) => return Ok(()),
                        (Err(_), Some((kind, what))) => return Err(io::Error::new(*kind, what.clone())),
                        (Err(error), None) => visitor.failed(&name, &error),
                    }
                }
            }
        }
        tar.skip(left)?;
        tar.skip(padding(size))?;
    }
    if has_ended { Ok(()) } else { Err(too_early()) }
}

/// Hands over the members of a zip archive.
///
/// # Errors
/// If its directory cannot be read.
pub fn walk_zip<R: Read + Seek>(mut reader: R, limit: &Limit, visitor: &mut dyn Visitor) -> io::Result<()> {
    // The directory is in memory as a whole.
    if !has_at_most(&mut reader, MOST_MEMBERS)? {
        return Err(too_many());
    }
    reader.rewind()?;
    let mut zip = zip::ZipArchive::new(reader).map_err(|error| {
        damaged(format!("the zip archive is damaged or not whole: {error}; get it again"))
    })?;
    let mut names = Names::default();
    for index in 0..zip.len() {
        let raw_name = zip.name_for_index(index).unwrap_or_default().to_owned();
        let mut member = match zip.by_index(index) {
            Ok(member) => member,
            Err(error) => {
                visitor.failed(&raw_name, &io::Error::other(format!("it cannot be unpacked: {error}")));
                continue;
            }
        };
        if !member.is_file() {
            continue;
        }
        let name = match names.take(raw_name.as_bytes())? {
            Ok(name) => name,
            Err(reason) => {
                visitor.failed(&raw_name, &io::Error::other(reason));
                continue;
            }
        };
        let size = member.size();
        match visitor.member(&name, size, &mut Limited::new(OfZip(&mut member), limit)) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) if limit.is_used_up() => return Err(error),
            Err(error) => visitor.failed(&name, &error),
        }
    }
    Ok(())
}

/// Whether a zip archive has at most that many members, by the signatures of those in its directory.
fn has_at_most(reader: &mut impl Read, most: u64) -> io::Result<bool> {
    const SIGNATURE: &[u8] = b"PK\x01\x02";
    let finder = memchr::memmem::Finder::new(SIGNATURE);
    let mut buffer = vec![0; 64 << 10];
    let (mut kept, mut count) = (0, 0);
    loop {
        let read = match reader.read(&mut buffer[kept..]) {
            Ok(0) => return Ok(true),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let length = kept + read;
        count += finder.find_iter(&buffer[..length]).count() as u64;
        if count > most {
            return Ok(false);
        }
        kept = length.min(SIGNATURE.len() - 1);
        buffer.copy_within(length - kept..length, 0);
    }
}

/// The content of a member of a zip archive, whose errors say whether it is damaged.
struct OfZip<R>(R);

impl<R: Read> Read for OfZip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.raw_os_error() {
            None if error.kind() != io::ErrorKind::Interrupted => {
                damaged(format!("the member of the zip archive is damaged: {error}"))
            }
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::body::is_damage;
    use super::*;

    /// What a walk gave.
    #[derive(Default)]
    struct Found {
        members: Vec<(String, String)>,
        failed: Vec<(String, String)>,
    }

    impl Visitor for Found {
        fn member(&mut self, name: &str, _: u64, content: &mut dyn Read) -> io::Result<bool> {
            let mut text = String::new();
            self.members.push((name.to_owned(), String::new()));
            // The beginning is enough of some.
            match name.starts_with("begun") {
                true => drop(content.read(&mut [0; 3])?),
                false => drop(content.read_to_string(&mut text)?),
            }
            self.members.last_mut().unwrap().1 = text;
            Ok(true)
        }

        fn failed(&mut self, name: &str, error: &io::Error) {
            self.failed.push((name.to_owned(), error.to_string()));
        }
    }

    impl Found {
        fn names(&self) -> Vec<&str> {
            self.members.iter().map(|(name, _)| name.as_str()).collect()
        }
    }

    /// A member of a tar archive whose header says what these say.
    fn member(kind: u8, name: &[u8], content: &[u8]) -> Vec<u8> {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(content.len() as u64);
        header.set_cksum();
        let mut member = [header.as_bytes(), content].concat();
        member.resize(member.len().next_multiple_of(BLOCK), 0);
        member
    }

    const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

    fn tar(content: &[u8], limit: u64) -> (Found, io::Result<()>) {
        let mut found = Found::default();
        let walked = walk_tar(content, &Limit(Rc::new(Cell::new(limit))), &mut found);
        (found, walked)
    }

    fn pair(name: &str, content: &str) -> (String, String) {
        (name.to_owned(), content.to_owned())
    }

    #[test]
    fn members_of_a_tar_archive_have_the_names_and_contents_that_were_put_in() {
        let long = "x/".repeat(100) + "log";
        let pax = |key: &str, value: &str| {
            let line = format!(" {key}={value}\n");
            let length = line.len() + 3;
            member(b'x', b"PaxHeaders/x", format!("{length}{line}").as_bytes())
        };
        let content = [
            member(b'5', b"./", b""),
            member(b'0', b"./one.log", b"one\n"),
            member(b'L', b"././@LongLink", (long.clone() + "\0").as_bytes()),
            member(b'0', b"cut off", b"two\n"),
            pax("path", &("y".repeat(120))),
            member(b'0', b"cut off too", b"three\n"),
            member(b'2', b"link", b""),
            member(b'g', b"pax_global_header", b"18 comment=nothing"),
            member(b'\0', b"begun.log", &[b'x'; 2000]),
            END.to_vec(),
            member(b'7', b"after the end of another", b"four"),
            END.to_vec(),
            b"garbage".to_vec(),
            vec![1; BLOCK],
        ]
        .concat();
        assert!(is_tar(&content));
        let (found, walked) = tar(&content, 1 << 20);
        walked.unwrap();
        assert_eq!(
            found.members,
            [
                pair("one.log", "one\n"),
                pair(&long, "two\n"),
                pair(&"y".repeat(120), "three\n"),
                pair("begun.log", ""),
                pair("after the end of another", "four"),
            ]
        );
        assert_eq!(found.failed, []);
    }

    #[test]
    fn names_of_members_stay_within_the_archive_and_differ() {
        let names = ["../x", "a/../../x", "/etc/passwd", "a", "./a", "a (2)", "///", "a/./b"];
        let content: Vec<u8> =
            names.iter().flat_map(|name| member(b'0', name.as_bytes(), b"x")).chain(END).collect();
        let (found, walked) = tar(&content, 1 << 20);
        walked.unwrap();
        assert_eq!(found.names(), ["etc/passwd", "a", "a (2)", "a (2) (2)", "a/b"]);
        let failed: Vec<&str> = found.failed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(failed, ["../x", "a/../../x"]);
        assert!(found.failed[0].1.contains("leads out of the archive"));
    }

    #[test]
    fn a_tar_archive_that_is_cut_anywhere_gives_what_is_whole_and_says_so() {
        let members = [member(b'0', b"a", b"one\n"), member(b'0', b"b", &[b'x'; 700])].concat();
        let content = [&members[..], &END].concat();
        for end in BLOCK..=members.len() {
            let (found, walked) = tar(&content[..end], 1 << 20);
            assert_eq!(walked.unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{end}");
            assert_eq!(
                found.members.first().is_some_and(|(_, text)| text == "one\n"),
                end >= BLOCK + 4,
                "{end}"
            );
            assert_eq!(found.failed, []);
        }
        let mut damaged = content.clone();
        damaged[2 * BLOCK + 1] ^= 1;
        let (found, walked) = tar(&damaged, 1 << 20);
        assert!(is_damage(&walked.unwrap_err()));
        assert_eq!(found.names(), ["a"]);
    }

    #[test]
    fn an_archive_that_unpacks_to_more_than_it_may_ends_with_a_reason() {
        let content =
            [member(b'0', b"a", b"one\n"), member(b'0', b"bomb", &[b' '; 1 << 20]), END.into()].concat();
        let (found, walked) = tar(&content, 100_000);
        let error = walked.unwrap_err();
        assert!(error.to_string().contains("unpacks to more than 2000 times its size"), "{error}");
        assert_eq!(found.members[0], pair("a", "one\n"));
        assert!(!is_damage(&error));
        let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["a", "bomb", "c"] {
            packed.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            packed.write_all(&vec![b' '; 60_000]).unwrap();
        }
        let mut found = Found::default();
        let walked = walk_zip(packed.finish().unwrap(), &Limit(Rc::new(Cell::new(100_000))), &mut found);
        assert!(walked.unwrap_err().to_string().contains("unpacks to more than"));
        assert_eq!(found.names(), ["a", "bomb"]);
        assert_eq!(found.failed, []);
    }

    #[test]
    fn what_a_tar_archive_says_of_a_member_does_not_fill_the_memory() {
        let mut header = Header::new_gnu();
        header.set_path("x").unwrap();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 40);
        header.set_cksum();
        let endless = header.as_bytes().chain(io::repeat(b'x'));
        let error = walk_tar(endless, &Limit::of(None), &mut Found::default()).unwrap_err();
        assert!(error.to_string().contains("1099511627776 bytes"), "{error}");
    }

    #[test]
    fn a_million_members_end_with_a_reason() {
        let empty = member(b'5', b"folder/", b"");
        /// Gives the same bytes for ever.
        struct Again(Vec<u8>, usize);
        impl Read for Again {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let read = (&self.0[self.1..]).read(buffer)?;
                self.1 = (self.1 + read) % self.0.len();
                Ok(read)
            }
        }
        let error = walk_tar(Again(empty, 0), &Limit::of(None), &mut Found::default()).unwrap_err();
        assert!(error.to_string().contains("more than 250000 members"), "{error}");
        let directory = b"PK\x01\x02".repeat(300_000);
        let zip = [b"PK\x03\x04".as_slice(), b"x", &directory].concat();
        let error = walk_zip(Cursor::new(zip), &Limit::of(None), &mut Found::default()).unwrap_err();
        assert!(error.to_string().contains("more than 250000 members"), "{error}");
    }

    #[test]
    fn lines_and_pictures_are_no_tar_archives() {
        for content in [vec![b'x'; 600], vec![0; 600], b"a\n".repeat(300), Vec::new()] {
            assert!(!is_tar(&content));
            let mut all = Vec::new();
            Begun::new(content.as_slice()).read_to_end(&mut all).unwrap();
            assert_eq!(all, content);
        }
    }
}
