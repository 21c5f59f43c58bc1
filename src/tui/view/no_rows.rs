//! What is shown when there are no rows to show, and why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::put;
use crate::ingest::Phase;
use crate::tui::format;
use crate::tui::model::keymap::{Command, Context, key_of};
use crate::tui::model::state::MIN_SIZE;
use crate::tui::model::state::State;
use crate::tui::widgets::fit;

/// The terminal is too small.
pub(super) fn too_small(state: &State, area: Rect, buffer: &mut Buffer) {
    let lines = [
        (format!("{} × {} is too small a terminal", area.width, area.height), state.theme.heading()),
        (format!("{} × {} is needed at least; q quits", MIN_SIZE.0, MIN_SIZE.1), state.theme.quiet()),
    ];
    centred(area, &lines, buffer);
}

/// A table without rows: still loading, nothing there, nothing matches, could not be read.
pub(super) fn no_rows(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let heading = |text: &str| (text.to_owned(), theme.heading());
    let hint = |text: String| (text, theme.quiet());
    let table = state.layer().table();
    let width = usize::from(area.width.saturating_sub(8)).max(20);
    let is_empty = state.totals.data.as_ref().is_some_and(|totals| totals.stats.requests == 0);
    let mut lines: Vec<(String, Style)> = Vec::new();
    let error = table.rows.error().or(state.totals.error()).or(state.layer().timeline.error());
    if let Some(error) = error {
        lines.push(heading("This question has no answer"));
        lines.extend(fit::wrap(&format::visible(error), width).into_iter().map(|line| (line, theme.error())));
    } else if is_empty && let Some(progress) = &state.progress {
        match progress.phase {
            Phase::Failed => {
                lines.push(heading("The logs could not be read"));
                let reason = progress.fatal.as_deref().unwrap_or("see the failures for what went wrong");
                lines.extend(
                    fit::wrap(&format::visible(reason), width).into_iter().map(|line| (line, theme.error())),
                );
                failures(state, &mut lines, width);
                lines.push(hint(String::new()));
                lines.push(hint(match state.follow_interval {
                    Some(every) => format!("It is tried again every {}.", format::every(every)),
                    None => "Mend it and start again; nothing is lost.".to_owned(),
                }));
            }
            Phase::Done | Phase::Cancelled => {
                lines.push(heading("No requests"));
                if progress.files_failed > 0 {
                    let files = format::counted(progress.files_failed, "log file");
                    lines.push((format!("{files} could not be read"), theme.error()));
                    failures(state, &mut lines, width);
                } else if progress.files_listed == 0 {
                    lines.push(hint(
                        "There are no log files here. Is it the right bucket and prefix?".to_owned(),
                    ));
                    lines.push(hint("S3 delivers logs some hours after logging was switched on.".to_owned()));
                } else if let Some(reason) = progress.only_foreign(&state.title) {
                    let reason = fit::wrap(&format::visible(&reason), width);
                    lines.extend(reason.into_iter().map(hint));
                } else {
                    let files = format::counted(progress.files_listed, "log file");
                    lines.push(hint(format!("Found {files}; none holds a request of this time.")));
                }
                if let Some(every) = state.follow_interval {
                    lines.push(hint(format!("New ones are looked for every {}.", format::every(every))));
                }
            }
            _ => {
                lines.push(heading("Reading the first log files …"));
                lines.push(hint(format!(
                    "{} found, {} read, {}",
                    format::count(progress.files_listed),
                    format::count(progress.files_done + progress.files_known),
                    format::counted(progress.lines, "line")
                )));
                lines.push(hint("Tables fill while the rest comes in.".to_owned()));
            }
        }
    } else if is_empty {
        lines.push(heading("Nothing is cached yet"));
        lines.push(hint("Name a source: tamarin s3://BUCKET/PREFIX, a file or a folder,".to_owned()));
        lines.push(hint("or look around in a made-up bucket: tamarin demo".to_owned()));
    } else if !table.rows.is_complete() || table.rows.is_stale() {
        lines.push(heading("…"));
    } else {
        lines.push(heading("Nothing matches"));
        let text = state.layer().filter.to_string();
        let is_typing = state.prompt.is_some();
        if is_typing {
            // The filter stands in the line being typed, and the keys write there.
        } else if !text.is_empty() {
            lines.push((fit::middle(&format::visible(&text), width), theme.chip()));
            let key = key_of(Context::Table, Command::ClearFilter);
            let last = key_of(Context::Table, Command::DropLast);
            lines.push(hint(format!("{key} clears the filter, {last} drops its last part")));
        }
        if !is_typing && state.layer().time != state.session_time {
            lines.push(hint(format!("{} widens the time", key_of(Context::Table, Command::ZoomOut))));
        }
        if !is_typing && state.depth() > 1 {
            lines.push(hint(format!("{} goes back", key_of(Context::Table, Command::Back))));
        }
    }
    centred(area, &lines, buffer);
}

fn failures(state: &State, lines: &mut Vec<(String, Style)>, width: usize) {
    let Some(progress) = &state.progress else { return };
    if progress.failures.is_empty() {
        return;
    }
    for failure in progress.failures.iter().take(2) {
        let text = format::visible(&format!("{}: {}", failure.name, failure.reason));
        lines.extend(fit::wrap(&text, width).into_iter().map(|line| (line, state.theme.text())));
    }
    let key = key_of(Context::Table, Command::Failures);
    lines.push((format!("{key} lists what failed"), state.theme.quiet()));
}

fn centred(area: Rect, lines: &[(String, Style)], buffer: &mut Buffer) {
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let y = area.y + area.height.saturating_sub(count) / 3;
    for ((text, style), y) in lines.iter().zip(y..area.bottom()) {
        let text = fit::end(text, usize::from(area.width));
        let x = area.x + area.width.saturating_sub(u16::try_from(text.width()).unwrap_or(0)) / 2;
        put(buffer, area, x, y, &text, *style);
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::{ForeignFiles, Phase, Progress};
    use crate::source::foreign::by_lines;
    use crate::tui::testing::Person;

    #[test]
    fn a_file_of_another_kind_is_named_where_its_requests_would_be() {
        let kind = by_lines(b"#Version: 1.0\n#Fields: date time x-edge-location").unwrap();
        let first = "cloudfront.log".to_owned();
        let foreign = vec![ForeignFiles { kind, count: 1, first }];
        let (phase, files_listed, files_skipped) = (Phase::Done, 1, 1);
        let progress = Progress { phase, files_listed, files_skipped, foreign, ..Progress::default() };
        let mut person = Person::begin(130, 34, Vec::new(), Some(progress));
        let screen = person.screen();
        assert!(
            screen.contains("cloudfront.log is a CloudFront log, not an S3 server access log;"),
            "{screen}"
        );
    }
}
