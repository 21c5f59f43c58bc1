//! Zip archives.

use std::collections::HashMap;
use std::io::{self, Read, Seek};

use zip::result::ZipError;

use super::names::MemberNames;
use super::zip_directory::hidden_members;
use super::{MAX_MEMBERS, SizeLimit, SizeLimited, Visitor, too_many_members};
use crate::source::body::damaged;

/// Whether a content that begins with these bytes is a zip archive.
pub(crate) fn is_zip(first: &[u8]) -> bool {
    first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06")
}

/// Visits the members of a zip archive.
/// Fails if its directory cannot be read, or a limit is reached.
pub(crate) fn visit_zip<R: Read + Seek>(
    mut reader: R,
    limit: &SizeLimit,
    visitor: &mut dyn Visitor,
) -> io::Result<()> {
    // The library reads the whole directory into memory, so its entries are counted first.
    if has_more_entries(&mut reader, MAX_MEMBERS)? {
        return Err(too_many_members());
    }
    reader.rewind()?;
    let archive = zip::ZipArchive::new(reader).map_err(directory_error)?;
    let (start, offset, distinct) = (archive.central_directory_start(), archive.offset(), archive.len());
    let mut reader = archive.into_inner();
    let hidden = hidden_members(&mut reader, start, offset, distinct)?;
    reader.rewind()?;
    let mut archive = zip::ZipArchive::new(reader).map_err(directory_error)?;
    let mut names = MemberNames::default();
    // The members that share a name with a later one come first, so that the first member of a name has no number.
    if !hidden.is_empty() {
        let decoded = decoded_names(&mut archive);
        let mut reader = archive.into_inner();
        for entry in hidden.iter().filter(|entry| entry.is_file) {
            let utf8 = String::from_utf8_lossy(&entry.name);
            let raw_name = decoded.get(&entry.name).map_or(utf8.as_ref(), String::as_str);
            let is_open = match entry.content(&mut reader) {
                Ok(content) => {
                    visit_member(raw_name, entry.size, MemberContent(content), limit, &mut names, visitor)?
                }
                Err(error) => {
                    visitor.failed(raw_name, &error);
                    true
                }
            };
            if !is_open {
                return Ok(());
            }
        }
        reader.rewind()?;
        archive = zip::ZipArchive::new(reader).map_err(directory_error)?;
    }
    for index in 0..archive.len() {
        let raw_name = archive.name_for_index(index).unwrap_or_default().to_owned();
        let mut member = match archive.by_index(index) {
            Ok(member) => member,
            Err(error) => {
                visitor.failed(&raw_name, &member_error(error));
                continue;
            }
        };
        if !member.is_file() {
            continue;
        }
        let size = member.size();
        let content = MemberContent(&mut member);
        if !visit_member(&raw_name, size, content, limit, &mut names, visitor)? {
            return Ok(());
        }
    }
    Ok(())
}

/// The names that the library decoded from another encoding than UTF-8, by their bytes.
fn decoded_names<R: Read + Seek>(archive: &mut zip::ZipArchive<R>) -> HashMap<Vec<u8>, String> {
    let mut decoded = HashMap::new();
    for index in 0..archive.len() {
        let name = archive.name_for_index(index).unwrap_or_default().to_owned();
        if let Ok(member) = archive.by_index_raw(index)
            && member.name_raw() != name.as_bytes()
        {
            decoded.insert(member.name_raw().to_vec(), name);
        }
    }
    decoded
}

/// Passes a member to the visitor. Returns `false` if it ends the visit.
fn visit_member(
    raw_name: &str,
    size: u64,
    content: impl Read,
    limit: &SizeLimit,
    names: &mut MemberNames,
    visitor: &mut dyn Visitor,
) -> io::Result<bool> {
    match names.add(raw_name.as_bytes())? {
        Err(reason) => visitor.failed(raw_name, &io::Error::other(reason)),
        Ok(name) => match visitor.member(&name, size, &mut SizeLimited::new(content, limit)) {
            Ok(is_open) => return Ok(is_open),
            Err(error) if limit.is_reached() => return Err(error),
            Err(error) => visitor.failed(&name, &error),
        },
    }
    Ok(true)
}

