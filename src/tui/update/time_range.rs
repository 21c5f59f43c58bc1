//! The time range of a layer: brush, zoom, bursts.

use crate::query::{Stats, TimeRange};
use crate::tui::format;
use crate::tui::model::time_axes::{self, FoundBurst};
use crate::tui::model::{Axis, Brush, Command, ListKind, State, Tab};
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
        Command::Help => state.open_list(ListKind::Help),
        _ => {}
    }
    state.brush = Some(brush);
}

/// Shows only `time`, and adds the previous time range to the zoom history.
pub(super) fn zoom_to(state: &mut State, time: TimeRange) {
    let time = time.within(state.session_time);
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
    zoom_in_around(state, None);
}

/// Zooms in to half of the bars. The bar at an index stays in its place; without one, the bars in the middle are shown.
pub(super) fn zoom_in_around(state: &mut State, bar: Option<usize>) {
    let Some(axis) = time_axes::timeline(state) else { return };
    let kept = axis.count.div_ceil(2);
    let left_out = axis.count.saturating_sub(kept);
    if left_out == 0 {
        return state.notify("zoomed in as far as possible (1 s)");
    }
    let first = match bar {
        Some(bar) => bar.min(axis.count - 1) * left_out / (axis.count - 1),
        None => left_out / 2,
    };
    let zoomed = time_axes::whole_bars(state, axis.at(first), axis.at(first + kept));
    zoom_to(state, zoomed);
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
    let Some(axis) = time_axes::timeline(state) else {
        state.layer_mut().time = session_time;
        return;
    };
    // Whole bars, so that the times stay round.
    let half = i64::from(axis.bucket).saturating_mul((axis.count / 2).max(1) as i64);
    let (mut start, mut end) = (axis.start.saturating_sub(half), axis.end().saturating_add(half));
    if let Some(stats) = stats {
        let all = Axis::with(axis.bucket, stats.first_seen, stats.last_seen.saturating_add(1));
        (start, end) = (start.max(all.start), end.min(all.end()));
    }
    let covers = |stats: Stats| start <= stats.first_seen && end > stats.last_seen;
    let wider = time_axes::whole_bars(state, start, end);
    state.layer_mut().time = match stats {
        Some(stats) if covers(stats) => session_time,
        _ => wider.within(session_time),
    };
}

/// Selects the next or previous finding; without findings, the next or previous burst, as soon as the series for bursts is loaded.
pub(super) fn burst(state: &mut State, command: Command) {
    if time_axes::timeline(state).is_none() || findings::step(state, command) {
        return;
    }
    if queries::awaits_bursts(state) {
        state.layer_mut().pending_burst = Some(command);
        state.notify("looking for bursts …");
    } else {
        show_burst(state, command);
    }
}

/// Puts the brush on the next or previous burst and describes it.
pub(super) fn show_burst(state: &mut State, command: Command) {
    let Some(timeline) = time_axes::timeline(state) else { return };
    let layer = state.layer();
    if let Some(error) = layer.burst_series.error().or(layer.session_bursts.error()) {
        let error = error.to_owned();
        return state.warn(error);
    }
    let found = time_axes::found_bursts(state);
    if found.is_empty() {
        let name = state.timeline_measure().name();
        return state.notify(format!("no burst of {name}: nothing is far above the usual"));
    }
    let next = match (&state.brush, command) {
        (None, Command::PreviousFinding) => found.len() - 1,
        (None, _) => 0,
        (Some(brush), Command::PreviousFinding) => {
            let (start, _) = brush.seconds(&timeline);
            found.iter().rposition(|burst| burst.end <= start).unwrap_or(found.len() - 1)
        }
        (Some(brush), _) => {
            let (_, end) = brush.seconds(&timeline);
            found.iter().position(|burst| burst.start >= end).unwrap_or(0)
        }
    };
    let Some(burst) = found.get(next) else { return };
    let (start, end) = (burst.start, burst.end);
    let description = describe(state, burst);
    state.brush = Some(Brush { fixed: start, moving: end - 1, burst: Some((start, end)), finding: None });
    state.notify(format!("burst {} of {}: {description}", next + 1, found.len()));
}

fn describe(state: &State, found: &FoundBurst) -> String {
    let measure = state.timeline_measure();
    let burst = found.burst;
    let usual = match burst.usual {
        0 => "usually none".to_owned(),
        usual => {
            let times = burst.peak as f64 / usual as f64;
            let digits = usize::from(times < 10.0);
            format!("{times:.digits$} × the usual {}", measure.amount(usual))
        }
    };
    let length = found.end - found.start;
    let total = format!("{} in {}", measure.describe(burst.total), format::length_of_time(length));
    // The usual number is that of a bucket.
    if length <= i64::from(found.bucket) {
        return format!("{total}, {usual}");
    }
    format!("{total}, at most {} {}, {usual}", measure.amount(burst.peak), format::per(found.bucket))
}
