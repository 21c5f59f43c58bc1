//! The file in which sessions leave things for the next one.

use std::path::{Path, PathBuf};

use crate::config::atomic;
use crate::tui::model::State;
use crate::tui::model::saved::{Saved, VERSION};

/// A larger file was not written by this program.
const MAX_BYTES: u64 = 16 << 20;

/// Where sessions leave things.
#[derive(Clone, Debug)]
pub(crate) struct SessionFile {
    /// The file. It need not exist.
    pub(crate) path: PathBuf,
    /// The cache of the session.
    pub(crate) cache: PathBuf,
}

impl SessionFile {
    /// The name of the cache in the file.
    pub(in crate::tui) fn cache_name(&self) -> String {
        let path = std::fs::canonicalize(&self.cache).unwrap_or_else(|_| self.cache.clone());
        path.to_string_lossy().into_owned()
    }

    /// What earlier sessions left. A file that cannot be used is ignored; the second value says why.
    pub(in crate::tui) fn read(&self) -> (Saved, Option<String>) {
        match read(&self.path) {
            Ok(saved) => (saved, None),
            Err(reason) => {
                tracing::warn!(path = %self.path.display(), reason, "session file ignored");
                let note = format!("{} is ignored: {reason}", self.path.display());
                (Saved::default(), Some(note))
            }
        }
    }

    /// Adds what this session leaves.
    pub(in crate::tui) fn write(&self, state: &State) {
        let (saved, _) = self.read();
        let saved = saved.with(state, &self.cache_name());
        let written = serde_json::to_string_pretty(&saved)
            .map_err(std::io::Error::other)
            .and_then(|text| atomic::write(&self.path, &(text + "\n")));
        if let Err(error) = written {
            tracing::warn!(path = %self.path.display(), %error, "session not written");
        }
    }
}

fn read(path: &Path) -> Result<Saved, String> {
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Saved::default()),
        Err(error) => return Err(error.to_string()),
    };
    if size > MAX_BYTES {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let saved: Saved = serde_json::from_str(&text).map_err(|error| format!("it is damaged ({error})"))?;
    match saved.version {
        VERSION => Ok(saved),
        other => Err(format!("it has version {other}, and this program reads version {VERSION}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, text: Option<&str>) -> SessionFile {
        let path = folder.join("session.json");
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        SessionFile { path, cache: folder.join("cache.db") }
    }

    #[test]
    fn no_file_is_an_empty_session() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(file(folder.path(), None).read(), (Saved::default(), None));
    }

    #[test]
    fn a_broken_file_is_ignored_with_a_note() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("{\"version\": 1,", "it is damaged"),
            ("{\"version\": 99}", "it has version 99"),
            ("[]", "it has version 0"),
            ("{\"version\": 1, \"history\": 5}", "it is damaged"),
        ] {
            let (saved, note) = file(folder.path(), Some(text)).read();
            assert_eq!(saved, Saved::default());
            assert!(note.is_some_and(|note| note.contains(expected)), "{text}");
        }
    }
}
