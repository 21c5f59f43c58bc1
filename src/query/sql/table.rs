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
use super::ordered::{self, Ordered};
use super::plan::{First, Plan};
use super::rows::{Rows, Shared, time_text};
use crate::log::{FIELDS, Field, Kind, ValueType};
use crate::query::{Filter, Sort, Value};

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
    shared: Shared,
    walk: RefCell<Walk>,
}

/// The two ways over the rows.
enum Walk {
    AsStored(Box<Rows>),
    Ordered(Box<Ordered>),
}

/// So many rows are picked, and then read each by itself; more are read as they are stored, and sorted by
/// SQLite.
const MOST: usize = 50_000;
/// The same if text is read of them: a page has to be unpacked for nearly every row then.
const MOST_WITH_TEXT: usize = 2_000;
/// So many are picked, those included that OFFSET passes over: a place takes 24 bytes.
const MOST_PASSED_OVER: usize = 2_000_000;

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
        let found: Vec<(usize, usize, IndexConstraintOp)> = info
            .constraints()
            .enumerate()
            .filter(|(_, constraint)| constraint.is_usable())
            .map(|(index, constraint)| {
                // -1, the number of the row, is no column of ours.
                (index, usize::try_from(constraint.column()).unwrap_or(usize::MAX), constraint.operator())
            })
            .collect();
        let mut plan = Plan::default();
        // Whether the rows that SQLite is given are those that it wants, and no others.
        let mut is_all = found.len() == info.constraints().count();
        let (mut limit, mut offset) = (None, None);
        let mut rows = self.shared.rows() as f64 + 1.0;
        for (index, column, operator) in &found {
            match operator {
                IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LIMIT => limit = Some(*index),
                IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_OFFSET => offset = Some(*index),
                operator => match self.condition(info, *index, *column, operator)? {
                    Some(compared) => {
                        plan.conditions.push((*column, compared));
                        info.constraint_usage(*index).set_argv_index(plan.conditions.len() as c_int);
                        rows /= match compared {
                            Compared::Equal => 100.0,
                            Compared::In => 20.0,
                            _ => 3.0,
                        };
                    }
                    None => is_all = false,
                },
            }
        }
        let mut cost = rows.max(1.0) * 10.0;
        if is_all
            && let Some(limit) = limit
            && let Some((first, keep)) = self.first(info, limit, offset, !plan.conditions.is_empty())?
        {
            // SQLite is told how many are asked for, and counts them itself all the same: if the values of
            // conditions turn out to be such that it must look at each row again, it finds them all.
            let behind = plan.conditions.len() as c_int;
            info.constraint_usage(limit).set_argv_index(behind + 1);
            if let Some(offset) = offset {
                info.constraint_usage(offset).set_argv_index(behind + 2);
            }
            info.set_order_by_consumed(true);
            plan.first = Some(first);
            cost /= 10.0;
            rows = rows.min(keep as f64);
        }
        info.set_idx_str(&plan.to_string());
        info.set_estimated_cost(cost);
        info.set_estimated_rows(rows.max(1.0) as i64);
        Ok(true)
    }

    fn open(&'vtab mut self) -> Result<Cursor> {
        let walk = RefCell::new(Walk::AsStored(Box::new(Rows::new(self.shared.clone()))));
        Ok(Cursor { base: sqlite3_vtab_cursor::default(), shared: self.shared.clone(), walk })
    }
}

impl Table {
    /// How a column is compared, if that is worth a plan.
    fn condition(
        &self,
        info: &mut IndexInfo,
        index: usize,
        column: usize,
        operator: &IndexConstraintOp,
    ) -> Result<Option<Compared>> {
        let Some(mut compared) = compared(operator) else { return Ok(None) };
        if info.collation(index)? != "BINARY" {
            return Ok(None);
        }
        if compared == Compared::Equal && info.is_in_constraint(index)? {
            compared = Compared::In;
        }
        if !condition::is_useful(column, compared) {
            return Ok(None);
        }
        if compared == Compared::In {
            info.set_in_constraint(index, true)?;
        }
        Ok(Some(compared))
    }

