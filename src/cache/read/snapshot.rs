//! A consistent state of the cache, and its integer columns.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::cache::{Cache, Era, SegmentInfo};
use super::int_column::{IntColumn, code};
use super::origins::SnapshotOrigins;
use crate::cache::CacheError;
use crate::cache::column::checksum::Digest;
use crate::cache::column::integers::Integers;
use crate::cache::column::value_set::ValueSet;
use crate::cache::column::{Damage, chunk};
use crate::cache::error::StoreError;
use crate::cache::ids::{SegmentId, SourceId};
use crate::cache::sqlite::root::DictionaryLengths;
use crate::cache::sqlite::schema::chunk_id;
use crate::cache::write::row_numbers::RowNumbers;
use crate::log::{Field, Kind};

/// A consistent state of the cache, without anything that is committed later. Threads share it.
pub struct Snapshot<'c> {
    pub(super) cache: CacheRef<'c>,
    /// A connection within a read transaction.
    pub(super) connection: Mutex<Option<Connection>>,
    pub(super) era: Era,
    /// All segments, by source and in the order in which their requests were added.
    pub segments: Vec<SegmentInfo>,
    /// The row numbers of segments from which requests were removed.
    pub(super) gaps: HashMap<SegmentId, RowNumbers>,
    /// Id and URI of every source.
    pub sources: Vec<(SourceId, String)>,
    pub(super) dictionary_lengths: DictionaryLengths,
    /// Digest of the catalogue of log files.
    pub(super) log_files: Digest,
    pub(super) origins: SnapshotOrigins,
}

pub(super) enum CacheRef<'c> {
    Borrowed(&'c Cache),
    Shared(Arc<Cache>),
}

impl std::ops::Deref for CacheRef<'_> {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        match self {
            CacheRef::Borrowed(cache) => cache,
            CacheRef::Shared(cache) => cache,
        }
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.lock().take()
            && connection.execute_batch("COMMIT").is_ok()
        {
            self.cache.give_back(connection, self.era);
        }
    }
}

impl Snapshot<'_> {
    /// The row number of a request within its source, which stays the same when other requests are removed.
    pub fn row_number(&self, segment: &SegmentInfo, row: usize) -> u64 {
        match self.gaps.get(&segment.id) {
            Some(numbers) => numbers.number(row),
            None => segment.first_row + row as u64,
        }
    }

    /// The row of a segment that has a row number; `None` if there is none.
    pub fn row_of_number(&self, segment: &SegmentInfo, number: u64) -> Option<usize> {
        let row = match self.gaps.get(&segment.id) {
            Some(numbers) => numbers.row(number)?,
            None => usize::try_from(number.checked_sub(segment.first_row)?).ok()?,
        };
        (row < segment.rows).then_some(row)
    }

    /// The column of the time, of a dimension or of a measure. It stays in memory as long as there is space.
    pub fn int_column(&self, segment: &SegmentInfo, field: Field) -> Result<IntColumn, CacheError> {
        match field.is_stored() {
            true => self.integers(segment, field).map(IntColumn),
            false => self.origin_column(segment, field),
        }
    }

    /// A packed column. If several threads need a column, one reads it for all.
    pub(in crate::cache) fn integers(
        &self,
        segment: &SegmentInfo,
        field: Field,
    ) -> Result<Arc<Integers>, CacheError> {
        self.cache.columns.get_or_load(&chunk_id(segment.id, field), || {
            let damaged = |damage| self.damaged(segment, field, damage);
            // The connection is free for other threads while the checksum is computed.
            let bytes = self.chunk(segment, field, chunk::read_unverified)?.verify().map_err(damaged)?;
            let column = Integers::open(bytes).map_err(damaged)?;
            if column.rows() != segment.rows {
                return Err(damaged(Damage("it has another number of rows than its segment")));
            }
            let memory = column.memory();
            Ok((Arc::new(column), memory))
        })
    }

    /// The smallest and the largest code in a column of integers, without reading it.
    pub fn code_bounds(&self, segment: &SegmentInfo, field: Field) -> Result<(u64, u64), CacheError> {
        if field.kind() == Kind::Time {
            return Ok((code::of_time(segment.time_min), code::of_time(segment.time_max)));
        }
        if !field.is_stored() {
            return self.origin_bounds(segment, field);
        }
        let id = chunk_id(segment.id, field);
        if let Some((low, high)) = self.cache.bounds.lock().get(&id) {
            return Ok((*low as u64, *high as u64));
        }
        let head = self.chunk(segment, field, chunk::head)?;
        self.cache.bounds.lock().insert(id, (head.low, head.high));
        Ok((head.low as u64, head.high as u64))
    }

    /// The value ids that occur in the column of a dimension, without reading it; `None` if no set is stored.
    pub fn value_set(
        &self,
        segment: &SegmentInfo,
        field: Field,
    ) -> Result<Option<Arc<ValueSet>>, CacheError> {
        if !field.is_stored() {
            return Ok(None);
        }
        self.cache.value_sets.get_or_load(&chunk_id(segment.id, field), || {
            let set = self.chunk(segment, field, chunk::value_set)?.map(Arc::new);
            let memory = set.as_ref().map_or(0, |set| set.memory());
            Ok((set, memory))
        })
    }

    pub(in crate::cache) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let connection = self.connection.lock();
        let result = connection.as_ref().ok_or(rusqlite::Error::InvalidQuery).and_then(read);
        result.map_err(|error| CacheError::sqlite(&self.cache.path, error))
    }

    /// Reads from the row of a column. Errors name the column.
    pub(super) fn chunk<T>(
        &self,
        segment: &SegmentInfo,
        field: Field,
        read: impl FnOnce(&Connection, SegmentId, Field) -> Result<T, StoreError>,
    ) -> Result<T, CacheError> {
        let connection = self.connection.lock();
        let connection = connection.as_ref().ok_or(rusqlite::Error::InvalidQuery);
        let result = connection.map_err(StoreError::from).and_then(|open| read(open, segment.id, field));
        result.map_err(|error| match error {
            StoreError::Sqlite(rusqlite::Error::QueryReturnedNoRows) => {
                self.damaged(segment, field, Damage("it is missing"))
            }
            StoreError::Sqlite(error) => CacheError::sqlite(&self.cache.path, error),
            StoreError::Damage { damage, .. } => self.damaged(segment, field, damage),
        })
    }

    /// The error for damage in a column.
    pub(crate) fn damaged(&self, segment: &SegmentInfo, field: Field, damage: Damage) -> CacheError {
        let location = format!("segment {}, column {}", segment.id, field.name());
        CacheError::damaged(&self.cache.path, location, damage)
    }
}
