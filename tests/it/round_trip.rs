//! The cache returns the records that were added, field by field.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tamarin::cache::Cache;
use tamarin::log::{Field, records};
use tamarin::query::{
    Answer, Ask, Counting, Engine, Filter, LocalEngine, Query, RequestRow, Sort, TimeRange, Value,
};
use tokio_util::sync::CancellationToken;

use crate::support::cases;
use crate::support::filling::Filling;
use crate::support::lines::{self, HOST_ID, OWNER};
use crate::support::naive_cache::{NaiveCache, fields_of};

const URI: &str = "/var/log/acme";

fn every_request() -> Query {
    Query {
        sources: Vec::new(),
        time: TimeRange::default(),
        filter: Filter::everything(),
        counting: Counting::AsLogged,
        ask: Ask::Requests {
            sort: Sort { by: Field::Time, descending: false },
            offset: 0,
            limit: 0,
            fields: Vec::new(),
        },
    }
}

fn read_back(path: &Path) -> Vec<RequestRow> {
    let engine = LocalEngine::new(Arc::new(Cache::open(path).unwrap()));
    let reply = engine.ask(&every_request(), &CancellationToken::new(), &mut |_, _| {}).unwrap();
    let Answer::Requests(requests) = reply.answer else { panic!() };
    requests.rows
}

/// Adds lines to a cache in batches, and closes it after each. Returns the rows of the cache and those of the naive
/// engine.
fn through_a_cache(batches: &[Vec<Vec<u8>>], segment_rows: usize) -> (Vec<RequestRow>, Vec<RequestRow>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.tamarin");
    let mut naive = NaiveCache::default();
    for (index, batch) in batches.iter().enumerate() {
        let mut filling = Filling::new(&path, segment_rows);
        filling.files = index as u64;
        let source = filling.writer.source(URI).unwrap();
        if index == 0 {
            naive.add_source(source.get() as u32, URI);
        }
        filling.append(source, batch);
        filling.writer.commit().unwrap();
        naive.push_lines(source.get() as u32, &filling.last_file(), batch);
    }
    let Answer::Requests(expected) = naive.answer(&every_request()) else { panic!() };
    (read_back(&path), expected.rows)
}

fn assert_same(rows: &[RequestRow], expected: &[RequestRow]) -> Result<(), TestCaseError> {
    prop_assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(expected) {
        for field in Field::all() {
            prop_assert_eq!(row.get(field), expected.get(field), "{}", field.name());
        }
        prop_assert_eq!(row, expected);
    }
    Ok(())
}

/// A modern line with these fields.
fn line(operation: &str, key: &str, uri: &str, agent: &str) -> String {
    format!(
        "{OWNER} media [03/Apr/2026:03:11:11 +0000] 192.0.2.7 - 3E57427F3EXAMPLE {operation} {key} \"{uri}\" \
         206 - 1048576 73400320 120 15 \"-\" \"{agent}\" - {HOST_ID} SigV4 - AuthHeader - TLSv1.3 - - -"
    )
}

/// Valid lines, with bytes inserted, removed and replaced anywhere.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let scrap = prop_oneof![
        Just(b"\"".to_vec()),
        Just(b" - ".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\xff\xfe".to_vec()),
        Just(b"%".to_vec()),
        Just(b"99999999999999999999".to_vec()),
        prop::collection::vec(any::<u8>().prop_filter("a line has no line end", |byte| *byte != b'\n'), 1..9),
        (any::<u8>(), 1000usize..30_000).prop_map(|(byte, times)| vec![byte.max(b'!'); times]),
    ];
    let damage = (any::<prop::sample::Index>(), 0usize..3, scrap);
    (lines::line(), prop::collection::vec(damage, 0..4)).prop_map(|(line, damages)| {
        let mut line = line.into_bytes();
        for (place, kind, scrap) in damages {
            let at = place.index(line.len().max(1)).min(line.len());
            let end = (at + scrap.len()).min(line.len());
            match kind {
                0 => drop(line.splice(at..end, scrap)),
                1 => drop(line.splice(at..at, scrap)),
                _ => drop(line.drain(at..end.min(at + 9))),
            }
        }
        line
    })
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn every_line_that_is_a_record_is_returned_field_by_field(
        batches in prop::collection::vec(prop::collection::vec(any_line(), 0..60), 1..5),
        segment_rows in prop::sample::select(vec![20, 70, 1000]),
    ) {
        let is_record = |line: &Vec<u8>| records(line).all(|(_, record)| record.is_ok());
        let batches: Vec<Vec<Vec<u8>>> =
            batches.into_iter().map(|batch| batch.into_iter().filter(is_record).collect()).collect();
        let (rows, expected) = through_a_cache(&batches, segment_rows);
        assert_same(&rows, &expected)?;
    }
}

