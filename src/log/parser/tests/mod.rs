//! Lines of every known form, and the fields that must be read from them.

mod ceph;
mod cut_off;
mod damaged;
mod displaced;
mod forged;
mod forms;
mod mistaken;
mod mutated;
mod products;
mod reasons;
mod storj;
mod substituted;
mod user_agent_end;
mod versitygw;

use super::separators::LineScanner;
use super::templates::Templates;
use super::{fast_path, joined_records, records, tolerant};
use crate::log::{Field, Record, Rejection, TimeText};

const OWNER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0de";
const HOST_ID: &str = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=";
/// 2026-04-03T03:11:11Z
const AT: i64 = 1_775_185_871;

/// The fields before the operation.
fn head(requester: &str) -> String {
    format!("{OWNER} media [03/Apr/2026:03:11:11 +0000] 192.0.2.7 {requester} 3E57427F3EXAMPLE")
}

/// The trailing fields of a modern line.
fn tail() -> String {
    format!(
        "- {HOST_ID} SigV4 TLS_AES_128_GCM_SHA256 AuthHeader media.s3.eu-west-1.amazonaws.com TLSv1.3 - Yes eu-west-1"
    )
}

/// A modern line, with all 27 fields.
fn modern() -> String {
    format!(
        "{} REST.GET.OBJECT films/a.mp4 \"GET /films/a.mp4 HTTP/1.1\" 206 - 1048576 73400320 120 15 \"https://example.com/\" \"Mozilla/5.0 (X11; Linux x86_64)\" {}",
        head("arn:aws:iam::123456789012:user/ana@example.com"),
        tail()
    )
}

/// The first record of a line.
fn parse_line(line: &[u8]) -> Result<Record<'_>, Rejection> {
    records(line).next().unwrap().1
}

fn read(line: &str) -> Record<'_> {
    parse_line(line.as_bytes()).unwrap_or_else(|rejection| panic!("{rejection}: {line}"))
}

