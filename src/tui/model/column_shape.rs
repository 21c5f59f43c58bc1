//! The widths that a column of a table needs, by what it shows.

use crate::log::{Field, ValueType};
use crate::query::{Measure, measure::Unit};
use crate::tui::model::{Column, FindingColumn};

/// Terminal columns of the number of a share; its bar is behind it.
pub(crate) const SHARE_WIDTH: u16 = 7;
/// With less room, the columns of findings are as narrow as possible.
const NARROW: u16 = 56;
/// The widest bar of a share beside other columns that can use the room.
const MAX_SHARE_BAR: u16 = 20;

/// The terminal columns that a column needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// For its heading without the sort mark.
    pub(crate) heading: u16,
    /// For most of the first texts.
    pub(crate) usual: u16,
    /// For nearly all of the first texts. This decides which columns fit.
    pub(crate) first: u16,
    /// For all texts that are known. A column grows for them only into room that is left over.
    pub(crate) seen: u16,
    /// The previous width; it is kept if possible.
    pub(crate) before: u16,
    /// Whether the user wants to see all of the text.
    pub(crate) is_widened: bool,
    /// Whether the rows seem to have no values in it.
    pub(crate) is_empty: bool,
}

/// The widths of a column, in terminal columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// With less room the column is left out.
    pub(super) least: u16,
    /// Enough for most texts.
    pub(super) usual: u16,
    /// Enough for nearly all texts.
    pub(super) wanted: u16,
    /// More room is of no use.
    pub(super) most: u16,
    pub(super) is_right_aligned: bool,
    /// Columns with a larger rank are the first to be left out.
    pub(super) rank: u8,
    pub(super) use_of_room: UseOfRoom,
}

/// What a column does with more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UseOfRoom {
    /// It shows what the table is about: it gets room first, and other columns give way to it.
    Subject,
    Text,
    /// A longer bar or a sparkline with more buckets.
    Bar,
}

impl Column {
    /// What it needs on a table of `room` terminal columns.
    pub(super) fn shape(self, needs: Needs, room: u16) -> Shape {
        // One cell for the sort mark; the other one is in the gap.
        let heading = needs.heading + 1;
        let text = |least: u16, rank, use_of_room| {
            let wanted = needs.first.max(heading);
            let least = wanted.min(least).max(heading);
            let usual = needs.usual.clamp(least, wanted);
            let most = needs.seen.max(wanted);
            Shape { least, usual, wanted, most, is_right_aligned: false, rank, use_of_room }
        };
        // Numbers are as wide as they are.
        let number = |rank| {
            let width = needs.first.max(heading);
            let most = needs.seen.max(width);
            Shape {
                least: width,
                usual: width,
                wanted: width,
                most,
                is_right_aligned: true,
                rank,
                use_of_room: UseOfRoom::Text,
            }
        };
        let bar = |least: u16, wanted, most, rank| {
            let least = least.max(heading);
            Shape {
                least,
                usual: wanted,
                wanted,
                most,
                is_right_aligned: false,
                rank,
                use_of_room: UseOfRoom::Bar,
            }
        };
        // The kind, the subject and the score of findings fit the smallest terminal.
        let is_narrow = room < NARROW;
        let shape = match self {
            Column::Value => text(18, 0, UseOfRoom::Subject),
            Column::Second => text(14, 1, UseOfRoom::Subject),
            Column::Share => {
                let rank = Measure::Share.spec().column.rank;
                Shape {
                    least: SHARE_WIDTH.max(needs.heading),
                    ..bar(SHARE_WIDTH, SHARE_WIDTH + 1 + 8, SHARE_WIDTH + 1 + MAX_SHARE_BAR, rank)
                }
            }
            Column::Activity => bar(8, 24, 400, 8),
            Column::Finding(column) => match column {
                FindingColumn::Kind => text(17, 0, UseOfRoom::Text),
                FindingColumn::Subject => text(if is_narrow { 10 } else { 16 }, 0, UseOfRoom::Text),
                FindingColumn::When => text(17, 1, UseOfRoom::Text),
                FindingColumn::Cost => number(3),
                FindingColumn::Score => bar(if is_narrow { 6 } else { 8 }, 12, 16, 2),
            },
            Column::Measure(measure) => {
                let rank = measure.spec().column.rank;
                match measure.spec().unit {
                    Unit::Instant => text(u16::MAX, rank, UseOfRoom::Text),
                    _ => number(rank),
                }
            }
            Column::Field(field) => match field {
                Field::Time => text(u16::MAX, 0, UseOfRoom::Text),
                Field::RemoteIp => text(15, 2, UseOfRoom::Text),
                Field::HttpStatus => number(1),
                Field::Operation => text(14, 3, UseOfRoom::Text),
                Field::Key => text(18, 1, UseOfRoom::Subject),
                Field::BytesSent => number(4),
                Field::ObjectSize => number(6),
                Field::TotalTime => number(7),
                Field::TurnAroundTime => number(9),
                Field::ErrorCode => text(12, 6, UseOfRoom::Text),
                Field::Requester => text(14, 5, UseOfRoom::Text),
                Field::UserAgent => text(14, 8, UseOfRoom::Text),
                other if other.spec().value == ValueType::Integer => number(10),
                _ => text(12, 10, UseOfRoom::Text),
            },
        };
        if needs.is_widened {
            let width = shape.most.min(room);
            return Shape { least: width, usual: width, wanted: width, most: width, ..shape };
        }
        shape
    }
}
