//! A second reader of the cache, written from docs/cache-format.md alone. It must read what Tamarin reads.

use std::collections::HashMap;
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

/// Field numbers as in the documentation, with the names that `tamarin requests` uses.
const DIMENSIONS: [(i64, &str); 18] = [
    (0, "bucket_owner"),
    (1, "bucket"),
    (3, "remote_ip"),
    (4, "requester"),
    (6, "operation"),
    (7, "key"),
    (9, "http_status"),
    (10, "error_code"),
    (15, "referer"),
    (16, "user_agent"),
    (19, "signature_version"),
    (20, "cipher_suite"),
    (21, "authentication_type"),
    (22, "host_header"),
    (23, "tls_version"),
    (24, "access_point_arn"),
    (25, "acl_required"),
    (26, "source_region"),
];
const MEASURES: [(i64, &str); 4] =
    [(11, "bytes_sent"), (12, "object_size"), (13, "total_time"), (14, "turn_around_time")];
const DETAILS: [(i64, &str); 6] = [
    (5, "request_id"),
    (8, "request_uri"),
    (17, "version_id"),
    (18, "host_id"),
    (27, "key_logged"),
    (28, "extra"),
];

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = take(bytes, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return number;
        }
    }
}

/// Unpacks 128 differences, bit by bit.
fn unpack(pack: &[u8], width: usize) -> Vec<u64> {
    let bit = |lane: usize, at: usize| {
        let word = little_endian(&pack[(at / 32 * 4 + lane) * 4..][..4]);
        word >> (at % 32) & 1
    };
    (0..128)
        .map(|i| {
            let start = i / 4 * width;
            (0..width).map(|n| bit(i % 4, start + n) << n).sum()
        })
        .collect()
}

fn integers(mut data: &[u8]) -> Vec<u64> {
    let rows = little_endian(take(&mut data, 4)) as usize;
    let kind = take(&mut data, 1)[0];
    let base = little_endian(take(&mut data, 8));
    if kind == 0 {
        assert!(data.is_empty());
        return vec![base; rows];
    }
    let blocks: Vec<(u64, usize)> = (0..rows.div_ceil(128))
        .map(|_| {
            let offset = little_endian(take(&mut data, if kind == 1 { 4 } else { 8 }));
            (base + offset, usize::from(take(&mut data, 1)[0]))
        })
        .collect();
    let mut values = Vec::new();
    for (base, width) in blocks {
        let low = unpack(take(&mut data, width.min(32) * 16), width.min(32));
        let high = unpack(take(&mut data, width.saturating_sub(32) * 16), width.saturating_sub(32));
        values.extend(low.iter().zip(high).map(|(low, high)| base + (high << 32 | low)));
    }
    assert!(data.is_empty());
    values.truncate(rows);
    values
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            if place <= three.len() {
                text.push(LETTERS[(bits >> (18 - 6 * place) & 63) as usize] as char);
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// Computes CRC-32, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

fn crc_of_numbers(numbers: &[i64]) -> i64 {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    i64::from(crc(&bytes) as i32)
}

/// The values of a text column, and the checksum of its directory.
fn texts(mut data: &[u8], keys: &[Option<Vec<u8>>]) -> (Vec<Option<Vec<u8>>>, u32) {
    let column = data;
    let sizes: Vec<(usize, usize, u32)> = (0..varint(&mut data))
        .map(|_| {
            let (rows, length) = (varint(&mut data) as usize, varint(&mut data) as usize);
            (rows, length, little_endian(take(&mut data, 4)) as u32)
        })
        .collect();
    let directory = crc(&column[..column.len() - data.len()]);
    let mut values = Vec::new();
    for (rows, length, checksum) in sizes {
        let mut page = take(&mut data, length);
        assert_eq!(crc(page), checksum);
        let kind = take(&mut page, 1)[0];
        if kind == 0 {
            values.extend((0..rows).map(|_| None));
            continue;
        }
        let (tags, stored, text) =
            (varint(&mut page) as usize, varint(&mut page) as usize, varint(&mut page) as usize);
        let decompress = |bytes: &[u8], length, flag| match kind & flag {
            0 => bytes.to_vec(),
            _ => zstd::bulk::decompress(bytes, length).unwrap(),
        };
        let tags = decompress(take(&mut page, stored), tags, 2);
        let text = decompress(page, text, 4);
        let (mut tags, mut text) = (tags.as_slice(), text.as_slice());
        for _ in 0..rows {
            let tag = varint(&mut tags);
            if tag == 0 {
                values.push(None);
                continue;
            }
            let mut stored = take(&mut text, ((tag - 1) / 4) as usize);
            values.push(Some(match (tag - 1) % 4 {
                0 => stored.to_vec(),
                1 if stored.len() == 11 => {
                    let mut number =
                        stored.iter().rev().fold(0u128, |number, byte| number << 8 | u128::from(*byte));
                    let mut text = [0; 16];
                    for character in text.iter_mut().rev() {
                        *character = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(number % 36) as usize];
                        number /= 36;
                    }
                    text.to_vec()
                }
                1 => stored.iter().flat_map(|byte| format!("{byte:02X}").into_bytes()).collect(),
                2 => base64(stored).into_bytes(),
                _ => {
                    let at = varint(&mut stored) as usize;
                    [&stored[..at], keys[values.len()].as_ref().unwrap(), &stored[at..]].concat()
                }
            }));
        }
        assert!(text.is_empty() && tags.is_empty());
    }
    assert!(data.is_empty());
    (values, directory)
}

/// Number of lines of log files that gave requests, repeats excluded.
fn first_lines_of_requests(cache: &Connection) -> u64 {
    let zigzag = |number: u64| (number >> 1) as i64 ^ -((number & 1) as i64);
    let mut requests = 0;
    let mut statement = cache
        .prepare("SELECT log_file_id, generation, part, runs, crc FROM log_file_rows ORDER BY 1, 2, 3")
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let mut covered: Vec<u8> =
            (0..3).flat_map(|index| row.get::<_, i64>(index).unwrap().to_le_bytes()).collect();
        let runs: Vec<u8> = row.get(3).unwrap();
        covered.extend((runs.len() as i64).to_le_bytes());
        covered.extend(&runs);
        assert_eq!(crc(&covered) as i32, row.get::<_, i32>(4).unwrap());
        let (mut runs, mut line, mut request) = (runs.as_slice(), 0, 0);
        while !runs.is_empty() {
            line += zigzag(varint(&mut runs));
            request += zigzag(varint(&mut runs));
            let length = varint(&mut runs);
            assert!(line >= 1 && request >= 0);
            if length.is_multiple_of(2) {
                requests += length / 2;
            }
            (line, request) = (line + (length / 2) as i64, request + (length / 2) as i64);
        }
    }
    requests
}

