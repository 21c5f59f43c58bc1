//! Finding the log files of a logged bucket, and deleting log files that the cache has.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpListener;

use tamarin::source::open;
use tamarin::source::s3::{Credentials, S3Options};

use std::process::Output;

use crate::home::{Home, line, stderr};
use crate::support::s3_server::{ACCESS_KEY, S3Server, SECRET_KEY};

/// A server that sends these responses, a status and a body each, to requests of S3 in turn. It refuses requests of
/// CloudWatch Logs.
fn server_with(responses: &[(u16, String)]) -> S3Options {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut responses = VecDeque::from(responses.to_vec());
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match socket.read(&mut buffer).unwrap() {
                    0 => break,
                    length => request.extend_from_slice(&buffer[..length]),
                }
            }
            let is_logs = String::from_utf8_lossy(&request).to_ascii_lowercase().contains("x-amz-target");
            let (status, body) = match is_logs {
                true => (400, "{\"__type\":\"AccessDeniedException\"}".to_owned()),
                false => responses.pop_front().unwrap(),
            };
            let head =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            socket.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    S3Options {
        endpoint_url: Some(format!("http://{address}")),
        region: Some("us-east-1".to_owned()),
        credentials: Some(Credentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_access_key: SECRET_KEY.to_owned(),
            session_token: None,
        }),
        ..S3Options::default()
    }
}

fn names(names: &[&str]) -> (u16, String) {
    let contents: String = names
        .iter()
        .map(|name| {
            format!(
                "<Contents><Key>{name}</Key><Size>1</Size>\
                 <LastModified>2026-04-01T00:00:00.000Z</LastModified></Contents>"
            )
        })
        .collect();
    (200, format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"))
}

fn logging(inner: &str) -> (u16, String) {
    let space = "http://s3.amazonaws.com/doc/2006-03-01/";
    (200, format!("<BucketLoggingStatus xmlns=\"{space}\">{inner}</BucketLoggingStatus>"))
}

fn logged_to(bucket: &str, prefix: &str, format: &str) -> (u16, String) {
    logging(&format!(
        "<LoggingEnabled><TargetBucket>{bucket}</TargetBucket><TargetPrefix>{prefix}</TargetPrefix>{format}\
         </LoggingEnabled>"
    ))
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, format!("<Error><Code>{code}</Code><Message>no</Message></Error>"))
}

