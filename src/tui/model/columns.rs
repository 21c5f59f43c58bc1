//! Columns as data: what each shows, how wide it wants to be, and which go first when room is short.

use crate::log::{Field, Kind, ValueType};
use crate::query::measure::{Aggregate, MeasureSpec, Unit};
use crate::query::{Dimension, Measure, Sort};

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    /// What the rows are about: the value of the group, the time of the bucket.
    Value,
    /// A number per row.
    Measure(Measure),
    /// The row's part of all bytes sent.
    Share,
    /// Requests over time, as a sparkline.
    Activity,
    /// A field of a single request.
    Field(Field),
}

/// How a column wants to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Columns of the terminal below which it says nothing.
    pub(crate) least: u16,
    /// Columns beyond which more room does not help.
    pub(crate) most: u16,
    /// Numbers stand right.
    pub(crate) right: bool,
    /// The larger, the earlier it is left out.
    pub(crate) rank: u8,
}

/// A column that can be shown, and whether it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The column.
    pub(crate) column: Column,
    /// Whether it is wanted.
    pub(crate) wanted: bool,
}

impl Column {
    /// Heading; `by` is what the rows are about.
    pub(crate) fn title(self, by: &str) -> String {
        match self {
            Column::Value => by.to_uppercase(),
            Column::Share => "SHARE".to_owned(),
            Column::Activity => "ACTIVITY".to_owned(),
            Column::Field(field) => field.title().to_uppercase(),
            Column::Measure(Measure::Value) => by.to_uppercase(),
            Column::Measure(measure) => measure.spec().title.to_owned(),
        }
    }

    /// The name that `:sort` understands.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Column::Value => "value",
            Column::Share => "share",
            Column::Activity => "activity",
            Column::Field(field) => field.name(),
            Column::Measure(measure) => measure.name(),
        }
    }

    /// What the column says, in one sentence.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Column::Value => "What the rows are about.",
            Column::Share => "Part of all bytes sent.",
            Column::Activity => "Requests over the time shown.",
            Column::Field(field) => field.spec().about,
            Column::Measure(measure) => measure.spec().about,
        }
    }

    /// What a table of groups is sorted by for this column; `None`: not to be sorted by.
    pub(crate) fn measure(self) -> Option<Measure> {
        match self {
            Column::Value => Some(Measure::Value),
            Column::Share => Some(Measure::BytesSent),
            Column::Measure(measure) => Some(measure),
            Column::Activity | Column::Field(_) => None,
        }
    }

    /// Whether the number takes another question: it is not in what every group has.
    pub(crate) fn is_extra(self) -> bool {
        matches!(self, Column::Measure(measure) if measure.is_extra())
    }

    /// Whether it sets the row against the others: the question for the table tells it, as the others are
    /// more than the rows in sight.
    pub(crate) fn is_relative(self) -> bool {
        matches!(self, Column::Measure(measure) if measure.is_relative())
    }

    /// Whether sorting begins with the largest.
    pub(crate) fn descends(self) -> bool {
        match self {
            Column::Value => false,
            Column::Field(field) => {
                field.kind() == Kind::Measure || field == Field::HttpStatus || field == Field::Time
            }
            _ => true,
        }
    }

    /// How it wants to be drawn. `content`: columns that the texts in sight need, for those of any length.
    /// Where there is room, texts get some before the last columns get any.
    pub(crate) fn shape(self, content: u16, room: u16) -> Shape {
        let text = if room >= 110 { content.clamp(18, 36) } else { 18 };
        let number = |least, rank| Shape { least, most: least, right: true, rank };
        match self {
            // What a table is about comes before its last column: two keys must not look the same.
            Column::Value => Shape {
                least: text.max(content.clamp(18, 26)) - 2,
                most: content.max(16),
                right: false,
                rank: 0,
            },
            Column::Share => Shape {
                right: false,
                most: 20,
                ..number(Measure::Share.spec().column.width, Measure::Share.spec().column.rank)
            },
            Column::Activity => Shape { least: 8, most: 32, right: false, rank: 8 },
            Column::Measure(measure) => {
                let MeasureSpec { column, unit, .. } = measure.spec();
                Shape { right: *unit != Unit::Instant, ..number(column.width, column.rank) }
            }
            Column::Field(field) => match field {
                Field::Time => Shape { least: 14, most: 14, right: false, rank: 0 },
                Field::RemoteIp => Shape { least: 15, most: content.clamp(15, 39), right: false, rank: 2 },
                Field::HttpStatus => number(6, 1),
                Field::Operation => Shape { least: 15, most: content.clamp(15, 30), right: false, rank: 3 },
                Field::Key => Shape { least: text, most: content.max(18), right: false, rank: 1 },
                Field::BytesSent => number(10, 4),
                Field::ObjectSize => number(11, 6),
                Field::TotalTime => number(10, 7),
                Field::TurnAroundTime => number(16, 9),
                Field::ErrorCode => Shape { least: 12, most: content.clamp(12, 28), right: false, rank: 6 },
                Field::Requester => Shape { least: 14, most: content.clamp(14, 60), right: false, rank: 5 },
                Field::UserAgent => Shape { least: 14, most: content.max(14), right: false, rank: 8 },
                other if other.spec().value == ValueType::Integer => number(12, 10),
                _ => Shape { least: 12, most: content.max(12), right: false, rank: 10 },
            },
        }
    }
}

