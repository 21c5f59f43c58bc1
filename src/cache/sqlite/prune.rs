//! Pruning: removing old requests from the cache.
//!
//! A segment of old requests is deleted. A segment that also has newer requests is rewritten without the old ones;
//! the newer requests keep their order and their row numbers.
//!
//! Log files stay in the catalogue, so they are not pulled again. For those that may have had pruned
//! requests, the time of the cut is recorded. They are never deleted at their source, because the cache no longer has
//! all of their content; and if one of them grows or changes, requests before that time are not added again.

use std::ops::AddAssign;

use roaring::RoaringTreemap;

use super::catalogue::{IN_PART, WHOLE};
use super::log_file_rows::{LogFileRow, RunsRow};
use super::{segment_rows::SegmentRow, segments::read_column, segments::remove_rows};
use crate::cache::{
    CacheError, SegmentInfo, Snapshot, Writer, column::integers::Integers, column::layout::KEY_SLOT,
    error::StoreError, ids::SourceId, write::memtable::code_to_time,
};
use crate::log::Field;
use crate::log::object_name::{LATE_DELIVERY_SECONDS, NameDate};

/// What pruning removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the other names describe their fields")]
pub struct Pruned {
    pub requests: u64,
    pub segments_dropped: u64,
    pub segments_rewritten: u64,
    /// Approximate bytes that the requests took in the cache.
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

/// A segment, and its rows before the cut.
struct OldSegment {
    segment: SegmentRow,
    removed: Vec<usize>,
}

impl Pruned {
    /// What pruning `removed` of the `rows` of a segment removes.
    fn of_segment(removed: u64, rows: u64, bytes: u64) -> Pruned {
        Pruned {
            requests: removed,
            segments_dropped: u64::from(removed == rows),
            segments_rewritten: u64::from(removed != rows),
            bytes: (u128::from(bytes) * u128::from(removed) / u128::from(rows.max(1))) as u64,
        }
    }
}

impl Snapshot<'_> {
    /// What [`Writer::prune`] would remove of a source. Works on a cache that is read-only or being written
    /// by another process.
    pub fn prunable(&self, source: SourceId, before: i64) -> Result<Pruned, CacheError> {
        let mut total = Pruned::default();
        let is_old = |segment: &&SegmentInfo| segment.source == source && segment.time_min < before;
        for segment in self.segments.iter().filter(is_old) {
            let times = self.integers(segment, Field::Time)?.to_vec();
            let removed = times.into_iter().filter(|code| code_to_time(*code) < before).count();
            total += Pruned::of_segment(removed as u64, segment.rows as u64, segment.bytes);
        }
        Ok(total)
    }
}

impl Writer {
    /// Removes the requests of a source before a time, segment by segment. If the process is stopped, the
    /// cache stays consistent, and the next call continues.
    pub fn prune(&mut self, source: SourceId, before: i64) -> Result<Pruned, CacheError> {
        self.commit_and_reset()?;
        let old_segments = self.old_segments(source, before).map_err(|error| error.of(&self.path))?;
        let mut removed = RoaringTreemap::new();
        for OldSegment { segment, removed: rows } in &old_segments {
            removed.extend(rows.iter().map(|row| segment.numbers.number(*row)));
        }
        if !removed.is_empty() {
            self.mark_log_files(source, before, &removed)?;
        }
        let mut total = Pruned::default();
        for OldSegment { segment, removed } in old_segments {
            let keys = std::mem::take(&mut self.dictionaries[KEY_SLOT]);
            let result = self.in_transaction(|transaction, root| {
                remove_rows(transaction, root, &segment, &removed, &keys)
            });
            self.dictionaries[KEY_SLOT] = keys;
            result?;
            total += Pruned::of_segment(removed.len() as u64, segment.rows as u64, segment.bytes);
        }
        Ok(total)
    }

