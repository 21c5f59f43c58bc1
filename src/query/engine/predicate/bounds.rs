//! What can be told of a segment by its bounds, and by the values noted of its columns: whether it has to be
//! read at all.

use crate::cache::{CacheError, SegmentInfo, Snapshot};

use super::Node;

/// So many values are looked for in what is noted of a column before it is read.
const FEW: u64 = 256;

/// What is known of a segment before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// No row.
    None,
    /// Some rows, perhaps.
    Some,
    /// Every row.
    All,
}

impl Node {
    /// Smallest and largest code of a time that can pass.
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
            Node::All(all) => {
                let mut passes = Passes::All;
                for node in all {
                    match node.passes(segment, snapshot)? {
                        Passes::None => return Ok(Passes::None),
                        Passes::Some => passes = Passes::Some,
                        Passes::All => {}
                    }
                }
                passes
            }
            Node::Any(any) => {
                let mut passes = Passes::None;
                for node in any {
                    match node.passes(segment, snapshot)? {
                        Passes::All => return Ok(Passes::All),
                        Passes::Some => passes = Passes::Some,
                        Passes::None => {}
                    }
                }
                passes
            }
            Node::Not(inner) => match inner.passes(segment, snapshot)? {
                Passes::None => Passes::All,
                Passes::Some => Passes::Some,
                Passes::All => Passes::None,
            },
            Node::Ids(field, set) => {
                let (low, high) = snapshot.bounds(segment, *field)?;
                let (low, high) = (low as u32, high as u32);
                let span = (u64::from(high) + 1).saturating_sub(low.into());
                let within = u64::from(set.count(low, high));
                if within == 0 {
                    Passes::None
                } else if within == span {
                    Passes::All
                } else if within <= FEW || span - within <= FEW {
                    // A few values: are they in the segment at all?
                    let is_few_in = within <= FEW;
                    match snapshot.presence(segment, *field)? {
                        Some(presence) if !set.any(low, high, is_few_in, |id| presence.has(id)) => {
                            if is_few_in {
                                Passes::None
                            } else {
                                Passes::All
                            }
                        }
                        _ => Passes::Some,
                    }
                } else {
                    Passes::Some
                }
            }
            Node::Time(from, to) => {
                let (low, high) = (Snapshot::code_of(segment.time_min), Snapshot::code_of(segment.time_max));
                range_passes(low, high, *from, *to)
            }
            Node::Number(field, from, to) => {
                let (low, high) = snapshot.bounds(segment, *field)?;
                range_passes(low as u64, high as u64, *from, *to)
            }
            Node::TimePart(..) | Node::Detail(..) | Node::Param(..) => Passes::Some,
        })
    }
}

pub(super) fn range_passes(low: u64, high: u64, from: u64, to: u64) -> Passes {
    if high < from || to < low {
        Passes::None
    } else if from <= low && high <= to {
        Passes::All
    } else {
        Passes::Some
    }
}
