//! Builds batches from records, on the threads of the parsers, while the writer writes other batches.

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::batch::{BATCH_BYTES, BATCH_ROWS, Batch, MAX_REUSED_BYTES};
use super::file_part::{FilePart, RejectedLine};
use crate::cache::column::layout::{
    DETAIL_FIELDS, DETAILS, DIMENSION_FIELDS, DIMENSIONS, MEASURE_FIELDS, hint,
};
use crate::cache::column::text::{PAGE_ROWS, PageBuilder};
use crate::cache::dictionary::published::{PublishedDictionaries, SharedDictionaries};
use crate::cache::dictionary::value_memo::ValueMemo;
use crate::cache::dictionary::{Interner, VALUES_PER_LOOKUP, bytes_equal, hash};
use crate::log::{Field, Record, RecordGroup, TemplateMap, is_in_template, key};

/// The largest number that a column stores: SQLite's integers have 63 bits and a sign.
const MAX_MEASURE: u64 = i64::MAX as u64;

/// Builds batches from records.
pub struct BatchBuilder {
    /// The index in the batch of each line template.
    template_indices: TemplateMap,
    /// Number of templates in the batch.
    template_count: u32,
    /// The published dictionaries of the writer that the batches are for, if there is one.
    dictionaries: Option<SharedDictionaries>,
    published: Arc<PublishedDictionaries>,
    /// The batch so far. The interners have the values of its dimensions until it is finished.
    batch: Batch,
    interners: [Interner; DIMENSIONS],
    /// The value memos of fields with few distinct values.
    memos: [Option<ValueMemo>; DIMENSIONS],
    page_builders: [PageBuilder; DETAILS],
    /// Rejected lines of the batch, and their bytes.
    rejected_lines: usize,
    rejected_bytes: usize,
    /// Buffer for decoded keys that differ from the logged key.
    decoded_keys: Vec<u8>,
    scratch: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        BatchBuilder {
            template_indices: TemplateMap::default(),
            template_count: 0,
            dictionaries: None,
            published: Arc::default(),
            batch: Batch::default(),
            interners: Default::default(),
            memos: DIMENSION_FIELDS
                .map(|field| (!has_many_values(field)).then(|| ValueMemo::new(MEMO_SLOTS))),
            page_builders: DETAIL_FIELDS.map(|field| PageBuilder::new(hint(field))),
            rejected_lines: 0,
            rejected_bytes: 0,
            decoded_keys: Vec::new(),
            scratch: Vec::new(),
        }
    }
}

/// Slots of the value memo of a field.
const MEMO_SLOTS: usize = 512;

/// Whether a field usually has too many distinct values for a memo.
fn has_many_values(field: Field) -> bool {
    matches!(field, Field::RemoteIp | Field::Key) || is_in_template(field)
}

impl BatchBuilder {
    /// Returns a builder whose batches refer to the value ids of one writer, so that it looks up only new values.
    pub fn with_dictionaries(dictionaries: SharedDictionaries) -> BatchBuilder {
        let mut builder = BatchBuilder { published: dictionaries.latest(), ..BatchBuilder::default() };
        builder.batch.dictionaries = Some(dictionaries.clone());
        builder.dictionaries = Some(dictionaries);
        builder
    }

