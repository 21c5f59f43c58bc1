//! What answers do to the screen. One that nobody waits for any more is dropped.

use super::{queries, time_range};
use crate::query::{Answer, Ask, Measure, Value};
use crate::tui::app::query_runner::Told;
use crate::tui::model::action::Slot;
use crate::tui::model::layer::Timeline;
use crate::tui::model::layout::Areas;
use crate::tui::model::rows::Rows;
use crate::tui::model::state::State;
use crate::tui::model::table::Extra;

/// Takes an answer.
pub(super) fn take(state: &mut State, told: Told) {
    match told.slot {
        Slot::Totals => totals(state, told),
        Slot::Timeline => timeline(state, told),
        Slot::Bursts => bursts(state, told),
        Slot::Table => table(state, told),
        Slot::Activity => activity(state, told),
        Slot::Distinct => distinct(state, told),
        Slot::Detail => detail(state, told),
    }
}

fn totals(state: &mut State, told: Told) {
    if !state.totals.awaits(told.number) {
        return;
    }
    match told.answer {
        Ok(Answer::Totals(totals)) => {
            if state.totals.take(told.share, told.generation) {
                state.totals.data = Some(totals);
            }
        }
        Ok(_) => state.totals.fail(told.generation, WRONG_KIND.to_owned()),
        Err(message) => state.totals.fail(told.generation, message),
    }
}

fn timeline(state: &mut State, told: Told) {
    let timeline = &mut state.layer_mut().timeline;
    if !timeline.awaits(told.number) {
        return;
    }
    match told.answer {
        Ok(Answer::Series(series)) => {
            if timeline.take(told.share, told.generation) {
                timeline.data = Some(Timeline::of(series));
            }
        }
        Ok(_) => timeline.fail(told.generation, WRONG_KIND.to_owned()),
        Err(message) => timeline.fail(told.generation, message),
    }
}

fn bursts(state: &mut State, told: Told) {
    let bursts = &mut state.layer_mut().bursts;
    if !bursts.awaits(told.number) || told.share.is_some() {
        return;
    }
    match told.answer {
        Ok(Answer::Series(series)) => {
            if bursts.take(told.share, told.generation) {
                bursts.data = Some(Timeline::of(series));
            }
        }
        Ok(_) => bursts.fail(told.generation, WRONG_KIND.to_owned()),
        Err(message) => bursts.fail(told.generation, message),
    }
    if let Some(key) = state.layer_mut().burst_key.take() {
        time_range::show_burst(state, key);
    }
}

fn table(state: &mut State, told: Told) {
    let page = Areas::of(state).page();
    let table = state.layer_mut().table_mut();
    if !table.rows.awaits(told.number) {
        return;
    }
    let rows = match told.answer {
        Ok(Answer::Groups(groups)) => Ok(Rows::Groups(groups)),
        Ok(Answer::Series(series)) => Ok(Rows::of_series(&series, table.sort)),
        Ok(Answer::Requests(requests)) => {
            let offset = table.rows.asked_for().map_or(0, |query| match query.ask {
                Ask::Requests { offset, .. } => offset,
                _ => 0,
            });
            Ok(Rows::Requests { offset, requests })
        }
        Ok(Answer::Totals(_)) => Err(WRONG_KIND.to_owned()),
        Err(message) => Err(message),
    };
    match rows {
        Ok(rows) => {
            if table.rows.take(told.share, told.generation) {
                table.take(rows, page);
            }
        }
        Err(message) => table.rows.fail(told.generation, message),
    }
}

fn activity(state: &mut State, told: Told) {
    if told.share.is_some() {
        return;
    }
    let axis = queries::axis_of_activity(state);
    let activity = &mut state.layer_mut().table_mut().activity;
    if !activity.awaits(told.number) {
        return;
    }
    match (told.answer, axis) {
        (Ok(Answer::Series(series)), Some(axis)) if series.bucket == axis.bucket => {
            let (start, bucket) = (series.start, series.bucket);
            let mut lines: Vec<_> = series.lines.into_iter().map(Some).collect();
            let placed: Vec<Option<Vec<u64>>> = lines
                .iter_mut()
                .map(|line| {
                    let line = line.take()?;
                    let series = crate::query::Series { bucket, start, lines: vec![line] };
                    Some(Timeline::of(series).on(&axis).iter().map(|stats| stats.requests).collect())
                })
                .collect();
            activity.take(told.generation, |index, _| placed.get(index).cloned().flatten());
        }
        _ => activity.fail(told.generation),
    }
}

fn distinct(state: &mut State, told: Told) {
    if told.share.is_some() {
        return;
    }
    let distinct = &mut state.layer_mut().table_mut().distinct;
    if !distinct.awaits(told.number) {
        return;
    }
    let measures = match distinct.of().map(|query| &query.ask) {
        Some(Ask::Groups { more, .. }) => more.clone(),
        _ => Vec::new(),
    };
    match told.answer {
        Ok(Answer::Groups(groups)) => distinct.take(told.generation, |_, value: &Value| {
            let row = groups.rows.iter().find(|row| row.value == *value)?;
            let extra = |(measure, number): (&Measure, &Option<f64>)| Extra {
                measure: *measure,
                number: *number,
                is_approximate: groups.approximate.contains(measure),
            };
            Some(measures.iter().zip(&row.more).map(extra).collect())
        }),
        _ => distinct.fail(told.generation),
    }
}

fn detail(state: &mut State, told: Told) {
    let Some(detail) = &mut state.layer_mut().detail else { return };
    if told.share.is_some() || detail.asked != Some(told.number) {
        return;
    }
    match told.answer {
        Ok(Answer::Requests(requests)) => {
            detail.is_whole = true;
            // One that was pruned meanwhile stays as it was in the table.
            if let Some(row) = requests.rows.into_iter().find(|row| row.id == detail.row.id) {
                detail.row = row;
            }
        }
        Ok(_) => state.warn(WRONG_KIND),
        Err(message) => state.warn(message),
    }
}

const WRONG_KIND: &str = "the engine answered another kind of question; please report this";
