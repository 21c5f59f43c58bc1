//! Walks over the first requests of an order: the engine picks them, and they are read when SQLite asks for
//! their columns.

use super::condition::{SOURCE, TIME_UNIX};
use super::plan::First;
use super::rows::{Shared, row_id};
use crate::log::{Field, Kind};
use crate::query::filter::{Subject, Test};
use crate::query::{Filter, QueryError, RequestRow, Sort, Value};

/// Rows that are read at once.
const AT_ONCE: usize = 256;

/// A walk.
pub struct Ordered {
    shared: Shared,
    fields: Vec<Field>,
    /// Where the rows are, in order.
    places: Vec<(usize, usize)>,
    /// The one it stands at.
    at: usize,
    /// Rows read, the first of them at this place.
    read: (usize, Vec<RequestRow>),
}

/// The field by which the engine sorts the rows of a column as SQLite does. NULL aside, which SQLite puts
/// first and the engine last.
pub fn sorted_by(shared: &Shared, column: usize) -> Option<Field> {
    let field = if column == TIME_UNIX { Field::Time } else { super::condition::field(column)? };
    // Every text of a detail must be read to sort by it, and SQLite does that as well.
    let is_sorted = match field.kind() {
        Kind::Detail => false,
        Kind::Measure => true,
        Kind::Time if column == TIME_UNIX => true,
        Kind::Time | Kind::Dimension => shared.is_plain(field),
    };
    (is_sorted && column != SOURCE).then_some(field)
}

impl Ordered {
    /// Over the rows that pass these filters, at least the first `keep` of them.
    pub fn new(
        shared: Shared,
        first: &First,
        filters: Vec<Filter>,
        keep: usize,
    ) -> Result<Ordered, QueryError> {
        let moment = shared.moment();
        let sort = first.sort;
        let places = if sort.descending || sort.by == Field::Time {
            moment.first(&shared.query(filters), sort, keep)?
        } else {
            let absent = Filter::Term(Subject::Field(sort.by), Test::Absent);
            let with = |more: Filter| shared.query(filters.iter().cloned().chain([more]));
            let by_time = Sort { by: Field::Time, descending: false };
            let mut places = moment.first(&with(absent.clone()), by_time, keep)?;
            if places.len() < keep {
                let more = keep - places.len();
                places.extend(moment.first(&with(Filter::Not(Box::new(absent))), sort, more)?);
            }
            places
        };
        let fields = first.fields();
        Ok(Ordered { shared, fields, places, at: 0, read: (0, Vec::new()) })
    }

    /// Whether there are no more.
    pub fn is_done(&self) -> bool {
        self.at >= self.places.len()
    }

    /// Goes on to the next.
    pub fn advance(&mut self) {
        self.at += 1;
    }

    /// A number that this request keeps for good.
    pub fn id(&self) -> i64 {
        let segment = self
            .places
            .get(self.at)
            .and_then(|&(segment, row)| Some((self.shared.moment().snapshot().segments.get(segment)?, row)));
        segment.map_or(0, |(segment, row)| row_id(segment.source, segment.first_row + row as u64))
    }

    /// The URI of the source of this request.
    pub fn source(&self) -> Option<&str> {
        let (segment, _) = *self.places.get(self.at)?;
        self.shared.source(self.shared.moment().snapshot().segments.get(segment)?.source)
    }

    /// A field of this request; the time as [`Value::Integer`].
    pub fn field(&mut self, field: Field) -> Result<Value, QueryError> {
        let (from, rows) = &self.read;
        if self.at < *from || self.at >= from + rows.len() {
            let end = self.places.len().min(self.at + AT_ONCE);
            let places = self.places.get(self.at..end).unwrap_or_default();
            self.read = (self.at, self.shared.moment().read(&self.shared.query([]), places, &self.fields)?);
        }
        let (from, rows) = &self.read;
        Ok(rows.get(self.at - from).map_or(Value::Absent, |row| row.get(field).clone()))
    }
}
