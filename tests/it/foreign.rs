//! Files of other kinds, archives, and logs with other lines: how they are reported, and what is read.

use std::io::{Cursor, Write};
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::home::{Home, line, stderr};
use crate::support::s3_server::S3Server;

/// A line for each of these seconds, which is also its number of bytes sent.
fn log(seconds: std::ops::Range<u32>) -> String {
    let request =
        |second| line(second, "192.0.2.1", "-", "REST.GET.OBJECT", "a.txt", 200, &second.to_string());
    seconds.map(request).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

type Files<'a> = &'a [(&'a str, &'a [u8])];

fn tar(files: Files<'_>) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if name.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
        }
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn zip(files: Files<'_>) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default();
        match name.strip_suffix('/') {
            Some(folder) => archive.add_directory(folder, options).unwrap(),
            None => {
                archive.start_file(*name, options).unwrap();
                archive.write_all(content).unwrap();
            }
        }
    }
    archive.finish().unwrap().into_inner()
}

/// A home with an empty folder `in`.
fn home() -> Home {
    let home = Home::new();
    std::fs::create_dir(home.path("in")).unwrap();
    home
}

fn put(home: &Home, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(home.path(name), content).unwrap();
}

/// Pulls, checks the exit code, and returns the messages.
fn pull(home: &Home, code: i32, source: &str) -> String {
    let output = home.run(&["pull", source]);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    stderr(&output)
}

/// The number of requests in the cache, and the sum of their bytes.
fn totals(home: &Home) -> (u64, u64) {
    let row = &home.rows(&["report", "total"])[0];
    (row["requests"].as_u64().unwrap(), row["bytes_sent"].as_u64().unwrap_or(0))
}

fn sum(seconds: std::ops::Range<u32>) -> u64 {
    seconds.map(u64::from).sum()
}

/// Log files and numbers of the rejected lines.
fn rejected(home: &Home) -> Vec<(String, u64)> {
    let rows = home.rows(&["sources", "rejected"]);
    rows.iter()
        .map(|row| (row["log_file"].as_str().unwrap().to_owned(), row["line"].as_u64().unwrap()))
        .collect()
}

#[test]
fn a_file_named_as_a_log_file_whose_lines_are_all_damaged_has_rejected_lines() {
    let home = home();
    let named = "2026-04-03-03-11-11-0123456789ABCDEF";
    put(&home, &format!("in/{named}"), "torn\nno record\n");
    put(&home, &format!("in/media-{named}.gz"), gzip(b"torn as well\n"));
    put(&home, "in/README.txt", "These are the logs of the media bucket.\n");
    put(&home, "in/2026-04-03-03-11-11-0123456789ABCDEF.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    let output_text = pull(&home, 0, "in");
    assert!(output_text.contains("2 log files read, 0 requests added"), "{output_text}");
    assert!(
        output_text.contains("3 lines rejected") && output_text.contains("2 without log lines (a picture)"),
        "{output_text}"
    );
    assert_eq!(
        rejected(&home),
        [(named.to_owned(), 1), (named.to_owned(), 2), (format!("media-{named}.gz"), 1)]
    );
    assert!(pull(&home, 0, "in").contains("2 already in the cache, 2 without log lines"));
}

#[test]
fn junk_lines_before_the_first_record_do_not_hide_that_a_file_is_a_log() {
    for (junk, content) in [(150, log(0..3)), (5000, log(0..20_000))] {
        let home = home();
        let text = "junk\n".repeat(junk) + &content;
        put(&home, "in/access.log", &text);
        put(&home, "in/compressed.log", gzip((text + &log(0..1)).as_bytes()));
        pull(&home, 0, "in");
        assert_eq!(totals(&home).0, content.lines().count() as u64);
        let lines = rejected(&home);
        assert_eq!(lines.len(), 2 * junk);
        assert_eq!((lines[0].1, lines[junk - 1].1), (1, junk as u64));
    }
}

const CLOUDFRONT: &str = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host)\n\
    2026-08-05\t10:00:00\tDOC50-P1\t1000\t192.0.2.39\tGET\tddocs.cloudfront.net\t/\t200\t-\tMozilla/5.0%20(X11)\n";

