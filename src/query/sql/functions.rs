//! SQL functions that SQLite lacks.

use std::borrow::Cow;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use crate::query::Dimension;

/// Registers the functions with a connection.
pub(super) fn register(connection: &Connection) -> Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(c"query_param", 2, flags, query_param)
}

/// `query_param(request_uri, 'x-user')`: the value of the dimension `query_param:x-user`.
fn query_param(context: &mut Context<'_>) -> Result<ToSqlOutput<'static>> {
    let uri = match context.get_raw(0) {
        ValueRef::Text(uri) | ValueRef::Blob(uri) => uri,
        _ => return Ok(ToSqlOutput::Owned(Value::Null)),
    };
    let name = match context.get_raw(1) {
        ValueRef::Null => return Ok(ToSqlOutput::Owned(Value::Null)),
        ValueRef::Text(name) if !name.is_empty() => std::str::from_utf8(name).ok(),
        _ => None,
    };
    let Some(name) = name else {
        let expected =
            "query_param expects the name of a parameter, as in query_param(request_uri, 'x-user')";
        return Err(Error::UserFunctionError(expected.into()));
    };
    let dimension = Dimension::QueryParam { name: name.to_owned() };
    Ok(ToSqlOutput::Owned(match dimension.derive(Some(uri)).map(Cow::into_owned).map(String::from_utf8) {
        None => Value::Null,
        Some(Ok(text)) => Value::Text(text),
        // As in the columns: bytes that are not UTF-8 are a BLOB.
        Some(Err(other)) => Value::Blob(other.into_bytes()),
    }))
}
