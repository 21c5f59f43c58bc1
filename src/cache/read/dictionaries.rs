//! Reads dictionaries when they are first needed, and the new values of those that have grown.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use tokio_util::sync::CancellationToken;

use super::cache::LentConnection;
use super::snapshot::Snapshot;
use crate::cache::CacheError;
use crate::cache::column::checksum;
use crate::cache::column::layout::slot;
use crate::cache::dictionary::{Arena, Dictionary, MAX_JOINED_VALUES};
use crate::log::Field;

/// How often a thread checks for cancellation while another thread reads the dictionary that it needs.
const WAIT_INTERVAL: Duration = Duration::from_millis(1);
/// Values that are read between two checks for cancellation.
const VALUES_PER_CHECK: usize = 4096;
/// Fewer values than this are read by one thread: starting another one would take longer.
const MIN_VALUES_PER_THREAD: usize = 1 << 13;

impl Snapshot<'_> {
    /// Number of values of a dimension. Value ids are 1 to this number. There are no names of sources and log
    /// files until a query needed them.
    pub fn dictionary_len(&self, field: Field) -> u32 {
        match field.is_stored() {
            true => self.dictionary_lengths[slot(field)],
            false => self.origins.get().map_or(0, |origins| origins.values(field).len()),
        }
    }

    /// The values of a dimension: those of this snapshot, perhaps followed by newer ones.
    pub fn dictionary(&self, field: Field) -> Result<Dictionary, CacheError> {
        self.dictionary_or_cancel(field, &CancellationToken::new())
    }

    /// The values of a dimension, as [`Snapshot::dictionary`] returns them, unless `cancel` is cancelled first. Values
    /// that were read until then stay in memory.
    pub fn dictionary_or_cancel(
        &self,
        field: Field,
        cancel: &CancellationToken,
    ) -> Result<Dictionary, CacheError> {
        if !field.is_stored() {
            return Ok(self.origins(cancel)?.values(field).clone());
        }
        let len = self.dictionary_len(field);
        let dictionary = &self.cache.dictionaries[slot(field)];
        let mut dictionary = loop {
            match dictionary.try_lock_for(WAIT_INTERVAL) {
                Some(dictionary) => break dictionary,
                None if cancel.is_cancelled() => return Err(CacheError::Cancelled),
                None => {}
            }
        };
        if dictionary.len() < len {
            let (grown, is_whole) = self.grown(field, &dictionary, len, cancel)?;
            *dictionary = grown;
            if !is_whole {
                return Err(CacheError::Cancelled);
            }
        }
        Ok(dictionary.clone())
    }

    /// A dictionary with its values up to the id `last`, and whether all of them were read before cancellation.
    fn grown(
        &self,
        field: Field,
        dictionary: &Dictionary,
        last: u32,
        cancel: &CancellationToken,
    ) -> Result<(Dictionary, bool), CacheError> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let parts = parts(dictionary.len()..last, threads);
        let read_by_helpers: Vec<OnceLock<Arena>> = parts.iter().map(|_| OnceLock::new()).collect();
        let next = AtomicUsize::new(1);
        let next_part = || Some(next.fetch_add(1, Relaxed)).filter(|index| *index < parts.len());
        // A helper thread has a connection of its own, which may see another state of the cache; but values are only ever
        // added. The snapshot itself reads what a helper cannot read.
        let help = || {
            let lent = self.cache.lent().ok();
            let Some(connection) = lent.as_ref().and_then(LentConnection::get) else { return };
            while let Some(index) = next_part() {
                let ids = &parts[index];
                match Part::read(connection, field, ids, cancel) {
                    Ok(part) if part.are_sound && part.values.len() == ids.len() => {
                        let _ = read_by_helpers[index].set(part.values);
                    }
                    _ => return,
                }
            }
        };
        let read_part = |index: usize| -> Result<Part, CacheError> {
            let part = self.with(|connection| Part::read(connection, field, &parts[index], cancel))?;
            if part.are_sound { Ok(part) } else { Err(self.damaged_dictionary(field)) }
        };
        let mut read: Vec<Option<Part>> = parts.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            for _ in 1..threads.min(parts.len()) {
                scope.spawn(help);
            }
            // This thread always reads the first part, so that the dictionary grows however often the query is cancelled.
            let mut index = Some(0).filter(|_| !parts.is_empty());
            while let Some(at) = index {
                read[at] = Some(read_part(at)?);
                index = next_part();
            }
            Ok::<_, CacheError>(())
        })?;
        let mut grown = dictionary.clone();
        for (index, (read, helped)) in read.into_iter().zip(read_by_helpers).enumerate() {
            let read = read.or_else(|| helped.into_inner().map(Part::whole));
            let part = match read {
                Some(part) => part,
                None if cancel.is_cancelled() => return Ok((grown, false)),
                None => read_part(index)?,
            };
            let is_short = part.values.len() < parts[index].len();
            grown = grown.grown(part.values);
            if is_short && part.is_cancelled {
                return Ok((grown, false));
            } else if is_short {
                return Err(self.incomplete_dictionary(field, "lacks values"));
            }
        }
        Ok((grown, true))
    }

    /// The value of a dimension with a value id; `None` if the id is 0, which means absent. Does not read the whole
    /// dictionary. Fails if the value is missing.
    pub fn value(&self, field: Field, id: u32) -> Result<Option<Arc<[u8]>>, CacheError> {
        if id == 0 {
            return Ok(None);
        }
        if !field.is_stored() {
            return Ok(self.origins(&CancellationToken::new())?.values(field).get(id).map(Arc::from));
        }
        if let Some(value) = self.cache.dictionaries[slot(field)].lock().get(id) {
            return Ok(Some(value.into()));
        }
        let value = self.cache.values.get_or_load(&(field as i64, id), || {
            let stored: Option<(Vec<u8>, i32)> = self.with(|connection| {
                connection
                    .prepare_cached("SELECT value, crc FROM dictionary WHERE dimension = ?1 AND id = ?2")?
                    .query_row(params![field as i64, id], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })?;
            match stored {
                Some((value, crc)) if crc == checksum::of_value(field as i64, id.into(), &value) => {
                    let bytes = value.len();
                    Ok((Arc::from(value), bytes))
                }
                Some(_) => Err(self.damaged_dictionary(field)),
                None => Err(self.incomplete_dictionary(field, &format!("has no value {id}"))),
            }
        })?;
        Ok(Some(value))
    }

    fn incomplete_dictionary(&self, field: Field, problem: &str) -> CacheError {
        let reason = format!("the dictionary of {} {problem}", field.name());
        CacheError::Damaged { path: self.cache.path.clone(), reason }
    }

    fn damaged_dictionary(&self, field: Field) -> CacheError {
        let location = format!("dictionary of {}", field.name());
        CacheError::damaged(&self.cache.path, location, checksum::DAMAGE)
    }
}

