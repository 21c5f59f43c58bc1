//! The text to read in a popup: the list of failures. `update` counts their lines, `view` draws them.

use crate::ingest::Failure;
use crate::tui::model::{Command, Context, State, headless};
use crate::tui::{format, widgets::fit};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Heading,
    Text,
    Quiet,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextLine {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

fn line(tone: Tone, text: impl Into<String>) -> TextLine {
    TextLine { tone, text: text.into() }
}

fn text(text: impl Into<String>) -> TextLine {
    line(Tone::Text, text)
}

/// How many lines were rejected, and the command that prints them.
fn rejected(state: &State, count: u64) -> String {
    let cache = state.cache_option.as_ref();
    let option = cache.map(|cache| format!(" {}", headless::quoted(&format!("--cache={}", cache.display()))));
    let lines = format::counted(count, "line");
    format!("{lines} rejected; `tamarin sources rejected{}` prints them.", option.unwrap_or_default())
}

/// Lines about rejected lines and repeats in the logs.
fn not_requests(state: &State) -> Vec<String> {
    let counts = state.log_counts;
    let mut lines = Vec::new();
    if counts.rejected > 0 {
        lines.push(rejected(state, counts.rejected));
    }
    if counts.repeats > 0 {
        let repeats = format::counted(counts.repeats, "exact repeat");
        lines.push(format!("{repeats} of records: counted once."));
    }
    lines
}

/// The title of [`failures`].
pub(crate) fn title(state: &State) -> &'static str {
    if state.has_failures() { "Failures" } else { "What was read" }
}

/// Failures that are listed; the others are only counted.
const MAX_LISTED_FAILURES: usize = 100;

/// The lines about log files that could not be read and about rejected lines, wrapped to the width of the screen.
pub(crate) fn failures(state: &State) -> Vec<TextLine> {
    let width = usize::from(state.size.0.saturating_sub(10)).max(20);
    let wrapped =
        |whole: TextLine| fit::wrap(&whole.text, width).into_iter().map(move |part| line(whole.tone, part));
    whole_failures(state, width).into_iter().flat_map(wrapped).collect()
}

fn whole_failures(state: &State, width: usize) -> Vec<TextLine> {
    let mut lines = Vec::new();
    let wrapped = |text: &str, tone| {
        fit::wrap(&format::visible(text), width).into_iter().map(move |wrapped| line(tone, wrapped))
    };
    let reason = |failure: &Failure| {
        let text = format::visible(failure.reason_alone());
        let lines = fit::wrap(&text, width.saturating_sub(2)).into_iter();
        lines.map(|part| line(Tone::Text, format!("  {}", part.trim_start()))).collect::<Vec<_>>()
    };
    for failure in &state.unopened {
        lines.extend(wrapped(&failure.name, Tone::Heading));
        lines.extend(reason(failure));
    }
    if !state.unopened.is_empty() {
        lines.push(text(""));
    }
    let counts = not_requests(state);
    let Some(progress) = &state.progress else {
        lines.push(text("No source is being read: all requests are from the cache."));
        lines.extend(counts.iter().flat_map(|count| wrapped(count, Tone::Text)));
        return lines;
    };
    if let Some(fatal) = &progress.fatal {
        lines.extend(wrapped(fatal, Tone::Error));
        lines.push(text(""));
    }
    for failure in progress.failures.iter().take(MAX_LISTED_FAILURES) {
        lines.extend(wrapped(&failure.name, Tone::Heading));
        lines.extend(reason(failure));
    }
    let listed = progress.failures.len().min(MAX_LISTED_FAILURES) as u64;
    if progress.files_failed > listed {
        lines.push(text(format!("and {} more", format::count(progress.files_failed - listed))));
    }
    if !progress.is_over() {
        lines.push(line(Tone::Quiet, "The sources are being read."));
    } else if state.has_failures() {
        if listed > 0 || progress.files_failed > 0 {
            lines.push(text(""));
        }
        let key = state.settings.keys.key_of(Context::Reading, Command::Retry);
        lines.push(line(Tone::Quiet, format!("The next pull tries them again; {key} retries now.")));
    }
    if counts.is_empty() && progress.rejected > 0 {
        // The catalogue does not count them yet.
        lines.extend(wrapped(&rejected(state, progress.rejected), Tone::Text));
    }
    lines.extend(counts.iter().flat_map(|count| wrapped(count, Tone::Text)));
    if progress.files_skipped > 0 {
        let skipped = format::counted(progress.files_skipped, "file");
        lines.push(text(format!("{skipped} skipped: no log lines.")));
        for files in &progress.foreign {
            let name = match files.count {
                1 => format!("  {} is {}.", files.first, files.kind.singular),
                count => format!("  {} are {}: {}, …", format::count(count), files.kind.plural, files.first),
            };
            lines.extend(wrapped(&name, Tone::Text));
        }
    }
    if let Some(reason) = progress.unsearched() {
        lines.extend(wrapped(&reason, Tone::Text));
    }
    if lines.is_empty() {
        lines.push(text("All log files were read."));
    }
    lines
}
