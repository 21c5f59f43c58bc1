//! Group keys: which group a row belongs to. Group numbers are dense, and stay the same between queries, so partials
//! can be extended.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::cache::dictionary::{Arena, Interner, hash};
use crate::cache::{BLOCK, CacheError, IntColumn, SegmentInfo, Snapshot, TimeBlock};
use crate::identity::host_names::KnownNames;
use crate::identity::{About, Identity};
use crate::log::{Field, method};
use crate::query::engine::cancel::{self, Ticker};
use crate::query::engine::uri_columns::{UriColumn, UriColumns, UriPart};
use crate::query::{BucketWidth, Dimension, QueryError, Value};

/// Maximum number of values of a query parameter to group by. A parameter with more values is unique per request, such
/// as a signature.
const MAX_PARAM_VALUES: usize = 1 << 20;
/// Maximum number of time buckets to group by.
const MAX_BUCKETS: usize = 1 << 20;
/// Number of latest segments that are searched to complete the values of a query parameter.
const SEGMENTS_TO_COMPLETE_FROM: usize = 3;

/// Not a group: the operation names no method, so the request line has the method.
const METHOD_OF_REQUEST_LINE: u32 = u32::MAX;

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

#[derive(Clone, Default)]
struct Derived {
    /// Group of each value id of the field; group 0 is absent.
    groups: Arc<Vec<u32>>,
    values: Arc<Arena>,
    interner: Arc<Mutex<Interner>>,
    /// The epoch of the names of addresses that they were derived with, for [`Dimension::HostName`].
    names_epoch: u64,
}

/// The groups of the derived dimensions that were queried, kept between queries.
#[derive(Default)]
pub(crate) struct DerivedGroups {
    known: Mutex<HashMap<Dimension, Derived>>,
    identity: Arc<Identity>,
}

impl DerivedGroups {
    /// No groups yet. `identity` says what is known about addresses.
    pub(crate) fn new(identity: Arc<Identity>) -> DerivedGroups {
        DerivedGroups { known: Mutex::default(), identity }
    }

    /// The names of addresses that are known now.
    pub(crate) fn known_names(&self) -> KnownNames {
        self.identity.known_names()
    }
}

pub(crate) enum GroupKeys {
    /// All rows are one group: totals.
    One,
    /// The value ids of a field are the groups.
    Ids(Field),
    /// The value ids of a field, mapped to groups.
    Derived { field: Field, groups: Arc<Vec<u32>>, values: Arc<Arena> },
    /// The methods of the operations, or of the request lines where an operation names none.
    Method {
        /// Group of each operation, or [`METHOD_OF_REQUEST_LINE`].
        groups: Arc<Vec<u32>>,
        values: Arc<Arena>,
        columns: Arc<UriColumns>,
        cancel: CancellationToken,
    },
    /// Hours or weekdays; the number is the group.
    TimePart(Dimension),
    /// Time buckets, numbered in the order in which segments may have them: their first seconds, as 8 bytes.
    Buckets { width: BucketWidth, starts: Arc<Mutex<Interner>> },
    /// The values of a query parameter, numbered in the order in which they first occur.
    Param { name: String, values: Arc<Mutex<Interner>>, columns: Arc<UriColumns>, cancel: CancellationToken },
}

/// The hours of a day, or the days of a week.
fn time_parts(by: &Dimension) -> std::ops::Range<u32> {
    if *by == Dimension::Weekday { 1..8 } else { 0..24 }
}

