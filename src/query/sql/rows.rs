//! Walks over the requests that pass, and reads the columns that are asked for, a block at a time.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use crate::cache::codec::text::TextPage;
use crate::cache::{BLOCK, CacheError, Details, Dictionary, Integers, SegmentInfo, Snapshot};
use crate::log::{Field, Kind, ValueType};
use crate::query::engine::EngineSnapshot;
use crate::query::engine::predicate::Predicate;
use crate::query::engine::predicate::mask::Mask;
use crate::query::{Filter, Query, QueryError, Value};

/// First and last second that have a year of four digits.
pub const TIMES: RangeInclusive<i64> = -62_167_219_200..=253_402_207_200;

/// What all walks of one statement share: one state of the cache.
#[derive(Clone)]
pub struct Shared {
    moment: Arc<EngineSnapshot<'static>>,
    query: Arc<Query>,
    plain: Arc<[OnceLock<bool>; Field::COUNT]>,
}

impl Shared {
    /// The requests that pass the sources, time, filter and counting of a question.
    pub fn new(moment: EngineSnapshot<'static>, query: Query) -> Shared {
        Shared { moment: Arc::new(moment), query: Arc::new(query), plain: Arc::default() }
    }

    /// The state of the cache.
    pub fn moment(&self) -> &EngineSnapshot<'static> {
        &self.moment
    }

    /// Requests in the cache.
    pub fn rows(&self) -> usize {
        self.moment.snapshot().segments.iter().map(|segment| segment.rows).sum()
    }

    /// The question, about only the requests that pass all of these too.
    pub fn query(&self, filters: impl IntoIterator<Item = Filter>) -> Query {
        let filter = Filter::all(std::iter::once(self.query.filter.clone()).chain(filters));
        Query { filter, ..Query::clone(&self.query) }
    }

    /// Whether all values of a dimension, or all times, are as SQLite compares them as the engine does:
    /// numbers where it has numbers, text (no BLOB) where it has text, years of four digits. What cannot be
    /// read is not: whoever reads it tells.
    pub fn is_plain(&self, field: Field) -> bool {
        let snapshot = self.moment.snapshot();
        *self.plain[field as usize].get_or_init(|| match field.kind() {
            Kind::Time => snapshot
                .segments
                .iter()
                .all(|segment| TIMES.contains(&segment.time_min) && TIMES.contains(&segment.time_max)),
            Kind::Dimension => snapshot.dictionary(field).is_ok_and(|dictionary| {
                dictionary.iter().all(|value| match field.spec().value {
                    ValueType::Integer => matches!(Value::of_field(field, Some(value)), Value::Integer(_)),
                    _ => std::str::from_utf8(value).is_ok(),
                })
            }),
            Kind::Measure => true,
            Kind::Detail => false,
        })
    }

    /// The URI of a source.
    pub fn source(&self, source: i64) -> Option<&str> {
        let sources = &self.moment.snapshot().sources;
        sources.iter().find(|(id, _)| *id == source).map(|(_, uri)| uri.as_str())
    }
}

/// A column of the segment that is read.
enum Column {
    /// Numbers, and a block of them.
    Numbers { column: Arc<Integers>, block: usize, numbers: Box<[u64; BLOCK]> },
    /// Text, and a page of it.
    Text { details: Details, page: usize, open: Option<Arc<TextPage>> },
}

/// A walk.
pub struct Rows {
    shared: Shared,
    predicate: Option<Arc<Predicate>>,
    /// Segments not read yet, last first.
    left: Vec<SegmentInfo>,
    segment: Option<SegmentInfo>,
    masks: Vec<Mask>,
    row: usize,
    columns: [Option<Column>; Field::COUNT],
    dictionaries: [Option<Dictionary>; Field::COUNT],
}

impl Rows {
    /// Stands nowhere yet.
    pub fn new(shared: Shared) -> Rows {
        Rows {
            shared,
            predicate: None,
            left: Vec::new(),
            segment: None,
            masks: Vec::new(),
            row: 0,
            columns: [const { None }; Field::COUNT],
            dictionaries: [const { None }; Field::COUNT],
        }
    }

    /// Begins anew, with the requests that pass all of these too.
    pub fn begin(&mut self, filters: Vec<Filter>) -> Result<(), QueryError> {
        let moment = &self.shared.moment;
        self.predicate = Some(Arc::new(moment.predicate(&self.shared.query(filters))?));
        self.left = moment.snapshot().segments.iter().rev().copied().collect();
        self.segment = None;
        self.next_segment()
    }

    /// Whether there are no more.
    pub fn is_done(&self) -> bool {
        self.segment.is_none()
    }

