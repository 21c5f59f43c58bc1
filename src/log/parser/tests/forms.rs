//! A line of each product, as its fields.

use super::*;

/// A line, as its fields. The quotes around a field are part of it.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) fields: Vec<(Field, String)>,
}

impl Form {
    fn new(name: &'static str, fields: impl IntoIterator<Item = Field>, texts: &[&str]) -> Form {
        Form { name, fields: fields.into_iter().zip(texts.iter().map(|text| (*text).to_owned())).collect() }
    }

    /// The form with other texts in some of its fields.
    fn with(&self, name: &'static str, changes: &[(Field, &str)]) -> Form {
        let mut form = Form { name, fields: self.fields.clone() };
        for (field, text) in changes {
            let place = form.fields.iter_mut().find(|(other, _)| other == field);
            place.expect("the form has the field").1 = (*text).to_owned();
        }
        form
    }

    /// The form with other trailing fields, from the version id on.
    fn trailing(&self, texts: &[&str]) -> Form {
        let mut form = self.clone();
        form.fields.truncate(Field::VersionId as usize);
        let fields = Field::all().skip(Field::VersionId as usize);
        form.fields.extend(fields.zip(texts.iter().map(|text| (*text).to_owned())));
        form
    }

    pub(super) fn line(&self) -> String {
        self.fields.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether referer or user agent are any words without quotes.
    pub(super) fn is_unquoted(&self) -> bool {
        self.name == "moto" || self.name.starts_with("versitygw") || self.name.starts_with("Ceph")
    }

    /// Whether nothing shows where the fields end that have neither quotes nor a number after them.
    pub(super) fn is_bare(&self) -> bool {
        matches!(self.name, "moto" | "Ceph, journal")
    }
}

const TIME: &str = "[06/Aug/2026:09:30:25 +0000]";
const ID_OF_OBS: &str = "787f2f92b20943998a4fe2ab75eb09b8";

/// A line of each product. All texts in a line differ.
pub(super) fn forms() -> Vec<Form> {
    use Field::{
        BucketOwner, BytesSent, ErrorCode, Key, ObjectSize, Operation, Referer, RemoteIp, RequestId,
        RequestUri, Requester, TotalTime, TurnAroundTime, UserAgent, VersionId,
    };
    let s3 = Form::new(
        "S3",
        Field::all(),
        &[
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
        ],
    );
    let ceph =
        s3.trailing(&["VERSION1", "-", "SigV4", "-", "AuthHeader", "rgw.example.com", "-", "-", "Yes"]).with(
            "Ceph",
            &[
                (BucketOwner, "docs"),
                (RequestId, "tx000004a1b2-default"),
                (TotalTime, "-"),
                (TurnAroundTime, "12ms"),
                (Referer, "http://ref/x"),
            ],
        );
    let versitygw = s3
        .trailing(&[
            "-",
            "-",
            "SigV4",
            "TLS_AES_128",
            "AuthHeader",
            "bk.example.com",
            "TLSv1.3",
            "arn:aws:s3:::/ap",
            "Yes",
        ])
        .with(
            "versitygw",
            &[
                (BucketOwner, "docsroot"),
                (Field::Time, "[06/February/2026:09:30:25 +0000]"),
                (RequestId, "0A1B2C3D4E5F6071"),
                (Operation, "s3_GetObject"),
                (RequestUri, "/bk/k/a.jpg"),
                (Referer, "http://ref/x"),
                (UserAgent, "agent/1.0"),
            ],
        );
    let obs = &[(BucketOwner, ID_OF_OBS), (RequestId, "281599BACAD9376ECE141B842B94535B")];
    let mut forms = vec![
        s3.with("S3 without error code", &[(ErrorCode, "-")]),
        s3.with("S3 without HTTP version", &[(RequestUri, "\"GET /bk/k/b.jpg\"")]),
        s3.trailing(&["-", "HOSTID=", "-", "-", "-", "bk.example.com", "-", "-", "-"])
            .with("S3 without TLS and signature", &[]),
        s3.trailing(&["-"]).with("S3 until 2018", &[]),
        s3.trailing(&[]).with("S3 until 2010", &[]),
        s3.trailing(&["-"; 10]).with("S3, nothing after the user agent", &[]),
        s3.trailing(&[
            "VERSION1",
            "HOSTID=",
            "SigV4",
            "-",
            "AuthHeader",
            "bk.example.com",
            "TLSv1.3",
            "-",
            "-",
        ])
        .with(
            "S3, batch",
            &[
                (Operation, "BATCH.DELETE.OBJECT"),
                (RequestUri, "-"),
                (Field::HttpStatus, "204"),
                (ErrorCode, "-"),
                (BytesSent, "-"),
                (ObjectSize, "1024"),
                (TotalTime, "-"),
                (TurnAroundTime, "-"),
                (Referer, "-"),
                (UserAgent, "-"),
            ],
        ),
        s3.trailing(&["VERSION1", "HOSTID=", "-", "-", "-", "-", "-"]).with(
            "S3, lifecycle",
            &[
                (RemoteIp, "-"),
                (Requester, "AmazonS3"),
                (Operation, "S3.EXPIRE.OBJECT"),
                (RequestUri, "\"-\""),
                (Field::HttpStatus, "-"),
                (ErrorCode, "-"),
                (BytesSent, "-"),
                (ObjectSize, "1024"),
                (TotalTime, "-"),
                (TurnAroundTime, "-"),
                (Referer, "\"-\""),
                (UserAgent, "\"-\""),
            ],
        ),
        ceph.with("Ceph without referer", &[(Referer, "-")]),
        s3.trailing(&[
            "G001",
            "urn",
            "STANDARD",
            "STANDARD_IA",
            "\"a folder\"",
            "089fe8c2c380f4031f6dc0197fe99d4d",
            "HPTAAFZ",
        ])
        .with("Huawei OBS", obs),
        s3.trailing(&["-", "-"]).with("Huawei OBS without name", obs),
        s3.trailing(&["-", "-", "SigV4", "-", "AuthHeader", "e2.example.com", "TLSv1.3", "-", "-"]).with(
            "IDrive e2",
            &[
                (BucketOwner, "e2owner"),
                (RemoteIp, "192.0.2.91:54321"),
                (Requester, "-"),
                (Operation, "GET.OBJECT"),
                (TotalTime, "12ms"),
                (TurnAroundTime, "850us"),
                (Referer, "\"-\""),
            ],
        ),
        s3.trailing(&["-", "txid01-0066", "SigV4", "-", "AuthHeader", "bk.example.net", "TLSv1.2", "-", "-"])
            .with(
                "OVHcloud",
                &[
                    (BucketOwner, "AUTH_docs:user-1"),
                    (Requester, "AUTH_docs:user-2"),
                    (RequestId, "txid0123456789abcdef"),
                    (Key, "-"),
                    (BytesSent, "-"),
                    (ObjectSize, "-"),
                ],
            ),
        s3.trailing(&["-"]).with("Wasabi", &[(RequestId, "6F92E0A1B2C3D4E5"), (Referer, "\"\"")]),
        s3.trailing(&[
            "VERSION1",
            "HOSTID=",
            "SigV4",
            "TLS_AES_128",
            "AuthHeader",
            "gateway.example.io",
            "TLSv1.2",
            "-",
            "-",
        ])
        .with(
            "Storj",
            &[
                (BucketOwner, "docs-project"),
                (RequestId, "17F0C2A1B3D4E5F6"),
                (Operation, "GetObject"),
                (ObjectSize, "0"),
                (TurnAroundTime, "0"),
            ],
        ),
        versitygw.with("versitygw without referer", &[(ErrorCode, "-"), (Referer, "-")]),
        moto(),
    ];
    forms.extend([s3, ceph, versitygw]);
    let journal =
        [BucketOwner, Field::Bucket, Field::Time, Operation, Key, ObjectSize, VersionId, Field::Extra];
    for etag in ["4cfdfc1f58e762d3e116787cb92fac60", "\"4cfdfc1f58e762d3e116787cb92fac60\""] {
        let texts = ["docs", "bk", TIME, "REST.PUT.OBJECT", "k/a.csv", "404", "VERSION1", etag];
        forms.push(Form::new("Ceph, journal", journal, &texts));
    }
    forms
}

fn moto() -> Form {
    Form::new(
        "moto",
        Field::all().take(Field::SourceRegion as usize).filter(|field| *field != Field::TurnAroundTime),
        &[
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
        ],
    )
}