impl GroupKeys {
    pub(crate) fn new(
        by: &Dimension,
        snapshot: &Snapshot<'_>,
        known: &DerivedGroups,
        names: &KnownNames,
        columns: &Arc<UriColumns>,
        cancel: &CancellationToken,
    ) -> Result<GroupKeys, QueryError> {
        match by {
            Dimension::Field(field) => {
                if !field.is_stored() {
                    snapshot.expect_origins(cancel)?;
                }
                Ok(GroupKeys::Ids(*field))
            }
            Dimension::HourOfDay | Dimension::Weekday => Ok(GroupKeys::TimePart(by.clone())),
            Dimension::Bucket(width) => Ok(GroupKeys::Buckets {
                width: *width,
                starts: known.known.lock().entry(by.clone()).or_default().interner.clone(),
            }),
            Dimension::Method => {
                let dictionary = snapshot.dictionary_or_cancel(Field::Operation, cancel)?;
                let groups = dictionary.iter().map(|operation| {
                    method::of_operation(operation).map_or(METHOD_OF_REQUEST_LINE, group_of_method)
                });
                Ok(GroupKeys::Method {
                    groups: Arc::new(std::iter::once(METHOD_OF_REQUEST_LINE).chain(groups).collect()),
                    values: Arc::new(methods()),
                    columns: columns.clone(),
                    cancel: cancel.clone(),
                })
            }
            Dimension::QueryParam { name } => Ok(GroupKeys::Param {
                name: name.clone(),
                values: known.known.lock().entry(by.clone()).or_default().interner.clone(),
                columns: columns.clone(),
                cancel: cancel.clone(),
            }),
            derived => GroupKeys::derived(derived, snapshot, known, names, cancel),
        }
    }

    fn derived(
        by: &Dimension,
        snapshot: &Snapshot<'_>,
        known: &DerivedGroups,
        names: &KnownNames,
        cancel: &CancellationToken,
    ) -> Result<GroupKeys, QueryError> {
        let field = by.base();
        let dictionary = snapshot.dictionary_or_cancel(field, cancel)?;
        let lookup = match by.about() {
            Some(About::HostName) => Some(names.lookup()),
            about => about.map(|about| known.identity.lookup(about)),
        };
        let lookup = lookup.transpose().map_err(|error| QueryError::Invalid(error.to_string()))?;
        let names_epoch = if *by == Dimension::HostName { names.epoch() } else { 0 };
        let mut known = cancel::lock(&known.known, cancel)?;
        let mut of_older_names = Derived::default();
        let mut entry = known.entry(by.clone()).or_default();
        if entry.names_epoch < names_epoch {
            // Names have arrived: addresses have other groups now.
            *entry = Derived { names_epoch, ..Derived::default() };
        } else if entry.names_epoch > names_epoch {
            // A query that began before a name arrived. The groups of later queries stay.
            entry = &mut of_older_names;
        }
        let groups_wanted = dictionary.len() as usize + 1;
        if entry.groups.len() < groups_wanted {
            let mut interner = entry.interner.lock();
            let mut groups = Vec::clone(&entry.groups);
            if groups.is_empty() {
                groups.push(0);
            }
            let mut ticker = Ticker::of_steps(cancel);
            for id in groups.len() as u32..=dictionary.len() {
                if ticker.tick().is_err() {
                    break;
                }
                let value = dictionary.get(id);
                let derived = match &lookup {
                    Some(lookup) => value.and_then(|address| lookup.value(address)),
                    None => by.derive(value),
                };
                groups.push(derived.map_or(0, |value| interner.intern(&value, hash(&value))));
            }
            // The next query continues with what a cancelled one has derived.
            entry.groups = Arc::new(groups);
            entry.values = Arc::new(interner.values().clone());
            if entry.groups.len() < groups_wanted {
                return Err(QueryError::Cancelled);
            }
        }
        Ok(GroupKeys::Derived { field, groups: entry.groups.clone(), values: entry.values.clone() })
    }

    /// The groups of the ids of the field of a derived dimension, and whether the value of each group passes a test.
    pub(crate) fn passing(
        by: &Dimension,
        snapshot: &Snapshot<'_>,
        known: &DerivedGroups,
        names: &KnownNames,
        cancel: &CancellationToken,
        passes: impl Fn(Option<&[u8]>) -> bool,
    ) -> Result<(Arc<Vec<u32>>, Vec<bool>), QueryError> {
        let (groups, values) = match GroupKeys::derived(by, snapshot, known, names, cancel)? {
            GroupKeys::Derived { groups, values, .. } => (groups, values),
            _ => Default::default(),
        };
        let of_values = values.iter().map(|value| passes(Some(value)));
        Ok((groups, std::iter::once(passes(None)).chain(of_values).collect()))
    }