#[test]
fn a_cloudfront_log_is_refused_alone_and_skipped_in_a_folder() {
    let home = home();
    put(&home, "in/cloudfront.log", CLOUDFRONT.to_owned() + &CLOUDFRONT.repeat(1000));
    let output_text = home.fails_in_one_line(1, &["pull", "in/cloudfront.log"]);
    assert!(
        output_text
            .contains("in/cloudfront.log is a CloudFront log, not an S3 server access log; name log files"),
        "{output_text}"
    );
    put(&home, "in/E2EXAMPLE.2026-08-05-10.abcdef.gz", gzip(CLOUDFRONT.as_bytes()));
    let output_text = home.fails_in_one_line(1, &["pull", "in"]);
    assert!(
        output_text.contains("all 2 files in ") && output_text.contains(" are CloudFront logs, not S3"),
        "{output_text}"
    );
    put(&home, "in/a.log", log(0..2));
    let output_text = pull(&home, 0, "in");
    assert!(output_text.contains("1 log file read, 2 requests added"), "{output_text}");
    assert!(
        output_text.contains("2 without log lines (2 CloudFront logs)") && !output_text.contains("rejected"),
        "{output_text}"
    );
    assert_eq!(rejected(&home), []);
    assert!(pull(&home, 0, "in").contains("1 already in the cache, 2 without log lines"));
}

#[test]
fn files_of_other_kinds_are_refused_with_their_kind() {
    // Records of S3 have a time.
    let json = "{\"schema_version_id\": \"V_1_0\", \"bucket_arn\": \"arn:aws:s3:::media\", \
                \"operation\": \"REST.GET.OBJECT\"}\n";
    let alb = "https 2026-07-02T22:23:00.186641Z app/my-lb/50dc6c495c0c9188 192.0.2.1:2817 198.51.100.1:80 0.086 \
               0.048 0.037 200 200 0 57 \"GET https://www.example.com:443/ HTTP/1.1\" \"curl/7.46.0\" - -\n";
    let inner = zip(&[("a.zip", &zip(&[]))]);
    for (content, one) in [
        (json.as_bytes(), "a JSON file"),
        (alb.as_bytes(), "a load balancer log"),
        (b"{\"Records\":[{\"eventVersion\":\"1.09\"}]}", "a CloudTrail log"),
        (b"BZh91AY&SY\0\0", "a bzip2 file"),
        (b"\xfd7zXZ\0\0\x04\xe6", "an xz file"),
        (&gzip(json.as_bytes()), "a JSON file"),
        (&gzip(&gzip(b"x")), "a file that is compressed twice"),
        (&inner, "a zip archive"),
    ] {
        let home = home();
        put(&home, "in/file", content);
        let output_text = home.fails_in_one_line(1, &["pull", "in/file"]);
        assert!(output_text.contains(&format!(" is {one}, not an S3 server access log; ")), "{output_text}");
    }
}

#[test]
fn comments_and_headers_are_counted_but_neither_records_nor_rejected() {
    let home = home();
    let start = "log starts 2026-02-06 09:30:25.123456789 +0000 UTC m=+0.012345678\n";
    let header = "BucketOwner Bucket Time RemoteIP Requester RequestID Operation Key Request-URI\n";
    let text = [start, "#comment\n", &log(0..1), "# Fields: a b\n", header, &log(1..2), "junk\n", "# end"];
    put(&home, "in/a.log", text.concat());
    let output_text = pull(&home, 0, "in");
    assert!(
        output_text.contains("2 requests added") && output_text.contains("1 line rejected"),
        "{output_text}"
    );
    assert_eq!(rejected(&home), [("a.log".to_owned(), 7)]);
    assert_eq!(totals(&home), (2, sum(0..2)));
}

/// Archives of all formats with these files.
fn archives(files: Files<'_>) -> [(&'static str, Vec<u8>); 4] {
    let tarred = tar(files);
    let zstd = zstd::encode_all(tarred.as_slice(), 1).unwrap();
    [("a.tar.gz", gzip(&tarred)), ("a.tar.zst", zstd), ("a.tar", tarred), ("a.zip", zip(files))]
}

