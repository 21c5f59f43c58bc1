//! Replacing versions of log files: removes the requests that only replaced versions gave.
//!
//! The rule: for any sequence of versions of a log file, read at any times, the cache has the requests that a
//! fresh pull of the last complete version gives, and those of later versions that were not read to their end (the
//! pull was stopped, or the network failed). Requests of a log file that vanished from its source stay. A
//! version with damaged content (a wrong checksum of gzip or zstd) gives nothing.
//!
//! A request that several log files gave is stored once, and stays as long as one of these files gives it.

use std::collections::HashMap;

use roaring::RoaringTreemap;
use rusqlite::Transaction;

use super::log_file_rows::{LogFileRow, RunsRow};
use super::runs::{self, Run};
use super::{log_file_reading::LogFileReading, root::Root, segment_rows::SegmentRow, segments::remove_rows};
use crate::cache::{
    CacheError, Writer, column::layout::KEY_SLOT, dictionary::published::GrowingDictionary,
    error::StoreError, ids::SourceId,
};

impl Writer {
    /// Commits, and removes the requests that only replaced or damaged versions of log files gave. Returns their
    /// number.
    ///
    /// Until this is called, those requests stay. If the process is killed before, the next pull reads the log files
    /// again. Fails if the cache cannot be read or written; then nothing is removed.
    pub fn replace_versions(&mut self) -> Result<u64, CacheError> {
        self.commit()?;
        let mut by_source: HashMap<SourceId, Vec<LogFileReading>> = HashMap::new();
        let files = std::mem::take(&mut self.readings);
        for ((source, _), file) in files {
            if file.is_damaged || file.removes_requests() {
                by_source.entry(source).or_default().push(file);
            }
        }
        let mut removed = 0;
        for (source, files) in by_source {
            self.checkpointer = None;
            self.tail = None;
            let keys = std::mem::take(&mut self.dictionaries[KEY_SLOT]);
            let replaced =
                self.in_transaction(|transaction, root| replace(transaction, root, source, &files, &keys));
            self.dictionaries[KEY_SLOT] = keys;
            removed += replaced?;
        }
        Ok(removed)
    }
}

/// Row numbers of requests that log files gave.
#[derive(Default)]
struct Rows {
    owned: RoaringTreemap,
    repeats: RoaringTreemap,
}

impl Rows {
    fn add(&mut self, run: &Run) {
        let set = if run.is_repeat { &mut self.repeats } else { &mut self.owned };
        set.insert_range(run.row..run.row + run.rows);
    }

    fn all(&self) -> RoaringTreemap {
        &self.owned | &self.repeats
    }
}

/// Removes the requests that these log files of a source no longer give. Returns the number of removed requests.
fn replace(
    transaction: &Transaction<'_>,
    root: &mut Root,
    source: SourceId,
    files: &[LogFileReading],
    keys: &GrowingDictionary,
) -> Result<u64, StoreError> {
    let states: HashMap<i64, &LogFileReading> =
        files.iter().filter_map(|file| Some((file.row.as_ref()?.id, file))).collect();
    let mut rows = LogFileRow::all(transaction, source)?;
    let (mut dropped, mut kept) = (Vec::new(), Vec::new());
    let mut dropped_rows = Rows::default();
    for row in &rows {
        for part in RunsRow::of_file(transaction, row)? {
            let is_dropped = part.generation > row.kept_generation
                && states
                    .get(&row.id)
                    .is_some_and(|state| (part.generation == state.generation) == state.is_damaged);
            if is_dropped {
                part.runs.iter().for_each(|run| dropped_rows.add(run));
                dropped.push(part);
            } else {
                kept.push(part);
            }
        }
    }
    let dropped_rows = dropped_rows.all();
    let mut still_given = Rows::default();
    for run in kept
        .iter()
        .flat_map(|part| &part.runs)
        .filter(|run| dropped_rows.range_cardinality(run.row..run.row + run.rows) > 0)
    {
        still_given.add(run);
    }
    let removed_numbers = &dropped_rows - still_given.all();
    let removed = remove(transaction, root, source, &removed_numbers, keys)?;

    for part in &dropped {
        part.delete(transaction)?;
        if let Some(row) = row_of(&mut rows, part.file) {
            row.rows.remove(part.crc);
        }
    }
    // A request that lost its owner belongs to a log file that has it as a repeat.
    let orphans = (&still_given.repeats & &dropped_rows) - &still_given.owned;
    let adopted = adopt(transaction, &mut rows, &states, &kept, orphans)?;
    for mut row in rows {
        let adopted = adopted.get(&row.id).copied();
        match states.get(&row.id) {
            // A damaged log file without an earlier reading: delete its row, as if it had not been read.
            Some(state) if state.is_damaged && state.earlier.is_none() => {
                row.delete(transaction, root)?;
                continue;
            }
            Some(state) if !state.is_damaged => {
                let digest = row.rows;
                state.replace(transaction, &mut row, digest)?;
            }
            None if adopted.is_none() => continue,
            _ => {}
        }
        row.counts.adopt(adopted.unwrap_or(0));
        row.save(transaction, root)?;
    }
    Ok(removed)
}

