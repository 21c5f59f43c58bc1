//! Log files of all kinds pulled into a cache: counts, rejected lines, limits, and pulls that continue others.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures::future::BoxFuture;
use tamarin::cache::{Batch, BatchBuilder, Cache, FileMark, FilePart, RejectedLine, Writer};
use tamarin::demo::{Demo, DemoOptions};
use tamarin::ingest::{Ingest, Options, Phase};
use tamarin::log::Field;
use tamarin::query::{Answer, Ask, Sort, Value};
use tamarin::source::{Body, LogFile, Source, SourceError, Window};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::support::lines::OWNER;
use crate::support::log_folder::{Scene, ask, bytes, log, pull, request, runtime, totals};

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
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

/// A folder whose log files are fetched only when the test allows it.
struct HeldFolder {
    folder: Arc<dyn Source>,
    allowed: Arc<Semaphore>,
}

impl Source for HeldFolder {
    fn uri(&self) -> &str {
        self.folder.uri()
    }

    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        self.folder.list(window, pages)
    }

    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        Box::pin(async move {
            let _allowed = self.allowed.acquire().await;
            self.folder.fetch(file).await
        })
    }

    fn concurrency(&self) -> usize {
        2
    }
}

#[test]
fn how_much_is_left_was_unknown_until_the_last_files_of_a_folder_were_fetched() {
    const FILES: usize = 40;
    let scene = Scene::new();
    for file in 0..FILES {
        scene.put(&format!("{file}.log"), log(file * 10..file * 10 + 10));
    }
    let bytes: u64 =
        scene.logs().read_dir().unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    let allowed = Arc::new(Semaphore::new(0));
    let source = Arc::new(HeldFolder { folder: scene.source(), allowed: allowed.clone() });
    runtime().block_on(async {
        let writer = Writer::open(&scene.cache()).unwrap();
        let ingest = Ingest::start(writer, vec![source], Options::default()).unwrap();
        let mut progress = ingest.progress.clone();
        let listed = progress.wait_for(|progress| progress.phase == Phase::Reading);
        let listed = tokio::time::timeout(Duration::from_secs(60), listed).await.unwrap().unwrap().clone();
        assert_eq!((listed.files_listed, listed.files_done), (FILES as u64, 0), "nothing is fetched yet");
        assert_eq!((listed.bytes_listed, listed.bytes_done), (bytes, 0));
        allowed.add_permits(2);
        let done = ingest.finish().await;
        assert_eq!((done.phase, done.files_done, done.bytes_done), (Phase::Done, FILES as u64, bytes));
    });
    assert_eq!(scene.totals().requests, 10 * FILES as u64);
}

/// A folder that counts the fetches at a time. A log file of more than a thousand bytes counts for four.
struct CountedFolder {
    folder: Arc<dyn Source>,
    running: watch::Sender<usize>,
    allowed: Semaphore,
    most: AtomicUsize,
}

impl Source for CountedFolder {
    fn uri(&self) -> &str {
        self.folder.uri()
    }

    fn list(
        &self,
        window: Window,
        pages: mpsc::Sender<Vec<LogFile>>,
    ) -> BoxFuture<'_, Result<(), SourceError>> {
        self.folder.list(window, pages)
    }

    fn fetch<'a>(&'a self, file: &'a LogFile) -> BoxFuture<'a, Result<Body, SourceError>> {
        Box::pin(async move {
            self.running.send_modify(|running| *running += 1);
            self.most.fetch_max(*self.running.borrow(), Relaxed);
            let _allowed = self.allowed.acquire().await;
            self.running.send_modify(|running| *running -= 1);
            self.folder.fetch(file).await
        })
    }

    fn concurrency(&self) -> usize {
        8
    }

    fn weight(&self, size: Option<u64>) -> u32 {
        if size.is_some_and(|size| size <= 1000) { 1 } else { 4 }
    }
}

#[test]
fn a_pull_of_small_log_files_waited_for_each_response() {
    const FILES: usize = 24;
    for (lines, expected) in [(1, 8), (100, 2)] {
        let scene = Scene::new();
        for file in 0..FILES {
            scene.put(&format!("{file}.log"), log(file * lines..(file + 1) * lines));
        }
        let source = Arc::new(CountedFolder {
            folder: scene.source(),
            running: watch::Sender::new(0),
            allowed: Semaphore::new(0),
            most: AtomicUsize::new(0),
        });
        runtime().block_on(async {
            let writer = Writer::open(&scene.cache()).unwrap();
            let mut running = source.running.subscribe();
            let ingest = Ingest::start(writer, vec![source.clone()], Options::default()).unwrap();
            let reached = running.wait_for(|running| *running == expected);
            tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap().unwrap();
            source.allowed.add_permits(1);
            assert_eq!(ingest.finish().await.files_done, FILES as u64);
        });
        assert_eq!(source.most.load(Relaxed), expected, "log files of {lines} lines");
        assert_eq!(scene.totals().requests, (FILES * lines) as u64);
    }
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
