//! Adds up the requests of one client.

use hashbrown::HashMap;
use tokio_util::sync::CancellationToken;

use super::id_counts::{IdCounts, Ids};
use crate::cache::{Snapshot, SourceId};
use crate::log::Field;
use crate::query::engine::groups::sums::Sums;
use crate::query::engine::partials_cache::Partial;
use crate::query::model::profile::{MAX_PARTIAL_OBJECTS, PROFILE_SAMPLE, Profile};
use crate::query::{QueryError, Value};

/// The status of a response with a part of an object.
pub(super) const PARTIAL: u16 = 206;

/// One request. Value ids are those of the snapshot, 0 is absent.
pub(super) struct Row {
    pub time: i64,
    /// Source and row number in it: the order of arrival.
    pub place: (SourceId, u64),
    pub bytes_sent: u64,
    /// Meaningless unless the status is [`PARTIAL`].
    pub object_size: u64,
    pub status: u16,
    pub is_error: bool,
    pub is_read: bool,
    pub key: u32,
    pub address: u32,
    pub agent: u32,
    pub operation: u32,
    pub error: u32,
    pub has_referer: bool,
    pub has_requester: bool,
}

/// What one client did so far.
#[derive(Clone)]
pub(in crate::query::engine) struct Tally {
    sums: Sums,
    keys: Ids,
    addresses: IdCounts,
    agents: IdCounts,
    operations: IdCounts,
    errors: IdCounts,
    missed_keys: Ids,
    denied_operations: Ids,
    /// Sizes of the objects with partial responses; `None` if there are too many.
    partial_objects: Option<HashMap<u32, u64>>,
    /// The last object and size that were added: a client often asks for one part of an object after the other.
    latest_object: (u32, u64),
    sample: Sample,
    errors_4xx: u64,
    errors_5xx: u64,
    reads: u64,
    without_referer: u64,
    anonymous: u64,
    partial: u64,
    partial_bytes: u64,
}

impl Tally {
    pub(super) fn new(snapshot: &Snapshot<'_>) -> Tally {
        let space = |field| snapshot.dictionary_len(field) as usize + 1;
        Tally {
            sums: Sums::default(),
            keys: Ids::new(space(Field::Key)),
            addresses: IdCounts::new(space(Field::RemoteIp)),
            agents: IdCounts::new(space(Field::UserAgent)),
            operations: IdCounts::new(space(Field::Operation)),
            errors: IdCounts::new(space(Field::ErrorCode)),
            missed_keys: Ids::new(space(Field::Key)),
            denied_operations: Ids::new(space(Field::Operation)),
            partial_objects: Some(HashMap::new()),
            latest_object: (0, 0),
            sample: Sample::default(),
            errors_4xx: 0,
            errors_5xx: 0,
            reads: 0,
            without_referer: 0,
            anonymous: 0,
            partial: 0,
            partial_bytes: 0,
        }
    }

    /// Whether there are no requests.
    pub(super) fn is_empty(&self) -> bool {
        self.sums.requests == 0
    }

    /// The same in less memory.
    pub(super) fn shrunk(mut self) -> Tally {
        self.sample.shorten();
        self.sample.requests.shrink_to_fit();
        self
    }

    #[inline]
    pub(super) fn add(&mut self, row: &Row) {
        self.sums.add(row.time, row.bytes_sent, u32::from(row.is_error));
        self.addresses.add(row.address);
        self.agents.add(row.agent);
        self.operations.add(row.operation);
        if row.error != 0 {
            self.errors.add(row.error);
        }
        self.errors_4xx += u64::from((400..500).contains(&row.status));
        self.errors_5xx += u64::from((500..600).contains(&row.status));
        self.reads += u64::from(row.is_read);
        self.without_referer += u64::from(!row.has_referer);
        self.anonymous += u64::from(!row.has_requester);
        match row.status {
            PARTIAL => {
                self.partial += 1;
                self.partial_bytes = self.partial_bytes.saturating_add(row.bytes_sent);
                // A logged size may be absent.
                self.add_partial_object(row.key, row.object_size.max(row.bytes_sent));
            }
            401 | 403 | 404 => {
                if row.key != 0 {
                    self.missed_keys.add(row.key);
                }
                if row.status == 403 {
                    self.denied_operations.add(row.operation);
                }
            }
            _ => {}
        }
        if row.key != 0 {
            self.keys.add(row.key);
            self.sample.add((row.time, row.place.0, row.place.1, row.key));
        }
    }

