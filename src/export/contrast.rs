//! Contrasts and concentrations as sheets.

use super::columns::dimension_cell;
use super::sheet::{Cell, Sheet};
use crate::human;
use crate::insight::concentration::Concentration;
use crate::insight::contrast::{Contrast, ContrastRow, Reason};
use crate::query::{Dimension, Measure};

/// The columns of a contrast in every format but tables.
const CONTRAST_COLUMNS: [&str; 12] = [
    "dimension",
    "value",
    "dimension_2",
    "value_2",
    "count_a",
    "count_b",
    "share_a",
    "share_b",
    "lift",
    "score",
    "p_value",
    "filter",
];

/// The columns of a contrast in tables, whose width is limited.
const CONTRAST_TABLE_COLUMNS: [&str; 7] =
    ["filter", "share_a", "share_b", "lift", "count_a", "count_b", "p_value"];

/// The columns of a concentration: one row per measure.
const CONCENTRATION_COLUMNS: [&str; 12] = [
    "measure",
    "values",
    "total",
    "mean",
    "median",
    "largest",
    "top_1_share",
    "top_10_share",
    "top_100_share",
    "top_1000_share",
    "gini",
    "left_out",
];

/// The sheet of the first `limit` rows of a contrast. If `is_table`, it has fewer columns, and a note about both sets.
pub fn contrast_sheet(contrast: &Contrast, limit: usize, is_table: bool) -> Sheet<'_> {
    let rows = contrast.rows.iter().take(limit);
    if !is_table {
        return Sheet::new(&CONTRAST_COLUMNS, Box::new(rows.map(contrast_cells)), None);
    }
    let rows = rows.map(|row| {
        let p_value = if row.p_value < 0.001 { "<0.001".to_owned() } else { format!("{:.3}", row.p_value) };
        vec![
            Cell::Filter(row.filter.to_string()),
            Cell::Share(row.share_a),
            Cell::Share(row.share_b),
            Cell::Ratio(row.lift),
            Cell::Number(row.count_a.into()),
            Cell::Number(row.count_b.into()),
            Cell::Owned(p_value.into_bytes()),
        ]
    });
    Sheet::new(&CONTRAST_TABLE_COLUMNS, Box::new(rows), Some(contrast_note(contrast, limit)))
}

fn contrast_cells(row: &ContrastRow) -> Vec<Cell<'_>> {
    let value = |place: usize| match row.values.get(place) {
        Some((by, value)) => [Cell::Owned(by.name().into_bytes()), dimension_cell(Some(by), value)],
        None => [Cell::Absent, Cell::Absent],
    };
    let mut cells = Vec::with_capacity(CONTRAST_COLUMNS.len());
    cells.extend(value(0));
    cells.extend(value(1));
    cells.extend([
        Cell::Number(row.count_a.into()),
        Cell::Number(row.count_b.into()),
        Cell::Share(row.share_a),
        Cell::Share(row.share_b),
        Cell::Ratio(row.lift),
        Cell::Ratio(row.score),
        Cell::Ratio(row.p_value),
        Cell::Filter(row.filter.to_string()),
    ]);
    cells
}

fn contrast_note(contrast: &Contrast, limit: usize) -> String {
    let (a, b) =
        (human::counted(contrast.a.requests, "request"), human::counted(contrast.b.requests, "request"));
    let mut note = format!("A: {a}; B: {b}");
    let all = contrast.rows.len();
    if limit < all {
        note.push_str(&format!("; {limit} of {}, --top 0 shows all", human::counted(all as u64, "row")));
    }
    for (reason, text) in [
        (Reason::Filter, "the filters decide their values"),
        (Reason::SingleValue, "one value"),
        (Reason::Ids, "nearly every value occurs once"),
    ] {
        let left_out = contrast.left_out.iter().filter(|left_out| left_out.reason == reason);
        let names: Vec<String> = left_out.map(|left_out| left_out.dimension.name()).collect();
        if !names.is_empty() {
            note.push_str(&format!("\nleft out: {} ({text})", names.join(", ")));
        }
    }
    note
}

/// The sheet of the concentration of some measures over the values of `by`. If `is_table`, it has a note with a sentence
/// for each.
pub fn concentration_sheet<'a>(
    by: &Dimension,
    measures: &'a [(Measure, Concentration)],
    is_table: bool,
) -> Sheet<'a> {
    let sentences = measures.iter().map(|(of, concentration)| concentration.sentence(by, *of));
    let note = is_table.then(|| sentences.collect::<Vec<_>>().join("\n"));
    let rows = measures.iter().map(|(of, concentration)| {
        let number = |number: f64| match of {
            Measure::BytesSent => Cell::Bytes(number.round() as i128),
            _ => Cell::Ratio(number),
        };
        let whole = |number: u64| match of {
            Measure::BytesSent => Cell::Bytes(number.into()),
            _ => Cell::Number(number.into()),
        };
        let top = |values: u64| {
            let top = concentration.tops.iter().find(|top| top.values == values);
            top.map_or(Cell::Absent, |top| Cell::Share(top.share))
        };
        vec![
            Cell::Text(of.name().as_bytes()),
            Cell::Number(concentration.values.into()),
            whole(concentration.total),
            number(concentration.mean),
            number(concentration.median),
            whole(concentration.largest),
            top(1),
            top(10),
            top(100),
            top(1000),
            Cell::Ratio(concentration.gini),
            whole(concentration.left_out),
        ]
    });
    Sheet::new(&CONCENTRATION_COLUMNS, Box::new(rows), note)
}
