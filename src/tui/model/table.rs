//! A table of a layer: its rows, cursor, order and columns. The cursor belongs to the identity of a row, so
//! that neither new data nor another order moves another row under it.

use crate::log::Field;
use crate::query::{BucketWidth, Dimension, Measure, Sort};
use crate::tui::model::{
    Column, FindingColumn, Placed, RowId, Rows, answer_state::AnswerState, arrangement::Arrangement,
    column_placement, columns, columns::Choice, lazy_columns::LazyColumn, text_widths::TextWidths,
};

/// What the rows of a table are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TableKind {
    Groups(Dimension),
    /// Pairs of values of two dimensions.
    Pairs([Dimension; 2]),
    /// Buckets of time; their width if the user chose it.
    Times(Option<BucketWidth>),
    Requests,
    Findings,
}

impl TableKind {
    /// Whether the rows are values of this dimension, or pairs with one.
    pub(crate) fn is_by(&self, dimension: &Dimension) -> bool {
        match self {
            TableKind::Groups(by) => by == dimension,
            TableKind::Pairs(by) => by.contains(dimension),
            TableKind::Times(_) | TableKind::Requests | TableKind::Findings => false,
        }
    }
}

/// Groups, or requests around the cursor, that are loaded at first.
pub(crate) const INITIAL_ROWS: usize = 1_000;
/// Groups that are loaded at most.
pub(crate) const MAX_GROUPS: usize = 100_000;

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) kind: TableKind,
    /// All its columns, hidden ones included.
    pub(crate) columns: Vec<Choice>,
    /// The shown columns that fit, and where they are. Updated after every action.
    pub(crate) placed: Vec<Placed>,
    /// The width in terminal columns for which `placed` was computed; 0: none.
    pub(crate) placed_width: u16,
    /// The columns that `placed` was computed for.
    pub(crate) placed_columns: Vec<Column>,
    pub(crate) measured: TextWidths,
    /// Columns that are the same in every row because of the filter. Updated after every action.
    pub(crate) constant: Vec<Column>,
    /// Constant columns that the user wants to see.
    pub(crate) kept: Vec<Column>,
    /// Columns as wide as their texts.
    pub(crate) widened: Vec<Column>,
    /// Columns after the first that the user has scrolled past.
    pub(crate) scrolled: usize,
    /// The columns and the order that were last noted; `None`: the table is new.
    pub(crate) arranged: Option<Arrangement>,
    /// Whether later sessions open the table as the user arranges it.
    pub(crate) keeps_arrangement: bool,
    /// The column under the cursor.
    pub(crate) column: Column,
    pub(crate) sort: Sort<Column>,
    pub(crate) cursor: usize,
    /// Index of the first row on the screen.
    pub(crate) top: usize,
    /// Identity of the row under the cursor.
    pub(crate) anchor: Option<RowId>,
    /// Whether the user moved the cursor.
    pub(crate) was_moved: bool,
    /// Whether the cursor moves to the last row when that row is loaded.
    pub(crate) goes_to_last_row: bool,
    /// Marked rows, in the order in which they were marked.
    pub(crate) marks: Vec<RowId>,
    /// Groups to load.
    pub(crate) limit: usize,
    /// Index of the first request to load.
    pub(crate) offset: usize,
    pub(crate) rows: AnswerState<Rows>,
    /// Changes whenever the rows are replaced.
    pub(crate) rows_version: u64,
    /// Bytes sent of the largest row; bars are scaled to it.
    pub(crate) largest: u64,
    /// Sparklines: requests per bucket.
    pub(crate) activity: LazyColumn<Vec<u64>>,
    pub(crate) lazy_measures: LazyColumn<Vec<LazyMeasure>>,
}

/// The value of a lazy measure for a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LazyMeasure {
    pub(crate) measure: Measure,
    /// `None`: absent.
    pub(crate) number: Option<f64>,
    pub(crate) is_approximate: bool,
}