/// Values of a dictionary that one thread has read.
struct Part {
    values: Arena,
    /// Whether the values match their checksums.
    are_sound: bool,
    /// Whether cancellation ended the part early.
    is_cancelled: bool,
}

impl Part {
    fn whole(values: Arena) -> Part {
        Part { values, are_sound: true, is_cancelled: false }
    }

    /// Reads the values with the ids `ids.start + 1` to `ids.end`.
    fn read(
        connection: &Connection,
        field: Field,
        ids: &Range<u32>,
        cancel: &CancellationToken,
    ) -> rusqlite::Result<Part> {
        let mut part = Part::whole(Arena::default());
        let mut statement = connection.prepare_cached(
            "SELECT value, id, crc FROM dictionary WHERE dimension = ?1 AND id > ?2 AND id <= ?3 ORDER BY id",
        )?;
        let mut rows = statement.query(params![field as i64, ids.start, ids.end])?;
        // Ids have no gaps.
        let mut id = i64::from(ids.start);
        while let Some(row) = rows.next()? {
            id += 1;
            let value = row.get_ref(0)?.as_bytes().unwrap_or_default();
            let crc = checksum::of_value(field as i64, id, value);
            part.are_sound &= crc == row.get::<_, i32>(2)? && row.get::<_, i64>(1)? == id;
            part.values.push(value);
            if part.values.len().is_multiple_of(VALUES_PER_CHECK) && cancel.is_cancelled() {
                part.is_cancelled = true;
                break;
            }
        }
        Ok(part)
    }
}

/// Splits value ids into parts of equal size for threads to read, none larger than a joined piece of a dictionary.
fn parts(ids: Range<u32>, threads: usize) -> Vec<Range<u32>> {
    let count = match ids.len() {
        few @ 0..MIN_VALUES_PER_THREAD => few.min(1),
        many => many.div_ceil(MAX_JOINED_VALUES).next_multiple_of(threads.max(1)),
    };
    let size = ids.len().div_ceil(count.max(1)) as u32;
    (0..count as u32)
        .map(|part| ids.start.saturating_add(part * size))
        .map(|start| start.min(ids.end)..start.saturating_add(size).min(ids.end))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::cache::testing::{Request, filled};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_cover_all_values_in_order(
            from in 0..100u32, count in prop_oneof![0..10u32, 0..1_000_000u32], threads in 1..9usize,
        ) {
            let parts = parts(from..from + count, threads);
            let mut next = from;
            for part in parts {
                prop_assert!(part.start == next && part.len() <= MAX_JOINED_VALUES);
                next = part.end;
            }
            prop_assert_eq!(next, from + count);
        }
    }

    #[test]
    fn a_large_dictionary_is_read_by_threads_and_resumed_after_cancellation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let requests = (0..40_000).map(|index| Request { keys: i64::MAX, ..Request::at(index) });
        drop(filled(&path, "one", requests));
        let cache = Cache::open(&path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        let mut cancellations = 0;
        let whole = loop {
            match snapshot.dictionary_or_cancel(Field::Key, &cancelled) {
                Ok(whole) => break whole,
                Err(error) => assert!(matches!(error, CacheError::Cancelled)),
            }
            cancellations += 1;
            assert!(cancellations < 40_000 / VALUES_PER_CHECK + 1, "each call reads some values");
        };
        assert!(cancellations > 0);
        let at_once = Cache::open(&path).unwrap();
        let at_once = at_once.snapshot().unwrap().dictionary(Field::Key).unwrap();
        assert_eq!(at_once.len(), 40_000);
        assert!(whole.iter().eq(at_once.iter()));
        assert_eq!(at_once.get(40_000), Some(b"k39999".as_slice()));
    }
}
