//! Runs the fuzz targets with mutated samples, without cargo-fuzz and its nightly toolchain.
//!
//! `FUZZ_SECONDS=60 cargo test --test it fuzz::` runs each target for a minute. `FUZZ_SEED` repeats a run.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use tamarin::cache::fuzzing;

use crate::support::fuzz_targets;
use crate::support::lines;

/// Seconds that each target runs unless `FUZZ_SECONDS` is set.
const SECONDS: f64 = 0.3;

/// Maximum length of a mutated sample.
const BYTES_MAX: usize = 16 << 10;

/// Texts that mutations insert: they have a meaning for a parser.
const FRAGMENTS: &[&[u8]] = &[
    b" ",
    b"  ",
    b"\"",
    b"\\\"",
    b"-",
    b" - ",
    b"\n",
    b"\r\n",
    b"\0",
    b"[",
    b"]",
    b"(",
    b")",
    b":",
    b"~",
    b"..",
    b"*",
    b"%25",
    b"\xff",
    b"\xef\xbb\xbf",
    b"99999999999999999999",
    b" 200 ",
    b"12ms",
    b" REST.GET.OBJECT ",
    b" SigV4 ",
    b" or ",
    b"not ",
    b"key:",
    b"time:",
    b"status>=",
    b"TLS 1.3",
    b"# ",
    b"{",
    b"}",
    b"{\"",
    b"null",
    b"\\u0000",
];

/// Random numbers: xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit.max(1)
    }
}

