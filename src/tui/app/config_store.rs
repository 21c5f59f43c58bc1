//! The configuration file while the explorer runs: reads it again when it changes, and adds investigations.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::{ConfigFile, Investigation, atomic, edit};
use crate::tui::settings::Settings;

/// The configuration file of a session.
#[derive(Debug)]
pub(crate) struct ConfigStore {
    path: PathBuf,
    /// Time of the last change and size of the file that was read; `None`: there was none.
    seen: Option<(SystemTime, u64)>,
}

fn state_of(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

impl ConfigStore {
    /// The file at `path`, which was just read. It need not exist.
    pub(crate) fn new(path: PathBuf) -> ConfigStore {
        let seen = state_of(&path);
        ConfigStore { path, seen }
    }

    /// The settings, if the file changed since it was last read. Relative times count from `now`.
    pub(in crate::tui) fn changed(&mut self, now: i64) -> Option<Result<Settings, String>> {
        let present = state_of(&self.path);
        if present == self.seen {
            return None;
        }
        self.seen = present;
        if present.is_none() {
            // Without a file, everything is as by default.
            return Some(Ok(Settings::default()));
        }
        let read = ConfigFile::read(Some(&self.path)).and_then(|file| {
            let (settings, problems) = Settings::of(&file.config, now);
            if problems.is_empty() { Ok(settings) } else { Err(file.error(problems)) }
        });
        Some(read.map_err(|error| error.to_string()))
    }

    /// Writes an investigation into the file. Returns the path, or an error message.
    pub(in crate::tui) fn save(
        &mut self,
        name: &str,
        investigation: &Investigation,
    ) -> Result<String, String> {
        let shown = self.path.display().to_string();
        let is_current = state_of(&self.path) == self.seen;
        let before = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("{shown}: {error}")),
        };
        let after = edit::with_investigation(&before, name, investigation)
            .map_err(|reason| format!("{shown}: {reason}"))?;
        atomic::write(&self.path, &after).map_err(|error| format!("{shown}: {error}"))?;
        // The session has it already, unless another program changed the file, too.
        if is_current {
            self.seen = state_of(&self.path);
        }
        Ok(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::NOW;

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let mut store = ConfigStore::new(path.clone());
        assert!(store.changed(NOW).is_none());
        std::fs::write(&path, "theme = \"light\"\n").unwrap();
        assert_eq!(store.changed(NOW).unwrap().unwrap().theme, "light");
        assert!(store.changed(NOW).is_none());
        std::fs::write(&path, "theme = \"lihgt\"\n\n").unwrap();
        let error = store.changed(NOW).unwrap().unwrap_err();
        assert!(error.contains("config.toml: line 1: theme: ") && error.contains("did you mean light?"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(store.changed(NOW).unwrap().unwrap().theme, "auto");
    }

    #[test]
    fn a_saved_investigation_is_in_the_file_and_comments_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tamarin/config.toml");
        let mut store = ConfigStore::new(path.clone());
        let investigation = Investigation { table: "key".to_owned(), ..Investigation::default() };
        store.save("first", &investigation).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("# mine\n{text}")).unwrap();
        store.save("second", &investigation).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in ["# mine", "[investigations.first]", "[investigations.second]"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        std::fs::write(&path, "not toml").unwrap();
        assert!(store.save("third", &investigation).unwrap_err().contains("config.toml"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not toml", "nothing is destroyed");
    }
}
