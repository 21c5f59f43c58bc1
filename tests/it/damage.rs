//! A damaged cache gives the right answer or an error, never a wrong answer.
//!
//! `DAMAGES=1000 cargo test --release --test it damage` tests more random damage, from the seed `SEED` on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rusqlite::Connection;
use tamarin::cache::{BLOCK, Cache, CacheError, IntColumn, Writer};
use tamarin::log::{FIELDS, Kind};

/// Cases of random damage, unless the environment variable `DAMAGES` sets another number.
const DEFAULT_DAMAGES: u64 = 150;

/// Log lines of the requests with these numbers.
fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers
        .map(|number| {
            format!(
                "owner media [{:02}/Apr/2026:{:02}:{:02}:{:02} +0000] 192.0.2.{} - {:016X} REST.GET.OBJECT \
                 films/{number}.mp4 \"GET /films/{number}.mp4 HTTP/1.1\" {} - {number} 73400320 120 15 \"-\" \
                 \"agent/{}\" - h0stId{}= SigV4 - AuthHeader - TLSv1.3 - - -\n",
                1 + number / 1000,
                number / 60 % 24,
                number % 60,
                number * 7 % 60,
                number % 200,
                number * 7919,
                200 + number % 5,
                number % 13,
                number % 17,
            )
        })
        .collect()
}

