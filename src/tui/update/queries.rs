//! Sends the queries whose answers are on the screen. A query is sent again whenever the query or the data changes; no
//! key sends a query itself.

use crate::query::filter::{Subject, Test};
use crate::query::{Ask, Counting, Dimension, Filter, Measure, Query, Sort, TimeRange, Value};
use crate::tui::model::{
    Column, Effect, INITIAL_ROWS, QueryJob, QueryResult, Slot, State, Tab, TableKind, TimelineMeasure,
    heat_map, layout, time_axes,
};
use crate::{log::Field, tui::model::answer_state::AnswerState};

/// Sends all queries that the screen needs and that are neither answered nor running.
pub(super) fn reconcile(state: &mut State, effects: &mut Vec<Effect>) {
    if state.is_too_small() {
        return;
    }
    let page = layout::Areas::of(state).page();
    state.layer_mut().table_mut().load_ahead(page);
    if state.layer().detail.is_some() {
        detail(state, effects);
        // The requests before and after it.
        table(state, effects);
        totals(state, effects);
        timeline(state, effects);
        return;
    }
    // Queries share the processors. The rows are queried first, since the user reads them first; lazy columns wait
    // until the rows and the timeline are complete.
    table(state, effects);
    heat_map(state, effects);
    if state.layer().table().rows.is_loading() {
        return;
    }
    totals(state, effects);
    timeline(state, effects);
    server_errors(state, effects);
    bursts(state, effects);
    let layer = state.layer();
    // The findings come from an analysis, which takes longer than all queries.
    let has_rows = layer.table().rows.is_final() || layer.tab == Tab::Findings;
    if has_rows && !layer.timeline.is_running() {
        activity(state, effects);
        lazy_measures(state, effects);
        cost(state, effects);
        session_bursts(state, effects);
    }
}

/// A query with the filter and the time range of the layer in front.
pub(super) fn layer_query(state: &State, ask: Ask) -> Query {
    let layer = state.layer();
    Query {
        sources: state.sources.clone(),
        time: layer.time,
        filter: layer.filter.clone(),
        counting: Counting::AsLogged,
        ask,
    }
}

/// Sends a query and returns its number.
fn send(state: &mut State, effects: &mut Vec<Effect>, slot: Slot, query: Query) -> u64 {
    let number = state.next_number();
    state.latest_queries[slot as usize] = number;
    state.names.query_sent(slot, &query);
    effects.push(Effect::RunQuery(Box::new(QueryJob { slot, number, query })));
    number
}

/// The version of the data that the answer to a query must have: the generation, increased with the names that are known.
fn version(state: &State, query: &Query) -> u64 {
    state.generation + state.names.version_for(query)
}

/// The version of the data that an answer has.
pub(super) fn version_of(state: &State, result: &QueryResult) -> u64 {
    match result.number == latest(state, result.slot) {
        true => result.generation + state.names.sent_version(result.slot),
        false => result.generation,
    }
}

/// The number of the last query of a slot.
fn latest(state: &State, slot: Slot) -> u64 {
    state.latest_queries[slot as usize]
}

/// Sends a query unless it is running or answered.
fn send_if_needed<T>(
    state: &mut State,
    effects: &mut Vec<Effect>,
    slot: Slot,
    query: Query,
    answer: impl Fn(&mut State) -> &mut AnswerState<T>,
) {
    let (version, latest) = (version(state, &query), latest(state, slot));
    if answer(state).needs_query(&query, version, latest) {
        let number = send(state, effects, slot, query.clone());
        answer(state).query_sent(number, query);
    }
}

fn detail(state: &mut State, effects: &mut Vec<Effect>) {
    let latest = latest(state, Slot::Detail);
    let Some(detail) = &state.layer().detail else { return };
    if detail.is_complete || detail.query_number == Some(latest) {
        return;
    }
    let query = layer_query(state, Ask::RequestsById(vec![detail.row.id]));
    let number = send(state, effects, Slot::Detail, query);
    if let Some(detail) = &mut state.layer_mut().detail {
        detail.query_number = Some(number);
    }
}

fn totals(state: &mut State, effects: &mut Vec<Effect>) {
    let (time, filter) = (state.session_time, Filter::everything());
    let query = Query { time, filter, ..layer_query(state, Ask::Totals) };
    send_if_needed(state, effects, Slot::Totals, query, |state| &mut state.totals);
}

