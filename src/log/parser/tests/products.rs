//! Lines as the code or the documentation of other servers defines them, and the fields that must be read from them.

use super::*;

/// Asserts all fields after the operation, which are absent unless expected, and the numbers.
pub(super) fn table(line: &str, expected: &[(Field, &str)], numbers: [Option<u64>; 4]) {
    let mut all = vec![
        (Field::HttpStatus, ABSENT),
        (Field::ErrorCode, ABSENT),
        (Field::Referer, ABSENT),
        (Field::UserAgent, ABSENT),
        (Field::VersionId, ABSENT),
        (Field::HostId, ABSENT),
        (Field::SignatureVersion, ABSENT),
        (Field::CipherSuite, ABSENT),
        (Field::AuthenticationType, ABSENT),
        (Field::HostHeader, ABSENT),
        (Field::TlsVersion, ABSENT),
        (Field::AccessPointArn, ABSENT),
        (Field::AclRequired, ABSENT),
        (Field::SourceRegion, ABSENT),
        (Field::Extra, ABSENT),
    ];
    all.retain(|(field, _)| !expected.iter().any(|(named, _)| named == field));
    assert_fields(line, expected);
    assert_fields(line, &all);
    let record = read(line);
    let measures = [Field::BytesSent, Field::ObjectSize, Field::TotalTime, Field::TurnAroundTime];
    assert_eq!(measures.map(|field| record.integer(field)), numbers, "{line}");
    let status = record.logged(Field::HttpStatus).map(<[u8]>::to_vec);
    assert!(status.is_none_or(|status| status.len() == 3 && record.integer(Field::HttpStatus).is_some()));
    assert_eq!(records(line.as_bytes()).count(), 1, "{line}");
}

fn address(line: &str) -> String {
    read(line).remote_ip().map_or(ABSENT.to_owned(), |ip| String::from_utf8_lossy(&ip).into_owned())
}

#[test]
fn huawei_obs_has_more_fields_after_the_user_agent() {
    let line = "787f2f92b20943998a4fe2ab75eb09b8 bucket [13/Aug/2015:01:43:42 +0000] 192.0.2.30 \
        787f2f92b20943998a4fe2ab75eb09b8 281599BACAD9376ECE141B842B94535B  REST.GET.BUCKET.LOCATION - \
        \"GET /bucket?location HTTP/1.1\" 200 - 211 - 6 6 \"-\"  \"HttpClient\" ";
    let fields = [
        (Field::RemoteIp, "192.0.2.30"),
        (Field::Requester, "787f2f92b20943998a4fe2ab75eb09b8"),
        (Field::RequestId, "281599BACAD9376ECE141B842B94535B"),
        (Field::Operation, "REST.GET.BUCKET.LOCATION"),
        (Field::Key, ABSENT),
        (Field::RequestUri, "GET /bucket?location HTTP/1.1"),
        (Field::HttpStatus, "200"),
        (Field::UserAgent, "HttpClient"),
    ];
    for (tail, version, extra) in [
        ("- -", ABSENT, ABSENT),
        (
            "- - - - \"-\" 089fe8c2c380f4031f6dc0197fe99d4d HPTAAFZfyW0yD80idvjw",
            ABSENT,
            "- - - \"-\" 089fe8c2c380f4031f6dc0197fe99d4d HPTAAFZfyW0yD80idvjw",
        ),
        (
            "G001 urn STANDARD STANDARD_IA \"a folder\" 089fe8c2c380f4031f6dc0197fe99d4d",
            "G001",
            "urn STANDARD STANDARD_IA \"a folder\" 089fe8c2c380f4031f6dc0197fe99d4d",
        ),
    ] {
        let mut expected = fields.to_vec();
        expected.extend([(Field::VersionId, version), (Field::Extra, extra)]);
        table(&format!("{line}{tail}"), &expected, [Some(211), None, Some(6), Some(6)]);
    }
}

