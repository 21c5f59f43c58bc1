//! Parsed requests on their way to the writer. A batch has dictionaries of its own, so the writer maps distinct values
//! to value ids, not rows.

use super::encoded_column::EncodedColumn;
use super::file_part::{FilePart, RejectedLine};
use crate::cache::column::layout::{DETAILS, DIMENSIONS, MEASURES};
use crate::cache::column::text::Page;
use crate::cache::dictionary::published::SharedDictionaries;

/// Rows of a full batch. They, and the rows of the block of lines that fills the batch, fit two pages of
/// text, so no page is nearly empty. Several batches are in flight at a time, so they must be small.
pub const BATCH_ROWS: usize = 7_680;

/// Bytes of memory of a full batch. An ordinary batch takes a fifth of them.
pub const BATCH_BYTES: usize = 8 << 20;

/// A batch that took more memory than this is freed, not reused.
pub(super) const MAX_REUSED_BYTES: usize = BATCH_BYTES;

/// Columns of requests, and the parts of log files that gave them.
#[derive(Debug, Default)]
pub struct Batch {
    pub(in crate::cache) times: Vec<i64>,
    pub(in crate::cache) dimensions: [EncodedColumn; DIMENSIONS],
    /// Per row the index into the codes of template fields. Two columns in ten suffice for those fields.
    pub(in crate::cache) frames: Vec<u32>,
    /// 0 is absent; other numbers are stored plus one.
    pub(in crate::cache) measures: [Vec<u64>; MEASURES],
    pub(in crate::cache) details: [Vec<Page>; DETAILS],
    /// [`hash`] of the request id of each row.
    pub(in crate::cache) request_ids: Vec<u64>,
    /// Which lines of which log files the rows came from.
    pub parts: Vec<FilePart>,
    /// The published dictionaries whose value ids the codes are.
    pub(in crate::cache) dictionaries: Option<SharedDictionaries>,
    /// Buffers of pages, to be used again.
    pub(in crate::cache) spare: [Vec<Vec<u8>>; DETAILS],
}

impl Batch {
    /// Number of requests.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Approximate bytes of memory.
    pub fn bytes(&self) -> usize {
        let Batch {
            times,
            dimensions,
            frames,
            measures,
            details,
            request_ids,
            parts,
            dictionaries: _,
            spare: _,
        } = self;
        let per_row = size_of_val(times.as_slice())
            + size_of_val(frames.as_slice())
            + size_of_val(request_ids.as_slice())
            + measures.iter().map(|column| size_of_val(column.as_slice())).sum::<usize>();
        let coded = |EncodedColumn { codes, values, hashes }: &EncodedColumn| {
            size_of_val(codes.as_slice()) + size_of_val(hashes.as_slice()) + values.bytes()
        };
        let pages = details.iter().flatten().map(|page| page.bytes.len());
        let rejected = parts.iter().flat_map(|part| &part.rejected).map(RejectedLine::bytes);
        per_row + dimensions.iter().map(coded).sum::<usize>() + pages.sum::<usize>() + rejected.sum::<usize>()
    }

    /// Time of the newest request.
    pub fn newest(&self) -> Option<i64> {
        self.times.iter().copied().max()
    }

    /// Removes all rows and keeps the memory, unless it is more than [`MAX_REUSED_BYTES`].
    pub(super) fn clear(&mut self) {
        let values = self.dimensions.iter().map(|column| column.values.memory()).sum::<usize>();
        let spare = self.spare.iter().flatten().map(Vec::capacity).sum::<usize>();
        if values + spare + self.times.capacity() * size_of::<[u64; 12]>() > MAX_REUSED_BYTES {
            *self = Batch::default();
            return;
        }
        let Batch {
            times,
            dimensions,
            frames,
            measures,
            details,
            request_ids,
            parts,
            dictionaries,
            spare: _,
        } = self;
        times.clear();
        frames.clear();
        for EncodedColumn { codes, values, hashes } in dimensions {
            codes.clear();
            values.clear();
            hashes.clear();
        }
        measures.iter_mut().for_each(Vec::clear);
        details.iter_mut().for_each(Vec::clear);
        request_ids.clear();
        parts.clear();
        *dictionaries = None;
    }
}
