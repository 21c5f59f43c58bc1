//! Places the columns of a table: which of them fit, where they are, how wide they are.

use crate::log::{Field, ValueType};
use crate::query::Measure;
use crate::query::measure::{MeasureSpec, Unit};
use crate::tui::model::{Column, FindingColumn, columns::Choice};

/// The widths that are useful for a column, in terminal columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    min_width: u16,
    max_width: u16,
    is_right_aligned: bool,
    /// Columns with a larger rank are the first to be left out.
    rank: u8,
}

/// A column on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) column: Column,
    /// Its first terminal column.
    pub(crate) x: u16,
    /// In terminal columns.
    pub(crate) width: u16,
    pub(crate) is_right_aligned: bool,
}

/// Terminal columns of a time with its year, `2026-04-01 00:00:00`.
pub(crate) const FULL_INSTANT_WIDTH: u16 = 19;
/// Terminal columns before the first column, for the mark of a row.
const MARGIN: u16 = 2;
/// Terminal columns between two columns.
pub(crate) const GAP: u16 = 2;

/// The terminal columns that a column needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// For its heading with the sort mark.
    pub(crate) heading: u16,
    /// For the texts of the first rows. This decides which columns fit.
    pub(crate) first: u16,
    /// For all texts that were visible. A column grows for them only into room that is left over.
    pub(crate) seen: u16,
    /// The previous width; it is kept if possible.
    pub(crate) before: u16,
}

impl Column {
    /// `content` is the width of its texts, `room` that of the table, in terminal columns. In a wide table, texts get more
    /// room before the least important columns get any.
    fn shape(self, content: u16, room: u16) -> Shape {
        let text = if room >= 110 { content.clamp(18, 36) } else { 18 };
        let number =
            |min_width, rank| Shape { min_width, max_width: min_width, is_right_aligned: true, rank };
        let words =
            |min_width, max_width, rank| Shape { min_width, max_width, is_right_aligned: false, rank };
        match self {
            // The values get more room before the last column gets any: two keys must not look the same.
            Column::Value => words(text.max(content.clamp(18, 26)) - 2, content.max(16), 0),
            Column::Share => {
                let column = &Measure::Share.spec().column;
                words(column.width, 19, column.rank)
            }
            Column::Activity => words(8, 32, 8),
            Column::Finding(column) => match column {
                FindingColumn::Kind => words(17, 17, 0),
                FindingColumn::Subject => words(16, content.max(16), 0),
                FindingColumn::When => words(17, 17, 1),
                FindingColumn::Cost => number(8, 3),
                FindingColumn::Score => words(8, 16, 2),
            },
            Column::Measure(measure) => {
                let MeasureSpec { column, unit, .. } = measure.spec();
                match unit {
                    // Times have one width, with the year or without.
                    Unit::Instant => {
                        let width = content.clamp(column.width, FULL_INSTANT_WIDTH);
                        words(width, width, column.rank)
                    }
                    _ => number(column.width, column.rank),
                }
            }
            Column::Field(field) => match field {
                Field::Time => {
                    let width = content.clamp(14, FULL_INSTANT_WIDTH);
                    words(width, width, 0)
                }
                Field::RemoteIp => words(15, content.clamp(15, 39), 2),
                Field::HttpStatus => number(6, 1),
                Field::Operation => words(15, content.clamp(15, 30), 3),
                Field::Key => words(text, content.max(18), 1),
                Field::BytesSent => number(10, 4),
                Field::ObjectSize => number(11, 6),
                Field::TotalTime => number(10, 7),
                Field::TurnAroundTime => number(16, 9),
                Field::ErrorCode => words(12, content.clamp(12, 28), 6),
                Field::Requester => words(14, content.clamp(14, 60), 5),
                Field::UserAgent => words(14, content.max(14), 8),
                other if other.spec().value == ValueType::Integer => number(12, 10),
                _ => words(12, content.max(12), 10),
            },
        }
    }
}

