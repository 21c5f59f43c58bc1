//! Zip archives.

use std::io::{self, Read, Seek};

use super::names::MemberNames;
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
    let mut archive = zip::ZipArchive::new(reader).map_err(|error| {
        damaged(format!("the zip archive is damaged or incomplete: {error}; get it again"))
    })?;
    let mut names = MemberNames::default();
    for index in 0..archive.len() {
        let raw_name = archive.name_for_index(index).unwrap_or_default().to_owned();
        let mut member = match archive.by_index(index) {
            Ok(member) => member,
            Err(error) => {
                visitor.failed(&raw_name, &io::Error::other(format!("it cannot be unpacked: {error}")));
                continue;
            }
        };
        if !member.is_file() {
            continue;
        }
        let size = member.size();
        let mut content = SizeLimited::new(MemberContent(&mut member), limit);
        match names.add(raw_name.as_bytes())? {
            Err(reason) => visitor.failed(&raw_name, &io::Error::other(reason)),
            Ok(name) => match visitor.member(&name, size, &mut content) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) if limit.is_reached() => return Err(error),
                Err(error) => visitor.failed(&name, &error),
            },
        }
    }
    Ok(())
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
