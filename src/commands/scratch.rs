//! Caches that do not stay: one for what is piped in once, and one that nothing was put into.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::TempDir;

use super::interrupt::{self, Hook};
use crate::cache::{NewCache, Writer, make_folder};
use crate::config::data_directory;

/// What the names of temporary folders begin with.
const PREFIX: &str = "standard-input-";

/// A cache for what is piped in once, in a folder of its own, which is deleted at the end.
pub(super) struct Scratch {
    folder: TempDir,
    /// Deletes it also if a signal ends the process.
    _at_end: Hook,
    /// Locked as long as the folder is in use; a system that locks no folders has none.
    _in_use: Option<File>,
}

impl Scratch {
    /// A fresh one in the data directory. Those that killed processes left there are deleted.
    pub(super) fn new() -> anyhow::Result<Scratch> {
        let data = data_directory()?;
        Scratch::within(&data).with_context(|| {
            format!("no temporary cache can be made in {}; name one with --cache FILE", data.display())
        })
    }

    fn within(data: &Path) -> io::Result<Scratch> {
        make_folder(data)?;
        // Held until the new folder is locked: another process must not take it for one that was left.
        let turn = File::open(data).ok().filter(|data| data.lock().is_ok());
        if turn.is_some() {
            clear_away(data);
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir_in(data)?;
        let in_use = File::open(folder.path()).ok().filter(|folder| folder.try_lock().is_ok());
        drop(turn);
        let path = folder.path().to_owned();
        let at_end = interrupt::before_end(move || drop(std::fs::remove_dir_all(&path)));
        Ok(Scratch { folder, _at_end: at_end, _in_use: in_use })
    }

    /// Where the cache is.
    pub(super) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache.db")
    }
}

/// Deletes the temporary folders that no process uses any more.
fn clear_away(data: &Path) {
    let Ok(entries) = std::fs::read_dir(data) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && entry.file_type().is_ok_and(|found| found.is_dir());
        if is_ours && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
            // What cannot be deleted is tried again next time.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Sees to it that a pull that brought nothing leaves no empty cache.
#[derive(Default)]
pub(super) struct NoEmptyCache(Option<NewCache>);

impl NoEmptyCache {
    /// Has the cache deleted at the end if this writer made it and nothing was put into it.
    pub(super) fn watch(&mut self, writer: &Writer) {
        if let Some(made) = writer.new_cache() {
            self.0 = Some(made);
        }
    }
}

impl Drop for NoEmptyCache {
    fn drop(&mut self) {
        if let Some(made) = &self.0 {
            made.delete_if_empty();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn temporary_caches_are_fresh_and_private_and_those_left_are_deleted() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("share/tamarin");
        let first = Scratch::within(&data).unwrap();
        for made in [&data, first.folder.path()] {
            assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        std::fs::write(first.cache(), "what was piped in").unwrap();
        // As a process leaves it that is killed.
        let left = data.join(format!("{PREFIX}left"));
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("cache.db"), "of another process").unwrap();
        // None of its business.
        for other in ["cache.db", "standard-input-7.db"] {
            std::fs::write(data.join(other), other).unwrap();
        }

        let second = Scratch::within(&data).unwrap();
        assert!(!left.exists());
        assert!(first.cache().exists(), "one that is in use stays");
        assert_ne!(first.cache(), second.cache());
        assert!(!second.cache().exists(), "it is fresh");
        drop((first, second));
        let mut names: Vec<_> =
            std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["cache.db", "standard-input-7.db"]);
    }
}
