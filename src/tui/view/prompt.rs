//! The prompt, with an error or a preview below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::query::filter::term_for_word;
use crate::tui::model::{Areas, Problem, Prompt, Purpose, Rows, State};
use crate::tui::view::{popup, prompt_text, put, put_right};
use crate::tui::{format, widgets::fit};

/// Completions that are visible at a time.
const VISIBLE_COMPLETIONS: usize = 8;

/// Draws the prompt. Returns the position of the terminal cursor.
pub(super) fn draw(state: &State, prompt: &Prompt, areas: &Areas, buffer: &mut Buffer) -> Option<Position> {
    let width = state.size.0;
    let label = u16::try_from(prompt.label().width()).unwrap_or(0) + 1;
    let message = message(state, prompt, label, width);
    let height = message.as_ref().map_or(1, |message| message.height());
    // The filter is edited in its own line, other texts above the footer.
    let (y, under) = match prompt.purpose {
        Purpose::Filter { .. } => (areas.chips.y, areas.chips.y + 1),
        _ => (areas.footer.y.saturating_sub(1 + height), areas.footer.y.saturating_sub(height)),
    };
    let line = Rect { x: 0, y, width, height: 1 };
    let below = Rect { x: 0, y: under, width, height };
    Clear.render(line, buffer);
    Clear.render(below, buffer);
    if let Purpose::Overwrite(export) = &prompt.purpose {
        let name = format::visible(&export.path.display().to_string());
        let text = format!("{} exists. Replace it?", fit::middle(&name, usize::from(width) / 2));
        put(buffer, line, 1, y, &text, state.theme.warning());
        return None;
    }
    if let Purpose::StopExport { quit } = prompt.purpose {
        let name = state.export.as_ref().map_or("", |export| export.name.as_str());
        let what = if quit { "Stop it and quit?" } else { "Stop it?" };
        let text = format!("{} is still being written. {what}", fit::middle(name, usize::from(width) / 2));
        put(buffer, line, 1, y, &text, state.theme.warning());
        return None;
    }
    let start = put(buffer, line, 1, y, prompt.label(), state.theme.accent());
    let (cursor, shift) =
        text(state, prompt, Rect { x: start, width: width.saturating_sub(start + 2), ..line }, buffer);
    match message {
        Some(message) => message.draw(state, prompt, below, start, shift, buffer),
        None => draw_below(state, prompt, below, start, buffer),
    }
    completions(state, prompt, areas, start, under, buffer);
    Some(Position { x: start + cursor, y })
}

/// Draws the part of the text around the cursor that fits. Returns the terminal column of the cursor in it, and the width
/// of the text to the left of it.
fn text(state: &State, prompt: &Prompt, area: Rect, buffer: &mut Buffer) -> (u16, usize) {
    let room = usize::from(area.width.max(4));
    let typed = prompt.input.value();
    let cursor_at = typed.char_indices().nth(prompt.input.cursor()).map_or(typed.len(), |(at, _)| at);
    let spans = prompt_text::spans(state, prompt);
    let before: usize = spans
        .iter()
        .filter(|span| span.range.start < cursor_at)
        .map(|span| format::filter_text(&typed[span.range.start..span.range.end.min(cursor_at)]).width())
        .sum();
    // Scrolled so that the cursor is on the screen.
    let shift = (before + 1).saturating_sub(room);
    let mut column = 0;
    for span in &spans {
        for grapheme in format::filter_text(&typed[span.range.clone()]).graphemes(true) {
            let width = grapheme.width();
            if column >= shift && column + width <= shift + room {
                let x = area.x + u16::try_from(column - shift).unwrap_or(0);
                put(buffer, area, x, area.y, grapheme, span.style);
            }
            column += width;
        }
    }
    if column > shift + room {
        put(buffer, area, area.right().saturating_sub(1), area.y, "…", state.theme.faint());
    }
    (u16::try_from(before.saturating_sub(shift)).unwrap_or(0), shift)
}

/// Lines of an error below the line with its caret, and the same of a filter: they cover the timeline while the user types.
const MAX_MESSAGE_LINES: usize = 4;
const MAX_FILTER_MESSAGE_LINES: usize = 2;

