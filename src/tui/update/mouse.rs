//! The mouse: clicks on rows, headings, tabs, popups and the timeline; the wheel.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::tui::model::{
    Areas, Brush, Command, Context, Effect, Footer, LineOf, List, Overlay, State, Tab, crumbs, found,
    heat_map, layout, palette, pane::Pane, tabs, time_axes,
};
use crate::tui::update::heat_map as update_heat_map;
use crate::tui::update::palette as update_palette;
use crate::tui::update::{cursor, dispatch, lists, pane, perform, time_range};

/// Two clicks on a cell within this many milliseconds are a double click.
const DOUBLE_CLICK_MILLIS: u64 = 400;
/// Rows per notch of the wheel.
const WHEEL_ROWS: isize = 3;

/// Leaves the mouse to the terminal, so that the user can select text, or takes it again.
pub(super) fn release_or_take(state: &mut State, effects: &mut Vec<Effect>) {
    state.mouse_is_released = !state.mouse_is_released;
    effects.push(Effect::CaptureMouse(!state.mouse_is_released));
    let key = state.table_key(Command::Mouse);
    state.notify(match state.mouse_is_released {
        true => format!("the mouse selects text; {key} gives it back to the explorer"),
        false => "the explorer has the mouse again".to_owned(),
    });
}

/// Handles a mouse event.
pub(super) fn handle(state: &mut State, event: MouseEvent, effects: &mut Vec<Effect>) {
    if state.is_too_small() {
        return;
    }
    let at = Position { x: event.column, y: event.row };
    match event.kind {
        MouseEventKind::ScrollUp if is_on_timeline(state, at) => {
            time_range::zoom_in_around(state, bar_at(state, at.x));
        }
        MouseEventKind::ScrollDown if is_on_timeline(state, at) => time_range::zoom_out(state),
        MouseEventKind::ScrollUp => scroll(state, -WHEEL_ROWS, effects),
        MouseEventKind::ScrollDown => scroll(state, WHEEL_ROWS, effects),
        MouseEventKind::Down(MouseButton::Left) => click(state, at, effects),
        MouseEventKind::Drag(MouseButton::Left) => drag(state, at),
        _ => {}
    }
}

/// Whether the wheel zooms: on the bars of the timeline, with nothing in front of them.
fn is_on_timeline(state: &State, at: Position) -> bool {
    let areas = Areas::of(state);
    let is_free =
        matches!(state.context(), Context::Table | Context::Findings | Context::HeatMap | Context::Brush);
    is_free && areas.timeline_title.union(areas.bars).union(areas.axis).contains(at)
}

fn scroll(state: &mut State, rows: isize, effects: &mut Vec<Effect>) {
    let command = if rows < 0 { Command::Up } else { Command::Down };
    match state.context() {
        Context::Filters | Context::Columns | Context::Pick | Context::Reading => {
            (0..rows.unsigned_abs()).for_each(|_| lists::perform(state, command, effects));
        }
        Context::Palette => {
            (0..rows.unsigned_abs()).for_each(|_| update_palette::perform(state, command, effects));
        }
        Context::Contrast | Context::Block => {
            (0..rows.unsigned_abs()).for_each(|_| pane::perform(state, command, effects));
        }
        Context::Detail => (0..rows.unsigned_abs()).for_each(|_| cursor::perform(state, command)),
        Context::Table | Context::Findings | Context::Brush | Context::Prompt => {
            let page = Areas::of(state).page();
            state.layer_mut().table_mut().scroll_by(rows, page);
        }
        Context::HeatMap => {
            update_heat_map::perform(state, command);
        }
        Context::Confirm | Context::Concentration | Context::CopyMenu => {}
    }
}

fn click(state: &mut State, at: Position, effects: &mut Vec<Effect>) {
    let now = state.now.session_millis;
    let is_double = state.last_click.replace((now, at.x, at.y)).is_some_and(|(then, x, y)| {
        (x, y) == (at.x, at.y) && now.saturating_sub(then) <= DOUBLE_CLICK_MILLIS
    });
    if is_double {
        // A third click is not another double click.
        state.last_click = None;
    }
    let areas = Areas::of(state);
    // A message covers the keys, except in the menu of what to copy.
    let shows_keys = state.message.is_none() || state.context() == Context::CopyMenu;
    if shows_keys && areas.footer.contains(at) {
        let footer = Rect { x: 1, width: areas.footer.width.saturating_sub(2), ..areas.footer };
        if let Some(command) = Footer::of(state, footer).command_at(at.x) {
            let context = state.context();
            state.message = None;
            state.has_copy_menu = false;
            return dispatch(state, command, context, effects);
        }
    }
    state.message = None;
    state.has_copy_menu = false;
    match state.context() {
        Context::Filters | Context::Columns | Context::Pick => click_list(state, at, effects),
        Context::Palette => click_palette(state, at, effects),
        Context::Reading => state.overlay = None,
        Context::Table | Context::Findings | Context::HeatMap | Context::Brush
            if areas.bars.union(areas.axis).contains(at) =>
        {
            start_brush(state, at.x)
        }
        Context::Table | Context::Findings | Context::HeatMap | Context::Brush | Context::Detail => {
            if areas.alert.contains(at) && found::alert(state).is_some() {
                perform(state, Command::Tab(Tab::Findings as u8), effects);
            } else if areas.tabs.contains(at) {
                if let Some(index) = tabs::tab_at(state, at.x) {
                    perform(state, Command::Tab(index), effects);
                } else if tabs::is_grouping_at(state, at.x) {
                    perform(state, Command::GroupBy, effects);
                }
            } else if areas.chips.contains(at) {
                click_crumb(state, &areas, at.x, effects);
            } else if heat_map::is_shown(state) {
                if let Some(hour) = heat_map::at(&areas, state.layer().heat_cursor, at.x, at.y) {
                    state.layer_mut().heat_cursor = hour;
                    if is_double {
                        update_heat_map::perform(state, Command::Open);
                    }
                }
            } else if areas.head.contains(at) {
                click_heading(state, at.x);
            } else if areas.rows.contains(at) {
                click_row(state, areas.rows, at, is_double, effects);
            }
        }
        Context::Contrast => click_contrast(state, at, is_double, effects),
        Context::Concentration | Context::Block => {
            if !layout::pane_in_front(state).contains(at) {
                pane::perform(state, Command::Cancel, effects);
            }
        }
        Context::Prompt | Context::Confirm | Context::CopyMenu => {}
    }
}

