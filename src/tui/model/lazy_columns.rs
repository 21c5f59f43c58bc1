//! Lazy columns: sparklines and measures that are computed for the visible rows only.

use std::collections::HashMap;

use crate::query::{Query, Value};

/// Rows whose cells are kept; beyond that, all are dropped.
const MAX_CELLS: usize = 4_000;

/// The cells of a lazy column, by the value of the group.
#[derive(Clone, Debug)]
pub(crate) struct LazyColumn<T> {
    /// Cells, with the generation of the data; `None`: computed for an earlier query.
    cells: HashMap<Value, (T, Option<u64>)>,
    /// The query without the values of the rows. When it changes, all cells are out of date.
    query: Option<Query>,
    /// Number of the running query, and the rows it asks for.
    running: Option<(u64, Vec<Value>)>,
    /// The rows of the last query that failed, and the generation it was tried on.
    failed: Option<(Vec<Value>, u64)>,
}

impl<T> Default for LazyColumn<T> {
    fn default() -> LazyColumn<T> {
        LazyColumn { cells: HashMap::new(), query: None, running: None, failed: None }
    }
}

impl<T> LazyColumn<T> {
    /// The cell of a row, possibly out of date.
    pub(crate) fn get(&self, row: &Value) -> Option<&T> {
        self.cells.get(row).map(|(cell, _)| cell)
    }

    /// Whether the cell of a row answers the current query, possibly on older data.
    pub(crate) fn is_current(&self, row: &Value) -> bool {
        self.cells.get(row).is_some_and(|(_, generation)| generation.is_some())
    }

    /// The rows of `visible` that must be queried; none while a query for them is running. `latest` is the
    /// number of the last query sent for the same slot.
    pub(crate) fn missing_rows(
        &mut self,
        query: &Query,
        visible: &[Value],
        generation: u64,
        latest: u64,
    ) -> Vec<Value> {
        if self.query.as_ref() != Some(query) {
            // Old cells stay on the screen until new ones arrive.
            self.cells.values_mut().for_each(|(_, generation)| *generation = None);
            self.query = Some(query.clone());
            self.running = None;
            self.failed = None;
        }
        let is_missing = |row: &&Value| {
            let computed_on = self.cells.get(row).and_then(|(_, computed_on)| *computed_on);
            computed_on.is_none_or(|computed_on| computed_on < generation)
        };
        let missing: Vec<Value> = visible.iter().filter(is_missing).cloned().collect();
        let is_running = self
            .running
            .as_ref()
            .is_some_and(|(number, rows)| *number == latest && missing.iter().all(|row| rows.contains(row)));
        let has_failed = self.failed.as_ref().is_some_and(|(rows, on)| *on >= generation && *rows == missing);
        if is_running || has_failed { Vec::new() } else { missing }
    }

    pub(crate) fn query_sent(&mut self, number: u64, rows: Vec<Value>) {
        self.running = Some((number, rows));
    }

    /// The current query without the values of the rows.
    pub(crate) fn query(&self) -> Option<&Query> {
        self.query.as_ref()
    }

    pub(crate) fn awaits(&self, number: u64) -> bool {
        self.running.as_ref().is_some_and(|(running, _)| *running == number)
    }

    /// Stores the complete answer to the running query. `cell_of` returns the cell of a row, given its index
    /// among the rows of the query and its value.
    pub(crate) fn store(&mut self, generation: u64, cell_of: impl Fn(usize, &Value) -> Option<T>) {
        let Some((_, rows)) = self.running.take() else { return };
        if self.cells.len() > MAX_CELLS {
            self.cells.clear();
        }
        for (index, row) in rows.into_iter().enumerate() {
            if let Some(cell) = cell_of(index, &row) {
                self.cells.insert(row, (cell, Some(generation)));
            }
        }
    }

    /// Notes that the running query failed. It is sent again when the data changes.
    pub(crate) fn fail(&mut self, generation: u64) {
        if let Some((_, rows)) = self.running.take() {
            self.failed = Some((rows, generation));
        }
    }
}
