//! Local sources: a file, a folder, or standard input.
//!
//! A folder is listed recursively in the order of paths, with hidden files but without hidden folders such as `.git`.
//! Symbolic links are followed, except in cycles. Pipes and sockets are left out. Empty files are listed, because they
//! may have had lines before. Unreadable files are listed too: fetching one returns the error, and the others are still
//! read.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use walkdir::WalkDir;

use super::{Body, LogFile, Source, SourceError, Window};
use crate::log::object_name;

/// Names in a page.
const PAGE_FILES: usize = 1000;
/// Size of the largest file that is fetched into memory.
const MAX_IN_MEMORY_BYTES: u64 = 4 << 20;

/// A file or a folder.
#[derive(Debug)]
pub struct FileSource {
    root: Arc<Root>,
}

#[derive(Debug)]
struct Root {
    path: PathBuf,
    uri: String,
    is_folder: bool,
    /// Paths that are not UTF-8, by the names of their log files.
    non_utf8_paths: Mutex<HashMap<String, PathBuf>>,
}

impl FileSource {
    /// The source at a path.
    ///
    /// # Errors
    /// If there is nothing at this path, or its metadata cannot be read.
    pub fn new(path: &Path) -> Result<FileSource, SourceError> {
        let found = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        // A pipe that is given as /dev/fd/N has no canonical path.
        let absolute = match found.is_file() || found.is_dir() {
            true => std::fs::canonicalize(path),
            false => std::path::absolute(path),
        };
        let absolute = absolute.map_err(|error| unreadable(path, &error))?;
        let uri = text(&absolute);
        let root = Root { path: absolute, uri, is_folder: found.is_dir(), non_utf8_paths: Mutex::default() };
        Ok(FileSource { root: Arc::new(root) })
    }
}

impl Source for FileSource {
    fn uri(&self) -> &str {
        &self.root.uri
    }

    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        let root = Arc::clone(&self.root);
        Box::pin(on_blocking_thread(&self.root.path, move || root.list(window, &pages)))
    }

    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        let path = self.root.path_of(&file.name);
        Box::pin(async move { on_blocking_thread(&path.clone(), move || fetch(&path)).await })
    }

    fn may_grow(&self) -> bool {
        true
    }

    fn concurrency(&self) -> usize {
        8
    }
}

/// Runs work that may wait for a disk.
async fn on_blocking_thread<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(SourceError::Local { path: path.to_owned(), message: "reading was cancelled".to_owned() })
    })
}

impl Root {
    fn list(&self, window: Window, pages: &mpsc::Sender<Vec<LogFile>>) -> Result<(), SourceError> {
        if !self.is_folder {
            // A file that the user named is listed, whatever date its name has.
            let found = std::fs::metadata(&self.path).map_err(|error| unreadable(&self.path, &error))?;
            let name = self.path.file_name().map_or_else(|| self.uri.clone(), |name| text(Path::new(name)));
            let _ = pages.blocking_send(vec![log_file(name, Some(&found))]);
            return Ok(());
        }
        let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
        let entries =
            WalkDir::new(&self.path).follow_links(true).sort_by_file_name().into_iter().filter_entry(
                |entry| entry.depth() == 0 || !entry.file_type().is_dir() || !is_hidden(entry.file_name()),
            );
        let mut page = Vec::new();
        for entry in entries {
            let file = match &entry {
                Ok(entry) if !entry.file_type().is_file() => continue,
                Ok(entry) => log_file(self.name_of(entry.path()), entry.metadata().ok().as_ref()),
                // A link to a parent folder, whose files are listed already.
                Err(error) if error.loop_ancestor().is_some() => continue,
                Err(error) => match error.path() {
                    Some(path) if error.depth() > 0 => log_file(self.name_of(path), None),
                    _ => return Err(unreadable_entry(&self.path, error)),
                },
            };
            if object_name::may_hold(&file.name, window.since, window.until, false) {
                page.push(file);
            }
            if page.len() == PAGE_FILES && pages.blocking_send(std::mem::take(&mut page)).is_err() {
                return Ok(());
            }
        }
        if !page.is_empty() {
            let _ = pages.blocking_send(page);
        }
        Ok(())
    }

    /// The name of the log file at a path in this folder.
    fn name_of(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.path).unwrap_or(path);
        let name = text(below);
        if below.to_str() != Some(name.as_str()) {
            self.non_utf8_paths.lock().insert(name.clone(), path.to_owned());
        }
        name
    }

    fn path_of(&self, name: &str) -> PathBuf {
        if !self.is_folder {
            return self.path.clone();
        }
        let non_utf8_paths = self.non_utf8_paths.lock();
        non_utf8_paths.get(name).cloned().unwrap_or_else(|| self.path.join(name))
    }
}

fn log_file(name: String, found: Option<&Metadata>) -> LogFile {
    let Some(found) = found.filter(|found| found.is_file()) else {
        return LogFile { name, size: None, version: None };
    };
    let size = found.len();
    let version = found.modified().ok().map(|modified| {
        let since = match modified.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_nanos().to_string(),
            Err(before) => format!("-{}", before.duration().as_nanos()),
        };
        format!("{size}-{since}")
    });
    LogFile { name, size: Some(size), version }
}

