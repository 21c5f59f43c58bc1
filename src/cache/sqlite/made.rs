//! A cache that this process made. It is deleted again if it stays empty.

use super::lock::WriterLock;
use super::place::OpenedPath;
use super::schema;

/// A cache that this process made.
#[derive(Clone, Debug)]
pub struct NewCache {
    place: OpenedPath,
}

impl NewCache {
    pub(in crate::cache) fn at(place: &OpenedPath) -> NewCache {
        NewCache { place: place.clone() }
    }

    /// Deletes the cache if it is still in place and has no source. A cache that another process has open
    /// stays.
    pub fn delete_if_empty(&self) {
        if self.place.has_moved() {
            return;
        }
        // Another writer will add something.
        if let Ok(_lock) = WriterLock::acquire(self.place.path())
            && !self.place.has_moved()
        {
            // A file that cannot be deleted stays.
            let _ = schema::delete_if_empty(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cache::{Cache, Writer};

    #[test]
    fn only_an_empty_cache_that_nobody_else_uses_is_deleted_by_the_process_that_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let made = |writer: &Writer| writer.new_cache().unwrap();

        // A writer has it open.
        let writer = Writer::open(&path).unwrap();
        let made_by_first = made(&writer);
        made_by_first.delete_if_empty();
        assert!(path.exists());
        drop(writer);
        // This writer did not make it.
        assert!(Writer::open(&path).unwrap().new_cache().is_none());
        // A reader has it open.
        let cache = Cache::open(&path).unwrap();
        made_by_first.delete_if_empty();
        assert!(path.exists());
        assert!(cache.sources().unwrap().is_empty());
        drop(cache);
        // It has a source.
        Writer::open(&path).unwrap().source("/var/log/acme").unwrap();
        made_by_first.delete_if_empty();
        assert_eq!(Cache::open(&path).unwrap().sources().unwrap().len(), 1);
        // Another cache has its path.
        let kept = folder.path().join("kept.db");
        std::fs::rename(&path, &kept).unwrap();
        let made_by_second = made(&Writer::open(&path).unwrap());
        made_by_first.delete_if_empty();
        assert!(path.exists());

        made_by_second.delete_if_empty();
        let writer = Writer::open_to_fill(&path).unwrap();
        let made_by_third = made(&writer);
        drop(writer);
        made_by_third.delete_if_empty();
        std::fs::remove_file(kept).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
