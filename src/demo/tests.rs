//! Tests of the log files, parsed with a regular expression instead of the parser of Tamarin.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::*;

/// The text of each log file.
fn files(demo: &Demo) -> Vec<Vec<u8>> {
    let mut buffers = Buffers::default();
    (0..demo.files())
        .map(|index| {
            let mut text = Vec::new();
            demo.render(index, &mut buffers, &mut text);
            text
        })
        .collect()
}

fn lines(demo: &Demo) -> Vec<String> {
    files(demo)
        .iter()
        .flat_map(|text| text.split_terminator_bytes())
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

trait Terminated {
    fn split_terminator_bytes(&self) -> Vec<&[u8]>;
}

impl Terminated for Vec<u8> {
    fn split_terminator_bytes(&self) -> Vec<&[u8]> {
        let mut lines: Vec<&[u8]> = self.split(|&byte| byte == b'\n').collect();
        assert_eq!(lines.pop(), Some(b"".as_slice()), "the last line has a line end");
        lines
    }
}

/// The 27 fields of a line, with quotes; `None` if the line is not a record. The pattern is precise enough for the lines of
/// the demo only.
fn fields(line: &str) -> Option<Vec<String>> {
    static PATTERN: LazyLock<regex::Regex> = LazyLock::new(|| regex::Regex::new(LINE).unwrap());
    let found = PATTERN.captures(line)?;
    Some(found.iter().skip(1).map(|group| group.unwrap().as_str().to_owned()).collect())
}

const LINE: &str = concat!(
    r#"^(\S{64}) (acme-media) \[([^\]]{26})\] (\S+) (-|AmazonS3|svc:\S+|\S{64}|arn:aws:iam::cloudfront:user/CloudFront "#,
    r#"Origin Access Identity \S+|arn:\S+) ([0-9A-Z]{16}) ([A-Z][A-Z0-9_.]+) (\S+) (-|".*?") (\d{3}|-) (\S+) (\d+|-) "#,
    r#"(\d+|-) (\d+|-) (\d+|-) (-|".*") (-|".*") (\S+) ([A-Za-z0-9+/]{75}=) (SigV2|SigV4|-) (\S+) "#,
    r#"(AuthHeader|QueryString|-) (\S+) (\S+) (\S+) (Yes|-) (\S+)$"#
);

const TIME: usize = 2;
const IP: usize = 3;
const REQUESTER: usize = 4;
const REQUEST_ID: usize = 5;
const OPERATION: usize = 6;
const KEY: usize = 7;
const STATUS: usize = 9;
const BYTES_SENT: usize = 11;
const REFERER: usize = 15;

fn demo(requests: u64, seed: u64) -> Demo {
    Demo::new(DemoOptions { requests, seed })
}

/// All distinct records.
fn records(demo: &Demo) -> Vec<Vec<String>> {
    let mut seen = HashSet::new();
    lines(demo).iter().filter(|line| seen.insert((*line).clone())).filter_map(|line| fields(line)).collect()
}

fn sent(record: &[String]) -> u64 {
    record[BYTES_SENT].parse().unwrap_or(0)
}

/// The time of a record in seconds since the start of the month.
fn second(record: &[String]) -> u32 {
    let time = &record[TIME];
    let part = |range: std::ops::Range<usize>| time[range].parse::<u32>().unwrap();
    assert_eq!(&time[2..12], "/Apr/2026:");
    clock::at(part(0..2), part(12..14), part(15..17)) + part(18..20)
}

fn twice_decoded(key: &str) -> Vec<u8> {
    let once: Vec<u8> = percent_encoding::percent_decode_str(key).collect();
    percent_encoding::percent_decode(&once).collect()
}

#[test]
fn a_seed_always_gives_the_same_logs_and_another_seed_gives_others() {
    assert_eq!(files(&demo(3000, 7)), files(&demo(3000, 7)));
    assert_ne!(files(&demo(3000, 7)), files(&demo(3000, 8)));
}

#[test]
fn the_demo_does_not_change_by_accident() {
    // FNV-1a. If this changes on purpose, increase FILE_VERSION too.
    let hash = files(&demo(5000, 1)).concat().iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(hash, GOLDEN, "{hash:#x}");
}
const GOLDEN: u64 = 0xbc72_5e10_9145_d6ed;

#[test]
fn the_summary_counts_what_is_written() {
    for requests in [0, 1, 30, 999, 1000, 2000, 20_000] {
        let demo = demo(requests, 1);
        let summary = demo.summary();
        let texts = files(&demo);
        let lines = lines(&demo);
        let different: HashSet<&String> = lines.iter().collect();
        let read: Vec<Vec<String>> = different.iter().filter_map(|line| fields(line)).collect();
        assert_eq!(summary.requests, requests);
        assert_eq!(summary.files, texts.len() as u64);
        assert_eq!(summary.bytes, texts.iter().map(|text| text.len() as u64).sum::<u64>());
        assert_eq!(summary.lines, lines.len() as u64);
        assert_eq!(summary.duplicates, lines.len() as u64 - different.len() as u64);
        assert_eq!(summary.bytes_sent, read.iter().map(|record| sent(record)).sum::<u64>());
        let damaged: Vec<&&String> = different.iter().filter(|line| fields(line).is_none()).collect();
        assert_eq!(summary.rejected, damaged.len() as u64, "{damaged:#?}");
        assert_eq!(read.len() as u64, requests);
        if requests >= 1000 {
            assert_eq!((summary.duplicates, summary.rejected), (20, 5));
        }
    }
}

#[test]
fn lines_are_as_long_as_real_ones() {
    let summary = demo(20_000, 1).summary();
    let mean = summary.bytes / summary.lines;
    assert!((540..640).contains(&mean), "{mean} bytes a line");
}

#[test]
fn incidents_appear_as_documented() {
    for requests in [2000, 20_000] {
        let demo = demo(requests, 1);
        let records = records(&demo);
        let of = |test: &dyn Fn(&[String]) -> bool| -> Vec<&Vec<String>> {
            records.iter().filter(|record| test(record)).collect()
        };
        let check = |incident: Incident, found: &[&Vec<String>]| {
            assert_eq!(found.len() as u64, demo.requests_of(incident), "{incident:?} of {requests}");
            assert!(found.len() >= 8, "{incident:?}: {}", found.len());
            let spec = incident.spec();
            assert_eq!(spec.incident, incident);
            for record in found {
                let time = MONTH_START + i64::from(second(record));
                assert!((spec.since..spec.until).contains(&time), "{incident:?}: {record:?}");
            }
        };

        let scraper = of(&|record| record[IP] == SCRAPER_IP);
        check(Incident::Scraper, &scraper);
        let mut walk: Vec<(u32, Vec<u8>)> =
            scraper.iter().map(|record| (second(record), twice_decoded(&record[KEY]))).collect();
        walk.sort();
        assert_eq!(walk.len(), demo.world.objects.len());
        assert!(walk.windows(2).all(|pair| pair[0].1 < pair[1].1), "every key once, in the order of keys");

        let hog = of(&|record| record[IP] == HOG_IP);
        check(Incident::Hog, &hog);
        let all: u64 = records.iter().map(|record| sent(record)).sum();
        let share = hog.iter().map(|record| sent(record)).sum::<u64>() as f64 / all as f64;
        assert!((0.30..0.45).contains(&share), "the hog has {share} of {requests}");
        assert!(hog.iter().all(|record| record[KEY].starts_with("masters/")));

        let guessing = of(&|record| record[IP].starts_with("192.0.2.") && record[STATUS] == "403");
        check(Incident::Guessing, &guessing);

        let hotlinks = of(&|record| record[REFERER].starts_with("\"https://freeloader.example/"));
        check(Incident::Hotlinking, &hotlinks);
        assert!(hotlinks.iter().map(|record| &record[IP]).collect::<HashSet<_>>().len() * 3 > hotlinks.len());

        let retry = of(&|record| record[IP] == RETRY_IP && record[STATUS] == "503");
        check(Incident::RetryLoop, &retry);

        let deletion = of(&|record| record[REQUESTER] == CLEANUP_REQUESTER);
        check(Incident::Deletion, &deletion);
        let deleted: HashSet<Vec<u8>> = deletion
            .iter()
            .filter(|record| record[KEY] != "-")
            .map(|record| match record[OPERATION].as_str() {
                "BATCH.DELETE.OBJECT" => {
                    percent_encoding::percent_decode_str(&record[KEY].replace('+', " ")).collect()
                }
                _ => twice_decoded(&record[KEY]),
            })
            .collect();
        assert_eq!(deleted.len(), demo.world.objects.range(objects::Prefix::Archive).len());
        assert!(deleted.iter().all(|key| key.starts_with(b"archive/2024/")));
        let mut parts: HashMap<&str, Vec<&str>> = HashMap::new();
        for record in deletion.iter().filter(|record| record[OPERATION] != "REST.DELETE.OBJECT") {
            parts.entry(&record[REQUEST_ID]).or_default().push(&record[OPERATION]);
        }
        assert!(parts.values().all(|part| {
            part[0] == "REST.POST.MULTI_OBJECT_DELETE"
                && part.len() > 2
                && part[1..].iter().all(|&operation| operation == "BATCH.DELETE.OBJECT")
        }));

        let lifecycle = of(&|record| record[REQUESTER] == "AmazonS3");
        check(Incident::Lifecycle, &lifecycle);
        assert!(lifecycle.iter().all(|record| record[OPERATION].starts_with("S3.") && record[IP] == "-"));

        let copies = of(&|record| record[OPERATION].starts_with("REST.COPY."));
        check(Incident::Copies, &copies);
        let ids: HashSet<&String> = copies.iter().map(|record| &record[REQUEST_ID]).collect();
        assert_eq!(ids.len() * 2, copies.len());

        check(Incident::Hostile, &of(&|record| record[IP] == HOSTILE_IP));
    }
}

#[test]
fn guessing_has_the_busiest_minutes_of_the_month() {
    let demo = demo(100_000, 1);
    let mut minutes: HashMap<u32, u64> = HashMap::new();
    for slice in &demo.schedule.slices {
        for scheduled in &demo.schedule.streams {
            for unit in scheduled.units_in(*slice) {
                let time = scheduled.time_of(unit, *slice, &mut Rng::new(1, unit));
                *minutes.entry(time / 60).or_default() += scheduled.records;
            }
        }
    }
    let mut ranking: Vec<(u64, u32)> = minutes.into_iter().map(|(minute, count)| (count, minute)).collect();
    ranking.sort_unstable_by(|a, b| b.cmp(a));
    let busiest: HashSet<u32> = ranking[..6].iter().map(|&(_, minute)| minute).collect();
    let first = clock::at(17, 3, 12) / 60;
    assert_eq!(busiest, (first..first + 6).collect(), "{:?}", &ranking[..10]);
}

#[test]
fn unusual_forms_of_the_log_format_occur() {
    let lines = lines(&demo(20_000, 1));
    for wanted in [
        "filename=\"",
        "TLSv1.2",
        " TLSv1 ",
        " SigV2 ",
        "QueryString",
        "CloudFront Origin Access Identity",
        " 304 ",
        " 206 ",
        " 503 SlowDown",
        " 404 NoSuchKey",
        "REST.HEAD.OBJECT",
        "REST.PUT.OBJECT",
        "REST.GET.BUCKET -",
        "WEBSITE.GET.OBJECT",
        " \"\" \"",
        "%25C3%25BC",
        "2001:db8:",
        " Yes ",
        "\x1b]0;",
        "=cmd|",
        "accesspoint/analytics",
        "S3.EXPIRE.OBJECT",
        "svc:delivery.logs.amazonaws.com",
        "\"Mozilla/5.0 (compatible; \"acme-check\" 1.0)\"",
    ] {
        assert!(lines.iter().any(|line| line.contains(wanted)), "{wanted}");
    }
}

#[test]
fn head_and_not_modified_send_no_bytes() {
    for record in records(&demo(20_000, 1)) {
        if record[OPERATION] == "REST.HEAD.OBJECT" || record[STATUS] == "304" {
            assert_eq!(record[BYTES_SENT], "-", "{record:?}");
        }
        if record[STATUS] == "206" {
            assert!(sent(&record) < record[12].parse().unwrap(), "{record:?}");
        }
    }
}

#[test]
fn records_are_not_sorted_and_log_files_overlap() {
    let demo = demo(20_000, 1);
    let (mut back, mut overlapping, mut before) = (0, 0, 0);
    for text in files(&demo) {
        let times: Vec<u32> = text
            .split_terminator_bytes()
            .iter()
            .filter_map(|line| fields(&String::from_utf8_lossy(line)))
            .map(|record| second(&record))
            .collect();
        back += times.windows(2).filter(|pair| pair[1] < pair[0]).count();
        overlapping += usize::from(times.iter().any(|&time| time < before));
        before = times.iter().copied().max().unwrap_or(before);
    }
    assert!(back > 100 && overlapping > 20, "{back} {overlapping}");
}

#[test]
fn names_of_log_files_have_the_format_of_s3_and_are_distinct() {
    let demo = demo(400_000, 1);
    assert!((2000..5000).contains(&demo.files()), "{}", demo.files());
    let pattern = regex::Regex::new(r"^media/2026-0[45]-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}$").unwrap();
    for name in &demo.names {
        assert!(pattern.is_match(name), "{name}");
    }
    assert_eq!(demo.by_name.len(), demo.files());
}

#[test]
fn large_demos_have_more_log_files_not_larger_ones() {
    let demo = demo(10_000_000, 1);
    let largest = demo
        .schedule
        .slices
        .iter()
        .map(|slice| {
            let units = |scheduled: &schedule::ScheduledStream| {
                scheduled.units_in(*slice).count() as u64 * scheduled.records
            };
            demo.schedule.streams.iter().map(units).sum::<u64>()
        })
        .max();
    assert!(largest < Some(12_000), "{largest:?}");
    assert!(demo.files() < 6000, "{}", demo.files());
}

#[test]
fn a_demo_lists_and_fetches_as_a_source() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let demo = demo(2000, 1);
        assert_eq!(demo.uri(), "demo:1:2000");
        assert_eq!(Demo::options_of(demo.uri()), Some(DemoOptions { requests: 2000, seed: 1 }));
        assert_eq!(Demo::options_of("demo:1:1000000001"), None);
        let list = async |window| {
            let (sender, mut receiver) = mpsc::channel(4);
            let (done, pages) = tokio::join!(demo.list(window, sender), async {
                let mut all = Vec::new();
                while let Some(page) = receiver.recv().await {
                    all.extend(page);
                }
                all
            });
            done.unwrap();
            pages
        };
        let all = list(Window::default()).await;
        assert_eq!(all.len(), demo.files());
        let mut fetched = Vec::new();
        for file in &all {
            let Body::Bytes(text) = demo.fetch(file).await.unwrap() else { panic!("bytes") };
            fetched.push(text);
        }
        assert_eq!(fetched, files(&demo));

        let since = MONTH_START + i64::from(clock::at(20, 0, 0));
        let few = list(Window { since: Some(since), until: Some(since + 86_400) }).await;
        assert!(few.len() < all.len() / 2 && !few.is_empty(), "{}", few.len());
        for (file, text) in all.iter().zip(&fetched).filter(|(file, _)| !few.contains(file)) {
            for line in text.split_terminator_bytes() {
                let Some(record) = fields(&String::from_utf8_lossy(line)) else { continue };
                let time = MONTH_START + i64::from(second(&record));
                assert!(!(since..since + 86_400).contains(&time), "{} left out", file.name);
            }
        }

        let unknown = LogFile { name: "media/none".to_owned(), size: None, version: None };
        let Err(error) = demo.fetch(&unknown).await else { panic!("there is no such log file") };
        assert_eq!(error.to_string(), "demo:1:2000: has no log file media/none; list it again");
    });
}

