//! A cache that this process has made, which goes again if nothing is ever put into it.

use super::lock::WriterLock;
use super::place::Place;
use super::schema;

/// A cache that this process has made.
#[derive(Clone, Debug)]
pub struct Made {
    place: Place,
}

impl Made {
    pub(in crate::cache) fn at(place: &Place) -> Made {
        Made { place: place.clone() }
    }

    /// Deletes it if it is still there and nothing was put into it: no source, by no process. One that another
    /// process has open stays.
    pub fn delete_if_empty(&self) {
        if self.place.has_moved() {
            return;
        }
        // Another process that writes will put something into it.
        if let Ok(_lock) = WriterLock::take(self.place.path())
            && !self.place.has_moved()
        {
            // What cannot be deleted stays.
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
        let made = |writer: &Writer| writer.made().unwrap();

        // Another process is about to fill it.
        let writer = Writer::open(&path).unwrap();
        let made_by_first = made(&writer);
        made_by_first.delete_if_empty();
        assert!(path.exists());
        drop(writer);
        // One that it did not make is none of its business.
        assert!(Writer::open(&path).unwrap().made().is_none());
        // A reader has it open.
        let cache = Cache::open(&path).unwrap();
        made_by_first.delete_if_empty();
        assert!(path.exists());
        assert!(cache.sources().unwrap().is_empty());
        drop(cache);
        // Something was put into it.
        Writer::open(&path).unwrap().source("/var/log/acme").unwrap();
        made_by_first.delete_if_empty();
        assert_eq!(Cache::open(&path).unwrap().sources().unwrap().len(), 1);
        // Another one has its name.
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
