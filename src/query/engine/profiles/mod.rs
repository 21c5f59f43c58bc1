//! Profiles of several clients in one scan: counts, distinct values, and traits of the first requests.
//!
//! `tally` adds up the requests of one client, `id_counts` its value ids. A client is a value of a dimension in a time
//! range. The tallies over final segments are kept, each on its own: after a pull, other clients may be asked about.

mod id_counts;
mod tally;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::groups::keys::{GroupKeys, OpenKeys};
use super::groups::sums::error_statuses;
use super::partials_cache::{Partial, PartialKey};
use super::predicate::mask::{Mask, for_each_row, mask_of};
use super::{QueryContext, parallel};
use crate::cache::{BLOCK, CacheError, IntColumn, NumberBlock, SegmentId, SegmentInfo, SourceId, TimeBlock};
use crate::log::{Field, method};
use crate::query::{Answer, Dimension, QueryError, TimeRange, Value};
use tally::{PARTIAL, Row};

pub(super) use tally::Tally;

/// Bytes of memory for kept tallies: those of two scans over a million requests.
pub(super) const PARTIALS_BUDGET: usize = 16 << 20;

/// A client: a value of a dimension, in a time range.
pub(super) type ProfiledClient = (Dimension, Value, TimeRange);

/// Bytes of memory of all tallies of a query above which none is kept.
const MAX_KEPT_BYTES: usize = PARTIALS_BUDGET / 2;

/// Not a value of a client.
const NONE: u32 = u32::MAX;

/// A time range and the number of a client.
#[derive(Clone, Copy)]
struct Member {
    /// Both included.
    first: i64,
    last: i64,
    client: usize,
}

/// The clients that are values of one dimension.
struct ClientsOf {
    keys: GroupKeys,
    /// Index into `members` of each group number, or [`NONE`].
    members_of: Vec<u32>,
    /// The clients of each value.
    members: Vec<Vec<Member>>,
}

/// The clients of a query, and what the value ids of some fields mean.
struct Clients {
    by_dimension: Vec<ClientsOf>,
    /// The segments that need not be scanned for each client, sorted.
    included: Vec<Vec<SegmentId>>,
    /// Statuses by value id, 0 if it is no number.
    statuses: Vec<u16>,
    /// Whether an operation reads, by value id.
    reads: Vec<bool>,
    errors: Vec<bool>,
}

impl Clients {
    #[inline]
    fn status(&self, id: u32) -> u16 {
        self.statuses.get(id as usize).copied().unwrap_or(0)
    }
}

