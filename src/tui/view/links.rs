//! Where links are on the screen.
//!
//! Links change nothing that views draw. They are found afterwards, so that a cell is part of a link only if it shows the text
//! of the link, and not that of a popup in front of it.

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::layout::Rect;

use crate::log::{FIELDS, Field};
use crate::query::{Dimension, RequestRow, Value};
use crate::tui::format;
use crate::tui::model::link::Target;
use crate::tui::model::{Areas, Context, Detail, LineOf, NAMES_WIDTH, State, TableKind};
use crate::tui::view::footer;

/// Cells of a line that open the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tui) struct Link {
    pub(in crate::tui) x: u16,
    pub(in crate::tui) y: u16,
    pub(in crate::tui) width: u16,
    pub(in crate::tui) target: Target,
}

/// The links on a screen that [`render`](super::render) has drawn. They do not overlap.
pub(in crate::tui) fn links(state: &State, buffer: &Buffer) -> Vec<Link> {
    if state.is_too_small() {
        return Vec::new();
    }
    let areas = Areas::of(state);
    let mut links = Vec::new();
    match &state.layer().detail {
        Some(detail) => of_detail(state, detail, areas.rows, buffer, &mut links),
        None => under_cursor(state, &areas, buffer, &mut links),
    }
    let covered = links.len();
    of_message(state, areas.footer, buffer, &mut links);
    // A long message is in front of the last lines.
    if let Some(top) = links[covered..].iter().map(|link| link.y).min() {
        let mut index = 0;
        links.retain(|link| {
            index += 1;
            index > covered || link.y < top
        });
    }
    links
}

/// The values of an open request.
fn of_detail(state: &State, detail: &Detail, area: Rect, buffer: &Buffer, links: &mut Vec<Link>) {
    for (line, y) in detail.lines(state, area).iter().skip(detail.top).zip(area.y..area.bottom()) {
        let LineOf::Field(index) = line.of else { continue };
        let Some(spec) = FIELDS.get(index).filter(|_| !line.text.is_empty()) else { continue };
        let x = area.x + NAMES_WIDTH;
        if let Some(target) = Target::of_request(&detail.row, spec.field, &state.links.computer)
            && let Some(width) = width_at(buffer, x, y, &line.text)
        {
            links.push(Link { x, y, width, target });
        }
    }
}

/// The operation and the error code of the row under the cursor, below the table or beside it.
fn under_cursor(state: &State, areas: &Areas, buffer: &Buffer, links: &mut Vec<Link>) {
    let table = state.layer().table();
    let Some(rows) = &table.rows.data else { return };
    let of_request = |row: &RequestRow| {
        [Field::Operation, Field::ErrorCode].map(|field| (field, row.get(field).clone())).to_vec()
    };
    let values: Vec<(Field, Value)> = match &table.kind {
        TableKind::Groups(Dimension::Field(field)) => {
            rows.group(table.cursor).map(|row| (*field, row.value.clone())).into_iter().collect()
        }
        TableKind::Pairs(by) => rows.pair(table.cursor).map_or(Vec::new(), |row| {
            let field = |by: &Dimension| match by {
                Dimension::Field(field) => Some(*field),
                _ => None,
            };
            by.iter().zip(&row.values).filter_map(|(by, value)| Some((field(by)?, value.clone()))).collect()
        }),
        TableKind::Requests => rows.request(table.cursor).map_or(Vec::new(), of_request),
        _ => Vec::new(),
    };
    for (field, value) in values {
        let Value::Text(_) = value else { continue };
        let text = format::value(&value);
        let target = match field {
            Field::Operation => Target::operation(&text),
            Field::ErrorCode => Target::error_code(&text),
            _ => None,
        };
        let Some(target) = target else { continue };
        for area in [areas.value, areas.preview] {
            if let Some((x, y, width)) = find(buffer, area, &text) {
                links.push(Link { x, y, width, target: target.clone() });
            }
        }
    }
}

/// The file that a message is about.
fn of_message(state: &State, area: Rect, buffer: &Buffer, links: &mut Vec<Link>) {
    let Some(message) = state.message.as_ref().filter(|_| state.context() != Context::CopyMenu) else {
        return;
    };
    let Some(path) = &message.file else { return };
    let Some(target) = Target::file(path, &state.links.computer) else { return };
    let shown = format::visible(&path.display().to_string());
    let Some(start) = message.text.find(&*shown) else { return };
    let mut wanted = start..start + shown.len();
    for (x, y, line) in footer::message_lines(state, &message.text, area) {
        let Some(text) = line.get(wanted.start.min(line.len())..wanted.end.min(line.len())) else { return };
        let before =
            line.get(..wanted.start.min(line.len())).map_or(0, unicode_width::UnicodeWidthStr::width);
        let x = x.saturating_add(u16::try_from(before).unwrap_or(u16::MAX));
        if let Some(width) = width_at(buffer, x, y, text).filter(|_| !text.is_empty()) {
            links.push(Link { x, y, width, target: target.clone() });
        }
        wanted = wanted.start.saturating_sub(line.len())..wanted.end.saturating_sub(line.len());
    }
}

/// The number of terminal columns of `text`, if the screen shows it at this place.
fn width_at(buffer: &Buffer, x: u16, y: u16, text: &str) -> Option<u16> {
    let mut rest = text;
    let mut at = x;
    while !rest.is_empty() {
        let cell = buffer.cell((at, y)).filter(|_| at < buffer.area.right())?;
        rest = rest.strip_prefix(cell.symbol())?;
        at = at.checked_add(cell.cell_width().max(1))?;
    }
    Some(at - x)
}

/// The first place in an area that shows `text`, and its number of terminal columns.
fn find(buffer: &Buffer, area: Rect, text: &str) -> Option<(u16, u16, u16)> {
    let mut places = area.rows().flat_map(|row| row.columns());
    places.find_map(|place| Some((place.x, place.y, width_at(buffer, place.x, place.y, text)?)))
}