#[test]
fn the_second_pull_of_an_archive_says_that_it_is_in_the_cache() {
    let damaged = log(0..20).replace("[01/Apr/2026", "[31/Feb/2026");
    for (name, archive) in archives(&[("one.log", log(0..2).as_bytes()), ("two.log", damaged.as_bytes())]) {
        let home = home();
        put(&home, &format!("in/{name}"), archive);
        assert!(pull(&home, 0, "in").contains("2 log files read, 2 requests added"), "{name}");
        let again = pull(&home, 0, "in");
        assert!(again.contains("1 already in the cache") && !again.contains("without log lines"), "{again}");
    }
    // All lines of its only member are rejected.
    for (name, archive) in archives(&[("two.log", damaged.as_bytes())]) {
        let home = home();
        put(&home, &format!("in/{name}"), archive);
        let first = pull(&home, 0, "in");
        assert!(
            first.contains("1 log file read, 0 requests added") && first.contains("20 lines rejected"),
            "{first}"
        );
        let reasons = home.rows(&["sources", "rejected"]);
        assert!(reasons[0].to_string().contains("not a valid time: [31/Feb/2026"), "{}", reasons[0]);
        let again = pull(&home, 0, "in");
        assert!(again.contains("1 already in the cache") && !again.contains("without log lines"), "{again}");
    }
    // An archive without log files stays one.
    let home = home();
    put(&home, "in/a.zip", zip(&[("README.txt", b"no log\n")]));
    for _ in 0..2 {
        home.fails_in_one_line(1, &["pull", "in"]);
    }
}

#[test]
fn every_member_of_an_archive_is_a_log_file_of_its_own() {
    let (one, two) = (log(0..2), log(2..4) + "torn\n" + &log(4..5));
    let compressed = gzip(log(5..7).as_bytes());
    let files: Files<'_> = &[
        ("logs/", b""),
        ("logs/2026-08-05-11-00-00-0000000000000001", one.as_bytes()),
        ("logs/2026-08-05-12-00-00-0000000000000002", two.as_bytes()),
        ("logs/2026-08-05-13-00-00-0000000000000003.gz", &compressed),
        ("logs/empty.log", b""),
        ("logs/picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("README.txt", b"These are the logs of the media bucket.\n"),
        ("cloudfront.log", CLOUDFRONT.as_bytes()),
    ];
    for (name, content) in archives(files) {
        let home = home();
        let path = format!("in/{name}");
        put(&home, &path, content);
        // Alone and in a folder.
        for source in [path.as_str(), "in"] {
            let output_text = pull(&home, 0, source);
            assert!(output_text.contains("3 log files read"), "{name}: {output_text}");
            assert!(
                output_text.contains("1 line rejected") && output_text.contains("3 without log lines"),
                "{name}: {output_text}"
            );
            let output_text = pull(&home, 0, source);
            assert!(output_text.contains("0 log files read, 0 requests added"), "{name}: {output_text}");
        }
        let member = format!("{name}/logs/2026-08-05-12-00-00-0000000000000002");
        assert_eq!(rejected(&home), [(member.clone(), 3), (member, 3)]);
        home.succeeds(&["sources", "remove", "in", "--with-requests", "-q"]);
        assert_eq!(totals(&home), (7, sum(0..7)), "{name}");
        home.succeeds(&["sources", "check"]);
    }
}

#[test]
fn a_replaced_archive_gives_its_new_members_and_removed_members_stay() {
    let home = home();
    let (one, two, three) = (log(0..2), log(2..4), log(10..13));
    for (index, (name, content)) in
        archives(&[("one", one.as_bytes()), ("two", two.as_bytes())]).into_iter().enumerate()
    {
        let other = &archives(&[("one", three.as_bytes()), ("new", one.as_bytes())])[index].1;
        let path = format!("in/{name}");
        put(&home, &path, content);
        pull(&home, 0, &path);
        put(&home, &path, other);
        pull(&home, 0, &path);
        assert_eq!(totals(&home), (7, sum(0..4) + sum(10..13)), "{name}");
        // It becomes a plain log file. The members, whose names differ, stay.
        put(&home, &path, log(20..21));
        pull(&home, 0, &path);
        assert_eq!(totals(&home), (8, sum(0..4) + sum(10..13) + 20), "{name}");
        home.succeeds(&["sources", "check"]);
        home.succeeds(&["sources", "remove", &path, "--with-requests", "-q"]);
    }
}

