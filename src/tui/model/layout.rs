//! What stands where on the screen. Read by the views to draw and by `update` to know how long a page
//! is and what the mouse points at.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::log::{Field, ValueType};
use crate::query::Value;
use crate::tui::format;
use crate::tui::model::columns::{self, Column, Needs, Placed};
use crate::tui::model::rows::Rows;
use crate::tui::model::state::State;

/// Below this many columns or rows nothing useful can be shown.
pub(crate) const LEAST: (u16, u16) = (60, 16);

/// How many rows from the first are measured for the width of their column.
const FIRST: usize = 200;

/// The parts of the screen. Those that are not shown have no height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Areas {
    /// Name, totals, ingest.
    pub(crate) header: Rect,
    /// The filters.
    pub(crate) chips: Rect,
    /// What the timeline measures, and its peak.
    pub(crate) timeline_title: Rect,
    /// The bars.
    pub(crate) bars: Rect,
    /// Instants under the bars.
    pub(crate) axis: Rect,
    /// The tables to choose from.
    pub(crate) tabs: Rect,
    /// Headings.
    pub(crate) head: Rect,
    /// The rows of the table, or the lines of one request.
    pub(crate) rows: Rect,
    /// Keys and position.
    pub(crate) footer: Rect,
}

impl Areas {
    /// For the screen as it is.
    pub(crate) fn of(state: &State) -> Areas {
        let (width, height) = state.size;
        let mut y = 0;
        let mut take = |rows: u16| {
            let rows = rows.min(height.saturating_sub(y));
            let area = Rect { x: 0, y, width, height: rows };
            y += rows;
            area
        };
        let detail = state.layer().detail.is_some();
        let bars = match height {
            _ if detail => 0,
            ..20 => 1,
            20..28 => 2,
            28..38 => 3,
            38..46 => 5,
            _ => 7,
        };
        let spacer = u16::from(height >= 28 && !detail);
        let header = take(1);
        let chips = take(1);
        take(spacer);
        let timeline_title = take(u16::from(!detail));
        let mut bars = take(bars);
        let mut axis = take(u16::from(!detail));
        take(spacer);
        let tabs = take(1);
        let head = take(u16::from(!detail));
        let left = height.saturating_sub(head.bottom().max(tabs.bottom()));
        let mut rows = take(left.saturating_sub(1));
        let footer = take(1);
        for area in [&mut bars, &mut axis] {
            area.x = 1;
            area.width = width.saturating_sub(2);
        }
        if detail {
            rows.x = 1;
            rows.width = width.saturating_sub(2);
        }
        Areas { header, chips, timeline_title, bars, axis, tabs, head, rows, footer }
    }

    /// How many rows are on the screen at once.
    pub(crate) fn page(&self) -> usize {
        usize::from(self.rows.height.max(1))
    }
}

/// Whether the terminal is too small to show anything useful.
pub(crate) fn is_too_small(size: (u16, u16)) -> bool {
    size.0 < LEAST.0 || size.1 < LEAST.1
}

/// The values of the groups on the screen.
pub(crate) fn groups_in_sight(state: &State) -> Vec<Value> {
    let table = state.layer().table();
    let page = Areas::of(state).page();
    match &table.rows.data {
        Some(Rows::Groups(groups)) => {
            groups.rows.iter().skip(table.top).take(page).map(|row| row.value.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// The columns of the table in front, where they stand.
pub(crate) fn columns(state: &State) -> Vec<Placed> {
    let table = state.layer().table();
    let width = Areas::of(state).rows.width;
    let needs = |column: Column| {
        let (first, seen) = table.texts.get(&column).copied().unwrap_or_default();
        // The mark of the order has its place whether it is there or not.
        let heading = table.heading(column).width() + 2;
        let before = match &table.widths {
            (room, widths) if *room == width => widths.get(&column).copied().unwrap_or(0),
            _ => 0,
        };
        Needs { heading: narrow(heading), first, seen, before }
    };
    columns::place(&table.columns, width, table.sort.by, needs)
}

/// A width as columns of the terminal; beyond what any column gets it is all the same.
fn narrow(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX).min(400)
}

/// Notes how wide the texts of the table in front are, those of the first rows and those in sight. Of one
/// question, which rows are in sight must not make a column come, go or get narrower: so widths are only added to.
pub(crate) fn measure(state: &mut State) {
    let page = Areas::of(state).page();
    let table = state.layer_mut().table_mut();
    let Some(rows) = &table.rows.data else { return };
    let of = table.rows.answers.as_ref().map(|query| (query.filter.clone(), query.time));
    if table.texts_of != of {
        table.texts_of = of;
        table.texts.clear();
        table.widths.1.clear();
    }
    let sight = table.top..table.top + page;
    for choice in table.columns.iter().filter(|choice| choice.wanted) {
        let Some(width) = width_of_text(rows, choice.column) else { continue };
        let widest = |rows: std::ops::Range<usize>| narrow(rows.filter_map(&width).max().unwrap_or(0));
        let (first, seen) = table.texts.entry(choice.column).or_default();
        *first = widest(0..FIRST).max(*first);
        *seen = widest(sight.clone()).max(*seen);
    }
    let widths = columns(state).iter().map(|placed| (placed.column, placed.width)).collect();
    let room = Areas::of(state).rows.width;
    state.layer_mut().table_mut().widths = (room, widths);
}

/// How wide the text of a row is. `None`: of numbers the width is known.
fn width_of_text(rows: &Rows, column: Column) -> Option<Box<dyn Fn(usize) -> Option<usize> + '_>> {
    match (rows, column) {
        (Rows::Groups(groups), Column::Value) => {
            Some(Box::new(|index| groups.rows.get(index).map(|row| format::value(&row.value).width())))
        }
        (Rows::Times { .. }, Column::Value) => Some(Box::new(|_| Some(19))),
        (Rows::Requests { .. }, Column::Field(field))
            if field.spec().value == ValueType::Text || field == Field::RemoteIp =>
        {
            Some(Box::new(move |index| rows.request(index).map(|row| format::value(row.get(field)).width())))
        }
        _ => None,
    }
}

/// The part of the screen for a list in front of the tables, in the middle, no larger than needed.
pub(crate) fn popup(state: &State, width: u16, lines: usize) -> Rect {
    let (columns, rows) = state.size;
    let width = width.min(columns.saturating_sub(4));
    let height = u16::try_from(lines + 2).unwrap_or(u16::MAX).min(rows.saturating_sub(2));
    Rect { x: (columns - width) / 2, y: (rows.saturating_sub(height)) / 2, width, height }
}
