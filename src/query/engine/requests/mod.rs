//! Answers of single requests: the locations of the first requests of an order are found, and only these requests
//! are read ([`row_reader`]).
//!
//! Orders by numbers compare packed columns ([`by_number`]), orders by text compare texts ([`by_text`]). Offsets
//! after the middle of the order are found from its end, and offsets far from both ends through histograms
//! ([`deep_offset`]).

mod by_number;
mod by_text;
pub(super) mod deep_offset;
mod order;
mod pruned_keys;
mod row_reader;
mod text_bound;
pub(super) mod value_ranks;

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::cancel::check_cancelled;
use super::predicate::Passes;
use super::{EngineSnapshot, QueryContext, parallel};
use crate::cache::{SegmentId, Snapshot, SourceId};
use crate::log::{Field, Kind};
use crate::query::{Answer, Query, QueryError, RequestRow, Requests, Sort};
use order::SortOrder;
use row_reader::RowReader;

pub(crate) use order::RowLocation;

/// Minimum number of rows per thread: fewer are read before another thread would have started.
const MIN_ROWS_PER_THREAD: usize = 32;

impl QueryContext<'_> {
    pub(super) fn answer_requests(
        &self,
        sort: Sort<Field>,
        offset: usize,
        limit: usize,
        fields: &[Field],
    ) -> Result<Answer, QueryError> {
        let end = if limit == 0 { usize::MAX } else { offset.saturating_add(limit) };
        let (locations, matched) = if sort.by.kind() == Kind::Detail {
            self.first_by_text(sort, offset, end)?
        } else {
            let ranks = self.value_ranks(sort.by)?;
            let order = SortOrder::new(sort.by, sort.descending, ranks.as_deref().map(Vec::as_slice));
            let deep_offset = &self.engine.deep_offset;
            let may_count = limit > 0 && offset > 0;
            let matched = (may_count
                && (self.predicate.selects_all() || offset >= deep_offset.min_offset_to_count))
                .then(|| self.count_selected())
                .transpose()?;
            match matched {
                Some(matched) if deep_offset.is_far_from_ends(offset as u64, end as u64, matched) => {
                    let (start, before) = self.start_key(order, offset as u64)?;
                    let from = (offset as u64).saturating_sub(before) as usize;
                    let order = SortOrder { start: Some(start), ..order };
                    let (locations, _) = self.first_by_number(order, from, from.saturating_add(limit))?;
                    (locations, matched)
                }
                // After the middle: the last requests are found in reversed order.
                Some(matched) if offset as u64 > matched / 2 => {
                    let from = matched.saturating_sub(end as u64) as usize;
                    let end = matched.saturating_sub(offset as u64) as usize;
                    let order = SortOrder { flip: u64::MAX, ..order };
                    let (mut locations, matched) = self.first_by_number(order, from, end)?;
                    locations.reverse();
                    (locations, matched)
                }
                _ => self.first_by_number(order, offset, end)?,
            }
        };
        let rows = read_rows(self.snapshot, &locations, fields, self.cancel)?;
        Ok(Answer::Requests(Requests { rows, matched }))
    }

    pub(super) fn answer_requests_by_id(&self, ids: &[(u32, u64)]) -> Result<Answer, QueryError> {
        let segments = &self.snapshot.segments;
        let location = |&(source, number): &(u32, u64)| {
            let after = segments.partition_point(|segment| {
                (segment.source, segment.first_row) <= (SourceId::new(source.into()), number)
            });
            let index = after.checked_sub(1)?;
            let segment = segments.get(index)?;
            let row = self.snapshot.row_of_number(segment, number)?;
            (segment.source == SourceId::new(source.into())).then_some(RowLocation { segment: index, row })
        };
        let locations: Vec<RowLocation> = ids.iter().filter_map(location).collect();
        let rows = read_rows(self.snapshot, &locations, &[], self.cancel)?;
        Ok(Answer::Requests(Requests { matched: rows.len() as u64, rows }))
    }

    fn count_selected(&self) -> Result<u64, QueryError> {
        let begin = || 0u64;
        let counts = parallel::scan_segments(&self.segments, self.scan, begin, |count, segment| {
            match self.predicate.passes(segment, self.snapshot)? {
                Passes::None => {}
                Passes::All => *count += segment.rows as u64,
                Passes::Some => {
                    self.count_scanned(segment);
                    for selected in self.predicate.selected(segment, self.snapshot)?.into_iter().flatten() {
                        *count += u64::from(selected?.1.count_ones());
                    }
                }
            }
            Ok(())
        })?;
        Ok(counts.into_iter().sum())
    }

    /// The rank of each value id, if requests are sorted by a dimension.
    fn value_ranks(&self, by: Field) -> Result<Option<Arc<Vec<u32>>>, QueryError> {
        if by.kind() != Kind::Dimension {
            return Ok(None);
        }
        let dictionary = self.snapshot.dictionary_or_cancel(by, self.cancel)?;
        self.engine.value_ranks.get(by, dictionary, self.cancel).map(Some)
    }

    /// The index in the snapshot of each segment, by its id.
    fn segment_indexes(&self) -> HashMap<SegmentId, usize> {
        (self.snapshot.segments.iter().enumerate()).map(|(index, segment)| (segment.id, index)).collect()
    }
}

