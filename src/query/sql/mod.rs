//! SQL over the cache. SQLite runs a statement over a virtual table `requests`, which reads the columns of the cache.
//!
//! `requests` has a column for each field under its canonical name. `time` is text (`2026-04-01T12:30:00Z`), which
//! sorts as time does and which SQLite's date functions accept. One more column is not part of `SELECT *`:
//! `time_unix`, seconds since the epoch. Absent values are NULL; text that is not UTF-8 is a BLOB.
//! The connection is an in-memory database that allows SELECT only, so nothing can be written.
//!
//! | file | contains |
//! |---|---|
//! | `table` | the virtual table, as SQLite calls it |
//! | `plan`, `condition` | which conditions and orders of a statement the engine evaluates instead of SQLite |
//! | `stored_rows` | rows in stored order: only the columns that the statement uses are read |
//! | `top_rows` | the first rows of an order, selected by the engine |
//! | `context` | what the scans of one statement share: a snapshot of the cache, the query |
//! | `functions` | SQL functions that SQLite lacks |
//!
//! Never here: how columns are stored (`cache`), output.

mod condition;
mod context;
mod functions;
mod plan;
mod stored_rows;
mod table;
mod top_rows;

use std::sync::Arc;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle};

use super::{LocalEngine, Query, QueryError};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The statement is invalid or not allowed.
    #[error("{0}")]
    Statement(String),
    /// The statement failed while it ran.
    #[error("{0}")]
    Failed(String),
    /// The cache could not be read.
    #[error(transparent)]
    Cache(#[from] QueryError),
}

/// A value of a result row.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text or a BLOB.
    Bytes(Vec<u8>),
}

/// A connection whose only table is `requests`, over one snapshot of the cache.
pub struct Sql {
    connection: Connection,
}

impl Sql {
    /// Opens a connection. `requests` has the requests that pass the sources, the time range, the filter and the
    /// counting of `query`.
    pub fn new(engine: &Arc<LocalEngine>, query: Query) -> Result<Sql, SqlError> {
        let context = context::SqlContext::new(engine.snapshot()?, query);
        let mut connection = Connection::open_in_memory().map_err(failed)?;
        table::register(&connection, context).map_err(failed)?;
        functions::register(&connection).map_err(failed)?;
        // SQLite declares the table when a statement first names it, which the authorizer would forbid.
        connection.prepare("SELECT 1 FROM requests").map_err(failed)?;
        connection.authorizer(Some(authorize)).map_err(failed)?;
        Ok(Sql { connection })
    }

    /// A handle to interrupt a running statement from another thread.
    pub fn interrupt_handle(&self) -> SqlInterrupt {
        SqlInterrupt(self.connection.get_interrupt_handle())
    }

    /// Runs one SELECT statement. Calls `on_names` with the names of the columns, then `on_row` with each row until
    /// it returns `false`.
    pub fn run(
        &self,
        statement: &str,
        on_names: &mut dyn FnMut(Vec<String>),
        on_row: &mut dyn FnMut(Vec<SqlValue>) -> bool,
    ) -> Result<(), SqlError> {
        let mut prepared = self.connection.prepare(statement).map_err(rejected)?;
        if prepared.column_count() == 0 || !prepared.readonly() {
            return Err(SqlError::Statement("only SELECT is supported".to_owned()));
        }
        if prepared.parameter_count() > 0 {
            let message = "parameters are not supported: write the values into the statement";
            return Err(SqlError::Statement(message.to_owned()));
        }
        let count = prepared.column_count();
        on_names(prepared.column_names().map(str::to_owned).collect());
        let mut rows = prepared.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let values = (0..count)
                .map(|index| {
                    Ok(match row.get_ref(index)? {
                        ValueRef::Null => SqlValue::Null,
                        ValueRef::Integer(number) => SqlValue::Integer(number),
                        ValueRef::Real(number) => SqlValue::Real(number),
                        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => SqlValue::Bytes(bytes.to_vec()),
                    })
                })
                .collect::<rusqlite::Result<Vec<SqlValue>>>()
                .map_err(failed)?;
            if !on_row(values) {
                break;
            }
        }
        Ok(())
    }
}

/// Interrupts the statement that runs on a connection: [`Sql::run`] returns an error.
pub struct SqlInterrupt(InterruptHandle);

impl SqlInterrupt {
    /// Requests the interrupt and returns at once.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

/// Allows reading only: no PRAGMA, no ATTACH, no other tables.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if !function_name.eq_ignore_ascii_case("load_extension") => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

fn not_allowed() -> SqlError {
    SqlError::Statement("only SELECT on the table requests is supported".to_owned())
}

/// The error for a statement that SQLite cannot prepare.
fn rejected(error: rusqlite::Error) -> SqlError {
    if error.sqlite_error_code() == Some(ErrorCode::AuthorizationForStatementDenied) {
        return not_allowed();
    }
    SqlError::Statement(match error {
        rusqlite::Error::SqlInputError { msg, offset, sql, .. } if offset >= 0 => {
            let before = sql.get(..offset as usize).unwrap_or_default();
            format!("column {}: {msg}", before.chars().count() + 1)
        }
        rusqlite::Error::MultipleStatement => "only one statement is supported".to_owned(),
        other => message(other),
    })
}

/// The error for a statement that fails while it runs.
fn failed(error: rusqlite::Error) -> SqlError {
    match message(error) {
        // Table-valued functions of PRAGMAs prepare statements while they run.
        message if message == "not authorized" => not_allowed(),
        message => SqlError::Failed(message),
    }
}

fn message(error: rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        other => other.to_string(),
    }
}