    /// Number of requests so far.
    pub fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// Whether the batch has neither a request nor a part.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0 && self.batch.parts.is_empty()
    }

    /// Whether the batch should be finished: it has enough requests and rejected lines, or enough bytes.
    pub fn is_full(&self) -> bool {
        self.rows() + self.rejected_lines >= BATCH_ROWS || self.bytes() >= BATCH_BYTES
    }

    /// Whether the batch should be finished before `text` bytes of lines are added.
    pub fn is_full_before(&self, text: usize) -> bool {
        !self.is_empty() && (self.is_full() || self.bytes() + text > BATCH_BYTES)
    }

    /// Bytes of memory that depend on the lengths of values. Reads every column, so it is called once for many rows.
    fn bytes(&self) -> usize {
        let values = self.interners.iter().map(|interner| interner.values().bytes());
        let pages = self.batch.details.iter().flatten().map(|page| page.bytes.len());
        let unfinished = self.page_builders.iter().map(PageBuilder::bytes);
        values.chain(pages).chain(unfinished).sum::<usize>() + self.rejected_bytes
    }

    /// Adds requests, column by column.
    pub fn extend<'r, 'l: 'r>(&mut self, records: impl Into<RecordGroup<'r, 'l>>) {
        for group in records.into().chunks(VALUES_PER_LOOKUP) {
            self.extend_chunk(&group);
        }
    }

    /// Adds at most [`VALUES_PER_LOOKUP`] requests.
    fn extend_chunk(&mut self, group: &RecordGroup<'_, '_>) {
        let records = group.records();
        self.batch.times.extend(records.iter().map(|record| record.time));
        let mut decoded = std::mem::take(&mut self.decoded_keys);
        decoded.clear();
        // The ranges in `decoded` of keys that differ from the logged key.
        let mut ranges = [const { 0..0 }; VALUES_PER_LOOKUP];
        for (range, record) in ranges.iter_mut().zip(records) {
            let operation = record.logged(Field::Operation).unwrap_or_default();
            let before = decoded.len();
            key::decode_onto(operation, record.logged(Field::Key).unwrap_or_default(), &mut decoded);
            *range = before..decoded.len();
        }
        let mut keys = [[].as_slice(); VALUES_PER_LOOKUP];
        for ((key, range), record) in keys.iter_mut().zip(ranges).zip(records) {
            let logged = record.logged(Field::Key).unwrap_or_default();
            *key = if range.is_empty() { logged } else { &decoded[range] };
        }
        let keys = &keys[..records.len()];

        for record in 0..records.len() {
            let index = self.template_indices.get(group, record);
            let index = index.unwrap_or_else(|| self.add_template(group, record));
            self.batch.templates.push(index);
        }
        let columns = self.batch.dimensions.iter_mut().zip(&mut self.interners).zip(self.published.iter());
        for ((((column, interner), published), memo), field) in
            columns.zip(&mut self.memos).zip(DIMENSION_FIELDS)
        {
            if is_in_template(field) {
                continue;
            }
            if field == Field::Key {
                column.extend(published, interner, None, keys.iter().copied());
            } else if field == Field::RemoteIp && records.iter().any(Record::has_odd_address) {
                let addresses: ArrayVec<_, VALUES_PER_LOOKUP> =
                    records.iter().map(Record::remote_ip).collect();
                let values = addresses.iter().map(|address| address.as_deref().unwrap_or_default());
                column.extend(published, interner, None, values);
            } else {
                let values = records.iter().map(|record| record.logged(field).unwrap_or_default());
                column.extend(published, interner, memo.as_mut(), values);
            }
        }
        let mut exceed_columns = false;
        for (slot, measures) in self.batch.measures.iter_mut().enumerate() {
            measures.extend(records.iter().map(|record| match record.measures()[slot] {
                None => 0,
                Some(number) if number > MAX_MEASURE => {
                    exceed_columns = true;
                    0
                }
                Some(number) => number + 1,
            }));
        }
        for slot in 0..DETAILS {
            self.extend_detail(slot, records, keys, exceed_columns);
        }
        self.batch
            .request_ids
            .extend(records.iter().map(|record| hash(record.logged(Field::RequestId).unwrap_or_default())));
        if decoded.capacity() <= MAX_REUSED_BYTES {
            self.decoded_keys = decoded;
        }
    }

    /// Adds the template fields of a record of a group. Returns the index of the template in the batch.
    fn add_template(&mut self, group: &RecordGroup<'_, '_>, record: usize) -> u32 {
        let columns = self.batch.dimensions.iter_mut().zip(&mut self.interners).zip(self.published.iter());
        for (((column, interner), published), field) in columns.zip(DIMENSION_FIELDS) {
            if is_in_template(field) {
                let value = group.records()[record].logged(field).unwrap_or_default();
                column.extend(published, interner, None, std::iter::once(value));
            }
        }
        let index = self.template_count;
        self.template_count += 1;
        self.template_indices.insert(group, record, index);
        index
    }

    /// Adds the values of a detail. `exceed_columns` is whether any measure exceeds what a column stores.
    fn extend_detail<'r>(
        &mut self,
        slot: usize,
        records: &[Record<'r>],
        keys: &[&[u8]],
        exceed_columns: bool,
    ) {
        let field = DETAIL_FIELDS[slot];
        let builder = &mut self.page_builders[slot];
        // A decoded key that equals the logged key is nearly always the same slice.
        let logged = |record: &Record<'r>, key: &[u8]| {
            record.logged(field).filter(|logged| field != Field::KeyLogged || !std::ptr::eq(*logged, key))
        };
        let is_rare = match field {
            Field::KeyLogged | Field::VersionId => true,
            Field::Extra => !exceed_columns,
            _ => false,
        };
        if is_rare
            && builder.rows() + records.len() < PAGE_ROWS
            && records.iter().zip(keys).all(|(record, key)| logged(record, key).is_none())
        {
            return builder.push_absent(records.len());
        }
        for (record, &key) in records.iter().zip(keys) {
            let logged = logged(record, key);
            match field {
                Field::Extra if exceed_columns => {
                    self.scratch.clear();
                    append_extra(record, &mut self.scratch);
                    builder.push((!self.scratch.is_empty()).then_some(self.scratch.as_slice()));
                }
                Field::RequestUri => {
                    let position = logged.filter(|_| !key.is_empty()).and_then(|uri| {
                        key_in_uri(uri, key, record.logged(Field::Bucket)).map(|at| (uri, at, key.len()))
                    });
                    match position {
                        Some((uri, at, length)) => builder.push_elided(&uri[..at], &uri[at + length..]),
                        None => builder.push(logged),
                    }
                }
                _ => builder.push(logged),
            }
            if builder.is_full() {
                let page = builder.finish_in(&mut self.batch.page_buffers[slot]);
                self.batch.details[slot].extend(page);
            }
        }
    }

    /// Ends a part: states which lines of a log file the rows since the last part came from.
    pub fn end_part(&mut self, part: FilePart) {
        self.rejected_lines += part.rejected.len();
        self.rejected_bytes += part.rejected.iter().map(RejectedLine::bytes).sum::<usize>();
        self.batch.parts.push(part);
    }

    /// Returns the batch and begins a new one in the memory of `reuse`.
    pub fn finish(&mut self, mut reuse: Batch) -> Batch {
        reuse.clear();
        if let Some(dictionaries) = &self.dictionaries {
            reuse.dictionaries = Some(dictionaries.clone());
            self.published = dictionaries.latest();
        }
        if self.scratch.capacity() > MAX_REUSED_BYTES {
            self.scratch = Vec::new();
        }
        self.template_indices.clear();
        self.template_count = 0;
        (self.rejected_lines, self.rejected_bytes) = (0, 0);
        for (column, interner) in self.batch.dimensions.iter_mut().zip(&mut self.interners) {
            interner.move_values_to(&mut column.values);
        }
        for (slot, builder) in self.page_builders.iter_mut().enumerate() {
            let page = builder.finish_in(&mut self.batch.page_buffers[slot]);
            self.batch.details[slot].extend(page);
        }
        std::mem::replace(&mut self.batch, reuse)
    }
}

