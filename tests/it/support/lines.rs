//! Log lines with values from small pools, so that groups collide, ids are shared and lines repeat.

use proptest::prelude::*;

/// 2026-04-03T00:00:00Z, the time of the first requests.
pub(crate) const START: i64 = 1_775_174_400;

pub(crate) const OWNER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0de";
pub(crate) const HOST_ID: &str =
    "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=";

pub(crate) const BUCKETS: &[&str] = &["media", "media", "media", "acme-web"];
pub(crate) const ADDRESSES: &[&str] = &[
    "203.0.113.7",
    "203.0.113.9",
    "198.51.100.1",
    "192.0.2.44",
    "2001:db8:1:2::3",
    "2001:db8:1:9::4",
    "-",
    "10.0.0.8",
];
pub(crate) const REQUESTERS: &[&str] = &[
    "-",
    "arn:aws:sts::123456789012:assumed-role/etl/session-1",
    "arn:aws:sts::123456789012:assumed-role/etl/session-2",
    "arn:aws:iam::123456789012:user/ann@example.com",
    "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE",
    "svc:delivery.logs.amazonaws.com",
    OWNER,
    "decade0000decade0000decade0000decade0000decade0000decade0000dec0",
];
pub(crate) const REQUEST_IDS: &[&str] =
    &["3E57427F3EXAMPLE", "3E57427F33A59F07", "0123456789ABCDEF", "A1B2C3D4E5F60718"];
pub(crate) const OPERATIONS: &[&str] = &[
    "REST.GET.OBJECT",
    "REST.GET.OBJECT",
    "REST.HEAD.OBJECT",
    "REST.PUT.PART",
    "REST.COPY.OBJECT_GET",
    "BATCH.DELETE.OBJECT",
    "S3.EXPIRE.OBJECT",
    "WEBSITE.GET.OBJECT",
];
/// Keys as logged.
pub(crate) const KEYS: &[&str] = &[
    "films/2026/a.mp4",
    "films/2026/b.mp4",
    "films/c.tar.GZ",
    "a%2520b.txt",
    "a%20b.txt",
    "a+b.txt",
    "caf%25C3%25A9/",
    "%25FF%2500.bin",
    "index",
    "-",
];
pub(crate) const STATUSES: &[&str] = &["200", "200", "206", "304", "403", "404", "500", "044", "-"];
pub(crate) const ERRORS: &[&str] = &["-", "-", "AccessDenied", "NoSuchKey", "SlowDown", "InvalidRange"];
pub(crate) const NUMBERS: &[&str] = &[
    "-",
    "0",
    "1",
    "7",
    "7",
    "1234",
    "1048576",
    "73400320",
    "9007199254740993",
    "9007199254740992",
    "9223372036854775807",
    "18446744073709551615",
    "99999999999999999999",
];
pub(crate) const REFERERS: &[&str] =
    &["\"-\"", "\"https://example.com/\"", "\"https://example.com/a?b\"", "-"];
pub(crate) const AGENTS: &[&str] = &[
    "\"aws-cli/2.15\"",
    "\"Mozilla/5.0 (X11; Linux)\"",
    "\"Googlebot/2.1 \"quoted\" x\"",
    "\"-\"",
    "\"caf\u{e9} \u{1b}[31m\"",
];
pub(crate) const VERSIONS: &[&str] = &["-", "-", "3HL4kqtJvjVBH40Nrjfkd", "null"];
pub(crate) const HOST_IDS: &[&str] =
    &[HOST_ID, "-", "shortID=", "9vKBE6vMhrNiWHZmb2L0mXOcqPGzQOI5XLnCtZNPxev+Hf+7"];

/// The line with these values of the pools: `picks` are their indices, modulo the number of values.
pub(crate) fn line_of(picks: &[u8; 28]) -> String {
    let pick = |index: usize, pool: &'static [&'static str]| pool[usize::from(picks[index]) % pool.len()];
    let time = match picks[2] {
        255 => -10, // 1969-12-31T23:59:50Z
        number => START + i64::from(number) * 677,
    };
    let time = jiff::Timestamp::from_second(time).unwrap().strftime("[%d/%b/%Y:%H:%M:%S +0000]").to_string();
    let (bucket, key) = (pick(1, BUCKETS), pick(7, KEYS));
    let decoded = tamarin::log::key::decode(pick(6, OPERATIONS).as_bytes(), key.as_bytes());
    let decoded = String::from_utf8_lossy(&decoded).into_owned();
    let uri = match picks[8] % 9 {
        0 => format!("\"GET /{decoded} HTTP/1.1\""),
        1 => format!("\"GET /{bucket}/{decoded}?versionId=x HTTP/1.1\""),
        2 => format!("\"GET /{key} HTTP/1.1\""),
        3 => "\"GET / HTTP/1.1\"".to_owned(),
        4 => "\"-\"".to_owned(),
        5 => format!("\"GET /{decoded}?x-app=web HTTP/1.1\""),
        6 => format!("\"GET /{key}?versionId=x&x-app=i%4Fs%20app&X-App=1 HTTP/1.1\""),
        7 => "\"GET /?x%2Dapp&x-app=web\"".to_owned(),
        _ => "-".to_owned(),
    };
    let fields = [
        OWNER.to_owned(),
        bucket.to_owned(),
        time,
        pick(3, ADDRESSES).to_owned(),
        pick(4, REQUESTERS).to_owned(),
        pick(5, REQUEST_IDS).to_owned(),
        pick(6, OPERATIONS).to_owned(),
        key.to_owned(),
        uri,
        pick(9, STATUSES).to_owned(),
        pick(10, ERRORS).to_owned(),
        pick(11, NUMBERS).to_owned(),
        pick(12, NUMBERS).to_owned(),
        pick(13, NUMBERS).to_owned(),
        pick(14, NUMBERS).to_owned(),
        pick(15, REFERERS).to_owned(),
        pick(16, AGENTS).to_owned(),
        pick(17, VERSIONS).to_owned(),
        pick(18, HOST_IDS).to_owned(),
        pick(19, &["SigV4", "SigV2", "-"]).to_owned(),
        pick(20, &["TLS_AES_128_GCM_SHA256", "-"]).to_owned(),
        pick(21, &["AuthHeader", "QueryString", "-"]).to_owned(),
        pick(22, &["media.s3.eu-west-1.amazonaws.com", "s3.amazonaws.com", "-"]).to_owned(),
        pick(23, &["TLSv1.2", "TLSV1.2", "TLSv1.3", "-"]).to_owned(),
        pick(24, &["-", "-", "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports"]).to_owned(),
        pick(25, &["-", "Yes"]).to_owned(),
        pick(26, &["eu-west-1", "us-east-1", "-", "us-east-2"]).to_owned(),
        "new fields".to_owned(),
    ];
    // Older lines end earlier.
    let length = [27, 27, 27, 17, 18, 19, 24, 25, 26, 28][usize::from(picks[27]) % 10];
    fields[..length].join(" ")
}

/// Generates lines.
pub(crate) fn line() -> impl Strategy<Value = String> {
    any::<[u8; 28]>().prop_map(|picks| line_of(&picks))
}

/// Generates several lines, a few of them repeated.
pub(crate) fn lines(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    let repeats = prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..12);
    (prop::collection::vec(line(), count), repeats).prop_map(|(mut lines, repeats)| {
        for (from, to) in repeats.into_iter().filter(|_| !lines.is_empty()).collect::<Vec<_>>() {
            let line = lines[from.index(lines.len())].clone();
            lines.insert(to.index(lines.len()), line);
        }
        lines
    })
}