fn timeline(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(axis) = time_axes::timeline(state) else { return };
    let query = layer_query(state, Ask::Series { bucket: axis.bucket, each: None });
    send_if_needed(state, effects, Slot::Timeline, query, |state| &mut state.layer_mut().timeline);
}

/// The number of 4xx is the rest of the errors.
fn server_errors(state: &mut State, effects: &mut Vec<Effect>) {
    const FIRST: i64 = 500;
    let has_parts = state.timeline_measure() != TimelineMeasure::BytesSent && state.theme.has_colours();
    let timeline = &state.layer().timeline;
    let has_errors = timeline.data.as_ref().is_some_and(|timeline| timeline.totals.errors > 0);
    if !has_parts || !has_errors || timeline.is_running() {
        return;
    }
    let Some(axis) = time_axes::timeline(state) else { return };
    let mut query = layer_query(state, Ask::Series { bucket: axis.bucket, each: None });
    let test = Test::Range(Some(FIRST), None);
    query.filter = query.filter.and(Filter::Term(Subject::Field(Field::HttpStatus), test));
    send_if_needed(state, effects, Slot::ServerErrors, query, |state| &mut state.layer_mut().server_errors);
}

fn cost(state: &mut State, effects: &mut Vec<Effect>) {
    let query = layer_query(state, Ask::Cost);
    send_if_needed(state, effects, Slot::Cost, query, |state| &mut state.layer_mut().cost);
}

/// The query for the series in which bursts of the layer are found; `None`: all its requests are in that of the session.
fn bursts_query(state: &State) -> Option<Query> {
    if state.layer().time == state.session_time {
        return None;
    }
    let bucket = time_axes::bursts_of_layer(state)?.bucket;
    Some(layer_query(state, Ask::Series { bucket, each: None }))
}

fn session_bursts_query(state: &State) -> Option<Query> {
    let bucket = time_axes::session_bursts(state)?.bucket;
    let query = layer_query(state, Ask::Series { bucket, each: None });
    Some(Query { time: state.session_time, ..query })
}

/// Whether a series must be answered before bursts can be found.
pub(super) fn awaits_bursts(state: &State) -> bool {
    let layer = state.layer();
    let awaits = |query: Option<Query>, series: &AnswerState<_>, slot: Slot| {
        query.is_some_and(|query| {
            series.needs_query(&query, version(state, &query), latest(state, slot)) || series.is_running()
        })
    };
    awaits(bursts_query(state), &layer.burst_series, Slot::Bursts)
        || awaits(session_bursts_query(state), &layer.session_bursts, Slot::SessionBursts)
}

fn bursts(state: &mut State, effects: &mut Vec<Effect>) {
    // The selected burst shows its sum, which depends on the filter.
    let has_burst =
        state.brush.as_ref().is_some_and(|brush| brush.burst.is_some() && brush.finding.is_none());
    let is_needed = has_burst || state.layer().pending_burst.is_some();
    if is_needed
        && !state.layer().burst_series.is_running()
        && let Some(query) = bursts_query(state)
    {
        send_if_needed(state, effects, Slot::Bursts, query, |state| &mut state.layer_mut().burst_series);
    }
    if is_needed {
        session_bursts(state, effects);
    }
}

/// Bursts are marked on the timeline.
fn session_bursts(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(query) = session_bursts_query(state)
        && !state.layer().session_bursts.is_running()
    {
        send_if_needed(state, effects, Slot::SessionBursts, query, |state| {
            &mut state.layer_mut().session_bursts
        });
    }
}

