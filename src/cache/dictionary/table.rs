//! The table `dictionary`: reading and adding the values of a dimension.

use std::sync::LazyLock;

use rusqlite::{Connection, Transaction};

use super::{hash, published::GrowingDictionary};
use crate::cache::{column::Damage, column::checksum, error::StoreError};
use crate::log::Field;

/// Reads the values of a dimension.
pub(in crate::cache) fn load(
    connection: &Connection,
    field: Field,
    values: &mut GrowingDictionary,
) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare("SELECT id, value, crc FROM dictionary WHERE dimension = ?1 ORDER BY id")?;
    let mut rows = statement.query([field as i64])?;
    while let Some(row) = rows.next()? {
        let value = row.get_ref(1)?.as_bytes().unwrap_or_default();
        let id = i64::from(values.intern(value, hash(value)));
        if id != row.get::<_, i64>(0)? {
            return Err(Damage("ids are not dense, or a value occurs twice").into());
        }
        checksum::verify(row.get(2)?, checksum::of_value(field as i64, id, value))?;
        values.freeze_if_large();
    }
    Ok(())
}

/// Rows that one statement inserts. One statement per row takes twice as long.
const ROWS_PER_INSERT: usize = 32;
/// Bytes of values that one statement inserts, unless it is a single value: SQLite copies bound values.
const MAX_INSERT_BYTES: usize = 1 << 20;

/// Inserts the values of a dimension from index `from` on. The caller rolls back the transaction on failure.
/// (`OR FAIL`: with the default `ABORT` SQLite would copy every page before it changes it, to undo one statement.)
pub(in crate::cache) fn insert(
    transaction: &Transaction<'_>,
    field: Field,
    values: &GrowingDictionary,
    from: usize,
) -> rusqlite::Result<()> {
    static ROWS: LazyLock<[String; 2]> = LazyLock::new(|| {
        [1, ROWS_PER_INSERT].map(|rows| {
            let rows = vec!["(?, ?, ?, ?)"; rows].join(", ");
            format!("INSERT OR FAIL INTO dictionary (dimension, id, crc, value) VALUES {rows}")
        })
    });
    let dimension = field as i64;
    let mut next = from as i64 + 1;
    let last = values.len() as i64;
    while next <= last {
        let value = |id: i64| values.get(id as u32).unwrap_or_default();
        let ids = next..next + ROWS_PER_INSERT as i64;
        let are_short =
            ids.end <= last + 1 && ids.clone().map(|id| value(id).len()).sum::<usize>() <= MAX_INSERT_BYTES;
        let (statement, ids) = if are_short { (&ROWS[1], ids) } else { (&ROWS[0], next..next + 1) };
        next = ids.end;
        let mut insert = transaction.prepare_cached(statement)?;
        let mut parameter = 0;
        for id in ids {
            let value = value(id);
            insert.raw_bind_parameter(parameter + 1, dimension)?;
            insert.raw_bind_parameter(parameter + 2, id)?;
            insert.raw_bind_parameter(parameter + 3, checksum::of_value(dimension, id, value))?;
            insert.raw_bind_parameter(parameter + 4, value)?;
            parameter += 4;
        }
        insert.raw_execute()?;
    }
    Ok(())
}
