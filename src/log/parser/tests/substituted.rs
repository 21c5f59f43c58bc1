//! Lines of every product with something else in the place of one field, before it, or after it. Whatever it is, no other field
//! changes its place.

use super::*;
use crate::log::record::MEASURES;

/// A line, as its fields. The quotes around a field are part of it.
struct Form {
    name: &'static str,
    fields: Vec<(Field, String)>,
}

/// A form with the fields of a record in their order.
fn form(name: &'static str, fields: &[&str]) -> Form {
    Form { name, fields: Field::all().zip(fields.iter().map(|text| (*text).to_owned())).collect() }
}

const TIME: &str = "[06/Aug/2026:09:30:25 +0000]";

/// A line of each product. All texts in a line differ.
fn forms() -> Vec<Form> {
    let owner_of_obs = "787f2f92b20943998a4fe2ab75eb09b8";
    let trailing = [
        "VERSION1",
        "HOSTID=",
        "SigV4",
        "TLS_AES_128",
        "AuthHeader",
        "bk.example.com",
        "TLSv1.3",
        "arn:aws:s3:::ap",
        "Yes",
        "us-east-1",
    ];
    let s3 = [
        OWNER,
        "bk",
        TIME,
        "192.0.2.9",
        "REQUESTER",
        "3E57427F3EXAMPLE",
        "REST.GET.OBJECT",
        "k/a.jpg",
        "\"GET /bk/k/b.jpg HTTP/1.1\"",
        "200",
        "NoError",
        "10",
        "20",
        "30",
        "4",
        "\"http://ref/x\"",
        "\"agent one two\"",
    ];
    let with_trailing = |trailing: &[&'static str]| [&s3[..], trailing].concat();
    let replaced = |fields: &[&'static str], changes: &[(usize, &'static str)]| {
        let mut fields = fields.to_vec();
        for (index, text) in changes {
            fields[*index] = text;
        }
        fields
    };
    let whole = with_trailing(&trailing);
    let mut forms = vec![
        form("S3", &whole),
        form("S3 without error code", &replaced(&whole, &[(10, "-")])),
        form("S3 without HTTP version", &replaced(&whole, &[(8, "\"GET /bk/k/b.jpg\"")])),
        form(
            "S3 without TLS and signature",
            &with_trailing(&["-", "HOSTID=", "-", "-", "-", "bk.example.com", "-", "-", "-"]),
        ),
        form("S3 until 2018", &with_trailing(&["-"])),
        form("S3, nothing after the user agent", &with_trailing(&["-"; 10])),
        form(
            "S3, batch",
            &[
                OWNER,
                "bk",
                TIME,
                "192.0.2.9",
                "REQUESTER",
                "3E57427F3EXAMPLE",
                "BATCH.DELETE.OBJECT",
                "k/a.jpg",
                "-",
                "204",
                "-",
                "-",
                "1024",
                "-",
                "-",
                "-",
                "-",
                "VERSION1",
                "HOSTID=",
                "SigV4",
                "-",
                "AuthHeader",
                "bk.example.com",
                "TLSv1.3",
                "-",
                "-",
            ],
        ),
        form(
            "S3, lifecycle",
            &[
                OWNER,
                "bk",
                TIME,
                "-",
                "AmazonS3",
                "3E57427F3EXAMPLE",
                "S3.EXPIRE.OBJECT",
                "k/a.jpg",
                "\"-\"",
                "-",
                "-",
                "-",
                "1024",
                "-",
                "-",
                "\"-\"",
                "\"-\"",
                "VERSION1",
                "HOSTID=",
                "-",
                "-",
                "-",
                "-",
                "-",
            ],
        ),
        form(
            "Ceph",
            &replaced(
                &with_trailing(&[
                    "VERSION1",
                    "-",
                    "SigV4",
                    "-",
                    "AuthHeader",
                    "rgw.example.com",
                    "-",
                    "-",
                    "Yes",
                ]),
                &[(0, "docs"), (5, "tx000004a1b2-default"), (13, "-"), (14, "12ms"), (15, "http://ref/x")],
            ),
        ),
        form(
            "Ceph without referer",
            &replaced(
                &with_trailing(&[
                    "VERSION1",
                    "-",
                    "SigV4",
                    "-",
                    "AuthHeader",
                    "rgw.example.com",
                    "-",
                    "-",
                    "Yes",
                ]),
                &[(0, "docs"), (5, "tx000004a1b2-default"), (13, "-"), (14, "12ms"), (15, "-")],
            ),
        ),
        form(
            "Huawei OBS",
            &replaced(
                &with_trailing(&[
                    "G001",
                    "urn",
                    "STANDARD",
                    "STANDARD_IA",
                    "\"a folder\"",
                    "089fe8c2c380f4031f6dc0197fe99d4d",
                ]),
                &[(0, owner_of_obs), (4, "requester"), (5, "281599BACAD9376ECE141B842B94535B")],
            ),
        ),
        form(
            "IDrive e2",
            &replaced(
                &with_trailing(&[
                    "-",
                    "-",
                    "SigV4",
                    "-",
                    "AuthHeader",
                    "e2.example.com",
                    "TLSv1.3",
                    "-",
                    "-",
                ]),
                &[
                    (0, "e2owner"),
                    (3, "192.0.2.91:54321"),
                    (4, "-"),
                    (6, "GET.OBJECT"),
                    (13, "12ms"),
                    (14, "850us"),
                    (15, "\"-\""),
                ],
            ),
        ),
        form(
            "OVHcloud",
            &replaced(
                &with_trailing(&[
                    "-",
                    "txid01-0066",
                    "SigV4",
                    "-",
                    "AuthHeader",
                    "bk.example.net",
                    "TLSv1.2",
                    "-",
                    "-",
                ]),
                &[
                    (0, "AUTH_docs:user-1"),
                    (4, "AUTH_docs:user-2"),
                    (5, "txid0123456789abcdef"),
                    (7, "-"),
                    (11, "-"),
                    (12, "-"),
                ],
            ),
        ),
        form("Wasabi", &replaced(&with_trailing(&["-"]), &[(5, "6F92E0A1B2C3D4E5"), (15, "\"\"")])),
        form(
            "Storj",
            &replaced(
                &with_trailing(&[
                    "VERSION1",
                    "HOSTID=",
                    "SigV4",
                    "TLS_AES_128",
                    "AuthHeader",
                    "gateway.example.io",
                    "TLSv1.2",
                    "-",
                    "-",
                ]),
                &[(0, "docs-project"), (5, "17F0C2A1B3D4E5F6"), (6, "GetObject"), (12, "0"), (14, "0")],
            ),
        ),
        form(
            "versitygw",
            &replaced(
                &with_trailing(&[
                    "-",
                    "-",
                    "SigV4",
                    "TLS_AES_128",
                    "AuthHeader",
                    "bk.example.com",
                    "TLSv1.3",
                    "arn:aws:s3:::/ap",
                    "Yes",
                ]),
                &[
                    (0, "docsroot"),
                    (2, "[06/February/2026:09:30:25 +0000]"),
                    (5, "0A1B2C3D4E5F6071"),
                    (6, "s3_GetObject"),
                    (8, "/bk/k/a.jpg"),
                    (15, "http://ref/x"),
                    (16, "agent/1.0"),
                ],
            ),
        ),
        form(
            "versitygw without referer",
            &replaced(
                &with_trailing(&[
                    "-",
                    "-",
                    "SigV4",
                    "TLS_AES_128",
                    "AuthHeader",
                    "bk.example.com",
                    "TLSv1.3",
                    "arn:aws:s3:::/ap",
                    "Yes",
                ]),
                &[
                    (0, "docsroot"),
                    (2, "[06/February/2026:09:30:25 +0000]"),
                    (5, "0A1B2C3D4E5F6071"),
                    (6, "s3_GetObject"),
                    (8, "/bk/k/a.jpg"),
                    (10, "-"),
                    (15, "-"),
                    (16, "agent/1.0"),
                ],
            ),
        ),
    ];
    let journal = [
        Field::BucketOwner,
        Field::Bucket,
        Field::Time,
        Field::Operation,
        Field::Key,
        Field::ObjectSize,
        Field::VersionId,
        Field::Extra,
    ];
    for etag in ["4cfdfc1f58e762d3e116787cb92fac60", "\"4cfdfc1f58e762d3e116787cb92fac60\""] {
        let texts =
            ["docs", "bk", TIME, "REST.PUT.OBJECT", "k/a.csv", "404", "VERSION1", etag].map(str::to_owned);
        forms.push(Form { name: "Ceph, journal", fields: journal.into_iter().zip(texts).collect() });
    }
    let moto = [
        Field::BucketOwner,
        Field::Bucket,
        Field::Time,
        Field::RemoteIp,
        Field::Requester,
        Field::RequestId,
        Field::Operation,
        Field::Key,
        Field::RequestUri,
        Field::HttpStatus,
        Field::ErrorCode,
        Field::BytesSent,
        Field::ObjectSize,
        Field::TotalTime,
        Field::Referer,
        Field::UserAgent,
        Field::VersionId,
        Field::HostId,
        Field::SignatureVersion,
        Field::CipherSuite,
        Field::AuthenticationType,
        Field::HostHeader,
        Field::TlsVersion,
        Field::AccessPointArn,
        Field::AclRequired,
    ];
    let texts = [
        OWNER,
        "bk",
        TIME,
        "0.0.0.0",
        "-",
        "1b2c3d4e5f607182",
        "REST.PUT.BUCKET",
        "-",
        "PUT /a.txt HTTP/1.1",
        "200",
        "-",
        "-",
        "1",
        "2",
        "\"-\"",
        "Boto3/1.26.0 Python/3.11",
        "-",
        "c29tZSB1bmtub3duIGRhdGE=",
        "SigV4",
        "ECDHE-RSA",
        "AuthHeader",
        "https://bk.example.com",
        "TLSv1.2",
        "-",
        "-",
    ];
    let fields = moto.into_iter().zip(texts.map(str::to_owned)).collect();
    forms.push(Form { name: "moto", fields });
    forms
}

