//! `tamarin config`: checks, shows and describes the configuration file.
//!
//! `reference` writes the documentation, `template` a file with every key as a comment, `json_schema` a schema; all of them
//! read the list of keys. `names` are the names that values may have. Never here: reading of the file.

mod json_schema;
mod names;
mod reference;
mod show;
mod template;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::args::{ConfigCommand, Options};
use super::{Outcome, context::Context, output};
use crate::config::{ConfigFile, Located, config_path};
use crate::export::{self, Cell, Format, Sheet};
use crate::human;
use crate::tui::Settings;

/// The documentation of the configuration file, for `tamarin help configuration`.
pub(super) fn reference() -> String {
    reference::text()
}

pub(super) fn run(options: Options, what: ConfigCommand) -> anyhow::Result<Outcome> {
    match what {
        ConfigCommand::Check => check(options),
        ConfigCommand::Show { default: true } => print(&template::text()),
        ConfigCommand::Show { default: false } => {
            let context = Context::new(options)?;
            let settings = context.settings()?;
            print(&show::text(&context, &settings))
        }
        ConfigCommand::Path => print(&format!("{}\n", path(&options)?.display())),
        ConfigCommand::Schema => {
            print(&format!("{}\n", serde_json::to_string_pretty(&json_schema::schema())?))
        }
    }
}

fn print(text: &str) -> anyhow::Result<Outcome> {
    let mut out = output::data();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// The configuration file of `--config`, or of the configuration directory. It need not exist.
fn path(options: &Options) -> anyhow::Result<PathBuf> {
    Ok(options.config.clone().map_or_else(config_path, Ok)?)
}

/// Prints every problem of the file.
fn check(options: Options) -> anyhow::Result<Outcome> {
    let path = path(&options)?;
    let is_missing = !path.exists() && options.config.is_none();
    if is_missing {
        output::message(&format!(
            "there is no {}; tamarin config show --default prints one to begin with",
            path.display()
        ));
        return Ok(Outcome::Done);
    }
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("{}: cannot be read; name another file with --config FILE", path.display())
    })?;
    let problems = match ConfigFile::parse_rest(text, path.clone()) {
        Ok((file, mut problems)) => {
            let (_, wrong) = Settings::of(&file.config, jiff::Timestamp::now().as_second());
            problems.extend(wrong.into_iter().map(|problem| file.document.locate(problem)));
            problems
        }
        Err(crate::config::ConfigError::Invalid { problems, .. }) => problems,
        Err(error) => return Err(error.into()),
    };
    if !problems.is_empty() {
        return report(&options, &path, problems);
    }
    // Values that only make sense together: prices and their region.
    let quiet = options.quiet;
    let context = Context::new(options)?;
    context.check_prices()?;
    if !quiet {
        output::message(&format!("{}: no errors", path.display()));
    }
    Ok(Outcome::Done)
}

/// Prints problems, one per line, and fails.
fn report(options: &Options, path: &std::path::Path, mut problems: Vec<Located>) -> anyhow::Result<Outcome> {
    problems.sort_by_key(|problem| problem.line);
    let count = human::counted(problems.len() as u64, "error");
    let mut out = output::data();
    match options.format.map_or(Format::Table, Format::from) {
        Format::Table => {
            for problem in &problems {
                let line = format!("{}: {problem}", path.display());
                writeln!(out, "{}", export::visible(&line))?;
            }
        }
        format => {
            let rows = problems.into_iter().map(|problem| {
                vec![
                    Cell::Number(problem.line as i128),
                    Cell::Owned(problem.key.into_bytes()),
                    Cell::Owned(problem.reason.into_bytes()),
                ]
            });
            let sheet = Sheet::new(&["line", "key", "reason"], Box::new(rows), None);
            export::write_sheet(sheet, format, output::width(), &mut out)?;
        }
    }
    out.flush()?;
    bail!("{}: {count}", path.display())
}
