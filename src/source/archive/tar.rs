//! Tar archives.

use std::io::{self, Read};

use tar::Header;

use super::names::MemberNames;
use super::{MAX_MEMBERS, SizeLimit, SizeLimited, Visitor, too_many_members};
use crate::source::body::damaged;

/// Bytes of a tar block: a header is one block, and a content is padded to whole blocks.
pub(crate) const TAR_BLOCK_BYTES: usize = 512;
/// Bytes of the largest extension header: attributes of a member that do not fit into its header.
const MAX_EXTENSION_BYTES: u64 = 64 << 10;

/// Whether the first block of a content is a tar header with a valid checksum.
pub(crate) fn is_tar(first: &[u8]) -> bool {
    first.first_chunk().is_some_and(is_header)
}

fn is_header(block: &[u8; TAR_BLOCK_BYTES]) -> bool {
    // The checksum is the sum of all bytes, with spaces in place of the checksum itself.
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let expected = sum(block) - sum(&block[CHECKSUM]) + 8 * u32::from(b' ');
    block[0] != 0 && Header::from_byte_slice(block).cksum().is_ok_and(|checksum| checksum == expected)
}

/// Visits the members of a tar archive.
/// Fails if the archive cannot be read to its end, or a limit is reached. Members visited before stay valid unless the
/// archive is damaged ([`is_damage`](crate::source::body::is_damage)).
pub(crate) fn visit_tar(reader: impl Read, limit: &SizeLimit, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut tar = TarReader { inner: SizeLimited::new(reader, limit), error: None };
    let mut names = MemberNames::default();
    let mut extensions = Extensions::default();
    let (mut headers, mut has_ended) = (0, false);
    while let Some(block) = tar.block()? {
        if block.iter().all(|byte| *byte == 0) {
            // The end, unless `cat` has appended another archive.
            has_ended = true;
            continue;
        }
        if !is_header(&block) {
            if has_ended {
                // Continues to read, because the checksum of a compressed archive is at its end.
                while tar.read(&mut [0; 8 << 10])? > 0 {}
                return Ok(());
            }
            return Err(damaged("the tar archive is damaged: a member has no valid header".to_owned()));
        }
        has_ended = false;
        headers += 1;
        if headers > MAX_MEMBERS {
            return Err(too_many_members());
        }
        let header = Header::from_byte_slice(&block);
        if !extensions.read(&mut tar, header)? {
            let member = Member::new(header, std::mem::take(&mut extensions))?;
            if !member.visit(&mut tar, &block, &mut names, visitor)? {
                return Ok(());
            }
        }
    }
    if has_ended { Ok(()) } else { Err(incomplete()) }
}

fn incomplete() -> io::Error {
    let message = "the tar archive ends too early: the file is incomplete; get it again";
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}

fn size_of(header: &Header) -> io::Result<u64> {
    header.entry_size().map_err(|error| damaged(format!("the tar archive is damaged: {error}")))
}

/// Bytes from the end of a content of this size to the next block.
fn padding(size: u64) -> u64 {
    let block = TAR_BLOCK_BYTES as u64;
    (block - size % block) % block
}

/// Reads a tar archive. Errors of the archive are remembered, to distinguish them from those of a member.
struct TarReader<R> {
    inner: SizeLimited<R>,
    error: Option<(io::ErrorKind, String)>,
}

impl<R: Read> TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some((error.kind(), error.to_string()));
                    return Err(error);
                }
                read => return read,
            }
        }
    }

    /// The next block; `None` at the end.
    fn block(&mut self) -> io::Result<Option<[u8; TAR_BLOCK_BYTES]>> {
        let mut block = [0; TAR_BLOCK_BYTES];
        let mut length = 0;
        while length < TAR_BLOCK_BYTES {
            match self.read(&mut block[length..])? {
                0 if length == 0 => return Ok(None),
                0 => return Err(incomplete()),
                read => length += read,
            }
        }
        Ok(Some(block))
    }

    /// Skips the last `left` bytes of a content of `size` bytes, and its padding.
    fn skip_content(&mut self, left: u64, size: u64) -> io::Result<()> {
        let mut left = left.saturating_add(padding(size));
        let mut buffer = [0; 8 << 10];
        while left > 0 {
            let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match self.read(&mut buffer[..length])? {
                0 => return Err(incomplete()),
                read => left -= read as u64,
            }
        }
        Ok(())
    }

    /// Reads the content of an extension header.
    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_EXTENSION_BYTES {
            return Err(damaged(format!(
                "the tar archive is damaged: the extension header of a member has {size} bytes"
            )));
        }
        let mut bytes = Vec::new();
        Content { tar: self, left: size }.read_to_end(&mut bytes)?;
        self.skip_content(0, size)?;
        Ok(bytes)
    }
}