/// Returns to the layer whose part of the way was clicked; in the layer in front, lists its filters.
fn click_crumb(state: &mut State, areas: &Areas, x: u16, effects: &mut Vec<Effect>) {
    let front = state.depth() - 1;
    if front == 0 {
        return perform(state, Command::Filters, effects);
    }
    let crumbs = crumbs::of(state, areas.chips.x + 1, areas.chips.right());
    match crumbs::layer_at(&crumbs, x) {
        Some(layer) if layer == front => perform(state, Command::Filters, effects),
        Some(layer) => {
            state.brush = None;
            state.return_to(layer);
        }
        None => perform(state, Command::Layers, effects),
    }
}

/// Moves the cursor of a contrast; a double click adds the value to the filter.
fn click_contrast(state: &mut State, at: Position, is_double: bool, effects: &mut Vec<Effect>) {
    let area = layout::pane(state);
    let page = layout::pane_page(state);
    let Some(line) = at.y.checked_sub(area.y + layout::PANE_HEAD) else { return };
    let Some(Pane::Contrast(contrast)) = &mut state.pane else { return };
    let row = contrast.top + usize::from(line);
    if at.y + layout::PANE_FOOT >= area.bottom() || row >= contrast.row_count() {
        return;
    }
    contrast.move_to(row, page);
    if is_double {
        pane::perform(state, Command::Accept, effects);
    }
}

fn click_heading(state: &mut State, x: u16) {
    let table = state.layer_mut().table_mut();
    if let Some(column) = table.column_at(x) {
        table.column = column;
        cursor::sort(state);
    }
}

fn click_row(state: &mut State, rows: Rect, at: Position, is_double: bool, effects: &mut Vec<Effect>) {
    let line = usize::from(at.y - rows.y);
    let page = Areas::of(state).page();
    if let Some(detail) = &state.layer().detail {
        let lines = detail.lines(state, rows);
        match lines.get(detail.top + line).map(|line| line.of) {
            Some(LineOf::Field(field)) => {
                if let Some(detail) = &mut state.layer_mut().detail {
                    detail.cursor = field;
                }
            }
            Some(LineOf::Absent) => perform(state, Command::Toggle, effects),
            Some(LineOf::Section) | None => {}
        }
        return;
    }
    let table = state.layer_mut().table_mut();
    let row = table.top + line;
    if row >= table.reachable() {
        return;
    }
    table.move_to(row, page);
    if let Some(column) = table.column_at(at.x) {
        table.column = column;
    }
    if is_double {
        perform(state, Command::Open, effects);
    }
}

fn start_brush(state: &mut State, x: u16) {
    if let Some(instant) = bucket_at(state, x) {
        state.brush = Some(Brush { fixed: instant, moving: instant, burst: None, finding: None });
    }
}

fn drag(state: &mut State, at: Position) {
    if state.context() == Context::Brush
        && let Some(instant) = bucket_at(state, at.x)
        && let Some(brush) = &mut state.brush
    {
        brush.moving = instant;
        brush.burst = None;
        brush.finding = None;
    }
}

/// Index of the bar at terminal column `x`, or of the nearest bar.
fn bar_at(state: &State, x: u16) -> Option<usize> {
    let axis = time_axes::timeline(state)?;
    let bars = Areas::of(state).bars;
    let column = usize::from(x.clamp(bars.x, bars.right().saturating_sub(1)) - bars.x);
    let last = axis.count.saturating_sub(1);
    Some(axis.bucket_at(column, usize::from(bars.width)).unwrap_or(last))
}

/// The first second of the bar at terminal column `x`.
fn bucket_at(state: &State, x: u16) -> Option<i64> {
    Some(time_axes::timeline(state)?.at(bar_at(state, x)?))
}

/// Chooses the entry under the mouse, or switches it off or on.
fn click_list(state: &mut State, at: Position, effects: &mut Vec<Effect>) {
    let Some(list) = List::in_front(state) else { return };
    let area = list.area(state);
    if !area.contains(at) {
        state.overlay = None;
        return;
    }
    let Some(index) = list.entry_at(area, at.y) else { return };
    let Some(Overlay::List(open)) = &mut state.overlay else { return };
    open.cursor = index;
    let command = match state.context() {
        Context::Filters | Context::Columns => Command::Toggle,
        _ => Command::Accept,
    };
    lists::perform(state, command, effects);
}

fn click_palette(state: &mut State, at: Position, effects: &mut Vec<Effect>) {
    let Some(list) = palette::in_front(state) else { return };
    let area = palette::area(state, Areas::of(state).footer);
    let index = if area.contains(at) { list.entry_at(area, at.y) } else { None };
    match (index, &mut state.prompt) {
        (Some(index), Some(prompt)) => prompt.selected = index,
        (None, prompt) if !area.contains(at) && at.y < area.y => {
            *prompt = None;
            return;
        }
        _ => return,
    }
    update_palette::perform(state, Command::Accept, effects);
}
