//! Parsed requests on their way to the writer. A batch has dictionaries of its own, so the writer maps distinct values
//! to value ids, not rows.

use super::encoded_column::EncodedColumn;
use super::file_part::{FilePart, RejectedLine};
use crate::cache::column::layout::{DETAILS, DIMENSIONS, MEASURES};
use crate::cache::{column::text::Page, dictionary::published::SharedDictionaries};

/// Rows of a full batch. These rows, and the further rows of the last block of lines, fit two pages of
/// text, so no page is nearly empty. Several batches are in flight at a time, so they must be small.
pub(crate) const BATCH_ROWS: usize = 7_680;
/// Bytes of memory of a full batch. An ordinary batch takes a fifth as many.
pub const BATCH_BYTES: usize = 8 << 20;
/// A batch that took more memory than this is freed, not reused.
pub(super) const MAX_REUSED_BYTES: usize = BATCH_BYTES;

/// Columns of requests, and the parts of log files that gave them.
#[derive(Debug, Default)]
pub struct Batch {
    pub(in crate::cache) times: Vec<i64>,
    pub(in crate::cache) dimensions: [EncodedColumn; DIMENSIONS],
    /// Per row the index into the codes of template fields: one number instead of a code for each of these fields.
    pub(in crate::cache) templates: Vec<u32>,
    /// 0 is absent; other numbers are stored plus one.
    pub(in crate::cache) measures: [Vec<u64>; MEASURES],
    pub(in crate::cache) details: [Vec<Page>; DETAILS],
    /// [`hash`](crate::cache::dictionary::hash) of the request id of each row.
    pub(in crate::cache) request_ids: Vec<u64>,
    /// Which lines of which log files the rows came from.
    pub parts: Vec<FilePart>,
    /// The published dictionaries that the value ids in the codes refer to.
    pub(in crate::cache) dictionaries: Option<SharedDictionaries>,
    /// Page buffers to be reused.
    pub(in crate::cache) page_buffers: [Vec<Vec<u8>>; DETAILS],
}

impl Batch {
    /// Number of requests.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Approximate bytes of memory.
    pub fn bytes(&self) -> usize {
        let per_row = size_of_val(self.times.as_slice())
            + size_of_val(self.templates.as_slice())
            + size_of_val(self.request_ids.as_slice())
            + self.measures.iter().map(|column| size_of_val(column.as_slice())).sum::<usize>();
        let pages = self.details.iter().flatten().map(|page| page.bytes.len());
        let rejected = self.parts.iter().flat_map(|part| &part.rejected).map(RejectedLine::bytes);
        let dimensions = self.dimensions.iter().map(EncodedColumn::bytes);
        per_row + dimensions.chain(pages).chain(rejected).sum::<usize>()
    }

    /// Time of the newest request.
    pub fn newest(&self) -> Option<i64> {
        self.times.iter().copied().max()
    }

    /// Removes all rows and keeps the memory, unless it is more than [`MAX_REUSED_BYTES`].
    pub(super) fn clear(&mut self) {
        let values = self.dimensions.iter().map(|column| column.values.memory()).sum::<usize>();
        let page_buffers = self.page_buffers.iter().flatten().map(Vec::capacity).sum::<usize>();
        if values + page_buffers + self.times.capacity() * size_of::<[u64; 12]>() > MAX_REUSED_BYTES {
            *self = Batch::default();
            return;
        }
        self.times.clear();
        self.templates.clear();
        self.dimensions.iter_mut().for_each(EncodedColumn::clear);
        self.measures.iter_mut().for_each(Vec::clear);
        self.details.iter_mut().for_each(Vec::clear);
        self.request_ids.clear();
        self.parts.clear();
        self.dictionaries = None;
    }
}
