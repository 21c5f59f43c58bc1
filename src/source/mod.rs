//! Sources of log files. A [`Source`] lists log files and fetches them.
//!
//! The sources are S3 ([`s3`]), log groups of CloudWatch Logs ([`cloudwatch`]), and local files, folders and standard input
//! ([`files`]); the demo is a module of its own.
//! [`body`] decompresses contents, [`archive`] reads archives, and [`foreign`] recognizes files of other kinds. Never
//! here: parsing of log lines.

pub mod archive;
pub mod body;
pub mod cloudwatch;
pub mod files;
pub mod foreign;
pub mod s3;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::mpsc;

pub use body::Body;
pub use s3::S3Options;

/// A log file of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its name, unique within the source: the S3 key, the path below the folder, or a range of time of a log group.
    pub name: String,
    /// Stored bytes, before decompression, if known.
    pub size: Option<u64>,
    /// Identifies the content: the ETag, size and modification time of a local file, or the time at which the events of
    /// a log group are read. `None` if the content can be read only once (standard input).
    pub version: Option<String>,
}

/// A log file that the catalogue has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name.
    pub name: String,
    /// The version that was read.
    pub version: Option<String>,
    /// Whether it was read to its end.
    pub is_whole: bool,
}

/// Where the log files of a logged bucket are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The source to open.
    pub uri: String,
    /// Other places with the same requests: sources, or ARNs of what is not a source.
    pub also: Vec<String>,
}

/// The result of deleting log files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The number of deleted log files.
    pub count: u64,
    /// Names of the log files that were not deleted, and why.
    pub refused: Vec<(String, String)>,
}

/// A time range, in seconds since the epoch. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first second of the range.
    pub since: Option<i64>,
    /// The first second after the range.
    pub until: Option<i64>,
}

/// A place with log files.
pub trait Source: Send + Sync {
    /// The name of the source in the cache: `s3://bucket/prefix`, `cloudwatch:LOG-GROUP`, an absolute path, `-` for standard
    /// input, or `demo:SEED:REQUESTS`.
    fn uri(&self) -> &str;

    /// Sends all log files that may have requests of `window`, in pages, in any order. Ends early without an error if
    /// the receiver is dropped.
    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>>;

    /// Whether what is to be listed depends on the log files that the catalogue has.
    fn depends_on_known_files(&self) -> bool {
        false
    }

    /// Like [`Source::list`], but may leave out what `known`, the log files that the catalogue has, shows to be read already.
    fn list_unread(
        &self,
        window: Window,
        known: Vec<KnownFile>,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        let _ = known;
        self.list(window, pages)
    }

    /// Fetches a log file. The content of a remote file is complete and verified.
    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>>;

    /// The source to open instead, if this one is a bucket whose log files are delivered to another place. Uses the
    /// network.
    fn locate(&self) -> BoxFuture<'_, Result<Option<Located>, SourceError>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether [`Source::remove`] can delete log files.
    fn can_remove(&self) -> bool {
        false
    }

    /// Deletes log files by name. Only S3 sources can. The caller makes sure that the cache has their requests.
    fn remove<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Removed, SourceError>> {
        let _ = names;
        let message = format!("{}: only log files in S3 can be deleted", self.uri());
        Box::pin(async move { Err(SourceError::NotASource(message)) })
    }

    /// Whether other programs may append lines to its log files while they are read.
    fn may_grow(&self) -> bool {
        false
    }

    /// The number of fetches to run at a time.
    fn concurrency(&self) -> usize {
        64
    }

    /// How many of the [`Source::concurrency`] the fetch of a log file of `size` bytes counts for.
    fn weight(&self, size: Option<u64>) -> u32 {
        let _ = size;
        1
    }
}

