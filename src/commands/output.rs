//! Output: data goes to stdout, messages go to stderr.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use crate::export::visible;
use crate::human::{count, counted};
use crate::query::Statistics;

/// Buffered standard output, for data only.
pub(super) fn data() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// The width of the terminal in columns; `None` if stdout is not a terminal: tables are then as wide as necessary.
pub(super) fn width() -> Option<u16> {
    let size = if io::stdout().is_terminal() { crossterm::terminal::size().ok() } else { None };
    size.map(|(columns, _)| columns)
}

/// Prints one line on stderr. Control characters are escaped: names of log files may contain them.
pub(super) fn message(text: &str) {
    // There is no other place to report that stderr is closed.
    let _ = writeln!(io::stderr(), "tamarin: {}", visible(text));
}

/// Prints one line on stderr that has no invisible characters: filters and other texts with escapes of their own.
pub(super) fn escaped_message(text: &str) {
    // There is no other place to report that stderr is closed.
    let _ = writeln!(io::stderr(), "tamarin: {text}");
}

/// Prints an error and its causes on stderr, in one line.
pub(super) fn error(error: &anyhow::Error) {
    message(&one_line(error));
}

/// An error and its causes in one line.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Prints the statistics of a query, for `--stats`.
pub(super) fn statistics(statistics: &Statistics) {
    message(&format!(
        "{:.3} s, {} of {} scanned, {} of {} read",
        statistics.elapsed.as_secs_f64(),
        count(statistics.rows_scanned),
        counted(statistics.rows, "row"),
        count(statistics.segments_scanned),
        counted(statistics.segments, "segment"),
    ));
}
