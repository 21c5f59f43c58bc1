//! The errors of the cache.

use std::path::{Path, PathBuf};

use crate::cache::column::Damage;

/// Why the cache could not be opened, read or written. The message states what the user can do. `reason` is the error
/// of the system or of SQLite, or describes what a file is instead of a cache.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "every variant names the path of the cache or of a file beside it")]
pub enum CacheError {
    /// The path is a directory, its parent directory does not exist, or the process may not open it.
    #[error("cannot open the cache {}: {reason}; use another file with --cache FILE", path.display())]
    Open { path: PathBuf, reason: String },
    /// The file is not a Tamarin cache. It was not changed.
    #[error("{} is not a Tamarin cache ({reason}); it was not changed; use another file with --cache FILE", path.display())]
    NotOurs { path: PathBuf, reason: String },
    /// Another version of Tamarin wrote the cache.
    #[error(
        "the cache {} has format {found}, this Tamarin reads format {known}; {}, or use another file with --cache FILE", path.display(), version_advice(*found, *known)
    )]
    Version { path: PathBuf, found: i64, known: i64 },
    /// Another process writes to the cache.
    #[error("the cache {} is being written by another Tamarin ({holder}); wait for it, or use another file with --cache FILE", path.display())]
    Locked { path: PathBuf, holder: String },
    /// Another file is at the path of a file that Tamarin creates beside a cache. It was not changed.
    #[error(
        "the cache {} cannot be written: {} is in the way ({reason}); it was not changed; move it away, or use another file with --cache FILE", path.display(), file.display()
    )]
    InTheWay { path: PathBuf, file: PathBuf, reason: String },
    /// The cache, or its lock file, was moved, deleted or replaced while it was in use.
    #[error(
        "{} was moved, deleted or replaced while the cache was in use: the last changes are lost; run again, and leave it in place meanwhile", file.display()
    )]
    Moved { file: PathBuf },
    /// The content is damaged.
    #[error("the cache {} is damaged ({reason}); `tamarin sources check` lists all problems; move it away and pull again, or use another file with --cache FILE", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// The disk is full. What was committed stays.
    #[error("no space left for the cache {}; free some space and run again: Tamarin continues where it stopped", path.display())]
    Full { path: PathBuf },
    /// The system refuses to write, for example because of a limit other than the size of the disk. Some systems report
    /// that like a failing disk.
    #[error(
        "the system refuses to write to the cache {} ({reason}): its disk may be full or failing, or the file larger than allowed (ulimit -f, a quota); free some space and run again: Tamarin continues where it stopped", path.display()
    )]
    Unwritable { path: PathBuf, reason: String },
    /// The cache can be read but not written.
    #[error("the cache {} cannot be written ({reason}); use another file with --cache FILE", path.display())]
    ReadOnly { path: PathBuf, reason: String },
    /// Any other error of SQLite.
    #[error("the cache {}: {source}", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    /// The caller cancelled the read.
    #[error("cancelled")]
    Cancelled,
}

/// Why something could not be read or written, without the path of the cache.
#[derive(Debug)]
pub(super) enum StoreError {
    Sqlite(rusqlite::Error),
    /// The stored bytes differ from those that were written. The place is `None` until it is known.
    Damage {
        place: Option<String>,
        damage: Damage,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Sqlite(error)
    }
}

impl From<Damage> for StoreError {
    fn from(damage: Damage) -> Self {
        StoreError::Damage { place: None, damage }
    }
}

impl StoreError {
    /// Adds the place of the damage, unless it is known already.
    pub(super) fn at(self, place: impl std::fmt::Display) -> StoreError {
        match self {
            StoreError::Damage { place: None, damage } => {
                StoreError::Damage { place: Some(place.to_string()), damage }
            }
            other => other,
        }
    }

    /// Adds the path of the cache.
    pub(super) fn of(self, path: &Path) -> CacheError {
        match self {
            StoreError::Sqlite(error) => CacheError::sqlite(path, error),
            StoreError::Damage { place: Some(place), damage } => CacheError::damaged(path, place, damage),
            StoreError::Damage { place: None, damage } => {
                CacheError::Damaged { path: path.to_owned(), reason: damage.to_string() }
            }
        }
    }
}

/// Error codes of SQLite for failed writes.
const WRITING_FAILED: [i32; 6] = [
    rusqlite::ffi::SQLITE_IOERR_WRITE,
    rusqlite::ffi::SQLITE_IOERR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_TRUNCATE,
    rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
    rusqlite::ffi::SQLITE_IOERR_SHMMAP,
];

impl CacheError {
    /// Classifies an error of SQLite by what a user can do about it.
    pub(crate) fn sqlite(path: &Path, source: rusqlite::Error) -> CacheError {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        // The statements are constant, so a mismatch is in the tables. (SQLite's message quotes the whole statement.)
        let mismatch = match &source {
            rusqlite::Error::SqlInputError { msg, .. } => Some(msg.clone()),
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::QueryReturnedNoRows => Some(source.to_string()),
            _ => None,
        };
        if let Some(reason) = mismatch {
            return CacheError::Damaged { path, reason: one_line(&reason) };
        }
        let reason = one_line(&source.to_string());
        let extended = source.sqlite_error().map(|error| error.extended_code);
        if extended == Some(rusqlite::ffi::SQLITE_READONLY_DBMOVED) {
            return CacheError::Moved { file: path };
        }
        if extended.is_some_and(|code| WRITING_FAILED.contains(&code)) {
            return CacheError::Unwritable { path, reason };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                CacheError::NotOurs { path, reason: "it is not an SQLite database".to_owned() }
            }
            Some(ErrorCode::DatabaseCorrupt) => CacheError::Damaged { path, reason },
            Some(ErrorCode::DiskFull) => CacheError::Full { path },
            Some(ErrorCode::CannotOpen) => CacheError::Open { path, reason },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => CacheError::ReadOnly { path, reason },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                CacheError::Locked { path, holder: "it holds SQLite's lock".to_owned() }
            }
            _ => CacheError::Sqlite { path, source },
        }
    }

    /// Damage at a place.
    pub(crate) fn damaged(path: &Path, place: impl std::fmt::Display, damage: Damage) -> CacheError {
        CacheError::Damaged { path: path.to_owned(), reason: format!("{place}: {damage}") }
    }
}

/// What to do about a cache of another version.
fn version_advice(found: i64, known: i64) -> &'static str {
    if found > known {
        "use a newer Tamarin"
    } else {
        "an older Tamarin wrote it; move it away and pull again"
    }
}

/// Removes line breaks: SQLite's messages quote statements.
fn one_line(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}
