//! Sparklines and counts of different things: known for single rows, asked for those in sight only.

use std::collections::HashMap;

use crate::query::{Query, Value};
use crate::tui::model::table::LOADED;

/// What is known about single rows that took a question of its own, asked for the rows in sight only.
#[derive(Clone, Debug)]
pub(crate) struct Extras<T> {
    /// By row, with the generation of the data it was computed from; `None`: of another question.
    known: HashMap<Value, (T, Option<u64>)>,
    /// The question without the names of the rows: when it changes, nothing known holds any more.
    of: Option<Query>,
    /// Number of the question on its way, and the rows it is about.
    running: Option<(u64, Vec<Value>)>,
    /// The rows and the generation that could not be answered.
    failed: Option<(Vec<Value>, u64)>,
}

impl<T> Default for Extras<T> {
    fn default() -> Extras<T> {
        Extras { known: HashMap::new(), of: None, running: None, failed: None }
    }
}

impl<T> Extras<T> {
    /// What is known of a row.
    pub(crate) fn get(&self, row: &Value) -> Option<&T> {
        self.known.get(row).map(|(what, _)| what)
    }

    /// Whether what is known of a row answers the present question, if of older data perhaps.
    pub(crate) fn is_current(&self, row: &Value) -> bool {
        self.known.get(row).is_some_and(|(_, generation)| generation.is_some())
    }

    /// The rows that must be asked about; none while a question about them is on its way. `latest`
    /// is the number of the last question asked in this slot.
    pub(crate) fn wanted(&mut self, of: &Query, sight: &[Value], generation: u64, latest: u64) -> Vec<Value> {
        if self.of.as_ref() != Some(of) {
            // The old numbers stay on the screen until the new ones are here.
            self.known.values_mut().for_each(|(_, generation)| *generation = None);
            self.of = Some(of.clone());
            self.running = None;
            self.failed = None;
        }
        let wanted: Vec<Value> = sight
            .iter()
            .filter(|row| self.known.get(row).is_none_or(|(_, known)| known.is_none_or(|of| of < generation)))
            .cloned()
            .collect();
        let on_the_way = self
            .running
            .as_ref()
            .is_some_and(|(number, rows)| *number == latest && wanted.iter().all(|row| rows.contains(row)));
        let failed = self.failed.as_ref().is_some_and(|(rows, at)| *at >= generation && *rows == wanted);
        if on_the_way || failed { Vec::new() } else { wanted }
    }

    /// A question was sent.
    pub(crate) fn asked(&mut self, number: u64, rows: Vec<Value>) {
        self.running = Some((number, rows));
    }

    /// The question that what is known answers, without the names of the rows.
    pub(crate) fn of(&self) -> Option<&Query> {
        self.of.as_ref()
    }

    /// Whether an answer of this number is waited for.
    pub(crate) fn awaits(&self, number: u64) -> bool {
        self.running.as_ref().is_some_and(|(awaited, _)| *awaited == number)
    }

    /// Takes the whole answer; `find` picks what it says of a row.
    pub(crate) fn take(&mut self, generation: u64, find: impl Fn(usize, &Value) -> Option<T>) {
        let Some((_, rows)) = self.running.take() else { return };
        if self.known.len() > 4 * LOADED {
            self.known.clear();
        }
        for (index, row) in rows.into_iter().enumerate() {
            if let Some(what) = find(index, &row) {
                self.known.insert(row, (what, Some(generation)));
            }
        }
    }

    /// The question has no answer: it is not asked again until the data changes.
    pub(crate) fn fail(&mut self, generation: u64) {
        if let Some((_, rows)) = self.running.take() {
            self.failed = Some((rows, generation));
        }
    }
}
