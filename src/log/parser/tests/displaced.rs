//! Damaged fields: the record is read in another known form, or rejected with a reason. Text never becomes a number, and
//! no field is read in the place of another one.

use super::*;

/// A line with these fields after the request line, and the trailing fields of a modern line.
fn with_numbers(numbers: &str) -> String {
    format!(
        "{} REST.GET.OBJECT a \"GET /a HTTP/1.1\" {numbers} \"https://example.com/\" \"curl/8\" {}",
        head("-"),
        tail()
    )
}

/// Asserts that all fields are those of [`with_numbers`] with these numbers.
fn assert_numbers(line: &str, error: &str, numbers: [Option<u64>; 4]) {
    assert_fields(
        line,
        &[
            (Field::RequestUri, "GET /a HTTP/1.1"),
            (Field::ErrorCode, error),
            (Field::Referer, "https://example.com/"),
            (Field::UserAgent, "curl/8"),
        ],
    );
    assert_tail(line);
    assert_eq!(*read(line).measures(), numbers, "{line}");
}

pub(super) fn reason(line: &str) -> Rejection {
    match parse_line(line.as_bytes()) {
        Ok(record) => panic!("{record:?}: {line}"),
        Err(rejection) => rejection,
    }
}

#[test]
fn a_later_quote_is_not_the_end_of_a_request_uri_whose_status_follows() {
    for uri in ["GET /a HTTP/1.1", "GET /a"] {
        let line = |numbers: &str, tail: &str| {
            format!("{} REST.GET.OBJECT a \"{uri}\" {numbers} \"-\" \"curl/8\" {tail}", head("-"))
        };
        for tail in ["- - - - - - -", "- - - - - - - - -", "- - 200 - 5 6 7 8 \"-\" \"x\" -"] {
            assert_fields(
                &line("200 - 5 6 12ms 7", tail),
                &[(Field::RequestUri, uri), (Field::HttpStatus, "200"), (Field::TotalTime, "12ms")],
            );
            assert_eq!(reason(&line("200 - 5 many 7 8", tail)), Rejection::NotANumber(Field::ObjectSize));
            assert_eq!(reason(&line("404 - x y z w", tail)), Rejection::NotANumber(Field::BytesSent));
        }
    }
}

#[test]
fn a_quoted_new_field_goes_to_extra_with_everything_that_a_client_could_have_written() {
    for new in ["\"new 2\"", "\"new\"", "one \"new 2\" \"new 3\""] {
        let agent_and_later = format!("\"curl/8\" {} {new}", tail());
        let line = format!(
            "{} REST.GET.OBJECT a \"GET /a HTTP/1.1\" 200 - 5 6 7 8 \"https://ref/\" {agent_and_later}",
            head("-")
        );
        assert_fields(
            &line,
            &[
                (Field::TurnAroundTime, "8"),
                (Field::Referer, "https://ref/"),
                (Field::UserAgent, ABSENT),
                (Field::HostId, ABSENT),
                (Field::HostHeader, ABSENT),
                (Field::Extra, &agent_and_later),
            ],
        );
    }
}

#[test]
fn a_quoted_text_among_the_trailing_fields_shifts_nothing() {
    let line = modern().replace(" TLS_AES_128_GCM_SHA256 ", " \"a cipher\" ");
    let extra = &line[line.find("\"Mozilla").unwrap()..];
    assert_fields(
        &line,
        &[
            (Field::Referer, "https://example.com/"),
            (Field::UserAgent, ABSENT),
            (Field::HostId, ABSENT),
            (Field::AuthenticationType, ABSENT),
            (Field::Extra, extra),
        ],
    );
}

#[test]
fn a_word_in_the_place_of_the_request_line_rejects_the_line() {
    for word in ["many", "/b", "GET", "a b c"] {
        for referer in ["\"https://example.com/\"", "\"-\"", "-"] {
            let line = format!(
                "{} REST.GET.OBJECT a {word} 200 - 5 6 7 8 {referer} \"curl/8\" {}",
                head("-"),
                tail()
            );
            assert_eq!(reason(&line), Rejection::NoRequestUri);
        }
    }
}

#[test]
fn five_numbers_reject_the_line() {
    for numbers in [
        "200 many - 10 20 30 4",
        "200 - 10 20 30 4 5",
        "200 - - 10 20 30 4",
        "200 - 10 20 30 4 -",
        "200 - 10 20 30 4 5ms",
    ] {
        assert_eq!(reason(&with_numbers(numbers)), Rejection::TooManyNumbers, "{numbers}");
    }
    for numbers in ["404 200 - 10 20 30 4", "200 404 10 20 30 4"] {
        assert_eq!(reason(&with_numbers(numbers)), Rejection::NoErrorCode, "{numbers}");
    }
}

