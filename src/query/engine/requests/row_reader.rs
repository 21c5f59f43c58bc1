//! Single requests read from their columns: only the fields wanted, and of text only the pages they are in.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::cache::{CacheError, Details, SegmentInfo, Snapshot};
use crate::log::{Field, Kind};
use crate::query::{RequestRow, Value};

/// Reads requests one by one.
pub struct RowReader<'a> {
    snapshot: &'a Snapshot<'a>,
    fields: &'a [Field],
    /// Columns of text met: where their pages are.
    details: HashMap<(i64, Field), Details>,
    /// Values met: most dimensions have few.
    values: HashMap<(Field, u32), Value>,
}

impl<'a> RowReader<'a> {
    /// Of these fields; none: every one.
    pub fn new(snapshot: &'a Snapshot<'a>, fields: &'a [Field]) -> RowReader<'a> {
        RowReader { snapshot, fields, details: HashMap::new(), values: HashMap::new() }
    }

    /// One request; fields that are not wanted are absent.
    pub fn read(&mut self, segment: &SegmentInfo, row: usize) -> Result<RequestRow, CacheError> {
        let snapshot = self.snapshot;
        let time = Snapshot::time_of(snapshot.integers(segment, Field::Time)?.get(row));
        let mut fields = Vec::with_capacity(Field::COUNT);
        for field in Field::all() {
            let is_wanted = self.fields.is_empty() || self.fields.contains(&field);
            fields.push(match field.kind() {
                Kind::Time => Value::Integer(time),
                _ if !is_wanted => Value::Absent,
                Kind::Dimension => {
                    let id = snapshot.integers(segment, field)?.get(row) as u32;
                    self.value(field, id)?
                }
                Kind::Measure => {
                    let stored = snapshot.integers(segment, field)?.get(row);
                    stored.checked_sub(1).map_or(Value::Absent, |number| Value::Integer(number as i64))
                }
                Kind::Detail => self.text(segment, row, field)?,
            });
        }
        Ok(RequestRow { id: (segment.source as u32, segment.first_row + row as u64), time, fields })
    }

    fn value(&mut self, field: Field, id: u32) -> Result<Value, CacheError> {
        Ok(match self.values.entry((field, id)) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => {
                let value = self.snapshot.value(field, id)?;
                place.insert(Value::of_field(field, value.as_deref())).clone()
            }
        })
    }

    fn text(&mut self, segment: &SegmentInfo, row: usize, field: Field) -> Result<Value, CacheError> {
        let snapshot = self.snapshot;
        // A request URI may need the key that is cut out of it.
        let key = match field {
            Field::RequestUri => {
                let id = snapshot.integers(segment, Field::Key)?.get(row) as u32;
                match self.value(Field::Key, id)? {
                    Value::Text(key) => Some(key),
                    _ => None,
                }
            }
            _ => None,
        };
        let pages = match self.details.entry((segment.id, field)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(snapshot.details(segment, field)?),
        };
        let (page, in_page) = pages.locate(row);
        let page = snapshot.page(pages, page)?;
        let text = page
            .get(in_page, || key.as_deref())
            .map_err(|damage| snapshot.damaged(segment, field, damage))?;
        Ok(text.map_or(Value::Absent, |text| Value::Text(text.as_ref().into())))
    }
}