fn text(record: &Record<'_>, field: Field) -> String {
    record.logged(field).map_or("(absent)".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// Asserts the text of each of these fields.
fn assert_fields(line: &str, expected: &[(Field, &str)]) {
    let record = read(line);
    for (field, value) in expected {
        assert_eq!(text(&record, *field), *value, "{} of {line}", field.name());
    }
}

const ABSENT: &str = "(absent)";

/// Asserts the trailing fields of a line that ends with [`tail`].
fn assert_tail(line: &str) {
    assert_fields(
        line,
        &[
            (Field::HostId, HOST_ID),
            (Field::SignatureVersion, "SigV4"),
            (Field::CipherSuite, "TLS_AES_128_GCM_SHA256"),
            (Field::AuthenticationType, "AuthHeader"),
            (Field::HostHeader, "media.s3.eu-west-1.amazonaws.com"),
            (Field::TlsVersion, "TLSv1.3"),
            (Field::AccessPointArn, ABSENT),
            (Field::AclRequired, "Yes"),
            (Field::SourceRegion, "eu-west-1"),
        ],
    );
}

/// Reads a single line by the fast path.
fn read_fast<'a>(line: &'a [u8], record: &mut Record<'a>, templates: &mut Templates) -> bool {
    let mut lines = LineScanner::new(line);
    let read = lines.next_line().filter(|read| read.text.len() == line.len());
    read.is_some_and(|read| fast_path::read_into(&read, record, templates).is_some())
}

#[test]
fn a_modern_line_has_27_fields() {
    let line = modern();
    assert!(fast_path::read(line.as_bytes()).is_some(), "is read by the fast path");
    let record = read(&line);
    assert_eq!(record.time, AT);
    assert_fields(
        &line,
        &[
            (Field::BucketOwner, OWNER),
            (Field::Bucket, "media"),
            (Field::Time, "03/Apr/2026:03:11:11 +0000"),
            (Field::RemoteIp, "192.0.2.7"),
            (Field::Requester, "arn:aws:iam::123456789012:user/ana@example.com"),
            (Field::RequestId, "3E57427F3EXAMPLE"),
            (Field::Operation, "REST.GET.OBJECT"),
            (Field::Key, "films/a.mp4"),
            (Field::KeyLogged, "films/a.mp4"),
            (Field::RequestUri, "GET /films/a.mp4 HTTP/1.1"),
            (Field::HttpStatus, "206"),
            (Field::ErrorCode, ABSENT),
            (Field::BytesSent, "1048576"),
            (Field::ObjectSize, "73400320"),
            (Field::TotalTime, "120"),
            (Field::TurnAroundTime, "15"),
            (Field::Referer, "https://example.com/"),
            (Field::UserAgent, "Mozilla/5.0 (X11; Linux x86_64)"),
            (Field::VersionId, ABSENT),
            (Field::Extra, ABSENT),
        ],
    );
    assert_tail(&line);
    assert_eq!(record.integer(Field::BytesSent), Some(1_048_576));
    assert_eq!(record.integer(Field::ErrorCode), None);
}

#[test]
fn lines_with_17_18_19_24_25_26_and_27_fields_lack_only_the_last() {
    let line = modern();
    let end_of_17 = line.find(&format!(" - {HOST_ID}")).unwrap();
    let tail_words: Vec<&str> = line[end_of_17..].split_whitespace().collect();
    for fields in [17, 18, 19, 24, 25, 26, 27] {
        let short = format!("{} {}", &line[..end_of_17], tail_words[..fields - 17].join(" "));
        let short = short.trim_end();
        assert!(fast_path::read(short.as_bytes()).is_some(), "{fields}");
        let (record, whole) = (read(short), read(&line));
        for (index, field) in Field::all().take(Field::LOGGED).enumerate() {
            let expected = if index < fields { whole.logged(field) } else { None };
            assert_eq!(record.logged(field), expected, "{} of {fields} fields", field.name());
        }
        assert_eq!(record.logged(Field::Extra), None);
    }
}

#[test]
fn fields_after_the_last_known_one_are_kept_together() {
    let line = modern();
    for (more, extra) in
        [("new", "new"), ("new - more", "new - more"), ("- new", "- new"), ("-", ABSENT), ("- -", ABSENT)]
    {
        let long = format!("{line} {more}");
        assert_tail(&long);
        assert_fields(&long, &[(Field::Extra, extra), (Field::UserAgent, "Mozilla/5.0 (X11; Linux x86_64)")]);
    }
}

#[test]
fn line_ends_of_windows_and_missing_line_ends_change_nothing() {
    let line = modern();
    for end in ["\r", "\n", "\r\n", " ", "  \r\n", "\0\0\0"] {
        assert_eq!(read(&format!("{line}{end}")), read(&line), "{end:?}");
    }
    for start in ["\u{feff}", "\0\0\0", " "] {
        assert_eq!(read(&format!("{start}{line}")), read(&line), "{start:?}");
    }
}

#[test]
fn unquoted_dashes_of_copies_and_multi_deletes_are_absent() {
    for operation in ["REST.COPY.OBJECT_GET", "BATCH.DELETE.OBJECT"] {
        let line = format!(
            "{} {operation} films/a.mp4 - 204 - - 1024 - - - - v1 {HOST_ID} SigV4 - AuthHeader media.example.com TLSv1.2 - -",
            head("-")
        );
        assert!(fast_path::read(line.as_bytes()).is_some());
        assert_fields(
            &line,
            &[
                (Field::Requester, ABSENT),
                (Field::Key, "films/a.mp4"),
                (Field::RequestUri, ABSENT),
                (Field::HttpStatus, "204"),
                (Field::BytesSent, ABSENT),
                (Field::ObjectSize, "1024"),
                (Field::Referer, ABSENT),
                (Field::UserAgent, ABSENT),
                (Field::VersionId, "v1"),
                (Field::HostId, HOST_ID),
                (Field::AuthenticationType, "AuthHeader"),
                (Field::Extra, ABSENT),
            ],
        );
    }
}

#[test]
fn quoted_dashes_of_lifecycle_records_are_absent() {
    let line = format!(
        "{OWNER} media [03/Apr/2026:03:11:11 +0000] - AmazonS3 3E57427F3EXAMPLE S3.EXPIRE.OBJECT old+film.mp4 \"-\" - - - 1024 - - \"-\" \"-\" v1 {HOST_ID} - - - - -"
    );
    assert!(fast_path::read(line.as_bytes()).is_some());
    assert_fields(
        &line,
        &[
            (Field::RemoteIp, ABSENT),
            (Field::Requester, "AmazonS3"),
            (Field::RequestUri, ABSENT),
            (Field::HttpStatus, ABSENT),
            (Field::ObjectSize, "1024"),
            (Field::Referer, ABSENT),
            (Field::UserAgent, ABSENT),
            (Field::VersionId, "v1"),
            (Field::HostId, HOST_ID),
        ],
    );
    assert_eq!(read(&line).key().unwrap().as_ref(), b"old film.mp4");
}

#[test]
fn empty_quotes_are_absent() {
    let line = format!("{} REST.GET.OBJECT a \"\" 200 - 5 5 1 1 \"\" \"\" {}", head("-"), tail());
    assert_fields(
        &line,
        &[
            (Field::RequestUri, ABSENT),
            (Field::HttpStatus, "200"),
            (Field::Referer, ABSENT),
            (Field::UserAgent, ABSENT),
            (Field::VersionId, ABSENT),
        ],
    );
    assert_tail(&line);
}

#[test]
fn dashes_may_be_quoted_in_one_field_and_unquoted_in_another() {
    for (referer, agent) in
        [("-", "\"curl/8\""), ("\"https://example.com/\"", "-"), ("\"-\"", "-"), ("-", "\"\"")]
    {
        let line =
            format!("{} REST.GET.OBJECT a \"GET /a\" 200 - 5 5 1 1 {referer} {agent} {}", head("-"), tail());
        let plain_text = |quoted: &str| match quoted.trim_matches('"') {
            "" | "-" => ABSENT.to_owned(),
            value => value.to_owned(),
        };
        assert_fields(
            &line,
            &[
                (Field::Referer, &plain_text(referer)),
                (Field::UserAgent, &plain_text(agent)),
                (Field::RequestUri, "GET /a"),
            ],
        );
        assert_tail(&line);
    }
}

#[test]
fn quotes_in_a_presigned_url_shift_nothing() {
    for uri in [
        "GET /a.pdf?response-content-disposition=attachment; filename=\"a b.pdf\"&X-Amz-Expires=300 HTTP/1.1",
        "GET /a.pdf?response-content-disposition=attachment; filename=\"a b.pdf\"",
        "GET /a?x=\" 200 b\" HTTP/1.1",
        "GET /a?x=\" - b HTTP/1.1",
        "GET /a?x=\"\" HTTP/1.1",
    ] {
        let line = format!(
            "{} REST.GET.OBJECT a.pdf \"{uri}\" 200 - 5 6 7 8 \"-\" \"curl/8\" {}",
            head("-"),
            tail()
        );
        assert_fields(
            &line,
            &[
                (Field::RequestUri, uri),
                (Field::HttpStatus, "200"),
                (Field::BytesSent, "5"),
                (Field::TurnAroundTime, "8"),
                (Field::Referer, ABSENT),
                (Field::UserAgent, "curl/8"),
                (Field::Extra, ABSENT),
            ],
        );
        assert_tail(&line);
    }
}

#[test]
fn quotes_and_backslashes_in_user_agent_and_referer_shift_nothing() {
    for (referer, agent) in [
        ("-", "\"Mozilla/5.0 (Windows NT 10.0)"),
        ("-", "Mozilla/5.0\""),
        ("-", "\"Mozilla/5.0\""),
        ("-", "Mozilla \"the\" browser, v=\"5\""),
        ("-", "back\\slash \\\" quote"),
        ("-", "a\" \"b\" \"c"),
        ("-", "a\" - b"),
        ("-", " "),
        ("https://example.com/?q=\"a b\"", "curl/8"),
        ("https://example.com/?q=\"", "\"curl/8\""),
    ] {
        let line = format!(
            "{} REST.GET.OBJECT a \"GET /a HTTP/1.1\" 200 - 5 6 7 8 \"{referer}\" \"{agent}\" {}",
            head("-"),
            tail()
        );
        let referer = if referer == "-" { ABSENT } else { referer };
        assert_fields(
            &line,
            &[
                (Field::TurnAroundTime, "8"),
                (Field::Referer, referer),
                (Field::UserAgent, agent),
                (Field::VersionId, ABSENT),
                (Field::Extra, ABSENT),
            ],
        );
        assert_tail(&line);
    }
}

#[test]
fn a_user_agent_cannot_forge_the_fields_after_it() {
    let agent = format!("curl/8\" forged {HOST_ID} SigV2 - QueryString evil.example TLSv1.0 - - -");
    let line = format!(
        "{} REST.GET.OBJECT a \"GET /a HTTP/1.1\" 200 - 5 6 7 8 \"-\" \"{agent}\" {}",
        head("-"),
        tail()
    );
    assert_tail(&line);
    assert_fields(&line, &[(Field::UserAgent, &agent), (Field::VersionId, ABSENT)]);
}

#[test]
fn spaces_in_the_requester_belong_to_it() {
    let requester = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE1EXAM";
    for id in ["3E57427F3EXAMPLE", "0123456789ABCDEF", "3f8a4c1e-0b7d-4a52-9c3e-5d6f7a8b9c0d", "-"] {
        for operation in [
            "REST.GET.OBJECT",
            "WEBSITE.HEAD.OBJECT",
            "SOAP.GetObject",
            "S3.COMPUTE.OBJECT.CHECKSUM",
            "BATCH.NEW.THING",
        ] {
            let line = format!(
                "{OWNER} media [03/Apr/2026:03:11:11 +0000] 192.0.2.7 {requester} {id} {operation} a/b.css \"GET /a/b.css HTTP/1.1\" 200 - 5 6 7 8 \"-\" \"CloudFront\" {}",
                tail()
            );
            assert_fields(
                &line,
                &[
                    (Field::RemoteIp, "192.0.2.7"),
                    (Field::Requester, requester),
                    (Field::RequestId, if id == "-" { ABSENT } else { id }),
                    (Field::Operation, operation),
                    (Field::Key, "a/b.css"),
                    (Field::RequestUri, "GET /a/b.css HTTP/1.1"),
                ],
            );
            assert_tail(&line);
        }
    }
}

#[test]
fn unknown_operations_are_records() {
    for operation in ["FUTURE.GET.OBJECT", "S4.MAKE.TEA", "Select", "NEWOP"] {
        for requester in
            ["-", "AmazonS3", "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE"]
        {
            let line = format!(
                "{} {operation} REST.GET.OBJECT \"GET /a\" 200 - 5 6 7 8 \"-\" \"curl\" {}",
                head(requester),
                tail()
            );
            assert_fields(
                &line,
                &[
                    (Field::Requester, if requester == "-" { ABSENT } else { requester }),
                    (Field::RequestId, "3E57427F3EXAMPLE"),
                    (Field::Operation, operation),
                    (Field::Key, "REST.GET.OBJECT"),
                ],
            );
        }
    }
    // With an unknown kind of request id, too.
    let line = format!(
        "{OWNER} media [03/Apr/2026:03:11:11 +0000] 192.0.2.7 - tx0001-new FUTURE.GET.OBJECT a \"GET /a\" 200"
    );
    assert_fields(
        &line,
        &[(Field::RequestId, "tx0001-new"), (Field::Operation, "FUTURE.GET.OBJECT"), (Field::Key, "a")],
    );
}

#[test]
fn two_spaces_between_fields_change_nothing() {
    let line = modern();
    let expected = read(&line);
    // Within quotes, spaces are content.
    let mut quoted = false;
    for (at, byte) in line.bytes().enumerate() {
        quoted ^= byte == b'"';
        if byte == b' ' && !quoted && !line[..at].ends_with("03:11:11") {
            let doubled = format!("{}  {}", &line[..at], &line[at + 1..]);
            assert_eq!(read(&doubled), expected, "{doubled}");
        }
    }
}

#[test]
fn an_unknown_word_before_the_host_id_goes_to_extra() {
    for version in ["-", "v1.Example"] {
        let line = modern().replace(&format!("\" - {HOST_ID}"), &format!("\" {version} surprise {HOST_ID}"));
        assert_tail(&line);
        assert_fields(
            &line,
            &[(Field::VersionId, if version == "-" { ABSENT } else { version }), (Field::Extra, "surprise")],
        );
    }
}

#[test]
fn two_dashes_after_the_user_agent_shift_nothing() {
    let line = modern().replace(&format!("\" - {HOST_ID}"), &format!("\" - - {HOST_ID}"));
    assert_tail(&line);
    assert_fields(&line, &[(Field::VersionId, ABSENT), (Field::Extra, ABSENT)]);
}

#[test]
fn numbers_beyond_64_bits_are_absent_as_numbers_but_not_lost() {
    let line =
        modern().replace(" 1048576 73400320 120 15 ", " 1 99999999999999999999 120 88888888888888888888 ");
    let record = read(&line);
    assert_eq!(record.integer(Field::BytesSent), Some(1));
    assert_eq!(record.integer(Field::ObjectSize), None);
    assert_eq!(record.integer(Field::TotalTime), Some(120));
    assert_eq!(record.integer(Field::TurnAroundTime), None);
    assert_fields(
        &line,
        &[
            (Field::ObjectSize, "99999999999999999999"),
            (Field::TurnAroundTime, "88888888888888888888"),
            (Field::Extra, "99999999999999999999 120 88888888888888888888"),
        ],
    );
    assert_tail(&line);
    let largest = modern().replace(" 73400320 ", " 18446744073709551615 ");
    assert_eq!(read(&largest).integer(Field::ObjectSize), Some(u64::MAX));
    assert_fields(&largest, &[(Field::Extra, ABSENT)]);
}

#[test]
fn lines_that_are_not_records_are_rejected_with_a_reason() {
    let rest = "192.0.2.7 - 3E57427F3EXAMPLE REST.GET.OBJECT a \"GET /a\" 200";
    let time = "[03/Apr/2026:03:11:11 +0000]";
    for (line, reason) in [
        (String::new(), Rejection::Empty),
        (" \t\r".to_owned(), Rejection::Empty),
        ("\0\0\0\0".to_owned(), Rejection::NoBucket),
        ("nonsense".to_owned(), Rejection::NoBucket),
        (format!("{OWNER} - {time} {rest}"), Rejection::NoBucket),
        (format!("{OWNER} {time} {rest}"), Rejection::NoBucket),
        (format!("{time} {rest}"), Rejection::NoBucket),
        ("some text in a file".to_owned(), Rejection::NoTime),
        (format!("{OWNER} media 2026-04-03T03:11:11Z {rest}"), Rejection::NoTime),
        (
            format!("{OWNER} media [31/Apr/2026:03:11:11 +0000] {rest}"),
            Rejection::InvalidTime(TimeText::new(b"31/Apr/2026:03:11:11 +0000")),
        ),
        (format!("{OWNER} media {time} 192.0.2.7 - 3E57427F3EXAMPLE - a \"GET /a\" 200"), Rejection::NoOperation),
        // The log of a web server.
        (
            "192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326 \"-\" \"REST.GET.OBJECT\"".to_owned(),
            Rejection::NoTime,
        ),
        (
            "192.0.2.7 ana [10/Oct/2000:13:55:36 -0700] \"GET /a.gif HTTP/1.0\" 200 2326 \"-\" \"A REST.GET.OBJECT b\"".to_owned(),
            Rejection::NoOperation,
        ),
        ("BucketOwner Bucket Time RemoteIP Requester RequestID Operation Key Request-URI".to_owned(), Rejection::Header),
        ("Bucket_Owner Bucket Time Remote_IP Requester".to_owned(), Rejection::Header),
        ("Bucket Owner Bucket Time Remote IP".to_owned(), Rejection::Header),
        ("# a comment".to_owned(), Rejection::Header),
    ] {
        assert_eq!(parse_line(line.as_bytes()).unwrap_err(), reason, "{line:?}");
    }
}

#[test]
fn a_record_without_bucket_owner_is_a_record() {
    let line = modern();
    for start in ["- media", "media", "\"-\" media", " media"] {
        let ownerless = line.replacen(&format!("{OWNER} media"), start, 1);
        assert_fields(
            &ownerless,
            &[(Field::BucketOwner, ABSENT), (Field::Bucket, "media"), (Field::RemoteIp, "192.0.2.7")],
        );
        assert_tail(&ownerless);
    }
}

#[test]
fn the_offset_of_the_time_is_honoured() {
    let line = modern().replace("03/Apr/2026:03:11:11 +0000", "02/Apr/2026:22:11:11 -0500");
    assert_eq!(read(&line).time, AT);
}

#[test]
fn bytes_that_are_not_text_are_kept_as_they_are() {
    let mut line = modern().into_bytes();
    let at = line.windows(7).position(|part| part == b"Mozilla").unwrap();
    line[at..at + 3].copy_from_slice(b"\xff\x00\xfe");
    let record = parse_line(&line).unwrap();
    assert_eq!(record.logged(Field::UserAgent).unwrap(), b"\xff\x00\xfeilla/5.0 (X11; Linux x86_64)");
    assert_eq!(record.logged(Field::HostId).unwrap(), HOST_ID.as_bytes());
}

#[test]
fn unknown_words_before_the_referer_go_to_extra() {
    let line = modern().replace(" 120 15 \"https", " 120 15 more words \"https");
    assert_fields(
        &line,
        &[
            (Field::TurnAroundTime, "15"),
            (Field::Referer, "https://example.com/"),
            (Field::UserAgent, "Mozilla/5.0 (X11; Linux x86_64)"),
            (Field::Extra, "more words"),
        ],
    );
    assert_tail(&line);
}

#[test]
fn a_key_with_spaces_ends_where_the_request_uri_begins() {
    let line = modern().replace(" films/a.mp4 \"GET", " my films/a b.mp4 \"GET");
    assert_fields(
        &line,
        &[(Field::Key, "my films/a b.mp4"), (Field::RequestUri, "GET /films/a.mp4 HTTP/1.1")],
    );
    assert_tail(&line);
}
