//! Parameters of the queries of request URIs, and their methods: columns that the cache does not have, made of a column
//! of text when first asked about and kept, packed as the others are.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cache::budgeted::Budgeted;
use crate::cache::codec::integers::Packer;
use crate::cache::dictionary::{Arena, Interner, hash};
use crate::cache::{Integers, SegmentInfo, Snapshot};
use crate::log::{Field, method};
use crate::query::{Dimension, QueryError};
use tokio_util::sync::CancellationToken;

/// Memory that these columns may take.
const BUDGET: usize = 32 << 20;

/// What of a request URI a column has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OfUri {
    /// The value of a parameter of its query.
    Param(String),
    /// Its method.
    Method,
}

/// The values of a parameter in one segment.
#[derive(Debug)]
pub struct ParamColumn {
    /// Per row: 0 absent, else the place of its value, from 1.
    pub ids: Integers,
    /// Values in order of first sight in this segment.
    pub values: Arena,
}

/// Columns made so far, by what they have and segment.
pub struct Params(Mutex<Budgeted<(OfUri, i64), Arc<ParamColumn>>>);

impl Default for Params {
    fn default() -> Self {
        Params(Mutex::new(Budgeted::new(BUDGET)))
    }
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Params")
    }
}

impl Params {
    /// The column of a parameter or of the methods, of a segment.
    pub fn get(
        &self,
        of: &OfUri,
        segment: &SegmentInfo,
        snapshot: &Snapshot<'_>,
        cancel: &CancellationToken,
    ) -> Result<Arc<ParamColumn>, QueryError> {
        let place = (of.clone(), segment.id);
        if let Some(column) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return Ok(column);
        }
        let dimension = match of {
            OfUri::Param(name) => Some(Dimension::QueryParam { name: name.clone() }),
            OfUri::Method => None,
        };
        let mut interner = Interner::default();
        let mut ids = vec![0u32; segment.rows];
        snapshot.for_each_text(segment, Field::RequestUri, cancel, |row, uri| {
            let value = match &dimension {
                Some(param) => param.derive(uri),
                None => uri.and_then(method::of_request_line).map(Cow::Borrowed),
            };
            if let Some(value) = value {
                ids[row] = interner.intern(&value, hash(&value));
            }
        })?;
        let mut packer = Packer::default();
        packer.pack(&ids, u64::from);
        let ids = Integers::open(packer.bytes)
            .map_err(|damage| snapshot.damaged(segment, Field::RequestUri, damage))?;
        let column = Arc::new(ParamColumn { ids, values: interner.values().clone() });
        let memory = column.ids.memory() + column.values.memory() + size_of::<ParamColumn>();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(place, column.clone(), memory);
        Ok(column)
    }
}
