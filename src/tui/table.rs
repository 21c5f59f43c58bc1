//! One table of a layer: its rows, cursor, order and columns. The cursor belongs to the row's
//! identity, so that neither live data nor another order slides another row under it.

use std::collections::HashMap;

use super::columns::{self, Choice, Column};
use super::held::Held;
use crate::log::Field;
use crate::query::{
    Dimension, GroupRow, Groups, Measure, Query, RequestRow, Requests, Series, Sort, Stats, Value,
};

/// What the rows of a table are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum About {
    /// Groups by a dimension.
    Groups(Dimension),
    /// Stretches of time, of this width in seconds if it was chosen.
    Times(Option<u32>),
    /// Single requests.
    Requests,
}

/// What makes a row that row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RowId {
    /// The value of a group.
    Value(Value),
    /// The start of a bucket.
    Instant(i64),
    /// Source and number of a request.
    Request((u32, u64)),
}

/// A row of the table of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeRow {
    /// Start of it.
    pub(crate) start: i64,
    /// What was then.
    pub(crate) stats: Stats,
}

/// The rows that are loaded.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    /// Groups, from the first.
    Groups(Groups),
    /// All stretches of time.
    Times {
        /// Seconds per row.
        bucket: u32,
        /// In the order of the table.
        rows: Vec<TimeRow>,
        /// Over all of them.
        totals: Stats,
    },
    /// A window on the list of requests.
    Requests {
        /// How many requests come before it.
        offset: usize,
        /// The window.
        requests: Requests,
    },
}

impl Rows {
    /// How many rows there are, loaded or not.
    pub(crate) fn total(&self) -> u64 {
        match self {
            Rows::Groups(groups) => groups.group_count.max(groups.rows.len() as u64),
            Rows::Times { rows, .. } => rows.len() as u64,
            Rows::Requests { offset, requests } => {
                requests.matched.max((offset + requests.rows.len()) as u64)
            }
        }
    }

    /// How many rows the cursor can go to.
    pub(crate) fn reach(&self) -> usize {
        match self {
            Rows::Groups(groups) => groups.rows.len(),
            Rows::Times { rows, .. } => rows.len(),
            Rows::Requests { .. } => usize::try_from(self.total()).unwrap_or(usize::MAX),
        }
    }

    /// What makes the row at this place that row; `None` if it is not loaded.
    pub(crate) fn id(&self, index: usize) -> Option<RowId> {
        match self {
            Rows::Groups(groups) => groups.rows.get(index).map(|row| RowId::Value(row.value.clone())),
            Rows::Times { rows, .. } => rows.get(index).map(|row| RowId::Instant(row.start)),
            Rows::Requests { .. } => self.request(index).map(|row| RowId::Request(row.id)),
        }
    }

    /// Where a row is; `None` if it is not among those loaded.
    pub(crate) fn position(&self, id: &RowId) -> Option<usize> {
        match (self, id) {
            (Rows::Groups(groups), RowId::Value(value)) => {
                groups.rows.iter().position(|row| row.value == *value)
            }
            (Rows::Times { bucket, rows, .. }, RowId::Instant(at)) => {
                // Another width of buckets: the one that holds the instant.
                rows.iter().position(|row| (row.start..row.start + i64::from(*bucket)).contains(at))
            }
            (Rows::Requests { offset, requests }, RowId::Request(id)) => {
                requests.rows.iter().position(|row| row.id == *id).map(|index| index + offset)
            }
            _ => None,
        }
    }

    /// A group.
    pub(crate) fn group(&self, index: usize) -> Option<&GroupRow> {
        match self {
            Rows::Groups(groups) => groups.rows.get(index),
            _ => None,
        }
    }

    /// A stretch of time.
    pub(crate) fn time(&self, index: usize) -> Option<TimeRow> {
        match self {
            Rows::Times { rows, .. } => rows.get(index).copied(),
            _ => None,
        }
    }

    /// A request.
    pub(crate) fn request(&self, index: usize) -> Option<&RequestRow> {
        match self {
            Rows::Requests { offset, requests } => requests.rows.get(index.checked_sub(*offset)?),
            _ => None,
        }
    }

    /// From the answer to a question over time.
    pub(crate) fn of_series(series: &Series, sort: Sort<Column>) -> Rows {
        let line = series.lines.first().map(Vec::as_slice).unwrap_or_default();
        let rows: Vec<TimeRow> = line
            .iter()
            .enumerate()
            .map(|(index, stats)| TimeRow {
                start: series.start + i64::from(series.bucket) * index as i64,
                stats: *stats,
            })
            .collect();
        let totals = line.iter().fold(Stats::default(), |sum, stats| sum.merged(*stats));
        let mut rows = Rows::Times { bucket: series.bucket, rows, totals };
        rows.sort_times(sort);
        rows
    }

