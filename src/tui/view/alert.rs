//! The line about a finding above the table: the worst one, or the one under the brush.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};
use unicode_width::UnicodeWidthStr;

use crate::tui::model::{Command, State, Tab, found};
use crate::tui::view::{put, put_right};
use crate::tui::{cell_text, format, widgets::fit};

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(found::Alert { finding, place, count }) = found::alert(state) else { return };
    let theme = state.theme;
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let key = state.table_key(Command::Tab(Tab::Findings as u8));
    let right = match (place, count) {
        (Some(place), count) => format!("{place} of {count}"),
        (None, 1) => "details".to_owned(),
        (None, count) => format!("all {count} findings"),
    };
    let mut x = put_right(buffer, area, area.y, &right, theme.quiet());
    if place.is_none() {
        // As in the last line of the screen: a key and what it does.
        let before = Rect { width: x.saturating_sub(area.x + 1), ..area };
        x = put_right(buffer, before, area.y, &key, theme.accent());
    }
    let left = Rect { width: x.saturating_sub(area.x).saturating_sub(2), ..area };
    let style = theme.severity(found::severity(finding)).add_modifier(Modifier::BOLD);
    let x = put(buffer, left, left.x, left.y, &format!("! {}", finding.kind.name()), style) + 2;
    let mut text = cell_text::short_user_ids(&format::visible(&finding.explanation));
    // The numbers are those of the whole finding, not only those of the time on the screen.
    if found::is_cut(state, finding) {
        text.insert_str(0, &format!("{}: ", format::period(finding.start, finding.end, state.zone())));
    }
    let room = usize::from(left.right().saturating_sub(x));
    // The first sentence as a whole says more than two that are cut.
    let text = match text.split_once(". ") {
        Some((first, _)) if first.width() < room => first,
        _ => text.as_str(),
    };
    put(buffer, left, x, left.y, &fit::end(text, room), theme.text());
}
