//! The writer lock: an advisory lock on a file beside the cache, which names the process that holds it.
//!
//! Only the process that holds the lock deletes the file. After locking a file, a process checks that the path still
//! leads to it. If not, the previous holder has deleted the file, and another process may have created a new one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::paths::{self, FileId, LOCK, OpenedPath, WAL, with_suffix};
use crate::cache::CacheError;

/// Attempts to lock. One fails if the lock file is deleted meanwhile, or its holder has not written its id yet.
const MAX_ATTEMPTS: usize = 100;
/// Pause between attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(1);
/// Content of the lock file, before the id of the process.
const HOLDER_PREFIX: &[u8] = b"process ";
/// Bytes that are read of a lock file: more than a valid one has.
const MAX_CONTENT_BYTES: u64 = 64;

/// The lock. It is released on drop; the system releases it when the process ends in any way.
#[derive(Debug)]
pub(crate) struct WriterLock {
    file: File,
    path: PathBuf,
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // The file is still locked, so no other process holds it.
        if self.is_in_place() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl WriterLock {
    /// Locks a cache. All paths of a cache share one lock.
    /// Fails with [`CacheError::Locked`] if another process has the lock, and with [`CacheError::InTheWay`] if the file
    /// at the path of the lock file is another file, which is not changed.
    pub(crate) fn acquire(cache: &Path) -> Result<WriterLock, CacheError> {
        let path = with_suffix(&paths::resolve(cache), LOCK);
        let failed = |error: std::io::Error| CacheError::ReadOnly {
            path: cache.to_owned(),
            reason: format!("no lock file can be made beside it: {error}"),
        };
        for _ in 0..MAX_ATTEMPTS {
            let mut file = open(&path).map_err(|error| match foreign_reason(&path) {
                Some(reason) => in_the_way(cache, &path, reason),
                None => failed(error),
            })?;
            if !file.metadata().map_err(failed)?.is_file() {
                return Err(in_the_way(cache, &path, "it is not a regular file"));
            }
            let locked = file.try_lock();
            let mut content = Vec::new();
            (&mut file).take(MAX_CONTENT_BYTES).read_to_end(&mut content).map_err(failed)?;
            if !is_lock_content(&content) {
                return Err(in_the_way(cache, &path, "it is not a lock file of Tamarin"));
            }
            match locked {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if content.len() <= HOLDER_PREFIX.len() => {
                    std::thread::sleep(RETRY_PAUSE);
                    continue;
                }
                Err(TryLockError::WouldBlock) => {
                    let holder = String::from_utf8_lossy(content.trim_ascii()).into_owned();
                    return Err(CacheError::Locked { path: cache.to_owned(), holder });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // The previous holder may have deleted the file since it was opened here. Then other processes
            // find another file, or none.
            if FileId::of_open(&file) != FileId::of_entry(&path) {
                continue;
            }
            // Naming the holder is optional: a full disk must not prevent opening the cache.
            let _ = file.set_len(0);
            let _ = file.rewind();
            let _ = write!(file, "process {}", std::process::id());
            return Ok(WriterLock { file, path });
        }
        // The lock file has no id: its holder may have found the disk full.
        let holder = "it could not write its process id".to_owned();
        Err(CacheError::Locked { path: cache.to_owned(), holder })
    }

    /// Whether other processes can find this lock.
    pub(crate) fn is_in_place(&self) -> bool {
        FileId::of_open(&self.file) == FileId::of_entry(&self.path)
    }
}

/// Opens the lock file, and creates it if it is missing. Never follows a symbolic link.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Non-blocking, because the file may be a pipe.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(paths::PRIVATE_FILE).custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

/// Why the file at a path cannot be a lock file; `None` if it can.
fn foreign_reason(path: &Path) -> Option<&'static str> {
    let found = std::fs::symlink_metadata(path).ok()?.file_type();
    match found {
        found if found.is_symlink() => Some("it is a symbolic link"),
        found if found.is_dir() => Some("it is a directory"),
        found if !found.is_file() => Some("it is not a regular file"),
        _ => None,
    }
}

/// Whether a lock file can have this content: nothing, `process N`, or the beginning of that (from a full disk).
fn is_lock_content(content: &[u8]) -> bool {
    match content.strip_prefix(HOLDER_PREFIX) {
        Some(id) => id.len() < 16 && id.trim_ascii_end().iter().all(u8::is_ascii_digit),
        None => HOLDER_PREFIX.starts_with(content),
    }
}

fn in_the_way(cache: &Path, file: &Path, reason: &str) -> CacheError {
    CacheError::InTheWay { path: cache.to_owned(), file: file.to_owned(), reason: reason.to_owned() }
}

/// The cache file that this process writes, with its lock.
#[derive(Debug)]
pub(crate) struct LockedCache {
    pub opened_path: OpenedPath,
    /// The write-ahead log, once it exists.
    log: OnceLock<FileId>,
    lock: WriterLock,
}

impl LockedCache {
    /// Combines an opened cache and its lock.
    pub(crate) fn new(opened_path: OpenedPath, lock: WriterLock) -> LockedCache {
        LockedCache { opened_path, log: OnceLock::new(), lock }
    }

    /// Checks that the path still leads to the file being written, and that other processes can find its lock. Fails
    /// with [`CacheError::Moved`] if not.
    pub(crate) fn check_in_place(&self) -> Result<(), CacheError> {
        if self.opened_path.has_moved() {
            return Err(CacheError::Moved { file: self.opened_path.path.clone() });
        }
        if !self.lock.is_in_place() {
            return Err(CacheError::Moved { file: self.lock.path.clone() });
        }
        if self.log.get().is_none()
            && let Some(log) = FileId::of_entry(&self.log_path())
        {
            let _ = self.log.set(log);
        }
        Ok(())
    }

    fn log_path(&self) -> PathBuf {
        with_suffix(&paths::resolve(&self.opened_path.path), WAL)
    }
}

impl Drop for LockedCache {
    /// If another file replaced this one, renames the log beside it, which does not belong to that file.
    fn drop(&mut self) {
        let log = self.log_path();
        if self.opened_path.is_replaced()
            && self.lock.is_in_place()
            && self.log.get().copied() == FileId::of_entry(&log)
        {
            // An error cannot be reported here; the log stays.
            let _ = paths::rename_journal(&log);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_file_is_not_used_as_a_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("Cargo");
        let lock = folder.path().join("Cargo.lock");
        for content in ["version = 4\n", "process x", "process 12 and more", "p r", &"process 1".repeat(99)] {
            std::fs::write(&lock, content).unwrap();
            let error = WriterLock::acquire(&cache).unwrap_err();
            assert!(matches!(error, CacheError::InTheWay { .. }), "{content}: {error:?}");
            let message = error.to_string();
            assert!(
                message.contains(lock.to_str().unwrap()) && message.contains("it was not changed"),
                "{message}"
            );
            assert_eq!(std::fs::read_to_string(&lock).unwrap(), content);
        }
        for content in ["", "process 7", "process 4194304\n", "proc"] {
            std::fs::write(&lock, content).unwrap();
            drop(WriterLock::acquire(&cache).unwrap());
            assert!(!lock.exists(), "{content}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_a_pipe_or_a_directory_is_not_used_as_a_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious.txt");
        for content in ["my words", ""] {
            std::fs::write(&precious, content).unwrap();
            let cache = folder.path().join(format!("{}.db", content.len()));
            std::os::unix::fs::symlink(&precious, with_suffix(&cache, LOCK)).unwrap();
            let message = WriterLock::acquire(&cache).unwrap_err().to_string();
            assert!(message.contains("symbolic link"), "{message}");
            assert_eq!(std::fs::read_to_string(&precious).unwrap(), content);
            assert!(std::fs::symlink_metadata(with_suffix(&cache, LOCK)).unwrap().is_symlink());
        }
        // A dangling link: no file is created at its target.
        let cache = folder.path().join("dangling.db");
        std::os::unix::fs::symlink("nowhere", with_suffix(&cache, LOCK)).unwrap();
        assert!(WriterLock::acquire(&cache).unwrap_err().to_string().contains("symbolic link"));
        assert!(!folder.path().join("nowhere").exists());

        let cache = folder.path().join("folder.db");
        std::fs::create_dir(with_suffix(&cache, LOCK)).unwrap();
        assert!(WriterLock::acquire(&cache).unwrap_err().to_string().contains("is a directory"));

        let cache = folder.path().join("pipe.db");
        let made = std::process::Command::new("mkfifo").arg(with_suffix(&cache, LOCK)).status().unwrap();
        assert!(made.success());
        assert!(WriterLock::acquire(&cache).unwrap_err().to_string().contains("not a regular file"));
    }

    #[test]
    fn only_one_thread_at_a_time_has_the_lock() {
        use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache.db");
        let (is_locked, count) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while count.load(Ordering::SeqCst) < 2000 {
                        match WriterLock::acquire(&cache) {
                            Ok(lock) => {
                                assert!(!is_locked.swap(true, Ordering::SeqCst), "two threads have the lock");
                                count.fetch_add(1, Ordering::SeqCst);
                                std::thread::yield_now();
                                is_locked.store(false, Ordering::SeqCst);
                                drop(lock);
                            }
                            Err(CacheError::Locked { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the lock file is deleted");
    }

    #[cfg(unix)]
    #[test]
    fn all_paths_of_a_cache_share_one_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("cache.db"), folder.path().join("link.db"));
        std::os::unix::fs::symlink("cache.db", &link).unwrap();
        let inner = folder.path().join("inner");
        std::os::unix::fs::symlink(".", &inner).unwrap();
        // Before the cache is created, and after.
        for _ in 0..2 {
            for (first, second) in [(&file, &link), (&link, &file), (&inner.join("link.db"), &file)] {
                let lock = WriterLock::acquire(first).unwrap();
                let error = WriterLock::acquire(second).unwrap_err();
                assert!(matches!(error, CacheError::Locked { .. }), "{error:?}");
                drop(lock);
            }
            std::fs::write(&file, "").unwrap();
        }
    }
}
