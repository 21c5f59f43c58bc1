//! The standing questions: what the screen shows is the answer to some question, and whenever that
//! question or the data changes, it is asked anew. No key asks anything by itself.

use crate::log::Field;
use crate::query::{Ask, Counting, Filter, Measure, Query, Sort, TimeRange, Value};
use crate::tui::model::action::{Effect, Question, Slot};
use crate::tui::model::axis::Axis;
use crate::tui::model::columns::Column;
use crate::tui::model::layout;
use crate::tui::model::state::State;
use crate::tui::model::table::{About, LOADED};

/// How many rows the table of times has at most, unless its rows were chosen.
const TIMES: usize = 200;
/// How many buckets bursts are looked for in at most: an hour each where there is a month.
const BURSTS: usize = 1_000;

/// Asks whatever the screen shows and nobody has answered or is answering.
pub(super) fn reconcile(state: &mut State, effects: &mut Vec<Effect>) {
    if layout::is_too_small(state.size) {
        return;
    }
    let page = layout::Areas::of(state).page();
    state.layer_mut().table_mut().load_ahead(page);
    if state.layer().detail.is_some() {
        detail(state, effects);
        totals(state, effects);
        timeline(state, effects);
        return;
    }
    // Questions share the processor: those that are looked at first come first. The others follow when there
    // are rows to look at, and what adds to the rows when the rows stand.
    table(state, effects);
    if state.layer().table().rows.is_awaited() {
        return;
    }
    totals(state, effects);
    timeline(state, effects);
    bursts(state, effects);
    if state.layer().table().rows.is_settled() && !state.layer().timeline.is_running() {
        activity(state, effects);
        distinct(state, effects);
    }
}

/// A question about the layer in front.
fn about_layer(state: &State, ask: Ask) -> Query {
    let layer = state.layer();
    Query {
        sources: state.sources.clone(),
        time: layer.time,
        filter: layer.filter.clone(),
        counting: Counting::AsLogged,
        ask,
    }
}

fn send(state: &mut State, effects: &mut Vec<Effect>, slot: Slot, query: Query) -> u64 {
    let number = state.number();
    state.latest[slot as usize] = number;
    effects.push(Effect::Ask(Box::new(Question { slot, number, query })));
    number
}

/// The request in front, every field.
fn detail(state: &mut State, effects: &mut Vec<Effect>) {
    let latest = state.latest[Slot::Detail as usize];
    let Some(detail) = &state.layer().detail else { return };
    if detail.is_whole || detail.asked == Some(latest) {
        return;
    }
    let query = about_layer(state, Ask::Numbered(vec![detail.row.id]));
    let number = send(state, effects, Slot::Detail, query);
    if let Some(detail) = &mut state.layer_mut().detail {
        detail.asked = Some(number);
    }
}

fn totals(state: &mut State, effects: &mut Vec<Effect>) {
    let query = Query {
        sources: state.sources.clone(),
        time: state.base,
        filter: Filter::everything(),
        counting: Counting::AsLogged,
        ask: Ask::Totals,
    };
    if state.totals.wants(&query, state.generation, state.latest[Slot::Totals as usize]) {
        let number = send(state, effects, Slot::Totals, query.clone());
        state.totals.asked(number, query);
    }
}

fn timeline(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(axis) = state.axis() else { return };
    let query = about_layer(state, Ask::Series { bucket: axis.bucket, each: None });
    if state.layer().timeline.wants(&query, state.generation, state.latest[Slot::Timeline as usize]) {
        let number = send(state, effects, Slot::Timeline, query.clone());
        state.layer_mut().timeline.asked(number, query);
    }
}

/// The buckets in which bursts are looked for. Whether there is one must not depend on the terminal.
pub(super) fn axis_of_bursts(state: &State) -> Option<Axis> {
    let (start, end) = state.span()?;
    Some(Axis::round(start, end, BURSTS))
}

/// The question that is to be asked before bursts can be found; `None`: it is answered.
pub(super) fn missing_for_bursts(state: &State) -> Option<Query> {
    let bucket = axis_of_bursts(state)?.bucket;
    let query = about_layer(state, Ask::Series { bucket, each: None });
    let held = &state.layer().bursts;
    let wants = held.wants(&query, state.generation, state.latest[Slot::Bursts as usize]);
    (wants || held.is_running()).then_some(query)
}

fn bursts(state: &mut State, effects: &mut Vec<Effect>) {
    if state.layer().burst_key.is_none() || state.layer().bursts.is_running() {
        return;
    }
    if let Some(query) = missing_for_bursts(state) {
        let number = send(state, effects, Slot::Bursts, query.clone());
        state.layer_mut().bursts.asked(number, query);
    }
}

