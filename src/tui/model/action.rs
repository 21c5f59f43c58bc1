//! What happens to the explorer ([`Action`]) and what it wants done ([`Effect`]).

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::ingest::Progress;
use crate::query::{Dimension, Query, Sort};
use crate::tui::app::query_runner::Told;
use crate::tui::model::columns::Column;
use crate::tui::model::rows::RowId;

/// When something happened. Handed in with every action, so that nothing inside looks at a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since the epoch: what `time:-6h` in a filter counts from.
    pub(crate) unix: i64,
    /// Milliseconds since the session began; never runs backwards.
    pub(crate) millis: u64,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// The session has begun.
    Begin,
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// An answer, whole or partial, or why there is none.
    Answered(Box<Told>),
    /// Values that complete what stands in the prompt.
    Completed {
        /// Of the request for completion.
        number: u64,
        /// Values of the dimension, most fitting first.
        values: Vec<String>,
    },
    /// How far the ingest is.
    Progress(Box<Progress>),
    /// The data is of this generation now.
    Grown(u64),
    /// The data is held, and of this generation; or why it cannot be held.
    Held(Result<u64, String>),
    /// The time asked for with [`Effect::Wake`] is over.
    Woke(u64),
    /// How many rows of an export are written.
    Exporting {
        /// Written.
        rows: u64,
        /// Of all; 0: it is not known.
        total: u64,
    },
    /// A file was written, or not.
    Exported(Exported),
}

/// How an export ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exported {
    /// Written.
    Written {
        /// Where.
        path: PathBuf,
        /// How many rows.
        rows: u64,
        /// Columns that are not exact, if the file itself does not say so.
        approximate: Vec<&'static str>,
    },
    /// There is such a file already, and nobody agreed to overwrite it.
    Exists(Box<Export>),
    /// It was stopped, and there is no file.
    Cancelled,
    /// Why not.
    Failed(String),
}

/// A table to be written to a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Export {
    /// Where to; the ending tells the format.
    pub(crate) path: PathBuf,
    /// Whether an existing file may be replaced.
    pub(crate) overwrite: bool,
    /// The question whose whole answer is written.
    pub(crate) query: Query,
    /// The columns that are written, in this order; none: all that the answer has.
    pub(crate) columns: Vec<Column>,
    /// The rows that are written; none: all.
    pub(crate) marks: Vec<RowId>,
    /// The order of stretches of time.
    pub(crate) sort: Sort<Column>,
}

impl Eq for Export {}

/// Which standing question; a newer one of the same slot takes the place of the older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// All requests of the sources, for the header.
    Totals,
    /// The timeline above the table.
    Timeline,
    /// The buckets in which bursts are looked for.
    Bursts,
    /// The table.
    Table,
    /// The sparklines of the rows in sight.
    Activity,
    /// The counts of different objects, addresses … of the rows in sight.
    Distinct,
    /// The request in front, every field.
    Detail,
}

impl Slot {
    /// How many there are.
    pub(crate) const COUNT: usize = 7;

    /// Those whose answers belong to a layer.
    pub(crate) const OF_LAYERS: [Slot; 6] =
        [Slot::Timeline, Slot::Bursts, Slot::Table, Slot::Activity, Slot::Distinct, Slot::Detail];
}

/// A question on its way to the engine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    /// What it is for.
    pub(crate) slot: Slot,
    /// Its number; the answer carries it.
    pub(crate) number: u64,
    /// The question itself.
    pub(crate) query: Query,
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Ask the engine; whatever runs in the same slot is cancelled.
    Ask(Box<Question>),
    /// Look for values that complete what stands in the prompt.
    Complete {
        /// Comes back with the values.
        number: u64,
        /// Of which dimension.
        by: Dimension,
        /// What is there already.
        text: String,
    },
    /// Put this text on the clipboard of the terminal.
    Copy(String),
    /// Write a table to a file.
    Export(Box<Export>),
    /// Stop writing it; nothing of it is left.
    StopExport,
    /// Send [`Action::Woke`] with this number after a while.
    Wake {
        /// How long to wait.
        after: Duration,
        /// Comes back.
        number: u64,
    },
    /// Answer every question from one snapshot, or from the newest data again.
    Hold(bool),
    /// Draw everything anew: something else wrote on the screen.
    Redraw,
    /// Give the terminal to the shell for a while.
    Suspend,
    /// End the session.
    Quit,
}
