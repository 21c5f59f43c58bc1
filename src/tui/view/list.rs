//! A list to choose from, in front of the tables.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::{popup, put};
use crate::tui::format;
use crate::tui::model::layout;
use crate::tui::model::state::{Overlay, State};
use crate::tui::update;
use crate::tui::widgets::fit;

/// A line of a list.
struct Entry {
    text: String,
    about: String,
    style: Style,
}

/// Title, cursor and lines of the list in front; `None` if what is in front is no list.
fn content(state: &State) -> Option<(&'static str, usize, Vec<Entry>)> {
    let theme = state.theme;
    let check = |on: bool| if on { "[x]" } else { "[ ]" };
    Some(match state.overlay.as_ref()? {
        Overlay::Filters(at) => {
            let layer = state.layer();
            let on = layer.filter.terms().iter().map(|term| (true, term));
            let off = layer.resting.iter().map(|term| (false, term));
            let entries = on.chain(off).map(|(on, term)| Entry {
                text: format!("{} {}", check(on), format::visible(&term.to_string())),
                about: String::new(),
                style: if on { theme.text() } else { theme.faint() },
            });
            ("Filters", *at, entries.collect())
        }
        Overlay::Columns(at) => {
            let title = state.layer().table().title();
            let placed = layout::columns(state);
            let entries = update::choices_of_columns(state).iter().map(|choice| {
                let fits = placed.iter().any(|placed| placed.column == choice.column);
                let room = if choice.wanted && !fits { "  (no room for it)" } else { "" };
                Entry {
                    text: format!("{} {}", check(choice.wanted), choice.column.title(&title)),
                    about: format!("{}{room}", choice.column.about()),
                    style: if choice.wanted { theme.text() } else { theme.faint() },
                }
            });
            ("Columns", *at, entries.collect())
        }
        Overlay::Dimensions(at) => {
            let entries = update::dimensions().into_iter().map(|by| Entry {
                text: by.name(),
                about: about(&by),
                style: theme.text(),
            });
            ("Group by", *at, entries.collect())
        }
        Overlay::Widths(at) => {
            let entries = update::widths().into_iter().map(|width| Entry {
                text: width.map_or("to fit".to_owned(), |width| format::span(i64::from(width))),
                about: String::new(),
                style: theme.text(),
            });
            ("One row is", *at, entries.collect())
        }
        Overlay::Help(_) | Overlay::Failures(_) => return None,
    })
}

fn about(by: &crate::query::Dimension) -> String {
    use crate::query::Dimension;
    match by {
        Dimension::Field(field) => field.spec().about,
        Dimension::Network { .. } => "Addresses by network: /24 and /48.",
        Dimension::Role => "Requesters with the sessions of a role folded together.",
        Dimension::Prefix { depth: 1 } => "Keys by their first folder.",
        Dimension::Prefix { .. } => "Keys by their first folders.",
        Dimension::Extension => "Keys by what stands behind the last dot.",
        Dimension::Method => "GET, PUT, …",
        Dimension::StatusClass => "2xx, 3xx, 4xx, 5xx.",
        Dimension::HourOfDay => "Hours of the day, UTC.",
        Dimension::Weekday => "Days of the week, UTC.",
        Dimension::QueryParam { .. } => "Values of a parameter of the request URI.",
    }
    .to_owned()
}

fn place(state: &State, entries: &[Entry]) -> Rect {
    let width = entries.iter().map(|entry| column(entries) + 2 + entry.about.width()).max().unwrap_or(0);
    layout::popup(state, u16::try_from(width + 6).unwrap_or(u16::MAX).max(34), entries.len())
}

fn column(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.text.width()).max().unwrap_or(0)
}

fn first(at: usize, page: usize, count: usize) -> usize {
    at.saturating_sub(page / 2).min(count.saturating_sub(page))
}

/// The part of the screen that the list in front takes.
pub(crate) fn area(state: &State) -> Option<Rect> {
    content(state).map(|(_, _, entries)| place(state, &entries))
}

/// The line of the list at a row of the terminal.
pub(crate) fn line_at(state: &State, y: u16) -> Option<usize> {
    let (_, at, entries) = content(state)?;
    let area = place(state, &entries);
    let page = usize::from(area.height.saturating_sub(2));
    let line = usize::from(y.checked_sub(area.y + 1)?);
    let index = first(at, page, entries.len()) + line;
    (line < page && index < entries.len()).then_some(index)
}

/// Draws it.
pub(super) fn draw(state: &State, buffer: &mut Buffer) {
    let Some((title, at, entries)) = content(state) else { return };
    let theme = state.theme;
    let area = place(state, &entries);
    let inner = popup::frame(state, title, area, buffer);
    let page = usize::from(inner.height);
    let top = first(at, page, entries.len());
    let texts = column(&entries).min(usize::from(inner.width));
    for (index, entry) in entries.iter().enumerate().skip(top).take(page) {
        let y = inner.y + u16::try_from(index - top).unwrap_or(0);
        let is_selected = index == at;
        let style = if is_selected { theme.selection() } else { entry.style };
        if is_selected {
            buffer.set_style(Rect { y, height: 1, ..inner }, style);
        }
        put(buffer, inner, inner.x, y, &fit::middle(&entry.text, texts), style);
        let about = if is_selected { theme.selection() } else { theme.quiet() };
        let x = inner.x + u16::try_from(texts).unwrap_or(0) + 2;
        let room = usize::from(inner.right().saturating_sub(x));
        put(buffer, inner, x, y, &fit::end(&entry.about, room), about);
    }
}