#[test]
fn request_uris_with_their_key_are_returned_complete() {
    let logged = [
        ("REST.GET.OBJECT", "films/a.mp4", "GET /films/a.mp4?x=1 HTTP/1.1"),
        ("REST.GET.OBJECT", "films/a.mp4", "GET /media/films/a.mp4?x=1 HTTP/1.1"),
        ("REST.GET.OBJECT", "media", "GET /media/media HTTP/1.1"),
        ("REST.GET.OBJECT", "media/media", "GET /media/media HTTP/1.1"),
        ("REST.GET.OBJECT", "a%2520b", "GET /a%20b HTTP/1.1"),
        ("REST.GET.OBJECT", "a%2520b", "GET /a b HTTP/1.1"),
        ("BATCH.DELETE.OBJECT", "a+b", "POST /?delete HTTP/1.1"),
        ("REST.GET.OBJECT", "films/a.mp4", "films/a.mp4"),
        ("REST.GET.OBJECT", "films/a.mp4", "/films/a.mp4"),
        ("REST.GET.OBJECT", "%252F", "GET // HTTP/1.1"),
        ("REST.GET.BUCKET", "-", "GET / HTTP/1.1"),
    ];
    let lines: Vec<Vec<u8>> =
        logged.iter().map(|(operation, key, uri)| line(operation, key, uri, "x").into_bytes()).collect();
    let (rows, _) = through_a_cache(&[lines], 1000);
    for (row, (operation, key, uri)) in rows.iter().zip(logged) {
        assert_eq!(row.get(Field::RequestUri), &Value::from(uri));
        let decoded = tamarin::log::key::decode(operation.as_bytes(), key.as_bytes()).into_owned();
        let decoded = if key == "-" { Value::Absent } else { Value::Text(decoded.into()) };
        let logged = if decoded.to_text() == key { Value::Absent } else { Value::from(key) };
        assert_eq!((row.get(Field::Key), row.get(Field::KeyLogged)), (&decoded, &logged));
    }
}

#[test]
fn bytes_that_are_not_text_and_fields_of_a_megabyte_are_returned() {
    let long = "x".repeat(1 << 20);
    let mut lines: Vec<Vec<u8>> = vec![
        line("REST.GET.OBJECT", &long, &format!("GET /{long} HTTP/1.1"), "x").into_bytes(),
        line("REST.GET.OBJECT", "a", "GET /a HTTP/1.1", &long).into_bytes(),
        line("REST.GET.OBJECT", "a", &format!("GET /b?{long} HTTP/1.1"), "x").into_bytes(),
    ];
    for odd in [&b"\0"[..], b"\xff", b"\xc3\x28", b"\x1b[2J", b"\0\0\0\0"] {
        let agent = line("REST.GET.OBJECT", "k", "GET /k HTTP/1.1", "MARK").into_bytes();
        let at = agent.windows(4).position(|window| window == b"MARK").unwrap();
        lines.push([&agent[..at], odd, &agent[at + 4..]].concat());
        let key = line("REST.GET.OBJECT", "MARK", "GET /k HTTP/1.1", "x").into_bytes();
        let at = key.windows(4).position(|window| window == b"MARK").unwrap();
        lines.push([&key[..at], b"a", odd, b"z", &key[at + 4..]].concat());
    }
    let (rows, _) = through_a_cache(&[lines.clone()], 1000);
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        let expected = fields_of(&records(line).next().unwrap().1.unwrap());
        assert_eq!(row.fields[..Field::STORED], expected[..Field::STORED]);
    }
}

#[test]
fn large_batches_cross_pages_blocks_and_segments() {
    // 10,000 rows are 3 pages of details and 79 blocks of numbers; small batches follow, whose pages are joined.
    let picks = |row: usize| {
        let mut picks = [0u8; 28];
        for (index, pick) in picks.iter_mut().enumerate() {
            *pick = ((row * (index * 7 + 3)) >> (index % 5)) as u8;
        }
        picks[27] %= 3;
        let id = format!("{:016X}", (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut line = lines::line_of(&picks);
        for old in lines::REQUEST_IDS {
            line = line.replace(old, &id);
        }
        line.into_bytes()
    };
    let sizes = [10_000, 1, 2, 4_096, 1, 130, 5_000, 3];
    let mut row = 0;
    let batches: Vec<Vec<Vec<u8>>> = sizes
        .iter()
        .map(|size| {
            row += size;
            (row - size..row).map(picks).collect()
        })
        .collect();
    let (rows, expected) = through_a_cache(&batches, 12_000);
    assert_eq!(rows.len(), row);
    assert_same(&rows, &expected).unwrap();
}
