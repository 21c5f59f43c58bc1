//! Old requests leave the cache.
//!
//! A segment that lies before the cut goes whole. One that straddles it is written anew with the rows
//! that stay; these keep their order and take the last of the numbers that the segment had, so that they
//! still end where the next segment begins. Rows of a segment are not sorted by time, so where an old
//! request stood between younger ones, those before it are numbered anew; numbers are never given to a
//! request of another segment. What numbers are gone is noted (table `pruned`).
//!
//! Log files stay in the catalogue, so that they are not pulled again; those that may have held pruned
//! requests are marked, so that they are never deleted at their source: what they held is nowhere else.

use std::ops::AddAssign;

use rusqlite::params;

use super::catalogue::{IN_PART, IN_PART_PRUNED, PRUNED, WHOLE};
use super::codec::integers::Integers;
use super::duplicates::read_column;
use super::open_segment::code_to_time;
use super::schema;
use super::writer::{WriteError, admit_error, delete_segment, insert_segment, load_segment};
use super::{CacheError, SegmentInfo, Snapshot, Writer};
use crate::log::{Field, name};

/// Seconds after which no log file is delivered any more that holds requests of a moment.
const LATEST_DELIVERY: i64 = 10 * 86_400;

/// Bytes of the columns of a segment.
const BYTES: &str = "SELECT coalesce(sum(length(data)), 0) FROM column_chunk WHERE id BETWEEN ?1 AND ?1 + 63";

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Requests.
    pub requests: u64,
    /// Segments that went whole.
    pub segments_dropped: u64,
    /// Segments that lost a part.
    pub segments_rewritten: u64,
    /// Bytes that the requests took in the cache, about.
    pub bytes: u64,
}

impl AddAssign for Pruned {
    fn add_assign(&mut self, other: Pruned) {
        self.requests += other.requests;
        self.segments_dropped += other.segments_dropped;
        self.segments_rewritten += other.segments_rewritten;
        self.bytes += other.bytes;
    }
}

/// A segment with requests before the cut.
struct Old {
    id: i64,
    first_row: i64,
    rows: i64,
    /// Rows before the cut.
    gone: Vec<usize>,
    bytes: u64,
}

impl Old {
    fn is_whole(&self) -> bool {
        self.gone.len() as i64 == self.rows
    }

    fn pruned(&self) -> Pruned {
        Pruned::of_segment(self.gone.len() as u64, self.rows as u64, self.bytes)
    }
}

impl Pruned {
    /// A segment of which so many rows go.
    fn of_segment(gone: u64, rows: u64, bytes: u64) -> Pruned {
        Pruned {
            requests: gone,
            segments_dropped: u64::from(gone == rows),
            segments_rewritten: u64::from(gone != rows),
            bytes: (u128::from(bytes) * u128::from(gone) / u128::from(rows.max(1))) as u64,
        }
    }
}

impl Snapshot<'_> {
    /// What [`Writer::prune`] would drop of a source. Nothing has to be written for that, so it can be asked of a
    /// cache that may only be read, or that another process fills.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn prunable(&self, source: i64, before: i64) -> Result<Pruned, CacheError> {
        let mut all = Pruned::default();
        let is_old = |segment: &&SegmentInfo| segment.source == source && segment.time_min < before;
        for segment in self.segments.iter().filter(is_old) {
            let times = self.integers(segment, Field::Time)?.to_vec();
            let gone = times.into_iter().filter(|code| code_to_time(*code) < before).count();
            let bytes: i64 =
                self.with(|connection| connection.query_row(BYTES, [segment.id * 64], |row| row.get(0)))?;
            all += Pruned::of_segment(gone as u64, segment.rows as u64, bytes as u64);
        }
        Ok(all)
    }
}