    /// The number of group numbers; `None` if it is not known before the scan.
    pub(in crate::query::engine) fn space(&self, snapshot: &Snapshot<'_>) -> Option<usize> {
        match self {
            GroupKeys::One => Some(1),
            GroupKeys::Ids(field) => Some(snapshot.dictionary_len(*field) as usize + 1),
            GroupKeys::Derived { values, .. } | GroupKeys::Method { values, .. } => Some(values.len() + 1),
            GroupKeys::TimePart(_) => Some(24),
            GroupKeys::Param { .. } | GroupKeys::Buckets { .. } => None,
        }
    }

    pub(in crate::query::engine) fn value(
        &self,
        group: u32,
        snapshot: &Snapshot<'_>,
    ) -> Result<Value, CacheError> {
        let text = |values: &Arena| match group.checked_sub(1) {
            Some(index) => Value::Text(values.get(index as usize).into()),
            None => Value::Absent,
        };
        Ok(match self {
            GroupKeys::One => Value::Absent,
            GroupKeys::Ids(field) => Value::of_field(*field, snapshot.value(*field, group)?.as_deref()),
            GroupKeys::Derived { values, .. } | GroupKeys::Method { values, .. } => text(values),
            GroupKeys::TimePart(_) => Value::Integer(i64::from(group)),
            GroupKeys::Buckets { starts, .. } => {
                let starts = starts.lock();
                let start = group.checked_sub(1).map(|index| starts.values().get(index as usize).try_into());
                match start {
                    Some(Ok(start)) => Value::Integer(i64::from_be_bytes(start)),
                    _ => Value::Absent,
                }
            }
            GroupKeys::Param { values, .. } => text(values.lock().values()),
        })
    }

    /// Calls `each` with the values of all groups in the order of their numbers, until it returns `false`.
    pub(crate) fn for_each_value(
        &self,
        snapshot: &Snapshot<'_>,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), QueryError> {
        let _is_complete = match self {
            GroupKeys::One | GroupKeys::Buckets { .. } => true,
            GroupKeys::Ids(field) => snapshot.dictionary(*field)?.iter().all(each),
            GroupKeys::Derived { values, .. } | GroupKeys::Method { values, .. } => values.iter().all(each),
            GroupKeys::TimePart(by) => time_parts(by).all(|part| each(part.to_string().as_bytes())),
            GroupKeys::Param { values, .. } => {
                for segment in snapshot.segments.iter().rev().take(SEGMENTS_TO_COMPLETE_FROM) {
                    self.open(segment, snapshot)?;
                }
                values.lock().values().iter().all(each)
            }
        };
        Ok(())
    }

    /// Prepares for reading the values of many groups.
    pub(crate) fn expect_many(
        &self,
        snapshot: &Snapshot<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), QueryError> {
        if let GroupKeys::Ids(field) = self {
            snapshot.dictionary_or_cancel(*field, cancel)?;
        }
        Ok(())
    }

    /// The groups of some values, in their order; `None` if there is no such group.
    pub(crate) fn groups_of(
        &self,
        wanted: &[Value],
        snapshot: &Snapshot<'_>,
        cancel: &CancellationToken,
    ) -> Result<Vec<Option<u32>>, QueryError> {
        let mut indexes: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        let mut groups = vec![None; wanted.len()];
        for (index, value) in wanted.iter().enumerate() {
            match (value, self) {
                (Value::Absent, GroupKeys::TimePart(_)) => {}
                (Value::Absent, _) => groups[index] = Some(0),
                (Value::Integer(number), GroupKeys::TimePart(by)) => {
                    let part = u32::try_from(*number).ok();
                    groups[index] = part.filter(|part| time_parts(by).contains(part));
                }
                (Value::Integer(number), _) => {
                    indexes.entry(number.to_string().into_bytes()).or_default().push(index);
                }
                (Value::Text(text), _) => indexes.entry(text.to_vec()).or_default().push(index),
            }
        }
        if indexes.is_empty() {
            return Ok(groups);
        }
        let mut find = |group: u32, value: &[u8]| {
            for index in indexes.get(value).into_iter().flatten() {
                groups[*index] = Some(group);
            }
        };
        match self {
            GroupKeys::Ids(field) => {
                let dictionary = snapshot.dictionary_or_cancel(*field, cancel)?;
                let mut ticker = Ticker::of_steps(cancel);
                for (id, value) in (1..).zip(dictionary.iter()) {
                    ticker.tick()?;
                    find(id, value);
                }
            }
            GroupKeys::Derived { values, .. } | GroupKeys::Method { values, .. } => {
                values.iter().zip(1..).for_each(|(value, group)| find(group, value));
            }
            GroupKeys::Param { values, .. } => {
                // Values that have not occurred yet are numbered now.
                let mut values = values.lock();
                for (value, indexes) in &indexes {
                    let group = values.intern(value, hash(value));
                    indexes.iter().for_each(|index| groups[*index] = Some(group));
                }
            }
            GroupKeys::One | GroupKeys::TimePart(_) | GroupKeys::Buckets { .. } => {}
        }
        Ok(groups)
    }

