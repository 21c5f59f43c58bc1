//! Log groups of CloudWatch Logs as sources, and the search for the log group of a bucket.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use tamarin::cache::Writer;
use tamarin::ingest::{Ingest, Options, Phase, Progress};
use tamarin::source::{KnownFile, Located, LogFile, Source, SourceError, Window, open};
use tokio::sync::mpsc;

use crate::home::{Home, line, stderr};
use crate::support::logs_server::{Event, GROUP, GROUP_ARN, LogsRequest, LogsServer};
use crate::support::s3_server::{ACCESS_KEY, SECRET_KEY};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The record of request `n`.
fn message(n: u32) -> String {
    line(n, "203.0.113.7", "-", "REST.GET.OBJECT", &format!("k{n}"), 200, "10")
}

/// The event of request `n`, ingested a minute after its timestamp.
fn event(n: u32, time: i64) -> Event {
    Event { time, ingested: time + 60, message: message(n) }
}

/// `count` events, one each `step` seconds from `time` on, with requests from `first` on.
fn events(first: u32, count: u32, time: i64, step: i64) -> impl Iterator<Item = Event> {
    (0..count).map(move |n| event(first + n, time + i64::from(n) * step))
}

fn source(server: &LogsServer) -> Arc<dyn Source> {
    open(&format!("cloudwatch:{GROUP}"), &server.options()).unwrap()
}

async fn pull(cache: &Path, server: &LogsServer, window: Window) -> Progress {
    let writer = Writer::open(cache).unwrap();
    let options = Options { window, ..Options::default() };
    Ingest::start(writer, vec![source(server)], options).unwrap().finish().await
}

fn requests(cache: &Path) -> u64 {
    let cache = tamarin::cache::Cache::open(cache).unwrap();
    cache.sources().unwrap().iter().map(|source| source.requests).sum()
}

async fn list(
    source: &Arc<dyn Source>,
    window: Window,
    known: Vec<KnownFile>,
) -> Result<Vec<LogFile>, SourceError> {
    let (pages, mut listed) = mpsc::channel(4);
    let (done, mut files) = tokio::join!(source.list_unread(window, known, pages), async {
        let mut files = Vec::new();
        while let Some(page) = listed.recv().await {
            files.extend(page);
        }
        files
    });
    files.sort_by(|a: &LogFile, b| a.name.cmp(&b.name));
    done.map(|()| files)
}

async fn content(source: &Arc<dyn Source>, file: &LogFile) -> String {
    let mut content = String::new();
    source.fetch(file).await.unwrap().into_reader().unwrap().read_to_string(&mut content).unwrap();
    content
}