#[test]
fn a_demo_is_only_written_to_a_new_or_empty_folder() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("logs");
    let demo = demo(2000, 1);
    let mut reported = (0, 0);
    let summary =
        demo.write_to(&folder, LogFormat::Text, &mut |files, requests| reported = (files, requests)).unwrap();
    assert_eq!(summary, demo.summary());
    assert_eq!(reported, (summary.files, 2000));
    for (name, text) in demo.names.iter().zip(files(&demo)) {
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), text);
    }

    let error = demo.write_to(&folder, LogFormat::Text, &mut |_, _| {}).unwrap_err().to_string();
    assert_eq!(error, format!("{}: is not empty; name a new or an empty folder", folder.display()));
    let file = folder.join(&demo.names[0]);
    let error = demo.write_to(&file, LogFormat::Text, &mut |_, _| {}).unwrap_err().to_string();
    assert_eq!(error, format!("{}: is a file; name a new or an empty folder", file.display()));

    let mut whole = Vec::new();
    assert_eq!(demo.write_to_file(&mut whole).unwrap(), summary);
    assert_eq!(whole, files(&demo).concat());
}

#[test]
fn the_counts_of_structured_log_files_were_those_of_the_text_format() {
    let demo = demo(2000, 1);
    for format in [LogFormat::Json, LogFormat::Parquet] {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("logs");
        let summary = demo.write_to(&folder, format, &mut |_, _| {}).unwrap();
        let size = |name: &String| {
            std::fs::metadata(folder.join(format!("{name}{}", format.extension()))).unwrap().len()
        };
        assert_eq!(summary.bytes, demo.names.iter().map(size).sum::<u64>());
        assert_eq!(summary.rejected, 0);
        assert_eq!(summary.requests, demo.summary().requests);
    }
}

#[test]
fn a_text_column_of_a_parquet_file_had_bytes_that_are_not_utf_8() {
    let line = b"owner media [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT a \"GET /a HTTP/1.1\" \
        200 - 1 1 1 1 \"-\" \"agent \xFF\" -\n";
    let mut file = Vec::new();
    LogFormat::Parquet.write(line, &mut file).unwrap();
    assert!(memchr::memmem::find(&file, "agent \u{fffd}".as_bytes()).is_some());
    assert!(memchr::memmem::find(&file, b"agent \xFF").is_none());
}