/// The columns of a table of groups, in order, those not shown at first included.
pub(crate) fn of_groups(by: &Dimension) -> Vec<Choice> {
    // An object is one object: who came for it says more.
    let of_key = *by == Dimension::Field(Field::Key);
    let of_agent = *by == Dimension::Field(Field::UserAgent);
    let mut columns: Vec<Choice> = Measure::ALL
        .into_iter()
        .filter(|measure| !matches!((measure.spec().aggregate, by), (Aggregate::Distinct(field), Dimension::Field(by)) if field == *by))
        .map(|measure| {
            let is_shown = measure.spec().column.is_shown;
            match measure {
                Measure::Value => Choice { column: Column::Value, wanted: true },
                Measure::Share => Choice { column: Column::Share, wanted: is_shown },
                Measure::Addresses => Choice { column: Column::Measure(measure), wanted: of_key || of_agent },
                measure => Choice { column: Column::Measure(measure), wanted: is_shown },
            }
        })
        .collect();
    columns.push(Choice { column: Column::Activity, wanted: true });
    columns
}

/// The columns of the table of times.
pub(crate) fn of_times() -> Vec<Choice> {
    let measure = |measure| Choice { column: Column::Measure(measure), wanted: true };
    vec![
        Choice { column: Column::Value, wanted: true },
        measure(Measure::Requests),
        measure(Measure::BytesSent),
        Choice { column: Column::Share, wanted: true },
        measure(Measure::ErrorRate),
        measure(Measure::Errors),
    ]
}

/// The columns of the list of requests: every field.
pub(crate) fn of_requests() -> Vec<Choice> {
    const FIRST: [Field; 10] = [
        Field::Time,
        Field::RemoteIp,
        Field::HttpStatus,
        Field::Operation,
        Field::Key,
        Field::BytesSent,
        Field::TotalTime,
        Field::ErrorCode,
        Field::Requester,
        Field::UserAgent,
    ];
    let choice = |field, wanted| Choice { column: Column::Field(field), wanted };
    FIRST
        .into_iter()
        .map(|field| choice(field, true))
        .chain(Field::all().filter(|field| !FIRST.contains(field)).map(|field| choice(field, false)))
        .collect()
}

/// Where a column stands on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The column.
    pub(crate) column: Column,
    /// Columns of the terminal from the left edge of the table.
    pub(crate) x: u16,
    /// Its width.
    pub(crate) width: u16,
    /// Numbers stand right.
    pub(crate) right: bool,
}

/// Columns of the terminal before the first column: the mark of a row.
pub(crate) const MARGIN: u16 = 2;
/// Columns of the terminal between two columns.
const GAP: u16 = 2;

/// How many columns of the terminal a column needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// For its heading, with the mark of the order.
    pub(crate) heading: u16,
    /// For the texts of the first rows. This says which columns there is room for.
    pub(crate) first: u16,
    /// For every text that was on the screen. A column grows for it into room that no other column has.
    pub(crate) seen: u16,
    /// What it had so far: it keeps that.
    pub(crate) before: u16,
}