#[test]
fn idrive_e2_names_operations_by_their_method() {
    for operation in ["GET", "GET.OBJECT", "REST.OBJECT", "REST.GET.OBJECT"] {
        for id in ["17F0C2A1B3D4E5F6", "c2f6b1e0-5d3a-4a52-9c3e-5d6f7a8b9c0d", "tx0001-new"] {
            let line = format!(
                "e2owner media [06/Aug/2026:09:30:25 +0000] 192.0.2.91:54321 - {id} {operation} a.jpg \
                 \"GET /media/a.jpg HTTP/1.1\" 200 - 1024 1024 12ms 850us \"-\" \"rclone/v1.66.0\" - - SigV4 - AuthHeader \
                 e2.example.com TLSv1.3 - -"
            );
            table(
                &line,
                &[
                    (Field::RequestId, id),
                    (Field::Operation, operation),
                    (Field::Key, "a.jpg"),
                    (Field::HttpStatus, "200"),
                    (Field::UserAgent, "rclone/v1.66.0"),
                    (Field::SignatureVersion, "SigV4"),
                    (Field::AuthenticationType, "AuthHeader"),
                    (Field::HostHeader, "e2.example.com"),
                    (Field::TlsVersion, "TLSv1.3"),
                ],
                [Some(1024), Some(1024), Some(12), Some(0)],
            );
            assert_eq!(address(&line), "192.0.2.91");
        }
    }
}

#[test]
fn ovh_names_owners_by_project_and_user() {
    table(
        "AUTH_docs:user-1 media [06/Aug/2026:09:30:25 +0000] 192.0.2.40 AUTH_docs:user-1 txid0123456789abcdef \
         REST.HEAD.BUCKET - \"HEAD /media HTTP/1.1\" 200 - - - 8 - \"-\" \"Boto3/1.26\" - txid0123456789abcdef-0066 SigV4 - \
         AuthHeader media.s3.example.net TLSv1.2 - -",
        &[
            (Field::BucketOwner, "AUTH_docs:user-1"),
            (Field::Requester, "AUTH_docs:user-1"),
            (Field::RequestId, "txid0123456789abcdef"),
            (Field::Operation, "REST.HEAD.BUCKET"),
            (Field::HttpStatus, "200"),
            (Field::UserAgent, "Boto3/1.26"),
            (Field::HostId, "txid0123456789abcdef-0066"),
            (Field::SignatureVersion, "SigV4"),
            (Field::AuthenticationType, "AuthHeader"),
            (Field::HostHeader, "media.s3.example.net"),
            (Field::TlsVersion, "TLSv1.2"),
        ],
        [None, None, Some(8), None],
    );
}

#[test]
fn wasabi_writes_names_of_fields_first_and_ends_at_the_version_id() {
    let header = "BucketOwner Bucket Time RemoteIP Requester RequestID Operation Key Request-URI HttpStatus ErrorCode \
        BytesSent ObjectSize TotalTime Turn-AroundTime Referrer User-Agent VersionId";
    assert_eq!(parse_line(header.as_bytes()).unwrap_err(), Rejection::Header);
    let owner = OWNER.to_ascii_uppercase();
    table(
        &format!(
            "{owner} media [06/Aug/2026:09:30:25 +0000] 192.0.2.50 {owner} 6F92E0A1B2C3D4E5 REST.GET.OBJECT a.jpg \
             \"GET /media/a.jpg HTTP/1.1\" 200 - 1024 1024 13 2 \"\" \"WasabiConsole\" -"
        ),
        &[
            (Field::BucketOwner, &owner),
            (Field::Requester, &owner),
            (Field::RequestId, "6F92E0A1B2C3D4E5"),
            (Field::HttpStatus, "200"),
            (Field::UserAgent, "WasabiConsole"),
        ],
        [Some(1024), Some(1024), Some(13), Some(2)],
    );
}

