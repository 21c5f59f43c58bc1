//! The demo as files: to look at, to load elsewhere, to measure with.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::{Demo, Desk, Summary};

impl Demo {
    /// Writes all log files into a folder, under the names that they would have in a bucket
    /// (`media/2026-04-…`). `on_file` is told the log files and requests written so far, after each log file.
    /// Memory does not grow with the number of requests.
    ///
    /// # Errors
    /// The folder exists and is not empty, is no folder, or cannot be written to; the message names it.
    pub fn write_to(&self, dir: &Path, on_file: &mut dyn FnMut(u64, u64)) -> io::Result<Summary> {
        let told = |path: &Path, error: io::Error| {
            io::Error::new(error.kind(), format!("{}: cannot be written: {error}", path.display()))
        };
        match fs::read_dir(dir) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(io::Error::new(
                        io::ErrorKind::AlreadyExists,
                        format!("{}: is not empty; name a new or an empty folder", dir.display()),
                    ));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(io::Error::new(
                    error.kind(),
                    format!("{}: is a file; name a new or an empty folder", dir.display()),
                ));
            }
            Err(error) => return Err(told(dir, error)),
        }
        let mut summary = Summary::default();
        let (mut desk, mut text) = (Desk::default(), Vec::new());
        for (index, name) in self.names.iter().enumerate() {
            text.clear();
            summary += self.render(index, &mut desk, &mut text);
            let path = dir.join(name);
            if index == 0
                && let Some(folder) = path.parent()
            {
                fs::create_dir_all(folder).map_err(|error| told(folder, error))?;
            }
            File::create_new(&path)
                .and_then(|mut file| file.write_all(&text))
                .map_err(|error| told(&path, error))?;
            on_file(summary.files, summary.requests);
        }
        Ok(summary)
    }

    /// Writes the lines of all log files one after the other.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to_file(&self, out: &mut dyn Write) -> io::Result<Summary> {
        let mut summary = Summary::default();
        let (mut desk, mut text) = (Desk::default(), Vec::new());
        for index in 0..self.files() {
            text.clear();
            summary += self.render(index, &mut desk, &mut text);
            out.write_all(&text)?;
        }
        out.flush()?;
        Ok(summary)
    }

    /// The exact truth about the whole demo, found by making up all of it.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        let (mut desk, mut text) = (Desk::default(), Vec::new());
        for index in 0..self.files() {
            text.clear();
            summary += self.render(index, &mut desk, &mut text);
        }
        summary
    }
}
