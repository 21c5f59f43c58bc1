//! Columns that the cache does not have: the values of a query parameter, or the methods, of request URIs. They are
//! computed from the text column when a query first needs them, and kept packed in memory.

use std::borrow::Cow;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::cache::dictionary::{Arena, Interner, hash};
use crate::cache::{ByteCache, IntColumn, SegmentId, SegmentInfo, Snapshot};
use crate::log::{Field, method};
use crate::query::{Dimension, QueryError};

/// Bytes of memory for these columns.
const BUDGET: usize = 32 << 20;

/// The part of a request URI that a column has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum UriPart {
    Param(String),
    Method,
}

#[derive(Debug)]
pub(super) struct UriColumn {
    /// 0 where the part is absent, else the index of its value + 1.
    pub(super) ids: IntColumn,
    /// The values in the order in which they first occur in the segment.
    pub(super) values: Arena,
}

/// The columns that were computed, by part and segment.
pub(super) struct UriColumns(ByteCache<(UriPart, SegmentId), Arc<UriColumn>>);

impl Default for UriColumns {
    fn default() -> Self {
        UriColumns(ByteCache::new(BUDGET))
    }
}

impl UriColumns {
    pub(super) fn get(
        &self,
        part: &UriPart,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
        cancel: &CancellationToken,
    ) -> Result<Arc<UriColumn>, QueryError> {
        let key = (part.clone(), segment.id);
        self.0.get_or_load(&key, || {
            let param = match part {
                UriPart::Param(name) => Some(Dimension::QueryParam { name: name.clone() }),
                UriPart::Method => None,
            };
            let mut interner = Interner::default();
            let mut ids = vec![0u32; segment.rows];
            snapshot.for_each_text(segment, Field::RequestUri, cancel, |row, uri| {
                let value = match &param {
                    Some(param) => param.derive(uri),
                    None => uri.and_then(method::of_request_line).map(Cow::Borrowed),
                };
                if let Some(value) = value {
                    ids[row] = interner.intern(&value, hash(&value));
                }
            })?;
            let ids = IntColumn::of_ids(&ids)
                .map_err(|damage| snapshot.damaged(segment, Field::RequestUri, damage))?;
            let column = Arc::new(UriColumn { ids, values: interner.values().clone() });
            let memory = column.ids.memory() + column.values.memory() + size_of::<UriColumn>();
            Ok((column, memory))
        })
    }
}
