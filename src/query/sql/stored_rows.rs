//! Rows in stored order. Columns are opened when SQLite first asks for them, and decoded block by block.

use std::sync::Arc;

use super::context::{SqlContext, row_id};
use crate::cache::{BLOCK, CacheError, Dictionary, IntColumn, SegmentInfo, TextColumn, code};
use crate::log::{Field, Kind};
use crate::query::engine::predicate::Predicate;
use crate::query::engine::predicate::mask::Mask;
use crate::query::{Filter, QueryError, Value};

/// A column of the current segment.
enum Column {
    /// Times, value ids or numbers, with the codes of one block.
    Integers {
        column: IntColumn,
        block: usize,
        codes: Box<[u64; BLOCK]>,
    },
    Text(TextColumn),
}

/// A scan over the requests that pass a filter, in stored order.
pub(super) struct StoredRows {
    context: SqlContext,
    predicate: Option<Arc<Predicate>>,
    /// Segments that are not scanned yet, last first.
    remaining: Vec<SegmentInfo>,
    /// The current segment; `None` at the end.
    segment: Option<SegmentInfo>,
    /// The rows of the current segment that pass, a mask per block.
    masks: Vec<Mask>,
    /// The current row of the segment.
    row: usize,
    columns: [Option<Column>; Field::COUNT],
    dictionaries: [Option<Dictionary>; Field::COUNT],
}

impl StoredRows {
    /// A scan without rows, until [`StoredRows::start`].
    pub(super) fn new(context: SqlContext) -> StoredRows {
        StoredRows {
            context,
            predicate: None,
            remaining: Vec::new(),
            segment: None,
            masks: Vec::new(),
            row: 0,
            columns: [const { None }; Field::COUNT],
            dictionaries: [const { None }; Field::COUNT],
        }
    }

    /// Moves to the first request that passes `filters` and the query of the context.
    pub(super) fn start(&mut self, filters: Vec<Filter>) -> Result<(), QueryError> {
        let query = self.context.query(filters);
        self.predicate = Some(Arc::new(self.context.engine().predicate(&query)?));
        self.remaining = self.context.snapshot().segments.iter().rev().copied().collect();
        self.next_segment()
    }

    pub(super) fn is_done(&self) -> bool {
        self.segment.is_none()
    }

    pub(super) fn advance(&mut self) -> Result<(), QueryError> {
        self.row += 1;
        if self.find_in_segment() { Ok(()) } else { self.next_segment() }
    }

    /// Moves to the first row from `self.row` on that passes. Returns whether the segment has one.
    fn find_in_segment(&mut self) -> bool {
        let mut block = self.row / BLOCK;
        let mut from = self.row % BLOCK;
        while let Some(mask) = self.masks.get(block) {
            let rest = mask & (Mask::MAX << from);
            if rest != 0 {
                self.row = block * BLOCK + rest.trailing_zeros() as usize;
                return true;
            }
            block += 1;
            from = 0;
        }
        false
    }

    fn next_segment(&mut self) -> Result<(), QueryError> {
        self.segment = None;
        self.columns = [const { None }; Field::COUNT];
        let context = self.context.clone();
        let snapshot = context.snapshot();
        let Some(predicate) = self.predicate.clone() else { return Ok(()) };
        while let Some(segment) = self.remaining.pop() {
            self.masks = predicate.masks(&segment, snapshot)?;
            self.row = 0;
            if self.find_in_segment() {
                self.segment = Some(segment);
                break;
            }
        }
        Ok(())
    }

    pub(super) fn row_id(&self) -> i64 {
        let snapshot = self.context.snapshot();
        let id = |segment: &SegmentInfo| row_id(segment.source, snapshot.row_number(segment, self.row));
        self.segment.as_ref().map_or(0, id)
    }

    /// The value of a field of the current request; a time is a [`Value::Integer`].
    pub(super) fn field(&mut self, field: Field) -> Result<Value, CacheError> {
        let Some(segment) = self.segment else { return Ok(Value::Absent) };
        if field.kind() == Kind::Detail {
            return self.text(&segment, field);
        }
        let code = self.code(&segment, field)?;
        Ok(match field.kind() {
            Kind::Time => Value::Integer(code::to_time(code)),
            Kind::Dimension => Value::of_field(field, self.dictionary(field)?.get(code as u32)),
            _ => code::to_number(code).map_or(Value::Absent, |number| Value::Integer(number as i64)),
        })
    }

    fn dictionary(&mut self, field: Field) -> Result<&Dictionary, CacheError> {
        let slot = &mut self.dictionaries[field as usize];
        match slot {
            Some(dictionary) => Ok(dictionary),
            None => Ok(slot.insert(self.context.snapshot().dictionary(field)?)),
        }
    }

    /// The code of the current request in an integer column.
    fn code(&mut self, segment: &SegmentInfo, field: Field) -> Result<u64, CacheError> {
        let slot = &mut self.columns[field as usize];
        if slot.is_none() {
            let column = self.context.snapshot().int_column(segment, field)?;
            *slot = Some(Column::Integers { column, block: usize::MAX, codes: Box::new([0; BLOCK]) });
        }
        let Some(Column::Integers { column, block, codes }) = slot else { return Ok(code::ABSENT) };
        if *block != self.row / BLOCK {
            *block = self.row / BLOCK;
            column.codes(*block, codes);
        }
        Ok(codes[self.row % BLOCK])
    }

    fn text(&mut self, segment: &SegmentInfo, field: Field) -> Result<Value, CacheError> {
        let snapshot = self.context.snapshot();
        let slot = &mut self.columns[field as usize];
        if slot.is_none() {
            let column = snapshot.text_column(segment, field)?;
            column.expect_many(snapshot)?;
            *slot = Some(Column::Text(column));
        }
        let Some(Column::Text(column)) = slot else { return Ok(Value::Absent) };
        let text = column.get(snapshot, self.row)?;
        Ok(text.map_or(Value::Absent, |text| Value::Text(text.as_ref().into())))
    }
}
