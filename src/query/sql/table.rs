//! The virtual table `requests`: the callbacks of SQLite.
//!
//! This is the only unsafe code of the project. SQLite accesses a virtual table through C structures, so rusqlite
//! requires that implementations guarantee their layout: `#[repr(C)]`, with SQLite's own structure first. The two
//! structures below do so. No code in this file uses a pointer.
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

use super::condition::{self, Comparison, TIME_UNIX};
use super::context::{SqlContext, time_text};
use super::plan::{Plan, TopPlan};
use super::stored_rows::StoredRows;
use super::top_rows::{self, TopRows};
use crate::log::{FIELDS, Field, Kind, ValueType};
use crate::query::{Filter, Sort, Value};

pub(super) fn register(connection: &Connection, context: SqlContext) -> Result<()> {
    const MODULE: Module<'_, Table> = Module::eponymous_only_module();
    connection.create_module(c"requests", &MODULE, Some(context))
}

#[repr(C)]
struct Table {
    base: sqlite3_vtab,
    context: SqlContext,
}

#[repr(C)]
struct Cursor {
    base: sqlite3_vtab_cursor,
    context: SqlContext,
    scan: RefCell<Scan>,
}

/// A scan in stored order, or over the first rows of an order.
enum Scan {
    Stored(Box<StoredRows>),
    Top(Box<TopRows>),
}

/// Largest number of rows that the engine selects and reads one by one. More rows are faster in stored order, sorted by
/// SQLite.
const MAX_TOP_ROWS: usize = 50_000;
/// Largest number of such rows if the statement uses a text column: nearly every row needs a page to be decompressed.
const MAX_TOP_ROWS_WITH_TEXT: usize = 2_000;
/// Largest number of rows that the engine selects, including those that OFFSET skips: a location takes 24 bytes.
const MAX_SELECTED_ROWS: usize = 2_000_000;

/// The CREATE TABLE statement that declares the columns to SQLite.
fn declaration() -> Result<CString> {
    let mut columns: Vec<String> = FIELDS
        .iter()
        .map(|spec| {
            let kind = if spec.value == ValueType::Integer { "INTEGER" } else { "TEXT" };
            format!("\"{}\" {kind}", spec.name)
        })
        .collect();
    columns.push("time_unix INTEGER HIDDEN".to_owned());
    Ok(CString::new(format!("CREATE TABLE requests ({})", columns.join(", ")))?)
}

// SAFETY: `#[repr(C)]` with `sqlite3_vtab` first.
unsafe impl<'vtab> VTab<'vtab> for Table {
    type Aux = SqlContext;
    type Cursor = Cursor;

