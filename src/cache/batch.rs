//! Requests on their way into the cache: columns with dictionaries of their own, built by a parser
//! while another batch is being written. So the writer maps distinct values, not rows.

use std::sync::Arc;

use crate::log::{Field, Record};

use super::codec::text::{PAGE, Page, PageBuilder};
use super::dictionary::{Arena, Interner, hash};
use super::layout::{
    DETAIL_FIELDS, DETAILS, DIMENSION_FIELDS, DIMENSIONS, MEASURE_FIELDS, MEASURES, hint, slot,
};

/// Rows in a full batch: two make a segment.
pub const BATCH_ROWS: usize = 65_536;

/// A log file as the catalogue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMark {
    /// Name within the source.
    pub name: String,
    /// Changes when the content does.
    pub version: Option<String>,
    /// Stored bytes, where known.
    pub size: Option<u64>,
}

/// Some lines of one log file, all of them in one batch.
#[derive(Clone, Debug)]
pub struct Part {
    /// Whose lines.
    pub file: Arc<FileMark>,
    /// Number of the first line, from 1.
    pub first_line: u64,
    /// How many lines (empty and rejected ones included).
    pub lines: u64,
    /// How many rows of the batch they gave; the parts' rows stand in the order of the parts.
    pub rows: usize,
    /// Lines that are no record.
    pub rejected: Vec<RejectedLine>,
    /// On the part with the last line: how many lines the file has in all.
    pub total_lines: Option<u64>,
}

/// A line that is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why it is no record.
    pub reason: String,
    /// The line, byte for byte, without its line end.
    pub content: Vec<u8>,
}

/// A column of codes and what they stand for.
#[derive(Debug, Default)]
pub(super) struct Coded {
    /// Per row; 0 is absent, else `values[code - 1]`.
    pub codes: Vec<u32>,
    pub values: Arena,
    /// [`hash`] of each value.
    pub hashes: Vec<u64>,
}

/// A batch of requests.
#[derive(Debug)]
pub struct Batch {
    pub(super) times: Vec<i64>,
    pub(super) dimensions: [Coded; DIMENSIONS],
    /// 0 is absent, else the number + 1.
    pub(super) measures: [Vec<u64>; MEASURES],
    pub(super) details: [Vec<Page>; DETAILS],
    /// Hash of the request id, per row.
    pub(super) request_ids: Vec<u64>,
    /// Where the rows come from.
    pub parts: Vec<Part>,
}

impl Batch {
    /// How many requests.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Time of the newest request.
    pub fn newest(&self) -> Option<i64> {
        self.times.iter().copied().max()
    }
}

/// Builds a batch from records.
pub struct BatchBuilder {
    times: Vec<i64>,
    codes: [Vec<u32>; DIMENSIONS],
    interners: [Interner; DIMENSIONS],
    hashes: [Vec<u64>; DIMENSIONS],
    measures: [Vec<u64>; MEASURES],
    builders: [PageBuilder; DETAILS],
    pages: [Vec<Page>; DETAILS],
    request_ids: Vec<u64>,
    parts: Vec<Part>,
    scratch: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        BatchBuilder {
            times: Vec::new(),
            codes: Default::default(),
            interners: Default::default(),
            hashes: Default::default(),
            measures: Default::default(),
            builders: DETAIL_FIELDS.map(|field| PageBuilder::new(hint(field))),
            pages: Default::default(),
            request_ids: Vec::new(),
            parts: Vec::new(),
            scratch: Vec::new(),
        }
    }
}

