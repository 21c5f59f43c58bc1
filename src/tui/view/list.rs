//! A list to choose from, with what the user typed to narrow it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::tui::model::{Entry, List, State};
use crate::tui::view::{popup, put, put_right};
use crate::tui::{format, widgets::fit};

/// Draws the list in front. Returns the position of the terminal cursor: after the typed text.
pub(super) fn draw_in_front(state: &State, buffer: &mut Buffer) -> Option<Position> {
    let list = List::in_front(state)?;
    let area = list.area(state);
    let typed = format::visible(&list.typed);
    let title = match typed.is_empty() {
        true => list.title.clone(),
        false => format!("{}: {typed}", list.title),
    };
    draw(state, &list, &title, area, buffer);
    let after = u16::try_from(title.width()).unwrap_or(u16::MAX).saturating_add(area.x + 2);
    let x = after.min(area.right().saturating_sub(2));
    (!typed.is_empty()).then_some(Position { x, y: area.y })
}

/// Draws a list into `area`.
pub(super) fn draw(state: &State, list: &List, title: &str, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let inner = popup::frame(state, title, area, buffer);
    let page = list.page(area);
    let top = list.top(page);
    let choices = list.entries.iter().filter(|entry| entry.choice.is_some()).count();
    let count = match !list.typed.is_empty() || choices > page {
        true => format!(" {choices} of {} ", list.total),
        false => String::new(),
    };
    let bottom = Rect { width: area.width.saturating_sub(2), ..area };
    let y = area.bottom().saturating_sub(1);
    put_right(buffer, bottom, y, &count, theme.quiet());
    let hint = " typing narrows the list ";
    if list.typed.is_empty() && hint.len() + count.len() + 5 <= usize::from(area.width) {
        put(buffer, area, area.x + 2, y, hint, theme.faint());
    }
    if list.entries.is_empty() {
        put(buffer, inner, inner.x, inner.y, "nothing matches", theme.quiet());
    }
    for (index, entry) in list.entries.iter().enumerate().skip(top).take(page) {
        let y = inner.y + u16::try_from(index - top).unwrap_or(0);
        draw_entry(state, list, entry, index == list.cursor, Rect { y, height: 1, ..inner }, buffer);
    }
    if list.whole_lines > 0
        && let Some(entry) = list.chosen()
    {
        let lines = fit::wrap(entry.whole(), usize::from(inner.width));
        let first = inner.bottom().saturating_sub(list.whole_lines);
        put(buffer, inner, inner.x, first, &"─".repeat(usize::from(inner.width)), theme.faint());
        for (line, y) in lines.iter().take(usize::from(list.whole_lines) - 1).zip(first + 1..) {
            put(buffer, inner, inner.x, y, line, theme.quiet());
        }
    }
}

fn draw_entry(state: &State, list: &List, entry: &Entry, is_selected: bool, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    if entry.choice.is_none() {
        put(buffer, area, area.x, area.y, &entry.text, theme.heading());
        return;
    }
    if is_selected {
        buffer.set_style(area, theme.selection());
    }
    let styled = |style: Style| if is_selected { theme.selected(style) } else { style };
    let plain = if entry.is_on { theme.text() } else { theme.faint() };
    // In the help, keys are in front of the entries.
    let lead = if entry.is_on && list.has_keys_in_front { theme.accent() } else { plain };
    let mut area = area;
    if !entry.key.is_empty() && usize::from(area.width) > entry.key.width() + 12 {
        let x = put_right(buffer, area, area.y, &entry.key, styled(theme.accent()));
        area.width = (x - area.x).saturating_sub(2);
    }
    put(buffer, area, area.x, area.y, &entry.lead, styled(lead));
    let x = area.x + u16::try_from(list.lead_width).unwrap_or(0);
    let room = usize::from(area.right().saturating_sub(x));
    let text_width = if entry.about.is_empty() { room } else { list.text_width.min(room) };
    let text = Part { text: &entry.text, matched: &entry.in_text, style: styled(plain) };
    text.draw(Rect { x, width: u16::try_from(text_width).unwrap_or(0), ..area }, buffer);
    let about_x = x + u16::try_from(text_width).unwrap_or(0) + 2;
    if !entry.about.is_empty() && about_x < area.right() {
        let style = styled(theme.quiet());
        let about = Part { text: &entry.about, matched: &entry.in_about, style };
        about.draw(Rect { x: about_x, width: area.right() - about_x, ..area }, buffer);
    }
}

/// A text with the characters that match.
struct Part<'a> {
    text: &'a str,
    matched: &'a [usize],
    style: Style,
}

impl Part<'_> {
    /// Draws the text, shortened at its end. Matched characters are bold and underlined, which needs no colours.
    fn draw(&self, area: Rect, buffer: &mut Buffer) {
        let fitted = fit::end(self.text, usize::from(area.width));
        put(buffer, area, area.x, area.y, &fitted, self.style);
        let same = fitted.chars().zip(self.text.chars()).take_while(|(one, other)| one == other);
        let mut x = area.x;
        for (index, (c, _)) in same.enumerate() {
            let width = u16::try_from(c.width().unwrap_or(0)).unwrap_or(0);
            if self.matched.contains(&index) {
                let style = self.style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
                buffer.set_style(Rect { x, y: area.y, width, height: 1 }.intersection(area), style);
            }
            x += width;
        }
    }
}
