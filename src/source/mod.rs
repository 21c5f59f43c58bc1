//! Where log files are: a [`Source`] lists them and fetches them.
//!
//! Here live S3 ([`s3`]), local files, folders and standard input ([`files`]), and the synthetic
//! bucket ([`demo`]). Bodies come back as readers of plain text: compression is undone here
//! ([`body`]). Never here: parsing of log lines.

pub mod body;
pub mod demo;
pub mod files;
pub mod s3;

use std::path::PathBuf;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

pub use body::Body;

/// One log file that a source has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Name within the source: the S3 key, or the path as given. Unique in the source.
    pub name: String,
    /// Bytes as stored (compressed if the file is), where known.
    pub size: Option<u64>,
    /// Changes when the content does: the ETag, or size and modification time of a local file.
    /// `None`: never the same again (standard input).
    pub version: Option<String>,
}

/// The part of time that is wanted, in seconds since the epoch: `since` included, `until` excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First second wanted.
    pub since: Option<i64>,
    /// First second no longer wanted.
    pub until: Option<i64>,
}

/// A place that log files come from.
pub trait Source: Send + Sync {
    /// The name under which the cache knows this source: `s3://bucket/prefix`, an absolute path,
    /// `-` for standard input, `demo:SEED`.
    fn uri(&self) -> &str;

    /// Sends all log files that may hold requests of the window, in pages, in any order. Ends early,
    /// without an error, when the receiver is gone.
    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>>;

    /// Fetches one log file. A remote file is verified to be whole before it is handed out.
    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>>;

    /// How many fetches run best side by side.
    fn concurrency(&self) -> usize {
        64
    }
}

/// Why a source could not be listed or a log file not be fetched. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A local file or folder cannot be read.
    #[error("{}: {message}", path.display())]
    Local {
        /// The path as the user gave it or as it was found.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// S3 refused or could not be reached. No credentials in here.
    #[error("{uri}: {message}")]
    S3 {
        /// `s3://bucket/key` that was asked for.
        uri: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// Not a source: `SOURCE` is s3://bucket[/prefix], a file, a folder or `-`.
    #[error("{0}")]
    NotASource(String),
}