    /// Opens the columns of a segment that map its rows to groups. Fails if a query parameter has too many
    /// values.
    pub(crate) fn open<'k>(
        &'k self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<OpenKeys<'k>, QueryError> {
        Ok(match self {
            GroupKeys::One => OpenKeys::One,
            GroupKeys::Ids(field) => OpenKeys::Ids(snapshot.int_column(segment, *field)?),
            GroupKeys::Derived { field, groups, .. } => {
                OpenKeys::Mapped(snapshot.int_column(segment, *field)?, Cow::Borrowed(groups))
            }
            GroupKeys::Method { groups, columns, cancel, .. } => {
                let operations = snapshot.int_column(segment, Field::Operation)?;
                // Request lines are text, and very few operations need them.
                let mut ids = [0; BLOCK];
                let needs_request_lines = groups.iter().skip(1).any(|group| *group == METHOD_OF_REQUEST_LINE)
                    && (0..segment.rows.div_ceil(BLOCK)).any(|block| {
                        operations.ids(block, &mut ids);
                        let rows = (segment.rows - block * BLOCK).min(BLOCK);
                        let group = |id: &u32| groups.get(*id as usize);
                        ids[..rows].iter().any(|id| group(id) == Some(&METHOD_OF_REQUEST_LINE))
                    });
                let request_lines = if needs_request_lines {
                    let column = columns.get(&UriPart::Method, segment, snapshot, cancel)?;
                    let group = |value: &[u8]| method::named(value).map_or(0, group_of_method);
                    let groups = std::iter::once(0).chain(column.values.iter().map(group)).collect();
                    Some((column, groups))
                } else {
                    None
                };
                OpenKeys::Method { operations, groups, request_lines }
            }
            GroupKeys::TimePart(dimension) => {
                OpenKeys::TimePart(snapshot.int_column(segment, Field::Time)?, dimension)
            }
            GroupKeys::Buckets { width, starts } => {
                let (first, last) = (segment.time_min, segment.time_max);
                let mut buckets = Vec::new();
                let mut starts = starts.lock();
                let mut at = first;
                loop {
                    let (start, end) = width.bounds(at);
                    if starts.values().len() > MAX_BUCKETS {
                        return Err(QueryError::Invalid(format!(
                            "more than {MAX_BUCKETS} time buckets; use wider buckets or a shorter time range"
                        )));
                    }
                    let bytes = start.to_be_bytes();
                    buckets.push((end, starts.intern(&bytes, hash(&bytes))));
                    if end > last || end <= at {
                        break;
                    }
                    at = end;
                }
                OpenKeys::Buckets(snapshot.int_column(segment, Field::Time)?, buckets)
            }
            GroupKeys::Param { name, values, columns, cancel } => {
                let column = columns.get(&UriPart::Param(name.clone()), segment, snapshot, cancel)?;
                let mut values = values.lock();
                let groups: Vec<u32> = std::iter::once(0)
                    .chain(column.values.iter().map(|value| values.intern(value, hash(value))))
                    .collect();
                if values.values().len() > MAX_PARAM_VALUES {
                    return Err(QueryError::Invalid(format!(
                        "query_param:{name} has more than {MAX_PARAM_VALUES} values, too many to group by; \
                         filter by it, or select less data"
                    )));
                }
                OpenKeys::Mapped(column.ids.clone(), Cow::Owned(groups))
            }
        })
    }
}