/// Why a member cannot be read that needs a password.
pub(super) const ENCRYPTED: &str = "it is encrypted; unpack it and name its contents";

/// The error for a member that is compressed with a method that is not supported.
pub(super) fn unknown_method(method: u16) -> io::Error {
    let name = match method {
        9 => "Deflate64",
        12 => "bzip2",
        14 => "LZMA",
        93 => "Zstandard",
        95 => "xz",
        _ => "another method than Deflate",
    };
    io::Error::other(format!("it is compressed with {name}, which is not supported; unpack it"))
}

/// The error for an archive whose directory, at its end, cannot be read.
fn directory_error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error)
            if !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
        {
            error
        }
        ZipError::UnsupportedArchive(_) => io::Error::other(
            "the zip archive is a part of several, or of a kind that is not supported; unpack it and name its \
             contents",
        ),
        _ => damaged(
            "the zip archive is damaged or incomplete: the list of its members, at its end, cannot be read; get it \
             again"
                .to_owned(),
        ),
    }
}

/// The error for a member that cannot be opened.
fn member_error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            io::Error::other(ENCRYPTED)
        }
        ZipError::CompressionMethodNotSupported(method) => unknown_method(method),
        error => io::Error::other(format!("it cannot be unpacked: {error}")),
    }
}

/// Whether the directory of a zip archive has more than `limit` entries: counts their signatures.
fn has_more_entries(reader: &mut impl Read, limit: u64) -> io::Result<bool> {
    const SIGNATURE: &[u8] = b"PK\x01\x02";
    let finder = memchr::memmem::Finder::new(SIGNATURE);
    let mut buffer = vec![0; 64 << 10];
    // The end of the previous buffer, which may have the beginning of a signature.
    let mut carried = 0;
    let mut count = 0;
    loop {
        let read = match reader.read(&mut buffer[carried..]) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let length = carried + read;
        count += finder.find_iter(&buffer[..length]).count() as u64;
        if count > limit {
            return Ok(true);
        }
        carried = length.min(SIGNATURE.len() - 1);
        buffer.copy_within(length - carried..length, 0);
    }
}

/// The content of a member. Its errors show whether the member is damaged.
struct MemberContent<R>(R);

impl<R: Read> Read for MemberContent<R> {
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
    use std::io::{Cursor, Write};

    use super::super::testing::{Found, limit};
    use super::*;
    use crate::source::body::is_damage;

