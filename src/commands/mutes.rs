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
        // Without `..`, so that a new condition cannot be forgotten.
        let Mute { id: _, kind, value, filter, until, reason, added } = mute.clone();
        let row = MutedRow { id: 0, kind, value, filter, until, reason, added };
        cache::mute(&self.path, &row).map_err(failed)
    }

    fn remove(&self, id: i64) -> Result<bool, MuteError> {
        cache::unmute(&self.path, id).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Writer;

    #[test]
    fn a_stored_mute_has_all_of_its_conditions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        drop(Writer::open(&path).unwrap());
        let store = CacheMutes::of(Arc::new(Cache::open(&path).unwrap()));
        let mute = Mute {
            id: 1,
            kind: Some("scraping".to_owned()),
            value: Some(b"203.0.113.7\xff".to_vec()),
            filter: Some("key:a/*".to_owned()),
            until: Some(1_800_000_000),
            reason: Some("a partner".to_owned()),
            added: 1_790_000_000,
        };
        assert_eq!(store.add(&mute), Ok(1));
        assert_eq!(store.mutes().unwrap(), [mute]);
        assert_eq!((store.remove(1), store.remove(1)), (Ok(true), Ok(false)));
    }
}
