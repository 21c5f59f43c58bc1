//! Log files of all kinds pulled into a cache: counts, rejected lines, repeats, and pulls that continue others.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tamarin::cache::catalogue::LogFileStatus;
use tamarin::cache::{Batch, BatchBuilder, Cache, FileMark, FilePart, RejectedLine, Writer};
use tamarin::demo::{Demo, DemoOptions};
use tamarin::ingest::{Ingest, Options, Phase, Progress};
use tamarin::log::Field;
use tamarin::query::answer::Stats;
use tamarin::query::{Answer, Ask, Counting, Engine, Filter, LocalEngine, Query, Sort, TimeRange, Value};
use tamarin::source::{S3Options, Source, open};
use tokio_util::sync::CancellationToken;

use crate::support::filling::Filling;
use crate::support::lines::{HOST_ID, OWNER};

/// A folder with logs and a cache.
struct Scene {
    folder: tempfile::TempDir,
}

/// The line of request `number`, which differs from all others if `id` does.
fn request(number: usize, id: &str) -> String {
    format!(
        "{OWNER} media [03/Apr/2026:{:02}:{:02}:{:02} +0000] 192.0.2.{} - {id} REST.GET.OBJECT films/{number}.mp4 \
         \"GET /films/{number}.mp4 HTTP/1.1\" 200 - {number} 73400320 120 15 \"-\" \"aws-cli/2.15\" - {HOST_ID} \
         SigV4 - AuthHeader - TLSv1.3 - - -\n",
        number / 3600 % 24,
        number / 60 % 60,
        number % 60,
        number % 200,
    )
}