    /// An archive of members with these names, whose contents are their positions. The names are all of one length.
    /// `streamed`: the sizes are after the contents, as in an archive that was written to a pipe.
    fn archive_of(names: &[&str], is_stored: bool, streamed: bool) -> Vec<u8> {
        let method =
            if is_stored { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        let mut content = if streamed {
            let mut archive = zip::ZipWriter::new_stream(Vec::new());
            fill(&mut archive, names.len(), options);
            archive.finish().unwrap().into_inner()
        } else {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            fill(&mut archive, names.len(), options);
            archive.finish().unwrap().into_inner()
        };
        // The library writes no two members with one name, so they are renamed.
        for (at, name) in names.iter().enumerate() {
            let unique = unique_name(at).into_bytes();
            for position in 0..content.len() - unique.len() {
                if content[position..].starts_with(&unique) {
                    content[position..position + unique.len()].copy_from_slice(name.as_bytes());
                }
            }
        }
        content
    }

    fn unique_name(at: usize) -> String {
        format!("#{at:02}#.log")
    }

    fn fill<W: Write + Seek>(
        archive: &mut zip::ZipWriter<W>,
        count: usize,
        options: zip::write::SimpleFileOptions,
    ) {
        for at in 0..count {
            archive.start_file(unique_name(at), options).unwrap();
            archive.write_all(format!("content {at}\n").repeat(1000).as_bytes()).unwrap();
        }
    }

    #[test]
    fn of_members_with_one_name_only_the_last_was_read() {
        let names = ["same.log", "once.log", "same.log", "same.log"];
        for (is_stored, streamed) in [(true, false), (false, false), (false, true)] {
            let content = archive_of(&names, is_stored, streamed);
            for before in [0, 100] {
                // A program that unpacks the archive may precede it.
                let content = [vec![b'x'; before], content.clone()].concat();
                let mut found = Found::default();
                visit_zip(Cursor::new(content), &limit(1 << 20), &mut found).unwrap();
                assert_eq!(found.names(), ["same.log", "same.log (2)", "same.log (3)", "once.log"]);
                let first: Vec<&str> =
                    found.members.iter().map(|(_, text)| text.lines().next().unwrap()).collect();
                assert_eq!(first, ["content 0", "content 2", "content 3", "content 1"]);
                assert!(found.members.iter().all(|(_, text)| text.lines().count() == 1000));
                assert_eq!(found.failed, []);
            }
        }
    }

    #[test]
    fn a_hidden_member_with_a_wrong_checksum_is_damaged() {
        let mut content = archive_of(&["same.log", "same.log"], true, false);
        let at = content.windows(9).position(|bytes| bytes == b"content 0").unwrap();
        content[at] = b'X';
        let mut found = Found::default();
        visit_zip(Cursor::new(content), &limit(1 << 20), &mut found).unwrap();
        let error = "the member of the zip archive is damaged: Invalid checksum";
        assert_eq!(found.failed, [("same.log".to_owned(), error.to_owned())]);
    }

    #[test]
    fn a_damaged_end_of_an_archive_was_described_in_jargon() {
        let content = archive_of(&["same.log", "once.log"], false, false);
        let end = content.len() - 22;
        let directory = content.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        let damages: [(usize, &[u8]); 5] = [
            (end, b"XX"),
            (end + 8, b"\xff\x7f"),
            (end + 16, b"\xff\xff\xff\x0f"),
            (end + 20, b"\xff\0"),
            (directory, b"XX"),
        ];
        for (at, bytes) in damages {
            let mut damaged = content.clone();
            damaged[at..at + bytes.len()].copy_from_slice(bytes);
            let mut found = Found::default();
            let error = visit_zip(Cursor::new(damaged), &limit(1 << 20), &mut found).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the zip archive is damaged or incomplete: the list of its members, at its end, cannot be read; get \
                 it again",
                "{at}"
            );
            assert!(is_damage(&error));
        }
        // The end states fewer members than there are.
        let mut fewer = content;
        fewer[end + 8] = 1;
        let error = visit_zip(Cursor::new(fewer), &limit(1 << 20), &mut Found::default()).unwrap_err();
        assert!(error.to_string().contains("another number of members"), "{error}");
    }

    #[test]
    fn a_zip_archive_that_unpacks_to_too_much_is_an_error() {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["a", "bomb", "c"] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&vec![b' '; 60_000]).unwrap();
        }
        let mut found = Found::default();
        let error = visit_zip(archive.finish().unwrap(), &limit(100_000), &mut found).unwrap_err();
        assert!(error.to_string().contains("unpacks to more than"), "{error}");
        assert_eq!(found.names(), ["a", "bomb"]);
        assert_eq!(found.failed, []);
    }

    #[test]
    fn a_zip_archive_with_too_many_members_is_an_error() {
        let directory = b"PK\x01\x02".repeat(300_000);
        let archive = [b"PK\x03\x04".as_slice(), b"x", &directory].concat();
        let no_limit = SizeLimit::for_archive(None);
        let error = visit_zip(Cursor::new(archive), &no_limit, &mut Found::default()).unwrap_err();
        assert!(error.to_string().contains("more than 250000 members"), "{error}");
    }
}
