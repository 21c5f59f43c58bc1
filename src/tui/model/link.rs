//! What links on the screen open: pages of AWS, and files of this computer.
//!
//! A link opens only what the program chose. Text from logs is in the URI of a page of AWS percent-encoded, behind a host
//! that this file names, and the path of a log file is one that the user pulled. A referer is no link: a stranger
//! chose it, and one click on it would take the user to his page.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::log::{Field, error_code};
use crate::query::{RequestRow, Value, cost::region_of_host};

/// The bytes of the longest URI that terminals accept.
const MAX_URI_BYTES: usize = 2083;

/// What is not encoded: the unreserved characters of RFC 3986, and the slash.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The pages of the Amazon S3 API Reference.
const API_REFERENCE: &str = "https://docs.aws.amazon.com/AmazonS3/latest/API";

/// Where this process runs, for links to files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Computer {
    /// The name of the computer. A terminal on another one, over ssh, does not open its own file of that name.
    pub(crate) name: String,
    /// The working folder.
    pub(crate) folder: PathBuf,
}

/// What is known about links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// Whether the terminal is known to show links.
    pub(crate) are_supported: bool,
    pub(crate) computer: Computer,
}

/// A URI without spaces, control characters and characters outside of ASCII, that is not too long.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target(String);

impl Target {
    /// `None`: terminals would not open it.
    fn new(uri: String) -> Option<Target> {
        let is_plain = uri.bytes().all(|byte| byte.is_ascii_graphic());
        (is_plain && uri.len() <= MAX_URI_BYTES).then_some(Target(uri))
    }

    pub(crate) fn uri(&self) -> &str {
        &self.0
    }

    /// A file or a folder of this computer.
    pub(crate) fn file(path: &Path, computer: &Computer) -> Option<Target> {
        let Computer { name, folder } = computer;
        let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        let path = folder.join(path);
        if name.is_empty() || !is_name(name) || !path.is_absolute() {
            return None;
        }
        let path = percent_encode(path.as_os_str().as_encoded_bytes(), ENCODED);
        Target::new(format!("file://{name}{path}"))
    }

    /// The page about an operation as S3 logs it.
    pub(crate) fn operation(logged: &str) -> Option<Target> {
        let name = api_operation(logged)?;
        Target::new(format!("{API_REFERENCE}/API_{name}.html"))
    }

    /// The list of error codes, if this code is on it.
    pub(crate) fn error_code(code: &str) -> Option<Target> {
        error_code::known(code)?;
        Target::new(format!("{API_REFERENCE}/ErrorResponses.html#ErrorCodeList"))
    }

    /// What a field of a request opens.
    pub(crate) fn of_request(row: &RequestRow, field: Field, computer: &Computer) -> Option<Target> {
        let text = text_of(row, field)?;
        match field {
            Field::Operation => Target::operation(text),
            Field::ErrorCode => Target::error_code(text),
            Field::Bucket => Console::of(row)?.bucket(text),
            Field::Key => Console::of(row)?.object(text_of(row, Field::Bucket)?, text, row),
            Field::Source | Field::LogFile => {
                let source = text_of(row, Field::Source)?;
                let name = if field == Field::LogFile { Some(text) } else { None };
                match source.strip_prefix("s3://") {
                    Some(place) => Console::of(row)?.log_files(place, name),
                    None => Target::file(&path_of_log_file(source, name)?, computer),
                }
            }
            _ => None,
        }
    }
}

