//! The damage check: tests every assumption that other parts of the cache rely on. The checksums of rows and the
//! digests of tables reveal each changed byte and each missing row; tables that refer to each other are compared.

mod log_files;
mod segments;

use std::path::Path;

use rusqlite::Connection;

use crate::cache::column::layout::{DIMENSION_FIELDS, DIMENSIONS};
use crate::cache::sqlite::root::{self, Root};
use crate::cache::sqlite::{connection, journal, muted};
use crate::cache::{
    CacheError, column::checksum, error::StoreError, ids::SegmentId, sqlite::catalogue::SourceRow,
};
use crate::log::Field;

/// Limit of the reported findings of SQLite's own check.
const MAX_SQLITE_FINDINGS: i64 = 100;

/// A problem in the cache, and the source and the segment concerned, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the other names describe their fields")]
pub struct Finding {
    pub source: Option<String>,
    pub segment: Option<SegmentId>,
    /// `column NAME`, `dictionary of NAME`, `numbers`, `log files`, `file`.
    pub place: String,
    pub problem: String,
}

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the other names describe their fields")]
pub struct Checked {
    pub segments: u64,
    pub requests: u64,
    /// Id of the newest segment; 0 if there is none.
    pub newest_segment: i64,
    pub findings: Vec<Finding>,
}

/// Checks a cache without changing it. Only segments newer than `after` are opened; 0 opens all.
/// Fails if the cache cannot be opened. Damage is a finding, not an error.
pub fn check(path: &Path, after: i64) -> Result<Checked, CacheError> {
    let connection = connection::open_reader(path)?;
    let mut check = Check {
        connection: &connection,
        root: Root::default(),
        lengths: [0; DIMENSIONS],
        checked: Checked::default(),
    };
    connection.execute_batch("BEGIN").map_err(|error| CacheError::sqlite(path, error))?;
    let steps: [(&str, Step<'_>); 7] = [
        ("file", Check::file),
        ("root", Check::root),
        ("dictionaries", Check::dictionaries),
        ("segments", Check::segments),
        ("numbers", Check::numbers),
        ("log files", Check::log_files),
        ("muted findings", Check::muted),
    ];
    for (place, step) in steps {
        if let Err(error) = step(&mut check, after) {
            check.report(None, None, place, describe(error));
        }
    }
    let checked = check.checked;
    drop(connection);
    journal::checkpoint(path);
    Ok(checked)
}

/// One step of the check.
type Step<'c> = fn(&mut Check<'c>, i64) -> Result<(), StoreError>;

struct Check<'c> {
    connection: &'c Connection,
    root: Root,
    /// Number of values of each dictionary.
    lengths: [u64; DIMENSIONS],
    checked: Checked,
}

