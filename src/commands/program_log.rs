//! The log of the program itself: `tamarin.log` in the state directory (`$XDG_STATE_HOME/tamarin`, by default
//! `~/.local/state/tamarin`).
//!
//! It is off by default. `-v` writes events of level `info`, `-vv` of level `debug`, and the environment variable
//! `TAMARIN_LOG` names a level. Only events of this crate are written: libraries could log headers with credentials.
//! Every event is one line with control characters escaped. The log never contains credentials, and never appears on
//! the screen.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::Mutex;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::Options;
use super::{output, usage};
use crate::cache::make_folder;
use crate::config::state_directory;
use crate::source;

const LEVEL_VARIABLE: &str = "TAMARIN_LOG";
/// A log file of this many bytes is renamed to `tamarin.log.old`, and a new one is started.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Starts the log if the options or the environment ask for it. A log that cannot be written is reported, and the
/// command runs without it.
/// Fails if `TAMARIN_LOG` does not name a level.
pub(super) fn start(options: &Options) -> anyhow::Result<()> {
    let level = match level(options.verbose, std::env::var_os(LEVEL_VARIABLE).as_deref()) {
        Ok(LevelFilter::OFF) => return Ok(()),
        Ok(level) => level,
        Err(message) => return usage(message),
    };
    match LogFile::open() {
        Ok(file) => {
            let layer = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_timer(TimeAndProcess)
                .log_internal_errors(false)
                .with_writer(Arc::new(file));
            let only_own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
            // Fails if a program that uses this library has installed its own subscriber, which is kept.
            let _ = tracing_subscriber::registry().with(layer).with(only_own).try_init();
            let arguments: Vec<String> =
                std::env::args_os().skip(1).map(|argument| redacted(&argument)).collect();
            tracing::info!(version = env!("CARGO_PKG_VERSION"), ?arguments, "start");
        }
        Err(error) if !options.quiet => {
            output::message(&format!("the log of the program cannot be written: {error:#}"))
        }
        Err(_) => {}
    }
    Ok(())
}

/// The more detailed of the levels that `-v` and `TAMARIN_LOG` ask for.
fn level(verbose: u8, variable: Option<&OsStr>) -> Result<LevelFilter, String> {
    let by_option = match verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let by_variable = match variable.map(|text| text.to_string_lossy()) {
        Some(text) if !text.is_empty() => text.parse().map_err(|_| {
            format!("{LEVEL_VARIABLE}: expected off, error, warn, info, debug or trace, not \"{text}\"")
        })?,
        _ => LevelFilter::OFF,
    };
    Ok(by_option.max(by_variable))
}

/// An argument without the parts that may be secret: users, passwords and queries of URLs, and presigned parameters.
fn redacted(argument: &OsStr) -> String {
    let argument = source::shown(&source::text_of(argument));
    let query = if argument.contains("://") { argument.find('?') } else { None };
    let presigned = argument.to_ascii_lowercase().find("x-amz-");
    match query.into_iter().chain(presigned).min() {
        Some(end) => format!("{}…", &argument[..end]),
        None => argument,
    }
}

/// Writes the time in UTC and the process id: several processes may write to the same file.
struct TimeAndProcess;

impl FormatTime for TimeAndProcess {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:.3} [{}]", jiff::Timestamp::now(), std::process::id())
    }
}

/// The log file. Each event is appended with one write.
struct LogFile {
    path: PathBuf,
    file: Mutex<File>,
}

impl LogFile {
    fn open() -> anyhow::Result<LogFile> {
        let folder = state_directory()?;
        make_folder(&folder).with_context(|| folder.display().to_string())?;
        let path = folder.join("tamarin.log");
        LogFile::at(path.clone()).with_context(|| path.display().to_string())
    }

    fn at(path: PathBuf) -> io::Result<LogFile> {
        let file = Mutex::new(open_to_append(&path)?);
        Ok(LogFile { path, file })
    }

    fn append(&self, event: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(event);
        let mut line = String::with_capacity(text.len() + 1);
        for c in text.trim_end_matches('\n').chars() {
            if c.is_control() {
                // Writing to a String cannot fail.
                let _ = write!(line, "{}", c.escape_unicode());
            } else {
                line.push(c);
            }
        }
        line.push('\n');
        let mut file = self.file.lock();
        if file.metadata()?.len() >= MAX_FILE_BYTES {
            *file = next_file(&self.path)?;
        }
        io::Write::write_all(&mut *file, line.as_bytes())
    }
}

impl io::Write for &LogFile {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        // There is no place to report that the log cannot be written.
        let _ = self.append(event);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the file that replaces a full one.
fn next_file(path: &Path) -> io::Result<File> {
    // Another process may have replaced it already.
    let file = open_to_append(path)?;
    if file.metadata()?.len() < MAX_FILE_BYTES {
        return Ok(file);
    }
    std::fs::rename(path, path.with_extension("log.old"))?;
    open_to_append(path)
}

fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_detailed_level_applies() {
        let level = |verbose, variable: Option<&str>| level(verbose, variable.map(OsStr::new));
        assert_eq!(level(0, None), Ok(LevelFilter::OFF));
        assert_eq!(level(0, Some("")), Ok(LevelFilter::OFF));
        assert_eq!(level(1, None), Ok(LevelFilter::INFO));
        assert_eq!(level(3, Some("warn")), Ok(LevelFilter::DEBUG));
        assert_eq!(level(1, Some("trace")), Ok(LevelFilter::TRACE));
        assert!(level(0, Some("loud")).unwrap_err().contains("off, error, warn, info, debug or trace"));
    }

    #[test]
    fn arguments_are_logged_without_secrets() {
        let redacted = |text: &str| redacted(OsStr::new(text));
        assert_eq!(redacted("s3://acme-logs/media/"), "s3://acme-logs/media/");
        assert_eq!(redacted("--filter=status:403 key:a?.mp4"), "--filter=status:403 key:a?.mp4");
        for secret in [
            "https://acme.example/log?X-Amz-Signature=SECRET",
            "https://acme.example/log?token=SECRET",
            "s3://AKIAEXAMPLE:SECRET@acme-logs/",
            "--endpoint-url=https://user:SECRET@storage.example",
            "uri:x-amz-security-token=SECRET",
        ] {
            assert!(!redacted(secret).contains("SECRET"), "{}", redacted(secret));
        }
    }

    #[test]
    fn a_full_log_file_is_kept_once_and_a_new_one_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tamarin.log");
        let old = folder.path().join("tamarin.log.old");
        for round in 0..3 {
            let log = LogFile::at(path.clone()).unwrap();
            log.append(format!("event {round}\x1b[2J\nnext\n").as_bytes()).unwrap();
            log.append(&vec![b'x'; MAX_FILE_BYTES as usize]).unwrap();
        }
        let log = LogFile::at(path.clone()).unwrap();
        log.append(b"last\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "last\n");
        let kept = std::fs::read_to_string(&old).unwrap();
        assert!(kept.starts_with("event 2\\u{1b}[2J\\u{a}next\n"), "{}", &kept[..40]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600
        );
    }
}