    /// Puts stretches of time in order; ties keep the order of time.
    pub(crate) fn sort_times(&mut self, sort: Sort<Column>) {
        let Rows::Times { rows, .. } = self else { return };
        rows.sort_by_key(|row| row.start);
        let number = |row: &TimeRow| -> f64 {
            let stats = row.stats;
            match sort.by.measure() {
                Some(Measure::Requests) => stats.requests as f64,
                Some(Measure::BytesSent) => stats.bytes_sent as f64,
                Some(Measure::Errors) => stats.errors as f64,
                Some(Measure::ErrorRate) if stats.requests > 0 => stats.errors as f64 / stats.requests as f64,
                Some(Measure::ErrorRate) => 0.0,
                _ => row.start as f64,
            }
        };
        if sort.descending {
            rows.sort_by(|one, other| number(other).total_cmp(&number(one)));
        } else {
            rows.sort_by(|one, other| number(one).total_cmp(&number(other)));
        }
    }
}

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
        let on_the_way = self.running.as_ref().is_some_and(|(number, rows)| {
            *number == latest && wanted.iter().all(|row| rows.contains(row))
        });
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

/// How many groups, or requests around the cursor, are asked for at first.
pub(crate) const LOADED: usize = 1_000;
/// How many groups are loaded at most.
pub(crate) const MOST_LOADED: usize = 100_000;

/// One table of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// What its rows are.
    pub(crate) about: About,
    /// Its columns, those not shown included.
    pub(crate) columns: Vec<Choice>,
    /// The column under the cursor.
    pub(crate) column: Column,
    /// The order.
    pub(crate) sort: Sort<Column>,
    /// The row under the cursor.
    pub(crate) cursor: usize,
    /// The first row on the screen.
    pub(crate) top: usize,
    /// What the row under the cursor is.
    pub(crate) anchor: Option<RowId>,
    /// Whether the cursor was ever moved.
    pub(crate) touched: bool,
    /// Marked rows, in the order they were marked.
    pub(crate) marks: Vec<RowId>,
    /// How many groups to load; or the first request of the window.
    pub(crate) limit: usize,
    /// How many requests come before the window.
    pub(crate) offset: usize,
    /// The cursor goes to the last row when it is loaded.
    pub(crate) to_the_end: bool,
    /// The rows.
    pub(crate) rows: Held<Rows>,
    /// Requests over time of single rows.
    pub(crate) activity: Extras<Vec<u64>>,
    /// Counts of different things of single rows.
    pub(crate) distinct: Extras<Vec<(Measure, Option<f64>)>>,
}

impl Table {
    /// A table nobody looked at yet.
    pub(crate) fn new(about: About) -> Table {
        let (columns, column, sort) = match &about {
            About::Groups(by) => {
                let sort = columns::first_sort(by);
                (columns::of_groups(by), sort.by, sort)
            }
            About::Times(_) => {
                (columns::of_times(), Column::Value, Sort { by: Column::Value, descending: false })
            }
            About::Requests => (
                columns::of_requests(),
                Column::Field(Field::Time),
                Sort { by: Column::Field(Field::Time), descending: false },
            ),
        };
        Table {
            about,
            columns,
            column,
            sort,
            cursor: 0,
            top: 0,
            anchor: None,
            touched: false,
            marks: Vec::new(),
            limit: LOADED,
            offset: 0,
            to_the_end: false,
            rows: Held::default(),
            activity: Extras::default(),
            distinct: Extras::default(),
        }
    }

    /// The dimension of a table of groups.
    pub(crate) fn dimension(&self) -> Option<&Dimension> {
        match &self.about {
            About::Groups(by) => Some(by),
            _ => None,
        }
    }

    /// Heading of the column of values.
    pub(crate) fn title(&self) -> String {
        match &self.about {
            About::Groups(by) => by.title(),
            About::Times(_) => "Time".to_owned(),
            About::Requests => "Request".to_owned(),
        }
    }

    /// How many rows the cursor can go to.
    pub(crate) fn reach(&self) -> usize {
        self.rows.data.as_ref().map_or(0, Rows::reach)
    }

    /// Puts the cursor on a row, as far as there is one, and the screen around it.
    pub(crate) fn go(&mut self, row: usize, page: usize) {
        self.touched = true;
        self.to_the_end = false;
        self.cursor = row.min(self.reach().saturating_sub(1));
        self.anchor = self.rows.data.as_ref().and_then(|rows| rows.id(self.cursor));
        self.show_cursor(page);
    }

    /// Moves the cursor up or down.
    pub(crate) fn move_by(&mut self, rows: isize, page: usize) {
        self.go(self.cursor.saturating_add_signed(rows), page);
    }

