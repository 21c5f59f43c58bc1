//! Texts to read in a popup: the help and the list of failures. `update` counts their lines, `view` draws them.

use crate::tui::model::{COMMANDS, State, keymap::Group};
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
    /// Keys in front of the text, padded; empty outside the help.
    pub(crate) keys: String,
    pub(crate) text: String,
}

fn line(tone: Tone, text: impl Into<String>) -> TextLine {
    TextLine { tone, keys: String::new(), text: text.into() }
}

fn text(text: impl Into<String>) -> TextLine {
    line(Tone::Text, text)
}

/// Widths of keys and of commands in the help, in terminal columns.
const KEYS_WIDTH: usize = 18;
const COMMANDS_WIDTH: usize = 24;

const FILTER_EXAMPLES: [(&str, &str); 8] = [
    ("ip:203.0.113.7", "or ip:203.0.113.0/24"),
    ("key:media/*.mp4", "a pattern; key~\"^a/.*\" is a regular expression"),
    ("status:4xx", "or status>=500"),
    ("bytes>10MB", "compares a measure"),
    ("time:-6h", "or time:2026-04-01..2026-04-03"),
    ("-ua~bot", "a minus negates the term"),
    ("(a:1 or b:2) c:3", "all terms must match; or and parentheses give alternatives"),
    ("word", "searches key, remote_ip, requester and user_agent"),
];

/// The lines of the help: all keys, all commands, examples of filters.
pub(crate) fn help(state: &State) -> Vec<TextLine> {
    let mut lines = Vec::new();
    let entry = |lines: &mut Vec<TextLine>, keys: String, keys_width: usize, about: &str| {
        // The frame and its margins take 8 columns.
        let text_width = usize::from(state.size.0).saturating_sub(keys_width + 8);
        for (index, text) in fit::wrap(about, text_width).into_iter().enumerate() {
            let keys = if index == 0 { fit::left(&keys, keys_width) } else { " ".repeat(keys_width) };
            lines.push(TextLine { tone: Tone::Text, keys, text });
        }
    };
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(text(""));
        }
        lines.push(line(Tone::Heading, group.title()));
        let bindings = state.settings.keys.bindings().iter();
        for binding in bindings.filter(|binding| binding.group == group && !binding.about.is_empty()) {
            let keys: Vec<String> = binding.keys.iter().map(|key| key.label()).collect();
            entry(&mut lines, keys.join(" "), KEYS_WIDTH, binding.about);
        }
    }
    lines.push(text(""));
    lines.push(line(Tone::Heading, "Commands, after :"));
    for command in &COMMANDS {
        entry(&mut lines, format!("{} {}", command.name, command.argument), COMMANDS_WIDTH, command.about);
    }
    lines.push(text(""));
    lines.push(line(Tone::Heading, "Filter examples"));
    for (example, about) in FILTER_EXAMPLES {
        entry(&mut lines, example.to_owned(), KEYS_WIDTH, about);
    }
    lines
}

/// Lines about rejected lines and repeats in the logs.
fn not_requests(state: &State) -> Vec<String> {
    let counts = state.log_counts;
    let mut lines = Vec::new();
    if counts.rejected > 0 {
        let rejected = format::counted(counts.rejected, "line");
        lines.push(format!("{rejected} rejected; `tamarin sources rejected` prints them."));
    }
    if counts.repeats > 0 {
        let repeats = format::counted(counts.repeats, "exact repeat");
        lines.push(format!("{repeats} of records: counted once."));
    }
    lines
}

/// Failures that are listed; the others are only counted.
const MAX_LISTED_FAILURES: usize = 100;

/// The lines about log files that could not be read and about rejected lines.
pub(crate) fn failures(state: &State) -> Vec<TextLine> {
    let width = usize::from(state.size.0.saturating_sub(10)).max(20);
    let mut lines = Vec::new();
    let wrapped = |text: &str, tone| {
        fit::wrap(&format::visible(text), width).into_iter().map(move |wrapped| line(tone, wrapped))
    };
    for failure in &state.unopened {
        lines.extend(wrapped(&failure.name, Tone::Heading));
        lines.extend(wrapped(&format!("  {}", failure.reason), Tone::Text));
    }
    if !state.unopened.is_empty() {
        lines.push(text(""));
    }
    let counts = not_requests(state);
    let Some(progress) = &state.progress else {
        lines.push(text("No source is being read: all requests are from the cache."));
        lines.extend(counts.into_iter().map(text));
        return lines;
    };
    if let Some(fatal) = &progress.fatal {
        lines.extend(wrapped(fatal, Tone::Error));
        lines.push(text(""));
    }
    for failure in progress.failures.iter().take(MAX_LISTED_FAILURES) {
        lines.extend(wrapped(&failure.name, Tone::Heading));
        lines.extend(wrapped(&format!("  {}", failure.reason), Tone::Text));
    }
    let listed = progress.failures.len().min(MAX_LISTED_FAILURES) as u64;
    if progress.files_failed > listed {
        lines.push(text(format!("and {} more", format::count(progress.files_failed - listed))));
    }
    if listed > 0 || progress.files_failed > 0 {
        lines.push(text(""));
        let key = state.table_key(super::Command::Retry);
        lines.push(line(Tone::Quiet, format!("The next pull tries them again; {key} pulls now.")));
    }
    if counts.is_empty() && progress.rejected > 0 {
        // The catalogue does not count them yet.
        let rejected = format::counted(progress.rejected, "line");
        lines.push(text(format!("{rejected} rejected; `tamarin sources rejected` prints them.")));
    }
    lines.extend(counts.into_iter().map(text));
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