#[test]
fn a_damaged_archive_gives_nothing_and_the_previous_version_stays() {
    let home = home();
    let many = log(0..300);
    let good = gzip(&tar(&[("one", log(0..2).as_bytes())]));
    let mut damaged = gzip(&tar(&[("one", log(5..6).as_bytes()), ("two", many.as_bytes())]));
    let checksum = damaged.len() - 6;
    damaged[checksum] ^= 1;
    put(&home, "in/a.tar.gz", good);
    pull(&home, 0, "in");
    put(&home, "in/a.tar.gz", &damaged);
    for _ in 0..2 {
        assert!(pull(&home, 3, "in").contains("gzip data is damaged"));
        assert_eq!(totals(&home), (2, sum(0..2)));
    }
    damaged[checksum] ^= 1;
    put(&home, "in/a.tar.gz", &damaged);
    pull(&home, 0, "in");
    assert_eq!(totals(&home), (300, sum(0..300)));
    // In a zip archive each member has a checksum of its own.
    let mut damaged = zip(&[("one", log(400..401).as_bytes()), ("two", log(401..402).as_bytes())]);
    damaged[60] ^= 1;
    put(&home, "in/b.zip", damaged);
    let output_text = pull(&home, 3, "in");
    assert!(output_text.contains("b.zip/one: the member of the zip archive is damaged"), "{output_text}");
    assert_eq!(totals(&home), (301, sum(0..300) + 401));
    home.succeeds(&["sources", "check"]);
}

#[test]
fn a_large_member_of_a_zip_archive_with_a_wrong_checksum_gives_nothing() {
    let home = home();
    let content = log(0..20_000);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("large.log", stored).unwrap();
    archive.write_all(content.as_bytes()).unwrap();
    archive.start_file("large.log.gz", stored).unwrap();
    archive.write_all(&gzip(log(20_000..40_000).as_bytes())).unwrap();
    archive.start_file("small.log", stored).unwrap();
    archive.write_all(log(50_000..50_001).as_bytes()).unwrap();
    let mut archive = archive.finish().unwrap().into_inner();
    // The last digit of a number in the middle of the first member, and a byte of the header of the second.
    let digit = archive.len().min(content.len()) / 2;
    let digit = digit + archive[digit..].iter().position(u8::is_ascii_digit).unwrap();
    archive[digit] ^= 1;
    let name = memchr::memmem::rfind(&archive[..archive.len() - 400], b"\x1f\x8b\x08").unwrap();
    archive[name + 4] ^= 1;
    put(&home, "in/a.zip", archive);
    let output_text = pull(&home, 3, "in");
    assert!(
        output_text.contains(
            "the member of the zip archive is damaged: Invalid checksum: a.zip/large.log, a.zip/large.log.gz"
        ),
        "{output_text}"
    );
    assert_eq!(totals(&home), (1, 50_000));
}

#[test]
fn requests_committed_before_their_archive_turned_out_to_be_damaged_are_removed() {
    let home = home();
    put(&home, "in/a.log", log(50_000..50_001));
    pull(&home, 0, "in");
    let mut archive = gzip(&tar(&[("one", log(0..2000).as_bytes()), ("two", log(2000..20_000).as_bytes())]));
    let checksum = archive.len() - 6;
    archive[checksum] ^= 1;
    let mut process = home.command(&["pull", "-"]);
    let mut process = process.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let (first, rest) = archive.split_at(archive.len() / 2);
    stdin.write_all(first).unwrap();
    // Time for commits.
    std::thread::sleep(std::time::Duration::from_secs(1));
    stdin.write_all(rest).unwrap();
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(totals(&home), (1, 50_000));
}

