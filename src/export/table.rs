//! Text tables with aligned columns.

use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Row, Table};

use super::sheet::{Cell, Sheet};
use crate::human;

/// Writes a table with a heading, and below it the note of the sheet.
pub(super) fn write(sheet: Sheet<'_>, width: Option<u16>, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Disabled);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(40));
    }
    let aligned = |text: String, is_right: bool| {
        let alignment = if is_right { CellAlignment::Right } else { CellAlignment::Left };
        comfy_table::Cell::new(text).set_alignment(alignment)
    };
    let mut is_number = vec![false; sheet.titles.len()];
    let mut rows = Vec::new();
    for row in sheet.rows {
        let cells = row.iter().zip(&mut is_number).map(|(cell, is_number)| {
            let (text, is_right) = format_cell(cell);
            *is_number |= is_right;
            aligned(text, is_right)
        });
        let mut row = Row::from(cells.collect::<Vec<_>>());
        row.max_height(1);
        rows.push(row);
    }
    let titles = sheet.titles.iter().zip(&is_number);
    let titles = titles.map(|(title, is_right)| aligned(title.to_uppercase(), *is_right));
    table.set_header(titles.collect::<Vec<_>>());
    table.add_rows(rows);
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    if let Some(note) = sheet.note {
        writeln!(out, "{note}")?;
    }
    Ok(())
}

/// The text of a cell, and whether it is aligned to the right.
pub(super) fn format_cell(cell: &Cell<'_>) -> (String, bool) {
    if let Some(text) = cell.visible_text() {
        return (text.into_owned(), false);
    }
    let whole = |number: &i128| u64::try_from(*number).ok();
    match cell {
        Cell::Number(number) => (whole(number).map_or_else(|| number.to_string(), human::count), true),
        Cell::Bytes(number) => (whole(number).map_or_else(|| number.to_string(), human::bytes), true),
        Cell::Milliseconds(number) => (human::duration(*number), true),
        Cell::Share(share) => (human::percent(*share), true),
        Cell::Ratio(number) => (human::ratio(*number), true),
        Cell::Dollars(number) => (human::dollars(*number), true),
        Cell::Instant(second) => (human::instant(*second), false),
        Cell::Text(_) | Cell::Owned(_) | Cell::Filter(_) | Cell::Absent => ("-".to_owned(), false),
    }
}
