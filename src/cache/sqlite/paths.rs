//! The paths of a cache: the files beside it, whether its path still leads to it, and file modes.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::cache::CacheError;

/// Limit of the symbolic links that are followed; it is that of Linux.
const MAX_LINKS: usize = 40;
/// Suffixes of the files that SQLite puts beside a cache.
pub(crate) const WAL: &str = "-wal";
pub(crate) const ROLLBACK_JOURNAL: &str = "-journal";
pub(crate) const SHARED_MEMORY: &str = "-shm";
/// Suffix of the lock file of a cache.
pub(crate) const LOCK: &str = ".lock";
/// Suffix of a cache that is being created.
pub(crate) const UNFINISHED: &str = ".new";

/// Modes of new files. Logs name people and secrets (presigned URLs), so only the owner may read them.
#[cfg(unix)]
pub(crate) const PRIVATE_FILE: u32 = 0o600;
#[cfg(unix)]
const PRIVATE_FOLDER: u32 = 0o700;

/// Appends a suffix to the name of a file.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Resolves symbolic links, also to a file that does not exist yet. SQLite puts its files beside the result.
pub(crate) fn resolve(path: &Path) -> PathBuf {
    if let Ok(found) = std::fs::canonicalize(path) {
        return found;
    }
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = folder_of(&path).join(target);
    }
    let Some(name) = path.file_name() else { return path };
    match std::fs::canonicalize(folder_of(&path)) {
        Ok(folder) => folder.join(name),
        Err(_) => path,
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates the parent directory of a file, for its owner only.
pub(crate) fn make_folder_of(path: &Path) -> std::io::Result<()> {
    make_folder(folder_of(path))
}

/// Creates a directory for its owner only, unless it exists.
pub fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, PRIVATE_FOLDER);
    builder.create(path)
}

/// Options to create a file for its owner only.
pub(crate) fn private_file() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    options
}

/// Whether there is no file at a path, or an empty one.
/// Fails if that cannot be determined, because a directory on the path cannot be searched.
pub fn is_missing_or_empty(path: &Path) -> Result<bool, CacheError> {
    is_missing(path, std::fs::metadata(path))
}

fn is_missing(path: &Path, found: std::io::Result<std::fs::Metadata>) -> Result<bool, CacheError> {
    use std::io::ErrorKind;
    match found {
        Ok(file) => Ok(file.is_file() && file.len() == 0),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => {
            let reason = match error.kind() {
                ErrorKind::PermissionDenied => {
                    "a directory on its path cannot be searched; check the permissions (chmod, chown)"
                        .to_owned()
                }
                _ => error.to_string(),
            };
            Err(CacheError::Open { path: path.to_owned(), reason })
        }
    }
}

/// Renames a journal to a name that SQLite does not look for. Returns the new name. An empty journal is deleted.
pub(crate) fn rename_journal(log: &Path) -> std::io::Result<Option<PathBuf>> {
    match std::fs::symlink_metadata(log) {
        Err(_) => Ok(None),
        Ok(found) if found.is_file() && found.len() == 0 => std::fs::remove_file(log).map(|()| None),
        Ok(_) => {
            let aside = with_suffix(log, ".old");
            std::fs::rename(log, &aside)?;
            Ok(Some(aside))
        }
    }
}

/// Identifies a file independently of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    /// The id of the file that a path leads to.
    pub(crate) fn of_path(path: &Path) -> Option<FileId> {
        FileId::from(&std::fs::metadata(path).ok()?)
    }

    /// The id of a directory entry: a symbolic link is not followed.
    pub(crate) fn of_entry(path: &Path) -> Option<FileId> {
        FileId::from(&std::fs::symlink_metadata(path).ok()?)
    }

    /// The id of an open file.
    pub(crate) fn of_open(file: &File) -> Option<FileId> {
        FileId::from(&file.metadata().ok()?)
    }

    #[cfg(unix)]
    #[allow(clippy::unnecessary_wraps, reason = "other systems return None")]
    fn from(found: &std::fs::Metadata) -> Option<FileId> {
        use std::os::unix::fs::MetadataExt;
        Some(FileId { device: found.dev(), number: found.ino() })
    }

    /// `None`: other systems do not allow open files to be renamed.
    #[cfg(not(unix))]
    fn from(_: &std::fs::Metadata) -> Option<FileId> {
        Some(FileId { device: 0, number: 0 })
    }
}

/// A path, and the file that it led to when this was made.
#[derive(Clone, Debug)]
pub(crate) struct OpenedPath {
    /// Absolute.
    pub path: PathBuf,
    file: Option<FileId>,
}

impl OpenedPath {
    /// Records the file that a path leads to now.
    pub(crate) fn new(path: &Path) -> OpenedPath {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let file = FileId::of_path(&path);
        OpenedPath { path, file }
    }

    /// Whether the path now leads to another file or to none.
    pub(crate) fn has_moved(&self) -> bool {
        self.file.is_none() || FileId::of_path(&self.path) != self.file
    }

    /// Whether the path now leads to another file.
    pub(crate) fn is_replaced(&self) -> bool {
        self.has_moved() && FileId::of_path(&self.path).is_some()
    }

    /// Refuses a file with hard links: SQLite puts its files beside the name by which it was opened, and a process that
    /// uses another name does not see them. Fails with [`CacheError::ReadOnly`] if it has hard links.
    pub(crate) fn require_single_name(&self) -> Result<(), CacheError> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let names = std::fs::metadata(&self.path).map_or(1, |found| found.nlink());
            if names > 1 {
                return Err(CacheError::ReadOnly {
                    path: self.path.clone(),
                    reason: format!(
                        "it has {names} names, hard links, and is safely written by one only: delete the others, or \
                         make a copy (cp)"
                    ),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_in_an_unsearchable_directory_does_not_count_as_missing() {
        use std::io::{Error, ErrorKind};
        let path = Path::new("/home/ann/cache.db");
        let denied = is_missing(path, Err(Error::from(ErrorKind::PermissionDenied))).unwrap_err().to_string();
        assert!(denied.contains("/home/ann/cache.db") && denied.contains("cannot be searched"), "{denied}");
        assert!(is_missing(path, Err(Error::from(ErrorKind::NotADirectory))).is_err());
        assert!(is_missing(path, Err(Error::from(ErrorKind::NotFound))).unwrap());
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_missing_or_empty(folder.path()).unwrap());
        std::fs::write(folder.path().join("empty"), "").unwrap();
        assert!(is_missing_or_empty(&folder.path().join("empty")).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_missing_file_is_resolved() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("data")).unwrap();
        std::os::unix::fs::symlink("data/cache.db", root.join("one.db")).unwrap();
        std::os::unix::fs::symlink("one.db", root.join("two.db")).unwrap();
        std::os::unix::fs::symlink("circle.db", root.join("circle.db")).unwrap();
        for _ in 0..2 {
            for name in ["one.db", "two.db", "data/cache.db", "data/../one.db"] {
                assert_eq!(resolve(&root.join(name)), root.join("data/cache.db"), "{name}");
            }
            std::fs::write(root.join("data/cache.db"), "").unwrap();
        }
        assert_eq!(resolve(&root.join("circle.db")).file_name().unwrap(), "circle.db");
        assert_eq!(resolve(Path::new("/no/such/place.db")), Path::new("/no/such/place.db"));
    }
}
