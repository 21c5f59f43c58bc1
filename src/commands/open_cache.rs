//! Opens the cache for queries, after pulling the sources that the command line names.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;

use super::open_sources::{open_sources, uris};
use super::pull_result::{check_result, has_requests_of};
use super::temporary_cache::{DeleteIfEmpty, TemporaryCache};
use super::{Outcome, context::Context, run_ingest};
use crate::cache::{Cache, CacheError, Writer, is_missing_or_empty};

/// A cache that is ready for queries.
pub(super) struct QueryableCache {
    pub(super) cache: Arc<Cache>,
    /// URIs of the sources that queries read; empty: all.
    pub(super) sources: Vec<String>,
    /// Whether the pull read all log files.
    pub(super) outcome: Outcome,
    _temporary: Option<TemporaryCache>,
}

/// Pulls the sources that `specs` name, if any, and opens the cache.
///
/// If the cache cannot be written but has requests of all sources, nothing is pulled: queries use the cached requests.
pub(super) fn pull_and_open(context: &Context, specs: &[String]) -> anyhow::Result<QueryableCache> {
    if specs.is_empty() {
        let cache = open_cache(&context.cache_path()?)?;
        return Ok(QueryableCache { cache, sources: Vec::new(), outcome: Outcome::Done, _temporary: None });
    }
    let sources = open_sources(context, specs)?;
    let uris = uris(&sources);
    // Queries about piped input must not include the input of earlier commands.
    let is_piped = uris.iter().any(|uri| uri == "-") && context.named_cache().is_none();
    let temporary = if is_piped { Some(TemporaryCache::new()?) } else { None };
    let path = match &temporary {
        Some(temporary) => temporary.path(),
        None => context.cache_path()?,
    };
    let mut delete_if_empty = DeleteIfEmpty::default();
    let outcome = match Writer::open_to_fill(&path) {
        Ok(writer) => {
            delete_if_empty.watch(&writer);
            report_set_aside(context, &writer);
            let progress = run_ingest::run_to_end(context, writer, sources)?;
            check_result(context, &progress, &path, &uris, false)?
        }
        Err(
            error @ (CacheError::Locked { .. }
            | CacheError::ReadOnly { .. }
            | CacheError::Full { .. }
            | CacheError::Unwritable { .. }),
        ) => {
            if !has_requests_of(&path, &uris) {
                return Err(error.into());
            }
            context.note(&format!("{error}; using what the cache has"));
            Outcome::Done
        }
        Err(error) => return Err(error.into()),
    };
    drop(delete_if_empty);
    Ok(QueryableCache { cache: open_cache(&path)?, sources: uris, outcome, _temporary: temporary })
}

/// Opens a cache for reading. If there is none yet, the error says how to fill it.
pub(super) fn open_cache(path: &Path) -> anyhow::Result<Arc<Cache>> {
    if is_missing_or_empty(path)? {
        bail!(
            "nothing is cached yet in {}; name a source: tamarin pull s3://BUCKET, a file or a folder",
            path.display()
        );
    }
    Ok(Arc::new(Cache::open(path)?))
}

/// Names the files of an earlier cache of the same name that the writer set aside.
pub(super) fn report_set_aside(context: &Context, writer: &Writer) {
    for file in writer.renamed_journals() {
        context.note(&format!(
            "an earlier cache of this name left changes that were never written into it; they are kept in {}",
            file.display()
        ));
    }
}