#[test]
fn an_incomplete_archive_gives_its_first_members_and_is_read_again() {
    let home = home();
    let whole = tar(&[("one", log(0..5).as_bytes()), ("two", log(5..10).as_bytes())]);
    put(&home, "in/a.tar", &whole[..whole.len() - 1024 - 2500]);
    let output_text = pull(&home, 3, "in");
    assert!(output_text.contains("the tar archive ends too early"), "{output_text}");
    let (requests, _) = totals(&home);
    assert!((5..10).contains(&requests), "{requests}");
    assert!(pull(&home, 3, "in").contains("ends too early"));
    put(&home, "in/a.tar", &whole);
    pull(&home, 0, "in");
    assert_eq!(totals(&home), (10, sum(0..10)));
    let content = zip(&[("one", log(0..5).as_bytes())]);
    put(&home, "in/b.zip", &content[..content.len() - 30]);
    let output_text = pull(&home, 3, "in");
    assert!(output_text.contains("b.zip: the zip archive is damaged or incomplete"), "{output_text}");
}

#[test]
fn an_archive_can_be_piped_in_or_large() {
    let home = home();
    let (one, two) = (log(0..2000), log(2000..20_000));
    let archive = tar(&[("one", one.as_bytes()), ("two", two.as_bytes())]);
    assert!(archive.len() > 4 << 20);
    let expected = (20_000, sum(0..20_000));
    let mut process = home.command(&["report", "total", "-", "--format", "ndjson"]);
    let mut process = process.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(&gzip(&archive)).unwrap();
    let output = process.wait_with_output().unwrap();
    let row: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((row["requests"].as_u64(), row["bytes_sent"].as_u64()), (Some(expected.0), Some(expected.1)));
    put(&home, "in/a.tar", &archive);
    pull(&home, 0, "in");
    assert_eq!(totals(&home), expected);
}

#[test]
fn a_pull_that_is_stopped_within_an_archive_continues_there() {
    use tamarin::cache::Writer;
    use tamarin::ingest::{Ingest, Options, Phase};
    use tamarin::source::{S3Options, open};

    let home = home();
    let members: Vec<(String, String)> =
        (0..40).map(|n| (format!("{n}.log"), log(n * 1000..(n + 1) * 1000))).collect();
    let files: Vec<(&str, &[u8])> =
        members.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    put(&home, "in/a.tar.gz", gzip(&tar(&files)));
    put(&home, "in/b.zip", zip(&[("c.log", log(40_000..80_000).as_bytes())]));
    let cache = home.path("cache.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (mut stops, mut requests) = (0, 0);
    loop {
        let progress = runtime.block_on(async {
            let source = open(home.path("in").to_str().unwrap(), &S3Options::default()).unwrap();
            let ingest =
                Ingest::start(Writer::open(&cache).unwrap(), vec![source], Options::default()).unwrap();
            let cancel = ingest.cancellation();
            let mut progress = ingest.progress.clone();
            // The first pulls are cancelled after their first lines.
            let stopping = tokio::spawn(async move {
                while stops < 4 && progress.changed().await.is_ok() {
                    if progress.borrow_and_update().lines > 0 {
                        return cancel.cancel();
                    }
                }
            });
            let progress = ingest.finish().await;
            stopping.await.unwrap();
            progress
        });
        assert_eq!((progress.duplicates, progress.files_failed), (0, 0), "no line is read again");
        requests += progress.requests;
        match progress.phase {
            Phase::Done => break,
            phase => assert_eq!(phase, Phase::Cancelled),
        }
        stops += 1;
    }
    assert!(stops > 0);
    assert_eq!(requests, 80_000);
    let row = &home.rows(&["report", "total", "--cache", cache.to_str().unwrap()])[0];
    assert_eq!((&row["requests"], &row["bytes_sent"]), (&80_000.into(), &sum(0..80_000).into()));
}

#[test]
fn an_archive_in_a_bucket_is_read_but_never_deleted() {
    let home = home();
    let server = S3Server::start(&["acme-logs"]);
    let large = zip(&[("large.log", log(10..6000).as_bytes()), ("small.log", log(6000..6001).as_bytes())]);
    server.put("acme-logs", "p/a.tar.gz", gzip(&tar(&[("one.log", log(0..5).as_bytes())])));
    server.put("acme-logs", "p/b.tar", tar(&[("two.log", log(5..10).as_bytes())]));
    server.put("acme-logs", "p/c.zip", large);
    server.put("acme-logs", "p/d.log", log(6001..6010));
    for expected in ["5 log files read", "0 log files read"] {
        let endpoint = server.endpoint();
        let pull = ["pull", "s3://acme-logs/p/", "--purge", "--yes", "--endpoint-url", &endpoint];
        let output = home.command(&pull).envs(server.environment()).output().unwrap();
        let output_text = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{output_text}");
        assert!(output_text.contains(expected), "{output_text}");
    }
    assert_eq!(totals(&home), (6010, sum(0..6010)));
    let remaining = std::fs::read_dir(server.path("acme-logs", "p")).unwrap();
    assert_eq!(remaining.count(), 3, "the archives");
}

#[test]
fn a_zip_archive_on_standard_input_was_refused() {
    let home = home();
    let archive = zip(&[("one", log(0..3).as_bytes()), ("two", log(3..5).as_bytes())]);
    let mut process = home.command(&["pull", "-"]);
    let mut process = process.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(&archive).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("2 log files read, 5 requests added"), "{}", stderr(&output));
    assert_eq!(totals(&home), (5, sum(0..5)));
}

