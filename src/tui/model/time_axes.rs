//! The time axes of the layer in front: of the timeline, the bursts, the table of times and the sparklines.

use crate::query::BucketWidth;
use crate::tui::model::{Axis, Column, State, Tab, TableKind};

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

/// The axis of the sparklines: at most one bucket per terminal column. `None` if no sparklines are shown.
pub(crate) fn sparklines(state: &State) -> Option<Axis> {
    let column = state.layer().table().placed.iter().find(|placed| placed.column == Column::Activity)?;
    let (start, end) = state.visible_range()?;
    Some(Axis::of(start, end, usize::from(column.width)))
}

/// The value of each bar of the timeline.
pub(crate) fn timeline_bars(state: &State, axis: &Axis) -> Vec<u64> {
    match &state.layer().timeline.data {
        Some(timeline) => {
            timeline.on_axis(axis).iter().map(|stats| state.timeline_measure.of(stats)).collect()
        }
        None => vec![0; axis.count],
    }
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
    Some(inside.map(|(_, stats)| state.timeline_measure.of(stats)).sum())
}
