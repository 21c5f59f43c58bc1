//! Profiles: what clients did, in more detail than the stats of a group.

use super::{Stats, Value};

/// What the requests of one value of a dimension have in common, in a time range. Counts are exact; steps and the
/// folder are those of a sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The stats of the requests.
    pub stats: Stats,
    /// Number of distinct keys.
    pub keys: u64,
    /// Number of distinct remote addresses.
    pub addresses: u64,
    /// Number of distinct user agents.
    pub agents: u64,
    /// Number of distinct keys of requests with status 401, 403 or 404.
    pub missed_keys: u64,
    /// Number of distinct operations that were denied (status 403).
    pub denied_operations: u64,
    /// Requests with status 400 to 499.
    pub errors_4xx: u64,
    /// Requests with status 500 to 599.
    pub errors_5xx: u64,
    /// Requests whose operation is a `GET` or `HEAD`.
    pub reads: u64,
    /// Requests without a referer.
    pub without_referer: u64,
    /// Requests with a user agent.
    pub with_agent: u64,
    /// Requests without a requester.
    pub anonymous: u64,
    /// Requests with status 206.
    pub partial: u64,
    /// Bytes sent in these.
    pub partial_bytes: u64,
    /// Sum of the sizes of the distinct objects that these are parts of; `None` if there are more than
    /// [`MAX_PARTIAL_OBJECTS`].
    pub partial_object_bytes: Option<u64>,
    /// Steps from one key to a key that sorts after it, from request to request.
    pub later_keys: u64,
    /// Steps to a key that sorts before it.
    pub earlier_keys: u64,
    /// The folder that the keys have in common, with `/` at its end; empty if they have none.
    pub folder: Vec<u8>,
    /// The key, if all requests that have one have the same.
    pub only_key: Option<Value>,
    /// The most frequent value of these fields, with the number of its requests; of equally frequent values the
    /// smallest. `None` if no request has the field.
    pub address: Option<(Value, u64)>,
    /// The most frequent user agent.
    pub agent: Option<(Value, u64)>,
    /// The most frequent operation.
    pub operation: Option<(Value, u64)>,
    /// The most frequent error code.
    pub error: Option<(Value, u64)>,
}

impl Profile {
    /// The folder that all keys are known to have in common; `None` if they have none, or if there are more requests than
    /// were looked at.
    pub fn folder_of_all(&self) -> Option<&[u8]> {
        let are_all = self.stats.requests <= PROFILE_SAMPLE as u64;
        Some(self.folder.as_slice()).filter(|folder| are_all && !folder.is_empty())
    }
}

/// The steps and the folder of a [`Profile`] are those of its first requests in the order of time, then of arrival: at
/// most this number.
pub const PROFILE_SAMPLE: usize = 2_048;

/// The distinct objects whose sizes a [`Profile`] adds up.
pub const MAX_PARTIAL_OBJECTS: usize = 1 << 13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_first_keys_was_taken_for_that_of_all() {
        let of = |requests: u64| {
            let mut profile = Profile { folder: b"archive/2024/".to_vec(), ..Profile::default() };
            profile.stats.requests = requests;
            profile.folder_of_all().map(<[u8]>::to_vec)
        };
        assert_eq!(of(PROFILE_SAMPLE as u64), Some(b"archive/2024/".to_vec()));
        assert_eq!(of(PROFILE_SAMPLE as u64 + 1), None);
        assert_eq!(Profile::default().folder_of_all(), None);
    }
}
