//! Places the columns of a table: which of them fit, where they are, how wide they are.

use crate::log::Field;
use crate::tui::model::Column;
use crate::tui::model::column_shape::{Needs, Shape, UseOfRoom};

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

/// Terminal columns before the first column, for the mark of a row.
const MARGIN: u16 = 2;
/// Terminal columns after the last column.
const RIGHT_MARGIN: u16 = 1;
/// Terminal columns between two columns. The second half of a sort mark is in the gap.
pub(crate) const GAP: u16 = 2;
/// Columns with this rank or a higher one give way to keys and other values that are not complete.
const FIRST_YIELDING_RANK: u8 = 2;
/// The rank of columns without values: they give way to all others.
const RANK_OF_EMPTY: u8 = u8::MAX;

/// What decides which columns are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The sort column. It is always shown.
    pub(crate) sorted: Column,
    /// Columns after the first that the user has scrolled past.
    pub(crate) scrolled: usize,
    /// Whether the columns were chosen, the most important ones first.
    pub(crate) is_chosen: bool,
}

/// The part of the table that a subject may claim before other columns get any room, in percent.
const SUBJECT_OF_GROUPS: u32 = 60;
const SUBJECT_OF_REQUESTS: u32 = 40;

/// Fits the columns into `width` terminal columns. The least important ones are left out, but never the first, nor the
/// sort column. Room that is left over goes to columns that can use it: first to the column that the table is about.
/// `needs` returns what a column needs. While only `seen` grows, no column appears, disappears or becomes narrower.
///
/// If the user has scrolled, the columns after the first are placed in their order, as many as fit.
pub(crate) fn place(
    columns: &[Column],
    width: u16,
    order: Order,
    needs: impl Fn(Column) -> Needs,
) -> Vec<Placed> {
    let room = width.saturating_sub(MARGIN + RIGHT_MARGIN);
    let shape = |(index, &column): (usize, &Column)| {
        let needs = needs(column);
        let mut shape = column.shape(needs, room);
        if order.is_chosen && shape.rank >= FIRST_YIELDING_RANK {
            shape.rank = u8::try_from(index).unwrap_or(u8::MAX).saturating_add(FIRST_YIELDING_RANK);
        }
        if needs.is_empty {
            shape.rank = RANK_OF_EMPTY;
        }
        (column, shape)
    };
    let is_reached = |(index, _): &(usize, &Column)| *index == 0 || *index > order.scrolled;
    let all: Vec<(Column, Shape)> = columns.iter().enumerate().filter(is_reached).map(shape).collect();
    let fits =
        if order.scrolled == 0 { fit_by_rank(&all, room, order.sorted) } else { fit_in_order(&all, room) };
    let placeable: Vec<(Column, Shape)> =
        all.into_iter().zip(fits).filter(|(_, fits)| *fits).map(|(column, _)| column).collect();
    let widths = widths(&placeable, room, &needs);
    let mut x = MARGIN;
    let mut placed = Vec::with_capacity(placeable.len());
    for ((column, shape), width) in placeable.into_iter().zip(widths) {
        placed.push(Placed { column, x, width, is_right_aligned: shape.is_right_aligned });
        x += width + GAP;
    }
    placed
}

/// Whether each column fits, if they are taken by importance. Columns that give way are left out if subjects would be cut
/// because of them.
fn fit_by_rank(all: &[(Column, Shape)], room: u16, sorted: Column) -> Vec<bool> {
    let is_essential = |column: Column, shape: Shape| shape.rank < FIRST_YIELDING_RANK || column == sorted;
    // Requests have other columns that matter, pairs have two subjects.
    let shares_room =
        all.iter().any(|(column, _)| matches!(column, Column::Field(Field::Key) | Column::Second));
    let percent = if shares_room { SUBJECT_OF_REQUESTS } else { SUBJECT_OF_GROUPS };
    let most_claimed = u16::try_from(u32::from(room) * percent / 100).unwrap_or(room);
    let claim = |shape: Shape| match shape.use_of_room {
        UseOfRoom::Subject => shape.wanted.min(most_claimed).max(shape.least),
        _ => shape.least,
    };
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&index| match all[index] {
        (column, shape) if is_essential(column, shape) => (0, shape.rank.min(1), index),
        (_, shape) => (1, shape.rank, index),
    });
    let mut fits = vec![false; all.len()];
    let (mut used, mut claimed, mut wanted) = (0, 0, 0);
    for &index in &order {
        let (column, shape) = all[index];
        let gap = if used > 0 { GAP } else { 0 };
        let has_room = match is_essential(column, shape) {
            true => used + shape.least + gap <= room,
            // No text is cut because of a column without values.
            false if shape.rank == RANK_OF_EMPTY => wanted + shape.least + gap <= room,
            false => claimed + shape.least + gap <= room,
        };
        if used == 0 || has_room {
            used += shape.least + gap;
            claimed += claim(shape) + gap;
            wanted += shape.wanted.max(shape.least) + gap;
            fits[index] = true;
        }
    }
    // The sort column is always shown: less important ones make room.
    if let Some(at) = all.iter().position(|(column, _)| *column == sorted)
        && !fits[at]
    {
        let first = order.first().copied();
        for &index in order.iter().rev().filter(|index| Some(**index) != first) {
            if fits[index] {
                fits[index] = false;
                used = used.saturating_sub(all[index].1.least + GAP);
            }
            if used + all[at].1.least + GAP <= room {
                break;
            }
        }
        fits[at] = first != Some(at) && used + all[at].1.least + GAP <= room;
    }
    fits
}