/// An error of a source. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A local file or folder cannot be read.
    #[error("{}: {message}", path.display())]
    Local {
        /// The path as the user gave it, or as it was listed.
        path: PathBuf,
        /// What is wrong and what to do.
        message: String,
    },
    /// S3 returned an error or could not be reached. The message contains no credentials.
    #[error("{uri}: {message}")]
    S3 {
        /// `s3://bucket/key` of the request.
        uri: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// CloudWatch Logs returned an error or could not be reached. The message contains no credentials.
    #[error("{uri}: {message}")]
    CloudWatch {
        /// The source, or the log file of the request.
        uri: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The argument is not a valid source.
    #[error("{0}")]
    NotASource(String),
}

impl SourceError {
    /// The message without the name of the source or log file.
    pub fn message(&self) -> &str {
        match self {
            SourceError::Local { message, .. }
            | SourceError::S3 { message, .. }
            | SourceError::CloudWatch { message, .. } => message,
            SourceError::NotASource(message) => message,
        }
    }
}

/// Opens the source that a SOURCE argument names: `s3://bucket[/prefix]`, `cloudwatch:LOG-GROUP`, `cloudwatch:s3://bucket`, a
/// file, a folder, or `-`.
///
/// Sends no request: the first listing shows whether the bucket or log group exists. If [`Source::locate`] returns another
/// source, that one has the log files.
///
/// # Errors
/// [`SourceError::Local`] if there is no such file or folder; [`SourceError::NotASource`] if the argument is not valid.
pub fn open(spec: &str, options: &S3Options) -> Result<Arc<dyn Source>, SourceError> {
    let invalid = |message: String| Err(SourceError::NotASource(message));
    if spec.is_empty() {
        return invalid(
            "the source is empty; write s3://bucket[/prefix], cloudwatch:LOG-GROUP, a file, a folder or -"
                .to_owned(),
        );
    }
    if spec == "-" {
        return Ok(Arc::new(files::StandardInput::new()?));
    }
    if spec.starts_with("s3://") {
        return Ok(Arc::new(s3::S3Source::new(spec, options.clone())?));
    }
    if cloudwatch::is_spec(spec) {
        return cloudwatch::open(spec, options.clone());
    }
    // A file with such a name can be given as ./NAME.
    let start = |text: &str| spec.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    if start("cloudwatch:") {
        let (spec, rest) = (shown(spec), shown(&spec["cloudwatch:".len()..]));
        return invalid(format!("`{spec}` is not a valid source; did you mean cloudwatch:{rest}?"));
    }
    let as_s3 = if start("s3:") { Some(spec[3..].trim_start_matches('/')) } else { None };
    if let Some(rest) = as_s3.or_else(|| spec.strip_prefix("arn:aws:s3:::")) {
        let (spec, rest) = (shown(spec), shown(rest));
        return invalid(format!("`{spec}` is not a valid source; did you mean s3://{rest}?"));
    }
    if start("file://") {
        let (spec, path) = (shown(spec), shown(&spec[7..]));
        return invalid(format!("`{spec}` is not a valid source; write the path: {path}"));
    }
    if let Some((scheme, _)) = spec.split_once("://")
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    {
        return invalid(format!(
            "{scheme}://… is not a valid source; write s3://bucket[/prefix], and add --endpoint-url {scheme}://HOST \
             for a server other than Amazon S3"
        ));
    }
    Ok(Arc::new(files::FileSource::new(&files::path_of(spec))?))
}

/// A SOURCE argument with `…` in place of a user and password.
pub fn shown(spec: &str) -> String {
    match spec.rsplit_once('@') {
        Some((before, after)) if before.contains([':', '/']) => format!("…@{after}"),
        _ => spec.to_owned(),
    }
}

/// The text of a SOURCE argument. Bytes of a path that are not UTF-8 become `\xNN`, which [`open`] accepts.
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
    fn valid_sources() {
        let uri = |spec: &str| open(spec, &S3Options::default()).unwrap().uri().to_owned();
        assert_eq!(uri("s3://acme-logs/media/"), "s3://acme-logs/media/");
        assert_eq!(uri("cloudwatch:/aws/vendedlogs/s3/acme"), "cloudwatch:/aws/vendedlogs/s3/acme");
        let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:acme";
        assert_eq!(uri(arn), format!("cloudwatch:{arn}"));
        assert_eq!(uri(&format!("cloudwatch:{arn}:*")), format!("cloudwatch:{arn}"));
        assert_eq!(uri("cloudwatch:s3://acme/"), "cloudwatch:s3://acme");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.log");
        std::fs::write(&file, "x").unwrap();
        let absolute = folder.path().canonicalize().unwrap();
        assert_eq!(uri(folder.path().to_str().unwrap()), absolute.to_str().unwrap());
        assert_eq!(uri(file.to_str().unwrap()), absolute.join("a.log").to_str().unwrap());
    }

    #[test]
    fn an_invalid_source_is_an_error_that_suggests_a_valid_one() {
        assert!(error("s3:/acme-logs/x").contains("did you mean s3://acme-logs/x?"));
        assert!(error("S3://acme-logs").contains("did you mean s3://acme-logs?"));
        assert!(error("s3:acme-logs").contains("did you mean s3://acme-logs?"));
        assert!(error("arn:aws:s3:::acme-logs/x").contains("did you mean s3://acme-logs/x?"));
        assert!(error("s3://").contains("names no bucket"));
        assert!(error("cloudwatch:").contains("names no log group"));
        assert!(error("CloudWatch:acme").contains("did you mean cloudwatch:acme?"));
        assert!(error("cloudwatch:s3://").contains("names no bucket"));
        assert!(!error("cloudwatch:AKIA:SECRET@x").contains("SECRET"));
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
