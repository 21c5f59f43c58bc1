//! Undo and redo: every change of the view can be taken back. A view is what the user chose to see, without the rows: they
//! are queried again.

use crate::query::{Filter, Sort, TimeRange};
use crate::tui::model::arrangement::{self, Arrangement};
use crate::tui::model::columns::Choice;
use crate::tui::model::{Column, Detail, Layer, RowId, State, Tab, Table, TableKind, Title};

/// Steps that can be taken back.
const MAX_STEPS: usize = 200;
/// Filters and time ranges of a layer that Esc takes back.
const MAX_SCOPES: usize = 50;

/// The views before and after the present one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Undo {
    /// The latest last.
    past: Vec<View>,
    /// The next one last.
    future: Vec<View>,
    present: Option<View>,
    /// What the next recorded change is.
    change: Change,
}

/// How the view changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Change {
    /// A new step.
    #[default]
    Step,
    /// A step that takes the scope of a layer back: Esc does not take back the taking back.
    TakesBack,
    /// Undo or redo.
    Restores,
}

/// Which requests a layer shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scope {
    filter: Filter,
    disabled: Vec<Filter>,
    time: TimeRange,
    zoom_history: Vec<TimeRange>,
}

#[derive(Clone, Debug)]
struct View {
    layers: Vec<LayerView>,
}

#[derive(Clone, Debug)]
struct LayerView {
    tab: Tab,
    title: Option<Title>,
    scope: Scope,
    earlier: Vec<Scope>,
    shows_heat_map: bool,
    shows_set_aside: bool,
    detail: Option<Detail>,
    tables: Vec<TableView>,
}

#[derive(Clone, Debug)]
struct TableView {
    kind: TableKind,
    columns: Vec<Choice>,
    sort: Sort<Column>,
    widened: Vec<Column>,
    kept: Vec<Column>,
    column: Column,
    cursor: usize,
    top: usize,
    anchor: Option<RowId>,
    was_moved: bool,
    marks: Vec<RowId>,
    arranged: Option<Arrangement>,
    keeps_arrangement: bool,
}

impl Scope {
    fn of(layer: &Layer) -> Scope {
        Scope {
            filter: layer.filter.clone(),
            disabled: layer.disabled.clone(),
            time: layer.time,
            zoom_history: layer.zoom_history.clone(),
        }
    }

    /// Whether both have the same requests.
    fn is_same(&self, other: &Scope) -> bool {
        (&self.filter, &self.disabled, self.time) == (&other.filter, &other.disabled, other.time)
    }

    /// Whether every request of `other` is in it.
    fn covers(&self, other: &Scope) -> bool {
        self.time.within(other.time) == other.time
            && self.filter.terms().iter().all(|term| other.filter.terms().contains(term))
    }

    fn apply(self, layer: &mut Layer) {
        (layer.filter, layer.disabled) = (self.filter, self.disabled);
        (layer.time, layer.zoom_history) = (self.time, self.zoom_history);
    }
}

impl TableView {
    fn of(table: &Table) -> TableView {
        TableView {
            kind: table.kind.clone(),
            columns: table.columns.clone(),
            sort: table.sort,
            widened: table.widened.clone(),
            kept: table.kept.clone(),
            column: table.column,
            cursor: table.cursor,
            top: table.top,
            anchor: table.anchor.clone(),
            was_moved: table.was_moved,
            marks: table.marks.clone(),
            arranged: table.arranged.clone(),
            keeps_arrangement: table.keeps_arrangement,
        }
    }

    /// Whether both look the same, wherever the cursor is.
    fn is_same(&self, other: &TableView) -> bool {
        (&self.kind, &self.columns, self.sort, &self.widened)
            == (&other.kind, &other.columns, other.sort, &other.widened)
    }

