//! One table of a layer: its rows, cursor, order and columns. The cursor belongs to the row's
//! identity, so that neither live data nor another order slides another row under it.

use std::collections::HashMap;

use crate::log::Field;
use crate::query::{Dimension, Filter, Measure, Sort, TimeRange};
use crate::tui::model::answer_state::Held;
use crate::tui::model::columns::{self, Choice, Column};
use crate::tui::model::lazy_columns::Extras;
use crate::tui::model::rows::{RowId, Rows};

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
    pub(crate) distinct: Extras<Vec<Extra>>,
    /// How wide the texts of a column are: those of the first rows, and those that were in sight.
    pub(crate) texts: HashMap<Column, (u16, u16)>,
    /// How wide the columns are, and in a table of which width.
    pub(crate) widths: (u16, HashMap<Column, u16>),
    /// The filter and the time whose rows these are the texts of.
    pub(crate) texts_of: Option<(Filter, TimeRange)>,
}

/// A number of a row that took a question of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extra {
    /// What it says.
    pub(crate) measure: Measure,
    /// `None`: the row has none.
    pub(crate) number: Option<f64>,
    /// Whether it is an estimate.
    pub(crate) is_approximate: bool,
}

impl Table {
    /// Whether the rows are in the order of an estimate of this column: some may stand a little too high or low.
    pub(crate) fn is_order_approximate(&self, column: Column) -> bool {
        match (&self.rows.data, column) {
            (Some(Rows::Groups(groups)), Column::Measure(measure)) => groups.approximate.contains(&measure),
            _ => false,
        }
    }

    /// The order that a table has at first.
    fn first_sort(about: &About) -> Sort<Column> {
        match about {
            About::Groups(by) => columns::first_sort(by),
            About::Times(_) => Sort { by: Column::Value, descending: false },
            About::Requests => Sort { by: Column::Field(Field::Time), descending: false },
        }
    }

    /// A table nobody looked at yet.
    pub(crate) fn new(about: About) -> Table {
        let sort = Table::first_sort(&about);
        let columns = match &about {
            About::Groups(by) => columns::of_groups(by),
            About::Times(_) => columns::of_times(),
            About::Requests => columns::of_requests(),
        };
        let column = sort.by;
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
            texts: HashMap::new(),
            widths: (0, HashMap::new()),
            texts_of: None,
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

    /// Heading of a column, without the mark of the order.
    pub(crate) fn heading(&self, column: Column) -> String {
        let mut text = column.title(&self.title());
        if self.is_order_approximate(column) && !text.starts_with('≈') {
            text.insert(0, '≈');
        }
        text
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
        // Whoever names a column that is not shown wants to see it.
        if let Some(choice) = self.columns.iter_mut().find(|choice| choice.column == sort.by) {
            choice.wanted = true;
        }
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
        if matches!(self.about, About::Times(_)) && self.anchor.is_none() {
            self.anchor = self.rows.data.as_ref().and_then(|rows| rows.id(self.cursor));
        }
        if self.about == About::Requests {
            // Where a single request stands in another order is not known: from the top.
            self.anchor = None;
            self.cursor = 0;
            self.top = 0;
        }
    }

    /// Shows or hides a column. The order of the rows is that of a column that is shown: if it is hidden, the
    /// rows are in the first order again, or else in that of the first column that has one. Returns whether
    /// that could be done: a column without which no order or no row could be told from another stays.
    pub(crate) fn toggle(&mut self, at: usize) -> bool {
        let Some(choice) = self.columns.get(at).copied() else { return false };
        if choice.column == Column::Value {
            return false;
        }
        if choice.wanted {
            let first = Table::first_sort(&self.about);
            let stays = |column: &Column| *column != choice.column && *column != Column::Activity;
            if self.sort.by == choice.column {
                let shown: Vec<Column> = self.wanted().filter(stays).collect();
                let sort = if shown.contains(&first.by) {
                    first
                } else {
                    let Some(&by) = shown.first() else { return false };
                    Sort { by, descending: by.descends() }
                };
                self.sort_by(sort);
            } else if !self.wanted().any(|column| stays(&column)) {
                return false;
            }
        }
        if let Some(choice) = self.columns.get_mut(at) {
            choice.wanted = !choice.wanted;
        }
        if choice.wanted && self.column == choice.column {
            self.column = self.sort.by;
        }
        true
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