/// What is wrong with the text.
enum Message<'a> {
    /// Beside the caret.
    Beside(&'a Problem),
    /// In lines of its own below the caret.
    Below(&'a Problem, Vec<String>),
    /// About the whole text, in a style.
    Lines(Vec<String>, Style),
}

/// The message about the text of a prompt, if there is one.
fn message<'a>(state: &State, prompt: &'a Prompt, start: u16, width: u16) -> Option<Message<'a>> {
    let most = match prompt.purpose {
        Purpose::Filter { .. } => MAX_FILTER_MESSAGE_LINES,
        _ => MAX_MESSAGE_LINES,
    };
    let wrapped = |text: &str, room: u16| fit::wrap_into(text, usize::from(room), most);
    // A list of completions covers it, and what they begin is not wrong yet.
    if prompt.completion.as_ref().is_some_and(|completion| completion.candidates.len() > 1) {
        return None;
    }
    let Some(problem) = &prompt.problem else {
        let (text, style) = about_filter(state, prompt)?;
        return Some(Message::Lines(wrapped(&text, width.saturating_sub(start + 1)), style));
    };
    let text = format::filter_text(&problem.message);
    let before: String = prompt.input.value().chars().take(problem.column).collect();
    let caret = usize::from(start) + format::filter_text(&before).width();
    let width = usize::from(width);
    let fits_right = caret + 3 + text.width() <= width;
    let fits_left = caret < width && text.width() + 2 <= caret;
    Some(match fits_right || fits_left {
        true => Message::Beside(problem),
        false => Message::Below(
            problem,
            wrapped(&text, u16::try_from(width).unwrap_or(u16::MAX).saturating_sub(2)),
        ),
    })
}

/// Why a valid filter matches nothing, or cannot be answered.
fn about_filter(state: &State, prompt: &Prompt) -> Option<(String, Style)> {
    let Purpose::Filter { pending, .. } = &prompt.purpose else { return None };
    if let Some(warning) = &prompt.warning {
        return Some((format::filter_text(warning), state.theme.warning()));
    }
    if pending.is_some() {
        return None;
    }
    if let Some(error) = state.layer().timeline.error() {
        return Some((format::filter_text(error), state.theme.error()));
    }
    match state.matched() {
        Some((stats, true)) if stats.requests == 0 => {
            let reason = state.emptiness()?.to_string();
            let reason = match term_for_word(&state.layer().filter) {
                Some(term) => format!("{} · {term}?", reason.trim_end_matches('.')),
                None => reason,
            };
            Some((format::filter_text(&reason), state.theme.warning()))
        }
        _ => None,
    }
}

impl Message<'_> {
    fn height(&self) -> u16 {
        let lines = match self {
            Message::Beside(_) => 1,
            Message::Below(_, lines) => lines.len() + 1,
            Message::Lines(lines, _) => lines.len(),
        };
        u16::try_from(lines).unwrap_or(1)
    }

    /// Draws an error with a caret below its place.
    fn draw(
        &self,
        state: &State,
        prompt: &Prompt,
        area: Rect,
        start: u16,
        shift: usize,
        buffer: &mut Buffer,
    ) {
        let theme = state.theme;
        let (problem, lines) = match self {
            Message::Lines(lines, style) => {
                for (line, y) in lines.iter().zip(area.y..) {
                    put(buffer, area, start, y, line, *style);
                }
                return;
            }
            Message::Beside(problem) => (problem, None),
            Message::Below(problem, lines) => (problem, Some(lines)),
        };
        let before: String = prompt.input.value().chars().take(problem.column).collect();
        let column = format::filter_text(&before).width().saturating_sub(shift);
        let caret =
            (start + u16::try_from(column).unwrap_or(u16::MAX / 2)).min(area.right().saturating_sub(2));
        put(buffer, area, caret, area.y, "^", theme.error());
        if let Some(lines) = lines {
            for (line, y) in lines.iter().zip(area.y + 1..) {
                put(buffer, area, area.x + 1, y, line, theme.error());
            }
            return;
        }
        let text = format::filter_text(&problem.message);
        let right = usize::from(area.right().saturating_sub(caret + 3));
        if text.width() <= right {
            put(buffer, area, caret + 2, area.y, &text, theme.error());
        } else {
            let room = usize::from(caret.saturating_sub(2));
            let text = fit::end(&text, room);
            let x = caret.saturating_sub(u16::try_from(text.width()).unwrap_or(0) + 1);
            put(buffer, area, x, area.y, &text, theme.error());
        }
    }
}