impl Table {
    pub(crate) fn new(kind: TableKind) -> Table {
        let sort = Table::first_sort(&kind);
        let columns = Table::initial_columns(&kind);
        Table {
            kind,
            columns,
            placed: Vec::new(),
            placed_width: 0,
            placed_columns: Vec::new(),
            measured: TextWidths::default(),
            constant: Vec::new(),
            kept: Vec::new(),
            widened: Vec::new(),
            scrolled: 0,
            arranged: None,
            keeps_arrangement: true,
            column: sort.by,
            sort,
            cursor: 0,
            top: 0,
            anchor: None,
            was_moved: false,
            goes_to_last_row: false,
            marks: Vec::new(),
            limit: INITIAL_ROWS,
            offset: 0,
            rows: AnswerState::default(),
            rows_version: 0,
            largest: 0,
            activity: LazyColumn::default(),
            lazy_measures: LazyColumn::default(),
        }
    }

    fn initial_columns(kind: &TableKind) -> Vec<Choice> {
        match kind {
            TableKind::Groups(by) => columns::of_groups(by),
            TableKind::Pairs(_) => columns::of_pairs(),
            TableKind::Times(_) => columns::of_times(),
            TableKind::Requests => columns::of_requests(),
            TableKind::Findings => columns::of_findings(),
        }
    }

    /// Whether an investigation or the user chose the columns and their order: not only some of the first ones, in their order.
    pub(crate) fn has_chosen_columns(&self) -> bool {
        let mut initial = Table::initial_columns(&self.kind).into_iter().filter(|choice| choice.is_shown);
        !self.shown_columns().all(|column| initial.any(|choice| choice.column == column))
    }

    fn first_sort(kind: &TableKind) -> Sort<Column> {
        match kind {
            TableKind::Groups(by) => columns::first_sort(by),
            TableKind::Pairs(_) => Sort { by: Column::Measure(Measure::BytesSent), descending: true },
            TableKind::Times(_) => Sort { by: Column::Value, descending: false },
            TableKind::Requests => Sort { by: Column::Field(Field::Time), descending: false },
            TableKind::Findings => Sort { by: Column::Finding(FindingColumn::Score), descending: true },
        }
    }

    /// Whether sorting by `column` sorts by an estimate: rows may be a little too high or too low.
    pub(crate) fn is_order_approximate(&self, column: Column) -> bool {
        match (&self.rows.data, column) {
            (Some(Rows::Groups(groups)), Column::Measure(measure)) => groups.approximate.contains(&measure),
            _ => false,
        }
    }

    pub(crate) fn dimension(&self) -> Option<&Dimension> {
        match &self.kind {
            TableKind::Groups(by) => Some(by),
            _ => None,
        }
    }

    /// What the rows are, for headings.
    pub(crate) fn title(&self) -> String {
        match &self.kind {
            TableKind::Groups(by) | TableKind::Pairs([by, _]) => by.title(),
            TableKind::Times(_) => "Time".to_owned(),
            TableKind::Requests => "Request".to_owned(),
            TableKind::Findings => "Finding".to_owned(),
        }
    }

    /// The heading of `column`, without the sort mark.
    pub(crate) fn heading(&self, column: Column) -> String {
        let mut text = match (&self.kind, column) {
            (TableKind::Pairs([_, by]), Column::Second) => by.title().to_uppercase(),
            _ => column.title(&self.title()),
        };
        if self.is_order_approximate(column) && !text.starts_with('≈') {
            text.insert(0, '≈');
        }
        text
    }

    /// The column at terminal column `x`, the gap after it included.
    pub(crate) fn column_at(&self, x: u16) -> Option<Column> {
        let end = |placed: &Placed| placed.x + placed.width + column_placement::GAP;
        self.placed.iter().find(|placed| (placed.x..end(placed)).contains(&x)).map(|placed| placed.column)
    }

    pub(crate) fn reachable(&self) -> usize {
        self.rows.data.as_ref().map_or(0, Rows::reachable)
    }

    /// Moves the cursor to the row at index `row`, or to the last row, and scrolls there.
    pub(crate) fn move_to(&mut self, row: usize, page: usize) {
        self.was_moved = true;
        self.goes_to_last_row = false;
        self.cursor = row.min(self.reachable().saturating_sub(1));
        self.anchor_cursor();
        self.show_cursor(page);
    }

    pub(crate) fn move_by(&mut self, rows: isize, page: usize) {
        self.move_to(self.cursor.saturating_add_signed(rows), page);
    }

    /// Scrolls by `rows` rows. The cursor moves only if it would leave the screen.
    pub(crate) fn scroll_by(&mut self, rows: isize, page: usize) {
        let last = self.reachable().saturating_sub(page);
        self.top = self.top.saturating_add_signed(rows).min(last);
        let (first, end) = (self.top, (self.top + page).saturating_sub(1));
        if self.cursor < first || self.cursor > end {
            let top = self.top;
            self.move_to(self.cursor.clamp(first, end), page);
            self.top = top;
        }
    }

