//! Predicates: a filter, a time range and a way of counting, bound to a snapshot.
//!
//! A filter is compiled to a tree of nodes ([`compile`]): tests on dimensions run once per distinct value
//! ([`id_sets`]), so a row needs only a look-up. The bounds of a segment may decide for all its rows ([`bounds`]);
//! otherwise its columns are opened ([`open`]) and evaluated block by block ([`selected`]). The rows of a segment that
//! pass a test of value ids are kept between queries ([`kept_masks`]).

mod bounds;
mod compile;
mod id_sets;
mod kept_masks;
pub(crate) mod mask;
mod open;
mod selected;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::uri_columns::{UriColumns, UriPart};
use crate::cache::{CacheError, SegmentInfo, Snapshot, SourceId, code};
use crate::identity::host_names::KnownNames;
use crate::log::Field;
use crate::query::filter::Matcher;
use crate::query::{Dimension, Query, QueryError};
use id_sets::IdSet;
use kept_masks::KeptMasks;

pub(crate) use bounds::Passes;
pub(super) use id_sets::IdSets;

/// A condition on rows. Codes: see [`code`].
enum Node {
    Constant(bool),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Ids(Field, Arc<IdSet>),
    /// Codes of times, both included.
    Time(u64, u64),
    /// Bit set of the hours (0–23) or weekdays (1–7) that pass.
    TimePart(Dimension, u32),
    /// Codes of numbers, both included.
    Number(Field, u64, u64),
    Detail(Field, Box<Matcher>),
    Uri(UriPart, Arc<UriColumns>, Box<Matcher>),
}

pub(crate) struct Predicate {
    root: Node,
    /// The sources that are queried; `None`: all.
    sources: Option<Vec<SourceId>>,
    kept: Arc<KeptMasks>,
    cancel: CancellationToken,
}

impl Predicate {
    pub(super) fn new(
        query: &Query,
        snapshot: &Snapshot<'_>,
        sets: &IdSets,
        names: &KnownNames,
        cancel: &CancellationToken,
    ) -> Result<Predicate, QueryError> {
        let sources = (!query.sources.is_empty()).then(|| {
            let wanted = snapshot.sources.iter().filter(|(_, uri)| query.sources.contains(uri));
            wanted.map(|(id, _)| *id).collect()
        });
        let root = compile::compile(query, snapshot, sets, names, cancel)?;
        Ok(Predicate { root, sources, kept: sets.masks.clone(), cancel: cancel.clone() })
    }

    /// The same predicate for a scan that reads the segments that it has begun to their end, although the query is cancelled.
    pub(super) fn of_whole_segments(self) -> Predicate {
        Predicate { cancel: CancellationToken::new(), ..self }
    }

    /// Whether a segment belongs to a source that is queried.
    pub(super) fn has_source_of(&self, segment: &SegmentInfo) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.contains(&segment.source))
    }

    /// Whether every request of the queried sources is selected.
    pub(super) fn selects_all(&self) -> bool {
        matches!(self.root, Node::Constant(true))
    }

    /// The first and the last time that a selected request can have.
    pub(super) fn times(&self) -> (i64, i64) {
        let (first, last) = self.root.times();
        (code::to_time(first), code::to_time(last))
    }

    /// An estimate of the rows of a segment within [`Predicate::times`], as if times were evenly distributed.
    pub(super) fn rows_in_time(&self, segment: &SegmentInfo) -> f64 {
        let (from, to) = self.times();
        let span = |from: i64, to: i64| (to as f64 - from as f64 + 1.0).max(0.0);
        let within = span(segment.time_min.max(from), segment.time_max.min(to));
        segment.rows as f64 * within / span(segment.time_min, segment.time_max).max(1.0)
    }

    /// Which rows of a segment are selected, as far as its bounds show.
    pub(crate) fn passes(
        &self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<Passes, CacheError> {
        if !self.has_source_of(segment) {
            return Ok(Passes::None);
        }
        self.root.passes(segment, snapshot)
    }
}
