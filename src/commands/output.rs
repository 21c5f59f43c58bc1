//! Where words and data go: stdout is data only, people are told on stderr.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use crate::export::visible;
use crate::query::Statistics;

/// Standard output for data.
pub(super) fn data() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// How many columns a table may take: those of the terminal, or all it needs.
pub(super) fn width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    crossterm::terminal::size().ok().map(|(columns, _)| columns)
}

/// One line for a person. Names of log files are chosen by others: nothing unseen gets through.
pub(super) fn tell(text: &str) {
    // Nobody can be told that stderr is gone.
    let _ = writeln!(io::stderr(), "tamarin: {}", visible(text));
}

/// `--stats`.
pub(super) fn tell_statistics(statistics: &Statistics) {
    use crate::export::human::{count, counted};
    tell(&format!(
        "{:.3} s, {} of {} scanned, {} of {} read",
        statistics.elapsed.as_secs_f64(),
        count(statistics.rows_scanned),
        counted(statistics.rows, "row"),
        count(statistics.segments_scanned),
        counted(statistics.segments, "segment"),
    ));
}