/// Draws the number of matching requests, or what can be typed.
fn draw_below(state: &State, prompt: &Prompt, area: Rect, start: u16, buffer: &mut Buffer) {
    let theme = state.theme;
    let hint = match &prompt.purpose {
        Purpose::Export => {
            let format = "the name decides the format: .csv, .json, .ndjson or .md";
            let both = exported_rows(state).map(|rows| format!("{rows}; {format}"));
            let room = usize::from(area.right().saturating_sub(start));
            both.filter(|both| both.width() < room).unwrap_or_else(|| format.to_owned())
        }
        Purpose::Mute(_) => "may be empty".to_owned(),
        _ => String::new(),
    };
    put(buffer, area, start, area.y, &hint, theme.faint());
    if let Purpose::Filter { pending, .. } = &prompt.purpose {
        let text = match state.matched() {
            // The text is no filter yet: the requests are those of the last one.
            _ if prompt.problem.is_some() => String::new(),
            Some((stats, true)) if pending.is_none() => {
                let (requests, bytes) =
                    (format::counted(stats.requests, "request"), format::bytes(stats.bytes_sent));
                let count =
                    format!("{requests} match{}, {bytes}", if stats.requests == 1 { "es" } else { "" });
                // A word is not looked for in other fields.
                match term_for_word(&state.layer().filter) {
                    Some(term) => format!("{count} · {term}?"),
                    None => count,
                }
            }
            _ => "…".to_owned(),
        };
        let x = put(buffer, area, start, area.y, &text, theme.quiet());
        let area = Rect { width: area.width.saturating_sub(1), ..area };
        let left = usize::from(area.right().saturating_sub(x));
        let hints = ["Tab completes  ↑ history", "Tab completes"];
        if let Some(hint) = hints.into_iter().find(|hint| hint.width() + 2 <= left) {
            put_right(buffer, area, area.y, hint, theme.faint());
        }
    }
}

/// Which rows of the table in front an export writes.
fn exported_rows(state: &State) -> Option<String> {
    let (layer, table) = (state.layer(), state.layer().table());
    if state.pane.is_some() || layer.detail.is_some() {
        return None;
    }
    match (table.marks.len() as u64, &table.rows.data) {
        (0, None | Some(Rows::Findings(_))) => None,
        (0, Some(_)) if state.is_growing() => None,
        (0, Some(rows)) if rows.total() == 1 => Some("1 row".to_owned()),
        (0, Some(rows)) => Some(format!("all {}", format::counted(rows.total(), "row"))),
        (marked, _) => Some(format::counted(marked, "marked row")),
    }
}

fn completions(state: &State, prompt: &Prompt, areas: &Areas, start: u16, under: u16, buffer: &mut Buffer) {
    let Some(completion) = &prompt.completion else { return };
    if completion.candidates.len() < 2 {
        return;
    }
    let chosen = completion.chosen.unwrap_or(0);
    let count = completion.candidates.len();
    let page = VISIBLE_COMPLETIONS.min(count);
    let top = chosen.saturating_sub(page / 2).min(count - page);
    let width = completion.candidates.iter().map(|word| word.width()).max().unwrap_or(0) + 4;
    let width = u16::try_from(width).unwrap_or(u16::MAX).clamp(12, (state.size.0 * 2 / 3).max(12));
    let before = u16::try_from(format::filter_text(&completion.before).width()).unwrap_or(0);
    let x = (start + before).saturating_sub(2).min(state.size.0.saturating_sub(width));
    let height = u16::try_from(page + 2).unwrap_or(0);
    let y = match prompt.purpose {
        Purpose::Filter { .. } => (under + 1).min(areas.footer.y.saturating_sub(height)),
        _ => under.saturating_sub(height + 1),
    };
    let area = Rect { x, y, width, height };
    let inner = popup::frame(state, &format!("{} of {count}", chosen + 1), area, buffer);
    for (line, word) in completion.candidates.iter().enumerate().skip(top).take(page) {
        let y = inner.y + u16::try_from(line - top).unwrap_or(0);
        let style = if line == chosen { state.theme.selection() } else { state.theme.text() };
        let width = usize::from(inner.width);
        let text = fit::left(&fit::middle(&format::filter_text(word), width), width);
        put(buffer, inner, inner.x, y, &text, style);
    }
}