fn text_of(row: &RequestRow, field: Field) -> Option<&str> {
    match row.get(field) {
        Value::Text(text) => std::str::from_utf8(text).ok().filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// The ends of the names of archives.
const ARCHIVES: [&str; 6] = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".zip"];

/// The name of the archive if a log file is a member of one, which no other program can open; otherwise its own name.
fn outside_of_archives(name: &str) -> &str {
    let is_archive = |name: &str| {
        let name = name.to_ascii_lowercase();
        ARCHIVES.iter().any(|end| name.ends_with(end))
    };
    name.match_indices('/').map(|(at, _)| &name[..at]).find(|start| is_archive(start)).unwrap_or(name)
}

/// The path of a log file of a local source; without a name, that of the source. `None`: the source is not a file or folder.
fn path_of_log_file(source: &str, name: Option<&str>) -> Option<PathBuf> {
    let source = Path::new(source);
    let path = match name.map(outside_of_archives) {
        // The log file of a source that is a file has its name.
        Some(name) if source.file_name().is_none_or(|last| last != name) => source.join(name),
        _ => source.to_owned(),
    };
    source.is_absolute().then_some(path)
}

/// The console of the partition of AWS that answered a request.
struct Console {
    host: &'static str,
    region: Option<String>,
}

impl Console {
    /// `None`: the host of the request is not one of AWS, so that its bucket may be on another server.
    fn of(row: &RequestRow) -> Option<Console> {
        let host = text_of(row, Field::HostHeader)?.to_ascii_lowercase();
        let name = host.split(':').next()?;
        let region = region_of_host(&host);
        let is_gov = region.as_ref().is_some_and(|region| region.starts_with("us-gov-"));
        let host = match name {
            _ if name.ends_with(".amazonaws.com.cn") => "console.amazonaws.cn",
            _ if name.ends_with(".amazonaws.com") && is_gov => "console.amazonaws-us-gov.com",
            _ if name.ends_with(".amazonaws.com") => "s3.console.aws.amazon.com",
            _ => return None,
        };
        Some(Console { host, region })
    }

    fn page(&self, kind: &str, bucket: &str, parameters: &[(&str, &str)]) -> Option<Target> {
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
        let region = self.region.as_deref().map(|region| ("region", region));
        let query: Vec<String> = region
            .iter()
            .chain(parameters)
            .map(|(name, value)| format!("{name}={}", percent_encode(value.as_bytes(), ENCODED)))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let uri = format!("https://{}/s3/{kind}/{bucket}{mark}{}", self.host, query.join("&"));
        is_bucket.then(|| Target::new(uri)).flatten()
    }

    fn bucket(&self, bucket: &str) -> Option<Target> {
        self.page("buckets", bucket, &[])
    }

    fn object(&self, bucket: &str, key: &str, row: &RequestRow) -> Option<Target> {
        match text_of(row, Field::VersionId) {
            Some(version) => self.page("object", bucket, &[("prefix", key), ("versionId", version)]),
            None => self.page("object", bucket, &[("prefix", key)]),
        }
    }

    /// The folder of log files at `BUCKET/PREFIX`, or one log file in it. Both are of the region of the logged bucket, as S3
    /// requires.
    fn log_files(&self, place: &str, name: Option<&str>) -> Option<Target> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        match name {
            Some(name) => self.page("object", bucket, &[("prefix", outside_of_archives(name))]),
            None if prefix.is_empty() => self.bucket(bucket),
            None => self.page("buckets", bucket, &[("prefix", prefix)]),
        }
    }
}

