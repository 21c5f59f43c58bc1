//! Requests on their way into the cache: columns with dictionaries of their own, built by a parser
//! while another batch is being written. So the writer maps distinct values, not rows.

use std::sync::Arc;

use arrayvec::ArrayVec;

use crate::log::glance::glance;
use crate::log::parser::templates::is_in_frame;
use crate::log::{Field, Frames, LARGEST_MEASURE, Record, key};

use super::codec::text::{PAGE, Page, PageBuilder};
use super::dictionary::{Arena, Interner, TOGETHER, hash, same};
use super::known::{AllKnown, Knowledge, Known};
use super::layout::{
    DETAIL_FIELDS, DETAILS, DIMENSION_FIELDS, DIMENSIONS, MEASURE_FIELDS, MEASURES, hint, slot,
};
use super::recent::Recent;

/// Rows in a full batch. Two pages of text hold them and the rest of a block of lines, so no page is nearly empty.
/// Several batches are on their way at a time, and memory is bounded.
pub const BATCH_ROWS: usize = 7_680;

/// Bytes of memory from which on a batch is full too. An ordinary one has a fifth of them.
pub const BATCH_BYTES: usize = 8 << 20;

/// Memory that grew beyond this for one batch is given back after it.
const KEPT_BYTES: usize = BATCH_BYTES;

/// A log file as the catalogue knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMark {
    /// Name within the source.
    pub name: String,
    /// Changes when the content does.
    pub version: Option<String>,
    /// Stored bytes, where known.
    pub size: Option<u64>,
    /// Whether another program may be writing to it just now, line by line.
    pub may_grow: bool,
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
    /// How many rows of the batch they gave; the rows of the parts follow each other in the order of the parts.
    pub rows: usize,
    /// Which lines gave the rows; empty: consecutive lines from the first one on, a row each.
    pub line_runs: Vec<LineRun>,
    /// Lines that are no record.
    pub rejected: Vec<RejectedLine>,
    /// On the part with the last line: how many lines the file has in all.
    pub total_lines: Option<u64>,
}

/// Consecutive lines that gave a row each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRun {
    /// The first line, from the first line of the part on; 0 is that line itself.
    pub line: u64,
    /// How many.
    pub rows: usize,
}

impl Part {
    /// Its lines are numbered from 1: from here on from `first`.
    pub fn number_from(&mut self, first: u64) {
        let before = first - 1;
        self.first_line += before;
        self.rejected.iter_mut().for_each(|rejected| rejected.line += before);
        self.total_lines = self.total_lines.map(|lines| lines + before);
    }
}

/// What the reason of a rejected line begins with of which only the beginning is kept.
pub const CUT_LINE_REASON: &str = "longer than";

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

impl RejectedLine {
    /// Bytes of memory that it takes, about.
    pub fn bytes(&self) -> usize {
        size_of::<RejectedLine>() + self.reason.len() + self.content.len()
    }
}

/// The highest bit of a code: it stands for a value that the batch brings along, not for one that the writer
/// knows.
pub(super) const NEW: u32 = 1 << 31;

/// A column of codes and what they stand for.
#[derive(Debug, Default)]
pub(super) struct Coded {
    /// Per row, of a field [in the frame](is_in_frame) per frame; 0 is absent, with [`NEW`] it is
    /// `values[code - 1]`, else the code that the writer gave.
    pub codes: Vec<u32>,
    pub values: Arena,
    /// [`hash`] of each value.
    pub hashes: Vec<u64>,
}

/// A batch of requests.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) times: Vec<i64>,
    pub(super) dimensions: [Coded; DIMENSIONS],
    /// Per row the index of its frame in the codes of the fields in it: two columns in ten are enough.
    pub(super) frames: Vec<u32>,
    /// 0 is absent, else the number + 1.
    pub(super) measures: [Vec<u64>; MEASURES],
    pub(super) details: [Vec<Page>; DETAILS],
    /// Hash of the request id, per row.
    pub(super) request_ids: Vec<u64>,
    /// Where the rows come from.
    pub parts: Vec<Part>,
    /// Whose codes there are, besides those of new values.
    pub(super) knowledge: Option<Knowledge>,
    /// Memory of pages that are no longer needed, for pages to come.
    pub(super) spare: [Vec<Vec<u8>>; DETAILS],
}