impl BatchBuilder {
    /// How many requests so far.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Whether there is nothing in it: neither a request nor a part.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty() && self.parts.is_empty()
    }

    /// Whether it is time to finish it.
    pub fn is_full(&self) -> bool {
        self.rows() >= BATCH_ROWS
    }

    /// Adds a request.
    pub fn push(&mut self, record: &Record<'_>) {
        self.times.push(record.time);
        let key = record.key();
        let key = key.as_deref();

        for (slot, field) in DIMENSION_FIELDS.into_iter().enumerate() {
            let value = if field == Field::Key { key } else { record.logged(field) };
            let code = match value {
                None => 0,
                Some(value) => self.code(slot, value),
            };
            self.codes[slot].push(code);
        }

        self.scratch.clear();
        if let Some(extra) = record.logged(Field::Extra) {
            self.scratch.extend_from_slice(extra);
        }
        for (slot, field) in MEASURE_FIELDS.into_iter().enumerate() {
            let logged = record.integer(field);
            let number = logged.filter(|number| *number <= i64::MAX as u64);
            if logged != number
                && let Some(text) = record.logged(field)
            {
                // Beyond what a column holds: kept where what cannot be read is kept.
                if !self.scratch.is_empty() {
                    self.scratch.push(b' ');
                }
                self.scratch.extend_from_slice(text);
            }
            self.measures[slot].push(number.map_or(0, |number| number + 1));
        }

        let logged_key = record.logged(Field::Key);
        for (slot, field) in DETAIL_FIELDS.into_iter().enumerate() {
            let builder = &mut self.builders[slot];
            match field {
                Field::KeyLogged => builder.push(logged_key.filter(|logged| Some(*logged) != key)),
                Field::Extra => builder.push((!self.scratch.is_empty()).then_some(self.scratch.as_slice())),
                Field::RequestUri => {
                    let uri = record.logged(field);
                    let place = uri.zip(key).and_then(|(uri, key)| {
                        key_in_uri(uri, key, record.logged(Field::Bucket)).map(|at| (uri, at, key.len()))
                    });
                    match place {
                        Some((uri, at, length)) => builder.push_around_key(uri, at, length),
                        None => builder.push(uri),
                    }
                }
                field => builder.push(record.logged(field)),
            }
            if builder.rows() == PAGE {
                self.pages[slot].extend(builder.finish());
            }
        }
        self.request_ids.push(hash(record.logged(Field::RequestId).unwrap_or_default()));
    }

    /// Says which lines of a log file the rows since the last part came from.
    pub fn end_part(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Ends the batch and begins a new one.
    pub fn finish(&mut self) -> Batch {
        let mut dimensions: [Coded; DIMENSIONS] = Default::default();
        for (slot, coded) in dimensions.iter_mut().enumerate() {
            coded.codes = taken(&mut self.codes[slot]);
            coded.values = self.interners[slot].values().clone();
            coded.hashes = std::mem::take(&mut self.hashes[slot]);
            self.interners[slot].clear();
        }
        for slot in 0..DETAILS {
            self.pages[slot].extend(self.builders[slot].finish());
        }
        Batch {
            times: taken(&mut self.times),
            dimensions,
            measures: std::array::from_fn(|slot| taken(&mut self.measures[slot])),
            details: std::mem::take(&mut self.pages),
            request_ids: taken(&mut self.request_ids),
            parts: std::mem::take(&mut self.parts),
        }
    }

    #[inline]
    fn code(&mut self, slot: usize, value: &[u8]) -> u32 {
        // Most fields repeat from line to line: comparing is cheaper than hashing.
        if let Some(&last) = self.codes[slot].last()
            && last != 0
            && self.interners[slot].values().get(last as usize - 1) == value
        {
            return last;
        }
        let hash = hash(value);
        let code = self.interners[slot].intern(value, hash);
        if self.hashes[slot].len() < code as usize {
            self.hashes[slot].push(hash);
        }
        code
    }
}

/// Takes a column out and leaves room for one as long: growing it anew row by row would copy it several
/// times over.
fn taken<T>(column: &mut Vec<T>) -> Vec<T> {
    let room = column.len() + column.len() / 32;
    std::mem::replace(column, Vec::with_capacity(room))
}

/// Where the key stands in a request URI: behind `METHOD /` or `METHOD /bucket/`.
fn key_in_uri(uri: &[u8], key: &[u8], bucket: Option<&[u8]>) -> Option<usize> {
    let path = memchr::memchr(b'/', uri)? + 1;
    let rest = &uri[path..];
    if rest.starts_with(key) {
        return Some(path);
    }
    let rest = rest.strip_prefix(bucket?)?.strip_prefix(b"/")?;
    rest.starts_with(key).then(|| uri.len() - rest.len())
}

/// The number of the column of a dimension among the dimensions.
pub(super) const KEY: usize = slot(Field::Key);
/// The same for the operation.
pub(super) const OPERATION: usize = slot(Field::Operation);
