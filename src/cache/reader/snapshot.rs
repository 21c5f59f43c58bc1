//! What is read of a cache at one moment: columns, dictionaries, pages of text.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::cache::chunk::{self, ChunkError};
use crate::cache::codec::Damage;
use crate::cache::codec::integers::Integers;
use crate::cache::dictionary::{Arena, Dictionary, PIECE};
use crate::cache::layout::slot;
use crate::cache::presence::Presence;
use crate::cache::schema::chunk_id;
use crate::cache::{CacheError, checksum};
use crate::log::Field;

use super::{BeingRead, Cache, SegmentInfo, lock};

/// Between two looks at whether a dictionary that another question is reading is there.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Values read between two looks at whether they are still wanted.
const VALUES_BETWEEN_LOOKS: usize = 4096;

/// The cache at one moment: what others commit meanwhile does not show. Threads share it.
pub struct Snapshot<'c> {
    pub(super) cache: &'c Cache,
    pub(super) connection: Mutex<Option<Connection>>,
    /// All segments, by source, in the order in which their requests came in.
    pub segments: Vec<SegmentInfo>,
    /// Number and name of every source.
    pub sources: Vec<(i64, String)>,
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

impl<'c> Snapshot<'c> {
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
    fn column(&self, id: i64) -> Result<Arc<Integers>, BeingRead<'c>> {
        let mut columns = lock(&self.cache.columns);
        loop {
            if let Some(column) = columns.kept.get(&id) {
                return Ok(column);
            }
            if columns.being_read.insert(id) {
                return Err(BeingRead { cache: self.cache, id });
            }
            columns = self.cache.column_read.wait(columns).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// An instant from its number in the column of times.
    #[inline]
    pub fn time_of(code: u64) -> i64 {
        crate::cache::open_segment::code_to_time(code)
    }

    /// The number of an instant in the column of times: the same order.
    #[inline]
    pub fn code_of(time: i64) -> u64 {
        crate::cache::open_segment::time_to_code(time)
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

    /// How many values a dimension has; ids are 1 to this.
    pub fn dictionary_len(&self, field: Field) -> Result<u32, CacheError> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT coalesce(max(id), 0) FROM dictionary WHERE dimension = ?1")?
                .query_row([field as i64], |row| row.get(0))
        })
    }

    /// All values of a dimension, at least those of this snapshot.
    pub fn dictionary(&self, field: Field) -> Result<Dictionary, CacheError> {
        // Whoever waits without end gets it.
        self.dictionary_while(field, &|| true).map(Option::unwrap_or_default)
    }

    /// The same, given up with `None` when it is no longer worth the while. What was read by then is not lost.
    pub fn dictionary_while(
        &self,
        field: Field,
        is_worth_it: &dyn Fn() -> bool,
    ) -> Result<Option<Dictionary>, CacheError> {
        let len = self.dictionary_len(field)?;
        let mut dictionary = loop {
            match self.cache.dictionaries[slot(field)].try_lock() {
                Ok(dictionary) => break dictionary,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                // Another question is reading it.
                Err(TryLockError::WouldBlock) if is_worth_it() => std::thread::sleep(LOOK_EVERY),
                Err(TryLockError::WouldBlock) => return Ok(None),
            }
        };
        if dictionary.len() < len {
            let mut are_sound = true;
            let mut is_whole = true;
            let grown = self.with(|connection| {
                let mut grown = dictionary.clone();
                let mut more = Arena::default();
                let mut statement = connection.prepare_cached(
                    "SELECT value, id, crc FROM dictionary WHERE dimension = ?1 AND id > ?2 ORDER BY id",
                )?;
                let mut rows = statement.query(params![field as i64, dictionary.len()])?;
                while let Some(row) = rows.next()? {
                    let value = row.get_ref(0)?.as_bytes().unwrap_or_default();
                    let crc = checksum::of_value(field as i64, row.get(1)?, value);
                    are_sound &= crc == row.get::<_, i32>(2)?;
                    more.push(value);
                    if more.len() == PIECE {
                        grown = grown.grown(std::mem::take(&mut more));
                    }
                    if more.len().is_multiple_of(VALUES_BETWEEN_LOOKS) && !is_worth_it() {
                        is_whole = false;
                        break;
                    }
                }
                Ok(grown.grown(more))
            })?;
            if !are_sound {
                return Err(self.damaged_dictionary(field));
            }
            if is_whole && grown.len() != len {
                return Err(CacheError::Damaged {
                    path: self.cache.path.clone(),
                    reason: format!("the dictionary of {} lacks values", field.name()),
                });
            }
            *dictionary = grown;
            if !is_whole {
                return Ok(None);
            }
        }
        Ok(Some(dictionary.clone()))
    }

    /// One value of a dimension; `None` for 0, absent. Does not read the whole dictionary.
    pub fn value(&self, field: Field, id: u32) -> Result<Option<Arc<[u8]>>, CacheError> {
        if id == 0 {
            return Ok(None);
        }
        if let Some(value) = lock(&self.cache.dictionaries[slot(field)]).get(id) {
            return Ok(Some(value.into()));
        }
        let value: Option<(Vec<u8>, i32)> = self.with(|connection| {
            connection
                .prepare_cached("SELECT value, crc FROM dictionary WHERE dimension = ?1 AND id = ?2")?
                .query_row(params![field as i64, id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        match value {
            Some((value, crc)) if crc == checksum::of_value(field as i64, id.into(), &value) => {
                Ok(Some(value.into()))
            }
            Some(_) => Err(self.damaged_dictionary(field)),
            None => Err(CacheError::Damaged {
                path: self.cache.path.clone(),
                reason: format!("the dictionary of {} has no value {id}", field.name()),
            }),
        }
    }

    pub(super) fn with<T>(
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
        ask: impl FnOnce(&Connection, i64, Field) -> Result<T, ChunkError>,
    ) -> Result<T, CacheError> {
        let connection = lock(&self.connection);
        let connection = connection.as_ref().ok_or(rusqlite::Error::InvalidQuery);
        let answer = connection.map_err(ChunkError::from).and_then(|open| ask(open, segment.id, field));
        answer.map_err(|error| match error {
            ChunkError::Sqlite(rusqlite::Error::QueryReturnedNoRows) => {
                self.damaged(segment, field, Damage("it is missing"))
            }
            ChunkError::Sqlite(error) => CacheError::sqlite(&self.cache.path, error),
            ChunkError::Damage(damage) => self.damaged(segment, field, damage),
        })
    }

    fn damaged_dictionary(&self, field: Field) -> CacheError {
        let place = format!("dictionary of {}", field.name());
        CacheError::damaged(&self.cache.path, place, checksum::DAMAGE)
    }

    /// An error about a column that makes no sense.
    pub fn damaged(&self, segment: &SegmentInfo, field: Field, damage: Damage) -> CacheError {
        let place = format!("segment {}, column {}", segment.id, field.name());
        CacheError::damaged(&self.cache.path, place, damage)
    }
}
