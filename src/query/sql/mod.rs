//! SQL over the cache: SQLite runs the statement, over a virtual table `requests` that reads the packed
//! columns. Only the columns that a statement names are read, and what it asks of time, dimensions and
//! measures is answered before a row is made (`condition`, through the predicate of the engine). The first
//! rows of an order are picked by the engine (`ordered`), if they are few and nothing else is asked of them:
//! how a statement is gone about is a `plan`. What SQLite lacks is in `functions`.
//!
//! `requests` has a column per field under its canonical name, with `time` as text
//! (`2026-04-01T12:30:00Z`: it sorts and compares as time does, and SQLite's date functions take it).
//! Two more are not in `SELECT *`: `time_unix`, seconds since the epoch, and `source`. What is absent is
//! NULL; text that is not UTF-8 is a BLOB. Nothing can be written: the connection is one in memory, and
//! takes nothing but SELECT.
//!
//! Never here: the columns themselves (`cache`), output.

mod condition;
mod functions;
mod ordered;
mod plan;
mod rows;
mod table;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle};

use super::{LocalEngine, Query, QueryError};

/// Why a statement has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It is no statement, or one that is not allowed; says why.
    #[error("{0}")]
    Statement(String),
    /// It failed on the way.
    #[error("{0}")]
    Failed(String),
    /// The cache could not be read.
    #[error(transparent)]
    Cache(#[from] QueryError),
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text or bytes.
    Bytes(Vec<u8>),
}

/// What a statement needs: a connection that knows nothing but `requests`, on one state of the cache.
pub struct Sql {
    connection: Connection,
}

impl Sql {
    /// Over the requests that pass the sources, time, filter and counting of a question.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn new(engine: &'static LocalEngine, query: Query) -> Result<Sql, SqlError> {
        let shared = rows::Shared::new(engine.snapshot()?, query);
        let mut connection = Connection::open_in_memory().map_err(failed)?;
        table::register(&connection, shared).map_err(failed)?;
        functions::register(&connection).map_err(failed)?;
        // The table is declared when it is first named: before that, declaring is still allowed.
        connection.prepare("SELECT 1 FROM requests").map_err(failed)?;
        connection.authorizer(Some(allowed)).map_err(failed)?;
        Ok(Sql { connection })
    }

    /// What stops a statement, from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.connection.get_interrupt_handle())
    }

    /// Runs one SELECT. `names` is told the names of the columns, then `row` each row, until it says no.
    ///
    /// # Errors
    /// If it is no statement, not allowed, or fails on the way.
    pub fn run(
        &self,
        statement: &str,
        names: &mut dyn FnMut(Vec<String>),
        row: &mut dyn FnMut(Vec<SqlValue>) -> bool,
    ) -> Result<(), SqlError> {
        let mut prepared = self.connection.prepare(statement).map_err(refused)?;
        if prepared.column_count() == 0 || !prepared.readonly() {
            return Err(SqlError::Statement("only SELECT can be asked".to_owned()));
        }
        if prepared.parameter_count() > 0 {
            return Err(SqlError::Statement(
                "the statement has a parameter, and nothing to put there".to_owned(),
            ));
        }
        let count = prepared.column_count();
        names(prepared.column_names().map(str::to_owned).collect());
        let mut rows = prepared.query([]).map_err(failed)?;
        while let Some(found) = rows.next().map_err(failed)? {
            let values = (0..count)
                .map(|index| {
                    Ok(match found.get_ref(index)? {
                        ValueRef::Null => SqlValue::Null,
                        ValueRef::Integer(number) => SqlValue::Integer(number),
                        ValueRef::Real(number) => SqlValue::Real(number),
                        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => SqlValue::Bytes(bytes.to_vec()),
                    })
                })
                .collect::<rusqlite::Result<Vec<SqlValue>>>()
                .map_err(failed)?;
            if !row(values) {
                break;
            }
        }
        Ok(())
    }
}

/// Stops the statement that runs on a connection: it fails then.
pub struct Stopper(InterruptHandle);

impl Stopper {
    /// Stops it. Comes back at once.
    pub fn stop(&self) {
        self.0.interrupt();
    }
}

/// Only what reads: no PRAGMA, no ATTACH, no table of one's own.
fn allowed(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if !function_name.eq_ignore_ascii_case("load_extension") => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

/// What SQLite says of a statement that it does not take.
fn refused(error: rusqlite::Error) -> SqlError {
    if error.sqlite_error_code() == Some(ErrorCode::AuthorizationForStatementDenied) {
        return SqlError::Statement("only SELECT on the table requests can be asked".to_owned());
    }
    SqlError::Statement(match error {
        rusqlite::Error::SqlInputError { msg, offset, sql, .. } if offset >= 0 => {
            let before = sql.get(..offset as usize).unwrap_or_default();
            format!("column {}: {msg}", before.chars().count() + 1)
        }
        rusqlite::Error::MultipleStatement => "one statement at a time".to_owned(),
        other => words(other),
    })
}

fn failed(error: rusqlite::Error) -> SqlError {
    match words(error) {
        // Tables that SQLite makes of its pragmas prepare statements of their own while they run.
        words if words == "not authorized" => {
            SqlError::Statement("only SELECT on the table requests can be asked".to_owned())
        }
        words => SqlError::Failed(words),
    }
}

fn words(error: rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        other => other.to_string(),
    }
}
