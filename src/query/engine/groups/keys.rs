//! Which group a row belongs to: group numbers are dense, and the same from question to question, so
//! that what was folded before can be added to.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::dictionary::{Arena, Interner, hash};
use crate::cache::{BLOCK, CacheError, Integers, SegmentInfo, Snapshot};
use crate::log::{Field, method};
use crate::query::{Dimension, QueryError, Value};
use tokio_util::sync::CancellationToken;

use crate::query::engine::cancel;
use crate::query::engine::uri_params::{OfUri, ParamColumn, Params};

/// More values of a parameter than this are no groups: everyone's own signature, say.
const MOST_PARAM_VALUES: usize = 1 << 20;
/// Values derived between two looks at whether the question still stands.
const BETWEEN_LOOKS: u32 = 1024;
/// Completion looks into so many segments, the latest, for values of a parameter.
const SEGMENTS_TO_COMPLETE: usize = 3;

/// Not a group: the method is that of the request line.
const BY_LINE: u32 = u32::MAX;

/// The group of a method.
fn group_of_method(method: &[u8]) -> u32 {
    method::METHODS.iter().zip(1..).find(|(known, _)| **known == method).map_or(0, |(_, group)| group)
}

/// The methods, in the order of their groups.
fn methods() -> Arena {
    let mut interner = Interner::default();
    for method in method::METHODS {
        interner.intern(method, hash(method));
    }
    interner.values().clone()
}

/// What a derived dimension makes of the ids of its field.
#[derive(Clone, Default)]
struct Derived {
    /// Group of each id; group 0 is absent.
    groups: Arc<Vec<u32>>,
    values: Arc<Arena>,
    interner: Arc<Mutex<Interner>>,
}

/// Groups of the derived dimensions asked for so far.
#[derive(Default)]
pub struct DerivedGroups(Mutex<HashMap<Dimension, Derived>>);

/// How rows become group numbers for one question.
pub enum GroupKeys {
    /// All in one: totals.
    One,
    /// The ids of a field are the groups.
    Ids(Field),
    /// The ids of a field, looked up.
    Derived { field: Field, groups: Arc<Vec<u32>>, values: Arc<Arena> },
    /// The ids of the operations, looked up; where one names no method, that of the request line.
    Method {
        /// [`BY_LINE`] for operations that name no method.
        groups: Arc<Vec<u32>>,
        values: Arc<Arena>,
        columns: Arc<Params>,
        cancel: CancellationToken,
    },
    /// An hour or a weekday; group = number.
    TimePart(Dimension),
    /// Values of a parameter of the query, numbered as they are met.
    Param { name: String, values: Arc<Mutex<Interner>>, columns: Arc<Params>, cancel: CancellationToken },
}

