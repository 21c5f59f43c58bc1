//! The mouse: rows, headings, tables, the timeline, the wheel.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{context, cursor, lists, perform};
use crate::tui::model::action::Effect;
use crate::tui::model::keymap::{Command, Context};
use crate::tui::model::layout::{self, Areas};
use crate::tui::model::state::{Brush, Overlay, State};
use crate::tui::view;

/// Two clicks within so many milliseconds are one double click.
const DOUBLE: u64 = 400;
/// How many rows one notch of the wheel is.
const NOTCH: isize = 3;

/// The mouse did something.
pub(super) fn happened(state: &mut State, event: MouseEvent, effects: &mut Vec<Effect>) {
    if layout::is_too_small(state.size) {
        return;
    }
    let at = Position { x: event.column, y: event.row };
    match event.kind {
        MouseEventKind::ScrollUp => wheel(state, -NOTCH),
        MouseEventKind::ScrollDown => wheel(state, NOTCH),
        MouseEventKind::Down(MouseButton::Left) => click(state, at, effects),
        MouseEventKind::Drag(MouseButton::Left) => drag(state, at),
        _ => {}
    }
}

fn wheel(state: &mut State, rows: isize) {
    let command = if rows < 0 { Command::Up } else { Command::Down };
    match context(state) {
        Context::Filters | Context::Columns | Context::Pick | Context::Reading => {
            for _ in 0..rows.unsigned_abs() {
                lists::perform(state, command);
            }
        }
        Context::Detail => {
            for _ in 0..rows.unsigned_abs() {
                cursor::perform(state, command);
            }
        }
        Context::Table | Context::Brush | Context::Prompt => {
            let page = Areas::of(state).page();
            state.layer_mut().table_mut().scroll_by(rows, page);
        }
        Context::Question => {}
    }
}

fn click(state: &mut State, at: Position, effects: &mut Vec<Effect>) {
    let double = state.click.replace((state.now.millis, at.x, at.y)).is_some_and(|(then, x, y)| {
        (x, y) == (at.x, at.y) && state.now.millis.saturating_sub(then) <= DOUBLE
    });
    if double {
        // A third click is a new first one.
        state.click = None;
    }
    state.message = None;
    let areas = Areas::of(state);
    match context(state) {
        Context::Filters | Context::Columns | Context::Pick => click_in_list(state, at, double),
        Context::Reading => state.overlay = None,
        Context::Table | Context::Brush if areas.bars.union(areas.axis).contains(at) => {
            begin_brush(state, at.x)
        }
        Context::Table | Context::Brush | Context::Detail => {
            if areas.tabs.contains(at) {
                if let Some(index) = view::tabs::at(state, at.x) {
                    perform(state, Command::Tab(index), effects);
                } else if view::tabs::is_by(state, at.x) {
                    perform(state, Command::GroupBy, effects);
                }
            } else if areas.chips.contains(at) {
                perform(state, Command::Filters, effects);
            } else if areas.head.contains(at) {
                click_heading(state, at.x);
            } else if areas.rows.contains(at) {
                click_row(state, areas.rows, at, double, effects);
            }
        }
        Context::Prompt | Context::Question => {}
    }
}

fn click_heading(state: &mut State, x: u16) {
    let hit = layout::columns(state)
        .into_iter()
        .find(|placed| (placed.x..placed.x + placed.width + 2).contains(&x));
    if let Some(placed) = hit {
        state.layer_mut().table_mut().column = placed.column;
        cursor::sort(state);
    }
}

fn click_row(state: &mut State, rows: Rect, at: Position, double: bool, effects: &mut Vec<Effect>) {
    let line = usize::from(at.y - rows.y);
    let page = Areas::of(state).page();
    if let Some(detail) = &state.layer().detail {
        let lines = view::detail::lines(state, detail, rows.width);
        let field = lines.get(detail.top + line).map(|line| line.field);
        if let (Some(field), Some(detail)) = (field, &mut state.layer_mut().detail) {
            detail.cursor = field;
        }
        return;
    }
    let hit = layout::columns(state)
        .into_iter()
        .find(|placed| (placed.x..placed.x + placed.width + 2).contains(&at.x));
    let table = state.layer_mut().table_mut();
    let row = table.top + line;
    if row >= table.reach() {
        return;
    }
    table.go(row, page);
    if let Some(placed) = hit {
        table.column = placed.column;
    }
    if double {
        perform(state, Command::Open, effects);
    }
}

fn begin_brush(state: &mut State, x: u16) {
    if let Some(instant) = instant_at(state, x) {
        state.brush = Some(Brush { fixed: instant, moving: instant, burst: None });
    }
}

fn drag(state: &mut State, at: Position) {
    if context(state) == Context::Brush
        && let Some(instant) = instant_at(state, at.x)
        && let Some(brush) = &mut state.brush
    {
        brush.moving = instant;
        brush.burst = None;
    }
}

fn instant_at(state: &State, x: u16) -> Option<i64> {
    let axis = state.axis()?;
    let bars = Areas::of(state).bars;
    let column = usize::from(x.clamp(bars.x, bars.right().saturating_sub(1)) - bars.x);
    let last = axis.count.saturating_sub(1);
    Some(axis.at(axis.of_column(column, usize::from(bars.width)).unwrap_or(last)))
}

fn click_in_list(state: &mut State, at: Position, double: bool) {
    let Some(area) = view::list::area(state) else { return };
    if !area.contains(at) {
        state.overlay = None;
        return;
    }
    let Some(line) = view::list::line_at(state, at.y) else { return };
    match &mut state.overlay {
        Some(
            Overlay::Filters(cursor)
            | Overlay::Columns(cursor)
            | Overlay::Dimensions(cursor)
            | Overlay::Widths(cursor),
        ) => *cursor = line,
        _ => return,
    }
    let toggles = matches!(state.overlay, Some(Overlay::Filters(_) | Overlay::Columns(_)));
    match (double, toggles) {
        (true, true) => lists::perform(state, Command::Toggle),
        (true, false) => lists::perform(state, Command::Accept),
        _ => {}
    }
}