/// Texts in the place of a field.
const OTHERS: [&str; 26] = [
    "",
    "-",
    "- -",
    "\"-\"",
    "\"\"",
    "many",
    "a b",
    "a b c",
    "\"x y\"",
    "\"404 x\"",
    "x\"y",
    "\"",
    "x\"",
    "\"x",
    "\\\"",
    "12ms",
    "12 ms",
    "7 8",
    "404",
    "000",
    "-1",
    "1.5",
    "99999999999999999999",
    "99999999999999999999ms",
    "[x]",
    "Boto3/1.26",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '"']).filter(|word| !matches!(*word, "" | "-"))
}

/// What is wrong with a record of a line in which `text` is in the place of a field.
fn fault(record: &Record<'_>, original: &Record<'_>, replaced: Field, other: &str) -> Option<String> {
    let uri = String::from_utf8_lossy(record.logged(Field::RequestUri).unwrap_or_default()).into_owned();
    let has_status = uri.match_indices("\" ").any(|(at, _)| {
        uri[at + 2..]
            .split(' ')
            .next()
            .is_some_and(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if has_status {
        return Some(format!("a status in request_uri: {uri}"));
    }
    let text_of = |field| {
        original.logged(field).map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    };
    let own_of_replaced = text_of(replaced);
    for field in Field::all().filter(|field| !matches!(field, Field::Extra | Field::KeyLogged)) {
        let Some(value) = record.logged(field) else { continue };
        if original.logged(field) == Some(value) {
            continue;
        }
        let value = String::from_utf8_lossy(value).into_owned();
        let own =
            original.logged(field).map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
        let is_number = field == Field::HttpStatus || MEASURES.contains(&field);
        // A number is of the other text, not of another field; a text may have parts of the other text.
        let is_right = if is_number {
            let is_own = |part: &str| field == replaced || !words(&own_of_replaced).any(|own| own == part);
            words(&value).all(|word| words(other).any(|part| part == word && is_own(part)))
        } else {
            words(&value).all(|word| words(other).chain(words(&own)).any(|part| part == word))
        };
        if !is_right {
            return Some(format!("{} is {value}", field.name()));
        }
    }
    None
}

#[test]
fn whatever_is_in_the_place_of_a_field_no_other_field_changes_its_place() {
    let mut faults = Vec::new();
    let (mut read, mut rejected) = (0, 0);
    for form in forms() {
        let texts: Vec<&str> = form.fields.iter().map(|(_, text)| text.as_str()).collect();
        let whole = texts.join(" ");
        let original =
            parse_line(whole.as_bytes()).unwrap_or_else(|rejection| panic!("{rejection}: {whole}"));
        for (index, (field, text)) in form.fields.iter().enumerate() {
            for other in OTHERS {
                // A quoted text next to a quoted one may be part of it: clients may send quotes in any text.
                let is_quoted = |text: Option<&&str>| text.is_some_and(|text| text.contains('"'));
                let near = [
                    Some(text.as_str()),
                    index.checked_sub(1).map(|before| texts[before]),
                    texts.get(index + 1).copied(),
                ];
                // Nothing shows where a field ends that has neither quotes nor a number after it.
                let is_bare = matches!(form.name, "moto" | "Ceph, journal");
                if is_bare && other.contains(' ') && !other.contains('"') {
                    continue;
                }
                let is_next_to_quotes =
                    other.contains('"') && near.iter().any(|text| is_quoted(text.as_ref()));
                let is_added = !is_bare && !is_next_to_quotes;
                let added = [format!("{other} {text}"), format!("{text} {other}")];
                for other in std::iter::once(other.to_owned()).chain(added.into_iter().filter(|_| is_added)) {
                    let mut texts = texts.clone();
                    texts[index] = &other;
                    let line = texts.join(" ");
                    match parse_line(line.as_bytes()) {
                        Ok(record) => {
                            read += 1;
                            if let Some(fault) = fault(&record, &original, *field, &other) {
                                faults.push(format!("{} {} = {other:?}: {fault}", form.name, field.name()));
                            }
                        }
                        Err(_) => rejected += 1,
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults of {read}:\n{}", faults.len(), faults.join("\n"));
    assert!(read > rejected, "{read} lines were read, {rejected} rejected");
}
