//! Reads single requests: only the wanted fields, and of text columns only the pages with these requests.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::cache::{CacheError, SegmentId, SegmentInfo, Snapshot, TextColumn};
use crate::log::{Field, Kind};
use crate::query::{RequestRow, Value};

pub(super) struct RowReader<'a> {
    snapshot: &'a Snapshot<'a>,
    fields: &'a [Field],
    /// The text columns that were opened, by segment.
    texts: HashMap<(SegmentId, Field), TextColumn>,
    values: Values<'a>,
}

/// The values of dimensions that were looked up: most dimensions have few.
struct Values<'a> {
    snapshot: &'a Snapshot<'a>,
    known: HashMap<(Field, u32), Value>,
}

impl Values<'_> {
    fn get(&mut self, field: Field, id: u32) -> Result<Value, CacheError> {
        Ok(match self.known.entry((field, id)) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(entry) => {
                let value = self.snapshot.value(field, id)?;
                entry.insert(Value::of_field(field, value.as_deref())).clone()
            }
        })
    }
}

impl<'a> RowReader<'a> {
    /// A reader of some fields, or of all if `fields` is empty.
    pub(super) fn new(snapshot: &'a Snapshot<'a>, fields: &'a [Field]) -> RowReader<'a> {
        let values = Values { snapshot, known: HashMap::new() };
        RowReader { snapshot, fields, texts: HashMap::new(), values }
    }

    /// Reads a request. Fields that are not wanted are absent.
    pub(super) fn read(&mut self, segment: &SegmentInfo, row: usize) -> Result<RequestRow, CacheError> {
        let snapshot = self.snapshot;
        let time = snapshot.int_column(segment, Field::Time)?.time(row);
        let mut fields = Vec::with_capacity(Field::COUNT);
        for field in Field::all() {
            let is_wanted = self.fields.is_empty() || self.fields.contains(&field);
            fields.push(match field.kind() {
                Kind::Time => Value::Integer(time),
                _ if !is_wanted => Value::Absent,
                Kind::Dimension => self.values.get(field, snapshot.int_column(segment, field)?.id(row))?,
                Kind::Measure => {
                    let number = snapshot.int_column(segment, field)?.number(row);
                    number.map_or(Value::Absent, |number| Value::Integer(number as i64))
                }
                Kind::Detail => self.text(segment, row, field)?,
            });
        }
        let number = snapshot.row_number(segment, row);
        Ok(RequestRow { id: (segment.source.get() as u32, number), time, fields })
    }

    fn text(&mut self, segment: &SegmentInfo, row: usize, field: Field) -> Result<Value, CacheError> {
        let column = match self.texts.entry((segment.id, field)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(entry) => entry.insert(self.snapshot.text_column(segment, field)?),
        };
        let values = &mut self.values;
        let text = column.get_with(self.snapshot, row, |field, id| {
            Ok(match values.get(field, id)? {
                Value::Text(text) => Some(text),
                _ => None,
            })
        })?;
        Ok(text.map_or(Value::Absent, |text| Value::Text(text.as_ref().into())))
    }
}
