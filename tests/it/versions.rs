//! Log files that grow, shrink, are truncated, rewritten, compressed, damaged, renamed and deleted between
//! pulls, with pruning in between: the cache has exactly what their last versions give, and what deleted
//! files gave.
//!
//! `SEQUENCES=10000 cargo test --release --test it versions` runs more sequences, from `SEED` on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tamarin::cache::{Cache, Writer};
use tamarin::ingest::{Ingest, Options, Phase, Progress};
use tamarin::log::Field;
use tamarin::query::{
    Answer, Ask, Counting, Dimension, Engine, LocalEngine, Measure, Query, RequestRow, Sort, TimeRange, Value,
};
use tamarin::source::body::{Body, is_damage};
use tamarin::source::{S3Options, open};
use tokio_util::sync::CancellationToken;

use crate::support::lines::{HOST_ID, OWNER};

/// Sequences to run, unless the environment sets another number.
const SEQUENCES: u64 = 120;
/// 2026-04-01T00:00:00Z, the time of request 0.
const START: i64 = 1_775_001_600;
/// Requests of all files have numbers below this.
const NUMBERS: usize = 400;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A request. Its number determines its time and its bytes sent.
fn line(number: usize) -> String {
    format!(
        "{OWNER} media [01/Apr/2026:00:{:02}:{:02} +0000] 192.0.2.7 - {:016X} REST.GET.OBJECT films/{number}.mp4 \
         \"GET /films/{number}.mp4 HTTP/1.1\" 200 - {number} 73400320 120 15 \"-\" \"aws-cli/2.15\" - {HOST_ID} \
         SigV4 - AuthHeader - TLSv1.3 - - -\n",
        number / 60,
        number % 60,
        number * 7919,
    )
}

/// A line of a log file: a request or a rejected line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Request(usize),
    Junk(usize),
}