/// The operations of the API by how S3 logs them: method, resource and name. Sources: the names of operations in "Amazon S3
/// server access log format" of the S3 user guide, and the Amazon S3 API Reference.
const OPERATIONS: [(&str, &str, &str); 58] = [
    ("COPY", "OBJECT", "CopyObject"),
    ("COPY", "OBJECT_GET", "CopyObject"),
    ("COPY", "PART", "UploadPartCopy"),
    ("COPY", "PART_GET", "UploadPartCopy"),
    ("DELETE", "BUCKET", "DeleteBucket"),
    ("DELETE", "BUCKETPOLICY", "DeleteBucketPolicy"),
    ("DELETE", "CORS", "DeleteBucketCors"),
    ("DELETE", "ENCRYPTION", "DeleteBucketEncryption"),
    ("DELETE", "LIFECYCLE", "DeleteBucketLifecycle"),
    ("DELETE", "OBJECT", "DeleteObject"),
    ("DELETE", "OBJECT_TAGGING", "DeleteObjectTagging"),
    ("DELETE", "PUBLIC_ACCESS_BLOCK", "DeletePublicAccessBlock"),
    ("DELETE", "REPLICATION", "DeleteBucketReplication"),
    ("DELETE", "TAGGING", "DeleteBucketTagging"),
    ("DELETE", "UPLOAD", "AbortMultipartUpload"),
    ("DELETE", "WEBSITE", "DeleteBucketWebsite"),
    ("GET", "ACCELERATE", "GetBucketAccelerateConfiguration"),
    ("GET", "ACL", "GetBucketAcl"),
    ("GET", "BUCKET", "ListObjectsV2"),
    ("GET", "BUCKETPOLICY", "GetBucketPolicy"),
    ("GET", "BUCKETVERSIONS", "ListObjectVersions"),
    ("GET", "CORS", "GetBucketCors"),
    ("GET", "ENCRYPTION", "GetBucketEncryption"),
    ("GET", "LIFECYCLE", "GetBucketLifecycleConfiguration"),
    ("GET", "LOCATION", "GetBucketLocation"),
    ("GET", "LOGGING_STATUS", "GetBucketLogging"),
    ("GET", "NOTIFICATION", "GetBucketNotificationConfiguration"),
    ("GET", "OBJECT", "GetObject"),
    ("GET", "OBJECT_ACL", "GetObjectAcl"),
    ("GET", "OBJECT_TAGGING", "GetObjectTagging"),
    ("GET", "OBJECT_TORRENT", "GetObjectTorrent"),
    ("GET", "POLICY_STATUS", "GetBucketPolicyStatus"),
    ("GET", "PUBLIC_ACCESS_BLOCK", "GetPublicAccessBlock"),
    ("GET", "REPLICATION", "GetBucketReplication"),
    ("GET", "REQUEST_PAYMENT", "GetBucketRequestPayment"),
    ("GET", "SERVICE", "ListBuckets"),
    ("GET", "TAGGING", "GetBucketTagging"),
    ("GET", "UPLOAD", "ListParts"),
    ("GET", "UPLOADS", "ListMultipartUploads"),
    ("GET", "VERSIONING", "GetBucketVersioning"),
    ("GET", "WEBSITE", "GetBucketWebsite"),
    ("HEAD", "BUCKET", "HeadBucket"),
    ("HEAD", "OBJECT", "HeadObject"),
    ("POST", "MULTI_OBJECT_DELETE", "DeleteObjects"),
    ("POST", "RESTORE", "RestoreObject"),
    ("POST", "UPLOAD", "CompleteMultipartUpload"),
    ("POST", "UPLOADS", "CreateMultipartUpload"),
    ("PUT", "ACL", "PutBucketAcl"),
    ("PUT", "BUCKET", "CreateBucket"),
    ("PUT", "BUCKETPOLICY", "PutBucketPolicy"),
    ("PUT", "LIFECYCLE", "PutBucketLifecycleConfiguration"),
    ("PUT", "LOGGING_STATUS", "PutBucketLogging"),
    ("PUT", "OBJECT", "PutObject"),
    ("PUT", "OBJECT_ACL", "PutObjectAcl"),
    ("PUT", "OBJECT_TAGGING", "PutObjectTagging"),
    ("PUT", "PART", "UploadPart"),
    ("PUT", "VERSIONING", "PutBucketVersioning"),
    ("PUT", "WEBSITE", "PutBucketWebsite"),
];