    fn apply(self, table: &mut Table) {
        let is_same_kind = match (&table.kind, &self.kind) {
            (TableKind::Times(_), TableKind::Times(_)) => true,
            (present, kind) => present == kind,
        };
        if !is_same_kind {
            *table = Table::new(self.kind.clone());
        }
        if let (true, Some(rows)) = (table.sort != self.sort, &mut table.rows.data) {
            rows.sort(self.sort);
        }
        if table.widened != self.widened {
            table.placed_width = 0;
        }
        (table.kind, table.columns, table.sort) = (self.kind, self.columns, self.sort);
        (table.widened, table.kept, table.column) = (self.widened, self.kept, self.column);
        (table.cursor, table.top, table.anchor) = (self.cursor, self.top, self.anchor);
        (table.was_moved, table.marks, table.offset) = (self.was_moved, self.marks, 0);
        (table.arranged, table.keeps_arrangement) = (self.arranged, self.keeps_arrangement);
    }
}

impl LayerView {
    fn of(layer: &Layer) -> LayerView {
        LayerView {
            tab: layer.tab,
            title: layer.title.clone(),
            scope: Scope::of(layer),
            earlier: layer.earlier.clone(),
            shows_heat_map: layer.shows_heat_map,
            shows_set_aside: layer.shows_set_aside,
            detail: layer.detail.clone(),
            tables: Tab::ALL.map(|tab| TableView::of(layer.table_of(tab))).into(),
        }
    }

    fn is_same(&self, other: &LayerView) -> bool {
        // From one request to the next is like moving a cursor.
        let is_open = |view: &LayerView| view.detail.is_some();
        (self.tab, self.shows_heat_map, self.shows_set_aside, is_open(self))
            == (other.tab, other.shows_heat_map, other.shows_set_aside, is_open(other))
            && self.scope.is_same(&other.scope)
            && self.tables.iter().zip(&other.tables).all(|(one, other)| one.is_same(other))
    }

    /// A layer that looks like this; `layer` has rows until there are new ones.
    fn restored(self, layer: Option<Layer>) -> Layer {
        let mut layer = layer.unwrap_or_else(|| Layer::new(self.scope.filter.clone(), self.scope.time));
        self.scope.apply(&mut layer);
        (layer.tab, layer.earlier, layer.detail) = (self.tab, self.earlier, self.detail);
        layer.title = self.title;
        (layer.shows_heat_map, layer.shows_set_aside) = (self.shows_heat_map, self.shows_set_aside);
        layer.listed_findings = None;
        for (view, table) in self.tables.into_iter().zip(layer.tables_mut()) {
            view.apply(table);
        }
        layer
    }
}

impl View {
    fn of(state: &State) -> View {
        View { layers: state.layers().iter().map(LayerView::of).collect() }
    }

    fn is_same(&self, other: &View) -> bool {
        self.layers.len() == other.layers.len()
            && self.layers.iter().zip(&other.layers).all(|(one, other)| one.is_same(other))
    }

    /// What is different in another view, in a word or two.
    fn difference(&self, other: &View) -> &'static str {
        let (Some(one), Some(two)) = (self.layers.last(), other.layers.last()) else { return "view" };
        let at = one.tab as usize;
        match (one.tables.get(at), two.tables.get(at)) {
            _ if self.layers.len() != other.layers.len() => "drill-down",
            _ if one.scope.time != two.scope.time => "zoom",
            _ if !one.scope.is_same(&two.scope) => "filter",
            _ if one.tab != two.tab || one.shows_heat_map != two.shows_heat_map => "table",
            (Some(one), Some(two)) if one.kind != two.kind => "grouping",
            (Some(one), Some(two)) if one.sort != two.sort => "order",
            (Some(one), Some(two)) if one.columns != two.columns => "columns",
            _ => "view",
        }
    }

    fn restore(self, state: &mut State) {
        let front = |state: &State| {
            let table = state.layer().table();
            (arrangement::table_name(&table.kind), Arrangement::of(table), table.keeps_arrangement)
        };
        let before = front(state);
        let mut old = state.take_layers().into_iter();
        let layers = self.layers.into_iter().map(|view| view.restored(old.next())).collect();
        state.replace_layers(layers);
        state.brush = None;
        // What was undone is not what later sessions open.
        let (name, arrangement, is_kept) = front(state);
        if is_kept && before.0 == name && before.1 != arrangement {
            state.changed_tables.insert(name, arrangement);
        }
    }
}

