//! The loop over selected blocks: every scan of a segment uses it.

use super::mask::{Mask, rows_of_block};
use super::open::OpenPredicate;
use super::{Passes, Predicate};
use crate::cache::{BLOCK, CacheError, SegmentInfo, Snapshot};
use crate::query::QueryError;
use crate::query::engine::cancel::Ticker;

/// The blocks of a segment that have selected rows, with the mask of these rows. Checks for cancellation.
pub(crate) struct SelectedBlocks<'p, F> {
    predicate: OpenPredicate<'p>,
    segment: SegmentInfo,
    block: usize,
    is_wanted: F,
    ticker: Ticker<'p>,
}

impl<F: FnMut(usize) -> bool> Iterator for SelectedBlocks<'_, F> {
    type Item = Result<(usize, Mask), QueryError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.block < self.segment.rows.div_ceil(BLOCK) {
            let block = self.block;
            self.block += 1;
            if let Err(error) = self.ticker.tick() {
                return Some(Err(error));
            }
            if !(self.is_wanted)(block) {
                continue;
            }
            match self.predicate.block(block) {
                Ok(mask) => {
                    let mask = mask & rows_of_block(&self.segment, block);
                    if mask != 0 {
                        return Some(Ok((block, mask)));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

impl Predicate {
    /// The selected blocks of a segment; `None` if its bounds show that no row is selected.
    pub(crate) fn selected<'p>(
        &'p self,
        segment: &SegmentInfo,
        snapshot: &'p Snapshot<'_>,
    ) -> Result<Option<SelectedBlocks<'p, impl FnMut(usize) -> bool + use<>>>, CacheError> {
        self.selected_among(segment, snapshot, |_| true)
    }

    /// Like [`Predicate::selected`], but only blocks for which `is_wanted` returns `true`. The predicate is not
    /// evaluated for other blocks.
    pub(crate) fn selected_among<'p, F: FnMut(usize) -> bool>(
        &'p self,
        segment: &SegmentInfo,
        snapshot: &'p Snapshot<'_>,
        is_wanted: F,
    ) -> Result<Option<SelectedBlocks<'p, F>>, CacheError> {
        let predicate = match self.passes(segment, snapshot)? {
            Passes::None => return Ok(None),
            Passes::All => OpenPredicate::Constant(true),
            Passes::Some => OpenPredicate::open(&self.root, segment, snapshot, &self.kept, &self.cancel)?,
        };
        let ticker = Ticker::of_steps(&self.cancel);
        Ok(Some(SelectedBlocks { predicate, segment: *segment, block: 0, is_wanted, ticker }))
    }

    pub(crate) fn masks(
        &self,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
    ) -> Result<Vec<Mask>, QueryError> {
        let mut masks = vec![0; segment.rows.div_ceil(BLOCK)];
        for selected in self.selected(segment, snapshot)?.into_iter().flatten() {
            let (block, mask) = selected?;
            masks[block] = mask;
        }
        Ok(masks)
    }
}