/// Fits the shown columns of `choices` into `width` terminal columns. The least important ones are left out, but never
/// the sort column `sorted`. Room that is left over goes to columns that can use it, the most
/// important first. `needs` returns what a column needs. While only `seen` grows, no column appears, disappears or
/// becomes narrower.
pub(crate) fn place(
    choices: &[Choice],
    width: u16,
    sorted: Column,
    needs: impl Fn(Column) -> Needs,
) -> Vec<Placed> {
    let room = width.saturating_sub(MARGIN);
    let shape = |column: Column, content: u16, heading: u16| {
        let shape = column.shape(content.max(heading), room);
        let min_width = shape.min_width.max(heading);
        Shape { min_width, max_width: shape.max_width.max(min_width), ..shape }
    };
    let all: Vec<(Column, Shape)> = choices
        .iter()
        .filter(|choice| choice.is_shown)
        .map(|choice| (choice.column, needs(choice.column)))
        .map(|(column, needs)| (column, shape(column, needs.first, needs.heading)))
        .collect();
    // Take the columns by importance, each if it still fits.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&index| match all[index] {
        (column, shape) if shape.rank > 0 && column == sorted => (1, 0),
        (_, shape) => (shape.rank.min(2), shape.rank),
    });
    let mut fits = vec![false; all.len()];
    let mut used = 0;
    for &index in &order {
        let more = all[index].1.min_width + if used > 0 { GAP } else { 0 };
        if used == 0 || used + more <= room {
            used += more;
            fits[index] = true;
        }
    }
    let placeable: Vec<(Column, Shape)> =
        all.into_iter().zip(fits).filter(|(_, fits)| *fits).map(|(column, _)| column).collect();
    let mut spare = room.saturating_sub(used);
    let mut widths: Vec<u16> = placeable.iter().map(|(_, shape)| shape.min_width.min(room)).collect();
    let mut order: Vec<usize> = (0..placeable.len()).collect();
    order.sort_by_key(|&index| placeable[index].1.rank);
    for &index in &order {
        let more = placeable[index].1.max_width.saturating_sub(widths[index]).min(spare);
        widths[index] += more;
        spare -= more;
    }
    // With the spare room, columns keep their previous widths, then grow for all texts that were visible.
    for (width, (column, _)) in widths.iter_mut().zip(&placeable) {
        let more = needs(*column).before.saturating_sub(*width).min(spare);
        *width += more;
        spare -= more;
    }
    for (width, (column, _)) in widths.iter_mut().zip(&placeable) {
        let needs = needs(*column);
        let max_width = shape(*column, needs.first.max(needs.seen), needs.heading).max_width;
        let more = max_width.saturating_sub(*width).min(spare);
        *width += more;
        spare -= more;
    }
    let mut x = MARGIN;
    let mut placed = Vec::with_capacity(placeable.len());
    for ((column, shape), width) in placeable.into_iter().zip(widths) {
        placed.push(Placed { column, x, width, is_right_aligned: shape.is_right_aligned });
        x += width + GAP;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Dimension;
    use crate::tui::model::columns::{of_groups, of_requests, of_times};

    fn needs(columns: u16) -> impl Fn(Column) -> Needs {
        move |column| Needs {
            heading: u16::try_from(column.title("").chars().count()).unwrap() + 2,
            first: columns,
            seen: columns,
            before: 0,
        }
    }

    #[test]
    fn headings_do_not_overlap_whatever_the_sort_column() {
        for mut choices in [of_groups(&Dimension::Field(Field::Key)), of_times(), of_requests()] {
            choices.iter_mut().for_each(|choice| choice.is_shown = true);
            for width in [80, 130, 200, 400] {
                for sorted in &choices {
                    for placed in place(&choices, width, sorted.column, needs(5)) {
                        let heading = needs(5)(placed.column).heading;
                        assert!(placed.width >= heading, "{placed:?} at {width}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_narrow_terminal_keeps_what_matters_most() {
        let sorted = Column::Measure(Measure::BytesSent);
        let placed = place(&of_groups(&Dimension::Field(Field::RemoteIp)), 60, sorted, needs(12));
        let columns: Vec<Column> = placed.iter().map(|placed| placed.column).collect();
        assert_eq!(
            columns,
            [
                Column::Value,
                Column::Measure(Measure::Requests),
                Column::Measure(Measure::BytesSent),
                Column::Measure(Measure::ErrorRate)
            ]
        );
    }

    #[test]
    fn no_column_leaves_the_screen_at_any_width() {
        for choices in [of_groups(&Dimension::Field(Field::Key)), of_times(), of_requests()] {
            for width in 20..260 {
                for sorted in &choices {
                    for placed in place(&choices, width, sorted.column, needs(300)) {
                        assert!(placed.x + placed.width <= width, "{placed:?} at {width}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_sort_column_fits_the_smallest_screen() {
        for mut choices in [of_groups(&Dimension::Field(Field::Key)), of_times(), of_requests()] {
            choices.iter_mut().for_each(|choice| choice.is_shown = true);
            for width in 60..130 {
                for sorted in &choices {
                    let placed = place(&choices, width, sorted.column, needs(300));
                    let is_placed = |column| placed.iter().any(|placed| placed.column == column);
                    assert!(
                        is_placed(sorted.column) && is_placed(choices[0].column),
                        "{sorted:?} at {width}"
                    );
                }
            }
        }
    }

    #[test]
    fn texts_get_the_room_that_is_left_over() {
        let placed = place(&of_groups(&Dimension::Field(Field::Key)), 200, Column::Value, needs(60));
        assert_eq!(placed[0].width, 60);
    }
}