impl Batch {
    /// How many requests.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Bytes of memory that it takes, about.
    pub fn bytes(&self) -> usize {
        let Batch {
            times,
            dimensions,
            frames,
            measures,
            details,
            request_ids,
            parts,
            knowledge: _,
            spare: _,
        } = self;
        let per_row = size_of_val(times.as_slice())
            + size_of_val(frames.as_slice())
            + size_of_val(request_ids.as_slice())
            + measures.iter().map(|column| size_of_val(column.as_slice())).sum::<usize>();
        let coded = |Coded { codes, values, hashes }: &Coded| {
            size_of_val(codes.as_slice()) + size_of_val(hashes.as_slice()) + values.bytes()
        };
        let pages = details.iter().flatten().map(|page| page.bytes.len());
        let rejected = parts.iter().flat_map(|part| &part.rejected).map(RejectedLine::bytes);
        per_row + dimensions.iter().map(coded).sum::<usize>() + pages.sum::<usize>() + rejected.sum::<usize>()
    }

    /// Time of the newest request.
    pub fn newest(&self) -> Option<i64> {
        self.times.iter().copied().max()
    }

    /// Empties it; its memory stays for another, unless it is extraordinarily much.
    fn clear(&mut self) {
        let values = self.dimensions.iter().map(|column| column.values.memory()).sum::<usize>();
        let spare = self.spare.iter().flatten().map(Vec::capacity).sum::<usize>();
        if values + spare + self.times.capacity() * size_of::<[u64; 12]>() > KEPT_BYTES {
            *self = Batch::default();
            return;
        }
        let Batch { times, dimensions, frames, measures, details, request_ids, parts, knowledge, spare: _ } =
            self;
        times.clear();
        frames.clear();
        for Coded { codes, values, hashes } in dimensions {
            codes.clear();
            values.clear();
            hashes.clear();
        }
        measures.iter_mut().for_each(Vec::clear);
        details.iter_mut().for_each(Vec::clear);
        request_ids.clear();
        parts.clear();
        *knowledge = None;
    }
}

/// Builds batches from records.
pub struct BatchBuilder {
    /// The frames of lines: records with a number must have been read with these.
    pub frames: Frames,
    /// For each frame its index in the batch + 1; 0 if the batch does not have it yet.
    places: Vec<u32>,
    /// How many frames the batch has.
    frame_count: u32,
    /// What the writer knows, where there is a certain one.
    knowledge: Option<Knowledge>,
    known: Arc<AllKnown>,
    /// What is done of it. The values of its dimensions are still with the interners.
    batch: Batch,
    interners: [Interner; DIMENSIONS],
    /// Of the fields of few values.
    recent: [Option<Recent>; DIMENSIONS],
    builders: [PageBuilder; DETAILS],
    /// Lines of the batch that are no records, and the bytes that they take.
    rejected: usize,
    rejected_bytes: usize,
    /// Keys that are spelled differently in the log, behind one another.
    decoded: Vec<u8>,
    scratch: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        BatchBuilder {
            frames: Frames::default(),
            places: Vec::new(),
            frame_count: 0,
            knowledge: None,
            known: Arc::default(),
            batch: Batch::default(),
            interners: Default::default(),
            recent: DIMENSION_FIELDS.map(|field| (!has_many_values(field)).then(|| Recent::new(RECENT))),
            builders: DETAIL_FIELDS.map(|field| PageBuilder::new(hint(field))),
            rejected: 0,
            rejected_bytes: 0,
            decoded: Vec::new(),
            scratch: Vec::new(),
        }
    }
}

/// Values of a field that are remembered as recent.
const RECENT: usize = 512;

