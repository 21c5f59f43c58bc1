//! A predicate with the columns of one segment, evaluated block by block.

use std::cell::OnceCell;

use tokio_util::sync::CancellationToken;

use super::bounds::range_passes;
use super::id_sets::IdSet;
use super::kept_masks::{KeptMasks, MaskKey, SegmentMasks};
use super::mask::{Mask, mask_of};
use super::{Node, Passes};
use crate::cache::{BLOCK, CacheError, IntColumn, SegmentInfo, Snapshot, TimeBlock};
use crate::log::Field;
use crate::query::engine::uri_columns::{UriColumns, UriPart};
use crate::query::filter::Matcher;
use crate::query::{Dimension, QueryError};

/// Largest range of the value ids of a block for which the ids that pass are counted before the block is unpacked.
const MAX_ID_SPAN_TO_COUNT: u64 = 512;

pub(super) enum OpenPredicate<'p> {
    Constant(bool),
    All(Vec<OpenPredicate<'p>>),
    Any(Vec<OpenPredicate<'p>>),
    Not(Box<OpenPredicate<'p>>),
    Ids(IdsTest<'p>),
    Known(SegmentMasks),
    /// Codes, both included.
    Range(IntColumn, u64, u64),
    TimePart(IntColumn, &'p Dimension, u32),
    Text(TextTest<'p>),
}

/// A test of value ids. If all blocks are evaluated, their masks are kept for other queries.
pub(super) struct IdsTest<'p> {
    segment: SegmentInfo,
    column: IntColumn,
    set: &'p IdSet,
    kept: (MaskKey, &'p KeptMasks),
    /// The masks of the first blocks. Blocks may be left out.
    masks: Vec<Mask>,
}

/// The text that is tested.
enum TextOf<'p> {
    Detail(Field),
    Uri(&'p UriPart, &'p UriColumns),
}

/// A test on a text column. The first block that is evaluated reads the whole column.
pub(super) struct TextTest<'p> {
    segment: SegmentInfo,
    snapshot: &'p Snapshot<'p>,
    of: TextOf<'p>,
    matcher: &'p Matcher,
    cancel: &'p CancellationToken,
    masks: OnceCell<Vec<Mask>>,
}

impl<'p> OpenPredicate<'p> {
    /// Opens the columns that a node needs. Nodes that the bounds of the segment decide need none.
    pub(super) fn open(
        node: &'p Node,
        segment: &SegmentInfo,
        snapshot: &'p Snapshot<'_>,
        kept: &'p KeptMasks,
        cancel: &'p CancellationToken,
    ) -> Result<OpenPredicate<'p>, CacheError> {
        let open = |node: &'p Node| OpenPredicate::open(node, segment, snapshot, kept, cancel);
        let column = |field| snapshot.int_column(segment, field);
        let open_all = |nodes: &'p [Node]| nodes.iter().map(open).collect::<Result<Vec<_>, _>>();
        let text = |of: TextOf<'p>, matcher: &'p Matcher| {
            let masks = OnceCell::new();
            OpenPredicate::Text(TextTest { segment: *segment, snapshot, of, matcher, cancel, masks })
        };
        Ok(match node.passes(segment, snapshot)? {
            Passes::None => OpenPredicate::Constant(false),
            Passes::All => OpenPredicate::Constant(true),
            Passes::Some => match node {
                Node::Constant(value) => OpenPredicate::Constant(*value),
                Node::All(all) => {
                    let mut all: Vec<OpenPredicate<'_>> = open_all(all)?;
                    // The rows that are known may make the other columns unnecessary.
                    all.sort_by_key(|test| !test.is_known());
                    OpenPredicate::All(all)
                }
                Node::Any(any) => OpenPredicate::Any(open_all(any)?),
                Node::Not(inner) => OpenPredicate::Not(Box::new(open(inner)?)),
                Node::Ids(field, set) => {
                    let key = KeptMasks::key(set, *field, segment, snapshot);
                    match kept.get(&key) {
                        Some(masks) => OpenPredicate::Known(masks),
                        None => {
                            let (segment, column, masks) = (*segment, column(*field)?, Vec::new());
                            OpenPredicate::Ids(IdsTest { segment, column, set, kept: (key, kept), masks })
                        }
                    }
                }
                Node::Time(from, to) => OpenPredicate::Range(column(Field::Time)?, *from, *to),
                Node::Number(field, from, to) => OpenPredicate::Range(column(*field)?, *from, *to),
                Node::TimePart(dimension, parts) => {
                    OpenPredicate::TimePart(column(Field::Time)?, dimension, *parts)
                }
                Node::Detail(field, matcher) => text(TextOf::Detail(*field), matcher),
                Node::Uri(part, columns, matcher) => text(TextOf::Uri(part, columns), matcher),
            },
        })
    }

    /// Whether the test needs no column.
    fn is_known(&self) -> bool {
        match self {
            OpenPredicate::Constant(_) | OpenPredicate::Known(_) => true,
            OpenPredicate::Not(inner) => inner.is_known(),
            _ => false,
        }
    }

    /// The rows of a block that pass. Bits after the last row of the segment are meaningless.
    #[inline]
    pub(super) fn block(&mut self, block: usize) -> Result<Mask, QueryError> {
        Ok(match self {
            OpenPredicate::Constant(true) => Mask::MAX,
            OpenPredicate::Constant(false) => 0,
            OpenPredicate::All(all) => {
                let mut mask = Mask::MAX;
                for node in all {
                    mask &= node.block(block)?;
                    if mask == 0 {
                        break;
                    }
                }
                mask
            }
            OpenPredicate::Any(any) => {
                let mut mask = 0;
                for node in any {
                    mask |= node.block(block)?;
                    if mask == Mask::MAX {
                        break;
                    }
                }
                mask
            }
            OpenPredicate::Not(inner) => !inner.block(block)?,
            OpenPredicate::Ids(test) => test.block(block),
            OpenPredicate::Known(masks) => masks.block(block),
            OpenPredicate::Range(column, from, to) => {
                let (low, high) = column.code_range(block);
                match range_passes(low, high, *from, *to) {
                    Passes::None => 0,
                    Passes::All => Mask::MAX,
                    Passes::Some => {
                        let mut codes = [0u64; BLOCK];
                        column.codes(block, &mut codes);
                        mask_of(|row| (*from <= codes[row]) & (codes[row] <= *to))
                    }
                }
            }
            OpenPredicate::TimePart(column, dimension, parts) => {
                let mut times = TimeBlock::default();
                column.times(block, &mut times);
                mask_of(|row| {
                    let part = dimension.of_time(times.get(row)).unwrap_or(0);
                    *parts >> part & 1 != 0
                })
            }
            OpenPredicate::Text(test) => test.block(block)?,
        })
    }
}

impl IdsTest<'_> {
    fn block(&mut self, block: usize) -> Mask {
        let mask = self.mask(block);
        if self.masks.len() == block {
            self.masks.push(mask);
            if self.masks.len() == self.segment.rows.div_ceil(BLOCK) {
                let (key, kept) = self.kept;
                kept.put(key, std::mem::take(&mut self.masks));
            }
        }
        mask
    }

    #[inline]
    fn mask(&self, block: usize) -> Mask {
        let IdsTest { column, set, .. } = self;
        let (low, high) = column.code_range(block);
        if high - low < MAX_ID_SPAN_TO_COUNT {
            let span = (high - low) as u32 + 1;
            match set.count(low as u32, high as u32) {
                0 => return 0,
                count if count == span => return Mask::MAX,
                _ => {}
            }
        }
        let mut ids = [0u32; BLOCK];
        column.ids(block, &mut ids);
        mask_of(|row| set.has(ids[row]))
    }
}

impl TextTest<'_> {
    fn block(&self, block: usize) -> Result<Mask, QueryError> {
        // An error ends the query, so it need not be remembered.
        let masks = match self.masks.get() {
            Some(masks) => masks,
            None => {
                let masks = self.run()?;
                self.masks.get_or_init(|| masks)
            }
        };
        Ok(masks[block])
    }

    fn run(&self) -> Result<Vec<Mask>, QueryError> {
        let TextTest { segment, snapshot, matcher, cancel, .. } = self;
        let mut masks = vec![0; segment.rows.div_ceil(BLOCK)];
        match self.of {
            TextOf::Detail(field) => snapshot.for_each_text(segment, field, cancel, |row, text| {
                if matcher.is_match(text) {
                    masks[row / BLOCK] |= 1 << (row % BLOCK);
                }
            })?,
            TextOf::Uri(part, columns) => {
                let column = columns.get(part, segment, snapshot, cancel)?;
                let mut passing = IdSet::default();
                passing.push(matcher.is_match(None));
                column.values.iter().for_each(|value| passing.push(matcher.is_match(Some(value))));
                let mut ids = [0u32; BLOCK];
                for (block, mask) in masks.iter_mut().enumerate() {
                    column.ids.ids(block, &mut ids);
                    *mask = mask_of(|row| passing.has(ids[row]));
                }
            }
        }
        Ok(masks)
    }
}
