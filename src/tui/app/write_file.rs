//! Writes a text to a new file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Writes `text` to the file at `path`, which must not exist. An error says what to do.
pub(in crate::tui) fn write_new(path: &Path, text: &str) -> Result<(), String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            format!("{} exists and is never replaced; name another file", path.display())
        }
        _ => format!("{}: {error}; name another file", path.display()),
    })
}
