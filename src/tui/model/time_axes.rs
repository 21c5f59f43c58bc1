//! The time axes of the layer in front: of the timeline, the bursts, the table of times and the sparklines.

use crate::insight::bursts::{Burst, bursts};
use crate::query::{BucketWidth, Stats, TimeRange};
use crate::tui::model::{
    Axis, Column, State, Tab, TableKind, Timeline, TimelineMeasure, answer_state::AnswerState,
};

/// Rows of the table of times, unless the user chose the width of its buckets.
const MAX_TIMES_ROWS: usize = 200;
/// Rows of the table of times if the user chose the width: a row per second of a decade would not fit in memory.
const MAX_CHOSEN_TIMES_ROWS: usize = 20_000;
/// Buckets in which bursts are looked for: an hour each where the range is a month.
const MAX_BURST_BUCKETS: usize = 1_000;
/// With fewer requests, a period is no burst: a tiny log has no requests in most hours, so that any request is unusual.
const MIN_BURST_REQUESTS: u64 = 10;

/// The axis of the timeline: one bar is at least one terminal column wide.
pub(crate) fn timeline(state: &State) -> Option<Axis> {
    let (start, end) = state.visible_range()?;
    Some(Axis::of(start, end, usize::from(state.size.0.saturating_sub(2))))
}

/// The time range of the bars of the timeline that a range is in: no bar is cut by its ends.
pub(crate) fn whole_bars(state: &State, start: i64, end: i64) -> TimeRange {
    let axis = Axis::of(start, end, usize::from(state.size.0.saturating_sub(2)));
    TimeRange { start: Some(axis.start), end: Some(axis.end()) }
}

/// The axis on which bursts are looked for. It does not depend on the terminal, so neither do the bursts.
pub(crate) fn bursts_of_layer(state: &State) -> Option<Axis> {
    let (start, end) = state.visible_range()?;
    Some(Axis::round(start, end, MAX_BURST_BUCKETS))
}

/// The axis on which bursts of the whole session are looked for.
pub(crate) fn session_bursts(state: &State) -> Option<Axis> {
    let stats = state.totals.data.as_ref()?.stats;
    (stats.requests > 0)
        .then(|| Axis::round(stats.first_seen, stats.last_seen.saturating_add(1), MAX_BURST_BUCKETS))
}

/// A burst in the time range of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundBurst {
    /// First second.
    pub(crate) start: i64,
    /// The second after the last.
    pub(crate) end: i64,
    /// The seconds of a bucket of the series.
    pub(crate) bucket: u32,
    pub(crate) burst: Burst,
}

/// The bursts of the timeline's measure that the layer shows, in order of time: those of the session, and further ones
/// that stand out only from what the layer shows. They depend neither on the terminal nor, the former, on the zoom.
pub(crate) fn found_bursts(state: &State) -> Vec<FoundBurst> {
    let layer = state.layer();
    let measure = state.timeline_measure();
    let answers = |series: &AnswerState<Timeline>, time| {
        series.query.as_ref().is_some_and(|query| query.filter == layer.filter && query.time == time)
    };
    let of = |series: &AnswerState<Timeline>, axis: Option<Axis>| -> Vec<FoundBurst> {
        let (Some(data), Some(axis)) = (&series.data, axis) else { return Vec::new() };
        let buckets = data.on_axis(&axis);
        let bars: Vec<u64> = buckets.iter().map(|stats| measure.of(stats)).collect();
        let has_enough = |burst: &Burst| {
            let stats = buckets.iter().take(burst.last + 1).skip(burst.first);
            stats.map(|stats| stats.requests).sum::<u64>() >= MIN_BURST_REQUESTS
        };
        let found = |burst: Burst| {
            let (start, end) = (axis.at(burst.first), axis.at(burst.last + 1));
            FoundBurst { start, end, bucket: axis.bucket, burst }
        };
        bursts(&bars, axis.bucket).into_iter().filter(has_enough).map(found).collect()
    };
    let Some((start, end)) = state.visible_range() else { return Vec::new() };
    let overlap = |one: &FoundBurst, start: i64, end: i64| one.start < end && one.end > start;
    let mut found = Vec::new();
    if answers(&layer.session_bursts, state.session_time) {
        found = of(&layer.session_bursts, session_bursts(state));
        found.retain(|burst| overlap(burst, start, end));
    }
    if layer.time != state.session_time && answers(&layer.burst_series, layer.time) {
        // A burst of the session that fills the time range hides none within it.
        let fills = |burst: &FoundBurst| burst.start <= start && burst.end >= end;
        for burst in of(&layer.burst_series, bursts_of_layer(state)) {
            if !found.iter().any(|other| overlap(other, burst.start, burst.end) && !fills(other)) {
                found.push(burst);
            }
        }
        found.sort_by_key(|burst| (burst.start, burst.end));
    }
    found
}

