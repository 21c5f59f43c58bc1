//! The virtual table `requests`: what SQLite calls, handed on to `rows` and `condition`.
//!
//! The only unsafe code of the project. SQLite calls a virtual table through structures of C, so rusqlite
//! asks whoever implements one to promise their layout: `#[repr(C)]`, SQLite's own structure first. That
//! is kept by the two structures below; nothing in here touches a pointer.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_int};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::vtab::{
    Context, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConnection, VTabCursor, sqlite3_vtab,
    sqlite3_vtab_cursor,
};
use rusqlite::{Connection, Error, Result};

use super::condition::{self, Compared, SOURCE, TIME_UNIX};
use super::rows::{Rows, Shared, time_text};
use crate::log::{FIELDS, Field, ValueType};
use crate::query::{Filter, Value};

/// Makes the table known to a connection.
pub fn register(connection: &Connection, shared: Shared) -> Result<()> {
    const MODULE: Module<'_, Table> = Module::eponymous_only_module();
    connection.create_module(c"requests", &MODULE, Some(shared))
}

#[repr(C)]
struct Table {
    base: sqlite3_vtab,
    shared: Shared,
}

#[repr(C)]
struct Cursor {
    base: sqlite3_vtab_cursor,
    rows: RefCell<Rows>,
}

/// What stands in for the statement that would make the table.
fn declaration() -> Result<CString> {
    let mut columns: Vec<String> = FIELDS
        .iter()
        .map(|spec| {
            let kind = if spec.value == ValueType::Integer { "INTEGER" } else { "TEXT" };
            format!("\"{}\" {kind}", spec.name)
        })
        .collect();
    columns.push("time_unix INTEGER HIDDEN".to_owned());
    columns.push("source TEXT HIDDEN".to_owned());
    Ok(CString::new(format!("CREATE TABLE requests ({})", columns.join(", ")))?)
}

// SAFETY: `#[repr(C)]` with `sqlite3_vtab` first.
unsafe impl<'vtab> VTab<'vtab> for Table {
    type Aux = Shared;
    type Cursor = Cursor;

    fn connect(
        _: &mut VTabConnection,
        shared: Option<&Shared>,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Table)> {
        let shared = shared.ok_or_else(|| Error::ModuleError("no cache".to_owned()))?.clone();
        Ok((Cow::Owned(declaration()?), Table { base: sqlite3_vtab::default(), shared }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        let found: Vec<(usize, usize, Compared)> = info
            .constraints()
            .enumerate()
            .filter(|(_, constraint)| constraint.is_usable())
            .filter_map(|(index, constraint)| {
                let column = usize::try_from(constraint.column()).ok()?;
                Some((index, column, compared(&constraint.operator())?))
            })
            .collect();
        let mut plan = String::new();
        let mut argument = 0;
        let mut rows = self.shared.rows() as f64 + 1.0;
        for (index, column, mut compared) in found {
            if info.collation(index)? != "BINARY" {
                continue;
            }
            if compared == Compared::Equal && info.is_in_constraint(index)? {
                compared = Compared::In;
            }
            if !condition::is_useful(column, compared) {
                continue;
            }
            if compared == Compared::In {
                info.set_in_constraint(index, true)?;
            }
            argument += 1;
            info.constraint_usage(index).set_argv_index(argument);
            plan.push_str(&format!("{column}{} ", compared.letter()));
            rows /= match compared {
                Compared::Equal => 100.0,
                Compared::In => 20.0,
                _ => 3.0,
            };
        }
        info.set_idx_str(&plan);
        info.set_estimated_cost(rows.max(1.0) * 10.0);
        info.set_estimated_rows(rows.max(1.0) as i64);
        Ok(true)
    }

    fn open(&'vtab mut self) -> Result<Cursor> {
        let rows = RefCell::new(Rows::new(self.shared.clone()));
        Ok(Cursor { base: sqlite3_vtab_cursor::default(), rows })
    }
}

fn compared(operator: &IndexConstraintOp) -> Option<Compared> {
    Some(match operator {
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ => Compared::Equal,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LT => Compared::Less,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LE => Compared::LessOrEqual,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_GT => Compared::Greater,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_GE => Compared::GreaterOrEqual,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_ISNULL => Compared::Null,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_ISNOTNULL => Compared::NotNull,
        _ => return None,
    })
}

/// The filters of a plan with its values.
fn filters(plan: &str, values: &Filters<'_>) -> Result<Vec<Filter>> {
    let mut filters = Vec::new();
    for (index, step) in plan.split_whitespace().enumerate() {
        let (column, letter) = step.split_at(step.len() - 1);
        let (Ok(column), Some(compared)) =
            (column.parse(), letter.chars().next().and_then(Compared::of_letter))
        else {
            continue;
        };
        if compared == Compared::In {
            let mut list = values.in_values(index)?;
            let mut any = Some(Vec::new());
            while let Some(value) = list.next()? {
                // NULL is equal to nothing.
                if value != ValueRef::Null {
                    let one = condition::filter(column, compared, value);
                    any = any.zip(one).map(|(mut any, one)| {
                        any.push(one);
                        any
                    });
                }
            }
            filters.extend(any.map(Filter::any));
        } else {
            let value = values.iter().nth(index).unwrap_or(ValueRef::Null);
            filters.extend(condition::filter(column, compared, value));
        }
    }
    Ok(filters)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::ModuleError(error.to_string())
}

// SAFETY: `#[repr(C)]` with `sqlite3_vtab_cursor` first.
unsafe impl VTabCursor for Cursor {
    fn filter(&mut self, _: c_int, plan: Option<&str>, values: &Filters<'_>) -> Result<()> {
        let filters = filters(plan.unwrap_or_default(), values)?;
        self.rows.get_mut().begin(filters).map_err(failed)
    }

    fn next(&mut self) -> Result<()> {
        self.rows.get_mut().advance().map_err(failed)
    }

    fn eof(&self) -> bool {
        self.rows.borrow().is_done()
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        let mut rows = self.rows.borrow_mut();
        let column = column as usize;
        if column == SOURCE {
            return context.set_result(rows.source());
        }
        let field = if column == TIME_UNIX { Some(Field::Time) } else { condition::field(column) };
        let Some(field) = field else { return Err(failed("no such column")) };
        match rows.field(field).map_err(failed)? {
            Value::Integer(second) if field == Field::Time && column != TIME_UNIX => {
                context.set_result(time_text(second))
            }
            Value::Integer(number) => context.set_result(number),
            Value::Text(text) => context.set_result(match std::str::from_utf8(&text) {
                Ok(text) => ToSqlOutput::from(text),
                Err(_) => ToSqlOutput::Borrowed(ValueRef::Blob(&text)),
            }),
            Value::Absent => context.set_result(rusqlite::types::Null),
        }
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.rows.borrow().id())
    }
}
