//! Caches that are deleted when the command ends: the cache of a pipe, and a cache that stayed empty.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::interrupt::{self, Hook};
use crate::cache::{NewCache, Writer, make_folder};
use crate::config::data_directory;

/// The prefix of the names of temporary folders.
const PREFIX: &str = "standard-input-";

/// A cache for standard input, in a temporary folder of its own.
pub(super) struct TemporaryCache {
    folder: TempDir,
    /// Deletes the folder also if a signal ends the process.
    _before_end: Hook,
    /// Locks the folder while it is in use; `None` where the system cannot lock folders.
    _lock: Option<File>,
}

impl TemporaryCache {
    /// Makes a new folder in the data directory, and deletes the folders that killed processes left there.
    pub(super) fn new() -> anyhow::Result<TemporaryCache> {
        let data = data_directory()?;
        TemporaryCache::in_directory(&data).with_context(|| {
            format!("cannot make a temporary cache in {}; name a cache with --cache FILE", data.display())
        })
    }

    fn in_directory(data: &Path) -> io::Result<TemporaryCache> {
        make_folder(data)?;
        // Locked until the new folder is locked: otherwise another process could delete it as left over.
        let turn = File::open(data).ok().filter(|data| data.lock().is_ok());
        if turn.is_some() {
            delete_left_over(data);
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir_in(data)?;
        let lock = File::open(folder.path()).ok().filter(|folder| folder.try_lock().is_ok());
        drop(turn);
        let path = folder.path().to_owned();
        let before_end = interrupt::before_end(move || drop(std::fs::remove_dir_all(&path)));
        Ok(TemporaryCache { folder, _before_end: before_end, _lock: lock })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("cache.db")
    }
}

/// Deletes the temporary folders that no process has locked.
fn delete_left_over(data: &Path) {
    let Ok(entries) = std::fs::read_dir(data) else { return };
    for entry in entries.flatten() {
        let is_temporary = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_temporary && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
            // A folder that cannot be deleted is tried again by the next command.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Deletes a cache at the end if this command made it and wrote nothing into it.
#[derive(Default)]
pub(super) struct DeleteIfEmpty(Option<NewCache>);

impl DeleteIfEmpty {
    /// Registers the cache of `writer`, if `writer` made it.
    pub(super) fn watch(&mut self, writer: &Writer) {
        if let Some(new_cache) = writer.new_cache() {
            self.0 = Some(new_cache);
        }
    }
}

impl Drop for DeleteIfEmpty {
    fn drop(&mut self) {
        if let Some(new_cache) = &self.0 {
            new_cache.delete_if_empty();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn temporary_caches_are_new_and_private_and_left_over_ones_are_deleted() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("share/tamarin");
        let first = TemporaryCache::in_directory(&data).unwrap();
        for made in [&data, first.folder.path()] {
            assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        std::fs::write(first.path(), "piped").unwrap();
        // As a killed process leaves its folder.
        let left_over = data.join(format!("{PREFIX}left"));
        std::fs::create_dir(&left_over).unwrap();
        std::fs::write(left_over.join("cache.db"), "piped into another process").unwrap();
        // These files are not temporary folders and stay.
        for other in ["cache.db", "standard-input-7.db"] {
            std::fs::write(data.join(other), other).unwrap();
        }

        let second = TemporaryCache::in_directory(&data).unwrap();
        assert!(!left_over.exists());
        assert!(first.path().exists(), "a folder in use stays");
        assert_ne!(first.path(), second.path());
        assert!(!second.path().exists(), "the cache is new");
        drop((first, second));
        let mut names: Vec<_> =
            std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["cache.db", "standard-input-7.db"]);
    }
}
