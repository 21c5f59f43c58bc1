//! Standard records and journal records of Ceph RGW.

use super::products::table;
use super::*;

#[test]
fn ceph_standard_records_have_a_bare_referer_and_a_time_with_a_unit() {
    let line = |referer: &str, agent: &str| {
        format!(
            "docs fish [05/Aug/2026:10:00:09 +0000] 192.0.2.20 docs tx000004a1b2c3d4e5f6071-0066b0a1b2-4155-default \
             REST.PUT.OBJECT reports/a.csv \"PUT /fish/reports/a.csv HTTP/1.1\" 200 - 404 20480 - 12ms {referer} \
             \"{agent}\" v7Qxample - SigV4 - AuthHeader rgw.example.com - - Yes"
        )
    };
    for (referer, agent) in [
        ("-", "aws-cli/2.15.0 md/Botocore#1.34"),
        ("https://example.com/a", "curl/8"),
        ("my own app, 2nd edition", "curl/8"),
        ("https://example.com/a", "an \"agent\" \"of\" quotes"),
        ("-", "-"),
    ] {
        let text = |value: &'static str| if value == "-" { ABSENT } else { value };
        table(
            &line(referer, agent),
            &[
                (Field::BucketOwner, "docs"),
                (Field::Bucket, "fish"),
                (Field::RemoteIp, "192.0.2.20"),
                (Field::Requester, "docs"),
                (Field::RequestId, "tx000004a1b2c3d4e5f6071-0066b0a1b2-4155-default"),
                (Field::Operation, "REST.PUT.OBJECT"),
                (Field::Key, "reports/a.csv"),
                (Field::RequestUri, "PUT /fish/reports/a.csv HTTP/1.1"),
                (Field::HttpStatus, "200"),
                (Field::Referer, text(referer)),
                (Field::UserAgent, text(agent)),
                (Field::VersionId, "v7Qxample"),
                (Field::SignatureVersion, "SigV4"),
                (Field::AuthenticationType, "AuthHeader"),
                (Field::HostHeader, "rgw.example.com"),
                (Field::AclRequired, "Yes"),
            ],
            [Some(404), Some(20480), None, Some(12)],
        );
    }
}

#[test]
fn the_size_in_a_journal_record_of_ceph_is_not_a_status() {
    for (rest, key, size, version, etag) in [
        (
            "REST.PUT.OBJECT reports/a.csv 404 v7Qxample 4cfdfc1f58e762d3e116787cb92fac60",
            "reports/a.csv",
            Some(404),
            "v7Qxample",
            "4cfdfc1f58e762d3e116787cb92fac60",
        ),
        (
            "REST.PUT.OBJECT reports/b.csv 20480 - 5cfdfc1f58e762d3e116787cb92fac61",
            "reports/b.csv",
            Some(20480),
            ABSENT,
            "5cfdfc1f58e762d3e116787cb92fac61",
        ),
        (
            "REST.DELETE.OBJECT reports/a.csv 503 - 4cfdfc1f58e762d3e116787cb92fac60",
            "reports/a.csv",
            Some(503),
            ABSENT,
            "4cfdfc1f58e762d3e116787cb92fac60",
        ),
        (
            "REST.POST.UPLOAD my big file.bin 104857600 v7 4cfdfc1f58e762d3e116787cb92fac60-12",
            "my big file.bin",
            Some(104_857_600),
            "v7",
            "4cfdfc1f58e762d3e116787cb92fac60-12",
        ),
        ("REST.DELETE.OBJECT reports/a.csv - v8 -", "reports/a.csv", None, "v8", ABSENT),
        ("S3.EXPIRE.OBJECT reports/a.csv 404 - -", "reports/a.csv", Some(404), ABSENT, ABSENT),
        ("REST.DELETE.OBJECT reports/a.csv - - -", "reports/a.csv", None, ABSENT, ABSENT),
    ] {
        let line = format!("docs fish [05/Aug/2026:10:00:09 +0000] {rest}");
        table(
            &line,
            &[
                (Field::RemoteIp, ABSENT),
                (Field::Requester, ABSENT),
                (Field::RequestId, ABSENT),
                (Field::Operation, rest.split(' ').next().unwrap()),
                (Field::Key, key),
                (Field::RequestUri, ABSENT),
                (Field::VersionId, version),
                (Field::Extra, etag),
            ],
            [None, size, None, None],
        );
    }
    // Without an ETag it is not a journal record, and its size is still not a status.
    let line = "docs fish [05/Aug/2026:10:00:09 +0000] REST.PUT.OBJECT reports/a.csv 404 v7 sha256:4cfdfc1f";
    assert_eq!(parse_line(line.as_bytes()).unwrap_err(), Rejection::NoEtag);
}

#[test]
fn quotes_in_texts_of_ceph_without_quotes_shift_nothing() {
    let ceph = |key: &str, uri: &str, referer: &str| {
        format!(
            "docs fish [05/Aug/2026:10:00:09 +0000] 192.0.2.20 docs tx0001-default REST.PUT.OBJECT {key} \
             \"PUT {uri} HTTP/1.1\" 200 - 404 20480 - 12ms {referer} \"curl/8\" v7 - SigV4 - AuthHeader rgw.example.com - - Yes"
        )
    };
    for (key, uri) in [
        ("my \"quoted\" file", "/fish/my%20%22quoted%22%20file"),
        ("\"quoted\" file", "/fish/%22quoted%22%20file"),
        ("my file - 2", "/fish/my%20file%20-%202"),
    ] {
        for (referer, extra) in [
            ("https://example.com/?q=\"a\"", ABSENT),
            ("my app", ABSENT),
            ("say \"hi\" there", "say \"hi\" there \"curl/8"),
        ] {
            let line = ceph(key, uri, referer);
            let is_clear = extra == ABSENT;
            assert_fields(
                &line,
                &[
                    (Field::Key, key),
                    (Field::RequestUri, &format!("PUT {uri} HTTP/1.1")),
                    (Field::HttpStatus, "200"),
                    (Field::TurnAroundTime, "12ms"),
                    (Field::Referer, if is_clear { referer } else { ABSENT }),
                    (Field::UserAgent, if is_clear { "curl/8" } else { ABSENT }),
                    (Field::VersionId, "v7"),
                    (Field::HostHeader, "rgw.example.com"),
                    (Field::Extra, extra),
                ],
            );
        }
    }
}

#[test]
fn the_quoted_etag_of_a_journal_record_is_in_extra_without_quotes() {
    for key in ["k", "my \"quoted\" key"] {
        let line = format!(
            "docs fish [05/Aug/2026:10:00:09 +0000] REST.PUT.OBJECT {key} 12 - \"4cfdfc1f58e762d3e116787cb92fac60\""
        );
        assert_fields(
            &line,
            &[
                (Field::Key, key),
                (Field::ObjectSize, "12"),
                (Field::VersionId, ABSENT),
                (Field::RequestUri, ABSENT),
                (Field::Extra, "4cfdfc1f58e762d3e116787cb92fac60"),
            ],
        );
    }
}
