//! The time axes of the layer in front: of the timeline, the bursts, the table of times and the sparklines.

use crate::query::{BucketWidth, Stats};
use crate::tui::model::{Axis, Column, State, Tab, TableKind, TimelineMeasure};

/// Rows of the table of times, unless the user chose the width of its buckets.
const MAX_TIMES_ROWS: usize = 200;
/// Rows of the table of times if the user chose the width: a row per second of a decade would not fit in memory.
const MAX_CHOSEN_TIMES_ROWS: usize = 20_000;
/// Buckets in which bursts are looked for: an hour each where the range is a month.
const MAX_BURST_BUCKETS: usize = 1_000;

/// The axis of the timeline: one bar is at least one terminal column wide.
pub(crate) fn timeline(state: &State) -> Option<Axis> {
    let (start, end) = state.visible_range()?;
    Some(Axis::of(start, end, usize::from(state.size.0.saturating_sub(2))))
}

/// The axis on which bursts are looked for. It does not depend on the terminal, so neither do the bursts.
pub(crate) fn bursts(state: &State) -> Option<Axis> {
    let (start, end) = state.visible_range()?;
    Some(Axis::round(start, end, MAX_BURST_BUCKETS))
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

/// The value of each bar of the timeline.
pub(crate) fn timeline_bars(state: &State, axis: &Axis) -> Vec<u64> {
    match &state.layer().timeline.data {
        Some(timeline) => {
            timeline.on_axis(axis).iter().map(|stats| state.timeline_measure().of(stats)).collect()
        }
        None => vec![0; axis.count],
    }
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
    let Some((start, end)) = state.visible_range() else { return false };
    let (first, after) = (axis.at(index), axis.at(index + 1));
    let covered = after.min(end).saturating_sub(first.max(start));
    covered.saturating_mul(100) < (after - first).saturating_mul(COMPLETE_PERCENT)
}

/// The sum of the timeline's measure over the burst from second `start` to before `end`. `None` while the answer for the
/// filter of the layer is awaited.
pub(crate) fn sum_of_burst(state: &State, (start, end): (i64, i64)) -> Option<u64> {
    let layer = state.layer();
    let query = layer.burst_series.query.as_ref()?;
    if query.filter != layer.filter || query.time != layer.time {
        return None;
    }
    let axis = bursts(state)?;
    let buckets = layer.burst_series.data.as_ref()?.on_axis(&axis);
    let inside = buckets.iter().enumerate().filter(|(index, _)| (start..end).contains(&axis.at(*index)));
    Some(inside.map(|(_, stats)| state.timeline_measure().of(stats)).sum())
}