fn fetch(path: &Path) -> Result<Body, SourceError> {
    let failed = |error: io::Error| unreadable(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if found.is_dir() {
        // A folder is listed as a file if it could not be read.
        std::fs::read_dir(path).map_err(failed)?;
        let message = "the folder could not be read before; pull again".to_owned();
        return Err(SourceError::Local { path: path.to_owned(), message });
    }
    if found.is_file() && found.len() <= MAX_IN_MEMORY_BYTES {
        let mut content = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
        file.read_to_end(&mut content).map_err(failed)?;
        return Ok(Body::Bytes(content));
    }
    Ok(if found.is_file() { Body::File(file) } else { Body::Reader(Box::new(file)) })
}

fn unreadable(path: &Path, error: &io::Error) -> SourceError {
    let message = match error.kind() {
        io::ErrorKind::NotFound => {
            "no such file or folder; check the path (a bucket is s3://BUCKET)".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; check its permissions (chmod, chown)".to_owned()
        }
        _ => format!("cannot be read: {error}"),
    };
    SourceError::Local { path: path.to_owned(), message }
}

fn unreadable_entry(path: &Path, error: &walkdir::Error) -> SourceError {
    match error.io_error() {
        Some(error) => unreadable(path, error),
        None => SourceError::Local { path: path.to_owned(), message: format!("cannot be read: {error}") },
    }
}

/// A path as text. Bytes that are not UTF-8 become `\xNN`, and a backslash before `xNN` becomes `\x5c`, so that
/// different paths have different texts.
pub(super) fn text(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' && escaped(&bytes[at..]).is_some() {
                text.push_str("\\x5c");
            } else {
                text.push(c);
            }
            at += c.len_utf8();
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
        at += chunk.invalid().len();
    }
    text
}

/// The byte that `text` begins with in the form `\xNN`.
fn escaped(text: &[u8]) -> Option<u8> {
    match text {
        [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            u8::from_str_radix(std::str::from_utf8(&[*high, *low]).ok()?, 16).ok()
        }
        _ => None,
    }
}

/// The path that `spec` names: the path itself if it exists, otherwise the one whose [`text`] is `spec`.
pub(super) fn path_of(spec: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;

    let literal = PathBuf::from(spec);
    if literal.symlink_metadata().is_ok() {
        return literal;
    }
    let mut bytes = Vec::with_capacity(spec.len());
    let mut rest = spec.as_bytes();
    while let Some(first) = rest.first() {
        let byte = escaped(rest);
        bytes.push(byte.unwrap_or(*first));
        rest = &rest[if byte.is_some() { 4 } else { 1 }..];
    }
    let path = PathBuf::from(std::ffi::OsString::from_vec(bytes));
    if path.symlink_metadata().is_ok() { path } else { literal }
}

/// Standard input: a log file that can be read once.
#[derive(Debug)]
pub struct StandardInput {
    /// Unique for each process, so that the next input does not replace this one in the cache.
    name: String,
    /// A descriptor of its own: the explorer makes the terminal the standard input, to read keys. `None`: it was read.
    input: Mutex<Option<File>>,
}

impl StandardInput {
    /// The source `-`.
    ///
    /// # Errors
    /// If standard input is a terminal, where no log would arrive.
    pub fn new() -> Result<StandardInput, SourceError> {
        if io::stdin().is_terminal() {
            return Err(SourceError::NotASource(
                "`-`: standard input is a terminal; pipe a log into it: zcat LOG.gz | tamarin -".to_owned(),
            ));
        }
        StandardInput::at(jiff::Timestamp::now())
    }

    fn at(time: jiff::Timestamp) -> Result<StandardInput, SourceError> {
        let name = time.strftime("standard input %Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        match io::stdin().as_fd().try_clone_to_owned() {
            Ok(input) => Ok(StandardInput { name, input: Mutex::new(Some(File::from(input))) }),
            Err(error) => {
                Err(SourceError::NotASource(format!("`-`: standard input cannot be read: {error}")))
            }
        }
    }
}

impl Source for StandardInput {
    fn uri(&self) -> &str {
        "-"
    }

