//! Dictionaries as a reader knows them: read when they are first needed, and what was added when they have grown.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, TryLockError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::cache::CacheError;
use crate::cache::column::checksum;
use crate::cache::column::layout::slot;
use crate::cache::dictionary::{Arena, Dictionary, MAX_JOINED_VALUES};
use crate::log::Field;

use super::{Lent, Snapshot, lock};

/// Between two looks at whether a dictionary that another question is reading is there.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Values read between two looks at whether they are still wanted.
const VALUES_BETWEEN_LOOKS: usize = 4096;
/// Fewer values than this are read before another thread would have started.
const WORTH_A_THREAD: usize = 1 << 13;

impl Snapshot<'_> {
    /// How many values a dimension has; ids are 1 to this.
    pub fn dictionary_len(&self, field: Field) -> u32 {
        self.dictionaries[slot(field)]
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
        is_worth_it: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Dictionary>, CacheError> {
        let len = self.dictionary_len(field);
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
            let (grown, is_whole) = self.grown(field, &dictionary, len, is_worth_it)?;
            *dictionary = grown;
            if !is_whole {
                return Ok(None);
            }
        }
        Ok(Some(dictionary.clone()))
    }

    /// A dictionary with its values up to the last one, and whether all of them were worth the while.
    fn grown(
        &self,
        field: Field,
        dictionary: &Dictionary,
        last: u32,
        is_worth_it: &(dyn Fn() -> bool + Sync),
    ) -> Result<(Dictionary, bool), CacheError> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let parts = parts(dictionary.len()..last, threads);
        let others: Vec<OnceLock<Arena>> = parts.iter().map(|_| OnceLock::new()).collect();
        let next = AtomicUsize::new(1);
        let take = || Some(next.fetch_add(1, Relaxed)).filter(|index| *index < parts.len());
        // Another thread has a connection of its own, and that may see another state of the cache: but values are
        // only ever added. What it cannot read is left to the snapshot itself.
        let help = || {
            let lent = self.cache.lent().ok();
            let Some(connection) = lent.as_ref().and_then(Lent::get) else { return };
            while let Some(index) = take() {
                let ids = &parts[index];
                match Part::read(connection, field, ids, is_worth_it) {
                    Ok(part) if part.are_sound && part.values.len() == ids.len() => {
                        let _ = others[index].set(part.values);
                    }
                    _ => return,
                }
            }
        };
        let own = |index: usize| -> Result<Part, CacheError> {
            let part = self.with(|connection| Part::read(connection, field, &parts[index], is_worth_it))?;
            if part.are_sound { Ok(part) } else { Err(self.damaged_dictionary(field)) }
        };
        let mut read: Vec<Option<Part>> = parts.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            for _ in 1..threads.min(parts.len()) {
                scope.spawn(help);
            }
            // The first part is never left to others: however often this is given up, it gets on.
            let mut index = Some(0).filter(|_| !parts.is_empty());
            while let Some(at) = index {
                read[at] = Some(own(at)?);
                index = take();
            }
            Ok::<_, CacheError>(())
        })?;
        let mut grown = dictionary.clone();
        for (index, (read, other)) in read.into_iter().zip(others).enumerate() {
            let read = read.or_else(|| other.into_inner().map(Part::whole));
            let part = match read {
                Some(part) => part,
                None if is_worth_it() => own(index)?,
                None => return Ok((grown, false)),
            };
            let is_short = part.values.len() < parts[index].len();
            grown = grown.grown(part.values);
            match is_short {
                true if part.is_given_up => return Ok((grown, false)),
                true => {
                    return Err(CacheError::Damaged {
                        path: self.cache.path.clone(),
                        reason: format!("the dictionary of {} lacks values", field.name()),
                    });
                }
                false => {}
            }
        }
        Ok((grown, true))
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

    fn damaged_dictionary(&self, field: Field) -> CacheError {
        let place = format!("dictionary of {}", field.name());
        CacheError::damaged(&self.cache.path, place, checksum::DAMAGE)
    }
}

/// Values of a dictionary that one thread has read.
struct Part {
    values: Arena,
    /// Whether they are those that were written.
    are_sound: bool,
    /// Whether they were no longer worth the while.
    is_given_up: bool,
}

impl Part {
    fn whole(values: Arena) -> Part {
        Part { values, are_sound: true, is_given_up: false }
    }

    /// Reads the values behind the first of these numbers, up to the last one.
    fn read(
        connection: &Connection,
        field: Field,
        ids: &Range<u32>,
        is_worth_it: &(dyn Fn() -> bool + Sync),
    ) -> rusqlite::Result<Part> {
        let mut part = Part::whole(Arena::default());
        let mut statement = connection.prepare_cached(
            "SELECT value, id, crc FROM dictionary WHERE dimension = ?1 AND id > ?2 AND id <= ?3 ORDER BY id",
        )?;
        let mut rows = statement.query(params![field as i64, ids.start, ids.end])?;
        // Ids have no gap, so each value is the one that is expected next.
        let mut id = i64::from(ids.start);
        while let Some(row) = rows.next()? {
            id += 1;
            let value = row.get_ref(0)?.as_bytes().unwrap_or_default();
            let crc = checksum::of_value(field as i64, id, value);
            part.are_sound &= crc == row.get::<_, i32>(2)? && row.get::<_, i64>(1)? == id;
            part.values.push(value);
            if part.values.len().is_multiple_of(VALUES_BETWEEN_LOOKS) && !is_worth_it() {
                part.is_given_up = true;
                break;
            }
        }
        Ok(part)
    }
}

/// Values in equal parts for threads to read, none of more than a piece of a dictionary has.
fn parts(ids: Range<u32>, threads: usize) -> Vec<Range<u32>> {
    let count = match ids.len() {
        few @ 0..WORTH_A_THREAD => few.min(1),
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
    use std::sync::atomic::AtomicU32;

    proptest! {
        #[test]
        fn parts_are_all_values_one_behind_another(
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
    fn a_large_dictionary_is_read_by_threads_and_goes_on_where_it_was_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let requests = (0..40_000).map(|index| Request { keys: i64::MAX, ..Request::at(index) });
        drop(filled(&path, "one", requests));
        let cache = Cache::open(&path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let mut given_up = 0;
        let whole = loop {
            let looks = AtomicU32::new(0);
            let is_worth_it = || looks.fetch_add(1, Relaxed) < 1;
            match snapshot.dictionary_while(Field::Key, &is_worth_it).unwrap() {
                Some(whole) => break whole,
                None => given_up += 1,
            }
            assert!(given_up < 40_000 / VALUES_BETWEEN_LOOKS + 1, "it gets on each time");
        };
        assert!(given_up > 0);
        let at_once = Cache::open(&path).unwrap();
        let at_once = at_once.snapshot().unwrap().dictionary(Field::Key).unwrap();
        assert_eq!(at_once.len(), 40_000);
        assert!(whole.iter().eq(at_once.iter()));
        assert_eq!(at_once.get(40_000), Some(b"k39999".as_slice()));
    }
}
