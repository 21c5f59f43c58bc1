//! Records of Storj, which writes nothing for an empty field.

use super::products::table;
use super::*;

/// A line of Storj: [requester, error code, bytes sent], and the fields from the version id on.
fn storj(operation: &str, [requester, error, bytes]: [&str; 3], trailing: &[&str; 9]) -> String {
    format!(
        "docs-project media [06/Aug/2026:09:30:25 +0000] 192.0.2.60 {requester} 17F0C2A1B3D4E5F6 {operation} a.jpg \
         \"GET /media/a.jpg HTTP/1.1\" 200 {error} {bytes} 0 123 0 \"https://example.com\" \"curl 8.8\" {}",
        trailing.join(" ")
    )
}

/// Asserts that each field of a line of Storj is in its place.
fn assert_storj(operation: &str, first: [&str; 3], trailing: &[&str; 9]) {
    fn text(field: &str) -> &str {
        if matches!(field, "" | "-") { ABSENT } else { field }
    }
    let line = storj(operation, first, trailing);
    let mut expected = vec![
        (Field::RemoteIp, "192.0.2.60"),
        (Field::Requester, text(first[0])),
        (Field::RequestId, "17F0C2A1B3D4E5F6"),
        (Field::Operation, operation),
        (Field::Key, "a.jpg"),
        (Field::HttpStatus, "200"),
        (Field::ErrorCode, text(first[1])),
        (Field::Referer, "https://example.com"),
        (Field::UserAgent, "curl 8.8"),
    ];
    let fields = Field::all().skip(Field::VersionId as usize);
    expected.extend(fields.zip(trailing).map(|(field, value)| (field, text(value))));
    table(&line, &expected, [first[2].parse().ok(), Some(0), Some(123), Some(0)]);
}

#[test]
fn storj_writes_nothing_for_an_empty_field() {
    let trailing = |version, host| {
        [
            version,
            host,
            "SigV4",
            "TLS_AES_128_GCM_SHA256",
            "AuthHeader",
            "gateway.example.io",
            "TLSv1.2",
            "-",
            "-",
        ]
    };
    for operation in ["REST.GET.OBJECT", "GetObject"] {
        for requester in ["docs-project", "", "-"] {
            for error in ["NoSuchKey", "", "-"] {
                for bytes in ["1234", "-"] {
                    for version in ["version", "", "-"] {
                        for host in ["host", "", "-"] {
                            assert_storj(operation, [requester, error, bytes], &trailing(version, host));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn empty_fields_of_storj_anywhere_after_the_user_agent_shift_nothing() {
    let host = "gateway.example.io";
    let cases = [
        // Anonymous, and without TLS.
        ["version", "host", "", "", "", host, "", "-", "-"],
        ["version", "host", "", "", "", host, "", "", ""],
        ["", "", "", "", "", host, "", "-", "-"],
        ["", "host", "-", "-", "-", host, "-", "-", "-"],
        ["version", "", "-", "-", "-", host, "-", "-", "-"],
        ["version", "host", "SigV4", "", "AuthHeader", host, "", "-", "-"],
        ["version", "host", "SigV4", "-", "", host, "-", "-", "-"],
        ["version", "host", "", "TLS_AES_128_GCM_SHA256", "", host, "TLSv1.3", "-", "-"],
        ["version", "host", "SigV4", "TLS_AES_128_GCM_SHA256", "AuthHeader", host, "", "-", "Yes"],
        [
            "version",
            "host",
            "SigV4",
            "TLS_AES_128_GCM_SHA256",
            "AuthHeader",
            host,
            "",
            "arn:aws:s3:::ap",
            "-",
        ],
        ["version", "host", "SigV4", "TLS_AES_128_GCM_SHA256", "AuthHeader", "", "TLSv1.3", "-", "Yes"],
        ["version", "host", "SigV4", "TLS_AES_128_GCM_SHA256", "AuthHeader", host, "TLSv1.3", "", "Yes"],
        ["", "", "SigV4", "", "QueryString", "", "", "", "No"],
    ];
    for trailing in &cases {
        assert_storj("REST.GET.OBJECT", ["docs-project", "-", "1234"], trailing);
        assert_storj("REST.GET.OBJECT", ["", "", "1234"], trailing);
    }
}

#[test]
fn a_tls_version_with_a_space_shifts_nothing() {
    for version in ["TLS 1.2", "TLS 1.3"] {
        for (version_id, access_point, acl) in
            [("-", "-", "-"), ("", "", "Yes"), ("v1", "arn:aws:s3:::ap", "No")]
        {
            let trailing =
                [version_id, "host", "SigV4", "TLS_AES_128_GCM_SHA256", "-", "-", version, access_point, acl];
            assert_storj("GetObject", ["docs-project", "-", "1234"], &trailing);
        }
    }
}
