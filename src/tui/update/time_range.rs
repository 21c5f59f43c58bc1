//! The stretch of time of a layer: brush, zoom, bursts.

use super::{drill, queries};
use crate::insight::bursts::{Burst, bursts};
use crate::query::TimeRange;
use crate::tui::format;
use crate::tui::model::axis::Axis;
use crate::tui::model::keymap::Command;
use crate::tui::model::layer::Tab;
use crate::tui::model::state::{Brush, State};

/// Begins to choose a stretch of time, at the highest bar.
pub(super) fn begin(state: &mut State) {
    let Some(axis) = state.axis() else {
        state.warn("no time to choose from yet");
        return;
    };
    let line = line(state, &axis);
    let peak = (0..line.len()).max_by_key(|&index| (line.get(index).copied(), std::cmp::Reverse(index)));
    let at = axis.at(peak.unwrap_or(0));
    state.brush = Some(Brush { fixed: at, moving: at, burst: None });
}

/// The bars of the timeline as numbers.
pub(crate) fn line(state: &State, axis: &Axis) -> Vec<u64> {
    match &state.layer().timeline.data {
        Some(timeline) => timeline.on(axis).iter().map(|stats| state.bars.of(stats)).collect(),
        None => vec![0; axis.count],
    }
}

/// A key while a stretch of time is chosen.
pub(super) fn brush(state: &mut State, command: Command) {
    let (Some(mut brush), Some(axis)) = (state.brush, state.axis()) else {
        state.brush = None;
        return;
    };
    let last = axis.count.saturating_sub(1);
    let page = (axis.count / 10).max(1);
    let at = axis.index(brush.moving);
    let moved = match command {
        Command::Left => at.saturating_sub(1),
        Command::Right => at + 1,
        Command::PageUp => at.saturating_sub(page),
        Command::PageDown => at + page,
        Command::First => 0,
        Command::Last => last,
        _ => at,
    };
    let is_moving = matches!(
        command,
        Command::Left
            | Command::Right
            | Command::PageUp
            | Command::PageDown
            | Command::First
            | Command::Last
            | Command::SwapEdges
            | Command::ShiftLeft
            | Command::ShiftRight
    );
    if is_moving {
        brush.moving = axis.at(moved.min(last));
        brush.burst = None;
    }
    match command {
        Command::SwapEdges => std::mem::swap(&mut brush.fixed, &mut brush.moving),
        Command::ShiftLeft | Command::ShiftRight => {
            let (first, end) = brush.covers(&axis);
            let room =
                command == Command::ShiftLeft && first > 0 || command == Command::ShiftRight && end < last;
            if room {
                let step = i64::from(axis.bucket) * if command == Command::ShiftLeft { -1 } else { 1 };
                brush.fixed += step;
                brush.moving += step;
            }
        }
        Command::Accept => {
            state.brush = None;
            zoom_to(state, brush.time(&axis));
            return;
        }
        Command::Cancel => {
            state.brush = None;
            return;
        }
        Command::NextBurst | Command::PreviousBurst => {
            burst(state, command);
            return;
        }
        Command::Bars => state.bars = state.bars.next(),
        Command::Zone => state.local = !state.local,
        _ => {}
    }
    state.brush = Some(brush);
}

/// Shows only this time; `Z` goes back.
pub(super) fn zoom_to(state: &mut State, time: TimeRange) {
    let time = queries::within(time, state.base);
    let layer = state.layer_mut();
    if layer.time != time {
        layer.zooms.push(layer.time);
        layer.time = time;
    }
}

/// Zooms in: on the row of a table of times, else on the middle half.
pub(super) fn zoom_in(state: &mut State) {
    if state.layer().tab == Tab::Time
        && let Some(time) = drill::time_of_row(state)
    {
        zoom_to(state, time);
        return;
    }
    let Some((start, end)) = state.span() else { return };
    let length = end - start;
    if length < 4 {
        state.say("this is as near as it gets: times are whole seconds");
        return;
    }
    zoom_to(state, TimeRange { start: Some(start + length / 4), end: Some(end - length / 4) });
}

