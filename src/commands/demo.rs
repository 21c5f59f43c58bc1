//! `tamarin demo`: explores a synthetic bucket, or writes its log files into a folder.

use std::path::Path;
use std::sync::Arc;

use super::{Outcome, args::DemoArgs, context::Context, explore, explore::Start};
use crate::demo::{Demo, DemoOptions};
use crate::human;
use crate::source::Source;

pub(super) fn run(context: &Context, args: &DemoArgs) -> anyhow::Result<Outcome> {
    let demo = Demo::new(DemoOptions { requests: args.requests, seed: args.seed });
    if let Some(folder) = &args.out {
        return write(context, &demo, folder);
    }
    let investigation = args.investigation.as_deref().map(|name| context.investigation(name)).transpose()?;
    explore::require_terminal()?;
    // A cache of its own, so that synthetic requests never mix with real ones.
    let path = context.cache_named("demo.db")?;
    let demo: Arc<dyn Source> = Arc::new(demo);
    let uris = vec![demo.uri().to_owned()];
    let user = context.user_options(&args.screen, investigation, &path)?;
    let (sources, unopened, title) = (vec![demo], Vec::new(), "demo".to_owned());
    let start = Start { sources, unopened, uris, title, every: None, user };
    explore::show(context, &path, start)
}

fn write(context: &Context, demo: &Demo, folder: &Path) -> anyhow::Result<Outcome> {
    let summary = demo.write_to(folder, &mut |_, _| {})?;
    context.note(&format!(
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
