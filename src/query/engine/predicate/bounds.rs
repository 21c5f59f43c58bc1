//! Pruning of segments: the bounds and value sets of the columns of a segment may show that all or none of its rows
//! pass.

use super::Node;
use crate::cache::{CacheError, SegmentInfo, Snapshot, code};

/// Maximum number of ids to look up in the value set of a column; with more, the column is read.
const MAX_IDS_TO_LOOK_UP: u64 = 256;

/// Which rows of a segment pass, as far as is known without reading its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Passes {
    None,
    Some,
    All,
}

impl Node {
    /// The smallest and the largest code of a time that can pass.
    pub(super) fn times(&self) -> (u64, u64) {
        match self {
            Node::Time(from, to) => (*from, *to),
            Node::All(all) => all
                .iter()
                .map(Node::times)
                .fold((0, u64::MAX), |(first, last), (from, to)| (first.max(from), last.min(to))),
            Node::Any(any) => any
                .iter()
                .map(Node::times)
                .reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
                .unwrap_or((u64::MAX, 0)),
            Node::Constant(false) => (u64::MAX, 0),
            _ => (0, u64::MAX),
        }
    }

    pub(super) fn passes(
        &self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<Passes, CacheError> {
        Ok(match self {
            Node::Constant(true) => Passes::All,
            Node::Constant(false) => Passes::None,
            Node::All(all) => all.iter().try_fold(Passes::All, |passes, node| match passes {
                Passes::None => Ok(passes),
                _ => node.passes(segment, snapshot).map(|of_node| passes.min(of_node)),
            })?,
            Node::Any(any) => any.iter().try_fold(Passes::None, |passes, node| match passes {
                Passes::All => Ok(passes),
                _ => node.passes(segment, snapshot).map(|of_node| passes.max(of_node)),
            })?,
            Node::Not(inner) => match inner.passes(segment, snapshot)? {
                Passes::None => Passes::All,
                Passes::Some => Passes::Some,
                Passes::All => Passes::None,
            },
            Node::Ids(field, set) => {
                let (low, high) = snapshot.code_bounds(segment, *field)?;
                let (low, high) = (low as u32, high as u32);
                let span = (u64::from(high) + 1).saturating_sub(low.into());
                let within = u64::from(set.count(low, high));
                let few_pass = within <= MAX_IDS_TO_LOOK_UP;
                match within {
                    0 => Passes::None,
                    _ if within == span => Passes::All,
                    _ if !few_pass && span - within > MAX_IDS_TO_LOOK_UP => Passes::Some,
                    // Few ids pass, or few do not: the segment may not have them.
                    _ => match snapshot.value_set(segment, *field)? {
                        Some(ids) if set.any(low, high, few_pass, |id| ids.contains(id)) => Passes::Some,
                        Some(_) if few_pass => Passes::None,
                        Some(_) => Passes::All,
                        None => Passes::Some,
                    },
                }
            }
            Node::Time(from, to) => {
                let (low, high) = (code::of_time(segment.time_min), code::of_time(segment.time_max));
                range_passes(low, high, *from, *to)
            }
            Node::Number(field, from, to) => {
                let (low, high) = snapshot.code_bounds(segment, *field)?;
                range_passes(low, high, *from, *to)
            }
            Node::TimePart(..) | Node::Detail(..) | Node::Uri(..) => Passes::Some,
        })
    }
}

/// Which codes from `low` to `high` are between `from` and `to`.
pub(super) fn range_passes(low: u64, high: u64, from: u64, to: u64) -> Passes {
    if high < from || to < low {
        Passes::None
    } else if from <= low && high <= to {
        Passes::All
    } else {
        Passes::Some
    }
}