    /// Scrolls just far enough that the cursor is on the screen.
    pub(crate) fn show_cursor(&mut self, page: usize) {
        let page = page.max(1);
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + page {
            self.top = self.cursor + 1 - page;
        }
        self.top = self.top.min(self.reachable().saturating_sub(page));
    }

    /// Stores the identity of the row under the cursor, so that the cursor stays on this row.
    fn anchor_cursor(&mut self) {
        self.anchor = self.rows.data.as_ref().and_then(|rows| rows.id(self.cursor));
    }

    /// Puts the cursor on the first row, whichever it is.
    pub(crate) fn return_to_first_row(&mut self) {
        (self.anchor, self.cursor, self.top) = (None, 0, 0);
    }

    /// Replaces the rows. The cursor stays on its row, and the row stays in its place on the screen.
    pub(crate) fn replace_rows(&mut self, rows: Rows, page: usize) {
        let is_complete = self.rows.share.is_none();
        let found = self.anchor.as_ref().and_then(|anchor| rows.position(anchor));
        let reachable = rows.reachable();
        let has_more = rows.total() > reachable as u64;
        self.largest = rows.largest();
        self.rows.data = Some(rows);
        self.rows_version += 1;
        if self.goes_to_last_row {
            self.cursor = reachable.saturating_sub(1);
            self.goes_to_last_row = has_more && self.limit < MAX_GROUPS;
            self.anchor_cursor();
        } else if let Some(index) = found {
            let (before, top) = (self.cursor, self.top);
            self.cursor = index;
            if top > 0 {
                self.top = (top + index).saturating_sub(before);
            }
        } else if is_complete
            && self.anchor.is_some()
            && has_more
            && self.limit < MAX_GROUPS
            && self.was_moved
        {
            // The row is beyond the loaded ones: load more.
            if let TableKind::Groups(_) | TableKind::Pairs(_) = self.kind {
                self.limit = (self.limit * 8).min(MAX_GROUPS);
            }
        } else {
            self.cursor = self.cursor.min(reachable.saturating_sub(1));
            if is_complete {
                self.anchor_cursor();
            }
        }
        if self.anchor.is_none() {
            self.anchor_cursor();
        }
        self.show_cursor(page);
    }

    /// Changes `limit` or `offset` when the cursor is near the end of the loaded rows.
    pub(crate) fn load_ahead(&mut self, page: usize) {
        let Some(rows) = &self.rows.data else { return };
        match rows {
            Rows::Groups(_) | Rows::Pairs(_) => {
                let loaded = rows.reachable();
                let is_near = self.goes_to_last_row || self.cursor + 4 * page >= loaded;
                if is_near && (loaded as u64) < rows.total() && loaded >= self.limit {
                    let limit = if self.goes_to_last_row { MAX_GROUPS } else { self.limit.saturating_mul(4) };
                    self.limit = limit.min(MAX_GROUPS);
                }
            }
            Rows::Requests { offset, requests } => {
                let loaded = *offset..*offset + requests.rows.len();
                let total = usize::try_from(requests.matched).unwrap_or(usize::MAX);
                let (first, end) = (self.top, (self.top + page).min(total));
                let is_missing = first < loaded.start || end > loaded.end;
                // Load the next window one page before its first row is visible.
                let is_near = (loaded.start > 0 && first < loaded.start + page)
                    || (loaded.end < total && end + page > loaded.end);
                if is_missing || is_near {
                    self.offset = self.top.saturating_sub(INITIAL_ROWS / 2 - page.min(INITIAL_ROWS / 4));
                }
            }
            Rows::Times { .. } | Rows::Findings(_) => {}
        }
    }

