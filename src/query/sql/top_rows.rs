//! The first rows of an order. The engine selects them, and their fields are read when SQLite asks for them.

use super::condition::{self, TIME_UNIX};
use super::context::{SqlContext, row_id};
use super::plan::TopPlan;
use crate::cache::SegmentInfo;
use crate::log::{Field, Kind, ValueType};
use crate::query::engine::requests::RowLocation;
use crate::query::filter::{Subject, Test};
use crate::query::{Filter, QueryError, RequestRow, Sort, Value};

/// Rows whose fields are read together.
const ROWS_PER_READ: usize = 256;

/// A scan over the first rows of an order.
pub(super) struct TopRows {
    context: SqlContext,
    fields: Vec<Field>,
    /// Locations of the selected requests, in order.
    locations: Vec<RowLocation>,
    /// Index of the current row in `locations`.
    current: usize,
    /// Index of the first row that has been read, and the rows.
    read: (usize, Vec<RequestRow>),
}

/// The field by which the engine sorts the values of a column as SQLite does; `None` if it cannot. Absent values do
/// not matter here: SQLite sorts them as the smallest values, the engine sorts them last.
pub(super) fn sort_field(context: &SqlContext, column: usize) -> Option<Field> {
    let field = if column == TIME_UNIX { Field::Time } else { condition::field(column)? };
    let is_sorted = match field.kind() {
        // The engine would have to read all texts of a detail, as SQLite does.
        Kind::Detail => false,
        Kind::Measure => true,
        Kind::Time if column == TIME_UNIX => true,
        // SQLite compares them as text.
        Kind::Dimension if field.spec().value == ValueType::Ip => false,
        Kind::Time | Kind::Dimension => context.has_plain_values(field),
    };
    is_sorted.then_some(field)
}

impl TopRows {
    /// Selects at least the first `keep` requests that pass `filters` and the query of the context.
    pub(super) fn new(
        context: SqlContext,
        plan: &TopPlan,
        filters: Vec<Filter>,
        keep: usize,
    ) -> Result<TopRows, QueryError> {
        let engine = context.engine();
        let sort = plan.sort;
        let locations = if sort.descending || sort.by == Field::Time {
            engine.first_requests(&context.query(filters), sort, keep)?
        } else {
            // Absent values are first.
            let absent = Filter::Term(Subject::Field(sort.by), Test::Absent);
            let query = |condition: Filter| context.query(filters.iter().cloned().chain([condition]));
            let by_time = Sort { by: Field::Time, descending: false };
            let mut locations = engine.first_requests(&query(absent.clone()), by_time, keep)?;
            if locations.len() < keep {
                let missing = keep - locations.len();
                locations.extend(engine.first_requests(&query(absent.negated()), sort, missing)?);
            }
            locations
        };
        let fields = plan.fields();
        Ok(TopRows { context, fields, locations, current: 0, read: (0, Vec::new()) })
    }

    pub(super) fn is_done(&self) -> bool {
        self.current >= self.locations.len()
    }

    pub(super) fn advance(&mut self) {
        self.current += 1;
    }

    /// The segment of the current request, and its row there.
    fn location(&self) -> Option<(&SegmentInfo, usize)> {
        let RowLocation { segment, row } = *self.locations.get(self.current)?;
        Some((self.context.snapshot().segments.get(segment)?, row))
    }

    pub(super) fn row_id(&self) -> i64 {
        let snapshot = self.context.snapshot();
        self.location().map_or(0, |(segment, row)| row_id(segment.source, snapshot.row_number(segment, row)))
    }

    /// The value of a field of the current request; a time is a [`Value::Integer`].
    pub(super) fn field(&mut self, field: Field) -> Result<Value, QueryError> {
        let (start, rows) = &self.read;
        if self.current < *start || self.current >= start + rows.len() {
            let end = self.locations.len().min(self.current + ROWS_PER_READ);
            let locations = self.locations.get(self.current..end).unwrap_or_default();
            let rows = self.context.engine().read(locations, &self.fields)?;
            self.read = (self.current, rows);
        }
        let (start, rows) = &self.read;
        Ok(rows.get(self.current - start).map_or(Value::Absent, |row| row.get(field).clone()))
    }
}
