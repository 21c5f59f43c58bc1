//! The table in front: headings and rows.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::tui::model::column_shape::SHARE_WIDTH;
use crate::tui::model::{Areas, Column, Placed, Rows, State, Tab};
use crate::tui::view::{findings, groups, no_rows, put, requests};
use crate::tui::widgets::fit;

pub(super) struct Cell {
    /// The text; it is shortened to the width of the column.
    pub(super) text: String,
    /// Its style, unless its row is under the cursor.
    pub(super) style: Style,
    /// The style of the text from this terminal column on.
    pub(super) tail: Option<(u16, Style)>,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Cell {
        Cell { text: text.into(), style, tail: None }
    }

    pub(super) fn faint(state: &State, text: &str) -> Cell {
        Cell::new(text, state.theme.faint())
    }

    /// A cell with the default style.
    pub(super) fn plain(text: impl Into<String>) -> Cell {
        Cell::new(text, Style::new())
    }
}

pub(super) fn draw(state: &State, areas: &Areas, buffer: &mut Buffer) {
    let table = state.layer().table();
    let placed = &table.placed;
    let Some(rows) = table.rows.data.as_ref().filter(|rows| rows.total() > 0) else {
        // There is no preview without rows.
        let width = state.size.0;
        let height = areas.rows.height + areas.head.height;
        let area = Rect { x: 0, y: areas.head.y, width, height };
        return match state.layer().tab {
            Tab::Findings => findings::draw_none(state, area, buffer),
            _ => no_rows::draw(state, area, buffer),
        };
    };
    head(state, areas.head, placed, buffer);
    for line in 0..areas.rows.height {
        let index = table.top + usize::from(line);
        let y = areas.rows.y + line;
        if index >= rows.reachable() {
            break;
        }
        let area = Rect { y, height: 1, ..areas.rows };
        let is_selected = index == table.cursor;
        let is_marked = !table.marks.is_empty() && rows.id(index).is_some_and(|id| table.marks.contains(&id));
        let base = if is_selected { state.theme.selection() } else { state.theme.text() };
        if is_selected {
            buffer.set_style(area, base);
        }
        if is_marked {
            put(buffer, area, area.x, y, "●", state.theme.mark().patch(base));
        } else if is_selected {
            put(buffer, area, area.x, y, "▌", state.theme.accent());
        }
        if let Rows::Findings(rows) = rows
            && let Some(heading) = findings::heading(rows, index)
        {
            let quiet = state.theme.quiet();
            let style = if is_selected { state.theme.selected(quiet) } else { quiet };
            put(buffer, area, area.x + 2, y, &heading, style);
            continue;
        }
        for column in placed {
            let cell = match rows {
                Rows::Groups(found) => groups::group(state, found, index, column),
                Rows::Pairs(pairs) => groups::pair(state, pairs, index, column),
                Rows::Times { rows, totals, .. } => groups::time(state, rows, totals, index, column),
                Rows::Findings(rows) => findings::cell(state, rows, index, column),
                Rows::Requests { .. } => requests::cell(state, rows.request(index), column),
            };
            let text = align(&cell, column);
            let styled = |style| if is_selected { state.theme.selected(style) } else { style };
            put(buffer, area, column.x, y, &text, styled(cell.style));
            if let Some((after, tail)) = &cell.tail {
                put(buffer, area, column.x + after, y, &text_from(&text, *after), styled(*tail));
            }
        }
    }
}

fn align(cell: &Cell, column: &Placed) -> String {
    let width = usize::from(column.width);
    let fitted = fit::middle(&cell.text, width);
    if column.is_right_aligned { fit::right(&fitted, width) } else { fitted }
}

/// The text from terminal column `after` on. All characters before it are one column wide.
fn text_from(text: &str, after: u16) -> String {
    text.chars().skip(usize::from(after)).collect()
}

fn head(state: &State, area: Rect, placed: &[Placed], buffer: &mut Buffer) {
    let table = state.layer().table();
    for column in placed {
        let mut text = table.heading(column.column);
        let is_sorted = table.sort.by == column.column;
        if is_sorted {
            text.push_str(if table.sort.descending { " ▼" } else { " ▲" });
        }
        let style =
            if table.column == column.column { state.theme.heading_chosen() } else { state.theme.heading() };
        // The second half of the sort mark is in the gap after the column.
        let box_width = if column.column == Column::Share { SHARE_WIDTH } else { column.width };
        let end = column.x + box_width + u16::from(is_sorted);
        let fitted = fit::end(&text, usize::from(column.width.max(box_width)) + usize::from(is_sorted));
        let length = u16::try_from(unicode_width::UnicodeWidthStr::width(fitted.as_str())).unwrap_or(0);
        let is_right = column.is_right_aligned || column.column == Column::Share;
        let x = if is_right { end.saturating_sub(length).max(column.x) } else { column.x };
        put(buffer, area, x, area.y, &fitted, style);
    }
    let theme = state.theme;
    if table.scrolled > 0
        && let Some(first) = placed.first()
    {
        put(buffer, area, first.x + first.width, area.y, "‹", theme.accent());
    }
    // The sort mark of the last column may be there.
    let edge = &buffer[(area.right().saturating_sub(1), area.y)];
    if table.has_more_columns() && edge.symbol() == " " {
        put(buffer, area, area.right().saturating_sub(1), area.y, "›", theme.accent());
    }
}
