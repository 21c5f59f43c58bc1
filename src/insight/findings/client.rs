//! A client in a period, as detectors look at it.

use super::history::History;
use crate::query::{Dimension, Profile, Value};

/// A client in a period: who, when, and what it did.
pub(super) struct Client<'a> {
    /// The dimension and the value that make the client.
    pub dimension: &'a Dimension,
    pub value: &'a Value,
    /// When the client was active in the whole scope.
    pub history: &'a History,
    /// First second, and first second after its requests in the period.
    pub period: (i64, i64),
    /// What it did in the period.
    pub did: &'a Profile,
}

impl Client<'_> {
    /// Length of the period in seconds.
    pub(super) fn seconds(&self) -> i64 {
        (self.period.1 - self.period.0).max(1)
    }

    pub(super) fn requests(&self) -> f64 {
        self.did.stats.requests.max(1) as f64
    }

    /// `part` as a share of the requests, 0–1.
    pub(super) fn share(&self, part: u64) -> f64 {
        part as f64 / self.requests()
    }

    /// Share of requests with an error.
    pub(super) fn error_share(&self) -> f64 {
        self.share(self.did.stats.errors)
    }

    /// Requests per distinct key; the number of requests if there are no keys.
    pub(super) fn requests_per_key(&self) -> f64 {
        self.requests() / self.did.keys.max(1) as f64
    }

    /// Share of the steps from one key to another that go in the same direction: 1 is the order of the keys, random
    /// visits have about 0.5.
    pub(super) fn order(&self) -> f64 {
        let Profile { later_keys, earlier_keys, .. } = *self.did;
        later_keys.max(earlier_keys) as f64 / (later_keys + earlier_keys).max(1) as f64
    }

    /// Whether most requests are anonymous.
    pub(super) fn is_anonymous(&self) -> bool {
        self.share(self.did.anonymous) > 0.5
    }

    /// How often each byte of the partially read objects was read; 0 if they are too many objects to know.
    pub(super) fn rereads(&self) -> f64 {
        self.did.partial_object_bytes.map_or(0.0, |bytes| self.did.partial_bytes as f64 / bytes.max(1) as f64)
    }

    /// Mean bytes of a partial response.
    pub(super) fn partial_bytes(&self) -> f64 {
        self.did.partial_bytes as f64 / self.did.partial.max(1) as f64
    }

    /// The most frequent user agent, if it sent most requests.
    pub(super) fn main_agent(&self) -> Option<&Value> {
        self.did.agent.as_ref().filter(|(_, requests)| self.share(*requests) > 0.5).map(|(agent, _)| agent)
    }
}
