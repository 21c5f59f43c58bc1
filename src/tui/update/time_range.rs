//! The time range of a layer: brush, zoom, bursts.

use crate::insight::bursts::{Burst, bursts};
use crate::query::{Stats, TimeRange};
use crate::tui::format;
use crate::tui::model::{Axis, Brush, Command, Overlay, State, Tab, time_axes};
use crate::tui::update::{drill, findings, queries};

/// Starts the brush at the highest bar.
pub(super) fn start_brush(state: &mut State) {
    let Some(axis) = time_axes::timeline(state) else {
        return state.warn("the time range is not known yet");
    };
    let bars = time_axes::timeline_bars(state, &axis);
    let peak = (0..bars.len()).max_by_key(|&index| (bars.get(index).copied(), std::cmp::Reverse(index)));
    let at = axis.at(peak.unwrap_or(0));
    state.brush = Some(Brush { fixed: at, moving: at, burst: None, finding: None });
}

/// Performs a command while the brush is active.
pub(super) fn perform(state: &mut State, command: Command) {
    let (Some(mut brush), Some(axis)) = (state.brush.clone(), time_axes::timeline(state)) else {
        state.brush = None;
        return;
    };
    let last = axis.count.saturating_sub(1);
    let page = (axis.count / 10).max(1);
    let at = axis.index(brush.moving);
    let moved = match command {
        Command::Left => Some(at.saturating_sub(1)),
        Command::Right => Some(at + 1),
        Command::PageUp => Some(at.saturating_sub(page)),
        Command::PageDown => Some(at + page),
        Command::First => Some(0),
        Command::Last => Some(last),
        Command::SwapEdges | Command::ShiftLeft | Command::ShiftRight => Some(at),
        _ => None,
    };
    if let Some(moved) = moved {
        brush.moving = axis.at(moved.min(last));
        brush.burst = None;
        brush.finding = None;
    }
    match command {
        Command::SwapEdges => std::mem::swap(&mut brush.fixed, &mut brush.moving),
        Command::ShiftLeft | Command::ShiftRight => {
            let (first, end) = brush.buckets(&axis);
            let has_room =
                command == Command::ShiftLeft && first > 0 || command == Command::ShiftRight && end < last;
            if has_room {
                let step = i64::from(axis.bucket) * if command == Command::ShiftLeft { -1 } else { 1 };
                brush.fixed += step;
                brush.moving += step;
            }
        }
        Command::Open if findings::open_brushed(state) => return,
        Command::Open | Command::Accept => return zoom_to(state, brush.time_range(&axis)),
        Command::Cancel => {
            state.brush = None;
            return;
        }
        Command::NextFinding | Command::PreviousFinding => return burst(state, command),
        Command::TimelineMeasure => state.next_timeline_measure(),
        Command::Zone => state.shows_local_time = !state.shows_local_time,
        Command::Help => state.overlay = Some(Overlay::Help(0)),
        _ => {}
    }
    state.brush = Some(brush);
}

/// Shows only `time`, and adds the previous time range to the zoom history.
pub(super) fn zoom_to(state: &mut State, time: TimeRange) {
    let time = queries::within(time, state.session_time);
    state.brush = None;
    let layer = state.layer_mut();
    if layer.time != time {
        layer.zoom_history.push(layer.time);
        layer.time = time;
    }
}

/// Zooms in: to the row of a table of times, otherwise to the middle half.
pub(super) fn zoom_in(state: &mut State) {
    if state.layer().tab == Tab::Time
        && let Some(time) = drill::time_of_row(state)
    {
        return zoom_to(state, time);
    }
    let Some((start, end)) = state.visible_range() else { return };
    let length = end - start;
    if length < 4 {
        return state.notify("zoomed in as far as possible: times are whole seconds");
    }
    zoom_to(state, TimeRange { start: Some(start + length / 4), end: Some(end - length / 4) });
}

/// Zooms out: to the previous time range, otherwise to one of twice the length.
pub(super) fn zoom_out(state: &mut State) {
    state.brush = None;
    let session_time = state.session_time;
    if let Some(previous) = state.layer_mut().zoom_history.pop() {
        state.layer_mut().time = previous;
        return;
    }
    if state.layer().time == session_time {
        return state.notify("zoomed out as far as possible");
    }
    let stats = state.totals.data.as_ref().map(|totals| totals.stats);
    let Some((start, end)) = state.visible_range() else {
        state.layer_mut().time = session_time;
        return;
    };
    let half = ((end - start) / 2).max(1);
    let (start, end) = (start - half, end + half);
    let covers = |stats: Stats| start <= stats.first_seen && end > stats.last_seen;
    let wider = TimeRange { start: Some(start), end: Some(end) };
    state.layer_mut().time = match stats {
        Some(stats) if covers(stats) => session_time,
        _ => queries::within(wider, session_time),
    };
}

/// Selects the next or previous finding; without findings, the next or previous burst, as soon as the series for bursts is loaded.
pub(super) fn burst(state: &mut State, command: Command) {
    if time_axes::timeline(state).is_none() || findings::step(state, command) {
        return;
    }
    if queries::missing_for_bursts(state).is_some() {
        state.layer_mut().pending_burst = Some(command);
        state.notify("looking for bursts …");
    } else {
        show_burst(state, command);
    }
}

/// Puts the brush on the next or previous burst and describes it.
pub(super) fn show_burst(state: &mut State, command: Command) {
    let (Some(timeline), Some(axis)) = (time_axes::timeline(state), time_axes::bursts(state)) else {
        return;
    };
    if let Some(error) = state.layer().burst_series.error() {
        let error = error.to_owned();
        return state.warn(error);
    }
    let Some(series) = &state.layer().burst_series.data else { return };
    let bars: Vec<u64> = series.on_axis(&axis).iter().map(|stats| state.timeline_measure().of(stats)).collect();
    let found = bursts(&bars, axis.bucket);
    let seconds = |burst: &Burst| (axis.at(burst.first), axis.at(burst.last + 1));
    if found.is_empty() {
        let name = state.timeline_measure().name();
        return state.notify(format!("no burst of {name}: nothing is far above the usual"));
    }
    let next = match (&state.brush, command) {
        (None, Command::PreviousFinding) => found.len() - 1,
        (None, _) => 0,
        (Some(brush), Command::PreviousFinding) => {
            let (start, _) = brush.seconds(&timeline);
            found.iter().rposition(|burst| seconds(burst).1 <= start).unwrap_or(found.len() - 1)
        }
        (Some(brush), _) => {
            let (_, end) = brush.seconds(&timeline);
            found.iter().position(|burst| seconds(burst).0 >= end).unwrap_or(0)
        }
    };
    let Some(burst) = found.get(next) else { return };
    let (start, end) = seconds(burst);
    state.brush = Some(Brush { fixed: start, moving: end - 1, burst: Some((start, end)), finding: None });
    let description = describe(state, burst, &axis);
    state.notify(format!("burst {} of {}: {description}", next + 1, found.len()));
}

fn describe(state: &State, burst: &Burst, axis: &Axis) -> String {
    let measure = state.timeline_measure();
    let seconds = i64::from(axis.bucket) * (burst.last - burst.first + 1) as i64;
    let usual = match burst.usual {
        0 => "usually none".to_owned(),
        usual => {
            let times = burst.peak as f64 / usual as f64;
            let digits = usize::from(times < 10.0);
            format!("{times:.digits$} × the usual {}", measure.amount(usual))
        }
    };
    format!("{} in {}, {usual}", measure.describe(burst.total), format::length_of_time(seconds))
}