/// Whether a field is likely to have many more values than are worth to be remembered.
fn has_many_values(field: Field) -> bool {
    matches!(field, Field::RemoteIp | Field::Key) || is_in_frame(field)
}

impl BatchBuilder {
    /// For batches for one writer only, who has less to do with them.
    pub fn knowing(knowledge: Knowledge) -> BatchBuilder {
        let mut builder = BatchBuilder { known: knowledge.latest(), ..BatchBuilder::default() };
        builder.batch.knowledge = Some(knowledge.clone());
        builder.knowledge = Some(knowledge);
        builder
    }

    /// How many requests so far.
    pub fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// Whether there is nothing in it: neither a request nor a part.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0 && self.batch.parts.is_empty()
    }

    /// Whether it is time to finish it: it has enough requests and rejected lines, or enough bytes.
    pub fn is_full(&self) -> bool {
        self.rows() + self.rejected >= BATCH_ROWS || self.bytes() >= BATCH_BYTES
    }

    /// Whether it is time to finish it before more text is added.
    pub fn is_full_before(&self, text: usize) -> bool {
        !self.is_empty() && (self.is_full() || self.bytes() + text > BATCH_BYTES)
    }

    /// Bytes of memory that grow with the lengths of values. Asked once for many rows: it looks at every column.
    fn bytes(&self) -> usize {
        let values = self.interners.iter().map(|interner| interner.values().bytes());
        let pages = self.batch.details.iter().flatten().map(|page| page.bytes.len());
        let begun = self.builders.iter().map(PageBuilder::bytes);
        values.chain(pages).chain(begun).sum::<usize>() + self.rejected_bytes
    }

    /// Adds a request. Many at once are added faster by [`BatchBuilder::extend`].
    pub fn push(&mut self, record: &Record<'_>) {
        self.extend(std::slice::from_ref(record));
    }

    /// Adds requests, column by column.
    pub fn extend(&mut self, records: &[Record<'_>]) {
        for records in records.chunks(TOGETHER) {
            self.extend_few(records);
        }
    }

    /// At most [`TOGETHER`].
    fn extend_few(&mut self, records: &[Record<'_>]) {
        self.batch.times.extend(records.iter().map(|record| record.time));
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        // Where those that are not spelled as they are stand.
        let mut places = [const { 0..0 }; TOGETHER];
        for (place, record) in places.iter_mut().zip(records) {
            let operation = record.logged(Field::Operation).unwrap_or_default();
            let before = decoded.len();
            key::decode_onto(operation, record.logged(Field::Key).unwrap_or_default(), &mut decoded);
            *place = before..decoded.len();
        }
        let mut keys = [[].as_slice(); TOGETHER];
        for ((key, place), record) in keys.iter_mut().zip(places).zip(records) {
            let logged = record.logged(Field::Key).unwrap_or_default();
            *key = if place.is_empty() { logged } else { &decoded[place] };
        }
        let keys = &keys[..records.len()];

        for record in records {
            let known = record.frame().and_then(|number| self.places.get(number.get() as usize - 1).copied());
            let place = match known {
                Some(place) if place != 0 => place,
                _ => self.add_frame(record),
            };
            self.batch.frames.push(place - 1);
        }
        let columns = self.batch.dimensions.iter_mut().zip(&mut self.interners).zip(self.known.iter());
        for ((((column, interner), known), recent), field) in
            columns.zip(&mut self.recent).zip(DIMENSION_FIELDS)
        {
            if is_in_frame(field) {
                continue;
            }
            if field == Field::Key {
                column.extend(known, interner, None, keys.iter().copied());
            } else if field == Field::RemoteIp && records.iter().any(Record::has_odd_address) {
                let addresses: ArrayVec<_, TOGETHER> = records.iter().map(Record::remote_ip).collect();
                let values = addresses.iter().map(|address| address.as_deref().unwrap_or_default());
                column.extend(known, interner, None, values);
            } else {
                let values = records.iter().map(|record| record.logged(field).unwrap_or_default());
                column.extend(known, interner, recent.as_mut(), values);
            }
        }
        let mut are_beyond = false;
        for (slot, measures) in self.batch.measures.iter_mut().enumerate() {
            let first = measures.len();
            measures.extend(records.iter().map(|record| record.measures()[slot]));
            for number in measures[first..].iter_mut().filter(|number| is_beyond(**number)) {
                *number = 0;
                are_beyond = true;
            }
        }
        for slot in 0..DETAILS {
            self.extend_detail(slot, records, keys, are_beyond);
        }
        self.batch
            .request_ids
            .extend(records.iter().map(|record| hash(record.logged(Field::RequestId).unwrap_or_default())));
        if decoded.capacity() <= KEPT_BYTES {
            self.decoded = decoded;
        }
    }

    /// Takes up the fields in the frame of a record; its index in the batch + 1.
    fn add_frame(&mut self, record: &Record<'_>) -> u32 {
        let columns = self.batch.dimensions.iter_mut().zip(&mut self.interners).zip(self.known.iter());
        for (((column, interner), known), field) in columns.zip(DIMENSION_FIELDS) {
            if is_in_frame(field) {
                let value = record.logged(field).unwrap_or_default();
                column.extend(known, interner, None, std::iter::once(value));
            }
        }
        self.frame_count += 1;
        if let Some(number) = record.frame() {
            let index = number.get() as usize - 1;
            if self.places.len() <= index {
                self.places.resize(index + 1, 0);
            }
            self.places[index] = self.frame_count;
        }
        self.frame_count
    }

    /// `are_beyond`: whether any of the measures is.
    fn extend_detail<'r>(&mut self, slot: usize, records: &[Record<'r>], keys: &[&[u8]], are_beyond: bool) {
        let field = DETAIL_FIELDS[slot];
        let builder = &mut self.builders[slot];
        // Nearly always the key is the very bytes of the line.
        let logged = |record: &Record<'r>, key: &[u8]| {
            record.logged(field).filter(|logged| field != Field::KeyLogged || !std::ptr::eq(*logged, key))
        };
        let is_rare = match field {
            Field::KeyLogged | Field::VersionId => true,
            Field::Extra => !are_beyond,
            _ => false,
        };
        if is_rare
            && builder.rows() + records.len() < PAGE
            && records.iter().zip(keys).all(|(record, key)| logged(record, key).is_none())
        {
            return builder.push_absent(records.len());
        }
        for (record, &key) in records.iter().zip(keys) {
            let logged = logged(record, key);
            match field {
                Field::Extra if are_beyond => {
                    self.scratch.clear();
                    extra(record, &mut self.scratch);
                    builder.push((!self.scratch.is_empty()).then_some(self.scratch.as_slice()));
                }
                Field::RequestUri => {
                    let place = logged.filter(|_| !key.is_empty()).and_then(|uri| {
                        key_in_uri(uri, key, record.logged(Field::Bucket)).map(|at| (uri, at, key.len()))
                    });
                    match place {
                        Some((uri, at, length)) => builder.push_around_key(uri, at, length),
                        None => builder.push(logged),
                    }
                }
                _ => builder.push(logged),
            }
            if builder.is_full() {
                let page = builder.finish_in(&mut self.batch.spare[slot]);
                self.batch.details[slot].extend(page);
            }
        }
    }

    /// Says which lines of a log file the rows since the last part came from.
    pub fn end_part(&mut self, part: Part) {
        self.rejected += part.rejected.len();
        self.rejected_bytes += part.rejected.iter().map(RejectedLine::bytes).sum::<usize>();
        self.batch.parts.push(part);
    }

    /// Ends the batch and begins a new one.
    pub fn finish(&mut self) -> Batch {
        self.finish_with(Batch::default())
    }

    /// The same; the new one takes the memory of a batch that is no longer needed.
    pub fn finish_with(&mut self, mut next: Batch) -> Batch {
        next.clear();
        if let Some(knowledge) = &self.knowledge {
            next.knowledge = Some(knowledge.clone());
            self.known = knowledge.latest();
        }
        if self.scratch.capacity() > KEPT_BYTES {
            self.scratch = Vec::new();
        }
        self.places.clear();
        self.frame_count = 0;
        (self.rejected, self.rejected_bytes) = (0, 0);
        for (coded, interner) in self.batch.dimensions.iter_mut().zip(&mut self.interners) {
            interner.exchange(&mut coded.values);
        }
        for (slot, builder) in self.builders.iter_mut().enumerate() {
            let page = builder.finish_in(&mut self.batch.spare[slot]);
            self.batch.details[slot].extend(page);
        }
        std::mem::replace(&mut self.batch, next)
    }
}