    /// Goes on to the next.
    pub fn advance(&mut self) -> Result<(), QueryError> {
        self.row += 1;
        if self.find() { Ok(()) } else { self.next_segment() }
    }

    /// Goes to the first row from this one on that passes; whether there is one in the segment.
    fn find(&mut self) -> bool {
        let mut block = self.row / BLOCK;
        let mut from = self.row % BLOCK;
        while let Some(mask) = self.masks.get(block) {
            let left = mask & (Mask::MAX << from);
            if left != 0 {
                self.row = block * BLOCK + left.trailing_zeros() as usize;
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
        let moment = Arc::clone(&self.shared.moment);
        let snapshot = moment.snapshot();
        let Some(predicate) = self.predicate.clone() else { return Ok(()) };
        while let Some(segment) = self.left.pop() {
            self.masks = predicate.masks(&segment, snapshot)?;
            self.row = 0;
            if self.find() {
                self.segment = Some(segment);
                break;
            }
        }
        Ok(())
    }

    /// A number that this request keeps for good.
    pub fn id(&self) -> i64 {
        self.segment.map_or(0, |segment| row_id(segment.source, segment.first_row + self.row as u64))
    }

    /// The URI of the source of this request.
    pub fn source(&self) -> Option<&str> {
        self.shared.source(self.segment?.source)
    }

    /// A field of this request; the time as [`Value::Integer`].
    pub fn field(&mut self, field: Field) -> Result<Value, CacheError> {
        if field.kind() == Kind::Detail {
            return self.text(field);
        }
        let Some(number) = self.number(field)? else { return Ok(Value::Absent) };
        Ok(match field.kind() {
            Kind::Time => Value::Integer(Snapshot::time_of(number)),
            Kind::Dimension => Value::of_field(field, self.dictionary(field)?.get(number as u32)),
            _ => number.checked_sub(1).map_or(Value::Absent, |number| Value::Integer(number as i64)),
        })
    }

    fn dictionary(&mut self, field: Field) -> Result<&Dictionary, CacheError> {
        let slot = &mut self.dictionaries[field as usize];
        match slot {
            Some(dictionary) => Ok(dictionary),
            None => Ok(slot.insert(self.shared.moment.snapshot().dictionary(field)?)),
        }
    }

    /// The number of this request in a column of numbers.
    fn number(&mut self, field: Field) -> Result<Option<u64>, CacheError> {
        let Some(segment) = self.segment else { return Ok(None) };
        let slot = &mut self.columns[field as usize];
        if slot.is_none() {
            let column = self.shared.moment.snapshot().integers(&segment, field)?;
            *slot = Some(Column::Numbers { column, block: usize::MAX, numbers: Box::new([0; BLOCK]) });
        }
        let Some(Column::Numbers { column, block, numbers }) = slot else { return Ok(None) };
        if *block != self.row / BLOCK {
            *block = self.row / BLOCK;
            column.unpack_u64(*block, numbers);
        }
        Ok(Some(numbers[self.row % BLOCK]))
    }

    fn text(&mut self, field: Field) -> Result<Value, CacheError> {
        let Some(segment) = self.segment else { return Ok(Value::Absent) };
        // A request URI may need the key that is cut out of it.
        let key = match field {
            Field::RequestUri => {
                let id = self.number(Field::Key)?.unwrap_or(0) as u32;
                self.dictionary(Field::Key)?.get(id).map(<[u8]>::to_vec)
            }
            _ => None,
        };
        let snapshot = self.shared.moment.snapshot();
        let slot = &mut self.columns[field as usize];
        if slot.is_none() {
            let details = snapshot.details(&segment, field)?;
            *slot = Some(Column::Text { details, page: usize::MAX, open: None });
        }
        let Some(Column::Text { details, page, open }) = slot else { return Ok(Value::Absent) };
        let (wanted, in_page) = details.locate(self.row);
        if *page != wanted {
            *open = Some(snapshot.page(details, wanted)?);
            *page = wanted;
        }
        let Some(open) = open else { return Ok(Value::Absent) };
        let text: Option<Cow<'_, [u8]>> = open
            .get(in_page, || key.as_deref())
            .map_err(|damage| snapshot.damaged(&segment, field, damage))?;
        Ok(text.map_or(Value::Absent, |text| Value::Text(text.as_ref().into())))
    }
}

/// The number of a request of a source.
pub fn row_id(source: i64, number: u64) -> i64 {
    source << 40 | number as i64
}

/// An instant as the column `time` has it.
pub fn time_text(second: i64) -> String {
    jiff::Timestamp::from_second(second).map_or_else(|_| second.to_string(), |time| time.to_string())
}