    /// The order that the rows are wanted in, and how many at the most, if the engine is to pick them.
    fn first(
        &self,
        info: &IndexInfo,
        limit: usize,
        offset: Option<usize>,
        has_conditions: bool,
    ) -> Result<Option<(First, usize)>> {
        let mut orders = info.order_bys();
        let (Some(order), None) = (orders.next(), orders.next()) else { return Ok(None) };
        let Ok(column) = usize::try_from(order.column()) else { return Ok(None) };
        // Numbers that are not in the statement itself are not known yet.
        let Some(limit) = number(info.rhs_value(limit)?) else { return Ok(None) };
        let passed_over = match offset {
            Some(offset) => number(info.rhs_value(offset)?),
            None => Some(0),
        };
        let Some(keep) = passed_over.and_then(|passed_over| limit.checked_add(passed_over)) else {
            return Ok(None);
        };
        let columns = info.col_used();
        let has_text = Field::of_kind(Kind::Detail).any(|field| columns >> (field as usize) & 1 != 0);
        // What is passed over is not read, unless conditions are asked of it.
        let read = if has_conditions { keep } else { limit };
        if read > if has_text { MOST_WITH_TEXT } else { MOST } || keep > MOST_PASSED_OVER {
            return Ok(None);
        }
        let Some(by) = ordered::sorted_by(&self.shared, column) else { return Ok(None) };
        let sort = Sort { by, descending: order.is_order_by_desc() };
        Ok(Some((First { sort, has_offset: offset.is_some(), columns }, keep)))
    }
}

/// The number of rows that a LIMIT or OFFSET says.
fn number(value: Option<ValueRef<'_>>) -> Option<usize> {
    match value {
        Some(ValueRef::Integer(number)) => usize::try_from(number).ok(),
        _ => None,
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

/// The filters of a plan with its values, and whether they say all that its conditions do.
fn filters(shared: &Shared, plan: &Plan, values: &Filters<'_>) -> Result<(Vec<Filter>, bool)> {
    let mut filters = Vec::new();
    let mut is_all = true;
    for (index, &(column, compared)) in plan.conditions.iter().enumerate() {
        let is_plain = condition::field(column).is_none_or(|field| match compared {
            Compared::Null | Compared::NotNull => true,
            _ if field.spec().value == ValueType::Integer || field == Field::Time => shared.is_plain(field),
            _ => true,
        });
        let filter = if !is_plain {
            None
        } else if compared == Compared::In {
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
            any.map(Filter::any)
        } else {
            let value = values.iter().nth(index).unwrap_or(ValueRef::Null);
            condition::filter(column, compared, value)
        };
        is_all &= filter.is_some();
        filters.extend(filter);
    }
    Ok((filters, is_all))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::ModuleError(error.to_string())
}

// SAFETY: `#[repr(C)]` with `sqlite3_vtab_cursor` first.
unsafe impl VTabCursor for Cursor {
    fn filter(&mut self, _: c_int, plan: Option<&str>, values: &Filters<'_>) -> Result<()> {
        let plan = Plan::of_text(plan.unwrap_or_default()).ok_or_else(|| failed("no such plan"))?;
        let (filters, is_all) = filters(&self.shared, &plan, values)?;
        *self.walk.get_mut() = match &plan.first {
            None => {
                let mut rows = Rows::new(self.shared.clone());
                rows.begin(filters).map_err(failed)?;
                Walk::AsStored(Box::new(rows))
            }
            Some(first) => {
                let argument = |behind: usize| number(values.iter().nth(plan.conditions.len() + behind));
                let passed_over = if first.has_offset { argument(1) } else { Some(0) };
                let wanted = argument(0).zip(passed_over);
                let keep = wanted
                    .filter(|_| is_all)
                    .map_or(usize::MAX, |(limit, passed_over)| limit.saturating_add(passed_over));
                let ordered = Ordered::new(self.shared.clone(), first, filters, keep).map_err(failed)?;
                Walk::Ordered(Box::new(ordered))
            }
        };
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        match self.walk.get_mut() {
            Walk::AsStored(rows) => rows.advance().map_err(failed)?,
            Walk::Ordered(ordered) => ordered.advance(),
        }
        Ok(())
    }

    fn eof(&self) -> bool {
        match &*self.walk.borrow() {
            Walk::AsStored(rows) => rows.is_done(),
            Walk::Ordered(ordered) => ordered.is_done(),
        }
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        let mut walk = self.walk.borrow_mut();
        let column = column as usize;
        if column == SOURCE {
            return context.set_result(match &*walk {
                Walk::AsStored(rows) => rows.source(),
                Walk::Ordered(ordered) => ordered.source(),
            });
        }
        let field = if column == TIME_UNIX { Some(Field::Time) } else { condition::field(column) };
        let Some(field) = field else { return Err(failed("no such column")) };
        let value = match &mut *walk {
            Walk::AsStored(rows) => rows.field(field).map_err(failed)?,
            Walk::Ordered(ordered) => ordered.field(field).map_err(failed)?,
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
        Ok(match &*self.walk.borrow() {
            Walk::AsStored(rows) => rows.id(),
            Walk::Ordered(ordered) => ordered.id(),
        })
    }
}
