//! The line with what the layer in front shows: in the first layer, its time range and the terms of its filter; in others,
//! the way there.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use crate::tui::model::crumbs::{self, Part};
use crate::tui::model::{Command, State};
use crate::tui::{format, view::put, widgets::fit};

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    if state.depth() > 1 {
        return way(state, area, buffer);
    }
    let layer = state.layer();
    let mut chips: Vec<(String, _)> = Vec::new();
    if layer.time != state.session_time
        && let Some((start, end)) = state.chosen_range(layer)
    {
        let time = format::span(start, end, state.zone(), state.shows_year());
        chips.push((time, theme.chip()));
    }
    for term in layer.filter.terms() {
        chips.push((format::filter(term), theme.chip()));
    }
    for term in &layer.disabled {
        chips.push((format::filter(term), theme.chip_off()));
    }
    let mut x = area.x + 1;
    if let Some(title) = layer.title() {
        x = put(buffer, area, x, area.y, title, theme.accent()) + 1;
    }
    if chips.is_empty() && layer.title().is_some() {
        return;
    }
    if chips.is_empty() {
        let key = state.table_key(Command::EditFilter);
        put(buffer, area, x, area.y, &format!("all requests  {key} filters"), theme.faint());
        return;
    }
    // Long terms are shortened so that all terms are visible.
    let room = usize::from(area.right().saturating_sub(x + 1));
    let fair = (room / chips.len()).saturating_sub(3).max(8);
    let over: usize = chips.iter().map(|(text, _)| fair.saturating_sub(text.width())).sum();
    let long = chips.iter().filter(|(text, _)| text.width() > fair).count().max(1);
    for (index, (text, style)) in chips.iter().enumerate() {
        let left = chips.len() - index;
        if area.right().saturating_sub(x) < 12 && left > 1 {
            put(buffer, area, x, area.y, &format!("+{left}"), theme.faint());
            return;
        }
        x = put(buffer, area, x, area.y, "▸ ", theme.faint());
        x = put(buffer, area, x, area.y, &fit::middle(text, fair + over / long), *style) + 1;
    }
}

/// The way from the first layer to the one in front.
fn way(state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let crumbs = crumbs::of(state, area.x + 1, area.right());
    let front = state.depth() - 1;
    for (index, crumb) in crumbs.iter().enumerate() {
        if index > 0 {
            let x = crumb.start.saturating_sub(u16::try_from(crumbs::SEPARATOR.width()).unwrap_or(0));
            put(buffer, area, x, area.y, crumb.separator(), theme.faint());
        }
        let style = match crumb.part {
            Part::Title => theme.accent(),
            Part::Term => theme.chip(),
            Part::OffTerm => theme.chip_off(),
            Part::Name if crumb.layer == front => theme.heading(),
            Part::Name => theme.text(),
            Part::LeftOut => theme.quiet(),
        };
        put(buffer, area, crumb.start, area.y, &crumb.text, style);
    }
}
