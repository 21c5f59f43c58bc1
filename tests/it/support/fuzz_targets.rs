//! The fuzz targets: functions that must not panic, whatever bytes they get.
//!
//! cargo-fuzz runs them (`fuzz/`), and `tests/it/fuzz.rs` runs them with mutated samples on a stable toolchain.

#![allow(unreachable_pub, reason = "the crate in `fuzz/` includes this file as a public module")]

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tamarin::cache::{
    Batch, BatchBuilder, Cache, FileMark, FilePart, LineRun, RejectedLine, Writer, WriterOptions, fuzzing,
};
use tamarin::log::structured::parquet::{ParquetFile, RowParser};
use tamarin::log::structured::{self, framing};
use tamarin::log::{
    Field, Parser, Record, RecordGroup, Rejection, Sink, is_in_template, key, object_name, records,
};
use tamarin::query::filter::complete;
use tamarin::query::{Answer, Ask, Counting, Engine, Filter, LocalEngine, Query, Sort, TimeRange};
use tamarin::source::body;
use tokio_util::sync::CancellationToken;

/// Maximum number of decompressed bytes of a block that are parsed.
const BLOCK_BYTES: u64 = 1 << 20;

/// Parses a line. The parts of its records add up to the line, and each record has the mandatory fields.
pub fn line(line: &[u8]) {
    let mut parts = Vec::with_capacity(line.len());
    for (part, record) in records(line) {
        parts.extend_from_slice(part);
        if let Ok(record) = record {
            check(&record);
        }
    }
    assert_eq!(parts, line);
}

fn check(record: &Record<'_>) {
    assert!(record.logged(Field::Bucket).is_some());
    assert!(record.logged(Field::Operation).is_some());
    for field in Field::all() {
        assert!(record.logged(field).is_none_or(|text| !text.is_empty() && text != b"-"));
        let _ = record.integer(field);
    }
    let _ = (record.key(), record.remote_ip());
}

/// Parses lines of JSON and of text. Each line is counted once, its records have the mandatory fields, and what is rejected
/// is a part of it or of a message in it.
pub fn json(block: &[u8]) {
    #[derive(Default)]
    struct JsonSink(usize);
    impl Sink for JsonSink {
        fn records(&mut self, group: &RecordGroup<'_, '_>) {
            group.records().iter().for_each(check);
            self.0 += group.records().len();
        }

        fn rejected(&mut self, _: u64, _: &[u8], _: Rejection) {}

        fn record_count(&mut self, _: u64, _: usize) {}
    }
    let mut sink = JsonSink::default();
    let lines = Parser::new().parse_block(block, &mut sink);
    let expected = block.split_inclusive(|byte| *byte == b'\n').count();
    assert_eq!(lines, expected as u64);
    let mut rest = block;
    while !rest.is_empty() {
        let length = match framing::object_end(rest) {
            framing::ObjectEnd::At(length) => length,
            framing::ObjectEnd::Missing | framing::ObjectEnd::Broken(_) | framing::ObjectEnd::TooDeep => {
                framing::next_start(rest)
            }
        };
        rest = &rest[length..];
    }
    if !block.contains(&b'\n') {
        let found = structured::has_record(block);
        assert!(!structured::is_object_line(block) || found == (sink.0 > 0));
    }
}

/// Reads a Parquet file. The library may panic if a file is damaged, which the ingest reports as damage.
pub fn parquet(content: &[u8]) {
    struct RowSink(u64);
    impl Sink for RowSink {
        fn records(&mut self, group: &RecordGroup<'_, '_>) {
            group.records().iter().for_each(check);
            self.0 += group.records().len() as u64;
        }

        fn rejected(&mut self, _: u64, _: &[u8], _: Rejection) {
            self.0 += 1;
        }

        fn record_count(&mut self, _: u64, _: usize) {}
    }
    let content = tokio_util::bytes::Bytes::copy_from_slice(content);
    let (mut sink, mut parser) = (RowSink(0), RowParser::default());
    let Ok(Ok(file)) = catch_unwind(|| ParquetFile::open(content)) else { return };
    for index in 0..file.row_groups() {
        let Ok(Ok(mut group)) = catch_unwind(AssertUnwindSafe(|| file.row_group(index))) else { return };
        while let Ok(Ok(true)) = catch_unwind(AssertUnwindSafe(|| group.next_block())) {
            parser.parse(&group, 0..group.rows(), &mut sink);
        }
    }
    assert!(sink.0 <= file.rows());
}