impl Check<'_> {
    fn report(
        &mut self,
        source: Option<&str>,
        segment: Option<SegmentId>,
        place: impl Into<String>,
        problem: impl Into<String>,
    ) {
        let (place, problem) = (place.into(), problem.into());
        self.checked.findings.push(Finding { source: source.map(str::to_owned), segment, place, problem });
    }

    /// Runs SQLite's own checks: pages, b-trees, foreign keys.
    fn file(&mut self, _: i64) -> Result<(), StoreError> {
        let messages: Vec<String> = self
            .connection
            .prepare(&format!("PRAGMA quick_check({MAX_SQLITE_FINDINGS})"))?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for problem in messages.into_iter().filter(|message| message != "ok") {
            self.report(None, None, "file", problem);
        }
        let orphans: Vec<(String, String)> = self
            .connection
            .prepare("SELECT DISTINCT \"table\", parent FROM pragma_foreign_key_check")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (table, parent) in orphans {
            self.report(None, None, "file", format!("rows of {table} belong to no row of {parent}"));
        }
        Ok(())
    }

    /// Checks that the root matches its checksum, and the digests of all tables match the root.
    fn root(&mut self, _: i64) -> Result<(), StoreError> {
        self.root = Root::read(self.connection)?;
        let tables = [
            ("segment", self.root.segments),
            ("source", self.root.sources),
            ("log_file", self.root.log_files),
            ("removed", self.root.removed),
        ];
        for (table, expected) in tables {
            if let Err(damage) = root::is_complete(root::digest_of(self.connection, table)?, expected) {
                self.report(None, None, format!("table {table}"), damage.to_string());
            }
        }
        Ok(())
    }

    /// Checks that ids have no gaps from 1 on, and that no value has two ids.
    fn dictionaries(&mut self, _: i64) -> Result<(), StoreError> {
        for (slot, field) in DIMENSION_FIELDS.into_iter().enumerate() {
            let (count, first, last, values): (i64, i64, i64, i64) = self.connection.query_row(
                "SELECT count(*), coalesce(min(id), 1), coalesce(max(id), 0), count(DISTINCT value)
                 FROM dictionary WHERE dimension = ?1",
                [field as i64],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )?;
            self.lengths[slot] = last.max(0) as u64;
            let place = format!("dictionary of {}", field.name());
            if first != 1 || last != count {
                let problem = format!("{count} values have ids from {first} to {last}, which are not dense");
                self.report(None, None, place.clone(), problem);
            }
            if values != count {
                self.report(None, None, place.clone(), format!("{} values have two ids", count - values));
            }
            let expected = i64::from(self.root.dictionaries[slot]);
            if expected != count {
                let problem = format!("it has {count} values, but should have {expected}");
                self.report(None, None, place.clone(), problem);
            }
            let damaged_count = self.damaged_values(field)?;
            if damaged_count > 0 {
                let problem = format!("{damaged_count} values do not match their checksums");
                self.report(None, None, place, problem);
            }
        }
        let known = DIMENSION_FIELDS.map(|field| (field as i64).to_string()).join(", ");
        let unknown: i64 = self.connection.query_row(
            &format!("SELECT count(*) FROM dictionary WHERE dimension NOT IN ({known})"),
            [],
            |row| row.get(0),
        )?;
        if unknown > 0 {
            self.report(None, None, "dictionaries", format!("{unknown} values of unknown dimensions"));
        }
        Ok(())
    }

    /// Checks the rows that say which findings are muted.
    fn muted(&mut self, _: i64) -> Result<(), StoreError> {
        muted::all(self.connection).map(drop)
    }

    /// Number of values whose checksum does not match.
    fn damaged_values(&self, field: Field) -> rusqlite::Result<u64> {
        let mut values =
            self.connection.prepare("SELECT id, crc, value FROM dictionary WHERE dimension = ?1")?;
        let mut rows = values.query([field as i64])?;
        let mut damaged_count = 0;
        while let Some(row) = rows.next()? {
            let value = row.get_ref(2)?.as_bytes().unwrap_or_default();
            let crc = checksum::of_value(field as i64, row.get(0)?, value);
            damaged_count += u64::from(row.get::<_, i64>(1)? != i64::from(crc));
        }
        Ok(damaged_count)
    }

    fn sources(&self) -> Result<Vec<SourceRow>, StoreError> {
        SourceRow::all(self.connection)
    }
}