/// The buckets of the table of times.
pub(crate) fn times_bucket(state: &State) -> Option<BucketWidth> {
    let (start, end) = state.visible_range()?;
    Some(match state.layer().table_of(Tab::Time).kind {
        TableKind::Times(Some(BucketWidth::Month)) => BucketWidth::Month,
        TableKind::Times(Some(BucketWidth::Seconds(chosen))) => {
            BucketWidth::Seconds(chosen.max(Axis::of(start, end, MAX_CHOSEN_TIMES_ROWS).bucket))
        }
        _ => BucketWidth::Seconds(Axis::round(start, end, MAX_TIMES_ROWS).bucket),
    })
}

/// The axis of the sparklines: at most one bucket per terminal column, and each is a whole number of bars of the timeline. `None` if no sparklines are shown.
pub(crate) fn sparklines(state: &State) -> Option<Axis> {
    let column = state.layer().table().placed.iter().find(|placed| placed.column == Column::Activity)?;
    let (start, end) = state.visible_range()?;
    let bars = timeline(state)?;
    Some(Axis::of_multiples(bars.bucket, start, end, usize::from(column.width)))
}

/// Whether the bar at an index of a sparkline with `count` bars covers less time than the others.
pub(crate) fn partial_sparks(state: &State, count: usize) -> impl Fn(usize) -> bool + use<> {
    let axis = sparklines(state).filter(|axis| axis.count == count);
    let is_partial = |index: usize| axis.is_some_and(|axis| is_partial(state, &axis, index));
    let ends = (is_partial(0), is_partial(count.saturating_sub(1)));
    move |index| (index == 0 && ends.0) || (index + 1 == count && ends.1)
}

/// The value of each bar of the timeline.
pub(crate) fn timeline_bars(state: &State, axis: &Axis) -> Vec<u64> {
    match &state.layer().timeline.data {
        Some(timeline) => {
            timeline.on_axis(axis).iter().map(|stats| state.timeline_measure().of(stats)).collect()
        }
        None => vec![0; axis.count],
    }
}

/// Whether the bars of the timeline are those of `axis`. Until its answer arrives, they are what is left of those before.
pub(crate) fn is_timeline_of_axis(state: &State, axis: &Axis) -> bool {
    let timeline = &state.layer().timeline;
    let is_of_range = timeline.query.as_ref().is_some_and(|query| query.time == state.layer().time);
    is_of_range && timeline.data.as_ref().is_some_and(|data| !data.is_estimate_on(axis))
}

/// The parts of each bar of the timeline, from the bottom up: 5xx, 4xx, other requests. `None`: bars of bytes have no
/// parts, or the number of 5xx is not known yet.
pub(crate) fn timeline_parts(state: &State, axis: &Axis) -> Option<Vec<[u64; 3]>> {
    let shows_others = match state.timeline_measure() {
        TimelineMeasure::BytesSent => return None,
        TimelineMeasure::Requests => true,
        TimelineMeasure::Errors => false,
    };
    let layer = state.layer();
    let all = layer.timeline.data.as_ref()?.on_axis(axis);
    if layer.server_errors.is_stale() {
        return None;
    }
    let server_errors = layer.server_errors.data.as_ref()?.on_axis(axis);
    let parts = |(all, server): (&Stats, &Stats)| {
        let server = server.requests.min(all.errors);
        let others = if shows_others { all.requests.saturating_sub(all.errors) } else { 0 };
        [server, all.errors - server, others]
    };
    Some(all.iter().zip(&server_errors).map(parts).collect())
}

/// The part of a bucket that must be covered by the time range for the bucket to count as complete.
const COMPLETE_PERCENT: i64 = 95;

/// Whether the time range of the layer covers only a part of a bucket.
pub(crate) fn is_partial(state: &State, axis: &Axis, index: usize) -> bool {
    is_partial_time(state, axis.at(index), axis.at(index + 1))
}

/// Whether the time range of the layer covers only a part of the time from `first` to before `after`.
pub(crate) fn is_partial_time(state: &State, first: i64, after: i64) -> bool {
    let Some((start, end)) = state.visible_range() else { return false };
    let covered = after.min(end).saturating_sub(first.max(start));
    covered.saturating_mul(100) < (after - first).saturating_mul(COMPLETE_PERCENT)
}

/// The sum of the timeline's measure over the burst from second `start` to before `end`. `None` while the answer for the
/// filter of the layer is awaited.
pub(crate) fn sum_of_burst(state: &State, (start, end): (i64, i64)) -> Option<u64> {
    let layer = state.layer();
    let sum = |series: &AnswerState<Timeline>, time, axis: Option<Axis>| {
        let query = series.query.as_ref()?;
        let axis = axis?;
        let is_on_axis = axis.at(axis.index(start)) == start && start + i64::from(axis.bucket) <= end;
        if query.filter != layer.filter || query.time != time || !is_on_axis {
            return None;
        }
        let buckets = series.data.as_ref()?.on_axis(&axis);
        let inside = buckets.iter().enumerate().filter(|(index, _)| (start..end).contains(&axis.at(*index)));
        Some(inside.map(|(_, stats)| state.timeline_measure().of(stats)).sum())
    };
    if layer.time != state.session_time
        && let Some(sum) = sum(&layer.burst_series, layer.time, bursts_of_layer(state))
    {
        return Some(sum);
    }
    sum(&layer.session_bursts, state.session_time, session_bursts(state))
}
