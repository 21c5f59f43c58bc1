//! The values of a dimension as the writer reads them from the file, and adds to them.

use std::sync::LazyLock;

use rusqlite::{Connection, Transaction};

use super::hash;
use super::published::Values;
use crate::cache::column::Damage;
use crate::cache::column::checksum;
use crate::cache::error::StoreError;
use crate::log::Field;

/// Reads the values of a dimension.
pub(in crate::cache) fn load(
    connection: &Connection,
    field: Field,
    values: &mut Values,
) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare("SELECT id, value, crc FROM dictionary WHERE dimension = ?1 ORDER BY id")?;
    let mut rows = statement.query([field as i64])?;
    while let Some(row) = rows.next()? {
        let value = row.get_ref(1)?.as_bytes().unwrap_or_default();
        let id = i64::from(values.intern(value, hash(value)));
        if id != row.get::<_, i64>(0)? {
            return Err(Damage("ids that are not dense, or a value twice").into());
        }
        checksum::is_same(row.get(2)?, checksum::of_value(field as i64, id, value))?;
        values.settle_if_heavy();
    }
    Ok(())
}

/// Values that one statement inserts: to run it for each takes as long again as what it does.
const INSERTED_TOGETHER: usize = 32;

/// Bytes of values that one statement inserts at most, or a single value: SQLite copies what is bound to a statement.
const INSERTED_BYTES: usize = 1 << 20;

/// Writes the values of a dimension from an index on, within a transaction: what fails is undone with it. (Told to
/// undo by itself what a statement has done, SQLite would copy every page before it changes it.)
pub(in crate::cache) fn insert(
    transaction: &Transaction<'_>,
    field: Field,
    values: &Values,
    from: usize,
) -> rusqlite::Result<()> {
    static ROWS: LazyLock<[String; 2]> = LazyLock::new(|| {
        [1, INSERTED_TOGETHER].map(|rows| {
            let rows = vec!["(?, ?, ?, ?)"; rows].join(", ");
            format!("INSERT OR FAIL INTO dictionary (dimension, id, crc, value) VALUES {rows}")
        })
    });
    let dimension = field as i64;
    let mut next = from as i64 + 1;
    let last = values.len() as i64;
    while next <= last {
        let value = |id: i64| values.get(id as u32).unwrap_or_default();
        let ids = next..next + INSERTED_TOGETHER as i64;
        let are_short =
            ids.end <= last + 1 && ids.clone().map(|id| value(id).len()).sum::<usize>() <= INSERTED_BYTES;
        let (statement, ids) = if are_short { (&ROWS[1], ids) } else { (&ROWS[0], next..next + 1) };
        next = ids.end;
        let mut insert = transaction.prepare_cached(statement)?;
        let mut place = 0;
        for id in ids {
            let value = value(id);
            insert.raw_bind_parameter(place + 1, dimension)?;
            insert.raw_bind_parameter(place + 2, id)?;
            insert.raw_bind_parameter(place + 3, checksum::of_value(dimension, id, value))?;
            insert.raw_bind_parameter(place + 4, value)?;
            place += 4;
        }
        insert.raw_execute()?;
    }
    Ok(())
}