impl Writer {
    /// Drops the requests of a source before an instant, segment by segment: if it is cut short, the
    /// cache is as whole as before, and the next call carries on.
    ///
    /// # Errors
    /// If the cache cannot be read or written.
    pub fn prune(&mut self, source: i64, before: i64) -> Result<Pruned, CacheError> {
        self.settle()?;
        let mut all = Pruned::default();
        for id in self.segments_before(source, before)? {
            let old = self.old(id, before)?;
            if all.requests == 0 {
                self.mark_log_files(source, before).map_err(|error| self.sqlite(error))?;
            }
            self.prune_segment(source, &old)?;
            all += old.pruned();
        }
        Ok(all)
    }

    /// Segments with requests before an instant.
    fn segments_before(&self, source: i64, before: i64) -> Result<Vec<i64>, CacheError> {
        let ask = || -> rusqlite::Result<Vec<i64>> {
            self.connection
                .prepare("SELECT id FROM segment WHERE source_id = ?1 AND time_min < ?2 ORDER BY first_row")?
                .query_map([source, before], |row| row.get(0))?
                .collect()
        };
        ask().map_err(|error| self.sqlite(error))
    }

    fn old(&self, id: i64, before: i64) -> Result<Old, CacheError> {
        let read = || -> rusqlite::Result<(i64, i64, i64)> {
            let (first_row, rows) = self.connection.query_row(
                "SELECT first_row, rows FROM segment WHERE id = ?1",
                [id],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let bytes = self.connection.query_row(BYTES, [id * 64], |row| row.get(0))?;
            Ok((first_row, rows, bytes))
        };
        let (first_row, rows, bytes) = read().map_err(|error| self.sqlite(error))?;
        let times =
            read_column(&self.connection, id, Field::Time).map_err(|error| admit_error(&self.path, error))?;
        let damaged =
            |damage| CacheError::damaged(&self.path, format_args!("segment {id}, column time"), damage);
        let times = Integers::open(times).map_err(damaged)?;
        if times.rows() as i64 != rows {
            return Err(damaged(super::codec::Damage("it has another number of rows than its segment")));
        }
        let gone = times
            .to_vec()
            .into_iter()
            .enumerate()
            .filter(|(_, code)| code_to_time(*code) < before)
            .map(|(row, _)| row)
            .collect();
        Ok(Old { id, first_row, rows, gone, bytes: bytes as u64 })
    }

    fn prune_segment(&mut self, source: i64, old: &Old) -> Result<(), CacheError> {
        let mut left = None;
        if !old.is_whole() {
            let mut segment = load_segment(&self.connection, old.id, old.rows as usize)
                .map_err(|error| admit_error(&self.path, error))?;
            let place = format!("segment {}", old.id);
            let keys = &self.values[super::batch::KEY];
            segment
                .remove(&old.gone, keys)
                .map_err(|damage| CacheError::damaged(&self.path, place, damage))?;
            left = Some(segment);
        }
        let gone = old.gone.len() as i64;
        let Writer { connection, values, path, .. } = self;
        let mut write = || -> Result<(), WriteError> {
            let transaction = connection.transaction()?;
            transaction.execute_batch(schema::PRUNED)?;
            delete_segment(&transaction, old.id)?;
            if let Some(segment) = &mut left {
                let first_row = old.first_row + gone;
                insert_segment(&transaction, source, first_row, segment, &values[super::batch::KEY])?;
            }
            let grown = transaction.execute(
                "UPDATE pruned SET rows = rows + ?3 WHERE source_id = ?1 AND first_row + rows = ?2",
                params![source, old.first_row, gone],
            )?;
            if grown == 0 {
                transaction.execute(
                    "INSERT INTO pruned (source_id, first_row, rows) VALUES (?1, ?2, ?3)",
                    params![source, old.first_row, gone],
                )?;
            }
            Ok(transaction.commit()?)
        };
        write().map_err(|error| match error {
            WriteError::Sqlite(error) => CacheError::sqlite(path, error),
            WriteError::Damage(damage) => CacheError::damaged(path, format!("segment {}", old.id), damage),
        })
    }

    /// Marks the log files that may have held requests before an instant: those delivered before it or
    /// not long after, and those whose names do not tell.
    fn mark_log_files(&mut self, source: i64, before: i64) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut files =
                transaction.prepare("SELECT id, name, state FROM log_file WHERE source_id = ?1")?;
            let mut rows = files.query([source])?;
            let mut old: Vec<(i64, i64)> = Vec::new();
            while let Some(row) = rows.next()? {
                let delivered = name::instant(row.get_ref(1)?.as_str().unwrap_or_default());
                let state = match row.get(2)? {
                    WHOLE => PRUNED,
                    IN_PART => IN_PART_PRUNED,
                    _ => continue,
                };
                if delivered.is_none_or(|at| at < before.saturating_add(LATEST_DELIVERY)) {
                    old.push((row.get(0)?, state));
                }
            }
            let mut mark = transaction.prepare("UPDATE log_file SET state = ?2 WHERE id = ?1")?;
            for (id, state) in old {
                mark.execute([id, state])?;
            }
        }
        transaction.commit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::check::check;
    use crate::cache::codec::text::OpenPage;
    use crate::cache::testing::{Request, START, batch, filled};
    use crate::cache::{Cache, CacheError, Snapshot};

