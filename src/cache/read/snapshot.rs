//! What is read of a cache at one moment: columns, dictionaries, pages of text.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::cache::CacheError;
use crate::cache::column::Damage;
use crate::cache::column::chunk;
use crate::cache::column::integers::Integers;
use crate::cache::column::value_set::Presence;
use crate::cache::error::StoreError;
use crate::cache::sqlite::root::DictionaryLengths;
use crate::cache::sqlite::schema::chunk_id;
use crate::log::{Field, Kind};

use super::{BeingRead, Cache, IntColumn, SegmentInfo, code, lock};

/// The cache at one moment: what others commit meanwhile does not show. Threads share it.
pub struct Snapshot<'c> {
    pub(super) cache: Of<'c>,
    pub(super) connection: Mutex<Option<Connection>>,
    /// All segments, by source, in the order in which their requests came in.
    pub segments: Vec<SegmentInfo>,
    /// Number and name of every source.
    pub sources: Vec<(i64, String)>,
    /// How many values each dictionary has.
    pub(super) dictionaries: DictionaryLengths,
}

/// The cache that a snapshot is of.
pub(super) enum Of<'c> {
    /// For as long as somebody else keeps it.
    Lent(&'c Cache),
    /// For as long as the snapshot is there.
    Kept(Arc<Cache>),
}

impl std::ops::Deref for Of<'_> {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        match self {
            Of::Lent(cache) => cache,
            Of::Kept(cache) => cache,
        }
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if let Some(connection) = lock(&self.connection).take()
            && connection.execute_batch("COMMIT").is_ok()
        {
            lock(&self.cache.idle).push(connection);
        }
    }
}

impl Snapshot<'_> {
    /// The column of the times, of a dimension or of a measure. It stays in memory as long as there is space.
    ///
    /// # Errors
    /// If the column cannot be read or is damaged.
    pub fn int_column(&self, segment: &SegmentInfo, field: Field) -> Result<IntColumn, CacheError> {
        self.integers(segment, field).map(IntColumn::new)
    }

    /// The smallest and the largest code in a column, without reading it.
    ///
    /// # Errors
    /// If they cannot be read or are damaged.
    pub fn code_bounds(&self, segment: &SegmentInfo, field: Field) -> Result<(u64, u64), CacheError> {
        if field.kind() == Kind::Time {
            return Ok((code::of_time(segment.time_min), code::of_time(segment.time_max)));
        }
        let (low, high) = self.bounds(segment, field)?;
        Ok((low as u64, high as u64))
    }

    /// A column of numbers: the time ([`Snapshot::time_of`] reads it), a dimension's ids, or a measure
    /// (0 absent, else the number + 1).
    pub fn integers(&self, segment: &SegmentInfo, field: Field) -> Result<Arc<Integers>, CacheError> {
        let id = chunk_id(segment.id, field);
        let _being_read = match self.column(id) {
            Ok(column) => return Ok(column),
            Err(being_read) => being_read,
        };
        let damaged = |damage| self.damaged(segment, field, damage);
        let bytes = self.bytes_while(segment, field, &|| true)?.unwrap_or_default();
        let column = Integers::open(bytes).map_err(damaged)?;
        if column.rows() != segment.rows {
            let damage = Damage("it has another number of rows than its segment");
            return Err(self.damaged(segment, field, damage));
        }
        let column = Arc::new(column);
        lock(&self.cache.columns).kept.put(id, column.clone(), column.memory());
        Ok(column)
    }

    /// A column in memory, or the duty to read it.
    fn column(&self, id: i64) -> Result<Arc<Integers>, BeingRead<'_>> {
        let mut columns = lock(&self.cache.columns);
        loop {
            if let Some(column) = columns.kept.get(&id) {
                return Ok(column);
            }
            if columns.being_read.insert(id) {
                return Err(BeingRead { cache: &self.cache, id });
            }
            columns = self.cache.column_read.wait(columns).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// An instant from its number in the column of times.
    #[inline]
    pub fn time_of(code: u64) -> i64 {
        crate::cache::write::memtable::code_to_time(code)
    }

    /// The number of an instant in the column of times: the same order.
    #[inline]
    pub fn code_of(time: i64) -> u64 {
        crate::cache::write::memtable::time_to_code(time)
    }

    /// Smallest and largest number in a column, without reading it.
    pub fn bounds(&self, segment: &SegmentInfo, field: Field) -> Result<(i64, i64), CacheError> {
        let id = chunk_id(segment.id, field);
        if let Some(bounds) = lock(&self.cache.bounds).get(&id) {
            return Ok(*bounds);
        }
        let head = self.chunk(segment, field, chunk::head)?;
        let bounds = (head.low, head.high);
        lock(&self.cache.bounds).insert(id, bounds);
        Ok(bounds)
    }

    /// Which ids a column has, without reading it; `None` if nothing is noted of it.
    pub fn presence(&self, segment: &SegmentInfo, field: Field) -> Result<Option<Arc<Presence>>, CacheError> {
        let id = chunk_id(segment.id, field);
        if let Some(presence) = lock(&self.cache.presences).get(&id) {
            return Ok(presence);
        }
        let presence = self.chunk(segment, field, chunk::presence)?.map(Arc::new);
        let memory = presence.as_ref().map_or(0, |presence| presence.memory()) + 64;
        lock(&self.cache.presences).put(id, presence.clone(), memory);
        Ok(presence)
    }

    /// The bytes of a column; `None` if they were no longer worth the while.
    fn bytes_while(
        &self,
        segment: &SegmentInfo,
        field: Field,
        is_worth_it: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        let taken = self.chunk(segment, field, |connection, segment, field| {
            chunk::take(connection, segment, field, is_worth_it)
        })?;
        let bytes = taken.map(chunk::Unverified::verify).transpose();
        bytes.map_err(|damage| self.damaged(segment, field, damage))
    }

    pub(in crate::cache) fn with<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let connection = lock(&self.connection);
        let answer = connection.as_ref().ok_or(rusqlite::Error::InvalidQuery).and_then(ask);
        answer.map_err(|error| CacheError::sqlite(&self.cache.path, error))
    }

    pub(super) fn chunk<T>(
        &self,
        segment: &SegmentInfo,
        field: Field,
        ask: impl FnOnce(&Connection, i64, Field) -> Result<T, StoreError>,
    ) -> Result<T, CacheError> {
        let connection = lock(&self.connection);
        let connection = connection.as_ref().ok_or(rusqlite::Error::InvalidQuery);
        let answer = connection.map_err(StoreError::from).and_then(|open| ask(open, segment.id, field));
        answer.map_err(|error| match error {
            StoreError::Sqlite(rusqlite::Error::QueryReturnedNoRows) => {
                self.damaged(segment, field, Damage("it is missing"))
            }
            StoreError::Sqlite(error) => CacheError::sqlite(&self.cache.path, error),
            StoreError::Damage { damage, .. } => self.damaged(segment, field, damage),
        })
    }

    /// An error about a column that makes no sense.
    pub fn damaged(&self, segment: &SegmentInfo, field: Field, damage: Damage) -> CacheError {
        let place = format!("segment {}, column {}", segment.id, field.name());
        CacheError::damaged(&self.cache.path, place, damage)
    }
}