impl Coded {
    /// Adds at most [`TOGETHER`] values; an empty one is absent.
    fn extend<'v>(
        &mut self,
        known: &Known,
        interner: &mut Interner,
        mut recent: Option<&mut Recent>,
        values: impl ExactSizeIterator<Item = &'v [u8]>,
    ) {
        // Most fields repeat from line to line: comparing is cheaper than hashing. What is left is looked
        // up together. So each row says which of `ids` it has: none, or one of those looked up.
        let mut which = ArrayVec::<u8, TOGETHER>::new();
        let mut ids = ArrayVec::<u32, { TOGETHER + 1 }>::new();
        ids.push(0);
        let mut different = ArrayVec::<&[u8], TOGETHER>::new();
        let mut glances = ArrayVec::<u64, TOGETHER>::new();
        let mut hashes = ArrayVec::<u64, TOGETHER>::new();
        // For each of those the index of its id.
        let mut places = ArrayVec::<u8, TOGETHER>::new();
        let mut before = [].as_slice();
        for value in values {
            if value.is_empty() {
                which.push(0);
                continue;
            }
            if !same(value, before) {
                before = value;
                let mut id = 0;
                if let Some(recent) = &recent {
                    let glance = glance(value);
                    id = recent.find(value, glance);
                    if id == 0 {
                        glances.push(glance);
                    }
                }
                if id == 0 {
                    different.push(value);
                    hashes.push(hash(value));
                    places.push(ids.len() as u8);
                }
                ids.push(id);
            }
            which.push(ids.len() as u8 - 1);
        }
        if !different.is_empty() {
            let mut found = [0; TOGETHER];
            let found = &mut found[..different.len()];
            known.find_together(&different, &hashes, found);
            if let Some(recent) = &mut recent {
                for ((value, glance), id) in
                    different.iter().zip(glances).zip(&*found).filter(|(_, id)| **id != 0)
                {
                    recent.remember(value, glance, *id);
                }
            }
            if found.contains(&0) {
                self.add_new(interner, &different, &hashes, found);
            }
            for (place, id) in places.iter().zip(found) {
                ids[usize::from(*place)] = *id;
            }
        }
        self.codes.extend(which.iter().map(|which| ids[usize::from(*which)]));
    }

    /// The codes of values that the writer does not know: those without an id.
    #[inline(never)]
    fn add_new(&mut self, interner: &mut Interner, values: &[&[u8]], hashes: &[u64], ids: &mut [u32]) {
        let new = values.iter().zip(hashes).zip(&*ids).filter(|(_, id)| **id == 0);
        let (new, new_hashes): (ArrayVec<&[u8], TOGETHER>, ArrayVec<u64, TOGETHER>) =
            new.map(|((value, hash), _)| (*value, *hash)).unzip();
        let mut new_ids = [0; TOGETHER];
        interner.intern_together(&new, &new_hashes, &mut new_ids[..new.len()]);
        for (id, hash) in new_ids.iter().zip(&new_hashes) {
            if self.hashes.len() < *id as usize {
                self.hashes.push(*hash);
            }
        }
        for (id, new) in ids.iter_mut().filter(|id| **id == 0).zip(new_ids) {
            *id = new | NEW;
        }
    }
}

