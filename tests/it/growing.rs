//! Log files that grow, change or are replaced between pulls, and repeats: records that the cache has already.

use std::path::Path;
use std::sync::Arc;

use tamarin::cache::catalogue::LogFileStatus;
use tamarin::cache::{Batch, BatchBuilder, Cache, FileMark, FilePart, RejectedLine, Writer};
use tamarin::ingest::Phase;

use crate::support::filling::Filling;
use crate::support::lines::HOST_ID;
use crate::support::log_folder::{Scene, bytes, log, request};

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
