//! Where log files are: a [`Source`] lists them and fetches them.
//!
//! Here live S3 ([`s3`]) and local files, folders and standard input ([`files`]). The synthetic
//! bucket is `demo`. Bodies are returned as readers of plain text: compression is undone here
//! ([`body`]). Never here: parsing of log lines.

pub mod archive;
pub mod body;
pub mod files;
pub mod foreign;
pub mod s3;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

pub use body::Body;
pub use s3::S3Options;

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

/// What became of log files that were to be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many are gone.
    pub count: u64,
    /// Names of those that are still there, and why.
    pub refused: Vec<(String, String)>,
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
    /// `-` for standard input, `demo:SEED:REQUESTS`.
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

    /// Where the log files really are, if this names the bucket that they are about rather than the place
    /// they are in: what to open instead. Asks the network.
    fn locate(&self) -> BoxFuture<'_, Result<Option<String>, SourceError>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether [`Source::remove`] can delete log files.
    fn can_remove(&self) -> bool {
        false
    }

    /// Deletes log files by name. Only S3 sources do; the caller answers for what they held.
    fn remove<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Removed, SourceError>> {
        let _ = names;
        let message = format!("log files of {} are never deleted, only those in S3", self.uri());
        Box::pin(async move { Err(SourceError::NotASource(message)) })
    }

    /// Whether other programs may be writing to its log files, line by line, while they are read.
    fn may_grow(&self) -> bool {
        false
    }

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

impl SourceError {
    /// What is wrong and what to do, without the name of what it is wrong with.
    pub fn message(&self) -> &str {
        match self {
            SourceError::Local { message, .. } | SourceError::S3 { message, .. } => message,
            SourceError::NotASource(message) => message,
        }
    }
}

/// The source that a SOURCE argument names: `s3://bucket[/prefix]`, a file, a folder, or `-`.
///
/// Nothing is asked of S3 yet: whether the bucket exists shows with the first list.
///
/// # Errors
/// [`SourceError::Local`] if there is no such file or folder, [`SourceError::NotASource`] if the text
/// cannot be a source.
pub fn open(spec: &str, options: &S3Options) -> Result<Arc<dyn Source>, SourceError> {
    let wrong = |message: String| Err(SourceError::NotASource(message));
    if spec.is_empty() {
        return wrong("the source is empty; write s3://bucket[/prefix], a file, a folder or -".to_owned());
    }
    if spec == "-" {
        return Ok(Arc::new(files::StandardInput::new()?));
    }
    if spec.starts_with("s3://") {
        return Ok(Arc::new(s3::S3Source::new(spec, options.clone())?));
    }
    // A file of such a name can still be given as ./NAME.
    let start = |text: &str| spec.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    if start("s3:") {
        let rest = spec[3..].trim_start_matches('/');
        return wrong(format!("`{}` is no source; did you mean s3://{}?", shown(spec), shown(rest)));
    }
    if let Some(rest) = spec.strip_prefix("arn:aws:s3:::") {
        return wrong(format!("`{}` is no source; did you mean s3://{}?", shown(spec), shown(rest)));
    }
    if start("file://") {
        return wrong(format!("`{}` is no source; write the path: {}", shown(spec), shown(&spec[7..])));
    }
    if let Some((scheme, _)) = spec.split_once("://")
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    {
        return wrong(format!(
            "{scheme}://… is no source; write s3://bucket[/prefix], and for another server than Amazon's \
             --endpoint-url {scheme}://HOST"
        ));
    }
    Ok(Arc::new(files::FileSource::new(&files::path_of(spec))?))
}

/// A SOURCE argument as it may be shown: `…` in place of a user and password.
pub fn shown(spec: &str) -> String {
    match spec.rsplit_once('@') {
        Some((before, after)) if before.contains([':', '/']) => format!("…@{after}"),
        _ => spec.to_owned(),
    }
}

/// The text of a SOURCE argument. A path need not be text: bytes that are none are `\xNN`, which [`open`] reads.
pub fn text_of(argument: &std::ffi::OsStr) -> String {
    argument.to_str().map_or_else(|| files::text(Path::new(argument)), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(spec: &str) -> String {
        open(spec, &S3Options::default()).err().unwrap().to_string()
    }

    #[test]
    fn what_a_source_can_be() {
        let uri = |spec: &str| open(spec, &S3Options::default()).unwrap().uri().to_owned();
        assert_eq!(uri("s3://acme-logs/media/"), "s3://acme-logs/media/");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.log");
        std::fs::write(&file, "x").unwrap();
        let absolute = folder.path().canonicalize().unwrap();
        assert_eq!(uri(folder.path().to_str().unwrap()), absolute.to_str().unwrap());
        assert_eq!(uri(file.to_str().unwrap()), absolute.join("a.log").to_str().unwrap());
    }

    #[test]
    fn what_is_no_source_says_what_would_be() {
        assert!(error("s3:/acme-logs/x").contains("did you mean s3://acme-logs/x?"));
        assert!(error("S3://acme-logs").contains("did you mean s3://acme-logs?"));
        assert!(error("s3:acme-logs").contains("did you mean s3://acme-logs?"));
        assert!(error("arn:aws:s3:::acme-logs/x").contains("did you mean s3://acme-logs/x?"));
        assert!(error("s3://").contains("names no bucket"));
        assert!(error("https://user:secret@example.com/x").contains("--endpoint-url https://HOST"));
        assert!(!error("https://user:secret@example.com/x").contains("secret"));
        for spec in
            ["s3:/AKIA:SECRET@b", "S3://AKIA:SECRET@b/x", "arn:aws:s3:::AKIA:SECRET@b", "file://u:SECRET@h/x"]
        {
            assert!(!error(spec).contains("SECRET"), "{}", error(spec));
        }
        assert!(error("file:///var/log/x").contains("write the path: /var/log/x"));
        assert!(error("/no/such/file").contains("no such file or folder"));
        assert!(error("").contains("is empty"));
    }
}
