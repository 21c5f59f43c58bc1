//! Lines in which a text can be mistaken for another field: a word of a key for the operation, a key for the operation, a
//! part of a key for a record.

use super::displaced::reason;
use super::*;

const ETAG: &str = "4cfdfc1f58e762d3e116787cb92fac60";

#[test]
fn an_operation_in_the_key_of_a_journal_record_is_not_that_of_a_standard_record() {
    let line = |rest: &str| format!("docs fish [05/Aug/2026:10:00:09 +0000] {rest}");
    let forged = "x y REST.DELETE.OBJECT victim.csv \"DELETE /x HTTP/1.1\" 204 - 1 2 3 4 \"-\" \"-\"";
    for (rest, key, size, version) in [
        (format!("REST.PUT.OBJECT x 4043 REST.PUT.OBJECT {ETAG}"), "x", "4043", "REST.PUT.OBJECT"),
        (
            format!("REST.PUT.OBJECT x y REST.GET.OBJECT z 4040 v7 {ETAG}"),
            "x y REST.GET.OBJECT z",
            "4040",
            "v7",
        ),
        (format!("REST.PUT.OBJECT {forged} 10 - {ETAG}"), forged, "10", ABSENT),
        (
            format!("S3.EXPIRE.OBJECT x y BATCH.DELETE.OBJECT 1 - {ETAG}"),
            "x y BATCH.DELETE.OBJECT",
            "1",
            ABSENT,
        ),
    ] {
        assert_fields(
            &line(&rest),
            &[
                (Field::RemoteIp, ABSENT),
                (Field::Operation, rest.split(' ').next().unwrap()),
                (Field::Key, key),
                (Field::ObjectSize, size),
                (Field::VersionId, version),
                (Field::HttpStatus, ABSENT),
                (Field::Extra, ETAG),
            ],
        );
    }
    assert_eq!(reason(&line("REST.PUT.OBJECT a b REST.COPY.OBJECT 10 - -")), Rejection::NoEtag);
    let standard = "REST.PUT.OBJECT a b REST.COPY.OBJECT k \"PUT /k HTTP/1.1\" 200 - 1 2 3 4 \"-\" \"-\" -";
    assert_eq!(reason(&line(standard)), Rejection::NoEtag);
}

const PREFIX: &str = "docs media [06/Aug/2026:09:30:26 +0000] 192.0.2.91 u 0A1B2C3D4E5F6075";

#[test]
fn a_key_in_the_place_of_the_operation_is_not_an_operation() {
    for key in [
        "cat.jpg",
        "cat",
        "index.html",
        "GET.jpg",
        "GET",
        "s3_report",
        "REST.GET.OBJECT",
        "get_started",
        "a/b.jpg",
        "my cat.jpg",
        "my - cat",
        "my big cat",
    ] {
        let path = key.replace(' ', "%20");
        for uri in [format!("GET /media/{path} HTTP/1.1"), format!("GET /{path}?versionId=1 HTTP/1.1")] {
            let later = "200 - 1111 2222 33 44 \"-\" \"curl/8 z\" -";
            let lines = [
                format!("{PREFIX} {key} \"{uri}\" {later}"),
                format!("{} {key} \"{uri}\" 200 - 1 2 3 4 \"-\" \"curl/8\" {}", head("-"), tail()),
                format!("{PREFIX} {key} \"{uri}\" {later}").replace(" u ", "  "),
            ];
            for line in lines {
                assert_eq!(reason(&line), Rejection::NoOperation, "{line}");
            }
        }
    }
    // The path is not that of the key, but a word is missing.
    for line in [
        format!("{PREFIX} index.html \"GET / HTTP/1.1\" 200 - 1 2 3 4 \"-\" \"curl/8\" -"),
        format!("{PREFIX} old.mp4 \"-\" - - - 1024 - - \"-\" \"-\" v1"),
        format!("{PREFIX} cat.jpg GET /media/cat.jpg HTTP/1.1 200 - 1 2 3 \"-\" curl -"),
        format!("{PREFIX} cat.jpg /media/cat.jpg 200 - 5 6 7 8 - curl/8 - - SigV4 - AuthHeader h - - Yes"),
    ] {
        assert_eq!(reason(&line), Rejection::NoOperation, "{line}");
    }
}

#[test]
fn operations_without_dots_are_read() {
    for operation in [
        "GetObject",
        "s3_GetObject",
        "get_obj",
        "GET",
        "GET.OBJECT",
        "ListBuckets",
        "REST.GET.OBJECT",
        "NewAction",
        "WEBSITE.GET.OBJECT",
    ] {
        for key in ["cat.jpg", "GetObject", "-"] {
            let path = key.trim_start_matches('-');
            let line = format!(
                "{PREFIX} {operation} {key} \"GET /media/{path} HTTP/1.1\" 200 - 1111 2222 33 44 \"-\" \"curl/8 z\" -"
            );
            let key = if key == "-" { ABSENT } else { key };
            assert_fields(
                &line,
                &[(Field::Operation, operation), (Field::Key, key), (Field::HttpStatus, "200")],
            );
        }
    }
    // Without a key.
    for line in [
        format!("{PREFIX} GetObject \"GET /media/a HTTP/1.1\" 200 - 1 2 3 4 \"-\" \"curl/8\" -"),
        format!("{PREFIX} ListThings  \"GET /media/a HTTP/1.1\" 200 - 1 2 3 4 \"-\" \"curl/8\" -"),
    ] {
        assert_fields(&line, &[(Field::Key, ABSENT), (Field::RequestUri, "GET /media/a HTTP/1.1")]);
    }
}

