//! `tamarin demo`: a synthetic bucket, to explore or as files.

use std::path::Path;
use std::sync::Arc;

use super::args::DemoArgs;
use super::setting::Setting;
use super::{Outcome, explore};
use crate::config::data_directory;
use crate::demo::{Demo, DemoOptions};
use crate::export::human;
use crate::source::Source;

pub(super) fn run(setting: &Setting, args: &DemoArgs) -> anyhow::Result<Outcome> {
    let demo = Demo::new(DemoOptions { requests: args.requests, seed: args.seed });
    match &args.out {
        Some(folder) => write(setting, &demo, folder),
        None => {
            explore::needs_terminal()?;
            // A cache of its own: what is made up is never mixed with what is real.
            let path = match setting.named_cache() {
                Some(path) => path,
                None => data_directory()?.join("demo.db"),
            };
            let demo: Arc<dyn Source> = Arc::new(demo);
            let uris = vec![demo.uri().to_owned()];
            explore::show(setting, &path, vec![demo], uris, "demo".to_owned(), None)
        }
    }
}

fn write(setting: &Setting, demo: &Demo, folder: &Path) -> anyhow::Result<Outcome> {
    let summary = demo.write_to(folder, &mut |_, _| {})?;
    setting.note(&format!(
        "{} with {}, {} and {} ({}) written to {}",
        human::counted(summary.files, "log file"),
        human::counted(summary.requests, "request"),
        human::counted(summary.duplicates, "repeat"),
        human::counted(summary.rejected, "broken line"),
        human::bytes(summary.bytes),
        folder.display()
    ));
    Ok(Outcome::Done)
}