fn time(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

/// The readings of all events among the requests, as ranges of seconds.
fn readings(requests: &[LogsRequest]) -> Vec<(i64, i64)> {
    requests.iter().filter(|request| request.is_reading()).map(LogsRequest::seconds).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_pulled_and_only_late_ones_by_the_next_pull() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("c.db");
    for server in [LogsServer::start(7), LogsServer::with_empty_pages(7)] {
        let _ = std::fs::remove_file(&cache);
        // Three days, pages of 7 events.
        server.put(events(0, 100, now() - 3 * DAY, 2500));
        let end = pull(&cache, &server, Window::default()).await;
        assert_eq!((end.phase, end.files_failed, end.requests), (Phase::Done, 0, 100));
        let end = pull(&cache, &server, Window::default()).await;
        assert_eq!((end.requests, end.duplicates, end.removed, end.files_failed), (0, 0, 0, 0));
        // An event whose timestamp is in a range that was read, and a new one.
        server.put([event(200, now() - 2), event(201, now() - 1)]);
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let end = pull(&cache, &server, Window::default()).await;
        assert_eq!((end.requests, end.duplicates, end.removed, end.files_failed), (2, 0, 0, 0));
        assert_eq!(requests(&cache), 102);
        tamarin::cache::check::check(&cache, 0).map(|checked| assert!(checked.findings.is_empty())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttled_requests_are_sent_again_until_all_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("c.db");
    let server = LogsServer::start(10);
    server.put(events(0, 100, now() - 2 * DAY, 1000));
    server
        .refuse(|request| (request.number % 3 == 1).then_some((400, "ThrottlingException", "Rate exceeded")));
    let end = pull(&cache, &server, Window::default()).await;
    assert_eq!((end.phase, end.files_failed, end.requests), (Phase::Done, 0, 100));
    let throttled = server.take_requests().iter().filter(|request| request.number % 3 == 1).count();
    assert!(throttled > 3, "{throttled}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_that_fails_is_reported_and_read_by_the_next_pull() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("c.db");
    let server = LogsServer::start(10);
    let start = now() - 4 * DAY;
    server.put(events(0, 96, start, HOUR));
    let bad_day = start.div_euclid(DAY) * DAY + DAY;
    server.refuse(move |request| {
        (request.is_reading() && request.seconds().0 >= bad_day && request.seconds().0 < bad_day + DAY)
            .then_some((400, "InvalidParameterException", "no such day"))
    });
    let end = pull(&cache, &server, Window::default()).await;
    assert_eq!((end.phase, end.files_failed, end.requests), (Phase::Done, 1, 72));
    let failure = &end.failures[0];
    assert_eq!(failure.name, format!("{}..{}", time(bad_day), time(bad_day + DAY)));
    assert!(failure.reason.contains("no such day"), "{}", failure.reason);
    server.refuse(|_| None);
    let end = pull(&cache, &server, Window::default()).await;
    assert_eq!((end.files_failed, end.requests), (0, 24));
    assert_eq!(requests(&cache), 96);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_that_is_throttled_all_the_time_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let server = LogsServer::start(10);
    server.refuse(|_| Some((400, "ThrottlingException", "Rate exceeded")));
    let writer = Writer::open(&folder.path().join("c.db")).unwrap();
    let ingest = Ingest::start(writer, vec![source(&server)], Options::default()).unwrap();
    while server.take_requests().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    ingest.cancellation().cancel();
    assert_eq!(ingest.finish().await.phase, Phase::Cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_time_of_the_options_is_read() {
    let server = LogsServer::start(100);
    let today = now().div_euclid(DAY) * DAY;
    server.put(events(0, 100, today - 30 * DAY, 8 * HOUR));
    let window = Window { since: Some(today - 20 * DAY), until: Some(today - 19 * DAY) };
    let source = source(&server);
    let files = list(&source, window, Vec::new()).await.unwrap();
    // A day more, because the timestamps may be those of the delivery.
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let day = |n: i64| format!("{}..{}", time(today + n * DAY), time(today + (n + 1) * DAY));
    assert_eq!(names, [day(-20), day(-19)]);
    assert_eq!(content(&source, &files[0]).await.lines().count(), 3);
    for (start, end) in readings(&server.take_requests()) {
        assert!(start >= today - 20 * DAY && end <= today - 18 * DAY, "{start} {end}");
    }
    // Nothing of an empty time, and no further request.
    let window = Window { since: Some(today - 90 * DAY), until: Some(today - 80 * DAY) };
    assert_eq!(list(&source, window, Vec::new()).await.unwrap(), []);
    assert_eq!(server.take_requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_day_takes_one_request_and_a_busy_one_is_read_in_parts() {
    let server = LogsServer::start(50);
    let day = now().div_euclid(DAY) * DAY - 20 * DAY;
    server.put(events(0, 40, day, 2000));
    server.put(events(100, 2000, day + DAY, 43));
    let source = source(&server);
    let window = Window { since: Some(day), until: Some(day + DAY + HOUR) };
    let files = list(&source, window, Vec::new()).await.unwrap();
    // 50 events take 36 minutes, so 32 pages take more than 12 hours.
    assert_eq!(files.len(), 4, "{files:?}");
    let mut lines = 0;
    for file in &files {
        lines += content(&source, file).await.lines().count();
    }
    assert_eq!(lines, 2040);
    let quiet = readings(&server.take_requests()).iter().filter(|(start, _)| *start == day).count();
    assert_eq!(quiet, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_events_of_an_older_range_are_a_log_file_of_their_own() {
    let server = LogsServer::start(100);
    let start = now().div_euclid(DAY) * DAY - 3 * DAY;
    server.put(events(0, 10, start, HOUR));
    // Read an hour after its end; due again since.
    let read_at = start + DAY + HOUR;
    let name = format!("{}..{}", time(start), time(start + DAY));
    let known = KnownFile { name: name.clone(), version: Some(time(read_at)), is_whole: true };
    server.put([Event { time: start + HOUR, ingested: read_at + 5, message: message(77) }]);
    let source = source(&server);
    let window = Window { since: None, until: Some(start + HOUR) };
    let files = list(&source, window, vec![known.clone()]).await.unwrap();
    let late = &files[0];
    assert_eq!(late.name, format!("{name}/late-from-{}", time(read_at - 600)));
    assert_eq!(content(&source, late).await, message(77));
    // After the late reading it is not due for some time.
    let version = late.version.clone();
    let known_late = KnownFile { name: late.name.clone(), version, is_whole: true };
    let files = list(&source, window, vec![known, known_late]).await.unwrap();
    assert!(!files.iter().any(|file| file.name.starts_with(&name)), "{files:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_stay_when_their_events_expire() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("c.db");
    let server = LogsServer::start(100);
    server.put(events(0, 100, now() - 12 * DAY, 2 * HOUR));
    pull(&cache, &server, Window::default()).await;
    server.expire_before(now() - 5 * DAY);
    let end = pull(&cache, &server, Window::default()).await;
    assert_eq!((end.files_failed, end.removed), (0, 0));
    assert_eq!(requests(&cache), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_do_not_fit_into_memory_are_read_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("c.db");
    let server = LogsServer::start(3000);
    // 8 MB in one minute.
    server.put((0..20_000).map(|n| event(n, now() - 2 * HOUR)));
    let end = pull(&cache, &server, Window::default()).await;
    assert_eq!((end.files_failed, end.requests), (0, 20_000));
}

fn command(home: &Home, server: &LogsServer, arguments: &[&str]) -> Command {
    let endpoint = server.endpoint();
    let all = [arguments, &["--endpoint-url", &endpoint]].concat();
    let environment = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    let mut command = home.command(&all);
    command.envs(environment);
    command
}

fn run(home: &Home, server: &LogsServer, arguments: &[&str]) -> Output {
    command(home, server, arguments).output().unwrap()
}

#[test]
fn a_log_group_is_pulled_by_name_or_arn_and_listed_as_a_source() {
    let (home, server) = (Home::new(), LogsServer::start(100));
    server.put(events(0, 30, now() - HOUR, 60));
    for spec in [&format!("cloudwatch:{GROUP}"), GROUP_ARN] {
        let output = run(&home, &server, &["pull", spec]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains(" 30 requests added"), "{}", stderr(&output));
    }
    let sources = home.rows(&["sources"]);
    assert_eq!(sources[0]["source"], format!("cloudwatch:{GROUP}"));
    assert_eq!(sources[1]["source"], format!("cloudwatch:{GROUP_ARN}"));
    assert_eq!((&sources[0]["requests"], &sources[0]["state"]), (&30.into(), &serde_json::Value::Null));
    assert_eq!(sources[0]["log_bytes"], serde_json::Value::Null, "a log group has no sizes, not 0 B");
    // Without a SOURCE, both are pulled again.
    let output = run(&home, &server, &["pull"]);
    assert!(stderr(&output).contains(" 0 requests added"), "{}", stderr(&output));
    let monitored = run(&home, &server, &["sources", "add", &format!("cloudwatch:{GROUP}")]);
    assert_eq!(monitored.status.code(), Some(0), "{}", stderr(&monitored));
    assert_eq!(home.rows(&["sources"])[0]["state"], "monitored");
    home.succeeds(&["sources", "check", "-q"]);
}

#[cfg(unix)]
#[test]
fn a_continuous_pull_adds_the_events_of_each_round_and_late_ones() {
    let (home, server) = (Home::new(), LogsServer::start(100));
    server.put(events(0, 30, now() - HOUR, 60));
    let spec = format!("cloudwatch:{GROUP}");
    let mut pull =
        command(&home, &server, &["pull", &spec, "--every", "1s", "--cache", "c.db", "-q"]).spawn().unwrap();
    let cache = home.path("c.db");
    let count = || {
        let sources =
            tamarin::cache::Cache::open(&cache).and_then(|cache| cache.sources()).unwrap_or_default();
        sources.iter().map(|source| (source.requests, source.duplicates)).next().unwrap_or_default()
    };
    let wait_for = |requests: u64| {
        let begun = std::time::Instant::now();
        while count().0 < requests {
            assert!(begun.elapsed().as_secs() < 60, "{:?} instead of {requests}", count());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    wait_for(30);
    for round in 1..=3u32 {
        // A new event, and one with a timestamp of the seconds that the last round read.
        server.put([event(100 + round, now()), event(200 + round, now() - 3)]);
        wait_for(30 + 2 * u64::from(round));
    }
    let readings_so_far = readings(&server.take_requests()).len();
    // Rounds without new events go on.
    let begun = std::time::Instant::now();
    let mut more = 0;
    while more < 2 {
        assert!(begun.elapsed().as_secs() < 60, "no reading after {readings_so_far}");
        std::thread::sleep(std::time::Duration::from_millis(100));
        more += readings(&server.take_requests()).len();
    }
    let stopped = Command::new("kill").args(["-TERM", &pull.id().to_string()]).status();
    assert!(stopped.unwrap().success());
    assert_eq!(pull.wait().unwrap().code(), Some(0));
    let (requests, repeats) = count();
    assert_eq!(requests, 36);
    // From 23:00 UTC, the day is so old that its late events are read as log files of their own, which overlap.
    let is_young = now().rem_euclid(24 * HOUR) < 23 * HOUR - 120;
    assert!(repeats == 0 || !is_young, "{repeats} events of ranges that are read again are repeats");
    home.succeeds(&["sources", "check", "-q", "--cache", "c.db"]);
}

#[test]
fn errors_say_what_is_missing() {
    let (home, server) = (Home::new(), LogsServer::start(100));
    let message = |spec: &str| {
        let output = run(&home, &server, &["pull", spec]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert_eq!(stderr(&output).trim_end().lines().count(), 1, "{}", stderr(&output));
        stderr(&output)
    };
    let text = message("cloudwatch:acme-other");
    assert!(text.contains("there is no log group `acme-other` in region us-east-1"), "{text}");
    assert!(text.contains("--region"), "{text}");
    let group = format!("cloudwatch:{GROUP}");
    let text = message(&group);
    assert!(text.contains("no log files found in cloudwatch:"), "{text}");

    server.refuse(|_| Some((400, "AccessDeniedException", "User: ana is not authorized")));
    let text = message(&group);
    assert!(text.contains("logs:FilterLogEvents is required on the log group"), "{text}");
    server.refuse(|_| Some((400, "ExpiredTokenException", "The security token is expired")));
    assert!(message(&group).contains("credentials have expired"));
    server.refuse(|_| Some((400, "UnrecognizedClientException", "invalid token")));
    assert!(message(&group).contains("does not know the access key"));
    server.refuse(|_| Some((400, "InvalidParameterException", "INFREQUENT_ACCESS is not supported")));
    assert!(message(&group).contains("requires a log group of the class Standard"));
    for (spec, expected) in
        [("cloudwatch:", "names no log group"), ("cloudwatch:a b", "is not the name of a log group")]
    {
        let output = run(&home, &server, &["pull", spec]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

async fn locate(server: &LogsServer, uri: &str) -> Result<Option<Located>, String> {
    open(uri, &server.options()).unwrap().locate().await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_group_of_a_bucket_is_found() {
    let server = LogsServer::start(100);
    let located = |uri: &str, also: &[&str]| {
        Ok(Some(Located { uri: uri.to_owned(), also: also.iter().map(|text| (*text).to_owned()).collect() }))
    };
    let group_arn = format!("{GROUP_ARN}:*");
    let group = format!("cloudwatch:{GROUP_ARN}");
    server.deliver_to(&[("CWL", &group_arn)]);
    assert_eq!(locate(&server, "cloudwatch:s3://acme-media").await, located(&group, &[]));
    assert_eq!(locate(&server, "s3://acme-media").await, located(&group, &[]));
    // With a delivery to S3, log files there are preferred, and the log group if it is asked for.
    let firehose = "arn:aws:firehose:us-east-1:111122223333:deliverystream/x";
    server.deliver_to(&[("CWL", &group_arn), ("S3", "arn:aws:s3:::acme-logs/json"), ("FH", firehose)]);
    let bucket = "s3://acme-logs/json/";
    assert_eq!(locate(&server, "s3://acme-media").await, located(bucket, &[&group, firehose]));
    assert_eq!(locate(&server, "cloudwatch:s3://acme-media").await, located(&group, &[bucket, firehose]));
    // The target of the bucket's own logging comes first.
    server.log_to("acme-logs", "text/");
    assert_eq!(
        locate(&server, "s3://acme-media").await,
        located("s3://acme-logs/text/", &[&group, bucket, firehose])
    );
    // Without permission for the second question, the first answer is enough.
    server.refuse(|_| Some((400, "AccessDeniedException", "no")));
    assert_eq!(locate(&server, "s3://acme-media").await, located("s3://acme-logs/text/", &[]));
    let text = locate(&server, "cloudwatch:s3://acme-media").await.unwrap_err();
    assert!(text.contains("logs:DescribeDeliverySources is required on *"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_without_a_log_group_is_reported() {
    let server = LogsServer::start(100);
    let text = locate(&server, "cloudwatch:s3://acme-media").await.unwrap_err();
    assert!(text.contains("configured in region us-east-1"), "{text}");
    assert!(text.contains("put-delivery-source --name acme-media"), "{text}");
    server.deliver_to(&[("S3", "arn:aws:s3:::acme-logs")]);
    let text = locate(&server, "cloudwatch:s3://acme-media").await.unwrap_err();
    assert!(text.contains("not delivered to a log group, but to s3://acme-logs/AWSLogs/"), "{text}");
}

#[test]
fn a_pull_of_the_bucket_says_which_of_several_places_it_reads() {
    let (home, server) = (Home::new(), LogsServer::start(100));
    server.put(events(0, 30, now() - HOUR, 60));
    server.deliver_to(&[("CWL", &format!("{GROUP_ARN}:*")), ("S3", "arn:aws:s3:::acme-logs/json")]);
    let output = run(&home, &server, &["pull", "cloudwatch:s3://acme-media"]);
    let text = stderr(&output);
    assert!(
        text.contains(&format!("is logged to cloudwatch:{GROUP_ARN}; reading the log files there")),
        "{text}"
    );
    assert!(text.contains("(also to s3://acme-logs/json/, with the same requests"), "{text}");
    assert!(text.contains(" 30 requests added"), "{text}");
}