    #[inline]
    fn add_partial_object(&mut self, key: u32, size: u64) {
        if self.latest_object != (key, size) {
            self.latest_object = (key, size);
            self.add_other_object(key, size);
        }
    }

    fn add_other_object(&mut self, key: u32, size: u64) {
        let Some(objects) = &mut self.partial_objects else { return };
        let known = objects.entry(key).or_default();
        *known = size.max(*known);
        if objects.len() > MAX_PARTIAL_OBJECTS {
            self.partial_objects = None;
        }
    }

    pub(super) fn profile(
        &self,
        snapshot: &Snapshot<'_>,
        cancel: &CancellationToken,
    ) -> Result<Profile, QueryError> {
        let only_key = match self.keys.only() {
            Some(id) => Some(Value::of_field(Field::Key, snapshot.value(Field::Key, id)?.as_deref())),
            None => None,
        };
        let sum = |objects: &HashMap<u32, u64>| {
            objects.values().fold(0, |sum: u64, size| sum.saturating_add(*size))
        };
        let mut profile = Profile {
            stats: self.sums.stats(),
            keys: self.keys.distinct(),
            addresses: self.addresses.distinct(),
            agents: self.agents.distinct(),
            missed_keys: self.missed_keys.distinct(),
            denied_operations: self.denied_operations.distinct(),
            errors_4xx: self.errors_4xx,
            errors_5xx: self.errors_5xx,
            reads: self.reads,
            without_referer: self.without_referer,
            with_agent: self.agents.iter().map(|(_, requests)| u64::from(requests)).sum(),
            anonymous: self.anonymous,
            partial: self.partial,
            partial_bytes: self.partial_bytes,
            partial_object_bytes: self.partial_objects.as_ref().map(sum),
            only_key,
            address: most_frequent(&self.addresses, Field::RemoteIp, snapshot)?,
            agent: most_frequent(&self.agents, Field::UserAgent, snapshot)?,
            operation: most_frequent(&self.operations, Field::Operation, snapshot)?,
            error: most_frequent(&self.errors, Field::ErrorCode, snapshot)?,
            ..Profile::default()
        };
        let keys = snapshot.dictionary_or_cancel(Field::Key, cancel)?;
        let mut last: Option<&[u8]> = None;
        let mut folder: Option<&[u8]> = None;
        for id in self.sample.keys() {
            // A damaged column may have impossible value ids.
            let Some(key) = keys.get(id) else { continue };
            if let Some(last) = last {
                profile.later_keys += u64::from(key > last);
                profile.earlier_keys += u64::from(key < last);
            }
            last = Some(key);
            folder = Some(folder.map_or_else(|| folder_of(key), |folder| common_folder(folder, key)));
        }
        profile.folder = folder.unwrap_or_default().to_vec();
        Ok(profile)
    }
}

/// A request with a key, in the order of time, then of arrival.
type Sampled = (i64, SourceId, u64, u32);

/// Requests in memory before the last ones are dropped.
const MAX_SAMPLED: usize = PROFILE_SAMPLE + PROFILE_SAMPLE / 16;

/// The first [`PROFILE_SAMPLE`] requests with a key, and perhaps some more.
#[derive(Clone, Default)]
struct Sample {
    requests: Vec<Sampled>,
    /// No request after this one is among the first.
    last: Option<Sampled>,
}

impl Sample {
    #[inline]
    fn add(&mut self, request: Sampled) {
        if self.last.is_none_or(|last| request < last) {
            self.push(request);
        }
    }