/// Parses a block of lines, compressed or not. It has the records of its lines, and records with the same template have
/// equal template fields.
pub fn block(stored: &[u8]) {
    let Ok(content) = body::decompress(stored) else { return };
    let mut block = Vec::new();
    // The content before any damage is read.
    let _ = content.take(BLOCK_BYTES).read_to_end(&mut block);
    // Lines with JSON have a target of their own.
    if block.split(|byte| *byte == b'\n').any(structured::is_object_line) {
        return;
    }
    let mut sink = BlockSink::default();
    let lines = Parser::new().parse_block(&block, &mut sink);
    let expected =
        block.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line));
    assert_eq!(lines, expected.clone().count() as u64);
    let expected = expected.filter(|line| !tamarin::log::is_comment(line)).flat_map(records);
    let (accepted, rejected): (Vec<_>, Vec<_>) = expected.partition(|(_, record)| record.is_ok());
    assert_eq!(sink.records, accepted.len());
    let is_skipped =
        |record: &Result<_, Rejection>| matches!(record, Err(Rejection::Empty | Rejection::Header));
    assert_eq!(sink.rejected, rejected.iter().filter(|(_, record)| !is_skipped(record)).count());
}

#[derive(Default)]
struct BlockSink {
    templates: tamarin::log::TemplateMap,
    /// The template fields of each template.
    fields: Vec<Vec<Option<Vec<u8>>>>,
    records: usize,
    rejected: usize,
}

impl Sink for BlockSink {
    fn records(&mut self, group: &RecordGroup<'_, '_>) {
        for (index, record) in group.records().iter().enumerate() {
            check(record);
            let fields = Field::all().filter(|field| is_in_template(*field));
            let fields = fields.map(|field| record.logged(field).map(<[u8]>::to_vec)).collect();
            match self.templates.get(group, index) {
                Some(number) => assert_eq!(self.fields[number as usize], fields),
                None => {
                    self.templates.insert(group, index, self.fields.len() as u32);
                    self.fields.push(fields);
                }
            }
            self.records += 1;
        }
    }

    fn rejected(&mut self, _: u64, text: &[u8], _: Rejection) {
        assert!(!text.is_empty());
        self.rejected += 1;
    }

    fn record_count(&mut self, _: u64, records: usize) {
        assert_ne!(records, 1);
    }
}

/// Decodes a key, and reads the text as the name of a log file.
pub fn key(logged: &[u8]) {
    for operation in ["REST.GET.OBJECT", "BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT"] {
        assert!(key::decode(operation.as_bytes(), logged).len() <= logged.len());
    }
    if let Ok(name) = std::str::from_utf8(logged) {
        assert!(!object_name::is_log_name(name) || object_name::NameDate::find(name).is_some());
    }
}

/// Parses a filter. The printed filter parses to the same filter, and an error has a column of the text.
pub fn filter(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    const NOW: i64 = 1_776_427_200;
    match Filter::parse(text, NOW) {
        Ok(filter) => assert_eq!(Filter::parse(&filter.to_string(), NOW), Ok(filter), "{text}"),
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column), "{text}: {error}"),
    }
    for cursor in (0..=text.len()).step_by(1 + text.len() / 32) {
        let _ = complete(text, cursor);
    }
}

/// Reads a chunk of packed integers.
pub fn integers(chunk: &[u8]) {
    fuzzing::read_integers(chunk);
}