    /// Number, time and request URI of all requests.
    fn all(path: &std::path::Path) -> Vec<(u64, i64, Vec<u8>)> {
        let cache = Cache::open(path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let keys = snapshot.dictionary(Field::Key).unwrap();
        let mut all = Vec::new();
        for segment in &snapshot.segments {
            let times = snapshot.integers(segment, Field::Time).unwrap().to_vec();
            let codes = snapshot.integers(segment, Field::Key).unwrap().to_vec();
            let mut row = 0;
            let mut of_page = |page: &OpenPage| -> Result<(), CacheError> {
                for index in 0..page.rows() {
                    let uri = page.get(index, || keys.get(codes[row] as u32)).unwrap().unwrap().into_owned();
                    all.push((segment.first_row + row as u64, Snapshot::time_of(times[row]) - START, uri));
                    row += 1;
                }
                Ok(())
            };
            snapshot.for_each_page(segment, Field::RequestUri, &|| true, &mut of_page).unwrap();
        }
        all
    }

    #[test]
    fn whole_segments_go_and_one_that_straddles_the_cut_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = filled(&path, "one", (0..300_000).map(Request::at));
        let before = all(&path);
        let size = std::fs::metadata(&path).unwrap().len();
        let source = writer.known_source("one").unwrap().unwrap();
        let cache = Cache::open(&path).unwrap();
        let told = cache.snapshot().unwrap().prunable(source, START + 200_000).unwrap();
        drop(cache);
        assert_eq!(all(&path).len(), 300_000, "nothing is done by asking");

        let pruned = writer.prune(source, START + 200_000).unwrap();
        assert_eq!(told, pruned);
        assert_eq!((pruned.requests, pruned.segments_dropped, pruned.segments_rewritten), (200_000, 1, 1));
        // They were in the order of time: numbers stay.
        assert_eq!(all(&path), before[200_000..]);
        assert!(writer.give_space_back().unwrap() > size / 3);
        assert_eq!(all(&path), before[200_000..]);
        assert_eq!(check(&path, 0).unwrap().findings, []);
        assert_eq!(writer.prune(source, START + 200_000).unwrap(), Pruned::default());
    }

