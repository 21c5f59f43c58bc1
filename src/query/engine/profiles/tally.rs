//! Adds up the requests of one client.

use hashbrown::{HashMap, HashSet};
use tokio_util::sync::CancellationToken;

use crate::cache::{Snapshot, SourceId};
use crate::log::Field;
use crate::query::engine::groups::sums::Sums;
use crate::query::model::profile::{PROFILE_SAMPLE, Profile};
use crate::query::{QueryError, Value};

/// Source and row number in it: the order of arrival.
pub(super) type Place = (SourceId, u64);

/// One request. Value ids are those of the snapshot, 0 is absent.
pub(super) struct Row {
    pub time: i64,
    pub place: Place,
    pub bytes_sent: u64,
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

/// Number of requests of each value.
type Counts = HashMap<u32, u32>;

/// What one client did so far.
#[derive(Clone, Default)]
pub(super) struct Tally {
    sums: Sums,
    keys: Counts,
    addresses: Counts,
    agents: Counts,
    operations: Counts,
    errors: Counts,
    missed_keys: HashSet<u32>,
    denied_operations: HashSet<u32>,
    /// Sizes of the objects with partial responses.
    partial_objects: HashMap<u32, u64>,
    /// Time, place and key of requests, among them the first [`PROFILE_SAMPLE`].
    sample: Vec<(i64, Place, u32)>,
    errors_4xx: u64,
    errors_5xx: u64,
    reads: u64,
    without_referer: u64,
    anonymous: u64,
    partial: u64,
    partial_bytes: u64,
}

fn count(counts: &mut Counts, id: u32) {
    if id != 0 {
        *counts.entry(id).or_default() += 1;
    }
}

fn merge_counts(ours: &mut Counts, theirs: Counts) {
    for (id, count) in theirs {
        *ours.entry(id).or_default() += count;
    }
}

impl Tally {
    #[inline]
    pub(super) fn add(&mut self, row: &Row) {
        self.sums.add(row.time, row.bytes_sent, u32::from(row.is_error));
        count(&mut self.keys, row.key);
        count(&mut self.addresses, row.address);
        count(&mut self.agents, row.agent);
        count(&mut self.operations, row.operation);
        count(&mut self.errors, row.error);
        self.errors_4xx += u64::from((400..500).contains(&row.status));
        self.errors_5xx += u64::from((500..600).contains(&row.status));
        self.reads += u64::from(row.is_read);
        self.without_referer += u64::from(!row.has_referer);
        self.anonymous += u64::from(!row.has_requester);
        match row.status {
            206 => {
                self.partial += 1;
                self.partial_bytes = self.partial_bytes.saturating_add(row.bytes_sent);
                let size = self.partial_objects.entry(row.key).or_default();
                // A logged size may be absent.
                *size = (*size).max(row.object_size).max(row.bytes_sent);
            }
            401 | 403 | 404 => {
                if row.key != 0 {
                    self.missed_keys.insert(row.key);
                }
                if row.status == 403 {
                    self.denied_operations.insert(row.operation);
                }
            }
            _ => {}
        }
        if row.key != 0 {
            self.sample.push((row.time, row.place, row.key));
            if self.sample.len() >= 2 * PROFILE_SAMPLE {
                self.shorten_sample();
            }
        }
    }

    fn shorten_sample(&mut self) {
        if self.sample.len() > PROFILE_SAMPLE {
            self.sample.select_nth_unstable(PROFILE_SAMPLE - 1);
            self.sample.truncate(PROFILE_SAMPLE);
        }
    }

    pub(super) fn merge(&mut self, other: Tally) {
        self.sums.merge(&other.sums);
        merge_counts(&mut self.keys, other.keys);
        merge_counts(&mut self.addresses, other.addresses);
        merge_counts(&mut self.agents, other.agents);
        merge_counts(&mut self.operations, other.operations);
        merge_counts(&mut self.errors, other.errors);
        self.missed_keys.extend(other.missed_keys);
        self.denied_operations.extend(other.denied_operations);
        for (key, size) in other.partial_objects {
            let ours = self.partial_objects.entry(key).or_default();
            *ours = (*ours).max(size);
        }
        self.sample.extend(other.sample);
        self.shorten_sample();
        self.errors_4xx += other.errors_4xx;
        self.errors_5xx += other.errors_5xx;
        self.reads += other.reads;
        self.without_referer += other.without_referer;
        self.anonymous += other.anonymous;
        self.partial += other.partial;
        self.partial_bytes = self.partial_bytes.saturating_add(other.partial_bytes);
    }

    pub(super) fn profile(
        mut self,
        snapshot: &Snapshot<'_>,
        cancel: &CancellationToken,
    ) -> Result<Profile, QueryError> {
        self.shorten_sample();
        self.sample.sort_unstable();
        let mut profile = Profile {
            stats: self.sums.stats(),
            keys: self.keys.len() as u64,
            addresses: self.addresses.len() as u64,
            agents: self.agents.len() as u64,
            missed_keys: self.missed_keys.len() as u64,
            denied_operations: self.denied_operations.len() as u64,
            errors_4xx: self.errors_4xx,
            errors_5xx: self.errors_5xx,
            reads: self.reads,
            without_referer: self.without_referer,
            anonymous: self.anonymous,
            partial: self.partial,
            partial_bytes: self.partial_bytes,
            partial_object_bytes: self
                .partial_objects
                .values()
                .fold(0, |sum, size| sum.saturating_add(*size)),
            address: most_frequent(&self.addresses, Field::RemoteIp, snapshot)?,
            agent: most_frequent(&self.agents, Field::UserAgent, snapshot)?,
            key: most_frequent(&self.keys, Field::Key, snapshot)?,
            operation: most_frequent(&self.operations, Field::Operation, snapshot)?,
            error: most_frequent(&self.errors, Field::ErrorCode, snapshot)?,
            ..Profile::default()
        };
        let keys = snapshot.dictionary_or_cancel(Field::Key, cancel)?;
        let mut last: Option<&[u8]> = None;
        let mut folder: Option<&[u8]> = None;
        for (_, _, id) in &self.sample {
            // A damaged column may have impossible value ids.
            let Some(key) = keys.get(*id) else { continue };
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

fn most_frequent(
    counts: &Counts,
    field: Field,
    snapshot: &Snapshot<'_>,
) -> Result<Option<(Value, u64)>, QueryError> {
    let Some(most) = counts.values().max() else { return Ok(None) };
    let mut smallest: Option<Value> = None;
    for (id, _) in counts.iter().filter(|(_, count)| *count == most) {
        let value = Value::of_field(field, snapshot.value(field, *id)?.as_deref());
        if smallest.as_ref().is_none_or(|smallest| value < *smallest) {
            smallest = Some(value);
        }
    }
    Ok(smallest.map(|value| (value, u64::from(*most))))
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