#[test]
fn moto_quotes_neither_the_request_line_nor_the_user_agent() {
    let agent = "Boto3/1.26.0 Python/3.11 prompt/off command/s3api.put-object";
    table(
        &format!(
            "{OWNER} originbucket [06/Aug/2026:09:30:25 +0000] 0.0.0.0 - 1b2c3d4e5f607182 REST.PUT.BUCKET - \
             PUT /a.txt HTTP/1.1 200 - - 1 2 \"-\" {agent} - c29tZSB1bmtub3duIGRhdGE= SigV4 \
             ECDHE-RSA-AES128-GCM-SHA256 AuthHeader https://media.s3.amazonaws.com TLSv1.2 - -"
        ),
        &[
            (Field::RemoteIp, "0.0.0.0"),
            (Field::RequestId, "1b2c3d4e5f607182"),
            (Field::Operation, "REST.PUT.BUCKET"),
            (Field::Key, ABSENT),
            (Field::RequestUri, "PUT /a.txt HTTP/1.1"),
            (Field::HttpStatus, "200"),
            (Field::UserAgent, agent),
            (Field::HostId, "c29tZSB1bmtub3duIGRhdGE="),
            (Field::SignatureVersion, "SigV4"),
            (Field::CipherSuite, "ECDHE-RSA-AES128-GCM-SHA256"),
            (Field::AuthenticationType, "AuthHeader"),
            (Field::HostHeader, "https://media.s3.amazonaws.com"),
            (Field::TlsVersion, "TLSv1.2"),
            // One number is missing, and nothing shows which.
            (Field::Extra, "- 1 2"),
        ],
        [None, None, None, None],
    );
}

#[test]
fn an_address_with_a_port_is_the_address() {
    for (logged, ip) in [
        ("192.0.2.91:54321", "192.0.2.91"),
        ("[2001:db8::7]:54321", "2001:db8::7"),
        ("::ffff:192.0.2.91", "192.0.2.91"),
        ("2001:0db8:0:0:0:0:0:7", "2001:db8::7"),
        ("2001:DB8::7", "2001:db8::7"),
    ] {
        let line = modern().replace("192.0.2.7", logged);
        assert!(fast_path::read(line.as_bytes()).is_none(), "{line}");
        assert_eq!(address(&line), ip);
        assert_tail(&line);
    }
    let line = modern().replace("192.0.2.7", "2001:db8::7");
    assert!(fast_path::read(line.as_bytes()).is_some(), "is read by the fast path");
    assert_eq!(address(&line), "2001:db8::7");
}

#[test]
fn records_with_a_port_keep_their_method_in_the_request_line() {
    let line = "docs media [06/Aug/2026:09:30:26 +0000] [2001:db8::7]:54321 docs 0A1B2C3D4E5F6076 REST.OBJECT a.jpg \
        \"PATCH /media/a.jpg HTTP/1.1\" 405 Error 10 0 0 0 \"-\" \"-\" - - SigV4 - AuthHeader localhost:9000 - - -";
    table(
        line,
        &[
            (Field::Operation, "REST.OBJECT"),
            (Field::RequestUri, "PATCH /media/a.jpg HTTP/1.1"),
            (Field::HttpStatus, "405"),
            (Field::ErrorCode, "Error"),
            (Field::SignatureVersion, "SigV4"),
            (Field::AuthenticationType, "AuthHeader"),
            (Field::HostHeader, "localhost:9000"),
        ],
        [Some(10), Some(0), Some(0), Some(0)],
    );
    assert_eq!(address(line), "2001:db8::7");
}

#[test]
fn a_requester_that_means_anonymous_is_absent() {
    let line = |requester: &str| {
        format!(
            "{OWNER} docs [05/Mar/2009:10:00:00 +0000] 192.0.2.231 {requester} 0A1B2C3D4E5F6090 REST.GET.OBJECT \
             pkg/tool-1.2.zip \"GET /pkg/tool-1.2.zip HTTP/1.1\" 206 - 1000 9000 70 60 \"http://www.example.org/pkg/\" \
             \"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\""
        )
    };
    for requester in ["65a011a29cdf8ec533ec3d1ccaae921c", "Anonymous", "anonymous"] {
        table(
            &line(requester),
            &[
                (Field::RemoteIp, "192.0.2.231"),
                (Field::Requester, ABSENT),
                (Field::RequestId, "0A1B2C3D4E5F6090"),
                (Field::Operation, "REST.GET.OBJECT"),
                (Field::Key, "pkg/tool-1.2.zip"),
                (Field::HttpStatus, "206"),
                (Field::Referer, "http://www.example.org/pkg/"),
                (Field::UserAgent, "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"),
                (Field::Extra, requester),
            ],
            [Some(1000), Some(9000), Some(70), Some(60)],
        );
    }
    let other = "75a011a29cdf8ec533ec3d1ccaae921c";
    assert_fields(&line(other), &[(Field::Requester, other), (Field::Extra, ABSENT)]);
}