fn pull(cache: &Path, logs: &Path) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tamarin"))
        .args(["pull", "-q", logs.to_str().unwrap(), "--cache", cache.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes a cache with rows in every table: several sources, log files and segments, repeats, rejected lines, changed log
/// files, removed requests and ranges.
fn make_cache(path: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    let others = folder.path().join("others");
    std::fs::create_dir(&logs).unwrap();
    std::fs::create_dir(&others).unwrap();
    for file in 0..8 {
        let text = lines(file * 300..file * 300 + 320) + &format!("junk {file}\n");
        std::fs::write(logs.join(format!("{file}.log")), text).unwrap();
    }
    std::fs::write(others.join("a.log"), lines(5000..5400)).unwrap();
    pull(path, &logs);
    pull(path, &others);
    std::fs::write(logs.join("3.log"), lines(900..1100) + &lines(3000..3100)).unwrap();
    std::fs::write(others.join("a.log"), lines(5000..5450)).unwrap();
    pull(path, &logs);
    pull(path, &others);
    let mut writer = Writer::open(path).unwrap();
    for source in writer.sources().unwrap() {
        writer.prune(source.id, 1_775_088_000).unwrap();
    }
    writer.checkpoint().unwrap();
}

/// The codes of all rows of a column.
fn codes(column: &IntColumn, rows: usize) -> Vec<u64> {
    let mut codes = Vec::new();
    let mut block_codes = [0; BLOCK];
    for block in 0..rows.div_ceil(BLOCK) {
        column.codes(block, &mut block_codes);
        codes.extend(block_codes);
    }
    codes.truncate(rows);
    codes
}

/// Everything that readers return of a cache, or the first error.
fn answers(path: &Path) -> Result<Vec<String>, CacheError> {
    let cache = Cache::open(path)?;
    let snapshot = cache.snapshot()?;
    let mut all = vec![format!("{:?}", snapshot.sources)];
    for meta in FIELDS.iter().filter(|meta| meta.kind == Kind::Dimension) {
        let dictionary = snapshot.dictionary(meta.field)?;
        all.extend(dictionary.iter().map(|value| String::from_utf8_lossy(value).into_owned()));
    }
    for segment in &snapshot.segments {
        all.push(format!("{segment:?}"));
        for meta in &FIELDS {
            if meta.kind == Kind::Detail {
                let mut column = snapshot.text_column(segment, meta.field)?;
                for row in 0..segment.rows {
                    all.push(format!("{:?}", column.get(&snapshot, row)?));
                }
                continue;
            }
            all.push(format!("{:?}", snapshot.code_bounds(segment, meta.field)?));
            let codes = codes(&snapshot.int_column(segment, meta.field)?, segment.rows);
            // Without its value set, a reader reads the column: that does not change the answer.
            if let Some(set) = snapshot.value_set(segment, meta.field)? {
                assert!(codes.iter().all(|id| set.contains(*id as u32)), "{segment:?} {}", meta.field.name());
            }
            all.push(format!("{codes:?}"));
        }
    }
    all.push(format!("{:#?}", cache.sources()?));
    cache.rejected(None, &mut |line| all.push(format!("{line:?}")))?;
    for (source, uri) in &snapshot.sources {
        assert_eq!(cache.source_id(uri)?, Some(*source));
        let names: Vec<String> =
            (0..8).map(|file| format!("{file}.log")).chain(["a.log".to_owned()]).collect();
        for version in ["1", "2"] {
            let files = names.iter().map(|name| (name.as_str(), Some(version)));
            all.push(format!("{:?}", cache.log_file_statuses(Some(*source), files)?));
        }
    }
    Ok(all)
}

/// Reads a damaged cache. Returns whether reading failed with an error of one line; `Err` if it returned a wrong answer,
/// an error of several lines, or panicked.
fn read_damaged(path: &Path, expected: &[String]) -> Result<bool, String> {
    match catch_unwind(AssertUnwindSafe(|| answers(path))) {
        Err(_) => Err("it panicked".to_owned()),
        Ok(Ok(found)) if found == expected => Ok(false),
        Ok(Ok(found)) => {
            let other = found.iter().zip(expected).find(|(found, expected)| found != expected);
            Err(format!("{} answers instead of {}, first difference: {other:?}", found.len(), expected.len()))
        }
        Ok(Err(error)) if error.to_string().contains('\n') => {
            Err(format!("an error of several lines: {error}"))
        }
        Ok(Err(_)) => Ok(true),
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

/// Changes some bytes: anywhere, or in the structure of the b-trees. Returns a description.
fn damage(bytes: &mut [u8], page_size: usize, random: &mut Random) -> String {
    let pages = bytes.len() / page_size;
    let page = random.below(pages);
    let start = page * page_size;
    let header = start + if page == 0 { 100 } else { 0 };
    let cells = usize::from(bytes[header + 3]) * 256 + usize::from(bytes[header + 4]);
    let pointers = header + if matches!(bytes[header], 2 | 5) { 12 } else { 8 };
    let is_tree = matches!(bytes[header], 2 | 5 | 10 | 13) && (1..4000).contains(&cells);
    match random.below(8) {
        0 | 1 => {
            let (at, bit) = (random.below(bytes.len()), random.below(8));
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at}")
        }
        2 => {
            let (at, length) = (random.below(bytes.len() - 64), 1 + random.below(64));
            let value = random.below(256) as u8;
            bytes[at..at + length].fill(value);
            format!("{length} bytes from {at} are {value}")
        }
        3 if is_tree => {
            let count = random.below(cells);
            bytes[header + 3..header + 5].copy_from_slice(&(count as u16).to_be_bytes());
            format!("page {} has {count} of {cells} cells", page + 1)
        }
        4 if is_tree => {
            let (one, other) = (random.below(cells), random.below(cells));
            let from = pointers + 2 * other;
            bytes.copy_within(from..from + 2, pointers + 2 * one);
            format!("cell {one} of page {} is cell {other}", page + 1)
        }
        5 if is_tree => {
            let at = header + random.below(pointers + 2 * cells - header);
            bytes[at] ^= 1 << random.below(8);
            format!("byte {} of the header of page {}", at - header, page + 1)
        }
        6 => {
            let other = random.below(pages) * page_size;
            bytes.copy_within(other..other + page_size, start);
            format!("page {} is page {}", page + 1, other / page_size + 1)
        }
        _ => {
            // Overflow pages begin with the number of the next one.
            let at = start + random.below(4);
            bytes[at] ^= 1 << random.below(8);
            format!("byte {} of page {}", at - start, page + 1)
        }
    }
}

#[test]
fn random_damage_gives_the_right_answer_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    make_cache(&path);
    let whole = std::fs::read(&path).unwrap();
    let expected = answers(&path).unwrap();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SEED").unwrap_or(1);
    let damaged = folder.path().join("damaged.db");
    let mut detected = 0;
    for seed in first..first + number("DAMAGES").unwrap_or(DEFAULT_DAMAGES) {
        let mut bytes = whole.clone();
        let description = damage(&mut bytes, 32_768, &mut Random(seed));
        std::fs::write(&damaged, bytes).unwrap();
        match read_damaged(&damaged, &expected) {
            Ok(is_error) => detected += u64::from(is_error),
            Err(problem) => panic!("SEED={seed}, {description}: {problem}"),
        }
    }
    assert!(detected > 20, "{detected}");
}

/// SQL that changes rows of every table, but leaves a valid database.
fn structural_damages(connection: &Connection) -> Vec<String> {
    let tables = [
        ("root", "id"),
        ("source", "id"),
        ("log_file", "id"),
        ("log_file_part", "log_file_id, first_line"),
        ("log_file_rows", "log_file_id, generation, part"),
        ("rejected_line", "log_file_id, line, number"),
        ("dictionary", "dimension, id"),
        ("segment", "id"),
        ("column_chunk", "id"),
        ("removed", "source_id, first_row"),
    ];
    let mut damages = Vec::new();
    for (table, key) in tables {
        let count: i64 =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        let columns: Vec<String> = connection
            .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let picks = [0, 1, count / 2, count - 1];
        for (index, pick) in picks.into_iter().enumerate().filter(|(_, pick)| (0..count).contains(pick)) {
            let row = |pick: i64| format!("(SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {pick})");
            if index == 0 || picks[..index].iter().all(|other| *other != pick) {
                damages.push(format!("DELETE FROM {table} WHERE ({key}) IN {}", row(pick)));
            }
            for column in &columns {
                let change = format!("UPDATE {table} SET {column} = ");
                let here = format!("WHERE ({key}) IN {}", row(pick));
                damages.push(format!("{change} {column} + 1 {here} AND typeof({column}) = 'integer'"));
                damages.push(format!("{change} {column} || 'x' {here} AND typeof({column}) = 'text'"));
                damages.push(format!(
                    "{change} CAST(substr({column}, 2) AS BLOB) {here} AND typeof({column}) = 'blob'"
                ));
                // The value of another row.
                damages.push(format!(
                    "{change} (SELECT {column} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {}) {here}",
                    (pick + 1) % count
                ));
            }
        }
        damages.push(format!("DELETE FROM {table}"));
    }
    damages
}

#[test]
fn changed_rows_give_the_right_answer_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    make_cache(&path);
    let whole = std::fs::read(&path).unwrap();
    let expected = answers(&path).unwrap();
    let damages = structural_damages(&Connection::open(&path).unwrap());
    let damaged = folder.path().join("damaged.db");
    let (mut detected, mut changed) = (0, 0);
    for sql in &damages {
        std::fs::write(&damaged, &whole).unwrap();
        let connection = Connection::open(&damaged).unwrap();
        connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        // Some break a constraint or change nothing.
        let has_changed = connection.execute(sql, []).is_ok_and(|rows| rows > 0);
        connection.close().unwrap();
        if has_changed {
            changed += 1;
            match read_damaged(&damaged, &expected) {
                Ok(is_error) => detected += u64::from(is_error),
                Err(problem) => panic!("{sql}: {problem}"),
            }
        }
    }
    assert!(changed >= 200 && detected > 150, "{detected} of {changed}");
}
