//! What all scans of one statement share.

use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use crate::cache::{Snapshot, SourceId};
use crate::log::{Field, Kind, ValueType};
use crate::query::engine::EngineSnapshot;
use crate::query::{Filter, Query, Value};

/// Times whose year has four digits, in seconds since the epoch: as text, they sort as times do.
pub(super) const TIMES_AS_TEXT: RangeInclusive<i64> = -62_167_219_200..=253_402_207_200;

/// A snapshot of the cache, and the query whose requests are the rows of the table. Cheap to clone.
#[derive(Clone)]
pub(super) struct SqlContext {
    engine: Arc<EngineSnapshot>,
    query: Arc<Query>,
    has_plain_values: Arc<[OnceLock<bool>; Field::COUNT]>,
}

impl SqlContext {
    pub(super) fn new(engine: EngineSnapshot, query: Query) -> SqlContext {
        SqlContext { engine: Arc::new(engine), query: Arc::new(query), has_plain_values: Arc::default() }
    }

    pub(super) fn engine(&self) -> &EngineSnapshot {
        &self.engine
    }

    pub(super) fn snapshot(&self) -> &Snapshot<'static> {
        self.engine.snapshot()
    }

    pub(super) fn row_count(&self) -> usize {
        self.snapshot().segments.iter().map(|segment| segment.rows).sum()
    }

    /// The query, restricted to requests that pass `filters`.
    pub(super) fn query(&self, filters: impl IntoIterator<Item = Filter>) -> Query {
        let filter = Filter::all(std::iter::once(self.query.filter.clone()).chain(filters));
        Query { filter, ..Query::clone(&self.query) }
    }

    /// Whether SQLite compares all values of a field as the engine does: a dimension of numbers has only numbers, a
    /// dimension of text has no BLOBs, all years have four digits. `false` if the values cannot be read: the scan
    /// will report the error.
    pub(super) fn has_plain_values(&self, field: Field) -> bool {
        let snapshot = self.snapshot();
        *self.has_plain_values[field as usize].get_or_init(|| match field.kind() {
            Kind::Time => snapshot.segments.iter().all(|segment| {
                TIMES_AS_TEXT.contains(&segment.time_min) && TIMES_AS_TEXT.contains(&segment.time_max)
            }),
            Kind::Dimension => snapshot.dictionary(field).is_ok_and(|dictionary| {
                dictionary.iter().all(|value| match field.spec().value {
                    ValueType::Integer => matches!(Value::of_field(field, Some(value)), Value::Integer(_)),
                    _ => std::str::from_utf8(value).is_ok(),
                })
            }),
            Kind::Measure => true,
            Kind::Detail => false,
        })
    }
}

/// The `rowid` of a request: it never changes. `row_number` is the number of the request within its source.
pub(super) fn row_id(source: SourceId, row_number: u64) -> i64 {
    source.get() << 40 | row_number as i64
}

/// The text of a time in the column `time`.
pub(super) fn time_text(second: i64) -> String {
    jiff::Timestamp::from_second(second).map_or_else(|_| second.to_string(), |time| time.to_string())
}