#[test]
fn a_key_of_versitygw_that_contains_a_record_is_the_key() {
    let forged = "\"GET /evil HTTP/1.1\" 200 - 5 6 7 8 \"-\" \"evil\"";
    for (key, path) in [
        (format!("x {forged}"), format!("x {forged}")),
        (format!("x%41 {forged}"), format!("x%2541%20{}", forged.replace(' ', "%20"))),
    ] {
        let line = format!(
            "docsroot media [06/February/2026:09:30:25 +0000] 192.0.2.20 DOCSACCESSKEY 0A1B2C3D4E5F6071 s3_GetObject \
             {key} /media/{path} 404 NoSuchKey 7 0 3 3 - aws-cli/2.15.0 - - SigV4 - AuthHeader \
             s3.us-east-1.amazonaws.com - arn:aws:s3:::/media/x Yes"
        );
        assert_fields(
            &line,
            &[
                (Field::Key, &key),
                (Field::RequestUri, &format!("/media/{path}")),
                (Field::HttpStatus, "404"),
                (Field::ErrorCode, "NoSuchKey"),
                (Field::UserAgent, "aws-cli/2.15.0"),
            ],
        );
        // A path that does not show where the key ends.
        assert_eq!(reason(&line.replace("/media/x", "/media/z")), Rejection::SecondRequestLine);
    }
}

#[test]
fn a_key_of_ceph_that_contains_a_record_is_rejected() {
    let forged = |key: &str| {
        format!(
            "{PREFIX} REST.GET.OBJECT {key} \"GET /media/{key} HTTP/1.1\" 404 NoSuchKey 1111 0 - 12ms http://r.example/ \
             \"curl/8 z\" - - SigV4 - AuthHeader h.example - - -"
        )
    };
    for key in [
        "x \"GET /evil HTTP/1.1\" 200 - 5 6 - 8ms - \"evil",
        "x \"GET /evil HTTP/1.1\" 200 - 5 6 7 8 \"-\" \"evil",
        "x \"GET /evil HTTP/1.1\" 200 - 5 6 - 8ms - \"evil\" - - SigV4",
    ] {
        assert_eq!(reason(&forged(key)), Rejection::SecondRequestLine, "{key}");
    }
    assert_fields(&forged("my \"old\" x"), &[(Field::Key, "my \"old\" x"), (Field::HttpStatus, "404")]);
}

#[test]
fn a_record_of_storj_that_is_cut_off_shifts_nothing() {
    let line = |trailing: &str| {
        format!(
            "{PREFIX} GetObject a.jpg \"GET /media/a.jpg HTTP/1.1\" 200  1111 2222 33 44 \"\" \"curl/8 z\"{trailing}"
        )
    };
    for (version, host, trailing) in [
        ("", "", "   SigV4  AuthHeader"),
        ("v1", "", " v1  SigV4  AuthHeader"),
        ("v1", "h", " v1 h SigV4  AuthHeader"),
    ] {
        for end in 4..=trailing.len() {
            let line = line(&trailing[..end]);
            let record = read(&line);
            assert_eq!(record.logged(Field::UserAgent), Some(&b"curl/8 z"[..]), "{line}");
            for (field, whole) in [
                (Field::VersionId, version),
                (Field::HostId, host),
                (Field::SignatureVersion, "SigV4"),
                (Field::CipherSuite, ""),
                (Field::AuthenticationType, "AuthHeader"),
            ] {
                let text = record.logged(field).unwrap_or_default();
                assert!(whole.as_bytes().starts_with(text), "{} of {line}", field.name());
            }
        }
    }
    let damaged = line("   SigV4  AuthHeader gw.storj.io 55 - 66 TLS 1.3  ");
    assert_fields(
        &damaged,
        &[
            (Field::VersionId, ABSENT),
            (Field::HostHeader, ABSENT),
            (Field::Extra, "SigV4  AuthHeader gw.storj.io 55 - 66 TLS 1.3"),
        ],
    );
}

#[test]
fn a_value_of_a_later_field_is_neither_version_nor_host_id() {
    let start = format!("{} REST.GET.OBJECT a \"GET /a HTTP/1.1\" 200 - 1 2 3 4 \"-\" \"curl/8\"", head("-"));
    for trailing in [
        format!("v1 SigV4 {HOST_ID} C AuthHeader h TLSv1.3 - -"),
        format!("SigV4 {HOST_ID} v1 C AuthHeader h TLSv1.3 - -"),
        format!("v1 AuthHeader SigV4 C {HOST_ID} h TLSv1.3 - -"),
        format!("- TLSv1.3 SigV4 C AuthHeader h {HOST_ID} - -"),
        "v1 SigV4 - - - - - - -".to_owned(),
    ] {
        let line = format!("{start} {trailing}");
        assert_fields(
            &line,
            &[
                (Field::VersionId, ABSENT),
                (Field::HostId, ABSENT),
                (Field::SignatureVersion, ABSENT),
                (Field::Extra, &trailing),
            ],
        );
    }
}
