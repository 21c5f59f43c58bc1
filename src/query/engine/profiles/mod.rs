//! Profiles of several clients in one scan: counts, distinct values, and traits of the first requests.
//!
//! `tally` adds up the requests of one client. A client is a value of a dimension in a time range.

mod tally;

use super::groups::sums::error_statuses;
use super::predicate::mask::for_each_row;
use super::{QueryContext, parallel};
use crate::cache::{BLOCK, CacheError, IntColumn, NumberBlock, SegmentInfo, TimeBlock};
use crate::log::{Field, method};
use crate::query::{Answer, Dimension, QueryError, TimeRange, Value};
use tally::{Place, Row, Tally};

/// Not a client.
const NONE: u32 = u32::MAX;

/// The clients of a query, and what the value ids of some fields mean.
struct Clients {
    keys: super::groups::keys::GroupKeys,
    /// Index into `members` of each group number; [`NONE`]: no client.
    members_of: Vec<u32>,
    /// The time ranges of one value, with the number of the client.
    members: Vec<Vec<(TimeRange, usize)>>,
    /// Status by value id, 0 if it is no number.
    statuses: Vec<u16>,
    /// Whether an operation reads, by value id.
    reads: Vec<bool>,
    errors: Vec<bool>,
}

impl QueryContext<'_> {
    pub(super) fn answer_profiles(
        &self,
        by: &Dimension,
        of: &[(Value, TimeRange)],
    ) -> Result<Answer, QueryError> {
        let clients = self.clients(by, of)?;
        let begin = || vec![Tally::default(); of.len()];
        let states = parallel::scan_segments(&self.segments, self.cancel, begin, |tallies, segment| {
            self.add_to_tallies(tallies, segment, &clients)
        })?;
        let mut states = states.into_iter();
        let mut tallies = states.next().unwrap_or_else(begin);
        for other in states {
            tallies.iter_mut().zip(other).for_each(|(ours, theirs)| ours.merge(theirs));
        }
        let profiles = tallies.into_iter().map(|tally| tally.profile(self.snapshot, self.cancel));
        Ok(Answer::Profiles(profiles.collect::<Result<_, _>>()?))
    }

    fn clients(&self, by: &Dimension, of: &[(Value, TimeRange)]) -> Result<Clients, QueryError> {
        let keys = self.group_keys(by)?;
        let values: Vec<Value> = of.iter().map(|(value, _)| value.clone()).collect();
        let groups = keys.groups_of(&values, self.snapshot, self.cancel)?;
        let numbers = groups.iter().flatten().max().map_or(0, |max| *max as usize + 1);
        let mut members_of = vec![NONE; numbers];
        let mut members: Vec<Vec<(TimeRange, usize)>> = Vec::new();
        for (client, (group, (_, time))) in groups.into_iter().zip(of).enumerate() {
            let Some(entry) = group.and_then(|group| members_of.get_mut(group as usize)) else { continue };
            if *entry == NONE {
                *entry = members.len() as u32;
                members.push(Vec::new());
            }
            members[*entry as usize].push((*time, client));
        }
        let statuses = self.snapshot.dictionary(Field::HttpStatus)?;
        let status =
            |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let operations = self.snapshot.dictionary(Field::Operation)?;
        let is_read = |name: &[u8]| matches!(method::of_operation(name), Some(b"GET" | b"HEAD"));
        Ok(Clients {
            keys,
            members_of,
            members,
            statuses: std::iter::once(0).chain(statuses.iter().map(status)).collect(),
            reads: std::iter::once(false).chain(operations.iter().map(is_read)).collect(),
            errors: error_statuses(self.snapshot)?,
        })
    }

    fn add_to_tallies(
        &self,
        tallies: &mut [Tally],
        segment: &SegmentInfo,
        clients: &Clients,
    ) -> Result<(), QueryError> {
        let snapshot = self.snapshot;
        let Some(selected) = self.predicate.selected(segment, snapshot)? else { return Ok(()) };
        let keys = clients.keys.open(segment, snapshot)?;
        let columns = Columns::open(|field| snapshot.int_column(segment, field))?;
        let mut members = [0u32; BLOCK];
        let mut unpacked = UnpackedBlock::default();
        for selected in selected {
            let (block, mask) = selected?;
            keys.block(block, &mut members);
            let mut wanted = 0;
            for_each_row(mask, |row| {
                members[row] = clients.members_of.get(members[row] as usize).copied().unwrap_or(NONE);
                if members[row] != NONE {
                    wanted |= 1 << row;
                }
            });
            if wanted == 0 {
                continue;
            }
            columns.unpack(block, &mut unpacked);
            for_each_row(wanted, |row| {
                let of_row = unpacked.row(row, place(segment, block * BLOCK + row), clients);
                for (time, client) in clients.members.get(members[row] as usize).into_iter().flatten() {
                    let is_within = time.start.is_none_or(|start| of_row.time >= start)
                        && time.end.is_none_or(|end| of_row.time < end);
                    if is_within {
                        tallies[*client].add(&of_row);
                    }
                }
            });
        }
        Ok(())
    }
}

