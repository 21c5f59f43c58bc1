//! Records of versitygw, which quotes nothing.

use super::displaced::reason;
use super::products::table;
use super::*;

/// A line of versitygw, which quotes nothing.
fn versity(key: &str, uri: &str, error: &str, referer: &str, agent: &str) -> String {
    format!(
        "docsroot media [06/February/2026:09:30:25 +0000] 192.0.2.20 DOCSACCESSKEY 0A1B2C3D4E5F6071 s3_GetObject {key} \
         {uri} 200 {error} 0 20480 3 4 {referer} {agent} - - SigV4 TLS_AES_128_GCM_SHA256 AuthHeader \
         s3.us-east-1.amazonaws.com TLSv1.3 arn:aws:s3:::/media/photos/cat.jpg Yes"
    )
}

#[test]
fn versitygw_quotes_nothing_and_names_the_month_in_full() {
    for (key, uri, error, referer, agent) in [
        ("photos/cat.jpg", "/media/photos/cat.jpg", "-", "-", "aws-cli/2.15.0"),
        ("photos/my cat.jpg", "/media/photos/my%20cat.jpg?versionId=1", "-", "-", "aws-cli/2.15.0"),
        (
            "photos/cat.jpg",
            "/media/photos/cat.jpg",
            "NoSuchKey",
            "https://example.com/",
            "Mozilla/5.0 (X11; Linux x86_64)",
        ),
        (
            "photos/cat.jpg",
            "/media/photos/cat.jpg",
            "dial tcp: connection refused",
            "-",
            "a \"quoted\" agent",
        ),
        ("-", "/media/?list-type=2", "-", "-", "-"),
        // User agents that look like further fields.
        ("photos/cat.jpg", "/media/photos/cat.jpg", "-", "-", "x /y 404 - 1 2 3 4 - z"),
        ("photos/cat.jpg", "/media/photos/cat.jpg", "-", "-", "x - - SigV4 - AuthHeader - - - - y"),
    ] {
        let line = versity(key, uri, error, referer, agent);
        let text = |value: &'static str| if value == "-" { ABSENT } else { value };
        table(
            &line,
            &[
                (Field::BucketOwner, "docsroot"),
                (Field::Bucket, "media"),
                (Field::Time, "06/February/2026:09:30:25 +0000"),
                (Field::RemoteIp, "192.0.2.20"),
                (Field::Requester, "DOCSACCESSKEY"),
                (Field::RequestId, "0A1B2C3D4E5F6071"),
                (Field::Operation, "s3_GetObject"),
                (Field::Key, text(key)),
                (Field::RequestUri, uri),
                (Field::HttpStatus, "200"),
                (Field::ErrorCode, text(error)),
                (Field::Referer, text(referer)),
                (Field::UserAgent, text(agent)),
                (Field::SignatureVersion, "SigV4"),
                (Field::CipherSuite, "TLS_AES_128_GCM_SHA256"),
                (Field::AuthenticationType, "AuthHeader"),
                (Field::HostHeader, "s3.us-east-1.amazonaws.com"),
                (Field::TlsVersion, "TLSv1.3"),
                (Field::AccessPointArn, "arn:aws:s3:::/media/photos/cat.jpg"),
                (Field::AclRequired, "Yes"),
            ],
            [Some(0), Some(20480), Some(3), Some(4)],
        );
        // 2026-02-06T09:30:25Z
        assert_eq!(read(&line).time, 1_770_370_225);
    }
    let start = "log starts 2026-02-06 09:30:25.123456789 +0000 UTC m=+0.012345678";
    assert_eq!(parse_line(start.as_bytes()).unwrap_err(), Rejection::Header);
}

#[test]
fn a_path_without_quotes_that_can_be_read_in_two_ways_is_rejected() {
    let path = "k /media/k 404 - 1 2 3 4 z";
    let line = versity(path, &format!("/media/{path}"), "-", "-", "curl/8");
    assert_eq!(parse_line(line.as_bytes()).unwrap_err(), Rejection::Ambiguous);
}

#[test]
fn a_referer_without_quotes_that_is_not_a_url_is_not_split() {
    let line = versity("a", "/media/a", "-", "my own app", "curl/8");
    let record = read(&line);
    assert_eq!(record.logged(Field::Referer), None);
    assert_eq!(record.logged(Field::UserAgent), None);
    assert_eq!(record.logged(Field::SignatureVersion), None);
    assert!(text(&record, Field::Extra).starts_with("my own app curl/8 - - SigV4"));
}

/// A line of versitygw with this text between its path and its trailing fields.
fn damaged(path: &str, rest: &str) -> String {
    format!(
        "own2 vg [06/February/2026:09:30:25 +0000] 192.0.2.9 rq RID s3_GetObject k.jpg {path} {rest} - - SigV4 TLS \
         AuthHeader h TLSv1.3 arn:aws:s3:::/vg/k.jpg Yes"
    )
}

#[test]
fn texts_of_versitygw_without_quotes_are_not_read_as_numbers() {
    for rest in [
        "403 AccessDenied 0 0 3 3 200 - 5 6 7 8 curl/8",
        "403 AccessDenied 0 0 3 3 evil 200 - 5 6 7 8 curl/8",
    ] {
        let line = damaged("/vg/k.jpg", rest);
        assert_fields(
            &line,
            &[
                (Field::RequestUri, "/vg/k.jpg"),
                (Field::HttpStatus, "403"),
                (Field::ErrorCode, "AccessDenied"),
                (Field::Referer, ABSENT),
                (Field::UserAgent, ABSENT),
            ],
        );
        assert_eq!(*read(&line).measures(), [Some(0), Some(0), Some(3), Some(3)], "{line}");
        let extra = rest.strip_prefix("403 AccessDenied 0 0 3 3 ").unwrap();
        assert!(text(&read(&line), Field::Extra).starts_with(extra), "{line}");
    }
}

#[test]
fn a_damaged_number_of_versitygw_is_not_part_of_the_error() {
    for path in ["/vg/k.jpg", "/vg/k.jpg?versionId=1"] {
        for rest in [
            "206 - many 1011 2022 3033 404 - aws-cli/2",
            "206 - many 1011 2022 3033 404 - 5 6 7 8 - aws-cli/2",
            "403 AccessDenied many 0 3 3 evil - 5 6 7 8 curl/8",
            "403 AccessDenied 0 many 3 3 x 5 6 7 8 curl/8",
        ] {
            reason(&damaged(path, rest));
        }
    }
}
