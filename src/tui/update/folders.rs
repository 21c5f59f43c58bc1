//! Walking the folders of keys: Enter opens a folder, Esc leaves it.

use crate::log::Field;
use crate::query::{Dimension, Filter, Value};
use crate::tui::model::folders::{self, FolderRow};
use crate::tui::model::{Layer, State, Tab, Table, TableKind, cell_filter};
use crate::tui::update::drill;

/// Shows the objects by folder, in the folder that the filter names; or all keys again.
pub(super) fn switch(state: &mut State) {
    if state.layer().detail.is_some() {
        state.pop();
    }
    let layer = state.layer();
    let is_by_folder = matches!(layer.table().kind, TableKind::Groups(Dimension::Path { .. }));
    let key = Dimension::Field(Field::Key);
    let by = if is_by_folder { key } else { folders::listing(&layer.filter).unwrap_or(key) };
    state.layer_mut().group_by(by);
}

/// Opens a row of a table of folders or of prefixes.
pub(super) fn open(state: &mut State, row: FolderRow) {
    let layer = state.layer();
    let (filter, by) = match &row {
        FolderRow::Folder(folder) => {
            let filter = folders::within(&layer.filter, folder);
            let by = folders::listing(&filter).unwrap_or(Dimension::Field(Field::Key));
            (filter, Some(by))
        }
        FolderRow::FilesOf(folder) => {
            let depth = u8::try_from(memchr::memchr_iter(b'/', folder).count()).unwrap_or(u8::MAX);
            // A key with more folders has a longer value.
            let term = Filter::term_for(
                &Dimension::Prefix { depth: depth.saturating_add(1) },
                &Value::Text(folder.as_slice().into()),
            );
            (cell_filter::with_term(&layer.filter, term), Some(Dimension::Field(Field::Key)))
        }
        FolderRow::File(key) => {
            let term = Filter::term_for(&Dimension::Field(Field::Key), key);
            (cell_filter::with_term(&layer.filter, term), None)
        }
    };
    let mut next = Layer::new(filter, layer.time);
    match by {
        Some(by) => show_like(&mut next, layer.table(), by),
        None => next.tab = Tab::Requests,
    }
    drill::push(state, next);
}

/// Shows a table by `by` with the columns and the order of `table`.
fn show_like(layer: &mut Layer, table: &Table, by: Dimension) {
    layer.group_by(by);
    let new = layer.table_mut();
    let has_sort = new.columns.iter().any(|choice| choice.column == table.sort.by);
    if matches!(table.kind, TableKind::Groups(Dimension::Path { .. })) && has_sort {
        new.columns.clone_from(&table.columns);
        (new.sort, new.column) = (table.sort, table.column);
        new.arranged = Some(crate::tui::model::arrangement::Arrangement::of(new));
    }
}

/// Lists the folder above in the first layer, if it lists a folder. Returns whether it did.
pub(super) fn leave(state: &mut State) -> bool {
    let layer = state.layer();
    let Some(parent) = folders::above(layer) else { return false };
    let filter = folders::within(&layer.filter, &parent);
    let Some(by) = folders::listing(&filter) else { return false };
    let layer = state.layer_mut();
    layer.filter = filter;
    layer.group_by(by);
    state.undo.note(crate::tui::model::undo::Change::TakesBack);
    true
}