pub(crate) enum OpenKeys<'k> {
    One,
    Ids(IntColumn),
    /// Ids, and the group of each id.
    Mapped(IntColumn, Cow<'k, [u32]>),
    Method {
        operations: IntColumn,
        /// Group of each operation, or [`METHOD_OF_REQUEST_LINE`].
        groups: &'k [u32],
        /// The methods of the request lines and their groups, if they are needed.
        request_lines: Option<(Arc<UriColumn>, Vec<u32>)>,
    },
    TimePart(IntColumn, &'k Dimension),
    /// Times, and the end and the group of each bucket that the segment may have, in ascending order.
    Buckets(IntColumn, Vec<(i64, u32)>),
}

impl OpenKeys<'_> {
    /// An upper bound of the group numbers in the segment; `None` if it is unknown.
    pub(in crate::query::engine) fn max_group(&self) -> Option<u32> {
        match self {
            OpenKeys::One => Some(0),
            OpenKeys::Ids(column) => Some(column.max_id()),
            _ => None,
        }
    }

    /// The group of each row of a block. Rows after the last row of the segment have group 0.
    #[inline]
    pub(crate) fn block(&self, block: usize, out: &mut [u32; BLOCK]) {
        match self {
            OpenKeys::One => out.fill(0),
            OpenKeys::Ids(column) => column.ids(block, out),
            OpenKeys::Mapped(column, groups) => {
                column.ids(block, out);
                let groups: &[u32] = groups;
                for id in out {
                    *id = groups.get(*id as usize).copied().unwrap_or(0);
                }
            }
            OpenKeys::Method { operations, groups, request_lines } => {
                operations.ids(block, out);
                let mut of_lines = [0; BLOCK];
                if let Some((column, groups)) = request_lines {
                    column.ids.ids(block, &mut of_lines);
                    for line in &mut of_lines {
                        *line = groups.get(*line as usize).copied().unwrap_or(0);
                    }
                }
                for (group, of_line) in out.iter_mut().zip(of_lines) {
                    *group = match groups.get(*group as usize) {
                        Some(&METHOD_OF_REQUEST_LINE) | None => of_line,
                        Some(group) => *group,
                    };
                }
            }
            OpenKeys::Buckets(column, buckets) => {
                let mut times = TimeBlock::default();
                column.times(block, &mut times);
                for (row, group) in out.iter_mut().enumerate() {
                    let time = times.get(row);
                    let at = buckets.partition_point(|(end, _)| *end <= time);
                    *group = buckets.get(at).map_or(0, |(_, group)| *group);
                }
            }
            OpenKeys::TimePart(column, dimension) => {
                let mut times = TimeBlock::default();
                column.times(block, &mut times);
                for (row, group) in out.iter_mut().enumerate() {
                    *group = dimension.of_time(times.get(row)).unwrap_or(0) as u32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::cache::testing::{Request, filled};
    use crate::identity::host_names::HostNames;
    use crate::identity::resolver::Found;

    #[test]
    fn a_query_that_began_before_a_name_arrived_does_not_change_the_groups_of_later_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(filled(&path, "one", (0..9).map(Request::at)));
        let cache = Cache::open(&path).unwrap();
        let snapshot = cache.snapshot().unwrap();
        let table = Arc::new(HostNames::default());
        let known = DerivedGroups::new(Arc::new(Identity::default().with_host_names(Arc::clone(&table))));
        let cancel = CancellationToken::new();
        let groups = |names: &KnownNames| {
            let keys = GroupKeys::derived(&Dimension::HostName, &snapshot, &known, names, &cancel).unwrap();
            let GroupKeys::Derived { groups, values, .. } = keys else { panic!("other keys") };
            (groups.iter().filter(|group| **group == 0).count(), values.len())
        };
        let before = known.known_names();
        assert_eq!(groups(&before), (1, 1));
        table.add(&[("203.0.113.0".parse().unwrap(), Found::NoName)]);
        assert_eq!(groups(&known.known_names()), (2, 1));
        assert_eq!(groups(&before), (1, 1));
        assert_eq!(groups(&known.known_names()), (2, 1));
    }
}
