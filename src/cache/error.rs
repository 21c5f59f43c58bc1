//! What can go wrong with a cache.

use std::path::PathBuf;

use crate::cache::column::Damage;

/// Why the cache could not be opened, read or written. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The caller cancelled what it waited for.
    #[error("cancelled")]
    Cancelled,
    /// The path is a directory, lies in no directory, or may not be opened.
    #[error("cannot open the cache {}: {reason}; name another with --cache FILE", path.display())]
    Open {
        /// The cache.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is no Tamarin cache. It is left as it was.
    #[error("{} is not a Tamarin cache ({reason}); it was left as it was; name another file with --cache FILE", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// Written by another version of Tamarin.
    #[error(
        "the cache {} has format {found}, this Tamarin reads format {known}; {}, or use another file with --cache FILE", path.display(), way_out(*found, *known)
    )]
    Version {
        /// The cache.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The format that this program reads.
        known: i64,
    },
    /// Another process writes to it.
    #[error("the cache {} is being written by another Tamarin ({holder}); wait for it, or use another file with --cache FILE", path.display())]
    Locked {
        /// The cache.
        path: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// A file that Tamarin puts beside a cache is something else. It is left as it was.
    #[error(
        "the cache {} cannot be written: {} is in the way ({reason}); it was left as it was: move it away, or use another file with --cache FILE", path.display(), file.display()
    )]
    InTheWay {
        /// The cache.
        path: PathBuf,
        /// The file beside it.
        file: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The cache, or its lock file, was moved, deleted or replaced under the process that uses it.
    #[error(
        "{} was moved, deleted or replaced while the cache was in use: what was last written is not there; run again, and leave it in place meanwhile", file.display()
    )]
    Moved {
        /// The cache or its lock file.
        file: PathBuf,
    },
    /// What is stored makes no sense.
    #[error("the cache {} is damaged ({reason}); `tamarin sources check` tells all that is wrong: move it away and pull again, or use another file with --cache FILE", path.display())]
    Damaged {
        /// The cache.
        path: PathBuf,
        /// Where and how.
        reason: String,
    },
    /// No room left. What was committed stays whole.
    #[error("no room left for the cache {}; free some space and run again: it carries on where it stopped", path.display())]
    Full {
        /// The cache.
        path: PathBuf,
    },
    /// The system refuses to write more: perhaps a limit other than the size of the disk, which some
    /// systems do not tell from a disk that fails.
    #[error(
        "the system writes no more to the cache {} ({reason}): its disk may be full or failing, or the file larger than allowed (ulimit -f, a quota); make room and run again: it carries on where it stopped", path.display()
    )]
    Unwritable {
        /// The cache.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// It may be read but not written.
    #[error("the cache {} cannot be written ({reason}); use another file with --cache FILE", path.display())]
    ReadOnly {
        /// The cache.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Anything else SQLite says.
    #[error("the cache {}: {source}", path.display())]
    Sqlite {
        /// The cache.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// Why something could not be read or written, where the path of the cache is not known.
#[derive(Debug)]
pub enum StoreError {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// What is stored is not what was written.
    Damage {
        /// Where, if that is known.
        place: Option<String>,
        /// What is wrong.
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
    /// Says where the damage is, unless that is known already.
    pub fn at(self, place: impl std::fmt::Display) -> StoreError {
        match self {
            StoreError::Damage { place: None, damage } => {
                StoreError::Damage { place: Some(place.to_string()), damage }
            }
            other => other,
        }
    }

    /// The error of the cache at a path.
    pub fn of(self, path: &std::path::Path) -> CacheError {
        match self {
            StoreError::Sqlite(error) => CacheError::sqlite(path, error),
            StoreError::Damage { place: Some(place), damage } => CacheError::damaged(path, place, damage),
            StoreError::Damage { place: None, damage } => {
                CacheError::Damaged { path: path.to_owned(), reason: damage.to_string() }
            }
        }
    }
}

/// What SQLite says when the system did not write.
const WRITING_FAILED: [i32; 6] = [
    rusqlite::ffi::SQLITE_IOERR_WRITE,
    rusqlite::ffi::SQLITE_IOERR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_TRUNCATE,
    rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
    rusqlite::ffi::SQLITE_IOERR_SHMMAP,
];

impl CacheError {
    /// Gives what SQLite says a name that a person can act on.
    pub(crate) fn sqlite(path: &std::path::Path, source: rusqlite::Error) -> CacheError {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        // The questions are always the same: what does not fit them is what is stored. (Told as it is, it
        // would print a whole question.)
        let misfit = match &source {
            rusqlite::Error::SqlInputError { msg, .. } => Some(msg.clone()),
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::QueryReturnedNoRows => Some(source.to_string()),
            _ => None,
        };
        if let Some(reason) = misfit {
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
                CacheError::NotOurs { path, reason: "no SQLite database".to_owned() }
            }
            Some(ErrorCode::DatabaseCorrupt) => CacheError::Damaged { path, reason },
            Some(ErrorCode::DiskFull) => CacheError::Full { path },
            Some(ErrorCode::CannotOpen) => CacheError::Open { path, reason },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => CacheError::ReadOnly { path, reason },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                CacheError::Locked { path, holder: "it holds SQLite's own lock".to_owned() }
            }
            _ => CacheError::Sqlite { path, source },
        }
    }

    /// A column that makes no sense.
    pub(crate) fn damaged(
        path: &std::path::Path,
        place: impl std::fmt::Display,
        damage: Damage,
    ) -> CacheError {
        CacheError::Damaged { path: path.to_owned(), reason: format!("{place}: {damage}") }
    }
}

/// What to do with a cache of another version.
fn way_out(found: i64, known: i64) -> &'static str {
    if found > known {
        "use a newer Tamarin"
    } else {
        "an older Tamarin wrote it: move it away and pull again"
    }
}

/// SQLite prints statements as they were written.
fn one_line(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}