/// The content of a member.
struct Content<'t, R> {
    tar: &'t mut TarReader<R>,
    left: u64,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if length == 0 {
            return Ok(0);
        }
        let read = self.tar.read(&mut buffer[..length])?;
        if read == 0 {
            let error = incomplete();
            self.tar.error = Some((error.kind(), error.to_string()));
            return Err(error);
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// The attributes of a member in the extension headers before it.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

impl Extensions {
    /// Reads an extension header. Returns `false` if `header` is that of a member.
    fn read<R: Read>(&mut self, tar: &mut TarReader<R>, header: &Header) -> io::Result<bool> {
        let kind = header.entry_type();
        if kind.is_gnu_longname() {
            let mut name = tar.extension(size_of(header)?)?;
            name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
            self.name = Some(name);
        } else if kind.is_pax_local_extensions() {
            let extension = tar.extension(size_of(header)?)?;
            self.add_pax(&extension);
        } else if kind.is_gnu_longlink() || kind.is_pax_global_extensions() {
            let size = size_of(header)?;
            tar.skip_content(size, size)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn add_pax(&mut self, extension: &[u8]) {
        for entry in tar::PaxExtensions::new(extension).flatten() {
            match entry.key_bytes() {
                b"path" => self.name = Some(entry.value_bytes().to_vec()),
                b"size" => self.size = entry.value().ok().and_then(|size| size.parse().ok()),
                key => self.is_sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
    }
}

/// A member whose header was read.
struct Member {
    name: Vec<u8>,
    size: u64,
    is_file: bool,
    is_sparse: bool,
    is_gnu_sparse: bool,
}

impl Member {
    fn new(header: &Header, extensions: Extensions) -> io::Result<Member> {
        let Extensions { name, size, is_sparse } = extensions;
        let kind = header.entry_type();
        let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
        let size = size.map_or_else(|| size_of(header), Ok)?;
        if i64::try_from(size).is_err() {
            return Err(damaged("the tar archive is damaged: a member has an impossible size".to_owned()));
        }
        let is_file = (kind.is_file() || kind.is_contiguous()) && !name.ends_with(b"/");
        let is_gnu_sparse = kind.is_gnu_sparse();
        Ok(Member { name, size, is_file, is_sparse: is_sparse || is_gnu_sparse, is_gnu_sparse })
    }

    /// Visits the member, or skips it. Returns `false` if the visitor ends the visit.
    fn visit<R: Read>(
        &self,
        tar: &mut TarReader<R>,
        header: &[u8; TAR_BLOCK_BYTES],
        names: &mut MemberNames,
        visitor: &mut dyn Visitor,
    ) -> io::Result<bool> {
        let mut left = self.size;
        if self.is_sparse {
            // The map of a sparse file may continue in blocks after its header.
            let mut continues = self.is_gnu_sparse && header[482] == 1;
            while continues {
                continues = tar.block()?.ok_or_else(incomplete)?[504] == 1;
            }
            let reason = io::Error::other("it is a sparse file, which is not supported; unpack it");
            visitor.failed(&String::from_utf8_lossy(&self.name), &reason);
        } else if self.is_file {
            match names.add(&self.name)? {
                Err(reason) => {
                    visitor.failed(&String::from_utf8_lossy(&self.name), &io::Error::other(reason))
                }
                Ok(name) => {
                    let mut content = Content { tar, left };
                    let read = visitor.member(&name, self.size, &mut content);
                    left = content.left;
                    match (read, &tar.error) {
                        (Ok(true), _) => {}
                        (Ok(false), _) => return Ok(false),
                        (Err(_), Some((kind, message))) => {
                            return Err(io::Error::new(*kind, message.clone()));
                        }
                        (Err(error), None) => visitor.failed(&name, &error),
                    }
                }
            }
        }
        tar.skip_content(left, self.size)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Peeked;
    use super::super::testing::{Found, limit};
    use super::*;
    use crate::source::body::is_damage;

    /// A member with this header and content.
    fn member(kind: u8, name: &[u8], content: &[u8]) -> Vec<u8> {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(content.len() as u64);
        header.set_cksum();
        let mut member = [header.as_bytes(), content].concat();
        member.resize(member.len().next_multiple_of(TAR_BLOCK_BYTES), 0);
        member
    }

    const END: [u8; 2 * TAR_BLOCK_BYTES] = [0; 2 * TAR_BLOCK_BYTES];

    fn visit(content: &[u8], bytes: u64) -> (Found, io::Result<()>) {
        let mut found = Found::default();
        let visited = visit_tar(content, &limit(bytes), &mut found);
        (found, visited)
    }

    fn pair(name: &str, content: &str) -> (String, String) {
        (name.to_owned(), content.to_owned())
    }

    #[test]
    fn members_are_visited_with_their_names_and_contents() {
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
            vec![1; TAR_BLOCK_BYTES],
        ]
        .concat();
        assert!(is_tar(&content));
        let (found, visited) = visit(&content, 1 << 20);
        visited.unwrap();
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
    fn member_names_stay_within_the_archive_and_are_unique() {
        let names = ["../x", "a/../../x", "/etc/passwd", "a", "./a", "a (2)", "///", "a/./b"];
        let content: Vec<u8> =
            names.iter().flat_map(|name| member(b'0', name.as_bytes(), b"x")).chain(END).collect();
        let (found, visited) = visit(&content, 1 << 20);
        visited.unwrap();
        assert_eq!(found.names(), ["etc/passwd", "a", "a (2)", "a (2) (2)", "a/b"]);
        let failed: Vec<&str> = found.failed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(failed, ["../x", "a/../../x"]);
        assert!(found.failed[0].1.contains("leads out of the archive"));
    }

    #[test]
    fn a_tar_archive_cut_anywhere_is_incomplete_and_its_whole_members_are_read() {
        let members = [member(b'0', b"a", b"one\n"), member(b'0', b"b", &[b'x'; 700])].concat();
        let content = [&members[..], &END].concat();
        for end in TAR_BLOCK_BYTES..=members.len() {
            let (found, visited) = visit(&content[..end], 1 << 20);
            assert_eq!(visited.unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{end}");
            let is_read = found.members.first().is_some_and(|(_, text)| text == "one\n");
            assert_eq!(is_read, end >= TAR_BLOCK_BYTES + 4, "{end}");
            assert_eq!(found.failed, []);
        }
        let mut damaged = content.clone();
        damaged[2 * TAR_BLOCK_BYTES + 1] ^= 1;
        let (found, visited) = visit(&damaged, 1 << 20);
        assert!(is_damage(&visited.unwrap_err()));
        assert_eq!(found.names(), ["a"]);
    }

    #[test]
    fn a_tar_archive_that_unpacks_to_too_much_is_an_error() {
        let content =
            [member(b'0', b"a", b"one\n"), member(b'0', b"bomb", &[b' '; 1 << 20]), END.into()].concat();
        let (found, visited) = visit(&content, 100_000);
        let error = visited.unwrap_err();
        assert!(error.to_string().contains("unpacks to more than 2000 times its size"), "{error}");
        assert_eq!(found.members[0], pair("a", "one\n"));
        assert!(!is_damage(&error));
    }

    #[test]
    fn an_extension_header_cannot_fill_the_memory() {
        let mut header = Header::new_gnu();
        header.set_path("x").unwrap();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 40);
        header.set_cksum();
        let endless = header.as_bytes().chain(io::repeat(b'x'));
        let no_limit = SizeLimit::for_archive(None);
        let error = visit_tar(endless, &no_limit, &mut Found::default()).unwrap_err();
        assert!(error.to_string().contains("1099511627776 bytes"), "{error}");
    }

    #[test]
    fn a_tar_archive_with_too_many_members_is_an_error() {
        /// Returns the same bytes again and again.
        struct Repeat(Vec<u8>, usize);
        impl Read for Repeat {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let read = (&self.0[self.1..]).read(buffer)?;
                self.1 = (self.1 + read) % self.0.len();
                Ok(read)
            }
        }
        let folders = Repeat(member(b'5', b"folder/", b""), 0);
        let no_limit = SizeLimit::for_archive(None);
        let error = visit_tar(folders, &no_limit, &mut Found::default()).unwrap_err();
        assert!(error.to_string().contains("more than 250000 members"), "{error}");
    }

    #[test]
    fn other_contents_are_not_tar_archives() {
        for content in [vec![b'x'; 600], vec![0; 600], b"a\n".repeat(300), Vec::new()] {
            assert!(!is_tar(&content));
            let mut all = Vec::new();
            Peeked::new(content.as_slice()).read_to_end(&mut all).unwrap();
            assert_eq!(all, content);
        }
    }
}