impl Undo {
    /// Whether there is nothing to undo.
    pub(crate) fn is_empty(&self) -> bool {
        self.past.is_empty()
    }

    /// How the next recorded change came about.
    pub(crate) fn note(&mut self, change: Change) {
        self.change = change;
    }
}

/// Notes a change of the view as a step. A change that the user did not make, such as that of a configuration file, is not
/// one. While the user types or a list is open, a step is not complete.
pub(crate) fn record(state: &mut State, is_by_user: bool) {
    if state.prompt.is_some() || state.overlay.is_some() {
        return;
    }
    let change = std::mem::take(&mut state.undo.change);
    let now = View::of(state);
    let Some(before) = state.undo.present.replace(now) else { return };
    let Some(now) = &state.undo.present else { return };
    if before.is_same(now) || change == Change::Restores || !is_by_user {
        return;
    }
    let is_same_layer = before.layers.len() == now.layers.len();
    let scope = before.layers.last().map(|layer| layer.scope.clone());
    state.undo.future.clear();
    state.undo.past.push(before);
    if state.undo.past.len() > MAX_STEPS {
        state.undo.past.remove(0);
    }
    if let (true, Change::Step, Some(scope)) = (is_same_layer, change, scope) {
        note_scope(state, scope);
    }
}

/// Notes the scope that the layer in front had before, if it is another one.
fn note_scope(state: &mut State, before: Scope) {
    let layer = state.layer_mut();
    let now = Scope::of(layer);
    if now.is_same(&before) {
        return;
    }
    if now.covers(&before) {
        // The user took something back in another way. What is not wider than the present scope is no way back from it.
        let is_wider = |earlier: &Scope| earlier.covers(&now) && !earlier.is_same(&now);
        while layer.earlier.pop_if(|earlier| !is_wider(earlier)).is_some() {}
    } else {
        layer.earlier.push(before);
        if layer.earlier.len() > MAX_SCOPES {
            layer.earlier.remove(0);
        }
    }
    let earlier = layer.earlier.clone();
    if let Some(present) = state.undo.present.as_mut().and_then(|view| view.layers.last_mut()) {
        present.earlier = earlier;
    }
}

/// Takes the last step back, or takes it again. Returns what changed; `None`: there is no such step.
pub(crate) fn step(state: &mut State, is_undo: bool) -> Option<&'static str> {
    let undo = &mut state.undo;
    let view = if is_undo { undo.past.pop() } else { undo.future.pop() }?;
    let present = undo.present.take()?;
    let difference = present.difference(&view);
    if is_undo {
        undo.future.push(present);
    } else {
        undo.past.push(present);
    }
    undo.note(Change::Restores);
    view.restore(state);
    Some(difference)
}

/// What [`take_back`] takes back: `zoom`, `filter` or both; `None`: nothing.
pub(crate) fn taken_back(layer: &Layer) -> Option<&'static str> {
    let (now, before) = (Scope::of(layer), layer.earlier.last()?);
    let is_filter = (&now.filter, &now.disabled) != (&before.filter, &before.disabled);
    Some(match (now.time != before.time, is_filter) {
        (true, false) => "undo zoom",
        (false, _) => "undo filter",
        (true, true) => "undo zoom and filter",
    })
}

/// Restores the filter and the time range that the layer in front had before the last change of them. Returns whether
/// there was one.
pub(crate) fn take_back(state: &mut State) -> bool {
    let layer = state.layer_mut();
    let Some(scope) = layer.earlier.pop() else { return false };
    scope.apply(layer);
    state.brush = None;
    state.undo.note(Change::TakesBack);
    true
}
