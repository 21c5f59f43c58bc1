//! From a bucket that is logged to its log files.

use std::io::{Read, Write};
use std::net::TcpListener;

use tamarin::source::open;
use tamarin::source::s3::{Credentials, S3Options};

use crate::support::s3_server::{ACCESS_KEY, SECRET_KEY};

/// A server that answers each request, in turn, with a status and a body.
fn answering(answers: &[(u16, String)]) -> S3Options {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answers = answers.to_vec();
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match socket.read(&mut buffer).unwrap() {
                    0 => break,
                    length => request.extend_from_slice(&buffer[..length]),
                }
            }
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

async fn located(uri: &str, answers: &[(u16, String)]) -> Result<Option<String>, String> {
    open(uri, &answering(answers)).unwrap().locate().await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_logged_bucket_leads_to_its_log_files() {
    let media = names(&["a.mp4", "b/c.mp4"]);
    let place = Ok(Some("s3://acme-logs/media/".to_owned()));
    let answers = [media.clone(), logged_to("acme-logs", "media/", "")];
    assert_eq!(located("s3://acme-media", &answers).await, place);
    let partitioned = "<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>EventTime\
                       </PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat>";
    let answers = [media.clone(), logged_to("acme-logs", "media/", partitioned)];
    assert_eq!(located("s3://acme-media", &answers).await, place);
    let answers = [media, logged_to("acme-logs", "", "")];
    assert_eq!(located("s3://acme-media", &answers).await, Ok(Some("s3://acme-logs".to_owned())));
    // It may not even be listed.
    let answers = [refused(403, "AccessDenied"), logged_to("acme-logs", "media/", "")];
    assert_eq!(located("s3://acme-media", &answers).await, place);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_with_log_files_is_what_it_is() {
    let logs = names(&["2026-04-03-03-11-11-0123456789ABCDEF", "notes.txt"]);
    assert_eq!(located("s3://acme-logs", &[logs]).await, Ok(None));
    assert_eq!(located("s3://acme-logs", &[names(&["april.log.gz"])]).await, Ok(None));
    // With a prefix, or only a slash, nothing is asked.
    assert_eq!(located("s3://acme-logs/", &[]).await, Ok(None));
    assert_eq!(located("s3://acme-logs/media/", &[]).await, Ok(None));
    // Empty, or on a server without logging.
    assert_eq!(located("s3://acme-logs", &[names(&[]), logging("")]).await, Ok(None));
    let answers = [names(&["a.mp4"]), refused(501, "NotImplemented")];
    assert_eq!(located("s3://acme-logs", &answers).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logging_that_is_off_or_secret_is_told() {
    let message = located("s3://acme-media", &[names(&["a.mp4"]), logging("")]).await.unwrap_err();
    assert!(message.contains("its access logging is off"), "{message}");
    assert!(message.contains("aws s3api put-bucket-logging --bucket acme-media "), "{message}");
    assert!(message.contains("write s3://acme-media/"), "{message}");
    let answers = [names(&["a.mp4"]), refused(403, "AccessDenied")];
    let message = located("s3://acme-media", &answers).await.unwrap_err();
    assert!(message.contains("it takes s3:GetBucketLogging on arn:aws:s3:::acme-media"), "{message}");
    assert!(message.contains("s3://LOG-BUCKET/PREFIX") && !message.contains('\n'), "{message}");
    let answers = [refused(403, "AccessDenied"), refused(403, "AccessDenied")];
    let message = located("s3://acme-media", &answers).await.unwrap_err();
    assert!(message.contains("it takes s3:ListBucket"), "{message}");
}