/// Appends the rest of a line, and the numbers that exceed what a column stores.
fn append_extra(record: &Record<'_>, out: &mut Vec<u8>) {
    let extra = record.logged(Field::Extra).unwrap_or_default();
    let numbers = record.measures().iter().zip(MEASURE_FIELDS).filter_map(|(number, field)| {
        record.logged(field).filter(|_| number.is_some_and(|number| number > MAX_MEASURE))
    });
    // Texts are in the order of the line, which they are parts of. The extra text may have a number already.
    let end = extra.as_ptr().addr() + extra.len();
    let is_before = |number: &&[u8]| !extra.is_empty() && number.as_ptr().addr() < extra.as_ptr().addr();
    let is_after = |number: &&[u8]| extra.is_empty() || number.as_ptr().addr() >= end;
    let extra = std::iter::once(extra).filter(|extra| !extra.is_empty());
    for text in numbers.clone().filter(is_before).chain(extra).chain(numbers.filter(is_after)) {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(text);
    }
}

/// Returns the offset of the key in a request URI: after `METHOD /` or `METHOD /bucket/`.
fn key_in_uri(uri: &[u8], key: &[u8], bucket: Option<&[u8]>) -> Option<usize> {
    let begins_with_key = |rest: &[u8]| rest.get(..key.len()).is_some_and(|start| bytes_equal(start, key));
    let path = uri.iter().position(|byte| *byte == b'/')? + 1;
    let rest = &uri[path..];
    if begins_with_key(rest) {
        return Some(path);
    }
    let rest = rest.strip_prefix(bucket?)?.strip_prefix(b"/")?;
    begins_with_key(rest).then(|| uri.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::file_part::FileMark;
    use super::*;
    use crate::cache::PageBuffers;
    use crate::cache::column::layout::KEY_SLOT;
    use crate::cache::column::text::{PAGE_BYTES, TextPage};
    use crate::cache::{Cache, CacheError, Writer};
    use crate::log::records;
    use tokio_util::sync::CancellationToken;

    fn push(builder: &mut BatchBuilder, number: usize, key: &str, uri: &str) {
        let line = format!(
            "owner media [03/Apr/2026:03:{:02}:{:02} +0000] 192.0.2.7 - {number:016X} REST.GET.OBJECT {key} \
             \"GET /{uri} HTTP/1.1\" 206 - {number} - 120 15 \"-\" \"aws-cli\" -",
            number / 60 % 60,
            number % 60,
        );
        for (_, record) in records(line.as_bytes()) {
            builder.extend(&[record.unwrap()]);
        }
    }

    /// A part of a new log file with these rows and rejected lines.
    fn part(rows: usize, rejected: Vec<RejectedLine>) -> FilePart {
        static FILES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let name = FILES.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        let file = FileMark { name, version: None, size: None, may_grow: false };
        let lines = (rows + rejected.len()) as u64;
        let line_runs = Vec::new();
        FilePart { file: Arc::new(file), first_line: 1, lines, rows, line_runs, rejected, total_lines: None }
    }

    /// Calls `each` with all request URIs of a cache. Returns the memory that the largest of their pages
    /// takes.
    fn for_each_uri(path: &std::path::Path, mut each: impl FnMut(&[u8])) -> usize {
        let cache = Cache::open(path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let mut largest = 0;
        for segment in &snapshot.segments {
            let never = CancellationToken::new();
            let each_row = |_, uri: Option<&[u8]>| each(uri.unwrap());
            snapshot.for_each_text(segment, Field::RequestUri, &never, each_row).unwrap();
            let buffers = &mut PageBuffers::default();
            let mut each_page = |_, page: &TextPage| {
                largest = largest.max(page.memory());
                Ok::<_, CacheError>(())
            };
            let field = Field::RequestUri;
            snapshot.for_each_text_page(segment, field, &never, buffers, &|_| true, &mut each_page).unwrap();
        }
        largest
    }

    #[test]
    fn numbers_beyond_a_column_are_in_extra_in_the_order_of_the_line() {
        for (numbers, extra) in [
            ("18446744073709551615 18446744073709551616 3 4", "18446744073709551615 18446744073709551616"),
            ("18446744073709551616 18446744073709551615 3 4", "18446744073709551616 18446744073709551615"),
            (
                "18446744073709551616 18446744073709551615 3 18446744073709551617",
                "18446744073709551616 18446744073709551615 3 18446744073709551617",
            ),
            (
                "9223372036854775807 9223372036854775808 3 18446744073709551615",
                "9223372036854775808 18446744073709551615",
            ),
        ] {
            let line = format!(
                "owner media [03/Apr/2026:03:11:11 +0000] 192.0.2.7 - 3E57427F3EXAMPLE REST.GET.OBJECT a \"GET /a HTTP/1.1\" \
                 200 - {numbers} \"-\" \"aws-cli\" -"
            );
            let mut text = Vec::new();
            append_extra(&records(line.as_bytes()).next().unwrap().1.unwrap(), &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), extra, "{line}");
        }
    }

    #[test]
    fn pages_of_long_request_uris_stay_small_enough_to_read() {
        const ROWS: usize = 60;
        const LENGTH: usize = 1 << 20;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = Writer::open(&path).unwrap();
        let source = writer.source("logs").unwrap();
        let uri =
            |row: usize| format!("k{row}?{}", char::from(b'a' + (row % 26) as u8).to_string().repeat(LENGTH));
        let mut builder = BatchBuilder::with_dictionaries(writer.dictionaries());
        // Half of them in one batch, as from a large file; then one at a time, whose pages are joined.
        for row in 0..ROWS {
            push(&mut builder, row, &format!("k{row}"), &uri(row));
            if row >= ROWS / 2 {
                builder.end_part(part(1, Vec::new()));
                writer.append(source, &mut builder.finish(Batch::default())).unwrap();
            } else if row == ROWS / 2 - 1 {
                builder.end_part(part(ROWS / 2, Vec::new()));
                let mut batch = builder.finish(Batch::default());
                let pages = batch.details.iter().flatten();
                let most = pages.map(|page| page.text_bytes().unwrap()).max().unwrap();
                assert!(most <= (PAGE_BYTES + LENGTH + 100) as u64, "{most}");
                writer.append(source, &mut batch).unwrap();
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
    fn an_elided_key_stays_elided_when_pages_are_joined() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let mut writer = Writer::open(&path).unwrap();
        let source = writer.source("logs").unwrap();
        let key = "k".repeat(1 << 20);
        let mut builder = BatchBuilder::with_dictionaries(writer.dictionaries());
        for row in 0..10 {
            push(&mut builder, row, &key, &format!("{key}?{row}"));
            builder.end_part(part(1, Vec::new()));
            writer.append(source, &mut builder.finish(Batch::default())).unwrap();
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
    fn a_few_long_values_fill_a_batch() {
        let mut builder = BatchBuilder::default();
        let mut rows = 0;
        while !builder.is_full() {
            // The batch stores the key once. Without its key the request URI is short.
            let key = format!("{rows}{}", "k".repeat(100_000));
            push(&mut builder, rows, &key, &key);
            rows += 1;
        }
        assert!((BATCH_BYTES / 110_000..BATCH_BYTES / 90_000).contains(&rows), "{rows}");
        builder.end_part(part(rows, Vec::new()));
        assert!(builder.is_full_before(0));
        let batch = builder.finish(Batch::default());
        assert!((BATCH_BYTES..BATCH_BYTES * 3 / 2).contains(&batch.bytes()), "{}", batch.bytes());
        assert!(
            !builder.is_full() && !builder.is_full_before(usize::MAX >> 1),
            "an empty batch accepts any text"
        );
        // The memory of such a batch is not kept for ordinary batches.
        builder.finish(batch);
        assert!(builder.batch.dimensions[KEY_SLOT].values.memory() < MAX_REUSED_BYTES);
    }

    #[test]
    fn rejected_lines_alone_fill_a_batch_by_number_and_by_bytes() {
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
        assert_eq!(builder.finish(Batch::default()).rows(), 0);
        assert!(!builder.is_full());
        builder.end_part(part(0, (0..8).map(|line| rejected(line, BATCH_BYTES / 8)).collect()));
        assert!(builder.is_full());
        assert!(builder.finish(Batch::default()).bytes() >= BATCH_BYTES);
    }
}