#[test]
fn a_file_with_megabytes_before_its_first_record_was_named_nowhere() {
    for compressed in [false, true] {
        let home = home();
        let text = "junk\n".repeat(1 << 20) + &log(0..3);
        put(&home, "in/access.log", if compressed { gzip(text.as_bytes()) } else { text.into_bytes() });
        let reason =
            "access.log: skipped, because there is no log line in the first 4 MiB; if it is a log file";
        assert!(home.fails_in_one_line(1, &["pull", "in/access.log"]).contains(reason));
        put(&home, "in/b.log", log(0..2));
        let output_text = pull(&home, 0, "in");
        assert!(output_text.contains(reason) && output_text.contains("1 without log lines"), "{output_text}");
        // Each pull names it: it may be a log file.
        let output_text = pull(&home, 0, "in");
        assert!(
            output_text.contains(reason) && output_text.contains("1 already in the cache"),
            "{output_text}"
        );
    }
}

#[test]
fn files_without_log_lines_and_archives_were_counted_as_log_files() {
    let home = home();
    put(&home, "in/a.log", log(0..2));
    put(&home, "in/cloudfront.log", CLOUDFRONT);
    put(&home, "in/README.txt", "These are the logs of the media bucket.\n");
    put(&home, "in/b.tar", tar(&[("one", log(2..4).as_bytes()), ("picture.png", b"\x89PNG\r\n\x1a\n")]));
    pull(&home, 0, "in");
    let sources = home.rows(&["sources"]);
    assert_eq!(sources[0]["log_files"], 2, "{sources:?}");
    assert_eq!(sources[0]["log_bytes"], (log(0..2).len() + log(2..4).len()) as u64, "{sources:?}");
    let output = home.run(&["sources", "remove", "in", "--with-requests"]);
    assert!(stderr(&output).contains("4 requests of 2 log files"), "{}", stderr(&output));
}

#[test]
fn an_empty_file_was_not_found() {
    let home = home();
    put(&home, "in/a.log", "");
    let output_text = home.fails_in_one_line(1, &["pull", "in/a.log"]);
    assert!(output_text.contains("a.log has no log lines: the file is empty"), "{output_text}");
    put(&home, "in/b.log.gz", gzip(b""));
    let output_text = home.fails_in_one_line(1, &["pull", "in/b.log.gz"]);
    assert!(output_text.contains("b.log.gz has no log lines: the file is empty"), "{output_text}");
    let output_text = home.fails_in_one_line(1, &["report", "total", "in"]);
    assert!(output_text.contains("/in has no log lines: all 2 files are empty"), "{output_text}");
    put(&home, "in/c.log", log(0..2));
    assert!(pull(&home, 0, "in").contains("1 log file read, 2 requests added"));
}

#[test]
fn a_log_in_utf_16_was_a_file_without_log_lines() {
    let home = home();
    let text: Vec<u8> =
        "\u{feff}".chars().chain(log(0..3).chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    put(&home, "in/2026-08-05-11-00-00-0000000000000001", text);
    let output_text = home.fails_in_one_line(1, &["pull", "in"]);
    assert!(
        output_text.contains("is a text file in UTF-16, not an S3 server access log; convert it"),
        "{output_text}"
    );
}
