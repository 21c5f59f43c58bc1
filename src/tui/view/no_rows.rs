//! The text shown instead of rows: why there are none, and what to do.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use crate::ingest::{Phase, Progress};
use crate::query::{TimeRange, filter::contradiction};
use crate::tui::model::{Command, MIN_SIZE, State, found};
use crate::tui::{format, view::put, widgets::fit};

/// Terminal columns that wrapped lines leave free.
const MARGINS: usize = 8;

/// Failures that are listed; the key for all of them is shown.
const MAX_LISTED_FAILURES: usize = 2;

/// Draws the message for a terminal that is too small.
pub(super) fn too_small(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut text = Text::new(state, area);
    text.heading(format!("Terminal too small: {} × {}", area.width, area.height));
    let quit = state.table_key(Command::Quit);
    text.hint(format!("needs {} × {}; {quit} quits", MIN_SIZE.0, MIN_SIZE.1));
    text.draw(area, buffer);
}

/// Explains a table without rows.
pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut text = Text::new(state, area);
    let rows = &state.layer().table().rows;
    let is_empty = state.totals.data.as_ref().is_some_and(|totals| totals.stats.requests == 0);
    let error = rows.error().or(state.totals.error()).or(state.layer().timeline.error());
    if let Some(error) = error {
        text.heading("This query failed");
        text.error(error);
    } else if is_empty && let Some(progress) = &state.progress {
        match progress.phase {
            Phase::Failed => text.pull_failed(progress),
            Phase::Done | Phase::Cancelled => text.no_requests(progress),
            _ => text.reading(progress),
        }
    } else if is_empty {
        text.heading("The cache is empty");
        text.hint("Start with a source: tamarin s3://BUCKET/PREFIX, a file or a folder,");
        text.hint("or explore a synthetic bucket: tamarin demo");
    } else if !rows.is_complete() || rows.is_stale() {
        text.heading("…");
    } else if state.brush.is_some() {
        text.heading("No requests in the selected range");
    } else {
        text.nothing_matches();
    }
    text.draw(area, buffer);
}

/// Shows why an analysis failed.
pub(super) fn failed(state: &State, reason: &str, area: Rect, buffer: &mut Buffer) {
    let mut text = Text::new(state, area);
    text.heading("This analysis failed");
    text.error(reason);
    text.draw(area, buffer);
}

/// Shows a heading and hints below it.
pub(super) fn text(state: &State, lines: &[&str], area: Rect, buffer: &mut Buffer) {
    let mut text = Text::new(state, area);
    for (index, line) in lines.iter().enumerate() {
        if index == 0 { text.heading(*line) } else { text.hint(*line) }
    }
    text.draw(area, buffer);
}

/// Shows the progress of an analysis without findings so far.
pub(super) fn analysing(state: &State, share: f64, area: Rect, buffer: &mut Buffer) {
    let mut text = Text::new(state, area);
    text.heading("Looking for what is suspicious …");
    text.hint(format::percent(share));
    text.draw(area, buffer);
}

/// Says that nothing is suspicious.
pub(super) fn no_findings(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut text = Text::new(state, area);
    text.heading("No findings");
    let layer = state.layer();
    text.hint(if layer.is_unfiltered(state.session_time) {
        "Nothing in these requests looks suspicious."
    } else {
        "Nothing looks suspicious among these requests."
    });
    let (filter, _) = found::scope_of(layer);
    if !filter.is_everything() {
        text.hint("Only requests of the filter are looked at, those of all times.");
    }
    let others = found::count_of_all_time(state);
    if others > 0 {
        text.hint(format!("{} at other times.", format::counted(others as u64, "finding")));
    }
    text.draw(area, buffer);
}

/// Centred lines.
struct Text<'a> {
    state: &'a State,
    /// Width at which long lines are wrapped.
    width: usize,
    lines: Vec<(String, Style)>,
}