impl GroupKeys {
    /// For a dimension on a snapshot.
    pub fn new(
        by: &Dimension,
        snapshot: &Snapshot<'_>,
        known: &DerivedGroups,
        columns: &Arc<Params>,
        cancel: &CancellationToken,
    ) -> Result<GroupKeys, QueryError> {
        match by {
            Dimension::Field(field) => Ok(GroupKeys::Ids(*field)),
            Dimension::HourOfDay | Dimension::Weekday => Ok(GroupKeys::TimePart(by.clone())),
            Dimension::Method => {
                let dictionary = cancel::dictionary(snapshot, Field::Operation, cancel)?;
                let groups = dictionary
                    .iter()
                    .map(|operation| method::of_operation(operation).map_or(BY_LINE, group_of_method));
                Ok(GroupKeys::Method {
                    groups: Arc::new(std::iter::once(BY_LINE).chain(groups).collect()),
                    values: Arc::new(methods()),
                    columns: columns.clone(),
                    cancel: cancel.clone(),
                })
            }
            Dimension::QueryParam { name } => {
                let mut known = known.0.lock().unwrap_or_else(PoisonError::into_inner);
                let values = known.entry(by.clone()).or_default().interner.clone();
                Ok(GroupKeys::Param {
                    name: name.clone(),
                    values,
                    columns: columns.clone(),
                    cancel: cancel.clone(),
                })
            }
            derived => {
                let field = derived.base();
                let dictionary = cancel::dictionary(snapshot, field, cancel)?;
                let mut known = cancel::lock(&known.0, cancel)?;
                let entry = known.entry(by.clone()).or_default();
                if (entry.groups.len() as u32) < dictionary.len() + 1 {
                    let mut interner = entry.interner.lock().unwrap_or_else(PoisonError::into_inner);
                    let mut groups = Vec::clone(&entry.groups);
                    if groups.is_empty() {
                        groups.push(0);
                    }
                    for id in groups.len() as u32..=dictionary.len() {
                        if id % BETWEEN_LOOKS == 0 && cancel.is_cancelled() {
                            break;
                        }
                        let group = by
                            .derive(dictionary.get(id))
                            .map_or(0, |value: Cow<'_, [u8]>| interner.intern(&value, hash(&value)));
                        groups.push(group);
                    }
                    entry.groups = Arc::new(groups);
                    entry.values = Arc::new(interner.values().clone());
                    if (entry.groups.len() as u32) < dictionary.len() + 1 {
                        // What was derived stays, for the next one who asks.
                        return Err(QueryError::Cancelled);
                    }
                }
                Ok(GroupKeys::Derived { field, groups: entry.groups.clone(), values: entry.values.clone() })
            }
        }
    }

    /// How many group numbers there may be; `None`: nobody can know yet.
    pub fn space(&self, snapshot: &Snapshot<'_>) -> Option<usize> {
        match self {
            GroupKeys::One => Some(1),
            GroupKeys::Ids(field) => Some(snapshot.dictionary_len(*field) as usize + 1),
            GroupKeys::Derived { values, .. } | GroupKeys::Method { values, .. } => Some(values.len() + 1),
            GroupKeys::TimePart(_) => Some(24),
            GroupKeys::Param { .. } => None,
        }
    }

    /// The value of a group.
    pub fn value(&self, group: u32, snapshot: &Snapshot<'_>) -> Result<Value, CacheError> {
        Ok(match self {
            GroupKeys::One => Value::Absent,
            GroupKeys::Ids(field) => Value::of_field(*field, snapshot.value(*field, group)?.as_deref()),
            GroupKeys::Derived { values, .. } | GroupKeys::Method { values, .. } => group
                .checked_sub(1)
                .map_or(Value::Absent, |index| Value::Text(values.get(index as usize).into())),
            GroupKeys::TimePart(_) => Value::Integer(i64::from(group)),
            GroupKeys::Param { values, .. } => {
                let values = values.lock().unwrap_or_else(PoisonError::into_inner);
                group
                    .checked_sub(1)
                    .map_or(Value::Absent, |index| Value::Text(values.values().get(index as usize).into()))
            }
        })
    }

    /// Calls `each` with the values of all groups, in the order of their numbers, until it says no.
    pub fn for_each_value(
        &self,
        snapshot: &Snapshot<'_>,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), QueryError> {
        match self {
            GroupKeys::Ids(field) => {
                snapshot.dictionary(*field)?.iter().all(each);
            }
            GroupKeys::Derived { values, .. } | GroupKeys::Method { values, .. } => {
                values.iter().all(each);
            }
            GroupKeys::TimePart(_) => {
                (0..24).all(|part: u32| each(part.to_string().as_bytes()));
            }
            GroupKeys::Param { values, .. } => {
                for segment in snapshot.segments.iter().rev().take(SEGMENTS_TO_COMPLETE) {
                    self.open(segment, snapshot)?;
                }
                let values = values.lock().unwrap_or_else(PoisonError::into_inner);
                values.values().iter().all(each);
            }
            GroupKeys::One => {}
        }
        Ok(())
    }

    /// Tells that the values of many groups will be asked for.
    pub fn expect_many(&self, snapshot: &Snapshot<'_>, cancel: &CancellationToken) -> Result<(), QueryError> {
        if let GroupKeys::Ids(field) = self {
            cancel::dictionary(snapshot, *field, cancel)?;
        }
        Ok(())
    }

    /// The groups that have one of these values.
    pub fn groups_of(
        &self,
        wanted: &[Value],
        snapshot: &Snapshot<'_>,
        cancel: &CancellationToken,
    ) -> Result<Vec<Option<u32>>, QueryError> {
        let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        let mut groups = vec![None; wanted.len()];
        for (index, value) in wanted.iter().enumerate() {
            match (value, self) {
                (Value::Absent, GroupKeys::TimePart(_)) => {}
                (Value::Absent, _) => groups[index] = Some(0),
                (Value::Integer(number), GroupKeys::TimePart(_)) => {
                    groups[index] = u32::try_from(*number).ok()
                }
                (Value::Integer(number), _) => {
                    places.entry(number.to_string().into_bytes()).or_default().push(index);
                }
                (Value::Text(text), _) => {
                    places.entry(text.to_vec()).or_default().push(index);
                }
            }
        }
        if places.is_empty() {
            return Ok(groups);
        }
        let mut find = |group: u32, value: &[u8]| {
            for index in places.get(value).into_iter().flatten() {
                groups[*index] = Some(group);
            }
        };
        match self {
            GroupKeys::Ids(field) => {
                let dictionary = cancel::dictionary(snapshot, *field, cancel)?;
                for (id, value) in (1..).zip(dictionary.iter()) {
                    if id % BETWEEN_LOOKS == 0 {
                        cancel::go_on(cancel)?;
                    }
                    find(id, value);
                }
            }
            GroupKeys::Derived { values, .. } | GroupKeys::Method { values, .. } => {
                values.iter().enumerate().for_each(|(index, value)| find(index as u32 + 1, value));
            }
            GroupKeys::Param { values, .. } => {
                // Numbered now if they were not met yet: rows will be looked up, not these values.
                let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
                for (value, indexes) in &places {
                    let group = values.intern(value, hash(value));
                    indexes.iter().for_each(|index| groups[*index] = Some(group));
                }
            }
            GroupKeys::One | GroupKeys::TimePart(_) => {}
        }
        Ok(groups)
    }

    /// Reads what it takes to group the rows of a segment.
    pub fn open<'k>(
        &'k self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<OpenKeys<'k>, QueryError> {
        Ok(match self {
            GroupKeys::One => OpenKeys::One,
            GroupKeys::Ids(field) => OpenKeys::Ids(snapshot.integers(segment, *field)?),
            GroupKeys::Derived { field, groups, .. } => {
                OpenKeys::Derived(snapshot.integers(segment, *field)?, groups)
            }
            GroupKeys::Method { groups, columns, cancel, .. } => {
                let operations = snapshot.integers(segment, Field::Operation)?;
                // Text is read only where an operation says nothing: nearly nowhere.
                let mut codes = [0; BLOCK];
                let needs_lines = groups.iter().skip(1).any(|group| *group == BY_LINE)
                    && (0..segment.rows.div_ceil(BLOCK)).any(|block| {
                        operations.unpack_u32(block, &mut codes);
                        let rows = (segment.rows - block * BLOCK).min(BLOCK);
                        codes[..rows].iter().any(|code| groups.get(*code as usize) == Some(&BY_LINE))
                    });
                let by_line = if needs_lines {
                    let column = columns.get(&OfUri::Method, segment, snapshot, cancel)?;
                    let of_lines = std::iter::once(0)
                        .chain(
                            column.values.iter().map(|value| method::named(value).map_or(0, group_of_method)),
                        )
                        .collect();
                    Some((column, of_lines))
                } else {
                    None
                };
                OpenKeys::Method(operations, groups, by_line)
            }
            GroupKeys::TimePart(dimension) => {
                OpenKeys::TimePart(snapshot.integers(segment, Field::Time)?, dimension)
            }
            GroupKeys::Param { name, values, columns, cancel } => {
                let column = columns.get(&OfUri::Param(name.clone()), segment, snapshot, cancel)?;
                let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
                let groups: Vec<u32> = std::iter::once(0)
                    .chain(column.values.iter().map(|value| values.intern(value, hash(value))))
                    .collect();
                if values.values().len() > MOST_PARAM_VALUES {
                    return Err(QueryError::Invalid(format!(
                        "query_param:{name} has more than {MOST_PARAM_VALUES} values, too many to group by; \
                         filter by it, or ask about less"
                    )));
                }
                OpenKeys::Param(column, groups)
            }
        })
    }
}

/// The groups of the rows of one segment.
pub enum OpenKeys<'k> {
    One,
    Ids(Arc<Integers>),
    Derived(Arc<Integers>, &'k [u32]),
    /// The operations and their groups; those of the request lines, where an operation names no method.
    Method(Arc<Integers>, &'k [u32], Option<(Arc<ParamColumn>, Vec<u32>)>),
    TimePart(Arc<Integers>, &'k Dimension),
    Param(Arc<ParamColumn>, Vec<u32>),
}

impl OpenKeys<'_> {
    /// A group number that none of them exceeds; `None`: nothing is known.
    pub fn most(&self) -> Option<u32> {
        match self {
            OpenKeys::One => Some(0),
            OpenKeys::Ids(column) => Some(column.most().min(u32::MAX.into()) as u32),
            _ => None,
        }
    }

    /// The group of each row of a block; beyond the last row, group 0.
    #[inline]
    pub fn block(&self, block: usize, out: &mut [u32; BLOCK]) {
        match self {
            OpenKeys::One => out.fill(0),
            OpenKeys::Ids(column) => column.unpack_u32(block, out),
            OpenKeys::Derived(column, groups) => {
                column.unpack_u32(block, out);
                for id in out {
                    *id = groups.get(*id as usize).copied().unwrap_or(0);
                }
            }
            OpenKeys::Method(operations, groups, by_line) => {
                operations.unpack_u32(block, out);
                let mut lines = [0; BLOCK];
                if let Some((column, of_lines)) = by_line {
                    column.ids.unpack_u32(block, &mut lines);
                    for line in &mut lines {
                        *line = of_lines.get(*line as usize).copied().unwrap_or(0);
                    }
                }
                for (group, line) in out.iter_mut().zip(lines) {
                    *group = match groups.get(*group as usize) {
                        Some(&BY_LINE) | None => line,
                        Some(group) => *group,
                    };
                }
            }
            OpenKeys::Param(column, groups) => {
                column.ids.unpack_u32(block, out);
                for id in out {
                    *id = groups.get(*id as usize).copied().unwrap_or(0);
                }
            }
            OpenKeys::TimePart(column, dimension) => {
                let mut codes = [0; BLOCK];
                column.unpack_u64(block, &mut codes);
                for (group, code) in out.iter_mut().zip(codes) {
                    *group = dimension.of_time(Snapshot::time_of(code)).unwrap_or(0) as u32;
                }
            }
        }
    }
}