/// Replaces, inserts, removes and repeats bytes.
fn mutate(sample: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=random.below(5) {
        let at = random.below(bytes.len() + 1);
        let end = (at + 1 + random.below(16)).min(bytes.len()).max(at);
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            5 => {
                let from = random.below(other.len() + 1);
                let to = (from + random.below(64)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => drop(bytes.splice(at..at, FRAGMENTS[random.below(FRAGMENTS.len())].iter().copied())),
        }
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

/// Runs a target with mutations of samples until the time is over. Prints the input that makes it panic.
#[allow(clippy::print_stdout, reason = "the seed and the input are needed to repeat a failure")]
fn run(name: &str, target: fn(&[u8]), samples: &[Vec<u8>]) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<f64>().ok());
    let time = Duration::from_secs_f64(number("FUZZ_SECONDS").unwrap_or(SECONDS));
    let seed = number("FUZZ_SEED").map_or(0x5EED, |seed| seed as u64);
    println!("{name}: FUZZ_SEED={seed}");
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (start, mut runs) = (Instant::now(), 0);
    while runs < samples.len() || start.elapsed() < time {
        let input = match samples.get(runs) {
            Some(sample) => sample.clone(),
            None => {
                let sample = &samples[random.below(samples.len())];
                mutate(sample, &samples[random.below(samples.len())], &mut random)
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
            println!("{name}, run {runs}: b\"{}\"", input.escape_ascii());
            resume_unwind(panic);
        }
        runs += 1;
    }
    println!("{name}: {runs} runs");
}

/// Lines of the pools of the other tests, and of other servers.
fn line_samples() -> Vec<Vec<u8>> {
    let others = [
        "docs fish [05/Aug/2026:10:00:09 +0000] REST.PUT.OBJECT reports/a.csv 404 v7 4cfdfc1f58e762d3e116787cb92fac60",
        "docsroot media [06/February/2026:09:30:25 +0000] 192.0.2.20 DOCS 0A1B2C3D4E5F6071 s3_GetObject a /media/a 200 - \
         0 20480 3 4 - curl/8 of mine - - SigV4 - AuthHeader s3.example.com TLSv1.3 - Yes",
        "docs media [06/Aug/2026:09:30:25 +0000] 192.0.2.60  17F0C2A1B3D4E5F6 GetObject a \"GET /a HTTP/1.1\" 200  1234 0 \
         123 0 \"-\" \"curl 8.8\"  host SigV4  - gateway.example.io TLS 1.3  -",
    ];
    let picks =
        (0..40u8).map(|n| lines::line_of(&std::array::from_fn(|field| n.wrapping_mul(field as u8 * 2 + 1))));
    picks.chain(others.map(str::to_owned)).map(String::into_bytes).collect()
}

#[test]
fn lines() {
    let mut samples = line_samples();
    samples.push(samples[0].repeat(2));
    run("line", fuzz_targets::line, &samples);
}

#[test]
fn compressed_and_plain_blocks() {
    let plain = line_samples().join(&b'\n');
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(&plain[..5000]).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&plain[..5000]).unwrap();
    let zstd = zstd::encode_all(&plain[..5000], 3).unwrap();
    let samples = [plain[..5000].to_vec(), gzip.finish().unwrap(), packed.finish().unwrap(), zstd];
    run("block", fuzz_targets::block, &samples);
}

#[test]
fn json() {
    let lines = line_samples().join(&b'\n');
    let mut objects = Vec::new();
    tamarin::demo::LogFormat::Json.write(&lines, &mut objects).unwrap();
    let object = std::str::from_utf8(&objects).unwrap().lines().next().unwrap();
    let message =
        serde_json::json!({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": object}]});
    let samples = [
        objects[..4000].to_vec(),
        object.repeat(3).into_bytes(),
        message.to_string().into_bytes(),
        format!("2026-08-06T09:30:25.123Z {object}\n{{\"message\":{}}}", serde_json::json!(object))
            .into_bytes(),
    ];
    run("json", fuzz_targets::json, &samples);
}

#[test]
fn parquet_files() {
    let mut file = Vec::new();
    tamarin::demo::LogFormat::Parquet.write(&line_samples()[0], &mut file).unwrap();
    run("parquet", fuzz_targets::parquet, &[file]);
}

#[test]
fn keys() {
    let samples = ["a%2520b", "a+b", "caf%25C3%25A9/%zz", "logs/2026-04-03-03-11-11-0123456789ABCDEF.gz"];
    run("key", fuzz_targets::key, &samples.map(|sample| sample.as_bytes().to_vec()));
}

#[test]
fn filters() {
    let samples = [
        "ip:203.0.113.0/24 -ua~bot (status:4xx or status>=500)",
        "key:\"media/a b*.mp4\" bytes>10MB time:2026-04-01..2026-04-03 requester:-",
        "key~\"^a/.*\\.mp4$\" time:-6h query_param:x-user=a not (error:AccessDenied) word",
    ];
    run("filter", fuzz_targets::filter, &samples.map(|sample| sample.as_bytes().to_vec()));
}

#[test]
fn chunks_of_integers() {
    let samples = [
        fuzzing::packed_integers(&[7; 1000]),
        fuzzing::packed_integers(&(0..300).map(|number| number * number % 97).collect::<Vec<u64>>()),
        fuzzing::packed_integers(&(0..200).map(|number| number << 40).collect::<Vec<u64>>()),
    ];
    run("integers", fuzz_targets::integers, &samples);
}

#[test]
fn pages_of_texts() {
    let ids = line_samples();
    let samples = [
        fuzzing::packed_texts(&[b"0123456789ABCDEF".as_slice(); 40]),
        fuzzing::packed_texts(&[
            b"",
            b"3E57427F3EXAMPLE",
            b"x",
            lines::HOST_ID.as_bytes(),
            b"GET / HTTP/1.1",
        ]),
        fuzzing::packed_texts(&ids.iter().map(Vec::as_slice).collect::<Vec<&[u8]>>()),
    ];
    run("text_page", fuzz_targets::text_page, &samples);
}

#[test]
fn damaged_caches() {
    let samples = [vec![0, 0, 0, 0, 1, 1], (0..60).collect(), vec![0xFF; 12]];
    run("damaged_cache", fuzz_targets::damaged_cache, &samples);
}
