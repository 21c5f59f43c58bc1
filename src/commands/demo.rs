//! `tamarin demo`: explores a synthetic bucket, or writes its log files into a folder.

use std::path::Path;
use std::sync::Arc;

use super::{Outcome, args::DemoArgs, context::Context, explore, explore::Start};
use crate::demo::{Demo, DemoOptions, DemoSource, LogFormat};
use crate::human;
use crate::source::Source;

pub(super) fn run(context: &Context, args: &DemoArgs) -> anyhow::Result<Outcome> {
    let options = DemoOptions { requests: args.requests, seed: args.seed };
    if let Some(folder) = &args.out {
        require_space(folder, args.requests, args.log_format)?;
        return write(context, &Demo::new(options), folder, args);
    }
    let investigation = args.investigation.as_deref().map(|name| context.investigation(name)).transpose()?;
    explore::require_terminal()?;
    // A cache of its own, so that synthetic requests never mix with real ones.
    let path = context.cache_named("demo.db")?;
    let demo: Arc<dyn Source> = Arc::new(DemoSource::new(options));
    let uris = vec![demo.uri().to_owned()];
    let user = context.user_options(&args.screen, investigation, &path)?;
    let (sources, title) = (vec![demo], "demo".to_owned());
    let (unopened, pending) = (Vec::new(), Vec::new());
    let start = Start { sources, unopened, pending, uris, title, every: None, user };
    explore::show(context, &path, start)
}

/// Bytes of a request of the demo in a log file, and a little less.
fn bytes_per_request(format: LogFormat) -> u64 {
    match format {
        LogFormat::Text => 400,
        LogFormat::Json => 800,
        LogFormat::Parquet => 100,
    }
}

/// Fails if the file system of a new folder has less free space than the log files need.
fn require_space(folder: &Path, requests: u64, format: LogFormat) -> anyhow::Result<()> {
    let needed = requests.saturating_mul(bytes_per_request(format));
    // Of a relative path without a parent that exists, the working folder is the parent.
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    match free_space(existing) {
        Some(free) if free < needed => anyhow::bail!(
            "{}: {} need about {}, and {} are free; choose fewer requests (--requests) or another folder",
            folder.display(),
            human::counted(requests, "request"),
            human::bytes(needed),
            human::bytes(free)
        ),
        _ => Ok(()),
    }
}

/// The bytes that can be written to the file system of a folder; `None` if that is not known.
fn free_space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    return rustix::fs::statvfs(folder).ok().map(|found| found.f_bavail.saturating_mul(found.f_frsize));
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

fn write(context: &Context, demo: &Demo, folder: &Path, args: &DemoArgs) -> anyhow::Result<Outcome> {
    let summary = demo.write_to(folder, args.log_format, &mut |_, _| {})?;
    let repeats = human::counted(summary.duplicates, "repeat");
    let others = match args.log_format {
        LogFormat::Text => format!(", {repeats} and {}", human::counted(summary.rejected, "broken line")),
        // Only lines can be broken.
        LogFormat::Json | LogFormat::Parquet => format!(" and {repeats}"),
    };
    context.note(&format!(
        "{} with {}{others} ({}) written to {}",
        human::counted(summary.files, "log file"),
        human::counted(summary.requests, "request"),
        human::bytes(summary.bytes),
        folder.display()
    ));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_demo_larger_than_the_file_system_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/demo");
        let error = require_space(&out, u64::MAX, LogFormat::Text).unwrap_err().to_string();
        assert!(
            error.contains("new/demo: ") && error.contains("choose fewer requests (--requests)"),
            "{error}"
        );
        assert!(require_space(&out, 1, LogFormat::Json).is_ok());
        assert!(!out.exists());
    }
}