impl QueryContext<'_> {
    pub(super) fn answer_profiles(&self, of: &[ProfiledClient]) -> Result<Answer, QueryError> {
        let cache = &self.engine.profile_partials;
        let keys: Vec<PartialKey<ProfiledClient>> = of
            .iter()
            .map(|client| PartialKey::new(self.query, self.snapshot, &self.names, client.clone()))
            .collect();
        let known: Vec<(Option<Arc<Tally>>, Vec<SegmentId>)> = keys
            .iter()
            .map(|key| cache.take(key, &self.snapshot.segments).unzip())
            .map(|(tally, included)| (tally, included.unwrap_or_default()))
            .collect();
        let (finals, growing): (Vec<SegmentInfo>, Vec<SegmentInfo>) =
            self.segments.iter().copied().partition(|segment| segment.is_final);
        let scanned = self.clients(of, &known).and_then(|clients| {
            let scanned = self.tallies(&finals, of.len(), &clients)?;
            Ok((clients, scanned))
        });
        let (clients, scanned) = match scanned {
            Ok(scanned) => scanned,
            Err(error) => {
                for (key, (tally, included)) in keys.into_iter().zip(known) {
                    if let Some(tally) = tally {
                        cache.put(key, tally, included);
                    }
                }
                return Err(error);
            }
        };
        let mut tallies: Vec<Arc<Tally>> = Vec::with_capacity(of.len());
        let mut kept = Vec::with_capacity(of.len());
        for ((key, (known, mut included)), scanned) in keys.into_iter().zip(known).zip(scanned) {
            let tally = match known {
                Some(known) if scanned.is_empty() => known,
                Some(known) => {
                    let mut all = Arc::unwrap_or_clone(known);
                    // Not cancelled halfway, which would lose the kept partial.
                    all.merge(&scanned, &CancellationToken::new())?;
                    Arc::new(all.shrunk())
                }
                None => Arc::new(scanned.shrunk()),
            };
            included.extend(finals.iter().map(|segment| segment.id));
            included.sort_unstable();
            included.dedup();
            kept.push((key, tally.clone(), included));
            tallies.push(tally);
        }
        // If some of the tallies were dropped, the next scan would read all segments for these.
        if tallies.iter().map(|tally| tally.memory()).sum::<usize>() <= MAX_KEPT_BYTES {
            kept.into_iter().for_each(|(key, tally, included)| cache.put(key, tally, included));
        } else {
            drop(kept);
        }
        let growing = self.tallies(&growing, of.len(), &clients)?;
        let profile = |(tally, more): (Arc<Tally>, Tally)| {
            if more.is_empty() {
                return tally.profile(self.snapshot, self.cancel);
            }
            // The kept tally is copied, one at a time.
            let mut all = Arc::unwrap_or_clone(tally);
            all.merge(&more, self.cancel)?;
            all.profile(self.snapshot, self.cancel)
        };
        Ok(Answer::Profiles(tallies.into_iter().zip(growing).map(profile).collect::<Result<_, _>>()?))
    }

    /// What each client did in some segments, without those that a kept partial includes.
    fn tallies(
        &self,
        segments: &[SegmentInfo],
        count: usize,
        clients: &Clients,
    ) -> Result<Vec<Tally>, QueryError> {
        let begin = || vec![Tally::new(self.snapshot); count];
        let states = parallel::scan_segments(segments, self.scan, begin, |tallies, segment| {
            self.add_to_tallies(tallies, segment, clients)
        })?;
        let mut states = states.into_iter();
        let mut tallies = states.next().unwrap_or_else(begin);
        for other in states {
            for (ours, theirs) in tallies.iter_mut().zip(&other) {
                ours.merge(theirs, self.cancel)?;
            }
        }
        Ok(tallies)
    }

    /// `known`: the segments that need not be scanned for each client.
    fn clients<T>(
        &self,
        of: &[ProfiledClient],
        known: &[(T, Vec<SegmentId>)],
    ) -> Result<Clients, QueryError> {
        let mut dimensions: Vec<&Dimension> = Vec::new();
        for (by, _, _) in of {
            if !dimensions.contains(&by) {
                dimensions.push(by);
            }
        }
        let by_dimension =
            dimensions.into_iter().map(|by| self.clients_of(by, of)).collect::<Result<_, _>>()?;
        let statuses = self.snapshot.dictionary(Field::HttpStatus)?;
        let status =
            |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let operations = self.snapshot.dictionary(Field::Operation)?;
        let is_read = |name: &[u8]| matches!(method::of_operation(name), Some(b"GET" | b"HEAD"));
        Ok(Clients {
            by_dimension,
            included: known.iter().map(|(_, included)| included.clone()).collect(),
            statuses: std::iter::once(0).chain(statuses.iter().map(status)).collect(),
            reads: std::iter::once(false).chain(operations.iter().map(is_read)).collect(),
            errors: error_statuses(self.snapshot)?,
        })
    }

    fn clients_of(&self, by: &Dimension, of: &[ProfiledClient]) -> Result<ClientsOf, QueryError> {
        let keys = self.group_keys(by)?;
        let clients = of.iter().enumerate().filter(|(_, (dimension, _, _))| dimension == by);
        let (values, times): (Vec<Value>, Vec<(usize, TimeRange)>) =
            clients.map(|(client, (_, value, time))| (value.clone(), (client, *time))).unzip();
        let groups = keys.groups_of(&values, self.snapshot, self.cancel)?;
        let numbers = groups.iter().flatten().max().map_or(0, |max| *max as usize + 1);
        let mut members_of = vec![NONE; numbers];
        let mut members: Vec<Vec<Member>> = Vec::new();
        for (group, (client, time)) in groups.into_iter().zip(times) {
            let Some(entry) = group.and_then(|group| members_of.get_mut(group as usize)) else { continue };
            if *entry == NONE {
                *entry = members.len() as u32;
                members.push(Vec::new());
            }
            let first = time.start.unwrap_or(i64::MIN);
            // A range that ends before all times has no requests.
            if let Some(last) = time.end.map_or(Some(i64::MAX), |end| end.checked_sub(1)) {
                members[*entry as usize].push(Member { first, last, client });
            }
        }
        Ok(ClientsOf { keys, members_of, members })
    }

    fn add_to_tallies(
        &self,
        tallies: &mut [Tally],
        segment: &SegmentInfo,
        clients: &Clients,
    ) -> Result<(), QueryError> {
        let snapshot = self.snapshot;
        let mut open: Vec<OpenClients<'_>> = Vec::new();
        for of_dimension in &clients.by_dimension {
            open.extend(of_dimension.open(segment, &clients.included, |keys| keys.open(segment, snapshot))?);
        }
        if open.is_empty() {
            return Ok(());
        }
        self.count_scanned(segment);
        let Some(selected) = self.predicate.selected(segment, snapshot)? else { return Ok(()) };
        let columns = Columns::open(|field| snapshot.int_column(segment, field))?;
        let mut object_size: Option<IntColumn> = None;
        let mut unpacked = UnpackedBlock::default();
        for selected in selected {
            let (block, mask) = selected?;
            let mut wanted: Mask = 0;
            for clients in &mut open {
                clients.find(block, mask);
                wanted |= clients.wanted;
            }
            if wanted == 0 {
                continue;
            }
            columns.unpack(block, &mut unpacked);
            // The sizes of objects are a large column, and few operations need them.
            if wanted & mask_of(|row| clients.status(unpacked.status_id(row)) == PARTIAL) != 0 {
                let object_size = match &object_size {
                    Some(column) => column,
                    None => object_size.insert(snapshot.int_column(segment, Field::ObjectSize)?),
                };
                object_size.numbers(block, &mut unpacked.object_size);
            }
            for_each_row(wanted, |row| {
                let of_row = unpacked.row(row, place(segment, block * BLOCK + row), clients);
                for clients in &open {
                    for Member { first, last, client } in clients.members_of_row(row) {
                        if (*first..=*last).contains(&of_row.time) {
                            tallies[*client].add(&of_row);
                        }
                    }
                }
            });
        }
        Ok(())
    }
}