impl Text<'_> {
    fn new(state: &State, area: Rect) -> Text<'_> {
        Text { state, width: usize::from(area.width).saturating_sub(MARGINS).max(20), lines: Vec::new() }
    }

    fn heading(&mut self, text: impl Into<String>) {
        self.lines.push((text.into(), self.state.theme.heading()));
    }

    fn hint(&mut self, text: impl Into<String>) {
        let text = text.into();
        let style = self.state.theme.quiet();
        match text.width() <= self.width + MARGINS {
            true => self.lines.push((text, style)),
            false => self.wrapped(&text, style),
        }
    }

    fn wrapped(&mut self, text: &str, style: Style) {
        let lines = fit::wrap(&format::visible(text), self.width);
        self.lines.extend(lines.into_iter().map(|line| (line.trim_end().to_owned(), style)));
    }

    fn error(&mut self, text: &str) {
        self.wrapped(text, self.state.theme.error());
    }

    fn pull_failed(&mut self, progress: &Progress) {
        self.heading("The logs could not be read");
        self.error(progress.fatal.as_deref().unwrap_or("see the failures"));
        self.failures(progress);
        self.hint("");
        self.hint(match self.state.follow_interval {
            Some(interval) => format!("Retrying every {}.", format::interval(interval)),
            None => {
                let key = self.state.table_key(Command::Retry);
                format!("Fix the problem, then {key} retries; no data was lost.")
            }
        });
    }

    fn no_requests(&mut self, progress: &Progress) {
        self.heading("No requests");
        if progress.files_failed > 0 {
            // Without a log file, the sources themselves could not be listed.
            let what = if progress.files_listed == 0 { "source" } else { "log file" };
            let failed = format::counted(progress.files_failed, what);
            self.lines.push((format!("{failed} could not be read"), self.state.theme.error()));
            self.failures(progress);
            self.hint(format!("{} retries", self.state.table_key(Command::Retry)));
        } else if let Some(reason) = progress.only_empty(&self.state.title).or_else(|| progress.unsearched())
        {
            self.wrapped(&reason, self.state.theme.quiet());
        } else if progress.files_listed == 0 {
            if self.state.has_only_local_sources() {
                self.hint("No log files were found there, nor in folders below.");
                self.hint("Log files may be compressed (.gz, .zst) or in archives (.tar, .zip).");
            } else {
                self.hint("No log files were found. Are the bucket and the prefix right?");
                self.hint("S3 delivers the first logs a few hours after logging was enabled.");
            }
            self.hint(format!("{} retries", self.state.table_key(Command::Retry)));
        } else if let Some(reason) = progress.only_foreign(&self.state.title) {
            self.wrapped(&reason, self.state.theme.quiet());
        } else {
            let files = format::counted(progress.files_listed, "file");
            let why = match self.state.session_time == TimeRange::default() {
                true => "no log lines in them",
                false => "no requests in this time range",
            };
            self.hint(format!("Found {files}, but {why}."));
        }
        if let Some(interval) = self.state.follow_interval {
            self.hint(format!("Looking for new log files every {}.", format::interval(interval)));
        }
    }

    fn reading(&mut self, progress: &Progress) {
        self.heading("Reading the first log files …");
        let [found, read] =
            [progress.files_listed, progress.files_done + progress.files_known].map(format::count);
        self.hint(format!("{found} found, {read} read, {}", format::counted(progress.lines, "line")));
        self.hint("The tables fill while log files are read.");
    }

    fn nothing_matches(&mut self) {
        self.heading("Nothing matches");
        // A contradiction is certain, and known before an analysis ends.
        let reason = match contradiction(&self.state.layer().filter) {
            Some(contradiction) => Some(contradiction.to_string()),
            None => self.state.emptiness().map(ToString::to_string),
        };
        if let Some(reason) = reason {
            let lines = fit::wrap(&format::filter_text(&reason), self.width);
            self.lines.extend(lines.into_iter().map(|line| (line, self.state.theme.text())));
        }
        if self.state.prompt.is_some() {
            // The prompt shows the filter, and the keys edit it.
            return;
        }
        let state = self.state;
        let key = |command| state.table_key(command);
        let layer = self.state.layer();
        if !layer.filter.is_everything() {
            let filter = format::filter(&layer.filter);
            self.lines.push((fit::middle(&filter, self.width), self.state.theme.chip()));
            let (clear, drop) = (key(Command::ClearFilter), key(Command::DropLast));
            self.hint(format!("{clear} clears the filter, {drop} removes its last term"));
        }
        if layer.time != self.state.session_time {
            self.hint(format!("{} zooms out", key(Command::ZoomOut)));
        }
        if self.state.depth() > 1 {
            self.hint(format!("{} goes back", key(Command::Back)));
        }
    }

    fn failures(&mut self, progress: &Progress) {
        if progress.failures.is_empty() {
            return;
        }
        for failure in progress.failures.iter().take(MAX_LISTED_FAILURES) {
            self.wrapped(&failure.named_reason(), self.state.theme.text());
        }
        self.hint(format!("{} lists the failures", self.state.table_key(Command::Failures)));
    }

    fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let count = u16::try_from(self.lines.len()).unwrap_or(u16::MAX);
        let y = area.y + area.height.saturating_sub(count) / 3;
        for ((text, style), y) in self.lines.iter().zip(y..area.bottom()) {
            let text = fit::end(text, usize::from(area.width));
            let x = area.x + area.width.saturating_sub(u16::try_from(text.width()).unwrap_or(0)) / 2;
            put(buffer, area, x, y, &text, *style);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::{ForeignFiles, Phase, Progress};
    use crate::source::foreign::by_lines;
    use crate::tui::testing::Explorer;

    #[test]
    fn a_file_of_another_kind_is_named_instead_of_its_requests() {
        let kind = by_lines(b"#Version: 1.0\n#Fields: date time x-edge-location").unwrap();
        let first = "cloudfront.log".to_owned();
        let foreign = vec![ForeignFiles { kind, count: 1, first }];
        let (phase, files_listed, files_skipped) = (Phase::Done, 1, 1);
        let progress = Progress { phase, files_listed, files_skipped, foreign, ..Progress::default() };
        let mut explorer = Explorer::begin(130, 34, Vec::new(), Some(progress));
        let screen = explorer.screen();
        assert!(
            screen.contains("cloudfront.log is a CloudFront log, not an S3 server access log;"),
            "{screen}"
        );
    }
}