/// Whether a [measure](Record::measures) is beyond what a column holds.
fn is_beyond(number: u64) -> bool {
    number > LARGEST_MEASURE + 1
}

/// What is left over of a line, and the numbers that are beyond what a column holds.
fn extra(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.logged(Field::Extra).unwrap_or_default());
    for (number, field) in record.measures().iter().zip(MEASURE_FIELDS) {
        if is_beyond(*number) {
            if !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(record.logged(field).unwrap_or_default());
        }
    }
}

/// Where the key stands in a request URI: behind `METHOD /` or `METHOD /bucket/`.
fn key_in_uri(uri: &[u8], key: &[u8], bucket: Option<&[u8]>) -> Option<usize> {
    let begins_with_key = |rest: &[u8]| rest.get(..key.len()).is_some_and(|start| same(start, key));
    let path = uri.iter().position(|byte| *byte == b'/')? + 1;
    let rest = &uri[path..];
    if begins_with_key(rest) {
        return Some(path);
    }
    let rest = rest.strip_prefix(bucket?)?.strip_prefix(b"/")?;
    begins_with_key(rest).then(|| uri.len() - rest.len())
}

/// The number of the column of a dimension among the dimensions.
pub(super) const KEY: usize = slot(Field::Key);
/// The same for the operation.
pub(super) const OPERATION: usize = slot(Field::Operation);

