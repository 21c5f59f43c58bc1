//! A request and its log line.

use std::collections::HashMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A text of [`Texts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Text(u32);

/// An absent value.
pub(crate) const ABSENT: Text = Text(0);

/// The texts of a month, each once.
#[derive(Debug)]
pub(crate) struct Texts {
    list: Vec<String>,
    known: HashMap<String, Text>,
}

impl Texts {
    pub(crate) fn new() -> Texts {
        Texts { list: vec!["-".to_owned()], known: HashMap::from([("-".to_owned(), ABSENT)]) }
    }

    pub(crate) fn add(&mut self, text: &str) -> Text {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let new = Text(self.list.len() as u32);
        self.list.push(text.to_owned());
        self.known.insert(text.to_owned(), new);
        new
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.known.contains_key(text)
    }

    pub(crate) fn get(&self, text: Text) -> &str {
        &self.list[text.0 as usize]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    Anonymous,
    V4,
    Presigned,
    V2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    Plain,
    V10,
    V11,
    V12,
    V13,
}

/// Who sends a request, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub(crate) ip: Text,
    pub(crate) requester: Text,
    pub(crate) agent: Text,
    pub(crate) signature: Signature,
    pub(crate) tls: Tls,
    /// In the region of the bucket.
    pub(crate) in_region: bool,
    /// The name of the access point that it uses; empty: none.
    pub(crate) access_point: &'static str,
}

/// An object of the bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object {
    pub(crate) key: Text,
    pub(crate) size: u64,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Seconds since the start of the month.
    pub(crate) time: u32,
    pub(crate) client: Client,
    pub(crate) operation: &'static str,
    pub(crate) key: Text,
    pub(crate) query: &'static str,
    pub(crate) status: u16,
    pub(crate) error: &'static str,
    pub(crate) bytes: u64,
    pub(crate) size: Option<u64>,
    pub(crate) took: u32,
    pub(crate) referer: Text,
    /// Number of the traffic that it belongs to.
    pub(crate) stream: u16,
    /// A bit for each incident that it belongs to.
    pub(crate) incidents: u16,
}

impl Request {
    /// A successful GET of the whole object.
    pub(crate) fn get(time: u32, client: Client, object: Object) -> Request {
        Request {
            time,
            client,
            operation: "REST.GET.OBJECT",
            key: object.key,
            query: "",
            status: 200,
            error: "-",
            bytes: object.size,
            size: Some(object.size),
            took: 12 + (object.size / 20_000) as u32,
            referer: ABSENT,
            stream: 0,
            incidents: 0,
        }
    }

    /// Another operation, which sends nothing.
    pub(crate) fn operation(time: u32, client: Client, operation: &'static str, object: Object) -> Request {
        Request { operation, bytes: 0, took: 25, ..Request::get(time, client, object) }
    }

    pub(crate) fn put(time: u32, client: Client, object: Object) -> Request {
        Request { operation: "REST.PUT.OBJECT", ..Request::operation(time, client, "", object) }
    }

    /// A request about the bucket.
    pub(crate) fn of_bucket(
        time: u32,
        client: Client,
        operation: &'static str,
        query: &'static str,
        bytes: u64,
    ) -> Request {
        let object = Object { key: ABSENT, size: 0 };
        Request { query, bytes, size: None, ..Request::operation(time, client, operation, object) }
    }

    pub(crate) fn list(time: u32, client: Client) -> Request {
        Request::of_bucket(time, client, "REST.GET.BUCKET", "list-type=2&max-keys=1000", 48_000)
    }

    /// A part of the object.
    pub(crate) fn part(time: u32, client: Client, object: Object, bytes: u64) -> Request {
        let bytes = bytes.min(object.size).max(1);
        Request {
            status: 206,
            bytes,
            took: 9 + (bytes / 20_000) as u32,
            ..Request::get(time, client, object)
        }
    }

    #[must_use]
    pub(crate) fn failed(mut self, status: u16, error: &'static str) -> Request {
        self.status = status;
        self.error = error;
        self.bytes = if self.operation.contains("HEAD") { 0 } else { 280 };
        self.size = None;
        self.took = 8;
        self
    }

    #[must_use]
    pub(crate) fn not_modified(mut self) -> Request {
        self.status = 304;
        self.bytes = 0;
        self.took = 8;
        self
    }
}

/// Writes lines of one bucket.
#[derive(Debug)]
pub(crate) struct LineWriter {
    bucket: String,
    start: i64,
    /// The text of the last second written.
    second: (i64, String),
}

const OWNER: &str = "5d1f0c7e9b3a4862a0c4e8d7f6b5a4938271605f4e3d2c1b0a99887766554433";
const HOST_ID: &str = "q0Zt1Wc7pYx3nVb5Lk9Rj2Hs8Gd4Fa6Ue0Iy3Ot7Pw5Em1Nx9Bv2Cz4Kl6Qs8Dh0Jg3Tf5Ra7=";
const ACCOUNT: &str = "123456789012";
const ID_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The inverse of [`ID_FACTOR`] modulo 2^64, by Newton's iteration.
const ID_INVERSE: u64 = {
    let mut inverse = ID_FACTOR;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(ID_FACTOR.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
};

/// The index of the request with this request id.
pub(crate) fn index_of_id(id: &str) -> Option<usize> {
    let id = u64::from_str_radix(id, 16).ok()?;
    Some(id.wrapping_mul(ID_INVERSE) as usize)
}

impl LineWriter {
    pub(crate) fn new(bucket: &str, start: i64) -> LineWriter {
        LineWriter { bucket: bucket.to_owned(), start, second: (i64::MIN, String::new()) }
    }

    /// Appends the line of request `index` with its line feed. The request id encodes the index.
    pub(crate) fn write(&mut self, index: usize, request: &Request, texts: &Texts, out: &mut String) {
        let time = self.start + i64::from(request.time);
        if self.second.0 != time {
            let second = Timestamp::from_second(time).unwrap_or_default().to_zoned(TimeZone::UTC);
            self.second = (time, second.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string());
        }
        let Client { ip, requester, agent, signature, tls, in_region, access_point } = request.client;
        let (ip, requester, agent) = (texts.get(ip), texts.get(requester), texts.get(agent));
        let id = (index as u64).wrapping_mul(ID_FACTOR);
        let key = texts.get(request.key);
        let bucket = &self.bucket;
        let _ = write!(
            out,
            "{OWNER} {bucket} [{}] {ip} {requester} {id:016X} {} {key} ",
            self.second.1, request.operation
        );
        let is_part = request.operation == "BATCH.DELETE.OBJECT" || request.operation.starts_with("S3.");
        if is_part {
            out.push_str(if request.operation.starts_with("S3.") { "\"-\" " } else { "- " });
        } else {
            let method = request.operation.split('.').nth(1).unwrap_or("GET");
            let path = if request.key == ABSENT { "" } else { key };
            let question = if request.query.is_empty() { "" } else { "?" };
            let _ = write!(out, "\"{method} /{path}{question}{} HTTP/1.1\" ", request.query);
        }
        match request.status {
            0 => out.push_str("- "),
            status => {
                let _ = write!(out, "{status} ");
            }
        }
        let _ = write!(out, "{} ", request.error);
        for number in [(request.bytes > 0).then_some(request.bytes), request.size] {
            match number {
                Some(number) => {
                    let _ = write!(out, "{number} ");
                }
                None => out.push_str("- "),
            }
        }
        let _ = write!(out, "{} {} ", request.took, request.took.min(40));
        if request.operation == "BATCH.DELETE.OBJECT" {
            out.push_str("- - ");
        } else {
            let _ = write!(out, "\"{}\" \"{agent}\" ", texts.get(request.referer));
        }
        let (version, authentication) = match signature {
            Signature::Anonymous => ("-", "-"),
            Signature::V4 => ("SigV4", "AuthHeader"),
            Signature::Presigned => ("SigV4", "QueryString"),
            Signature::V2 => ("SigV2", "AuthHeader"),
        };
        let (cipher, tls) = match tls {
            Tls::Plain => ("-", "-"),
            Tls::V10 => ("ECDHE-RSA-AES128-SHA", "TLSv1"),
            Tls::V11 => ("ECDHE-RSA-AES128-SHA", "TLSv1.1"),
            Tls::V12 => ("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"),
            Tls::V13 => ("TLS_AES_128_GCM_SHA256", "TLSv1.3"),
        };
        let region = if in_region { "eu-west-1" } else { "-" };
        let _ = write!(out, "- {HOST_ID} {version} {cipher} {authentication} ");
        let _ = match access_point {
            "" => writeln!(out, "{bucket}.s3.eu-west-1.amazonaws.com {tls} - - {region}"),
            name => writeln!(
                out,
                "{name}-{ACCOUNT}.s3-accesspoint.eu-west-1.amazonaws.com {tls} \
                 arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/{name} - {region}"
            ),
        };
    }
}
