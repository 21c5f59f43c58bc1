//! Checks of segments, their columns and their row numbers.

use super::{Check, describe};
use crate::cache::column::chunk::{self, Head};
use crate::cache::column::layout::{DETAIL_FIELDS, MEASURE_FIELDS, slot};
use crate::cache::column::text::{TextPage, split};
use crate::cache::ids::{SegmentId, SourceId};
use crate::cache::sqlite::segment_rows::{RemovedRow, SegmentRow};
use crate::cache::{
    column::Damage, column::integers::Integers, error::StoreError, write::memtable::code_to_time,
};
use crate::log::{FIELDS, Field};

impl Check<'_> {
    pub(super) fn segments(&mut self, after: i64) -> Result<(), StoreError> {
        let sources = self.sources()?;
        let uri_of =
            |id: SourceId| sources.iter().find(|source| source.id == id).map_or("", |source| &source.uri);
        let mut statement = self.connection.prepare("SELECT id FROM segment ORDER BY id")?;
        let ids: Vec<SegmentId> =
            statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for id in ids {
            self.checked.newest_segment = id.get();
            if id.get() <= after {
                continue;
            }
            self.checked.segments += 1;
            let row = match SegmentRow::find(self.connection, id) {
                Ok(row) => row,
                Err(error) => {
                    self.report(None, Some(id), "segment", describe(error));
                    continue;
                }
            };
            self.checked.requests += row.rows as u64;
            self.segment(&row, uri_of(row.source));
        }
        let orphans: i64 = self.connection.query_row(
            "SELECT count(*) FROM column_chunk WHERE id / 64 NOT IN (SELECT id FROM segment) OR id % 64 >= ?1",
            [Field::STORED as i64],
            |row| row.get(0),
        )?;
        if orphans > 0 {
            self.report(None, None, "segments", format!("{orphans} columns belong to no segment"));
        }
        Ok(())
    }

    fn segment(&mut self, segment: &SegmentRow, source: &str) {
        // If the column is missing, its own check reports that.
        let keys = self.numbers_of(segment, Field::Key).map(|(numbers, ..)| numbers).ok();
        for meta in FIELDS.iter().take(Field::STORED) {
            let checked = if DETAIL_FIELDS.contains(&meta.field) {
                self.text(segment, meta.field, keys.as_deref())
            } else {
                self.integers(segment, meta.field)
            };
            if let Err(problem) = checked {
                let place = format!("column {}", meta.field.name());
                self.report(Some(source), Some(segment.id), place, problem);
            }
        }
    }

    fn integers(&self, segment: &SegmentRow, field: Field) -> Result<(), String> {
        let (numbers, low, high) = self.numbers_of(segment, field)?;
        let (min, max) =
            numbers.iter().fold((u64::MAX, 0), |(min, max), number| (min.min(*number), max.max(*number)));
        let bounds = match field {
            Field::Time => (code_to_time(min), code_to_time(max)),
            _ => (min as i64, max as i64),
        };
        if bounds != (low, high) {
            let (min, max) = bounds;
            return Err(format!("its numbers range from {min} to {max}, not from {low} to {high}"));
        }
        if field == Field::Time && bounds != (segment.time_min, segment.time_max) {
            return Err("its times differ from the time range of the segment".to_owned());
        }
        if !MEASURE_FIELDS.contains(&field) && field != Field::Time {
            let length = self.lengths[slot(field)];
            if max > length {
                return Err(format!("it has value id {max}, but the dictionary has {length} values"));
            }
            self.value_set(segment, field, &numbers)?;
        }
        Ok(())
    }

    /// Checks that the stored value set equals the set of ids in the column.
    fn value_set(&self, segment: &SegmentRow, field: Field, numbers: &[u64]) -> Result<(), String> {
        let Some(set) = chunk::value_set(self.connection, segment.id, field).map_err(describe)? else {
            return Ok(());
        };
        let ids: std::collections::BTreeSet<u32> = numbers.iter().map(|id| *id as u32).collect();
        let is_equal = ids.len() as u64 == set.len() && ids.iter().all(|id| set.contains(*id));
        is_equal.then_some(()).ok_or_else(|| "the stored value set does not match the column".to_owned())
    }

    fn numbers_of(&self, segment: &SegmentRow, field: Field) -> Result<(Vec<u64>, i64, i64), String> {
        let (Head { low, high, .. }, bytes) = self.chunk(segment, field)?;
        let column = Integers::open(bytes).map_err(|damage| damage.to_string())?;
        check_rows(segment, column.rows())?;
        Ok((column.to_vec(), low, high))
    }

    fn text(&self, segment: &SegmentRow, field: Field, keys: Option<&[u64]>) -> Result<(), String> {
        let (_, bytes) = self.chunk(segment, field)?;
        let damaged = |damage: Damage| damage.to_string();
        let pages = split(&bytes).map_err(damaged)?;
        check_rows(segment, pages.iter().fold(0, |rows, page| page.rows.saturating_add(rows)))?;
        let mut row = 0;
        for page in &pages {
            let open = TextPage::open(page).map_err(damaged)?;
            for index in 0..open.rows() {
                // The check needs no key, only whether there is one to insert.
                let is_there = keys.is_none_or(|keys| keys.get(row).is_some_and(|code| *code != 0));
                let key = is_there.then_some(&b""[..]);
                open.get(index, || key).map_err(damaged)?;
                row += 1;
            }
        }
        Ok(())
    }

    fn chunk(&self, segment: &SegmentRow, field: Field) -> Result<(Head, Vec<u8>), String> {
        chunk::read(self.connection, segment.id, field).map_err(describe)
    }

    /// Checks that the row numbers of a source have no gaps except for removed requests.
    pub(super) fn numbers(&mut self, _: i64) -> Result<(), StoreError> {
        let segments = SegmentRow::all(self.connection).unwrap_or_default();
        for source in self.sources()? {
            let own = segments.iter().filter(|segment| segment.source == source.id);
            let mut ranges: Vec<(u64, u64, Option<SegmentId>)> = own
                .map(|segment| {
                    let range = segment.numbers.range(segment.rows);
                    (range.start, range.end, Some(segment.id))
                })
                .collect();
            for removed in RemovedRow::of_source(self.connection, source.id)? {
                ranges.push((removed.first_row as u64, (removed.first_row + removed.rows) as u64, None));
            }
            ranges.sort_unstable();
            let mut next = 0;
            for (first, end, segment) in ranges {
                if first != next {
                    let problem = format!("the next request should have number {next}, but has {first}");
                    self.report(Some(&source.uri), segment, "numbers", problem);
                }
                next = end;
            }
            if next != source.next_row as u64 {
                let problem = format!("requests end at number {next}, but should end at {}", source.next_row);
                self.report(Some(&source.uri), None, "numbers", problem);
            }
        }
        Ok(())
    }
}

fn check_rows(segment: &SegmentRow, rows: usize) -> Result<(), String> {
    let problem = || format!("it has {rows} rows, its segment {}", segment.rows);
    (rows == segment.rows).then_some(()).ok_or_else(problem)
}
