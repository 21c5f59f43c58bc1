//! Archives of log files: tar, also compressed, and zip. A [`Visitor`] gets the members one after another.
//!
//! Nothing is unpacked to the disk, so member names are only names. All numbers that an archive states are limited:
//! the number of its members, the lengths of their names, and the bytes that it unpacks to.

mod names;
mod tar;
mod zip;
mod zip_directory;

use std::cell::Cell;
use std::io::{self, Cursor, Read};
use std::rc::Rc;

pub(crate) use self::tar::{TAR_BLOCK_BYTES, is_tar, visit_tar};
pub(crate) use self::zip::{is_zip, visit_zip};

/// Members that an archive may have.
const MAX_MEMBERS: u64 = 250_000;
/// How many times larger than the archive its content may be. Deflate reaches 1,032 at most.
const MAX_EXPANSION: u64 = 2000;
/// Bytes that any archive may unpack to, however small it is.
const MIN_UNPACKED_BYTES: u64 = 128 << 20;

/// Gets the members of an archive.
pub(crate) trait Visitor {
    /// Reads a member with this name and size. Returns `false` to end the visit.
    /// Fails if the member cannot be read. The visit continues with the next one.
    fn member(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<bool>;

    /// Notes a member that cannot be read.
    fn failed(&mut self, name: &str, error: &io::Error);
}

/// How many bytes an archive may still unpack to. Clones share the number.
#[derive(Clone, Debug)]
pub(crate) struct SizeLimit(Rc<Cell<u64>>);

impl SizeLimit {
    /// The limit for an archive of `size` bytes. `None`: an archive of unknown size is read from a pipe and has no
    /// limit.
    pub(crate) fn for_archive(size: Option<u64>) -> SizeLimit {
        let bytes = size
            .map_or(u64::MAX, |size| size.saturating_mul(MAX_EXPANSION).saturating_add(MIN_UNPACKED_BYTES));
        SizeLimit(Rc::new(Cell::new(bytes)))
    }

    fn subtract(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.get().checked_sub(bytes as u64);
        self.0.set(left.unwrap_or(0));
        left.map(drop).ok_or_else(|| {
            io::Error::other(format!(
                "the archive unpacks to more than {MAX_EXPANSION} times its size; if that is right, unpack it and \
                 name the folder"
            ))
        })
    }

    fn is_reached(&self) -> bool {
        self.0.get() == 0
    }
}

/// A reader that fails when the limit is reached.
pub(crate) struct SizeLimited<R> {
    inner: R,
    limit: SizeLimit,
}

impl<R: Read> SizeLimited<R> {
    pub(crate) fn new(inner: R, limit: &SizeLimit) -> SizeLimited<R> {
        SizeLimited { inner, limit: limit.clone() }
    }
}

impl<R: Read> Read for SizeLimited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.limit.subtract(read)?;
        Ok(read)
    }
}

/// A reader whose first bytes were read ahead.
pub(crate) struct Peeked<R> {
    head: Cursor<Vec<u8>>,
    /// The error that ended the reading of `head`.
    error: Option<io::Error>,
    rest: R,
}

impl<R: Read> Peeked<R> {
    /// Reads a tar block ahead, or less if a line ends within it: then it is no tar archive, and may be a pipe
    /// whose next line arrives much later.
    pub(crate) fn new(mut reader: R) -> Peeked<R> {
        let mut head = vec![0; TAR_BLOCK_BYTES];
        let (mut length, mut error) = (0, None);
        while length < TAR_BLOCK_BYTES {
            match reader.read(&mut head[length..]) {
                Ok(0) => break,
                Ok(read) => {
                    let has_line_end = head[length..length + read].contains(&b'\n');
                    length += read;
                    if has_line_end && !is_tar(&head[..length]) {
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
        Peeked { head: Cursor::new(head), error, rest: reader }
    }

    pub(crate) fn head(&self) -> &[u8] {
        self.head.get_ref()
    }
}

impl<R: Read> Read for Peeked<R> {
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

fn too_many_members() -> io::Error {
    io::Error::other(format!(
        "the archive has more than {MAX_MEMBERS} members; unpack it and name the folder"
    ))
}

#[cfg(test)]
mod testing {
    use super::*;

    /// What a visit has found.
    #[derive(Default)]
    pub(super) struct Found {
        /// Names and contents.
        pub(super) members: Vec<(String, String)>,
        /// Names and errors.
        pub(super) failed: Vec<(String, String)>,
    }

    impl Visitor for Found {
        fn member(&mut self, name: &str, _: u64, content: &mut dyn Read) -> io::Result<bool> {
            let mut text = String::new();
            self.members.push((name.to_owned(), String::new()));
            // Leaves most of some members unread.
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
        pub(super) fn names(&self) -> Vec<&str> {
            self.members.iter().map(|(name, _)| name.as_str()).collect()
        }
    }

    /// A limit of this many bytes.
    pub(super) fn limit(bytes: u64) -> SizeLimit {
        SizeLimit(Rc::new(Cell::new(bytes)))
    }
}