    /// Moves the part of the table that is on the screen; the cursor is taken along only at the edge.
    pub(crate) fn scroll_by(&mut self, rows: isize, page: usize) {
        let last = self.reach().saturating_sub(page);
        self.top = self.top.saturating_add_signed(rows).min(last);
        let (first, end) = (self.top, (self.top + page).saturating_sub(1));
        if self.cursor < first || self.cursor > end {
            let top = self.top;
            self.go(self.cursor.clamp(first, end), page);
            self.top = top;
        }
    }

    /// Scrolls as little as it takes for the cursor to be on the screen.
    pub(crate) fn show_cursor(&mut self, page: usize) {
        let page = page.max(1);
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + page {
            self.top = self.cursor + 1 - page;
        }
        let last = self.reach().saturating_sub(page);
        self.top = self.top.min(last);
    }

    /// Takes new rows: the cursor stays on its row, and the row stays where it is on the screen.
    pub(crate) fn take(&mut self, rows: Rows, page: usize) {
        let whole = self.rows.share.is_none();
        let found = self.anchor.as_ref().and_then(|anchor| rows.position(anchor));
        let reach = rows.reach();
        let beyond = rows.total() > reach as u64;
        self.rows.data = Some(rows);
        if self.to_the_end {
            self.cursor = reach.saturating_sub(1);
            self.to_the_end = beyond && self.limit < MOST_LOADED;
            self.anchor = self.rows.data.as_ref().and_then(|rows| rows.id(self.cursor));
        } else if let Some(index) = found {
            let (before, top) = (self.cursor, self.top);
            self.cursor = index;
            if top > 0 {
                self.top = (top + index).saturating_sub(before);
            }
        } else if whole && self.anchor.is_some() && beyond && self.limit < MOST_LOADED && self.touched {
            // The row is further down than what is loaded: load more rather than lose it.
            if let About::Groups(_) = self.about {
                self.limit = (self.limit * 8).min(MOST_LOADED);
            }
        } else {
            self.cursor = self.cursor.min(reach.saturating_sub(1));
            if whole {
                self.anchor = self.rows.data.as_ref().and_then(|rows| rows.id(self.cursor));
            }
        }
        if self.anchor.is_none() {
            self.anchor = self.rows.data.as_ref().and_then(|rows| rows.id(self.cursor));
        }
        self.show_cursor(page);
    }

    /// Asks for more rows when the cursor comes near the end of those loaded.
    pub(crate) fn load_ahead(&mut self, page: usize) {
        let Some(rows) = &self.rows.data else { return };
        match rows {
            Rows::Groups(groups) => {
                let loaded = groups.rows.len();
                let near = self.to_the_end || self.cursor + 4 * page >= loaded;
                if near && (loaded as u64) < groups.group_count && loaded >= self.limit {
                    let more = if self.to_the_end { MOST_LOADED } else { self.limit.saturating_mul(4) };
                    self.limit = more.min(MOST_LOADED);
                }
            }
            Rows::Requests { offset, requests } => {
                let loaded = *offset..*offset + requests.rows.len();
                let total = usize::try_from(requests.matched).unwrap_or(usize::MAX);
                let (first, end) = (self.top, (self.top + page).min(total));
                let missing = first < loaded.start || end > loaded.end;
                // Before the edge of the window is on the screen, the next window is on its way.
                let near = (loaded.start > 0 && first < loaded.start + page)
                    || (loaded.end < total && end + page > loaded.end);
                if missing || near {
                    self.offset = self.top.saturating_sub(LOADED / 2 - page.min(LOADED / 4));
                }
            }
            Rows::Times { .. } => {}
        }
    }

    /// Changes the order, keeping the row under the cursor where somebody put it there; a table that
    /// nobody moved in is shown from the top.
    pub(crate) fn sort_by(&mut self, sort: Sort<Column>) {
        self.sort = sort;
        self.column = sort.by;
        if !self.touched {
            self.anchor = None;
            self.cursor = 0;
            self.top = 0;
        }
        self.offset = 0;
        if let Some(rows) = &mut self.rows.data {
            rows.sort_times(sort);
        }
        if matches!(self.about, About::Times(_))
            && let (Some(rows), Some(anchor)) = (&self.rows.data, &self.anchor)
            && let Some(index) = rows.position(anchor)
        {
            self.cursor = index;
        }
        if self.about == About::Requests {
            // Where a single request stands in another order is not known: from the top.
            self.anchor = None;
            self.cursor = 0;
            self.top = 0;
        }
    }

    /// The columns that are shown.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Column> + '_ {
        self.columns.iter().filter(|choice| choice.wanted).map(|choice| choice.column)
    }

    /// The measures that take a question of their own, in the order of the columns.
    pub(crate) fn extras(&self) -> Vec<Measure> {
        self.wanted().filter(|column| column.is_extra()).filter_map(Column::measure).collect()
    }
}
