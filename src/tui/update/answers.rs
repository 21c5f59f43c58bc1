//! Stores answers of the engine in the state. An answer to a query that is no longer awaited is dropped.

use crate::query::{Answer, Ask, BucketWidth, Measure, Series, Value};
use crate::tui::model::{Areas, LazyMeasure, QueryResult, Rows, Slot, State, Timeline, time_axes};
use crate::tui::update::{queries, time_range};

const WRONG_KIND: &str = "internal error: the engine returned another kind of answer; please report this";

pub(super) fn store(state: &mut State, result: QueryResult) {
    let result = QueryResult { generation: queries::version_of(state, &result), ..result };
    match result.slot {
        Slot::Totals => totals(state, result),
        Slot::Timeline => timeline(state, result),
        Slot::ServerErrors => server_errors(state, result),
        Slot::Cost => cost(state, result),
        Slot::Bursts => bursts(state, result),
        Slot::SessionBursts => session_bursts(state, result),
        Slot::Table => table(state, result),
        Slot::HeatMap => heat_map(state, result),
        Slot::Activity => activity(state, result),
        Slot::LazyMeasures => lazy_measures(state, result),
        Slot::Detail => detail(state, result),
    }
}

fn totals(state: &mut State, result: QueryResult) {
    if !state.totals.awaits(result.number) {
        return;
    }
    let totals = result.answer.and_then(|answer| match answer {
        Answer::Totals(totals) => Ok(totals),
        _ => Err(WRONG_KIND.to_owned()),
    });
    state.totals.store(result.share, result.generation, totals);
}

fn timeline_of(answer: Result<Answer, String>) -> Result<Timeline, String> {
    match answer? {
        Answer::Series(series) => Ok(Timeline::from_series(series)),
        _ => Err(WRONG_KIND.to_owned()),
    }
}

fn timeline(state: &mut State, result: QueryResult) {
    let timeline = &mut state.layer_mut().timeline;
    if timeline.awaits(result.number) {
        timeline.store(result.share, result.generation, timeline_of(result.answer));
    }
}

fn server_errors(state: &mut State, result: QueryResult) {
    let errors = &mut state.layer_mut().server_errors;
    if errors.awaits(result.number) && result.share.is_none() {
        errors.store(None, result.generation, timeline_of(result.answer));
    }
}

fn cost(state: &mut State, result: QueryResult) {
    let cost = &mut state.layer_mut().cost;
    if cost.awaits(result.number) && result.share.is_none() {
        let dollars = result.answer.and_then(|answer| match answer {
            Answer::Cost(cost) => Ok(cost.dollars),
            _ => Err(WRONG_KIND.to_owned()),
        });
        cost.store(None, result.generation, dollars);
    }
}

fn bursts(state: &mut State, result: QueryResult) {
    let series = &mut state.layer_mut().burst_series;
    if !series.awaits(result.number) || result.share.is_some() {
        return;
    }
    series.store(result.share, result.generation, timeline_of(result.answer));
    show_awaited_burst(state);
}

fn session_bursts(state: &mut State, result: QueryResult) {
    let series = &mut state.layer_mut().session_bursts;
    if series.awaits(result.number) && result.share.is_none() {
        series.store(None, result.generation, timeline_of(result.answer));
        show_awaited_burst(state);
    }
}

/// Shows the burst that the user asked for, if all series have arrived.
fn show_awaited_burst(state: &mut State) {
    if state.layer().pending_burst.is_some()
        && !queries::awaits_bursts(state)
        && let Some(command) = state.layer_mut().pending_burst.take()
    {
        time_range::show_burst(state, command);
    }
}