impl Line {
    fn text(self) -> String {
        match self {
            Line::Request(number) => line(number),
            Line::Junk(number) => format!("junk {number}\n"),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// What the cache must have of a log file.
#[derive(Clone, Debug, Default, PartialEq)]
struct Given {
    /// Requests of the last version that was read to its end.
    requests: BTreeSet<usize>,
    /// Requests of truncated versions since then: the cache has those that could be read.
    uncertain: BTreeSet<usize>,
    /// Requests below this number must not be added again.
    pruned: usize,
    /// Like `pruned`, if the log file was in the catalogue then, which is uncertain.
    possibly_pruned: usize,
    /// Whether any version was read to its end, so that the catalogue has the log file.
    was_whole: bool,
    lines: u64,
    rejected: u64,
}

/// The current version of a log file.
#[derive(Clone, Debug)]
struct File {
    lines: Vec<Line>,
    packing: Packing,
    content: Vec<u8>,
    is_read: bool,
}

struct Sequence {
    folder: tempfile::TempDir,
    random: Random,
    files: BTreeMap<&'static str, File>,
    given: BTreeMap<&'static str, Given>,
    /// Time of change of the last version, in seconds. It increases with each version.
    clock: u64,
    has_pruned: bool,
    has_lost: bool,
    /// The lines of all versions of each log file.
    history: BTreeMap<&'static str, Vec<Vec<Line>>>,
    /// An engine that stays open.
    engine: Option<LocalEngine>,
    story: Vec<String>,
}

impl Sequence {
    fn new(seed: u64) -> Sequence {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        Sequence {
            folder,
            random: Random(seed),
            files: BTreeMap::new(),
            given: BTreeMap::new(),
            clock: 0,
            has_pruned: false,
            has_lost: false,
            history: BTreeMap::new(),
            engine: None,
            story: Vec::new(),
        }
    }

    fn cache(&self) -> std::path::PathBuf {
        self.folder.path().join("cache.db")
    }

    fn put(&mut self, name: &'static str, file: File) {
        let path = self.folder.path().join("logs").join(name);
        std::fs::write(&path, &file.content).unwrap();
        self.clock += 1;
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + self.clock);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(changed).unwrap();
        self.history.entry(name).or_default().push(file.lines.clone());
        self.files.insert(name, file);
    }

    /// Some consecutive requests, with occasional junk lines and repeats.
    fn some_lines(&mut self, max_count: usize) -> Vec<Line> {
        let (from, count) = (self.random.below(NUMBERS - max_count), 1 + self.random.below(max_count));
        let mut lines = Vec::new();
        for number in from..from + count {
            lines.push(Line::Request(number));
            if self.random.one_in(20) {
                lines.push(Line::Junk(number));
            }
            if self.random.one_in(25) {
                lines.push(Line::Request(number));
            }
        }
        lines
    }

    /// A version with these lines, perhaps truncated, compressed or damaged.
    fn version(&mut self, lines: Vec<Line>, packing: Packing) -> File {
        let text: String = lines.iter().map(|line| line.text()).collect();
        let mut content = match packing {
            Packing::Plain => text.into_bytes(),
            Packing::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
        };
        match packing {
            // Within the last line, whose beginning stays.
            Packing::Plain if lines.len() > 1 && self.random.one_in(3) => {
                let last = lines[lines.len() - 1].text().len();
                let cut = 1 + self.random.below(last - 1);
                content.truncate(content.len() - cut);
            }
            Packing::Plain => {}
            // An empty file has nothing to damage.
            _ if lines.is_empty() => {}
            _ if self.random.one_in(3) => {
                let at = 12 + self.random.below(content.len() - 12);
                content[at] ^= 1 << self.random.below(8);
            }
            _ if self.random.one_in(6) => {
                let keep = 14 + self.random.below(content.len() - 14);
                content.truncate(keep);
            }
            _ => {}
        }
        File { lines, packing, content, is_read: false }
    }

    fn step(&mut self) {
        let name = NAMES[self.random.below(NAMES.len())];
        let known = self.files.get(name).cloned();
        let packings = [Packing::Plain, Packing::Plain, Packing::Gzip, Packing::Zstd];
        let packing = packings[self.random.below(packings.len())];
        let action = self.random.below(10);
        self.story.push(format!("{name}: {action} {packing:?}"));
        match (action, known) {
            // The file grows.
            (0..=3, Some(file)) => {
                let mut lines = file.lines;
                let more = self.some_lines(30);
                lines.extend(more);
                let version = self.version(lines, file.packing);
                self.put(name, version);
            }
            // The file loses its end.
            (4, Some(file)) => {
                let keep = self.random.below(file.lines.len() + 1);
                let version = self.version(file.lines[..keep].to_vec(), Packing::Plain);
                self.put(name, version);
            }
            // The file is compressed, or no longer compressed.
            (5, Some(file)) => {
                let version = self.version(file.lines, packing);
                self.put(name, version);
            }
            (6, Some(_)) => {
                std::fs::remove_file(self.folder.path().join("logs").join(name)).unwrap();
                self.files.remove(name);
                self.has_lost = true;
            }
            // The file is renamed.
            (7, Some(file)) => {
                let other = NAMES[self.random.below(NAMES.len())];
                let logs = self.folder.path().join("logs");
                if other != name && !self.files.contains_key(other) && !self.given.contains_key(other) {
                    std::fs::rename(logs.join(name), logs.join(other)).unwrap();
                    self.files.remove(name);
                    self.history.entry(other).or_default().push(file.lines.clone());
                    self.files.insert(other, File { is_read: false, ..file });
                    self.has_lost = true;
                }
            }
            // The file is replaced by another.
            (_, _) => {
                let lines = self.some_lines(80);
                let version = self.version(lines, packing);
                self.put(name, version);
            }
        }
    }

    /// Updates the expected content for a pull of the current versions.
    fn update_expected(&mut self) {
        for (name, file) in &mut self.files {
            if std::mem::replace(&mut file.is_read, true) {
                continue;
            }
            // A file that was always empty is ignored.
            if file.content.is_empty() && !self.given.contains_key(name) {
                continue;
            }
            let (text, end) = match file.packing {
                Packing::Plain => (file.content.clone(), Ok(0)),
                _ => {
                    let mut text = Vec::new();
                    let mut reader = Body::Bytes(file.content.clone()).into_reader().unwrap();
                    let end = loop {
                        let mut buffer = [0; 512];
                        match reader.read(&mut buffer) {
                            Ok(0) => break Ok(0),
                            Ok(read) => text.extend_from_slice(&buffer[..read]),
                            Err(error) => break Err(error),
                        }
                    };
                    (text, end)
                }
            };
            let mut requests = BTreeSet::new();
            let (mut lines, mut rejected) = (0, 0);
            for text in text.split_inclusive(|byte| *byte == b'\n') {
                lines += 1;
                let found = file.lines.iter().find(|line| line.text().as_bytes() == text);
                match found {
                    Some(Line::Request(number)) => {
                        requests.insert(*number);
                    }
                    // A truncated line is not a record, unless only its line end is missing.
                    _ => match file.lines.last() {
                        Some(Line::Request(number)) if line(*number).trim_end().as_bytes() == text => {
                            requests.insert(*number);
                        }
                        _ => rejected += 1,
                    },
                }
            }
            self.story.push(format!(
                "  {name} has {} lines, {}",
                lines,
                end.as_ref().map_or_else(|error| error.to_string(), |_| "whole".to_owned())
            ));
            match end {
                Ok(_) => {
                    let given = self.given.entry(name).or_default();
                    requests.retain(|number| *number >= given.pruned);
                    let uncertain = requests.iter().copied().filter(|number| *number < given.possibly_pruned);
                    given.uncertain = uncertain.collect();
                    requests.retain(|number| *number >= given.possibly_pruned);
                    given.requests = requests;
                    (given.lines, given.rejected, given.was_whole) = (lines, rejected, true);
                }
                Err(error) if is_damage(&error) => self.has_lost = true,
                Err(_) => {
                    // Lines after the truncated line are within it, so they are not requests.
                    let given = self.given.entry(name).or_default();
                    requests.extend(file.lines.iter().filter_map(|line| match line {
                        Line::Request(number) => Some(*number),
                        Line::Junk(_) => None,
                    }));
                    requests.retain(|number| *number >= given.pruned);
                    given.uncertain.extend(requests);
                    self.has_lost = true;
                }
            }
        }
    }

    fn prune(&mut self) {
        let cut = self.random.below(NUMBERS);
        self.story.push(format!("prune {cut}"));
        let mut writer = Writer::open(&self.cache()).unwrap();
        let uri = writer.sources().unwrap().first().map(|source| source.uri.clone());
        let Some(uri) = uri else { return };
        let source = writer.find_source(&uri).unwrap().unwrap();
        let pruned = writer.prune(source, START + cut as i64).unwrap();
        if pruned.requests == 0 {
            return;
        }
        self.has_pruned = true;
        for given in self.given.values_mut() {
            let noted = if given.was_whole { &mut given.pruned } else { &mut given.possibly_pruned };
            *noted = cut.max(*noted);
            given.requests.retain(|number| *number >= cut);
            given.uncertain.retain(|number| *number >= cut);
        }
    }

    fn pull(&mut self) -> Progress {
        self.story.push("pull".to_owned());
        let progress = pull(&self.cache(), &self.folder.path().join("logs"));
        assert_eq!(progress.phase, Phase::Done, "{progress:?}");
        self.update_expected();
        progress
    }

    fn compare(&self) {
        let found = requests(&self.cache());
        let once: BTreeSet<usize> = found.iter().copied().collect();
        assert_eq!(found.len(), once.len(), "a request is there twice: {found:?}");
        let certain: BTreeSet<usize> = self.given.values().flat_map(|given| given.requests.clone()).collect();
        let uncertain: BTreeSet<usize> =
            self.given.values().flat_map(|given| given.uncertain.clone()).collect();
        let missing: Vec<&usize> = certain.difference(&once).collect();
        assert!(missing.is_empty(), "missing: {missing:?}");
        let surplus: Vec<&usize> =
            once.iter().filter(|number| !certain.contains(number) && !uncertain.contains(number)).collect();
        assert!(surplus.is_empty(), "too many: {surplus:?}, given {:#?}", self.given);
        let checked = tamarin::cache::check::check(&self.cache(), 0).unwrap();
        assert!(checked.findings.is_empty(), "{:#?}", checked.findings);
    }

    /// Every request has a log file and a line, and a version of this log file has the request there. An engine that was
    /// open all the time says the same.
    fn compare_origins(&mut self) {
        let cache = Arc::new(Cache::open(&self.cache()).unwrap());
        let origins = |engine: &LocalEngine| {
            let sort = Sort { by: Field::BytesSent, descending: false };
            let fields = vec![Field::BytesSent, Field::LogFile, Field::Line];
            let Answer::Requests(requests) =
                answer(engine, Ask::Requests { sort, offset: 0, limit: 0, fields })
            else {
                panic!()
            };
            let origin = |row: RequestRow| {
                let number = |field| match row.get(field) {
                    Value::Integer(number) => *number as usize,
                    other => panic!("{other:?}"),
                };
                (number(Field::BytesSent), row.get(Field::LogFile).to_text(), number(Field::Line))
            };
            requests.rows.into_iter().map(origin).collect::<Vec<_>>()
        };
        let fresh = LocalEngine::new(cache.clone());
        let expected = origins(&fresh);
        for (number, name, line) in &expected {
            let versions = &self.history[name.as_str()];
            let is_there = versions.iter().any(|lines| lines.get(line - 1) == Some(&Line::Request(*number)));
            assert!(is_there, "request {number} is said to be line {line} of {name}");
        }
        let kept = self.engine.get_or_insert_with(|| LocalEngine::new(cache));
        assert_eq!(origins(kept), expected);
        // Groups and masks that are kept between queries.
        let by_file = |engine: &LocalEngine, filter: &str| {
            let sort = Sort { by: Measure::Value, descending: false };
            let ask = Ask::Groups { by: Dimension::Field(Field::LogFile), more: Vec::new(), sort, limit: 0 };
            let Answer::Groups(groups) = answer_of(engine, filter, ask) else { panic!() };
            groups.rows.into_iter().map(|row| (row.value.to_text(), row.stats.requests)).collect::<Vec<_>>()
        };
        for (filter, passes) in [("", None), ("log_file:a", Some("a")), ("log_file:b", Some("b"))] {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for (_, name, _) in
                expected.iter().filter(|(_, name, _)| passes.is_none_or(|passes| passes == name))
            {
                *counts.entry(name.clone()).or_default() += 1;
            }
            let counts: Vec<(String, u64)> = counts.into_iter().collect();
            assert_eq!(by_file(kept, filter), counts, "{filter}");
            assert_eq!(by_file(&fresh, filter), counts, "{filter}");
        }
    }

    /// A fresh pull gives the same requests.
    fn compare_with_a_fresh_pull(&self) {
        if self.has_pruned || self.has_lost {
            return;
        }
        let fresh = self.folder.path().join("fresh.db");
        let logs = self.folder.path().join("logs");
        pull(&fresh, &logs);
        let counts_of = |cache: &Path| {
            let sources = Cache::open(cache).unwrap().sources().unwrap();
            let counts = |source: &tamarin::cache::catalogue::SourceInfo| {
                (source.requests, source.lines, source.duplicates, source.rejected)
            };
            sources.iter().map(counts).collect::<Vec<_>>()
        };
        assert_eq!(counts_of(&self.cache()), counts_of(&fresh));
        let lines: u64 = self.given.values().map(|given| given.lines).sum();
        let rejected: u64 = self.given.values().map(|given| given.rejected).sum();
        let [(_, counted_lines, _, counted_rejected)] = counts_of(&fresh)[..] else { return };
        assert_eq!((lines, rejected), (counted_lines, counted_rejected));
    }
}

fn answer(engine: &LocalEngine, ask: Ask) -> Answer {
    answer_of(engine, "", ask)
}

fn answer_of(engine: &LocalEngine, filter: &str, ask: Ask) -> Answer {
    let filter = tamarin::query::Filter::parse(filter, START).unwrap();
    let (sources, time, counting) = (Vec::new(), TimeRange::default(), Counting::AsLogged);
    let query = Query { sources, time, filter, counting, ask };
    engine.ask(&query, &CancellationToken::new(), &mut |_, _| {}).unwrap().answer
}

fn pull(cache: &Path, logs: &Path) -> Progress {
    let source = open(logs.to_str().unwrap(), &S3Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let writer = Writer::open(cache).unwrap();
        Ingest::start(writer, vec![Arc::clone(&source)], Options::default()).unwrap().finish().await
    })
}

/// The numbers of all requests in a cache.
fn requests(cache: &Path) -> Vec<usize> {
    let cache = Cache::open(cache).unwrap();
    let snapshot = cache.snapshot().unwrap();
    let mut numbers = Vec::new();
    for segment in &snapshot.segments {
        let sent = snapshot.int_column(segment, Field::BytesSent).unwrap();
        numbers.extend((0..segment.rows).filter_map(|row| sent.number(row)).map(|number| number as usize));
    }
    numbers
}

fn run(seed: u64) {
    let mut sequence = Sequence::new(seed);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for _ in 0..3 + sequence.random.below(6) {
            for _ in 0..1 + sequence.random.below(4) {
                sequence.step();
            }
            sequence.pull();
            sequence.compare();
            sequence.compare_origins();
            if sequence.random.one_in(4) {
                sequence.prune();
                sequence.compare();
                sequence.compare_origins();
            }
        }
        sequence.compare_with_a_fresh_pull();
    }));
    if result.is_err() {
        let kept = sequence.folder.keep();
        panic!("SEED={seed} failed after {:#?}, see {}", sequence.story, kept.display());
    }
}

#[test]
fn random_versions_leave_what_a_fresh_pull_gives() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SEED").unwrap_or(1);
    let count = number("SEQUENCES").unwrap_or(SEQUENCES);
    for seed in first..first + count {
        run(seed);
    }
}