    fn list(&self, _: Window, pages: mpsc::Sender<Vec<LogFile>>) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(async move {
            if self.input.lock().is_some() {
                let _ = pages.send(vec![log_file(self.name.clone(), None)]).await;
            }
            Ok(())
        })
    }

    fn fetch<'a>(&'a self, _: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        Box::pin(async move {
            let Some(input) = self.input.lock().take() else {
                let message = "standard input was read already; it can be read only once".to_owned();
                return Err(SourceError::Local { path: PathBuf::from(&self.name), message });
            };
            Ok(Body::Reader(Box::new(input)))
        })
    }

    fn concurrency(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn list(source: &FileSource, window: Window) -> Vec<LogFile> {
        let (pages, mut listed) = mpsc::channel(1);
        let (done, files) = tokio::join!(source.list(window, pages), async {
            let mut files = Vec::new();
            while let Some(page) = listed.recv().await {
                files.extend(page);
            }
            files
        });
        done.unwrap();
        files
    }

    fn names(files: &[LogFile]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    async fn content(source: &FileSource, file: &LogFile) -> Vec<u8> {
        let mut content = Vec::new();
        source.fetch(file).await.unwrap().into_reader().unwrap().read_to_end(&mut content).unwrap();
        content
    }

    #[tokio::test]
    async fn a_folder_is_listed_in_the_order_of_paths_without_hidden_folders() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        put("b/2.log", "two");
        put("b/1.log", "one");
        put("a.log", "a");
        put(".hidden.log", "h");
        put(".git/config", "no log");
        put("empty.log", "");
        let source = FileSource::new(folder.path()).unwrap();
        assert_eq!(source.uri(), folder.path().canonicalize().unwrap().to_str().unwrap());
        let files = list(&source, Window::default()).await;
        assert_eq!(names(&files), [".hidden.log", "a.log", "b/1.log", "b/2.log", "empty.log"]);
        assert_eq!(files[2].size, Some(3));
        assert_eq!(content(&source, &files[3]).await, b"two");
    }

    #[tokio::test]
    async fn the_version_changes_with_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, "one").unwrap();
        let source = FileSource::new(&path).unwrap();
        let before = list(&source, Window::default()).await;
        assert_eq!(before, list(&source, Window::default()).await);
        std::fs::write(&path, "three").unwrap();
        let after = list(&source, Window::default()).await;
        assert_ne!(before[0].version, after[0].version);
        assert_eq!(after[0].name, "a.log");
    }

    #[tokio::test]
    async fn an_empty_folder_lists_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let source = FileSource::new(folder.path()).unwrap();
        assert_eq!(list(&source, Window::default()).await, []);
    }

    #[tokio::test]
    async fn a_window_excludes_files_with_other_dates() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["2026-03-31-23-00-00-AA", "2026-04-01-01-00-00-BB", "2026-05-01-01-00-00-CC", "other.log"]
        {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let at = |text: &str| Some(text.parse::<jiff::Timestamp>().unwrap().as_second());
        let window = Window { since: at("2026-04-01T00:00:00Z"), until: at("2026-04-02T00:00:00Z") };
        let files = list(&FileSource::new(folder.path()).unwrap(), window).await;
        assert_eq!(names(&files), ["2026-04-01-01-00-00-BB", "other.log"]);
    }

    #[tokio::test]
    async fn links_are_followed_except_in_cycles_and_broken_links_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("a.log"), "a").unwrap();
        std::os::unix::fs::symlink(folder.path(), inner.join("cycle")).unwrap();
        std::os::unix::fs::symlink(inner.join("a.log"), folder.path().join("link.log")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("broken.log")).unwrap();
        let source = FileSource::new(folder.path()).unwrap();
        let files = list(&source, Window::default()).await;
        assert_eq!(names(&files), ["broken.log", "inner/a.log", "link.log"]);
        let error = source.fetch(&files[0]).await.err().unwrap().to_string();
        assert!(error.contains("broken.log: no such file or folder"), "{error}");
        assert_eq!(content(&source, &files[2]).await, b"a");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn files_whose_names_are_not_utf8_can_be_fetched() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"a\xff.log");
        std::fs::write(folder.path().join(name), "content").unwrap();
        let source = FileSource::new(folder.path()).unwrap();
        let files = list(&source, Window::default()).await;
        assert_eq!(names(&files), ["a\\xff.log"]);
        assert_eq!(content(&source, &files[0]).await, b"content");
    }

    #[tokio::test]
    async fn each_standard_input_is_a_log_file_of_its_own_that_is_read_once() {
        let name = |microsecond| {
            let second = "2026-11-29T23:40:12Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
            let time = jiff::Timestamp::from_microsecond(second + microsecond).unwrap();
            StandardInput::at(time).unwrap().name
        };
        assert_eq!(name(0), "standard input 2026-11-29T23:40:12.000000Z");
        assert_eq!(name(123_456), "standard input 2026-11-29T23:40:12.123456Z");
        // The name has no date of requests.
        assert_eq!(object_name::NameDate::find(&name(0)), None);

        let source = StandardInput::at(jiff::Timestamp::now()).unwrap();
        let (pages, mut listed) = mpsc::channel(1);
        source.list(Window::default(), pages).await.unwrap();
        let files = listed.recv().await.unwrap();
        assert_eq!((files[0].name.as_str(), &files[0].version), (source.name.as_str(), &None));
        assert!(source.fetch(&files[0]).await.is_ok());
        let error = source.fetch(&files[0]).await.err().unwrap().to_string();
        assert!(error.contains("it can be read only once"), "{error}");
    }

    #[test]
    fn a_missing_path_is_an_error() {
        let error = FileSource::new(Path::new("/no/such/place")).unwrap_err().to_string();
        assert_eq!(error, "/no/such/place: no such file or folder; check the path (a bucket is s3://BUCKET)");
    }
}
