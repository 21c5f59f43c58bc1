//! The open request: the one before and after it, the requests around it, its object, its ids for AWS Support.

use crate::log::Field;
use crate::query::{Dimension, Filter, TimeRange, Value};
use crate::tui::model::{Areas, Detail, Effect, Layer, RowId, State, Tab};
use crate::tui::{format, update::drill};

/// Seconds before and after a request whose requests are around it.
const AROUND: i64 = 300;

/// Opens the request under the cursor of the table of requests.
pub(super) fn open(state: &mut State) {
    let layer = state.layer();
    let table = layer.table();
    let row = table.rows.data.as_ref().and_then(|rows| rows.request(table.cursor));
    let Some(row) = row.cloned() else { return };
    let mut next = Layer::new(layer.filter.clone(), layer.time);
    next.tab = Tab::Requests;
    // The layer moves along the same list.
    *next.table_mut() = table.clone();
    next.timeline = layer.timeline.clone();
    next.cost = layer.cost.clone();
    next.detail = Some(Detail::new(row));
    state.push(next);
}

/// Closes the open request. The cursor of the list below is on the request that was open last. Returns whether there was
/// one.
pub(super) fn close(state: &mut State) -> bool {
    if state.layer().detail.is_none() {
        return false;
    }
    let table = state.layer().table().clone();
    let (filter, time) = (state.layer().filter.clone(), state.layer().time);
    if !state.pop() {
        return false;
    }
    let page = Areas::of(state).page();
    let layer = state.layer_mut();
    if layer.detail.is_none() && layer.tab == Tab::Requests && layer.filter == filter && layer.time == time {
        let top = layer.table().top;
        *layer.table_mut() = table;
        layer.table_mut().top = top;
        layer.table_mut().show_cursor(page);
    }
    true
}

/// Opens the request after the open one in the list, or the one before it.
pub(super) fn step(state: &mut State, forward: bool) {
    let page = Areas::of(state).page();
    let table = state.layer_mut().table_mut();
    let before = table.cursor;
    table.move_by(if forward { 1 } else { -1 }, page);
    if table.cursor == before {
        return state.notify(if forward { "this is the last request" } else { "this is the first request" });
    }
    if let Some(detail) = &mut state.layer_mut().detail {
        detail.awaits_row = true;
    }
    follow(state);
}

/// Opens the request under the cursor of the list once it is loaded, if the user moved there.
pub(super) fn follow(state: &mut State) {
    let layer = state.layer();
    let table = layer.table();
    if !layer.detail.as_ref().is_some_and(|detail| detail.awaits_row) {
        return;
    }
    let row = table.rows.data.as_ref().and_then(|rows| rows.request(table.cursor));
    let Some(row) = row.cloned() else { return };
    if let Some(detail) = &mut state.layer_mut().detail {
        detail.replace(row);
    }
}

/// Opens a layer with the requests by the same requester around the time of the open request.
pub(super) fn around(state: &mut State) {
    let Some(detail) = &state.layer().detail else { return };
    let row = &detail.row;
    let who = [Field::Requester, Field::RemoteIp].into_iter().find(|field| *row.get(*field) != Value::Absent);
    let Some(who) = who else {
        return state.notify("the log names neither the requester nor the address of this request");
    };
    let filter = Filter::term_for(&Dimension::Field(who), row.get(who));
    let (start, end) = (row.time.saturating_sub(AROUND), row.time.saturating_add(AROUND + 1));
    let time = TimeRange { start: Some(start), end: Some(end) }.within(state.session_time);
    let title = format!("around {}", state.short_instant(row.time));
    let mut next = Layer::new(filter, time).titled(title, true);
    next.tab = Tab::Requests;
    // The cursor is on the request that was open.
    next.table_mut().anchor = Some(RowId::Request(row.id));
    next.table_mut().was_moved = true;
    drill::push(state, next);
    let span = format::length_of_time(AROUND);
    state.notify(format!("the requests of this {} {span} before and after", words(who)));
}

fn words(field: Field) -> &'static str {
    if field == Field::Requester { "requester" } else { "address" }
}

/// Opens a layer with all requests about the object of the open request.
pub(super) fn same_object(state: &mut State) {
    let Some(detail) = &state.layer().detail else { return };
    let row = &detail.row;
    let term = |field| Filter::term_for(&Dimension::Field(field), row.get(field));
    if *row.get(Field::Key) == Value::Absent {
        return state.notify("this request is about no object");
    }
    // The same key in another bucket is another object. Until all fields are read, the bucket is unknown.
    let bucket = (*row.get(Field::Bucket) != Value::Absent).then(|| term(Field::Bucket));
    let filter = Filter::all([term(Field::Key)].into_iter().chain(bucket));
    let title = "same object".to_owned();
    let mut next = Layer::new(filter, state.session_time).titled(title, true);
    next.tab = Tab::Requests;
    next.table_mut().anchor = Some(RowId::Request(row.id));
    next.table_mut().was_moved = true;
    drill::push(state, next);
}

/// Copies the two ids of the open request that AWS Support asks for.
pub(super) fn copy_for_support(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(detail) = &state.layer().detail else { return };
    if !detail.is_complete {
        return state.warn("the request is still being read");
    }
    let text = support_text(detail);
    state.notify("copied request id and host id for AWS Support");
    effects.push(Effect::Copy(text));
}

/// The ids of a request under the names of the headers that S3 sends them in.
fn support_text(detail: &Detail) -> String {
    let id = |field| format::value(detail.row.get(field));
    format!("x-amz-request-id: {}\nx-amz-id-2: {}", id(Field::RequestId), id(Field::HostId))
}
