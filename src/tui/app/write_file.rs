//! Writes a text to a new file.

use std::fs::OpenOptions;
use std::io::{self, Write};
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
        _ => reason(path, &error),
    })
}

/// Why the file at `path` cannot be written, and what to do.
pub(in crate::tui) fn reason(path: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound
        && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
    {
        return format!("there is no folder {}; create it or name another file", folder.display());
    }
    // Errors of temporary files end with the name of such a file.
    let text = error.to_string();
    let reason = text.split(" at path \"").next().unwrap_or(&text);
    format!("{}: {reason}; name another file", path.display())
}