#[test]
fn text_where_a_number_belongs_rejects_the_line() {
    let start = format!("{} REST.GET.OBJECT a \"GET /a HTTP/1.1\"", head("-"));
    for (rest, reason) in [
        ("Boto3/1.26 200 - 5 6 7 8 \"-\" \"curl\"", Rejection::NoStatus),
        ("H 200 - 5 6 7 8 \"-\" \"curl\"", Rejection::NoStatus),
        ("20480 - 5 6 7 8 \"-\" \"curl\"", Rejection::NoStatus),
        ("0404 - 5 6 7 8 \"-\" \"curl\"", Rejection::NoStatus),
        ("20 - 5 6 7 8 \"-\" \"curl\"", Rejection::NoStatus),
        ("200 - many 6 7 8 \"-\" \"curl\"", Rejection::NotANumber(Field::BytesSent)),
        ("200 - 5 6 7 -8 \"-\" \"curl\"", Rejection::NotANumber(Field::TurnAroundTime)),
        ("200 - 5 12ms 7 8 \"-\" \"curl\"", Rejection::NotANumber(Field::ObjectSize)),
        ("200 - 5 6 7 8h \"-\" \"curl\"", Rejection::NotANumber(Field::TurnAroundTime)),
        ("200 - x 1 2 \"-\" \"curl\"", Rejection::NotANumber(Field::BytesSent)),
        ("200 - 5 6 curl of several words - -", Rejection::NotANumber(Field::TotalTime)),
        ("200 - x y z w v \"-\" \"curl\"", Rejection::NotANumber(Field::BytesSent)),
    ] {
        let line = format!("{start} {rest} {}", tail());
        assert_eq!(parse_line(line.as_bytes()).unwrap_err(), reason, "{line}");
    }
    // Without a request line.
    let line = format!("{} REST.GET.OBJECT a /b Boto3/1.26 200 - 5 6", head("-"));
    assert_eq!(parse_line(line.as_bytes()).unwrap_err(), Rejection::NoRequestUri);
}

#[test]
fn a_user_agent_of_several_words_without_quotes_shifts_nothing() {
    for (texts, referer, agent) in [
        ("\"-\" Mozilla/5.0 (X11; Linux x86_64)", ABSENT, "Mozilla/5.0 (X11; Linux x86_64)"),
        ("- Mozilla/5.0 (X11; Linux x86_64)", ABSENT, "Mozilla/5.0 (X11; Linux x86_64)"),
        ("https://example.com/ curl/8 of mine", "https://example.com/", "curl/8 of mine"),
        ("https://example.com/ \"curl/8 of mine\"", "https://example.com/", "curl/8 of mine"),
        ("a page of mine \"curl/8 of mine\"", "a page of mine", "curl/8 of mine"),
    ] {
        let line =
            format!("{} REST.GET.OBJECT a \"GET /a HTTP/1.1\" 200 - 5 6 7 8 {texts} {}", head("-"), tail());
        assert_fields(
            &line,
            &[
                (Field::TurnAroundTime, "8"),
                (Field::Referer, referer),
                (Field::UserAgent, agent),
                (Field::Extra, ABSENT),
            ],
        );
        assert_tail(&line);
    }
}

#[test]
fn escaped_quotes_end_no_field() {
    for (referer, agent) in [
        (r#"https://example.com/?q=\"a\" \"b\""#, "curl/8"),
        (r#"\"a\" \"b\" \"c\""#, r#"an \"agent\" \"of\" quotes"#),
    ] {
        let line = format!(
            "{} REST.GET.OBJECT a \"GET /a?q=\\\"b\\\" HTTP/1.1\" 200 - 5 6 7 8 \"{referer}\" \"{agent}\" {}",
            head("-"),
            tail()
        );
        assert_fields(
            &line,
            &[
                (Field::RequestUri, r#"GET /a?q=\"b\" HTTP/1.1"#),
                (Field::TurnAroundTime, "8"),
                (Field::Referer, referer),
                (Field::UserAgent, agent),
            ],
        );
        assert_tail(&line);
    }
}