    /// The segments with requests before a time.
    fn old_segments(&self, source: SourceId, before: i64) -> Result<Vec<OldSegment>, StoreError> {
        let mut all = Vec::new();
        let segments = SegmentRow::all(&self.connection)?.into_iter();
        for segment in segments.filter(|segment| segment.source == source && segment.time_min < before) {
            let place = format!("segment {}, column time", segment.id);
            let times = Integers::open(read_column(&self.connection, segment.id, Field::Time)?)
                .and_then(|times| times.into_rows(segment.rows))
                .map_err(|damage| StoreError::from(damage).at(place))?;
            let rows = times.into_iter().enumerate();
            let removed = rows.filter(|(_, code)| code_to_time(*code) < before).map(|(row, _)| row).collect();
            all.push(OldSegment { segment, removed });
        }
        Ok(all)
    }

    /// Records the cut for the log files that gave requests with these row numbers, and for those that may have
    /// had requests before it: they were delivered before it or not long after, or their names have no time.
    fn mark_log_files(
        &mut self,
        source: SourceId,
        before: i64,
        removed: &RoaringTreemap,
    ) -> Result<(), CacheError> {
        self.in_transaction(|transaction, root| {
            for mut file in LogFileRow::all(transaction, source)? {
                if !matches!(file.state, WHOLE | IN_PART) {
                    continue;
                }
                let may_have_pruned = NameDate::find(&file.name)
                    .is_none_or(|date| date.instant < before.saturating_add(LATE_DELIVERY_SECONDS))
                    || RunsRow::of_file(transaction, &file)?
                        .iter()
                        .flat_map(|part| &part.runs)
                        .any(|run| removed.range_cardinality(run.row..run.row + run.rows) > 0);
                if may_have_pruned && file.pruned_before.is_none_or(|earlier| earlier < before) {
                    file.pruned_before = Some(before);
                    file.save(transaction, root)?;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::cache::sqlite::check::check;
    use crate::cache::sqlite::connection;
    use crate::cache::testing::{Request, START, batch, filled};
    use crate::cache::write::row_numbers::RowNumbers;
    use crate::cache::{Cache, code};
    use tokio_util::sync::CancellationToken;

    /// Row number, time and request URI of all requests.
    fn all(path: &std::path::Path) -> Vec<(u64, i64, Vec<u8>)> {
        let cache = Cache::open(path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let rows = snapshot.with(|connection| Ok(SegmentRow::all(connection).unwrap())).unwrap();
        let numbers: HashMap<crate::cache::SegmentId, RowNumbers> =
            rows.into_iter().map(|segment| (segment.id, segment.numbers)).collect();
        let mut all = Vec::new();
        for segment in &snapshot.segments {
            let times = snapshot.integers(segment, Field::Time).unwrap().to_vec();
            let each = |row: usize, uri: Option<&[u8]>| {
                all.push((
                    numbers[&segment.id].number(row),
                    code::to_time(times[row]) - START,
                    uri.unwrap().to_vec(),
                ));
            };
            let never = CancellationToken::new();
            snapshot.for_each_text(segment, Field::RequestUri, &never, each).unwrap();
        }
        all
    }

    #[test]
    fn old_segments_are_deleted_and_the_one_with_the_cut_is_rewritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = filled(&path, "one", (0..300_000).map(Request::at));
        let before = all(&path);
        let size = std::fs::metadata(&path).unwrap().len();
        let source = writer.find_source("one").unwrap().unwrap();
        let cache = Cache::open(&path).unwrap();
        let expected = cache.snapshot().unwrap().prunable(source, START + 200_000).unwrap();
        drop(cache);
        assert_eq!(all(&path).len(), 300_000, "asking changes nothing");

        let pruned = writer.prune(source, START + 200_000).unwrap();
        assert_eq!(expected, pruned);
        assert_eq!((pruned.requests, pruned.segments_dropped, pruned.segments_rewritten), (200_000, 1, 1));
        // The requests were in order of time, so the row numbers stay.
        assert_eq!(all(&path), before[200_000..]);
        assert!(writer.vacuum().unwrap() > size / 3);
        assert_eq!(all(&path), before[200_000..]);
        assert_eq!(check(&path, 0).unwrap().findings, []);
        assert_eq!(writer.prune(source, START + 200_000).unwrap(), Pruned::default());
    }

    #[test]
    fn remaining_requests_keep_their_order_and_row_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        // 7 is coprime to 1000: every second of 0..1000 once, shuffled.
        let mut writer = filled(&path, "one", (0..1000).map(|n| Request::at(n * 7 % 1000)));
        let before = all(&path);
        let source = writer.find_source("one").unwrap().unwrap();
        assert_eq!(writer.prune(source, START + 400).unwrap().requests, 400);
        let expected: Vec<_> = before.into_iter().filter(|(_, time, _)| *time >= 400).collect();
        assert_eq!(all(&path), expected, "the row numbers stay, too");
        assert_eq!(check(&path, 0).unwrap().findings, []);

        // New requests get the next row numbers, and repeats are still detected.
        let more: Vec<Request> = (995..1005).map(Request::at).collect();
        let appended = writer.append(source, &mut batch("b", &more, 1, true)).unwrap();
        assert_eq!((appended.requests, appended.duplicates), (5, 5));
        writer.commit().unwrap();
        let numbers = expected.iter().map(|(number, ..)| *number).chain(1000..1005);
        assert!(all(&path).iter().map(|(number, ..)| *number).eq(numbers));
        assert_eq!(check(&path, 0).unwrap().findings, []);
    }

    #[test]
    fn a_log_file_pruned_while_half_read_stays_marked_as_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = filled(&path, "one", [Request::at(90_000)].into_iter());
        let source = writer.find_source("one").unwrap().unwrap();
        let requests: Vec<Request> = (0..20).map(Request::at).collect();
        // Two files of the first of April, and a much later one; the first half of each.
        let names = ["2026-04-01-01-00-00-A", "2026-04-01-02-00-00-B", "2026-05-01-00-00-00-C"];
        for (name, requests) in names.iter().zip([&requests[..5], &requests[5..10], &requests[10..15]]) {
            writer.append(source, &mut batch(name, requests, 1, false)).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(writer.prune(source, START + 10).unwrap().requests, 10);
        assert_eq!(check(&path, 0).unwrap().findings, []);

        let states = |path: &std::path::Path| -> Vec<(i64, bool)> {
            let connection = connection::open_reader(path).unwrap();
            let mut files = LogFileRow::all(&connection, source).unwrap();
            files.sort_by_key(|file| file.name.clone());
            let files = files.into_iter().filter(|file| names.contains(&file.name.as_str()));
            files.map(|file| (file.state, file.pruned_before == Some(START + 10))).collect()
        };
        assert_eq!(states(&path), [(IN_PART, true), (IN_PART, true), (IN_PART, false)]);
        // The committed lines still count: any process needs only the rest.
        drop(writer);
        let known = [(names[0], Some("1"))].into_iter();
        let known = Cache::open(&path).unwrap().log_file_statuses(Some(source), known).unwrap();
        let first_half = 1..6;
        assert_eq!(known, [crate::cache::sqlite::catalogue::LogFileStatus::InPart(vec![first_half])]);
        let mut writer = Writer::open(&path).unwrap();
        for (index, name) in names.iter().enumerate().filter(|(index, _)| *index != 1) {
            let more: Vec<Request> = (0..5).map(|n| Request::at(1000 + index as i64 * 10 + n)).collect();
            writer.append(source, &mut batch(name, &more, 6, true)).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(states(&path), [(WHOLE, true), (IN_PART, true), (WHOLE, false)]);
        let holds = names.map(|name| writer.has_whole_log_file(source, name, Some("1")).unwrap());
        assert_eq!(holds, [false, false, true], "only whole log files may be deleted at the source");
        assert_eq!(check(&path, 0).unwrap().findings, []);
    }

    #[test]
    fn a_source_without_requests_continues_its_row_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = filled(&path, "one", (0..1000).map(Request::at));
        let source = writer.find_source("one").unwrap().unwrap();
        assert_eq!(writer.prune(source, i64::MAX).unwrap().requests, 1000);
        assert_eq!(check(&path, 0).unwrap().findings, []);
        writer.append(source, &mut batch("b", &[Request::at(2000)], 1, true)).unwrap();
        writer.commit().unwrap();
        assert_eq!(all(&path).iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1000]);
        assert_eq!(check(&path, 0).unwrap().findings, []);
        assert_eq!(writer.delete_source(source).unwrap().requests, 1);
        assert_eq!(check(&path, 0).unwrap().findings, []);
    }
}