#[test]
fn a_quoted_text_in_the_place_of_a_number_rejects_the_line() {
    for (numbers, expected) in [
        ("\"x y\" - 10 20 30 4", Rejection::NoStatus),
        ("200 \"x y\" 10 20 30 4", Rejection::NoErrorCode),
        ("200 - \"x y\" 20 30 4", Rejection::NotANumber(Field::BytesSent)),
        ("200 - 10 \"x y\" 30 4", Rejection::NotANumber(Field::ObjectSize)),
        ("200 - 10 20 \"30\" 4", Rejection::NotANumber(Field::TotalTime)),
        ("200 - 10 20 30 \"\"", Rejection::NotANumber(Field::TurnAroundTime)),
    ] {
        assert_eq!(reason(&with_numbers(numbers)), expected, "{numbers}");
    }
}

#[test]
fn an_empty_field_among_the_numbers_is_absent() {
    for (numbers, error, measures) in [
        ("200  10 20 30 4", ABSENT, [Some(10), Some(20), Some(30), Some(4)]),
        ("200 NoSuchKey  20 30 4", "NoSuchKey", [None, Some(20), Some(30), Some(4)]),
        ("200 - 10  30 4", ABSENT, [Some(10), None, Some(30), Some(4)]),
        ("200 - 10 20  4", ABSENT, [Some(10), Some(20), None, Some(4)]),
        ("200 - 10 20 30 ", ABSENT, [Some(10), Some(20), Some(30), None]),
        ("200   20  4", ABSENT, [None, Some(20), None, Some(4)]),
    ] {
        let line = with_numbers(numbers);
        assert_numbers(&line, error, measures);
        assert_fields(&line, &[(Field::HttpStatus, "200")]);
    }
    let line = with_numbers(" - 10 20 30 4");
    assert_numbers(&line, ABSENT, [Some(10), Some(20), Some(30), Some(4)]);
    assert_fields(&line, &[(Field::HttpStatus, ABSENT)]);
    assert_eq!(reason(&with_numbers("200 - 10 30 4")), Rejection::NotANumber(Field::TurnAroundTime));
}

#[test]
fn an_empty_field_before_the_operation_is_absent() {
    let line = |identity: &str| {
        modern()
            .replace("192.0.2.7 arn:aws:iam::123456789012:user/ana@example.com 3E57427F3EXAMPLE", identity)
    };
    for (identity, [ip, requester, id]) in [
        (" requester 3E57427F3EXAMPLE", [ABSENT, "requester", "3E57427F3EXAMPLE"]),
        ("192.0.2.7  3E57427F3EXAMPLE", ["192.0.2.7", ABSENT, "3E57427F3EXAMPLE"]),
        ("192.0.2.7 REQUESTER ", ["192.0.2.7", "REQUESTER", ABSENT]),
        ("  3E57427F3EXAMPLE", [ABSENT, ABSENT, "3E57427F3EXAMPLE"]),
    ] {
        let line = line(identity);
        assert_fields(&line, &[(Field::RemoteIp, ip), (Field::Requester, requester), (Field::RequestId, id)]);
        assert_tail(&line);
    }
    // Without a name of its own, nothing shows which of several words are the requester.
    for identity in ["a b REQUESTER 3E57427F3EXAMPLE", "- 192.0.2.7 REQUESTER 3E57427F3EXAMPLE"] {
        assert_eq!(reason(&line(identity)), Rejection::NoOperation);
    }
}

#[test]
fn times_with_a_unit_may_have_a_space_or_be_beyond_64_bits() {
    let line = with_numbers("200 - 10 20 12 ms 4 ms");
    assert_numbers(&line, ABSENT, [Some(10), Some(20), Some(12), Some(4)]);
    let line = with_numbers("200 - 10 20 18446744073709551616ms 4");
    assert_numbers(&line, ABSENT, [Some(10), Some(20), None, Some(4)]);
    assert_fields(&line, &[(Field::Extra, "18446744073709551616ms")]);
    assert_eq!(reason(&with_numbers("200 - 10 ms 20 30 4")), Rejection::NotANumber(Field::ObjectSize));
}

#[test]
fn a_status_below_100_rejects_the_line() {
    for status in ["000", "099", "0", "99", "1000"] {
        let line = with_numbers(&format!("{status} - 10 20 30 4"));
        assert_eq!(reason(&line), Rejection::NoStatus);
    }
    for status in ["100", "999"] {
        let line = with_numbers(&format!("{status} - 10 20 30 4"));
        assert_eq!(read(&line).integer(Field::HttpStatus), status.parse().ok());
    }
}

