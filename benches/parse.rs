//! The speed of the parser on one core: `cargo bench --bench parse`. Elements are lines.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tamarin::log::{Field, Parser, RecordGroup, Rejection, Sink, key};

/// Number of different lines in a measurement: about 0.6 MB, more than the first-level cache of a processor.
const LINES: usize = 1000;

/// Returns the line with a number.
type Shape = fn(usize) -> String;

const OWNER: &str = "c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0ffee0000c0de";
const HOST_ID: &str = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=";

fn head(n: usize) -> String {
    format!(
        "{OWNER} media-example [{:02}/Apr/2026:{:02}:{:02}:{:02} +0000] 198.51.100.{}",
        n % 28 + 1,
        n % 24,
        n % 59,
        n % 58,
        n % 250
    )
}

fn tail() -> String {
    format!(
        "{HOST_ID} SigV4 TLS_AES_128_GCM_SHA256 AuthHeader media-example.s3.eu-west-1.amazonaws.com TLSv1.3 - - -"
    )
}

/// 27 fields, about 590 bytes.
fn plain(n: usize) -> String {
    format!(
        "{} arn:aws:sts::123456789012:assumed-role/transcoder/i-0abc{n:08} 3E57427F3EX{n:05} REST.GET.OBJECT films/2026/{:04}/part-{n:06}.mp4 \"GET /films/2026/{:04}/part-{n:06}.mp4 HTTP/1.1\" 206 - {} 73400320 {} 15 \"-\" \"aws-sdk-java/2.25.6 Linux/5.10.210 OpenJDK_64-Bit_Server_VM/17.0.10\" - {}",
        head(n),
        n % 977,
        n % 977,
        n * 7919,
        n % 2000,
        tail()
    )
}

/// A presigned URL with quotes in it.
fn presigned(n: usize) -> String {
    format!(
        "{} - 3E57427F3EX{n:05} REST.GET.OBJECT reports/{n:06}.pdf \"GET /reports/{n:06}.pdf?response-content-disposition=attachment; filename=\"report {n}.pdf\"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260403T031111Z&X-Amz-Expires=300 HTTP/1.1\" 200 - {} {} 41 15 \"https://example.com/\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\" - {}",
        head(n),
        n * 31,
        n * 31,
        tail()
    )
}

/// 18 fields, as until 2019.
fn old(n: usize) -> String {
    format!(
        "{} {OWNER} 3E57427F3EX{n:05} REST.GET.OBJECT img/{n:06}.jpg \"GET /img/{n:06}.jpg HTTP/1.1\" 200 - {} {} 41 15 \"http://example.com/\" \"Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\" -",
        head(n),
        n * 31,
        n * 31
    )
}

/// A requester with spaces, which the fast path does not accept.
fn spaced(n: usize) -> String {
    plain(n).replace(
        " arn:aws:sts",
        " arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE:aws:sts",
    )
}

/// Quotes in the user agent, which the fast path does not accept.
fn quoted_agent(n: usize) -> String {
    plain(n).replace("\"aws-sdk", "\"\"aws-sdk")
}

/// Uses the records as an ingest does, if `with_values`: numbers and decoded keys.
struct Consumer {
    with_values: bool,
}

impl Sink for Consumer {
    fn records(&mut self, records: &RecordGroup<'_, '_>) {
        for record in records.records() {
            if self.with_values {
                black_box((record.time, record.integer(Field::BytesSent), record.key()));
            }
        }
        black_box(records);
    }

    fn rejected(&mut self, _: u64, _: &[u8], reason: Rejection) {
        panic!("{reason}");
    }

    fn record_count(&mut self, _: u64, _: usize) {}
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse_block");
    let shapes: [(&str, Shape); 5] = [
        ("plain, 27 fields", plain),
        ("presigned with quotes", presigned),
        ("old, 18 fields", old),
        ("requester with spaces", spaced),
        ("quoted user agent", quoted_agent),
    ];
    let block = |shape: Shape| (0..LINES).map(|n| shape(n) + "\n").collect::<String>();
    for (name, shape) in shapes {
        let block = block(shape);
        let mut parser = Parser::new();
        for throughput in [Throughput::Elements(LINES as u64), Throughput::Bytes(block.len() as u64)] {
            let unit = if matches!(throughput, Throughput::Bytes(_)) { "bytes" } else { "lines" };
            group.throughput(throughput);
            group.bench_with_input(BenchmarkId::new(name, unit), &block, |bencher, block| {
                bencher.iter(|| {
                    parser.parse_block(black_box(block.as_bytes()), &mut Consumer { with_values: false })
                });
            });
        }
    }
    let block = block(plain);
    let mut parser = Parser::new();
    group.throughput(Throughput::Elements(LINES as u64));
    group.bench_function("plain, with numbers and key", |bencher| {
        bencher.iter(|| parser.parse_block(black_box(block.as_bytes()), &mut Consumer { with_values: true }));
    });
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key");
    group.throughput(Throughput::Elements(1));
    for (name, logged) in
        [("plain", "films/2026/0412/part-000412.mp4"), ("escaped", "films/caf%25C3%25A9%2520noir.mp4")]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| key::decode(black_box(b"REST.GET.OBJECT"), black_box(logged.as_bytes())));
        });
    }
    group.finish();
}

criterion_group!(benches, parse, decode);
criterion_main!(benches);
