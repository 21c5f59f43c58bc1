//! While a time range is selected on the timeline, the table shows the requests in it. Afterwards the cursor is where it was.

use crate::tui::model::{Place, State};

/// The place of the cursor; `None` while a range is selected.
pub(super) fn place(state: &State) -> Option<Place> {
    if state.brush.is_some() {
        return None;
    }
    let layer = state.layer();
    let table = layer.table();
    Some(Place {
        depth: state.depth(),
        tab: layer.tab,
        kind: table.kind.clone(),
        anchor: table.anchor.clone(),
        cursor: table.cursor,
        top: table.top,
        was_moved: table.was_moved,
        time: layer.time,
    })
}

/// Keeps the place of the cursor when the selection of a range begins, and returns there when it ends without a zoom.
/// `before`: the place before the action.
pub(super) fn keep_place(state: &mut State, before: Option<Place>) {
    match (before, &state.brush) {
        (Some(place), Some(_)) => state.place_before_range = Some(place),
        (None, None) => {
            if let Some(place) = state.place_before_range.take() {
                restore(state, place);
            }
        }
        _ => {}
    }
}

fn restore(state: &mut State, place: Place) {
    let is_same = place.depth == state.depth() && place.tab == state.layer().tab;
    let is_zoomed = place.time != state.layer().time;
    let table = state.layer_mut().table_mut();
    // A row that the user went to meanwhile stays under the cursor.
    let has_moved = table.was_moved && !place.was_moved;
    if is_same && !is_zoomed && !has_moved && table.kind == place.kind {
        (table.anchor, table.was_moved) = (place.anchor, place.was_moved);
        (table.cursor, table.top) = (place.cursor, place.top);
    }
}
