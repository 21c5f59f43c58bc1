//! What could not be read, and what to do about it.

use ratatui::text::Line;

use crate::tui::format;
use crate::tui::model::state::State;
use crate::tui::widgets::fit;

/// Failures in the list; the rest is counted.
const SHOWN: usize = 100;

/// The lines to read.
pub(crate) fn lines(state: &State) -> Vec<Line<'static>> {
    let theme = state.theme;
    let width = usize::from(state.size.0.saturating_sub(10)).max(20);
    let mut lines = Vec::new();
    let wrapped = |text: &str, style| {
        fit::wrap(&format::visible(text), width).into_iter().map(move |line| Line::styled(line, style))
    };
    let Some(progress) = &state.progress else {
        return vec![Line::raw("No logs are being read: what is shown comes from the cache.")];
    };
    if let Some(fatal) = &progress.fatal {
        lines.extend(wrapped(fatal, theme.error()));
        lines.push(Line::default());
    }
    for failure in progress.failures.iter().take(SHOWN) {
        lines.extend(wrapped(&failure.name, theme.heading()));
        lines.extend(wrapped(&format!("  {}", failure.reason), theme.text()));
    }
    let listed = progress.failures.len().min(SHOWN) as u64;
    if progress.files_failed > listed {
        lines.push(Line::raw(format!("and {} more", format::count(progress.files_failed - listed))));
    }
    if listed > 0 || progress.files_failed > 0 {
        lines.push(Line::default());
        lines.push(Line::styled("They are tried again the next time.", theme.quiet()));
    }
    if progress.rejected > 0 {
        lines.push(Line::raw(format!(
            "{} rejected; `tamarin sources rejected` prints what is no record.",
            format::counted(progress.rejected, "line")
        )));
    }
    if progress.files_skipped > 0 {
        lines.push(Line::raw(format!(
            "{} skipped: no log lines.",
            format::counted(progress.files_skipped, "file")
        )));
    }
    if lines.is_empty() {
        lines.push(Line::raw("Every log file could be read."));
    }
    lines
}
