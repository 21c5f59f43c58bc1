//! The root: counts and digests over all other tables, which reveal a missing or repeated row.
//!
//! Every row that answers depend on has a checksum that covers its identity. The root has the digests of all
//! segments, sources, log files and removed ranges, and the number of values of each dictionary; a log file
//! has the digests of its own rows in other tables. So each reader of a table detects damage of the
//! b-tree that SQLite does not notice.

use rusqlite::{Connection, Params, Row, params};

use crate::cache::column::checksum::{self, Digest, RowChecksum};
use crate::cache::{column::Damage, column::layout::DIMENSIONS, error::StoreError};

/// Number of values of each dictionary, in the order of the dimensions.
pub(crate) type DictionaryLengths = [u32; DIMENSIONS];

/// The single row of the table `root`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Root {
    /// The largest id that a segment ever had; 0 if there was none.
    pub newest_segment: i64,
    /// Digest of the table `segment`.
    pub segments: Digest,
    /// Digest of the table `source`.
    pub sources: Digest,
    /// Digest of the table `log_file`.
    pub log_files: Digest,
    /// Digest of the table `removed`.
    pub removed: Digest,
    pub dictionaries: DictionaryLengths,
}

impl Root {
    /// Reads the root.
    pub(crate) fn read(connection: &Connection) -> Result<Root, StoreError> {
        let mut statement = connection.prepare_cached(
            "SELECT newest_segment, segments, sources, log_files, removed, dictionaries, crc FROM root",
        )?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else { return Err(Damage("it is missing").into()) };
        let lengths = row.get_ref(5)?.as_bytes().unwrap_or_default();
        let Some(lengths) = lengths.as_chunks().0.first_chunk::<DIMENSIONS>() else {
            return Err(checksum::DAMAGE.into());
        };
        let root = Root {
            newest_segment: row.get(0)?,
            segments: Digest(row.get(1)?),
            sources: Digest(row.get(2)?),
            log_files: Digest(row.get(3)?),
            removed: Digest(row.get(4)?),
            dictionaries: lengths.map(u32::from_le_bytes),
        };
        checksum::verify(row.get(6)?, root.crc())?;
        match rows.next()? {
            None => Ok(root),
            Some(_) => Err(Damage("it occurs twice").into()),
        }
    }

    /// Writes the root at the end of a transaction, with the digests of the small tables as they are now.
    /// [`LogFileRow`](crate::cache::sqlite::log_file_rows::LogFileRow) maintains the digest of the log files.
    /// `stored` has the number of values of each dictionary.
    pub(crate) fn write(
        &mut self,
        transaction: &Connection,
        stored: &[usize; DIMENSIONS],
    ) -> rusqlite::Result<()> {
        self.dictionaries = stored.map(|length| length as u32);
        self.segments = digest_of(transaction, "segment")?;
        self.sources = digest_of(transaction, "source")?;
        self.removed = digest_of(transaction, "removed")?;
        let [newest, segments, sources, log_files, removed] = self.numbers();
        let (lengths, crc) = (self.dictionary_bytes(), self.crc());
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO root
                 (id, newest_segment, segments, sources, log_files, removed, dictionaries, crc)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![newest, segments, sources, log_files, removed, lengths, crc])?;
        Ok(())
    }

    fn dictionary_bytes(&self) -> Vec<u8> {
        self.dictionaries.iter().flat_map(|length| length.to_le_bytes()).collect()
    }

    fn numbers(&self) -> [i64; 5] {
        [self.newest_segment, self.segments.0, self.sources.0, self.log_files.0, self.removed.0]
    }

    fn crc(&self) -> i32 {
        let row = self.numbers().iter().fold(RowChecksum::default(), |row, number| row.number(*number));
        row.bytes(&self.dictionary_bytes()).end()
    }
}

/// Returns the rows of a query and their digest. `read` returns the checksum and the content of a row.
pub(crate) fn read_all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<(i32, T), StoreError>,
) -> Result<(Vec<T>, Digest), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let (mut all, mut digest) = (Vec::new(), Digest::default());
    while let Some(row) = rows.next()? {
        let (crc, found) = read(row)?;
        digest.add(crc);
        all.push(found);
    }
    Ok((all, digest))
}

/// Computes the digest of a table.
pub(crate) fn digest_of(connection: &Connection, table: &str) -> rusqlite::Result<Digest> {
    let sql = format!("SELECT {} FROM {table}", Digest::SQL);
    connection.prepare_cached(&sql)?.query_row([], |row| row.get(0).map(Digest))
}

/// Fails if the digest of a table differs from the expected one.
pub(crate) fn is_complete(found: Digest, expected: Digest) -> Result<(), Damage> {
    if found == expected { Ok(()) } else { Err(Damage("rows are missing or occur twice")) }
}
