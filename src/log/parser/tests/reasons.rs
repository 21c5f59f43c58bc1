//! The reasons for which lines are rejected: they name what is wrong, in the terms of the form that the line has.

use super::displaced::reason;
use super::*;

fn versity(path_and_later: &str) -> Rejection {
    reason(&format!(
        "own2 vg [06/February/2026:09:30:25 +0000] 192.0.2.9 rq RID s3_GetObject k.jpg {path_and_later}"
    ))
}

fn journal(key_and_later: &str) -> Rejection {
    reason(&format!("docs fish [05/Aug/2026:10:00:09 +0000] REST.PUT.OBJECT {key_and_later}"))
}

#[test]
fn a_damaged_number_of_versitygw_is_named() {
    let rest = "- curl/8 - - SigV4 TLS AuthHeader h TLSv1.3 arn:aws:s3:::/vg/k.jpg Yes";
    for (numbers, expected) in [
        ("many - 1 2 3 4", Rejection::NoStatus),
        ("206 404 1 2 3 4", Rejection::NoErrorCode),
        ("206 - many 2 3 4", Rejection::NotANumber(Field::BytesSent)),
        ("206 - 1 many 3 4", Rejection::NotANumber(Field::ObjectSize)),
        ("206 - 1 2 3ms 4", Rejection::NotANumber(Field::TotalTime)),
        ("206 NoSuchKey 1 2 3 -4", Rejection::NotANumber(Field::TurnAroundTime)),
        ("206 - 1 2 3 4 5", Rejection::TooManyNumbers),
        // A referer in the place of the number that is missing.
        ("403 AccessDenied many 0 3 3 200", Rejection::NotANumber(Field::BytesSent)),
        ("403 AccessDenied many 0 3 3 200 - 5 6 7 8", Rejection::NotANumber(Field::BytesSent)),
    ] {
        assert_eq!(versity(&format!("/vg/k.jpg {numbers} {rest}")), expected, "{numbers}");
    }
    assert_eq!(versity(&format!("/vg/other.jpg 206 - 1 2 3 4 {rest}")), Rejection::NoRequestUri);
}

#[test]
fn a_record_that_ends_with_a_number_is_cut_off() {
    for later in
        ["", " 2", " 206", " 206 -", " 206 - 1011", " 206 - 1011 2022 3033", " 206 - 1011 2022 3033 40"]
    {
        assert_eq!(versity(&format!("/vg/k.jpg{later}")), Rejection::CutOff, "{later}");
    }
    let s3 = |uri: &str, later: &str| reason(&format!("{} REST.GET.OBJECT a {uri} {later}", head("-")));
    for uri in ["\"GET /a HTTP/1.1\"", "\"GET /a\"", "-", "GET /a HTTP/1.1"] {
        for later in ["20", "206 ErrCode 1", "206 - 1 2", "206 - - 2 3", "206 - 1 2 3 4"] {
            assert_eq!(s3(uri, later), Rejection::CutOff, "{uri} {later}");
        }
    }
}

#[test]
fn a_journal_record_needs_size_version_and_etag() {
    for (later, expected) in [
        ("K", Rejection::CutOff),
        ("K -", Rejection::CutOff),
        ("K 404", Rejection::CutOff),
        ("K 404 v7", Rejection::CutOff),
        ("K 404 v7 4cfdfc1f58e762d3e1", Rejection::CutOff),
        ("K many v7 4cfdfc1f58e762d3e116787cb92fac60", Rejection::NoSize),
        ("K 404 v7 sha256:4cfdfc1f", Rejection::NoEtag),
        ("K 404 v7Qx \"GET / HTTP/1.1\" 200 -", Rejection::NoEtag),
        ("K 404 v7Qx \"GET / HTTP/1.1\"", Rejection::NoEtag),
        ("K \"GET / HTTP/1.1\" 200 - 1 2 3 4 \"-\" \"curl/8\" -", Rejection::NoEtag),
    ] {
        assert_eq!(journal(later), expected, "{later}");
    }
}

#[test]
fn a_time_that_does_not_exist_is_named() {
    for text in [
        "31/Feb/2026:09:30:25 +0000",
        "06/Foo/2026:09:30:25 +0000",
        "06/Febuary/2026:09:30:25 +0000",
        "06/Feb/2026:24:00:00 +0000",
        "06/Feb/2026:09:30:25 +2400",
    ] {
        let rejection = reason(&modern().replace("03/Apr/2026:03:11:11 +0000", text));
        assert_eq!(rejection.to_string(), format!("not a valid time: [{text}]"));
    }
    for text in ["2026-02-06T09:30:25Z", "yesterday", ""] {
        assert_eq!(reason(&modern().replace("03/Apr/2026:03:11:11 +0000", text)), Rejection::NoTime);
    }
    let hostile = modern().replace("/Apr/2026:03:11:11 +0000", "/\u{1b}[2J/2026:03:11:11 +0000");
    assert_eq!(reason(&hostile).to_string(), "not a valid time: [03/?[2J/2026:03:11:11 +0000]");
}

#[test]
fn a_quoted_text_next_to_the_request_line_is_not_a_part_of_it() {
    let line = |uri: &str| {
        format!("{} REST.GET.OBJECT k {uri} 206 - 1 2 3 4 \"-\" \"curl/8\" {}", head("-"), tail())
    };
    for (uri, expected) in [
        ("\"GET /k HTTP/1.1\" \"x y\"", Rejection::NoStatus),
        ("\"GET /k\" \"x y\"", Rejection::NoStatus),
        ("\"-\" \"x y\"", Rejection::NoStatus),
        ("\"x y\" \"GET /k HTTP/1.1\"", Rejection::NoRequestUri),
        ("\"x y\" \"GET /k\"", Rejection::NoRequestUri),
    ] {
        assert_eq!(reason(&line(uri)), expected, "{uri}");
    }
}

#[test]
fn four_numbers_after_a_request_line_without_quotes_are_read() {
    let line = format!(
        "{} REST.GET.OBJECT k GET /k HTTP/1.1 206 - 1 2 3 4 \"https://ref/\" \"curl/8\" {}",
        head("-"),
        tail()
    );
    assert_fields(
        &line,
        &[
            (Field::RequestUri, "GET /k HTTP/1.1"),
            (Field::HttpStatus, "206"),
            (Field::Referer, "https://ref/"),
            (Field::UserAgent, "curl/8"),
            (Field::Extra, ABSENT),
        ],
    );
    assert_tail(&line);
    assert_eq!(*read(&line).measures(), [Some(1), Some(2), Some(3), Some(4)]);
}