/// Why something could not be read.
fn describe(error: StoreError) -> String {
    match error {
        StoreError::Sqlite(rusqlite::Error::QueryReturnedNoRows) => "it is missing".to_owned(),
        StoreError::Sqlite(error) => error.to_string(),
        StoreError::Damage { damage, .. } => damage.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::cache::column::layout::DETAIL_FIELDS;
    use crate::cache::testing::{Request, filled};
    use crate::cache::{Cache, Writer};
    use crate::log::FIELDS;
    use std::sync::LazyLock;

    const FIRST: SegmentId = SegmentId::new(1);

    /// A cache with two segments.
    static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "one", (0..140_000).map(Request::at)));
        std::fs::read(&path).unwrap()
    });

    /// The findings for that cache after a change by SQL.
    fn after(change: &str) -> Vec<Finding> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        std::fs::write(&path, &*WHOLE).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        check(&path, 0).unwrap().findings
    }

    fn only(change: &str) -> Finding {
        let mut findings = after(change);
        assert_eq!(findings.len(), 1, "{change}: {findings:#?}");
        findings.remove(0)
    }

    #[test]
    fn a_sound_cache_has_no_findings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        std::fs::write(&path, &*WHOLE).unwrap();
        let checked = check(&path, 0).unwrap();
        assert_eq!((checked.segments, checked.requests), (2, 140_000));
        let rest = check(&path, checked.newest_segment - 1).unwrap();
        assert_eq!((rest.segments, rest.findings), (1, Vec::new()));
    }

    #[test]
    fn missing_and_surplus_rows_are_findings() {
        let key = Field::Key as i64;
        let finding = only(&format!("DELETE FROM column_chunk WHERE id = 64 + {}", Field::BytesSent as i64));
        assert_eq!((finding.segment, finding.place.as_str()), (Some(FIRST), "column bytes_sent"));
        assert_eq!((finding.source.as_deref(), finding.problem.as_str()), (Some("one"), "it is missing"));
        let finding = only(&format!("UPDATE column_chunk SET high = high + 1 WHERE id = 64 + {key}"));
        assert_eq!(finding.place, "column key");
        let finding = &after(&format!("DELETE FROM dictionary WHERE dimension = {key} AND id = 2"))[0];
        assert_eq!(finding.place, "dictionary of key");
        assert!(finding.problem.contains("not dense"), "{}", finding.problem);
        let findings = after(&format!(
            "DELETE FROM dictionary WHERE dimension = {key}
             AND id = (SELECT max(id) FROM dictionary WHERE dimension = {key})"
        ));
        assert!(
            findings.iter().any(|finding| finding.problem.contains("but the dictionary has")),
            "{findings:?}"
        );
        // Rows of the catalogue have checksums, and tables have digests.
        for (change, place) in [
            ("UPDATE source SET next_row = next_row + 1", "segments"),
            ("UPDATE log_file SET requests = requests + 1", "log files"),
            ("UPDATE log_file SET state = 9", "log files"),
            ("UPDATE root SET newest_segment = 9", "root"),
            ("DELETE FROM root", "root"),
            ("DELETE FROM log_file_rows", "log files"),
            ("UPDATE log_file_rows SET part = part + 100", "log files"),
            ("DELETE FROM segment WHERE id = 1", "table segment"),
            ("DELETE FROM source", "table source"),
            ("DELETE FROM log_file", "table log_file"),
            ("INSERT INTO removed VALUES (1, 5000000, 3, 0)", "table removed"),
            (
                "INSERT INTO segment SELECT 7, source_id, first_row, rows, numbers, time_min, time_max, bytes, crc,
                     gone FROM segment WHERE id = 1",
                "table segment",
            ),
        ] {
            let findings = after(&format!("PRAGMA foreign_keys = OFF; {change}"));
            assert!(findings.iter().any(|finding| finding.place == place), "{change}: {findings:#?}");
        }
        let findings = after("DELETE FROM segment WHERE id = 1");
        assert!(findings.iter().any(|finding| finding.problem.contains("belong to no segment")));
        let findings = after("UPDATE segment SET time_max = time_max + 1 WHERE id = 1");
        assert_eq!((findings[0].place.as_str(), findings[0].segment), ("segment", Some(FIRST)));
        let finding =
            only("UPDATE dictionary SET value = CAST('k0x' AS BLOB) WHERE value = CAST('k0' AS BLOB)");
        assert_eq!(finding.place, "dictionary of key");
        assert_eq!(finding.problem, "1 values do not match their checksums");
    }

    #[test]
    fn changed_bytes_of_a_column_are_a_finding() {
        // The first byte of an integer column is its number of rows, that of a text column its number of
        // pages.
        for field in [Field::Time, Field::Key, Field::TotalTime, Field::RequestUri, Field::RequestId] {
            let number = field as i64;
            let finding = only(&format!(
                "UPDATE column_chunk SET data = CAST(x'ff' || substr(data, 2) AS BLOB) WHERE id = 64 + {number}"
            ));
            assert_eq!(finding.segment, Some(FIRST));
            assert_eq!(finding.place, format!("column {}", field.name()));
        }
        let finding = only(&format!(
            "UPDATE column_chunk SET data = substr(data, 1, length(data) - 1) WHERE id = 64 + {}",
            Field::RequestId as i64
        ));
        assert_eq!(finding.place, "column request_id");
    }

    /// Every field of every request, or the first error.
    fn all(path: &Path) -> Result<Vec<String>, CacheError> {
        let cache = Cache::open(path)?;
        let snapshot = cache.snapshot()?;
        let mut all = Vec::new();
        for segment in &snapshot.segments {
            all.push(format!("{segment:?}"));
            for meta in FIELDS.iter().take(Field::STORED) {
                all.push(format!("{:?}", snapshot.code_bounds(segment, meta.field)?));
                all.push(format!("{:?}", snapshot.value_set(segment, meta.field)?));
                if !DETAIL_FIELDS.contains(&meta.field) {
                    all.push(format!("{:?}", snapshot.integers(segment, meta.field)?.to_vec()));
                    continue;
                }
                let mut column = snapshot.text_column(segment, meta.field)?;
                for row in 0..segment.rows {
                    all.push(format!("{:?}", column.get(&snapshot, row)?));
                }
                snapshot.for_each_text(segment, meta.field, &CancellationToken::new(), |_, _| {})?;
            }
        }
        for field in DIMENSION_FIELDS {
            let dictionary = snapshot.dictionary(field)?;
            for id in 1..=dictionary.len() {
                all.push(format!("{field:?} {:?}", dictionary.get(id)));
            }
        }
        Ok(all)
    }

    /// Offsets of these bytes in a file.
    fn places_of(bytes: &[u8], file: &[u8]) -> Vec<usize> {
        memchr::memmem::find_iter(file, bytes).collect()
    }

    #[test]
    fn every_changed_byte_is_a_finding_and_an_error_for_readers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "one", (0..300).map(Request::at)));
        let whole = std::fs::read(&path).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        // Columns this small are within one page. Some are in the file more than once.
        let chunks: Vec<(Field, Vec<u8>)> = FIELDS
            .iter()
            .take(Field::STORED)
            .map(|meta| {
                let id = crate::cache::sqlite::schema::chunk_id(FIRST, meta.field);
                let read = |row: &rusqlite::Row<'_>| row.get::<_, Vec<u8>>(0);
                let sql = "SELECT data FROM column_chunk WHERE id = ?1";
                (meta.field, connection.query_row(sql, [id], read).unwrap())
            })
            .filter(|(_, data)| places_of(data, &whole).len() == 1)
            .collect();
        drop(connection);
        for field in [Field::Time, Field::RemoteIp, Field::RequestUri, Field::RequestId] {
            assert!(chunks.iter().any(|(found, _)| *found == field), "{field:?}");
        }
        let sound = all(&path).unwrap();

        let damaged = folder.path().join("damaged.db");
        let mut flips = 0;
        for (field, data) in &chunks {
            let start = places_of(data, &whole)[0];
            for at in (0..data.len()).step_by(1 + data.len() / 40) {
                let mut bytes = whole.clone();
                bytes[start + at] ^= 1 << (at % 8);
                std::fs::write(&damaged, bytes).unwrap();
                let findings = check(&damaged, 0).unwrap().findings;
                let [finding] = &findings[..] else { panic!("{field:?} byte {at}: {findings:#?}") };
                assert_eq!(finding.place, format!("column {}", field.name()));
                assert_eq!(finding.segment, Some(FIRST));
                let error = all(&damaged).unwrap_err().to_string();
                assert!(error.contains(&format!("segment 1, column {}", field.name())), "{error}");
                assert!(error.contains("tamarin sources check"), "{error}");
                assert!(
                    Cache::open(&damaged)
                        .and_then(|cache| cache
                            .snapshot()?
                            .prunable(crate::cache::SourceId::new(1), i64::MAX))
                        .is_err()
                        || *field != Field::Time
                );
                flips += 1;
            }
        }
        assert!(flips > 100, "{flips}");

        // A changed value: no reader gets another key.
        let start = places_of(b"k177", &whole)[0] + 3;
        let mut bytes = whole.clone();
        bytes[start] ^= 1;
        std::fs::write(&damaged, bytes).unwrap();
        assert!(check(&damaged, 0).unwrap().findings.iter().any(|found| found.place == "dictionary of key"));
        assert!(all(&damaged).unwrap_err().to_string().contains("dictionary of key"));
        assert!(Writer::open(&damaged).err().unwrap().to_string().contains("dictionary of key"));
        assert_eq!(all(&path).unwrap(), sound);
    }

    #[test]
    fn changed_bytes_anywhere_never_cause_a_panic_or_another_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "one", (0..3_000).map(Request::at)));
        let whole = std::fs::read(&path).unwrap();
        let damaged = folder.path().join("damaged.db");
        let sound = all(&path).unwrap();
        let mut noticed = 0;
        for step in 0..200 {
            let at = 100 + step * (whole.len() - 100) / 200;
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            std::fs::write(&damaged, bytes).unwrap();
            noticed += usize::from(check(&damaged, 0).map_or(true, |checked| !checked.findings.is_empty()));
            if let Ok(read) = all(&damaged) {
                assert_eq!(read, sound, "byte {at}");
            }
        }
        assert!(noticed > 0);
    }
}