/// The question behind the table in front; `None` while it cannot be put. `limit` of 0: all rows.
pub(super) fn of_table(state: &State, limit: usize) -> Option<Query> {
    let table = state.layer().table();
    let ask = match &table.about {
        About::Groups(by) => {
            let measure = table.sort.by.measure().unwrap_or(Measure::BytesSent);
            let mut more = if Column::Measure(measure).is_extra() { vec![measure] } else { Vec::new() };
            more.extend(table.wanted().filter(|column| column.is_relative()).filter_map(Column::measure));
            let sort = Sort { by: measure, descending: table.sort.descending };
            Ask::Groups { by: by.clone(), more, sort, limit }
        }
        About::Times(_) => Ask::Series { bucket: width_of_times(state)?, each: None },
        About::Requests => {
            let by = match table.sort.by {
                Column::Field(field) => field,
                _ => Field::Time,
            };
            let sort = Sort { by, descending: table.sort.descending };
            if limit == 0 {
                Ask::Requests { sort, offset: 0, limit, fields: Vec::new() }
            } else {
                // What no column shows is read when a request is opened.
                let mut fields = vec![Field::Time];
                fields.extend(table.wanted().filter_map(|column| match column {
                    Column::Field(field) if field != Field::Time => Some(field),
                    _ => None,
                }));
                Ask::Requests { sort, offset: table.offset, limit: LOADED, fields }
            }
        }
    };
    Some(about_layer(state, ask))
}

/// Seconds per row of the table of times.
pub(crate) fn width_of_times(state: &State) -> Option<u32> {
    let (start, end) = state.span()?;
    match state.layer().table().about {
        About::Times(Some(chosen)) => {
            // Seconds over a decade would be more rows than anybody has memory for.
            let least = Axis::of(start, end, 100 * TIMES).bucket;
            Some(chosen.max(least))
        }
        _ => Some(Axis::round(start, end, TIMES).bucket),
    }
}

fn table(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(query) = of_table(state, state.layer().table().limit) else { return };
    let wanted =
        state.layer().table().rows.wants(&query, state.generation, state.latest[Slot::Table as usize]);
    if wanted {
        let number = send(state, effects, Slot::Table, query.clone());
        state.layer_mut().table_mut().rows.asked(number, query);
    }
}

fn activity(state: &mut State, effects: &mut Vec<Effect>) {
    let (Some(by), Some(axis)) = (state.layer().table().dimension().cloned(), axis_of_activity(state)) else {
        return;
    };
    let sight = layout::groups_in_sight(state);
    let of = about_layer(state, Ask::Series { bucket: axis.bucket, each: Some((by.clone(), Vec::new())) });
    let (generation, latest) = (state.generation, state.latest[Slot::Activity as usize]);
    let rows = state.layer_mut().table_mut().activity.wanted(&of, &sight, generation, latest);
    if rows.is_empty() {
        return;
    }
    let ask = Ask::Series { bucket: axis.bucket, each: Some((by, rows.clone())) };
    let number = send(state, effects, Slot::Activity, Query { ask, ..of });
    state.layer_mut().table_mut().activity.asked(number, rows);
}

/// The axis of the sparklines: as many buckets as the column is wide. `None`: there is no such column.
pub(super) fn axis_of_activity(state: &State) -> Option<Axis> {
    let column = layout::columns(state).into_iter().find(|placed| placed.column == Column::Activity)?;
    let (start, end) = state.span()?;
    Some(Axis::of(start, end, usize::from(column.width)))
}

fn distinct(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(by) = state.layer().table().dimension().cloned() else { return };
    let more: Vec<Measure> = {
        let placed = layout::columns(state);
        let shown = |measure: &Measure| placed.iter().any(|p| p.column == Column::Measure(*measure));
        state.layer().table().extras().into_iter().filter(shown).collect()
    };
    if more.is_empty() {
        return;
    }
    let sight: Vec<Value> = layout::groups_in_sight(state);
    let sort = Sort { by: Measure::Value, descending: false };
    let of = about_layer(state, Ask::Groups { by: by.clone(), more, sort, limit: 0 });
    let (generation, latest) = (state.generation, state.latest[Slot::Distinct as usize]);
    let rows = state.layer_mut().table_mut().distinct.wanted(&of, &sight, generation, latest);
    if rows.is_empty() {
        return;
    }
    let these = Filter::any(rows.iter().map(|row| Filter::term_for(&by, row)));
    let filter = of.filter.clone().and(these);
    let number = send(state, effects, Slot::Distinct, Query { filter, ..of });
    state.layer_mut().table_mut().distinct.asked(number, rows);
}

/// The part of a time that lies within the one the session was opened for.
pub(super) fn within(time: TimeRange, base: TimeRange) -> TimeRange {
    let later = |one: Option<i64>, other: Option<i64>| match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    };
    let earlier = |one: Option<i64>, other: Option<i64>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    TimeRange { start: later(time.start, base.start), end: earlier(time.end, base.end) }
}