#[test]
fn a_reader_written_from_the_description_reads_every_field() {
    let folder = tempfile::tempdir().unwrap();
    let tamarin = |arguments: &[&str]| {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("tamarin"))
            .args(arguments)
            .args(["--cache", "cache.db", "-q"])
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    tamarin(&["pull", "demo:3:9000"]);
    // A number that does not fit a column, and one of more than 32 bits.
    std::fs::write(
        folder.path().join("odd"),
        "acme acme-media [01/Apr/2026:00:00:01 +0000] 203.0.113.7 - ZZ7 REST.GET.OBJECT a%2520b \
         \"GET /a%20b HTTP/1.1\" 200 - 99999999999999 99999999999999999999 - - \"-\" \"x\" -\n\
         acme acme-media [01/Apr/2026:00:00:02 +0000] 203.0.113.7 - ZZ8 REST.GET.OBJECT c \
         \"GET /c HTTP/1.1\" 200 - 0 - - - \"-\" \"x\" -\n",
    )
    .unwrap();
    tamarin(&["pull", "odd"]);
    let expected: Vec<Value> = tamarin(&["requests", "--format", "ndjson"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();

    let cache = Connection::open(folder.path().join("cache.db")).unwrap();
    let pragma = |name| cache.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((pragma("application_id"), pragma("user_version")), (1_413_565_778, 3));
    let dictionary: HashMap<(i64, u64), Vec<u8>> = cache
        .prepare("SELECT dimension, id, value, crc FROM dictionary")
        .unwrap()
        .query_map([], |row| {
            let (dimension, id, value): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let covered = [&value[..], &dimension.to_le_bytes(), &id.to_le_bytes()].concat();
            assert_eq!(crc(&covered) as i32, row.get::<_, i32>(3)?);
            Ok(((dimension, id as u64), value))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut digest = 0;
    let segments: Vec<(i64, usize, i64, i64)> = cache
        .prepare(
            "SELECT id, source_id, first_row, rows, numbers, time_min, time_max, bytes, gone IS NULL, crc
             FROM segment ORDER BY source_id, first_row",
        )
        .unwrap()
        .query_map([], |row| {
            let mut columns: Vec<i64> =
                (0..8).map(|index| row.get(index)).collect::<rusqlite::Result<_>>()?;
            let [id, _, _, rows, numbers, time_min, time_max, _] = columns[..] else { panic!() };
            // Nothing was removed: `gone` is NULL.
            assert!(row.get::<_, bool>(8)? && rows == numbers);
            columns.push(0);
            let crc: i64 = row.get(9)?;
            assert_eq!(crc_of_numbers(&columns), crc);
            digest += (1 << 32) + i64::from(crc as u32);
            Ok((id, rows as usize, time_min, time_max))
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let (newest, segments_digest, dictionaries): (i64, i64, Vec<u8>) = cache
        .query_row("SELECT newest_segment, segments, dictionaries FROM root", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert!(newest >= segments.last().unwrap().0);
    assert_eq!(segments_digest, digest);
    for ((dimension, name), length) in DIMENSIONS.iter().zip(dictionaries.chunks(4)) {
        let values = dictionary.keys().filter(|(of, _)| of == dimension).count();
        assert_eq!(little_endian(length) as usize, values, "{name}");
    }
    assert_eq!(first_lines_of_requests(&cache), 9002);
    assert_eq!(segments.len(), 2);
    let mut read: Vec<HashMap<&str, Value>> = Vec::new();
    for (segment, rows, time_min, time_max) in segments {
        let chunk = |field: i64| -> (i64, i64, i32, Vec<u8>) {
            let id = segment * 64 + field;
            let (low, high, crc, data_crc, data): (i64, i64, i64, i32, Vec<u8>) = cache
                .query_row(
                    "SELECT low, high, crc, data_crc, data FROM column_chunk WHERE id = ?1",
                    [id],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
                )
                .unwrap();
            assert_eq!(crc_of_numbers(&[id, low, high, data_crc.into()]), crc);
            (low, high, data_crc, data)
        };
        let first = read.len();
        read.resize(first + rows, HashMap::new());
        let requests = &mut read[first..];
        let numbers = |field: i64| {
            let (low, high, data_crc, data) = chunk(field);
            assert_eq!(crc(&data) as i32, data_crc);
            let numbers = integers(&data);
            assert_eq!(numbers.len(), rows);
            (low, high, numbers)
        };
        let (low, high, times) = numbers(2);
        assert_eq!((low, high), (time_min, time_max));
        for (request, time) in requests.iter_mut().zip(times) {
            let time = (time ^ 1 << 63) as i64;
            assert!((low..=high).contains(&time));
            let text = jiff::Timestamp::from_second(time).unwrap().to_string();
            request.insert("time", text.into());
        }
        let mut keys: Vec<Option<Vec<u8>>> = Vec::new();
        for (field, name) in DIMENSIONS {
            let (low, high, ids) = numbers(field);
            for (request, id) in requests.iter_mut().zip(ids) {
                assert!((low..=high).contains(&(id as i64)));
                let value = dictionary.get(&(field, id));
                if name == "key" {
                    keys.push(value.cloned());
                }
                let value = value.map(|value| String::from_utf8_lossy(value));
                request.insert(
                    name,
                    match value {
                        Some(value) if name == "http_status" => value.parse::<u64>().unwrap().into(),
                        value => value.map(|value| value.into_owned()).into(),
                    },
                );
            }
        }
        for (field, name) in MEASURES {
            let (low, high, stored) = numbers(field);
            for (request, stored) in requests.iter_mut().zip(stored) {
                assert!((low..=high).contains(&(stored as i64)));
                request.insert(name, stored.checked_sub(1).into());
            }
        }
        for (field, name) in DETAILS {
            let (.., data_crc, data) = chunk(field);
            let (values, directory) = texts(&data, &keys);
            assert_eq!(directory as i32, data_crc);
            assert_eq!(values.len(), rows);
            for (request, value) in requests.iter_mut().zip(values) {
                request.insert(name, value.map(|value| String::from_utf8_lossy(&value).into_owned()).into());
            }
        }
    }
    let sorted = |mut requests: Vec<String>| {
        requests.sort_unstable();
        requests
    };
    // Where a request came from is no column: the catalogue of the log files has it.
    let is_stored = |name: &&String| !["source", "log_file", "line"].contains(&name.as_str());
    let names: Vec<&String> = expected[0].as_object().unwrap().keys().filter(is_stored).collect();
    let ours = read.iter().map(|request| {
        names.iter().map(|name| request[name.as_str()].to_string()).collect::<Vec<_>>().join(" ")
    });
    let theirs = expected.iter().map(|request| {
        names.iter().map(|name| request[name.as_str()].to_string()).collect::<Vec<_>>().join(" ")
    });
    assert_eq!(sorted(ours.collect()), sorted(theirs.collect()));
    assert!(read.iter().any(|request| request["extra"] == "99999999999999999999"));
}