#[cfg(test)]
mod tests {
    use super::super::codec::text::{OpenPage, PAGE_BYTES};
    use super::super::{Cache, CacheError, Writer};
    use super::*;
    use crate::log::records;

    fn push(builder: &mut BatchBuilder, number: usize, key: &str, uri: &str) {
        let line = format!(
            "owner media [03/Apr/2026:03:{:02}:{:02} +0000] 192.0.2.7 - {number:016X} REST.GET.OBJECT {key} \
             \"GET /{uri} HTTP/1.1\" 206 - {number} - 120 15 \"-\" \"aws-cli\" -",
            number / 60 % 60,
            number % 60,
        );
        for (_, record) in records(line.as_bytes()) {
            builder.push(&record.unwrap());
        }
    }

    /// A log file of its own with these rows and rejected lines.
    fn part(rows: usize, rejected: Vec<RejectedLine>) -> Part {
        static FILES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let name = FILES.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        let file = FileMark { name, version: None, size: None, may_grow: false };
        let lines = (rows + rejected.len()) as u64;
        let line_runs = Vec::new();
        Part { file: Arc::new(file), first_line: 1, lines, rows, line_runs, rejected, total_lines: None }
    }

    /// Calls `each` with all request URIs of a cache, and tells how much memory the largest of their pages takes.
    fn for_each_uri(path: &std::path::Path, mut each: impl FnMut(&[u8])) -> usize {
        let cache = Cache::open(path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let keys = snapshot.dictionary(Field::Key).unwrap();
        let mut largest = 0;
        for segment in &snapshot.segments {
            let codes = snapshot.integers(segment, Field::Key).unwrap().to_vec();
            let mut row = 0;
            let mut of_page = |page: &OpenPage| -> Result<(), CacheError> {
                largest = largest.max(page.memory());
                for in_page in 0..page.rows() {
                    each(&page.get(in_page, || keys.get(codes[row] as u32)).unwrap().unwrap());
                    row += 1;
                }
                Ok(())
            };
            snapshot.for_each_page(segment, Field::RequestUri, &|| true, &mut of_page).unwrap();
        }
        largest
    }

    #[test]
    fn long_request_uris_make_no_page_that_is_too_large_to_be_read() {
        const ROWS: usize = 60;
        const LENGTH: usize = 1 << 20;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = Writer::open(&path).unwrap();
        let source = writer.source("logs").unwrap();
        let uri =
            |row: usize| format!("k{row}?{}", char::from(b'a' + (row % 26) as u8).to_string().repeat(LENGTH));
        let mut builder = BatchBuilder::knowing(writer.knowledge());
        // Some in a row, as from a large file; then one at a time, whose pages are joined.
        for row in 0..ROWS {
            push(&mut builder, row, &format!("k{row}"), &uri(row));
            if row >= ROWS / 2 {
                builder.end_part(part(1, Vec::new()));
                writer.append(source, builder.finish()).unwrap();
            } else if row == ROWS / 2 - 1 {
                builder.end_part(part(ROWS / 2, Vec::new()));
                let batch = builder.finish();
                let pages = batch.details.iter().flatten();
                let most = pages.map(|page| page.text_bytes().unwrap()).max().unwrap();
                assert!(most <= (PAGE_BYTES + LENGTH + 100) as u64, "{most}");
                writer.append(source, batch).unwrap();
            }
        }
        writer.commit().unwrap();
        let mut row = 0;
        let largest = for_each_uri(&path, |found| {
            assert!(*found == *format!("GET /{} HTTP/1.1", uri(row)).as_bytes(), "row {row}");
            row += 1;
        });
        assert_eq!(row, ROWS);
        assert!(largest <= 3 * PAGE_BYTES, "{largest}");
    }

    #[test]
    fn a_key_that_is_cut_out_of_request_uris_is_not_put_back_when_their_pages_are_joined() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = Writer::open(&path).unwrap();
        let source = writer.source("logs").unwrap();
        let key = "k".repeat(1 << 20);
        let mut builder = BatchBuilder::knowing(writer.knowledge());
        for row in 0..10 {
            push(&mut builder, row, &key, &format!("{key}?{row}"));
            builder.end_part(part(1, Vec::new()));
            writer.append(source, builder.finish()).unwrap();
        }
        writer.commit().unwrap();
        let mut row = 0;
        let largest = for_each_uri(&path, |found| {
            assert!(*found == *format!("GET /{key}?{row} HTTP/1.1").as_bytes(), "row {row}");
            row += 1;
        });
        assert_eq!(row, 10);
        assert!(largest < key.len(), "{largest}");
    }