/// Zooms out: to where it came from, or to twice the time.
pub(super) fn zoom_out(state: &mut State) {
    state.brush = None;
    let base = state.base;
    if let Some(before) = state.layer_mut().zooms.pop() {
        state.layer_mut().time = before;
        return;
    }
    if state.layer().time == base {
        state.say("this is all the time there is");
        return;
    }
    let stats = state.totals.data.as_ref().map(|totals| totals.stats);
    let Some((start, end)) = state.span() else {
        state.layer_mut().time = base;
        return;
    };
    let half = ((end - start) / 2).max(1);
    let wider = TimeRange { start: Some(start - half), end: Some(end + half) };
    let covers = |stats: crate::query::Stats| {
        wider.start.is_some_and(|from| from <= stats.first_seen)
            && wider.end.is_some_and(|to| to > stats.last_seen)
    };
    state.layer_mut().time = match stats {
        Some(stats) if covers(stats) => base,
        _ => queries::within(wider, base),
    };
}

/// To the next or previous burst, as soon as it is known where bursts are.
pub(super) fn burst(state: &mut State, command: Command) {
    if state.axis().is_none() {
        return;
    }
    if queries::missing_for_bursts(state).is_some() {
        state.layer_mut().burst_key = Some(command);
        state.say("looking for bursts …");
    } else {
        show_burst(state, command);
    }
}

/// Puts the brush on the next or previous burst and says what it is.
pub(super) fn show_burst(state: &mut State, command: Command) {
    let (Some(timeline), Some(axis)) = (state.axis(), queries::axis_of_bursts(state)) else { return };
    if let Some(error) = state.layer().bursts.error() {
        let error = error.to_owned();
        state.warn(error);
        return;
    }
    let Some(data) = &state.layer().bursts.data else { return };
    let line: Vec<u64> = data.on(&axis).iter().map(|stats| state.bars.of(stats)).collect();
    let found = bursts(&line, axis.bucket);
    let stretch = |burst: &Burst| (axis.at(burst.first), axis.at(burst.last + 1));
    if found.is_empty() {
        let bars = state.bars.name();
        state.say(format!("no burst of {bars}: nothing stands far above the usual"));
        return;
    }
    let next = match (state.brush, command) {
        (None, Command::PreviousBurst) => found.len() - 1,
        (None, _) => 0,
        (Some(brush), Command::PreviousBurst) => {
            let (start, _) = brush.stretch(&timeline);
            found.iter().rposition(|burst| stretch(burst).1 <= start).unwrap_or(found.len() - 1)
        }
        (Some(brush), _) => {
            let (_, end) = brush.stretch(&timeline);
            found.iter().position(|burst| stretch(burst).0 >= end).unwrap_or(0)
        }
    };
    let Some(burst) = found.get(next) else { return };
    let (start, end) = stretch(burst);
    state.brush = Some(Brush { fixed: start, moving: end - 1, burst: Some((start, end)) });
    let told = tell(state, burst, &axis);
    state.say(format!("burst {} of {}: {told}", next + 1, found.len()));
}

/// What the timeline measures, over a burst that was found.
pub(crate) fn sum_of_burst(state: &State, (start, end): (i64, i64)) -> u64 {
    let (Some(axis), Some(data)) = (queries::axis_of_bursts(state), &state.layer().bursts.data) else {
        return 0;
    };
    let buckets = data.on(&axis);
    let inside = buckets.iter().enumerate().filter(|(index, _)| (start..end).contains(&axis.at(*index)));
    inside.map(|(_, stats)| state.bars.of(stats)).sum()
}

fn tell(state: &State, burst: &Burst, axis: &Axis) -> String {
    let amount = |number: u64| match state.bars {
        crate::tui::model::state::Bars::Bytes => format::bytes(number),
        _ => format::count(number),
    };
    let length = i64::from(axis.bucket) * (burst.last - burst.first + 1) as i64;
    let usual = match burst.usual {
        0 => "usually none".to_owned(),
        usual => {
            let times = burst.peak as f64 / usual as f64;
            let digits = usize::from(times < 10.0);
            format!("{times:.digits$} × the usual {}", amount(usual))
        }
    };
    format!("{} {} in {}, {usual}", amount(burst.total), state.bars.name(), format::span(length))
}