async fn locate(uri: &str, responses: &[(u16, String)]) -> Result<Option<String>, String> {
    let located = open(uri, &server_with(responses)).unwrap().locate().await;
    located.map(|found| found.map(|found| found.uri)).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_files_of_a_logged_bucket_are_found() {
    let media = names(&["a.mp4", "b/c.mp4"]);
    let target = Ok(Some("s3://acme-logs/media/".to_owned()));
    let responses = [media.clone(), logged_to("acme-logs", "media/", "")];
    assert_eq!(locate("s3://acme-media", &responses).await, target);
    let partitioned = "<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>EventTime\
                       </PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat>";
    let responses = [media.clone(), logged_to("acme-logs", "media/", partitioned)];
    assert_eq!(locate("s3://acme-media", &responses).await, target);
    let responses = [media, logged_to("acme-logs", "", "")];
    assert_eq!(locate("s3://acme-media", &responses).await, Ok(Some("s3://acme-logs".to_owned())));
    // Also if the bucket may not be listed.
    let responses = [refused(403, "AccessDenied"), logged_to("acme-logs", "media/", "")];
    assert_eq!(locate("s3://acme-media", &responses).await, target);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_with_log_files_is_used_as_it_is() {
    let logs = names(&["2026-04-03-03-11-11-0123456789ABCDEF", "notes.txt"]);
    assert_eq!(locate("s3://acme-logs", &[logs]).await, Ok(None));
    assert_eq!(locate("s3://acme-logs", &[names(&["april.log.gz"])]).await, Ok(None));
    // With a prefix, or only a slash, no request is sent.
    assert_eq!(locate("s3://acme-logs/", &[]).await, Ok(None));
    assert_eq!(locate("s3://acme-logs/media/", &[]).await, Ok(None));
    // An empty bucket, and a server without bucket logging.
    assert_eq!(locate("s3://acme-logs", &[names(&[]), logging("")]).await, Ok(None));
    let responses = [names(&["a.mp4"]), refused(501, "NotImplemented")];
    assert_eq!(locate("s3://acme-logs", &responses).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_says_that_logging_is_off_or_may_not_be_read() {
    let message = locate("s3://acme-media", &[names(&["a.mp4"]), logging("")]).await.unwrap_err();
    assert!(message.contains("its access logging is off"), "{message}");
    assert!(message.contains("logs:DescribeDeliverySources is required"), "{message}");
    assert!(message.contains("aws s3api put-bucket-logging --bucket acme-media "), "{message}");
    assert!(message.contains("write s3://acme-media/"), "{message}");
    let responses = [names(&["a.mp4"]), refused(403, "AccessDenied")];
    let message = locate("s3://acme-media", &responses).await.unwrap_err();
    assert!(message.contains("s3:GetBucketLogging is required on arn:aws:s3:::acme-media"), "{message}");
    assert!(message.contains("s3://LOG-BUCKET/PREFIX") && !message.contains('\n'), "{message}");
    let responses = [refused(403, "AccessDenied"), refused(403, "AccessDenied")];
    let message = locate("s3://acme-media", &responses).await.unwrap_err();
    assert!(message.contains("s3:ListBucket is required"), "{message}");
}

/// A server with `count` log files of one request each, a file that is not a log, and a log file that cannot be read.
fn with_logs(count: u32) -> S3Server {
    let server = S3Server::start(&["acme-logs"]);
    for n in 0..count {
        let request = line(n, "203.0.113.7", "-", "REST.GET.OBJECT", &format!("k{n}"), 200, "10");
        server.put("acme-logs", &name(n), request);
    }
    server.put("acme-logs", "p/2026-04-01-09-00-00-NOTES", "my notes, no log\n");
    server.put("acme-logs", "p/2026-04-01-09-00-01-BROKEN.gz", b"\x1f\x8b\x08\x00broken");
    server
}

fn name(n: u32) -> String {
    format!("p/2026-04-01-08-{:02}-{:02}-{n:016X}", n / 60 % 60, n % 60)
}

fn run(home: &Home, server: &S3Server, arguments: &[&str]) -> Output {
    let endpoint = server.endpoint();
    let all = [arguments, &["--endpoint-url", &endpoint]].concat();
    home.command(&all).envs(server.environment()).output().unwrap()
}

fn left(server: &S3Server) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(server.path("acme-logs", "p"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn requests(home: &Home) -> u64 {
    home.rows(&["report", "total"])[0]["requests"].as_u64().unwrap()
}

const SOURCE: &str = "s3://acme-logs/p/";
const KEPT: [&str; 2] = ["2026-04-01-09-00-00-NOTES", "2026-04-01-09-00-01-BROKEN.gz"];

#[test]
fn only_log_files_that_the_cache_has_completely_are_deleted() {
    let (home, server) = (Home::new(), with_logs(1100));
    server.take_requests();
    let output = run(&home, &server, &["pull", SOURCE, "--purge", "--yes"]);
    // Exit code 3: one log file could not be read.
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("1,100 log files deleted from s3://acme-logs/p/"),
        "{}",
        stderr(&output)
    );
    assert_eq!(left(&server), KEPT);
    let deletions = server.take_requests().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!(deletions, 2, "a thousand at a time");
    assert_eq!(requests(&home), 1100);
    home.succeeds(&["sources", "check"]);
    let again = run(&home, &server, &["pull", SOURCE, "--purge", "--yes"]);
    assert!(!stderr(&again).contains("deleted"), "{}", stderr(&again));
    assert_eq!((left(&server).len(), requests(&home)), (2, 1100));
}

#[test]
fn log_files_of_an_earlier_pull_are_deleted_and_not_added_again() {
    let (home, server) = (Home::new(), with_logs(20));
    // As after a process that was killed between the pull and the deletion.
    run(&home, &server, &["pull", SOURCE]);
    assert_eq!(left(&server).len(), 22, "never by default");
    // A new version of a log file is read before it is deleted.
    let other = line(50, "203.0.113.8", "-", "REST.GET.OBJECT", "another", 200, "1000");
    server.put("acme-logs", &name(3), other);
    let output = run(&home, &server, &["pull", SOURCE, "--purge", "--yes"]);
    assert!(stderr(&output).contains(" 1 request added"), "{}", stderr(&output));
    assert!(stderr(&output).contains("20 log files deleted"), "{}", stderr(&output));
    assert_eq!(left(&server), KEPT);
    assert_eq!(requests(&home), 20);
}

#[test]
fn requests_of_a_purged_log_file_stay_when_another_one_has_its_name() {
    let (home, server) = (Home::new(), with_logs(20));
    run(&home, &server, &["pull", SOURCE, "--purge", "--yes"]);
    assert_eq!((left(&server).len(), requests(&home)), (KEPT.len(), 20));
    for (number, expected) in [(50, 21), (51, 21), (52, 21)] {
        let other = line(number, "203.0.113.8", "-", "REST.GET.OBJECT", "another", 200, "1000");
        server.put("acme-logs", &name(3), other);
        run(&home, &server, &["pull", SOURCE]);
        assert_eq!(requests(&home), expected, "{number}");
    }
    run(&home, &server, &["pull", SOURCE, "--purge", "--yes"]);
    let other = line(60, "203.0.113.8", "-", "REST.GET.OBJECT", "yet-another", 200, "1000");
    server.put("acme-logs", &name(3), other);
    run(&home, &server, &["pull", SOURCE]);
    assert_eq!(requests(&home), 22);
    home.succeeds(&["sources", "check", "-q"]);
}

#[test]
fn log_files_of_pruned_requests_are_not_deleted() {
    let (home, server) = (Home::new(), with_logs(20));
    run(&home, &server, &["pull", SOURCE, "-q"]);
    home.succeeds(&["prune", "--before", "2026-04-01T00:00:05", "-q"]);
    assert_eq!(requests(&home), 15);
    let output = run(&home, &server, &["pull", SOURCE, "--purge", "--yes"]);
    assert!(!stderr(&output).contains("deleted"), "{}", stderr(&output));
    assert_eq!(left(&server).len(), 22);
}

#[test]
fn nothing_is_deleted_if_the_cache_is_damaged() {
    let (home, server) = (Home::new(), with_logs(20));
    let cache = home.path("c.db");
    let pull = ["pull", SOURCE, "-q", "--cache", cache.to_str().unwrap()];
    run(&home, &server, &pull);
    let connection = rusqlite::Connection::open(&cache).unwrap();
    connection
        .execute_batch("DELETE FROM column_chunk WHERE id = (SELECT max(id) FROM column_chunk)")
        .unwrap();
    drop(connection);
    let output = run(&home, &server, &[&pull[..], &["--purge", "--yes"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("nothing was deleted: the cache"), "{}", stderr(&output));
    assert_eq!(left(&server).len(), 22);
}

#[test]
fn deleting_requires_consent_and_a_source_in_s3() {
    let (home, server) = (Home::new(), with_logs(3));
    let output = run(&home, &server, &["pull", SOURCE, "--purge"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--yes"), "{}", stderr(&output));
    let output = run(&home, &server, &["pull", SOURCE, "logs", "--purge", "--yes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("in S3 only"), "{}", stderr(&output));
    assert_eq!(run(&home, &server, &["pull", SOURCE, "--yes"]).status.code(), Some(2));
    assert_eq!(left(&server).len(), 5);
    assert!(home.path("logs/2026-04-01-00-30-00-AAAA").exists());
}