    fn push(&mut self, request: Sampled) {
        let len = self.requests.len();
        if len == self.requests.capacity() {
            // Doubling would reserve far more than is ever used.
            self.requests.reserve_exact(len.clamp(16, MAX_SAMPLED.saturating_sub(len).max(16)));
        }
        self.requests.push(request);
        if self.requests.len() >= MAX_SAMPLED {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        if self.requests.len() > PROFILE_SAMPLE {
            let (_, last, _) = self.requests.select_nth_unstable(PROFILE_SAMPLE - 1);
            self.last = Some(*last);
            self.requests.truncate(PROFILE_SAMPLE);
        }
    }

    fn merge(&mut self, other: &Sample) {
        other.requests.iter().for_each(|request| self.add(*request));
    }

    /// The keys in the order of the requests.
    fn keys(&self) -> impl Iterator<Item = u32> + use<> {
        let mut requests = self.requests.clone();
        requests.sort_unstable();
        requests.truncate(PROFILE_SAMPLE);
        requests.into_iter().map(|(_, _, _, key)| key)
    }
}

impl Partial for Tally {
    fn merge(&mut self, other: &Tally, _: &CancellationToken) -> Result<(), QueryError> {
        if other.is_empty() {
            return Ok(());
        }
        self.sums.merge(&other.sums);
        self.keys.merge(&other.keys);
        self.addresses.merge(&other.addresses);
        self.agents.merge(&other.agents);
        self.operations.merge(&other.operations);
        self.errors.merge(&other.errors);
        self.missed_keys.merge(&other.missed_keys);
        self.denied_operations.merge(&other.denied_operations);
        match &other.partial_objects {
            Some(objects) => objects.iter().for_each(|(key, size)| self.add_partial_object(*key, *size)),
            None => self.partial_objects = None,
        }
        self.sample.merge(&other.sample);
        self.errors_4xx += other.errors_4xx;
        self.errors_5xx += other.errors_5xx;
        self.reads += other.reads;
        self.without_referer += other.without_referer;
        self.anonymous += other.anonymous;
        self.partial += other.partial;
        self.partial_bytes = self.partial_bytes.saturating_add(other.partial_bytes);
        Ok(())
    }

    fn memory(&self) -> usize {
        let counts = [&self.addresses, &self.agents, &self.operations, &self.errors];
        let ids = [&self.keys, &self.missed_keys, &self.denied_operations];
        size_of::<Tally>()
            + counts.into_iter().map(IdCounts::memory).sum::<usize>()
            + ids.into_iter().map(Ids::memory).sum::<usize>()
            + self.partial_objects.as_ref().map_or(0, HashMap::allocation_size)
            + self.sample.requests.capacity() * size_of::<Sampled>()
    }
}

fn most_frequent(
    counts: &IdCounts,
    field: Field,
    snapshot: &Snapshot<'_>,
) -> Result<Option<(Value, u64)>, QueryError> {
    let Some(most) = counts.iter().map(|(_, count)| count).max() else { return Ok(None) };
    let mut smallest: Option<Value> = None;
    for (id, _) in counts.iter().filter(|(_, count)| *count == most) {
        let value = Value::of_field(field, snapshot.value(field, id)?.as_deref());
        if smallest.as_ref().is_none_or(|smallest| value < *smallest) {
            smallest = Some(value);
        }
    }
    Ok(smallest.map(|value| (value, u64::from(most))))
}

/// The folder of a key, with the slash at its end.
fn folder_of(key: &[u8]) -> &[u8] {
    &key[..memchr::memrchr(b'/', key).map_or(0, |slash| slash + 1)]
}

/// The folder that `folder` and `key` have in common.
fn common_folder<'a>(folder: &'a [u8], key: &[u8]) -> &'a [u8] {
    let same = folder.iter().zip(key).take_while(|(ours, theirs)| ours == theirs).count();
    folder_of(&folder[..same])
}