/// The query for the table in front; `None` while its time range is unknown. A `limit` of 0 asks for all rows
/// and, in a table of requests, for all fields.
pub(super) fn table_query(state: &State, limit: usize) -> Option<Query> {
    let table = state.layer().table();
    let ask = match &table.kind {
        TableKind::Groups(by) => {
            let measure = table.sort.by.measure().unwrap_or(Measure::BytesSent);
            let mut more = if Column::Measure(measure).is_lazy() { vec![measure] } else { Vec::new() };
            more.extend(
                table.shown_columns().filter(|column| column.is_relative()).filter_map(Column::measure),
            );
            let sort = Sort { by: measure, descending: table.sort.descending };
            Ask::Groups { by: by.clone(), more, sort, limit }
        }
        TableKind::Pairs(by) => {
            let measure = table.sort.by.measure().filter(|measure| !measure.is_extra());
            let by_measure = measure.unwrap_or(Measure::Value);
            let sort = Sort { by: by_measure, descending: table.sort.descending };
            Ask::Pairs { by: by.clone(), sort, limit }
        }
        TableKind::Times(_) => Ask::Series { bucket: time_axes::times_bucket(state)?.asked(), each: None },
        TableKind::Findings => return None,
        TableKind::Requests => {
            let by = table.sort.by.field().unwrap_or(Field::Time);
            let sort = Sort { by, descending: table.sort.descending };
            if limit == 0 {
                Ask::Requests { sort, offset: 0, limit, fields: Vec::new() }
            } else {
                // The other fields are read when a request is opened.
                let mut fields = vec![Field::Time];
                let shown = table.shown_columns().filter_map(Column::field);
                fields.extend(shown.filter(|field| *field != Field::Time));
                Ask::Requests { sort, offset: table.offset, limit: INITIAL_ROWS, fields }
            }
        }
    };
    Some(Query { time: time_of_rows(state), ..layer_query(state, ask) })
}

/// The time range of the rows: while a range is selected on the timeline, the table shows what is in it.
fn time_of_rows(state: &State) -> TimeRange {
    let layer = state.layer();
    let kind = &layer.table().kind;
    let follows = matches!(kind, TableKind::Groups(_) | TableKind::Pairs(_) | TableKind::Requests);
    match (&state.brush, time_axes::timeline(state)) {
        (Some(brush), Some(axis)) if follows => brush.time_range(&axis).within(layer.time),
        _ => layer.time,
    }
}

fn table(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(query) = table_query(state, state.layer().table().limit) else { return };
    send_if_needed(state, effects, Slot::Table, query, |state| &mut state.layer_mut().table_mut().rows);
}

fn heat_map(state: &mut State, effects: &mut Vec<Effect>) {
    if !heat_map::is_shown(state) {
        return;
    }
    let by = [Dimension::Weekday, Dimension::HourOfDay];
    let sort = Sort { by: Measure::Value, descending: false };
    let query = layer_query(state, Ask::Pairs { by, sort, limit: 0 });
    send_if_needed(state, effects, Slot::HeatMap, query, |state| &mut state.layer_mut().heat_map);
}

fn activity(state: &mut State, effects: &mut Vec<Effect>) {
    let by = state.layer().table().dimension().cloned();
    let (Some(by), Some(axis)) = (by, time_axes::sparklines(state)) else { return };
    let visible = layout::visible_groups(state);
    let each = Some((by.clone(), Vec::new()));
    let query = layer_query(state, Ask::Series { bucket: axis.bucket, each });
    let (version, latest) = (version(state, &query), latest(state, Slot::Activity));
    let rows = state.layer_mut().table_mut().activity.missing_rows(&query, &visible, version, latest);
    if rows.is_empty() {
        return;
    }
    let ask = Ask::Series { bucket: axis.bucket, each: Some((by, rows.clone())) };
    let number = send(state, effects, Slot::Activity, Query { ask, ..query });
    state.layer_mut().table_mut().activity.query_sent(number, rows);
}

fn lazy_measures(state: &mut State, effects: &mut Vec<Effect>) {
    let table = state.layer().table();
    let Some(by) = table.dimension().cloned() else { return };
    let is_placed =
        |measure: &Measure| table.placed.iter().any(|placed| placed.column == Column::Measure(*measure));
    let more: Vec<Measure> = table.shown_lazy_measures().into_iter().filter(is_placed).collect();
    if more.is_empty() {
        return;
    }
    let visible: Vec<Value> = layout::visible_groups(state);
    let sort = Sort { by: Measure::Value, descending: false };
    let query = layer_query(state, Ask::Groups { by: by.clone(), more, sort, limit: 0 });
    let query = Query { time: time_of_rows(state), ..query };
    let (version, latest) = (version(state, &query), latest(state, Slot::LazyMeasures));
    let rows = state.layer_mut().table_mut().lazy_measures.missing_rows(&query, &visible, version, latest);
    if rows.is_empty() {
        return;
    }
    let missing = Filter::any(rows.iter().map(|row| Filter::term_for(&by, row)));
    let filter = query.filter.clone().and(missing);
    let number = send(state, effects, Slot::LazyMeasures, Query { filter, ..query });
    state.layer_mut().table_mut().lazy_measures.query_sent(number, rows);
}
