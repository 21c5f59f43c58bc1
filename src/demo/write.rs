//! Writes the log files of the demo to disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::{Buffers, Demo, LogFormat, Summary};

impl Demo {
    /// Writes all log files into the folder `dir`, with the names that they would have in a bucket (`media/2026-04-…`), and
    /// an extension if they are not of the text format. After each log file, `on_file` gets the number of log files and requests written so far. Memory does not depend on the
    /// number of requests.
    ///
    /// # Errors
    /// If `dir` exists and is not an empty folder, or cannot be written. The message names it.
    pub fn write_to(
        &self,
        dir: &Path,
        format: LogFormat,
        on_file: &mut dyn FnMut(u64, u64),
    ) -> io::Result<Summary> {
        let failed = |path: &Path, error: io::Error| {
            io::Error::new(error.kind(), format!("{}: cannot be written: {error}", path.display()))
        };
        let unusable = |kind: io::ErrorKind, why: &str| {
            io::Error::new(kind, format!("{}: {why}; name a new or an empty folder", dir.display()))
        };
        match fs::read_dir(dir).map(|mut entries| entries.next().is_some()) {
            Ok(false) => {}
            Ok(true) => return Err(unusable(io::ErrorKind::AlreadyExists, "is not empty")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(unusable(error.kind(), "is a file"));
            }
            Err(error) => return Err(failed(dir, error)),
        }
        let mut summary = Summary::default();
        let (mut buffers, mut text) = (Buffers::default(), Vec::new());
        for (index, name) in self.names.iter().enumerate() {
            text.clear();
            let mut written = self.render(index, &mut buffers, &mut text);
            let path = dir.join(format!("{name}{}", format.extension()));
            if index == 0
                && let Some(folder) = path.parent()
            {
                fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
            }
            let bytes = File::create_new(&path)
                .and_then(|mut file| {
                    format.write(&text, &mut file)?;
                    file.metadata()
                })
                .map_err(|error| failed(&path, error))?
                .len();
            if format != LogFormat::Text {
                // Broken lines are left out.
                (written.rejected, written.bytes) = (0, bytes);
            }
            summary += written;
            on_file(summary.files, summary.requests);
        }
        Ok(summary)
    }

    /// Writes the lines of all log files to `out`.
    pub fn write_to_file(&self, out: &mut dyn Write) -> io::Result<Summary> {
        let mut summary = Summary::default();
        let (mut buffers, mut text) = (Buffers::default(), Vec::new());
        for index in 0..self.files() {
            text.clear();
            summary += self.render(index, &mut buffers, &mut text);
            out.write_all(&text)?;
        }
        out.flush()?;
        Ok(summary)
    }

    /// Counts of the whole demo. This generates all log files.
    pub fn summary(&self) -> Summary {
        // Writing to a sink cannot fail.
        self.write_to_file(&mut io::sink()).unwrap_or_default()
    }
}