    fn connect(
        _: &mut VTabConnection,
        context: Option<&SqlContext>,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Table)> {
        let context = context.ok_or_else(|| Error::ModuleError("no cache".to_owned()))?.clone();
        Ok((Cow::Owned(declaration()?), Table { base: sqlite3_vtab::default(), context }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        let found: Vec<(usize, usize, IndexConstraintOp)> = info
            .constraints()
            .enumerate()
            .filter(|(_, constraint)| constraint.is_usable())
            .map(|(index, constraint)| {
                // -1, the rowid, is not one of the columns.
                (index, usize::try_from(constraint.column()).unwrap_or(usize::MAX), constraint.operator())
            })
            .collect();
        let mut plan = Plan::default();
        // Whether the engine evaluates all conditions, so that SQLite rejects none of the returned rows.
        let mut is_exact = found.len() == info.constraints().count();
        let (mut limit, mut offset) = (None, None);
        let mut rows = self.context.row_count() as f64 + 1.0;
        for (index, column, operator) in &found {
            match operator {
                IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LIMIT => limit = Some(*index),
                IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_OFFSET => offset = Some(*index),
                operator => match self.condition(info, *index, *column, operator)? {
                    Some(comparison) => {
                        plan.conditions.push((*column, comparison));
                        info.constraint_usage(*index).set_argv_index(plan.conditions.len() as c_int);
                        rows /= match comparison {
                            Comparison::Equal => 100.0,
                            Comparison::In => 20.0,
                            _ => 3.0,
                        };
                    }
                    None => is_exact = false,
                },
            }
        }
        let mut cost = rows.max(1.0) * 10.0;
        if is_exact
            && let Some(limit) = limit
            && let Some((top, keep)) = self.top_plan(info, limit, offset, !plan.conditions.is_empty())?
        {
            // SQLite passes LIMIT and OFFSET as arguments and applies them itself, too. If a value of a condition has
            // no filter, SQLite evaluates the condition, and the scan returns all rows.
            let arguments = plan.conditions.len() as c_int;
            info.constraint_usage(limit).set_argv_index(arguments + 1);
            if let Some(offset) = offset {
                info.constraint_usage(offset).set_argv_index(arguments + 2);
            }
            info.set_order_by_consumed(true);
            plan.top = Some(top);
            cost /= 10.0;
            rows = rows.min(keep as f64);
        }
        info.set_idx_str(&plan.to_string());
        info.set_estimated_cost(cost);
        info.set_estimated_rows(rows.max(1.0) as i64);
        Ok(true)
    }

    fn open(&'vtab mut self) -> Result<Cursor> {
        let scan = RefCell::new(Scan::Stored(Box::new(StoredRows::new(self.context.clone()))));
        Ok(Cursor { base: sqlite3_vtab_cursor::default(), context: self.context.clone(), scan })
    }
}

impl Table {
    /// The comparison of a column, if the engine should evaluate it.
    fn condition(
        &self,
        info: &mut IndexInfo,
        index: usize,
        column: usize,
        operator: &IndexConstraintOp,
    ) -> Result<Option<Comparison>> {
        let Some(mut comparison) = comparison(operator) else { return Ok(None) };
        if info.collation(index)? != "BINARY" {
            return Ok(None);
        }
        if comparison == Comparison::Equal && info.is_in_constraint(index)? {
            comparison = Comparison::In;
        }
        if !condition::is_useful(column, comparison) {
            return Ok(None);
        }
        if comparison == Comparison::In {
            info.set_in_constraint(index, true)?;
        }
        Ok(Some(comparison))
    }

    /// The plan for the first rows of an order, and their number, if the engine should select them.
    fn top_plan(
        &self,
        info: &IndexInfo,
        limit: usize,
        offset: Option<usize>,
        has_conditions: bool,
    ) -> Result<Option<(TopPlan, usize)>> {
        let mut orders = info.order_bys();
        let (Some(order), None) = (orders.next(), orders.next()) else { return Ok(None) };
        let Ok(column) = usize::try_from(order.column()) else { return Ok(None) };
        // SQLite knows the values of constants only.
        let Some(limit) = row_count(info.rhs_value(limit)?) else { return Ok(None) };
        let skipped = match offset {
            Some(offset) => row_count(info.rhs_value(offset)?),
            None => Some(0),
        };
        let Some(keep) = skipped.and_then(|skipped| limit.checked_add(skipped)) else { return Ok(None) };
        let columns = info.col_used();
        let has_text = Field::of_kind(Kind::Detail).any(|field| columns >> (field as usize) & 1 != 0);
        // Skipped rows are not read, except to evaluate conditions.
        let read = if has_conditions { keep } else { limit };
        if read > if has_text { MAX_TOP_ROWS_WITH_TEXT } else { MAX_TOP_ROWS } || keep > MAX_SELECTED_ROWS {
            return Ok(None);
        }
        let Some(by) = top_rows::sort_field(&self.context, column) else { return Ok(None) };
        let sort = Sort { by, descending: order.is_order_by_desc() };
        Ok(Some((TopPlan { sort, has_offset: offset.is_some(), columns }, keep)))
    }
}

/// The number of rows of a LIMIT or OFFSET; `None` if it is unknown or negative.
fn row_count(value: Option<ValueRef<'_>>) -> Option<usize> {
    match value {
        Some(ValueRef::Integer(number)) => usize::try_from(number).ok(),
        _ => None,
    }
}

fn comparison(operator: &IndexConstraintOp) -> Option<Comparison> {
    Some(match operator {
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ => Comparison::Equal,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LT => Comparison::Less,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LE => Comparison::LessOrEqual,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_GT => Comparison::Greater,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_GE => Comparison::GreaterOrEqual,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_ISNULL => Comparison::Null,
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_ISNOTNULL => Comparison::NotNull,
        _ => return None,
    })
}

/// The filters for the conditions of a plan with the values of its arguments. The second value is `false` if a condition
/// has no filter.
fn filters(context: &SqlContext, plan: &Plan, values: &Filters<'_>) -> Result<(Vec<Filter>, bool)> {
    let mut filters = Vec::new();
    let mut is_exact = true;
    for (index, &(column, comparison)) in plan.conditions.iter().enumerate() {
        let is_plain = condition::field(column).is_none_or(|field| match comparison {
            Comparison::Null | Comparison::NotNull => true,
            _ if field.spec().value == ValueType::Integer || field == Field::Time => {
                context.has_plain_values(field)
            }
            _ => true,
        });
        let filter = if !is_plain {
            None
        } else if comparison == Comparison::In {
            let mut list = values.in_values(index)?;
            let mut any = Some(Vec::new());
            while let Some(value) = list.next()? {
                // No value equals NULL.
                if value != ValueRef::Null {
                    let filter = condition::filter(column, comparison, value);
                    any = any.zip(filter).map(|(mut any, filter)| {
                        any.push(filter);
                        any
                    });
                }
            }
            any.map(Filter::any)
        } else {
            let value = values.iter().nth(index).unwrap_or(ValueRef::Null);
            condition::filter(column, comparison, value)
        };
        is_exact &= filter.is_some();
        filters.extend(filter);
    }
    Ok((filters, is_exact))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::ModuleError(error.to_string())
}

// SAFETY: `#[repr(C)]` with `sqlite3_vtab_cursor` first.
unsafe impl VTabCursor for Cursor {
    fn filter(&mut self, _: c_int, plan: Option<&str>, values: &Filters<'_>) -> Result<()> {
        let plan = Plan::parse(plan.unwrap_or_default()).ok_or_else(|| failed("invalid plan"))?;
        let (filters, is_exact) = filters(&self.context, &plan, values)?;
        *self.scan.get_mut() = match &plan.top {
            None => {
                let mut rows = StoredRows::new(self.context.clone());
                rows.start(filters).map_err(failed)?;
                Scan::Stored(Box::new(rows))
            }
            Some(top) => {
                let argument = |index: usize| row_count(values.iter().nth(plan.conditions.len() + index));
                let skipped = if top.has_offset { argument(1) } else { Some(0) };
                let limit_and_skipped = argument(0).zip(skipped);
                let keep = limit_and_skipped
                    .filter(|_| is_exact)
                    .map_or(usize::MAX, |(limit, skipped)| limit.saturating_add(skipped));
                let rows = TopRows::new(self.context.clone(), top, filters, keep).map_err(failed)?;
                Scan::Top(Box::new(rows))
            }
        };
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        match self.scan.get_mut() {
            Scan::Stored(rows) => rows.advance().map_err(failed)?,
            Scan::Top(rows) => rows.advance(),
        }
        Ok(())
    }

    fn eof(&self) -> bool {
        match &*self.scan.borrow() {
            Scan::Stored(rows) => rows.is_done(),
            Scan::Top(rows) => rows.is_done(),
        }
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        let mut scan = self.scan.borrow_mut();
        let column = column as usize;
        let field = if column == TIME_UNIX { Some(Field::Time) } else { condition::field(column) };
        let Some(field) = field else { return Err(failed("no such column")) };
        let value = match &mut *scan {
            Scan::Stored(rows) => rows.field(field).map_err(failed)?,
            Scan::Top(rows) => rows.field(field).map_err(failed)?,
        };
        match value {
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
        Ok(match &*self.scan.borrow() {
            Scan::Stored(rows) => rows.row_id(),
            Scan::Top(rows) => rows.row_id(),
        })
    }
}
