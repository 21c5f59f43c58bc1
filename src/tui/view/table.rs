//! The table in front: headings and rows.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::tui::model::{Areas, Placed, Rows, State, Tab};
use crate::tui::view::{findings, groups, no_rows, put, requests};
use crate::tui::widgets::fit;

pub(super) struct Cell {
    /// The text; it is shortened to the width of the column.
    pub(super) text: String,
    /// Its style, unless its row is under the cursor.
    pub(super) style: Style,
}

impl Cell {
    pub(super) fn faint(state: &State, text: &str) -> Cell {
        Cell { text: text.to_owned(), style: state.theme.faint() }
    }

    /// A cell with the default style.
    pub(super) fn plain(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), style: Style::new() }
    }
}

pub(super) fn draw(state: &State, areas: &Areas, buffer: &mut Buffer) {
    let table = state.layer().table();
    let placed = &table.placed;
    let Some(rows) = table.rows.data.as_ref().filter(|rows| rows.total() > 0) else {
        let area = Rect { height: areas.rows.height + areas.head.height, y: areas.head.y, ..areas.rows };
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
            let style = if is_selected { base } else { state.theme.quiet() };
            put(buffer, area, area.x + 2, y, &heading, style);
            continue;
        }
        for column in placed {
            let cell = match rows {
                Rows::Groups(found) => groups::group(state, found, index, column),
                Rows::Times { rows, totals, .. } => groups::time(state, rows, totals, index, column),
                Rows::Findings(rows) => findings::cell(state, rows, index, column),
                Rows::Requests { .. } => requests::cell(state, rows.request(index), column),
            };
            let text = align(&cell.text, column);
            let style = if is_selected { base } else { cell.style };
            put(buffer, area, column.x, y, &text, style);
        }
    }
}

fn align(text: &str, column: &Placed) -> String {
    let width = usize::from(column.width);
    let fitted = fit::middle(text, width);
    if column.is_right_aligned { fit::right(&fitted, width) } else { fitted }
}

fn head(state: &State, area: Rect, placed: &[Placed], buffer: &mut Buffer) {
    let table = state.layer().table();
    for column in placed {
        let mut text = table.heading(column.column);
        if table.sort.by == column.column {
            text.push_str(if table.sort.descending { " ▼" } else { " ▲" });
        }
        let style =
            if table.column == column.column { state.theme.heading_chosen() } else { state.theme.heading() };
        let width = usize::from(column.width);
        let fitted = fit::end(&text, width);
        let length = u16::try_from(unicode_width::UnicodeWidthStr::width(fitted.as_str())).unwrap_or(0);
        let x =
            if column.is_right_aligned { (column.x + column.width).saturating_sub(length) } else { column.x };
        put(buffer, area, x, area.y, &fitted, style);
    }
}
