//! The positions of the parts of the screen. `view` draws them there; `update` uses them to find what the mouse points
//! at and how many rows a page has.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::log::{Field, ValueType};
use crate::query::{Measure, Value};
use crate::tui::format;
use crate::tui::model::pane::Pane;
use crate::tui::model::{
    Column, FindingColumn, Rows, State, Tab, Table, column_placement, column_placement::Needs, found,
};

/// The number of first rows whose texts determine the initial widths of the columns.
const MEASURED_ROWS: usize = 200;

/// Lines for the explanation of a finding, its rule included.
const EXPLANATION_LINES: u16 = 8;

/// The parts of the screen. A part that is not shown has no height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Areas {
    /// Title, totals, progress of the ingest.
    pub(crate) header: Rect,
    /// Time range and filter terms.
    pub(crate) chips: Rect,
    /// What the timeline measures, and its peak.
    pub(crate) timeline_title: Rect,
    pub(crate) bars: Rect,
    /// Times below the bars.
    pub(crate) axis: Rect,
    /// The line about the worst finding.
    pub(crate) alert: Rect,
    pub(crate) tabs: Rect,
    pub(crate) head: Rect,
    /// Rows of the table, or lines of the open request.
    pub(crate) rows: Rect,
    /// The explanation of the finding under the cursor.
    pub(crate) explanation: Rect,
    /// Keys, messages, position.
    pub(crate) footer: Rect,
}

impl Areas {
    pub(crate) fn of(state: &State) -> Areas {
        let (width, height) = state.size;
        let mut y = 0;
        let mut take = |rows: u16| {
            let rows = rows.min(height.saturating_sub(y));
            let area = Rect { x: 0, y, width, height: rows };
            y += rows;
            area
        };
        let has_detail = state.layer().detail.is_some();
        let bars = match height {
            _ if has_detail => 0,
            ..20 => 1,
            20..28 => 2,
            28..38 => 3,
            38..46 => 5,
            _ => 7,
        };
        let spacer = u16::from(height >= 28 && !has_detail);
        let header = take(1);
        let chips = take(1);
        take(spacer);
        let timeline_title = take(u16::from(!has_detail));
        let mut bars = take(bars);
        let mut axis = take(u16::from(!has_detail));
        // The alert is between the timeline and the tables, where tall terminals have a blank line anyway.
        let alert = take(spacer.max(u16::from(found::alert(state).is_some())));
        let tabs = take(1);
        let head = take(u16::from(!has_detail));
        let left = height.saturating_sub(head.bottom().max(tabs.bottom())).saturating_sub(1);
        let explained = match state.layer().tab {
            Tab::Findings if !has_detail => (left / 2).min(EXPLANATION_LINES),
            _ => 0,
        };
        let mut rows = take(left - explained);
        let explanation = take(explained);
        let footer = take(1);
        for area in [&mut bars, &mut axis] {
            area.x = 1;
            area.width = width.saturating_sub(2);
        }
        if has_detail {
            rows.x = 1;
            rows.width = width.saturating_sub(2);
        }
        Areas { header, chips, timeline_title, bars, axis, alert, tabs, head, rows, explanation, footer }
    }

    pub(crate) fn page(&self) -> usize {
        usize::from(self.rows.height.max(1))
    }
}