    #[test]
    fn requests_that_are_not_in_order_stay_in_order_and_end_where_they_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        // 7 is prime to 1000: every second of 0..1000 once, well mixed.
        let mut writer = filled(&path, "one", (0..1000).map(|n| Request::at(n * 7 % 1000)));
        let before = all(&path);
        let source = writer.known_source("one").unwrap().unwrap();
        assert_eq!(writer.prune(source, START + 400).unwrap().requests, 400);
        let expected: Vec<_> = before.into_iter().filter(|(_, time, _)| *time >= 400).collect();
        let after = all(&path);
        assert!(after.iter().map(|(_, time, uri)| (time, uri)).eq(expected.iter().map(|(_, t, u)| (t, u))));
        assert!(after.iter().map(|(number, ..)| *number).eq(400..1000));
        assert_eq!(check(&path, 0).unwrap().findings, []);

        // What comes next goes on with the next number, and repeats are still known.
        let more: Vec<Request> = (995..1005).map(Request::at).collect();
        let appended = writer.append(source, batch("b", &more, 1, true)).unwrap();
        assert_eq!((appended.requests, appended.duplicates), (5, 5));
        writer.commit().unwrap();
        assert!(all(&path).iter().map(|(number, ..)| *number).eq(400..1005));
        assert_eq!(check(&path, 0).unwrap().findings, []);
    }

    #[test]
    fn a_log_file_that_was_half_read_then_may_have_been_pruned_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = filled(&path, "one", [Request::at(90_000)].into_iter());
        let source = writer.known_source("one").unwrap().unwrap();
        let requests: Vec<Request> = (0..20).map(Request::at).collect();
        // Two files of the first of April, one of much later; of each the first half.
        let names = ["2026-04-01-01-00-00-A", "2026-04-01-02-00-00-B", "2026-05-01-00-00-00-C"];
        for (name, requests) in names.iter().zip([&requests[..5], &requests[5..10], &requests[10..15]]) {
            writer.append(source, batch(name, requests, 1, false)).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(writer.prune(source, START + 10).unwrap().requests, 10);
        assert_eq!(check(&path, 0).unwrap().findings, []);

        let states = |path: &std::path::Path| -> Vec<i64> {
            let connection = schema::open_reader(path).unwrap();
            let mut ask =
                connection.prepare("SELECT state FROM log_file WHERE name != ?1 ORDER BY name").unwrap();
            let states = ask.query_map(["2026-04-08-00-00-00-A"], |row| row.get(0)).unwrap();
            states.collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(states(&path), [IN_PART_PRUNED, IN_PART_PRUNED, IN_PART]);
        // What is known of them still counts: only the rest is asked for, by another process, too.
        drop(writer);
        let known = Cache::open(&path).unwrap().known("one", names[0], Some("1")).unwrap();
        let first_half = 1..6;
        assert_eq!(known, crate::cache::catalogue::Known::InPart(vec![first_half]));
        let mut writer = Writer::open(&path).unwrap();
        for (index, name) in names.iter().enumerate().filter(|(index, _)| *index != 1) {
            let more: Vec<Request> = (0..5).map(|n| Request::at(1000 + index as i64 * 10 + n)).collect();
            writer.append(source, batch(name, &more, 6, true)).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(states(&path), [PRUNED, IN_PART_PRUNED, WHOLE]);
        let holds = names.map(|name| writer.holds(source, name, Some("1")).unwrap());
        assert_eq!(holds, [false, false, true], "only what is here wholly may be deleted elsewhere");
        assert_eq!(check(&path, 0).unwrap().findings, []);
    }

    #[test]
    fn a_source_without_any_request_left_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = filled(&path, "one", (0..1000).map(Request::at));
        let source = writer.known_source("one").unwrap().unwrap();
        assert_eq!(writer.prune(source, i64::MAX).unwrap().requests, 1000);
        assert_eq!(check(&path, 0).unwrap().findings, []);
        writer.append(source, batch("b", &[Request::at(2000)], 1, true)).unwrap();
        writer.commit().unwrap();
        assert_eq!(all(&path).iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1000]);
        assert_eq!(check(&path, 0).unwrap().findings, []);
        assert_eq!(writer.delete_source(source).unwrap().requests, 1);
        assert_eq!(check(&path, 0).unwrap().findings, []);
    }
}