/// Lines of the requests with these numbers.
fn log(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| request(number, &format!("{:016X}", number * 7919))).collect()
}

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(scene.logs()).unwrap();
        scene
    }

    fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache.tamarin")
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.logs().join(name), content).unwrap();
    }

    fn source(&self) -> Arc<dyn Source> {
        open(self.logs().to_str().unwrap(), &S3Options::default()).unwrap()
    }

    fn pull(&self) -> Progress {
        pull(&self.cache(), self.source())
    }

    fn totals(&self) -> Stats {
        totals(&self.cache())
    }

    fn rejected(&self) -> Vec<(String, u64, String)> {
        let mut rejected = Vec::new();
        Cache::open(&self.cache())
            .unwrap()
            .rejected(None, &mut |line| {
                rejected.push((line.file, line.line, String::from_utf8(line.content).unwrap()));
            })
            .unwrap();
        rejected
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn pull(cache: &Path, source: Arc<dyn Source>) -> Progress {
    runtime().block_on(async {
        let writer = Writer::open(cache).unwrap();
        Ingest::start(writer, vec![source], Options::default()).unwrap().finish().await
    })
}

fn ask(cache: &Path, ask: Ask) -> Answer {
    let engine = LocalEngine::new(Arc::new(Cache::open(cache).unwrap()));
    let query = Query {
        sources: Vec::new(),
        time: TimeRange::default(),
        filter: Filter::everything(),
        counting: Counting::AsLogged,
        ask,
    };
    engine.ask(&query, &CancellationToken::new(), &mut |_, _| {}).unwrap().answer
}

fn totals(cache: &Path) -> Stats {
    let Answer::Totals(totals) = ask(cache, Ask::Totals) else { panic!() };
    totals.stats
}

/// The sum of `bytes_sent` of the requests with these numbers.
fn bytes(numbers: std::ops::Range<usize>) -> u64 {
    numbers.map(|number| number as u64).sum()
}

#[test]
fn a_folder_with_all_kinds_of_files_gives_its_requests_and_names_failures() {
    let scene = Scene::new();
    scene.put("a.log", log(0..1000));
    scene.put("b.gz", gzip(&log(1000..2000)));
    scene.put("c.zst", zstd::encode_all(log(2000..3000).as_bytes(), 1).unwrap());
    scene.put("empty.log", "");
    scene.put("picture.log", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0");
    scene.put("README.txt", "These are the logs of the media bucket.\nAsk Ann before deleting any.\n");
    let torn =
        [&log(3000..3010), "torn line\n\n", OWNER, " media [03/Apr/2026:", "\n", &log(3010..3020)].concat();
    scene.put("rejects.log", torn.trim_end());
    let whole = gzip(&log(10_000..30_000));
    scene.put("short.gz", &whole[..whole.len() * 3 / 4]);

    let progress = scene.pull();
    assert_eq!(progress.phase, Phase::Done, "{progress:?}");
    assert_eq!((progress.files_listed, progress.files_done), (7, 4));
    assert_eq!((progress.files_skipped, progress.files_failed), (2, 1));
    assert_eq!(progress.failures.len(), 1);
    assert_eq!(progress.failures[0].name, "short.gz");
    assert!(progress.failures[0].reason.contains("gzip data ends too early"), "{:?}", progress.failures);
    assert_eq!(progress.rejected, 2);
    let before_the_end = progress.requests - 3020;
    assert!((1000..20_000).contains(&before_the_end), "{before_the_end}");
    assert_eq!(scene.totals().requests, progress.requests);
    let kept = 10_000..10_000 + before_the_end as usize;
    assert_eq!(scene.totals().bytes_sent, bytes(0..3020) + bytes(kept), "the first lines, without a gap");
    assert_eq!(
        scene.rejected(),
        [
            ("rejects.log".to_owned(), 11, "torn line".to_owned()),
            ("rejects.log".to_owned(), 13, format!("{OWNER} media [03/Apr/2026:")),
        ]
    );

    // The next pull reads only the incomplete file again, which has nothing new.
    let again = scene.pull();
    assert_eq!((again.requests, again.duplicates, again.rejected), (0, 0, 0), "{again:?}");
    assert_eq!((again.files_known, again.files_skipped, again.files_failed), (4, 2, 1));

    // The complete file gives the missing requests, each once.
    scene.put("short.gz", &whole);
    let complete = scene.pull();
    assert_eq!((complete.files_done, complete.files_failed), (1, 0), "{complete:?}");
    assert_eq!(complete.requests, 20_000 - before_the_end);
    assert_eq!(scene.totals().requests, 23_020);
    assert_eq!(scene.totals().bytes_sent, bytes(0..3020) + bytes(10_000..30_000));
    assert_eq!(scene.rejected().len(), 2);

    let last = scene.pull();
    assert_eq!((last.files_known, last.requests, last.lines), (5, 0, 0), "{last:?}");
}

/// A long line.
fn long_line(length: usize) -> String {
    "x".repeat(length)
}

/// Bytes of the longest line that can be a record.
const MAX_LINE_BYTES: usize = 16 << 20;

#[test]
fn a_line_above_the_limit_is_rejected_and_hides_no_line_after_it() {
    let content = log(0..10)
        + &long_line(MAX_LINE_BYTES + 1000)
        + "\n"
        + &log(10..20)
        + "torn line\n"
        + &long_line(MAX_LINE_BYTES + 1)
        + "\n"
        + &log(20..30);
    // Plain files are read by all parsers, compressed ones by one thread.
    let plain = Scene::new();
    plain.put("a.log", &content);
    let compressed = Scene::new();
    compressed.put("a.log", gzip(&content));
    for scene in [plain, compressed] {
        let progress = scene.pull();
        assert_eq!((progress.phase, progress.files_failed), (Phase::Done, 0), "{progress:?}");
        assert_eq!((progress.requests, progress.rejected, progress.lines), (30, 3, 33));
        assert_eq!((scene.totals().requests, scene.totals().bytes_sent), (30, bytes(0..30)));
        let mut rejected = Vec::new();
        let cache = Cache::open(&scene.cache()).unwrap();
        cache.rejected(None, &mut |line| rejected.push((line.line, line.reason, line.content))).unwrap();
        rejected.sort();
        let lines: Vec<u64> = rejected.iter().map(|(line, ..)| *line).collect();
        assert_eq!(lines, [11, 22, 23]);
        let (_, reason, content) = &rejected[0];
        assert_eq!(reason, "longer than 16 MiB: the first 4096 of its 16778216 bytes are kept");
        assert!(*content == long_line(4096).into_bytes());
        assert_eq!(rejected[1].2, b"torn line");
        assert_eq!(scene.pull().files_known, 1);
    }
}

#[test]
fn a_file_whose_first_line_is_above_the_limit_is_a_log_only_if_it_has_a_record() {
    for (end, is_log) in [(log(0..5), true), ("\n".to_owned(), false), (String::new(), false)] {
        let content = long_line(MAX_LINE_BYTES + 5_000_000) + "\n" + &end;
        let content = if end.is_empty() { content.trim_end() } else { content.as_str() };
        let plain = Scene::new();
        plain.put("a.log", content);
        let compressed = Scene::new();
        compressed.put("a.log", gzip(content));
        for scene in [plain, compressed] {
            let progress = scene.pull();
            assert_eq!((progress.phase, progress.files_failed), (Phase::Done, 0), "{progress:?}");
            assert_eq!((progress.files_done, progress.files_skipped), (is_log.into(), (!is_log).into()));
            if is_log {
                assert_eq!((progress.requests, progress.rejected), (5, 1));
                assert_eq!(scene.rejected()[0].1, 1);
            }
        }
    }
}

#[test]
fn zeros_and_garbage_after_compressed_data_do_not_hide_the_last_lines() {
    let scene = Scene::new();
    let zstd = |content: String| zstd::encode_all(content.as_bytes(), 1).unwrap();
    scene.put("a.gz", [gzip(&log(0..1000)), vec![0; 1024]].concat());
    scene.put("b.gz", [gzip(&log(1000..2000)), b"garbage".to_vec()].concat());
    scene.put("c.zst", [zstd(log(2000..3000)), vec![0; 1024]].concat());
    scene.put("d.zst", [zstd(log(3000..4000)), b"garbage".to_vec()].concat());
    let members = [gzip(&log(4000..4500)), gzip(""), vec![0; 512], gzip(&log(4500..5000))];
    scene.put("e.gz", members.concat());
    let progress = scene.pull();
    assert_eq!((progress.files_done, progress.files_failed), (5, 0), "{progress:?}");
    assert_eq!((scene.totals().requests, scene.totals().bytes_sent), (5000, bytes(0..5000)));
    assert_eq!(scene.pull().files_known, 5);
}

/// Text that does not compress well.
fn noise(length: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut noise = String::with_capacity(length);
    while noise.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend((0..8).map(|byte| char::from(b'0' + ((state >> (8 * byte)) as u8 & 63))));
    }
    noise.replace('\\', "z")
}

#[test]
fn lines_of_a_megabyte_are_stored_completely_in_segments_that_are_limited_by_bytes() {
    const LINES: usize = 100;
    let scene = Scene::new();
    let uri =
        |number: usize| format!("GET /films/{number}.mp4?{} HTTP/1.1", noise(1 << 20, number as u64 + 1));
    let line = |number: usize| {
        let plain = request(number, &format!("{:016X}", number * 7919));
        plain.replace(&format!("GET /films/{number}.mp4 HTTP/1.1"), &uri(number))
    };
    scene.put("a.log", (0..LINES).map(line).collect::<String>());
    let progress = scene.pull();
    assert_eq!((progress.phase, progress.requests), (Phase::Done, LINES as u64), "{progress:?}");
    assert_eq!(scene.totals().bytes_sent, bytes(0..LINES));
    let cache = Cache::open(&scene.cache()).unwrap();
    assert!(cache.snapshot().unwrap().segments.len() > 1, "they have only {LINES} rows, but many bytes");
    let sort = Sort { by: Field::Time, descending: false };
    let wanted = Ask::Requests { sort, offset: 0, limit: 0, fields: vec![Field::RequestUri] };
    let Answer::Requests(found) = ask(&scene.cache(), wanted) else { panic!() };
    assert_eq!(found.rows.len(), LINES);
    for (number, row) in found.rows.iter().enumerate() {
        assert!(*row.get(Field::RequestUri) == Value::from(uri(number).as_str()), "{number}");
    }
    assert!(tamarin::cache::check::check(&scene.cache(), 0).unwrap().findings.is_empty());
    // A segment that is full by bytes is not written again.
    let segments =
        |cache: &Cache| cache.snapshot().unwrap().segments.iter().map(|segment| segment.id.get()).collect();
    let before: Vec<i64> = segments(&cache);
    scene.put("b.log", log(LINES..LINES + 10));
    assert_eq!(scene.pull().requests, 10);
    let after: Vec<i64> = segments(&cache);
    assert_eq!(after[..before.len() - 1], before[..before.len() - 1]);
}

#[test]
fn repeats_of_lines_of_megabytes_are_found() {
    let scene = Scene::new();
    let uri = |number: usize| format!("GET /films/{number}.mp4?{} HTTP/1.1", "ab".repeat(4_000_000));
    let line = |number: usize| {
        request(number, "3E57427F3EXAMPLE")
            .replace(&format!("GET /films/{number}.mp4 HTTP/1.1"), &uri(number))
    };
    let lines: String = (0..5).map(line).collect();
    scene.put("a.log", lines.clone() + &lines);
    let first = scene.pull();
    assert_eq!((first.requests, first.duplicates), (5, 5));
    scene.put("b.log", lines);
    let second = scene.pull();
    assert_eq!((second.requests, second.duplicates), (0, 5));
}

#[test]
fn rejected_lines_are_committed_before_they_fill_the_memory() {
    let scene = Scene::new();
    let mut writer = Writer::open(&scene.cache()).unwrap();
    let source = writer.source("/var/log/acme").unwrap();
    let file = Arc::new(FileMark {
        name: "a.log".to_owned(),
        version: Some("1".to_owned()),
        size: None,
        may_grow: false,
    });
    let mut line = 0;
    for _ in 0..20 {
        let mut builder = BatchBuilder::default();
        let first_line = line + 1;
        let rejected: Vec<RejectedLine> = (0..1000)
            .map(|_| {
                line += 1;
                RejectedLine { line, reason: "torn".to_owned(), content: vec![b'x'; 1000] }
            })
            .collect();
        let (file, lines) = (file.clone(), rejected.len() as u64);
        let line_runs = Vec::new();
        builder.end_part(FilePart {
            file,
            first_line,
            lines,
            rows: 0,
            line_runs,
            rejected,
            total_lines: None,
        });
        writer.append(source, &mut builder.finish(Batch::default())).unwrap();
    }
    // Without a call of `commit`.
    let committed = Cache::open(&scene.cache()).unwrap().sources().unwrap()[0].rejected;
    assert!(committed >= 10_000, "{committed} of {line}");
    writer.commit().unwrap();
    assert_eq!(Cache::open(&scene.cache()).unwrap().sources().unwrap()[0].rejected, line);
}

#[test]
fn a_file_that_grows_adds_only_its_new_lines() {
    let scene = Scene::new();
    scene.put("a.log", log(0..700) + "torn line\n");
    assert_eq!(scene.pull().requests, 700);
    scene.put("a.log", log(0..700) + "torn line\n" + &log(700..1000) + "another torn line\n");
    let grown = scene.pull();
    assert_eq!((grown.phase, grown.requests), (Phase::Done, 300));
    assert_eq!(grown.duplicates, 0, "known lines are read again, but they are not repeats");
    assert_eq!((scene.totals().requests, scene.totals().bytes_sent), (1000, bytes(0..1000)));
    let rejected: Vec<u64> = scene.rejected().into_iter().map(|(_, line, _)| line).collect();
    assert_eq!(rejected, [701, 1002], "each once");
}

#[test]
fn a_large_file_that_all_parsers_read_has_right_line_numbers_and_may_grow() {
    const LINES: usize = 15_000;
    let scene = Scene::new();
    let torn = |from: usize| format!("torn line after {from}\n");
    let content: String = (0..LINES).step_by(1000).map(|from| log(from..from + 1000) + &torn(from)).collect();
    assert!(content.len() > 5 << 20, "{}", content.len());
    scene.put("a.log", &content);
    let first = scene.pull();
    assert_eq!((first.phase, first.requests, first.files_done), (Phase::Done, LINES as u64, 1));
    assert_eq!((scene.totals().requests, scene.totals().bytes_sent), (LINES as u64, bytes(0..LINES)));
    let expected: Vec<_> = (0..LINES)
        .step_by(1000)
        .enumerate()
        .map(|(before, from)| ("a.log".to_owned(), (from + 1000 + before + 1) as u64, torn(from)))
        .map(|(name, line, content)| (name, line, content.trim_end().to_owned()))
        .collect();
    let mut rejected = scene.rejected();
    rejected.sort_by_key(|(_, line, _)| *line);
    assert_eq!(rejected, expected);
    scene.put("a.log", content + &log(LINES..LINES + 10));
    let grown = scene.pull();
    assert_eq!((grown.requests, grown.duplicates), (10, 0));
    assert_eq!(scene.rejected().len(), expected.len());
    assert_eq!(scene.pull().files_known, 1);
    assert_eq!(scene.totals().bytes_sent, bytes(0..LINES + 10));
}

#[test]
fn a_batch_made_for_another_cache_is_refused() {
    let (here, there) = (Scene::new(), Scene::new());
    let mut writer = Writer::open(&here.cache()).unwrap();
    let source = writer.source("/var/log/acme").unwrap();
    let other = Writer::open(&there.cache()).unwrap();
    let mut builder = BatchBuilder::with_dictionaries(other.dictionaries());
    for (_, record) in tamarin::log::records(log(0..1).trim_end().as_bytes()) {
        builder.extend(&[record.unwrap()]);
    }
    let error = writer.append(source, &mut builder.finish(Batch::default())).unwrap_err().to_string();
    assert!(error.contains("for another writer"), "{error}");
    assert_eq!(writer.memtable_rows(), 0);
}

#[test]
fn only_lines_that_a_file_has_twice_are_repeats_however_often_it_grows() {
    let scene = Scene::new();
    let duplicates = || Cache::open(&scene.cache()).unwrap().sources().unwrap()[0].duplicates;
    scene.put("a.log", log(0..500) + &log(490..500));
    assert_eq!(scene.pull().duplicates, 10);
    // It grows by repeats of its own lines and of lines of another file, and by new lines.
    scene.put("b.log", log(2000..2010));
    scene.put("a.log", log(0..500) + &log(490..500) + &log(2000..2004) + &log(0..3) + &log(500..600));
    let grown = scene.pull();
    assert_eq!((grown.requests, grown.duplicates), (110, 7));
    assert_eq!(duplicates(), 17);
    // Only its modification time changes, and then it grows once more.
    let content = std::fs::read(scene.logs().join("a.log")).unwrap();
    scene.put("a.log", &content);
    assert_eq!((scene.pull().duplicates, duplicates()), (0, 17));
    scene.put("a.log", [content, log(600..650).into_bytes()].concat());
    let grown = scene.pull();
    assert_eq!((grown.requests, grown.duplicates, duplicates()), (50, 0, 17));
    assert_eq!(
        (scene.totals().requests, scene.totals().bytes_sent),
        (660, bytes(0..650) + bytes(2000..2010))
    );
    // Another file with the same content has only repeats.
    scene.put("copy.log", log(0..650));
    assert_eq!((scene.pull().duplicates, duplicates()), (650, 667));
    // So has a shorter version of it, whose repeats were counted before.
    scene.put("copy.log", log(0..20));
    assert_eq!((scene.pull().duplicates, duplicates()), (0, 37));
}

#[test]
fn a_file_that_is_replaced_gives_only_the_requests_of_its_last_version() {
    let scene = Scene::new();
    scene.put("a.log", log(0..10) + "torn line\n");
    scene.pull();
    scene.put("a.log", log(10..15));
    assert_eq!(scene.pull().requests, 5);
    assert_eq!((scene.totals().requests, scene.totals().bytes_sent), (5, bytes(10..15)));
    assert_eq!(scene.rejected(), []);
    scene.put("a.log", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    assert_eq!(scene.pull().files_skipped, 1);
    assert_eq!(scene.pull().files_skipped, 1);
    assert_eq!(scene.totals().requests, 0);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_known_by_its_last_version() {
    let scene = Scene::new();
    let mut writer = Writer::open(&scene.cache()).unwrap();
    let source = writer.source("/var/log/acme").unwrap();
    for (version, lines, total_lines) in [("1", 5, None), ("2", 3, Some(3))] {
        let mut builder = BatchBuilder::default();
        let version_mark = Some(version.to_owned());
        let file = FileMark { name: "a.log".to_owned(), version: version_mark, size: None, may_grow: false };
        let (first_line, rows, line_runs) = (1, 0, Vec::new());
        let rejected = vec![RejectedLine { line: 1, reason: "torn".to_owned(), content: version.into() }];
        builder.end_part(FilePart {
            file: Arc::new(file),
            first_line,
            lines,
            rows,
            line_runs,
            rejected,
            total_lines,
        });
        writer.append(source, &mut builder.finish(Batch::default())).unwrap();
        writer.commit().unwrap();
    }
    let cache = Cache::open(&scene.cache()).unwrap();
    let known = cache.log_file_statuses(Some(source), [("a.log", Some("2"))].into_iter()).unwrap();
    assert_eq!(known, [LogFileStatus::Whole]);
    assert_eq!((cache.sources().unwrap()[0].lines, cache.sources().unwrap()[0].rejected), (3, 1));
    assert_eq!(scene.rejected(), [("a.log".to_owned(), 1, "2".to_owned())]);
}

/// Reads a log file like an ingest, with a commit per hundred lines, and stops after `commits` commits.
fn read_until_killed(cache: &Path, version: &str, text: &str, commits: usize) -> (u64, u64) {
    const SOURCE: &str = "/var/log/acme";
    let mut writer = Writer::open(cache).unwrap();
    let source = writer.source(SOURCE).unwrap();
    let reader = Cache::open(cache).unwrap();
    let known =
        match &reader.log_file_statuses(Some(source), [("a.log", Some(version))].into_iter()).unwrap()[0] {
            LogFileStatus::New | LogFileStatus::Changed => Vec::new(),
            LogFileStatus::InPart(parts) => parts.clone(),
            LogFileStatus::Whole | LogFileStatus::NoLog => panic!("the file was read to its end"),
        };
    drop(reader);
    let file = FileMark {
        name: "a.log".to_owned(),
        version: Some(version.to_owned()),
        size: Some(text.len() as u64),
        may_grow: false,
    };
    let file = Arc::new(file);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (mut requests, mut duplicates) = (0, 0);
    for (index, part) in lines.chunks(100).enumerate().take(commits) {
        let first_line = index as u64 * 100 + 1;
        if known.iter().any(|known| known.contains(&first_line)) {
            continue;
        }
        let mut builder = BatchBuilder::default();
        for line in part {
            for (_, record) in tamarin::log::records(line.trim_end().as_bytes()) {
                builder.extend(&[record.unwrap()]);
            }
        }
        builder.end_part(FilePart {
            file: file.clone(),
            first_line,
            lines: part.len() as u64,
            rows: builder.rows(),
            line_runs: Vec::new(),
            rejected: Vec::new(),
            total_lines: ((index + 1) * 100 >= lines.len()).then_some(lines.len() as u64),
        });
        let appended = writer.append(source, &mut builder.finish(Batch::default())).unwrap();
        requests += appended.requests;
        duplicates += appended.duplicates;
        writer.commit().unwrap();
    }
    (requests, duplicates)
}

#[test]
fn known_lines_of_a_file_that_grew_are_no_repeats_after_a_kill() {
    let once = log(0..700) + &log(690..700);
    let twice = once.clone() + &log(700..1000) + &log(0..3);
    let thrice = twice.clone() + &log(1000..1200) + &log(3..5);
    let counts = |cache: &Path| {
        let source = Cache::open(cache).unwrap().sources().unwrap().remove(0);
        (source.requests, source.duplicates)
    };
    for killed_after in 0..11 {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache.tamarin");
        let read = |version: &str, text: &str, commits| read_until_killed(&cache, version, text, commits);
        assert_eq!(read("1", &once, usize::MAX), (700, 10));
        let killed = read("2", &twice, killed_after);
        let checked = tamarin::cache::check::check(&cache, 0).unwrap();
        assert!(checked.findings.is_empty(), "{killed_after}: {:?}", checked.findings);
        // Until the new version was read to its end, the catalogue has the counts of the version before.
        let repeats = if killed_after >= 11 { 13 } else { 10 };
        assert_eq!(counts(&cache), (700 + killed.0, repeats), "{killed_after}");
        // The next reading ends a little later, and the last one reads to the end.
        let again = read("2", &twice, killed_after + 2);
        let last = if killed_after + 2 >= 11 { (0, 0) } else { read("2", &twice, usize::MAX) };
        assert_eq!(killed.0 + again.0 + last.0, 300, "{killed_after}");
        assert_eq!(killed.1 + again.1 + last.1, 3, "{killed_after}");
        assert_eq!(counts(&cache), (1000, 13), "{killed_after}");
        // It grows once more while it is read.
        read("3", &thrice, killed_after);
        let fourth = thrice.clone() + &log(1200..1210);
        read("4", &fourth, killed_after);
        read("4", &fourth, usize::MAX);
        assert_eq!(counts(&cache), (1210, 15), "{killed_after}");
    }
}

#[test]
fn exact_repeats_are_dropped_and_counted_within_a_file_across_files_and_across_runs() {
    let scene = Scene::new();
    scene.put("a.log", log(0..500) + &log(490..500));
    scene.put("b.log", log(400..600));
    let first = scene.pull();
    assert_eq!((first.lines, first.requests, first.duplicates), (710, 600, 110));
    scene.put("c.log", log(0..600));
    let second = scene.pull();
    assert_eq!((second.requests, second.duplicates), (0, 600));
    assert_eq!((scene.totals().requests, scene.totals().bytes_sent), (600, bytes(0..600)));
    let sources = Cache::open(&scene.cache()).unwrap().sources().unwrap();
    assert_eq!((sources[0].requests, sources[0].duplicates, sources[0].lines), (600, 710, 1310));
}

#[test]
fn repeats_are_found_across_many_segments() {
    let scene = Scene::new();
    let mut filling = Filling::new(&scene.cache(), 16);
    let source = filling.writer.source("/var/log/acme").unwrap();
    let lines: Vec<String> = log(0..2000).lines().map(str::to_owned).collect();
    for lines in lines.chunks(16) {
        assert_eq!(filling.append(source, lines).requests, 16);
    }
    // A few from different segments, then all of them, and one among new lines.
    for start in [0, 1000, 1990, 500] {
        assert_eq!(filling.append(source, &lines[start..start + 10]).duplicates, 10, "{start}");
    }
    for lines in lines.chunks(100) {
        let appended = filling.append(source, lines);
        assert_eq!((appended.requests, appended.duplicates), (0, 100));
    }
    let mixed: Vec<String> =
        lines[7..8].iter().cloned().chain(log(2000..2020).lines().map(str::to_owned)).collect();
    let appended = filling.append(source, &mixed);
    assert_eq!((appended.requests, appended.duplicates), (20, 1));
}

#[test]
fn records_that_share_a_request_id_but_differ_are_kept() {
    let scene = Scene::new();
    let id = "3E57427F3EXAMPLE";
    let one = request(1, id);
    let others = [
        one.replace("REST.GET.OBJECT", "REST.COPY.OBJECT_GET"),
        one.replace("films/1.mp4", "films/2.mp4"),
        one.replace("00:00:01", "00:00:02"),
        one.replace("192.0.2.1 ", "192.0.2.2 "),
        one.replace(" 120 15 ", " 121 15 "),
        one.replace("aws-cli", "aws-sdk"),
        one.replace(HOST_ID, "otherID="),
        one.replace(" HTTP/1.1\"", " HTTP/1.0\""),
        one.replace("TLSv1.3 - - -\n", "TLSv1.3 - - - more\n"),
        one.replace(id, "3E57427F3EXAMPLF"),
    ];
    scene.put("a.log", one.clone() + &others.concat());
    assert_eq!(scene.pull().requests, 11);
    scene.put("b.log", others.concat() + &one);
    assert_eq!((scene.pull().requests, scene.totals().requests), (0, 11));
}

#[test]
fn a_file_that_repeats_another_one_completely_adds_nothing() {
    let scene = Scene::new();
    scene.put("a.log", log(0..30_000));
    scene.put("b.log", log(0..30_000));
    let progress = scene.pull();
    assert_eq!((progress.requests, progress.duplicates), (30_000, 30_000));
    assert_eq!(scene.totals().requests, 30_000);
}

#[test]
fn the_demo_gives_the_totals_of_its_summary() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.tamarin");
    let demo = Demo::new(DemoOptions { requests: 3000, seed: 5 });
    let summary = demo.summary();
    let demo: Arc<dyn Source> = Arc::new(demo);
    let progress = pull(&cache, demo.clone());
    assert_eq!(progress.phase, Phase::Done);
    assert_eq!((progress.files_listed, progress.files_done), (summary.files, summary.files));
    assert_eq!((progress.lines, progress.requests), (summary.lines, summary.requests));
    assert_eq!((progress.duplicates, progress.rejected), (summary.duplicates, summary.rejected));
    assert_eq!((progress.bytes_done, progress.files_failed), (summary.bytes, 0));
    let totals = totals(&cache);
    assert_eq!((totals.requests, totals.bytes_sent), (summary.requests, summary.bytes_sent));
    assert_eq!(progress.newest, Some(totals.last_seen));
    let again = pull(&cache, demo);
    assert_eq!((again.files_known, again.lines), (summary.files, 0));
}

#[test]
fn a_pull_that_is_stopped_and_continued_adds_each_request_once() {
    let scene = Scene::new();
    scene.put("big.log", log(0..20_000));
    scene.put("big.gz", gzip(&log(20_000..30_000)));
    for file in 0..50 {
        scene.put(&format!("small-{file}.log"), log(100_000 + file * 10..100_010 + file * 10));
    }
    let mut stops = 0;
    for wait in (0..).map(|round| Duration::from_millis(20 + round * 150)) {
        let progress = runtime().block_on(async {
            let ingest = Ingest::start(
                Writer::open(&scene.cache()).unwrap(),
                vec![scene.source()],
                Options::default(),
            );
            let ingest = ingest.unwrap();
            let cancel = ingest.cancellation();
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                cancel.cancel();
            });
            ingest.finish().await
        });
        assert!(progress.fatal.is_none(), "{progress:?}");
        assert_eq!(progress.duplicates, 0, "nothing is read again");
        assert!(scene.totals().requests <= 30_500);
        if progress.phase == Phase::Done {
            break;
        }
        assert_eq!(progress.phase, Phase::Cancelled);
        stops += 1;
    }
    assert!(stops > 0);
    let expected = bytes(0..30_000) + bytes(100_000..100_500);
    assert_eq!((scene.totals().requests, scene.totals().bytes_sent), (30_500, expected));
    assert_eq!(scene.pull().files_known, 52);
}