/// The name in the API of an operation as S3 logs it: `REST.GET.OBJECT` → `GetObject`.
fn api_operation(logged: &str) -> Option<&'static str> {
    let mut parts = logged.split('.');
    let (interface, method, resource) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !matches!(interface, "REST" | "WEBSITE") {
        return (logged == "BATCH.DELETE.OBJECT").then_some("DeleteObjects");
    }
    let found = OPERATIONS.iter().find(|(of, what, _)| (*of, *what) == (method, resource));
    found.map(|(_, _, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{APRIL, get};

    fn row(fields: &[(Field, &str)]) -> RequestRow {
        let mut row = get(APRIL, "203.0.113.7", "films/a b.mp4", 200, 1);
        for (field, text) in fields {
            row.fields[*field as usize] = Value::from(*text);
        }
        row
    }

    fn computer() -> Computer {
        Computer { name: "host.example".to_owned(), folder: "/home/ann".into() }
    }

    fn uri(fields: &[(Field, &str)], field: Field) -> Option<String> {
        Target::of_request(&row(fields), field, &computer()).map(|target| target.uri().to_owned())
    }

    const AWS: (Field, &str) = (Field::HostHeader, "acme.s3.eu-west-1.amazonaws.com");

    #[test]
    fn a_request_links_to_the_console_and_the_reference_of_aws() {
        let fields = [
            (Field::Bucket, "acme"),
            (Field::Key, "films/a b+ü?.mp4"),
            (Field::Operation, "REST.GET.OBJECT"),
            (Field::ErrorCode, "NoSuchKey"),
            AWS,
        ];
        let console = "https://s3.console.aws.amazon.com/s3";
        for (field, expected) in [
            (
                Field::Key,
                format!("{console}/object/acme?region=eu-west-1&prefix=films/a%20b%2B%C3%BC%3F.mp4"),
            ),
            (Field::Bucket, format!("{console}/buckets/acme?region=eu-west-1")),
            (Field::Operation, format!("{API_REFERENCE}/API_GetObject.html")),
            (Field::ErrorCode, format!("{API_REFERENCE}/ErrorResponses.html#ErrorCodeList")),
        ] {
            assert_eq!(uri(&fields, field), Some(expected), "{field:?}");
        }
        let version = [&fields[..], &[(Field::VersionId, "v1 2")]].concat();
        assert!(uri(&version, Field::Key).unwrap().ends_with("a%20b%2B%C3%BC%3F.mp4&versionId=v1%202"));
    }

    #[test]
    fn the_console_is_that_of_the_partition() {
        let of = |host: &str| uri(&[(Field::Bucket, "acme"), (Field::HostHeader, host)], Field::Bucket);
        let with = |host: &str, region: &str| Some(format!("https://{host}/s3/buckets/acme?region={region}"));
        assert_eq!(of("acme.s3.cn-north-1.amazonaws.com.cn"), with("console.amazonaws.cn", "cn-north-1"));
        assert_eq!(
            of("s3.us-gov-west-1.amazonaws.com:443"),
            with("console.amazonaws-us-gov.com", "us-gov-west-1")
        );
        assert_eq!(
            of("acme.s3.amazonaws.com").as_deref(),
            Some("https://s3.console.aws.amazon.com/s3/buckets/acme")
        );
        for other in ["minio.example", "evil-amazonaws.com", "amazonaws.com.evil.example", "", "-"] {
            assert_eq!(of(other), None, "{other}: may not be a bucket of AWS");
        }
    }

    #[test]
    fn log_files_open_where_they_are() {
        let local = |source: &str, name: &str, field| {
            uri(&[(Field::Source, source), (Field::LogFile, name), AWS], field)
        };
        for (source, name, expected) in [
            ("/var/log/s3", "2026/a b.log", "file://host.example/var/log/s3/2026/a%20b.log"),
            ("/var/log/s3/one.log", "one.log", "file://host.example/var/log/s3/one.log"),
            // Only the archive can be opened.
            ("/var/log", "april.tar.gz/2026/a.log", "file://host.example/var/log/april.tar.gz"),
            ("/var/log/april.ZIP", "april.ZIP/a.log", "file://host.example/var/log/april.ZIP"),
        ] {
            assert_eq!(local(source, name, Field::LogFile).as_deref(), Some(expected));
        }
        assert_eq!(
            local("/var/log/s3", "a.log", Field::Source).as_deref(),
            Some("file://host.example/var/log/s3")
        );
        let console = "https://s3.console.aws.amazon.com/s3";
        assert_eq!(
            local("s3://logs/acme/", "acme/2026-04-01-00-00-00-0123456789ABCDEF", Field::LogFile).unwrap(),
            format!(
                "{console}/object/logs?region=eu-west-1&prefix=acme/2026-04-01-00-00-00-0123456789ABCDEF"
            )
        );
        assert_eq!(
            local("s3://logs/acme/", "x", Field::Source).unwrap(),
            format!("{console}/buckets/logs?region=eu-west-1&prefix=acme/")
        );
        for source in ["-", "cloudwatch:/aws/s3", "demo:1:400000"] {
            assert_eq!(local(source, "x", Field::LogFile), None, "{source}");
            assert_eq!(local(source, "x", Field::Source), None, "{source}");
        }
    }

    #[test]
    fn strangers_choose_no_target() {
        let hostile = "\x1b\\\x1b]0;owned\x07;\u{9b}\u{202e} \" <>\n&prefix=x#?/../..//evil.example";
        let fields = [
            (Field::Bucket, "acme"),
            (Field::Key, hostile),
            (Field::VersionId, hostile),
            (Field::Operation, hostile),
            (Field::ErrorCode, hostile),
            (Field::Referer, "https://evil.example/"),
            (Field::UserAgent, "https://evil.example/"),
            (Field::RequestUri, "https://evil.example/"),
            AWS,
        ];
        for field in crate::log::FIELDS.iter().map(|spec| spec.field) {
            let Some(uri) = uri(&fields, field) else { continue };
            assert!(uri.starts_with("https://s3.console.aws.amazon.com/s3/"), "{uri}");
            assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';'), "{uri}");
            assert_eq!(uri.matches(['?', '#']).count(), 1, "{uri}");
        }
        assert_eq!(uri(&[(Field::Bucket, "acme/../x"), AWS], Field::Bucket), None);
        assert_eq!(uri(&[(Field::Bucket, "evil.example/#"), AWS], Field::Bucket), None);
        let long = "x".repeat(3000);
        assert_eq!(uri(&[(Field::Bucket, "acme"), (Field::Key, &long), AWS], Field::Key), None);
        let host = "acme.s3.\x1b]8;;.amazonaws.com";
        let bucket = uri(&[(Field::Bucket, "acme"), (Field::HostHeader, host)], Field::Bucket);
        assert_eq!(bucket.as_deref(), Some("https://s3.console.aws.amazon.com/s3/buckets/acme"));
    }

    #[test]
    fn files_need_the_name_of_the_computer() {
        let file = |path: &str, name: &str| {
            let computer = Computer { name: name.to_owned(), folder: "/home/ann".into() };
            Target::file(Path::new(path), &computer).map(|target| target.uri().to_owned())
        };
        assert_eq!(file("top 20.csv", "a-1").as_deref(), Some("file://a-1/home/ann/top%2020.csv"));
        assert_eq!(file("/tmp/x.csv", "a-1").as_deref(), Some("file://a-1/tmp/x.csv"));
        assert_eq!(file("/tmp/x.csv", ""), None);
        assert_eq!(file("/tmp/x.csv", "a\x1b\\"), None);
    }

    #[test]
    fn operations_have_their_page() {
        for (logged, name) in [
            ("REST.GET.OBJECT", Some("GetObject")),
            ("WEBSITE.GET.OBJECT", Some("GetObject")),
            ("REST.POST.UPLOADS", Some("CreateMultipartUpload")),
            ("BATCH.DELETE.OBJECT", Some("DeleteObjects")),
            ("S3.EXPIRE.OBJECT", None),
            ("SOAP.GetObject", None),
            ("REST.GET.SOMETHING_NEW", None),
            ("REST.GET.OBJECT.X", None),
            ("-", None),
        ] {
            assert_eq!(api_operation(logged), name, "{logged}");
        }
        assert!(OPERATIONS.is_sorted());
    }
}