/// Reads requests on all cores, in the order of their locations. Only `fields` are read, or all if it is empty.
fn read_rows(
    snapshot: &Snapshot<'_>,
    locations: &[RowLocation],
    fields: &[Field],
    cancel: &CancellationToken,
) -> Result<Vec<RequestRow>, QueryError> {
    let segments = &snapshot.segments;
    if !locations.is_empty() && (fields.is_empty() || fields.iter().any(|field| !field.is_stored())) {
        snapshot.expect_origins(cancel)?;
    }
    let is_text = |field: &Field| field.kind() == Kind::Detail;
    let _mapped = match fields.is_empty() || fields.iter().any(is_text) {
        true => Some(snapshot.mapped()?),
        false => None,
    };
    let read = |locations: &[RowLocation]| -> Result<Vec<RequestRow>, QueryError> {
        let mut reader = RowReader::new(snapshot, fields);
        let mut rows = Vec::with_capacity(locations.len());
        for RowLocation { segment, row } in locations {
            check_cancelled(cancel)?;
            if let Some(segment) = segments.get(*segment) {
                rows.push(reader.read(segment, *row)?);
            }
        }
        Ok(rows)
    };
    let mut chunks = locations.chunks(locations.len().div_ceil(parallel::threads()).max(MIN_ROWS_PER_THREAD));
    let first = chunks.next().unwrap_or_default();
    let mut rows: Vec<Result<Vec<RequestRow>, QueryError>> = Vec::new();
    std::thread::scope(|scope| {
        let others: Vec<_> = chunks.map(|chunk| scope.spawn(move || read(chunk))).collect();
        rows.push(read(first));
        for other in others {
            rows.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    let rows: Vec<Vec<RequestRow>> = rows.into_iter().collect::<Result<_, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// For readers that walk over requests in an order and may stop at any of them.
impl EngineSnapshot {
    /// Locations of the first `k` requests that pass the filter of a query, in an order that is not by a detail.
    pub(crate) fn first_requests(
        &self,
        query: &Query,
        sort: Sort<Field>,
        k: usize,
    ) -> Result<Vec<RowLocation>, QueryError> {
        let (predicate, cancel) = (self.predicate(query)?, CancellationToken::new());
        let names = self.engine.derived_groups.known_names();
        let context = QueryContext::new(&self.engine, &self.snapshot, query, &predicate, names, &cancel)?;
        let ranks = context.value_ranks(sort.by)?;
        let order = SortOrder::new(sort.by, sort.descending, ranks.as_deref().map(Vec::as_slice));
        Ok(context.first_by_number(order, 0, k)?.0)
    }

    /// Reads requests. Only `fields` are read, or all if it is empty; others are absent.
    pub(crate) fn read(
        &self,
        locations: &[RowLocation],
        fields: &[Field],
    ) -> Result<Vec<RequestRow>, QueryError> {
        read_rows(&self.snapshot, locations, fields, &CancellationToken::new())
    }
}