/// The values of the groups on the screen.
pub(crate) fn visible_groups(state: &State) -> Vec<Value> {
    let table = state.layer().table();
    let page = Areas::of(state).page();
    match &table.rows.data {
        Some(Rows::Groups(groups)) => {
            groups.rows.iter().skip(table.top).take(page).map(|row| row.value.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// Places the columns of the table in front. While the filter and the time range stay the same, scrolling makes
/// no column appear, disappear or become narrower: the measured widths of texts only grow.
pub(crate) fn place_columns(state: &mut State) {
    let areas = Areas::of(state);
    let shows_year = state.shows_year();
    let table = state.layer_mut().table_mut();
    measure_texts(table, areas.page(), shows_year);
    let width = areas.rows.width;
    let needs = |column: Column| {
        let (first, seen) = table.text_widths.get(&column).copied().unwrap_or_default();
        // Room for the sort mark, whether the table is sorted by the column or not.
        let heading = table.heading(column).width() + 2;
        let before = match table.placed_width == width {
            true => {
                table.placed.iter().find(|placed| placed.column == column).map_or(0, |placed| placed.width)
            }
            false => 0,
        };
        Needs { heading: terminal_columns(heading), first, seen, before }
    };
    table.placed = column_placement::place(&table.columns, width, table.sort.by, needs);
    table.placed_width = width;
}

/// A width as `u16`; no column is wider than 400.
fn terminal_columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX).min(400)
}

/// Measures the texts of the first rows and of the visible rows.
fn measure_texts(table: &mut Table, page: usize, shows_year: bool) {
    let Some(rows) = &table.rows.data else { return };
    let measured_for = table.rows.query.as_ref().map(|query| (query.filter.clone(), query.time));
    if table.text_widths_of != measured_for {
        table.text_widths_of = measured_for;
        table.text_widths.clear();
        table.placed_width = 0;
    }
    let visible = table.top..table.top + page;
    for choice in table.columns.iter().filter(|choice| choice.is_shown) {
        let Some(width) = text_width(rows, choice.column, shows_year) else { continue };
        let widest =
            |rows: std::ops::Range<usize>| terminal_columns(rows.filter_map(&width).max().unwrap_or(0));
        let (first, seen) = table.text_widths.entry(choice.column).or_default();
        *first = widest(0..MEASURED_ROWS).max(*first);
        *seen = widest(visible.clone()).max(*seen);
    }
}

/// A function from the index of a row to the width of its text. `None`: the column has a fixed width.
fn text_width(
    rows: &Rows,
    column: Column,
    shows_year: bool,
) -> Option<Box<dyn Fn(usize) -> Option<usize> + '_>> {
    let instant_width = if shows_year { "2026-04-01 00:00:00".len() } else { "04-01 00:00:00".len() };
    match (rows, column) {
        (Rows::Groups(groups), Column::Value) => {
            Some(Box::new(|index| groups.rows.get(index).map(|row| format::value(&row.value).width())))
        }
        (Rows::Findings(rows), Column::Finding(FindingColumn::Subject)) => {
            Some(Box::new(|index| rows.subject(index).map(|subject| subject.width())))
        }
        (Rows::Times { .. }, Column::Value) => Some(Box::new(|_| Some("2026-04-01 00:00:00".len()))),
        (Rows::Requests { .. }, Column::Field(Field::Time))
        | (Rows::Groups(_), Column::Measure(Measure::FirstSeen | Measure::LastSeen)) => {
            Some(Box::new(move |_| Some(instant_width)))
        }
        (Rows::Requests { .. }, Column::Field(field))
            if field.spec().value == ValueType::Text || field == Field::RemoteIp =>
        {
            Some(Box::new(move |index| rows.request(index).map(|row| format::value(row.get(field)).width())))
        }
        _ => None,
    }
}

/// The area of a pane: over the tables, below the timeline, so that a selected range stays visible.
pub(crate) fn pane(state: &State) -> Rect {
    let areas = Areas::of(state);
    let y = areas.alert.y.max(areas.axis.bottom()).min(areas.tabs.y);
    Rect { x: 0, y, width: state.size.0, height: areas.footer.y.saturating_sub(y) }
}

/// Lines of a pane above its rows: its title, the sizes of both sets, the headings.
pub(crate) const PANE_HEAD: u16 = 3;

/// Rows of the pane in front on a page.
pub(crate) fn pane_page(state: &State) -> usize {
    usize::from(pane(state).height.saturating_sub(PANE_HEAD).max(1))
}

/// The area of the pane in front, its frame included.
pub(crate) fn pane_in_front(state: &State) -> Rect {
    match &state.pane {
        Some(Pane::Block(_)) => block(state),
        Some(Pane::Concentration(_)) => concentration(state),
        _ => pane(state),
    }
}

/// Size of the chart in the pane with a concentration.
pub(crate) const CHART: (u16, u16) = (34, 13);

/// The area of the pane with a concentration.
pub(crate) fn concentration(state: &State) -> Rect {
    popup(state, 76, usize::from(CHART.1) + 4)
}

/// Width and lines of the text of a block list.
pub(crate) fn block_text(state: &State) -> (usize, usize) {
    let area = block(state);
    // The frame with its margins; the line with the formats and a blank one.
    (usize::from(area.width.saturating_sub(4)), usize::from(area.height.saturating_sub(4)))
}

/// The area of the pane with a block list.
pub(crate) fn block(state: &State) -> Rect {
    let (columns, rows) = state.size;
    popup(state, columns.saturating_sub(8).min(110), usize::from(rows.saturating_sub(6)))
}

/// The area of a popup in the middle of the screen, with `lines` lines and a frame, no larger than the screen.
pub(crate) fn popup(state: &State, width: u16, lines: usize) -> Rect {
    let (columns, rows) = state.size;
    let width = width.min(columns.saturating_sub(4));
    let height = u16::try_from(lines + 2).unwrap_or(u16::MAX).min(rows.saturating_sub(2));
    Rect { x: (columns - width) / 2, y: (rows.saturating_sub(height)) / 2, width, height }
}