    /// Changes the order. If the user moved the cursor, it stays on its row; otherwise the table is shown from
    /// the top.
    pub(crate) fn sort_by(&mut self, sort: Sort<Column>) {
        self.sort = sort;
        self.column = sort.by;
        // `:sort` may name a hidden column.
        if let Some(choice) = self.columns.iter_mut().find(|choice| choice.column == sort.by) {
            choice.is_shown = true;
        }
        if !self.was_moved {
            self.anchor = None;
            self.cursor = 0;
            self.top = 0;
        }
        self.offset = 0;
        if let Some(rows) = &mut self.rows.data {
            rows.sort(sort);
        }
        match self.kind {
            TableKind::Times(_) | TableKind::Findings => match (&self.rows.data, &self.anchor) {
                (Some(rows), Some(anchor)) => self.cursor = rows.position(anchor).unwrap_or(self.cursor),
                (_, None) => self.anchor_cursor(),
                _ => {}
            },
            TableKind::Requests => {
                // The position of a request in another order is unknown.
                self.anchor = None;
                self.cursor = 0;
                self.top = 0;
            }
            TableKind::Groups(_) | TableKind::Pairs(_) => {}
        }
    }

    /// Shows or hides the column at index `at` and returns whether it did. The column of values stays, and so
    /// does the last column that rows can be sorted by. If the sort column is hidden, the table returns to its
    /// initial order, or is sorted by the first column that is shown.
    pub(crate) fn toggle(&mut self, at: usize) -> bool {
        let Some(choice) = self.columns.get(at).copied() else { return false };
        if matches!(choice.column, Column::Value | Column::Second) {
            return false;
        }
        if choice.is_shown && self.is_hidden_as_constant(choice.column) {
            self.kept.push(choice.column);
            return true;
        }
        self.kept.retain(|kept| *kept != choice.column);
        if choice.is_shown {
            let first = Table::first_sort(&self.kind);
            let stays = |column: &Column| *column != choice.column && *column != Column::Activity;
            if self.sort.by == choice.column {
                let shown: Vec<Column> = self.shown_columns().filter(stays).collect();
                let sort = if shown.contains(&first.by) {
                    first
                } else {
                    let Some(&by) = shown.first() else { return false };
                    Sort { by, descending: by.descends() }
                };
                self.sort_by(sort);
            } else if !self.shown_columns().any(|column| stays(&column)) {
                return false;
            }
        }
        if let Some(choice) = self.columns.get_mut(at) {
            choice.is_shown = !choice.is_shown;
        }
        if choice.is_shown && self.column == choice.column {
            self.column = self.sort.by;
        }
        true
    }

    /// The columns that are shown if they fit: those of [`Table::shown_columns`] that are not hidden because they are the
    /// same in every row.
    pub(crate) fn visible_columns(&self) -> impl Iterator<Item = Column> + '_ {
        self.shown_columns().filter(|column| !self.is_hidden_as_constant(*column))
    }

    /// Whether a column that is shown if it fits is to the right of the placed ones.
    pub(crate) fn has_more_columns(&self) -> bool {
        let last = self.placed_columns.last();
        let is_placed = |column: &Column| self.placed.iter().any(|placed| placed.column == *column);
        match self.scrolled {
            0 => !self.placed_columns.iter().all(is_placed),
            _ => last.is_some_and(|column| !is_placed(column)),
        }
    }

    /// Scrolls the columns after the first by one.
    pub(crate) fn scroll_columns(&mut self, right: bool) -> bool {
        match right {
            true if self.has_more_columns() => self.scrolled += 1,
            false if self.scrolled > 0 => self.scrolled -= 1,
            _ => return false,
        }
        true
    }

    /// Makes the column under the cursor as wide as its texts, or as wide as it was before.
    pub(crate) fn widen(&mut self) {
        let column = self.column;
        match self.widened.iter().position(|widened| *widened == column) {
            Some(at) => {
                self.widened.remove(at);
            }
            None => self.widened.push(column),
        }
        // The other columns are placed anew.
        self.placed_width = 0;
    }

    /// Whether a column is hidden because it is the same in every row.
    pub(crate) fn is_hidden_as_constant(&self, column: Column) -> bool {
        self.constant.contains(&column) && !self.kept.contains(&column) && self.sort.by != column
    }

    /// The columns that are shown if they fit, whether they fit or not.
    pub(crate) fn shown_columns(&self) -> impl Iterator<Item = Column> + '_ {
        self.columns.iter().filter(|choice| choice.is_shown).map(|choice| choice.column)
    }

    /// The lazy measures among [`Table::shown_columns`], in the same order.
    pub(crate) fn shown_lazy_measures(&self) -> Vec<Measure> {
        self.shown_columns().filter(|column| column.is_lazy()).filter_map(Column::measure).collect()
    }
}
