//! The positions of the parts of the screen. `view` draws them there; `update` uses them to find what the mouse points
//! at and how many rows a page has.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::query::Value;
use crate::tui::model::pane::Pane;
use crate::tui::model::{
    Column, Rows, State, Tab, column_placement, column_placement::Order, column_shape::Needs, columns, found,
    heat_map, text_widths,
};

/// The lowest terminal, in rows, with a timeline.
pub(crate) const MIN_TIMELINE_HEIGHT: u16 = 16;
/// The narrowest terminal, in columns, with a pane beside the table.
pub(crate) const MIN_PREVIEW_SCREEN: u16 = 160;
/// The narrowest and the widest such pane.
const PREVIEW_WIDTHS: (u16, u16) = (48, 80);

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
    /// What the rows add up to.
    pub(crate) totals: Rect,
    /// The whole value under the cursor.
    pub(crate) value: Rect,
    /// On a wide terminal, beside the rows: the value under the cursor with all that is known about it.
    pub(crate) preview: Rect,
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
        // On a low terminal, the timeline gives way to the rows.
        let has_timeline = height >= MIN_TIMELINE_HEIGHT && !has_detail;
        let bars = match height {
            _ if !has_timeline => 0,
            ..20 => 1,
            20..28 => 2,
            28..34 => 4,
            34..40 => 5,
            40..48 => 7,
            48..60 => 9,
            _ => 12,
        };
        let spacer = u16::from(height >= 28 && !has_detail);
        let header = take(1);
        let chips = take(1);
        take(spacer);
        let timeline_title = take(u16::from(has_timeline));
        let mut bars = take(bars);
        let mut axis = take(u16::from(has_timeline));
        // The alert is between the timeline and the tables, where tall terminals have a blank line anyway.
        let has_alert = has_timeline && found::alert(state).is_some();
        let alert = take(spacer.max(u16::from(has_alert)));
        let tabs = take(1);
        let head = take(u16::from(!has_detail));
        let left = height.saturating_sub(head.bottom().max(tabs.bottom())).saturating_sub(1);
        let has_preview = width >= MIN_PREVIEW_SCREEN
            && !has_detail
            && state.layer().tab != Tab::Findings
            && !heat_map::is_shown(state);
        let (explained, summed, whole_value) = match (state.layer().tab, height) {
            _ if has_detail => (0, 0, 0),
            (Tab::Findings, _) => ((left / 2).min(EXPLANATION_LINES), 0, 0),
            (_, ..18) => (0, 0, 0),
            // The pane beside the table shows the value.
            _ if has_preview => (0, 1, 0),
            (_, 18..20) => (0, 0, 1),
            (_, 20..36) => (0, 1, 1),
            (_, 36..) => (0, 1, 2),
        };
        let room = left.saturating_sub(explained + summed + whole_value);
        // The explanation of a finding is near it, and does not move with each finding that comes.
        let needed = match state.layer().tab {
            Tab::Findings if explained > 0 => rows_of_findings(state, room),
            _ => room,
        };
        let mut rows = take(needed);
        let explanation = take(explained);
        take(room - needed);
        let totals = take(summed);
        let value = take(whole_value);
        let footer = take(1);
        let mut preview = Rect::default();
        let mut head = head;
        if has_preview {
            let room = (width * 3 / 10).clamp(PREVIEW_WIDTHS.0, PREVIEW_WIDTHS.1);
            rows.width -= room;
            head.width -= room;
            let height = head.height + rows.height;
            preview = Rect { x: rows.width, y: head.y, width: room, height };
        }
        for area in [&mut bars, &mut axis] {
            area.x = 1;
            area.width = width.saturating_sub(2);
        }
        if has_detail {
            rows.x = 1;
            rows.width = width.saturating_sub(2);
        }
        Areas {
            header,
            chips,
            timeline_title,
            bars,
            axis,
            alert,
            tabs,
            head,
            rows,
            explanation,
            totals,
            value,
            preview,
            footer,
        }
    }

    pub(crate) fn page(&self) -> usize {
        usize::from(self.rows.height.max(1))
    }
}

/// Rows for the table of findings: as many as there are, in steps.
fn rows_of_findings(state: &State, room: u16) -> u16 {
    const STEP: u64 = 8;
    let count = state.layer().table().rows.data.as_ref().map_or(0, Rows::total);
    // Without findings, their explanation has all of the room.
    if count == 0 {
        return room;
    }
    u16::try_from((count + 1).next_multiple_of(STEP)).unwrap_or(room).min(room)
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

/// Places the columns of the table in front. While the filter and the time range stay the same, neither scrolling nor new
/// data makes a column appear, disappear or become narrower: the measured widths of texts only grow.
pub(crate) fn place_columns(state: &mut State) {
    let areas = Areas::of(state);
    let instants = (state.seen_instant(0).width(), state.short_instant(0).width());
    let constant = columns::constant(state.layer());
    let table = state.layer_mut().table_mut();
    table.constant = constant;
    let columns: Vec<Column> = table.visible_columns().collect();
    let width = areas.rows.width;
    text_widths::measure(table, areas.page(), width, instants);
    let is_same = table.placed_width == width && table.placed_columns == columns;
    let keeps_widths = is_same && table.measured.is_final;
    let needs = |column: Column| {
        let measured = table.measured.columns.get(&column).copied().unwrap_or_default();
        let before = match keeps_widths {
            true => {
                table.placed.iter().find(|placed| placed.column == column).map_or(0, |placed| placed.width)
            }
            false => 0,
        };
        let is_widened = table.widened.contains(&column);
        Needs {
            heading: text_widths::terminal_columns(table.heading(column).width()),
            usual: measured.usual,
            first: measured.first,
            seen: measured.seen,
            before,
            is_widened,
            is_empty: measured.is_empty,
        }
    };
    let order =
        Order { sorted: table.sort.by, scrolled: table.scrolled, is_chosen: table.has_chosen_columns() };
    table.placed = column_placement::place(&columns, width, order, needs);
    table.placed_width = width;
    table.placed_columns = columns;
    // The column under the cursor may have been hidden by a filter, or scrolled off the screen.
    let is_placed = |column: Column| table.placed.iter().any(|placed| placed.column == column);
    if !is_placed(table.column) {
        let first = table.placed.get(1).or(table.placed.first()).map(|placed| placed.column);
        let sorted = Some(table.sort.by).filter(|column| is_placed(*column));
        table.column = sorted.or(first).unwrap_or(table.column);
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

/// Lines of a pane below its rows: the whole value under the cursor.
pub(crate) const PANE_FOOT: u16 = 1;

/// Rows of the pane in front on a page.
pub(crate) fn pane_page(state: &State) -> usize {
    usize::from(pane(state).height.saturating_sub(PANE_HEAD + PANE_FOOT).max(1))
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
    // The sentence above the chart has two lines, on a narrow terminal three.
    let (width, lines) = if state.size.0 < 120 { (76, 5) } else { (100, 4) };
    popup(state, width, usize::from(CHART.1) + lines)
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
