//! Muted findings in the cache file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cache::{self, Cache, CacheError, MutedRow};
use crate::insight::findings::mute::{Mute, MuteError, MuteStore};

/// The mutes that a cache file has.
pub(super) struct CacheMutes {
    path: PathBuf,
    cache: Arc<Cache>,
}

impl CacheMutes {
    /// The mutes of the file that `cache` reads.
    pub(super) fn of(cache: Arc<Cache>) -> CacheMutes {
        CacheMutes { path: Path::to_owned(cache.path()), cache }
    }
}

fn failed(error: CacheError) -> MuteError {
    MuteError(error.to_string())
}

impl MuteStore for CacheMutes {
    fn mutes(&self) -> Result<Vec<Mute>, MuteError> {
        let rows = self.cache.muted().map_err(failed)?;
        Ok(rows
            .into_iter()
            .map(|MutedRow { id, kind, value, filter, until, reason, added }| Mute {
                id,
                kind,
                value,
                filter,
                until,
                reason,
                added,
            })
            .collect())
    }

    fn add(&self, mute: &Mute) -> Result<i64, MuteError> {
        let Mute { kind, value, filter, until, reason, added, .. } = mute.clone();
        let row = MutedRow { id: 0, kind, value, filter, until, reason, added };
        cache::mute(&self.path, &row).map_err(failed)
    }

    fn remove(&self, id: i64) -> Result<bool, MuteError> {
        cache::unmute(&self.path, id).map_err(failed)
    }
}