/// Finds the row of a log file in rows that are sorted by id.
fn row_of(rows: &mut [LogFileRow], id: i64) -> Option<&mut LogFileRow> {
    let index = rows.binary_search_by_key(&id, |row| row.id).ok()?;
    rows.get_mut(index)
}

/// Removes the requests with these row numbers from the segments of a source. Returns their number.
fn remove(
    transaction: &Transaction<'_>,
    root: &mut Root,
    source: SourceId,
    removed_numbers: &RoaringTreemap,
    keys: &GrowingDictionary,
) -> Result<u64, StoreError> {
    if removed_numbers.is_empty() {
        return Ok(0);
    }
    let mut removed = 0;
    let segments = SegmentRow::all(transaction)?;
    for segment in segments.iter().filter(|segment| segment.source == source) {
        let range = segment.numbers.range(segment.rows);
        let mut numbers = removed_numbers.iter();
        numbers.advance_to(range.start);
        let rows: Vec<usize> = numbers
            .take_while(|number| *number < range.end)
            .filter_map(|number| segment.numbers.row(number))
            .collect();
        if !rows.is_empty() {
            removed += rows.len() as u64;
            remove_rows(transaction, root, segment, &rows, keys)?;
        }
    }
    Ok(removed)
}

/// Assigns requests without an owner to log files that have them as repeats. Returns for each changed log
/// file how many counted repeats became requests. The caller saves the rows.
fn adopt(
    transaction: &Transaction<'_>,
    rows: &mut [LogFileRow],
    states: &HashMap<i64, &LogFileReading>,
    kept: &[RunsRow],
    mut orphans: RoaringTreemap,
) -> Result<HashMap<i64, u64>, StoreError> {
    let mut adopted = HashMap::new();
    for part in kept {
        let has_orphans = part
            .runs
            .iter()
            .any(|run| run.is_repeat && orphans.range_cardinality(run.row..run.row + run.rows) > 0);
        let Some(row) = row_of(rows, part.file).filter(|_| has_orphans) else { continue };
        let replaced = states.get(&row.id).filter(|state| !state.is_damaged);
        let is_counted = part.generation == replaced.map_or(row.generation, |state| state.generation);
        let counted = adopted.entry(row.id).or_insert(0);
        let mut runs = Vec::new();
        for run in &part.runs {
            for offset in 0..run.rows {
                let (line, number) = (run.line + offset, run.row + offset);
                let is_adopted = run.is_repeat && orphans.remove(number);
                *counted += u64::from(is_adopted && is_counted);
                let is_repeat = run.is_repeat && !is_adopted;
                runs::push(&mut runs, Run { line, row: number, rows: 1, is_repeat });
            }
        }
        row.rows.remove(part.crc);
        row.rows.add(RunsRow::write(transaction, (part.file, part.generation, part.part), &runs)?);
    }
    Ok(adopted)
}
