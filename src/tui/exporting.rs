//! Writes the whole answer behind a table to a file, as `export` spells it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::action::{Export, Exported};
use crate::export::Format;
use crate::query::{Answer, Cancel, Engine};

/// Asks for all rows and writes them; never replaces a file unless somebody agreed.
pub(crate) fn export(engine: &dyn Engine, export: Export) -> Exported {
    if !export.overwrite && export.path.exists() {
        return Exported::Exists(export);
    }
    let reply = match engine.ask(&export.query, &Cancel::default(), &mut |_, _| {}) {
        Ok(reply) => reply,
        Err(error) => return Exported::Failed(format!("nothing was written: {error}")),
    };
    let count = match &reply.answer {
        Answer::Groups(groups) => groups.rows.len(),
        Answer::Series(series) => series.lines.first().map_or(0, Vec::len),
        Answer::Requests(requests) => requests.rows.len(),
        Answer::Totals(_) => 1,
    };
    match write(&export, &reply.answer) {
        Ok(()) => {
            let approximate = match format(&export) {
                Format::Csv => crate::export::approximate(&reply.answer, &export.query.ask),
                _ => Vec::new(),
            };
            Exported::Written { path: export.path, rows: count as u64, approximate }
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Exported::Exists(export),
        Err(error) => Exported::Failed(format!("{}: {error}; name another file", export.path.display())),
    }
}

fn write(export: &Export, answer: &Answer) -> io::Result<()> {
    let path = &export.path;
    if !export.overwrite {
        let file = new_file(path)?;
        return write_answer(file, export, answer);
    }
    // The old file stays whole until the new one is. One that a killed process left is not in the way.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let part = tempfile::Builder::new().prefix(&name).suffix(".part").tempfile_in(folder)?;
    write_answer(part.as_file(), export, answer)?;
    part.persist(path).map(drop).map_err(|error| error.error)
}

/// Makes a file that only its owner may read: logs name people and secrets.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_answer(file: impl Write, export: &Export, answer: &Answer) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    crate::export::write(answer, &export.query.ask, format(export), None, &mut out)?;
    out.flush()
}

/// What the name of the file says.
fn format(export: &Export) -> Format {
    match export.path.extension().and_then(|ending| ending.to_str()) {
        Some(ending) if ending.eq_ignore_ascii_case("csv") => Format::Csv,
        Some(ending) if ending.eq_ignore_ascii_case("ndjson") => Format::Ndjson,
        _ => Format::Json,
    }
}