/// The clients of one dimension in one segment.
struct OpenClients<'c> {
    keys: OpenKeys<'c>,
    members_of: &'c [u32],
    /// As [`ClientsOf::members`], but only those for which the segment is scanned.
    members: Vec<Vec<Member>>,
    /// Indexes into `members` of the rows of a block, or [`NONE`].
    of_rows: [u32; BLOCK],
    /// The rows of the block that belong to clients.
    wanted: Mask,
}

impl ClientsOf {
    /// `None` if no client has requests in the segment. `included`: see [`Clients::included`].
    fn open<'c>(
        &'c self,
        segment: &SegmentInfo,
        included: &[Vec<SegmentId>],
        open: impl FnOnce(&'c GroupKeys) -> Result<OpenKeys<'c>, QueryError>,
    ) -> Result<Option<OpenClients<'c>>, QueryError> {
        let is_wanted = |member: &&Member| {
            let is_included = |included: &Vec<SegmentId>| included.binary_search(&segment.id).is_ok();
            member.first <= segment.time_max
                && segment.time_min <= member.last
                && !included.get(member.client).is_some_and(is_included)
        };
        let within = |members: &Vec<Member>| members.iter().filter(is_wanted).copied().collect();
        let members: Vec<Vec<Member>> = self.members.iter().map(within).collect();
        if members.iter().all(Vec::is_empty) {
            return Ok(None);
        }
        let keys = open(&self.keys)?;
        let members_of = self.members_of.as_slice();
        Ok(Some(OpenClients { keys, members_of, members, of_rows: [NONE; BLOCK], wanted: 0 }))
    }
}

impl OpenClients<'_> {
    /// Finds the rows of a block that belong to clients.
    #[inline]
    fn find(&mut self, block: usize, mask: Mask) {
        self.keys.block(block, &mut self.of_rows);
        for of_row in &mut self.of_rows {
            *of_row = self.members_of.get(*of_row as usize).copied().unwrap_or(NONE);
        }
        let members = &self.members;
        self.wanted = mask
            & mask_of(|row| {
                members.get(self.of_rows[row] as usize).is_some_and(|members| !members.is_empty())
            });
    }

    /// The clients of a value, if the row has the value of a client.
    #[inline]
    fn members_of_row(&self, row: usize) -> &[Member] {
        self.members.get(self.of_rows[row] as usize).map_or(&[], Vec::as_slice)
    }
}

/// Where a row is in the order of arrival.
fn place(segment: &SegmentInfo, row: usize) -> (SourceId, u64) {
    (segment.source, segment.first_row + row as u64)
}

struct Columns {
    time: IntColumn,
    bytes_sent: IntColumn,
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
    /// Only if the block has partial responses.
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
        for (column, ids) in self.ids.iter().zip(&mut out.ids) {
            column.ids(block, &mut ids.0);
        }
    }
}

impl UnpackedBlock {
    #[inline]
    fn status_id(&self, row: usize) -> u32 {
        let [status, ..] = &self.ids;
        status.0[row]
    }

    #[inline]
    fn row(&self, row: usize, place: (SourceId, u64), clients: &Clients) -> Row {
        let [status, key, address, agent, operation, error, referer, requester] =
            std::array::from_fn(|field: usize| self.ids[field].0[row]);
        Row {
            time: self.time.get(row),
            place,
            bytes_sent: self.bytes_sent.or_zero(row),
            object_size: self.object_size.or_zero(row),
            status: clients.status(status),
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