/// Fits columns into a width: the least important are left out, room that is over goes to those that
/// can use it, the most important first. What the rows are `sorted` by is never left out: they would
/// stand in no order that anybody could see. `needs` tells how much a column needs. While only `seen` grows,
/// no column comes, goes or gets narrower.
pub(crate) fn place(
    choices: &[Choice],
    width: u16,
    sorted: Column,
    needs: impl Fn(Column) -> Needs,
) -> Vec<Placed> {
    let room = width.saturating_sub(MARGIN);
    let shape = |column: Column, content: u16, heading: u16| {
        let shape = column.shape(content.max(heading), room);
        let least = shape.least.max(heading);
        Shape { least, most: shape.most.max(least), ..shape }
    };
    let all: Vec<(Column, Shape)> = choices
        .iter()
        .filter(|choice| choice.wanted)
        .map(|choice| {
            let needs = needs(choice.column);
            (choice.column, shape(choice.column, needs.first, needs.heading))
        })
        .collect();
    // The most important first, each if there is room for it still.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&index| match all[index] {
        (column, shape) if shape.rank > 0 && column == sorted => (1, 0),
        (_, shape) => (shape.rank.min(2), shape.rank),
    });
    let mut taken = vec![false; all.len()];
    let mut used = 0;
    for &index in &order {
        let more = all[index].1.least + if used > 0 { GAP } else { 0 };
        if used == 0 || used + more <= room {
            used += more;
            taken[index] = true;
        }
    }
    let wanted: Vec<(Column, Shape)> =
        all.into_iter().zip(taken).filter(|(_, taken)| *taken).map(|(column, _)| column).collect();
    let mut spare = room.saturating_sub(used);
    let mut widths: Vec<u16> = wanted.iter().map(|(_, shape)| shape.least.min(room)).collect();
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&index| wanted[index].1.rank);
    for &index in &order {
        let more = wanted[index].1.most.saturating_sub(widths[index]).min(spare);
        widths[index] += more;
        spare -= more;
    }
    // What nobody needs so far is for longer texts further down, first come, first served.
    for (width, (column, _)) in widths.iter_mut().zip(&wanted) {
        let more = needs(*column).before.saturating_sub(*width).min(spare);
        *width += more;
        spare -= more;
    }
    for (width, (column, _)) in widths.iter_mut().zip(&wanted) {
        let needs = needs(*column);
        let most = shape(*column, needs.first.max(needs.seen), needs.heading).most;
        let more = most.saturating_sub(*width).min(spare);
        *width += more;
        spare -= more;
    }
    let mut x = MARGIN;
    let mut placed = Vec::with_capacity(wanted.len());
    for ((column, shape), width) in wanted.into_iter().zip(widths) {
        placed.push(Placed { column, x, width, right: shape.right });
        x += width + GAP;
    }
    placed
}

/// The order in which a table of groups comes first.
pub(crate) fn first_sort(by: &Dimension) -> Sort<Column> {
    match by {
        Dimension::HourOfDay | Dimension::Weekday => Sort { by: Column::Value, descending: false },
        _ => Sort { by: Column::Measure(Measure::BytesSent), descending: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(columns: u16) -> impl Fn(Column) -> Needs {
        move |column| Needs {
            heading: u16::try_from(column.title("").chars().count()).unwrap() + 2,
            first: columns,
            seen: columns,
            before: 0,
        }
    }

    #[test]
    fn no_heading_runs_into_its_neighbour_whatever_the_rows_are_sorted_by() {
        for mut choices in [of_groups(&Dimension::Field(Field::Key)), of_times(), of_requests()] {
            choices.iter_mut().for_each(|choice| choice.wanted = true);
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
        let kept: Vec<Column> = placed.iter().map(|placed| placed.column).collect();
        assert_eq!(
            kept,
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
    fn what_the_rows_are_sorted_by_stays_on_the_smallest_screen() {
        for mut choices in [of_groups(&Dimension::Field(Field::Key)), of_times(), of_requests()] {
            choices.iter_mut().for_each(|choice| choice.wanted = true);
            for width in 60..130 {
                for sorted in &choices {
                    let placed = place(&choices, width, sorted.column, needs(300));
                    let stays = |column| placed.iter().any(|placed| placed.column == column);
                    assert!(stays(sorted.column) && stays(choices[0].column), "{sorted:?} at {width}");
                }
            }
        }
    }

    #[test]
    fn room_that_is_over_goes_to_the_texts_first() {
        let placed = place(&of_groups(&Dimension::Field(Field::Key)), 200, Column::Value, needs(60));
        assert_eq!(placed[0].width, 60);
    }
}