fn table(state: &mut State, result: QueryResult) {
    let page = Areas::of(state).page();
    let width = time_axes::times_bucket(state);
    let is_growing = state.is_growing();
    let table = state.layer_mut().table_mut();
    let was_partial = table.rows.share.is_some();
    if !table.rows.awaits(result.number) {
        return;
    }
    let rows = match result.answer {
        Ok(Answer::Groups(groups)) => Ok(Rows::Groups(groups)),
        Ok(Answer::Pairs(pairs)) => Ok(Rows::Pairs(pairs)),
        Ok(Answer::Series(series)) => {
            let width = width.filter(|width| width.asked() == series.bucket);
            let width = width.unwrap_or(BucketWidth::Seconds(series.bucket));
            Ok(Rows::of_series(&series, width, table.sort))
        }
        Ok(Answer::Requests(requests)) => {
            let offset = table.rows.running_query().map_or(0, |query| match query.ask {
                Ask::Requests { offset, .. } => offset,
                _ => 0,
            });
            Ok(Rows::Requests { offset, requests })
        }
        Ok(_) => Err(WRONG_KIND.to_owned()),
        Err(message) => Err(message),
    };
    match rows {
        Ok(rows) => {
            if table.rows.accept(result.share, result.generation) {
                // The first row of a part of the requests may be far down among all of them. The user did not choose it.
                if !table.was_moved && (is_growing || table.rows.data.is_none() || was_partial) {
                    table.return_to_first_row();
                }
                table.replace_rows(rows, page);
            }
        }
        Err(message) => table.rows.fail(result.generation, message),
    }
}

fn heat_map(state: &mut State, result: QueryResult) {
    let map = &mut state.layer_mut().heat_map;
    if map.awaits(result.number) {
        let pairs = result.answer.and_then(|answer| match answer {
            Answer::Pairs(pairs) => Ok(pairs),
            _ => Err(WRONG_KIND.to_owned()),
        });
        map.store(result.share, result.generation, pairs);
    }
}

fn activity(state: &mut State, result: QueryResult) {
    let axis = time_axes::sparklines(state);
    let activity = &mut state.layer_mut().table_mut().activity;
    if result.share.is_some() || !activity.awaits(result.number) {
        return;
    }
    match (result.answer, axis) {
        (Ok(Answer::Series(series)), Some(axis)) if series.bucket == axis.bucket => {
            let Series { bucket, start, lines } = series;
            let sparkline = |line| {
                let series = Series { bucket, start, lines: vec![line] };
                Timeline::from_series(series).on_axis(&axis).iter().map(|stats| stats.requests).collect()
            };
            let sparklines: Vec<Vec<u64>> = lines.into_iter().map(sparkline).collect();
            activity.store(result.generation, |index, _| sparklines.get(index).cloned());
        }
        _ => activity.fail(result.generation),
    }
}

fn lazy_measures(state: &mut State, result: QueryResult) {
    let column = &mut state.layer_mut().table_mut().lazy_measures;
    if result.share.is_some() || !column.awaits(result.number) {
        return;
    }
    let measures = match column.query().map(|query| &query.ask) {
        Some(Ask::Groups { more, .. }) => more.clone(),
        _ => Vec::new(),
    };
    match result.answer {
        Ok(Answer::Groups(groups)) => column.store(result.generation, |_, value: &Value| {
            let row = groups.rows.iter().find(|row| row.value == *value)?;
            let lazy_measure = |(measure, number): (&Measure, &Option<f64>)| LazyMeasure {
                measure: *measure,
                number: *number,
                is_approximate: groups.approximate.contains(measure),
            };
            Some(measures.iter().zip(&row.more).map(lazy_measure).collect())
        }),
        _ => column.fail(result.generation),
    }
}

fn detail(state: &mut State, result: QueryResult) {
    let Some(detail) = &mut state.layer_mut().detail else { return };
    if result.share.is_some() || detail.query_number != Some(result.number) {
        return;
    }
    match result.answer {
        Ok(Answer::Requests(requests)) => {
            detail.is_complete = true;
            // If the request was pruned in the meantime, the fields from the table remain.
            if let Some(row) = requests.rows.into_iter().find(|row| row.id == detail.row.id) {
                detail.row = row;
            }
        }
        Ok(_) => state.warn(WRONG_KIND),
        Err(message) => state.warn(message),
    }
}