/// Reads a page of texts.
pub fn text_page(page: &[u8]) {
    fuzzing::read_text_page(page);
}

/// Queries a cache file with damaged bytes, which returns the right answer or an error. Every six bytes of the input
/// are the position and the value of a damaged byte.
pub fn damaged_cache(damage: &[u8]) {
    static SOUND: OnceLock<(Vec<u8>, String)> = OnceLock::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    let (sound, expected) = SOUND.get_or_init(|| {
        let path = folder.path().join("sound.tamarin");
        write_cache(&path);
        (std::fs::read(&path).unwrap(), answer(&path).unwrap())
    });
    let mut bytes = sound.clone();
    for damaged in damage.chunks_exact(6) {
        let position = u32::from_le_bytes([damaged[0], damaged[1], damaged[2], damaged[3]]) as usize;
        let length = bytes.len();
        bytes[position % length] = damaged[4] ^ damaged[5];
    }
    std::fs::write(&path, bytes).unwrap();
    if let Ok(answer) = answer(&path) {
        assert_eq!(answer, *expected);
    }
}

/// Writes a cache with two segments and a rejected line.
fn write_cache(path: &Path) {
    let mut writer =
        Writer::open_with(path, WriterOptions { segment_rows: 200, ..WriterOptions::default() }).unwrap();
    let source = writer.source("/var/log/acme").unwrap();
    let mut builder = BatchBuilder::default();
    let lines = 300;
    for number in 0..lines {
        let line = format!(
            "owner media [03/Apr/2026:03:{:02}:{:02} +0000] 192.0.2.{} - {:016X} REST.GET.OBJECT films/{}.mp4 \
             \"GET /films/{}.mp4 HTTP/1.1\" 206 - {number} 73400320 120 15 \"-\" \"agent/{}\" - h0stId{number}= SigV4 - \
             AuthHeader - TLSv1.3 - - -",
            number / 60,
            number % 60,
            number % 9,
            number * 7919,
            number % 70,
            number % 70,
            number % 13,
        );
        builder.extend(&[records(line.as_bytes()).next().unwrap().1.unwrap()]);
    }
    let reason = "no time".to_owned();
    builder.end_part(FilePart {
        file: Arc::new(FileMark { name: "a.log".to_owned(), version: None, size: None, may_grow: false }),
        first_line: 1,
        lines: lines + 1,
        rows: builder.rows(),
        line_runs: vec![LineRun { line: 0, rows: builder.rows() }],
        rejected: vec![RejectedLine { line: lines + 1, reason, content: b"some text in a log".to_vec() }],
        total_lines: Some(lines + 1),
    });
    writer.append(source, &mut builder.finish(Batch::default())).unwrap();
    writer.commit().unwrap();
}

/// All requests of a cache with all their fields, the sources and the rejected lines.
fn answer(path: &Path) -> Result<String, String> {
    let cache = Arc::new(Cache::open(path).map_err(|error| error.to_string())?);
    let mut rejected = Vec::new();
    let read = cache.rejected(None, &mut |line| rejected.push(format!("{line:?}")));
    read.map_err(|error| error.to_string())?;
    let sources = cache.sources().map_err(|error| error.to_string())?;
    let query = Query {
        sources: Vec::new(),
        time: TimeRange::default(),
        filter: Filter::everything(),
        counting: Counting::AsLogged,
        ask: Ask::Requests {
            sort: Sort { by: Field::Time, descending: false },
            offset: 0,
            limit: 0,
            fields: Vec::new(),
        },
    };
    let reply = LocalEngine::new(cache).ask(&query, &CancellationToken::new(), &mut |_, _| {});
    match reply.map_err(|error| error.to_string())?.answer {
        Answer::Requests(requests) => Ok(format!("{sources:?} {rejected:?} {:?}", requests.rows)),
        other => Err(format!("{other:?}")),
    }
}