/// Whether each column fits, if they are taken in their order.
fn fit_in_order(all: &[(Column, Shape)], room: u16) -> Vec<bool> {
    let mut used = 0;
    let mut is_full = false;
    all.iter()
        .map(|(_, shape)| {
            let more = shape.least + if used > 0 { GAP } else { 0 };
            is_full |= used > 0 && used + more > room;
            used += if is_full { 0 } else { more };
            !is_full
        })
        .collect()
}

/// The widths of the columns that fit.
fn widths(placeable: &[(Column, Shape)], room: u16, needs: &impl Fn(Column) -> Needs) -> Vec<u16> {
    let mut widths: Vec<u16> = placeable.iter().map(|(_, shape)| shape.least.min(room)).collect();
    let gaps = GAP * u16::try_from(placeable.len().saturating_sub(1)).unwrap_or(0);
    let mut spare = room.saturating_sub(widths.iter().sum::<u16>() + gaps);
    let mut order: Vec<usize> = (0..placeable.len()).collect();
    order.sort_by_key(|&index| placeable[index].1.rank);
    let mut grow = |is_meant: &dyn Fn(Shape) -> bool, to: &dyn Fn(usize, Shape) -> u16| {
        for &index in order.iter().filter(|index| is_meant(placeable[**index].1)) {
            let more = to(index, placeable[index].1).saturating_sub(widths[index]).min(spare);
            widths[index] += more;
            spare -= more;
        }
    };
    let is = |of: UseOfRoom| move |shape: Shape| shape.use_of_room == of;
    grow(&is(UseOfRoom::Subject), &|_, shape| shape.usual);
    grow(&is(UseOfRoom::Text), &|_, shape| shape.wanted);
    grow(&is(UseOfRoom::Subject), &|_, shape| shape.wanted);
    // Columns keep their previous widths.
    grow(&|_| true, &|index, _| needs(placeable[index].0).before);
    // Bars give way to long keys, up to a point.
    let longest = u16::try_from(u32::from(room) * SUBJECT_OF_GROUPS / 100).unwrap_or(room);
    grow(&is(UseOfRoom::Subject), &|_, shape| shape.most.min(longest));
    grow(&is(UseOfRoom::Bar), &|_, shape| shape.wanted);
    grow(&is(UseOfRoom::Subject), &|_, shape| shape.most);
    grow(&is(UseOfRoom::Text), &|_, shape| shape.most);
    grow(&is(UseOfRoom::Bar), &|_, shape| shape.most);
    widths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Dimension, Measure};
    use crate::tui::model::columns::{Choice, of_groups, of_requests, of_times};

    fn needs(columns: u16) -> impl Fn(Column) -> Needs {
        move |column| Needs {
            heading: u16::try_from(column.title("").chars().count()).unwrap(),
            usual: 8,
            first: match column {
                Column::Value | Column::Field(Field::Key) => columns,
                _ => 8,
            },
            seen: columns,
            ..Needs::default()
        }
    }

    fn by_default(sorted: Column) -> Order {
        Order { sorted, scrolled: 0, is_chosen: false }
    }

    fn by(name: &str) -> Vec<Choice> {
        of_groups(&Dimension::by_name(name).unwrap())
    }

    fn shown(choices: &[Choice]) -> Vec<Column> {
        choices.iter().filter(|choice| choice.is_shown).map(|choice| choice.column).collect()
    }

    fn all(choices: &[Choice]) -> Vec<Column> {
        choices.iter().map(|choice| choice.column).collect()
    }

    fn placed_at(columns: &[Column], width: u16, content: u16) -> Vec<Placed> {
        place(columns, width, by_default(Column::Measure(Measure::BytesSent)), needs(content))
    }

    fn measures(placed: &[Placed]) -> Vec<Column> {
        placed.iter().skip(1).map(|placed| placed.column).collect()
    }

    #[test]
    fn headings_do_not_overlap_whatever_the_sort_column() {
        for choices in [by("key"), of_times(), of_requests()] {
            let columns = all(&choices);
            for width in [80, 130, 200, 400] {
                for sorted in &columns {
                    for placed in place(&columns, width, by_default(*sorted), needs(5)) {
                        let heading = needs(5)(placed.column).heading;
                        assert!(placed.width >= heading, "{placed:?} at {width}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_long_key_takes_the_room_of_what_matters_less() {
        let columns = shown(&by("key"));
        let essential = [Column::Measure(Measure::Requests), Column::Measure(Measure::BytesSent)];
        let placed = placed_at(&columns, 80, 60);
        assert_eq!(measures(&placed), essential, "a key of 60 columns");
        assert!(placed[0].width > 50, "{placed:?}");
        let placed = placed_at(&columns, 80, 41);
        assert_eq!(placed[0].width, 41, "a key of 41 columns is complete: {placed:?}");
        assert!(placed.len() > 3, "{placed:?}");
        let placed = placed_at(&columns, 80, 12);
        assert!(measures(&placed).contains(&Column::Share), "{placed:?}");
    }

    #[test]
    fn no_column_leaves_the_screen_at_any_width() {
        for choices in [by("key"), of_times(), of_requests()] {
            let columns = all(&choices);
            for width in 20..260 {
                for sorted in &columns {
                    for scrolled in [0, 1, 3] {
                        for placed in
                            place(&columns, width, Order { scrolled, ..by_default(*sorted) }, needs(300))
                        {
                            assert!(placed.x + placed.width < width, "{placed:?} at {width}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_sort_column_fits_the_smallest_screen() {
        for choices in [by("key"), of_times(), of_requests()] {
            let columns = all(&choices);
            for width in 60..130 {
                for sorted in &columns {
                    let placed = place(&columns, width, by_default(*sorted), needs(300));
                    let is_placed = |column| placed.iter().any(|placed| placed.column == column);
                    assert!(is_placed(*sorted) && is_placed(columns[0]), "{sorted:?} at {width}");
                }
            }
        }
    }

    #[test]
    fn three_hundred_columns_are_used() {
        for (name, content) in [("remote_ip", 15), ("key", 60)] {
            let placed = placed_at(&shown(&by(name)), 300, content);
            let last = placed.last().unwrap();
            assert_eq!(last.x + last.width, 299, "{name}: {placed:?}");
            assert_eq!(placed[0].width, content);
        }
    }

    #[test]
    fn scrolling_shows_the_columns_in_their_order() {
        let columns = all(&of_requests());
        let order = Order { scrolled: 9, ..by_default(Column::Field(Field::Time)) };
        let placed = place(&columns, 80, order, needs(20));
        assert_eq!(placed[0].column, columns[0]);
        assert_eq!(placed[1].column, columns[10]);
        assert_eq!(placed[2].column, columns[11]);
    }

    #[test]
    fn a_widened_column_is_complete() {
        let columns = shown(&by("key"));
        let widened = |column| Needs { is_widened: column == Column::Value, ..needs(70)(column) };
        let placed = place(&columns, 80, by_default(Column::Measure(Measure::BytesSent)), widened);
        assert_eq!(placed[0].width, 70);
        let placed = place(&columns, 60, by_default(Column::Measure(Measure::BytesSent)), widened);
        assert!(placed[0].x + placed[0].width < 60, "{placed:?}");
    }

    #[test]
    fn a_column_without_values_took_the_room_of_keys() {
        let columns = shown(&of_requests());
        let order = by_default(Column::Field(Field::Time));
        let place_with = |is_empty: bool, width| {
            let needs = |column: Column| Needs {
                is_empty: is_empty && column == Column::Field(Field::BytesSent),
                ..needs(60)(column)
            };
            place(&columns, width, order, needs)
        };
        let has =
            |placed: &[Placed], field| placed.iter().any(|placed| placed.column == Column::Field(field));
        assert!(has(&place_with(false, 130), Field::BytesSent));
        assert!(!has(&place_with(true, 130), Field::BytesSent));
        assert!(has(&place_with(true, 400), Field::BytesSent), "where there is room");
    }

    #[test]
    fn who_deleted_was_off_the_screen() {
        use Field::{HttpStatus, Key, Operation, RemoteIp, Requester, Time};
        let columns = [Time, Requester, RemoteIp, Operation, Key, HttpStatus].map(Column::Field);
        let order = Order { is_chosen: true, ..by_default(columns[0]) };
        let fields: Vec<Field> =
            place(&columns, 80, order, needs(40)).iter().filter_map(|placed| placed.column.field()).collect();
        assert_eq!(fields, [Time, Requester, RemoteIp, Key, HttpStatus]);
    }

    #[test]
    fn a_requester_was_cut_for_the_longest_of_many_keys() {
        use Field::{HttpStatus, Key, Operation, RemoteIp, Requester, Time};
        let columns = [Time, Requester, RemoteIp, Operation, Key, HttpStatus].map(Column::Field);
        let width_of = |column| match column {
            Column::Field(Requester) => (31, 31),
            Column::Field(Key) => (35, 63),
            _ => (12, 12),
        };
        let needs = |column: Column| {
            let (usual, first) = width_of(column);
            Needs { usual, first, seen: first, ..Needs::default() }
        };
        let order = Order { is_chosen: true, ..by_default(columns[0]) };
        let placed = place(&columns, 130, order, needs);
        let width = |field| {
            placed.iter().find(|placed| placed.column == Column::Field(field)).map(|placed| placed.width)
        };
        assert_eq!(width(Requester), Some(31));
        assert!(width(Key) >= Some(35), "{placed:?}");
    }
}
