//! One process writes: an advisory lock on a file beside the cache, which says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::CacheError;

/// Nobody goes away just now that often.
const ATTEMPTS: usize = 100;

/// Held as long as this lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct WriterLock {
    file: File,
    path: PathBuf,
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // It is still locked: nobody else can have made it theirs.
        if is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl WriterLock {
    /// Takes the lock of a cache.
    ///
    /// # Errors
    /// [`CacheError::Locked`] with the holder, if another process has it.
    pub fn take(cache: &Path) -> Result<WriterLock, CacheError> {
        let path = lock_path(cache);
        let open = |error: std::io::Error| CacheError::ReadOnly {
            path: cache.to_owned(),
            reason: format!("no lock file beside it: {error}"),
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(open)?;
        let mut locked = file.try_lock();
        // The one before may have taken it away between the two: what is locked is not what others find.
        for _ in 0..ATTEMPTS {
            if locked.is_err() || is_at(&file, &path) {
                break;
            }
            file = options.open(&path).map_err(open)?;
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { "which did not say who it is" } else { holder };
                return Err(CacheError::Locked { path: cache.to_owned(), holder: holder.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(open(error)),
        }
        // Who holds it is a courtesy: a full disk must not keep anybody from reading on.
        let _ = file.set_len(0);
        let _ = file.rewind();
        let _ = write!(file, "process {}", std::process::id());
        Ok(WriterLock { file, path })
    }
}

/// Whether an open file is the one at a path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere an open file keeps its name.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

fn lock_path(cache: &Path) -> PathBuf {
    let mut name = cache.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