/// Where a row is in the order of arrival.
fn place(segment: &SegmentInfo, row: usize) -> Place {
    (segment.source, segment.first_row + row as u64)
}

struct Columns {
    time: IntColumn,
    bytes_sent: IntColumn,
    object_size: IntColumn,
    ids: [IntColumn; 8],
}

/// The fields of [`Columns::ids`].
const ID_FIELDS: [Field; 8] = [
    Field::HttpStatus,
    Field::Key,
    Field::RemoteIp,
    Field::UserAgent,
    Field::Operation,
    Field::ErrorCode,
    Field::Referer,
    Field::Requester,
];

#[derive(Default)]
struct UnpackedBlock {
    time: TimeBlock,
    bytes_sent: NumberBlock,
    object_size: NumberBlock,
    ids: [IdBlock; 8],
}

struct IdBlock([u32; BLOCK]);

impl Default for IdBlock {
    fn default() -> IdBlock {
        IdBlock([0; BLOCK])
    }
}

impl Columns {
    fn open(open: impl Fn(Field) -> Result<IntColumn, CacheError>) -> Result<Columns, CacheError> {
        let [status, key, address, agent, operation, error, referer, requester] = ID_FIELDS;
        Ok(Columns {
            time: open(Field::Time)?,
            bytes_sent: open(Field::BytesSent)?,
            object_size: open(Field::ObjectSize)?,
            ids: [
                open(status)?,
                open(key)?,
                open(address)?,
                open(agent)?,
                open(operation)?,
                open(error)?,
                open(referer)?,
                open(requester)?,
            ],
        })
    }

    fn unpack(&self, block: usize, out: &mut UnpackedBlock) {
        self.time.times(block, &mut out.time);
        self.bytes_sent.numbers(block, &mut out.bytes_sent);
        self.object_size.numbers(block, &mut out.object_size);
        for (column, ids) in self.ids.iter().zip(&mut out.ids) {
            column.ids(block, &mut ids.0);
        }
    }
}

impl UnpackedBlock {
    #[inline]
    fn row(&self, row: usize, place: Place, clients: &Clients) -> Row {
        let [status, key, address, agent, operation, error, referer, requester] =
            std::array::from_fn(|field: usize| self.ids[field].0[row]);
        Row {
            time: self.time.get(row),
            place,
            bytes_sent: self.bytes_sent.or_zero(row),
            object_size: self.object_size.or_zero(row),
            status: clients.statuses.get(status as usize).copied().unwrap_or(0),
            is_error: clients.errors.get(status as usize).copied().unwrap_or(false),
            is_read: clients.reads.get(operation as usize).copied().unwrap_or(false),
            key,
            address,
            agent,
            operation,
            error,
            has_referer: referer != 0,
            has_requester: requester != 0,
        }
    }
}