    #[test]
    fn few_long_values_fill_a_batch() {
        let mut builder = BatchBuilder::default();
        let mut rows = 0;
        while !builder.is_full() {
            // Of a key, the batch keeps one; of the request URI there is nothing left without it.
            let key = format!("{rows}{}", "k".repeat(100_000));
            push(&mut builder, rows, &key, &key);
            rows += 1;
        }
        assert!((BATCH_BYTES / 110_000..BATCH_BYTES / 90_000).contains(&rows), "{rows}");
        builder.end_part(part(rows, Vec::new()));
        assert!(builder.is_full_before(0));
        let batch = builder.finish();
        assert!((BATCH_BYTES..BATCH_BYTES * 3 / 2).contains(&batch.bytes()), "{}", batch.bytes());
        assert!(
            !builder.is_full() && !builder.is_full_before(usize::MAX >> 1),
            "an empty one has room for anything"
        );
        // Its memory is not kept for ordinary ones.
        builder.finish_with(batch);
        assert!(builder.batch.dimensions[KEY].values.memory() < KEPT_BYTES);
    }

    #[test]
    fn rejected_lines_alone_fill_a_batch_by_their_number_and_by_their_bytes() {
        let rejected = |line: u64, length: usize| RejectedLine {
            line,
            reason: "no time".to_owned(),
            content: vec![b'x'; length],
        };
        let mut builder = BatchBuilder::default();
        builder.end_part(part(0, (1..BATCH_ROWS as u64).map(|line| rejected(line, 1)).collect()));
        assert!(!builder.is_full());
        builder.end_part(part(0, vec![rejected(1, 1)]));
        assert!(builder.is_full());
        assert_eq!(builder.finish().rows(), 0);
        assert!(!builder.is_full());
        builder.end_part(part(0, (0..8).map(|line| rejected(line, BATCH_BYTES / 8)).collect()));
        assert!(builder.is_full());
        assert!(builder.finish().bytes() >= BATCH_BYTES);
    }
}