#[test]
fn the_first_of_several_addresses_is_that_of_the_client() {
    for (logged, ip, extra) in [
        ("192.0.2.7, 198.51.100.9", "192.0.2.7", "192.0.2.7, 198.51.100.9"),
        ("192.0.2.7,198.51.100.9", "192.0.2.7", "192.0.2.7,198.51.100.9"),
        ("2001:db8::7, 192.0.2.7:80, 198.51.100.9", "2001:db8::7", "2001:db8::7, 192.0.2.7:80, 198.51.100.9"),
        ("::ffff:192.0.2.7:54321", "192.0.2.7", ABSENT),
        ("192.0.2.7:99999", "192.0.2.7", ABSENT),
    ] {
        let line = modern().replace("192.0.2.7", logged);
        assert_eq!(read(&line).remote_ip().as_deref(), Some(ip.as_bytes()), "{line}");
        assert_fields(
            &line,
            &[
                (Field::Requester, "arn:aws:iam::123456789012:user/ana@example.com"),
                (Field::RequestId, "3E57427F3EXAMPLE"),
                (Field::Extra, extra),
            ],
        );
        assert_tail(&line);
    }
}

#[test]
fn the_fields_of_obs_after_the_version_id_are_in_extra() {
    for (fields, version) in [
        ("G001 urn STANDARD STANDARD_IA \"a \"quoted\" folder\" 089fe8c2c380f4031f6dc0197fe99d4d", "G001"),
        ("G001 urn STANDARD STANDARD_IA \"a folder\" 1234567 y2", "G001"),
        ("G001 my agency STANDARD STANDARD_IA \"a folder\" 1234567 y2", "G001"),
        ("- my agency - - \"-\" 1234567 y2", ABSENT),
        ("G001 urn STANDARD - folder x1", "G001"),
        ("G001 urn STANDARD STANDARD_IA folder 089fe8c2c380f4031f6dc0197fe99d4d", "G001"),
    ] {
        let line = format!(
            "787f2f92b20943998a4fe2ab75eb09b8 bucket [13/Aug/2015:01:43:42 +0000] 192.0.2.30 user \
             281599BACAD9376ECE141B842B94535B REST.GET.OBJECT a \"GET /bucket/a HTTP/1.1\" 200 - 211 - 6 6 \"-\" \
             \"Http \"Client\" 2\" {fields}"
        );
        assert_fields(
            &line,
            &[
                (Field::UserAgent, "Http \"Client\" 2"),
                (Field::VersionId, version),
                (Field::HostId, ABSENT),
                (Field::HostHeader, ABSENT),
                (Field::TlsVersion, ABSENT),
                (Field::Extra, fields.split_once(' ').unwrap().1),
            ],
        );
    }
}

#[test]
fn trailing_fields_that_cannot_be_aligned_are_in_extra() {
    for (from, to) in [
        (" media.s3.eu-west-1.amazonaws.com ", " two hosts "),
        (" AuthHeader ", " - - "),
        (" SigV4 ", " a b "),
    ] {
        let line = modern().replace(from, to);
        let record = read(&line);
        let start = line.find(&format!(" - {HOST_ID}")).unwrap();
        assert_eq!(text(&record, Field::UserAgent), "Mozilla/5.0 (X11; Linux x86_64)");
        assert_eq!(text(&record, Field::Extra), line[start + 1..], "{line}");
        assert_eq!(record.logged(Field::HostId), None);
    }
}

#[test]
fn texts_without_quotes_do_not_move_the_end_of_the_request_uri() {
    for (uri, referer) in [
        ("GET /ce/a.txt HTTP/1.1", "evil\" 200 - 1 2 3 4"),
        ("GET /ce/a.txt", "evil\" 200 - 1 2 3 4"),
        ("GET /ce/a.txt HTTP/1.1", "a b c d e f g h i j k l m n\" 200 - 1 2 3 4"),
        ("GET /ce/a.txt", "a b c d e f g h i j k l m n HTTP/1.1\" 200 - 1 2 3 4"),
    ] {
        let line = format!(
            "abc ce [13/Aug/2026:01:43:42 +0000] 192.0.2.5 user RID REST.GET.OBJECT a.txt \"{uri}\" 403 AccessDenied \
             - 20 - 12ms {referer} \"y \"curl/8\" - HOST SigV4 TLS AuthHeader h TLSv1.3 - -"
        );
        assert_fields(
            &line,
            &[
                (Field::RequestUri, uri),
                (Field::HttpStatus, "403"),
                (Field::ErrorCode, "AccessDenied"),
                (Field::ObjectSize, "20"),
                (Field::TurnAroundTime, "12ms"),
            ],
        );
    }
}

#[test]
fn a_damaged_number_does_not_move_the_end_of_the_request_uri() {
    for uri in ["GET /a HTTP/1.1", "GET /a"] {
        for (numbers, expected) in [
            ("206 ErrCode 1011 2022 3033 x\"", Rejection::NotANumber(Field::TurnAroundTime)),
            ("206 ErrCode 1011 many 3033 4 x\"", Rejection::NotANumber(Field::ObjectSize)),
        ] {
            let line = with_numbers(&format!("{numbers} 200 - 1 2 3 4 \"y")).replace("GET /a HTTP/1.1", uri);
            assert_eq!(reason(&line), expected, "{line}");
        }
    }
}
