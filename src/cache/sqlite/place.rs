//! Where a cache lies: the files beside it, whether its path still leads to it, and the modes of what is made.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::cache::CacheError;

/// Links that are followed from one to the next, as the system does it.
const LINKS: usize = 40;

/// Mode of what is made. Logs name people and secrets (presigned URLs): no one else may read them.
#[cfg(unix)]
pub const PRIVATE_FILE: u32 = 0o600;
#[cfg(unix)]
const PRIVATE_FOLDER: u32 = 0o700;

/// A file of the same name with a suffix.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The file that a path leads to through symbolic links, also if it is not made yet. SQLite puts its files
/// beside that one.
pub fn resolve(path: &Path) -> PathBuf {
    if let Ok(found) = std::fs::canonicalize(path) {
        return found;
    }
    let mut path = path.to_owned();
    for _ in 0..LINKS {
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

/// Makes the folder that a file is to be in; only its owner may look into it.
pub fn make_folder_of(path: &Path) -> std::io::Result<()> {
    make_folder(folder_of(path))
}

/// Makes a folder that only its owner may look into, unless it exists.
pub fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, PRIVATE_FOLDER);
    builder.create(path)
}

/// Options to open a file that only its owner may read, if it is made.
pub fn private_file() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    options
}

/// Whether there is nothing at this path yet: no file, or an empty one.
///
/// # Errors
/// If that cannot be known: a folder on the way may not be looked into.
pub fn is_missing_or_empty(path: &Path) -> Result<bool, CacheError> {
    is_none(path, std::fs::metadata(path))
}

fn is_none(path: &Path, found: std::io::Result<std::fs::Metadata>) -> Result<bool, CacheError> {
    use std::io::ErrorKind;
    match found {
        Ok(file) => Ok(file.is_file() && file.len() == 0),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => {
            let reason = match error.kind() {
                ErrorKind::PermissionDenied => {
                    "a folder on its path may not be looked into, check the permissions (chmod, chown)"
                        .to_owned()
                }
                _ => error.to_string(),
            };
            Err(CacheError::Open { path: path.to_owned(), reason })
        }
    }
}

/// Puts a log of a database aside, as a file that no database takes for its own. Returns its new name; an empty one
/// is deleted.
pub fn put_log_aside(log: &Path) -> std::io::Result<Option<PathBuf>> {
    match std::fs::symlink_metadata(log) {
        Err(_) => Ok(None),
        Ok(found) if found.is_file() && found.len() == 0 => std::fs::remove_file(log).map(|()| None),
        Ok(_) => {
            let aside = beside(log, ".old");
            std::fs::rename(log, &aside)?;
            Ok(Some(aside))
        }
    }
}

/// Tells a file from another, by whichever path it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    /// That of the file that a path leads to.
    pub fn of(path: &Path) -> Option<FileId> {
        FileId::from(&std::fs::metadata(path).ok()?)
    }

    /// The same, without following a link at its end.
    pub fn of_entry(path: &Path) -> Option<FileId> {
        FileId::from(&std::fs::symlink_metadata(path).ok()?)
    }

    /// That of an open file.
    pub fn of_open(file: &File) -> Option<FileId> {
        FileId::from(&file.metadata().ok()?)
    }

    #[cfg(unix)]
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
    fn from(found: &std::fs::Metadata) -> Option<FileId> {
        use std::os::unix::fs::MetadataExt;
        Some(FileId { device: found.dev(), number: found.ino() })
    }

    /// Elsewhere an open file keeps its name.
    #[cfg(not(unix))]
    fn from(_: &std::fs::Metadata) -> Option<FileId> {
        Some(FileId { device: 0, number: 0 })
    }
}

/// A path, and the file that it led to when it was opened.
#[derive(Clone, Debug)]
pub struct Place {
    path: PathBuf,
    file: Option<FileId>,
}

impl Place {
    /// The file that a path leads to now.
    pub fn of(path: &Path) -> Place {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let file = FileId::of(&path);
        Place { path, file }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path leads to another file by now, or to none.
    pub fn has_moved(&self) -> bool {
        self.file.is_none() || FileId::of(&self.path) != self.file
    }

    /// Whether the path leads to another file by now.
    pub fn is_replaced(&self) -> bool {
        self.has_moved() && FileId::of(&self.path).is_some()
    }

    /// Refuses a file that has other names (hard links): SQLite puts its files beside the name by which it was
    /// opened, and a process that opens it by another name does not see them.
    ///
    /// # Errors
    /// [`CacheError::ReadOnly`] if it has.
    pub fn has_one_name(&self) -> Result<(), CacheError> {
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
    fn a_cache_in_a_folder_that_may_not_be_looked_into_is_not_taken_for_none() {
        use std::io::{Error, ErrorKind};
        let path = Path::new("/home/ann/cache.db");
        let denied = is_none(path, Err(Error::from(ErrorKind::PermissionDenied))).unwrap_err().to_string();
        assert!(
            denied.contains("/home/ann/cache.db") && denied.contains("may not be looked into"),
            "{denied}"
        );
        assert!(is_none(path, Err(Error::from(ErrorKind::NotADirectory))).is_err());
        assert!(is_none(path, Err(Error::from(ErrorKind::NotFound))).unwrap());
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_missing_or_empty(folder.path()).unwrap());
        std::fs::write(folder.path().join("empty"), "").unwrap();
        assert!(is_missing_or_empty(&folder.path().join("empty")).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_to_where_its_file_will_be_made() {
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
